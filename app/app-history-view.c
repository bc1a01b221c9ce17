/* The history as a sortable table. Reads an EngHistory; what is done with a run are the window's
 * actions, called with the run's id. */
#include "app-history-view.h"

#include "app-change.h"
#include "app-breakpoint.h"
#include "app-config.h"
#include "app-figures.h"
#include "app-history-item.h"
#include "app-view.h"
#include "eng-run-device.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

typedef enum
{
  COLUMN_TIME,
  COLUMN_RECIPE,
  COLUMN_DECODE,
  COLUMN_PREFILL,
  COLUMN_FIRST_TOKEN,
  COLUMN_LATENCY,
  COLUMN_AROUND,
  COLUMN_ACCURACY,
  COLUMN_PERPLEXITY,
  COLUMN_MEMORY,
  COLUMN_VALIDITY,
  N_COLUMNS
} Column;

struct _AppHistoryView
{
  GtkWidget parent_instance;

  GtkWidget *stack; /* "empty", "none" (nothing found) or "list" */
  GtkWidget *empty_page;
  GtkWidget *search;
  GtkColumnView *columns;
  GtkWidget *show, *pin, *compare, *delete; /* buttons for what is selected */

  EngHistory *history;
  GListStore *items;
  GtkFilter *filter;
  GtkMultiSelection *selection;
  GtkColumnViewColumn *shown[N_COLUMNS]; /* borrowed */
  EngModelKind kind;                     /* of the model that is open: whose figures are shown */
  gboolean compact;
};

