/* Logging in: the agent's keys, then key files, then a password or the server's own questions, in
 * the order that asks people least. Called by eng-ssh-session.c once the host's key was checked.
 *
 * Secrets come from memory, from the keyring or from EngAsk.secret; they go to the keyring where
 * the user says so, and only after the board took them; one that it refuses is taken out again. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "eng-secret.h"
#include "eng-ssh.h"

#define N_TRIES 3
#define N_ROUNDS 4 /* a server may want several methods, one after the other */

typedef struct
{
  EngSsh *ssh;
  const EngSshTarget *target;
  GCancellable *cancellable;
  GString *tried;
  char *question;   /* the first that nobody could be asked */
  char *no_keyring; /* why, NULL: there is one, or it was not needed yet */
} Login;

/* One way to log in: SSH_AUTH_SUCCESS, _PARTIAL, _DENIED; _ERROR with @error. */
typedef int (*LoginWay) (Login *login, GError **error);

static void tried (Login *login, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
tried (Login *login, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (login->tried->len > 0)
    g_string_append (login->tried, "; ");
  g_string_append_vprintf (login->tried, format, args);
  va_end (args);
}

/* ---- Waiting for one answer ---- */

typedef int (*LoginCall) (Login *login, gpointer what);

static int
repeat (Login *login, LoginCall call, gpointer what, GError **error)
{
  int rc;

  while ((rc = call (login, what)) == SSH_AUTH_AGAIN)
    if (!eng_ssh_wait (login->ssh, "logging in", login->cancellable, error))
      return SSH_AUTH_ERROR;
  if (g_cancellable_set_error_if_cancelled (login->cancellable, error))
    return SSH_AUTH_ERROR;
  if (rc != SSH_AUTH_ERROR)
    return rc;
  if (strstr (ssh_get_error (login->ssh->session), "Too many authentication") != NULL)
    eng_ssh_error (login->ssh, error, G_IO_ERROR_PERMISSION_DENIED,
                   "it ended the login after too many tries (%s). Name the key file that it knows, "
                   "or take keys that it does not know out of the agent (ssh-add -d)",
                   login->tried->len > 0 ? login->tried->str : "the agent's keys");
  else
    eng_ssh_fail (login->ssh, "logging in", error);
  return SSH_AUTH_ERROR;
}

/* ---- Asking ---- */

static char *
lookup (Login *login, const char *what)
{
  g_autoptr (GError) local = NULL;
  char *secret = login->target->id != NULL ? eng_secret_recall (login->target->id, what) : NULL;

  if (secret != NULL || login->target->id == NULL || login->no_keyring != NULL)
    return secret;
  secret = eng_secret_lookup (login->target->id, what, login->cancellable, &local);
  if (local != NULL)
    login->no_keyring = g_strdup (local->message);
  eng_ssh_restart_clock (login->ssh);
  return secret;
}

/* NULL: nobody is there, or none was given. *@keep NULL: it is not one to keep. */
static char *
ask (Login *login, const char *title, const char *text, gboolean *keep)
{
  const EngAsk *who = login->target->ask;
  const gboolean can_keep = keep != NULL && login->target->id != NULL && login->no_keyring == NULL;
  gboolean answer = can_keep;
  g_autofree char *all = keep == NULL || login->no_keyring == NULL
                             ? g_strdup (text)
                             : g_strdup_printf ("%s\n\n%s. Until then it is remembered "
                                                "only while this program runs.",
                                                text, login->no_keyring);

  if (who == NULL || who->secret == NULL)
    {
      if (login->question == NULL)
        login->question = g_strdup_printf ("%s. %s", title, all);
      return NULL;
    }
  char *secret = who->secret (login->target->device, title, all, &answer, who->user_data);
  if (keep != NULL)
    *keep = answer && can_keep;
  eng_ssh_restart_clock (login->ssh);
  return secret;
}

/* One that was right: to the keyring if the user says so, else to memory, for a link that is
 * lost. */
static void
keep_secret (Login *login, const char *what, const char *title, const char *secret, gboolean keep)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *label = g_strdup_printf ("Lathe: %s of %s", title, login->ssh->place);

  if (login->target->id == NULL)
    return;
  eng_secret_remember (login->target->id, what, secret);
  if (!keep)
    return;
  if (!eng_secret_store (login->target->id, what, label, secret, login->cancellable, &local)
      && login->target->device != NULL)
    {
      g_autofree char *message = g_strdup_printf ("The %s was not kept: %s", title, local->message);
      eng_device_set_state (login->target->device, ENG_DEVICE_CONNECTING, message, NULL);
    }
}

