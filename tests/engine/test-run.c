/* Runs: what is generated and measured, how it ends, and its documents. */
#include <math.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "eng-error.h"
#include "eng-test.h"

typedef struct
{
  GString *text;
  GCancellable *cancellable;
  guint cancel_after; /* calls of text(); 0: never */
  guint n_texts;
} Listener;

static void
on_text (const char *utf8, gpointer data)
{
  Listener *listener = data;
  g_assert_true (g_utf8_validate (utf8, -1, NULL));
  g_string_append (listener->text, utf8);
  if (++listener->n_texts == listener->cancel_after)
    g_cancellable_cancel (listener->cancellable);
}

static EngRun *
generate (EngBuild *build, const char *prompt, guint n)
{
  g_autoptr (EngWorkload) workload = eng_workload_new (prompt);
  g_autoptr (GError) error = NULL;
  workload->n_predict = n;
  workload->ignore_end = TRUE;
  workload->budget_s = 0.5; /* enough for intervals */
  EngRun *run = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return run;
}

/* A figure with its interval; where a slow build leaves fewer samples than that takes, it must say
 * so. */
static void
check_interval (EngRun *run, EngFigureId id)
{
  EngFigure figure = eng_run_get_figure (run, id);
  g_assert_true (figure.available);
  g_assert_cmpstr (figure.unit, ==, eng_figure_id_unit (id));
  g_assert_cmpfloat (figure.value, >, 0);
  if (figure.n >= 6)
    {
      g_assert_cmpfloat (figure.low, <=, figure.value);
      g_assert_cmpfloat (figure.value, <=, figure.high);
      g_assert_cmpfloat (figure.low, >, 0);
    }
  else
    {
      g_assert_true (isnan (figure.low) && isnan (figure.high));
      g_assert_nonnull (figure.reason);
      g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_DEGRADED);
    }
}

