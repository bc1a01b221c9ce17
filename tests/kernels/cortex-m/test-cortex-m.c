/* The Cortex-M kernels in plain C on this computer, against Lathe's operators: the same bytes for
 * every case of mc-cases.c. `test-cortex-m --sums` prints checksums, which those of the boards must
 * equal (cortex-m-boards.py). */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "mc-cases.h"
#include "net-case.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"
#include "ops/rt-ops-math.h"

static uint32_t
run (int32_t which)
{
  bool broken;
  const uint32_t sum = case_run (which, 1, NULL, NULL, &broken);

  if (broken)
    g_error ("case %d writes where it must not", which);
  return sum;
}

/* ---- the same by Lathe's operators ---- */

static void
add_x (NetCase *net, uint32_t n_dims, const int64_t *dims)
{
  net_case_input (net, RT_TYPE_I8, n_dims, dims, case_data.x);
  net_case_quant (net, 1, 0, &case_data.x_scale, &case_data.x_zero);
}

static void
add_b (NetCase *net, uint32_t n_dims, const int64_t *dims)
{
  net_case_input (net, RT_TYPE_I8, n_dims, dims, case_data.b);
  net_case_quant (net, 1, 0, &case_data.b_scale, &case_data.b_zero);
}

static void
add_weights (NetCase *net, uint32_t n_dims, const int64_t *dims, int axis, int32_t n)
{
  const int64_t bias_dims[] = { n };
  net_case_weight (net, RT_TYPE_I8, n_dims, dims, case_data.w);
  net_case_quant (net, (uint32_t)n, axis, case_data.w_scale, case_data.w_zero);
  net_case_weight (net, RT_TYPE_I32, 1, bias_dims, case_data.bias);
}

static float
real_of (int32_t code)
{
  return (float)(code - case_data.y_zero) * case_data.y_scale;
}

static RtConvInt8Attrs
conv_attrs (const Case *c)
{
  const uint32_t top = c->kh > 1 ? (uint32_t)c->pad : 0, left = c->kw > 1 ? (uint32_t)c->pad : 0;

  return (RtConvInt8Attrs){ .conv = { .stride_h = (uint32_t)c->stride,
                                      .stride_w = (uint32_t)c->stride,
                                      .dilation_h = (uint32_t)c->dilation,
                                      .dilation_w = (uint32_t)c->dilation,
                                      .pad_top = top,
                                      .pad_left = left,
                                      .pad_bottom = top / 2,
                                      .pad_right = left / 2,
                                      .groups = (uint32_t)c->groups,
                                      .min = real_of (case_data.low),
                                      .max = real_of (case_data.high) },
                            .out_type = RT_TYPE_I8 };
}

/* The same numbers as codes that are 128 more. */
static void
add_unsigned_x (NetCase *net, uint32_t n_dims, const int64_t *dims)
{
  const int32_t zero = case_data.x_zero + 128;
  g_autofree guint8 *codes = g_memdup2 (case_data.x, sizeof case_data.x);

  for (gsize i = 0; i < sizeof case_data.x; i++)
    codes[i] ^= 0x80;
  net_case_input (net, RT_TYPE_U8, n_dims, dims, codes);
  net_case_quant (net, 1, 0, &case_data.x_scale, &zero);
}

static void
build_pool (NetCase *net, const Case *c, const RtQuant *quant)
{
  const int64_t dims[] = { 1, c->h, c->w, c->c };
  const RtPoolAttrs attrs = { .kernel_h = (uint32_t)c->kh,
                              .kernel_w = (uint32_t)c->kw,
                              .stride_h = (uint32_t)c->stride,
                              .stride_w = (uint32_t)c->stride,
                              .dilation_h = (uint32_t)c->dilation,
                              .dilation_w = (uint32_t)c->dilation,
                              .pad_top = (uint32_t)c->pad,
                              .pad_left = (uint32_t)c->pad,
                              .pad_bottom = (uint32_t)c->pad / 2,
                              .pad_right = (uint32_t)c->pad / 2,
                              .count_padding = (c->flags & CASE_COUNT_PAD) != 0,
                              .min = real_of (case_data.low),
                              .max = real_of (case_data.high) };
  const int32_t zero = case_data.y_zero + 128;
  const RtQuant unsigned_quant = { 1, 0, &case_data.y_scale, &zero };

  if (c->flags & CASE_UNSIGNED)
    {
      add_unsigned_x (net, 4, dims);
      quant = &unsigned_quant;
    }
  else
    add_x (net, 4, dims);
  net_case_node (net, c->kind == CASE_MAX_POOL ? &rt_op_max_pool_int8 : &rt_op_average_pool_int8,
                 &attrs, quant);
}

