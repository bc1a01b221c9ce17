/* The model: a file, its graph and the list of its weight matrices; a language model's tokenizer; a
 * network's card and what surrounds it. Read by lowering, by techniques and by every view; knows
 * nothing of recipes. Immutable after loading, except for the file's hash, which is made when first
 * asked for. How each kind is read is in eng-model-language.c and eng-model-network.c. */
#include "eng-model-types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "eng-error.h"
#include "rt-op.h"

G_DEFINE_FINAL_TYPE (EngModel, eng_model, G_TYPE_OBJECT)

static void
eng_model_finalize (GObject *object)
{
  EngModel *self = ENG_MODEL (object);

  g_clear_pointer (&self->tensors, g_array_unref);
  rt_tokenizer_free (self->tokenizer);
  if (self->kind == ENG_MODEL_LANGUAGE)
    rt_graph_free ((RtGraph *)self->graph);
  if (self->safetensors == NULL)
    rt_gguf_close (self->gguf);
  eng_safetensors_free (self->safetensors);
  eng_network_free (self->network);
  eng_network_free (self->bare);
  eng_blocks_free (self->blocks);
  g_clear_pointer (&self->card, eng_card_unref);
  eng_imported_free (self->imported);
  g_free (self->path);
  g_free (self->name);
  g_free (self->tokenizer_error);
  g_free (self->identity);
  g_free (self->hash);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (eng_model_parent_class)->finalize (object);
}

static void
eng_model_class_init (EngModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = eng_model_finalize;
}

static void
eng_model_init (EngModel *self)
{
  g_mutex_init (&self->mutex);
}

/* ---- Loading ---- */

/* Matrices, in the order in which the network first reads them. A matrix that is read twice (tied
 * embeddings) belongs to its first reader. */
static void
list_tensors (EngModel *self)
{
  guint32 n_nodes = rt_graph_n_nodes (self->graph);
  g_autofree gboolean *seen = g_new0 (gboolean, rt_graph_n_values (self->graph));

  for (guint32 i = 0; i < n_nodes; i++)
    {
      const RtNode *node = rt_graph_node (self->graph, i);
      for (guint32 k = 0; k < node->n_inputs; k++)
        {
          RtValueId id = node->inputs[k];
          const RtValue *value = id != RT_NONE ? rt_graph_value (self->graph, id) : NULL;
          bool matrix = rt_op_input_is (node->op->matrix_inputs, k)
                        || rt_op_input_is (node->op->table_inputs, k);
          if (value == NULL || value->kind != RT_VALUE_WEIGHT || !matrix || seen[id]
              || value->shape.n_dims < 2 || kn_dtype_info (value->type) == NULL)
            continue;
          seen[id] = TRUE;
          guint64 n_cols = 1; /* a convolution's window and channels together are a row */
          for (guint d = 1; d < value->shape.n_dims; d++)
            n_cols *= (guint64)value->shape.dims[d];
          EngTensor tensor = { .name = value->name,
                               .layer = node->layer,
                               .dtype = value->type,
                               .n_rows = (guint64)value->shape.dims[0],
                               .n_cols = n_cols,
                               .bytes = value->data_bytes,
                               .value = id };
          g_array_append_val (self->tensors, tensor);
        }
    }
}

/* FALSE with @error for a file that no reader knows: it is not a bad file of one of them. */
static gboolean
check_gguf (const char *path, GError **error)
{
  char head[4] = { 0 };
  FILE *file = fopen (path, "rbe");
  gsize n = file != NULL ? fread (head, 1, sizeof head, file) : 0;

  if (file != NULL)
    fclose (file);
  if (n == sizeof head && memcmp (head, "GGUF", sizeof head) == 0)
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
               "%s is %s; this program reads GGUF, ONNX, TFLite and safetensors", path,
               n == 0 ? "empty" : "not a model that it knows");
  return FALSE;
}

/* By content: a network's format says that the file is one, a folder or file of safetensors holds a
 * language model, and so does GGUF. */
static gboolean
load (EngModel *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (eng_safetensors_is_model (self->path))
    {
      self->kind = ENG_MODEL_LANGUAGE;
      return eng_model_load_safetensors (self, cancellable, error);
    }
  const EngFormat *format = eng_format_of_file (self->path, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  self->kind = format != NULL ? ENG_MODEL_NETWORK : ENG_MODEL_LANGUAGE;
  return format != NULL ? eng_model_load_network (self, format, cancellable, error)
                        : check_gguf (self->path, error) && eng_model_load_language (self, error);
}

EngModel *
eng_model_load (const char *path, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  g_autoptr (EngModel) self = g_object_new (ENG_TYPE_MODEL, NULL);
  self->path = g_canonicalize_filename (path, NULL);
  self->tensors = g_array_new (FALSE, FALSE, sizeof (EngTensor));

  if (!load (self, cancellable, error))
    return NULL;
  list_tensors (self);
  return g_cancellable_set_error_if_cancelled (cancellable, error) ? NULL : g_steal_pointer (&self);
}

static void
load_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  EngModel *model = eng_model_load (data, cancellable, &error);
  if (model != NULL)
    g_task_return_pointer (task, model, g_object_unref);
  else
    g_task_return_error (task, error);
}

