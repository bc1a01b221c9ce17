/* Reductions, softmax and norms against their references on 1, 2, 3 and 8 threads, and against
 * closed formulas. u = 2^-24, gamma_n = n u / (1 - n u): Higham 2002, section 3.1. */
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-math.h"

#define U 0x1p-24

static double
gamma_n (double n)
{
  return n * U / (1 - n * U);
}

/* ---- reductions ---- */

typedef struct
{
  uint32_t n_dims;
  int64_t dims[5];
  uint32_t n_axes;
  int32_t axes[5];
} Reduction;

static const Reduction reductions[] = {
  { 2, { 7, 300 }, 1, { 1 } },
  { 2, { 300, 7 }, 1, { 0 } },
  { 4, { 2, 7, 7, 145 }, 2, { 1, 2 } },  /* global average */
  { 4, { 2, 65, 7, 9 }, 2, { -1, -2 } }, /* the same, channels first */
  { 4, { 3, 5, 4, 70 }, 2, { 0, 2 } },   /* a kept dimension between */
  { 4, { 3, 5, 4, 33 }, 2, { 1, 3 } },
  { 5, { 2, 3, 4, 5, 6 }, 3, { 0, 2, 4 } },
  { 3, { 5, 1, 9 }, 1, { 1 } }, /* of nothing */
  { 3, { 5, 4, 9 }, 0, { 0 } }, /* all */
  { 0, { 0 }, 0, { 0 } },
};

/* Elements of each sum. */
static double
n_each (const Reduction *r)
{
  double n = 1;
  if (r->n_axes == 0)
    for (uint32_t i = 0; i < r->n_dims; i++)
      n *= (double)r->dims[i];
  for (uint32_t i = 0; i < r->n_axes; i++)
    n *= (double)r->dims[r->axes[i] < 0 ? r->axes[i] + (int32_t)r->n_dims : r->axes[i]];
  return n;
}

static void
check_reduce (const RtOp *op, const Reduction *r, int type, double low, double high, bool keep)
{
  RtReduceAttrs attrs = { .n_axes = r->n_axes, .keep_dims = keep };
  NetCase c;
  net_case_init (&c);
  memcpy (attrs.axes, r->axes, sizeof r->axes);
  net_case_random_input (&c, type, r->n_dims, r->dims, low, high);
  net_case_node (&c, op, &attrs, NULL);
  g_assert_cmpuint (rt_graph_value (c.graph, rt_graph_node (c.graph, c.node)->outputs[0])
                        ->shape.n_dims,
                    ==,
                    keep             ? r->n_dims
                    : r->n_axes == 0 ? 0
                                     : r->n_dims - r->n_axes);
  /* Numbers of both signs: the error is relative to the sum of magnitudes, at most max |x| n. */
  double bound = type == RT_TYPE_F32 ? gamma_n (n_each (r) + 4) * n_each (r) * high * high : 1e-12;
  net_case_check (&c, type == RT_TYPE_F32 ? 4 * U : 1e-12, bound);
  net_case_clear (&c);
}

static void
test_reduce (void)
{
  static const RtOp *const ops[]
      = { &rt_op_reduce_sum, &rt_op_reduce_mean,       &rt_op_reduce_prod,
          &rt_op_reduce_max, &rt_op_reduce_min,        &rt_op_reduce_l1,
          &rt_op_reduce_l2,  &rt_op_reduce_sum_square, &rt_op_reduce_log_sum_exp };
  for (gsize i = 0; i < G_N_ELEMENTS (reductions); i++)
    {
      for (gsize k = 0; k < G_N_ELEMENTS (ops); k++)
        for (int keep = 0; keep < 2; keep++)
          {
            check_reduce (ops[k], &reductions[i], RT_TYPE_F32, -2, 2, keep);
            check_reduce (ops[k], &reductions[i], RT_TYPE_F64, -1, 1, keep);
            check_reduce (ops[k], &reductions[i], RT_TYPE_I32, -2, 3, keep);
          }
      check_reduce (&rt_op_reduce_log_sum, &reductions[i], RT_TYPE_F32, 1, 2, true);
      check_reduce (&rt_op_reduce_any, &reductions[i], RT_TYPE_BOOL, 0, 1, true);
      check_reduce (&rt_op_reduce_all, &reductions[i], RT_TYPE_BOOL, 0, 1, false);
      check_reduce (&rt_op_reduce_max, &reductions[i], RT_TYPE_U8, 0, 255, false);
    }
}

