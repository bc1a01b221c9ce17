/* `lathe devices builds NAME`: the builds that a board with lathe-agent keeps; `lathe devices
 * rollback NAME [BUILD]`: which of them is the current one there. */
#include "app-cli-devices.h"
#include "devices/eng-board-builds.h"
#include "eng-json.h"

static gboolean as_json;

static const AppCommand builds_usage = { "devices builds", "NAME [--json]",
                                         "The builds that a board with lathe-agent keeps.", NULL };
static const AppCommand rollback_usage
    = { "devices rollback", "NAME [BUILD] [--json]",
        "Makes the build before the current one, or BUILD, the current one of a board with "
        "lathe-agent: what lathe-agent current names there.",
        NULL };

static const GOptionEntry entries[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object: the builds kept", NULL },
  { NULL },
};

/* Of the board that is called @name; @back_to as of eng_board_builds_roll_back(). */
static GPtrArray *
ask_board (const char *name, gboolean roll_back, const char *back_to, GError **error)
{
  g_autoptr (EngDevices) devices = eng_devices_new (NULL, error);
  EngDevice *device = devices != NULL ? app_cli_find_device (devices, name, error) : NULL;
  EngAsk ask = app_cli_ask ();

  if (device == NULL)
    return NULL;
  return roll_back ? eng_board_builds_roll_back (device, back_to, &ask, NULL, error)
                   : eng_board_builds_list (device, &ask, NULL, error);
}

static void
print_json (const GPtrArray *builds)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "builds");
  json_builder_begin_array (builder);
  for (guint i = 0; i < builds->len; i++)
    {
      const EngBoardBuild *build = builds->pdata[i];
      json_builder_begin_object (builder);
      eng_json_add_string (builder, "name", build->name);
      eng_json_add_int (builder, "bytes", (gint64)build->n_bytes);
      eng_json_add_int (builder, "n_runs", build->n_runs);
      eng_json_add_int (builder, "last_run_s", build->last_s);
      eng_json_add_bool (builder, "current", build->current);
      eng_json_add_string (builder, "sha256", build->sha256);
      eng_json_add_string (builder, "model", build->model);
      eng_json_add_string (builder, "recipe", build->recipe);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  g_autofree char *text = eng_json_builder_finish (builder, TRUE);
  g_print ("%s\n", text);
}

static void
print_builds (const GPtrArray *builds)
{
  if (as_json)
    {
      print_json (builds);
      return;
    }
  if (builds->len == 0)
    g_print ("No build ran there yet.\n");
  for (guint i = 0; i < builds->len; i++)
    {
      const EngBoardBuild *build = builds->pdata[i];
      g_autofree char *size = eng_format_value ((double)build->n_bytes, "B");
      g_autoptr (GDateTime) last = g_date_time_new_from_unix_local (build->last_s);
      g_autofree char *when = last != NULL ? g_date_time_format (last, "%F %R") : g_strdup ("?");
      g_print ("%s %-32s %10s  %u %s, last %s\n", build->current ? "*" : " ", build->name, size,
               build->n_runs, build->n_runs == 1 ? "run" : "runs", when);
      if (build->model != NULL && build->recipe != NULL)
        g_print ("  %s, %s\n", build->model, build->recipe);
      else
        g_print ("  model and recipe unavailable: this computer did not put it there\n");
    }
}

gboolean
app_cli_devices_builds (int argc, char **argv, GError **error)
{
  if (!app_cli_parse (&builds_usage, entries, &argc, &argv, 1, error))
    return FALSE;
  g_autoptr (GPtrArray) builds = ask_board (argv[1], FALSE, NULL, error);
  if (builds != NULL)
    print_builds (builds);
  return builds != NULL;
}

gboolean
app_cli_devices_rollback (int argc, char **argv, GError **error)
{
  int n = argc > 2 && argv[2][0] != '-' ? 2 : 1;

  if (!app_cli_parse (&rollback_usage, entries, &argc, &argv, n, error))
    return FALSE;
  g_autoptr (GPtrArray) builds = ask_board (argv[1], TRUE, n > 1 ? argv[2] : NULL, error);
  if (builds != NULL)
    print_builds (builds);
  return builds != NULL;
}
