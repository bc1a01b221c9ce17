/* Attention over one KV head's cache with AVX2, FMA and F16C (kn-attn-spec.h has layout and
 * arithmetic).
 *
 * Queries are taken in tiles of up to 4: with 16 registers that is what keys, weights and
 * accumulators leave room for. One load of keys or values serves the whole tile. The functions
 * marked INLINE are written once for any tile and become one loop per tile size. */
#ifndef __AVX2__
#error "this file needs -mavx2 -mfma -mf16c"
#endif

#include "kn-attn-tile.h"
#include "kn-table-private.h"
#include "x86/kn-math-avx2.h"

#define INLINE static inline __attribute__ ((always_inline))
#define TILE 4

INLINE __m128i
load_8_halves (const uint16_t *x)
{
  return _mm_loadu_si128 ((const __m128i *)(const void *)x);
}

INLINE __m256
load_f32_or_f16 (KnDtype format, const void *base, size_t at)
{
  if (format == KN_F32)
    return _mm256_loadu_ps ((const float *)base + at);
  return _mm256_cvtph_ps (load_8_halves ((const uint16_t *)base + at));
}

/* --- scores --- */

/* @n queries of the tile, from query @i, against @nh halves of panels (8 positions each). */
INLINE void
scores_float (const KnAttnTile *t, KnDtype format, size_t n, size_t nh, size_t i, size_t position)
{
  const size_t dim = t->a->head_dim, stride = t->a->q_stride;
  const size_t start = position / 16 * dim * 16, bytes = format == KN_F32 ? 4 : 2;
  const float *q = t->q + i * stride;
  float *s = t->scratch.scores + i * KN_ATTN_CHUNK + position % KN_ATTN_CHUNK;
  __m256 acc[TILE][8], k[8];

  for (size_t j = 0; j < n; j++)
    for (size_t h = 0; h < nh; h++)
      acc[j][h] = _mm256_setzero_ps ();
  kn_attn_prefetch (t, t->a->k, (start + nh * dim * 8) * bytes, nh * dim * 8 * bytes);
  for (size_t d = 0; d < dim; d++)
    {
      for (size_t h = 0; h < nh; h++)
        k[h] = load_f32_or_f16 (format, t->a->k, start + h / 2 * dim * 16 + d * 16 + h % 2 * 8);
      for (size_t j = 0; j < n; j++)
        for (size_t h = 0; h < nh; h++)
          acc[j][h] = _mm256_fmadd_ps (_mm256_set1_ps (q[j * stride + d]), k[h], acc[j][h]);
    }
  for (size_t j = 0; j < n; j++)
    for (size_t h = 0; h < nh; h++)
      _mm256_storeu_ps (s + j * KN_ATTN_CHUNK + h * 8, acc[j][h]);
}

/* Products of one step's 32 key codes with 4 of the query. vpmaddubsw multiplies an unsigned and a
 * signed byte: a Q8 key gives its magnitude, the query takes the key's sign; Q4 codes are unsigned
 * as they are. Sums of two products fit 16 bits. */
INLINE __m256i
step_products (KnDtype format, __m256i codes, __m256i four)
{
  const __m256i pairs
      = kn_kv_is_q4 (format)
            ? _mm256_maddubs_epi16 (codes, four)
            : _mm256_maddubs_epi16 (_mm256_abs_epi8 (codes), _mm256_sign_epi8 (four, codes));
  return _mm256_madd_epi16 (pairs, _mm256_set1_epi16 (1));
}

/* Codes of step @c of group @g, 8 positions. A line of a Q4 panel holds steps c and c + 4. */
INLINE __m256i
key_step (KnDtype format, const uint8_t *k, size_t g, size_t c)
{
  if (!kn_kv_is_q4 (format))
    return _mm256_loadu_si256 ((const __m256i *)(const void *)(k + (g * 8 + c) * 64));
  const __m256i both
      = _mm256_loadu_si256 ((const __m256i *)(const void *)(k + (g * 4 + c % 4) * 64));
  return _mm256_and_si256 (c < 4 ? both : _mm256_srli_epi16 (both, 4), _mm256_set1_epi8 (15));
}

