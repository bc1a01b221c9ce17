/* Attention over one KV head's cache in plain C: the specification of the family (kn-attn-spec.h
 * has layout and arithmetic).
 *
 * Called through KnAttnFamily by the attention operator, which owns cache, scratch and the walk
 * over chunks. Must know nothing of layers, threads, or how many chunks there are. */
#include "kn-attn.h"

#include <stdio.h>

#include "kn-attn-spec.h"
#include "kn-table-private.h"

static const char *
one_name (KnDtype format)
{
  if (format == KN_KV_Q8_HEAD)
    return "Q8 per head";
  if (format == KN_KV_Q4_HEAD)
    return "Q4 per head";
  const KnDtypeInfo *info = kn_dtype_info ((int)format);
  return info != NULL ? info->name : "an unknown format";
}

const char *
kn_kv_name (KnDtype format, char name[KN_KV_NAME_BYTES])
{
  const KnDtype keys = kn_kv_keys (format), values = kn_kv_values (format);

  if (keys == values)
    snprintf (name, KN_KV_NAME_BYTES, "%s", one_name (keys));
  else
    snprintf (name, KN_KV_NAME_BYTES, "%s keys, %s values", one_name (keys), one_name (values));
  return name;
}

static int
one_format_ok (KnDtype format, size_t head_dim)
{
  if (format == KN_F32 || format == KN_F16)
    return head_dim % 2 == 0;
  return (format == KN_Q8_0 || format == KN_Q4_0 || kn_kv_is_per_head (format))
         && head_dim % 32 == 0 && head_dim <= KN_MAX_HEAD_DIM;
}

int
kn_kv_format_ok (KnDtype format, size_t head_dim)
{
  return head_dim != 0 && one_format_ok (kn_kv_keys (format), head_dim)
         && one_format_ok (kn_kv_values (format), head_dim);
}

