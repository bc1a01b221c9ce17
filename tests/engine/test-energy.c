/* Energy of runs: the model against cases worked out by hand, joules that are neither lost nor made
 * when they are divided, windows under a meter whose joules are known, and a sensor that disappears
 * in the middle of a run. */
#include <math.h>
#include <string.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "eng-energy-private.h"
#include "eng-test-profile.h"
#include "eng-test.h"

#define RAPL "sys/class/powercap/intel-rapl:0"

/* ---- A meter that is moved by hand ---- */

typedef struct
{
  char *root, *counter;
  EngPower *power;
  GThread *thread; /* moves the counter on at @watts */
  double watts;
  int stop;       /* atomic */
  int lose_after; /* atomic: the counter's file goes after so many turns; 0: never */
} Bench;

static void
put (const char *path, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

static void
bench_put_joules (Bench *bench, double joules)
{
  g_autofree char *text
      = g_strdup_printf ("%" G_GUINT64_FORMAT "\n", (guint64)llround (joules * 1e6));
  put (bench->counter, text);
}

static void
bench_open (Bench *bench)
{
  bench->root = eng_test_directory ();
  g_autofree char *folder = g_build_filename (bench->root, RAPL, NULL);
  g_autofree char *name = g_build_filename (folder, "name", NULL);
  g_autofree char *range = g_build_filename (folder, "max_energy_range_uj", NULL);
  g_autofree char *choice = g_strconcat ("rapl:", bench->root, NULL);
  g_autoptr (GError) error = NULL;

  bench->counter = g_build_filename (folder, "energy_uj", NULL);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  put (name, "package-0\n");
  put (range, "262143328850\n");
  bench_put_joules (bench, 100);
  bench->power = eng_power_new (choice, &error);
  g_assert_no_error (error);
}

static gpointer
bench_move (gpointer data)
{
  Bench *bench = data;
  guint64 start = rt_now_ns ();
  for (int turn = 1; !g_atomic_int_get (&bench->stop); turn++)
    {
      if (g_atomic_int_get (&bench->lose_after) > 0 && turn > g_atomic_int_get (&bench->lose_after))
        {
          g_remove (bench->counter);
          return NULL;
        }
      bench_put_joules (bench, 100 + bench->watts * (double)(rt_now_ns () - start) * 1e-9);
      g_usleep (1000);
    }
  return NULL;
}

static void
bench_start (Bench *bench, double watts)
{
  bench->watts = watts;
  bench->thread = g_thread_new ("bench", bench_move, bench);
}

static void
bench_close (Bench *bench)
{
  g_atomic_int_set (&bench->stop, 1);
  if (bench->thread != NULL)
    g_thread_join (bench->thread);
  eng_power_set_current (NULL);
  eng_power_unref (bench->power);
  g_free (bench->counter);
  eng_test_remove (bench->root);
}

/* ---- The model ---- */

/* L1 of 64 KB, L2 of 2 MB, L3 of 32 MB for all threads together; AVX-512. */
static EngEnergyModel
round_model (void)
{
  return (EngEnergyModel){ .process = eng_energy_process_find ("7 nm"),
                           .f32_per_instruction = 16,
                           .int8_per_instruction = 64,
                           .holds_bytes = { 64e3, 2e6, 32e6 },
                           .caches_known = TRUE,
                           .isa_known = TRUE };
}

static void
test_model_by_hand (void)
{
  EngEnergyModel model = round_model ();
  EngEnergyParts parts;

  /* A million multiply-adds of floats; 4 MB of weights of a step that reads 100 MB: main memory; 16
   * KB + 4 KB of activations: L1.
   *   arithmetic    1e6 x (1.31 + 0.38) pJ                       = 1.69 uJ
   *   instructions  1e6 / 16 x 70 / 2.6 pJ = 62500 x 26.923 pJ   = 1.682692 uJ
   *   main memory   4e6 x 1300 / 8 pJ = 4e6 x 162.5 pJ           = 650 uJ
   *   L1            20e3 x 8.5 / 8 pJ = 20e3 x 1.0625 pJ         = 0.02125 uJ */
  RtCost cost
      = { .flops = 2000000, .weight_bytes = 4000000, .read_bytes = 16000, .write_bytes = 4000 };
  eng_energy_model_node (&model, &cost, ENG_ARITHMETIC_F32, FALSE, 100e6, &parts);
  g_assert_cmpfloat_with_epsilon (parts.arithmetic_j, 1.69e-6, 1e-15);
  g_assert_cmpfloat_with_epsilon (parts.instruction_j, 1.6826923077e-6, 1e-15);
  g_assert_cmpfloat_with_epsilon (parts.memory_j[ENG_MEMORY_MAIN], 650e-6, 1e-12);
  g_assert_cmpfloat_with_epsilon (parts.memory_j[ENG_MEMORY_L1], 0.02125e-6, 1e-15);
  g_assert_cmpfloat (parts.memory_j[ENG_MEMORY_L2], ==, 0);
  g_assert_cmpfloat_with_epsilon (eng_energy_parts_sum (&parts),
                                  1.69e-6 + 1.6826923077e-6 + 650e-6 + 0.02125e-6, 1e-12);

  g_autofree char *where = eng_energy_parts_describe (&parts);
  g_assert_cmpstr (where, ==,
                   "main memory 99 %"); /* 650 of 653.4 uJ; the others are less than 0.5 % */

  /* Bytes, no groups; the whole step fits L2, activations of 1 MB too.
   *   arithmetic    1e6 x (0.07 + 0.03) pJ         = 0.1 uJ
   *   instructions  1e6 / 64 x 26.923 pJ           = 0.42067 uJ
   *   L2            (1e6 + 1e6) x 14 / 8 pJ        = 3.5 uJ */
  cost = (RtCost){
    .flops = 2000000, .weight_bytes = 1000000, .read_bytes = 500000, .write_bytes = 500000
  };
  eng_energy_model_node (&model, &cost, ENG_ARITHMETIC_INT8, FALSE, 2e6, &parts);
  g_assert_cmpfloat_with_epsilon (parts.arithmetic_j, 0.1e-6, 1e-15);
  g_assert_cmpfloat_with_epsilon (parts.instruction_j, 0.4206730769e-6, 1e-15);
  g_assert_cmpfloat_with_epsilon (parts.memory_j[ENG_MEMORY_L2], 3.5e-6, 1e-12);

  /* In groups of 32: 31250 multiply-adds of floats more, 1953.125 instructions more. */
  eng_energy_model_node (&model, &cost, ENG_ARITHMETIC_INT8, TRUE, 2e6, &parts);
  g_assert_cmpfloat_with_epsilon (parts.arithmetic_j, 0.1e-6 + 31250 * 1.69e-12, 1e-15);
  g_assert_cmpfloat_with_epsilon (parts.instruction_j, 0.4206730769e-6 + 1953.125 * 70e-12 / 2.6,
                                  1e-15);

  /* The older process: 1e6 x (3.7 + 0.9) pJ, 62500 x 70 pJ. */
  model.process = eng_energy_process_find ("45 nm");
  eng_energy_model_node (&model, &cost, ENG_ARITHMETIC_F32, FALSE, 2e6, &parts);
  g_assert_cmpfloat_with_epsilon (parts.arithmetic_j, 4.6e-6, 1e-15);
  g_assert_cmpfloat_with_epsilon (parts.instruction_j, 4.375e-6, 1e-15);
  g_assert_null (eng_energy_process_find ("3 nm"));
}

/* Without sizes of caches every byte is main memory's, and the text says so. */
static void
test_model_machine (void)
{
  g_autofree char *root = eng_test_directory ();
  g_autoptr (EngMachine) nothing = eng_machine_new_at (root);
  EngEnergyModel model;
  EngEnergyParts parts;
  RtCost cost = { .read_bytes = 8 };

  eng_energy_model_init (&model, "avx512", 2, nothing);
  g_assert_false (model.caches_known);
  g_assert_true (model.isa_known);
  eng_energy_model_node (&model, &cost, ENG_ARITHMETIC_F32, FALSE, 8, &parts);
  g_assert_cmpfloat_with_epsilon (parts.memory_j[ENG_MEMORY_MAIN], 1300e-12, 1e-18);
  g_autofree char *text = eng_energy_model_describe (&model);
  g_assert_nonnull (strstr (text, "unknown"));
  g_assert_nonnull (strstr (text, "not measured"));
  g_assert_nonnull (strstr (text, "static power"));
  eng_test_remove (g_steal_pointer (&root));
}

static void
check_conserved (const EngEnergyModelled *modelled, EngProfile *profile)
{
  double layers = 0, nodes = 0, sum = eng_energy_parts_sum (&modelled->total);
  g_assert_null (modelled->reason);
  for (int i = 0; i < eng_profile_get_n_layers (profile) + 2; i++)
    layers += modelled->layers_j[i];
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    nodes += modelled->nodes_j[i];
  g_assert_cmpfloat (sum, >, 0);
  g_assert_cmpfloat_with_epsilon (layers / sum, 1, 1e-9);
  g_assert_cmpfloat_with_epsilon (nodes / sum, 1, 1e-9);
}

static EngProfile *
three_nodes (RtPhase phase)
{
  static const EngTestNode nodes[] = {
    { -1, ENG_ARITHMETIC_F32, { .flops = 1000, .read_bytes = 4000, .write_bytes = 4000 }, 1000 },
    { 0,
      ENG_ARITHMETIC_INT8,
      { .flops = 2000000, .weight_bytes = 1000000, .read_bytes = 4000, .write_bytes = 4000 },
      6000 },
    { 1,
      ENG_ARITHMETIC_F32,
      { .flops = 4000000, .weight_bytes = 8000000, .read_bytes = 4000, .write_bytes = 4000 },
      3000 },
  };
  return eng_test_profile (nodes, G_N_ELEMENTS (nodes), 2, phase);
}

static void
test_model_phase (void)
{
  g_autoptr (EngProfile) profile = three_nodes (RT_PHASE_INFERENCE);
  EngEnergyModel model = round_model ();
  EngEnergyModelled modelled, none;

  eng_energy_model_phase (&model, profile, RT_PHASE_INFERENCE, &modelled);
  check_conserved (&modelled, profile);
  /* 9 MB of weights fit L3: layer 1's 8 MB are 8e6 x 14 / 8 pJ of 14 uJ, and its arithmetic 2e6 x
   * 1.69 pJ. */
  g_assert_cmpfloat_with_epsilon (modelled.layers_j[2],
                                  14e-6 + 2e6 * 1.69e-12 + 2e6 / 16 * 70e-12 / 2.6
                                      + 8000 * 1.0625e-12,
                                  1e-12);
  g_assert_cmpfloat (modelled.layers_j[3], ==, 0); /* nothing behind the last layer */
  eng_energy_modelled_clear (&modelled);
  eng_energy_model_phase (&model, profile, RT_PHASE_DECODE, &none);
  g_assert_nonnull (none.reason);
  g_assert_null (none.layers_j);
}

/* What a run kept by an older version does not say is not guessed. */
static void
test_model_unknown (void)
{
  static const EngTestNode nodes[] = { { 0, ENG_ARITHMETIC_UNKNOWN, { .flops = 1000 }, 1000 } };
  g_autoptr (EngProfile) profile = eng_test_profile (nodes, 1, 1, RT_PHASE_INFERENCE);
  EngEnergyModel model = round_model ();
  EngEnergyModelled modelled;

  eng_energy_model_phase (&model, profile, RT_PHASE_INFERENCE, &modelled);
  g_assert_nonnull (modelled.reason);
  g_assert_null (modelled.nodes_j);
}

/* A real build: conserved in every phase, and the same whether its costs come from a run or from
 * the build. */
static void
test_model_build (void)
{
  g_autoptr (EngModel) loaded = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (loaded, "{}", NULL);
  g_autoptr (EngMachine) machine = eng_machine_new ();
  g_autoptr (EngProfile) profile = eng_energy_build_profile (build, 10);
  EngEnergyModel model;
  EngEnergyModelled prefill, decode;

  eng_energy_model_init (&model, eng_build_get_isa (build), 2, machine);
  eng_energy_model_phase (&model, profile, RT_PHASE_PREFILL, &prefill);
  eng_energy_model_phase (&model, profile, RT_PHASE_DECODE, &decode);
  check_conserved (&prefill, profile);
  check_conserved (&decode, profile);
  /* Ten tokens share one reading of the weights. */
  g_assert_cmpfloat (eng_energy_parts_sum (&prefill.total), <,
                     eng_energy_parts_sum (&decode.total));
  eng_energy_modelled_clear (&prefill);
  eng_energy_modelled_clear (&decode);
}

/* A microcontroller is not priced as a computer's processor. */
static void
test_model_unpriced (void)
{
  g_autoptr (EngMachine) nothing = eng_machine_new_of_caches (NULL, 0);
  g_autoptr (EngProfile) profile = three_nodes (RT_PHASE_DECODE);
  EngEnergyModel model;
  EngEnergyModelled modelled;

  eng_energy_model_init (&model, "dsp", 1, nothing);
  eng_energy_model_phase (&model, profile, RT_PHASE_DECODE, &modelled);
  g_assert_nonnull (modelled.reason);
  g_assert_null (modelled.nodes_j);
  g_autofree char *text = eng_energy_model_describe (&model);
  g_assert_true (g_str_has_prefix (text, "Not modelled"));
  eng_energy_modelled_clear (&modelled);
}

/* ---- Attribution ---- */

static void
test_attribution (void)
{
  g_autoptr (EngProfile) profile = three_nodes (RT_PHASE_DECODE);
  EngEnergyAttributed attributed, none;
  double sum = 0;

  eng_energy_attribute (profile, RT_PHASE_DECODE, 0.5, &attributed);
  g_assert_null (attributed.reason);
  g_assert_cmpfloat (attributed.total_j, ==, 0.5);
  /* 1, 6 and 3 of 10 us. */
  g_assert_cmpfloat_with_epsilon (attributed.nodes_j[0], 0.05, 1e-12);
  g_assert_cmpfloat_with_epsilon (attributed.nodes_j[1], 0.3, 1e-12);
  g_assert_cmpfloat_with_epsilon (attributed.nodes_j[2], 0.15, 1e-12);
  for (int i = 0; i < 4; i++)
    sum += attributed.layers_j[i];
  g_assert_cmpfloat_with_epsilon (sum, 0.5, 1e-12);
  eng_energy_attributed_clear (&attributed);
  eng_energy_attribute (profile, RT_PHASE_PREFILL, 0.5, &none);
  g_assert_nonnull (none.reason);
}

/* ---- Windows under the meter ---- */

typedef struct
{
  Bench *bench;
  guint n;
  guint lose_after, stop_after;
} FakePass;

/* 2 mJ for each of two tokens, and nothing between passes: the joules of a token are known to the
 * last bit. */
static gboolean
fake_pass (gpointer data, guint *n_units, GError **error)
{
  FakePass *pass = data;
  pass->n++;
  if (pass->stop_after > 0 && pass->n > pass->stop_after)
    return FALSE;
  g_usleep (5000);
  if (pass->lose_after > 0 && pass->n == pass->lose_after)
    g_remove (pass->bench->counter);
  else if (pass->lose_after == 0 || pass->n < pass->lose_after)
    bench_put_joules (pass->bench, 100 + 0.004 * pass->n);
  *n_units = 2;
  return TRUE;
}

static void
test_windows (void)
{
  Bench bench = { 0 };
  FakePass pass = { .bench = &bench };
  EngEnergyMeasured measured;
  g_autoptr (GError) error = NULL;

  bench_open (&bench);
  g_assert_true (eng_energy_measure (bench.power, "J/tok", fake_pass, &pass, &measured, &error));
  g_assert_no_error (error);
  g_assert_true (measured.joules.available);
  g_assert_cmpuint (measured.joules.n, ==, 7);
  g_assert_cmpfloat_with_epsilon (measured.joules.value, 0.002, 1e-8);
  g_assert_cmpfloat (measured.joules.low, <=, 0.002);
  g_assert_cmpfloat (measured.joules.high, >=, 0.002);
  g_assert_cmpuint (measured.n_units, ==, 2 * pass.n);
  /* At most 4 mJ in 5 ms. */
  g_assert_cmpfloat (measured.watts.value, >, 0.1);
  g_assert_cmpfloat (measured.watts.value, <, 0.81);
  bench_close (&bench);
}

static void
test_windows_lost (void)
{
  Bench bench = { 0 };
  FakePass pass = { .bench = &bench, .lose_after = 100 };
  EngEnergyMeasured measured;
  g_autoptr (GError) error = NULL;

  bench_open (&bench);
  g_assert_true (eng_energy_measure (bench.power, "J/tok", fake_pass, &pass, &measured, &error));
  g_assert_no_error (error);
  g_assert_false (measured.joules.available);
  g_assert_false (measured.watts.available);
  g_assert_nonnull (strstr (measured.joules.reason, "energy_uj"));
  bench_close (&bench);
}

/* A counter that stands still measures nothing, and that is not the same as no energy. */
static gboolean
idle_pass (gpointer data, guint *n_units, GError **error)
{
  g_usleep (20000);
  *n_units = 1;
  return TRUE;
}

static void
test_windows_stuck (void)
{
  Bench bench = { 0 };
  EngEnergyMeasured measured;
  g_autoptr (GError) error = NULL;

  bench_open (&bench);
  g_assert_true (eng_energy_measure (bench.power, "J/tok", idle_pass, NULL, &measured, &error));
  g_assert_no_error (error);
  g_assert_false (measured.joules.available);
  g_assert_nonnull (strstr (measured.joules.reason, "stands still"));
  g_assert_false (measured.watts.available);
  bench_close (&bench);
}

static void
test_windows_stopped (void)
{
  Bench bench = { 0 };
  FakePass pass = { .bench = &bench, .stop_after = 3 };
  EngEnergyMeasured measured;
  g_autoptr (GError) error = NULL;

  bench_open (&bench);
  g_assert_true (eng_energy_measure (bench.power, "J/tok", fake_pass, &pass, &measured, &error));
  g_assert_no_error (error);
  g_assert_false (measured.joules.available);
  g_assert_nonnull (strstr (measured.joules.reason, "stopped"));
  bench_close (&bench);
}

/* ---- Whole runs ---- */

static EngRun *
generate (EngBuild *build, guint n)
{
  g_autoptr (EngWorkload) workload
      = eng_workload_new ("It is a truth universally acknowledged, that");
  g_autoptr (GError) error = NULL;
  workload->n_predict = n;
  workload->ignore_end = TRUE;
  EngRun *run = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return run;
}

static EngRun *
reload (EngRun *run)
{
  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (GError) error = NULL;
  EngRun *back = eng_run_from_json (json, &error);
  g_assert_no_error (error);
  return back;
}

static void
test_run_without_meter (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngRun) run = generate (build, 12);
  g_autoptr (EngRun) back = reload (run);
  EngEnergy *energy = eng_run_get_energy (run), *again = eng_run_get_energy (back);
  EngFigure measured = eng_run_get_figure (run, ENG_FIGURE_TOKEN_ENERGY);
  EngFigure modelled = eng_run_get_figure (run, ENG_FIGURE_TOKEN_ENERGY_MODEL);

  g_assert_false (measured.available);
  g_assert_nonnull (measured.reason);
  g_assert_false (eng_run_get_figure (run, ENG_FIGURE_POWER).available);
  g_assert_true (modelled.available);
  g_assert_null (eng_energy_get_meter (energy));
  g_assert_nonnull (eng_energy_get_reason (energy));
  const EngPhaseEnergy *decode = eng_energy_get_phase (energy, RT_PHASE_DECODE);
  g_assert_nonnull (decode->attributed.reason);
  check_conserved (&decode->modelled, eng_run_get_profile (run));
  check_conserved (&eng_energy_get_phase (energy, RT_PHASE_PREFILL)->modelled,
                   eng_run_get_profile (run));

  g_assert_cmpstr (eng_energy_get_model (again), ==, eng_energy_get_model (energy));
  const EngPhaseEnergy *kept = eng_energy_get_phase (again, RT_PHASE_DECODE);
  check_conserved (&kept->modelled, eng_run_get_profile (back));
  g_assert_cmpfloat_with_epsilon (eng_energy_parts_sum (&kept->modelled.total), modelled.value,
                                  1e-9 * modelled.value);
  g_assert_false (kept->measured.joules.available);
}

