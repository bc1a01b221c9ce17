/* What PlotLanes says in words: the tooltip card, the reading for a screen reader, the table. All
 * three tell the same numbers. */

#include "plot-lanes-draw-private.h"

#include <math.h>
#include "plot-card-private.h"

/* "Block 3, attention" for a child. */
static char *
dup_full_name (const PlotLanesModel *model, guint item)
{
  const PlotLaneItem *self = &model->items[item];

  if (self->parent < 0)
    return g_strdup (self->name);
  return g_strdup_printf ("%s, %s", model->items[self->parent].name, self->name);
}

/* Difference to the baseline and whether it is for the better. */
static char *
dup_change (const PlotLanesModel *model, const PlotLane *lane, guint series, guint item,
            double value, PlotNote *note)
{
  const PlotLaneSeries *baseline = plot_lane_find_baseline (lane, series);
  double reference = baseline != NULL && model->show_baseline ? baseline->value[item] : NAN;

  *note = PLOT_NOTE_NEUTRAL;
  if (isnan (reference) || isnan (value) || reference == 0)
    return NULL;
  if (value != reference && (lane->flags & PLOT_LANE_LOWER_IS_BETTER))
    *note = value < reference ? PLOT_NOTE_GOOD : PLOT_NOTE_BAD;
  if (value != reference && (lane->flags & PLOT_LANE_HIGHER_IS_BETTER))
    *note = value > reference ? PLOT_NOTE_GOOD : PLOT_NOTE_BAD;
  return plot_format_change (value, reference);
}

static gboolean
is_read (const PlotLane *lane)
{
  return lane->visible || lane->flags & PLOT_LANE_ALWAYS_READ;
}

/* --- card --- */

static void
add_card_row (PlotCard *card, PlotLanesModel *model, const PlotLane *lane, guint s, guint item)
{
  const PlotLaneSeries *series = plot_lane_get_series (lane, s);
  gboolean stack = series->info.role == PLOT_ROLE_STACK;
  guint n_named = lane->series->len - plot_lane_count_role (lane, PLOT_ROLE_BASELINE);
  double value = series->value[item];
  g_autofree char *label = NULL;
  g_autofree char *text = plot_format_value (&lane->unit, value, 3);
  g_autofree char *interval = NULL;
  g_autofree char *change = NULL;
  PlotCardRow row
      = { .swatch = series->info.role == PLOT_ROLE_POINT ? PLOT_CARD_SHAPE : PLOT_CARD_BOX,
          .color_index = series->info.color,
          .pattern = series->info.pattern,
          .shape = series->info.shape,
          .state = series->state[item] };

  label = n_named > 1 ? g_strdup_printf ("%s, %s", lane->title, series->name)
                      : g_strdup (lane->title);
  if (!isnan (series->lo[item]) && !isnan (series->hi[item]))
    interval = plot_format_interval (&lane->unit, series->lo[item], series->hi[item]);
  else if (row.state != PLOT_STATE_MEASURED)
    interval = g_strdup (plot_state_to_string (row.state));
  if (!stack)
    change = dup_change (model, lane, s, item, value, &row.note_kind);
  row.label = label;
  row.value = text;
  row.detail = interval;
  row.note = change;
  plot_card_add_row (card, &row);
}

static void
add_stack_row (PlotCard *card, PlotLanesModel *model, const PlotLane *lane, guint s, guint item)
{
  double sum = plot_lane_stack_value (lane, item);
  g_autofree char *label = g_strdup_printf ("%s, total", lane->title);
  g_autofree char *text = plot_format_value (&lane->unit, sum, 3);
  PlotCardRow row = { .swatch = PLOT_CARD_NO_SWATCH, .label = label, .value = text };
  g_autofree char *change = dup_change (model, lane, s, item, sum, &row.note_kind);

  row.note = change;
  plot_card_add_row (card, &row);
}

PlotCard *
plot_lanes_model_make_card (PlotLanesModel *model, guint item)
{
  const PlotLaneItem *self = &model->items[item];
  const char *parent = self->parent >= 0 ? model->items[self->parent].name : self->group;
  g_autofree char *with_hint = NULL;
  PlotCard *card;

  if (self->n_children > 0 && !self->expanded)
    with_hint = g_strdup_printf ("%s%s%u part%s inside", parent != NULL ? parent : "",
                                 parent != NULL ? "  \u00b7  " : "", self->n_children,
                                 self->n_children == 1 ? "" : "s");
  card = plot_card_new (self->name, with_hint != NULL ? with_hint : parent);
  for (guint l = 0; l < model->lanes->len; l++)
    {
      const PlotLane *lane = plot_lanes_model_lane (model, l);
      int last_part = -1;
      gboolean no_value = plot_lane_is_empty (lane, model->n_items);

      for (guint s = 0; is_read (lane) && !no_value && s < lane->series->len; s++)
        {
          PlotRole role = plot_lane_get_series (lane, s)->info.role;

          if (role == PLOT_ROLE_BASELINE)
            continue;
          add_card_row (card, model, lane, s, item);
          last_part = role == PLOT_ROLE_STACK ? (int)s : last_part;
        }
      if (last_part >= 0 && plot_lane_count_role (lane, PLOT_ROLE_STACK) > 1)
        add_stack_row (card, model, lane, (guint)last_part, item);
    }
  return card;
}

