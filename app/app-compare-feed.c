/* From a comparison to items, series and cells. Called by the compare view; draws nothing. */
#include "app-compare-feed.h"

#include "app-compare-names.h"
#include "app-config.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

typedef struct
{
  guint row;
  int parent; /* item */
  char *name, *label;
} Item;

struct _AppCompareFeed
{
  EngComparison *comparison;
  AppCompareOptions options;
  GArray *items; /* Item */
  guint n_hidden;
  gsize common_path;
  int home; /* the run of the model that is open, -1: none */
};

/* ---- Items ---- */

static void
item_clear (gpointer data)
{
  g_free (((Item *)data)->name);
  g_free (((Item *)data)->label);
}

char *
app_compare_letter (guint run)
{
  return run < 26 ? g_strdup_printf ("%c", 'A' + (int)run) : g_strdup_printf ("#%u", run + 1);
}

int
app_compare_color (guint run, guint n_runs)
{
  if (n_runs == 2)
    return (int)run - 1; /* the first stands behind the second, as a baseline does everywhere */
  return (int)run;
}

/* "A, C": the runs that did not execute the row; NULL when all did, or when it is not known of
 * any. */
static char *
dup_missing (EngComparison *comparison, guint row)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint r = 0; r < eng_comparison_get_n_runs (comparison); r++)
    if (!eng_comparison_is_executed (comparison, row, r)
        && eng_comparison_get_withheld (comparison, r, ENG_ASPECT_LAYERS) == NULL)
      {
        g_autofree char *letter = app_compare_letter (r);

        g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", letter);
      }
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

