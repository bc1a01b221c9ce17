/* What can be done in a window, as actions: buttons, menus, keys and tests all call these. Those on
 * files are in app-window-open.c and -export.c, those on runs of the history in app-window-runs.c.
 */
#include "app-window-private.h"

#include "app-config.h"
#include "app-report-dialog.h"

#include <glib/gi18n.h>

void
app_window_set_action_enabled (AppWindow *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), name);

  g_return_if_fail (G_IS_SIMPLE_ACTION (action));
  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

/* ---- Running ---- */

EngWorkload *
app_window_dup_workload (AppWindow *self)
{
  gboolean network = app_stage_get_kind (self->stage) == ENG_MODEL_NETWORK;
  gboolean all = app_run_mode_get_continuous (self->run_mode);
  g_autoptr (EngWorkload) workload = network ? app_network_view_dup_workload (self->network, all)
                                             : app_prompt_view_dup_workload (self->prompt);

  if (!network && *workload->prompt == '\0')
    return NULL;
  if (network)
    app_run_mode_apply (self->run_mode, workload);
  app_devices_pane_apply_precision (self->devices_pane, workload);
  return g_steal_pointer (&workload);
}

static void
on_run (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  g_autoptr (EngWorkload) workload = app_window_dup_workload (self);
  EngDevice *device = eng_session_get_device (self->session);

  if (workload == NULL)
    {
      app_window_toast (self,
                        _ ("The prompt is empty. Write a few words for the model to go on from."));
      app_prompt_view_focus (self->prompt);
      return;
    }
  app_stage_show_run (self->stage, NULL);
  if (device != NULL)
    app_window_run_on_device (self, device, workload);
  else
    eng_session_start_run (self->session, workload);
}

static void
on_stop (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  eng_session_stop_run (APP_WINDOW (data)->session);
}

static void
on_cancel_job (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  EngJob *job = eng_session_get_job (self->session);

  if (job == NULL)
    job = self->own_job;
  if (job != NULL)
    eng_job_cancel (job);
}

static void
on_measure_roofs (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  app_devices_pane_measure (APP_WINDOW (data)->devices_pane);
}

/* ---- Recipe ---- */

static void
on_undo (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  eng_session_undo (APP_WINDOW (data)->session);
}

static void
on_redo (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  eng_session_redo (APP_WINDOW (data)->session);
}

static void
on_reset_recipe (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();

  eng_session_set_recipe (APP_WINDOW (data)->session, recipe);
}

static void
apply_recipe_json (AppWindow *self, const char *json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) recipe = eng_recipe_from_json (json, &error);

  if (recipe != NULL)
    eng_session_set_recipe (self->session, recipe);
  else
    app_window_toast (self, error->message);
}

static void
on_apply_recipe (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  apply_recipe_json (data, g_variant_get_string (parameter, NULL));
}

static void
on_copy_recipe (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  g_autofree char *json = eng_recipe_to_json (eng_session_get_recipe (self->session));

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), json);
  app_window_toast (self, _ ("The recipe was copied as JSON."));
}

static void
on_pasted (GObject *clipboard, GAsyncResult *result, gpointer data)
{
  g_autoptr (AppWindow) self = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text
      = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (clipboard), result, &error);
  g_autoptr (EngRecipe) recipe = NULL;

  if (self->session == NULL)
    return;
  if (text != NULL)
    recipe = eng_recipe_from_json (text, &error);
  if (recipe != NULL)
    eng_session_set_recipe (self->session, recipe);
  else
    app_window_toast (self, error != NULL ? error->message : _ ("The clipboard holds no recipe."));
}

static void
on_paste_recipe (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;

  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (GTK_WIDGET (self)), self->cancellable,
                                 on_pasted, g_object_ref (self));
}

/* ---- Views ---- */

static void
on_phase (GSimpleAction *action, GVariant *value, gpointer data)
{
  const char *name = g_variant_get_string (value, NULL);

  if (!g_str_equal (name, "decode") && !g_str_equal (name, "prefill"))
    return;
  g_simple_action_set_state (action, value);
  app_window_update_phase (data);
}

