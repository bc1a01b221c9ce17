/* Non-maximum suppression of boxes, per batch entry and class. Classes are worked on by different
 * threads; their results are then put one after the other. */
#include <stdlib.h>

#include "rt-nms.h"
#include "rt-op-move.h"

static bool
nms_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtNmsAttrs *attrs = node->attrs;
  const RtValue *boxes = rt_move_input (graph, node, 0, error);
  const RtValue *scores = boxes != NULL ? rt_move_input (graph, node, 1, error) : NULL;
  char a[128], b[128];

  if (scores == NULL || !rt_move_check_type (boxes, RT_TYPE_F32, error)
      || !rt_move_check_type (scores, RT_TYPE_F32, error)
      || !rt_move_check_shape (&boxes->shape, error)
      || !rt_move_check_shape (&scores->shape, error))
    return false;
  const int64_t *x = boxes->shape.dims, *s = scores->shape.dims;
  if (boxes->shape.n_dims != 3 || scores->shape.n_dims != 3 || x[2] != 4 || s[0] != x[0]
      || s[2] != x[1])
    return rt_fail (error, RT_ERROR_FORMAT,
                    "expected boxes [B, N, 4] and scores [B, C, N], got %s and %s",
                    rt_shape_text (&boxes->shape, a, sizeof a),
                    rt_shape_text (&scores->shape, b, sizeof b));
  if (attrs->max_per_class < 0)
    return rt_fail (error, RT_ERROR_RANGE, "at most %lld boxes of a class",
                    (long long)attrs->max_per_class);
  int64_t most = attrs->max_per_class < x[1] ? attrs->max_per_class : x[1];
  shapes[0] = (RtShape){ 2, { s[0] * s[1] * most, 3 } };
  shapes[1] = (RtShape){ 1, { 1 } };
  types[0] = types[1] = RT_TYPE_I64;
  return rt_move_check_shape (&shapes[0], error);
}

typedef struct
{
  int64_t n_batch, n_classes, n_boxes, most;
} Sizes;

static Sizes
sizes_of (const RtNmsAttrs *attrs, const RtShape *scores)
{
  int64_t n = scores->dims[2];
  return (Sizes){ scores->dims[0], scores->dims[1], n,
                  attrs->max_per_class < n ? attrs->max_per_class : n };
}

/* In the shared scratch: corners of all boxes, then per class how many and which. */
typedef struct
{
  RtBox *boxes;
  int32_t *counts, *selected;
} Scratch;

static Scratch
scratch_of (uint8_t *memory, const Sizes *s)
{
  Scratch scratch = { .boxes = (RtBox *)(void *)memory };

  scratch.counts = (int32_t *)(void *)(scratch.boxes + s->n_batch * s->n_boxes);
  scratch.selected = scratch.counts + s->n_batch * s->n_classes;
  return scratch;
}

static uint64_t
scratch_bytes (const Sizes *s)
{
  return (uint64_t)(s->n_batch * s->n_boxes) * sizeof (RtBox)
         + (uint64_t)(s->n_batch * s->n_classes * (1 + s->most)) * sizeof (int32_t);
}

static void
nms_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  Sizes s = sizes_of (query->node->attrs,
                      &rt_graph_value (query->graph, query->node->inputs[1])->shape);
  *shared_bytes = scratch_bytes (&s);
  *thread_bytes = (uint64_t)s.n_boxes * sizeof (RtCandidate);
}

static RtBox
box_at (const RtNmsAttrs *attrs, const float *boxes, int64_t i)
{
  const float *x = boxes + 4 * i;

  if (attrs->center_box)
    return rt_box_of_corners (x[1] - x[3] / 2, x[0] - x[2] / 2, x[1] + x[3] / 2, x[0] + x[2] / 2);
  return rt_box_of_corners (x[0], x[1], x[2], x[3]);
}

static inline bool
is_candidate (const RtNmsAttrs *attrs, float score)
{
  /* NaN is never one: it has no place in the order. */
  return attrs->has_score_threshold ? score > attrs->score_threshold : score == score;
}

static void
do_class (const RtOpContext *context, const Sizes *s, const Scratch *scratch, int64_t class_at,
          RtCandidate *candidates)
{
  const RtNmsAttrs *attrs = context->attrs;
  const float *scores = (const float *)context->inputs[1].data + class_at * s->n_boxes;
  const RtBox *boxes = scratch->boxes + class_at / s->n_classes * s->n_boxes;
  uint32_t n = 0;

  for (int64_t i = 0; i < s->n_boxes; i++)
    if (is_candidate (attrs, scores[i]))
      candidates[n++] = (RtCandidate){ scores[i], (int32_t)i };
  scratch->counts[class_at]
      = (int32_t)rt_nms_select (boxes, candidates, n, attrs->iou_threshold, (uint32_t)s->most,
                                scratch->selected + class_at * s->most);
}

