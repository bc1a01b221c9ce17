/* The import report above the graph. Called by the graph view. Must not know what is drawn. */
#include "app-report-bar.h"

#include "app-config.h"

#include <glib/gi18n.h>

#define LINE_PX 40
#define MAX_LIST_PX 170

struct _AppReportBar
{
  GtkWidget parent_instance;

  GtkWidget *heading;
  GtkWidget *details;
  GtkWidget *scroller;
  GtkListView *list;

  EngModel *model;
};

enum
{
  SIGNAL_NODE_ACTIVATED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppReportBar, app_report_bar, GTK_TYPE_WIDGET)

/* "Node “conv1” (operator Foo, number 3 of the file): ..." */
char *
app_report_bar_dup_node (const char *line)
{
  const char *start = strstr (line, "“"), *end;

  if (!g_str_has_prefix (line, "Node “"))
    return NULL;
  start += strlen ("“");
  end = strstr (start, "” (");
  return end != NULL ? g_strndup (start, (gsize)(end - start)) : NULL;
}

static void
setup_line (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_widget_add_css_class (label, "caption");
  gtk_list_item_set_child (item, label);
}

static void
bind_line (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkStringObject *line = gtk_list_item_get_item (item);

  gtk_label_set_label (GTK_LABEL (gtk_list_item_get_child (item)),
                       gtk_string_object_get_string (line));
}

static void
on_line (GtkListView *list, guint position, AppReportBar *self)
{
  g_autoptr (GtkStringObject) line
      = g_list_model_get_item (G_LIST_MODEL (gtk_list_view_get_model (list)), position);
  g_autofree char *node = app_report_bar_dup_node (gtk_string_object_get_string (line));

  if (node != NULL)
    g_signal_emit (self, signals[SIGNAL_NODE_ACTIVATED], 0, node);
}

static void
app_report_bar_dispose (GObject *object)
{
  AppReportBar *self = APP_REPORT_BAR (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (app_report_bar_parent_class)->dispose (object);
}

static void
app_report_bar_class_init (AppReportBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_report_bar_dispose;
  signals[SIGNAL_NODE_ACTIVATED]
      = g_signal_new ("node-activated", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  gtk_widget_class_set_css_name (widget_class, "report-bar");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-report-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, AppReportBar, heading);
  gtk_widget_class_bind_template_child (widget_class, AppReportBar, details);
  gtk_widget_class_bind_template_child (widget_class, AppReportBar, list);
  gtk_widget_class_bind_template_child (widget_class, AppReportBar, scroller);
  gtk_widget_class_bind_template_callback (widget_class, setup_line);
  gtk_widget_class_bind_template_callback (widget_class, bind_line);
  gtk_widget_class_bind_template_callback (widget_class, on_line);
}

static void
app_report_bar_init (AppReportBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

void
app_report_bar_set_model (AppReportBar *self, EngModel *model)
{
  g_autoptr (GtkNoSelection) lines = NULL;
  g_autofree char *heading = NULL;
  const char *const *report;
  guint n;

  g_return_if_fail (APP_IS_REPORT_BAR (self) && (model == NULL || ENG_IS_MODEL (model)));

  if (!g_set_object (&self->model, model))
    return;
  report = model != NULL ? eng_model_get_report (model) : NULL;
  n = report != NULL ? g_strv_length ((GStrv)report) : 0;
  gtk_widget_set_visible (GTK_WIDGET (self), n > 0);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->details), FALSE);
  if (n == 0)
    {
      gtk_list_view_set_model (self->list, NULL);
      return;
    }
  lines = gtk_no_selection_new (G_LIST_MODEL (gtk_string_list_new (report)));
  gtk_list_view_set_model (self->list, GTK_SELECTION_MODEL (lines));
  /* A list does not know how high its wrapped lines are: two rows of text each. */
  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (self->scroller),
                                              (int)MIN (n * LINE_PX, MAX_LIST_PX));
  heading = g_strdup_printf (
      ngettext ("This network can be looked at but not run: %u thing in it is not supported.",
                "This network can be looked at but not run: %u things in it are not supported.", n),
      n);
  gtk_label_set_label (GTK_LABEL (self->heading), heading);
}
