/* Estimates of recipes: sums over nodes by hand, what is absent and why, the band from kept errors,
 * what a run teaches, and the measuring job. Nothing here depends on how fast the machine is. */
#include <math.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "eng-estimate.h"
#include "eng-kernel-bench.h"
#include "eng-test.h"

#define close_to(a, b) g_assert_cmpfloat_with_epsilon (a, b, 1e-9 * fabs (b))

static EngForecast *
forecast_of (EngEstimator *estimator, EngModel *model, const char *techniques,
             const EngEstimateSizes *sizes)
{
  g_autoptr (EngRecipe) recipe = eng_test_recipe (techniques);
  g_autoptr (GError) error = NULL;
  EngForecast *forecast = eng_estimator_forecast (estimator, model, recipe, sizes, &error);
  g_assert_no_error (error);
  return forecast;
}

/* A time for every operator that cannot be guessed from its costs. */
static double
made_up_ns (const char *signature, const RtCost *cost)
{
  return (double)strlen (signature) + (double)(cost->flops % 1009);
}

/* Some operators were last timed in a run. */
static gboolean
made_up_in_run (const char *signature)
{
  return strlen (signature) % 3 == 0;
}

/* Times of everything in @model's default build; operators called @except are left out. */
static EngKernelTable *
make_table (EngModel *model, const EngEstimateSizes *sizes, const char *except, double times)
{
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EngSketch) sketch = eng_sketch_new (model, recipe, &error);
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (EngKernelTime));
  g_assert_no_error (error);

  for (int decode = 0; decode <= 1; decode++)
    for (RtNodeId i = 0; i < rt_graph_n_nodes (eng_sketch_get_graph (sketch)); i++)
      {
        int64_t symbols[RT_N_SYMBOLS] = { decode ? 1 : sizes->n_prompt, 1, 1, 1, 1 };
        EngKernelTime time = { .signature = eng_sketch_get_signature (sketch, i),
                               .n = 10,
                               .low_ns = NAN,
                               .high_ns = NAN,
                               .source = ENG_KERNEL_BENCH };
        if (made_up_in_run (time.signature))
          time.source = ENG_KERNEL_RUN;
        if (except != NULL && g_str_has_prefix (time.signature, except))
          continue;
        eng_sketch_get_cost (sketch, i, symbols, decode ? sizes->position : 0, &time.cost);
        time.median_ns = times * (made_up_ns (time.signature, &time.cost));
        for (time.is_cold = 0; time.is_cold <= 1; time.is_cold++)
          g_array_append_val (list, time);
      }
  return eng_kernel_table_new ((const EngKernelTime *)list->data, list->len, NULL, 0);
}

