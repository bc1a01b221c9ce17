/* Products of 8-bit numbers with AVX-512 VNNI: uint8 activations times int8 weights, 64 of them and
 * their sums in one instruction.
 *
 * A tile is up to 12 pixels x 2 panels or 6 x 4: 24 accumulators, so that one load of 16 rows x 4
 * columns serves 12 pixels and one broadcast of 4 columns two panels. One pixel alone (a fully
 * connected layer) takes 8 panels at once. */
#ifndef __AVX512VNNI__
#error "this file needs -mavx512vnni"
#endif

#include <immintrin.h>

#include "kn-qconv-spec.h"
#include "kn-table-private.h"
#include "x86/kn-qconv-avx512-private.h"

#define ROWS KN_PANEL_ROWS
#define MAX_PIXELS 12
#define MAX_WIDE_PIXELS 6 /* of tiles of 4 panels */
#define MAX_SUM_PIXELS 8  /* of tiles that sum the columns as well */
#define WIDE_BYTES 16384  /* 4 panels larger than this would not stay in the first-level cache */

/* Where a tile is. */
typedef struct
{
  const uint8_t *panel, *x;
  uint8_t *y;           /* of its first pixel, row 0 */
  const int32_t *x_sum; /* of its pixels, or NULL */
  size_t first;         /* row */
} At;

