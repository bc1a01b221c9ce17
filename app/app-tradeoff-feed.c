/* What the trade-off's chart and tables are filled with. Called by the trade-off view; what the
 * points are is the engine's eng-tradeoff.c. */
#include "app-tradeoff-feed.h"

#include "app-change.h"
#include "app-config.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#define POINTS_KEY "app-tradeoff-points"

PlotUnit
app_tradeoff_unit (EngFigureId id)
{
  static const struct
  {
    const char *unit;
    PlotUnit plot;
  } units[] = {
    { "s", { .symbol = "s", .prefix = PLOT_PREFIX_SMALL } },
    { "ms", { .symbol = "s", .prefix = PLOT_PREFIX_SMALL, .scale = 1e-3 } },
    { "µs", { .symbol = "s", .prefix = PLOT_PREFIX_SMALL, .scale = 1e-6 } },
    { "ns", { .symbol = "s", .prefix = PLOT_PREFIX_SMALL, .scale = 1e-9 } },
    { "B", { .symbol = "B", .prefix = PLOT_PREFIX_LARGE } },
    { "J", { .symbol = "J", .prefix = PLOT_PREFIX_SMALL } },
    { "mJ", { .symbol = "J", .prefix = PLOT_PREFIX_SMALL, .scale = 1e-3 } },
    { "W", { .symbol = "W", .prefix = PLOT_PREFIX_BOTH } },
  };
  const char *unit = eng_figure_id_unit (id);

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_strcmp0 (unit, units[i].unit) == 0)
      return units[i].plot;
  return (PlotUnit){ .symbol = unit != NULL ? unit : "" };
}

/* ---- Layers of points ---- */

/* How a point looks; each is a layer of its own with its own entry in the legend. */
typedef enum
{
  LOOK_BEATEN,
  LOOK_UNDECIDED,
  LOOK_DEGRADED,
  LOOK_FRONT,
  LOOK_ESTIMATE,
  N_LOOKS
} Look;

static const struct
{
  const char *title;
  PlotShape shape;
  int color;
} looks[N_LOOKS] = {
  [LOOK_BEATEN] = { N_ ("Beaten"), PLOT_SHAPE_SQUARE, 7 },
  [LOOK_UNDECIDED] = { N_ ("Undecided"), PLOT_SHAPE_DIAMOND, 0 },
  [LOOK_DEGRADED] = { N_ ("Degraded run"), PLOT_SHAPE_TRIANGLE_DOWN, 3 },
  [LOOK_FRONT] = { N_ ("On the front"), PLOT_SHAPE_CIRCLE, 0 },
  [LOOK_ESTIMATE] = { N_ ("Estimate"), PLOT_SHAPE_CIRCLE, 0 },
};

static Look
get_look (const EngTradeoffPoint *point)
{
  if (point->estimate)
    return LOOK_ESTIMATE;
  if (point->validity != ENG_RUN_VALID)
    return LOOK_DEGRADED;
  if (point->pareto == ENG_PARETO_FRONT)
    return LOOK_FRONT;
  return point->pareto == ENG_PARETO_UNDECIDED ? LOOK_UNDECIDED : LOOK_BEATEN;
}

static const char *
say_standing (const EngTradeoff *tradeoff, const EngTradeoffPoint *point)
{
  switch (point->pareto)
    {
    case ENG_PARETO_FRONT:
      return _ ("on the front");
    case ENG_PARETO_UNDECIDED:
      return _ ("undecided: within the noise of the front");
    case ENG_PARETO_DOMINATED:
      return _ ("beaten");
    case ENG_PARETO_NONE:
    default:
      return point->estimate ? _ ("estimate") : "";
    }
}

static void
add_facts (PlotSeries *series, gsize at, const EngTradeoff *tradeoff, const EngTradeoffPoint *point)
{
  g_autofree char *runs = g_strdup_printf ("%u", point->n_runs);

  plot_series_add_fact (series, at, _ ("Workload"), point->workload);
  plot_series_add_fact (series, at, _ ("Standing"), say_standing (tradeoff, point));
  if (point->beaten_by >= 0)
    {
      const EngTradeoffPoint *by = tradeoff->points->pdata[point->beaten_by];
      plot_series_add_fact (series, at, _ ("Against"), by->short_label);
    }
  if (point->n_runs > 1)
    plot_series_add_fact (series, at, _ ("Runs"), runs);
  if (!point->estimate && point->validity != ENG_RUN_VALID)
    plot_series_add_fact (series, at, _ ("Validity"), eng_validity_name (point->validity));
}

