/* Task: boxes with scores, and points where the network gives some. Decoding and suppression are
 * nodes behind the network (eng-detect.c); here the chosen boxes are read.
 *
 * Card: "decoder" says how the outputs are boxes, "score" and "overlap" are the thresholds (0.5,
 * 0.3), "max" boxes of a class are kept (100), "labels" name the classes, "points" the number of
 * points. Outputs are named by "boxes" and "scores", or numbered by "boxes_output" and
 * "scores_output".
 *
 *   anchors   outputs "boxes" [1, N, 4 + 2 points] and "scores" [1, N, 1], logits: MediaPipe's;
 *             "strides", "per_cell", "scale" (of the box's numbers, in pixels)
 *   cells     YuNet: for "strides" as many outputs each: classes, objectness, boxes, points
 *   corners   outputs "boxes" [1, N, 4] (x0, y0, x1, y1 in shares) and "scores" [1, N, classes];
 *             "first_class" skips a background
 *   centres   output "boxes" [1, N, 5 + classes]: x, y, width, height in pixels, objectness,
 *             classes
 *   ssd       the file chooses by itself: boxes (y0, x0, y1, x1 in shares), classes, scores,
 *             count */
#include "tasks/eng-tasks.h"

#include <math.h>
#include <stdlib.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-result-private.h"
#include "tasks/eng-detect.h"

typedef struct
{
  float x0, y0, x1, y1; /* shares of the network's picture */
  float score;
  guint class_index;
  EngPoint points[ENG_DETECT_MAX_POINTS];
} Found;

static gboolean
is_ssd (EngCard *card)
{
  return g_strcmp0 (eng_json_get_string (eng_card_get_task_options (card), "decoder"), "ssd") == 0;
}

static const EngDecoder *
find_decoder (EngCard *card)
{
  return eng_decoder_find (eng_json_get_string (eng_card_get_task_options (card), "decoder"));
}

static guint
n_points_of (EngCard *card)
{
  return eng_card_count (eng_card_get_task_options (card), "points", 0);
}

/* ---- Making ---- */

static gboolean
add_choice (EngSurround *s, const EngDecoder *decoder, const EngDetectNodes *nodes, GError **error)
{
  JsonObject *options = eng_card_get_task_options (s->card);
  RtNmsAttrs nms = { .max_per_class = (int64_t)eng_card_count (options, "max", 100),
                     .iou_threshold = (float)eng_card_number (options, "overlap", 0.3),
                     .has_score_threshold = 1,
                     .score_threshold = (float)eng_card_number (options, "score", 0.5),
                     .center_box = decoder->order == ENG_BOX_CENTRE };
  RtSliceAttrs corners = { 1, { 2 }, { 0 }, { 4 }, { 1 } };
  RtValueId boxes = nodes->boxes;

  if (n_points_of (s->card) > 0)
    boxes = eng_surround_add (s, TRUE, "lathe.corners", "slice", &boxes, 1, &corners, error);
  RtValueId inputs[2] = { boxes, nodes->scores };
  RtValueId chosen = eng_surround_add (s, TRUE, "lathe.suppress", "nms", inputs, 2, &nms, error);
  RtValueId outputs[4]
      = { chosen, eng_surround_sibling (s, chosen, 1), nodes->boxes, nodes->scores };
  return eng_surround_set_outputs (s, outputs, 4);
}

static gboolean
surround (EngSurround *s, GError **error)
{
  const EngDecoder *decoder = find_decoder (s->card);
  EngDetectNodes nodes = { RT_NONE, RT_NONE };

  if (is_ssd (s->card))
    return TRUE;
  if (decoder == NULL || n_points_of (s->card) > ENG_DETECT_MAX_POINTS)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card %s: \"decoder\" is not one of anchors, cells, corners, "
                   "centres, ssd, or there are more than %u points",
                   eng_card_get_origin (s->card), ENG_DETECT_MAX_POINTS);
      return FALSE;
    }
  return decoder->add (s, &nodes, error) && add_choice (s, decoder, &nodes, error);
}

/* ---- Reading ---- */

