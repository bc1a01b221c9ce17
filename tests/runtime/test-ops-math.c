/* The element-wise arithmetic operators against their references on 1, 2, 3 and 8 threads, and
 * against closed formulas. u = 2^-24. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-math.h"

#define U 0x1p-24

/* ---- one number ---- */

typedef struct
{
  const RtOp *op;
  double low, high;
  double a, b;
  double relative, absolute;
} UnaryRow;

/* Kernels are within 13 u of the definition (kn-check-map.c has the proofs); what goes through the
 * C library is the definition. */
static const UnaryRow unary_rows[] = {
  { &rt_op_relu, -2, 2, 0, 0, 0, 0 },
  { &rt_op_abs, -2, 2, 0, 0, 0, 0 },
  { &rt_op_neg, -2, 2, 0, 0, 0, 0 },
  { &rt_op_sign, -2, 2, 0, 0, 0, 0 },
  { &rt_op_clip, -2, 2, -0.5, 1.25, 0, 0 },
  { &rt_op_clip, -9, 9, 0, 6, 0, 0 },
  { &rt_op_leaky_relu, -2, 2, 0.1, 0, 3 * U, 0 },
  { &rt_op_elu, -5, 2, 1.5, 0, 9 * U, 0 },
  { &rt_op_selu, -5, 2, 1.67326319217681884765625, 1.05070102214813232421875, 11 * U, 0 },
  { &rt_op_celu, -5, 2, 1.5, 0, 0, 0 },
  { &rt_op_thresholded_relu, -2, 2, 0.5, 0, 0, 0 },
  { &rt_op_hard_sigmoid, -5, 5, 0.2, 0.5, 3 * U, U },
  { &rt_op_shrink, -2, 2, 0.5, 0.25, 0, 0 },
  { &rt_op_affine, -2, 2, 0.3, -0.7, 2 * U, 2 * U },
  { &rt_op_sigmoid, -20, 20, 0, 0, 7 * U, 0 },
  { &rt_op_tanh, -5, 5, 0, 0, 11 * U, 0 },
  { &rt_op_silu, -20, 20, 0, 0, 8 * U, 0 },
  { &rt_op_hard_swish, -5, 5, 0, 0, 3 * U, 3 * U },
  { &rt_op_mish, -10, 10, 0, 0, 14 * U, 0 },
  { &rt_op_gelu_erf, -4, 4, 0, 0, 40 * U, 0 },
  { &rt_op_softplus, -20, 20, 0, 0, 0, 0 },
  { &rt_op_softsign, -20, 20, 0, 0, 0, 0 },
  { &rt_op_sqrt, 0, 20, 0, 0, 0, 0 },
  { &rt_op_rsqrt, 0.1, 20, 0, 0, 0, 0 },
  { &rt_op_reciprocal, 0.1, 20, 0, 0, 0, 0 },
  { &rt_op_square, -20, 20, 0, 0, 0, 0 },
  { &rt_op_exp, -20, 20, 0, 0, 4 * U, 0 },
  { &rt_op_log, 0.1, 20, 0, 0, 0, 0 },
  { &rt_op_log1p, -0.5, 20, 0, 0, 0, 0 },
  { &rt_op_erf, -5, 5, 0, 0, 6 * U, 0 },
  { &rt_op_sin, -9, 9, 0, 0, 0, 0 },
  { &rt_op_cos, -9, 9, 0, 0, 0, 0 },
  { &rt_op_tan, -1, 1, 0, 0, 0, 0 },
  { &rt_op_asin, -1, 1, 0, 0, 0, 0 },
  { &rt_op_acos, -1, 1, 0, 0, 0, 0 },
  { &rt_op_atan, -9, 9, 0, 0, 0, 0 },
  { &rt_op_sinh, -5, 5, 0, 0, 0, 0 },
  { &rt_op_cosh, -5, 5, 0, 0, 0, 0 },
  { &rt_op_asinh, -5, 5, 0, 0, 0, 0 },
  { &rt_op_acosh, 1, 5, 0, 0, 0, 0 },
  { &rt_op_atanh, -0.9, 0.9, 0, 0, 0, 0 },
  { &rt_op_ceil, -5, 5, 0, 0, 0, 0 },
  { &rt_op_floor, -5, 5, 0, 0, 0, 0 },
  { &rt_op_round, -5, 5, 0, 0, 0, 0 },
  { &rt_op_is_nan, -5, 5, 0, 0, 0, 0 },
  { &rt_op_is_inf, -5, 5, 1, 1, 0, 0 },
};

