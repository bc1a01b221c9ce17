/* Activation sparsity: thresholds beside their formulas, a layer's output beside the formula in
 * double, decoding beside a prompt bit for bit, what is skipped, refusals, recipes and
 * determinism. */
#include <math.h>
#include <string.h>

#include "eng-activations.h"
#include "eng-build-private.h"
#include "eng-run.h"
#include "eng-sketch.h"
#include "eng-technique.h"
#include "eng-test.h"
#include "kn-matmul.h"
#include "kn-quant.h"
#include "ops/rt-ops-skip.h"

#define N_PROMPT 64
#define RECIPE(share, thresholds)                                                                  \
  "{\"weight-format\": {\"format\": \"q8_0\"}, \"calibration\": {\"tokens\": 1024}, "              \
  "\"memory-plan\": {\"planner\": \"none\"}, \"activation-sparsity\": {\"share\": " #share         \
  ", \"thresholds\": \"" thresholds "\"}}"

static void
fill_prompt (gint32 *prompt)
{
  for (guint i = 0; i < N_PROMPT; i++)
    prompt[i] = (gint32)(1 + i * 37 % 500);
}

static const RtNode *
find_skip (EngBuild *build, int layer)
{
  const RtGraph *graph = eng_build_get_graph (build);

  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    if (rt_graph_node (graph, i)->op == &rt_op_matmul_skip
        && rt_graph_node (graph, i)->layer == layer)
      return rt_graph_node (graph, i);
  g_assert_not_reached ();
}

static const float *
thresholds_of (EngBuild *build, int layer)
{
  const RtGraph *graph = eng_build_get_graph (build);
  return rt_graph_value (graph, find_skip (build, layer)->inputs[RT_MATMUL_SKIP_THRESHOLDS])->data;
}

static const EngTensor *
down_of (EngModel *model, guint layer)
{
  g_autofree char *name = g_strdup_printf ("blk.%u.ffn_down.weight", layer);

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    if (strcmp (eng_model_get_tensor (model, i)->name, name) == 0)
      return eng_model_get_tensor (model, i);
  g_assert_not_reached ();
}

/* The file's matrix, f32. */
static float *
load_matrix (EngModel *model, const EngTensor *tensor)
{
  const RtValue *value = rt_graph_value (eng_model_get_graph (model), tensor->value);
  gsize row_bytes = kn_row_bytes ((KnDtype)tensor->dtype, tensor->n_cols);
  float *matrix = g_new (float, tensor->n_rows * tensor->n_cols);

  for (guint64 r = 0; r < tensor->n_rows; r++)
    kn_dequantize_row ((KnDtype)tensor->dtype, (const guint8 *)value->data + r * row_bytes,
                       matrix + r * tensor->n_cols, tensor->n_cols);
  return matrix;
}

/* Uniform: one number. Per channel: the same product with the length of each channel's weights. */
static void
test_thresholds (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) uniform = eng_test_build (model, RECIPE (50, "uniform"), NULL);
  g_autoptr (EngBuild) single = eng_test_build (model, RECIPE (50, "per-channel"), NULL);
  const EngTensor *down = down_of (model, 2);
  g_autofree float *matrix = load_matrix (model, down);
  const float *one = thresholds_of (uniform, 2), *own = thresholds_of (single, 2);
  double product = 0;

  for (guint64 c = 0; c < down->n_cols; c++)
    {
      double square = 0;
      for (guint64 r = 0; r < down->n_rows; r++)
        square += (double)matrix[r * down->n_cols + c] * (double)matrix[r * down->n_cols + c];
      if (c == 0)
        product = (double)own[0] * sqrt (square);
      g_assert_cmpfloat (one[c], ==, one[0]);
      g_assert_cmpfloat_with_epsilon ((double)own[c] * sqrt (square) / product, 1, 1e-5);
    }
  g_assert_cmpfloat (one[0], >, 0);
  g_assert_cmpfloat (product, >, 0);
}

/* What rounding to 8 bits in groups of 32 makes of the row (kn-matmul.h's rule, in its own
 * words). */
static void
round_row (float *x, guint64 n)
{
  for (guint64 g = 0; g < n; g += 32)
    {
      float top = 0;
      for (guint i = 0; i < 32; i++)
        top = MAX (top, fabsf (x[g + i]));
      for (guint i = 0; i < 32; i++)
        x[g + i] = top > 0 ? rintf (x[g + i] * (127.0f / top)) * (top / 127.0f) : 0;
    }
}

