/* What techniques decide, and what they make of a matrix's numbers. Called by eng-build.c and
 * eng-build-save.c; knows no particular technique. */
#include "eng-lowering.h"

#include <string.h>

#include "eng-error.h"
#include "kn-quant.h"

typedef struct
{
  guint tensor;
  const EngTechnique *by;
  char *key;
} EngMark;

static void
mark_clear (gpointer mark)
{
  g_free (((EngMark *)mark)->key);
}

void
eng_lowering_keep (EngLowering *lowering, RtGraph *graph)
{
  g_ptr_array_add (lowering->graphs, graph);
}

void
eng_lowering_note (EngLowering *lowering, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_ptr_array_add (lowering->notes, g_strdup_vprintf (format, args));
  va_end (args);
}

gboolean
eng_lowering_refuse (GError **error, const EngTechnique *technique, const char *other,
                     const char *why)
{
  g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED, "%s cannot be combined with %s: %s",
               technique->title, other, why);
  return FALSE;
}

/* ---- marks ---- */

void
eng_lowering_mark (EngLowering *lowering, guint tensor, const EngTechnique *by,
                   const char *key_format, ...)
{
  EngMark mark = { .tensor = tensor, .by = by };
  va_list args;

  va_start (args, key_format);
  mark.key = g_strdup_vprintf (key_format, args);
  va_end (args);
  g_array_append_val (lowering->marks, mark);
}

gboolean
eng_lowering_is_marked (EngLowering *lowering, guint tensor, const EngTechnique *by)
{
  for (guint i = 0; i < lowering->marks->len; i++)
    {
      const EngMark *mark = &g_array_index (lowering->marks, EngMark, i);
      if (mark->tensor == tensor && mark->by == by)
        return TRUE;
    }
  return FALSE;
}

char *
eng_lowering_dup_key (EngLowering *lowering, guint tensor)
{
  GString *text = NULL;

  for (guint i = 0; i < lowering->marks->len; i++)
    {
      const EngMark *mark = &g_array_index (lowering->marks, EngMark, i);
      if (mark->tensor != tensor)
        continue;
      if (text == NULL)
        text = g_string_new (NULL);
      g_string_append_printf (text, "%s%s: %s", text->len > 0 ? "; " : "", mark->by->id, mark->key);
    }
  return text != NULL ? g_string_free (text, FALSE) : NULL;
}

gboolean
eng_lowering_tensor_shape (EngLowering *lowering, guint tensor, gsize *n_rows, gsize *n_cols)
{
  const EngTensor *in_file = eng_model_get_tensor (lowering->model, tensor);
  RtValueId id = rt_graph_find_value (lowering->source, in_file->name);
  const RtGraph *original = eng_model_get_graph (lowering->model);

  if (id == RT_NONE)
    return FALSE;
  const RtShape *shape = &rt_graph_value (lowering->source, id)->shape;
  const RtShape *before = &rt_graph_value (original, in_file->value)->shape;
  /* Convolutions have more than two dimensions; the list counts them as rows and columns. */
  gboolean same = shape->n_dims == before->n_dims
                  && memcmp (shape->dims, before->dims, shape->n_dims * sizeof *shape->dims) == 0;
  *n_rows = same ? in_file->n_rows : (gsize)shape->dims[0];
  *n_cols = same ? in_file->n_cols : 1;
  for (guint d = 1; !same && d < shape->n_dims; d++)
    *n_cols *= (gsize)shape->dims[d];
  return TRUE;
}

/* ---- decisions ---- */

static gboolean
is_set (EngRecipe *recipe, const EngTechnique *technique)
{
  gboolean set = eng_recipe_n_rules (recipe, technique->id) > 0;
  for (guint i = 0; i < technique->n_params; i++)
    set |= eng_recipe_is_set (recipe, technique->id, technique->params[i].id);
  return set;
}

