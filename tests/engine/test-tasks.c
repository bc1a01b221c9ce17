/* Real networks on real pictures and sounds: what they say is what a person sees and hears there.
 * The numbers of their cards are under test: a wrong scale, order of channels, anchor or class
 * gives another answer. */
#include <math.h>
#include <string.h>

#include "eng-networks.h"
#include "eng-test.h"
#include "tasks/eng-region.h"

/* A network that data/fetch-models fetches; NULL after marking the test as skipped. */
static char *
fetched_or_skip (const char *name)
{
  const char *folder = g_getenv ("LATHE_MODELS");
  g_autofree char *home = g_build_filename (g_get_user_data_dir (), "lathe", "models", NULL);
  g_autofree char *path = g_build_filename (folder != NULL ? folder : home, "networks", name, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&path);
  g_autofree char *reason = g_strdup_printf ("%s is not there; data/fetch-models fetches it", path);
  g_test_skip (reason);
  return NULL;
}

/* What the network of @model_path says about the file @input_path. */
static EngResult *
ask (const char *model_path, const char *input_path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngModel) model = eng_test_load (model_path);
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  g_autoptr (EngInput) input = eng_input_load (input_path, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EngTaskRun) run = eng_task_run_new (build, eng_input_get_kind (input), &error);
  g_assert_no_error (error);
  EngResult *result = eng_task_run_all (run, input, &error);
  g_assert_no_error (error);
  return result;
}

/* The same with names of test data; NULL: skipped. */
static EngResult *
ask_data (const char *model, const char *input)
{
  g_autofree char *model_path = eng_test_data_or_skip (model);
  g_autofree char *input_path = model_path != NULL ? eng_test_data_or_skip (input) : NULL;
  return input_path != NULL ? ask (model_path, input_path) : NULL;
}

static EngResult *
ask_fetched (const char *model, const char *input)
{
  g_autofree char *model_path = fetched_or_skip (model);
  g_autofree char *input_path = model_path != NULL ? eng_test_data_or_skip (input) : NULL;
  return input_path != NULL ? ask (model_path, input_path) : NULL;
}

/* ---- classes ---- */

typedef struct
{
  const char *name, *model, *input, *label;
  double score; /* at least */
} ClassCase;

static const ClassCase class_cases[] = {
  { "mnist-0", "vision/mnist/opt-mnist.onnx", "vision/mnist/0.jpg", "0", 0.99 },
  { "mnist-3", "vision/mnist/opt-mnist.onnx", "vision/mnist/3.jpg", "3", 0.99 },
  { "mnist-5", "vision/mnist/opt-mnist.onnx", "vision/mnist/5.jpg", "5", 0.99 },
  { "mnist-7", "vision/mnist/opt-mnist.onnx", "vision/mnist/7.jpg", "7", 0.99 },
  { "mnist-lstm-3", "vision/mnist/trained_lstm.tflite", "vision/mnist/3.jpg", "3", 0.99 },
  { "mnist-lstm-int8-5", "vision/mnist/trained_lstm_int8.tflite", "vision/mnist/5.jpg", "5", 0.98 },
  { "mobilenet-parrot", "vision/imagenet/mobilenet_v2_1.0_224_quant.tflite",
    "vision/images/parrot.jpg", "macaw", 0.9 },
  { "mobilenet-beagle", "vision/imagenet/mobilenet_v2_1.0_224_quant.tflite",
    "data/imagenet-stubs/beagle.jpg", "beagle", 0.6 },
  { "mobilenet-tractor", "vision/imagenet/mobilenet_v2_1.0_224_quant.tflite",
    "data/imagenet-stubs/tractor.jpg", "tractor", 0.5 },
  { "vww-person", "vision/vww/vww_96_int8.tflite", "vision/images/grace_hopper.bmp", "person",
    0.6 },
  { "vww-float-person", "vision/vww/vww_96_float.tflite", "vision/images/grace_hopper.bmp",
    "person", 0.6 },
  { "vww-no-person", "vision/vww/vww_96_int8.tflite", "vision/images/sunflower.bmp", "no person",
    0.6 },
};