static void
test_formula (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, RECIPE (60, "per-channel"), NULL);
  RtExec *exec = eng_build_get_exec (build);
  const RtNode *node = find_skip (build, 3);
  const EngTensor *down = down_of (model, 3);
  const float *thresholds = thresholds_of (build, 3);
  g_autofree float *matrix = load_matrix (model, down);
  g_autofree float *x = g_new (float, down->n_cols);
  g_autofree guint8 *blocks = g_malloc (kn_row_bytes (KN_Q8_0, down->n_cols));
  gint32 prompt[N_PROMPT];
  guint n_kept_all = 0;

  fill_prompt (prompt);
  g_free (eng_test_logits (build, prompt, N_PROMPT));
  const float *input = rt_exec_value (exec, node->inputs[RT_MATMUL_SKIP_X]);
  const float *got = rt_exec_value (exec, node->outputs[0]),
              *kept = rt_exec_value (exec, node->outputs[1]);
  for (guint64 r = 0; r < down->n_rows; r++)
    {
      kn_quantize_row (KN_Q8_0, matrix + r * down->n_cols, blocks, down->n_cols);
      kn_dequantize_row (KN_Q8_0, blocks, matrix + r * down->n_cols, down->n_cols);
    }
  for (guint t = 0; t < N_PROMPT; t++)
    {
      guint n_kept = 0;
      for (guint64 c = 0; c < down->n_cols; c++)
        {
          x[c] = input[t * down->n_cols + c];
          if (fabsf (x[c]) < thresholds[c])
            x[c] = 0;
          else
            n_kept++;
        }
      g_assert_cmpfloat (kept[t], ==, (float)n_kept);
      n_kept_all += n_kept;
      round_row (x, down->n_cols);
      for (guint64 r = 0; r < down->n_rows; r++)
        {
          double sum = 0, size = 0;
          for (guint64 c = 0; c < down->n_cols; c++)
            {
              double term = (double)matrix[r * down->n_cols + c] * (double)x[c];
              sum += term;
              size += fabs (term);
            }
          g_assert_cmpfloat (fabs ((double)got[t * down->n_rows + r] - sum), <=,
                             size * 1e-5 + 1e-12);
        }
    }
  /* Another text than the one that the thresholds are of. */
  double skipped = 1 - (double)n_kept_all / N_PROMPT / (double)down->n_cols;
  g_test_message ("60 %% asked for, %.1f %% skipped on another text", 100 * skipped);
  g_assert_cmpfloat (skipped, >, 0.3);
  g_assert_cmpfloat (skipped, <, 0.85);
}

/* Token by token the rows are skipped, in a prompt they are multiplied with zeros: the same
 * bits. */
static void
test_decode (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, RECIPE (70, "per-channel"), NULL);
  RtExec *exec = eng_build_get_exec (build);
  guint n = rt_exec_n_vocab (exec);
  gint32 prompt[N_PROMPT];
  RtError error = { 0 };

  fill_prompt (prompt);
  g_autofree float *together = eng_test_logits (build, prompt, 12);
  rt_kv_set_n_used (rt_exec_kv (exec), 0);
  for (guint i = 0; i < 12; i++)
    g_assert_true (rt_exec_run (exec, prompt + i, 1, 1, RT_PHASE_DECODE, &error));
  g_assert_cmpmem (rt_exec_logits (exec, 0), n * sizeof (float), together, n * sizeof (float));
}

/* Token by token: as many codes are zero as the executor says were skipped; a prompt counts
 * nothing. */
static void
test_tally (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, RECIPE (50, "per-channel"), NULL);
  RtExec *exec = eng_build_get_exec (build);
  const RtNode *node = find_skip (build, 1);
  const float *thresholds = thresholds_of (build, 1);
  RtNodeId id = rt_graph_value (eng_build_get_graph (build), node->outputs[0])->producer;
  guint64 n = down_of (model, 1)->n_cols, n_zero = 0;
  g_autofree float *x = g_new (float, n);
  gint32 prompt[N_PROMPT];
  RtError error = { 0 };

  fill_prompt (prompt);
  g_free (eng_test_logits (build, prompt, N_PROMPT));
  g_assert_cmpuint (rt_exec_tally (exec, id).n_all, ==, 0);
  for (guint t = 0; t < 10; t++)
    {
      g_assert_true (rt_exec_run (exec, prompt + t, 1, 1, RT_PHASE_DECODE, &error));
      const float *input = rt_exec_value (exec, node->inputs[RT_MATMUL_SKIP_X]);
      for (guint64 c = 0; c < n; c++)
        x[c] = fabsf (input[c]) < thresholds[c] ? 0 : input[c];
      round_row (x, n);
      for (guint64 c = 0; c < n; c++)
        n_zero += x[c] == 0;
    }
  g_assert_cmpuint (rt_exec_tally (exec, id).n_all, ==, 10 * n);
  g_assert_cmpuint (rt_exec_tally (exec, id).n_skipped, ==, n_zero);
}

