/* The weights of a build: which the graph still reads, in which formats, what they take, packed on
 * the build's threads. Called by eng-build.c and by what asks for sizes; which technique wanted
 * what is behind the lowering. */
#include "eng-build-private.h"

#include <stdatomic.h>
#include <string.h>

#include "eng-error.h"
#include "eng-model-private.h"
#include "kn-sparse.h"
#include "kn-table.h"

static void
raise_flag (GCancellable *cancellable, gpointer flag)
{
  atomic_store ((atomic_int *)flag, 1);
}

typedef struct
{
  EngBuild *build;
  EngLowering *lowering;
  EngBuild *reuse;
  EngJob *job;
  atomic_int cancel;
  guint64 bytes_done, bytes_total;
} Packing;

/* Whether @value (nullable) is the model's tensor @index: its name and its numbers. */
static gboolean
is_source_tensor (EngBuild *self, guint index, const RtValue *value)
{
  const EngTensor *tensor = eng_model_get_tensor (self->model, index);
  return value != NULL && value->kind == RT_VALUE_WEIGHT && strcmp (tensor->name, value->name) == 0
         && value->data == rt_graph_value (eng_model_get_graph (self->model), tensor->value)->data;
}

static RtWeight *
find_reusable (Packing *packing, guint index)
{
  EngBuild *reuse = packing->reuse;
  if (reuse == NULL || reuse->model != packing->build->model
      || reuse->dtypes[index] != packing->build->dtypes[index] || reuse->weights[index] == NULL
      || g_strcmp0 (reuse->keys[index], packing->build->keys[index]) != 0)
    return NULL;
  return rt_weight_ref (reuse->weights[index]);
}

static RtWeight *
pack_file (Packing *packing, guint index, RtError *rt_error)
{
  EngBuild *self = packing->build;
  const EngTensor *tensor = eng_model_get_tensor (self->model, index);
  const RtValue *value = rt_graph_value (eng_model_get_graph (self->model), tensor->value);

  return rt_weight_pack (self->dtypes[index], tensor->dtype, value->data, value->data_bytes,
                         tensor->n_rows, tensor->n_cols, self->pool, &packing->cancel, rt_error);
}

/* With the numbers that techniques make of the file's. */
static RtWeight *
pack_changed (Packing *packing, guint index, RtError *rt_error, GError **error)
{
  int dtype = packing->build->dtypes[index];
  /* Formats of ours are made of the rows of another. */
  int rows = (int)kn_rows_dtype ((KnDtype)dtype);
  gsize n_rows, n_cols;
  g_autofree guint8 *blocks
      = eng_lowering_make_blocks (packing->lowering, index, rows, &n_rows, &n_cols, error);

  if (blocks == NULL)
    return NULL;
  return rt_weight_pack (dtype, rows, blocks, kn_row_bytes ((KnDtype)rows, n_cols) * n_rows, n_rows,
                         n_cols, packing->build->pool, &packing->cancel, rt_error);
}

static gboolean
pack_one (Packing *packing, guint index, GError **error)
{
  EngBuild *self = packing->build;
  const EngTensor *tensor = eng_model_get_tensor (self->model, index);
  GError *local = NULL;
  RtError rt_error = { 0 };

  self->weights[index] = find_reusable (packing, index);
  if (self->weights[index] == NULL)
    {
      self->weights[index] = self->keys[index] == NULL
                                 ? pack_file (packing, index, &rt_error)
                                 : pack_changed (packing, index, &rt_error, &local);
      if (local != NULL)
        {
          g_propagate_error (error, local);
          return FALSE;
        }
      if (self->weights[index] == NULL)
        {
          if (rt_error.status != RT_ERROR_CANCELLED)
            rt_fail_prefix (&rt_error, "%s", tensor->name);
          return eng_error_take_rt (&rt_error, error);
        }
      /* The packed copy is what runs: let the file's pages go. */
      const RtGguf *gguf = eng_model_get_gguf (self->model);
      const RtGgufTensor *in_file = gguf != NULL ? rt_gguf_find_tensor (gguf, tensor->name) : NULL;
      if (in_file != NULL)
        rt_gguf_forget_tensor (gguf, in_file);
    }
  packing->bytes_done += tensor->bytes;
  if (packing->job != NULL)
    eng_job_report (packing->job, "Packing weights",
                    (double)packing->bytes_done / (double)packing->bytes_total);
  return TRUE;
}

/* Which tensors the graph still reads as they are in the file: of others a pass has made its
 * own. */
static gboolean *
find_used (EngBuild *self)
{
  gboolean *is_used = g_new0 (gboolean, MAX (self->n_tensors, 1));
  g_autoptr (GHashTable) by_name = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint32 i = 0; i < rt_graph_n_values (self->graph); i++)
    {
      const RtValue *value = rt_graph_value (self->graph, i);
      if (value->kind == RT_VALUE_WEIGHT)
        g_hash_table_insert (by_name, (gpointer)value->name, (gpointer)value);
    }
  for (guint i = 0; i < self->n_tensors; i++)
    is_used[i]
        = is_source_tensor (self, i,
                            g_hash_table_lookup (by_name,
                                                 eng_model_get_tensor (self->model, i)->name));
  return is_used;
}

