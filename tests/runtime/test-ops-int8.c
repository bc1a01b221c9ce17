/* Products of quantized tensors (convolutions, fully connected layers) against their plain
 * references: the same codes for 1, 2, 3 and 8 threads, and a few worked out by hand. The other
 * operators on codes are in test-ops-int8-elements.c. */
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"

/* ---- random quantized values ---- */

static void
quantize_input (NetCase *c, int type)
{
  const float scale = (float)g_test_rand_double_range (0.005, 0.1);
  const int32_t zero = g_test_rand_int_range (0, 256) - (type == RT_TYPE_I8 ? 128 : 0);

  net_case_quant (c, 1, 0, &scale, &zero);
}

/* One scale per channel for I8, one for all and a zero point for U8. */
static void
quantize_weight (NetCase *c, int type, int axis, size_t n)
{
  g_autofree float *scales = g_new (float, n);
  g_autofree int32_t *zeros = g_new0 (int32_t, n);

  for (size_t i = 0; i < n; i++)
    scales[i] = (float)g_test_rand_double_range (0.001, 0.02);
  if (type == RT_TYPE_U8)
    zeros[0] = g_test_rand_int_range (0, 256);
  net_case_quant (c, type == RT_TYPE_U8 ? 1 : (uint32_t)n, axis, scales, zeros);
}

static RtQuant
output_quant (int type, float scale)
{
  static float scales[1];
  static int32_t zeros[1];

  scales[0] = scale;
  zeros[0]
      = type == RT_TYPE_I32 ? 0 : g_test_rand_int_range (0, 256) - (type == RT_TYPE_I8 ? 128 : 0);
  return (RtQuant){ 1, 0, scales, zeros };
}

static void
random_bias (NetCase *c, size_t n)
{
  g_autofree int32_t *bias = g_new (int32_t, n);
  const int64_t dims[] = { (int64_t)n };

  for (size_t i = 0; i < n; i++)
    bias[i] = g_test_rand_int_range (-5000, 5000);
  net_case_weight (c, RT_TYPE_I32, 1, dims, bias);
}

static RtConvInt8Attrs
plain_attrs (int out_type)
{
  return (RtConvInt8Attrs){ .conv = { .stride_h = 1,
                                      .stride_w = 1,
                                      .dilation_h = 1,
                                      .dilation_w = 1,
                                      .groups = 1,
                                      .min = -INFINITY,
                                      .max = INFINITY },
                            .out_type = (uint32_t)out_type };
}

/* ---- convolutions ---- */

typedef struct
{
  int64_t n, h, w, c, o, kh, kw, groups;
  uint32_t stride, dilation, pad;
} Conv;

static const Conv convs[] = {
  { 1, 7, 9, 8, 24, 1, 1, 1, 1, 1, 0 },     { 2, 6, 5, 5, 17, 1, 1, 1, 1, 1, 0 },
  { 1, 17, 15, 3, 32, 3, 3, 1, 2, 1, 1 },   { 2, 9, 9, 16, 40, 3, 3, 1, 1, 1, 1 },
  { 1, 11, 12, 6, 10, 3, 3, 2, 1, 2, 2 },   { 1, 10, 10, 12, 36, 5, 3, 3, 2, 1, 2 },
  { 1, 1, 40, 10, 20, 1, 4, 1, 1, 1, 0 },   { 1, 30, 40, 1, 8, 10, 8, 1, 2, 1, 4 },
  { 3, 8, 8, 64, 200, 1, 1, 1, 2, 1, 0 },   { 1, 24, 24, 48, 64, 3, 3, 1, 1, 1, 1 },
  { 1, 40, 40, 32, 300, 1, 1, 1, 1, 1, 0 }, { 1, 1, 1, 70, 100, 1, 1, 1, 1, 1, 0 },
};

