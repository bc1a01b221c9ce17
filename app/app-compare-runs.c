/* The chips above a comparison. Called by the compare view; the list of runs that can be added is
 * app-compare-add.c. */
#include "app-compare-runs.h"

#include "app-compare-add.h"
#include "app-compare-feed.h"
#include "app-config.h"
#include "plot-style.h"

#include <glib/gi18n.h>

typedef enum
{
  FIXED,
  FOLLOW_BASELINE,
  FOLLOW_SHOWN,
} Follow;

typedef struct
{
  Follow follow;
  EngRun *run; /* FIXED */
} Entry;

struct _AppCompareRuns
{
  GtkWidget parent_instance;

  GtkWidget *scroller, *chips, *add;
  AppStage *stage;
  EngHistory *history;
  GArray *entries; /* Entry */
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppCompareRuns, app_compare_runs, GTK_TYPE_WIDGET)

/* ---- The list ---- */

static void
entry_clear (gpointer data)
{
  g_clear_object (&((Entry *)data)->run);
}

static void
follow_stage (AppCompareRuns *self)
{
  const Entry both[] = { { FOLLOW_BASELINE, NULL }, { FOLLOW_SHOWN, NULL } };

  g_array_set_size (self->entries, 0);
  g_array_append_vals (self->entries, both, G_N_ELEMENTS (both));
}

static EngRun *
resolve (AppCompareRuns *self, const Entry *entry)
{
  if (entry->follow == FIXED || self->stage == NULL)
    return entry->run;
  return entry->follow == FOLLOW_BASELINE ? app_stage_get_baseline (self->stage)
                                          : app_stage_get_run (self->stage);
}

static gboolean
holds (GPtrArray *runs, EngRun *run)
{
  for (guint i = 0; i < runs->len; i++)
    if (g_strcmp0 (eng_run_get_id (runs->pdata[i]), eng_run_get_id (run)) == 0)
      return TRUE;
  return FALSE;
}

GPtrArray *
app_compare_runs_dup (AppCompareRuns *self)
{
  GPtrArray *runs = g_ptr_array_new_with_free_func (g_object_unref);

  g_return_val_if_fail (APP_IS_COMPARE_RUNS (self), runs);

  for (guint i = 0; i < self->entries->len; i++)
    {
      EngRun *run = resolve (self, &g_array_index (self->entries, Entry, i));

      if (run != NULL && !holds (runs, run))
        g_ptr_array_add (runs, g_object_ref (run));
    }
  return runs;
}

/* The place in the list of the run that stands at @index of what app_compare_runs_dup() gives. */
static guint
find_entry (AppCompareRuns *self, EngRun *run)
{
  for (guint i = 0; i < self->entries->len; i++)
    if (resolve (self, &g_array_index (self->entries, Entry, i)) == run)
      return i;
  return self->entries->len;
}

static void
emit_changed (AppCompareRuns *self)
{
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

void
app_compare_runs_set (AppCompareRuns *self, EngRun *const *runs, guint n)
{
  g_return_if_fail (APP_IS_COMPARE_RUNS (self));

  if (n == 0)
    follow_stage (self);
  else
    g_array_set_size (self->entries, 0);
  for (guint i = 0; i < n; i++)
    {
      Entry entry = { FIXED, g_object_ref (runs[i]) };

      g_array_append_val (self->entries, entry);
    }
  emit_changed (self);
}

/* ---- One chip ---- */

typedef struct
{
  AppCompareRuns *self; /* borrowed: it owns the chip */
  EngRun *run;
  GtkWidget *popover;
} Chip;

static void
chip_free (gpointer data, GClosure *closure)
{
  Chip *chip = data;

  g_object_unref (chip->run);
  g_free (chip);
}

static void
on_remove (GtkButton *button, Chip *chip)
{
  guint place = find_entry (chip->self, chip->run);
  AppCompareRuns *self = chip->self;

  gtk_popover_popdown (GTK_POPOVER (chip->popover));
  if (place < self->entries->len)
    g_array_remove_index (self->entries, place);
  emit_changed (self); /* makes other chips: this one is gone afterwards */
}

static void
on_first (GtkButton *button, Chip *chip)
{
  guint place = find_entry (chip->self, chip->run);
  AppCompareRuns *self = chip->self;

  gtk_popover_popdown (GTK_POPOVER (chip->popover));
  if (place > 0 && place < self->entries->len)
    {
      Entry entry = g_array_index (self->entries, Entry, place);

      entry.run = entry.run != NULL ? g_object_ref (entry.run) : NULL;
      g_array_remove_index (self->entries, place);
      g_array_prepend_val (self->entries, entry);
    }
  emit_changed (self);
}

static void
draw_swatch (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer color)
{
  PlotStyle style;

  plot_style_init_for_widget (&style, GTK_WIDGET (area));
  cairo_rectangle (cr, 1.5, 1.5, width - 3, height - 3);
  if (GPOINTER_TO_INT (color) >= 0)
    {
      gdk_cairo_set_source_rgba (cr, plot_style_color (&style, (guint)GPOINTER_TO_INT (color)));
      cairo_fill_preserve (cr);
    }
  else
    gdk_cairo_set_source_rgba (cr, &style.baseline);
  cairo_set_line_width (cr, 1.5);
  cairo_stroke (cr);
}

static GtkWidget *
make_label (const char *text, const char *css, int max_chars)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (label), max_chars);
  if (css != NULL)
    gtk_widget_add_css_class (label, css);
  return label;
}

