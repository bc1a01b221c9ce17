/* Prompt and text. Streams what the session writes, shows the rate as a spark line, and turns its
 * controls into a workload. Starting and stopping are the window's actions. */
#include "app-prompt-view.h"

#include "app-config.h"
#include "app-settings.h"
#include "plot-spark.h"

#include <glib/gi18n.h>
#include <math.h>

/* Text is put into the view in slices, as often as the lanes: each token laying out anew would take
 * time from the model. */
#define FLUSH_MS 150

struct _AppPromptView
{
  GtkWidget parent_instance;

  GtkWidget *panes;
  GtkWidget *prompt; /* GtkTextView */
  GtkWidget *output; /* GtkTextView */
  GtkWidget *output_scroller;
  GtkWidget *output_stack; /* "empty" or "text" */
  GtkWidget *chat;
  GtkWidget *n_predict;
  GtkWidget *temperature, *top_k, *top_p, *min_p, *seed;
  GtkWidget *spark_box;
  GtkWidget *rate;
  GtkWidget *spark;

  AppStage *stage;
  EngRun *shown; /* whose text is in the view */
  GString *pending;
  guint flush_id;
  gboolean compact;
};

enum
{
  PROP_0,
  PROP_COMPACT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppPromptView, app_prompt_view, GTK_TYPE_WIDGET)

static GtkTextBuffer *
output_buffer (AppPromptView *self)
{
  return gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->output));
}

static char *
dup_output (AppPromptView *self)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (output_buffer (self), &start, &end);
  return gtk_text_buffer_get_text (output_buffer (self), &start, &end, FALSE);
}

static gboolean
at_end (AppPromptView *self)
{
  GtkAdjustment *v
      = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (self->output_scroller));

  return gtk_adjustment_get_value (v) + gtk_adjustment_get_page_size (v)
         >= gtk_adjustment_get_upper (v) - 24.0;
}

static gboolean
on_flush (gpointer data)
{
  AppPromptView *self = data;
  GtkTextBuffer *buffer = output_buffer (self);
  gboolean follow = at_end (self);
  GtkTextIter end;

  g_clear_handle_id (&self->flush_id, g_source_remove);
  if (self->pending->len == 0)
    return G_SOURCE_REMOVE;
  gtk_text_buffer_get_end_iter (buffer, &end);
  gtk_text_buffer_insert (buffer, &end, self->pending->str, (int)self->pending->len);
  g_string_truncate (self->pending, 0);
  if (follow)
    {
      gtk_text_buffer_get_end_iter (buffer, &end);
      gtk_text_buffer_move_mark_by_name (buffer, "tail", &end);
      gtk_text_view_scroll_mark_onscreen (GTK_TEXT_VIEW (self->output),
                                          gtk_text_buffer_get_mark (buffer, "tail"));
    }
  return G_SOURCE_REMOVE;
}

static void
on_text (AppPromptView *self, const char *text)
{
  g_string_append (self->pending, text);
  gtk_stack_set_visible_child_name (GTK_STACK (self->output_stack), "text");
  if (self->flush_id == 0)
    self->flush_id = g_timeout_add (FLUSH_MS, on_flush, self);
}

static void
on_text_reset (AppPromptView *self)
{
  g_string_truncate (self->pending, 0);
  gtk_text_buffer_set_text (output_buffer (self), "", 0);
  gtk_stack_set_visible_child_name (GTK_STACK (self->output_stack), "text");
  plot_spark_clear (PLOT_SPARK (self->spark));
  g_clear_object (&self->shown);
}

static void
show_rate (AppPromptView *self, double rate)
{
  g_autofree char *text = isfinite (rate) ? eng_format_value (rate, "tok/s") : g_strdup ("");

  gtk_label_set_label (GTK_LABEL (self->rate), text);
}