static void
test_class (gconstpointer data)
{
  const ClassCase *c = data;
  g_autoptr (EngResult) result = ask_data (c->model, c->input);
  if (result == NULL)
    return;
  g_assert_cmpint (eng_result_get_kind (result), ==, ENG_RESULT_LABELS);
  g_assert_cmpstr (eng_result_get_score (result, 0)->label, ==, c->label);
  g_assert_cmpfloat (eng_result_get_score (result, 0)->score, >=, c->score);
}

static const ClassCase sound_cases[] = {
  /* Features and network beside an implementation in NumPy and LiteRT: yes 0.999, silence 0.933,
   * and no is taken for go, with 0.939 (its reference kernels) or 0.952 (XNNPACK). */
  { "keyword-yes", "audio/kws/kws_ref_model_float32.tflite", "audio/kws/yes_1000ms.wav", "yes",
    0.99 },
  { "keyword-yes-int8", "audio/kws/kws_ref_model.tflite", "audio/kws/yes_1000ms.wav", "yes", 0.98 },
  { "keyword-no", "audio/kws/kws_ref_model_float32.tflite", "audio/kws/no_1000ms.wav", "go", 0.93 },
  { "keyword-silence", "audio/kws/kws_ref_model_float32.tflite", "audio/kws/silence_1000ms.wav",
    "silence", 0.92 },
  /* What the sounds are. */
  { "micro-yes", "audio/kws/micro_speech_quantized.tflite", "audio/kws/yes_1000ms.wav", "yes",
    0.9 },
  { "micro-no", "audio/kws/micro_speech_quantized.tflite", "audio/kws/no_1000ms.wav", "no", 0.9 },
  { "micro-noise", "audio/kws/micro_speech_quantized.tflite", "audio/kws/noise_1000ms.wav",
    "silence", 0.8 },
  { "micro-silence", "audio/kws/micro_speech_quantized.tflite", "audio/kws/silence_1000ms.wav",
    "silence", 0.3 },
};

/* ---- values over time ---- */

typedef struct
{
  const char *name, *model, *input;
  gboolean heard;
} WakeCase;

static const WakeCase wake_cases[] = {
  { "alexa-1", "audio/wake/alexa.tflite", "audio/wake/alexa/1.wav", TRUE },
  { "alexa-2", "audio/wake/alexa.tflite", "audio/wake/alexa/2.wav", TRUE },
  { "alexa-3", "audio/wake/alexa.tflite", "audio/wake/alexa/3.wav", TRUE },
  { "jarvis-1", "audio/wake/hey_jarvis.tflite", "audio/wake/hey_jarvis/1.wav", TRUE },
  { "jarvis-2", "audio/wake/hey_jarvis.tflite", "audio/wake/hey_jarvis/2.wav", TRUE },
  { "jarvis-3", "audio/wake/hey_jarvis.tflite", "audio/wake/hey_jarvis/3.wav", TRUE },
  { "alexa-not", "audio/wake/alexa.tflite", "audio/wake/hey_jarvis/1.wav", FALSE },
  { "jarvis-not", "audio/wake/hey_jarvis.tflite", "audio/wake/alexa/1.wav", FALSE },
  { "alexa-speech", "audio/wake/alexa.tflite", "audio/speech/jfk.wav", FALSE },
  { "jarvis-speech", "audio/wake/hey_jarvis.tflite", "audio/speech/jfk.wav", FALSE },
};

