/* The distribution dialog: one layer, its matrices and what its operators give. A worker counts,
 * one thing at a time; a newer choice cancels it. What is drawn is app-distribution-feed.c. */
#include "app-distribution.h"

#include "app-config.h"
#include "app-distribution-feed.h"
#include "app-job-bar.h"
#include "app-table.h"
#include "plots.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#define APP_TYPE_DISTRIBUTION (app_distribution_get_type ())
G_DECLARE_FINAL_TYPE (AppDistribution, app_distribution, APP, DISTRIBUTION, AdwWindow)

struct _AppDistribution
{
  AdwWindow parent_instance;

  AdwWindowTitle *title;
  GtkWidget *table_button, *weights_button, *activations_button, *choice, *log_button;
  GtkWidget *stack, *table_bin, *job_bar, *facts;
  PlotChart *chart;
  AdwStatusPage *problem;

  EngBuild *build;
  int layer;
  AppLayerErrors *errors;
  EngJob *job;            /* NULL: nothing is being counted */
  GPtrArray *weights;     /* EngDistribution, NULL where it was not counted yet; as in the list */
  GStrv names;            /* of the matrices */
  GPtrArray *activations; /* EngDistribution; NULL: not watched yet */
  gboolean filling;       /* the choice is being filled */
};

G_DEFINE_FINAL_TYPE (AppDistribution, app_distribution, ADW_TYPE_WINDOW)

/* ---- Work ---- */

typedef struct
{
  EngBuild *build;
  int layer;
  EngJob *job;
  char *name; /* of a matrix; NULL: activations */
  guint index;
  char *text, *text_name, *inputs;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_object_unref (work->build);
  g_object_unref (work->job);
  g_free (work->name);
  g_free (work->text);
  g_free (work->text_name);
  g_free (work->inputs);
  g_free (work);
}

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  GError *error = NULL;
  GPtrArray *result = NULL;

  if (work->name != NULL)
    {
      EngDistribution *one = eng_distribution_weights (work->build, work->name, work->job, &error);

      if (one != NULL)
        {
          result = g_ptr_array_new_with_free_func ((GDestroyNotify)eng_distribution_free);
          g_ptr_array_add (result, one);
        }
    }
  else
    {
      EngSensitivityConfig config
          = { .text = work->text, .text_name = work->text_name, .inputs = work->inputs };

      result = eng_distribution_activations (work->build, work->layer, &config, work->job, &error);
    }
  if (result != NULL)
    g_task_return_pointer (task, result, (GDestroyNotify)g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

static void show (AppDistribution *self);
static void fill_choice (AppDistribution *self);

static void
show_problem (AppDistribution *self, const char *title, const char *text)
{
  adw_status_page_set_title (self->problem, title);
  adw_status_page_set_description (self->problem, text);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "problem");
  gtk_label_set_label (GTK_LABEL (self->facts), "");
}

static void
on_counted (GObject *source, GAsyncResult *result, gpointer data)
{
  AppDistribution *self = APP_DISTRIBUTION (source);
  Work *work = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) counted = g_task_propagate_pointer (G_TASK (result), &error);

  eng_job_finish (work->job);
  if (self->job != work->job)
    return; /* something else was asked for meanwhile, or the dialog is gone */
  g_clear_object (&self->job);
  app_job_bar_set_job (APP_JOB_BAR (self->job_bar), NULL);
  if (counted == NULL)
    {
      gboolean cancelled = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

      show_problem (self, cancelled ? _ ("Stopped") : _ ("This cannot be counted"),
                    cancelled ? _ ("Choose it again to count it.") : error->message);
      return;
    }
  if (work->name != NULL)
    self->weights->pdata[work->index] = g_ptr_array_steal_index (counted, 0);
  else
    {
      self->activations = g_steal_pointer (&counted);
      fill_choice (self);
    }
  show (self);
}

/* @index: of a matrix; G_MAXUINT: activations. */
static void
start (AppDistribution *self, guint index)
{
  EngModel *model = eng_build_get_model (self->build);
  Work *work = g_new0 (Work, 1);
  g_autoptr (GTask) task = NULL;

  if (self->job != NULL)
    eng_job_cancel (self->job);
  g_clear_object (&self->job);
  self->job
      = eng_job_new (index != G_MAXUINT ? _ ("Counting weights") : _ ("Watching activations"));
  work->build = g_object_ref (self->build);
  work->layer = self->layer;
  work->job = g_object_ref (self->job);
  work->index = index;
  if (index != G_MAXUINT)
    work->name = g_strdup (self->names[index]);
  else
    {
      EngSensitivityConfig config;

      app_layer_errors_fill_config (self->errors, model, eng_build_get_recipe (self->build),
                                    &config);
      work->text = g_strdup (config.text);
      work->text_name = g_strdup (config.text_name);
      work->inputs = g_strdup (config.inputs);
    }
  app_job_bar_set_job (APP_JOB_BAR (self->job_bar), self->job);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "busy");
  gtk_label_set_label (GTK_LABEL (self->facts), "");
  task = g_task_new (self, NULL, on_counted, NULL);
  g_task_set_source_tag (task, start);
  g_task_set_task_data (task, work, work_free);
  g_task_run_in_thread (task, work_thread);
}

/* ---- What is chosen ---- */

static gboolean
shows_weights (AppDistribution *self)
{
  return gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->weights_button));
}

/* Converters join the names of all that they fused with ";": the first is what comes out. */
static void
append_name (GtkStringList *names, const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, ";", 2);

  gtk_string_list_append (names, parts[0]);
}

