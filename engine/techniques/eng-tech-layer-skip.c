/* Technique: blocks of a language model that are left out: by rules, and by how little they change
 * what flows past them. Lists for a text are searched in eng-drop-search.c. */
#include "eng-layer-skip.h"

#include <math.h>
#include <string.h>

#include "eng-activations.h"
#include "eng-error.h"
#include "eng-figure.h"
#include "ops/rt-ops.h"
#include "rt-surgery.h"
#include "techniques/eng-techniques.h"

#define ID "layer-skip"
#define SKIP "skip"
#define COUNT "count"
#define MAX_BLOCKS 1000

static const EngParam params[] = {
  { .id = SKIP,
    .title = "Skip",
    .summary = "Leave out what matches: \"blk.7.*\" is block 7, \"blk.7.attn*\" its attention, "
               "\"blk.7.ffn*\" its feed-forward part.",
    .kind = ENG_PARAM_SWITCH,
    .per_layer = TRUE,
    .default_value = 0,
    .min = 0,
    .max = 1,
    .step = 1 },
  { .id = COUNT,
    .title = "Blocks by importance",
    .summary = "That many more blocks are left out: those that turn the stream of activations "
               "least on the calibration text.",
    .unit = "blocks",
    .kind = ENG_PARAM_INT,
    .default_value = 0,
    .min = 0,
    .max = MAX_BLOCKS,
    .step = 1 },
};

/* ---- which ---- */

gboolean
eng_layer_skip_is_skipped (EngRecipe *recipe, guint block, EngBlockPart part)
{
  g_autofree char *name
      = g_strdup_printf ("blk.%u.%s.weight", block,
                         part == ENG_BLOCK_ATTENTION ? "attn_output" : "ffn_down");
  g_autoptr (GVariant) value = eng_recipe_get (recipe, ID, SKIP, name);
  return g_variant_get_boolean (value);
}

guint
eng_layer_skip_choose (const double *importance, const gboolean *taken, guint n, guint count,
                       gboolean *chosen)
{
  guint done = 0;

  memset (chosen, 0, n * sizeof *chosen);
  while (done < count)
    {
      guint best = n;
      for (guint i = 0; i < n; i++)
        if (!chosen[i] && (taken == NULL || !taken[i])
            && (best == n || importance[i] <= importance[best]))
          best = i;
      if (best == n)
        break;
      chosen[best] = TRUE;
      done++;
    }
  return done;
}

/* Both parts of every block: [2 n_blocks], attention first. */
static gboolean *
skipped_by_rules (EngModel *model, EngRecipe *recipe)
{
  guint n = eng_model_get_n_layers (model);
  gboolean *skipped = g_new0 (gboolean, 2 * n + 1);

  for (guint i = 0; i < n; i++)
    {
      skipped[2 * i] = eng_layer_skip_is_skipped (recipe, i, ENG_BLOCK_ATTENTION);
      skipped[2 * i + 1] = eng_layer_skip_is_skipped (recipe, i, ENG_BLOCK_FEED_FORWARD);
    }
  return skipped;
}

/* How far a block turns the stream: 1 - cosine of what goes in and what comes out (block influence,
 * Men et al. 2024, ShortGPT, eq. 1). */
static void
read_importance (EngActivations *activations, guint n, double *importance)
{
  double change;

  for (guint i = 0; i < n; i++)
    {
      importance[i] = INFINITY;
      if (eng_activations_get_block (activations, (int)i, &importance[i], &change))
        importance[i] = 1 - importance[i];
    }
}

/* All blocks of a model have the same shapes, so before the calibration has run any will do for a
 * sketch: those from the middle on, where importance is mostly least. */
static void
guess_importance (guint n, double *importance)
{
  for (guint i = 0; i < n; i++)
    importance[i] = fabs ((double)i - 0.6 * n);
}

