/* A build as a GGUF file that other programs read too: the source's metadata and tensors, matrices
 * in the formats and sizes of the build, the tokens that are left, and the recipe beside them. Rows
 * are dequantized and quantized with the same functions that packing uses, so the file gives the
 * same weights as the build. What is left is found out in eng-build-save-blocks.c. */
#include "eng-build-save-private.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-recipe-private.h"
#include "kn-quant.h"

#define RECIPE_KEY "lathe.recipe"
#define HASH_KEY "lathe.build_hash"
#define FILE_TYPE_KEY "general.file_type"
#define QUANTIZATION_KEY "general.quantization_version"

/* Values per batch of rows: bounds the working memory to a few megabytes. */
#define BATCH_VALUES (1u << 20)
#define CHUNK_ROWS 8

typedef struct
{
  EngBuild *build;
  EngLowering lowering; /* once more: it makes the numbers of changed matrices */
  EngJob *job;
  int *blocks; /* eng_build_number_blocks() */
  guint n_blocks;
  RtArchBlock *sizes; /* [n_blocks] */
  bool *keep;         /* [n_vocab] tokens that are left; NULL: all */
  guint n_kept;
  GPtrArray *added; /* const RtValue *: vectors of the graph that the model's file does not have */
  RtGgufWriter *writer;
  RtPool *pool;
  guint64 bytes_done, bytes_total;

  /* The batch that is being converted. */
  int from, to;
  const guint8 *src; /* its first row */
  gsize src_stride, dst_stride, n_rows, n_cols;
  guint8 *dst;
  float *rows; /* [n_threads][n_cols] */
} Saving;

/* The model's matrix that @tensor of the file is, or -1. */
static int
find_matrix (EngBuild *self, const RtGgufTensor *tensor)
{
  for (guint i = 0; i < self->n_tensors; i++)
    if (rt_slice_equals (tensor->name, eng_model_get_tensor (self->model, i)->name))
      return (int)i;
  return -1;
}

/* Numbers that a technique has put in the place of a vector of the file (a norm's weights); NULL:
 * it is as it was. */
static const RtValue *
find_new_vector (EngBuild *self, const RtGgufTensor *tensor)
{
  g_autofree char *name = g_strndup (tensor->name.data, tensor->name.length);
  RtValueId id = rt_graph_find_value (self->source, name);
  const RtValue *value = id != RT_NONE ? rt_graph_value (self->source, id) : NULL;

  return value != NULL && value->data != tensor->data && find_matrix (self, tensor) < 0 ? value
                                                                                        : NULL;
}

/* The format that @tensor of the file is written in. */
static int
target_dtype (EngBuild *self, const RtGgufTensor *tensor)
{
  int matrix = find_matrix (self, tensor);
  if (matrix >= 0)
    return self->dtypes[matrix];
  return find_new_vector (self, tensor) != NULL ? KN_F32 : tensor->dtype;
}

/* GGUF's own numbers end here; those above are formats of this program alone. */
#define LAST_GGUF_DTYPE 199

/* Rules that a saved file's recipe keeps name blocks by numbers, which are others in the file. */
static gboolean
check_rules (EngBuild *self, GError **error)
{
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);

  for (guint i = 0; i < n; i++)
    if (!techniques[i]->in_file && eng_recipe_n_rules (self->recipe, techniques[i]->id) > 0)
      {
        g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                     "The recipe leaves out blocks, so those behind them get new numbers in the "
                     "file, and %s has rules that name blocks by number. Save the recipe, or take "
                     "these rules out.",
                     techniques[i]->title);
        return FALSE;
      }
  return TRUE;
}

/* Whether a GGUF file can hold the build: one with parts gone that its metadata cannot name, or
 * with formats that no other program knows, is a recipe to be saved. */
