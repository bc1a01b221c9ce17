/* The window: puts the panes and views together, moves them about as the width changes, and follows
 * the session. What its actions do is in app-window-actions.c and its neighbours. */
#include "app-window-private.h"

#include "app-adviser.h"
#include "app-config.h"
#include "app-settings.h"
#include "app-view-button.h"

#include <glib/gi18n.h>
#include <time.h>

G_DEFINE_FINAL_TYPE (AppWindow, app_window, ADW_TYPE_APPLICATION_WINDOW)

/* ---- Views ---- */

AppView *
app_window_get_view (AppWindow *self, const char *id)
{
  GtkWidget *child = adw_view_stack_get_child_by_name (self->views, id);

  if (child == GTK_WIDGET (self->lanes_paned))
    return APP_VIEW (self->lanes);
  g_return_val_if_fail (APP_IS_VIEW (child), NULL);
  return APP_VIEW (child);
}

/* The lanes and all that stand in the table. */
static void
for_each_view (AppWindow *self, void (*function) (AppWindow *self, AppView *view))
{
  guint n;
  const AppViewInfo *infos = app_views (&n);

  function (self, APP_VIEW (self->lanes));
  for (guint i = 0; i < n; i++)
    function (self, app_window_get_view (self, infos[i].id));
}

static void
set_width_class (AppWindow *self, AppView *view)
{
  app_view_set_width_class (view, app_breakpoint_get_width_class (self->breakpoint));
}

static void
set_context (AppWindow *self, AppView *view)
{
  app_view_set_context (view, &(AppViewContext){ .stage = self->stage,
                                                 .selection = self->selection,
                                                 .history = self->history });
}

/* Rows and columns in one view are rows and columns in all. */
static void
bind_table (AppWindow *self, AppView *view)
{
  if (GTK_WIDGET (view) != GTK_WIDGET (self->lanes)
      && g_object_class_find_property (G_OBJECT_GET_CLASS (view), "show-table") != NULL)
    g_object_bind_property (self->lanes, "show-table", view, "show-table", G_BINDING_BIDIRECTIONAL);
}

static void
add_views (AppWindow *self)
{
  guint n;
  const AppViewInfo *infos = app_views (&n);

  for (guint i = 0; i < n; i++)
    adw_view_stack_add_titled_with_icon (self->views, g_object_new (infos[i].get_type (), NULL),
                                         infos[i].id, _ (infos[i].title), infos[i].icon);
}

/* ---- Layout ---- */

/* The prompt, or a network's input and result, stands below the lanes where there is room (a
 * network's, where there is much, beside them), else on a page of its own. */
static void
place_prompt (AppWindow *self)
{
  gboolean compact = app_breakpoint_get_width_class (self->breakpoint) == APP_WIDTH_COMPACT;
  gboolean spacious = app_breakpoint_get_spacious (self->breakpoint);
  gboolean network = app_stage_get_kind (self->stage) == ENG_MODEL_NETWORK;
  gboolean beside = network && spacious;
  gboolean narrow = compact || (network && app_network_view_get_enlarged (self->network));
  AdwBin *to = narrow ? self->prompt_narrow : self->prompt_wide;
  AdwBin *from = narrow ? self->prompt_wide : self->prompt_narrow;
  GtkWidget *child = network ? GTK_WIDGET (self->network) : GTK_WIDGET (self->prompt);

  app_network_view_set_compact (self->network, compact || (beside && !narrow));
  app_network_view_set_can_enlarge (self->network, !compact);
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->lanes_paned),
                                  beside ? GTK_ORIENTATION_HORIZONTAL : GTK_ORIENTATION_VERTICAL);
  gtk_widget_set_size_request (GTK_WIDGET (self->prompt_wide), beside ? 400 : -1,
                               beside    ? -1
                               : network ? 250
                                         : 190);
  if (adw_bin_get_child (to) == child)
    return;
  adw_bin_set_child (from, NULL);
  adw_bin_set_child (to, child);
  adw_view_stack_page_set_title (self->text_page, network ? _ ("Input") : _ ("Text"));
  adw_view_stack_page_set_icon_name (self->text_page,
                                     network ? "image-x-generic-symbolic" : "lathe-text-symbolic");
  gtk_widget_set_visible (GTK_WIDGET (self->prompt_wide), !narrow);
  adw_view_stack_page_set_visible (self->text_page, narrow);
  if (!narrow && g_strcmp0 (adw_view_stack_get_visible_child_name (self->views), "text") == 0)
    adw_view_stack_set_visible_child_name (self->views, "lanes");
}

