/* What the operators on quantized tensors share: scales and zero points, bounds of codes, and
 * products with constant weights. Private to engine/runtime/ops and to engine/mcu, which writes the
 * same constants into C code. */
#pragma once

#include <string.h>

#include "kn-qvec.h"
#include "rt-conv-attrs.h"
#include "rt-op-common.h"

/* ---- quantization: NULL is scale 1, zero point 0 ---- */

static inline float
rt_quant_scale (const RtQuant *quant, size_t i)
{
  return quant == NULL ? 1.0f : quant->scales[quant->n > 1 ? i : 0];
}

static inline int32_t
rt_quant_zero (const RtQuant *quant, size_t i)
{
  return quant == NULL ? 0 : quant->zero_points[quant->n > 1 ? i : 0];
}

static inline bool
rt_type_is_8bit (int type)
{
  return type == RT_TYPE_I8 || type == RT_TYPE_U8;
}

/* Lowest and highest code of a type of 8 or 16 bit (I32: of 32). */
void rt_code_range (int type, int32_t *low, int32_t *high);

/* What a node of add_int8, sub_int8 or mul_int8 tells its kernel; pointers and n are not set. */
KnQbinaryArgs rt_binary_int8_constants (const RtOpContext *context);

/* Codes of @type with @quant, within the real numbers @min and @max. Bounds are rounded half away
 * from zero, as TFLite does. */
KnRequant rt_requant (int type, const RtQuant *quant, float min, float max);

/* Constants of a file may lie anywhere. */
static inline int32_t
rt_load_i32 (const void *data, size_t i)
{
  int32_t value;
  memcpy (&value, (const uint8_t *)data + i * sizeof value, sizeof value);
  return value;
}

/* One code, 8-bit or not, as an integer. */
int32_t rt_code_get (const void *data, int type, size_t i);
void rt_code_put (void *data, int type, size_t i, int32_t code);

/* The zero point of @x: from @zero when that has data, else its quantization's. */
int32_t rt_x_zero (const RtTensor *x, const RtTensor *zero);

/* Input of a convolution that is its zero point, after those of rt-conv.h. */
#define RT_CONV_INT8_X_ZERO 4

/* ---- infer ---- */

/* Input @input is an 8-bit tensor with one scale, and not a constant when @activation. */
bool rt_int8_check_x (const RtGraph *graph, const RtNode *node, uint32_t input, RtError *error);
/* Input @input is a constant I8 or U8 with one scale or one per index of dimension @axis, all
 * positive and finite. */
bool rt_int8_check_weight (const RtGraph *graph, const RtNode *node, uint32_t input, uint32_t axis,
                           RtError *error);
/* Input @input, when present, is a constant [n] of @type. */
bool rt_int8_check_bias (const RtGraph *graph, const RtNode *node, uint32_t input, int type,
                         int64_t n, RtError *error);

/* ---- windows ---- */

/* Sizes of a convolution over x [N, H, W, I] or [N, W, I], channels last. */
typedef struct
{
  size_t n, in_h, in_w, in_c; /* in_c: all channels of x */
  size_t kh, kw;
  size_t out_h, out_w, out_c;
} RtWindows;

/* Fill @windows and the output's shape; false when the window does not fit the padded picture.
 * Weight [.., KH, KW, ..] with KH at dimension @kh_dim. */
bool rt_windows (const RtConvAttrs *attrs, const RtShape *x, size_t kh, size_t kw, size_t out_c,
                 RtWindows *windows, RtShape *y);

bool rt_conv_is_channels_first (const RtNode *node);
/* The layout pass's permute for what works element by element. */
bool rt_int8_permute_elements (const RtGraph *graph, const RtNode *node, const uint32_t *perm,
                               uint32_t n_dims, void *attrs);
/* The layout pass's permute for attributes that begin with RtConvAttrs. */
bool rt_conv_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm,
                      uint32_t n_dims, void *attrs);

/* ---- products with a constant weight ----
 *
 * Prepared once: biases with the zero points' terms in them, scales, panels. Rows of each group are
 * padded to whole panels. */
