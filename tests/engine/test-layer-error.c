/* Accuracy per layer: a network whose errors are worked out by hand, whole builds that change one
 * layer as the independent way, exactness, resuming, cancelling, integers against floats. */
#include <math.h>
#include <string.h>

#include "../import/onnx-bytes.h"
#include "eng-error.h"
#include "eng-sensitivity.h"
#include "eng-test.h"
#include "eng-token-loss.h"
#include "eval/eng-scorer.h"

/* ---- arithmetic ---- */

static void
test_sums (void)
{
  const float r[4] = { 3, 0, -4, 1 }, c[4] = { 3.5f, 0, -4, 0 };
  EngErrorSums sums = { .signal = 1 };

  eng_error_sums_add (&sums, r, c, 4);
  g_assert_cmpfloat (sums.signal, ==, 27);
  g_assert_cmpfloat (sums.noise, ==, 1.25);
  g_assert_cmpfloat (sums.changed, ==, 28.25);
  g_assert_cmpfloat (sums.dot, ==, 26.5);
}

static void
test_conversion (void)
{
  const float scale = 0.5f;
  const int32_t zero = -3;
  const RtQuant quant = { 1, 0, &scale, &zero };
  const gint8 codes[3] = { -128, -3, 127 };
  float floats[3];
  gint8 back[4];

  g_assert_true (eng_to_floats (RT_TYPE_I8, &quant, codes, 3, floats));
  g_assert_cmpfloat (floats[0], ==, -62.5f);
  g_assert_cmpfloat (floats[1], ==, 0);
  g_assert_cmpfloat (floats[2], ==, 65);
  /* Half to even, clamped. */
  g_assert_true (
      eng_from_floats (RT_TYPE_I8, &quant, (float[]){ 0.25f, 0.75f, 1000, -1000 }, 4, back));
  g_assert_cmpint (back[0], ==, -2); /* -2.5 */
  g_assert_cmpint (back[1], ==, -2); /* -1.5 */
  g_assert_cmpint (back[2], ==, 127);
  g_assert_cmpint (back[3], ==, -128);
  g_assert_false (eng_to_floats (KN_Q4_0, NULL, codes, 3, floats));
}

/* Two rows of three logits against the formulas in doubles. */
static void
test_token_loss (void)
{
  const float reference[6] = { 1, 2, 3, 0, -1, 4 }, changed[6] = { 1.5f, 2, 2.5f, 5, -1, 4 };
  const gint32 targets[2] = { 0, 2 };
  EngTokenSums sums, base;
  double loss[2] = { 0 }, divergence = 0;
  RtPool *pool = rt_pool_new (2, NULL);
  EngTokenLoss *losses = eng_token_loss_new (4, 3, pool);

  for (int row = 0; row < 2; row++)
    {
      double zr = 0, zc = 0;
      for (int i = 0; i < 3; i++)
        {
          zr += exp ((double)reference[3 * row + i]);
          zc += exp ((double)changed[3 * row + i]);
        }
      loss[0] += log (zr) - (double)reference[3 * row + targets[row]];
      loss[1] += log (zc) - (double)changed[3 * row + targets[row]];
      for (int i = 0; i < 3; i++)
        divergence += exp ((double)reference[3 * row + i]) / zr
                      * ((double)reference[3 * row + i] - log (zr) - (double)changed[3 * row + i]
                         + log (zc));
    }
  eng_token_loss_reference (losses, reference, targets, 2, &base);
  eng_token_loss_compare (losses, changed, &sums);
  g_assert_cmpfloat (base.n, ==, 2);
  g_assert_cmpfloat (base.divergence, ==, 0);
  g_assert_cmpfloat_with_epsilon (base.loss, loss[0], 1e-6);
  g_assert_cmpfloat_with_epsilon (sums.loss, loss[1], 1e-6);
  g_assert_cmpfloat_with_epsilon (sums.divergence, divergence, 1e-6);
  /* And as whole evaluations have it. */
  double other = eng_divergence (reference, changed, 3, NULL)
                 + eng_divergence (reference + 3, changed + 3, 3, NULL);
  g_assert_cmpfloat_with_epsilon (sums.divergence, other, 1e-6);
  g_assert_cmpfloat (sums.n_agree, ==, 1); /* 2.5 is still the best, 5 is not 4 */
  eng_token_loss_compare (losses, reference, &sums);
  g_assert_cmpfloat (sums.divergence, ==, 0);
  g_assert_cmpfloat (sums.loss, ==, base.loss);
  eng_token_loss_free (losses);
  rt_pool_free (pool);
}

