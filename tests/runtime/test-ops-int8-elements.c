/* Operators that take quantized tensors element by element, window by window or row by row, and
 * those that make them of real numbers, against their plain references: the same codes for 1, 2, 3
 * and 8 threads, and a few worked out by hand. Products are in test-ops-int8.c. */
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"

/* ---- codes and what they stand for ---- */

static const float sx = 0.043f, sb = 0.029f, sy = 0.051f;

static int32_t
zero_of (int type, int32_t zero)
{
  return type == RT_TYPE_I8 ? zero - 128 : zero;
}

static void
add_codes (NetCase *c, int type, uint32_t n_dims, const int64_t *dims, float scale, int32_t zero)
{
  const int32_t z = zero_of (type, zero);

  net_case_random_input (c, type, n_dims, dims, 0, 256);
  net_case_quant (c, 1, 0, &scale, &z);
}

static int
input_code (NetCase *c, uint32_t input, int type, gsize i)
{
  const guint8 *data = g_ptr_array_index (c->data, c->inputs[input]);
  return type == RT_TYPE_I8 ? (gint8)data[i] : data[i];
}

/* The codes of y stand for @real numbers, within @slack of half a code, at the ends of the type
 * less. */
static void
check_real (const NetResult *y, const double *real, gsize n, float scale, int32_t zero,
            double slack)
{
  const int low = y->type == RT_TYPE_I8 ? -128 : 0;

  for (gsize i = 0; i < n; i++)
    {
      const double code = CLAMP (real[i] / (double)scale + zero, low, low + 255);
      if (fabs (net_result_get (y, i) - code) > 0.5 + slack)
        g_error ("element %" G_GSIZE_FORMAT " is %g, stands for %g", i, net_result_get (y, i),
                 code);
    }
}

/* ---- to and from real numbers ---- */

static void
test_quantize (void)
{
  static const int types[] = { RT_TYPE_I8, RT_TYPE_U8, RT_TYPE_I16, RT_TYPE_U16 };
  static const int64_t dims[] = { 3, 70, 5 };

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    for (int variant = 0; variant < 4; variant++)
      {
        const RtQuantizeAttrs attrs = { (uint32_t)types[i] };
        const float scales[] = { 0.031f, 0.007f, 0.11f };
        const int32_t zeros[] = { 3, 0, 100 };
        const RtQuant quant = { variant & 1 ? 3 : 1, 0, scales, zeros };
        NetCase c;

        net_case_init (&c);
        net_case_random_input (&c, variant & 2 ? RT_TYPE_F16 : RT_TYPE_F32, 3, dims, -5, 5);
        net_case_node (&c, &rt_op_quantize, &attrs, &quant);
        net_case_check (&c, 0, 0);
        net_case_clear (&c);

        net_case_init (&c);
        net_case_random_input (&c, types[i], 3, dims, -100, 156);
        net_case_quant (&c, quant.n, 0, scales, zeros);
        net_case_node (&c, &rt_op_dequantize, &attrs, NULL);
        net_case_check (&c, 0, 0);
        net_case_clear (&c);
      }
}

/* The example of ONNX's definition of QuantizeLinear, and what is out of range. */
static void
test_quantize_by_hand (void)
{
  static const float x[] = { 0, 2, 3, 1000, -254, -1000, 1, 5, INFINITY };
  static const double expected[] = { 128, 129, 130, 255, 1, 0, 128, 130, 255 };
  static const int64_t dims[] = { 9 };
  static const float scale = 2;
  static const int32_t zero = 128;
  const RtQuantizeAttrs attrs = { RT_TYPE_U8 };
  const RtQuant quant = { 1, 0, &scale, &zero };
  NetResult y[RT_MAX_OUTPUTS];
  NetCase c;

  net_case_init (&c);
  net_case_input (&c, RT_TYPE_F32, 1, dims, x);
  net_case_node (&c, &rt_op_quantize, &attrs, &quant);
  net_case_run_threads (&c, y);
  net_result_check (&y[0], expected, G_N_ELEMENTS (expected), 0, 0);
  net_results_clear (y);
  net_case_clear (&c);
}

