/* Equalization: where scales fit in, how they are found, that the model stays what it was before
 * rounding and comes nearer to it after. */
#include <math.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-equalize.h"
#include "eng-error.h"
#include "eng-sensitivity-private.h"
#include "eng-sketch.h"
#include "eng-technique.h"
#include "eng-test.h"
#include "kn-quant.h"

static const gint32 prompt[] = { 1, 17, 300, 42, 7, 250, 9, 99, 128, 5 };

#define CALIBRATION "\"calibration\": {\"tokens\": 512}"
#define F32 "\"weight-format\": {\"format\": \"f32\"}"
#define SMOOTH_F32                                                                                 \
  "{" CALIBRATION ", " F32 ", \"equalization\": {\"method\": \"smooth\", \"strength\": 0.8}}"
#define W8A8(method)                                                                               \
  "{" CALIBRATION                                                                                  \
  ", \"weight-format\": {\"format\": \"w8a8\"}, \"equalization\": {\"method\": \"" method "\"}}"
#define RULE                                                                                       \
  "{" CALIBRATION ", " F32 ", \"equalization\": {\"rules\": [{\"match\": \"blk.1.*\", "            \
  "\"method\": \"smooth\"}]}}"

/* ---- places ---- */

static const char *
matrix_name (EngModel *model, guint tensor)
{
  return eng_model_get_tensor (model, tensor)->name;
}

static void
test_places (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (GArray) folds = eng_fold_list (model);
  const RtArchParams *p = eng_model_get_params (model);
  guint n_layers = eng_model_get_n_layers (model), seen = 0;

  /* Two norms, up to down, v to output. The embedding is tied here or the output has its own
   * norm. */
  g_assert_cmpuint (folds->len, >=, 4 * n_layers);
  for (guint i = 0; i < folds->len; i++)
    {
      const EngFold *fold = &g_array_index (folds, EngFold, i);
      const char *first = matrix_name (model, fold->matrices[0]);

      if (strcmp (first, "blk.2.attn_q.weight") == 0)
        {
          g_assert_cmpint (fold->kind, ==, ENG_FOLD_NORM);
          g_assert_cmpuint (fold->n_matrices, ==, 3);
          g_assert_cmpstr (matrix_name (model, fold->matrices[2]), ==, "blk.2.attn_v.weight");
          g_assert_cmpstr (fold->vector, ==, "blk.2.attn_norm.weight");
          g_assert_cmpuint (fold->n, ==, p->n_embd);
          seen |= 1;
        }
      else if (strcmp (first, "blk.2.ffn_gate.weight") == 0)
        {
          g_assert_cmpuint (fold->n_matrices, ==, 2);
          seen |= 2;
        }
      else if (strcmp (first, "blk.2.ffn_down.weight") == 0)
        {
          g_assert_cmpint (fold->kind, ==, ENG_FOLD_ROWS);
          g_assert_cmpstr (matrix_name (model, fold->from), ==, "blk.2.ffn_up.weight");
          g_assert_cmpuint (fold->n, ==, p->n_ff);
          seen |= 4;
        }
      else if (strcmp (first, "blk.2.attn_output.weight") == 0)
        {
          g_assert_cmpint (fold->kind, ==, ENG_FOLD_VALUES);
          g_assert_cmpstr (matrix_name (model, fold->from), ==, "blk.2.attn_v.weight");
          g_assert_cmpuint (fold->n, ==, p->n_kv_heads * p->head_dim);
          g_assert_cmpuint (fold->group, ==, p->n_heads / p->n_kv_heads);
          seen |= 8;
        }
    }
  g_assert_cmpuint (seen, ==, 15);

  /* Query heads 0..2 share the first head of values, 3..5 the second. */
  EngFold fold = { .kind = ENG_FOLD_VALUES, .group = 3, .head_dim = 4, .n = 8 };
  g_assert_cmpuint (eng_fold_channel (&fold, 0), ==, 0);
  g_assert_cmpuint (eng_fold_channel (&fold, 11), ==, 3);
  g_assert_cmpuint (eng_fold_channel (&fold, 13), ==, 5);
}

