/* Technique: how the numbers of a matrix become codes of its format. The methods are in
 * eng-rounding*.c, what they choose by in eng-activations.h. Only matrices whose numbers change are
 * touched: those that get another format of few bits than the file's, or that another technique has
 * changed. */
#include "techniques/eng-techniques.h"

#include <stdatomic.h>
#include <string.h>

#include "eng-activations.h"
#include "eng-error.h"
#include "eng-rounding.h"
#include "kn-grid.h"
#include "kn-matmul.h"
#include "rt-op.h"

#define ID "rounding"

static const EngChoice methods[] = {
  { "nearest", "Nearest", "scales from each block's extremes, every number to the nearest code" },
  { "mse", "Least square error",
    "scales searched, clipping included, for the smallest mean square error of each block" },
  { "importance", "Importance",
    "the same, an error costing as much as the channel's activations are large on the calibration "
    "text" },
  { "gptq", "Error compensation",
    "column after column, what one loses made up for by those still free, by second moments of the "
    "activations (GPTQ)" },
  { NULL },
};

static const EngChoice orders[] = {
  { "file", "As in the file", "columns as they come; scales follow what was made up for" },
  { "activations", "Largest activations first",
    "the most important columns while all others are free; scales fixed at the beginning" },
  { NULL },
};

static const EngParam params[] = {
  { .id = "method",
    .title = "Rounding",
    .summary = "How numbers become codes: from the text's activations more of the output is kept "
               "with the same bits.",
    .kind = ENG_PARAM_CHOICE,
    .per_layer = TRUE,
    .choices = methods,
    .default_choice = "nearest" },
  { .id = "damping",
    .title = "Damping",
    .summary
    = "Of the second moments, as a share of their mean: more trusts the calibration text less.",
    .kind = ENG_PARAM_REAL,
    .default_value = 0.01,
    .min = 0.0001,
    .max = 1,
    .step = 0.01 },
  { .id = "order",
    .title = "Order of columns",
    .summary = "Which columns are rounded while many others can still make up for them.",
    .kind = ENG_PARAM_CHOICE,
    .choices = orders,
    .default_choice = "activations" },
};

/* A table is looked up row by row, which no second moments describe: where a matrix is both, a
 * plain error counts as much as the product's. */
#define TABLE_DAMPING 1.0

typedef enum
{
  NEAREST,
  MSE,
  IMPORTANCE,
  GPTQ
} Method;

static Method
method_of (EngRecipe *recipe, const char *tensor)
{
  g_autofree char *id = eng_recipe_get_string (recipe, ID, "method", tensor);
  for (guint i = 0; methods[i].id != NULL; i++)
    if (strcmp (methods[i].id, id) == 0)
      return (Method)i;
  return NEAREST;
}

static double
damping_of (EngRecipe *recipe)
{
  g_autoptr (GVariant) value = eng_recipe_get (recipe, ID, "damping", NULL);
  return g_variant_get_double (value);
}

static gboolean
is_by_activations (EngRecipe *recipe)
{
  g_autofree char *order = eng_recipe_get_string (recipe, ID, "order", NULL);
  return strcmp (order, "activations") == 0;
}

/* Whether a product (of rows with columns) or a look-up of rows reads the tensor. */
static gboolean
is_read_as (const RtGraph *graph, const char *tensor, gboolean table)
{
  RtValueId id = rt_graph_find_value (graph, tensor);

  for (RtNodeId i = 0; id != RT_NONE && i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      for (guint k = 0; k < node->n_inputs; k++)
        if (node->inputs[k] == id
            && rt_op_input_is (table ? node->op->table_inputs : node->op->matrix_inputs, k))
          return TRUE;
    }
  return FALSE;
}

static gboolean
is_block_format (int dtype)
{
  const KnDtypeInfo *info = kn_dtype_info (dtype);
  return info != NULL && info->block_len > 1;
}

/* What is possible for this tensor and format. */
static Method
possible (Method wanted, gboolean has_product, int dtype)
{
  KnGridInfo grid;
  Method method = wanted;

  if (method == GPTQ && !kn_grid_info ((int)kn_rows_dtype ((KnDtype)dtype), &grid))
    method = IMPORTANCE;
  return method >= IMPORTANCE && !has_product ? MSE : method;
}

/* ---- deciding ---- */

static char *
applies (EngModel *model)
{
  return eng_model_get_kind (model) == ENG_MODEL_LANGUAGE
             ? NULL
             : g_strdup ("a network's matrices are rounded by 8-bit integers or to nearest");
}