/* ---- rounding as layers with 8-bit weights do ---- */

/* Two groups. 127 steps of 2.5 / 127; then 255 steps of 3.5 / 255 from -1: 1 / step is 72.86, so 0
 * has code -55 and -1 has -128; the end of the second group that is nearer to a code is the upper
 * one. */
static void
test_dynamic_round (void)
{
  static const float x[8] = { -1, 0, 1, 2.5f, -4, -3.99f, 0.01f, 0.5f };
  static const double lower = 2.5 / 127, upper = 4.0 / 127;
  const double symmetric[8]
      = { -51 * lower, 0, 51 * lower, 127 * lower, -127 * upper, -127 * upper, 0, 16 * upper };
  static const double low = 3.5 / 255, high = 4.5 / 255;
  const double asymmetric[8]
      = { -73 * low, 0, 73 * low, 182 * low, -227 * high, -226 * high, 1 * high, 28 * high };
  const int64_t dims[] = { 2, 4 }, large[] = { 3, 70000 };

  for (uint32_t k = 0; k < 2; k++)
    {
      NetResult y[RT_MAX_OUTPUTS];
      NetCase c;

      net_case_init (&c);
      net_case_input (&c, RT_TYPE_F32, 2, dims, x);
      net_case_node (&c, &rt_op_dynamic_round, &(RtDynamicRoundAttrs){ 1, k }, NULL);
      net_case_run_threads (&c, y);
      net_result_check (&y[0], k ? asymmetric : symmetric, 8, 1e-6, 1e-7);
      net_results_clear (y);
      net_case_clear (&c);

      net_case_init (&c);
      net_case_random_input (&c, RT_TYPE_F32, 2, large, -3, 5);
      net_case_node (&c, &rt_op_dynamic_round, &(RtDynamicRoundAttrs){ 1, k }, NULL);
      net_case_check (&c, 0, 0);
      net_case_clear (&c);
    }
}

/* ---- two tensors ---- */

static double
binary_real (const RtOp *op, double a, double b)
{
  if (op == &rt_op_add_int8)
    return a + b;
  if (op == &rt_op_sub_int8)
    return a - b;
  return op == &rt_op_mul_int8 || a < 0 ? a * b : a;
}

static void
test_binary (void)
{
  static const RtOp *const ops[]
      = { &rt_op_add_int8, &rt_op_sub_int8, &rt_op_mul_int8, &rt_op_prelu_int8 };
  static const int64_t shapes[][2][3]
      = { { { 2, 50, 19 }, { 2, 50, 19 } }, { { 7, 3, 40 }, { 1, 1, 40 } },
          { { 4, 9, 65 }, { 1, 1, 1 } },    { { 5, 1, 30 }, { 5, 6, 30 } },
          { { 1, 1, 1 }, { 3, 8, 20 } },    { { 6, 5, 1 }, { 6, 5, 33 } } };

  for (gsize o = 0; o < G_N_ELEMENTS (ops); o++)
    for (gsize s = 0; s < G_N_ELEMENTS (shapes); s++)
      {
        const int type = s % 2 ? RT_TYPE_U8 : RT_TYPE_I8;
        const int32_t zy = zero_of (type, 110);
        const RtBinaryInt8Attrs attrs = { (uint32_t)type, s == 0 ? 0 : -INFINITY, INFINITY };
        const RtQuant quant = { 1, 0, &sy, &zy };
        NetResult y[RT_MAX_OUTPUTS];
        NetCase c;

        net_case_init (&c);
        add_codes (&c, type, 3, shapes[s][0], sx, 120);
        add_codes (&c, type, 3, shapes[s][1], sb, 140);
        net_case_node (&c, ops[o], &attrs, &quant);
        net_case_check (&c, 0, 0);
        net_case_run_threads (&c, y);

        const gsize n = rt_shape_n (&y[0].shape);
        g_autofree double *real = g_new (double, n);
        for (gsize i = 0; i < n; i++)
          {
            gsize at[2] = { 0, 0 }, rest = i, step[2] = { 1, 1 };
            for (int d = 2; d >= 0; d--)
              {
                const gsize k = rest % (gsize)y[0].shape.dims[d];
                rest /= (gsize)y[0].shape.dims[d];
                for (int t = 0; t < 2; t++)
                  {
                    at[t] += shapes[s][t][d] > 1 ? k * step[t] : 0;
                    step[t] *= (gsize)shapes[s][t][d];
                  }
              }
            real[i]
                = binary_real (ops[o],
                               (input_code (&c, 0, type, at[0]) - zero_of (type, 120)) * (double)sx,
                               (input_code (&c, 1, type, at[1]) - zero_of (type, 140))
                                   * (double)sb);
            real[i] = MAX (real[i], (double)attrs.min);
          }
        check_real (&y[0], real, n, sy, zy, 0.002);
        net_results_clear (y);
        net_case_clear (&c);
      }
}

