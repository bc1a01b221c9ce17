/* Checks and benchmarks of the attn family.
 *
 * The oracle reads the cache by the layout that kn-attn-spec.h documents and computes in double
 * precision. The bound follows the errors through: a score is off by e (Higham's gamma for its
 * sum), so its exponential by a factor of about 1 + e + u |s - m| + 4 u; the weighted and the plain
 * sum add their own gamma. */
#include "kn-check.h"

#include "kn-f16-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define U 0x1p-24
#define MAX_DIM 256
#define MAX_QUERIES 33

/* One shape of work. */
typedef struct
{
  KnDtype format;
  size_t head_dim, first, last, n_queries;
  float softcap;
  int mask; /* 0: all visible, 1: causal, the last positions one by one, 2: random windows, some
               empty */
  KcKind kind;
  float q_scale;
  float levels; /* of the weights, 0: exact */
} Shape;

typedef struct
{
  void *k, *v;
  float *q;
  size_t q_stride;
  float *bias;                         /* NULL: none */
  uint32_t *n_visible, *first_visible; /* NULL when not masked */
  float *m, *l, *o;
  void *scratch;
} Work;

static void
context (const Shape *s)
{
  char name[KN_KV_NAME_BYTES];
  kc_context ("%s cache, head_dim %zu, positions %zu..%zu, %zu queries, softcap %g, mask %d, %s "
              "numbers x %g, %g levels",
              kn_kv_name (s->format, name), s->head_dim, s->first, s->last, s->n_queries,
              (double)s->softcap, s->mask, kc_kind_name (s->kind), (double)s->q_scale,
              (double)s->levels);
}

/* --- reading the cache, by its documented layout --- */

static float
half_at (const void *base, size_t byte)
{
  uint16_t h;
  memcpy (&h, (const uint8_t *)base + byte, sizeof h);
  return kn_f16_load (h);
}

static float
float_at (const void *base, size_t byte)
{
  float f;
  memcpy (&f, (const uint8_t *)base + byte, sizeof f);
  return f;
}

/* Bits of a code, and coordinates that share a scale; 0 bits: plain floats. */
typedef struct
{
  size_t bits, group;
} Coding;

static Coding
coding (KnDtype format, size_t dim)
{
  if (format == KN_F32 || format == KN_F16)
    return (Coding){ 0, 1 };
  return (Coding){ format == KN_Q8_0 || format == KN_KV_Q8_HEAD ? 8 : 4,
                   format == KN_Q8_0 || format == KN_Q4_0 ? 32 : dim };
}

/* The half of byte @at that holds coordinate @d. */
static double
nibble (const uint8_t *at, size_t d)
{
  return (double)((d % 32 < 16 ? *at % 16 : *at / 16) - 8);
}

static double
key_at (const Shape *s, const void *k, size_t position, size_t d)
{
  const KnDtype format = kn_kv_keys (s->format);
  const size_t panel = position / 16, row = position % 16, dim = s->head_dim;
  const Coding c = coding (format, dim);
  if (format == KN_F32)
    return (double)float_at (k, (panel * dim * 16 + d * 16 + row) * 4);
  if (format == KN_F16)
    return (double)half_at (k, (panel * dim * 16 + d * 16 + row) * 2);
  const size_t code_bytes = dim * 2 * c.bits;
  const uint8_t *start = (const uint8_t *)k + panel * (code_bytes + dim / c.group * 32);
  const double scale = (double)half_at (start, code_bytes + (d / c.group * 16 + row) * 2);
  if (c.bits == 8)
    return (double)(int8_t)start[d / 4 * 64 + row * 4 + d % 4] * scale;
  return nibble (start + d / 32 * 256 + d % 16 / 4 * 64 + row * 4 + d % 4, d) * scale;
}

static double
value_at (const Shape *s, const void *v, size_t position, size_t d)
{
  const KnDtype format = kn_kv_values (s->format);
  const size_t panel = position / 16, row = position % 16, dim = s->head_dim;
  const Coding c = coding (format, dim);
  if (format == KN_F32)
    return (double)float_at (v, (position * dim + d) * 4);
  if (format == KN_F16)
    return (double)half_at (v, (position * dim + d) * 2);
  const size_t code_bytes = dim * 2 * c.bits, n_scales = dim / c.group;
  const uint8_t *start = (const uint8_t *)v + panel * (code_bytes + n_scales * 32);
  const double scale = (double)half_at (start, code_bytes + (row * n_scales + d / c.group) * 2);
  if (c.bits == 8)
    return (double)(int8_t)start[row * dim + d] * scale;
  return nibble (start + row * dim / 2 + d / 32 * 16 + d % 16, d) * scale;
}

