/* The table of views, and the interface's own functions. */
#include "app-view.h"

#include "app-accuracy-view.h"
#include "app-compare-view.h"
#include "app-config.h"
#include "app-graph-view.h"
#include "app-history-view.h"
#include "app-memory-view.h"
#include "app-price-view.h"
#include "app-roofline-view.h"
#include "app-speculation-view.h"
#include "app-timeline-view.h"
#include "app-tradeoff-view.h"

#include <glib/gi18n.h>

static const AppViewInfo views[] = {
  { "tradeoff", N_ ("Trade-off"), "lathe-tradeoff-symbolic", app_tradeoff_view_get_type,
    N_ ("trade-off"), 960, 640 },
  { "compare", N_ ("Compare"), "lathe-compare-symbolic", app_compare_view_get_type,
    N_ ("comparison"), 1200, 640 },
  { "accuracy", N_ ("Accuracy"), "lathe-accuracy-symbolic", app_accuracy_view_get_type,
    N_ ("accuracy"), 960, 560 },
  { "price", N_ ("Prices"), "lathe-price-symbolic", app_price_view_get_type, N_ ("price list"),
    1200, 900 },
  { "roofline", N_ ("Roofline"), "lathe-roofline-symbolic", app_roofline_view_get_type,
    N_ ("roofline"), 960, 640 },
  { "speculation", N_ ("Speculation"), "lathe-speculation-symbolic", app_speculation_view_get_type,
    N_ ("speculation"), 1200, 900 },
  { "graph", N_ ("Graph"), "lathe-graph-symbolic", app_graph_view_get_type, N_ ("graph"), 0, 0 },
  { "memory", N_ ("Memory"), "lathe-memory-symbolic", app_memory_view_get_type, N_ ("memory plan"),
    1200, 640 },
  { "timeline", N_ ("Timeline"), "lathe-timeline-symbolic", app_timeline_view_get_type,
    N_ ("timeline"), 1200, 420 },
  { "history", N_ ("History"), "document-open-recent-symbolic", app_history_view_get_type, NULL, 0,
    0 },
};

const AppViewInfo *
app_views (guint *n)
{
  *n = G_N_ELEMENTS (views);
  return views;
}

G_DEFINE_INTERFACE (AppView, app_view, GTK_TYPE_WIDGET)

static void
app_view_default_init (AppViewInterface *iface)
{
}

void
app_view_set_context (AppView *self, const AppViewContext *context)
{
  g_return_if_fail (APP_IS_VIEW (self) && context != NULL);
  g_return_if_fail (APP_IS_STAGE (context->stage) && APP_IS_SELECTION (context->selection));
  APP_VIEW_GET_IFACE (self)->set_context (self, context);
}

PlotFigure *
app_view_get_figure (AppView *self)
{
  g_return_val_if_fail (APP_IS_VIEW (self), NULL);
  return APP_VIEW_GET_IFACE (self)->get_figure != NULL
             ? APP_VIEW_GET_IFACE (self)->get_figure (self)
             : NULL;
}

void
app_view_set_width_class (AppView *self, int width)
{
  g_return_if_fail (APP_IS_VIEW (self));
  if (APP_VIEW_GET_IFACE (self)->set_width_class != NULL)
    APP_VIEW_GET_IFACE (self)->set_width_class (self, width);
}
