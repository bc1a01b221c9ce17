/* Checks and benchmarks of the map family. Oracles compute in double precision; u = 2^-24 is the
 * error of one rounding. */
#include "kn-check.h"

#include <math.h>
#include <string.h>

#define U 0x1p-24
#define TINY 0x1p-148 /* a few roundings of subnormal numbers */
/* What is missed where an exponential in a denominator overflows. */
#define OVERFLOWED 3e-37

static const size_t sizes[]
    = { 0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 129, 1000 };
#define N_SIZES (sizeof sizes / sizeof *sizes)

/* Kinds whose sums and products neither overflow nor leave the oracle's assumptions. */
static int
moderate (KcKind kind)
{
  return kind != KC_ANY && kind != KC_SPECIAL;
}

static void
fill_row (float *x, size_t n, KcKind kind)
{
  kc_fill (x, n, kind);
  if (kind == KC_UNIFORM) /* far from 0 */
    for (size_t i = 0; i < n; i++)
      x[i] *= 120.0f;
}

/* --- functions of one number --- */

/* Exact result and a proven bound of the error. */
typedef struct
{
  KnMap id;
  float p[2];
  double (*exact) (double x, const float *p);
  double (*bound) (double x, double want, const float *p);
} Map;

static double
exact_clamp (double x, const float *p)
{
  return x < (double)p[0] ? (double)p[0] : x > (double)p[1] ? (double)p[1] : x;
}

static double
exact_leaky (double x, const float *p)
{
  return x < 0 ? x * (double)p[0] : x;
}

static double
exact_affine (double x, const float *p)
{
  return x * (double)p[0] + (double)p[1];
}

static double
exact_hard_sigmoid (double x, const float *p)
{
  return fmin (fmax (exact_affine (x, p), 0), 1);
}

static double
exact_hard_swish (double x, const float *p)
{
  return x * fmin (fmax (x / 6 + 0.5, 0), 1);
}

static double
exact_elu (double x, const float *p)
{
  return x > 0 ? x * (double)p[1] : (double)p[0] * expm1 (x);
}

static double
exact_sigmoid (double x, const float *p)
{
  return 1 / (1 + exp (-x));
}

static double
exact_tanh (double x, const float *p)
{
  return tanh (x);
}

static double
exact_silu (double x, const float *p)
{
  return x / (1 + exp (-x));
}

static double
exact_gelu (double x, const float *p)
{
  return x * 0.5 * erfc (-x / sqrt (2));
}

static double
exact_mish (double x, const float *p)
{
  return x * tanh (x > 40 ? x : log1p (exp (x)));
}

static double
exact_exp (double x, const float *p)
{
  return exp (x);
}

static double
exact_erf (double x, const float *p)
{
  return erf (x);
}

static double
exact_abs (double x, const float *p)
{
  return fabs (x);
}

static double
exact_neg (double x, const float *p)
{
  return -x;
}

static double
exact_sqrt (double x, const float *p)
{
  return sqrt (x);
}

static double
exact_square (double x, const float *p)
{
  return x * x;
}

static double
exact_reciprocal (double x, const float *p)
{
  return 1 / x;
}

static double
bound_none (double x, double want, const float *p)
{
  return 0;
}

/* One rounding. */
static double
bound_one (double x, double want, const float *p)
{
  return fabs (want) * U * 1.001 + TINY;
}

static double
bound_hard_sigmoid (double x, double want, const float *p)
{
  return fabs (want) * U * 1.001 + TINY;
}

/* 1/6 is rounded, then the sum, then the product. */
static double
bound_hard_swish (double x, double want, const float *p)
{
  return fabs (x) * U * (fmin (fabs (x) / 6, 1) + 2.01) + TINY;
}

/* exp (r) - 1 good to 3 u, its product and sum grow that by at most 2.4 (x = -ln 2 / 2), one more
 * product. */
static double
bound_elu (double x, double want, const float *p)
{
  return fabs (want) * U * 9 + TINY;
}

/* Exponential 4 u, sum and division one each. */
static double
bound_sigmoid (double x, double want, const float *p)
{
  return fabs (want) * 6.1 * U + OVERFLOWED;
}

/* e good to 8 u as in bound_elu; e / (e + 2) keeps it, sum and division one each. */
static double
bound_tanh (double x, double want, const float *p)
{
  return fabs (want) * 10.1 * U + TINY;
}

