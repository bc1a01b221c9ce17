/* The readers below the TFLite importer: FlatBuffers, FlexBuffers, ZIP, and the file as a whole. */
#include <string.h>

#include "eng-error.h"
#include "eng-flexbuffer.h"
#include "eng-tflite-file.h"
#include "eng-tflite-metadata.h"
#include "eng-zip.h"
#include "test-data.h"
#include "tflite-bytes.h"

/* ADD of an input and a constant, quantized, and a custom operator. */
static guint8 *
make_file (gsize *n)
{
  g_autoptr (TflBytes) bytes = tfl_bytes_new ();
  const gint32 dims[] = { 1, 3 };
  const gint8 constant[] = { 1, 2, 3 };
  const float scale = 0.5f, scales[] = { 0.25f, 0.5f, 1 };
  const gint64 zero = -3, zeros[] = { 0, 1, 2 };
  int x = tfl_bytes_add_tensor (bytes, &(TflTensor){ "x", 9, 2, dims, NULL, 0, 1, &scale, &zero });
  int c = tfl_bytes_add_tensor (bytes,
                                &(TflTensor){ "c", 9, 2, dims, constant, 3, 3, scales, zeros, 1 });
  int y = tfl_bytes_add_tensor (bytes, &(TflTensor){ "y", 9, 2, dims, NULL, 0, 1, &scale, &zero });
  int z = tfl_bytes_add_tensor (bytes, &(TflTensor){ "z", 0, 2, dims });

  tfl_bytes_add_op (bytes, 0, NULL, (int[]){ x, c }, 2, &y, 1, 11, (TflField[]){ { 0, 'b', 3 } },
                    1);
  tfl_bytes_add_op (bytes, 32, "Own", (int[]){ y, -1 }, 2, &z, 1, 0, NULL, 0);
  tfl_bytes_set_custom_options (bytes, "abc", 3);
  tfl_bytes_set_io (bytes, &x, 1, &z, 1);
  return tfl_bytes_finish (bytes, n);
}

