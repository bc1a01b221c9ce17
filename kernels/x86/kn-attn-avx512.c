/* Attention over one KV head's cache with AVX-512 (kn-attn-spec.h has layout and arithmetic).
 *
 * Queries are taken in tiles of up to 8. For a tile, one load of 16 positions of a key coordinate,
 * or of 16 coordinates of a value, serves all its queries; that is what makes grouped heads cheap.
 * The functions marked INLINE are written once for any tile and become one loop per tile size, with
 * all accumulators in registers.
 *
 * Stores are inherited from AVX2. */
#ifndef __AVX512VNNI__
#error "this file needs -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni"
#endif

#include "kn-attn-tile.h"
#include "kn-table-private.h"
#include "x86/kn-math-avx512.h"

#define INLINE static inline __attribute__ ((always_inline))
#define TILE KN_ATTN_TILE
#define MAX_PANELS 8 /* of a chunk */

/* How far ahead keys and values are asked for: what comes in while memory answers. Line by line
 * between the arithmetic, because a burst of requests stops the core. A chunk's values lie behind
 * its keys, so the end of the keys asks for the first values. */
#define AHEAD_BYTES 8192

INLINE __m512
load_f32_or_f16 (KnDtype format, const void *base, size_t at)
{
  if (format == KN_F32)
    return _mm512_loadu_ps ((const float *)base + at);
  return _mm512_cvtph_ps (
      _mm256_loadu_si256 ((const __m256i *)(const void *)((const uint16_t *)base + at)));
}

/* --- scores --- */

/* @n queries of the tile, from query @i, against @np panels. */
INLINE void
scores_float (const KnAttnTile *t, KnDtype format, size_t n, size_t np, size_t i, size_t position)
{
  const size_t dim = t->a->head_dim, stride = t->a->q_stride;
  const size_t start = position / 16 * dim * 16, bytes = format == KN_F32 ? 4 : 2;
  const float *q = t->q + i * stride;
  float *s = t->scratch.scores + i * KN_ATTN_CHUNK + position % KN_ATTN_CHUNK;
  __m512 acc[TILE][MAX_PANELS], k[MAX_PANELS];

  for (size_t j = 0; j < n; j++)
    for (size_t p = 0; p < np; p++)
      acc[j][p] = _mm512_setzero_ps ();
  for (size_t d = 0; d < dim; d++)
    {
      for (size_t p = 0; p < np; p++)
        {
          const size_t at = start + p * dim * 16 + d * 16;
          k[p] = load_f32_or_f16 (format, t->a->k, at);
          kn_attn_prefetch (t, t->a->k, at * bytes + AHEAD_BYTES, 1);
        }
      for (size_t j = 0; j < n; j++)
        for (size_t p = 0; p < np; p++)
          acc[j][p] = _mm512_fmadd_ps (_mm512_set1_ps (q[j * stride + d]), k[p], acc[j][p]);
    }
  for (size_t j = 0; j < n; j++)
    for (size_t p = 0; p < np; p++)
      _mm512_storeu_ps (s + j * KN_ATTN_CHUNK + p * 16, acc[j][p]);
}

/* Codes of step @c of group @g, unsigned: Q8 gains 128 by the flip of a bit, Q4 has its 8 already.
 * A line of a Q4 panel holds steps c and c + 4. */
INLINE __m512i
key_step (KnDtype format, const uint8_t *k, size_t g, size_t c)
{
  if (!kn_kv_is_q4 (format))
    return _mm512_xor_si512 (_mm512_loadu_si512 (k + (g * 8 + c) * 64), _mm512_set1_epi8 (-128));
  const __m512i both = _mm512_loadu_si512 (k + (g * 4 + c % 4) * 64);
  return _mm512_and_si512 (c < 4 ? both : _mm512_srli_epi16 (both, 4), _mm512_set1_epi8 (15));
}

