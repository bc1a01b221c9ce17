/* Technique: the weights of attention in few bits, and what their rounding takes off on average put
 * back. */
#include "techniques/eng-techniques.h"

#include <string.h>

#include "eng-error.h"
#include "eng-softmax-bias.h"
#include "ops/rt-ops.h"
#include "rt-surgery.h"

#define ID "softmax"
#define BITS "bits"
#define CORRECTION "correction"
#define EXACT 32 /* nothing is rounded */

static const EngChoice bits[] = {
  { "exact", "Exact", "weights in float" },
  { "8", "8 bits", "256 levels between 0 and the largest weight of a chunk" },
  { "6", "6 bits", "64 levels" },
  { "4", "4 bits", "16 levels: most weights become 0" },
  { NULL },
};

static const EngParam params[] = {
  { .id = BITS,
    .title = "Attention weights",
    .summary = "How finely the weights that attention gives to earlier tokens are kept.",
    .kind = ENG_PARAM_CHOICE,
    .per_layer = TRUE,
    .choices = bits,
    .default_choice = "exact" },
  { .id = CORRECTION,
    .title = "Bias correction",
    .summary = "Add to every weight what rounding takes off on average, by block and head, as "
               "measured on the calibration text: no work at run time.",
    .kind = ENG_PARAM_SWITCH,
    .default_value = 1,
    .min = 0,
    .max = 1,
    .step = 1 },
};

/* ---- what is wanted ---- */

static guint
layer_bits (EngRecipe *recipe, guint layer)
{
  g_autofree char *name = g_strdup_printf ("blk.%u.attn_output.weight", layer);
  g_autofree char *choice = eng_recipe_get_string (recipe, ID, BITS, name);
  return strcmp (choice, "exact") == 0 ? EXACT : (guint)g_ascii_strtoull (choice, NULL, 10);
}

static gboolean
any_layer (EngModel *model, EngRecipe *recipe)
{
  for (guint i = 0; i < eng_model_get_n_layers (model); i++)
    if (layer_bits (recipe, i) != EXACT)
      return TRUE;
  return FALSE;
}

static gboolean
corrects (EngRecipe *recipe)
{
  g_autoptr (GVariant) value = eng_recipe_get (recipe, ID, CORRECTION, NULL);
  return g_variant_get_boolean (value);
}

/* ---- the graph ---- */

/* Heads of the block in the file, where blocks may differ; @otherwise: it has none. */
static guint
heads_in_file (EngModel *model, guint layer, guint otherwise)
{
  const RtGraph *graph = eng_model_get_graph (model);
  g_autofree char *name = g_strdup_printf ("blk.%u.attn", layer);
  RtNodeId id = rt_graph_find_node (graph, name);

  if (id == RT_NONE || rt_graph_node (graph, id)->op != &rt_op_attention)
    return otherwise;
  return MIN (((const RtAttentionAttrs *)rt_graph_node (graph, id)->attrs)->n_heads, otherwise);
}

/* Heads are those of the file; where some are gone, the others cannot be told and share the block's
 * mean. */
static gboolean
set_biases (const EngSoftmaxBias *bias, EngModel *model, guint layer, guint n_bits,
            RtAttentionAttrs *attrs)
{
  double mean = 0;
  guint n_heads = heads_in_file (model, layer, bias->n_heads);
  gboolean same = attrs->n_heads == n_heads;

  for (guint h = 0; h < n_heads; h++)
    mean += eng_softmax_bias_lost (bias, layer, h, n_bits) / n_heads;
  for (guint h = 0; h < MIN (attrs->n_heads, RT_ATTENTION_MAX_HEADS); h++)
    attrs->softmax_bias[h] = (float)(same ? eng_softmax_bias_lost (bias, layer, h, n_bits) : mean);
  return same;
}

static RtGraph *
round_weights (EngLowering *lowering, const RtGraph *source, const EngSoftmaxBias *bias,
               RtError *rt_error)
{
  RtSurgery *surgery = rt_surgery_new (source, rt_error);
  gboolean pruned = FALSE;

  for (RtNodeId i = 0; surgery != NULL && i < rt_graph_n_nodes (source); i++)
    {
      const RtNode *node = rt_graph_node (source, i);
      guint n_bits = node->op == &rt_op_attention && node->layer >= 0
                         ? layer_bits (lowering->recipe, (guint)node->layer)
                         : EXACT;
      RtAttentionAttrs *attrs = n_bits != EXACT ? rt_surgery_attrs (surgery, i) : NULL;
      if (attrs == NULL)
        continue;
      attrs->softmax_levels = eng_softmax_levels (n_bits);
      if (bias != NULL && (guint)node->layer < bias->n_layers)
        pruned |= !set_biases (bias, lowering->model, (guint)node->layer, n_bits, attrs);
    }
  if (pruned)
    eng_lowering_note (lowering, "Softmax: heads were pruned; those that are left share the mean "
                                 "correction of their block");
  return surgery != NULL ? rt_surgery_finish (surgery, rt_error) : NULL;
}

