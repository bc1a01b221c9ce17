/* Quantized products of many tokens with AVX-512 VNNI: reading a prompt.
 *
 * Two panels at a time are expanded once into scratch, one byte per code and one f32 per scale,
 * where they stay in the second-level cache for all tokens. The tile is 6 tokens x 32 rows: 12
 * integer and 12 f32 sums in registers. After expansion the formats differ only in whether scales
 * come per 32 or per 16 columns and whether there is a minimum. */
#ifndef __AVX512VNNI__
#error "build with AVX-512 VNNI"
#endif

#include "kn-matmul-avx512-private.h"

#define TILE_TOKENS 6
#define TILE_PANELS 2

/* What is left of a format once its panels are expanded. */
typedef enum
{
  SCALE_32,      /* one scale per 32 columns, codes offset by a zero point */
  SCALE_32_MIN,  /* and a minimum, no zero point */
  SCALE_32_MINS, /* and two integer minima of 16 columns each with their unit, no zero point */
  SCALE_16,      /* one scale per 16 columns, codes offset by a zero point */
} Kind;

/* One panel in scratch: codes [n_cols / 4][16][4], then scales [n_cols / 32 (or 16)][16], then
 * minima [n_cols / 32][16]; for SCALE_32_MINS [n_cols / 32][2][16], the units and the pairs of
 * 16-bit integers. */
typedef struct
{
  const uint8_t *codes;
  const float *scales, *mins;
} Expanded;

typedef struct
{
  const KnMatmulArgs *args;
  KnQ8Offsets offsets;
  Expanded panels[TILE_PANELS];
  size_t first_row;
  __m128i log2_zero;
  const uint8_t *next; /* the packed panels that follow, to be prefetched, or NULL */
  size_t next_bytes;   /* of them per group */
} Work;

/* What is added times the activations' sum: negative where the format subtracts. */
KN_INLINE __m512
signed_min (KnDtype dtype, __m512 min)
{
  if (dtype == KN_Q4_K || dtype == KN_Q5_K)
    return _mm512_xor_ps (min, _mm512_set1_ps (-0.0f));
  return min;
}

/* Codes times their half group's integer scale, which fits a byte: 2-bit codes become 0 .. 45,
 * 3-bit ones (their zero point taken off) -128 .. 124 when negated, so that is what they are, with
 * 128 added.
 */
KN_INLINE void
apply_int_scales (KnDtype dtype, __m512i subs, __m512i w[8])
{
  const __m512i low = _mm512_set1_epi16 (255), first = _mm512_set1_epi32 (0xffff);
  const __m512i lo = _mm512_and_si512 (subs, first), hi = _mm512_srli_epi32 (subs, 16);
  const __m512i sub[2] = { _mm512_or_si512 (lo, _mm512_slli_epi32 (lo, 16)),
                           _mm512_or_si512 (hi, _mm512_slli_epi32 (hi, 16)) };

  KN_UNROLL
  for (int s = 0; s < 8; s++)
    {
      __m512i even = _mm512_and_si512 (w[s], low), odd = _mm512_srli_epi16 (w[s], 8);

      if (!kn_panel_has_int_mins (dtype))
        {
          const __m512i zero = _mm512_set1_epi16 (4), add = _mm512_set1_epi16 (128);

          even = _mm512_sub_epi16 (add,
                                   _mm512_mullo_epi16 (_mm512_sub_epi16 (even, zero), sub[s / 4]));
          odd = _mm512_sub_epi16 (add,
                                  _mm512_mullo_epi16 (_mm512_sub_epi16 (odd, zero), sub[s / 4]));
        }
      else
        {
          even = _mm512_mullo_epi16 (even, sub[s / 4]);
          odd = _mm512_mullo_epi16 (odd, sub[s / 4]);
        }
      w[s] = _mm512_or_si512 (even, _mm512_slli_epi16 (odd, 8));
    }
}

KN_INLINE Expanded
expand (KnDtype dtype, const uint8_t *panel, size_t n_cols, uint8_t *scratch)
{
  const size_t n_groups = n_cols / 32, block_groups = kn_panel_block_groups (dtype);
  const size_t n_scales = dtype == KN_Q6_K ? 2 : 1;
  float *scales = (float *)(scratch + n_cols * KN_PANEL_ROWS);
  float *mins = scales + n_groups * 2 * KN_PANEL_ROWS;
  Expanded e = { scratch, scales, mins };
  KnBlockUnits units = { 0 };

  for (size_t g = 0; g < n_groups; g++, scratch += 512)
    {
      const uint8_t *block = panel + kn_panel_scales_at (dtype, g);
      __m512i w[8];

      if (g % block_groups == 0)
        units = kn_load_units (dtype, block);
      KnGroupScales s = kn_group_scales (dtype, units, block, g % block_groups);
      kn_load_codes (dtype, panel + kn_panel_codes_at (dtype, g), w);
      if (kn_panel_has_int_scales (dtype))
        {
          apply_int_scales (dtype, s.subs, w);
          if (!kn_panel_has_int_mins (dtype))
            s.scale[0] = _mm512_xor_ps (s.scale[0], _mm512_set1_ps (-0.0f));
        }
      KN_UNROLL
      for (int j = 0; j < 8; j++)
        _mm512_store_si512 (scratch + 64 * j, w[j]);
      for (size_t j = 0; j < n_scales; j++, scales += KN_PANEL_ROWS)
        _mm512_store_ps (scales, s.scale[j]);
      if (kn_panel_has_int_mins (dtype))
        {
          _mm512_store_ps (mins + g * 2 * KN_PANEL_ROWS, s.min);
          _mm512_store_si512 (mins + (g * 2 + 1) * KN_PANEL_ROWS, s.sub_mins);
        }
      if (kn_panel_has_min (dtype))
        _mm512_store_ps (mins + g * KN_PANEL_ROWS, signed_min (dtype, s.min));
    }
  return e;
}

