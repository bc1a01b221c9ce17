/* Forecasts of boards, asked for by the chooser of devices, the preflight and the calibration's
 * part of a device's details. The arithmetic is eng-board-expect.c's. */
#include "app-device-expect.h"

#include "app-application.h"
#include "app-config.h"
#include "app-device-calibration.h"
#include "eng-figure.h"

#include <glib/gi18n.h>
#include <math.h>

typedef struct
{
  GWeakRef object;
  void (*done) (gpointer object);
} Waiting;

/* Of one device, for one build. */
typedef struct
{
  char *hash; /* of the build; NULL: nothing was asked yet */
  gboolean working;
  gint64 answered_us;
  EngBoardForecast *forecast;
  char *reason; /* why there is none */
  GPtrArray *waiting;
} Answer;

static void
waiting_free (gpointer data)
{
  Waiting *waiting = data;

  g_weak_ref_clear (&waiting->object);
  g_free (waiting);
}

static void
answer_clear (Answer *answer)
{
  g_clear_pointer (&answer->hash, g_free);
  g_clear_pointer (&answer->forecast, eng_board_forecast_free);
  g_clear_pointer (&answer->reason, g_free);
  answer->working = FALSE;
}

static void
answer_free (gpointer data)
{
  Answer *answer = data;

  answer_clear (answer);
  g_ptr_array_unref (answer->waiting);
  g_free (answer);
}

static Answer *
get_answer (EngDevice *device)
{
  Answer *answer = g_object_get_data (G_OBJECT (device), "app-expected");

  if (answer != NULL)
    return answer;
  answer = g_new0 (Answer, 1);
  answer->waiting = g_ptr_array_new_with_free_func (waiting_free);
  g_object_set_data_full (G_OBJECT (device), "app-expected", answer, answer_free);
  return answer;
}

void
app_device_expect_forget (EngDevice *device)
{
  answer_clear (get_answer (device));
}

const EngBoardForecast *
app_device_expect_get (EngDevice *device, EngBuild *build, const char **reason)
{
  Answer *answer = get_answer (device);

  if (reason != NULL)
    *reason = NULL;
  if (build == NULL || g_strcmp0 (answer->hash, eng_build_get_hash (build)) != 0)
    return NULL;
  if (reason != NULL)
    *reason = answer->reason;
  return answer->forecast;
}

/* ---- Working it out ---- */

typedef struct
{
  EngBoardCalibration *calibration;
  EngDevice *device;
  EngEstimator *estimator;
  EngBuild *build;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  eng_board_calibration_unref (work->calibration);
  g_object_unref (work->device);
  g_clear_object (&work->estimator);
  g_object_unref (work->build);
  g_free (work);
}

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  GError *error = NULL;
  EngBoardForecast *forecast
      = eng_board_forecast (work->calibration, work->device, work->estimator,
                            eng_build_get_model (work->build), eng_build_get_recipe (work->build),
                            work->build, NULL, &error);

  if (forecast != NULL)
    g_task_return_pointer (task, forecast, (GDestroyNotify)eng_board_forecast_free);
  else
    g_task_return_error (task, error);
}

static void
tell (Answer *answer)
{
  g_autoptr (GPtrArray) waiting = answer->waiting;

  answer->waiting = g_ptr_array_new_with_free_func (waiting_free);
  for (guint i = 0; i < waiting->len; i++)
    {
      Waiting *one = waiting->pdata[i];
      g_autoptr (GObject) object = g_weak_ref_get (&one->object);

      if (object != NULL)
        one->done (object);
    }
}

static void
on_forecast (GObject *source, GAsyncResult *result, gpointer data)
{
  Work *work = g_task_get_task_data (G_TASK (result));
  Answer *answer = get_answer (work->device);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngBoardForecast) forecast = g_task_propagate_pointer (G_TASK (result), &error);

  /* Another build, or calibrated anew meanwhile: late answers are dropped. */
  if (!answer->working || g_strcmp0 (answer->hash, eng_build_get_hash (work->build)) != 0)
    return;
  answer->working = FALSE;
  answer->answered_us = g_get_monotonic_time ();
  answer->forecast = g_steal_pointer (&forecast);
  answer->reason = error != NULL ? g_strdup (error->message) : NULL;
  tell (answer);
}

