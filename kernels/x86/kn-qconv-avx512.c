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

/* Four pixels of one panel. */
KN_QINLINE void
store_pixels (const KnQgemmArgs *a, const KnEpilogue *e, size_t pixel, size_t first,
              const __m512i acc[4])
{
  const __m512 s = _mm512_loadu_ps (a->scale + first), scale[4] = { s, s, s, s };
  const __m512i codes = kn_pack4 (acc, scale, e);
  const size_t left = a->n_rows - first;
  uint8_t *y = (uint8_t *)a->y + pixel * a->y_stride + first;

  kn_store4 (y, a->y_stride, left, codes);
}

/* Two pixels of two panels. */
KN_QINLINE void
store_pairs (const KnQgemmArgs *a, const KnEpilogue *e, size_t pixel, size_t first,
             const __m512i acc[4])
{
  const __m512 s0 = _mm512_loadu_ps (a->scale + first),
               s1 = _mm512_loadu_ps (a->scale + first + ROWS);
  const __m512 scale[4] = { s0, s1, s0, s1 };
  const __m512i codes = kn_pack4 (acc, scale, e);
  const __m256i y0 = _mm512_castsi512_si256 (codes), y1 = _mm512_extracti64x4_epi64 (codes, 1);
  const size_t left = a->n_rows - first;
  uint8_t *y = (uint8_t *)a->y + pixel * a->y_stride + first;

  if (left >= 2 * ROWS)
    {
      _mm256_storeu_si256 ((__m256i *)(void *)y, y0);
      _mm256_storeu_si256 ((__m256i *)(void *)(y + a->y_stride), y1);
    }
  else
    {
      const __mmask32 k = ((__mmask32)1 << left) - 1;
      _mm256_mask_storeu_epi8 (y, k, y0);
      _mm256_mask_storeu_epi8 (y + a->y_stride, k, y1);
    }
}

/* All accumulators of a tile. */
KN_QINLINE void
store_tile (const size_t P, const size_t R, const KnQgemmArgs *a, size_t pixel, size_t first,
            __m512i acc[MAX_PIXELS + 4][8])
{
  const int fast = a->scale != NULL && a->w_zero == NULL && R <= 2;
  const size_t step = R == 2 ? 2 : 4, full = P / step * step;
  const KnEpilogue e = kn_epilogue (&a->requant);

  /* All indices are constants here: the accumulators stay in registers. */
  UNROLL
  for (size_t p = 0; p < P; p++)
    {
      const __m512i *one = acc[p], *two = acc[p + 1 < P ? p + 1 : p];

      if (!fast || p >= full)
        {
          UNROLL
          for (size_t r = 0; r < R; r++)
            store_acc (a, pixel + p, first + r * ROWS, acc[p][r]);
        }
      else if (R == 2 && p % 2 == 0)
        {
          const __m512i four[4] = { one[0], one[1], two[0], two[1] };
          store_pairs (a, &e, pixel + p, first, four);
        }
      else if (R == 1 && p % 4 == 0)
        {
          const __m512i four[4] = { one[0], two[0], acc[p + 2][0], acc[p + 3][0] };
          store_pixels (a, &e, pixel + p, first, four);
        }
    }
}

/* P pixels x R panels, both constants where this is inlined. Addresses of pixels are one of four bases
 * plus 0, 1 or 2 strides, which x86 adds for free. */
KN_QINLINE void
tile (const size_t P, const size_t R, const KnQgemmArgs *a, const uint8_t *panel, size_t pixel,
      size_t first)
{
  const size_t n_steps = (a->n_cols + 3) / 4, panel_bytes = n_steps * 64, stride = a->x_stride;
  const uint8_t *base[4];
  __m512i acc[MAX_PIXELS + 4][8];

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

  store_tile (P, R, a, pixel, first, acc);
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

/* Pixels in tiles of nearly the same, even size: 13 are 8 and 5, not 12 and 1. */
static void
gemm_avx512 (const KnQgemmArgs *a)
{
  const size_t panel_bytes = (a->n_cols + 3) / 4 * 64;
  const size_t n_panels = (a->n_rows + ROWS - 1) / ROWS;
  const size_t n_tiles = (a->n_pixels + MAX_PIXELS - 1) / MAX_PIXELS;
  const size_t size = ((a->n_pixels + n_tiles - 1) / n_tiles + 1) / 2 * 2;
  const uint8_t *panels = a->panels;
  size_t panel = 0;

  if (a->n_pixels == 1)
    for (; panel + 8 <= n_panels; panel += 8)
      tile_1x8 (a, panels + panel * panel_bytes, 0, panel * ROWS);

  for (size_t r = 0; panel < n_panels; panel += r)
    {
      r = n_panels - panel >= 2 ? 2 : 1;
      for (size_t p = 0; p < a->n_pixels; p += size)
        {
          const size_t n = a->n_pixels - p < size ? a->n_pixels - p : size;
          tiles[n - 1][r - 1](a, panels + panel * panel_bytes, p, panel * ROWS);
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

/* Runs of up to 64 bytes: the mask is made once. */
KN_QINLINE void
short_windows (const KnWindows *w)
{
  const __m512i f = _mm512_set1_epi8 ((char)w->flip);
  const __mmask64 k = kn_tail64 (w->n);

  for (size_t p = 0; p < w->n_pixels; p++)
    {
      const uint8_t *from = w->from + p * w->from_step;
      uint8_t *to = w->to + p * w->to_step;

      for (size_t row = 0; row < w->n_rows; row++, from += w->row_bytes, to += w->n)
        _mm512_mask_storeu_epi8 (to, k, _mm512_xor_si512 (_mm512_maskz_loadu_epi8 (k, from), f));
    }
}

/* Runs of up to 16 bytes with whole registers: what is written too much is written over by the next run;
 * the last pixels go the careful way, on both sides. */
KN_QINLINE void
tiny_windows (const KnWindows *w)
{
  const __m128i f = _mm_set1_epi8 ((char)w->flip);
  const size_t spare = 16 / w->from_step + 16 / w->to_step + 2;
  const size_t n = w->n_pixels > spare ? w->n_pixels - spare : 0;

  for (size_t p = 0; p < n; p++)
    {
      const uint8_t *from = w->from + p * w->from_step;
      uint8_t *to = w->to + p * w->to_step;

      for (size_t row = 0; row < w->n_rows; row++, from += w->row_bytes, to += w->n)
        _mm_storeu_si128 ((__m128i *)(void *)to,
                          _mm_xor_si128 (_mm_loadu_si128 ((const __m128i *)(const void *)from), f));
    }
  KnWindows rest = *w;
  rest.from += n * w->from_step;
  rest.to += n * w->to_step;
  rest.n_pixels -= n;
  short_windows (&rest);
}

KN_QINLINE void
windows_avx512 (const KnWindows *w)
{
  if (w->n_rows == 1 && w->n == w->from_step && w->n == w->to_step)
    copy_avx512 (w->to, w->from, w->n * w->n_pixels, w->flip);
  else if (w->n <= 16 && w->n_rows * w->n <= w->to_step)
    tiny_windows (w);
  else if (w->n <= 64)
    short_windows (w);
  else
    for (size_t p = 0; p < w->n_pixels; p++)
      for (size_t k = 0; k < w->n_rows; k++)
        copy_avx512 (w->to + p * w->to_step + k * w->n,
                     w->from + p * w->from_step + k * w->row_bytes, w->n, w->flip);
}

static void
gather_avx512 (const KnQgatherArgs *args)
{
  kn_gather (args, copy_avx512, windows_avx512);
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
