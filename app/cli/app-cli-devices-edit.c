/* `lathe devices list`, `add`, `remove`, `search`, `doctor`, `clean`: the devices that a build can
 * be pushed to. Flags of `add` are the fields of the transport's table. */

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "app-cli-devices.h"
#include "devices/eng-push.h"
#include "eng-error.h"

static gboolean as_json;

/* ---- Shared ---- */

EngDevice *
app_cli_find_device (EngDevices *devices, const char *name, GError **error)
{
  EngDevice *device = eng_devices_find (devices, name);
  g_autoptr (GString) all = g_string_new (NULL);

  if (device != NULL)
    return device;
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (devices)); i++)
    {
      g_autoptr (EngDevice) other = g_list_model_get_item (G_LIST_MODEL (devices), i);
      g_string_append_printf (all, "%s%s", all->len > 0 ? ", " : "",
                              eng_device_is_builtin (other) ? eng_device_get_id (other)
                                                            : eng_device_get_name (other));
    }
  g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
               "There is no device “%s”; there are: %s. `lathe devices add` adds one.", name,
               all->str);
  return NULL;
}

static char *
read_line (gboolean echo)
{
  struct termios before, quiet;
  char line[1024];
  gboolean hidden = !echo && tcgetattr (STDIN_FILENO, &before) == 0;

  if (hidden)
    {
      quiet = before;
      quiet.c_lflag &= (tcflag_t)~ECHO;
      tcsetattr (STDIN_FILENO, TCSAFLUSH, &quiet);
    }
  char *got = fgets (line, sizeof line, stdin);
  if (hidden)
    {
      tcsetattr (STDIN_FILENO, TCSAFLUSH, &before);
      g_printerr ("\n");
    }
  return got != NULL ? g_strdup (g_strchomp (line)) : NULL;
}

static gboolean
confirm (EngDevice *device, const char *title, const char *text, gpointer user_data)
{
  if (!isatty (STDIN_FILENO))
    return FALSE;
  g_printerr ("\n%s: %s\n%s\nType yes to go on: ", eng_device_get_name (device), title, text);
  g_autofree char *answer = read_line (TRUE);
  return g_strcmp0 (answer, "yes") == 0;
}

static char *
ask_secret (EngDevice *device, const char *title, const char *text, gboolean *keep,
            gpointer user_data)
{
  if (keep != NULL)
    *keep = FALSE;
  if (!isatty (STDIN_FILENO))
    return NULL;
  g_printerr ("\n%s: %s\n%s: ", eng_device_get_name (device), title, text != NULL ? text : title);
  return read_line (FALSE);
}

EngAsk
app_cli_ask (void)
{
  return (EngAsk){ .confirm = confirm, .secret = ask_secret };
}

/* ---- Showing ---- */

static void
print_board (const EngBoard *board)
{
  g_autofree char *memory = eng_format_value ((double)board->memory_bytes, "B");

  g_print ("    %s, %s%s%s, %u processor%s, %s of memory%s\n",
           board->machine != NULL ? board->machine : "unknown machine",
           board->cpu != NULL ? board->cpu : "processor not said",
           board->isa != NULL ? ", kernels for " : "", board->isa != NULL ? board->isa : "",
           board->n_cpus, board->n_cpus == 1 ? "" : "s",
           board->memory_bytes > 0 ? memory : "an unknown amount",
           board->emulated ? "; emulated: its times tell nothing of hardware" : "");
  for (guint i = 0; i < board->sensors->len; i++)
    {
      const EngBoardSensor *sensor = board->sensors->pdata[i];
      g_print ("    %s: %s%s\n", sensor->what, sensor->reason != NULL ? "unavailable: " : "",
               sensor->reason != NULL ? sensor->reason
               : sensor->name != NULL ? sensor->name
                                      : "there");
    }
}

