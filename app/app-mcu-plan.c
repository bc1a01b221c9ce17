/* Planning for a microcontroller in the background. One worker at a time: what changes meanwhile is
 * looked at when it is done, and what it brings for a state that has gone is dropped. Called by the
 * section and the page that show it; must not know widgets. */
#include "app-mcu-plan.h"

#include "app-config.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

/* What a plan is of. */
typedef struct
{
  EngBuild *build;
  const char *board; /* static */
  guint64 ram_limit;
  gboolean link;
  EngJob *job;
} Question;

struct _AppMcuPlan
{
  GObject parent_instance;

  EngDevice *device;
  EngBuild *build;
  const char *board, *own_board; /* static ids */
  guint64 ram_limit;             /* for @board */

  EngMcuReport *report;
  char *problem;
  gboolean cancelled; /* that is the problem */
  EngJob *job;        /* of the worker; NULL: none */
  gboolean is_stale;  /* what is known is not of what is asked for */
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_RETIRED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppMcuPlan, app_mcu_plan, G_TYPE_OBJECT)

static void
tell (AppMcuPlan *self)
{
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

/* ---- The worker ---- */

static void
question_free (gpointer data)
{
  Question *question = data;

  g_object_unref (question->build);
  g_object_unref (question->job);
  g_free (question);
}

static EngMcuReport *
link_image (const Question *question, EngBuild *bare, const EngMcuOptions *options, GError **error)
{
  EngMcuReport *report = NULL;
  g_autofree char *elf = NULL;
  int file = g_file_open_tmp ("lathe-XXXXXX.elf", &elf, error);

  if (file < 0)
    return NULL;
  g_close (file, NULL);
  eng_mcu_make_image_at (bare, question->board, options, elf, &report, question->job, error);
  g_unlink (elf);
  return report;
}

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Question *question = data;
  const EngMcuOptions options = { .ram_limit = question->ram_limit, .job = question->job };
  GError *error = NULL;
  EngBuild *bare = eng_build_get_bare (question->build, &error);
  EngMcuReport *report = NULL;

  /* Of a language model there is none, which the plan says in words. */
  if (error == NULL)
    report = question->link ? link_image (question, bare, &options, &error)
                            : eng_mcu_look (bare, question->board, &options, &error);
  if (report != NULL)
    g_task_return_pointer (task, report, (GDestroyNotify)eng_mcu_report_unref);
  else
    g_task_return_error (task, error);
}

static void ask (AppMcuPlan *self, gboolean link);

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  AppMcuPlan *self = APP_MCU_PLAN (source);
  Question *question = g_task_get_task_data (G_TASK (result));
  g_autoptr (EngMcuReport) report = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (EngJob) job = g_steal_pointer (&self->job);
  gboolean same = question->build == self->build && question->board == self->board
                  && question->ram_limit == self->ram_limit;

  report = g_task_propagate_pointer (G_TASK (result), &error);
  eng_job_finish (job);
  if (same && report != NULL)
    {
      g_clear_pointer (&self->report, eng_mcu_report_unref);
      self->report = g_steal_pointer (&report);
    }
  else if (same)
    {
      self->cancelled = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      self->problem = g_strdup (self->cancelled ? _ ("It was cancelled.") : error->message);
    }
  if (self->is_stale && self->build != NULL)
    ask (self, FALSE);
  tell (self);
}

static void
ask (AppMcuPlan *self, gboolean link)
{
  g_autoptr (GTask) task = NULL;
  Question *question;

  if (self->job != NULL)
    {
      eng_job_cancel (self->job); /* then this is asked again */
      return;
    }
  self->is_stale = FALSE;
  g_clear_pointer (&self->problem, g_free);
  self->job = eng_job_new (link ? _ ("Compiling for exact sizes") : _ ("Working out the sizes"));
  question = g_new0 (Question, 1);
  *question = (Question){ g_object_ref (self->build), self->board, self->ram_limit, link,
                          g_object_ref (self->job) };
  task = g_task_new (self, NULL, on_answer, NULL);
  g_task_set_source_tag (task, ask);
  g_task_set_task_data (task, question, question_free);
  g_task_run_in_thread (task, work_thread);
}

/* What is known is of something else now. */
static void
forget (AppMcuPlan *self)
{
  g_clear_pointer (&self->report, eng_mcu_report_unref);
  g_clear_pointer (&self->problem, g_free);
  self->is_stale = TRUE;
  if (self->build != NULL && self->board != NULL)
    ask (self, FALSE);
  else if (self->job != NULL)
    eng_job_cancel (self->job);
  if (self->board == NULL)
    self->problem = g_strdup (_ ("The device does not say which board it is."));
  tell (self);
}

/* ---- What is asked ---- */

void
app_mcu_plan_set_build (AppMcuPlan *self, EngBuild *build)
{
  g_return_if_fail (APP_IS_MCU_PLAN (self));
  if (g_set_object (&self->build, build))
    forget (self);
}

EngBuild *
app_mcu_plan_get_build (AppMcuPlan *self)
{
  g_return_val_if_fail (APP_IS_MCU_PLAN (self), NULL);
  return self->build;
}

void
app_mcu_plan_set_board (AppMcuPlan *self, const char *board)
{
  const char *known;

  g_return_if_fail (APP_IS_MCU_PLAN (self) && board != NULL);
  known = eng_mcu_board_find (board, NULL);
  g_return_if_fail (known != NULL);
  if (known == self->board)
    return;
  self->board = known;
  self->ram_limit = known == self->own_board ? eng_mcu_device_ram_limit (self->device) : 0;
  forget (self);
}

