/* Puts the input pane and the output pane together: choosing an input runs the network on it once,
 * runs show their results live, and a result of another recipe than the one set is marked so. What
 * is measured goes through the session; this only looks. */
#include "app-network-view.h"

#include "app-config.h"
#include "app-input-text.h"
#include "app-input-view.h"
#include "app-try.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#define LIVE_HZ 12

struct _AppNetworkView
{
  GtkWidget parent_instance;

  GtkWidget *panes; /* GtkBox */
  AppInputView *input_view;
  AppOutputView *output_view;

  AppStage *stage;
  AppInputs *inputs;
  EngRecipe *recipe;    /* that the result shown is of; NULL: there is none */
  EngInput *seen;       /* the input that was last tried or waits to be */
  EngRun *shown;        /* whose result was shown */
  GCancellable *trying; /* NULL: nothing is being tried */
  gboolean wants_try;   /* as soon as there is a build and no run */
  EngResult *live;      /* the newest of a run, to be shown when live_id fires */
  guint live_id;
  gint64 live_us; /* when the last one was shown */
  gboolean compact, enlarged;
};

enum
{
  PROP_0,
  PROP_COMPACT,
  PROP_ENLARGED,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppNetworkView, app_network_view, GTK_TYPE_WIDGET)

static EngSession *
get_session (AppNetworkView *self)
{
  return app_stage_get_session (self->stage);
}

static EngModel *
get_network (AppNetworkView *self)
{
  EngModel *model = eng_session_get_model (get_session (self));

  return model != NULL && eng_model_get_kind (model) == ENG_MODEL_NETWORK ? model : NULL;
}

/* ---- The result ---- */

static void
update_stale (AppNetworkView *self)
{
  app_output_view_set_stale (self->output_view,
                             self->recipe != NULL && !eng_session_get_running (get_session (self))
                                 && !eng_recipe_equal (self->recipe, eng_session_get_recipe (
                                                                         get_session (self))));
}

static void
drop_live (AppNetworkView *self)
{
  g_clear_handle_id (&self->live_id, g_source_remove);
  g_clear_pointer (&self->live, eng_result_unref);
}

static void
show_result (AppNetworkView *self, EngResult *result, EngRecipe *recipe, const char *words)
{
  if (recipe != NULL)
    eng_recipe_ref (recipe);
  g_clear_pointer (&self->recipe, eng_recipe_unref);
  self->recipe = recipe;
  drop_live (self);
  /* Beside a result stands what it is about: in continuous mode that is not the chosen input. */
  app_input_view_set_running (self->input_view,
                              result != NULL ? eng_result_get_input (result) : NULL);
  app_output_view_show (self->output_view, result, words);
  update_stale (self);
}

/* Why there is no result, and what to do. */
static void
show_nothing (AppNetworkView *self)
{
  EngModel *model = get_network (self);
  const char *words = "";

  if (model != NULL && eng_model_get_report (model)[0] != NULL)
    words = _ ("This network has operators that are not supported: it can be looked at, not run.");
  else if (app_inputs_is_random (self->inputs))
    words = _ ("Choose an input to see what the network makes of it.");
  show_result (self, NULL, NULL, words);
}

/* ---- Trying ---- */

static void
stop_trying (AppNetworkView *self)
{
  if (self->trying != NULL)
    g_cancellable_cancel (self->trying);
  g_clear_object (&self->trying);
  app_output_view_set_busy (self->output_view, FALSE);
}

typedef struct
{
  AppNetworkView *view;
  GCancellable *cancellable;
  EngRecipe *recipe;
} Trial;

static void
on_tried (GObject *source, GAsyncResult *async, gpointer data)
{
  Trial *trial = data;
  AppNetworkView *self = trial->view;
  g_autoptr (GError) error = NULL;
  g_autoptr (EngResult) result = app_try_finish (async, &error);

  if (self->trying == trial->cancellable)
    {
      stop_trying (self);
      if (result != NULL)
        show_result (self, result, trial->recipe, NULL);
      else
        show_result (self, NULL, NULL, error->message);
    }
  g_object_unref (trial->view);
  g_object_unref (trial->cancellable);
  eng_recipe_unref (trial->recipe);
  g_free (trial);
}

static void
try_input (AppNetworkView *self)
{
  EngBuild *build = eng_session_get_build (get_session (self));
  EngInput *input = app_inputs_get_input (self->inputs);
  Trial *trial;

  if (!self->wants_try || build == NULL || input == NULL
      || eng_session_get_running (get_session (self)))
    return;
  stop_trying (self);
  self->wants_try = FALSE;
  self->trying = g_cancellable_new ();
  app_output_view_set_busy (self->output_view, TRUE);
  trial = g_new0 (Trial, 1);
  trial->view = g_object_ref (self);
  trial->cancellable = g_object_ref (self->trying);
  trial->recipe = eng_recipe_ref (eng_build_get_recipe (build));
  app_try_async (build, input, self->trying, on_tried, trial);
}

