/* What the views say of networks: figures of their own kind, names along the layer axis, facts, the
 * sentence. The networks are six convolutions in modules backbone/stage_N; in the second, two
 * operators are of a kind that nobody has. */
#include "app-accuracy.h"
#include "app-axis.h"
#include "app-compare.h"
#include "app-evaluate.h"
#include "eval/eng-evaluate.h"
#include "app-figures.h"
#include "app-formats.h"
#include "app-layers.h"
#include "app-model-info.h"
#include "app-network-info.h"
#include "app-report-dialog.h"
#include "app-sentence.h"

#include <math.h>
#include <string.h>

static const char *tiny_path, *unknown_path, *classifier_path, *samples_path, *language_path;

static EngModel *
load (const char *path)
{
  g_autoptr (GError) error = NULL;
  EngModel *model = eng_model_load (path, NULL, &error);

  g_assert_no_error (error);
  return model;
}

static EngBuild *
build (EngModel *model)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  EngBuild *made = eng_build_new (model, recipe, NULL, NULL, &error);

  g_assert_no_error (error);
  return made;
}

static EngRun *
run_once (EngBuild *made)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngWorkload) workload = eng_workload_new_input (NULL);
  EngRun *run = eng_run_infer (made, workload, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  return run;
}

static void
check_list (const AppFigureInfo *(*list) (EngModelKind kind, guint *n), EngModelKind kind)
{
  EngWorkloadKind workload = app_figures_workload_kind (kind);
  guint n;
  const AppFigureInfo *infos = list (kind, &n);

  g_assert_cmpuint (n, >, 2);
  g_assert_cmpuint (n, <=, APP_MAX_FIGURES);
  for (guint i = 0; i < n; i++)
    {
      g_assert_true (eng_figure_id_applies (infos[i].id, workload));
      g_assert_cmpuint (strlen (infos[i].title), >, 0);
      g_assert_cmpuint (strlen (infos[i].tip), >, 0);
      if (kind == ENG_MODEL_NETWORK)
        {
          g_assert_cmpstr (eng_figure_id_unit (infos[i].id), !=, "tok/s");
          g_assert_null (strstr (infos[i].title, "oken"));
          g_assert_null (strstr (infos[i].tip, "oken"));
          g_assert_null (strstr (infos[i].tip, "cache"));
        }
    }
}

static void
test_figures (void)
{
  check_list (app_figures_headline, ENG_MODEL_NETWORK);
  check_list (app_figures_headline, ENG_MODEL_LANGUAGE);
  check_list (app_figures_compare, ENG_MODEL_NETWORK);
  check_list (app_figures_compare, ENG_MODEL_LANGUAGE);
}

static void
test_names (void)
{
  g_autoptr (EngModel) model = load (tiny_path);

  g_assert_cmpuint (eng_model_get_n_layers (model), ==, 6);
  for (int i = 0; i < 6; i++)
    {
      g_autofree char *expected = g_strdup_printf ("stage_%d", i);
      g_autofree char *title = app_layers_dup_title (model, i);
      g_autofree char *label = app_layers_dup_label (model, i);
      g_autofree char *group = app_layers_dup_group (model, i);

      g_assert_cmpstr (title, ==, expected); /* without "backbone/", which all have */
      g_assert_cmpstr (label, ==, expected);
      g_assert_cmpstr (group, ==, "Blocks"); /* one stage each is no group */
    }
  g_autofree char *first = app_layers_dup_label (model, -1);
  g_autofree char *last = app_layers_dup_label (model, 6);
  g_autofree char *none = app_layers_dup_group (model, -1);
  g_autofree char *end = app_layers_dup_short_name ("a/b/quite_a_long_name_of_a_layer_17");

  g_assert_cmpstr (first, ==, "In");
  g_assert_cmpstr (last, ==, "Out");
  g_assert_null (none);
  g_assert_true (g_str_has_prefix (end, "…"));
  g_assert_true (g_str_has_suffix (end, "layer_17"));
  g_assert_cmpint (g_utf8_strlen (end, -1), ==, 13);
}