/* Noise of 1 % in power is 20 dB and 10 % in amplitude; six equal units have no spread. */
static void
test_figures (void)
{
  g_autoptr (EngLayerTable) table
      = eng_layer_table_new (ENG_MODEL_LANGUAGE, 1, 8, "data", "recipe");
  EngLayerUnit record = { .local = { 100, 1, 101, 100 },
                          .accumulated = { 4, 0, 4, 4 },
                          .n_scored = 10,
                          .reference_loss = 20,
                          .loss = 21,
                          .divergence = 0.5,
                          .n_agree = 9 };
  EngLayerUnit back;

  for (guint unit = 0; unit < 5; unit++)
    eng_layer_table_put (table, unit, 0, &record);
  g_autoptr (EngLayerErrors) few = eng_layer_table_snapshot (table);
  g_assert_true (isnan (eng_layer_errors_get (few, 0)->loss.low));
  g_assert_nonnull (eng_layer_errors_get (few, 0)->loss.reason);
  g_assert_cmpuint (eng_layer_errors_get (few, 1)->n_units, ==, 0);
  g_assert_false (eng_layer_errors_get_sensitivity (few, 1).available);
  g_assert_false (eng_layer_errors_is_complete (few));

  /* Seven of them and one with a change of 4 nats in 10 tokens: mean (7 * 1 + 4) / 80; the
   * deviations from it are 7 times 1 - 1.375 and once 4 - 1.375, the sum of squares 7.875, t (7) =
   * 2.365. */
  for (guint unit = 5; unit < 7; unit++)
    eng_layer_table_put (table, unit, 0, &record);
  record.loss = 24;
  eng_layer_table_put (table, 7, 0, &record);
  g_autoptr (EngLayerErrors) all = eng_layer_table_snapshot (table);
  const EngLayerError *layer = eng_layer_errors_get (all, 0);
  g_assert_cmpfloat_with_epsilon (layer->local.sqnr_db.value, 20, 1e-12);
  g_assert_cmpfloat_with_epsilon (layer->local.sqnr_db.low, 20, 1e-12);
  g_assert_cmpfloat_with_epsilon (layer->local.relative.value, 10, 1e-12);
  g_assert_cmpfloat_with_epsilon (layer->local.cosine, 100 / sqrt (100.0 * 101), 1e-12);
  g_assert_true (layer->accumulated.is_exact);
  g_assert_false (layer->accumulated.sqnr_db.available);
  g_assert_cmpfloat (layer->accumulated.relative.value, ==, 0);
  g_assert_cmpfloat_with_epsilon (layer->loss.value, 11.0 / 80, 1e-12);
  g_assert_cmpfloat_with_epsilon (layer->loss.high - layer->loss.value,
                                  2.364624 * sqrt (7.875 * 8 / 7) / 80, 1e-7);
  g_assert_cmpfloat_with_epsilon (layer->divergence.value, 0.05, 1e-12);
  g_assert_cmpfloat_with_epsilon (layer->agreement.value, 90, 1e-12);
  g_autofree char *exact = eng_layer_deviation_format (&layer->accumulated);
  g_autofree char *twenty = eng_layer_deviation_format (&layer->local);
  g_assert_cmpstr (exact, ==, "exact");
  g_assert_cmpstr (twenty, ==, "20.0 dB");

  /* To the last bit through text; anything else is refused. */
  record.divergence = 0.1;
  g_autofree char *text = eng_layer_unit_to_text (&record);
  g_assert_true (eng_layer_unit_from_text (text, &back));
  g_assert_cmpmem (&back, sizeof back, &record, sizeof record);
  g_assert_false (eng_layer_unit_from_text ("0x1p+0 1", &back));
  g_autofree char *longer = g_strconcat (text, " 1", NULL);
  g_assert_false (eng_layer_unit_from_text (longer, &back));
}

/* ---- a network by hand ---- */

