/* The section of a microcontroller's details that tells sizes. Made by app-device-details.c, which
 * keeps the plan; the page with layers and patches is app-mcu-page.c, exporting is the window's. */
#include "app-mcu-section.h"

#include "app-config.h"
#include "app-mcu-bars.h"
#include "app-mcu-page.h"
#include "app-words.h"

#include <glib/gi18n.h>

/* Shorter than that nothing is said of the work. */
#define PATIENCE_MS 300

static void
add (GtkWidget *box, GtkWidget *child)
{
  gtk_box_append (GTK_BOX (box), child);
}

/* ---- Which board ---- */

static void
on_board (AppMcuPlan *plan, GParamSpec *pspec, GtkDropDown *choice)
{
  guint position = gtk_drop_down_get_selected (choice);

  if (position != GTK_INVALID_LIST_POSITION)
    app_mcu_plan_set_board (plan, eng_mcu_boards ()[position]);
}

/* The list items are as wide as the pane: long names end in dots there, not in the list. */
static void
set_up_name (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  gtk_list_item_set_child (item,
                           g_object_new (GTK_TYPE_LABEL, "xalign", 0.0f, "ellipsize",
                                         data != NULL ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE,
                                         NULL));
}

static void
bind_name (GtkSignalListItemFactory *factory, GtkListItem *item, gpointer data)
{
  gtk_label_set_label (GTK_LABEL (gtk_list_item_get_child (item)),
                       gtk_string_object_get_string (
                           GTK_STRING_OBJECT (gtk_list_item_get_item (item))));
}

static GtkListItemFactory *
make_factory (gboolean ellipsize)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();

  g_signal_connect (factory, "setup", G_CALLBACK (set_up_name), GINT_TO_POINTER (ellipsize));
  g_signal_connect (factory, "bind", G_CALLBACK (bind_name), NULL);
  return factory;
}

/* It was chosen elsewhere. */
static void
show_board (GtkDropDown *choice, AppMcuPlan *plan)
{
  const char *const *ids = eng_mcu_boards ();

  for (guint i = 0; ids[i] != NULL; i++)
    if (g_strcmp0 (ids[i], app_mcu_plan_get_board (plan)) == 0
        && gtk_drop_down_get_selected (choice) != i)
      gtk_drop_down_set_selected (choice, i);
}

