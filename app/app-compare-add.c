/* The list behind "Add a run". Called by the chips. Whether a run can be lined up is asked once for
 * each model file: runs of one file are alike in that. */
#include "app-compare-add.h"

#include "app-config.h"
#include "app-history-item.h"
#include "eng-compare.h"

#include <adwaita.h>
#include <glib/gi18n.h>

/* What a person would scroll through; the search finds the newest of these. */
#define N_MOST 300

struct _AppCompareAdd
{
  GtkPopover parent_instance;

  GtkWidget *search, *list;
  EngHistory *history;
  GHashTable *verdicts; /* model hash -> "" can be lined up, else why not */
  GHashTable
      *files; /* model hash -> name of its file, of models that were looked at for a verdict */
  char *first_hash; /* of what the verdicts are about */
};

enum
{
  SIGNAL_ADDED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppCompareAdd, app_compare_add, GTK_TYPE_POPOVER)

/* ---- What can be lined up ---- */

/* "" when it can; borrowed. */
static const char *
get_verdict (AppCompareAdd *self, EngRun *first, const EngHistoryEntry *entry)
{
  const char *known = g_hash_table_lookup (self->verdicts, entry->model_hash);
  g_autoptr (EngRun) run = NULL;
  char *reason = NULL;

  if (known != NULL)
    return known;
  if (first == NULL || g_strcmp0 (entry->model_hash, eng_run_get_model_hash (first)) == 0)
    reason = g_strdup ("");
  else
    {
      g_autoptr (GError) error = NULL;

      run = eng_history_get (self->history, entry->id, &error);
      if (run != NULL && eng_run_get_model_file (run) != NULL)
        g_hash_table_insert (self->files, g_strdup (entry->model_hash),
                             g_strdup (eng_run_get_model_file (run)));
      if (run == NULL)
        reason = g_strdup (error->message);
      else if (eng_comparison_can_align (first, run, &reason))
        reason = g_strdup ("");
    }
  g_hash_table_insert (self->verdicts, g_strdup (entry->model_hash), reason);
  return reason;
}

/* ---- Rows ---- */

static void
add_row (AppCompareAdd *self, EngRun *first, EngHistoryEntry *taken)
{
  AppHistoryItem *item = app_history_item_new (taken);
  const EngHistoryEntry *entry = app_history_item_get_entry (item);
  const char *verdict = get_verdict (self, first, entry);
  gboolean same
      = first == NULL || g_strcmp0 (entry->model_hash, eng_run_get_model_hash (first)) == 0;
  /* Files of one network are often called the same inside. */
  const char *file = g_hash_table_lookup (self->files, entry->model_hash);
  const char *name = file != NULL ? file : entry->model_name;
  GtkWidget *row = adw_action_row_new ();
  g_autofree char *time = NULL, *day = NULL, *subtitle = NULL;

  app_history_item_dup_time (item, &time, &day);
  subtitle = *verdict != '\0' ? g_strdup_printf ("%s · %s", name, _ (verdict))
             : same
                 ? g_strdup_printf ("%s %s · %s", day, time, app_history_item_get_validity (item))
                 : g_strdup_printf ("%s · %s %s · %s", name, day, time,
                                    app_history_item_get_validity (item));
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), entry->recipe);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), subtitle);
  adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 2);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 3);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), *verdict == '\0');
  gtk_widget_set_sensitive (row, *verdict == '\0');
  g_object_set_data_full (G_OBJECT (row), "item", item, g_object_unref);
  g_object_set_data (G_OBJECT (row), "group",
                     GINT_TO_POINTER (*verdict != '\0' ? 2
                                      : same           ? 0
                                                       : 1));
  gtk_list_box_append (GTK_LIST_BOX (self->list), row);
}

static void
update_header (GtkListBoxRow *row, GtkListBoxRow *before, gpointer data)
{
  static const char *const titles[]
      = { N_ ("This model"), N_ ("Other files of this network"), N_ ("Cannot be lined up") };
  int group = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (row), "group"));
  GtkWidget *label;

  if (before != NULL && GPOINTER_TO_INT (g_object_get_data (G_OBJECT (before), "group")) == group)
    {
      gtk_list_box_row_set_header (row, NULL);
      return;
    }
  label = gtk_label_new (_ (titles[group]));
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_add_css_class (label, "heading");
  gtk_widget_add_css_class (label, "run-list-heading");
  gtk_list_box_row_set_header (row, label);
}

static int
compare_rows (GtkListBoxRow *a, GtkListBoxRow *b, gpointer data)
{
  return GPOINTER_TO_INT (g_object_get_data (G_OBJECT (a), "group"))
         - GPOINTER_TO_INT (g_object_get_data (G_OBJECT (b), "group"));
}