static void
test_generate (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  EngProfiler *profiler = eng_profiler_new (build, 32);
  g_autoptr (EngWorkload) workload
      = eng_workload_new ("It is a truth universally acknowledged, that");
  g_autoptr (GString) heard = g_string_new (NULL);
  Listener listener = { .text = heard };
  EngRunEvents events = { .text = on_text, .user_data = &listener };
  g_autoptr (GError) error = NULL;

  workload->n_predict = 60;
  workload->ignore_end = TRUE;
  g_autoptr (EngRun) run = eng_run_generate (build, workload, profiler, &events, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (eng_run_get_text (run), ==, heard->str);
  g_assert_cmpuint (strlen (heard->str), >, 20);
  g_assert_cmpuint (eng_run_get_n_generated (run), ==, 60);
  g_assert_cmpstr (eng_run_get_stop (run), ==, "length");
  g_assert_true (g_uuid_string_is_valid (eng_run_get_id (run)));
  g_assert_cmpstr (eng_run_get_build_hash (run), ==, eng_build_get_hash (build));
  g_assert_cmpint (eng_run_get_validity (run), !=, ENG_RUN_INVALID);

  check_interval (run, ENG_FIGURE_DECODE);
  check_interval (run, ENG_FIGURE_PREFILL);
  check_interval (run, ENG_FIGURE_FIRST_TOKEN);
  check_interval (run, ENG_FIGURE_STEP_CLEAN);
  check_interval (run, ENG_FIGURE_STEP_LAYERS);
  g_assert_cmpuint (eng_run_get_figure (run, ENG_FIGURE_STEP_CLEAN).n, >=,
                    6); /* 60 tokens are enough on any machine */
  RtMemory memory;
  eng_build_get_memory (build, &memory);
  g_assert_cmpfloat (eng_run_get_figure (run, ENG_FIGURE_PEAK_MEMORY).value, ==,
                     (double)(memory.weight_bytes + memory.activation_bytes + memory.scratch_bytes
                              + memory.kv_bytes));
  /* Tokens per second are of the step and the choice of the token: no faster than the step alone.
   */
  EngFigure decode = eng_run_get_figure (run, ENG_FIGURE_DECODE),
            step = eng_run_get_figure (run, ENG_FIGURE_STEP_CLEAN);
  g_assert_cmpfloat (decode.value, <=, 1000 / step.value * 1.1);

  /* The same again: the same text. */
  g_autoptr (EngRun) again = generate (build, workload->prompt, 60);
  g_assert_cmpstr (eng_run_get_text (again), ==, eng_run_get_text (run));
  g_assert_cmpstr (eng_run_get_id (again), !=, eng_run_get_id (run));
  eng_profiler_free (profiler);
}

/* Each layer is the sum of its nodes and the whole the sum of its layers: exactly, in the last
 * step, whose times stand in all windows. */
static void
check_last_step (const EngPhaseProfile *phase, EngProfile *profile)
{
  double nodes = 0, layers = 0;
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    {
      g_assert_cmpuint (phase->nodes[i].n, ==, phase->total.n); /* every node in every step */
      g_assert_cmpuint (g_strv_length ((GStrv)eng_profile_get_node_sources (profile, i)), >=, 1);
      nodes += phase->nodes[i].last_ns;
    }
  for (int layer = -1; layer <= eng_profile_get_n_layers (profile); layer++)
    layers += phase->layers[layer + 1].last_ns;
  g_assert_cmpfloat (nodes, ==, phase->total.last_ns);
  g_assert_cmpfloat (layers, ==, phase->total.last_ns);
}

static void
test_layers_add_up (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{\"threads\": {\"count\": 1}}", NULL);
  gboolean agrees = FALSE;

  /* The sum of the nodes over the clean step, less one, is what is printed as overhead. Pairs of
   * steps and medians of all agree on a machine that does nothing else; on a shared one, in most
   * runs. */
  for (guint attempt = 0; attempt < 5 && !agrees; attempt++)
    {
      g_autoptr (EngRun) run = generate (build, "It is a truth", 100);
      EngProfile *profile = eng_run_get_profile (run);
      const EngPhaseProfile *decode = eng_profile_get_phase (profile, RT_PHASE_DECODE);
      const EngPhaseProfile *prefill = eng_profile_get_phase (profile, RT_PHASE_PREFILL);

      g_assert_cmpuint (eng_profile_get_n_nodes (profile), ==,
                        rt_graph_n_nodes (eng_build_get_graph (build)));
      g_assert_cmpuint (eng_profile_get_n_lost (profile), ==, 0);
      g_assert_cmpuint (decode->n_tokens, ==, 1);
      g_assert_cmpuint (decode->total.n, >=, 40);
      g_assert_cmpuint (prefill->n_tokens, ==, eng_run_get_n_prompt (run));
      g_assert_cmpuint (prefill->total.n, >=, 2);
      check_last_step (decode, profile);
      check_last_step (prefill, profile);

      EngFigure overhead = eng_run_get_figure (run, ENG_FIGURE_OVERHEAD);
      double clean = eng_run_get_figure (run, ENG_FIGURE_STEP_CLEAN).value;
      double ratio = 100 * (eng_run_get_figure (run, ENG_FIGURE_STEP_LAYERS).value / clean - 1);
      g_test_message ("overhead %.2f %% (%.2f to %.2f), of the medians %.2f %%", overhead.value,
                      overhead.low, overhead.high, ratio);
      agrees
          = ratio >= overhead.low - 2 && ratio <= overhead.high + 2 && fabs (overhead.value) < 25;
    }
  g_assert_true (agrees);
}

static void
test_endings (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{\"context\": {\"length\": 32}}", NULL);
  g_autoptr (GError) error = NULL;

  /* Prompt and answer share the context; the last token needs no place of its own. */
  g_autoptr (EngRun) full = generate (build, "It is a truth", 1000);
  g_assert_cmpstr (eng_run_get_stop (full), ==, "context full");
  g_assert_cmpuint (eng_run_get_n_prompt (full) + eng_run_get_n_generated (full), ==, 32 + 1);

  g_autoptr (EngWorkload) empty = eng_workload_new ("");
  g_autoptr (EngRun) from_nothing = eng_run_generate (build, empty, NULL, NULL, NULL, &error);
  if (from_nothing
      == NULL) /* a model without a beginning-of-sequence token has nothing to begin with */
    g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  g_clear_error (&error);

  g_autoptr (GString) words = g_string_new (NULL);
  for (guint i = 0; i < 200; i++)
    g_string_append (words, "truth and ");
  g_autoptr (EngWorkload) endless = eng_workload_new (words->str);
  g_assert_null (eng_run_generate (build, endless, NULL, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  g_assert_nonnull (strstr (error->message, "context holds 32"));
  g_clear_error (&error);

  /* One token is chosen from the prompt alone: no step was decoded, and the figure says so instead
   * of being zero. */
  g_autoptr (EngRun) one = generate (build, "It is", 1);
  EngFigure decode = eng_run_get_figure (one, ENG_FIGURE_DECODE);
  g_assert_false (decode.available);
  g_assert_nonnull (decode.reason);
  g_assert_cmpint (eng_run_get_validity (one), ==, ENG_RUN_DEGRADED);
  g_assert_true (eng_run_get_figure (one, ENG_FIGURE_FIRST_TOKEN).available);

  /* Few tokens are measured again until they are enough for an interval. */
  g_autoptr (EngRun) few = generate (build, "It is", 4);
  g_assert_cmpuint (eng_run_get_n_generated (few), ==, 4);
  g_assert_cmpuint (eng_run_get_figure (few, ENG_FIGURE_STEP_CLEAN).n, >=, 6);
}

/* A prompt of more than one chunk gives the same continuation as the same tokens in smaller pieces
 * would: the cache, not the chunk, is what decode sees. */
static void
test_long_prompt (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) wide = eng_test_build (model, "{\"context\": {\"length\": 512}}", NULL);
  g_autoptr (GString) words = g_string_new ("It was the best of times");
  for (guint i = 0; i < 30; i++)
    g_string_append (words, ", and then it was the worst of times");
  g_autoptr (EngRun) run = generate (wide, words->str, 8);

  g_assert_cmpuint (eng_run_get_n_prompt (run), >, eng_build_get_max_tokens (wide));
  g_assert_cmpuint (eng_profile_get_phase (eng_run_get_profile (run), RT_PHASE_PREFILL)->n_tokens,
                    ==, eng_build_get_max_tokens (wide));
  g_assert_true (eng_run_get_figure (run, ENG_FIGURE_PREFILL).available);
}

static void
test_cancel (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngWorkload) workload = eng_workload_new ("It is a truth");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GString) heard = g_string_new (NULL);
  Listener listener = { .text = heard, .cancellable = cancellable, .cancel_after = 20 };
  EngRunEvents events = { .text = on_text, .user_data = &listener };
  g_autoptr (GError) error = NULL;

  workload->n_predict = 400;
  workload->ignore_end = TRUE;
  g_autoptr (EngRun) run = eng_run_generate (build, workload, NULL, &events, cancellable, &error);
  g_assert_no_error (error);
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_DEGRADED);
  g_assert_cmpuint (eng_run_get_n_generated (run), <, 60);
  g_assert_cmpuint (eng_run_get_n_generated (run), >=, 20);
  g_assert_cmpstr (eng_run_get_stop (run), ==, "stopped");
  gboolean said = FALSE;
  for (const char *const *reason = eng_run_get_reasons (run); *reason != NULL; reason++)
    said |= g_str_has_prefix (*reason, "stopped after");
  g_assert_true (said);

  /* Before anything is measured there is nothing to keep. */
  g_assert_null (eng_run_generate (build, workload, NULL, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  /* The build runs again afterwards. */
  g_autoptr (EngRun) again = generate (build, "It is a truth", 10);
  g_assert_cmpuint (eng_run_get_n_generated (again), ==, 10);
}

static void
check_same_figure (EngFigure a, EngFigure b)
{
  g_assert_cmpint (a.available, ==, b.available);
  g_assert_cmpuint (a.n, ==, b.n);
  g_assert_cmpstr (a.unit, ==, b.unit);
  g_assert_cmpstr (a.reason, ==, b.reason);
  if (a.available)
    {
      g_assert_cmpfloat (a.value, ==, b.value);
      g_assert_true (a.low == b.low || (isnan (a.low) && isnan (b.low)));
      g_assert_true (a.high == b.high || (isnan (a.high) && isnan (b.high)));
    }
}

static void
check_same_counts (EngProfile *a, EngProfile *b, guint node)
{
  for (RtPhase phase = RT_PHASE_PREFILL; phase <= RT_PHASE_INFERENCE; phase++)
    for (int c = 0; c < RT_N_COUNTERS; c++)
      {
        double x = eng_profile_get_node_count (a, node, phase, c);
        double y = eng_profile_get_node_count (b, node, phase, c);
        g_assert_true (x == y || (isnan (x) && isnan (y)));
        g_assert_cmpstr (eng_profile_get_counter_reason (a, phase, c), ==,
                         eng_profile_get_counter_reason (b, phase, c));
        g_assert_cmpstr (eng_profile_get_counter_name (a, c), ==,
                         eng_profile_get_counter_name (b, c));
      }
}

/* Counted steps, with the kernel's own counters, which need no hardware: every node takes time, the
 * nodes of a layer add up to it, and all of them to no more than the threads can have used. With
 * hardware counters: figures or a reason, never zero cycles. */
static void
test_counters (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{\"threads\": {\"count\": 1}}", NULL);
  g_autoptr (EngWorkload) workload = eng_workload_new ("It is a truth");
  g_autoptr (GError) error = NULL;

  workload->n_predict = 8;
  workload->ignore_end = TRUE;
  workload->budget_s = 0.3;
  workload->counters = RT_COUNTERS_SOFTWARE;
  g_autoptr (EngRun) run = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  EngProfile *profile = eng_run_get_profile (run);
  if (eng_profile_get_n_counted (profile, RT_PHASE_DECODE) == 0)
    {
      g_assert_nonnull (eng_profile_get_counter_reason (profile, RT_PHASE_DECODE, 0));
      g_test_skip (eng_profile_get_counter_reason (profile, RT_PHASE_DECODE, 0));
      return;
    }
  for (RtPhase phase = RT_PHASE_PREFILL; phase <= RT_PHASE_DECODE; phase++)
    {
      double layers = 0, nodes = 0;
      for (int layer = -1; layer <= eng_profile_get_n_layers (profile); layer++)
        layers += eng_profile_get_layer_count (profile, layer, phase, 0);
      for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
        {
          double ns = eng_profile_get_node_count (profile, i, phase, 0);
          g_assert_cmpfloat (ns, >, 0);
          nodes += ns;
        }
      g_assert_cmpfloat_with_epsilon (layers, nodes, 1e-6 * nodes);
      /* One thread's processor time in the nodes is of the order of the step, even where others
       * slow the clean one down. */
      double clean = eng_profile_get_phase (profile, phase)->clean.median_ns;
      g_assert_cmpfloat (nodes, >, 0.2 * clean);
      g_assert_cmpfloat (nodes, <, 10 * clean);
      g_assert_true (isfinite (eng_profile_get_counting_cost (profile, phase)));
    }
  g_assert_true (isnan (eng_profile_get_node_count (profile, 0, RT_PHASE_INFERENCE, 0)));
  g_assert_cmpstr (eng_profile_get_counter_reason (profile, RT_PHASE_INFERENCE, 0), ==,
                   "not counted");

  workload->counters = RT_COUNTERS_HARDWARE;
  g_autoptr (EngRun) hard = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  double cycles = eng_profile_get_layer_count (eng_run_get_profile (hard), 0, RT_PHASE_DECODE, 0);
  const char *reason
      = eng_profile_get_counter_reason (eng_run_get_profile (hard), RT_PHASE_DECODE, 0);
  g_assert_true (reason != NULL ? isnan (cycles) && strlen (reason) > 10 : cycles > 0);
}

static void
test_json (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q8_0\"}}", NULL);
  g_autoptr (EngWorkload) workload = eng_workload_new ("Say \"größer ≤\"\n\tand more");
  g_autoptr (GError) error = NULL;
  workload->n_predict = 20;
  workload->counters = RT_COUNTERS_SOFTWARE;
  workload->interval_width = 0.2;
  workload->budget_s = 1.5;
  workload->sampler = (RtSamplerConfig){
    .temperature = 0.8f, .top_k = 40, .top_p = 0.9f, .min_p = 0.05f, .seed = G_MAXUINT64 - 2
  };
  g_autoptr (EngRun) run = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);

  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (EngRun) again = eng_run_from_json (json, &error);
  g_assert_no_error (error);
  g_autofree char *same = eng_run_to_json (again);
  g_assert_cmpstr (json, ==, same);

  g_assert_cmpstr (eng_run_get_id (again), ==, eng_run_get_id (run));
  g_assert_cmpint (eng_run_get_time (again), ==, eng_run_get_time (run));
  g_assert_true (eng_workload_equal (eng_run_get_workload (again), workload));
  g_assert_cmpfloat (eng_run_get_workload (again)->interval_width, ==, 0.2);
  g_assert_cmpfloat (eng_run_get_workload (again)->budget_s, ==, 1.5);
  g_assert_cmpint (eng_run_get_ended (run, ENG_FIGURE_DECODE), !=, RT_REPEAT_MORE);
  g_assert_cmpint (eng_run_get_ended (run, ENG_FIGURE_PREFILL), !=, RT_REPEAT_MORE);
  g_assert_cmpint (eng_run_get_ended (run, ENG_FIGURE_PEAK_MEMORY), ==, RT_REPEAT_MORE);
  g_assert_true (eng_recipe_equal (eng_run_get_recipe (again), eng_run_get_recipe (run)));
  g_assert_cmpstr (eng_run_get_text (again), ==, eng_run_get_text (run));
  g_assert_cmpint (eng_run_get_validity (again), ==, eng_run_get_validity (run));
  for (guint i = 0; i < ENG_N_FIGURES; i++)
    {
      check_same_figure (eng_run_get_figure (run, i), eng_run_get_figure (again, i));
      g_assert_cmpint (eng_run_get_ended (run, i), ==, eng_run_get_ended (again, i));
    }
  EngProfile *a = eng_run_get_profile (run), *b = eng_run_get_profile (again);
  g_assert_cmpuint (eng_profile_get_n_nodes (a), ==, eng_profile_get_n_nodes (b));
  for (guint i = 0; i < eng_profile_get_n_nodes (a); i++)
    {
      const EngLatency *x = &eng_profile_get_phase (a, RT_PHASE_DECODE)->nodes[i],
                       *y = &eng_profile_get_phase (b, RT_PHASE_DECODE)->nodes[i];
      g_assert_cmpstr (eng_profile_get_node_name (a, i), ==, eng_profile_get_node_name (b, i));
      g_assert_cmpint (eng_profile_get_node_layer (a, i), ==, eng_profile_get_node_layer (b, i));
      g_assert_cmpuint (x->n, ==, y->n);
      check_same_counts (a, b, i);
      g_assert_cmpfloat_with_epsilon (x->median_ns, y->median_ns, 0.51); /* whole nanoseconds */
      g_assert_cmpuint (eng_profile_get_node_cost (a, i, RT_PHASE_DECODE)->flops, ==,
                        eng_profile_get_node_cost (b, i, RT_PHASE_DECODE)->flops);
    }

  /* Any other JSON parser can read it. */
  g_autoptr (JsonNode) node = json_from_string (json, &error);
  g_assert_no_error (error);
  g_assert_true (json_object_has_member (json_node_get_object (node), "machine"));
}

