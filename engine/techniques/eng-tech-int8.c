/* Technique: post-training quantization of a float network to 8-bit integers. Ranges come from
 * calibration (eng-calibrate.h), the rewriting is the runtime's rt_ptq(). */
#include "techniques/eng-techniques.h"

#include <string.h>
#include <sys/stat.h>

#include "eng-calibrate.h"
#include "eng-error.h"
#include "eng-figure.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops.h"
#include "rt-ptq.h"

#define ID "int8"
#define PRECISION "precision"
#define CALIBRATION "calibration"
#define SAMPLES "samples"
#define RANGE "range"
#define PERCENTILE "percentile"
#define BIAS "bias-correction"
#define EQUALIZATION "equalization"

static const EngChoice precisions[] = {
  { "float", "Float", "as the file has it" },
  { "int8", "8-bit integers", "8-bit weights with one scale per channel, 8-bit activations" },
  { NULL },
};

/* In the order of EngRangeMethod. */
static const EngChoice ranges[] = {
  { "min-max", "Extremes",
    "everything that was seen: nothing is clipped, rare peaks cost precision" },
  { "percentile", "Percentile", "all but the rarest values at either end" },
  { "mse", "Least error", "the least mean squared error of rounding and clipping together" },
  { "entropy", "Least divergence",
    "the distribution in 8 bits says the most of the one seen (Kullback-Leibler)" },
  { NULL },
};

static const EngParam params[] = {
  { .id = CALIBRATION,
    .title = "Calibration samples",
    .summary = "A folder or archive of inputs that the network will see in use: the ranges of its "
               "activations are taken from them. Labels are not needed.",
    .kind = ENG_PARAM_PATH },
  { .id = PRECISION,
    .title = "Precision",
    .summary = "What convolutions and products compute in; operators between them follow.",
    .kind = ENG_PARAM_CHOICE,
    .per_layer = TRUE,
    .choices = precisions,
    .default_choice = "float" },
  { .id = SAMPLES,
    .title = "Samples used",
    .summary = "At most so many, spread evenly over the set.",
    .unit = "samples",
    .kind = ENG_PARAM_INT,
    .default_value = 100,
    .min = 1,
    .max = 100000,
    .step = 50 },
  { .id = RANGE,
    .title = "Range of activations",
    .summary = "Which of the values that were seen the 256 codes reach.",
    .kind = ENG_PARAM_CHOICE,
    .choices = ranges,
    .default_choice = "min-max" },
  { .id = PERCENTILE,
    .title = "Percentile",
    .summary = "For the range \"percentile\": so many of the values lie inside at either end.",
    .unit = "%",
    .kind = ENG_PARAM_REAL,
    .default_value = 99.99,
    .min = 90,
    .max = 100,
    .step = 0.01 },
  { .id = BIAS,
    .title = "Bias correction",
    .summary = "Take out of each channel's bias what rounding its weights adds on average.",
    .kind = ENG_PARAM_SWITCH,
    .default_value = 1,
    .max = 1,
    .step = 1 },
  { .id = EQUALIZATION,
    .title = "Cross-layer equalization",
    .summary
    = "Share out the ranges of channels between a convolution and the next before rounding.",
    .kind = ENG_PARAM_SWITCH,
    .default_value = 0,
    .max = 1,
    .step = 1 },
};

/* ---- which nodes ---- */

static gboolean
wants_int8 (EngRecipe *recipe, const char *target)
{
  g_autofree char *choice = eng_recipe_get_string (recipe, ID, PRECISION, target);
  return strcmp (choice, "int8") == 0;
}

static gboolean
is_on (EngRecipe *recipe)
{
  if (wants_int8 (recipe, NULL))
    return TRUE;
  for (guint i = 0; i < eng_recipe_n_rules (recipe, ID); i++)
    if (strcmp (g_variant_get_string (eng_recipe_get_rule (recipe, ID, i).value, NULL), "int8")
        == 0)
      return TRUE;
  return FALSE;
}

static gboolean
starts_int8 (const RtNode *node)
{
  return node->op == &rt_op_conv || node->op == &rt_op_depthwise || node->op == &rt_op_matmul;
}