/* What the run is, and what can be done with its chip. */
static GtkWidget *
make_popover (AppCompareRuns *self, EngRun *run, guint index, const char *label)
{
  GtkWidget *popover = gtk_popover_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6),
            *button;
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (eng_run_get_time (run));
  g_autofree char *when = time != NULL ? g_date_time_format (time, "%x %X") : g_strdup ("");
  g_autofree char *reasons = g_strjoinv ("; ", (GStrv)eng_run_get_reasons (run));
  g_autofree char *facts
      = g_strdup_printf ("%s\n%s · %s · %u× · %s%s%s", eng_run_get_model_name (run), when,
                         eng_run_get_isa (run), eng_run_get_n_threads (run),
                         _ (eng_validity_name (eng_run_get_validity (run))),
                         *reasons != '\0' ? ": " : "", reasons);
  const struct
  {
    const char *title;
    void (*clicked) (GtkButton *, Chip *);
    gboolean offered;
  } buttons[]
      = { { _ ("Compare with This One"), on_first, index > 0 }, { _ ("Remove"), on_remove, TRUE } };

  gtk_box_append (GTK_BOX (box), make_label (label, "heading", 44));
  gtk_box_append (GTK_BOX (box), make_label (facts, "dim-label", 44));
  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++)
    {
      Chip *chip;

      if (!buttons[i].offered)
        continue;
      chip = g_new0 (Chip, 1);
      *chip = (Chip){ self, g_object_ref (run), popover };
      button = gtk_button_new_with_label (buttons[i].title);
      gtk_widget_add_css_class (button, "flat");
      g_signal_connect_data (button, "clicked", G_CALLBACK (buttons[i].clicked), chip, chip_free,
                             0);
      gtk_box_append (GTK_BOX (box), button);
    }
  gtk_popover_set_child (GTK_POPOVER (popover), box);
  return popover;
}

static GtkWidget *
make_chip (AppCompareRuns *self, EngRun *run, guint index, guint n_runs, const char *label)
{
  GtkWidget *chip = gtk_menu_button_new (), *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6),
            *swatch = gtk_drawing_area_new (), *text = gtk_label_new (label), *name;
  g_autofree char *letter = app_compare_letter (index);
  /* Translators: the letter of a run and what it is: "Run B: Q4_0 weights" */
  g_autofree char *spoken
      = g_strdup_printf (index == 0 ? _ ("Run %s, compared with: %s") : _ ("Run %s: %s"), letter,
                         label);

  gtk_widget_set_size_request (swatch, 14, 14);
  gtk_widget_set_valign (swatch, GTK_ALIGN_CENTER);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (swatch), draw_swatch,
                                  GINT_TO_POINTER (app_compare_color (index, n_runs)), NULL);
  name = gtk_label_new (letter);
  gtk_widget_add_css_class (name, "heading");
  gtk_label_set_ellipsize (GTK_LABEL (text), PANGO_ELLIPSIZE_MIDDLE);
  gtk_label_set_max_width_chars (GTK_LABEL (text), n_runs > 3 ? 18 : 30);
  gtk_box_append (GTK_BOX (box), swatch);
  gtk_box_append (GTK_BOX (box), name);
  gtk_box_append (GTK_BOX (box), text);
  gtk_menu_button_set_child (GTK_MENU_BUTTON (chip), box);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (chip), make_popover (self, run, index, label));
  gtk_widget_set_tooltip_text (chip, spoken);
  gtk_accessible_update_property (GTK_ACCESSIBLE (chip), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  gtk_widget_add_css_class (chip, "run-chip");
  return chip;
}