/* y = W2 relu (W1 x). In bf16, with 8 significant bits, 1 + 2^-9 becomes 1 and 2 + 2^-6 stays. */
static char *
write_network (const char *folder)
{
  const float e = 1.0f / 512;
  const float w1[4] = { 1 + e, 0, 0, 2 + 1.0f / 64 }, w2[4] = { 4 + 4 * e, 0, 1, 1 };
  GByteArray *graph = g_byte_array_new ();
  char *path = g_build_filename (folder, "hand.onnx", NULL);

  pb_message (graph, 1, onnx_node ("MatMul", "first", "x,w1", "h0"));
  pb_message (graph, 1, onnx_node ("Relu", "relu", "h0", "h"));
  pb_message (graph, 1, onnx_node ("MatMul", "second", "h,w2", "y"));
  pb_string (graph, 2, "hand");
  pb_message (graph, 5, onnx_tensor ("w1", ONNX_FLOAT, (gint64[]){ 2, 2 }, 2, w1, sizeof w1));
  pb_message (graph, 5, onnx_tensor ("w2", ONNX_FLOAT, (gint64[]){ 2, 2 }, 2, w2, sizeof w2));
  pb_message (graph, 11, onnx_value ("x", ONNX_FLOAT, (gint64[]){ 1, 2 }, 2));
  pb_message (graph, 12, onnx_value ("y", ONNX_FLOAT, (gint64[]){ 1, 2 }, 2));
  g_autoptr (GByteArray) model = onnx_model (graph, 13);
  g_assert_true (g_file_set_contents (path, (const char *)model->data, model->len, NULL));
  return path;
}

static EngLayerErrors *
measure (EngBuild *build, const EngSensitivityConfig *config)
{
  g_autoptr (GError) error = NULL;
  EngLayerErrors *errors = eng_sensitivity_measure (build, config, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return errors;
}

static void
test_by_hand (void)
{
  char *folder = eng_test_directory ();
  g_autofree char *path = write_network (folder);
  g_autofree char *input = g_build_filename (folder, "x.bin", NULL);
  const float x[2] = { 512, 256 };
  g_assert_true (g_file_set_contents (input, (const char *)x, sizeof x, NULL));
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"bf16\"}}", NULL);
  g_autoptr (EngLayerErrors) errors = measure (build, &(EngSensitivityConfig){ .inputs = input });
  int first = 0, second = 1;

  /* x W1 = (513, 516), y = (513 * (4 + 1/128) + 516, 516) = (2572.0078125, 516). Without the last
   * bit of its weights the first layer gives (512, 516) and the second, of 513, (2568, 516). */
  double h2 = 513.0 * 513 + 516.0 * 516;
  double y0 = 513 * (4 + 1.0 / 128) + 516, y2 = y0 * y0 + 516.0 * 516;
  double local1 = 1 / h2, local2 = (513.0 / 128) * (513.0 / 128) / y2;
  double only1 = (4 + 1.0 / 128) * (4 + 1.0 / 128) / y2;
  double both = (y0 - (512.0 * 4 + 516)) * (y0 - (512.0 * 4 + 516)) / y2;

  g_assert_cmpint (eng_layer_errors_get_n_layers (errors), ==, 2);
  const EngLayerError *a = eng_layer_errors_get (errors, first),
                      *b = eng_layer_errors_get (errors, second);
  g_assert_cmpstr (a->reason, ==, NULL);
  g_assert_cmpstr (b->reason, ==, NULL);
  g_assert_cmpfloat_with_epsilon (a->local.sqnr_db.value, -10 * log10 (local1), 1e-9);
  g_assert_cmpfloat_with_epsilon (a->accumulated.sqnr_db.value, -10 * log10 (local1), 1e-9);
  g_assert_cmpfloat_with_epsilon (a->outputs.sqnr_db.value, -10 * log10 (only1), 1e-9);
  g_assert_cmpfloat_with_epsilon (b->local.sqnr_db.value, -10 * log10 (local2), 1e-9);
  g_assert_cmpfloat_with_epsilon (b->outputs.sqnr_db.value, -10 * log10 (local2), 1e-9);
  g_assert_cmpfloat_with_epsilon (b->accumulated.sqnr_db.value, -10 * log10 (both), 1e-9);
  g_assert_cmpfloat_with_epsilon (eng_layer_errors_get_whole (errors)->outputs.relative.value,
                                  100 * sqrt (both), 1e-9);
  g_assert_false (b->loss.available); /* no labels */
  eng_test_remove (folder);
}

/* ---- a language model ---- */

#define WINDOW 64

