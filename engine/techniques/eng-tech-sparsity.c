/* Technique: single weights of a language model's blocks become zero, and where it pays only the
 * others are stored. The choice of weights is in eng-sparsify.c, what is stored in kn-sparse.h,
 * what it is worth on this device in the kept kernel times (eng-worth.h). */
#include "techniques/eng-techniques.h"

#include <math.h>
#include <string.h>

#include "eng-activations.h"
#include "eng-error.h"
#include "eng-figure.h"
#include "eng-rounding.h"
#include "eng-recipe-private.h"
#include "eng-sparsify.h"
#include "eng-worth.h"
#include "kn-sparse.h"
#include "kn-table.h"

#define ID "sparsity"
#define KIND "kind"
#define SHARE "share"
#define CRITERION "criterion"
#define STORAGE "storage"
#define COMPENSATION "compensation"
#define SPARSEGPT "sparsegpt"

/* Added to the diagonal of the inputs' second moments, of its mean: the paper's. */
#define DAMPING 0.01

/* Below this share of zeros "auto" stores them. The mask of a sparse format costs an eighth of the
 * 8-bit codes, and spreading codes costs time: on the machines that were measured it pays from a
 * fifth on when weights come from memory. */
#define AUTO_SHARE 25.0

static const EngChoice kinds[] = {
  { "none", "None", "weights as they are" },
  { "unstructured", "Unstructured", "the least important weights, wherever they are" },
  { "2:4", "2:4", "2 of each 4 neighbouring columns: half, in a regular pattern" },
  { "4:8", "4:8", "4 of each 8 neighbouring columns: half, with more freedom than 2:4" },
  { NULL },
};

static const EngChoice criteria[] = {
  { "wanda", "Weight times activation",
    "least |weight| times the size of its input on the calibration text, row by row" },
  { "magnitude", "Magnitude", "least |weight|: needs no calibration, loses more" },
  { NULL },
};

static const EngChoice compensations[] = {
  { "none", "None", "the weights that are left stay as they are" },
  { SPARSEGPT, "By the inputs' second moments",
    "the weights that are left make up for those that went (SparseGPT), and which go is chosen by "
    "what "
    "that leaves; takes a minute per 100 M weights" },
  { NULL },
};

static const EngChoice storages[] = {
  { "auto", "Automatic",
    "sparse where it was found to pay: 8-bit codes, at least 25 % zeros, a processor that spreads "
    "codes over a mask in one instruction" },
  { "dense", "Dense", "zeros are stored like other weights: nothing is saved" },
  { "sparse", "Sparse", "a mask and the weights that are not zero, of Q8_0 and Q4_0" },
  { NULL },
};

static const EngParam params[] = {
  { .id = KIND,
    .title = "Zeros",
    .summary
    = "Where single weights of the blocks' matrices become zero; embedding and output stay.",
    .kind = ENG_PARAM_CHOICE,
    .per_layer = TRUE,
    .choices = kinds,
    .default_choice = "none" },
  { .id = SHARE,
    .title = "Share of zeros",
    .summary = "How many weights become zero, where they may be anywhere; patterns make half.",
    .unit = "%",
    .kind = ENG_PARAM_REAL,
    .per_layer = TRUE,
    .default_value = 50,
    .min = 0,
    .max = 95,
    .step = 5 },
  { .id = CRITERION,
    .title = "Least important by",
    .summary = "Which weights go first.",
    .kind = ENG_PARAM_CHOICE,
    .choices = criteria,
    .default_choice = "wanda" },
  { .id = COMPENSATION,
    .title = "Compensation",
    .summary = "Whether the other weights change to make up for zeros.",
    .kind = ENG_PARAM_CHOICE,
    .choices = compensations,
    .default_choice = "none" },
  { .id = STORAGE,
    .title = "Zeros are stored",
    .summary = "A zero that is stored is read and multiplied like any other weight.",
    .kind = ENG_PARAM_CHOICE,
    .per_layer = TRUE,
    .choices = storages,
    .default_choice = "auto" },
};