/* The rate of the newest clean step: the same number that the median above is made of. */
static void
on_live (AppPromptView *self)
{
  EngProfile *profile = app_stage_get_profile (self->stage);
  const EngPhaseProfile *decode
      = profile != NULL ? eng_profile_get_phase (profile, RT_PHASE_DECODE) : NULL;
  double rate;

  if (decode == NULL || decode->clean.n == 0 || !(decode->clean.last_ns > 0.0))
    return;
  rate = 1e9 / decode->clean.last_ns;
  plot_spark_push (PLOT_SPARK (self->spark), rate);
  show_rate (self, rate);
  on_flush (self); /* in the same frame */
}

/* A run that was reopened, or came back by undo, brings its text. */
static void
show_run_text (AppPromptView *self)
{
  EngRun *run = app_stage_get_run (self->stage);
  g_autofree char *shown = NULL;
  const char *text;

  if (app_stage_get_running (self->stage) || run == NULL || run == self->shown)
    return;
  g_set_object (&self->shown, run);
  text = eng_run_get_text (run);
  if (text == NULL)
    return;
  on_flush (self);
  shown = dup_output (self);
  if (g_str_equal (shown, text))
    return; /* it was streamed here: leave the view where it is */
  gtk_text_buffer_set_text (output_buffer (self), text, -1);
  gtk_stack_set_visible_child_name (GTK_STACK (self->output_stack), "text");
}

static void
on_changed (AppPromptView *self)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));

  gtk_widget_set_visible (self->chat, model != NULL && eng_model_has_chat (model));
  gtk_widget_set_visible (self->spark_box, plot_spark_get_n_values (PLOT_SPARK (self->spark)) > 0
                                               || app_stage_get_running (self->stage));
  show_run_text (self);
}

static void
on_model (AppPromptView *self)
{
  g_string_truncate (self->pending, 0);
  gtk_text_buffer_set_text (output_buffer (self), "", 0);
  gtk_stack_set_visible_child_name (GTK_STACK (self->output_stack), "empty");
  plot_spark_clear (PLOT_SPARK (self->spark));
  g_clear_object (&self->shown);
  on_changed (self);
}

/* Ctrl+Return runs from inside the prompt, where Return makes a new line. */
static gboolean
on_key (GtkEventControllerKey *controller, guint keyval, guint keycode, GdkModifierType state,
        gpointer data)
{
  if ((keyval == GDK_KEY_Return || keyval == GDK_KEY_KP_Enter) && (state & GDK_CONTROL_MASK) != 0)
    return gtk_widget_activate_action (GTK_WIDGET (data), "win.run", NULL);
  return FALSE;
}

static void
on_prompt_changed (AppPromptView *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->prompt));
  GtkTextIter start, end;
  g_autofree char *text = NULL;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  text = gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
  app_settings_set_string ("prompt", text);
}

static void
app_prompt_view_dispose (GObject *object)
{
  AppPromptView *self = APP_PROMPT_VIEW (object);

  g_clear_handle_id (&self->flush_id, g_source_remove);
  g_clear_pointer (&self->panes, gtk_widget_unparent);
  g_clear_object (&self->stage);
  g_clear_object (&self->shown);
  G_OBJECT_CLASS (app_prompt_view_parent_class)->dispose (object);
}

static void
app_prompt_view_finalize (GObject *object)
{
  g_string_free (APP_PROMPT_VIEW (object)->pending, TRUE);
  G_OBJECT_CLASS (app_prompt_view_parent_class)->finalize (object);
}

