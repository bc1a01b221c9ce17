/* Products of activations and of activations with packed constants, against references in double
 * precision on 1, 2, 3 and 8 threads, and against numbers worked out by hand. u = 2^-24. */
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"

#define U 0x1p-24

/* Sums of k products of numbers up to 1: Higham 2002, section 3.1. */
static double
bound (double k)
{
  return (k + 4) * U / (1 - (k + 4) * U) * k;
}

/* ---- matmul_nd ---- */

typedef struct
{
  uint32_t n_a, n_b;
  int64_t a[4], b[4];
  uint32_t transpose_a, transpose_b;
  uint32_t n_out;
  int64_t out[4];
} Shapes;

static const Shapes shapes[] = {
  { 2, 2, { 5, 7 }, { 7, 9 }, 0, 0, 2, { 5, 9 } },
  { 2, 2, { 130, 64 }, { 64, 100 }, 0, 0, 2, { 130, 100 } },
  { 2, 2, { 7, 5 }, { 7, 9 }, 1, 0, 2, { 5, 9 } },
  { 2, 2, { 5, 7 }, { 9, 7 }, 0, 1, 2, { 5, 9 } },
  { 2, 2, { 48, 70 }, { 33, 48 }, 1, 1, 2, { 70, 33 } },
  { 4, 4, { 2, 3, 17, 16 }, { 2, 3, 16, 17 }, 0, 0, 4, { 2, 3, 17, 17 } },
  { 4, 3, { 2, 3, 17, 16 }, { 3, 16, 5 }, 0, 0, 4, { 2, 3, 17, 5 } },
  { 4, 4, { 2, 1, 4, 6 }, { 1, 3, 6, 5 }, 0, 0, 4, { 2, 3, 4, 5 } },
  { 3, 2, { 4, 6, 8 }, { 8, 3 }, 0, 0, 3, { 4, 6, 3 } },
  { 1, 1, { 37 }, { 37 }, 0, 0, 0, { 0 } },
  { 1, 2, { 37 }, { 37, 20 }, 0, 0, 1, { 20 } },
  { 3, 1, { 2, 3, 37 }, { 37 }, 0, 0, 2, { 2, 3 } },
  { 1, 3, { 7 }, { 2, 7, 3 }, 0, 0, 2, { 2, 3 } },
  { 2, 2, { 3, 0 }, { 0, 2 }, 0, 0, 2, { 3, 2 } },
};

static void
test_matmul_nd (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    for (int constant = 0; constant < 2; constant++)
      {
        const Shapes *s = &shapes[i];
        RtMatmulNdAttrs attrs = { s->transpose_a, s->transpose_b };
        NetCase c;
        net_case_init (&c);
        net_case_random_input (&c, RT_TYPE_F32, s->n_a, s->a, -1, 1);
        if (constant)
          net_case_random_weight (&c, RT_TYPE_F16, s->n_b, s->b, -1, 1);
        else
          net_case_random_input (&c, RT_TYPE_F32, s->n_b, s->b, -1, 1);
        net_case_node (&c, &rt_op_matmul_nd, &attrs, NULL);
        const RtShape *out
            = &rt_graph_value (c.graph, rt_graph_node (c.graph, c.node)->outputs[0])->shape;
        g_assert_cmpuint (out->n_dims, ==, s->n_out);
        g_assert_cmpmem (out->dims, s->n_out * 8, s->out, s->n_out * 8);
        net_case_check (&c, 0, bound (130));
        net_case_clear (&c);
      }
}

/* Output 0 of the case's node is exactly @expected. */
static void
assert_exact (NetCase *c, const RtOp *op, const void *attrs, const double *expected, gsize n)
{
  NetResult y[RT_MAX_OUTPUTS];
  net_case_node (c, op, attrs, NULL);
  net_case_run_threads (c, y);
  net_result_check (&y[0], expected, n, 0, 0);
  net_results_clear (y);
}

static const float a23[] = { 1, 2, 3, 4, 5, 6 }, b32[] = { 1, 0, -1, 2, 3, 1 };

static void
test_matmul_nd_values (void)
{
  NetCase c;
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_F32, 2, (int64_t[]){ 2, 3 }, a23);
  net_case_input (&c, RT_TYPE_F32, 2, (int64_t[]){ 3, 2 }, b32);
  assert_exact (&c, &rt_op_matmul_nd, &(RtMatmulNdAttrs){ 0 }, (double[]){ 8, 7, 17, 16 }, 4);
  net_case_clear (&c);
}

/* ---- gemm ---- */