/* z has two roundings, which exp (-z^2) turns into 4 u z^2; z^2 + r and the exponential add u z^2
 * (plus 4 u for r and its parts) and 4 u; three more operations. Beyond z = 4, where erfc is below
 * 2^-24, r is held, while it should grow as log z: the tail is too large by a factor of z / 4. */
static double
bound_gelu (double x, double want, const float *p)
{
  const double tail = x < 0 ? 1 : 0.32;
  const double held = x < -4 * sqrt (2) ? fabs (want) * 1.1 * (-x / sqrt (2) / 4 - 1) : 0;
  return fabs (want) * U * (tail * (5.1 * x * x / 2 + 12) + 3) + held + OVERFLOWED;
}

/* e 4 u, e (e + 2) 10 u, t / (t + 2) at most the same and two more, the product. */
static double
bound_mish (double x, double want, const float *p)
{
  return fabs (want) * U * 13.1 + OVERFLOWED;
}

static double
bound_exp (double x, double want, const float *p)
{
  return fabs (want) * 2 * 0x1p-23 + 0x1p-149;
}

/* Below 1 the polynomial 1 u and 3 roundings; from 1 on erfc (at most 0.16) times 12 u and z^2 u
 * times 2, subtracted from 1. */
static double
bound_erf (double x, double want, const float *p)
{
  return fabs (want) * U * 5.1 + TINY;
}

static const Map maps[] = {
  { KN_MAP_CLAMP, { 0.0f, INFINITY }, exact_clamp, bound_none },
  { KN_MAP_CLAMP, { -0.5f, 0.75f }, exact_clamp, bound_none },
  { KN_MAP_LEAKY, { 0.1f }, exact_leaky, bound_one },
  { KN_MAP_AFFINE, { 1.7f, -0.3f }, exact_affine, bound_one },
  { KN_MAP_HARD_SIGMOID, { 0.2f, 0.5f }, exact_hard_sigmoid, bound_hard_sigmoid },
  { KN_MAP_HARD_SWISH, { 0 }, exact_hard_swish, bound_hard_swish },
  { KN_MAP_ELU, { 1.3f, 1.1f }, exact_elu, bound_elu },
  { KN_MAP_SIGMOID, { 0 }, exact_sigmoid, bound_sigmoid },
  { KN_MAP_TANH, { 0 }, exact_tanh, bound_tanh },
  { KN_MAP_SILU, { 0 }, exact_silu, bound_sigmoid },
  { KN_MAP_GELU, { 0 }, exact_gelu, bound_gelu },
  { KN_MAP_MISH, { 0 }, exact_mish, bound_mish },
  { KN_MAP_EXP, { 0 }, exact_exp, bound_exp },
  { KN_MAP_ERF, { 0 }, exact_erf, bound_erf },
  { KN_MAP_ABS, { 0 }, exact_abs, bound_none },
  { KN_MAP_NEG, { 0 }, exact_neg, bound_none },
  { KN_MAP_SQRT, { 0 }, exact_sqrt, bound_one },
  { KN_MAP_SQUARE, { 0 }, exact_square, bound_one },
  { KN_MAP_RECIPROCAL, { 0 }, exact_reciprocal, bound_one },
};

static void
check_map (const KnTable *c, const KnTable *v, const void *data)
{
  const Map *m = data;
  for (size_t k = 0; k < N_SIZES; k++)
    for (int kind = 0; kind < KC_N_KINDS; kind++)
      {
        const size_t n = sizes[k];
        kc_context ("n = %zu, %s numbers", n, kc_kind_name ((KcKind)kind));
        float *x = kc_input (n * sizeof *x, 4);
        float *y = kc_output (n * sizeof *y, 4), *again = kc_output (n * sizeof *y, 4);
        fill_row (x, n, (KcKind)kind);

        v->map.map[m->id](x, m->p, n, y);
        if (v != c)
          {
            float *want = kc_output (n * sizeof *y, 4);
            c->map.map[m->id](x, m->p, n, want);
            kc_same ("y", y, want, n);
          }
        else if (moderate ((KcKind)kind))
          for (size_t i = 0; i < n; i++)
            {
              const double want = m->exact ((double)x[i], m->p);
              const int overflows = fabs (want) > 0x1.ffffffp127;
              kc_near ("y", i, y[i], overflows ? copysign (INFINITY, want) : want,
                       overflows ? 0 : m->bound ((double)x[i], want, m->p));
            }

        if (n > 0)
          memcpy (again, x, n * sizeof *x);
        v->map.map[m->id](again, m->p, n, again);
        kc_same ("y in place", again, y, n);
        kc_guards ("y");
        kc_release ();
      }
}

