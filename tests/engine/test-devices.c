/* The list of devices and its file; the link to a folder; contact with a runner that a shell script
 * plays. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "../test-tree.h"
#include "eng-devices.h"
#include "eng-error.h"
#include "transports/eng-link-folder.h"

/* ---- A transport of this test ---- */

static guint n_forgotten;
static gboolean found_second;

static char *
test_validate (GHashTable *settings)
{
  return g_str_equal (g_hash_table_lookup (settings, "host"), "wrong")
             ? g_strdup ("this host is wrong")
             : NULL;
}

static void
test_forget (EngDevice *device)
{
  n_forgotten++;
}

static EngCandidate *
make_candidate (const char *host)
{
  EngCandidate *candidate = g_new0 (EngCandidate, 1);
  candidate->name = g_strconcat ("board at ", host, NULL);
  candidate->evidence = g_strconcat ("seen at ", host, NULL);
  candidate->settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (candidate->settings, g_strdup ("host"), g_strdup (host));
  return candidate;
}

static GPtrArray *
test_search (GCancellable *cancellable, GError **error)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_candidate_free);
  g_ptr_array_add (all, make_candidate ("10.0.0.1"));
  if (found_second)
    g_ptr_array_add (all, make_candidate ("10.0.0.2"));
  return all;
}

static GPtrArray *
test_search_fails (GCancellable *cancellable, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no radio");
  return NULL;
}

static const EngTransportField fields[] = {
  { "host", "Host", "Its name or address", NULL, FALSE },
  { "port", "Port", "Where it listens", "22", FALSE },
  { "password", "Password", "Asked for when needed", NULL, TRUE },
  { NULL },
};

static const EngTransport test_transport = {
  .id = "test",
  .title = "Test",
  .fields = fields,
  .can_add = TRUE,
  .validate = test_validate,
  .forget = test_forget,
  .search = test_search,
};

static const EngTransport deaf_transport = {
  .id = "deaf",
  .title = "Deaf",
  .can_add = TRUE,
  .search = test_search_fails,
};

static EngDevice *
make_device (const char *name, const char *host)
{
  g_autoptr (GHashTable) settings = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_insert (settings, (gpointer) "host", (gpointer)host);
  return eng_device_new (NULL, name, &test_transport, settings);
}

