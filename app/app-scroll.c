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
