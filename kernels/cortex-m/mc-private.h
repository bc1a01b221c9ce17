/* What the kernels for Cortex-M share: which instructions there are, one element's way back to 8
 * bit, unaligned words. Private to kernels/cortex-m. */
#pragma once

#include "mc.h"

/* Exactly one of them is 1. MVE means with f32, as every Cortex-M55 and M85 of note has it. */
#if !defined MC_PLAIN && defined __ARM_FEATURE_MVE && (__ARM_FEATURE_MVE & 2)
#define MC_USE_MVE 1
#define MC_USE_DSP 0
#elif !defined MC_PLAIN && defined __ARM_FEATURE_DSP && !defined __aarch64__
#define MC_USE_MVE 0
#define MC_USE_DSP 1
#else
#define MC_USE_MVE 0
#define MC_USE_DSP 0
#endif
#define MC_USE_PLAIN (!MC_USE_MVE && !MC_USE_DSP)

#define MC_INLINE static inline __attribute__ ((always_inline))

/* Adding it rounds to an integer, half to even, for |v| < 2^22; the integer is then in the low
 * bits. */
#define MC_ROUND_MAGIC 0x1.8p23f

MC_INLINE int32_t
mc_round (float v)
{
  const float magic = MC_ROUND_MAGIC;
  int32_t bits, magic_bits;

  v += magic;
  __builtin_memcpy (&bits, &v, sizeof bits);
  __builtin_memcpy (&magic_bits, &magic, sizeof bits);
  return bits - magic_bits;
}

/* NaN becomes the lowest. */
MC_INLINE int8_t
mc_code (float v, const McRequant *r)
{
  v = v > r->low ? v : r->low;
  v = v < r->high ? v : r->high;
  return (int8_t)(mc_round (v) + r->zero);
}

MC_INLINE int8_t
mc_requant1 (int32_t sum, float scale, const McRequant *r)
{
  return mc_code ((float)sum * scale, r);
}

MC_INLINE int32_t
mc_min (int32_t a, int32_t b)
{
  return a < b ? a : b;
}

MC_INLINE int32_t
mc_max (int32_t a, int32_t b)
{
  return a > b ? a : b;
}

MC_INLINE uint32_t
mc_load4 (const void *from)
{
  uint32_t word;
  __builtin_memcpy (&word, from, sizeof word);
  return word;
}

/* The first @n of 4 bytes, 0 < n < 4, and zeros. */
MC_INLINE uint32_t
mc_load_tail (const int8_t *from, int32_t n)
{
  uint32_t word = (uint8_t)from[0];

  if (n > 1)
    word |= (uint32_t)(uint8_t)from[1] << 8;
  if (n > 2)
    word |= (uint32_t)(uint8_t)from[2] << 16;
  return word;
}

/* ---- products: mc-product.c, -dsp.c, -mve.c ---- */

/* Some rows of weights, and what becomes of their sums. */
typedef struct
{
  const int8_t *weights; /* [n_rows] rows, row_bytes apart */
  int32_t row_bytes, n_cols, n_rows;
  const int32_t *bias; /* [n_rows] */
  const float *scale;  /* [n_rows] */
  const McRequant *requant;
  const int32_t *w_zero; /* [n_rows] or NULL */
} McProduct;

/* x [n_cols] -> y [n_rows]. */
void mc_product_1 (const McProduct *product, const int8_t *x, int8_t *y);
/* Two of them. DSP: x is not read, it is in @wide, as mc_widen() leaves it. */
void mc_product_2 (const McProduct *product, const int8_t *const x[2], const void *wide,
                   int8_t *const y[2]);

/* ---- windows: mc-window.c ---- */

/* Channels [channel, + n) of the window of output (oy, ox), to @to as [kernel_h][kernel_w][n]. */
void mc_window_copy (const McWindow *window, const int8_t *x, int32_t oy, int32_t ox,
                     int32_t channel, int32_t n, int8_t zero, int8_t *to);
#if MC_USE_DSP
/* The same as pixel @which of @wide, see mc-widen.h; @n is a multiple of 4. */
void mc_window_widen (const McWindow *window, const int8_t *x, int32_t oy, int32_t ox,
                      int32_t channel, int32_t n, int8_t zero, int32_t which, void *wide);
#endif

/* The taps [first, end) of one dimension that lie in the picture; first = end: none does.
 * @start: position of tap 0. */
MC_INLINE void
mc_taps (int32_t start, int32_t kernel, int32_t dilation, int32_t size, int32_t *first,
         int32_t *end)
{
  int32_t f = 0, e = kernel;

  if (start >= 0 && start + (kernel - 1) * dilation < size)
    {
      *first = 0;
      *end = kernel;
      return;
    }
  while (f < e && start + f * dilation < 0)
    f++;
  while (e > f && start + (e - 1) * dilation >= size)
    e--;
  *first = f;
  *end = e;
}
