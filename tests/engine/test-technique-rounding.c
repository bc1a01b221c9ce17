/* Rounding by what the output loses: grids of blocks, the inverse factor and the compensation
 * beside slow independent ones in double, what is promised about zeros, and what it does to a real
 * model. */
#include <math.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-error.h"
#include "eng-rounding.h"
#include "eng-test.h"
#include "kn-grid.h"
#include "kn-quant.h"

static const int grids[]
    = { KN_Q8_0, KN_Q6_K,  KN_Q5_K, KN_Q5_1,  KN_Q5_0,  KN_Q4_K,  KN_Q4_1, KN_Q4_0,
        KN_Q3_K, KN_Q3_64, KN_Q2_K, KN_Q2_64, KN_TQ2_0, KN_Q1_64, KN_W8A8, KN_W4A8 };

/* ---- small tools ---- */

static guint64 state;

static double
next_uniform (void)
{
  state = state * 6364136223846793005u + 1442695040888963407u;
  return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static float
next_normal (void)
{
  return (float)(sqrt (-2 * log (next_uniform ())) * cos (2 * G_PI * next_uniform ()));
}

static float *
new_normals (gsize n)
{
  float *x = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    x[i] = next_normal ();
  return x;
}

/* Mean of x x^T over rows whose channels have something in common and very different sizes. */
static float *
new_moments (gsize n, gsize n_samples)
{
  g_autofree double *sum = g_new0 (double, n *n);
  g_autofree double *x = g_new (double, n);
  float *moments = g_new (float, n *n);

  for (gsize s = 0; s < n_samples; s++)
    {
      double common = (double)next_normal ();
      for (gsize i = 0; i < n; i++)
        x[i] = (common + 0.5 * (double)next_normal ()) * (i % 16 == 3 ? 8 : 0.3 + (double)(i % 7));
      for (gsize i = 0; i < n; i++)
        for (gsize j = 0; j < n; j++)
          sum[i * n + j] += x[i] * x[j];
    }
  for (gsize i = 0; i < n * n; i++)
    moments[i] = (float)(sum[i] / (double)n_samples);
  return moments;
}

static RtPool *
new_pool (guint n_threads)
{
  RtError error = { 0 };
  RtPool *pool = rt_pool_new (n_threads, &error);
  g_assert_nonnull (pool);
  return pool;
}

/* sum over rows of (W - Q) H (W - Q)^T: what the product's output loses, in mean square. */
static double
output_loss (const float *w, const float *q, const float *moments, gsize n_rows, gsize n)
{
  double loss = 0;
  for (gsize r = 0; r < n_rows; r++)
    for (gsize i = 0; i < n; i++)
      for (gsize j = 0; j < n; j++)
        loss += ((double)w[r * n + i] - (double)q[r * n + i]) * (double)moments[i * n + j]
                * ((double)w[r * n + j] - (double)q[r * n + j]);
  return loss;
}

static float *
dequantized (const EngRoundingArgs *args)
{
  gsize row_bytes = kn_row_bytes ((KnDtype)args->dtype, args->n_cols);
  float *rows = g_new (float, args->n_rows * args->n_cols);
  for (gsize r = 0; r < args->n_rows; r++)
    kn_dequantize_row ((KnDtype)args->dtype, args->blocks + r * row_bytes, rows + r * args->n_cols,
                       args->n_cols);
  return rows;
}

/* ---- grids ---- */

/* Any codes, put into a block, are read back as the numbers that the grid says. */
static void
test_grids (void)
{
  for (guint k = 0; k < G_N_ELEMENTS (grids); k++)
    {
      KnGridInfo info;
      guint8 block[KN_GRID_MAX_GROUPS * 64], codes[256];
      float scale[KN_GRID_MAX_GROUPS], offset[KN_GRID_MAX_GROUPS], values[256];

      g_assert_true (kn_grid_info (grids[k], &info));
      g_assert_cmpuint (info.block_len, ==, kn_dtype_info (grids[k])->block_len);
      g_autofree float *x = new_normals (info.block_len);
      kn_quantize_row ((KnDtype)grids[k], x, block, info.block_len);
      kn_grid_get ((KnDtype)grids[k], block, scale, offset);
      for (guint i = 0; i < info.block_len; i++)
        codes[i] = (guint8)(next_uniform () * info.n_codes);
      g_assert_true (info.is_of_row == (kn_dtype_info (grids[k])->header_bytes > 0));
      kn_grid_put ((KnDtype)grids[k], block + kn_dtype_info (grids[k])->header_bytes, codes);
      kn_dequantize_row ((KnDtype)grids[k], block, values, info.block_len);
      for (guint i = 0; i < info.block_len; i++)
        {
          guint g = i / info.group_len;
          double wanted = (double)offset[g] + (double)scale[g] * codes[i];
          double size = fabs ((double)offset[g]) + fabs ((double)scale[g]) * codes[i];
          if (fabs ((double)values[i] - wanted) > 4 * 6e-8 * size)
            g_error ("%s: value %u is %g, the grid says %g", kn_dtype_info (grids[k])->name, i,
                     (double)values[i], wanted);
        }
    }
  KnGridInfo none;
  g_assert_false (kn_grid_info (KN_F16, &none));
  g_assert_false (kn_grid_info (KN_MXFP4, &none));
}

/* ---- the factor ---- */

/* U^T U (H + damping) is one, to what single precision of a matrix of this condition allows. */
static void
check_factor (gsize n)
{
  g_autofree float *moments = new_moments (n, 3 * n);
  RtPool *one = new_pool (1), *three = new_pool (3);
  double used, mean = 0, worst = 0;
  g_autofree float *u = eng_inverse_factor_new (moments, n, 0.01, one, NULL, &used);
  g_autofree float *same = eng_inverse_factor_new (moments, n, 0.01, three, NULL, NULL);

  g_assert_cmpfloat (used, ==, 0.01);
  g_assert_cmpmem (u, n * n * sizeof *u, same, n * n * sizeof *u);
  for (gsize i = 0; i < n; i++)
    mean += (double)moments[i * n + i] / (double)n;
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < i; j++)
      g_assert_cmpfloat (u[i * n + j], ==, 0);
  g_autofree double *uh = g_new0 (double, n *n); /* U (H + d) */
  for (gsize i = 0; i < n; i++)
    for (gsize k = i; k < n; k++)
      for (gsize j = 0; j < n; j++)
        uh[i * n + j]
            += (double)u[i * n + k] * ((double)moments[k * n + j] + (k == j ? 0.01 * mean : 0));
  for (gsize i = 0; i < n; i++) /* U (H + d) U^T is one as well */
    for (gsize j = 0; j < n; j++)
      {
        double sum = 0;
        for (gsize k = j; k < n; k++)
          sum += uh[i * n + k] * (double)u[j * n + k];
        worst = MAX (worst, fabs (sum - (i == j)));
      }
  g_assert_cmpfloat (worst, <, 0.01);
  rt_pool_free (one);
  rt_pool_free (three);
}

