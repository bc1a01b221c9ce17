/* A push from its first word to its last: connect, ask, prepare, copy, verify, run, collect, clean
 * up. Called by the window and the command line on a worker; knows transports by their table
 * only. */
#include "eng-push-private.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <glib/gstdio.h>

#include "eng-board-builds.h"
#include "eng-build-file.h"
#include "eng-error.h"
#include "mcu/eng-mcu.h"

#define KEEP_BUILDS 3
#define KEEP_TELEMETRY 200 /* files of runs on this computer */
#define QUICK_S 20
#define CONNECT_S 60 /* a person may be asked for a password */
#define TELL_US 100000

static const char *const stage_names[ENG_N_PUSH_STAGES]
    = { "connect", "preflight", "prepare", "copy", "verify", "run", "collect", "clean-up" };

const char *
eng_push_stage_name (EngPushStage stage)
{
  g_return_val_if_fail (stage < ENG_N_PUSH_STAGES, NULL);
  return stage_names[stage];
}

/* ---- Telling ---- */

void
eng_push_tell (EngPush *self, gboolean now)
{
  gint64 us = g_get_monotonic_time ();

  if (self->events == NULL || self->events->progress == NULL
      || (!now && us - self->told_us < TELL_US))
    return;
  self->told_us = us;
  self->events->progress (&self->progress, self->events->user_data);
}

void
eng_push_enter (EngPush *self, EngPushStage stage, const char *words)
{
  self->progress.stage = stage;
  self->progress.what = NULL;
  self->progress.n_done = self->progress.n_bytes = 0;
  self->progress.bytes_per_s = self->progress.left_s = NAN;
  self->progress.progress = -1;
  self->speed_us = 0;
  if (self->job != NULL)
    eng_job_report (self->job, words, -1);
  eng_push_tell (self, TRUE);
}

static double
seconds_since (gint64 us)
{
  return (double)(g_get_monotonic_time () - us) * 1e-6;
}

/* ---- Connect ---- */

static void
tell_runner (guint64 n_done, guint64 n_all, gpointer user_data)
{
  EngPush *self = user_data;

  self->progress.n_bytes = n_all;
  eng_push_tell_copied (n_done, n_all, self);
}

static gboolean
bring_runner (EngPush *self, GCancellable *cancellable, gpointer data, GError **error)
{
  EngContactProgress progress = { tell_runner, self };

  g_clear_pointer (&self->runner, eng_runner_file_free);
  g_clear_pointer (&self->remedy, g_free);
  eng_push_begin_try (self);
  self->runner
      = eng_contact_bring_runner (self->link, &progress, &self->remedy, cancellable, error);
  return self->runner != NULL;
}

static gboolean
ask_board (EngPush *self, GCancellable *cancellable, gpointer data, GError **error)
{
  g_clear_pointer (&self->board, eng_board_unref);
  self->board = eng_contact_ask_board (self->device, self->link, self->runner, cancellable, error);
  return self->board != NULL;
}

static gboolean
connect_linux (EngPush *self, GError **error)
{
  eng_push_begin_file (self, "runner");
  gboolean ok = eng_push_try (self, bring_runner, NULL, CONNECT_S, error);
  self->progress.what = NULL;
  if (!ok)
    return FALSE;
  if (!self->file_began)
    self->times->n_kept += self->runner->n_bytes;
  eng_push_kept_add (self->device, self->runner->name);
  return eng_push_try (self, ask_board, NULL, QUICK_S, error);
}

static gboolean
connect_device (EngPush *self, GError **error)
{
  gint64 start = g_get_monotonic_time ();
  gboolean ok;

  eng_push_enter (self, ENG_PUSH_CONNECT, "Connecting");
  eng_device_set_state (self->device, ENG_DEVICE_CONNECTING, NULL, NULL);
  if (!eng_contact_check (self->device, error))
    return FALSE;
  if (eng_device_get_kind (self->device) == ENG_BOARD_LINUX)
    ok = connect_linux (self, error);
  else
    {
      self->board = self->transport->describe (self->device, error);
      ok = self->board != NULL;
    }
  if (!ok)
    return FALSE;
  self->board->emulated |= self->transport->is_emulator;
  eng_device_set_board (self->device, self->board);
  eng_device_set_state (self->device, ENG_DEVICE_READY, NULL, NULL);
  self->times->connect_s = seconds_since (start);
  return TRUE;
}

/* ---- Preflight ---- */

