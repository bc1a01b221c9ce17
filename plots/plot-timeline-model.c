/* The data of PlotTimeline: copied, put in order by row and time, found by time. Draws nothing. */

#include "plot-timeline-private.h"

#include <math.h>
#include <stdlib.h>

static char **
copy_strings (const char *const *strings, guint n)
{
  char **copy = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++)
    copy[i] = g_strdup (strings != NULL && strings[i] != NULL ? strings[i] : "");
  return copy;
}

static int
compare_spans (gconstpointer a, gconstpointer b, gpointer data)
{
  const PlotTimelineSpan *spans = data;
  const PlotTimelineSpan *x = &spans[*(const guint *)a], *y = &spans[*(const guint *)b];

  if (x->row != y->row)
    return x->row < y->row ? -1 : 1;
  if (x->start_ns != y->start_ns)
    return x->start_ns < y->start_ns ? -1 : 1;
  return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

static void
take_spans (PlotTimelineModel *self, const PlotTimelineData *data)
{
  guint row = 0;

  self->n_spans = data->n_spans;
  self->spans = g_new (PlotTimelineSpan, data->n_spans + 1);
  self->origin = g_new (guint, data->n_spans + 1);
  self->place = g_new (guint, data->n_spans + 1);
  for (guint i = 0; i < data->n_spans; i++)
    self->origin[i] = i;
  g_qsort_with_data (self->origin, (int)data->n_spans, sizeof (guint), compare_spans,
                     (gpointer)data->spans);
  self->start_ns = G_MAXINT64;
  self->end_ns = G_MININT64;
  for (guint i = 0; i < data->n_spans; i++)
    {
      const PlotTimelineSpan *span = &data->spans[self->origin[i]];

      g_assert (span->row < self->n_rows && span->name < self->n_names
                && span->group < self->n_groups);
      g_assert (span->start_ns <= span->wait_ns && span->wait_ns <= span->end_ns);
      self->spans[i] = *span;
      self->place[self->origin[i]] = i;
      self->start_ns = MIN (self->start_ns, span->start_ns);
      self->end_ns = MAX (self->end_ns, span->end_ns);
      self->waits |= span->wait_ns < span->end_ns;
      for (; row < span->row; row++)
        self->rows[row].last = self->rows[row + 1].first = i;
    }
  for (; row < self->n_rows; row++)
    {
      self->rows[row].last = data->n_spans;
      if (row + 1 < self->n_rows)
        self->rows[row + 1].first = data->n_spans;
    }
}

PlotTimelineModel *
plot_timeline_model_new (const PlotTimelineData *data)
{
  static const PlotTimelineData none;
  PlotTimelineModel *self = g_new0 (PlotTimelineModel, 1);

  if (data == NULL)
    data = &none;
  self->n_rows = data->n_rows;
  self->n_groups = data->n_groups;
  self->n_names = data->n_names;
  self->rows = g_new0 (PlotTimelineLane, data->n_rows + 1);
  self->group_names = g_new0 (char *, data->n_groups + 1);
  self->group_colors = g_new0 (int, data->n_groups + 1);
  self->names = copy_strings (data->names, data->n_names);
  self->details = copy_strings (data->details, data->n_names);
  for (guint i = 0; i < data->n_rows; i++)
    {
      self->rows[i].name = g_strdup (data->rows[i].name);
      self->rows[i].thin = data->rows[i].thin;
    }
  for (guint i = 0; i < data->n_groups; i++)
    {
      self->group_names[i] = g_strdup (data->groups[i].name);
      self->group_colors[i] = data->groups[i].color;
    }
  take_spans (self, data);
  if (self->n_spans == 0 || self->end_ns <= self->start_ns)
    {
      self->start_ns = self->n_spans == 0 ? 0 : self->start_ns;
      self->end_ns = self->start_ns + 1;
    }
  return self;
}

void
plot_timeline_model_free (PlotTimelineModel *self)
{
  for (guint i = 0; i < self->n_rows; i++)
    g_free (self->rows[i].name);
  g_strfreev (self->names);
  g_strfreev (self->details);
  g_strfreev (self->group_names);
  g_free (self->group_colors);
  g_free (self->rows);
  g_free (self->spans);
  g_free (self->origin);
  g_free (self->place);
  g_free (self);
}

guint
plot_timeline_model_find (const PlotTimelineModel *self, guint row, double ns)
{
  guint low = self->rows[row].first, high = self->rows[row].last;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if ((double)self->spans[middle].end_ns > ns)
        high = middle;
      else
        low = middle + 1;
    }
  return low;
}

static double
distance (const PlotTimelineSpan *span, double ns)
{
  if (ns < (double)span->start_ns)
    return (double)span->start_ns - ns;
  return fmax (0, ns - (double)span->end_ns);
}

guint
plot_timeline_model_nearest (const PlotTimelineModel *self, guint row, double ns)
{
  const PlotTimelineLane *lane = &self->rows[row];
  guint at = plot_timeline_model_find (self, row, ns);

  if (lane->first == lane->last)
    return PLOT_TIMELINE_NONE;
  if (at == lane->last)
    return at - 1;
  if (at > lane->first && distance (&self->spans[at - 1], ns) < distance (&self->spans[at], ns))
    return at - 1;
  return at;
}
