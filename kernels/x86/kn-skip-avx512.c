/* Channel-major products with AVX-512 VNNI: four channels that count are interleaved in registers,
 * which gives what one dot product instruction wants for 64 rows. Lines of channels that do not
 * count are never touched; those that come are asked for ahead, as the list names them. */
#ifndef __AVX512VNNI__
#error "build with AVX-512 VNNI"
#endif

#include "kn-matmul-avx512-private.h"
#include "kn-skip-private.h"
#include "kn-table-private.h"

/* Quads ahead: 64 of their lines are 4 KiB. */
#define PREFETCH_QUADS 16

/* Lines of four channels as 4 x (16 rows x 4 channels). */
KN_INLINE void
interleave (const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, __m512i w[4])
{
  const __m512i va = kn_load_line (a), vb = kn_load_line (b), vc = kn_load_line (c),
                vd = kn_load_line (d);
  const __m512i ab_lo = _mm512_unpacklo_epi8 (va, vb), ab_hi = _mm512_unpackhi_epi8 (va, vb);
  const __m512i cd_lo = _mm512_unpacklo_epi8 (vc, vd), cd_hi = _mm512_unpackhi_epi8 (vc, vd);

  w[0] = _mm512_unpacklo_epi16 (ab_lo, cd_lo);
  w[1] = _mm512_unpackhi_epi16 (ab_lo, cd_lo);
  w[2] = _mm512_unpacklo_epi16 (ab_hi, cd_hi);
  w[3] = _mm512_unpackhi_epi16 (ab_hi, cd_hi);
}

KN_INLINE void
prefetch_quad (const uint8_t *panel, const KnSkipQuad *quad)
{
  KN_UNROLL
  for (int k = 0; k < 4; k++)
    _mm_prefetch ((const char *)panel + quad->at[k], _MM_HINT_T0);
}

static void
skip_avx512 (const KnSkipArgs *a)
{
  const size_t n_groups = a->n_cols / 32, panel_bytes = n_groups * KN_SKIP_GROUP_BYTES;
  const KnQ8Offsets o = kn_q8_offsets (a->n_cols);
  const KnSkipQuad *end = a->list->quads;

  for (size_t g = 0; g < n_groups; g++)
    end += a->list->n_quads[g];
  for (size_t r = 0; r < a->n_rows; r += KN_SKIP_ROWS)
    {
      const uint8_t *panel = (const uint8_t *)a->panels + r / KN_SKIP_ROWS * panel_bytes;
      const KnSkipQuad *quad = a->list->quads;
      __m512 acc[4] = { _mm512_setzero_ps (), _mm512_setzero_ps (), _mm512_setzero_ps (),
                        _mm512_setzero_ps () };

      for (size_t g = 0; g < n_groups; g++)
        {
          const uint8_t *scales = panel + g * KN_SKIP_GROUP_BYTES;
          const size_t n = a->list->n_quads[g];
          const __m512 xs = _mm512_set1_ps (kn_x_scale (a->x, o, g));
          __m512i idot[4];

          if (n == 0)
            continue;
          _mm_prefetch ((const char *)scales + 2 * KN_SKIP_GROUP_BYTES, _MM_HINT_T0);
          _mm_prefetch ((const char *)scales + 2 * KN_SKIP_GROUP_BYTES + 64, _MM_HINT_T0);
          KN_UNROLL
          for (int k = 0; k < 4; k++)
            idot[k] = kn_dot_start (7, kn_x_sum (a->x, o, g));
          for (size_t i = 0; i < n; i++, quad++)
            {
              const __m512i x = _mm512_set1_epi32 (quad->codes);
              __m512i w[4];

              /* Behind the panel's last the next panel's first ones. */
              if (quad + PREFETCH_QUADS < end)
                prefetch_quad (panel, quad + PREFETCH_QUADS);
              else
                prefetch_quad (panel + panel_bytes,
                               a->list->quads + (PREFETCH_QUADS - (end - quad)));
              interleave (panel + quad->at[0], panel + quad->at[1], panel + quad->at[2],
                          panel + quad->at[3], w);
              KN_UNROLL
              for (int k = 0; k < 4; k++)
                idot[k] = _mm512_dpbusd_epi32 (idot[k], w[k], x);
            }
          KN_UNROLL
          for (int k = 0; k < 4; k++)
            acc[k] = _mm512_fmadd_ps (_mm512_cvtepi32_ps (idot[k]),
                                      _mm512_mul_ps (kn_load_halves (scales + 32 * k), xs), acc[k]);
        }
      KN_UNROLL
      for (int k = 0; k < 4; k++)
        if (r + 16 * (size_t)k < a->n_rows)
          _mm512_mask_storeu_ps (a->y + r + 16 * k, kn_row_mask (a->n_rows - r - 16 * (size_t)k),
                                 acc[k]);
    }
}

static void
expand_avx512 (const void *panel, size_t n_cols, void *dense)
{
  const size_t dense_bytes = kn_panel_bytes (KN_Q8_0, n_cols);
  const uint8_t *group = panel;

  for (size_t g = 0; g < n_cols / 32; g++, group += KN_SKIP_GROUP_BYTES)
    {
      for (size_t k = 0; k < 4; k++)
        memcpy ((uint8_t *)dense + k * dense_bytes + kn_panel_scales_at (KN_Q8_0, g) + g % 2 * 32,
                group + 32 * k, 32);
      for (size_t step = 0; step < 8; step++)
        {
          const uint8_t *at = group + KN_SKIP_SCALE_BYTES + 4 * step * KN_SKIP_ROWS;
          __m512i w[4];

          interleave (at, at + KN_SKIP_ROWS, at + 2 * KN_SKIP_ROWS, at + 3 * KN_SKIP_ROWS, w);
          KN_UNROLL
          for (int k = 0; k < 4; k++)
            _mm512_storeu_si512 ((uint8_t *)dense + (size_t)k * dense_bytes
                                     + kn_panel_codes_at (KN_Q8_0, g) + 64 * step,
                                 _mm512_xor_si512 (w[k], _mm512_set1_epi8 (-128)));
        }
    }
}

static void
matmul_q8_channels_avx512 (const KnMatmulArgs *a)
{
  kn_skip_product (expand_avx512, kn_table_for_level (KN_LEVEL_AVX512)->matmul.q8_0, a);
}

void
kn_skip_avx512 (KnMatmulFamily *family)
{
  family->skip_q8_channels = skip_avx512;
  family->q8_channels = matmul_q8_channels_avx512;
}
