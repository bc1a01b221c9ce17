/* TFLite's post-processing of a single-shot detector: boxes of anchors, the best classes,
 * non-maximum suppression, the best detections. Anchors first, then (regular form) classes, on all
 * threads. */
#include <stdlib.h>

#include "rt-nms.h"
#include "rt-op-move.h"

/* Columns of a row of scores that are not classes: the background. */
static uint32_t
n_background (const RtDetectionsAttrs *attrs, int64_t n_scores)
{
  return (uint32_t)(n_scores - attrs->n_classes);
}

static bool
detections_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                  RtError *error)
{
  const RtDetectionsAttrs *attrs = node->attrs;
  const RtValue *inputs[3];
  char a[128], b[128], c[128];

  for (uint32_t i = 0; i < 3; i++)
    {
      inputs[i] = rt_move_input (graph, node, i, error);
      if (inputs[i] == NULL || !rt_move_check_type (inputs[i], RT_TYPE_F32, error)
          || !rt_move_check_shape (&inputs[i]->shape, error))
        return false;
    }
  const RtShape *boxes = &inputs[0]->shape, *scores = &inputs[1]->shape;
  const RtShape *anchors = &inputs[2]->shape;
  if (boxes->n_dims != 3 || scores->n_dims != 3 || anchors->n_dims != 2 || boxes->dims[0] != 1
      || scores->dims[0] != 1 || boxes->dims[2] != 4 || anchors->dims[1] != 4
      || scores->dims[1] != boxes->dims[1] || anchors->dims[0] != boxes->dims[1])
    return rt_fail (error, RT_ERROR_FORMAT,
                    "expected boxes [1, N, 4], scores [1, N, C] and anchors [N, 4], got %s, %s and "
                    "%s",
                    rt_shape_text (boxes, a, sizeof a), rt_shape_text (scores, b, sizeof b),
                    rt_shape_text (anchors, c, sizeof c));
  if (attrs->n_classes < 1 || scores->dims[2] < attrs->n_classes
      || scores->dims[2] - attrs->n_classes > 1)
    return rt_fail (error, RT_ERROR_FORMAT, "%lld scores for %u classes",
                    (long long)scores->dims[2], attrs->n_classes);
  if (attrs->max_detections < 1 || attrs->max_detections > 1 << 16
      || attrs->max_classes_per_detection < 1 || attrs->max_classes_per_detection > 1 << 12
      || (attrs->regular
          && (attrs->detections_per_class < 1 || attrs->detections_per_class > 1 << 16)))
    return rt_fail (error, RT_ERROR_RANGE, "%u detections of %u classes each, %u per class",
                    attrs->max_detections, attrs->max_classes_per_detection,
                    attrs->detections_per_class);
  if (attrs->y_scale == 0 || attrs->x_scale == 0 || attrs->h_scale == 0 || attrs->w_scale == 0)
    return rt_fail (error, RT_ERROR_RANGE, "a scale is 0");

  int64_t n = (int64_t)attrs->max_detections * attrs->max_classes_per_detection;
  shapes[0] = (RtShape){ 3, { 1, n, 4 } };
  shapes[1] = shapes[2] = (RtShape){ 2, { 1, n } };
  shapes[3] = (RtShape){ 1, { 1 } };
  for (int i = 0; i < 4; i++)
    types[i] = RT_TYPE_F32;
  return true;
}

/* ---- scratch ---- */

typedef struct
{
  int64_t n_boxes, n_scores;
  uint32_t n_lists, per_list; /* fast form: one list of detections; regular form: one per class */
} Sizes;

static Sizes
sizes_of (const RtDetectionsAttrs *attrs, const RtShape *scores)
{
  Sizes s = { scores->dims[1], scores->dims[2], 1, attrs->max_detections };

  if (attrs->regular)
    {
      s.n_lists = attrs->n_classes;
      s.per_list = attrs->detections_per_class;
    }
  if (s.per_list > s.n_boxes)
    s.per_list = (uint32_t)s.n_boxes;
  return s;
}

/* In the shared scratch. */
typedef struct
{
  RtBox *boxes;      /* [n_boxes] */
  float *best;       /* [n_boxes] of any class, fast form */
  int32_t *counts;   /* [n_lists] */
  int32_t *selected; /* [n_lists, per_list] */
  uint32_t *used;    /* [n_lists]: detections of a list that were taken, regular form */
} Scratch;

static Scratch
scratch_of (uint8_t *memory, const Sizes *s)
{
  Scratch scratch = { .boxes = (RtBox *)(void *)memory };

  scratch.best = (float *)(void *)(scratch.boxes + s->n_boxes);
  scratch.counts = (int32_t *)(void *)(scratch.best + s->n_boxes);
  scratch.selected = scratch.counts + s->n_lists;
  scratch.used = (uint32_t *)(void *)(scratch.selected + (size_t)s->n_lists * s->per_list);
  return scratch;
}

