/* One push, between the worker that does it and whoever shows it: rows, job bars, dialogs. Called
 * by the window and the page of several devices; must not know widgets. */
#include "app-push.h"

#include "app-config.h"

#include <glib/gi18n.h>
#include <math.h>

/* Drawing takes the processors that virtual boards are measured on. */
#define TELL_MS 200

struct _AppPush
{
  GObject parent_instance;

  EngDevice *device;
  EngJob *job; /* main thread */
  EngRun *run; /* set once, before the state says that it is over */
  GMainContext *context;

  GMutex mutex; /* guards what follows */
  AppPushState state;
  EngPushProgress progress;
  gboolean has_progress;
  gint64 lost_us; /* since when the link is lost; 0: it is not */
  EngPushTimes times;
  char *message; /* why it failed; NULL */
  gboolean lost; /* it failed because the link was lost */
  GPtrArray *preflight;
  GSource *pending; /* "changed" is on its way */
  gboolean told_end;
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_ENDED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppPush, app_push, G_TYPE_OBJECT)

/* ---- Telling ---- */

static void tell (AppPush *self, guint after_ms);

/* Under the mutex. The worker says how often the link was lost; that it is there again, the
 * device's state. */
static void
look_at_link (AppPush *self, guint n_tries)
{
  gboolean connecting = eng_device_get_state (self->device) == ENG_DEVICE_CONNECTING;

  if (n_tries == 0 || !connecting)
    self->lost_us = 0;
  else if (self->lost_us == 0)
    self->lost_us = g_get_monotonic_time ();
}

static gboolean
on_pending (gpointer data)
{
  AppPush *self = data;
  gboolean over;

  g_mutex_lock (&self->mutex);
  g_clear_pointer (&self->pending, g_source_unref);
  over = self->state > APP_PUSH_GOING && !self->told_end;
  self->told_end |= over;
  if (self->state == APP_PUSH_GOING && self->lost_us != 0)
    {
      look_at_link (self, self->progress.n_tries);
      tell (self, 1000); /* the seconds that are left */
    }
  g_mutex_unlock (&self->mutex);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
  if (over)
    g_signal_emit (self, signals[SIGNAL_ENDED], 0);
  return G_SOURCE_REMOVE;
}

/* Under the mutex. */
static void
tell (AppPush *self, guint after_ms)
{
  if (self->pending != NULL && after_ms > 0)
    return;
  if (self->pending != NULL)
    {
      g_source_destroy (self->pending);
      g_source_unref (self->pending);
    }
  self->pending = g_timeout_source_new (after_ms);
  g_source_set_callback (self->pending, on_pending, g_object_ref (self), g_object_unref);
  g_source_attach (self->pending, self->context);
}

/* ---- The worker's side ---- */

static void
on_progress (const EngPushProgress *progress, gpointer data)
{
  AppPush *self = data;

  g_mutex_lock (&self->mutex);
  if (self->state <= APP_PUSH_GOING)
    {
      self->state = APP_PUSH_GOING;
      self->progress = *progress;
      self->progress.what
          = progress->what != NULL ? g_intern_string (progress->what) : NULL; /* three words */
      self->has_progress = TRUE;
      look_at_link (self, progress->n_tries);
      tell (self, TELL_MS);
    }
  g_mutex_unlock (&self->mutex);
}

static void
item_free (gpointer item)
{
  eng_preflight_item_free (item);
}

static GPtrArray *
copy_items (const GPtrArray *items)
{
  GPtrArray *copy = g_ptr_array_new_with_free_func (item_free);

  for (guint i = 0; i < items->len; i++)
    {
      EngPreflightItem *item = g_memdup2 (items->pdata[i], sizeof *item);

      item->text = g_strdup (item->text);
      item->remedy = g_strdup (item->remedy);
      g_ptr_array_add (copy, item);
    }
  return copy;
}

static void
on_preflight (const GPtrArray *items, gpointer data)
{
  AppPush *self = data;

  g_mutex_lock (&self->mutex);
  g_clear_pointer (&self->preflight, g_ptr_array_unref);
  self->preflight = copy_items (items);
  tell (self, TELL_MS);
  g_mutex_unlock (&self->mutex);
}

void
app_push_fill_events (AppPush *self, EngPushEvents *events)
{
  g_return_if_fail (APP_IS_PUSH (self));
  *events = (EngPushEvents){ on_progress, on_preflight, self };
}

