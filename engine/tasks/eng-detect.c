/* Decoders of detectors: what their outputs are, as nodes. One function and one row each; called
 * when the graph is made, knows nothing of runs. */
#include "tasks/eng-detect.h"

#include <math.h>

#include "eng-error.h"
#include "eng-json.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-move.h"

#define MAX_LAYERS 16

/* ---- Where boxes can be ---- */

static void
append4 (GArray *array, float a, float b, float c, float d)
{
  float row[4] = { a, b, c, d };
  g_array_append_vals (array, row, 4);
}

float *
eng_detect_anchors (guint width, guint height, const guint *strides, guint n_layers, guint per_cell,
                    guint *n)
{
  GArray *anchors = g_array_new (FALSE, FALSE, sizeof (float));

  for (guint layer = 0; layer < n_layers;)
    {
      guint run = layer;
      while (run < n_layers && strides[run] == strides[layer])
        run++;
      guint columns = (width + strides[layer] - 1) / strides[layer];
      guint rows = (height + strides[layer] - 1) / strides[layer];
      for (guint y = 0; y < rows; y++)
        for (guint x = 0; x < columns; x++)
          for (guint k = 0; k < (run - layer) * per_cell; k++)
            append4 (anchors, ((float)y + 0.5f) / (float)rows, ((float)x + 0.5f) / (float)columns,
                     1, 1);
      layer = run;
    }
  *n = anchors->len / 4;
  return (float *)(void *)g_array_free (anchors, FALSE);
}

float *
eng_detect_cells (guint width, guint height, const guint *strides, guint n_layers, guint *n)
{
  GArray *cells = g_array_new (FALSE, FALSE, sizeof (float));

  for (guint i = 0; i < n_layers; i++)
    {
      float h = (float)strides[i] / (float)height, w = (float)strides[i] / (float)width;
      for (guint y = 0; y < height / strides[i]; y++)
        for (guint x = 0; x < width / strides[i]; x++)
          append4 (cells, (float)y * h, (float)x * w, h, w);
    }
  *n = cells->len / 4;
  return (float *)(void *)g_array_free (cells, FALSE);
}

void
eng_detect_picture_size (const EngImported *imported, guint *width, guint *height)
{
  const RtShape *shape = &rt_graph_value (imported->graph, imported->inputs[0].value)->shape;
  gboolean last = shape->n_dims == 4 && (shape->dims[3] == 1 || shape->dims[3] == 3);
  *height = shape->n_dims == 4 ? (guint)shape->dims[last ? 1 : 2] : 1;
  *width = shape->n_dims == 4 ? (guint)shape->dims[last ? 2 : 3] : 1;
}

/* ---- What the card says ---- */

static JsonObject *
options_of (const EngSurround *s)
{
  return eng_card_get_task_options (s->card);
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

/* The output that the card calls @option: by a number in "@option_output", or by name. RT_NONE and
 * @error when there is none, or when it is not f32 with @n_dims dimensions. */
static RtValueId
find_output (const EngSurround *s, const char *option, guint n_dims, GError **error)
{
  JsonObject *options = options_of (s);
  g_autofree char *place = g_strconcat (option, "_output", NULL);
  const char *name = eng_json_get_string (options, option);
  double number = eng_card_number (options, place, -1);
  guint at
      = number >= 0 ? (guint)number : eng_surround_find_output (s, name != NULL ? name : option);

  if (at >= s->imported->n_outputs)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "The network card %s: no output of the network is its \"%s\"",
                   eng_card_get_origin (s->card), option);
      return RT_NONE;
    }
  const RtValue *value = eng_surround_output (s, at);
  if (value->type == RT_TYPE_F32 && value->shape.n_dims == n_dims && value->shape.dims[0] == 1)
    return s->outputs[at];
  char text[128];
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
               "The network card %s: output %s is %s %s, not f32 with %u dimensions",
               eng_card_get_origin (s->card), value->name, rt_type_name (value->type),
               rt_shape_text (&value->shape, text, sizeof text), n_dims);
  return RT_NONE;
}

