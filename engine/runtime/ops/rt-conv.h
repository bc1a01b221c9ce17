/* What the operators on pictures in f32 share: sizes, where a window lies, activations of rows, the
 * walk over the reference's elements. Private to engine/runtime/ops. */
#pragma once

#include "rt-conv-attrs.h"
#include "rt-op-common.h"

/* ---- sizes ---- */

/* Sizes of windows over a picture, whatever the operator. */
typedef struct
{
  size_t n, in_h, in_w, in_c;
  size_t out_h, out_w, out_c;
  size_t kernel_h, kernel_w;
  size_t stride_h, stride_w, dilation_h, dilation_w;
  ptrdiff_t pad_top, pad_left;
  size_t groups;
} RtPicture;

/* Dimensions of a bound shape [N, H, W, C], [N, W, C] (H is 1), or with the channels first. */
typedef struct
{
  int64_t n, h, w, c;
} RtPictureDims;

RtPictureDims rt_picture_dims (const RtShape *shape, uint32_t channels_first);
/* The shape like @like with other sizes. */
RtShape rt_picture_shape (const RtShape *like, uint32_t channels_first, int64_t h, int64_t w,
                          int64_t c);

/* Input 0 is a picture of f32 with known sizes. */
bool rt_picture_check (const RtGraph *graph, const RtNode *node, RtError *error);

/* Input 1 is a constant float weight (or, with @any_format, of any format with kernels) with as
 * many dimensions as the picture. */
bool rt_picture_check_weight (const RtGraph *graph, const RtNode *node, bool any_format,
                              RtError *error);

/* A sequence, which has no height, is a picture of one row, and so is what comes of it: @out_h rows
 * have no place in its shape unless that is 1. */
bool rt_picture_check_rows (const RtNode *node, const RtShape *x, int64_t out_h, RtError *error);

/* Positions of a window along one dimension; false with a message when there is none. */
bool rt_picture_positions (const RtNode *node, const char *dimension, int64_t size,
                           uint64_t padding, uint64_t kernel, uint64_t stride, uint64_t dilation,
                           int64_t *n, RtError *error);

/* Inputs bias [out_c], residual (@y), and attributes that fit any operator with RtConvAttrs. */
bool rt_picture_check_rest (const RtGraph *graph, const RtNode *node, const RtConvAttrs *attrs,
                            const RtShape *y, RtError *error);

/* For attributes that begin with RtConvAttrs. */
bool rt_picture_is_channels_first (const RtNode *node);
/* The layout pass's permute for attributes that begin with RtConvAttrs: from channels first. */
bool rt_picture_permute (const RtGraph *graph, const RtNode *node, const uint32_t *perm,
                         uint32_t n_dims, void *attrs);
/* Whether @perm moves the channels from dimension 1 to the end. */
bool rt_is_channels_last (const uint32_t *perm, uint32_t n_dims);

/* Sizes of a bound convolution with the weight's kernel size. */
RtPicture rt_picture (const RtConvAttrs *attrs, const RtTensor *x, const RtTensor *y,
                      size_t kernel_h, size_t kernel_w);

/* ---- splitting ---- */

/* Output pixels are counted through all pictures, row by row. */
typedef struct
{
  size_t picture, row, column;
} RtPixel;

static inline RtPixel
rt_pixel (const RtPicture *p, size_t index)
{
  return (RtPixel){ index / (p->out_h * p->out_w), index / p->out_w % p->out_h, index % p->out_w };
}

/* ---- what comes after the sums ---- */

/* What the kernel does itself: limits, and whether it adds the residual. */
typedef struct
{
  float min, max;
  bool residual;
  bool finish; /* rt_finish_row() must follow */
} RtKernelEnd;

RtKernelEnd rt_kernel_end (const RtConvAttrs *attrs, bool has_residual);
/* y [n] from what the kernel left in @sums [n] (may be y unless a residual comes last), which are
 * overwritten. @residual may be NULL. */
void rt_finish_row (const KnTable *kn, const RtConvAttrs *attrs, float *sums, const float *residual,
                    size_t n, float *y);

/* ---- reference ---- */

/* The element (n, h, w, c) of a picture in either layout. */
size_t rt_picture_at (const RtShape *shape, uint32_t channels_first, size_t n, size_t h, size_t w,
                      size_t c);
/* Bias, residual, activation, limits on the sum of output element @at of channel @c. */
float rt_reference_end (const RtOpContext *context, const RtConvAttrs *attrs, double sum, size_t at,
                        size_t c);
/* The weight input as f32 [rows * columns], packed or not; the caller frees it. */
float *rt_reference_weight (const RtTensor *weight);