/* --- making work --- */

static void
fill_masks (const Shape *s, Work *w)
{
  const uint32_t first = (uint32_t)s->first, last = (uint32_t)s->last, length = last - first;
  for (size_t i = 0; s->mask && i < s->n_queries; i++)
    if (s->mask == 1)
      {
        const uint32_t hidden
            = (uint32_t)(s->n_queries - 1 - i) / 2; /* two heads of a token see the same */
        w->n_visible[i] = last - (hidden < length ? hidden : length);
        w->first_visible[i] = 0;
      }
    else
      {
        w->first_visible[i] = first + kc_random_below (length + 1);
        w->n_visible[i]
            = kc_random_below (4) ? first + kc_random_below (length + 8) : w->first_visible[i];
      }
}

/* The cache holds what was stored; every other byte of it is 0xff: NaN, or a scale that is. */
static Work
make_work (const Shape *s, const KnTable *store)
{
  Work w = { 0 };
  float x[MAX_DIM];
  w.k = kc_input (kn_k_bytes (s->format, s->head_dim, s->last), 64);
  w.v = kc_input (kn_v_bytes (s->format, s->head_dim, s->last), 64);
  for (size_t t = s->first; t < s->last; t++)
    {
      kc_fill (x, s->head_dim, s->kind == KC_SPECIAL ? KC_NORMAL : s->kind);
      store->attn.store_k (s->format, w.k, s->head_dim, t, x);
      kc_fill (x, s->head_dim, s->kind == KC_SPECIAL ? KC_NORMAL : s->kind);
      store->attn.store_v (s->format, w.v, s->head_dim, t, x);
    }

  w.q_stride = s->head_dim + kc_random_below (5);
  w.q = kc_input (((s->n_queries - 1) * w.q_stride + s->head_dim) * sizeof *w.q, 4);
  for (size_t i = 0; i < s->n_queries; i++)
    for (size_t d = 0; d < s->head_dim; d++)
      w.q[i * w.q_stride + d] = kc_random_float (s->kind) * s->q_scale / sqrtf ((float)s->head_dim);
  if (s->levels > 0 && kc_random_below (3))
    {
      w.bias = kc_input (s->n_queries * sizeof *w.bias, 4);
      for (size_t i = 0; i < s->n_queries; i++)
        w.bias[i] = kc_random_float (KC_UNIFORM) * 1e-3f;
    }
  if (s->mask)
    {
      w.n_visible = kc_input (s->n_queries * sizeof *w.n_visible, 4);
      w.first_visible = kc_input (s->n_queries * sizeof *w.first_visible, 4);
      fill_masks (s, &w);
    }
  return w;
}

static void
make_outputs (const Shape *s, Work *w)
{
  w->m = kc_output (s->n_queries * sizeof *w->m, 4);
  w->l = kc_output (s->n_queries * sizeof *w->l, 4);
  w->o = kc_output (s->n_queries * s->head_dim * sizeof *w->o, 4);
  w->scratch = kc_output (kn_attn_scratch_bytes (s->n_queries, s->head_dim), KN_ALIGN);
}

static KnAttnChunk
chunk_args (const Shape *s, const Work *w)
{
  return (KnAttnChunk){ .format = s->format,
                        .head_dim = s->head_dim,
                        .k = w->k,
                        .v = w->v,
                        .first = s->first,
                        .last = s->last,
                        .n_queries = s->n_queries,
                        .q = w->q,
                        .q_stride = w->q_stride,
                        .n_visible = w->n_visible,
                        .first_visible = w->first_visible,
                        .softcap = s->softcap,
                        .levels = s->levels,
                        .bias = w->bias,
                        .m = w->m,
                        .l = w->l,
                        .o = w->o,
                        .scratch = w->scratch };
}

/* --- the oracle --- */