static void
start (EngDevice *device, EngBoardCalibration *calibration, EngBuild *build)
{
  GApplication *application = g_application_get_default ();
  EngEstimator *estimator = APP_IS_APPLICATION (application)
                                ? app_application_get_estimator (APP_APPLICATION (application))
                                : NULL;
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_forecast, NULL);
  Work *work = g_new0 (Work, 1);

  work->calibration = eng_board_calibration_ref (calibration);
  work->device = g_object_ref (device);
  work->estimator = estimator != NULL ? g_object_ref (estimator) : NULL;
  work->build = g_object_ref (build);
  g_task_set_source_tag (task, start);
  g_task_set_task_data (task, work, work_free);
  g_task_run_in_thread (task, work_thread);
}

/* Layers that were never timed here may have been since; not at once, for what is told asks
 * again. */
#define ASK_AGAIN_US (2 * G_USEC_PER_SEC)

static gboolean
is_final (const Answer *answer)
{
  if (answer->forecast != NULL)
    for (guint i = 0; i < G_N_ELEMENTS (answer->forecast->phases); i++)
      if (answer->forecast->phases[i].is_there && !isfinite (answer->forecast->phases[i].step.ns))
        return g_get_monotonic_time () < answer->answered_us + ASK_AGAIN_US;
  return TRUE;
}

void
app_device_expect (EngDevice *device, EngBuild *build, GObject *object,
                   void (*done) (gpointer object))
{
  Answer *answer = get_answer (device);
  EngBoardCalibration *calibration = app_device_calibration_get (device);
  gboolean same = build != NULL && g_strcmp0 (answer->hash, eng_build_get_hash (build)) == 0;
  Waiting *waiting;

  if (same && !answer->working && !is_final (answer))
    same = FALSE;
  if (calibration == NULL || build == NULL || (same && !answer->working))
    return;
  waiting = g_new0 (Waiting, 1);
  g_weak_ref_init (&waiting->object, object);
  waiting->done = done;
  g_ptr_array_add (answer->waiting, waiting);
  if (same)
    return;
  answer_clear (answer);
  answer->hash = g_strdup (eng_build_get_hash (build));
  answer->working = TRUE;
  start (device, calibration, build);
}

/* ---- Words ---- */

char *
app_device_expect_format (const EngBoardExpected *expected)
{
  if (!isfinite (expected->ns))
    return g_strdup_printf (_ ("unavailable: %s"), expected->reason);
  g_autofree char *time = eng_format_value (expected->ns * 1e-9, "s");
  g_autofree char *low = eng_format_value (expected->low_ns * 1e-9, "s");
  g_autofree char *high = eng_format_value (expected->high_ns * 1e-9, "s");
  /* Translators: an estimate, and between which values it lies nine times out of ten */
  return g_strdup_printf (_ ("~%s (%s to %s)"), time, low, high);
}

char *
app_device_expect_dup_line (const EngBoardForecast *forecast)
{
  const EngBoardPhase *inference = &forecast->phases[RT_PHASE_INFERENCE];
  const EngBoardPhase *token = &forecast->phases[RT_PHASE_DECODE];
  const EngBoardPhase *phase = inference->is_there ? inference : token;
  g_autofree char *text = NULL;

  if (!phase->is_there || !isfinite (phase->step.ns))
    return NULL;
  text = app_device_expect_format (&phase->step);
  /* Translators: what is expected, "~42.8 ms (23.7 ms to 77.2 ms)" */
  return g_strdup_printf (phase == token ? _ ("each token %s") : _ ("inference %s"), text);
}