static RtConvInt8Attrs
conv_attrs (const Conv *s, int out_type, bool relu6)
{
  RtConvInt8Attrs attrs = plain_attrs (out_type);

  attrs.conv.stride_h = attrs.conv.stride_w = s->stride;
  attrs.conv.dilation_h = attrs.conv.dilation_w = s->dilation;
  attrs.conv.pad_top = s->kh > 1 ? s->pad : 0;
  attrs.conv.pad_bottom = s->kh > 1 ? s->pad / 2 : 0;
  attrs.conv.pad_left = s->kw > 1 ? s->pad : 0;
  attrs.conv.pad_right = s->kw > 1 ? s->pad / 2 : 0;
  attrs.conv.groups = (uint32_t)s->groups;
  if (relu6)
    {
      attrs.conv.min = 0;
      attrs.conv.max = 6;
    }
  return attrs;
}

static void
run_conv (const Conv *s, int x_type, int w_type, int out_type, bool bias, bool first)
{
  const int64_t last_dims[] = { s->n, s->h, s->w, s->c }, first_dims[] = { s->n, s->c, s->h, s->w };
  const int64_t w_dims[] = { s->o, s->kh, s->kw, s->c / s->groups };
  RtConvInt8Attrs attrs = conv_attrs (s, out_type, bias);
  NetCase c;

  attrs.conv.channels_first = first;
  net_case_init (&c);
  net_case_random_input (&c, x_type, 4, first ? first_dims : last_dims, 0, 256);
  quantize_input (&c, x_type);
  net_case_random_weight (&c, w_type, 4, w_dims, 0, 256);
  quantize_weight (&c, w_type, 0, (size_t)s->o);
  if (bias)
    random_bias (&c, (size_t)s->o);

  RtQuant quant = output_quant (out_type, 0.05f);
  net_case_node (&c, &rt_op_conv_int8, &attrs, &quant);
  net_case_check (&c, 0, 0);
  net_case_clear (&c);
}

static void
test_conv (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (convs); i++)
    for (int variant = 0; variant < 4; variant++)
      run_conv (&convs[i], variant & 1 ? RT_TYPE_U8 : RT_TYPE_I8,
                variant & 2 ? RT_TYPE_U8 : RT_TYPE_I8,
                i % 4 == 3    ? RT_TYPE_I32
                : variant & 1 ? RT_TYPE_U8
                              : RT_TYPE_I8,
                variant != 1, false);
}

/* By hand: x = 0.5 * (q - 1), w = 0.25 q, y = 1.0 q + 2. 2x2 window over 2x3, one zero row on
 * top. */
static void
test_conv_by_hand (void)
{
  static const int64_t x_dims[] = { 1, 2, 3, 1 }, w_dims[] = { 1, 2, 2, 1 };
  static const gint8 x[] = { 3, 5, 7, 1, -1, 11 }, w[] = { 4, -8, 12, 2 };
  static const float x_scale = 0.5f, w_scale = 0.25f, y_scale = 1.0f;
  static const int32_t one = 1, none = 0, two = 2;
  RtConvInt8Attrs attrs = plain_attrs (RT_TYPE_I8);
  RtQuant quant = { 1, 0, &y_scale, &two };
  NetResult y[RT_MAX_OUTPUTS];
  NetCase c;

  attrs.conv.pad_top = 1;
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_I8, 4, x_dims, x);
  net_case_quant (&c, 1, 0, &x_scale, &one);
  net_case_weight (&c, RT_TYPE_I8, 4, w_dims, w);
  net_case_quant (&c, 1, 0, &w_scale, &none);
  net_case_node (&c, &rt_op_conv_int8, &attrs, &quant);
  net_case_run_threads (&c, y);

  /* Real x: 1 2 3 / 0 -1 5; real w: 1 -2 / 3 0.5. Row 0: 3*1+0.5*2 = 4, 3*2+0.5*3 = 7.5. Row 1: 1-4
   * + 0-0.5 = -3.5, 2-6 - 3+2.5 = -4.5. Half goes to even: 7.5 to 8, -3.5 to -4, -4.5 to -4; then +
   * 2. */
  static const double expected[] = { 6, 10, -2, -2 };
  net_result_check (&y[0], expected, 4, 0, 0);
  net_results_clear (y);
  net_case_clear (&c);
}

