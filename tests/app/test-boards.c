/* Boards in the window: a push in words, questions of a worker, rows and details of devices, the
 * page that adds one, the table of several. A transport of this test plays the board. Needs a
 * display. */
#include "app-ask.h"
#include "app-device-add.h"
#include "app-device-details.h"
#include "app-device-row.h"
#include "app-device-text.h"
#include "app-push.h"
#include "app-resources.h"
#include "app-target-button.h"

#include "../test-tree.h"

#include <adwaita.h>
#include <math.h>
#include <string.h>

/* ---- The board of this test ---- */

static gboolean is_missing, asks, has_keyring;
static char *told_secret;
static gboolean told_keep;

static EngBoardKind
fake_kind (EngDevice *device)
{
  return ENG_BOARD_LINUX;
}

static gboolean
fake_check (EngDevice *device, char **remedy, GError **error)
{
  if (!is_missing)
    return TRUE;
  *remedy = g_strdup ("sudo apt install hammer");
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no hammer");
  return FALSE;
}

static EngLink *
fake_open (EngDevice *device, const EngAsk *ask, GCancellable *cancellable, GError **error)
{
  gboolean keep = has_keyring;

  if (asks && ask != NULL && ask->confirm (device, "Known?", "SHA256:key", ask->user_data))
    {
      g_free (told_secret);
      told_secret = ask->secret (device, "Password", "of the board", &keep, ask->user_data);
      told_keep = keep;
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE, "The cable is cut");
  return NULL;
}

static GPtrArray *
fake_search (GCancellable *cancellable, GError **error)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_candidate_free);
  EngCandidate *candidate = g_new0 (EngCandidate, 1);

  candidate->name = g_strdup ("anvil");
  candidate->evidence = g_strdup ("rings at 10.0.0.7");
  candidate->settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (candidate->settings, g_strdup ("host"), g_strdup ("10.0.0.7"));
  g_ptr_array_add (all, candidate);
  return all;
}

static const EngTransportField fields[] = {
  { "host", "Host", "Its name or address", NULL, FALSE },
  { "port", "Port", "Where it listens", "22", FALSE },
  { "password", "Password", "Asked for when needed", NULL, TRUE },
  { NULL },
};

static const EngTransport fake = {
  .id = "fake",
  .title = "Fake",
  .summary = "Boards that are not there.",
  .fields = fields,
  .can_add = TRUE,
  .kind = fake_kind,
  .check = fake_check,
  .search = fake_search,
  .open = fake_open,
};

static EngDevice *
make_device (const char *name)
{
  g_autoptr (GHashTable) settings = g_hash_table_new (g_str_hash, g_str_equal);

  g_hash_table_insert (settings, (gpointer) "host", (gpointer) "10.0.0.1");
  return eng_device_new (NULL, name, &fake, settings);
}

/* ---- Looking ---- */

typedef gboolean (*Fits) (GtkWidget *widget, gconstpointer what);

static GtkWidget *
find (GtkWidget *widget, Fits fits, gconstpointer what)
{
  if (!gtk_widget_get_visible (widget))
    return NULL;
  if (fits (widget, what))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find (child, fits, what);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static gboolean
is_label (GtkWidget *widget, gconstpointer text)
{
  return GTK_IS_LABEL (widget) && strstr (gtk_label_get_text (GTK_LABEL (widget)), text) != NULL;
}

static gboolean
is_action (GtkWidget *widget, gconstpointer action)
{
  return GTK_IS_BUTTON (widget)
         && g_strcmp0 (gtk_actionable_get_action_name (GTK_ACTIONABLE (widget)), action) == 0;
}

static gboolean
is_entry (GtkWidget *widget, gconstpointer title)
{
  return ADW_IS_ENTRY_ROW (widget)
         && g_strcmp0 (adw_preferences_row_get_title (ADW_PREFERENCES_ROW (widget)), title) == 0;
}

static gboolean
is_button (GtkWidget *widget, gconstpointer label)
{
  return GTK_IS_BUTTON (widget)
         && g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), label) == 0;
}

