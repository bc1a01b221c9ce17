/* Products of 8-bit numbers with 32-bit sums: the inside of quantized convolutions and fully
 * connected layers, and depthwise convolutions.
 *
 * A quantized tensor holds codes q that stand for scale * (q - zero). For one output position
 *
 *   sum over c of (x[c] - zx) (w[r][c] - zw[r]) = sum x w  -  zx sum w  -  zw[r] (sum x - n zx)
 *
 * Kernels compute `bias[r] + sum x w`, and minus zw[r] sum x where it is asked for. What does not
 * depend on the input, - zx sum w + n zx zw[r], whoever calls folds into the bias, once.
 *
 * Weights are always int8, packed by kn_pack_panel (KN_I8). Activations are bytes of the signedness
 * that the instruction set multiplies best (KnQconvFamily.act_signed); codes of the other one
 * become it by `xor 0x80`, and their zero point moves by 128 with them. kn-qconv's gather does that
 * on the way.
 *
 * Sums are exact modulo 2^32, so every instruction set and every split give the same bits. Back to
 * 8 bit in single precision, rounded half to even:
 *
 *   q = (int) rint (min (max ((float) acc * scale[r], low), high)) + zero
 *
 * the rule of XNNPACK's fp32 requantization. */
#pragma once

#include "kn-types.h"

typedef struct
{
  float low, high; /* bounds of the output code, minus zero: -512 .. 512 */
  int32_t zero;
} KnRequant;

/* n_lines x n_pixels x n_rows sums: y[l][p][r] for the rows of some panels.
 *
 * The columns of a pixel lie in n_segments runs, which are the lines of a convolution's window:
 *
 *   x + l * x_line_step + p * x_stride + s * segment_step,  n_cols bytes each
 *
 * so that a convolution is computed from the picture as it lies. In the panels each segment is
 * followed by zeros up to a multiple of 4 columns; bytes of x behind a segment are read up to there
 * and do not matter. */
typedef struct
{
  size_t n_cols;       /* of a segment, any */
  size_t n_segments;   /* >= 1 */
  size_t segment_step; /* bytes */
  size_t n_rows;       /* rows to write, from the first of @panels on; the last panel may be cut */
  size_t n_pixels, n_lines; /* >= 1 */
  const void *panels;       /* kn_panel_bytes (KN_I8, padded columns) each */
  const uint8_t *x;
  size_t x_stride, x_line_step; /* bytes */
  const int32_t *bias;          /* [n_rows] rounded up to KN_PANEL_ROWS, all readable */
  const int32_t *w_zero; /* the same, or NULL: acc -= w_zero[r] * sum of the pixel's columns */
  const int32_t
      *x_sum;         /* [n_lines][n_pixels] those sums, as row_sums() makes them, or NULL: they are
                           made here, which is best for few columns */
  const float *scale; /* as bias; NULL: write the sums themselves, y is int32 */
  KnRequant requant;
  void *y;                      /* [n_lines][n_pixels][n_rows] 8-bit codes, or int32 */
  size_t y_stride, y_line_step; /* bytes */
} KnQgemmArgs;

/* Windows of an NHWC picture as rows of bytes for gemm: [kh][kw][n_channels] each. */
typedef struct
{
  const uint8_t *x; /* first channel of pixel (0, 0) */
  size_t in_h, in_w;
  size_t pixel_bytes; /* from one pixel of x to the next; rows are in_w of them */
  size_t n_channels;  /* to take from each */
  size_t kh, kw, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  size_t out_w;
  size_t first_pixel, n_pixels; /* of the output, row by row */
  uint8_t pad;                  /* what lies outside, as in x */
  uint8_t flip;                 /* 0x80 or 0: every byte is xored with it */
  uint8_t *rows;     /* row_stride apart; bytes after the window may be overwritten up to there */
  size_t row_stride; /* >= kh * kw * n_channels rounded up to 4 */
} KnQgatherArgs;

/* One output row (or a part of it) of a depthwise convolution.
 *
 * Its windows lie in (n_outputs - 1) stride_w + (kw - 1) dilation_w + 1 columns of kh rows. Of
 * those the columns [first_inside, first_inside + n_inside) are in the picture: pixel i of them, in
 * row ky, at rows[ky] + i * steps[ky]; all others are @pad. A row above or below the picture is pad
 * with step 0. */
typedef struct
{
  size_t n_channels;
  size_t kh, kw;
  size_t stride_w, dilation_w;
  size_t n_outputs; /* pixels to write */
  size_t first_inside, n_inside;
  const uint8_t *const *rows; /* [kh], n_channels bytes to a pixel */
  const size_t *steps;        /* [kh] */
  const uint8_t *pad;         /* n_channels bytes */
  uint8_t flip;               /* every byte of x is xored with it */
  const void *weights;        /* dw_pack() */
  const int32_t *bias;        /* [n_channels] */
  const int32_t *w_zero;      /* [n_channels] or NULL: as above, but x_sum is made here */
  const float *scale;         /* [n_channels] */
  KnRequant requant;
  uint8_t *y; /* [n_outputs][n_channels] */
  size_t y_stride;
  void *scratch; /* KN_QDW_SCRATCH bytes, KN_ALIGN aligned */
} KnQdwArgs;

#define KN_QDW_SCRATCH 32768

typedef struct
{
  /* Whether gemm and depthwise take their activations as int8 (1) or as uint8 (0). */
  int act_signed;

  void (*gemm) (const KnQgemmArgs *args);

  /* to[i] = from[i] ^ flip. */
  void (*copy) (uint8_t *to, const uint8_t *from, size_t n, uint8_t flip);
  void (*gather) (const KnQgatherArgs *args);

  /* sums[p] = sum of the n_cols bytes of row p, signed or not as act_signed says. */
  void (*row_sums) (const uint8_t *x, size_t x_stride, size_t n_cols, size_t n_pixels,
                    int32_t *sums);

  /* Depthwise weights [kh][kw][n_channels] int8 in the order that depthwise() reads. */
  size_t (*dw_bytes) (size_t kh, size_t kw, size_t n_channels);
  void (*dw_pack) (const int8_t *w, size_t kh, size_t kw, size_t n_channels, void *packed);
  void (*depthwise) (const KnQdwArgs *args);
} KnQconvFamily;
