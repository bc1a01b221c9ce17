/* The wheel belongs to the page. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* @widget, which stands in a page that scrolls, lets the wheel through instead of taking it for
 * itself: who scrolls past a slider does not mean to move it. */
void app_scroll_let_through (GtkWidget *widget);

/* @scrolled, a scrolled window in a page that scrolls, takes the wheel only where it can be
 * scrolled further: at its end the page goes on. */
void app_scroll_chain (GtkWidget *scrolled);

G_END_DECLS
