/* Packed weights. Called by the lowering and by tests; read by the operators through the kernels.
 * Knows formats only through the kernels.
 *
 * Panels are independent, so packing is one phase of chunks of panels. A weight is immutable once
 * packed and counted by reference. */
#include "rt-weight.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kn-matmul.h"
#include "kn-quant.h"
#include "kn-sparse.h"
#include "rt-heap.h"

struct RtWeight
{
  atomic_int n_refs;
  KnDtype dtype;
  uint64_t n_rows, n_cols;
  uint64_t n_bytes;
  void *panels;
  uint64_t *offsets; /* [n_panels + 1] where panels begin; NULL: they are of one size */
};

/* What the chunks of a packing job share. */
typedef struct
{
  KnDtype dtype, src_dtype;
  uint64_t n_rows;
  size_t n_cols;
  RtWeight *weight; /* NULL: panels are only measured */
  uint64_t *sizes;  /* [n_panels] of what is measured */
  const uint8_t *src;
  size_t src_row_bytes, buffer_bytes;
  uint32_t n_chunks;
  uint8_t *buffers; /* [threads][buffer_bytes]; NULL when rows are packed as they are */
  const atomic_int *cancel;
} Packing;

static uint64_t
n_panels (KnDtype dtype, uint64_t n_rows)
{
  return (n_rows + kn_panel_rows (dtype) - 1) / kn_panel_rows (dtype);
}

static size_t
align_up (size_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

uint64_t
rt_weight_packed_bytes (int dtype, uint64_t n_rows, uint64_t n_cols)
{
  uint64_t bytes;

  if (kn_dtype_info (dtype) == NULL || n_cols > INT32_MAX
      || __builtin_mul_overflow (n_panels ((KnDtype)dtype, n_rows),
                                 kn_panel_bytes (dtype, (size_t)n_cols), &bytes))
    return 0;
  return bytes;
}

/* ---- memory ---- */

static RtWeight *
weight_new (KnDtype dtype, uint64_t n_rows, uint64_t n_cols, uint64_t n_bytes, RtError *error)
{
  RtWeight *weight = calloc (1, sizeof *weight);
  if (weight == NULL)
    {
      rt_fail (error, RT_ERROR_MEMORY, "No memory for a weight");
      return NULL;
    }
  weight->n_refs = 1;
  weight->dtype = dtype;
  weight->n_rows = n_rows;
  weight->n_cols = n_cols;
  weight->n_bytes = n_bytes;
  weight->panels = rt_heap_alloc (weight->n_bytes);

  if (weight->panels == NULL)
    {
      rt_fail (error, RT_ERROR_MEMORY,
               "No memory for a packed weight of %" PRIu64 " x %" PRIu64 " values (%" PRIu64
               " MiB)",
               n_rows, n_cols, weight->n_bytes >> 20);
      free (weight);
      return NULL;
    }
  return weight;
}

static void
weight_free (RtWeight *weight)
{
  rt_heap_free (weight->panels, weight->n_bytes);
  free (weight->offsets);
  free (weight);
}

/* ---- packing ---- */

static void
pack_panel (const Packing *packing, uint64_t panel, uint8_t *buffer)
{
  const KnDtype dtype = packing->dtype;
  size_t n_cols = packing->n_cols, row_bytes = packing->src_row_bytes;
  const size_t panel_rows = kn_panel_rows (dtype);
  uint64_t first = panel * panel_rows;
  size_t n_rows = packing->n_rows - first < panel_rows ? packing->n_rows - first : panel_rows;
  const uint8_t *rows = packing->src + first * packing->src_row_bytes;

  if (buffer != NULL)
    {
      float *values = (float *)(void *)buffer;
      uint8_t *quantized = buffer + align_up (n_cols * sizeof *values);
      row_bytes = kn_row_bytes (dtype, n_cols);
      for (size_t i = 0; i < n_rows; i++)
        {
          kn_dequantize_row (packing->src_dtype, rows + i * packing->src_row_bytes, values, n_cols);
          kn_quantize_row (dtype, values, quantized + i * row_bytes, n_cols);
        }
      rows = quantized;
    }

  if (packing->weight == NULL)
    packing->sizes[panel] = kn_packed_panel_bytes (dtype, rows, row_bytes, n_rows, n_cols);
  else
    kn_pack_panel (dtype, rows, row_bytes, n_rows, n_cols,
                   (uint8_t *)packing->weight->panels
                       + rt_weight_panel_offset (packing->weight, panel));
}

static void
pack_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  const Packing *packing = data;
  uint64_t n = n_panels (packing->dtype, packing->n_rows);
  uint8_t *buffer
      = packing->buffers != NULL ? packing->buffers + worker->index * packing->buffer_bytes : NULL;

  for (uint64_t panel = n * chunk / packing->n_chunks; panel < n * (chunk + 1) / packing->n_chunks;
       panel++)
    {
      if (packing->cancel != NULL
          && atomic_load_explicit (packing->cancel, memory_order_relaxed) != 0)
        return;
      pack_panel (packing, panel, buffer);
    }
}

