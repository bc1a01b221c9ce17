/* What every plot that is moved about has: the controllers of pointer, wheel, keys, focus and
 * pinch, the style that it follows, and the ring that shows the focus. */
#pragma once

#include "plot-style.h"
#include "plot-text-private.h"

G_BEGIN_DECLS

/* Handlers as the signals want them; the user data is the widget. */
typedef struct
{
  GCallback motion; /* "enter" and "motion" of the pointer */
  GCallback leave;
  GCallback scroll;
  GCallback key;
  GCallback pressed, released;       /* of a click */
  GCallback drag_begin, drag_update; /* of a drag */
  GCallback pinch_begin, pinch;      /* of a pinch */
} PlotControls;

/* Make @widget focusable and connect the handlers. It is drawn again when it gets or loses the
 * focus. */
void plot_controls_add (GtkWidget *widget, const PlotControls *controls);

/* In a "drag-update": whether the pointer has moved far enough for this to be a drag and no click;
 * from then on the gesture is taken, and TRUE is returned until it ends. */
gboolean plot_drag_take (GtkGestureDrag *gesture, double dx, double dy);

/* Bring @style to what @widget has now, and *@text to @style (made when NULL). TRUE: something is
 * another than before, so what was laid out or drawn with it no longer holds. */
gboolean plot_follow_style (GtkWidget *widget, PlotStyle *style, PlotText **text);

/* The text in *@field, a string property of @widget: becomes @value's ("" for NULL), which is
 * notified. FALSE: it was that already. */
gboolean plot_take_text (GObject *widget, char **field, const GValue *value, GParamSpec *pspec);

/* The ring around @width x @height when @widget has a visible focus. */
void plot_append_focus_ring (GtkWidget *widget, GtkSnapshot *snapshot, const PlotStyle *style,
                             double width, double height);

G_END_DECLS
