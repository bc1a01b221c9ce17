/* The headline strip. A view of an AppStage; the window places it. Must not know where the numbers
 * come from. */
#include "app-headline.h"

#include "app-compare.h"
#include "app-config.h"
#include "app-figure-tile.h"
#include "app-figures.h"
#include "app-job-bar.h"
#include "app-model-info.h"
#include "app-sentence.h"

#include <glib/gi18n.h>

struct _AppHeadline
{
  GtkWidget parent_instance;

  GtkWidget *model_button;
  GtkWidget *model_name;
  GtkWidget *model_facts;
  GtkWidget *tiles_box;
  GtkWidget *status; /* "sentence" or "job" */
  GtkWidget *sentence;
  GtkWidget *report_button;
  GtkWidget *apply_button;
  GtkWidget *job_bar;
  GtkWidget *tiles[APP_MAX_FIGURES];

  AppStage *stage;
  AppAdviser *adviser;
  const AppFigureInfo *infos; /* [n_infos]: what the tiles show */
  guint n_infos;
  gboolean compact, tall;
};

enum
{
  PROP_0,
  PROP_COMPACT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (AppHeadline, app_headline, GTK_TYPE_WIDGET)

/* Accuracies compare on one set only: @figure becomes that of @run on it. */
static EngFigure
accuracy_of_pair (AppHeadline *self, EngRun *baseline, EngRun *run, EngFigureId id,
                  EngFigure *figure)
{
  const AppEvaluation *before, *after;
  const char *unit = eng_figure_id_unit (id);

  if (run == NULL)
    return eng_figure_unavailable (unit, _ ("not measured yet"));
  if (!app_accuracy_find_pair (app_stage_get_accuracy (self->stage),
                               eng_run_get_build_hash (baseline), eng_run_get_build_hash (run), id,
                               &before, &after))
    return eng_figure_unavailable (unit, _ ("not evaluated on the same set"));
  *figure = after->figures[id];
  return before->figures[id];
}

/* Which set an accuracy is of stands in its tile's tip. */
static void
update_tip (AppHeadline *self, guint i)
{
  EngFigureId id = self->infos[i].id;
  g_autofree char *key = app_stage_dup_accuracy_key (self->stage);
  const AppEvaluation *found
      = key != NULL ? app_accuracy_find (app_stage_get_accuracy (self->stage), key, NULL, id)
                    : NULL;
  g_autofree char *tip = found != NULL
                             ? g_strdup_printf (_ ("%s: %s"), app_evaluation_get_title (found),
                                                _ (self->infos[i].tip))
                             : g_strdup (_ (self->infos[i].tip));

  app_figure_tile_set_what (APP_FIGURE_TILE (self->tiles[i]), _ (self->infos[i].title), tip);
}

/* While a network runs, its live latency is that of the graph alone: nothing that a finished run's
 * may be compared with. */
static gboolean
is_whole (AppHeadline *self, EngRun *run)
{
  return run != NULL || app_stage_get_kind (self->stage) == ENG_MODEL_LANGUAGE;
}

/* Five side by side have no room for interval and difference in one line. */
static void
update_rows (AppHeadline *self)
{
  guint n = 0;

  for (guint i = 0; i < APP_MAX_FIGURES; i++)
    n += gtk_widget_get_visible (self->tiles[i]);
  for (guint i = 0; i < APP_MAX_FIGURES; i++)
    app_figure_tile_set_compact (APP_FIGURE_TILE (self->tiles[i]), self->tall || n > 4);
}

/* A modelled number gives way to a measured one. */
static gboolean
is_replaced (AppHeadline *self, const AppFigureInfo *info)
{
  return info->unless != 0 && app_stage_get_figure (self->stage, info->unless).available;
}

static void
update_figures (AppHeadline *self)
{
  EngRun *baseline = app_stage_get_baseline (self->stage);
  EngRun *run = app_stage_get_run (self->stage);
  EngForecast *estimate = app_stage_get_estimate (self->stage);
  AppComparable comparable = { NULL, NULL, NULL };

  if (baseline != NULL && run != NULL)
    comparable = app_compare_check (baseline, run);
  for (guint i = 0; i < self->n_infos; i++)
    {
      EngFigureId id = self->infos[i].id;
      EngFigure figure = app_stage_get_figure (self->stage, id);
      EngFigure expected = estimate != NULL && !figure.available
                               ? eng_forecast_get_figure (estimate, id)
                               : eng_figure_unavailable ("", NULL);
      AppChange change;
      gboolean show = baseline != NULL && comparable.layers == NULL
                      && ((comparable.times == NULL && (is_whole (self, run) || expected.available))
                          || app_figures_is_static (id));

      if (expected.available)
        figure = expected;
      if (show)
        {
          EngFigure before = eng_figure_id_is_accuracy (id)
                                 ? accuracy_of_pair (self, baseline, run, id, &figure)
                                 : eng_run_get_figure (baseline, id);
          change = app_change (&before, &figure, eng_figure_id_lower_is_better (id));
        }
      (expected.available ? app_figure_tile_set_estimate
                          : app_figure_tile_set) (APP_FIGURE_TILE (self->tiles[i]), &figure,
                                                  show ? &change : NULL);
      if (eng_figure_id_is_accuracy (id))
        update_tip (self, i);
      if (self->infos[i].optional)
        gtk_widget_set_visible (self->tiles[i], figure.available
                                                    && !is_replaced (self, &self->infos[i])
                                                    && (!self->compact || self->infos[i].narrow));
    }
  update_rows (self);
}

/* The button belongs to the piece of advice in the sentence. */
static void
update_apply (AppHeadline *self, const EngAdvice *advice)
{
  g_autofree char *spoken = NULL;

  gtk_widget_set_visible (self->apply_button, advice != NULL);
  if (advice == NULL)
    return;
  spoken = g_strdup_printf (_ ("Apply the advice: %s"), advice->title);
  gtk_widget_set_tooltip_text (self->apply_button, advice->sentence);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->apply_button),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
}

