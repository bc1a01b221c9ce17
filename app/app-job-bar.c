/* The job bar. Follows one EngJob; the window tells it which. Must not know what the job does. */
#include "app-job-bar.h"

#include "app-config.h"

#include <glib/gi18n.h>

/* Anything shorter would only flicker (design, section 6). */
#define SHOW_AFTER_MS 300

#define UPDATE_MS 200

struct _AppJobBar
{
  GtkWidget parent_instance;

  GtkWidget *title;
  GtkWidget *stage;
  GtkWidget *progress;
  GtkWidget *cancel;

  EngJob *job;
  guint show_id;
  guint pulse_id;
  guint update_id;
  gboolean active;
};

enum
{
  PROP_0,
  PROP_JOB,
  PROP_ACTIVE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppJobBar, app_job_bar, GTK_TYPE_WIDGET)

static gboolean
on_pulse (gpointer data)
{
  AppJobBar *self = data;

  gtk_progress_bar_pulse (GTK_PROGRESS_BAR (self->progress));
  return G_SOURCE_CONTINUE;
}

static void
set_active (AppJobBar *self, gboolean active)
{
  if (self->active == active)
    return;
  self->active = active;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ACTIVE]);
}

static void
update (AppJobBar *self)
{
  g_autofree char *stage = NULL;
  double progress;
  g_autofree char *percent = NULL;

  if (self->job == NULL || eng_job_get_done (self->job))
    {
      g_clear_handle_id (&self->show_id, g_source_remove);
      g_clear_handle_id (&self->pulse_id, g_source_remove);
      set_active (self, FALSE);
      return;
    }
  stage = eng_job_dup_stage (self->job);
  progress = eng_job_get_progress (self->job);
  gtk_label_set_label (GTK_LABEL (self->title), eng_job_get_title (self->job));
  gtk_label_set_label (GTK_LABEL (self->stage), stage != NULL ? stage : "");
  if (progress < 0.0)
    {
      if (self->pulse_id == 0)
        self->pulse_id = g_timeout_add (150, on_pulse, self);
      return;
    }
  g_clear_handle_id (&self->pulse_id, g_source_remove);
  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->progress), CLAMP (progress, 0.0, 1.0));
  percent = g_strdup_printf (_ ("%s, %.0f %%"), eng_job_get_title (self->job), progress * 100.0);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->progress), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  percent, -1);
}

static gboolean
on_update (gpointer data)
{
  AppJobBar *self = data;

  self->update_id = 0;
  update (self);
  return G_SOURCE_REMOVE;
}

/* The end at once, all else a few times a second. */
static void
on_job_notify (AppJobBar *self)
{
  if (eng_job_get_done (self->job))
    update (self);
  else if (self->update_id == 0)
    self->update_id = g_timeout_add (UPDATE_MS, on_update, self);
}

static gboolean
on_show (gpointer data)
{
  AppJobBar *self = data;

  self->show_id = 0;
  set_active (self, TRUE);
  return G_SOURCE_REMOVE;
}

static void
on_cancel (AppJobBar *self)
{
  if (self->job != NULL)
    eng_job_cancel (self->job);
}

static void
app_job_bar_dispose (GObject *object)
{
  AppJobBar *self = APP_JOB_BAR (object);
  GtkWidget *child;

  app_job_bar_set_job (self, NULL);
  g_clear_handle_id (&self->update_id, g_source_remove);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  G_OBJECT_CLASS (app_job_bar_parent_class)->dispose (object);
}

static void
app_job_bar_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_JOB)
    g_value_set_object (value, APP_JOB_BAR (object)->job);
  else if (id == PROP_ACTIVE)
    g_value_set_boolean (value, APP_JOB_BAR (object)->active);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_job_bar_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_JOB)
    app_job_bar_set_job (APP_JOB_BAR (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_job_bar_class_init (AppJobBarClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_job_bar_dispose;
  object_class->get_property = app_job_bar_get_property;
  object_class->set_property = app_job_bar_set_property;
  props[PROP_JOB]
      = g_param_spec_object ("job", NULL, NULL, ENG_TYPE_JOB,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  props[PROP_ACTIVE] = g_param_spec_boolean ("active", NULL, NULL, FALSE,
                                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "job-bar");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-job-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, AppJobBar, title);
  gtk_widget_class_bind_template_child (widget_class, AppJobBar, stage);
  gtk_widget_class_bind_template_child (widget_class, AppJobBar, progress);
  gtk_widget_class_bind_template_child (widget_class, AppJobBar, cancel);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel);
}

static void
app_job_bar_init (AppJobBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
app_job_bar_new (void)
{
  return g_object_new (APP_TYPE_JOB_BAR, NULL);
}

EngJob *
app_job_bar_get_job (AppJobBar *self)
{
  g_return_val_if_fail (APP_IS_JOB_BAR (self), NULL);
  return self->job;
}

void
app_job_bar_set_job (AppJobBar *self, EngJob *job)
{
  g_return_if_fail (APP_IS_JOB_BAR (self));
  g_return_if_fail (job == NULL || ENG_IS_JOB (job));

  if (self->job == job)
    return;
  if (self->job != NULL)
    g_signal_handlers_disconnect_by_func (self->job, on_job_notify, self);
  g_set_object (&self->job, job);
  if (job != NULL)
    {
      g_signal_connect_swapped (job, "notify", G_CALLBACK (on_job_notify), self);
      if (self->show_id == 0 && !self->active)
        self->show_id = g_timeout_add (SHOW_AFTER_MS, on_show, self);
    }
  update (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_JOB]);
}

gboolean
app_job_bar_get_active (AppJobBar *self)
{
  g_return_val_if_fail (APP_IS_JOB_BAR (self), FALSE);
  return self->active;
}

void
app_job_bar_set_can_cancel (AppJobBar *self, gboolean can_cancel)
{
  g_return_if_fail (APP_IS_JOB_BAR (self));
  gtk_widget_set_visible (self->cancel, can_cancel);
}