static void
build_product (NetCase *net, const Case *c, const RtQuant *quant)
{
  const int64_t dims[] = { 1, c->h, c->w, c->c }, rows[] = { c->h * c->w, c->c };
  const RtConvInt8Attrs attrs = conv_attrs (c);
  const RtFullyConnectedInt8Attrs fc
      = { .out_type = RT_TYPE_I8, .min = attrs.conv.min, .max = attrs.conv.max };

  if (c->kind == CASE_FULLY_CONNECTED)
    {
      const int64_t w[] = { c->o, c->c };
      add_x (net, 2, rows);
      add_weights (net, 2, w, 0, c->o);
      net_case_node (net, &rt_op_fully_connected_int8, &fc, quant);
      return;
    }
  add_x (net, 4, dims);
  if (c->kind == CASE_DEPTHWISE)
    {
      const int64_t w[] = { c->kh, c->kw, c->o };
      RtConvInt8Attrs depthwise = attrs;
      depthwise.conv.groups = 0;
      add_weights (net, 3, w, 2, c->o);
      net_case_node (net, &rt_op_depthwise_int8, &depthwise, quant);
      return;
    }
  const int64_t w[] = { c->o, c->kh, c->kw, c->c / c->groups };
  add_weights (net, 4, w, 0, c->o);
  net_case_node (net, &rt_op_conv_int8, &attrs, quant);
}

static void
build_binary (NetCase *net, const Case *c, const RtQuant *quant)
{
  const int64_t dims[] = { c->h * c->w, c->c };
  const int64_t b_dims[] = { dims[0], c->flags & CASE_REPEAT ? 1 : c->c };
  const RtBinaryInt8Attrs attrs
      = { .out_type = RT_TYPE_I8, .min = real_of (case_data.low), .max = real_of (case_data.high) };

  add_x (net, 2, dims);
  add_b (net, 2, b_dims);
  net_case_node (net, c->kind == CASE_ADD ? &rt_op_add_int8 : &rt_op_mul_int8, &attrs, quant);
}

static void
build_rest (NetCase *net, const Case *c, const RtQuant *quant)
{
  const int64_t dims[] = { c->h, c->w, c->c };
  const RtReduceAttrs mean = { .n_axes = 1, .axes = { 1 } };
  const RtSoftmaxInt8Attrs softmax = { .beta = 1 };
  const RtQuantizeAttrs quantize = { .type = RT_TYPE_I8 };

  if (c->kind == CASE_QUANTIZE)
    {
      net_case_input (net, RT_TYPE_F32, 3, dims, case_data.reals);
      net_case_node (net, &rt_op_quantize, &quantize, quant);
      return;
    }
  if (c->kind == CASE_SOFTMAX)
    {
      static const float x_scale = SOFTMAX_SCALE, y_scale = 1 / 256.0f;
      static const int32_t y_zero = -128;
      const RtQuant y_quant = { 1, 0, &y_scale, &y_zero };
      net_case_input (net, RT_TYPE_I8, 3, dims, case_data.x);
      net_case_quant (net, 1, 0, &x_scale, &case_data.x_zero);
      net_case_node (net, &rt_op_softmax_int8, &softmax, &y_quant);
      return;
    }
  add_x (net, 3, dims);
  if (c->kind == CASE_MEAN)
    net_case_node (net, &rt_op_mean_int8, &mean, quant);
  else
    net_case_node (net, &rt_op_dequantize, &quantize, NULL);
}

/* ---- moving, by the definition ---- */

static int8_t
x_at (const Case *c, int32_t h, int32_t w, int32_t i)
{
  return case_data.x[(h * c->w + w) * c->c + i];
}