enum
{
  PROP_0,
  PROP_COMPACT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void app_history_view_iface_init (AppViewInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (AppHistoryView, app_history_view, GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (APP_TYPE_VIEW, app_history_view_iface_init))

/* ---- Columns ---- */

typedef struct
{
  const char *title;
  EngFigureId figure; /* ENG_N_FIGURES: not a figure */
  gboolean expand, narrow;
} ColumnInfo;

/* Each cell has two lines: time and day, recipe and model, number and interval. */
static const ColumnInfo column_infos[N_COLUMNS] = {
  [COLUMN_TIME] = { N_ ("Time"), ENG_N_FIGURES, FALSE, TRUE },
  [COLUMN_RECIPE] = { N_ ("Recipe"), ENG_N_FIGURES, TRUE, TRUE },
  [COLUMN_DECODE] = { N_ ("Decode"), ENG_FIGURE_DECODE, FALSE, TRUE },
  [COLUMN_PREFILL] = { N_ ("Prefill"), ENG_FIGURE_PREFILL, FALSE, FALSE },
  [COLUMN_FIRST_TOKEN] = { N_ ("First token"), ENG_FIGURE_FIRST_TOKEN, FALSE, FALSE },
  [COLUMN_LATENCY] = { N_ ("Latency"), ENG_FIGURE_INFERENCE, FALSE, TRUE },
  [COLUMN_AROUND] = { N_ ("Pre + post"), ENG_FIGURE_SURROUNDINGS, FALSE, FALSE },
  [COLUMN_ACCURACY] = { N_ ("Accuracy"), ENG_FIGURE_ACCURACY, FALSE, FALSE },
  [COLUMN_PERPLEXITY] = { N_ ("Perplexity"), ENG_FIGURE_PERPLEXITY, FALSE, FALSE },
  [COLUMN_MEMORY] = { N_ ("Memory"), ENG_FIGURE_PEAK_MEMORY, FALSE, FALSE },
  [COLUMN_VALIDITY] = { N_ ("Validity"), ENG_N_FIGURES, FALSE, FALSE },
};

static const EngFigure *
get_figure (AppHistoryItem *item, Column column)
{
  if (column_infos[column].figure == ENG_N_FIGURES)
    return NULL;
  return &app_history_item_get_entry (item)->figures[column_infos[column].figure];
}

static void
dup_cell (AppHistoryItem *item, Column column, char **first, char **second)
{
  const EngHistoryEntry *entry = app_history_item_get_entry (item);
  const EngFigure *figure = get_figure (item, column);

  *second = NULL;
  if (figure != NULL)
    {
      *first = figure->available ? eng_format_value (figure->value, figure->unit) : g_strdup ("—");
      if (figure->available && figure->n > 0)
        *second = app_figure_interval (figure);
    }
  else if (column == COLUMN_TIME)
    app_history_item_dup_time (item, first, second);
  else if (column == COLUMN_RECIPE)
    {
      *first = g_strdup (entry->recipe);
      g_autofree char *device = eng_run_device_of_header (entry->header, NULL);

      /* Translators: a model, then the device it was measured on */
      *second = device != NULL ? g_strdup_printf (_ ("%s, on %s"), entry->model_name, device)
                               : g_strdup (entry->model_name);
    }
  else
    *first = g_strdup (app_history_item_get_validity (item));
}

static void
on_cell_setup (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  Column column = (Column)GPOINTER_TO_UINT (data);
  gboolean number = column_infos[column].figure != ENG_N_FIGURES;
  PangoEllipsizeMode ellipsize
      = column == COLUMN_RECIPE ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE;
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *first
      = g_object_new (GTK_TYPE_LABEL, "xalign", number ? 1.0f : 0.0f, "ellipsize", ellipsize, NULL);
  GtkWidget *second
      = g_object_new (GTK_TYPE_LABEL, "xalign", number ? 1.0f : 0.0f, "ellipsize", ellipsize,
                      "css-classes", (const char *[]){ "caption", "dim-label", "numeric", NULL },
                      NULL);

  gtk_widget_add_css_class (first, "numeric");
  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (box), first);
  gtk_box_append (GTK_BOX (box), second);
  gtk_list_item_set_child (item, box);
}

static void
on_cell_bind (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  Column column = (Column)GPOINTER_TO_UINT (data);
  GtkWidget *box = gtk_list_item_get_child (item);
  GtkWidget *first = gtk_widget_get_first_child (box), *second = gtk_widget_get_last_child (box);
  AppHistoryItem *row = gtk_list_item_get_item (item);
  const EngFigure *figure = get_figure (row, column);
  g_autofree char *text = NULL;
  g_autofree char *below = NULL;
  g_autofree char *tip = NULL;

  dup_cell (row, column, &text, &below);
  gtk_label_set_label (GTK_LABEL (first), text != NULL ? text : "");
  gtk_label_set_label (GTK_LABEL (second), below != NULL ? below : "");
  gtk_widget_set_visible (second, below != NULL);
  if (figure != NULL)
    tip = eng_figure_format (figure);
  else if (column == COLUMN_RECIPE)
    tip = g_strdup_printf ("%s\n%s", text, below);
  gtk_widget_set_tooltip_text (box, tip);
  if (column == COLUMN_VALIDITY)
    {
      gtk_widget_remove_css_class (first, "warning");
      gtk_widget_remove_css_class (first, "dim-label");
      gtk_widget_add_css_class (first, app_history_item_get_entry (row)->validity == ENG_RUN_VALID
                                           ? "dim-label"
                                           : "warning");
    }
}

static int
compare_rows (gconstpointer a, gconstpointer b, gpointer data)
{
  Column column = (Column)GPOINTER_TO_UINT (data);
  const EngHistoryEntry *ea = app_history_item_get_entry ((AppHistoryItem *)a);
  const EngHistoryEntry *eb = app_history_item_get_entry ((AppHistoryItem *)b);
  double va, vb;

  switch (column)
    {
    case COLUMN_TIME:
      return (ea->time > eb->time) - (ea->time < eb->time);
    case COLUMN_RECIPE:
      return g_strcmp0 (ea->recipe, eb->recipe);
    case COLUMN_VALIDITY:
      return (int)ea->validity - (int)eb->validity;
    case COLUMN_DECODE:
    case COLUMN_PREFILL:
    case COLUMN_FIRST_TOKEN:
    case COLUMN_LATENCY:
    case COLUMN_AROUND:
    case COLUMN_ACCURACY:
    case COLUMN_PERPLEXITY:
    case COLUMN_MEMORY:
    case N_COLUMNS:
    default:
      va = ea->figures[column_infos[column].figure].available
               ? ea->figures[column_infos[column].figure].value
               : -INFINITY;
      vb = eb->figures[column_infos[column].figure].available
               ? eb->figures[column_infos[column].figure].value
               : -INFINITY;
      return (va > vb) - (va < vb);
    }
}

static GtkColumnViewColumn *
add_column (AppHistoryView *self, Column column)
{
  gpointer data = GUINT_TO_POINTER (column);
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkColumnViewColumn *view;
  GtkSorter *sorter = GTK_SORTER (gtk_custom_sorter_new (compare_rows, data, NULL));

  g_signal_connect (factory, "setup", G_CALLBACK (on_cell_setup), data);
  g_signal_connect (factory, "bind", G_CALLBACK (on_cell_bind), data);
  view = gtk_column_view_column_new (_ (column_infos[column].title), factory);
  gtk_column_view_column_set_sorter (view, sorter);
  gtk_column_view_column_set_expand (view, column_infos[column].expand);
  gtk_column_view_column_set_resizable (view, TRUE);
  gtk_column_view_append_column (self->columns, view);
  self->shown[column] = view;
  g_object_unref (sorter);
  g_object_unref (view);
  return view;
}

/* Runs of all models stand in one list; the figures are those of the kind that is open here. */
static void
update_columns (AppHistoryView *self)
{
  EngWorkloadKind kind = app_figures_workload_kind (self->kind);

  for (guint i = 0; i < N_COLUMNS; i++)
    {
      EngFigureId id = column_infos[i].figure;
      gboolean applies = id == ENG_N_FIGURES || eng_figure_id_applies (id, kind);

      gtk_column_view_column_set_visible (self->shown[i],
                                          applies && (!self->compact || column_infos[i].narrow));
    }
}

/* ---- What is selected ---- */

/* Ids of the selected runs, top to bottom; NULL-terminated. */
static GStrv
dup_selected (AppHistoryView *self)
{
  g_autoptr (GtkBitset) set
      = gtk_selection_model_get_selection (GTK_SELECTION_MODEL (self->selection));
  GPtrArray *ids = g_ptr_array_new ();

  for (guint i = 0; i < gtk_bitset_get_size (set); i++)
    {
      g_autoptr (AppHistoryItem) item
          = g_list_model_get_item (G_LIST_MODEL (self->selection), gtk_bitset_get_nth (set, i));

      if (item != NULL)
        g_ptr_array_add (ids, g_strdup (app_history_item_get_entry (item)->id));
    }
  g_ptr_array_add (ids, NULL);
  return (GStrv)g_ptr_array_free (ids, FALSE);
}

static void
update_buttons (AppHistoryView *self)
{
  g_autoptr (GtkBitset) set
      = gtk_selection_model_get_selection (GTK_SELECTION_MODEL (self->selection));
  guint64 n = gtk_bitset_get_size (set);

  gtk_widget_set_sensitive (self->show, n == 1);
  gtk_widget_set_sensitive (self->pin, n == 1);
  gtk_widget_set_sensitive (self->compare, n >= 2);
  gtk_widget_set_sensitive (self->delete, n >= 1);
}

static void
activate_one (AppHistoryView *self, const char *action)
{
  g_auto (GStrv) ids = dup_selected (self);

  if (ids[0] != NULL)
    gtk_widget_activate_action (GTK_WIDGET (self), action, "s", ids[0]);
}

static void
on_show (AppHistoryView *self)
{
  activate_one (self, "win.show-run");
}

static void
on_pin (AppHistoryView *self)
{
  activate_one (self, "win.pin-run");
}

static void
on_compare (AppHistoryView *self)
{
  g_auto (GStrv) ids = dup_selected (self);

  guint n = g_strv_length (ids);

  for (guint i = 0; i < n / 2; i++) /* the oldest first */
    {
      char *id = ids[i];

      ids[i] = ids[n - 1 - i];
      ids[n - 1 - i] = id;
    }
  if (n >= 2)
    gtk_widget_activate_action (GTK_WIDGET (self), "win.compare-runs", "^as", ids);
}

static void
on_delete (AppHistoryView *self)
{
  g_auto (GStrv) ids = dup_selected (self);

  if (ids[0] != NULL)
    gtk_widget_activate_action (GTK_WIDGET (self), "win.delete-runs", "^as", ids);
}

static void
on_row_activated (AppHistoryView *self, guint position)
{
  g_autoptr (AppHistoryItem) item
      = g_list_model_get_item (G_LIST_MODEL (self->selection), position);

  if (item != NULL)
    gtk_widget_activate_action (GTK_WIDGET (self), "win.show-run", "s",
                                app_history_item_get_entry (item)->id);
}

static gboolean
on_key (GtkEventControllerKey *controller, guint keyval, guint keycode, GdkModifierType state,
        gpointer data)
{
  if (keyval != GDK_KEY_Delete && keyval != GDK_KEY_KP_Delete)
    return FALSE;
  on_delete (data);
  return TRUE;
}

/* ---- Filling ---- */

static void
update_page (AppHistoryView *self)
{
  const char *page = "list";

  if (g_list_model_get_n_items (G_LIST_MODEL (self->items)) == 0)
    page = "empty";
  else if (g_list_model_get_n_items (G_LIST_MODEL (self->selection)) == 0)
    page = "none";
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), page);
  update_buttons (self);
}

