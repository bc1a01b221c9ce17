/* Technique: scales per channel that move size between the activations and the weights before both
 * are rounded. What the model computes stays the same up to rounding; what rounding costs changes.
 *
 * Which scales: eng-equalize.h. Here: marking the matrices, their columns and rows, and the vectors
 * of norms and biases in the graph. */
#include "techniques/eng-techniques.h"

#include <math.h>
#include <string.h>

#include "eng-equalize.h"
#include "eng-error.h"
#include "kn-quant.h"
#include "rt-surgery.h"

#define ID "equalization"

static const EngChoice methods[] = {
  { "none", "None", "weights and activations as they are" },
  { "awq", "Activation-aware",
    "columns that meet large activations are enlarged before rounding, by the power of the "
    "activations' size that the calibration text says costs least" },
  { "smooth", "Smoothing",
    "channels of large activations are made smaller and their weights larger, as far as the "
    "strength says: for formats that round activations coarsely" },
  { NULL },
};

static const EngParam params[] = {
  { .id = "method",
    .title = "Equalization",
    .summary = "How the scales of channels are found; products that read the same values share "
               "them, a rule for the first of them counts.",
    .kind = ENG_PARAM_CHOICE,
    .per_layer = TRUE,
    .choices = methods,
    .default_choice = "none" },
  { .id = "strength",
    .title = "Smoothing strength",
    .summary = "0: all the difference between channels stays in the activations; 1: all of it goes "
               "to the weights.",
    .kind = ENG_PARAM_REAL,
    .per_layer = TRUE,
    .default_value = 0.5,
    .min = 0,
    .max = 1,
    .step = 0.05 },
};

static char *
applies (EngModel *model)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return g_strdup (
        "a network is equalized with its 8-bit integers, from inputs instead of a text");
  if (eng_model_get_tokenizer (model) == NULL)
    return g_strdup_printf ("the model's tokenizer cannot be used: %s",
                            eng_model_get_tokenizer_error (model));
  g_autoptr (GArray) folds = eng_fold_list (model);
  return folds->len > 0 ? NULL : g_strdup ("its graph has no place where scales cancel out");
}

static gboolean
matters (EngRecipe *recipe, const EngParam *param)
{
  g_autofree char *method = eng_recipe_get_string (recipe, ID, "method", NULL);
  gboolean smooth = strcmp (method, "smooth") == 0;

  for (guint i = 0; i < eng_recipe_n_rules (recipe, ID); i++)
    smooth = TRUE; /* some rule may smooth */
  return strcmp (param->id, "strength") != 0 || smooth;
}

/* ---- vectors ---- */

/* The numbers of @fold's vector in @source, divided by the scales; NULL: the graph no longer has
 * it. */
static float *
divided_vector (const RtGraph *source, const EngFold *fold, const EngFolded *folded, RtValueId *id)
{
  *id = fold->vector != NULL ? rt_graph_find_value (source, fold->vector) : RT_NONE;
  if (*id == RT_NONE)
    return NULL;
  const RtValue *value = rt_graph_value (source, *id);
  float *numbers = g_new (float, fold->n);
  kn_dequantize_row ((KnDtype)value->type, value->data, numbers, fold->n);
  for (gsize i = 0; i < fold->n; i++)
    numbers[i] /= folded->scales[i];
  return numbers;
}

static gboolean
go_on (EngLowering *lowering, double done, GError **error)
{
  if (lowering->job == NULL)
    return TRUE;
  eng_job_report (lowering->job, "Equalizing channels", done);
  return !g_cancellable_set_error_if_cancelled (eng_job_get_cancellable (lowering->job), error);
}

