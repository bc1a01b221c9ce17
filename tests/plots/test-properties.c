/* Every type of the library: sets each writable property to a value of its own, then reads all of
 * them back. Finds the missing case, the wrong field and the shared number. Counts notifications on
 * the way. */

#include <math.h>
#include "plot-test-input.h"
#include "plots.h"

/* A value that no other property of the object has. */
static void
make_value (GParamSpec *pspec, guint salt, GValue *value)
{
  g_value_init (value, pspec->value_type);
  if (G_IS_PARAM_SPEC_STRING (pspec))
    g_value_take_string (value, g_strdup_printf ("text %u", salt));
  else if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    g_value_set_boolean (value, !G_PARAM_SPEC_BOOLEAN (pspec)->default_value);
  else if (G_IS_PARAM_SPEC_INT (pspec))
    g_value_set_int (value, (int)salt % 3); /* an item that exists */
  else if (G_IS_PARAM_SPEC_DOUBLE (pspec))
    g_value_set_double (value, 0.01 * salt);
  else if (G_IS_PARAM_SPEC_UINT (pspec))
    g_value_set_uint (value, G_PARAM_SPEC_UINT (pspec)->minimum + salt + 1);
  else if (G_IS_PARAM_SPEC_ENUM (pspec))
    g_value_set_enum (value, G_PARAM_SPEC_ENUM (pspec)->default_value == 0 ? 1 : 0);
  else
    g_error ("no value for a property of type %s: extend this test",
             g_type_name (pspec->value_type));
}

static gboolean
is_ours (GParamSpec *pspec)
{
  /* What an interface of GTK asks for (GtkScrollable) is set by the widget around. */
  return g_str_has_prefix (g_type_name (pspec->owner_type), "Plot")
         && g_param_spec_get_redirect_target (pspec) == NULL;
}

static void
count_up (GObject *object, GParamSpec *pspec, guint *count)
{
  (*count)++;
}

static void
round_trip (GObject *object)
{
  guint n_specs;
  g_autofree GParamSpec **specs
      = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n_specs);
  g_autofree GValue *values = g_new0 (GValue, MAX (1, n_specs));

  for (guint i = 0; i < n_specs; i++)
    {
      g_autofree char *detail = g_strconcat ("notify::", specs[i]->name, NULL);
      guint count = 0;
      gulong handler;

      if (!is_ours (specs[i]) || (specs[i]->flags & G_PARAM_READWRITE) != G_PARAM_READWRITE)
        continue;
      make_value (specs[i], i, &values[i]);
      handler = g_signal_connect (object, detail, G_CALLBACK (count_up), &count);
      g_object_set_property (object, specs[i]->name, &values[i]);
      g_assert_cmpuint (count, ==, 1);
      g_object_set_property (object, specs[i]->name, &values[i]);
      g_assert_cmpuint (count, ==, 1); /* silent when nothing changed */
      g_signal_handler_disconnect (object, handler);
    }
  for (guint i = 0; i < n_specs; i++)
    {
      g_auto (GValue) back = G_VALUE_INIT;

      if (!is_ours (specs[i]) || !(specs[i]->flags & G_PARAM_READABLE))
        continue;
      g_value_init (&back, specs[i]->value_type);
      g_object_get_property (object, specs[i]->name, &back);
      if (G_IS_VALUE (&values[i]) && g_param_values_cmp (specs[i], &values[i], &back) != 0)
        {
          g_autofree char *want = g_strdup_value_contents (&values[i]);
          g_autofree char *got = g_strdup_value_contents (&back);

          g_error ("%s:%s was set to %s and reads %s", G_OBJECT_TYPE_NAME (object), specs[i]->name,
                   want, got);
        }
      if (G_IS_VALUE (&values[i]))
        g_value_unset (&values[i]);
    }
}

static void
test_lanes (void)
{
  const PlotItem items[]
      = { { "a", NULL, NULL, -1 }, { "b", NULL, NULL, -1 }, { "c", NULL, NULL, -1 } };
  GtkWidget *lanes = g_object_ref_sink (plot_lanes_new ());

  plot_lanes_set_items (PLOT_LANES (lanes), items, 3);
  round_trip (G_OBJECT (lanes));
  g_object_unref (lanes);
}

static void
test_chart (void)
{
  GtkWidget *chart = g_object_ref_sink (plot_chart_new ());

  round_trip (G_OBJECT (chart));
  g_object_unref (chart);
}

static void
test_graph (void)
{
  GtkWidget *graph = g_object_ref_sink (plot_graph_new ());
  PlotGraphNode nodes[100];
  char ids[100][16];

  for (guint i = 0; i < 100; i++) /* whatever make_value () chooses is the id of a node */
    {
      g_snprintf (ids[i], sizeof ids[i], "text %u", i);
      nodes[i] = (PlotGraphNode){ ids[i], NULL, NULL, PLOT_GRAPH_NO_GROUP };
    }
  plot_graph_set_graph (PLOT_GRAPH (graph), &(PlotGraphData){ .nodes = nodes, .n_nodes = 100 });
  round_trip (G_OBJECT (graph));
  g_object_unref (graph);
}

