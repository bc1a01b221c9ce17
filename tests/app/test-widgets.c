/* The small widgets, one by one: what they show, what they say to a screen reader, and that nothing
 * notifies when nothing changed. Needs a display. */
#include "app-breakpoint.h"
#include "app-figure-tile.h"
#include "app-job-bar.h"
#include "app-model-button.h"
#include "app-models.h"
#include "app-param-row.h"
#include "app-path-button.h"
#include "app-resources.h"
#include "app-run-mode.h"
#include "app-selection.h"

#include <adwaita.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
count (gpointer object, GParamSpec *pspec, guint *n)
{
  (*n)++;
}

static void
spin (guint ms)
{
  gint64 end = g_get_monotonic_time () + (gint64)ms * 1000;

  while (g_get_monotonic_time () < end)
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (1000);
    }
}

static void
test_selection (void)
{
  g_autoptr (AppSelection) selection = app_selection_new ();
  guint n_layer = 0, n_node = 0, n_phase = 0;

  g_signal_connect (selection, "notify::layer", G_CALLBACK (count), &n_layer);
  g_signal_connect (selection, "notify::node", G_CALLBACK (count), &n_node);
  g_signal_connect (selection, "notify::phase", G_CALLBACK (count), &n_phase);

  app_selection_set_node (selection, 3, "blk.3.attn_q");
  app_selection_set_node (selection, 3, "blk.3.attn_q");
  g_assert_cmpuint (n_layer, ==, 1);
  g_assert_cmpuint (n_node, ==, 1);

  /* The same layer keeps its node, another one drops it. */
  app_selection_set_layer (selection, 3);
  g_assert_cmpstr (app_selection_get_node (selection), ==, "blk.3.attn_q");
  app_selection_set_layer (selection, 4);
  g_assert_null (app_selection_get_node (selection));
  g_assert_cmpuint (n_layer, ==, 2);
  g_assert_cmpuint (n_node, ==, 2);

  app_selection_set_phase (selection, RT_PHASE_DECODE); /* as it was */
  g_assert_cmpuint (n_phase, ==, 0);
  app_selection_set_phase (selection, RT_PHASE_PREFILL);
  g_assert_cmpuint (n_phase, ==, 1);
}

/* A bin of 400 pixels is compact, one of 900 medium, one of 1200 wide; a child that asks for more
 * does not keep the window from shrinking. */
static void
test_breakpoint (void)
{
  GtkWidget *window = gtk_window_new ();
  GtkWidget *breakpoint = app_breakpoint_new ();
  GtkWidget *child = gtk_label_new ("child");
  int min, natural;

  gtk_widget_set_size_request (child, 1000, 50);
  app_breakpoint_set_child (APP_BREAKPOINT (breakpoint), child);
  gtk_widget_measure (breakpoint, GTK_ORIENTATION_HORIZONTAL, -1, &min, &natural, NULL, NULL);
  g_assert_cmpint (min, ==, 360);
  g_assert_cmpint (natural, ==, 1000);

  gtk_window_set_child (GTK_WINDOW (window), breakpoint);
  const struct
  {
    int width;
    AppWidth expected;
  } cases[] = { { 400, APP_WIDTH_COMPACT }, { 859, APP_WIDTH_COMPACT }, { 860, APP_WIDTH_MEDIUM },
                { 900, APP_WIDTH_MEDIUM },  { 1100, APP_WIDTH_WIDE },   { 1200, APP_WIDTH_WIDE } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gtk_widget_measure (breakpoint, GTK_ORIENTATION_VERTICAL, cases[i].width, &min, &natural,
                          NULL, NULL);
      gtk_widget_allocate (breakpoint, cases[i].width, 100, -1, NULL);
      spin (20);
      for (guint k = 0;
           k < 150
           && app_breakpoint_get_width_class (APP_BREAKPOINT (breakpoint)) != cases[i].expected;
           k++)
        spin (20); /* a busy machine takes its time */
      g_assert_cmpint (app_breakpoint_get_width_class (APP_BREAKPOINT (breakpoint)), ==,
                       cases[i].expected);
    }
  gtk_window_destroy (GTK_WINDOW (window));
}

