/* Attention of query heads over one key-value head's cache, chunk by chunk with a running (online)
 * softmax.
 *
 * The cache of one KV head: keys in panels of KN_PANEL_ROWS positions (same interleave as packed
 * weights, so scores need no horizontal sums), values as rows of head_dim per position. Capacity is
 * a multiple of KN_PANEL_ROWS positions.
 *
 * The cache is walked in chunks of KN_ATTN_CHUNK positions at fixed boundaries. Each chunk gives a
 * partial result (maximum, sum, weighted values) and partials are merged in chunk order: the same
 * arithmetic whether one token or many are computed, and whether the chunks of a long context are
 * shared out over threads or not. Milakov and Gimelshein 2018; Dao et al. 2022. */
#pragma once

#include "kn-types.h"

#define KN_ATTN_CHUNK 128

/* Cache formats: KN_F32, KN_F16, KN_Q8_0, KN_Q4_0 (one scale per 32 values), and two of our own
 * with one scale per head and position instead. Or two of them, one for the keys and one for the
 * values. */
#define KN_KV_Q8_HEAD ((KnDtype)230)
#define KN_KV_Q4_HEAD ((KnDtype)231)

static inline KnDtype
kn_kv_pair (KnDtype keys, KnDtype values)
{
  return keys == values ? keys : (KnDtype)((uint32_t)keys | ((uint32_t)values + 1) << 16);
}

static inline KnDtype
kn_kv_keys (KnDtype format)
{
  return (KnDtype)((uint32_t)format & 0xffff);
}

static inline KnDtype
kn_kv_values (KnDtype format)
{
  return (uint32_t)format >> 16 == 0 ? format : (KnDtype)(((uint32_t)format >> 16) - 1);
}

/* "Q8_0", "Q4 per head", "Q8_0 keys, Q4_0 values"; @name is returned. */
#define KN_KV_NAME_BYTES 48
const char *kn_kv_name (KnDtype format, char name[KN_KV_NAME_BYTES]);

int kn_kv_format_ok (KnDtype format,
                     size_t head_dim); /* head_dim a multiple of 32 for Q8 and Q4, else of 2 */
size_t kn_k_bytes (KnDtype format, size_t head_dim, size_t capacity);
size_t kn_v_bytes (KnDtype format, size_t head_dim, size_t capacity);

typedef struct
{
  KnDtype format;
  size_t head_dim;
  const void *k; /* key panels of this KV head */
  const void *v; /* value rows of this KV head */
  size_t first,
      last; /* positions [first, last) of one chunk: within one multiple of KN_ATTN_CHUNK */

  size_t n_queries; /* query rows: heads of the group x tokens */
  const float *
      q; /* [n_queries][head_dim], q_stride floats apart, already multiplied by the softmax scale */
  size_t q_stride;
  const uint32_t
      *n_visible; /* [n_queries]: query i sees positions < n_visible[i]; may be NULL (all) */
  const uint32_t
      *first_visible; /* [n_queries]: and >= first_visible[i] (sliding window); may be NULL (0) */
  float levels; /* 0, or each weight is rounded to a whole number of 1 / levels, a tie to even */
  const float *bias; /* [n_queries]: then added to every visible weight; may be NULL (0) */
  float softcap;     /* 0, or s = softcap * tanh (s / softcap) before the softmax (Gemma 2) */

  float *m, *l;  /* [n_queries] maximum and sum of this chunk; m = -inf when nothing is visible */
  float *o;      /* [n_queries][head_dim] f32, dense: weighted values, not yet divided by l */
  void *scratch; /* kn_attn_scratch_bytes (n_queries, head_dim) */
} KnAttnChunk;

size_t kn_attn_scratch_bytes (size_t n_queries, size_t head_dim);

/* Read one position's key or value [head_dim] back as f32: exact, for checks and for showing the
 * cache. */
void kn_load_k (KnDtype format, const void *k, size_t head_dim, size_t position, float *x);
void kn_load_v (KnDtype format, const void *v, size_t head_dim, size_t position, float *x);

typedef struct
{
  /* Write one position's key or value [head_dim] f32 into the cache. */
  void (*store_k) (KnDtype format, void *k, size_t head_dim, size_t position, const float *x);
  void (*store_v) (KnDtype format, void *v, size_t head_dim, size_t position, const float *x);

  void (*chunk) (const KnAttnChunk *args);

  /* Merge partial (m, l, o) of one query into the running (m0, l0, o0) [head_dim], in place. Start:
   * m0 = -inf, l0 = 0, o0 = 0. */
  void (*merge) (float *m0, float *l0, float *o0, float m, float l, const float *o,
                 size_t head_dim);

  /* y[i] = o[i] / l, 0 when l is 0. */
  void (*finish) (const float *o, float l, size_t head_dim, float *y);
} KnAttnFamily;
