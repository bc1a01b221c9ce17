/* What can be done with a run of the history: show it again, pin it, compare two, delete with undo.
 * Called by the history view through actions that take run ids. */
#include "app-window-private.h"

#include "app-config.h"

#include <glib/gi18n.h>

/* The run called @id, new reference; NULL after having said why. */
static EngRun *
load_run (AppWindow *self, const char *id)
{
  g_autoptr (GError) error = NULL;
  EngRun *run = self->history != NULL ? eng_history_get (self->history, id, &error) : NULL;

  if (run == NULL && error != NULL)
    app_window_toast (self, error->message);
  return run;
}

/* A run can be shown only on the layers of its own model. */
static gboolean
is_of_this_model (AppWindow *self, EngRun *run)
{
  EngModel *model = eng_session_get_model (self->session);
  gboolean same = model != NULL
                  && eng_profile_get_n_layers (eng_run_get_profile (run))
                         == (int)eng_model_get_n_layers (model);
  g_autofree char *text = NULL;

  if (same && self->model_hash != NULL)
    same = g_str_equal (self->model_hash, eng_run_get_model_hash (run));
  if (same)
    return TRUE;
  text = g_strdup_printf (_ ("This run is of “%s”, which is not open here. Open that model first."),
                          eng_run_get_model_name (run));
  app_window_toast (self, text);
  return FALSE;
}

static void
on_show_run (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  g_autoptr (EngRun) run = load_run (self, g_variant_get_string (parameter, NULL));

  if (run == NULL || !is_of_this_model (self, run))
    return;
  if (!eng_recipe_equal (eng_run_get_recipe (run), eng_session_get_recipe (self->session)))
    eng_session_set_recipe (self->session, eng_run_get_recipe (run));
  app_stage_show_run (self->stage, run);
  adw_view_stack_set_visible_child_name (self->views, "lanes");
}

static void
on_pin_run (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  g_autoptr (EngRun) run = load_run (self, g_variant_get_string (parameter, NULL));
  g_autofree char *recipe = NULL;
  g_autofree char *text = NULL;

  if (run == NULL || !is_of_this_model (self, run))
    return;
  recipe = eng_run_dup_recipe_text (run);
  text = g_strdup_printf (_ ("Baseline: %s"), recipe);
  eng_session_set_baseline (self->session, run);
  app_window_toast (self, text);
}

static void
on_compare_runs (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  g_autofree const char **ids = g_variant_get_strv (parameter, NULL);
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; ids[i] != NULL; i++)
    {
      EngRun *run = load_run (self, ids[i]);

      if (run == NULL)
        return;
      g_ptr_array_add (runs, run);
    }
  app_compare_view_set_runs (APP_COMPARE_VIEW (app_window_get_view (self, "compare")),
                             (EngRun *const *)runs->pdata, runs->len);
  adw_view_stack_set_visible_child_name (self->views, "compare");
}

static void
on_delete_runs (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  g_autofree const char **ids = g_variant_get_strv (parameter, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *title = NULL;
  AdwToast *toast;
  guint n = 0;

  for (; ids[n] != NULL; n++)
    if (!eng_history_delete (self->history, ids[n], &error))
      {
        app_window_toast (self, error->message);
        return;
      }
  title = g_strdup_printf (ngettext ("%u run deleted", "%u runs deleted", n), n);
  toast = adw_toast_new (title);
  adw_toast_set_button_label (toast, _ ("_Undo"));
  adw_toast_set_action_name (toast, "win.restore-runs");
  adw_toast_set_action_target_value (toast, parameter);
  adw_toast_set_timeout (toast, 10);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

static void
on_restore_runs (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  g_autofree const char **ids = g_variant_get_strv (parameter, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; ids[i] != NULL; i++)
    if (!eng_history_restore (self->history, ids[i], &error))
      {
        app_window_toast (self, error->message);
        return;
      }
}

static const GActionEntry actions[] = {
  { .name = "show-run", .parameter_type = "s", .activate = on_show_run },
  { .name = "pin-run", .parameter_type = "s", .activate = on_pin_run },
  { .name = "compare-runs", .parameter_type = "as", .activate = on_compare_runs },
  { .name = "delete-runs", .parameter_type = "as", .activate = on_delete_runs },
  { .name = "restore-runs", .parameter_type = "as", .activate = on_restore_runs },
};

void
app_window_init_runs (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}
