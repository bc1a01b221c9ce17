/* The data of PlotLanes: a forest of items in pre-order, lanes, and per lane series of one value
 * per item. Pure: no widget, no drawing, so tests reach all of it. */

#include "plot-lanes-model-private.h"

#include <math.h>
#include <string.h>

/* --- life --- */

static void
item_clear (PlotLaneItem *item)
{
  g_free (item->name);
  g_free (item->label);
  g_free (item->group);
}

static void
series_free (gpointer data)
{
  PlotLaneSeries *series = data;

  g_free (series->name);
  g_free (series->value);
  g_free (series->lo);
  g_free (series->hi);
  g_free (series->state);
  g_free (series);
}

static void
lane_free (gpointer data)
{
  PlotLane *lane = data;

  g_free (lane->interval);
  g_free (lane->title);
  g_free (lane->note);
  g_free (lane->total_text);
  g_ptr_array_unref (lane->series);
  g_free (lane);
}

PlotLanesModel *
plot_lanes_model_new (void)
{
  PlotLanesModel *self = g_new0 (PlotLanesModel, 1);

  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->lanes = g_ptr_array_new_with_free_func (lane_free);
  self->show_baseline = TRUE;
  self->baseline_name = g_strdup ("baseline");
  return self;
}

void
plot_lanes_model_free (PlotLanesModel *self)
{
  for (guint i = 0; i < self->n_items; i++)
    item_clear (&self->items[i]);
  g_free (self->items);
  g_hash_table_unref (self->by_name);
  g_ptr_array_unref (self->lanes);
  g_free (self->baseline_name);
  g_free (self);
}

/* --- items --- */

static void
series_allocate (PlotLaneSeries *series, guint n_items)
{
  guint n = MAX (1, n_items);

  series->value = g_renew (double, series->value, n);
  series->lo = g_renew (double, series->lo, n);
  series->hi = g_renew (double, series->hi, n);
  series->state = g_renew (guint8, series->state, n);
  for (guint i = 0; i < n; i++)
    {
      series->value[i] = series->lo[i] = series->hi[i] = NAN;
      series->state[i] = PLOT_STATE_ABSENT;
    }
}

static void
link_parent (PlotLanesModel *self, guint i, guint *n_first_level)
{
  PlotLaneItem *item = &self->items[i];

  if (item->parent < 0)
    {
      item->place = *n_first_level;
      (*n_first_level)++;
      return;
    }
  item->depth = self->items[item->parent].depth + 1;
  item->place = self->items[item->parent].n_children++;
  for (int up = item->parent; up >= 0; up = self->items[up].parent)
    {
      /* Pre-order: everything between an ancestor and here is below that ancestor. */
      g_return_if_fail (up + (int)self->items[up].n_below + 1 == (int)i);
      self->items[up].n_below++;
    }
}

void
plot_lanes_model_set_items (PlotLanesModel *self, const PlotItem *items, guint n_items)
{
  g_autofree PlotLaneItem *old = g_steal_pointer (&self->items);
  guint n_old = self->n_items, n_first_level = 0;
  g_autoptr (GHashTable) old_names = g_steal_pointer (&self->by_name);

  self->items = g_new0 (PlotLaneItem, MAX (1, n_items));
  self->n_items = n_items;
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < n_items; i++)
    {
      PlotLaneItem *item = &self->items[i];

      g_return_if_fail (items[i].name != NULL);
      g_return_if_fail (items[i].parent >= -1 && items[i].parent < (int)i);
      item->name = g_strdup (items[i].name);
      item->label = g_strdup (items[i].label != NULL ? items[i].label : items[i].name);
      item->group = g_strdup (items[i].group);
      item->parent = items[i].parent;
      link_parent (self, i, &n_first_level);
      if (!g_hash_table_contains (self->by_name, item->name))
        g_hash_table_insert (self->by_name, item->name, GUINT_TO_POINTER (i));
    }

  /* What was open stays open where it is still there. */
  for (guint i = 0; i < n_items; i++)
    {
      gpointer at;

      if (self->items[i].n_children > 0
          && g_hash_table_lookup_extended (old_names, self->items[i].name, NULL, &at))
        {
          const PlotLaneItem *before = &old[GPOINTER_TO_UINT (at)];

          self->items[i].expanded = before->expanded && before->depth == self->items[i].depth;
          self->items[i].open = self->items[i].expanded ? 1 : 0;
        }
    }
  for (guint i = 0; i < n_old; i++)
    item_clear (&old[i]);

  for (guint l = 0; l < self->lanes->len; l++)
    {
      PlotLane *lane = g_ptr_array_index (self->lanes, l);

      for (guint s = 0; s < lane->series->len; s++)
        series_allocate (g_ptr_array_index (lane->series, s), n_items);
      lane->generation++;
    }
  self->items_generation++;
}