static double
known (const EngFigure *figure, double end)
{
  return figure->low < figure->high ? end : NAN; /* an exact count has no error bar */
}

static void
add_point (PlotSeries *series, GArray *points, const EngTradeoff *tradeoff, guint i)
{
  const EngTradeoffPoint *point = tradeoff->points->pdata[i];
  const EngFigure *x = &point->figures[tradeoff->x], *y = &point->figures[tradeoff->y];
  gsize at = plot_series_append_full (series, x->value, known (x, x->low), known (x, x->high),
                                      y->value, known (y, y->low), known (y, y->high));

  plot_series_set_label (series, at, point->short_label);
  plot_series_set_estimate (series, at, point->estimate);
  add_facts (series, at, tradeoff, point);
  g_array_append_val (points, i);
}

static PlotLayer *
take_layer (PlotChart *chart, const PlotLayerKind *kind, PlotSeries *series, int color)
{
  PlotLayer *layer = plot_layer_new (kind, series);

  plot_layer_set_color (layer, color);
  plot_chart_add_layer (chart, layer);
  return layer;
}

static void
add_points (PlotChart *chart, const EngTradeoff *tradeoff, Look look)
{
  g_autoptr (PlotSeries) series = plot_series_new (_ (looks[look].title));
  GArray *points = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < tradeoff->points->len; i++)
    if (get_look (tradeoff->points->pdata[i]) == look)
      add_point (series, points, tradeoff, i);
  if (points->len > 0)
    {
      PlotLayer *layer = take_layer (chart, &plot_layer_points, series, looks[look].color);

      plot_layer_set_shape (layer, looks[look].shape);
      g_object_set_data_full (G_OBJECT (layer), POINTS_KEY, points, (GDestroyNotify)g_array_unref);
    }
  else
    g_array_unref (points);
}

/* ---- Other layers ---- */

/* Brings a limit into the picture where it lies near the points; far away it would squeeze them. */
static void
reach_limit (PlotAxis *axis, const EngTradeoff *tradeoff, EngFigureId id, double limit)
{
  double min = INFINITY, max = -INFINITY;

  for (guint i = 0; i < tradeoff->points->len; i++)
    {
      double value = ((EngTradeoffPoint *)tradeoff->points->pdata[i])->figures[id].value;
      min = fmin (min, value);
      max = fmax (max, value);
    }
  double room = fmax (max - min, 0.5 * fabs (max));
  if (limit > min - room && limit < max + room)
    plot_axis_set_data_extent (axis, axis, limit, limit, limit > 0 ? limit : INFINITY);
}

static void
add_limits (PlotChart *chart, const EngTradeoff *tradeoff, const EngLimit *limits, guint n)
{
  PlotAxis *axes[] = { plot_chart_get_x_axis (chart), plot_chart_get_y_axis (chart) };

  for (guint i = 0; i < 2; i++)
    plot_axis_set_data_extent (axes[i], axes[i], INFINITY, -INFINITY, INFINITY);
  for (guint i = 0; i < n; i++)
    {
      gboolean on_x = limits[i].id == tradeoff->x;
      g_autofree char *title = eng_limit_describe (&limits[i]);
      g_autoptr (PlotSeries) series = plot_series_new (title);

      if (!on_x && limits[i].id != tradeoff->y)
        continue;
      if (on_x)
        plot_series_append (series, limits[i].value, NAN);
      else
        plot_series_append (series, 0, limits[i].value);
      reach_limit (axes[on_x ? 0 : 1], tradeoff, limits[i].id, limits[i].value);
      take_layer (chart, limits[i].at_most ? &plot_layer_limit_above : &plot_layer_limit_below,
                  series, 1);
    }
}

static void
add_front (PlotChart *chart, const EngTradeoff *tradeoff)
{
  g_autoptr (PlotSeries) series = plot_series_new (_ ("Front"));

  for (guint i = 0; i < tradeoff->front->len; i++)
    {
      const EngTradeoffPoint *point
          = tradeoff->points->pdata[g_array_index (tradeoff->front, guint, i)];
      plot_series_append (series, point->figures[tradeoff->x].value,
                          point->figures[tradeoff->y].value);
    }
  if (plot_series_get_n (series) > 0)
    plot_front_set_goals (take_layer (chart, &plot_layer_front, series, 0),
                          eng_figure_id_lower_is_better (tradeoff->x),
                          eng_figure_id_lower_is_better (tradeoff->y));
}

