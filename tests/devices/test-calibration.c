/* Calibration of boards. The mathematics: against formulas, simulated boards whose law is known,
 * and recorded measurements of models that were not among the references. The path: the real
 * runner, of which only what load cannot change is asserted. */
#include <math.h>

#include <gio/gio.h>
#include <glib/gstdio.h>

#include "../test-tree.h"
#include "devices/eng-board-fit.h"
#include "devices/eng-board-references.h"
#include "devices/eng-reference-network.h"
#include "devices/eng-runners.h"
#include "eng-error.h"
#include "eng-json.h"

static char *
source_path (const char *name)
{
  return g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), name, NULL);
}

/* ---- regression ---- */

static void
test_ridge (void)
{
  /* One feature around its mean 0: b = sum x y / (sum x^2 + lambda), a = mean of y. */
  const double x[] = { -2, -1, 0, 1, 2 }, y[] = { 1, 2, 2, 5, 7 };
  EngBoardFit fit;
  const double *c = fit.coefficients;

  for (double lambda = 0; lambda < 30; lambda += 7)
    {
      eng_board_ridge (&fit, x, y, 5, 1, 5, lambda);
      g_assert_cmpfloat_with_epsilon (c[0], 17.0 / 5, 1e-9);
      g_assert_cmpfloat_with_epsilon (c[1], 15.0 / (10 + lambda), 1e-9);
      /* X'X + lambda I is diagonal: (n, 10 + lambda). */
      for (double at = -3; at <= 3; at += 1.5)
        g_assert_cmpfloat_with_epsilon (eng_board_fit_leverage (&fit, &at),
                                        1.0 / 5 + at * at / (10 + lambda), 1e-9);
    }
  /* Without the last row: least squares of four points by the normal equations. */
  eng_board_ridge (&fit, x, y, 5, 1, 4, 0);
  g_assert_cmpfloat_with_epsilon (c[1], (4 * 1.0 - (-2) * 10.0) / (4 * 6.0 - 4), 1e-9);
  g_assert_cmpfloat_with_epsilon (c[0], (10.0 + 2 * c[1]) / 4, 1e-9);
  /* Two features, no draw: an exact plane is found. */
  const double x2[] = { 0, 0, 1, 0, 0, 1, 2, 3, -1, 4 };
  double y2[5];
  for (guint i = 0; i < 5; i++)
    y2[i] = 0.5 - 2 * x2[2 * i] + 3 * x2[2 * i + 1];
  eng_board_ridge (&fit, x2, y2, 5, 2, 5, 0);
  g_assert_cmpfloat_with_epsilon (c[0], 0.5, 1e-6);
  g_assert_cmpfloat_with_epsilon (c[1], -2, 1e-6);
  g_assert_cmpfloat_with_epsilon (c[2], 3, 1e-6);
}

/* Bands from samples left out, against the definition with nothing but means: no features. */
static void
test_band (void)
{
  const double y[] = { 3, 1, 4, 1, 5, 9, 2, 6, 5, 3 };
  double left_out[10], worst = 0, sum = 0;
  EngBoardFit fit;

  for (guint i = 0; i < 10; i++)
    sum += y[i];
  eng_board_fit (&fit, y, y, 10, 0, left_out);
  for (guint i = 0; i < 10; i++)
    {
      g_assert_cmpfloat_with_epsilon (left_out[i], (sum - y[i]) / 9, 1e-9);
      worst = fmax (worst, fabs (y[i] - left_out[i]) / sqrt (1 + 1.0 / 9));
    }
  /* ceil (0.9 * 11) = 10: the largest of ten. */
  g_assert_cmpfloat_with_epsilon (fit.band, worst * sqrt (1.4), 1e-9);
  g_assert_cmpfloat_with_epsilon (eng_board_fit_expect (&fit, y), sum / 10, 1e-9);
}

/* ---- simulated boards ---- */

static const char *const ops[] = { "conv", "depthwise", "matmul", "add" };

static double
normal (GRand *rand)
{
  double sum = -6; /* twelve uniform numbers: near enough (Irwin-Hall) */
  for (guint i = 0; i < 12; i++)
    sum += g_rand_double (rand);
  return sum;
}