/* ---- scales ---- */

static void
test_scales (void)
{
  static const float x[4] = { 8, 2, 0.5f, 0 }, w[4] = { 1, 4, 0.25f, 3 };
  float s[4];
  double raw[3], middle = 1;

  eng_equalize_scales (x, NULL, 4, 0.5, s);
  for (guint i = 0; i < 3; i++)
    middle *= sqrt ((double)x[i]);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpfloat (fabs ((double)s[i] - sqrt ((double)x[i]) / cbrt (middle)), <, 1e-5);
  g_assert_cmpfloat ((double)s[3], ==, 1);

  eng_equalize_scales (x, w, 4, 0.75, s);
  middle = 1;
  for (guint i = 0; i < 3; i++)
    {
      raw[i] = pow ((double)x[i], 0.75) / pow ((double)w[i], 0.25);
      middle *= raw[i];
    }
  for (guint i = 0; i < 3; i++)
    g_assert_cmpfloat (fabs ((double)s[i] - raw[i] / cbrt (middle)), <, 1e-5);
}

/* The error beside that of the products themselves, token by token. */
#define N 64
#define TOKENS 40
#define ROWS 5

static double
measured_error (const float *w, const float *x, const float *s, int dtype, double *power)
{
  g_autofree guint8 *blocks = g_malloc (kn_row_bytes ((KnDtype)dtype, N));
  double error = 0;

  *power = 0;
  for (guint r = 0; r < ROWS; r++)
    {
      float scaled[N], rounded[N];
      for (guint c = 0; c < N; c++)
        scaled[c] = w[r * N + c] * s[c];
      kn_quantize_row ((KnDtype)dtype, scaled, blocks, N);
      kn_dequantize_row ((KnDtype)dtype, blocks, rounded, N);
      for (guint t = 0; t < TOKENS; t++)
        {
          double right = 0, wrong = 0;
          for (guint c = 0; c < N; c++)
            {
              right += (double)w[r * N + c] * (double)x[t * N + c];
              wrong += (double)rounded[c] * (double)x[t * N + c] / (double)s[c];
            }
          error += (wrong - right) * (wrong - right) / TOKENS;
          *power += right * right / TOKENS;
        }
    }
  return error;
}

