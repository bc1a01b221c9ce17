/* Quantized products of two and more tokens with AVX2.
 *
 * A block of columns of one panel is expanded into scratch, one byte per code and one f32 per
 * scale, where it stays in the first-level cache for all tokens. The tile is 3 tokens x 16 rows: 6
 * sums of 16 bits and 6 of f32 in registers. Between blocks the f32 sums rest in y. */
#ifndef __AVX2__
#error "build with AVX2, FMA and F16C"
#endif

#include "kn-matmul-avx2-private.h"

#define TILE_TOKENS 3
#define BLOCK_GROUPS 32 /* 16 KiB of expanded codes */

/* Scratch: the codes of a block [groups][8 steps][16][4], then per group a record of scales. */
typedef struct
{
  float scale[2][KN_PANEL_ROWS];
  float min[KN_PANEL_ROWS];
  int32_t subs[2][KN_PANEL_ROWS]; /* integer scales, minima: pairs of 16 bits */
} Record;

typedef struct
{
  const KnMatmulArgs *args;
  KnQ8Offsets offsets;
  const uint8_t *codes;
  const Record *records;
  size_t first_group, n_groups;
  size_t first_row, first_token;
} Work;

KN_INLINE void
expand (KnDtype dtype, const uint8_t *panel, const Work *w, uint8_t *codes, Record *records)
{
  for (size_t i = 0; i < w->n_groups; i++, codes += 512, records++)
    {
      const size_t g = w->first_group + i;
      const uint8_t *packed = panel + kn_panel_codes_at (dtype, g);

      for (int half = 0; half < 2; half++)
        {
          const KnGroupScales s = kn_group_scales (dtype, panel + kn_panel_scales_at (dtype, g),
                                                   g % kn_panel_block_groups (dtype), half);
          __m256i c[8];

          kn_load_codes (dtype, packed, half, c);
          KN_UNROLL
          for (int j = 0; j < 8; j++)
            _mm256_store_si256 ((__m256i *)(codes + 64 * j + 32 * half), c[j]);
          _mm256_store_ps (records->scale[0] + 8 * half, s.scale[0]);
          _mm256_store_ps (records->scale[1] + 8 * half, s.scale[1]);
          _mm256_store_ps (records->min + 8 * half, s.min);
          if (kn_panel_has_int_scales (dtype))
            {
              _mm256_store_si256 ((__m256i *)(records->subs[0] + 8 * half), s.subs);
              _mm256_store_si256 ((__m256i *)(records->subs[1] + 8 * half), s.sub_mins);
            }
        }
    }
}

/* The integer sums of @n_steps steps for all tile entries, without the zero point's part. */
KN_INLINE void
tile_dots (KnDtype dtype, const int n_tokens, const int n_steps, const uint8_t *codes,
           const uint8_t *const x[], __m256i idot[][2])
{
  const int run = kn_steps_in_16_bits (dtype);
  __m256i pairs[TILE_TOKENS][2];

  KN_UNROLL
  for (int i = 0; i < n_steps; i++)
    {
      const __m256i w[2]
          = { kn_load_half_line (codes + 64 * i), kn_load_half_line (codes + 64 * i + 32) };

      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          const __m256i step = kn_broadcast_step (x[t] + 4 * i);

          KN_UNROLL
          for (int h = 0; h < 2; h++)
            {
              if (run == 0)
                {
                  __m256i dot = kn_dot_s8 (w[h], step);
                  idot[t][h] = i == 0 ? dot : _mm256_add_epi32 (idot[t][h], dot);
                  continue;
                }
              __m256i product = _mm256_maddubs_epi16 (w[h], step);

              pairs[t][h] = i % run == 0 ? product : _mm256_add_epi16 (pairs[t][h], product);
              if (i % run == run - 1 || i == n_steps - 1)
                idot[t][h] = i < run ? kn_widen (pairs[t][h])
                                     : _mm256_add_epi32 (idot[t][h], kn_widen (pairs[t][h]));
            }
        }
    }
}

