/* Task: boxes with scores, and points where the network gives some.
 *
 * Card: "decoder" says how the outputs are boxes, "score" and "overlap" are the thresholds (0.5, 0.3),
 * "max" boxes are kept (100), "labels" name the classes, "points" the number of points.
 *
 * Outputs are named by "boxes" and "scores", or numbered by "boxes_output" and "scores_output".
 *
 *   anchors   outputs "boxes" [1, N, 4 + 2 points] and "scores" [1, N, 1]: MediaPipe's BlazeFace;
 *             "strides", "per_cell", "scale" (of the box's numbers, in pixels)
 *   cells     YuNet: outputs "cls_8", "obj_8", "bbox_8", "kps_8" and so on for "strides"
 *   corners   outputs "boxes" [1, N, 4] (x0, y0, x1, y1 in shares) and "scores" [1, N, classes];
 *             "first_class" skips a background
 *   centres   output "boxes" [1, N, 5 + classes]: x, y, width, height in pixels, objectness, classes
 *   ssd       four outputs: boxes (y0, x0, y1, x1 in shares), classes, scores, count */
#include "tasks/eng-tasks.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-result-private.h"
#include "tasks/eng-boxes.h"

#define MAX_LAYERS 16

typedef struct
{
  EngTaskRun *run;
  JsonObject *options;
  guint width, height; /* of the network's picture */
  double score;
  guint n_points;
  GArray *candidates;
} Detecting;

typedef gboolean (*Decode) (Detecting *self);

static guint
find_output (Detecting *self, const char *option)
{
  g_autofree char *place = g_strconcat (option, "_output", NULL);
  const char *name = eng_json_get_string (self->options, option);
  double at = eng_card_number (self->options, place, -1);
  if (at >= 0 && at < self->run->n_outputs)
    return (guint)at;
  return eng_task_find_output (self->run, name != NULL ? name : option);
}

static guint
read_strides (JsonObject *options, guint *strides)
{
  JsonArray *list = eng_json_get_array (options, "strides");
  guint n = list != NULL ? MIN (json_array_get_length (list), MAX_LAYERS) : 0;
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      strides[i]
          = JSON_NODE_HOLDS_VALUE (node) ? (guint)CLAMP (json_node_get_int (node), 1, 4096) : 1;
    }
  return n;
}

static double
sigmoid (double x)
{
  return 1 / (1 + exp (-CLAMP (x, -100.0, 100.0)));
}

static gboolean
decode_anchors (Detecting *self)
{
  guint strides[MAX_LAYERS], n_anchors;
  guint n_layers = read_strides (self->options, strides);
  guint boxes_at = find_output (self, "boxes"), scores_at = find_output (self, "scores");
  if (n_layers == 0 || boxes_at == G_MAXUINT || scores_at == G_MAXUINT)
    return FALSE;

  gsize n_boxes, n_scores, width = 4 + 2 * self->n_points;
  g_autofree float *boxes = eng_task_dup_output (self->run, boxes_at, &n_boxes, NULL);
  g_autofree float *scores = eng_task_dup_output (self->run, scores_at, &n_scores, NULL);
  g_autofree float *anchors
      = eng_boxes_anchors (self->width, self->height, strides, n_layers,
                           (guint)eng_card_number (self->options, "per_cell", 1), &n_anchors);
  float scale = (float)eng_card_number (self->options, "scale", self->width);
  if (n_anchors != n_scores || n_boxes != width * n_scores)
    return FALSE;
  for (gsize i = 0; i < n_scores; i++)
    {
      double score = sigmoid ((double)scores[i]);
      const float *raw = boxes + i * width, *anchor = anchors + 2 * i;
      if (score < self->score)
        continue;
      float x = raw[0] / scale + anchor[0], y = raw[1] / scale + anchor[1];
      float w = raw[2] / scale, h = raw[3] / scale;
      EngCandidate box
          = { x - w / 2, y - h / 2, x + w / 2, y + h / 2, (float)score, 0, self->n_points };
      for (guint k = 0; k < self->n_points; k++)
        box.points[k] = (EngPoint){ raw[4 + 2 * k] / scale + anchor[0],
                                    raw[5 + 2 * k] / scale + anchor[1], NAN };
      g_array_append_val (self->candidates, box);
    }
  return TRUE;
}