static gboolean
transform (EngLowering *lowering, const EngTechnique *technique, GError **error)
{
  GError *local = NULL;
  RtGraph *graph = technique->transform != NULL
                       ? technique->transform (lowering, lowering->source, &local)
                       : NULL;
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  if (graph != NULL)
    {
      g_ptr_array_add (lowering->graphs, graph);
      lowering->source = graph;
    }
  return TRUE;
}

gboolean
eng_lowering_decide (EngLowering *lowering, const RtGraph *source, GError **error)
{
  guint n, n_tensors = eng_model_get_n_tensors (lowering->model);
  const EngTechnique *const *techniques = eng_technique_list (&n);
  g_autofree gboolean *applies = g_new (gboolean, n);

  lowering->source = source;
  lowering->dtypes = g_new (int, MAX (n_tensors, 1));
  for (guint i = 0; i < n_tensors; i++)
    lowering->dtypes[i] = eng_model_get_tensor (lowering->model, i)->dtype;
  lowering->densities = g_new (float, MAX (n_tensors, 1));
  for (guint i = 0; i < n_tensors; i++)
    lowering->densities[i] = 1;
  lowering->kv_format = KN_F16;
  lowering->n_ctx = 1;
  lowering->n_outputs = MAX (lowering->n_outputs, 1);
  lowering->n_threads = 1;
  lowering->notes = g_ptr_array_new_with_free_func (g_free);
  lowering->marks = g_array_new (FALSE, FALSE, sizeof (EngMark));
  g_array_set_clear_func (lowering->marks, mark_clear);

  for (guint i = 0; i < n; i++)
    {
      /* One that does not apply stays at what it is without it; the window says why, and a recipe
       * that sets it gets a note. */
      g_autofree char *why_not
          = techniques[i]->applies != NULL ? techniques[i]->applies (lowering->model) : NULL;
      applies[i] = why_not == NULL;
      if (why_not != NULL && is_set (lowering->recipe, techniques[i]))
        eng_lowering_note (lowering, "%s: %s", techniques[i]->title, why_not);
      if (applies[i] && !transform (lowering, techniques[i], error))
        return FALSE;
    }
  for (guint i = 0; i < n; i++)
    if (applies[i] && !techniques[i]->apply (lowering, error))
      return FALSE;
  return TRUE;
}

void
eng_lowering_clear (EngLowering *lowering)
{
  g_clear_object (&lowering->draft_model);
  g_clear_pointer (&lowering->draft_recipe, eng_recipe_unref);
  g_clear_pointer (&lowering->dtypes, g_free);
  g_clear_pointer (&lowering->densities, g_free);
  g_clear_pointer (&lowering->notes, g_ptr_array_unref);
  g_clear_pointer (&lowering->marks, g_array_unref);
  g_datalist_clear (&lowering->data);
  g_clear_pointer (&lowering->tokenizer, rt_tokenizer_free);
}

/* ---- numbers ---- */

void
eng_matrix_keep_rows (EngMatrix *matrix, const guint32 *rows, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      g_assert (rows[i] >= i && rows[i] < matrix->n_rows);
      memmove (matrix->data + i * matrix->n_cols, matrix->data + rows[i] * matrix->n_cols,
               matrix->n_cols * sizeof *matrix->data);
    }
  matrix->n_rows = n;
}

void
eng_matrix_keep_columns (EngMatrix *matrix, const guint32 *columns, gsize n)
{
  guint32 *kept = g_new (guint32, MAX (n, 1));

  for (gsize i = 0; i < n; i++)
    {
      g_assert (columns[i] >= i && columns[i] < matrix->n_cols);
      kept[i] = matrix->columns != NULL ? matrix->columns[columns[i]] : columns[i];
    }
  for (gsize r = 0; r < matrix->n_rows; r++)
    for (gsize i = 0; i < n; i++)
      matrix->data[r * n + i] = matrix->data[r * matrix->n_cols + columns[i]];
  g_free (matrix->columns);
  matrix->columns = kept;
  matrix->n_cols = n;
}