static RtGraph *
transform (EngLowering *lowering, const RtGraph *source, GError **error)
{
  const EngSoftmaxBias *bias = NULL;
  RtError rt_error = { 0 };

  if (!any_layer (lowering->model, lowering->recipe))
    return NULL;
  if (corrects (lowering->recipe) && !lowering->is_sketch)
    {
      bias = eng_softmax_bias_load (lowering->model, lowering->recipe, lowering->job, error);
      if (bias == NULL)
        return NULL;
    }
  RtGraph *graph = round_weights (lowering, source, bias, &rt_error);
  if (graph == NULL)
    eng_error_take_rt (&rt_error, error);
  return graph;
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  return TRUE; /* all of it is in the graph */
}

static char *
applies (EngModel *model)
{
  guint n_heads;

  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return g_strdup ("a network has no attention over earlier tokens");
  n_heads = eng_model_get_params (model)->n_heads;
  if (n_heads > RT_ATTENTION_MAX_HEADS)
    return g_strdup_printf ("it has %u heads, and corrections are kept for at most %d", n_heads,
                            RT_ATTENTION_MAX_HEADS);
  return NULL;
}

static gboolean
matters (EngRecipe *recipe, const EngParam *param)
{
  g_autofree char *all = eng_recipe_get_string (recipe, ID, BITS, NULL);
  return strcmp (param->id, CORRECTION) != 0 || strcmp (all, "exact") != 0
         || eng_recipe_n_rules (recipe, ID) > 0;
}

/* ---- words ---- */

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE || layer < 0
      || layer >= (int)eng_model_get_n_layers (model))
    return NULL;
  guint n_bits = layer_bits (recipe, (guint)layer);
  if (n_bits == EXACT)
    return NULL;
  const EngSoftmaxBias *bias = eng_softmax_bias_peek (model, recipe);
  if (bias == NULL)
    return g_strdup_printf (
        "Weights are whole numbers of 1/%.0f of the largest of their 128 positions.%s Values are "
        "multiplied with them in float: nothing gets faster here.",
        (double)eng_softmax_levels (n_bits),
        corrects (recipe) ? " What rounding takes off is measured when it is built." : "");
  double lost = 0, weight = 0;
  guint n_heads = heads_in_file (model, (guint)layer, bias->n_heads);
  for (guint h = 0; h < n_heads; h++)
    {
      lost += eng_softmax_bias_lost (bias, (guint)layer, h, n_bits);
      weight += bias->mean[(guint)layer * bias->n_heads + h];
    }
  return g_strdup_printf (
      "Weights are whole numbers of 1/%.0f of the largest of their 128 positions: on %u tokens of "
      "calibration text rounding changes their sum by %+.3f %%%s. Values are multiplied with them "
      "in float: nothing gets faster here.",
      (double)eng_softmax_levels (n_bits), bias->n_tokens, weight > 0 ? -100 * lost / weight : 0,
      corrects (recipe) ? ", which the correction puts back on average" : "");
}

static char *
describe (EngRecipe *recipe)
{
  g_autofree char *all = eng_recipe_get_string (recipe, ID, BITS, NULL);
  const char *how = corrects (recipe) ? "" : ", uncorrected";

  if (strcmp (all, "exact") != 0)
    return g_strdup_printf ("%s-bit softmax%s", all, how);
  return eng_recipe_n_rules (recipe, ID) > 0 ? g_strdup_printf ("rounded softmax by layer%s", how)
                                             : NULL;
}

const EngTechnique eng_technique_softmax = {
  .id = ID,
  .title = "Softmax",
  .group = "Quantization",
  .summary = "Attention weights in 8 bits or fewer, as integer hardware has them: small weights "
             "become 0, and their sum shrinks unless the mean is put back; accuracy is lost and, "
             "on this engine, no time is won.",
  .papers = "Pandey et al. 2023, Softmax Bias Correction for Quantized Generative Models",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .lossy = TRUE,
  .applies = applies,
  .matters = matters,
  .transform = transform,
  .apply = apply,
  .explain = explain,
  .describe = describe,
};
