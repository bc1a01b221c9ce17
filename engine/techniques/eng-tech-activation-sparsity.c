/* Technique: inputs of the feed-forward blocks' last product that are near zero count as zero, and
 * of a decoded token the weights that they would meet are not read (kn-skip.h, rt-ops-skip.h). */
#include "techniques/eng-techniques.h"

#include <math.h>
#include <string.h>

#include "eng-activations.h"
#include "eng-error.h"
#include "eng-figure.h"
#include "eng-recipe-private.h"
#include "eng-worth.h"
#include "kn-quant.h"
#include "ops/rt-ops-skip.h"
#include "ops/rt-ops.h"
#include "rt-surgery.h"

#define ID "activation-sparsity"
#define SHARE "share"
#define THRESHOLDS "thresholds"
#define PER_CHANNEL "per-channel"

/* Points of each channel's distribution that a common threshold is searched in. */
#define N_POINTS 24

static const EngChoice choices[] = {
  { PER_CHANNEL, "Per channel",
    "what falls is what adds least to the output: |x| times the length of the channel's weights" },
  { "uniform", "Uniform", "one |x| for all channels of a layer" },
  { NULL },
};

static const EngParam params[] = {
  { .id = SHARE,
    .title = "Inputs taken as zero",
    .summary = "That share of the inputs of the feed-forward blocks' last product, on the "
               "calibration text; 0: none.",
    .unit = "%",
    .kind = ENG_PARAM_REAL,
    .per_layer = TRUE,
    .default_value = 0,
    .min = 0,
    .max = 90,
    .step = 5 },
  { .id = THRESHOLDS,
    .title = "Thresholds",
    .summary = "What near zero means.",
    .kind = ENG_PARAM_CHOICE,
    .choices = choices,
    .default_choice = PER_CHANNEL },
};

static char *
tensor_name (guint layer)
{
  return g_strdup_printf ("blk.%u.ffn_down.weight", layer);
}

/* 0..1. */
static double
share_of (EngRecipe *recipe, const char *tensor)
{
  g_autoptr (GVariant) value = eng_recipe_get (recipe, ID, SHARE, tensor);
  return g_variant_get_double (value) / 100;
}

static gboolean
is_per_channel (EngRecipe *recipe)
{
  g_autofree char *choice = eng_recipe_get_string (recipe, ID, THRESHOLDS, NULL);
  return strcmp (choice, PER_CHANNEL) == 0;
}

static gboolean
is_on (EngRecipe *recipe)
{
  return share_of (recipe, NULL) > 0 || eng_recipe_n_rules (recipe, ID) > 0;
}

static char *
applies (EngModel *model)
{
  g_autofree char *first = tensor_name (0);

  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return g_strdup ("only the feed-forward blocks of language models");
  if (rt_graph_find_value (eng_model_get_graph (model), first) == RT_NONE)
    return g_strdup ("the model has no gated feed-forward blocks");
  return NULL;
}

static gboolean
matters (EngRecipe *recipe, const EngParam *param)
{
  return strcmp (param->id, SHARE) == 0 || is_on (recipe);
}

/* ---- thresholds ---- */

/* The length of every column of the file's matrix. */
static double *
column_lengths (EngModel *model, const EngTensor *tensor)
{
  const RtValue *value = rt_graph_value (eng_model_get_graph (model), tensor->value);
  gsize row_bytes = kn_row_bytes ((KnDtype)tensor->dtype, tensor->n_cols);
  g_autofree float *row = g_new (float, tensor->n_cols);
  double *lengths = g_new0 (double, tensor->n_cols);

  for (guint64 r = 0; r < tensor->n_rows; r++)
    {
      kn_dequantize_row ((KnDtype)tensor->dtype, (const guint8 *)value->data + r * row_bytes, row,
                         tensor->n_cols);
      for (guint64 c = 0; c < tensor->n_cols; c++)
        lengths[c] += (double)row[c] * (double)row[c];
    }
  for (guint64 c = 0; c < tensor->n_cols; c++)
    lengths[c] = sqrt (lengths[c]);
  return lengths;
}