void
app_compare_runs_update (AppCompareRuns *self, EngComparison *comparison)
{
  g_autoptr (GPtrArray) runs = app_compare_runs_dup (self);
  GtkWidget *child;

  g_return_if_fail (APP_IS_COMPARE_RUNS (self));

  while ((child = gtk_widget_get_first_child (self->chips)) != NULL)
    gtk_box_remove (GTK_BOX (self->chips), child);
  for (guint i = 0; i < runs->len; i++)
    {
      g_autofree char *label = comparison != NULL ? eng_comparison_dup_label (comparison, i)
                                                  : eng_run_dup_recipe_text (runs->pdata[i]);

      gtk_box_append (GTK_BOX (self->chips), make_chip (self, runs->pdata[i], i, runs->len, label));
    }
}

/* ---- Adding ---- */

static void
on_added (AppCompareRuns *self, EngRun *run)
{
  Entry entry = { FIXED, g_object_ref (run) };

  /* Without a first run there is nothing to follow any more. */
  g_array_append_val (self->entries, entry);
  emit_changed (self);
}

static void
on_add_shown (AppCompareRuns *self)
{
  g_autoptr (GPtrArray) runs = app_compare_runs_dup (self);

  app_compare_add_fill (APP_COMPARE_ADD (gtk_menu_button_get_popover (GTK_MENU_BUTTON (self->add))),
                        self->history, runs);
}

/* ---- The widget ---- */

static void
app_compare_runs_dispose (GObject *object)
{
  AppCompareRuns *self = APP_COMPARE_RUNS (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->stage);
  g_clear_object (&self->history);
  g_clear_pointer (&self->entries, g_array_unref);
  G_OBJECT_CLASS (app_compare_runs_parent_class)->dispose (object);
}

static void
app_compare_runs_class_init (AppCompareRunsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_compare_runs_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BOX_LAYOUT);
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_compare_runs_init (AppCompareRuns *self)
{
  GtkWidget *popover = app_compare_add_new ();

  self->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_array_set_clear_func (self->entries, entry_clear);
  follow_stage (self);
  gtk_box_layout_set_spacing (GTK_BOX_LAYOUT (gtk_widget_get_layout_manager (GTK_WIDGET (self))),
                              6);

  self->chips = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  self->scroller = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self->scroller), GTK_POLICY_AUTOMATIC,
                                  GTK_POLICY_NEVER);
  gtk_scrolled_window_set_propagate_natural_width (GTK_SCROLLED_WINDOW (self->scroller), TRUE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (self->scroller), self->chips);
  gtk_widget_set_parent (self->scroller, GTK_WIDGET (self));

  self->add = gtk_menu_button_new ();
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (self->add), "list-add-symbolic");
  gtk_widget_set_tooltip_text (self->add, _ ("Add a run"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->add), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Add a run"), -1);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (self->add), popover);
  gtk_widget_add_css_class (self->add, "flat");
  gtk_widget_set_valign (self->add, GTK_ALIGN_START);
  gtk_widget_set_parent (self->add, GTK_WIDGET (self));
  g_signal_connect_object (popover, "show", G_CALLBACK (on_add_shown), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (popover, "added", G_CALLBACK (on_added), self, G_CONNECT_SWAPPED);
}

void
app_compare_runs_set_context (AppCompareRuns *self, AppStage *stage, EngHistory *history)
{
  g_return_if_fail (APP_IS_COMPARE_RUNS (self) && APP_IS_STAGE (stage));

  g_set_object (&self->stage, stage);
  g_set_object (&self->history, history);
  gtk_widget_set_sensitive (self->add, history != NULL);
}
