/* A model folder, see eng-safetensors.h: finds its files, hands config.json and tokenizer.json to
 * those who know them, and lines the weights up under GGUF's names. Called by the model; knows no
 * graph. */
#include "eng-safetensors.h"

#include <string.h>

#include "eng-error.h"
#include "eng-safetensors-file.h"
#include "eng-safetensors-names.h"
#include "eng-safetensors-tokenizer.h"
#include "kn-quant.h"

#define WEIGHTS "model.safetensors"
#define INDEX "model.safetensors.index.json"

#define MAX_CONFIG_BYTES (16u << 20)
#define MAX_TOKENIZER_BYTES (256u << 20)
#define MAX_VOCABULARY (1u << 22)
#define MAX_SHARDS 4096

struct EngSafetensors
{
  char *folder, *path;
  GPtrArray *files;   /* char *: paths */
  GPtrArray *weights; /* EngSafetensorsFile */
  GPtrArray *owned;   /* names, and copies of weights */
  GArray *tensors;    /* RtGgufTensor */
  GArray *mapped;     /* bool: data is where the file has it */
  EngGgufBytes *meta;
  RtGguf *gguf;
  char *name, *tokenizer_error;
  guint64 n_bytes;
};

/* ---- files ---- */

static gboolean
is_file (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

static gboolean
begins_as_safetensors (const char *path)
{
  guint8 head[16];
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, NULL);
  gsize n = 0;

  return stream != NULL
         && g_input_stream_read_all (G_INPUT_STREAM (stream), head, sizeof head, &n, NULL, NULL)
         && eng_safetensors_sniff (head, n);
}

gboolean
eng_safetensors_is_model (const char *path)
{
  g_autofree char *base = g_path_get_basename (path);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    return is_file (path, "config.json") || is_file (path, WEIGHTS) || is_file (path, INDEX);
  if (strcmp (base, "config.json") == 0 || g_str_has_suffix (base, ".safetensors.index.json"))
    return TRUE;
  return begins_as_safetensors (path);
}

static char *
add_file (EngSafetensors *self, const char *name)
{
  char *path = g_build_filename (self->folder, name, NULL);

  g_ptr_array_add (self->files, path);
  return path;
}

static gboolean
open_weights (EngSafetensors *self, const char *path, GError **error)
{
  EngSafetensorsFile *file = eng_safetensors_file_open (path, error);

  if (file == NULL)
    return FALSE;
  g_ptr_array_add (self->weights, file);
  self->n_bytes += eng_safetensors_file_bytes (file);
  return TRUE;
}

