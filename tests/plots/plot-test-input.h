#pragma once

#include <gtk/gtk.h>

/* Feeds a widget with events through its own controllers: GTK 4 has no synthetic events, but a
 * controller's signal is where they arrive. */

static inline GtkEventController *
plot_test_controller (GtkWidget *widget, GType type)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

      if (G_TYPE_CHECK_INSTANCE_TYPE (controller, type))
        return controller; /* the widget keeps it */
    }
  g_assert_not_reached ();
}

static inline gboolean
plot_test_key (GtkWidget *widget, guint key)
{
  gboolean handled = FALSE;

  g_signal_emit_by_name (plot_test_controller (widget, GTK_TYPE_EVENT_CONTROLLER_KEY),
                         "key-pressed", key, 0, 0, &handled);
  return handled;
}

static inline void
plot_test_motion (GtkWidget *widget, double x, double y)
{
  g_signal_emit_by_name (plot_test_controller (widget, GTK_TYPE_EVENT_CONTROLLER_MOTION), "motion",
                         x, y);
}

static inline void
plot_test_leave (GtkWidget *widget)
{
  g_signal_emit_by_name (plot_test_controller (widget, GTK_TYPE_EVENT_CONTROLLER_MOTION), "leave");
}

static inline gboolean
plot_test_scroll (GtkWidget *widget, double dx, double dy)
{
  gboolean handled = FALSE;

  g_signal_emit_by_name (plot_test_controller (widget, GTK_TYPE_EVENT_CONTROLLER_SCROLL), "scroll",
                         dx, dy, &handled);
  return handled;
}

static inline void
plot_test_click (GtkWidget *widget, int n_press, double x, double y)
{
  GtkEventController *click = plot_test_controller (widget, GTK_TYPE_GESTURE_CLICK);

  g_signal_emit_by_name (click, "pressed", n_press, x, y);
  g_signal_emit_by_name (click, "released", n_press, x, y);
}

/** A window that is really shown, without animations. */
static inline GtkWidget *
plot_test_window (GtkWidget *child, int width, int height)
{
  GtkWidget *window = gtk_window_new ();

  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, NULL);
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  gtk_window_set_default_size (GTK_WINDOW (window), width, height);
  gtk_window_set_child (GTK_WINDOW (window), child);
  gtk_window_present (GTK_WINDOW (window));
  gtk_test_widget_wait_for_draw (window);
  return window;
}

/** Call first in main(). Without a display the whole program is skipped. */
static inline void
plot_test_init (int *argc, char ***argv)
{
  gtk_disable_setlocale ();
  if (!gtk_init_check ())
    {
      g_print ("1..0 # SKIP no display: run under xvfb-run\n");
      exit (77);
    }
  g_test_init (argc, argv, NULL);
}