static gboolean
check_can_save (EngBuild *self, const int *blocks, GError **error)
{
  const RtArchParams *p = eng_model_get_params (self->model);
  gboolean renumbers = eng_build_count_blocks (self, blocks) < p->n_layers;

  if (renumbers && !check_rules (self, error))
    return FALSE;
  if (renumbers && p->sliding_window > 0 && p->global_every > 0)
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
          "The recipe leaves out blocks, and in models of architecture %s a block's number "
          "decides how far it sees: without the others the file would mean something "
          "else. Save the recipe; it is applied in seconds.",
          p->arch);
      return FALSE;
    }
  if (!eng_build_check_shapes (self, error))
    return FALSE;
  for (guint i = 0; i < self->n_tensors; i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (self->model, i);
      if (self->dtypes[i] <= LAST_GGUF_DTYPE
          || rt_graph_find_value (self->source, tensor->name) == RT_NONE)
        continue;
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "%s is in %s, a format of this program alone, which GGUF files cannot hold. "
                   "Save the recipe, or choose another weight format.",
                   tensor->name, kn_dtype_info (self->dtypes[i])->name);
      return FALSE;
    }
  return TRUE;
}

/* Biases that make up for what is gone. Tables of whole numbers are how the graph maps a trimmed
 * vocabulary: the file's tokens need none. */
static gboolean
find_added (Saving *saving, GError **error)
{
  const RtGraph *source = saving->build->source;
  const RtGguf *gguf = eng_model_get_gguf (saving->build->model);

  for (RtValueId i = 0; i < rt_graph_n_values (source); i++)
    {
      const RtValue *value = rt_graph_value (source, i);
      if (value->kind != RT_VALUE_WEIGHT || value->type == RT_TYPE_I32
          || rt_gguf_find_tensor (gguf, value->name) != NULL)
        continue;
      if (value->type != KN_F32 || value->shape.n_dims != 1
          || !g_str_has_suffix (value->name, ".bias"))
        {
          g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                       "The recipe adds %s to the model, which files of architecture %s do not "
                       "have. Save the recipe; it is applied in seconds.",
                       value->name, eng_model_get_arch (saving->build->model));
          return FALSE;
        }
      g_ptr_array_add (saving->added, (gpointer)value);
    }
  return TRUE;
}

/* GGUF's "general.file_type": the number that says "mostly <format>". -1: none. */
static int
file_type (int dtype)
{
  switch (dtype)
    {
    case KN_F32:
      return 0;
    case KN_F16:
      return 1;
    case KN_Q4_0:
      return 2;
    case KN_Q4_1:
      return 3;
    case KN_Q8_0:
      return 7;
    case KN_Q5_0:
      return 8;
    case KN_Q5_1:
      return 9;
    case KN_Q4_K:
      return 14;
    case KN_Q5_K:
      return 16;
    case KN_Q6_K:
      return 18;
    case KN_Q2_K:
      return 10;
    case KN_Q3_K:
      return 12;
    case KN_BF16:
      return 32;
    case KN_TQ1_0:
      return 36;
    case KN_TQ2_0:
      return 37;
    case KN_MXFP4:
      return 38;
    default:
      return -1;
    }
}

/* The format that most weights have. */
static int
main_dtype (EngBuild *self)
{
  guint64 n_weights[256] = { 0 };
  int best = KN_F32;

  for (guint i = 0; i < self->n_tensors; i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (self->model, i);
      guint64 *n = &n_weights[self->dtypes[i] & 255];
      *n += tensor->n_rows * tensor->n_cols;
      if (*n > n_weights[best])
        best = self->dtypes[i];
    }
  return best;
}

/* ---- metadata ---- */

/* Keys of the architecture that say what is left of the blocks and of the vocabulary. */
static const char *const size_keys[] = { "block_count",
                                         "feed_forward_length",
                                         "attention.head_count",
                                         "attention.head_count_kv",
                                         "attention.key_length",
                                         "attention.value_length",
                                         "rope.dimension_count",
                                         "attention.scale",
                                         "vocab_size" };

/* The part of @key behind "<arch>."; NULL: it is no key of the architecture. */
static const char *
arch_key (Saving *saving, const char *key)
{
  const char *arch = eng_model_get_arch (saving->build->model);
  gsize n = strlen (arch);
  return strncmp (key, arch, n) == 0 && key[n] == '.' ? key + n + 1 : NULL;
}

static gboolean
is_replaced (Saving *saving, const char *key)
{
  const char *const ours[] = { RECIPE_KEY, HASH_KEY, FILE_TYPE_KEY, QUANTIZATION_KEY };
  const char *rest = arch_key (saving, key);

  for (guint i = 0; i < G_N_ELEMENTS (ours); i++)
    if (strcmp (key, ours[i]) == 0)
      return TRUE;
  for (guint i = 0; rest != NULL && i < G_N_ELEMENTS (size_keys); i++)
    if (strcmp (rest, size_keys[i]) == 0)
      return TRUE;
  return (saving->keep != NULL && g_str_has_prefix (key, "tokenizer."))
         || strcmp (key, "general.architecture") == 0;
}