/* What the header holds: without a model only what opens one; in a narrow window what the menu does
 * not hold; the views are chosen here. */
static void
update_header (AppWindow *self)
{
  AppWidth width = app_breakpoint_get_width_class (self->breakpoint);
  gboolean session = g_strcmp0 (gtk_stack_get_visible_child_name (self->content), "session") == 0;

  gtk_stack_set_visible_child_name (self->title_stack, !session                  ? "title"
                                                       : width == APP_WIDTH_WIDE ? "switcher"
                                                                                 : "button");
  gtk_widget_set_visible (self->recipe_button, session);
  gtk_widget_set_visible (GTK_WIDGET (self->run_stack), session);
  gtk_widget_set_visible (self->undo_box, session && width != APP_WIDTH_COMPACT);
  gtk_widget_set_visible (self->devices_button, session && width != APP_WIDTH_COMPACT);
  gtk_widget_set_visible (self->open_button, width != APP_WIDTH_COMPACT);
  gtk_widget_set_visible (self->run_content, width != APP_WIDTH_COMPACT);
  gtk_widget_set_visible (self->target_button, width != APP_WIDTH_COMPACT);
}

static void
on_width_class (AppWindow *self)
{
  AppWidth width = app_breakpoint_get_width_class (self->breakpoint);
  gboolean compact = width == APP_WIDTH_COMPACT;

  adw_flap_set_fold_policy (self->recipe_flap,
                            compact ? ADW_FLAP_FOLD_POLICY_ALWAYS : ADW_FLAP_FOLD_POLICY_NEVER);
  adw_flap_set_fold_policy (self->devices_flap, width == APP_WIDTH_WIDE
                                                    ? ADW_FLAP_FOLD_POLICY_NEVER
                                                    : ADW_FLAP_FOLD_POLICY_ALWAYS);
  adw_flap_set_reveal_flap (self->recipe_flap,
                            !compact && app_settings_get_boolean ("show-recipe", TRUE));
  adw_flap_set_reveal_flap (self->devices_flap,
                            width == APP_WIDTH_WIDE
                                && app_settings_get_boolean ("show-devices", TRUE));

  app_headline_set_compact (self->headline, compact);
  app_headline_set_tall (self->headline, width != APP_WIDTH_WIDE);
  app_prompt_view_set_compact (self->prompt, compact);
  for_each_view (self, set_width_class);
  place_prompt (self);
  update_header (self);
  adw_header_bar_set_centering_policy (self->header, width == APP_WIDTH_MEDIUM
                                                         ? ADW_CENTERING_POLICY_STRICT
                                                         : ADW_CENTERING_POLICY_LOOSE);
  if (compact)
    gtk_widget_add_css_class (GTK_WIDGET (self), "compact");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "compact");
}

/* What the person chose is remembered for the wide window only: narrow ones hide the panes of
 * themselves. */
static void
on_flap_revealed (AppWindow *self)
{
  if (app_breakpoint_get_width_class (self->breakpoint) != APP_WIDTH_WIDE)
    return;
  app_settings_set_boolean ("show-recipe", adw_flap_get_reveal_flap (self->recipe_flap));
  app_settings_set_boolean ("show-devices", adw_flap_get_reveal_flap (self->devices_flap));
}