/* ---- one tensor ---- */

static double
hard_swish (double x)
{
  return x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6;
}

static double
leaky (double x)
{
  return x < 0 ? 0.1f * x : x;
}

static double
sigmoid (double x)
{
  return 1 / (1 + exp (-x));
}

static double
relu6 (double x)
{
  return CLAMP (x, 0, 6);
}

static double
elu (double x)
{
  return x < 0 ? exp (x) - 1 : x;
}

static double
square (double x)
{
  return x * x;
}

static void
test_unary (void)
{
  static const struct
  {
    RtInt8Function function;
    double (*real) (double);
    float a, b;
  } functions[] = { { RT_INT8_SIGMOID, sigmoid, 0, 0 },
                    { RT_INT8_TANH, tanh, 0, 0 },
                    { RT_INT8_HARD_SWISH, hard_swish, 0, 0 },
                    { RT_INT8_LEAKY_RELU, leaky, 0.1f, 0 },
                    { RT_INT8_CLIP, relu6, 0, 6 },
                    { RT_INT8_ELU, elu, 1, 0 },
                    { RT_INT8_ABS, fabs, 0, 0 },
                    { RT_INT8_SQUARE, square, 0, 0 },
                    { RT_INT8_EXP, exp, 0, 0 },
                    { RT_INT8_COS, cos, 0, 0 } };
  static const int64_t dims[] = { 4, 700 };

  for (gsize f = 0; f < G_N_ELEMENTS (functions); f++)
    for (int t = 0; t < 2; t++)
      {
        const int type = t ? RT_TYPE_U8 : RT_TYPE_I8;
        const int32_t zy = zero_of (type, 30);
        const RtQuant quant = { 1, 0, &sy, &zy };
        const RtUnaryInt8Attrs attrs
            = { functions[f].function, (uint32_t)type, functions[f].a, functions[f].b, 0 };
        double real[2800];
        NetResult y[RT_MAX_OUTPUTS];
        NetCase c;

        net_case_init (&c);
        add_codes (&c, type, 2, dims, sx, 120);
        net_case_node (&c, &rt_op_unary_int8, &attrs, &quant);
        net_case_check (&c, 0, 0);
        net_case_run_threads (&c, y);
        for (gsize i = 0; i < 2800; i++)
          real[i] = functions[f].real ((input_code (&c, 0, type, i) - zero_of (type, 120))
                                       * (double)sx);
        check_real (&y[0], real, 2800, sy, zy, 1e-4);
        net_results_clear (y);
        net_case_clear (&c);
      }
}

