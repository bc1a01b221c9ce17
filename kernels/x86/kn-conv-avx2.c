/* Convolution, depthwise convolution and pooling with AVX2: tiles of up to 6 pixels x 1 panel,
 * which are 12 registers of sums, 2 of weights and 1 for a pixel's value. */
#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "build with AVX2, FMA and F16C"
#endif

#include <immintrin.h>

#define VEC_LANES 8
#define CONV_MAX_PIXELS 6
#define CONV_MAX_PANELS 4

typedef __m256 Vec;
typedef __m256 VecScalar;

static inline __attribute__ ((always_inline)) Vec
vec_load (const float *x)
{
  return _mm256_loadu_ps (x);
}

static inline __attribute__ ((always_inline)) void
vec_store (float *y, Vec v)
{
  _mm256_storeu_ps (y, v);
}

static inline __attribute__ ((always_inline)) Vec
vec_set1 (float x)
{
  return _mm256_set1_ps (x);
}

static inline __attribute__ ((always_inline)) Vec
vec_add (Vec a, Vec b)
{
  return _mm256_add_ps (a, b);
}

static inline __attribute__ ((always_inline)) Vec
vec_div (Vec a, Vec b)
{
  return _mm256_div_ps (a, b);
}

static inline __attribute__ ((always_inline)) Vec
vec_fma (Vec a, Vec b, Vec c)
{
  return _mm256_fmadd_ps (a, b, c);
}

/* max and min give their second operand when one is NaN. */
static inline __attribute__ ((always_inline)) Vec
vec_at_least (Vec v, float low)
{
  return _mm256_max_ps (_mm256_set1_ps (low), v);
}

static inline __attribute__ ((always_inline)) Vec
vec_at_most (Vec v, float high)
{
  return _mm256_min_ps (_mm256_set1_ps (high), v);
}

static inline __attribute__ ((always_inline)) Vec
vec_max (Vec a, Vec b)
{
  return _mm256_max_ps (a, b);
}

static inline __attribute__ ((always_inline)) VecScalar
vec_scalar (const float *x)
{
  return _mm256_broadcast_ss (x);
}

static inline __attribute__ ((always_inline)) Vec
vec_fma_scalar (Vec w, VecScalar x, Vec acc)
{
  return _mm256_fmadd_ps (w, x, acc);
}

#include "kn-conv-body.h"

CONV_TILE (1, 1)
CONV_TILE (1, 2)
CONV_TILE (1, 4)
CONV_TILE (2, 1)
CONV_TILE (2, 2)
CONV_TILE (3, 1)
CONV_TILE (3, 2)
CONV_TILE (4, 1)
CONV_TILE (5, 1)
CONV_TILE (6, 1)

static KnConvTiles tiles[CONV_MAX_PIXELS] = {
  { tile_1x1, tile_1x2, tile_1x4 },
  { tile_2x1, tile_2x2 },
  { tile_3x1, tile_3x2 },
  { tile_4x1 },
  { tile_5x1 },
  { tile_6x1 },
};

static void
expand (KnDtype dtype, const uint16_t *lines, size_t n_lines, float *out)
{
  for (size_t i = 0; i < n_lines * 2; i++, lines += 8, out += 8)
    {
      const __m128i half = _mm_load_si128 ((const __m128i *)lines);

      _mm256_store_ps (out, dtype == KN_F16
                                ? _mm256_cvtph_ps (half)
                                : _mm256_castsi256_ps (
                                    _mm256_slli_epi32 (_mm256_cvtepu16_epi32 (half), 16)));
    }
}

static void
conv_avx2 (const KnConvArgs *a)
{
  kn_conv_walk (a, CONV_MAX_PIXELS, KN_CONV_BLOCK_LINES, tiles, expand);
}

void
kn_conv_avx2 (KnConvFamily *family)
{
  family->conv = conv_avx2;
  family->depthwise = depthwise_body;
}

void
kn_pool_avx2 (KnPoolFamily *family)
{
  family->max = pool_max_body;
  family->average = pool_average_body;
}