/* The query as the kernel sees it: for keys in codes its 8-bit form. */
static void
effective_query (const Shape *s, const float *q, double *out)
{
  for (size_t d = 0; d < s->head_dim; d++)
    out[d] = (double)q[d];
  const Coding c = coding (kn_kv_keys (s->format), s->head_dim);
  for (size_t g = 0; c.bits != 0 && g < s->head_dim; g += c.group)
    {
      float amax = 0;
      for (size_t d = g; d < g + c.group; d++)
        amax = fmaxf (amax, fabsf (q[d]));
      const float scale = amax / 127.0f;
      for (size_t d = g; d < g + c.group; d++)
        out[d] = scale > 0 ? nearbyint ((double)(q[d] / scale)) * (double)scale : 0;
    }
}

typedef struct
{
  double score, error;
} Score;

static Score
exact_score (const Shape *s, const Work *w, const double *q, size_t position)
{
  double sum = 0, magnitude = 0;
  for (size_t d = 0; d < s->head_dim; d++)
    {
      const double product = q[d] * key_at (s, w->k, position, d);
      sum += product;
      magnitude += fabs (product);
    }
  double error = kc_gamma ((double)s->head_dim + 3) * magnitude + 0x1p-140;
  if (s->softcap > 0)
    {
      const double cap = (double)s->softcap, z = sum / cap;
      sum = cap * tanh (z);
      error
          += 12 * U
             * (fabs (z) + fabs (sum)); /* 1/cap, product, tanh, product: a handful of roundings */
    }
  return (Score){ sum, error };
}

static void
check_query (const KnTable *c, const Shape *s, const Work *w, size_t i)
{
  static Score scores[KN_ATTN_CHUNK];
  double q[MAX_DIM], l = 0, l_error = 0, m = -INFINITY, m_error = 0;
  float y[MAX_DIM];
  size_t lo = s->first, hi = s->last, n = 0;

  if (s->mask && w->first_visible[i] > lo)
    lo = w->first_visible[i];
  if (s->mask && w->n_visible[i] < hi)
    hi = w->n_visible[i];
  effective_query (s, w->q + i * w->q_stride, q);
  for (size_t t = lo; t < hi; t++)
    {
      scores[n] = exact_score (s, w, q, t);
      m = scores[n].score > m ? scores[n].score : m;
      m_error = scores[n].error > m_error ? scores[n].error : m_error;
      n++;
    }
  kc_near ("m", i, w->m[i], m, n ? m_error : 0);
  c->attn.finish (w->o + i * s->head_dim, w->l[i], s->head_dim, y);
  if (n == 0)
    kc_near ("l", i, w->l[i], 0, 0);

  for (size_t j = 0; j < n; j++)
    {
      const double p = exp (scores[j].score - m);
      l += p;
      l_error += p
                 * (scores[j].error + U * (fabs (scores[j].score - m) + 4)
                    + kc_gamma ((double)n / 16 + 6));
    }
  for (size_t d = 0; d < s->head_dim; d++)
    {
      double sum = 0, error = 0;
      for (size_t j = 0; j < n; j++)
        {
          const double exact = exp (scores[j].score - m), v = value_at (s, w->v, lo + j, d);
          const double off = scores[j].error + U * (fabs (scores[j].score - m) + 4);
          double p = exact, step = 0;
          if (s->levels > 0)
            {
              const double steps = exact * (double)s->levels,
                           apart = fabs (steps - floor (steps) - 0.5);
              /* What lies as near to a tie as the weight is uncertain may have gone to the other
               * side. */
              if (apart < steps * (off + 4 * U) + 1e-12)
                step = 1 / (double)s->levels;
              p = nearbyint (steps) / (double)s->levels + (w->bias ? (double)w->bias[i] : 0);
            }
          sum += p * v;
          error += (fabs (p) * (4 * U + kc_gamma ((double)n + 1)) + step
                    + (s->levels > 0 ? 0 : exact * off))
                   * fabs (v);
        }
      const double want = n ? sum / l : 0;
      kc_near ("y", i * s->head_dim + d, y[d], want,
               n ? 1.02 * (error + fabs (want) * (l_error + 2 * U * l)) / l + 0x1p-140 : 0);
    }
}

/* --- chunk --- */