static void
on_inputs (AppNetworkView *self)
{
  EngInput *input = app_inputs_get_input (self->inputs);

  if (input == self->seen)
    return;
  g_clear_pointer (&self->seen, eng_input_unref);
  self->seen = input != NULL ? eng_input_ref (input) : NULL;
  stop_trying (self);
  self->wants_try = !app_inputs_is_random (self->inputs) && get_network (self) != NULL
                    && eng_model_get_report (get_network (self))[0] == NULL;
  if (!self->wants_try)
    show_nothing (self);
  else if (eng_session_get_running (get_session (self)))
    return; /* its results go on; this one's turn comes when it ends */
  else
    show_result (self, NULL, NULL, "");
  try_input (self);
}

static void
on_update (AppNetworkView *self)
{
  self->wants_try = TRUE;
  try_input (self);
}

/* ---- Following the session ---- */

static void
on_model (AppNetworkView *self)
{
  EngModel *model = get_network (self);

  stop_trying (self);
  drop_live (self);
  self->wants_try = FALSE;
  g_clear_object (&self->shown);
  g_clear_pointer (&self->seen, eng_input_unref);
  app_input_view_set_model (self->input_view, model);
  app_inputs_set_model (self->inputs, model);
}

static gboolean
show_live (gpointer data)
{
  AppNetworkView *self = data;
  EngBuild *build = eng_session_get_build (get_session (self));
  g_autoptr (EngResult) result = g_steal_pointer (&self->live);

  self->live_id = 0;
  self->live_us = g_get_monotonic_time ();
  if (result != NULL)
    show_result (self, result,
                 build != NULL ? eng_build_get_recipe (build)
                               : eng_session_get_recipe (get_session (self)),
                 NULL);
  return G_SOURCE_REMOVE;
}

/* The newest, as often as the eye asks for: drawing takes time from what is measured. */
static void
on_result (AppNetworkView *self, EngResult *result)
{
  gint64 wait_us = self->live_us + G_USEC_PER_SEC / LIVE_HZ - g_get_monotonic_time ();

  if (!eng_session_get_running (get_session (self)))
    return;
  eng_result_ref (result);
  g_clear_pointer (&self->live, eng_result_unref);
  self->live = result;
  if (self->live_id != 0)
    return;
  if (wait_us > 0)
    self->live_id = g_timeout_add ((guint)(wait_us / 1000) + 1, show_live, self);
  else
    show_live (self);
}

/* Whether a run was fed what is chosen now. */
static gboolean
is_of_chosen_input (AppNetworkView *self, EngRun *run)
{
  const char *path = app_inputs_get_path (self->inputs);
  const EngWorkload *workload = eng_run_get_workload (run);

  if (workload->inputs == NULL || workload->inputs[0] == NULL)
    return path == NULL;
  return path != NULL && g_strv_contains ((const char *const *)workload->inputs, path);
}

/* A run that ended, was reopened or came back by undo brings its result. */
static void
on_changed (AppNetworkView *self)
{
  EngRun *run = app_stage_get_run (self->stage);

  if (get_network (self) == NULL)
    return;
  if (app_stage_get_running (self->stage))
    stop_trying (self);
  if (run != NULL && run != self->shown)
    {
      g_set_object (&self->shown, run);
      if (eng_run_get_result (run) != NULL && !self->wants_try && is_of_chosen_input (self, run))
        show_result (self, eng_run_get_result (run), eng_run_get_recipe (run), NULL);
    }
  update_stale (self);
  try_input (self);
}

/* ---- Dropping ---- */

gboolean
app_network_view_take_files (AppNetworkView *self, GSList *files)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  g_return_val_if_fail (APP_IS_NETWORK_VIEW (self), FALSE);

  if (get_network (self) == NULL)
    return FALSE;
  for (GSList *l = files; l != NULL; l = l->next)
    {
      g_autofree char *path = g_file_get_path (l->data);

      if (path == NULL || app_input_is_model_name (path))
        return FALSE;
      g_ptr_array_add (paths, g_steal_pointer (&path));
    }
  if (paths->len == 0)
    return FALSE;
  g_ptr_array_add (paths, NULL);
  app_inputs_choose (self->inputs, (const char *const *)paths->pdata);
  return TRUE;
}

/* ---- Life ---- */

static void
app_network_view_dispose (GObject *object)
{
  AppNetworkView *self = APP_NETWORK_VIEW (object);

  if (self->trying != NULL)
    g_cancellable_cancel (self->trying);
  g_clear_object (&self->trying);
  drop_live (self);
  g_clear_pointer (&self->panes, gtk_widget_unparent);
  g_clear_object (&self->stage);
  g_clear_object (&self->inputs);
  g_clear_pointer (&self->recipe, eng_recipe_unref);
  g_clear_object (&self->shown);
  g_clear_pointer (&self->seen, eng_input_unref);
  G_OBJECT_CLASS (app_network_view_parent_class)->dispose (object);
}