static gboolean
check_preflight (EngPush *self, EngBuild *bare, const EngWorkload *workload, GError **error)
{
  eng_push_enter (self, ENG_PUSH_PREFLIGHT, "Checking");
  g_autoptr (GPtrArray) items = eng_preflight (self->device, bare, workload);

  if (self->events != NULL && self->events->preflight != NULL)
    self->events->preflight (items, self->events->user_data);
  for (guint i = 0; i < items->len; i++)
    {
      const EngPreflightItem *item = items->pdata[i];
      if (item->state != ENG_PREFLIGHT_FAILED)
        continue;
      g_set_error (error, ENG_ERROR,
                   g_str_equal (item->id, "memory") ? ENG_ERROR_MEMORY : ENG_ERROR_UNSUPPORTED,
                   "%s cannot run it. %s: %s%s%s", eng_device_get_name (self->device), item->title,
                   item->text, item->remedy != NULL ? ". " : "",
                   item->remedy != NULL ? item->remedy : "");
      return FALSE;
    }
  return TRUE;
}

/* ---- Prepare ---- */

static char *
file_sum (const char *path, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  if (file == NULL)
    return NULL;
  g_autoptr (GBytes) bytes = g_mapped_file_get_bytes (file);
  return g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
}

static gboolean
make_folder (EngPush *self, GError **error)
{
  g_autofree char *parent = g_build_filename (g_get_user_cache_dir (), "lathe", "push", NULL);
  g_autofree char *template = g_build_filename (parent, "XXXXXX", NULL);

  if (g_mkdir_with_parents (parent, 0700) != 0 || g_mkdtemp (template) == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "A folder in %s could not be made: %s", parent,
                   g_strerror (errno));
      return FALSE;
    }
  self->folder = g_steal_pointer (&template);
  return TRUE;
}

/* Of a microcontroller; how it computes there is told with the run. */
static gboolean
make_image (EngPush *self, EngBoardWork *work, GError **error)
{
  g_autoptr (EngMcuReport) report = NULL;
  g_autofree char *patches = NULL;

  if (!eng_mcu_make_image (eng_board_work_get_build (work), self->device, self->build_path, &report,
                           self->job, error))
    return FALSE;
  patches = eng_mcu_report_dup_patches (report);
  if (patches != NULL)
    eng_board_work_add_note (work, patches);
  return TRUE;
}

static gboolean
prepare (EngPush *self, EngBoardWork *work, GError **error)
{
  gboolean linux_board = self->board->kind == ENG_BOARD_LINUX;
  EngBuild *bare = eng_board_work_get_build (work);
  gboolean ok = FALSE;

  if (!make_folder (self, error))
    return FALSE;
  self->build_path
      = g_build_filename (self->folder, linux_board ? "build" ENG_BUILD_SUFFIX : "image.elf", NULL);
  self->work_path = g_build_filename (self->folder, "work", NULL);
  if (!eng_board_work_write (work, self->work_path, error))
    return FALSE;
  if (linux_board)
    {
      /* Its own sum is of what lies behind its header; the board sums whole files. */
      ok = eng_build_write_file (bare, self->build_path, self->job, NULL, error);
      self->build_sha256 = ok ? file_sum (self->build_path, error) : NULL;
      ok = self->build_sha256 != NULL;
    }
  else
    ok = make_image (self, work, error);
  if (!ok)
    return FALSE;
  self->work_sha256 = file_sum (self->work_path, error);
  if (self->work_sha256 == NULL)
    return FALSE;
  g_autofree char *id = g_uuid_string_random ();
  self->work_name = g_strdup_printf ("%.24s.lathe-work", self->work_sha256);
  self->log_name = g_strdup_printf ("run-%.13s.log", id);
  if (self->build_sha256 != NULL)
    {
      EngModel *model = eng_build_get_model (bare);
      g_autofree char *recipe
          = eng_recipe_describe_for (eng_build_get_recipe (bare), eng_model_get_kind (model));
      self->build_name = g_strdup_printf ("%.24s" ENG_BUILD_SUFFIX, self->build_sha256);
      eng_board_builds_note (self->build_name, eng_model_get_name (model), recipe);
    }
  return TRUE;
}

/* ---- Run ---- */

/* The names begin with the time. */
static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