/* What the recipe says for one matrix. */
typedef struct
{
  EngSparsePattern pattern;
  double percent; /* of zeros */
  char *kind, *storage;
} Choice;

static void
choice_clear (Choice *choice)
{
  g_clear_pointer (&choice->kind, g_free);
  g_clear_pointer (&choice->storage, g_free);
}

static double
get_real (EngRecipe *recipe, const char *param, const char *target)
{
  g_autoptr (GVariant) value = eng_recipe_get (recipe, ID, param, target);
  return g_variant_get_double (value);
}

static gboolean
is_in_block (EngModel *model, const EngTensor *tensor)
{
  return tensor->layer >= 0 && tensor->layer < (int)eng_model_get_n_layers (model);
}

/* FALSE: no zeros are wanted in @tensor (nullable: in general). */
static gboolean
read_choice (EngRecipe *recipe, const char *tensor, Choice *choice)
{
  *choice = (Choice){ .kind = eng_recipe_get_string (recipe, ID, KIND, tensor),
                      .storage = eng_recipe_get_string (recipe, ID, STORAGE, tensor),
                      .percent = get_real (recipe, SHARE, tensor) };
  gboolean any = strcmp (choice->kind, "none") != 0;
  if (strcmp (choice->kind, "2:4") == 0)
    choice->pattern = (EngSparsePattern){ .keep = 2, .of = 4 };
  else if (strcmp (choice->kind, "4:8") == 0)
    choice->pattern = (EngSparsePattern){ .keep = 4, .of = 8 };
  if (choice->pattern.of != 0)
    choice->percent = 50;
  choice->pattern.share = choice->percent / 100;
  if (any && choice->percent > 0)
    return TRUE;
  choice_clear (choice);
  return FALSE;
}

static gboolean
uses_activations (EngRecipe *recipe)
{
  g_autofree char *criterion = eng_recipe_get_string (recipe, ID, CRITERION, NULL);
  return strcmp (criterion, "wanda") == 0;
}

static gboolean
is_compensated (EngRecipe *recipe)
{
  g_autofree char *compensation = eng_recipe_get_string (recipe, ID, COMPENSATION, NULL);
  return strcmp (compensation, SPARSEGPT) == 0;
}

/* ---- storage ---- */

/* The sparse form of @dtype for the pattern; -1: there is none. */
static int
sparse_form (int dtype, const Choice *choice)
{
  if (dtype == KN_Q4_0)
    return KN_Q4_SPARSE;
  if (dtype != KN_Q8_0)
    return -1;
  return choice->pattern.of == 4 ? KN_Q8_2_4 : choice->pattern.of == 8 ? KN_Q8_4_8 : KN_Q8_SPARSE;
}

/* One rule for all machines of an instruction set, so that a recipe always makes the same build. */
static int
stored_dtype (int dtype, const Choice *choice)
{
  int sparse = sparse_form (dtype, choice);

  if (sparse < 0 || strcmp (choice->storage, "dense") == 0)
    return dtype;
  if (strcmp (choice->storage, "sparse") == 0)
    return sparse;
  return dtype == KN_Q8_0 && choice->percent >= AUTO_SHARE && kn_table ()->level == KN_LEVEL_AVX512
                 && kn_has_vbmi2 ()
             ? sparse
             : dtype;
}

/* The format that the recipe packs @tensor in before zeros are left out. */
static int
dense_dtype (EngRecipe *recipe, const EngTensor *tensor)
{
  g_autofree char *format = eng_recipe_get_string (recipe, "weight-format", "format", tensor->name);
  int dtype = kn_dtype_from_name (format);
  return eng_fit_dtype (dtype >= 0 ? dtype : tensor->dtype, tensor->n_cols);
}

static double
stored_bytes (int dtype, double density, guint64 n_rows, guint64 n_cols)
{
  if (kn_sparse_base (dtype) < 0)
    return (double)kn_row_bytes ((KnDtype)dtype, n_cols) * (double)n_rows;
  return (double)kn_sparse_expected_bytes ((KnDtype)dtype, n_cols, density)
         * (double)((n_rows + KN_PANEL_ROWS - 1) / KN_PANEL_ROWS);
}

/* ---- the technique ---- */