/* One operator on given numbers. */
static void
assert_values (const RtOp *op, const void *attrs, uint32_t n_dims, const int64_t *dims,
               const float *x, gsize n, const double *expected, double relative)
{
  NetCase c;
  NetResult y[RT_MAX_OUTPUTS];
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_F32, n_dims, dims, x);
  net_case_node (&c, op, attrs, NULL);
  net_case_run_threads (&c, y);
  net_result_check (&y[0], expected, n, relative, 1e-30);
  net_results_clear (y);
  net_case_clear (&c);
}

static void
test_reduce_values (void)
{
  const int64_t dims[] = { 2, 3 };
  const float x[] = { 1, -2, 3, 4, 5, -6 }, large[] = { 1000, 1000, -INFINITY, 0, 0, 0 };
  const RtReduceAttrs rows = { 1, { 1 }, 0 }, columns = { 1, { 0 }, 0 };

  assert_values (&rt_op_reduce_sum, &rows, 2, dims, x, 2, (double[]){ 2, 3 }, 0);
  assert_values (&rt_op_reduce_sum, &columns, 2, dims, x, 3, (double[]){ 5, 3, -3 }, 0);
  assert_values (&rt_op_reduce_mean, &rows, 2, dims, x, 2, (double[]){ 2.0 / 3, 1 }, 1e-7);
  assert_values (&rt_op_reduce_max, &columns, 2, dims, x, 3, (double[]){ 4, 5, 3 }, 0);
  assert_values (&rt_op_reduce_l1, &rows, 2, dims, x, 2, (double[]){ 6, 15 }, 0);
  assert_values (&rt_op_reduce_l2, &columns, 2, dims, x, 3,
                 (double[]){ sqrt (17), sqrt (29), sqrt (45) }, 1e-7);
  assert_values (&rt_op_reduce_prod, &rows, 2, dims, x, 2, (double[]){ -6, -120 }, 0);
  assert_values (&rt_op_reduce_log_sum_exp, &rows, 2, dims, large, 2,
                 (double[]){ 1000 + log (2), log (3) }, 1e-7);
}

static void
test_cumsum (void)
{
  static const int64_t dims[][3] = { { 3, 40, 5 }, { 1, 1, 1 }, { 2, 3, 64 } };
  for (gsize s = 0; s < G_N_ELEMENTS (dims); s++)
    for (int32_t axis = -1; axis < 3; axis++)
      for (uint32_t flags = 0; flags < 4; flags++)
        {
          RtCumsumAttrs attrs = { axis, flags & 1, flags >> 1 };
          static const int types[] = { RT_TYPE_F32, RT_TYPE_F64, RT_TYPE_I32 };
          for (gsize t = 0; t < G_N_ELEMENTS (types); t++)
            {
              NetCase c;
              net_case_init (&c);
              net_case_random_input (&c, types[t], 3, dims[s], -3, 3);
              net_case_node (&c, &rt_op_cumsum, &attrs, NULL);
              net_case_check (&c, 2 * U, 1e-12);
              net_case_clear (&c);
            }
        }
  const float x[] = { 1, 2, 3 };
  assert_values (&rt_op_cumsum, &(RtCumsumAttrs){ 0, 0, 0 }, 1, (int64_t[]){ 3 }, x, 3,
                 (double[]){ 1, 3, 6 }, 0);
  assert_values (&rt_op_cumsum, &(RtCumsumAttrs){ 0, 1, 0 }, 1, (int64_t[]){ 3 }, x, 3,
                 (double[]){ 0, 1, 3 }, 0);
  assert_values (&rt_op_cumsum, &(RtCumsumAttrs){ 0, 1, 1 }, 1, (int64_t[]){ 3 }, x, 3,
                 (double[]){ 5, 3, 0 }, 0);
}

/* ---- along one axis ---- */

static void
check_case (const RtOp *op, const void *attrs, uint32_t n_dims, const int64_t *dims,
            double relative, double absolute)
{
  NetCase c;
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, n_dims, dims, -4, 4);
  net_case_node (&c, op, attrs, NULL);
  net_case_check (&c, relative, absolute);
  net_case_clear (&c);
}