static void
test_conv_refused (void)
{
  static const int64_t x_dims[] = { 1, 4, 4, 4 }, w_dims[] = { 8, 3, 3, 3 };
  RtConvInt8Attrs attrs = plain_attrs (RT_TYPE_I8);
  NetCase c;

  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_I8, 4, x_dims, 0, 256);
  net_case_random_weight (&c, RT_TYPE_I8, 4, w_dims, 0, 256);
  g_autofree char *message = net_case_refused (&c, &rt_op_conv_int8, &attrs);
  g_assert_nonnull (strstr (message, "[8, 3, 3, 3]"));
  attrs.out_type = RT_TYPE_F32;
  g_autofree char *type = net_case_refused (&c, &rt_op_conv_int8, &attrs);
  g_assert_nonnull (type);
  net_case_clear (&c);
}

/* ---- depthwise ---- */

static const Conv depthwises[] = {
  { 1, 9, 11, 32, 1, 3, 3, 0, 1, 1, 1 },   { 2, 14, 13, 7, 1, 3, 3, 0, 2, 1, 1 },
  { 1, 12, 12, 100, 1, 5, 5, 0, 1, 1, 2 }, { 1, 9, 9, 20, 1, 3, 3, 0, 1, 2, 2 },
  { 1, 30, 20, 1, 8, 10, 8, 0, 2, 1, 4 },  { 1, 8, 8, 6, 4, 3, 3, 0, 1, 1, 1 },
  { 1, 1, 60, 12, 1, 1, 5, 0, 1, 1, 2 },   { 1, 56, 56, 64, 1, 3, 3, 0, 1, 1, 1 },
  { 2, 41, 1, 24, 1, 5, 1, 0, 2, 1, 2 },   { 1, 30, 1, 40, 2, 3, 1, 0, 1, 2, 0 },
};

static void
test_depthwise (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (depthwises); i++)
    for (int variant = 0; variant < 4; variant++)
      {
        const Conv *s = &depthwises[i]; /* o: outputs of a channel */
        const int x_type = variant & 1 ? RT_TYPE_U8 : RT_TYPE_I8;
        const int w_type = variant & 2 ? RT_TYPE_U8 : RT_TYPE_I8;
        const int64_t dims[] = { s->n, s->h, s->w, s->c }, w_dims[] = { s->kh, s->kw, s->c * s->o };
        const RtConvInt8Attrs attrs = conv_attrs (s, x_type, variant == 0);
        NetCase c;

        net_case_init (&c);
        net_case_random_input (&c, x_type, 4, dims, 0, 256);
        quantize_input (&c, x_type);
        net_case_random_weight (&c, w_type, 3, w_dims, 0, 256);
        quantize_weight (&c, w_type, 2, (size_t)(s->c * s->o));
        if (variant < 3)
          random_bias (&c, (size_t)(s->c * s->o));
        RtQuant quant = output_quant (x_type, 0.03f);
        net_case_node (&c, &rt_op_depthwise_int8, &attrs, &quant);
        net_case_check (&c, 0, 0);
        net_case_clear (&c);
      }
}

/* ---- fully connected ---- */

static void
test_fully_connected (void)
{
  static const int64_t sizes[][3] = { { 1, 10, 3 },     { 1, 64, 12 },   { 5, 33, 40 },
                                      { 100, 128, 70 }, { 1, 640, 500 }, { 1, 1024, 1001 } };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (int variant = 0; variant < 4; variant++)
      {
        const int x_type = variant & 1 ? RT_TYPE_U8 : RT_TYPE_I8;
        const int w_type = variant & 2 ? RT_TYPE_U8 : RT_TYPE_I8;
        const int out_type = i == 3 ? RT_TYPE_I32 : x_type;
        const int64_t w_dims[] = { sizes[i][2], sizes[i][1] };
        const RtFullyConnectedInt8Attrs attrs
            = { (uint32_t)out_type, variant ? -INFINITY : 0, INFINITY };
        NetCase c;

        net_case_init (&c);
        net_case_random_input (&c, x_type, 2, sizes[i], 0, 256);
        quantize_input (&c, x_type);
        net_case_random_weight (&c, w_type, 2, w_dims, 0, 256);
        quantize_weight (&c, w_type, 0, (size_t)sizes[i][2]);
        if (variant > 0)
          random_bias (&c, (size_t)sizes[i][2]);
        RtQuant quant = output_quant (out_type, 0.1f);
        net_case_node (&c, &rt_op_fully_connected_int8, &attrs, &quant);
        net_case_check (&c, 0, 0);
        net_case_clear (&c);
      }
}

