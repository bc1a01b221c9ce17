/* A view: one page of the stage. Every page implements this interface and is one row of the table
 * in app-view.c; the window creates it, gives it what it shows, binds its "show-table" property
 * (where it has one) to that of all others, and exports its plot. Adding one: a widget
 * (app-<what>-view.c with its template in data/ui and its icon in data/icons), one row. */
#pragma once

#include "app-selection.h"
#include "app-stage.h"
#include "plot-figure.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* What views show; borrowed, take references. */
typedef struct
{
  AppStage *stage;
  AppSelection *selection;
  EngHistory *history; /* NULL: nothing is kept */
} AppViewContext;

#define APP_TYPE_VIEW (app_view_get_type ())
G_DECLARE_INTERFACE (AppView, app_view, APP, VIEW, GtkWidget)

struct _AppViewInterface
{
  GTypeInterface g_iface;

  /* Once, before the window is shown. */
  void (*set_context) (AppView *self, const AppViewContext *context);
  /* What an export writes, up to date; borrowed. May be NULL: nothing to export. */
  PlotFigure *(*get_figure) (AppView *self);
  /* The window's width is of the class @width (AppWidth). May be NULL. */
  void (*set_width_class) (AppView *self, int width);
};

void app_view_set_context (AppView *self, const AppViewContext *context);
PlotFigure *app_view_get_figure (AppView *self); /* NULL: nothing to export */
void app_view_set_width_class (AppView *self, int width);

typedef struct
{
  const char *id;    /* "graph": the page's name, and the target of win.view */
  const char *title; /* not translated yet */
  const char *icon;
  GType (*get_type) (void);
  const char *plot;        /* "memory plan": in titles and file names of its exported plot; not
                            * translated yet. NULL: nothing to export */
  int width_px, height_px; /* of an exported page; 0: the figure's own */
} AppViewInfo;

/* In the order in which they stand, after the lanes (and the prompt's own page in narrow
 * windows). */
const AppViewInfo *app_views (guint *n);

G_END_DECLS
