/* The report's plots: the same draw functions as on screen, on SVG surfaces. Called by
 * app-report.c. */
#include "app-report-private.h"

#include "app-compare-names.h"
#include "plot-chart-page.h"
#include "plot-export.h"
#include "plot-lanes-page.h"

#include <math.h>
#include <string.h>

/* More bars beside each other cannot be told apart on a page. */
#define MAX_BARS 6

/* ---- From a figure to markup ---- */

static void
add_svg (GString *html, PlotFigure *figure, guint index, int height_px, gboolean dark)
{
  const PlotExportOptions options = { .format = PLOT_EXPORT_SVG,
                                      .width_px = APP_REPORT_WIDTH_PX,
                                      .height_px = height_px,
                                      .dark = dark,
                                      .transparent = TRUE };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = plot_export_to_bytes (figure, &options, &error);
  g_autofree char *prefix = g_strdup_printf ("f%u%c-", index, dark ? 'd' : 'l');
  g_autofree char *svg = NULL;
  gsize length;
  const char *data;

  if (bytes == NULL)
    {
      app_html_element (html, "p", error->message);
      return;
    }
  data = g_bytes_get_data (bytes, &length);
  svg = app_html_inline_svg (data, length, prefix, dark ? "dark" : "light");
  g_string_append (html, svg);
}

static void
add_figure (GString *html, PlotFigure *figure, guint index, int height_px, const char *caption)
{
  g_string_append (html, "<figure role=\"img\" aria-label=\"");
  app_html_text (html, caption);
  g_string_append (html, "\">");
  add_svg (html, figure, index, height_px, FALSE);
  add_svg (html, figure, index, height_px, TRUE);
  app_html_element (html, "figcaption", caption);
  g_string_append (html, "</figure>\n");
}

/* ---- Lanes ---- */

typedef struct
{
  EngComparison *comparison;
  PlotLanesPage *page;
  GArray *rows; /* guint: those of layers */
  double *value, *low, *high;
} Lanes;

static void
set_items (Lanes *self)
{
  gsize common = app_compare_common_path (self->comparison);
  g_autofree PlotItem *items = g_new0 (PlotItem, self->rows->len + 1);
  g_autoptr (GPtrArray) labels = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < self->rows->len; i++)
    {
      const EngCompareRow *row
          = eng_comparison_get_row (self->comparison, g_array_index (self->rows, guint, i));
      char *label = app_compare_dup_row_label (row, common);

      g_ptr_array_add (labels, label);
      items[i] = (PlotItem){ .name = row->name, .label = label, .parent = -1 };
    }
  plot_lanes_page_set_items (self->page, items, self->rows->len);
}

/* A series of each run's values, side by side. */
static void
add_value_lane (Lanes *self, EngLayerMetric metric, const PlotUnit *unit, guint n_runs)
{
  guint lane = plot_lanes_page_add_lane (self->page,
                                         &(PlotLaneInfo){ .title = eng_layer_metric_title (metric),
                                                          .unit = *unit,
                                                          .total = eng_layer_metric_adds_up (metric)
                                                                           && n_runs == 1
                                                                       ? PLOT_TOTAL_SUM
                                                                       : PLOT_TOTAL_NONE,
                                                          .flags = PLOT_LANE_LOWER_IS_BETTER });

  g_autofree guint8 *states = g_malloc (self->rows->len + 1);

  memset (states, app_compare_state (metric), self->rows->len);
  for (guint r = 0; r < n_runs; r++)
    {
      g_autofree char *letter = app_report_letter (r);
      guint series
          = plot_lanes_page_add_series (self->page, lane,
                                        &(PlotLaneSeriesInfo){
                                            .name
                                            = n_runs > 1 ? letter : eng_layer_metric_title (metric),
                                            .color = n_runs > 1 ? r : metric,
                                            .pattern = n_runs > 1 ? r % PLOT_N_PATTERNS
                                                                  : PLOT_PATTERN_SOLID });

      for (guint i = 0; i < self->rows->len; i++)
        {
          EngFigure figure
              = eng_comparison_get_value (self->comparison, g_array_index (self->rows, guint, i), r,
                                          metric);

          self->value[i] = figure.available ? figure.value : NAN;
          self->low[i] = figure.available && figure.n > 0 ? figure.low : NAN;
          self->high[i] = figure.available && figure.n > 0 ? figure.high : NAN;
        }
      plot_lanes_page_set_values (self->page, lane, series, 0, self->rows->len, self->value,
                                  self->low, self->high, states);
    }
}

