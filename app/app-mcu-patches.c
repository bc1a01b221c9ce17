/* Patches of the first layers (MCUNetV2, Lin and others 2021): smaller arena, more multiply-adds.
 * Called by the page of sizes; which choices there are is eng-mcu-patch.c's. */
#include "app-mcu-patches.h"

#include "app-config.h"
#include "app-mcu-sizes.h"
#include "app-scroll.h"
#include "eng-figure.h"
#include "plot-chart.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

#define CHART_PX 220
#define COLOR_FITS 0
#define COLOR_NOT 3

static const EngMcuPatches *
get_patches (const EngMcuReport *report, guint i)
{
  return report->patches->pdata[i];
}

static void
choose (AppMcuPlan *plan, guint i)
{
  EngMcuReport *report = app_mcu_plan_get_report (plan);

  if (report == NULL || i >= report->patches->len
      || !app_mcu_patches_fit_board (report, get_patches (report, i)))
    return;
  app_mcu_plan_set_ram_limit (plan, app_mcu_patches_limit (report, get_patches (report, i)));
}

/* ---- The plot ---- */

static void
add_point (PlotSeries *series, const EngMcuPatches *patches)
{
  gsize at = plot_series_get_n (series);
  g_autofree char *title = app_mcu_patches_dup_title (patches);
  g_autofree char *ram = eng_format_value ((double)patches->ram_bytes, "B");

  plot_series_append (series, (double)patches->arena_bytes, app_mcu_patches_extra (patches));
  plot_series_set_label (series, at, title);
  plot_series_set_estimate (series, at, TRUE);
  plot_series_add_fact (series, at, _ ("RAM in all"), ram);
}

static PlotLayer *
take_layer (PlotChart *chart, const PlotLayerKind *kind, PlotSeries *taken, int color)
{
  g_autoptr (PlotSeries) series = taken;
  PlotLayer *layer = plot_layer_new (kind, series);

  plot_layer_set_color (layer, color);
  plot_chart_add_layer (chart, layer);
  return layer;
}

/* Of points that fit, the index in the report is kept beside: [n] guint. */
static void
on_activated (AppMcuPlan *plan, PlotLayer *layer, guint64 index)
{
  GArray *indices = layer != NULL ? plot_layer_get_data (layer) : NULL;

  if (indices != NULL && index < indices->len)
    choose (plan, g_array_index (indices, guint, index));
}

static void
free_indices (gpointer indices)
{
  g_array_unref (indices);
}

static void
add_points (PlotChart *chart, const EngMcuReport *report, gboolean fit)
{
  PlotSeries *series = plot_series_new (fit ? _ ("Fits the board") : _ ("Does not fit the board"));
  GArray *indices = g_array_new (FALSE, FALSE, sizeof (guint));
  PlotLayer *layer;

  for (guint i = 0; i < report->patches->len; i++)
    if (app_mcu_patches_fit_board (report, get_patches (report, i)) == fit)
      {
        add_point (series, get_patches (report, i));
        g_array_append_val (indices, i);
      }
  if (indices->len == 0)
    {
      g_object_unref (series);
      g_array_unref (indices);
      return;
    }
  layer = take_layer (chart, &plot_layer_points, series, fit ? COLOR_FITS : COLOR_NOT);
  plot_layer_set_shape (layer, fit ? PLOT_SHAPE_CIRCLE : PLOT_SHAPE_CROSS);
  plot_layer_set_data (layer, indices, free_indices);
}

/* What of the board's RAM static data and stack leave for the arena, where that says anything. */
static void
add_limit (PlotChart *chart, const EngMcuReport *report)
{
  const EngMcuPatches *any = get_patches (report, 0);
  double limit = (double)report->board_ram - (double)(any->ram_bytes - any->arena_bytes);
  PlotSeries *series;

  if (limit > (double)any->arena_bytes)
    return;
  series = plot_series_new (_ ("Too much for the board"));
  plot_series_append (series, limit, NAN);
  take_layer (chart, &plot_layer_limit_above, series, COLOR_NOT);
}

static void
add_chosen (PlotChart *chart, const EngMcuReport *report)
{
  int i = app_mcu_patches_chosen (report);
  const EngMcuPatches *patches = i >= 0 ? get_patches (report, (guint)i) : NULL;
  PlotSeries *series;

  if (patches == NULL)
    return;
  series = plot_series_new (_ ("Chosen"));
  plot_series_append (series, (double)patches->arena_bytes, app_mcu_patches_extra (patches));
  take_layer (chart, &plot_layer_ring, series, 1);
}

/* Some room around the points: the ring about one of them must not be cut. */
static void
set_bounds (PlotAxis *x, PlotAxis *y, const EngMcuReport *report)
{
  double least = INFINITY, most = 0, extra = 0.01;

  for (guint i = 0; i < report->patches->len; i++)
    {
      const EngMcuPatches *patches = get_patches (report, i);

      least = MIN (least, (double)patches->arena_bytes);
      most = MAX (most, (double)patches->arena_bytes);
      extra = MAX (extra, app_mcu_patches_extra (patches));
    }
  plot_axis_set_bounds (x, MAX (least - 0.06 * (most - least), 0), most + 0.06 * (most - least));
  plot_axis_set_bounds (y, -0.12 * extra, 1.12 * extra);
}