/* NaN, infinities and zeros, which the specification fixes. */
static void
check_special (const KnTable *c, const KnTable *v, const void *data)
{
  static const float limits[2] = { 0.0f, 6.0f };
  static const struct
  {
    KnMap id;
    float x, y;
  } rows[] = {
    { KN_MAP_CLAMP, NAN, NAN },
    { KN_MAP_CLAMP, INFINITY, 6 },
    { KN_MAP_CLAMP, -INFINITY, 0 },
    { KN_MAP_SIGMOID, INFINITY, 1 },
    { KN_MAP_SIGMOID, -INFINITY, 0 },
    { KN_MAP_SIGMOID, NAN, NAN },
    { KN_MAP_TANH, -INFINITY, -1 },
    { KN_MAP_TANH, NAN, NAN },
    { KN_MAP_GELU, INFINITY, INFINITY },
    { KN_MAP_GELU, -40, 0 },
    { KN_MAP_MISH, INFINITY, INFINITY },
    { KN_MAP_ERF, -INFINITY, -1 },
    { KN_MAP_ERF, NAN, NAN },
    { KN_MAP_EXP, -INFINITY, 0 },
    { KN_MAP_ELU, NAN, NAN },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      float y;
      kc_context ("map %d of %g", rows[i].id, (double)rows[i].x);
      v->map.map[rows[i].id](&rows[i].x, limits, 1, &y);
      kc_near ("y", i, y, (double)rows[i].y, 0);
    }
}

/* --- functions of two numbers --- */

static double
exact2 (KnMap2 id, double a, double b)
{
  switch (id)
    {
    case KN_MAP2_ADD:
      return a + b;
    case KN_MAP2_SUB:
      return a - b;
    case KN_MAP2_MUL:
      return a * b;
    case KN_MAP2_DIV:
      return a / b;
    case KN_MAP2_MIN:
      return isnan (a) || isnan (b) ? NAN : fmin (a, b);
    case KN_MAP2_MAX:
      return isnan (a) || isnan (b) ? NAN : fmax (a, b);
    case KN_MAP2_PRELU:
      return a < 0 ? a * b : a;
    case KN_N_MAP2S:
      break;
    }
  return NAN;
}

/* The three forms: both rows, one number on the right, one number on the left. */
static void
check_map2_form (const KnTable *c, const KnTable *v, KnMap2 id, int form, size_t n, KcKind kind)
{
  static const char *const names[] = { "rows", "right", "left" };
  const KnMap2Fn f = (form == 0   ? v->map.map2
                      : form == 1 ? v->map.map2_right
                                  : v->map.map2_left)[id];
  const KnMap2Fn f_c = (form == 0   ? c->map.map2
                        : form == 1 ? c->map.map2_right
                                    : c->map.map2_left)[id];
  const size_t n_a = form == 2 ? 1 : n, n_b = form == 1 ? 1 : n;
  float *a = kc_input (n_a * sizeof *a, 4), *b = kc_input (n_b * sizeof *b, 4);
  float *y = kc_output (n * sizeof *y, 4), *want = kc_output (n * sizeof *y, 4);

  kc_context ("%s, n = %zu, %s numbers", names[form], n, kc_kind_name (kind));
  fill_row (a, n_a, kind);
  fill_row (b, n_b, kind == KC_DENORMAL || kind == KC_ZERO ? KC_NORMAL : kind);
  f (a, b, n, y);
  f_c (a, b, n, want);
  kc_same ("y", y, want, n);
  for (size_t i = 0; i < n; i++)
    {
      const double exact = exact2 (id, (double)a[form == 2 ? 0 : i], (double)b[form == 1 ? 0 : i]);
      if (moderate (kind) || id == KN_MAP2_MIN || id == KN_MAP2_MAX)
        kc_near ("y", i, y[i], exact, fabs (exact) * U * 1.001 + TINY);
    }
  kc_guards ("y");

  if (n > 0 && form != 2)
    {
      memcpy (want, a, n * sizeof *a);
      f (want, b, n, want);
      kc_same ("y in place of a", want, y, n);
    }
  if (n > 0 && form != 1)
    {
      memcpy (want, b, n * sizeof *b);
      f (a, want, n, want);
      kc_same ("y in place of b", want, y, n);
    }
  kc_release ();
}

static void
check_map2 (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t k = 0; k < N_SIZES; k++)
    for (int kind = 0; kind < KC_N_KINDS; kind++)
      for (int form = 0; form < 3; form++)
        check_map2_form (c, v, *(const KnMap2 *)data, form, sizes[k], (KcKind)kind);
}