/* ---- Following the session ---- */

static void
update_title (AppWindow *self)
{
  EngModel *model = eng_session_get_model (self->session);
  const char *name = model != NULL ? eng_model_get_name (model) : "Lathe";
  g_autofree char *title
      = model != NULL ? g_strdup_printf ("%s – Lathe", name) : g_strdup ("Lathe");

  adw_window_title_set_title (self->title, name);
  gtk_window_set_title (GTK_WINDOW (self), title);
}

static void
update_content (AppWindow *self)
{
  const char *page = "empty";

  if (eng_session_get_model (self->session) != NULL)
    page = "session";
  else if (self->opening != NULL)
    page = "loading";
  gtk_stack_set_visible_child_name (self->content, page);
  update_header (self);
}

/* A network may be run continuously; the button says so, and looks so. */
void
app_window_update_run_button (AppWindow *self)
{
  gboolean network = app_stage_get_kind (self->stage) == ENG_MODEL_NETWORK;
  gboolean continuous = network && app_run_mode_get_continuous (self->run_mode);
  g_autofree char *words = network ? app_run_mode_dup_words (self->run_mode)
                                   : g_strdup (_ ("Run the model on the prompt and measure it"));

  gtk_widget_set_visible (self->run_mode_button, network);
  gtk_widget_set_tooltip_text (self->run_button,
                               self->calibrating ? _ (
                                   "A board is being calibrated: a run would be measured with it")
                                                 : words);
  gtk_image_set_from_icon_name (GTK_IMAGE (self->run_icon), continuous
                                                                ? "media-playlist-repeat-symbolic"
                                                                : "media-playback-start-symbolic");
}

static void
on_model (AppWindow *self)
{
  if (eng_session_get_model (self->session) != NULL)
    app_window_model_opened (self);
  app_selection_set_layer (self->selection, APP_LAYER_NONE);
  app_window_update_phase (self);
  place_prompt (self);
  app_window_update_run_button (self);
  update_title (self);
  update_content (self);
  app_window_update_actions (self);
}

static void
on_job (AppWindow *self)
{
  EngJob *job = eng_session_get_job (self->session);

  app_window_follow_push (self);
  /* A run has its Stop button. */
  app_headline_set_job (self->headline, job != NULL ? job : self->own_job,
                        job == NULL || !eng_session_get_running (self->session));
  if (job == NULL)
    app_devices_pane_refresh (self->devices_pane); /* the session measures roofs for its
                                                    * estimates */
}

void
app_window_set_own_job (AppWindow *self, EngJob *job)
{
  g_set_object (&self->own_job, job);
  eng_session_set_busy (self->session, job != NULL);
  on_job (self);
  app_window_update_actions (self);
}

static void
on_own_job_done (AppWindow *self, GParamSpec *pspec, EngJob *job)
{
  if (eng_job_get_done (job) && self->own_job == job)
    app_window_set_own_job (self, NULL);
}

static void
on_devices_job (AppWindow *self, EngJob *job)
{
  g_signal_connect_object (job, "notify::done", G_CALLBACK (on_own_job_done), self,
                           G_CONNECT_SWAPPED);
  app_window_set_own_job (self, job);
}

/* Processor time of this thread, which does all the drawing. */
static gint64
thread_cpu_us (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64)time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

/* NULL for a window that was closed. */
static AppApplication *
get_application (AppWindow *self)
{
  GtkApplication *application = gtk_window_get_application (GTK_WINDOW (self));

  return application != NULL ? APP_APPLICATION (application) : NULL;
}

static void
log_run (AppWindow *self)
{
  double seconds = (double)(g_get_monotonic_time () - self->run_start_us) * 1e-6;
  double cpu = (double)(thread_cpu_us () - self->run_cpu_us) * 1e-6;
  g_autofree char *text
      = g_strdup_printf ("a run of %.2f s ended, %u frames, %.1f %% of a processor for the window,",
                         seconds, self->n_frames, 100.0 * cpu / seconds);

  if (get_application (self) != NULL) /* a window that was closed meanwhile has none */
    app_application_log_time (get_application (self), text);
}