/* Those by importance on top of those by rules. */
static gboolean
add_by_importance (EngLowering *lowering, gboolean *skipped, GError **error)
{
  guint n = eng_model_get_n_layers (lowering->model);
  gint64 count = eng_recipe_get_int (lowering->recipe, ID, COUNT);
  g_autofree double *importance = g_new (double, n + 1);
  g_autofree gboolean *taken = g_new (gboolean, n + 1), *chosen = g_new (gboolean, n + 1);
  g_autoptr (GString) list = g_string_new (NULL);

  if (count == 0)
    return TRUE;
  g_autoptr (EngActivations) activations
      = lowering->is_sketch
            ? eng_activations_peek (lowering->model, lowering->recipe, TRUE)
            : eng_lowering_get_activations (lowering, ENG_ACTIVATIONS_CHANNELS, error);
  if (activations != NULL)
    read_importance (activations, n, importance);
  else if (lowering->is_sketch)
    guess_importance (n, importance);
  else
    return FALSE;
  for (guint i = 0; i < n; i++)
    taken[i] = skipped[2 * i] && skipped[2 * i + 1];
  eng_layer_skip_choose (importance, taken, n, (guint)count, chosen);
  for (guint i = 0; i < n; i++)
    {
      if (!chosen[i])
        continue;
      skipped[2 * i] = skipped[2 * i + 1] = TRUE;
      g_string_append_printf (list, "%s%u (%.3f)", list->len > 0 ? ", " : "", i, importance[i]);
    }
  if (activations == NULL)
    eng_lowering_note (lowering, "Layer skip: which blocks go is known when the calibration text "
                                 "has run; the estimate takes some of the same size");
  else
    eng_lowering_note (lowering, "Layer skip: the text turns least in blocks %s (1 - cosine)",
                       list->str);
  return TRUE;
}

/* ---- the graph ---- */

/* Readers of the sum at the end of a part read what went into the part. */
static gboolean
skip_part (RtSurgery *surgery, const RtGraph *graph, guint block, const char *sum)
{
  g_autofree char *name = g_strdup_printf ("blk.%u.%s", block, sum);
  RtNodeId id = rt_graph_find_node (graph, name);

  if (id == RT_NONE)
    return FALSE;
  const RtNode *node = rt_graph_node (graph, id);
  rt_surgery_reroute (surgery, node->outputs[0], node->inputs[0]);
  return TRUE;
}

/* Blocks that keep their attention move up in the cache: the others need no room there. */
static void
number_cache (RtSurgery *surgery, const RtGraph *graph, const gboolean *skipped, guint n)
{
  guint32 next = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("blk.%u.attn", i);
      RtNodeId id = rt_graph_find_node (graph, name);
      if (skipped[2 * i] || id == RT_NONE)
        continue;
      RtAttentionAttrs *attrs = rt_surgery_attrs (surgery, id);
      if (attrs != NULL)
        attrs->kv_layer = next++;
    }
}

static gboolean
check_some_left (const RtGraph *graph, const gboolean *skipped, guint n, gboolean *any,
                 GError **error)
{
  gboolean has_attention = FALSE;

  *any = FALSE;
  for (guint i = 0; i < n; i++)
    {
      *any |= skipped[2 * i] || skipped[2 * i + 1];
      g_autofree char *name = g_strdup_printf ("blk.%u.attn", i);
      has_attention |= !skipped[2 * i] && rt_graph_find_node (graph, name) != RT_NONE;
    }
  if (*any && !has_attention)
    g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                 "Layer skip would leave out the attention of all %u blocks: a model that sees one "
                 "token only is none. Keep at least one block.",
                 n);
  return !*any || has_attention;
}

static RtGraph *
transform (EngLowering *lowering, const RtGraph *source, GError **error)
{
  guint n = eng_model_get_n_layers (lowering->model);
  g_autofree gboolean *skipped = skipped_by_rules (lowering->model, lowering->recipe);
  RtError rt_error = { 0 };
  gboolean any;

  if (!add_by_importance (lowering, skipped, error)
      || !check_some_left (source, skipped, n, &any, error) || !any)
    return NULL;
  RtSurgery *surgery = rt_surgery_new (source, &rt_error);
  for (guint i = 0; surgery != NULL && i < n; i++)
    {
      if (skipped[2 * i])
        skip_part (surgery, source, i, "attn_add");
      if (skipped[2 * i + 1])
        skip_part (surgery, source, i, "ffn_add");
    }
  if (surgery != NULL)
    number_cache (surgery, source, skipped, n);
  RtGraph *graph = surgery != NULL ? rt_surgery_finish (surgery, &rt_error) : NULL;
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
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return g_strdup ("a network's layers change shapes: none can be left out");
  if (eng_model_get_n_layers (model) < 2)
    return g_strdup ("a model of one block has none to spare");
  if (!eng_model_has_block_node (model, "attn_add") && !eng_model_has_block_node (model, "ffn_add"))
    return g_strdup ("its blocks are not sums that can be left out");
  return NULL;
}

