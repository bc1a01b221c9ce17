/* What one recipe's measurement says of another: the local error and the sensitivity of a layer
 * depend on how that layer is changed and on nothing else. Called by eng-sensitivity.c. */
#include "eng-build-private.h"
#include "eng-history-private.h"
#include "eng-model-private.h"
#include "eng-sensitivity-private.h"
#include "kn-attn.h"
#include "ops/rt-ops.h"

/* Whether a node of @layer reads @tensor. */
static gboolean
reads (EngBuild *build, int layer, const EngTensor *tensor)
{
  const RtGraph *graph = eng_build_get_graph (build);
  RtValueId id = rt_graph_find_value (graph, tensor->name);

  for (RtNodeId n = 0; id != RT_NONE && n < rt_graph_n_nodes (graph); n++)
    {
      const RtNode *node = rt_graph_node (graph, n);
      for (guint i = 0; node->layer == layer && i < node->n_inputs; i++)
        if (node->inputs[i] == id)
          return TRUE;
    }
  return FALSE;
}

static void
add_softmax (const RtAttentionAttrs *attrs, GString *text)
{
  if (attrs->softmax_levels == 0)
    return;
  g_string_append_printf (text, "softmax %a", (double)attrs->softmax_levels);
  for (guint i = 0; i < MIN (attrs->n_heads, RT_ATTENTION_MAX_HEADS); i++)
    g_string_append_printf (text, " %a", (double)attrs->softmax_bias[i]);
  g_string_append_c (text, '\n');
}

char *
eng_sensitivity_dup_layer_key (EngBuild *build, const EngSensitivityConfig *config, int layer)
{
  EngModel *model = eng_build_get_model (build);
  g_autoptr (GString) text = g_string_new ("lathe layer alone 1\n");

  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE || config->by_matrix || config->text == NULL)
    return NULL;
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, config->text, -1);
  char cache[KN_KV_NAME_BYTES];
  g_string_append_printf (text, "engine %s\nmodel %s\ntext %s\nwindow %u\nlayer %d\ncache %s\n",
                          LATHE_VERSION, eng_model_get_identity (model), hash,
                          config->n_tokens > 0 ? config->n_tokens : ENG_SENSITIVITY_TOKENS, layer,
                          kn_kv_name (build->kv_format, cache));
  for (RtNodeId n = 0; n < rt_graph_n_nodes (eng_build_get_graph (build)); n++)
    {
      const RtNode *node = rt_graph_node (eng_build_get_graph (build), n);
      if (node->op == &rt_op_attention && node->layer == layer)
        add_softmax (node->attrs, text);
    }
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      if (reads (build, layer, tensor))
        {
          g_string_append_printf (text, "%s %d\n", tensor->name,
                                  eng_build_get_dtype (build, tensor));
          if (build->keys[i] != NULL) /* what techniques make of its numbers */
            g_string_append_printf (text, "%s\n", build->keys[i]);
        }
    }
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text->str, (gssize)text->len);
}

typedef struct
{
  EngLayerTable *table;
  GHashTable *by_name; /* name -> unit + 1 */
  int layer;
} Borrowing;

static void
borrow (const char *unit, int layer, const char *numbers, gpointer data)
{
  Borrowing *self = data;
  guint index = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_name, unit));
  EngLayerUnit record;

  if (index > 0 && layer == self->layer && eng_layer_unit_from_text (numbers, &record))
    eng_layer_table_borrow (self->table, index - 1, layer, &record);
}

gboolean
eng_sensitivity_borrow (EngBuild *build, const EngSensitivityConfig *config, EngHistory *history,
                        EngUnits *units, EngLayerTable *table, GError **error)
{
  g_autoptr (GHashTable) by_name = g_hash_table_new (g_str_hash, g_str_equal);
  Borrowing borrowing = { table, by_name, 0 };

  for (guint i = 0; i < units->n; i++)
    g_hash_table_insert (by_name, units->names[i], GUINT_TO_POINTER (i + 1));
  for (int layer = -1; layer <= (int)eng_model_get_n_layers (eng_build_get_model (build)); layer++)
    {
      g_autofree char *key = eng_sensitivity_dup_layer_key (build, config, layer);
      borrowing.layer = layer;
      if (key == NULL)
        return TRUE;
      if (!eng_history_read_layer_units (history, key, borrow, &borrowing, error))
        return FALSE;
    }
  return TRUE;
}