static char *
applies (EngModel *model)
{
  if (eng_model_get_kind (model) != ENG_MODEL_LANGUAGE)
    return g_strdup ("only the matrices of language models: convolutions have no sparse kernels");
  return NULL;
}

static gboolean
matters (EngRecipe *recipe, const EngParam *param)
{
  if (strcmp (param->id, KIND) == 0 || eng_recipe_n_rules (recipe, ID) > 0)
    return TRUE;
  g_autofree char *kind = eng_recipe_get_string (recipe, ID, KIND, NULL);
  if (strcmp (param->id, SHARE) == 0)
    return strcmp (kind, "unstructured") == 0;
  if (strcmp (param->id, CRITERION) == 0 && is_compensated (recipe))
    return FALSE; /* it brings a score of its own */
  return strcmp (kind, "none") != 0;
}

static gboolean
apply (EngLowering *lowering, GError **error)
{
  gboolean is_solved = is_compensated (lowering->recipe);
  gboolean by_activations = is_solved || uses_activations (lowering->recipe);
  g_autofree char *calibration = NULL;

  for (guint i = 0; i < eng_model_get_n_tensors (lowering->model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (lowering->model, i);
      gsize n_rows, n_cols;
      Choice choice;
      if (!is_in_block (lowering->model, tensor)
          || !eng_lowering_tensor_shape (lowering, i, &n_rows, &n_cols)
          || !read_choice (lowering->recipe, tensor->name, &choice))
        continue;
      if (choice.pattern.of != 0 && n_cols % choice.pattern.of != 0)
        eng_lowering_note (lowering,
                           "%s: rows of %" G_GSIZE_FORMAT " are not whole groups of %u: no zeros",
                           tensor->name, n_cols, choice.pattern.of);
      else
        {
          int dtype = lowering->dtypes[i];
          if (by_activations && calibration == NULL)
            calibration = eng_lowering_dup_calibration_key (lowering);
          lowering->dtypes[i] = stored_dtype (dtype, &choice);
          if (kn_sparse_base (lowering->dtypes[i]) >= 0)
            lowering->densities[i] = (float)(1 - choice.pattern.share);
          else if (strcmp (choice.storage, "sparse") == 0)
            eng_lowering_note (lowering,
                               "%s: %s has no sparse form (Q8_0 and Q4_0 have): zeros are stored",
                               tensor->name, kn_dtype_info (dtype)->name);
          eng_lowering_mark (lowering, i, &eng_technique_sparsity, "%s %g %s%s", choice.kind,
                             choice.percent, by_activations ? calibration : "magnitude",
                             is_solved ? " compensated" : "");
        }
      choice_clear (&choice);
    }
  return TRUE;
}

/* By magnitude, or by weight times activation. */
static gboolean
zero_least (EngLowering *lowering, EngMatrix *matrix, const Choice *choice, GError **error)
{
  EngMatrixChannels channels = { 0 };

  if (uses_activations (lowering->recipe))
    {
      g_autoptr (EngActivations) activations
          = eng_lowering_get_activations (lowering, ENG_ACTIVATIONS_CHANNELS, error);
      if (activations == NULL)
        return FALSE;
      if (!eng_matrix_get_channels (activations, matrix, &channels))
        g_assert_not_reached (); /* every matrix of a block is multiplied with */
    }
  eng_sparsify (matrix->data, matrix->n_rows, matrix->n_cols, channels.mean_square,
                &choice->pattern);
  eng_matrix_channels_clear (&channels);
  return TRUE;
}

static gboolean
zero_compensated (EngLowering *lowering, EngMatrix *matrix, const Choice *choice, GError **error)
{
  GCancellable *cancellable
      = lowering->job != NULL ? eng_job_get_cancellable (lowering->job) : NULL;
  g_autoptr (EngActivations) activations
      = eng_lowering_get_activations (lowering, ENG_ACTIVATIONS_HESSIANS, error);
  g_autofree float *moments
      = activations != NULL ? eng_matrix_load_hessian (activations, matrix, error) : NULL;
  RtError rt_error = { 0 };
  RtPool *pool = moments != NULL ? rt_pool_new (lowering->n_threads, &rt_error) : NULL;

  if (moments == NULL)
    return FALSE;
  if (pool == NULL)
    return eng_error_take_rt (&rt_error, error);
  g_autofree float *factor
      = eng_inverse_factor_new (moments, matrix->n_cols, DAMPING, pool, NULL, NULL);
  rt_pool_free (pool);
  return eng_sparsify_compensated (matrix->data, matrix->n_rows, matrix->n_cols, factor,
                                   &choice->pattern, cancellable, error);
}

static gboolean
edit (EngLowering *lowering, EngMatrix *matrix, GError **error)
{
  Choice choice;

  if (!read_choice (lowering->recipe, matrix->name, &choice))
    return TRUE;
  gboolean ok = is_compensated (lowering->recipe)
                    ? zero_compensated (lowering, matrix, &choice, error)
                    : zero_least (lowering, matrix, &choice, error);
  choice_clear (&choice);
  return ok;
}

static void
estimate (EngModel *model, EngRecipe *recipe, int layer, EngEstimate *estimate)
{
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      Choice choice;
      if (tensor->layer != layer || !is_in_block (model, tensor)
          || !read_choice (recipe, tensor->name, &choice))
        continue;
      int dense = dense_dtype (recipe, tensor), dtype = stored_dtype (dense, &choice);
      if (dtype != dense)
        estimate->weight_bytes
            += stored_bytes (dtype, 1 - choice.pattern.share, tensor->n_rows, tensor->n_cols)
               - stored_bytes (dense, 1, tensor->n_rows, tensor->n_cols);
      choice_clear (&choice);
    }
}

