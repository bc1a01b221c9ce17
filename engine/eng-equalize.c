/* The scales of a model's folds: from statistics of the calibration text and a sample of the rows
 * of the matrices, found once and kept with the model. Called by the technique, on workers. Knows
 * the recipe's fields; the arithmetic is in eng-equalize-scales.c, the places in eng-fold.c. */
#include "eng-equalize.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "kn-matmul.h"
#include "kn-quant.h"

#define ID "equalization"
#define DATA_KEY "eng-equalize"
#define SAMPLE_ROWS 24   /* of each matrix, for the expected error */
#define N_EXPONENTS 10   /* 0, 0.1 ... 0.9 */
#define REACH_SHARE 0.99 /* of a channel's values lie below its reach */
#define PEAK_SHARE 1.0   /* of a channel's largest square, added to its mean square */

static GMutex mutex; /* of the tables of all models */

static void
folded_free (gpointer data)
{
  EngFolded *folded = data;
  g_free (folded->scales);
  g_free (folded);
}

/* EngFolded by key; they stay for as long as the model is open: some kilobytes each. */
static GHashTable *
table_of (EngModel *model)
{
  GHashTable *table = g_object_get_data (G_OBJECT (model), DATA_KEY);

  if (table == NULL)
    {
      table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, folded_free);
      g_object_set_data_full (G_OBJECT (model), DATA_KEY, table,
                              (GDestroyNotify)g_hash_table_unref);
    }
  return table;
}

/* ---- what the recipe asks for ---- */

static EngEqualizeMethod
method_of (EngRecipe *recipe, const char *name)
{
  g_autofree char *method = eng_recipe_get_string (recipe, ID, "method", name);

  return strcmp (method, "awq") == 0      ? ENG_EQUALIZE_AWQ
         : strcmp (method, "smooth") == 0 ? ENG_EQUALIZE_SMOOTH
                                          : ENG_EQUALIZE_NONE;
}

static double
strength_of (EngRecipe *recipe, const char *name)
{
  g_autoptr (GVariant) value = eng_recipe_get (recipe, ID, "strength", name);
  return g_variant_get_double (value);
}

/* The format of a matrix as the recipe's weight format has it. A technique that changes it later
 * (sparsity) does not change what is good for its codes. */
static int
dtype_of (EngRecipe *recipe, const EngTensor *tensor)
{
  g_autofree char *choice = eng_recipe_get_string (recipe, "weight-format", "format", tensor->name);
  int wanted = strcmp (choice, "source") == 0 ? tensor->dtype : kn_dtype_from_name (choice);

  return eng_fit_dtype (wanted, tensor->n_cols);
}

char *
eng_fold_dup_key (EngModel *model, EngRecipe *recipe, const EngFold *fold)
{
  const char *first = eng_model_get_tensor (model, fold->matrices[0])->name;
  EngEqualizeMethod method = method_of (recipe, first);
  EngLowering asking = { .model = model, .recipe = recipe };

  if (method == ENG_EQUALIZE_NONE)
    return NULL;
  g_autofree char *calibration = eng_lowering_dup_calibration_key (&asking);
  GString *key = g_string_new (NULL);
  if (method == ENG_EQUALIZE_SMOOTH)
    g_string_append_printf (key, "smooth %.17g", strength_of (recipe, first));
  else
    g_string_append (key, "awq");
  for (guint i = 0; i < fold->n_matrices; i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, fold->matrices[i]);
      g_string_append_printf (key, ", %s %s", tensor->name,
                              kn_dtype_info (dtype_of (recipe, tensor))->name);
    }
  g_string_append_printf (key, ", %s", calibration);
  return g_string_free (key, FALSE);
}

/* ---- numbers ---- */

/* What is known of a fold's channels and matrices. */
typedef struct
{
  const EngFold *fold;
  EngEqualizePart parts[ENG_FOLD_MAX_MATRICES];
  float *rms, *max_abs, *weight_max; /* [fold->n] */
  GPtrArray *owned;
} Facts;

static float *
own_floats (Facts *facts, gsize n)
{
  float *numbers = g_new0 (float, MAX (n, 1));
  g_ptr_array_add (facts->owned, numbers);
  return numbers;
}

