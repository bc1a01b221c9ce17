/* Convolutions and pooling in f32, each against its plain reference on several numbers of threads,
 * and the references against numbers worked out by hand. With |w|, |x| <= 1 and n terms a sum is
 * off by at most n gamma_n (Higham 2002, section 3.1). */
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops.h"

#define U (1.0 / (1 << 24))

static double
bound (double n_terms)
{
  return (n_terms + 2) * (n_terms + 2) * U / (1 - (n_terms + 2) * U);
}

static RtConvAttrs
plain_attrs (void)
{
  return (RtConvAttrs){ .stride_h = 1,
                        .stride_w = 1,
                        .dilation_h = 1,
                        .dilation_w = 1,
                        .groups = 1,
                        .min = -INFINITY,
                        .max = INFINITY };
}

typedef struct
{
  int64_t n, h, w, c, o, kh, kw;
  uint32_t stride, dilation, pad, groups;
  uint32_t bias, residual; /* residual 2: last */
  uint32_t activation;
  float min, max;
} Shape;

static RtConvAttrs
attrs_of (const Shape *s)
{
  RtConvAttrs attrs = plain_attrs ();

  attrs.stride_h = attrs.stride_w = s->stride;
  attrs.dilation_h = attrs.dilation_w = s->dilation;
  attrs.pad_top = attrs.pad_left = attrs.pad_bottom = attrs.pad_right = s->pad;
  /* What an even size with stride 2 gets from "same" padding: nothing in front. */
  if (s->stride == 2 && s->pad > 0)
    attrs.pad_top = attrs.pad_left = s->pad - 1;
  attrs.groups = s->groups;
  attrs.activation = s->activation;
  attrs.residual_last = s->residual == 2;
  if (s->min < s->max)
    {
      attrs.min = s->min;
      attrs.max = s->max;
    }
  return attrs;
}

static int64_t
positions (int64_t size, int64_t kernel, uint32_t before, uint32_t after, const Shape *s)
{
  return (size + before + after - (int64_t)s->dilation * (kernel - 1) - 1) / s->stride + 1;
}

static void
add_picture (NetCase *c, int64_t n, int64_t h, int64_t w, int64_t channels)
{
  net_case_random_input (c, RT_TYPE_F32, 4, (int64_t[]){ n, h, w, channels }, -1, 1);
}

static void
add_bias_and_residual (NetCase *c, const Shape *s, const RtConvAttrs *attrs, int64_t n_out)
{
  if (s->bias)
    net_case_random_weight (c, RT_TYPE_F32, 1, &n_out, -1, 1);
  else
    net_case_no_input (c);
  if (s->residual)
    add_picture (c, s->n, positions (s->h, s->kh, attrs->pad_top, attrs->pad_bottom, s),
                 positions (s->w, s->kw, attrs->pad_left, attrs->pad_right, s), n_out);
}

/* ---- convolution ---- */

static const Shape convs[] = {
  /* n  h   w   c   o  kh kw  s  d  p  g */
  { 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1 },
  { 1, 14, 14, 32, 48, 1, 1, 1, 1, 0, 1, 1 },
  { 1, 9, 7, 16, 20, 1, 1, 2, 1, 0, 1, 1, 0, 0, 0, 6 },
  { 2, 7, 5, 10, 33, 3, 3, 1, 1, 1, 1, 1, 1 },
  { 1, 32, 40, 3, 16, 3, 3, 2, 1, 1, 1, 1, 0, 0, 0, 6 },
  { 1, 20, 24, 3, 24, 7, 7, 2, 1, 3, 1, 1 },
  { 1, 8, 9, 64, 40, 3, 3, 1, 1, 1, 1, 1, 1, 0, 0, INFINITY },
  { 1, 12, 12, 52, 17, 3, 3, 1, 2, 2, 1, 1 },
  { 1, 12, 13, 4, 17, 3, 3, 1, 2, 2, 1, 1 },
  { 1, 6, 6, 8, 16, 5, 5, 1, 1, 2, 1 },
  { 1, 5, 50, 6, 12, 1, 9, 1, 1, 4, 1, 1 }, /* padding above and below a window of one row */
  { 1, 10, 10, 24, 36, 3, 3, 1, 1, 1, 3, 1, 1 },
  { 1, 6, 6, 32, 32, 3, 3, 1, 1, 1, 8, 1 },
  { 1, 5, 5, 12, 96, 1, 1, 1, 1, 0, 2, 1 },
  { 1, 3, 3, 200, 300, 3, 3, 1, 1, 1, 1, 1 },
  { 1, 6, 7, 5, 9, 3, 3, 1, 1, 1, 1, 1, 1, RT_ACTIVATION_HARD_SWISH },
  { 1, 6, 7, 5, 9, 3, 3, 1, 1, 1, 1, 1, 2, RT_ACTIVATION_SIGMOID },
  { 1, 6, 7, 40, 30, 1, 1, 1, 1, 0, 1, 1, 2, 0, 0, 1 },
  { 1, 6, 7, 5, 9, 3, 3, 1, 1, 1, 1, 0, 1, RT_ACTIVATION_SILU, -0.1f, 0.1f },
};

