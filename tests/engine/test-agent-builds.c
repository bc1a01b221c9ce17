/* What the studio does with a real lathe-agent beside pushing: builds that are kept and going back
 * to one, space that a quota leaves, a board that is added a second time. */
#include <string.h>

#include "../test-tree.h"
#include "eng-board-builds.h"
#include "eng-devices.h"
#include "eng-error.h"
#include "eng-push.h"
#include "eng-runners.h"
#include "eng-test-agent.h"
#include "eng-test.h"
#include "push-case.h"

static gboolean
say_yes (EngDevice *device, const char *title, const char *text, gpointer data)
{
  return TRUE;
}

static char *
give_code (EngDevice *device, const char *title, const char *text, gboolean *keep, gpointer code)
{
  return g_strdup (code);
}

static EngDevice *
new_device (EngTestAgent *board, const char *name, const char *host)
{
  g_autoptr (GHashTable) settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  g_hash_table_insert (settings, g_strdup ("host"), g_strdup (host));
  g_hash_table_insert (settings, g_strdup ("port"), g_strdup_printf ("%u", board->port));
  return eng_device_new (NULL, name, &eng_transport_agent, settings);
}

/* With a code that the board shows. */
static gboolean
contact (EngTestAgent *board, EngDevice *device, GError **error)
{
  g_autofree char *code = NULL;
  GSubprocess *process = eng_test_agent_pair (board, &code);
  EngAsk ask = { .confirm = say_yes, .secret = give_code, .user_data = code };
  gboolean ok = eng_device_contact (device, &ask, NULL, error);

  g_subprocess_wait (process, NULL, NULL);
  g_object_unref (process);
  return ok;
}

static gboolean
has_runner (EngTestAgent *board)
{
  g_autofree char *token = NULL;
  g_autoptr (GError) error = NULL;
  EngLink *link = eng_test_agent_link (board, &token);
  g_autofree char *machine = eng_link_machine (link, NULL, NULL);
  g_autofree char *runner = eng_runner_find (machine, &error);

  eng_link_close (link);
  if (runner == NULL)
    g_test_skip (error->message);
  return runner != NULL;
}

/* ---- Quota ---- */

static const EngPreflightItem *
find_item (const GPtrArray *items, const char *id)
{
  for (guint i = 0; i < items->len; i++)
    if (g_str_equal (((const EngPreflightItem *)items->pdata[i])->id, id))
      return items->pdata[i];
  g_assert_not_reached ();
}

/* A build of some 3 MB, and 4 MB for what else is in its file. */
static void
check_quota (const char *quota, gsize n_kept, EngPreflightState state, const char *says)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (quota);
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build
      = eng_test_build (model, "{\"weight-format\": {\"format\": \"q4_0\"}}", NULL);
  g_autoptr (EngWorkload) workload = eng_workload_new ("Once");
  g_autoptr (EngDevice) device = NULL;
  g_autoptr (GError) error = NULL;

  if (!has_runner (board))
    return;
  device = new_device (board, "Board", board->address);
  if (n_kept > 0)
    {
      g_autofree char *token = NULL;
      EngLink *link = eng_test_agent_link (board, &token);
      g_autofree char *path = g_build_filename (board->folder, "kept", NULL);
      g_autofree char *bytes = g_malloc0 (n_kept);

      g_assert_true (g_file_set_contents (path, bytes, (gssize)n_kept, NULL));
      g_assert_true (
          eng_link_put (link, path, "older.lathe-build", FALSE, NULL, NULL, NULL, &error));
      eng_link_close (link);
    }
  contact (board, device, &error);
  g_assert_no_error (error);
  g_autoptr (EngBoard) told = eng_device_dup_board (device);
  g_assert_true (told->limited);
  g_assert_cmpuint (told->kept_bytes, ==, n_kept);
  g_autoptr (GPtrArray) items = eng_preflight (device, build, workload);
  const EngPreflightItem *space = find_item (items, "space");
  g_test_message ("%s: %s", quota, space->text);
  g_assert_cmpint (space->state, ==, state);
  g_assert_nonnull (strstr (space->text, says));
  g_assert_cmpint (eng_preflight_passed (items), ==, state != ENG_PREFLIGHT_FAILED);
  if (state == ENG_PREFLIGHT_FAILED)
    {
      g_assert_nonnull (strstr (space->text, "--quota"));
      g_assert_cmpstr (space->remedy, ==, "lathe devices clean 'Board'");
      /* And so a push ends before anything of the build is sent. */
      EngPushTimes times;
      EngPushOptions options = { .directory = board->folder };
      g_assert_null (
          eng_push_run (device, build, workload, NULL, NULL, NULL, &options, &times, NULL, &error));
      g_assert_nonnull (strstr (error->message, "quota"));
      g_assert_cmpuint (times.n_copied, ==, 0);
    }
}