/* A run says what was skipped, per node, per layer and in its notes, and so does its document. */
static void
test_run (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, RECIPE (50, "per-channel"), NULL);
  g_autoptr (EngWorkload) workload = eng_workload_new ("The rain had stopped, and");
  g_autoptr (GError) error = NULL;
  guint n_found = 0;

  workload->n_predict = 12;
  workload->ignore_end = TRUE;
  workload->budget_s = 0;
  g_autoptr (EngRun) run = eng_run_new (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (EngRun) again = eng_run_from_json (json, &error);
  g_assert_no_error (error);
  EngProfile *profile = eng_run_get_profile (run), *read = eng_run_get_profile (again);
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    if (strstr (eng_profile_get_node_name (profile, i), "ffn_down") != NULL)
      {
        double share = eng_profile_get_node_skipped (profile, i);
        g_assert_cmpstr (eng_profile_get_node_skips (profile, i), ==, "inputs");
        g_assert_cmpfloat (share, >, 0.2);
        g_assert_cmpfloat (share, <, 0.9);
        g_assert_cmpfloat (eng_profile_get_node_skipped (read, i), ==, share);
        n_found++;
      }
    else
      g_assert_true (isnan (eng_profile_get_node_skipped (profile, i)));
  g_assert_cmpuint (n_found, ==, eng_model_get_n_layers (model));
  g_autofree char *words = eng_profile_dup_layer_skipped (read, 2);
  g_assert_true (g_str_has_suffix (words, " % of the inputs (ffn_down)"));
  g_assert_null (eng_profile_dup_layer_skipped (read, -1));
  g_autofree char *notes = g_strjoinv ("\n", (GStrv)eng_run_get_notes (again));
  g_assert_nonnull (strstr (notes, "Skipped while decoding: "));
  g_assert_nonnull (strstr (notes, " % of the inputs (ffn_down), "));
}

/* ---- rows of up ---- */

#define ROWS(rows, form, thresholds)                                                               \
  "{\"weight-format\": {\"format\": \"q8_0\"}, \"calibration\": {\"tokens\": 1024}, "              \
  "\"memory-plan\": {\"planner\": \"none\"}, \"activation-sparsity\": {\"rows\": " #rows           \
  ", \"rows-form\": \"" form "\", \"thresholds\": \"" thresholds "\"}}"

static const RtNode *
find_rows (EngBuild *build, int layer)
{
  const RtGraph *graph = eng_build_get_graph (build);

  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    if (rt_graph_node (graph, i)->op == &rt_op_gate_up_skip
        && rt_graph_node (graph, i)->layer == layer)
      return rt_graph_node (graph, i);
  g_assert_not_reached ();
}

static const EngTensor *
tensor_of (EngModel *model, const char *name)
{
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    if (strcmp (eng_model_get_tensor (model, i)->name, name) == 0)
      return eng_model_get_tensor (model, i);
  g_assert_not_reached ();
}

/* The file's matrix after rounding to Q8_0. */
static float *
load_rounded (EngModel *model, const EngTensor *tensor)
{
  float *matrix = load_matrix (model, tensor);
  g_autofree guint8 *blocks = g_malloc (kn_row_bytes (KN_Q8_0, tensor->n_cols));

  for (guint64 r = 0; r < tensor->n_rows; r++)
    {
      kn_quantize_row (KN_Q8_0, matrix + r * tensor->n_cols, blocks, tensor->n_cols);
      kn_dequantize_row (KN_Q8_0, blocks, matrix + r * tensor->n_cols, tensor->n_cols);
    }
  return matrix;
}

/* y = a (x up^T), a = silu (x gate^T), 0 where |a| is below its threshold, in double, from the
 * rows as the node reads them. Where |a| is within rounding of the threshold either is right. */
