/* Sliders, numbers and plots take the wheel; in a page that scrolls it would move whatever comes
 * under the pointer. Called where such a page is made. */
#include "app-scroll.h"

static void
let_through (GtkWidget *widget)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_EVENT_CONTROLLER_SCROLL (controller))
        gtk_event_controller_set_propagation_phase (controller, GTK_PHASE_NONE);
    }
}

void
app_scroll_let_through (GtkWidget *widget)
{
  g_return_if_fail (GTK_IS_WIDGET (widget));

  let_through (widget);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    app_scroll_let_through (child);
}

/* ---- At the end of it, the page ---- */

static void
set_phase (GtkWidget *widget, GtkEventController *except, GtkPropagationPhase phase)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_EVENT_CONTROLLER_SCROLL (controller) && controller != except
          && gtk_event_controller_get_propagation_phase (controller) != GTK_PHASE_CAPTURE)
        gtk_event_controller_set_propagation_phase (controller, phase);
    }
}

/* Before the scrolled window itself is asked. */
static gboolean
on_scroll (GtkEventControllerScroll *controller, double dx, double dy, gpointer data)
{
  GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment (data);
  double value = gtk_adjustment_get_value (adjustment);
  double end = gtk_adjustment_get_upper (adjustment) - gtk_adjustment_get_page_size (adjustment);
  gboolean can = dy < 0 ? value > gtk_adjustment_get_lower (adjustment) : value < end;

  set_phase (data, GTK_EVENT_CONTROLLER (controller), can ? GTK_PHASE_BUBBLE : GTK_PHASE_NONE);
  return GDK_EVENT_PROPAGATE;
}

void
app_scroll_chain (GtkWidget *scrolled)
{
  GtkEventController *controller;

  g_return_if_fail (GTK_IS_SCROLLED_WINDOW (scrolled));

  controller = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_VERTICAL);
  gtk_event_controller_set_propagation_phase (controller, GTK_PHASE_CAPTURE);
  g_signal_connect_object (controller, "scroll", G_CALLBACK (on_scroll), scrolled, 0);
  gtk_widget_add_controller (scrolled, controller);
}
