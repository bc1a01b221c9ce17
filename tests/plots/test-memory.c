/* PlotMemory: what is alive, hit testing, selections, keys, pointer, view, words, tables. */

#include <math.h>
#include "plot-memory-private.h"
#include "plot-test-input.h"
#include "plot-test-memory.h"
#include "plots.h"

/* Four steps, 100 bytes:
 *
 *   70 .. 100        b b b
 *   40 ..  70    a a a . .     (in shares the address of c, one after the other)
 *    0 ..  40    in in  c c
 */
static const PlotMemoryBuffer buffers[] = {
  { "b", "buffer b", "[30]", PLOT_MEMORY_ACTIVATION, 1, 3, 70, 30 },
  { "in", NULL, NULL, PLOT_MEMORY_INPUT, 0, 1, 0, 40 },
  { "a", NULL, NULL, PLOT_MEMORY_ACTIVATION, 0, 2, 40, 30 },
  { "c", NULL, NULL, PLOT_MEMORY_STATE, 2, 3, 0, 35 },
};
static const PlotMemoryStep steps[]
    = { { "s0", "x" }, { "s1", "x" }, { "s2", "y" }, { "s3", "y" } };
static const PlotMemoryData data_of_four = {
  .buffers = buffers, .n_buffers = 4, .steps = steps, .n_steps = 4, .lower_bound_bytes = 100
};

typedef struct
{
  GtkWidget *window, *widget;
  PlotMemory *memory;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->memory = PLOT_MEMORY (g_object_ref_sink (plot_memory_new ()));
  f->widget = GTK_WIDGET (f->memory);
  plot_memory_set_data (f->memory, &data_of_four);
  f->window = plot_test_window (f->widget, 600, 400);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (f->window));
  g_assert_finalize_object (f->memory);
}

static void
count_up (GObject *object, GParamSpec *pspec, guint *count)
{
  (*count)++;
}

static void
test_alive (Fixture *f, gconstpointer data)
{
  const guint64 expected[] = { 70, 100, 95, 65 };
  const PlotMemoryBuffer shared[] = { { "p", NULL, NULL, PLOT_MEMORY_ACTIVATION, 0, 1, 0, 64 },
                                      { "q", NULL, NULL, PLOT_MEMORY_ACTIVATION, 1, 2, 0, 64 } };

  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (plot_memory_get_alive_bytes (f->memory, i), ==, expected[i]);
  g_assert_cmpint (plot_memory_get_peak_step (f->memory), ==, 1);
  g_assert_cmpuint (f->memory->model->total_bytes, ==, 100); /* from the buffers */

  /* Two that share memory count once. */
  plot_memory_set_data (f->memory,
                        &(PlotMemoryData){
                            .buffers = shared, .n_buffers = 2, .steps = steps, .n_steps = 4 });
  g_assert_cmpuint (plot_memory_get_alive_bytes (f->memory, 1), ==, 64);
  g_assert_cmpuint (plot_memory_get_alive_bytes (f->memory, 3), ==, 0);
}

/* Against adding up by hand, on a larger placement. */
static void
test_alive_many (Fixture *f, gconstpointer data)
{
  PlotTestMemory m = plot_test_memory_new (300);
  PlotMemoryData given = plot_test_memory_data (&m);

  plot_memory_set_data (f->memory, &given);
  for (guint s = 0; s < 300; s++)
    {
      guint64 sum = 0;

      for (guint i = 0; i < m.n_buffers; i++)
        if (m.buffers[i].first <= s && s <= m.buffers[i].last)
          sum += m.buffers[i].bytes;
      g_assert_cmpuint (plot_memory_get_alive_bytes (f->memory, s), ==, sum);
    }
  g_assert_cmpuint (plot_memory_get_alive_bytes (f->memory,
                                                 (guint)plot_memory_get_peak_step (f->memory)),
                    ==, m.lower_bound_bytes);
  plot_test_memory_clear (&m);
}

