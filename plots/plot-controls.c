/* Controllers, style and focus of a plot, see plot-controls-private.h. Called by the plots' own
 * input and view files; knows none of them. */
#include "plot-controls-private.h"

#define RING_RADIUS 6
#define RING_WIDTH 2

void
plot_controls_add (GtkWidget *widget, const PlotControls *controls)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkEventController *scroll
      = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);
  GtkEventController *key = gtk_event_controller_key_new ();
  GtkEventController *focus = gtk_event_controller_focus_new ();
  GtkGesture *click = gtk_gesture_click_new (), *drag = gtk_gesture_drag_new ();
  GtkGesture *pinch = gtk_gesture_zoom_new ();

  gtk_widget_set_focusable (widget, TRUE);
  g_signal_connect (motion, "enter", controls->motion, widget);
  g_signal_connect (motion, "motion", controls->motion, widget);
  g_signal_connect (motion, "leave", controls->leave, widget);
  g_signal_connect (scroll, "scroll", controls->scroll, widget);
  g_signal_connect (key, "key-pressed", controls->key, widget);
  g_signal_connect_swapped (focus, "enter", G_CALLBACK (gtk_widget_queue_draw), widget);
  g_signal_connect_swapped (focus, "leave", G_CALLBACK (gtk_widget_queue_draw), widget);
  g_signal_connect (click, "pressed", controls->pressed, widget);
  g_signal_connect (click, "released", controls->released, widget);
  g_signal_connect (drag, "drag-begin", controls->drag_begin, widget);
  g_signal_connect (drag, "drag-update", controls->drag_update, widget);
  g_signal_connect (pinch, "begin", controls->pinch_begin, widget);
  g_signal_connect (pinch, "scale-changed", controls->pinch, widget);
  gtk_widget_add_controller (widget, motion);
  gtk_widget_add_controller (widget, scroll);
  gtk_widget_add_controller (widget, key);
  gtk_widget_add_controller (widget, focus);
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (click));
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (drag));
  gtk_widget_add_controller (widget, GTK_EVENT_CONTROLLER (pinch));
}

gboolean
plot_drag_take (GtkGestureDrag *drag, double dx, double dy)
{
  GtkGesture *gesture = GTK_GESTURE (drag);
  GtkWidget *widget = gtk_event_controller_get_widget (GTK_EVENT_CONTROLLER (drag));
  GdkEventSequence *sequence = gtk_gesture_get_last_updated_sequence (gesture);

  if (gtk_gesture_get_sequence_state (gesture, sequence) == GTK_EVENT_SEQUENCE_CLAIMED)
    return TRUE;
  if (!gtk_drag_check_threshold (widget, 0, 0, (int)dx, (int)dy))
    return FALSE;
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  return TRUE;
}

gboolean
plot_follow_style (GtkWidget *widget, PlotStyle *style, PlotText **text)
{
  PlotStyle now;
  gboolean changed;

  plot_style_init_for_widget (&now, widget);
  changed = memcmp (&now, style, sizeof now) != 0;
  *style = now;
  if (*text != NULL && plot_text_fits_style (*text, style))
    return changed;
  g_clear_pointer (text, plot_text_free);
  *text = plot_text_new (style);
  return TRUE;
}

gboolean
plot_take_text (GObject *widget, char **field, const GValue *value, GParamSpec *pspec)
{
  const char *text = g_value_get_string (value) != NULL ? g_value_get_string (value) : "";

  if (g_str_equal (*field, text))
    return FALSE;
  g_free (*field);
  *field = g_strdup (text);
  g_object_notify_by_pspec (widget, pspec);
  return TRUE;
}

void
plot_append_focus_ring (GtkWidget *widget, GtkSnapshot *snapshot, const PlotStyle *style,
                        double width, double height)
{
  GdkRGBA color = style->accent;
  GskRoundedRect outline;

  if (!gtk_widget_has_visible_focus (widget))
    return;
  color.alpha *= 0.6f;
  gsk_rounded_rect_init_from_rect (&outline,
                                   &GRAPHENE_RECT_INIT (0, 0, (float)width, (float)height),
                                   RING_RADIUS);
  gtk_snapshot_append_border (snapshot, &outline,
                              (float[4]){ RING_WIDTH, RING_WIDTH, RING_WIDTH, RING_WIDTH },
                              (GdkRGBA[4]){ color, color, color, color });
}
