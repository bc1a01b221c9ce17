/* Products of 8-bit numbers with AVX-512 VNNI: uint8 activations times int8 weights, 64 of them and
 * their sums in one instruction.
 *
 * A tile is up to 12 pixels x 2 panels: 24 accumulators, so that one load of 16 rows x 4 columns
 * serves 12 pixels and one broadcast of 4 columns two panels. One pixel alone (a fully connected
 * layer) takes 8 panels at once. */
#ifndef __AVX512VNNI__
#error "this file needs -mavx512vnni"
#endif

#include <immintrin.h>

#include "kn-qconv-spec.h"
#include "kn-table-private.h"
#include "x86/kn-qconv-avx512-private.h"

#define ROWS KN_PANEL_ROWS
#define MAX_PIXELS 12
#define UNROLL _Pragma ("GCC unroll 16")

/* One accumulator to memory: rows [first, first + n) of @pixel. */
KN_QINLINE void
store_acc (const KnQgemmArgs *a, size_t pixel, size_t first, __m512i acc)
{
  const size_t left = a->n_rows - first;
  const __mmask16 k = left < ROWS ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;
  uint8_t *y = (uint8_t *)a->y + pixel * a->y_stride;

  if (a->w_zero != NULL)
    acc = _mm512_sub_epi32 (acc, _mm512_mullo_epi32 (_mm512_loadu_si512 (a->w_zero + first),
                                                     _mm512_set1_epi32 (a->x_sum[pixel])));
  if (a->scale == NULL)
    {
      _mm512_mask_storeu_epi32 (y + first * sizeof (int32_t), k, acc);
      return;
    }

  const __m128i codes
      = _mm512_cvtepi32_epi8 (kn_requant16 (acc, _mm512_loadu_ps (a->scale + first), &a->requant));
  if (left >= ROWS)
    _mm_storeu_si128 ((__m128i *)(void *)(y + first), codes);
  else
    _mm_mask_storeu_epi8 (y + first, k, codes);
}

/* P pixels x R panels, both constants where this is inlined. Addresses of pixels are one of four bases
 * plus 0, 1 or 2 strides, which x86 adds for free. */
KN_QINLINE void
tile (const size_t P, const size_t R, const KnQgemmArgs *a, const uint8_t *panel, size_t pixel,
      size_t first)
{
  const size_t n_steps = (a->n_cols + 3) / 4, panel_bytes = n_steps * 64, stride = a->x_stride;
  const uint8_t *base[4];
  __m512i acc[MAX_PIXELS][8];

  UNROLL
  for (size_t i = 0; i < 4; i++)
    base[i] = a->x + (pixel + 3 * i) * stride;
  UNROLL
  for (size_t p = 0; p < P; p++)
    UNROLL
  for (size_t r = 0; r < R; r++)
    acc[p][r] = _mm512_loadu_si512 (a->bias + first + r * ROWS);

  for (size_t step = 0; step < n_steps; step++, panel += 64)
    {
      __m512i w[8];

      UNROLL
      for (size_t r = 0; r < R; r++)
        w[r] = _mm512_load_si512 (panel + r * panel_bytes);
      UNROLL
      for (size_t p = 0; p < P; p++)
        {
          const __m512i x = kn_broadcast4 (base[p / 3] + (p % 3) * stride);
          UNROLL
          for (size_t r = 0; r < R; r++)
            acc[p][r] = _mm512_dpbusd_epi32 (acc[p][r], x, w[r]);
        }
      UNROLL
      for (size_t i = 0; i < 4; i++)
        base[i] += 4;
    }

  UNROLL
  for (size_t p = 0; p < P; p++)
    UNROLL
  for (size_t r = 0; r < R; r++)
    store_acc (a, pixel + p, first + r * ROWS, acc[p][r]);
}

typedef void (*TileFn) (const KnQgemmArgs *a, const uint8_t *panel, size_t pixel, size_t first);

