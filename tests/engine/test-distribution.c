/* Histograms of weights and activations: they count everything once, grids are the formats'
 * definitions, and 8-bit integers are where scale and zero point put them. */
#include <math.h>
#include <string.h>

#include "eng-distribution.h"
#include "eng-error.h"
#include "eng-test.h"
#include "kn-quant.h"

static guint64
sum (const guint64 *counts)
{
  guint64 total = 0;
  for (guint i = 0; i < ENG_DISTRIBUTION_BINS; i++)
    total += counts[i];
  return total;
}

/* ---- grids ---- */

/* Blocks written by hand. 0x3800 is 0.5 and 0x4000 is 2 in half precision. */
static void
test_grid_definitions (void)
{
  EngGrid grid;
  guint8 q8[34] = { 0x00, 0x38 }, q4[18] = { 0x00, 0x38 }, q41[20] = { 0x00, 0x38, 0x00, 0x40 };
  guint8 q5[22] = { 0x00, 0x38 };

  /* Q8_0: d * q, q = -128 .. 127. */
  g_assert_cmpuint (eng_grid_n_parts (KN_Q8_0), ==, 1);
  eng_grid_of_block (KN_Q8_0, q8, 0, &grid);
  g_assert_cmpint (grid.low, ==, -128);
  g_assert_cmpint (grid.high, ==, 127);
  for (int q = -128; q <= 127; q++)
    g_assert_cmpfloat (eng_grid_level (&grid, q), ==, 0.5 * q);
  /* Q4_0: d * (q - 8), q = 0 .. 15. */
  eng_grid_of_block (KN_Q4_0, q4, 0, &grid);
  for (int q = 0; q <= 15; q++)
    g_assert_cmpfloat (eng_grid_level (&grid, q), ==, 0.5 * (q - 8));
  g_assert_cmpint (grid.high, ==, 15);
  /* Q4_1: d * q + m. */
  eng_grid_of_block (KN_Q4_1, q41, 0, &grid);
  for (int q = 0; q <= 15; q++)
    g_assert_cmpfloat (eng_grid_level (&grid, q), ==, 0.5 * q + 2);
  /* Q5_0: d * (q - 16), q = 0 .. 31. */
  eng_grid_of_block (KN_Q5_0, q5, 0, &grid);
  g_assert_cmpint (grid.high, ==, 31);
  for (int q = 0; q <= 31; q++)
    g_assert_cmpfloat (eng_grid_level (&grid, q), ==, 0.5 * (q - 16));
  g_assert_cmpuint (eng_grid_n_parts (KN_Q4_K), ==, 8);
  g_assert_cmpuint (eng_grid_n_parts (KN_Q6_K), ==, 16);
  g_assert_cmpuint (eng_grid_n_parts (KN_F16), ==, 0);
  g_assert_cmpuint (eng_grid_n_parts (KN_MXFP4), ==, 0);
}

/* Whatever a block of any format dequantizes to lies on the grid of its part. */
static void
test_grid_holds_blocks (void)
{
  static const int dtypes[]
      = { KN_Q8_0, KN_Q4_0, KN_Q4_1,  KN_Q5_0,  KN_Q5_1,  KN_Q4_K,  KN_Q5_K, KN_Q6_K,
          KN_Q2_K, KN_Q3_K, KN_Q2_64, KN_Q3_64, KN_TQ1_0, KN_TQ2_0, KN_Q1_64 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);

  for (guint f = 0; f < G_N_ELEMENTS (dtypes); f++)
    for (int round = 0; round < 20; round++)
      {
        const KnDtypeInfo *info = kn_dtype_info (dtypes[f]);
        guint n_parts = eng_grid_n_parts (dtypes[f]), part_len = info->block_len / n_parts;
        float values[256], back[256];
        guint8 block[256];
        for (guint i = 0; i < info->block_len; i++)
          values[i] = (float)(g_rand_double_range (rand, -1, 1)
                              * exp (g_rand_double_range (rand, -3, 3)));
        kn_quantize_row (dtypes[f], values, block, info->block_len);
        kn_dequantize_row (dtypes[f], block, back, info->block_len);
        for (guint i = 0; i < info->block_len; i++)
          {
            EngGrid grid;
            eng_grid_of_block (dtypes[f], block, i / part_len, &grid);
            /* A part of nothing but small numbers may have no step. */
            double code = grid.step != 0 ? rint (((double)back[i] - grid.offset) / grid.step) : 0;
            g_assert_cmpfloat (code, >=, grid.low);
            g_assert_cmpfloat (code, <=, grid.high);
            double difference = eng_grid_level (&grid, (int)code) - (double)back[i];
            g_assert_cmpfloat (fabs (difference), <=,
                               1e-6 * (fabs ((double)back[i]) + fabs (grid.offset)));
          }
      }
}