/* What the numbers do not say: who did not execute it, and who has it fused. */
static char *
dup_remarks (EngComparison *comparison, guint row)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *missing = dup_missing (comparison, row);

  if (missing != NULL)
    /* Translators: letters of runs */
    g_string_append_printf (text, _ ("not executed in %s"), missing);
  for (guint r = 0; r < eng_comparison_get_n_runs (comparison); r++)
    {
      g_autofree char *note = eng_comparison_dup_note (comparison, row, r);
      g_autofree char *letter = app_compare_letter (r);

      if (note != NULL)
        g_string_append_printf (text, "%s%s: %s", text->len > 0 ? "; " : "", letter, note);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
add_item (AppCompareFeed *self, guint row, int parent)
{
  const EngCompareRow *info = eng_comparison_get_row (self->comparison, row);
  g_autofree char *remarks = dup_remarks (self->comparison, row);
  GString *name = g_string_new (info->name);
  Item item = { .row = row,
                .parent = parent,
                .label = app_compare_dup_row_label (info, self->common_path) };

  if (*info->op != '\0')
    g_string_append_printf (name, " (%s)", info->op);
  if (*remarks != '\0')
    g_string_append_printf (name, " · %s", remarks);
  item.name = g_string_free (name, FALSE);
  g_array_append_val (self->items, item);
}

static double
row_change (AppCompareFeed *self, guint row)
{
  double change;

  if (self->options.metric != APP_COMPARE_OVERVIEW)
    return eng_comparison_get_row_change (self->comparison, row, self->options.metric);
  change = eng_comparison_get_row_change (self->comparison, row, ENG_LAYER_METRIC_LATENCY);
  return change > 0
             ? change
             : eng_comparison_get_row_change (self->comparison, row, ENG_LAYER_METRIC_WEIGHTS);
}

typedef struct
{
  guint row, place;
  double change;
} Layer;

static int
compare_layers (gconstpointer a, gconstpointer b)
{
  const Layer *x = a, *y = b;

  if (x->change != y->change)
    return x->change > y->change ? -1 : 1;
  return x->place < y->place ? -1 : x->place > y->place;
}

/* A layer that only some runs executed has no change and is never hidden: that it is missing is a
 * difference. */
static gboolean
is_hidden (AppCompareFeed *self, guint row, double change)
{
  g_autofree char *missing = dup_missing (self->comparison, row);

  return change < self->options.threshold && missing == NULL;
}

static void
make_items (AppCompareFeed *self)
{
  guint n = eng_comparison_get_n_rows (self->comparison);
  g_autoptr (GArray) layers = g_array_new (FALSE, FALSE, sizeof (Layer));

  for (guint row = 0; row < n; row++)
    {
      Layer layer = { row, row, 0 };

      if (eng_comparison_get_row (self->comparison, row)->depth > 0)
        continue;
      layer.change = row_change (self, row);
      if (is_hidden (self, row, layer.change))
        self->n_hidden++;
      else
        g_array_append_val (layers, layer);
    }
  if (self->options.sorted)
    g_array_sort (layers, compare_layers);
  for (guint i = 0; i < layers->len; i++)
    {
      guint row = g_array_index (layers, Layer, i).row;
      int parent = (int)self->items->len;

      add_item (self, row, -1);
      for (row++; row < n && eng_comparison_get_row (self->comparison, row)->depth > 0; row++)
        add_item (self, row, parent);
    }
}

AppCompareFeed *
app_compare_feed_new (EngComparison *comparison, const AppCompareOptions *options,
                      const char *model_hash)
{
  AppCompareFeed *self = g_new0 (AppCompareFeed, 1);

  self->comparison = eng_comparison_ref (comparison);
  self->options = *options;
  self->home = -1;
  self->common_path = app_compare_common_path (comparison);
  self->items = g_array_new (FALSE, FALSE, sizeof (Item));
  g_array_set_clear_func (self->items, item_clear);
  for (guint r = 0; r < eng_comparison_get_n_runs (comparison); r++)
    if (g_strcmp0 (eng_run_get_model_hash (eng_comparison_get_run (comparison, r)), model_hash)
        == 0)
      self->home = (int)r; /* the last: what is shown in the other views stands there */
  make_items (self);
  return self;
}

void
app_compare_feed_free (AppCompareFeed *self)
{
  if (self == NULL)
    return;
  eng_comparison_unref (self->comparison);
  g_array_unref (self->items);
  g_free (self);
}

guint
app_compare_feed_get_n_hidden (AppCompareFeed *self)
{
  return self->n_hidden;
}

/* ---- The selection ---- */

gboolean
app_compare_feed_lookup (AppCompareFeed *self, guint item, int *layer, const char **node)
{
  guint row = g_array_index (self->items, Item, item).row, n = 0;
  EngProfile *profile;
  const guint *nodes;

  g_return_val_if_fail (item < self->items->len, FALSE);

  if (self->home < 0)
    return FALSE;
  profile = eng_run_get_profile (eng_comparison_get_run (self->comparison, (guint)self->home));
  nodes = eng_comparison_get_nodes (self->comparison, row, (guint)self->home, &n);
  if (n == 0)
    return FALSE;
  *layer = eng_profile_get_node_layer (profile, nodes[0]);
  *node = eng_comparison_get_row (self->comparison, row)->depth > 0
              ? eng_profile_get_node_name (profile, nodes[0])
              : NULL;
  return TRUE;
}

int
app_compare_feed_find (AppCompareFeed *self, int layer, const char *node)
{
  int of_layer = -1;

  for (guint i = 0; self->home >= 0 && i < self->items->len; i++)
    {
      guint row = g_array_index (self->items, Item, i).row, n;
      EngProfile *profile
          = eng_run_get_profile (eng_comparison_get_run (self->comparison, (guint)self->home));
      const guint *nodes = eng_comparison_get_nodes (self->comparison, row, (guint)self->home, &n);
      gboolean whole = eng_comparison_get_row (self->comparison, row)->depth == 0;

      for (guint k = 0; k < n; k++)
        {
          if (whole && of_layer < 0 && eng_profile_get_node_layer (profile, nodes[k]) == layer)
            of_layer = (int)i;
          if (!whole && node != NULL
              && g_str_equal (eng_profile_get_node_name (profile, nodes[k]), node))
            return (int)i;
        }
    }
  return of_layer;
}

/* ---- Lanes ---- */

typedef struct
{
  PlotLanes *lanes;
  double *value, *low, *high;
} Target;

static void
fill_values (AppCompareFeed *self, const Target *to, guint lane, guint series, guint run,
             EngLayerMetric metric)
{
  g_autofree guint8 *states = g_malloc (self->items->len + 1);

  memset (states, app_compare_state (metric), self->items->len);
  for (guint i = 0; i < self->items->len; i++)
    {
      EngFigure figure
          = eng_comparison_get_value (self->comparison, g_array_index (self->items, Item, i).row,
                                      run, metric);
      gboolean sampled = figure.available && figure.n > 0;

      to->value[i] = figure.available ? figure.value : NAN;
      to->low[i] = sampled ? figure.low : NAN;
      to->high[i] = sampled ? figure.high : NAN;
    }
  plot_lanes_set_values (to->lanes, lane, series, 0, self->items->len, to->value, to->low, to->high,
                         states);
}

/* Why there is nothing in a lane: the reason of the newest run's first layer. */
static void
set_note (AppCompareFeed *self, PlotLanes *lanes, guint lane, EngLayerMetric metric)
{
  EngFigure figure;

  if (self->items->len == 0)
    return;
  figure = eng_comparison_get_value (self->comparison, g_array_index (self->items, Item, 0).row,
                                     eng_comparison_get_n_runs (self->comparison) - 1, metric);
  if (!figure.available && figure.reason != NULL)
    plot_lanes_set_lane_note (lanes, lane, _ (figure.reason));
}

static void
add_values (AppCompareFeed *self, const Target *to, EngLayerMetric metric)
{
  guint n_runs = eng_comparison_get_n_runs (self->comparison);
  guint lane = plot_lanes_add_lane (to->lanes,
                                    &(PlotLaneInfo){
                                        .title = _ (eng_layer_metric_title (metric)),
                                        .interval = "95 %",
                                        .unit = app_compare_unit (self->comparison, metric),
                                        .total = n_runs == 2 && eng_layer_metric_adds_up (metric)
                                                     ? PLOT_TOTAL_SUM
                                                     : PLOT_TOTAL_NONE,
                                        .flags = eng_layer_metric_lower_is_better (metric)
                                                     ? PLOT_LANE_LOWER_IS_BETTER
                                                     : PLOT_LANE_HIGHER_IS_BETTER });

  set_note (self, to->lanes, lane, metric);
  if (n_runs == 2)
    {
      guint after
          = plot_lanes_add_series (to->lanes, lane,
                                   &(PlotLaneSeriesInfo){ .name = "B", .role = PLOT_ROLE_BAR });
      guint before
          = plot_lanes_add_series (to->lanes, lane,
                                   &(PlotLaneSeriesInfo){
                                       .name = "A", .role = PLOT_ROLE_BASELINE, .of = after });

      fill_values (self, to, lane, after, 1, metric);
      fill_values (self, to, lane, before, 0, metric);
      return;
    }
  for (guint r = 0; r < MIN (n_runs, APP_COMPARE_MAX_BARS); r++)
    {
      g_autofree char *letter = app_compare_letter (r);
      guint series = plot_lanes_add_series (to->lanes, lane,
                                            &(PlotLaneSeriesInfo){
                                                .name = letter,
                                                .role = PLOT_ROLE_BAR,
                                                .color = r,
                                                .pattern = (PlotPattern)(r % PLOT_N_PATTERNS) });

      fill_values (self, to, lane, series, r, metric);
    }
}

/* Why nothing of @metric is compared with the first run; NULL where something is. */
static const char *
withheld_everywhere (AppCompareFeed *self, EngLayerMetric metric)
{
  const char *reason = NULL;

  for (guint r = 1; r < eng_comparison_get_n_runs (self->comparison); r++)
    {
      const char *why
          = eng_comparison_get_withheld (self->comparison, r, eng_layer_metric_aspect (metric));

      if (why == NULL)
        return NULL;
      reason = why;
    }
  return reason;
}

/* Operators, which are closed at first, may change by far more than layers do: they do not stretch
 * the lane. */
static double
limit_of_layers (AppCompareFeed *self, const Target *to)
{
  g_autofree double *value = g_new (double, self->items->len + 1);
  g_autofree double *high = g_new (double, self->items->len + 1);
  guint n = 0;

  for (guint i = 0; i < self->items->len; i++)
    if (g_array_index (self->items, Item, i).parent < 0)
      {
        value[n] = to->value[i];
        high[n++] = to->high[i];
      }
  return app_compare_limit (value, high, n);
}

/* Devices may be thousands of times apart, which nobody reads in per cent: from ten times on the
 * lane tells times. */
static gboolean
is_told_in_times (AppCompareFeed *self, EngLayerMetric metric)
{
  guint n_runs = MIN (eng_comparison_get_n_runs (self->comparison), APP_COMPARE_MAX_BARS);

  for (guint r = 1; r < n_runs; r++)
    for (guint i = 0; i < self->items->len; i++)
      {
        const Item *item = &g_array_index (self->items, Item, i);
        if (item->parent < 0
            && eng_comparison_get_change (self->comparison, item->row, r, metric).frac >= 9)
          return TRUE;
      }
  return FALSE;
}

static void
add_changes (AppCompareFeed *self, const Target *to, EngLayerMetric metric)
{
  gboolean times = is_told_in_times (self, metric);
  double base = times ? 1 : 0;
  guint n_runs = eng_comparison_get_n_runs (self->comparison);
  const char *reason = withheld_everywhere (self, metric);
  guint lane
      = plot_lanes_add_lane (to->lanes,
                             &(PlotLaneInfo){ .title = times ? _ ("Times A") : _ ("Change since A"),
                                              .interval = "95 %",
                                              .unit = times ? (PlotUnit){ .symbol = "\u00d7" }
                                                            : PLOT_UNIT_PERCENT,
                                              .height = 0.8 });

  double limit = 0;

  if (reason != NULL)
    plot_lanes_set_lane_note (to->lanes, lane, _ (reason));
  for (guint r = 1; r < MIN (n_runs, APP_COMPARE_MAX_BARS); r++)
    {
      g_autofree char *letter = app_compare_letter (r);
      guint series
          = plot_lanes_add_series (to->lanes, lane,
                                   &(PlotLaneSeriesInfo){
                                       .name = letter,
                                       .role = PLOT_ROLE_POINT,
                                       .color = n_runs == 2 ? 3 : r,
                                       .shape = n_runs == 2 ? PLOT_SHAPE_DIAMOND
                                                            : (PlotShape)(r % PLOT_N_SHAPES) });

      for (guint i = 0; i < self->items->len; i++)
        {
          EngChange change
              = eng_comparison_get_change (self->comparison,
                                           g_array_index (self->items, Item, i).row, r, metric);

          to->value[i] = base + change.frac;
          to->low[i] = base + change.low;
          to->high[i] = base + change.high;
        }
      limit = fmax (limit, limit_of_layers (self, to));
      plot_lanes_set_values (to->lanes, lane, series, 0, self->items->len, to->value, to->low,
                             to->high, NULL);
    }
  if (limit > 0)
    plot_lanes_set_lane_limit (to->lanes, lane, limit);
}

static void
install_items (AppCompareFeed *self, PlotLanes *lanes)
{
  g_autofree PlotItem *items = g_new0 (PlotItem, self->items->len + 1);

  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = &g_array_index (self->items, Item, i);

      items[i] = (PlotItem){ .name = item->name, .label = item->label, .parent = item->parent };
    }
  plot_lanes_set_items (lanes, items, self->items->len);
}