/* --- folds --- */

/* The fold of @n numbers @step apart, and what the bound of its error is a multiple of. */
static double
exact_fold (KnFold fold, const float *x, size_t step, size_t n, double *magnitude)
{
  double total = fold == KN_FOLD_MAX ? -INFINITY : fold == KN_FOLD_MIN ? INFINITY : 0;
  *magnitude = 0;
  for (size_t i = 0; i < n; i++)
    {
      const double v = (double)x[i * step];
      if (fold == KN_FOLD_MAX || fold == KN_FOLD_MIN)
        total = exact2 (fold == KN_FOLD_MAX ? KN_MAP2_MAX : KN_MAP2_MIN, total, v);
      else
        {
          const double term = fold == KN_FOLD_SUM ? v : fold == KN_FOLD_SUM_ABS ? fabs (v) : v * v;
          total += term;
          *magnitude += fabs (term);
        }
    }
  return total;
}

static void
check_fold_row (const KnTable *c, const KnTable *v, const void *data)
{
  const KnFold fold = *(const KnFold *)data;
  for (size_t k = 0; k < N_SIZES; k++)
    for (int kind = 0; kind < KC_N_KINDS; kind++)
      {
        const size_t n = sizes[k];
        kc_context ("n = %zu, %s numbers", n, kc_kind_name ((KcKind)kind));
        float *x = kc_input (n * sizeof *x, 4);
        fill_row (x, n, (KcKind)kind);
        const float y = v->map.fold_row[fold](x, n), y_c = c->map.fold_row[fold](x, n);
        double magnitude;
        const double want = exact_fold (fold, x, 1, n, &magnitude);
        kc_same ("fold", &y, &y_c, 1);
        if (moderate ((KcKind)kind) || fold == KN_FOLD_MAX || fold == KN_FOLD_MIN)
          kc_near ("fold", 0, y, want,
                   kc_gamma ((double)n / 16 + 6) * magnitude + (double)n * TINY);
        kc_release ();
      }
}

static void
check_fold_columns (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t widths[] = { 1, 3, 15, 16, 17, 64, 65, 100, 145 };
  static const size_t heights[] = { 0, 1, 2, 49, 64, 65, 300 };
  const KnFold fold = *(const KnFold *)data;
  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
    for (size_t h = 0; h < sizeof heights / sizeof *heights; h++)
      for (int kind = 0; kind < KC_N_KINDS; kind++)
        {
          const size_t n = widths[w], n_rows = heights[h], stride = n + 3;
          const size_t n_all = n_rows > 0 ? (n_rows - 1) * stride + n : 0;
          kc_context ("%zu rows of %zu, %s numbers", n_rows, n, kc_kind_name ((KcKind)kind));
          float *x = kc_input (n_all * sizeof *x, 4);
          float *y = kc_output (n * sizeof *y, 4), *want = kc_output (n * sizeof *y, 4);
          fill_row (x, n_all, (KcKind)kind);
          v->map.fold_columns[fold](x, stride, n_rows, n, y);
          c->map.fold_columns[fold](x, stride, n_rows, n, want);
          kc_same ("y", y, want, n);
          for (size_t i = 0; i < n; i++)
            {
              double magnitude;
              const double exact = exact_fold (fold, x + i, stride, n_rows, &magnitude);
              if (moderate ((KcKind)kind) || fold == KN_FOLD_MAX || fold == KN_FOLD_MIN)
                kc_near ("y", i, y[i], exact,
                         kc_gamma (66 + (double)n_rows / 64) * magnitude + (double)n_rows * TINY);
            }
          kc_guards ("y");
          kc_release ();
        }
}

/* --- channels --- */