INLINE void
scores_coded_half (const KnAttnTile *t, KnDtype format, size_t n, size_t i, size_t position,
                   size_t half)
{
  const size_t dim = t->a->head_dim, n_blocks = dim / 32, n_scales = kn_kv_n_scales (format, dim);
  const int per_head = kn_kv_is_per_head (format), zero = kn_kv_is_q4 (format) ? 8 : 0;
  const uint8_t *k = kn_k_panel (format, t->a->k, dim, position);
  const uint16_t *scales = kn_k_scales (format, k, dim);
  const int8_t *q = t->scratch.q_codes + i * dim;
  const float *q_scales = t->scratch.q_scales + i * n_scales;
  const int32_t *q_sums = t->scratch.q_sums + i * n_scales;
  float *s = t->scratch.scores + i * KN_ATTN_CHUNK + position % KN_ATTN_CHUNK + half * 8;
  __m256 acc[TILE];
  __m256i dot[TILE];

  for (size_t j = 0; j < n; j++)
    {
      acc[j] = _mm256_setzero_ps ();
      dot[j] = _mm256_set1_epi32 (-zero * q_sums[j * n_scales]);
    }
  for (size_t g = 0; g < n_blocks; g++)
    {
      if (!per_head)
        for (size_t j = 0; j < n; j++)
          dot[j] = _mm256_set1_epi32 (-zero * q_sums[j * n_scales + g]);
      for (size_t c = 0; c < 8; c++)
        {
          const __m256i codes = key_step (format, k + half * 32, g, c);
          for (size_t j = 0; j < n; j++)
            {
              int32_t four;
              memcpy (&four, q + j * dim + g * 32 + c * 4, sizeof four);
              dot[j] = _mm256_add_epi32 (dot[j],
                                         step_products (format, codes, _mm256_set1_epi32 (four)));
            }
        }
      if (per_head && g + 1 < n_blocks)
        continue;
      const size_t at = per_head ? 0 : g;
      const __m256 scale = load_f32_or_f16 (KN_F16, scales, at * 16 + half * 8);
      for (size_t j = 0; j < n; j++)
        acc[j]
            = _mm256_fmadd_ps (_mm256_cvtepi32_ps (dot[j]),
                               _mm256_mul_ps (_mm256_set1_ps (q_scales[j * n_scales + at]), scale),
                               acc[j]);
    }
  for (size_t j = 0; j < n; j++)
    _mm256_storeu_ps (s + j * KN_ATTN_CHUNK, acc[j]);
}

/* Panels [first, end), @np at a time where the format allows. */
INLINE void
scores_rows (const KnAttnTile *t, KnDtype format, size_t n, size_t np, size_t first, size_t end)
{
  size_t p = first;
  for (; !kn_kv_is_coded (format) && p + np * 16 <= end; p += np * 16)
    scores_float (t, format, n, 2 * np, 0, p);
  for (; p < end; p += 16)
    if (kn_kv_is_coded (format))
      {
        kn_attn_prefetch (t, kn_k_panel (format, t->a->k, t->a->head_dim, p + 16), 0,
                          kn_kv_panel_bytes (format, t->a->head_dim));
        scores_coded_half (t, format, n, 0, p, 0);
        scores_coded_half (t, format, n, 0, p, 1);
      }
    else
      scores_float (t, format, n, 2, 0, p);
}

/* Panels per step: about 8 accumulators, so that the latency of an addition is hidden. */
INLINE void
scores_tile (const KnAttnTile *t, KnDtype format, size_t n, size_t first, size_t end)
{
  if (n == 4)
    scores_rows (t, format, 4, 1, first, end);
  else if (n == 3)
    scores_rows (t, format, 3, 1, first, end);
  else if (n == 2)
    scores_rows (t, format, 2, 2, first, end);
  else
    scores_rows (t, format, 1, 4, first, end);
}