static EngBoardLayer
draw_layer (GRand *rand)
{
  EngBoardLayer layer = { .op = g_intern_static_string (ops[g_rand_int_range (rand, 0, 4)]),
                          .n_bytes = exp (g_rand_double_range (rand, 8, 16)) };
  layer.n_ops = layer.n_bytes * exp (g_rand_double_range (rand, -1, 5));
  layer.is_int8 = g_rand_boolean (rand);
  layer.host_ns = fmax (layer.n_ops / 50, layer.n_bytes / 10) + 500;
  return layer;
}

typedef struct
{
  double slower, for_int8, for_intensity, for_op[4], noise;
} Law;

static double
board_ns (const Law *law, const EngBoardLayer *layer, GRand *rand)
{
  double sum = log (law->slower) + law->for_intensity * log (layer->n_ops / layer->n_bytes)
               + (layer->is_int8 ? law->for_int8 : 0) + law->noise * normal (rand);

  for (guint i = 0; i < 4; i++)
    sum += g_str_equal (layer->op, ops[i]) ? law->for_op[i] : 0;
  return layer->host_ns * exp (sum);
}

static EngBoardCalibration *
calibrate (const Law *law, guint n, GRand *rand)
{
  g_autofree EngBoardReference *references = g_new0 (EngBoardReference, n);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i++)
    {
      references[i].name = (char *)"a layer";
      references[i].layer = draw_layer (rand);
      references[i].board_ns = board_ns (law, &references[i].layer, rand);
    }
  EngBoardCalibration *calibration = eng_board_calibration_new (references, n, ENG_BOARD_BASIS_HOST,
                                                                1.0, 0, "simulated", 0, &error);
  g_assert_no_error (error);
  return calibration;
}