/* The source's entries, less those that are written anew, under the name of the new
 * architecture. */
static gboolean
copy_metadata (Saving *saving, const char *arch, RtError *rt_error)
{
  const RtGguf *gguf = eng_model_get_gguf (saving->build->model);

  for (guint64 i = 0; i < rt_gguf_n_meta (gguf); i++)
    {
      RtGgufMeta meta = *rt_gguf_meta (gguf, i);
      g_autofree char *key = g_strndup (meta.key.data, meta.key.length);
      if (is_replaced (saving, key))
        continue;
      const char *rest = arch_key (saving, key);
      g_autofree char *renamed = rest != NULL ? g_strdup_printf ("%s.%s", arch, rest) : NULL;
      if (renamed != NULL)
        meta.key = (RtSlice){ renamed, strlen (renamed) };
      if (!rt_gguf_writer_copy_meta (saving->writer, &meta, rt_error))
        return FALSE;
    }
  return TRUE;
}

/* One number where all blocks agree on one, else a list. */
static gboolean
add_sizes (Saving *saving, const char *arch, const char *name, gsize offset, RtError *rt_error)
{
  g_autofree char *key = g_strdup_printf ("%s.%s", arch, name);
  g_autofree gint32 *items = g_new (gint32, saving->n_blocks + 1);
  gboolean same = TRUE;

  for (guint i = 0; i < saving->n_blocks; i++)
    {
      items[i] = (gint32)G_STRUCT_MEMBER (guint32, &saving->sizes[i], offset);
      same &= items[i] == items[0] && items[i] > 0;
    }
  return same ? rt_gguf_writer_add_u32 (saving->writer, key, (guint32)items[0], rt_error)
              : rt_gguf_writer_add_array (saving->writer, key, RT_GGUF_I32, items, saving->n_blocks,
                                          rt_error);
}

static gboolean
add_number (Saving *saving, const char *arch, const char *name, guint32 value, RtError *rt_error)
{
  g_autofree char *key = g_strdup_printf ("%s.%s", arch, name);
  return rt_gguf_writer_add_u32 (saving->writer, key, value, rt_error);
}

/* What a reader would otherwise take from the number of heads or of blocks is said aloud. */
static gboolean
add_head_sizes (Saving *saving, const char *arch, RtError *rt_error)
{
  const RtArchParams *p = eng_model_get_params (saving->build->model);
  g_autofree char *key = g_strdup_printf ("%s.attention.scale", arch);

  return add_number (saving, arch, "attention.key_length", p->head_dim, rt_error)
         && add_number (saving, arch, "attention.value_length", p->head_dim, rt_error)
         && add_number (saving, arch, "rope.dimension_count", p->rope_dims, rt_error)
         && (p->attention_scale == 1 / sqrtf ((float)p->head_dim) && p->global_every == 0
                 ? TRUE
                 : rt_gguf_writer_add_f32 (saving->writer, key, p->attention_scale, rt_error));
}

static gboolean
add_tokens (Saving *saving, const char *arch, RtError *rt_error)
{
  const RtGguf *gguf = eng_model_get_gguf (saving->build->model);
  g_autofree char *key = g_strdup_printf ("%s.vocab_size", arch);
  g_autofree char *old
      = g_strdup_printf ("%s.vocab_size", eng_model_get_arch (saving->build->model));

  return (rt_gguf_find (gguf, old) == NULL
          || rt_gguf_writer_add_u32 (saving->writer, key, saving->n_kept, rt_error))
         && (saving->keep == NULL
             || rt_tokenizer_write_subset (gguf, saving->keep, saving->writer, rt_error));
}