/* ---- weights ---- */

static EngDistribution *
weights (EngBuild *build, const char *name)
{
  g_autoptr (GError) error = NULL;
  EngDistribution *d = eng_distribution_weights (build, name, NULL, &error);
  g_assert_no_error (error);
  return d;
}

static void
test_weights (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) q4
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autoptr (EngBuild) q8
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngBuild) f16 = eng_test_build (model, "{}", NULL);
  const char *name = "blk.2.ffn_down.weight";
  g_autoptr (EngDistribution) a = weights (q4, name), b = weights (q8, name),
                              c = weights (f16, name);
  g_auto (GStrv) names = eng_distribution_list_weights (q4, 2);
  const EngTensor *tensor = NULL;
  double low = INFINITY, high = -INFINITY, total = 0;

  g_assert_cmpuint (g_strv_length (names), ==, 7);
  g_assert_true (g_strv_contains ((const char *const *)names, name));

  /* The file's own numbers, read another way. */
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    if (strcmp (eng_model_get_tensor (model, i)->name, name) == 0)
      tensor = eng_model_get_tensor (model, i);
  guint64 n = tensor->n_rows * tensor->n_cols;
  const guint16 *halves = rt_graph_value (eng_model_get_graph (model), tensor->value)->data;
  for (guint64 i = 0; i < n; i++)
    {
      double x = (double)kn_f16_to_f32 (halves[i]);
      low = MIN (low, x);
      high = MAX (high, x);
      total += x;
    }
  g_assert_cmpuint (a->n, ==, n);
  g_assert_cmpuint (sum (a->counts), ==, n);
  g_assert_cmpuint (sum (a->rounded_counts), ==, n);
  g_assert_cmpfloat (a->min, ==, low);
  g_assert_cmpfloat (a->max, ==, high);
  g_assert_cmpfloat_with_epsilon (a->mean, total / (double)n, 1e-9);
  g_assert_cmpmem (a->counts, sizeof a->counts, b->counts, sizeof b->counts);

  /* 4 and 8 bits: one grid for every 32 weights; 6 dB a bit, more or less. */
  g_assert_cmpuint (a->n_grids, ==, n / 32);
  g_assert_cmpuint (a->code_bits, ==, 4);
  g_assert_cmpuint (b->code_bits, ==, 8);
  g_assert_cmpfloat (a->entropy_bits, >, 2.5);
  g_assert_cmpfloat (a->entropy_bits, <=, 4);
  g_assert_cmpfloat (b->entropy_bits, >, a->entropy_bits);
  g_assert_cmpfloat (b->sqnr_db - a->sqnr_db, >, 20);
  g_assert_cmpfloat (b->sqnr_db - a->sqnr_db, <, 30);
  g_assert_cmpfloat (a->step_p5, <=, a->step_median);
  g_assert_cmpfloat (a->step_median, <=, a->step_p95);
  g_assert_cmpfloat (a->step_median / b->step_median, >,
                     10); /* 16 times, less what Q4_0 wins with its sign */
  g_assert_cmpfloat (fabs (a->grid.step), ==, a->step_median);
  g_assert_cmpfloat (b->clipped_frac, ==, 0);
  /* Q4_0 has 8 steps on one side and 7 on the other: what lies beyond 7.5 there is cut. */
  g_assert_cmpfloat (a->clipped_frac, >, 0);
  g_assert_cmpfloat (a->clipped_frac, <, 0.05);

  /* As the file has it: nothing is rounded, and there is no grid. */
  g_assert_false (c->has_grid);
  g_assert_true (isinf (c->sqnr_db));
  g_assert_nonnull (c->grid_note);
  g_assert_cmpmem (c->counts, sizeof c->counts, c->rounded_counts, sizeof c->counts);
}