/* A wake word is heard where somebody says it, and nowhere else. */
static void
test_wake (gconstpointer data)
{
  const WakeCase *c = data;
  g_autoptr (EngResult) result = ask_data (c->model, c->input);
  guint n, n_above = 0;
  if (result == NULL)
    return;
  g_assert_cmpint (eng_result_get_kind (result), ==, ENG_RESULT_SERIES);
  g_assert_cmpuint (eng_result_get_n_series (result), ==, 1);
  const double *values = eng_result_get_series (result, 0, &n);
  for (guint i = 0; i < n; i++)
    n_above += values[i] > eng_result_get_threshold (result);
  if (c->heard)
    g_assert_cmpuint (n_above, >, 0);
  else
    g_assert_cmpuint (n_above, ==, 0);
}

/* The mean of a series between two moments. */
static double
mean_between (EngResult *result, double from_s, double to_s)
{
  guint n, n_in = 0;
  double start, step, sum = 0;
  const double *values = eng_result_get_series (result, 0, &n);
  eng_result_get_series_times (result, &start, &step);
  for (guint i = 0; i < n; i++)
    if (start + i * step >= from_s && start + i * step < to_s)
      {
        sum += values[i];
        n_in++;
      }
  g_assert_cmpuint (n_in, >, 0);
  return sum / n_in;
}

/* "And so, my fellow Americans, | ask not | what your country can do for you | ...": voice and
 * pauses at the moments where one hears them. */
static void
test_voice (gconstpointer model)
{
  g_autoptr (EngResult) result = ask_data (model, "audio/speech/jfk.wav");
  if (result == NULL)
    return;
  g_assert_cmpint (eng_result_get_kind (result), ==, ENG_RESULT_SERIES);
  g_assert_cmpfloat (mean_between (result, 0.5, 2.1), >, 0.8);
  g_assert_cmpfloat (mean_between (result, 2.5, 3.1), <, 0.3);
  g_assert_cmpfloat (mean_between (result, 3.4, 3.7), >, 0.8);
  g_assert_cmpfloat (mean_between (result, 4.6, 5.2), <, 0.3);
  g_assert_cmpfloat (mean_between (result, 5.7, 7.3), >, 0.8);
  g_assert_cmpfloat (mean_between (result, 8.3, 10.4), >, 0.8);
}

/* A word in a longer sound is above the threshold where it is said. */
static void
test_keywords_over_time (gconstpointer model)
{
  g_autofree char *model_path = eng_test_data_or_skip (model);
  g_autofree char *path
      = model_path != NULL ? eng_test_data_or_skip ("audio/kws/yes_1000ms.wav") : NULL;
  g_autoptr (GError) error = NULL;
  guint n_yes = 0;
  if (path == NULL)
    return;
  g_autoptr (EngSound) word = eng_sound_load (path, &error);
  g_assert_no_error (error);
  gsize n = eng_sound_get_n_samples (word), at = 32000;
  g_autoptr (EngSound) sound = eng_sound_new (16000, 80000);
  memcpy (eng_sound_edit_samples (sound) + at, eng_sound_get_samples (word), n * sizeof (float));
  g_autoptr (EngInput) input = eng_input_new_sound (sound, "yes after two seconds");
  g_autoptr (EngModel) loaded = eng_test_load (model_path);
  g_autoptr (EngBuild) build = eng_test_build (loaded, "{}", NULL);
  g_autoptr (EngTaskRun) run = eng_task_run_new (build, ENG_INPUT_SOUND, &error);
  g_autoptr (EngResult) result = eng_task_run_all (run, input, &error);
  g_assert_no_error (error);
  g_assert_cmpint (eng_result_get_kind (result), ==, ENG_RESULT_SERIES);

  double start, step, threshold = eng_result_get_threshold (result);
  eng_result_get_series_times (result, &start, &step);
  for (guint c = 0; c < eng_result_get_n_series (result); c++)
    {
      guint n_values;
      const double *values = eng_result_get_series (result, c, &n_values);
      for (guint i = 0; i < n_values; i++)
        if (values[i] > threshold)
          {
            g_assert_cmpstr (eng_result_get_series_name (result, c), ==, "yes");
            g_assert_cmpfloat (start + i * step, >, 2.2);
            g_assert_cmpfloat (start + i * step, <, 4.1);
            n_yes++;
          }
    }
  g_assert_cmpuint (n_yes, >, 0);
}

