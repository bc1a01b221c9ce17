/* bench-plots [TEXT]: only cases whose name holds TEXT.
 * Frame times of the widgets as they really draw: snapshot of the widget and rendering of the node
 * by Cairo, for panning and zooming over 1 and 10 million samples and for live lanes. Prints p50
 * and p99 per case as a JSON line; a frame at 60 Hz has 16.7 ms. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "plot-test-graph.h"
#include "plot-test-input.h"
#include "plot-test-memory.h"
#include "plots.h"

#define N_FRAMES 240

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return x < y ? -1 : x > y;
}

static void
report (const char *name, const char *part, double *ms, guint n)
{
  qsort (ms, n, sizeof *ms, compare_doubles);
  g_print (
      "{\"case\": \"%s\", \"part\": \"%s\", \"frames\": %u, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
      name, part, n, ms[n / 2], ms[(guint)(n * 0.99)]);
}

/* Time of this thread on the processor: what the frame costs, whatever else the machine does. */
static double
cpu_ms (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static const char *only; /* cases to run */

static gboolean
wanted (const char *name)
{
  return strstr (name, only) != NULL;
}

static double
now_ms (void)
{
  return g_get_monotonic_time () / 1000.0;
}

typedef void (*StepFunc) (GtkWidget *widget, guint frame, gpointer data);

static void
run (const char *name, GtkWidget *widget, int width, int height, StepFunc step, gpointer data)
{
  GtkWidget *window = plot_test_window (widget, width, height);
  GdkPaintable *paintable = gtk_widget_paintable_new (widget);
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, width, height);
  double main_thread[N_FRAMES], total[N_FRAMES], wall[N_FRAMES];

  for (guint f = 0; f < N_FRAMES; f++)
    {
      GtkSnapshot *snapshot = gtk_snapshot_new ();
      cairo_t *cr = cairo_create (surface);
      double t0 = cpu_ms (), w0 = now_ms (), t1;
      GskRenderNode *node;

      step (widget, f, data);
      /* What GTK does for a frame: snapshot the widget, render the node. */
      GTK_WIDGET_GET_CLASS (widget)->snapshot (widget, snapshot);
      node = gtk_snapshot_free_to_node (snapshot);
      t1 = cpu_ms ();
      gsk_render_node_draw (node, cr);
      main_thread[f] = t1 - t0;
      total[f] = cpu_ms () - t0;
      wall[f] = now_ms () - w0;
      gsk_render_node_unref (node);
      cairo_destroy (cr);
    }
  report (name, "update and snapshot, cpu", main_thread, N_FRAMES);
  report (name, "whole frame, cpu", total, N_FRAMES);
  report (name, "whole frame, wall", wall, N_FRAMES);
  cairo_surface_destroy (surface);
  g_object_unref (paintable);
  gtk_window_destroy (GTK_WINDOW (window));
}

/* --- charts --- */

static PlotSeries *
make_series (gsize n, gboolean regular)
{
  PlotSeries *series = regular ? plot_series_new_regular ("s", 0, 1e-5) : plot_series_new ("s");
  guint32 state = 1;
  double walk = 0;

  plot_series_reserve (series, n);
  for (gsize i = 0; i < n; i++)
    {
      state = state * 1664525u + 1013904223u;
      walk = 0.9999 * walk + (state >> 8) / 16777216.0 - 0.5;
      plot_series_append (series, i * 1e-5, walk);
    }
  return series;
}

static void
pan_and_zoom (GtkWidget *widget, guint frame, gpointer data)
{
  PlotAxis *x = plot_chart_get_x_axis (PLOT_CHART (widget));

  if (frame == 0)
    plot_axis_zoom (x, 1.2, 0.5);
  if (frame < N_FRAMES / 2)
    plot_axis_zoom (x, frame < N_FRAMES / 4 ? 1.15 : 1 / 1.15, 0.4);
  else
    plot_axis_pan (x, frame % 2 ? 0.013 : -0.009);
}

static void
bench_chart (const char *name, gsize n, gboolean regular)
{
  double t0 = now_ms (), t1;
  PlotSeries *series = make_series (n, regular);
  GtkWidget *chart = plot_chart_new ();
  double min, max, positive;

  t1 = now_ms ();
  plot_series_extent (series, PLOT_COLUMN_Y, &min, &max, &positive);
  g_print ("{\"case\": \"%s\", \"points\": %zu, \"append_ms\": %.1f, \"pyramid_ms\": %.1f}\n", name,
           (size_t)n, t1 - t0, now_ms () - t1);
  plot_chart_add_layer (PLOT_CHART (chart), plot_layer_new (&plot_layer_line, series));
  run (name, chart, 1200, 700, pan_and_zoom, NULL);
  g_object_unref (series);
}

/* The worst case of the stroked line: as many samples as it takes before columns begin. */
static void
jitter (GtkWidget *widget, guint frame, gpointer data)
{
  plot_axis_pan (plot_chart_get_x_axis (PLOT_CHART (widget)), frame % 2 ? 1e-4 : -1e-4);
}

