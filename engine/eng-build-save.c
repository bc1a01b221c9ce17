/* A build as a GGUF file that other programs read too: the source's metadata and tensors, matrices
 * in the formats of the build, and the recipe beside them. Rows are dequantized and quantized with
 * the same functions that packing uses, so the file gives the same weights as the build. */
#include "eng-build-save-private.h"

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

/* Numbers that a technique has put in the place of a vector of the file (a norm's weights); NULL: it
 * is as it was. */
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

/* Whether a GGUF file can hold the build: whole blocks may be gone, but one that has other parts taken out, or formats that no other program
 * knows, is a recipe to be saved. */
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
  for (guint i = 0; i < self->n_tensors; i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (self->model, i);
      RtValueId id = rt_graph_find_value (self->source, tensor->name);
      if (id == RT_NONE && tensor->layer >= 0 && tensor->layer < (int)p->n_layers
          && blocks[tensor->layer] < 0)
        continue;
      const RtShape *shape = id != RT_NONE ? &rt_graph_value (self->source, id)->shape : NULL;
      if (shape == NULL || (guint64)shape->dims[0] != tensor->n_rows
          || rt_shape_n (shape) != tensor->n_rows * tensor->n_cols)
        {
          g_set_error (
              error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
              "The recipe takes parts out of the model (%s %s): GGUF's metadata cannot say "
              "so layer by layer. Save the recipe; it is applied in seconds.",
              tensor->name, shape == NULL ? "is gone" : "is smaller");
          return FALSE;
        }
      if (self->dtypes[i] > LAST_GGUF_DTYPE)
        {
          g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                       "%s is in %s, a format of this program alone, which GGUF files cannot hold. "
                       "Save the recipe, or choose another weight format.",
                       tensor->name, kn_dtype_info (self->dtypes[i])->name);
          return FALSE;
        }
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

static gboolean
add_metadata (Saving *saving, RtError *rt_error)
{
  EngBuild *self = saving->build;
  const RtGguf *gguf = eng_model_get_gguf (self->model);
  g_autofree char *count_key = g_strdup_printf ("%s.block_count", eng_model_get_arch (self->model));
  const char *const replaced[]
      = { RECIPE_KEY, HASH_KEY, FILE_TYPE_KEY, QUANTIZATION_KEY, count_key };

  for (guint64 i = 0; i < rt_gguf_n_meta (gguf); i++)
    {
      const RtGgufMeta *meta = rt_gguf_meta (gguf, i);
      gboolean skip = FALSE;
      for (guint k = 0; k < G_N_ELEMENTS (replaced); k++)
        skip |= rt_slice_equals (meta->key, replaced[k]);
      if (!skip && !rt_gguf_writer_copy_meta (saving->writer, meta, rt_error))
        return FALSE;
    }
  int type = file_type (main_dtype (self));
  g_autofree char *recipe = eng_recipe_to_json (self->recipe);
  return (type < 0
          || rt_gguf_writer_add_u32 (saving->writer, FILE_TYPE_KEY, (guint32)type, rt_error))
         && rt_gguf_writer_add_u32 (saving->writer, count_key,
                                    eng_build_count_blocks (self, saving->blocks), rt_error)
         && rt_gguf_writer_add_u32 (saving->writer, QUANTIZATION_KEY, 2, rt_error)
         && rt_gguf_writer_add_string (saving->writer, RECIPE_KEY, recipe, rt_error)
         && rt_gguf_writer_add_string (saving->writer, HASH_KEY, self->hash, rt_error);
}

static gboolean
declare_tensors (Saving *saving, RtError *rt_error)
{
  const RtGguf *gguf = eng_model_get_gguf (saving->build->model);

  for (guint64 i = 0; i < rt_gguf_n_tensors (gguf); i++)
    {
      const RtGgufTensor *tensor = rt_gguf_tensor (gguf, i);
      g_autofree char *name = eng_build_dup_saved_name (saving->build, saving->blocks, tensor);
      if (name == NULL)
        continue;
      if (!rt_gguf_writer_add_tensor (saving->writer, name, target_dtype (saving->build, tensor),
                                      tensor->n_dims, tensor->ne, rt_error))
        return FALSE;
      saving->bytes_total += tensor->bytes;
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
      g_autofree char *name = eng_build_dup_saved_name (saving->build, saving->blocks, tensor);
      if (name == NULL)
        continue;
      if (!write_tensor (saving, tensor, error))
        return FALSE;
      rt_gguf_forget_tensor (gguf, tensor);
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
  Saving saving
      = { .build = self,
          .job = job,
          .blocks = blocks,
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
  ok = ok && eng_lowering_decide (&saving.lowering, eng_model_get_graph (self->model), error)
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