/* The integer sums of @n_steps steps of all tile entries. */
KN_INLINE void
tile_dots (Kind kind, __m128i log2_zero, const int n_tokens, const int n_panels, const int n_steps,
           const uint8_t *const x[], const uint8_t *const w[], const int32_t *const sums[],
           __m512i idot[][TILE_PANELS])
{
  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    {
      __m512i start = _mm512_setzero_si512 ();

      if (kind != SCALE_32_MIN && kind != SCALE_32_MINS)
        start
            = _mm512_sub_epi32 (start, _mm512_sll_epi32 (_mm512_set1_epi32 (*sums[t]), log2_zero));
      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        idot[t][p] = start;
    }
  KN_UNROLL
  for (int i = 0; i < n_steps; i++)
    {
      __m512i codes[TILE_PANELS];

      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        codes[p] = kn_load_line (w[p] + 64 * i);
      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          __m512i step = kn_broadcast_step (x[t] + 4 * i);

          KN_UNROLL
          for (int p = 0; p < n_panels; p++)
            idot[t][p] = _mm512_dpbusd_epi32 (idot[t][p], codes[p], step);
        }
    }
}

/* One group of a tile. */
KN_INLINE void
tile_group (Kind kind, const int n_tokens, const int n_panels, const Work *work,
            const uint8_t *const x[], size_t g, __m512 acc[][TILE_PANELS])
{
  const KnQ8Offsets o = work->offsets;
  const int n_parts = kind == SCALE_16 ? 2 : 1, n_steps = 8 / n_parts;

  KN_UNROLL
  for (int h = 0; h < n_parts; h++)
    {
      const uint8_t *xq[TILE_TOKENS], *w[TILE_PANELS];
      const int32_t *sums[TILE_TOKENS];
      __m512i idot[TILE_TOKENS][TILE_PANELS];
      __m512 scale[TILE_PANELS];

      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          xq[t] = x[t] + 32 * g + 16 * h;
          sums[t]
              = n_parts == 2 ? kn_x_half_sum (x[t], o, 2 * g + (size_t)h) : kn_x_sum (x[t], o, g);
        }
      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        {
          w[p] = work->panels[p].codes + 512 * g + 256 * h;
          scale[p] = _mm512_load_ps (work->panels[p].scales
                                     + ((size_t)n_parts * g + (size_t)h) * KN_PANEL_ROWS);
        }
      tile_dots (kind, work->log2_zero, n_tokens, n_panels, n_steps, xq, w, sums, idot);
      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          __m512 xs = _mm512_set1_ps (kn_x_scale (x[t], o, g));

          KN_UNROLL
          for (int p = 0; p < n_panels; p++)
            acc[t][p] = _mm512_fmadd_ps (_mm512_cvtepi32_ps (idot[t][p]),
                                         _mm512_mul_ps (scale[p], xs), acc[t][p]);
        }
    }
  if (kind == SCALE_32_MIN)
    {
      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          __m512 s = kn_x_min_factor (x[t], o, g);

          KN_UNROLL
          for (int p = 0; p < n_panels; p++)
            acc[t][p] = _mm512_fmadd_ps (_mm512_load_ps (work->panels[p].mins + g * KN_PANEL_ROWS),
                                         s, acc[t][p]);
        }
    }
}

/* Minima of integers of one group of a tile. */
KN_INLINE void
tile_int_mins (const int n_tokens, const int n_panels, const Work *work, const uint8_t *const x[],
               size_t g, __m512 acc[][TILE_PANELS])
{
  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    {
      const __m512 xs = _mm512_set1_ps (kn_x_scale (x[t], work->offsets, g));
      const __m512i sums = kn_half_sum_pair (x[t], work->offsets, g);

      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        {
          const float *mins = work->panels[p].mins + g * 2 * KN_PANEL_ROWS;
          const __m512i jdot = _mm512_madd_epi16 (_mm512_load_si512 (mins + KN_PANEL_ROWS), sums);

          acc[t][p] = _mm512_fnmadd_ps (_mm512_cvtepi32_ps (jdot),
                                        _mm512_mul_ps (_mm512_load_ps (mins), xs), acc[t][p]);
        }
    }
}

