/* The identity of a build: all that its results and its speed follow from, as one checksum. Called
 * by eng-build.c at the end. */
#include "eng-build-private.h"

#include "eng-draft.h"
#include "eng-model-private.h"
#include "ops/rt-ops.h"

/* Constants that passes have made are part of what is built; those of the file are in its
 * identity. */
static void
add_made_constant (EngBuild *self, RtValueId id, GString *text)
{
  const RtValue *value = rt_graph_value (self->graph, id);
  const RtGraph *source = eng_build_get_source_graph (self);

  if (value->kind != RT_VALUE_WEIGHT || source == self->graph)
    return;
  RtValueId from = rt_graph_find_value (source, value->name);
  if (from != RT_NONE && rt_graph_value (source, from)->data == value->data)
    return;
  g_autofree char *sum
      = g_compute_checksum_for_data (G_CHECKSUM_SHA256, value->data, value->data_bytes);
  g_string_append_printf (text, "constant %s %s\n", value->name, sum);
}

/* What transforms made of the weights' shapes; other shapes are in the model's identity. */
static void
add_shapes (EngBuild *self, GString *text)
{
  for (guint32 i = 0; i < rt_graph_n_values (self->graph); i++)
    {
      const RtValue *value = rt_graph_value (self->graph, i);
      char shape[64];
      if (value->kind == RT_VALUE_WEIGHT)
        g_string_append_printf (text, "shape %s %s\n", value->name,
                                rt_shape_text (&value->shape, shape, sizeof shape));
    }
}

/* Attributes that techniques set to numbers; all others follow from the recipe's formats and
 * fusions. */
static void
add_softmax (const RtAttentionAttrs *attrs, GString *text)
{
  if (attrs->softmax_levels == 0)
    return;
  g_string_append_printf (text, " softmax %a", (double)attrs->softmax_levels);
  for (guint i = 0; i < MIN (attrs->n_heads, RT_ATTENTION_MAX_HEADS); i++)
    g_string_append_printf (text, " %a", (double)attrs->softmax_bias[i]);
}

/* The same inputs give the same text on every machine of one instruction set, and so the
 * same hash. */
void
eng_build_make_hash (EngBuild *self, const EngLowering *lowering)
{
  g_autoptr (GString) text = g_string_new ("lathe build 1\n");
  char cache[KN_KV_NAME_BYTES];

  g_string_append_printf (text, "engine %s\nisa %s\nmodel %s\n", LATHE_VERSION,
                          eng_build_get_isa (self), eng_model_get_identity (self->model));
  if (lowering->n_outputs > 1)
    {
      g_autofree char *plan = eng_draft_dup_key (self->recipe);
      g_string_append_printf (text, "outputs %u %s\n", lowering->n_outputs, plan);
    }
  if (self->drafter != NULL)
    g_string_append_printf (text, "drafter %s\n", self->drafter->hash);
  g_string_append_printf (text, "threads %u\ncache %s %u\nplanner %d\n", lowering->n_threads,
                          kn_kv_name (lowering->kv_format, cache), lowering->n_ctx,
                          (int)lowering->planner);
  for (guint i = 0; i < self->n_tensors; i++)
    g_string_append_printf (text, "weight %s %s%s%s\n", eng_model_get_tensor (self->model, i)->name,
                            kn_dtype_info (self->dtypes[i])->name, self->keys[i] != NULL ? " " : "",
                            self->keys[i] != NULL ? self->keys[i] : "");
  if (self->source != eng_build_get_source_graph (self))
    add_shapes (self, text);
  for (guint32 i = 0; i < rt_graph_n_nodes (self->graph); i++)
    {
      const RtNode *node = rt_graph_node (self->graph, i);
      g_string_append_printf (text, "node %s %s %d", node->name, node->op->name, node->layer);
      for (guint32 k = 0; k < node->n_inputs; k++)
        g_string_append_printf (text, " %d", (int)node->inputs[k]);
      for (guint32 k = 0; k < node->op->n_outputs; k++)
        g_string_append_printf (text, " >%d", (int)node->outputs[k]);
      if (node->op == &rt_op_attention)
        add_softmax (node->attrs, text);
      g_string_append_c (text, '\n');
    }
  for (guint32 i = 0; i < rt_graph_n_values (self->graph); i++)
    {
      const RtQuant *quant = rt_graph_value (self->graph, i)->quant;
      for (guint32 k = 0; quant != NULL && k < quant->n; k++)
        g_string_append_printf (text, "quant %u %a %d\n", i, (double)quant->scales[k],
                                quant->zero_points[k]);
      add_made_constant (self, i, text);
    }
  self->hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text->str, (gssize)text->len);
}