/* A board that is just slower is known exactly, and the band says so. */
static void
test_ratio (void)
{
  const Law law = { .slower = 7.3 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  g_autoptr (EngBoardCalibration) calibration = calibrate (&law, 10, rand);
  EngBoardLayer layers[20];
  EngBoardExpected expected[20], total;
  double sum = 0;

  for (guint i = 0; i < 20; i++)
    {
      layers[i] = draw_layer (rand);
      sum += layers[i].host_ns;
    }
  eng_board_calibration_predict (calibration, layers, 20, expected, &total);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpfloat_with_epsilon (expected[i].ns / layers[i].host_ns, 7.3, 1e-6);
  g_assert_cmpfloat_with_epsilon (total.ns / sum, 7.3, 1e-6);
  g_assert_cmpfloat_with_epsilon (eng_board_calibration_get_band (calibration), 1, 1e-6);
  /* What was never timed here is absent there, and so is the sum. */
  layers[3].host_ns = NAN;
  eng_board_calibration_predict (calibration, layers, 20, expected, &total);
  g_assert_true (isnan (expected[3].ns) && expected[3].reason != NULL);
  g_assert_true (isnan (total.ns) && total.reason != NULL);
  g_assert_true (isfinite (expected[4].ns));
}

/* What depends on the kind of layer is found with enough references. */
static void
test_law (void)
{
  const Law law = { .slower = 5,
                    .for_int8 = 0.7,
                    .for_intensity = 0.3,
                    .for_op = { 0, 0.5, -0.5, 0.2 },
                    .noise = 0.02 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (2);
  g_autoptr (EngBoardCalibration) calibration = calibrate (&law, 40, rand);
  Law exact = law;
  double worst = 0;

  exact.noise = 0;
  for (guint i = 0; i < 200; i++)
    {
      EngBoardLayer layer = draw_layer (rand);
      EngBoardExpected expected;
      eng_board_calibration_predict (calibration, &layer, 1, &expected, NULL);
      worst = fmax (worst, fabs (log (expected.ns / board_ns (&exact, &layer, rand))));
    }
  g_test_message ("off by %.1f %% at most", 100 * worst);
  g_assert_cmpfloat (worst, <, 0.15); /* a constant ratio would be off by a factor of 5 */
}

/* The band holds what it says, for boards of many laws: nine times out of ten. */
static void
check_coverage (guint n_references, double least, double least_wholes)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  guint n_layers = 0, n_inside = 0, n_wholes = 0, n_wholes_inside = 0;
  double widths = 0;

  for (guint board = 0; board < 150; board++)
    {
      Law law = { .slower = exp (g_rand_double_range (rand, -1, 5)),
                  .for_int8 = 0.5 * normal (rand),
                  .for_intensity = 0.2 * normal (rand),
                  .noise = 0.15 };
      for (guint i = 0; i < 4; i++)
        law.for_op[i] = 0.3 * normal (rand);
      g_autoptr (EngBoardCalibration) calibration = calibrate (&law, n_references, rand);
      EngBoardLayer layers[30];
      EngBoardExpected expected[30], total;
      double sum = 0;
      for (guint i = 0; i < 30; i++)
        layers[i] = draw_layer (rand);
      eng_board_calibration_predict (calibration, layers, 30, expected, &total);
      for (guint i = 0; i < 30; i++)
        {
          double ns = board_ns (&law, &layers[i], rand);
          sum += ns;
          n_layers++;
          n_inside += ns >= expected[i].low_ns && ns <= expected[i].high_ns;
        }
      n_wholes++;
      n_wholes_inside += sum >= total.low_ns && sum <= total.high_ns;
      widths += log (eng_board_calibration_get_band (calibration)) / 150;
    }
  double layers_share = (double)n_inside / n_layers, wholes = (double)n_wholes_inside / n_wholes;
  g_test_message (
      "%u references: inside %.1f %% of %u layers, %.1f %% of %u wholes; a layer's band "
      "is a factor of %.2f",
      n_references, 100 * layers_share, n_layers, 100 * wholes, n_wholes, exp (widths));
  /* The seed is fixed; a band half as wide or twice as wide would fail. */
  g_assert_cmpfloat (layers_share, >, least);
  g_assert_cmpfloat (layers_share, <, 0.98);
  g_assert_cmpfloat (wholes, >, least_wholes);
}

static void
test_coverage (void)
{
  check_coverage (10, 0.86, 0.86);
  check_coverage (12, 0.86, 0.86);
  check_coverage (24, 0.86, 0.86);
}

/* A kind of layer that no reference is of has a wider band than one that is. */
static void
test_unknown_kind (void)
{
  const Law law = { .slower = 5, .for_op = { 0, 0.8, -0.8, 0.4 }, .noise = 0.05 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  g_autoptr (EngBoardCalibration) calibration = calibrate (&law, 24, rand);
  EngBoardLayer known = { "conv", 1e5, 1e6, 1e5, FALSE }, unknown = known;
  EngBoardExpected a, b, both, sum;

  unknown.op = "fft";
  eng_board_calibration_predict (calibration, &known, 1, &a, &both);
  eng_board_calibration_predict (calibration, &unknown, 1, &b, &sum);
  g_test_message ("%.2f and %.2f", a.high_ns / a.ns, b.high_ns / b.ns);
  g_assert_cmpfloat (log (b.high_ns / b.ns), >, 1.5 * log (a.high_ns / a.ns));
  g_assert_cmpfloat (log (sum.high_ns / sum.ns), >, 1.5 * log (both.high_ns / both.ns));
}

/* ---- recorded measurements ---- */

static guint
read_rows (JsonArray *rows, EngBoardReference **references)
{
  guint n = json_array_get_length (rows);

  *references = g_new0 (EngBoardReference, n + 1);
  for (guint i = 0; i < n; i++)
    {
      JsonArray *row = json_array_get_array_element (rows, i);
      (*references)[i] = (EngBoardReference){
        .name = (char *)"",
        .layer = { .op = g_intern_string (json_array_get_string_element (row, 0)),
                   .host_ns = json_array_get_double_element (row, 1),
                   .n_ops = json_array_get_double_element (row, 3),
                   .n_bytes = json_array_get_double_element (row, 4),
                   .is_int8 = json_array_get_int_element (row, 5) != 0 },
        .board_ns = json_array_get_double_element (row, 2),
      };
    }
  return n;
}

typedef struct
{
  guint n_layers, n_inside, n_wholes, n_wholes_inside;
  double widths; /* logarithms of the wholes' bands */
  double worst;
} Tally;

static void
check_model (EngBoardCalibration *calibration, JsonObject *model, Tally *tally)
{
  g_autofree EngBoardReference *rows = NULL;
  guint n = read_rows (json_object_get_array_member (model, "layers"), &rows), n_inside = 0;
  g_autofree EngBoardLayer *layers = g_new (EngBoardLayer, n + 1);
  g_autofree EngBoardExpected *expected = g_new (EngBoardExpected, n + 1);
  EngBoardExpected total;
  double sum = 0;

  for (guint i = 0; i < n; i++)
    layers[i] = rows[i].layer;
  eng_board_calibration_predict (calibration, layers, n, expected, &total);
  for (guint i = 0; i < n; i++)
    {
      n_inside += rows[i].board_ns >= expected[i].low_ns && rows[i].board_ns <= expected[i].high_ns;
      sum += rows[i].board_ns;
    }
  tally->n_layers += n;
  tally->n_inside += n_inside;
  tally->n_wholes++;
  tally->n_wholes_inside += sum >= total.low_ns && sum <= total.high_ns;
  tally->widths += log (total.high_ns / total.ns);
  tally->worst = fmax (tally->worst, fabs (log (total.ns / sum)));
  g_test_message ("  %s: %.3g ms expected (%.3g to %.3g), %.3g ms measured; %u of %u layers inside",
                  json_object_get_string_member (model, "name"), total.ns * 1e-6,
                  total.low_ns * 1e-6, total.high_ns * 1e-6, sum * 1e-6, n_inside, n);
}

/* Recorded numbers do not change: this is what twelve references are worth. Boards differ from the
 * host by instruction sets, which is harder than by clocks: ratios between layers go from 1 to 6
 * (AVX2), from 2 to 40 (plain C), from 10 to 1000 (emulators). */
static void
test_recorded (void)
{
  g_autofree char *path = source_path ("tests/devices/recorded-boards.json");
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  Tally all = { 0 };

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);
  JsonArray *boards
      = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)),
                                      "boards");
  for (guint b = 0; b < json_array_get_length (boards); b++)
    {
      JsonObject *board = json_array_get_object_element (boards, b);
      JsonArray *models = json_object_get_array_member (board, "models");
      g_autofree EngBoardReference *references = NULL;
      guint n = read_rows (json_object_get_array_member (board, "references"), &references);
      g_autoptr (EngBoardCalibration) calibration
          = eng_board_calibration_new (references, n, ENG_BOARD_BASIS_HOST, 1, 0,
                                       json_object_get_string_member (board, "name"), 0, &error);
      g_assert_no_error (error);
      g_autofree char *about = eng_board_calibration_dup_text (calibration);
      g_test_message ("%s, %u references: %s", eng_board_calibration_get_about (calibration), n,
                      about);
      for (guint m = 0; m < json_array_get_length (models); m++)
        check_model (calibration, json_array_get_object_element (models, m), &all);
    }
  double layers = (double)all.n_inside / all.n_layers;
  double wholes = (double)all.n_wholes_inside / all.n_wholes;
  g_test_message (
      "%.1f %% of %u layers and %.1f %% of %u wholes inside; a whole's band is a factor "
      "of %.2f; the worst whole is off by a factor of %.2f",
      100 * layers, all.n_layers, 100 * wholes, all.n_wholes, exp (all.widths / all.n_wholes),
      exp (all.worst));
  g_assert_cmpfloat (layers, >, 0.86);
  g_assert_cmpfloat (wholes, >, 0.9);
  g_assert_cmpfloat (all.widths / all.n_wholes, <, log (4));
}

