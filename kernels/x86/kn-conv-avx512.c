/* Convolutions with AVX-512: tiles of up to 12 pixels x 2 panels (32 outputs), one chain of fused
 * multiply-adds per output.
 *
 * A weight line is loaded once for all pixels of the tile and a pixel's value is broadcast once for
 * all panels, so 24 multiply-adds take 14 loads. The product is cut into blocks of columns so that
 * the weights of a block stay near while all pixels pass; between blocks the sums rest in scratch.
 * Few pixels take more panels at once, to have enough independent chains. */
#ifndef __AVX512F__
#error "build with AVX-512"
#endif

#include "kn-conv-walk.h"
#include "kn-table-private.h"

#include <immintrin.h>

#define MAX_PIXELS 12
/* Weights of a block: in the second-level cache, from where they come as fast as they are needed;
 * smaller blocks spend more on their sums than the first-level cache gives back. */
#define BLOCK_LINES 1152

/* What comes after the sums of one panel. Stores with a mask are slow on some processors, so whole
 * panels have their own way. */
typedef struct
{
  ptrdiff_t lane0; /* where lane 0 is in a row of outputs */
  __mmask16 mask;
  int whole;
  __m512 bias, min, max;
} End;

KN_INLINE End
panel_end (const KnConvArgs *a, size_t panel)
{
  size_t low, high;
  End e = { .lane0 = kn_conv_lane0 (a, panel) };

  kn_conv_lanes (a, panel, &low, &high);
  e.whole = high - low == KN_PANEL_ROWS;
  e.mask = (__mmask16)(((1u << high) - 1) & ~((1u << low) - 1));
  /* Adding -0 changes nothing. */
  e.bias = _mm512_set1_ps (-0.0f);
  if (a->bias)
    e.bias = _mm512_maskz_loadu_ps (e.mask, a->bias + e.lane0);
  e.min = _mm512_set1_ps (a->min);
  e.max = _mm512_set1_ps (a->max);
  return e;
}

/* Both give their second operand when one is NaN. */
KN_INLINE __m512
limit (End e, __m512 v)
{
  return _mm512_min_ps (e.max, _mm512_max_ps (e.min, v));
}

/* Bias, residual and limits: the sums of one panel and some pixels become outputs. @acc [..][@p] is
 * the panel's column of the tile. */
KN_INLINE void
store_panel (const KnConvArgs *a, const int n_pixels, size_t first_pixel, End e,
             const __m512 acc[][KN_CONV_MAX_PANELS], const int p)
{
  const size_t y_stride = a->y_stride, residual_stride = a->residual_stride;
  const float *residual = a->residual;
  float *y = a->y + (ptrdiff_t)(first_pixel * y_stride) + e.lane0;

  if (residual)
    residual += (ptrdiff_t)(first_pixel * residual_stride) + e.lane0;
  if (e.whole && !residual)
    {
      KN_UNROLL
      for (int t = 0; t < n_pixels; t++, y += y_stride)
        _mm512_storeu_ps (y, limit (e, _mm512_add_ps (acc[t][p], e.bias)));
      return;
    }
  KN_UNROLL
  for (int t = 0; t < n_pixels; t++, y += y_stride)
    {
      __m512 v = _mm512_add_ps (acc[t][p], e.bias);

      if (residual)
        v = _mm512_add_ps (v,
                           _mm512_maskz_loadu_ps (e.mask, residual + (size_t)t * residual_stride));
      _mm512_mask_storeu_ps (y, e.mask, limit (e, v));
    }
}

/* Whether the next segment is this one moved by a pixel, as the taps of a row of the window are. */
KN_INLINE int
is_shifted (const KnConvArgs *a, size_t segment, const float *const *segments)
{
  return segment + 1 < a->n_segments && segments[a->n_pixels] == segments[1];
}

/* The part of a segment that the next tile will read. Its pixels lie in as many places, too far
 * apart for the processor to guess. */
KN_INLINE void
prefetch_pixels (const float *const *segments, size_t offset, size_t n)
{
  for (size_t i = 0; i < n; i += 16)
    {
      KN_UNROLL
      for (int t = 0; t < MAX_PIXELS; t++)
        _mm_prefetch ((const char *)(segments[t] + offset + i), _MM_HINT_T0);
    }
}

