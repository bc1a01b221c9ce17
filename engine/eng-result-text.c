/* A result in words and in JSON. */
#include "eng-result-types.h"

#include <math.h>
#include <string.h>

#include "eng-json.h"

/* Lines of one text at most: the JSON has everything. */
#define MAX_LINES 20

static const char *const kind_names[] = { "labels", "boxes",  "points", "mask", "picture",
                                          "sound",  "series", "score",  "text", "tensors" };

const char *
eng_result_kind_name (EngResultKind kind)
{
  g_return_val_if_fail (kind < G_N_ELEMENTS (kind_names), NULL);
  return kind_names[kind];
}

/* ---- Words ---- */

/* Shares in per cent; other scores as they are. */
static void
add_score_text (GString *text, const EngScore *score)
{
  if (score->score >= 0 && score->score <= 1)
    g_string_append_printf (text, "%-24s %5.1f %%", score->label, 100 * score->score);
  else
    g_string_append_printf (text, "%-24s %8.3f", score->label, score->score);
}

static void
add_boxes_text (GString *text, EngResult *self)
{
  if (self->boxes->len == 0)
    g_string_append (text, "nothing found");
  for (guint i = 0; i < MIN (self->boxes->len, MAX_LINES); i++)
    {
      const EngBox *box = eng_result_get_box (self, i);
      g_string_append (text, i > 0 ? "\n" : "");
      add_score_text (text, &box->what);
      g_string_append_printf (text, "  x %.3f to %.3f, y %.3f to %.3f", (double)box->x0,
                              (double)box->x1, (double)box->y0, (double)box->y1);
    }
}

static int
compare_counts (const void *a, const void *b)
{
  const guint *x = a, *y = b;
  return (x[1] < y[1]) - (x[1] > y[1]);
}

static void
add_mask_text (GString *text, EngResult *self)
{
  guint n = self->mask_width * self->mask_height;
  guint counts[256][2] = { { 0 } };
  guint64 sum = 0;

  for (guint i = 0; i < n; i++)
    {
      counts[self->mask[i]][1]++;
      sum += self->mask[i];
    }
  if (self->soft)
    {
      g_string_append_printf (text, "foreground  %.1f %% of the picture",
                              100.0 * (double)sum / (255.0 * MAX (n, 1)));
      return;
    }
  for (guint i = 0; i < 256; i++)
    counts[i][0] = i;
  qsort (counts, 256, sizeof counts[0], compare_counts);
  for (guint i = 0; i < MAX_LINES && counts[i][1] > 0; i++)
    {
      const char *name = eng_result_get_class_name (self, counts[i][0]);
      g_autofree char *number = g_strdup_printf ("class %u", counts[i][0]);
      g_string_append_printf (text, "%s%-24s %5.1f %% of the picture", i > 0 ? "\n" : "",
                              name != NULL ? name : number, 100.0 * counts[i][1] / MAX (n, 1));
    }
}

/* Where a series lies above the threshold, or its least and most. */
static void
add_series_text (GString *text, EngResult *self, guint index)
{
  guint n;
  const double *values = eng_result_get_series (self, index, &n);
  double least = INFINITY, most = -INFINITY;
  guint n_spans = 0;

  for (guint i = 0; i < n; i++)
    {
      least = MIN (least, values[i]);
      most = MAX (most, values[i]);
    }
  g_string_append_printf (text, "%s: %u values", eng_result_get_series_name (self, index), n);
  if (n > 0)
    g_string_append_printf (text, " from %.3f to %.3f", least, most);
  for (guint i = 0; i < n && !isnan (self->threshold); i++)
    {
      guint from = i;
      if (!(values[i] >= self->threshold))
        continue;
      while (i < n && values[i] >= self->threshold)
        i++;
      if (n_spans++ < MAX_LINES)
        g_string_append_printf (text, "\n  %.2f s to %.2f s", self->start_s + from * self->step_s,
                                self->start_s + i * self->step_s);
    }
  if (n_spans > MAX_LINES)
    g_string_append_printf (text, "\n  and %u more", n_spans - MAX_LINES);
  if (!isnan (self->threshold) && n_spans == 0)
    g_string_append_printf (text, ", never above %.3g", self->threshold);
}

static gboolean
is_ever_above (EngResult *self, guint index)
{
  guint n;
  const double *values = eng_result_get_series (self, index, &n);
  for (guint i = 0; i < n; i++)
    if (values[i] >= self->threshold)
      return TRUE;
  return FALSE;
}