static bool
check_source (int dtype, int src_dtype, uint64_t src_bytes, uint64_t n_rows, uint64_t n_cols,
              RtError *error)
{
  const KnDtypeInfo *info = kn_dtype_info (dtype), *src_info = kn_dtype_info (src_dtype);

  if (info == NULL || src_info == NULL)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "No kernels for tensor type %d",
                    info == NULL ? dtype : src_dtype);
  if ((dtype == KN_I8) != (src_dtype == KN_I8))
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s cannot be packed as %s: plain 8-bit integers have no scales of their own",
                    src_info->name, info->name);
  if (n_rows == 0 || n_cols == 0 || n_cols > INT32_MAX || n_rows > INT32_MAX)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "A matrix of %" PRIu64 " x %" PRIu64 " values cannot be packed", n_rows,
                    n_cols);
  if (n_cols % info->block_len != 0 || rt_weight_packed_bytes (dtype, n_rows, n_cols) == 0)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "Rows of %" PRIu64 " values do not fit %s, which needs a multiple of %u: "
                    "choose F16, BF16 or F32 for this tensor",
                    n_cols, info->name, info->block_len);

  uint64_t row_bytes = kn_row_bytes (src_dtype, (size_t)n_cols), expected;
  if (row_bytes == 0 || __builtin_mul_overflow (row_bytes, n_rows, &expected)
      || src_bytes != expected)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "%" PRIu64 " x %" PRIu64 " values in %s do not take %" PRIu64 " bytes", n_rows,
                    n_cols, src_info->name, src_bytes);
  return true;
}

/* Rows of some formats are rows of another (kn_rows_dtype()). */
static bool
needs_conversion (KnDtype dtype, KnDtype src_dtype)
{
  return src_dtype != dtype && kn_rows_dtype (dtype) != src_dtype;
}

static bool
run_packing (Packing *packing, RtPool *pool, RtError *error)
{
  uint32_t n_threads = pool != NULL ? rt_pool_n_threads (pool) : 1;
  uint64_t n = n_panels (packing->dtype, packing->n_rows);
  size_t n_cols = packing->n_cols;

  if (needs_conversion (packing->dtype, packing->src_dtype))
    {
      packing->buffer_bytes
          = align_up (n_cols * sizeof (float))
            + align_up (kn_panel_rows (packing->dtype) * kn_row_bytes (packing->dtype, n_cols));
      packing->buffers = aligned_alloc (KN_ALIGN, n_threads * packing->buffer_bytes);
      if (packing->buffers == NULL)
        return rt_fail (error, RT_ERROR_MEMORY, "No memory to convert rows of %zu values", n_cols);
    }

  packing->n_chunks = n < n_threads * 16u ? (uint32_t)n : n_threads * 16u;
  RtJob job
      = { .n_phases = 1, .n_chunks = packing->n_chunks, .chunk = pack_chunk, .data = packing };
  if (pool != NULL)
    rt_pool_run (pool, &job);
  else
    for (uint32_t chunk = 0; chunk < packing->n_chunks; chunk++)
      pack_chunk (&(RtWorker){ .n_threads = 1 }, packing, 0, chunk);
  free (packing->buffers);

  if (packing->cancel != NULL && atomic_load (packing->cancel) != 0)
    return rt_fail (error, RT_ERROR_CANCELLED, "Packing was cancelled");
  return true;
}