/* The mean error over the windows of a speech, which is no sound of the machine: 134.066 (float)
 * and 133.224 (8 bits) with NumPy's transforms, Slaney's filters and LiteRT. */
static void
test_anomaly (gconstpointer data)
{
  gboolean quantized = GPOINTER_TO_INT (data);
  g_autoptr (EngResult) result
      = ask_data (quantized ? "audio/anomaly/ad01_int8.tflite" : "audio/anomaly/ad01_fp32.tflite",
                  "audio/speech/jfk.wav");
  if (result == NULL)
    return;
  g_assert_cmpint (eng_result_get_kind (result), ==, ENG_RESULT_SERIES);
  guint n;
  eng_result_get_series (result, 0, &n);
  g_autofree char *json = eng_result_to_json (result);
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  g_assert_nonnull (node);
  JsonArray *series = json_object_get_array_member (json_node_get_object (node), "series");
  JsonObject *first = json_array_get_object_element (series, 0);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (first, "values")), ==, n);
  g_assert_cmpuint (n, ==, 338); /* (343 frames of 1024 every 512) - 4 */
  g_assert_cmpfloat_with_epsilon (eng_result_get_value (result), quantized ? 133.224 : 134.066,
                                  quantized ? 0.1 : 0.01);
}

/* ---- sounds ---- */

static double
ratio_db (const float *clean, const float *heard, gsize n)
{
  double signal = 0, noise = 0;
  for (gsize i = 0; i < n; i++)
    {
      signal += (double)clean[i] * (double)clean[i];
      noise += ((double)heard[i] - (double)clean[i]) * ((double)heard[i] - (double)clean[i]);
    }
  return 10 * log10 (signal / noise);
}

/* White noise over speech gets weaker: an implementation in NumPy and ONNX Runtime takes 3.8 dB
 * with the first stage alone and 5.0 dB with both. */
static void
test_denoise (gconstpointer model)
{
  g_autofree char *model_path = eng_test_data_or_skip (model);
  g_autofree char *path
      = model_path != NULL ? eng_test_data_or_skip ("audio/speech/jfk.wav") : NULL;
  g_autoptr (GError) error = NULL;
  if (path == NULL)
    return;
  g_autoptr (EngSound) clean = eng_sound_load (path, &error);
  g_assert_no_error (error);
  gsize n = eng_sound_get_n_samples (clean);
  g_autoptr (EngSound) noisy = eng_sound_new (16000, n);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  for (gsize i = 0; i < n; i++)
    {
      double sum = -6; /* twelve of them are nearly normal, with variance 1 */
      for (guint k = 0; k < 12; k++)
        sum += g_rand_double (random);
      eng_sound_edit_samples (noisy)[i] = eng_sound_get_samples (clean)[i] + (float)(0.03 * sum);
    }
  g_autoptr (EngInput) input = eng_input_new_sound (noisy, "speech in noise");
  g_autoptr (EngModel) loaded = eng_test_load (model_path);
  g_autoptr (EngBuild) build = eng_test_build (loaded, "{}", NULL);
  g_autoptr (EngTaskRun) run = eng_task_run_new (build, ENG_INPUT_SOUND, &error);
  g_autoptr (EngResult) result = eng_task_run_all (run, input, &error);
  g_assert_no_error (error);
  g_assert_cmpint (eng_result_get_kind (result), ==, ENG_RESULT_SOUND);
  EngSound *heard = eng_result_get_sound (result);
  g_assert_cmpuint (eng_sound_get_n_samples (heard), ==, n);
  double before = ratio_db (eng_sound_get_samples (clean), eng_sound_get_samples (noisy), n);
  double after = ratio_db (eng_sound_get_samples (clean), eng_sound_get_samples (heard), n);
  g_test_message ("%.2f dB become %.2f dB", before, after);
  g_assert_cmpfloat (after, >, before + (run->second != NULL ? 4.4 : 3));
  g_assert_true ((run->second != NULL) == (strstr (model, "model_") != NULL));
}

