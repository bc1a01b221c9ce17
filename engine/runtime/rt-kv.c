/* The key-value cache: where the keys and values of a block, head and chunk of positions lie.
 * Filled and read by the attention operator through the kernels; the executor moves its length.
 * Knows nothing of layouts inside a head. */
#include "rt-kv.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "rt-tree.h"

struct RtKv
{
  KnDtype format;
  uint32_t n_layers, n_heads, head_dim;
  uint32_t capacity, n_used;
  uint64_t chunk_bytes; /* of a full chunk; the last may be shorter */
  uint64_t n_bytes;
  uint8_t *memory;

  float *drafts; /* [n_layers][n_drafts][2][n_heads * head_dim] */
  uint32_t n_drafts;
  const KnAttnFamily *kernels;
  uint32_t drafted_first, n_drafted; /* tokens of the last tree from this position on */
  uint32_t drafted[RT_TREE_MAX_TOKENS];
};

static uint64_t
align_up (uint64_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

static uint32_t
round_capacity (uint32_t capacity)
{
  return (capacity + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS * KN_PANEL_ROWS;
}

/* Bytes of the keys of one head for @n_positions. */
static uint64_t
k_bytes (KnDtype format, uint32_t head_dim, uint32_t n_positions)
{
  return align_up (kn_k_bytes (format, head_dim, n_positions));
}

static uint64_t
head_bytes (KnDtype format, uint32_t head_dim, uint32_t n_positions)
{
  return k_bytes (format, head_dim, n_positions)
         + align_up (kn_v_bytes (format, head_dim, n_positions));
}

uint64_t
rt_kv_plan_bytes (KnDtype format, uint32_t n_layers, uint32_t n_heads, uint32_t head_dim,
                  uint32_t capacity)
{
  if (!kn_kv_format_ok (format, head_dim) || capacity > INT32_MAX)
    return 0;

  capacity = round_capacity (capacity);
  uint64_t bytes = capacity / KN_ATTN_CHUNK * head_bytes (format, head_dim, KN_ATTN_CHUNK)
                   + head_bytes (format, head_dim, capacity % KN_ATTN_CHUNK);
  if (__builtin_mul_overflow (bytes, (uint64_t)n_layers * n_heads, &bytes))
    return 0;
  return bytes;
}

RtKv *
rt_kv_new (KnDtype format, uint32_t n_layers, uint32_t n_heads, uint32_t head_dim,
           uint32_t capacity, RtError *error)
{
  uint64_t bytes = rt_kv_plan_bytes (format, n_layers, n_heads, head_dim, capacity);
  char name[KN_KV_NAME_BYTES];

  if (bytes == 0)
    {
      rt_fail (error, RT_ERROR_UNSUPPORTED,
               "A key-value cache in %s does not fit %u blocks of %u heads of %u values and %u "
               "positions: use F16, F32, or (for heads of a multiple of 32) Q8_0 or Q4_0",
               kn_kv_name (format, name), n_layers, n_heads, head_dim, capacity);
      return NULL;
    }

  RtKv *kv = calloc (1, sizeof *kv);
  /* Mapped, not allocated: pages that no position was written to stay unused, and all start as
   * zeros, which panels that are read whole need. */
  void *memory = bytes <= SIZE_MAX ? mmap (NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                                   : MAP_FAILED;
  if (kv == NULL || memory == MAP_FAILED)
    {
      if (memory != MAP_FAILED)
        munmap (memory, (size_t)bytes);
      free (kv);
      rt_fail (error, RT_ERROR_MEMORY,
               "No memory for a key-value cache of %" PRIu64
               " MiB (%u positions): use a shorter context or a smaller cache format",
               bytes >> 20, capacity);
      return NULL;
    }
  madvise (memory, (size_t)bytes, MADV_HUGEPAGE);

  *kv = (RtKv){
    .format = format,
    .n_layers = n_layers,
    .n_heads = n_heads,
    .head_dim = head_dim,
    .capacity = round_capacity (capacity),
    .chunk_bytes = (uint64_t)n_layers * n_heads * head_bytes (format, head_dim, KN_ATTN_CHUNK),
    .n_bytes = bytes,
    .memory = memory,
  };
  return kv;
}

void
rt_kv_free (RtKv *kv)
{
  if (kv == NULL)
    return;
  munmap (kv->memory, (size_t)kv->n_bytes);
  free (kv->drafts);
  free (kv);
}

KnDtype
rt_kv_format (const RtKv *kv)
{
  return kv->format;
}

uint32_t
rt_kv_capacity (const RtKv *kv)
{
  return kv->capacity;
}

uint32_t
rt_kv_n_used (const RtKv *kv)
{
  return kv->n_used;
}

void
rt_kv_set_n_used (RtKv *kv, uint32_t n_used)
{
  kv->n_used = n_used < kv->capacity ? n_used : kv->capacity;
}

static uint64_t
draft_bytes (const RtKv *kv, uint32_t n_tokens)
{
  return (uint64_t)kv->n_layers * n_tokens * 2 * kv->n_heads * kv->head_dim * sizeof (float);
}

uint64_t
rt_kv_bytes (const RtKv *kv)
{
  return kv->n_bytes + draft_bytes (kv, kv->n_drafts);
}

uint64_t
rt_kv_bytes_per_position (const RtKv *kv)
{
  return (uint64_t)kv->n_layers * kv->n_heads
         * (kn_k_bytes (kv->format, kv->head_dim, KN_PANEL_ROWS)
            + kn_v_bytes (kv->format, kv->head_dim, KN_PANEL_ROWS))
         / KN_PANEL_ROWS;
}

/* Positions that @chunk has room for. */
static uint32_t
chunk_positions (const RtKv *kv, uint32_t chunk)
{
  uint32_t n = kv->capacity - chunk * KN_ATTN_CHUNK;
  return n < KN_ATTN_CHUNK ? n : KN_ATTN_CHUNK;
}

void *
rt_kv_k (RtKv *kv, uint32_t layer, uint32_t head, uint32_t chunk)
{
  return kv->memory + chunk * kv->chunk_bytes
         + ((uint64_t)layer * kv->n_heads + head)
               * head_bytes (kv->format, kv->head_dim, chunk_positions (kv, chunk));
}

void *
rt_kv_v (RtKv *kv, uint32_t layer, uint32_t head, uint32_t chunk)
{
  return (uint8_t *)rt_kv_k (kv, layer, head, chunk)
         + k_bytes (kv->format, kv->head_dim, chunk_positions (kv, chunk));
}

/* ---- drafts ---- */

bool
rt_kv_reserve_drafts (RtKv *kv, const KnAttnFamily *kernels, uint32_t n_tokens, RtError *error)
{
  kv->kernels = kernels;
  if (n_tokens <= kv->n_drafts)
    return true;

  float *drafts = malloc ((size_t)draft_bytes (kv, n_tokens));
  if (drafts == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "No memory for %u drafted tokens (%" PRIu64 " KiB)",
                    n_tokens, draft_bytes (kv, n_tokens) >> 10);
  free (kv->drafts);
  kv->drafts = drafts;
  kv->n_drafts = n_tokens;
  kv->n_drafted = 0;
  return true;
}

float *
rt_kv_draft_k (RtKv *kv, uint32_t layer, uint32_t token)
{
  return kv->drafts + ((size_t)layer * kv->n_drafts + token) * 2 * kv->n_heads * kv->head_dim;
}

float *
rt_kv_draft_v (RtKv *kv, uint32_t layer, uint32_t token)
{
  return rt_kv_draft_k (kv, layer, token) + (size_t)kv->n_heads * kv->head_dim;
}

void
rt_kv_set_drafted (RtKv *kv, uint32_t first, const uint32_t *path, uint32_t n)
{
  assert (n <= RT_TREE_MAX_TOKENS);
  memcpy (kv->drafted, path, n * sizeof *path);
  kv->drafted_first = first;
  kv->n_drafted = n;
}

/* Token @token of the tree to @position, in all blocks. */
static void
keep_token (RtKv *kv, uint32_t position, uint32_t token)
{
  const uint32_t chunk = position / KN_ATTN_CHUNK, at = position % KN_ATTN_CHUNK;

  assert (token < kv->n_drafts && position < kv->capacity);
  for (uint32_t layer = 0; layer < kv->n_layers; layer++)
    for (uint32_t head = 0; head < kv->n_heads; head++)
      {
        const size_t column = (size_t)head * kv->head_dim;
        kv->kernels->store_k (kv->format, rt_kv_k (kv, layer, head, chunk), kv->head_dim, at,
                              rt_kv_draft_k (kv, layer, token) + column);
        kv->kernels->store_v (kv->format, rt_kv_v (kv, layer, head, chunk), kv->head_dim, at,
                              rt_kv_draft_v (kv, layer, token) + column);
      }
}

void
rt_kv_keep (RtKv *kv, uint32_t first, const uint32_t *slots, uint32_t n)
{
  assert (first == kv->drafted_first && n <= RT_TREE_MAX_TOKENS);
  for (uint32_t i = 0; i < n; i++)
    if (i >= kv->n_drafted || kv->drafted[i] != slots[i])
      {
        keep_token (kv, first + i, slots[i]);
        kv->drafted[i] = slots[i];
        kv->n_drafted = i + 1 > kv->n_drafted ? i + 1 : kv->n_drafted;
      }
  rt_kv_set_n_used (kv, first + n);
}
