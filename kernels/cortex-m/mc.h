/* Operators of 8-bit networks for Cortex-M: what generated C calls, one function per layer.
 *
 * Freestanding: no C library, no heap, no global state, cannot fail. Plain C is the specification;
 * the same sources become faster with the DSP instructions (Armv7E-M: Cortex-M4, M7) and with MVE
 * (Armv8.1-M: Cortex-M55, M85), which the compiler's flags choose (MC_PLAIN forces plain C). All
 * give the same bits, which are those of Lathe's operators on any computer (kn-qconv.h, kn-qvec.h,
 * rt-ops-int8.h): sums are exact modulo 2^32, real numbers are f32, never fused, rounded half to
 * even. Compile with -ffp-contract=off and without -ffast-math.
 *
 * A tensor holds codes q, int8, that stand for scale * (q - zero point); one picture at a time,
 * [height][width][channels], channels last and neighbours. Sequences are pictures of one row.
 * Everything about a layer that does not change lies in one constant struct, which a generator
 * writes; what changes, the addresses, are arguments. x and y must not overlap unless it is said.
 * No alignment is asked of x and y beyond that of their elements; the scratch must be 8-byte
 * aligned. Nothing is read or written outside of what is described.
 *
 * Networks of unsigned codes become signed ones by `xor 0x80` of inputs, outputs and constants,
 * and zero points that are 128 less. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- which instructions ---- */

typedef enum
{
  MC_ISA_PLAIN,
  MC_ISA_DSP,
  MC_ISA_MVE,
} McIsa;

/* What this library was compiled for: "plain", "dsp", "mve". */
const char *mc_isa_name (void);

/* ---- back to 8 bit ---- */

/* q = round_half_even (clamp (v, low, high)) + zero, for a real number v in units of the output's
 * scale. low and high are integers: the lowest and highest code that may come out, minus zero
 * (KnRequant; rt_requant() makes it). */
typedef struct
{
  float low, high;
  int32_t zero;
} McRequant;

/* ---- windows ----
 *
 * Output (oy, ox) reads inputs (oy * stride_h + ky * dilation_h - pad_top, ...). What lies outside
 * of [0, in_h) x [0, in_w) is padding: the zero point in convolutions, nothing at all in pooling.
 *
 * Pictures may be parts of larger ones: rows and pixels have their distances in bytes, and the
 * paddings may be negative, which moves the first window into the picture. So a patch of a layer's
 * output is that same layer with another out_h and out_w, y_row_bytes of the whole, and pad_top =
 * padding - first output row * stride_h (pad_left alike) for an x that is the whole picture; where
 * x is a patch itself, minus the patch's first row: see mc_window_patch(). Nothing is computed
 * differently.
 *
 * y_pixel_bytes > out_c: the outputs lie inside of a concatenation along the channels. */
typedef struct
{
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t x_row_bytes, x_pixel_bytes; /* dense: in_w * in_c, in_c */
  int32_t y_row_bytes, y_pixel_bytes; /* dense: out_w * out_c, out_c */
} McWindow;

/* A part of a picture: rows [y, y + h), columns [x, x + w). */
typedef struct
{
  int32_t y, x, h, w;
} McPart;

/* The inputs that outputs @out of @w read, cut at the picture's borders. For generators. */
McPart mc_window_inputs (const McWindow *w, McPart out);
/* @w (whole pictures, dense) for outputs @out only, read from a dense copy of inputs @in (which
 * holds all of mc_window_inputs()), written to a dense picture of @out. For generators. */
McWindow mc_window_patch (const McWindow *w, McPart in, McPart out);

/* ---- products ----
 *
 *   y[r] = requantize (bias[r] + sum over the window of x w[r], times scale[r])
 *
 * @bias: the zero point of x is in it already: bias[r] - x_zero * sum of w[r], modulo 2^32 (0 in
 * place of a bias that is not there). Padding counts as x_zero. @scale: sx * sw[r] / sy, computed
 * in f32 in this order. Both have one element per output channel.
 *
 * @w_zero: zero points of weights that have some, one per output channel, else NULL. Then minus
 * w_zero[r] * sum of x is added to the sum, and the bias is x_zero * w_zero[r] * columns larger. */

/* Bytes from one row of weights to the next: rows of @n_cols columns are followed by zeros up to a
 * multiple of 4. */
#define MC_ROW_BYTES(n_cols) (((n_cols) + 3) / 4 * 4)

typedef struct
{
  McWindow window;
  int32_t groups;        /* of the channels, >= 1 */
  const int8_t *weights; /* [out_c] rows of [kernel_h][kernel_w][in_c / groups], then zeros */
  const int32_t *bias;   /* [out_c] */
  const float *scale;    /* [out_c] */
  int32_t x_zero;
  McRequant requant;
  const int32_t *w_zero; /* [out_c] or NULL */
} McConv;

/* conv_int8. Scratch: mc_conv_scratch_bytes() of the same struct, which a generator may ask with
 * pointers of NULL; 0 where windows are read from where they lie. */
void mc_conv (const McConv *conv, const int8_t *x, int8_t *y, void *scratch);
size_t mc_conv_scratch_bytes (const McConv *conv, McIsa isa);

typedef struct
{
  McWindow window;       /* out_c = in_c * multiplier; channel o is made from o / multiplier */
  const int8_t *weights; /* [kernel_h][kernel_w][out_c] */
  const int32_t *bias;   /* [out_c] */
  const float *scale;    /* [out_c] */
  int32_t x_zero;
  McRequant requant;
  const int32_t *w_zero; /* [out_c] or NULL */
} McDepthwise;