static void
test_error (void)
{
  float w[ROWS * N], x[TOKENS * N], s[N], moments[N * N], mean[N], square[N], reach[N];
  EngFold fold = { .kind = ENG_FOLD_NORM, .n = N, .group = 1 };
  double power, noise = 0;

  for (guint i = 0; i < ROWS * N; i++)
    w[i] = (float)g_test_rand_double_range (-1, 1);
  for (guint c = 0; c < N; c++)
    {
      double size = c % 7 == 0 ? 20 : 1;
      s[c] = (float)g_test_rand_double_range (0.3, 3);
      for (guint t = 0; t < TOKENS; t++)
        x[t * N + c] = (float)(size * g_test_rand_double_range (-1, 2));
    }
  for (guint i = 0; i < N; i++)
    {
      mean[i] = reach[i] = 0;
      for (guint j = 0; j < N; j++)
        {
          double sum = 0;
          for (guint t = 0; t < TOKENS; t++)
            sum += (double)x[t * N + i] * (double)x[t * N + j];
          moments[i * N + j] = (float)(sum / TOKENS);
        }
      square[i] = moments[i * N + i];
    }

  EngEqualizePart part = { .rows = w,
                           .n_rows = ROWS,
                           .n_cols = N,
                           .dtype = KN_Q4_0,
                           .mean = mean,
                           .mean_square = square,
                           .moments = moments,
                           .reach = reach };
  double expected = measured_error (w, x, s, KN_Q4_0, &power);
  double got = eng_equalize_error (&fold, &part, 1, s);
  g_assert_cmpfloat (fabs (got - expected / power), <, 1e-3 * expected / power);

  /* Without the moments of pairs: channels without a mean are taken as independent. */
  part.moments = NULL;
  double independent = 0, diagonal_power = 0;
  guint8 blocks[256];
  for (guint r = 0; r < ROWS; r++)
    {
      float scaled[N], rounded[N];
      for (guint c = 0; c < N; c++)
        scaled[c] = w[r * N + c] * s[c];
      kn_quantize_row (KN_Q4_0, scaled, blocks, N);
      kn_dequantize_row (KN_Q4_0, blocks, rounded, N);
      for (guint c = 0; c < N; c++)
        {
          double d = (double)(rounded[c] - scaled[c]) / (double)s[c];
          independent += d * d * (double)square[c];
          diagonal_power += (double)w[r * N + c] * (double)w[r * N + c] * (double)square[c];
        }
    }
  got = eng_equalize_error (&fold, &part, 1, s);
  g_assert_cmpfloat (fabs (got - independent / diagonal_power), <,
                     1e-4 * independent / diagonal_power);

  /* One scale per token: the step is that of the channel that reaches farthest, for all. */
  part.moments = moments;
  part.dtype = KN_W8A8;
  for (guint c = 0; c < N; c++)
    reach[c] = c == 9 ? 50 : 1;
  expected = measured_error (w, x, s, KN_W8A8, &power);
  double step = 50.0 / (double)s[9] / 127;
  for (guint c = 0; c < N; c++)
    step = MAX (step, 1.0 / (double)s[c] / 127);
  guint8 row[N + 4];
  for (guint r = 0; r < ROWS; r++)
    {
      float scaled[N], rounded[N];
      for (guint c = 0; c < N; c++)
        scaled[c] = w[r * N + c] * s[c];
      kn_quantize_row (KN_W8A8, scaled, row, N);
      kn_dequantize_row (KN_W8A8, row, rounded, N);
      for (guint c = 0; c < N; c++)
        noise += (double)rounded[c] * (double)rounded[c] * step * step / 12;
    }
  got = eng_equalize_error (&fold, &part, 1, s);
  g_assert_cmpfloat (fabs (got - (expected + noise) / power), <, 1e-3 * (expected + noise) / power);
}

/* ---- the model ---- */

static double
distance (EngBuild *a, EngBuild *b)
{
  guint n = rt_exec_n_vocab (eng_build_get_exec (a));
  double sum = 0, square = 0;

  for (guint k = 2; k <= G_N_ELEMENTS (prompt); k += 2)
    {
      g_autofree float *x = eng_test_logits (a, prompt, k), *y = eng_test_logits (b, prompt, k);
      for (guint i = 0; i < n; i++)
        {
          sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
          square += (double)y[i] * (double)y[i];
        }
    }
  return sqrt (sum / square);
}

/* Scales far from 1, and logits that differ by rounding to f32 only. */
static void
test_preserved (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe (SMOOTH_F32);
  g_autoptr (EngBuild) plain = eng_test_build (model, "{" F32 "}", NULL);
  g_autoptr (EngBuild) smooth = eng_test_build (model, SMOOTH_F32, plain);
  g_autoptr (GArray) folds = eng_fold_list (model);

  for (guint i = 0; i < folds->len; i++)
    {
      const EngFold *fold = &g_array_index (folds, EngFold, i);
      const EngFolded *folded = eng_fold_peek (model, recipe, fold);
      float least = INFINITY, most = 0;

      g_assert_nonnull (folded);
      for (gsize c = 0; c < fold->n; c++)
        {
          least = MIN (least, folded->scales[c]);
          most = MAX (most, folded->scales[c]);
        }
      g_assert_cmpfloat ((double)most / (double)least, >, 1.5);
    }
  g_assert_cmpfloat (distance (smooth, plain), <, 1e-4);
}

static void
test_nearer (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) exact = eng_test_build (model, "{" F32 "}", NULL);
  g_autoptr (EngBuild) plain = eng_test_build (model, W8A8 ("none"), NULL);
  g_autoptr (EngBuild) aware = eng_test_build (model, W8A8 ("awq"), NULL);
  double before = distance (plain, exact), after = distance (aware, exact);

  g_test_message ("W8A8 logits off by %.4f, equalized %.4f", before, after);
  g_assert_cmpfloat (after, <, before);
}

