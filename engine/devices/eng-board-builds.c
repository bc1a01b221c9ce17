/* Asking a board for the builds that it keeps, and going back to one. Called by the window and the
 * command line; knows transports by their table only. What a build is stands in a file here, for
 * those that this computer put there. */
#include "eng-board-builds.h"

#include <errno.h>

#include "eng-error.h"
#include "eng-watchdog.h"

#define SILENCE_S 30
#define MAX_NOTES 300

void
eng_board_build_free (EngBoardBuild *build)
{
  if (build == NULL)
    return;
  g_free (build->name);
  g_free (build->sha256);
  g_free (build->model);
  g_free (build->recipe);
  g_free (build);
}

/* ---- What builds are ---- */

static GMutex notes_lock; /* pushes to several boards at once */

static char *
notes_path (void)
{
  return g_build_filename (g_get_user_state_dir (), "lathe", "boards", "builds.ini", NULL);
}

/* What cannot be kept is not known later; no push fails for it. */
void
eng_board_builds_note (const char *name, const char *model, const char *recipe)
{
  g_return_if_fail (name != NULL && model != NULL && recipe != NULL);

  g_autoptr (GKeyFile) notes = g_key_file_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = notes_path ();
  g_autofree char *folder = g_path_get_dirname (path);
  gsize n;

  g_mutex_lock (&notes_lock);
  g_key_file_load_from_file (notes, path, G_KEY_FILE_NONE, NULL);
  g_key_file_remove_group (notes, name, NULL);
  g_key_file_set_string (notes, name, "model", model);
  g_key_file_set_string (notes, name, "recipe", recipe);
  g_auto (GStrv) names = g_key_file_get_groups (notes, &n);
  for (gsize i = 0; i + MAX_NOTES < n; i++) /* the oldest */
    g_key_file_remove_group (notes, names[i], NULL);
  if (g_mkdir_with_parents (folder, 0700) != 0 || !g_key_file_save_to_file (notes, path, &error))
    g_info ("%s: %s", path, error != NULL ? error->message : g_strerror (errno));
  g_mutex_unlock (&notes_lock);
}

static void
add_notes (GPtrArray *builds)
{
  g_autoptr (GKeyFile) notes = g_key_file_new ();
  g_autofree char *path = notes_path ();

  g_mutex_lock (&notes_lock);
  g_key_file_load_from_file (notes, path, G_KEY_FILE_NONE, NULL);
  g_mutex_unlock (&notes_lock);
  for (guint i = 0; i < builds->len; i++)
    {
      EngBoardBuild *build = builds->pdata[i];
      build->model = g_key_file_get_string (notes, build->name, "model", NULL);
      build->recipe = g_key_file_get_string (notes, build->name, "recipe", NULL);
    }
}

/* ---- Asking ---- */

gboolean
eng_board_builds_are_kept (EngDevice *device)
{
  g_return_val_if_fail (ENG_IS_DEVICE (device), FALSE);

  return eng_device_get_transport (device)->list_builds != NULL;
}

typedef struct
{
  EngDevice *device;
  const EngAsk *ask;
  const char *name;
  gboolean roll_back;
} Request;

static GPtrArray *
ask_over_link (EngWatchdog *watchdog, const Request *request, GError **error)
{
  const EngTransport *transport = eng_device_get_transport (request->device);
  g_autoptr (EngLink) link = eng_watchdog_open (watchdog, request->device, request->ask, error);

  if (link == NULL)
    return NULL;
  eng_watchdog_feed (watchdog);
  return request->roll_back
             ? transport->roll_back (link, request->name, watchdog->cancellable, error)
             : transport->list_builds (link, watchdog->cancellable, error);
}

static GPtrArray *
ask_board (const Request *request, EngJob *job, GError **error)
{
  EngWatchdog watchdog;
  g_autoptr (GError) local = NULL;

  if (!eng_board_builds_are_kept (request->device))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_UNSUPPORTED,
                   "%s is reached through %s, where no builds are kept for going back: lathe-agent "
                   "keeps them",
                   eng_device_get_name (request->device),
                   eng_device_get_transport (request->device)->title);
      return NULL;
    }
  eng_watchdog_begin (&watchdog, job != NULL ? eng_job_get_cancellable (job) : NULL, SILENCE_S);
  GPtrArray *builds = ask_over_link (&watchdog, request, &local);
  if (eng_watchdog_end (&watchdog) && builds == NULL
      && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "%s did not answer for %d seconds",
                 eng_device_get_name (request->device), SILENCE_S);
  else if (builds == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    add_notes (builds);
  return builds;
}

GPtrArray *
eng_board_builds_list (EngDevice *device, const EngAsk *ask, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_DEVICE (device), NULL);

  const Request request = { .device = device, .ask = ask };
  return ask_board (&request, job, error);
}

GPtrArray *
eng_board_builds_roll_back (EngDevice *device, const char *name, const EngAsk *ask, EngJob *job,
                            GError **error)
{
  g_return_val_if_fail (ENG_IS_DEVICE (device), NULL);

  const Request request = { device, ask, name, TRUE };
  if (!eng_device_take (device))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s is at work: wait for it, or stop what it does",
                   eng_device_get_name (device));
      return NULL;
    }
  GPtrArray *builds = ask_board (&request, job, error);
  eng_device_release (device);
  return builds;
}
