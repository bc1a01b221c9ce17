/* Feeding a network in the window: by dropping files, from a folder, with what cannot be fed; the
 * result at once, of the previous recipe after a change, of the run after a run. With a small
 * network that the test's caller wrote. Needs a display. */
#include "app-test-window.h"

#include <glib/gstdio.h>
#include <stdlib.h>

static AppApplication *application;
static const char *network_path;
static char *folder;

static gboolean
is_idle (AppWindow *window)
{
  return eng_session_get_build (window->session) != NULL
         && eng_session_get_job (window->session) == NULL
         && !eng_session_get_running (window->session)
         && !app_inputs_is_reading (app_network_view_get_inputs (window->network));
}

static EngResult *
get_result (AppWindow *window)
{
  return app_output_view_get_result (app_network_view_get_output (window->network));
}

static gboolean
is_stale (AppWindow *window)
{
  return app_output_view_get_stale (app_network_view_get_output (window->network));
}

static gboolean
has_result (AppWindow *window)
{
  return is_idle (window) && get_result (window) != NULL;
}

static gboolean
is_fresh (AppWindow *window)
{
  return has_result (window) && !is_stale (window);
}

static gboolean
is_old (AppWindow *window)
{
  return is_idle (window) && is_stale (window);
}

static gboolean
has_run (AppWindow *window)
{
  return is_idle (window) && app_stage_get_run (window->stage) != NULL;
}

/* Numbers of the network's input type and shape, all @value, as a file. */
static char *
write_input (AppWindow *window, const char *name, float value)
{
  const EngImported *imported = eng_model_get_imported (eng_session_get_model (window->session));
  const RtValue *input = rt_graph_value (imported->graph, imported->inputs[0].value);
  guint64 n = rt_shape_n (&input->shape);
  g_autofree float *values = g_new (float, n);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (EngArray) array = NULL;
  g_autoptr (GBytes) npy = NULL;
  char *path = g_build_filename (folder, name, NULL);

  g_assert_cmpint (input->type, ==, RT_TYPE_F32);
  for (guint64 i = 0; i < n; i++)
    values[i] = value;
  bytes = g_bytes_new (values, n * sizeof *values);
  array = eng_array_new (RT_TYPE_F32, &input->shape, bytes);
  npy = eng_array_to_npy (array);
  g_assert_true (g_file_set_contents (path, g_bytes_get_data (npy, NULL),
                                      (gssize)g_bytes_get_size (npy), NULL));
  return path;
}

static AppWindow *
open_network (void)
{
  AppWindow *window = app_window_new (application);

  app_window_open_path (window, network_path, FALSE);
  gtk_window_present (GTK_WINDOW (window));
  app_test_wait_for (window, is_idle, "the network to open");
  return window;
}

static gboolean
drop (AppWindow *window, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  GSList files = { .data = file };

  return app_network_view_take_files (window->network, &files);
}

static const char *
result_name (AppWindow *window)
{
  return eng_input_get_name (eng_result_get_input (get_result (window)));
}

/* Random numbers at first, and no result of them; what is dropped is run on at once. */
static void
test_drop (void)
{
  AppWindow *window = open_network ();
  AppInputs *inputs = app_network_view_get_inputs (window->network);
  g_autofree char *path = write_input (window, "one.npy", 1);
  g_autoptr (EngWorkload) random = app_network_view_dup_workload (window->network, FALSE);
  g_autoptr (EngWorkload) workload = NULL;

  g_assert_true (app_inputs_is_random (inputs));
  g_assert_null (get_result (window));
  g_assert_true (random->inputs == NULL || random->inputs[0] == NULL);

  g_assert_true (drop (window, path));
  app_test_wait_for (window, has_result, "a result");
  g_assert_cmpstr (result_name (window), ==, "one.npy");
  g_assert_false (is_stale (window));
  workload = app_network_view_dup_workload (window->network, FALSE);
  g_assert_cmpstr (workload->inputs[0], ==, path);
  g_assert_null (workload->inputs[1]);

  app_inputs_choose_random (inputs);
  g_assert_null (get_result (window));
  gtk_window_destroy (GTK_WINDOW (window));
}

/* Models are not inputs: the window opens them. */
static void
test_drop_model (void)
{
  AppWindow *window = open_network ();

  g_assert_false (drop (window, network_path));
  g_assert_false (drop (window, "/nowhere/a.gguf"));
  g_assert_true (app_inputs_is_random (app_network_view_get_inputs (window->network)));
  gtk_window_destroy (GTK_WINDOW (window));
}

static void
set_threads (AppWindow *window, gint64 n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) recipe
      = eng_recipe_with (eng_session_get_recipe (window->session), "threads", "count", NULL,
                         g_variant_new_int64 (n), &error);

  g_assert_no_error (error);
  eng_session_set_recipe (window->session, recipe);
}

