/* Histograms as layers of a chart, and the sentences below. Called by the dialog; knows no jobs. */
#include "app-distribution-feed.h"

#include "app-config.h"

#include <glib/gi18n.h>
#include <math.h>

/* More levels than this are a grey wall: then the ends of the grid and its zero are drawn. */
#define MAX_LEVELS 40

static guint64
sum_of (const guint64 *counts)
{
  guint64 sum = 0;

  for (guint i = 0; i < ENG_DISTRIBUTION_BINS; i++)
    sum += counts[i];
  return sum;
}

/* Shares of all numbers, so that both histograms have one scale; the last point closes the last
 * bin. */
static PlotSeries *
make_steps (const EngDistribution *d, const guint64 *counts, const char *name)
{
  PlotSeries *series = plot_series_new (name);
  double total = (double)MAX (1, sum_of (counts));

  for (guint i = 0; i < ENG_DISTRIBUTION_BINS; i++)
    plot_series_append (series, d->bin_low + i * d->bin_width, (double)counts[i] / total);
  plot_series_append (series, d->bin_low + ENG_DISTRIBUTION_BINS * d->bin_width, 0);
  return series;
}

/* The wash below the steps says nothing new: not in the table. */
static const PlotLayerKind *
wash_kind (void)
{
  static PlotLayerKind kind;

  kind = plot_layer_band;
  kind.derived = TRUE;
  return &kind;
}

static PlotSeries *
make_wash (const EngDistribution *d, const guint64 *counts)
{
  PlotSeries *series = plot_series_new ("");
  double total = (double)MAX (1, sum_of (counts));

  for (guint i = 0; i < ENG_DISTRIBUTION_BINS; i++)
    for (guint end = 0; end < 2; end++)
      plot_series_append_interval (series, d->bin_low + (i + end) * d->bin_width, NAN, 0,
                                   (double)counts[i] / total);
  return series;
}

static void
add_layer (PlotChart *chart, const PlotLayerKind *kind, PlotSeries *series, const char *title,
           int color, guint dash)
{
  PlotLayer *layer = plot_layer_new (kind, series);

  plot_layer_set_title (layer, title);
  plot_layer_set_color (layer, color);
  plot_layer_set_dash (layer, dash);
  plot_chart_add_layer (chart, layer);
  g_object_unref (series);
}

static void
add_level (PlotSeries *series, const EngGrid *grid, int code)
{
  plot_series_append (series, eng_grid_level (grid, code), NAN);
}

static void
add_grid (PlotChart *chart, const EngDistribution *d)
{
  const EngGrid *grid = &d->grid;
  PlotSeries *series = plot_series_new (_ ("grid"));
  int n = grid->high - grid->low + 1;
  double zero = grid->step != 0 ? -grid->offset / grid->step : grid->low;

  if (n <= MAX_LEVELS)
    for (int code = grid->low; code <= grid->high; code++)
      add_level (series, grid, code);
  else
    {
      add_level (series, grid, grid->low);
      if (zero > grid->low && zero < grid->high)
        add_level (series, grid, (int)rint (zero));
      add_level (series, grid, grid->high);
    }
  add_layer (chart, &plot_layer_rule, series,
             n <= MAX_LEVELS  ? d->n_grids > 1 ? _ ("levels of one of the grids") : _ ("levels")
              : d->n_grids > 1 ? _ ("ends and zero of one of the grids")
                              : _ ("ends and zero of the grid"),
             2, 2);
}