static void
add_change_lane (Lanes *self, EngLayerMetric metric, guint n_runs)
{
  const PlotUnit percent = PLOT_UNIT_PERCENT;
  const char *title = "Change since A";
  guint lane
      = plot_lanes_page_add_lane (self->page, &(PlotLaneInfo){
                                                  .title = title, .unit = percent, .height = 0.8 });

  double limit = 0;

  plot_lanes_page_set_lane_note (self->page, lane, "Not compared");
  for (guint r = 1; r < n_runs; r++)
    {
      g_autofree char *letter = app_report_letter (r);
      guint series = plot_lanes_page_add_series (self->page, lane,
                                                 &(PlotLaneSeriesInfo){
                                                     .name = letter,
                                                     .role = PLOT_ROLE_POINT,
                                                     .color = r,
                                                     .shape = (PlotShape)(r % PLOT_N_SHAPES) });

      for (guint i = 0; i < self->rows->len; i++)
        {
          EngChange change
              = eng_comparison_get_change (self->comparison, g_array_index (self->rows, guint, i),
                                           r, metric);

          self->value[i] = change.frac;
          self->low[i] = change.low;
          self->high[i] = change.high;
        }
      limit = fmax (limit, app_compare_limit (self->value, self->high, self->rows->len));
      plot_lanes_page_set_values (self->page, lane, series, 0, self->rows->len, self->value,
                                  self->low, self->high, NULL);
    }
  if (limit > 0)
    plot_lanes_page_set_lane_limit (self->page, lane, limit);
}

static gboolean
has_any (Lanes *self, EngLayerMetric metric)
{
  for (guint r = 0; r < eng_comparison_get_n_runs (self->comparison); r++)
    for (guint i = 0; i < self->rows->len; i++)
      {
        EngFigure figure
            = eng_comparison_get_value (self->comparison, g_array_index (self->rows, guint, i), r,
                                        metric);

        if (figure.available && figure.value > 0)
          return TRUE;
      }
  return FALSE;
}

void
app_report_add_lanes (GString *html, EngComparison *comparison, guint index)
{
  guint n_rows = eng_comparison_get_n_rows (comparison),
        n_runs = MIN (eng_comparison_get_n_runs (comparison), MAX_BARS);
  const char *phase = app_report_phase_title (eng_comparison_get_phase (comparison));
  g_autoptr (PlotLanesPage) page = plot_lanes_page_new ("");
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autofree double *value = g_new (double, n_rows + 1), *low = g_new (double, n_rows + 1),
                    *high = g_new (double, n_rows + 1);
  g_autofree char *caption = NULL;
  Lanes lanes = { comparison, page, rows, value, low, high };

  for (guint row = 0; row < n_rows; row++)
    if (eng_comparison_get_row (comparison, row)->depth == 0)
      g_array_append_val (rows, row);
  if (rows->len == 0)
    return;
  set_items (&lanes);
  for (EngLayerMetric metric = 0; metric < ENG_N_LAYER_METRICS; metric++)
    {
      PlotUnit unit = app_compare_unit (comparison, metric);

      /* Memory is the same in all phases: it is drawn once. */
      if (!has_any (&lanes, metric)
          || (index > 0 && eng_layer_metric_aspect (metric) == ENG_ASPECT_MEMORY))
        continue;
      add_value_lane (&lanes, metric, &unit, n_runs);
      if (n_runs > 1 && metric == ENG_LAYER_METRIC_LATENCY)
        add_change_lane (&lanes, metric, n_runs);
    }
  caption
      = g_strdup_printf ("Every layer in network order, %s: medians with 95 %% intervals.%s", phase,
                         eng_comparison_get_n_runs (comparison) > MAX_BARS
                             ? " Only the first six runs are drawn; the table has all."
                             : "");
  add_figure (html, PLOT_FIGURE (page), index, (int)plot_lanes_page_get_natural_height (page),
              caption);
}