static const int64_t unary_shapes[][3] = { { 1, 1, 1 }, { 3, 5, 7 }, { 2, 64, 300 } };

static void
check_unary (const UnaryRow *row, int type)
{
  for (gsize s = 0; s < G_N_ELEMENTS (unary_shapes); s++)
    {
      RtUnaryAttrs attrs = { row->a, row->b };
      NetCase c;
      net_case_init (&c);
      net_case_random_input (&c, type, 3, unary_shapes[s], row->low, row->high);
      net_case_node (&c, row->op, row->op->attrs_bytes > 0 ? &attrs : NULL, NULL);
      net_case_check (&c, type == RT_TYPE_F32 ? row->relative : 0,
                      type == RT_TYPE_F32 ? row->absolute : 0);
      net_case_clear (&c);
    }
}

static void
test_unary (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (unary_rows); i++)
    {
      check_unary (&unary_rows[i], RT_TYPE_F32);
      check_unary (&unary_rows[i], RT_TYPE_F64);
    }
}

/* y of one operator on [n] numbers of @type. */
static void
assert_unary (const RtOp *op, int type, const void *x, gsize n, const RtUnaryAttrs *attrs,
              const double *expected, double relative)
{
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];
  net_case_init (&c);
  net_case_input (&c, type, 1, (int64_t[]){ (int64_t)n }, x);
  net_case_node (&c, op, attrs, NULL);
  net_case_run_threads (&c, y);
  net_result_check (&y[0], expected, n, relative, 0);
  net_results_clear (y);
  net_case_clear (&c);
}

/* Values that stand in books. */
static void
test_unary_values (void)
{
  const float x[] = { -1, 0, 1, 2 };
  const float half[] = { -2.5f, -1.5f, -0.5f, 0.5f, 1.5f, 2.5f };
  const float odd[] = { NAN, INFINITY, -INFINITY, 3 };
  const RtUnaryAttrs elu = { 2, 0 }, both = { 1, 1 }, positive = { 0, 1 }, relu6 = { 0, 6 };

  assert_unary (&rt_op_sigmoid, RT_TYPE_F32, x, 4, NULL,
                (double[]){ 0.26894142137, 0.5, 0.73105857863, 0.88079707798 }, 1e-6);
  assert_unary (&rt_op_tanh, RT_TYPE_F32, x, 4, NULL,
                (double[]){ -0.76159415596, 0, 0.76159415596, 0.96402758008 }, 1e-6);
  assert_unary (&rt_op_gelu_erf, RT_TYPE_F32, x, 4, NULL,
                (double[]){ -0.15865525393, 0, 0.84134474607, 1.95449973610 }, 1e-6);
  assert_unary (&rt_op_erf, RT_TYPE_F32, x, 4, NULL,
                (double[]){ -0.84270079295, 0, 0.84270079295, 0.99532226502 }, 1e-6);
  assert_unary (&rt_op_elu, RT_TYPE_F32, x, 4, &elu, (double[]){ -1.26424111766, 0, 1, 2 }, 1e-6);
  assert_unary (&rt_op_softplus, RT_TYPE_F32, x, 4, NULL,
                (double[]){ 0.31326168752, 0.69314718056, 1.31326168752, 2.12692801104 }, 1e-6);
  assert_unary (&rt_op_mish, RT_TYPE_F32, x, 4, NULL,
                (double[]){ -0.30340146137, 0, 0.86509838827, 1.94395901877 }, 1e-6);
  assert_unary (&rt_op_hard_swish, RT_TYPE_F32, x, 4, NULL,
                (double[]){ -1.0 / 3, 0, 2.0 / 3, 5.0 / 3 }, 1e-6);
  assert_unary (&rt_op_round, RT_TYPE_F32, half, 6, NULL, (double[]){ -2, -2, 0, 0, 2, 2 }, 0);
  assert_unary (&rt_op_relu, RT_TYPE_F32, odd, 4, NULL, (double[]){ NAN, INFINITY, 0, 3 }, 0);
  assert_unary (&rt_op_clip, RT_TYPE_F32, odd, 4, &relu6, (double[]){ NAN, 6, 0, 3 }, 0);
  assert_unary (&rt_op_is_nan, RT_TYPE_F32, odd, 4, NULL, (double[]){ 1, 0, 0, 0 }, 0);
  assert_unary (&rt_op_is_inf, RT_TYPE_F32, odd, 4, &both, (double[]){ 0, 1, 1, 0 }, 0);
  assert_unary (&rt_op_is_inf, RT_TYPE_F64, (double[]){ NAN, INFINITY, -INFINITY }, 3, &positive,
                (double[]){ 0, 1, 0 }, 0);
}