static void
test_quota (void)
{
  check_quota ("4M", 0, ENG_PREFLIGHT_FAILED, "quota of 4");
  check_quota ("12M", 7 << 20, ENG_PREFLIGHT_WARNING, "make way");
  check_quota ("12M", 0, ENG_PREFLIGHT_OK, "quota of 12");
}

/* ---- Twice ---- */

static void
note_merged (EngDevices *devices, EngDevice *kept, EngDevice *gone, gpointer data)
{
  ++*(guint *)data;
}

static guint
count_saved (EngDevices *devices)
{
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (devices)); i++)
    {
      g_autoptr (EngDevice) device = g_list_model_get_item (G_LIST_MODEL (devices), i);
      n += eng_device_is_saved (device);
    }
  return n;
}

/* Lines "paired" of the service's status, waiting until they are @n_wanted. */
static guint
count_paired (EngTestAgent *board, guint n_wanted)
{
  guint n = 0;

  for (guint tries = 0; tries < 50; tries++)
    {
      int status;
      g_autofree char *text = eng_test_agent_command (board, &status, "status", NULL);
      n = 0;
      for (const char *at = text; (at = strstr (at, "\npaired ")) != NULL; at++)
        n++;
      if (n == n_wanted)
        break;
      g_usleep (100000);
    }
  return n;
}

/* The same board, added and paired again under another name: one entry is left, the first, with its
 * id, its name and what was set of it; another board stays another. */