/* ---- zero points that come with the run (ConvInteger, MatMulInteger) ---- */

static void
test_zero_of_a_run (void)
{
  static const int64_t fc_dims[] = { 37, 30 }, fc_w[] = { 50, 30 }, one[] = { 1 };
  static const int64_t x_dims[] = { 1, 9, 10, 6 }, w_dims[] = { 21, 3, 3, 6 };
  static const guint8 zero = 77;
  RtConvInt8Attrs conv = plain_attrs (RT_TYPE_I32);
  const RtFullyConnectedInt8Attrs fc = { RT_TYPE_I32, -INFINITY, INFINITY };
  NetCase c;

  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_U8, 2, fc_dims, 0, 256);
  net_case_random_weight (&c, RT_TYPE_U8, 2, fc_w, 0, 256);
  quantize_weight (&c, RT_TYPE_U8, 0, 50);
  net_case_no_input (&c);
  net_case_input (&c, RT_TYPE_U8, 1, one, &zero);
  net_case_node (&c, &rt_op_fully_connected_int8, &fc, NULL);
  net_case_check (&c, 0, 0);
  net_case_clear (&c);

  conv.conv.pad_top = conv.conv.pad_left = 1;
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_U8, 4, x_dims, 0, 256);
  net_case_random_weight (&c, RT_TYPE_I8, 4, w_dims, 0, 256);
  net_case_no_input (&c);
  net_case_no_input (&c);
  net_case_input (&c, RT_TYPE_U8, 1, one, &zero);
  net_case_node (&c, &rt_op_conv_int8, &conv, NULL);
  net_case_check (&c, 0, 0);
  net_case_clear (&c);
}

/* ---- hybrid ---- */

/* Against the product in double: within the half steps of x and what they are multiplied with. */
static void
test_hybrid (void)
{
  static const int64_t x_dims[] = { 3, 5, 77 }, w_dims[] = { 60, 77 };

  for (uint32_t asymmetric = 0; asymmetric < 2; asymmetric++)
    {
      const RtHybridAttrs attrs = { asymmetric, -INFINITY, INFINITY };
      NetResult y[RT_MAX_OUTPUTS];
      NetCase c;

      net_case_init (&c);
      net_case_random_input (&c, RT_TYPE_F32, 3, x_dims, -1, 4);
      net_case_random_weight (&c, RT_TYPE_I8, 2, w_dims, -127, 128);
      quantize_weight (&c, RT_TYPE_I8, 0, 60);
      net_case_node (&c, &rt_op_fully_connected_hybrid, &attrs, NULL);
      net_case_check (&c, 0, 0);
      net_case_run_threads (&c, y);

      const float *x = g_ptr_array_index (c.data, c.inputs[0]);
      const RtValue *w = rt_graph_value (c.graph, c.inputs[1]);
      for (gsize i = 0; i < 15 * 60; i++)
        {
          double sum = 0, reach = 0;
          for (gsize k = 0; k < 77; k++)
            {
              const double weight
                  = ((const gint8 *)w->data)[i % 60 * 77 + k] * (double)w->quant->scales[i % 60];
              sum += (double)x[i / 60 * 77 + k] * weight;
              reach += fabs (weight);
            }
          /* One step of x is at most 5 / 255 or 4 / 127. */
          g_assert_cmpfloat (fabs (net_result_get (&y[0], i) - sum), <=,
                             reach * 0.51 * (asymmetric ? 5.0 / 255 : 4.0 / 127) + 1e-3);
        }
      net_results_clear (y);
      net_case_clear (&c);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ops-int8/conv", test_conv);
  g_test_add_func ("/ops-int8/conv-by-hand", test_conv_by_hand);
  g_test_add_func ("/ops-int8/conv-refused", test_conv_refused);
  g_test_add_func ("/ops-int8/depthwise", test_depthwise);
  g_test_add_func ("/ops-int8/fully-connected", test_fully_connected);
  g_test_add_func ("/ops-int8/zero-of-a-run", test_zero_of_a_run);
  g_test_add_func ("/ops-int8/hybrid", test_hybrid);
  return g_test_run ();
}