static void
test_sums (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  EngEstimateSizes sizes = { .n_prompt = 24, .position = 40 };
  g_autoptr (EngKernelTable) table = make_table (model, &sizes, NULL, 1);
  g_autoptr (EngEstimator) estimator = eng_estimator_new_for_table (table);
  g_autoptr (EngForecast) forecast = forecast_of (estimator, model, "{}", &sizes);
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  const RtGraph *graph = eng_build_get_graph (build);
  int n_layers = (int)eng_model_get_n_layers (model);

  g_assert_true (eng_forecast_has_phase (forecast, RT_PHASE_PREFILL));
  g_assert_false (eng_forecast_has_phase (forecast, RT_PHASE_INFERENCE));
  g_assert_cmpuint (eng_forecast_get_n_nodes (forecast), ==, rt_graph_n_nodes (graph));
  for (RtPhase phase = RT_PHASE_PREFILL; phase <= RT_PHASE_DECODE; phase++)
    {
      g_autofree double *layers = g_new0 (double, (gsize)n_layers + 2);
      guint n_tokens = phase == RT_PHASE_PREFILL ? 24 : 1;
      double total = 0, in_runs = 0;
      EngProfiler *profiler = eng_profiler_new (build, 1);
      g_autoptr (EngProfile) profile = eng_profiler_snapshot (profiler);
      for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
        {
          RtCost cost;
          rt_exec_cost (eng_build_get_exec (build), i, n_tokens,
                        phase == RT_PHASE_DECODE ? sizes.position : 0, &cost);
          double ns = made_up_ns (eng_profile_get_node_signature (profile, i), &cost);
          g_assert_cmpint (eng_forecast_get_node_time (forecast, phase, i)->basis, ==,
                           ENG_BASIS_TABLE);
          g_assert_cmpfloat (eng_forecast_get_node_time (forecast, phase, i)->ns, ==, ns);
          layers[rt_graph_node (graph, i)->layer + 1] += ns;
          total += ns;
          in_runs += made_up_in_run (eng_profile_get_node_signature (profile, i)) ? ns : 0;
        }
      for (int layer = -1; layer <= n_layers; layer++)
        {
          const EngForecastValue *value = eng_forecast_get_layer (forecast, phase, layer);
          g_assert_cmpfloat (value->ns, ==, layers[layer + 1]);
          g_assert_cmpint (value->basis, ==, ENG_BASIS_TABLE);
          g_assert_true (isnan (value->low_ns)); /* no error was kept: no band */
        }
      const EngForecastValue *sum = eng_forecast_get_total (forecast, phase);
      g_assert_cmpfloat (sum->ns, ==, total);
      g_assert_cmpfloat (in_runs, >, 0);
      close_to (sum->runs_share, in_runs / total);
      g_assert_cmpfloat (sum->shares[ENG_BASIS_TABLE], ==, 1);
      g_assert_cmpfloat (eng_forecast_get_wall (forecast, phase)->ns, ==, total);
      g_assert_true (isnan (eng_forecast_get_band (forecast, phase)));
      eng_profiler_free (profiler);
    }

  /* Headline numbers from the same sums. */
  EngFigure decode = eng_forecast_get_figure (forecast, ENG_FIGURE_DECODE),
            prefill = eng_forecast_get_figure (forecast, ENG_FIGURE_PREFILL);
  close_to (decode.value, 1e9 / eng_forecast_get_total (forecast, RT_PHASE_DECODE)->ns);
  close_to (prefill.value, 24e9 / eng_forecast_get_total (forecast, RT_PHASE_PREFILL)->ns);
  g_assert_false (eng_forecast_get_figure (forecast, ENG_FIGURE_INFERENCE).available);
  g_assert_false (eng_forecast_get_figure (forecast, ENG_FIGURE_OVERHEAD).available);
  /* The first token waits for the prompt: for one that is known. */
  g_assert_false (eng_forecast_get_figure (forecast, ENG_FIGURE_FIRST_TOKEN).available);
  sizes.is_of_run = TRUE;
  g_autoptr (EngForecast) known = forecast_of (estimator, model, "{}", &sizes);
  close_to (eng_forecast_get_figure (known, ENG_FIGURE_FIRST_TOKEN).value,
            1e-6 * eng_forecast_get_total (known, RT_PHASE_PREFILL)->ns);
}

/* One operator of which nothing is known takes its layers and the whole with it; others stay. */
static void
test_absent (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  EngEstimateSizes sizes = { .n_prompt = 24, .position = 40 };
  g_autoptr (EngKernelTable) table = make_table (model, &sizes, "attention ", 1);
  g_autoptr (EngEstimator) estimator = eng_estimator_new_for_table (table);
  g_autoptr (EngForecast) forecast = forecast_of (estimator, model, "{}", &sizes);
  const EngForecastValue *block = eng_forecast_get_layer (forecast, RT_PHASE_DECODE, 0),
                         *embedding = eng_forecast_get_layer (forecast, RT_PHASE_DECODE, -1);

  g_assert_true (isnan (block->ns));
  g_assert_cmpint (block->basis, ==, ENG_BASIS_NONE);
  g_assert_nonnull (strstr (block->reason, "roofs are not known"));
  g_assert_cmpfloat (embedding->ns, >, 0);
  g_assert_true (isnan (eng_forecast_get_total (forecast, RT_PHASE_DECODE)->ns));
  EngFigure figure = eng_forecast_get_figure (forecast, ENG_FIGURE_DECODE);
  g_assert_false (figure.available);
  g_assert_cmpstr (figure.reason, ==, block->reason);
  /* Memory needs no times. */
  g_assert_true (eng_forecast_get_figure (forecast, ENG_FIGURE_PEAK_MEMORY).available);
}