static char *
read_text (void)
{
  g_autofree char *path
      = g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), "data/default-model/heldout.txt", NULL);
  char *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

/* Nothing but formats that the file has: every layer is exact and nothing is lost. */
static void
test_identity (void)
{
  g_autofree char *text = read_text ();
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"f16\"}}", NULL);
  g_autoptr (EngLayerErrors) errors
      = measure (build,
                 &(EngSensitivityConfig){ .text = text, .n_windows = 2, .n_tokens = WINDOW });

  g_assert_true (eng_layer_errors_is_complete (errors));
  for (int layer = -1; layer <= eng_layer_errors_get_n_layers (errors); layer++)
    {
      const EngLayerError *e = eng_layer_errors_get (errors, layer);
      g_assert_null (e->reason);
      g_assert_true (e->local.is_exact && e->accumulated.is_exact);
      g_assert_cmpfloat (e->loss.value, ==, 0);
      g_assert_cmpfloat (e->divergence.value, ==, 0);
      g_assert_cmpfloat (e->agreement.value, ==, 100);
    }
  g_assert_cmpfloat (eng_layer_errors_get_whole (errors)->divergence.value, ==, 0);
}

/* Logits of a whole build of one recipe on one window, compared with @losses' reference. */
static EngTokenSums
whole_run (EngModel *model, EngBuild *reuse, const char *techniques, const gint32 *tokens,
           EngTokenLoss *losses, gboolean is_reference)
{
  g_autoptr (EngBuild) build = eng_test_build (model, techniques, reuse);
  guint n_scored = WINDOW - WINDOW / 4;
  EngTokenSums sums;
  RtError error = { 0 };
  RtExec *exec
      = eng_build_new_exec (build, &(EngExecOptions){ .n_outputs = WINDOW, .n_ctx = WINDOW }, NULL);

  g_assert_true (rt_exec_run (exec, tokens, WINDOW, n_scored, RT_PHASE_PREFILL, &error));
  if (is_reference)
    eng_token_loss_reference (losses, rt_exec_logits (exec, 0), tokens + WINDOW - n_scored + 1,
                              n_scored, &sums);
  else
    eng_token_loss_compare (losses, rt_exec_logits (exec, 0), &sums);
  rt_exec_free (exec);
  return sums;
}

/* What the first window of @text is: it begins where the text does. */
static void
first_window (EngModel *model, const char *text, gint32 *window)
{
  int32_t *begin = NULL, *tokens = NULL;
  size_t n_begin, n_tokens;

  g_assert_true (rt_tokenizer_encode (eng_model_get_tokenizer (model), "", 0, true, false, &begin,
                                      &n_begin, NULL));
  g_assert_true (rt_tokenizer_encode (eng_model_get_tokenizer (model), text, strlen (text), false,
                                      false, &tokens, &n_tokens, NULL));
  memcpy (window, begin, n_begin * sizeof *window);
  memcpy (window + n_begin, tokens, (WINDOW + 1 - n_begin) * sizeof *window);
  free (begin);
  free (tokens);
}

/* Whole builds that change one block, run from the first token, are what suffixes from saved values
 * give: to the last bit. */
