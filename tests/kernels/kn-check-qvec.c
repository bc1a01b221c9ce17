/* Checks of the element-wise kernels on 8-bit codes: plain C against double precision, every
 * instruction set against plain C. */
#include "kn-check-private.h"

#include "kn-qvec.h"

#include <math.h>
#include <string.h>

static const size_t lengths[] = { 0, 1, 5, 15, 16, 17, 63, 64, 65, 130, 1000 };
#define N_LENGTHS (sizeof lengths / sizeof *lengths)

static KnRequant
random_requant (int is_signed)
{
  const int lowest = is_signed ? -128 : 0, zero = lowest + (int)kc_random_below (256);

  return (KnRequant){ (float)(lowest - zero), (float)(lowest + 255 - zero), zero };
}

static int
code (const uint8_t *x, size_t i, int is_signed)
{
  return is_signed ? (int8_t)x[i] : x[i];
}

/* @got stands for @exact within half a step. */
static void
near_code (size_t i, int got, double exact, const KnRequant *r)
{
  const double clamped = exact < r->low ? r->low : exact > r->high ? r->high : exact;

  if (fabs (got - r->zero - clamped) > 0.5 + fabs (clamped) * 0x1p-22)
    kc_fail ("code %zu is %d, exact is %.9g", i, got, clamped + r->zero);
}

static void
check_quantize (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t l = 0; l < N_LENGTHS; l++)
    for (int kind = 0; kind < KC_N_KINDS; kind++)
      {
        const size_t n = lengths[l];
        const int is_signed = (int)kc_random_below (2);
        const KnRequant r = random_requant (is_signed);
        const float scale = ldexpf (1.3f, -(int)kc_random_below (10));
        float *x = kc_input (n * 4, 4);
        uint8_t *y = kc_output (n, 1), *expected = kc_output (n, 1);

        kc_context ("%zu numbers, %s", n, kc_kind_name ((KcKind)kind));
        kc_fill (x, n, (KcKind)kind);
        c->qvec.quantize (x, n, scale, &r, expected);
        v->qvec.quantize (x, n, scale, &r, y);
        for (size_t i = 0; v == c && i < n; i++)
          if (isnan (x[i]))
            near_code (i, code (y, i, is_signed), -INFINITY, &r);
          else
            near_code (i, code (y, i, is_signed), (double)x[i] / (double)scale, &r);
        kc_same_bytes ("y", y, expected, n);
        kc_guards ("quantize");
        kc_release ();
      }
}

static void
check_dequantize (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t l = 0; l < N_LENGTHS; l++)
    for (int is_signed = 0; is_signed < 2; is_signed++)
      {
        const size_t n = lengths[l];
        const int32_t zero = (int32_t)kc_random_below (256) - 128 * is_signed;
        const float scale = ldexpf (1.7f, -(int)kc_random_below (10));
        uint8_t *x = kc_input (n, 1);
        float *y = kc_output (n * 4, 4), *expected = kc_output (n * 4, 4);

        kc_context ("%zu numbers, %s", n, is_signed ? "signed" : "unsigned");
        kc_fill_bytes (x, n);
        c->qvec.dequantize (x, n, is_signed, zero, scale, expected);
        v->qvec.dequantize (x, n, is_signed, zero, scale, y);
        for (size_t i = 0; v == c && i < n; i++)
          if (y[i] != (float)((double)(code (x, i, is_signed) - zero) * (double)scale))
            kc_fail ("number %zu is %.9g", i, (double)y[i]);
        kc_same ("y", y, expected, n);
        kc_guards ("dequantize");
        kc_release ();
      }
}

static void
check_lookup (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t l = 0; l < N_LENGTHS; l++)
    {
      const size_t n = lengths[l];
      uint8_t *x = kc_input (n, 1), *y = kc_output (n, 1), *table = kc_input (256, 1);

      kc_context ("%zu codes", n);
      kc_fill_bytes (x, n);
      kc_fill_bytes (table, 256);
      v->qvec.lookup (x, n, table, y);
      for (size_t i = 0; i < n; i++)
        if (y[i] != table[x[i]])
          kc_fail ("code %zu is %d, should be %d", i, y[i], table[x[i]]);
      kc_guards ("lookup");
      kc_release ();
    }
}

/* The number first, then its power: arguments of a call have no order, and digests need one. */
static float
random_scale (void)
{
  const float mantissa = 1 + 0.4f * kc_random_float (KC_UNIFORM);

  return ldexpf (mantissa, -(int)kc_random_below (6));
}