/* depthwise_int8. */
void mc_depthwise (const McDepthwise *depthwise, const int8_t *x, int8_t *y, void *scratch);
size_t mc_depthwise_scratch_bytes (const McDepthwise *depthwise, McIsa isa);

typedef struct
{
  int32_t n_rows;        /* of x and y */
  int32_t n_cols, n_out; /* of a row of x, of y */
  const int8_t *weights; /* [n_out] rows of MC_ROW_BYTES (n_cols) */
  const int32_t *bias;   /* [n_out] */
  const float *scale;    /* [n_out] */
  McRequant requant;
  const int32_t *w_zero; /* [n_out] or NULL */
} McFullyConnected;

/* fully_connected_int8: x [n_rows][n_cols] -> y [n_rows][n_out]. */
void mc_fully_connected (const McFullyConnected *fc, const int8_t *x, int8_t *y);

/* ---- pooling ---- */

typedef struct
{
  McWindow window;               /* in_c = out_c */
  int32_t pad_bottom, pad_right; /* average with count_padding only */
  bool count_padding; /* average: divide by the window with its padding, not by what lies in
                                   the picture */
  bool same_quant;    /* y has scale and zero point of x */
  float ratio;        /* sx / sy */
  int32_t x_zero;
  McRequant requant;  /* limits included */
  int32_t code_shift; /* average: the codes that are rounded are so much larger; 128 where they are
                         unsigned ones of which 128 was taken, else 0 */
} McPool;

/* max_pool_int8, average_pool_int8. */
void mc_max_pool (const McPool *pool, const int8_t *x, int8_t *y);
void mc_average_pool (const McPool *pool, const int8_t *x, int8_t *y);

typedef struct
{
  int32_t n_outer, n, n_inner; /* x [n_outer][n][n_inner] -> y [n_outer][n_inner] */
  float scale;                 /* sx / sy / (float) n, in this order */
  int32_t x_zero;
  McRequant requant;
} McMean;

/* mean_int8. */
void mc_mean (const McMean *mean, const int8_t *x, int8_t *y);

/* ---- element by element; y may be x, a or b unless it is broadcast ---- */

/* Row i of y is made from a's row i and from b at i * b_row_step, whose elements are b_step apart
 * (0: one for the whole row; b_row_step 0: one row for all). Turn a and b round where a is the one
 * that repeats. */
typedef struct
{
  int32_t n_rows, n; /* rows, elements of a row; a and y are dense */
  int32_t b_row_step, b_step;
  /* mc_add: clamp ((a * a_factor + b * b_factor + bias) >> shift, low, high) + zero, integers. */
  int32_t a_factor, b_factor, bias;
  int32_t shift;
  /* mc_mul: requantize ((a - a_zero) * (b - b_zero) * scale), scale = sa * sb / sy. */
  int32_t a_zero, b_zero;
  float scale;
  McRequant requant;
} McBinary;

/* add_int8 and (with a negative b_factor) sub_int8; the factors are those of KnQbinaryArgs. */
void mc_add (const McBinary *binary, const int8_t *a, const int8_t *b, int8_t *y);
void mc_mul (const McBinary *binary, const int8_t *a, const int8_t *b, int8_t *y);

/* unary_int8, requantize: y[i] = table[(uint8_t) x[i]], which is the order of rt's tables. */
void mc_lookup (const int8_t table[256], int32_t n, const int8_t *x, int8_t *y);

/* quantize: round_half_even (clamp (x / scale)) + zero. dequantize: (float) (x - zero) * scale. */
void mc_quantize (float scale, const McRequant *requant, int32_t n, const float *x, int8_t *y);
void mc_dequantize (float scale, int32_t zero, int32_t n, const int8_t *x, float *y);

/* ---- rows ---- */

typedef struct
{
  int32_t n_rows, n;
  const float *table; /* [256]: exp (- beta scale d) for a code d below the row's largest, as
                         softmax_int8 prepares it */
  float y_scale;
  int32_t y_zero;
} McSoftmax;

/* softmax_int8; y may be x. */
void mc_softmax (const McSoftmax *softmax, const int8_t *x, int8_t *y);

/* ---- moving, of any elements ---- */

/* memcpy; x may be y, and then nothing happens. */
void mc_copy (size_t n_bytes, const void *x, void *y);

/* @n_rows runs of @row_bytes, x_step and y_step bytes apart: slices, and a concatenation's inputs
 * one after the other. */
void mc_copy_rows (int32_t n_rows, size_t row_bytes, const void *x, ptrdiff_t x_step, void *y,
                   ptrdiff_t y_step);

#define MC_MAX_DIMS 6

/* Element (i0, i1, ...) of y, dense, is that at the sum of i * step of x: slices with steps,
 * transposes, expansions (step 0), reversals (step < 0, x is the first one read). */
typedef struct
{
  int32_t n_dims; /* 1..MC_MAX_DIMS */
  int32_t element_bytes;
  int32_t dims[MC_MAX_DIMS];  /* of y */
  int32_t steps[MC_MAX_DIMS]; /* bytes in x */
} McGather;

void mc_gather (const McGather *gather, const void *x, void *y);

/* pad with a constant, int8: x [dims], before and after (which may be negative: cut off) elements
 * of each dimension. */
typedef struct
{
  int32_t n_dims; /* 1..MC_MAX_DIMS */
  int32_t dims[MC_MAX_DIMS], before[MC_MAX_DIMS], after[MC_MAX_DIMS];
  int8_t value;
} McPad;

void mc_pad (const McPad *pad, const int8_t *x, int8_t *y);