/* ---- for people ---- */

/* What a layer's matrices come to. */
typedef struct
{
  double n_weights, n_zeros, dense_bytes, bytes;
  guint n_matrices, n_sparse, n_form; /* n_form: of those whose format has a sparse form */
  const char *kind, *format;          /* of the first */
} Sum;

static Sum
sum_layer (EngModel *model, EngRecipe *recipe, int layer)
{
  Sum sum = { 0 };

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      double n = (double)tensor->n_rows * (double)tensor->n_cols;
      Choice choice;
      if (tensor->layer != layer || !is_in_block (model, tensor)
          || !read_choice (recipe, tensor->name, &choice))
        continue;
      int dense = dense_dtype (recipe, tensor), dtype = stored_dtype (dense, &choice);
      sum.n_matrices++;
      if (sum.n_matrices == 1)
        {
          sum.kind = choice.pattern.of == 4   ? "2:4"
                     : choice.pattern.of == 8 ? "4:8"
                                              : "unstructured";
          sum.format = kn_dtype_info (dense)->name;
        }
      sum.n_sparse += dtype != dense;
      sum.n_form += sparse_form (dense, &choice) >= 0;
      sum.n_weights += n;
      sum.n_zeros += n * choice.pattern.share;
      sum.dense_bytes += stored_bytes (dense, 1, tensor->n_rows, tensor->n_cols);
      sum.bytes += stored_bytes (dtype, 1 - choice.pattern.share, tensor->n_rows, tensor->n_cols);
      choice_clear (&choice);
    }
  return sum;
}

/* The shares at which kernels are timed: between them times go in straight lines, as the bytes that
 * are read do. */
static const double timed_shares[] = { 10, 25, 50, 75, 90 };
#define N_SHARES G_N_ELEMENTS (timed_shares)

/* @recipe with this choice for all blocks, without rules. */
static EngRecipe *
with_choice (EngRecipe *recipe, const char *kind, double percent, const char *storage)
{
  EngRecipe *result = eng_recipe_ref (recipe);
  struct
  {
    const char *param;
    GVariant *value;
  } values[] = { { KIND, g_variant_new_string (kind) },
                 { SHARE, g_variant_new_double (percent) },
                 { STORAGE, g_variant_new_string (storage) } };

  while (eng_recipe_n_rules (result, ID) > 0)
    {
      EngRule rule = eng_recipe_get_rule (result, ID, 0);
      EngRecipe *without = eng_recipe_with (result, ID, rule.param, rule.match, NULL, NULL);
      eng_recipe_unref (result);
      result = without;
    }
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      EngRecipe *changed
          = eng_recipe_with (result, ID, values[i].param, NULL, values[i].value, NULL);
      eng_recipe_unref (result);
      result = changed;
    }
  return result;
}

