/* Fills the roofline's chart from the engine's rooflines. Called by the roofline view; knows
 * neither widgets nor where the profile came from. */
#include "app-roofline-feed.h"

#include "app-config.h"
#include "app-layers.h"
#include "app-names.h"

#include <glib/gi18n.h>
#include <math.h>

/* What a point stands for. */
typedef struct
{
  int layer;
  int node; /* -1: the layer as a whole */
} Item;

typedef struct
{
  PlotLayer *points, *trail;
  PlotSeries *points_series, *trail_series;
  GArray *items; /* Item of each point */
  EngRoofline *roofline, *before;
  gboolean wanted;
} Phase;

struct _AppRooflineFeed
{
  PlotChart *chart;
  PlotLayer *roofs;
  Phase phases[RT_N_PHASES];
  EngModel *model;
  EngProfile *profile;
  gboolean operators, expected;
};

static const PlotUnit unit_ops_per_s = { "op/s", PLOT_PREFIX_LARGE, 0, NULL, NULL };
static const PlotUnit unit_ops = { "op", PLOT_PREFIX_LARGE, 0, NULL, NULL };
static const PlotUnit unit_bytes = { "B", PLOT_PREFIX_LARGE, 0, NULL, NULL };
static const PlotUnit unit_bytes_per_s = { "B/s", PLOT_PREFIX_LARGE, 0, NULL, NULL };
static const PlotUnit unit_ms = { "s", PLOT_PREFIX_SMALL, 1e-3, NULL, NULL };
static const PlotUnit unit_share = { "%", PLOT_PREFIX_NONE, 100, NULL, NULL };

/* Phases differ by shape and by colour. */
static const struct
{
  const char *title;
  PlotShape shape;
  int color;
} looks[RT_N_PHASES] = { [RT_PHASE_PREFILL] = { N_ ("Prefill"), PLOT_SHAPE_SQUARE, 1 },
                         [RT_PHASE_DECODE] = { N_ ("Decode"), PLOT_SHAPE_CIRCLE, 0 },
                         [RT_PHASE_INFERENCE] = { N_ ("Inference"), PLOT_SHAPE_CIRCLE, 0 } };

/* ---- Layers of the chart ---- */

static PlotLayer *
add_layer (AppRooflineFeed *self, const PlotLayerKind *kind, PlotSeries *series, int phase)
{
  PlotLayer *layer = plot_layer_new (kind, series);

  plot_layer_set_color (layer, looks[phase].color);
  plot_layer_set_shape (layer, looks[phase].shape);
  plot_layer_set_visible (layer, FALSE);
  plot_chart_add_layer (self->chart, layer);
  return layer;
}

AppRooflineFeed *
app_roofline_feed_new (PlotChart *chart)
{
  AppRooflineFeed *self = g_new0 (AppRooflineFeed, 1);

  self->chart = chart;
  self->roofs = plot_roof_layer_new ();
  plot_layer_set_title (self->roofs, _ ("Measured roofs"));
  plot_chart_add_layer (chart, self->roofs);
  for (int p = 0; p < RT_N_PHASES; p++)
    {
      Phase *phase = &self->phases[p];

      phase->items = g_array_new (FALSE, FALSE, sizeof (Item));
      phase->wanted = TRUE;
      phase->trail_series = plot_series_new ("");
      phase->trail = add_layer (self, &plot_layer_trail, phase->trail_series, p);
      plot_layer_set_title (phase->trail, "");
    }
  /* Points above all trails. */
  for (int p = 0; p < RT_N_PHASES; p++)
    {
      Phase *phase = &self->phases[p];

      phase->points_series = plot_series_new (_ (looks[p].title));
      phase->points = add_layer (self, &plot_layer_points, phase->points_series, p);
    }
  return self;
}