/* Only block 1, and what is packed for the others is shared. */
static void
test_rule (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe (RULE);
  g_autoptr (EngBuild) plain = eng_test_build (model, "{" F32 "}", NULL);
  g_autoptr (EngBuild) one = eng_test_build (model, RULE, plain);
  const EngTechnique *technique = eng_technique_find ("equalization");
  g_autofree char *none = technique->explain (model, recipe, 0);
  g_autofree char *text = technique->explain (model, recipe, 1);

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      gboolean shared = eng_build_get_weight (one, tensor) == eng_build_get_weight (plain, tensor);
      g_assert_true (shared == (tensor->layer != 1));
    }
  g_assert_null (none);
  g_assert_nonnull (strstr (text, "attn_q, attn_k, attn_v: columns times"));
}

static void
test_recipe (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe (RULE);
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);
  g_autofree char *text = eng_recipe_describe (recipe);

  g_assert_nonnull (strstr (text, "equalized"));
  eng_test_check_hashes (model, SMOOTH_F32, RULE);
}

/* An estimate asks for nothing to be measured. */
static void
test_sketch (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe (SMOOTH_F32);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, &error);
  g_autoptr (GArray) folds = eng_fold_list (model);
  g_autofree char *text = eng_technique_find ("equalization")->explain (model, recipe, 0);

  g_assert_no_error (error);
  g_assert_nonnull (sketch);
  g_assert_null (eng_fold_peek (model, recipe, &g_array_index (folds, EngFold, 0)));
  g_assert_nonnull (strstr (text, "when it runs"));
}

/* What is saved has the scales in it: norms, rows and columns. */
static void
test_saved (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "smooth.gguf", NULL);
  g_autoptr (EngBuild) build = eng_test_build (model, SMOOTH_F32, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (eng_build_save (build, path, NULL, &error));
  g_assert_no_error (error);
  g_autoptr (EngModel) saved = eng_test_load (path);
  g_autoptr (EngBuild) opened = eng_test_build (saved, "{}", NULL);
  g_assert_cmpfloat (distance (opened, build), ==, 0);
  g_clear_object (&opened);
  g_clear_object (&saved);
  eng_test_remove (directory);
}

/* What was measured of a layer without scales does not hold with them, and a matrix alone is not
 * right without what was divided. */
static void
test_sensitivity (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain = eng_test_build (model, W8A8 ("none"), NULL);
  g_autoptr (EngBuild) aware = eng_test_build (model, W8A8 ("awq"), NULL);
  EngSensitivityConfig config = { .text = "Of what use is a book without pictures?" };
  g_autofree char *a = eng_sensitivity_dup_layer_key (plain, &config, 1);
  g_autofree char *b = eng_sensitivity_dup_layer_key (aware, &config, 1);
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (a, !=, b);
  config.by_matrix = TRUE;
  g_assert_null (eng_text_units_new (model, &config, plain, aware, 0, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "Equalization"));
}

static void
test_refusal (void)
{
  eng_test_check_refusal (
      "equalization", "vision/vww/vww_96_float.tflite",
      "a network is equalized with its 8-bit integers, from inputs instead of a text");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/equalization/places", test_places);
  g_test_add_func ("/equalization/scales", test_scales);
  g_test_add_func ("/equalization/error", test_error);
  g_test_add_func ("/equalization/preserved", test_preserved);
  g_test_add_func ("/equalization/nearer", test_nearer);
  g_test_add_func ("/equalization/rule", test_rule);
  g_test_add_func ("/equalization/recipe", test_recipe);
  g_test_add_func ("/equalization/sketch", test_sketch);
  g_test_add_func ("/equalization/saved", test_saved);
  g_test_add_func ("/equalization/sensitivity", test_sensitivity);
  g_test_add_func ("/equalization/refusal", test_refusal);
  return g_test_run ();
}
