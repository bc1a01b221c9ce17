/* Products of weights with one scale per row (W8A8, W4A8) with AVX-512 VNNI, and the quantization
 * of activations that goes with them.
 *
 * Stored codes are unsigned, as the dot product instruction wants them, and their zero point is
 * taken off once, at the end of a row. Up to 8 tokens, codes are unpacked in registers, one panel
 * at a time. More tokens: a tile is 6 tokens x 64 rows, 24 integer sums in registers and nothing
 * else in the loop; codes of 4 bits are expanded to bytes once for all tokens, codes of 8 bits are
 * read where they lie. */
#ifndef __AVX512VNNI__
#error "build with AVX-512 VNNI"
#endif

#include "kn-matmul-avx512-private.h"
#include "kn-table-private.h"

#include <math.h>

#define MAX_SMALL 8
#define MAX_CHAINS 8
#define TILE_TOKENS 6
#define TILE_PANELS 4

/* As in kn-matmul-small-avx512.c: what arrives within the latency of DRAM. */
#define PREFETCH_BYTES 8192

/* The end of a row for one panel: @sum of unsigned codes times activations, @x the token's row. */
KN_INLINE void
finish (KnDtype dtype, __m512i sum, const uint8_t *panel, const uint8_t *x, size_t n_cols, float *y,
        size_t n_rows)
{
  const uint8_t *tail = x + kn_q8_token_scale_offset (n_cols);
  float xs;
  int32_t total;

  memcpy (&xs, tail, sizeof xs);
  memcpy (&total, tail + 4, sizeof total);
  sum = _mm512_sub_epi32 (sum,
                          _mm512_slli_epi32 (_mm512_set1_epi32 (total), dtype == KN_W8A8 ? 7 : 3));
  _mm512_mask_storeu_ps (y, kn_row_mask (n_rows),
                         _mm512_mul_ps (_mm512_cvtepi32_ps (sum),
                                        _mm512_mul_ps (_mm512_load_ps (panel),
                                                       _mm512_set1_ps (xs))));
}

KN_INLINE const uint8_t *
codes_of (const uint8_t *panel)
{
  return panel + KN_PANEL_ROWS * sizeof (float);
}

/* Eight steps of unsigned codes. */
KN_INLINE void
load_group (KnDtype dtype, const uint8_t *g, __m512i w[8])
{
  const __m512i nibble = _mm512_set1_epi8 (15);

  if (dtype == KN_W8A8)
    {
      KN_UNROLL
      for (int s = 0; s < 8; s++)
        w[s] = kn_load_line (g + 64 * s);
      return;
    }
  KN_UNROLL
  for (int i = 0; i < 4; i++)
    {
      __m512i line = kn_load_line (g + 64 * i);

      w[i] = _mm512_and_si512 (line, nibble);
      w[i + 4] = _mm512_and_si512 (_mm512_srli_epi16 (line, 4), nibble);
    }
}

/* ---- 1 to 8 tokens ---- */

KN_INLINE void
small_product (KnDtype dtype, const int n_tokens, const KnMatmulArgs *a)
{
  const size_t group_bytes = kn_panel_group_bytes (dtype), n_groups = a->n_cols / 32;
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols);
  /* Independent sums of one row: two products start in a cycle, each takes five. */
  const int n_chains = n_tokens == 1 ? 8 : n_tokens == 2 ? 4 : n_tokens <= 5 ? 2 : 1;
  const uint8_t *panel = a->panels;

  for (size_t r = 0; r < a->n_rows; r += KN_PANEL_ROWS, panel += panel_bytes)
    {
      const uint8_t *codes = codes_of (panel);
      __m512i sum[MAX_SMALL][MAX_CHAINS];

      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        KN_UNROLL
      for (int i = 0; i < n_chains; i++)
        sum[t][i] = _mm512_setzero_si512 ();
      for (size_t g = 0; g < n_groups; g++, codes += group_bytes)
        {
          __m512i w[8];

          KN_UNROLL
          for (size_t i = 0; i < group_bytes; i += 64)
            _mm_prefetch ((const char *)codes + i + PREFETCH_BYTES, _MM_HINT_T0);
          load_group (dtype, codes, w);
          KN_UNROLL
          for (int t = 0; t < n_tokens; t++)
            {
              const uint8_t *x = (const uint8_t *)a->x + (size_t)t * a->x_stride + 32 * g;

              KN_UNROLL
              for (int i = 0; i < 8; i++)
                sum[t][i % n_chains] = _mm512_dpbusd_epi32 (sum[t][i % n_chains], w[i],
                                                            kn_broadcast_step (x + 4 * i));
            }
        }
      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          KN_UNROLL
          for (int i = 1; i < n_chains; i++)
            sum[t][0] = _mm512_add_epi32 (sum[t][0], sum[t][i]);
          finish (dtype, sum[t][0], panel, (const uint8_t *)a->x + (size_t)t * a->x_stride,
                  a->n_cols, a->y + (size_t)t * a->y_stride + r, a->n_rows - r);
        }
    }
}