void
app_roofline_feed_free (AppRooflineFeed *self)
{
  if (self == NULL)
    return;
  for (int p = 0; p < RT_N_PHASES; p++)
    {
      Phase *phase = &self->phases[p];

      g_array_unref (phase->items);
      g_object_unref (phase->points_series);
      g_object_unref (phase->trail_series);
      g_clear_pointer (&phase->roofline, eng_roofline_free);
      g_clear_pointer (&phase->before, eng_roofline_free);
    }
  g_clear_pointer (&self->profile, eng_profile_unref);
  g_clear_object (&self->model);
  g_free (self);
}

/* ---- Roofs ---- */

static void
add_roof (AppRooflineFeed *self, const char *name, const PlotUnit *unit, double value,
          gboolean slope)
{
  g_autofree char *text = plot_format_value (unit, value, 3);
  g_autofree char *label = g_strdup_printf ("%s %s", name, text);

  if (!(value > 0))
    return;
  if (slope)
    plot_roof_layer_add_slope (self->roofs, label, value);
  else
    plot_roof_layer_add_level (self->roofs, label, value);
}

static void
show_roofs (AppRooflineFeed *self, const EngRoof *roof)
{
  plot_roof_layer_clear (self->roofs);
  plot_layer_set_visible (self->roofs, roof != NULL);
  if (roof == NULL)
    return;
  for (guint i = 0; i < roof->n_levels; i++)
    add_roof (self, roof->levels[i].name, &unit_bytes_per_s, roof->levels[i].read.value, TRUE);
  if (roof->n_levels == 0)
    add_roof (self, _ ("DRAM"), &unit_bytes_per_s, roof->read_bytes_per_s, TRUE);
  add_roof (self, "f32", &unit_ops_per_s, roof->f32_flops, FALSE);
  add_roof (self, "int8", &unit_ops_per_s, roof->int8_ops, FALSE);
}

/* ---- Points ---- */

static const char *
bound_title (EngBound bound)
{
  switch (bound)
    {
    case ENG_BOUND_MEMORY:
      return _ ("memory");
    case ENG_BOUND_ARITHMETIC:
      return _ ("arithmetic");
    case ENG_BOUND_OVERHEAD:
      return _ ("neither: overhead");
    case ENG_BOUND_UNKNOWN:
    default:
      return _ ("unknown");
    }
}

static char *
dup_bound (const EngRoof *roof, const EngRooflinePoint *point)
{
  if (point->bound == ENG_BOUND_MEMORY && roof != NULL)
    /* Translators: what a layer waits for, and the level it comes from: "memory (L2)" */
    return g_strdup_printf (_ ("memory (%s)"), eng_roof_level_name (roof, point->level));
  if (point->bound == ENG_BOUND_ARITHMETIC)
    return g_strdup_printf (_ ("arithmetic (%s)"), eng_arithmetic_name (point->arithmetic));
  return g_strdup (bound_title (point->bound));
}

/* One word, for a column: the level, the kind of arithmetic, or neither. */
static const char *
short_bound (const EngRoof *roof, const EngRooflinePoint *point)
{
  if (point->bound == ENG_BOUND_MEMORY && roof != NULL)
    return eng_roof_level_name (roof, point->level);
  if (point->bound == ENG_BOUND_ARITHMETIC)
    return eng_arithmetic_name (point->arithmetic);
  return point->bound == ENG_BOUND_OVERHEAD ? _ ("overhead") : _ ("unknown");
}

static void
add_fact (PlotSeries *series, gsize i, const char *name, const PlotUnit *unit, double value)
{
  g_autofree char *text = plot_format_value (unit, value, 3);

  if (!isnan (value))
    plot_series_add_fact (series, i, name, text);
}