static void
print_device (EngDevice *device)
{
  g_autofree char *place = eng_device_dup_place (device);
  g_autofree char *message = eng_device_dup_message (device);
  g_autofree char *remedy = eng_device_dup_remedy (device);
  g_autofree char *evidence = eng_device_dup_evidence (device);
  g_autoptr (EngBoard) board = eng_device_dup_board (device);

  g_print ("%-22s %s (%s)%s\n", eng_device_get_id (device), eng_device_get_name (device), place,
           eng_device_is_builtin (device) ? ""
           : eng_device_is_saved (device) ? ", added"
                                          : ", found");
  if (eng_device_get_state (device) != ENG_DEVICE_UNKNOWN)
    g_print ("    %s%s%s\n", eng_device_state_name (eng_device_get_state (device)),
             message != NULL ? ": " : "", message != NULL ? message : "");
  if (remedy != NULL)
    g_print ("    %s: %s\n",
             eng_device_get_state (device) == ENG_DEVICE_REFUSED ? "to forget the old key"
                                                                 : "to repair it",
             remedy);
  if (evidence != NULL)
    g_print ("    %s\n", evidence);
  if (board != NULL)
    print_board (board);
}

static void
json_device (JsonBuilder *builder, EngDevice *device)
{
  g_autofree char *message = eng_device_dup_message (device);
  g_autofree char *remedy = eng_device_dup_remedy (device);
  g_autofree char *evidence = eng_device_dup_evidence (device);
  g_autoptr (GHashTable) settings = eng_device_dup_settings (device);
  g_autoptr (EngBoard) board = eng_device_dup_board (device);
  GHashTableIter iter;
  gpointer key, value;

  json_builder_begin_object (builder);
  app_cli_json_string (builder, "id", eng_device_get_id (device));
  app_cli_json_string (builder, "name", eng_device_get_name (device));
  app_cli_json_string (builder, "transport", eng_device_get_transport (device)->id);
  app_cli_json_string (builder, "origin",
                       eng_device_is_builtin (device) ? "built in"
                       : eng_device_is_saved (device) ? "added"
                                                      : "found");
  json_builder_set_member_name (builder, "settings");
  json_builder_begin_object (builder);
  g_hash_table_iter_init (&iter, settings);
  while (g_hash_table_iter_next (&iter, &key, &value))
    app_cli_json_string (builder, key, value);
  json_builder_end_object (builder);
  app_cli_json_string (builder, "state", eng_device_state_name (eng_device_get_state (device)));
  app_cli_json_string (builder, "message", message);
  app_cli_json_string (builder, "remedy", remedy);
  app_cli_json_string (builder, "evidence", evidence);
  json_builder_set_member_name (builder, "machine");
  if (board != NULL)
    {
      g_autofree char *json = eng_board_to_machine_json (board, eng_device_get_name (device),
                                                         eng_device_get_transport (device)->id);
      json_builder_add_value (builder, json_from_string (json, NULL));
    }
  else
    json_builder_add_null_value (builder);
  json_builder_end_object (builder);
}

static void
show_all (EngDevices *devices)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  guint n = g_list_model_get_n_items (G_LIST_MODEL (devices));

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "devices");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (EngDevice) device = g_list_model_get_item (G_LIST_MODEL (devices), i);
      if (as_json)
        json_device (builder, device);
      else
        print_device (device);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  if (as_json)
    app_cli_json_print (builder);
}

/* ---- Commands ---- */

static const AppCommand usage
    = { "devices",
        "[list | add | remove | search | doctor | clean | calibrate | expect | builds | rollback] "
        "...",
        "Boards that builds can be pushed to: those that are known, adding and finding more.",
        NULL };

static const GOptionEntry json_entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
  { NULL },
};

static gboolean
list (int argc, char **argv, GError **error)
{
  if (!app_cli_parse (&usage, json_entries, &argc, &argv, 0, error))
    return FALSE;
  g_autoptr (EngDevices) devices = eng_devices_new (NULL, error);
  if (devices == NULL)
    return FALSE;
  show_all (devices);
  return TRUE;
}