/* Rules name weights, as those of other techniques do; nodes without any go by their source. */
static const char *
target_of (const RtGraph *graph, const RtNode *node)
{
  if (node->n_inputs > 1 && node->inputs[1] != RT_NONE
      && rt_graph_value (graph, node->inputs[1])->kind == RT_VALUE_WEIGHT)
    return rt_graph_value (graph, node->inputs[1])->name;
  return node->n_sources > 0 ? node->sources[0] : node->name;
}

/* One step after the other: samples, then what computes in integers, then how. */
static gboolean
matters (EngRecipe *recipe, const EngParam *param)
{
  g_autofree char *path = eng_recipe_get_string (recipe, ID, CALIBRATION, NULL);
  g_autofree char *range = eng_recipe_get_string (recipe, ID, RANGE, NULL);

  if (strcmp (param->id, CALIBRATION) == 0)
    return TRUE;
  if (strcmp (param->id, PRECISION) == 0)
    return path[0] != '\0' || is_on (recipe);
  return is_on (recipe)
         && (strcmp (param->id, PERCENTILE) != 0
             || strcmp (range, ranges[ENG_RANGE_PERCENTILE].id) == 0);
}

static char *
applies (EngModel *model)
{
  if (eng_model_get_kind (model) != ENG_MODEL_NETWORK)
    return g_strdup ("for networks; the weights of language models have formats of their own");
  const RtGraph *graph = eng_model_get_graph (model);
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      if (starts_int8 (node) && node->n_inputs > 1 && node->inputs[1] != RT_NONE
          && rt_graph_value (graph, node->inputs[0])->type == RT_TYPE_F32
          && rt_graph_value (graph, node->inputs[1])->kind == RT_VALUE_WEIGHT)
        return NULL;
    }
  return g_strdup ("no convolution or product of this network computes in floats");
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  g_autofree char *path = eng_recipe_get_string (lowering->recipe, ID, CALIBRATION, NULL);

  if (!is_on (lowering->recipe))
    return TRUE;
  if (path[0] == '\0' && !lowering->is_sketch)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_RANGE,
                           "8-bit integers need samples to calibrate with: choose a folder or an "
                           "archive of inputs (" ID "." CALIBRATION ")");
      return FALSE;
    }
  /* Sums and functions have 8-bit forms of their own: they join convolutions only where those stay
   * floats. */
  if (!lowering->is_observed)
    lowering->late_fusions = lowering->fusions;
  else
    lowering->planner = RT_PLANNER_NONE;
  lowering->fusions &= ~(guint32)(RT_FUSE_FUNCTION | RT_FUSE_RESIDUAL);
  return TRUE;
}

/* ---- calibration, kept with the model ---- */

#define KEY "lathe-calibration"

static GMutex calibration_mutex; /* guards the models' */

typedef struct
{
  char *key;
  EngCalibration *calibration;
} Kept;

static void
kept_free (gpointer data)
{
  Kept *kept = data;
  g_free (kept->key);
  eng_calibration_unref (kept->calibration);
  g_free (kept);
}

/* All that a calibration depends on. */
static char *
dup_key (EngLowering *lowering, const char *path)
{
  struct stat info = { 0 };
  g_autofree char *format
      = eng_recipe_get_string (lowering->recipe, "weight-format", "format", NULL);

  stat (path, &info);
  return g_strdup_printf ("%s\n%lld %lld %lld\n%lld\n%u\n%lld\n%s %u", path,
                          (long long)info.st_mtim.tv_sec, (long long)info.st_mtim.tv_nsec,
                          (long long)info.st_size,
                          (long long)eng_recipe_get_int (lowering->recipe, ID, SAMPLES),
                          lowering->fusions,
                          (long long)eng_recipe_get_int (lowering->recipe, ID, EQUALIZATION),
                          format, eng_recipe_n_rules (lowering->recipe, "weight-format"));
}