static void
add_facts (PlotSeries *series, gsize i, const EngRoof *roof, const EngRooflinePoint *point,
           const char *op)
{
  g_autofree char *bound = dup_bound (roof, point);

  if (op != NULL)
    plot_series_add_fact (series, i, _ ("Operator"), op);
  add_fact (series, i, _ ("Operations"), &unit_ops, point->ops);
  add_fact (series, i, _ ("Bytes moved"), &unit_bytes, point->bytes);
  add_fact (series, i, _ ("Time"), &unit_ms, point->time.value);
  if (roof == NULL)
    return;
  plot_series_add_fact (series, i, _ ("Bound by"), bound);
  add_fact (series, i, _ ("Least time"), &unit_ms, point->roof_ms);
  add_fact (series, i, _ ("Share of the roof"), &unit_share, point->share);
  add_fact (series, i, _ ("Lost against it"), &unit_ms, point->lost_ms);
}

/* Where the same layer or operator was; NULL: nowhere. */
static const EngRooflinePoint *
find_before (EngRoofline *before, const Item *item, const char *name)
{
  EngProfile *profile;

  if (before == NULL)
    return NULL;
  profile = eng_roofline_get_profile (before);
  if (item->node < 0)
    return item->layer <= eng_profile_get_n_layers (profile)
               ? eng_roofline_get_layer (before, item->layer)
               : NULL;
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    if (g_strcmp0 (eng_profile_get_node_name (profile, i), name) == 0)
      return eng_roofline_get_node (before, i);
  return NULL;
}

static void
add_point (AppRooflineFeed *self, Phase *phase, Item item, const EngRooflinePoint *point,
           const char *name, const char *op)
{
  const EngRooflinePoint *before = find_before (phase->before, &item, name);
  g_autofree char *title = NULL;
  gsize i;

  if (!point->speed.available || !(point->intensity > 0))
    return; /* nothing is computed: in the table only */
  i = plot_series_append_full (phase->points_series, point->intensity, NAN, NAN, point->speed.value,
                               point->speed.low, point->speed.high);
  title = item.node < 0 ? app_layers_dup_title (self->model, item.layer) : g_strdup (name);
  plot_series_set_label (phase->points_series, i, title);
  plot_series_set_estimate (phase->points_series, i, self->expected);
  add_facts (phase->points_series, i, eng_roofline_get_roof (phase->roofline), point, op);
  g_array_append_val (phase->items, item);
  if (before != NULL && before->speed.available && before->intensity > 0)
    plot_series_append_full (phase->trail_series, point->intensity, before->intensity, NAN,
                             point->speed.value, before->speed.value, NAN);
}

static void
fill_phase (AppRooflineFeed *self, Phase *phase)
{
  EngProfile *profile = self->profile;

  plot_series_clear (phase->points_series);
  plot_series_clear (phase->trail_series);
  g_array_set_size (phase->items, 0);
  if (phase->roofline == NULL || !eng_roofline_is_measured (phase->roofline))
    return;
  if (self->operators)
    for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
      add_point (self, phase, (Item){ eng_profile_get_node_layer (profile, i), (int)i },
                 eng_roofline_get_node (phase->roofline, i), eng_profile_get_node_name (profile, i),
                 eng_profile_get_node_op (profile, i));
  else
    for (int layer = -1; layer <= eng_profile_get_n_layers (profile); layer++)
      add_point (self, phase, (Item){ layer, -1 }, eng_roofline_get_layer (phase->roofline, layer),
                 NULL, NULL);
}

static void
update_visible (AppRooflineFeed *self)
{
  for (int p = 0; p < RT_N_PHASES; p++)
    {
      Phase *phase = &self->phases[p];
      gboolean visible = phase->wanted && phase->items->len > 0;

      plot_layer_set_visible (phase->points, visible);
      plot_layer_set_visible (phase->trail, visible && plot_series_get_n (phase->trail_series) > 0);
    }
}