/* Every query once more on its own, with no position after its last visible one in the call. */
static void
check_alone (const KnTable *v, const Shape *s, const Work *w)
{
  for (size_t i = 0; i < s->n_queries; i++)
    {
      Shape one = *s;
      Work own = *w;
      one.n_queries = 1;
      if (s->mask)
        {
          if (w->n_visible[i] <= s->first)
            continue;
          one.last = w->n_visible[i] < s->last ? w->n_visible[i] : s->last;
          own.n_visible = NULL;
          own.first_visible = w->first_visible + i;
        }
      own.bias = w->bias ? w->bias + i : NULL;
      own.q = w->q + i * w->q_stride;
      own.q_stride = s->head_dim;
      own.scratch = w->scratch;
      float m, l, o[MAX_DIM];
      own.m = &m;
      own.l = &l;
      own.o = o;
      const KnAttnChunk args = chunk_args (&one, &own);
      v->attn.chunk (&args);
      kc_same ("m of a query alone, against the batch", &m, w->m + i, 1);
      kc_same ("l of a query alone, against the batch", &l, w->l + i, 1);
      kc_same ("o of a query alone, against the batch", o, w->o + i * s->head_dim, s->head_dim);
    }
}

static void
check_shape (const KnTable *c, const KnTable *v, const Shape *s)
{
  context (s);
  Work w = make_work (s, c);
  make_outputs (s, &w);
  const KnAttnChunk args = chunk_args (s, &w);
  v->attn.chunk (&args);
  kc_guards ("chunk");

  if (v != c)
    {
      Work want = w;
      make_outputs (s, &want);
      const KnAttnChunk want_args = chunk_args (s, &want);
      c->attn.chunk (&want_args);
      kc_same ("m", w.m, want.m, s->n_queries);
      kc_same ("l", w.l, want.l, s->n_queries);
      kc_same ("o", w.o, want.o, s->n_queries * s->head_dim);
    }
  else if (s->kind != KC_SPECIAL && s->kind != KC_ANY)
    for (size_t i = 0; i < s->n_queries; i++)
      check_query (c, s, &w, i);
  check_alone (v, s, &w);
  kc_release ();
}

static void
check_chunk (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t dims[] = { 2, 16, 18, 32, 40, 64, 80, 96, 128, 256 };
  static const size_t queries[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33 };
  static const size_t ranges[][2]
      = { { 0, 1 },     { 0, 15 },  { 0, 16 },    { 0, 17 }, { 128, 256 },
          { 256, 300 }, { 5, 100 }, { 127, 128 }, { 0, 128 } };
  static const KcKind kinds[]
      = { KC_NORMAL, KC_NORMAL, KC_UNIFORM, KC_CONSTANT, KC_DENORMAL, KC_ZERO, KC_SPECIAL };
  static const float q_scales[] = { 1.0f, 1.0f, 30.0f, 1e-3f, 3000.0f };
  static const float levels[] = { 0, 255, 0, 15 };
  const KnDtype format = *(const KnDtype *)data;
  int n = 0;

  for (size_t d = 0; d < sizeof dims / sizeof *dims; d++)
    for (size_t q = 0; q < sizeof queries / sizeof *queries; q++)
      for (int mask = 0; mask < 3; mask++)
        {
          const size_t *range = ranges[n % 9];
          const Shape s = { .format = format,
                            .head_dim = dims[d],
                            .first = range[0],
                            .last = range[1],
                            .n_queries = queries[q],
                            .softcap = n % 5 == 3 ? 20.0f : 0.0f,
                            .mask = mask,
                            .kind = kinds[n % 7],
                            .q_scale = q_scales[n % 5],
                            .levels = levels[n % 4] };
          n++;
          if (kn_kv_format_ok (format, s.head_dim))
            check_shape (c, v, &s);
        }
}

/* --- store, merge, finish --- */

/* What is read back: exact for F32, rounded once for F16, within half a step for Q8; for Q4 within
 * half a step, or a whole one at the end that has one code less. */