static void
test_facts (void)
{
  g_autoptr (EngModel) model = load (tiny_path);
  g_autoptr (EngBuild) made = build (model);
  const EngImported *imported = eng_model_get_imported (model);
  g_autofree char *facts = app_model_info_dup_facts (model);
  g_autofree char *inputs
      = app_network_info_dup_ports (imported, imported->inputs, imported->n_inputs);
  g_autofree char *operators = app_network_info_dup_operators (imported->graph);
  g_autofree char *arithmetic = app_network_info_dup_arithmetic (made);
  g_autofree char *origin = app_network_info_dup_origin (eng_model_get_card (model));

  g_assert_cmpstr (inputs, ==, "picture: f32 [1, 3, 48, 48]");
  g_assert_nonnull (strstr (operators, "ReLU\u00a0×\u00a06"));
  g_assert_true (g_str_has_prefix (facts, "ONNX, opset 13"));
  g_assert_nonnull (strstr (facts, "parameters"));
  g_assert_null (strstr (facts, "(null)"));
  g_assert_true (g_str_has_prefix (origin, "none"));
  /* 48 * 48 places, 16 channels out, 3 and then five times 16 in, 9 taps, two operations each: 55.1
   * M of the convolutions; ReLU adds one per value at most. */
  g_assert_true (g_str_has_prefix (arithmetic, "55."));
  g_assert_null (app_network_info_dup_arithmetic (NULL));
}

static void
test_report (void)
{
  g_autoptr (EngModel) model = load (unknown_path);
  g_autofree char *text = app_report_dialog_dup_text (model);

  g_assert_cmpuint (g_strv_length ((char **)eng_model_get_report (model)), ==, 2);
  g_assert_nonnull (strstr (text, "/backbone/stage_2/act/Frobnicate"));
  g_assert_nonnull (strstr (text, "/backbone/stage_4/act/Frobnicate"));
  g_assert_nonnull (strstr (text, unknown_path));
}

/* The dearest layer is the one with the greatest median, and shares add up to one. */
static void
test_dearest (void)
{
  g_autoptr (EngModel) model = load (tiny_path);
  g_autoptr (EngBuild) made = build (model);
  g_autoptr (EngRun) run = run_once (made);
  EngProfile *profile = eng_run_get_profile (run);
  const EngPhaseProfile *data = eng_profile_get_phase (profile, RT_PHASE_INFERENCE);
  double share = 0.0;
  int layer = -2;

  g_assert_true (app_sentence_find_dearest (profile, RT_PHASE_INFERENCE, &layer, &share));
  g_assert_false (app_sentence_find_dearest (profile, RT_PHASE_DECODE, &layer, &share));
  g_assert_false (app_sentence_find_dearest (NULL, RT_PHASE_INFERENCE, &layer, &share));
  g_assert_cmpfloat (share, >, 0.0);
  for (int i = -1; i <= eng_profile_get_n_layers (profile); i++)
    g_assert_cmpfloat (data->layers[i + 1].n > 0 ? data->layers[i + 1].median_ns : 0.0, <=,
                       data->layers[layer + 1].median_ns);
}

/* Figures of a run: the share of the surroundings is a share, and nothing was late that had no time
 * to begin at. */
static void
test_run_figures (void)
{
  g_autoptr (EngModel) model = load (tiny_path);
  g_autoptr (EngBuild) made = build (model);
  g_autoptr (EngRun) run = run_once (made);
  EngFigure around = eng_run_get_figure (run, ENG_FIGURE_SURROUNDINGS);
  EngFigure late = eng_run_get_figure (run, ENG_FIGURE_LATE);
  EngFigure decode = eng_run_get_figure (run, ENG_FIGURE_DECODE);
  g_autofree char *recipe = eng_run_dup_recipe_text (run);

  g_assert_true (around.available);
  g_assert_cmpfloat (around.value, >=, 0.0);
  g_assert_cmpfloat (around.value, <=, 100.0);
  g_assert_false (late.available);
  g_assert_false (decode.available);
  g_assert_null (strstr (recipe, "cache"));
}

/* At a rate that nothing keeps up with nearly every input is late; at a slow one none is. */
static void
test_late (void)
{
  g_autoptr (EngModel) model = load (tiny_path);
  g_autoptr (EngBuild) made = build (model);
  g_autoptr (EngWorkload) workload = eng_workload_new_input (NULL);
  const double rates[] = { 1e6, 5.0 };

  workload->seconds = 0.6;
  for (guint i = 0; i < G_N_ELEMENTS (rates); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EngRun) run = NULL;
      EngFigure late;

      workload->rate_hz = rates[i];
      run = eng_run_infer (made, workload, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
      late = eng_run_get_figure (run, ENG_FIGURE_LATE);
      g_assert_true (late.available);
      if (i == 0)
        g_assert_cmpfloat (late.value, >, 50.0);
      else
        g_assert_cmpfloat (late.value, <, 50.0);
    }
}