const char *
app_mcu_plan_get_board (AppMcuPlan *self)
{
  g_return_val_if_fail (APP_IS_MCU_PLAN (self), NULL);
  return self->board;
}

const char *
app_mcu_plan_get_own_board (AppMcuPlan *self)
{
  g_return_val_if_fail (APP_IS_MCU_PLAN (self), NULL);
  return self->own_board;
}

void
app_mcu_plan_set_ram_limit (AppMcuPlan *self, guint64 bytes)
{
  g_autofree char *text = NULL;

  g_return_if_fail (APP_IS_MCU_PLAN (self));
  if (self->ram_limit == bytes)
    return;
  self->ram_limit = bytes;
  text = bytes > 0 ? g_strdup_printf ("%" G_GUINT64_FORMAT, bytes) : NULL;
  if (self->board == self->own_board)
    eng_device_set_setting (self->device, ENG_MCU_RAM_SETTING, text);
  forget (self);
}

guint64
app_mcu_plan_get_ram_limit (AppMcuPlan *self)
{
  g_return_val_if_fail (APP_IS_MCU_PLAN (self), 0);
  return self->ram_limit;
}

/* ---- What is known ---- */

EngMcuReport *
app_mcu_plan_get_report (AppMcuPlan *self)
{
  g_return_val_if_fail (APP_IS_MCU_PLAN (self), NULL);
  return self->report;
}

const char *
app_mcu_plan_get_problem (AppMcuPlan *self)
{
  g_return_val_if_fail (APP_IS_MCU_PLAN (self), NULL);
  return self->problem;
}

gboolean
app_mcu_plan_get_cancelled (AppMcuPlan *self)
{
  g_return_val_if_fail (APP_IS_MCU_PLAN (self), FALSE);
  return self->problem != NULL && self->cancelled;
}

EngJob *
app_mcu_plan_get_job (AppMcuPlan *self)
{
  g_return_val_if_fail (APP_IS_MCU_PLAN (self), NULL);
  return self->job;
}

/* ---- What is done ---- */

void
app_mcu_plan_refresh (AppMcuPlan *self)
{
  g_return_if_fail (APP_IS_MCU_PLAN (self));
  if (self->build == NULL || self->board == NULL || self->job != NULL)
    return;
  self->is_stale = TRUE;
  ask (self, FALSE);
  tell (self);
}

void
app_mcu_plan_link (AppMcuPlan *self)
{
  g_return_if_fail (APP_IS_MCU_PLAN (self));
  if (self->report == NULL || self->job != NULL)
    return;
  ask (self, TRUE);
  tell (self);
}

void
app_mcu_plan_cancel (AppMcuPlan *self)
{
  g_return_if_fail (APP_IS_MCU_PLAN (self));
  if (self->job != NULL)
    eng_job_cancel (self->job);
}

void
app_mcu_plan_retire (AppMcuPlan *self)
{
  g_return_if_fail (APP_IS_MCU_PLAN (self));
  g_signal_handlers_disconnect_by_data (self->device, self);
  app_mcu_plan_set_build (self, NULL);
  g_signal_emit (self, signals[SIGNAL_RETIRED], 0);
}

/* ---- The object ---- */

static const char *
find_own_board (EngDevice *device)
{
  const char *name = eng_device_get_setting (device, "board");

  return name != NULL && *name != '\0' ? eng_mcu_board_find (name, NULL) : NULL;
}

/* A push made an image, whose sizes are exact; a contact told which board it is; another window
 * allowed less RAM. */
static void
on_device (AppMcuPlan *self)
{
  const char *own = find_own_board (self->device);
  gboolean is_own = self->board == self->own_board;
  guint64 allowed = is_own ? eng_mcu_device_ram_limit (self->device) : self->ram_limit;

  self->own_board = own;
  if (is_own && (self->board != own || allowed != self->ram_limit))
    {
      self->board = own;
      self->ram_limit = allowed;
      forget (self);
    }
  else if (!eng_device_get_busy (self->device) && self->report != NULL
           && self->report->sizes[ENG_MCU_FLASH].origin != ENG_MCU_LINKED)
    app_mcu_plan_refresh (self);
}

static void
app_mcu_plan_dispose (GObject *object)
{
  AppMcuPlan *self = APP_MCU_PLAN (object);

  g_clear_object (&self->device);
  g_clear_object (&self->build);
  g_clear_pointer (&self->report, eng_mcu_report_unref);
  g_clear_pointer (&self->problem, g_free);
  G_OBJECT_CLASS (app_mcu_plan_parent_class)->dispose (object);
}

static void
app_mcu_plan_class_init (AppMcuPlanClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_mcu_plan_dispose;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_RETIRED] = g_signal_new ("retired", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_mcu_plan_init (AppMcuPlan *self)
{
}

AppMcuPlan *
app_mcu_plan_new (EngDevice *device)
{
  AppMcuPlan *self;

  g_return_val_if_fail (ENG_IS_DEVICE (device), NULL);
  self = g_object_new (APP_TYPE_MCU_PLAN, NULL);
  self->device = g_object_ref (device);
  self->own_board = self->board = find_own_board (device);
  self->ram_limit = eng_mcu_device_ram_limit (device);
  g_signal_connect_object (device, "notify::busy", G_CALLBACK (on_device), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (device, "notify::settings", G_CALLBACK (on_device), self,
                           G_CONNECT_SWAPPED);
  return self;
}
