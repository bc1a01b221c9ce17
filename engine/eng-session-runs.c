/* The measured numbers of a session: which run belongs to which recipe, and what a technique's
 * setting has done. */
#include <math.h>

#include "eng-recipe-private.h"
#include "eng-session-private.h"

/* A run with its profile is about 100 KB; the history keeps them all. */
#define MAX_RUNS 200

/* Where a run of this session was measured: devices may change their names, not their ids. */
#define DEVICE_KEY "eng-session-device"

void
eng_session_add_run (EngSession *self, EngRun *run, EngDevice *device)
{
  if (device != NULL)
    g_object_set_data_full (G_OBJECT (run), DEVICE_KEY, g_strdup (eng_device_get_id (device)),
                            g_free);
  if (self->runs->len == MAX_RUNS)
    g_ptr_array_remove_index (self->runs, 0);
  g_ptr_array_add (self->runs, g_object_ref (run));
}

void
eng_session_add_run_of (EngSession *self, EngDevice *device, EngRun *run)
{
  g_return_if_fail (ENG_IS_SESSION (self) && ENG_IS_RUN (run));

  if (self->model == NULL
      || eng_profile_get_n_layers (eng_run_get_profile (run))
             != (int)eng_model_get_n_layers (self->model))
    return; /* another model was opened meanwhile */
  eng_session_add_run (self, run, device);
  if (self->workload == NULL)
    self->workload = eng_workload_copy (eng_run_get_workload (run));
  if (self->runner == NULL)
    eng_session_show_measured (self);
  eng_session_emit_finished (self, run);
}

static gboolean
is_on (EngRun *run, EngDevice *device)
{
  return g_strcmp0 (g_object_get_data (G_OBJECT (run), DEVICE_KEY),
                    device != NULL ? eng_device_get_id (device) : NULL)
         == 0;
}

static gboolean
same_workload (EngSession *self, EngRun *run)
{
  return self->workload != NULL && eng_workload_equal (self->workload, eng_run_get_workload (run));
}

/* Two recipes that differ in their text may still lower to one build ("2 threads" and "all", on a
 * machine of two). */
static gboolean
is_of (EngSession *self, EngRun *run, EngRecipe *recipe)
{
  if (eng_recipe_equal (eng_run_get_recipe (run), recipe))
    return TRUE;
  return self->build != NULL && eng_recipe_equal (eng_build_get_recipe (self->build), recipe)
         && g_strcmp0 (eng_build_get_hash (self->build), eng_run_get_build_hash (run)) == 0;
}

EngRun *
eng_session_find_run (EngSession *self, EngRecipe *recipe)
{
  g_return_val_if_fail (ENG_IS_SESSION (self), NULL);
  return eng_session_find_run_on (self, recipe, self->device);
}

EngRun *
eng_session_find_run_on (EngSession *self, EngRecipe *recipe, EngDevice *device)
{
  g_return_val_if_fail (ENG_IS_SESSION (self) && recipe != NULL, NULL);

  EngRun *other = NULL;
  for (guint i = self->runs->len; i-- > 0;)
    {
      EngRun *run = self->runs->pdata[i];
      if (!is_on (run, device) || !is_of (self, run, recipe))
        continue;
      if (same_workload (self, run))
        return run;
      if (other == NULL)
        other = run;
    }
  return other;
}

void
eng_session_show_measured (EngSession *self)
{
  EngRun *run = eng_session_find_run (self, eng_session_get_recipe (self));
  eng_session_take_run (self, run != NULL ? g_object_ref (run) : NULL);
  if (self->runner == NULL)
    eng_session_take_profile (self,
                              run != NULL ? eng_profile_ref (eng_run_get_profile (run)) : NULL);
}

/* ---- What a technique did ---- */

/* "−38 % ms/token", or that there is nothing to tell; appended to @text. */
static void
add_change (GString *text, const EngFigure *from, const EngFigure *to, const char *what)
{
  if (!from->available || !to->available || from->value == 0)
    return;

  gboolean sampled = from->n > 0 || to->n > 0;
  gboolean known
      = isfinite (from->low) && isfinite (from->high) && isfinite (to->low) && isfinite (to->high);
  gboolean overlap = sampled && (!known || (from->low <= to->high && to->low <= from->high));
  double percent = 100 * (to->value / from->value - 1);
  const char *comma = text->len > 0 ? ", " : "";
  if (overlap)
    g_string_append_printf (text, "%s%s: no difference beyond the noise", comma, what);
  else if (fabs (percent) >= 0.5)
    g_string_append_printf (text, "%s%s%.0f\u202f%% %s", comma, percent < 0 ? "\u2212" : "+",
                            fabs (percent), what);
}

EngRun *
eng_session_find_run_before (EngSession *self, const char *technique_id)
{
  const EngTechnique *technique = eng_technique_find (technique_id);
  EngRecipe *now = eng_session_get_recipe (self);
  EngRun *run = self->run;
  g_return_val_if_fail (technique != NULL, NULL);
  if (run == NULL)
    return NULL;

  /* The newest earlier state that differs in this technique alone and was run under the same
   * workload. */
  for (guint i = self->at; i-- > 0;)
    {
      EngRecipe *before = self->states->pdata[i];
      EngRun *other = eng_recipe_differs_only_in (before, now, technique)
                          ? eng_session_find_run (self, before)
                          : NULL;
      if (other != NULL && other != run
          && eng_workload_equal (eng_run_get_workload (run), eng_run_get_workload (other)))
        return other;
    }
  return NULL;
}

char *
eng_session_dup_technique_effect (EngSession *self, const char *technique_id)
{
  EngRun *run = self->run;
  EngRun *other = eng_session_find_run_before (self, technique_id);
  if (other == NULL)
    return NULL;

  gboolean network = eng_run_get_workload (run)->kind == ENG_WORKLOAD_INPUT;
  EngFigureId time = network ? ENG_FIGURE_INFERENCE : ENG_FIGURE_STEP_CLEAN;
  EngFigure from = eng_run_get_figure (other, time), to = eng_run_get_figure (run, time);
  EngFigure memory_from = eng_run_get_figure (other, ENG_FIGURE_PEAK_MEMORY),
            memory_to = eng_run_get_figure (run, ENG_FIGURE_PEAK_MEMORY);
  g_autoptr (GString) text = g_string_new (NULL);
  add_change (text, &from, &to, network ? "latency" : "ms/token");
  add_change (text, &memory_from, &memory_to, "memory");
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}