static void
bench_stroke (const char *name)
{
  PlotSeries *series = make_series (2300, TRUE);
  GtkWidget *chart = plot_chart_new ();

  plot_chart_add_layer (PLOT_CHART (chart), plot_layer_new (&plot_layer_line, series));
  run (name, chart, 1200, 700, jitter, NULL);
  g_object_unref (series);
}

static void
append_live (GtkWidget *widget, guint frame, gpointer data)
{
  for (guint i = 0; i < 200; i++)
    plot_series_append (data, 0, sin (frame * 0.1 + i));
}

static void
bench_append (const char *name)
{
  PlotSeries *series = make_series (1000000, TRUE);
  GtkWidget *chart = plot_chart_new ();

  plot_chart_add_layer (PLOT_CHART (chart), plot_layer_new (&plot_layer_line, series));
  run (name, chart, 1200, 700, append_live, series);
  g_object_unref (series);
}

/* --- lanes --- */

typedef struct
{
  guint n;
  double *value, *lo, *hi;
} Live;

static void
set_live (GtkWidget *widget, guint frame, gpointer data)
{
  Live *live = data;

  for (guint i = 0; i < live->n; i++)
    {
      live->value[i] = 1 + 0.5 * sin (i * 0.7 + frame * 0.05);
      live->lo[i] = live->value[i] * 0.9;
      live->hi[i] = live->value[i] * 1.2;
    }
  plot_lanes_set_values (PLOT_LANES (widget), 0, 0, 0, live->n, live->value, live->lo, live->hi,
                         NULL);
  plot_lanes_set_values (PLOT_LANES (widget), 0, 1, 0, live->n, live->lo, NULL, NULL, NULL);
}

static void
bench_lanes (const char *name, guint n)
{
  Live live = { n, g_new (double, n), g_new (double, n), g_new (double, n) };
  GtkWidget *widget = plot_lanes_new ();
  PlotLanes *lanes = PLOT_LANES (widget);
  g_autofree PlotItem *items = g_new (PlotItem, n);

  for (guint i = 0; i < n; i++)
    items[i] = (PlotItem){ "layer", NULL, NULL, -1 };
  plot_lanes_set_items (lanes, items, n);
  for (guint l = 0; l < 4; l++)
    {
      plot_lanes_add_lane (lanes, &(PlotLaneInfo){ .title = "Lane",
                                                   .unit = PLOT_UNIT_SECONDS,
                                                   .total = PLOT_TOTAL_SUM });
      for (guint s = 0; s < 3; s++)
        plot_lanes_add_series (lanes, l,
                               &(PlotLaneSeriesInfo){ .name = "s",
                                                      .role
                                                      = l == 1 ? PLOT_ROLE_STACK : PLOT_ROLE_BAR,
                                                      .color = s,
                                                      .pattern = l == 1 ? s : 0 });
      set_live (widget, 0, &live);
      for (guint s = 0; s < 3; s++)
        plot_lanes_set_values (lanes, l, s, 0, n, live.value, NULL, NULL, NULL);
    }
  plot_lanes_pin_baseline (lanes, "before");
  run (name, widget, 1200, 700, set_live, &live);
  g_free (live.value);
  g_free (live.lo);
  g_free (live.hi);
}

/* 60 blocks, opened to their 400 nodes, as a network of some hundred operators is looked at. */
static void
bench_open_lanes (const char *name)
{
  enum
  {
    N = 460
  };
  Live live = { N, g_new0 (double, N), g_new0 (double, N), g_new0 (double, N) };
  GtkWidget *widget = plot_lanes_new ();
  PlotItem items[N];
  guint n = 0;

  for (guint b = 0; b < 60; b++)
    {
      int parent = (int)n;

      items[n++] = (PlotItem){ "block", NULL, "body", -1 };
      for (guint k = 0; k < (b < 40 ? 7u : 6u); k++)
        items[n++] = (PlotItem){ "features.conv/Conv2D", NULL, NULL, parent };
    }
  g_assert_cmpuint (n, ==, N);
  plot_lanes_set_items (PLOT_LANES (widget), items, N);
  for (guint i = 0; i < N; i++)
    plot_lanes_set_expanded (PLOT_LANES (widget), i, TRUE);
  for (guint l = 0; l < 3; l++)
    {
      plot_lanes_add_lane (PLOT_LANES (widget),
                           &(PlotLaneInfo){ .title = "Lane", .unit = PLOT_UNIT_SECONDS });
      for (guint s = 0; s < 2; s++)
        plot_lanes_add_series (PLOT_LANES (widget), l,
                               &(PlotLaneSeriesInfo){ .name = "s", .color = s });
    }
  run (name, widget, 1200, 700, set_live, &live);
  g_free (live.value);
  g_free (live.lo);
  g_free (live.hi);
}