static void
test_softmax (void)
{
  static const int64_t dims[][3] = { { 3, 40, 5 }, { 1, 1, 1 }, { 2, 21, 130 }, { 2, 3, 1000 } };
  for (gsize s = 0; s < G_N_ELEMENTS (dims); s++)
    for (int32_t axis = -3; axis < 3; axis++)
      {
        RtSoftmaxAttrs attrs = { axis, 0, 0 }, to_end = { axis, 1, 0 }, steep = { axis, 0, 0.7f };
        RtLpNormalizeAttrs l1 = { axis, 1, 0 }, l2 = { axis, 2, 1e-3f };
        check_case (&rt_op_softmax, &attrs, 3, dims[s], 100 * U, 0);
        check_case (&rt_op_softmax, &to_end, 3, dims[s], 200 * U, 0);
        check_case (&rt_op_softmax, &steep, 3, dims[s], 100 * U, 0);
        check_case (&rt_op_log_softmax, &attrs, 3, dims[s], 8 * U, 100 * U);
        check_case (&rt_op_hardmax, &attrs, 3, dims[s], 0, 0);
        check_case (&rt_op_lp_normalize, &l1, 3, dims[s], 100 * U, 0);
        check_case (&rt_op_lp_normalize, &l2, 3, dims[s], 100 * U, 0);
      }
  const float x[] = { 0, 1, 2, -1, -1, -1 };
  const double e = 1 + M_E + M_E * M_E;
  assert_values (&rt_op_softmax, &(RtSoftmaxAttrs){ 1, 0, 0 }, 2, (int64_t[]){ 2, 3 }, x, 6,
                 (double[]){ 1 / e, M_E / e, M_E * M_E / e, 1.0 / 3, 1.0 / 3, 1.0 / 3 }, 1e-6);
  assert_values (&rt_op_log_softmax, &(RtSoftmaxAttrs){ 0, 0, 0 }, 2, (int64_t[]){ 3, 1 }, x, 3,
                 (double[]){ -log (e), 1 - log (e), 2 - log (e) }, 1e-6);
  assert_values (&rt_op_hardmax, &(RtSoftmaxAttrs){ 1, 0, 0 }, 2, (int64_t[]){ 2, 3 }, x, 6,
                 (double[]){ 0, 0, 1, 1, 0, 0 }, 0);
}

/* ---- norms ---- */

static void
check_norm (const RtOp *op, const void *attrs, uint32_t n_dims, const int64_t *dims,
            int64_t n_parameters, uint32_t n_inputs, bool constant)
{
  NetCase c;
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, n_dims, dims, -1, 3);
  for (uint32_t i = 1; i < n_inputs; i++)
    if (constant)
      net_case_random_weight (&c, RT_TYPE_F32, 1, &n_parameters, 0.5, 1.5);
    else
      net_case_random_input (&c, RT_TYPE_F32, 1, &n_parameters, 0.5, 1.5);
  net_case_node (&c, op, attrs, NULL);
  net_case_check (&c, 50 * U, 100 * U);
  net_case_clear (&c);
}

static void
test_layer_norm (void)
{
  static const int64_t dims[] = { 5, 7, 130 };
  for (uint32_t n = 1; n <= 3; n++)
    {
      check_norm (&rt_op_layer_norm, &(RtLayerNormAttrs){ -1, 1e-5f }, 3, dims, 130, n, true);
      check_norm (&rt_op_layer_norm, &(RtLayerNormAttrs){ 1, 1e-5f }, 3, dims, 7 * 130, n, false);
      check_norm (&rt_op_layer_norm, &(RtLayerNormAttrs){ 0, 0 }, 3, dims, 5 * 7 * 130, n, false);
    }
  assert_values (&rt_op_layer_norm, &(RtLayerNormAttrs){ -1, 0 }, 2, (int64_t[]){ 2, 2 },
                 (const float[]){ 1, 3, -5, 7 }, 4, (double[]){ -1, 1, -1, 1 }, 1e-6);
}