static gboolean
check_count (const EngSurround *s, guint expected, gint64 got, GError **error)
{
  if ((gint64)expected == got)
    return TRUE;
  g_set_error (
      error, ENG_ERROR, ENG_ERROR_FORMAT,
      "The network card %s describes %u places of boxes; the network has %" G_GINT64_FORMAT,
      eng_card_get_origin (s->card), expected, got);
  return FALSE;
}

/* ---- Nodes ---- */

static RtValueId
add1 (EngSurround *s, const char *name, const char *op, RtValueId x, gconstpointer attrs,
      GError **error)
{
  return eng_surround_add (s, TRUE, name, op, &x, 1, attrs, error);
}

static RtValueId
add2 (EngSurround *s, const char *name, const char *op, RtValueId a, RtValueId b,
      gconstpointer attrs, GError **error)
{
  RtValueId both[2] = { a, b };
  return eng_surround_add (s, TRUE, name, op, both, 2, attrs, error);
}

/* Columns @first to before @end of [1, N, D]. */
static RtValueId
add_columns (EngSurround *s, const char *name, RtValueId x, gint64 first, gint64 end,
             GError **error)
{
  RtSliceAttrs attrs = { 1, { 2 }, { first }, { end }, { 1 } };
  return add1 (s, name, "slice", x, &attrs, error);
}

/* [1, N, C] -> [1, C, N] */
static RtValueId
add_turned (EngSurround *s, RtValueId x, GError **error)
{
  RtTransposeAttrs attrs = { { 0, 2, 1 } };
  return add1 (s, "lathe.scores", "transpose", x, &attrs, error);
}

static RtValueId
add_decoded (EngSurround *s, RtValueId raw, const float *places, guint n, float scale,
             gboolean exponential, GError **error)
{
  guint n_points = eng_card_count (options_of (s), "points", 0);
  RtShape shape = { 2, { n, 4 } };
  RtBoxDecodeAttrs attrs = { .y_scale = scale,
                             .x_scale = scale,
                             .h_scale = scale,
                             .w_scale = scale,
                             .exponential = exponential,
                             .x_first = 1,
                             .n_points = n_points,
                             .points_offset = 4 };
  RtValueId anchors = eng_surround_add_constant (s, "lathe.anchors", &shape, places, error);
  return add2 (s, "lathe.boxes", "box-decode", raw, anchors, &attrs, error);
}

/* MediaPipe: boxes [1, N, 4 + 2 points] around anchors, in pixels; scores [1, N, 1], logits. */
static gboolean
add_anchors (EngSurround *s, EngDetectNodes *nodes, GError **error)
{
  guint strides[MAX_LAYERS], n, width, height;
  guint n_layers = read_strides (options_of (s), strides);
  guint per_cell = CLAMP (eng_card_count (options_of (s), "per_cell", 1), 1, 16);
  RtValueId boxes = find_output (s, "boxes", 3, error);
  RtValueId scores = boxes != RT_NONE ? find_output (s, "scores", 3, error) : RT_NONE;

  if (scores == RT_NONE)
    return FALSE;
  eng_detect_picture_size (s->imported, &width, &height);
  g_autofree float *anchors = eng_detect_anchors (width, height, strides, n_layers, per_cell, &n);
  if (!check_count (s, n, rt_graph_value (s->graph, boxes)->shape.dims[1], error))
    return FALSE;
  float scale = (float)eng_card_number (options_of (s), "scale", width);
  nodes->boxes = add_decoded (s, boxes, anchors, n, scale, FALSE, error);
  RtValueId shares = add1 (s, "lathe.sigmoid", "sigmoid", scores, NULL, error);
  nodes->scores = add_turned (s, shares, error);
  return TRUE;
}

