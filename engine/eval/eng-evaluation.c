/* The evaluation as a value. Filled by eng-scores.c and the passes; read by runs, views and the
 * command line. */
#include "eval/eng-evaluation-private.h"

#include <string.h>

G_DEFINE_BOXED_TYPE (EngEvaluation, eng_evaluation, eng_evaluation_ref, eng_evaluation_unref)

static void
metric_free (gpointer data)
{
  EngEvalMetric *metric = data;

  for (guint i = 0; i < metric->n_groups; i++)
    g_free ((char *)metric->groups[i].name);
  g_free ((EngEvalValue *)metric->groups);
  g_free (metric);
}

EngEvaluation *
eng_evaluation_new (const char *data, const char *title)
{
  EngEvaluation *self = g_new0 (EngEvaluation, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->data = g_strdup (data);
  self->title = g_strdup (title);
  self->notes = g_ptr_array_new_with_free_func (g_free);
  self->metrics = g_ptr_array_new_with_free_func (metric_free);
  return self;
}

EngEvaluation *
eng_evaluation_ref (EngEvaluation *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_evaluation_unref (EngEvaluation *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_free (self->data);
  g_free (self->title);
  g_free (self->source);
  g_free (self->against);
  g_free (self->against_hash);
  g_free (self->key);
  g_ptr_array_unref (self->notes);
  g_ptr_array_unref (self->metrics);
  g_free (self);
}

void
eng_evaluation_take_metric (EngEvaluation *self, const char *id, const EngEvalValue *whole,
                            EngEvalValue *groups, guint n_groups)
{
  EngEvalMetric *metric = g_new0 (EngEvalMetric, 1);

  metric->metric = g_intern_string (id);
  metric->whole = *whole;
  metric->n_groups = n_groups;
  for (guint i = 0; i < n_groups; i++)
    groups[i].name = g_strdup (groups[i].name);
  metric->groups = groups;
  g_ptr_array_add (self->metrics, metric);
}

void
eng_evaluation_note (EngEvaluation *self, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_ptr_array_add (self->notes, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

void
eng_evaluation_end_notes (EngEvaluation *self)
{
  g_ptr_array_add (self->notes, NULL);
}

/* ---- Looking ---- */

const char *
eng_evaluation_get_data (EngEvaluation *self)
{
  return self->data;
}

const char *
eng_evaluation_get_title (EngEvaluation *self)
{
  return self->title;
}

const char *
eng_evaluation_get_source (EngEvaluation *self)
{
  return self->source;
}

const char *
eng_evaluation_get_against (EngEvaluation *self)
{
  return self->against;
}

const char *
eng_evaluation_get_against_hash (EngEvaluation *self)
{
  return self->against_hash;
}

const char *
eng_evaluation_get_key (EngEvaluation *self)
{
  return self->key;
}

gboolean
eng_evaluation_is_itself (EngEvaluation *self)
{
  return self->is_itself;
}

const char *
eng_evaluation_get_grouped_by (EngEvaluation *self)
{
  return self->grouped_by;
}

double
eng_evaluation_get_seconds (EngEvaluation *self)
{
  return self->seconds;
}

guint
eng_evaluation_get_n_samples (EngEvaluation *self)
{
  return self->n_samples;
}

const char *const *
eng_evaluation_get_notes (EngEvaluation *self)
{
  return (const char *const *)self->notes->pdata;
}

guint
eng_evaluation_get_n_metrics (EngEvaluation *self)
{
  return self->metrics->len;
}

const EngEvalMetric *
eng_evaluation_get_metric (EngEvaluation *self, guint index)
{
  g_return_val_if_fail (index < self->metrics->len, NULL);
  return self->metrics->pdata[index];
}

const EngEvalMetric *
eng_evaluation_find_metric (EngEvaluation *self, const char *id)
{
  for (guint i = 0; i < self->metrics->len; i++)
    {
      const EngEvalMetric *metric = self->metrics->pdata[i];
      if (strcmp (metric->metric, id) == 0)
        return metric;
    }
  return NULL;
}