/* Every pair of codes, in small pieces, also with one b for all. */
static KnQbinaryArgs
random_binary (size_t n)
{
  const float a_scale = random_scale ();
  const float b_scale = random_scale ();
  const float larger = a_scale > b_scale ? a_scale : b_scale;
  const int is_signed = (int)kc_random_below (2);
  KnQbinaryArgs a = { .n = n, .b_step = kc_random_below (2), .a_signed = is_signed };

  a.b_signed = is_signed;
  a.a_zero = (int32_t)kc_random_below (256) - 128 * is_signed;
  a.b_zero = (int32_t)kc_random_below (256) - 128 * is_signed;
  a.scale = a_scale * b_scale;
  a.shift = (uint32_t)(20 - ilogbf (larger));
  a.a_factor = (int32_t)lrintf (ldexpf (a_scale, (int)a.shift));
  a.b_factor = (int32_t)lrintf (ldexpf (b_scale, (int)a.shift));
  a.bias = (1 << (a.shift - 1)) - a.a_factor * a.a_zero - a.b_factor * a.b_zero;
  a.requant = random_requant (is_signed);
  a.a = kc_input (n, 1);
  a.b = kc_input (a.b_step ? n : 1, 1);
  kc_fill_bytes ((void *)(uintptr_t)a.a, n);
  kc_fill_bytes ((void *)(uintptr_t)a.b, a.b_step ? n : 1);
  return a;
}

static double
exact_binary (const KnQbinaryArgs *a, size_t i, int product)
{
  const double x = code (a->a, i, a->a_signed) - a->a_zero;
  const double z = code (a->b, i * a->b_step, a->b_signed) - a->b_zero;

  if (product)
    return x * z * (double)a->scale;
  return (x * a->a_factor + z * a->b_factor) / ldexp (1, (int)a->shift);
}

static void
check_binary (const KnTable *c, const KnTable *v, const void *data)
{
  const int product = data != NULL;

  for (int round = 0; round < 40; round++)
    for (size_t l = 0; l < N_LENGTHS; l++)
      {
        const size_t n = lengths[l] ? lengths[l] : 1;
        KnQbinaryArgs a = random_binary (n);
        uint8_t *expected = kc_output (n, 1), *y = kc_output (n, 1);

        kc_context ("%zu codes, b step %zu", n, a.b_step);
        a.y = expected;
        (product ? c->qvec.mul : c->qvec.add) (&a);
        a.y = y;
        (product ? v->qvec.mul : v->qvec.add) (&a);
        for (size_t i = 0; v == c && i < n; i++)
          near_code (i, code (y, i, a.a_signed), exact_binary (&a, i, product), &a.requant);
        kc_same_bytes ("y", y, expected, n);
        kc_guards ("binary");
        kc_release ();
      }
}

/* @data: maxima instead of sums. */
static void
check_rows (const KnTable *c, const KnTable *v, const void *data)
{
  static const size_t heights[] = { 0, 1, 2, 9, 128, 129, 300 };

  for (size_t l = 0; l < N_LENGTHS; l++)
    for (size_t h = 0; h < sizeof heights / sizeof *heights; h++)
      {
        const size_t n = lengths[l], n_rows = heights[h], stride = n + kc_random_below (5);
        const int is_signed = (int)kc_random_below (2);
        const size_t size = n_rows > 0 ? (n_rows - 1) * stride + n : 0;
        uint8_t *x = kc_input (size, 1);
        uint8_t *y = kc_output (n, 1);
        int32_t *sums = kc_output (n * 4, 4);

        kc_context ("%zu rows of %zu, %s", n_rows, n, is_signed ? "signed" : "unsigned");
        kc_fill_bytes (x, size);
        for (size_t i = 0; i < size && h % 2; i++)
          x[i] = is_signed ? 0x80 : 0xff; /* the largest sums */
        for (size_t i = 0; i < n; i++)
          {
            y[i] = (uint8_t)(is_signed ? -5 : 5);
            sums[i] = (int32_t)i - 7;
          }
        if (data != NULL)
          v->qvec.max_rows (x, stride, n_rows, n, is_signed, y);
        else
          v->qvec.sum_rows (x, stride, n_rows, n, is_signed, sums);
        for (size_t i = 0; i < n; i++)
          {
            int sum = (int)i - 7, largest = is_signed ? -5 : 5;
            for (size_t row = 0; row < n_rows; row++)
              {
                const int one = code (x, row * stride + i, is_signed);
                sum += one;
                largest = one > largest ? one : largest;
              }
            if (data != NULL && code (y, i, is_signed) != largest)
              kc_fail ("maximum %zu is %d, should be %d", i, code (y, i, is_signed), largest);
            if (data == NULL && sums[i] != sum)
              kc_fail ("sum %zu is %d, should be %d", i, sums[i], sum);
          }
        kc_guards ("rows");
        kc_release ();
      }
}

