/* Models: what is read from a file, and what is said of files that are none. */
#include <string.h>

#include "eng-error.h"
#include "eng-test.h"

static void
test_default_model (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autofree char *formats = eng_model_dup_formats (model);
  guint n_layers = eng_model_get_n_layers (model);

  g_assert_cmpstr (eng_model_get_arch (model), ==, "llama");
  g_assert_cmpstr (eng_model_get_format (model), ==, "GGUF v3");
  g_assert_nonnull (strstr (formats, "F16"));
  g_assert_cmpuint (n_layers, ==, 6);
  g_assert_nonnull (eng_model_get_tokenizer (model));

  /* Seven matrices a block and the embedding, which is the output, too. */
  g_assert_cmpuint (eng_model_get_n_tensors (model), ==, 7 * n_layers + 1);
  g_assert_cmpstr (eng_model_get_tensor (model, 0)->name, ==, "token_embd.weight");
  g_assert_cmpint (eng_model_get_tensor (model, 0)->layer, ==, -1);
  int layer = -1;
  guint64 n_matrix_weights = 0;
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      g_assert_cmpint (tensor->layer, >=, layer);
      layer = tensor->layer;
      g_assert_cmpuint (tensor->bytes, ==,
                        tensor->n_rows * kn_row_bytes (tensor->dtype, tensor->n_cols));
      n_matrix_weights += tensor->n_rows * tensor->n_cols;
    }
  g_assert_cmpuint (eng_model_get_n_params (model), >, n_matrix_weights);
  g_assert_cmpuint (eng_model_get_n_params (model), <, n_matrix_weights + 10000);

  g_autofree char *first = eng_model_dup_layer_name (model, -1);
  g_autofree char *third = eng_model_dup_layer_name (model, 3);
  g_autofree char *last = eng_model_dup_layer_name (model, (int)n_layers);
  g_assert_cmpstr (first, ==, "Embedding");
  g_assert_cmpstr (third, ==, "Block 3");
  g_assert_cmpstr (last, ==, "Output");
}

static void
test_hash (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = eng_test_default_model ();
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autofree char *bytes = NULL;
  gsize n;

  g_assert_true (g_file_get_contents (path, &bytes, &n, &error));
  g_autofree char *expected
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)bytes, n);
  g_autofree char *hash = eng_model_dup_hash (model, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (hash, ==, expected);

  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_cancellable_cancel (cancelled);
  g_autoptr (EngModel) other = eng_test_load (path);
  g_assert_null (eng_model_dup_hash (other, cancelled, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_bad_files (void)
{
  g_autoptr (GError) error = NULL;
  char *directory = eng_test_directory ();
  g_autofree char *text = g_build_filename (directory, "text.gguf", NULL);
  g_autofree char *cut = g_build_filename (directory, "cut.gguf", NULL);
  g_autofree char *good = eng_test_default_model ();
  g_autofree char *bytes = NULL;
  gsize n;

  g_assert_null (eng_model_load ("/nonexistent/model.gguf", NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "/nonexistent/model.gguf"));
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (text, "This is a letter, not a model.\n", -1, NULL));
  g_assert_null (eng_model_load (text, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_clear_error (&error);

  g_assert_true (g_file_get_contents (good, &bytes, &n, NULL));
  g_assert_true (g_file_set_contents (cut, bytes, (gssize)n / 2, NULL));
  g_assert_null (eng_model_load (cut, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_clear_error (&error);

  g_assert_null (eng_model_load (directory, NULL, &error));
  g_assert_nonnull (error);
  eng_test_remove (directory);
}

static void
on_loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  EngModel **model = data;
  *model = eng_model_load_finish (result, &error);
  g_assert_no_error (error);
}

static void
test_async (void)
{
  g_autofree char *path = eng_test_default_model ();
  g_autoptr (EngModel) model = NULL;

  eng_model_load_async (path, NULL, on_loaded, &model);
  while (model == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (eng_model_get_path (model), ==, path);
}

/* A feed-forward width that fills no block. */
static void
test_stories (void)
{
  g_autofree char *path = eng_test_stories_or_skip ();
  if (path == NULL)
    return;
  g_autoptr (EngModel) model = eng_test_load (path);
  g_autofree char *licence = eng_model_dup_licence (model);
  g_assert_cmpuint (eng_model_get_n_layers (model), ==, 5);
  g_assert_cmpstr (licence, ==, "mit");
  g_assert_cmpuint (eng_model_get_n_ctx_train (model), ==, 512);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/default", test_default_model);
  g_test_add_func ("/model/hash", test_hash);
  g_test_add_func ("/model/bad-files", test_bad_files);
  g_test_add_func ("/model/async", test_async);
  g_test_add_func ("/model/stories260K", test_stories);
  return g_test_run ();
}