static void
test_factor (void)
{
  check_factor (16);
  check_factor (64);
  check_factor (100);
  check_factor (200);
}

/* One sample says nothing of 95 of 96 directions, a dead channel nothing at all: still a factor. */
static void
test_factor_of_little (void)
{
  const gsize n = 96;
  g_autofree float *moments = new_moments (n, 1);
  RtPool *pool = new_pool (2);
  double used;

  for (gsize i = 0; i < n; i++)
    moments[i * n + 5] = moments[5 * n + i] = 0;
  g_autofree float *u = eng_inverse_factor_new (moments, n, 0.0001, pool, NULL, &used);
  g_assert_nonnull (u);
  g_assert_cmpfloat (used, >=, 0.0001);
  for (gsize i = 0; i < n; i++)
    {
      g_assert_true (isfinite (u[i * n + i]));
      g_assert_cmpfloat (u[i * n + i], >, 0);
    }
  atomic_int cancel = 1;
  g_assert_null (eng_inverse_factor_new (moments, n, 0.01, pool, &cancel, NULL));
  rt_pool_free (pool);
}

/* ---- compensation ---- */

/* Gauss-Jordan, in double. */
static double *
inverse_of (const float *moments, gsize n, double damping)
{
  double *a = g_new0 (double, n *n), *b = g_new0 (double, n *n), mean = 0;

  for (gsize i = 0; i < n; i++)
    mean += (double)moments[i * n + i] / (double)n;
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < n; j++)
      {
        a[i * n + j] = (double)moments[i * n + j] + (i == j ? damping * mean : 0);
        b[i * n + j] = i == j;
      }
  for (gsize i = 0; i < n; i++)
    {
      double pivot = a[i * n + i];
      for (gsize j = 0; j < n; j++)
        {
          a[i * n + j] /= pivot;
          b[i * n + j] /= pivot;
        }
      for (gsize k = 0; k < n; k++)
        {
          double f = a[k * n + i];
          for (gsize j = 0; k != i && j < n; j++)
            {
              a[k * n + j] -= f * a[i * n + j];
              b[k * n + j] -= f * b[i * n + j];
            }
        }
    }
  g_free (a);
  return b;
}