static void
check_move (const Case *c)
{
  const int8_t *y = case_data.y;

  if (c->kind == CASE_LOOKUP)
    for (int32_t i = 0; i < c->h * c->w * c->c; i++)
      g_assert_cmpint (*y++, ==, case_data.table[(uint8_t)case_data.x[i]]);
  else if (c->kind == CASE_TRANSPOSE)
    for (int32_t i = 0; i < c->c; i++)
      for (int32_t h = 0; h < c->h; h++)
        for (int32_t w = 0; w < c->w; w++)
          g_assert_cmpint (*y++, ==, x_at (c, h, w, i));
  else if (c->kind == CASE_CONCAT)
    for (int32_t p = 0; p < c->h * c->w; p++)
      for (int32_t i = 0; i < c->c + c->o; i++)
        g_assert_cmpint (*y++, ==,
                         i < c->c ? case_data.x[p * c->c + i] : case_data.b[p * c->o + i - c->c]);
  else
    for (int32_t h = -1; h < c->h; h++)
      for (int32_t w = -2; w < c->w - 3; w++)
        for (int32_t i = 0; i < c->c + 2; i++)
          g_assert_cmpint (*y++, ==, h < 0 || w < 0 || i >= c->c ? 42 : x_at (c, h, w, i));
  g_assert_cmpint ((gsize)(y - case_data.y), ==, case_data.n_y);
}

/* ---- tests ---- */

/* y of the case, without what lies between its pixels, is the first output. */
static void
check_bytes (const Case *c, const NetResult *result)
{
  const gsize pixel = c->flags & CASE_WIDE ? (gsize)c->o + 5 : case_data.n_y;
  const gsize n = c->flags & CASE_WIDE ? (gsize)c->o : case_data.n_y;

  g_assert_cmpuint (result->n_bytes, ==, case_data.n_y / pixel * n);
  for (gsize p = 0; p < case_data.n_y / pixel; p++)
    g_assert_cmpmem (case_data.y + p * pixel, n, result->data + p * n, n);
}

static void
test_case (gconstpointer data)
{
  const int32_t which = GPOINTER_TO_INT (data);
  const Case *c = &cases[which];
  NetResult results[RT_MAX_OUTPUTS];
  NetCase net;

  run (which);
  if (c->kind == CASE_LOOKUP || c->kind >= CASE_TRANSPOSE)
    {
      check_move (c);
      return;
    }

  const RtQuant quant = { 1, 0, &case_data.y_scale, &case_data.y_zero };
  net_case_init (&net);
  if (c->kind == CASE_MAX_POOL || c->kind == CASE_AVERAGE_POOL)
    build_pool (&net, c, &quant);
  else if (c->kind == CASE_ADD || c->kind == CASE_MUL)
    build_binary (&net, c, &quant);
  else if (c->kind <= CASE_FULLY_CONNECTED)
    build_product (&net, c, &quant);
  else
    build_rest (&net, c, &quant);
  net_case_run_threads (&net, results);
  for (gsize i = 0; i < results[0].n_bytes && c->flags & CASE_UNSIGNED; i++)
    results[0].data[i] ^= 0x80;
  check_bytes (c, &results[0]);
  net_results_clear (results);
  net_case_clear (&net);
}

/* The table that boards have from the compiler is what softmax_int8 computes. */
static void
test_softmax_table (void)
{
  const float step = -SOFTMAX_SCALE;

  for (int d = 0; d < 256; d++)
    g_assert_true (softmax_table[d] == (float)exp ((double)(step * (float)d)));
}

/* Half-way cases go to the even code. */
static void
test_rounding (void)
{
  const McRequant requant = { -100, 100, 3 };
  const float x[] = { 0.5f, 1.5f, -0.5f, -1.5f, 2.5f, 1000, -1000, INFINITY, -INFINITY, NAN };
  const int8_t expected[] = { 3, 5, 3, 1, 5, 103, -97, 103, -97, -97 };
  int8_t y[G_N_ELEMENTS (x)];

  mc_quantize (1, &requant, G_N_ELEMENTS (x), x, y);
  g_assert_cmpmem (y, sizeof y, expected, sizeof expected);
}

static int
print_sums (void)
{
  for (int32_t i = 0; i < n_cases; i++)
    g_print ("%d %08x\n", i, run (i));
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc > 1 && strcmp (argv[1], "--sums") == 0)
    return print_sums ();
  g_test_init (&argc, &argv, NULL);
  for (int32_t i = 0; i < n_cases; i++)
    {
      g_autofree char *path
          = g_strdup_printf ("/cortex-m/%02d %s", i, case_kind_name (cases[i].kind));
      g_test_add_data_func (path, GINT_TO_POINTER (i), test_case);
    }
  g_test_add_func ("/cortex-m/softmax-table", test_softmax_table);
  g_test_add_func ("/cortex-m/rounding", test_rounding);
  return g_test_run ();
}