/* --- lanes and series --- */

PlotLane *
plot_lanes_model_lane (PlotLanesModel *self, guint lane)
{
  g_return_val_if_fail (lane < self->lanes->len, NULL);
  return g_ptr_array_index (self->lanes, lane);
}

PlotLaneSeries *
plot_lane_get_series (const PlotLane *lane, guint series)
{
  g_return_val_if_fail (series < lane->series->len, NULL);
  return g_ptr_array_index (lane->series, series);
}

guint
plot_lanes_model_add_lane (PlotLanesModel *self, const PlotLaneInfo *info)
{
  PlotLane *lane = g_new0 (PlotLane, 1);

  lane->title = g_strdup (info->title != NULL ? info->title : "");
  lane->unit = info->unit;
  lane->flags = info->flags;
  lane->interval = g_strdup (info->interval != NULL ? info->interval : "5 to 95 %");
  lane->total = info->total;
  lane->height = info->height > 0 ? info->height : 1;
  lane->visible = TRUE;
  lane->limit = INFINITY;
  lane->series = g_ptr_array_new_with_free_func (series_free);
  lane->y_min = lane->target_min = info->flags & PLOT_LANE_LOG ? 1 : 0;
  lane->y_max = lane->target_max = info->flags & PLOT_LANE_LOG ? 10 : 1;
  g_ptr_array_add (self->lanes, lane);
  return self->lanes->len - 1;
}

guint
plot_lanes_model_add_series (PlotLanesModel *self, guint lane_index, const PlotLaneSeriesInfo *info)
{
  PlotLane *lane = plot_lanes_model_lane (self, lane_index);
  PlotLaneSeries *series;

  g_return_val_if_fail (lane != NULL, 0);
  g_return_val_if_fail (info->role != PLOT_ROLE_BASELINE || info->of < lane->series->len, 0);

  series = g_new0 (PlotLaneSeries, 1);
  series->info = *info;
  series->name = g_strdup (info->name != NULL ? info->name : "");
  series->info.name = series->name;
  series_allocate (series, self->n_items);
  g_ptr_array_add (lane->series, series);
  lane->generation++;
  return lane->series->len - 1;
}

void
plot_lanes_model_set_values (PlotLanesModel *self, guint lane_index, guint series_index,
                             guint first, guint n, const double *value, const double *lo,
                             const double *hi, const guint8 *state)
{
  PlotLane *lane = plot_lanes_model_lane (self, lane_index);
  PlotLaneSeries *series;

  g_return_if_fail (lane != NULL);
  series = plot_lane_get_series (lane, series_index);
  g_return_if_fail (series != NULL);
  g_return_if_fail (first <= self->n_items && n <= self->n_items - first);

  for (guint i = 0; i < n; i++)
    {
      guint at = first + i;
      PlotState s = state != NULL ? state[i] : PLOT_STATE_MEASURED;
      gboolean present = isfinite (value[i]) && s != PLOT_STATE_ABSENT;

      series->value[at] = present ? value[i] : NAN;
      series->lo[at] = present && lo != NULL ? lo[i] : NAN;
      series->hi[at] = present && hi != NULL ? hi[i] : NAN;
      series->state[at] = present ? MIN (s, PLOT_STATE_MEASURED) : PLOT_STATE_ABSENT;
    }
  lane->generation++;
}

void
plot_lanes_model_clear_values (PlotLanesModel *self, guint lane_index, guint series_index)
{
  PlotLane *lane = plot_lanes_model_lane (self, lane_index);

  g_return_if_fail (lane != NULL && series_index < lane->series->len);
  series_allocate (g_ptr_array_index (lane->series, series_index), self->n_items);
  lane->generation++;
}

guint
plot_lane_count_role (const PlotLane *lane, PlotRole role)
{
  guint n = 0;

  for (guint s = 0; s < lane->series->len; s++)
    n += plot_lane_get_series (lane, s)->info.role == role;
  return n;
}