/* After a change the result is of the previous recipe, until it is asked for or measured again. */
static void
test_stale (void)
{
  AppWindow *window = open_network ();
  g_autofree char *path = write_input (window, "one.npy", 1);

  drop (window, path);
  app_test_wait_for (window, has_result, "a result");
  set_threads (window, 1);
  app_test_wait_for (window, is_old, "the result to be of the previous recipe");
  g_assert_cmpstr (result_name (window), ==, "one.npy");
  g_signal_emit_by_name (app_network_view_get_output (window->network), "update");
  app_test_wait_for (window, is_fresh, "the result of this recipe");

  eng_session_undo (window->session);
  app_test_wait_for (window, is_old, "the result to be of the previous recipe");
  g_action_group_activate_action (G_ACTION_GROUP (window), "run", NULL);
  app_test_wait_for (window, has_run, "the run");
  app_test_wait_for (window, is_fresh, "the run's result");
  g_assert_true (get_result (window) == eng_run_get_result (app_stage_get_run (window->stage)));
  gtk_window_destroy (GTK_WINDOW (window));
}

static void
note_failure (AppInputs *inputs, const GError *error, char **message)
{
  g_free (*message);
  *message = g_strdup (error->message);
}

/* What cannot be read or fed is said, and what was there stays. */
static void
test_wrong (void)
{
  AppWindow *window = open_network ();
  AppInputs *inputs = app_network_view_get_inputs (window->network);
  g_autofree char *path = write_input (window, "one.npy", 1);
  g_autofree char *broken = g_build_filename (folder, "broken.npy", NULL);
  g_autofree char *message = NULL;
  EngResult *result;

  g_assert_true (g_file_set_contents (broken, "\x93NUMPY but no more", -1, NULL));
  g_signal_connect (inputs, "failed", G_CALLBACK (note_failure), &message);
  drop (window, path);
  app_test_wait_for (window, has_result, "a result");
  result = get_result (window);

  drop (window, broken);
  app_test_wait_for (window, is_idle, "the broken file to be read");
  g_assert_nonnull (strstr (message, "broken.npy"));
  g_assert_true (get_result (window) == result);
  g_assert_cmpstr (app_inputs_get_path (inputs), ==, path);

  drop (window, "/nowhere/at-all.png");
  app_test_wait_for (window, is_idle, "a missing file to be missed");
  g_assert_nonnull (strstr (message, "at-all.png"));
  g_assert_true (get_result (window) == result);
  g_unlink (broken);
  gtk_window_destroy (GTK_WINDOW (window));
}

static gboolean
shows_two (AppWindow *window)
{
  return has_result (window) && g_str_equal (result_name (window), "two.npy");
}

static gboolean
shows_one (AppWindow *window)
{
  return has_result (window) && g_str_equal (result_name (window), "one.npy");
}

/* A folder's inputs by name, round and round; a continuous run is fed all of them. */
static void
test_folder (void)
{
  AppWindow *window = open_network ();
  AppInputs *inputs = app_network_view_get_inputs (window->network);
  g_autofree char *one = write_input (window, "one.npy", 1);
  g_autofree char *two = write_input (window, "two.npy", 2);
  g_autofree char *other = g_build_filename (folder, "README", NULL);
  g_autoptr (EngWorkload) all = NULL;

  g_assert_true (g_file_set_contents (other, "no input", -1, NULL));
  g_assert_true (drop (window, folder));
  app_test_wait_for (window, shows_one, "the first");
  g_assert_cmpuint (app_inputs_get_n (inputs), ==, 2);
  app_inputs_step (inputs, 1);
  app_test_wait_for (window, shows_two, "the second");
  g_assert_cmpuint (app_inputs_get_index (inputs), ==, 1);
  app_inputs_step (inputs, 1);
  app_test_wait_for (window, shows_one, "the first again");
  app_inputs_step (inputs, -1);
  app_test_wait_for (window, shows_two, "the last");
  g_assert_cmpuint (app_inputs_find (inputs, "two.npy"), ==, 1);
  g_assert_cmpuint (app_inputs_find (inputs, "three.npy"), ==, G_MAXUINT);
  all = app_network_view_dup_workload (window->network, TRUE);
  g_assert_cmpuint (g_strv_length (all->inputs), ==, 2);
  g_unlink (other);
  gtk_window_destroy (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  int status;

  app_test_use_own_home ();
  g_test_init (&argc, &argv, NULL);
  if (!gtk_init_check () || argc < 2)
    {
      g_print ("1..0 # SKIP there is no display, or no network was given\n");
      return EXIT_SUCCESS;
    }
  network_path = argv[1];
  folder = g_dir_make_tmp ("lathe-input-XXXXXX", NULL);
  application = app_test_application_new ();
  g_test_add_func ("/app/input/drop", test_drop);
  g_test_add_func ("/app/input/drop-model", test_drop_model);
  g_test_add_func ("/app/input/stale", test_stale);
  g_test_add_func ("/app/input/wrong", test_wrong);
  g_test_add_func ("/app/input/folder", test_folder);
  status = g_test_run ();
  g_object_unref (application);
  return status;
}