/* A network has one phase; a language model shows the one that was chosen last. */
void
app_window_update_phase (AppWindow *self)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), "phase");
  g_autoptr (GVariant) state = g_action_get_state (action);
  gboolean network = app_stage_get_kind (self->stage) == ENG_MODEL_NETWORK;
  gboolean prefill = g_str_equal (g_variant_get_string (state, NULL), "prefill");

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), !network);
  app_selection_set_phase (self->selection, network   ? RT_PHASE_INFERENCE
                                            : prefill ? RT_PHASE_PREFILL
                                                      : RT_PHASE_DECODE);
}

static void
on_reset_lanes (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  app_lanes_view_reset (APP_WINDOW (data)->lanes);
}

static void
on_select_layer (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  EngModel *model = eng_session_get_model (self->session);
  int layer = g_variant_get_int32 (parameter);

  if (model != NULL && layer >= -1 && layer <= (int)eng_model_get_n_layers (model))
    app_selection_set_layer (self->selection, layer);
}

static void
on_show_report (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  EngModel *model = eng_session_get_model (self->session);

  if (model != NULL && eng_model_get_report (model)[0] != NULL)
    app_report_dialog_present (GTK_WINDOW (self), model);
}

static void
on_toast (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  app_window_toast (data, g_variant_get_string (parameter, NULL));
}

/* ---- Baseline ---- */

static void
on_pin_baseline (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  EngRun *run = app_stage_get_run (self->stage);
  g_autofree char *recipe = NULL;
  g_autofree char *text = NULL;

  if (run == NULL)
    return;
  recipe = eng_run_dup_recipe_text (run);
  text = g_strdup_printf (_ ("Baseline: %s"), recipe);
  eng_session_set_baseline (self->session, run);
  app_window_toast (self, text);
}

static void
on_unpin_baseline (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  eng_session_set_baseline (APP_WINDOW (data)->session, NULL);
}

/* ---- The table ---- */

static const GActionEntry actions[] = {
  { .name = "run", .activate = on_run },
  { .name = "stop", .activate = on_stop },
  { .name = "cancel-job", .activate = on_cancel_job },
  { .name = "measure-roofs", .activate = on_measure_roofs },
  { .name = "undo", .activate = on_undo },
  { .name = "redo", .activate = on_redo },
  { .name = "reset-recipe", .activate = on_reset_recipe },
  { .name = "apply-recipe", .parameter_type = "s", .activate = on_apply_recipe },
  { .name = "copy-recipe", .activate = on_copy_recipe },
  { .name = "paste-recipe", .activate = on_paste_recipe },
  { .name = "phase", .parameter_type = "s", .state = "'decode'", .change_state = on_phase },
  { .name = "reset-lanes", .activate = on_reset_lanes },
  { .name = "select-layer", .parameter_type = "i", .activate = on_select_layer },
  { .name = "show-report", .activate = on_show_report },
  { .name = "toast", .parameter_type = "s", .activate = on_toast },
  { .name = "pin-baseline", .activate = on_pin_baseline },
  { .name = "unpin-baseline", .activate = on_unpin_baseline },
};

static void
add_property_action (AppWindow *self, const char *name, gpointer object, const char *property)
{
  g_autoptr (GPropertyAction) action = g_property_action_new (name, object, property);

  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (action));
}

/* Undo and redo are keys of the window, not of the application: an application's come first, and
 * would take them from the prompt's own undo. */
static void
add_undo_keys (AppWindow *self)
{
  GtkEventController *controller = gtk_shortcut_controller_new ();
  const struct
  {
    const char *trigger, *action;
  } keys[] = { { "<Control>z", "win.undo" },
               { "<Control><Shift>z", "win.redo" },
               { "<Control>y", "win.redo" } };

  gtk_event_controller_set_propagation_phase (controller, GTK_PHASE_BUBBLE);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_shortcut_controller_add_shortcut (GTK_SHORTCUT_CONTROLLER (controller),
                                          gtk_shortcut_new (gtk_shortcut_trigger_parse_string (
                                                                keys[i].trigger),
                                                            gtk_named_action_new (keys[i].action)));
  gtk_widget_add_controller (GTK_WIDGET (self), controller);
}

