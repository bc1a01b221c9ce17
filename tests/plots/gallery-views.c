/* Graphs, results, timelines and memory plans, for plot-gallery.c. */
#include "gallery.h"

#include <math.h>

#include "plot-test-graph.h"
#include "plot-test-memory.h"
#include "plot-test-result.h"
#include "plot-test-timeline.h"
#include "plots.h"

/* --- graphs --- */

static GtkWidget *
make_graph (PlotTestGraph *graph, const char *title, gboolean metric)
{
  GtkWidget *widget = plot_graph_new ();
  PlotGraphData data = plot_test_graph_data (graph);
  g_autofree double *values = g_new (double, MAX (1, graph->nodes->len));

  g_object_set (widget, "title", title, NULL);
  plot_graph_set_graph (PLOT_GRAPH (widget), &data);
  for (guint i = 0; i < graph->nodes->len; i++)
    values[i] = i == 0 ? NAN : 20e3 + 900e3 * pow (gallery_noise (i, 21), 4);
  if (metric)
    plot_graph_set_metric (PLOT_GRAPH (widget),
                           &(PlotGraphMetric){ .title = "Decode latency", .unit = PLOT_UNIT_NS },
                           values, NULL);
  plot_graph_ensure_layout (PLOT_GRAPH (widget));
  return widget;
}

static void
add_graph_pages (void)
{
  PlotTestGraph blocks = plot_test_graph_residual (16, TRUE);
  PlotTestGraph few = plot_test_graph_residual (4, TRUE);
  PlotTestGraph flat = plot_test_graph_residual (12, FALSE);
  PlotTestGraph wide = plot_test_graph_scattered (300, 25, 4);
  PlotTestGraph huge = plot_test_graph_scattered (10000, 60, 1);
  GtkWidget *widget;

  gallery_add ("graph", 1000, 700, make_graph (&blocks, "Network (" GALLERY_NOTE ")", TRUE));
  gallery_hover (0.5, 0.31);
  widget = make_graph (&blocks, "Network (" GALLERY_NOTE ")", TRUE);
  plot_graph_set_expanded (PLOT_GRAPH (widget), "Block 1", TRUE);
  plot_graph_set_selected (PLOT_GRAPH (widget), "b1.add");
  gallery_add ("graph-open", 1000, 700, widget);
  gallery_add ("graph-few", 760, 520, make_graph (&few, "", FALSE));
  widget = make_graph (&few, "", TRUE);
  plot_graph_set_all_expanded (PLOT_GRAPH (widget), TRUE);
  plot_graph_fit (PLOT_GRAPH (widget));
  gallery_add ("graph-all-open", 760, 700, widget);
  gallery_add ("graph-flat", 1000, 700, make_graph (&flat, "", TRUE));
  gallery_add ("graph-scattered", 1000, 700, make_graph (&wide, "", TRUE));
  widget = make_graph (&wide, "", TRUE);
  plot_graph_fit (PLOT_GRAPH (widget));
  gallery_add ("graph-scattered-all", 1000, 700, widget);
  widget = make_graph (&huge, "", TRUE);
  plot_graph_fit (PLOT_GRAPH (widget));
  gallery_add ("graph-10000", 1000, 700, widget);
  gallery_add ("graph-narrow", 360, 600, make_graph (&blocks, "", TRUE));
  widget = plot_graph_new ();
  g_object_set (widget, "empty-text", "Open a model to see its graph", NULL);
  gallery_add ("graph-empty", 600, 300, widget);
  plot_test_graph_clear (&blocks);
  plot_test_graph_clear (&few);
  plot_test_graph_clear (&flat);
  plot_test_graph_clear (&wide);
  plot_test_graph_clear (&huge);
}

/* --- results --- */

static void
add_result_page (const char *name, int width, int height, void (*fill) (PlotResult *))
{
  GtkWidget *widget = plot_result_new ();

  fill (PLOT_RESULT (widget));
  gallery_add (name, width, height, widget);
}

static void
fill_classes (PlotResult *result)
{
  plot_test_result_mask (result, FALSE);
}

static void
add_result_pages (void)
{
  add_result_page ("result-boxes", 480, 360, plot_test_result_boxes);
  add_result_page ("result-points", 360, 480, plot_test_result_points);
  add_result_page ("result-mask", 480, 400, fill_classes);
  add_result_page ("result-after", 480, 360, plot_test_result_after);
  add_result_page ("result-bars", 480, 220, plot_test_result_bars);
  add_result_page ("result-bars-narrow", 240, 320, plot_test_result_bars);
  add_result_page ("result-score", 480, 120, plot_test_result_score);
  add_result_page ("result-waves", 480, 260, plot_test_result_waves);
  add_result_page ("result-series", 480, 260, plot_test_result_series);
  add_result_page ("result-tensors", 480, 260, plot_test_result_tensors);
}

/* --- timelines --- */

static void
add_timeline_page (const char *name, int width, int height, guint n_threads, guint n_steps,
                   guint n_nodes)
{
  GtkWidget *widget = plot_test_timeline_widget (n_threads, n_steps, n_nodes);

  g_object_set (widget, "title", "Timeline (" GALLERY_NOTE ")", NULL);
  plot_timeline_set_marked (PLOT_TIMELINE (widget), -1, 1);
  plot_timeline_set_selected_span (PLOT_TIMELINE (widget), 17);
  gallery_add (name, width, height, widget);
  gallery_hover (0.4, 0.6);
}

/* --- memory --- */

static GtkWidget *
make_memory (guint n_steps)
{
  GtkWidget *widget = plot_memory_new ();
  PlotTestMemory m = plot_test_memory_new (n_steps);
  PlotMemoryData data = plot_test_memory_data (&m);

  g_object_set (widget, "title", "Memory plan (" GALLERY_NOTE ")", NULL);
  plot_memory_set_data (PLOT_MEMORY (widget), &data);
  plot_test_memory_clear (&m);
  return widget;
}

static void
add_memory_pages (void)
{
  GtkWidget *widget = make_memory (24);

  plot_memory_set_selected_step (PLOT_MEMORY (widget),
                                 plot_memory_get_peak_step (PLOT_MEMORY (widget)));
  plot_memory_set_selected (PLOT_MEMORY (widget), "value 4");
  gallery_add ("memory", 1000, 560, widget);
  gallery_add ("memory-hover", 1000, 560, make_memory (60));
  gallery_hover (0.3, 0.7);
  gallery_add ("memory-400", 1000, 560, make_memory (400));
  gallery_add ("memory-narrow", 360, 480, make_memory (60));
  widget = plot_memory_new ();
  g_object_set (widget, "empty-text", "Open a model to see its memory plan", NULL);
  gallery_add ("memory-empty", 600, 300, widget);
}

void
gallery_add_views (void)
{
  add_graph_pages ();
  add_memory_pages ();
  add_timeline_page ("timeline", 1000, 320, 2, 2, 12);
  add_timeline_page ("timeline-8", 1000, 420, 8, 1, 60);
  add_timeline_page ("timeline-100000", 1000, 420, 8, 40, 300);
  add_timeline_page ("timeline-narrow", 360, 300, 2, 1, 12);
  add_result_pages ();
}