static void
on_apply (AppHeadline *self)
{
  const EngAdvice *advice = app_sentence_get_advice (self->stage, self->adviser);

  if (advice != NULL)
    app_adviser_apply (self->adviser, advice);
}

static void
update_sentence (AppHeadline *self)
{
  const EngAdvice *advice = app_sentence_get_advice (self->stage, self->adviser);
  g_autofree char *text = app_sentence_dup (self->stage, advice);

  update_apply (self, advice);
  if (g_strcmp0 (gtk_label_get_label (GTK_LABEL (self->sentence)), text) == 0)
    return;
  gtk_label_set_label (GTK_LABEL (self->sentence), text);
  gtk_widget_set_tooltip_text (self->sentence, text);
}

static void
update_model (AppHeadline *self)
{
  EngModel *model = eng_session_get_model (app_stage_get_session (self->stage));
  g_autofree char *facts = NULL;

  gtk_widget_set_visible (self->model_button, model != NULL && !self->compact);
  if (model == NULL)
    return;
  facts = app_model_info_dup_facts (model);
  gtk_widget_set_visible (self->report_button, eng_model_get_report (model)[0] != NULL);
  gtk_label_set_label (GTK_LABEL (self->model_name), eng_model_get_name (model));
  gtk_label_set_label (GTK_LABEL (self->model_facts), facts);
}

/* The tiles of this kind of model; those that a narrow window has no room for are left out
 * there. */
static void
update_tiles (AppHeadline *self)
{
  if (self->stage != NULL)
    self->infos = app_figures_headline (app_stage_get_kind (self->stage), &self->n_infos);
  for (guint i = 0; i < APP_MAX_FIGURES; i++)
    {
      gboolean used = i < self->n_infos;

      if (used)
        app_figure_tile_set_what (APP_FIGURE_TILE (self->tiles[i]), _ (self->infos[i].title),
                                  _ (self->infos[i].tip));
      gboolean room = used && (!self->compact || self->infos[i].narrow);

      /* Whether one is shown that a run may not have is for update_figures () alone: to show it
       * here and hide it there would lay the window out twice. */
      if (!room || !self->infos[i].optional)
        gtk_widget_set_visible (self->tiles[i], room);
    }
}

static void
on_changed (AppHeadline *self)
{
  update_model (self);
  update_tiles (self);
  update_figures (self);
  update_sentence (self);
}

static void
make_model_popover (GtkMenuButton *button, gpointer data)
{
  AppHeadline *self = data;
  EngSession *session = self->stage != NULL ? app_stage_get_session (self->stage) : NULL;
  EngModel *model = session != NULL ? eng_session_get_model (session) : NULL;

  gtk_menu_button_set_popover (button,
                               model != NULL
                                   ? app_model_info_new_popover (model,
                                                                 eng_session_get_build (session))
                                   : NULL);
}

static void
on_job_active (AppHeadline *self)
{
  gtk_stack_set_visible_child_name (GTK_STACK (self->status),
                                    app_job_bar_get_active (APP_JOB_BAR (self->job_bar))
                                        ? "job"
                                        : "sentence");
}

