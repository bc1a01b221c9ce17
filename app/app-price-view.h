/* The price list: what every layer costs in every precision, a budget that is spread over the
 * layers best exchange first, and why. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define APP_TYPE_PRICE_VIEW (app_price_view_get_type ())
G_DECLARE_FINAL_TYPE (AppPriceView, app_price_view, APP, PRICE_VIEW, GtkWidget)

/* Properties: "show-table" boolean: rows and columns instead of the heat map. */

G_END_DECLS