/* The sums start at what the offset of the codes adds, negated. */
INLINE void
scores_coded (const KnAttnTile *t, KnDtype format, size_t n, size_t np, size_t i, size_t position)
{
  const size_t dim = t->a->head_dim, n_blocks = dim / 32, n_scales = kn_kv_n_scales (format, dim);
  const size_t panel_bytes = kn_kv_panel_bytes (format, dim),
               codes_bytes = kn_kv_code_bytes (format, dim) * 16;
  const int per_head = kn_kv_is_per_head (format), zero = kn_kv_is_q4 (format) ? 8 : 128;
  const uint8_t *k = kn_k_panel (format, t->a->k, dim, position);
  const int8_t *q = t->scratch.q_codes + i * dim;
  const float *q_scales = t->scratch.q_scales + i * n_scales;
  const int32_t *q_sums = t->scratch.q_sums + i * n_scales;
  float *s = t->scratch.scores + i * KN_ATTN_CHUNK + position % KN_ATTN_CHUNK;
  __m512 acc[TILE][MAX_PANELS];
  __m512i dot[TILE][MAX_PANELS];

  for (size_t j = 0; j < n; j++)
    for (size_t p = 0; p < np; p++)
      {
        acc[j][p] = _mm512_setzero_ps ();
        dot[j][p] = _mm512_set1_epi32 (-zero * q_sums[j * n_scales]);
      }
  kn_attn_prefetch (t, k, np * panel_bytes, np * panel_bytes);
  for (size_t g = 0; g < n_blocks; g++)
    {
      if (!per_head)
        for (size_t j = 0; j < n; j++)
          for (size_t p = 0; p < np; p++)
            dot[j][p] = _mm512_set1_epi32 (-zero * q_sums[j * n_scales + g]);
#pragma GCC unroll 8
      for (size_t c = 0; c < 8; c++)
        for (size_t p = 0; p < np; p++)
          {
            const __m512i codes = key_step (format, k + p * panel_bytes, g, c);
            for (size_t j = 0; j < n; j++)
              {
                int32_t four;
                memcpy (&four, q + j * dim + g * 32 + c * 4, sizeof four);
                dot[j][p] = _mm512_dpbusd_epi32 (dot[j][p], codes, _mm512_set1_epi32 (four));
              }
          }
      if (per_head && g + 1 < n_blocks)
        continue;
      const size_t at = per_head ? 0 : g;
      for (size_t p = 0; p < np; p++)
        {
          const __m512 scale = load_f32_or_f16 (KN_F16, k + p * panel_bytes + codes_bytes, at * 16);
          for (size_t j = 0; j < n; j++)
            acc[j][p]
                = _mm512_fmadd_ps (_mm512_cvtepi32_ps (dot[j][p]),
                                   _mm512_mul_ps (_mm512_set1_ps (q_scales[j * n_scales + at]),
                                                  scale),
                                   acc[j][p]);
        }
    }
  for (size_t j = 0; j < n; j++)
    for (size_t p = 0; p < np; p++)
      _mm512_storeu_ps (s + j * KN_ATTN_CHUNK + p * 16, acc[j][p]);
}

/* Panels [first, end) in steps of @np, what is left one by one. */
INLINE void
scores_rows (const KnAttnTile *t, KnDtype format, size_t n, size_t np, size_t i, size_t first,
             size_t end)
{
  size_t p = first;
  for (; p + np * 16 <= end; p += np * 16)
    if (kn_kv_is_coded (format))
      scores_coded (t, format, n, np, i, p);
    else
      scores_float (t, format, n, np, i, p);
  for (; np > 1 && p < end; p += 16)
    if (kn_kv_is_coded (format))
      scores_coded (t, format, n, 1, i, p);
    else
      scores_float (t, format, n, 1, i, p);
}

/* @n queries from query @i in blocks that keep about 16 accumulators busy; a score of codes needs
 * two.
 */
INLINE void
scores_tile (const KnAttnTile *t, KnDtype format, size_t n, size_t first, size_t end)
{
  const int coded = kn_kv_is_coded (format);
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    scores_rows (t, format, 8, coded ? 1 : 2, i, first, end);
  for (; i + 4 <= n; i += 4)
    scores_rows (t, format, 4, coded ? 2 : 4, i, first, end);
  if (i + 3 == n)
    scores_rows (t, format, 3, coded ? 2 : 4, i, first, end);
  else if (i + 2 == n)
    scores_rows (t, format, 2, 4, i, first, end);
  else if (i + 1 == n)
    scores_rows (t, format, 1, coded ? 4 : 8, i, first, end);
}

/* --- softmax --- */

