#pragma once

#include "plot-timeline.h"

/* Invented work of some threads: steps of nodes, each done by all threads for a while and waited
 * out until the slowest is done. The same everywhere. */

typedef struct
{
  GArray *spans; /* PlotTimelineSpan */
  GPtrArray *names;
  PlotTimelineRow rows[18];
  guint n_rows;
} PlotTestTimeline;

static const PlotTimelineGroup plot_test_timeline_groups[]
    = { { "heading", -1 }, { "attention", 0 }, { "matmul", 1 }, { "norm", 2 }, { "other", 3 } };

static inline PlotTestTimeline
plot_test_timeline_new (guint n_threads, guint n_steps, guint n_nodes)
{
  PlotTestTimeline self = { g_array_new (FALSE, TRUE, sizeof (PlotTimelineSpan)),
                            g_ptr_array_new_with_free_func (g_free) };
  guint32 state = 77;
  gint64 now = 0;

  self.n_rows = n_threads + 2;
  self.rows[0] = (PlotTimelineRow){ "Steps", TRUE };
  self.rows[1] = (PlotTimelineRow){ "Layers", TRUE };
  for (guint t = 0; t < n_threads; t++)
    {
      g_autofree char *name = g_strdup_printf ("Thread %u", t + 1);

      self.rows[2 + t] = (PlotTimelineRow){ g_intern_string (name), FALSE };
    }
  for (guint i = 0; i < n_nodes; i++)
    g_ptr_array_add (self.names, g_strdup_printf ("blk.%u.node_%u", i / 5, i));
  g_ptr_array_add (self.names, g_strdup ("decode"));
  for (guint l = 0; l <= n_nodes / 5; l++)
    g_ptr_array_add (self.names, g_strdup_printf ("Block %u", l));
  for (guint s = 0; s < n_steps; s++)
    {
      gint64 step_start = now, layer_start = now;

      for (guint i = 0; i < n_nodes; i++)
        {
          gint64 end = now, ends[16];

          for (guint t = 0; t < n_threads; t++)
            {
              state = state * 1664525u + 1013904223u;
              ends[t] = now + 500 + (i % 3 == 1 ? 9000 : 0) + (state >> 8) % 3000;
              end = MAX (end, ends[t]);
            }
          for (guint t = 0; t < n_threads; t++)
            {
              PlotTimelineSpan span
                  = { now, ends[t], end, 2 + t, i, 1 + i % 4, (int)i, (int)(i / 5) };

              g_array_append_val (self.spans, span);
            }
          now = end;
          if (i % 5 == 4 || i + 1 == n_nodes)
            {
              PlotTimelineSpan span
                  = { layer_start, now, now, 1, n_nodes + 1 + i / 5, 0, -1, (int)(i / 5) };

              g_array_append_val (self.spans, span);
              layer_start = now;
            }
        }
      PlotTimelineSpan step = { step_start, now, now, 0, n_nodes, 0, -1, -1 };
      g_array_append_val (self.spans, step);
      now += 4000;
    }
  return self;
}

static inline PlotTimelineData
plot_test_timeline_data (const PlotTestTimeline *self)
{
  return (PlotTimelineData){ .spans = (const PlotTimelineSpan *)self->spans->data,
                             .n_spans = self->spans->len,
                             .rows = self->rows,
                             .n_rows = self->n_rows,
                             .groups = plot_test_timeline_groups,
                             .n_groups = G_N_ELEMENTS (plot_test_timeline_groups),
                             .names = (const char *const *)self->names->pdata,
                             .n_names = self->names->len };
}

static inline GtkWidget *
plot_test_timeline_widget (guint n_threads, guint n_steps, guint n_nodes)
{
  GtkWidget *widget = plot_timeline_new ();
  PlotTestTimeline test = plot_test_timeline_new (n_threads, n_steps, n_nodes);
  PlotTimelineData data = plot_test_timeline_data (&test);

  plot_timeline_set_data (PLOT_TIMELINE (widget), &data);
  g_array_unref (test.spans);
  g_ptr_array_unref (test.names);
  return widget;
}
