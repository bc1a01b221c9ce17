/* The result as a value: what tasks put in, what views and exports read out. Its words and its JSON
 * are in eng-result-text.c. */
#include "eng-result-types.h"

#include <math.h>
#include <string.h>

G_DEFINE_BOXED_TYPE (EngResult, eng_result, eng_result_ref, eng_result_unref)

static void
box_clear (gpointer data)
{
  EngBox *box = data;
  g_free ((gpointer)box->what.label);
  g_free ((gpointer)box->points);
}

static void
score_clear (gpointer data)
{
  g_free ((gpointer)((EngScore *)data)->label);
}

static void
series_clear (gpointer data)
{
  EngSeries *series = data;
  g_free (series->name);
  g_free (series->values);
}

static void
output_clear (gpointer data)
{
  EngOutputStats *stats = data;
  g_free ((gpointer)stats->name);
  g_free ((gpointer)stats->first);
}

static GArray *
list_new (gsize bytes, GDestroyNotify clear)
{
  GArray *list = g_array_new (FALSE, FALSE, (guint)bytes);
  if (clear != NULL)
    g_array_set_clear_func (list, clear);
  return list;
}

EngResult *
eng_result_new (EngResultKind kind, EngInput *input)
{
  EngResult *self = g_new0 (EngResult, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->kind = kind;
  self->input = input != NULL ? eng_input_ref (input) : NULL;
  self->scores = list_new (sizeof (EngScore), score_clear);
  self->boxes = list_new (sizeof (EngBox), box_clear);
  self->points = list_new (sizeof (EngPoint), NULL);
  self->edges = g_byte_array_new ();
  self->series = list_new (sizeof (EngSeries), series_clear);
  self->outputs = list_new (sizeof (EngOutputStats), output_clear);
  self->value = self->threshold = NAN;
  return self;
}

EngResult *
eng_result_ref (EngResult *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_result_unref (EngResult *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->input, eng_input_unref);
  g_clear_pointer (&self->picture, eng_picture_unref);
  g_clear_pointer (&self->sound, eng_sound_unref);
  g_array_unref (self->scores);
  g_array_unref (self->boxes);
  g_array_unref (self->points);
  g_byte_array_unref (self->edges);
  g_array_unref (self->series);
  g_array_unref (self->outputs);
  g_strfreev (self->class_names);
  g_free (self->mask);
  g_free (self->text);
  g_free (self);
}

/* ---- Making ---- */

void
eng_result_add_score (EngResult *self, guint index, const char *label, double score)
{
  EngScore copy = { index, label != NULL ? g_strdup (label) : g_strdup_printf ("class %u", index),
                    score };
  g_array_append_val (self->scores, copy);
}

void
eng_result_add_box (EngResult *self, const EngBox *box)
{
  EngBox copy = *box;
  copy.what.label = box->what.label != NULL ? g_strdup (box->what.label)
                                            : g_strdup_printf ("class %u", box->what.index);
  copy.points = box->n_points > 0
                    ? g_memdup2 (box->points, box->n_points * sizeof (EngPoint))
                    : NULL;
  g_array_append_val (self->boxes, copy);
}

void
eng_result_add_point (EngResult *self, const EngPoint *point)
{
  g_array_append_vals (self->points, point, 1);
}

void
eng_result_set_edges (EngResult *self, const guint8 *edges, guint n_edges)
{
  g_byte_array_set_size (self->edges, 0);
  g_byte_array_append (self->edges, edges, 2 * n_edges);
}

void
eng_result_take_mask (EngResult *self, guint8 *mask, guint width, guint height, gboolean soft)
{
  g_free (self->mask);
  self->mask = mask;
  self->mask_width = width;
  self->mask_height = height;
  self->soft = soft;
}

void
eng_result_set_class_names (EngResult *self, const char *const *names)
{
  g_strfreev (self->class_names);
  self->class_names = g_strdupv ((GStrv)names);
}

void
eng_result_set_picture (EngResult *self, EngPicture *picture)
{
  g_clear_pointer (&self->picture, eng_picture_unref);
  self->picture = eng_picture_ref (picture);
}

void
eng_result_set_frame (EngResult *self, const double frame[4], guint width, guint height)
{
  memcpy (self->frame, frame, sizeof self->frame);
  self->frame_width = width;
  self->frame_height = height;
}

void
eng_result_get_frame (EngResult *self, double frame[4], guint *width, guint *height)
{
  static const double all[4] = { 0, 0, 1, 1 };

  memcpy (frame, self->frame_width > 0 ? self->frame : all, sizeof all);
  *width = self->frame_width;
  *height = self->frame_height;
}

void
eng_result_set_sound (EngResult *self, EngSound *sound)
{
  g_clear_pointer (&self->sound, eng_sound_unref);
  self->sound = eng_sound_ref (sound);
}

void
eng_result_add_series (EngResult *self, const char *name, const double *values, guint n)
{
  EngSeries series = { g_strdup (name), n, g_memdup2 (values, n * sizeof *values) };
  g_array_append_val (self->series, series);
}

void
eng_result_set_series_times (EngResult *self, double start_s, double step_s)
{
  self->start_s = start_s;
  self->step_s = step_s;
}

void
eng_result_set_value (EngResult *self, double value, double threshold)
{
  self->value = value;
  self->threshold = threshold;
}

void
eng_result_set_text (EngResult *self, const char *text)
{
  g_free (self->text);
  self->text = g_strdup (text);
}

void
eng_result_add_output (EngResult *self, const EngOutputStats *stats)
{
  EngOutputStats copy = *stats;
  copy.name = g_strdup (stats->name);
  copy.first = g_memdup2 (stats->first, stats->n_first * sizeof *stats->first);
  g_array_append_val (self->outputs, copy);
}

/* ---- Looking ---- */

EngResultKind
eng_result_get_kind (EngResult *self)
{
  return self->kind;
}

EngInput *
eng_result_get_input (EngResult *self)
{
  return self->input;
}

guint
eng_result_get_n_scores (EngResult *self)
{
  return self->scores->len;
}

const EngScore *
eng_result_get_score (EngResult *self, guint index)
{
  g_return_val_if_fail (index < self->scores->len, NULL);
  return &g_array_index (self->scores, EngScore, index);
}

guint
eng_result_get_n_boxes (EngResult *self)
{
  return self->boxes->len;
}

const EngBox *
eng_result_get_box (EngResult *self, guint index)
{
  g_return_val_if_fail (index < self->boxes->len, NULL);
  return &g_array_index (self->boxes, EngBox, index);
}

const EngPoint *
eng_result_get_points (EngResult *self, guint *n)
{
  *n = self->points->len;
  return (const EngPoint *)self->points->data;
}

const guint8 *
eng_result_get_edges (EngResult *self, guint *n)
{
  *n = self->edges->len / 2;
  return self->edges->data;
}

const guint8 *
eng_result_get_mask (EngResult *self, guint *width, guint *height, gboolean *soft)
{
  *width = self->mask_width;
  *height = self->mask_height;
  *soft = self->soft;
  return self->mask;
}

const char *
eng_result_get_class_name (EngResult *self, guint index)
{
  guint n = self->class_names != NULL ? g_strv_length (self->class_names) : 0;
  return index < n ? self->class_names[index] : NULL;
}

EngPicture *
eng_result_get_picture (EngResult *self)
{
  return self->picture;
}

EngSound *
eng_result_get_sound (EngResult *self)
{
  return self->sound;
}

guint
eng_result_get_n_series (EngResult *self)
{
  return self->series->len;
}

const char *
eng_result_get_series_name (EngResult *self, guint index)
{
  g_return_val_if_fail (index < self->series->len, NULL);
  return g_array_index (self->series, EngSeries, index).name;
}

const double *
eng_result_get_series (EngResult *self, guint index, guint *n)
{
  g_return_val_if_fail (index < self->series->len, NULL);
  const EngSeries *series = &g_array_index (self->series, EngSeries, index);
  *n = series->n;
  return series->values;
}

void
eng_result_get_series_times (EngResult *self, double *start_s, double *step_s)
{
  *start_s = self->start_s;
  *step_s = self->step_s;
}

double
eng_result_get_threshold (EngResult *self)
{
  return self->threshold;
}

double
eng_result_get_value (EngResult *self)
{
  return self->value;
}

guint
eng_result_get_n_outputs (EngResult *self)
{
  return self->outputs->len;
}

const EngOutputStats *
eng_result_get_output (EngResult *self, guint index)
{
  g_return_val_if_fail (index < self->outputs->len, NULL);
  return &g_array_index (self->outputs, EngOutputStats, index);
}