/* An animation paints sixty frames a second on the cores that are being measured: none while a
 * model runs. */
static void
set_calm (AppWindow *self, gboolean calm)
{
  GtkSettings *settings = gtk_widget_get_settings (GTK_WIDGET (self));

  if (calm)
    g_object_set (settings, "gtk-enable-animations", FALSE, NULL);
  else
    gtk_settings_reset_property (settings, "gtk-enable-animations");
}

static void
on_running (AppWindow *self)
{
  gboolean running = eng_session_get_running (self->session);

  set_calm (self, running);

  gtk_stack_set_visible_child_name (self->run_stack, running ? "stop" : "run");
  app_window_update_actions (self);
  if (!running)
    log_run (self);
  self->n_frames = 1;
  self->run_cpu_us = thread_cpu_us ();
  self->run_start_us = g_get_monotonic_time ();
}

static void
on_failed (AppWindow *self, const GError *error, const char *what)
{
  if (app_window_explain_push (self))
    return;
  if (app_graph_view_explains (APP_GRAPH_VIEW (app_window_get_view (self, "graph")), error))
    adw_view_stack_set_visible_child_name (self->views, "graph");
  else
    app_window_show_failure (self, error, what);
  update_content (self);
}

static void
on_run_finished (AppWindow *self, EngRun *run)
{
  app_window_update_actions (self);
}