/* The document of a run whose energy was measured: each grade in its own member and column. */
static void
check_document (EngRun *run)
{
  g_autofree char *json = eng_run_to_json (run), *csv = eng_run_to_csv (run);
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  JsonObject *energy = json_object_get_object_member (json_node_get_object (root), "energy");
  JsonObject *decode = json_object_get_object_member (energy, "decode");
  static const char *const grades[] = { "measured", "attributed", "modelled" };

  for (guint i = 0; i < G_N_ELEMENTS (grades); i++)
    {
      JsonObject *grade = json_object_get_object_member (decode, grades[i]);
      g_assert_cmpstr (json_object_get_string_member (grade, "grade"), ==, grades[i]);
    }
  g_assert_nonnull (json_object_get_string_member (energy, "rule_of_attribution"));
  g_auto (GStrv) lines = g_strsplit (csv, "\r\n", -1);
  g_assert_nonnull (strstr (lines[0], ",attributed_joules,modelled_joules"));
}

static void
test_run_measured (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  Bench bench = { 0 };

  bench_open (&bench);
  bench_start (&bench, 10);
  eng_power_set_current (bench.power);
  g_autoptr (EngRun) run = generate (build, 12);
  g_autoptr (EngRun) back = reload (run);
  EngFigure watts = eng_run_get_figure (run, ENG_FIGURE_POWER);
  EngFigure token = eng_run_get_figure (run, ENG_FIGURE_TOKEN_ENERGY);
  EngFigure prompt = eng_run_get_figure (run, ENG_FIGURE_PROMPT_ENERGY);
  const EngPhaseEnergy *decode = eng_energy_get_phase (eng_run_get_energy (run), RT_PHASE_DECODE);
  double sum = 0;

  /* 10 W, but for what the bench's thread is late by. */
  g_assert_true (watts.available && token.available && prompt.available);
  g_assert_cmpfloat (watts.value, >, 6);
  g_assert_cmpfloat (watts.value, <, 15);
  /* Joules of a token are that power over the tokens per second of the same windows: a median of
   * seven against the whole, which differ on a busy machine, but never by a factor of two. */
  double per_token = watts.value * 7 * decode->measured.window_s / (double)decode->measured.n_units;
  g_assert_cmpfloat (fabs (log2 (token.value / per_token)), <, 1);
  g_assert_null (decode->attributed.reason);
  for (int i = 0; i < eng_energy_get_n_layers (eng_run_get_energy (run)) + 2; i++)
    sum += decode->attributed.layers_j[i];
  g_assert_cmpfloat_with_epsilon (sum / token.value, 1, 1e-9);
  check_document (run);

  const EngPhaseEnergy *kept = eng_energy_get_phase (eng_run_get_energy (back), RT_PHASE_DECODE);
  g_assert_cmpfloat_with_epsilon (kept->measured.joules.value, token.value, 1e-9 * token.value);
  g_assert_cmpuint (kept->measured.n_units, ==, decode->measured.n_units);
  g_assert_nonnull (
      strstr (eng_energy_get_meter (eng_run_get_energy (back)), "processor packages"));
  bench_close (&bench);
}