/* Optimal brain surgeon for one row, column by column: the inverse of the moments of the columns
 * that are left is updated by elimination after each. Scales are those of the row as it is at the
 * beginning; one of the whole row is that in @header (test_row_scale() is about that one). */
static void
round_slowly (const float *row, const float *costs, const double *inverse, const guint32 *order,
              gsize n, int dtype, const guint8 *header, float *result)
{
  KnGridInfo info;
  g_autofree double *h = g_memdup2 (inverse, n * n * sizeof *h);
  g_autofree double *w = g_new (double, n);
  g_autofree guint8 *blocks = g_malloc (kn_row_bytes ((KnDtype)dtype, n));
  gsize block_bytes = kn_dtype_info (dtype)->block_bytes;

  g_assert_true (kn_grid_info (dtype, &info));
  kn_quantize_row_weighted ((KnDtype)dtype, row, costs, blocks, n);
  memcpy (blocks, header, kn_dtype_info (dtype)->header_bytes);
  for (gsize i = 0; i < n; i++)
    w[i] = (double)row[i];
  for (gsize step = 0; step < n; step++)
    {
      gsize j = order[step], block = info.is_of_row ? 0 : j / info.block_len;
      float scale[KN_GRID_MAX_GROUPS], offset[KN_GRID_MAX_GROUPS];
      kn_grid_get ((KnDtype)dtype, blocks + block * block_bytes, scale, offset);
      guint g = info.is_of_row ? 0 : (guint)(j % info.block_len / info.group_len);
      double code = scale[g] != 0 ? floor ((w[j] - (double)offset[g]) / (double)scale[g] + 0.5) : 0;
      code = CLAMP (code, 0, (double)info.n_codes - 1);
      result[j] = (float)((double)offset[g] + (double)scale[g] * code);
      double e = (w[j] - (double)result[j]) / h[j * n + j];
      for (gsize k = 0; k < n; k++)
        w[k] -= k != j ? e * h[k * n + j] : 0;
      for (gsize i = 0; i < n; i++)
        for (gsize k = 0; i != j && k < n; k++)
          if (k != j)
            h[i * n + k] -= h[i * n + j] * h[j * n + k] / h[j * n + j];
      for (gsize i = 0; i < n; i++)
        h[i * n + j] = h[j * n + i] = i == j ? 1 : 0;
    }
}

static guint32 *
some_order (gsize n)
{
  guint32 *order = g_new (guint32, n);
  for (gsize i = 0; i < n; i++)
    order[i] = (guint32)((i * 77 + 5) % n); /* 77 and a power of two have no divisor in common */
  return order;
}

