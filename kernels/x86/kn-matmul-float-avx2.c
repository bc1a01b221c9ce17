/* Products with F32, F16 and BF16 weights with AVX2: one chain of fused multiply-adds per output,
 * columns in order.
 *
 * As in kn-matmul-float-avx512.c many outputs are in work at once: four panels for one token, two
 * for two or three, one for four to six; more tokens go over blocks of columns in tiles of 6 tokens
 * x 16 rows, between which the sums rest in y. */
#ifndef __AVX2__
#error "build with AVX2, FMA and F16C"
#endif

#include "kn-matmul-avx2-private.h"

#define TILE_TOKENS 6
#define MAX_PANELS 4
#define PREFETCH_COLUMNS 32

typedef struct
{
  const uint8_t *panels[MAX_PANELS]; /* [n_cols][16] each, from column first_col on */
} Source;

typedef struct
{
  const KnMatmulArgs *args;
  size_t first_row, first_token;
  size_t first_col, end_col;
} Place;

/* Rows 8 @half .. of column @c. Bytes become halves by a shift, see kn_f8_load(). */
KN_INLINE __m256
load_weights (KnDtype dtype, const uint8_t *panel, size_t c, int half)
{
  const uint8_t *at = kn_panel_float_column (dtype, panel, c)
                      + 8 * half
                            * (dtype == KN_F32          ? 4
                               : kn_panel_is_f8 (dtype) ? 1
                                                        : 2);

  if (dtype == KN_F32)
    return _mm256_load_ps ((const float *)at);
  if (kn_panel_is_f8 (dtype))
    {
      const uint8_t *units = kn_panel_f8_block (panel, c) + 16 * half;
      __m128i bytes = _mm_slli_epi16 (_mm_cvtepu8_epi16 (_mm_loadl_epi64 ((const __m128i *)at)), 8);

      if (dtype == KN_F8_E4M3)
        bytes = _mm_or_si128 (_mm_and_si128 (bytes, _mm_set1_epi16 ((short)0x8000)),
                              _mm_and_si128 (_mm_srli_epi16 (bytes, 1), _mm_set1_epi16 (0x3f80)));
      return _mm256_mul_ps (kn_load_halves (units), _mm256_cvtph_ps (bytes));
    }
  __m128i halves = _mm_load_si128 ((const __m128i *)at);
  if (dtype == KN_F16)
    return _mm256_cvtph_ps (halves);
  return _mm256_castsi256_ps (_mm256_slli_epi32 (_mm256_cvtepu16_epi32 (halves), 16));
}

KN_INLINE void
prefetch (KnDtype dtype, const uint8_t *panel, size_t c)
{
  _mm_prefetch ((const char *)kn_panel_float_column (dtype, panel, c + PREFETCH_COLUMNS),
                _MM_HINT_T0);
}

KN_INLINE float *
output (Place at, int t, int p)
{
  return at.args->y + (at.first_token + (size_t)t) * at.args->y_stride + at.first_row
         + (size_t)p * KN_PANEL_ROWS;
}

KN_INLINE __m256i
half_mask (Place at, int p, int half)
{
  return kn_row_mask (at.args->n_rows - at.first_row - (size_t)p * KN_PANEL_ROWS, half);
}

/* Columns first_col..end_col of one tile. */
KN_INLINE void
tile (KnDtype dtype, const int n_tokens, const int n_panels, const Source *w, Place at)
{
  const KnMatmulArgs *a = at.args;
  const float *x[TILE_TOKENS];
  __m256 acc[TILE_TOKENS][MAX_PANELS][2];

  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    {
      x[t] = (const float *)((const uint8_t *)a->x + (at.first_token + (size_t)t) * a->x_stride)
             + at.first_col;
      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        KN_UNROLL
      for (int h = 0; h < 2; h++)
        acc[t][p][h] = at.first_col == 0
                           ? _mm256_setzero_ps ()
                           : _mm256_maskload_ps (output (at, t, p) + 8 * h, half_mask (at, p, h));
    }
  for (size_t c = 0; c < at.end_col - at.first_col; c++)
    {
      __m256 xc[TILE_TOKENS];

      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        {
          const __m256 w0 = load_weights (dtype, w->panels[p], c, 0);
          const __m256 w1 = load_weights (dtype, w->panels[p], c, 1);

          if (n_tokens < TILE_TOKENS)
            prefetch (dtype, w->panels[p], c);
          KN_UNROLL
          for (int t = 0; t < n_tokens; t++)
            {
              if (p == 0)
                xc[t] = _mm256_set1_ps (x[t][c]);
              acc[t][p][0] = _mm256_fmadd_ps (w0, xc[t], acc[t][p][0]);
              acc[t][p][1] = _mm256_fmadd_ps (w1, xc[t], acc[t][p][1]);
            }
        }
    }
  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    KN_UNROLL
  for (int p = 0; p < n_panels; p++)
    KN_UNROLL
  for (int h = 0; h < 2; h++)
    _mm256_maskstore_ps (output (at, t, p) + 8 * h, half_mask (at, p, h), acc[t][p][h]);
}

