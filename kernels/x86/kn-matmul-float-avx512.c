/* Products with F32, F16 and BF16 weights with AVX-512: one chain of fused multiply-adds per
 * output, columns in order.
 *
 * The order is fixed, so the latency of the multiply-add is hidden by having many outputs in work:
 * several panels at once for few tokens, tiles of 6 tokens x 64 rows for many. Those go over blocks
 * of columns, so that the weights of a block stay in the first-level cache (16-bit weights expanded
 * to f32 in scratch, once); between blocks the sums rest in y. */
#ifndef __AVX512F__
#error "build with AVX-512"
#endif

#include "kn-matmul-avx512-private.h"

#define TILE_TOKENS 6
#define TILE_PANELS 4
#define PREFETCH_COLUMNS 32

/* Weights of up to four panels: [n_cols][16] each. */
typedef struct
{
  const uint8_t *panels[TILE_PANELS];
} Source;

typedef struct
{
  const KnMatmulArgs *args;
  size_t first_row, first_token;
  size_t first_col, end_col;
} Place;

/* The scales of 8-bit floats for the 32 columns from @c on. */
KN_INLINE __m512
load_units (const uint8_t *panel, size_t c)
{
  return kn_load_halves (kn_panel_f8_block (panel, c));
}

/* Bytes become halves by a shift, see kn_f8_load(); @unit is theirs only. */
KN_INLINE __m512
load_weights (KnDtype dtype, const uint8_t *panel, size_t c, __m512 unit)
{
  const uint8_t *at = kn_panel_float_column (dtype, panel, c);

  if (dtype == KN_F32)
    return _mm512_load_ps (at);
  if (kn_panel_is_f8 (dtype))
    {
      __m256i bytes
          = _mm256_slli_epi16 (_mm256_cvtepu8_epi16 (_mm_load_si128 ((const __m128i *)at)), 8);

      if (dtype == KN_F8_E4M3)
        bytes = _mm256_or_si256 (_mm256_and_si256 (bytes, _mm256_set1_epi16 ((short)0x8000)),
                                 _mm256_and_si256 (_mm256_srli_epi16 (bytes, 1),
                                                   _mm256_set1_epi16 (0x3f80)));
      return _mm512_mul_ps (unit, _mm512_cvtph_ps (bytes));
    }
  __m256i halves = _mm256_load_si256 ((const __m256i *)at);
  if (dtype == KN_F16)
    return _mm512_cvtph_ps (halves);
  return _mm512_castsi512_ps (_mm512_slli_epi32 (_mm512_cvtepu16_epi32 (halves), 16));
}

KN_INLINE __mmask16
panel_mask (Place at, int p)
{
  return kn_row_mask (at.args->n_rows - at.first_row - (size_t)p * KN_PANEL_ROWS);
}

KN_INLINE float *
output (Place at, int t, int p)
{
  return at.args->y + (at.first_token + (size_t)t) * at.args->y_stride + at.first_row
         + (size_t)p * KN_PANEL_ROWS;
}

/* Columns first_col..end_col of one tile; weights of the source start at first_col. */
KN_INLINE void
tile (KnDtype dtype, const int n_tokens, const int n_panels, const Source *w, Place at)
{
  const KnMatmulArgs *a = at.args;
  const size_t n_cols = at.end_col - at.first_col;
  const float *x[TILE_TOKENS];
  __m512 acc[TILE_TOKENS][TILE_PANELS], unit[TILE_PANELS];

  KN_UNROLL
  for (int p = 0; p < n_panels; p++)
    unit[p] = _mm512_setzero_ps ();
  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    {
      x[t] = (const float *)((const uint8_t *)a->x + (at.first_token + (size_t)t) * a->x_stride)
             + at.first_col;
      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        acc[t][p] = at.first_col == 0
                        ? _mm512_setzero_ps ()
                        : _mm512_maskz_loadu_ps (panel_mask (at, p), output (at, t, p));
    }
  for (size_t c = 0; c < n_cols; c++)
    {
      __m512 wc[TILE_PANELS];

      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        {
          if (kn_panel_is_f8 (dtype) && c % 32 == 0)
            unit[p] = load_units (w->panels[p], c);
          wc[p] = load_weights (dtype, w->panels[p], c, unit[p]);
          if (n_tokens < TILE_TOKENS)
            _mm_prefetch ((const char *)kn_panel_float_column (dtype, w->panels[p],
                                                               c + PREFETCH_COLUMNS),
                          _MM_HINT_T0);
        }
      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          __m512 xc = _mm512_set1_ps (x[t][c]);

          KN_UNROLL
          for (int p = 0; p < n_panels; p++)
            acc[t][p] = _mm512_fmadd_ps (wc[p], xc, acc[t][p]);
        }
    }
  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    {
      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        _mm512_mask_storeu_ps (output (at, t, p), panel_mask (at, p), acc[t][p]);
    }
}