void
app_compare_feed_install (AppCompareFeed *self, PlotLanes *lanes)
{
  guint n = self->items->len + 1;
  g_autofree double *value = g_new (double, n), *low = g_new (double, n), *high = g_new (double, n);
  Target to = { lanes, value, low, high };

  plot_lanes_clear_lanes (lanes);
  install_items (self, lanes);
  g_object_set (lanes, "baseline-name", "A", NULL);
  if (self->options.metric == APP_COMPARE_OVERVIEW)
    {
      add_values (self, &to, ENG_LAYER_METRIC_LATENCY);
      add_changes (self, &to, ENG_LAYER_METRIC_LATENCY);
      add_values (self, &to, ENG_LAYER_METRIC_WEIGHTS);
      return;
    }
  add_values (self, &to, self->options.metric);
  add_changes (self, &to, self->options.metric);
}

/* ---- The table ---- */

static void
add_columns (PlotTable *table, EngComparison *comparison, EngLayerMetric metric)
{
  PlotUnit unit = app_compare_unit (comparison, metric), percent = PLOT_UNIT_PERCENT;

  for (guint r = 0; r < eng_comparison_get_n_runs (comparison); r++)
    {
      g_autofree char *letter = app_compare_letter (r);
      /* Translators: a quantity and the letter of a run: "Latency B" */
      g_autofree char *value
          = g_strdup_printf (_ ("%s %s"), _ (eng_layer_metric_title (metric)), letter);
      g_autofree char *change = g_strdup_printf (_ ("%s against A"), letter);
      g_autofree char *low = g_strdup_printf (_ ("%s at least"), letter);
      g_autofree char *high = g_strdup_printf (_ ("%s at most"), letter);
      g_autofree char *verdict = g_strdup_printf (_ ("%s is"), letter);

      plot_table_add_column (table, value, &unit);
      if (r == 0)
        continue;
      plot_table_add_column (table, change, &percent);
      plot_table_add_column (table, low, &percent);
      plot_table_add_column (table, high, &percent);
      plot_table_add_column (table, verdict, NULL);
    }
}

