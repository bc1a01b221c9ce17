/* Packed weights: one matrix in the layout that the kernels want. Immutable once made, shared by
 * reference count between builds, so that changing one layer's format repacks one layer. */
#pragma once

#include <stdatomic.h>

#include "kn-types.h"
#include "rt-error.h"
#include "rt-pool.h"

typedef struct RtWeight RtWeight;

/* Pack [n_rows, n_cols] from @src (@src_dtype, GGUF blocks, rows contiguous, @src_bytes checked)
 * into @dtype. When the formats differ each row is dequantized and quantized again. Where @dtype
 * needs rows of a multiple of its block length and @n_cols is not one, this fails with
 * RT_ERROR_UNSUPPORTED: choosing another format is the caller's visible decision. Runs on @pool
 * (may be NULL).
 * @cancel, when not NULL, is polled: non-zero gives RT_ERROR_CANCELLED. */
RtWeight *rt_weight_pack (int dtype, int src_dtype, const void *src, uint64_t src_bytes,
                          uint64_t n_rows, uint64_t n_cols, RtPool *pool, const atomic_int *cancel,
                          RtError *error);
/* Bytes that packing [n_rows, n_cols] into @dtype takes, without packing; 0 when the format does
 * not fit. Of a sparse format whose panels differ in size: the most it can take. */
uint64_t rt_weight_packed_bytes (int dtype, uint64_t n_rows, uint64_t n_cols);

/* A matrix that was packed before, as rt_weight_panels() had it: @n_bytes at @panels, copied.
 * @offsets [n_offsets]: where panels of a sparse format begin, and the end; none of other formats.
 * The layout is the same on every processor. Fails with RT_ERROR_FORMAT when sizes do not fit; a
 * sparse panel whose mask says more than it holds is refused too. */
RtWeight *rt_weight_copy (int dtype, uint64_t n_rows, uint64_t n_cols, const void *panels,
                          uint64_t n_bytes, const uint64_t *offsets, uint64_t n_offsets,
                          RtError *error);

RtWeight *rt_weight_ref (RtWeight *weight);
void rt_weight_unref (RtWeight *weight); /* accepts NULL */

KnDtype rt_weight_dtype (const RtWeight *weight);
uint64_t rt_weight_n_rows (const RtWeight *weight);
uint64_t rt_weight_n_cols (const RtWeight *weight);
uint64_t rt_weight_bytes (const RtWeight *weight); /* resident bytes, padding included */
const void *rt_weight_panels (const RtWeight *weight);

/* ---- panels (kn-matmul.h): of sparse formats they may differ in size (kn-sparse.h) ---- */

uint64_t rt_weight_n_panels (const RtWeight *weight);
/* Where panel @panel begins, and how far that is from rt_weight_panels(). */
const void *rt_weight_panel (const RtWeight *weight, uint64_t panel);
uint64_t rt_weight_panel_offset (const RtWeight *weight, uint64_t panel);
/* [n_panels + 1] offsets of panels, for KnMatmulArgs; NULL when panels are of one size. */
const uint64_t *rt_weight_offsets (const RtWeight *weight);
/* Bytes of a panel, on average. */
uint64_t rt_weight_panel_bytes (const RtWeight *weight);
