/* Metrics of networks against examples computed by hand; COCO's form and what is wrong with it. */
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-result-private.h"
#include "eng-test.h"
#include "eval/eng-coco.h"
#include "eval/eng-evaluate.h"
#include "eval/eng-evaluation-private.h"
#include "eval/eng-scores.h"

static EngModel *
load_detector (void)
{
  g_autofree char *path = eng_test_data_or_skip ("vision/face/yunet_n_320_320.onnx");
  return path != NULL ? eng_test_load (path) : NULL;
}

static EngResult *
make_boxes (const float (*boxes)[6], guint n)
{
  g_autoptr (EngInput) input = eng_input_new_random (1);
  EngResult *result = eng_result_new (ENG_RESULT_BOXES, input);

  for (guint i = 0; i < n; i++)
    {
      EngBox box = { boxes[i][0],
                     boxes[i][1],
                     boxes[i][2],
                     boxes[i][3],
                     { (guint)boxes[i][5], "x", (double)boxes[i][4] },
                     0,
                     NULL };
      eng_result_add_box (result, &box);
    }
  return result;
}

static double
value_of (EngEvaluation *evaluation, const char *id)
{
  const EngEvalMetric *metric = eng_evaluation_find_metric (evaluation, id);
  g_assert_nonnull (metric);
  g_assert_true (metric->whole.value.available);
  return metric->whole.value.value;
}

/* Two pictures, three things of class 0. Detections by score: .9 right, .8 wrong, .7 right with an
 * overlap of 0.62. Precision falls with recall as 1 to 1/3 and 2/3 to 2/3; of 101 recalls 34 are at
 * most 1/3 and 33 more at most 2/3. Up to 0.60 three thresholds count the last one right, seven do
 * not. A thing of class 1 is not found at all; a crowd takes a detection out of the count. */
static void
test_boxes (void)
{
  static const EngTruthBox first[] = { { 0, 0, 0.4f, 0.4f, 0, FALSE },
                                       { 0.5f, 0.5f, 0.9f, 0.9f, 0, FALSE },
                                       { 0, 0.5f, 0.4f, 1, 0, TRUE } };
  static const EngTruthBox second[] = { { 0, 0, 1, 1, 0, FALSE }, { 0, 0, 0.1f, 0.1f, 1, FALSE } };
  static const float found_first[][6] = { { 0, 0, 0.4f, 0.4f, 0.9f, 0 },
                                          { 0.1f, 0.6f, 0.3f, 0.9f, 0.85f, 0 },
                                          { 0.6f, 0, 0.7f, 0.1f, 0.8f, 0 } };
  static const float found_second[][6] = { { 0, 0, 1, 0.62f, 0.7f, 0 } };
  g_autoptr (EngModel) model = load_detector ();
  g_autoptr (GError) error = NULL;
  if (model == NULL)
    return;
  g_autoptr (EngScores) scores = eng_scores_new (model, ENG_TRUTH_BOXES, NULL, FALSE, &error);
  g_autoptr (EngEvaluation) evaluation = eng_evaluation_new ("x", "x");
  g_autoptr (EngResult) a = make_boxes (found_first, 3), b = NULL;
  EngScored sample = {
    .truth = ENG_TRUTH_BOXES, .is_known = TRUE, .n_boxes = 3, .boxes = first, .result = { a, NULL }
  };

  g_assert_no_error (error);
  g_assert_cmpuint (eng_scores_group (scores, "zero"), ==, 0);
  g_assert_cmpuint (eng_scores_group (scores, "one"), ==, 1);
  eng_scores_add (scores, &sample);
  b = make_boxes (found_second, 1);
  sample.n_boxes = 2;
  sample.boxes = second;
  sample.result[0] = b;
  eng_scores_add (scores, &sample);
  eng_scores_finish (scores, evaluation, "class");

  double half = (34 + 33 * 2.0 / 3) / 101, strict = 34.0 / 101;
  double all = (3 * half + 7 * strict) / 10;
  g_assert_cmpfloat_with_epsilon (value_of (evaluation, "mean-average-precision-50"),
                                  100 * half / 2, 1e-9);
  g_assert_cmpfloat_with_epsilon (value_of (evaluation, "mean-average-precision"), 100 * all / 2,
                                  1e-9);
  const EngEvalMetric *metric = eng_evaluation_find_metric (evaluation, "mean-average-precision");
  g_assert_cmpuint (metric->n_groups, ==, 2);
  g_assert_cmpstr (metric->groups[0].name, ==,
                   "one"); /* nothing of it was found: the worst first */
  g_assert_cmpfloat (metric->groups[0].value.value, ==, 0);
  g_assert_cmpfloat_with_epsilon (metric->groups[1].value.value, 100 * all, 1e-9);
  g_assert_true (isnan (metric->whole.value.low)); /* two pictures */
  eng_evaluation_end_notes (evaluation);
}