void
app_push_end (AppPush *self, EngRun *run, const EngPushTimes *times, const GError *error)
{
  g_return_if_fail (APP_IS_PUSH (self));

  g_mutex_lock (&self->mutex);
  if (self->state <= APP_PUSH_GOING)
    {
      g_set_object (&self->run, run);
      if (times != NULL)
        self->times = *times;
      self->message = error != NULL ? g_strdup (error->message) : NULL;
      self->lost = error != NULL && eng_link_error_is_lost (error);
      if (run != NULL)
        self->state = APP_PUSH_DONE;
      else if (error == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        self->state = APP_PUSH_CANCELLED;
      else
        self->state = self->preflight != NULL && !eng_preflight_passed (self->preflight)
                          ? APP_PUSH_REFUSED
                          : APP_PUSH_FAILED;
      tell (self, 0);
    }
  g_mutex_unlock (&self->mutex);
}

/* ---- Looking ---- */

EngDevice *
app_push_get_device (AppPush *self)
{
  g_return_val_if_fail (APP_IS_PUSH (self), NULL);
  return self->device;
}

void
app_push_set_job (AppPush *self, EngJob *job)
{
  g_return_if_fail (APP_IS_PUSH (self));
  g_set_object (&self->job, job);
}

void
app_push_cancel (AppPush *self)
{
  g_return_if_fail (APP_IS_PUSH (self));
  if (self->job != NULL)
    eng_job_cancel (self->job);
}

AppPushState
app_push_get_state (AppPush *self)
{
  AppPushState state;

  g_return_val_if_fail (APP_IS_PUSH (self), APP_PUSH_FAILED);
  g_mutex_lock (&self->mutex);
  state = self->state;
  g_mutex_unlock (&self->mutex);
  return state;
}

gboolean
app_push_is_over (AppPush *self)
{
  return app_push_get_state (self) > APP_PUSH_GOING;
}

EngRun *
app_push_get_run (AppPush *self)
{
  g_return_val_if_fail (APP_IS_PUSH (self), NULL);
  return app_push_is_over (self) ? self->run : NULL;
}

GPtrArray *
app_push_dup_preflight (AppPush *self)
{
  GPtrArray *items;

  g_return_val_if_fail (APP_IS_PUSH (self), NULL);
  g_mutex_lock (&self->mutex);
  items = self->preflight != NULL ? g_ptr_array_ref (self->preflight) : NULL;
  g_mutex_unlock (&self->mutex);
  return items;
}

/* What is shown, consistent in itself. */
typedef struct
{
  AppPushState state;
  EngPushProgress progress;
  gboolean has_progress;
  gint64 lost_us;
  EngPushTimes times;
  char *message;
  gboolean lost;
} View;

static View
look (AppPush *self)
{
  View view;

  g_mutex_lock (&self->mutex);
  view = (View){ .state = self->state,
                 .progress = self->progress,
                 .has_progress = self->has_progress,
                 .lost_us = self->lost_us,
                 .times = self->times,
                 .message = g_strdup (self->message),
                 .lost = self->lost };
  g_mutex_unlock (&self->mutex);
  return view;
}

gboolean
app_push_get_lost (AppPush *self)
{
  gboolean lost;

  g_return_val_if_fail (APP_IS_PUSH (self), FALSE);
  g_mutex_lock (&self->mutex);
  lost = self->state == APP_PUSH_GOING && self->lost_us != 0;
  g_mutex_unlock (&self->mutex);
  return lost;
}

double
app_push_get_progress (AppPush *self)
{
  g_autofree char *message = NULL;
  View view;

  g_return_val_if_fail (APP_IS_PUSH (self), -1);
  view = look (self);
  message = view.message;
  if (view.state != APP_PUSH_GOING || !view.has_progress || view.lost_us != 0)
    return -1;
  if (view.progress.n_bytes > 0) /* connecting (the runner), copying, verifying */
    return (double)view.progress.n_done / (double)view.progress.n_bytes;
  return view.progress.stage == ENG_PUSH_RUN ? view.progress.progress : -1;
}

/* ---- Words ---- */

char *
app_push_dup_duration (double seconds)
{
  guint whole = (guint)MAX (0, ceil (seconds));

  if (whole < 60)
    return g_strdup_printf (_ ("%u s"), whole);
  if (whole < 3600)
    return whole % 60 == 0 ? g_strdup_printf (_ ("%u min"), whole / 60)
                           : g_strdup_printf (_ ("%u min %u s"), whole / 60, whole % 60);
  return g_strdup_printf (_ ("%u h %u min"), whole / 3600, whole / 60 % 60);
}

static char *
dup_copying (const EngPushProgress *progress)
{
  const char *what = progress->what == NULL                   ? _ ("Copying")
                     : g_str_equal (progress->what, "runner") ? _ ("Copying the runner")
                     : g_str_equal (progress->what, "build")  ? _ ("Copying the build")
                     : g_str_equal (progress->what, "inputs") ? _ ("Copying the inputs")
                                                              : _ ("Copying");
  g_autofree char *done = NULL, *all = NULL;

  if (progress->n_bytes == 0)
    return g_strdup (what);
  done = eng_format_value ((double)progress->n_done, "B");
  all = eng_format_value ((double)progress->n_bytes, "B");
  /* Translators: what is copied, bytes done, of how many */
  return g_strdup_printf (_ ("%s: %s of %s"), what, done, all);
}

static char *
dup_verifying (const EngPushProgress *progress)
{
  g_autofree char *done = NULL, *all = NULL;

  if (progress->n_bytes == 0)
    return g_strdup (_ ("Verifying what was copied"));
  done = eng_format_value ((double)progress->n_done, "B");
  all = eng_format_value ((double)progress->n_bytes, "B");
  /* Translators: bytes read back, of how many */
  return g_strdup_printf (_ ("Verifying: %s of %s"), done, all);
}

static char *
dup_going (const EngPushProgress *progress)
{
  switch (progress->stage)
    {
    case ENG_PUSH_CONNECT:
      return progress->n_bytes > 0 ? dup_copying (progress) : g_strdup (_ ("Connecting"));
    case ENG_PUSH_PREFLIGHT:
      return g_strdup (_ ("Asking the device what it has"));
    case ENG_PUSH_PREPARE:
      return g_strdup (_ ("Preparing the files here"));
    case ENG_PUSH_COPY:
      return dup_copying (progress);
    case ENG_PUSH_VERIFY:
      return dup_verifying (progress);
    case ENG_PUSH_RUN:
      return progress->progress >= 0
                 ? g_strdup_printf (_ ("Running: %.0f %%"), 100 * progress->progress)
                 : g_strdup (_ ("Running"));
    case ENG_PUSH_COLLECT:
      return g_strdup (_ ("Bringing the measurements home"));
    case ENG_PUSH_CLEAN_UP:
      return g_strdup (_ ("Tidying up on the device"));
    case ENG_N_PUSH_STAGES:
    default:
      return g_strdup (_ ("Working"));
    }
}

char *
app_push_dup_words (AppPush *self)
{
  g_autofree char *message = NULL;
  View view;

  g_return_val_if_fail (APP_IS_PUSH (self), NULL);
  view = look (self);
  message = view.message;
  switch (view.state)
    {
    case APP_PUSH_WAITING:
      return g_strdup (_ ("Waiting for its turn"));
    case APP_PUSH_GOING:
      return view.lost_us != 0 ? g_strdup (_ ("Link lost, trying again"))
                               : dup_going (&view.progress);
    case APP_PUSH_DONE:
      return g_strdup (view.times.ended_early ? _ ("Ended early") : _ ("Measured"));
    case APP_PUSH_REFUSED:
      return g_strdup (_ ("Cannot run there"));
    case APP_PUSH_CANCELLED:
      return g_strdup (_ ("Cancelled"));
    case APP_PUSH_FAILED:
    default:
      if (!view.lost)
        return g_strdup (_ ("Failed"));
      return g_strdup (view.progress.n_tries > 0 || view.progress.stage > ENG_PUSH_CONNECT
                           ? _ ("The link was lost")
                           : _ ("Does not answer"));
    }
}

static void
add_part (GString *text, const char *part)
{
  g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", part);
}

static void
add_going (GString *text, const EngPushProgress *progress)
{
  if (isfinite (progress->bytes_per_s))
    {
      g_autofree char *rate = eng_format_value (progress->bytes_per_s, "B/s");

      add_part (text, rate);
    }
  if (isfinite (progress->left_s))
    {
      g_autofree char *time = app_push_dup_duration (progress->left_s);
      /* Translators: a duration: "42 s left" */
      g_autofree char *left = g_strdup_printf (_ ("%s left"), time);

      add_part (text, left);
    }
  if (progress->n_tries > 0 && progress->stage != ENG_PUSH_CONNECT)
    {
      g_autofree char *again
          = g_strdup_printf (ngettext ("the link was lost once; it went on where it was",
                                       "the link was lost %u times; it went on where it was",
                                       progress->n_tries),
                             progress->n_tries);

      add_part (text, again);
    }
}

/* How long the parts of a push took: "copied 118 MB in 9 s, started in 0.4 s". */
static void
add_times (GString *text, const EngPushTimes *times)
{
  g_autofree char *copied = eng_format_value ((double)times->n_copied, "B");
  g_autofree char *kept = eng_format_value ((double)times->n_kept, "B");
  g_autofree char *copy_s = eng_format_value (times->copy_s, "s");
  g_autofree char *start_s = eng_format_value (times->start_s, "s");
  g_autofree char *part = NULL, *start = NULL;

  if (times->n_copied > 0)
    part = g_strdup_printf (_ ("copied %s in %s"), copied, copy_s);
  else if (times->n_kept > 0)
    part = g_strdup_printf (_ ("nothing to copy: %s were there"), kept);
  if (part != NULL)
    add_part (text, part);
  if (times->start_s > 0)
    {
      start = g_strdup_printf (_ ("started in %s"), start_s);
      add_part (text, start);
    }
}

/* For how long it is tried again. */
static void
add_patience (GString *text, gint64 lost_us)
{
  double left_s = APP_PUSH_PATIENCE_S - (double)(g_get_monotonic_time () - lost_us) * 1e-6;
  g_autofree char *time = app_push_dup_duration (left_s);
  /* Translators: a duration: "gives up in 42 s" */
  g_autofree char *left = g_strdup_printf (_ ("gives up in %s"), time);

  add_part (text, left);
}

/* What stops it, of everything that was looked at. */
static void
add_refusal (GString *text, AppPush *self)
{
  g_autoptr (GPtrArray) items = app_push_dup_preflight (self);

  for (guint i = 0; items != NULL && i < items->len; i++)
    {
      const EngPreflightItem *item = items->pdata[i];
      g_autofree char *part = g_strdup_printf ("%s: %s", _ (item->title), item->text);

      if (item->state == ENG_PREFLIGHT_FAILED)
        add_part (text, part);
    }
}

char *
app_push_dup_details (AppPush *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *message = NULL;
  View view;

  g_return_val_if_fail (APP_IS_PUSH (self), NULL);
  view = look (self);
  message = view.message;
  if (view.state == APP_PUSH_GOING && view.lost_us != 0)
    add_patience (text, view.lost_us);
  else if (view.state == APP_PUSH_GOING && view.has_progress)
    add_going (text, &view.progress);
  else if (view.state == APP_PUSH_DONE)
    {
      add_times (text, &view.times);
      if (view.times.ended_early)
        add_part (text, _ ("what had come by then is kept"));
      else if (view.progress.n_tries > 0)
        add_part (text, _ ("the link was lost on the way; nothing measured was"));
    }
  else if (view.state == APP_PUSH_REFUSED)
    add_refusal (text, self);
  else if (message != NULL && view.state != APP_PUSH_CANCELLED)
    g_string_append (text, message);
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

/* ---- The object ---- */

static void
app_push_finalize (GObject *object)
{
  AppPush *self = APP_PUSH (object);

  g_clear_object (&self->device);
  g_clear_object (&self->job);
  g_clear_object (&self->run);
  g_clear_pointer (&self->preflight, g_ptr_array_unref);
  g_clear_pointer (&self->pending, g_source_unref);
  g_free (self->message);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->mutex);
  G_OBJECT_CLASS (app_push_parent_class)->finalize (object);
}

static void
app_push_class_init (AppPushClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = app_push_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_ENDED] = g_signal_new ("ended", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                        NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_push_init (AppPush *self)
{
  g_mutex_init (&self->mutex);
  self->context = g_main_context_ref_thread_default ();
}

AppPush *
app_push_new (EngDevice *device)
{
  AppPush *self;

  g_return_val_if_fail (ENG_IS_DEVICE (device), NULL);
  self = g_object_new (APP_TYPE_PUSH, NULL);
  self->device = g_object_ref (device);
  return self;
}