/* The newest KEEP_TELEMETRY files stay. */
static void
prune_telemetry (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    if (g_str_has_suffix (name, ".jsonl"))
      g_ptr_array_add (names, g_strdup (name));
  if (names->len <= KEEP_TELEMETRY)
    return;
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len - KEEP_TELEMETRY; i++)
    {
      g_autofree char *path = g_build_filename (folder, names->pdata[i], NULL);
      g_unlink (path);
    }
}

/* Kept as it came: what no version of this program understands today is not lost. */
static void
open_telemetry (EngPush *self)
{
  g_autofree char *usual = g_build_filename (g_get_user_state_dir (), "lathe", "telemetry", NULL);
  const char *folder = self->options != NULL && self->options->directory != NULL
                           ? self->options->directory
                           : usual;
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y%m%dT%H%M%SZ");
  g_autofree char *base
      = g_strdup_printf ("%s-%s-%s.jsonl", time, eng_device_get_id (self->device), self->log_name);
  g_autofree char *path = g_build_filename (folder, base, NULL);

  if (g_mkdir_with_parents (folder, 0700) == 0)
    {
      prune_telemetry (folder);
      self->telemetry = g_fopen (path, "we");
    }
  if (self->telemetry == NULL)
    g_info ("The telemetry is not kept: %s: %s", path, g_strerror (errno));
}

/* The image runs as a child of the emulator or the probe: there is no log to go on from. */
static gboolean
run_image (EngPush *self, GError **error)
{
  g_autoptr (GError) local = NULL;
  gint64 began = g_get_monotonic_time ();
  gboolean ok = self->transport->run_image (self->device, self->build_path, self->work_path,
                                            eng_push_take, self, self->job, &local);

  if (!ok)
    self->lost
        = g_strdup (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? "it was stopped"
                                                                              : local->message);
  else if (!eng_telemetry_has_ended (eng_board_run_get_telemetry (self->run)))
    self->lost = g_strdup ("the board ended before its last line");
  gint64 first = eng_board_run_get_first_line_us (self->run);
  if (first > 0)
    self->times->start_s = (double)(first - began) * 1e-6;
  return TRUE;
}

/* ---- Clean up ---- */

/* What cannot be taken away now stays on the list, for eng_push_clean(): no reason to lose a
 * run. */
static void
clean_up (EngPush *self)
{
  const char *const names[] = { self->log_name, self->work_name };
  g_autoptr (GPtrArray) old = eng_push_kept_old (self->device, KEEP_BUILDS);

  eng_push_enter (self, ENG_PUSH_CLEAN_UP, "Cleaning up");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (!eng_push_try_last (self, eng_push_remove_file, (gpointer)names[i], QUICK_S, NULL))
        return;
      eng_push_kept_remove (self->device, names[i]);
    }
  for (guint i = 0; i < old->len; i++)
    if (eng_push_try_last (self, eng_push_remove_file, old->pdata[i], QUICK_S, NULL))
      eng_push_kept_remove (self->device, old->pdata[i]);
}

static void
push_clear (EngPush *self)
{
  g_clear_pointer (&self->link, eng_link_close);
  g_clear_pointer (&self->runner, eng_runner_file_free);
  g_clear_pointer (&self->board, eng_board_unref);
  g_clear_pointer (&self->telemetry, fclose);
  if (self->build_path != NULL)
    g_unlink (self->build_path);
  if (self->work_path != NULL)
    g_unlink (self->work_path);
  if (self->folder != NULL)
    g_rmdir (self->folder);
  char *const texts[]
      = { self->folder,    self->build_path,  self->build_name, self->build_sha256, self->work_path,
          self->work_name, self->work_sha256, self->log_name,   self->lost,         self->remedy };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
}

/* ---- Together ---- */

static EngRun *
run_work (EngPush *self, EngBoardWork *work, EngProfiler *profiler, const EngRunEvents *run_events,
          GError **error)
{
  gboolean linux_board = self->board->kind == ENG_BOARD_LINUX;

  if (linux_board)
    {
      eng_push_enter (self, ENG_PUSH_COPY, "Copying");
      eng_push_kept_add (self->device, self->work_name);
      eng_push_kept_add (self->device, self->log_name);
      if (!eng_push_copy (self, error))
        return NULL;
      if (!eng_push_verify (self, error))
        return NULL;
    }
  eng_push_enter (self, ENG_PUSH_RUN, "Starting the run");
  open_telemetry (self);
  g_autoptr (EngBoardRun) run = eng_board_run_new (work, profiler, run_events);
  self->run = run;
  if (!(linux_board ? eng_push_run_linux (self, error) : run_image (self, error)))
    {
      self->run = NULL;
      return NULL;
    }
  eng_push_enter (self, ENG_PUSH_COLLECT, "Reading the results");
  EngRun *made
      = eng_board_run_finish (run, self->device, self->board, self->lost, self->job, error);
  self->run = NULL;
  self->times->ended_early = self->lost != NULL;
  if (linux_board && !self->gone)
    clean_up (self);
  return made;
}

