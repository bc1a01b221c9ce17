/* Reading ONNX files: what is refused, with which words, and tensors in every way the format stores
 * them. Files are written byte by byte (onnx-bytes.h). */
#include "eng-onnx-file.h"

#include "eng-error.h"
#include "eng-onnx-wire.h"
#include "onnx.pb-c.h"

#include "onnx-bytes.h"

#include <glib/gstdio.h>
#include <unistd.h>

static EngOnnxFile *
load (GByteArray *bytes, const char *folder, GError **error)
{
  EngOnnxFile *file = eng_onnx_file_new_from_bytes (bytes->data, bytes->len, folder, error);

  g_byte_array_unref (bytes);
  return file;
}

/* A model whose only part is initializer @tensor. */
static EngOnnxFile *
load_tensor (GByteArray *tensor, const char *folder, EngOnnxTensor *out, GError **error)
{
  GByteArray *graph = g_byte_array_new ();

  pb_message (graph, 5, tensor);
  EngOnnxFile *file = load (onnx_model (graph, 13), folder, NULL);
  g_assert_nonnull (file);
  const Onnx__GraphProto *g = eng_onnx_file_model (file)->graph;
  g_assert_cmpuint (g->n_initializer, ==, 1);
  if (eng_onnx_file_tensor (file, g->initializer[0], out, error))
    return file;
  eng_onnx_file_free (file);
  return NULL;
}

static void
assert_refused (GByteArray *bytes, EngError code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (load (bytes, NULL, &error));
  g_assert_error (error, ENG_ERROR, (int)code);
  if (strstr (error->message, words) == NULL)
    g_error ("'%s' does not say '%s'", error->message, words);
}

static void
test_not_onnx (void)
{
  static const char text[] = "This is a text and no network, whatever its name says.";
  GByteArray *b = g_byte_array_new ();

  assert_refused (g_byte_array_ref (b), ENG_ERROR_FORMAT, "empty");
  g_byte_array_append (b, (const guint8 *)text, sizeof text);
  assert_refused (b, ENG_ERROR_FORMAT, "Not an ONNX file");

  GByteArray *no_graph = g_byte_array_new ();
  pb_int (no_graph, 1, 8);
  assert_refused (no_graph, ENG_ERROR_FORMAT, "no graph");

  g_autoptr (GError) error = NULL;
  g_assert_null (eng_onnx_file_load ("/nowhere/model.onnx", &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_IO);
}

/* Every cut is refused, or what is left is whole by chance (then it has a graph). */
static void
test_truncated (void)
{
  GByteArray *graph = g_byte_array_new ();
  static const float values[4] = { 1, 2, 3, 4 };

  pb_message (graph, 1, onnx_node ("Relu", "relu", "x", "y"));
  pb_message (graph, 5, onnx_tensor ("w", ONNX_FLOAT, (gint64[]){ 4 }, 1, values, sizeof values));
  g_autoptr (GByteArray) whole = onnx_model (graph, 13);
  for (guint n = 1; n < whole->len; n++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EngOnnxFile) file = eng_onnx_file_new_from_bytes (whole->data, n, NULL, &error);
      g_assert_null (file);
      g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
    }
  g_autoptr (EngOnnxFile) file = eng_onnx_file_new_from_bytes (whole->data, whole->len, NULL, NULL);
  g_assert_nonnull (file);
  g_assert_cmpint (eng_onnx_file_opset (file, ""), ==, 13);
  g_assert_cmpint (eng_onnx_file_opset (file, "ai.onnx"), ==, 13);
  g_assert_cmpint (eng_onnx_file_opset (file, "com.example"), ==, 0);
}

/* Graphs in graphs: refused before the library recurses into them. */
static void
test_deep (void)
{
  GByteArray *graph = g_byte_array_new ();

  for (int i = 0; i < 40; i++)
    {
      GByteArray *outer = g_byte_array_new (), *node = onnx_node ("If", "if", "c", "y");
      onnx_attribute_graph (node, "then_branch", graph);
      pb_message (outer, 1, node);
      graph = outer;
    }
  assert_refused (onnx_model (graph, 13), ENG_ERROR_FORMAT, "nested too deep");
}

/* Millions of empty nodes: two bytes each in the file, hundreds in memory. */
static void
test_empty_parts (void)
{
  GByteArray *graph = g_byte_array_new ();

  for (int i = 0; i < 600000; i++)
    pb_bytes (graph, 1, NULL, 0);
  assert_refused (onnx_model (graph, 13), ENG_ERROR_MEMORY, "empty parts");
}