static void
fill_choice (AppDistribution *self)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);

  if (shows_weights (self))
    for (guint i = 0; self->names[i] != NULL; i++)
      append_name (names, self->names[i]);
  else
    for (guint i = 0; self->activations != NULL && i < self->activations->len; i++)
      append_name (names, ((EngDistribution *)self->activations->pdata[i])->name);
  self->filling = TRUE;
  gtk_drop_down_set_model (GTK_DROP_DOWN (self->choice), G_LIST_MODEL (names));
  self->filling = FALSE;
  gtk_widget_set_sensitive (self->choice, g_list_model_get_n_items (G_LIST_MODEL (names)) > 0);
}

static void
show_one (AppDistribution *self, const EngDistribution *distribution)
{
  gboolean as_table = gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->table_button));
  g_autofree char *facts = app_distribution_dup_facts (distribution);

  app_distribution_fill (self->chart, distribution,
                         gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->log_button)));
  gtk_label_set_label (GTK_LABEL (self->facts), facts);
  if (as_table)
    {
      g_autoptr (PlotTable) table = plot_figure_make_table (PLOT_FIGURE (self->chart));

      adw_bin_set_child (ADW_BIN (self->table_bin), app_table_new (table, 200));
    }
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), as_table ? "table" : "chart");
}

static void
show (AppDistribution *self)
{
  guint index = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->choice));

  if (shows_weights (self))
    {
      if (self->names[0] == NULL)
        show_problem (self, _ ("No weights here"),
                      _ ("No operator of this layer reads a matrix. Look at its activations."));
      else if (self->weights->pdata[index] == NULL)
        start (self, index);
      else
        show_one (self, self->weights->pdata[index]);
      return;
    }
  if (self->activations == NULL)
    start (self, G_MAXUINT);
  else if (self->activations->len == 0)
    show_problem (self, _ ("No activations here"),
                  _ ("No operator of this layer gives floating-point numbers."));
  else
    show_one (self, self->activations->pdata[index]);
}

static void
on_choice (AppDistribution *self)
{
  if (!self->filling
      && gtk_drop_down_get_selected (GTK_DROP_DOWN (self->choice)) != GTK_INVALID_LIST_POSITION)
    show (self);
}

static void
on_kind (AppDistribution *self)
{
  if (self->job != NULL)
    {
      eng_job_cancel (self->job);
      g_clear_object (&self->job);
      app_job_bar_set_job (APP_JOB_BAR (self->job_bar), NULL);
    }
  fill_choice (self);
  show (self);
}

/* Only how it is drawn: nothing is counted anew. */
static void
on_look (AppDistribution *self)
{
  if (self->job == NULL)
    show (self);
}

/* ---- The dialog ---- */

static void
app_distribution_dispose (GObject *object)
{
  AppDistribution *self = APP_DISTRIBUTION (object);

  if (self->job != NULL)
    eng_job_cancel (self->job);
  g_clear_object (&self->job);
  g_clear_object (&self->build);
  g_clear_object (&self->errors);
  g_clear_pointer (&self->weights, g_ptr_array_unref);
  g_clear_pointer (&self->activations, g_ptr_array_unref);
  g_clear_pointer (&self->names, g_strfreev);
  G_OBJECT_CLASS (app_distribution_parent_class)->dispose (object);
}

static void
app_distribution_class_init (AppDistributionClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_distribution_dispose;
  g_type_ensure (PLOT_TYPE_CHART);
  g_type_ensure (APP_TYPE_JOB_BAR);
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-distribution.ui");
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, title);
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, table_button);
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, weights_button);
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, activations_button);
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, choice);
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, log_button);
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, stack);
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, table_bin);
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, job_bar);
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, facts);
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, chart);
  gtk_widget_class_bind_template_child (widget_class, AppDistribution, problem);
}

static void
distribution_free (gpointer data)
{
  eng_distribution_free (data);
}

static void
app_distribution_init (AppDistribution *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->weights = g_ptr_array_new_with_free_func (distribution_free);
  g_signal_connect_object (self->choice, "notify::selected", G_CALLBACK (on_choice), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->weights_button, "toggled", G_CALLBACK (on_kind), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->log_button, "toggled", G_CALLBACK (on_look), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->table_button, "toggled", G_CALLBACK (on_look), self,
                           G_CONNECT_SWAPPED);
}

void
app_distribution_present (GtkWindow *parent, EngBuild *build, int layer, AppLayerErrors *errors)
{
  AppDistribution *self;
  EngModel *model;
  g_autofree char *layer_name = NULL;
  g_autofree char *recipe = NULL;
  g_autofree char *title = NULL;

  g_return_if_fail (GTK_IS_WINDOW (parent) && ENG_IS_BUILD (build) && APP_IS_LAYER_ERRORS (errors));

  model = eng_build_get_model (build);
  layer_name = eng_model_dup_layer_name (model, layer);
  recipe = eng_recipe_describe_for (eng_build_get_recipe (build), eng_model_get_kind (model));
  title = g_strdup_printf (_ ("Distribution of %s"), layer_name);
  self = g_object_new (APP_TYPE_DISTRIBUTION, "transient-for", parent, "title", title, NULL);
  adw_window_title_set_title (self->title, title);
  adw_window_title_set_subtitle (self->title, recipe);
  self->build = g_object_ref (build);
  self->errors = g_object_ref (errors);
  self->layer = layer;
  self->names = eng_distribution_list_weights (build, layer);
  g_ptr_array_set_size (self->weights, (int)g_strv_length (self->names));
  fill_choice (self);
  show (self);
  gtk_window_present (GTK_WINDOW (self));
}
