/* Pages of the plot gallery (plot-gallery.c), made by gallery-*.c. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define GALLERY_NOTE "Invented data"

/* A page of that size in pixels; takes @widget. @name: static, of its pictures. */
void gallery_add (const char *name, int width, int height, GtkWidget *widget);
/* On pictures of the page that was added last, the pointer is there: shares of its size. */
void gallery_hover (double x, double y);
/* In [0, 1), always the same for the same @i and @salt. */
double gallery_noise (guint i, guint salt);

void gallery_add_lanes (void);
void gallery_add_charts (void);
void gallery_add_views (void);

G_END_DECLS