static void
test_unary_integers (void)
{
  const gint8 x[] = { -128, -5, 0, 5, 127 };
  const guint8 bools[] = { 0, 1 };
  const guint64 large[] = { 0, G_MAXUINT64 };
  const RtUnaryAttrs limits = { -5.5, 100 }, none = { -INFINITY, INFINITY }, low = { 1, INFINITY };

  assert_unary (&rt_op_relu, RT_TYPE_I8, x, 5, NULL, (double[]){ 0, 0, 0, 5, 127 }, 0);
  assert_unary (&rt_op_abs, RT_TYPE_I8, x, 5, NULL, (double[]){ -128, 5, 0, 5, 127 }, 0);
  assert_unary (&rt_op_neg, RT_TYPE_I8, x, 5, NULL, (double[]){ -128, 5, 0, -5, -127 }, 0);
  assert_unary (&rt_op_sign, RT_TYPE_I8, x, 5, NULL, (double[]){ -1, -1, 0, 1, 1 }, 0);
  assert_unary (&rt_op_clip, RT_TYPE_I8, x, 5, &limits, (double[]){ -5, -5, 0, 5, 100 }, 0);
  assert_unary (&rt_op_clip, RT_TYPE_U64, large, 2, &none, (double[]){ 0, 0x1p64 }, 0);
  assert_unary (&rt_op_clip, RT_TYPE_U64, large, 2, &low, (double[]){ 1, 0x1p64 }, 0);
  assert_unary (&rt_op_bitwise_not, RT_TYPE_I8, x, 5, NULL, (double[]){ 127, 4, -1, -6, -128 }, 0);
  assert_unary (&rt_op_not, RT_TYPE_BOOL, bools, 2, NULL, (double[]){ 1, 0 }, 0);
}

/* ---- two numbers ---- */

typedef struct
{
  uint32_t n_a, n_b;
  int64_t a[5], b[5];
} Shapes;

static const Shapes broadcasts[] = {
  { 3, 3, { 3, 5, 7 }, { 3, 5, 7 } },
  { 4, 1, { 2, 9, 11, 48 }, { 48 } },          /* per channel */
  { 4, 4, { 2, 9, 11, 48 }, { 2, 1, 1, 48 } }, /* squeeze and excitation */
  { 4, 4, { 2, 9, 11, 48 }, { 1, 9, 11, 1 } }, /* a mask */
  { 4, 3, { 2, 16, 6, 7 }, { 16, 1, 1 } },     /* per channel, channels first */
  { 2, 0, { 70, 33 }, { 0 } },                 /* one number */
  { 0, 2, { 0 }, { 70, 33 } },
  { 2, 2, { 5, 1 }, { 1, 6 } }, /* both ways */
  { 5, 5, { 2, 1, 3, 1, 5 }, { 1, 4, 1, 2, 1 } },
  { 1, 3, { 1 }, { 1, 1, 1 } },
  { 2, 1, { 0, 4 }, { 4 } }, /* nothing */
};

typedef struct
{
  const RtOp *op;
  double low, high; /* of b; a is -3..3 */
} BinaryRow;

static const BinaryRow binary_rows[] = {
  { &rt_op_add, -3, 3 },      { &rt_op_sub, -3, 3 },
  { &rt_op_mul, -3, 3 },      { &rt_op_div, 1, 3 },
  { &rt_op_min, -3, 3 },      { &rt_op_max, -3, 3 },
  { &rt_op_mod, 1, 3 },       { &rt_op_fmod, 1, 3 },
  { &rt_op_floor_div, 1, 3 }, { &rt_op_squared_difference, -3, 3 },
  { &rt_op_equal, -3, 3 },    { &rt_op_not_equal, -3, 3 },
  { &rt_op_less, -3, 3 },     { &rt_op_less_equal, -3, 3 },
  { &rt_op_greater, -3, 3 },  { &rt_op_greater_equal, -3, 3 },
};