static void
app_prompt_view_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COMPACT)
    g_value_set_boolean (value, APP_PROMPT_VIEW (object)->compact);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_prompt_view_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COMPACT)
    app_prompt_view_set_compact (APP_PROMPT_VIEW (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_prompt_view_class_init (AppPromptViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_prompt_view_dispose;
  object_class->finalize = app_prompt_view_finalize;
  object_class->get_property = app_prompt_view_get_property;
  object_class->set_property = app_prompt_view_set_property;
  props[PROP_COMPACT]
      = g_param_spec_boolean ("compact", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "prompt-view");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-prompt-view.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppPromptView, name)
  BIND (panes);
  BIND (prompt);
  BIND (output);
  BIND (output_scroller);
  BIND (output_stack);
  BIND (chat);
  BIND (n_predict);
  BIND (temperature);
  BIND (top_k);
  BIND (top_p);
  BIND (min_p);
  BIND (seed);
  BIND (spark_box);
  BIND (rate);
#undef BIND
}

static void
restore_settings (AppPromptView *self)
{
  g_autofree char *prompt
      = app_settings_dup_string ("prompt", _ ("It is a truth universally acknowledged, that"));
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->prompt));
  GSettings *settings = app_settings_get ();

  gtk_text_buffer_set_text (buffer, prompt, -1);
  g_signal_connect_object (buffer, "changed", G_CALLBACK (on_prompt_changed), self,
                           G_CONNECT_SWAPPED);
  if (settings == NULL)
    return;
  g_settings_bind (settings, "chat", self->chat, "active", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "tokens", self->n_predict, "value", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "temperature", self->temperature, "value", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "top-k", self->top_k, "value", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "top-p", self->top_p, "value", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "min-p", self->min_p, "value", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "seed", self->seed, "value", G_SETTINGS_BIND_DEFAULT);
}

static void
app_prompt_view_init (AppPromptView *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();
  const PlotUnit unit = PLOT_UNIT_TOKENS_PER_S;
  GtkTextBuffer *buffer;
  GtkTextIter end;

  gtk_widget_init_template (GTK_WIDGET (self));
  self->pending = g_string_new (NULL);

  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_key), self);
  gtk_widget_add_controller (self->prompt, keys);

  buffer = output_buffer (self);
  gtk_text_buffer_get_end_iter (buffer, &end);
  gtk_text_buffer_create_mark (buffer, "tail", &end, FALSE);

  self->spark = plot_spark_new (_ ("Tokens per second"), &unit);
  gtk_widget_set_size_request (self->spark, 96, 20);
  gtk_widget_set_valign (self->spark, GTK_ALIGN_CENTER);
  gtk_box_prepend (GTK_BOX (self->spark_box), self->spark);
  restore_settings (self);
}

void
app_prompt_view_set_stage (AppPromptView *self, AppStage *stage)
{
  EngSession *session;

  g_return_if_fail (APP_IS_PROMPT_VIEW (self) && APP_IS_STAGE (stage) && self->stage == NULL);

  self->stage = g_object_ref (stage);
  session = app_stage_get_session (stage);
  g_signal_connect_object (session, "text", G_CALLBACK (on_text), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "text-reset", G_CALLBACK (on_text_reset), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "notify::model", G_CALLBACK (on_model), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (stage, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (stage, "live", G_CALLBACK (on_live), self, G_CONNECT_SWAPPED);
  on_changed (self);
}

void
app_prompt_view_set_compact (AppPromptView *self, gboolean compact)
{
  g_return_if_fail (APP_IS_PROMPT_VIEW (self));

  if (self->compact == !!compact)
    return;
  self->compact = !!compact;
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->panes),
                                  compact ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_COMPACT]);
}

EngWorkload *
app_prompt_view_dup_workload (AppPromptView *self)
{
  GtkTextBuffer *buffer;
  GtkTextIter start, end;
  g_autofree char *text = NULL;
  EngWorkload *workload;

  g_return_val_if_fail (APP_IS_PROMPT_VIEW (self), NULL);

  buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->prompt));
  gtk_text_buffer_get_bounds (buffer, &start, &end);
  text = gtk_text_buffer_get_text (buffer, &start, &end, FALSE);
  workload = eng_workload_new (text);
  workload->n_predict = (guint)gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (self->n_predict));
  workload->chat = gtk_widget_get_visible (self->chat)
                   && gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->chat));
  workload->sampler.temperature
      = (float)gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->temperature));
  workload->sampler.top_k
      = (guint32)gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (self->top_k));
  workload->sampler.top_p = (float)gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->top_p));
  workload->sampler.min_p = (float)gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->min_p));
  workload->sampler.seed = (guint64)gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->seed));
  return workload;
}

void
app_prompt_view_focus (AppPromptView *self)
{
  g_return_if_fail (APP_IS_PROMPT_VIEW (self));
  gtk_widget_grab_focus (self->prompt);
}