static void
test_change (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  EngEstimateSizes sizes = { .n_prompt = 24, .position = 40 };
  g_autoptr (EngKernelTable) table = make_table (model, &sizes, NULL, 1);
  g_autoptr (EngKernelTable) half = make_table (model, &sizes, NULL, 0.5);
  g_autoptr (EngEstimator) estimator = eng_estimator_new_for_table (table);
  g_autoptr (EngEstimator) faster = eng_estimator_new_for_table (half);
  g_autoptr (EngForecast) before = forecast_of (estimator, model, "{}", &sizes);
  g_autoptr (EngForecast) after = forecast_of (faster, model, "{}", &sizes);
  g_autofree char *text = eng_forecast_dup_change (before, after);

  g_assert_cmpstr (text, ==, "\u221250\u202f% ms/token, memory as before");
}

static void
test_network_sizes (void)
{
  g_autofree char *path = eng_test_data_or_skip ("vision/cifar10/pretrainedResnet.tflite");
  if (path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  EngEstimateSizes sizes;
  eng_estimate_sizes_init (&sizes, model, NULL);
  g_assert_cmpint (sizes.symbols[2], ==, 480); /* as runs without an input have */
  g_assert_cmpint (sizes.symbols[3], ==, 640);

  /* Without a size, what depends on it is absent with that reason. */
  EngRoof roof = { .n_threads = 1, .read_bytes_per_s = 1e9, .f32_flops = 1e9, .int8_ops = 1e9 };
  EngKernelTime one = { .signature = "conv F32 f32|f32[1]",
                        .cost = { .flops = 1000 },
                        .is_cold = TRUE,
                        .median_ns = 2000 };
  g_autoptr (EngKernelTable) table = eng_kernel_table_new (&one, 1, &roof, 0);
  g_autoptr (EngEstimator) estimator = eng_estimator_new_for_table (table);
  g_autoptr (EngForecast) known = forecast_of (estimator, model, "{}", &sizes);
  g_assert_cmpfloat (eng_forecast_get_total (known, RT_PHASE_INFERENCE)->ns, >, 0);
  memset (sizes.symbols, 0, sizeof sizes.symbols);
  g_autoptr (EngForecast) unknown = forecast_of (estimator, model, "{}", &sizes);
  const EngForecastValue *input = eng_forecast_get_layer (unknown, RT_PHASE_INFERENCE, -1);
  g_assert_true (isnan (input->ns));
  g_assert_nonnull (strstr (input->reason, "size of the input"));
  g_assert_cmpfloat (eng_forecast_get_layer (unknown, RT_PHASE_INFERENCE, 1)->ns, >, 0);
}

/* The ceil (0.9 (n + 1))-th smallest; fewer than nine: the largest. */
static void
test_band (void)
{
  double three[] = { 0.3, 0.1, 0.2 };
  double nineteen[19];

  for (guint i = 0; i < 19; i++)
    nineteen[i] = 0.01 * (double)(19 - i);
  g_assert_true (isnan (eng_estimate_band (NULL, 0)));
  g_assert_true (isnan (eng_estimate_band (three, 2)));
  close_to (eng_estimate_band (three, 3), exp (0.3));
  close_to (eng_estimate_band (nineteen, 19), exp (0.18));
}

/* ---- What a run teaches ---- */

static EngEstimator *
estimator_at (const char *directory)
{
  g_autofree char *path = g_build_filename (directory, "times.db", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngKernelTimes) times = eng_kernel_times_open (path, &error);
  g_assert_no_error (error);
  return eng_estimator_new (times);
}

static EngRun *
run_once (EngBuild *build)
{
  g_autoptr (EngWorkload) workload = eng_workload_new ("It is a truth universally acknowledged");
  g_autoptr (GError) error = NULL;
  workload->n_predict = 24;
  workload->ignore_end = TRUE;
  EngRun *run = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return run;
}

static void
test_take_run (void)
{
  char *directory = eng_test_directory ();
  g_autoptr (EngEstimator) estimator = estimator_at (directory);
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngRun) first = run_once (build);
  g_autoptr (EngRun) second = run_once (build);
  g_autoptr (GError) error = NULL;

  /* Before anything is known there is no estimate, and the run says why. */
  g_assert_null (eng_run_get_estimate (first));
  g_assert_true (eng_estimator_take_run (estimator, first, &error));
  g_assert_no_error (error);
  const EngPhaseEstimate *none = &eng_run_get_estimate (first)->phases[RT_PHASE_DECODE];
  g_assert_false (none->available);
  g_assert_true (isnan (eng_phase_estimate_error (none)));
  g_assert_null (eng_phase_estimate_describe (none));

  /* Then the same work is in the table; attention may end some tokens further on or before:
   * scaled. */
  g_assert_true (eng_estimator_take_run (estimator, second, &error));
  g_assert_no_error (error);
  const EngPhaseEstimate *known = &eng_run_get_estimate (second)->phases[RT_PHASE_DECODE];
  EngProfile *profile = eng_run_get_profile (second);
  const EngPhaseProfile *figures = eng_profile_get_phase (profile, RT_PHASE_DECODE);
  double layers = 0, medians = 0;
  g_assert_true (known->available);
  g_assert_cmpint (known->basis, <=, ENG_BASIS_NEIGHBOUR);
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    medians += figures->nodes[i].n > 0 ? figures->nodes[i].median_ns : 0;
  close_to (known->measured_ns, medians);
  for (int i = 0; i < eng_profile_get_n_layers (profile) + 2; i++)
    layers += isfinite (known->layers[i]) ? known->layers[i] : 0;
  g_assert_cmpfloat_with_epsilon (layers, known->predicted_ns, 1e-6 * layers);
  g_assert_cmpfloat (known->wall_predicted_ns, >, 0);
  close_to (known->wall_measured_ns, 1e9 / eng_run_get_figure (second, ENG_FIGURE_DECODE).value);
  close_to (eng_phase_estimate_error (known),
            known->wall_predicted_ns / known->wall_measured_ns - 1);
  g_autofree char *words = eng_phase_estimate_describe (known);
  g_assert_true (g_str_has_prefix (words, "estimate was "));

  /* It is kept: in the run's document ... */
  g_autofree char *json = eng_run_to_json (second);
  g_autoptr (EngRun) back = eng_run_from_json (json, &error);
  g_assert_no_error (error);
  g_autofree char *again = eng_run_to_json (back);
  g_assert_cmpstr (again, ==, json);
  const EngPhaseEstimate *read = &eng_run_get_estimate (back)->phases[RT_PHASE_DECODE];
  close_to (eng_phase_estimate_error (read), eng_phase_estimate_error (known));
  g_assert_true (read->is_known == known->is_known && read->basis == known->basis);

  /* ... and for the bands of later estimates. */
  EngEstimateSizes sizes;
  eng_estimate_sizes_init (&sizes, model, profile);
  g_assert_cmpuint (sizes.n_prompt, ==,
                    eng_profile_get_phase (profile, RT_PHASE_PREFILL)->n_tokens);
  g_autoptr (EngForecast) early = forecast_of (estimator, model, "{}", &sizes);
  g_autofree char *early_text = eng_forecast_dup_band_text (early, RT_PHASE_DECODE);
  g_assert_true (isnan (eng_forecast_get_band (early, RT_PHASE_DECODE)));
  g_assert_nonnull (strstr (early_text, ": 1 so far"));

  /* Three of them correct the next by their median, and what is left is the band. A run whose
   * attention was measured at another length than those before it is of the other class. */
  double ratios[ENG_ESTIMATE_MIN_BAND];
  guint n = 0;
  if (known->is_known)
    ratios[n++] = known->measured_ns / known->uncorrected_ns;
  for (guint tries = 0; n < ENG_ESTIMATE_MIN_BAND; tries++)
    {
      g_autoptr (EngRun) next = run_once (build);
      g_assert_cmpuint (tries, <, 20);
      g_assert_true (eng_estimator_take_run (estimator, next, &error));
      const EngPhaseEstimate *said = &eng_run_get_estimate (next)->phases[RT_PHASE_DECODE];
      if (said->is_known)
        ratios[n++] = said->measured_ns / said->uncorrected_ns;
    }
  double correction = ratios[0] + ratios[1] + ratios[2]
                      - fmin (fmin (ratios[0], ratios[1]), ratios[2])
                      - fmax (fmax (ratios[0], ratios[1]), ratios[2]);
  double band = 1;
  for (guint i = 0; i < ENG_ESTIMATE_MIN_BAND; i++)
    band = fmax (band, exp (fabs (log (ratios[i] / correction))));
  g_autoptr (EngForecast) forecast = forecast_of (estimator, model, "{}", &sizes);
  const EngForecastValue *total = eng_forecast_get_total (forecast, RT_PHASE_DECODE);
  g_assert_cmpfloat_with_epsilon (eng_forecast_get_band (forecast, RT_PHASE_DECODE), band, 1e-6);
  close_to (total->low_ns, total->ns / band);
  close_to (total->high_ns, total->ns * band);
  g_autofree char *text = eng_forecast_dup_band_text (forecast, RT_PHASE_DECODE);
  g_assert_nonnull (strstr (text, "3 estimates kept"));
  eng_test_remove (directory);
}