static float *
in_order (const float *moments, const guint32 *order, gsize n)
{
  float *sorted = g_new (float, n *n);
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < n; j++)
      sorted[i * n + j] = moments[order[i] * n + order[j]];
  return sorted;
}

/* The same levels as the slow way, but for ties: so at least 98 of 100, and the same loss to 3
 * %. */
static void
check_compensated (int dtype, gsize n_rows)
{
  const gsize n = 256;
  g_autofree float *w = new_normals (n_rows * n), *slow = g_new (float, n_rows *n);
  g_autofree float *moments = new_moments (n, 2 * n);
  g_autofree guint32 *order = some_order (n);
  g_autofree float *sorted = in_order (moments, order, n);
  g_autofree float *costs = g_new (float, n);
  g_autofree guint8 *blocks = g_malloc (n_rows * kn_row_bytes ((KnDtype)dtype, n));
  g_autofree double *inverse = inverse_of (moments, n, 0.05);
  RtPool *pool = new_pool (3);
  g_autofree float *factor = eng_inverse_factor_new (sorted, n, 0.05, pool, NULL, NULL);
  guint n_same = 0;

  for (gsize i = 0; i < n; i++)
    costs[i] = moments[i * n + i];
  EngRoundingArgs args = { n_rows, n, w, costs, dtype, blocks };
  g_assert_true (eng_round_compensated (&args, factor, order, pool, NULL));
  g_autofree float *q = dequantized (&args);
  for (gsize r = 0; r < n_rows; r++)
    round_slowly (w + r * n, costs, inverse, order, n, dtype,
                  blocks + r * kn_row_bytes ((KnDtype)dtype, n), slow + r * n);
  for (gsize i = 0; i < n_rows * n; i++)
    n_same += fabsf (q[i] - slow[i]) <= 1e-5f * (fabsf (slow[i]) + 0.1f);
  double loss = output_loss (w, q, moments, n_rows, n),
         slow_loss = output_loss (w, slow, moments, n_rows, n);
  g_test_message ("%s: %.2f %% the same, loss %g beside %g", kn_dtype_info (dtype)->name,
                  100.0 * n_same / (double)(n_rows * n), loss, slow_loss);
  g_assert_cmpfloat (n_same, >=, 0.98 * (double)(n_rows * n));
  g_assert_cmpfloat (fabs (loss - slow_loss), <=, 0.03 * slow_loss);
  rt_pool_free (pool);
}

static void
test_compensated (void)
{
  check_compensated (KN_Q4_0, 5);
  check_compensated (KN_Q4_K, 3);
  check_compensated (KN_Q3_64, 3);
  check_compensated (KN_Q2_K, 3);
  check_compensated (KN_Q1_64, 3);
  check_compensated (KN_W4A8, 5);
  check_compensated (KN_W8A8, 3);
}

/* With one scale per row: the row's, not the least of any block's, and none of 400 others between
 * the extremes' has a weighted square error that is 2 % smaller. The order of columns does not
 * change it. */