static void
test_raw (void)
{
  static const gint64 dims[] = { 2, 3 };
  static const float values[6] = { 1, -2, 3, -4, 5, -6 };
  g_autoptr (GError) error = NULL;
  EngOnnxTensor t;
  g_autoptr (EngOnnxFile) file
      = load_tensor (onnx_tensor ("w", ONNX_FLOAT, dims, 2, values, sizeof values), NULL, &t,
                     &error);

  g_assert_no_error (error);
  g_assert_cmpint (t.type, ==, RT_TYPE_F32);
  g_assert_cmpuint (t.shape.n_dims, ==, 2);
  g_assert_cmpint (t.shape.dims[1], ==, 3);
  g_assert_cmpuint (t.n, ==, 6);
  g_assert_cmpmem (t.data, t.n_bytes, values, sizeof values);
}

/* Typed lists: whole numbers of 32 bits and less share a list. */
static void
test_lists (void)
{
  GByteArray *t = onnx_tensor ("b", ONNX_UINT8, (gint64[]){ 3 }, 1, NULL, 0);
  EngOnnxTensor out;

  pb_int (t, 5, 1);
  pb_int (t, 5, 200);
  pb_int (t, 5, 255);
  g_autoptr (EngOnnxFile) bytes = load_tensor (t, NULL, &out, NULL);
  g_assert_nonnull (bytes);
  g_assert_cmpmem (out.data, out.n_bytes, ((guint8[]){ 1, 200, 255 }), 3);

  t = onnx_tensor ("s", ONNX_INT64, NULL, 0, NULL, 0);
  pb_int (t, 7, -5);
  g_autoptr (EngOnnxFile) scalar = load_tensor (t, NULL, &out, NULL);
  g_assert_nonnull (scalar);
  g_assert_cmpuint (out.shape.n_dims, ==, 0);
  g_assert_cmpuint (out.n, ==, 1);
  g_assert_cmpint (*(const gint64 *)out.data, ==, -5);

  t = onnx_tensor ("half", 10, (gint64[]){ 2 }, 1, NULL, 0);
  pb_int (t, 5, 0x3c00);
  pb_int (t, 5, 0xc000);
  g_autoptr (EngOnnxFile) half = load_tensor (t, NULL, &out, NULL);
  g_assert_nonnull (half);
  g_assert_cmpint (out.type, ==, RT_TYPE_F16);
  g_assert_cmpmem (out.data, out.n_bytes, ((guint16[]){ 0x3c00, 0xc000 }), 4);

  g_autoptr (EngOnnxFile) empty
      = load_tensor (onnx_tensor ("e", ONNX_FLOAT, (gint64[]){ 0, 7 }, 2, NULL, 0), NULL, &out,
                     NULL);
  g_assert_nonnull (empty);
  g_assert_cmpuint (out.n_bytes, ==, 0);
  g_assert_nonnull (out.data);
}

static void
assert_tensor_refused (GByteArray *tensor, const char *folder, EngError code, const char *words)
{
  g_autoptr (GError) error = NULL;
  EngOnnxTensor out;

  g_assert_null (load_tensor (tensor, folder, &out, &error));
  g_assert_error (error, ENG_ERROR, (int)code);
  if (strstr (error->message, words) == NULL || strstr (error->message, "'w'") == NULL)
    g_error ("'%s' does not say '%s'", error->message, words);
}

static void
test_bad_tensors (void)
{
  static const float values[2] = { 1, 2 };
  gint64 nine[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };

  assert_tensor_refused (onnx_tensor ("w", ONNX_FLOAT, (gint64[]){ 3 }, 1, values, 8), NULL,
                         ENG_ERROR_FORMAT, "12 bytes");
  assert_tensor_refused (onnx_tensor ("w", ONNX_FLOAT, (gint64[]){ -1 }, 1, values, 8), NULL,
                         ENG_ERROR_FORMAT, "dimension 0 is -1");
  assert_tensor_refused (onnx_tensor ("w", ONNX_FLOAT, (gint64[]){ 1 << 30, 1 << 30, 1 << 30 }, 3,
                                      values, 8),
                         NULL, ENG_ERROR_FORMAT, "dimension");
  assert_tensor_refused (onnx_tensor ("w", ONNX_FLOAT, (gint64[]){ 2 }, 1, NULL, 0), NULL,
                         ENG_ERROR_FORMAT, "2 elements");
  assert_tensor_refused (onnx_tensor ("w", ONNX_STRING, (gint64[]){ 2 }, 1, values, 8), NULL,
                         ENG_ERROR_UNSUPPORTED, "string");
  assert_tensor_refused (onnx_tensor ("w", 77, (gint64[]){ 2 }, 1, values, 8), NULL,
                         ENG_ERROR_UNSUPPORTED, "type 77");
  assert_tensor_refused (onnx_tensor ("w", ONNX_FLOAT, nine, 9, values, 4), NULL,
                         ENG_ERROR_UNSUPPORTED, "9 dimensions");
}