/* ---- masks ---- */

/* The labelled mask of the test data: 3 is the bird, 1 and 2 its outline. */
static void
test_bird (void)
{
  g_autoptr (EngResult) result = ask_data ("vision/seg/deeplabv3_mnv2_dm05_pascal_quant.tflite",
                                           "vision/seg/bird_segmentation.bmp");
  if (result == NULL)
    return;
  g_autofree char *path = eng_test_data_or_skip ("vision/seg/bird_segmentation_mask.bmp");
  g_autoptr (GError) error = NULL;
  g_autoptr (EngInput) truth = eng_input_load (path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (eng_result_get_kind (result), ==, ENG_RESULT_MASK);
  guint width, height, both = 0, either = 0;
  gboolean soft;
  const guint8 *mask = eng_result_get_mask (result, &width, &height, &soft);
  const guint8 *pixels = eng_picture_get_pixels (eng_input_get_picture (truth));
  g_assert_false (soft);
  g_assert_cmpuint (width, ==, eng_picture_get_width (eng_input_get_picture (truth)));
  for (guint i = 0; i < width * height; i++)
    {
      gboolean said = g_strcmp0 (eng_result_get_class_name (result, mask[i]), "bird") == 0;
      gboolean is = pixels[3 * i] == 3;
      both += said && is;
      either += said || is;
    }
  g_test_message ("intersection over union %.3f", (double)both / either);
  g_assert_cmpfloat ((double)both / either, >, 0.75);
}

/* ---- boxes ---- */

/* One face, upright, seen from in front: the left of the picture is the person's right eye. */
static void
test_portrait (gconstpointer model)
{
  g_autoptr (EngResult) result = ask_fetched (model, "vision/images/grace_hopper.bmp");
  if (result == NULL)
    return;
  g_assert_cmpint (eng_result_get_kind (result), ==, ENG_RESULT_BOXES);
  g_assert_cmpuint (eng_result_get_n_boxes (result), ==, 1);
  const EngBox *box = eng_result_get_box (result, 0);
  g_assert_cmpstr (box->what.label, ==, "face");
  g_assert_cmpuint (box->n_points, ==, 6); /* eyes, nose, mouth, ears */
  g_assert_cmpfloat (box->points[0].x, <, box->points[2].x);
  g_assert_cmpfloat (box->points[2].x, <, box->points[1].x);
  g_assert_cmpfloat (box->points[0].y, <, box->points[2].y);
  g_assert_cmpfloat (box->points[2].y, <, box->points[3].y);
  for (guint i = 0; i < 4; i++)
    {
      g_assert_cmpfloat (box->points[i].x, >, box->x0);
      g_assert_cmpfloat (box->points[i].x, <, box->x1);
      g_assert_cmpfloat (box->points[i].y, >, box->y0);
      g_assert_cmpfloat (box->points[i].y, <, box->y1);
    }
}

/* ---- regions ---- */

static JsonObject *
parse (const char *json, JsonNode **node)
{
  *node = json_from_string (json, NULL);
  return json_node_get_object (*node);
}

/* Somebody lies on their back, the head to the right: what the network sees is upright. */
static void
test_region (void)
{
  g_autoptr (JsonNode) node = NULL;
  JsonObject *options
      = parse ("{\"centre\": 0, \"reach\": 1, \"up\": [0, 1], \"degrees\": 90, \"scale\": 1.25}",
               &node);
  static const EngPoint points[] = { { 0.5f, 0.5f, NAN }, { 0.7f, 0.5f, NAN } };
  EngBox box = { 0.6f, 0.4f, 0.8f, 0.6f, { 0, "person", 1 }, 2, points };
  EngRegionFrame frame;

  g_assert_true (eng_region_of_box (options, &box, 200, 100, &frame));
  g_assert_cmpfloat_with_epsilon (frame.x, 100, 1e-3);
  g_assert_cmpfloat_with_epsilon (frame.y, 50, 1e-3);
  g_assert_cmpfloat_with_epsilon (frame.side, 2 * 40 * 1.25, 1e-3);
  g_assert_cmpfloat_with_epsilon (frame.angle, G_PI / 2, 1e-5);

  /* A red head at the right, a green hand above: up and left in the cut. */
  g_autoptr (EngPicture) picture = eng_picture_new (200, 100);
  guint8 *pixels = eng_picture_edit_pixels (picture);
  memset (pixels, 0, 3 * 200 * 100);
  for (guint y = 0; y < 10; y++)
    for (guint x = 0; x < 10; x++)
      {
        pixels[3 * ((45 + y) * 200 + 130 + x)] = 255;    /* around (135, 50) */
        pixels[3 * ((10 + y) * 200 + 95 + x) + 1] = 200; /* around (100, 15) */
      }
  g_autoptr (EngPicture) cut = eng_region_cut (picture, &frame, 100, 100);
  const guint8 *seen = eng_picture_get_pixels (cut);
  g_assert_cmpuint (seen[3 * (15 * 100 + 50)], ==, 255);     /* 35 above the middle */
  g_assert_cmpuint (seen[3 * (50 * 100 + 15) + 1], ==, 200); /* 35 left of it */
  g_assert_cmpuint (seen[3 * (50 * 100 + 85) + 1], ==, 0);

  EngBox bare = { 0, 0, 1, 1, { 0, "person", 1 }, 0, NULL };
  g_assert_false (eng_region_of_box (options, &bare, 200, 100, &frame));

  /* Shifted up along its own axis by half its height, by the longer side. */
  g_autoptr (JsonNode) shifted = NULL;
  options = parse ("{\"centre\": \"box\", \"scale\": 2.6, \"shift\": -0.5}", &shifted);
  EngBox palm = { 0.4f, 0.4f, 0.5f, 0.8f, { 0, "palm", 1 }, 0, NULL };
  g_assert_true (eng_region_of_box (options, &palm, 200, 100, &frame));
  g_assert_cmpfloat_with_epsilon (frame.x, 90, 1e-3);
  g_assert_cmpfloat_with_epsilon (frame.y, 40, 1e-3);
  g_assert_cmpfloat_with_epsilon (frame.side, 40 * 2.6, 1e-3);
}

static void
near (EngPoint a, EngPoint b, float most)
{
  g_assert_cmpfloat (hypotf (a.x - b.x, a.y - b.y), <, most);
}

static EngPoint
between (const EngPoint *points, guint a, guint b)
{
  return (EngPoint){ (points[a].x + points[b].x) / 2, (points[a].y + points[b].y) / 2, NAN };
}

/* The mesh of the face in a portrait lies where another network sees eyes, nose and mouth. */
static void
test_face_mesh (void)
{
  g_autoptr (EngResult) mesh
      = ask_fetched ("face_landmark.tflite", "vision/images/grace_hopper.bmp");
  g_autoptr (EngResult) faces = mesh != NULL ? ask_fetched ("face_detection_full_range.tflite",
                                                            "vision/images/grace_hopper.bmp")
                                             : NULL;
  guint n;
  if (faces == NULL)
    return;
  g_assert_cmpint (eng_result_get_kind (mesh), ==, ENG_RESULT_POINTS);
  g_assert_cmpfloat (eng_result_get_value (mesh), >, 0.9);
  const EngPoint *points = eng_result_get_points (mesh, &n);
  const EngPoint *seen = eng_result_get_box (faces, 0)->points;
  g_assert_cmpuint (n, ==, 468);
  near (between (points, 33, 133), seen[0], 0.04f);  /* the right eye's corners */
  near (between (points, 263, 362), seen[1], 0.04f); /* the left eye's */
  near (points[1], seen[2], 0.04f);                  /* the tip of the nose */
  near (between (points, 13, 14), seen[3], 0.04f);   /* the lips */
}

/* Shoulders at the ends of the uniform's, as one points at them; eyes and mouth as above. */
static void
test_pose (gconstpointer model)
{
  g_autoptr (EngResult) pose = ask_fetched (model, "vision/images/grace_hopper.bmp");
  guint n;
  if (pose == NULL)
    return;
  g_assert_cmpfloat (eng_result_get_value (pose), >, 0.9);
  const EngPoint *points = eng_result_get_points (pose, &n);
  g_assert_cmpuint (n, ==, 33);
  near (points[12], (EngPoint){ 0.21f, 0.66f, NAN }, 0.08f);
  near (points[11], (EngPoint){ 0.85f, 0.68f, NAN }, 0.08f);
  near (points[0], (EngPoint){ 0.52f, 0.40f, NAN }, 0.06f);
}

/* Where the middles of what is seen are, as a person points at them on the picture. */
typedef struct
{
  const char *name, *model, *input, *label;
  gboolean fetched;
  guint n;
  float middles[4][2];
} BoxCase;

static const BoxCase box_cases[] = {
  { "yunet",
    "vision/face/yunet_n_320_320.onnx",
    "vision/images/face.jpg",
    "face",
    FALSE,
    4,
    { { 0.35f, 0.40f }, { 0.59f, 0.31f }, { 0.91f, 0.43f }, { 0.055f, 0.37f } } },
  { "ultra-light",
    "vision/face/version-RFB-320.onnx",
    "vision/images/face.jpg",
    "face",
    FALSE,
    4,
    { { 0.35f, 0.40f }, { 0.59f, 0.31f }, { 0.91f, 0.43f }, { 0.055f, 0.37f } } },
  { "blazeface-full",
    "face_detection_full_range_sparse.tflite",
    "vision/images/face.jpg",
    "face",
    TRUE,
    4,
    { { 0.35f, 0.42f }, { 0.59f, 0.32f }, { 0.91f, 0.43f }, { 0.05f, 0.37f } } },
  { "blazeface-short",
    "face_detection_short_range.tflite",
    "vision/images/face.jpg",
    "face",
    TRUE,
    2,
    { { 0.35f, 0.42f }, { 0.60f, 0.33f } } },
  { "fastestdet",
    "vision/detect/FastestDet.onnx",
    "vision/images/pets.jpg",
    "dog",
    FALSE,
    2,
    { { 0.36f, 0.39f }, { 0.82f, 0.63f } } },
};

/* Every wanted middle has one box of the label around it, and no other box of that label is
 * there. */
static void
test_boxes (gconstpointer data)
{
  const BoxCase *c = data;
  g_autoptr (EngResult) result
      = c->fetched ? ask_fetched (c->model, c->input) : ask_data (c->model, c->input);
  guint n_labelled = 0;
  if (result == NULL)
    return;
  g_assert_cmpint (eng_result_get_kind (result), ==, ENG_RESULT_BOXES);
  for (guint k = 0; k < c->n; k++)
    {
      guint n_here = 0;
      for (guint i = 0; i < eng_result_get_n_boxes (result); i++)
        {
          const EngBox *box = eng_result_get_box (result, i);
          float x = (box->x0 + box->x1) / 2, y = (box->y0 + box->y1) / 2;
          if (strcmp (box->what.label, c->label) == 0)
            n_here += fabsf (x - c->middles[k][0]) < 0.04f && fabsf (y - c->middles[k][1]) < 0.04f;
        }
      g_assert_cmpuint (n_here, ==, 1);
    }
  for (guint i = 0; i < eng_result_get_n_boxes (result); i++)
    n_labelled += strcmp (eng_result_get_box (result, i)->what.label, c->label) == 0;
  g_assert_cmpuint (n_labelled, ==, c->n);
}

/* Decoding and suppression are nodes: they are timed as what comes after the network. */
static void
test_nodes (void)
{
  g_autofree char *path = eng_test_data_or_skip ("vision/face/yunet_n_320_320.onnx");
  if (path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autoptr (EngBuild) build = eng_test_build (model, "{}", NULL);
  const RtGraph *graph = eng_build_get_graph (build);
  gboolean decoded = FALSE, suppressed = FALSE, fitted = FALSE;

  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      gboolean behind = node->layer == (int)eng_model_get_n_layers (model);
      decoded |= behind && strcmp (node->op->name, "box-decode") == 0;
      suppressed |= behind && strcmp (node->op->name, "nms") == 0;
      fitted |= node->layer == -1 && strcmp (node->op->name, "picture") == 0;
    }
  g_assert_true (decoded);
  g_assert_true (suppressed);
  g_assert_true (fitted);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (class_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/tasks/class/", class_cases[i].name, NULL);
      g_test_add_data_func (path, &class_cases[i], test_class);
    }
  for (guint i = 0; i < G_N_ELEMENTS (sound_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/tasks/sound/", sound_cases[i].name, NULL);
      g_test_add_data_func (path, &sound_cases[i], test_class);
    }
  for (guint i = 0; i < G_N_ELEMENTS (wake_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/tasks/wake/", wake_cases[i].name, NULL);
      g_test_add_data_func (path, &wake_cases[i], test_wake);
    }
  g_test_add_data_func ("/tasks/voice/static", "audio/vad/silero_vad_openvino_16k.onnx",
                        test_voice);
  g_test_add_data_func ("/tasks/voice/branches", "audio/vad/silero_vad_op18_ifless.onnx",
                        test_voice);
  g_test_add_data_func ("/tasks/over-time/keyword", "audio/kws/kws_ref_model.tflite",
                        test_keywords_over_time);
  g_test_add_data_func ("/tasks/over-time/micro", "audio/kws/micro_speech_quantized.tflite",
                        test_keywords_over_time);
  g_test_add_data_func ("/tasks/anomaly/float", GINT_TO_POINTER (FALSE), test_anomaly);
  g_test_add_data_func ("/tasks/anomaly/int8", GINT_TO_POINTER (TRUE), test_anomaly);
  g_test_add_data_func ("/tasks/denoise/onnx", "audio/denoise/model_1.onnx", test_denoise);
  g_test_add_data_func ("/tasks/denoise/tflite", "audio/denoise/model_1.tflite", test_denoise);
  g_test_add_data_func ("/tasks/denoise/int8", "audio/denoise/dtln_noise_suppression.tflite",
                        test_denoise);
  g_test_add_data_func ("/tasks/denoise/hybrid", "audio/denoise/model_quant_1.tflite",
                        test_denoise);
  g_test_add_func ("/tasks/mask/bird", test_bird);
  g_test_add_data_func ("/tasks/boxes/blazeface-short", "face_detection_short_range.tflite",
                        test_portrait);
  g_test_add_data_func ("/tasks/boxes/blazeface-full", "face_detection_full_range.tflite",
                        test_portrait);
  g_test_add_data_func ("/tasks/boxes/blazeface-sparse", "face_detection_full_range_sparse.tflite",
                        test_portrait);
  for (guint i = 0; i < G_N_ELEMENTS (box_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/tasks/boxes/several/", box_cases[i].name, NULL);
      g_test_add_data_func (path, &box_cases[i], test_boxes);
    }
  g_test_add_func ("/tasks/boxes/nodes", test_nodes);
  g_test_add_func ("/tasks/region/geometry", test_region);
  g_test_add_func ("/tasks/region/face-mesh", test_face_mesh);
  g_test_add_data_func ("/tasks/region/pose-full", "pose_landmark_full.tflite", test_pose);
  g_test_add_data_func ("/tasks/region/pose-heavy", "pose_landmark_heavy.tflite", test_pose);
  return g_test_run ();
}