/* The sensor goes while the run is under way: unavailable with the reason, in figures, document and
 * layers; the rest of the run stands. */
static void
test_run_sensor_lost (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  Bench bench = { 0 };

  bench_open (&bench);
  bench.lose_after = 150; /* some tenths of a second: before the windows are through */
  bench_start (&bench, 10);
  eng_power_set_current (bench.power);
  g_autoptr (EngRun) run = generate (build, 12);
  g_autoptr (EngRun) back = reload (run);
  EngFigure token = eng_run_get_figure (run, ENG_FIGURE_TOKEN_ENERGY);
  EngFigure speed = eng_run_get_figure (run, ENG_FIGURE_DECODE);

  g_assert_true (speed.available);
  g_assert_false (token.available);
  g_assert_nonnull (strstr (token.reason, "energy_uj"));
  g_assert_false (eng_run_get_figure (run, ENG_FIGURE_POWER).available);
  g_assert_false (eng_run_get_figure (back, ENG_FIGURE_TOKEN_ENERGY).available);
  g_assert_cmpstr (eng_run_get_figure (back, ENG_FIGURE_TOKEN_ENERGY).reason, ==, token.reason);
  g_assert_nonnull (
      eng_energy_get_phase (eng_run_get_energy (run), RT_PHASE_DECODE)->attributed.reason);
  g_assert_true (eng_run_get_figure (run, ENG_FIGURE_TOKEN_ENERGY_MODEL).available);
  g_autofree char *notes = g_strjoinv ("\n", (GStrv)eng_run_get_notes (run));
  g_assert_nonnull (strstr (notes, "energy was not measured: "));
  bench_close (&bench);
}