static gboolean
filter_row (GtkListBoxRow *row, gpointer data)
{
  AppCompareAdd *self = data;

  return app_history_item_matches (g_object_get_data (G_OBJECT (row), "item"),
                                   gtk_editable_get_text (GTK_EDITABLE (self->search)));
}

static gboolean
is_compared (GPtrArray *runs, const char *id)
{
  for (guint i = 0; i < runs->len; i++)
    if (g_strcmp0 (eng_run_get_id (runs->pdata[i]), id) == 0)
      return TRUE;
  return FALSE;
}

void
app_compare_add_fill (AppCompareAdd *self, EngHistory *history, GPtrArray *runs)
{
  EngRun *first = runs->len > 0 ? runs->pdata[0] : NULL;
  g_autoptr (GPtrArray) entries = history != NULL ? eng_history_list (history, NULL, NULL) : NULL;
  GtkWidget *child;
  guint n = 0;

  g_return_if_fail (APP_IS_COMPARE_ADD (self));

  g_set_object (&self->history, history);
  if (g_strcmp0 (self->first_hash, first != NULL ? eng_run_get_model_hash (first) : "") != 0)
    {
      g_hash_table_remove_all (self->verdicts);
      g_free (self->first_hash);
      self->first_hash = g_strdup (first != NULL ? eng_run_get_model_hash (first) : "");
    }
  while ((child = gtk_widget_get_first_child (self->list)) != NULL)
    gtk_list_box_remove (GTK_LIST_BOX (self->list), child);
  gtk_editable_set_text (GTK_EDITABLE (self->search), "");
  for (guint i = 0; entries != NULL && i < entries->len && n < N_MOST; i++)
    {
      EngHistoryEntry *entry = entries->pdata[i];

      if (is_compared (runs, entry->id))
        continue;
      entries->pdata[i] = NULL; /* the row's item owns it */
      add_row (self, first, entry);
      n++;
    }
}

static void
on_activated (AppCompareAdd *self, GtkListBoxRow *row)
{
  AppHistoryItem *item = g_object_get_data (G_OBJECT (row), "item");
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRun) run
      = eng_history_get (self->history, app_history_item_get_entry (item)->id, &error);

  if (run == NULL)
    gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", error->message);
  gtk_popover_popdown (GTK_POPOVER (self));
  if (run != NULL)
    g_signal_emit (self, signals[SIGNAL_ADDED], 0, run);
}

/* ---- The widget ---- */

static void
app_compare_add_dispose (GObject *object)
{
  AppCompareAdd *self = APP_COMPARE_ADD (object);

  g_clear_object (&self->history);
  g_clear_pointer (&self->verdicts, g_hash_table_unref);
  g_clear_pointer (&self->files, g_hash_table_unref);
  g_clear_pointer (&self->first_hash, g_free);
  G_OBJECT_CLASS (app_compare_add_parent_class)->dispose (object);
}

static void
app_compare_add_class_init (AppCompareAddClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_compare_add_dispose;
  signals[SIGNAL_ADDED] = g_signal_new ("added", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                        NULL, NULL, NULL, G_TYPE_NONE, 1, ENG_TYPE_RUN);
}

static void
app_compare_add_init (AppCompareAdd *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6),
            *scroller = gtk_scrolled_window_new (),
            *empty
            = gtk_label_new (_ ("There is no other run in the history yet: change the recipe and "
                                "run again, or run another file of this network."));

  self->verdicts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  self->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->search = gtk_search_entry_new ();
  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  gtk_list_box_set_header_func (GTK_LIST_BOX (self->list), update_header, NULL, NULL);
  gtk_list_box_set_sort_func (GTK_LIST_BOX (self->list), compare_rows, NULL, NULL);
  gtk_list_box_set_filter_func (GTK_LIST_BOX (self->list), filter_row, self, NULL);
  /* Not as wide as the longest reason: the rows wrap. */
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_EXTERNAL,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scroller), TRUE);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scroller), 380);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), self->list);
  gtk_label_set_wrap (GTK_LABEL (empty), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (empty), 36);
  gtk_widget_add_css_class (empty, "dim-label");
  gtk_widget_add_css_class (empty, "run-list-heading");
  gtk_list_box_set_placeholder (GTK_LIST_BOX (self->list), empty);
  gtk_widget_set_size_request (box, 340, -1);
  gtk_box_append (GTK_BOX (box), self->search);
  gtk_box_append (GTK_BOX (box), scroller);
  gtk_popover_set_child (GTK_POPOVER (self), box);
  g_signal_connect_object (self->search, "search-changed",
                           G_CALLBACK (gtk_list_box_invalidate_filter), self->list,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->list, "row-activated", G_CALLBACK (on_activated), self,
                           G_CONNECT_SWAPPED);
}

GtkWidget *
app_compare_add_new (void)
{
  return g_object_new (APP_TYPE_COMPARE_ADD, NULL);
}