static void
check_binary (const BinaryRow *row, int type, const Shapes *s)
{
  NetCase c;
  net_case_init (&c);
  net_case_random_input (&c, type, s->n_a, s->a, -3, 3);
  net_case_random_input (&c, type, s->n_b, s->b, row->low, row->high);
  net_case_node (&c, row->op, NULL, NULL);
  net_case_check (&c, 0, 0);
  net_case_clear (&c);
}

static void
test_binary (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (binary_rows); i++)
    for (gsize s = 0; s < G_N_ELEMENTS (broadcasts); s++)
      {
        check_binary (&binary_rows[i], RT_TYPE_F32, &broadcasts[s]);
        check_binary (&binary_rows[i], RT_TYPE_F64, &broadcasts[s]);
        check_binary (&binary_rows[i], RT_TYPE_I64, &broadcasts[s]);
        check_binary (&binary_rows[i], RT_TYPE_I8, &broadcasts[s]);
      }
  check_binary (&(BinaryRow){ &rt_op_prelu, -1, 1 }, RT_TYPE_F32, &broadcasts[1]);
  check_binary (&(BinaryRow){ &rt_op_prelu, -1, 1 }, RT_TYPE_F32, &broadcasts[4]);
  check_binary (&(BinaryRow){ &rt_op_atan2, -1, 1 }, RT_TYPE_F32, &broadcasts[0]);
  check_binary (&(BinaryRow){ &rt_op_pow, 1, 3 }, RT_TYPE_I32, &broadcasts[0]);
  check_binary (&(BinaryRow){ &rt_op_shift_left, 0, 7 }, RT_TYPE_U8, &broadcasts[0]);
  check_binary (&(BinaryRow){ &rt_op_xor, 0, 1 }, RT_TYPE_BOOL, &broadcasts[2]);
}

/* A constant operand, half precision, on the right and on the left. */
static void
test_binary_constant (void)
{
  const int64_t x[] = { 2, 5, 24 }, w[] = { 24 };
  for (int left = 0; left < 2; left++)
    {
      NetCase c;
      net_case_init (&c);
      if (left)
        net_case_random_weight (&c, RT_TYPE_F16, 1, w, -3, 3);
      net_case_random_input (&c, RT_TYPE_F32, 3, x, -3, 3);
      if (!left)
        net_case_random_weight (&c, RT_TYPE_F16, 1, w, -3, 3);
      net_case_node (&c, &rt_op_sub, NULL, NULL);
      net_case_check (&c, 0, 0);
      net_case_clear (&c);
    }
}

static void
assert_binary (const RtOp *op, int type_a, const void *a, int type_b, const void *b, gsize n,
               const double *expected)
{
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];
  net_case_init (&c);
  net_case_input (&c, type_a, 1, (int64_t[]){ (int64_t)n }, a);
  net_case_input (&c, type_b, 1, (int64_t[]){ (int64_t)n }, b);
  net_case_node (&c, op, NULL, NULL);
  net_case_run_threads (&c, y);
  net_result_check (&y[0], expected, n, 1e-7, 0);
  net_results_clear (y);
  net_case_clear (&c);
}