void
app_distribution_fill (PlotChart *chart, const EngDistribution *d, gboolean log_counts)
{
  const PlotUnit share = PLOT_UNIT_PERCENT, plain = PLOT_UNIT_PLAIN;
  gboolean weights = d->kind == ENG_DISTRIBUTION_WEIGHTS;
  g_auto (GStrv) title = g_strsplit (d->name, ";", 2);
  const char *before = weights ? _ ("as in the file") : _ ("as floats");
  const char *after = weights ? _ ("as packed") : _ ("as 8-bit integers");

  while (plot_chart_get_n_layers (chart) > 0)
    plot_chart_remove_layer (chart,
                             plot_chart_get_layer (chart, plot_chart_get_n_layers (chart) - 1));
  plot_chart_set_title (chart, title[0]);
  plot_axis_set_title (plot_chart_get_x_axis (chart), weights ? _ ("Weight") : _ ("Value"));
  plot_axis_set_unit (plot_chart_get_x_axis (chart), &plain);
  plot_axis_set_title (plot_chart_get_y_axis (chart), _ ("Share per bin"));
  plot_axis_set_unit (plot_chart_get_y_axis (chart), &share);
  plot_axis_set_kind (plot_chart_get_y_axis (chart), log_counts ? PLOT_AXIS_LOG : PLOT_AXIS_LINEAR);
  plot_axis_set_include_zero (plot_chart_get_y_axis (chart), !log_counts);

  add_layer (chart, wash_kind (), make_wash (d, d->counts), "", 0, 0);
  add_layer (chart, &plot_layer_step, make_steps (d, d->counts, before), before, 0, 0);
  if (d->has_rounded && !isinf (d->sqnr_db))
    add_layer (chart, &plot_layer_step, make_steps (d, d->rounded_counts, after), after, 1, 1);
  if (d->has_grid)
    add_grid (chart, d);
  plot_chart_reset_view (chart);
}

/* ---- in words ---- */

static char *
number (double value)
{
  const PlotUnit plain = PLOT_UNIT_PLAIN;
  return plot_format_value (&plain, value, 4);
}

static void
add_extent (GString *text, const EngDistribution *d)
{
  g_autofree char *min = number (d->min);
  g_autofree char *max = number (d->max);
  g_autofree char *mean = number (d->mean);
  g_autofree char *sd = number (d->sd);

  g_string_append_printf (text, _ ("%s, %s. From %s to %s, mean %s, standard deviation %s."),
                          d->format, d->source, min, max, mean, sd);
  if (d->n_not_finite > 0)
    {
      g_autofree char *count = g_strdup_printf ("%" G_GUINT64_FORMAT, d->n_not_finite);

      /* Translators: a sentence behind others, of numbers */
      g_string_append_printf (text, _ (" %s are not finite."), count);
    }
}

static void
add_steps (GString *text, const EngDistribution *d)
{
  g_autofree char *median = number (d->step_median);
  g_autofree char *low = number (d->step_p5);
  g_autofree char *high = number (d->step_p95);

  if (d->n_grids > 1)
    /* Translators: number of grids, median of their steps, 5th and 95th percentile, which one is
     * drawn */
    g_string_append_printf (text,
                            _ ("\nStep of the grid: median %s, 5–95 %% %s to %s. Drawn is %s."),
                            median, low, high, d->grid_note);
  else
    g_string_append_printf (text, _ ("\nStep of the grid: %s."), median);
}

static void
add_losses (GString *text, const EngDistribution *d)
{
  double n = (double)MAX (1, d->n - d->n_not_finite);

  g_string_append (text, "\n");
  if (isinf (d->sqnr_db))
    g_string_append (text, _ ("Nothing is rounded. "));
  else if (isfinite (d->sqnr_db))
    g_string_append_printf (text, _ ("Rounding: SQNR %.1f dB. "), d->sqnr_db);
  if (isfinite (d->clipped_frac))
    g_string_append_printf (text, _ ("Beyond the grid: %.3g %%. "), 100 * d->clipped_frac);
  /* Translators: share, number of standard deviations */
  g_string_append_printf (text, _ ("Outliers: %.2g %% beyond %d standard deviations. "),
                          100 * (double)d->n_outliers / n, ENG_OUTLIER_SD);
  if (isfinite (d->entropy_bits))
    /* Translators: what the codes say at most when they are coded without loss, and what they
     * take */
    g_string_append_printf (text, _ ("The codes hold %.2f of %u bits."), d->entropy_bits,
                            d->code_bits);
}

char *
app_distribution_dup_facts (const EngDistribution *d)
{
  GString *text = g_string_new (NULL);

  add_extent (text, d);
  if (d->has_grid)
    add_steps (text, d);
  else if (d->grid_note != NULL)
    g_string_append_printf (text, _ ("\nNo grid: %s."), d->grid_note);
  add_losses (text, d);
  return g_string_free (text, FALSE);
}