static gboolean
search (int argc, char **argv, GError **error)
{
  if (!app_cli_parse (&usage, json_entries, &argc, &argv, 0, error))
    return FALSE;
  g_autoptr (EngDevices) devices = eng_devices_new (NULL, error);
  if (devices == NULL)
    return FALSE;
  g_autoptr (AppCliProgress) progress = app_cli_progress_new ("Searching");
  EngJob *job = app_cli_progress_get_job (progress);
  eng_devices_search (devices, job);
  while (!eng_job_get_done (job))
    g_main_context_iteration (NULL, TRUE);
  g_autofree char *problems = eng_job_dup_stage (job);
  if (problems != NULL)
    g_printerr ("%s\n", problems);
  show_all (devices);
  return TRUE;
}

/* "lathe devices add TRANSPORT --name NAME --host H ...": entries from the transport's fields. */
static gboolean
add (int argc, char **argv, GError **error)
{
  const EngTransport *transport = argc > 1 ? eng_transport_find (argv[1]) : NULL;
  guint n_transports, n_fields = 0;
  const EngTransport *const *transports = eng_transports (&n_transports);

  if (transport == NULL || !transport->can_add)
    {
      gboolean help = argc > 1 && (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h"));
      g_autoptr (GString) all = g_string_new (NULL);
      for (guint i = 0; i < n_transports; i++)
        if (transports[i]->can_add && !help)
          g_string_append_printf (all, "%s%s", all->len > 0 ? ", " : "", transports[i]->id);
        else if (transports[i]->can_add)
          g_string_append_printf (all, "  lathe devices add %s --help\n      %s\n",
                                  transports[i]->id, transports[i]->summary);
      if (help)
        {
          g_print ("Usage:\n  lathe devices add TRANSPORT --name NAME ...\n\nWays to a board, each "
                   "with options of its own:\n%s",
                   all->str);
          return TRUE;
        }
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "lathe devices add TRANSPORT --name NAME ...; transports are: %s",
                   all->len > 0 ? all->str : "none in this program");
      return FALSE;
    }
  g_autofree char *called = g_strdup_printf ("devices add %s", transport->id);
  const AppCommand add_usage = { called, "[--name NAME]", transport->summary, NULL };

  while (transport->fields != NULL && transport->fields[n_fields].key != NULL)
    n_fields++;
  g_autofree GOptionEntry *entries = g_new0 (GOptionEntry, n_fields + 3);
  g_autofree char **values = g_new0 (char *, n_fields + 1);
  g_autofree char *name = NULL;
  guint n = 0;
  entries[n++]
      = (GOptionEntry){ "name", 0, 0, G_OPTION_ARG_STRING, &name, "What it is called", "NAME" };
  for (guint i = 0; i < n_fields; i++)
    if (!transport->fields[i].secret)
      entries[n++]
          = (GOptionEntry){ transport->fields[i].key,  0,     0, G_OPTION_ARG_STRING, &values[i],
                            transport->fields[i].hint, "TEXT" };
  argc--;
  argv++;
  if (!app_cli_parse (&add_usage, entries, &argc, &argv, 0, error))
    return FALSE;
  g_autoptr (GHashTable) settings = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  for (guint i = 0; i < n_fields; i++)
    if (values[i] != NULL)
      g_hash_table_insert (settings, (gpointer)transport->fields[i].key, values[i]);
  g_autofree char *wrong = eng_devices_check_settings (transport, settings);
  if (wrong != NULL)
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_RANGE, wrong);
      return FALSE;
    }
  if (name == NULL && n_fields > 0)
    name = g_strdup (g_hash_table_lookup (settings, transport->fields[0].key));
  g_autoptr (EngDevices) devices = eng_devices_new (NULL, error);
  if (devices == NULL)
    return FALSE;
  g_autoptr (EngDevice) device
      = eng_device_new (NULL, name != NULL ? name : transport->title, transport, settings);
  if (!eng_devices_add (devices, device, error))
    return FALSE;
  print_device (device);
  return TRUE;
}