/* ---- Trade-off ---- */

/* What a run costs in time: an inference, or a decoded token. */
static EngFigure
cost_of (EngRun *run)
{
  return eng_run_get_figure (run, eng_run_get_workload (run)->kind == ENG_WORKLOAD_TEXT
                                      ? ENG_FIGURE_STEP_CLEAN
                                      : ENG_FIGURE_INFERENCE);
}

static PlotLayer *
make_point (EngRun *run, guint r, const EngFigure *memory, const EngFigure *time)
{
  g_autofree char *letter = app_report_letter (r);
  g_autoptr (PlotSeries) series = plot_series_new (letter);
  PlotLayer *layer;

  plot_series_append_full (series, memory->value, memory->low, memory->high, 1e6 * time->value,
                           1e6 * time->low, 1e6 * time->high);
  plot_series_set_label (series, 0, letter);
  layer = plot_layer_new (&plot_layer_points, series);
  plot_layer_set_color (layer, (int)r);
  plot_layer_set_shape (layer, (PlotShape)(r % PLOT_N_SHAPES));
  g_object_set (layer, "title", "", NULL); /* named beside the point, not in a legend */
  return layer;
}

void
app_report_add_tradeoff (GString *html, EngComparison *comparison)
{
  const PlotUnit bytes = PLOT_UNIT_BYTES, ns = PLOT_UNIT_NS;
  gboolean text
      = eng_run_get_workload (eng_comparison_get_run (comparison, 0))->kind == ENG_WORKLOAD_TEXT;
  g_autoptr (PlotAxis) x = plot_axis_new ("Peak memory", &bytes);
  g_autoptr (PlotAxis) y = plot_axis_new (text ? "Decode step" : "Inference", &ns);
  g_autoptr (PlotChartPage) page = plot_chart_page_new ("", x, y);
  g_autoptr (PlotSeries) names = plot_series_new ("");
  g_autoptr (PlotLayer) labels = plot_layer_new (&plot_layer_labels, names);
  guint n = 0;

  plot_axis_set_include_zero (x, TRUE);
  plot_axis_set_include_zero (y, TRUE);
  for (guint r = 0; r < eng_comparison_get_n_runs (comparison); r++)
    {
      EngRun *run = eng_comparison_get_run (comparison, r);
      EngFigure memory = eng_run_get_figure (run, ENG_FIGURE_PEAK_MEMORY), time = cost_of (run);
      g_autoptr (PlotLayer) layer = NULL;

      /* What is not comparable does not stand beside the others. */
      if (!memory.available || !time.available
          || eng_comparison_get_withheld (comparison, r, ENG_ASPECT_TIMES) != NULL)
        continue;
      layer = make_point (run, r, &memory, &time);
      plot_chart_page_add_layer (page, layer);
      plot_series_append (names, memory.value, 1e6 * time.value);
      plot_series_set_label (names, n++, plot_series_get_label (plot_layer_get_series (layer), 0));
    }
  if (n < 2)
    return;
  g_object_set (labels, "title", "", NULL);
  plot_chart_page_add_layer (page, labels);
  g_string_append (html, "<h2>Trade-off</h2>\n");
  add_figure (html, PLOT_FIGURE (page), 100, 300,
              "Time against memory, less of both is better: medians with 95 % intervals.");
}