/* Keys and values in the same format take the same room. */
static size_t
cache_bytes (KnDtype format, size_t head_dim, size_t capacity)
{
  if (!kn_kv_format_ok (format, head_dim))
    return 0;
  return (capacity + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS * kn_kv_panel_bytes (format, head_dim);
}

size_t
kn_k_bytes (KnDtype format, size_t head_dim, size_t capacity)
{
  return cache_bytes (kn_kv_keys (format), head_dim, capacity);
}

size_t
kn_v_bytes (KnDtype format, size_t head_dim, size_t capacity)
{
  return cache_bytes (kn_kv_values (format), head_dim, capacity);
}

size_t
kn_attn_scratch_bytes (size_t n_queries, size_t head_dim)
{
  const size_t padded = (head_dim + 63) & ~(size_t)63;
  const size_t bytes = KN_ATTN_TILE
                       * (KN_ATTN_CHUNK * sizeof (float) + padded
                          + padded / 32 * (sizeof (float) + sizeof (int32_t)));
  return (bytes + KN_ALIGN - 1) & ~(size_t)(KN_ALIGN - 1);
}

/* --- store --- */

static void
store_k_q8 (KnDtype format, uint8_t *panel, size_t head_dim, size_t row, const float *x)
{
  const size_t group = kn_kv_group (format, head_dim);
  uint16_t *scales = kn_k_scales (format, panel, head_dim);
  int8_t codes[KN_MAX_HEAD_DIM];

  for (size_t g = 0; g < head_dim / group; g++)
    {
      const float *from = x + g * group;
      const float scale
          = kn_q8_group (from, group, codes + g * group, kn_kv_scale (kn_amax (from, group)));
      scales[g * 16 + row] = kn_f16_store (scale);
    }
  for (size_t i = 0; i < head_dim; i += 4)
    memcpy (panel + i * 16 + row * 4, codes + i, 4);
}

static void
store_k_c (KnDtype format, void *k, size_t head_dim, size_t position, const float *x)
{
  format = kn_kv_keys (format);
  uint8_t *panel = (uint8_t *)kn_k_panel (format, k, head_dim, position);
  const size_t row = position % KN_PANEL_ROWS;

  if (kn_kv_is_q4 (format))
    kn_store_k4 (format, k, head_dim, position, x);
  else if (kn_kv_is_coded (format))
    store_k_q8 (format, panel, head_dim, row, x);
  else if (format == KN_F16)
    for (size_t d = 0; d < head_dim; d++)
      ((uint16_t *)(void *)panel)[d * 16 + row] = kn_f16_store (x[d]);
  else
    for (size_t d = 0; d < head_dim; d++)
      ((float *)(void *)panel)[d * 16 + row] = x[d];
}

static void
store_v_q8 (KnDtype format, void *v, size_t head_dim, size_t position, const float *x)
{
  const size_t group = kn_kv_group (format, head_dim);
  int8_t *codes = (int8_t *)kn_v_codes (format, v, head_dim, position);
  uint16_t *scales = kn_v_scales (format, v, head_dim, position);

  for (size_t g = 0; g < head_dim / group; g++)
    {
      const float scale = kn_kv_scale (kn_amax (x + g * group, group));
      scales[g] = kn_f16_store (kn_q8_group (x + g * group, group, codes + g * group, scale));
    }
}

static void
store_v_c (KnDtype format, void *v, size_t head_dim, size_t position, const float *x)
{
  format = kn_kv_values (format);
  if (kn_kv_is_q4 (format))
    kn_store_v4 (format, v, head_dim, position, x);
  else if (kn_kv_is_coded (format))
    store_v_q8 (format, v, head_dim, position, x);
  else if (format == KN_F16)
    for (size_t d = 0; d < head_dim; d++)
      ((uint16_t *)v)[position * head_dim + d] = kn_f16_store (x[d]);
  else
    memcpy ((float *)v + position * head_dim, x, head_dim * sizeof (float));
}

/* --- load --- */

/* Coordinate @d of position @row of a panel of keys, as an integer. */
static int
k_code (KnDtype format, const uint8_t *panel, size_t row, size_t d)
{
  if (!kn_kv_is_q4 (format))
    return (int8_t)panel[d / 4 * 64 + row * 4 + d % 4];
  const size_t c = d % 16;
  const uint8_t both = panel[d / 32 * 256 + c / 4 * 64 + row * 4 + c % 4];
  return (d % 32 < 16 ? both & 15 : both >> 4) - 8;
}

static int
v_code (KnDtype format, const uint8_t *codes, size_t d)
{
  if (!kn_kv_is_q4 (format))
    return (int8_t)codes[d];
  const uint8_t both = codes[d / 32 * 16 + d % 16];
  return (d % 32 < 16 ? both & 15 : both >> 4) - 8;
}

void
kn_load_k (KnDtype format, const void *k, size_t head_dim, size_t position, float *x)
{
  format = kn_kv_keys (format);
  const uint8_t *panel = kn_k_panel (format, k, head_dim, position);
  const uint16_t *scales = kn_k_scales (format, panel, head_dim);
  const size_t row = position % KN_PANEL_ROWS;

  for (size_t d = 0; d < head_dim; d++)
    if (kn_kv_is_coded (format))
      x[d] = (float)k_code (format, panel, row, d)
             * kn_f16_load (scales[d / kn_kv_group (format, head_dim) * 16 + row]);
    else if (format == KN_F16)
      x[d] = kn_f16_load (((const uint16_t *)(const void *)panel)[d * 16 + row]);
    else
      x[d] = ((const float *)(const void *)panel)[d * 16 + row];
}

/* Coordinate @d of the value of a position. */
static float
value (KnDtype format, const void *v, size_t head_dim, size_t position, size_t d)
{
  if (kn_kv_is_coded (format))
    return (float)v_code (format, kn_v_codes (format, v, head_dim, position), d)
           * kn_f16_load (
               kn_v_scales (format, v, head_dim, position)[d / kn_kv_group (format, head_dim)]);
  if (format == KN_F16)
    return kn_f16_load (((const uint16_t *)v)[position * head_dim + d]);
  return ((const float *)v)[position * head_dim + d];
}

void
kn_load_v (KnDtype format, const void *v, size_t head_dim, size_t position, float *x)
{
  for (size_t d = 0; d < head_dim; d++)
    x[d] = value (kn_kv_values (format), v, head_dim, position, d);
}

/* --- chunk --- */

/* Scores of one query against the 16 positions of a panel. */
static void
panel_scores_float (const KnAttnChunk *a, KnDtype format, const float *q, size_t position,
                    float s[16])
{
  const uint8_t *panel = kn_k_panel (format, a->k, a->head_dim, position);
  for (size_t j = 0; j < 16; j++)
    s[j] = 0.0f;
  for (size_t d = 0; d < a->head_dim; d++)
    for (size_t j = 0; j < 16; j++)
      {
        const size_t at = d * 16 + j;
        const float k = format == KN_F32
                            ? ((const float *)(const void *)panel)[at]
                            : kn_f16_load (((const uint16_t *)(const void *)panel)[at]);
        s[j] = fmaf (q[d], k, s[j]);
      }
}

static void
panel_scores_coded (const KnAttnChunk *a, KnDtype format, const int8_t *q, const float *q_scales,
                    size_t position, float s[16])
{
  const uint8_t *panel = kn_k_panel (format, a->k, a->head_dim, position);
  const uint16_t *scales = kn_k_scales (format, panel, a->head_dim);
  const size_t group = kn_kv_group (format, a->head_dim);
  for (size_t j = 0; j < 16; j++)
    s[j] = 0.0f;
  for (size_t g = 0; g < a->head_dim / group; g++)
    for (size_t j = 0; j < 16; j++)
      {
        int32_t dot = 0;
        for (size_t i = g * group; i < (g + 1) * group; i++)
          dot += q[i] * k_code (format, panel, j, i);
        s[j] = fmaf ((float)dot, q_scales[g] * kn_f16_load (scales[g * 16 + j]), s[j]);
      }
}

/* Scores of the panels that hold [lo, hi), -inf where a position is not visible. Returns the
 * largest. */
static float
query_scores (const KnAttnChunk *a, const KnAttnScratch *scratch, const float *q, size_t lo,
              size_t hi, float *scores)
{
  const KnDtype format = kn_kv_keys (a->format);
  const size_t group = kn_kv_group (format, a->head_dim);
  const float inverse_cap = 1.0f / a->softcap;
  float m = -INFINITY;

  if (kn_kv_is_coded (format))
    for (size_t g = 0; g < a->head_dim / group; g++)
      scratch->q_scales[g] = kn_q8_group (q + g * group, group, scratch->q_codes + g * group,
                                          kn_q_scale (kn_amax (q + g * group, group)));

  for (size_t p = lo / 16 * 16; p < hi; p += 16)
    {
      float *s = scores + p % KN_ATTN_CHUNK;
      if (kn_kv_is_coded (format))
        panel_scores_coded (a, format, scratch->q_codes, scratch->q_scales, p, s);
      else
        panel_scores_float (a, format, q, p, s);
      for (size_t j = 0; j < 16; j++)
        {
          if (a->softcap != 0.0f)
            s[j] = kn_softcap1 (s[j], a->softcap, inverse_cap);
          if (p + j < lo || p + j >= hi)
            s[j] = -INFINITY;
          m = kn_max1 (m, s[j]);
        }
    }
  return m + 0.0f;
}

static void
chunk_query (const KnAttnChunk *a, size_t i)
{
  const KnAttnScratch scratch = kn_attn_scratch (a);
  float *p = scratch.scores;
  float *o = a->o + i * a->head_dim;
  float lane[KN_LANES] = { 0 };
  size_t lo, hi;

  a->m[i] = -INFINITY;
  a->l[i] = 0.0f;
  for (size_t d = 0; d < a->head_dim; d++)
    o[d] = 0.0f;
  if (!kn_attn_range (a, i, &lo, &hi))
    return;

  a->m[i] = query_scores (a, &scratch, a->q + i * a->q_stride, lo, hi, p);
  const float shift = kn_softmax_shift (a->m[i]);
  const size_t first = lo / 16 * 16 % KN_ATTN_CHUNK, end = (hi - 1) % KN_ATTN_CHUNK + 1;
  for (size_t j = first; j < (end + 15) / 16 * 16; j++)
    {
      p[j] = kn_exp1 (p[j] - shift);
      lane[j % KN_LANES] += p[j];
    }
  a->l[i] = kn_sum_lanes (lane);
  if (a->levels != 0.0f)
    kn_round_weights (p + lo % KN_ATTN_CHUNK, hi - lo, a->levels, a->bias ? a->bias[i] : 0.0f);

  for (size_t t = lo; t < hi; t++)
    for (size_t d = 0; d < a->head_dim; d++)
      o[d] = fmaf (p[t % KN_ATTN_CHUNK], value (kn_kv_values (a->format), a->v, a->head_dim, t, d),
                   o[d]);
}

static void
chunk_c (const KnAttnChunk *a)
{
  for (size_t i = 0; i < a->n_queries; i++)
    chunk_query (a, i);
}

/* --- merge --- */

static void
merge_c (float *m0, float *l0, float *o0, float m, float l, const float *o, size_t head_dim)
{
  const float top = kn_max1 (*m0, m);
  const float w0 = kn_merge_weight (*m0, top), w = kn_merge_weight (m, top);

  for (size_t d = 0; d < head_dim; d++)
    o0[d] = fmaf (o[d], w, o0[d] * w0);
  *l0 = fmaf (l, w, *l0 * w0);
  *m0 = top;
}

static void
finish_c (const float *o, float l, size_t head_dim, float *y)
{
  for (size_t d = 0; d < head_dim; d++)
    y[d] = l == 0.0f ? 0.0f : o[d] / l;
}

void
kn_attn_c (KnAttnFamily *f)
{
  *f = (KnAttnFamily){
    .store_k = store_k_c,
    .store_v = store_v_c,
    .chunk = chunk_c,
    .merge = merge_c,
    .finish = finish_c,
  };
}