/* Three estimates on this device were too low by 10, 20 and 50 %: the next one is corrected by the
 * median, and the band reaches the farthest of them. One of a run of known operators says
 * nothing. */
static void
test_correction (void)
{
  static const double ratios[] = { 1.1, 1.5, 1.2, 9 };
  char *directory = eng_test_directory ();
  g_autoptr (EngEstimator) estimator = estimator_at (directory);
  g_autoptr (EngModel) model = eng_test_load_default ();
  EngEstimateSizes sizes = { .n_prompt = 24, .position = 40 };
  g_autoptr (EngKernelTable) table = make_table (model, &sizes, NULL, 1);
  g_autoptr (EngEstimator) plain = eng_estimator_new_for_table (table);
  g_autoptr (EngForecast) before = forecast_of (plain, model, "{}", &sizes);
  EngKernelTimes *times = eng_estimator_get_times (estimator);
  const char *device = eng_forecast_get_device (before);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < eng_kernel_table_get_n (table); i++)
    g_assert_true (
        eng_kernel_times_add (times, device, eng_kernel_table_get (table, i), 1, &error));
  for (guint i = 0; i < G_N_ELEMENTS (ratios); i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", i);
      EngKernelError kept = { .run_id = id,
                              .model = (char *)"another",
                              .phase = RT_PHASE_DECODE,
                              .is_known = i == 3,
                              .is_valid = TRUE,
                              .predicted_ns = 1000,
                              .nodes_ns = 1000 * ratios[i],
                              .wall_ns = 2000 * ratios[i],
                              .layer_error = NAN };
      g_assert_true (eng_kernel_times_add_error (times, device, &kept, &error));
    }
  g_assert_no_error (error);
  g_autoptr (EngForecast) after = forecast_of (estimator, model, "{}", &sizes);
  const EngForecastValue *raw = eng_forecast_get_total (before, RT_PHASE_DECODE),
                         *total = eng_forecast_get_total (after, RT_PHASE_DECODE);
  close_to (total->ns, 1.2 * raw->ns);
  close_to (total->high_ns, total->ns * 1.5 / 1.2);
  close_to (eng_forecast_get_wall (after, RT_PHASE_DECODE)->ns, 2 * total->ns);
  close_to (eng_forecast_get_layer (after, RT_PHASE_DECODE, 0)->ns,
            1.2 * eng_forecast_get_layer (before, RT_PHASE_DECODE, 0)->ns);
  close_to (eng_forecast_get_node_time (after, RT_PHASE_DECODE, 3)->ns,
            1.2 * eng_forecast_get_node_time (before, RT_PHASE_DECODE, 3)->ns);
  /* Of the other phase nothing was kept. */
  close_to (eng_forecast_get_total (after, RT_PHASE_PREFILL)->ns,
            eng_forecast_get_total (before, RT_PHASE_PREFILL)->ns);
  g_autofree char *text = eng_forecast_dup_band_text (after, RT_PHASE_DECODE);
  g_assert_nonnull (strstr (text, "corrected by +20"));
  eng_test_remove (directory);
}