/* The budget holds: a run that can never be narrow ends in time, and says what ended it; one that
 * is content with anything ends as soon as there are samples enough. */
static void
test_budget (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngWorkload) workload = eng_workload_new ("It is a truth");
  g_autoptr (GError) error = NULL;

  workload->n_predict = 8;
  workload->ignore_end = TRUE;
  workload->interval_width = 0; /* never */
  workload->budget_s = 0.4;
  gint64 start = g_get_monotonic_time ();
  g_autoptr (EngRun) run = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  double seconds = (double)(g_get_monotonic_time () - start) * 1e-6;
  g_assert_no_error (error);
  g_assert_cmpint (eng_run_get_ended (run, ENG_FIGURE_PREFILL), ==, RT_REPEAT_BUDGET);
  g_assert_cmpfloat (seconds, >, 0.2);
  g_assert_cmpfloat (seconds, <, 30); /* on any machine, whoever else uses it */

  /* Content with anything; on a machine so busy that not even that is reached, there is a
   * reason. */
  workload->interval_width = 0.99;
  workload->budget_s = 10;
  g_autoptr (EngRun) easy = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  EngFigure decode = eng_run_get_figure (easy, ENG_FIGURE_DECODE);
  if (eng_run_get_ended (easy, ENG_FIGURE_DECODE) == RT_REPEAT_NARROW)
    {
      g_assert_cmpuint (decode.n, >=, 15);
      g_assert_cmpfloat (decode.low, >, 0);
    }
  g_assert_cmpint (eng_run_get_ended (easy, ENG_FIGURE_DECODE), !=, RT_REPEAT_MORE);
  g_assert_cmpint (eng_run_get_ended (easy, ENG_FIGURE_PREFILL), !=, RT_REPEAT_MORE);
}