static void
read_box (EngTaskRun *run, const EngDecoder *decoder, const float *row, guint n_points,
          Found *found)
{
  guint width = 1, height = 1;

  switch (decoder->order)
    {
    case ENG_BOX_YXYX:
      *found = (Found){ row[1], row[0], row[3], row[2] };
      break;
    case ENG_BOX_XYXY:
      *found = (Found){ row[0], row[1], row[2], row[3] };
      break;
    case ENG_BOX_CENTRE:
      eng_detect_picture_size (eng_model_get_imported (run->model), &width, &height);
      *found
          = (Found){ (row[0] - row[2] / 2) / (float)width, (row[1] - row[3] / 2) / (float)height,
                     (row[0] + row[2] / 2) / (float)width, (row[1] + row[3] / 2) / (float)height };
      break;
    default:
      g_return_if_reached ();
    }
  for (guint k = 0; k < n_points; k++)
    found->points[k] = (EngPoint){ row[5 + 2 * k], row[4 + 2 * k], NAN };
}

static void
read_chosen (EngTaskRun *run, GArray *list)
{
  const gint64 *rows = rt_exec_value (run->exec, run->outputs[0]);
  const gint64 *n_rows = rt_exec_value (run->exec, run->outputs[1]);
  const float *boxes = rt_exec_value (run->exec, run->outputs[2]);
  const float *scores = rt_exec_value (run->exec, run->outputs[3]);
  const RtShape *shape = &rt_graph_value (run->graph, run->outputs[2])->shape;

  for (gint64 i = 0; i < *n_rows; i++)
    {
      gint64 class = rows[3 * i + 1], box = rows[3 * i + 2];
      Found found;
      read_box (run, find_decoder (run->card), boxes + box * shape->dims[2],
                n_points_of (run->card), &found);
      found.class_index = (guint) class;
      found.score = scores[class * shape->dims[1] + box];
      g_array_append_val (list, found);
    }
}

static void
read_ssd (EngTaskRun *run, GArray *list)
{
  double least = eng_card_number (eng_card_get_task_options (run->card), "score", 0.5);
  gsize n_boxes, n_classes, n, n_count;
  g_autofree float *boxes = eng_task_dup_output (run, 0, &n_boxes, NULL);
  g_autofree float *classes = eng_task_dup_output (run, 1, &n_classes, NULL);
  g_autofree float *scores = eng_task_dup_output (run, 2, &n, NULL);
  g_autofree float *count = eng_task_dup_output (run, 3, &n_count, NULL);

  if (n_count < 1 || n_boxes != 4 * n || n_classes != n)
    return;
  for (gsize i = 0; i < n && (float)i < count[0]; i++)
    {
      const float *box = boxes + 4 * i;
      Found found
          = { box[1], box[0], box[3], box[2], scores[i], (guint)CLAMP (classes[i], 0, 65535) };
      if ((double)found.score >= least)
        g_array_append_val (list, found);
    }
}

static int
better (const void *a, const void *b)
{
  const Found *x = a, *y = b;
  return (x->score < y->score) - (x->score > y->score);
}

static void
cut_to_picture (Found *found)
{
  found->x0 = CLAMP (found->x0, 0, 1);
  found->y0 = CLAMP (found->y0, 0, 1);
  found->x1 = CLAMP (found->x1, 0, 1);
  found->y1 = CLAMP (found->y1, 0, 1);
}

static void
add_box (EngTaskRun *run, EngResult *result, Found *found, const char *const *labels)
{
  guint n_labels = g_strv_length ((GStrv)labels), n_points = n_points_of (run->card);

  eng_task_map_point (run, &found->x0, &found->y0);
  eng_task_map_point (run, &found->x1, &found->y1);
  cut_to_picture (found);
  for (guint i = 0; i < n_points; i++)
    eng_task_map_point (run, &found->points[i].x, &found->points[i].y);
  EngBox box
      = { found->x0,
          found->y0,
          found->x1,
          found->y1,
          { found->class_index, found->class_index < n_labels ? labels[found->class_index] : NULL,
            (double)found->score },
          n_points,
          n_points > 0 ? found->points : NULL };
  eng_result_add_box (result, &box);
}

static EngResult *
finish (EngTaskRun *run)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (Found));
  g_auto (GStrv) labels = eng_json_dup_strv (eng_card_get_task_options (run->card), "labels");

  if (run->bare || (is_ssd (run->card) && run->n_outputs < 4))
    return eng_task_tensor.finish (run);
  if (is_ssd (run->card))
    read_ssd (run, list);
  else
    read_chosen (run, list);
  if (list->len > 1)
    qsort (list->data, list->len, sizeof (Found), better);
  EngResult *result = eng_result_new (ENG_RESULT_BOXES, run->input);
  for (guint i = 0; i < list->len; i++)
    add_box (run, result, &g_array_index (list, Found, i), (const char *const *)labels);
  return result;
}

const EngTask eng_task_detect = {
  .id = "detect",
  .title = "Detection",
  .surround = surround,
  .finish = finish,
};