static void
test_tile (void)
{
  GtkWidget *tile = g_object_ref_sink (app_figure_tile_new ("Decode speed"));
  EngFigure figure = eng_figure_exact (200.0, "tok/s"), before = eng_figure_exact (100.0, "tok/s");
  AppChange change = app_change (&before, &figure, FALSE);
  guint n = 0;

  g_signal_connect (tile, "notify::title", G_CALLBACK (count), &n);
  app_figure_tile_set_title (APP_FIGURE_TILE (tile), "Decode speed");
  g_assert_cmpuint (n, ==, 0);
  app_figure_tile_set_title (APP_FIGURE_TILE (tile), "Prefill speed");
  g_assert_cmpuint (n, ==, 1);

  app_figure_tile_set (APP_FIGURE_TILE (tile), &figure, &change);
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (tile), GTK_ACCESSIBLE_ROLE_GROUP);
  g_assert_true (
      gtk_test_accessible_has_property (GTK_ACCESSIBLE (tile), GTK_ACCESSIBLE_PROPERTY_LABEL));
  g_object_unref (tile);
}

static const EngChoice choices[]
    = { { "f16", "F16", "16 bits" }, { "q8_0", "Q8_0", "8.5 bits" }, { NULL, NULL, NULL } };

static void
on_changed (AppParamRow *row, guint *n)
{
  (*n)++;
}

static GtkWidget *
find_type (GtkWidget *widget, GType type)
{
  if (G_TYPE_CHECK_INSTANCE_TYPE (widget, type))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_type (child, type);

      if (found != NULL)
        return found;
    }
  return NULL;
}

/* A choice counts at once when a person makes it, and says nothing when the recipe does. */
static void
test_choice_row (void)
{
  const EngParam param = { .id = "format",
                           .title = "Weight format",
                           .kind = ENG_PARAM_CHOICE,
                           .choices = choices,
                           .default_choice = "f16" };
  GtkWidget *row = g_object_ref_sink (app_param_row_new (&param, APP_PARAM_ROW_LAYER));
  GtkWidget *drop_down = find_type (row, GTK_TYPE_DROP_DOWN);
  guint n_changed = 0, n_value = 0;

  g_assert_nonnull (drop_down);
  g_signal_connect (row, "changed", G_CALLBACK (on_changed), &n_changed);
  g_signal_connect (row, "notify::value", G_CALLBACK (count), &n_value);

  app_param_row_set_value (APP_PARAM_ROW (row), g_variant_new_string ("q8_0"));
  g_assert_cmpuint (gtk_drop_down_get_selected (GTK_DROP_DOWN (drop_down)), ==,
                    2); /* after "As the model" */
  g_assert_cmpuint (n_changed, ==, 0);
  g_assert_cmpuint (n_value, ==, 1);
  app_param_row_set_value (APP_PARAM_ROW (row), g_variant_new_string ("q8_0"));
  g_assert_cmpuint (n_value, ==, 1);

  gtk_drop_down_set_selected (GTK_DROP_DOWN (drop_down), 1);
  g_assert_cmpuint (n_changed, ==, 1);
  g_assert_cmpstr (g_variant_get_string (app_param_row_get_value (APP_PARAM_ROW (row)), NULL), ==,
                   "f16");
  gtk_drop_down_set_selected (GTK_DROP_DOWN (drop_down), 0);
  g_assert_cmpuint (n_changed, ==, 2);
  g_assert_null (app_param_row_get_value (APP_PARAM_ROW (row)));
  g_object_unref (row);
}

/* A number counts once it has rested: ten steps are one change of the recipe. */
static void
test_number_row (void)
{
  const EngParam param = { .id = "threads",
                           .title = "Threads",
                           .kind = ENG_PARAM_INT,
                           .min = 1,
                           .max = 64,
                           .step = 1,
                           .default_value = 2 };
  GtkWidget *row = g_object_ref_sink (app_param_row_new (&param, APP_PARAM_ROW_WHOLE));
  GtkWidget *spin_button = find_type (row, GTK_TYPE_SPIN_BUTTON);
  guint n_changed = 0;

  g_signal_connect (row, "changed", G_CALLBACK (on_changed), &n_changed);
  app_param_row_set_value (APP_PARAM_ROW (row), g_variant_new_int64 (2));
  for (int i = 3; i <= 12; i++)
    gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin_button), i);
  g_assert_cmpuint (n_changed, ==, 0);
  spin (900);
  g_assert_cmpuint (n_changed, ==, 1);
  g_assert_cmpint (g_variant_get_int64 (app_param_row_get_value (APP_PARAM_ROW (row))), ==, 12);

  /* The recipe's word goes over what is still being typed. */
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin_button), 20);
  app_param_row_set_value (APP_PARAM_ROW (row), g_variant_new_int64 (4));
  spin (900);
  g_assert_cmpuint (n_changed, ==, 1);
  g_assert_cmpfloat (gtk_spin_button_get_value (GTK_SPIN_BUTTON (spin_button)), ==, 4.0);
  g_object_unref (row);
}