/* Of several with a threshold only those that reach it: what was heard. */
static void
add_all_series_text (GString *text, EngResult *self)
{
  gboolean chosen = self->series->len > 1 && !isnan (self->threshold);

  for (guint i = 0; i < self->series->len; i++)
    {
      if (chosen && !is_ever_above (self, i))
        continue;
      g_string_append (text, text->len > 0 ? "\n" : "");
      add_series_text (text, self, i);
    }
  if (chosen && text->len == 0)
    g_string_append_printf (text, "nothing above %.3g", self->threshold);
  if (!isnan (self->value))
    g_string_append_printf (text, "\nmean %.6g", self->value);
}

static void
add_output_text (GString *text, const EngOutputStats *stats)
{
  char shape[128];
  g_string_append_printf (text, "%s %s %s: %.6g to %.6g, mean %.6g, deviation %.6g", stats->name,
                          rt_type_name (stats->type),
                          rt_shape_text (&stats->shape, shape, sizeof shape), stats->min,
                          stats->max, stats->mean, stats->deviation);
  if (stats->n_not_finite > 0)
    g_string_append_printf (text, ", %" G_GUINT64_FORMAT " not finite", stats->n_not_finite);
  if (stats->n_first > 0)
    g_string_append (text, "\n ");
  for (guint i = 0; i < stats->n_first; i++)
    g_string_append_printf (text, " %.6g", stats->first[i]);
}