/* One accumulator to memory: rows [first, first + 16) of a pixel at @y. */
KN_QINLINE void
store_acc (const KnQgemmArgs *a, uint8_t *y, size_t first, __m512i acc)
{
  const size_t left = a->n_rows - first;
  const __mmask16 k = left < ROWS ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;

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
store_pixels (const KnQgemmArgs *a, const KnEpilogue *e, uint8_t *y, size_t first,
              const __m512i acc[4])
{
  const __m512 s = _mm512_loadu_ps (a->scale + first), scale[4] = { s, s, s, s };

  kn_store4 (y + first, a->y_stride, a->n_rows - first, kn_pack4 (acc, scale, e));
}

/* Two pixels of two panels. */
KN_QINLINE void
store_pairs (const KnQgemmArgs *a, const KnEpilogue *e, uint8_t *y, size_t first,
             const __m512i acc[4])
{
  const __m512 s0 = _mm512_loadu_ps (a->scale + first),
               s1 = _mm512_loadu_ps (a->scale + first + ROWS);
  const __m512 scale[4] = { s0, s1, s0, s1 };
  const __m512i codes = kn_pack4 (acc, scale, e);
  const __m256i y0 = _mm512_castsi512_si256 (codes), y1 = _mm512_extracti64x4_epi64 (codes, 1);
  const size_t left = a->n_rows - first;

  if (left >= 2 * ROWS)
    {
      _mm256_storeu_si256 ((__m256i *)(void *)(y + first), y0);
      _mm256_storeu_si256 ((__m256i *)(void *)(y + first + a->y_stride), y1);
    }
  else
    {
      const __mmask32 k = ((__mmask32)1 << left) - 1;
      _mm256_mask_storeu_epi8 (y + first, k, y0);
      _mm256_mask_storeu_epi8 (y + first + a->y_stride, k, y1);
    }
}

/* Four panels of one pixel. */
KN_QINLINE void
store_panels (const KnQgemmArgs *a, const KnEpilogue *e, uint8_t *y, size_t first,
              const __m512i acc[4])
{
  const size_t left = a->n_rows - first;
  __m512 scale[4];

  UNROLL
  for (size_t r = 0; r < 4; r++)
    scale[r] = _mm512_loadu_ps (a->scale + first + r * ROWS);
  const __m512i codes = kn_pack4 (acc, scale, e);
  if (left >= 4 * ROWS)
    _mm512_storeu_si512 (y + first, codes);
  else
    _mm512_mask_storeu_epi8 (y + first, kn_tail64 (left), codes);
}

/* All accumulators of a tile. All indices are constants here: the accumulators stay in
 * registers. */
KN_QINLINE void
store_tile (const size_t P, const size_t R, const KnQgemmArgs *a, const At *at,
            __m512i acc[MAX_PIXELS + 4][8])
{
  const size_t step = R == 4 ? 1 : R == 2 ? 2 : 4, first = at->first, stride = a->y_stride;
  const size_t full = a->scale != NULL && R <= 4 ? P / step * step : 0;
  const KnEpilogue e = kn_epilogue (&a->requant);

  UNROLL
  for (size_t p = 0; p < P; p++)
    {
      const __m512i *one = acc[p], *two = acc[p + 1 < P ? p + 1 : p];
      uint8_t *y = at->y + p * stride;

      if (p >= full)
        {
          UNROLL
          for (size_t r = 0; r < R; r++)
            store_acc (a, y, first + r * ROWS, acc[p][r]);
        }
      else if (R == 4)
        store_panels (a, &e, y, first, one);
      else if (R == 2 && p % 2 == 0)
        {
          const __m512i four[4] = { one[0], one[1], two[0], two[1] };
          store_pairs (a, &e, y, first, four);
        }
      else if (R == 1 && p % 4 == 0)
        {
          const __m512i four[4] = { one[0], two[0], acc[p + 2][0], acc[p + 3][0] };
          store_pixels (a, &e, y, first, four);
        }
    }
}

/* P pixels x R panels, and with Z the sums of the pixels' columns; constants where this is inlined.
 * Addresses of pixels are one of four bases plus 0, 1 or 2 strides, which x86 adds for free. */
KN_QINLINE void
tile (const size_t P, const size_t R, const int Z, const KnQgemmArgs *a, const At *at)
{
  const size_t n_steps = (a->n_cols + 3) / 4, panel_bytes = kn_qgemm_panel_bytes (a);
  const size_t stride = a->x_stride, n_bases = (P + 2) / 3, n_tail = a->n_cols - (n_steps - 1) * 4;
  const __m512i ones[2]
      = { _mm512_set1_epi8 (1), _mm512_set1_epi32 (0x01010101 >> 8 * (4 - n_tail)) };
  const uint8_t *base[4], *panel = at->panel;
  __m512i acc[MAX_PIXELS + 4][8], sum[MAX_SUM_PIXELS];

  UNROLL
  for (size_t i = 0; i < n_bases; i++)
    base[i] = at->x + 3 * i * stride;
  UNROLL
  for (size_t p = 0; p < P; p++)
    {
      UNROLL
      for (size_t r = 0; r < R; r++)
        acc[p][r] = _mm512_loadu_si512 (a->bias + at->first + r * ROWS);
      if (Z)
        sum[p] = _mm512_setzero_si512 ();
    }

  for (size_t s = 0; s < a->n_segments; s++)
    {
      for (size_t step = 0; step < n_steps; step++, panel += 64)
        {
          const __m512i *one = &ones[step + 1 == n_steps];
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
              if (Z)
                sum[p] = _mm512_dpbusd_epi32 (sum[p], x, *one);
            }
          UNROLL
          for (size_t i = 0; i < n_bases; i++)
            base[i] += 4;
        }
      UNROLL
      for (size_t i = 0; i < n_bases; i++)
        base[i] += a->segment_step - 4 * n_steps;
    }

  if (Z || at->x_sum != NULL)
    {
      UNROLL
      for (size_t r = 0; r < R; r++)
        {
          const __m512i zero = _mm512_loadu_si512 (a->w_zero + at->first + r * ROWS);
          UNROLL
          for (size_t p = 0; p < P; p++)
            acc[p][r]
                = _mm512_sub_epi32 (acc[p][r], _mm512_mullo_epi32 (zero, Z ? sum[p]
                                                                           : _mm512_set1_epi32 (
                                                                               at->x_sum[p])));
        }
    }
  store_tile (P, R, a, at, acc);
}

typedef void (*TileFn) (const KnQgemmArgs *a, const At *at);

#define TILE(P, R, Z)                                                                              \
  static __attribute__ ((noinline)) void tile_##P##x##R##_##Z (const KnQgemmArgs *a, const At *at) \
  {                                                                                                \
    tile (P, R, Z, a, at);                                                                         \
  }
#define TILES(P) TILE (P, 1, 0) TILE (P, 2, 0)
#define SUM_TILES(P) TILE (P, 1, 1) TILE (P, 2, 1)
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
TILE (1, 4, 0)
TILE (2, 4, 0)
TILE (3, 4, 0)
TILE (4, 4, 0)
TILE (5, 4, 0)
TILE (6, 4, 0)
TILE (1, 8, 0)
SUM_TILES (1)
SUM_TILES (2)
SUM_TILES (3)
SUM_TILES (4)
SUM_TILES (5)
SUM_TILES (6)
SUM_TILES (7)
SUM_TILES (8)

