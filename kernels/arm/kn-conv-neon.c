/* Convolution, depthwise convolution and pooling with NEON: tiles of up to 6 pixels x 1 panel,
 * which are 24 registers of sums, 4 of weights and 1 for a pixel's value, taken by the multiply-add
 * from its lane. */
#include <arm_neon.h>

#define VEC_LANES 4
#define CONV_MAX_PIXELS 6
#define CONV_MAX_PANELS 2

typedef float32x4_t Vec;
typedef float VecScalar;

static inline __attribute__ ((always_inline)) Vec
vec_load (const float *x)
{
  return vld1q_f32 (x);
}

static inline __attribute__ ((always_inline)) void
vec_store (float *y, Vec v)
{
  vst1q_f32 (y, v);
}

static inline __attribute__ ((always_inline)) Vec
vec_set1 (float x)
{
  return vdupq_n_f32 (x);
}

static inline __attribute__ ((always_inline)) Vec
vec_add (Vec a, Vec b)
{
  return vaddq_f32 (a, b);
}

static inline __attribute__ ((always_inline)) Vec
vec_div (Vec a, Vec b)
{
  return vdivq_f32 (a, b);
}

static inline __attribute__ ((always_inline)) Vec
vec_fma (Vec a, Vec b, Vec c)
{
  return vfmaq_f32 (c, a, b);
}

/* Comparisons, because vmaxq gives a NaN when either is one and orders zeros. */
static inline __attribute__ ((always_inline)) Vec
vec_max (Vec a, Vec b)
{
  return vbslq_f32 (vcgtq_f32 (a, b), a, b);
}

static inline __attribute__ ((always_inline)) Vec
vec_at_least (Vec v, float low)
{
  return vec_max (vdupq_n_f32 (low), v);
}

static inline __attribute__ ((always_inline)) Vec
vec_at_most (Vec v, float high)
{
  const Vec limit = vdupq_n_f32 (high);

  return vbslq_f32 (vcltq_f32 (limit, v), limit, v);
}

static inline __attribute__ ((always_inline)) VecScalar
vec_scalar (const float *x)
{
  return *x;
}

static inline __attribute__ ((always_inline)) Vec
vec_fma_scalar (Vec w, VecScalar x, Vec acc)
{
  return vfmaq_n_f32 (acc, w, x);
}

#include "kn-conv-body.h"

CONV_TILE (1, 1)
CONV_TILE (1, 2)
CONV_TILE (2, 1)
CONV_TILE (2, 2)
CONV_TILE (3, 1)
CONV_TILE (4, 1)
CONV_TILE (5, 1)
CONV_TILE (6, 1)

static KnConvTiles tiles[CONV_MAX_PIXELS] = {
  { tile_1x1, tile_1x2 }, { tile_2x1, tile_2x2 }, { tile_3x1 },
  { tile_4x1 },           { tile_5x1 },           { tile_6x1 },
};

static void
expand (KnDtype dtype, const uint16_t *lines, size_t n_lines, float *out)
{
  for (size_t i = 0; i < n_lines * 4; i++, lines += 4, out += 4)
    {
      const uint16x4_t half = vld1_u16 (lines);

      vst1q_f32 (out, dtype == KN_F16 ? vcvt_f32_f16 (vreinterpret_f16_u16 (half))
                                      : vreinterpretq_f32_u32 (vshll_n_u16 (half, 16)));
    }
}

static void
conv_neon (const KnConvArgs *a)
{
  kn_conv_walk (a, CONV_MAX_PIXELS, KN_CONV_BLOCK_LINES, tiles, expand);
}

void
kn_conv_neon (KnConvFamily *family)
{
  family->conv = conv_neon;
  family->depthwise = depthwise_body;
}

void
kn_pool_neon (KnPoolFamily *family)
{
  family->max = pool_max_body;
  family->average = pool_average_body;
}
