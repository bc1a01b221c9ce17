/* Checks and benchmarks of the vec family. Oracles compute in double precision; u = 2^-24 is the
 * error of one rounding. */
#include "kn-check.h"

#include "kn-f16-private.h"

#include <math.h>
#include <string.h>

#define U 0x1p-24
#define TINY 0x1p-148 /* a few roundings of subnormal numbers */

/* All kernels of one shape: y from rows a and b, @b unused by some. */
typedef struct
{
  void (*call) (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y);
  /* Exact results and a proven bound of the error for numbers of moderate size. */
  void (*oracle) (const float *a, const float *b, size_t n, double *want, double *bound);
  int even;          /* n is even */
  double bytes, ops; /* per element, for the benchmark */
} Op;

static const size_t sizes[] = { 0,  1,  2,  3,  7,  8,   9,   15,  16,  17,  31,   32,  33,
                                48, 63, 64, 65, 96, 127, 128, 129, 255, 576, 1000, 2049 };
#define N_SIZES (sizeof sizes / sizeof *sizes)
#define MAX_N 2049

/* --- the kernels, one shape --- */

#define EPS 1e-5f

static void
call_rmsnorm (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y)
{
  f->rmsnorm (a, b, EPS, n, y);
}

static void
call_rmsnorm_plain (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y)
{
  f->rmsnorm (a, NULL, EPS, n, y);
}

/* Squares: gamma of the lane's length and the tree; mean, + eps, root (which halves what came
 * before), inverse, two products. */
static void
oracle_rmsnorm (const float *a, const float *b, size_t n, double *want, double *bound)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (double)a[i] * (double)a[i];
  const double scale = 1 / sqrt (sum / (double)n + (double)EPS);
  for (size_t i = 0; i < n; i++)
    {
      want[i] = (double)a[i] * scale * (b ? (double)b[i] : 1.0);
      bound[i] = fabs (want[i]) * (0.5 * (kc_gamma ((double)n / 16 + 6) + 2 * U) + 5 * U)
                 + TINY * (b ? 1 + fabs ((double)b[i]) : 1);
    }
}

static void
oracle_rmsnorm_plain (const float *a, const float *b, size_t n, double *want, double *bound)
{
  oracle_rmsnorm (a, NULL, n, want, bound);
}

static void
call_softmax (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y)
{
  f->softmax (a, n, y);
}

/* The rounding of x - max moves an exponential by u |x - max|, the exponential itself is good to 4
 * u; the sum inherits the errors of its terms, weighted, and adds gamma. */
static void
oracle_softmax (const float *a, const float *b, size_t n, double *want, double *bound)
{
  double max = -INFINITY, sum = 0, sum_error = 0;
  for (size_t i = 0; i < n; i++)
    max = (double)a[i] > max ? (double)a[i] : max;
  for (size_t i = 0; i < n; i++)
    {
      const double d = (double)a[i] - max, p = exp (d);
      sum += p;
      sum_error += p * U * (fabs (d) + 4);
    }
  for (size_t i = 0; i < n; i++)
    {
      const double d = (double)a[i] - max;
      want[i] = exp (d) / sum;
      bound[i]
          = want[i] * 1.01
                * (U * (fabs (d) + 4) + sum_error / sum + kc_gamma ((double)n / 16 + 5) + 2 * U)
            + TINY;
    }
}

/* cos and sin of the pairs are the rows b[0..n/2) and b[n/2..n): any numbers, so no angle is
 * assumed. */
static void
call_rope_adjacent (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y)
{
  f->rope_adjacent (a, b, b + n / 2, n, y);
}

static void
call_rope_half (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y)
{
  f->rope_half (a, b, b + n / 2, n, y);
}

static void
oracle_pair (const float *a, const float *b, size_t n, size_t pair, size_t i, size_t j,
             double *want, double *bound)
{
  const double x = (double)a[i], z = (double)a[j], c = (double)b[pair], s = (double)b[pair + n / 2];
  want[i] = x * c - z * s;
  want[j] = x * s + z * c;
  bound[i] = 2.01 * U * (fabs (x * c) + fabs (z * s)) + TINY;
  bound[j] = 2.01 * U * (fabs (x * s) + fabs (z * c)) + TINY;
}

static void
oracle_rope_adjacent (const float *a, const float *b, size_t n, double *want, double *bound)
{
  for (size_t i = 0; i < n / 2; i++)
    oracle_pair (a, b, n, i, 2 * i, 2 * i + 1, want, bound);
}