typedef struct
{
  size_t n_groups, n_rows, n_cols; /* rows and columns of one group */
  size_t n_segments, segment_cols; /* n_cols are so many runs, each padded to a multiple of 4 */
  size_t padded_rows;              /* rows of one group in whole panels */
  size_t panel_bytes, group_bytes; /* of the panels of one group */
  size_t bias_at, scale_at, w_zero_at, sum_at, panels_at, n_bytes;
} RtProductLayout;

RtProductLayout rt_product_layout (size_t n_groups, size_t n_rows, size_t n_segments,
                                   size_t segment_cols);

/* What prepare() finds out and run() needs, so that small nodes need not find it out again. At the
 * start of the prepared memory. */
typedef struct
{
  uint32_t has_w_zero;
  KnRequant requant; /* set by the operator */
  RtProductLayout layout;
} RtProductHead;

/* @w is [groups * rows][cols] codes of @w_type. @scale_y 0: no scales (sums are wanted). The codes
 * of x that gemm will get are those of @x_type, or those xored with 0x80 when the family wants the
 * other signedness. */
void rt_product_make (const RtProductLayout *layout, const KnTable *kn, const void *w, int w_type,
                      const RtQuant *w_quant, const int32_t *bias, int x_type,
                      const RtQuant *x_quant, float scale_y, void *memory);

/* [padded_rows] of @group: the sum over the columns of w - its zero point. */
static inline const int32_t *
rt_product_sums (const RtProductLayout *layout, const void *prepared, size_t group)
{
  return (const int32_t *)(const void *)((const uint8_t *)prepared + layout->sum_at)
         + group * layout->padded_rows;
}

/* y [n_pixels][n] -= x_zero * sums [n]: for a zero point that is known only when a run has it. */
void rt_product_move_zero (int32_t *y, size_t y_stride_bytes, size_t n_pixels, size_t n,
                           int32_t x_zero, const int32_t *sums);

/* Input @input, when present, is one number of the type of input 0: its zero point. The node then
 * gives sums, and input 0 has no quantization of its own. */
bool rt_int8_check_zero (const RtGraph *graph, const RtNode *node, uint32_t input,
                         uint32_t out_type, RtError *error);

/* 0x80 when codes of @x_type are not what @kn multiplies. */
static inline uint8_t
rt_product_flip (const KnTable *kn, int x_type)
{
  return (x_type == RT_TYPE_I8) == (kn->qconv.act_signed != 0) ? 0 : 0x80;
}

/* A gemm with the panels [first_panel, + n_panels) of @group; the caller adds x, y, and sums of x
 * where w_zero is set and it has them. @requant NULL: sums. */
KnQgemmArgs rt_product_args (const RtProductLayout *layout, const void *prepared, size_t group,
                             size_t first_panel, size_t n_panels, const KnRequant *requant);

/* Pixels [.., + n_pixels), each one segment, times those panels, to @y, which is the first row of
 * the first panel in the first pixel. @x_sums: [n_pixels] of working memory, used with zero points
 * of weights only. */
void rt_product_run (const RtProductLayout *layout, const KnTable *kn, const void *prepared,
                     size_t group, size_t first_panel, size_t n_panels, const uint8_t *x,
                     size_t x_stride, size_t n_pixels, const KnRequant *requant, int32_t *x_sums,
                     void *y, size_t y_stride);

/* ---- references and costs ---- */

/* The code of y for a sum whose unit is @scale: sums themselves when y is I32. */
int32_t rt_reference_requant (const RtTensor *y, int32_t sum, float scale, float min, float max);

/* Where (n, h, w, c) of a picture of @height x @width pixels of @channels lies, in elements. */
size_t rt_reference_offset (const RtConvAttrs *attrs, size_t height, size_t width, size_t channels,
                            size_t n, size_t h, size_t w, size_t c);

/* The 32-bit sum, bias included, behind output (n, oy, ox, o) of a convolution. */
typedef int32_t (*RtReferenceSumFn) (const RtOpContext *context, const RtWindows *windows, size_t n,
                                     size_t oy, size_t ox, size_t o);

/* A convolution's plain reference: every output from its sum, requantized. For attributes that
 * begin with RtConvAttrs. */
void rt_reference_convolution (const RtOpContext *context, const RtWindows *windows,
                               RtReferenceSumFn sum);

/* Constants are weight bytes, all other inputs read bytes, outputs written ones. */
void rt_int8_cost_io (const RtOpQuery *query, RtCost *cost);