static void
app_headline_dispose (GObject *object)
{
  AppHeadline *self = APP_HEADLINE (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->stage);
  g_clear_object (&self->adviser);
  G_OBJECT_CLASS (app_headline_parent_class)->dispose (object);
}

static void
app_headline_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COMPACT)
    g_value_set_boolean (value, APP_HEADLINE (object)->compact);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_headline_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COMPACT)
    app_headline_set_compact (APP_HEADLINE (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_headline_class_init (AppHeadlineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_headline_dispose;
  object_class->get_property = app_headline_get_property;
  object_class->set_property = app_headline_set_property;

  props[PROP_COMPACT]
      = g_param_spec_boolean ("compact", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);

  g_type_ensure (APP_TYPE_JOB_BAR);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "headline");
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-headline.ui");
  gtk_widget_class_bind_template_child (widget_class, AppHeadline, model_button);
  gtk_widget_class_bind_template_child (widget_class, AppHeadline, model_name);
  gtk_widget_class_bind_template_child (widget_class, AppHeadline, model_facts);
  gtk_widget_class_bind_template_child (widget_class, AppHeadline, tiles_box);
  gtk_widget_class_bind_template_child (widget_class, AppHeadline, status);
  gtk_widget_class_bind_template_child (widget_class, AppHeadline, sentence);
  gtk_widget_class_bind_template_child (widget_class, AppHeadline, report_button);
  gtk_widget_class_bind_template_child (widget_class, AppHeadline, apply_button);
  gtk_widget_class_bind_template_callback (widget_class, on_apply);
  gtk_widget_class_bind_template_child (widget_class, AppHeadline, job_bar);
}

static void
app_headline_init (AppHeadline *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  for (guint i = 0; i < APP_MAX_FIGURES; i++)
    {
      self->tiles[i] = app_figure_tile_new ("");
      gtk_box_append (GTK_BOX (self->tiles_box), self->tiles[i]);
    }
  update_tiles (self);
  g_signal_connect_object (self->job_bar, "notify::active", G_CALLBACK (on_job_active), self,
                           G_CONNECT_SWAPPED);
  gtk_menu_button_set_create_popup_func (GTK_MENU_BUTTON (self->model_button), make_model_popover,
                                         self, NULL);
}

void
app_headline_set_stage (AppHeadline *self, AppStage *stage)
{
  EngSession *session;

  g_return_if_fail (APP_IS_HEADLINE (self) && APP_IS_STAGE (stage) && self->stage == NULL);

  self->stage = g_object_ref (stage);
  self->adviser = g_object_ref (app_adviser_get (stage, NULL));
  session = app_stage_get_session (stage);
  g_signal_connect_object (stage, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (stage, "live", G_CALLBACK (update_figures), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->adviser, "changed", G_CALLBACK (update_sentence), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "notify::job", G_CALLBACK (update_sentence), self,
                           G_CONNECT_SWAPPED);
  on_changed (self);
}

void
app_headline_set_job (AppHeadline *self, EngJob *job, gboolean can_cancel)
{
  g_return_if_fail (APP_IS_HEADLINE (self));
  app_job_bar_set_can_cancel (APP_JOB_BAR (self->job_bar), can_cancel);
  app_job_bar_set_job (APP_JOB_BAR (self->job_bar), job);
}

void
app_headline_set_compact (AppHeadline *self, gboolean compact)
{
  GtkLayoutManager *layout;

  g_return_if_fail (APP_IS_HEADLINE (self));

  if (self->compact == !!compact)
    return;
  self->compact = !!compact;
  layout = gtk_widget_get_layout_manager (GTK_WIDGET (self));
  gtk_orientable_set_orientation (GTK_ORIENTABLE (layout),
                                  compact ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL);
  gtk_box_layout_set_spacing (GTK_BOX_LAYOUT (layout), compact ? 6 : 24);
  gtk_box_set_spacing (GTK_BOX (self->tiles_box), compact ? 8 : 36);
  gtk_box_set_homogeneous (GTK_BOX (self->tiles_box), compact);
  gtk_label_set_lines (GTK_LABEL (self->sentence), compact ? 2 : 3);
  if (compact)
    gtk_widget_add_css_class (GTK_WIDGET (self), "compact");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "compact");
  if (self->stage != NULL)
    update_model (self);
  update_tiles (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_COMPACT]);
}

void
app_headline_set_tall (AppHeadline *self, gboolean tall)
{
  g_return_if_fail (APP_IS_HEADLINE (self));

  self->tall = tall;
  update_rows (self);
}