static void
test_json_errors (void)
{
  static const char *const documents[] = {
    "",
    "[]",
    "{}",
    "{\"lathe-run\": 1}",
    "{\"lathe-run\": 99, \"recipe\": {}, \"workload\": {}, \"profile\": {}}",
    "{\"lathe-run\": 1, \"recipe\": {\"lathe-recipe\": 1}, \"workload\": {}, \"profile\": {}}",
    "{\"lathe-run\": 1, \"recipe\": {\"lathe-recipe\": 1}, \"workload\": {}, \"profile\": {}, "
    "\"id\": \"a\", \"model_name\": \"b\", \"build_sha256\": \"c\"}",
    "{\"lathe-run\": 1, \"recipe\": {\"lathe-recipe\": 1}, \"workload\": {}, \"profile\": "
    "{\"n_layers\": 1e300, \"nodes\": [], \"layers\": []}, \"id\": "
    "\"a\", \"model_name\": \"b\", \"build_sha256\": \"c\"}",
    "{\"lathe-run\": 1, \"recipe\": {\"lathe-recipe\": 1}, \"workload\": {}, \"profile\": "
    "{\"n_layers\": 0, \"nodes\": [3], \"layers\": [{}, {}]}, \"id\": "
    "\"a\", \"model_name\": \"b\", \"build_sha256\": \"c\"}",
  };
  for (guint i = 0; i < G_N_ELEMENTS (documents); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (eng_run_from_json (documents[i], &error));
      g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
    }
  /* Sparse, but a run: what it lacks is unavailable, never zero. */
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRun) run
      = eng_run_from_json ("{\"lathe-run\": 1, \"recipe\": {\"lathe-recipe\": 1}, \"workload\": "
                           "{}, \"profile\": {\"n_layers\": 0, "
                           "\"nodes\": [{}], \"layers\": [{}, {}]}, \"id\": \"a\", \"model_name\": "
                           "\"b\", \"build_sha256\": \"c\"}",
                           &error);
  g_assert_no_error (error);
  g_assert_cmpint (eng_run_get_validity (run), ==, ENG_RUN_INVALID);
  g_assert_false (eng_run_get_figure (run, ENG_FIGURE_DECODE).available);
  g_autofree char *csv = eng_run_to_csv (run);
  g_assert_nonnull (csv);
}