PlotLaneSeries *
plot_lane_find_baseline (const PlotLane *lane, guint series)
{
  gboolean stack = plot_lane_get_series (lane, series)->info.role == PLOT_ROLE_STACK;

  for (guint s = 0; s < lane->series->len; s++)
    {
      PlotLaneSeries *other = plot_lane_get_series (lane, s);

      if (other->info.role == PLOT_ROLE_BASELINE
          && (other->info.of == series
              || (stack
                  && plot_lane_get_series (lane, other->info.of)->info.role == PLOT_ROLE_STACK)))
        return other;
    }
  return NULL;
}

double
plot_lane_stack_value (const PlotLane *lane, guint item)
{
  double sum = NAN;

  for (guint s = 0; s < lane->series->len; s++)
    {
      const PlotLaneSeries *series = plot_lane_get_series (lane, s);

      if (series->info.role == PLOT_ROLE_STACK && !isnan (series->value[item]))
        sum = isnan (sum) ? series->value[item] : sum + series->value[item];
    }
  return sum;
}

gboolean
plot_lane_is_empty (const PlotLane *lane, guint n_items)
{
  for (guint s = 0; s < lane->series->len; s++)
    {
      const PlotLaneSeries *series = plot_lane_get_series (lane, s);

      for (guint i = 0; series->info.role != PLOT_ROLE_BASELINE && i < n_items; i++)
        if (series->state[i] != PLOT_STATE_ABSENT)
          return FALSE;
    }
  return TRUE;
}

static void
widen (double value, double *lo, double *hi, double *min_positive)
{
  if (isnan (value))
    return;
  *lo = fmin (*lo, value);
  *hi = fmax (*hi, value);
  if (value > 0)
    *min_positive = fmin (*min_positive, value);
}

void
plot_lane_item_extent (const PlotLane *lane, guint item, gboolean with_baseline, double *lo,
                       double *hi, double *min_positive)
{
  for (guint s = 0; s < lane->series->len; s++)
    {
      const PlotLaneSeries *series = plot_lane_get_series (lane, s);

      if (series->info.role == PLOT_ROLE_STACK
          || (series->info.role == PLOT_ROLE_BASELINE && !with_baseline))
        continue;
      widen (series->value[item], lo, hi, min_positive);
      widen (series->lo[item], lo, hi, min_positive);
      widen (series->hi[item], lo, hi, min_positive);
    }
  widen (plot_lane_stack_value (lane, item), lo, hi, min_positive);
}

double
plot_lane_item_ceiling (const PlotLane *lane, guint item, gboolean with_baseline)
{
  const double headroom = 1.6;
  double top = plot_lane_stack_value (lane, item);

  if (lane->flags & PLOT_LANE_LOG)
    return INFINITY;
  for (guint s = 0; s < lane->series->len; s++)
    {
      const PlotLaneSeries *series = plot_lane_get_series (lane, s);

      if (series->info.role == PLOT_ROLE_POINT)
        return INFINITY;
      if (series->info.role == PLOT_ROLE_BAR
          || (series->info.role == PLOT_ROLE_BASELINE && with_baseline))
        top = fmax (top, series->value[item]); /* NaN gives way */
    }
  return isnan (top) || top <= 0 ? INFINITY : headroom * top;
}

double
plot_lanes_model_total (PlotLanesModel *self, guint lane_index, guint series_index)
{
  const PlotLane *lane = plot_lanes_model_lane (self, lane_index);
  const PlotLaneSeries *series = plot_lane_get_series (lane, series_index);
  double total = NAN;

  for (guint i = 0; i < self->n_items; i += 1 + self->items[i].n_below)
    {
      double value = series->info.role == PLOT_ROLE_STACK ? plot_lane_stack_value (lane, i)
                                                          : series->value[i];

      if (isnan (value))
        continue;
      if (isnan (total))
        total = value;
      else
        total = lane->total == PLOT_TOTAL_MAX ? fmax (total, value) : total + value;
    }
  return total;
}

/* --- baseline --- */

static PlotLaneSeries *
need_baseline (PlotLanesModel *self, guint lane_index, guint series)
{
  PlotLane *lane = plot_lanes_model_lane (self, lane_index);
  PlotLaneSeries *baseline = plot_lane_find_baseline (lane, series);
  PlotLaneSeriesInfo info = { .name = "", .role = PLOT_ROLE_BASELINE, .of = series };

  if (baseline != NULL)
    return baseline;
  return plot_lane_get_series (lane, plot_lanes_model_add_series (self, lane_index, &info));
}