/* The share of a channel's values below @x, from its quantiles at 1, 2, .. N_POINTS of N_POINTS. */
static double
share_below (const float *quantiles, double x)
{
  double before = 0;

  for (guint i = 0; i < N_POINTS; i++)
    {
      double at = (double)quantiles[i];
      if (x < at)
        return (i + (at > before ? (x - before) / (at - before) : 0)) / N_POINTS;
      before = at;
    }
  return 1;
}

/* One T such that |x_c| * lengths[c] < T for @share of all values: bisection; thresholds T /
 * lengths[c]. */
static void
find_thresholds (const float *quantiles, const double *lengths, gsize n, double share,
                 float *thresholds)
{
  double low = 0, high = 0;

  for (gsize c = 0; c < n; c++)
    high = MAX (high, (double)quantiles[c * N_POINTS + N_POINTS - 1] * lengths[c]);
  for (guint step = 0; step < 50; step++)
    {
      double middle = (low + high) / 2, sum = 0;
      for (gsize c = 0; c < n; c++)
        sum += lengths[c] > 0 ? share_below (quantiles + c * N_POINTS, middle / lengths[c]) : 1;
      if (sum < share * (double)n)
        low = middle;
      else
        high = middle;
    }
  for (gsize c = 0; c < n; c++)
    thresholds[c] = lengths[c] > 0 ? (float)(low / lengths[c]) : INFINITY;
}

/* Numbers for one layer: [n_cols]. */
static gboolean
make_thresholds (EngLowering *lowering, const EngTensor *tensor, double share, float *thresholds,
                 GError **error)
{
  g_autoptr (EngActivations) activations
      = eng_lowering_get_activations (lowering, ENG_ACTIVATIONS_CHANNELS, error);
  gsize n = tensor->n_cols;
  float all = 0;

  if (activations == NULL)
    return FALSE;
  if (!is_per_channel (lowering->recipe))
    {
      eng_activations_get_quantile (activations, tensor->name, -1, share, &all);
      for (gsize c = 0; c < n; c++)
        thresholds[c] = all;
      return TRUE;
    }
  g_autofree double *lengths = column_lengths (lowering->model, tensor);
  g_autofree float *quantiles = g_new0 (float, n *N_POINTS);
  for (gsize c = 0; c < n; c++)
    for (guint i = 0; i < N_POINTS; i++)
      eng_activations_get_quantile (activations, tensor->name, (int)c, (i + 1.0) / N_POINTS,
                                    &quantiles[c * N_POINTS + i]);
  find_thresholds (quantiles, lengths, n, share, thresholds);
  return TRUE;
}

/* ---- the graph ---- */

static const EngTensor *
find_tensor (EngModel *model, const char *name, guint *index)
{
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    if (strcmp (eng_model_get_tensor (model, i)->name, name) == 0)
      {
        *index = i;
        return eng_model_get_tensor (model, i);
      }
  return NULL;
}

/* The plain product with the weight called @name; RT_NONE. */
static RtNodeId
find_product (const RtGraph *graph, const char *name)
{
  RtValueId weight = rt_graph_find_value (graph, name);

  for (RtNodeId i = 0; weight != RT_NONE && i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      if (node->op == &rt_op_matmul && node->n_inputs == 2
          && node->inputs[RT_MATMUL_WEIGHT] == weight)
        return i;
    }
  return RT_NONE;
}