/* ---- keeping ---- */

static void
test_file (void)
{
  const Law law = { .slower = 3, .for_int8 = 0.4, .noise = 0.1 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (4);
  g_autoptr (EngBoardCalibration) calibration = calibrate (&law, 12, rand);
  char *root = test_tree_new ();
  g_autoptr (GError) error = NULL;
  EngBoardLayer layer = draw_layer (rand);
  EngBoardExpected a, b;

  g_assert_null (eng_board_calibration_load ("a/b", root, &error));
  g_assert_no_error (error); /* none is no error */
  g_assert_true (eng_board_calibration_save (calibration, "a/b", root, &error));
  g_autoptr (EngBoardCalibration) again = eng_board_calibration_load ("a/b", root, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_board_calibration_get_n (again), ==, 12);
  g_assert_cmpstr (eng_board_calibration_get_about (again), ==, "simulated");
  eng_board_calibration_predict (calibration, &layer, 1, &a, NULL);
  eng_board_calibration_predict (again, &layer, 1, &b, NULL);
  g_assert_cmpfloat_with_epsilon (a.ns / b.ns, 1, 1e-9);
  g_assert_cmpfloat_with_epsilon (a.high_ns / b.high_ns, 1, 1e-9);
  static const char *const broken[] = {
    "",
    "[]",
    "{}",
    "{\"lathe_board_calibration\": 2, \"references\": []}",
    "{\"lathe_board_calibration\": 1, \"step_factor\": 1, \"step_spread\": 0, \"references\": "
    "[1,2,3,4,5,6]}",
    "{\"lathe_board_calibration\": 1, \"step_factor\": 1, \"step_spread\": 0, \"references\": [{}]}"
  };
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      test_tree_put (root, "broken.json", broken[i]);
      g_assert_null (eng_board_calibration_load ("broken", root, &error));
      g_assert_true (error != NULL && error->domain == ENG_ERROR);
      g_clear_error (&error);
    }
  test_tree_free (root);
}