static void
add_best (PlotChart *chart, const EngTradeoff *tradeoff)
{
  g_autoptr (PlotSeries) series = plot_series_new (_ ("Best allowed"));
  const EngTradeoffPoint *point;

  if (tradeoff->best < 0)
    return;
  point = tradeoff->points->pdata[tradeoff->best];
  plot_series_append (series, point->figures[tradeoff->x].value, point->figures[tradeoff->y].value);
  take_layer (chart, &plot_layer_ring, series, 2);
}

static char *
dup_name (const EngTradeoffPoint *point, const char *baseline_hash, const char *current_hash)
{
  GString *name = g_string_new (point->short_label);

  if (!point->estimate && g_strcmp0 (point->build_hash, baseline_hash) == 0)
    g_string_append_printf (name, " (%s)", _ ("baseline"));
  else if (!point->estimate && g_strcmp0 (point->build_hash, current_hash) == 0)
    g_string_append_printf (name, " (%s)", _ ("now"));
  return g_string_free (name, FALSE);
}

/* The best first, then the front: where there is no room for all, others go without a name. */
static guint
get_rank (const EngTradeoff *tradeoff, guint i)
{
  const EngTradeoffPoint *point = tradeoff->points->pdata[i];

  if ((int)i == tradeoff->best)
    return 0;
  if (point->estimate)
    return 1;
  return point->pareto == ENG_PARETO_FRONT ? 2 : 3;
}

static void
add_names (PlotChart *chart, const EngTradeoff *tradeoff, const char *baseline_hash,
           const char *current_hash)
{
  g_autoptr (PlotSeries) series = plot_series_new ("");

  for (guint rank = 0; rank <= 3; rank++)
    for (guint i = 0; i < tradeoff->points->len; i++)
      {
        const EngTradeoffPoint *point = tradeoff->points->pdata[i];
        g_autofree char *name = dup_name (point, baseline_hash, current_hash);

        if (get_rank (tradeoff, i) != rank)
          continue;
        plot_series_append (series, point->figures[tradeoff->x].value,
                            point->figures[tradeoff->y].value);
        plot_series_set_label (series, plot_series_get_n (series) - 1, name);
      }
  if (plot_series_get_n (series) > 0)
    take_layer (chart, &plot_layer_labels, series, 0);
}

/* ---- Axes ---- */

#define LOG_FROM 25.0 /* times as much: closer values are read better on a linear axis */

static PlotAxisKind
choose_kind (const EngTradeoff *tradeoff, EngFigureId id)
{
  double min = INFINITY, max = -INFINITY;

  for (guint i = 0; i < tradeoff->points->len; i++)
    {
      double value = ((EngTradeoffPoint *)tradeoff->points->pdata[i])->figures[id].value;
      min = fmin (min, value);
      max = fmax (max, value);
    }
  return min > 0 && max / min >= LOG_FROM ? PLOT_AXIS_LOG : PLOT_AXIS_LINEAR;
}

static void
set_axis (PlotAxis *axis, const EngTradeoff *tradeoff, EngFigureId id)
{
  PlotUnit unit = app_tradeoff_unit (id);

  plot_axis_set_title (axis, eng_figure_id_title (id));
  plot_axis_set_unit (axis, &unit);
  plot_axis_set_kind (axis, choose_kind (tradeoff, id));
}

static PlotGoal
get_goal (EngFigureId id)
{
  return eng_figure_id_lower_is_better (id) ? PLOT_GOAL_LOWER : PLOT_GOAL_HIGHER;
}

int
app_tradeoff_feed_find_build (const EngTradeoff *tradeoff, const char *hash)
{
  for (guint i = 0; hash != NULL && i < tradeoff->points->len; i++)
    {
      const EngTradeoffPoint *point = tradeoff->points->pdata[i];
      if (!point->estimate && g_strcmp0 (point->build_hash, hash) == 0)
        return (int)i;
    }
  return -1;
}