static void
app_network_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COMPACT)
    g_value_set_boolean (value, APP_NETWORK_VIEW (object)->compact);
  else if (id == PROP_ENLARGED)
    g_value_set_boolean (value, APP_NETWORK_VIEW (object)->enlarged);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

/* The larger page is for looking at the result; the input keeps what it needs. */
static void
update_panes (AppNetworkView *self)
{
  gboolean narrow_input = self->enlarged && !self->compact;

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->panes), self->compact
                                                                    ? GTK_ORIENTATION_VERTICAL
                                                                    : GTK_ORIENTATION_HORIZONTAL);
  gtk_box_set_homogeneous (GTK_BOX (self->panes), !narrow_input);
  gtk_widget_set_hexpand (GTK_WIDGET (self->input_view), !narrow_input);
  gtk_widget_set_size_request (GTK_WIDGET (self->input_view), narrow_input ? 200 : -1, -1);
}

static void
set_enlarged (AppNetworkView *self, gboolean enlarged)
{
  if (self->enlarged == enlarged)
    return;
  self->enlarged = enlarged;
  update_panes (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ENLARGED]);
}

static void
app_network_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COMPACT)
    app_network_view_set_compact (APP_NETWORK_VIEW (object), g_value_get_boolean (value));
  else if (id == PROP_ENLARGED)
    set_enlarged (APP_NETWORK_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_network_view_class_init (AppNetworkViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_network_view_dispose;
  object_class->get_property = app_network_view_get_property;
  object_class->set_property = app_network_view_set_property;
  props[PROP_COMPACT]
      = g_param_spec_boolean ("compact", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  props[PROP_ENLARGED]
      = g_param_spec_boolean ("enlarged", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "network-view");
}

static void
app_network_view_init (AppNetworkView *self)
{
  self->inputs = app_inputs_new ();
  self->input_view = g_object_new (APP_TYPE_INPUT_VIEW, "hexpand", TRUE, "vexpand", TRUE, NULL);
  self->output_view = g_object_new (APP_TYPE_OUTPUT_VIEW, "hexpand", TRUE, "vexpand", TRUE, NULL);
  self->panes = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  gtk_widget_add_css_class (self->panes, "prompt-panes");
  gtk_box_set_homogeneous (GTK_BOX (self->panes), TRUE);
  gtk_box_append (GTK_BOX (self->panes), GTK_WIDGET (self->input_view));
  gtk_box_append (GTK_BOX (self->panes), GTK_WIDGET (self->output_view));
  gtk_widget_set_parent (self->panes, GTK_WIDGET (self));
  app_input_view_set_inputs (self->input_view, self->inputs);
  g_signal_connect_object (self->output_view, "update", G_CALLBACK (on_update), self,
                           G_CONNECT_SWAPPED);
  g_object_bind_property (self, "enlarged", app_output_view_get_enlarge (self->output_view),
                          "active", G_BINDING_BIDIRECTIONAL | G_BINDING_SYNC_CREATE);
  g_signal_connect_object (self->inputs, "changed", G_CALLBACK (on_inputs), self,
                           G_CONNECT_SWAPPED);
}

void
app_network_view_set_stage (AppNetworkView *self, AppStage *stage)
{
  EngSession *session;

  g_return_if_fail (APP_IS_NETWORK_VIEW (self) && APP_IS_STAGE (stage) && self->stage == NULL);

  self->stage = g_object_ref (stage);
  session = app_stage_get_session (stage);
  g_signal_connect_object (session, "notify::model", G_CALLBACK (on_model), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "result", G_CALLBACK (on_result), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (stage, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  on_model (self);
}

void
app_network_view_set_compact (AppNetworkView *self, gboolean compact)
{
  g_return_if_fail (APP_IS_NETWORK_VIEW (self));

  if (self->compact == !!compact)
    return;
  self->compact = !!compact;
  update_panes (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_COMPACT]);
}

gboolean
app_network_view_get_enlarged (AppNetworkView *self)
{
  g_return_val_if_fail (APP_IS_NETWORK_VIEW (self), FALSE);
  return self->enlarged;
}

void
app_network_view_set_can_enlarge (AppNetworkView *self, gboolean can)
{
  g_return_if_fail (APP_IS_NETWORK_VIEW (self));
  gtk_widget_set_visible (GTK_WIDGET (app_output_view_get_enlarge (self->output_view)), can);
}

EngWorkload *
app_network_view_dup_workload (AppNetworkView *self, gboolean all)
{
  g_return_val_if_fail (APP_IS_NETWORK_VIEW (self), NULL);
  return app_inputs_dup_workload (self->inputs, all);
}

AppInputs *
app_network_view_get_inputs (AppNetworkView *self)
{
  g_return_val_if_fail (APP_IS_NETWORK_VIEW (self), NULL);
  return self->inputs;
}

AppOutputView *
app_network_view_get_output (AppNetworkView *self)
{
  g_return_val_if_fail (APP_IS_NETWORK_VIEW (self), NULL);
  return self->output_view;
}
