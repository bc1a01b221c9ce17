/* Two rows in the devices pane: when a run has been repeated often enough (eng-repeat.h). The
 * window asks for them when a run begins; knows neither runs nor the window. */
#include "app-precision.h"

#include "app-config.h"
#include "app-settings.h"

#include <adwaita.h>

struct _AppPrecision
{
  GtkWidget parent_instance;

  GtkWidget *content;
  GtkWidget *interval, *budget; /* GtkSpinButton: percent, seconds */
};

G_DEFINE_FINAL_TYPE (AppPrecision, app_precision, GTK_TYPE_WIDGET)

static void
app_precision_dispose (GObject *object)
{
  AppPrecision *self = APP_PRECISION (object);

  g_clear_pointer (&self->content, gtk_widget_unparent);
  G_OBJECT_CLASS (app_precision_parent_class)->dispose (object);
}

static void
app_precision_class_init (AppPrecisionClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_precision_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "precision");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-precision.ui");
  gtk_widget_class_bind_template_child (widget_class, AppPrecision, content);
  gtk_widget_class_bind_template_child (widget_class, AppPrecision, interval);
  gtk_widget_class_bind_template_child (widget_class, AppPrecision, budget);
}

static void
app_precision_init (AppPrecision *self)
{
  GSettings *settings = app_settings_get ();

  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->interval), 100 * RT_REPEAT_TARGET_WIDTH);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->budget), RT_REPEAT_BUDGET_S);
  if (settings == NULL)
    return;
  g_settings_bind (settings, "run-interval", self->interval, "value", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "run-budget", self->budget, "value", G_SETTINGS_BIND_DEFAULT);
}

GtkWidget *
app_precision_new (void)
{
  return g_object_new (APP_TYPE_PRECISION, NULL);
}

void
app_precision_apply (AppPrecision *self, EngWorkload *workload)
{
  g_return_if_fail (APP_IS_PRECISION (self) && workload != NULL);

  workload->interval_width = gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->interval)) / 100;
  workload->budget_s = gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->budget));
}