static gboolean
decode_cells_of (Detecting *self, guint stride)
{
  static const char *const kinds[] = { "cls", "obj", "bbox", "kps" };
  float *values[4] = { NULL };
  gsize n[4];
  guint columns = self->width / stride, n_cells = columns * (self->height / stride);
  gboolean ok = TRUE;

  for (guint i = 0; i < 4 && ok; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s_%u", kinds[i], stride);
      guint at = eng_task_find_output (self->run, name);
      ok = at != G_MAXUINT;
      if (ok)
        values[i] = eng_task_dup_output (self->run, at, &n[i], NULL);
    }
  ok = ok && n[0] == n_cells && n[1] == n_cells && n[2] == 4 * n_cells
       && n[3] == 2 * (gsize)self->n_points * n_cells;
  for (guint i = 0; ok && i < n_cells; i++)
    {
      double score
          = sqrt (CLAMP ((double)values[0][i], 0.0, 1.0) * CLAMP ((double)values[1][i], 0.0, 1.0));
      const float *box = values[2] + 4 * i, *points = values[3] + 2 * self->n_points * i;
      float column = (float)(i % columns), row = (float)(i / columns);
      float to_x = (float)stride / (float)self->width, to_y = (float)stride / (float)self->height;
      if (score < self->score)
        continue;
      float x = (column + box[0]) * to_x, y = (row + box[1]) * to_y;
      float w = expf (box[2]) * to_x, h = expf (box[3]) * to_y;
      EngCandidate candidate
          = { x - w / 2, y - h / 2, x + w / 2, y + h / 2, (float)score, 0, self->n_points };
      for (guint k = 0; k < self->n_points; k++)
        candidate.points[k]
            = (EngPoint){ (column + points[2 * k]) * to_x, (row + points[2 * k + 1]) * to_y, NAN };
      g_array_append_val (self->candidates, candidate);
    }
  for (guint i = 0; i < 4; i++)
    g_free (values[i]);
  return ok;
}

static gboolean
decode_cells (Detecting *self)
{
  guint strides[MAX_LAYERS], n = read_strides (self->options, strides);
  for (guint i = 0; i < n; i++)
    if (!decode_cells_of (self, strides[i]))
      return FALSE;
  return n > 0;
}

static gboolean
decode_corners (Detecting *self)
{
  guint boxes_at = find_output (self, "boxes"), scores_at = find_output (self, "scores");
  guint first = (guint)eng_card_number (self->options, "first_class", 0);
  if (boxes_at == G_MAXUINT || scores_at == G_MAXUINT)
    return FALSE;

  gsize n_boxes, n_scores;
  g_autofree float *boxes = eng_task_dup_output (self->run, boxes_at, &n_boxes, NULL);
  g_autofree float *scores = eng_task_dup_output (self->run, scores_at, &n_scores, NULL);
  gsize n = n_boxes / 4, n_classes = n > 0 ? n_scores / n : 0;
  if (n * 4 != n_boxes || n_classes * n != n_scores || n_classes <= first)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    for (gsize c = first; c < n_classes; c++)
      {
        const float *box = boxes + 4 * i;
        EngCandidate candidate
            = { box[0], box[1], box[2], box[3], scores[i * n_classes + c], (guint)(c - first) };
        if ((double)candidate.score >= self->score)
          g_array_append_val (self->candidates, candidate);
      }
  return TRUE;
}

static gboolean
decode_centres (Detecting *self)
{
  RtShape shape;
  gsize n_values;
  guint at = find_output (self, "boxes");
  if (at == G_MAXUINT)
    at = 0;
  g_autofree float *values = eng_task_dup_output (self->run, at, &n_values, &shape);
  gsize width = shape.n_dims > 0 ? (gsize)shape.dims[shape.n_dims - 1] : 0;
  if (width < 6)
    return FALSE;
  for (gsize i = 0; i < n_values / width; i++)
    {
      const float *row = values + i * width;
      gsize best = 5;
      for (gsize c = 6; c < width; c++)
        if (row[c] > row[best])
          best = c;
      float x = row[0] / (float)self->width, y = row[1] / (float)self->height;
      float w = row[2] / (float)self->width, h = row[3] / (float)self->height;
      EngCandidate candidate
          = { x - w / 2, y - h / 2, x + w / 2, y + h / 2, row[4] * row[best], (guint)(best - 5) };
      if ((double)candidate.score >= self->score)
        g_array_append_val (self->candidates, candidate);
    }
  return TRUE;
}