/* Stored sparse at some shares, and in the pattern. Nothing while the technique is off. */
static EngRecipe *
timed (EngModel *model, EngRecipe *recipe, guint index)
{
  Choice choice = { 0 };
  gboolean is_on = read_choice (recipe, NULL, &choice) || eng_recipe_n_rules (recipe, ID) > 0;
  EngRecipe *result = NULL;

  if (is_on && index < N_SHARES)
    result = with_choice (recipe, "unstructured", timed_shares[index], "sparse");
  else if (is_on && index == N_SHARES && choice.pattern.of != 0)
    result = with_choice (recipe, choice.kind, 50, "sparse");
  choice_clear (&choice);
  return result;
}

/* The shares at which the layer's products, stored sparse, take as long as @dense_ns: by their
 * medians, and by their ends. FALSE: not all that it takes was measured. */
typedef struct
{
  double percent, low, high; /* NAN: none up to the last share */
} BreakEven;

static gboolean
find_break_even (EngModel *model, EngRecipe *recipe, int layer, EngKernelSource source,
                 BreakEven *result)
{
  g_autoptr (EngRecipe) none = eng_recipe_without (recipe, &eng_technique_sparsity);
  double times[N_SHARES], lows[N_SHARES], highs[N_SHARES];
  EngProductTime dense, sparse;

  if (!eng_product_time (model, none, layer, source, &dense) || !dense.time.available)
    return FALSE;
  for (guint i = 0; i < N_SHARES; i++)
    {
      g_autoptr (EngRecipe) at = with_choice (recipe, "unstructured", timed_shares[i], "sparse");
      if (!eng_product_time (model, at, layer, source, &sparse) || !sparse.time.available
          || !sparse.is_exact)
        return FALSE;
      times[i] = sparse.time.value;
      lows[i] = sparse.time.low;
      highs[i] = sparse.time.high;
    }
  result->percent = eng_break_even_share (timed_shares, times, N_SHARES, dense.time.value);
  result->low = eng_break_even_share (timed_shares, lows, N_SHARES, dense.time.high);
  result->high = eng_break_even_share (timed_shares, highs, N_SHARES, dense.time.low);
  return TRUE;
}

/* "; break-even at 31 % (29 to 33 %)". */
static void
add_break_even (GString *text, const BreakEven *at, gboolean is_pattern)
{
  const char *what = is_pattern ? "; of unstructured zeros break-even" : "; break-even";

  if (isnan (at->percent))
    g_string_append_printf (text, "; no break-even up to %g %%", timed_shares[N_SHARES - 1]);
  else if (at->percent < timed_shares[0])
    g_string_append_printf (text, "%s below %g %%", what, timed_shares[0]);
  else
    {
      g_string_append_printf (text, "%s at %.0f %%", what, at->percent);
      if (isfinite (at->low) && isfinite (at->high)
          && fmax (at->percent - at->low, at->high - at->percent) >= 0.5)
        g_string_append_printf (text, " (%.0f to %.0f %%)", fmax (at->low, timed_shares[0]),
                                at->high);
    }
}

static const char no_break_even[]
    = "; the break-even is not known yet: not all shares of zeros were timed by themselves (the "
      "window does while it is idle, lathe estimate --measure at once)";

/* "50 % unstructured: 12 % faster here than Q8_0 (10 to 14 %), products timed by themselves;
 * break-even at 31 %." */