static void
test_compare (void)
{
  g_autoptr (EngModel) model = load (tiny_path);
  g_autoptr (EngBuild) made = build (model);
  g_autoptr (EngRun) a = run_once (made);
  g_autoptr (EngRun) b = run_once (made);
  AppComparable comparable = app_compare_check (a, b);
  EngRun *runs[] = { a, b };
  g_autoptr (EngComparison) comparison = eng_comparison_new (runs, 2, RT_PHASE_INFERENCE);
  guint n_layers = 0;

  g_assert_null (comparable.layers);
  g_assert_null (comparable.times);
  for (guint row = 0; row < eng_comparison_get_n_rows (comparison); row++)
    if (eng_comparison_get_row (comparison, row)->depth == 0)
      {
        EngChange change = eng_comparison_get_change (comparison, row, 1, ENG_LAYER_METRIC_LATENCY);

        g_assert_true (isfinite (change.frac));
        n_layers++;
      }
  g_assert_cmpuint (n_layers, >=, 6);
}

static void
test_formats (void)
{
  g_autoptr (EngModel) network = load (tiny_path);
  g_autoptr (EngModel) language = load (language_path);
  g_autofree char *list = app_formats_dup_list ();
  g_autoptr (GPtrArray) filters = app_formats_new_filters ();

  g_assert_nonnull (strstr (list, "GGUF"));
  g_assert_nonnull (strstr (list, "ONNX"));
  g_assert_nonnull (strstr (list, "TFLite"));
  g_assert_cmpuint (filters->len, >=, 4);
  g_assert_cmpstr (app_formats_get_mime_type (network), ==, "application/x-onnx");
  g_assert_cmpstr (app_formats_get_mime_type (language), ==, "application/x-gguf");
  g_assert_true (app_formats_is_model_name ("a/b.TFLITE"));
  g_assert_true (app_formats_is_model_name ("model.safetensors"));
  g_assert_nonnull (strstr (list, "safetensors"));
  g_assert_false (app_formats_is_model_name ("cat.jpg"));
  g_assert_false (app_formats_is_model_name ("onnx"));
}

typedef struct
{
  EngRun *run;
  GError *error;
  gboolean done;
} Evaluated;

static void
on_evaluated (EngRun *run, const GError *error, gpointer data)
{
  Evaluated *evaluated = data;

  evaluated->run = run != NULL ? g_object_ref (run) : NULL;
  evaluated->error = error != NULL ? g_error_copy (error) : NULL;
  evaluated->done = TRUE;
}

