/* PlotGraph, the widget: selection, groups, keys, pointer, view, layouts on a worker, what is
 * drawn again and what is not. */

#include <math.h>
#include "plot-graph-private.h"
#include "plot-test-graph.h"
#include "plot-test-input.h"
#include "plots.h"

typedef struct
{
  GtkWidget *window, *widget;
  PlotGraph *graph;
} Fixture;

static void
set_test_graph (PlotGraph *graph, PlotTestGraph *data, gboolean metric)
{
  PlotGraphData given = plot_test_graph_data (data);
  g_autofree double *values = g_new (double, MAX (1, data->nodes->len));

  plot_graph_set_graph (graph, &given);
  for (guint i = 0; i < data->nodes->len; i++)
    values[i] = i == 0 ? NAN : 1e-3 * i;
  if (metric)
    plot_graph_set_metric (graph,
                           &(PlotGraphMetric){ .title = "Latency", .unit = PLOT_UNIT_SECONDS },
                           values, NULL);
  plot_test_graph_clear (data);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  PlotTestGraph graph = plot_test_graph_residual (8, TRUE);

  f->graph = PLOT_GRAPH (g_object_ref_sink (plot_graph_new ()));
  f->widget = GTK_WIDGET (f->graph);
  set_test_graph (f->graph, &graph, TRUE);
  f->window = plot_test_window (f->widget, 800, 600);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (f->window));
  g_assert_finalize_object (f->graph);
}

static void
count_up (GObject *object, GParamSpec *pspec, guint *count)
{
  (*count)++;
}

static void
on_expanded (PlotGraph *graph, const char *id, gboolean expanded, char **last)
{
  g_free (*last);
  *last = g_strdup_printf ("%s %s", id, expanded ? "open" : "closed");
}

static void
on_activated (PlotGraph *graph, const char *id, char **last)
{
  g_free (*last);
  *last = g_strdup (id);
}

static void
test_selection (Fixture *f, gconstpointer data)
{
  g_autofree char *expanded = NULL;
  guint count = 0;

  g_signal_connect (f->graph, "notify::selected", G_CALLBACK (count_up), &count);
  g_signal_connect (f->graph, "group-expanded", G_CALLBACK (on_expanded), &expanded);
  plot_graph_set_selected (f->graph, "Block 2");
  g_assert_cmpuint (count, ==, 1);
  plot_graph_set_selected (f->graph, "Block 2");
  g_assert_cmpuint (count, ==, 1); /* nothing changed */
  plot_graph_set_selected (f->graph, "nobody");
  g_assert_null (plot_graph_get_selected (f->graph));
  g_assert_cmpuint (count, ==, 2);

  plot_graph_set_selected (f->graph, "b3.project"); /* inside a closed group: opens it */
  g_assert_true (plot_graph_get_expanded (f->graph, "Block 3"));
  g_assert_cmpstr (expanded, ==, "Block 3 open");
  plot_graph_set_expanded (f->graph, "Block 3", FALSE); /* hands over to the group */
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "Block 3");
  g_assert_cmpstr (expanded, ==, "Block 3 closed");
}

static void
test_again (Fixture *f, gconstpointer data)
{
  PlotTestGraph same = plot_test_graph_residual (8, TRUE),
                other = plot_test_graph_residual (2, TRUE);
  guint count = 0;

  plot_graph_set_expanded (f->graph, "Block 5", TRUE);
  plot_graph_set_selected (f->graph, "b5.add");
  g_signal_connect (f->graph, "notify::selected", G_CALLBACK (count_up), &count);
  set_test_graph (f->graph, &same, FALSE);
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "b5.add");
  g_assert_true (plot_graph_get_expanded (f->graph, "Block 5"));
  g_assert_cmpuint (count, ==, 0);
  set_test_graph (f->graph, &other, FALSE);
  g_assert_null (plot_graph_get_selected (f->graph));
  g_assert_cmpuint (count, ==, 1);
  plot_graph_set_graph (f->graph, NULL);
  g_assert_cmpuint (plot_graph_get_n_nodes (f->graph), ==, 0);
  gtk_test_widget_wait_for_draw (f->window);
}