/* Turn the scores of one query, [lo, hi), into weights, 0 elsewhere in their panels. */
static void
weights (const KnAttnChunk *a, float *s, size_t lo, size_t hi, float *m, float *l)
{
  const size_t base = lo / KN_ATTN_CHUNK * KN_ATTN_CHUNK, first = lo / 16 * 16;
  const __m512 lowest = _mm512_set1_ps (-INFINITY);
  const __m512 cap = _mm512_set1_ps (a->softcap), inverse_cap = _mm512_set1_ps (1.0f / a->softcap);
  __m512 max = lowest, sum = _mm512_setzero_ps ();

  for (size_t p = first; p < hi; p += 16)
    {
      __mmask16 seen = 0xffff;
      if (p < lo)
        seen &= (__mmask16)(0xffffu << (lo - p));
      if (p + 16 > hi)
        seen &= kn_tail16 (hi - p);
      __m512 v = _mm512_loadu_ps (s + (p - base));
      if (a->softcap != 0.0f)
        v = _mm512_mul_ps (cap, kn_tanh16 (_mm512_mul_ps (v, inverse_cap)));
      v = _mm512_mask_blend_ps (seen, lowest, v);
      _mm512_storeu_ps (s + (p - base), v);
      max = _mm512_max_ps (v, max);
    }
  *m = _mm512_reduce_max_ps (max) + 0.0f;

  const __m512 shift = _mm512_set1_ps (kn_softmax_shift (*m));
  for (size_t p = first; p < hi; p += 16)
    {
      const __m512 e = kn_exp16 (_mm512_sub_ps (_mm512_loadu_ps (s + (p - base)), shift));
      _mm512_storeu_ps (s + (p - base), e);
      sum = _mm512_add_ps (sum, e);
    }
  *l = kn_sum16 (sum);
}