static void
collect (const RtOpContext *context, const Sizes *s, const Scratch *scratch)
{
  int64_t *rows = context->outputs[0].data, n = 0;

  for (int64_t c = 0; c < s->n_batch * s->n_classes; c++)
    for (int32_t i = 0; i < scratch->counts[c]; i++, n++)
      {
        rows[3 * n] = c / s->n_classes;
        rows[3 * n + 1] = c % s->n_classes;
        rows[3 * n + 2] = scratch->selected[c * s->most + i];
      }
  for (int64_t i = 3 * n; i < 3 * context->outputs[0].shape.dims[0]; i++)
    rows[i] = -1;
  ((int64_t *)context->outputs[1].data)[0] = n;
}

static uint32_t
nms_chunks (const RtOpContext *context, uint32_t phase)
{
  Sizes s = sizes_of (context->attrs, &context->inputs[1].shape);

  if (phase == 0)
    return rt_split ((uint64_t)(s.n_batch * s.n_boxes), 32, context->n_threads);
  if (phase == 1)
    return rt_split ((uint64_t)(s.n_batch * s.n_classes), (uint64_t)s.n_boxes * 32 + 1,
                     context->n_threads);
  return 1;
}

static void
nms_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  Sizes s = sizes_of (context->attrs, &context->inputs[1].shape);
  Scratch scratch = scratch_of (context->scratch, &s);
  uint64_t first, last;

  if (phase == 0)
    {
      rt_move_range (context, (uint64_t)(s.n_batch * s.n_boxes), 32, chunk, &first, &last);
      for (uint64_t i = first; i < last; i++)
        scratch.boxes[i] = box_at (context->attrs, context->inputs[0].data, (int64_t)i);
    }
  else if (phase == 1)
    {
      rt_move_range (context, (uint64_t)(s.n_batch * s.n_classes), (uint64_t)s.n_boxes * 32 + 1,
                     chunk, &first, &last);
      for (uint64_t i = first; i < last; i++)
        do_class (context, &s, &scratch, (int64_t)i, rt_op_thread_scratch (context, worker));
    }
  else
    collect (context, &s, &scratch);
}

/* By definition: again and again the best box that is left; it goes, and all that it covers. */
static void
nms_reference (const RtOpContext *context)
{
  const RtNmsAttrs *attrs = context->attrs;
  Sizes s = sizes_of (attrs, &context->inputs[1].shape);
  bool *gone = rt_reference_alloc ((size_t)s.n_boxes * sizeof *gone);
  int64_t *rows = context->outputs[0].data, n = 0;

  for (int64_t c = 0; c < s.n_batch * s.n_classes; c++)
    {
      const float *scores = (const float *)context->inputs[1].data + c * s.n_boxes;
      const float *boxes = (const float *)context->inputs[0].data + c / s.n_classes * s.n_boxes * 4;
      for (int64_t i = 0; i < s.n_boxes; i++)
        gone[i] = !is_candidate (attrs, scores[i]);
      for (int64_t k = 0; k < s.most; k++)
        {
          int64_t best = -1;
          for (int64_t i = 0; i < s.n_boxes; i++)
            if (!gone[i] && (best < 0 || scores[i] > scores[best]))
              best = i;
          if (best < 0)
            break;
          RtBox box = box_at (attrs, boxes, best);
          memcpy (rows + 3 * n++, (int64_t[]){ c / s.n_classes, c % s.n_classes, best },
                  3 * sizeof *rows);
          gone[best] = true;
          for (int64_t i = 0; i < s.n_boxes; i++)
            {
              RtBox other = box_at (attrs, boxes, i);
              gone[i] = gone[i] || rt_box_overlap (&box, &other) > attrs->iou_threshold;
            }
        }
    }
  for (int64_t i = 3 * n; i < 3 * context->outputs[0].shape.dims[0]; i++)
    rows[i] = -1;
  ((int64_t *)context->outputs[1].data)[0] = n;
  free (gone);
}

static void
nms_cost (const RtOpQuery *query, RtCost *cost)
{
  rt_op_cost_io (query, cost);
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD (RtNmsAttrs, max_per_class, 0, 0x1p63),
  RT_FIELD_REAL (RtNmsAttrs, iou_threshold),
  RT_FIELD_FLAG (RtNmsAttrs, has_score_threshold),
  RT_FIELD_REAL (RtNmsAttrs, score_threshold),
  RT_FIELD_FLAG (RtNmsAttrs, center_box),
};
/* clang-format on */

const RtOp rt_op_nms = {
  .name = "nms",
  .title = "Non-maximum suppression",
  .attrs_bytes = sizeof (RtNmsAttrs),
  RT_FIELDS (fields),
  .min_inputs = 2,
  .max_inputs = 2,
  .n_outputs = 2,
  .infer = nms_infer,
  .scratch = nms_scratch,
  .n_phases = 3,
  .n_chunks = nms_chunks,
  .run = nms_run,
  .reference = nms_reference,
  .cost = nms_cost,
};