void
plot_lanes_model_pin_baseline (PlotLanesModel *self, const char *name)
{
  for (guint l = 0; l < self->lanes->len; l++)
    {
      PlotLane *lane = g_ptr_array_index (self->lanes, l);
      guint n_series = lane->series->len; /* baselines are added behind these */
      gboolean stack_done = FALSE;

      for (guint s = 0; s < n_series; s++)
        {
          PlotLaneSeries *from = plot_lane_get_series (lane, s), *to;
          gboolean stack = from->info.role == PLOT_ROLE_STACK;

          if (from->info.role == PLOT_ROLE_BASELINE || (stack && stack_done))
            continue;
          stack_done |= stack;
          to = need_baseline (self, l, s);
          for (guint i = 0; i < self->n_items; i++)
            {
              to->value[i] = stack ? plot_lane_stack_value (lane, i) : from->value[i];
              to->lo[i] = stack ? NAN : from->lo[i];
              to->hi[i] = stack ? NAN : from->hi[i];
              to->state[i] = isnan (to->value[i]) ? PLOT_STATE_ABSENT : from->state[i];
            }
        }
      lane->generation++;
    }
  g_free (self->baseline_name);
  self->baseline_name = g_strdup (name != NULL ? name : "baseline");
}

/* --- range --- */

static void
wanted_range (const PlotLane *lane, double lo, double hi, double min_positive, double *min,
              double *max)
{
  if (lane->flags & PLOT_LANE_LOG)
    {
      gboolean any = isfinite (min_positive) && hi > 0;

      *min = any ? pow (10, floor (log10 (min_positive))) : 1;
      *max = any ? pow (10, ceil (log10 (hi))) : 10;
      if (*max <= *min)
        *max = *min * 10;
      return;
    }
  *max = hi > 0 ? plot_nice_ceil (hi * 1.04) : 0;
  *min = lo < 0 ? -plot_nice_ceil (-lo * 1.04) : 0;
  if (*min == *max)
    *max = 1;
}

gboolean
plot_lane_update_target (PlotLane *lane, double lo, double hi, double min_positive, gint64 now_us,
                         gboolean at_once)
{
  const gint64 patience_us = 700 * 1000;
  double min, max;
  gboolean grows, shrinks;

  wanted_range (lane, lo, hi, min_positive, &min, &max);
  grows = max > lane->target_max || min < lane->target_min;
  shrinks
      = max < 0.6 * lane->target_max || min > 0.6 * lane->target_min || lane->flags & PLOT_LANE_LOG;
  if (lane->target_min == 0 && min == 0)
    shrinks = max < 0.6 * lane->target_max;

  if (at_once || grows)
    {
      lane->target_max = at_once ? max : fmax (max, lane->target_max);
      lane->target_min = at_once ? min : fmin (min, lane->target_min);
      lane->small_since_us = 0;
      return FALSE;
    }
  if (!shrinks || (max == lane->target_max && min == lane->target_min))
    {
      lane->small_since_us = 0;
      return FALSE;
    }
  if (lane->small_since_us == 0)
    lane->small_since_us = now_us;
  if (now_us - lane->small_since_us < patience_us)
    return TRUE;
  lane->target_max = max;
  lane->target_min = min;
  lane->small_since_us = 0;
  return FALSE;
}

gboolean
plot_lane_step_range (PlotLane *lane, double frac)
{
  double span = lane->target_max - lane->target_min;
  gboolean moves;

  if (lane->y_min == lane->target_min && lane->y_max == lane->target_max)
    return FALSE;
  if (lane->flags & PLOT_LANE_LOG)
    {
      lane->y_min *= pow (lane->target_min / lane->y_min, frac);
      lane->y_max *= pow (lane->target_max / lane->y_max, frac);
      moves = fabs (log10 (lane->y_min / lane->target_min)) > 0.005
              || fabs (log10 (lane->y_max / lane->target_max)) > 0.005;
    }
  else
    {
      lane->y_min += (lane->target_min - lane->y_min) * frac;
      lane->y_max += (lane->target_max - lane->y_max) * frac;
      moves = fabs (lane->y_min - lane->target_min) > 0.002 * span
              || fabs (lane->y_max - lane->target_max) > 0.002 * span;
    }
  if (!moves)
    {
      lane->y_min = lane->target_min;
      lane->y_max = lane->target_max;
    }
  return moves;
}