/* A path that is chosen or dropped counts at once; what is said is where it is, what is shown is
 * short. */
static void
test_path_row (void)
{
  const EngParam param = { .id = "set", .title = "Samples", .summary = "", .kind = ENG_PARAM_PATH };
  GtkWidget *row = g_object_ref_sink (app_param_row_new (&param, APP_PARAM_ROW_WHOLE));
  GtkWidget *button = find_type (row, APP_TYPE_PATH_BUTTON);
  guint n_changed = 0, n_notify = 0;

  g_assert_nonnull (button);
  g_signal_connect (row, "changed", G_CALLBACK (on_changed), &n_changed);
  g_signal_connect (button, "notify::path", G_CALLBACK (count), &n_notify);
  app_param_row_set_value (APP_PARAM_ROW (row), g_variant_new_string (""));
  app_param_row_set_value (APP_PARAM_ROW (row), g_variant_new_string ("/data/set.tar.gz"));
  g_assert_cmpstr (app_path_button_get_path (APP_PATH_BUTTON (button)), ==, "/data/set.tar.gz");
  g_assert_cmpuint (n_changed, ==, 0); /* the program's own doing */
  g_assert_cmpuint (n_notify, ==, 1);

  app_path_button_set_path (APP_PATH_BUTTON (button), "/data/other");
  app_path_button_set_path (APP_PATH_BUTTON (button), "/data/other");
  g_assert_cmpuint (n_changed, ==, 1);
  g_assert_cmpstr (g_variant_get_string (app_param_row_get_value (APP_PARAM_ROW (row)), NULL), ==,
                   "/data/other");
  gtk_widget_activate_action (button, "path.forget", NULL);
  g_assert_cmpuint (n_changed, ==, 2);
  g_assert_cmpstr (g_variant_get_string (app_param_row_get_value (APP_PARAM_ROW (row)), NULL), ==,
                   "");
  g_object_unref (row);
}

static char *
refuse_all (EngModel *model, const char *path)
{
  return g_strdup ("its vocabulary has 7 tokens, this model's 32000");
}

/* A model that is chosen counts at once; the recipe's own word does not come back as a change. */
static void
test_model_row (void)
{
  const EngParam param = { .id = "draft",
                           .title = "Draft model",
                           .summary = "",
                           .kind = ENG_PARAM_MODEL,
                           .refuse = refuse_all };
  GtkWidget *row = g_object_ref_sink (app_param_row_new (&param, APP_PARAM_ROW_WHOLE));
  GtkWidget *button = find_type (row, APP_TYPE_MODEL_BUTTON);
  guint n_changed = 0;

  g_assert_nonnull (button);
  g_signal_connect (row, "changed", G_CALLBACK (on_changed), &n_changed);
  app_param_row_set_value (APP_PARAM_ROW (row), g_variant_new_string ("/models/small.gguf"));
  g_assert_cmpstr (app_model_button_get_path (APP_MODEL_BUTTON (button)), ==, "/models/small.gguf");
  g_assert_cmpuint (n_changed, ==, 0);
  app_model_button_set_path (APP_MODEL_BUTTON (button), NULL);
  g_assert_cmpuint (n_changed, ==, 1);
  g_assert_cmpstr (g_variant_get_string (app_param_row_get_value (APP_PARAM_ROW (row)), NULL), ==,
                   "");
  g_object_unref (row);
}

/* Models beside the one that is open, each once, by name, without itself and without other
 * files. */