gboolean
eng_build_pack (EngBuild *self, EngLowering *lowering, EngBuild *reuse, EngJob *job, GError **error)
{
  g_autofree gboolean *is_used = find_used (self);
  Packing packing = { .build = self, .lowering = lowering, .reuse = reuse, .job = job };
  GCancellable *cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL;
  gulong handler
      = cancellable != NULL
            ? g_cancellable_connect (cancellable, G_CALLBACK (raise_flag), &packing.cancel, NULL)
            : 0;
  gboolean ok = TRUE;

  for (guint i = 0; i < self->n_tensors; i++)
    packing.bytes_total += is_used[i] ? eng_model_get_tensor (self->model, i)->bytes : 0;
  for (guint i = 0; ok && i < self->n_tensors; i++)
    {
      if (!is_used[i])
        continue;
      ok = !g_cancellable_set_error_if_cancelled (cancellable, error)
           && pack_one (&packing, i, error);
    }
  g_cancellable_disconnect (cancellable, handler);
  return ok;
}

int
eng_build_tensor_of_value (EngBuild *self, RtValueId id)
{
  const RtValue *value = rt_graph_value (self->graph, id);
  if (value->kind != RT_VALUE_WEIGHT)
    return -1;
  for (guint i = 0; i < self->n_tensors; i++)
    if (is_source_tensor (self, i, value))
      return (int)i;
  return -1;
}

/* Matrices of the graph that are not the model's tensors: a pass has made them. */
static gboolean
is_extra (const RtGraph *graph, const RtNode *node, guint input)
{
  RtValueId id = node->inputs[input];
  const RtValue *value = id != RT_NONE ? rt_graph_value (graph, id) : NULL;

  return value != NULL && value->kind == RT_VALUE_WEIGHT
         && rt_op_input_is (node->op->matrix_inputs, input) && value->shape.n_dims >= 2
         && kn_dtype_info (value->type) != NULL;
}

int *
eng_build_dup_value_dtypes (EngBuild *self)
{
  guint32 n_values = rt_graph_n_values (self->graph);
  g_autofree gboolean *is_used = find_used (self);
  int *dtypes = g_new (int, MAX (n_values, 1));

  for (guint32 i = 0; i < n_values; i++)
    dtypes[i] = -1;
  for (guint i = 0; i < self->n_tensors; i++)
    if (is_used[i])
      dtypes[rt_graph_find_value (self->graph, eng_model_get_tensor (self->model, i)->name)]
          = self->dtypes[i];
  for (RtNodeId i = 0; i < rt_graph_n_nodes (self->graph); i++)
    {
      const RtNode *node = rt_graph_node (self->graph, i);
      for (guint k = 0; k < node->n_inputs; k++)
        if (is_extra (self->graph, node, k) && dtypes[node->inputs[k]] < 0)
          dtypes[node->inputs[k]] = rt_graph_value (self->graph, node->inputs[k])->type;
    }
  return dtypes;
}

guint64
eng_build_weight_bytes (EngBuild *self, guint tensor, guint64 n_rows, guint64 n_cols)
{
  if (self->weights[tensor] != NULL)
    return rt_weight_bytes (self->weights[tensor]);
  if (kn_sparse_base (self->dtypes[tensor]) < 0)
    return rt_weight_packed_bytes (self->dtypes[tensor], n_rows, n_cols);
  return (n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS
         * kn_sparse_expected_bytes ((KnDtype)self->dtypes[tensor], n_cols,
                                     (double)self->densities[tensor]);
}

guint64 *
eng_build_dup_value_bytes (EngBuild *self)
{
  guint64 *bytes = g_new0 (guint64, MAX (rt_graph_n_values (self->graph), 1));

  for (guint i = 0; i < self->n_tensors; i++)
    {
      RtValueId id
          = kn_sparse_base (self->dtypes[i]) >= 0
                ? rt_graph_find_value (self->graph, eng_model_get_tensor (self->model, i)->name)
                : RT_NONE;
      if (id == RT_NONE)
        continue;
      const RtShape *shape = &rt_graph_value (self->graph, id)->shape;
      bytes[id]
          = eng_build_weight_bytes (self, i, (guint64)shape->dims[0], (guint64)shape->dims[1]);
    }
  return bytes;
}

/* A matrix that a pass made (a constant in another order) is packed as it is. */
static RtWeight *
pack_extra (EngBuild *self, const RtValue *value, RtError *rt_error)
{
  guint64 n_cols = 1;
  for (guint d = 1; d < value->shape.n_dims; d++)
    n_cols *= (guint64)value->shape.dims[d];
  RtWeight *weight
      = rt_weight_pack (value->type, value->type, value->data, value->data_bytes,
                        (guint64)value->shape.dims[0], n_cols, self->pool, NULL, rt_error);
  if (weight == NULL)
    {
      rt_fail_prefix (rt_error, "%s", value->name);
      return NULL;
    }
  if (self->extra == NULL)
    self->extra = g_ptr_array_new_with_free_func ((GDestroyNotify)rt_weight_unref);
  g_ptr_array_add (self->extra, weight);
  return weight;
}

gboolean
eng_build_pack_extra (EngBuild *self, RtWeight **by_value, RtError *rt_error)
{
  for (RtNodeId i = 0; i < rt_graph_n_nodes (self->graph); i++)
    {
      const RtNode *node = rt_graph_node (self->graph, i);
      for (guint k = 0; k < node->n_inputs; k++)
        {
          RtValueId id = node->inputs[k];
          if (!is_extra (self->graph, node, k) || by_value[id] != NULL)
            continue;
          by_value[id] = pack_extra (self, rt_graph_value (self->graph, id), rt_error);
          if (by_value[id] == NULL)
            return FALSE;
        }
    }
  return TRUE;
}
