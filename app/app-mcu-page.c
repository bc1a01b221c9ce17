/* The page of sizes. Opened by the pane's section; shows what the plan knows and changes it through
 * the plan only. */
#include "app-mcu-page.h"

#include "app-config.h"
#include "app-mcu-bars.h"
#include "app-mcu-patches.h"
#include "app-mcu-section.h"
#include "app-mcu-sizes.h"
#include "app-words.h"
#include "eng-figure.h"

#include <glib/gi18n.h>

#define N_LAYERS 5

typedef struct
{
  AppMcuPlan *plan;
  GtkWidget *title; /* AdwWindowTitle */
  GtkWidget *content, *status, *report_box, *patches, *export_bin;
  GtkScrolledWindow *scroller;
  double scrolled_to;
  gboolean focus_patches;
} Page;

static void
add (GtkWidget *box, GtkWidget *child)
{
  gtk_box_append (GTK_BOX (box), child);
}

static void
clear (GtkWidget *box)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (box)) != NULL)
    gtk_box_remove (GTK_BOX (box), child);
}

static void
add_heading (GtkWidget *box, const char *text, const char *caption)
{
  GtkWidget *heading = app_words_new (text, (const char *[]){ "heading", NULL });

  gtk_widget_set_margin_top (heading, 12);
  add (box, heading);
  if (caption != NULL)
    add (box, app_words_new (caption, (const char *[]){ "caption", "dim-label", NULL }));
}

/* ---- Layers ---- */

static void
add_layer (GtkWidget *list, const EngMcuReport *report, const EngMcuLayer *layer)
{
  g_autofree char *name = app_mcu_dup_layer_name (report, layer);
  g_autofree char *bytes = eng_format_value ((double)layer->weight_bytes, "B");
  double share
      = 100.0 * (double)layer->weight_bytes / (double)MAX (report->sizes[ENG_MCU_WEIGHTS].bytes, 1);
  g_autofree char *value
      = g_strdup_printf (share < 10 ? "%s · %.1f %%" : "%s · %.0f %%", bytes, share);
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "title", name, "subtitle", layer->op,
                                 "use-markup", FALSE, "title-lines", 2, NULL);
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "label", value, "xalign", 1.0f, "css-classes",
                                   (const char *[]){ "numeric", NULL }, NULL);

  adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_set_tooltip_text (row, layer->name);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
}

static GtkWidget *
make_list (const char *name)
{
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  return list;
}

static void
add_layers (GtkWidget *box, const EngMcuReport *report)
{
  g_autoptr (GPtrArray) largest = app_mcu_largest_layers (report, N_LAYERS);
  const EngMcuLayer *peak = app_mcu_peak_layer (report);
  GtkWidget *list = make_list (_ ("Largest in Flash"));

  if (peak != NULL)
    {
      g_autofree char *name = app_mcu_dup_layer_name (report, peak);
      g_autofree char *live = eng_format_value ((double)peak->live_bytes, "B");
      /* Translators: a layer's name, its operator, bytes */
      g_autofree char *text
          = g_strdup_printf (_ ("The arena is fullest at “%s” (%s): %s are alive there."), name,
                             peak->op, live);

      add (box, app_words_new (text, (const char *[]){ NULL }));
    }
  add_heading (box, _ ("Largest in Flash"),
               _ ("Weights with their padding, biases and scales; "
                  "the share is of all weights."));
  for (guint i = 0; i < largest->len; i++)
    add_layer (list, report, largest->pdata[i]);
  if (largest->len > 0)
    add (box, list);
  else
    add (box, app_words_new (_ ("No layer has weights."), (const char *[]){ "dim-label", NULL }));
}

/* ---- Filling ---- */

static void
add_report (Page *page, EngMcuReport *report)
{
  GtkWidget *box = page->report_box;
  g_autofree char *sentence = app_mcu_dup_patches_sentence (report);

  add (box, app_mcu_verdict_new (report));
  for (guint i = 0; i < APP_MCU_N_BARS; i++)
    add (box, app_mcu_bar_new (report, (AppMcuBarKind)i));
  add (box, app_words_new (app_mcu_origin_sentence (report),
                           (const char *[]){ "caption", "dim-label", NULL }));
  add_layers (box, report);
  add_heading (box, _ ("Patches"),
               _ ("The first layers may be computed patch by patch: the arena gets smaller, what "
                  "neighbouring patches share is computed twice. Results stay the same to the last "
                  "bit. What is chosen here is what is pushed and exported."));
  add (box, app_words_new (sentence, (const char *[]){ NULL }));
  page->patches = app_mcu_patches_new (page->plan);
  add (box, page->patches);
}

static gboolean
has_focus (GtkWidget *widget)
{
  GtkRoot *root = widget != NULL ? gtk_widget_get_root (widget) : NULL;
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  return focus != NULL && gtk_widget_is_ancestor (focus, widget);
}