/* The device that the one argument names. */
static EngDevice *
parse_device (int argc, char **argv, EngDevices **devices, GError **error)
{
  if (!app_cli_parse (&usage, json_entries, &argc, &argv, 1, error))
    return NULL;
  *devices = eng_devices_new (NULL, error);
  return *devices != NULL ? app_cli_find_device (*devices, argv[1], error) : NULL;
}

static gboolean
remove_device (int argc, char **argv, GError **error)
{
  g_autoptr (EngDevices) devices = NULL;
  EngDevice *device = parse_device (argc, argv, &devices, error);
  return device != NULL && eng_devices_remove (devices, device, error);
}

static gboolean
clean (int argc, char **argv, GError **error)
{
  g_autoptr (EngDevices) devices = NULL;
  EngDevice *device = parse_device (argc, argv, &devices, error);
  EngAsk ask = app_cli_ask ();
  return device != NULL && eng_push_clean (device, &ask, NULL, error);
}

static void
on_merged (EngDevices *devices, EngDevice *kept, EngDevice *gone, gpointer user_data)
{
  g_printerr ("“%s” is the board that is known as “%s”: there is one entry now, with the address "
              "that answered.\n",
              eng_device_get_name (gone), eng_device_get_name (kept));
}

/* Connect and say what is there and what is missing; of all devices without an argument. Exit
 * status 0: all that were asked for are ready. */
static gboolean
doctor (int argc, char **argv, GError **error)
{
  const char *name = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
  EngAsk ask = app_cli_ask ();
  guint n_missing = 0;

  if (!app_cli_parse (&usage, json_entries, &argc, &argv, name != NULL ? 1 : 0, error))
    return FALSE;
  g_autoptr (EngDevices) devices = eng_devices_new (NULL, error);
  EngDevice *found
      = devices != NULL && name != NULL ? app_cli_find_device (devices, name, error) : NULL;
  g_autoptr (EngDevice) only = found != NULL ? g_object_ref (found) : NULL;
  if (devices == NULL || (name != NULL && only == NULL))
    return FALSE;
  g_signal_connect (devices, "merged", G_CALLBACK (on_merged), NULL);
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (devices)); i++)
    g_ptr_array_add (all, g_list_model_get_item (G_LIST_MODEL (devices), i));
  for (guint i = 0; i < all->len; i++)
    {
      EngDevice *device = all->pdata[i];
      if (only != NULL && device != only)
        continue;
      n_missing += !eng_device_contact (device, &ask, NULL, NULL);
      if (only != NULL && !as_json)
        print_device (device);
    }
  if (only == NULL || as_json)
    show_all (devices);
  if (n_missing == 0)
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%u of the devices cannot be used now: see above",
               n_missing);
  return FALSE;
}

static const struct
{
  const char *word;
  gboolean (*run) (int argc, char **argv, GError **error);
} words[] = { { "list", list },
              { "add", add },
              { "remove", remove_device },
              { "search", search },
              { "doctor", doctor },
              { "clean", clean },
              { "calibrate", app_cli_devices_calibrate },
              { "expect", app_cli_devices_expect },
              { "builds", app_cli_devices_builds },
              { "rollback", app_cli_devices_rollback } };

gboolean
app_cli_devices_is_edit (const char *word)
{
  for (guint i = 0; word != NULL && i < G_N_ELEMENTS (words); i++)
    if (g_str_equal (words[i].word, word))
      return TRUE;
  return FALSE;
}

gboolean
app_cli_devices_edit (int argc, char **argv, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_str_equal (words[i].word, argv[0]))
      return words[i].run (argc, argv, error);
  g_return_val_if_reached (FALSE);
}