static void
check_conv (const Shape *s, int weight_type, int dtype, double absolute)
{
  const RtConvAttrs attrs = attrs_of (s);
  const int64_t terms = s->kh * s->kw * (s->c / s->groups);
  NetCase c;

  net_case_init (&c);
  c.pack_dtype = dtype;
  add_picture (&c, s->n, s->h, s->w, s->c);
  net_case_random_weight (&c, weight_type, 4, (int64_t[]){ s->o, s->kh, s->kw, s->c / s->groups },
                          -1, 1);
  add_bias_and_residual (&c, s, &attrs, s->o);
  net_case_node (&c, &rt_op_conv, &attrs, NULL);
  net_case_check (&c, 1e-6, bound ((double)terms) + absolute);
  net_case_clear (&c);
}

static void
test_conv (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (convs); i++)
    check_conv (&convs[i], RT_TYPE_F32, -1, 0);
}

/* Weights in the formats that a recipe may choose. 16-bit ones are exact once packed; block formats
 * quantize the windows too: half a step of a 254th of the largest value per term. */
static void
test_conv_formats (void)
{
  static const Shape shapes[] = {
    { 1, 9, 10, 32, 40, 3, 3, 1, 1, 1, 1, 1, 1, 0, 0, 6 },
    { 1, 9, 10, 64, 24, 1, 1, 1, 1, 0, 1, 1, 2, RT_ACTIVATION_SILU },
    { 1, 8, 8, 64, 24, 3, 3, 2, 1, 1, 2, 1 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      const double terms = (double)(shapes[i].kh * shapes[i].kw * shapes[i].c);

      check_conv (&shapes[i], RT_TYPE_F16, -1, 0);
      check_conv (&shapes[i], RT_TYPE_F32, KN_F16, 0);
      check_conv (&shapes[i], RT_TYPE_F32, KN_BF16, 0);
      check_conv (&shapes[i], RT_TYPE_F32, KN_Q8_0, terms / 254);
      check_conv (&shapes[i], RT_TYPE_F32, KN_Q4_0, terms / 254);
    }
}

/* Sums of ones over windows of 0..24: worked out by hand. */
static void
test_conv_by_hand (void)
{
  static const double padded[] = { 12,  21, 27, 33,  24,  33,  54,  63, 72,  51,  63,  99, 108,
                                   117, 81, 93, 144, 153, 162, 111, 72, 111, 117, 123, 84 };
  static const double strided[] = { 12, 27, 24, 63, 108, 81, 72, 117, 84 };
  float x[25], w[9];

  for (int i = 0; i < 25; i++)
    x[i] = (float)i;
  for (int i = 0; i < 9; i++)
    w[i] = 1;
  for (uint32_t stride = 1; stride <= 2; stride++)
    for (uint32_t first = 0; first < 2; first++)
      {
        NetResult r[RT_MAX_OUTPUTS];
        RtConvAttrs attrs = plain_attrs ();
        NetCase c;

        attrs.pad_top = attrs.pad_left = attrs.pad_bottom = attrs.pad_right = 1;
        attrs.stride_h = attrs.stride_w = stride;
        attrs.channels_first = first;
        net_case_init (&c);
        net_case_input (&c, RT_TYPE_F32, 4,
                        first ? (int64_t[]){ 1, 1, 5, 5 } : (int64_t[]){ 1, 5, 5, 1 }, x);
        net_case_weight (&c, RT_TYPE_F32, 4, (int64_t[]){ 1, 3, 3, 1 }, w);
        net_case_node (&c, &rt_op_conv, &attrs, NULL);
        for (uint32_t n_threads = 0; n_threads < (first ? 1u : 2u); n_threads++)
          {
            net_case_run (&c, n_threads, r);
            net_result_check (&r[0], stride == 1 ? padded : strided, stride == 1 ? 25 : 9, 0, 0);
            net_results_clear (r);
          }
        net_case_clear (&c);
      }
}

static void
test_conv_sequence (void)
{
  RtConvAttrs attrs = plain_attrs ();
  NetCase c;

  attrs.stride_w = 2;
  attrs.pad_left = attrs.pad_right = 2;
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, 3, (int64_t[]){ 2, 50, 6 }, -1, 1);
  net_case_random_weight (&c, RT_TYPE_F32, 3, (int64_t[]){ 10, 5, 6 }, -1, 1);
  net_case_node (&c, &rt_op_conv, &attrs, NULL);
  net_case_check (&c, 0, bound (30));
  net_case_clear (&c);
}