static const char *
verdict_words (const EngChange *change)
{
  switch (change->verdict)
    {
    case ENG_CHANGE_BETTER:
      return _ ("better");
    case ENG_CHANGE_WORSE:
      return _ ("worse");
    case ENG_CHANGE_SAME:
      return "≈";
    case ENG_CHANGE_NONE:
    default:
      return change->reason != NULL ? _ (change->reason) : "";
    }
}

/* Returns the next column. */
static guint
fill_cells (PlotTable *table, EngComparison *comparison, guint row, guint line,
            EngLayerMetric metric, guint column)
{
  for (guint r = 0; r < eng_comparison_get_n_runs (comparison); r++)
    {
      EngFigure figure = eng_comparison_get_value (comparison, row, r, metric);
      EngChange change = eng_comparison_get_change (comparison, row, r, metric);

      plot_table_set_number (table, line, column++, figure.available ? figure.value : NAN);
      if (r == 0)
        continue;
      plot_table_set_number (table, line, column++, change.frac);
      plot_table_set_number (table, line, column++, change.low);
      plot_table_set_number (table, line, column++, change.high);
      plot_table_set_text (table, line, column++, verdict_words (&change));
    }
  return column;
}

/* What all names begin with says nothing in a column, either. */
static gsize
skip_path (AppCompareFeed *self, const char *name)
{
  return self->common_path > 0 && strchr (name, '/') != NULL ? self->common_path : 0;
}