static gboolean
decode_ssd (Detecting *self)
{
  if (self->run->n_outputs < 4)
    return FALSE;
  gsize n_boxes, n_classes, n_scores, n_count;
  g_autofree float *boxes = eng_task_dup_output (self->run, 0, &n_boxes, NULL);
  g_autofree float *classes = eng_task_dup_output (self->run, 1, &n_classes, NULL);
  g_autofree float *scores = eng_task_dup_output (self->run, 2, &n_scores, NULL);
  g_autofree float *count = eng_task_dup_output (self->run, 3, &n_count, NULL);
  if (n_count < 1 || n_boxes != 4 * n_scores || n_classes != n_scores)
    return FALSE;
  for (gsize i = 0; i < n_scores && (float)i < count[0]; i++)
    {
      const float *box = boxes + 4 * i;
      EngCandidate candidate
          = { box[1], box[0], box[3], box[2], scores[i], (guint)CLAMP (classes[i], 0, 65535) };
      if ((double)candidate.score >= self->score)
        g_array_append_val (self->candidates, candidate);
    }
  return TRUE;
}

static const struct
{
  const char *name;
  Decode decode;
} decoders[] = {
  { "anchors", decode_anchors }, { "cells", decode_cells }, { "corners", decode_corners },
  { "centres", decode_centres }, { "ssd", decode_ssd },
};

static Decode
find_decoder (EngCard *card)
{
  const char *name = eng_json_get_string (eng_card_get_task_options (card), "decoder");
  for (guint i = 0; i < G_N_ELEMENTS (decoders); i++)
    if (g_strcmp0 (decoders[i].name, name) == 0)
      return decoders[i].decode;
  return NULL;
}

static gboolean
surround (EngSurround *s, GError **error)
{
  guint n_points = (guint)eng_card_number (eng_card_get_task_options (s->card), "points", 0);
  if (find_decoder (s->card) != NULL && n_points <= ENG_BOX_MAX_POINTS)
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
               "The network card %s: \"decoder\" is not one of anchors, cells, corners, centres, "
               "ssd, or there are more than %u points",
               eng_card_get_origin (s->card), ENG_BOX_MAX_POINTS);
  return FALSE;
}

/* The size that boxes are counted in: the picture input's, as the network sees it. */
static void
find_picture_size (Detecting *self)
{
  const EngImported *imported = eng_model_get_imported (self->run->model);
  const RtShape *shape = &rt_graph_value (imported->graph, imported->inputs[0].value)->shape;
  gboolean last = shape->n_dims == 4 && (shape->dims[3] == 1 || shape->dims[3] == 3);
  self->height = shape->n_dims == 4 ? (guint)shape->dims[last ? 1 : 2] : 1;
  self->width = shape->n_dims == 4 ? (guint)shape->dims[last ? 2 : 3] : 1;
}

static void
add_box (EngTaskRun *run, EngResult *result, EngCandidate *from, const char *const *labels)
{
  guint n_labels = labels != NULL ? g_strv_length ((GStrv)labels) : 0;
  eng_task_map_point (run, &from->x0, &from->y0);
  eng_task_map_point (run, &from->x1, &from->y1);
  for (guint i = 0; i < from->n_points; i++)
    eng_task_map_point (run, &from->points[i].x, &from->points[i].y);
  EngBox box
      = { from->x0,
          from->y0,
          from->x1,
          from->y1,
          { from->class_index, from->class_index < n_labels ? labels[from->class_index] : NULL,
            (double)from->score },
          from->n_points,
          from->points };
  eng_result_add_box (result, &box);
}

static EngResult *
finish (EngTaskRun *run)
{
  JsonObject *options = eng_card_get_task_options (run->card);
  g_autoptr (GArray) candidates = g_array_new (FALSE, FALSE, sizeof (EngCandidate));
  g_auto (GStrv) labels = eng_json_dup_strv (options, "labels");
  Detecting self = { .run = run,
                     .options = options,
                     .score = eng_card_number (options, "score", 0.5),
                     .n_points = (guint)eng_card_number (options, "points", 0),
                     .candidates = candidates };
  EngResult *result = eng_result_new (ENG_RESULT_BOXES, run->input);

  find_picture_size (&self);
  if (!find_decoder (run->card) (
          &self)) /* the card does not fit this network: show what it gives */
    {
      eng_result_unref (result);
      return eng_task_tensor.finish (run);
    }
  eng_boxes_suppress (candidates, eng_card_number (options, "overlap", 0.3),
                      (guint)eng_card_number (options, "max", 100));
  for (guint i = 0; i < candidates->len; i++)
    add_box (run, result, &g_array_index (candidates, EngCandidate, i),
             (const char *const *)labels);
  return result;
}

const EngTask eng_task_detect = {
  .id = "detect",
  .title = "Detection",
  .surround = surround,
  .finish = finish,
};