static void
test_file (void)
{
  g_autoptr (GError) error = NULL;
  gsize n;
  g_autofree guint8 *data = make_file (&n);
  g_autoptr (EngTfliteFile) file = eng_tflite_file_new (data, n, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (file->n_subgraphs, ==, 1);
  g_assert_cmpstr (file->description, ==, "made by a test");
  const EngTfliteSubgraph *graph = &file->subgraphs[0];
  g_assert_cmpuint (graph->n_tensors, ==, 4);
  g_assert_cmpuint (graph->n_ops, ==, 2);
  g_assert_cmpint (graph->inputs[0], ==, 0);
  g_assert_cmpint (graph->outputs[0], ==, 3);
  const EngTfliteTensor *c = &graph->tensors[1];
  g_assert_cmpstr (c->name, ==, "c");
  g_assert_cmpint (c->type, ==, ENG_TFLITE_I8);
  g_assert_cmpuint (c->n_dims, ==, 2);
  g_assert_cmpint (c->dims[1], ==, 3);
  g_assert_cmpmem (c->data, c->data_bytes, "\1\2\3", 3);
  g_assert_cmpuint (c->n_scales, ==, 3);
  g_assert_cmpfloat (c->scales[1], ==, 0.5f);
  g_assert_cmpint (c->zero_points[2], ==, 2);
  g_assert_cmpint (c->quant_axis, ==, 1);
  g_assert_cmpint (graph->tensors[0].zero_points[0], ==, -3);
  g_assert_null (graph->tensors[0].data);
  g_assert_cmpint (graph->ops[0].code, ==, 0);
  g_assert_cmpint (eng_flat_i8 (&file->flat, graph->ops[0].options, 0, 0), ==, 3);
  g_assert_cmpstr (graph->ops[1].custom, ==, "Own");
  g_assert_cmpint (graph->ops[1].inputs[1], ==, -1);
  g_assert_cmpmem (graph->ops[1].custom_options, graph->ops[1].n_custom_options, "abc", 3);
  g_assert_true (eng_flat_ok (&file->flat));
}

/* Nothing is taken for sound that is cut off; nothing crashes. The copy has nothing behind it, so a
 * sanitizer sees a read too far. */
static void
test_cut (void)
{
  gsize n;
  g_autofree guint8 *data = make_file (&n);

  for (gsize k = 0; k < n; k++)
    {
      g_autofree guint8 *copy = g_memdup2 (data, k);
      g_autoptr (GError) error = NULL;
      g_autoptr (EngTfliteFile) file = eng_tflite_file_new (copy, k, &error);
      g_assert_true (file || g_error_matches (error, ENG_ERROR, ENG_ERROR_FORMAT));
      if (k < n / 2)
        g_assert_null (file);
    }
}

/* Every byte changed in a few ways: an error or a file, never a crash. */
static void
test_changed (void)
{
  static const guint8 masks[] = { 0xff, 0x80, 0x01, 0x10 };
  gsize n, n_refused = 0;
  g_autofree guint8 *data = make_file (&n);

  for (gsize i = 0; i < n * G_N_ELEMENTS (masks); i++)
    {
      guint8 *byte = &data[i / G_N_ELEMENTS (masks)], kept = *byte;
      *byte ^= masks[i % G_N_ELEMENTS (masks)];
      g_autoptr (EngTfliteFile) file = eng_tflite_file_new (data, n, NULL);
      n_refused += file == NULL;
      *byte = kept;
    }
  g_assert_cmpuint (n_refused, >, n / 10);
}

static void
test_wrong_constant (void)
{
  g_autoptr (TflBytes) bytes = tfl_bytes_new ();
  g_autoptr (GError) error = NULL;
  const gint32 dims[] = { 2, 3 };
  gsize n;

  tfl_bytes_add_tensor (bytes, &(TflTensor){ "weights", 0, 2, dims, "0123456789", 10 });
  g_autofree guint8 *data = tfl_bytes_finish (bytes, &n);
  g_assert_null (eng_tflite_file_new (data, n, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "weights has 10 bytes where its shape needs 24"));
}

/* The same large list in many tensors must not become as many copies. */
static void
test_shared (void)
{
  EngFlat flat;
  guint8 data[64] = { 0 };

  eng_flat_init (&flat, data, sizeof data);
  g_assert_true (eng_flat_spend (&flat, 0, 1000));
  g_assert_false (eng_flat_spend (&flat, 0, 1000));
  g_assert_false (eng_flat_ok (&flat));
  g_assert_nonnull (strstr (flat.problem, "over and over"));
}

/* { "shift": 12 } and { "output_scale": 1600, "input_correction_bits": 3 } as other programs wrote
 * them. */
static void
test_flex (void)
{
  static const guint8 shift[] = "shift\0\1\7\1\1\1\14\4\2$\1";
  static const guint8 two[] = "input_correction_bits\0output_scale\0\2$\17\2\1\2\3@\4\4\4$\1";
  static const guint8 wide[] = "end_index\0start_index\0\2\27\16\0\3\0\1\0\2\0\361\0\5\0\5\5\6%\1";
  EngFlex flex;
  gint64 value = -1;
  double real = 0;

  g_assert_true (eng_flex_init (&flex, shift, sizeof shift - 1));
  g_assert_true (eng_flex_int (&flex, "shift", &value));
  g_assert_cmpint (value, ==, 12);
  g_assert_false (eng_flex_int (&flex, "shif", &value));
  g_assert_true (eng_flex_float (&flex, "shift", &real));
  g_assert_cmpfloat (real, ==, 12);
  g_assert_true (eng_flex_init (&flex, two, sizeof two - 1));
  g_assert_true (eng_flex_int (&flex, "output_scale", &value));
  g_assert_cmpint (value, ==, 64);
  g_assert_true (eng_flex_init (&flex, wide, sizeof wide - 1));
  g_assert_true (eng_flex_int (&flex, "end_index", &value));
  g_assert_cmpint (value, ==, 241);
  g_assert_true (eng_flex_int (&flex, "start_index", &value));
  g_assert_cmpint (value, ==, 5);
  for (gsize n = 0; n < sizeof wide - 1; n++)
    {
      g_autofree guint8 *copy = g_memdup2 (wide, n);
      if (eng_flex_init (&flex, copy, n))
        eng_flex_int (&flex, "start_index", &value);
    }
}

/* "hello" stored as a.txt and "aaaaaaaaaa..." deflated as b.txt, by Python's zipfile, 4 bytes
 * before. */
static const guint8 archive[] = {
#include "archive-bytes.h"
};

static void
test_zip (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) entries = eng_zip_list (archive, sizeof archive);

  g_assert_nonnull (entries);
  g_assert_cmpuint (entries->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      const EngZipEntry *entry = &g_array_index (entries, EngZipEntry, i);
      g_autoptr (GBytes) bytes = eng_zip_read (archive, sizeof archive, entry, 100, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (entry->name, ==, i == 0 ? "a.txt" : "b.txt");
      gsize n;
      const char *text = g_bytes_get_data (bytes, &n);
      g_assert_cmpuint (n, ==, i == 0 ? 5 : 60);
      g_assert_true (i == 0 ? memcmp (text, "hello", 5) == 0 : text[59] == 'a');
      g_assert_null (eng_zip_read (archive, sizeof archive, entry, 4, &error));
      g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
      g_clear_error (&error);
    }
  for (gsize i = 0; i < sizeof archive; i++)
    {
      g_autofree guint8 *copy = g_memdup2 (archive, sizeof archive);
      copy[i] ^= 0xff;
      g_autoptr (GArray) list = eng_zip_list (copy, sizeof archive);
      for (guint k = 0; list && k < list->len; k++)
        {
          g_autoptr (GBytes) bytes
              = eng_zip_read (copy, sizeof archive, &g_array_index (list, EngZipEntry, k), 1000,
                              NULL);
        }
    }
}

/* Labels and normalization of a model that has both. */
static void
test_metadata (void)
{
  g_autofree char *path
      = dup_test_data_or_skip ("vision/imagenet/mobilenet_v2_1.0_224_quant.tflite");
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  gsize n;

  if (!path)
    return;
  g_assert_true (g_file_get_contents (path, &data, &n, &error));
  g_autoptr (EngTfliteFile) file = eng_tflite_file_new (data, n, &error);
  g_assert_no_error (error);
  g_autoptr (EngTfliteMetadata) metadata = eng_tflite_metadata_new (file, data, n, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (metadata->n_inputs, ==, 1);
  g_assert_cmpuint (metadata->n_outputs, ==, 1);
  g_assert_cmpuint (g_strv_length (metadata->outputs[0].labels), ==, 1001);
  g_assert_cmpstr (metadata->outputs[0].labels[0], ==, "background");
  g_assert_cmpuint (metadata->inputs[0].n_means, ==, 1);
  g_assert_cmpfloat (metadata->inputs[0].means[0], ==, 127.5f);
  g_assert_cmpfloat (metadata->inputs[0].stds[0], ==, 127.5f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tflite-file/fields", test_file);
  g_test_add_func ("/tflite-file/cut", test_cut);
  g_test_add_func ("/tflite-file/changed", test_changed);
  g_test_add_func ("/tflite-file/wrong-constant", test_wrong_constant);
  g_test_add_func ("/tflite-file/shared", test_shared);
  g_test_add_func ("/tflite-file/flexbuffer", test_flex);
  g_test_add_func ("/tflite-file/zip", test_zip);
  g_test_add_func ("/tflite-file/metadata", test_metadata);
  return g_test_run ();
}
