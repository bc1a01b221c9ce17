/* Technique: inputs of the feed-forward blocks' last product that are near zero count as zero, and
 * of a decoded token the weights that they would meet are not read (kn-skip.h, rt-ops-skip.h). */
#include "techniques/eng-techniques.h"

#include <math.h>
#include <string.h>

#include "eng-activations.h"
#include "eng-error.h"
#include "eng-figure.h"
#include "eng-skip.h"
#include "eng-recipe-private.h"
#include "eng-run.h"
#include "eng-worth.h"
#include "kn-quant.h"
#include "ops/rt-ops-skip.h"
#include "ops/rt-ops.h"
#include "rt-surgery.h"

#define ID "activation-sparsity"
#define SHARE "share"
#define ROWS "rows"
#define FORM "rows-form"
#define SINGLE "single"
#define THRESHOLDS "thresholds"
#define PER_CHANNEL "per-channel"

static const EngChoice choices[] = {
  { PER_CHANNEL, "Per channel",
    "what falls is what adds least to the output: |x| times the length of the channel's weights" },
  { "uniform", "Uniform", "one |x| for all channels of a layer" },
  { NULL },
};

static const EngChoice forms[] = {
  { SINGLE, "Single rows", "any row, in 8 bits, stored row by row" },
  { "groups", "Groups of 16",
    "in the matrix's own format, only groups of 16 of which none counts: few, unless nearly all "
    "is left out" },
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
  { .id = ROWS,
    .title = "Rows of up left out",
    .summary = "That share of the products of gate and up, on the calibration text: where the gate "
               "is near zero, up is not computed; 0: none.",
    .unit = "%",
    .kind = ENG_PARAM_REAL,
    .per_layer = TRUE,
    .default_value = 0,
    .min = 0,
    .max = 90,
    .step = 5 },
  { .id = FORM,
    .title = "Left out as",
    .summary = "Which rows of up can be left unread.",
    .kind = ENG_PARAM_CHOICE,
    .choices = forms,
    .default_choice = SINGLE },
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

/* 0..1. */
static double
rows_of (EngRecipe *recipe, const char *tensor)
{
  g_autoptr (GVariant) value = eng_recipe_get (recipe, ID, ROWS, tensor);
  return g_variant_get_double (value) / 100;
}

static gboolean
has_rows (EngRecipe *recipe)
{
  gboolean any = rows_of (recipe, NULL) > 0;

  for (guint i = 0; i < eng_recipe_n_rules (recipe, ID); i++)
    any |= strcmp (eng_recipe_get_rule (recipe, ID, i).param, ROWS) == 0;
  return any;
}

static EngSkipForm
form_of (EngRecipe *recipe)
{
  g_autofree char *choice = eng_recipe_get_string (recipe, ID, FORM, NULL);
  return strcmp (choice, SINGLE) == 0 ? ENG_SKIP_SINGLE_ROWS : ENG_SKIP_GROUPS;
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
  return share_of (recipe, NULL) > 0 || rows_of (recipe, NULL) > 0
         || eng_recipe_n_rules (recipe, ID) > 0;
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
  if (strcmp (param->id, FORM) == 0)
    return has_rows (recipe);
  return strcmp (param->id, THRESHOLDS) != 0 || is_on (recipe);
}

/* ---- thresholds ---- */

/* Numbers for one layer: [n_cols]. */
static gboolean
make_thresholds (EngLowering *lowering, const EngTensor *tensor, double share, float *thresholds,
                 GError **error)
{
  g_autoptr (EngActivations) activations
      = eng_lowering_get_activations (lowering, ENG_ACTIVATIONS_CHANNELS, error);

  if (activations == NULL)
    return FALSE;
  g_autofree double *lengths = is_per_channel (lowering->recipe)
                                   ? eng_skip_column_lengths (lowering->model, tensor)
                                   : NULL;
  return eng_skip_thresholds (activations, tensor->name, tensor->n_cols, lengths, share, thresholds,
                              error);
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

/* Inputs of the last product. */
static RtGraph *
skip_inputs (EngLowering *lowering, const RtGraph *source, GError **error)
{
  guint n = eng_model_get_n_layers (lowering->model), n_replaced = 0;
  RtError rt_error = { 0 };
  RtSurgery *surgery = rt_surgery_new (source, &rt_error);
  gboolean ok = surgery != NULL;

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

static RtGraph *
transform (EngLowering *lowering, const RtGraph *source, GError **error)
{
  GError *local = NULL;

  if (!is_on (lowering->recipe))
    return NULL;
  RtGraph *rows = eng_skip_rows_transform (lowering, source, rows_of,
                                           is_per_channel (lowering->recipe), &local);
  RtGraph *inputs
      = local == NULL ? skip_inputs (lowering, rows != NULL ? rows : source, &local) : NULL;
  if (local != NULL)
    {
      rt_graph_free (rows);
      g_propagate_error (error, local);
      return NULL;
    }
  if (rows == NULL || inputs == NULL)
    return rows != NULL ? rows : inputs;
  eng_lowering_keep (lowering, rows);
  return inputs;
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
  return !is_on (lowering->recipe)
         || eng_skip_rows_apply (lowering, &eng_technique_activation_sparsity,
                                 form_of (lowering->recipe), error);
}

/* ---- for people ---- */

/* "A of B". */
static char *
left_of (KnDtype dtype, const EngTensor *tensor, double share)
{
  double bytes = (double)rt_weight_packed_bytes (dtype, tensor->n_rows, tensor->n_cols);
  g_autofree char *all = eng_format_value (bytes, "B");
  g_autofree char *left = eng_format_value (bytes * (1 - share), "B");

  return g_strdup_printf ("%s of %s", left, all);
}

static void
explain_rows (EngModel *model, EngRecipe *recipe, int layer, GString *text)
{
  guint index;
  g_autofree char *name = g_strdup_printf ("blk.%d.ffn_up.weight", layer);
  const EngTensor *tensor = find_tensor (model, name, &index);
  double share = tensor != NULL ? rows_of (recipe, name) : 0;

  if (share <= 0)
    return;
  g_string_append_printf (text,
                          "%sAbout %.3g %% of the %" G_GUINT64_FORMAT
                          " products of gate and up are left out on the calibration text",
                          text->len > 0 ? " " : "", 100 * share, tensor->n_rows);
  if (form_of (recipe) == ENG_SKIP_SINGLE_ROWS)
    {
      g_autofree char *left = left_of (KN_Q8_ROWS, tensor, share);
      g_string_append_printf (text, "; of a decoded token %s of up are read.", left);
    }
  else
    g_string_append_printf (
        text,
        "; if rows fell independently, %.2g %% of the groups of 16 would not be read: the run says "
        "how many were not.",
        100 * pow (share, KN_PANEL_ROWS));
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  guint index;
  g_autofree char *name = layer >= 0 ? tensor_name ((guint)layer) : NULL;
  const EngTensor *tensor = name != NULL ? find_tensor (model, name, &index) : NULL;
  double share = tensor != NULL ? share_of (recipe, name) : 0;
  g_autoptr (GString) text = g_string_new (NULL);

  if (share > 0)
    {
      g_autofree char *left = left_of (KN_Q8_CHANNELS, tensor, share);
      g_string_append_printf (text,
                              "About %.3g %% of the %" G_GUINT64_FORMAT
                              " inputs of ffn_down count as zero on the calibration text; of a "
                              "decoded token %s are read.",
                              100 * share, tensor->n_cols, left);
    }
  if (layer >= 0)
    explain_rows (model, recipe, layer, text);
  if (text->len == 0)
    return NULL;
  g_string_append (text, " A prompt's tokens choose differently: all is read, 0.0 % faster.");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* "50 % of inputs and 20 % of rows of up": what of the two is skipped. */
static char *
dup_shares (double inputs, double rows)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (inputs > 0)
    g_string_append_printf (text, "%.3g %% of inputs", inputs);
  if (rows > 0)
    g_string_append_printf (text, "%s%.3g %% of rows of up", inputs > 0 ? " and " : "", rows);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* From runs: how much is skipped depends on the activations, which are made up where a kernel is
 * timed by itself. */
static char *
verdict (EngModel *model, EngRecipe *recipe, EngRun *run, int layer)
{
  g_autofree char *down = g_strdup_printf ("blk.%d.ffn_down.weight", layer);
  g_autofree char *up = g_strdup_printf ("blk.%d.ffn_up.weight", layer);
  guint index;

  if (layer < 0 || find_tensor (model, down, &index) == NULL
      || (share_of (recipe, down) <= 0 && rows_of (recipe, up) <= 0))
    return NULL;
  g_autoptr (EngRecipe) all = eng_recipe_without (recipe, &eng_technique_activation_sparsity);
  EngWorth worth = eng_worth (model, recipe, all, run, layer, ENG_WORTH_RUNS);
  g_autofree char *words = eng_worth_dup_change (&worth, "the recipe without it");
  g_autofree char *skipped = run != NULL && eng_run_get_profile (run) != NULL
                                 ? eng_profile_dup_layer_skipped (eng_run_get_profile (run), layer)
                                 : NULL;
  if (skipped != NULL)
    return g_strdup_printf ("%s skipped in the run: %s.", skipped, words);
  g_autofree char *expected
      = dup_shares (100 * share_of (recipe, down), 100 * rows_of (recipe, up));
  return g_strdup_printf ("%s skipped on the calibration text: %s.", expected, words);
}

static char *
describe (EngRecipe *recipe)
{
  g_autofree char *shares
      = dup_shares (100 * share_of (recipe, NULL), 100 * rows_of (recipe, NULL));

  if (!is_on (recipe))
    return NULL;
  if (eng_recipe_n_rules (recipe, ID) > 0)
    return g_strdup (has_rows (recipe) ? "inputs and rows skipped by rules"
                                       : "inputs skipped by rules");
  return g_strdup_printf ("%s skipped%s", shares,
                          is_per_channel (recipe) ? "" : " by one threshold");
}

const EngTechnique eng_technique_activation_sparsity = {
  .id = ID,
  .title = "Activation sparsity",
  .group = "Pruning",
  .summary = "Decoding does not read the weights of inputs near zero, nor those of up where the "
             "gate is near "
             "zero; what these would have added is lost.",
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