static void
test_requantize (void)
{
  static const int types[] = { RT_TYPE_I8, RT_TYPE_U8, RT_TYPE_I16 };
  static const int64_t dims[] = { 900 };

  for (gsize from = 0; from < 3; from++)
    for (gsize to = 0; to < 3; to++)
      for (uint32_t coarse = 0; coarse < (from < 2 && to < 2 ? 2u : 1u); coarse++)
        {
          const int32_t zero = types[from] == RT_TYPE_U8 ? 9 : 0,
                        zy = types[to] == RT_TYPE_U8 ? 7 : 0;
          const RtQuant quant = { 1, 0, &sy, &zy };
          const RtQuantizeAttrs attrs = { (uint32_t)types[to], coarse };
          NetCase c;

          net_case_init (&c);
          net_case_random_input (&c, types[from], 1, dims, 0, 100);
          net_case_quant (&c, 1, 0, &sx, &zero);
          net_case_node (&c, &rt_op_requantize, &attrs, &quant);
          net_case_check (&c, 0, 0);
          net_case_clear (&c);
        }
}

/* Scales 0.375 and 0.25: the code 3 stands for 4.5 codes, which is 4 half to even, and 5 with a
 * factor of 384 / 256 and + 128. */
static void
test_requantize_by_hand (void)
{
  static const guint8 x[] = { 3, 0, 10 };
  static const int64_t dims[] = { 3 };
  static const float from = 0.375f, to = 0.25f;
  static const int32_t zero = 0;
  static const double exact[] = { 4, 0, 15 }, coarse[] = { 5, 0, 15 };
  const RtQuant quant = { 1, 0, &to, &zero };

  for (uint32_t k = 0; k < 2; k++)
    {
      const RtQuantizeAttrs attrs = { RT_TYPE_U8, k };
      NetResult y[RT_MAX_OUTPUTS];
      NetCase c;

      net_case_init (&c);
      net_case_input (&c, RT_TYPE_U8, 1, dims, x);
      net_case_quant (&c, 1, 0, &from, &zero);
      net_case_node (&c, &rt_op_requantize, &attrs, &quant);
      net_case_run_threads (&c, y);
      net_result_check (&y[0], k ? coarse : exact, 3, 0, 0);
      net_results_clear (y);
      net_case_clear (&c);
    }
}

/* The three examples of ONNX's definition of DynamicQuantizeLinear. */
static void
test_dynamic_quantize (void)
{
  static const float x[][12]
      = { { 0, 2, -3, -2.5f, 1.34f, 0.5f },
          { -1, -2.1f, -1.3f, -2.5f, -3.34f, -4 },
          { 1, 2.1f, 1.3f, 2.5f, 3.34f, 4, 1.5f, 2.6f, 3.9f, 4, 3, 2.345f } };
  static const double scales[] = { 0.0196078438, 0.0156862754, 0.0156862754 },
                      zeros[] = { 153, 255, 0 };
  static const double codes[][12] = { { 153, 255, 0, 26, 221, 179 },
                                      { 191, 121, 172, 96, 42, 0 },
                                      { 64, 134, 83, 159, 213, 255, 96, 166, 249, 255, 191, 149 } };

  for (int k = 0; k < 3; k++)
    {
      const int64_t dims[] = { k == 2 ? 12 : 6 };
      NetResult y[RT_MAX_OUTPUTS];
      NetCase c;

      net_case_init (&c);
      net_case_input (&c, RT_TYPE_F32, 1, dims, x[k]);
      net_case_node (&c, &rt_op_dynamic_quantize, NULL, NULL);
      net_case_run_threads (&c, y);
      net_result_check (&y[0], codes[k], (gsize)dims[0], 0, 0);
      net_result_check (&y[1], &scales[k], 1, 1e-6, 0);
      net_result_check (&y[2], &zeros[k], 1, 0, 0);
      net_results_clear (y);
      net_case_clear (&c);
    }

  const int64_t dims[] = { 70000 };
  NetCase c;
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, 1, dims, -3, 5);
  net_case_node (&c, &rt_op_dynamic_quantize, NULL, NULL);
  net_case_check (&c, 0, 0);
  net_case_clear (&c);
}

/* ---- windows, means, rows ---- */

