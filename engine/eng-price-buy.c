/* Buying from a price list: what a budget gets, why, and as a recipe. */
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-price-private.h"

/* ---- losses and sums ---- */

/* What a layer's choice adds to the loss: alone, or, where dependence was measured, the mean of
 * being the first and the last layer to change: the two ends of the Shapley value's average over
 * orders. */
static double
loss_of (const EngPrice *price)
{
  if (price->restored.available)
    return (price->loss.value + price->restored.value) / 2;
  return price->loss.value;
}

static EngPriceOption
option_of (const EngPrice *price, EngBudgetKind kind)
{
  double loss = loss_of (price);
  EngPriceOption option = { .available = price->loss.available };

  option.spend = kind == ENG_BUDGET_SIZE      ? price->bytes
                 : kind == ENG_BUDGET_LATENCY ? price->ns
                                              : loss;
  option.value = kind == ENG_BUDGET_LOSS ? price->ns : loss;
  option.available &= isfinite (option.spend) && isfinite (option.value);
  return option;
}

static EngPriceOption *
make_options (EngPrices *prices, EngBudgetKind kind, GError **error)
{
  EngPriceOption *options = g_new (EngPriceOption, (gsize)prices->n_layers * prices->n_choices);

  for (guint r = 0; r < prices->n_layers; r++)
    {
      gboolean any = FALSE;
      for (guint c = 0; c < prices->n_choices; c++)
        {
          EngPriceOption option = option_of (eng_prices_at (prices, r, c), kind);
          options[r * prices->n_choices + c] = option;
          any |= option.available;
        }
      if (!any)
        {
          g_autofree char *name = eng_model_dup_layer_name (prices->model, prices->layers[r]);
          g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                       "%s has no price: its %s were not measured yet", name,
                       kind == ENG_BUDGET_SIZE ? "losses" : "losses or times");
          g_free (options);
          return NULL;
        }
    }
  return options;
}

/* What is spent outside of the priced layers. */
static double
rest (EngPrices *prices, EngBudgetKind kind)
{
  double rest_ns = isfinite (prices->rest_ns) ? prices->rest_ns : 0;
  return kind == ENG_BUDGET_SIZE ? prices->rest_bytes : kind == ENG_BUDGET_LATENCY ? rest_ns : 0;
}

void
eng_prices_get_range (EngPrices *prices, EngBudgetKind kind, double *least, double *most)
{
  *least = *most = rest (prices, kind);
  for (guint r = 0; r < prices->n_layers; r++)
    {
      double low = INFINITY, high = -INFINITY;
      for (guint c = 0; c < prices->n_choices; c++)
        {
          EngPriceOption option = option_of (eng_prices_at (prices, r, c), kind);
          if (!option.available)
            continue;
          low = MIN (low, option.spend);
          high = MAX (high, option.spend);
        }
      *least += isfinite (low) ? low : 0;
      *most += isfinite (high) ? high : 0;
    }
}

EngPurchase *
eng_prices_buy (EngPrices *prices, EngBudgetKind kind, double budget, gboolean exact,
                GError **error)
{
  g_return_val_if_fail (prices != NULL, NULL);

  g_autofree EngPriceOption *options = make_options (prices, kind, error);
  if (options == NULL)
    return NULL;
  EngPurchase *self = g_new0 (EngPurchase, 1);
  double left = budget - rest (prices, kind);

  self->kind = kind;
  self->budget = budget;
  self->is_exact = exact;
  self->choices = g_new0 (guint, MAX (prices->n_layers, 1));
  self->steps = g_array_new (FALSE, FALSE, sizeof (EngPriceStep));
  self->is_feasible
      = exact ? eng_price_solve (options, prices->n_layers, prices->n_choices, left, self->choices)
              : eng_price_exchange (options, prices->n_layers, prices->n_choices, left,
                                    self->choices, self->steps);
  self->bytes = prices->rest_bytes;
  self->ns = prices->rest_ns;
  for (guint r = 0; r < prices->n_layers; r++)
    {
      const EngPrice *price = eng_prices_at (prices, r, self->choices[r]);
      self->bytes += price->bytes;
      self->ns += price->ns;
      self->loss += loss_of (price);
    }
  return self;
}

void
eng_purchase_free (EngPurchase *self)
{
  if (self == NULL)
    return;
  g_free (self->choices);
  g_array_unref (self->steps);
  g_free (self);
}

/* ---- words ---- */

char *
eng_prices_format_loss (EngPrices *prices, double loss)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) parts = NULL;

  g_return_val_if_fail (prices != NULL, NULL);

  text = g_strdup_printf ("%.3g\u202f%s", loss, eng_prices_get_loss_unit (prices));
  parts = g_strsplit (text, "e-0", 2);
  return g_strjoinv ("e-", parts);
}

static char *
format_amount (EngPrices *prices, EngBudgetKind kind, double amount)
{
  switch (kind)
    {
    case ENG_BUDGET_SIZE:
      return eng_format_value (amount, "B");
    case ENG_BUDGET_LATENCY:
      return eng_format_value (amount * 1e-9, "s");
    case ENG_BUDGET_LOSS:
      return eng_prices_format_loss (prices, amount);
    }
  g_return_val_if_reached (NULL);
}

static const EngPriceStep *
last_step (const EngPurchase *purchase, guint row, guint *index)
{
  for (guint i = purchase->steps->len; i-- > 0;)
    {
      const EngPriceStep *step = &g_array_index (purchase->steps, EngPriceStep, i);
      if (step->row == row)
        {
          *index = i;
          return step;
        }
    }
  return NULL;
}