/* How long each panel of a sparse format becomes, added up: newly allocated. */
static uint64_t *
measure_panels (Packing *packing, RtPool *pool, RtError *error)
{
  const uint64_t n = n_panels (packing->dtype, packing->n_rows);
  uint64_t *offsets = calloc (n + 1, sizeof *offsets);

  if (offsets == NULL)
    {
      rt_fail (error, RT_ERROR_MEMORY, "No memory for the offsets of %" PRIu64 " panels", n);
      return NULL;
    }
  packing->sizes = offsets + 1;
  if (!run_packing (packing, pool, error))
    {
      free (offsets);
      return NULL;
    }
  for (uint64_t i = 1; i <= n; i++)
    {
      if (offsets[i] == 0)
        {
          rt_fail (error, RT_ERROR_FORMAT,
                   "Rows %" PRIu64 " and following have more nonzero values side by side than %s "
                   "stores: prune them to its pattern first",
                   (i - 1) * KN_PANEL_ROWS, kn_dtype_info ((int)packing->dtype)->name);
          free (offsets);
          return NULL;
        }
      offsets[i] += offsets[i - 1];
    }
  return offsets;
}

RtWeight *
rt_weight_pack (int dtype, int src_dtype, const void *src, uint64_t src_bytes, uint64_t n_rows,
                uint64_t n_cols, RtPool *pool, const atomic_int *cancel, RtError *error)
{
  if (!check_source (dtype, src_dtype, src_bytes, n_rows, n_cols, error))
    return NULL;

  Packing packing = { .dtype = (KnDtype)dtype,
                      .src_dtype = (KnDtype)src_dtype,
                      .n_rows = n_rows,
                      .n_cols = (size_t)n_cols,
                      .src = src,
                      .src_row_bytes = kn_row_bytes ((KnDtype)src_dtype, (size_t)n_cols),
                      .cancel = cancel };
  uint64_t n_bytes = rt_weight_packed_bytes (dtype, n_rows, n_cols), *offsets = NULL;
  if (kn_sparse_base (dtype) >= 0)
    {
      offsets = measure_panels (&packing, pool, error);
      if (offsets == NULL)
        return NULL;
      n_bytes = offsets[n_panels ((KnDtype)dtype, n_rows)];
    }

  RtWeight *weight = weight_new ((KnDtype)dtype, n_rows, n_cols, n_bytes, error);
  if (weight == NULL)
    {
      free (offsets);
      return NULL;
    }
  weight->offsets = offsets;
  packing.weight = weight;
  if (!run_packing (&packing, pool, error))
    {
      weight_free (weight);
      return NULL;
    }
  return weight;
}

/* Where panels begin must be what the format says, and what sparse ones hold what their masks
 * say. */