static void
test_keys (Fixture *f, gconstpointer data)
{
  g_autofree char *activated = NULL;

  g_signal_connect (f->graph, "node-activated", G_CALLBACK (on_activated), &activated);
  g_assert_false (plot_test_key (f->widget, GDK_KEY_Return)); /* nothing selected */
  g_assert_true (plot_test_key (f->widget, GDK_KEY_Down));
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "input");
  plot_test_key (f->widget, GDK_KEY_Down);
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "Block 0");
  plot_test_key (f->widget, GDK_KEY_Return);
  g_assert_true (plot_graph_get_expanded (f->graph, "Block 0"));
  plot_test_key (f->widget, GDK_KEY_Down); /* into the frame */
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "b0.expand");
  plot_test_key (f->widget, GDK_KEY_Down);
  plot_test_key (f->widget, GDK_KEY_Down);
  plot_test_key (f->widget, GDK_KEY_Down);
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "b0.add");
  plot_test_key (f->widget, GDK_KEY_space);
  g_assert_cmpstr (activated, ==, "b0.add");
  plot_test_key (f->widget, GDK_KEY_Down); /* out of it */
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "Block 1");
  plot_test_key (f->widget, GDK_KEY_Up);
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "b0.add");
  plot_test_key (f->widget, GDK_KEY_BackSpace);
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "Block 0");
  g_assert_false (plot_graph_get_expanded (f->graph, "Block 0"));
  plot_test_key (f->widget, GDK_KEY_End);
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "output");
  plot_test_key (f->widget, GDK_KEY_Down);
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "output");
  plot_test_key (f->widget, GDK_KEY_Home);
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "input");
  plot_test_key (f->widget, GDK_KEY_Escape);
  g_assert_null (plot_graph_get_selected (f->graph));
  g_assert_false (plot_test_key (f->widget, GDK_KEY_Escape)); /* a dialog may want it */
  g_assert_false (plot_test_key (f->widget, GDK_KEY_a));
}

static void
middle_of (PlotGraph *graph, const char *id, double *px, double *py)
{
  guint endpoint = plot_graph_model_find (graph->model, id);
  const PlotGraphRect *rect = &graph->scene->boxes[graph->scene->box_of[endpoint]];

  *px = plot_graph_px (&graph->view, (rect->x0 + rect->x1) / 2);
  *py = plot_graph_py (&graph->view, (rect->y0 + rect->y1) / 2);
}

static void
test_pointer (Fixture *f, gconstpointer data)
{
  g_autofree char *hovered = NULL;
  guint hovers = 0;
  double x, y, after_x, after_y;

  gtk_test_widget_wait_for_draw (f->window);
  g_signal_connect (f->graph, "notify::hovered", G_CALLBACK (count_up), &hovers);
  middle_of (f->graph, "Block 1", &x, &y);
  plot_test_motion (f->widget, x, y);
  plot_test_motion (f->widget, x + 2, y + 2);
  g_object_get (f->graph, "hovered", &hovered, NULL);
  g_assert_cmpstr (hovered, ==, "Block 1");
  g_assert_cmpuint (hovers, ==, 1);
  gtk_test_widget_wait_for_draw (f->window); /* with a card */
  plot_test_click (f->widget, 1, x, y);
  g_assert_cmpstr (plot_graph_get_selected (f->graph), ==, "Block 1");
  plot_test_click (f->widget, 2, x, y);
  g_assert_true (plot_graph_get_expanded (f->graph, "Block 1"));
  gtk_test_widget_wait_for_draw (f->window);
  /* What was opened stays at its place. */
  middle_of (f->graph, "Block 1", &after_x, &after_y);
  g_assert_cmpfloat_with_epsilon (after_x, x, 0.6);
  plot_test_leave (f->widget);
  g_assert_cmpuint (hovers, >=, 2);
  plot_test_click (f->widget, 1, 2, 2);
  g_assert_null (plot_graph_get_selected (f->graph));
}