static void
test_json (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  EngEstimateSizes sizes = { .n_prompt = 24, .position = 40 };
  g_autoptr (EngKernelTable) table = make_table (model, &sizes, NULL, 1);
  g_autoptr (EngEstimator) estimator = eng_estimator_new_for_table (table);
  g_autoptr (EngForecast) forecast = forecast_of (estimator, model, "{}", &sizes);
  g_autofree char *json = eng_forecast_to_json (forecast);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = json_from_string (json, &error);
  g_assert_no_error (error);
  JsonObject *decode = json_object_get_object_member (json_node_get_object (root), "decode");
  JsonArray *layers = json_object_get_array_member (decode, "layers");

  g_assert_cmpuint (json_array_get_length (layers), ==, eng_model_get_n_layers (model) + 2);
  g_assert_cmpfloat (json_object_get_double_member (json_array_get_object_element (layers, 1),
                                                    "estimate_ns"),
                     ==, eng_forecast_get_layer (forecast, RT_PHASE_DECODE, 0)->ns);
}

/* ---- The measuring job ---- */

static void
test_bench (void)
{
  char *directory = eng_test_directory ();
  g_autoptr (EngEstimator) estimator = estimator_at (directory);
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe ("{\"threads\": {\"count\": 1}}");
  g_autoptr (EngJob) job = eng_job_new ("test");
  g_autoptr (GError) error = NULL;
  EngKernelBenchResult result, rest;
  EngEstimateSizes sizes = { .n_prompt = 8, .position = 10 };

  /* Cancelled before it began; then half of the way: what was measured stays. */
  eng_job_cancel (job);
  g_assert_false (eng_kernel_bench (estimator, model, recipe, &sizes, 60, job, &result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_true (eng_kernel_bench (estimator, model, recipe, &sizes, 0.2, NULL, &result, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (result.n_missing, >, 20);
  g_assert_cmpuint (result.n_measured, >, 0);
  g_assert_true (eng_kernel_bench (estimator, model, recipe, &sizes, 0.2, NULL, &rest, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (rest.n_missing, ==, result.n_missing - result.n_measured);

  /* What it measures is what estimates look up. */
  g_autoptr (EngForecast) forecast
      = forecast_of (estimator, model, "{\"threads\": {\"count\": 1}}", &sizes);
  guint n_hits = 0;
  for (guint i = 0; i < eng_forecast_get_n_nodes (forecast); i++)
    n_hits += eng_forecast_get_node_time (forecast, RT_PHASE_DECODE, i)->basis == ENG_BASIS_TABLE;
  g_assert_cmpuint (n_hits, >, 0);
  eng_test_remove (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/estimate/sums", test_sums);
  g_test_add_func ("/estimate/absent", test_absent);
  g_test_add_func ("/estimate/change", test_change);
  g_test_add_func ("/estimate/network-sizes", test_network_sizes);
  g_test_add_func ("/estimate/band", test_band);
  g_test_add_func ("/estimate/take-run", test_take_run);
  g_test_add_func ("/estimate/correction", test_correction);
  g_test_add_func ("/estimate/json", test_json);
  g_test_add_func ("/estimate/bench", test_bench);
  return g_test_run ();
}
