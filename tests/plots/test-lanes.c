/* PlotLanes as a widget: properties and their notifications, selection, disclosure, zoom, keys,
 * pointer, freezing, what a screen reader is told, table. */

#include <math.h>
#include "plot-lanes-private.h"
#include "plot-test-input.h"

#define N_BLOCKS 12

/* 0 in; blocks of 3 (block, x, y); last out */
static PlotLanes *
make_lanes (void)
{
  PlotLanes *lanes = PLOT_LANES (g_object_ref_sink (plot_lanes_new ()));
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (PlotItem));
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  double value[2 + 3 * N_BLOCKS];
  PlotItem item = { "in", NULL, NULL, -1 };

  g_array_append_val (items, item);
  for (guint i = 0; i < N_BLOCKS; i++)
    {
      int parent = (int)items->len;

      g_ptr_array_add (names, g_strdup_printf ("block %u", i));
      item = (PlotItem){ g_ptr_array_index (names, i), NULL, "blocks", -1 };
      g_array_append_val (items, item);
      item = (PlotItem){ "x", NULL, NULL, parent };
      g_array_append_val (items, item);
      item.name = "y";
      g_array_append_val (items, item);
    }
  item = (PlotItem){ "out", NULL, NULL, -1 };
  g_array_append_val (items, item);
  plot_lanes_set_items (lanes, (const PlotItem *)items->data, items->len);
  plot_lanes_add_lane (lanes, &(PlotLaneInfo){ .title = "Latency",
                                               .unit = PLOT_UNIT_SECONDS,
                                               .flags = PLOT_LANE_LOWER_IS_BETTER,
                                               .total = PLOT_TOTAL_SUM });
  plot_lanes_add_series (lanes, 0, &(PlotLaneSeriesInfo){ .name = "decode" });
  for (guint i = 0; i < items->len; i++)
    value[i] = 1e-3 * (i + 1);
  plot_lanes_set_values (lanes, 0, 0, 0, items->len, value, NULL, NULL, NULL);
  return lanes;
}

typedef struct
{
  GtkWidget *window;
  PlotLanes *lanes;
  GtkWidget *widget;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->lanes = make_lanes ();
  f->widget = GTK_WIDGET (f->lanes);
  f->window = plot_test_window (f->widget, 800, 300);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (f->window));
  g_assert_finalize_object (f->lanes);
}

static void
count_up (GObject *object, GParamSpec *pspec, guint *count)
{
  (*count)++;
}

static void
test_selection (Fixture *f, gconstpointer data)
{
  guint count = 0;

  g_signal_connect (f->lanes, "notify::selected-item", G_CALLBACK (count_up), &count);
  plot_lanes_set_selected_item (f->lanes, 4);
  g_assert_cmpuint (count, ==, 1);
  plot_lanes_set_selected_item (f->lanes, 4);
  g_assert_cmpuint (count, ==, 1); /* nothing changed */
  plot_lanes_set_selected_item (f->lanes, 9999);
  g_assert_cmpint (plot_lanes_get_selected_item (f->lanes), ==, -1);
  g_assert_cmpuint (count, ==, 2);
  plot_lanes_set_selected_item (f->lanes, -5);
  g_assert_cmpuint (count, ==, 2);

  plot_lanes_set_selected_item (f->lanes, 2); /* inside block 0: opens it */
  g_assert_true (plot_lanes_get_expanded (f->lanes, 1));
  plot_lanes_set_expanded (f->lanes, 1, FALSE); /* hands over to the parent */
  g_assert_cmpint (plot_lanes_get_selected_item (f->lanes), ==, 1);
}

static void
test_items_again (Fixture *f, gconstpointer data)
{
  const PlotItem other[] = { { "new", NULL, NULL, -1 }, { "block 0", NULL, NULL, -1 } };
  guint count = 0;

  plot_lanes_set_selected_item (f->lanes, 1);
  g_signal_connect (f->lanes, "notify::selected-item", G_CALLBACK (count_up), &count);
  plot_lanes_set_items (f->lanes, other, 2);
  g_assert_cmpint (plot_lanes_get_selected_item (f->lanes), ==, 1); /* same name */
  g_assert_cmpuint (count, ==, 0);
  plot_lanes_set_items (f->lanes, other, 1); /* gone */
  g_assert_cmpint (plot_lanes_get_selected_item (f->lanes), ==, -1);
  g_assert_cmpuint (count, ==, 1);
  g_assert_true (isnan (plot_lanes_get_value (f->lanes, 0, 0, 0, NULL, NULL, NULL)));
  plot_lanes_set_items (f->lanes, NULL, 0);
  gtk_test_widget_wait_for_draw (f->window);
}

