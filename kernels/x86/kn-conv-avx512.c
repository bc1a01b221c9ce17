/* Convolutions with AVX-512: tiles of up to 12 pixels x 2 panels (32 outputs), one chain of fused
 * multiply-adds per output.
 *
 * A weight line is loaded once for all pixels of the tile and a pixel's value is broadcast once for
 * all panels, so 24 multiply-adds take 14 loads. The product is cut into blocks of columns so that
 * the weights of a block stay in the first-level cache while all pixels pass; between blocks the
 * sums rest in scratch. Few pixels take more panels at once, to have enough independent chains. */
#ifndef __AVX512F__
#error "build with AVX-512"
#endif

#include "kn-conv-private.h"
#include "kn-table-private.h"

#include <immintrin.h>

#define MAX_PIXELS 12

/* What the tiles of one pass have in common. */
typedef struct
{
  const KnConvArgs *args;
  KnConvBlock block;
  size_t first_panel;
  const float
      *expanded; /* the block's weights, panel after panel; NULL: take them from the panels */
} Pass;

KN_INLINE __mmask16
lane_mask (const KnConvArgs *a, size_t panel)
{
  size_t low, high;

  kn_conv_lanes (a, panel, &low, &high);
  return (__mmask16)(((1u << high) - 1) & ~((1u << low) - 1));
}

KN_INLINE __m512
limit (__m512 v, const KnConvArgs *a)
{
  /* Both give their second operand when one is NaN. */
  v = _mm512_max_ps (_mm512_set1_ps (a->min), v);
  return _mm512_min_ps (_mm512_set1_ps (a->max), v);
}

/* Bias, residual and limits; the sums of pixel @t and panel @panel leave the register. */
KN_INLINE void
store_output (const KnConvArgs *a, size_t t, size_t panel, __m512 v)
{
  const __mmask16 mask = lane_mask (a, panel);
  const ptrdiff_t at = kn_conv_lane0 (a, panel);

  if (a->bias)
    v = _mm512_add_ps (v, _mm512_maskz_loadu_ps (mask, a->bias + at));
  if (a->residual)
    v = _mm512_add_ps (v, _mm512_maskz_loadu_ps (mask, a->residual
                                                           + (ptrdiff_t)(t * a->residual_stride)
                                                           + at));
  _mm512_mask_storeu_ps (a->y + (ptrdiff_t)(t * a->y_stride) + at, mask, limit (v, a));
}