void
eng_model_load_async (const char *path, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_return_if_fail (path != NULL);
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, eng_model_load_async);
  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, load_thread);
}

EngModel *
eng_model_load_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- Looking ---- */

const char *
eng_model_get_path (EngModel *self)
{
  return self->path;
}

const char *
eng_model_get_name (EngModel *self)
{
  return self->name;
}

EngModelKind
eng_model_get_kind (EngModel *self)
{
  return self->kind;
}

const char *
eng_model_get_arch (EngModel *self)
{
  return self->kind == ENG_MODEL_LANGUAGE ? self->params.arch : NULL;
}

const char *
eng_model_get_format (EngModel *self)
{
  if (self->kind == ENG_MODEL_NETWORK)
    return self->imported->format;
  if (self->safetensors != NULL)
    return "safetensors";
  return rt_gguf_version (self->gguf) == 2 ? "GGUF v2" : "GGUF v3";
}

char *
eng_model_dup_licence (EngModel *self)
{
  RtSlice slice;
  if (self->kind == ENG_MODEL_NETWORK)
    return g_strdup (self->imported->licence);
  if (!rt_gguf_get_string (self->gguf, "general.license", &slice) || slice.length == 0)
    return NULL;
  return g_utf8_make_valid (slice.data, (gssize)slice.length);
}

guint64
eng_model_get_n_params (EngModel *self)
{
  return self->n_params;
}

guint64
eng_model_get_file_bytes (EngModel *self)
{
  return self->file_bytes;
}

guint
eng_model_get_n_layers (EngModel *self)
{
  return self->n_layers;
}

guint
eng_model_get_n_ctx_train (EngModel *self)
{
  return self->params.n_ctx_train;
}

typedef struct
{
  int dtype;
  guint n;
} FormatCount;

static int
more_first (const void *a, const void *b)
{
  const FormatCount *x = a, *y = b;
  return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : x->dtype - y->dtype;
}

static void
count_format (GArray *counts, int dtype)
{
  guint k = 0;
  while (k < counts->len && g_array_index (counts, FormatCount, k).dtype != dtype)
    k++;
  if (k == counts->len)
    g_array_append_val (counts, ((FormatCount){ dtype, 0 }));
  g_array_index (counts, FormatCount, k).n++;
}

static void
count_formats (EngModel *self, GArray *counts)
{
  if (self->kind == ENG_MODEL_LANGUAGE)
    {
      for (guint64 i = 0; i < rt_gguf_n_tensors (self->gguf); i++)
        count_format (counts, rt_gguf_tensor (self->gguf, i)->dtype);
      return;
    }
  for (RtValueId i = 0; i < rt_graph_n_values (self->imported->graph); i++)
    {
      const RtValue *value = rt_graph_value (self->imported->graph, i);
      if (value->kind == RT_VALUE_WEIGHT)
        count_format (counts, value->type);
    }
}

char *
eng_model_dup_formats (EngModel *self)
{
  g_autoptr (GArray) counts = g_array_new (FALSE, FALSE, sizeof (FormatCount));
  count_formats (self, counts);
  g_array_sort (counts, more_first);

  g_autoptr (GString) text = g_string_new (NULL);
  for (guint k = 0; k < counts->len; k++)
    {
      const FormatCount *count = &g_array_index (counts, FormatCount, k);
      g_string_append_printf (text, k == 0 ? "%s (%u tensor%s)" : ", %s (%u)",
                              self->kind == ENG_MODEL_LANGUAGE ? rt_gguf_dtype_name (count->dtype)
                                                               : rt_type_name (count->dtype),
                              count->n, count->n == 1 ? "" : "s");
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

const char *
eng_model_get_identity (EngModel *self)
{
  return self->identity;
}

static gboolean
hash_file (GChecksum *sum, const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, cancellable, error);
  if (stream == NULL)
    return FALSE;

  const gsize n_buffer = 1 << 20;
  g_autofree guchar *buffer = g_malloc (n_buffer);
  gssize n;
  while ((n = g_input_stream_read (G_INPUT_STREAM (stream), buffer, n_buffer, cancellable, error))
         > 0)
    g_checksum_update (sum, buffer, n);
  return n == 0;
}

/* Of the model's one file, or of all of a folder's. */
static char *
hash_files (EngModel *self, GCancellable *cancellable, GError **error)
{
  const char *const one[] = { self->path, NULL };
  const char *const *files
      = self->safetensors != NULL ? eng_safetensors_get_files (self->safetensors) : one;
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; files[i] != NULL; i++)
    if (!hash_file (sum, files[i], cancellable, error))
      return NULL;
  return g_strdup (g_checksum_get_string (sum));
}

