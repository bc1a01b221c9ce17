/* Distributions of weights: the file's numbers, and what packing makes of them. Called from a
 * worker. */
#include <math.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-distribution-private.h"
#include "eng-error.h"
#include "kn-quant.h"
#include "rt-ptq.h"

/* ---- names ---- */

static gboolean
is_matrix_input (const RtGraph *graph, const RtNode *node, guint slot)
{
  RtValueId id = node->inputs[slot];
  return id != RT_NONE
         && (rt_op_input_is (node->op->matrix_inputs, slot)
             || rt_op_input_is (node->op->table_inputs, slot)
             || rt_graph_value (graph, id)->quant != NULL)
         && rt_graph_value (graph, id)->kind == RT_VALUE_WEIGHT
         && rt_graph_value (graph, id)->shape.n_dims >= 2;
}

GStrv
eng_distribution_list_weights (EngBuild *build, int layer)
{
  g_return_val_if_fail (ENG_IS_BUILD (build), NULL);

  const RtGraph *graph = eng_build_get_graph (build);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      for (guint i = 0; node->layer == layer && i < node->n_inputs; i++)
        if (is_matrix_input (graph, node, i)
            && g_hash_table_add (seen, GUINT_TO_POINTER (node->inputs[i] + 1)))
          g_strv_builder_add (names, rt_graph_value (graph, node->inputs[i])->name);
    }
  return g_strv_builder_end (names);
}

/* ---- rows in formats ---- */

typedef struct
{
  const guint8 *data;
  int dtype, packed; /* in the file, as it runs */
  guint64 n_rows, n_cols, row_step;
  float *values, *rounded;
  guint8 *blocks;
} Rows;

static void
read_row (const Rows *rows, guint64 row)
{
  kn_dequantize_row (rows->dtype, rows->data + row * kn_row_bytes (rows->dtype, rows->n_cols),
                     rows->values, rows->n_cols);
}

/* What packing makes of the row that was read. */
static const guint8 *
pack_row (const Rows *rows, guint64 row)
{
  const guint8 *blocks = rows->data + row * kn_row_bytes (rows->dtype, rows->n_cols);
  if (rows->packed != rows->dtype)
    {
      kn_quantize_row (rows->packed, rows->values, rows->blocks, rows->n_cols);
      blocks = rows->blocks;
    }
  kn_dequantize_row (rows->packed, blocks, rows->rounded, rows->n_cols);
  return blocks;
}

static void
count_row (EngDistributing *counting, const Rows *rows, guint64 row)
{
  const KnDtypeInfo *info = kn_dtype_info (rows->packed);
  guint n_parts = eng_grid_n_parts (rows->packed);

  read_row (rows, row);
  eng_distributing_count (counting, rows->values, rows->n_cols);
  const guint8 *blocks = pack_row (rows, row);
  if (n_parts == 0)
    {
      eng_distributing_round (counting, rows->values, rows->rounded, rows->n_cols, NULL);
      return;
    }
  guint part_len = info->block_len / n_parts;
  for (guint64 at = 0; at < rows->n_cols; at += part_len)
    {
      EngGrid grid;
      /* The scale of a row stands before its first block and is that of all. */
      gsize block = info->header_bytes > 0 ? 0 : at / info->block_len * info->block_bytes;
      eng_grid_of_block (rows->packed, blocks + block, (guint)(at % info->block_len / part_len),
                         &grid);
      eng_distributing_round (counting, rows->values + at, rows->rounded + at, part_len, &grid);
    }
}

static guint
bits_of (int dtype)
{
  EngGrid grid;
  guint8 block[256] = { 0 };
  if (eng_grid_n_parts (dtype) == 0)
    return 0;
  eng_grid_of_block (dtype, block, 0, &grid);
  return (guint)ceil (log2 (grid.high - grid.low + 1));
}

static gboolean
is_cancelled (EngJob *job, GError **error)
{
  return job != NULL && g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (job), error);
}