static gboolean
set_vector (EngLowering *lowering, const RtGraph *source, const EngFold *fold, RtSurgery **surgery,
            RtError *rt_error, GError **error)
{
  const EngFolded *folded = eng_fold_find (lowering, fold, error);
  RtValueId id;

  if (folded == NULL)
    return FALSE;
  g_autofree float *numbers = divided_vector (source, fold, folded, &id);
  if (numbers == NULL)
    return TRUE;
  if (*surgery == NULL)
    *surgery = rt_surgery_new (source, rt_error);
  if (*surgery == NULL)
    return eng_error_take_rt (rt_error, error);
  rt_surgery_set_vector (*surgery, id, numbers, fold->n);
  return TRUE;
}

static RtGraph *
transform (EngLowering *lowering, const RtGraph *source, GError **error)
{
  RtSurgery *surgery = NULL;
  RtError rt_error = { 0 };
  gboolean ok = TRUE;

  if (lowering->is_sketch)
    return NULL;
  g_autoptr (GArray) folds = eng_fold_list (lowering->model);
  for (guint i = 0; ok && i < folds->len; i++)
    {
      const EngFold *fold = &g_array_index (folds, EngFold, i);
      g_autofree char *key = eng_fold_dup_key (lowering->model, lowering->recipe, fold);
      if (key != NULL)
        ok = go_on (lowering, (double)i / folds->len, error)
             && set_vector (lowering, source, fold, &surgery, &rt_error, error);
    }
  if (!ok || surgery == NULL)
    {
      rt_surgery_free (surgery);
      return NULL;
    }
  RtGraph *graph = rt_surgery_finish (surgery, &rt_error);
  if (graph == NULL)
    eng_error_take_rt (&rt_error, error);
  return graph;
}

/* ---- matrices ---- */

static gboolean
apply (EngLowering *lowering, GError **error)
{
  g_autoptr (GArray) folds = eng_fold_list (lowering->model);

  for (guint i = 0; i < folds->len; i++)
    {
      const EngFold *fold = &g_array_index (folds, EngFold, i);
      g_autofree char *key = eng_fold_dup_key (lowering->model, lowering->recipe, fold);
      if (key == NULL)
        continue;
      for (guint k = 0; k < fold->n_matrices; k++)
        eng_lowering_mark (lowering, fold->matrices[k], &eng_technique_equalization, "columns %s",
                           key);
      if (fold->kind != ENG_FOLD_NORM)
        eng_lowering_mark (lowering, fold->from, &eng_technique_equalization, "rows %s", key);
    }
  return TRUE;
}

static void
scale_columns (EngMatrix *matrix, const EngFold *fold, const EngFolded *folded)
{
  g_autofree float *factors = g_new (float, matrix->n_cols);

  for (gsize c = 0; c < matrix->n_cols; c++)
    factors[c]
        = folded->scales[eng_fold_channel (fold, matrix->columns != NULL ? matrix->columns[c] : c)];
  eng_matrix_scale_columns (matrix, factors);
}

static void
divide_rows (EngMatrix *matrix, const EngFolded *folded)
{
  for (gsize r = 0; r < matrix->n_rows; r++)
    for (gsize c = 0; c < matrix->n_cols; c++)
      matrix->data[r * matrix->n_cols + c] /= folded->scales[r];
}

static gboolean
is_multiplied (const EngFold *fold, guint tensor)
{
  for (guint i = 0; i < fold->n_matrices; i++)
    if (fold->matrices[i] == tensor)
      return TRUE;
  return FALSE;
}

static gboolean
edit (EngLowering *lowering, EngMatrix *matrix, GError **error)
{
  g_autoptr (GArray) folds = eng_fold_list (lowering->model);

  for (guint i = 0; i < folds->len; i++)
    {
      const EngFold *fold = &g_array_index (folds, EngFold, i);
      gboolean columns = is_multiplied (fold, matrix->tensor);
      gboolean rows = fold->kind != ENG_FOLD_NORM && fold->from == matrix->tensor;
      if (!columns && !rows)
        continue;
      g_autofree char *key = eng_fold_dup_key (lowering->model, lowering->recipe, fold);
      if (key == NULL)
        continue;
      const EngFolded *folded = eng_fold_find (lowering, fold, error);
      if (folded == NULL)
        return FALSE;
      if (columns)
        scale_columns (matrix, fold, folded);
      if (rows)
        {
          g_assert (matrix->n_rows == fold->n); /* comes before all that takes rows out */
          divide_rows (matrix, folded);
        }
    }
  return TRUE;
}