static void
test_csv (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngRun) run = generate (build, "It is a truth", 20);
  g_autofree char *csv = eng_run_to_csv (run);
  g_auto (GStrv) lines = g_strsplit (csv, "\r\n", -1);
  guint n_lines = g_strv_length (lines);
  guint n_nodes = eng_profile_get_n_nodes (eng_run_get_profile (run));

  g_assert_cmpuint (n_lines, ==,
                    1 + 2 * n_nodes
                        + 1); /* header, both phases, and what follows the last line end */
  g_auto (GStrv) header = g_strsplit (lines[0], ",", -1);
  for (guint i = 1; i + 1 < n_lines; i++)
    {
      g_auto (GStrv) cells = g_strsplit (lines[i], ",", -1);
      g_assert_cmpuint (g_strv_length (cells), >=,
                        g_strv_length (header)); /* a quoted title may hold commas */
    }
}

/* Sampling with a seed is repeatable, and another seed writes something else. */
static void
test_seed (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  char *texts[3];

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (EngWorkload) workload = eng_workload_new ("It is a truth");
      g_autoptr (GError) error = NULL;
      workload->n_predict = 40;
      workload->sampler.temperature = 1;
      workload->sampler.seed = i / 2;
      g_autoptr (EngRun) run = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
      texts[i] = g_strdup (eng_run_get_text (run));
    }
  g_assert_cmpstr (texts[0], ==, texts[1]);
  g_assert_cmpstr (texts[0], !=, texts[2]);
  for (guint i = 0; i < 3; i++)
    g_free (texts[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/run/generate", test_generate);
  g_test_add_func ("/run/layers-add-up", test_layers_add_up);
  g_test_add_func ("/run/endings", test_endings);
  g_test_add_func ("/run/long-prompt", test_long_prompt);
  g_test_add_func ("/run/cancel", test_cancel);
  g_test_add_func ("/run/seed", test_seed);
  g_test_add_func ("/run/json", test_json);
  g_test_add_func ("/run/counters", test_counters);
  g_test_add_func ("/run/budget", test_budget);
  g_test_add_func ("/run/json-errors", test_json_errors);
  g_test_add_func ("/run/csv", test_csv);
  return g_test_run ();
}