/* --- softmax --- */

/* Turn the scores of one query, [lo, hi), into weights, 0 elsewhere in their panels. */
static void
weights (const KnAttnChunk *a, float *s, size_t lo, size_t hi, float *m, float *l)
{
  const size_t base = lo / KN_ATTN_CHUNK * KN_ATTN_CHUNK, first = lo / 16 * 16,
               end = (hi + 15) / 16 * 16;
  const __m256 cap = _mm256_set1_ps (a->softcap), inverse_cap = _mm256_set1_ps (1.0f / a->softcap);
  __m256 max = _mm256_set1_ps (-INFINITY), sum[2] = { _mm256_setzero_ps (), _mm256_setzero_ps () };

  if (a->softcap != 0.0f)
    for (size_t p = first; p < end; p += 8)
      {
        const __m256 v = _mm256_mul_ps (_mm256_loadu_ps (s + (p - base)), inverse_cap);
        _mm256_storeu_ps (s + (p - base), _mm256_mul_ps (cap, kn_tanh8 (v)));
      }
  for (size_t p = first; p < lo; p++)
    s[p - base] = -INFINITY;
  for (size_t p = hi; p < end; p++)
    s[p - base] = -INFINITY;
  for (size_t p = first; p < end; p += 8)
    max = _mm256_max_ps (_mm256_loadu_ps (s + (p - base)), max);
  *m = kn_max8 (max) + 0.0f;

  const __m256 shift = _mm256_set1_ps (kn_softmax_shift (*m));
  for (size_t p = first; p < end; p += 16)
    for (size_t h = 0; h < 2; h++)
      {
        float *at = s + (p - base) + h * 8;
        const __m256 e = kn_exp8 (_mm256_sub_ps (_mm256_loadu_ps (at), shift));
        _mm256_storeu_ps (at, e);
        sum[h] = _mm256_add_ps (sum[h], e);
      }
  *l = kn_sum8x2 (sum[0], sum[1]);
}