static void
test_rows_formula (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, ROWS (60, "single", "per-channel"), NULL);
  RtExec *exec = eng_build_get_exec (build);
  const RtNode *node = find_rows (build, 2);
  const EngTensor *gate = tensor_of (model, "blk.2.ffn_gate.weight"),
                  *up = tensor_of (model, "blk.2.ffn_up.weight");
  g_autofree float *g = load_rounded (model, gate), *u = load_rounded (model, up);
  gint32 prompt[N_PROMPT];
  guint64 n_zero = 0, n = gate->n_cols;

  fill_prompt (prompt);
  g_free (eng_test_logits (build, prompt, N_PROMPT));
  const guint8 *input = rt_exec_value (exec, node->inputs[RT_GATE_UP_SKIP_X]);
  const float *got = rt_exec_value (exec, node->outputs[0]);
  const float *thresholds
      = rt_graph_value (eng_build_get_graph (build), node->inputs[RT_GATE_UP_SKIP_THRESHOLDS])
            ->data;
  g_assert_cmpint (rt_graph_value (eng_build_get_graph (build), node->inputs[RT_GATE_UP_SKIP_X])
                       ->type,
                   ==, RT_TYPE_Q8_ROWS);
  for (guint t = 0; t < N_PROMPT; t += 7)
    {
      const guint8 *row = input + t * kn_q8_row_bytes (n);
      const float *scales = (const float *)(const void *)(row + kn_q8_scales_offset (n));
      for (guint64 r = 0; r < gate->n_rows; r++)
        {
          double a = 0, b = 0, a_size = 0, b_size = 0;
          for (guint64 c = 0; c < n; c++)
            {
              double x = (double)((const gint8 *)row)[c] * (double)scales[c / 32];
              a += x * (double)g[r * n + c];
              b += x * (double)u[r * n + c];
              a_size += fabs (x * (double)g[r * n + c]);
              b_size += fabs (x * (double)u[r * n + c]);
            }
          a = a / (1 + exp (-a));
          double y = (double)got[t * gate->n_rows + r], t_r = (double)thresholds[r];
          gboolean is_close = fabs (fabs (a) - t_r) <= 1e-5 * (t_r + a_size);
          n_zero += y == 0;
          if (fabs (a) < t_r || is_close)
            {
              g_assert_true (y == 0 || is_close);
              continue;
            }
          g_assert_cmpfloat (fabs (y - a * b), <=,
                             1e-5 * (fabs (a) * b_size + a_size * fabs (b)) + 1e-12);
        }
    }
  double share = (double)n_zero / (double)(gate->n_rows * ((N_PROMPT + 6) / 7));
  g_test_message ("60 %% asked for, %.1f %% left out on another text", 100 * share);
  g_assert_cmpfloat (share, >, 0.3);
  g_assert_cmpfloat (share, <, 0.85);
}

/* Row by row, in groups, token by token and as a prompt: the same bits. */
static void
test_rows_decode (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) single = eng_test_build (model, ROWS (85, "single", "uniform"), NULL);
  g_autoptr (EngBuild) groups = eng_test_build (model, ROWS (85, "groups", "uniform"), NULL);
  EngBuild *builds[] = { single, groups };
  guint n = rt_exec_n_vocab (eng_build_get_exec (single));
  gint32 prompt[N_PROMPT];
  RtTally tallies[2];
  RtError error = { 0 };

  fill_prompt (prompt);
  g_autofree float *together = eng_test_logits (single, prompt, 12);
  for (guint k = 0; k < 2; k++)
    {
      RtExec *exec = eng_build_get_exec (builds[k]);
      rt_kv_set_n_used (rt_exec_kv (exec), 0);
      for (guint i = 0; i < 12; i++)
        g_assert_true (rt_exec_run (exec, prompt + i, 1, 1, RT_PHASE_DECODE, &error));
      g_assert_cmpmem (rt_exec_logits (exec, 0), n * sizeof (float), together, n * sizeof (float));
      const RtGraph *graph = eng_build_get_graph (builds[k]);
      tallies[k]
          = rt_exec_tally (exec,
                           rt_graph_value (graph, find_rows (builds[k], 0)->outputs[0])->producer);
    }
  const EngTensor *up = tensor_of (model, "blk.0.ffn_up.weight");
  g_assert_cmpint (eng_build_get_dtype (single, up), ==, KN_Q8_ROWS);
  g_assert_cmpint (eng_build_get_dtype (groups, up), ==, KN_Q8_0);
  g_assert_cmpuint (tallies[0].n_all, ==, 12 * up->n_rows);
  g_assert_cmpuint (tallies[1].n_all, ==, 12 * up->n_rows);
  g_assert_cmpuint (tallies[0].n_skipped, >, tallies[1].n_skipped);
  g_test_message ("85 %% asked for: %.1f %% of single rows, %.1f %% in groups of 16",
                  100 * (double)tallies[0].n_skipped / (double)tallies[0].n_all,
                  100 * (double)tallies[1].n_skipped / (double)tallies[1].n_all);
}