static Evaluated
evaluate (EngBuild *made, const char *set, EngHistory *history, gboolean cancel)
{
  g_autoptr (EngJob) job = eng_job_new ("Evaluating");
  Evaluated evaluated = { NULL, NULL, FALSE };

  if (cancel)
    eng_job_cancel (job);
  app_evaluate_start (made, set, NULL, history, job, on_evaluated, &evaluated);
  while (!evaluated.done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (eng_job_get_done (job));
  return evaluated;
}

/* Forty samples, ten of them with a wrong label: 75 %, which the history keeps with the build, and
 * which holds for that build and that set only. */
static void
test_accuracy (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("lathe-accuracy-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "history.db", NULL);
  g_autoptr (EngHistory) history = eng_history_open (path, &error);
  g_autoptr (AppAccuracy) accuracy = app_accuracy_new (history);
  g_autoptr (EngModel) model = load (classifier_path);
  g_autoptr (EngModel) other = load (tiny_path);
  g_autoptr (EngBuild) made = build (model);
  const char *hash = eng_build_get_hash (made);
  const AppEvaluation *a, *b;
  Evaluated evaluated;

  g_assert_no_error (error);
  g_assert_true (app_evaluate_is_possible (model));
  g_assert_true (app_evaluate_is_possible (other)); /* it has no labels: agreement */
  g_assert_false (app_evaluate_is_possible (NULL));
  g_assert_null (app_accuracy_find (accuracy, hash, NULL, ENG_FIGURE_ACCURACY));

  evaluated = evaluate (made, samples_path, history, TRUE);
  g_assert_error (evaluated.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_null (evaluated.run);
  g_clear_error (&evaluated.error);

  evaluated = evaluate (made, samples_path, history, FALSE);
  g_assert_no_error (evaluated.error);
  g_assert_cmpfloat (eng_run_get_figure (evaluated.run, ENG_FIGURE_ACCURACY).value, ==, 75.0);
  g_assert_cmpuint (eng_run_get_figure (evaluated.run, ENG_FIGURE_ACCURACY).n, ==, 40);
  g_assert_true (eng_run_get_workload (evaluated.run)->labelled);
  g_clear_object (&evaluated.run);

  while (g_main_context_iteration (NULL, FALSE))
    ; /* the history says that it has changed */
  a = app_accuracy_find (accuracy, hash, NULL, ENG_FIGURE_ACCURACY);
  g_assert_nonnull (a);
  g_assert_cmpfloat (a->figures[ENG_FIGURE_ACCURACY].value, ==, 75.0);
  g_assert_cmpstr (a->set, ==, samples_path);
  g_assert_cmpfloat (a->figures[ENG_FIGURE_ACCURACY].low, <, 75.0);
  g_assert_cmpfloat (a->figures[ENG_FIGURE_ACCURACY].high, >, 75.0);
  g_assert_null (app_accuracy_find (accuracy, hash, "/another/set", ENG_FIGURE_ACCURACY));
  g_assert_null (app_accuracy_find (accuracy, "another build", NULL, ENG_FIGURE_ACCURACY));
  /* Another number of threads is another build with the same results. */
  g_autofree char *key = eng_evaluate_dup_key (model, eng_build_get_recipe (made));
  g_autoptr (EngRecipe) threads = eng_recipe_with (eng_build_get_recipe (made), "threads", "count",
                                                   NULL, g_variant_new_int64 (1), &error);
  g_assert_no_error (error);
  g_autofree char *same = eng_evaluate_dup_key (model, threads);
  g_autoptr (EngRecipe) coarse
      = eng_recipe_with (threads, "int8", "precision", NULL, g_variant_new_string ("int8"), &error);
  g_assert_no_error (error);
  g_autofree char *coarser = eng_evaluate_dup_key (model, coarse);
  g_assert_cmpstr (key, ==, same);
  g_assert_cmpstr (key, !=, coarser);
  g_assert_true (app_accuracy_find (accuracy, key, NULL, ENG_FIGURE_ACCURACY) == a);
  g_assert_null (app_accuracy_find (accuracy, coarser, NULL, ENG_FIGURE_ACCURACY));
  g_autoptr (GPtrArray) list = app_accuracy_list (accuracy, key);
  g_assert_cmpuint (list->len, ==, 1);
  g_assert_cmpstr (app_evaluation_get_title (list->pdata[0]), ==, strrchr (samples_path, '/') + 1);
  g_assert_true (app_accuracy_find_pair (accuracy, hash, hash, ENG_FIGURE_ACCURACY, &a, &b));
  g_assert_false (
      app_accuracy_find_pair (accuracy, hash, "another build", ENG_FIGURE_ACCURACY, &a, &b));
  g_assert_false (
      app_accuracy_find_pair (accuracy, "another build", hash, ENG_FIGURE_ACCURACY, &a, &b));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 6);
  tiny_path = argv[1];
  unknown_path = argv[2];
  classifier_path = argv[3];
  samples_path = argv[4];
  language_path = argv[5];
  g_test_add_func ("/app/networks/figures", test_figures);
  g_test_add_func ("/app/networks/names", test_names);
  g_test_add_func ("/app/networks/facts", test_facts);
  g_test_add_func ("/app/networks/report", test_report);
  g_test_add_func ("/app/networks/dearest", test_dearest);
  g_test_add_func ("/app/networks/run-figures", test_run_figures);
  g_test_add_func ("/app/networks/late", test_late);
  g_test_add_func ("/app/networks/compare", test_compare);
  g_test_add_func ("/app/networks/formats", test_formats);
  g_test_add_func ("/app/networks/accuracy", test_accuracy);
  return g_test_run ();
}