/* Sum of squares about a mean, and the two functions of a row and its channels. */
static void
check_channels (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t k = 0; k < N_SIZES; k++)
    for (int parts = 0; parts < 4; parts++)
      {
        const size_t n = sizes[k];
        kc_context ("n = %zu, scale %d, offset %d", n, parts & 1, parts >> 1);
        float *x = kc_input (n * 4, 4), *s = kc_input (n * 4, 4), *o = kc_input (n * 4, 4);
        float *y = kc_output (n * 4, 4), *z = kc_output (n * 4, 4);
        const float mean = kc_random_float (KC_NORMAL), inverse = 1.7f;
        kc_fill (x, n, KC_NORMAL);
        kc_fill (s, n, KC_NORMAL);
        kc_fill (o, n, KC_NORMAL);

        v->map.affine_channels (x, s, o, n, y);
        c->map.affine_channels (x, s, o, n, z);
        kc_same ("affine_channels", y, z, n);
        for (size_t i = 0; i < n; i++)
          {
            const double want = (double)x[i] * (double)s[i] + (double)o[i];
            kc_near ("affine_channels", i, y[i], want, fabs (want) * U * 1.001 + TINY);
          }

        const float *scale = parts & 1 ? s : NULL, *offset = parts & 2 ? o : NULL;
        v->map.normalize (x, mean, inverse, scale, offset, n, y);
        c->map.normalize (x, mean, inverse, scale, offset, n, z);
        kc_same ("normalize", y, z, n);
        for (size_t i = 0; i < n; i++)
          {
            const double term
                = ((double)x[i] - (double)mean) * (double)inverse * (scale ? (double)s[i] : 1);
            const double want = term + (offset ? (double)o[i] : 0);
            kc_near ("normalize", i, y[i], want,
                     U * (2.01 * fabs (term) + 1.01 * fabs (want)) + TINY);
          }
        kc_guards ("y");

        const float sum = v->map.sum_squares_about (x, mean, n);
        const float sum_c = c->map.sum_squares_about (x, mean, n);
        double want = 0;
        for (size_t i = 0; i < n; i++)
          want += pow ((double)x[i] - (double)mean, 2);
        kc_same ("sum_squares_about", &sum, &sum_c, 1);
        kc_near ("sum_squares_about", 0, sum, want, want * kc_gamma ((double)n / 16 + 9));
        kc_release ();
      }
}

/* --- benchmarks --- */

typedef struct
{
  const KnMapFamily *f;
  const void *data;
  size_t n;
  float *a, *b, *y;
} MapRun;

static void
run_map (void *arg)
{
  const MapRun *r = arg;
  const Map *m = r->data;
  r->f->map[m->id](r->a, m->p, r->n, r->y);
}

static void
run_map2 (void *arg)
{
  const MapRun *r = arg;
  r->f->map2[*(const KnMap2 *)r->data](r->a, r->b, r->n, r->y);
}

static void
run_columns (void *arg)
{
  const MapRun *r = arg;
  r->f->fold_columns[*(const KnFold *)r->data](r->a, 1280, r->n / 1280, 1280, r->y);
}

static void
bench (const KnTable *v, const void *data, void (*run) (void *arg), size_t n, double bytes)
{
  MapRun r
      = { &v->map, data, n, kc_input (n * 4, 64), kc_input (n * 4, 64), kc_output (n * 4, 64) };
  kc_fill (r.a, n, KC_NORMAL);
  kc_fill (r.b, n, KC_NORMAL);
  kc_bench (NULL, run, &r, bytes * (double)n, 0);
}

static void
bench_map (const KnTable *v, const void *data)
{
  bench (v, data, run_map, 5632, 8);
}

static void
bench_map2 (const KnTable *v, const void *data)
{
  bench (v, data, run_map2, 5632, 12);
}

/* The global average of a picture network's last layer. */
static void
bench_columns (const KnTable *v, const void *data)
{
  bench (v, data, run_columns, 49 * 1280, 4);
}

/* --- the cases --- */

static const KnMap2 map2_add = KN_MAP2_ADD, map2_sub = KN_MAP2_SUB, map2_mul = KN_MAP2_MUL,
                    map2_div = KN_MAP2_DIV, map2_min = KN_MAP2_MIN, map2_max = KN_MAP2_MAX,
                    map2_prelu = KN_MAP2_PRELU;
static const KnFold fold_sum = KN_FOLD_SUM, fold_sum_abs = KN_FOLD_SUM_ABS,
                    fold_sum_squares = KN_FOLD_SUM_SQUARES, fold_max = KN_FOLD_MAX,
                    fold_min = KN_FOLD_MIN;