static gboolean
count_rows (EngDistributing *counting, const Rows *rows, EngJob *job, GError **error)
{
  for (int pass = 0; pass < 2; pass++)
    {
      for (guint64 row = 0; row < rows->n_rows; row += rows->row_step)
        {
          if (row % 64 == 0 && is_cancelled (job, error))
            return FALSE;
          if (job != NULL && row % 64 == 0)
            eng_job_report (job, "Counting weights",
                            0.2 * pass
                                + (pass == 0 ? 0.2 : 0.8) * (double)row / (double)rows->n_rows);
          if (pass == 1)
            {
              count_row (counting, rows, row);
              continue;
            }
          read_row (rows, row);
          eng_distributing_look (counting, rows->values, rows->n_cols);
        }
      if (pass == 0)
        eng_distributing_end_look (counting);
    }
  return TRUE;
}

static char *
describe_source (const Rows *rows)
{
  guint64 n = (rows->n_rows + rows->row_step - 1) / rows->row_step;
  return rows->row_step == 1
             ? g_strdup_printf ("all %" G_GUINT64_FORMAT " weights", rows->n_rows * rows->n_cols)
             : g_strdup_printf ("%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                                " rows of %" G_GUINT64_FORMAT " weights, evenly spread",
                                n, rows->n_rows, rows->n_cols);
}

static EngDistribution *
of_tensor (EngBuild *build, const EngTensor *tensor, EngJob *job, GError **error)
{
  const RtValue *value
      = rt_graph_value (eng_model_get_graph (eng_build_get_model (build)), tensor->value);
  int packed = eng_build_get_dtype (build, tensor);
  guint64 n_wanted = MAX (1, ENG_DISTRIBUTION_MAX_VALUES / tensor->n_cols);
  Rows rows = { .data = value->data,
                .dtype = tensor->dtype,
                .packed = packed,
                .n_rows = tensor->n_rows,
                .n_cols = tensor->n_cols,
                .row_step = (tensor->n_rows + n_wanted - 1) / n_wanted,
                .values = g_new (float, tensor->n_cols),
                .rounded = g_new (float, tensor->n_cols),
                .blocks = g_malloc (kn_row_bytes (packed, tensor->n_cols)) };
  const KnDtypeInfo *info = kn_dtype_info (packed);
  g_autofree char *what = NULL;
  EngDistributing counting;
  EngDistribution *result = NULL;

  eng_distributing_init (&counting, ENG_DISTRIBUTION_WEIGHTS, tensor->name);
  if (info->header_bytes > 0)
    what = g_strdup ("rows");
  else if (eng_grid_n_parts (packed) > 0)
    what = g_strdup_printf ("groups of %u", info->block_len / eng_grid_n_parts (packed));
  else
    counting.distribution->grid_note
        = g_strdup_printf ("%s numbers have no grid: their steps grow with them", info->name);
  counting.distribution->format = g_strdup (info->name);
  counting.distribution->source = describe_source (&rows);
  if (count_rows (&counting, &rows, job, error))
    result = eng_distributing_finish (&counting, bits_of (packed), what);
  else
    eng_distributing_clear (&counting);
  g_free (rows.values);
  g_free (rows.rounded);
  g_free (rows.blocks);
  return result;
}

/* ---- 8-bit integers with scales beside them ---- */

static guint
channel_of (const RtQuant *quant, const RtShape *shape, guint64 index)
{
  guint64 inner = 1;
  if (quant->n == 1)
    return 0;
  for (guint i = (guint)quant->axis + 1; i < shape->n_dims; i++)
    inner *= (guint64)shape->dims[i];
  return (guint)(index / inner % quant->n);
}

