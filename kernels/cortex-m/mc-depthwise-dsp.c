/* Depthwise convolution with SMLABB and SMLATT: four channels of a tap are two words of pairs. */
#include "mc-depthwise.h"

#if MC_USE_DSP

#include "mc-requant-dsp.h"
#include "mc-widen.h"

/* Channels whose sums wait for their way back to 8 bit. */
#define BLOCK_CHANNELS 32

typedef struct
{
  int32_t s0, s1, s2, s3;
} Sums;

MC_INLINE Sums
madd (const int8_t *x, const int8_t *w, Sums s)
{
  const uint32_t xs = mc_load4 (x), ws = mc_load4 (w);
  const int16x2_t xe = __sxtb16 (xs), we = __sxtb16 (ws);

  s.s0 = __smlabb (xe, we, s.s0);
  s.s2 = __smlatt (xe, we, s.s2);
  const int16x2_t xo = mc_sxtb16_odd (xs), wo = mc_sxtb16_odd (ws);
  s.s1 = __smlabb (xo, wo, s.s1);
  s.s3 = __smlatt (xo, wo, s.s3);
  return s;
}

/* Four channels from @x bytes behind each tap on; two taps a turn. */
MC_INLINE void
four_channels (const int8_t *const *taps, const int8_t *const *end, int32_t x, const int8_t *w,
               int32_t step, const int32_t *bias, int32_t *sums)
{
  Sums s = { bias[0], bias[1], bias[2], bias[3] };

  if ((end - taps) % 2 != 0)
    {
      s = madd (*taps++ + x, w, s);
      w += step;
    }
  for (; taps < end; taps += 2, w += 2 * step)
    {
      const int8_t *const x0 = taps[0], *const x1 = taps[1];

      s = madd (x0 + x, w, s);
      s = madd (x1 + x, w + step, s);
    }
  sums[0] = s.s0;
  sums[1] = s.s1;
  sums[2] = s.s2;
  sums[3] = s.s3;
}

static int32_t
one_channel (const int8_t *const *taps, const int8_t *const *end, int32_t x, const int8_t *w,
             int32_t step, int32_t bias)
{
  uint32_t sum = (uint32_t)bias;

  for (; taps < end; taps++, w += step)
    sum += (uint32_t)((*taps)[x] * *w);
  return (int32_t)sum;
}

/* ---- weights that have zero points ---- */

static int32_t
moved (int32_t sum, int32_t w_zero, int32_t x_sum)
{
  return (int32_t)((uint32_t)sum - (uint32_t)w_zero * (uint32_t)x_sum);
}

/* Four channels, at most 255 taps: sums of codes in 16 bit. */
MC_INLINE void
move_four_zeros (const int8_t *const *taps, const int8_t *const *end, int32_t x,
                 const int32_t *w_zero, int32_t *sums)
{
  int16x2_t even = 0, odd = 0;

  for (; taps < end; taps++)
    {
      const uint32_t xs = mc_load4 (*taps + x);

      even = __sxtab16 (even, xs);
      odd = __sxtab16 (odd, xs >> 8 | xs << 24);
    }
  sums[0] = moved (sums[0], w_zero[0], (int16_t)even);
  sums[1] = moved (sums[1], w_zero[1], (int16_t)odd);
  sums[2] = moved (sums[2], w_zero[2], even >> 16);
  sums[3] = moved (sums[3], w_zero[3], odd >> 16);
}

/* Channels [x, x + n). */
static void
move_zeros (const int8_t *const *taps, const int8_t *const *end, int32_t x, const int32_t *w_zero,
            int32_t n, int32_t *sums)
{
  int32_t c = 0;

  for (; c + 4 <= n && end - taps <= 255; c += 4)
    move_four_zeros (taps, end, x + c, w_zero + c, sums + c);
  for (; c < n; c++)
    {
      int32_t x_sum = 0;

      for (const int8_t *const *tap = taps; tap < end; tap++)
        x_sum += (*tap)[x + c];
      sums[c] = moved (sums[c], w_zero[c], x_sum);
    }
}

void
mc_depthwise_taps (const McDepthwise *d, const int8_t *const *taps, int32_t shift, int8_t *y)
{
  const int8_t *const *end = taps + d->window.kernel_h * d->window.kernel_w;
  const int8_t *w = d->weights;
  const int32_t *bias = d->bias;
  const int32_t n_channels = d->window.out_c;
  int32_t sums[BLOCK_CHANNELS];

  for (int32_t first = 0; first < n_channels; first += BLOCK_CHANNELS)
    {
      const int32_t n = mc_min (n_channels - first, BLOCK_CHANNELS);
      int32_t c = 0;

      for (; c + 4 <= n; c += 4)
        four_channels (taps, end, shift + first + c, w + first + c, n_channels, bias + first + c,
                       sums + c);
      for (; c < n; c++)
        sums[c] = one_channel (taps, end, shift + first + c, w + first + c, n_channels,
                               bias[first + c]);
      if (d->w_zero != NULL)
        move_zeros (taps, end, shift + first, d->w_zero + first, n, sums);
      mc_requant_run_dsp (sums, d->scale + first, n, &d->requant, y + first);
    }
}

#endif
