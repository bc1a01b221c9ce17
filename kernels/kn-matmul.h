/* Matrix products with packed weights: y[t][r] = sum over c of w[r][c] * x[t][c].
 *
 * Weights [n_rows, n_cols] are packed once into panels of KN_PANEL_ROWS rows. A panel holds its
 * codes interleaved, 16 rows x 4 columns to a line, so that one 512-bit load feeds one integer dot
 * product, and each few groups' scales before their codes, so that a panel is one stream
 * (kn-panel-private.h has the details). Panels follow each other, each kn_panel_bytes() long, each
 * aligned to KN_ALIGN. Rows that pad the last panel are zero and their results are not written.
 *
 * Sums have one defined order: integer products of a group are exact; groups (or, for F32/F16/BF16,
 * columns) are added in order with one fused multiply-add each. So the result has the same bits on
 * every instruction set, for every number of threads, and whether a token is computed alone or in a
 * batch.
 *
 * Activations: for F32, F16 and BF16 weights rows of f32; for W8A8 and W4A8 rows made by
 * quantize_q8_token; for all other quantized weights rows made by quantize_q8. */
#pragma once

#include "kn-rows.h"
#include "kn-skip.h"
#include "kn-types.h"

/* What a weight format expects of its input rows. */
typedef enum
{
  KN_ACT_F32,      /* [n_cols] f32 */
  KN_ACT_Q8,       /* one kn_quantize_q8() row */
  KN_ACT_Q8_TOKEN, /* one row of 8-bit codes with one scale: kn_q8_token_row_bytes() */
} KnActKind;

KnActKind kn_matmul_act (KnDtype weights);

/* Rows of a panel: KN_PANEL_ROWS, of Q8_CHANNELS KN_SKIP_ROWS. */
size_t kn_panel_rows (KnDtype dtype);

/* The format of the rows that @dtype is packed from: of formats that are ours alone (kn-sparse.h,
 * kn-skip.h, kn-lookup.h) the one whose numbers they hold, else itself. */
KnDtype kn_rows_dtype (KnDtype dtype);

/* Bytes of one panel; 0 when @n_cols does not fit the format's block length. Of sparse formats
 * whose panels differ in size (kn_panel_is_variable()): the most that one can take. */
size_t kn_panel_bytes (KnDtype dtype, size_t n_cols);

/* Pack @n_rows (1..KN_PANEL_ROWS) rows of GGUF blocks, @row_stride bytes apart, into one panel. */
void kn_pack_panel (KnDtype dtype, const void *rows, size_t row_stride, size_t n_rows,
                    size_t n_cols, void *panel);

/* Dequantize row @row (0..15) of a packed panel into [n_cols] f32: exact, for checks and for tied
 * embeddings. */
void kn_unpack_row (KnDtype dtype, const void *panel, size_t row, size_t n_cols, float *dst);

/* One row of 8-bit activations: [n] int8 codes, padded to 64 bytes, then [n/32] f32 scales, then
 * [n/32] int32 sums of the codes of each group of 32, then [n/16] int32 sums of each half group;
 * the whole padded to 64 bytes. */
size_t kn_q8_row_bytes (size_t n);
static inline size_t
kn_q8_scales_offset (size_t n)
{
  return (n + 63) & ~(size_t)63;
}
static inline size_t
kn_q8_sums_offset (size_t n)
{
  return kn_q8_scales_offset (n) + n / KN_Q8_GROUP * sizeof (float);
}
static inline size_t
kn_q8_half_sums_offset (size_t n)
{
  return kn_q8_sums_offset (n) + n / KN_Q8_GROUP * sizeof (int32_t);
}

/* One row of 8-bit activations with one scale: [n] int8 codes, padded to 64 bytes with zeros, then
 * the f32 scale and the int32 sum of all codes, the whole padded to 64 bytes. */
static inline size_t
kn_q8_token_scale_offset (size_t n)
{
  return (n + 63) & ~(size_t)63;
}
static inline size_t
kn_q8_token_row_bytes (size_t n)
{
  return kn_q8_token_scale_offset (n) + KN_ALIGN;
}

/* Bytes of one activation row of @kind, a multiple of KN_ALIGN. */
size_t kn_act_row_bytes (KnActKind kind, size_t n);

typedef struct
{
  size_t n_cols;
  size_t n_rows;      /* rows to write, starting at the first row of @panels; any number >= 1 */
  size_t n_tokens;    /* >= 1 */
  const void *panels; /* (n_rows + 15) / 16 panels */
  const uint64_t *offsets; /* [(n_rows + 15) / 16] where each begins, in bytes from @panels; NULL
                            * for formats whose panels are of one size and follow each other */
  const void *x;           /* [n_tokens] activation rows, KN_ALIGN aligned */
  size_t x_stride;         /* bytes between them, a multiple of KN_ALIGN */
  float *y;                /* [n_tokens][n_rows] f32, y_stride floats apart */
  size_t y_stride;
  void *scratch; /* kn_matmul_scratch_bytes(), KN_ALIGN aligned, one per thread; may be NULL when
                    n_tokens is 1, unless the format is sparse, of rows or of channels */
} KnMatmulArgs;

/* Working space for one thread: the panels in work, expanded to bytes (or f32). */
size_t kn_matmul_scratch_bytes (KnDtype dtype, size_t n_cols);

typedef void (*KnMatmulFn) (const KnMatmulArgs *args);

/* Quantize [n] f32 into one q8 row (KN_ALIGN aligned), @n a multiple of 32: scale = amax / 127,
 * code = round-half-even (x * (127 / amax)), both quotients rounded to f32. A group with amax below
 * 2^-100 becomes zero (scale and codes); a group with a NaN or an infinity gets codes 0 and a NaN
 * scale, so that the fault shows in the result. */
typedef void (*KnQuantizeQ8Fn) (const float *x, size_t n, void *row);

/* The same rule for [n] f32 with one scale for all of them, into a row of
 * kn_q8_token_row_bytes(). */
typedef void (*KnQuantizeQ8TokenFn) (const float *x, size_t n, void *row);

typedef struct
{
  KnMatmulFn f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k;
  KnMatmulFn q2_k, q3_k, q1_64, q2_64, q3_64, tq2_0, mxfp4; /* TQ1_0 is packed as TQ2_0 is */
  KnMatmulFn q8_channels;
  KnSkipFn skip_q8_channels;
  KnMatmulFn q8_rows;
  KnRowsFn some_q8_rows;
  KnMatmulFn f8_e4m3, f8_e5m2;
  KnMatmulFn q8_sparse, q8_2_4, q8_4_8, q4_sparse;
  KnMatmulFn w8a8, w4a8;
  /* kn-lookup.h */
  KnMatmulFn q4_0_lut, q2_k_lut, q1_64_lut, q2_64_lut, q3_k_lut, q3_64_lut, tq2_0_lut;
  KnQuantizeQ8Fn quantize_q8;
  KnQuantizeQ8TokenFn quantize_q8_token;
} KnMatmulFamily;

/* [n] f32 as one activation row of @kind (KN_ALIGN aligned). */
void kn_act_store (const KnMatmulFamily *family, KnActKind kind, const float *x, size_t n,
                   void *row);

KnMatmulFn kn_matmul_fn (const KnMatmulFamily *family, KnDtype dtype);