static void
test_row_scale (void)
{
  const gsize n_rows = 6, n = 256;
  g_autofree float *w = new_normals (n_rows * n), *moments = new_moments (n, 2 * n);
  g_autofree float *costs = g_new (float, n);
  g_autofree guint32 *order = some_order (n);
  g_autofree float *sorted = in_order (moments, order, n);
  gsize row_bytes = kn_row_bytes (KN_W4A8, n);
  g_autofree guint8 *blocks = g_malloc (n_rows * row_bytes), *other = g_malloc (n_rows * row_bytes);
  RtPool *pool = new_pool (2);
  g_autofree float *factor = eng_inverse_factor_new (moments, n, 0.01, pool, NULL, NULL);
  g_autofree float *other_factor = eng_inverse_factor_new (sorted, n, 0.01, pool, NULL, NULL);
  EngRoundingArgs args = { n_rows, n, w, costs, KN_W4A8, blocks };
  EngRoundingArgs other_args = { n_rows, n, w, costs, KN_W4A8, other };

  for (gsize i = 0; i < n; i++)
    costs[i] = moments[i * n + i];
  g_assert_true (eng_round_compensated (&args, factor, NULL, pool, NULL));
  g_assert_true (eng_round_compensated (&other_args, other_factor, order, pool, NULL));
  for (gsize r = 0; r < n_rows; r++)
    {
      float scale, top = 0;
      double own = 0, least = INFINITY;
      memcpy (&scale, blocks + r * row_bytes, sizeof scale);
      g_assert_cmpmem (blocks + r * row_bytes, 4, other + r * row_bytes, 4);
      for (gsize i = 0; i < n; i++)
        top = MAX (top, fabsf (w[r * n + i]));
      for (int k = -400; k <= 400; k++)
        {
          double d = k == 0 ? (double)scale : (double)top / 7 * k / 400, error = 0;
          for (gsize i = 0; i < n; i++)
            {
              double x = (double)w[r * n + i];
              double e = x - d * CLAMP (rint (x / d), -8, 7);
              error += (double)costs[i] * e * e;
            }
          own = k == 0 ? error : own;
          least = MIN (least, error);
        }
      g_test_message ("row %zu: error %g, the least %g", r, own, least);
      g_assert_cmpfloat (own, <=, 1.02 * least);
    }
  rt_pool_free (pool);
}

/* For every format: the output loses less than with the least weighted error, and that less than to
 * nearest. 70 rows: a whole tile and a part; the same bytes for one thread and three. */
static void
test_methods (void)
{
  const gsize n_rows = 70, n = 512;
  g_autofree float *w = new_normals (n_rows * n), *moments = new_moments (n, 2 * n);
  g_autofree float *costs = g_new (float, n);
  RtPool *one = new_pool (1), *three = new_pool (3);
  g_autofree float *factor = eng_inverse_factor_new (moments, n, 0.01, one, NULL, NULL);

  for (gsize i = 0; i < n; i++)
    costs[i] = moments[i * n + i];
  for (guint k = 0; k < G_N_ELEMENTS (grids); k++)
    {
      gsize n_bytes = n_rows * kn_row_bytes ((KnDtype)grids[k], n);
      g_autofree guint8 *blocks = g_malloc (n_bytes), *again = g_malloc (n_bytes);
      EngRoundingArgs args = { n_rows, n, w, costs, grids[k], blocks };
      EngRoundingArgs args_again = { n_rows, n, w, costs, grids[k], again };
      double losses[3];

      for (guint m = 0; m < 3; m++)
        {
          g_assert_true (m < 2 ? eng_round_rows (&args, m == 0, three, NULL)
                               : eng_round_compensated (&args, factor, NULL, three, NULL));
          g_autofree float *q = dequantized (&args);
          losses[m] = output_loss (w, q, moments, n_rows, n);
        }
      g_test_message ("%s: nearest %g, importance %g, compensated %g",
                      kn_dtype_info (grids[k])->name, losses[0], losses[1], losses[2]);
      g_assert_cmpfloat (losses[2], <, losses[1]);
      g_assert_cmpfloat (losses[2], <, losses[0] * 0.8);
      g_assert_true (eng_round_compensated (&args_again, factor, NULL, one, NULL));
      g_assert_cmpmem (blocks, n_bytes, again, n_bytes);
    }
  rt_pool_free (one);
  rt_pool_free (three);
}