KN_INLINE void
tile (Kind kind, const int n_tokens, const int n_panels, const Work *work, size_t first_token)
{
  const KnMatmulArgs *a = work->args;
  const uint8_t *x[TILE_TOKENS];
  __m512 acc[TILE_TOKENS][TILE_PANELS];

  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    {
      x[t] = (const uint8_t *)a->x + (first_token + (size_t)t) * a->x_stride;
      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        acc[t][p] = _mm512_setzero_ps ();
    }
  for (size_t g = 0; g < a->n_cols / 32; g++)
    {
      for (size_t i = 0; i < work->next_bytes; i += 64)
        _mm_prefetch ((const char *)work->next + g * work->next_bytes + i, _MM_HINT_T1);
      tile_group (kind, n_tokens, n_panels, work, x, g, acc);
      if (kind == SCALE_32_MINS)
        tile_int_mins (n_tokens, n_panels, work, x, g, acc);
    }
  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    {
      float *y = a->y + (first_token + (size_t)t) * a->y_stride + work->first_row;

      KN_UNROLL
      for (int p = 0; p < n_panels; p++)
        _mm512_mask_storeu_ps (y + p * KN_PANEL_ROWS,
                               kn_row_mask (a->n_rows - work->first_row
                                            - (size_t)p * KN_PANEL_ROWS),
                               acc[t][p]);
    }
}

KN_INLINE void
tile_of (Kind kind, const int n_panels, const Work *work, size_t first_token, size_t n_tokens)
{
  switch (n_tokens)
    {
    case 6:
      tile (kind, 6, n_panels, work, first_token);
      break;
    case 5:
      tile (kind, 5, n_panels, work, first_token);
      break;
    case 4:
      tile (kind, 4, n_panels, work, first_token);
      break;
    case 3:
      tile (kind, 3, n_panels, work, first_token);
      break;
    default: /* tiles of at least 9 tokens shared out evenly have 3 or more */
      break;
    }
}

/* All tokens against the panels in scratch, in tiles of nearly equal size. */
KN_INLINE void
all_tokens (Kind kind, const int n_panels, Work *work)
{
  const size_t n_tokens = work->args->n_tokens;
  const size_t n_tiles = (n_tokens + TILE_TOKENS - 1) / TILE_TOKENS;

  for (size_t i = 0; i < n_tiles; i++)
    {
      size_t first = n_tokens * i / n_tiles, end = n_tokens * (i + 1) / n_tiles;

      tile_of (kind, n_panels, work, first, end - first);
      work->next_bytes = 0;
    }
}

static void
multiply (Kind kind, Work *work, size_t n_panels)
{
  if (kind == SCALE_16)
    n_panels == 2 ? all_tokens (SCALE_16, 2, work) : all_tokens (SCALE_16, 1, work);
  else if (kind == SCALE_32_MINS)
    n_panels == 2 ? all_tokens (SCALE_32_MINS, 2, work) : all_tokens (SCALE_32_MINS, 1, work);
  else if (kind == SCALE_32_MIN)
    n_panels == 2 ? all_tokens (SCALE_32_MIN, 2, work) : all_tokens (SCALE_32_MIN, 1, work);
  else
    n_panels == 2 ? all_tokens (SCALE_32, 2, work) : all_tokens (SCALE_32, 1, work);
}

KN_INLINE void
batch_product (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols), n_panels = (a->n_rows + 15) / 16;
  const Kind kind = dtype == KN_Q6_K                ? SCALE_16
                    : kn_panel_has_int_mins (dtype) ? SCALE_32_MINS
                    : kn_panel_has_min (dtype)      ? SCALE_32_MIN
                                                    : SCALE_32;
  const uint8_t *panel = a->panels;
  Work work = { .args = a,
                .offsets = kn_q8_offsets (a->n_cols),
                .log2_zero = _mm_cvtsi32_si128 (
                    (int)(kn_panel_has_int_scales (dtype) ? 7 : kn_log2_zero (dtype))) };

  for (size_t p = 0; p < n_panels; p += TILE_PANELS, panel += TILE_PANELS * panel_bytes)
    {
      size_t n_now = n_panels - p < TILE_PANELS ? n_panels - p : TILE_PANELS;

      for (size_t i = 0; i < n_now; i++)
        work.panels[i] = expand (dtype, panel + i * panel_bytes, a->n_cols,
                                 (uint8_t *)a->scratch + i * kn_expanded_bytes (a->n_cols));
      work.first_row = p * KN_PANEL_ROWS;
      work.next = panel + TILE_PANELS * panel_bytes;
      work.next_bytes = 0;
      if (p + 2 * TILE_PANELS <= n_panels)
        work.next_bytes = TILE_PANELS * panel_bytes / (a->n_cols / 32);
      multiply (kind, &work, n_now);
    }
}

void
kn_matmul_batch_avx512 (KnDtype dtype, const KnMatmulArgs *args)
{
  KN_FOR_GROUP_FORMAT (dtype, batch_product, args);
}