void
app_roofline_feed_show (AppRooflineFeed *self, const AppRooflineShown *shown)
{
  g_return_if_fail (self != NULL && shown != NULL);
  g_return_if_fail (shown->profile == NULL || shown->model != NULL);

  g_set_object (&self->model, shown->model);
  g_clear_pointer (&self->profile, eng_profile_unref);
  self->profile = shown->profile != NULL ? eng_profile_ref (shown->profile) : NULL;
  self->operators = shown->operators;
  self->expected = shown->expected;
  show_roofs (self, shown->roof);
  for (int p = 0; p < RT_N_PHASES; p++)
    {
      Phase *phase = &self->phases[p];

      g_clear_pointer (&phase->roofline, eng_roofline_free);
      g_clear_pointer (&phase->before, eng_roofline_free);
      if (shown->profile != NULL)
        phase->roofline = eng_roofline_new (shown->profile, (RtPhase)p, shown->roof);
      if (shown->profile != NULL && shown->baseline != NULL)
        phase->before = eng_roofline_new (shown->baseline, (RtPhase)p, shown->roof);
      fill_phase (self, phase);
    }
  update_visible (self);
}

gboolean
app_roofline_feed_has_phase (AppRooflineFeed *self, RtPhase phase)
{
  EngRoofline *roofline = self->phases[phase].roofline;

  return roofline != NULL && eng_roofline_is_measured (roofline);
}

void
app_roofline_feed_set_visible (AppRooflineFeed *self, RtPhase phase, gboolean visible)
{
  self->phases[phase].wanted = visible;
  update_visible (self);
}

gboolean
app_roofline_feed_lookup (AppRooflineFeed *self, PlotLayer *points, guint64 index, RtPhase *phase,
                          int *layer, const char **node)
{
  for (int p = 0; p < RT_N_PHASES; p++)
    if (points != NULL && self->phases[p].points == points && index < self->phases[p].items->len)
      {
        const Item *item = &g_array_index (self->phases[p].items, Item, index);

        *phase = (RtPhase)p;
        *layer = item->layer;
        if (node != NULL)
          *node = item->node < 0 ? NULL
                                 : eng_profile_get_node_name (self->profile, (guint)item->node);
        return TRUE;
      }
  return FALSE;
}

gboolean
app_roofline_feed_find (AppRooflineFeed *self, RtPhase phase, int layer, const char *node,
                        PlotLayer **points, guint64 *index)
{
  const Phase *where = &self->phases[phase];
  gboolean by_node = self->operators && node != NULL;

  for (guint i = 0; i < where->items->len; i++)
    {
      const Item *item = &g_array_index (where->items, Item, i);

      if (item->layer != layer
          || (by_node
              && g_strcmp0 (eng_profile_get_node_name (self->profile, (guint)item->node), node)
                     != 0))
        continue;
      *points = where->points;
      *index = i;
      return where->wanted;
    }
  return FALSE;
}

/* ---- Words and table ---- */

enum
{
  COLUMN_NAME,
  COLUMN_PHASE,
  COLUMN_OP,
  COLUMN_TIME,
  COLUMN_SHARE,
  COLUMN_LOST,
  COLUMN_BOUND,
  COLUMN_LEAST,
  COLUMN_INTENSITY,
  COLUMN_SPEED,
  COLUMN_OPS,
  COLUMN_BYTES,
  COLUMN_LOW,
  COLUMN_HIGH,
  COLUMN_STATE,
  N_COLUMNS
};

static void
add_columns (PlotTable *table)
{
  const PlotUnit plain = PLOT_UNIT_PLAIN;

  plot_table_add_column (table, _ ("Layer"), NULL);
  plot_table_add_column (table, _ ("Phase"), NULL);
  plot_table_add_column (table, _ ("Operator"), NULL);
  plot_table_add_column (table, _ ("Time"), &unit_ms);
  plot_table_add_column (table, _ ("Share of the roof"), &unit_share);
  plot_table_add_column (table, _ ("Lost"), &unit_ms);
  plot_table_add_column (table, _ ("Bound by"), NULL);
  plot_table_add_column (table, _ ("Least time"), &unit_ms);
  plot_table_add_column (table, _ ("op/B"), &plain);
  plot_table_add_column (table, _ ("Speed"), &unit_ops_per_s);
  plot_table_add_column (table, _ ("Operations"), &unit_ops);
  plot_table_add_column (table, _ ("Bytes"), &unit_bytes);
  plot_table_add_column (table, _ ("Time, low 95 %"), &unit_ms);
  plot_table_add_column (table, _ ("Time, high 95 %"), &unit_ms);
  plot_table_add_column (table, _ ("State"), NULL);
}

