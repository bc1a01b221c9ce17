/* Depthwise convolution with MVE: 16 channels of a tap at a time. Products of bytes are 16 bits of
 * even and of odd channels, their sums 32 bits of every fourth channel, which is the order that
 * VLD4 brings biases and scales in. */
#include "mc-depthwise.h"

#if MC_USE_MVE

#include "mc-requant-mve.h"

/* What is the same for all channels. */
typedef struct
{
  const int8_t *const *taps, *const *end;
  int32_t shift, step; /* step: bytes from a tap's weights to the next one's */
  const int8_t *weights;
  const int32_t *bias;
  const float *scale;
  McRequant requant;
} Taps;

/* Sums are variables of their own: the compiler keeps arrays of vectors in memory. */
MC_INLINE void
sixteen_channels (const Taps *t, int32_t c, int8_t *y)
{
  const int8_t *const *tap = t->taps, *const *const end = t->end;
  const int8_t *w = t->weights + c;
  const int32_t x = t->shift + c, step = t->step;
  const int32x4x4_t bias = vld4q_s32 (t->bias + c);
  int32x4_t s0 = bias.val[0], s1 = bias.val[1], s2 = bias.val[2], s3 = bias.val[3];

  do
    {
      const int8x16_t xs = vldrbq_s8 (*tap + x), ws = vldrbq_s8 (w);
      const int16x8_t even = vmullbq_int_s8 (xs, ws), odd = vmulltq_int_s8 (xs, ws);

      s0 = vaddq_s32 (s0, vmovlbq_s16 (even));
      s2 = vaddq_s32 (s2, vmovltq_s16 (even));
      s1 = vaddq_s32 (s1, vmovlbq_s16 (odd));
      s3 = vaddq_s32 (s3, vmovltq_s16 (odd));
      w += step;
    }
  while (++tap < end);

  const float32x4x4_t scale = vld4q_f32 (t->scale + c);
  s0 = mc_requant_mve (s0, scale.val[0], &t->requant);
  s1 = mc_requant_mve (s1, scale.val[1], &t->requant);
  s2 = mc_requant_mve (s2, scale.val[2], &t->requant);
  s3 = mc_requant_mve (s3, scale.val[3], &t->requant);
  /* Back to the order of channels: codes of 0, 4 .. below those of 2, 6 .., then even below odd. */
  const int16x8_t even = vmovntq_s32 (vreinterpretq_s16_s32 (s0), s2);
  const int16x8_t odd = vmovntq_s32 (vreinterpretq_s16_s32 (s1), s3);
  vstrbq_s8 (y + c, vmovntq_s16 (vreinterpretq_s8_s16 (even), odd));
}

/* Sums of the even and of the odd ones of eight channels from @c on. */
MC_INLINE void
store_eight (const Taps *t, int32_t c, int32x4_t even, int32x4_t odd, int8_t *y)
{
  const float32x4x2_t scale = vld2q_f32 (t->scale + c);

  even = mc_requant_mve (even, scale.val[0], &t->requant);
  odd = mc_requant_mve (odd, scale.val[1], &t->requant);
  vstrbq_s16 (y + c, vmovntq_s32 (vreinterpretq_s16_s32 (even), odd));
}

/* Eight channels: 32-bit products of bytes that are widened as they are read. */
MC_INLINE void
eight_channels (const Taps *t, int32_t c, int8_t *y)
{
  const int8_t *const *tap = t->taps, *const *const end = t->end;
  const int8_t *w = t->weights + c;
  const int32_t x = t->shift + c, step = t->step;
  const int32x4x2_t bias = vld2q_s32 (t->bias + c);
  int32x4_t s0 = bias.val[0], s1 = bias.val[1];

  do
    {
      const int16x8_t xs = vldrbq_s16 (*tap + x), ws = vldrbq_s16 (w);

      s0 = vaddq_s32 (s0, vmullbq_int_s16 (xs, ws));
      s1 = vaddq_s32 (s1, vmulltq_int_s16 (xs, ws));
      w += step;
    }
  while (++tap < end);
  store_eight (t, c, s0, s1, y);
}