/* ---- depthwise ---- */

static const Shape depthwises[] = {
  { 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0 },
  { 1, 28, 28, 32, 32, 3, 3, 1, 1, 1, 0, 1, 0, 0, 0, 6 },
  { 2, 15, 13, 40, 40, 3, 3, 2, 1, 1, 0, 1 },
  { 1, 7, 7, 300, 300, 5, 5, 1, 1, 2, 0, 1, 1 },
  { 1, 14, 14, 24, 24, 5, 5, 2, 1, 2, 0, 1 },
  { 1, 10, 10, 20, 20, 3, 3, 1, 2, 2, 0, 1, 2, RT_ACTIVATION_HARD_SWISH },
  { 1, 10, 10, 1, 8, 3, 3, 2, 1, 1, 0, 1, 0, 0, 0, INFINITY },
  { 1, 9, 9, 24, 72, 3, 3, 1, 1, 1, 0, 1, 1, 0, 0, 6 },
  { 1, 3, 40, 5, 5, 1, 7, 1, 1, 3, 0, 0 },
};

static void
check_depthwise (const Shape *s, int type)
{
  const RtConvAttrs attrs = attrs_of (s);
  NetCase c;

  net_case_init (&c);
  add_picture (&c, s->n, s->h, s->w, s->c);
  net_case_random_weight (&c, type, 3, (int64_t[]){ s->kh, s->kw, s->o }, -1, 1);
  add_bias_and_residual (&c, s, &attrs, s->o);
  net_case_node (&c, &rt_op_depthwise, &attrs, NULL);
  net_case_check (&c, 1e-6, bound ((double)(s->kh * s->kw)));
  net_case_clear (&c);
}

static void
test_depthwise (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (depthwises); i++)
    {
      check_depthwise (&depthwises[i], RT_TYPE_F32);
      check_depthwise (&depthwises[i], RT_TYPE_F16);
    }
}

/* One window per channel is a convolution with as many groups as channels. */
static void
test_depthwise_is_grouped (void)
{
  float w[3 * 3 * 6], w_grouped[6 * 3 * 3];
  NetResult a[RT_MAX_OUTPUTS], b[RT_MAX_OUTPUTS];
  NetCase c;

  for (int t = 0; t < 9; t++)
    for (int o = 0; o < 6; o++)
      w[t * 6 + o] = w_grouped[o * 9 + t] = (float)g_test_rand_double_range (-1, 1);
  for (int grouped = 0; grouped < 2; grouped++)
    {
      RtConvAttrs attrs = plain_attrs ();
      float x[5 * 5 * 3];

      for (int i = 0; i < 75; i++)
        x[i] = (float)((i * 37 % 41) - 20) / 16;
      attrs.groups = 3;
      attrs.pad_top = attrs.pad_bottom = attrs.pad_left = attrs.pad_right = 1;
      net_case_init (&c);
      net_case_input (&c, RT_TYPE_F32, 4, (int64_t[]){ 1, 5, 5, 3 }, x);
      if (grouped)
        net_case_weight (&c, RT_TYPE_F32, 4, (int64_t[]){ 6, 3, 3, 1 }, w_grouped);
      else
        net_case_weight (&c, RT_TYPE_F32, 3, (int64_t[]){ 3, 3, 6 }, w);
      net_case_node (&c, grouped ? &rt_op_conv : &rt_op_depthwise, &attrs, NULL);
      net_case_run (&c, 2, grouped ? a : b);
      net_case_clear (&c);
    }
  g_assert_cmpmem (a[0].data, a[0].n_bytes, b[0].data, b[0].n_bytes);
  net_results_clear (a);
  net_results_clear (b);
}