/* The floats that @value was made of, when the model still has them in as many numbers; NULL. */
static float *
floats_before (EngBuild *build, const RtValue *value, guint64 n)
{
  const RtGraph *source = eng_model_get_graph (eng_build_get_model (build));
  g_autofree char *name = g_strdup (value->name);
  char *tail = strstr (name, RT_PTQ_SUFFIX);
  if (tail == NULL)
    return NULL;
  *tail = '\0';
  RtValueId id = rt_graph_find_value (source, name);
  const RtValue *before = id != RT_NONE ? rt_graph_value (source, id) : NULL;
  if (before == NULL || before->kind != RT_VALUE_WEIGHT || before->type != RT_TYPE_F32
      || rt_shape_n (&before->shape) != n)
    return NULL;
  return g_memdup2 (before->data, n * sizeof (float));
}

static EngDistribution *
of_integers (EngBuild *build, const RtValue *value, EngJob *job, GError **error)
{
  guint64 n = rt_shape_n (&value->shape);
  const RtQuant *quant = value->quant;
  int low = value->type == RT_TYPE_I8 ? -128 : 0, high = low + 255;
  g_autofree float *rounded = g_new (float, MAX (n, 1));
  g_autofree float *before = floats_before (build, value, n);
  EngDistributing counting;

  for (guint64 i = 0; i < n; i++)
    {
      guint c = channel_of (quant, &value->shape, i);
      int code = value->type == RT_TYPE_I8 ? ((const gint8 *)value->data)[i]
                                           : ((const guint8 *)value->data)[i];
      rounded[i] = (float)((double)quant->scales[c] * (code - quant->zero_points[c]));
    }
  if (is_cancelled (job, error))
    return NULL;
  eng_distributing_init (&counting, ENG_DISTRIBUTION_WEIGHTS, value->name);
  EngDistribution *d = counting.distribution;
  d->format = g_strdup (value->type == RT_TYPE_I8 ? "int8" : "uint8");
  d->source = g_strdup_printf ("all %" G_GUINT64_FORMAT " weights%s", n,
                               before != NULL ? "" : ", as quantized: their floats are not here");
  eng_distributing_look (&counting, before != NULL ? before : rounded, n);
  eng_distributing_end_look (&counting);
  eng_distributing_count (&counting, before != NULL ? before : rounded, n);
  /* The floats may lie in another order: what rounding did to each is not known here, what is there
   * is. */
  d->has_rounded = before != NULL;
  for (guint64 i = 0; i < n; i++)
    {
      double at = floor (((double)rounded[i] - d->bin_low) / d->bin_width);
      d->rounded_counts[(guint)CLAMP (at, 0, ENG_DISTRIBUTION_BINS - 1)]++;
      int code = value->type == RT_TYPE_I8 ? ((const gint8 *)value->data)[i]
                                           : ((const guint8 *)value->data)[i];
      counting.codes[code - low]++;
    }
  counting.n_coded = n;
  for (guint c = 0; c < quant->n; c++)
    {
      EngGrid grid = { .step = (double)quant->scales[c],
                       .offset = -(double)quant->scales[c] * quant->zero_points[c],
                       .low = low,
                       .high = high };
      g_array_append_val (counting.grids, grid);
    }
  EngDistribution *result = eng_distributing_finish (&counting, 8, "channels");
  result->clipped_frac = result->sqnr_db = NAN;
  return result;
}

EngDistribution *
eng_distribution_weights (EngBuild *build, const char *name, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_BUILD (build) && name != NULL, NULL);

  EngModel *model = eng_build_get_model (build);
  RtValueId id = rt_graph_find_value (eng_build_get_graph (build), name);
  const RtValue *value = id != RT_NONE ? rt_graph_value (eng_build_get_graph (build), id) : NULL;

  if (value != NULL && value->quant != NULL
      && (value->type == RT_TYPE_I8 || value->type == RT_TYPE_U8))
    return of_integers (build, value, job, error);
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    if (strcmp (eng_model_get_tensor (model, i)->name, name) == 0)
      return of_tensor (build, eng_model_get_tensor (model, i), job, error);
  g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
               "This build has no weight matrix %s that can be looked at.", name);
  return NULL;
}