/* What lies under the pointer stays there. */
static void
test_zoom (Fixture *f, gconstpointer data)
{
  double x, y, world, zoom;

  gtk_test_widget_wait_for_draw (f->window);
  middle_of (f->graph, "Block 2", &x, &y);
  world = f->graph->view.y + y / f->graph->view.zoom;
  zoom = f->graph->view.zoom;
  plot_test_motion (f->widget, x, y);
  g_object_set (f->graph, "scroll-zooms", TRUE, NULL);
  g_assert_true (plot_test_scroll (f->widget, 0, -1));
  g_assert_cmpfloat (f->graph->view.zoom, >, zoom);
  g_assert_cmpfloat_with_epsilon (f->graph->view.y + y / f->graph->view.zoom, world, 1e-6);
  for (guint i = 0; i < 40; i++)
    plot_test_scroll (f->widget, 0, -1);
  g_assert_cmpfloat (f->graph->view.zoom, ==, 2.5);
  for (guint i = 0; i < 100; i++)
    plot_test_scroll (f->widget, 0, 1);
  g_assert_cmpfloat (f->graph->view.zoom, >, 0.01);
  plot_test_key (f->widget, GDK_KEY_0);
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_cmpfloat (plot_graph_py (&f->graph->view, 0), >=, 0);
  g_assert_cmpfloat (plot_graph_py (&f->graph->view, f->graph->scene->height), <=, 600);
  g_object_set (f->graph, "scroll-zooms", FALSE, NULL);
  zoom = f->graph->view.zoom;
  plot_test_scroll (f->widget, 0, 1);
  g_assert_cmpfloat (f->graph->view.zoom, ==, zoom); /* scrolls */
  for (guint i = 0; i < 200; i++)
    plot_test_scroll (f->widget, 5, 5);
  g_assert_cmpfloat (plot_graph_px (&f->graph->view, f->graph->scene->width), >=, 1); /* in sight */
  plot_graph_set_selected (f->graph, "output"); /* comes into view */
  middle_of (f->graph, "output", &x, &y);
  g_assert_cmpfloat (x, >=, 0);
  g_assert_cmpfloat (y, <=, 600);
}

/* Hovering and selecting draw the picture again from its node. */
static void
test_node_cached (Fixture *f, gconstpointer data)
{
  GskRenderNode *node;
  double x, y;

  gtk_test_widget_wait_for_draw (f->window);
  node = f->graph->node;
  g_assert_nonnull (node);
  middle_of (f->graph, "Block 1", &x, &y);
  plot_test_motion (f->widget, x, y);
  gtk_test_widget_wait_for_draw (f->window);
  plot_graph_set_selected (f->graph, "Block 1");
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_true (f->graph->node == node);
  plot_graph_set_metric (f->graph, NULL, NULL, NULL);
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_true (f->graph->node != node);
}

static void
test_accessible (Fixture *f, gconstpointer data)
{
  g_autofree char *reading = NULL;

  gtk_test_accessible_assert_role (f->widget, GTK_ACCESSIBLE_ROLE_IMG);
  g_object_set (f->graph, "title", "Network", NULL);
  gtk_test_accessible_assert_property (f->widget, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Network. 34 nodes, none selected.");
  reading = plot_graph_dup_reading (f->graph, "Block 7"); /* nodes 29 to 32 */
  g_assert_cmpstr (reading, ==,
                   "Block 7, group of 4, closed. Latency 122\u202fms, 100\u202f% of the largest. "
                   "1 in, 1 out.");
  plot_graph_set_selected (f->graph, "input");
  gtk_test_accessible_assert_property (
      f->widget, GTK_ACCESSIBLE_PROPERTY_LABEL,
      "Network. input, picture \u00b7 [1, 224, 224, 3]. Latency not measured. 0 in, 1 out.");
}

static void
test_table (Fixture *f, gconstpointer data)
{
  g_autoptr (PlotTable) table = plot_figure_make_table (PLOT_FIGURE (f->graph));
  g_autofree char *group = plot_table_dup_cell (table, 1, 2);

  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 34);
  g_assert_cmpstr (group, ==, "Block 0");
  g_assert_cmpstr (plot_table_get_column_name (table, 5), ==, "Latency");
  g_assert_true (isnan (plot_table_get_number (table, 0, 5)));
  g_assert_cmpfloat (plot_table_get_number (table, 4, 3), ==, 2); /* the sum has two inputs */
}