/* What was pruned stays pruned, in formats that have a zero. */
static void
test_zeros (void)
{
  const gsize n_rows = 8, n = 256;
  const int dtypes[] = { KN_Q8_0, KN_Q4_0, KN_Q6_K, KN_Q3_K, KN_W8A8, KN_W4A8 };
  g_autofree float *w = new_normals (n_rows * n), *moments = new_moments (n, 2 * n);
  RtPool *pool = new_pool (2);
  g_autofree float *factor = eng_inverse_factor_new (moments, n, 0.01, pool, NULL, NULL);

  for (gsize i = 0; i < n_rows * n; i++)
    if (i % 4 < 2)
      w[i] = 0;
  for (guint k = 0; k < G_N_ELEMENTS (dtypes); k++)
    {
      g_autofree guint8 *blocks = g_malloc (n_rows * kn_row_bytes ((KnDtype)dtypes[k], n));
      EngRoundingArgs args = { n_rows, n, w, NULL, dtypes[k], blocks };
      g_assert_true (eng_round_compensated (&args, factor, NULL, pool, NULL));
      g_autofree float *q = dequantized (&args);
      for (gsize i = 0; i < n_rows * n; i++)
        if (w[i] == 0)
          g_assert_cmpfloat (q[i], ==, 0);
    }
  rt_pool_free (pool);
}

/* ---- on a model ---- */

#define RECIPE(format, method)                                                                     \
  "{\"weight-format\": {\"format\": \"" format                                                     \
  "\"}, \"calibration\": {\"tokens\": 8192}, \"rounding\": {\"method\": \"" method "\"}}"

static double
perplexity (EngModel *model, const char *techniques)
{
  return eng_test_perplexity (model, techniques, 2048);
}

/* On texts that calibration has not seen. */
static void
test_loss (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  double file = perplexity (model, "{}");
  double nearest = perplexity (model, RECIPE ("q2_k", "nearest"));
  double importance = perplexity (model, RECIPE ("q2_k", "importance"));
  double gptq = perplexity (model, RECIPE ("q2_k", "gptq"));

  g_test_message ("perplexity: file %.3f, Q2_K nearest %.3f, importance %.3f, compensated %.3f",
                  file, nearest, importance, gptq);
  g_assert_cmpfloat (file, <, gptq);
  g_assert_cmpfloat (gptq, <, nearest);
  g_assert_cmpfloat (importance, <, nearest);
  g_assert_cmpfloat (gptq - file, <, 0.9 * (nearest - file));
}

/* One scale for a whole row of 4-bit codes: where there is most to make up for. */
static void
test_loss_of_rows (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  double file = perplexity (model, "{}");
  double nearest = perplexity (model, RECIPE ("w4a8", "nearest"));
  double gptq = perplexity (model, RECIPE ("w4a8", "gptq"));

  g_test_message ("perplexity: file %.3f, W4A8 nearest %.3f, compensated %.3f", file, nearest,
                  gptq);
  g_assert_cmpfloat (file, <, gptq);
  g_assert_cmpfloat (gptq - file, <, 0.8 * (nearest - file));
}

/* One bit loses nearly everything of a model that was not trained for it, however it is rounded. */
static void
test_loss_of_signs (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  double file = perplexity (model, "{}");
  double nearest = perplexity (model, RECIPE ("q1_64", "nearest"));
  double importance = perplexity (model, RECIPE ("q1_64", "importance"));
  double gptq = perplexity (model, RECIPE ("q1_64", "gptq"));

  g_test_message ("perplexity: file %.3f, Q1_64 nearest %.3f, importance %.3f, compensated %.3f",
                  file, nearest, importance, gptq);
  g_assert_cmpfloat (importance, <, nearest);
  g_assert_cmpfloat (gptq, <, nearest);
  g_assert_cmpfloat (gptq, >, 4 * file);
}