/* --- graphs --- */

/* All of it, then nearer and nearer, then along it. */
static void
fly (GtkWidget *widget, guint frame, gpointer data)
{
  if (frame == 0)
    plot_graph_fit (PLOT_GRAPH (widget));
  else if (frame < N_FRAMES / 2)
    plot_graph_zoom (PLOT_GRAPH (widget), frame < N_FRAMES / 4 ? 1.1 : 1 / 1.1);
  else if (frame == N_FRAMES / 2)
    plot_graph_zoom (PLOT_GRAPH (widget), GPOINTER_TO_INT (data) / 10.0);
  else
    plot_test_scroll (widget, frame % 3 == 0 ? 1 : -0.5, frame % 2 == 0 ? 3 : -2);
}

static void
bench_graph (const char *name, guint n, guint reach, double nearer)
{
  PlotTestGraph graph = plot_test_graph_scattered (n, reach, 1);
  PlotGraphData data = plot_test_graph_data (&graph);
  g_autofree double *values = g_new (double, n);
  GtkWidget *widget = plot_graph_new ();
  double t0 = cpu_ms ();

  for (guint i = 0; i < n; i++)
    values[i] = i % 37;
  plot_graph_set_graph (PLOT_GRAPH (widget), &data);
  plot_graph_ensure_layout (PLOT_GRAPH (widget));
  g_print ("{\"case\": \"%s\", \"nodes\": %u, \"edges\": %u, \"layout_ms\": %.1f}\n", name, n,
           graph.edges->len, cpu_ms () - t0);
  plot_graph_set_metric (PLOT_GRAPH (widget),
                         &(PlotGraphMetric){ .title = "Latency", .unit = PLOT_UNIT_NS }, values,
                         NULL);
  run (name, widget, 1200, 700, fly, GINT_TO_POINTER ((int)(10 * nearer)));
  plot_test_graph_clear (&graph);
}

/* --- memory --- */

static void
zoom_memory (GtkWidget *widget, guint frame, gpointer data)
{
  if (frame == 0)
    plot_memory_fit (PLOT_MEMORY (widget));
  else if (frame < N_FRAMES / 2)
    plot_memory_zoom (PLOT_MEMORY (widget), frame < N_FRAMES / 4 ? 1.06 : 1 / 1.06);
  else
    plot_test_scroll (widget, frame % 2 == 0 ? 0.5 : -0.3, frame % 9 == 0 ? -1 : 0);
}

static void
bench_memory (const char *name, guint n_steps)
{
  GtkWidget *widget = plot_memory_new ();
  PlotTestMemory m = plot_test_memory_new (n_steps);
  PlotMemoryData data = plot_test_memory_data (&m);

  plot_memory_set_data (PLOT_MEMORY (widget), &data);
  plot_test_memory_clear (&m);
  run (name, widget, 1200, 700, zoom_memory, NULL);
}

int
main (int argc, char **argv)
{
  plot_test_init (&argc, &argv);
  only = argc > 1 ? argv[1] : "";
  if (wanted ("1 M samples, regular x"))
    bench_chart ("1 M samples, regular x", 1000000, TRUE);
  if (wanted ("1 M samples, given x"))
    bench_chart ("1 M samples, given x", 1000000, FALSE);
  if (wanted ("10 M samples, regular x"))
    bench_chart ("10 M samples, regular x", 10000000, TRUE);
  if (wanted ("10 M samples, given x"))
    bench_chart ("10 M samples, given x", 10000000, FALSE);
  if (wanted ("2300 samples, stroked"))
    bench_stroke ("2300 samples, stroked");
  if (wanted ("1 M samples, 200 more per frame"))
    bench_append ("1 M samples, 200 more per frame");
  if (wanted ("lanes, 30 items live"))
    bench_lanes ("lanes, 30 items live", 30);
  if (wanted ("lanes, 300 items live"))
    bench_lanes ("lanes, 300 items live", 300);
  if (wanted ("lanes, 3000 items live"))
    bench_lanes ("lanes, 3000 items live", 3000);
  if (wanted ("lanes, 60 blocks open to 400 nodes"))
    bench_open_lanes ("lanes, 60 blocks open to 400 nodes");
  if (wanted ("graph, 10000 nodes in 500 ranks"))
    bench_graph ("graph, 10000 nodes in 500 ranks", 10000, 60, 12);
  if (wanted ("graph, 10000 nodes in 40 ranks"))
    bench_graph ("graph, 10000 nodes in 40 ranks", 10000, 2000, 12);
  if (wanted ("graph, 400 nodes"))
    bench_graph ("graph, 400 nodes", 400, 10, 4);
  if (wanted ("memory, 400 buffers"))
    bench_memory ("memory, 400 buffers", 400);
  if (wanted ("memory, 4000 buffers"))
    bench_memory ("memory, 4000 buffers", 4000);
  return 0;
}