static GtkWidget *
make_chart (AppMcuPlan *plan, const EngMcuReport *report)
{
  GtkWidget *chart = plot_chart_new ();
  PlotAxis *x = plot_chart_get_x_axis (PLOT_CHART (chart)),
           *y = plot_chart_get_y_axis (PLOT_CHART (chart));

  plot_chart_set_title (PLOT_CHART (chart), _ ("Arena against recomputation"));
  plot_axis_set_title (x, _ ("arena"));
  plot_axis_set_unit (x, &PLOT_UNIT_BYTES);
  plot_axis_set_title (y, _ ("more multiply-adds"));
  plot_axis_set_unit (y, &PLOT_UNIT_PERCENT);
  set_bounds (x, y, report);
  add_limit (PLOT_CHART (chart), report);
  add_points (PLOT_CHART (chart), report, FALSE);
  add_points (PLOT_CHART (chart), report, TRUE);
  add_chosen (PLOT_CHART (chart), report);
  g_object_set (chart, "single-click-activate", TRUE, NULL);
  gtk_widget_set_size_request (chart, -1, CHART_PX);
  app_scroll_let_through (chart);
  g_signal_connect_object (chart, "point-activated", G_CALLBACK (on_activated), plan,
                           G_CONNECT_SWAPPED);
  return chart;
}

/* ---- The list ---- */

static void
on_toggled (GtkCheckButton *check, AppMcuPlan *plan)
{
  if (gtk_check_button_get_active (check))
    choose (plan, GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (check), "index")));
}

static char *
dup_subtitle (const EngMcuReport *report, const EngMcuPatches *patches)
{
  g_autofree char *arena = eng_format_value ((double)patches->arena_bytes, "B");
  g_autofree char *ram = eng_format_value ((double)patches->ram_bytes, "B");
  g_autofree char *extra = app_mcu_patches_dup_extra (patches);

  if (app_mcu_patches_fit_board (report, patches))
    /* Translators: bytes; a share or "none" */
    return g_strdup_printf (_ ("Arena %s · more multiply-adds: %s"), arena, extra);
  return g_strdup_printf (_ ("Arena %s · more multiply-adds: %s · does not fit: %s of RAM"), arena,
                          extra, ram);
}

static GtkWidget *
make_row (AppMcuPlan *plan, const EngMcuReport *report, guint i, GtkWidget **group)
{
  const EngMcuPatches *patches = get_patches (report, i);
  gboolean fits = app_mcu_patches_fit_board (report, patches);
  g_autofree char *title = app_mcu_patches_dup_title (patches);
  g_autofree char *subtitle = dup_subtitle (report, patches);
  GtkWidget *row, *check = gtk_check_button_new ();
  /* Translators: which patches, what they take */
  g_autofree char *spoken = g_strdup_printf (_ ("%s. %s"), title, subtitle);

  row = g_object_new (ADW_TYPE_ACTION_ROW, "title", title, "subtitle", subtitle, "use-markup",
                      FALSE, "subtitle-lines", 3, NULL);
  gtk_widget_set_sensitive (check, fits);
  if (*group != NULL)
    gtk_check_button_set_group (GTK_CHECK_BUTTON (check), GTK_CHECK_BUTTON (*group));
  else
    *group = check;
  gtk_check_button_set_active (GTK_CHECK_BUTTON (check), patches->is_chosen);
  gtk_widget_set_valign (check, GTK_ALIGN_CENTER);
  gtk_accessible_update_property (GTK_ACCESSIBLE (check), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken,
                                  -1);
  g_object_set_data (G_OBJECT (check), "index", GUINT_TO_POINTER (i));
  g_signal_connect_object (check, "toggled", G_CALLBACK (on_toggled), plan, 0);
  adw_action_row_add_prefix (ADW_ACTION_ROW (row), check);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (row), check);
  return row;
}

void
app_mcu_patches_focus (GtkWidget *widget)
{
  GtkWidget *list = g_object_get_data (G_OBJECT (widget), "list");
  EngMcuReport *report = g_object_get_data (G_OBJECT (widget), "report");
  int chosen = app_mcu_patches_chosen (report);
  GtkListBoxRow *row
      = chosen >= 0 ? gtk_list_box_get_row_at_index (GTK_LIST_BOX (list), chosen) : NULL;

  if (row != NULL)
    gtk_widget_grab_focus (GTK_WIDGET (row));
}

static void
unref_report (gpointer report)
{
  eng_mcu_report_unref (report);
}

GtkWidget *
app_mcu_patches_new (AppMcuPlan *plan)
{
  EngMcuReport *report = app_mcu_plan_get_report (plan);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12), *list = gtk_list_box_new ();
  GtkWidget *group = NULL;

  g_return_val_if_fail (report != NULL, NULL);
  if (report->patches->len > 1)
    gtk_box_append (GTK_BOX (box), make_chart (plan, report));
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Patches"), -1);
  for (guint i = 0; i < report->patches->len; i++)
    gtk_list_box_append (GTK_LIST_BOX (list), make_row (plan, report, i, &group));
  gtk_box_append (GTK_BOX (box), list);
  g_object_set_data (G_OBJECT (box), "list", list);
  g_object_set_data_full (G_OBJECT (box), "report", eng_mcu_report_ref (report), unref_report);
  return box;
}
