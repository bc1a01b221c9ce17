/* Labelled sets, shares with their intervals, blocks and cards. */
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "data/eng-data-set.h"
#include "eng-blocks.h"
#include "eng-card.h"
#include "eng-error.h"
#include "eng-networks.h"
#include "eng-test.h"
#include "eval/eng-evaluate.h"
#include "eval/eng-interval.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"
#include "../test-tree.h"

/* The ends of a score interval are where the normal approximation of the *true* share just reaches
 * the share that was seen (Wilson 1927, equation 3). */
static EngFigure
share (guint n_hits, guint n)
{
  g_autofree EngUnit *units = g_new0 (EngUnit, n + 1);
  for (guint i = 0; i < n; i++)
    units[i] = (EngUnit){ .sum = { i < n_hits }, .n = { 1 } };
  return eng_share_figure (units, n, -1, 0);
}

static void
test_share (void)
{
  static const guint cases[][2] = { { 902, 1000 }, { 1, 10 }, { 0, 50 }, { 50, 50 }, { 3, 7 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint n = cases[i][1];
      double seen = (double)cases[i][0] / n;
      EngFigure figure = share (cases[i][0], n);
      double ends[2] = { figure.low / 100, figure.high / 100 };
      g_assert_cmpfloat_with_epsilon (figure.value, 100 * seen, 1e-9);
      for (guint k = 0; k < 2; k++)
        if (ends[k] > 0 && ends[k] < 1)
          g_assert_cmpfloat_with_epsilon (fabs (seen - ends[k]),
                                          1.959963984540054 * sqrt (ends[k] * (1 - ends[k]) / n),
                                          1e-9);
    }
  EngFigure none = share (0, 0);
  g_assert_false (none.available);
}

static void
expect_next (EngDataSet *set, const char *name, const char *label, int index)
{
  g_autoptr (GError) error = NULL;
  EngSample sample;
  g_assert_true (eng_data_set_next (set, &sample, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (sample.name, ==, name);
  g_assert_cmpstr (sample.label, ==, label);
  g_assert_cmpint (sample.index, ==, index);
  g_bytes_unref (sample.bytes);
}

static void
test_folders (void)
{
  static const char *const classes[] = { "tabby cat, tabby", "Dog", NULL };
  char *directory = eng_test_directory ();
  g_autoptr (GError) error = NULL;
  EngSample sample;

  test_tree_put (directory, "dog/a.bin", "1");
  test_tree_put (directory, "tabby/b.bin", "22");
  test_tree_put (directory, "tabby_cat/c.bin", "333");
  test_tree_put (directory, "unicorn/d.bin", "4");
  g_autoptr (EngDataSet) set = eng_data_set_open (directory, classes, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_data_set_get_n (set), ==, 4);
  g_assert_cmpstr (eng_data_set_get_label_source (set), ==, "folders");
  expect_next (set, "dog/a.bin", "dog", 1);
  expect_next (set, "tabby/b.bin", "tabby", 0);
  expect_next (set, "tabby_cat/c.bin", "tabby_cat", 0);
  expect_next (set, "unicorn/d.bin", "unicorn", -1);
  g_assert_false (eng_data_set_next (set, &sample, NULL, &error));
  g_assert_no_error (error);
  eng_test_remove (directory);
}

static void
test_label_file (void)
{
  static const char *const classes[] = { "one", "two", NULL };
  char *directory = eng_test_directory ();
  g_autoptr (GError) error = NULL;

  test_tree_put (directory, "x.bin", "1");
  test_tree_put (directory, "y.bin", "2");
  test_tree_put (directory, "z.bin", "3");
  test_tree_put (directory, "labels.csv", "x.bin,2,1\ny.bin,one\n");
  g_autoptr (EngDataSet) set = eng_data_set_open (directory, classes, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_data_set_get_n (set), ==, 3);
  expect_next (set, "x.bin", "1", 1);
  expect_next (set, "y.bin", "one", 0);
  expect_next (set, "z.bin", NULL, -1);
  eng_test_remove (directory);
}

static void
test_names (void)
{
  static const char *const classes[] = { "manhole cover", NULL };
  char *directory = eng_test_directory ();
  g_autoptr (GError) error = NULL;

  test_tree_put (directory, "manhole_cover.jpg", "1");
  g_autoptr (EngDataSet) set = eng_data_set_open (directory, classes, NULL, &error);
  g_assert_no_error (error);
  expect_next (set, "manhole_cover.jpg", "manhole cover", 0);
  eng_test_remove (directory);
}

static void
test_not_a_set (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *model = eng_test_default_model ();
  g_assert_null (eng_data_set_open (model, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_clear_error (&error);
  g_assert_null (eng_data_set_open ("/nothing/here", NULL, NULL, &error));
  g_assert_nonnull (error);
}

/* The benchmark's own archive, as it is: its label file comes last. */
static void
test_archive (void)
{
  g_autofree char *path = eng_test_data_or_skip ("data/kws01.tar.gz");
  g_autoptr (GError) error = NULL;
  if (path == NULL)
    return;
  g_autoptr (EngDataSet) set = eng_data_set_open (path, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_data_set_get_n (set), ==, 1000);
  guint n = 0;
  EngSample sample;
  while (eng_data_set_next (set, &sample, NULL, &error))
    {
      g_autoptr (GBytes) bytes = sample.bytes;
      g_assert_cmpuint (g_bytes_get_size (bytes), ==, 490);
      /* The names end in the class as well. */
      const char *number = strrchr (sample.name, '_') + 1;
      g_assert_cmpint (sample.index, ==, atoi (number));
      n++;
    }
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 1000);
}

/* ---- accuracy ---- */

typedef struct
{
  const char *name, *model, *data, *metric;
  guint n;
  double percent, tolerance;
} AccuracyCase;

/* LiteRT on the same samples (Python, pictures decoded by Pillow): 90.2 (XNNPACK) and 90.1 (its
 * reference kernels), 90.0 and 90.5, 75.1, 75.2, 79.7 and 79.9 %. */
static const AccuracyCase accuracy_cases[] = {
  { "keywords-int8", "audio/kws/kws_ref_model.tflite", "data/kws01.tar.gz", "top1-accuracy", 1000,
    90.2, 0.11 },
  { "keywords-float", "audio/kws/kws_ref_model_float32.tflite", "data/kws01.tar.gz",
    "top1-accuracy", 1000, 90.25, 0.26 },
  { "resnet8-float", "vision/cifar10/pretrainedResnet.tflite", "data/cifar10-test-1000.tar.gz",
    "top1-accuracy", 1000, 75.1, 0.21 },
  { "resnet8-int8", "vision/cifar10/pretrainedResnet_quant.tflite", "data/cifar10-test-1000.tar.gz",
    "top1-accuracy", 1000, 75.2, 0.21 },
  { "mobilenet-photographs", "vision/imagenet/mobilenet_v2_1.0_224_quant.tflite",
    "data/imagenet-stubs", "top1-accuracy", 16, 93.75, 0.01 },
  { "alexa", "audio/wake/alexa.tflite", "audio/wake", "heard", 6, 100, 0 },
  { "hey-jarvis", "audio/wake/hey_jarvis.tflite", "audio/wake", "heard", 6, 100, 0 },
};

static void
test_accuracy (gconstpointer data)
{
  const AccuracyCase *c = data;
  g_autofree char *model_path = eng_test_data_or_skip (c->model);
  g_autofree char *data_path = model_path != NULL ? eng_test_data_or_skip (c->data) : NULL;
  g_autoptr (GError) error = NULL;
  if (data_path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (model_path);
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  EngEvalOptions options = { .data = data_path };
  g_autoptr (EngEvaluation) evaluation = eng_evaluate (build, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  const EngEvalMetric *metric = eng_evaluation_get_metric (evaluation, 0);
  g_assert_cmpstr (metric->metric, ==, c->metric);
  g_assert_cmpuint (metric->whole.value.n, ==, c->n);
  g_test_message ("%.1f %%", metric->whole.value.value);
  g_assert_cmpfloat_with_epsilon (metric->whole.value.value, c->percent, c->tolerance + 1e-9);
  /* Every sample is in one class: the classes' hits and tries are those of the whole. */
  double hits = 0, tries = 0;
  for (guint i = 0; i < metric->n_groups; i++)
    {
      hits += metric->groups[i].value.value * metric->groups[i].value.n;
      tries += metric->groups[i].value.n;
    }
  if (metric->n_groups > 0)
    g_assert_cmpfloat_with_epsilon (hits / tries, metric->whole.value.value, 1e-9);
}

/* What cannot be read is left out; when nothing can, that is the error. */
static void
test_unreadable (void)
{
  g_autofree char *model_path = eng_test_data_or_skip ("vision/mnist/opt-mnist.onnx");
  g_autofree char *picture
      = model_path != NULL ? eng_test_data_or_skip ("vision/mnist/3.jpg") : NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *bytes = NULL;
  gsize n;
  if (picture == NULL)
    return;
  char *directory = eng_test_directory ();
  g_autoptr (EngModel) model = eng_test_load (model_path);
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  test_tree_put (directory, "3/words.txt", "no picture");
  test_tree_put (directory, "4/words.txt", "no picture");
  EngEvalOptions options = { .data = directory };
  g_assert_null (eng_evaluate (build, NULL, &options, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_clear_error (&error);

  g_autofree char *copy = g_build_filename (directory, "3", "three.jpg", NULL);
  g_assert_true (g_file_get_contents (picture, &bytes, &n, NULL));
  g_assert_true (g_file_set_contents (copy, bytes, (gssize)n, NULL));
  g_autoptr (EngEvaluation) evaluation = eng_evaluate (build, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  const EngEvalMetric *metric = eng_evaluation_find_metric (evaluation, "top1-accuracy");
  g_assert_cmpuint (metric->whole.value.n, ==, 1);
  g_assert_cmpfloat (metric->whole.value.value, ==, 100);
  const char *const *notes = eng_evaluation_get_notes (evaluation);
  g_assert_cmpuint (g_strv_length ((GStrv)notes), ==, 1);
  g_assert_nonnull (strstr (notes[0], "2 files"));
  g_assert_nonnull (strstr (notes[0], "words.txt"));
  eng_test_remove (directory);
}

/* ---- blocks ---- */

/* [1, 4] -> n times (matmul with bias-free weight, silu), with the names of a framework. */
static RtGraph *
make_chain (guint n, const char *prefix)
{
  static const float weight[16];
  RtError error = { 0 };
  RtShape x_shape = { 2, { 1, 4 } }, w_shape = { 2, { 4, 4 } };
  RtGraph *graph = rt_graph_new (&error);
  RtValueId x = rt_graph_add_input (graph, "x", RT_TYPE_F32, &x_shape, &error);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *w = g_strdup_printf ("w%u", i), *node = g_strdup_printf ("%s%u", prefix, i);
      g_autofree char *product = g_strconcat (node, "/MatMul", NULL);
      g_autofree char *act = g_strconcat (node, "/Silu", NULL);
      RtValueId in[2] = { x, rt_graph_add_weight (graph, w, RT_TYPE_F32, &w_shape, weight,
                                                  sizeof weight, &error) };
      RtNodeId a = rt_graph_add_node (graph, product, 0, &rt_op_matmul, in, 2, NULL, &error);
      x = rt_graph_node (graph, a)->outputs[0];
      RtNodeId b = rt_graph_add_node (graph, act, 0, &rt_op_silu, &x, 1, NULL, &error);
      x = rt_graph_node (graph, b)->outputs[0];
    }
  rt_graph_set_output (graph, x);
  g_assert_cmpstr (error.message, ==, "");
  return graph;
}

static void
test_blocks (void)
{
  RtGraph *graph = make_chain (5, "model/layer_");
  g_autoptr (EngBlocks) blocks = eng_blocks_new (graph);

  g_assert_cmpuint (blocks->n, ==, 5);
  for (guint i = 0; i < 10; i++)
    g_assert_cmpint (blocks->of_node[i], ==, (int)(i / 2));
  g_assert_cmpstr (blocks->names[3], ==, "model/layer_3");
  rt_graph_free (graph);
}

/* More heavy operators than blocks: neighbours of one module are merged, order and completeness
 * stay, and names are all different. */
static void
test_blocks_merged (void)
{
  RtGraph *graph = make_chain (300, "m/l");
  g_autoptr (EngBlocks) blocks = eng_blocks_new (graph);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  g_assert_cmpuint (blocks->n, ==, ENG_MAX_BLOCKS);
  g_assert_cmpint (blocks->of_node[0], ==, 0);
  g_assert_cmpint (blocks->of_node[599], ==, ENG_MAX_BLOCKS - 1);
  for (guint i = 1; i < 600; i++)
    {
      int step = blocks->of_node[i] - blocks->of_node[i - 1];
      g_assert_true (step == 0 || step == 1);
    }
  for (guint i = 0; i < blocks->n; i++)
    g_assert_true (g_hash_table_add (seen, blocks->names[i]));
  rt_graph_free (graph);
}

/* ---- cards ---- */

/* Every card that is built in can be read and says where its numbers are from. */
static void
test_cards (void)
{
  GResource *resource = eng_networks_get_resource ();
  g_auto (GStrv) names = g_resource_enumerate_children (resource, "/lathe/networks", 0, NULL);

  g_assert_cmpuint (g_strv_length (names), >, 0);
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = g_strconcat ("/lathe/networks/", names[i], NULL);
      g_autoptr (GBytes) bytes = g_resource_lookup_data (resource, path, 0, NULL);
      g_autofree char *json = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      g_autoptr (GError) error = NULL;
      g_autoptr (EngCard) card = eng_card_from_json (json, names[i], &error);
      g_assert_no_error (error);
      g_assert_nonnull (eng_card_get_title (card));
      g_assert_nonnull (strstr (json, "\"source\""));
    }
}

static void
test_wrong_cards (void)
{
  static const char *const cards[][2] = {
    { "{}", "version 1" },
    { "[1]", "object" },
    { "{\"lathe-card\": 1, \"task\": {\"kind\": \"guess\"}}", "guess" },
    { "{\"lathe-card\": 1, \"front\": {\"kind\": \"smell\"}}", "smell" },
    { "{\"lathe-card\": 1, \"front\": \"picture\"}", "front" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cards); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (eng_card_from_json (cards[i][0], "x.card.json", &error));
      g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
      g_assert_nonnull (strstr (error->message, cards[i][1]));
      g_assert_nonnull (strstr (error->message, "x.card.json"));
    }
}

/* A card beside a file that does not fit the network: an error that says so, whatever the
 * numbers. */
static void
test_unfit_cards (void)
{
  static const char *const cards[][2] = {
    { "\"task\": {\"kind\": \"classify\", \"output\": 7}", "output 7" },
    { "\"task\": {\"kind\": \"detect\"}", "decoder" },
    { "\"task\": {\"kind\": \"detect\", \"decoder\": \"anchors\"}", "boxes" },
    { "\"task\": {\"kind\": \"detect\", \"decoder\": \"corners\", \"points\": 1e300}", "points" },
    { "\"task\": {\"kind\": \"detect\", \"decoder\": \"cells\", \"strides\": [8, \"x\"]}",
      "places" },
    { "\"task\": {\"kind\": \"detect\", \"decoder\": \"centres\", \"boxes_output\": 0}",
      "dimensions" },
    { "\"task\": {\"kind\": \"anomaly\"}", "autoencoder" },
    { "\"task\": {\"kind\": \"denoise\", \"gain\": true}", "gain" },
    { "\"states\": [[\"Input3\", \"nothing\"]]", "nothing" },
    { "\"front\": {\"kind\": \"picture\", \"fit\": \"squeeze\"}", "squeeze" },
    { "\"front\": {\"kind\": \"picture\", \"scale\": [1, 2]}", "scale" },
    { "\"front\": {\"kind\": \"picture\", \"input\": -3}", "input" },
    { "\"front\": {\"kind\": \"frames\", \"frame\": 512}", "512" },
    { "\"front\": {\"kind\": \"frames\", \"frame\": -1}", "frame" },
    { "\"front\": {\"kind\": \"frames\", \"frame\": 1e300}", "frame" },
    { "\"front\": {\"kind\": \"frames\", \"frame\": 784, \"input\": \"ear\"}", "input" },
    { "\"front\": {\"kind\": \"mel\", \"frame_length\": 480}", "frame_step" },
    { "\"front\": {\"kind\": \"mel\", \"frame_length\": 480, \"frame_step\": 320, \"fft_length\": "
      "512, "
      "\"frames\": 28, \"mels\": 28, \"filters\": \"owl\"}",
      "owl" },
    { "\"front\": {\"kind\": \"mel\", \"frame_length\": 480, \"frame_step\": 320, \"fft_length\": "
      "512, "
      "\"frames\": 27, \"mels\": 28}",
      "756" },
    { "\"front\": {\"kind\": \"micro\", \"frames\": 0}", "frames" },
    { "\"front\": {\"kind\": \"micro\", \"frames\": 3, \"advance\": 4}", "advance" },
    { "\"front\": {\"kind\": \"micro\", \"frames\": 3}", "120" },
  };
  g_autofree char *network = eng_test_data_or_skip ("vision/mnist/opt-mnist.onnx");
  g_autofree char *bytes = NULL;
  gsize n;
  if (network == NULL)
    return;
  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "net.onnx", NULL);
  g_assert_true (g_file_get_contents (network, &bytes, &n, NULL));
  g_assert_true (g_file_set_contents (path, bytes, (gssize)n, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cards); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"lathe-card\": 1, %s}", cards[i][0]);
      g_autoptr (GError) error = NULL;
      test_tree_put (directory, "net.card.json", json);
      g_autoptr (EngModel) model = eng_model_load (path, NULL, &error);
      if (model != NULL)
        g_error ("taken: %s", json);
      if (error->domain != ENG_ERROR || strstr (error->message, cards[i][1]) == NULL)
        g_error ("%s: %s", json, error->message);
    }
  eng_test_remove (directory);
}

/* Ten classes of 28 x 28 grey levels may be anything: only the very file that a card knows is
 * digits. */
static void
test_look_alike (void)
{
  g_autofree char *network = eng_test_data_or_skip ("vision/mnist/opt-mnist.onnx");
  g_autoptr (GError) error = NULL;
  g_autofree char *bytes = NULL;
  gsize n;
  if (network == NULL)
    return;
  g_autoptr (EngModel) known = eng_test_load (network);
  g_assert_cmpstr (eng_card_get_origin (eng_model_get_card (known)), ==, "mnist-cntk.json");

  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "clothes.onnx", NULL);
  g_assert_true (g_file_get_contents (network, &bytes, &n, NULL));
  bytes = g_realloc (bytes, n + 3);
  memcpy (bytes + n, "\xa0\x06\x01", 3); /* field 100, a number: readers skip it */
  g_assert_true (g_file_set_contents (path, bytes, (gssize)n + 3, NULL));
  g_autoptr (EngModel) other = eng_model_load (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (eng_card_get_origin (eng_model_get_card (other)), ==, "none");
  eng_test_remove (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/eval/share", test_share);
  g_test_add_func ("/eval/folders", test_folders);
  g_test_add_func ("/eval/label-file", test_label_file);
  g_test_add_func ("/eval/names", test_names);
  g_test_add_func ("/eval/not-a-set", test_not_a_set);
  g_test_add_func ("/eval/archive", test_archive);
  g_test_add_func ("/blocks/chain", test_blocks);
  g_test_add_func ("/blocks/merged", test_blocks_merged);
  g_test_add_func ("/cards/built-in", test_cards);
  g_test_add_func ("/cards/wrong", test_wrong_cards);
  g_test_add_func ("/cards/unfit", test_unfit_cards);
  g_test_add_func ("/cards/look-alike", test_look_alike);
  g_test_add_func ("/eval/unreadable", test_unreadable);
  for (guint i = 0; i < G_N_ELEMENTS (accuracy_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/eval/accuracy/", accuracy_cases[i].name, NULL);
      g_test_add_data_func (path, &accuracy_cases[i], test_accuracy);
    }
  return g_test_run ();
}