static void
test_refusals (void)
{
  EngBoardReference references[8];
  g_autoptr (GError) error = NULL;
  g_autoptr (EngDevice) board = eng_device_new ("test", "Test", &eng_transport_probe, NULL);

  for (guint i = 0; i < 8; i++)
    references[i] = (EngBoardReference){ (char *)"x", { "conv", 1000, 10, 10, FALSE }, 2000 };
  g_assert_null (
      eng_board_calibration_new (references, 5, ENG_BOARD_BASIS_HOST, 1, 0, NULL, 0, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  g_clear_error (&error);
  references[7].board_ns = NAN;
  g_assert_null (
      eng_board_calibration_new (references, 8, ENG_BOARD_BASIS_HOST, 1, 0, NULL, 0, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  g_clear_error (&error);
  references[7].board_ns = 2000; /* all the same: a ratio, and nothing more */
  g_autoptr (EngBoardCalibration) same
      = eng_board_calibration_new (references, 8, ENG_BOARD_BASIS_HOST, 1, 0, NULL, 0, &error);
  g_assert_no_error (error);
  EngBoardLayer other = { "matmul", 5e6, 1e9, 1e6, TRUE };
  EngBoardExpected expected;
  eng_board_calibration_predict (same, &other, 1, &expected, NULL);
  g_assert_cmpfloat_with_epsilon (expected.ns, 1e7, 1);
  g_assert_null (eng_board_calibrate (board, NULL, NULL, NULL, NULL, &error));
  g_assert_nonnull (error); /* a probe whose board nobody named */
}

/* ---- the references ---- */

static void
test_network (void)
{
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "reference.onnx", NULL);
  g_autoptr (GError) error = NULL;
  double least = INFINITY, most = 0;

  g_assert_true (eng_reference_network_write (path, &error));
  g_autoptr (EngModel) model = eng_model_load (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (eng_model_get_report (model)[0]); /* all of it can be run */
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_autoptr (EngBuild) build = eng_build_new (model, recipe, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngWorkload) workload = eng_workload_new_input (NULL);
  workload->budget_s = 0.3;
  EngProfiler *profiler = eng_profiler_new (build, 16);
  g_autoptr (EngRun) run = eng_run_new (build, workload, profiler, NULL, NULL, &error);
  g_assert_no_error (error);
  eng_profiler_free (profiler);
  /* Beside itself every reference takes as long there as here. */
  g_autoptr (GArray) references = eng_board_references_new ();
  eng_board_references_add (references, eng_run_get_profile (run), eng_run_get_profile (run));
  g_assert_cmpuint (references->len, ==, 7);
  for (guint i = 0; i < references->len; i++)
    {
      const EngBoardReference *one = &g_array_index (references, EngBoardReference, i);
      g_assert_cmpfloat_with_epsilon (one->board_ns / one->layer.host_ns, 1, 1e-9);
      g_assert_nonnull (one->layer.op);
      if (one->layer.n_ops > 0)
        {
          least = fmin (least, one->layer.n_ops / one->layer.n_bytes);
          most = fmax (most, one->layer.n_ops / one->layer.n_bytes);
        }
    }
  g_test_message ("%u references, %.2f to %.1f operations per byte", references->len, least, most);
  g_assert_cmpfloat (least, <, 1);         /* waits for memory */
  g_assert_cmpfloat (most / least, >, 50); /* to computing all the time */
  test_tree_free (root);
}

/* All of it on a board that is this computer: copied, started, measured there, kept. */
static void
calibrate_builtin (const char *name, const char *machine)
{
  g_autofree char *runner = eng_runner_find (machine, NULL);
  g_autofree char *language_model = source_path ("data/default-model/lathe-default-f16.gguf");
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  EngDevice *device = eng_devices_find (devices, name);
  g_autoptr (GError) error = NULL;
  g_autofree char *remedy = NULL;

  if (runner == NULL)
    {
      g_test_skip ("the runner for this board is not built");
      return;
    }
  g_assert_nonnull (device);
  if (eng_device_get_transport (device)->check != NULL
      && !eng_device_get_transport (device)->check (device, &remedy, &error))
    {
      g_test_skip (error->message);
      return;
    }
  char *root = test_tree_new ();
  g_autofree char *state = g_build_filename (root, "state", NULL);
  EngPushOptions options = { .directory = root };
  g_autoptr (EngBoardCalibration) calibration
      = eng_board_calibrate (device, language_model, &options, state, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_board_calibration_get_n (calibration), >=, 8);
  g_assert_cmpuint (eng_board_calibration_get_n (calibration), <=, 14);
  g_assert_cmpfloat (eng_board_calibration_get_band (calibration), >=, 1);
  g_autofree char *text = eng_board_calibration_dup_text (calibration);
  g_test_message ("%s: %s", eng_board_calibration_get_about (calibration), text);
  g_autoptr (EngBoardCalibration) kept
      = eng_board_calibration_load (eng_device_get_id (device), state, &error);
  g_assert_no_error (error);
  g_assert_nonnull (kept);
  test_tree_free (root);
}

static void
test_local (void)
{
#if defined(__x86_64__)
  calibrate_builtin ("local", "x86_64");
#else
  calibrate_builtin ("local", "aarch64");
#endif
}

static void
test_aarch64 (void)
{
  calibrate_builtin ("virtual-aarch64", "aarch64");
}

int
main (int argc, char **argv)
{
  char *cache = test_tree_new ();

  g_setenv ("XDG_CACHE_HOME", cache, TRUE); /* the boards' folders */
  g_setenv ("XDG_STATE_HOME", cache, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/calibration/ridge", test_ridge);
  g_test_add_func ("/calibration/band", test_band);
  g_test_add_func ("/calibration/ratio", test_ratio);
  g_test_add_func ("/calibration/law", test_law);
  g_test_add_func ("/calibration/coverage", test_coverage);
  g_test_add_func ("/calibration/unknown-kind", test_unknown_kind);
  g_test_add_func ("/calibration/recorded", test_recorded);
  g_test_add_func ("/calibration/file", test_file);
  g_test_add_func ("/calibration/refusals", test_refusals);
  g_test_add_func ("/calibration/network", test_network);
  g_test_add_func ("/calibration/local", test_local);
  g_test_add_func ("/calibration/aarch64", test_aarch64);
  int status = g_test_run ();
  test_tree_free (cache);
  return status;
}