static void
reload (AppHistoryView *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);

  if (self->history == NULL)
    return;
  entries = eng_history_list (self->history, NULL, &error);
  if (entries == NULL)
    {
      adw_status_page_set_title (ADW_STATUS_PAGE (self->empty_page),
                                 _ ("The History Cannot Be Read"));
      adw_status_page_set_description (ADW_STATUS_PAGE (self->empty_page), error->message);
      g_list_store_remove_all (self->items);
      update_page (self);
      return;
    }
  g_ptr_array_set_free_func (entries, NULL); /* each row takes its entry */
  for (guint i = 0; i < entries->len; i++)
    g_ptr_array_add (items, app_history_item_new (entries->pdata[i]));
  g_list_store_splice (self->items, 0, g_list_model_get_n_items (G_LIST_MODEL (self->items)),
                       items->pdata, items->len);
  update_page (self);
}

static gboolean
match_item (gpointer item, gpointer data)
{
  AppHistoryView *self = data;

  return app_history_item_matches (item, gtk_editable_get_text (GTK_EDITABLE (self->search)));
}

static void
on_search (AppHistoryView *self)
{
  gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
  update_page (self);
}

/* ---- The widget ---- */

static void
app_history_view_dispose (GObject *object)
{
  AppHistoryView *self = APP_HISTORY_VIEW (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->history);
  g_clear_object (&self->items);
  g_clear_object (&self->selection);
  g_clear_object (&self->filter);
  G_OBJECT_CLASS (app_history_view_parent_class)->dispose (object);
}