static gboolean
add_metadata (Saving *saving, RtError *rt_error)
{
  EngBuild *self = saving->build;
  const char *arch = eng_build_saved_arch (self, saving->sizes, saving->n_blocks);
  int type = file_type (main_dtype (self));
  g_autofree char *recipe = eng_recipe_to_json (self->recipe);

  return rt_gguf_writer_add_string (saving->writer, "general.architecture", arch, rt_error)
         && copy_metadata (saving, arch, rt_error)
         && add_number (saving, arch, "block_count", saving->n_blocks, rt_error)
         && add_sizes (saving, arch, "feed_forward_length", G_STRUCT_OFFSET (RtArchBlock, n_ff),
                       rt_error)
         && add_sizes (saving, arch, "attention.head_count", G_STRUCT_OFFSET (RtArchBlock, n_heads),
                       rt_error)
         && add_sizes (saving, arch, "attention.head_count_kv",
                       G_STRUCT_OFFSET (RtArchBlock, n_kv_heads), rt_error)
         && add_head_sizes (saving, arch, rt_error) && add_tokens (saving, arch, rt_error)
         && (type < 0
             || rt_gguf_writer_add_u32 (saving->writer, FILE_TYPE_KEY, (guint32)type, rt_error))
         && rt_gguf_writer_add_u32 (saving->writer, QUANTIZATION_KEY, 2, rt_error)
         && rt_gguf_writer_add_string (saving->writer, RECIPE_KEY, recipe, rt_error)
         && rt_gguf_writer_add_string (saving->writer, HASH_KEY, self->hash, rt_error);
}

/* ---- tensors ---- */

/* The name in the saved file of the file's tensor @tensor; NULL: it is gone, with its block or with
 * half of it. */
static char *
dup_saved_name (Saving *saving, const RtGgufTensor *tensor)
{
  g_autofree char *name = g_strndup (tensor->name.data, tensor->name.length);
  return rt_graph_find_value (saving->build->source, name) != RT_NONE
             ? eng_build_dup_saved_name (saving->build, saving->blocks, name)
             : NULL;
}

/* Its dimensions there, [RT_GGUF_MAX_DIMS]. */
static void
saved_dims (Saving *saving, const RtGgufTensor *tensor, guint64 *ne)
{
  const RtGraph *source = saving->build->source;
  g_autofree char *name = g_strndup (tensor->name.data, tensor->name.length);
  const RtShape *shape = &rt_graph_value (source, rt_graph_find_value (source, name))->shape;

  memcpy (ne, tensor->ne, RT_GGUF_MAX_DIMS * sizeof *ne);
  for (guint d = 0; d < MIN (shape->n_dims, tensor->n_dims); d++)
    ne[d] = (guint64)shape->dims[shape->n_dims - 1 - d];
}

static gboolean
declare_tensors (Saving *saving, RtError *rt_error)
{
  const RtGguf *gguf = eng_model_get_gguf (saving->build->model);

  for (guint64 i = 0; i < rt_gguf_n_tensors (gguf); i++)
    {
      const RtGgufTensor *tensor = rt_gguf_tensor (gguf, i);
      g_autofree char *name = dup_saved_name (saving, tensor);
      guint64 ne[RT_GGUF_MAX_DIMS];
      if (name == NULL)
        continue;
      saved_dims (saving, tensor, ne);
      if (!rt_gguf_writer_add_tensor (saving->writer, name, target_dtype (saving->build, tensor),
                                      tensor->n_dims, ne, rt_error))
        return FALSE;
      saving->bytes_total += tensor->bytes;
    }
  for (guint i = 0; i < saving->added->len; i++)
    {
      const RtValue *value = saving->added->pdata[i];
      g_autofree char *name = eng_build_dup_saved_name (saving->build, saving->blocks, value->name);
      guint64 n = (guint64)value->shape.dims[0];
      if (!rt_gguf_writer_add_tensor (saving->writer, name, KN_F32, 1, &n, rt_error))
        return FALSE;
      saving->bytes_total += value->data_bytes;
    }
  return TRUE;
}

static gboolean
go_on (Saving *saving, guint64 bytes, RtError *rt_error)
{
  saving->bytes_done += bytes;
  if (saving->job == NULL)
    return TRUE;
  eng_job_report (saving->job, "Writing",
                  (double)saving->bytes_done / (double)MAX (saving->bytes_total, 1));
  if (g_cancellable_is_cancelled (eng_job_get_cancellable (saving->job)))
    return rt_fail (rt_error, RT_ERROR_CANCELLED, "Cancelled");
  return TRUE;
}

