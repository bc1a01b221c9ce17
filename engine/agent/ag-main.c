/* lathe-agent: the service on a board, and what the person there asks of it. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "ag-announce.h"
#include "ag-control.h"

static const char summary[]
    = "Lets a paired studio put builds on this board, run them and read their telemetry.\n"
      "\n"
      "  lathe-agent serve            run the service (systemctl --user enable --now lathe-agent)\n"
      "  lathe-agent pair             show a code for a studio to pair with; waits for it\n"
      "  lathe-agent unpair [NAME]    take the access of one studio, or of all, away\n"
      "  lathe-agent status           port, fingerprint, who is paired, connections, space\n"
      "  lathe-agent current          the file of the build that is current, for programs on this "
      "board\n"
      "\n"
      "A paired studio can run programs here as this user: pair with nobody else's.";

typedef struct
{
  char *state, *files, *address, *quota, *name;
  int port;
  gboolean quiet;
} Options;

static int
fail (const char *what)
{
  g_printerr ("lathe-agent: %s\n", what);
  return 1;
}

/* "4G", "500M", "1234567" */
static gboolean
read_quota (const char *text, guint64 *n_bytes)
{
  char *end;
  guint64 number = g_ascii_strtoull (text, &end, 10);
  int shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;

  if (end == text || number == 0 || (shift ? end[1] : end[0]) != '\0'
      || number > (G_MAXUINT64 >> 31))
    return FALSE;
  *n_bytes = number << shift;
  return TRUE;
}

/* ---- serve ---- */

static gboolean
quit (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

static void
say_not_announced (const char *reason)
{
  g_printerr (
      "lathe-agent: not announced on the local network (%s); studios reach this board by its "
      "address\n",
      reason);
}

static void
say_ready (AgServer *server)
{
  g_autofree char *fingerprint = ag_fingerprint_text (ag_server_get_identity (server)->fingerprint);
  guint n = ag_tokens_list (ag_server_get_tokens (server))->len;

  g_print ("lathe-agent " AG_VERSION ": port %u, fingerprint %s, %u paired%s\n",
           ag_server_get_port (server), fingerprint, n,
           n ? "" : "; lathe-agent pair shows a code for a studio");
}

/* One service for a folder: two would each have half the truth. */
static int
lock_state (const char *state)
{
  g_autofree char *path = g_build_filename (state, "lock", NULL);
  int fd = -1;

  if (g_mkdir_with_parents (state, 0700) == 0)
    fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (fd >= 0)
    g_close (fd, NULL);
  return -1;
}

static int
serve (const Options *options)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  AgConfig config
      = { .state = options->state, .files = options->files, .address = options->address };
  AgServer *server;
  AgControl *control;
  AgAnnounce *announce;
  int lock = lock_state (options->state);

  if (lock < 0)
    {
      g_autofree char *text
          = g_strdup_printf ("%s cannot be used, or another service uses it", options->state);
      return fail (text);
    }
  config.port = (guint16)options->port;
  config.limits = &ag_door_limits;
  if (!read_quota (options->quota, &config.quota_bytes))
    return fail ("--quota wants a number of bytes, like 4G or 500M");
  server = ag_server_new (&config, &error);
  if (!server)
    return fail (error->message);
  control = ag_control_new (server, options->state, &error);
  if (!control)
    {
      ag_server_free (server);
      return fail (error->message);
    }
  announce
      = options->quiet
            ? NULL
            : ag_announce_new (options->name ? options->name : ag_server_get_name (server),
                               ag_server_get_port (server), ag_server_get_machine (server),
                               ag_server_get_identity (server)->fingerprint, say_not_announced);
  g_unix_signal_add (SIGTERM, quit, loop);
  g_unix_signal_add (SIGINT, quit, loop);
  say_ready (server);
  g_main_loop_run (loop);
  ag_announce_free (announce);
  ag_control_free (control);
  ag_server_free (server);
  g_close (lock, NULL);
  return 0;
}

/* ---- pair, unpair, status ---- */

static void
show_pairing (const char *line, gpointer data)
{
  int *status = data;
  const char *rest = strchr (line, ' ');

  rest = rest ? rest + 1 : "";
  if (g_str_has_prefix (line, "fingerprint "))
    g_print ("Fingerprint  %s\n", rest);
  else if (g_str_has_prefix (line, "code "))
    g_print (
        "Code         %.4s %s\n\nGive the code to the studio within five minutes; it shows the "
        "same fingerprint.\n",
        rest, strlen (rest) > 4 ? rest + 4 : "");
  else if (g_str_has_prefix (line, "wrong "))
    g_print ("That was not the code; %s tries are left.\n", rest);
  else if (g_str_has_prefix (line, "paired "))
    {
      g_print ("Paired with %s.\n", rest);
      *status = 0;
    }
  else if (strcmp (line, "void") == 0)
    g_print ("The code is void: too many wrong tries, or another lathe-agent pair was started.\n");
  else if (strcmp (line, "expired") == 0)
    g_print ("The code has expired; run lathe-agent pair again.\n");
  else if (g_str_has_prefix (line, "wait "))
    g_print ("After too many wrong tries there is no new code for %s s.\n", rest);
  else
    g_print ("%s\n", line);
}