GtkWidget *
app_mcu_board_choice_new (AppMcuPlan *plan)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  g_autoptr (GtkListItemFactory) shown = make_factory (TRUE), listed = make_factory (FALSE);
  const char *const *ids = eng_mcu_boards ();
  GtkWidget *choice;

  for (guint i = 0; ids[i] != NULL; i++)
    {
      g_autofree char *title = eng_mcu_board_dup_title (ids[i], NULL);

      gtk_string_list_append (names, title != NULL ? title : ids[i]);
    }
  choice = gtk_drop_down_new (G_LIST_MODEL (g_steal_pointer (&names)), NULL);
  gtk_drop_down_set_factory (GTK_DROP_DOWN (choice), shown);
  gtk_drop_down_set_list_factory (GTK_DROP_DOWN (choice), listed);
  gtk_drop_down_set_selected (GTK_DROP_DOWN (choice), GTK_INVALID_LIST_POSITION);
  show_board (GTK_DROP_DOWN (choice), plan);
  gtk_widget_set_tooltip_text (choice, _ ("For which board the sizes are; also one that is not "
                                          "here"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (choice), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Sizes on"), -1);
  g_signal_connect_object (choice, "notify::selected", G_CALLBACK (on_board), plan,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (plan, "changed", G_CALLBACK (show_board), choice, G_CONNECT_SWAPPED);
  return choice;
}

/* ---- While it is worked out ---- */

static void
show_stage (GtkLabel *label, GParamSpec *pspec, EngJob *job)
{
  double progress = eng_job_get_progress (job);
  g_autofree char *text
      = progress >= 0 ? g_strdup_printf ("%s: %.0f %%", eng_job_get_title (job), 100 * progress)
                      : g_strdup (eng_job_get_title (job));

  gtk_label_set_label (label, text);
}

static gboolean
on_patience (gpointer data)
{
  g_autoptr (GtkWidget) row = g_weak_ref_get (data);

  if (row != NULL)
    gtk_widget_set_visible (row, TRUE);
  return G_SOURCE_REMOVE;
}

static void
weak_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

GtkWidget *
app_mcu_working_new (AppMcuPlan *plan)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6), *spinner = gtk_spinner_new ();
  GtkWidget *cancel = gtk_button_new_with_label (_ ("Cancel"));
  GtkWidget *label = app_words_new ("", (const char *[]){ "dim-label", NULL });
  EngJob *job = app_mcu_plan_get_job (plan);
  GWeakRef *weak = g_new0 (GWeakRef, 1);

  gtk_spinner_start (GTK_SPINNER (spinner));
  gtk_widget_set_hexpand (label, TRUE);
  gtk_widget_set_valign (cancel, GTK_ALIGN_CENTER);
  add (row, spinner);
  add (row, label);
  add (row, cancel);
  show_stage (GTK_LABEL (label), NULL, job);
  g_signal_connect_object (job, "notify::progress", G_CALLBACK (show_stage), label,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (cancel, "clicked", G_CALLBACK (app_mcu_plan_cancel), plan,
                           G_CONNECT_SWAPPED);
  gtk_widget_set_visible (row, FALSE);
  g_weak_ref_init (weak, row);
  g_timeout_add_full (G_PRIORITY_DEFAULT, PATIENCE_MS, on_patience, weak, weak_free);
  return row;
}

/* ---- What can be done ---- */

GtkWidget *
app_mcu_export_button_new (AppMcuPlan *plan, const char *title)
{
  GtkWidget *button = gtk_button_new_with_label (title);
  EngMcuReport *report = app_mcu_plan_get_report (plan);

  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.export-c-project");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "(st)", app_mcu_plan_get_board (plan),
                                    app_mcu_plan_get_ram_limit (plan));
  gtk_widget_set_sensitive (button, report != NULL && eng_mcu_report_fits (report));
  gtk_widget_set_tooltip_text (button, _ ("A folder to take away: C code, kernels, board support, "
                                          "CMake project, README, licence"));
  return button;
}

/* One page for each plan. */
static void
on_details (AppMcuPlan *plan, GtkButton *button)
{
  GWeakRef *weak = g_object_get_data (G_OBJECT (plan), "page");
  g_autoptr (GtkWidget) open = weak != NULL ? g_weak_ref_get (weak) : NULL;
  GtkWidget *page = open;

  if (weak == NULL)
    {
      weak = g_new0 (GWeakRef, 1);
      g_weak_ref_init (weak, NULL);
      g_object_set_data_full (G_OBJECT (plan), "page", weak, weak_free);
    }
  if (page == NULL)
    {
      page = app_mcu_page_new (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (button))), plan);
      g_weak_ref_set (weak, page);
    }
  gtk_window_present (GTK_WINDOW (page));
}

static void
add_buttons (GtkWidget *box, AppMcuPlan *plan)
{
  EngMcuReport *report = app_mcu_plan_get_report (plan);
  GtkWidget *details = gtk_button_new_with_label (_ ("Layers and Patches…")), *link, *export;

  export = app_mcu_export_button_new (plan, _ ("Export C Project…"));
  g_signal_connect_object (details, "clicked", G_CALLBACK (on_details), plan, G_CONNECT_SWAPPED);
  add (box, details);
  add (box, export);
  if (report->sizes[ENG_MCU_FLASH].origin == ENG_MCU_LINKED || !eng_mcu_report_fits (report)
      || app_mcu_plan_get_job (plan) != NULL)
    return;
  link = gtk_button_new_with_label (_ ("Compile for Exact Sizes"));
  g_signal_connect_object (link, "clicked", G_CALLBACK (app_mcu_plan_link), plan,
                           G_CONNECT_SWAPPED);
  add (box, link);
}