/* --- reading --- */

static void
read_series (GString *out, const PlotLanesModel *model, const PlotLane *lane, guint s, guint item,
             gboolean named)
{
  const PlotLaneSeries *series = plot_lane_get_series (lane, s);
  g_autofree char *value = plot_format_value (&lane->unit, series->value[item], 3);
  g_autofree char *change = NULL;
  PlotNote note;

  if (named)
    g_string_append_printf (out, "%s ", series->name);
  if (series->state[item] == PLOT_STATE_ABSENT)
    {
      g_string_append (out, plot_state_to_string (PLOT_STATE_ABSENT));
      return;
    }
  g_string_append (out, value);
  if (series->state[item] != PLOT_STATE_MEASURED)
    g_string_append_printf (out, " (%s)", plot_state_to_string (series->state[item]));
  if (!isnan (series->lo[item]) && !isnan (series->hi[item]))
    {
      g_autofree char *interval
          = plot_format_interval (&lane->unit, series->lo[item], series->hi[item]);

      g_string_append_printf (out, ", %s %s", lane->interval, interval);
    }
  if (series->info.role == PLOT_ROLE_STACK)
    return;
  change = dup_change (model, lane, s, item, series->value[item], &note);
  if (change != NULL)
    g_string_append_printf (out, ", %s against %s%s", change, model->baseline_name,
                            note == PLOT_NOTE_GOOD  ? ", better"
                            : note == PLOT_NOTE_BAD ? ", worse"
                                                    : "");
}

char *
plot_lanes_model_dup_reading (PlotLanesModel *model, int item)
{
  GString *out = g_string_new (NULL);
  g_autofree char *name = NULL;

  if (item < 0 || (guint)item >= model->n_items)
    return g_string_free (out, FALSE);
  name = dup_full_name (model, (guint)item);
  g_string_append_printf (out, "%s.", name);
  for (guint l = 0; l < model->lanes->len; l++)
    {
      const PlotLane *lane = plot_lanes_model_lane (model, l);
      guint n_named = lane->series->len - plot_lane_count_role (lane, PLOT_ROLE_BASELINE);
      gboolean started = FALSE;

      for (guint s = 0; is_read (lane) && s < lane->series->len; s++)
        {
          if (plot_lane_get_series (lane, s)->info.role == PLOT_ROLE_BASELINE)
            continue;
          g_string_append (out, started ? "; " : " ");
          if (!started)
            g_string_append_printf (out, "%s: ", lane->title);
          read_series (out, model, lane, s, (guint)item, n_named > 1);
          started = TRUE;
        }
      if (started)
        g_string_append_c (out, '.');
    }
  return g_string_free (out, FALSE);
}

/* --- table --- */

static void
table_columns (PlotTable *table, const PlotLane *lane)
{
  for (guint s = 0; s < lane->series->len; s++)
    {
      const PlotLaneSeries *series = plot_lane_get_series (lane, s);
      const char *of = series->info.role == PLOT_ROLE_BASELINE ? "baseline" : series->name;
      g_autofree char *name
          = *of != '\0' ? g_strdup_printf ("%s %s", lane->title, of) : g_strdup (lane->title);
      g_autofree char *low = g_strdup_printf ("%s 5 %%", name);
      g_autofree char *high = g_strdup_printf ("%s 95 %%", name);
      g_autofree char *state = g_strdup_printf ("%s state", name);

      plot_table_add_column (table, name, &lane->unit);
      plot_table_add_column (table, low, &lane->unit);
      plot_table_add_column (table, high, &lane->unit);
      plot_table_add_column (table, state, NULL);
    }
}

PlotTable *
plot_lanes_model_make_table (PlotLanesModel *model, const char *title)
{
  PlotTable *table = plot_table_new (title);

  plot_table_add_column (table, "item", NULL);
  plot_table_add_column (table, "parent", NULL);
  plot_table_add_column (table, "group", NULL);
  for (guint l = 0; l < model->lanes->len; l++)
    table_columns (table, plot_lanes_model_lane (model, l));

  for (guint i = 0; i < model->n_items; i++)
    {
      const PlotLaneItem *item = &model->items[i];
      guint row = plot_table_add_row (table), column = 3;

      plot_table_set_text (table, row, 0, item->name);
      plot_table_set_text (table, row, 1, item->parent >= 0 ? model->items[item->parent].name : "");
      plot_table_set_text (table, row, 2, item->group);
      for (guint l = 0; l < model->lanes->len; l++)
        {
          const PlotLane *lane = plot_lanes_model_lane (model, l);

          for (guint s = 0; s < lane->series->len; s++)
            {
              const PlotLaneSeries *series = plot_lane_get_series (lane, s);

              plot_table_set_number (table, row, column++, series->value[i]);
              plot_table_set_number (table, row, column++, series->lo[i]);
              plot_table_set_number (table, row, column++, series->hi[i]);
              plot_table_set_text (table, row, column++, plot_state_to_string (series->state[i]));
            }
        }
    }
  return table;
}
