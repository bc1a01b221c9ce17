/* Layouts of PlotGraph on their way: on this thread when quick, else a GTask with progress and a
 * rough result first. A result that comes late is dropped by its job. The worker sees the shape
 * and its own copy of what is expanded, nothing else. */

#include "plot-graph-private.h"

#include <string.h>

#define AT_ONCE 1500    /* nodes and edges: a few milliseconds */
#define ROUGH_FROM 4000 /* nodes and edges: a rough picture first */
#define N_SWEEPS 12

struct _PlotGraphJob
{
  gatomicrefcount refs;
  PlotGraphShape *shape;
  guint8 *expanded;
  GCancellable *cancellable;
  gint per_mille; /* atomic */
};

typedef struct
{
  PlotGraph *graph;
  PlotGraphJob *job;
  PlotGraphScene *scene;
} Delivery;

static PlotGraphJob *
job_ref (PlotGraphJob *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

static void
job_unref (gpointer data)
{
  PlotGraphJob *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  plot_graph_shape_unref (self->shape);
  g_free (self->expanded);
  g_object_unref (self->cancellable);
  g_free (self);
}

static PlotGraphJob *
job_new (const PlotGraphModel *model)
{
  PlotGraphJob *self = g_new0 (PlotGraphJob, 1);

  g_atomic_ref_count_init (&self->refs);
  self->shape = plot_graph_shape_ref (model->shape);
  self->expanded = g_memdup2 (model->expanded, MAX (1, model->shape->n_groups));
  self->cancellable = g_cancellable_new ();
  return self;
}

/* --- the worker --- */

static void
on_progress (double frac, gpointer data)
{
  g_atomic_int_set (&((PlotGraphJob *)data)->per_mille, (gint)(1000 * frac));
}

static void
delivery_free (gpointer data)
{
  Delivery *self = data;

  g_object_unref (self->graph);
  job_unref (self->job);
  plot_graph_scene_unref (self->scene);
  g_free (self);
}

static gboolean
deliver_rough (gpointer data)
{
  Delivery *self = data;

  if (self->graph->job == self->job) /* else: the final one came first, or it is no longer wanted */
    plot_graph_take_scene (self->graph, g_steal_pointer (&self->scene));
  return G_SOURCE_REMOVE;
}

static void
lay_out_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  PlotGraphJob *job = data;
  PlotGraphScene *scene;

  if (job->shape->n_nodes + job->shape->n_edges >= ROUGH_FROM)
    {
      Delivery *rough = g_new0 (Delivery, 1);

      rough->graph = g_object_ref (source);
      rough->job = job_ref (job);
      rough->scene = plot_graph_scene_new (job->shape, job->expanded, 0, cancellable, NULL, NULL);
      if (rough->scene != NULL)
        g_idle_add_full (G_PRIORITY_DEFAULT, deliver_rough, rough, delivery_free);
      else
        delivery_free (rough);
    }
  scene = plot_graph_scene_new (job->shape, job->expanded, N_SWEEPS, cancellable, on_progress, job);
  g_task_return_pointer (task, scene, (GDestroyNotify)plot_graph_scene_unref);
}

/* --- the main thread --- */

static gboolean
pulse (gpointer data)
{
  gtk_widget_queue_draw (GTK_WIDGET (data));
  return G_SOURCE_CONTINUE;
}

void
plot_graph_drop_job (PlotGraph *self)
{
  if (self->job == NULL)
    return;
  g_cancellable_cancel (self->job->cancellable);
  g_clear_pointer (&self->job, job_unref);
  g_clear_handle_id (&self->pulse_id, g_source_remove);
}

static void
on_laid_out (GObject *object, GAsyncResult *result, gpointer data)
{
  PlotGraph *self = PLOT_GRAPH (object);
  PlotGraphJob *job = g_task_get_task_data (G_TASK (result));
  PlotGraphScene *scene = g_task_propagate_pointer (G_TASK (result), NULL);

  if (self->job != job) /* dropped meanwhile */
    {
      plot_graph_scene_unref (scene);
      return;
    }
  plot_graph_drop_job (self);
  if (scene != NULL)
    plot_graph_take_scene (self, scene);
  plot_graph_busy_changed (self);
}

void
plot_graph_start_layout (PlotGraph *self)
{
  const PlotGraphShape *shape = self->model->shape;
  g_autoptr (GTask) task = NULL;
  gboolean was_busy = self->job != NULL;

  plot_graph_drop_job (self);
  self->stopped = FALSE;
  if (shape->n_nodes + shape->n_edges <= AT_ONCE)
    {
      plot_graph_take_scene (self, plot_graph_scene_new (self->model->shape, self->model->expanded,
                                                         N_SWEEPS, NULL, NULL, NULL));
      if (was_busy)
        plot_graph_busy_changed (self);
      return;
    }
  self->job = job_new (self->model);
  task = g_task_new (self, self->job->cancellable, on_laid_out, NULL);
  g_task_set_source_tag (task, plot_graph_start_layout);
  g_task_set_task_data (task, job_ref (self->job), job_unref);
  g_task_set_check_cancellable (task, FALSE);
  g_task_run_in_thread (task, lay_out_thread);
  self->pulse_id = g_timeout_add (100, pulse, self);
  if (!was_busy)
    plot_graph_busy_changed (self);
}

void
plot_graph_cancel_layout (PlotGraph *self)
{
  g_return_if_fail (PLOT_IS_GRAPH (self));
  if (self->job == NULL)
    return;
  plot_graph_drop_job (self);
  self->stopped = TRUE;
  plot_graph_busy_changed (self);
}

gboolean
plot_graph_get_busy (PlotGraph *self, double *frac)
{
  g_return_val_if_fail (PLOT_IS_GRAPH (self), FALSE);
  if (frac != NULL)
    *frac = self->job != NULL ? g_atomic_int_get (&self->job->per_mille) / 1000.0 : 0;
  return self->job != NULL;
}

void
plot_graph_ensure_layout (PlotGraph *self)
{
  gboolean was_busy;

  g_return_if_fail (PLOT_IS_GRAPH (self));
  was_busy = self->job != NULL;
  if (!was_busy && !self->stopped && self->scene != NULL)
    return;
  plot_graph_drop_job (self);
  self->stopped = FALSE;
  plot_graph_take_scene (self, plot_graph_scene_new (self->model->shape, self->model->expanded,
                                                     N_SWEEPS, NULL, NULL, NULL));
  if (was_busy)
    plot_graph_busy_changed (self);
}
