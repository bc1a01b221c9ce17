/* One headline number: title, number and unit, interval, difference to the baseline. */
#pragma once

#include <gtk/gtk.h>

#include "app-change.h"

G_BEGIN_DECLS

#define APP_TYPE_FIGURE_TILE (app_figure_tile_get_type ())
G_DECLARE_FINAL_TYPE (AppFigureTile, app_figure_tile, APP, FIGURE_TILE, GtkWidget)

/* Properties: "title" string; "compact" boolean (smaller, for narrow windows). */
GtkWidget *app_figure_tile_new (const char *title);
void app_figure_tile_set_title (AppFigureTile *self, const char *title);
/* The title, and what exactly the number is, shown on hover. */
void app_figure_tile_set_what (AppFigureTile *self, const char *title, const char *tip);
/* What a change is told against, "the file"; NULL: the baseline. */
void app_figure_tile_set_against (AppFigureTile *self, const char *against);
void app_figure_tile_set_compact (AppFigureTile *self, gboolean compact);
/* @change NULL: there is nothing to compare with. Both are copied. */
/* The same of an estimate: marked as one, the interval being its band. */
void app_figure_tile_set_estimate (AppFigureTile *self, const EngFigure *figure,
                                   const AppChange *change);
void app_figure_tile_set (AppFigureTile *self, const EngFigure *figure, const AppChange *change);

G_END_DECLS
