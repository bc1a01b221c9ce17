/* What budgets are as text, as places of the slider, and summed over layers: the arithmetic of the
 * price page (app-price-view.c), without widgets. */
#include "app-price-budget.h"

#include "app-config.h"
#include "eng-limit.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

char *
app_price_budget_format (EngPrices *prices, EngBudgetKind kind, double amount)
{
  if (kind == ENG_BUDGET_SIZE)
    return eng_format_value (amount, "B");
  if (kind == ENG_BUDGET_LATENCY)
    return isfinite (amount) ? eng_format_value (amount * 1e-9, "s") : g_strdup (_ ("unknown"));
  return eng_prices_format_loss (prices, amount);
}

double
app_price_budget_at (EngPrices *prices, EngBudgetKind kind, double share)
{
  double least, most;

  eng_prices_get_range (prices, kind, &least, &most);
  if (kind != ENG_BUDGET_LOSS)
    return least + share * (most - least);
  double low = MAX (most, 0) * 1e-4;
  return share <= 0 ? MAX (least, 0) : low * pow (MAX (most, 0) / MAX (low, 1e-12), share);
}

double
app_price_budget_share (EngPrices *prices, EngBudgetKind kind, double budget)
{
  double low = 0, high = 1;

  for (int i = 0; i < 20; i++)
    {
      double middle = (low + high) / 2;

      if (app_price_budget_at (prices, kind, middle) < budget)
        low = middle;
      else
        high = middle;
    }
  return (low + high) / 2;
}

gboolean
app_price_budget_parse (EngPrices *prices, const char *text, EngBudgetKind *kind, double *amount)
{
  const char *unit = eng_prices_get_loss_unit (prices);
  g_autofree char *plain = g_strdup (text);
  char *end;

  if (eng_figure_value_parse (text, ENG_FIGURE_WEIGHTS, amount, NULL))
    *kind = ENG_BUDGET_SIZE;
  else if (eng_figure_value_parse (text, ENG_FIGURE_STEP_CLEAN, amount, NULL))
    {
      *kind = ENG_BUDGET_LATENCY;
      *amount *= 1e6; /* ms */
    }
  else
    {
      g_strstrip (plain);
      if (g_str_has_suffix (plain, unit))
        plain[strlen (plain) - strlen (unit)] = '\0';
      /* The narrow space of our own writing is no space to strtod(). */
      if (g_str_has_suffix (plain, "\u202f"))
        plain[strlen (plain) - strlen ("\u202f")] = '\0';
      g_strstrip (plain);
      *kind = ENG_BUDGET_LOSS;
      *amount = g_ascii_strtod (plain, &end);
      if (end == plain || *end != '\0')
        return FALSE;
    }
  return isfinite (*amount) && *amount >= 0;
}

void
app_price_budget_sum (EngPrices *prices, const guint *choices, EngFigure sums[APP_N_BUDGETS])
{
  EngFigure *size = &sums[ENG_BUDGET_SIZE], *time = &sums[ENG_BUDGET_LATENCY],
            *loss = &sums[ENG_BUDGET_LOSS];

  *size = (EngFigure){ TRUE, eng_prices_get_rest_bytes (prices), 0, 0, 0, "B", NULL };
  *time = (EngFigure){ TRUE, eng_prices_get_rest_ns (prices), 0, 0, 0, "s", NULL };
  *loss = (EngFigure){ TRUE, 0, 0, 0, 0, eng_prices_get_loss_unit (prices), NULL };
  for (guint r = 0; r < eng_prices_get_n_layers (prices); r++)
    {
      guint c = 0;

      while (choices == NULL && c + 1 < eng_prices_get_n_choices (prices)
             && !eng_prices_get (prices, r, c)->same)
        c++;
      const EngPrice *price = eng_prices_get (prices, r, choices != NULL ? choices[r] : c);
      size->value += price->bytes;
      time->value += price->ns;
      loss->low += price->loss.low;
      loss->high += price->loss.high;
    }
  time->value *= 1e-9;
  time->available = isfinite (time->value);
  time->reason = time->available ? NULL : _ ("never timed");
  size->low = size->high = size->value;
  time->low = time->high = time->value;
}