static void
test_one_layer_builds (void)
{
  g_autofree char *text = read_text ();
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (
      model, "{\"weight-format\": {\"format\": \"q4_0\"}, \"kv-cache\": {\"format\": \"q8_0\"}}",
      NULL);
  g_autoptr (EngBuild) plain
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autoptr (EngLayerErrors) errors
      = measure (plain,
                 &(EngSensitivityConfig){ .text = text, .n_windows = 1, .n_tokens = WINDOW });
  g_autoptr (EngLayerErrors) with_cache
      = measure (build,
                 &(EngSensitivityConfig){ .text = text, .n_windows = 1, .n_tokens = WINDOW });
  int n_layers = eng_layer_errors_get_n_layers (errors);
  guint n_vocab = rt_exec_n_vocab (eng_build_get_exec (plain));
  RtPool *pool = rt_pool_new (2, NULL);
  EngTokenLoss *losses = eng_token_loss_new (WINDOW, n_vocab, pool);
  gint32 window[WINDOW + 1];

  first_window (model, text, window);
  EngTokenSums base = whole_run (model, plain, "{}", window, losses, TRUE);
  for (int layer = 0; layer < n_layers; layer++)
    {
      g_autofree char *one = g_strdup_printf (
          "{\"weight-format\": {\"rules\": [{\"match\": \"blk.%d.*\", \"format\": \"q4_0\"}]}}",
          layer);
      EngTokenSums sums = whole_run (model, plain, one, window, losses, FALSE);
      const EngLayerError *e = eng_layer_errors_get (errors, layer);
      g_assert_cmpfloat (e->divergence.value, ==, sums.divergence / sums.n);
      g_assert_cmpfloat (e->loss.value, ==, (sums.loss - base.loss) / sums.n);
      g_assert_cmpfloat (e->agreement.value, ==, 100 * (sums.n_agree / sums.n));
      g_assert_cmpfloat (e->divergence.value, >, 0);
      g_assert_cmpfloat (e->local.sqnr_db.value, >, 5);
      /* What the cache is kept in is part of what a layer does. */
      g_assert_cmpfloat (eng_layer_errors_get (with_cache, layer)->local.sqnr_db.value, !=,
                         e->local.sqnr_db.value);
    }
  EngTokenSums all = whole_run (model, plain, "{\"weight-format\": {\"format\": \"q4_0\"}}", window,
                                losses, FALSE);
  g_assert_cmpfloat (eng_layer_errors_get_whole (errors)->divergence.value, ==,
                     all.divergence / all.n);
  g_assert_cmpfloat (eng_layer_errors_get (errors, 0)->local.sqnr_db.value, >,
                     eng_layer_errors_get (errors, 0)->accumulated.sqnr_db.value);
  eng_token_loss_free (losses);
  rt_pool_free (pool);
}

/* The same for single matrices, by their names. */
static void
test_one_matrix_builds (void)
{
  static const char *const matrices[] = { "blk.0.attn_k", "blk.2.attn_output", "blk.5.ffn_gate" };
  g_autofree char *text = read_text ();
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  EngSensitivityConfig config
      = { .text = text, .n_windows = 1, .n_tokens = WINDOW, .by_matrix = TRUE };
  g_autoptr (EngLayerErrors) errors = measure (build, &config);
  RtPool *pool = rt_pool_new (2, NULL);
  EngTokenLoss *losses
      = eng_token_loss_new (WINDOW, rt_exec_n_vocab (eng_build_get_exec (build)), pool);
  gint32 window[WINDOW + 1];
  guint n_found = 0;

  /* 7 matrices in each of 6 blocks, embedding and output. */
  g_assert_cmpint (eng_layer_errors_get_n_layers (errors) + 2, ==, 7 * 6 + 2);
  g_assert_true (eng_layer_errors_is_complete (errors));
  first_window (model, text, window);
  EngTokenSums base = whole_run (model, build, "{}", window, losses, TRUE);
  for (int i = -1; i <= eng_layer_errors_get_n_layers (errors); i++)
    {
      g_autofree char *name = eng_layer_errors_dup_name (errors, model, i);
      if (!g_strv_contains (matrices, name))
        continue;
      g_autofree char *one = g_strdup_printf (
          "{\"weight-format\": {\"rules\": [{\"match\": \"%s.weight\", \"format\": \"q4_0\"}]}}",
          name);
      EngTokenSums sums = whole_run (model, build, one, window, losses, FALSE);
      const EngLayerError *e = eng_layer_errors_get (errors, i);
      g_assert_cmpfloat (e->divergence.value, ==, sums.divergence / sums.n);
      g_assert_cmpfloat (e->loss.value, ==, (sums.loss - base.loss) / sums.n);
      n_found++;
    }
  g_assert_cmpuint (n_found, ==, G_N_ELEMENTS (matrices));
  eng_token_loss_free (losses);
  rt_pool_free (pool);
}

/* ---- going on ---- */

typedef struct
{
  EngJob *job;
  guint n_calls, cancel_after;
} Stopper;

static void
count_and_stop (EngLayerErrors *so_far, gpointer data)
{
  Stopper *stopper = data;
  if (++stopper->n_calls == stopper->cancel_after)
    eng_job_cancel (stopper->job);
}

static void
assert_same_figure (const EngFigure *a, const EngFigure *b)
{
  g_assert_cmpint (a->available, ==, b->available);
  g_assert_cmpmem (&a->value, sizeof a->value, &b->value, sizeof b->value);
  g_assert_cmpmem (&a->low, sizeof a->low, &b->low, sizeof b->low);
}