static gboolean
matters (EngRecipe *recipe, const EngParam *param)
{
  gboolean compensates = method_of (recipe, NULL) == GPTQ;

  for (guint i = 0; i < eng_recipe_n_rules (recipe, ID); i++)
    compensates
        |= strcmp (g_variant_get_string (eng_recipe_get_rule (recipe, ID, i).value, NULL), "gptq")
           == 0;
  return strcmp (param->id, "method") == 0 || compensates;
}

static gboolean
is_changed_by_others (EngLowering *lowering, guint tensor)
{
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);

  for (guint i = 0; i < n; i++)
    if (techniques[i] != &eng_technique_rounding
        && eng_lowering_is_marked (lowering, tensor, techniques[i]))
      return TRUE;
  return FALSE;
}

static void
mark (EngLowering *lowering, guint index, Method wanted)
{
  const EngTensor *tensor = eng_model_get_tensor (lowering->model, index);
  int dtype = lowering->dtypes[index];
  Method method = possible (wanted, is_read_as (lowering->source, tensor->name, FALSE), dtype);

  if (method != wanted)
    eng_lowering_note (
        lowering, "%s: %s: %s instead of %s", tensor->name,
        method == MSE ? "no product reads it, so no activations say what matters"
                      : "error compensation needs evenly spaced numbers, which its format has not",
        methods[method].title, methods[wanted].title);
  g_autofree char *key
      = method >= IMPORTANCE ? eng_lowering_dup_calibration_key (lowering) : g_strdup ("");
  g_autofree char *how
      = method == GPTQ
            ? g_strdup_printf (" damping %a%s", damping_of (lowering->recipe),
                               is_by_activations (lowering->recipe) ? " by activations" : "")
            : g_strdup ("");
  eng_lowering_mark (lowering, index, &eng_technique_rounding, "rounding %s%s %s",
                     methods[method].id, how, key);
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  for (guint i = 0; i < eng_model_get_n_tensors (lowering->model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (lowering->model, i);
      Method method = method_of (lowering->recipe, tensor->name);
      if (method != NEAREST && is_block_format (lowering->dtypes[i])
          && (lowering->dtypes[i] != tensor->dtype || is_changed_by_others (lowering, i)))
        mark (lowering, i, method);
    }
  return TRUE;
}

/* ---- doing ---- */

static void
raise_flag (GCancellable *cancellable, gpointer flag)
{
  atomic_store ((atomic_int *)flag, 1);
}

static int
larger_first (const void *a, const void *b, void *data)
{
  const float *size = data;
  guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;
  return size[x] != size[y] ? (size[x] < size[y]) - (size[x] > size[y]) : (x > y) - (x < y);
}

/* The order of columns, and the moments in it. */
static guint32 *
sort_moments (float **moments, gsize n)
{
  guint32 *order = g_new (guint32, n);
  g_autofree float *size = g_new (float, n);
  float *sorted = g_new (float, n *n);

  for (gsize i = 0; i < n; i++)
    {
      order[i] = (guint32)i;
      size[i] = (*moments)[i * n + i];
    }
  g_qsort_with_data (order, (int)n, sizeof *order, larger_first, size);
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < n; j++)
      sorted[i * n + j] = (*moments)[order[i] * n + order[j]];
  g_free (*moments);
  *moments = sorted;
  return order;
}

typedef struct
{
  EngLowering *lowering;
  const EngMatrix *matrix;
  EngRoundingArgs args;
  RtPool *pool;
  atomic_int cancel;
} Doing;

static gboolean
compensate (Doing *self, EngActivations *activations, GError **error)
{
  EngRecipe *recipe = self->lowering->recipe;
  gsize n = self->matrix->n_cols;
  g_autofree float *moments = eng_matrix_load_hessian (activations, self->matrix, error);
  g_autofree guint32 *order = NULL;
  double damping = damping_of (recipe);

  if (moments == NULL)
    return FALSE;
  g_autofree float *sizes = g_new (float, n);
  for (gsize i = 0; i < n; i++)
    sizes[i] = moments[i * n + i];
  self->args.weights = sizes;
  if (is_read_as (self->lowering->source, self->matrix->name, TRUE))
    damping = MAX (damping, TABLE_DAMPING);
  if (is_by_activations (recipe))
    order = sort_moments (&moments, n);
  g_autofree float *factor
      = eng_inverse_factor_new (moments, n, damping, self->pool, &self->cancel, NULL);
  if (factor != NULL)
    eng_round_compensated (&self->args, factor, order, self->pool, &self->cancel);
  return TRUE;
}