/* One tile of 1 to 6 tokens and one panel. */
KN_INLINE void
tile_of (KnDtype dtype, size_t n_tokens, const Source *w, Place at)
{
  switch (n_tokens)
    {
    case 1:
      tile (dtype, 1, 1, w, at);
      break;
    case 2:
      tile (dtype, 2, 1, w, at);
      break;
    case 3:
      tile (dtype, 3, 1, w, at);
      break;
    case 4:
      tile (dtype, 4, 1, w, at);
      break;
    case 5:
      tile (dtype, 5, 1, w, at);
      break;
    case 6:
      tile (dtype, 6, 1, w, at);
      break;
    default:
      break;
    }
}

/* Panels from @p on as many at once as registers allow; the number done. */
KN_INLINE size_t
few_tokens (KnDtype dtype, const KnMatmulArgs *a, size_t p, size_t n_panels)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols);
  const Place at = { a, p * KN_PANEL_ROWS, 0, 0, a->n_cols };
  Source w = { { 0 } };

  for (size_t i = 0; i < MAX_PANELS && p + i < n_panels; i++)
    w.panels[i] = (const uint8_t *)a->panels + (p + i) * panel_bytes;
  if (a->n_tokens == 1 && n_panels - p >= 4)
    {
      tile (dtype, 1, 4, &w, at);
      return 4;
    }
  if (a->n_tokens <= 3 && n_panels - p >= 2)
    {
      if (a->n_tokens == 1)
        tile (dtype, 1, 2, &w, at);
      else if (a->n_tokens == 2)
        tile (dtype, 2, 2, &w, at);
      else
        tile (dtype, 3, 2, &w, at);
      return 2;
    }
  tile_of (dtype, a->n_tokens, &w, at);
  return 1;
}

/* All tokens against f32 weights of one block of columns, in tiles of nearly equal size. */
static void
block_f32 (const Source *w, Place at)
{
  const size_t n_tokens = at.args->n_tokens, n_tiles = (n_tokens + TILE_TOKENS - 1) / TILE_TOKENS;

  for (size_t i = 0; i < n_tiles; i++)
    {
      size_t end = n_tokens * (i + 1) / n_tiles;

      at.first_token = n_tokens * i / n_tiles;
      tile_of (KN_F32, end - at.first_token, w, at);
    }
}

/* Columns first_col..end_col of a panel as f32: in place, or expanded to scratch. */
KN_INLINE const uint8_t *
block_weights (KnDtype dtype, const uint8_t *panel, Place at)
{
  float *out = at.args->scratch;

  panel = kn_panel_is_f8 (dtype) ? kn_panel_f8_block (panel, at.first_col)
                                 : kn_panel_float_column (dtype, panel, at.first_col);
  if (dtype == KN_F32)
    return panel;
  for (size_t c = 0; c < at.end_col - at.first_col; c++)
    {
      _mm256_store_ps (out + c * KN_PANEL_ROWS, load_weights (dtype, panel, c, 0));
      _mm256_store_ps (out + c * KN_PANEL_ROWS + 8, load_weights (dtype, panel, c, 1));
    }
  return (const uint8_t *)out;
}

KN_INLINE void
many_tokens (KnDtype dtype, const KnMatmulArgs *a, size_t p)
{
  const uint8_t *panel = (const uint8_t *)a->panels + p * kn_panel_bytes (dtype, a->n_cols);
  Place at = { a, p * KN_PANEL_ROWS, 0, 0, 0 };

  for (; at.first_col < a->n_cols; at.first_col += KN_FLOAT_BLOCK)
    {
      size_t left = a->n_cols - at.first_col;
      Source w;

      at.end_col = at.first_col + (left < KN_FLOAT_BLOCK ? left : KN_FLOAT_BLOCK);
      w.panels[0] = block_weights (dtype, panel, at);
      block_f32 (&w, at);
    }
}

KN_INLINE void
float_product (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t n_panels = (a->n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS;

  if (a->n_tokens <= TILE_TOKENS)
    for (size_t p = 0; p < n_panels;)
      p += few_tokens (dtype, a, p, n_panels);
  else
    for (size_t p = 0; p < n_panels; p++)
      many_tokens (dtype, a, p);
}

static void
matmul_f32_avx2 (const KnMatmulArgs *a)
{
  float_product (KN_F32, a);
}

static void
matmul_f16_avx2 (const KnMatmulArgs *a)
{
  float_product (KN_F16, a);
}

static void
matmul_bf16_avx2 (const KnMatmulArgs *a)
{
  float_product (KN_BF16, a);
}

static void
matmul_f8_e4m3_avx2 (const KnMatmulArgs *a)
{
  float_product (KN_F8_E4M3, a);
}

static void
matmul_f8_e5m2_avx2 (const KnMatmulArgs *a)
{
  float_product (KN_F8_E5M2, a);
}

void
kn_matmul_float_avx2 (KnMatmulFamily *family)
{
  family->f32 = matmul_f32_avx2;
  family->f16 = matmul_f16_avx2;
  family->bf16 = matmul_bf16_avx2;
  family->f8_e4m3 = matmul_f8_e4m3_avx2;
  family->f8_e5m2 = matmul_f8_e5m2_avx2;
}