static void
check_stored (const Shape *s, const void *cache, int is_key, size_t position, const float *x)
{
  const KnDtype format = is_key ? kn_kv_keys (s->format) : kn_kv_values (s->format);
  const Coding c = coding (format, s->head_dim);
  float loaded[MAX_DIM];

  (is_key ? kn_load_k : kn_load_v) (s->format, cache, s->head_dim, position, loaded);
  for (size_t d = 0; d < s->head_dim; d++)
    {
      const double got = is_key ? key_at (s, cache, position, d) : value_at (s, cache, position, d);
      double bound = 0, want = (double)x[d];
      if (format == KN_F16)
        want = (double)kn_f16_load (kn_f16_store (x[d]));
      if (c.bits != 0)
        {
          float low = 0, high = 0;
          for (size_t i = d / c.group * c.group; i < (d / c.group + 1) * c.group; i++)
            {
              low = fminf (low, x[i]);
              high = fmaxf (high, x[i]);
            }
          const double amax = (double)fmaxf (-low, high);
          const double step = c.bits == 8 ? amax / 127 : amax / 8;
          if (step >= 65520) /* no half precision number: shows as NaN */
            {
              kc_near ("NaN of what is too large", d, isnan (got) ? 1 : 0, 1, 0);
              continue;
            }
          /* Of two that are the largest the positive one has the end with all codes. */
          const int far_end = c.bits == 4 && ((double)high >= amax ? x[d] < 0 : x[d] > 0);
          /* What the rounding of the step to half precision can cut off at the end comes on top. */
          bound = step * (far_end ? 1 : 0.5) * (1 + 0x1p-10) + amax * 0x1p-11 + 0x1p-18;
        }
      kc_near (is_key ? "key read back" : "value read back", d, (float)got, want, bound);
      kc_near ("kn_load", d, loaded[d], got, 0);
    }
}

static void
check_store (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t dims[] = { 2, 18, 32, 64, 80, 128 };
  static const KnDtype formats[]
      = { KN_F32, KN_F16, KN_Q8_0, KN_Q4_0, KN_KV_Q8_HEAD, KN_KV_Q4_HEAD };
  float x[MAX_DIM];

  for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
    for (size_t k = 0; k < sizeof dims / sizeof *dims; k++)
      for (int kind = 0; kind < KC_N_KINDS; kind++)
        {
          const Shape s = { .format = formats[f],
                            .head_dim = dims[k],
                            .last = 48,
                            .n_queries = 1,
                            .kind = (KcKind)kind };
          const size_t bytes = kn_k_bytes (s.format, s.head_dim, s.last);
          if (bytes == 0)
            continue;
          context (&s);
          for (int is_key = 0; is_key < 2; is_key++)
            {
              uint8_t *got = kc_output (bytes, 64), *want = kc_output (bytes, 64);
              memset (got, 0x5a, bytes);
              memset (want, 0x5a, bytes);
              for (size_t t = 1; t < 48; t += 3)
                {
                  kc_fill (x, s.head_dim, s.kind);
                  (is_key ? v->attn.store_k : v->attn.store_v) (s.format, got, s.head_dim, t, x);
                  (is_key ? c->attn.store_k : c->attn.store_v) (s.format, want, s.head_dim, t, x);
                  if (v == c && kind != KC_ANY && kind != KC_SPECIAL)
                    check_stored (&s, got, is_key, t, x);
                }
              if (s.format == KN_F16 && s.kind == KC_SPECIAL) /* any NaN for any other */
                kc_same_half ("cache", (const uint16_t *)(const void *)got,
                              (const uint16_t *)(const void *)want, bytes / 2);
              else
                kc_same_bytes ("cache", got, want, bytes);
              kc_guards ("store");
              kc_release ();
            }
        }
}