void
app_tradeoff_feed_install (PlotChart *chart, const EngTradeoff *tradeoff, const EngLimit *limits,
                           guint n_limits, const char *baseline_hash, const char *current_hash)
{
  int baseline = app_tradeoff_feed_find_build (tradeoff, baseline_hash);
  g_autofree char *title = g_strdup_printf (_ ("%s against %s"), eng_figure_id_title (tradeoff->y),
                                            eng_figure_id_title (tradeoff->x));

  while (plot_chart_get_n_layers (chart) > 0)
    plot_chart_remove_layer (chart,
                             plot_chart_get_layer (chart, plot_chart_get_n_layers (chart) - 1));
  plot_chart_set_title (chart, title);
  set_axis (plot_chart_get_x_axis (chart), tradeoff, tradeoff->x);
  set_axis (plot_chart_get_y_axis (chart), tradeoff, tradeoff->y);
  add_limits (chart, tradeoff, limits, n_limits);
  add_front (chart, tradeoff);
  add_best (chart, tradeoff);
  for (Look look = 0; look < N_LOOKS; look++)
    add_points (chart, tradeoff, look);
  add_names (chart, tradeoff, baseline_hash, current_hash);
  if (baseline >= 0)
    {
      const EngTradeoffPoint *point = tradeoff->points->pdata[baseline];

      plot_chart_set_reference (chart, point->short_label, point->figures[tradeoff->x].value,
                                get_goal (tradeoff->x), point->figures[tradeoff->y].value,
                                get_goal (tradeoff->y));
    }
  else
    plot_chart_set_reference (chart, NULL, NAN, PLOT_GOAL_NONE, NAN, PLOT_GOAL_NONE);
}

int
app_tradeoff_feed_get_point (PlotLayer *layer, guint64 index)
{
  GArray *points = layer != NULL ? g_object_get_data (G_OBJECT (layer), POINTS_KEY) : NULL;

  return points != NULL && index < points->len ? (int)g_array_index (points, guint, index) : -1;
}

gboolean
app_tradeoff_feed_find (PlotChart *chart, int point, PlotLayer **layer, guint64 *index)
{
  for (guint l = 0; point >= 0 && l < plot_chart_get_n_layers (chart); l++)
    {
      GArray *points = g_object_get_data (G_OBJECT (plot_chart_get_layer (chart, l)), POINTS_KEY);

      for (guint i = 0; points != NULL && i < points->len; i++)
        if (g_array_index (points, guint, i) == (guint)point)
          {
            *layer = plot_chart_get_layer (chart, l);
            *index = i;
            return TRUE;
          }
    }
  return FALSE;
}

/* ---- Tables ---- */

enum
{
  COLUMN_RECIPE,
  COLUMN_X,
  COLUMN_X_LOW,
  COLUMN_X_HIGH,
  COLUMN_Y,
  COLUMN_Y_LOW,
  COLUMN_Y_HIGH,
  COLUMN_X_CHANGE,
  COLUMN_Y_CHANGE,
  COLUMN_STANDING,
  COLUMN_LIMITS,
  COLUMN_VALIDITY,
  COLUMN_WORKLOAD,
  COLUMN_DEVICE,
  COLUMN_WHY,
};

static void
add_columns (PlotTable *table, const EngTradeoff *tradeoff)
{
  EngFigureId ids[] = { tradeoff->x, tradeoff->y };

  plot_table_add_column (table, _ ("Recipe"), NULL);
  for (guint i = 0; i < 2; i++)
    {
      PlotUnit unit = app_tradeoff_unit (ids[i]);

      plot_table_add_column (table, eng_figure_id_title (ids[i]), &unit);
      plot_table_add_column (table, _ ("at least"), &unit);
      plot_table_add_column (table, _ ("at most"), &unit);
    }
  plot_table_add_column (table, _ ("Change across"), NULL);
  plot_table_add_column (table, _ ("Change upwards"), NULL);
  plot_table_add_column (table, _ ("Standing"), NULL);
  plot_table_add_column (table, _ ("Limits"), NULL);
  plot_table_add_column (table, _ ("Validity"), NULL);
  plot_table_add_column (table, _ ("Workload"), NULL);
  plot_table_add_column (table, _ ("Device"), NULL);
  plot_table_add_column (table, _ ("Not shown because"), NULL);
}

static void
set_figure (PlotTable *table, guint row, guint column, const EngFigure *figure)
{
  if (!figure->available)
    return;
  plot_table_set_number (table, row, column, figure->value);
  plot_table_set_number (table, row, column + 1, known (figure, figure->low));
  plot_table_set_number (table, row, column + 2, known (figure, figure->high));
}

static void
set_change (PlotTable *table, guint row, guint column, const EngTradeoffPoint *from,
            const EngTradeoffPoint *to, EngFigureId id)
{
  AppChange change;
  g_autofree char *text = NULL;

  if (from == NULL || from == to || !to->figures[id].available)
    return;
  change = app_change (&from->figures[id], &to->figures[id], eng_figure_id_lower_is_better (id));
  text = app_change_format (&change);
  plot_table_set_text (table, row, column, text);
}