static bool
check_panels (int dtype, uint64_t n_rows, uint64_t n_cols, const uint8_t *panels, uint64_t n_bytes,
              const uint64_t *offsets, uint64_t n_offsets, RtError *error)
{
  const KnDtypeInfo *info = kn_dtype_info (dtype);
  uint64_t n = info != NULL ? n_panels ((KnDtype)dtype, n_rows) : 0;
  bool sparse = kn_sparse_base (dtype) >= 0;

  if (info == NULL)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "No kernels for tensor type %d", dtype);
  if (n_rows == 0 || n_cols == 0 || n_rows > INT32_MAX || n_cols > INT32_MAX
      || n_cols % info->block_len != 0)
    return rt_fail (error, RT_ERROR_FORMAT,
                    "A matrix of %" PRIu64 " x %" PRIu64 " values cannot be in %s", n_rows, n_cols,
                    info->name);
  bool fits = sparse ? n_offsets == n + 1 && offsets[0] == 0 && offsets[n] == n_bytes
                     : n_offsets == 0 && n_bytes == rt_weight_packed_bytes (dtype, n_rows, n_cols);
  for (uint64_t i = 0; fits && sparse && i < n; i++)
    fits = offsets[i] <= offsets[i + 1] && offsets[i + 1] <= n_bytes && offsets[i] % KN_ALIGN == 0
           && kn_sparse_panel_is_whole ((KnDtype)dtype, panels + offsets[i],
                                        (size_t)(offsets[i + 1] - offsets[i]), (size_t)n_cols);
  return fits
         || rt_fail (error, RT_ERROR_FORMAT,
                     "%" PRIu64 " bytes are not %" PRIu64 " x %" PRIu64 " values packed in %s",
                     n_bytes, n_rows, n_cols, info->name);
}

RtWeight *
rt_weight_copy (int dtype, uint64_t n_rows, uint64_t n_cols, const void *panels, uint64_t n_bytes,
                const uint64_t *offsets, uint64_t n_offsets, RtError *error)
{
  if (!check_panels (dtype, n_rows, n_cols, panels, n_bytes, offsets, n_offsets, error))
    return NULL;
  RtWeight *weight = weight_new ((KnDtype)dtype, n_rows, n_cols, n_bytes, error);
  if (weight == NULL)
    return NULL;
  memcpy (weight->panels, panels, (size_t)n_bytes);
  if (n_offsets == 0)
    return weight;
  weight->offsets = malloc (n_offsets * sizeof *offsets);
  if (weight->offsets == NULL)
    {
      rt_fail (error, RT_ERROR_MEMORY, "No memory for the offsets of %" PRIu64 " panels",
               n_offsets);
      weight_free (weight);
      return NULL;
    }
  memcpy (weight->offsets, offsets, n_offsets * sizeof *offsets);
  return weight;
}

RtWeight *
rt_weight_ref (RtWeight *weight)
{
  atomic_fetch_add_explicit (&weight->n_refs, 1, memory_order_relaxed);
  return weight;
}

void
rt_weight_unref (RtWeight *weight)
{
  if (weight != NULL && atomic_fetch_sub_explicit (&weight->n_refs, 1, memory_order_acq_rel) == 1)
    weight_free (weight);
}

KnDtype
rt_weight_dtype (const RtWeight *weight)
{
  return weight->dtype;
}

uint64_t
rt_weight_n_rows (const RtWeight *weight)
{
  return weight->n_rows;
}

uint64_t
rt_weight_n_cols (const RtWeight *weight)
{
  return weight->n_cols;
}

uint64_t
rt_weight_bytes (const RtWeight *weight)
{
  return weight->n_bytes;
}

const void *
rt_weight_panels (const RtWeight *weight)
{
  return weight->panels;
}

uint64_t
rt_weight_n_panels (const RtWeight *weight)
{
  return n_panels (weight->dtype, weight->n_rows);
}

uint64_t
rt_weight_panel_offset (const RtWeight *weight, uint64_t panel)
{
  if (weight->offsets != NULL)
    return weight->offsets[panel];
  return panel * kn_panel_bytes (weight->dtype, (size_t)weight->n_cols);
}

const void *
rt_weight_panel (const RtWeight *weight, uint64_t panel)
{
  return (const uint8_t *)weight->panels + rt_weight_panel_offset (weight, panel);
}

const uint64_t *
rt_weight_offsets (const RtWeight *weight)
{
  return weight->offsets;
}

uint64_t
rt_weight_panel_bytes (const RtWeight *weight)
{
  return weight->n_bytes / n_panels (weight->dtype, weight->n_rows);
}