static void
test_weight_errors (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autoptr (EngJob) job = eng_job_new ("Counting");
  g_autoptr (GError) error = NULL;

  g_assert_null (eng_distribution_weights (build, "blk.99.attn_q.weight", NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND);
  g_clear_error (&error);
  eng_job_cancel (job);
  g_assert_null (eng_distribution_weights (build, "blk.0.attn_q.weight", job, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* ---- activations ---- */

static const EngDistribution *
find (GPtrArray *distributions, const char *name)
{
  for (guint i = 0; i < distributions->len; i++)
    if (strcmp (((EngDistribution *)distributions->pdata[i])->name, name) == 0)
      return distributions->pdata[i];
  g_error ("%s is not among them", name);
}

static void
test_activations (void)
{
  g_autofree char *text_path
      = g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), "data/default-model/heldout.txt", NULL);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (text_path, &text, NULL, NULL));
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autoptr (GError) error = NULL;
  EngSensitivityConfig config = { .text = text, .n_windows = 2, .n_tokens = 64 };
  g_autoptr (GPtrArray) all = eng_distribution_activations (build, 3, &config, NULL, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < all->len; i++)
    {
      const EngDistribution *d = all->pdata[i];
      g_assert_true (g_str_has_prefix (d->name, "blk.3."));
      g_assert_cmpuint (sum (d->counts), ==, d->n);
      g_assert_false (d->has_grid);
      g_assert_cmpstr (d->format, ==, "F32");
    }
  /* 2 windows of 64 tokens; the model is 256 wide, 768 in the feed-forward part. */
  g_assert_cmpuint (find (all, "blk.3.ffn_add")->n, ==, 2 * 64 * 256);
  g_assert_cmpuint (find (all, "blk.3.ffn_mul")->n, ==, 2 * 64 * 768);
  /* SiLU's least value is -0.2785 (at -1.2785): its inputs reach further. */
  g_assert_cmpfloat (find (all, "blk.3.ffn_act")->min, >, -0.2786);
  g_assert_cmpfloat (find (all, "blk.3.ffn_gate")->min, <, -0.2786);
}

/* ---- 8-bit integers ---- */

static void
test_int8 (void)
{
  g_autofree char *path = eng_test_data_or_skip ("vision/cifar10/pretrainedResnet.tflite");
  g_autofree char *inputs
      = path != NULL ? eng_test_data_or_skip ("data/cifar10-test-1000.tar.gz") : NULL;
  if (inputs == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autofree char *techniques
      = g_strdup_printf ("{\"int8\": {\"precision\": \"int8\", \"calibration\": \"%s\"}}", inputs);
  g_autoptr (EngBuild) build = eng_test_build (model, techniques, NULL);
  g_autoptr (GError) error = NULL;
  EngSensitivityConfig config = { .inputs = inputs, .n_inputs = 4 };
  guint n_weights = 0, n_grids = 0;

  for (int layer = 0; layer < (int)eng_model_get_n_layers (model); layer++)
    {
      g_auto (GStrv) names = eng_distribution_list_weights (build, layer);
      for (guint i = 0; names[i] != NULL; i++)
        {
          g_autoptr (EngDistribution) d = weights (build, names[i]);
          if (strcmp (d->format, "int8") != 0)
            continue;
          n_weights++;
          g_assert_cmpuint (sum (d->counts), ==, d->n);
          g_assert_true (d->has_grid);
          g_assert_cmpuint (d->code_bits, ==, 8);
          /* Weights are symmetric. */
          g_assert_cmpfloat (d->grid.offset, ==, 0);
          /* The greatest of a channel takes code 127: no channel's scale is above the greatest
           * weight / 127. */
          g_assert_cmpfloat (d->step_p95, <=, MAX (fabs (d->min), fabs (d->max)) / 126);
        }
      g_autoptr (GPtrArray) activations
          = eng_distribution_activations (build, layer, &config, NULL, &error);
      g_assert_no_error (error);
      for (guint i = 0; i < activations->len; i++)
        {
          const EngDistribution *d = activations->pdata[i];
          g_assert_cmpuint (sum (d->counts), ==, d->n);
          if (!d->has_grid)
            continue;
          n_grids++;
          g_assert_cmpuint (d->n_grids, ==, 1);
          g_assert_cmpint (d->grid.high - d->grid.low, ==, 255);
          /* Calibrated with extremes on 100 of these inputs: nearly nothing lies outside, and 0 is
           * a level. */
          g_assert_cmpfloat (d->clipped_frac, <, 0.01);
          double zero = -d->grid.offset / d->grid.step;
          g_assert_cmpfloat_with_epsilon (zero, rint (zero), 1e-9);
          g_assert_cmpfloat (d->sqnr_db, >, 20);
        }
    }
  g_assert_cmpuint (n_weights, >=, 8);
  g_assert_cmpuint (n_grids, >=, 8);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/distribution/grid-definitions", test_grid_definitions);
  g_test_add_func ("/distribution/grid-holds-blocks", test_grid_holds_blocks);
  g_test_add_func ("/distribution/weights", test_weights);
  g_test_add_func ("/distribution/weight-errors", test_weight_errors);
  g_test_add_func ("/distribution/activations", test_activations);
  g_test_add_func ("/distribution/int8", test_int8);
  return g_test_run ();
}