static void
test_twice (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autoptr (EngTestAgent) other_board = eng_test_agent_new (NULL);
  g_autofree char *folder = test_tree_new ();
  g_autofree char *path = g_build_filename (folder, "devices.json", NULL);
  g_autoptr (GError) error = NULL;
  guint n_merged = 0;

  if (!has_runner (board))
    return;
  g_autoptr (EngDevices) devices = eng_devices_new (path, &error);
  g_assert_no_error (error);
  g_signal_connect (devices, "merged", G_CALLBACK (note_merged), &n_merged);
  /* Some other service, then the board's address is that of the day before. */
  g_autoptr (EngDevice) first = new_device (board, "Kitchen", board->address);
  g_autoptr (EngDevice) other = new_device (other_board, "Other", other_board->address);
  g_autoptr (EngDevice) second = new_device (board, "Kitchen again", board->address);
  g_autofree char *id = g_strdup (eng_device_get_id (first));
  g_assert_true (eng_devices_add (devices, first, &error));
  eng_device_set_setting (first, "note", "by the window");
  contact (board, first, &error);
  g_assert_no_error (error);
  g_assert_true (eng_devices_add (devices, other, &error));
  contact (other_board, other, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n_merged, ==, 0);
  g_assert_cmpuint (count_saved (devices), ==, 2);
  guint n_paired = count_paired (board, 2); /* the test's own look at it was paired, too */
  g_assert_cmpuint (n_paired, ==, 2);

  eng_device_set_setting (first, "host", "192.0.2.1");
  g_assert_true (eng_devices_add (devices, second, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (count_saved (devices), ==, 3);
  contact (board, second, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n_merged, ==, 1);
  g_assert_cmpuint (count_saved (devices), ==, 2);
  g_assert_false (eng_device_is_saved (second));
  g_assert_true (eng_device_is_saved (first));
  g_assert_cmpstr (eng_device_get_id (first), ==, id);
  g_assert_cmpstr (eng_device_get_name (first), ==, "Kitchen");
  g_assert_cmpstr (eng_device_get_setting (first, "note"), ==, "by the window");
  g_assert_cmpstr (eng_device_get_setting (first, "host"), ==, board->address);
  g_assert_cmpint (eng_device_get_state (first), ==, ENG_DEVICE_READY);

  /* It opens without a question, and the board has the newer pairing alone. */
  EngLink *link = eng_transport_agent.open (first, NULL, NULL, &error);
  g_assert_no_error (error);
  eng_link_close (link);
  g_assert_cmpuint (count_paired (board, n_paired), ==, n_paired);
  g_assert_true (eng_device_contact (first, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_merged, ==, 1);

  /* And the file says so. */
  g_autoptr (EngDevices) again = eng_devices_new (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_saved (again), ==, 2);
  g_assert_cmpstr (eng_device_get_setting (eng_devices_find (again, id), "host"), ==,
                   board->address);
  test_tree_remove (folder);
}

/* ---- Kept builds ---- */

static EngRun *
push (EngDevice *device, EngModel *model, const char *techniques, GError **error)
{
  g_autoptr (EngBuild) build = eng_test_build (model, techniques, NULL);
  g_autoptr (EngWorkload) workload = push_case_workload (0.05);

  return eng_push_run (device, build, workload, NULL, NULL, NULL, NULL, NULL, NULL, error);
}

/* None at first; then what was pushed, with the words by which a person knows it; back to the first
 * and to one by its name. */
static void
test_kept (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngJob) job = eng_job_new ("Builds");
  g_autoptr (GError) error = NULL;

  if (!has_runner (board))
    return;
  g_autoptr (EngDevice) device = new_device (board, "Board", board->address);
  contact (board, device, &error);
  g_assert_no_error (error);
  g_assert_true (eng_board_builds_are_kept (device));
  g_autoptr (GPtrArray) none = eng_board_builds_list (device, NULL, job, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (none->len, ==, 0);
  g_assert_null (eng_board_builds_roll_back (device, NULL, NULL, job, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);

  g_autoptr (EngRun) first = push (device, model, "{}", &error);
  g_assert_no_error (error);
  g_autoptr (EngRun) second
      = push (device, model, "{\"weight-format\": {\"format\": \"q4_0\"}}", &error);
  g_assert_no_error (error);
  g_autoptr (GPtrArray) both = eng_board_builds_list (device, NULL, job, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (both->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      const EngBoardBuild *build = both->pdata[i];
      g_autofree char *begin = g_strndup (build->sha256, 24);

      g_assert_cmpint (build->current, ==, i == 0);
      g_assert_cmpuint (build->n_runs, ==, 1);
      g_assert_cmpint (build->first_s, >, 0);
      g_assert_cmpint (build->last_s, >=, build->first_s);
      g_assert_cmpuint (build->n_bytes, >, 1000000);
      g_assert_true (g_str_has_prefix (build->name, begin)); /* called by its content */
      g_assert_cmpstr (build->model, ==, eng_model_get_name (model));
      g_assert_cmpint (strstr (build->recipe, "Q4_0") != NULL, ==, i == 0);
    }

  /* Not while it is at work. */
  g_assert_true (eng_device_take (device));
  g_assert_null (eng_board_builds_roll_back (device, NULL, NULL, job, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  g_clear_error (&error);
  eng_device_release (device);

  g_autoptr (GPtrArray) back = eng_board_builds_roll_back (device, NULL, NULL, job, &error);
  g_assert_no_error (error);
  g_assert_false (((const EngBoardBuild *)back->pdata[0])->current);
  g_assert_true (((const EngBoardBuild *)back->pdata[1])->current);
  int status;
  g_autofree char *current = eng_test_agent_command (board, &status, "current", NULL);
  g_assert_nonnull (strstr (current, ((const EngBoardBuild *)back->pdata[1])->name));
  const char *newest = ((const EngBoardBuild *)back->pdata[0])->name;
  g_autoptr (GPtrArray) forth = eng_board_builds_roll_back (device, newest, NULL, job, &error);
  g_assert_no_error (error);
  g_assert_true (((const EngBoardBuild *)forth->pdata[0])->current);
  g_assert_false (eng_device_get_busy (device));

  /* Another computer's: what it is cannot be said here. */
  g_autofree char *notes
      = g_build_filename (g_get_user_state_dir (), "lathe", "boards", "builds.ini", NULL);
  g_assert_cmpint (g_remove (notes), ==, 0);
  g_autoptr (GPtrArray) strange = eng_board_builds_list (device, NULL, job, &error);
  g_assert_no_error (error);
  g_assert_null (((const EngBoardBuild *)strange->pdata[0])->model);
  g_assert_null (((const EngBoardBuild *)strange->pdata[0])->recipe);

  /* Gone, and cancelled. */
  eng_test_agent_kill (board);
  g_assert_null (eng_board_builds_list (device, NULL, job, &error));
  g_assert_true (eng_link_error_is_lost (error));
  g_clear_error (&error);
  eng_job_cancel (job);
  g_assert_null (eng_board_builds_list (device, NULL, job, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_none_kept (void)
{
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  EngDevice *local = eng_devices_find (devices, "local");
  g_autoptr (GError) error = NULL;

  g_assert_false (eng_board_builds_are_kept (local));
  g_assert_null (eng_board_builds_list (local, NULL, NULL, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED);
}

int
main (int argc, char **argv)
{
  eng_test_agent_init ();
  char *home = push_case_new_home ();

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent-builds/kept", test_kept);
  g_test_add_func ("/agent-builds/none-kept", test_none_kept);
  g_test_add_func ("/agent-builds/quota", test_quota);
  g_test_add_func ("/agent-builds/twice", test_twice);
  const int status = g_test_run ();
  test_tree_free (home);
  return status;
}