static void
oracle_rope_half (const float *a, const float *b, size_t n, double *want, double *bound)
{
  for (size_t i = 0; i < n / 2; i++)
    oracle_pair (a, b, n, i, i, i + n / 2, want, bound);
}

static void
call_silu (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y)
{
  f->silu (a, n, y);
}

static void
call_silu_mul (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y)
{
  f->silu_mul (a, b, n, y);
}

static void
call_gelu_tanh_mul (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y)
{
  f->gelu_tanh_mul (a, b, n, y);
}

/* Exponential 4 u, sum and division one each; where exp (-x) overflows the result is 0 and misses
 * less than 3e-37. */
static void
oracle_silu (const float *a, const float *b, size_t n, double *want, double *bound)
{
  for (size_t i = 0; i < n; i++)
    {
      want[i] = (double)a[i] / (1 + exp (-(double)a[i]));
      bound[i] = fabs (want[i]) * 6.1 * U + 3e-37;
    }
}

static void
times_row (const float *b, size_t n, double *want, double *bound)
{
  for (size_t i = 0; i < n; i++)
    {
      bound[i]
          = bound[i] * fabs ((double)b[i]) * (1 + U) + fabs (want[i] * (double)b[i]) * U + TINY;
      want[i] *= (double)b[i];
    }
}

static void
oracle_silu_mul (const float *a, const float *b, size_t n, double *want, double *bound)
{
  oracle_silu (a, NULL, n, want, bound);
  times_row (b, n, want, bound);
}

/* The argument z of the exponential carries 4 roundings, which the exponential turns into 4 u |z|.
 */
static void
oracle_gelu_tanh_mul (const float *a, const float *b, size_t n, double *want, double *bound)
{
  const double root = sqrt (2 / 3.14159265358979323846);
  for (size_t i = 0; i < n; i++)
    {
      const double x = (double)a[i], t = root * (x + 0.044715 * x * x * x);
      /* (1 + tanh t) / 2 without cancellation for negative t. */
      want[i] = x / (1 + exp (-2 * t));
      bound[i] = fabs (want[i]) * U * (4.1 * fabs (2 * t) + 6.1) + 3e-37;
    }
  times_row (b, n, want, bound);
}

static void
call_add (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y)
{
  f->add (a, b, n, y);
}

static void
call_mul (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y)
{
  f->mul (a, b, n, y);
}

static void
call_scale (const KnVecFamily *f, const float *a, const float *b, size_t n, float *y)
{
  f->scale (a, 0.3f, n, y);
}

/* One operation: double holds it well enough that rounding its result is the correctly rounded one
 * (Figueroa 1995). */
static void
oracle_add (const float *a, const float *b, size_t n, double *want, double *bound)
{
  for (size_t i = 0; i < n; i++)
    want[i] = (double)(float)((double)a[i] + (double)b[i]), bound[i] = 0;
}

static void
oracle_mul (const float *a, const float *b, size_t n, double *want, double *bound)
{
  for (size_t i = 0; i < n; i++)
    want[i] = (double)(float)((double)a[i] * (double)b[i]), bound[i] = 0;
}

static void
oracle_scale (const float *a, const float *b, size_t n, double *want, double *bound)
{
  for (size_t i = 0; i < n; i++)
    want[i] = (double)(float)((double)a[i] * (double)0.3f), bound[i] = 0;
}

/* --- check --- */

/* Kinds whose sums and products neither overflow nor leave the oracle's assumptions. */
static int
moderate (KcKind kind)
{
  return kind != KC_ANY && kind != KC_SPECIAL;
}

static void
fill_pair (float *a, float *b, size_t n, KcKind kind)
{
  kc_fill (a, n, kind);
  kc_fill (b, n, kind == KC_DENORMAL || kind == KC_ZERO ? KC_NORMAL : kind);
  if (kind == KC_UNIFORM) /* scores and activations far from 0 */
    for (size_t i = 0; i < n; i++)
      a[i] *= 120.0f;
}