static void
add_row (AppRooflineFeed *self, PlotTable *table, int phase, const char *name, const char *op,
         const EngRooflinePoint *point)
{
  const EngRoof *roof = eng_roofline_get_roof (self->phases[phase].roofline);
  guint row;

  if (!point->time.available)
    return;
  row = plot_table_add_row (table);
  plot_table_set_text (table, row, COLUMN_NAME, name);
  plot_table_set_text (table, row, COLUMN_PHASE, _ (looks[phase].title));
  plot_table_set_text (table, row, COLUMN_OP, op);
  plot_table_set_number (table, row, COLUMN_OPS, point->ops);
  plot_table_set_number (table, row, COLUMN_BYTES, point->bytes);
  plot_table_set_number (table, row, COLUMN_INTENSITY, point->intensity);
  plot_table_set_number (table, row, COLUMN_TIME, point->time.value);
  plot_table_set_number (table, row, COLUMN_LOW, point->time.low);
  plot_table_set_number (table, row, COLUMN_HIGH, point->time.high);
  plot_table_set_number (table, row, COLUMN_SPEED,
                         point->speed.available ? point->speed.value : NAN);
  plot_table_set_text (table, row, COLUMN_BOUND, short_bound (roof, point));
  plot_table_set_number (table, row, COLUMN_LEAST, point->roof_ms);
  plot_table_set_number (table, row, COLUMN_SHARE, point->share);
  plot_table_set_number (table, row, COLUMN_LOST, point->lost_ms);
  plot_table_set_text (table, row, COLUMN_STATE,
                       plot_state_to_string (self->expected ? PLOT_STATE_ESTIMATE
                                                            : PLOT_STATE_MEASURED));
}

PlotTable *
app_roofline_feed_make_table (AppRooflineFeed *self)
{
  PlotTable *table = plot_table_new (_ ("Roofline"));

  add_columns (table);
  for (int p = 0; p < RT_N_PHASES; p++)
    {
      EngRoofline *roofline = self->phases[p].roofline;

      if (!self->phases[p].wanted || roofline == NULL || !eng_roofline_is_measured (roofline))
        continue;
      for (guint i = 0; self->operators && i < eng_profile_get_n_nodes (self->profile); i++)
        add_row (self, table, p, eng_profile_get_node_name (self->profile, i),
                 eng_profile_get_node_op (self->profile, i), eng_roofline_get_node (roofline, i));
      for (int layer = -1; !self->operators && layer <= eng_profile_get_n_layers (self->profile);
           layer++)
        {
          g_autofree char *name = app_layers_dup_title (self->model, layer);

          add_row (self, table, p, name, "", eng_roofline_get_layer (roofline, layer));
        }
    }
  return table;
}

char *
app_roofline_feed_dup_summary (AppRooflineFeed *self)
{
  GString *text = g_string_new (NULL);

  for (int p = 0; p < RT_N_PHASES; p++)
    {
      EngRoofline *roofline = self->phases[p].roofline;
      const EngRooflinePoint *total;
      g_autofree char *lost = NULL;

      if (!app_roofline_feed_has_phase (self, (RtPhase)p))
        continue;
      total = eng_roofline_get_total (roofline);
      if (isnan (total->share))
        continue;
      lost = plot_format_value (&unit_ms, total->lost_ms, 3);
      /* Translators: a phase, its share of the roofs, the time lost against them, what holds it
       * back */
      g_string_append_printf (text, _ ("%s%s: %.0f %% of the roofs, %s lost, bound by %s"),
                              text->len > 0 ? " · " : "", _ (looks[p].title), 100 * total->share,
                              lost, bound_title (total->bound));
    }
  return g_string_free (text, FALSE);
}