static void
convert_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t chunk)
{
  Saving *saving = data;
  float *row = saving->rows + worker->index * saving->n_cols;
  gsize end = MIN ((gsize)(chunk + 1) * CHUNK_ROWS, saving->n_rows);

  for (gsize r = (gsize)chunk * CHUNK_ROWS; r < end; r++)
    {
      kn_dequantize_row ((KnDtype)saving->from, saving->src + r * saving->src_stride, row,
                         saving->n_cols);
      kn_quantize_row ((KnDtype)saving->to, row, saving->dst + r * saving->dst_stride,
                       saving->n_cols);
    }
}

static gboolean
write_converted (Saving *saving, const RtGgufTensor *tensor, int dtype, RtError *rt_error)
{
  guint64 n_rows = tensor->ne[1] * tensor->ne[2] * tensor->ne[3];
  saving->n_cols = tensor->ne[0];
  saving->from = tensor->dtype;
  saving->to = dtype;
  saving->src_stride = kn_row_bytes ((KnDtype)tensor->dtype, saving->n_cols);
  saving->dst_stride = kn_row_bytes ((KnDtype)dtype, saving->n_cols);

  guint64 n_batch = CLAMP (BATCH_VALUES / MAX (saving->n_cols, 1), CHUNK_ROWS,
                           (guint64)CHUNK_ROWS * RT_JOB_MAX);
  g_autofree guint8 *dst = g_malloc (n_batch * saving->dst_stride);
  g_autofree float *rows = g_new (float, saving->n_cols *rt_pool_n_threads (saving->pool));
  saving->dst = dst;
  saving->rows = rows;

  for (guint64 first = 0; first < n_rows; first += n_batch)
    {
      saving->src = (const guint8 *)tensor->data + first * saving->src_stride;
      saving->n_rows = MIN (n_batch, n_rows - first);
      RtJob job = { .n_phases = 1,
                    .n_chunks = (guint32)((saving->n_rows + CHUNK_ROWS - 1) / CHUNK_ROWS),
                    .chunk = convert_chunk,
                    .data = saving };
      rt_pool_run (saving->pool, &job);
      if (!rt_gguf_writer_write (saving->writer, dst, saving->n_rows * saving->dst_stride, rt_error)
          || !go_on (saving, saving->n_rows * saving->src_stride, rt_error))
        return FALSE;
    }
  return TRUE;
}

/* A matrix with the numbers that techniques make. */
static gboolean
write_changed (Saving *saving, guint matrix, guint64 bytes_in_file, GError **error)
{
  RtError rt_error = { 0 };
  int dtype = saving->build->dtypes[matrix];
  gsize n_rows, n_cols;
  g_autofree guint8 *blocks
      = eng_lowering_make_blocks (&saving->lowering, matrix, dtype, &n_rows, &n_cols, error);

  if (blocks == NULL)
    return FALSE;
  return (rt_gguf_writer_write (saving->writer, blocks,
                                kn_row_bytes ((KnDtype)dtype, n_cols) * n_rows, &rt_error)
          && go_on (saving, bytes_in_file, &rt_error))
         || eng_error_take_rt (&rt_error, error);
}

static gboolean
write_tensor (Saving *saving, const RtGgufTensor *tensor, GError **error)
{
  EngBuild *self = saving->build;
  int dtype = target_dtype (self, tensor), matrix = find_matrix (self, tensor);
  const RtValue *vector = find_new_vector (self, tensor);
  RtError rt_error = { 0 };
  gboolean ok;

  if (matrix >= 0 && self->keys[matrix] != NULL)
    return write_changed (saving, (guint)matrix, tensor->bytes, error);
  if (vector != NULL)
    ok = rt_gguf_writer_write (saving->writer, vector->data, vector->data_bytes, &rt_error)
         && go_on (saving, tensor->bytes, &rt_error);
  else if (dtype == tensor->dtype)
    ok = rt_gguf_writer_write (saving->writer, tensor->data, tensor->bytes, &rt_error)
         && go_on (saving, tensor->bytes, &rt_error);
  else
    ok = write_converted (saving, tensor, dtype, &rt_error);
  return ok || eng_error_take_rt (&rt_error, error);
}