/* ---- transposed ---- */

static const Shape transposes[] = {
  { 1, 3, 3, 4, 5, 3, 3, 1, 1, 0, 1 },
  { 1, 7, 9, 16, 20, 2, 2, 2, 1, 0, 1, 1, 0, 0, 0, 6 },
  { 2, 5, 4, 7, 33, 3, 3, 2, 1, 1, 1, 1, 1 },
  { 1, 6, 6, 32, 16, 4, 4, 2, 1, 1, 1, 1, 1, RT_ACTIVATION_HARD_SWISH },
  { 1, 4, 5, 12, 18, 3, 3, 3, 2, 1, 3, 1, 2 },
  { 1, 4, 4, 6, 10, 1, 1, 3, 1, 0, 1, 1 }, /* pixels that no window reaches */
  { 1, 2, 120, 8, 40, 2, 2, 1, 1, 0, 1 },
  { 1, 5, 5, 32, 70, 3, 3, 2, 1, 1, 2, 1 },
};

static void
check_transpose (const Shape *s, int dtype, uint32_t output_pad, double absolute)
{
  RtConvTransposeAttrs attrs = { .conv = plain_attrs () };
  const int64_t out_h = (s->h - 1) * s->stride + s->dilation * (s->kh - 1) + 1 - 2 * s->pad;
  const int64_t out_w = (s->w - 1) * s->stride + s->dilation * (s->kw - 1) + 1 - 2 * s->pad;
  NetCase c;

  attrs.conv = attrs_of (s);
  attrs.conv.pad_top = attrs.conv.pad_left = s->pad;
  attrs.output_pad_h = attrs.output_pad_w = output_pad;
  net_case_init (&c);
  c.pack_dtype = dtype;
  add_picture (&c, s->n, s->h, s->w, s->c);
  net_case_random_weight (&c, RT_TYPE_F32, 4, (int64_t[]){ s->o, s->kh, s->kw, s->c / s->groups },
                          -1, 1);
  if (s->bias)
    net_case_random_weight (&c, RT_TYPE_F32, 1, &s->o, -1, 1);
  else
    net_case_no_input (&c);
  if (s->residual)
    add_picture (&c, s->n, out_h + output_pad, out_w + output_pad, s->o);
  net_case_node (&c, &rt_op_conv_transpose, &attrs, NULL);
  net_case_check (&c, 1e-6, bound ((double)(s->kh * s->kw * s->c)) + absolute);
  net_case_clear (&c);
}

static void
test_transpose (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (transposes); i++)
    for (uint32_t output_pad = 0; output_pad < 2; output_pad++)
      {
        check_transpose (&transposes[i], -1, output_pad, 0);
        check_transpose (&transposes[i], KN_F16, output_pad, 0);
      }
  check_transpose (&transposes[3], KN_Q8_0, 0, 4 * 4 * 32 / 254.0);
}