static void
show_line (const char *line, gpointer data)
{
  g_print ("%s\n", line);
}

static void
show_current (const char *line, gpointer data)
{
  if (!g_str_has_prefix (line, "current "))
    return;
  g_print ("%s\n", line + strlen ("current "));
  *(int *)data = 0;
}

static int
ask (const Options *options, const char *question, AgControlLine line)
{
  g_autoptr (GError) error = NULL;
  int status = line == show_line ? 0 : 1;

  if (!ag_control_ask (options->state, question, line, &status, &error))
    return fail (error->message);
  return status;
}

/* Where no service runs the file itself is changed. */
static int
unpair (const Options *options, const char *which)
{
  g_autofree char *question = g_strconcat ("unpair ", which ? which : "*", NULL);
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (AgTokens) tokens = NULL;
  g_autoptr (GError) error = NULL;
  int lock;

  if (ag_control_ask (options->state, question, show_line, NULL, NULL))
    return 0;
  lock = lock_state (options->state);
  if (lock < 0)
    return fail ("a service runs and does not answer; try again");
  tokens = ag_tokens_load (options->state, &error);
  if (!tokens || !ag_tokens_remove (tokens, which, ids, &error))
    return fail (error->message);
  g_print ("unpaired %u\n", ids->len);
  g_close (lock, NULL);
  return 0;
}

static int
run (const Options *options, int argc, char **argv)
{
  const char *command = argc > 1 ? argv[1] : NULL;

  if (g_strcmp0 (command, "serve") == 0 && argc == 2)
    return serve (options);
  if (g_strcmp0 (command, "pair") == 0 && argc == 2)
    return ask (options, "pair", show_pairing);
  if (g_strcmp0 (command, "unpair") == 0 && argc <= 3)
    return unpair (options, argc > 2 ? argv[2] : NULL);
  if (g_strcmp0 (command, "status") == 0 && argc == 2)
    return ask (options, "status", show_line);
  if (g_strcmp0 (command, "current") == 0 && argc == 2)
    return ask (options, "status", show_current);
  fail ("which command? serve, pair, unpair [NAME], status or current; --help says more");
  return 2;
}

int
main (int argc, char **argv)
{
  Options options = { .port = AG_DEFAULT_PORT };
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "state", 0, 0, G_OPTION_ARG_FILENAME, &options.state,
      "Key, certificate and pairings (~/.local/state/lathe-agent)", "FOLDER" },
    { "files", 0, 0, G_OPTION_ARG_FILENAME, &options.files,
      "Builds and logs (~/.cache/lathe-agent)", "FOLDER" },
    { "address", 0, 0, G_OPTION_ARG_STRING, &options.address, "Listen on this address only", "IP" },
    { "port", 0, 0, G_OPTION_ARG_INT, &options.port, "Port (4663; 0: any free one)", "N" },
    { "quota", 0, 0, G_OPTION_ARG_STRING, &options.quota, "Most that files may take (4G)",
      "BYTES" },
    { "name", 0, 0, G_OPTION_ARG_STRING, &options.name, "Announce this name", "NAME" },
    { "no-announce", 0, 0, G_OPTION_ARG_NONE, &options.quiet, "Not on the local network", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("COMMAND");
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  setvbuf (stdout, NULL, _IOLBF, 0);
  umask (077);
  signal (SIGPIPE, SIG_IGN);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context, summary);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      fail (error->message);
      return 2;
    }
  if (version)
    {
      g_print ("lathe-agent " AG_VERSION ", protocol %d\n", AG_PROTOCOL);
      return 0;
    }
  if (options.port < 0 || options.port > G_MAXUINT16)
    return fail ("--port wants a number up to 65535");
  if (!options.state)
    options.state = g_build_filename (g_get_user_state_dir (), "lathe-agent", NULL);
  if (!options.files)
    options.files = g_build_filename (g_get_user_cache_dir (), "lathe-agent", NULL);
  if (!options.quota)
    options.quota = g_strdup ("4G");
  int status = run (&options, argc, argv);
  char *const texts[]
      = { options.state, options.files, options.address, options.quota, options.name };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  return status;
}