static void
test_gemm (void)
{
  static const struct
  {
    uint32_t n;
    int64_t c[2];
  } addends[] = { { 9, { 0 } },     { 0, { 0 } },     { 1, { 1 } },     { 1, { 37 } },
                  { 2, { 1, 37 } }, { 2, { 70, 1 } }, { 2, { 70, 37 } } };
  for (gsize i = 0; i < G_N_ELEMENTS (addends); i++)
    for (uint32_t flags = 0; flags < 4; flags++)
      {
        RtGemmAttrs attrs = { 0.5f, 2, flags & 1, flags >> 1 };
        int64_t a[] = { 70, 20 }, a_t[] = { 20, 70 }, b[] = { 20, 37 }, b_t[] = { 37, 20 };
        NetCase c;
        net_case_init (&c);
        net_case_random_input (&c, RT_TYPE_F32, 2, flags & 1 ? a_t : a, -1, 1);
        net_case_random_input (&c, RT_TYPE_F32, 2, flags >> 1 ? b_t : b, -1, 1);
        if (addends[i].n < 9)
          net_case_random_input (&c, RT_TYPE_F32, addends[i].n, addends[i].c, -1, 1);
        net_case_node (&c, &rt_op_gemm, &attrs, NULL);
        net_case_check (&c, 0, bound (30));
        net_case_clear (&c);
      }

  NetCase c;
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_F32, 2, (int64_t[]){ 2, 3 }, a23);
  net_case_input (&c, RT_TYPE_F32, 2, (int64_t[]){ 3, 2 }, b32);
  net_case_input (&c, RT_TYPE_F32, 1, (int64_t[]){ 2 }, (const float[]){ 10, 20 });
  assert_exact (&c, &rt_op_gemm, &(RtGemmAttrs){ 2, 0.5f, 0, 0 }, (double[]){ 21, 24, 39, 42 }, 4);
  net_case_clear (&c);
}

/* ---- einsum ---- */

static void
check_einsum_type (int type, const char *equation, uint32_t n_inputs, const uint32_t *n_dims,
                   const int64_t dims[][4], uint32_t n_out, const int64_t *out)
{
  RtEinsumAttrs attrs;
  RtError error = { 0 };
  NetCase c;
  if (!rt_einsum_parse (equation, n_dims, n_inputs, &attrs, &error))
    g_error ("%s: %s", equation, error.message);
  net_case_init (&c);
  for (uint32_t i = 0; i < n_inputs; i++)
    net_case_random_input (&c, type, n_dims[i], dims[i], -1, 1);
  net_case_node (&c, &rt_op_einsum, &attrs, NULL);
  const RtShape *shape
      = &rt_graph_value (c.graph, rt_graph_node (c.graph, c.node)->outputs[0])->shape;
  g_assert_cmpuint (shape->n_dims, ==, n_out);
  g_assert_cmpmem (shape->dims, n_out * 8, out, n_out * 8);
  net_case_check (&c, 4 * U, 1e-6);
  net_case_clear (&c);
}

static void
check_einsum (const char *equation, uint32_t n_inputs, const uint32_t *n_dims,
              const int64_t dims[][4], uint32_t n_out, const int64_t *out)
{
  check_einsum_type (RT_TYPE_F32, equation, n_inputs, n_dims, dims, n_out, out);
  check_einsum_type (RT_TYPE_F64, equation, n_inputs, n_dims, dims, n_out, out);
}

static void
test_einsum (void)
{
  check_einsum ("ij,jk->ik", 2, (uint32_t[]){ 2, 2 }, (int64_t[][4]){ { 5, 7 }, { 7, 3 } }, 2,
                (int64_t[]){ 5, 3 });
  check_einsum ("bhid, bhjd -> bhij", 2, (uint32_t[]){ 4, 4 },
                (int64_t[][4]){ { 2, 3, 5, 7 }, { 2, 3, 4, 7 } }, 4, (int64_t[]){ 2, 3, 5, 4 });
  check_einsum ("...ii->...i", 1, (uint32_t[]){ 3 }, (int64_t[][4]){ { 2, 4, 4 } }, 2,
                (int64_t[]){ 2, 4 });
  check_einsum ("i,i", 2, (uint32_t[]){ 1, 1 }, (int64_t[][4]){ { 9 }, { 9 } }, 0, NULL);
  check_einsum ("ba", 1, (uint32_t[]){ 2 }, (int64_t[][4]){ { 2, 3 } }, 2, (int64_t[]){ 3, 2 });
  check_einsum ("...ij,jk", 2, (uint32_t[]){ 3, 2 }, (int64_t[][4]){ { 2, 5, 7 }, { 7, 3 } }, 3,
                (int64_t[]){ 2, 5, 3 });
  check_einsum ("ij->", 1, (uint32_t[]){ 2 }, (int64_t[][4]){ { 2, 3 } }, 0, NULL);

  RtEinsumAttrs attrs;
  RtError error = { 0 };
  NetCase c;
  g_assert_true (rt_einsum_parse ("ij,jk->ki", (uint32_t[]){ 2, 2 }, 2, &attrs, &error));
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_F32, 2, (int64_t[]){ 2, 3 }, a23);
  net_case_input (&c, RT_TYPE_F32, 2, (int64_t[]){ 3, 2 }, b32);
  assert_exact (&c, &rt_op_einsum, &attrs, (double[]){ 8, 17, 7, 16 }, 4);
  net_case_clear (&c);

  g_assert_false (rt_einsum_parse ("ij->ik", (uint32_t[]){ 2 }, 1, &attrs, &error));
  g_assert_nonnull (strstr (error.message, "a letter that no input has"));
  g_assert_false (rt_einsum_parse ("ij,jk", (uint32_t[]){ 2 }, 1, &attrs, &error));
  g_assert_false (rt_einsum_parse ("ij", (uint32_t[]){ 3 }, 1, &attrs, &error));
  g_assert_nonnull (strstr (error.message, "3 dimensions"));
}