static void
test_models (void)
{
  g_autofree char *dir = g_dir_make_tmp ("lathe-models-XXXXXX", NULL);
  const char *names[] = { "b.gguf", "A.GGUF", "notes.txt" };
  g_autoptr (GPtrArray) list = NULL;
  g_autofree char *again = g_build_filename (dir, "sub", "..", "b.gguf", NULL);

  g_assert_nonnull (dir);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (dir, names[i], NULL);

      g_assert_true (g_file_set_contents (path, "x", 1, NULL));
    }
  g_setenv ("LATHE_MODELS", dir, TRUE);
  list = app_models_list (NULL, (const char *const[]){ again, "/nowhere/c.gguf", NULL });
  g_unsetenv ("LATHE_MODELS");
  guint n_here = 0;
  for (guint i = 0; i < list->len; i++)
    if (g_str_has_prefix (list->pdata[i], dir))
      {
        g_autofree char *name = g_path_get_basename (list->pdata[i]);

        g_assert_cmpstr (name, ==, n_here == 0 ? "A.GGUF" : "b.gguf");
        n_here++;
      }
    else
      g_assert_true (g_file_test (list->pdata[i], G_FILE_TEST_EXISTS));
  g_assert_cmpuint (n_here, ==, 2);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (dir, names[i], NULL);

      g_remove (path);
    }
  g_rmdir (dir);
}

static void
test_job_bar (void)
{
  GtkWidget *bar = g_object_ref_sink (app_job_bar_new ());
  g_autoptr (EngJob) job = eng_job_new ("Packing");
  guint n = 0;

  g_signal_connect (bar, "notify::active", G_CALLBACK (count), &n);
  app_job_bar_set_job (APP_JOB_BAR (bar), job);
  spin (100);
  g_assert_false (
      app_job_bar_get_active (APP_JOB_BAR (bar))); /* under 300 ms nothing is worth showing */
  spin (400);
  g_assert_true (app_job_bar_get_active (APP_JOB_BAR (bar)));
  eng_job_finish (job);
  spin (100);
  g_assert_false (app_job_bar_get_active (APP_JOB_BAR (bar)));
  g_assert_cmpuint (n, ==, 2);
  g_object_unref (bar);
}

static void
on_mode_changed (gpointer mode, guint *n)
{
  (*n)++;
}

/* How to run: what is chosen reaches the workload, and only when it is continuous. */
static void
test_run_mode (void)
{
  GtkWidget *widget = g_object_ref_sink (app_run_mode_new ());
  AppRunMode *mode = APP_RUN_MODE (widget);
  g_autoptr (EngWorkload) workload = eng_workload_new_input (NULL);
  g_autofree char *once = NULL;
  g_autofree char *paced = NULL;
  guint n = 0;

  app_run_mode_set_continuous (mode, FALSE);
  app_run_mode_set_rate (mode, 25.0);
  app_run_mode_apply (mode, workload);
  g_assert_cmpfloat (workload->seconds, ==, 0.0);
  g_assert_cmpfloat (workload->rate_hz, ==, 0.0);
  once = app_run_mode_dup_words (mode);
  g_assert_null (strstr (once, "25"));

  g_signal_connect (mode, "changed", G_CALLBACK (on_mode_changed), &n);
  app_run_mode_set_continuous (mode, TRUE);
  g_assert_cmpuint (n, >=, 1);
  app_run_mode_set_seconds (mode, 3.0);
  app_run_mode_apply (mode, workload);
  g_assert_cmpfloat (workload->seconds, ==, 3.0);
  g_assert_cmpfloat (workload->rate_hz, ==, 25.0);
  paced = app_run_mode_dup_words (mode);
  g_assert_nonnull (strstr (paced, "25 per second"));
  g_assert_nonnull (strstr (paced, "3 s"));

  app_run_mode_set_rate (mode, 0.0);
  app_run_mode_set_seconds (mode, INFINITY);
  app_run_mode_apply (mode, workload);
  g_assert_true (isinf (workload->seconds));
  g_assert_cmpfloat (workload->rate_hz, ==, 0.0);
  app_run_mode_set_continuous (mode, FALSE); /* it is remembered */
  g_object_unref (widget);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!gtk_init_check ())
    {
      g_print ("1..0 # SKIP there is no display\n");
      return EXIT_SUCCESS;
    }
  adw_init ();
  app_register_resource ();
  g_test_add_func ("/app/selection", test_selection);
  g_test_add_func ("/app/breakpoint", test_breakpoint);
  g_test_add_func ("/app/figure-tile", test_tile);
  g_test_add_func ("/app/param-row/choice", test_choice_row);
  g_test_add_func ("/app/param-row/number", test_number_row);
  g_test_add_func ("/app/param-row/path", test_path_row);
  g_test_add_func ("/app/param-row/model", test_model_row);
  g_test_add_func ("/app/models", test_models);
  g_test_add_func ("/app/job-bar", test_job_bar);
  g_test_add_func ("/app/run-mode", test_run_mode);
  return g_test_run ();
}