/* ---- more tokens ---- */

typedef struct
{
  const KnMatmulArgs *args;
  const uint8_t *panels[TILE_PANELS]; /* with the scales */
  const uint8_t *codes[TILE_PANELS];  /* one byte each, [n_cols / 4][16][4] */
  size_t first_row;
  const uint8_t *next; /* the panels that follow, to be prefetched */
  size_t next_bytes;   /* of them per group */
} Work;

KN_INLINE void
tile (KnDtype dtype, const int n_tokens, const int n_panels, const Work *work, size_t first_token)
{
  const KnMatmulArgs *a = work->args;
  const uint8_t *x[TILE_TOKENS];
  __m512i sum[TILE_TOKENS][TILE_PANELS];

  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    {
      x[t] = (const uint8_t *)a->x + (first_token + (size_t)t) * a->x_stride;
      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        sum[t][p] = _mm512_setzero_si512 ();
    }
  for (size_t g = 0; g < a->n_cols / 32; g++)
    {
      for (size_t i = 0; i < work->next_bytes; i += 64)
        _mm_prefetch ((const char *)work->next + g * work->next_bytes + i, _MM_HINT_T1);
      KN_UNROLL
      for (size_t s = 0; s < 8; s++)
        {
          __m512i w[TILE_PANELS];

          KN_UNROLL
          for (int p = 0; p < n_panels; p++)
            w[p] = kn_load_line (work->codes[p] + 512 * g + 64 * s);
          KN_UNROLL
          for (int t = 0; t < n_tokens; t++)
            {
              __m512i step = kn_broadcast_step (x[t] + 32 * g + 4 * s);

              KN_UNROLL
              for (int p = 0; p < n_panels; p++)
                sum[t][p] = _mm512_dpbusd_epi32 (sum[t][p], w[p], step);
            }
        }
    }
  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    KN_UNROLL
  for (int p = 0; p < n_panels; p++)
    finish (dtype, sum[t][p], work->panels[p], x[t], a->n_cols,
            a->y + (first_token + (size_t)t) * a->y_stride + work->first_row + p * KN_PANEL_ROWS,
            a->n_rows - work->first_row - (size_t)p * KN_PANEL_ROWS);
}

/* All tokens against @n_panels panels, in tiles of nearly equal size: 3 to 6 of at least 9. */
KN_INLINE void
all_tokens (KnDtype dtype, const int n_panels, Work *work)
{
  const size_t n_tokens = work->args->n_tokens;
  const size_t n_tiles = (n_tokens + TILE_TOKENS - 1) / TILE_TOKENS;

  for (size_t i = 0; i < n_tiles; i++)
    {
      const size_t first = n_tokens * i / n_tiles, n = n_tokens * (i + 1) / n_tiles - first;

      if (n == 6)
        tile (dtype, 6, n_panels, work, first);
      else if (n == 5)
        tile (dtype, 5, n_panels, work, first);
      else if (n == 4)
        tile (dtype, 4, n_panels, work, first);
      else
        tile (dtype, 3, n_panels, work, first);
      work->next_bytes = 0;
    }
}

