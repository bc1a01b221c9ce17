/* The whole window with the default model: opens, fits a narrow screen, runs, changes the recipe
 * and back, says what is wrong with a wrong file. In one process, through the same actions as the
 * buttons; tests/e2e drives it from outside. Needs a display. */
#include "app-test-window.h"

#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>

static AppApplication *application;
static const char *model_path;

static gboolean
is_idle (AppWindow *window)
{
  return eng_session_get_model (window->session) != NULL
         && eng_session_get_build (window->session) != NULL
         && eng_session_get_job (window->session) == NULL
         && !eng_session_get_running (window->session);
}

static gboolean
has_run (AppWindow *window)
{
  return is_idle (window) && app_stage_get_run (window->stage) != NULL;
}

static gboolean
has_dialog_or_error (AppWindow *window)
{
  g_autoptr (GListModel) toplevels = g_object_ref (gtk_window_get_toplevels ());

  for (guint i = 0; i < g_list_model_get_n_items (toplevels); i++)
    {
      g_autoptr (GtkWindow) toplevel = g_list_model_get_item (toplevels, i);

      if (ADW_IS_MESSAGE_DIALOG (toplevel))
        return TRUE;
    }
  return g_strcmp0 (gtk_stack_get_visible_child_name (window->content), "empty") == 0;
}

static void
settle (guint ms)
{
  gint64 end = g_get_monotonic_time () + (gint64)ms * 1000;

  while (g_get_monotonic_time () < end)
    {
      g_main_context_iteration (NULL, FALSE);
      g_usleep (500);
    }
}

static AppWindow *
open_default (void)
{
  AppWindow *window = app_window_new (application);

  app_window_open_path (window, model_path, FALSE);
  gtk_window_present (GTK_WINDOW (window));
  app_test_wait_for (window, is_idle, "the model to open");
  return window;
}

static void
activate (AppWindow *window, const char *name, GVariant *parameter)
{
  g_action_group_activate_action (G_ACTION_GROUP (window), name, parameter);
}

static gboolean
is_enabled (AppWindow *window, const char *name)
{
  return g_action_group_get_action_enabled (G_ACTION_GROUP (window), name);
}

static void
test_open (void)
{
  AppWindow *window = open_default ();

  g_assert_cmpstr (gtk_stack_get_visible_child_name (window->content), ==, "session");
  g_assert_nonnull (strstr (gtk_window_get_title (GTK_WINDOW (window)),
                            eng_model_get_name (eng_session_get_model (window->session))));
  g_assert_true (is_enabled (window, "run"));
  g_assert_false (is_enabled (window, "stop"));
  g_assert_false (is_enabled (window, "undo"));
  g_assert_false (is_enabled (window, "pin-baseline"));
  gtk_window_destroy (GTK_WINDOW (window));
}

/* Name what is too wide, from the outside in. */
static void
report_wide (GtkWidget *widget, int limit)
{
  int min;

  gtk_widget_measure (widget, GTK_ORIENTATION_HORIZONTAL, -1, &min, NULL, NULL, NULL);
  if (min <= limit || !gtk_widget_get_visible (widget))
    return;
  g_test_message ("%s (%s) needs %d px", G_OBJECT_TYPE_NAME (widget), gtk_widget_get_name (widget),
                  min);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    report_wide (child, child == gtk_widget_get_last_child (widget) ? limit : MIN (limit, 160));
}

static void
check_width (AppWindow *window, int width, AppWidth expected)
{
  static const char *const pages[] = { "lanes", "text",        "tradeoff", "compare",  "accuracy",
                                       "price", "speculation", "roofline", "timeline", "history" };
  GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (window->breakpoint));
  int min;

  gtk_window_set_default_size (GTK_WINDOW (window), width + 14, 640); /* and its borders */
  settle (700);
  g_assert_cmpint (app_breakpoint_get_width_class (window->breakpoint), ==, expected);
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    {
      adw_view_stack_set_visible_child_name (window->views, pages[i]);
      settle (200);
      gtk_widget_measure (child, GTK_ORIENTATION_HORIZONTAL, -1, &min, NULL, NULL, NULL);
      if (min > width)
        report_wide (child, width);
      g_assert_cmpint (min, <=, width);
    }
}

/* The narrowest window of each arrangement has room for every page: nothing is cut off. A phone's
 * 360 px among them. */
static void
test_narrow (void)
{
  AppWindow *window = open_default ();

  activate (window, "run", NULL); /* pages with numbers are wider than empty ones */
  app_test_wait_for (window, has_run, "a run");
  activate (window, "apply-recipe",
            g_variant_new_string (
                "{\"lathe-recipe\":1,\"techniques\":{\"weight-format\":{\"format\":\"q8_0\"}}}"));
  app_test_wait_for (window, is_idle, "another build");
  activate (window, "run", NULL);
  app_test_wait_for (window, has_run, "another run");

  check_width (window, 1100, APP_WIDTH_WIDE);
  check_width (window, 860, APP_WIDTH_MEDIUM);
  check_width (window, 360, APP_WIDTH_COMPACT);
  gtk_window_destroy (GTK_WINDOW (window));
}