KN_INLINE void
tile_of_tokens (KnDtype dtype, size_t n_tokens, const int n_panels, const Source *w, Place at)
{
  switch (n_tokens)
    {
    case 1:
      tile (dtype, 1, n_panels, w, at);
      break;
    case 2:
      tile (dtype, 2, n_panels, w, at);
      break;
    case 3:
      tile (dtype, 3, n_panels, w, at);
      break;
    case 4:
      tile (dtype, 4, n_panels, w, at);
      break;
    case 5:
      tile (dtype, 5, n_panels, w, at);
      break;
    case 6:
      tile (dtype, 6, n_panels, w, at);
      break;
    default:
      break;
    }
}

KN_INLINE void
tile_of (KnDtype dtype, size_t n_tokens, size_t n_panels, const Source *w, Place at)
{
  switch (n_panels)
    {
    case 1:
      tile_of_tokens (dtype, n_tokens, 1, w, at);
      break;
    case 2:
      tile_of_tokens (dtype, n_tokens, 2, w, at);
      break;
    case 3:
      tile_of_tokens (dtype, n_tokens, 3, w, at);
      break;
    case 4:
      tile_of_tokens (dtype, n_tokens, 4, w, at);
      break;
    default:
      break;
    }
}

/* All tokens against f32 weights of one block of columns, in tiles of nearly equal size. */
static void
block_f32 (const Source *w, size_t n_panels, Place at)
{
  const size_t n_tokens = at.args->n_tokens, n_tiles = (n_tokens + TILE_TOKENS - 1) / TILE_TOKENS;

  for (size_t i = 0; i < n_tiles; i++)
    {
      size_t end = n_tokens * (i + 1) / n_tiles;

      at.first_token = n_tokens * i / n_tiles;
      tile_of (KN_F32, end - at.first_token, n_panels, w, at);
    }
}

/* Columns first_col..end_col of the panels as f32: in place, or expanded to scratch. */
KN_INLINE Source
block_source (KnDtype dtype, const Source *w, size_t n_panels, Place at)
{
  Source block;

  for (size_t p = 0; p < n_panels; p++)
    {
      float *out = (float *)at.args->scratch + p * KN_FLOAT_BLOCK * KN_PANEL_ROWS;

      __m512 unit = _mm512_setzero_ps ();

      block.panels[p] = kn_panel_is_f8 (dtype)
                            ? kn_panel_f8_block (w->panels[p], at.first_col)
                            : kn_panel_float_column (dtype, w->panels[p], at.first_col);
      if (dtype == KN_F32)
        continue;
      for (size_t c = 0; c < at.end_col - at.first_col; c++)
        {
          if (kn_panel_is_f8 (dtype) && c % 32 == 0)
            unit = load_units (block.panels[p], c);
          _mm512_store_ps (out + c * KN_PANEL_ROWS, load_weights (dtype, block.panels[p], c, unit));
        }
      block.panels[p] = (const uint8_t *)out;
    }
  return block;
}

KN_INLINE void
float_product (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols), n_panels = (a->n_rows + 15) / 16;
  const uint8_t *panels = a->panels;

  for (size_t p = 0; p < n_panels; p += TILE_PANELS)
    {
      size_t n_now = n_panels - p < TILE_PANELS ? n_panels - p : TILE_PANELS;
      Place at = { a, p * KN_PANEL_ROWS, 0, 0, a->n_cols };
      Source w;

      for (size_t i = 0; i < n_now; i++)
        w.panels[i] = panels + (p + i) * panel_bytes;
      if (a->n_tokens <= TILE_TOKENS)
        {
          tile_of (dtype, a->n_tokens, n_now, &w, at);
          continue;
        }
      for (at.first_col = 0; at.first_col < a->n_cols; at.first_col += KN_FLOAT_BLOCK)
        {
          size_t left = a->n_cols - at.first_col;

          at.end_col = at.first_col + (left < KN_FLOAT_BLOCK ? left : KN_FLOAT_BLOCK);
          Source block = block_source (dtype, &w, n_now, at);
          block_f32 (&block, n_now, at);
        }
    }
}

static void
matmul_f32_avx512 (const KnMatmulArgs *a)
{
  float_product (KN_F32, a);
}

static void
matmul_f16_avx512 (const KnMatmulArgs *a)
{
  float_product (KN_F16, a);
}

static void
matmul_bf16_avx512 (const KnMatmulArgs *a)
{
  float_product (KN_BF16, a);
}

static void
matmul_f8_e4m3_avx512 (const KnMatmulArgs *a)
{
  float_product (KN_F8_E4M3, a);
}

static void
matmul_f8_e5m2_avx512 (const KnMatmulArgs *a)
{
  float_product (KN_F8_E5M2, a);
}

void
kn_matmul_float_avx512 (KnMatmulFamily *family)
{
  family->f32 = matmul_f32_avx512;
  family->f16 = matmul_f16_avx512;
  family->bf16 = matmul_bf16_avx512;
  family->f8_e4m3 = matmul_f8_e4m3_avx512;
  family->f8_e5m2 = matmul_f8_e5m2_avx512;
}
