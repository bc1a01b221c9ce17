/* Budgets of the price page: as text, as places of its slider, summed over layers. No widgets. */
#pragma once

#include "eng-figure.h"
#include "eng-price.h"

G_BEGIN_DECLS

#define APP_N_BUDGETS 3 /* EngBudgetKind */

/* "61 MB", "2.1 ms", "0.05 nat": newly allocated. @amount in bytes, ns, or the losses' unit. */
char *app_price_budget_format (EngPrices *prices, EngBudgetKind kind, double amount);
/* What the slider at @share (0..1) stands for: from the least to the most; losses span decades, so
 * theirs is logarithmic. And the other way round, found by halving, so that it is that whatever the
 * above is. */
double app_price_budget_at (EngPrices *prices, EngBudgetKind kind, double share);
double app_price_budget_share (EngPrices *prices, EngBudgetKind kind, double budget);
/* "60 MB", "2 ms", "0.05", "0.05 nat"; the unit says what is bounded. FALSE: it is none of them. */
gboolean app_price_budget_parse (EngPrices *prices, const char *text, EngBudgetKind *kind,
                                 double *amount);
/* All layers as @choices say (NULL: as they are in the file); losses with the sums of their
 * intervals' ends, which is as wide as can be. */
void app_price_budget_sum (EngPrices *prices, const guint *choices, EngFigure sums[APP_N_BUDGETS]);

G_END_DECLS