static void
test_run (void)
{
  AppWindow *window = open_default ();
  EngFigure figure;
  EngRun *run;

  activate (window, "run", NULL);
  g_assert_true (eng_session_get_running (window->session));
  g_assert_true (is_enabled (window, "stop"));
  app_test_wait_for (window, has_run, "the run to end");
  run = app_stage_get_run (window->stage);
  g_assert_cmpuint (eng_run_get_n_generated (run), >, 0);
  figure = app_stage_get_figure (window->stage, ENG_FIGURE_DECODE);
  g_assert_true (figure.available);
  g_assert_true (is_enabled (window, "pin-baseline"));
  g_assert_true (is_enabled (window, "export-run-csv"));

  /* Every block has been measured, and the plot has it. */
  g_autoptr (PlotTable) table
      = plot_figure_make_table (app_view_get_figure (APP_VIEW (window->lanes)));
  guint n_measured = 0;
  for (guint row = 0; row < plot_table_get_n_rows (table); row++)
    for (guint column = 0; column < plot_table_get_n_columns (table); column++)
      n_measured += !isnan (plot_table_get_number (table, row, column));
  g_assert_cmpuint (n_measured, >,
                    3 * eng_model_get_n_layers (eng_session_get_model (window->session)));
  gtk_window_destroy (GTK_WINDOW (window));
}

static char *
dup_format (AppWindow *window)
{
  return eng_recipe_get_string (eng_session_get_recipe (window->session), "weight-format", "format",
                                NULL);
}

/* Undo brings the recipe back, and the numbers that were measured with it. */
static void
test_undo (void)
{
  AppWindow *window = open_default ();
  g_autofree char *before = dup_format (window);
  EngRun *first, *second;

  activate (window, "run", NULL);
  app_test_wait_for (window, has_run, "the first run");
  first = g_object_ref (app_stage_get_run (window->stage));

  activate (window, "apply-recipe",
            g_variant_new_string (
                "{\"lathe-recipe\":1,\"techniques\":{\"weight-format\":{\"format\":\"q4_0\"}}}"));
  app_test_wait_for (window, is_idle, "the build in Q4_0");
  g_assert_null (app_stage_get_run (window->stage));
  g_assert_true (is_enabled (window, "undo"));
  activate (window, "run", NULL);
  app_test_wait_for (window, has_run, "the second run");
  second = g_object_ref (app_stage_get_run (window->stage));
  g_assert_true (app_stage_get_baseline (window->stage) == first);

  activate (window, "undo", NULL);
  app_test_wait_for (window, is_idle, "the build from before");
  g_autofree char *undone = dup_format (window);
  g_assert_cmpstr (undone, ==, before);
  g_assert_cmpstr (eng_run_get_id (app_stage_get_run (window->stage)), ==, eng_run_get_id (first));
  g_assert_true (is_enabled (window, "redo"));

  activate (window, "redo", NULL);
  app_test_wait_for (window, is_idle, "the build in Q4_0 again");
  g_autofree char *redone = dup_format (window);
  g_assert_cmpstr (redone, ==, "q4_0");
  g_assert_cmpstr (eng_run_get_id (app_stage_get_run (window->stage)), ==, eng_run_get_id (second));

  g_object_unref (first);
  g_object_unref (second);
  gtk_window_destroy (GTK_WINDOW (window));
}

/* A file that is no model: said in a dialog, and the model that was open stays. */
static void
test_wrong_file (void)
{
  AppWindow *window = open_default ();
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("lathe-test-XXXXXX.gguf", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, "this is not a model", -1, NULL));
  app_window_open_path (window, path, TRUE);
  app_test_wait_for (window, has_dialog_or_error, "the error to be shown");
  g_assert_nonnull (eng_session_get_model (window->session));
  g_assert_cmpstr (gtk_stack_get_visible_child_name (window->content), ==, "session");
  app_test_wait_for (window, is_idle, "the old model to be ready again");
  g_remove (path);
  gtk_window_destroy (GTK_WINDOW (window));
}

/* Closing in the middle of a run neither waits for it nor leaves anything behind that touches the
 * window. */
static void
test_close_while_running (void)
{
  AppWindow *window = open_default ();

  activate (window, "run", NULL);
  settle (5);
  gtk_window_close (GTK_WINDOW (window));
  settle (500);
}

/* A GtkTextView whose text becomes shorter asks for another size while sizes are being given out,
 * and GTK 4.8 then complains of its own doing for one frame. Everything else stays fatal. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE") && fields[i].length < 0
        && g_str_has_prefix (fields[i].value, "Trying to snapshot ")
        && g_str_has_suffix (fields[i].value, " without a current allocation"))
      return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, user_data);
}

int
main (int argc, char **argv)
{
  int status;

  app_test_use_own_home ();
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
  g_assert_cmpint (argc, ==, 2);
  model_path = argv[1];
  if (!gtk_init_check ())
    {
      g_print ("1..0 # SKIP there is no display\n");
      return EXIT_SUCCESS;
    }
  application = app_test_application_new ();

  g_test_add_func ("/app/window/open", test_open);
  g_test_add_func ("/app/window/narrow", test_narrow);
  g_test_add_func ("/app/window/run", test_run);
  g_test_add_func ("/app/window/undo", test_undo);
  g_test_add_func ("/app/window/wrong-file", test_wrong_file);
  g_test_add_func ("/app/window/close-while-running", test_close_while_running);
  status = g_test_run ();
  g_object_unref (application);
  return status;
}