/* ---- dense layers: any rank, activation, limits ---- */

static void
check_dense (uint32_t n_dims, const int64_t *dims, int64_t n_rows, bool bias, bool residual,
             const RtMatmulAttrs *attrs, int dtype)
{
  int64_t weight[] = { n_rows, dims[n_dims - 1] }, out[4];
  NetCase c;
  net_case_init (&c);
  c.pack_dtype = dtype;
  memcpy (out, dims, n_dims * sizeof *dims);
  out[n_dims - 1] = n_rows;
  net_case_random_input (&c, RT_TYPE_F32, n_dims, dims, -1, 1);
  net_case_random_weight (&c, RT_TYPE_F32, 2, weight, -0.3, 0.3);
  if (bias)
    net_case_random_weight (&c, RT_TYPE_F32, 1, &n_rows, -1, 1);
  else
    net_case_no_input (&c);
  if (residual)
    net_case_random_input (&c, RT_TYPE_F32, n_dims, out, -1, 1);
  net_case_node (&c, &rt_op_matmul, attrs, NULL);
  net_case_check (&c, 20 * U, bound (96));
  net_case_clear (&c);
}

static void
test_dense (void)
{
  static const RtMatmulAttrs rows[] = {
    { 0 },
    { .has_limits = 1, .min = 0, .max = INFINITY },
    { .has_limits = 1, .min = 0, .max = 6 },
    { .activation = RT_ACTIVATION_TANH },
    { .activation = RT_ACTIVATION_GELU },
    { .activation = RT_ACTIVATION_GELU_ERF },
    { .activation = RT_ACTIVATION_HARD_SIGMOID, .activation_params = { 0.2f, 0.5f } },
    { .activation = RT_ACTIVATION_LEAKY, .activation_params = { 0.1f } },
    { .activation = RT_ACTIVATION_ELU, .activation_params = { 1, 1 } },
  };
  const int64_t d1[] = { 64 }, d2[] = { 3, 37 }, d3[] = { 2, 5, 96 }, d4[] = { 2, 1, 17, 32 };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    for (int bias = 0; bias < 2; bias++)
      for (int residual = 0; residual < 2; residual++)
        {
          check_dense (1, d1, 50, bias, residual, &rows[i], KN_F32);
          check_dense (2, d2, 50, bias, residual, &rows[i], KN_F32);
          check_dense (3, d3, 50, bias, residual, &rows[i], KN_Q8_0);
          check_dense (4, d4, 33, bias, residual, &rows[i], KN_F16);
        }
}

static void
test_refusals (void)
{
  NetCase c;
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, 2, (int64_t[]){ 2, 3 }, -1, 1);
  net_case_random_input (&c, RT_TYPE_F32, 2, (int64_t[]){ 2, 3 }, -1, 1);
  g_autofree char *message = net_case_refused (&c, &rt_op_matmul_nd, &(RtMatmulNdAttrs){ 0 });
  g_assert_nonnull (strstr (message, "in0 [2, 3] and in1 [2, 3] cannot be multiplied"));
  net_case_clear (&c);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/product/matmul-nd", test_matmul_nd);
  g_test_add_func ("/product/matmul-nd/values", test_matmul_nd_values);
  g_test_add_func ("/product/gemm", test_gemm);
  g_test_add_func ("/product/einsum", test_einsum);
  g_test_add_func ("/product/dense", test_dense);
  g_test_add_func ("/product/refusals", test_refusals);
  return g_test_run ();
}