static EngRun *
push (EngPush *self, EngBuild *build, const EngWorkload *workload, EngProfiler *profiler,
      const EngRunEvents *run_events, GError **error)
{
  gboolean text = workload->kind == ENG_WORKLOAD_TEXT;
  EngBuild *bare = text ? build : eng_build_get_bare (build, error);

  if (bare == NULL || !connect_device (self, error)
      || !check_preflight (self, bare, workload, error))
    return NULL;
  gint64 start = g_get_monotonic_time ();
  eng_push_enter (self, ENG_PUSH_PREPARE, "Preparing the build");
  g_autoptr (EngBoardWork) work
      = eng_board_work_new (build, workload, self->board->n_cpus, self->job, error);
  if (work == NULL || !prepare (self, work, error))
    return NULL;
  self->times->prepare_s = seconds_since (start);
  return run_work (self, work, profiler, run_events, error);
}

EngRun *
eng_push_run (EngDevice *device, EngBuild *build, const EngWorkload *workload,
              EngProfiler *profiler, const EngRunEvents *run_events, const EngPushEvents *events,
              const EngPushOptions *options, EngPushTimes *times, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_DEVICE (device) && ENG_IS_BUILD (build) && workload != NULL, NULL);

  EngPushTimes unused;
  EngPush self = { .device = device,
                   .transport = eng_device_get_transport (device),
                   .events = events,
                   .options = options,
                   .times = times != NULL ? times : &unused,
                   .job = job,
                   .cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL,
                   .progress = { .bytes_per_s = NAN, .left_s = NAN, .progress = -1 } };
  g_autoptr (GError) local = NULL;

  EngDeviceState before = eng_device_get_state (device);

  *self.times = (EngPushTimes){ 0 };
  if (!eng_device_take (device))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s is at work already: wait for it, or stop what it does",
                   eng_device_get_name (device));
      return NULL;
    }
  EngRun *run = push (&self, build, workload, profiler, run_events, &local);
  if (run == NULL && eng_link_error_is_lost (local))
    eng_device_set_state (device, ENG_DEVICE_UNREACHABLE, local->message, NULL);
  else if (eng_device_get_state (device) == ENG_DEVICE_CONNECTING)
    {
      gboolean cancelled = g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      if (self.board != NULL || cancelled)
        eng_device_set_state (device,
                              self.board != NULL                ? ENG_DEVICE_READY
                              : before == ENG_DEVICE_CONNECTING ? ENG_DEVICE_UNKNOWN
                                                                : before,
                              local != NULL && !cancelled ? local->message : NULL, NULL);
      else
        eng_contact_set_failed (device, local, self.remedy);
    }
  push_clear (&self);
  eng_device_release (device);
  if (run == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return run;
}

/* ---- Taking everything away ---- */

gboolean
eng_push_clean (EngDevice *device, const EngAsk *ask, EngJob *job, GError **error)
{
  g_return_val_if_fail (ENG_IS_DEVICE (device), FALSE);

  EngPushTimes unused = { 0 };
  EngPushOptions options = { .ask = ask, .patience_s = 5 };
  EngPush self = { .device = device,
                   .transport = eng_device_get_transport (device),
                   .options = &options,
                   .times = &unused,
                   .job = job,
                   .cancellable = job != NULL ? eng_job_get_cancellable (job) : NULL };
  g_autoptr (GPtrArray) names = eng_push_kept_read (device);
  gboolean ok = TRUE;

  if (eng_device_get_kind (device) != ENG_BOARD_LINUX)
    return TRUE; /* nothing is kept there */
  if (!eng_device_take (device))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s is at work: stop that first",
                   eng_device_get_name (device));
      return FALSE;
    }
  for (guint i = 0; ok && i < names->len; i++)
    {
      ok = eng_push_try (&self, eng_push_remove_file, names->pdata[i], QUICK_S, error);
      if (ok)
        eng_push_kept_remove (device, names->pdata[i]);
    }
  push_clear (&self);
  eng_device_release (device);
  return ok;
}