static void
add_row (PlotTable *table, const EngTradeoff *tradeoff, const EngTradeoffPoint *point,
         gboolean best, const EngTradeoffPoint *baseline)
{
  const char *const allowed[] = { _ ("not known"), _ ("outside"), _ ("crossed"), _ ("within") };
  guint row = plot_table_add_row (table);

  plot_table_set_text (table, row, COLUMN_RECIPE, point->label);
  set_figure (table, row, COLUMN_X, &point->figures[tradeoff->x]);
  set_figure (table, row, COLUMN_Y, &point->figures[tradeoff->y]);
  set_change (table, row, COLUMN_X_CHANGE, baseline, point, tradeoff->x);
  set_change (table, row, COLUMN_Y_CHANGE, baseline, point, tradeoff->y);
  plot_table_set_text (table, row, COLUMN_VALIDITY,
                       point->estimate ? _ ("estimate") : eng_validity_name (point->validity));
  plot_table_set_text (table, row, COLUMN_WORKLOAD, point->workload);
  plot_table_set_text (table, row, COLUMN_DEVICE, point->device);
  plot_table_set_text (table, row, COLUMN_WHY, point->missing);
  if (point->missing != NULL)
    return;
  plot_table_set_text (table, row, COLUMN_STANDING,
                       best ? _ ("best allowed") : say_standing (tradeoff, point));
  plot_table_set_text (table, row, COLUMN_LIMITS,
                       tradeoff->sentence != NULL ? allowed[point->allowed] : "");
}

PlotTable *
app_tradeoff_make_table (const EngTradeoff *tradeoff, int baseline)
{
  PlotTable *table = plot_table_new (_ ("Trade-off"));
  const EngTradeoffPoint *from = baseline >= 0 ? tradeoff->points->pdata[baseline] : NULL;

  add_columns (table, tradeoff);
  for (guint i = 0; i < tradeoff->points->len; i++)
    add_row (table, tradeoff, tradeoff->points->pdata[i], (int)i == tradeoff->best, from);
  for (guint i = 0; i < tradeoff->missing->len; i++)
    add_row (table, tradeoff, tradeoff->missing->pdata[i], FALSE, from);
  return table;
}

PlotTable *
app_tradeoff_make_details (const EngTradeoff *tradeoff, int point, int baseline)
{
  const EngTradeoffPoint *p = tradeoff->points->pdata[point];
  const EngTradeoffPoint *from = baseline >= 0 ? tradeoff->points->pdata[baseline] : NULL;
  PlotTable *table = plot_table_new (p->label);

  plot_table_add_column (table, _ ("Figure"), NULL);
  plot_table_add_column (table, _ ("Value"), NULL);
  plot_table_add_column (table, _ ("95 % interval"), NULL);
  plot_table_add_column (table, _ ("Baseline"), NULL);
  plot_table_add_column (table, _ ("Change"), NULL);
  plot_table_add_column (table, _ ("Verdict"), NULL);
  for (guint k = 0; k < ENG_N_FIGURES + 2; k++)
    {
      /* The two that are drawn first. */
      EngFigureId id = k == 0 ? tradeoff->x : k == 1 ? tradeoff->y : (EngFigureId)(k - 2);
      const EngFigure *figure = &p->figures[id];
      g_autofree char *value = NULL;
      g_autofree char *interval = NULL;

      if (!figure->available || (k >= 2 && (id == tradeoff->x || id == tradeoff->y))
          || (k == 1 && tradeoff->x == tradeoff->y))
        continue;
      guint row = plot_table_add_row (table);
      value = eng_format_value (figure->value, eng_figure_id_unit (id));
      interval = app_figure_interval (figure);
      plot_table_set_text (table, row, 0, eng_figure_id_title (id));
      plot_table_set_text (table, row, 1, value);
      plot_table_set_text (table, row, 2, interval);
      if (from != NULL && from != p && from->figures[id].available)
        {
          AppChange change
              = app_change (&from->figures[id], figure, eng_figure_id_lower_is_better (id));
          g_autofree char *before
              = eng_format_value (from->figures[id].value, eng_figure_id_unit (id));
          g_autofree char *by = app_change_format (&change);

          plot_table_set_text (table, row, 3, before);
          plot_table_set_text (table, row, 4, by);
          plot_table_set_text (table, row, 5, app_change_words (&change));
        }
    }
  return table;
}