static uint64_t
scratch_bytes (const Sizes *s)
{
  return (uint64_t)s->n_boxes * (sizeof (RtBox) + sizeof (float))
         + (uint64_t)s->n_lists * (2 + s->per_list) * sizeof (int32_t);
}

static void
detections_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  Sizes s = sizes_of (query->node->attrs,
                      &rt_graph_value (query->graph, query->node->inputs[1])->shape);
  *shared_bytes = scratch_bytes (&s);
  *thread_bytes = (uint64_t)s.n_boxes * sizeof (RtCandidate);
}

/* ---- steps ---- */

static RtBox
decode (const RtOpContext *context, int64_t i)
{
  const RtDetectionsAttrs *attrs = context->attrs;
  const float *raw = (const float *)context->inputs[0].data + 4 * i;
  const float *anchor = (const float *)context->inputs[2].data + 4 * i;
  float y = raw[0] / attrs->y_scale * anchor[2] + anchor[0];
  float x = raw[1] / attrs->x_scale * anchor[3] + anchor[1];
  float h = 0.5f * kn_expf (raw[2] / attrs->h_scale) * anchor[2];
  float w = 0.5f * kn_expf (raw[3] / attrs->w_scale) * anchor[3];

  return (RtBox){ y - h, x - w, y + h, x + w };
}

/* The scores of box @i without the background. */
static const float *
scores_of (const RtOpContext *context, const Sizes *s, int64_t i)
{
  return (const float *)context->inputs[1].data + i * s->n_scores
         + n_background (context->attrs, s->n_scores);
}

/* Of the classes behind @previous in falling order (-1: of all), the first. Equal scores: the lower
 * class first. */
static int64_t
next_class (const float *scores, uint32_t n, int64_t previous)
{
  int64_t best = -1;

  for (uint32_t c = 0; c < n; c++)
    {
      if (previous >= 0
          && (scores[c] > scores[previous]
              || (scores[c] == scores[previous] && (int64_t)c <= previous)))
        continue;
      if (best < 0 || scores[c] > scores[best])
        best = c;
    }
  return best;
}

static void
do_box (const RtOpContext *context, const Sizes *s, const Scratch *scratch, int64_t i)
{
  const RtDetectionsAttrs *attrs = context->attrs;
  const float *scores = scores_of (context, s, i);
  float best = scores[0];

  scratch->boxes[i] = decode (context, i);
  if (attrs->regular)
    return;
  for (uint32_t c = 1; c < attrs->n_classes; c++)
    best = scores[c] > best ? scores[c] : best;
  scratch->best[i] = best;
}

/* The detections of one class, or of all together. */
static void
do_list (const RtOpContext *context, const Sizes *s, const Scratch *scratch, uint32_t list,
         RtCandidate *candidates)
{
  const RtDetectionsAttrs *attrs = context->attrs;
  uint32_t n = 0;

  for (int64_t i = 0; i < s->n_boxes; i++)
    {
      float score = attrs->regular ? scores_of (context, s, i)[list] : scratch->best[i];
      if (score >= attrs->score_threshold)
        candidates[n++] = (RtCandidate){ score, (int32_t)i };
    }
  scratch->counts[list]
      = (int32_t)rt_nms_select (scratch->boxes, candidates, n, attrs->iou_threshold, s->per_list,
                                scratch->selected + (size_t)list * s->per_list);
}

static void
put (const RtOpContext *context, uint32_t at, const RtBox *box, int64_t class, float score)
{
  memcpy ((float *)context->outputs[0].data + 4 * (size_t)at, box, sizeof *box);
  ((float *)context->outputs[1].data)[at] = (float)class;
  ((float *)context->outputs[2].data)[at] = score;
}

static void
clear (const RtOpContext *context)
{
  for (int i = 0; i < 4; i++)
    memset (context->outputs[i].data, 0, rt_shape_n (&context->outputs[i].shape) * sizeof (float));
}

static void
collect_fast (const RtOpContext *context, const Sizes *s, const Scratch *scratch)
{
  const RtDetectionsAttrs *attrs = context->attrs;
  uint32_t per_box = attrs->max_classes_per_detection;

  if (per_box > attrs->n_classes)
    per_box = attrs->n_classes;
  for (int32_t k = 0; k < scratch->counts[0]; k++)
    {
      int64_t i = scratch->selected[k], class = -1;
      const float *scores = scores_of (context, s, i);
      for (uint32_t c = 0; c < per_box; c++)
        {
          class = next_class (scores, attrs->n_classes, class);
          if (class < 0)
            break;
          put (context, (uint32_t)k * attrs->max_classes_per_detection + c, &scratch->boxes[i],
               class, scores[class]);
        }
    }
  ((float *)context->outputs[3].data)[0] = (float)scratch->counts[0];
}

