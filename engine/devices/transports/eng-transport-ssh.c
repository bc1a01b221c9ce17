/* The SSH transport: any Linux board with an SSH server. What it needs to know, and a session as a
 * link; the work is in eng-ssh-*.c. Called through the table of transports. On the board nothing is
 * used but SFTP, sh and uname. */
#include <string.h>
#include <sys/stat.h>

#include "eng-secret.h"
#include "eng-sftp.h"
#include "eng-transport.h"

#define TIMEOUT_S 15.0
#define DEFAULT_PORT 22

static const EngTransportField fields[] = {
  { .key = "host",
    .title = "Host",
    .hint = "The board's name or address in your network, or its name in ~/.ssh/config: "
            "raspberrypi.local, 192.168.1.7." },
  { .key = "user",
    .title = "User",
    .hint = "Who logs in there: pi, root. Empty: your own name here.",
    .fallback = "" },
  { .key = "port", .title = "Port", .hint = "Where its SSH server listens.", .fallback = "22" },
  { .key = "key",
    .title = "Key file",
    .hint = "A private key that the board knows. Empty: the agent's keys and those in ~/.ssh, then "
            "a password.",
    .fallback = "" },
  { NULL },
};

typedef struct
{
  EngLink link;
  EngSsh *ssh;
} SshLink;

static EngSsh *
get_ssh (EngLink *link)
{
  return ((SshLink *)link)->ssh;
}

/* ---- Commands ---- */

static gboolean
collect (const char *bytes, gsize n_bytes, gpointer user_data)
{
  GString *text = user_data;

  g_string_append_len (text, bytes, (gssize)MIN (n_bytes, 1024));
  return text->len < 1024;
}