/* Channels [c, c + 4), those that there are of @n. */
MC_INLINE void
four_channels (const Taps *t, int32_t c, int32_t n, int8_t *y)
{
  const int8_t *const *tap = t->taps, *const *const end = t->end;
  const int8_t *w = t->weights + c;
  const int32_t x = t->shift + c, step = t->step;
  const mve_pred16_t some = vctp32q ((uint32_t)(n - c));
  int32x4_t s = vldrwq_z_s32 (t->bias + c, some);

  do
    {
      s = vaddq_s32 (s, vmulq_s32 (vldrbq_z_s32 (*tap + x, some), vldrbq_z_s32 (w, some)));
      w += step;
    }
  while (++tap < end);
  vstrbq_p_s32 (y + c, mc_requant_mve (s, vldrwq_z_f32 (t->scale + c, some), &t->requant), some);
}

/* The same for weights that have zero points: their distances fit 16 bits. */
static void
eight_channels_moved (const Taps *t, const int32_t *w_zero, int32_t c, int8_t *y)
{
  const int8_t *const *tap = t->taps, *const *const end = t->end;
  const int8_t *w = t->weights + c;
  const int32_t x = t->shift + c, step = t->step;
  const int32x4x2_t bias = vld2q_s32 (t->bias + c), zeros = vld2q_s32 (w_zero + c);
  const int16x8_t zero = vmovntq_s32 (vreinterpretq_s16_s32 (zeros.val[0]), zeros.val[1]);
  int32x4_t s0 = bias.val[0], s1 = bias.val[1];

  do
    {
      const int16x8_t xs = vldrbq_s16 (*tap + x), ws = vsubq_s16 (vldrbq_s16 (w), zero);

      s0 = vaddq_s32 (s0, vmullbq_int_s16 (xs, ws));
      s1 = vaddq_s32 (s1, vmulltq_int_s16 (xs, ws));
      w += step;
    }
  while (++tap < end);
  store_eight (t, c, s0, s1, y);
}

static void
four_channels_moved (const Taps *t, const int32_t *w_zero, int32_t c, int32_t n, int8_t *y)
{
  const int8_t *const *tap = t->taps, *const *const end = t->end;
  const int8_t *w = t->weights + c;
  const mve_pred16_t some = vctp32q ((uint32_t)(n - c));
  const int32x4_t zero = vldrwq_z_s32 (w_zero + c, some);
  int32x4_t s = vldrwq_z_s32 (t->bias + c, some);

  for (; tap < end; tap++, w += t->step)
    s = vaddq_s32 (s, vmulq_s32 (vldrbq_z_s32 (*tap + t->shift + c, some),
                                 vsubq_s32 (vldrbq_z_s32 (w, some), zero)));
  vstrbq_p_s32 (y + c, mc_requant_mve (s, vldrwq_z_f32 (t->scale + c, some), &t->requant), some);
}

void
mc_depthwise_taps (const McDepthwise *d, const int8_t *const *taps, int32_t shift, int8_t *y)
{
  const int32_t n = d->window.out_c;
  const Taps t = { .taps = taps,
                   .end = taps + d->window.kernel_h * d->window.kernel_w,
                   .shift = shift,
                   .step = n,
                   .weights = d->weights,
                   .bias = d->bias,
                   .scale = d->scale,
                   .requant = d->requant };
  int32_t c = 0;

  if (d->w_zero != NULL)
    {
      for (; c + 8 <= n; c += 8)
        eight_channels_moved (&t, d->w_zero, c, y);
      for (; c < n; c += 4)
        four_channels_moved (&t, d->w_zero, c, n, y);
      return;
    }
  for (; c + 16 <= n; c += 16)
    sixteen_channels (&t, c, y);
  if (c + 8 <= n)
    {
      eight_channels (&t, c, y);
      c += 8;
    }
  for (; c < n; c += 4)
    four_channels (&t, c, n, y);
}

#endif
