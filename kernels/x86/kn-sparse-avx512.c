/* Sparse products with AVX-512 VBMI2: one instruction spreads the stored codes of a line over the
 * set bits of its mask, in a register, and the dot products go on as with Q8_0. For up to 8 tokens
 * weights never exist expanded in memory; for more, panels are expanded once into scratch. */
#if !defined __AVX512VBMI2__ || !defined __AVX512VNNI__
#error "build with AVX-512 VBMI2 and VNNI"
#endif

#include "kn-matmul-avx512-private.h"
#include "kn-sparse-private.h"
#include "kn-table-private.h"

#define MAX_TOKENS 8

/* As in the dense products: what arrives within the latency of DRAM at full speed. */
#define PREFETCH_BYTES 8192

/* A code that is not stored, and the zero point of those that are. */
KN_INLINE uint8_t
gap_code (KnDtype dtype)
{
  return dtype == KN_Q4_SPARSE ? 8 : 128;
}

/* The codes of a line as they are stored, one byte each. */
KN_INLINE __m512i
load_stored (KnDtype dtype, const uint8_t *codes)
{
  __m512i words;

  if (dtype != KN_Q4_SPARSE)
    return _mm512_loadu_si512 (codes);
  /* Byte hl becomes the bytes l, h. */
  words = _mm512_cvtepu8_epi16 (_mm256_loadu_si256 ((const __m256i *)codes));
  return _mm512_and_si512 (_mm512_or_si512 (words, _mm512_slli_epi16 (words, 4)),
                           _mm512_set1_epi8 (15));
}

/* Where the codes of the line after that of @mask begin. Only masks decide, so lines do not wait
 * for codes. */
KN_INLINE const uint8_t *
next_line (KnDtype dtype, uint64_t mask, const uint8_t *codes)
{
  size_t n = (size_t)_mm_popcnt_u64 (mask);

  if (dtype == KN_Q8_2_4)
    return codes + 32;
  if (dtype == KN_Q4_SPARSE)
    return codes + (n + 1) / 2;
  return codes + n;
}

/* Eight lines, a group of 32 columns: unsigned codes with the zero point of gap_code(). */
KN_INLINE const uint8_t *
load_group (KnDtype dtype, const uint8_t *masks, const uint8_t *codes, __m512i w[8])
{
  const __m512i gap = _mm512_set1_epi8 ((char)gap_code (dtype));

  KN_UNROLL
  for (int line = 0; line < 8; line++)
    {
      const uint64_t mask = kn_sparse_mask (masks, (size_t)line);

      w[line] = _mm512_mask_expand_epi8 (gap, mask, load_stored (dtype, codes));
      codes = next_line (dtype, mask, codes);
    }
  return codes;
}

/* One group of one token: the arithmetic of Q8_0 (or Q4_0). */
KN_INLINE __m512
add_group (KnDtype dtype, const __m512i w[8], __m512 scale, const uint8_t *x, KnQ8Offsets o,
           size_t g, __m512 acc)
{
  const unsigned log2_zero = dtype == KN_Q4_SPARSE ? 3 : 7;
  const uint8_t *codes = x + 32 * g;
  __m512i a = kn_dot_start (log2_zero, kn_x_sum (x, o, g)), b = _mm512_setzero_si512 ();

  KN_UNROLL
  for (int i = 0; i < 4; i++)
    {
      a = _mm512_dpbusd_epi32 (a, w[i], kn_broadcast_step (codes + 4 * i));
      b = _mm512_dpbusd_epi32 (b, w[i + 4], kn_broadcast_step (codes + 16 + 4 * i));
    }
  return _mm512_fmadd_ps (_mm512_cvtepi32_ps (_mm512_add_epi32 (a, b)),
                          _mm512_mul_ps (scale, _mm512_set1_ps (kn_x_scale (x, o, g))), acc);
}

KN_INLINE void
prefetch (const uint8_t *from, const uint8_t *to)
{
  for (const uint8_t *at = from; at < to; at += 64)
    _mm_prefetch ((const char *)at + PREFETCH_BYTES, _MM_HINT_T0);
}

KN_INLINE void
small_product (KnDtype dtype, const int n_tokens, const KnMatmulArgs *a)
{
  const KnQ8Offsets o = kn_q8_offsets (a->n_cols);

  for (size_t r = 0; r < a->n_rows; r += KN_PANEL_ROWS)
    {
      const __mmask16 rows = kn_row_mask (a->n_rows - r);
      const uint8_t *block = kn_sparse_panel (a, dtype, r / KN_PANEL_ROWS);
      __m512 acc[MAX_TOKENS];

      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        acc[t] = _mm512_setzero_ps ();
      for (size_t b = 0; b < kn_sparse_n_blocks (a->n_cols); b++)
        {
          const size_t n_lines = kn_sparse_n_lines (a->n_cols, b);
          const uint8_t *masks = block + KN_SPARSE_SCALE_BYTES, *codes = masks + 8 * n_lines;

          for (size_t i = 0; i < n_lines / 8; i++)
            {
              const __m512 scale = kn_load_halves (block + 32 * i);
              __m512i w[8];

              codes = load_group (dtype, masks + 64 * i, codes, w);
              KN_UNROLL
              for (int t = 0; t < n_tokens; t++)
                acc[t]
                    = add_group (dtype, w, scale, (const uint8_t *)a->x + (size_t)t * a->x_stride,
                                 o, 2 * b + i, acc[t]);
            }
          prefetch (block, codes);
          block = codes;
        }
      KN_UNROLL
      for (int t = 0; t < n_tokens; t++)
        _mm512_mask_storeu_ps (a->y + (size_t)t * a->y_stride + r, rows, acc[t]);
    }
}

static const uint8_t *
expand_lines_avx512 (KnDtype dtype, const uint8_t *masks, const uint8_t *codes, size_t n_lines,
                     uint8_t *lines)
{
  const __m512i zero = _mm512_set1_epi8 ((char)gap_code (dtype));

  for (size_t line = 0; line < n_lines; line++, lines += KN_SPARSE_LINE)
    {
      const uint64_t mask = kn_sparse_mask (masks, line);
      const __m512i stored = _mm512_sub_epi8 (load_stored (dtype, codes), zero);

      _mm512_storeu_si512 (lines, _mm512_maskz_expand_epi8 (mask, stored));
      codes += kn_sparse_code_bytes (dtype, (size_t)_mm_popcnt_u64 (mask));
    }
  return codes;
}

KN_INLINE void
product (KnDtype dtype, const KnMatmulArgs *a)
{
  KN_FOR_FEW_TOKENS (dtype, small_product, a,
                     kn_sparse_product (dtype, expand_lines_avx512,
                                        kn_table_for_level (KN_LEVEL_AVX512)->matmul.q8_0, a));
}

static void
matmul_q8_sparse_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q8_SPARSE, a);
}

static void
matmul_q8_2_4_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q8_2_4, a);
}

static void
matmul_q8_4_8_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q8_4_8, a);
}

static void
matmul_q4_sparse_avx512 (const KnMatmulArgs *a)
{
  product (KN_Q4_SPARSE, a);
}

void
kn_sparse_avx512 (KnMatmulFamily *family)
{
  family->q8_sparse = matmul_q8_sparse_avx512;
  family->q8_2_4 = matmul_q8_2_4_avx512;
  family->q8_4_8 = matmul_q8_4_8_avx512;
  family->q4_sparse = matmul_q4_sparse_avx512;
}