static void
expand_w4 (const uint8_t *codes, size_t n_cols, uint8_t *bytes)
{
  for (size_t g = 0; g < n_cols / 32; g++, codes += 256, bytes += 512)
    {
      __m512i w[8];

      load_group (KN_W4A8, codes, w);
      KN_UNROLL
      for (int i = 0; i < 8; i++)
        _mm512_store_si512 (bytes + 64 * i, w[i]);
    }
}

KN_INLINE void
batch_product (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols), n_panels = (a->n_rows + 15) / 16;
  const size_t n_groups = a->n_cols / 32;
  const uint8_t *panel = a->panels;
  Work work = { .args = a };

  for (size_t p = 0, n_now; p < n_panels; p += n_now, panel += n_now * panel_bytes)
    {
      n_now = n_panels - p >= 4 ? 4 : n_panels - p >= 2 ? 2 : 1;
      for (size_t i = 0; i < n_now; i++)
        {
          work.panels[i] = panel + i * panel_bytes;
          work.codes[i] = codes_of (work.panels[i]);
          if (dtype == KN_W4A8)
            {
              uint8_t *bytes = (uint8_t *)a->scratch + i * a->n_cols * KN_PANEL_ROWS;

              expand_w4 (work.codes[i], a->n_cols, bytes);
              work.codes[i] = bytes;
            }
        }
      work.first_row = p * KN_PANEL_ROWS;
      work.next = panel + n_now * panel_bytes;
      work.next_bytes = 0;
      if (p + 2 * n_now <= n_panels)
        work.next_bytes = n_now * panel_bytes / n_groups;
      if (n_now == 4)
        all_tokens (dtype, 4, &work);
      else if (n_now == 2)
        all_tokens (dtype, 2, &work);
      else
        all_tokens (dtype, 1, &work);
    }
}

KN_INLINE void
product (KnDtype dtype, const KnMatmulArgs *a)
{
  KN_FOR_FEW_TOKENS (dtype, small_product, a, batch_product (dtype, a));
}

static void
matmul_w8a8_avx512 (const KnMatmulArgs *a)
{
  product (KN_W8A8, a);
}

static void
matmul_w4a8_avx512 (const KnMatmulArgs *a)
{
  product (KN_W4A8, a);
}

/* ---- activations ---- */

static void
quantize_q8_token_avx512 (const float *x, size_t n, void *row)
{
  const __m512i magnitude = _mm512_set1_epi32 (0x7fffffff);
  int8_t *codes = row;
  uint8_t *end = (uint8_t *)row + kn_q8_token_scale_offset (n);
  __m512i max = _mm512_setzero_si512 (), sums = max;

  for (size_t i = 0; i < n; i += 16)
    max = _mm512_max_epi32 (max, _mm512_and_si512 (_mm512_castps_si512 (_mm512_loadu_ps (x + i)),
                                                   magnitude));

  const int32_t bits = _mm512_reduce_max_epi32 (max);
  const float amax = _mm_cvtss_f32 (_mm_castsi128_ps (_mm_cvtsi32_si128 (bits)));
  const int usable = amax >= KN_Q8_TINY && bits < 0x7f800000;
  const float scale = usable ? amax / 127.0f : bits >= 0x7f800000 ? NAN : 0;

  memset (codes + n, 0, kn_q8_token_row_bytes (n) - n);
  if (usable)
    {
      const __m512 inverse = _mm512_set1_ps (127.0f / amax);

      for (size_t i = 0; i < n; i += 16)
        {
          __m512i q = _mm512_cvtps_epi32 (_mm512_mul_ps (_mm512_loadu_ps (x + i), inverse));

          sums = _mm512_add_epi32 (sums, q);
          _mm_storeu_si128 ((__m128i *)(codes + i), _mm512_cvtepi32_epi8 (q));
        }
    }
  else
    memset (codes, 0, n);

  const int32_t sum = _mm512_reduce_add_epi32 (sums);

  memcpy (end, &scale, sizeof scale);
  memcpy (end + 4, &sum, sizeof sum);
}

void
kn_matmul_row_avx512 (KnMatmulFamily *family)
{
  family->w8a8 = matmul_w8a8_avx512;
  family->w4a8 = matmul_w4a8_avx512;
  family->quantize_q8_token = quantize_q8_token_avx512;
}