/* Aspect 2, a box of 0.5 by 0.25: the size is sqrt (0.5 * 2 * 0.25) = 0.5. Errors 2 * 0.05 and 0.1;
 * the third point is not labelled. */
static void
test_points (void)
{
  static const EngPoint truth[] = { { 0.2f, 0.2f, 2 }, { 0.4f, 0.4f, 1 }, { 0.9f, 0.9f, 0 } };
  static const EngPoint said[] = { { 0.25f, 0.2f, NAN }, { 0.4f, 0.5f, NAN }, { 0, 0, NAN } };
  g_autoptr (EngInput) input = eng_input_new_random (1);
  g_autoptr (EngResult) result = eng_result_new (ENG_RESULT_POINTS, input);
  EngScored sample = { .is_known = TRUE,
                       .result = { result, NULL },
                       .n_points = 3,
                       .points = truth,
                       .point_scale = { 0.5, 0.25 },
                       .picture_aspect = 2 };
  double sum = 0, n = 0;

  for (guint i = 0; i < 3; i++)
    eng_result_add_point (result, &said[i]);
  g_assert_true (eng_metric_points.score (&sample, 0, &sum, &n));
  g_assert_cmpfloat (n, ==, 2);
  g_assert_cmpfloat_with_epsilon (sum / n, 20, 1e-4);
  sample.n_points = 2; /* another number of points is not compared */
  g_assert_false (eng_metric_points.score (&sample, 0, &sum, &n));
}

/* Truth 0 0 1 1 and one that is not labelled, said 0 1 1 1 0: class 0 has 1 of 2, class 1 has 2 of
 * 3. */
static void
test_mask (void)
{
  static const guint8 truth[] = { 0, 0, 1, 1, 255 }, said[] = { 0, 1, 1, 1, 0 };
  g_autoptr (EngInput) input = eng_input_new_random (1);
  g_autoptr (EngResult) result = eng_result_new (ENG_RESULT_MASK, input);
  EngScored sample = {
    .is_known = TRUE, .result = { result, NULL }, .mask = truth, .mask_width = 5, .mask_height = 1
  };
  guint index = 0;

  eng_result_take_mask (result, g_memdup2 (said, sizeof said), 5, 1, FALSE);
  gpointer kept = eng_metric_mask.keep (&sample);
  g_assert_cmpfloat_with_epsilon (eng_metric_mask.statistic (&kept, &index, 1, 0, 0), 50, 1e-9);
  g_assert_cmpfloat_with_epsilon (eng_metric_mask.statistic (&kept, &index, 1, 0, 1), 200.0 / 3,
                                  1e-9);
  g_assert_cmpfloat_with_epsilon (eng_metric_mask.statistic (&kept, &index, 1, 0, -1),
                                  (50 + 200.0 / 3) / 2, 1e-9);
  g_assert_true (isnan (eng_metric_mask.statistic (&kept, &index, 1, 0, 7)));
  eng_metric_mask.drop (kept);
}

/* The mask at another size is looked up under the middle of each pixel. */
static void
test_mask_size (void)
{
  static const guint8 truth[] = { 0, 0, 1, 1 }, said[] = { 0, 1 };
  g_autoptr (EngInput) input = eng_input_new_random (1);
  g_autoptr (EngResult) result = eng_result_new (ENG_RESULT_MASK, input);
  EngScored sample = {
    .is_known = TRUE, .result = { result, NULL }, .mask = truth, .mask_width = 4, .mask_height = 1
  };
  guint index = 0;

  eng_result_take_mask (result, g_memdup2 (said, sizeof said), 2, 1, FALSE);
  gpointer kept = eng_metric_mask.keep (&sample);
  g_assert_cmpfloat (eng_metric_mask.statistic (&kept, &index, 1, 0, -1), ==, 100);
  eng_metric_mask.drop (kept);
}