static gboolean
replace (EngLowering *lowering, RtSurgery *surgery, const RtGraph *source, const EngTensor *tensor,
         double share, GError **error)
{
  const RtNode *node = rt_graph_node (source, find_product (source, tensor->name));
  const RtShape *shape = &rt_graph_value (source, node->inputs[RT_MATMUL_WEIGHT])->shape;
  gsize n = (gsize)shape->dims[1];
  g_autofree float *thresholds = g_new0 (float, n);
  g_autofree char *name = g_strdup_printf ("%s.thresholds", node->name);
  RtShape vector = { .n_dims = 1, .dims = { (int64_t)n } };
  RtMatmulSkipAttrs attrs = { .share = (float)share };

  if (!lowering->is_sketch && !make_thresholds (lowering, tensor, share, thresholds, error))
    return FALSE;
  RtValueId inputs[3] = { node->inputs[RT_MATMUL_X], node->inputs[RT_MATMUL_WEIGHT],
                          rt_surgery_add_weight (surgery, name, RT_TYPE_F32, &vector, thresholds,
                                                 n * sizeof *thresholds) };
  rt_surgery_insert (surgery, node->inputs[RT_MATMUL_X], node->name, node->layer,
                     &rt_op_matmul_skip, inputs, 3, &attrs, node->outputs[0]);
  return TRUE;
}

/* Whether layer @layer of @source is to skip; notes why not where it was asked to. */
static const EngTensor *
wanted (EngLowering *lowering, const RtGraph *source, guint layer, double *share)
{
  g_autofree char *name = tensor_name (layer);
  guint index = 0;
  const EngTensor *tensor = find_tensor (lowering->model, name, &index);
  RtNodeId node = tensor != NULL ? find_product (source, name) : RT_NONE;

  *share = share_of (lowering->recipe, name);
  if (*share <= 0 || node == RT_NONE)
    return NULL;
  gsize n = (gsize)rt_graph_value (source, rt_graph_node (source, node)->inputs[RT_MATMUL_WEIGHT])
                ->shape.dims[1];
  if (n != tensor->n_cols || n % KN_Q8_GROUP != 0)
    {
      eng_lowering_note (lowering, "%s: %s: all inputs count", name,
                         n != tensor->n_cols
                             ? "channels are pruned, thresholds are those of the file's"
                             : "rows are not whole groups of 32");
      return NULL;
    }
  return tensor;
}

static RtGraph *
transform (EngLowering *lowering, const RtGraph *source, GError **error)
{
  guint n = eng_model_get_n_layers (lowering->model), n_replaced = 0;
  RtError rt_error = { 0 };
  RtSurgery *surgery = is_on (lowering->recipe) ? rt_surgery_new (source, &rt_error) : NULL;
  gboolean ok = surgery != NULL;

  if (!is_on (lowering->recipe))
    return NULL;
  for (guint i = 0; ok && i < n; i++)
    {
      double share;
      const EngTensor *tensor = wanted (lowering, source, i, &share);
      if (tensor == NULL)
        continue;
      ok = replace (lowering, surgery, source, tensor, share, error);
      n_replaced++;
    }
  if (!ok || n_replaced == 0)
    {
      rt_surgery_free (surgery);
      if (rt_error.message[0] != '\0')
        eng_error_take_rt (&rt_error, error);
      return NULL;
    }
  RtGraph *graph = rt_surgery_finish (surgery, &rt_error);
  if (graph == NULL)
    eng_error_take_rt (&rt_error, error);
  return graph;
}

/* ---- formats ---- */

/* The other technique that has made @tensor's input another one; NULL. */
static const char *
scaled_by (EngLowering *lowering, guint tensor)
{
  const EngTechnique *equalization = eng_technique_find ("equalization");

  return equalization != NULL && eng_lowering_is_marked (lowering, tensor, equalization)
             ? equalization->title
             : NULL;
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  gboolean noted = FALSE;

  for (RtNodeId i = 0; is_on (lowering->recipe) && i < rt_graph_n_nodes (lowering->source); i++)
    {
      const RtNode *node = rt_graph_node (lowering->source, i);
      guint index;
      if (node->op != &rt_op_matmul_skip)
        continue;
      const char *name
          = rt_graph_value (lowering->source, node->inputs[RT_MATMUL_SKIP_WEIGHT])->name;
      find_tensor (lowering->model, name, &index);
      int dtype = lowering->dtypes[index];
      if (kn_rows_dtype ((KnDtype)dtype) == (KnDtype)dtype && dtype >= 200)
        return eng_lowering_refuse (
            error, &eng_technique_activation_sparsity, kn_dtype_info (dtype)->name,
            "both say how the feed-forward blocks' last matrices are stored");
      if (scaled_by (lowering, index) != NULL)
        return eng_lowering_refuse (error, &eng_technique_activation_sparsity,
                                    scaled_by (lowering, index),
                                    "it changes the inputs that the thresholds were measured on");
      lowering->dtypes[index] = KN_Q8_CHANNELS;
      lowering->densities[index] = 1;
      if (kn_rows_dtype ((KnDtype)dtype) != KN_Q8_0 && !noted)
        eng_lowering_note (
            lowering,
            "%s and others like it: stored in 8 bits, channel by channel, instead of %s: only "
            "that form can skip",
            name, kn_dtype_info (dtype)->name);
      noted |= kn_rows_dtype ((KnDtype)dtype) != KN_Q8_0;
    }
  return TRUE;
}