/* The same where scales are integers: 16 bits hold the sums of a half group. */
KN_INLINE void
tile_int_group (KnDtype dtype, const int n_tokens, const Work *w, const uint8_t *const x[],
                size_t i, __m256 acc[][2])
{
  const size_t g = w->first_group + i;
  const Record *record = w->records + i;
  const uint8_t *codes = w->codes + 512 * i;
  __m256i parts[TILE_TOKENS][2][2];

  KN_UNROLL
  for (int s = 0; s < 8; s++)
    {
      const __m256i c[2]
          = { kn_load_half_line (codes + 64 * s), kn_load_half_line (codes + 64 * s + 32) };

      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          const __m256i step = kn_broadcast_step (x[t] + 32 * g + 4 * s);

          KN_UNROLL
          for (int h = 0; h < 2; h++)
            {
              const __m256i product = _mm256_maddubs_epi16 (c[h], step);

              parts[t][h][s / 4]
                  = s % 4 == 0 ? product : _mm256_add_epi16 (parts[t][h][s / 4], product);
            }
        }
    }
  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    {
      const __m256 xs = _mm256_set1_ps (kn_x_scale (x[t], w->offsets, g));
      const __m256i sums = kn_half_sum_pair (x[t], w->offsets, g);

      KN_UNROLL
      for (int h = 0; h < 2; h++)
        {
          const __m256i subs = kn_load_half_line ((const uint8_t *)(record->subs[0] + 8 * h));
          const __m256i idot = kn_int_dot (dtype, parts[t][h], subs, sums);

          acc[t][h]
              = _mm256_fmadd_ps (_mm256_cvtepi32_ps (idot),
                                 _mm256_mul_ps (_mm256_load_ps (record->scale[0] + 8 * h), xs),
                                 acc[t][h]);
          if (kn_panel_has_int_mins (dtype))
            {
              const __m256i mins = kn_load_half_line ((const uint8_t *)(record->subs[1] + 8 * h));
              const __m256i jdot = _mm256_madd_epi16 (mins, sums);

              acc[t][h]
                  = _mm256_fnmadd_ps (_mm256_cvtepi32_ps (jdot),
                                      _mm256_mul_ps (_mm256_load_ps (record->min + 8 * h), xs),
                                      acc[t][h]);
            }
        }
    }
}

/* Group @i of the block. */
KN_INLINE void
tile_group (KnDtype dtype, const int n_tokens, const Work *w, const uint8_t *const x[], size_t i,
            __m256 acc[][2])
{
  const int n_parts = dtype == KN_Q6_K ? 2 : 1, n_steps = 8 / n_parts;
  const size_t g = w->first_group + i;
  const Record *record = w->records + i;

  KN_UNROLL
  for (int part = 0; part < n_parts; part++)
    {
      const uint8_t *xq[TILE_TOKENS];
      __m256i idot[TILE_TOKENS][2];

      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        xq[t] = x[t] + 32 * g + 16 * (size_t)part;
      tile_dots (dtype, n_tokens, n_steps, w->codes + 512 * i + 256 * (size_t)part, xq, idot);
      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          const __m256 xs = _mm256_set1_ps (kn_x_scale (x[t], w->offsets, g));

          KN_UNROLL
          for (int h = 0; h < 2; h++)
            {
              const __m256 scale = _mm256_mul_ps (_mm256_load_ps (record->scale[part] + 8 * h), xs);

              if (kn_panel_zero (dtype) != 0)
                idot[t][h]
                    = _mm256_sub_epi32 (idot[t][h],
                                        kn_zero_part (dtype, kn_x_sum (dtype, x[t], w->offsets, g,
                                                                       (size_t)part)));
              acc[t][h] = _mm256_fmadd_ps (_mm256_cvtepi32_ps (idot[t][h]), scale, acc[t][h]);
            }
        }
    }
  if (kn_panel_has_min (dtype))
    {
      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        {
          const __m256 s = kn_x_min_factor (x[t], w->offsets, g);

          KN_UNROLL
          for (int h = 0; h < 2; h++)
            acc[t][h] = _mm256_fmadd_ps (_mm256_load_ps (record->min + 8 * h), s, acc[t][h]);
        }
    }
}