static void
limits (EngModel *model, const EngParam *param, double *min, double *max, double *default_value)
{
  if (model != NULL && strcmp (param->id, COUNT) == 0)
    *max = MAX (1, eng_model_get_n_layers (model)) - 1;
}

/* ---- words ---- */

/* Weights of the layer that a part holds. */
static double
part_weights (EngModel *model, int layer, EngBlockPart part)
{
  double n = 0;
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      gboolean is_attention = strstr (tensor->name, ".attn_") != NULL;
      if (tensor->layer == layer && is_attention == (part == ENG_BLOCK_ATTENTION))
        n += (double)tensor->n_rows * (double)tensor->n_cols;
    }
  return n;
}

/* Of a block that no rule skips: where it stands among those that importance may take. */
static char *
explain_importance (EngModel *model, EngRecipe *recipe, int layer, gint64 count)
{
  guint n = eng_model_get_n_layers (model);
  g_autoptr (EngActivations) activations = eng_activations_peek (model, recipe, FALSE);
  g_autofree double *importance = g_new (double, n + 1);
  g_autofree gboolean *skipped = skipped_by_rules (model, recipe);
  g_autofree gboolean *taken = g_new (gboolean, n + 1), *chosen = g_new (gboolean, n + 1);

  if (activations == NULL)
    return g_strdup_printf ("Not calibrated yet: whether it is one of the %" G_GINT64_FORMAT
                            " blocks that go is known after that.",
                            count);
  read_importance (activations, n, importance);
  for (guint i = 0; i < n; i++)
    taken[i] = skipped[2 * i] && skipped[2 * i + 1];
  eng_layer_skip_choose (importance, taken, n, (guint)count, chosen);
  guint rank = 1;
  for (guint i = 0; i < n; i++)
    rank += importance[i] < importance[layer];
  return g_strdup_printf (
      "%s: it turns the stream by %.1f degrees on the calibration text, rank %u of %u from the "
      "least.",
      chosen[layer] ? "Left out" : "Kept", acos (CLAMP (1 - importance[layer], -1, 1)) * 180 / G_PI,
      rank, n);
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  static const char *const names[] = { "Attention", "Feed-forward part", "Block" };
  double gone = 0;
  guint which = 0;

  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE || layer < 0
      || layer >= (int)eng_model_get_n_layers (model))
    return NULL;
  for (guint k = 0; k < 2; k++)
    if (eng_layer_skip_is_skipped (recipe, (guint)layer, (EngBlockPart)k))
      {
        gone += part_weights (model, layer, (EngBlockPart)k);
        which += k + 1;
      }
  gint64 count = eng_recipe_get_int (recipe, ID, COUNT);
  if (which == 0)
    return count > 0 ? explain_importance (model, recipe, layer, count) : NULL;
  g_autofree char *weights = eng_format_value (gone, NULL);
  return g_strdup_printf ("%s left out: %s weights, %.1f %% of the model's, are neither kept nor "
                          "read; the stream passes by unchanged.",
                          names[which - 1], weights,
                          100 * gone / (double)eng_model_get_n_params (model));
}

static char *
describe (EngRecipe *recipe)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gint64 count = eng_recipe_get_int (recipe, ID, COUNT);
  guint n_rules = 0;

  for (guint i = 0; i < eng_recipe_n_rules (recipe, ID); i++)
    n_rules += g_variant_get_boolean (eng_recipe_get_rule (recipe, ID, i).value);
  if (n_rules > 0)
    g_string_append_printf (text, "%u skipped part%s", n_rules, n_rules == 1 ? "" : "s");
  if (count > 0)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT " block%s skipped by importance",
                            text->len > 0 ? ", " : "", count, count == 1 ? "" : "s");
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

const EngTechnique eng_technique_layer_skip = {
  .id = ID,
  .title = "Layer skip",
  .group = "Pruning",
  .summary = "Whole blocks, or halves of them, are left out: time and memory fall in proportion on "
             "every machine, and the loss rises with every block, quickly after the first few.",
  .papers = "Hu et al. 2024, TrimLLM: Progressive Layer Dropping for Domain-Specific LLMs; "
            "Del Corro et al. 2023, SkipDecode: Autoregressive Skip Decoding with Batching and "
            "Caching for Efficient LLM Inference",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .lossy = TRUE,
  .in_file = TRUE, /* a saved file has no such blocks any more */
  .applies = applies,
  .limits = limits,
  .transform = transform,
  .apply = apply,
  .explain = explain,
  .describe = describe,
};