void
app_window_init_actions (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  add_property_action (self, "show-recipe", self->recipe_flap, "reveal-flap");
  add_property_action (self, "show-devices", self->devices_flap, "reveal-flap");
  add_property_action (self, "show-table", self->lanes, "show-table");
  add_property_action (self, "view", self->views, "visible-child-name");
  add_undo_keys (self);
}

static void
set_tip (GtkWidget *button, const char *tip)
{
  gtk_widget_set_tooltip_text (button, tip);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, tip, -1);
}

static void
update_undo (AppWindow *self)
{
  g_autofree char *undo = eng_session_dup_undo_label (self->session);
  g_autofree char *redo = eng_session_dup_redo_label (self->session);
  g_autofree char *undo_tip
      = undo != NULL ? g_strdup_printf (_ ("Undo: %s"), undo) : g_strdup (_ ("Undo"));
  g_autofree char *redo_tip
      = redo != NULL ? g_strdup_printf (_ ("Redo: %s"), redo) : g_strdup (_ ("Redo"));

  app_window_set_action_enabled (self, "undo", undo != NULL);
  app_window_set_action_enabled (self, "redo", redo != NULL);
  set_tip (self->undo_button, undo_tip);
  set_tip (self->redo_button, redo_tip);
}

/* A language model needs its tokenizer, a network a lowering for everything in it. */
static gboolean
can_run (EngModel *model)
{
  if (eng_model_get_kind (model) == ENG_MODEL_NETWORK)
    return eng_model_get_report (model)[0] == NULL;
  return eng_model_get_tokenizer (model) != NULL;
}

void
app_window_update_actions (AppWindow *self)
{
  EngModel *model = eng_session_get_model (self->session);
  EngRun *run = app_stage_get_run (self->stage);
  EngRun *baseline = eng_session_get_baseline (self->session);
  gboolean running = eng_session_get_running (self->session);
  gboolean idle = model != NULL && !running;

  app_window_set_action_enabled (self, "run",
                                 idle && !self->evaluating && !self->calibrating
                                     && can_run (model));
  app_window_update_devices (self);
  app_window_update_evaluate (self);
  app_window_set_action_enabled (self, "distribution", app_window_can_show_distribution (self));
  app_window_set_action_enabled (self, "measure-layers", app_window_can_measure_layers (self));
  app_window_set_action_enabled (self, "stop", running);
  app_window_set_action_enabled (self, "reset-recipe", model != NULL);
  app_window_set_action_enabled (self, "paste-recipe", model != NULL);
  app_window_set_action_enabled (self, "apply-recipe", model != NULL);
  app_window_set_action_enabled (self, "open-recipe", model != NULL);
  app_window_set_action_enabled (self, "pin-baseline", idle && run != NULL && run != baseline);
  app_window_set_action_enabled (self, "unpin-baseline", baseline != NULL);
  app_window_set_action_enabled (self, "measure-roofs",
                                 !running && !app_devices_pane_get_measuring (self->devices_pane));
  app_window_set_action_enabled (self, "show-run", !running);
  app_window_set_action_enabled (self, "export-plot", model != NULL);
  app_window_set_action_enabled (self, "export-report", run != NULL);
  app_window_set_action_enabled (self, "export-run-csv", run != NULL);
  app_window_set_action_enabled (self, "export-trace",
                                 run != NULL && eng_run_get_timeline (run) != NULL);
  app_window_set_action_enabled (self, "export-run-json", run != NULL);
  app_window_set_action_enabled (self, "export-history", self->history != NULL);
  app_window_set_action_enabled (self, "save-build",
                                 idle && eng_session_get_build (self->session) != NULL
                                     && self->own_job == NULL);
  app_window_set_action_enabled (self, "export-c-project",
                                 idle && eng_session_get_build (self->session) != NULL
                                     && self->own_job == NULL);
  update_undo (self);
}
