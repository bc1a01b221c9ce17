/* The SSH transport against a real OpenSSH server, a board of this machine's own (board-sshd.py):
 * settings, known hosts, first contact, every way to log in, the keyring. */
#include <gio/gunixsocketaddress.h>

#include "eng-secret.h"
#include "eng-test-ssh.h"
#include "transports/eng-known-hosts.h"

/* ---- Settings ---- */

static void
test_settings (void)
{
  static const struct
  {
    const char *host, *user, *port, *key, *wrong; /* NULL: right */
  } cases[] = {
    { "192.168.1.7", NULL, NULL, NULL, NULL },
    { "fe80::1", "pi", "2222", "", NULL },
    { "", NULL, NULL, NULL, "Host" },
    { "pi@board", NULL, NULL, NULL, "Host" },
    { "-oProxyCommand=x", NULL, NULL, NULL, "Host" },
    { "board", "a b", NULL, NULL, "User" },
    { "board", "pi", "0", NULL, "Port" },
    { "board", "pi", "65536", NULL, "Port" },
    { "board", "pi", "22x", NULL, "Port" },
    { "board", "pi", "22", "/nonexistent", "Key file" },
    { "board", "pi", "22", "/tmp", "Key file" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GHashTable) settings = g_hash_table_new (g_str_hash, g_str_equal);
      g_hash_table_insert (settings, "host", (gpointer)cases[i].host);
      g_hash_table_insert (settings, "user", (gpointer)cases[i].user);
      g_hash_table_insert (settings, "port", (gpointer)cases[i].port);
      g_hash_table_insert (settings, "key", (gpointer)cases[i].key);
      g_autofree char *wrong = eng_transport_ssh.validate (settings);
      if ((wrong != NULL) != (cases[i].wrong != NULL)
          || (wrong != NULL && !g_str_has_prefix (wrong, cases[i].wrong)))
        g_error ("%u: %s", i, wrong);
    }
}

/* ---- Known hosts ---- */

static GBytes *
public_key (const char *path, char **line)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) words = g_strsplit (g_strchomp (text), " ", 3);
  gsize n;
  guchar *bytes = g_base64_decode (words[1], &n);
  if (line != NULL)
    *line = g_strdup_printf ("%s %s", words[0], words[1]);
  return g_bytes_new_take (bytes, n);
}

static void
assert_state (const char *text, const char *host, guint16 port, GBytes *key,
              EngHostKeyState expected, guint line)
{
  g_autofree char *path = g_build_filename (board->folder, "hosts", NULL);
  const char *const files[] = { "/nonexistent/hosts", path, NULL };
  g_auto (EngKnownHost) known = { 0 };
  EngHostKeyState state;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_true (eng_known_hosts_check (files, host, port, key, &state, &known, &error));
  g_assert_no_error (error);
  if (state != expected || known.line != line)
    g_error ("%s:%u in \"%s\": %d, line %u", host, port, text, state, known.line);
}