static void
test_selection (Fixture *f, gconstpointer data)
{
  guint count = 0, step_count = 0;

  g_signal_connect (f->memory, "notify::selected", G_CALLBACK (count_up), &count);
  g_signal_connect (f->memory, "notify::selected-step", G_CALLBACK (count_up), &step_count);
  plot_memory_set_selected (f->memory, "a");
  plot_memory_set_selected (f->memory, "a");
  g_assert_cmpuint (count, ==, 1);
  plot_memory_set_selected (f->memory, "nobody");
  g_assert_null (plot_memory_get_selected (f->memory));
  plot_memory_set_selected_step (f->memory, 3);
  plot_memory_set_selected_step (f->memory, 4); /* out of range */
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, -1);
  g_assert_cmpuint (step_count, ==, 2);

  plot_memory_set_selected (f->memory, "b");
  plot_memory_set_selected_step (f->memory, 3);
  plot_memory_set_data (f->memory, &data_of_four);
  g_assert_cmpstr (plot_memory_get_selected (f->memory), ==, "b");
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, 3);
  g_assert_cmpuint (count, ==, 3);
  plot_memory_set_data (f->memory, NULL);
  g_assert_null (plot_memory_get_selected (f->memory));
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, -1);
  g_assert_cmpuint (count, ==, 4);
  g_assert_cmpuint (step_count, ==, 4);
  g_assert_cmpint (plot_memory_get_peak_step (f->memory), ==, -1);
  gtk_test_widget_wait_for_draw (f->window);
}

static void
on_activated (PlotMemory *memory, const char *id, char **last)
{
  g_free (*last);
  *last = g_strdup (id);
}

static void
test_keys (Fixture *f, gconstpointer data)
{
  g_autofree char *activated = NULL;

  g_signal_connect (f->memory, "buffer-activated", G_CALLBACK (on_activated), &activated);
  g_assert_false (plot_test_key (f->widget, GDK_KEY_Escape)); /* a dialog may want it */
  g_assert_true (plot_test_key (f->widget, GDK_KEY_p));
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, 1);
  plot_test_key (f->widget, GDK_KEY_Up);
  g_assert_cmpstr (plot_memory_get_selected (f->memory), ==, "in");
  plot_test_key (f->widget, GDK_KEY_Up);
  plot_test_key (f->widget, GDK_KEY_Up);
  plot_test_key (f->widget, GDK_KEY_Up);
  g_assert_cmpstr (plot_memory_get_selected (f->memory), ==, "b"); /* the topmost */
  plot_test_key (f->widget, GDK_KEY_Down);
  g_assert_cmpstr (plot_memory_get_selected (f->memory), ==, "a");
  plot_test_key (f->widget, GDK_KEY_Return);
  g_assert_cmpstr (activated, ==, "a");
  plot_test_key (f->widget, GDK_KEY_Right);
  g_assert_cmpstr (plot_memory_get_selected (f->memory), ==, "a"); /* alive at step 2, too */
  plot_test_key (f->widget, GDK_KEY_Right);
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, 3);
  g_assert_null (plot_memory_get_selected (f->memory));
  plot_test_key (f->widget, GDK_KEY_Right);
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, 3);
  plot_test_key (f->widget, GDK_KEY_Home);
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, 0);
  plot_test_key (f->widget, GDK_KEY_End);
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, 3);
  g_assert_true (plot_test_key (f->widget, GDK_KEY_Escape));
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, -1);
  g_assert_false (plot_test_key (f->widget, GDK_KEY_a));
}

static void
test_pointer (Fixture *f, gconstpointer data)
{
  g_autofree char *hovered = NULL;
  const PlotMemoryLayout *layout = &f->memory->layout;

  gtk_test_widget_wait_for_draw (f->window);
  plot_test_motion (f->widget, plot_memory_px (layout, 2.5), plot_memory_py (layout, 85));
  g_object_get (f->memory, "hovered", &hovered, NULL);
  g_assert_cmpstr (hovered, ==, "b");
  gtk_test_widget_wait_for_draw (f->window); /* with a card */
  plot_test_click (f->widget, 1, plot_memory_px (layout, 2.5), plot_memory_py (layout, 20));
  g_assert_cmpstr (plot_memory_get_selected (f->memory), ==, "c");
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, 2);
  /* Free memory: the step alone. */
  plot_test_click (f->widget, 1, plot_memory_px (layout, 0.5), plot_memory_py (layout, 90));
  g_assert_null (plot_memory_get_selected (f->memory));
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, 0);
  plot_test_click (f->widget, 1, 2, 2);
  g_assert_cmpint (plot_memory_get_selected_step (f->memory), ==, -1);
  plot_test_leave (f->widget);
  g_assert_cmpuint (f->memory->hovered, ==, PLOT_MEMORY_NONE);
}