/* ---- words ---- */

/* "attn_q" of "blk.3.attn_q.weight". */
static char *
short_name (EngModel *model, guint tensor)
{
  const char *name = eng_model_get_tensor (model, tensor)->name;
  const char *at = g_str_has_prefix (name, "blk.") ? strchr (name + 4, '.') : NULL;
  char *text = g_strdup (at != NULL ? at + 1 : name);

  if (g_str_has_suffix (text, ".weight"))
    text[strlen (text) - strlen (".weight")] = '\0';
  return text;
}

static void
explain_fold (EngModel *model, EngRecipe *recipe, const EngFold *fold, GString *text)
{
  const EngFolded *folded = eng_fold_peek (model, recipe, fold);
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < fold->n_matrices; i++)
    {
      g_autofree char *name = short_name (model, fold->matrices[i]);
      g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", name);
    }
  if (text->len > 0)
    g_string_append_c (text, ' ');
  if (folded == NULL)
    {
      g_string_append_printf (text, "%s: scales are found from the calibration text when it runs.",
                              names->str);
      return;
    }
  float least = INFINITY, most = 0;
  for (gsize i = 0; i < fold->n; i++)
    {
      least = MIN (least, folded->scales[i]);
      most = MAX (most, folded->scales[i]);
    }
  g_string_append_printf (text, "%s: columns times %.2g to %.2g (power %.2f)", names->str,
                          (double)least, (double)most, folded->exponent);
  if (folded->plain_error > 0)
    g_string_append_printf (text, ", expected squared error of rounding %+.0f %%",
                            100 * (folded->error / folded->plain_error - 1));
  g_string_append_c (text, '.');
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  g_autoptr (GArray) folds = eng_fold_list (model);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < folds->len; i++)
    {
      const EngFold *fold = &g_array_index (folds, EngFold, i);
      g_autofree char *key = eng_fold_dup_key (model, recipe, fold);
      if (fold->layer == layer && key != NULL)
        explain_fold (model, recipe, fold, text);
    }
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

static char *
describe (EngRecipe *recipe)
{
  g_autofree char *method = eng_recipe_get_string (recipe, ID, "method", NULL);

  if (strcmp (method, "awq") == 0)
    return g_strdup ("equalized (activation-aware)");
  if (strcmp (method, "smooth") == 0)
    return g_strdup ("equalized (smoothed)");
  return eng_recipe_n_rules (recipe, ID) > 0 ? g_strdup ("equalized by rules") : NULL;
}

const EngTechnique eng_technique_equalization = {
  .id = ID,
  .title = "Equalization",
  .group = "Quantization",
  .summary
  = "Makes channels alike before they are rounded, at no cost when the model runs; the "
    "result is the same but for rounding; better where the calibration text is like yours; "
    "with W4A8 only together with rounding by importance.",
  .papers = "Lin et al. 2024, AWQ: Activation-aware Weight Quantization for On-Device LLM "
            "Compression and Acceleration; "
            "Xiao et al. 2023, SmoothQuant: Accurate and Efficient Post-Training Quantization for "
            "Large Language Models; "
            "Tan et al. 2024, MobileQuant: Mobile-friendly Quantization for On-device Language "
            "Models; "
            "Shao et al. 2024, OmniQuant: Omnidirectionally Calibrated Quantization for Large "
            "Language Models",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .lossy = TRUE,
  .in_file = TRUE,
  .applies = applies,
  .matters = matters,
  .transform = transform,
  .apply = apply,
  .edit = edit,
  .explain = explain,
  .describe = describe,
};