static void
follow_session (AppWindow *self)
{
  struct
  {
    const char *signal;
    GCallback handler;
  } const links[] = {
    { "notify::model", G_CALLBACK (on_model) },
    { "notify::job", G_CALLBACK (on_job) },
    { "notify::running", G_CALLBACK (on_running) },
    { "notify::recipe", G_CALLBACK (app_window_update_actions) },
    { "notify::can-undo", G_CALLBACK (app_window_update_actions) },
    { "notify::can-redo", G_CALLBACK (app_window_update_actions) },
    { "notify::build", G_CALLBACK (app_window_update_actions) },
    { "notify::run", G_CALLBACK (app_window_update_actions) },
    { "notify::baseline", G_CALLBACK (app_window_update_actions) },
    { "failed", G_CALLBACK (on_failed) },
    { "run-finished", G_CALLBACK (on_run_finished) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (links); i++)
    g_signal_connect_object (self->session, links[i].signal, links[i].handler, self,
                             G_CONNECT_SWAPPED);
  g_signal_connect_object (self->stage, "changed", G_CALLBACK (app_window_update_actions), self,
                           G_CONNECT_SWAPPED);
}

/* ---- Life ---- */

static void
on_frame (AppWindow *self)
{
  if (self->n_frames++ == 0)
    app_application_log_time (get_application (self), "the first frame was painted");
}

static void
app_window_realize (GtkWidget *widget)
{
  AppWindow *self = APP_WINDOW (widget);

  GTK_WIDGET_CLASS (app_window_parent_class)->realize (widget);
  if (app_application_get_timing (get_application (self)))
    self->frame_id = g_signal_connect_swapped (gtk_widget_get_frame_clock (widget), "after-paint",
                                               G_CALLBACK (on_frame), self);
}

static void
app_window_unrealize (GtkWidget *widget)
{
  AppWindow *self = APP_WINDOW (widget);

  if (self->frame_id != 0)
    g_signal_handler_disconnect (gtk_widget_get_frame_clock (widget), self->frame_id);
  self->frame_id = 0;
  GTK_WIDGET_CLASS (app_window_parent_class)->unrealize (widget);
}

static gboolean
app_window_close_request (GtkWindow *window)
{
  AppWindow *self = APP_WINDOW (window);
  int width, height;

  gtk_window_get_default_size (window, &width, &height);
  app_settings_set_int ("window-width", width);
  app_settings_set_int ("window-height", height);
  app_settings_set_boolean ("window-maximized", gtk_window_is_maximized (window));
  if (eng_session_get_running (self->session))
    eng_session_stop_run (self->session);
  g_cancellable_cancel (self->cancellable);
  return GTK_WINDOW_CLASS (app_window_parent_class)->close_request (window);
}

static void
app_window_dispose (GObject *object)
{
  AppWindow *self = APP_WINDOW (object);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  app_window_dispose_devices (self);
  g_clear_object (&self->prompt);
  g_clear_object (&self->network);
  g_clear_object (&self->stage);
  g_clear_object (&self->selection);
  g_clear_object (&self->session);
  g_clear_object (&self->history);
  g_clear_object (&self->own_job);
  g_clear_pointer (&self->model_hash, g_free);
  g_clear_pointer (&self->evaluate_against, g_free);
  g_clear_pointer (&self->opening, g_free);
  G_OBJECT_CLASS (app_window_parent_class)->dispose (object);
}

static void
ensure_types (void)
{
  g_type_ensure (APP_TYPE_BREAKPOINT);
  g_type_ensure (APP_TYPE_VIEW_BUTTON);
  g_type_ensure (APP_TYPE_HEADLINE);
  g_type_ensure (APP_TYPE_RECIPE_PANE);
  g_type_ensure (APP_TYPE_RUN_MODE);
  g_type_ensure (APP_TYPE_TARGET_BUTTON);
  g_type_ensure (APP_TYPE_DEVICE_BAR);
  g_type_ensure (APP_TYPE_DEVICES_PANE);
  g_type_ensure (APP_TYPE_LANES_VIEW);
  g_type_ensure (APP_TYPE_PROMPT_VIEW);
}

static void
app_window_class_init (AppWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_window_dispose;
  widget_class->realize = app_window_realize;
  widget_class->unrealize = app_window_unrealize;
  GTK_WINDOW_CLASS (klass)->close_request = app_window_close_request;

  ensure_types ();
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-window.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppWindow, name)
  BIND (breakpoint);
  BIND (toasts);
  BIND (header);
  BIND (title_stack);
  BIND (title);
  BIND (open_button);
  BIND (undo_button);
  BIND (redo_button);
  BIND (undo_box);
  BIND (recipe_button);
  BIND (devices_button);
  BIND (run_stack);
  BIND (run_content);
  BIND (run_button);
  BIND (run_icon);
  BIND (run_mode_button);
  BIND (run_mode);
  BIND (target_button);
  BIND (device_bar);
  BIND (content);
  BIND (empty_page);
  BIND (headline);
  BIND (recipe_flap);
  BIND (devices_flap);
  BIND (recipe_pane);
  BIND (devices_pane);
  BIND (views);
  BIND (text_page);
  BIND (prompt_wide);
  BIND (prompt_narrow);
  BIND (lanes_paned);
  BIND (prompt);
  BIND (lanes);
  BIND (recent_menu);
#undef BIND
}

static void
app_window_init (AppWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  add_views (self);
  self->cancellable = g_cancellable_new ();
  self->selection = app_selection_new ();
  g_object_ref (self->prompt);
  self->network = g_object_ref_sink (g_object_new (APP_TYPE_NETWORK_VIEW, NULL));
  gtk_window_set_default_size (GTK_WINDOW (self), app_settings_get_int ("window-width", 1280),
                               app_settings_get_int ("window-height", 800));
  if (app_settings_get_boolean ("window-maximized", FALSE))
    gtk_window_maximize (GTK_WINDOW (self));
}

static gboolean
place_enlarged (gpointer data)
{
  g_autoptr (AppWindow) self = data;

  if (self->session == NULL)
    return G_SOURCE_REMOVE; /* closed meanwhile */
  place_prompt (self);
  if (app_network_view_get_enlarged (self->network))
    adw_view_stack_set_visible_child_name (self->views, "text");
  return G_SOURCE_REMOVE;
}