/* Every tensor of the index is in the shard that it names. */
static gboolean
check_index (const char *index, JsonObject *map, GHashTable *shards, GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  json_object_iter_init (&iter, map);
  while (json_object_iter_next (&iter, &name, &node))
    {
      const char *shard = eng_strict_json_node_text (node);
      const EngSafetensorsFile *file = g_hash_table_lookup (shards, shard);
      if (eng_safetensors_file_find (file, name) == NULL)
        {
          eng_strict_json_refuse (error, ENG_ERROR_FORMAT, "%s: tensor '%.80s' is not in %s", index,
                                  name, shard);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
open_shards (EngSafetensors *self, const char *index, GError **error)
{
  g_autoptr (JsonObject) json = eng_strict_json_load (index, MAX_TOKENIZER_BYTES, error);
  g_autoptr (GHashTable) shards = g_hash_table_new (g_str_hash, g_str_equal);
  JsonObject *map = json != NULL ? eng_strict_json_object (json, "weight_map") : NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (json == NULL)
    return FALSE;
  if (map == NULL)
    {
      eng_strict_json_refuse (error, ENG_ERROR_FORMAT, "%s: no weight_map", index);
      return FALSE;
    }
  json_object_iter_init (&iter, map);
  while (json_object_iter_next (&iter, &name, &node))
    {
      const char *shard = eng_strict_json_node_text (node);
      if (shard == NULL || *shard == '\0' || strchr (shard, '/') != NULL || *shard == '.'
          || g_hash_table_size (shards) >= MAX_SHARDS)
        {
          eng_strict_json_refuse (
              error, ENG_ERROR_FORMAT,
              "%s: tensor '%.80s': expected the name of a file beside it, got '%.80s'", index, name,
              shard != NULL ? shard : "no text");
          return FALSE;
        }
      if (g_hash_table_contains (shards, shard))
        continue;
      if (!open_weights (self, add_file (self, shard), error))
        return FALSE;
      g_hash_table_insert (shards, (gpointer)shard, self->weights->pdata[self->weights->len - 1]);
    }
  return check_index (index, map, shards, error);
}

/* Folder and weights from what the user named: a folder, a weights file of any name (a shard stands
 * for its index), or config.json. */
static gboolean
find_weights (EngSafetensors *self, const char *path, GError **error)
{
  g_autofree char *base = NULL;
  gboolean named = FALSE;

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    self->folder = g_strdup (path);
  else
    {
      self->folder = g_path_get_dirname (path);
      base = g_path_get_basename (path);
      named = g_str_has_suffix (base, ".index.json")
              || (strcmp (base, "config.json") != 0
                  && !(strstr (base, "-of-") != NULL && is_file (self->folder, INDEX)));
    }
  if (!named)
    {
      g_free (base);
      base = g_strdup (is_file (self->folder, WEIGHTS) || !is_file (self->folder, INDEX) ? WEIGHTS
                                                                                         : INDEX);
    }
  self->path = g_strdup (add_file (self, base));
  return g_str_has_suffix (base, ".index.json") ? open_shards (self, self->path, error)
                                                : open_weights (self, self->path, error);
}

/* A JSON file of the folder; absent is fine. */
static gboolean
load_optional (EngSafetensors *self, const char *name, gsize max_bytes, JsonObject **json,
               GError **error)
{
  if (!is_file (self->folder, name))
    return TRUE;
  *json = eng_strict_json_load (add_file (self, name), max_bytes, error);
  return *json != NULL;
}

/* ---- weights ---- */

static int
dtype_of (const EngSafetensor *t)
{
  return strcmp (t->dtype, "F32") == 0    ? KN_F32
         : strcmp (t->dtype, "F16") == 0  ? KN_F16
         : strcmp (t->dtype, "BF16") == 0 ? KN_BF16
                                          : -1;
}

static gpointer
own (EngSafetensors *self, gsize n_bytes)
{
  gpointer memory = g_try_malloc (MAX (n_bytes, 1));

  if (memory != NULL)
    g_ptr_array_add (self->owned, memory);
  return memory;
}

/* Rotations turn rows i and i + n / 2 of a head there, rows 2 i and 2 i + 1 here. */
static gboolean
interleave (EngSafetensors *self, const EngSafetensor *from, guint n_heads, RtGgufTensor *to)
{
  guint64 n_rows = from->n_dims > 0 ? from->dims[0] : 0, per_head = n_rows / n_heads;

  if (n_rows == 0 || n_rows % n_heads != 0 || per_head % 2 != 0)
    return TRUE; /* of a wrong shape: who builds the graph says which is expected */
  gsize row = from->n_bytes / n_rows;
  guint8 *memory = own (self, from->n_bytes);
  if (memory == NULL)
    return FALSE;
  for (guint64 i = 0; i < n_rows; i++)
    {
      guint64 head = i / per_head, k = i % per_head;
      guint64 source = head * per_head + k % 2 * (per_head / 2) + k / 2;
      memcpy (memory + i * row, from->data + source * row, row);
    }
  to->data = memory;
  return TRUE;
}

static gboolean
add_one (EngSafetensors *self, const EngSafetensor *from, RtGgufTensor *to)
{
  float *memory = own (self, from->n * sizeof *memory);

  if (memory == NULL)
    return FALSE;
  kn_dequantize_row ((KnDtype)to->dtype, to->data, memory, from->n);
  for (guint64 i = 0; i < from->n; i++)
    memory[i] += 1;
  to->data = memory;
  to->dtype = KN_F32;
  to->bytes = from->n * sizeof *memory;
  return TRUE;
}

/* Elements lie as the writer left them; kernels read them aligned. */
static gboolean
align (EngSafetensors *self, const EngSafetensor *from, RtGgufTensor *to)
{
  if ((guintptr)from->data % (to->dtype == KN_F32 ? 4 : 2) == 0)
    return TRUE;
  gpointer memory = own (self, from->n_bytes);
  if (memory == NULL)
    return FALSE;
  memcpy (memory, from->data, from->n_bytes);
  to->data = memory;
  return TRUE;
}

static gboolean
add_tensor (EngSafetensors *self, const EngSafetensor *from, const EngSafetensorsConfig *config,
            GError **error)
{
  EngSafetensorsUse use;
  char *name = eng_safetensors_dup_name (from->name, config, &use);
  RtGgufTensor to = { .name = { name, strlen (name) },
                      .dtype = dtype_of (from),
                      .n_dims = from->n_dims,
                      .ne = { 1, 1, 1, 1 },
                      .data = from->data,
                      .bytes = from->n_bytes };
  gboolean ok = TRUE;

  g_ptr_array_add (self->owned, name);
  if (use == ENG_SAFETENSORS_SKIP)
    return TRUE;
  if (to.dtype < 0 || from->n_dims > RT_GGUF_MAX_DIMS || from->n == 0)
    {
      eng_strict_json_refuse (error, ENG_ERROR_UNSUPPORTED,
                              "tensor '%.80s' has %" G_GUINT64_FORMAT
                              " elements of %s in %u dimensions; F32, F16 "
                              "and BF16 in up to %d are supported",
                              from->name, from->n, from->dtype, from->n_dims, RT_GGUF_MAX_DIMS);
      return FALSE;
    }
  for (guint i = 0; i < from->n_dims; i++)
    to.ne[i] = from->dims[from->n_dims - 1 - i];
  ok = align (self, from, &to);
  if (ok && use == ENG_SAFETENSORS_NORM)
    ok = add_one (self, from, &to);
  else if (ok && use != ENG_SAFETENSORS_MAP)
    ok = interleave (self, from,
                     use == ENG_SAFETENSORS_QUERIES ? config->n_heads : config->n_kv_heads, &to);
  if (!ok)
    eng_strict_json_refuse (error, ENG_ERROR_MEMORY, "no memory for tensor '%.80s'", from->name);
  bool mapped = to.data == from->data;
  g_array_append_val (self->tensors, to);
  g_array_append_val (self->mapped, mapped);
  return ok;
}

static gboolean
add_tensors (EngSafetensors *self, const EngSafetensorsConfig *config, GCancellable *cancellable,
             GError **error)
{
  for (guint f = 0; f < self->weights->len; f++)
    for (guint i = 0; i < eng_safetensors_file_n (self->weights->pdata[f]); i++)
      if (g_cancellable_set_error_if_cancelled (cancellable, error)
          || !add_tensor (self, eng_safetensors_file_get (self->weights->pdata[f], i), config,
                          error))
        return FALSE;
  if (config->rope_factors != NULL)
    {
      gsize n = config->head_dim / 2;
      bool copied = false;
      RtGgufTensor to = { .name = { "rope_freqs.weight", 17 },
                          .dtype = KN_F32,
                          .n_dims = 1,
                          .ne = { n, 1, 1, 1 },
                          .data = g_memdup2 (config->rope_factors, n * sizeof (float)),
                          .bytes = n * sizeof (float) };
      g_ptr_array_add (self->owned, (gpointer)to.data);
      g_array_append_val (self->tensors, to);
      g_array_append_val (self->mapped, copied);
    }
  return TRUE;
}

static const RtGgufTensor *
find_tensor (EngSafetensors *self, const char *name)
{
  for (guint i = 0; i < self->tensors->len; i++)
    if (rt_slice_equals (g_array_index (self->tensors, RtGgufTensor, i).name, name))
      return &g_array_index (self->tensors, RtGgufTensor, i);
  return NULL;
}

/* ---- all ---- */

/* A tokenizer that cannot be read leaves a model that can be looked at; the reason is kept. */
static gboolean
read_tokenizer (EngSafetensors *self, JsonObject *config, guint n_vocab)
{
  g_autoptr (JsonObject) tokenizer = NULL, habits = NULL;
  g_autofree char *template = NULL;
  g_autoptr (GError) error = NULL;
  EngSafetensorsTexts texts = { .config = config };
  gboolean ok = load_optional (self, "tokenizer.json", MAX_TOKENIZER_BYTES, &tokenizer, &error)
                && load_optional (self, "tokenizer_config.json", MAX_CONFIG_BYTES, &habits, &error);

  if (ok && tokenizer == NULL)
    {
      eng_strict_json_refuse (&error, ENG_ERROR_NOT_FOUND, "tokenizer.json is not in %s",
                              self->folder);
      ok = FALSE;
    }
  if (is_file (self->folder, "chat_template.jinja"))
    g_file_get_contents (add_file (self, "chat_template.jinja"), &template, NULL, NULL);
  texts.tokenizer = tokenizer;
  texts.habits = habits;
  texts.template = template;
  ok = ok && eng_safetensors_tokenizer_read (&texts, n_vocab, self->meta, &error);
  if (!ok)
    self->tokenizer_error = g_strdup (error->message);
  return ok;
}

static gboolean
read_config (EngSafetensors *self, JsonObject **json, EngSafetensorsConfig *config, GError **error)
{
  if (!is_file (self->folder, "config.json"))
    {
      eng_strict_json_refuse (
          error, ENG_ERROR_UNSUPPORTED,
          "%s: safetensors hold weights only; config.json, which says of what network, is "
          "not beside them",
          self->path);
      return FALSE;
    }
  *json = eng_strict_json_load (add_file (self, "config.json"), MAX_CONFIG_BYTES, error);
  return *json != NULL && eng_safetensors_config_read (*json, self->meta, config, error);
}

static gboolean
load (EngSafetensors *self, const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonObject) json = NULL;
  g_auto (EngSafetensorsConfig) config = { 0 };
  RtError rt_error = { 0 };
  gsize n_bytes;

  if (!find_weights (self, path, error) || !read_config (self, &json, &config, error)
      || !add_tensors (self, &config, cancellable, error))
    return FALSE;
  const RtGgufTensor *table = find_tensor (self, "token_embd.weight");
  if (table == NULL || table->n_dims != 2 || table->ne[1] > MAX_VOCABULARY)
    {
      eng_strict_json_refuse (error, ENG_ERROR_FORMAT,
                              "%s: expected model.embed_tokens.weight, a table of at most %u rows",
                              self->path, MAX_VOCABULARY);
      return FALSE;
    }
  if (!config.is_tied && find_tensor (self, "output.weight") == NULL)
    {
      eng_strict_json_refuse (
          error, ENG_ERROR_FORMAT,
          "%s: lm_head.weight is missing, and config.json does not say that the embedding "
          "table serves for it (tie_word_embeddings)",
          self->path);
      return FALSE;
    }
  self->name = g_path_get_basename (self->folder);
  eng_gguf_bytes_string (self->meta, self->name, "general.name");
  read_tokenizer (self, json, (guint)table->ne[1]);
  gconstpointer bytes = eng_gguf_bytes_get (self->meta, &n_bytes);
  self->gguf
      = rt_gguf_open_parts (bytes, n_bytes, (const RtGgufTensor *)(void *)self->tensors->data,
                            (const bool *)(void *)self->mapped->data, self->tensors->len,
                            &rt_error);
  return self->gguf != NULL || eng_error_take_rt (&rt_error, error);
}

EngSafetensors *
eng_safetensors_load (const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (EngSafetensors) self = g_new0 (EngSafetensors, 1);

  self->files = g_ptr_array_new_with_free_func (g_free);
  self->weights = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_safetensors_file_free);
  self->owned = g_ptr_array_new_with_free_func (g_free);
  self->tensors = g_array_new (FALSE, FALSE, sizeof (RtGgufTensor));
  self->mapped = g_array_new (FALSE, FALSE, sizeof (bool));
  self->meta = eng_gguf_bytes_new ();
  if (!load (self, path, cancellable, error))
    return NULL;
  g_ptr_array_add (self->files, NULL);
  return g_steal_pointer (&self);
}

void
eng_safetensors_free (EngSafetensors *self)
{
  if (self == NULL)
    return;
  rt_gguf_close (self->gguf);
  eng_gguf_bytes_free (self->meta);
  g_array_unref (self->tensors);
  g_array_unref (self->mapped);
  g_ptr_array_unref (self->owned);
  g_ptr_array_unref (self->weights);
  g_ptr_array_unref (self->files);
  g_free (self->tokenizer_error);
  g_free (self->name);
  g_free (self->folder);
  g_free (self->path);
  g_free (self);
}

RtGguf *
eng_safetensors_get_gguf (EngSafetensors *self)
{
  return self->gguf;
}

const char *
eng_safetensors_get_tokenizer_error (EngSafetensors *self)
{
  return self->tokenizer_error;
}

const char *
eng_safetensors_get_name (EngSafetensors *self)
{
  return self->name;
}

const char *
eng_safetensors_get_path (EngSafetensors *self)
{
  return self->path;
}

const char *const *
eng_safetensors_get_files (EngSafetensors *self)
{
  return (const char *const *)self->files->pdata;
}

guint64
eng_safetensors_get_bytes (EngSafetensors *self)
{
  return self->n_bytes;
}
