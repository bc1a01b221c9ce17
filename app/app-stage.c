/* The one place that decides which numbers the views show, and how often they may change while a
 * model runs. Listens to the session; the views listen to this. Must not know of widgets. */
#include "app-stage.h"

#include "app-config.h"

#include <glib/gi18n.h>
#include <math.h>

struct _AppStage
{
  GObject parent_instance;

  EngSession *session;
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
app_stage_new (EngSession *session)
{
  AppStage *self = g_object_new (APP_TYPE_STAGE, NULL);
  struct
  {
    const char *signal;
    void (*handler) (AppStage *);
  } const links[] = {
    { "notify::profile", on_profile },    { "notify::recipe", on_recipe },
    { "notify::model", on_reset },        { "notify::running", on_reset },
    { "notify::baseline", emit_changed }, { "notify::build", emit_changed },
    { "notify::run", emit_changed },
  };

  self->session = g_object_ref (session);
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

/* 1e9 * @n_per_step / latency, with the interval's ends changing places. */
static EngFigure
rate_from_latency (const EngLatency *latency, double n_per_step)
{
  EngFigure figure = eng_figure_unavailable ("tok/s", _ ("measuring…"));

  if (latency->n == 0 || !(latency->median_ns > 0.0))
    return figure;
  figure = eng_figure_exact (1e9 * n_per_step / latency->median_ns, "tok/s");
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
memory_figure (AppStage *self)
{
  EngBuild *build = eng_session_get_build (self->session);
  RtMemory memory;

  if (build == NULL)
    return eng_figure_unavailable ("B", _ ("known once the model is prepared"));
  eng_build_get_memory (build, &memory);
  return eng_figure_exact ((double)(memory.weight_bytes + memory.activation_bytes
                                    + memory.scratch_bytes + memory.kv_bytes),
                           "B");
}

EngFigure
app_stage_get_figure (AppStage *self, EngFigureId id)
{
  EngRun *run;
  EngProfile *profile;

  g_return_val_if_fail (APP_IS_STAGE (self), eng_figure_unavailable ("", NULL));

  run = app_stage_get_run (self);
  if (run != NULL)
    return eng_run_get_figure (run, id);
  if (id == ENG_FIGURE_PEAK_MEMORY)
    return memory_figure (self);

  profile = app_stage_get_profile (self);
  if (eng_session_get_running (self->session) && profile != NULL)
    {
      const EngPhaseProfile *decode = eng_profile_get_phase (profile, RT_PHASE_DECODE);
      const EngPhaseProfile *prefill = eng_profile_get_phase (profile, RT_PHASE_PREFILL);

      if (id == ENG_FIGURE_DECODE)
        return rate_from_latency (&decode->clean, 1.0);
      if (id == ENG_FIGURE_PREFILL)
        return rate_from_latency (&prefill->clean, (double)prefill->n_tokens);
    }
  return eng_figure_unavailable ("", eng_session_get_running (self->session)
                                         ? _ ("measuring…")
                                         : _ ("not measured yet"));
}

/* The recipe described, to begin a sentence with. */
static char *
dup_recipe_name (EngRecipe *recipe)
{
  g_autofree char *text = eng_recipe_describe (recipe);
  g_autofree char *first = g_utf8_substring (text, 0, 1);
  g_autofree char *upper = g_utf8_strup (first, -1);

  return g_strconcat (upper, g_utf8_next_char (text), NULL);
}

static char *
sentence_for_run (AppStage *self, EngRun *run)
{
  EngRun *baseline = app_stage_get_baseline (self);
  g_autofree char *recipe = eng_recipe_describe (eng_run_get_recipe (run));
  const char *const *reasons = eng_run_get_reasons (run);
  GString *text = g_string_new (NULL);

  if (app_stage_is_reopened (self))
    g_string_append (text, _ ("From the history. "));
  if (eng_run_get_validity (run) != ENG_RUN_VALID)
    {
      g_autofree char *why = reasons != NULL ? g_strjoinv ("; ", (char **)reasons) : g_strdup ("");

      g_string_append_printf (text,
                              eng_run_get_validity (run) == ENG_RUN_DEGRADED ? _ ("Degraded: %s.")
                                                                             : _ ("Invalid: %s."),
                              why);
      return g_string_free (text, FALSE);
    }
  g_string_append_printf (text,
                          ngettext ("Valid: %u token with %s", "Valid: %u tokens with %s",
                                    eng_run_get_n_generated (run)),
                          eng_run_get_n_generated (run), recipe);
  if (baseline != NULL)
    {
      g_autofree char *behind = eng_recipe_describe (eng_run_get_recipe (baseline));

      g_string_append_printf (text, _ (", against %s"), behind);
    }
  g_string_append_c (text, '.');
  return g_string_free (text, FALSE);
}

char *
app_stage_dup_sentence (AppStage *self)
{
  EngRun *run;
  g_autofree char *recipe = NULL;

  g_return_val_if_fail (APP_IS_STAGE (self), NULL);

  if (eng_session_get_model (self->session) == NULL)
    return g_strdup (eng_session_get_job (self->session) != NULL ? _ ("Opening the model…")
                                                                 : _ ("Open a model to begin."));
  run = app_stage_get_run (self);
  if (run != NULL)
    return sentence_for_run (self, run);
  recipe = dup_recipe_name (eng_session_get_recipe (self->session));
  if (eng_session_get_running (self->session))
    return g_strdup_printf (_ ("Running with %s."), recipe);
  if (eng_session_get_build (self->session) == NULL)
    return g_strdup_printf (_ ("Preparing %s."), recipe);
  return g_strdup_printf (_ ("%s: not measured yet. Press Run."), recipe);
}