/* Later: a widget that moves while its own action is at work loses the action's state. */
static void
on_enlarged (AppWindow *self)
{
  g_idle_add (place_enlarged, g_object_ref (self));
}

static void
connect_layout (AppWindow *self)
{
  g_signal_connect_object (self->breakpoint, "notify::spacious", G_CALLBACK (place_prompt), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->network, "notify::enlarged", G_CALLBACK (on_enlarged), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->run_mode, "changed", G_CALLBACK (app_window_update_run_button),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->breakpoint, "notify::width-class", G_CALLBACK (on_width_class),
                           self, G_CONNECT_SWAPPED);
  on_width_class (self);
  g_signal_connect_object (self->recipe_flap, "notify::reveal-flap", G_CALLBACK (on_flap_revealed),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->devices_flap, "notify::reveal-flap", G_CALLBACK (on_flap_revealed),
                           self, G_CONNECT_SWAPPED);
  for_each_view (self, bind_table);
  g_signal_connect_object (self->devices_pane, "job", G_CALLBACK (on_devices_job), self,
                           G_CONNECT_SWAPPED);
}

AppWindow *
app_window_new (AppApplication *application)
{
  AppWindow *self;
  const char *history_error = NULL;

  g_return_val_if_fail (APP_IS_APPLICATION (application), NULL);

  self = g_object_new (APP_TYPE_WINDOW, "application", application, NULL);
  self->history = app_application_get_history (application, &history_error);
  if (self->history != NULL)
    g_object_ref (self->history);
  self->session = eng_session_new (self->history);
  eng_session_set_estimator (self->session, app_application_get_estimator (application));
  self->stage = app_stage_new (self->session, self->history);
  self->devices = g_object_ref (app_application_get_devices (application));
  app_adviser_get (self->stage, self->history);

  app_window_init_actions (self);
  app_window_init_devices (self);
  app_window_init_device_jobs (self);
  app_window_init_open (self);
  app_window_init_runs (self);
  app_window_init_export (self);
  app_window_init_mcu (self);
  app_window_init_evaluate (self);
  app_window_init_layers (self);
  connect_layout (self);

  app_headline_set_stage (self->headline, self->stage);
  app_recipe_pane_set_stage (self->recipe_pane, self->stage, self->selection);
  for_each_view (self, set_context);
  app_prompt_view_set_stage (self->prompt, self->stage);
  app_network_view_set_stage (self->network, self->stage);
  follow_session (self);

  update_title (self);
  update_content (self);
  app_window_update_run_button (self);
  app_window_update_actions (self);
  if (history_error != NULL)
    app_window_toast (self, history_error);
  return self;
}

EngSession *
app_window_get_session (AppWindow *self)
{
  g_return_val_if_fail (APP_IS_WINDOW (self), NULL);
  return self->session;
}

gboolean
app_window_is_unused (AppWindow *self)
{
  g_return_val_if_fail (APP_IS_WINDOW (self), FALSE);
  return !self->used;
}

/* It stays for as long as a slow reader needs, who has to notice it first. */
#define TOAST_MIN_S 6
#define TOAST_CHARACTERS_PER_S 10

void
app_window_toast (AppWindow *self, const char *text)
{
  g_autofree char *escaped = NULL;
  AdwToast *toast;

  g_return_if_fail (APP_IS_WINDOW (self) && text != NULL);

  escaped = g_markup_escape_text (text, -1);
  toast = adw_toast_new (escaped);
  adw_toast_set_timeout (toast, MAX (TOAST_MIN_S,
                                     (guint)g_utf8_strlen (text, -1) / TOAST_CHARACTERS_PER_S));
  adw_toast_overlay_add_toast (self->toasts, toast);
}