static void
round_weights (float *p, size_t n, float levels, float bias)
{
  const __m256 by = _mm256_set1_ps (levels), step = _mm256_set1_ps (1.0f / levels),
               more = _mm256_set1_ps (bias);
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    {
      const __m256 code = _mm256_round_ps (_mm256_mul_ps (_mm256_loadu_ps (p + i), by),
                                           _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      _mm256_storeu_ps (p + i, _mm256_fmadd_ps (code, step, more));
    }
  kn_round_weights (p + i, n - i, levels, bias);
}

/* --- weighted values --- */

INLINE __m256
load_values (const KnAttnChunk *a, KnDtype format, size_t position, size_t d)
{
  if (!kn_kv_is_coded (format))
    return load_f32_or_f16 (format, a->v, position * a->head_dim + d);
  const uint8_t *codes = kn_v_codes (format, a->v, a->head_dim, position);
  const size_t at = kn_kv_is_per_head (format) ? 0 : d / 32;
  const __m128i half = _mm_cvtsi32_si128 (kn_v_scales (format, a->v, a->head_dim, position)[at]);
  __m256i wide;
  if (kn_kv_is_q4 (format))
    {
      const __m128i both
          = _mm_loadl_epi64 ((const __m128i *)(const void *)(codes + d / 32 * 16 + d % 16));
      const __m128i moved = d % 32 < 16 ? both : _mm_srli_epi16 (both, 4);
      wide = _mm256_sub_epi32 (_mm256_cvtepu8_epi32 (_mm_and_si128 (moved, _mm_set1_epi8 (15))),
                               _mm256_set1_epi32 (8));
    }
  else
    wide = _mm256_cvtepi8_epi32 (_mm_loadl_epi64 ((const __m128i *)(const void *)(codes + d)));
  return _mm256_mul_ps (_mm256_cvtepi32_ps (wide), _mm256_broadcastss_ps (_mm_cvtph_ps (half)));
}

/* o += p v for @n queries, @nd registers of coordinates from @d, positions [lo, hi). */
INLINE void
add_values (const KnAttnTile *t, KnDtype format, size_t n, size_t nd, size_t d, size_t lo,
            size_t hi)
{
  const size_t dim = t->a->head_dim;
  const float *p = t->scratch.scores;
  float *o = t->o + d;
  __m256 acc[TILE][8], v[8];

  for (size_t j = 0; j < n; j++)
    for (size_t e = 0; e < nd; e++)
      acc[j][e] = _mm256_loadu_ps (o + j * dim + e * 8);
  for (size_t position = lo; position < hi; position++)
    {
      for (size_t e = 0; e < nd; e++)
        v[e] = load_values (t->a, format, position, d + e * 8);
      if (d == 0)
        kn_attn_prefetch_values (t, format, position + 16);
      for (size_t j = 0; j < n; j++)
        for (size_t e = 0; e < nd; e++)
          acc[j][e]
              = _mm256_fmadd_ps (_mm256_set1_ps (p[j * KN_ATTN_CHUNK + position % KN_ATTN_CHUNK]),
                                 v[e], acc[j][e]);
    }
  for (size_t j = 0; j < n; j++)
    for (size_t e = 0; e < nd; e++)
      _mm256_storeu_ps (o + j * dim + e * 8, acc[j][e]);
}

/* The last head_dim % 8 coordinates of one query; Q8 and Q4 have none. */
static void
add_values_tail (const KnAttnTile *t, size_t i, size_t d, size_t lo, size_t hi)
{
  const size_t dim = t->a->head_dim;
  const float *p = t->scratch.scores + i * KN_ATTN_CHUNK;
  float *o = t->o + i * dim;
  for (; d < dim; d++)
    for (size_t position = lo; position < hi; position++)
      {
        const size_t at = position * dim + d;
        const float v = kn_kv_values (t->a->format) == KN_F32
                            ? ((const float *)t->a->v)[at]
                            : kn_f16_load (((const uint16_t *)t->a->v)[at]);
        o[d] = fmaf (p[position % KN_ATTN_CHUNK], v, o[d]);
      }
}

/* All coordinates for @n queries, @nd registers at a time. */
INLINE void
values_rows (const KnAttnTile *t, KnDtype format, size_t n, size_t nd, size_t lo, size_t hi)
{
  const size_t dim = t->a->head_dim;
  size_t d = 0;
  for (; d + nd * 8 <= dim; d += nd * 8)
    add_values (t, format, n, nd, d, lo, hi);
  for (; d + 8 <= dim; d += 8)
    add_values (t, format, n, 1, d, lo, hi);
  for (size_t j = 0; d < dim && j < n; j++)
    add_values_tail (t, j, d, lo, hi);
}

INLINE void
values_tile (const KnAttnTile *t, KnDtype format, size_t n, size_t lo, size_t hi)
{
  if (n == 4)
    values_rows (t, format, 4, 2, lo, hi);
  else if (n == 3)
    values_rows (t, format, 3, 4, lo, hi);
  else if (n == 2)
    values_rows (t, format, 2, 4, lo, hi);
  else
    values_rows (t, format, 1, 8, lo, hi);
}

/* --- tiles --- */

static void
scores (const KnAttnTile *t, size_t n, size_t first, size_t end)
{
  KN_FOR_KV (kn_kv_keys (t->a->format), scores_tile, t, n, first, end);
}

static void
values (const KnAttnTile *t, size_t n, size_t lo, size_t hi)
{
  KN_FOR_KV (kn_kv_values (t->a->format), values_tile, t, n, lo, hi);
}

/* --- 8-bit numbers --- */

/* kn_amax. */
static float
amax (const float *x, size_t n)
{
  const __m256i magnitude = _mm256_set1_epi32 (0x7fffffff);
  __m256i top = _mm256_setzero_si256 ();
  for (size_t i = 0; i < n; i += 8)
    top = _mm256_max_epu32 (top, _mm256_and_si256 (_mm256_castps_si256 (_mm256_loadu_ps (x + i)),
                                                   magnitude));
  __m128i h = _mm_max_epu32 (_mm256_castsi256_si128 (top), _mm256_extracti128_si256 (top, 1));
  h = _mm_max_epu32 (h, _mm_shuffle_epi32 (h, 0x4e));
  h = _mm_max_epu32 (h, _mm_shuffle_epi32 (h, 0xb1));
  return kn_f32_from_bits ((uint32_t)_mm_cvtsi128_si32 (h));
}

/* kn_q8_group; the sum of the codes is added to *@sum. */
static float
quantize_group (const float *x, size_t n, int8_t *codes, float scale, int32_t *sum)
{
  if (!kn_q8_scale_ok (scale))
    return kn_q8_group (x, n, codes, scale);

  const __m256 by = _mm256_set1_ps (scale), upper = _mm256_set1_ps (KN_Q8_MAX),
               lower = _mm256_set1_ps (-KN_Q8_MAX);
  const __m256i order = _mm256_setr_epi32 (0, 4, 1, 5, 2, 6, 3, 7);
  __m256i all = _mm256_setzero_si256 ();
  for (size_t at = 0; at < n; at += 32)
    {
      __m256i c[4];
      for (size_t i = 0; i < 4; i++)
        {
          const __m256 v = _mm256_div_ps (_mm256_loadu_ps (x + at + 8 * i), by);
          c[i] = _mm256_cvtps_epi32 (_mm256_min_ps (_mm256_max_ps (v, lower), upper));
          all = _mm256_add_epi32 (all, c[i]);
        }
      /* Packing works within 128-bit halves; the permutation puts the groups of four back in
       * order. */
      const __m256i bytes
          = _mm256_packs_epi16 (_mm256_packs_epi32 (c[0], c[1]), _mm256_packs_epi32 (c[2], c[3]));
      _mm256_storeu_si256 ((__m256i *)(void *)(codes + at),
                           _mm256_permutevar8x32_epi32 (bytes, order));
    }
  __m128i h = _mm_add_epi32 (_mm256_castsi256_si128 (all), _mm256_extracti128_si256 (all, 1));
  h = _mm_add_epi32 (h, _mm_shuffle_epi32 (h, 0x4e));
  h = _mm_add_epi32 (h, _mm_shuffle_epi32 (h, 0xb1));
  *sum += _mm_cvtsi128_si32 (h);
  return scale;
}

static float
quantize_query_group (const float *x, size_t n, int8_t *codes, int32_t *sum)
{
  *sum = 0;
  return quantize_group (x, n, codes, kn_q_scale (amax (x, n)), sum);
}

static void
chunk_avx2 (const KnAttnChunk *a)
{
  static const KnAttnSteps steps = {
    .tile = TILE,
    .quantize_group = quantize_query_group,
    .scores = scores,
    .weights = weights,
    .round_weights = round_weights,
    .values = values,
  };
  kn_attn_by_tiles (a, &steps);
}

/* --- store --- */

static void
halves_from_row (const float *x, size_t n, uint16_t *y)
{
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128 ((__m128i *)(void *)(y + i),
                      _mm256_cvtps_ph (_mm256_loadu_ps (x + i), _MM_FROUND_TO_NEAREST_INT));
  for (; i < n; i++)
    y[i] = kn_f16_store (x[i]);
}

/* One position's coordinates are 16 places apart: converted together, stored one by one. */
static void
store_k_halves (uint16_t *panel, size_t head_dim, size_t row, const float *x)
{
  for (size_t d = 0; d < head_dim; d += 32)
    {
      const size_t n = head_dim - d < 32 ? head_dim - d : 32;
      uint16_t halves[32];
      halves_from_row (x + d, n, halves);
      for (size_t i = 0; i < n; i++)
        panel[(d + i) * 16 + row] = halves[i];
    }
}

static void
store_k_q8 (KnDtype format, uint8_t *panel, size_t head_dim, size_t row, const float *x)
{
  const size_t group = kn_kv_group (format, head_dim);
  uint16_t *scales = kn_k_scales (format, panel, head_dim);
  int8_t codes[KN_MAX_HEAD_DIM];
  int32_t sum = 0;

  for (size_t d = 0; d < head_dim; d += group)
    scales[d / group * 16 + row] = kn_f16_store (
        quantize_group (x + d, group, codes + d, kn_kv_scale (amax (x + d, group)), &sum));
  for (size_t i = 0; i < head_dim; i += 4)
    memcpy (panel + i * 16 + row * 4, codes + i, 4);
}

static void
store_k_avx2 (KnDtype format, void *k, size_t head_dim, size_t position, const float *x)
{
  format = kn_kv_keys (format);
  uint8_t *panel = (uint8_t *)kn_k_panel (format, k, head_dim, position);
  const size_t row = position % KN_PANEL_ROWS;

  if (format == KN_F32)
    for (size_t d = 0; d < head_dim; d++)
      ((float *)(void *)panel)[d * 16 + row] = x[d];
  else if (format == KN_F16)
    store_k_halves ((uint16_t *)(void *)panel, head_dim, row, x);
  else if (kn_kv_is_q4 (format))
    kn_store_k4 (format, k, head_dim, position, x);
  else
    store_k_q8 (format, panel, head_dim, row, x);
}

static void
store_v_avx2 (KnDtype format, void *v, size_t head_dim, size_t position, const float *x)
{
  format = kn_kv_values (format);
  if (format == KN_F32)
    memcpy ((float *)v + position * head_dim, x, head_dim * sizeof (float));
  else if (format == KN_F16)
    halves_from_row (x, head_dim, (uint16_t *)v + position * head_dim);
  else if (kn_kv_is_q4 (format))
    kn_store_v4 (format, v, head_dim, position, x);
  else
    {
      const size_t group = kn_kv_group (format, head_dim);
      int8_t *codes = (int8_t *)kn_v_codes (format, v, head_dim, position);
      uint16_t *scales = kn_v_scales (format, v, head_dim, position);
      int32_t sum = 0;
      for (size_t d = 0; d < head_dim; d += group)
        scales[d / group] = kn_f16_store (
            quantize_group (x + d, group, codes + d, kn_kv_scale (amax (x + d, group)), &sum));
    }
}

/* --- merge --- */

static void
merge_avx2 (float *m0, float *l0, float *o0, float m, float l, const float *o, size_t head_dim)
{
  const float top = kn_max1 (*m0, m);
  const float w0 = kn_merge_weight (*m0, top), w = kn_merge_weight (m, top);
  const __m256 v0 = _mm256_set1_ps (w0), v = _mm256_set1_ps (w);
  size_t d = 0;

  for (; d + 8 <= head_dim; d += 8)
    {
      const __m256 old = _mm256_mul_ps (_mm256_loadu_ps (o0 + d), v0);
      _mm256_storeu_ps (o0 + d, _mm256_fmadd_ps (_mm256_loadu_ps (o + d), v, old));
    }
  for (; d < head_dim; d++)
    o0[d] = fmaf (o[d], w, o0[d] * w0);
  *l0 = fmaf (l, w, *l0 * w0);
  *m0 = top;
}

static void
finish_avx2 (const float *o, float l, size_t head_dim, float *y)
{
  const __m256 divisor = _mm256_set1_ps (l);
  size_t d = 0;
  if (l == 0.0f)
    {
      memset (y, 0, head_dim * sizeof *y);
      return;
    }
  for (; d + 8 <= head_dim; d += 8)
    _mm256_storeu_ps (y + d, _mm256_div_ps (_mm256_loadu_ps (o + d), divisor));
  for (; d < head_dim; d++)
    y[d] = o[d] / l;
}

void
kn_attn_avx2 (KnAttnFamily *f)
{
  *f = (KnAttnFamily){
    .store_k = store_k_avx2,
    .store_v = store_v_avx2,
    .chunk = chunk_avx2,
    .merge = merge_avx2,
    .finish = finish_avx2,
  };
}