static void
check_op (const KnTable *c, const KnTable *v, const void *data)
{
  const Op *op = data;
  for (size_t k = 0; k < N_SIZES; k++)
    for (int kind = 0; kind < KC_N_KINDS; kind++)
      {
        const size_t n = sizes[k];
        if (op->even && n % 2)
          continue;
        kc_context ("n = %zu, %s numbers", n, kc_kind_name ((KcKind)kind));
        float *a = kc_input (n * sizeof *a, 4), *b = kc_input (n * sizeof *b, 4);
        float *y = kc_output (n * sizeof *y, 4), *again = kc_output (n * sizeof *y, 4);
        fill_pair (a, b, n, (KcKind)kind);

        op->call (&v->vec, a, b, n, y);
        if (v != c)
          {
            float *want = kc_output (n * sizeof *y, 4);
            op->call (&c->vec, a, b, n, want);
            kc_same ("y", y, want, n);
          }
        else if (moderate ((KcKind)kind))
          {
            static double want[MAX_N], bound[MAX_N];
            op->oracle (a, b, n, want, bound);
            for (size_t i = 0; i < n; i++)
              kc_near ("y", i, y[i], want[i], bound[i]);
          }

        if (n > 0)
          memcpy (again, a, n * sizeof *a);
        op->call (&v->vec, again, b, n, again);
        kc_same ("y in place", again, y, n);
        kc_guards ("y");
        kc_release ();
      }
}

/* What the specification says of rows with nothing, and with bad numbers, in them. */
static void
check_softmax (const KnTable *c, const KnTable *v, const void *data)
{
  float x[40], y[40];
  check_op (c, v, data);

  kc_context ("rows with -inf and NaN");
  for (int i = 0; i < 40; i++)
    x[i] = -INFINITY;
  v->vec.softmax (x, 40, y);
  for (size_t i = 0; i < 40; i++)
    kc_near ("all -inf", i, y[i], 0, 0);
  x[17] = 3;
  v->vec.softmax (x, 40, y);
  for (size_t i = 0; i < 40; i++)
    kc_near ("one finite", i, y[i], i == 17, 0);
  x[18] = NAN;
  v->vec.softmax (x, 40, y);
  for (size_t i = 0; i < 40; i++)
    kc_near ("one NaN", i, y[i], NAN, 0);
}

static void
check_dot (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t k = 0; k < N_SIZES; k++)
    for (int kind = 0; kind < KC_N_KINDS; kind++)
      {
        const size_t n = sizes[k];
        kc_context ("n = %zu, %s numbers", n, kc_kind_name ((KcKind)kind));
        float *a = kc_input (n * sizeof *a, 4), *b = kc_input (n * sizeof *b, 4);
        kc_fill (a, n, (KcKind)kind);
        kc_fill (b, n, (KcKind)kind);

        const float y = v->vec.dot (a, b, n), y_c = c->vec.dot (a, b, n);
        kc_same ("dot", &y, &y_c, 1);
        double sum = 0, magnitude = 0;
        for (size_t i = 0; i < n; i++)
          {
            sum += (double)a[i] * (double)b[i];
            magnitude += fabs ((double)a[i] * (double)b[i]);
          }
        if (moderate ((KcKind)kind))
          kc_near ("dot", 0, y, sum, kc_gamma ((double)n / 16 + 6) * magnitude + (double)n * TINY);
        kc_release ();
      }
}

/* --- half precision --- */

static double
exact_half (uint16_t h)
{
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  const double sign = h & 0x8000 ? -1 : 1;
  if (exponent == 31)
    return fraction ? NAN : sign * INFINITY;
  return exponent ? sign * ldexp (1024 + fraction, exponent - 25) : sign * ldexp (fraction, -24);
}

static void
check_f16_to_f32 (const KnTable *c, const KnTable *v, const void *data)
{
  kc_context ("all 65536 numbers");
  uint16_t *x = kc_input (65536 * sizeof *x, 2);
  float *y = kc_output (65536 * sizeof *y, 4), *y_c = kc_output (65536 * sizeof *y, 4);
  for (uint32_t i = 0; i < 65536; i++)
    x[i] = (uint16_t)i;
  v->vec.f16_to_f32 (x, 65536, y);
  c->vec.f16_to_f32 (x, 65536, y_c);
  for (uint32_t i = 0; i < 65536; i++)
    kc_near ("y", i, y[i], exact_half ((uint16_t)i), 0);
  kc_same ("y", y, y_c, 65536);
  kc_release ();

  for (size_t n = 0; n < 40; n++)
    {
      kc_context ("n = %zu", n);
      uint16_t *a = kc_input (n * sizeof *a, 2);
      float *b = kc_output (n * sizeof *b, 4);
      kc_fill_half (a, n, KC_NORMAL);
      v->vec.f16_to_f32 (a, n, b);
      for (size_t i = 0; i < n; i++)
        kc_near ("y", i, b[i], exact_half (a[i]), 0);
      kc_guards ("y");
      kc_release ();
    }
}