/* All rows for the largest weights, some for the errors. */
static void
read_rows (Facts *facts, EngModel *model, const EngTensor *tensor, EngEqualizePart *part)
{
  const RtValue *value = rt_graph_value (eng_model_get_graph (model), tensor->value);
  gsize row_bytes = kn_row_bytes ((KnDtype)tensor->dtype, tensor->n_cols);
  gsize step = (tensor->n_rows + SAMPLE_ROWS - 1) / SAMPLE_ROWS;
  g_autofree float *row = g_new (float, tensor->n_cols);

  part->n_cols = tensor->n_cols;
  part->n_rows = (tensor->n_rows + step - 1) / step;
  float *sample = own_floats (facts, part->n_rows * part->n_cols);
  part->rows = sample;
  for (guint64 r = 0; r < tensor->n_rows; r++)
    {
      kn_dequantize_row ((KnDtype)tensor->dtype, (const guint8 *)value->data + r * row_bytes, row,
                         tensor->n_cols);
      for (gsize c = 0; c < tensor->n_cols; c++)
        {
          float *max = &facts->weight_max[eng_fold_channel (facts->fold, c)];
          *max = MAX (*max, fabsf (row[c]));
        }
      if (r % step == 0)
        {
          memcpy (sample, row, tensor->n_cols * sizeof *row);
          sample += tensor->n_cols;
        }
    }
}

static gboolean
read_part (Facts *facts, EngModel *model, EngActivations *activations, EngRecipe *recipe,
           guint index, GError **error)
{
  const EngTensor *tensor = eng_model_get_tensor (model, facts->fold->matrices[index]);
  EngEqualizePart *part = &facts->parts[index];
  EngChannelStats stats;

  if (!eng_activations_get_channels (activations, tensor->name, &stats)
      || stats.n_channels != tensor->n_cols)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "The calibration has no statistics of what %s multiplies", tensor->name);
      return FALSE;
    }
  read_rows (facts, model, tensor, part);
  part->dtype = dtype_of (recipe, tensor);
  /* A text's first token is one of hundreds, but most attention goes to it: what is large there
   * alone must survive too. */
  float *power = own_floats (facts, tensor->n_cols);
  for (gsize c = 0; c < tensor->n_cols; c++)
    power[c] = stats.mean_square[c] + (float)PEAK_SHARE * stats.max_abs[c] * stats.max_abs[c];
  part->mean_square = power;
  part->mean = stats.mean;
  float *reach = own_floats (facts, tensor->n_cols);
  for (gsize c = 0; c < tensor->n_cols; c++)
    if (!eng_activations_get_quantile (activations, tensor->name, (int)c, REACH_SHARE, &reach[c]))
      reach[c] = stats.max_abs[c];
  part->reach = reach;
  /* Matrices of a fold read the same value: the first one's statistics are those of all. */
  for (gsize c = 0; index == 0 && c < tensor->n_cols; c++)
    {
      gsize channel = eng_fold_channel (facts->fold, c);
      facts->rms[channel] += power[c] / (float)facts->fold->group;
      facts->max_abs[channel] = MAX (facts->max_abs[channel], stats.max_abs[c]);
    }
  return TRUE;
}

static gboolean
facts_read (Facts *facts, EngLowering *lowering, const EngFold *fold, EngActivations *activations,
            GError **error)
{
  *facts = (Facts){ .fold = fold, .owned = g_ptr_array_new_with_free_func (g_free) };
  facts->rms = own_floats (facts, fold->n);
  facts->max_abs = own_floats (facts, fold->n);
  facts->weight_max = own_floats (facts, fold->n);
  for (guint i = 0; i < fold->n_matrices; i++)
    if (!read_part (facts, lowering->model, activations, lowering->recipe, i, error))
      return FALSE;
  for (gsize i = 0; i < fold->n; i++)
    facts->rms[i] = sqrtf (facts->rms[i]);
  return TRUE;
}

/* Powers of the activations' magnitude, from none on: never worse than nothing, as far as the
 * expectation goes. */
static void
search (const Facts *facts, EngFolded *folded)
{
  gsize n = facts->fold->n;
  g_autofree float *scales = g_new (float, n);

  folded->error = folded->plain_error;
  for (guint i = 1; i < N_EXPONENTS; i++)
    {
      double exponent = (double)i / N_EXPONENTS;
      eng_equalize_scales (facts->rms, NULL, n, exponent, scales);
      double error
          = eng_equalize_error (facts->fold, facts->parts, facts->fold->n_matrices, scales);
      if (error < folded->error)
        {
          folded->error = error;
          folded->exponent = exponent;
          memcpy (folded->scales, scales, n * sizeof *scales);
        }
    }
}