KN_INLINE void
tile (const int n_pixels, const int n_panels, const KnConvPass *pass, size_t first_pixel)
{
  const KnConvArgs *a = pass->args;
  const size_t n_terms = pass->block.end - pass->block.first;
  const size_t panel_floats = kn_conv_pass_stride (pass);
  float *sums = kn_conv_sums (a) + first_pixel * (size_t)n_panels * KN_PANEL_ROWS;
  size_t segment = pass->segment, offset = pass->offset;
  __m512 acc[MAX_PIXELS][KN_CONV_MAX_PANELS];

  KN_UNROLL
  for (int t = 0; t < n_pixels; t++)
    {
      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        acc[t][p] = pass->block.is_first
                        ? _mm512_setzero_ps ()
                        : _mm512_load_ps (sums + (t * n_panels + p) * KN_PANEL_ROWS);
    }

  for (size_t left = n_terms; left > 0; segment++, offset = 0)
    {
      const size_t n = a->segment_len - offset < left ? a->segment_len - offset : left;
      const float *w = kn_conv_pass_weights (pass, segment, offset, n_terms - left);
      const float *const *segments = a->segments + segment * a->n_pixels + first_pixel;
      const float *x[MAX_PIXELS];

      KN_UNROLL
      for (int t = 0; t < n_pixels; t++)
        x[t] = segments[t] + offset;
      if (n_pixels == MAX_PIXELS && n >= KN_PANEL_ROWS
          && first_pixel + 2 * MAX_PIXELS <= a->n_pixels && !is_shifted (a, segment, segments))
        prefetch_pixels (segments + MAX_PIXELS, offset, n);
      for (size_t i = 0; i < n; i++, w += KN_PANEL_ROWS)
        {
          __m512 line[KN_CONV_MAX_PANELS];

          KN_UNROLL
          for (int p = 0; p < n_panels; p++)
            line[p] = _mm512_load_ps (w + (size_t)p * panel_floats);
          KN_UNROLL
          for (int t = 0; t < n_pixels; t++)
            {
              const __m512 value = _mm512_set1_ps (x[t][i]);

              KN_UNROLL
              for (int p = 0; p < n_panels; p++)
                acc[t][p] = _mm512_fmadd_ps (line[p], value, acc[t][p]);
            }
        }
      left -= n;
    }

  if (pass->block.is_last)
    {
      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        store_panel (a, n_pixels, first_pixel, panel_end (a, pass->first_panel + (size_t)p), acc,
                     p);
      return;
    }
  KN_UNROLL
  for (int t = 0; t < n_pixels; t++)
    {
      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        _mm512_store_ps (sums + (t * n_panels + p) * KN_PANEL_ROWS, acc[t][p]);
    }
}

static void
expand (KnDtype dtype, const uint16_t *lines, size_t n_lines, float *out)
{
  for (size_t i = 0; i < n_lines; i++, lines += KN_PANEL_ROWS, out += KN_PANEL_ROWS)
    {
      const __m256i line = _mm256_load_si256 ((const __m256i *)lines);

      _mm512_store_ps (out, dtype == KN_F16
                                ? _mm512_cvtph_ps (line)
                                : _mm512_castsi512_ps (
                                    _mm512_slli_epi32 (_mm512_cvtepu16_epi32 (line), 16)));
    }
}

#define TILE(pixels, panels)                                                                       \
  static __attribute__ ((noinline)) void tile_##pixels##x##panels (const KnConvPass *pass,         \
                                                                   size_t first_pixel)             \
  {                                                                                                \
    tile (pixels, panels, pass, first_pixel);                                                      \
  }
TILE (1, 1)
TILE (1, 2)
TILE (1, 4)
TILE (1, 8)
TILE (2, 1)
TILE (2, 2)
TILE (2, 4)
TILE (3, 1)
TILE (3, 2)
TILE (3, 4)
TILE (4, 1)
TILE (4, 2)
TILE (4, 4)
TILE (5, 1)
TILE (5, 2)
TILE (5, 4)
TILE (6, 1)
TILE (6, 2)
TILE (6, 4)
TILE (7, 1)
TILE (7, 2)
TILE (8, 1)
TILE (8, 2)
TILE (9, 1)
TILE (9, 2)
TILE (10, 1)
TILE (10, 2)
TILE (11, 1)
TILE (11, 2)
TILE (12, 1)
TILE (12, 2)

static KnConvTiles tiles[MAX_PIXELS] = {
  { tile_1x1, tile_1x2, tile_1x4, tile_1x8 },
  { tile_2x1, tile_2x2, tile_2x4 },
  { tile_3x1, tile_3x2, tile_3x4 },
  { tile_4x1, tile_4x2, tile_4x4 },
  { tile_5x1, tile_5x2, tile_5x4 },
  { tile_6x1, tile_6x2, tile_6x4 },
  { tile_7x1, tile_7x2 },
  { tile_8x1, tile_8x2 },
  { tile_9x1, tile_9x2 },
  { tile_10x1, tile_10x2 },
  { tile_11x1, tile_11x2 },
  { tile_12x1, tile_12x2 },
};

static void
conv_avx512 (const KnConvArgs *a)
{
  kn_conv_walk (a, MAX_PIXELS, BLOCK_LINES, tiles, expand);
}

void
kn_conv_avx512 (KnConvFamily *family)
{
  family->conv = conv_avx512;
  kn_depthwise_avx512 (family);
}