static void
on_expanded (PlotLanes *lanes, int item, gboolean expanded, int *last)
{
  *last = expanded ? item : -item;
}

static void
on_activated (PlotLanes *lanes, int item, int *last)
{
  *last = item;
}

static void
test_keys (Fixture *f, gconstpointer data)
{
  int expanded = 0, activated = -1;

  g_signal_connect (f->lanes, "item-expanded", G_CALLBACK (on_expanded), &expanded);
  g_signal_connect (f->lanes, "item-activated", G_CALLBACK (on_activated), &activated);
  g_assert_false (plot_test_key (f->widget, GDK_KEY_Return)); /* nothing selected */
  g_assert_true (plot_test_key (f->widget, GDK_KEY_Right));
  g_assert_cmpint (f->lanes->selected, ==, 0);
  plot_test_key (f->widget, GDK_KEY_Right);
  g_assert_cmpint (f->lanes->selected, ==, 1);
  plot_test_key (f->widget, GDK_KEY_Return);
  g_assert_cmpint (expanded, ==, 1);
  plot_test_key (f->widget, GDK_KEY_Down);
  g_assert_cmpint (f->lanes->selected, ==, 2);
  plot_test_key (f->widget, GDK_KEY_Return); /* no children */
  g_assert_cmpint (activated, ==, 2);
  plot_test_key (f->widget, GDK_KEY_Right);
  plot_test_key (f->widget, GDK_KEY_Right); /* on to the next block */
  g_assert_cmpint (f->lanes->selected, ==, 4);
  plot_test_key (f->widget, GDK_KEY_Left);
  plot_test_key (f->widget, GDK_KEY_Up);
  g_assert_cmpint (f->lanes->selected, ==, 1);
  plot_test_key (f->widget, GDK_KEY_space);
  g_assert_cmpint (expanded, ==, -1);
  plot_test_key (f->widget, GDK_KEY_End);
  g_assert_cmpint (f->lanes->selected, ==, 1 + 3 * N_BLOCKS);
  plot_test_key (f->widget, GDK_KEY_Right);
  g_assert_cmpint (f->lanes->selected, ==, 1 + 3 * N_BLOCKS);
  plot_test_key (f->widget, GDK_KEY_Home);
  g_assert_cmpint (f->lanes->selected, ==, 0);
  plot_test_key (f->widget, GDK_KEY_Escape);
  g_assert_cmpint (f->lanes->selected, ==, -1);
  g_assert_false (plot_test_key (f->widget, GDK_KEY_Escape)); /* a dialog may want it */
  g_assert_false (plot_test_key (f->widget, GDK_KEY_a));
}

static double
item_x (PlotLanes *lanes, guint item)
{
  int at = plot_lanes_layout_slot_of (&lanes->layout, item);

  g_assert_cmpint (at, >=, 0);
  return plot_lanes_layout_px (&lanes->layout, lanes->layout.slots[at].x + 0.5);
}

static void
test_pointer (Fixture *f, gconstpointer data)
{
  guint hovers = 0;

  g_signal_connect (f->lanes, "notify::hovered-item", G_CALLBACK (count_up), &hovers);
  plot_test_motion (f->widget, item_x (f->lanes, 4), 100);
  g_assert_cmpint (plot_lanes_get_hovered_item (f->lanes), ==, 4);
  plot_test_motion (f->widget, item_x (f->lanes, 4) + 2, 120);
  g_assert_cmpuint (hovers, ==, 1);
  gtk_test_widget_wait_for_draw (f->window); /* with a card */
  plot_test_leave (f->widget);
  g_assert_cmpint (plot_lanes_get_hovered_item (f->lanes), ==, -1);
  g_assert_cmpuint (hovers, ==, 2);

  plot_test_click (f->widget, 1, item_x (f->lanes, 7), 100);
  g_assert_cmpint (f->lanes->selected, ==, 7);
  plot_test_click (f->widget, 2, item_x (f->lanes, 7), 100);
  g_assert_true (plot_lanes_get_expanded (f->lanes, 7));
  plot_test_click (f->widget, 1, 2, 100); /* the title: nothing */
  g_assert_cmpint (f->lanes->selected, ==, -1);
}