#define TILE(P, R)                                                                                 \
  static                                                                                           \
      __attribute__ ((noinline)) void tile_##P##x##R (const KnQgemmArgs *a, const uint8_t *panel,  \
                                                      size_t pixel, size_t first)                  \
  {                                                                                                \
    tile (P, R, a, panel, pixel, first);                                                           \
  }
#define TILES(P) TILE (P, 1) TILE (P, 2)
TILES (1)
TILES (2)
TILES (3)
TILES (4)
TILES (5)
TILES (6)
TILES (7)
TILES (8)
TILES (9)
TILES (10)
TILES (11)
TILES (12)
TILE (1, 8)

#define ENTRY(P)                                                                                   \
  {                                                                                                \
    tile_##P##x1, tile_##P##x2                                                                     \
  }
static const TileFn tiles[MAX_PIXELS][2] = {
  ENTRY (1), ENTRY (2), ENTRY (3), ENTRY (4),  ENTRY (5),  ENTRY (6),
  ENTRY (7), ENTRY (8), ENTRY (9), ENTRY (10), ENTRY (11), ENTRY (12),
};

/* Pixels in tiles of nearly the same size: 13 are 7 and 6, not 12 and 1. */
static void
gemm_avx512 (const KnQgemmArgs *a)
{
  const size_t panel_bytes = (a->n_cols + 3) / 4 * 64;
  const size_t n_panels = (a->n_rows + ROWS - 1) / ROWS;
  const size_t n_tiles = (a->n_pixels + MAX_PIXELS - 1) / MAX_PIXELS;
  const uint8_t *panels = a->panels;
  size_t panel = 0;

  if (a->n_pixels == 1)
    for (; panel + 8 <= n_panels; panel += 8)
      tile_1x8 (a, panels + panel * panel_bytes, 0, panel * ROWS);

  for (size_t r = 0; panel < n_panels; panel += r)
    {
      r = n_panels - panel >= 2 ? 2 : 1;
      for (size_t t = 0; t < n_tiles; t++)
        {
          const size_t from = a->n_pixels * t / n_tiles, until = a->n_pixels * (t + 1) / n_tiles;
          tiles[until - from - 1][r - 1](a, panels + panel * panel_bytes, from, panel * ROWS);
        }
    }
}

/* Short runs with one masked load; a masked store does not touch what it leaves out. */
KN_QINLINE void
copy_avx512 (uint8_t *to, const uint8_t *from, size_t n, uint8_t flip)
{
  const __m512i f = _mm512_set1_epi8 ((char)flip);

  for (; n >= 64; n -= 64, to += 64, from += 64)
    _mm512_storeu_si512 (to, _mm512_xor_si512 (_mm512_loadu_si512 (from), f));
  if (n > 0)
    {
      const __mmask64 k = kn_tail64 (n);
      _mm512_mask_storeu_epi8 (to, k, _mm512_xor_si512 (_mm512_maskz_loadu_epi8 (k, from), f));
    }
}

static void
gather_avx512 (const KnQgatherArgs *args)
{
  kn_gather (args, copy_avx512);
}

static void
row_sums_avx512 (const uint8_t *x, size_t x_stride, size_t n_cols, size_t n_pixels, int32_t *sums)
{
  const __m512i ones = _mm512_set1_epi8 (1);

  for (size_t p = 0; p < n_pixels; p++, x += x_stride)
    {
      __m512i acc = _mm512_setzero_si512 ();
      size_t c = 0;

      for (; c + 64 <= n_cols; c += 64)
        acc = _mm512_dpbusd_epi32 (acc, _mm512_loadu_si512 (x + c), ones);
      if (c < n_cols)
        acc = _mm512_dpbusd_epi32 (acc, _mm512_maskz_loadu_epi8 (kn_tail64 (n_cols - c), x + c),
                                   ones);
      sums[p] = _mm512_reduce_add_epi32 (acc);
    }
}

void
kn_qconv_avx512 (KnQconvFamily *f)
{
  f->act_signed = 0;
  f->gemm = gemm_avx512;
  f->gather = gather_avx512;
  f->row_sums = row_sums_avx512;
  kn_qconv_dw_avx512 (f);
}
