/* The window's side of the price list: a worker each for what is known, for measuring, and for
 * exact purchases; newest question first. Knows no widgets. */
#pragma once

#include "eng-price.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define APP_TYPE_PRICES (app_prices_get_type ())
G_DECLARE_FINAL_TYPE (AppPrices, app_prices, APP, PRICES, GObject)

/* Signal "changed": prices, purchase, why there are none, or whether they are being measured. Main
 * thread. */
AppPrices *app_prices_new (EngHistory *history); /* nullable: nothing is kept */

/* What is asked about; NULLs for nothing. What is known arrives a moment later. */
void app_prices_set_subject (AppPrices *self, EngModel *model, EngRecipe *recipe,
                             EngEstimator *estimator);
EngPrices *app_prices_get (AppPrices *self); /* borrowed; NULL: nothing yet */
/* borrowed; NULL: there are prices, or they come */
const char *app_prices_get_why_not (AppPrices *self);
gboolean app_prices_is_complete (AppPrices *self); /* every cell has its loss and its time */

gboolean app_prices_get_measuring (AppPrices *self);
/* @done: once, on the main thread, with NULL or why it ended. */
typedef void (*AppPricesDone) (const GError *error, gpointer user_data);
void app_prices_measure (AppPrices *self, gboolean dependence, EngJob *job, AppPricesDone done,
                         gpointer user_data);

/* What the budget buys; best exchange first at once, exact ones a moment later. Until prices come
 * it is only noted. */
void app_prices_set_budget (AppPrices *self, EngBudgetKind kind, double budget, gboolean exact);
EngPurchase *app_prices_get_purchase (AppPrices *self); /* borrowed; NULL: none */

G_END_DECLS