KN_INLINE void
tile (KnDtype dtype, const int n_tokens, const Work *w)
{
  const KnMatmulArgs *a = w->args;
  const uint8_t *x[TILE_TOKENS];
  float *y[TILE_TOKENS];
  __m256 acc[TILE_TOKENS][2];
  __m256i mask[2];

  KN_UNROLL
  for (int h = 0; h < 2; h++)
    mask[h] = kn_row_mask (a->n_rows - w->first_row, h);
  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    {
      x[t] = (const uint8_t *)a->x + (w->first_token + (size_t)t) * a->x_stride;
      y[t] = a->y + (w->first_token + (size_t)t) * a->y_stride + w->first_row;
      KN_UNROLL
      for (int h = 0; h < 2; h++)
        acc[t][h] = w->first_group == 0 ? _mm256_setzero_ps ()
                                        : _mm256_maskload_ps (y[t] + 8 * h, mask[h]);
    }
  for (size_t i = 0; i < w->n_groups; i++)
    kn_panel_has_int_scales (dtype) ? tile_int_group (dtype, n_tokens, w, x, i, acc)
                                    : tile_group (dtype, n_tokens, w, x, i, acc);
  KN_UNROLL
  for (int t = 0; t < n_tokens; t++)
    KN_UNROLL
  for (int h = 0; h < 2; h++)
    _mm256_maskstore_ps (y[t] + 8 * h, mask[h], acc[t][h]);
}

/* All tokens against the block in scratch, in tiles of nearly equal size. */
KN_INLINE void
all_tokens (KnDtype dtype, Work *w)
{
  const size_t n_tokens = w->args->n_tokens, n_tiles = (n_tokens + TILE_TOKENS - 1) / TILE_TOKENS;

  for (size_t i = 0; i < n_tiles; i++)
    {
      size_t end = n_tokens * (i + 1) / n_tiles;

      w->first_token = n_tokens * i / n_tiles;
      switch (end - w->first_token)
        {
        case 1:
          tile (dtype, 1, w);
          break;
        case 2:
          tile (dtype, 2, w);
          break;
        default:
          tile (dtype, 3, w);
          break;
        }
    }
}

KN_INLINE void
batch_product (KnDtype dtype, const KnMatmulArgs *a)
{
  const size_t panel_bytes = kn_panel_bytes (dtype, a->n_cols), n_groups = a->n_cols / 32;
  const uint8_t *panel = a->panels;
  uint8_t *codes = a->scratch;
  Record *records
      = (Record *)(codes + 512 * (n_groups < BLOCK_GROUPS ? n_groups : (size_t)BLOCK_GROUPS));
  Work w = { .args = a, .offsets = kn_q8_offsets (a->n_cols), .codes = codes, .records = records };

  for (; w.first_row < a->n_rows; w.first_row += KN_PANEL_ROWS, panel += panel_bytes)
    for (w.first_group = 0; w.first_group < n_groups; w.first_group += BLOCK_GROUPS)
      {
        w.n_groups
            = n_groups - w.first_group < BLOCK_GROUPS ? n_groups - w.first_group : BLOCK_GROUPS;
        expand (dtype, panel, &w, codes, records);
        all_tokens (dtype, &w);
      }
}

void
kn_matmul_batch_avx2 (KnDtype dtype, const KnMatmulArgs *args)
{
  KN_FOR_GROUP_FORMAT (dtype, batch_product, args);
}
