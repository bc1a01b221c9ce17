/* The power part of the devices pane on recorded trees, and the energy lane with and without a
 * measured run. Needs a display. */
#include "app-lane.h"
#include "app-power-box.h"
#include "app-resources.h"
#include "eng-power.h"
#include "plots.h"
#include "../test-tree.h"

#include <adwaita.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define INA "sys/class/hwmon/hwmon0/"

/* A label below @widget that has a place and holds @text. */
static GtkWidget *
find_label (GtkWidget *widget, const char *text)
{
  if (!gtk_widget_get_visible (widget))
    return NULL;
  if (GTK_IS_LABEL (widget) && strstr (gtk_label_get_text (GTK_LABEL (widget)), text) != NULL)
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_label (child, text);
      if (found != NULL)
        return found;
    }
  return NULL;
}

static gboolean
on_deadline (gpointer late)
{
  *(gboolean *)late = TRUE;
  return G_SOURCE_REMOVE;
}

static void
wait_for_label (GtkWidget *widget, const char *text)
{
  gboolean late = FALSE;
  guint id = g_timeout_add_seconds (20, on_deadline, &late);
  while (find_label (widget, text) == NULL && !late)
    g_main_context_iteration (NULL, TRUE);
  if (late)
    g_error ("no label says \"%s\"", text);
  g_source_remove (id);
}

static void
test_box (void)
{
  char *root = test_tree_new ();
  g_autofree char *hwmon = g_strconcat ("hwmon:", root, NULL);
  g_autofree char *rapl = g_strconcat ("rapl:", root, NULL);
  GtkWidget *window = gtk_window_new (), *box;

  test_tree_put (root, INA "name", "ina219\n");
  test_tree_put (root, INA "power1_input", "3250000\n");
  g_setenv ("LATHE_METER", "none", TRUE);
  box = app_power_box_new ();
  gtk_window_set_child (GTK_WINDOW (window), box);
  gtk_window_present (GTK_WINDOW (window));
  wait_for_label (box, "No meter is wanted");

  app_power_box_choose (APP_POWER_BOX (box), hwmon);
  g_assert_true (app_power_box_get_busy (APP_POWER_BOX (box)));
  wait_for_label (box, "3.25");
  g_assert_nonnull (find_label (box, "Measured: the rail ina219"));
  g_assert_null (find_label (box, "modelled."));

  /* Gone while it is watched: an em dash and the reason, not zero. */
  g_autofree char *file = g_build_filename (root, INA "power1_input", NULL);
  g_remove (file);
  wait_for_label (box, "unavailable: ");
  g_assert_nonnull (find_label (box, "—"));
  g_assert_null (find_label (box, "0 W"));

  app_power_box_choose (APP_POWER_BOX (box), rapl);
  wait_for_label (box, "Energy is modelled: there are no RAPL counters");
  app_power_box_choose (APP_POWER_BOX (box), "none");
  wait_for_label (box, "No meter is wanted");
  gtk_window_destroy (GTK_WINDOW (window));
  eng_power_set_current (NULL);
  test_tree_free (root);
}

/* ---- The lane ---- */

typedef struct
{
  EngSession *session;
  AppStage *stage;
  PlotLanes *lanes;
  AppAxis *axis;
  AppLane lane;
  double *columns[APP_LANE_COLUMNS];
} Fixture;

static void
set_up (Fixture *f, gconstpointer path)
{
  f->session = eng_session_new (NULL);
  eng_session_open (f->session, path);
  while (eng_session_get_build (f->session) == NULL)
    g_main_context_iteration (NULL, TRUE);
  f->stage = app_stage_new (f->session, NULL);
  f->lanes = PLOT_LANES (g_object_ref_sink (plot_lanes_new ()));
  f->axis
      = app_axis_new (eng_session_get_model (f->session), NULL, eng_session_get_build (f->session));
  app_axis_install (f->axis, f->lanes);
  f->lane = (AppLane){ .stage = f->stage,
                       .axis = f->axis,
                       .lanes = f->lanes,
                       .phase = RT_PHASE_DECODE,
                       .phase_title = "Decode" };
  for (guint i = 0; i < APP_LANE_COLUMNS; i++)
    f->lane.columns[i] = f->columns[i] = g_new (double, app_axis_n_items (f->axis));
  f->lane.lane = app_lane_energy.add (&f->lane);
}

static void
tear_down (Fixture *f, gconstpointer path)
{
  for (guint i = 0; i < APP_LANE_COLUMNS; i++)
    g_free (f->columns[i]);
  app_axis_free (f->axis);
  g_object_unref (f->lanes);
  g_object_unref (f->stage);
  g_object_unref (f->session);
}