static void
test_pool (void)
{
  static const RtPoolAttrs pools[] = {
    { 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, -INFINITY, INFINITY, 0 },
    { 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 0, 0, -INFINITY, INFINITY, 0 },
    { 3, 2, 2, 3, 1, 1, 1, 0, 1, 1, 1, 1, 0, 3, 0 },
    { 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, -INFINITY, INFINITY, 0 },
    { 2, 2, 1, 1, 2, 2, 0, 0, 0, 0, 0, 0, -INFINITY, INFINITY, 0 },
  };
  static const int64_t dims[] = { 2, 11, 12, 300 };

  for (gsize i = 0; i < G_N_ELEMENTS (pools); i++)
    for (int k = 0; k < 6; k++)
      {
        const int type = k & 1 ? RT_TYPE_U8 : RT_TYPE_I8;
        const int32_t zx = zero_of (type, 100), zy = zero_of (type, 60);
        const RtQuant same = { 1, 0, &sx, &zx }, other = { 1, 0, &sy, &zy };
        NetCase c;

        net_case_init (&c);
        add_codes (&c, type, 4, dims, sx, 100);
        net_case_node (&c, k < 2 ? &rt_op_max_pool_int8 : &rt_op_average_pool_int8, &pools[i],
                       k < 4 ? &same : &other);
        net_case_check (&c, 0, 0);
        net_case_clear (&c);
      }
}

/* 2x2 windows, stride 2: sums -3, 6 and 10, 15 of four codes: -0.75, 1.5, 2.5, 3.75. */
static void
test_pool_by_hand (void)
{
  static const gint8 x[] = { 1, -7, 2, 2, 0, 3, 1, 1, 1, 2, 3, 4, 3, 4, 4, 4 };
  static const int64_t dims[] = { 1, 4, 4, 1 };
  static const RtPoolAttrs attrs = { 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, -INFINITY, INFINITY, 0 };
  static const double means[] = { -1, 2, 3, 4 }, most[] = { 3, 2, 4, 4 };
  NetResult y[RT_MAX_OUTPUTS];
  NetCase c;

  for (int k = 0; k < 2; k++)
    {
      net_case_init (&c);
      net_case_input (&c, RT_TYPE_I8, 4, dims, x);
      net_case_node (&c, k ? &rt_op_max_pool_int8 : &rt_op_average_pool_int8, &attrs, NULL);
      net_case_run_threads (&c, y);
      net_result_check (&y[0], k ? most : means, 4, 0, 0);
      net_results_clear (y);
      net_case_clear (&c);
    }
}

static void
test_mean (void)
{
  static const int64_t dims[] = { 2, 7, 8, 300 };
  static const RtReduceAttrs cases[]
      = { { 2, { 1, 2 }, 0 }, { 1, { -1 }, 1 }, { 2, { 2, 3 }, 1 }, { 0, { 0 }, 0 } };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (int t = 0; t < 2; t++)
      {
        const int type = t ? RT_TYPE_U8 : RT_TYPE_I8;
        const int32_t zy = zero_of (type, 60);
        const float narrow = 0.003f;
        const RtQuant quant = { 1, 0, &narrow, &zy };
        NetResult y[RT_MAX_OUTPUTS];
        NetCase c;

        net_case_init (&c);
        add_codes (&c, type, 4, dims, sx, 128);
        net_case_node (&c, &rt_op_mean_int8, &cases[i], &quant);
        net_case_check (&c, 0, 0);
        if (i == 3)
          {
            double sum = 0;
            for (gsize k = 0; k < 2 * 7 * 8 * 300; k++)
              sum += (input_code (&c, 0, type, k) - zero_of (type, 128)) * (double)sx;
            sum /= 2 * 7 * 8 * 300;
            net_case_run_threads (&c, y);
            check_real (&y[0], &sum, 1, narrow, zy, 0.01);
            net_results_clear (y);
          }
        net_case_clear (&c);
      }

  static const RtReduceAttrs apart = { 2, { 1, 3 }, 0 };
  NetCase c;
  net_case_init (&c);
  add_codes (&c, RT_TYPE_I8, 4, dims, sx, 128);
  g_autofree char *message = net_case_refused (&c, &rt_op_mean_int8, &apart);
  g_assert_nonnull (strstr (message, "neighbouring"));
  net_case_clear (&c);
}