static char *
verdict (EngModel *model, EngRecipe *recipe, EngRun *run, int layer)
{
  Sum sum = sum_layer (model, recipe, layer);
  g_autoptr (EngRecipe) none = eng_recipe_without (recipe, &eng_technique_sparsity);
  g_autoptr (GString) text = g_string_new (NULL);
  EngKernelSource source = ENG_KERNEL_BENCH;
  gboolean is_known = TRUE;
  BreakEven at;

  if (sum.n_matrices == 0)
    return NULL;
  g_string_append_printf (text, "%.3g %% %s: ", 100 * sum.n_zeros / sum.n_weights, sum.kind);
  if (sum.n_sparse == 0)
    g_string_append (text, "0.0 % faster here: zeros are stored");
  else
    {
      EngWorth worth = eng_worth (model, recipe, none, run, layer, ENG_WORTH_ANY);
      g_autofree char *words = eng_worth_dup_change (&worth, sum.format);
      is_known = worth.change.verdict != ENG_CHANGE_NONE;
      source = worth.source;
      g_string_append (text, words);
    }
  if (sum.n_form == 0)
    g_string_append_printf (text, ", and %s has no sparse form (Q8_0 and Q4_0 have)", sum.format);
  else if (is_known && find_break_even (model, recipe, layer, source, &at))
    add_break_even (text, &at, g_strcmp0 (sum.kind, "unstructured") != 0);
  else if (is_known)
    g_string_append (text, no_break_even);
  g_string_append_c (text, '.');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
explain (EngModel *model, EngRecipe *recipe, int layer)
{
  Sum sum = sum_layer (model, recipe, layer);
  g_autoptr (GString) text = g_string_new (NULL);

  if (sum.n_matrices == 0)
    return NULL;
  g_autofree char *before = eng_format_value (sum.dense_bytes, "B");
  g_autofree char *after = eng_format_value (sum.bytes, "B");
  g_string_append_printf (text, "%.3g %% zeros in %u %s, ", 100 * sum.n_zeros / sum.n_weights,
                          sum.n_matrices, sum.n_matrices == 1 ? "matrix" : "matrices");
  if (sum.n_sparse == 0)
    g_string_append_printf (text, "stored like other weights: %s as before.", before);
  else
    g_string_append_printf (text, "%u stored sparse: %s become %s.", sum.n_sparse, before, after);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
describe (EngRecipe *recipe)
{
  g_autofree char *criterion = eng_recipe_get_string (recipe, ID, CRITERION, NULL);
  const char *how = is_compensated (recipe)                ? ", compensated"
                    : strcmp (criterion, "magnitude") == 0 ? " by magnitude"
                                                           : "";
  Choice choice;

  if (read_choice (recipe, NULL, &choice))
    {
      const char *stored = strcmp (choice.storage, "dense") == 0    ? ", zeros stored"
                           : strcmp (choice.storage, "sparse") == 0 ? ", zeros not stored"
                                                                    : "";
      char *text = choice.pattern.of != 0
                       ? g_strdup_printf ("%s sparse%s%s", choice.kind, how, stored)
                       : g_strdup_printf ("%g %% sparse%s%s", choice.percent, how, stored);
      choice_clear (&choice);
      return text;
    }
  return eng_recipe_n_rules (recipe, ID) > 0 ? g_strdup_printf ("sparse by rules%s", how) : NULL;
}

const EngTechnique eng_technique_sparsity = {
  .id = ID,
  .title = "Sparsity",
  .group = "Pruning",
  .summary
  = "The least important weights become zero and the model forgets a little; it is faster only "
    "where zeros are not stored and are many enough.",
  .papers
  = "Han et al. 2015, Learning both Weights and Connections for Efficient Neural Networks; "
    "Zhou et al. 2021, Learning N:M Fine-grained Structured Sparse Neural Networks From Scratch; "
    "Sun et al. 2024, A Simple and Effective Pruning Approach for Large Language Models; "
    "Frantar and Alistarh 2023, SparseGPT: Massive Language Models Can Be Accurately Pruned in "
    "One-Shot; "
    "Elsen et al. 2020, Fast Sparse ConvNets",
  .params = params,
  .n_params = G_N_ELEMENTS (params),
  .language = TRUE,
  .lossy = TRUE,
  .in_file = TRUE,
  .applies = applies,
  .matters = matters,
  .estimate = estimate,
  .apply = apply,
  .edit = edit,
  .timed = timed,
  .verdict = verdict,
  .explain = explain,
  .describe = describe,
};