KN_INLINE void
tile (const int n_pixels, const int n_panels, const Pass *pass, size_t first_pixel)
{
  const KnConvArgs *a = pass->args;
  const size_t n_terms = pass->block.end - pass->block.first;
  const size_t panel_floats = (pass->expanded ? n_terms : a->n_columns) * KN_PANEL_ROWS;
  const float *const *segments = a->segments + first_pixel * a->n_segments;
  float *sums = kn_conv_sums (a) + first_pixel * (size_t)n_panels * KN_PANEL_ROWS;
  size_t segment = pass->block.first / a->segment_len;
  size_t offset = pass->block.first % a->segment_len;
  __m512 acc[MAX_PIXELS][KN_CONV_MAX_PANELS];

  KN_UNROLL
  for (int t = 0; t < n_pixels; t++)
    KN_UNROLL
  for (int p = 0; p < n_panels; p++)
    acc[t][p] = pass->block.is_first ? _mm512_setzero_ps ()
                                     : _mm512_load_ps (sums + (t * n_panels + p) * KN_PANEL_ROWS);

  for (size_t left = n_terms; left > 0; segment++, offset = 0)
    {
      const size_t n = a->segment_len - offset < left ? a->segment_len - offset : left;
      const float *w = pass->expanded
                           ? pass->expanded + (n_terms - left) * KN_PANEL_ROWS
                           : (const float *)kn_conv_weights (a, pass->first_panel, segment)
                                 + offset * KN_PANEL_ROWS;
      const float *x[MAX_PIXELS];

      KN_UNROLL
      for (int t = 0; t < n_pixels; t++)
        x[t] = segments[(size_t)t * a->n_segments + segment] + offset;
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

  KN_UNROLL
  for (int t = 0; t < n_pixels; t++)
    KN_UNROLL
  for (int p = 0; p < n_panels; p++)
    if (pass->block.is_last)
      store_output (a, first_pixel + (size_t)t, pass->first_panel + (size_t)p, acc[t][p]);
    else
      _mm512_store_ps (sums + (t * n_panels + p) * KN_PANEL_ROWS, acc[t][p]);
}

/* The block's weights of @n_panels panels as f32. */
static void
expand (const KnConvArgs *a, Pass *pass, size_t n_panels)
{
  float *out = kn_conv_expanded (a);

  pass->expanded = out;
  for (size_t p = 0; p < n_panels; p++)
    for (size_t term = pass->block.first, n; term < pass->block.end; term += n)
      {
        const size_t offset = term % a->segment_len, left = pass->block.end - term;
        const uint16_t *w = kn_conv_weights (a, pass->first_panel + p, term / a->segment_len);

        n = a->segment_len - offset < left ? a->segment_len - offset : left;
        for (size_t i = 0; i < n; i++, out += KN_PANEL_ROWS)
          {
            const __m256i line
                = _mm256_load_si256 ((const __m256i *)(w + (offset + i) * KN_PANEL_ROWS));

            _mm512_store_ps (out, a->dtype == KN_F16
                                      ? _mm512_cvtph_ps (line)
                                      : _mm512_castsi512_ps (
                                          _mm512_slli_epi32 (_mm512_cvtepu16_epi32 (line), 16)));
          }
      }
}

#define TILE(pixels, panels)                                                                       \
  static __attribute__ ((noinline)) void tile_##pixels##x##panels (const Pass *pass,               \
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

typedef void (*TileFn) (const Pass *pass, size_t first_pixel);

/* By pixels - 1 and the logarithm of the panels. */
static const TileFn tiles[MAX_PIXELS][4] = {
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

/* Panels at once, as a logarithm: the most that the tile has and that there are. */
static unsigned
panels_at_once (size_t max_pixels, size_t n_left)
{
  unsigned log2 = max_pixels == 1 ? 3 : max_pixels <= 6 ? 2 : 1;

  while ((size_t)1 << log2 > n_left)
    log2--;
  return log2;
}

static void
conv_avx512 (const KnConvArgs *a)
{
  const size_t n_panels = kn_conv_n_panels (a), n_terms = kn_conv_n_terms (a);
  const size_t n_tiles = (a->n_pixels + MAX_PIXELS - 1) / MAX_PIXELS;
  const size_t max_pixels = (a->n_pixels + n_tiles - 1) / n_tiles;
  Pass pass = { .args = a };

  while (pass.first_panel < n_panels)
    {
      const unsigned log2 = panels_at_once (max_pixels, n_panels - pass.first_panel);
      const size_t n_blocks = kn_conv_n_blocks (a, (size_t)1 << log2, n_tiles);

      for (size_t b = 0; b < n_blocks; b++)
        {
          pass.block = kn_conv_block (n_terms, n_blocks, b);
          if (a->dtype != KN_F32)
            expand (a, &pass, (size_t)1 << log2);
          for (size_t i = 0; i < n_tiles; i++)
            {
              const size_t first = a->n_pixels * i / n_tiles;
              const size_t end = a->n_pixels * (i + 1) / n_tiles;

              tiles[end - first - 1][log2](&pass, first);
            }
        }
      pass.first_panel += (size_t)1 << log2;
    }
}

void
kn_conv_avx512 (KnConvFamily *family)
{
  family->conv = conv_avx512;
  kn_depthwise_avx512 (family);
}