/* One threshold for all; per channel, threshold times what a unit of the gate adds is one
 * number: the typical size of up, from what the calibration saw of the gate and of its product,
 * times the column's length. */
static void
test_rows_thresholds (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) uniform = eng_test_build (model, ROWS (50, "single", "uniform"), NULL);
  g_autoptr (EngBuild) own = eng_test_build (model, ROWS (50, "single", "per-channel"), NULL);
  const EngTensor *down = down_of (model, 1);
  g_autofree float *matrix = load_matrix (model, down);
  g_autoptr (EngActivations) activations
      = eng_activations_load (model, eng_build_get_recipe (own), ENG_ACTIVATIONS_CHANNELS, NULL,
                              NULL);
  EngChannelStats a, h;
  double product = 0;
  const float *thresholds[2];
  EngBuild *builds[] = { uniform, own };

  for (guint k = 0; k < 2; k++)
    thresholds[k] = rt_graph_value (eng_build_get_graph (builds[k]),
                                    find_rows (builds[k], 1)->inputs[RT_GATE_UP_SKIP_THRESHOLDS])
                        ->data;
  g_assert_true (eng_activations_get_channels (activations, "blk.1.ffn_act", &a));
  g_assert_true (eng_activations_get_channels (activations, "blk.1.ffn_down.weight", &h));
  g_assert_cmpuint (a.n_channels, ==, down->n_cols);
  for (guint64 c = 0; c < down->n_cols; c++)
    {
      double square = 0;
      for (guint64 r = 0; r < down->n_rows; r++)
        square += (double)matrix[r * down->n_cols + c] * (double)matrix[r * down->n_cols + c];
      double one = (double)thresholds[1][c]
                   * sqrt (square * (double)h.mean_square[c] / (double)a.mean_square[c]);
      product = c == 0 ? one : product;
      g_assert_cmpfloat_with_epsilon (one / product, 1, 1e-4);
      g_assert_cmpfloat (thresholds[0][c], ==, thresholds[0][0]);
    }
  g_assert_cmpfloat (product, >, 0);
}

static void
test_rows_words (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  const EngTechnique *technique = eng_technique_find ("activation-sparsity");
  g_autoptr (EngRecipe) recipe = eng_test_recipe (ROWS (50, "single", "uniform"));
  g_autoptr (EngRecipe) wide
      = eng_test_recipe ("{\"activation-sparsity\": {\"share\": 30, \"rows\": 20}}");
  g_autoptr (EngBuild) build = eng_test_build (
      model, "{\"calibration\": {\"tokens\": 1024}, \"activation-sparsity\": {\"rows\": 50}}",
      NULL);
  g_autofree char *text = technique->explain (model, recipe, 1);
  g_autofree char *name = technique->describe (recipe), *both = technique->describe (wide);
  g_autofree char *notes = g_strjoinv ("\n", (GStrv)eng_build_get_notes (build));
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) owned = eng_test_recipe (
      "{\"weight-format\": {\"format\": \"w8a8\"}, \"activation-sparsity\": {\"rows\": 50}}");
  g_autoptr (EngBuild) refused = eng_build_new (model, owned, NULL, NULL, &error);

  g_assert_nonnull (sketch);
  g_assert_nonnull (strstr (text, "50 % of the 768 products of gate and up"));
  g_assert_cmpstr (name, ==, "50 % of rows of up skipped by one threshold");
  g_assert_cmpstr (both, ==, "30 % of inputs and 20 % of rows of up skipped");
  g_assert_nonnull (strstr (notes, "blk.0.ffn_up.weight and others like it: stored in 8 bits, row "
                                   "by row, instead of F16"));
  g_assert_nonnull (strstr (notes, "blk.0.ffn_gate.weight and others like it: in Q8_0"));
  g_assert_null (refused);
  g_assert_nonnull (strstr (error->message, "W8A8"));
  g_assert_true (technique->matters (wide, eng_technique_find_param (technique, "rows-form")));
}