static void
check_lerp (const KnTable *c, const KnTable *v, const void *data)
{
  for (size_t l = 0; l < N_LENGTHS; l++)
    for (int is_signed = 0; is_signed < 2; is_signed++)
      {
        const size_t n = lengths[l];
        const int32_t fa = (int32_t)kc_random_below (1025), fb = 1024 - fa;
        int32_t *a = kc_input (n * 4, 4), *b = kc_input (n * 4, 4);
        uint8_t *y = kc_output (n, 1);

        kc_context ("%zu numbers, %s", n, is_signed ? "signed" : "unsigned");
        for (size_t i = 0; i < n; i++)
          {
            /* Every fourth sum is a half. */
            a[i] = ((int32_t)kc_random_below (256) - 128 * is_signed) * 1024 + (i % 4 ? 0 : 512);
            b[i] = i % 4 ? ((int32_t)kc_random_below (256) - 128 * is_signed) * 1024 : a[i];
            a[i] -= i % 4 || a[i] < 255 * 1024 - 128 * 1024 * is_signed ? 0 : 1024;
            b[i] = i % 4 ? b[i] : a[i];
          }
        v->qvec.lerp (a, b, fa, fb, n, y);
        for (size_t i = 0; i < n; i++)
          {
            const double exact = ((double)a[i] * fa + (double)b[i] * fb) / 0x1p20;
            if (code (y, i, is_signed) != (int)round (exact))
              kc_fail ("code %zu is %d, exact is %.9g", i, code (y, i, is_signed), exact);
          }
        kc_guards ("lerp");
        kc_release ();
      }
}

/* ---- benchmarks ---- */

#define BENCH_N 16384

typedef struct
{
  const KnQvecFamily *f;
  KnQbinaryArgs binary;
  KnRequant requant;
  float *x;
  uint8_t *y;
  const uint8_t *table;
  int which;
} Run;

static void
run_one (void *arg)
{
  const Run *r = arg;

  switch (r->which)
    {
    case 0:
      r->f->quantize (r->x, BENCH_N, 0.1f, &r->requant, r->y);
      break;
    case 1:
      r->f->dequantize (r->y, BENCH_N, 1, 3, 0.1f, r->x);
      break;
    case 2:
      r->f->lookup (r->y, BENCH_N, r->table, r->y);
      break;
    case 3:
      r->f->add (&r->binary);
      break;
    default:
      r->f->mul (&r->binary);
      break;
    }
}

static void
bench (const KnTable *v, const void *data)
{
  static const char *const labels[] = { "quantize", "dequantize", "lookup", "add", "mul" };
  static const double bytes[] = { 5, 5, 2, 3, 3 };
  Run r = { .f = &v->qvec, .x = kc_output (BENCH_N * 4, 64), .y = kc_output (BENCH_N, 64) };

  r.binary = random_binary (BENCH_N);
  r.binary.y = r.y;
  r.requant = random_requant (1);
  r.table = kc_input (256, 64);
  kc_fill (r.x, BENCH_N, KC_NORMAL);
  for (r.which = 0; r.which < 5; r.which++)
    kc_bench (labels[r.which], run_one, &r, bytes[r.which] * BENCH_N, 0);
}

static const KcCase cases[] = {
  { "qvec/quantize", check_quantize, bench, NULL, KC_MEMBERS (qvec) },
  { "qvec/dequantize", check_dequantize, NULL, NULL, KC_MEMBERS (qvec.dequantize) },
  { "qvec/lookup", check_lookup, NULL, NULL, KC_MEMBERS (qvec.lookup) },
  { "qvec/add", check_binary, NULL, NULL, KC_MEMBERS (qvec.add) },
  { "qvec/mul", check_binary, NULL, "mul", KC_MEMBERS (qvec.mul) },
  { "qvec/sum-rows", check_rows, NULL, NULL, KC_MEMBERS (qvec.sum_rows) },
  { "qvec/max-rows", check_rows, NULL, "max", KC_MEMBERS (qvec.max_rows) },
  { "qvec/lerp", check_lerp, NULL, NULL, KC_MEMBERS (qvec.lerp) },
  { 0 },
};

void
kc_register_qvec (void)
{
  kc_register (cases);
}