static void
test_known_hosts (void)
{
  g_autofree char *mine = NULL, *other = NULL;
  g_autofree char *other_path = g_strconcat (board->folder, "/other.pub", NULL);
  g_autofree char *mine_path = g_strconcat (board->key, ".pub", NULL);
  g_autoptr (GBytes) key = public_key (mine_path, &mine);
  g_autoptr (GBytes) wrong = public_key (other_path, &other);
  const struct
  {
    const char *format; /* %1$s: the key, %2$s: another one */
    const char *host;
    guint16 port;
    EngHostKeyState state;
    guint line;
  } cases[] = {
    { "", "board", 22, ENG_HOST_KEY_UNKNOWN, 0 },
    { "board %s\n", "board", 22, ENG_HOST_KEY_KNOWN, 1 },
    { "# board %s\n\nboard %1$s a comment", "board", 22, ENG_HOST_KEY_KNOWN, 3 },
    { "board %s\n", "Board", 22, ENG_HOST_KEY_KNOWN, 1 },
    { "board %s\n", "board", 2222, ENG_HOST_KEY_UNKNOWN, 0 },
    { "[board]:2222 %s\n", "board", 2222, ENG_HOST_KEY_KNOWN, 1 },
    { "[board]:2222 %s\n", "board", 22, ENG_HOST_KEY_UNKNOWN, 0 },
    { "10.0.0.*,board?,!board9 %s\n", "10.0.0.77", 22, ENG_HOST_KEY_KNOWN, 1 },
    { "10.0.0.*,board?,!board9 %s\n", "board3", 22, ENG_HOST_KEY_KNOWN, 1 },
    { "10.0.0.*,board?,!board9 %s\n", "board9", 22, ENG_HOST_KEY_UNKNOWN, 0 },
    { "10.0.0.*,board?,!board9 %s\n", "board33", 22, ENG_HOST_KEY_UNKNOWN, 0 },
    { "board %2$s\n", "board", 22, ENG_HOST_KEY_CHANGED, 1 },
    { "board %2$s\nboard %1$s\n", "board", 22, ENG_HOST_KEY_KNOWN, 2 },
    { "board %s\n@revoked * %1$s\n", "board", 22, ENG_HOST_KEY_REVOKED, 2 },
    { "@revoked board %2$s\nboard %1$s\n", "board", 22, ENG_HOST_KEY_KNOWN, 2 },
    { "@cert-authority board %s\n", "board", 22, ENG_HOST_KEY_UNKNOWN, 0 },
    { "board ssh-ed25519\nboard\n@revoked board\n@\n|1|\n|1|a|b x y\n", "board", 22,
      ENG_HOST_KEY_UNKNOWN, 0 },
    { "board ssh-rsa AAAAB3NzaC1yc2EAAAA=\nboard %2$s\n", "board", 22, ENG_HOST_KEY_CHANGED, 2 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) text = g_string_new (cases[i].format);
      g_string_replace (text, "%2$s", other, 0);
      g_string_replace (text, "%1$s", mine, 0);
      g_string_replace (text, "%s", mine, 0);
      assert_state (text->str, cases[i].host, cases[i].port, key, cases[i].state, cases[i].line);
    }
}

