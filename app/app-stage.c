/* The one place that decides which numbers the views show, and how often they may change while a
 * model runs. Listens to the session; the views listen to this. Must not know of widgets. */
#include "app-stage.h"

#include "app-config.h"
#include "eval/eng-evaluate.h"

#include <glib/gi18n.h>
#include <math.h>

struct _AppStage
{
  GObject parent_instance;

  EngSession *session;
  AppAccuracy *accuracy;
  AppLayerErrors *layer_errors;
  EngRun *reopened;
  EngProfile *profile; /* the last one given out by the session */
  guint live_id;       /* timer while new numbers wait to be shown */
  gboolean live_dirty;
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_LIVE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppStage, app_stage, G_TYPE_OBJECT)

static gboolean
on_live_timer (gpointer data)
{
  AppStage *self = data;

  if (!self->live_dirty)
    {
      self->live_id = 0;
      return G_SOURCE_REMOVE;
    }
  self->live_dirty = FALSE;
  g_signal_emit (self, signals[SIGNAL_LIVE], 0);
  return G_SOURCE_CONTINUE;
}

static void
emit_changed (AppStage *self)
{
  EngRun *reopened = self->reopened;

  app_layer_errors_set_subject (self->layer_errors, eng_session_get_model (self->session),
                                reopened != NULL ? eng_run_get_recipe (reopened)
                                                 : eng_session_get_recipe (self->session));
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static void
on_profile (AppStage *self)
{
  g_clear_pointer (&self->profile, eng_profile_unref);
  self->profile = eng_session_get_profile (self->session);
  if (self->profile != NULL)
    eng_profile_ref (self->profile);

  if (!eng_session_get_running (self->session))
    {
      emit_changed (self);
      return;
    }
  if (self->live_id != 0)
    {
      self->live_dirty = TRUE;
      return;
    }
  g_signal_emit (self, signals[SIGNAL_LIVE], 0);
  self->live_id = g_timeout_add (1000 / APP_STAGE_LIVE_HZ, on_live_timer, self);
}

static void
drop_reopened (AppStage *self)
{
  g_clear_object (&self->reopened);
}

static void
on_recipe (AppStage *self)
{
  if (self->reopened != NULL
      && !eng_recipe_equal (eng_run_get_recipe (self->reopened),
                            eng_session_get_recipe (self->session)))
    drop_reopened (self);
  emit_changed (self);
}

static void
on_reset (AppStage *self)
{
  drop_reopened (self);
  emit_changed (self);
}

static void
app_stage_dispose (GObject *object)
{
  AppStage *self = APP_STAGE (object);

  g_clear_handle_id (&self->live_id, g_source_remove);
  g_clear_object (&self->reopened);
  g_clear_object (&self->session);
  g_clear_pointer (&self->accuracy, app_accuracy_free);
  g_clear_object (&self->layer_errors);
  g_clear_pointer (&self->profile, eng_profile_unref);
  G_OBJECT_CLASS (app_stage_parent_class)->dispose (object);
}

static void
app_stage_class_init (AppStageClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_stage_dispose;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_LIVE] = g_signal_new ("live", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                       NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_stage_init (AppStage *self)
{
}

AppStage *
app_stage_new (EngSession *session, EngHistory *history)
{
  AppStage *self = g_object_new (APP_TYPE_STAGE, NULL);
  struct
  {
    const char *signal;
    void (*handler) (AppStage *);
  } const links[] = {
    { "notify::profile", on_profile },    { "notify::recipe", on_recipe },
    { "notify::model", on_reset },        { "notify::running", on_reset },
    { "notify::device", on_reset },       { "notify::baseline", emit_changed },
    { "notify::build", emit_changed },    { "notify::run", emit_changed },
    { "notify::estimate", emit_changed },
  };

  self->session = g_object_ref (session);
  self->accuracy = app_accuracy_new (history);
  self->layer_errors = app_layer_errors_new (history);
  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    g_signal_connect_object (session, links[i].signal, G_CALLBACK (links[i].handler), self,
                             G_CONNECT_SWAPPED);
  return self;
}

EngSession *
app_stage_get_session (AppStage *self)
{
  g_return_val_if_fail (APP_IS_STAGE (self), NULL);
  return self->session;
}

EngModelKind
app_stage_get_kind (AppStage *self)
{
  EngModel *model;

  g_return_val_if_fail (APP_IS_STAGE (self), ENG_MODEL_LANGUAGE);
  model = eng_session_get_model (self->session);
  return model != NULL ? eng_model_get_kind (model) : ENG_MODEL_LANGUAGE;
}

void
app_stage_show_run (AppStage *self, EngRun *run)
{
  g_return_if_fail (APP_IS_STAGE (self));

  if (g_set_object (&self->reopened, run))
    emit_changed (self);
}

gboolean
app_stage_is_reopened (AppStage *self)
{
  g_return_val_if_fail (APP_IS_STAGE (self), FALSE);
  return self->reopened != NULL;
}

gboolean
app_stage_get_running (AppStage *self)
{
  g_return_val_if_fail (APP_IS_STAGE (self), FALSE);
  return eng_session_get_running (self->session);
}

EngRun *
app_stage_get_run (AppStage *self)
{
  g_return_val_if_fail (APP_IS_STAGE (self), NULL);

  if (self->reopened != NULL)
    return self->reopened;
  return eng_session_get_running (self->session) ? NULL : eng_session_get_run (self->session);
}

EngProfile *
app_stage_get_profile (AppStage *self)
{
  g_return_val_if_fail (APP_IS_STAGE (self), NULL);

  if (self->reopened != NULL)
    return eng_run_get_profile (self->reopened);
  return self->profile;
}

EngRun *
app_stage_get_baseline (AppStage *self)
{
  EngRun *baseline, *run;

  g_return_val_if_fail (APP_IS_STAGE (self), NULL);

  baseline = eng_session_get_baseline (self->session);
  run = app_stage_get_run (self);
  if (baseline != NULL && run != NULL
      && g_str_equal (eng_run_get_id (baseline), eng_run_get_id (run)))
    return NULL;
  return baseline;
}

EngForecast *
app_stage_get_estimate (AppStage *self)
{
  g_return_val_if_fail (APP_IS_STAGE (self), NULL);

  return app_stage_get_run (self) == NULL && app_stage_get_profile (self) == NULL
                 && !app_stage_get_running (self)
                 && eng_session_get_device (self->session) == NULL /* it is of this computer */
             ? eng_session_get_estimate (self->session)
             : NULL;
}

/* 1e9 * @n_per_step / latency, with the interval's ends changing places. */
static EngFigure
rate_from_latency (const EngLatency *latency, double n_per_step, const char *unit)
{
  EngFigure figure = eng_figure_unavailable (unit, _ ("measuring…"));

  if (latency->n == 0 || !(latency->median_ns > 0.0))
    return figure;
  figure = eng_figure_exact (1e9 * n_per_step / latency->median_ns, unit);
  figure.n = latency->n;
  figure.low = 1e9 * n_per_step / latency->high_ns;
  figure.high = 1e9 * n_per_step / latency->low_ns;
  if (!isfinite (figure.low) || !isfinite (figure.high))
    {
      figure.low = figure.high = NAN;
      figure.reason = _ ("too few samples yet");
    }
  return figure;
}

static EngFigure
ms_from_latency (const EngLatency *latency)
{
  EngFigure figure = eng_figure_unavailable ("ms", _ ("measuring…"));

  if (latency->n == 0)
    return figure;
  figure = eng_figure_exact (latency->median_ns * 1e-6, "ms");
  figure.n = latency->n;
  figure.low = latency->low_ns * 1e-6;
  figure.high = latency->high_ns * 1e-6;
  if (!isfinite (figure.low) || !isfinite (figure.high))
    figure.reason = _ ("too few samples yet");
  return figure;
}

/* While a network runs: the executor's clean passes. What lies outside of the graph is added when
 * the run has ended, so the share of it is not known yet. */
static EngFigure
live_network_figure (EngProfile *profile, EngFigureId id)
{
  const EngPhaseProfile *data = eng_profile_get_phase (profile, RT_PHASE_INFERENCE);

  if (id == ENG_FIGURE_INFERENCE)
    return ms_from_latency (&data->clean);
  if (id == ENG_FIGURE_INFERENCES)
    return rate_from_latency (&data->clean, 1.0, "/s");
  return eng_figure_unavailable (eng_figure_id_unit (id), _ ("measuring…"));
}

static EngFigure
live_language_figure (EngProfile *profile, EngFigureId id)
{
  const EngPhaseProfile *decode = eng_profile_get_phase (profile, RT_PHASE_DECODE);
  const EngPhaseProfile *prefill = eng_profile_get_phase (profile, RT_PHASE_PREFILL);

  if (id == ENG_FIGURE_DECODE)
    return rate_from_latency (&decode->clean, 1.0, "tok/s");
  if (id == ENG_FIGURE_PREFILL)
    return rate_from_latency (&prefill->clean, (double)prefill->n_tokens, "tok/s");
  return eng_figure_unavailable (eng_figure_id_unit (id), _ ("measuring…"));
}

static EngFigure
memory_figure (AppStage *self)
{
  EngBuild *build = eng_session_get_build (self->session);
  EngDevice *device = eng_session_get_device (self->session);
  RtMemory memory;

  if (device != NULL && eng_device_get_kind (device) == ENG_BOARD_MICROCONTROLLER)
    return eng_figure_unavailable ("B", _ ("of generated code: see Devices"));
  if (build == NULL)
    return eng_figure_unavailable ("B", _ ("known once the model is prepared"));
  eng_build_get_memory (build, &memory);
  return eng_figure_exact ((double)(memory.weight_bytes + memory.activation_bytes
                                    + memory.scratch_bytes + memory.kv_bytes),
                           "B");
}

AppLayerErrors *
app_stage_get_layer_errors (AppStage *self)
{
  g_return_val_if_fail (APP_IS_STAGE (self), NULL);
  return self->layer_errors;
}

AppAccuracy *
app_stage_get_accuracy (AppStage *self)
{
  g_return_val_if_fail (APP_IS_STAGE (self), NULL);
  return self->accuracy;
}

void
app_stage_refresh (AppStage *self)
{
  g_return_if_fail (APP_IS_STAGE (self));
  app_accuracy_forget (self->accuracy);
  emit_changed (self);
}

char *
app_stage_dup_accuracy_key (AppStage *self)
{
  EngModel *model;
  EngRun *run;
  EngRecipe *recipe;

  g_return_val_if_fail (APP_IS_STAGE (self), NULL);
  model = eng_session_get_model (self->session);
  run = app_stage_get_run (self);
  recipe = run != NULL ? eng_run_get_recipe (run) : eng_session_get_recipe (self->session);
  return model != NULL && recipe != NULL ? eng_evaluate_dup_key (model, recipe) : NULL;
}

/* Of the build, whatever run of it is shown. */
static EngFigure
accuracy_figure (AppStage *self, EngFigureId id)
{
  g_autofree char *key = app_stage_dup_accuracy_key (self);
  const AppEvaluation *found
      = key != NULL ? app_accuracy_find (self->accuracy, key, NULL, id) : NULL;
  EngRun *run = app_stage_get_run (self);

  if (found == NULL && run != NULL) /* evaluations of earlier versions have no key */
    found = app_accuracy_find (self->accuracy, eng_run_get_build_hash (run), NULL, id);
  return found != NULL ? found->figures[id]
                       : eng_figure_unavailable (eng_figure_id_unit (id), _ ("not evaluated"));
}

EngFigure
app_stage_get_figure (AppStage *self, EngFigureId id)
{
  EngRun *run;
  EngProfile *profile;

  g_return_val_if_fail (APP_IS_STAGE (self), eng_figure_unavailable ("", NULL));

  if (eng_figure_id_is_accuracy (id))
    return accuracy_figure (self, id);
  run = app_stage_get_run (self);
  if (run != NULL)
    return eng_run_get_figure (run, id);
  if (id == ENG_FIGURE_PEAK_MEMORY)
    return memory_figure (self);

  profile = app_stage_get_profile (self);
  if (eng_session_get_running (self->session) && profile != NULL)
    return app_stage_get_kind (self) == ENG_MODEL_NETWORK ? live_network_figure (profile, id)
                                                          : live_language_figure (profile, id);
  return eng_figure_unavailable ("", eng_session_get_running (self->session)
                                         ? _ ("measuring…")
                                         : _ ("not measured yet"));
}