static void
test_channel_norm (void)
{
  static const int64_t dims[][4] = { { 2, 5, 7, 12 }, { 1, 12, 12, 12 }, { 3, 96, 1, 96 } };
  for (gsize s = 0; s < G_N_ELEMENTS (dims); s++)
    for (uint32_t first = 0; first < 2; first++)
      {
        int64_t channels = dims[s][first ? 1 : 3];
        for (int constant = 0; constant < 2; constant++)
          check_norm (&rt_op_batch_norm, &(RtChannelNormAttrs){ 1e-5f, 0, first }, 4, dims[s],
                      channels, 5, constant);
        check_norm (&rt_op_group_norm, &(RtChannelNormAttrs){ 1e-3f, 0, first }, 4, dims[s],
                    channels, 3, true);
        check_norm (&rt_op_group_norm, &(RtChannelNormAttrs){ 1e-3f, 1, first }, 4, dims[s],
                    channels, 2, true);
        if (channels % 3 == 0)
          check_norm (&rt_op_group_norm, &(RtChannelNormAttrs){ 1e-3f, 3, first }, 4, dims[s],
                      channels, 1, true);
        check_norm (&rt_op_lrn, &(RtLrnAttrs){ 5, 0.3f, 0.75f, 1, first }, 4, dims[s], 1, 1, true);
        check_norm (&rt_op_lrn, &(RtLrnAttrs){ 4, 0.3f, 0.5f, 2, first }, 4, dims[s], 1, 1, true);
      }
  check_norm (&rt_op_batch_norm, &(RtChannelNormAttrs){ 0, 0, 1 }, 2, dims[0], 5, 5, true);
  check_norm (&rt_op_mean_variance_norm, &(RtReduceAttrs){ 3, { 0, 2, 3 }, 0 }, 4, dims[0], 1, 1,
              true);
  /* Instance norm of two channels of two places. */
  assert_values (&rt_op_group_norm, &(RtChannelNormAttrs){ 0, 0, 0 }, 3, (int64_t[]){ 1, 2, 2 },
                 (const float[]){ 1, 10, 3, 30 }, 4, (double[]){ -1, -1, 1, 1 }, 1e-6);
  assert_values (&rt_op_lrn, &(RtLrnAttrs){ 3, 3, 1, 1, 0 }, 2, (int64_t[]){ 1, 3 },
                 (const float[]){ 1, 2, 3 }, 3, (double[]){ 1.0 / 6, 2.0 / 15, 3.0 / 14 }, 1e-6);
}

/* ---- refusals ---- */

static void
assert_refused (const RtOp *op, const void *attrs, int type, const int64_t *dims, const char *text)
{
  NetCase c;
  net_case_init (&c);
  net_case_random_input (&c, type, 2, dims, 0, 2);
  g_autofree char *message = net_case_refused (&c, op, attrs);
  if (strstr (message, text) == NULL)
    g_error ("\"%s\" does not say \"%s\"", message, text);
  net_case_clear (&c);
}

static void
test_refusals (void)
{
  const int64_t dims[] = { 2, 3 };
  assert_refused (&rt_op_reduce_sum, &(RtReduceAttrs){ 1, { 2 }, 0 }, RT_TYPE_F32, dims,
                  "Axis 2 is outside of the 2 dimensions");
  assert_refused (&rt_op_reduce_sum, &(RtReduceAttrs){ 2, { 1, -1 }, 0 }, RT_TYPE_F32, dims,
                  "Axis 1 is named twice");
  assert_refused (&rt_op_softmax, &(RtSoftmaxAttrs){ 1, 0, 0 }, RT_TYPE_I32, dims,
                  "expected type f32, got i32");
  assert_refused (&rt_op_group_norm, &(RtChannelNormAttrs){ 0, 2, 0 }, RT_TYPE_F32, dims,
                  "3 channels are not 2 equal groups");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/norm/reduce", test_reduce);
  g_test_add_func ("/norm/reduce/values", test_reduce_values);
  g_test_add_func ("/norm/cumsum", test_cumsum);
  g_test_add_func ("/norm/softmax", test_softmax);
  g_test_add_func ("/norm/layer", test_layer_norm);
  g_test_add_func ("/norm/channel", test_channel_norm);
  g_test_add_func ("/norm/refusals", test_refusals);
  return g_test_run ();
}
