/* Words in a pane: a label that wraps, also in the middle of a word too long for its line. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* @classes: CSS classes, NULL-terminated, or NULL for none. */
GtkWidget *app_words_new (const char *text, const char *const *classes);

G_END_DECLS