static gboolean
write_tensors (Saving *saving, GError **error)
{
  const RtGguf *gguf = eng_model_get_gguf (saving->build->model);

  for (guint64 i = 0; i < rt_gguf_n_tensors (gguf); i++)
    {
      const RtGgufTensor *tensor = rt_gguf_tensor (gguf, i);
      g_autofree char *name = dup_saved_name (saving, tensor);
      if (name == NULL)
        continue;
      if (!write_tensor (saving, tensor, error))
        return FALSE;
      rt_gguf_forget_tensor (gguf, tensor);
    }
  for (guint i = 0; i < saving->added->len; i++)
    {
      const RtValue *value = saving->added->pdata[i];
      RtError rt_error = { 0 };
      if (!rt_gguf_writer_write (saving->writer, value->data, value->data_bytes, &rt_error)
          || !go_on (saving, value->data_bytes, &rt_error))
        return eng_error_take_rt (&rt_error, error);
    }
  return TRUE;
}

static gboolean
write_file (Saving *saving, const char *target, GError **error)
{
  RtError rt_error = { 0 };

  if (!(add_metadata (saving, &rt_error) && declare_tensors (saving, &rt_error)
        && rt_gguf_writer_begin (saving->writer, target, &rt_error)))
    return eng_error_take_rt (&rt_error, error);
  return write_tensors (saving, error)
         && (rt_gguf_writer_end (saving->writer, &rt_error)
             || eng_error_take_rt (&rt_error, error));
}

gboolean
eng_build_save (EngBuild *self, const char *path, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (self) && path != NULL, FALSE);

  if (eng_model_get_kind (self->model) != ENG_MODEL_LANGUAGE)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "%s is a network: its builds cannot be saved as a file yet. Its recipe can.",
                   eng_model_get_name (self->model));
      return FALSE;
    }
  g_autofree int *blocks = eng_build_number_blocks (self);
  if (!check_can_save (self, blocks, error))
    return FALSE;
  RtError rt_error = { 0 };
  g_autoptr (GPtrArray) graphs = g_ptr_array_new_with_free_func ((GDestroyNotify)rt_graph_free);
  g_autoptr (GPtrArray) added = g_ptr_array_new ();
  g_autofree RtArchBlock *sizes = eng_build_get_saved_blocks (self, blocks);
  guint n_kept;
  g_autofree bool *keep = eng_build_get_kept_tokens (self, &n_kept);
  Saving saving
      = { .build = self,
          .job = job,
          .blocks = blocks,
          .n_blocks = eng_build_count_blocks (self, blocks),
          .sizes = sizes,
          .keep = keep,
          .n_kept = n_kept,
          .added = added,
          .lowering
          = { .model = self->model, .recipe = self->recipe, .job = job, .graphs = graphs } };

  /* The source is mapped while it is read: a file cannot be written over itself. The writer would
   * replace it by a rename, which is safe, but the model in the window would no longer be the file
   * on disk. */
  g_autofree char *target = g_canonicalize_filename (path, NULL);
  if (g_strcmp0 (target, eng_model_get_path (self->model)) == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s is the file that is open; choose another name for the build", path);
      return FALSE;
    }

  /* A pool of its own: the build's may be running the model meanwhile. */
  saving.pool = rt_pool_new (eng_build_get_n_threads (self), &rt_error);
  saving.writer = saving.pool != NULL ? rt_gguf_writer_new (&rt_error) : NULL;
  gboolean ok = saving.writer != NULL || eng_error_take_rt (&rt_error, error);
  ok = ok && find_added (&saving, error)
       && eng_lowering_decide (&saving.lowering, eng_model_get_graph (self->model), error)
       && write_file (&saving, target, error);
  eng_lowering_clear (&saving.lowering);
  rt_gguf_writer_free (saving.writer);
  rt_pool_free (saving.pool);
  if (job != NULL)
    eng_job_finish (job);
  return ok;
}

EngRecipe *
eng_build_saved_recipe (EngModel *model, GError **error)
{
  RtSlice slice;
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);

  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE
      || !rt_gguf_get_string (eng_model_get_gguf (model), RECIPE_KEY, &slice))
    return eng_recipe_new ();
  g_autofree char *json = g_utf8_make_valid (slice.data, (gssize)slice.length);
  EngRecipe *recipe = eng_recipe_from_json (json, error);
  for (guint i = 0; recipe != NULL && i < n; i++)
    if (techniques[i]->in_file)
      {
        EngRecipe *rest = eng_recipe_without (recipe, techniques[i]);
        eng_recipe_unref (recipe);
        recipe = rest;
      }
  return recipe;
}