static void
round_weights (float *p, size_t n, float levels, float bias)
{
  const __m512 by = _mm512_set1_ps (levels), step = _mm512_set1_ps (1.0f / levels),
               more = _mm512_set1_ps (bias);
  for (size_t i = 0; i < n; i += 16)
    {
      const __mmask16 k = n - i < 16 ? kn_tail16 (n - i) : (__mmask16)0xffff;
      const __m512 v = _mm512_mul_ps (_mm512_maskz_loadu_ps (k, p + i), by);
      const __m512 code = _mm512_roundscale_ps (v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      _mm512_mask_storeu_ps (p + i, k, _mm512_fmadd_ps (code, step, more));
    }
}

/* --- weighted values --- */

INLINE __m512
load_values (const KnAttnChunk *a, KnDtype format, size_t position, size_t d)
{
  if (!kn_kv_is_coded (format))
    return load_f32_or_f16 (format, a->v, position * a->head_dim + d);
  const uint8_t *codes = kn_v_codes (format, a->v, a->head_dim, position);
  const size_t at = kn_kv_is_per_head (format) ? 0 : d / 32;
  const __m128i half = _mm_cvtsi32_si128 (kn_v_scales (format, a->v, a->head_dim, position)[at]);
  __m512i wide;
  if (kn_kv_is_q4 (format))
    {
      const __m128i both = _mm_loadu_si128 ((const __m128i *)(const void *)(codes + d / 32 * 16));
      const __m128i moved = d % 32 < 16 ? both : _mm_srli_epi16 (both, 4);
      wide = _mm512_sub_epi32 (_mm512_cvtepu8_epi32 (_mm_and_si128 (moved, _mm_set1_epi8 (15))),
                               _mm512_set1_epi32 (8));
    }
  else
    wide = _mm512_cvtepi8_epi32 (_mm_loadu_si128 ((const __m128i *)(const void *)(codes + d)));
  return _mm512_mul_ps (_mm512_cvtepi32_ps (wide), _mm512_broadcastss_ps (_mm_cvtph_ps (half)));
}

/* @nd registers of a value's coordinates from @d. Of Q4, a pair at a time, of which @d begins one:
 * the bytes are widened once, and the table's index looks at their low halves only. */
INLINE void
load_values_row (const KnAttnChunk *a, KnDtype format, size_t nd, size_t position, size_t d,
                 __m512 v[])
{
  if (!kn_kv_is_q4 (format) || nd % 2 != 0)
    {
      for (size_t e = 0; e < nd; e++)
        v[e] = load_values (a, format, position, d + e * 16);
      return;
    }
  const __m512 numbers = _mm512_setr_ps (-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
  const uint8_t *codes = kn_v_codes (format, a->v, a->head_dim, position) + d / 2;
  const uint16_t *scales = kn_v_scales (format, a->v, a->head_dim, position);
  for (size_t e = 0; e < nd; e += 2)
    {
      const size_t at = kn_kv_is_per_head (format) ? 0 : d / 32 + e / 2;
      const __m512 scale = _mm512_broadcastss_ps (_mm_cvtph_ps (_mm_cvtsi32_si128 (scales[at])));
      const __m512i both = _mm512_cvtepu8_epi32 (
          _mm_loadu_si128 ((const __m128i *)(const void *)(codes + e / 2 * 16)));
      v[e] = _mm512_mul_ps (_mm512_permutexvar_ps (both, numbers), scale);
      v[e + 1]
          = _mm512_mul_ps (_mm512_permutexvar_ps (_mm512_srli_epi32 (both, 4), numbers), scale);
    }
}

/* The last head_dim % 16 coordinates; Q8 and Q4 have none. */
INLINE __m512
load_values_tail (const KnAttnChunk *a, KnDtype format, size_t position, size_t d, __mmask16 k)
{
  const size_t at = position * a->head_dim + d;
  if (format == KN_F32)
    return _mm512_maskz_loadu_ps (k, (const float *)a->v + at);
  return _mm512_cvtph_ps (_mm256_maskz_loadu_epi16 (k, (const uint16_t *)a->v + at));
}

/* o += p v for @n queries from query @i, @nd registers of coordinates from @d, positions [lo, hi).
 */
INLINE void
add_values (const KnAttnTile *t, KnDtype format, size_t n, size_t nd, size_t i, size_t d, size_t lo,
            size_t hi)
{
  const size_t dim = t->a->head_dim;
  const float *p = t->scratch.scores + i * KN_ATTN_CHUNK;
  float *o = t->o + i * dim + d;
  __m512 acc[TILE][4], v[4];

  for (size_t j = 0; j < n; j++)
    for (size_t e = 0; e < nd; e++)
      acc[j][e] = _mm512_loadu_ps (o + j * dim + e * 16);
  for (size_t position = lo; position < hi; position++)
    {
      load_values_row (t->a, format, nd, position, d, v);
      if (d == 0)
        kn_attn_prefetch_values (t, format, position + AHEAD_BYTES / 128);
      for (size_t j = 0; j < n; j++)
        for (size_t e = 0; e < nd; e++)
          acc[j][e]
              = _mm512_fmadd_ps (_mm512_set1_ps (p[j * KN_ATTN_CHUNK + position % KN_ATTN_CHUNK]),
                                 v[e], acc[j][e]);
    }
  for (size_t j = 0; j < n; j++)
    for (size_t e = 0; e < nd; e++)
      _mm512_storeu_ps (o + j * dim + e * 16, acc[j][e]);
}

static void
add_values_tail (const KnAttnTile *t, KnDtype format, size_t i, size_t d, size_t lo, size_t hi)
{
  const size_t dim = t->a->head_dim;
  const __mmask16 k = kn_tail16 (dim - d);
  const float *p = t->scratch.scores + i * KN_ATTN_CHUNK;
  __m512 acc = _mm512_maskz_loadu_ps (k, t->o + i * dim + d);
  for (size_t position = lo; position < hi; position++)
    acc = _mm512_fmadd_ps (_mm512_set1_ps (p[position % KN_ATTN_CHUNK]),
                           load_values_tail (t->a, format, position, d, k), acc);
  _mm512_mask_storeu_ps (t->o + i * dim + d, k, acc);
}

/* All coordinates for @n queries, @nd registers at a time. */
INLINE void
values_rows (const KnAttnTile *t, KnDtype format, size_t n, size_t nd, size_t i, size_t lo,
             size_t hi)
{
  const size_t dim = t->a->head_dim;
  size_t d = 0;
  for (; d + nd * 16 <= dim; d += nd * 16)
    add_values (t, format, n, nd, i, d, lo, hi);
  for (; nd > 1 && d + 16 <= dim; d += 16)
    add_values (t, format, n, 1, i, d, lo, hi);
  for (size_t j = 0; d < dim && j < n; j++)
    add_values_tail (t, format, i + j, d, lo, hi);
}

INLINE void
values_tile (const KnAttnTile *t, KnDtype format, size_t n, size_t lo, size_t hi)
{
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    values_rows (t, format, 8, 2, i, lo, hi);
  for (; i + 4 <= n; i += 4)
    values_rows (t, format, 4, 4, i, lo, hi);
  if (i + 3 == n)
    values_rows (t, format, 3, 4, i, lo, hi);
  else if (i + 2 == n)
    values_rows (t, format, 2, 4, i, lo, hi);
  else if (i + 1 == n)
    values_rows (t, format, 1, 4, i, lo, hi);
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

/* kn_amax. */
static float
amax (const float *x, size_t n)
{
  const __m512i magnitude = _mm512_set1_epi32 (0x7fffffff);
  __m512i top = _mm512_setzero_si512 ();
  for (size_t i = 0; i < n; i += 16)
    top = _mm512_max_epu32 (top, _mm512_and_si512 (_mm512_castps_si512 (_mm512_loadu_ps (x + i)),
                                                   magnitude));
  return kn_f32_from_bits (_mm512_reduce_max_epu32 (top));
}

/* kn_q8_group; also the sum of the codes. */
static float
quantize_group (const float *x, size_t n, int8_t *codes, int32_t *sum)
{
  const float scale = kn_q_scale (amax (x, n));
  if (!kn_q8_scale_ok (scale))
    {
      *sum = 0;
      return kn_q8_group (x, n, codes, scale);
    }

  const __m512 by = _mm512_set1_ps (scale), limit = _mm512_set1_ps (KN_Q8_MAX),
               lower = _mm512_set1_ps (-KN_Q8_MAX);
  __m512i all = _mm512_setzero_si512 ();
  for (size_t i = 0; i < n; i += 16)
    {
      const __m512 v = _mm512_div_ps (_mm512_loadu_ps (x + i), by);
      const __m512i c = _mm512_cvtps_epi32 (_mm512_min_ps (_mm512_max_ps (v, lower), limit));
      _mm_storeu_si128 ((__m128i *)(void *)(codes + i), _mm512_cvtepi32_epi8 (c));
      all = _mm512_add_epi32 (all, c);
    }
  *sum = _mm512_reduce_add_epi32 (all);
  return scale;
}

static void
chunk_avx512 (const KnAttnChunk *a)
{
  static const KnAttnSteps steps = {
    .tile = TILE,
    .quantize_group = quantize_group,
    .scores = scores,
    .weights = weights,
    .round_weights = round_weights,
    .values = values,
  };
  kn_attn_by_tiles (a, &steps);
}

/* --- merge --- */

static void
merge_avx512 (float *m0, float *l0, float *o0, float m, float l, const float *o, size_t head_dim)
{
  const float top = kn_max1 (*m0, m);
  const float w0 = kn_merge_weight (*m0, top), w = kn_merge_weight (m, top);
  const __m512 v0 = _mm512_set1_ps (w0), v = _mm512_set1_ps (w);

  for (size_t d = 0; d < head_dim; d += 16)
    {
      const __mmask16 k = head_dim - d < 16 ? kn_tail16 (head_dim - d) : (__mmask16)0xffff;
      const __m512 old = _mm512_mul_ps (_mm512_maskz_loadu_ps (k, o0 + d), v0);
      _mm512_mask_storeu_ps (o0 + d, k, _mm512_fmadd_ps (_mm512_maskz_loadu_ps (k, o + d), v, old));
    }
  *l0 = fmaf (l, w, *l0 * w0);
  *m0 = top;
}

static void
finish_avx512 (const float *o, float l, size_t head_dim, float *y)
{
  const __m512 divisor = _mm512_set1_ps (l);
  const __mmask16 some = l == 0.0f ? 0 : 0xffff;
  for (size_t d = 0; d < head_dim; d += 16)
    {
      const __mmask16 k = head_dim - d < 16 ? kn_tail16 (head_dim - d) : (__mmask16)0xffff;
      _mm512_mask_storeu_ps (y + d, k,
                             _mm512_maskz_div_ps (some, _mm512_maskz_loadu_ps (k, o + d), divisor));
    }
}

void
kn_attn_avx512 (KnAttnFamily *f)
{
  f->chunk = chunk_avx512;
  f->merge = merge_avx512;
  f->finish = finish_avx512;
}
