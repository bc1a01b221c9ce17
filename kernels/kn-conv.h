/* Convolutions of pictures in f32, NHWC: a pixel is its channels, next to each other.
 *
 * A convolution is a matrix product whose rows are not in one piece: the values that one output
 * pixel is made from lie in a few *segments* of the input, each contiguous. What a segment is the
 * caller decides: a 1x1 convolution has one per pixel (its channels); a 3x3 one without dilation
 * has three (a row of the window, 3 x channels); a window that reaches into the padding points to a
 * copy with zeros. So one kernel does every size, stride and dilation, and nothing is copied that
 * lies well already.
 *
 * What defines the bits of an output; a variant may reorder nothing of it:
 *
 *   acc = +0
 *   for each segment in order, for each of its values in order: acc = fma (w, x, acc)
 *   v = acc; with a bias: v = v + bias; with a residual: v = v + residual
 *   v = v < min ? min : v;  v = v > max ? max : v       (a NaN stays)
 *
 * so the result has the same bits on every instruction set and for every way to split the work, and
 * a 1x1 convolution has the bits of a matrix product (kn-matmul.h) with the same weights. Padding
 * takes part as zeros. */
#pragma once

#include "kn-types.h"

typedef struct
{
  size_t n_pixels;              /* >= 1 */
  size_t n_segments;            /* >= 1 */
  size_t segment_len;           /* floats in a segment, >= 1 */
  const float *const *segments; /* [n_segments][n_pixels] */
  const uint32_t
      *segment_columns;  /* [n_segments]: the column where a segment's weights begin; NULL:
                                      they follow each other from column 0 */
  KnDtype dtype;         /* of the weights: F32, F16 or BF16 */
  const void *panels;    /* of it (kn-matmul.h), converted to f32 exactly */
  size_t n_columns;      /* of each panel */
  size_t first_row;      /* 0..15: rows of the first panel to leave out */
  size_t n_rows;         /* >= 1: rows to compute from there on, over any number of panels */
  const float *bias;     /* [n_rows], or NULL */
  const float *residual; /* [n_pixels][n_rows], residual_stride floats apart, or NULL */
  size_t residual_stride;
  float min, max; /* -INFINITY, INFINITY: no limit */
  float *y;       /* [n_pixels][n_rows], y_stride floats apart; may be the residual */
  size_t y_stride;
  void *scratch; /* kn_conv_scratch_bytes(), KN_ALIGN aligned */
} KnConvArgs;

/* Working space for one thread: sums that wait for the next block of terms, and a block of 16-bit
 * weights as f32. */
size_t kn_conv_scratch_bytes (size_t n_pixels);

/* A row of output pixels of a depthwise convolution: each channel has its own window.
 *
 *   acc = +0
 *   for each tap in order (row by row): acc = fma (w, x, acc)
 *   then bias and limits as above
 *
 * The input is given column by column: columns[i * columns_stride + j] points to the channels of
 * column j of window row i (to zeros where it is padding); tap (i, j) of pixel p reads column
 * p * stride + j * dilation. */
typedef struct
{
  size_t n_channels, n_pixels;
  size_t kernel_h, kernel_w;
  size_t stride, dilation;
  const float *const *columns; /* [kernel_h][columns_stride] */
  size_t columns_stride;
  const float *weights; /* [kernel_h * kernel_w][n_channels], weights_stride floats apart */
  size_t weights_stride;
  const float *bias; /* [n_channels], or NULL */
  float min, max;
  float *y; /* [n_pixels][n_channels], y_stride floats apart */
  size_t y_stride;
} KnDepthwiseArgs;

typedef struct
{
  void (*conv) (const KnConvArgs *args);
  void (*depthwise) (const KnDepthwiseArgs *args);
} KnConvFamily;