static gboolean
only_floats (const Facts *facts)
{
  for (guint i = 0; i < facts->fold->n_matrices; i++)
    if (kn_matmul_act ((KnDtype)facts->parts[i].dtype) != KN_ACT_F32)
      return FALSE;
  return TRUE;
}

/* How the channels of what the matrices read go together: the errors of columns that are rounded to
 * nothing add up, and only this knows. */
static gboolean
read_moments (Facts *facts, EngActivations *activations, const char *name, GError **error)
{
  gsize n;
  float *moments = eng_activations_load_hessian (activations, name, &n, error);

  if (moments == NULL)
    return FALSE;
  g_ptr_array_add (facts->owned, moments);
  for (gsize c = 0; c < n; c++)
    moments[c * n + c] = facts->parts[0].mean_square[c];
  for (guint i = 0; i < facts->fold->n_matrices; i++)
    facts->parts[i].moments = moments;
  return TRUE;
}

static EngFolded *
make (EngLowering *lowering, const EngFold *fold, GError **error)
{
  const char *first = eng_model_get_tensor (lowering->model, fold->matrices[0])->name;
  gboolean smooth = method_of (lowering->recipe, first) == ENG_EQUALIZE_SMOOTH;
  g_autoptr (EngActivations) activations
      = eng_lowering_get_activations (lowering,
                                      smooth ? ENG_ACTIVATIONS_CHANNELS : ENG_ACTIVATIONS_HESSIANS,
                                      error);
  Facts facts = { 0 };
  EngFolded *folded = NULL;

  if (activations == NULL)
    return NULL;
  if (facts_read (&facts, lowering, fold, activations, error)
      && (smooth || only_floats (&facts) || read_moments (&facts, activations, first, error)))
    {
      folded = g_new0 (EngFolded, 1);
      folded->scales = g_new (float, fold->n);
      for (gsize i = 0; i < fold->n; i++)
        folded->scales[i] = 1;
      folded->plain_error
          = eng_equalize_error (fold, facts.parts, fold->n_matrices, folded->scales);
      if (smooth)
        {
          folded->exponent = strength_of (lowering->recipe, first);
          eng_equalize_scales (facts.max_abs, facts.weight_max, fold->n, folded->exponent,
                               folded->scales);
          folded->error = eng_equalize_error (fold, facts.parts, fold->n_matrices, folded->scales);
        }
      else if (only_floats (&facts)) /* floats have their own exponents: nothing to gain */
        folded->error = folded->plain_error;
      else
        search (&facts, folded);
    }
  g_ptr_array_unref (facts.owned);
  return folded;
}

/* ---- */

const EngFolded *
eng_fold_find (EngLowering *lowering, const EngFold *fold, GError **error)
{
  g_autofree char *key = eng_fold_dup_key (lowering->model, lowering->recipe, fold);
  const EngFolded *known;

  g_return_val_if_fail (key != NULL && !lowering->is_sketch, NULL);
  known = eng_fold_peek (lowering->model, lowering->recipe, fold);
  if (known != NULL)
    return known;

  EngFolded *made = make (lowering, fold, error);
  if (made == NULL)
    return NULL;
  g_mutex_lock (&mutex);
  GHashTable *table = table_of (lowering->model);
  known = g_hash_table_lookup (table, key); /* two workers may have looked at once */
  if (known == NULL)
    g_hash_table_insert (table, g_steal_pointer (&key), made);
  g_mutex_unlock (&mutex);
  if (known == NULL)
    return made;
  folded_free (made);
  return known;
}

const EngFolded *
eng_fold_peek (EngModel *model, EngRecipe *recipe, const EngFold *fold)
{
  g_autofree char *key = eng_fold_dup_key (model, recipe, fold);

  if (key == NULL)
    return NULL;
  g_mutex_lock (&mutex);
  const EngFolded *found = g_hash_table_lookup (table_of (model), key);
  g_mutex_unlock (&mutex);
  return found;
}