static void
check_merge_row (const KnTable *c, const KnTable *v, size_t n, KcKind kind, float m0, float m)
{
  float *o = kc_input (n * 4, 4), *o0 = kc_output (n * 4, 4), *want = kc_output (n * 4, 4);
  float l0 = kc_random_float (KC_UNIFORM) + 2, l = kc_random_float (KC_UNIFORM) + 2;
  kc_context ("n = %zu, %s numbers, maxima %g and %g", n, kc_kind_name (kind), (double)m0,
              (double)m);
  kc_fill (o, n, m == -INFINITY ? KC_ZERO : kind);
  kc_fill (o0, n, m0 == -INFINITY ? KC_ZERO : kind);
  l0 = m0 == -INFINITY ? 0 : l0;
  l = m == -INFINITY ? 0 : l;
  if (n)
    memcpy (want, o0, n * 4);

  const double top = (double)fmaxf (m0, m), w0 = m0 == -INFINITY ? 0 : exp ((double)m0 - top),
               w = m == -INFINITY ? 0 : exp ((double)m - top);
  float got_m = m0, got_l = l0, want_m = m0, want_l = l0;
  v->attn.merge (&got_m, &got_l, o0, m, l, o, n);
  if (v == c && kind == KC_NORMAL)
    {
      const double apart = isinf (m) || isinf (m0) ? 0 : fabs ((double)m0 - (double)m);
      const double error = U * (6 + apart);
      kc_near ("l", 0, got_l, (double)l0 * w0 + (double)l * w,
               error * ((double)l0 * w0 + (double)l * w) + 0x1p-140);
      for (size_t i = 0; i < n; i++)
        kc_near ("o", i, o0[i], (double)want[i] * w0 + (double)o[i] * w,
                 error * (fabs ((double)want[i] * w0) + fabs ((double)o[i] * w)) + 0x1p-140);
    }
  c->attn.merge (&want_m, &want_l, want, m, l, o, n);
  kc_same ("m", &got_m, &want_m, 1);
  kc_same ("l", &got_l, &want_l, 1);
  kc_same ("o", o0, want, n);

  v->attn.finish (o0, got_l, n, o0);
  c->attn.finish (want, want_l, n, want);
  kc_same ("y", o0, want, n);
  if (got_l == 0.0f)
    for (size_t i = 0; i < n; i++)
      kc_near ("y of nothing", i, o0[i], 0, 0);
  kc_guards ("merge");
  kc_release ();
}

static void
check_merge (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t dims[] = { 0, 2, 16, 18, 32, 40, 64, 80, 128 };
  static const float maxima[] = { -INFINITY, -90.0f, -1.5f, 0.0f, 0.25f, 30.0f, 500.0f };
  for (size_t k = 0; k < sizeof dims / sizeof *dims; k++)
    for (size_t i = 0; i < 7; i++)
      for (size_t j = 0; j < 7; j++)
        for (int kind = 0; kind < KC_N_KINDS; kind++)
          check_merge_row (c, v, dims[k], (KcKind)kind, maxima[i], maxima[j]);
}

/* --- benchmarks --- */

/* One token of a model of 22 layers, 32 heads on 4 KV heads, head_dim 64, after 1024 tokens: each
 * layer has a cache of its own, so the whole (23 MB in F16) does not fit the second level cache. */
enum
{
  N_LAYERS = 22,
  N_KV = 4,
  GROUP = 8,
  DIM = 64,
  CONTEXT = 1024
};

typedef struct
{
  const KnAttnFamily *f;
  KnDtype format;
  uint8_t *k, *v;
  size_t k_bytes, v_bytes; /* of one KV head */
  float *q, *m, *l, *o, *o0;
  void *scratch;
  size_t n_tokens;
} Bench;

static void
run_decode (void *arg)
{
  const Bench *b = arg;
  KnAttnChunk a
      = { .format = b->format, .head_dim = DIM, .n_queries = GROUP, .q = b->q, .q_stride = DIM };
  a.m = b->m;
  a.l = b->l;
  a.o = b->o;
  a.scratch = b->scratch;
  for (size_t head = 0; head < N_LAYERS * N_KV; head++)
    {
      float m0[GROUP], l0[GROUP] = { 0 };
      memset (b->o0, 0, GROUP * DIM * sizeof *b->o0);
      for (size_t i = 0; i < GROUP; i++)
        m0[i] = -INFINITY;
      a.k = b->k + head * b->k_bytes;
      a.v = b->v + head * b->v_bytes;
      for (a.first = 0; a.first < CONTEXT; a.first += KN_ATTN_CHUNK)
        {
          a.last = a.first + KN_ATTN_CHUNK;
          b->f->chunk (&a);
          for (size_t i = 0; i < GROUP; i++)
            b->f->merge (&m0[i], &l0[i], b->o0 + i * DIM, b->m[i], b->l[i], b->o + i * DIM, DIM);
        }
      for (size_t i = 0; i < GROUP; i++)
        b->f->finish (b->o0 + i * DIM, l0[i], DIM, b->o0 + i * DIM);
    }
}