/* Rounded to nearest even, by scaling so that half's last place becomes 1. */
static double
round_to_half (float f)
{
  const double x = (double)f;
  int exponent;
  if (x == 0 || isnan (x) || isinf (x))
    return x;
  frexp (x, &exponent);
  const int unit = (exponent < -13 ? -13 : exponent) - 11;
  const double y = ldexp (nearbyint (ldexp (x, -unit)), unit);
  return fabs (y) > 65504 ? copysign (INFINITY, y) : y;
}

static void
check_f32_to_f16 (const KnTable *c, const KnTable *v, const void *data)
{
  enum
  {
    N = 4096
  };
  float *x = kc_input (N * sizeof *x, 4);
  uint16_t *y = kc_output (N * sizeof *y, 2), *y_c = kc_output (N * sizeof *y, 2);
  for (int round = 0; round < 64; round++)
    {
      kc_context ("round %d", round);
      for (uint32_t i = 0; i < N; i++)
        if (round < 32) /* every half number, the middle to the next, and a last place beside the
                           middle */
          {
            const uint32_t h = (uint32_t)round % 16 * N + i;
            float f = kn_f16_load ((uint16_t)h);
            uint32_t bits;
            memcpy (&bits, &f, sizeof bits);
            bits += round < 16 ? 0x1000 : 0x1000 + (kc_random_below (3) - 1);
            memcpy (&x[i], &bits, sizeof bits);
          }
        else
          x[i] = kc_random_float ((KcKind)(round % KC_N_KINDS));
      v->vec.f32_to_f16 (x, N, y);
      c->vec.f32_to_f16 (x, N, y_c);
      kc_same_half ("y", y, y_c, N);
      for (uint32_t i = 0; i < N; i++)
        kc_near ("y", i, (float)exact_half (y[i]), round_to_half (x[i]), 0);
    }
  kc_release ();

  for (size_t n = 0; n < 40; n++)
    {
      kc_context ("n = %zu", n);
      float *a = kc_input (n * sizeof *a, 4);
      uint16_t *b = kc_output (n * sizeof *b, 2);
      kc_fill (a, n, KC_NORMAL);
      v->vec.f32_to_f16 (a, n, b);
      for (size_t i = 0; i < n; i++)
        kc_near ("y", i, (float)exact_half (b[i]), round_to_half (a[i]), 0);
      kc_guards ("y");
      kc_release ();
    }
}

/* --- exp --- */

/* Every 1021st float: within 2 units in the last place. The same for all levels, so plain C only.
 */
static void
check_expf (const KnTable *c, const KnTable *v, const void *data)
{
  for (uint64_t bits = 0; bits < 1ull << 32; bits += 1021)
    {
      const uint32_t b = (uint32_t)bits;
      float x;
      memcpy (&x, &b, sizeof x);
      const double want = isnan (x) ? NAN : exp ((double)x);
      kc_context ("exp (%a)", (double)x);
      if (want > 0x1.ffffffp127) /* rounds to infinity */
        kc_near ("exp", 0, kn_expf (x), INFINITY, 0);
      else
        kc_near ("exp", 0, kn_expf (x), want, want * 2 * 0x1p-24 + 0x1p-150);
    }
}

/* --- benchmarks --- */

typedef struct
{
  const KnVecFamily *f;
  const Op *op;
  size_t n;
  float *a, *b, *y;
} OpRun;

static volatile float sink;

static void
run_op (void *arg)
{
  const OpRun *r = arg;
  r->op->call (r->f, r->a, r->b, r->n, r->y);
}

static void
run_dot (void *arg)
{
  const OpRun *r = arg;
  sink = r->f->dot (r->a, r->b, r->n);
}

static void
run_f16_to_f32 (void *arg)
{
  const OpRun *r = arg;
  r->f->f16_to_f32 ((const uint16_t *)(const void *)r->a, r->n, r->y);
}

static void
run_f32_to_f16 (void *arg)
{
  const OpRun *r = arg;
  r->f->f32_to_f16 (r->a, r->n, (uint16_t *)(void *)r->y);
}

