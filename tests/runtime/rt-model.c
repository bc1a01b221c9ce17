/* See rt-model.h. */
#include "rt-model.h"

#include <stdlib.h>
#include <string.h>

/* Whether some node of @graph reads @id as a matrix; embeddings of untied tables stay in the file.
 */
static bool
is_matrix (const RtGraph *graph, RtValueId id)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      for (uint32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] == id && rt_op_input_is (node->op->matrix_inputs, i))
          return true;
    }
  return false;
}

static int
choose_format (RtModel *model, const RtValue *value, int wanted)
{
  int format = wanted < 0 ? value->type : wanted;
  if ((uint64_t)value->shape.dims[1] % kn_dtype_info (format)->block_len == 0)
    return format;
  model->n_fallbacks++;
  return KN_F16;
}

static bool
pack_weights (RtModel *model, const int *dtypes, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (model->graph);

  model->weights = calloc (n_values + 1, sizeof *model->weights);
  for (RtValueId id = 0; id < n_values; id++)
    {
      const RtValue *value = rt_graph_value (model->graph, id);
      RtValueId old = rt_graph_find_value (model->source, value->name);
      if (value->kind != RT_VALUE_WEIGHT || dtypes[old] < 0)
        continue;
      model->weights[id]
          = rt_weight_pack (dtypes[old], value->type, value->data, value->data_bytes,
                            (uint64_t)value->shape.dims[0], (uint64_t)value->shape.dims[1],
                            model->pool, NULL, error);
      if (model->weights[id] == NULL)
        return rt_fail_prefix (error, "%s", value->name);
    }
  return true;
}

static bool
lower (RtModel *model, const RtModelConfig *config, RtError *error)
{
  uint32_t n_values = rt_graph_n_values (model->source);
  int *dtypes = calloc (n_values + 1, sizeof *dtypes);

  for (RtValueId id = 0; id < n_values; id++)
    {
      const RtValue *value = rt_graph_value (model->source, id);
      dtypes[id] = value->kind == RT_VALUE_WEIGHT && is_matrix (model->source, id)
                       ? choose_format (model, value, config->format)
                       : -1;
    }
  model->graph = rt_fuse (model->source, dtypes, config->fusions, error);
  bool ok = model->graph != NULL && pack_weights (model, dtypes, error);
  free (dtypes);
  return ok;
}

bool
rt_model_open (RtModel *model, const RtModelConfig *config, RtError *error)
{
  memset (model, 0, sizeof *model);
  model->gguf = config->path != NULL ? rt_gguf_open (config->path, error)
                                     : rt_gguf_open_bytes (config->bytes, config->n_bytes, error);
  if (model->gguf == NULL || !rt_arch_params (model->gguf, &model->params, error))
    return false;
  model->source = rt_arch_build (model->gguf, &model->params, error);
  model->pool = rt_pool_new (config->n_threads > 0 ? config->n_threads : 1, error);
  if (model->source == NULL || model->pool == NULL || !lower (model, config, error))
    return false;

  RtExecConfig exec = { .graph = model->graph,
                        .weights = model->weights,
                        .pool = model->pool,
                        .kernels = config->kernels,
                        .max_symbols = { config->max_tokens > 0 ? config->max_tokens : 128,
                                         config->max_outputs > 0 ? config->max_outputs : 1 },
                        .kv_format = config->kv_format,
                        .kv_capacity = config->kv_capacity > 0 ? config->kv_capacity : 256,
                        .use_reference = config->use_reference };
  model->exec = rt_exec_new (&exec, error);
  return model->exec != NULL;
}

void
rt_model_close (RtModel *model)
{
  rt_exec_free (model->exec);
  for (RtValueId id = 0; model->weights != NULL && id < rt_graph_n_values (model->graph); id++)
    rt_weight_unref (model->weights[id]);
  free (model->weights);
  rt_graph_free (model->graph);
  rt_graph_free (model->source);
  rt_pool_free (model->pool);
  rt_gguf_close (model->gguf);
  memset (model, 0, sizeof *model);
}

int32_t
rt_model_argmax (const float *logits, uint32_t n)
{
  uint32_t best = 0;
  for (uint32_t i = 1; i < n; i++)
    if (logits[i] > logits[best])
      best = i;
  return (int32_t)best;
}