#define ENTRY(P, Z)                                                                                \
  {                                                                                                \
    tile_##P##x1_##Z, tile_##P##x2_##Z                                                             \
  }
static const TileFn tiles[MAX_PIXELS][2] = {
  ENTRY (1, 0), ENTRY (2, 0), ENTRY (3, 0), ENTRY (4, 0),  ENTRY (5, 0),  ENTRY (6, 0),
  ENTRY (7, 0), ENTRY (8, 0), ENTRY (9, 0), ENTRY (10, 0), ENTRY (11, 0), ENTRY (12, 0),
};
static const TileFn sum_tiles[MAX_SUM_PIXELS][2] = {
  ENTRY (1, 1), ENTRY (2, 1), ENTRY (3, 1), ENTRY (4, 1),
  ENTRY (5, 1), ENTRY (6, 1), ENTRY (7, 1), ENTRY (8, 1),
};
static const TileFn wide_tiles[MAX_WIDE_PIXELS] = {
  tile_1x4_0, tile_2x4_0, tile_3x4_0, tile_4x4_0, tile_5x4_0, tile_6x4_0,
};

/* Tiles of nearly the same, even size: 13 pixels are 8 and 5, not 12 and 1. */
KN_QINLINE size_t
tile_size (size_t n_pixels, size_t most)
{
  const size_t n_tiles = (n_pixels + most - 1) / most;
  const size_t size = ((n_pixels + n_tiles - 1) / n_tiles + 1) / 2 * 2;

  return size < most ? size : most;
}

/* @r panels from @panel on, all pixels. */
static void
run_panels (const KnQgemmArgs *a, size_t panel, size_t r)
{
  const int sums = a->w_zero != NULL && a->x_sum == NULL;
  const size_t most = sums ? MAX_SUM_PIXELS : r == 4 ? MAX_WIDE_PIXELS : MAX_PIXELS;
  const size_t size = tile_size (a->n_pixels, most);
  At at = { .panel = (const uint8_t *)a->panels + panel * kn_qgemm_panel_bytes (a),
            .first = panel * ROWS };

  for (size_t line = 0; line < a->n_lines; line++)
    for (size_t p = 0; p < a->n_pixels; p += size)
      {
        const size_t n = a->n_pixels - p < size ? a->n_pixels - p : size;

        at.x = a->x + line * a->x_line_step + p * a->x_stride;
        at.y = (uint8_t *)a->y + line * a->y_line_step + p * a->y_stride;
        at.x_sum = a->w_zero != NULL && !sums ? a->x_sum + line * a->n_pixels + p : NULL;
        if (sums)
          sum_tiles[n - 1][r - 1](a, &at);
        else if (r == 8)
          tile_1x8_0 (a, &at);
        else if (r == 4)
          wide_tiles[n - 1](a, &at);
        else
          tiles[n - 1][r - 1](a, &at);
      }
}

static void
gemm_avx512 (const KnQgemmArgs *a)
{
  const size_t n_panels = (a->n_rows + ROWS - 1) / ROWS;
  const int sums = a->w_zero != NULL && a->x_sum == NULL;
  const int wide
      = !sums && (a->n_pixels <= MAX_WIDE_PIXELS || 4 * kn_qgemm_panel_bytes (a) <= WIDE_BYTES);

  for (size_t panel = 0, r = 0; panel < n_panels; panel += r)
    {
      const size_t left = n_panels - panel;

      r = a->n_pixels == 1 && left >= 8 && !sums ? 8 : wide && left >= 4 ? 4 : left >= 2 ? 2 : 1;
      run_panels (a, panel, r);
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
copy_all_avx512 (uint8_t *to, const uint8_t *from, size_t n, uint8_t flip)
{
  copy_avx512 (to, from, n, flip);
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

/* Runs of up to 16 bytes with whole registers: what is written too much is written over by the next
 * run; the last pixels go the careful way, on both sides. */
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
  f->copy = copy_all_avx512;
  f->gather = gather_avx512;
  f->row_sums = row_sums_avx512;
  kn_qconv_dw_avx512 (f);
}
