/* TFLite networks: small ones written here, with results worked out by hand, and real ones. */
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-tflite.h"
#include "../runtime/models-folder.h"
#include "test-data.h"
#include "tflite-case.h"

/* ---- Arithmetic and shapes ---- */

static void
test_add_relu (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", F32, DIMS (1, 3));
  int c = TENSOR (b, "c", F32, DIMS (3), DATA (float, 1, -5, 0.5f));
  int y = TENSOR (b, "y", F32, DIMS (1, 3));

  tfl_bytes_add_op (b, 0, NULL, LIST (x, c), LIST (y), 11, FIELDS ({ 0, 'b', 1 }));
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  CHECK_RUN (b, ((float[]){ 1, 2, 3 }), 0, float, 2, 0, 3.5f);
}

/* SAME with stride 2 pads after, not before: windows over ones count what they see. */
static void
test_conv_same (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  const float ones[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
  int x = TENSOR (b, "x", F32, DIMS (1, 4, 4, 1));
  int w = TENSOR (b, "w", F32, DIMS (1, 3, 3, 1), .data = ones, .data_bytes = 9 * 4);
  int bias = TENSOR (b, "bias", F32, DIMS (1), DATA (float, 0.5f));
  int y = TENSOR (b, "y", F32, DIMS (1, 2, 2, 1));

  tfl_bytes_add_op (b, 3, NULL, LIST (x, w, bias), LIST (y), 1,
                    FIELDS ({ 1, 'i', 2 }, { 2, 'i', 2 }, { 3, 'b', 3 }));
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  CHECK_RUN (b, ones, 0, float, 6, 6, 6, 4.5f);
}

/* Half precision behind a DEQUANTIZE stays half precision. 1, 2 and 0.5 as f16. */
static void
test_half_weights (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", F32, DIMS (1, 1, 1, 3));
  int h = TENSOR (b, "h", F16, DIMS (1, 1, 1, 3), DATA (guint16, 0x3c00, 0x4000, 0x3800));
  int w = TENSOR (b, "w", F32, DIMS (1, 1, 1, 3));
  int y = TENSOR (b, "y", F32, DIMS (1, 1, 1, 1));

  tfl_bytes_add_op (b, 6, NULL, LIST (h), LIST (w), 0, NULL, 0);
  tfl_bytes_add_op (b, 3, NULL, LIST (x, w), LIST (y), 1, FIELDS ({ 1, 'i', 1 }, { 2, 'i', 1 }));
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  g_autoptr (EngImported) imported = tfl_case_import_supported (b);
  const RtNode *node = rt_graph_node (imported->graph, 0);
  g_assert_cmpuint (rt_graph_n_nodes (imported->graph), ==, 1);
  g_assert_cmpint (rt_graph_value (imported->graph, node->inputs[1])->type, ==, RT_TYPE_F16);
  g_assert_cmpstr (node->name, ==, "y");
  CHECK_RUN (b, ((float[]){ 10, 20, 30 }), 0, float, 65);
}

/* A transposed convolution spreads each input: stride 2, kernel 2, SAME: no overlap. */
static void
test_transpose_conv (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int shape = TENSOR (b, "shape", I32, DIMS (4), DATA (gint32, 1, 2, 4, 1));
  int w = TENSOR (b, "w", F32, DIMS (1, 2, 2, 1), DATA (float, 1, 2, 3, 4));
  int x = TENSOR (b, "x", F32, DIMS (1, 1, 2, 1));
  int y = TENSOR (b, "y", F32, DIMS (1, 2, 4, 1));

  tfl_bytes_add_op (b, 67, NULL, LIST (shape, w, x), LIST (y), 49,
                    FIELDS ({ 1, 'i', 2 }, { 2, 'i', 2 }));
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  CHECK_RUN (b, ((float[]){ 1, 10 }), 0, float, 1, 2, 10, 20, 3, 4, 30, 40);
}

static void
test_average_pool (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", F32, DIMS (1, 1, 3, 1));
  int y = TENSOR (b, "y", F32, DIMS (1, 1, 2, 1));

  /* SAME, width 2, stride 2: the last window sees one element and divides by one. */
  tfl_bytes_add_op (b, 1, NULL, LIST (x), LIST (y), 5,
                    FIELDS ({ 1, 'i', 2 }, { 2, 'i', 1 }, { 3, 'i', 2 }, { 4, 'i', 1 }));
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  CHECK_RUN (b, ((float[]){ 1, 3, 10 }), 0, float, 2, 10);
}

/* ---- Quantized ---- */

/* x = 0.5 (q - 1), w = 0.25 q per channel 0 and 0.5 q per channel 1, bias in 0.125 and 0.25, y = q
 * + 2. */
static void
test_quantized (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", I8, DIMS (1, 2), QUANT (0.5f, 1));
  int w = TENSOR (b, "w", I8, DIMS (2, 2), DATA (gint8, 4, 8, 2, -2), .n_scales = 2,
                  .scales = (float[]){ 0.25f, 0.5f }, .zero_points = (gint64[]){ 0, 0 });
  int bias = TENSOR (b, "bias", I32, DIMS (2), DATA (gint32, 8, -4));
  int y = TENSOR (b, "y", I8, DIMS (1, 2), QUANT (1, 2));

  tfl_bytes_add_op (b, 9, NULL, LIST (x, w, bias), LIST (y), 8, NULL, 0);
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  /* x = 2, 5: 2 + 10 + 1 = 13; 2 - 5 - 1 = -4. */
  CHECK_RUN (b, ((gint8[]){ 5, 11 }), 0, gint8, 15, -2);
}

/* Another scale after a concatenation of two. */
static void
test_concat_scales (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", I8, DIMS (1, 2), QUANT (1, 0));
  int c = TENSOR (b, "c", I8, DIMS (1, 1), DATA (gint8, 10), QUANT (2, 5));
  int y = TENSOR (b, "y", I8, DIMS (1, 3), QUANT (1, 0));

  tfl_bytes_add_op (b, 2, NULL, LIST (x, c), LIST (y), 10, FIELDS ({ 0, 'i', 1 }));
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  CHECK_RUN (b, ((gint8[]){ 3, -4 }), 0, gint8, 3, -4, 10);
}

/* 8-bit weights and real activations: x is rounded to 8 bit before the products. With one scale
 * around 0: x / 1 is 127 and -63.5, which becomes -64; with a scale per channel from the smallest
 * to the largest: 0.4 of 255 becomes 0. Real weights are 1 and 2. */
static void
test_dynamic_range (void)
{
  g_autoptr (TflBytes) one = tfl_bytes_new (), two = tfl_bytes_new ();
  int x = TENSOR (one, "x", F32, DIMS (1, 1, 1, 2));
  int w = TENSOR (one, "w", I8, DIMS (1, 1, 1, 2), DATA (gint8, 2, 4), QUANT (0.5f, 0));
  int y = TENSOR (one, "y", F32, DIMS (1, 1, 1, 1));

  tfl_bytes_add_op (one, 3, NULL, LIST (x, w), LIST (y), 1, FIELDS ({ 1, 'i', 1 }, { 2, 'i', 1 }));
  tfl_bytes_set_io (one, LIST (x), LIST (y));
  CHECK_RUN (one, ((float[]){ 127, -63.5f }), 0, float, 127 - 128);

  x = TENSOR (two, "x", F32, DIMS (1, 1, 1, 2));
  w = TENSOR (two, "w", I8, DIMS (2, 1, 1, 2), DATA (gint8, 2, 4, 4, 8), .n_scales = 2,
              .scales = (float[]){ 0.5f, 0.25f }, .zero_points = (gint64[]){ 0, 0 });
  y = TENSOR (two, "y", F32, DIMS (1, 1, 1, 2));
  tfl_bytes_add_op (two, 3, NULL, LIST (x, w), LIST (y), 1, FIELDS ({ 1, 'i', 1 }, { 2, 'i', 1 }));
  tfl_bytes_set_io (two, LIST (x), LIST (y));
  CHECK_RUN (two, ((float[]){ 0.4f, 255 }), 0, float, 510, 510);
}

/* The logistic function of codes: 1, 0 and -1 give 0.7311, 0.5 and 0.2689. */
static void
test_integer_logistic (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", I8, DIMS (1, 3), QUANT (0.5f, -1));
  int y = TENSOR (b, "y", I8, DIMS (1, 3), QUANT (1 / 256.0f, -128));

  tfl_bytes_add_op (b, 14, NULL, LIST (x), LIST (y), 0, NULL, 0);
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  CHECK_RUN (b, ((gint8[]){ 1, -1, -3 }), 0, gint8, 59, 0, -59);
}

/* The 16-bit arithmetic of TFLite's kernel: what LiteRT 2.3 gives for these codes. */
static void
test_integer_hard_swish (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", I8, DIMS (1, 16), QUANT (0.0311f, 7));
  int y = TENSOR (b, "y", I8, DIMS (1, 16), QUANT (0.0157f, -101));

  tfl_bytes_add_op (b, 117, NULL, LIST (x), LIST (y), 0, NULL, 0);
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  CHECK_RUN (b,
             ((gint8[]){ -128, -89, -88, -60, -33, -20, -1, 7, 8, 20, 33, 47, 64, 80, 101, 127 }),
             0, gint8, -101, -101, -102, -121, -124, -120, -108, -101, -100, -86, -68, -45, -11, 26,
             83, 127);
}

/* ---- Movement ---- */

/* x[..., 1, ::-1] of [2, 2, 3], with a new axis in front. */
static void
test_strided_slice (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", I32, DIMS (2, 2, 3));
  int begin = TENSOR (b, "begin", I32, DIMS (4), DATA (gint32, 0, 0, 1, 0));
  int end = TENSOR (b, "end", I32, DIMS (4), DATA (gint32, 0, 0, 2, 0));
  int stride = TENSOR (b, "stride", I32, DIMS (4), DATA (gint32, 1, 1, 1, -1));
  int y = TENSOR (b, "y", I32, DIMS (1, 2, 3));

  tfl_bytes_add_op (b, 45, NULL, LIST (x, begin, end, stride), LIST (y), 32,
                    FIELDS ({ 0, 'i', 8 }, { 1, 'i', 8 }, { 2, 'i', 2 }, { 3, 'i', 1 },
                            { 4, 'i', 4 }));
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  CHECK_RUN (b, ((gint32[]){ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }), 0, gint32, 6, 5, 4, 12, 11,
             10);
}

/* SPACE_TO_BATCH_ND with a padding, then PACK of it with itself. */
static void
test_space_to_batch (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", I32, DIMS (1, 3, 2));
  int block = TENSOR (b, "block", I32, DIMS (1), DATA (gint32, 2));
  int pads = TENSOR (b, "pads", I32, DIMS (1, 2), DATA (gint32, 1, 0));
  int s = TENSOR (b, "s", I32, DIMS (2, 2, 2)), y = TENSOR (b, "y", I32, DIMS (2, 2, 2, 2));

  tfl_bytes_add_op (b, 38, NULL, LIST (x, block, pads), LIST (s), 0, NULL, 0);
  tfl_bytes_add_op (b, 83, NULL, LIST (s, s), LIST (y), 59, FIELDS ({ 0, 'i', 2 }, { 1, 'i', 3 }));
  tfl_bytes_set_io (b, LIST (x), LIST (s, y));
  CHECK_RUN (b, ((gint32[]){ 1, 2, 3, 4, 5, 6 }), 0, gint32, 0, 0, 3, 4, 1, 2, 5, 6);
  CHECK_RUN (b, ((gint32[]){ 1, 2, 3, 4, 5, 6 }), 1, gint32, 0, 0, 0, 0, 3, 3, 4, 4, 1, 1, 2, 2, 5,
             5, 6, 6);
}

static void
test_split_unpack (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", F32, DIMS (2, 2)),
      axis = TENSOR (b, "a", I32, DIMS (1), DATA (gint32, 1));
  int l = TENSOR (b, "l", F32, DIMS (2, 1)), r = TENSOR (b, "r", F32, DIMS (2, 1));
  int u = TENSOR (b, "u", F32, DIMS (1)), v = TENSOR (b, "v", F32, DIMS (1));

  tfl_bytes_add_op (b, 49, NULL, LIST (axis, x), LIST (l, r), 35, FIELDS ({ 0, 'i', 2 }));
  tfl_bytes_add_op (b, 88, NULL, LIST (r), LIST (u, v), 64, FIELDS ({ 0, 'i', 2 }));
  tfl_bytes_set_io (b, LIST (x), LIST (l, v));
  CHECK_RUN (b, ((float[]){ 1, 2, 3, 4 }), 0, float, 1, 3);
  CHECK_RUN (b, ((float[]){ 1, 2, 3, 4 }), 1, float, 4);
}

/* The shape of an input, computed with when the file is read. */
static void
test_shape_folds (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", F32, DIMS (2, 3)), s = TENSOR (b, "s", I32, DIMS (2));
  int axis = TENSOR (b, "axis", I32, DIMS (1), DATA (gint32, 0));
  int turned = TENSOR (b, "t", I32, DIMS (2)), y = TENSOR (b, "y", F32, DIMS (3, 2));

  tfl_bytes_add_op (b, 77, NULL, LIST (x), LIST (s), 55, NULL, 0);
  tfl_bytes_add_op (b, 105, NULL, LIST (s, axis), LIST (turned), 0, NULL, 0);
  tfl_bytes_add_op (b, 22, NULL, LIST (x, turned), LIST (y), 0, NULL, 0);
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  g_autoptr (EngImported) imported = tfl_case_import_supported (b);
  g_assert_cmpuint (rt_graph_n_nodes (imported->graph), ==, 1);
  CHECK_RUN (b, ((float[]){ 1, 2, 3, 4, 5, 6 }), 0, float, 1, 2, 3, 4, 5, 6);
}

/* ---- Memory ---- */

/* total = total + x, beginning with what the init subgraph assigns. */
static void
test_variables (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", F32, DIMS (2)), h = TENSOR (b, "h", RESOURCE);
  int old = TENSOR (b, "old", F32, DIMS (2)), sum = TENSOR (b, "sum", F32, DIMS (2));

  tfl_bytes_add_op (b, 129, NULL, NULL, 0, NULL, 0, 103, FIELDS ({ 0, 'i', 1 }));
  tfl_bytes_add_op (b, 142, NULL, NULL, 0, LIST (h), 111, NULL, 0);
  tfl_bytes_set_text_option (b, 1, "total");
  tfl_bytes_add_op (b, 143, NULL, LIST (h), LIST (old), 0, NULL, 0);
  tfl_bytes_add_op (b, 0, NULL, LIST (old, x), LIST (sum), 11, NULL, 0);
  tfl_bytes_add_op (b, 144, NULL, LIST (h, sum), NULL, 0, 0, NULL, 0);
  tfl_bytes_set_io (b, LIST (x), LIST (sum));
  tfl_bytes_begin_subgraph (b);
  int h2 = TENSOR (b, "h", RESOURCE);
  int first = TENSOR (b, "first", F32, DIMS (2), DATA (float, 100, 200));
  tfl_bytes_add_op (b, 142, NULL, NULL, 0, LIST (h2), 111, NULL, 0);
  tfl_bytes_set_text_option (b, 1, "total");
  tfl_bytes_add_op (b, 144, NULL, LIST (h2, first), NULL, 0, 0, NULL, 0);

  g_autoptr (EngImported) imported = tfl_case_import_supported (b);
  NetRunner net;
  RtError error = { 0 };
  g_assert_true (net_runner_init (&net, imported, 1, FALSE, FALSE, &error));
  RtValueId y = net_runner_value (&net, &imported->outputs[0]);
  for (guint round = 0; round < 2; round++)
    {
      for (guint run = 1; run <= 3; run++)
        {
          rt_exec_set_input (net.exec, net_runner_value (&net, &imported->inputs[0]),
                             (float[]){ 1, 2 });
          g_assert_true (rt_exec_infer (net.exec, NULL, RT_PHASE_INFERENCE, &error));
          const float *got = rt_exec_value (net.exec, y);
          g_assert_cmpfloat (got[0], ==, 100 + (float)run);
          g_assert_cmpfloat (got[1], ==, 200 + 2 * (float)run);
        }
      rt_exec_reset_state (net.exec);
    }
  net_runner_clear (&net);
}

/* ---- What cannot be run ---- */

static void
test_report (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", F32, DIMS (2)), m = TENSOR (b, "m", F32, DIMS (2));
  int y = TENSOR (b, "y", F32, DIMS (2)), z = TENSOR (b, "z", F32, DIMS (3));

  tfl_bytes_add_op (b, 32, "FlexErf", LIST (x), LIST (m), 0, NULL, 0);
  tfl_bytes_add_op (b, 101, NULL, LIST (m), LIST (y), 0, NULL, 0);
  tfl_bytes_add_op (b, 101, NULL, LIST (x), LIST (z), 0, NULL, 0); /* declared of another shape */
  tfl_bytes_set_io (b, LIST (x), LIST (y, z));
  g_autoptr (EngImported) imported = tfl_case_import (b);
  g_assert_cmpuint (g_strv_length (imported->report), ==, 2);
  g_assert_nonnull (strstr (imported->report[0], "FlexErf"));
  g_assert_nonnull (strstr (imported->report[0], "number 1"));
  g_assert_nonnull (strstr (imported->report[1], "declares z of shape [3]"));
  g_assert_cmpuint (imported->n_outputs, ==, 2); /* it can still be looked at */
  g_assert_cmpstr (rt_graph_node (imported->graph, 0)->op->name, ==, "unsupported");
}

static void
test_damaged (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("\x40\0\0\0TFL3 too short", 18);
  g_autoptr (GError) error = NULL;

  g_assert_null (eng_tflite_import (bytes, NULL, 0, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
}

/* ---- Real networks ---- */

static void
fill_inputs (NetRunner *net)
{
  GRand *random = g_rand_new_with_seed (5);

  for (guint i = 0; i < net->imported->n_inputs; i++)
    {
      RtValueId id = net_runner_value (net, &net->imported->inputs[i]);
      gsize n = net_runner_bytes (net, id);
      g_autofree guint8 *data = g_malloc (n);
      if (rt_graph_value (net->graph, id)->type == RT_TYPE_F32)
        for (gsize k = 0; k < n / 4; k++)
          ((float *)(void *)data)[k] = (float)g_rand_double (random);
      else
        for (gsize k = 0; k < n; k++)
          data[k] = (guint8)g_rand_int_range (random, 0, 256);
      rt_exec_set_input (net->exec, id, data);
    }
  g_rand_free (random);
}

/* A checksum of all outputs of two runs. */
static char *
run_twice (const EngImported *imported, guint n_threads)
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
  NetRunner net;
  RtError error = { 0 };

  if (!net_runner_init (&net, imported, n_threads, FALSE, FALSE, &error))
    g_error ("%s", error.message);
  for (guint run = 0; run < 2; run++)
    {
      fill_inputs (&net);
      if (!rt_exec_infer (net.exec, NULL, RT_PHASE_INFERENCE, &error))
        g_error ("%s", error.message);
      for (guint i = 0; i < imported->n_outputs; i++)
        {
          RtValueId id = net_runner_value (&net, &imported->outputs[i]);
          g_checksum_update (sum, rt_exec_value (net.exec, id),
                             (gssize)net_runner_bytes (&net, id));
        }
    }
  net_runner_clear (&net);
  char *text = g_strdup (g_checksum_get_string (sum));
  g_checksum_free (sum);
  return text;
}

static void
check_real (const char *path)
{
  g_autoptr (GError) error = NULL;

  const EngFormat *format = eng_format_of_file (path, &error);
  g_assert_no_error (error);
  g_assert_nonnull (format);
  g_assert_cmpstr (format->id, ==, "tflite");
  g_autoptr (EngImported) imported = format->load (path, NULL, 0, NULL, &error);
  g_assert_no_error (error);
  if (imported->report[0])
    g_error ("%s", imported->report[0]);
  g_autofree char *one = run_twice (imported, 1);
  for (guint n_threads = 2; n_threads <= 3; n_threads++)
    {
      g_autofree char *more = run_twice (imported, n_threads);
      g_assert_cmpstr (more, ==, one);
    }
}

static void
test_real (gconstpointer data)
{
  g_autofree char *path = dup_test_data_or_skip (data);

  if (path)
    check_real (path);
}

static void
test_fetched (gconstpointer data)
{
  g_autofree char *path = dup_model_or_skip (data);

  if (path)
    check_real (path);
}

static const char *const real_files[] = {
  "audio/anomaly/ad01_fp32.tflite",
  "audio/anomaly/ad01_int8.tflite",
  "audio/denoise/dtln_noise_suppression.tflite",
  "audio/denoise/model_1.tflite",
  "audio/denoise/model_2.tflite",
  "audio/denoise/model_quant_1.tflite",
  "audio/denoise/model_quant_2.tflite",
  "audio/kws/audio_preprocessor_float.tflite",
  "audio/kws/audio_preprocessor_int8.tflite",
  "audio/kws/kws_ref_model.tflite",
  "audio/kws/kws_ref_model_float32.tflite",
  "audio/kws/micro_speech_quantized.tflite",
  "audio/kws/str_ww_ref_model.tflite",
  "audio/wake/alexa.tflite",
  "audio/wake/hey_jarvis.tflite",
  "vision/cifar10/pretrainedResnet.tflite",
  "vision/cifar10/pretrainedResnet_large_float.tflite",
  "vision/cifar10/pretrainedResnet_large_int8.tflite",
  "vision/cifar10/pretrainedResnet_quant.tflite",
  "vision/imagenet/mobilenet_v1_0.25_128_quant.tflite",
  "vision/imagenet/mobilenet_v2_1.0_224_quant.tflite",
  "vision/mnist/trained_lstm.tflite",
  "vision/mnist/trained_lstm_int8.tflite",
  "vision/seg/deeplabv3_mnv2_dm05_pascal_quant.tflite",
  "vision/vww/person_detect.tflite",
  "vision/vww/vww_96_float.tflite",
  "vision/vww/vww_96_int8.tflite",
};

static const char *const fetched_files[] = {
  "networks/face_detection_full_range.tflite",
  "networks/face_detection_full_range_sparse.tflite",
  "networks/face_detection_short_range.tflite",
  "networks/hand_landmark_full.tflite",
  "networks/hand_landmark_lite.tflite",
  "networks/palm_detection_full.tflite",
  "networks/palm_detection_lite.tflite",
  "networks/pose_detection.tflite",
  "networks/pose_landmark_full.tflite",
  "networks/pose_landmark_heavy.tflite",
  "networks/pose_landmark_lite.tflite",
  "networks/selfie_segmentation.tflite",
  "networks/selfie_segmentation_landscape.tflite",
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tflite/add-relu", test_add_relu);
  g_test_add_func ("/tflite/conv-same", test_conv_same);
  g_test_add_func ("/tflite/half-weights", test_half_weights);
  g_test_add_func ("/tflite/transpose-conv", test_transpose_conv);
  g_test_add_func ("/tflite/average-pool", test_average_pool);
  g_test_add_func ("/tflite/quantized", test_quantized);
  g_test_add_func ("/tflite/dynamic-range", test_dynamic_range);
  g_test_add_func ("/tflite/integer-logistic", test_integer_logistic);
  g_test_add_func ("/tflite/integer-hard-swish", test_integer_hard_swish);
  g_test_add_func ("/tflite/concat-scales", test_concat_scales);
  g_test_add_func ("/tflite/strided-slice", test_strided_slice);
  g_test_add_func ("/tflite/space-to-batch", test_space_to_batch);
  g_test_add_func ("/tflite/split-unpack", test_split_unpack);
  g_test_add_func ("/tflite/shape-folds", test_shape_folds);
  g_test_add_func ("/tflite/variables", test_variables);
  g_test_add_func ("/tflite/report", test_report);
  g_test_add_func ("/tflite/damaged", test_damaged);
  for (gsize i = 0; i < G_N_ELEMENTS (real_files); i++)
    {
      g_autofree char *name = g_strdup_printf ("/tflite/real/%s", real_files[i]);
      g_test_add_data_func (name, real_files[i], test_real);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (fetched_files); i++)
    {
      g_autofree char *name = g_strdup_printf ("/tflite/fetched/%s", fetched_files[i]);
      g_test_add_data_func (name, fetched_files[i], test_fetched);
    }
  return g_test_run ();
}