static char *
ssh_machine (EngLink *link, GCancellable *cancellable, GError **error)
{
  EngSsh *ssh = get_ssh (link);
  g_auto (EngSshEnd) end = { 0 };
  GString *out = g_string_new (NULL);
  char *machine = NULL;

  if (eng_ssh_run (ssh, "uname -m", collect, out, &end, cancellable, error))
    {
      /* a shell that greets people may have printed more: the answer is the last line */
      const char *line = strrchr (g_strchomp (out->str), '\n');
      line = line != NULL ? line + 1 : out->str;
      if (*line != '\0'
          && strspn (line, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-") == strlen (line))
        machine = g_strdup (line);
      else
        {
          g_autofree char *quoted = eng_ssh_quote (out->str, -1);
          g_autofree char *wrong = eng_ssh_quote (end.error->str, -1);
          eng_ssh_error (ssh, error, G_IO_ERROR_FAILED,
                         "\"uname -m\" does not say what the processor is: it printed \"%s\" %s. A "
                         "Linux system is needed there",
                         quoted, wrong);
        }
    }
  g_string_free (out, TRUE);
  return machine;
}

/* For whatever shell the user has there: sh does the rest. */
static char *
dup_command (const char *folder, const char *runner, const char *const *args)
{
  g_autoptr (GString) inner = g_string_new ("cd ");
  g_autofree char *quoted = g_shell_quote (folder);

  g_string_append_printf (inner, "%s && exec ./%s", quoted, runner);
  for (; args != NULL && *args != NULL; args++)
    {
      g_autofree char *arg = g_shell_quote (*args);
      g_string_append_printf (inner, " %s", arg);
    }
  g_autofree char *all = g_shell_quote (inner->str);
  return g_strdup_printf ("exec sh -c %s", all);
}

/* What a shell answers where it could not run a program at all. */
static gboolean
explain_not_run (EngSsh *ssh, const char *runner, const EngSshEnd *end, GError **error)
{
  g_autofree char *quoted = eng_ssh_quote (end->error->str, -1);
  const gboolean format = strstr (end->error->str, "ormat error") != NULL;

  return eng_ssh_error (
      ssh, error,
      end->status == 127 ? G_IO_ERROR_NOT_FOUND
      : format           ? G_IO_ERROR_FAILED
                         : G_IO_ERROR_PERMISSION_DENIED,
      "%s could not be run there: %s. %s", runner, quoted,
      end->status == 127
          ? "Push again: it was taken away, or its folder is another one for the shell "
            "than for SFTP"
      : format ? "It is for another kind of processor"
               : "Is its folder on a file system that allows no programs (mounted noexec)?");
}

static gboolean
ssh_run (EngLink *link, const char *runner, const char *const *args, EngLinkData data,
         gpointer user_data, int *status, GCancellable *cancellable, GError **error)
{
  EngSsh *ssh = get_ssh (link);
  g_auto (EngSshEnd) end = { 0 };

  if (!eng_ssh_prepare_folder (ssh, cancellable, error))
    return FALSE;
  g_autofree char *command = dup_command (ssh->folder, runner, args);
  if (!eng_ssh_run (ssh, command, data, user_data, &end, cancellable, error))
    return FALSE;
  if (end.status == 126 || end.status == 127)
    return explain_not_run (ssh, runner, &end, error);
  if (status != NULL)
    *status = end.status;
  return TRUE;
}

/* ---- Files ---- */

/* After a failure the SFTP connection may be in the middle of something. */
static gboolean
settle (EngSsh *ssh, GError *local, GError **error)
{
  if (local->code != G_IO_ERROR_PERMISSION_DENIED)
    g_clear_pointer (&ssh->sftp, eng_sftp_free);
  g_propagate_error (error, local);
  return FALSE;
}

static gboolean
ssh_size (EngLink *link, const char *name, guint64 *n_bytes, GCancellable *cancellable,
          GError **error)
{
  EngSsh *ssh = get_ssh (link);
  EngSftpInfo info;
  GError *local = NULL;

  if (!eng_ssh_prepare_folder (ssh, cancellable, error))
    return FALSE;
  g_autofree char *path = g_build_path ("/", ssh->folder, name, NULL);
  *n_bytes = G_MAXUINT64;
  if (eng_sftp_stat (ssh->sftp, path, &info, cancellable, &local))
    *n_bytes = info.n_bytes;
  else if (!g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return settle (ssh, local, error);
  g_clear_error (&local);
  return TRUE;
}

static gboolean
ssh_remove (EngLink *link, const char *name, GCancellable *cancellable, GError **error)
{
  EngSsh *ssh = get_ssh (link);
  GError *local = NULL;

  if (!eng_ssh_prepare_folder (ssh, cancellable, error))
    return FALSE;
  g_autofree char *path = g_build_path ("/", ssh->folder, name, NULL);
  g_autofree char *part = g_strconcat (path, ".part", NULL);
  if (!eng_sftp_remove (ssh->sftp, part, cancellable, &local)
      && !g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return settle (ssh, local, error);
  g_clear_error (&local);
  if (eng_sftp_remove (ssh->sftp, path, cancellable, &local))
    return TRUE;
  if (!g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return settle (ssh, local, error);
  g_propagate_error (error, local);
  return FALSE;
}

static gboolean
ssh_put (EngLink *link, const char *path, const char *name, gboolean program,
         EngLinkProgress progress, gpointer user_data, GCancellable *cancellable, GError **error)
{
  return eng_ssh_put (get_ssh (link), path, name, program, progress, user_data, cancellable, error);
}

static void
ssh_close (EngLink *link)
{
  eng_ssh_free (get_ssh (link));
  g_free (link);
}

static const EngLinkClass link_class = {
  .machine = ssh_machine,
  .size = ssh_size,
  .put = ssh_put,
  .remove = ssh_remove,
  .run = ssh_run,
  .close = ssh_close,
};

/* ---- Settings ---- */

static gboolean
parse_port (const char *text, guint16 *port)
{
  guint64 value;

  if (text == NULL || *text == '\0')
    text = "22";
  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT16, &value, NULL))
    return FALSE;
  *port = (guint16)value;
  return TRUE;
}

/* "~/x" is the user's; NULL for nothing. */
static char *
dup_path (const char *text)
{
  if (text == NULL || *text == '\0')
    return NULL;
  return g_str_has_prefix (text, "~/") ? g_build_filename (g_get_home_dir (), text + 2, NULL)
                                       : g_strdup (text);
}

static char *
ssh_validate (GHashTable *settings)
{
  const char *host = g_hash_table_lookup (settings, "host");
  const char *user = g_hash_table_lookup (settings, "user");
  const char *port = g_hash_table_lookup (settings, "port");
  guint16 number;

  if (host == NULL || *host == '\0')
    return g_strdup ("Host: give the board's name or its address in the network.");
  if (strpbrk (host, " \t\r\n@/,[]") != NULL || *host == '-')
    return g_strdup_printf ("Host: \"%s\" is not a name or an address; the user and the port have "
                            "fields of their own.",
                            host);
  if (user != NULL && (strpbrk (user, " \t\r\n@:/") != NULL || *user == '-'))
    return g_strdup_printf ("User: \"%s\" is not a user's name.", user);
  if (!parse_port (port, &number))
    return g_strdup_printf ("Port: \"%s\" is not a number from 1 to 65535.", port);
  g_autofree char *key = dup_path (g_hash_table_lookup (settings, "key"));
  struct stat info;
  if (key != NULL && (stat (key, &info) != 0 || !S_ISREG (info.st_mode)))
    return g_strdup_printf ("Key file: there is no file %s.", key);
  return NULL;
}

static EngBoardKind
ssh_kind (EngDevice *device)
{
  return ENG_BOARD_LINUX;
}

static gboolean
ssh_check (EngDevice *device, char **remedy, GError **error)
{
  g_autofree char *key = dup_path (eng_device_get_setting (device, "key"));

  if (key == NULL || g_file_test (key, G_FILE_TEST_EXISTS))
    return TRUE;
  g_autofree char *quoted = g_shell_quote (key);
  if (remedy != NULL)
    *remedy = g_strdup_printf ("ssh-keygen -t ed25519 -f %s", quoted);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "The key file %s is not there.", key);
  return FALSE;
}

/* Silence after which a board counts as gone; a setting for slow links, in no form. */
static double
get_timeout (EngDevice *device)
{
  const char *text = eng_device_get_setting (device, "timeout-s");
  const double value = text != NULL ? g_ascii_strtod (text, NULL) : 0;

  return value >= 1 && value <= 600 ? value : TIMEOUT_S;
}

static gpointer
forget_secrets (gpointer data)
{
  g_autofree char *id = data;
  g_autoptr (GError) local = NULL;

  /* without a keyring nothing was kept */
  if (!eng_secret_remove (id, NULL, NULL, &local)
      && !g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
    g_warning ("Secrets of a device that was removed are still in the keyring: %s", local->message);
  return NULL;
}

/* A keyring may ask the user first: a program with a main loop goes on meanwhile, one without would
 * end before it is done. */
static void
ssh_forget (EngDevice *device)
{
  char *id = g_strdup (eng_device_get_id (device));

  if (g_main_depth () == 0)
    forget_secrets (id);
  else
    g_thread_unref (g_thread_new ("forget-secrets", forget_secrets, id));
}

static const char *
or_else (const char *text, const char *other)
{
  return text != NULL && *text != '\0' ? text : other;
}

/* What the device does not say is as ~/.ssh/config says, and then as ssh does it. */
static EngLink *
ssh_open (EngDevice *device, const EngAsk *ask, GCancellable *cancellable, GError **error)
{
  const char *host = eng_device_get_setting (device, "host");
  g_autofree char *key = dup_path (eng_device_get_setting (device, "key"));
  g_autofree char *known = dup_path (eng_device_get_setting (device, "known-hosts"));
  g_auto (EngSshAlias) alias = { 0 };
  EngSshTarget target = { .device = device,
                          .ask = ask,
                          .id = eng_device_get_id (device),
                          .timeout_s = get_timeout (device) };

  eng_ssh_init ();
  if (!ssh_check (device, NULL, error))
    return NULL;
  if (host == NULL || !parse_port (eng_device_get_setting (device, "port"), &target.port))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                   "The device %s has no host, or its port is not a number: add it again",
                   eng_device_get_name (device));
      return NULL;
    }
  if (!eng_ssh_resolve (host, &alias, error))
    return NULL;
  if (known == NULL)
    known = g_build_filename (g_get_home_dir (), ".ssh", "known_hosts", NULL);
  target.host = or_else (alias.host, host);
  target.user
      = or_else (eng_device_get_setting (device, "user"), or_else (alias.user, g_get_user_name ()));
  target.key_file = key != NULL ? key : alias.key_file;
  target.known_hosts = known;
  if (target.port == DEFAULT_PORT && alias.port != 0)
    target.port = alias.port;
  EngSsh *ssh = eng_ssh_open (&target, cancellable, error);
  if (ssh == NULL)
    return NULL;
  SshLink *link = g_new0 (SshLink, 1);
  link->link.klass = &link_class;
  link->ssh = ssh;
  return &link->link;
}

const EngTransport eng_transport_ssh = {
  .id = "ssh",
  .title = "SSH",
  .summary
  = "A Linux board with an SSH server: Raspberry Pi, Jetson, and others. Nothing has to be "
    "installed there.",
  .fields = fields,
  .can_add = TRUE,
  .kind = ssh_kind,
  .check = ssh_check,
  .validate = ssh_validate,
  .forget = ssh_forget,
  .open = ssh_open,
};