/* The reference is the definition in double: at most one code from the table's. */
static void
test_rows (void)
{
  static const int64_t dims[] = { 30, 12 }, long_dims[] = { 3, 1001 };
  static const RtSoftmaxInt8Attrs softmax = { 1 };

  for (int k = 0; k < 8; k++)
    {
      const int type = k & 1 ? RT_TYPE_U8 : RT_TYPE_I8;
      const bool is_softmax = k & 4;
      const float scale = is_softmax ? 1 / 256.0f : 1 / 128.0f;
      const int32_t zero = zero_of (type, is_softmax ? 0 : 128);
      const RtQuant quant = { 1, 0, &scale, &zero };
      NetResult y[RT_MAX_OUTPUTS], exact[RT_MAX_OUTPUTS];
      NetCase c;

      net_case_init (&c);
      add_codes (&c, type, 2, k & 2 ? long_dims : dims, sx, 100);
      net_case_node (&c, is_softmax ? &rt_op_softmax_int8 : &rt_op_l2_norm_int8,
                     is_softmax ? &softmax : NULL, &quant);
      net_case_run_threads (&c, y);
      net_case_run (&c, 0, exact);
      for (gsize i = 0; i < y[0].n_bytes; i++)
        g_assert_cmpfloat (fabs (net_result_get (&y[0], i) - net_result_get (&exact[0], i)), <=, 1);
      net_results_clear (y);
      net_results_clear (exact);
      net_case_clear (&c);
    }
}

/* Two equal numbers are 0.5 each, 3 and 4 are 0.26894 and 0.73106 (times 256: 68.8, 187.2); 3, 4
 * has norm 5. */
static void
test_rows_by_hand (void)
{
  static const int64_t dims[] = { 2, 2 };
  static const gint8 x[] = { 9, 9, 3, 4 };
  static const float scale = 1 / 256.0f, ten = 0.1f, one = 1;
  static const int32_t low = -128, none = 0;
  static const double halves[] = { 0, 0, -59, 59 }, unit[] = { 7, 7, 6, 8 };
  static const RtSoftmaxInt8Attrs softmax = { 1 };
  const RtQuant quant = { 1, 0, &scale, &low }, tenths = { 1, 0, &ten, &none };
  NetResult y[RT_MAX_OUTPUTS];
  NetCase c;

  for (int k = 0; k < 2; k++)
    {
      net_case_init (&c);
      net_case_input (&c, RT_TYPE_I8, 2, dims, x);
      net_case_quant (&c, 1, 0, &one, &none);
      net_case_node (&c, k ? &rt_op_l2_norm_int8 : &rt_op_softmax_int8, k ? NULL : &softmax,
                     k ? &tenths : &quant);
      net_case_run_threads (&c, y);
      net_result_check (&y[0], k ? unit : halves, 4, 0, 0);
      net_results_clear (y);
      net_case_clear (&c);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ops-int8-elements/quantize", test_quantize);
  g_test_add_func ("/ops-int8-elements/quantize-by-hand", test_quantize_by_hand);
  g_test_add_func ("/ops-int8-elements/binary", test_binary);
  g_test_add_func ("/ops-int8-elements/unary", test_unary);
  g_test_add_func ("/ops-int8-elements/requantize", test_requantize);
  g_test_add_func ("/ops-int8-elements/requantize-by-hand", test_requantize_by_hand);
  g_test_add_func ("/ops-int8-elements/dynamic-quantize", test_dynamic_quantize);
  g_test_add_func ("/ops-int8-elements/pool", test_pool);
  g_test_add_func ("/ops-int8-elements/pool-by-hand", test_pool_by_hand);
  g_test_add_func ("/ops-int8-elements/dynamic-round", test_dynamic_round);
  g_test_add_func ("/ops-int8-elements/mean", test_mean);
  g_test_add_func ("/ops-int8-elements/rows", test_rows);
  g_test_add_func ("/ops-int8-elements/rows-by-hand", test_rows_by_hand);
  return g_test_run ();
}