static gboolean
round_by (Doing *self, Method method, GError **error)
{
  if (method <= MSE)
    {
      eng_round_rows (&self->args, method == NEAREST, self->pool, &self->cancel);
      return TRUE;
    }
  EngMatrixChannels channels = { 0 };
  g_autoptr (EngActivations) activations
      = eng_lowering_get_activations (self->lowering,
                                      method == GPTQ ? ENG_ACTIVATIONS_HESSIANS
                                                     : ENG_ACTIVATIONS_CHANNELS,
                                      error);
  if (activations == NULL)
    return FALSE;
  if (method == GPTQ)
    return compensate (self, activations, error);
  gboolean known = eng_matrix_get_channels (activations, self->matrix, &channels);
  g_assert (known); /* possible() has seen a product */
  self->args.weights = channels.mean_square;
  eng_round_rows (&self->args, FALSE, self->pool, &self->cancel);
  eng_matrix_channels_clear (&channels);
  return TRUE;
}

static gboolean
quantize (EngLowering *lowering, const EngMatrix *matrix, int dtype, guint8 *blocks, GError **error)
{
  GCancellable *cancellable
      = lowering->job != NULL ? eng_job_get_cancellable (lowering->job) : NULL;
  RtError rt_error = { 0 };
  Doing self = { .lowering = lowering,
                 .matrix = matrix,
                 .args = { .n_rows = matrix->n_rows,
                           .n_cols = matrix->n_cols,
                           .data = matrix->data,
                           .dtype = (int)kn_rows_dtype ((KnDtype)dtype),
                           .blocks = blocks },
                 .pool = rt_pool_new (lowering->n_threads, &rt_error) };
  if (self.pool == NULL)
    return eng_error_take_rt (&rt_error, error);
  gulong handler
      = cancellable != NULL
            ? g_cancellable_connect (cancellable, G_CALLBACK (raise_flag), &self.cancel, NULL)
            : 0;
  Method method = possible (method_of (lowering->recipe, matrix->name),
                            is_read_as (lowering->source, matrix->name, FALSE), dtype);
  gboolean ok = round_by (&self, method, error);
  g_cancellable_disconnect (cancellable, handler);
  rt_pool_free (self.pool);
  return ok && !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* ---- for people ---- */

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  guint n = 0, counts[G_N_ELEMENTS (methods)] = { 0 };
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      if (tensor->layer != layer)
        continue;
      Method method = method_of (recipe, tensor->name);
      counts[method]++;
      n += method != NEAREST;
    }
  if (n == 0)
    return NULL;
  for (guint m = MSE; m <= GPTQ; m++)
    if (counts[m] > 0)
      g_string_append_printf (text, "%s%u by %s", text->len > 0 ? ", " : "", counts[m],
                              m == MSE          ? "least square error"
                              : m == IMPORTANCE ? "importance"
                                                : "error compensation");
  if (counts[NEAREST] > 0)
    g_string_append_printf (text, ", %u to nearest", counts[NEAREST]);
  if (counts[GPTQ] > 0)
    g_string_append_printf (text, "; damping %g, %s", damping_of (recipe),
                            is_by_activations (recipe) ? "largest activations first"
                                                       : "columns as in the file");
  if (counts[IMPORTANCE] + counts[GPTQ] > 0)
    g_string_append_printf (text, "; chosen on %" G_GINT64_FORMAT " tokens of the calibration text",
                            eng_recipe_get_int (recipe, "calibration", "tokens"));
  return g_strdup_printf ("Where the format is not the file's: %s.", text->str);
}

static char *
describe (EngRecipe *recipe)
{
  static const char *const words[]
      = { NULL, "least-error rounding", "rounding by importance", "error compensation" };
  guint n_rules = eng_recipe_n_rules (recipe, ID);
  Method method = method_of (recipe, NULL);

  if (method == NEAREST && n_rules == 0)
    return NULL;
  if (n_rules == 0)
    return g_strdup (words[method]);
  return g_strdup_printf ("%s with %u rule%s", method == NEAREST ? "rounding" : words[method],
                          n_rules, n_rules == 1 ? "" : "s");
}

const EngTechnique eng_technique_rounding = {
  .id = ID,
  .title = "Rounding",
  .group = "Quantization",
  .summary
  = "Chooses codes by what the layer's output loses instead of by each number alone: same size, "
    "same speed, less loss, for seconds to minutes when the build is made.",
  .papers
  = "Frantar et al. 2023, GPTQ: Accurate Post-Training Quantization for Generative Pre-trained "
    "Transformers; Nagel et al. 2021, A White Paper on Neural Network Quantization",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .lossy = TRUE,
  .in_file = TRUE,
  .applies = applies,
  .matters = matters,
  .apply = apply,
  .quantize = quantize,
  .explain = explain,
  .describe = describe,
};