static EngCalibration *
calibrate (EngLowering *lowering, GError **error)
{
  g_autofree char *path = eng_recipe_get_string (lowering->recipe, ID, CALIBRATION, NULL);
  g_autofree char *key = dup_key (lowering, path);
  EngCalibration *calibration = NULL;

  g_mutex_lock (&calibration_mutex);
  const Kept *kept = g_object_get_data (G_OBJECT (lowering->model), KEY);
  if (kept != NULL && strcmp (kept->key, key) == 0)
    calibration = eng_calibration_ref (kept->calibration);
  g_mutex_unlock (&calibration_mutex);
  if (calibration != NULL)
    return calibration;

  g_autoptr (EngBuild) observed
      = eng_build_new_observed (lowering->model, lowering->recipe, lowering->job, error);
  if (observed == NULL)
    return NULL;
  calibration = eng_calibration_new (observed, path,
                                     (guint)eng_recipe_get_int (lowering->recipe, ID, SAMPLES),
                                     lowering->job, error);
  if (calibration == NULL)
    return NULL;
  Kept *new = g_new0 (Kept, 1);
  new->key = g_steal_pointer (&key);
  new->calibration = eng_calibration_ref (calibration);
  g_mutex_lock (&calibration_mutex);
  g_object_set_data_full (G_OBJECT (lowering->model), KEY, new, kept_free);
  g_mutex_unlock (&calibration_mutex);
  return calibration;
}

/* ---- rewriting ---- */

/* What the values of @graph are called in the calibration, which may have run the network with or
 * without its front end: where a name is not known, the same node read it under another. */
static const char **
names_seen (const RtGraph *graph, EngCalibration *calibration)
{
  const char **names = g_new (const char *, rt_graph_n_values (graph) + 1);

  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    names[id] = rt_graph_value (graph, id)->name;
  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      for (guint k = 0; k < node->n_inputs; k++)
        {
          const char *seen = eng_calibration_get_input (calibration, node->name, k);
          if (seen != NULL && seen[0] != '\0' && node->inputs[k] != RT_NONE)
            names[node->inputs[k]] = seen;
        }
    }
  return names;
}

/* An estimate depends on shapes and formats only: any ranges make the same graph. What calibration
 * would leave floats because it never sees it is not known before it has run. */
static RtGraph *
quantize_sketch (EngLowering *lowering, const RtGraph *graph, GError **error)
{
  guint32 n_values = rt_graph_n_values (graph), n_nodes = rt_graph_n_nodes (graph);
  g_autofree RtRange *known = g_new (RtRange, MAX (n_values, 1));
  g_autofree bool *keep_float = g_new0 (bool, MAX (n_nodes, 1));
  RtError rt_error = { 0 };

  for (RtValueId id = 0; id < n_values; id++)
    known[id] = (RtRange){ rt_graph_value (graph, id)->kind != RT_VALUE_WEIGHT, -1, 1 };
  for (RtNodeId i = 0; i < n_nodes; i++)
    keep_float[i] = !wants_int8 (lowering->recipe, target_of (graph, rt_graph_node (graph, i)));
  RtGraph *result = rt_ptq (graph, &(RtPtqConfig){ known, NULL, keep_float }, &rt_error);
  if (result == NULL)
    eng_error_take_rt (&rt_error, error);
  return result;
}

static RtGraph *
quantize (EngLowering *lowering, const RtGraph *graph, EngCalibration *calibration, GError **error)
{
  EngRecipe *recipe = lowering->recipe;
  guint32 n_values = rt_graph_n_values (graph), n_nodes = rt_graph_n_nodes (graph);
  g_autofree RtRange *known = g_new0 (RtRange, MAX (n_values, 1));
  g_autofree const float **means = g_new0 (const float *, MAX (n_values, 1));
  g_autofree bool *keep_float = g_new0 (bool, MAX (n_nodes, 1));
  g_autofree const char **names = names_seen (graph, calibration);
  g_autofree char *method_id = eng_recipe_get_string (recipe, ID, RANGE, NULL);
  g_autoptr (GVariant) percentile = eng_recipe_get (recipe, ID, PERCENTILE, NULL);
  EngRangeMethod method = ENG_RANGE_MIN_MAX;
  RtError rt_error = { 0 };
  guint n_unknown = 0;

  while (strcmp (ranges[method].id, method_id) != 0)
    method++;
  for (RtValueId id = 0; id < n_values; id++)
    {
      const RtValue *value = rt_graph_value (graph, id);
      if (value->kind == RT_VALUE_WEIGHT || value->type != RT_TYPE_F32)
        continue;
      known[id].is_known = eng_calibration_get_range (calibration, names[id], method,
                                                      g_variant_get_double (percentile),
                                                      &known[id].low, &known[id].high);
      if (value->shape.n_dims > 0 && eng_recipe_get_int (recipe, ID, BIAS))
        means[id] = eng_calibration_get_means (calibration, names[id],
                                               (gsize)value->shape.dims[value->shape.n_dims - 1]);
    }
  for (RtNodeId i = 0; i < n_nodes; i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      keep_float[i] = !wants_int8 (recipe, target_of (graph, node));
      n_unknown += !keep_float[i] && starts_int8 (node) && !known[node->inputs[0]].is_known;
    }
  if (n_unknown > 0)
    eng_lowering_note (
        lowering, "8-bit integers: %u operators stay floats: calibration never saw their inputs",
        n_unknown);
  RtPtqConfig config = { known, means, keep_float };
  RtGraph *result = rt_ptq (graph, &config, &rt_error);
  if (result == NULL)
    eng_error_take_rt (&rt_error, error);
  return result;
}