static const KcCase cases[] = {
  { "map/relu", check_map, bench_map, &maps[0], KC_MEMBERS (map.map[KN_MAP_CLAMP]) },
  { "map/clamp", check_map, NULL, &maps[1], KC_MEMBERS (map.map[KN_MAP_CLAMP]) },
  { "map/leaky", check_map, NULL, &maps[2], KC_MEMBERS (map.map[KN_MAP_LEAKY]) },
  { "map/affine", check_map, NULL, &maps[3], KC_MEMBERS (map.map[KN_MAP_AFFINE]) },
  { "map/hard-sigmoid", check_map, NULL, &maps[4], KC_MEMBERS (map.map[KN_MAP_HARD_SIGMOID]) },
  { "map/hard-swish", check_map, bench_map, &maps[5], KC_MEMBERS (map.map[KN_MAP_HARD_SWISH]) },
  { "map/elu", check_map, bench_map, &maps[6], KC_MEMBERS (map.map[KN_MAP_ELU]) },
  { "map/sigmoid", check_map, bench_map, &maps[7], KC_MEMBERS (map.map[KN_MAP_SIGMOID]) },
  { "map/tanh", check_map, bench_map, &maps[8], KC_MEMBERS (map.map[KN_MAP_TANH]) },
  { "map/silu", check_map, NULL, &maps[9], KC_MEMBERS (map.map[KN_MAP_SILU]) },
  { "map/gelu", check_map, bench_map, &maps[10], KC_MEMBERS (map.map[KN_MAP_GELU]) },
  { "map/mish", check_map, NULL, &maps[11], KC_MEMBERS (map.map[KN_MAP_MISH]) },
  { "map/exp", check_map, bench_map, &maps[12], KC_MEMBERS (map.map[KN_MAP_EXP]) },
  { "map/erf", check_map, NULL, &maps[13], KC_MEMBERS (map.map[KN_MAP_ERF]) },
  { "map/abs", check_map, NULL, &maps[14], KC_MEMBERS (map.map[KN_MAP_ABS]) },
  { "map/neg", check_map, NULL, &maps[15], KC_MEMBERS (map.map[KN_MAP_NEG]) },
  { "map/sqrt", check_map, NULL, &maps[16], KC_MEMBERS (map.map[KN_MAP_SQRT]) },
  { "map/square", check_map, NULL, &maps[17], KC_MEMBERS (map.map[KN_MAP_SQUARE]) },
  { "map/reciprocal", check_map, NULL, &maps[18], KC_MEMBERS (map.map[KN_MAP_RECIPROCAL]) },
  { "map/special", check_special, NULL, NULL, KC_MEMBERS (map.map) },
  { "map/add", check_map2, bench_map2, &map2_add, KC_MEMBERS (map.map2[KN_MAP2_ADD]) },
  { "map/sub", check_map2, NULL, &map2_sub, KC_MEMBERS (map.map2[KN_MAP2_SUB]) },
  { "map/mul", check_map2, NULL, &map2_mul, KC_MEMBERS (map.map2[KN_MAP2_MUL]) },
  { "map/div", check_map2, bench_map2, &map2_div, KC_MEMBERS (map.map2[KN_MAP2_DIV]) },
  { "map/min", check_map2, NULL, &map2_min, KC_MEMBERS (map.map2[KN_MAP2_MIN]) },
  { "map/max", check_map2, NULL, &map2_max, KC_MEMBERS (map.map2[KN_MAP2_MAX]) },
  { "map/prelu", check_map2, bench_map2, &map2_prelu, KC_MEMBERS (map.map2[KN_MAP2_PRELU]) },
  { "map/sum-row", check_fold_row, NULL, &fold_sum, KC_MEMBERS (map.fold_row) },
  { "map/sum-abs-row", check_fold_row, NULL, &fold_sum_abs, KC_MEMBERS (map.fold_row) },
  { "map/sum-squares-row", check_fold_row, NULL, &fold_sum_squares, KC_MEMBERS (map.fold_row) },
  { "map/max-row", check_fold_row, NULL, &fold_max, KC_MEMBERS (map.fold_row) },
  { "map/min-row", check_fold_row, NULL, &fold_min, KC_MEMBERS (map.fold_row) },
  { "map/sum-columns", check_fold_columns, bench_columns, &fold_sum,
    KC_MEMBERS (map.fold_columns) },
  { "map/sum-abs-columns", check_fold_columns, NULL, &fold_sum_abs, KC_MEMBERS (map.fold_columns) },
  { "map/sum-squares-columns", check_fold_columns, NULL, &fold_sum_squares,
    KC_MEMBERS (map.fold_columns) },
  { "map/max-columns", check_fold_columns, NULL, &fold_max, KC_MEMBERS (map.fold_columns) },
  { "map/min-columns", check_fold_columns, NULL, &fold_min, KC_MEMBERS (map.fold_columns) },
  { "map/channels", check_channels, NULL, NULL, KC_MEMBERS (map.normalize) },
  { 0 },
};

void
kc_register_map (void)
{
  kc_register (cases);
}