static char *
read_file (const char *root, const char *name)
{
  g_autofree char *path = g_build_filename (root, name, NULL);
  char *text = NULL;
  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

/* ---- The list ---- */

static void
test_builtin (void)
{
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  g_autoptr (GError) error = NULL;
  g_autoptr (EngDevice) other = make_device ("other", "10.0.0.9");
  EngDevice *local = eng_devices_find (devices, "local");
  EngDevice *arm = eng_devices_find (devices, "virtual-aarch64");

  g_assert_true (G_IS_LIST_MODEL (devices));
  g_assert_nonnull (local);
  g_assert_true (eng_devices_find (devices, "This computer") == local);
  g_assert_true (eng_device_is_builtin (local));
  g_assert_cmpint (eng_device_get_state (local), ==, ENG_DEVICE_UNKNOWN);
  g_assert_cmpstr (eng_device_get_setting (arm, "board"), ==, "aarch64");
  g_assert_cmpint (eng_device_get_kind (arm), ==, ENG_BOARD_LINUX);
  g_assert_false (eng_devices_remove (devices, local, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  g_clear_error (&error);
  g_assert_false (eng_devices_add (devices, other, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_IO);
}

static void
count_changes (GListModel *model, guint at, guint n_removed, guint n_added, guint *n)
{
  *n += 1;
}

static void
test_add (void)
{
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "sub", "devices.json", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngDevices) devices = eng_devices_new (path, &error);
  g_autoptr (EngDevice) pi = make_device ("My Pi ü", "10.0.0.1");
  g_autoptr (EngDevice) twin = make_device ("My Pi ü", "10.0.0.2");
  g_autoptr (EngDevice) wrong = make_device ("wrong", "wrong");
  g_autoptr (EngDevice) nowhere = make_device ("nowhere", "");
  guint n_changes = 0, n_before = g_list_model_get_n_items (G_LIST_MODEL (devices));

  g_assert_no_error (error);
  g_signal_connect (devices, "items-changed", G_CALLBACK (count_changes), &n_changes);
  g_assert_true (eng_devices_add (devices, pi, &error));
  g_assert_no_error (error);
  g_assert_true (eng_device_is_saved (pi));
  g_assert_cmpuint (n_changes, ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (devices)), ==, n_before + 1);

  g_assert_false (eng_devices_add (devices, twin, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_RANGE);
  g_clear_error (&error);
  g_assert_false (eng_devices_add (devices, wrong, &error));
  g_assert_cmpstr (error->message, ==, "this host is wrong");
  g_clear_error (&error);
  g_assert_false (eng_devices_add (devices, nowhere, &error));
  g_assert_nonnull (strstr (error->message, "Host is missing"));
  g_clear_error (&error);
  g_assert_cmpuint (n_changes, ==, 1);

  /* What a worker learns is kept, too; so is a new name. */
  eng_device_set_setting (pi, "fingerprint", "ab:cd");
  g_assert_true (eng_devices_rename (devices, pi, "Kitchen", &error));
  g_autoptr (EngDevices) again = eng_devices_new (path, &error);
  g_assert_no_error (error);
  EngDevice *same = eng_devices_find (again, "Kitchen");
  g_assert_nonnull (same);
  g_assert_cmpstr (eng_device_get_id (same), ==, eng_device_get_id (pi));
  g_assert_cmpstr (eng_device_get_setting (same, "fingerprint"), ==, "ab:cd");
  g_assert_cmpstr (eng_device_get_setting (same, "port"), ==, "22");
  g_autofree char *place = eng_device_dup_place (same);
  g_assert_cmpstr (place, ==, "host 10.0.0.1, port 22");

  n_forgotten = 0;
  g_assert_true (eng_device_take (pi));
  g_assert_false (eng_device_take (pi));
  g_assert_false (eng_devices_remove (devices, pi, &error)); /* busy */
  g_clear_error (&error);
  eng_device_release (pi);
  g_assert_true (eng_devices_remove (devices, pi, &error));
  g_assert_cmpuint (n_forgotten, ==, 1);
  g_autoptr (EngDevices) empty = eng_devices_new (path, &error);
  g_assert_null (eng_devices_find (empty, "Kitchen"));
  test_tree_free (root);
}

/* What cannot be read is left as it is; what a newer program wrote is kept. */
static void
test_broken_file (void)
{
  static const char *const broken[]
      = { "",
          "{",
          "[]",
          "{\"version\":2,\"devices\":[]}",
          "{\"version\":1}",
          "{\"version\":1,\"devices\":[{\"id\":\"../x\",\"name\":\"a\",\"transport\":\"test\","
          "\"settings\":{}}]}",
          "{\"version\":1,\"devices\":[{\"id\":\"x\",\"name\":\"a\",\"transport\":\"test\","
          "\"settings\":{\"host\":7}}]}",
          "{\"version\":1,\"devices\":[7]}",
          "\xff\xfe" };
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "devices.json", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autoptr (GError) error = NULL;
      test_tree_put (root, "devices.json", broken[i]);
      g_assert_null (eng_devices_new (path, &error));
      g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
      g_assert_nonnull (strstr (error->message, path));
      g_autofree char *after = read_file (root, "devices.json");
      g_assert_cmpstr (after, ==, broken[i]);
    }
  test_tree_free (root);
}

static void
test_foreign (void)
{
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "devices.json", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngDevice) pi = make_device ("Pi", "10.0.0.1");

  test_tree_put (root, "devices.json",
                 "{\"version\":1,\"devices\":[{\"id\":\"u1\",\"name\":\"Rocket\",\"transport\":"
                 "\"telepathy\",\"settings\":{\"mind\":\"open\"},\"since\":2031}]}");
  g_autoptr (EngDevices) devices = eng_devices_new (path, &error);
  g_assert_no_error (error);
  g_assert_null (eng_devices_find (devices, "Rocket"));
  g_assert_true (eng_devices_add (devices, pi, &error));
  g_autofree char *text = read_file (root, "devices.json");
  g_assert_nonnull (strstr (text, "telepathy"));
  g_assert_nonnull (strstr (text, "2031"));
  g_assert_nonnull (strstr (text, "10.0.0.1"));
  test_tree_free (root);
}

static void
search (EngDevices *devices, char **stage)
{
  g_autoptr (EngJob) job = eng_job_new ("Searching");
  eng_devices_search (devices, job);
  while (!eng_job_get_done (job))
    g_main_context_iteration (NULL, TRUE);
  *stage = eng_job_dup_stage (job);
}

static void
test_search_merges (void)
{
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "devices.json", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngDevices) devices = eng_devices_new (path, &error);
  g_autoptr (EngDevice) pi = make_device ("Pi", "10.0.0.1");
  g_autofree char *first = NULL, *second = NULL, *third = NULL;

  g_assert_true (eng_devices_add (devices, pi, &error));
  guint n = g_list_model_get_n_items (G_LIST_MODEL (devices));
  found_second = TRUE;
  search (devices, &first);
  g_assert_nonnull (strstr (first, "Deaf: no radio"));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (devices)), ==, n + 1);
  g_autofree char *evidence = eng_device_dup_evidence (pi);
  g_assert_cmpstr (evidence, ==, "seen at 10.0.0.1");
  EngDevice *found = eng_devices_find (devices, "board at 10.0.0.2");
  g_assert_nonnull (found);
  g_assert_false (eng_device_is_saved (found));
  search (devices, &second); /* again: nothing is there twice */
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (devices)), ==, n + 1);

  /* Found ones are added by the same object; those that went away leave. */
  g_assert_true (eng_devices_add (devices, found, &error));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (devices)), ==, n + 1);
  g_assert_true (eng_devices_remove (devices, found, &error));
  search (devices, &third);
  g_assert_nonnull (eng_devices_find (devices, "board at 10.0.0.2"));
  found_second = FALSE;
  g_free (third);
  search (devices, &third);
  g_assert_null (eng_devices_find (devices, "board at 10.0.0.2"));
  g_assert_nonnull (eng_devices_find (devices, "Pi"));
  test_tree_free (root);
}