static RtGraph *
rewrite (EngLowering *lowering, const RtGraph *graph, GError **error)
{
  RtGraph *equalized = NULL;
  RtError rt_error = { 0 };
  guint32 n_pairs = 0;
  g_autofree char *why_not = applies (lowering->model);

  if (why_not != NULL || !is_on (lowering->recipe))
    return NULL;
  if (lowering->is_sketch)
    return quantize_sketch (lowering, graph, error);
  if (eng_recipe_get_int (lowering->recipe, ID, EQUALIZATION))
    {
      equalized = rt_equalize (graph, &n_pairs, &rt_error);
      if (equalized == NULL)
        {
          eng_error_take_rt (&rt_error, error);
          return NULL;
        }
      if (n_pairs == 0 && !lowering->is_observed)
        eng_lowering_note (lowering, "Cross-layer equalization: no two convolutions follow each "
                                     "other with nothing but a ReLU between them");
    }
  if (lowering->is_observed)
    return equalized;
  g_autoptr (EngCalibration) calibration = calibrate (lowering, error);
  if (calibration == NULL)
    {
      rt_graph_free (equalized);
      return NULL;
    }
  RtGraph *result = quantize (lowering, equalized != NULL ? equalized : graph, calibration, error);
  /* Its constants are the result's as well. */
  if (equalized != NULL)
    eng_lowering_keep (lowering, equalized);
  return result;
}

/* ---- for people ---- */

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  double before = 0, after = 0;
  guint n = 0, n_int8 = 0;

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      if (tensor->layer != layer)
        continue;
      gboolean changes = wants_int8 (recipe, tensor->name);
      n++;
      n_int8 += changes;
      before += (double)tensor->bytes;
      after += changes ? (double)tensor->n_rows * ((double)tensor->n_cols + sizeof (float))
                       : (double)tensor->bytes;
    }
  if (n_int8 == 0)
    return NULL;
  g_autofree char *size_before = eng_format_value (before, "B");
  g_autofree char *size_after = eng_format_value (after, "B");
  return g_strdup_printf ("%u of %u %s in 8-bit integers: %s become %s.", n_int8, n,
                          n == 1 ? "matrix" : "matrices", size_before, size_after);
}

static char *
describe (EngRecipe *recipe)
{
  g_autofree char *method = eng_recipe_get_string (recipe, ID, RANGE, NULL);
  guint n_rules = eng_recipe_n_rules (recipe, ID);

  if (!is_on (recipe))
    return NULL;
  g_autoptr (GString) text = g_string_new ("8-bit integers");
  if (strcmp (method, "min-max") != 0)
    g_string_append_printf (text, " (%s)", method);
  if (n_rules > 0)
    g_string_append_printf (text, " with %u rule%s", n_rules, n_rules == 1 ? "" : "s");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

const EngTechnique eng_technique_int8 = {
  .id = ID,
  .title = "8-bit integers",
  .group = "Quantization",
  .summary = "Weights and activations as 8-bit integers: a quarter of the bytes and several times "
             "the products per cycle; every value is rounded to one of 256.",
  .papers = "Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient "
            "Integer-Arithmetic-Only Inference; Nagel et al. 2019, Data-Free Quantization Through "
            "Weight Equalization and Bias Correction; Nagel et al. 2021, A White Paper on Neural "
            "Network Quantization",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .lossy = TRUE,
  .matters = matters,
  .network = TRUE,
  .applies = applies,
  .apply = apply,
  .rewrite = rewrite,
  .explain = explain,
  .describe = describe,
};