PlotTable *
app_compare_feed_make_table (AppCompareFeed *self)
{
  static const EngLayerMetric overview[] = { ENG_LAYER_METRIC_LATENCY, ENG_LAYER_METRIC_WEIGHTS };
  PlotTable *table = plot_table_new (_ ("Comparison"));
  guint n_metrics = self->options.metric == APP_COMPARE_OVERVIEW ? G_N_ELEMENTS (overview) : 1;
  guint remarks;

  plot_table_add_column (table, _ ("Layer"), NULL);
  for (guint m = 0; m < n_metrics; m++)
    add_columns (table, self->comparison, n_metrics > 1 ? overview[m] : self->options.metric);
  remarks = plot_table_add_column (table, _ ("Remarks"), NULL);
  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = &g_array_index (self->items, Item, i);
      const EngCompareRow *info = eng_comparison_get_row (self->comparison, item->row);
      g_autofree char *text = NULL;
      guint line, column = 1;

      if (info->depth > 0)
        continue;
      text = dup_remarks (self->comparison, item->row);
      line = plot_table_add_row (table);
      plot_table_set_text (table, line, 0, info->name + skip_path (self, info->name));
      plot_table_set_text (table, line, remarks, text);
      for (guint m = 0; m < n_metrics; m++)
        column = fill_cells (table, self->comparison, item->row, line,
                             n_metrics > 1 ? overview[m] : self->options.metric, column);
    }
  return table;
}