/* Outputs @first to before @first + @n, all [1, cells, columns], one below the other. */
static RtValueId
add_stacked (EngSurround *s, const char *name, guint first, guint n, GError **error)
{
  RtAxisAttrs axis = { 1 };
  return eng_surround_add (s, TRUE, name, "concat", s->outputs + first, n, &axis, error);
}

/* YuNet: class and objectness, boxes and points per stride; the root of both is the score. */
static gboolean
add_cells (EngSurround *s, EngDetectNodes *nodes, GError **error)
{
  guint strides[MAX_LAYERS], n, width, height;
  guint n_layers = read_strides (options_of (s), strides);
  gint64 n_rows = 0;
  RtAxisAttrs columns = { 2 };

  if (n_layers == 0 || s->imported->n_outputs != 4 * n_layers)
    return check_count (s, 4 * n_layers, s->imported->n_outputs, error);
  for (guint i = 0; i < n_layers; i++)
    n_rows += eng_surround_output (s, i)->shape.dims[1];
  eng_detect_picture_size (s->imported, &width, &height);
  g_autofree float *cells = eng_detect_cells (width, height, strides, n_layers, &n);
  if (!check_count (s, n, n_rows, error))
    return FALSE;
  RtValueId class = add_stacked (s, "lathe.class", 0, n_layers, error);
  RtValueId object = add_stacked (s, "lathe.object", n_layers, n_layers, error);
  RtValueId boxes = add_stacked (s, "lathe.raw_boxes", 2 * n_layers, n_layers, error);
  RtValueId points = add_stacked (s, "lathe.raw_points", 3 * n_layers, n_layers, error);
  RtValueId raw = add2 (s, "lathe.raw", "concat", boxes, points, &columns, error);
  nodes->boxes = add_decoded (s, raw, cells, n, 1, TRUE, error);
  RtValueId product = add2 (s, "lathe.product", "mul", class, object, NULL, error);
  RtValueId root = add1 (s, "lathe.root", "sqrt", product, NULL, error);
  nodes->scores = add_turned (s, root, error);
  return TRUE;
}

/* Boxes [1, N, 4] and scores [1, N, classes] as they are; "first_class" leaves a background out. */
static gboolean
add_corners (EngSurround *s, EngDetectNodes *nodes, GError **error)
{
  gint64 first = (gint64)eng_card_count (options_of (s), "first_class", 0);
  RtValueId scores = find_output (s, "scores", 3, error);

  nodes->boxes = scores != RT_NONE ? find_output (s, "boxes", 3, error) : RT_NONE;
  if (nodes->boxes == RT_NONE)
    return FALSE;
  if (first > 0)
    scores = add_columns (s, "lathe.classes", scores, first, G_MAXINT64, error);
  nodes->scores = add_turned (s, scores, error);
  return TRUE;
}

/* Boxes [1, N, 5 + classes]: centre and size, objectness, classes. */
static gboolean
add_centres (EngSurround *s, EngDetectNodes *nodes, GError **error)
{
  RtValueId all = find_output (s, "boxes", 3, error);

  if (all == RT_NONE)
    return FALSE;
  nodes->boxes = add_columns (s, "lathe.boxes", all, 0, 4, error);
  RtValueId object = add_columns (s, "lathe.object", all, 4, 5, error);
  RtValueId class = add_columns (s, "lathe.class", all, 5, G_MAXINT64, error);
  RtValueId product = add2 (s, "lathe.product", "mul", class, object, NULL, error);
  nodes->scores = add_turned (s, product, error);
  return TRUE;
}

static const EngDecoder decoders[] = {
  { "anchors", ENG_BOX_YXYX, add_anchors },
  { "cells", ENG_BOX_YXYX, add_cells },
  { "corners", ENG_BOX_XYXY, add_corners },
  { "centres", ENG_BOX_CENTRE, add_centres },
};

const EngDecoder *
eng_decoder_find (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (decoders); i++)
    if (g_strcmp0 (decoders[i].name, name) == 0)
      return &decoders[i];
  return NULL;
}
