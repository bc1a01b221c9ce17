/* Accuracy per layer in the window: which of the three errors is shown, and the job that measures
 * them. The work is in app-layer-errors.c. */
#include "app-window-private.h"

#include "app-config.h"
#include "app-distribution.h"
#include "app-layer-errors.h"

#include <glib/gi18n.h>

static const char *const kinds[] = { "sensitivity", "local", "accumulated" };

static void
on_measured (const GError *error, gpointer data)
{
  g_autoptr (AppWindow) self = data;

  if (self->session == NULL)
    return; /* the window went meanwhile */
  self->evaluating = FALSE;
  app_window_set_own_job (self, NULL);
  if (error == NULL)
    app_window_toast (self, _ ("Accuracy per layer is measured: kept with this recipe."));
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    app_window_toast (self, _ ("Stopped. Measuring again goes on from here."));
  else
    app_window_show_failure (self, error, _ ("Measuring accuracy per layer"));
}

static void
on_measure (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  EngBuild *build = eng_session_get_build (self->session);
  g_autoptr (EngJob) job = NULL;

  if (!app_window_can_measure_layers (self))
    return;
  job = eng_job_new (_ ("Measuring accuracy per layer"));
  self->evaluating = TRUE; /* timings of a run beside it would be wrong */
  app_window_set_own_job (self, job);
  app_layer_errors_measure (app_stage_get_layer_errors (self->stage), build, job, on_measured,
                            g_object_ref (self));
}

static void
on_shown (GSimpleAction *action, GVariant *state, gpointer data)
{
  AppWindow *self = data;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kinds[i], g_variant_get_string (state, NULL)))
      app_layer_errors_set_shown (app_stage_get_layer_errors (self->stage), (AppLayerErrorKind)i);
  g_simple_action_set_state (action, state);
}

static void
on_distribution (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;

  if (app_window_can_show_distribution (self))
    app_distribution_present (GTK_WINDOW (self), eng_session_get_build (self->session),
                              app_selection_get_layer (self->selection),
                              app_stage_get_layer_errors (self->stage));
}

static const GActionEntry actions[] = {
  { .name = "distribution", .activate = on_distribution },
  { .name = "measure-layers", .activate = on_measure },
  { .name = "layer-errors",
    .parameter_type = "s",
    .state = "'sensitivity'",
    .change_state = on_shown },
};

void
app_window_init_layers (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  g_signal_connect_object (app_stage_get_layer_errors (self->stage), "changed",
                           G_CALLBACK (app_window_update_actions), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "notify::layer", G_CALLBACK (app_window_update_actions),
                           self, G_CONNECT_SWAPPED);
}

gboolean
app_window_can_show_distribution (AppWindow *self)
{
  return eng_session_get_build (self->session) != NULL && !eng_session_get_running (self->session)
         && app_selection_get_layer (self->selection) != APP_LAYER_NONE;
}

gboolean
app_window_can_measure_layers (AppWindow *self)
{
  AppLayerErrors *errors = app_stage_get_layer_errors (self->stage);
  EngLayerErrors *known = app_layer_errors_get (errors);

  return eng_session_get_model (self->session) != NULL
         && eng_session_get_build (self->session) != NULL && self->own_job == NULL
         && !eng_session_get_running (self->session) && !app_stage_is_reopened (self->stage)
         && app_layer_errors_get_why_not (errors) == NULL
         && !app_layer_errors_get_measuring (errors)
         && (known == NULL || !eng_layer_errors_is_complete (known));
}