static char *
reason_of_step (EngPrices *prices, const EngPurchase *purchase, const EngPriceStep *step,
                guint index)
{
  EngBudgetKind made_small
      = purchase->kind == ENG_BUDGET_LOSS ? ENG_BUDGET_LATENCY : ENG_BUDGET_LOSS;
  g_autofree char *spared = format_amount (prices, purchase->kind, fabs (step->spared));
  g_autofree char *added = format_amount (prices, made_small, fabs (step->added));
  const char *from = eng_prices_get_choice_title (prices, step->from),
             *to = eng_prices_get_choice_title (prices, step->to);

  if (step->spared < 0)
    return g_strdup_printf (
        "%s instead of %s: %s were left in the budget, and here they take %s away.", to, from,
        spared, added);
  if (step->added <= 0)
    return g_strdup_printf ("%s instead of %s: spares %s and costs nothing that was measured.", to,
                            from, spared);
  return g_strdup_printf ("%s instead of %s: spares %s for %s, exchange %u of %u by what it costs.",
                          to, from, spared, added, index + 1, purchase->steps->len);
}

/* What an exact mixture has for a layer: beside the next better and the next cheaper one. */
static char *
reason_of_choice (EngPrices *prices, const EngPurchase *purchase, guint row)
{
  guint choice = purchase->choices[row];
  EngPriceOption now = option_of (eng_prices_at (prices, row, choice), purchase->kind);
  EngBudgetKind made_small
      = purchase->kind == ENG_BUDGET_LOSS ? ENG_BUDGET_LATENCY : ENG_BUDGET_LOSS;
  int better = -1;

  for (guint c = 0; c < prices->n_choices; c++)
    {
      EngPriceOption other = option_of (eng_prices_at (prices, row, c), purchase->kind);
      EngPriceOption best
          = better >= 0 ? option_of (eng_prices_at (prices, row, (guint)better), purchase->kind)
                        : now;
      if (other.available && other.value < now.value && (better < 0 || other.spend < best.spend))
        better = (int)c;
    }
  const char *title = eng_prices_get_choice_title (prices, choice);
  if (better < 0)
    return g_strdup_printf ("%s: no precision here is better by what is made small.", title);
  EngPriceOption other = option_of (eng_prices_at (prices, row, (guint)better), purchase->kind);
  g_autofree char *more = format_amount (prices, purchase->kind, other.spend - now.spend);
  g_autofree char *gain = format_amount (prices, made_small, now.value - other.value);
  return g_strdup_printf ("%s: %s would take %s away here, and its %s are worth more elsewhere.",
                          title, eng_prices_get_choice_title (prices, (guint)better), gain, more);
}

char *
eng_purchase_dup_reason (EngPrices *prices, const EngPurchase *purchase, guint row)
{
  guint index;

  g_return_val_if_fail (prices != NULL && purchase != NULL && row < prices->n_layers, NULL);
  if (purchase->is_exact)
    return reason_of_choice (prices, purchase, row);
  const EngPriceStep *step = last_step (purchase, row, &index);
  if (step != NULL)
    return reason_of_step (prices, purchase, step, index);
  return g_strdup_printf (
      "%s: the least %s of all precisions here; the budget did not ask for more.",
      eng_prices_get_choice_title (prices, purchase->choices[row]),
      purchase->kind == ENG_BUDGET_LOSS ? "time" : "loss");
}

/* ---- as a recipe ---- */

/* "blk.3.*" where that says the whole layer and nothing else; NULL: name by name. */
static char *
find_pattern (EngModel *model, int layer)
{
  g_autofree char *prefix = g_strdup_printf ("blk.%d.", layer);
  gboolean any = FALSE;

  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (model, i);
      if ((tensor->layer == layer) != g_str_has_prefix (tensor->name, prefix))
        return NULL;
      any |= tensor->layer == layer;
    }
  return any ? g_strdup_printf ("blk.%d.*", layer) : NULL;
}

static EngRecipe *
with_rule (EngPrices *prices, EngRecipe *recipe, const char *match, const char *choice,
           GError **error)
{
  const char *technique, *param;
  eng_prices_get_param (eng_model_get_kind (prices->model), &technique, &param);
  return eng_recipe_with (recipe, technique, param, match, g_variant_new_string (choice), error);
}

EngRecipe *
eng_prices_with_layer (EngPrices *prices, EngRecipe *recipe, int layer, const char *choice,
                       GError **error)
{
  g_autofree char *pattern = find_pattern (prices->model, layer);
  if (pattern != NULL)
    return with_rule (prices, recipe, pattern, choice, error);

  EngRecipe *result = eng_recipe_ref (recipe);
  for (guint i = 0; result != NULL && i < eng_model_get_n_tensors (prices->model); i++)
    {
      const EngTensor *tensor = eng_model_get_tensor (prices->model, i);
      if (tensor->layer != layer)
        continue;
      EngRecipe *next = with_rule (prices, result, tensor->name, choice, error);
      eng_recipe_unref (result);
      result = next;
    }
  return result;
}

EngRecipe *
eng_purchase_make_recipe (EngPrices *prices, const EngPurchase *purchase, GError **error)
{
  g_autofree guint *n_rows = g_new0 (guint, prices->n_choices);
  guint commonest = 0;

  for (guint r = 0; r < prices->n_layers; r++)
    n_rows[purchase->choices[r]]++;
  for (guint c = 0; c < prices->n_choices; c++)
    if (n_rows[c] > n_rows[commonest])
      commonest = c;
  EngRecipe *recipe = eng_prices_uniform (prices, commonest);
  for (guint r = 0; recipe != NULL && r < prices->n_layers; r++)
    {
      if (purchase->choices[r] == commonest)
        continue;
      EngRecipe *next = eng_prices_with_layer (prices, recipe, prices->layers[r],
                                               prices->choices[purchase->choices[r]], error);
      eng_recipe_unref (recipe);
      recipe = next;
    }
  return recipe;
}