static void
test_sound (void)
{
  g_autoptr (EngInput) input = eng_input_new_random (1);
  g_autoptr (EngResult) result = eng_result_new (ENG_RESULT_SOUND, input);
  EngSound *clean = eng_sound_new (16000, 1600), *noisy = eng_sound_new (16000, 1600);
  double energy = 0, noise = 0, sum = 0, n = 0;

  for (guint i = 0; i < 1600; i++)
    {
      float x = 0.5f * sinf ((float)i * 0.1f), e = i % 2 == 0 ? 0.05f : -0.02f;
      eng_sound_edit_samples (clean)[i] = x;
      eng_sound_edit_samples (noisy)[i] = x + e;
      energy += (double)x * (double)x;
      noise += (double)e * (double)e;
    }
  eng_result_set_sound (result, noisy);
  EngScored sample = { .is_known = TRUE, .result = { result, NULL }, .sound = clean };
  g_assert_true (eng_metric_sound.score (&sample, 0, &sum, &n));
  g_assert_cmpfloat_with_epsilon (-10 * log10 (sum / n), 10 * log10 (energy / noise), 1e-3);
  eng_sound_unref (clean);
  eng_sound_unref (noisy);
}

/* ---- COCO ---- */

#define HEAD                                                                                       \
  "{\"images\": [{\"id\": 1, \"file_name\": \"a/x.jpg\", \"width\": 200, \"height\": 100}], "
#define CATEGORIES                                                                                 \
  "\"categories\": [{\"id\": 5, \"name\": \"Bird\"}, {\"id\": 9, \"name\": \"whale\"}], "

static char *
write_coco (const char *directory, const char *json)
{
  char *path = g_build_filename (directory, "boxes.json", NULL);
  g_assert_true (g_file_set_contents (path, json, -1, NULL));
  return path;
}

static void
test_coco (void)
{
  static const char *const labels[] = { "cat", "bird", NULL };
  g_autofree char *directory = eng_test_directory ();
  g_autofree char *path
      = write_coco (directory, HEAD CATEGORIES
                    "\"annotations\": ["
                    "{\"image_id\": 1, \"category_id\": 5, \"bbox\": [20, 10, 100, 50]},"
                    "{\"image_id\": 1, \"category_id\": 9, \"bbox\": [0, 0, 1, 1], \"iscrowd\": 1},"
                    "{\"image_id\": 1, \"category_id\": 5, \"bbox\": [0, 0, 100, 50], "
                    "\"keypoints\": [10, 20, 2, 0, 0, 0]}]}");
  g_autoptr (GError) error = NULL;
  g_autoptr (EngCoco) coco = eng_coco_load (path, labels, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_coco_get_n_pictures (coco), ==, 1);
  g_assert_cmpuint (eng_coco_get_n_unknown (coco), ==, 1);
  g_assert_null (eng_coco_find (coco, "y.jpg"));
  const EngCocoPicture *picture = eng_coco_find (coco, "sub/x.jpg");
  g_assert_cmpuint (picture->boxes->len, ==, 3);
  const EngTruthBox *box = &g_array_index (picture->boxes, EngTruthBox, 0);
  g_assert_cmpint (box->class, ==, 1);
  g_assert_cmpfloat_with_epsilon (box->x0, 0.1, 1e-6);
  g_assert_cmpfloat_with_epsilon (box->y1, 0.6, 1e-6);
  g_assert_true (g_array_index (picture->boxes, EngTruthBox, 1).crowd);
  g_assert_cmpuint (picture->points->len, ==, 2);
  g_assert_cmpfloat_with_epsilon (g_array_index (picture->points, EngPoint, 0).y, 0.2, 1e-6);
  g_assert_cmpfloat_with_epsilon (picture->point_box[1], 0.5, 1e-9);
  eng_test_remove (g_steal_pointer (&directory));
}