char *
eng_model_dup_hash (EngModel *self, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (ENG_IS_MODEL (self), NULL);

  g_mutex_lock (&self->mutex);
  if (self->hash == NULL)
    {
      g_autoptr (GError) local = NULL;
      self->hash = hash_files (self, cancellable, &local);
      if (self->hash == NULL && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_propagate_error (error, g_steal_pointer (&local));
      else if (self->hash == NULL)
        g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "Cannot read %s for its hash: %s", self->path,
                     local->message);
    }
  char *hash = g_strdup (self->hash);
  g_mutex_unlock (&self->mutex);
  return hash;
}

const char *
eng_model_peek_hash (EngModel *self)
{
  const char *hash;

  g_return_val_if_fail (ENG_IS_MODEL (self), NULL);

  if (!g_mutex_trylock (&self->mutex))
    return NULL; /* being computed */
  hash = self->hash;
  g_mutex_unlock (&self->mutex);
  return hash;
}

const RtArchParams *
eng_model_get_params (EngModel *self)
{
  return self->kind == ENG_MODEL_LANGUAGE ? &self->params : NULL;
}

const RtGraph *
eng_model_get_graph (EngModel *self)
{
  return self->graph;
}

gboolean
eng_model_has_block_node (EngModel *model, const char *name)
{
  for (guint i = 0; i < eng_model_get_n_layers (model); i++)
    {
      g_autofree char *full = g_strdup_printf ("blk.%u.%s", i, name);
      if (rt_graph_find_node (eng_model_get_graph (model), full) != RT_NONE)
        return TRUE;
    }
  return FALSE;
}

const RtGguf *
eng_model_get_gguf (EngModel *self)
{
  return self->gguf;
}

const RtTokenizer *
eng_model_get_tokenizer (EngModel *self)
{
  return self->tokenizer;
}

const char *
eng_model_get_tokenizer_error (EngModel *self)
{
  return self->tokenizer_error;
}

gboolean
eng_model_has_chat (EngModel *self)
{
  return self->kind == ENG_MODEL_LANGUAGE && self->tokenizer != NULL
         && rt_chat_family (self->gguf) != NULL;
}

char *
eng_model_dup_layer_name (EngModel *self, int layer)
{
  if (self->kind == ENG_MODEL_NETWORK)
    return g_strdup (layer < 0                      ? "Input"
                     : layer >= (int)self->n_layers ? "Output"
                                                    : self->blocks->names[layer]);
  if (layer < 0)
    return g_strdup ("Embedding");
  if (layer >= (int)self->n_layers)
    return g_strdup ("Output");
  return g_strdup_printf ("Block %d", layer);
}

guint
eng_model_get_n_tensors (EngModel *self)
{
  return self->tensors->len;
}

const EngTensor *
eng_model_get_tensor (EngModel *self, guint index)
{
  g_return_val_if_fail (index < self->tensors->len, NULL);
  return &g_array_index (self->tensors, EngTensor, index);
}

/* ---- Networks ---- */

const char *const *
eng_model_get_report (EngModel *self)
{
  static const char *const none[] = { NULL };
  return self->kind == ENG_MODEL_NETWORK ? (const char *const *)self->imported->report : none;
}

const EngImported *
eng_model_get_imported (EngModel *self)
{
  return self->imported;
}

EngCard *
eng_model_get_card (EngModel *self)
{
  return self->card;
}

const RtGraph *
eng_model_get_bare_graph (EngModel *self)
{
  return self->bare != NULL ? self->bare->graph : self->graph;
}

const char *const *
eng_model_get_graph_inputs (EngModel *self, gboolean bare)
{
  g_return_val_if_fail (self->kind == ENG_MODEL_NETWORK, NULL);
  return (const char *const *)(bare && self->bare != NULL ? self->bare : self->network)->inputs;
}

const char *const *
eng_model_get_graph_outputs (EngModel *self, gboolean bare)
{
  g_return_val_if_fail (self->kind == ENG_MODEL_NETWORK, NULL);
  return (const char *const *)(bare && self->bare != NULL ? self->bare : self->network)->outputs;
}