static void
fill_status (Page *page)
{
  const char *problem = app_mcu_plan_get_problem (page->plan);

  clear (page->status);
  if (problem != NULL)
    add (page->status, app_words_new (problem, (const char *[]){ "warning", NULL }));
  if (app_mcu_plan_get_job (page->plan) != NULL)
    add (page->status, app_mcu_working_new (page->plan));
}

/* What has the focus can be scrolled to only where it has a place. */
static gboolean
on_laid_out (gpointer data)
{
  g_autoptr (GtkWidget) window = g_weak_ref_get (data);
  Page *page = window != NULL ? g_object_get_data (G_OBJECT (window), "page") : NULL;

  if (page == NULL)
    return G_SOURCE_REMOVE;
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (page->scroller),
                            page->scrolled_to);
  if (page->focus_patches && page->patches != NULL)
    app_mcu_patches_focus (page->patches);
  page->focus_patches = FALSE;
  return G_SOURCE_REMOVE;
}

static void
weak_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

/* After everything was made anew the page stands where it stood, and so does the focus. */
static void
stay_in_place (Page *page, gboolean focused)
{
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  page->focus_patches |= focused;
  g_weak_ref_init (weak, gtk_widget_get_root (page->content));
  g_idle_add_full (G_PRIORITY_LOW, on_laid_out, weak, weak_free);
}

static void
fill (Page *page)
{
  EngMcuReport *report = app_mcu_plan_get_report (page->plan);
  gboolean waiting = report == NULL && app_mcu_plan_get_job (page->plan) != NULL;
  gboolean focused = has_focus (page->patches);

  fill_status (page);
  page->focus_patches |= focused;
  gtk_widget_set_sensitive (page->report_box, !waiting);
  if (waiting)
    return; /* what stood there goes on standing until the next is known */
  page->scrolled_to
      = gtk_adjustment_get_value (gtk_scrolled_window_get_vadjustment (page->scroller));
  clear (page->report_box);
  page->patches = NULL;
  adw_bin_set_child (ADW_BIN (page->export_bin), NULL);
  if (report == NULL)
    return;
  adw_window_title_set_subtitle (ADW_WINDOW_TITLE (page->title), report->model);
  adw_bin_set_child (ADW_BIN (page->export_bin),
                     app_mcu_export_button_new (page->plan, _ ("Export…")));
  add_report (page, report);
  stay_in_place (page, focused);
}

static void
on_changed (GtkWidget *window)
{
  fill (g_object_get_data (G_OBJECT (window), "page"));
}

/* ---- The window ---- */

static void
page_free (gpointer data)
{
  Page *page = data;

  g_object_unref (page->plan);
  g_free (page);
}

static GtkWidget *
make_content (Page *page)
{
  page->content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  page->status = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  page->report_box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  add (page->content, app_mcu_board_choice_new (page->plan));
  add (page->content, page->status);
  add (page->content, page->report_box);
  gtk_widget_set_margin_top (page->content, 18);
  gtk_widget_set_margin_bottom (page->content, 18);
  gtk_widget_set_margin_start (page->content, 12);
  gtk_widget_set_margin_end (page->content, 12);
  page->scroller = g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child",
                                 g_object_new (ADW_TYPE_CLAMP, "maximum-size", 720, "child",
                                               page->content, NULL),
                                 "hscrollbar-policy", GTK_POLICY_NEVER, "vexpand", TRUE, NULL);
  return GTK_WIDGET (page->scroller);
}

GtkWidget *
app_mcu_page_new (GtkWindow *parent, AppMcuPlan *plan)
{
  Page *page = g_new0 (Page, 1);
  GtkWidget *window, *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0),
                     *header = adw_header_bar_new ();
  GtkEventController *keys = gtk_shortcut_controller_new ();

  g_return_val_if_fail (APP_IS_MCU_PLAN (plan), NULL);
  window = g_object_new (ADW_TYPE_WINDOW, "transient-for", parent, "title",
                         _ ("Size of This Build"), "default-width", 760, "default-height", 720,
                         "width-request", 340, "destroy-with-parent", TRUE, NULL);
  page->plan = g_object_ref (plan);
  page->title = adw_window_title_new (_ ("Size of This Build"), NULL);
  page->export_bin = adw_bin_new ();
  adw_header_bar_set_title_widget (ADW_HEADER_BAR (header), page->title);
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), page->export_bin);
  add (box, header);
  add (box, make_content (page));
  adw_window_set_content (ADW_WINDOW (window), box);
  gtk_shortcut_controller_add_shortcut (GTK_SHORTCUT_CONTROLLER (keys),
                                        gtk_shortcut_new (gtk_keyval_trigger_new (GDK_KEY_Escape,
                                                                                  0),
                                                          gtk_named_action_new ("window.close")));
  gtk_widget_add_controller (window, keys);
  g_object_set_data_full (G_OBJECT (window), "page", page, page_free);
  g_signal_connect_object (plan, "changed", G_CALLBACK (on_changed), window, G_CONNECT_SWAPPED);
  g_signal_connect_object (plan, "retired", G_CALLBACK (gtk_window_close), window,
                           G_CONNECT_SWAPPED);
  fill (page);
  return window;
}