static void
test_memory (void)
{
  GtkWidget *memory = g_object_ref_sink (plot_memory_new ());
  const PlotMemoryStep steps[3] = { { "a", NULL }, { "b", NULL }, { "c", NULL } };
  PlotMemoryBuffer buffers[100];
  char ids[100][16];

  for (guint i = 0; i < 100; i++) /* whatever make_value () chooses is the id of a buffer */
    {
      g_snprintf (ids[i], sizeof ids[i], "text %u", i);
      buffers[i] = (PlotMemoryBuffer){ .id = ids[i], .last = 2, .offset = i * 8, .bytes = 8 };
    }
  plot_memory_set_data (PLOT_MEMORY (memory),
                        &(PlotMemoryData){
                            .buffers = buffers, .n_buffers = 100, .steps = steps, .n_steps = 3 });
  round_trip (G_OBJECT (memory));
  g_object_unref (memory);
}

static void
test_heat (void)
{
  GtkWidget *heat = g_object_ref_sink (plot_heat_new (""));
  const char *const columns[] = { "a" };
  const PlotHeatCell cell = { .value = 1, .text = "1", .bar = 1 };

  plot_heat_set_columns (PLOT_HEAT (heat), columns, 1, "loss", &PLOT_UNIT_PLAIN, "time",
                         &PLOT_UNIT_NS);
  for (guint i = 0; i < 3; i++)
    plot_heat_add_row (PLOT_HEAT (heat), "row", &cell, NULL);
  round_trip (G_OBJECT (heat));
  g_object_unref (heat);
}

static void
test_spark (void)
{
  GtkWidget *spark = g_object_ref_sink (plot_spark_new ("s", NULL));

  round_trip (G_OBJECT (spark));
  g_object_unref (spark);
}

static void
test_result (void)
{
  GtkWidget *result = g_object_ref_sink (plot_result_new ());
  const PlotResultBox boxes[3]
      = { { .x1 = 1, .y1 = 1 }, { .x1 = 1, .y1 = 1 }, { .x1 = 1, .y1 = 1 } };

  plot_result_set_data (PLOT_RESULT (result), &(PlotResultData){ .kind = PLOT_RESULT_PICTURE,
                                                                 .boxes = boxes,
                                                                 .n_boxes = 3 });
  round_trip (G_OBJECT (result));
  g_object_unref (result);
}

static void
test_axis (void)
{
  g_autoptr (PlotAxis) axis = plot_axis_new ("", NULL);

  round_trip (G_OBJECT (axis));
}

static void
test_series_and_layer (void)
{
  g_autoptr (PlotSeries) series = plot_series_new ("");
  g_autoptr (PlotLayer) layer = plot_layer_new (&plot_layer_line, series);

  round_trip (G_OBJECT (series));
  round_trip (G_OBJECT (layer));
}

/* g_object_new () alone must give an object that can be drawn, read and freed. */
static void
test_bare (void)
{
  const GType types[]
      = { PLOT_TYPE_LANES,  PLOT_TYPE_CHART, PLOT_TYPE_GRAPH,
          PLOT_TYPE_MEMORY, PLOT_TYPE_SPARK, PLOT_TYPE_TIMELINE,
          PLOT_TYPE_FOREST };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      GtkWidget *widget = g_object_ref_sink (g_object_new (types[i], NULL));
      g_autoptr (PlotTable) table = plot_figure_make_table (PLOT_FIGURE (widget));
      GtkWidget *window = plot_test_window (widget, 200, 100);

      g_assert_cmpuint (plot_table_get_n_rows (table), ==, 0);
      g_assert_cmpstr (plot_figure_get_title (PLOT_FIGURE (widget)), ==, "");
      gtk_window_destroy (GTK_WINDOW (window));
      g_assert_finalize_object (widget);
    }
}

int
main (int argc, char **argv)
{
  plot_test_init (&argc, &argv);
  g_test_add_func ("/plots/properties/lanes", test_lanes);
  g_test_add_func ("/plots/properties/chart", test_chart);
  g_test_add_func ("/plots/properties/graph", test_graph);
  g_test_add_func ("/plots/properties/memory", test_memory);
  g_test_add_func ("/plots/properties/spark", test_spark);
  g_test_add_func ("/plots/properties/heat", test_heat);
  g_test_add_func ("/plots/properties/result", test_result);
  g_test_add_func ("/plots/properties/axis", test_axis);
  g_test_add_func ("/plots/properties/series-and-layer", test_series_and_layer);
  g_test_add_func ("/plots/properties/bare", test_bare);
  return g_test_run ();
}