/* The best of all lists: again and again the best head of a list. Lists are in falling order. */
static void
collect_regular (const RtOpContext *context, const Sizes *s, const Scratch *scratch)
{
  const RtDetectionsAttrs *attrs = context->attrs;
  uint32_t n = 0;

  memset (scratch->used, 0, s->n_lists * sizeof *scratch->used);
  while (n < attrs->max_detections)
    {
      int64_t best = -1;
      float best_score = 0;
      for (uint32_t l = 0; l < s->n_lists; l++)
        {
          uint32_t at = scratch->used[l];
          if (at >= (uint32_t)scratch->counts[l])
            continue;
          float score = scores_of (context, s, scratch->selected[(size_t)l * s->per_list + at])[l];
          if (best < 0 || score > best_score)
            {
              best = l;
              best_score = score;
            }
        }
      if (best < 0)
        break;
      int32_t i = scratch->selected[(size_t)best * s->per_list + scratch->used[best]++];
      put (context, n++, &scratch->boxes[i], best, best_score);
    }
  ((float *)context->outputs[3].data)[0] = (float)n;
}

/* ---- run ---- */

static uint32_t
detections_chunks (const RtOpContext *context, uint32_t phase)
{
  Sizes s = sizes_of (context->attrs, &context->inputs[1].shape);

  if (phase == 0)
    return rt_split ((uint64_t)s.n_boxes, (uint64_t)s.n_scores * 4 + 64, context->n_threads);
  if (phase == 1)
    return rt_split (s.n_lists, (uint64_t)s.n_boxes * 32 + 1, context->n_threads);
  return 1;
}

static void
detections_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  const RtDetectionsAttrs *attrs = context->attrs;
  Sizes s = sizes_of (attrs, &context->inputs[1].shape);
  Scratch scratch = scratch_of (context->scratch, &s);
  uint64_t first, last;

  if (phase == 0)
    {
      rt_move_range (context, (uint64_t)s.n_boxes, (uint64_t)s.n_scores * 4 + 64, chunk, &first,
                     &last);
      for (uint64_t i = first; i < last; i++)
        do_box (context, &s, &scratch, (int64_t)i);
      return;
    }
  if (phase == 1)
    {
      rt_move_range (context, s.n_lists, (uint64_t)s.n_boxes * 32 + 1, chunk, &first, &last);
      for (uint64_t l = first; l < last; l++)
        do_list (context, &s, &scratch, (uint32_t)l, rt_op_thread_scratch (context, worker));
      return;
    }
  clear (context);
  if (attrs->regular)
    collect_regular (context, &s, &scratch);
  else
    collect_fast (context, &s, &scratch);
}

/* All steps, one after the other, on memory of its own. */
static void
detections_reference (const RtOpContext *context)
{
  Sizes s = sizes_of (context->attrs, &context->inputs[1].shape);
  uint8_t *memory = rt_reference_alloc (scratch_bytes (&s));
  RtCandidate *candidates = rt_reference_alloc ((size_t)s.n_boxes * sizeof *candidates);
  Scratch scratch = scratch_of (memory, &s);
  const RtDetectionsAttrs *attrs = context->attrs;

  for (int64_t i = 0; i < s.n_boxes; i++)
    do_box (context, &s, &scratch, i);
  for (uint32_t l = 0; l < s.n_lists; l++)
    do_list (context, &s, &scratch, l, candidates);
  clear (context);
  if (attrs->regular)
    collect_regular (context, &s, &scratch);
  else
    collect_fast (context, &s, &scratch);
  free (candidates);
  free (memory);
}

static void
detections_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtDetectionsAttrs, max_detections, 1, 1 << 16),
  RT_FIELD (RtDetectionsAttrs, max_classes_per_detection, 1, 1 << 12),
  RT_FIELD (RtDetectionsAttrs, detections_per_class, 0, 1 << 16),
  RT_FIELD_SIZE (RtDetectionsAttrs, n_classes),
  RT_FIELD_FLAG (RtDetectionsAttrs, regular),
  RT_FIELD_REAL (RtDetectionsAttrs, score_threshold),
  RT_FIELD_REAL (RtDetectionsAttrs, iou_threshold),
  RT_FIELD_FINITE (RtDetectionsAttrs, y_scale),
  RT_FIELD_FINITE (RtDetectionsAttrs, x_scale),
  RT_FIELD_FINITE (RtDetectionsAttrs, h_scale),
  RT_FIELD_FINITE (RtDetectionsAttrs, w_scale),
};
/* clang-format on */

const RtOp rt_op_detections = {
  .name = "detections",
  .title = "Detections of anchors",
  .attrs_bytes = sizeof (RtDetectionsAttrs),
  RT_FIELDS (fields),
  .min_inputs = 3,
  .max_inputs = 3,
  .n_outputs = 4,
  .infer = detections_infer,
  .scratch = detections_scratch,
  .n_phases = 3,
  .n_chunks = detections_chunks,
  .run = detections_run,
  .reference = detections_reference,
  .cost = detections_cost,
};