void
eng_matrix_scale_columns (EngMatrix *matrix, const float *factors)
{
  if (matrix->scales == NULL)
    {
      gsize n = matrix->n_cols;
      for (gsize i = 0; matrix->columns != NULL && i < matrix->n_cols; i++)
        n = MAX (n, (gsize)matrix->columns[i] + 1);
      matrix->scales = g_new (float, n);
      for (gsize i = 0; i < n; i++)
        matrix->scales[i] = 1;
    }
  for (gsize i = 0; i < matrix->n_cols; i++)
    matrix->scales[matrix->columns != NULL ? matrix->columns[i] : i] *= factors[i];
  for (gsize r = 0; r < matrix->n_rows; r++)
    for (gsize i = 0; i < matrix->n_cols; i++)
      matrix->data[r * matrix->n_cols + i] *= factors[i];
}

static void
matrix_clear (EngMatrix *matrix)
{
  g_free (matrix->data);
  g_free (matrix->columns);
  g_free (matrix->scales);
}

static void
read_file (EngLowering *lowering, guint tensor, EngMatrix *matrix)
{
  const EngTensor *in_file = eng_model_get_tensor (lowering->model, tensor);
  const RtValue *value = rt_graph_value (eng_model_get_graph (lowering->model), in_file->value);
  gsize row_bytes = kn_row_bytes ((KnDtype)in_file->dtype, in_file->n_cols);

  *matrix = (EngMatrix){ .tensor = tensor,
                         .name = in_file->name,
                         .layer = in_file->layer,
                         .n_rows = in_file->n_rows,
                         .n_cols = in_file->n_cols };
  matrix->data = g_new (float, matrix->n_rows * matrix->n_cols);
  for (gsize r = 0; r < matrix->n_rows; r++)
    kn_dequantize_row ((KnDtype)in_file->dtype, (const guint8 *)value->data + r * row_bytes,
                       matrix->data + r * matrix->n_cols, matrix->n_cols);
}

static gboolean
check_cancelled (EngLowering *lowering, GError **error)
{
  return lowering->job == NULL
         || !g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (lowering->job), error);
}

static gboolean
edit (EngLowering *lowering, EngMatrix *matrix, const EngTechnique **quantizer, GError **error)
{
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);

  *quantizer = NULL;
  for (guint i = 0; i < n; i++)
    {
      if (!eng_lowering_is_marked (lowering, matrix->tensor, techniques[i]))
        continue;
      if (!check_cancelled (lowering, error)
          || (techniques[i]->edit != NULL && !techniques[i]->edit (lowering, matrix, error)))
        return FALSE;
      if (techniques[i]->quantize != NULL)
        *quantizer = techniques[i];
    }
  return TRUE;
}

guint8 *
eng_lowering_make_blocks (EngLowering *lowering, guint tensor, int dtype, gsize *n_rows,
                          gsize *n_cols, GError **error)
{
  const EngTechnique *quantizer;
  EngMatrix matrix;
  guint8 *blocks = NULL;
  gboolean ok;

  read_file (lowering, tensor, &matrix);
  ok = edit (lowering, &matrix, &quantizer, error)
       && eng_lowering_tensor_shape (lowering, tensor, n_rows, n_cols);
  if (ok)
    {
      g_assert (matrix.n_rows == *n_rows && matrix.n_cols == *n_cols);
      gsize row_bytes = kn_row_bytes ((KnDtype)dtype, *n_cols);
      blocks = g_malloc (row_bytes * *n_rows);
      if (quantizer != NULL)
        ok = quantizer->quantize (lowering, &matrix, dtype, blocks, error);
      else
        for (gsize r = 0; r < *n_rows; r++)
          kn_quantize_row ((KnDtype)dtype, matrix.data + r * *n_cols, blocks + r * row_bytes,
                           *n_cols);
      ok = ok && check_cancelled (lowering, error);
    }
  matrix_clear (&matrix);
  if (!ok)
    g_clear_pointer (&blocks, g_free);
  return blocks;
}