static double
distance (EngBuild *build, const float *wanted, const gint32 *prompt)
{
  guint n = rt_exec_n_vocab (eng_build_get_exec (build));
  g_autofree float *got = eng_test_logits (build, prompt, N_PROMPT);
  double sum = 0;

  for (guint i = 0; i < n; i++)
    sum += ((double)got[i] - (double)wanted[i]) * ((double)got[i] - (double)wanted[i]);
  return sqrt (sum / n);
}

static void
test_loss (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) plain
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngBuild) little = eng_test_build (model, RECIPE (20, "per-channel"), NULL);
  g_autoptr (EngBuild) much = eng_test_build (model, RECIPE (80, "per-channel"), NULL);
  gint32 prompt[N_PROMPT];

  fill_prompt (prompt);
  g_autofree float *wanted = eng_test_logits (plain, prompt, N_PROMPT);
  double a = distance (little, wanted, prompt), b = distance (much, wanted, prompt);
  g_test_message ("distance of logits: 20 %% %.4f, 80 %% %.4f", a, b);
  g_assert_cmpfloat (a, >, 0);
  g_assert_cmpfloat (b, >, 2 * a);
}

static void
test_rules (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (
      model,
      "{\"calibration\": {\"tokens\": 1024}, \"activation-sparsity\": {\"rules\": [{\"match\": "
      "\"blk.1.*\", \"share\": 40.0}]}}",
      NULL);
  guint n_found = 0;
  const RtGraph *graph = eng_build_get_graph (build);

  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    if (rt_graph_node (graph, i)->op == &rt_op_matmul_skip)
      {
        n_found++;
        g_assert_cmpint (rt_graph_node (graph, i)->layer, ==, 1);
      }
  g_assert_cmpuint (n_found, ==, 1);
  g_assert_cmpint (eng_build_get_dtype (build, down_of (model, 1)), ==, KN_Q8_CHANNELS);
  g_assert_cmpint (eng_build_get_dtype (build, down_of (model, 2)), ==, KN_F16);
  g_assert_nonnull (strstr (eng_build_get_notes (build)[0], "instead of F16"));
}

static void
test_words (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  const EngTechnique *technique = eng_technique_find ("activation-sparsity");
  g_autoptr (EngRecipe) recipe = eng_test_recipe (RECIPE (50, "uniform"));
  g_autoptr (EngRecipe) none = eng_recipe_new ();
  g_autofree char *text = technique->explain (model, recipe, 1);
  g_autofree char *name = technique->describe (recipe);
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, NULL); /* calibrates nothing */

  g_assert_nonnull (sketch);
  g_assert_nonnull (strstr (text, "50 % of the 768 inputs"));
  g_assert_cmpstr (name, ==, "50 % of inputs skipped by one threshold");
  g_assert_null (technique->explain (model, none, 1));
  g_assert_null (technique->explain (model, recipe, -1));
  g_assert_null (technique->describe (none));
}

static void
test_refusal (void)
{
  eng_test_check_refusal ("activation-sparsity", "vision/face/version-RFB-320.onnx",
                          "only the feed-forward blocks of language models");
}

static void
test_round_trip (void)
{
  g_autoptr (EngRecipe) recipe = eng_test_recipe (RECIPE (35, "uniform"));
  g_autoptr (EngRecipe) again = eng_test_round_trip (recipe);
}

static void
test_determinism (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  eng_test_check_hashes (model, RECIPE (50, "per-channel"), RECIPE (55, "per-channel"));
}

int
main (int argc, char **argv)
{
  eng_test_use_own_cache ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/activation-sparsity/thresholds", test_thresholds);
  g_test_add_func ("/activation-sparsity/formula", test_formula);
  g_test_add_func ("/activation-sparsity/decode", test_decode);
  g_test_add_func ("/activation-sparsity/tally", test_tally);
  g_test_add_func ("/activation-sparsity/run", test_run);
  g_test_add_func ("/activation-sparsity/rows-formula", test_rows_formula);
  g_test_add_func ("/activation-sparsity/rows-decode", test_rows_decode);
  g_test_add_func ("/activation-sparsity/rows-thresholds", test_rows_thresholds);
  g_test_add_func ("/activation-sparsity/rows-words", test_rows_words);
  g_test_add_func ("/activation-sparsity/loss", test_loss);
  g_test_add_func ("/activation-sparsity/rules", test_rules);
  g_test_add_func ("/activation-sparsity/words", test_words);
  g_test_add_func ("/activation-sparsity/refusal", test_refusal);
  g_test_add_func ("/activation-sparsity/round-trip", test_round_trip);
  g_test_add_func ("/activation-sparsity/determinism", test_determinism);
  return g_test_run ();
}