char *
eng_result_dup_text (EngResult *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  switch (self->kind)
    {
    case ENG_RESULT_LABELS:
      for (guint i = 0; i < MIN (self->scores->len, 5); i++)
        {
          g_string_append (text, i > 0 ? "\n" : "");
          add_score_text (text, eng_result_get_score (self, i));
        }
      break;
    case ENG_RESULT_BOXES:
      add_boxes_text (text, self);
      break;
    case ENG_RESULT_POINTS:
      g_string_append_printf (text, "%u points", self->points->len);
      if (!isnan (self->value))
        g_string_append_printf (text, ", score %.3f", self->value);
      break;
    case ENG_RESULT_MASK:
      add_mask_text (text, self);
      break;
    case ENG_RESULT_PICTURE:
      g_string_append_printf (text, "a picture of %u x %u pixels",
                              eng_picture_get_width (self->picture),
                              eng_picture_get_height (self->picture));
      break;
    case ENG_RESULT_SOUND:
      g_string_append_printf (text, "a sound of %.2f s at %u Hz",
                              (double)eng_sound_get_n_samples (self->sound)
                                  / eng_sound_get_rate (self->sound),
                              eng_sound_get_rate (self->sound));
      break;
    case ENG_RESULT_SERIES:
      add_all_series_text (text, self);
      break;
    case ENG_RESULT_SCORE:
      g_string_append_printf (text, "%.6g", self->value);
      if (!isnan (self->threshold))
        g_string_append_printf (text, " (%s %.6g)",
                                self->value >= self->threshold ? "at or above" : "below",
                                self->threshold);
      break;
    case ENG_RESULT_TEXT:
      g_string_append (text, self->text);
      break;
    case ENG_RESULT_TENSORS:
      for (guint i = 0; i < MIN (self->outputs->len, MAX_LINES); i++)
        {
          g_string_append (text, i > 0 ? "\n" : "");
          add_output_text (text, eng_result_get_output (self, i));
        }
      break;
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* ---- JSON ---- */

static void
begin (JsonBuilder *builder, const char *name)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
}

static void
write_score (JsonBuilder *builder, const EngScore *score)
{
  eng_json_add_int (builder, "class", score->index);
  eng_json_add_string (builder, "label", score->label);
  eng_json_add_double (builder, "score", score->score);
}

static void
write_points (JsonBuilder *builder, const EngPoint *points, guint n)
{
  begin (builder, "points");
  for (guint i = 0; i < n; i++)
    {
      json_builder_begin_object (builder);
      eng_json_add_double (builder, "x", (double)points[i].x);
      eng_json_add_double (builder, "y", (double)points[i].y);
      if (!isnan (points[i].score))
        eng_json_add_double (builder, "score", (double)points[i].score);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
write_box (JsonBuilder *builder, const EngBox *box)
{
  json_builder_begin_object (builder);
  write_score (builder, &box->what);
  eng_json_add_double (builder, "x0", (double)box->x0);
  eng_json_add_double (builder, "y0", (double)box->y0);
  eng_json_add_double (builder, "x1", (double)box->x1);
  eng_json_add_double (builder, "y1", (double)box->y1);
  if (box->n_points > 0)
    write_points (builder, box->points, box->n_points);
  json_builder_end_object (builder);
}

static void
write_series (JsonBuilder *builder, EngResult *self)
{
  eng_json_add_double (builder, "start_s", self->start_s);
  eng_json_add_double (builder, "step_s", self->step_s);
  begin (builder, "series");
  for (guint i = 0; i < self->series->len; i++)
    {
      guint n;
      const double *values = eng_result_get_series (self, i, &n);
      json_builder_begin_object (builder);
      eng_json_add_string (builder, "name", eng_result_get_series_name (self, i));
      begin (builder, "values");
      for (guint k = 0; k < n; k++)
        if (isfinite (values[k]))
          json_builder_add_double_value (builder, values[k]);
        else
          json_builder_add_null_value (builder);
      json_builder_end_array (builder);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

static void
write_output (JsonBuilder *builder, const EngOutputStats *stats)
{
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "name", stats->name);
  eng_json_add_string (builder, "type", rt_type_name (stats->type));
  begin (builder, "shape");
  for (guint i = 0; i < stats->shape.n_dims; i++)
    json_builder_add_int_value (builder, stats->shape.dims[i]);
  json_builder_end_array (builder);
  eng_json_add_double (builder, "min", stats->min);
  eng_json_add_double (builder, "max", stats->max);
  eng_json_add_double (builder, "mean", stats->mean);
  eng_json_add_double (builder, "deviation", stats->deviation);
  eng_json_add_int (builder, "not_finite", (gint64)stats->n_not_finite);
  begin (builder, "first");
  for (guint i = 0; i < stats->n_first; i++)
    if (isfinite (stats->first[i]))
      json_builder_add_double_value (builder, stats->first[i]);
    else
      json_builder_add_null_value (builder);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
write_lists (JsonBuilder *builder, EngResult *self)
{
  if (self->kind == ENG_RESULT_LABELS)
    {
      begin (builder, "labels");
      for (guint i = 0; i < self->scores->len; i++)
        {
          json_builder_begin_object (builder);
          write_score (builder, eng_result_get_score (self, i));
          json_builder_end_object (builder);
        }
      json_builder_end_array (builder);
    }
  if (self->kind == ENG_RESULT_BOXES)
    {
      begin (builder, "boxes");
      for (guint i = 0; i < self->boxes->len; i++)
        write_box (builder, eng_result_get_box (self, i));
      json_builder_end_array (builder);
    }
  if (self->kind == ENG_RESULT_POINTS)
    write_points (builder, (const EngPoint *)self->points->data, self->points->len);
  if (self->kind == ENG_RESULT_TENSORS)
    {
      begin (builder, "outputs");
      for (guint i = 0; i < self->outputs->len; i++)
        write_output (builder, eng_result_get_output (self, i));
      json_builder_end_array (builder);
    }
  if (self->kind == ENG_RESULT_SERIES)
    write_series (builder, self);
}

char *
eng_result_to_json (EngResult *self)
{
  JsonBuilder *builder = json_builder_new ();
  g_autofree char *text = eng_result_dup_text (self);

  json_builder_begin_object (builder);
  eng_json_add_string (builder, "kind", eng_result_kind_name (self->kind));
  if (self->input != NULL)
    eng_json_add_string (builder, "input", eng_input_get_name (self->input));
  eng_json_add_string (builder, "text", text);
  write_lists (builder, self);
  if (!isnan (self->value))
    eng_json_add_double (builder, "value", self->value);
  if (!isnan (self->threshold))
    eng_json_add_double (builder, "threshold", self->threshold);
  if (self->mask != NULL)
    {
      eng_json_add_int (builder, "mask_width", self->mask_width);
      eng_json_add_int (builder, "mask_height", self->mask_height);
    }
  if (self->picture != NULL)
    {
      eng_json_add_int (builder, "picture_width", eng_picture_get_width (self->picture));
      eng_json_add_int (builder, "picture_height", eng_picture_get_height (self->picture));
    }
  if (self->sound != NULL)
    {
      eng_json_add_int (builder, "sound_samples", (gint64)eng_sound_get_n_samples (self->sound));
      eng_json_add_int (builder, "sound_rate_hz", eng_sound_get_rate (self->sound));
    }
  json_builder_end_object (builder);
  return eng_json_builder_finish (builder, FALSE);
}