static void
test_wrong_coco (void)
{
  static const char *const broken[][2] = {
    { "{}", "COCO" },
    { "[]", "object" },
    { "{\"images\": [{}], \"categories\": [], \"annotations\": []}", "entry 0 of \"images\"" },
    { "{\"images\": [{\"id\": 1, \"file_name\": \"x\"}], \"categories\": [], \"annotations\": []}",
      "width" },
    { HEAD "\"categories\": [3], \"annotations\": []}", "entry 0 of \"categories\"" },
    { HEAD CATEGORIES "\"annotations\": [7]}", "no object" },
    { HEAD CATEGORIES "\"annotations\": [{\"image_id\": 2, \"bbox\": [0, 0, 1, 1]}]}", "image_id" },
    { HEAD CATEGORIES "\"annotations\": [{\"image_id\": 1, \"bbox\": [0, 0, 1]}]}", "bbox" },
    { HEAD CATEGORIES "\"annotations\": [{\"image_id\": 1, \"bbox\": [0, 0, -1, 4]}]}", "bbox" },
    { HEAD CATEGORIES "\"annotations\": [{\"image_id\": 1, \"bbox\": [0, 0, \"w\", 4]}]}", "bbox" },
    { HEAD CATEGORIES "\"annotations\": [{\"image_id\": 1, \"keypoints\": [1, 2]}]}", "keypoints" },
    { HEAD CATEGORIES "\"annotations\": [{\"image_id\": 1}]}", "neither" },
  };
  g_autofree char *directory = eng_test_directory ();

  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *path = write_coco (directory, broken[i][0]);
      g_autoptr (GError) error = NULL;
      if (eng_coco_load (path, NULL, &error) != NULL)
        g_error ("taken: %s", broken[i][0]);
      g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
      if (strstr (error->message, broken[i][1]) == NULL)
        g_error ("%s: %s", broken[i][0], error->message);
    }
  eng_test_remove (g_steal_pointer (&directory));
}

/* ---- Whole passes ---- */

static void
copy_into (const char *directory, const char *data, const char *name)
{
  g_autofree char *from = eng_test_data_or_skip (data);
  g_autofree char *to = g_build_filename (directory, name, NULL);
  g_autofree char *bytes = NULL;
  gsize n;

  g_assert_true (g_file_get_contents (from, &bytes, &n, NULL));
  g_assert_true (g_file_set_contents (to, bytes, (gssize)n, NULL));
}

/* A portrait whose face is drawn around by hand, and a picture without one; the baseline runs
 * beside it. */