static gboolean
on_deadline (gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
wait_for_layout (PlotGraph *graph)
{
  gboolean late = FALSE;
  guint id = g_timeout_add_seconds (60, on_deadline, &late);

  while (plot_graph_get_busy (graph, NULL) && !late)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (late);
  g_source_remove (id);
}

static void
count_layouts (PlotGraph *graph, guint *count)
{
  (*count)++;
}

/* Many nodes: the main thread goes on, a rough layout comes first, the final one is the same as on
 * this thread. */
static void
test_worker (Fixture *f, gconstpointer data)
{
  PlotTestGraph graph = plot_test_graph_scattered (4000, 40, 2);
  PlotGraphScene *now;
  guint layouts = 0, busy = 0;

  g_signal_connect (f->graph, "notify::busy", G_CALLBACK (count_up), &busy);
  g_signal_connect (f->graph, "layout-changed", G_CALLBACK (count_layouts), &layouts);
  set_test_graph (f->graph, &graph, TRUE);
  g_assert_true (plot_graph_get_busy (f->graph, NULL));
  g_assert_null (f->graph->scene);
  gtk_test_widget_wait_for_draw (f->window); /* with the words */
  wait_for_layout (f->graph);
  g_assert_cmpuint (busy, ==, 2);
  g_assert_cmpuint (layouts, ==, 2);
  g_assert_nonnull (f->graph->scene);
  g_assert_false (f->graph->scene->rough);
  now = plot_graph_scene_new (f->graph->model->shape, f->graph->model->expanded, 12, NULL, NULL,
                              NULL);
  g_assert_cmpmem (now->boxes, now->n_boxes * sizeof *now->boxes, f->graph->scene->boxes,
                   f->graph->scene->n_boxes * sizeof *now->boxes);
  plot_graph_scene_unref (now);
  gtk_test_widget_wait_for_draw (f->window);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  PlotTestGraph graph = plot_test_graph_scattered (6000, 40, 2);

  set_test_graph (f->graph, &graph, FALSE);
  g_assert_true (plot_test_key (f->widget, GDK_KEY_Escape));
  g_assert_false (plot_graph_get_busy (f->graph, NULL));
  gtk_test_widget_wait_for_draw (f->window); /* says how to go on */
  for (guint i = 0; i < 20; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_null (f->graph->scene);
  g_assert_true (plot_test_key (f->widget, GDK_KEY_Return));
  wait_for_layout (f->graph);
  g_assert_nonnull (f->graph->scene);

  /* Another graph while one is on the way: the late one is dropped. */
  graph = plot_test_graph_scattered (6000, 40, 3);
  set_test_graph (f->graph, &graph, FALSE);
  graph = plot_test_graph_residual (3, FALSE);
  set_test_graph (f->graph, &graph, FALSE);
  for (guint i = 0; i < 200; i++)
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }
  g_assert_cmpuint (f->graph->scene->n_boxes, ==, 14);
}

static void
add_row (PlotGraph *graph, const char *id, PlotGraphCard *card, gpointer data)
{
  g_assert_cmpstr (id, ==, "Block 1");
  plot_graph_card_add (card, "Weights", "1.20 MB");
  (*(guint *)data)++;
}

static void
test_card (Fixture *f, gconstpointer data)
{
  guint calls = 0;
  double x, y;

  gtk_test_widget_wait_for_draw (f->window);
  plot_graph_set_card_func (f->graph, add_row, &calls, NULL);
  middle_of (f->graph, "Block 1", &x, &y);
  plot_test_motion (f->widget, x, y);
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_cmpuint (calls, >=, 1);
  plot_graph_set_card_func (f->graph, NULL, NULL, NULL);
}

/* Far more than the window holds: the overview is there, and a click on it goes there. */
static void
test_map (Fixture *f, gconstpointer data)
{
  PlotTestGraph graph = plot_test_graph_residual (40, TRUE);
  graphene_rect_t map;
  double before;

  set_test_graph (f->graph, &graph, TRUE);
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_true (plot_graph_get_map (f->graph, &map));
  before = f->graph->view.y;
  plot_test_click (f->widget, 1, map.origin.x + map.size.width / 2,
                   map.origin.y + map.size.height - 2);
  g_assert_cmpfloat (f->graph->view.y, >, before + 500);
  plot_graph_fit (f->graph);
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_false (plot_graph_get_map (f->graph, &map));
}

/* How many pixels of the picture have about the colour of the sign. */
static guint
count_sign_pixels (PlotGraph *graph)
{
  cairo_surface_t *image = cairo_image_surface_create (CAIRO_FORMAT_RGB24, 400, 300);
  cairo_t *cr = cairo_create (image);
  PlotStyle style;
  GdkRGBA sign;
  guint n = 0;

  plot_style_init (&style, FALSE);
  plot_graph_problem_color (&style, &sign);
  plot_graph_draw_figure (graph, cr, 400, 300, &style);
  cairo_destroy (cr);
  cairo_surface_flush (image);
  for (int y = 0; y < 300; y++)
    for (int x = 0; x < 400; x++)
      {
        guint32 pixel = *(guint32 *)(cairo_image_surface_get_data (image)
                                     + y * cairo_image_surface_get_stride (image) + 4 * x);

        n += fabs (((pixel >> 16) & 0xff) - 255 * sign.red) < 12
             && fabs (((pixel >> 8) & 0xff) - 255 * sign.green) < 12
             && fabs ((pixel & 0xff) - 255 * sign.blue) < 12;
      }
  cairo_surface_destroy (image);
  return n;
}

/* A node with a problem says so in words, in the table and in the picture; its group counts. */
static void
test_problem (Fixture *f, gconstpointer data)
{
  PlotGraphNode nodes[] = { { "a", NULL, NULL, 0, NULL },
                            { "b", NULL, NULL, 0, "no such operator" },
                            { "c", NULL, NULL, PLOT_GRAPH_NO_GROUP, "unknown input" } };
  const PlotGraphGroup groups[] = { { "g", NULL, NULL } };
  const PlotGraphEdge edges[] = { { 0, 1 }, { 1, 2 } };
  PlotGraphData given = { nodes, 3, groups, 1, edges, 2, "Not supported" };
  g_autoptr (PlotTable) table = NULL;
  g_autofree char *group = NULL;
  g_autofree char *node = NULL;
  g_autofree char *cell = NULL;
  guint n_closed;

  plot_graph_set_graph (f->graph, &given);
  plot_graph_ensure_layout (f->graph);
  group = plot_graph_dup_reading (f->graph, "g");
  g_assert_nonnull (strstr (group, "Not supported: 1 of 2."));
  node = plot_graph_dup_reading (f->graph, "c");
  g_assert_nonnull (strstr (node, "Not supported: unknown input."));
  table = plot_figure_make_table (PLOT_FIGURE (f->graph));
  g_assert_cmpstr (plot_table_get_column_name (table, 5), ==, "Not supported");
  cell = plot_table_dup_cell (table, 1, 5);
  g_assert_cmpstr (cell, ==, "no such operator");
  n_closed = count_sign_pixels (f->graph);
  g_assert_cmpuint (n_closed, >, 100);

  nodes[1].problem = nodes[2].problem = NULL;
  plot_graph_set_graph (f->graph, &given);
  plot_graph_ensure_layout (f->graph);
  g_assert_cmpuint (count_sign_pixels (f->graph), ==, 0);
  g_free (group);
  group = plot_graph_dup_reading (f->graph, "g");
  g_assert_null (strstr (group, "Not supported"));
}

int
main (int argc, char **argv)
{
  plot_test_init (&argc, &argv);
#define ADD(name, func) g_test_add ("/plots/graph/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("selection", test_selection);
  ADD ("again", test_again);
  ADD ("keys", test_keys);
  ADD ("pointer", test_pointer);
  ADD ("zoom", test_zoom);
  ADD ("node-cached", test_node_cached);
  ADD ("accessible", test_accessible);
  ADD ("table", test_table);
  ADD ("worker", test_worker);
  ADD ("cancel", test_cancel);
  ADD ("card", test_card);
  ADD ("map", test_map);
  ADD ("problem", test_problem);
#undef ADD
  return g_test_run ();
}