/* ---- The agent ---- */

static int
call_agent (Login *login, gpointer what)
{
  return ssh_userauth_agent (login->ssh->session, NULL);
}

static int
connect_agent (void)
{
  const char *path = g_getenv ("SSH_AUTH_SOCK");
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  if (path == NULL || *path == '\0'
      || g_strlcpy (address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
    return -1;
  const int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || connect (fd, (const struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  close (fd);
  return -1;
}

static void
hang_up (GCancellable *cancellable, gpointer fd)
{
  shutdown (GPOINTER_TO_INT (fd), SHUT_RDWR);
}

/* libssh waits for the agent (which may itself ask the user) as long as it takes; a cancellation
 * hangs up on the agent. */
static int
try_agent (Login *login, GError **error)
{
  const int fd = connect_agent ();
  const int ours = fd < 0 ? -1 : dup (fd);

  if (ours < 0)
    {
      if (fd >= 0)
        close (fd);
      return SSH_AUTH_DENIED;
    }
  ssh_set_agent_socket (login->ssh->session, fd);
  const gulong handler = login->cancellable != NULL
                             ? g_cancellable_connect (login->cancellable, G_CALLBACK (hang_up),
                                                      GINT_TO_POINTER (ours), NULL)
                             : 0;
  const int rc = repeat (login, call_agent, NULL, error);
  g_cancellable_disconnect (login->cancellable, handler);
  close (ours);
  eng_ssh_restart_clock (login->ssh);
  if (rc == SSH_AUTH_DENIED)
    tried (login, "the agent's keys");
  return rc;
}

/* ---- Key files ---- */

static int
call_offer (Login *login, gpointer key)
{
  return ssh_userauth_try_publickey (login->ssh->session, NULL, key);
}

static int
call_key (Login *login, gpointer key)
{
  return ssh_userauth_publickey (login->ssh->session, NULL, key);
}

typedef struct
{
  const char *passphrase;
  gboolean needed;
} Passphrase;

static int
give_passphrase (const char *prompt, char *buffer, size_t n_buffer, int echo, int verify,
                 void *user_data)
{
  Passphrase *passphrase = user_data;

  passphrase->needed = TRUE;
  if (passphrase->passphrase == NULL
      || g_strlcpy (buffer, passphrase->passphrase, n_buffer) >= n_buffer)
    return -1;
  return 0;
}

/* NULL: it cannot be read, or *@needed a passphrase other than @secret. */
static ssh_key
read_key (const char *path, const char *secret, gboolean *needed)
{
  Passphrase passphrase = { .passphrase = secret };
  ssh_key key = NULL;

  const int rc = ssh_pki_import_privkey_file (path, NULL, give_passphrase, &passphrase, &key);
  *needed = passphrase.needed;
  return rc == SSH_OK ? key : NULL;
}

/* The private key of @path, with its passphrase from the keyring or the user. */
static ssh_key
unlock_key (Login *login, const char *path)
{
  g_autofree char *what = g_strconcat ("passphrase ", path, NULL);
  g_autofree char *title = g_strdup_printf ("Passphrase for %s", path);
  gboolean needed, keep = FALSE;
  ssh_key key = read_key (path, NULL, &needed);

  if (key != NULL || !needed)
    {
      if (key == NULL)
        tried (login, "%s (cannot be read)", path);
      return key;
    }
  char *secret = lookup (login, what);
  key = secret != NULL ? read_key (path, secret, &needed) : NULL;
  for (int i = 0; key == NULL && i < N_TRIES; i++)
    {
      g_autofree char *text
          = g_strdup_printf ("%sThe key %s logs in to %s; it is protected by a passphrase.",
                             i > 0 ? "That was not it. " : "", path, login->ssh->place);
      eng_secret_free (secret);
      secret = ask (login, title, text, &keep);
      if (secret == NULL)
        break;
      key = read_key (path, secret, &needed);
    }
  if (key != NULL)
    keep_secret (login, what, "passphrase", secret, keep);
  if (key == NULL)
    tried (login, "%s (%s)", path, secret == NULL ? "no passphrase given" : "wrong passphrase");
  eng_secret_free (secret);
  return key;
}

static int
try_key (Login *login, const char *path, GError **error)
{
  g_autofree char *beside = g_strconcat (path, ".pub", NULL);
  ssh_key key = NULL;

  /* Asked first whether the board would take it: no passphrase is needed for that. */
  if (ssh_pki_import_pubkey_file (beside, &key) == SSH_OK
      || ssh_pki_import_pubkey_file (path, &key) == SSH_OK)
    {
      const int rc = repeat (login, call_offer, key, error);
      ssh_key_free (key);
      if (rc == SSH_AUTH_DENIED)
        tried (login, "%s", path);
      if (rc != SSH_AUTH_SUCCESS)
        return rc;
    }
  key = unlock_key (login, path);
  if (key == NULL)
    return SSH_AUTH_DENIED;
  const int rc = repeat (login, call_key, key, error);
  ssh_key_free (key);
  if (rc == SSH_AUTH_DENIED)
    tried (login, "%s", path);
  return rc;
}

static int
try_keys (Login *login, GError **error)
{
  static const char *const names[] = { "id_ed25519", "id_ecdsa", "id_rsa" };
  int rc = SSH_AUTH_DENIED;

  if (login->target->key_file != NULL)
    return try_key (login, login->target->key_file, error);
  for (guint i = 0; i < G_N_ELEMENTS (names) && rc == SSH_AUTH_DENIED; i++)
    {
      g_autofree char *path = g_build_filename (g_get_home_dir (), ".ssh", names[i], NULL);
      if (g_file_test (path, G_FILE_TEST_EXISTS))
        rc = try_key (login, path, error);
    }
  return rc;
}

/* ---- A password ---- */

static int
call_password (Login *login, gpointer secret)
{
  return ssh_userauth_password (login->ssh->session, NULL, secret);
}

static int
try_password (Login *login, GError **error)
{
  g_autofree char *title = g_strdup_printf ("Password for %s", login->ssh->place);
  g_autofree char *hint = g_strdup_printf (
      "No key of this computer opens %s. To do without a password: ssh-copy-id %s@%s",
      login->ssh->place, login->target->user, login->target->host);
  char *secret = lookup (login, "password");
  gboolean keep = FALSE, kept = secret != NULL;
  int rc = SSH_AUTH_DENIED;

  for (int i = 0; i < N_TRIES + kept && rc == SSH_AUTH_DENIED; i++)
    {
      g_autofree char *text = g_strconcat (i > 0 ? "The board refused that one. " : "", hint, NULL);
      if (secret == NULL)
        secret = ask (login, title, text, &keep);
      if (secret == NULL)
        {
          tried (login, "no password given");
          return SSH_AUTH_DENIED;
        }
      rc = repeat (login, call_password, secret, error);
      if (rc == SSH_AUTH_SUCCESS || rc == SSH_AUTH_PARTIAL)
        keep_secret (login, "password", "password", secret, keep);
      else if (rc == SSH_AUTH_DENIED && i == 0 && kept)
        eng_secret_remove (login->target->id, "password", login->cancellable, NULL);
      g_clear_pointer (&secret, eng_secret_free);
    }
  if (rc == SSH_AUTH_DENIED)
    tried (login, "a password");
  return rc;
}

/* ---- The server's own questions ---- */

static int
call_questions (Login *login, gpointer what)
{
  return ssh_userauth_kbdint (login->ssh->session, NULL, NULL);
}

/* FALSE: no answer was given. */
static gboolean
answer_all (Login *login)
{
  ssh_session session = login->ssh->session;
  const int n = ssh_userauth_kbdint_getnprompts (session);
  g_autofree char *said = eng_ssh_quote (ssh_userauth_kbdint_getinstruction (session), -1);

  for (int i = 0; i < n; i++)
    {
      char echo = 0;
      g_autofree char *prompt
          = eng_ssh_quote (ssh_userauth_kbdint_getprompt (session, (unsigned int)i, &echo), -1);
      g_autofree char *title = g_strdup_printf ("%s asks: %s", login->ssh->place, prompt);
      char *secret = ask (login, title, said, NULL);
      if (secret == NULL)
        {
          tried (login, "no answer to \"%s\"", prompt);
          return FALSE;
        }
      ssh_userauth_kbdint_setanswer (session, (unsigned int)i, secret);
      eng_secret_free (secret);
    }
  return TRUE;
}

/* Answers are not kept: many of them are good once. */
static int
try_questions (Login *login, GError **error)
{
  int rc = SSH_AUTH_DENIED;

  for (int i = 0; i < N_TRIES && rc == SSH_AUTH_DENIED; i++)
    while ((rc = repeat (login, call_questions, NULL, error)) == SSH_AUTH_INFO)
      if (!answer_all (login))
        return SSH_AUTH_DENIED;
  if (rc == SSH_AUTH_DENIED)
    tried (login, "its questions");
  return rc;
}

/* ---- All of them ---- */

static int
call_none (Login *login, gpointer what)
{
  return ssh_userauth_none (login->ssh->session, NULL);
}

static int
try_methods (Login *login, int methods, GError **error)
{
  static const struct
  {
    int method;
    LoginWay way;
  } ways[] = {
    { SSH_AUTH_METHOD_PUBLICKEY, try_agent },
    { SSH_AUTH_METHOD_PUBLICKEY, try_keys },
    { SSH_AUTH_METHOD_PASSWORD, try_password },
    { SSH_AUTH_METHOD_INTERACTIVE, try_questions },
  };
  int rc = SSH_AUTH_DENIED;

  for (guint i = 0; i < G_N_ELEMENTS (ways) && rc == SSH_AUTH_DENIED; i++)
    if (methods & ways[i].method)
      rc = ways[i].way (login, error);
  return rc;
}

static gboolean
refused (Login *login, int methods, GError **error)
{
  g_autofree char *takes
      = g_strdup_printf ("%s%s%s", methods & SSH_AUTH_METHOD_PUBLICKEY ? ", keys" : "",
                         methods & SSH_AUTH_METHOD_PASSWORD ? ", passwords" : "",
                         methods & SSH_AUTH_METHOD_INTERACTIVE ? ", answers to its questions" : "");

  if (login->question != NULL)
    return eng_ssh_error (login->ssh, error, G_IO_ERROR_PERMISSION_DENIED, "%s", login->question);
  return eng_ssh_error (
      login->ssh, error, G_IO_ERROR_PERMISSION_DENIED,
      "it refused the login. Tried: %s. It takes %s. Check the user's name, or put a key of yours "
      "there: ssh-copy-id %s@%s",
      login->tried->len > 0 ? login->tried->str : "nothing, there is no key here",
      *takes != '\0' ? takes + strlen (", ") : "nothing that is known here", login->target->user,
      login->target->host);
}

static gboolean
log_in (Login *login, GError **error)
{
  int rc = repeat (login, call_none, NULL, error), methods = 0;

  for (int i = 0; i < N_ROUNDS && (rc == SSH_AUTH_DENIED || rc == SSH_AUTH_PARTIAL); i++)
    {
      methods = ssh_userauth_list (login->ssh->session, NULL);
      rc = try_methods (login, methods, error);
      if (rc == SSH_AUTH_DENIED)
        return refused (login, methods, error);
    }
  if (rc == SSH_AUTH_SUCCESS)
    eng_ssh_said (login->ssh, "accepted the login");
  else if (rc != SSH_AUTH_ERROR)
    return refused (login, methods, error);
  return rc == SSH_AUTH_SUCCESS;
}

gboolean
eng_ssh_login (EngSsh *ssh, const EngSshTarget *target, GCancellable *cancellable, GError **error)
{
  Login login
      = { .ssh = ssh, .target = target, .cancellable = cancellable, .tried = g_string_new (NULL) };

  const gboolean ok = log_in (&login, error);
  g_string_free (login.tried, TRUE);
  g_free (login.question);
  g_free (login.no_keyring);
  return ok;
}
