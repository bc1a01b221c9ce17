/* One child, and how wide the room for it is: what later versions of libadwaita call a breakpoint.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum
{
  APP_WIDTH_COMPACT, /* a phone, half a small screen: under 860 px */
  APP_WIDTH_MEDIUM,
  APP_WIDTH_WIDE, /* from 1100 px: side panes on both sides */
} AppWidth;

#define APP_TYPE_BREAKPOINT (app_breakpoint_get_type ())
G_DECLARE_FINAL_TYPE (AppBreakpoint, app_breakpoint, APP, BREAKPOINT, GtkWidget)

/* Properties: "child" GtkWidget; "width-class" int, read-only (AppWidth); "spacious" boolean,
 * read-only: from 1600 px, where two views find place beside each other. Both notify outside of
 * size allocation. The minimum width is 360 px whatever the child asks for; a child that needs more
 * than it gets is cut off until it has followed the width class. */
GtkWidget *app_breakpoint_new (void);
AppWidth app_breakpoint_get_width_class (AppBreakpoint *self);
gboolean app_breakpoint_get_spacious (AppBreakpoint *self);
void app_breakpoint_set_child (AppBreakpoint *self, GtkWidget *child);

G_END_DECLS