/* ---- Notifications ---- */

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer data)
{
  g_assert_true (g_main_context_is_owner (NULL));
  ++*(guint *)data;
}

static gpointer
change_often (gpointer data)
{
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *message = g_strdup_printf ("message %u", i);
      eng_device_set_state (data, ENG_DEVICE_UNREACHABLE, message, NULL);
    }
  return NULL;
}

static void
test_notify (void)
{
  g_autoptr (EngDevice) device = make_device ("Pi", "10.0.0.1");
  guint n_message = 0, n_state = 0;

  g_signal_connect (device, "notify::message", G_CALLBACK (count_notify), &n_message);
  g_signal_connect (device, "notify::state", G_CALLBACK (count_notify), &n_state);
  g_assert_true (g_main_context_acquire (NULL));
  g_thread_join (g_thread_new ("changer", change_often, device));
  g_assert_cmpuint (n_message, ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_cmpuint (n_message, ==, 1); /* coalesced */
  g_assert_cmpuint (n_state, ==, 1);
  eng_device_set_state (device, ENG_DEVICE_UNREACHABLE, "message 999", NULL);
  g_assert_cmpuint (n_message, ==, 1); /* nothing changed */
  g_main_context_release (NULL);
}

/* ---- The link to a folder ---- */

static gboolean
gather (const char *bytes, gsize n, gpointer data)
{
  g_string_append_len (data, bytes, (gssize)n);
  return TRUE;
}

static gboolean
cancel_soon (const char *bytes, gsize n, gpointer data)
{
  g_cancellable_cancel (data);
  return TRUE;
}

static void
stop_after (guint64 n_done, guint64 n_all, gpointer data)
{
  if (n_done > 0)
    g_cancellable_cancel (data);
}

static void
test_folder_link (void)
{
  char *root = test_tree_new ();
  g_autofree char *folder = g_build_filename (root, "board", NULL);
  g_autofree char *source = g_build_filename (root, "source", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) stop = g_cancellable_new ();
  g_autoptr (EngLink) link = eng_link_folder_new (folder, "odd", NULL, &error);
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *machine = eng_link_machine (link, NULL, NULL);
  guint64 n_bytes;
  int status;

  g_assert_cmpstr (machine, ==, "odd");
  g_autoptr (GString) big = g_string_new (NULL);
  for (guint i = 0; i < 600000; i++)
    g_string_append_printf (big, "%u ", i);
  g_assert_true (g_file_set_contents (source, big->str, (gssize)big->len, NULL));

  /* Cut off after the first piece: not there under its name; then it goes on. */
  g_assert_false (eng_link_put (link, source, "big.1", FALSE, stop_after, stop, stop, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_true (eng_link_size (link, "big.1", &n_bytes, NULL, &error));
  g_assert_true (n_bytes == G_MAXUINT64);
  g_assert_true (eng_link_size (link, "big.1.part", &n_bytes, NULL, &error));
  g_assert_cmpuint (n_bytes, ==, 1 << 20);
  g_assert_true (eng_link_put (link, source, "big.1", FALSE, NULL, NULL, NULL, &error));
  g_autofree char *copy = read_file (folder, "big.1");
  g_assert_cmpstr (copy, ==, big->str);

  /* A program: arguments are words, its folder is the link's, its end is told. */
  test_tree_put (root, "source", "#!/bin/sh\nprintf '%s|' \"$@\"; pwd; exit 3\n");
  g_assert_true (eng_link_put (link, source, "run", TRUE, NULL, NULL, NULL, &error));
  g_assert_true (eng_link_run (link, "run", (const char *const[]){ "a b", "$HOME;", NULL }, gather,
                               out, &status, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 3);
  g_autofree char *expected = g_strdup_printf ("a b|$HOME;|%s\n", folder);
  g_assert_cmpstr (out->str, ==, expected);

  /* One that leaves a child behind which holds its output: the end is not waited for forever. */
  test_tree_put (root, "source", "#!/bin/sh\nsleep 30 & echo started\n");
  g_assert_true (eng_link_put (link, source, "run", TRUE, NULL, NULL, NULL, &error));
  g_string_truncate (out, 0);
  gint64 before = g_get_monotonic_time ();
  g_assert_true (eng_link_run (link, "run", (const char *const[]){ NULL }, gather, out, &status,
                               NULL, &error));
  g_assert_cmpstr (out->str, ==, "started\n");
  g_assert_cmpint (g_get_monotonic_time () - before, <, 5 * G_USEC_PER_SEC);

  /* Cancelled while it runs; absent; not a program. */
  test_tree_put (root, "source", "#!/bin/sh\necho x; exec sleep 30\n");
  g_assert_true (eng_link_put (link, source, "run", TRUE, NULL, NULL, NULL, &error));
  g_cancellable_reset (stop);
  g_assert_false (eng_link_run (link, "run", (const char *const[]){ NULL }, cancel_soon, stop,
                                &status, stop, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (eng_link_run (link, "none", (const char *const[]){ NULL }, NULL, NULL, &status,
                                NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (eng_link_run (link, "big.1", (const char *const[]){ NULL }, NULL, NULL, &status,
                                NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_clear_error (&error);
  g_assert_true (eng_link_remove (link, "big.1", NULL, &error));
  g_assert_false (eng_link_remove (link, "big.1", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  test_tree_free (root);
}

/* ---- Contact ---- */

static const char board_line[]
    = "{\"kind\":\"board\",\"n\":0,\"t_ns\":1,\"cpu\":\"Test CPU\",\"machine\":\"x86_64\",\"isa\":"
      "\"avx2\",\"system\":\"Linux 9\",\"n_cpus\":4,\"memory_bytes\":1e9,\"available_bytes\":5e8,"
      "\"free_bytes\":123456,\"clock_hz\":null,\"time_s\":1700000000,\"governor\":null,"
      "\"emulated\":"
      "false,\"sensors\":[{\"what\":\"power\",\"name\":null,\"reason\":\"no meter\"},{\"what\":"
      "\"temperature\",\"name\":\"cpu\",\"reason\":null}]}\n{\"kind\":\"end\",\"n\":1}\n";

static char *runners; /* LATHE_RUNNERS */

static void
put_runner (const char *body)
{
  struct utsname about;
  g_assert_cmpint (uname (&about), ==, 0);
  g_autofree char *name = g_strconcat ("lathe-runner-", about.machine, NULL);
  g_autofree char *script = g_strdup_printf ("#!/bin/sh\n%s\n", body);
  test_tree_put (runners, name, script);
}

static void
test_contact (void)
{
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  g_autoptr (GError) error = NULL;
  EngDevice *local = eng_devices_find (devices, "local");
  g_autofree char *body = g_strdup_printf ("cat <<'END'\n%sEND", board_line);

  put_runner (body);
  g_assert_true (eng_device_contact (local, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (eng_device_get_state (local), ==, ENG_DEVICE_READY);
  g_autoptr (EngBoard) board = eng_device_dup_board (local);
  g_assert_cmpstr (board->cpu, ==, "Test CPU");
  g_assert_cmpuint (board->n_cpus, ==, 4);
  g_assert_cmpuint (board->memory_bytes, ==, 1000000000);
  g_assert_true (isnan (board->clock_hz));
  g_assert_null (board->governor);
  g_assert_cmpstr (eng_board_get_missing (board, "power"), ==, "no meter");
  g_assert_null (eng_board_get_missing (board, "temperature"));
  g_assert_nonnull (eng_board_get_missing (board, "clock"));
  g_autofree char *json = eng_board_to_machine_json (board, "This computer", "local");
  g_assert_nonnull (strstr (json, "\"device\":\"This computer\""));
  g_assert_nonnull (strstr (json, "\"clock_hz\":null"));

  static const struct
  {
    const char *body, *message;
  } wrong[] = {
    { "echo nonsense; exit 4", "status 4, and said: nonsense" },
    { "echo '{\"kind\":\"board\",\"isa\":\"neon\"}'", "“machine” should be a text" },
    { "echo '{\"kind\":\"board\",\"machine\":\"a\",\"isa\":\"b\",\"n_cpus\":-1}'", "n_cpus" },
    { "printf '\\377\\376'", "did not say what it is" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      put_runner (wrong[i].body);
      g_assert_false (eng_device_contact (local, NULL, NULL, &error));
      g_assert_cmpint (eng_device_get_state (local), ==, ENG_DEVICE_UNREACHABLE);
      g_assert_nonnull (strstr (error->message, wrong[i].message));
      g_autofree char *message = eng_device_dup_message (local);
      g_assert_cmpstr (message, ==, error->message);
      g_clear_error (&error);
    }
}

/* Without its emulator, a virtual board says which command brings it. */
static void
test_missing (void)
{
  g_autoptr (EngDevices) devices = eng_devices_new_builtin ();
  g_autoptr (GError) error = NULL;
  EngDevice *arm = eng_devices_find (devices, "virtual-aarch64");
  g_autofree char *path = g_strdup (g_getenv ("PATH"));

  g_setenv ("PATH", "/nonexistent", TRUE);
  g_assert_false (eng_device_contact (arm, NULL, NULL, &error));
  g_setenv ("PATH", path, TRUE);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpint (eng_device_get_state (arm), ==, ENG_DEVICE_MISSING);
  g_autofree char *remedy = eng_device_dup_remedy (arm);
  g_assert_cmpstr (remedy, ==, "sudo apt install qemu-user-static");
}

int
main (int argc, char **argv)
{
  runners = test_tree_new ();
  g_autofree char *cache = g_build_filename (runners, "cache", NULL);

  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_setenv ("XDG_CONFIG_HOME", cache, TRUE);
  g_setenv ("LATHE_RUNNERS", runners, TRUE);
  g_test_init (&argc, &argv, NULL);
  eng_transport_add (&test_transport);
  eng_transport_add (&deaf_transport);
  g_test_add_func ("/devices/builtin", test_builtin);
  g_test_add_func ("/devices/add", test_add);
  g_test_add_func ("/devices/broken-file", test_broken_file);
  g_test_add_func ("/devices/foreign", test_foreign);
  g_test_add_func ("/devices/search", test_search_merges);
  g_test_add_func ("/devices/notify", test_notify);
  g_test_add_func ("/devices/folder-link", test_folder_link);
  g_test_add_func ("/devices/contact", test_contact);
  g_test_add_func ("/devices/missing", test_missing);
  int result = g_test_run ();
  test_tree_free (runners);
  return result;
}