static void
test_accuracy_per_joule (void)
{
  EngFigure accuracy
      = { .available = TRUE, .value = 80, .low = 76, .high = 84, .n = 100, .unit = "%" };
  EngFigure joules
      = { .available = TRUE, .value = 0.2, .low = 0.19, .high = 0.21, .n = 7, .unit = "J" };
  EngFigure none = eng_figure_unavailable ("J", "no power sensor on this computer");
  EngFigure figure = eng_energy_accuracy_per_joule (&accuracy, &joules);

  g_assert_true (figure.available);
  g_assert_cmpfloat_with_epsilon (figure.value, 400, 1e-9);
  g_assert_cmpfloat_with_epsilon (figure.low, 76 / 0.21, 1e-9);
  g_assert_cmpfloat_with_epsilon (figure.high, 84 / 0.19, 1e-9);
  figure = eng_energy_accuracy_per_joule (&accuracy, &none);
  g_assert_false (figure.available);
  g_assert_cmpstr (figure.reason, ==, none.reason);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/energy/model/by-hand", test_model_by_hand);
  g_test_add_func ("/energy/model/machine", test_model_machine);
  g_test_add_func ("/energy/model/phase", test_model_phase);
  g_test_add_func ("/energy/model/unknown", test_model_unknown);
  g_test_add_func ("/energy/model/build", test_model_build);
  g_test_add_func ("/energy/model/unpriced", test_model_unpriced);
  g_test_add_func ("/energy/attribution", test_attribution);
  g_test_add_func ("/energy/windows", test_windows);
  g_test_add_func ("/energy/windows/lost", test_windows_lost);
  g_test_add_func ("/energy/windows/stuck", test_windows_stuck);
  g_test_add_func ("/energy/windows/stopped", test_windows_stopped);
  g_test_add_func ("/energy/run/without-meter", test_run_without_meter);
  g_test_add_func ("/energy/run/measured", test_run_measured);
  g_test_add_func ("/energy/run/sensor-lost", test_run_sensor_lost);
  g_test_add_func ("/energy/accuracy-per-joule", test_accuracy_per_joule);
  return g_test_run ();
}