/* Files of bytes: every one is read to its end. */
static void
test_known_hosts_of_bytes (void)
{
  static const char alphabet[] = "boardBOARD[]:2*?!,|1= \t\n\r@revoked#AAAAssh-ed25519\xff\xc3";
  g_autofree char *mine_path = g_strconcat (board->key, ".pub", NULL);
  g_autofree char *path = g_build_filename (board->folder, "hosts", NULL);
  const char *const files[] = { path, NULL };
  g_autoptr (GBytes) key = public_key (mine_path, NULL);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  for (guint i = 0; i < 2000; i++)
    {
      char text[512];
      EngHostKeyState state;
      g_auto (EngKnownHost) known = { 0 };
      const int n = g_rand_int_range (random, 0, sizeof text);
      for (int k = 0; k < n; k++)
        text[k] = alphabet[g_rand_int_range (random, 0, sizeof alphabet)];
      g_assert_true (
          g_file_set_contents_full (path, text, n, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      g_assert_true (eng_known_hosts_check (files, "board", 2222, key, &state, &known, NULL));
      g_assert_cmpint (state, !=, ENG_HOST_KEY_KNOWN);
      g_assert_cmpint (state, !=, ENG_HOST_KEY_REVOKED);
    }
}

/* Hashed names, by ssh-keygen itself; and what we append is found by it. */
static void
test_known_hosts_of_ssh (void)
{
  g_autofree char *mine = NULL;
  g_autofree char *mine_path = g_strconcat (board->key, ".pub", NULL);
  g_autoptr (GBytes) key = public_key (mine_path, &mine);
  g_autofree char *path = g_build_filename (board->folder, "new", "hosts", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL, *text = NULL;
  struct stat info;
  int status;

  g_assert_true (eng_known_hosts_add (path, "board", 22, key, &error));
  g_assert_true (eng_known_hosts_add (path, "board", 2222, key, &error));
  g_assert_no_error (error);
  g_assert_cmpint (stat (path, &info), ==, 0);
  g_assert_cmphex (info.st_mode & 0777, ==, 0600);
  const char *const find[] = { "ssh-keygen", "-f", path, "-F", "[board]:2222", NULL };
  g_assert_true (g_spawn_sync (NULL, (char **)find, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &found,
                               NULL, &status, NULL));
  g_assert_nonnull (strstr (found, mine));
  const char *const hash[] = { "ssh-keygen", "-q", "-H", "-f", path, NULL };
  g_assert_true (
      g_spawn_sync (NULL, (char **)hash, NULL,
                    G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL | G_SPAWN_STDOUT_TO_DEV_NULL,
                    NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_null (strstr (text, "board"));
  assert_state (text, "board", 2222, key, ENG_HOST_KEY_KNOWN, 2);
  assert_state (text, "board", 22, key, ENG_HOST_KEY_KNOWN, 1);
  assert_state (text, "boar", 22, key, ENG_HOST_KEY_UNKNOWN, 0);
}

/* ---- First contact, and another key at the second ---- */

static char *
fingerprint_of (const char *path)
{
  const char *const args[] = { "ssh-keygen", "-lf", path, NULL };
  g_autofree char *out = NULL;

  g_assert_true (g_spawn_sync (NULL, (char **)args, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out,
                               NULL, NULL, NULL));
  g_auto (GStrv) words = g_strsplit (out, " ", 3);
  return g_strdup (words[1]);
}

static void
test_first_contact (void)
{
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);
  g_autofree char *path = g_build_filename (board->folder, "host_key.pub", NULL);
  g_autofree char *fingerprint = fingerprint_of (path);
  g_auto (EngTestAnswers) answers = { 0 };
  g_autoptr (GError) error = NULL;

  g_remove (board->known_hosts);
  g_assert_null (open_link (device, &answers, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, fingerprint, "ED25519", "not accepted");
  g_clear_error (&error);
  g_assert_cmpuint (answers.n_confirm, ==, 1);
  g_assert_nonnull (strstr (answers.text, fingerprint));
  g_assert_nonnull (strstr (answers.text, "ED25519"));
  g_assert_nonnull (strstr (answers.text, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"));
  g_test_message ("asks: %s | %s", answers.title, answers.text);
  g_assert_false (g_file_test (board->known_hosts, G_FILE_TEST_EXISTS));

  /* nobody to ask: the question is the message */
  g_assert_null (eng_transport_ssh.open (device, NULL, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, fingerprint, "first time");
  g_clear_error (&error);

  answers.yes = TRUE;
  eng_link_close (open_link (device, &answers, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (answers.n_confirm, ==, 2);
  eng_link_close (open_link (device, &answers, NULL, &error)); /* and now it is known */
  g_assert_no_error (error);
  g_assert_cmpuint (answers.n_confirm, ==, 2);
}

static void
test_changed_key (void)
{
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);
  g_autofree char *path = g_build_filename (board->folder, "host_key.pub", NULL);
  g_autofree char *before = fingerprint_of (path);
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  g_autoptr (GError) error = NULL;

  eng_link_close (open_good ());
  eng_test_board_do (board, "new_host_key");
  g_autofree char *after = fingerprint_of (path);
  g_assert_null (open_link (device, &answers, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, before, after, "ssh-keygen -f", "line 1");
  g_assert_cmpuint (answers.n_confirm, ==, 0); /* never a question */
  /* the command that it names does what it says */
  g_autofree char *command = g_strdup (strstr (error->message, "ssh-keygen -f"));
  g_autofree char *said = NULL; /* it must not stand between lines of TAP */
  g_assert_true (g_spawn_command_line_sync (command, &said, NULL, NULL, NULL));
  g_clear_error (&error);
  eng_link_close (open_link (device, &answers, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (answers.n_confirm, ==, 1);
}

static void
test_revoked_key (void)
{
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);
  g_autofree char *path = g_build_filename (board->folder, "host_key.pub", NULL);
  g_autofree char *fingerprint = fingerprint_of (path);
  g_autofree char *line = NULL, *before = NULL;
  g_autoptr (GBytes) key = public_key (path, &line);
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  g_autoptr (GError) error = NULL;

  eng_link_close (open_good ());
  g_assert_true (g_file_get_contents (board->known_hosts, &before, NULL, NULL));
  g_autofree char *text = g_strdup_printf ("%s@revoked * %s\n", before, line);
  g_assert_true (g_file_set_contents (board->known_hosts, text, -1, NULL));
  g_assert_null (open_link (device, &answers, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, fingerprint, "line 2", "never to trust");
  g_assert_true (g_file_set_contents (board->known_hosts, before, -1, NULL));
}

/* ---- Logging in ---- */

static void
test_login_keys (void)
{
  g_autofree char *locked = g_build_filename (board->folder, "locked", NULL);
  g_autofree char *other = g_build_filename (board->folder, "other", NULL);
  g_auto (EngTestAnswers) answers
      = { .yes = TRUE, .secrets = { "wrong", "open the key" }, .keep = FALSE };
  g_autoptr (GError) error = NULL;

  eng_link_close (open_good ());
  /* protected by a passphrase: asked until it is right */
  g_autoptr (EngDevice) device = eng_test_board_device (board, "key", locked, NULL);
  eng_link_close (open_link (device, &answers, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (answers.n_secret, ==, 2);
  g_assert_nonnull (strstr (answers.text, "That was not it"));
  g_assert_nonnull (strstr (answers.title, locked));
  /* remembered while the program runs, until the device is removed */
  eng_link_close (eng_transport_ssh.open (device, NULL, NULL, &error));
  g_assert_no_error (error);
  eng_transport_ssh.forget (device);
  /* nobody to ask */
  g_assert_null (eng_transport_ssh.open (device, NULL, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, "Passphrase for", locked);
  g_clear_error (&error);
  /* one that it does not know: no passphrase is asked, the login is refused and says what was
   * tried */
  eng_test_board_do (board, "set auth keys");
  g_autoptr (EngDevice) stranger = eng_test_board_device (board, "key", other, NULL);
  g_assert_null (open_link (stranger, &answers, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, other, "It takes keys", "ssh-copy-id");
  g_clear_error (&error);
  /* no key at all, neither named nor in ~/.ssh */
  g_autoptr (EngDevice) bare = eng_test_board_device (board, "key", "", NULL);
  g_assert_null (open_link (bare, &answers, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, "there is no key here", "ssh-copy-id");
  g_clear_error (&error);
  /* a file that is not there */
  g_autoptr (EngDevice) lost = eng_test_board_device (board, "key", "/nonexistent/key", NULL);
  g_assert_null (open_link (lost, &answers, NULL, &error));
  assert_error (error, G_IO_ERROR_NOT_FOUND, "/nonexistent/key");
  g_assert_cmpuint (answers.n_secret, ==, 2);
  eng_test_board_do (board, "set auth all");
}

/* A key named like ssh's own default is found where ssh looks. */
static void
test_login_default_key (void)
{
  g_autofree char *path = g_build_filename (g_get_home_dir (), ".ssh", "id_ed25519", NULL);
  g_autoptr (EngDevice) device = eng_test_board_device (board, "key", "", NULL);
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  test_tree_put (g_get_home_dir (), ".ssh/nothing", "");
  g_assert_true (g_file_get_contents (board->key, &text, NULL, NULL));
  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  eng_link_close (open_link (device, &answers, NULL, &error));
  g_assert_no_error (error);
  g_remove (path);
}

/* A name of the user's own for it, as ssh would understand it. */
static void
test_login_config (void)
{
  g_autofree char *path = g_build_filename (g_get_home_dir (), ".ssh", "config", NULL);
  g_autofree char *text
      = g_strdup_printf ("Host myboard\n  HostName %s\n  Port %u\n  User %s\n  IdentityFile %s\n"
                         "Host far\n  HostName %s\n  ProxyJump gate\n",
                         board->host, board->port, board->user, board->key, board->host);
  g_autoptr (EngDevice) device
      = eng_test_board_device (board, "host", "myboard", "user", "", "key", "", "port", "22", NULL);
  g_autoptr (EngDevice) far = eng_test_board_device (board, "host", "far", NULL);
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  g_autoptr (GError) error = NULL;

  test_tree_put (g_get_home_dir (), ".ssh/config", text);
  eng_link_close (open_link (device, &answers, NULL, &error));
  g_assert_no_error (error);
  g_assert_null (open_link (far, &answers, NULL, &error));
  assert_error (error, G_IO_ERROR_FAILED, "ProxyJump", "ssh -L");
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (path, "Host *\n  User someone-else\n", -1, NULL));
  eng_link_close (open_good ()); /* what the device says goes first */
  g_remove (path);
}

static void
test_login_agent (void)
{
  g_autofree char *path = g_build_filename (board->folder, "agent", NULL);
  const char *const args[] = { "ssh-agent", "-D", "-a", path, NULL };
  const char *const add[] = { "ssh-add", "-q", board->key, NULL };
  g_autoptr (EngDevice) device = eng_test_board_device (board, "key", "", NULL);
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) agent = g_subprocess_newv (args, G_SUBPROCESS_FLAGS_STDOUT_SILENCE, NULL);
  int status;

  if (agent == NULL)
    {
      g_test_skip ("no ssh-agent on this machine");
      return;
    }
  for (int i = 0; i < 200 && !g_file_test (path, G_FILE_TEST_EXISTS); i++)
    g_usleep (10000);
  g_setenv ("SSH_AUTH_SOCK", path, TRUE);
  g_assert_true (g_spawn_sync (NULL, (char **)add, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  eng_link_close (open_link (device, &answers, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (answers.n_secret, ==, 0);
  g_subprocess_force_exit (agent);
  g_subprocess_wait (agent, NULL, NULL);
  /* a socket that nobody listens on any more is passed over */
  eng_link_close (open_good ());
  g_unsetenv ("SSH_AUTH_SOCK");
}

static void
test_login_password (void)
{
  g_auto (EngTestAnswers) answers = { .yes = TRUE, .secrets = { "wrong", "opensesame" } };
  g_auto (EngTestAnswers) wrong = { .yes = TRUE, .secrets = { "a", "b", "c" } };
  g_auto (EngTestAnswers) silent = { .yes = TRUE };
  g_autoptr (GError) error = NULL;

  if (eng_test_board_lacks_link (board))
    return;
  eng_test_board_do (board, "set auth password");
  g_autoptr (EngDevice) device = eng_test_board_device (board, "key", "", NULL);
  eng_link_close (open_link (device, &answers, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (answers.n_secret, ==, 2);
  g_assert_nonnull (strstr (answers.text, "refused that one"));
  g_assert_false (answers.could_keep); /* no keyring answers in this test, and it says so */
  g_assert_nonnull (strstr (answers.text, "No keyring answers"));
  g_test_message ("asks: %s | %s", answers.title, answers.text);
  eng_link_close (open_link (device, &answers, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (answers.n_secret, ==, 2); /* remembered */
  eng_transport_ssh.forget (device);
  g_assert_null (open_link (device, &wrong, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, "a password", "It takes passwords");
  g_clear_error (&error);
  g_assert_cmpuint (wrong.n_secret, ==, 3);
  g_assert_null (open_link (device, &silent, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, "no password given");
  g_clear_error (&error);
  g_assert_null (eng_transport_ssh.open (device, NULL, NULL, &error));
  assert_error (error, G_IO_ERROR_PERMISSION_DENIED, "Password for");
  eng_test_board_do (board, "set auth all");
}

static void
test_login_questions (void)
{
  g_auto (EngTestAnswers) answers = { .yes = TRUE, .secrets = { "wrong", "opensesame" } };
  g_auto (EngTestAnswers) both = { .yes = TRUE, .secrets = { "opensesame" } };
  g_autoptr (GError) error = NULL;

  if (eng_test_board_lacks_link (board))
    return;
  eng_test_board_do (board, "set auth questions");
  g_autoptr (EngDevice) device = eng_test_board_device (board, "key", "", "timeout-s", "10", NULL);
  eng_link_close (open_link (device, &answers, NULL, &error));
  g_assert_no_error (error);
  g_assert_nonnull (strstr (answers.title, "Password"));
  g_assert_false (answers.could_keep);
  /* a key and then a password, in one login */
  eng_test_board_do (board, "set auth both");
  g_autoptr (EngDevice) with_key = eng_test_board_device (board, NULL);
  eng_link_close (open_link (with_key, &both, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (both.n_secret, ==, 1);
  eng_transport_ssh.forget (with_key);
  eng_test_board_do (board, "set auth all");
}

/* ---- The keyring ---- */

typedef struct
{
  GSubprocess *bus, *keyring;
} Keyring;

static gboolean
start_keyring (Keyring *keyring)
{
  const char *const bus[] = { "dbus-daemon", "--session", "--nofork", "--print-address", NULL };
  const char *const daemon[]
      = { "gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets", NULL };
  g_autofree char *has_bus = g_find_program_in_path (bus[0]);
  g_autofree char *has_daemon = g_find_program_in_path (daemon[0]);

  if (has_bus == NULL || has_daemon == NULL)
    {
      g_test_skip ("no dbus-daemon or no gnome-keyring-daemon on this machine");
      return FALSE;
    }
  keyring->bus = g_subprocess_newv (bus, G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL);
  g_autoptr (GDataInputStream) out
      = g_data_input_stream_new (g_subprocess_get_stdout_pipe (keyring->bus));
  g_autofree char *address = g_data_input_stream_read_line (out, NULL, NULL, NULL);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", address, TRUE);
  keyring->keyring
      = g_subprocess_newv (daemon,
                           G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE
                               | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                           NULL);
  GOutputStream *in = g_subprocess_get_stdin_pipe (keyring->keyring);
  g_output_stream_write_all (in, "master", 6, NULL, NULL, NULL);
  g_output_stream_close (in, NULL, NULL);
  g_autoptr (GDBusConnection) connection = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  for (int i = 0; i < 100; i++)
    {
      gboolean owned = FALSE;
      g_autoptr (GVariant) answer
          = g_dbus_connection_call_sync (connection, "org.freedesktop.DBus",
                                         "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                         "NameHasOwner",
                                         g_variant_new ("(s)", "org.freedesktop.secrets"), NULL,
                                         G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
      g_variant_get (answer, "(b)", &owned);
      if (owned)
        return TRUE;
      g_usleep (50000);
    }
  g_error ("the keyring does not answer");
}

static void
test_keyring (void)
{
  Keyring keyring = { 0 };
  g_auto (EngTestAnswers) answers
      = { .yes = TRUE, .secrets = { "wrong", "opensesame", NULL }, .keep = TRUE };
  g_autoptr (GError) error = NULL;

  if (!start_keyring (&keyring))
    return;
  /* the store itself: two devices, two secrets */
  g_assert_null (eng_secret_lookup ("a", "password", NULL, &error));
  g_assert_no_error (error);
  g_assert_true (eng_secret_store ("a", "password", "Test", "päss", NULL, &error));
  g_assert_true (eng_secret_store ("a", "token", "Test", "tok", NULL, &error));
  g_assert_true (eng_secret_store ("b", "password", "Test", "other", NULL, &error));
  g_assert_no_error (error);
  char *secret = eng_secret_lookup ("a", "password", NULL, &error);
  g_assert_cmpstr (secret, ==, "päss");
  eng_secret_free (secret);
  g_assert_true (eng_secret_remove ("a", NULL, NULL, &error));
  g_assert_null (eng_secret_lookup ("a", "password", NULL, &error));
  g_assert_null (eng_secret_lookup ("a", "token", NULL, &error));
  secret = eng_secret_lookup ("b", "password", NULL, &error);
  g_assert_cmpstr (secret, ==, "other");
  eng_secret_free (secret);
  g_assert_true (eng_secret_remove ("b", "password", NULL, &error));
  g_assert_true (eng_secret_remove ("b", "password", NULL, &error)); /* nothing there: well too */
  g_assert_no_error (error);

  /* a login: asked, kept, used without asking, refused and asked again, gone with the device */
  g_autofree char *locked = g_build_filename (board->folder, "locked", NULL);
  g_autoptr (EngDevice) device = eng_test_board_device (board, "key", locked, NULL);
  answers.secrets[1] = "open the key";
  eng_link_close (open_link (device, &answers, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (answers.n_secret, ==, 2);
  g_assert_true (answers.could_keep);
  eng_link_close (open_link (device, &answers, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (answers.n_secret, ==, 2);
  eng_transport_ssh.forget (device);
  g_assert_null (open_link (device, &answers, NULL, &error));
  g_assert_cmpuint (answers.n_secret, >, 2);
  g_clear_error (&error);
  if (board->has_link)
    {
      g_auto (EngTestAnswers) typed
          = { .yes = TRUE, .secrets = { "opensesame", NULL }, .keep = TRUE };
      g_autoptr (EngDevice) bare = eng_test_board_device (board, "key", "", NULL);
      eng_test_board_do (board, "set auth password");
      eng_link_close (open_link (bare, &typed, NULL, &error));
      eng_link_close (open_link (bare, &typed, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (typed.n_secret, ==, 1);
      /* one that the board takes no longer is asked anew and forgotten */
      eng_secret_remember ("test-board", "password", "old");
      g_assert_true (eng_secret_store ("test-board", "password", "Test", "old", NULL, &error));
      g_assert_null (open_link (bare, &typed, NULL, &error));
      g_clear_error (&error);
      g_assert_cmpuint (typed.n_secret, ==, 2);
      g_assert_null (eng_secret_lookup ("test-board", "password", NULL, &error));
      g_assert_no_error (error);
      eng_test_board_do (board, "set auth all");
    }
  g_subprocess_force_exit (keyring.keyring);
  g_subprocess_force_exit (keyring.bus);
  g_subprocess_wait (keyring.keyring, NULL, NULL);
  g_subprocess_wait (keyring.bus, NULL, NULL);
  g_object_unref (keyring.keyring);
  g_object_unref (keyring.bus);
}

int
main (int argc, char **argv)
{
  char *home = begin_tests (&argc, &argv);

  g_test_add_func ("/ssh/settings", test_settings);
  if (start_board ())
    {
      g_test_add_func ("/ssh/known-hosts", test_known_hosts);
      g_test_add_func ("/ssh/known-hosts/of-bytes", test_known_hosts_of_bytes);
      g_test_add_func ("/ssh/known-hosts/of-ssh", test_known_hosts_of_ssh);
      g_test_add_func ("/ssh/host-key/first-contact", test_first_contact);
      g_test_add_func ("/ssh/host-key/changed", test_changed_key);
      g_test_add_func ("/ssh/host-key/revoked", test_revoked_key);
      g_test_add_func ("/ssh/login/keys", test_login_keys);
      g_test_add_func ("/ssh/login/default-key", test_login_default_key);
      g_test_add_func ("/ssh/login/config", test_login_config);
      g_test_add_func ("/ssh/login/agent", test_login_agent);
      g_test_add_func ("/ssh/login/password", test_login_password);
      g_test_add_func ("/ssh/login/questions", test_login_questions);
      g_test_add_func ("/ssh/kept/keyring", test_keyring);
    }
  return end_tests (home);
}