/* What lies under the pointer stays there. */
static void
test_zoom (Fixture *f, gconstpointer data)
{
  double x = item_x (f->lanes, 16), before;

  g_assert_true (plot_lanes_get_fitted (f->lanes));
  plot_test_motion (f->widget, x, 100);
  before = plot_lanes_layout_units (&f->lanes->layout, x);
  g_assert_true (plot_test_scroll (f->widget, 0, -1));
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_false (plot_lanes_get_fitted (f->lanes));
  g_assert_cmpfloat_with_epsilon (plot_lanes_layout_units (&f->lanes->layout, x), before, 1e-6);
  g_assert_true (plot_test_scroll (f->widget, 1, 0)); /* pans */
  for (guint i = 0; i < 40; i++)
    plot_test_scroll (f->widget, 0, -1);
  g_assert_cmpfloat (f->lanes->view1 - f->lanes->view0, ==, 3);
  for (guint i = 0; i < 40; i++)
    plot_test_scroll (f->widget, 0, 1);
  g_assert_true (plot_lanes_get_fitted (f->lanes));

  g_object_set (f->lanes, "scroll-zooms", FALSE, NULL);
  g_assert_false (plot_test_scroll (f->widget, 0, -1)); /* for a scrolled window around */

  plot_lanes_set_selected_item (f->lanes, 1);
  plot_test_key (f->widget, GDK_KEY_plus);
  plot_test_key (f->widget, GDK_KEY_plus);
  g_assert_false (plot_lanes_get_fitted (f->lanes));
  plot_lanes_set_selected_item (f->lanes, 1 + 3 * N_BLOCKS); /* comes into view */
  g_assert_cmpfloat (f->lanes->view1, ==, N_BLOCKS + 2);
  plot_test_key (f->widget, GDK_KEY_0);
  g_assert_true (plot_lanes_get_fitted (f->lanes));
}

static void
test_frozen (Fixture *f, gconstpointer data)
{
  double value = 0.5;
  GskRenderNode *marks;

  gtk_test_widget_wait_for_draw (f->window);
  marks = g_array_index (f->lanes->nodes, PlotLaneNodes, 0).marks;
  g_assert_nonnull (marks);
  plot_lanes_set_frozen (f->lanes, TRUE);
  plot_lanes_set_values (f->lanes, 0, 0, 0, 1, &value, NULL, NULL, NULL);
  gtk_widget_queue_draw (f->widget); /* for another reason */
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_true (g_array_index (f->lanes->nodes, PlotLaneNodes, 0).marks == marks);
  g_assert_cmpfloat (plot_lanes_get_value (f->lanes, 0, 0, 0, NULL, NULL, NULL), ==, 0.5);
  plot_lanes_set_frozen (f->lanes, FALSE);
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_true (g_array_index (f->lanes->nodes, PlotLaneNodes, 0).generation
                 == plot_lanes_model_lane (f->lanes->model, 0)->generation);
}

/* Hovering redraws no lane. */
static void
test_nodes_cached (Fixture *f, gconstpointer data)
{
  GskRenderNode *marks, *frame;

  gtk_test_widget_wait_for_draw (f->window);
  marks = g_array_index (f->lanes->nodes, PlotLaneNodes, 0).marks;
  frame = g_array_index (f->lanes->nodes, PlotLaneNodes, 0).frame;
  for (guint i = 0; i < 4; i++)
    {
      plot_test_motion (f->widget, item_x (f->lanes, 1 + 3 * i), 100);
      plot_lanes_set_selected_item (f->lanes, (int)(4 + 3 * i));
      gtk_test_widget_wait_for_draw (f->window);
    }
  g_assert_true (g_array_index (f->lanes->nodes, PlotLaneNodes, 0).marks == marks);
  g_assert_true (g_array_index (f->lanes->nodes, PlotLaneNodes, 0).frame == frame);
}