/* 0..8 through a window of ones: worked out by hand. */
static void
test_transpose_by_hand (void)
{
  static const double want[]
      = { 0, 1, 3, 3, 2, 3, 8, 15, 12, 7, 9, 21, 36, 27, 15, 9, 20, 33, 24, 13, 6, 13, 21, 15, 8 };
  static const double strided[] = { 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3 };
  float x[9], w[9];

  for (int i = 0; i < 9; i++)
    {
      x[i] = (float)i;
      w[i] = 1;
    }
  for (int stride = 1; stride <= 2; stride++)
    {
      RtConvTransposeAttrs attrs = { .conv = plain_attrs () };
      const int64_t size = stride == 1 ? 3 : 2;
      NetResult r[RT_MAX_OUTPUTS];
      NetCase c;

      attrs.conv.stride_h = attrs.conv.stride_w = (uint32_t)stride;
      net_case_init (&c);
      net_case_input (&c, RT_TYPE_F32, 4, (int64_t[]){ 1, size, size, 1 }, x);
      net_case_weight (&c, RT_TYPE_F32, 4, (int64_t[]){ 1, size, size, 1 }, w);
      net_case_node (&c, &rt_op_conv_transpose, &attrs, NULL);
      for (uint32_t n_threads = 0; n_threads < 2; n_threads++)
        {
          net_case_run (&c, n_threads, r);
          net_result_check (&r[0], stride == 1 ? want : strided, stride == 1 ? 25 : 16, 0, 0);
          net_results_clear (r);
        }
      net_case_clear (&c);
    }
}

/* ---- pooling ---- */

static RtPoolAttrs
pool_attrs (uint32_t kernel, uint32_t stride, uint32_t pad)
{
  return (RtPoolAttrs){ .kernel_h = kernel,
                        .kernel_w = kernel,
                        .stride_h = stride,
                        .stride_w = stride,
                        .dilation_h = 1,
                        .dilation_w = 1,
                        .pad_top = pad,
                        .pad_left = pad,
                        .pad_bottom = pad,
                        .pad_right = pad,
                        .min = -INFINITY,
                        .max = INFINITY };
}

static void
check_pool (const int64_t x[4], const RtPoolAttrs *attrs)
{
  const double n
      = attrs->kernel_h == 0 ? (double)(x[1] * x[2]) : (double)(attrs->kernel_h * attrs->kernel_w);

  for (int average = 0; average < 2; average++)
    {
      NetCase c;

      net_case_init (&c);
      net_case_random_input (&c, RT_TYPE_F32, 4, x, -1, 1);
      net_case_node (&c, average ? &rt_op_average_pool : &rt_op_max_pool, attrs, NULL);
      net_case_check (&c, 0, average ? bound (n) : 0);
      net_case_clear (&c);
    }
}

static void
test_pool (void)
{
  RtPoolAttrs attrs = pool_attrs (2, 2, 0);

  check_pool ((int64_t[]){ 1, 28, 28, 16 }, &attrs);
  check_pool ((int64_t[]){ 2, 7, 9, 130 }, &attrs);
  attrs = pool_attrs (3, 2, 1);
  check_pool ((int64_t[]){ 1, 15, 14, 64 }, &attrs);
  attrs.ceil = 1;
  check_pool ((int64_t[]){ 1, 15, 14, 20 }, &attrs);
  attrs.count_padding = 1;
  check_pool ((int64_t[]){ 1, 16, 14, 20 }, &attrs);
  attrs = pool_attrs (3, 1, 2);
  attrs.dilation_h = attrs.dilation_w = 2;
  attrs.min = 0;
  attrs.max = 0.5f;
  check_pool ((int64_t[]){ 1, 10, 11, 5 }, &attrs);
  attrs = pool_attrs (0, 1, 0);
  check_pool ((int64_t[]){ 2, 7, 7, 320 }, &attrs);
  check_pool ((int64_t[]){ 1, 56, 40, 3 }, &attrs);
  check_pool ((int64_t[]){ 2, 33, 29, 70 }, &attrs);
  attrs = pool_attrs (19, 3, 4);
  check_pool ((int64_t[]){ 1, 31, 26, 20 }, &attrs);
}

/* An average of many numbers keeps their digits: of 16384 near 1, one sum would be off by up to
 * 1e-5. */
static void
test_pool_wide (void)
{
  const int64_t x[] = { 1, 128, 128, 20 };
  RtPoolAttrs attrs = pool_attrs (0, 1, 0);
  NetCase c;

  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, 4, x, 0.9, 1.1);
  net_case_node (&c, &rt_op_average_pool, &attrs, NULL);
  net_case_check (&c, 1e-6, 0);
  net_case_clear (&c);
}