static void
test_binary_values (void)
{
  const gint32 a[] = { -7, 7, -7, 7, 5 }, b[] = { 3, -3, -3, 3, 0 };
  const gint32 small[] = { G_MININT32, 1, 2, 3 }, exponent[] = { -1, 5, 3, 2 };
  const float x[] = { NAN, 1, -4, -4 }, y[] = { 1, NAN, 3, -3 };
  const guint8 u[] = { 200, 1, 255 }, v[] = { 100, 255, 1 }, shift[] = { 1, 8, 7 };

#define I32_I32(op, ...)                                                                           \
  assert_binary (&rt_op_##op, RT_TYPE_I32, a, RT_TYPE_I32, b, 5, (double[]){ __VA_ARGS__ })
  I32_I32 (div, -2, -2, 2, 2, 0);
  I32_I32 (floor_div, -3, -3, 2, 2, 0);
  I32_I32 (mod, 2, -2, -1, 1, 0);
  I32_I32 (fmod, -1, 1, -1, 1, 0);
  I32_I32 (max, 3, 7, -3, 7, 5);
  I32_I32 (less, 1, 0, 1, 0, 0);
  assert_binary (&rt_op_div, RT_TYPE_I32, small, RT_TYPE_I32, exponent, 1,
                 (double[]){ G_MININT32 });
  assert_binary (&rt_op_pow, RT_TYPE_I32, small, RT_TYPE_I32, exponent, 4,
                 (double[]){ 0, 1, 8, 9 });
  assert_binary (&rt_op_pow, RT_TYPE_F32, (float[]){ 2, 4 }, RT_TYPE_I64, (gint64[]){ -1, 3 }, 2,
                 (double[]){ 0.5, 64 });
  assert_binary (&rt_op_max, RT_TYPE_F32, x, RT_TYPE_F32, y, 4, (double[]){ NAN, NAN, 3, -3 });
  assert_binary (&rt_op_min, RT_TYPE_F32, x, RT_TYPE_F32, y, 4, (double[]){ NAN, NAN, -4, -4 });
  assert_binary (&rt_op_mod, RT_TYPE_F32, x + 2, RT_TYPE_F32, y + 2, 2, (double[]){ 2, -1 });
  assert_binary (&rt_op_fmod, RT_TYPE_F32, x + 2, RT_TYPE_F32, y + 2, 2, (double[]){ -1, -1 });
  assert_binary (&rt_op_add, RT_TYPE_U8, u, RT_TYPE_U8, v, 3, (double[]){ 44, 0, 0 });
  assert_binary (&rt_op_max, RT_TYPE_U8, u, RT_TYPE_U8, v, 3, (double[]){ 200, 255, 255 });
  assert_binary (&rt_op_shift_left, RT_TYPE_U8, u, RT_TYPE_U8, shift, 3, (double[]){ 144, 0, 128 });
  assert_binary (&rt_op_shift_right, RT_TYPE_U8, u, RT_TYPE_U8, shift, 3, (double[]){ 100, 0, 1 });
  assert_binary (&rt_op_greater, RT_TYPE_U64, (guint64[]){ G_MAXUINT64 }, RT_TYPE_U64,
                 (guint64[]){ 1 }, 1, (double[]){ 1 });
}

/* ---- refusals ---- */

static void
assert_refused (const RtOp *op, int type_a, int type_b, const int64_t *a, const int64_t *b,
                const char *text)
{
  NetCase c;
  net_case_init (&c);
  net_case_random_input (&c, type_a, 2, a, 0, 2);
  net_case_random_input (&c, type_b, 2, b, 0, 2);
  g_autofree char *message = net_case_refused (&c, op, NULL);
  if (strstr (message, text) == NULL)
    g_error ("\"%s\" does not say \"%s\"", message, text);
  net_case_clear (&c);
}

static void
test_refusals (void)
{
  const int64_t a[] = { 2, 3 }, b[] = { 2, 4 }, c[] = { 1, 3 };
  assert_refused (&rt_op_add, RT_TYPE_F32, RT_TYPE_F32, a, b, "[2, 3] and [2, 4] do not broadcast");
  assert_refused (&rt_op_add, RT_TYPE_F32, RT_TYPE_I32, a, a, "expected one type");
  assert_refused (&rt_op_and, RT_TYPE_F32, RT_TYPE_F32, a, a, "expected type bool, got f32");
  assert_refused (&rt_op_prelu, RT_TYPE_F32, RT_TYPE_F32, c, a, "does not broadcast to [1, 3]");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/math/unary", test_unary);
  g_test_add_func ("/math/unary/values", test_unary_values);
  g_test_add_func ("/math/unary/integers", test_unary_integers);
  g_test_add_func ("/math/binary", test_binary);
  g_test_add_func ("/math/binary/constant", test_binary_constant);
  g_test_add_func ("/math/binary/values", test_binary_values);
  g_test_add_func ("/math/refusals", test_refusals);
  return g_test_run ();
}