static void
test_resume (void)
{
  char *folder = eng_test_directory ();
  g_autofree char *database = g_build_filename (folder, "history.db", NULL);
  g_autofree char *text = read_text ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EngHistory) history = eng_history_open (database, &error);
  g_assert_no_error (error);
  g_autoptr (EngModel) model = eng_test_load_default ();
  const char *techniques
      = "{\"weight-format\": {\"format\": \"q4_0\"}, \"threads\": {\"count\": 2}}";
  g_autoptr (EngBuild) build = eng_test_build (model, techniques, NULL);
  g_autoptr (EngRecipe) recipe = eng_test_recipe (techniques);
  EngSensitivityConfig config
      = { .text = text, .text_name = "heldout.txt", .n_windows = 7, .n_tokens = WINDOW };
  guint per_unit = eng_model_get_n_layers (model) + 2;

  g_assert_null (eng_sensitivity_load (model, recipe, &config, history, &error));
  g_assert_no_error (error);

  /* Stopped in the middle of the third window. */
  g_autoptr (EngJob) job = eng_job_new ("Accuracy");
  Stopper stopper = { job, 0, 1 + 2 * per_unit + 3 };
  g_assert_null (
      eng_sensitivity_measure (build, &config, history, job, count_and_stop, &stopper, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpuint (stopper.n_calls, ==, stopper.cancel_after);
  g_autoptr (EngLayerErrors) part = eng_sensitivity_load (model, recipe, &config, history, &error);
  g_assert_no_error (error);
  g_assert_false (eng_layer_errors_is_complete (part));
  g_assert_cmpuint (eng_layer_errors_get (part, -1)->n_units, ==, 3);
  g_assert_cmpuint (eng_layer_errors_get (part, 5)->n_units, ==, 2);

  /* Goes on from there, with another number of threads, and has the bits of one go. */
  g_autoptr (EngBuild) again
      = eng_test_build (model,
                        "{\"weight-format\": {\"format\": \"q4_0\"}, \"threads\": {\"count\": 1}}",
                        build);
  Stopper counter = { NULL, 0, 0 };
  g_autoptr (EngLayerErrors) resumed
      = eng_sensitivity_measure (again, &config, history, NULL, count_and_stop, &counter, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (counter.n_calls, ==, 1 + 5 * per_unit - 3);
  g_autoptr (EngLayerErrors) whole = measure (build, &config);
  g_autoptr (EngLayerErrors) loaded
      = eng_sensitivity_load (model, recipe, &config, history, &error);
  g_assert_no_error (error);
  g_assert_true (eng_layer_errors_is_complete (loaded));
  g_assert_cmpstr (eng_layer_errors_get_data (loaded), ==, "7 windows of 64 tokens of heldout.txt");
  for (int layer = -1; layer < (int)per_unit - 1; layer++)
    {
      const EngLayerError *a = eng_layer_errors_get (resumed, layer),
                          *b = eng_layer_errors_get (whole, layer);
      const EngLayerError *c = eng_layer_errors_get (loaded, layer);
      assert_same_figure (&a->divergence, &b->divergence);
      assert_same_figure (&a->loss, &b->loss);
      assert_same_figure (&a->local.sqnr_db, &b->local.sqnr_db);
      assert_same_figure (&a->accumulated.sqnr_db, &b->accumulated.sqnr_db);
      assert_same_figure (&c->loss, &b->loss);
      g_assert_cmpfloat (b->divergence.low, <, b->divergence.high);
    }
  /* Another recipe is another measurement. */
  g_autoptr (EngRecipe) other = eng_test_recipe ("{\"weight-format\": {\"format\": \"q8_0\"}}");
  g_assert_null (eng_sensitivity_load (model, other, &config, history, &error));
  g_assert_no_error (error);
  g_clear_object (&history);
  eng_test_remove (folder);
}

/* After two formats were measured a mixture of them is known, but for what accumulates; measuring
 * that has the bits of measuring it afresh. */
static void
test_mixture (void)
{
  char *folder = eng_test_directory ();
  g_autofree char *database = g_build_filename (folder, "history.db", NULL);
  g_autofree char *text = read_text ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EngHistory) history = eng_history_open (database, &error);
  g_autoptr (EngModel) model = eng_test_load_default ();
  const char *mixture
      = "{\"weight-format\": {\"format\": \"q8_0\", \"rules\": [{\"match\": \"blk.2.*\", "
        "\"format\": \"q4_0\"}]}}";
  g_autoptr (EngBuild) q4
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autoptr (EngBuild) q8
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngBuild) mixed = eng_test_build (model, mixture, q8);
  g_autoptr (EngRecipe) recipe = eng_test_recipe (mixture);
  EngSensitivityConfig config = { .text = text, .n_windows = 6, .n_tokens = WINDOW };
  EngBuild *builds[] = { q4, q8 };
  EngLayerErrors *known[2];

  for (guint i = 0; i < 2; i++)
    {
      known[i] = eng_sensitivity_measure (builds[i], &config, history, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
    }
  g_autoptr (EngLayerErrors) borrowed
      = eng_sensitivity_load (model, recipe, &config, history, &error);
  g_assert_no_error (error);
  g_assert_nonnull (borrowed);
  g_assert_false (eng_layer_errors_is_complete (borrowed));
  g_assert_cmpfloat (eng_layer_errors_get_progress (borrowed), ==, 0);
  g_assert_cmpuint (eng_layer_errors_get_whole (borrowed)->n_units, ==, 0);
  g_autoptr (EngLayerErrors) measured
      = eng_sensitivity_measure (mixed, &config, history, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngLayerErrors) afresh = measure (mixed, &config);
  for (int layer = -1; layer <= eng_layer_errors_get_n_layers (borrowed); layer++)
    {
      const EngLayerError *e = eng_layer_errors_get (borrowed, layer);
      const EngLayerError *from = eng_layer_errors_get (known[layer == 2 ? 0 : 1], layer);
      const EngLayerError *a = eng_layer_errors_get (measured, layer);
      const EngLayerError *b = eng_layer_errors_get (afresh, layer);
      g_assert_true (e->is_borrowed);
      g_assert_cmpuint (e->n_units, ==, 6);
      assert_same_figure (&e->divergence, &from->divergence);
      assert_same_figure (&e->local.sqnr_db, &from->local.sqnr_db);
      g_assert_false (e->accumulated.sqnr_db.available);
      g_assert_false (a->is_borrowed);
      assert_same_figure (&a->divergence, &b->divergence);
      assert_same_figure (&a->local.sqnr_db, &b->local.sqnr_db);
      assert_same_figure (&a->accumulated.sqnr_db, &b->accumulated.sqnr_db);
    }
  assert_same_figure (&eng_layer_errors_get_whole (measured)->divergence,
                      &eng_layer_errors_get_whole (afresh)->divergence);
  g_assert_true (eng_layer_errors_is_complete (measured));
  eng_layer_errors_unref (known[0]);
  eng_layer_errors_unref (known[1]);
  g_clear_object (&history);
  eng_test_remove (folder);
}

static void
test_errors (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autoptr (GError) error = NULL;
  EngSensitivityConfig config = { .text = "Too short.", .text_name = "short.txt" };

  g_assert_null (eng_sensitivity_measure (build, &config, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  g_assert_nonnull (strstr (error->message, "short.txt has"));
  g_clear_error (&error);
  config.text = NULL;
  g_assert_null (eng_sensitivity_measure (build, &config, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
}

/* ---- 8-bit integers against floats ---- */

static void
check_int8 (const char *network, const char *set, double least_db)
{
  g_autofree char *path = eng_test_data_or_skip (network);
  g_autofree char *inputs = path != NULL ? eng_test_data_or_skip (set) : NULL;
  if (inputs == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autofree char *techniques
      = g_strdup_printf ("{\"int8\": {\"precision\": \"int8\", \"calibration\": \"%s\"}}", inputs);
  g_autoptr (EngBuild) build = eng_test_build (model, techniques, NULL);
  g_autoptr (EngLayerErrors) errors
      = measure (build, &(EngSensitivityConfig){ .inputs = inputs, .n_inputs = 20 });
  guint n_measured = 0, n_lossy = 0;

  g_assert_true (eng_layer_errors_is_complete (errors));
  for (int layer = 0; layer < eng_layer_errors_get_n_layers (errors); layer++)
    {
      const EngLayerError *e = eng_layer_errors_get (errors, layer);
      if (e->reason != NULL)
        continue;
      n_measured++;
      n_lossy += !e->local.is_exact;
      g_assert_cmpuint (e->n_units, ==, 20);
      if (!e->local.is_exact)
        {
          /* 8 bits: between the 50 dB of a range that is used well and a layer that is spoilt. */
          g_assert_cmpfloat (e->local.sqnr_db.value, >, least_db);
          g_assert_cmpfloat (e->local.sqnr_db.value, <, 60);
          g_assert_cmpfloat (e->outputs.sqnr_db.value, >, least_db);
          g_assert_cmpfloat (e->local.cosine, >, 0.99);
        }
      g_assert_true (e->loss.available);
      g_assert_cmpfloat (e->loss.low, <, e->loss.high);
    }
  g_assert_cmpuint (n_measured, >=, 8);
  g_assert_cmpuint (n_lossy, >=, 8);
  const EngLayerError *whole = eng_layer_errors_get_whole (errors);
  g_assert_cmpfloat (whole->outputs.sqnr_db.value, >, 15);
  g_assert_cmpfloat (whole->agreement.value, >=, 90);
}

static void
test_int8_resnet (void)
{
  check_int8 ("vision/cifar10/pretrainedResnet.tflite", "data/cifar10-test-1000.tar.gz", 20);
}

static void
test_int8_keyword (void)
{
  check_int8 ("audio/kws/kws_ref_model_float32.tflite", "data/kws01.tar.gz", 20);
}

/* A network quantized in its file beside its float original: layers are lined up by the files'
 * names. */
static void
test_twin (void)
{
  g_autofree char *path = eng_test_data_or_skip ("vision/cifar10/pretrainedResnet_quant.tflite");
  g_autofree char *original_path
      = path != NULL ? eng_test_data_or_skip ("vision/cifar10/pretrainedResnet.tflite") : NULL;
  g_autofree char *other_path
      = path != NULL ? eng_test_data_or_skip ("vision/vww/vww_96_float.tflite") : NULL;
  g_autofree char *inputs
      = path != NULL ? eng_test_data_or_skip ("data/cifar10-test-1000.tar.gz") : NULL;
  if (original_path == NULL || inputs == NULL || other_path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path), original = eng_test_load (original_path);
  g_autoptr (EngModel) other = eng_test_load (other_path);
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (GError) error = NULL;
  EngSensitivityConfig config = { .inputs = inputs, .n_inputs = 10, .reference = original };

  /* Without it there is nothing to compare with, and that is said. */
  g_autofree char *why_not = eng_sensitivity_why_not (model, recipe);
  g_assert_nonnull (strstr (why_not, "quantized already"));

  g_autoptr (EngLayerErrors) errors = measure (build, &config);
  guint n_lossy = 0;
  for (int layer = 0; layer < eng_layer_errors_get_n_layers (errors); layer++)
    {
      const EngLayerError *e = eng_layer_errors_get (errors, layer);
      g_assert_cmpstr (e->reason, ==, NULL);
      g_assert_false (e->local.is_exact);
      n_lossy++;
      g_assert_cmpfloat (e->local.sqnr_db.value, >, 10);
      g_assert_cmpfloat (e->local.sqnr_db.value, <, 60);
    }
  g_assert_cmpuint (n_lossy, >=, 9);
  g_assert_cmpfloat (eng_layer_errors_get_whole (errors)->outputs.sqnr_db.value, >, 10);

  config.reference = other;
  g_assert_null (eng_sensitivity_measure (build, &config, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "not the same network"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/layer-error/sums", test_sums);
  g_test_add_func ("/layer-error/conversion", test_conversion);
  g_test_add_func ("/layer-error/token-loss", test_token_loss);
  g_test_add_func ("/layer-error/figures", test_figures);
  g_test_add_func ("/layer-error/by-hand", test_by_hand);
  g_test_add_func ("/layer-error/identity", test_identity);
  g_test_add_func ("/layer-error/one-layer-builds", test_one_layer_builds);
  g_test_add_func ("/layer-error/one-matrix-builds", test_one_matrix_builds);
  g_test_add_func ("/layer-error/resume", test_resume);
  eng_test_add_judgement ("/layer-error/mixture", test_mixture);
  g_test_add_func ("/layer-error/errors", test_errors);
  g_test_add_func ("/layer-error/int8-resnet", test_int8_resnet);
  g_test_add_func ("/layer-error/int8-keyword", test_int8_keyword);
  g_test_add_func ("/layer-error/twin", test_twin);
  return g_test_run ();
}