/* 1..25 in windows of 3 with stride 2 that the picture does not fill, worked out by hand. */
static void
test_pool_by_hand (void)
{
  static const struct
  {
    int average;
    uint32_t ceil, count_padding, size, pad;
    gsize n;
    double want[9];
  } cases[] = {
    { 0, 0, 0, 5, 0, 4, { 13, 15, 23, 25 } },
    { 1, 0, 0, 5, 0, 4, { 7, 9, 17, 19 } },
    { 0, 1, 0, 4, 0, 4, { 11, 12, 15, 16 } },
    { 1, 1, 0, 4, 0, 4, { 6, 7.5, 12, 13.5 } },
    { 1, 1, 1, 4, 0, 4, { 6, 7.5, 12, 13.5 } },
    { 1, 0, 0, 4, 1, 4, { 3.5, 5, 9.5, 11 } },
    { 1, 0, 1, 4, 1, 4, { 14.0 / 9, 30.0 / 9, 57.0 / 9, 99.0 / 9 } },
  };
  float x[25];

  for (int i = 0; i < 25; i++)
    x[i] = (float)(i + 1);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      RtPoolAttrs attrs = pool_attrs (3, 2, cases[i].pad);
      NetResult r[RT_MAX_OUTPUTS];
      NetCase c;

      attrs.ceil = cases[i].ceil;
      attrs.count_padding = cases[i].count_padding;
      net_case_init (&c);
      net_case_input (&c, RT_TYPE_F32, 4, (int64_t[]){ 1, cases[i].size, cases[i].size, 1 }, x);
      net_case_node (&c, cases[i].average ? &rt_op_average_pool : &rt_op_max_pool, &attrs, NULL);
      for (uint32_t n_threads = 0; n_threads < 2; n_threads++)
        {
          net_case_run (&c, n_threads, r);
          net_result_check (&r[0], cases[i].want, cases[i].n, 1e-6, 0);
          net_results_clear (r);
        }
      net_case_clear (&c);
    }
}

/* ---- what is refused ---- */

static void
check_refused (const int64_t x[4], const int64_t w[4], const RtConvAttrs *attrs, const char *words)
{
  NetCase c;

  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, 4, x, -1, 1);
  net_case_random_weight (&c, RT_TYPE_F32, 4, w, -1, 1);
  g_autofree char *message = net_case_refused (&c, &rt_op_conv, attrs);
  if (strstr (message, words) == NULL)
    g_error ("expected \"%s\" in: %s", words, message);
  net_case_clear (&c);
}

static void
test_refused (void)
{
  const int64_t x[4] = { 1, 4, 4, 6 };
  RtConvAttrs attrs = plain_attrs ();

  check_refused (x, (int64_t[]){ 8, 3, 3, 5 }, &attrs, "do not fit weights for 5 channels");
  check_refused (x, (int64_t[]){ 8, 5, 5, 6 }, &attrs, "does not fit the picture's height of 4");
  attrs.groups = 3;
  check_refused (x, (int64_t[]){ 8, 3, 3, 2 }, &attrs, "in 3 groups");
  attrs.groups = 1;
  attrs.stride_w = 0;
  check_refused (x, (int64_t[]){ 8, 3, 3, 6 }, &attrs, "none may be 0");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ops-conv/conv", test_conv);
  g_test_add_func ("/ops-conv/formats", test_conv_formats);
  g_test_add_func ("/ops-conv/by-hand", test_conv_by_hand);
  g_test_add_func ("/ops-conv/sequence", test_conv_sequence);
  g_test_add_func ("/ops-conv/depthwise", test_depthwise);
  g_test_add_func ("/ops-conv/depthwise-is-grouped", test_depthwise_is_grouped);
  g_test_add_func ("/ops-conv/transpose", test_transpose);
  g_test_add_func ("/ops-conv/transpose-by-hand", test_transpose_by_hand);
  g_test_add_func ("/ops-conv/pool", test_pool);
  g_test_add_func ("/ops-conv/pool-wide", test_pool_wide);
  g_test_add_func ("/ops-conv/pool-by-hand", test_pool_by_hand);
  g_test_add_func ("/ops-conv/refused", test_refused);
  return g_test_run ();
}