static void
test_zoom (Fixture *f, gconstpointer data)
{
  PlotTestMemory m = plot_test_memory_new (200);
  PlotMemoryData given = plot_test_memory_data (&m);
  double x;

  plot_memory_set_data (f->memory, &given);
  plot_test_memory_clear (&m);
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_true (f->memory->fitted);
  x = plot_memory_px (&f->memory->layout, 150.5);
  plot_test_motion (f->widget, x, 200);
  g_assert_true (plot_test_scroll (f->widget, 0, -1));
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_false (f->memory->fitted);
  g_assert_cmpfloat_with_epsilon (plot_memory_px (&f->memory->layout, 150.5), x, 1e-6);
  for (guint i = 0; i < 40; i++)
    plot_test_scroll (f->widget, 0, -1);
  g_assert_cmpfloat_with_epsilon (f->memory->view1 - f->memory->view0, 4, 1e-9);
  plot_memory_set_selected_step (f->memory, 3); /* comes into view */
  g_assert_cmpfloat (f->memory->view0, <=, 3);
  g_assert_cmpfloat (f->memory->view1, >=, 4);
  plot_test_key (f->widget, GDK_KEY_0);
  g_assert_true (f->memory->fitted);
  g_object_set (f->memory, "scroll-zooms", FALSE, NULL);
  g_assert_false (plot_test_scroll (f->widget, 0, -1)); /* for a scrolled window around */
}

static void
test_node_cached (Fixture *f, gconstpointer data)
{
  GskRenderNode *node;

  gtk_test_widget_wait_for_draw (f->window);
  node = f->memory->node;
  g_assert_nonnull (node);
  plot_test_motion (f->widget, 300, 200);
  gtk_test_widget_wait_for_draw (f->window);
  plot_memory_set_selected (f->memory, "b");
  gtk_test_widget_wait_for_draw (f->window);
  g_assert_true (f->memory->node == node);
}

static void
test_words (Fixture *f, gconstpointer data)
{
  g_autofree char *nothing = plot_memory_dup_reading (f->memory);
  g_autofree char *both = NULL;

  gtk_test_accessible_assert_role (f->widget, GTK_ACCESSIBLE_ROLE_IMG);
  gtk_test_accessible_assert_property (f->widget, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Memory. 4 buffers over 4 steps, none selected.");
  g_assert_cmpstr (nothing, ==, "");
  plot_memory_set_selected_step (f->memory, 1);
  plot_memory_set_selected (f->memory, "b");
  both = plot_memory_dup_reading (f->memory);
  g_assert_cmpstr (
      both, ==,
      "Step 1 of 4, s1: 3 buffers alive, 100\u202fB of 100\u202fB, the peak. buffer b, "
      "activation, 30\u202fB, steps 1 to 3, at 70\u202fB.");
}

static void
test_tables (Fixture *f, gconstpointer data)
{
  g_autoptr (PlotTable) all = plot_figure_make_table (PLOT_FIGURE (f->memory));
  g_autoptr (PlotTable) alive = plot_memory_make_alive_table (f->memory, 2);
  g_autofree char *first = plot_table_dup_cell (alive, 0, 0);

  g_assert_cmpuint (plot_table_get_n_rows (all), ==, 4);
  g_assert_cmpuint (plot_table_get_n_rows (alive), ==, 3);
  g_assert_cmpstr (first, ==, "c"); /* the largest */
  g_assert_cmpfloat_with_epsilon (plot_table_get_number (alive, 0, 3), 35 / 95.0, 1e-12);
  g_assert_cmpstr (plot_table_get_title (alive), ==, "Alive at step 2, s2");
}

int
main (int argc, char **argv)
{
  plot_test_init (&argc, &argv);
#define ADD(name, func) g_test_add ("/plots/memory/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("alive", test_alive);
  ADD ("alive-many", test_alive_many);
  ADD ("selection", test_selection);
  ADD ("keys", test_keys);
  ADD ("pointer", test_pointer);
  ADD ("zoom", test_zoom);
  ADD ("node-cached", test_node_cached);
  ADD ("words", test_words);
  ADD ("tables", test_tables);
#undef ADD
  return g_test_run ();
}