static void
test_accessible (Fixture *f, gconstpointer data)
{
  gtk_test_accessible_assert_role (f->widget, GTK_ACCESSIBLE_ROLE_IMG);
  g_object_set (f->lanes, "title", "Cost", NULL);
  gtk_test_accessible_assert_property (f->widget, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Cost. 38 items, none selected.");
  plot_lanes_set_selected_item (f->lanes, 0);
  gtk_test_accessible_assert_property (f->widget, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Cost. in. Latency: 1.00\u202fms.");
}

static void
test_table (Fixture *f, gconstpointer data)
{
  g_autoptr (PlotTable) table = NULL;
  g_autofree char *name = NULL;
  g_autofree char *parent = NULL;

  plot_lanes_pin_baseline (f->lanes, "F16");
  table = plot_figure_make_table (PLOT_FIGURE (f->lanes));
  name = plot_table_dup_cell (table, 2, 0);
  parent = plot_table_dup_cell (table, 2, 1);
  g_assert_cmpuint (plot_table_get_n_rows (table), ==, 2 + 3 * N_BLOCKS);
  g_assert_cmpstr (name, ==, "x");
  g_assert_cmpstr (parent, ==, "block 0");
  g_assert_cmpstr (plot_table_get_column_name (table, 3), ==, "Latency decode");
  g_assert_cmpfloat (plot_table_get_number (table, 2, 3), ==, 3e-3);
  g_assert_true (isnan (plot_table_get_number (table, 2, 4)));
  g_assert_cmpstr (plot_table_get_column_name (table, 7), ==, "Latency baseline");
  g_assert_cmpfloat (plot_table_get_number (table, 2, 7), ==, 3e-3);
}

static void
test_lanes_api (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (plot_lanes_find_item (f->lanes, "out"), ==, 1 + 3 * N_BLOCKS);
  g_assert_cmpint (plot_lanes_find_item (f->lanes, "nothing"), ==, -1);
  plot_lanes_set_lane_visible (f->lanes, 0, FALSE);
  g_assert_false (plot_lanes_get_lane_visible (f->lanes, 0));
  gtk_test_widget_wait_for_draw (f->window);
  plot_lanes_set_lane_visible (f->lanes, 0, TRUE);
  plot_lanes_clear_all_values (f->lanes);
  plot_lanes_set_lane_note (f->lanes, 0, "No sensor");
  gtk_test_widget_wait_for_draw (f->window);
  plot_lanes_clear_lanes (f->lanes);
  g_assert_cmpuint (plot_lanes_get_n_lanes (f->lanes), ==, 0);
  gtk_test_widget_wait_for_draw (f->window);
}

/* A lane may become one of another grade: its name and its marks say so, to eyes and to a screen
 * reader. */
static void
test_modelled (Fixture *f, gconstpointer data)
{
  const double value = 2e-3;
  const guint8 modelled = PLOT_STATE_MODELLED, attributed = PLOT_STATE_ATTRIBUTED;
  PlotState state;

  plot_lanes_set_lane_title (f->lanes, 0, "Modelled energy");
  plot_lanes_set_values (f->lanes, 0, 0, 0, 1, &value, NULL, NULL, &modelled);
  gtk_test_widget_wait_for_draw (f->window);
  plot_lanes_get_value (f->lanes, 0, 0, 0, NULL, NULL, &state);
  g_assert_cmpint (state, ==, PLOT_STATE_MODELLED);
  g_autofree char *reading = plot_lanes_dup_reading (f->lanes, 0);
  g_assert_nonnull (strstr (reading, "Modelled energy"));
  g_assert_nonnull (strstr (reading, "(modelled)"));

  plot_lanes_set_lane_title (f->lanes, 0, "Attributed energy");
  plot_lanes_set_values (f->lanes, 0, 0, 0, 1, &value, NULL, NULL, &attributed);
  gtk_test_widget_wait_for_draw (f->window);
  g_autofree char *after = plot_lanes_dup_reading (f->lanes, 0);
  g_assert_nonnull (strstr (after, "Attributed energy"));
  g_assert_nonnull (strstr (after, "(attributed)"));
  g_assert_null (strstr (after, "odelled"));
}

static gboolean
on_deadline (gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs frames until the widget no longer asks for any; an endless animation fails. */
static void
wait_for_rest (PlotLanes *lanes)
{
  gboolean late = FALSE;
  guint id = g_timeout_add_seconds (20, on_deadline, &late);

  gtk_test_widget_wait_for_draw (GTK_WIDGET (lanes));
  while (lanes->tick_id != 0 && !late)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (late);
  g_source_remove (id);
}

/* Every movement ends: a chart at rest costs nothing. */
static void
test_comes_to_rest (Fixture *f, gconstpointer data)
{
  const double small = 1e-5, large = 50;
  double before;

  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", TRUE, NULL);
  plot_lanes_set_expanded (f->lanes, 1, TRUE);
  g_assert_cmpfloat (f->lanes->model->items[1].open, ==, 0);
  wait_for_rest (f->lanes);
  g_assert_cmpfloat (f->lanes->model->items[1].open, ==, 1);
  g_assert_cmpfloat (f->lanes->view1, ==, N_BLOCKS + 4); /* still fitted */
  plot_lanes_set_expanded (f->lanes, 1, FALSE);
  wait_for_rest (f->lanes);
  g_assert_cmpfloat (f->lanes->layout.total, ==, N_BLOCKS + 2);

  plot_lanes_zoom (f->lanes, 2);
  g_assert_cmpfloat (f->lanes->view1, ==, N_BLOCKS + 2); /* moves, does not jump */
  wait_for_rest (f->lanes);
  g_assert_cmpfloat (f->lanes->view1 - f->lanes->view0, ==, N_BLOCKS / 2 + 1);
  plot_lanes_fit (f->lanes);
  wait_for_rest (f->lanes);

  plot_lanes_set_values (f->lanes, 0, 0, 0, 1, &large, NULL, NULL, NULL);
  wait_for_rest (f->lanes);
  before = plot_lanes_model_lane (f->lanes->model, 0)->y_max;
  g_assert_cmpfloat (before, >=, 50);
  plot_lanes_set_values (f->lanes, 0, 0, 0, 1, &small, NULL, NULL, NULL); /* could shrink: waits */
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_cmpfloat (plot_lanes_model_lane (f->lanes->model, 0)->y_max, ==, before);
  wait_for_rest (f->lanes);
  g_assert_cmpfloat (plot_lanes_model_lane (f->lanes->model, 0)->y_max, <, 1);

  /* While a shrink is pending: frozen, emptied, hidden. */
  for (guint i = 0; i < 3; i++)
    {
      plot_lanes_set_values (f->lanes, 0, 0, 0, 1, &large, NULL, NULL, NULL);
      wait_for_rest (f->lanes);
      plot_lanes_set_values (f->lanes, 0, 0, 0, 1, &small, NULL, NULL, NULL);
      gtk_test_widget_wait_for_draw (f->window);
      if (i == 0)
        plot_lanes_set_frozen (f->lanes, TRUE);
      else if (i == 1)
        plot_lanes_set_lane_visible (f->lanes, 0, FALSE);
      else
        plot_lanes_clear_all_values (f->lanes);
      wait_for_rest (f->lanes);
      plot_lanes_set_frozen (f->lanes, FALSE);
      plot_lanes_set_lane_visible (f->lanes, 0, TRUE);
    }
}

int
main (int argc, char **argv)
{
  plot_test_init (&argc, &argv);
#define ADD(name, func) g_test_add ("/plots/lanes/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("selection", test_selection);
  ADD ("items-again", test_items_again);
  ADD ("keys", test_keys);
  ADD ("pointer", test_pointer);
  ADD ("zoom", test_zoom);
  ADD ("frozen", test_frozen);
  ADD ("nodes-cached", test_nodes_cached);
  ADD ("accessible", test_accessible);
  ADD ("table", test_table);
  ADD ("api", test_lanes_api);
  ADD ("modelled", test_modelled);
  ADD ("comes-to-rest", test_comes_to_rest);
#undef ADD
  return g_test_run ();
}