static gboolean
is_type (GtkWidget *widget, gconstpointer type)
{
  return g_type_is_a (G_OBJECT_TYPE (widget), GPOINTER_TO_SIZE (type));
}

#define LABEL(widget, text) find (widget, is_label, text)
#define ACTION(widget, name) find (widget, is_action, name)

static gboolean
on_deadline (gpointer late)
{
  *(gboolean *)late = TRUE;
  return G_SOURCE_REMOVE;
}

#define WAIT_FOR(condition)                                                                        \
  G_STMT_START                                                                                     \
  {                                                                                                \
    gboolean late = FALSE;                                                                         \
    guint deadline = g_timeout_add_seconds (20, on_deadline, &late);                               \
    while (!(condition) && !late)                                                                  \
      g_main_context_iteration (NULL, TRUE);                                                       \
    if (late)                                                                                      \
      g_error ("waited for: %s", #condition);                                                      \
    g_source_remove (deadline);                                                                    \
  }                                                                                                \
  G_STMT_END

static void
pass_ms (guint ms)
{
  gboolean over = FALSE;

  g_timeout_add (ms, on_deadline, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static GtkWidget *
show (GtkWidget *child)
{
  GtkWidget *window = gtk_window_new (), *list = child;

  if (GTK_IS_LIST_BOX_ROW (child))
    {
      list = gtk_list_box_new ();
      gtk_list_box_append (GTK_LIST_BOX (list), child);
    }
  gtk_window_set_child (GTK_WINDOW (window), list);
  gtk_window_present (GTK_WINDOW (window));
  return window;
}

/* The dialog that lies over the other windows; NULL: none. */
static GtkWidget *
find_dialog (void)
{
  g_autoptr (GList) all = gtk_window_list_toplevels ();

  for (GList *l = all; l != NULL; l = l->next)
    if (ADW_IS_MESSAGE_DIALOG (l->data) && gtk_widget_get_visible (l->data))
      return l->data;
  return NULL;
}

/* As a person answers: the dialog goes with it. */
static void
press (const char *label)
{
  g_autoptr (GtkWidget) dialog = g_object_ref (find_dialog ());
  g_autoptr (GtkWidget) button = find (dialog, is_button, label);

  g_assert_nonnull (button);
  g_object_ref (button); /* a click holds them, too */
  g_signal_emit_by_name (button, "clicked");
}

/* ---- A push in words ---- */

static void
on_signal (guint *n)
{
  (*n)++;
}

static gpointer
tell_progress (gpointer data)
{
  EngPushEvents events;
  EngPushProgress progress = { .stage = ENG_PUSH_COPY,
                               .what = "build",
                               .n_done = 30000000,
                               .n_bytes = 120000000,
                               .bytes_per_s = 10e6,
                               .left_s = 9,
                               .progress = -1 };

  app_push_fill_events (data, &events);
  for (guint i = 0; i < 1000; i++)
    events.progress (&progress, events.user_data);
  return NULL;
}

static void
test_push (void)
{
  g_autoptr (EngDevice) device = make_device ("anvil");
  g_autoptr (AppPush) push = app_push_new (device);
  g_autofree char *words = NULL, *details = NULL;
  EngPushEvents events;
  EngPushProgress progress
      = { .stage = ENG_PUSH_COPY, .bytes_per_s = NAN, .left_s = 42, .progress = -1, .n_tries = 1 };
  g_autoptr (GError) error = NULL;
  guint n_changed = 0, n_ended = 0;

  g_signal_connect_swapped (push, "changed", G_CALLBACK (on_signal), &n_changed);
  g_signal_connect_swapped (push, "ended", G_CALLBACK (on_signal), &n_ended);
  g_assert_cmpint (app_push_get_state (push), ==, APP_PUSH_WAITING);
  g_thread_join (g_thread_new ("worker", tell_progress, push));
  g_assert_cmpuint (n_changed, ==, 0); /* nothing on the worker's thread */
  WAIT_FOR (n_changed > 0);
  pass_ms (300);
  g_assert_cmpuint (n_changed, ==, 1); /* a thousand reports, one notification */
  words = app_push_dup_words (push);
  details = app_push_dup_details (push);
  g_assert_nonnull (strstr (words, "Copying the build"));
  g_assert_nonnull (strstr (words, "30"));
  g_assert_nonnull (strstr (words, "120"));
  g_assert_nonnull (strstr (details, "10"));
  g_assert_nonnull (strstr (details, "9 s left"));
  g_assert_cmpfloat (app_push_get_progress (push), ==, 0.25);

  /* The cable is out: what goes on, and for how long; then it is in again. */
  app_push_fill_events (push, &events);
  eng_device_set_state (device, ENG_DEVICE_CONNECTING, NULL, NULL);
  events.progress (&progress, events.user_data);
  g_free (words);
  words = app_push_dup_words (push);
  g_free (details);
  details = app_push_dup_details (push);
  g_assert_cmpstr (words, ==, "Link lost, trying again");
  g_assert_cmpstr (details, ==, "gives up in 1 min");
  g_assert_true (app_push_get_lost (push));
  g_assert_cmpfloat (app_push_get_progress (push), <, 0);
  pass_ms (1200);
  g_free (details);
  details = app_push_dup_details (push);
  g_assert_true (g_str_has_prefix (details, "gives up in "));
  g_assert_cmpint (atoi (details + strlen ("gives up in ")), >, 1); /* seconds, and fewer */
  g_assert_cmpint (atoi (details + strlen ("gives up in ")), <, 60);
  eng_device_set_state (device, ENG_DEVICE_READY, NULL, NULL);
  events.progress (&progress, events.user_data);
  g_free (words);
  words = app_push_dup_words (push);
  g_free (details);
  details = app_push_dup_details (push);
  g_assert_cmpstr (words, ==, "Copying");
  g_assert_nonnull (strstr (details, "42 s left"));
  g_assert_nonnull (strstr (details, "the link was lost once; it went on where it was"));

  error = g_error_new (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "the cable is cut");
  app_push_end (push, NULL, NULL, error);
  app_push_end (push, NULL, NULL, NULL); /* too late to be another end */
  WAIT_FOR (n_ended > 0);
  g_free (words);
  words = app_push_dup_words (push);
  g_free (details);
  details = app_push_dup_details (push);
  g_assert_cmpint (app_push_get_state (push), ==, APP_PUSH_FAILED);
  g_assert_cmpstr (words, ==, "The link was lost");
  g_assert_cmpstr (details, ==, "the cable is cut");
  events.progress (&progress, events.user_data);
  pass_ms (300);
  g_assert_cmpuint (n_ended, ==, 1);
  g_assert_cmpint (app_push_get_state (push), ==, APP_PUSH_FAILED);
}

static void
test_push_ends (void)
{
  g_autoptr (EngDevice) device = make_device ("anvil");
  g_autoptr (AppPush) refused = app_push_new (device), cancelled = app_push_new (device);
  EngPreflightItem fine = { "space", "Space", ENG_PREFLIGHT_OK, (char *)"enough", NULL };
  EngPreflightItem bad
      = { "memory", "Memory", ENG_PREFLIGHT_FAILED, (char *)"needs 2 MB of 1 MB", (char *)"buy" };
  g_autoptr (GPtrArray) items = g_ptr_array_new (), kept = NULL;
  g_autofree char *details = NULL;
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "not enough memory");
  g_autoptr (GError) cancel = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "stopped");
  EngPushEvents events;

  g_ptr_array_add (items, &fine);
  g_ptr_array_add (items, &bad);
  app_push_fill_events (refused, &events);
  events.preflight (items, events.user_data);
  app_push_end (refused, NULL, NULL, error);
  g_assert_cmpint (app_push_get_state (refused), ==, APP_PUSH_REFUSED);
  details = app_push_dup_details (refused);
  g_assert_cmpstr (details, ==, "Memory: needs 2 MB of 1 MB");
  kept = app_push_dup_preflight (refused);
  g_assert_cmpuint (kept->len, ==, 2);
  g_assert_cmpstr (((EngPreflightItem *)kept->pdata[1])->remedy, ==, "buy");

  app_push_end (cancelled, NULL, NULL, cancel);
  g_assert_cmpint (app_push_get_state (cancelled), ==, APP_PUSH_CANCELLED);

  /* A link that never was is not lost. */
  g_autoptr (AppPush) nowhere = app_push_new (device);
  g_autoptr (GError) none = g_error_new (G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE, "no such host");
  app_push_end (nowhere, NULL, NULL, none);
  g_autofree char *words = app_push_dup_words (nowhere);
  g_assert_cmpstr (words, ==, "Does not answer");
  pass_ms (50);
}

static void
test_duration (void)
{
  const struct
  {
    double seconds;
    const char *text;
  } cases[] = {
    { 0, "0 s" }, { 8.2, "9 s" }, { 60, "1 min" }, { 125, "2 min 5 s" }, { 7260, "2 h 1 min" }
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = app_push_dup_duration (cases[i].seconds);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

/* ---- Rows and details ---- */

static void
test_states (void)
{
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "devices.json", NULL);
  g_autoptr (AppDevices) devices = app_devices_new (path);
  g_autoptr (EngDevice) device
      = make_device ("A board with a name that is longer than any pane is wide, and then some");
  g_autoptr (GError) error = NULL;
  GtkWidget *row, *details, *rows, *window;
  gboolean added = eng_devices_add (app_devices_get_list (devices), device, &error);

  g_assert_no_error (error);
  g_assert_true (added);
  g_assert_true (app_devices_find (devices, eng_device_get_id (device)) == device);
  row = app_device_row_new (devices, device, NULL);
  details = app_device_details_new (devices);
  app_device_details_set_device (APP_DEVICE_DETAILS (details), device);
  rows = show (row);
  window = show (details);
  g_assert_nonnull (LABEL (row, "Not asked yet"));
  g_assert_nonnull (ACTION (row, "win.run-on"));
  g_assert_nonnull (ACTION (details, "win.contact-device"));
  g_assert_nonnull (ACTION (details, "win.remove-device"));
  g_assert_null (ACTION (row, "win.cancel-device"));

  /* Something is missing on this computer: what, and which command brings it. */
  is_missing = TRUE;
  app_devices_contact (devices, device, NULL);
  g_assert_true (app_devices_is_active (devices, device));
  WAIT_FOR (LABEL (row, "Something is missing") != NULL);
  WAIT_FOR (LABEL (details, "There is no hammer") != NULL);
  g_assert_nonnull (LABEL (details, "sudo apt install hammer"));

  is_missing = FALSE;
  app_devices_contact (devices, device, NULL);
  WAIT_FOR (LABEL (row, "Does not answer") != NULL);
  WAIT_FOR (LABEL (details, "The cable is cut") != NULL);
  g_assert_null (LABEL (details, "sudo apt install hammer"));

  g_autoptr (EngBoard) board = eng_board_new (ENG_BOARD_LINUX);
  board->isa = g_strdup ("neon");
  board->machine = g_strdup ("aarch64");
  board->n_cpus = 4;
  board->memory_bytes = 4000000000;
  eng_board_add_sensor (board, "power", NULL, "it has no meter");
  eng_device_set_board (device, board);
  eng_device_set_state (device, ENG_DEVICE_READY, NULL, NULL);
  WAIT_FOR (LABEL (row, "Ready\u00a0· 4 cores\u00a0· NEON") != NULL);
  WAIT_FOR (LABEL (details, "unavailable: it has no meter") != NULL);
  g_assert_null (LABEL (details, "emulator"));

  /* A push in the row: words, Cancel; then how it ended, and another try. */
  g_autoptr (AppPush) push = app_push_new (device);
  g_autoptr (GError) lost
      = g_error_new (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "nobody is there");
  app_devices_add_push (devices, push);
  g_thread_join (g_thread_new ("worker", tell_progress, push));
  WAIT_FOR (LABEL (row, "Copying the build") != NULL);
  g_assert_nonnull (ACTION (row, "win.cancel-device"));
  app_push_end (push, NULL, NULL, lost);
  WAIT_FOR (LABEL (row, "The link was lost") != NULL);
  g_assert_nonnull (LABEL (row, "nobody is there"));
  g_assert_null (ACTION (row, "win.cancel-device"));
  g_assert_nonnull (find (row, is_button, "Try Again"));

  gtk_window_destroy (GTK_WINDOW (rows));
  gtk_window_destroy (GTK_WINDOW (window));
  test_tree_free (root);
}

/* ---- Adding ---- */

static void
on_added (EngDevice **added, EngDevice *device)
{
  g_set_object (added, device);
}

static void
test_add (void)
{
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "devices.json", NULL);
  g_autoptr (AppDevices) devices = app_devices_new (path);
  g_autoptr (EngDevice) added = NULL;
  GtkWidget *parent = show (gtk_label_new ("parent")), *page, *combo, *host, *port, *found;
  GListModel *names;
  guint at = 0;

  page = app_device_add_new (GTK_WINDOW (parent), devices, NULL);
  g_signal_connect_swapped (page, "added", G_CALLBACK (on_added), &added);
  gtk_window_present (GTK_WINDOW (page));
  combo = find (page, is_type, GSIZE_TO_POINTER (ADW_TYPE_COMBO_ROW));
  names = adw_combo_row_get_model (ADW_COMBO_ROW (combo));
  for (guint i = 0; i < g_list_model_get_n_items (names); i++)
    if (g_strcmp0 (gtk_string_list_get_string (GTK_STRING_LIST (names), i), "Fake") == 0)
      at = i;
  adw_combo_row_set_selected (ADW_COMBO_ROW (combo), at);

  /* Drawn from the table: a field each, but for the secret. */
  host = find (page, is_entry, "Host");
  port = find (page, is_entry, "Port");
  g_assert_nonnull (host);
  g_assert_cmpstr (gtk_editable_get_text (GTK_EDITABLE (port)), ==, "22");
  g_assert_null (find (page, is_entry, "Password"));
  g_assert_nonnull (LABEL (page, "Boards that are not there."));

  /* What is missing is said, nothing is added. */
  g_signal_emit_by_name (find (page, is_button, "Add"), "clicked");
  g_assert_nonnull (LABEL (page, "Host is missing"));
  g_assert_null (added);
  gtk_editable_set_text (GTK_EDITABLE (host), " 10.0.0.5 ");
  g_assert_null (LABEL (page, "Host is missing"));

  /* What was found stands there with its evidence, and fills the fields. */
  WAIT_FOR (LABEL (page, "rings at 10.0.0.7") != NULL);
  found = gtk_widget_get_ancestor (LABEL (page, "rings at 10.0.0.7"), ADW_TYPE_ACTION_ROW);
  g_signal_emit_by_name (gtk_widget_get_ancestor (found, GTK_TYPE_LIST_BOX), "row-activated",
                         found);
  g_assert_cmpstr (gtk_editable_get_text (GTK_EDITABLE (find (page, is_entry, "Host"))), ==,
                   "10.0.0.7");
  g_signal_emit_by_name (find (page, is_button, "Add"), "clicked");
  g_assert_nonnull (added);
  g_assert_cmpstr (eng_device_get_name (added), ==, "anvil");
  g_assert_cmpstr (eng_device_get_setting (added, "host"), ==, "10.0.0.7");
  g_assert_true (eng_device_is_saved (added));
  WAIT_FOR (!app_devices_get_searching (devices));
  gtk_window_destroy (GTK_WINDOW (parent));
  pass_ms (50);
  test_tree_free (root);
}

/* ---- Questions ---- */

static void
test_ask (void)
{
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "devices.json", NULL);
  g_autoptr (AppDevices) devices = app_devices_new (path);
  g_autoptr (EngDevice) device = make_device ("anvil");
  GtkWidget *parent = show (gtk_label_new ("parent")), *entry;

  asks = TRUE;
  eng_devices_add (app_devices_get_list (devices), device, NULL);

  /* No is the default, and what closing means. */
  app_devices_contact (devices, device, GTK_WINDOW (parent));
  WAIT_FOR (find_dialog () != NULL);
  g_assert_cmpstr (adw_message_dialog_get_default_response (ADW_MESSAGE_DIALOG (find_dialog ())),
                   ==, "no");
  g_assert_nonnull (LABEL (find_dialog (), "SHA256:key"));
  g_assert_true (gtk_label_get_selectable (GTK_LABEL (LABEL (find_dialog (), "SHA256:key"))));
  press ("Do _Not Connect");
  WAIT_FOR (!app_devices_is_active (devices, device));
  g_assert_null (told_secret);

  /* Yes, then a password that may be kept, for there is a keyring. */
  has_keyring = TRUE;
  app_devices_contact (devices, device, GTK_WINDOW (parent));
  WAIT_FOR (find_dialog () != NULL);
  press ("_Connect");
  WAIT_FOR (find_dialog () != NULL && LABEL (find_dialog (), "of the board") != NULL);
  g_assert_false (
      adw_message_dialog_get_response_enabled (ADW_MESSAGE_DIALOG (find_dialog ()), "yes"));
  entry = find (find_dialog (), is_type, GSIZE_TO_POINTER (GTK_TYPE_PASSWORD_ENTRY));
  gtk_editable_set_text (GTK_EDITABLE (entry), "sesame");
  gtk_check_button_set_active (GTK_CHECK_BUTTON (find (find_dialog (), is_type,
                                                       GSIZE_TO_POINTER (GTK_TYPE_CHECK_BUTTON))),
                               TRUE);
  press ("_Connect");
  WAIT_FOR (!app_devices_is_active (devices, device));
  g_assert_cmpstr (told_secret, ==, "sesame");
  g_assert_true (told_keep);

  /* Cancelled while the question is open: it goes, and the worker with it. */
  app_devices_contact (devices, device, GTK_WINDOW (parent));
  WAIT_FOR (find_dialog () != NULL);
  app_devices_cancel (devices, device);
  WAIT_FOR (find_dialog () == NULL);
  WAIT_FOR (!app_devices_is_active (devices, device));

  /* Nobody is there to answer. */
  app_devices_contact (devices, device, GTK_WINDOW (parent));
  WAIT_FOR (find_dialog () != NULL);
  gtk_window_destroy (GTK_WINDOW (parent));
  WAIT_FOR (!app_devices_is_active (devices, device));
  asks = FALSE;
  g_clear_pointer (&told_secret, g_free);
  pass_ms (50);
  test_tree_free (root);
}

/* A list that cannot be read: the built-in devices are there, and why the others are not. */
static void
test_broken_list (void)
{
  char *root = test_tree_new ();
  g_autofree char *path = g_build_filename (root, "devices.json", NULL);
  g_autoptr (AppDevices) devices = NULL;

  test_tree_put (root, "devices.json", "{ not json");
  devices = app_devices_new (path);
  g_assert_nonnull (app_devices_get_problem (devices));
  g_assert_nonnull (app_devices_get_local (devices));
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
  app_register_resource ();
  adw_init ();
  eng_transport_add (&fake);
  g_test_add_func ("/boards/push", test_push);
  g_test_add_func ("/boards/push-ends", test_push_ends);
  g_test_add_func ("/boards/duration", test_duration);
  g_test_add_func ("/boards/states", test_states);
  g_test_add_func ("/boards/add", test_add);
  g_test_add_func ("/boards/ask", test_ask);
  g_test_add_func ("/boards/broken-list", test_broken_list);
  return g_test_run ();
}