/* ---- data in files beside the model ---- */

static GByteArray *
external (const char *location, const char *offset, const char *length)
{
  const char *const pairs[] = { "location", location, "offset", offset, "length", length };
  GByteArray *t = onnx_tensor ("w", ONNX_FLOAT, (gint64[]){ 2 }, 1, NULL, 0);

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i += 2)
    if (pairs[i + 1] != NULL)
      {
        GByteArray *entry = g_byte_array_new ();
        pb_string (entry, 1, pairs[i]);
        pb_string (entry, 2, pairs[i + 1]);
        pb_message (t, 13, entry);
      }
  pb_int (t, 14, 1);
  return t;
}

static void
test_external (void)
{
  static const float values[4] = { 1, 2, 3, 4 };
  g_autofree char *outer = g_dir_make_tmp ("lathe-onnx-XXXXXX", NULL);
  g_autofree char *folder = g_build_filename (outer, "model", NULL);
  g_autofree char *inside = g_build_filename (folder, "weights.bin", NULL);
  g_autofree char *outside = g_build_filename (outer, "secret.bin", NULL);
  g_autofree char *link = g_build_filename (folder, "link.bin", NULL);
  g_autofree char *pipe = g_build_filename (folder, "folder.bin", NULL);
  EngOnnxTensor out;

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (inside, (const char *)values, sizeof values, NULL));
  g_assert_true (g_file_set_contents (outside, (const char *)values, sizeof values, NULL));
  g_assert_cmpint (symlink (outside, link), ==, 0);
  g_assert_cmpint (g_mkdir (pipe, 0700), ==, 0);

  g_autoptr (EngOnnxFile) file
      = load_tensor (external ("weights.bin", "8", "8"), folder, &out, NULL);
  g_assert_nonnull (file);
  g_assert_cmpmem (out.data, out.n_bytes, values + 2, 8);
  /* Not aligned to an element: copied. */
  g_autoptr (EngOnnxFile) odd
      = load_tensor (external ("weights.bin", "1", NULL), folder, &out, NULL);
  g_assert_nonnull (odd);
  g_assert_cmpmem (out.data, out.n_bytes, (const char *)values + 1, 8);

  assert_tensor_refused (external ("weights.bin", "9", "8"), folder, ENG_ERROR_FORMAT,
                         "bytes 9 to 17");
  assert_tensor_refused (external ("weights.bin", "18446744073709551615", "8"), folder,
                         ENG_ERROR_FORMAT, "offset");
  assert_tensor_refused (external ("weights.bin", "0", "12"), folder, ENG_ERROR_FORMAT, "8 bytes");
  assert_tensor_refused (external ("weights.bin", "-1", NULL), folder, ENG_ERROR_FORMAT, "offset");
  assert_tensor_refused (external ("../secret.bin", NULL, NULL), folder, ENG_ERROR_FORMAT,
                         "beside");
  assert_tensor_refused (external ("a/../../secret.bin", NULL, NULL), folder, ENG_ERROR_FORMAT,
                         "beside");
  assert_tensor_refused (external (outside, NULL, NULL), folder, ENG_ERROR_FORMAT, "beside");
  assert_tensor_refused (external ("link.bin", NULL, NULL), folder, ENG_ERROR_FORMAT, "leads out");
  assert_tensor_refused (external ("folder.bin", NULL, NULL), folder, ENG_ERROR_IO, "ordinary");
  assert_tensor_refused (external ("none.bin", NULL, NULL), folder, ENG_ERROR_IO, "not there");
  assert_tensor_refused (external (NULL, NULL, NULL), folder, ENG_ERROR_FORMAT, "not named");
  assert_tensor_refused (external ("weights.bin", NULL, NULL), NULL, ENG_ERROR_UNSUPPORTED,
                         "another file");

  g_unlink (link);
  g_unlink (inside);
  g_unlink (outside);
  g_rmdir (pipe);
  g_rmdir (folder);
  g_rmdir (outer);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/onnx/file/not-onnx", test_not_onnx);
  g_test_add_func ("/onnx/file/truncated", test_truncated);
  g_test_add_func ("/onnx/file/deep", test_deep);
  g_test_add_func ("/onnx/file/empty-parts", test_empty_parts);
  g_test_add_func ("/onnx/file/raw", test_raw);
  g_test_add_func ("/onnx/file/lists", test_lists);
  g_test_add_func ("/onnx/file/bad-tensors", test_bad_tensors);
  g_test_add_func ("/onnx/file/external", test_external);
  return g_test_run ();
}