/* ---- for people ---- */

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  guint index;
  g_autofree char *name = layer >= 0 ? tensor_name ((guint)layer) : NULL;
  const EngTensor *tensor = name != NULL ? find_tensor (model, name, &index) : NULL;
  double share = tensor != NULL ? share_of (recipe, name) : 0;

  if (share <= 0)
    return NULL;
  double bytes = (double)rt_weight_packed_bytes (KN_Q8_CHANNELS, tensor->n_rows, tensor->n_cols);
  g_autofree char *all = eng_format_value (bytes, "B");
  g_autofree char *left = eng_format_value (bytes * (1 - share), "B");
  return g_strdup_printf (
      "About %.3g %% of the %" G_GUINT64_FORMAT
      " inputs of ffn_down count as zero on the calibration text; of a decoded token "
      "%s of %s are read. A prompt's tokens choose different inputs: all is read, "
      "0.0 %% faster.",
      100 * share, tensor->n_cols, left, all);
}

/* From runs: how many rows are skipped depends on the activations, which are made up where a kernel
 * is timed by itself. */
static char *
verdict (EngModel *model, EngRecipe *recipe, EngRun *run, int layer)
{
  guint index;
  g_autofree char *name = layer >= 0 ? tensor_name ((guint)layer) : NULL;
  const EngTensor *tensor = name != NULL ? find_tensor (model, name, &index) : NULL;
  double share = tensor != NULL ? share_of (recipe, name) : 0;

  if (share <= 0)
    return NULL;
  g_autoptr (EngRecipe) all = eng_recipe_without (recipe, &eng_technique_activation_sparsity);
  EngWorth worth = eng_worth (model, recipe, all, run, layer, ENG_WORTH_RUNS);
  g_autofree char *words = eng_worth_dup_change (&worth, "the recipe without it");
  return g_strdup_printf ("%.3g %% of inputs skipped: %s.", 100 * share, words);
}

static char *
describe (EngRecipe *recipe)
{
  if (!is_on (recipe))
    return NULL;
  if (eng_recipe_n_rules (recipe, ID) > 0)
    return g_strdup ("inputs skipped by rules");
  g_autofree char *thresholds = eng_recipe_get_string (recipe, ID, THRESHOLDS, NULL);
  return g_strdup_printf ("%g %% of inputs skipped%s", 100 * share_of (recipe, NULL),
                          strcmp (thresholds, PER_CHANNEL) == 0 ? "" : " by one threshold");
}

const EngTechnique eng_technique_activation_sparsity = {
  .id = ID,
  .title = "Activation sparsity",
  .group = "Pruning",
  .summary
  = "Decoding does not read the weights of inputs near zero; what these would have added is lost.",
  .papers
  = "Mirzadeh et al. 2024, ReLU Strikes Back: Exploiting Activation Sparsity in Large Language "
    "Models; "
    "He et al. 2024, CHESS: Optimizing LLM Inference via Channel-Wise Thresholding and Selective "
    "Sparsification",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .lossy = TRUE,
  .applies = applies,
  .matters = matters,
  .transform = transform,
  .apply = apply,
  .verdict = verdict,
  .explain = explain,
  .describe = describe,
};