/* Rows of a small and of a larger model, in the first or second level cache. */
static void
bench_rows (const KnTable *v, const Op *op, void (*run) (void *arg), double bytes, double ops)
{
  static const struct
  {
    size_t n;
    const char *label;
  } rows[] = { { 576, "n=576" }, { 5632, "n=5632" } };

  for (int i = 0; i < 2; i++)
    {
      const size_t n = rows[i].n;
      OpRun r
          = { &v->vec, op, n, kc_input (n * 4, 64), kc_input (n * 4, 64), kc_output (n * 4, 64) };
      kc_fill (r.a, n, KC_NORMAL);
      kc_fill (r.b, n, KC_NORMAL);
      kc_bench (rows[i].label, run, &r, bytes * (double)n, ops * (double)n);
    }
}

static void
bench_op (const KnTable *v, const void *data)
{
  const Op *op = data;
  bench_rows (v, op, run_op, op->bytes, op->ops);
}

static void
bench_dot (const KnTable *v, const void *data)
{
  bench_rows (v, NULL, run_dot, 8, 2);
}

static void
bench_f16_to_f32 (const KnTable *v, const void *data)
{
  bench_rows (v, NULL, run_f16_to_f32, 6, 0);
}

static void
bench_f32_to_f16 (const KnTable *v, const void *data)
{
  bench_rows (v, NULL, run_f32_to_f16, 6, 0);
}

/* --- the cases --- */

static const Op op_rmsnorm = { call_rmsnorm, oracle_rmsnorm, 0, 12, 4 };
static const Op op_rmsnorm_plain = { call_rmsnorm_plain, oracle_rmsnorm_plain, 0, 8, 3 };
static const Op op_softmax = { call_softmax, oracle_softmax, 0, 8, 0 };
static const Op op_rope_adjacent = { call_rope_adjacent, oracle_rope_adjacent, 1, 12, 3 };
static const Op op_rope_half = { call_rope_half, oracle_rope_half, 1, 12, 3 };
static const Op op_silu = { call_silu, oracle_silu, 0, 8, 0 };
static const Op op_silu_mul = { call_silu_mul, oracle_silu_mul, 0, 12, 0 };
static const Op op_gelu_tanh_mul = { call_gelu_tanh_mul, oracle_gelu_tanh_mul, 0, 12, 0 };
static const Op op_add = { call_add, oracle_add, 0, 12, 1 };
static const Op op_mul = { call_mul, oracle_mul, 0, 12, 1 };
static const Op op_scale = { call_scale, oracle_scale, 0, 8, 1 };

static const KcCase cases[] = {
  { "vec/rmsnorm", check_op, bench_op, &op_rmsnorm, KC_MEMBERS (vec.rmsnorm) },
  { "vec/rmsnorm-plain", check_op, NULL, &op_rmsnorm_plain, KC_MEMBERS (vec.rmsnorm) },
  { "vec/softmax", check_softmax, bench_op, &op_softmax, KC_MEMBERS (vec.softmax) },
  { "vec/rope-adjacent", check_op, bench_op, &op_rope_adjacent, KC_MEMBERS (vec.rope_adjacent) },
  { "vec/rope-half", check_op, bench_op, &op_rope_half, KC_MEMBERS (vec.rope_half) },
  { "vec/silu", check_op, bench_op, &op_silu, KC_MEMBERS (vec.silu) },
  { "vec/silu-mul", check_op, bench_op, &op_silu_mul, KC_MEMBERS (vec.silu_mul) },
  { "vec/gelu-tanh-mul", check_op, bench_op, &op_gelu_tanh_mul, KC_MEMBERS (vec.gelu_tanh_mul) },
  { "vec/add", check_op, bench_op, &op_add, KC_MEMBERS (vec.add) },
  { "vec/mul", check_op, bench_op, &op_mul, KC_MEMBERS (vec.mul) },
  { "vec/scale", check_op, bench_op, &op_scale, KC_MEMBERS (vec.scale) },
  { "vec/dot", check_dot, bench_dot, NULL, KC_MEMBERS (vec.dot) },
  { "vec/f16-to-f32", check_f16_to_f32, bench_f16_to_f32, NULL, KC_MEMBERS (vec.f16_to_f32) },
  { "vec/f32-to-f16", check_f32_to_f16, bench_f32_to_f16, NULL, KC_MEMBERS (vec.f32_to_f16) },
  { "vec/expf", check_expf, NULL, NULL, KC_ONCE },
  { 0 },
};

void
kc_register_vec (void)
{
  kc_register (cases);
}