static void
app_history_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COMPACT)
    g_value_set_boolean (value, APP_HISTORY_VIEW (object)->compact);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_history_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COMPACT)
    app_history_view_set_compact (APP_HISTORY_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_history_view_class_init (AppHistoryViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_history_view_dispose;
  object_class->get_property = app_history_view_get_property;
  object_class->set_property = app_history_view_set_property;
  props[PROP_COMPACT]
      = g_param_spec_boolean ("compact", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  gtk_widget_class_set_css_name (widget_class, "history-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-history-view.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppHistoryView, name)
  BIND (stack);
  BIND (empty_page);
  BIND (search);
  BIND (columns);
  BIND (show);
  BIND (pin);
  BIND (compare);
  BIND (delete);
#undef BIND
  gtk_widget_class_bind_template_callback (widget_class, on_search);
  gtk_widget_class_bind_template_callback (widget_class, on_show);
  gtk_widget_class_bind_template_callback (widget_class, on_pin);
  gtk_widget_class_bind_template_callback (widget_class, on_compare);
  gtk_widget_class_bind_template_callback (widget_class, on_delete);
  gtk_widget_class_bind_template_callback (widget_class, on_row_activated);
}

static void
app_history_view_init (AppHistoryView *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();
  GtkColumnViewColumn *time = NULL;
  GtkFilterListModel *filtered;
  GtkSortListModel *sorted;

  gtk_widget_init_template (GTK_WIDGET (self));
  self->items = g_list_store_new (APP_TYPE_HISTORY_ITEM);
  self->filter = GTK_FILTER (gtk_custom_filter_new (match_item, self, NULL));
  for (guint column = 0; column < N_COLUMNS; column++)
    {
      GtkColumnViewColumn *view = add_column (self, (Column)column);

      if (column == COLUMN_TIME)
        time = view;
    }
  update_columns (self);
  filtered = gtk_filter_list_model_new (G_LIST_MODEL (g_object_ref (self->items)),
                                        g_object_ref (self->filter));
  sorted = gtk_sort_list_model_new (G_LIST_MODEL (filtered),
                                    g_object_ref (gtk_column_view_get_sorter (self->columns)));
  self->selection = gtk_multi_selection_new (G_LIST_MODEL (sorted));
  gtk_column_view_set_model (self->columns, GTK_SELECTION_MODEL (self->selection));
  gtk_column_view_sort_by_column (self->columns, time, GTK_SORT_DESCENDING);

  g_signal_connect_object (self->selection, "selection-changed", G_CALLBACK (update_buttons), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key), self);
  gtk_widget_add_controller (GTK_WIDGET (self->columns), keys);
  update_page (self);
}

static void
app_history_view_set_kind (AppHistoryView *self, EngModelKind kind)
{
  if (self->kind == kind)
    return;
  self->kind = kind;
  update_columns (self);
}

static void
on_stage_changed (AppHistoryView *self, AppStage *stage)
{
  app_history_view_set_kind (self, app_stage_get_kind (stage));
}

static void
app_history_view_set_context (AppView *view, const AppViewContext *context)
{
  AppHistoryView *self = APP_HISTORY_VIEW (view);

  g_return_if_fail (self->history == NULL);

  g_signal_connect_object (context->stage, "changed", G_CALLBACK (on_stage_changed), self,
                           G_CONNECT_SWAPPED);
  if (context->history == NULL)
    return;
  self->history = g_object_ref (context->history);
  g_signal_connect_object (self->history, "changed", G_CALLBACK (reload), self, G_CONNECT_SWAPPED);
  reload (self);
}

void
app_history_view_set_compact (AppHistoryView *self, gboolean compact)
{
  g_return_if_fail (APP_IS_HISTORY_VIEW (self));

  if (self->compact == !!compact)
    return;
  self->compact = !!compact;
  update_columns (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_COMPACT]);
}

static void
app_history_view_set_width_class (AppView *view, int width)
{
  app_history_view_set_compact (APP_HISTORY_VIEW (view), width != APP_WIDTH_WIDE);
}

static void
app_history_view_iface_init (AppViewInterface *iface)
{
  iface->set_context = app_history_view_set_context;
  iface->set_width_class = app_history_view_set_width_class;
}