static void
test_detector (void)
{
  g_autoptr (EngModel) model = load_detector ();
  g_autoptr (GError) error = NULL;
  if (model == NULL)
    return;
  g_autofree char *directory = eng_test_directory ();
  copy_into (directory, "vision/images/grace_hopper.bmp", "grace.bmp");
  copy_into (directory, "vision/images/sunflower.bmp", "flower.bmp");
  g_autofree char *path = write_coco (
      directory,
      "{\"images\": [{\"id\": 1, \"file_name\": \"grace.bmp\", \"width\": 517, \"height\": 606},"
      "{\"id\": 2, \"file_name\": \"flower.bmp\", \"width\": 100, \"height\": 100}],"
      "\"categories\": [{\"id\": 1, \"name\": \"person\"}], \"annotations\": ["
      "{\"image_id\": 1, \"category_id\": 1, \"bbox\": [185, 120, 170, 220]}]}");
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  EngEvalOptions options = { .data = directory };
  g_autoptr (EngEvaluation) evaluation = eng_evaluate (build, build, &options, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (eng_evaluation_is_itself (evaluation));
  g_assert_cmpfloat (value_of (evaluation, "mean-average-precision-50"), ==, 100);
  g_assert_cmpfloat (value_of (evaluation, "output-agreement"), ==, 100);
  g_assert_false (eng_evaluation_find_metric (evaluation, "output-sqnr")->whole.value.available);
  g_assert_null (eng_evaluation_find_metric (evaluation, "top1-accuracy"));
  eng_test_remove (g_steal_pointer (&directory));
}

/* The segmentation of the test bed: a coloured mask is refused with its name, a grey one counts. */
static void
test_segmentation (void)
{
  g_autofree char *model_path
      = eng_test_data_or_skip ("vision/seg/deeplabv3_mnv2_dm05_pascal_quant.tflite");
  g_autoptr (GError) error = NULL;
  if (model_path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (model_path);
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autofree char *directory = eng_test_directory ();
  EngEvalOptions options = { .data = directory };
  copy_into (directory, "vision/seg/bird_segmentation.bmp", "bird.bmp");
  copy_into (directory, "vision/seg/bird_segmentation_mask.bmp", "bird_mask.bmp");
  g_autoptr (EngEvaluation) evaluation = eng_evaluate (build, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (eng_evaluation_get_n_samples (evaluation), ==, 1);
  const EngEvalMetric *metric = eng_evaluation_find_metric (evaluation, "mean-iou");
  double bird = NAN;
  for (guint i = 0; i < metric->n_groups; i++)
    if (strcmp (metric->groups[i].name, "bird") == 0)
      bird = metric->groups[i].value.value;
  g_test_message ("bird %.1f %%", bird);
  g_assert_cmpfloat (bird, >, 75); /* the mask is what a network of this kind said of it */

  copy_into (directory, "vision/seg/bird_segmentation.bmp", "bird_mask.bmp");
  g_assert_null (eng_evaluate (build, NULL, &options, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "bird_mask.bmp is coloured"));
  eng_test_remove (g_steal_pointer (&directory));
}

/* The float and the 8-bit file of one network: paired by class, the same as each alone. */
static void
test_twin (void)
{
  g_autofree char *path = eng_test_data_or_skip ("vision/cifar10/pretrainedResnet_quant.tflite");
  g_autofree char *twin_path
      = path != NULL ? eng_test_data_or_skip ("vision/cifar10/pretrainedResnet.tflite") : NULL;
  g_autofree char *data
      = twin_path != NULL ? eng_test_data_or_skip ("data/cifar10-test-1000.tar.gz") : NULL;
  g_autoptr (GError) error = NULL;
  if (data == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngModel) twin_model = eng_test_load (twin_path);
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngBuild) twin = eng_test_build (twin_model, "{}", NULL);
  EngEvalOptions options = { .data = data, .against = "float" };
  g_autoptr (EngEvaluation) both = eng_evaluate (build, twin, &options, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngEvaluation) alone = eng_evaluate (twin, NULL, &options, NULL, &error);
  g_assert_no_error (error);
  const EngEvalMetric *top1 = eng_evaluation_find_metric (both, "top1-accuracy");
  g_assert_cmpfloat (top1->whole.baseline.value, ==, value_of (alone, "top1-accuracy"));
  g_assert_cmpfloat_with_epsilon (top1->whole.change.value,
                                  top1->whole.value.value - top1->whole.baseline.value, 1e-9);
  g_assert_cmpuint (top1->n_groups, ==, 10);
  double change = 0;
  for (guint i = 0; i < 10; i++)
    change += top1->groups[i].change.value * top1->groups[i].change.n;
  g_assert_cmpfloat_with_epsilon (change / 1000, top1->whole.change.value, 1e-9);
  double same = value_of (both, "output-agreement");
  g_assert_cmpfloat (same, >, 90);
  g_assert_cmpfloat (same, <, 100);
  g_assert_cmpfloat (value_of (both, "output-sqnr"), >, 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/metrics/network/boxes", test_boxes);
  g_test_add_func ("/metrics/network/points", test_points);
  g_test_add_func ("/metrics/network/mask", test_mask);
  g_test_add_func ("/metrics/network/mask-size", test_mask_size);
  g_test_add_func ("/metrics/network/sound", test_sound);
  g_test_add_func ("/metrics/network/coco", test_coco);
  g_test_add_func ("/metrics/network/wrong-coco", test_wrong_coco);
  g_test_add_func ("/metrics/network/detector", test_detector);
  g_test_add_func ("/metrics/network/segmentation", test_segmentation);
  g_test_add_func ("/metrics/network/twin", test_twin);
  return g_test_run ();
}