/* Sum over the layers, all of them in @state. */
static double
sum_of_layers (Fixture *f, PlotState state)
{
  double sum = 0;
  app_lane_energy.fill (&f->lane);
  app_lane_energy.fill_baseline (&f->lane);
  app_lane_energy.update_texts (&f->lane);
  for (guint i = 0; i < app_axis_n_items (f->axis); i++)
    {
      PlotState is;
      double value = plot_lanes_get_value (f->lanes, f->lane.lane, 0, i, NULL, NULL, &is);
      if (app_axis_get_node_name (f->axis, i) != NULL || isnan (value))
        continue;
      g_assert_cmpint (is, ==, state);
      sum += value;
    }
  return sum;
}

static EngRun *
run_build (Fixture *f)
{
  g_autoptr (EngWorkload) workload
      = eng_workload_new ("It is a truth universally acknowledged, that");
  g_autoptr (GError) error = NULL;
  workload->n_predict = 8;
  workload->ignore_end = TRUE;
  workload->budget_s = 0.2;
  EngRun *run
      = eng_run_new (eng_session_get_build (f->session), workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return run;
}

static void
test_lane_modelled (Fixture *f, gconstpointer path)
{
  /* Before any run, from the build. */
  g_assert_cmpfloat (sum_of_layers (f, PLOT_STATE_MODELLED), >, 0);
  g_autofree char *reading = plot_lanes_dup_reading (f->lanes, 1);
  g_assert_nonnull (strstr (reading, "Modelled energy"));

  /* The layers of a run add up to the figure that stands in the headline. */
  g_autoptr (EngRun) run = run_build (f);
  app_stage_show_run (f->stage, run);
  EngFigure figure = eng_run_get_figure (run, ENG_FIGURE_TOKEN_ENERGY_MODEL);
  g_assert_true (figure.available);
  g_assert_cmpfloat_with_epsilon (sum_of_layers (f, PLOT_STATE_MODELLED) / figure.value, 1, 1e-6);
}

static gpointer
move_counter (gpointer data)
{
  const char *root = ((gpointer *)data)[0];
  int *stop = ((gpointer *)data)[1];
  for (guint64 uj = 1000000; !g_atomic_int_get (stop); uj += 15000)
    {
      g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT "\n", uj);
      test_tree_put (root, "sys/class/powercap/intel-rapl:0/energy_uj", text);
      g_usleep (1000);
    }
  return NULL;
}

static void
test_lane_attributed (Fixture *f, gconstpointer path)
{
  char *root = test_tree_new ();
  g_autofree char *choice = g_strconcat ("rapl:", root, NULL);
  g_autoptr (GError) error = NULL;
  int stop = 0;
  gpointer data[] = { root, &stop };

  test_tree_put (root, "sys/class/powercap/intel-rapl:0/name", "package-0\n");
  test_tree_put (root, "sys/class/powercap/intel-rapl:0/max_energy_range_uj", "262143328850\n");
  test_tree_put (root, "sys/class/powercap/intel-rapl:0/energy_uj", "1000000\n");
  GThread *thread = g_thread_new ("counter", move_counter, data);
  g_assert_true (eng_power_choose (choice, NULL, &error));
  g_autoptr (EngRun) run = run_build (f);
  g_atomic_int_set (&stop, 1);
  g_thread_join (thread);
  eng_power_set_current (NULL);

  app_stage_show_run (f->stage, run);
  EngFigure figure = eng_run_get_figure (run, ENG_FIGURE_TOKEN_ENERGY);
  g_assert_true (figure.available);
  g_assert_cmpfloat_with_epsilon (sum_of_layers (f, PLOT_STATE_ATTRIBUTED) / figure.value, 1, 1e-6);
  g_autofree char *reading = plot_lanes_dup_reading (f->lanes, 1);
  g_assert_nonnull (strstr (reading, "Attributed energy"));
  test_tree_free (root);
}

int
main (int argc, char **argv)
{
  if (!gtk_init_check ())
    {
      g_print ("1..0 # SKIP no display\n");
      return 77;
    }
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  app_register_resource ();
  adw_init ();
  g_test_add_func ("/app/power/box", test_box);
  g_test_add ("/app/power/lane-modelled", Fixture, argv[1], set_up, test_lane_modelled, tear_down);
  g_test_add ("/app/power/lane-attributed", Fixture, argv[1], set_up, test_lane_attributed,
              tear_down);
  return g_test_run ();
}