/* One KV head and 64 tokens against one full chunk. */
static void
run_prefill (void *arg)
{
  const Bench *b = arg;
  const KnAttnChunk a = { .format = b->format,
                          .head_dim = DIM,
                          .k = b->k,
                          .v = b->v,
                          .first = 0,
                          .last = KN_ATTN_CHUNK,
                          .n_queries = GROUP * b->n_tokens,
                          .q = b->q,
                          .q_stride = DIM,
                          .m = b->m,
                          .l = b->l,
                          .o = b->o,
                          .scratch = b->scratch };
  b->f->chunk (&a);
}

static void
bench_chunk (const KnTable *v, const void *data)
{
  const size_t n_tokens = 64, n_queries = GROUP * n_tokens;
  Bench b = { .f = &v->attn, .format = *(const KnDtype *)data, .n_tokens = n_tokens };
  b.k_bytes = kn_k_bytes (b.format, DIM, CONTEXT);
  b.v_bytes = kn_v_bytes (b.format, DIM, CONTEXT);
  b.k = kc_output (b.k_bytes * N_LAYERS * N_KV, 64);
  b.v = kc_output (b.v_bytes * N_LAYERS * N_KV, 64);
  b.q = kc_output (n_queries * DIM * 4, 64);
  b.o = kc_output (n_queries * DIM * 4, 64);
  b.o0 = kc_output (GROUP * DIM * 4, 64);
  b.m = kc_output (n_queries * 4, 64);
  b.l = kc_output (n_queries * 4, 64);
  b.scratch = kc_output (kn_attn_scratch_bytes (n_queries, DIM), KN_ALIGN);

  float x[DIM];
  for (size_t head = 0; head < N_LAYERS * N_KV; head++)
    for (size_t t = 0; t < CONTEXT; t++)
      {
        if (t == 0)
          kc_fill (x, DIM, KC_NORMAL);
        x[t % DIM] = kc_random_float (KC_NORMAL);
        v->attn.store_k (b.format, b.k + head * b.k_bytes, DIM, t, x);
        v->attn.store_v (b.format, b.v + head * b.v_bytes, DIM, t, x);
      }
  for (size_t i = 0; i < n_queries * DIM; i++)
    b.q[i] = kc_random_float (KC_NORMAL) / 8;

  const double macs = 2.0 * GROUP * DIM;
  kc_bench ("decode 22x32/4x64 ctx 1024", run_decode, &b,
            (double)(b.k_bytes + b.v_bytes) * N_LAYERS * N_KV,
            2 * macs * N_LAYERS * N_KV * CONTEXT);
  kc_bench ("prefill 8x64 on 128", run_prefill, &b, 0, 2 * macs * (double)n_tokens * KN_ATTN_CHUNK);
}

static const KnDtype f32 = KN_F32, f16 = KN_F16, q8_0 = KN_Q8_0, q4_0 = KN_Q4_0,
                     q8_head = KN_KV_Q8_HEAD, q4_head = KN_KV_Q4_HEAD;
/* kn_kv_pair() of F16 and Q4_0, of Q8 per head and F32, of Q4_0 and Q8_0. */
static const KnDtype f16_q4_0 = (KnDtype)(KN_F16 | (KN_Q4_0 + 1) << 16),
                     q8_head_f32 = (KnDtype)(230 | (KN_F32 + 1) << 16),
                     q4_0_q8_0 = (KnDtype)(KN_Q4_0 | (KN_Q8_0 + 1) << 16);

#define CHUNK(name, format)                                                                        \
  {                                                                                                \
    "attn/chunk-" name, check_chunk, bench_chunk, &format, KC_MEMBERS (attn.chunk)                 \
  }

static const KcCase cases[] = {
  CHUNK ("f32", f32),
  CHUNK ("f16", f16),
  CHUNK ("q8_0", q8_0),
  CHUNK ("q4_0", q4_0),
  CHUNK ("q8-head", q8_head),
  CHUNK ("q4-head", q4_head),
  CHUNK ("f16-q4_0", f16_q4_0),
  CHUNK ("q8-head-f32", q8_head_f32),
  CHUNK ("q4_0-q8_0", q4_0_q8_0),
  { "attn/store", check_store, NULL, NULL, KC_MEMBERS (attn) },
  { "attn/merge-finish", check_merge, NULL, NULL, KC_MEMBERS (attn) },
  { 0 },
};

void
kc_register_attn (void)
{
  kc_register (cases);
}