static void
test_deterministic (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) one = eng_test_build (model, RECIPE ("q4_0", "gptq"), NULL);
  g_autoptr (EngBuild) two = eng_test_build (model, RECIPE ("q4_0", "gptq"), NULL);
  g_autoptr (EngBuild) nearest = eng_test_build (model, RECIPE ("q4_0", "nearest"), one);
  const gint32 tokens[] = { 1, 300, 301, 302, 17 };
  g_autofree float *a = eng_test_logits (one, tokens, 5), *b = eng_test_logits (two, tokens, 5),
                   *c = eng_test_logits (nearest, tokens, 5);
  gsize n_bytes = rt_exec_n_vocab (eng_build_get_exec (one)) * sizeof (float);

  g_assert_cmpstr (eng_build_get_hash (one), ==, eng_build_get_hash (two));
  g_assert_cmpstr (eng_build_get_hash (one), !=, eng_build_get_hash (nearest));
  g_assert_cmpmem (a, n_bytes, b, n_bytes);
  g_assert_cmpint (memcmp (a, c, n_bytes), !=, 0);
  /* A build that has everything already shares it. */
  g_autoptr (EngBuild) three = eng_test_build (model, RECIPE ("q4_0", "gptq"), one);
  const EngTensor *tensor = eng_model_get_tensor (model, 3);
  g_assert_true (eng_build_get_weight (three, tensor) == eng_build_get_weight (one, tensor));
}

/* A matrix that keeps the file's format keeps its numbers: nothing to round, nothing to measure. */
static void
test_nothing_to_do (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain = eng_test_build (model, "{}", NULL);
  g_autoptr (EngBuild) rounded
      = eng_test_build (model, "{\"rounding\": {\"method\": \"gptq\"}}", NULL);
  g_assert_cmpstr (eng_build_get_hash (plain), ==, eng_build_get_hash (rounded));
}

/* Every reason is in the notes: what no product reads, what has no grid. */
static void
test_notes (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, RECIPE ("mxfp4", "gptq"), NULL);
  const char *const *notes = eng_build_get_notes (build);
  gboolean found = FALSE;
  for (guint i = 0; notes[i] != NULL; i++)
    found |= strstr (notes[i], "blk.0.attn_q.weight: error compensation needs") != NULL;
  g_assert_true (found);
}

static void
test_refusal (void)
{
  eng_test_check_refusal ("rounding", "vision/mnist/opt-mnist.onnx",
                          "a network's matrices are rounded by 8-bit integers or to nearest");
}

static void
test_round_trip (void)
{
  g_autoptr (EngRecipe) recipe = eng_test_recipe (
      "{\"rounding\": {\"method\": \"gptq\", \"damping\": 0.05, \"order\": \"file\", "
      "\"rules\": [{\"match\": \"blk.0.*\", \"method\": \"importance\"}]}}");
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);
  g_autofree char *words = eng_recipe_describe (recipe);
  g_autoptr (EngModel) model = eng_test_load_default ();
  const EngTechnique *technique = eng_technique_find ("rounding");
  g_autofree char *first = technique->explain (model, recipe, 0);

  g_assert_nonnull (strstr (words, "error compensation with 1 rule"));
  g_assert_nonnull (strstr (first, "7 by importance"));
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rounding/grids", test_grids);
  g_test_add_func ("/rounding/factor", test_factor);
  g_test_add_func ("/rounding/factor-of-little", test_factor_of_little);
  g_test_add_func ("/rounding/compensated", test_compensated);
  g_test_add_func ("/rounding/row-scale", test_row_scale);
  g_test_add_func ("/rounding/methods", test_methods);
  g_test_add_func ("/rounding/zeros", test_zeros);
  eng_test_add_judgement ("/rounding/loss", test_loss);
  eng_test_add_judgement ("/rounding/loss-of-rows", test_loss_of_rows);
  eng_test_add_judgement ("/rounding/loss-of-signs", test_loss_of_signs);
  g_test_add_func ("/rounding/deterministic", test_deterministic);
  g_test_add_func ("/rounding/nothing-to-do", test_nothing_to_do);
  g_test_add_func ("/rounding/notes", test_notes);
  g_test_add_func ("/rounding/refusal", test_refusal);
  g_test_add_func ("/rounding/round-trip", test_round_trip);
  return g_test_run ();
}
