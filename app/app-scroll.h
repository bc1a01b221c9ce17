/* The wheel belongs to the page. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* @widget, which stands in a page that scrolls, lets the wheel through instead of taking it for
 * itself: who scrolls past a slider does not mean to move it. */
void app_scroll_let_through (GtkWidget *widget);

G_END_DECLS