static void
add_again (GtkWidget *box, AppMcuPlan *plan)
{
  GtkWidget *again = gtk_button_new_with_label (_ ("Work Out the Sizes"));

  gtk_widget_set_halign (again, GTK_ALIGN_START);
  g_signal_connect_object (again, "clicked", G_CALLBACK (app_mcu_plan_refresh), plan,
                           G_CONNECT_SWAPPED);
  add (box, again);
}

/* ---- The section ---- */

GtkWidget *
app_mcu_verdict_new (const EngMcuReport *report)
{
  gboolean fits = eng_mcu_report_fits (report);
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6), *icon;

  icon = gtk_image_new_from_icon_name (fits ? "object-select-symbolic" : "dialog-error-symbolic");
  gtk_widget_add_css_class (icon, fits ? "success" : "error");
  add (row, icon);
  add (row, app_words_new (app_mcu_verdict (report), (const char *[]){ "caption-heading", NULL }));
  return row;
}

static void
add_report (GtkWidget *box, AppMcuPlan *plan, EngMcuReport *report)
{
  g_autofree char *patches = app_mcu_dup_patches_sentence (report);

  add (box, app_mcu_verdict_new (report));
  for (guint i = 0; i < APP_MCU_N_BARS; i++)
    add (box, app_mcu_bar_new (report, (AppMcuBarKind)i));
  add (box, app_words_new (app_mcu_origin_sentence (report),
                           (const char *[]){ "caption", "dim-label", NULL }));
  add (box, app_words_new (patches, (const char *[]){ "caption", "dim-label", NULL }));
}

static void
fill (GtkWidget *box)
{
  AppMcuPlan *plan = g_object_get_data (G_OBJECT (box), "plan");
  EngMcuReport *report = app_mcu_plan_get_report (plan);
  const char *problem = app_mcu_plan_get_problem (plan);
  GtkWidget *child, *content = g_object_get_data (G_OBJECT (box), "content");

  /* The page does not jump while the next figures are on their way. */
  gtk_widget_set_size_request (content, -1,
                               report == NULL && app_mcu_plan_get_job (plan) != NULL
                                   ? gtk_widget_get_height (content)
                                   : -1);
  while ((child = gtk_widget_get_first_child (content)) != NULL)
    gtk_box_remove (GTK_BOX (content), child);
  if (app_mcu_plan_get_build (plan) == NULL)
    add (content, app_words_new (_ ("Open a model to see what it takes here."),
                                 (const char *[]){ "caption", "dim-label", NULL }));
  if (report != NULL)
    add_report (content, plan, report);
  if (problem != NULL)
    add (content, app_words_new (problem, (const char *[]){ "warning", NULL }));
  if (app_mcu_plan_get_job (plan) != NULL)
    add (content, app_mcu_working_new (plan));
  else if (report == NULL && problem != NULL && app_mcu_plan_get_cancelled (plan))
    add_again (content, plan);
  if (report != NULL)
    add_buttons (content, plan);
}

GtkWidget *
app_mcu_section_new (AppMcuPlan *plan)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6),
            *content = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  g_return_val_if_fail (APP_IS_MCU_PLAN (plan), NULL);
  g_object_set_data_full (G_OBJECT (box), "plan", g_object_ref (plan), g_object_unref);
  g_object_set_data (G_OBJECT (box), "content", content);
  gtk_widget_add_css_class (box, "mcu-section");
  gtk_widget_set_margin_top (box, 12);
  add (box, app_words_new (_ ("Size of This Build"), (const char *[]){ "heading", NULL }));
  add (box, app_mcu_board_choice_new (plan));
  add (box, content);
  g_signal_connect_object (plan, "changed", G_CALLBACK (fill), box, G_CONNECT_SWAPPED);
  fill (box);
  return box;
}
