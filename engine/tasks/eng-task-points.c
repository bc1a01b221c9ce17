/* Task: landmarks.
 *
 * Card: "output" (0) holds "stride" numbers a point (3), x and y first, in pixels of the network's
 * picture ("unit": "pixels") or in shares; "points" of them are shown (all); "visible" is the
 * column of a logit that says how sure the point is; "score_output" is the score of the whole, a
 * logit when "score_logit" is true; "edges" is a flat list of pairs to draw. */
#include "tasks/eng-tasks.h"

#include <math.h>

#include "eng-json.h"
#include "eng-result-private.h"

static double
sigmoid (double x)
{
  return 1 / (1 + exp (-CLAMP (x, -100.0, 100.0)));
}

static void
picture_size (EngTaskRun *run, float *width, float *height)
{
  const EngImported *imported = eng_model_get_imported (run->model);
  const RtShape *shape = &rt_graph_value (imported->graph, imported->inputs[0].value)->shape;
  gboolean last = shape->n_dims == 4 && (shape->dims[3] == 1 || shape->dims[3] == 3);
  *height = shape->n_dims == 4 ? (float)shape->dims[last ? 1 : 2] : 1;
  *width = shape->n_dims == 4 ? (float)shape->dims[last ? 2 : 3] : 1;
}

static void
add_edges (EngResult *result, JsonObject *options, guint n_points)
{
  JsonArray *list = eng_json_get_array (options, "edges");
  g_autoptr (GByteArray) edges = g_byte_array_new ();

  for (guint i = 0; list != NULL && i + 1 < json_array_get_length (list); i += 2)
    {
      JsonNode *a = json_array_get_element (list, i), *b = json_array_get_element (list, i + 1);
      if (!JSON_NODE_HOLDS_VALUE (a) || !JSON_NODE_HOLDS_VALUE (b))
        continue;
      gint64 from = json_node_get_int (a), to = json_node_get_int (b);
      guint8 pair[2] = { (guint8)from, (guint8)to };
      if (from >= 0 && to >= 0 && from < n_points && to < n_points && n_points <= 256)
        g_byte_array_append (edges, pair, 2);
    }
  eng_result_set_edges (result, edges->data, edges->len / 2);
}

static EngResult *
finish (EngTaskRun *run)
{
  JsonObject *options = eng_card_get_task_options (run->card);
  guint at = eng_card_count (options, "output", 0);
  guint score_at = eng_card_count (options, "score_output", G_MAXUINT);
  guint stride = MAX (2, eng_card_count (options, "stride", 3));
  double visible = eng_card_number (options, "visible", NAN), score = NAN;
  float width = 1, height = 1;
  gsize n;

  if (at >= run->n_outputs)
    return eng_task_tensor.finish (run);
  g_autofree float *values = eng_task_dup_output (run, at, &n, NULL);
  guint n_points = (guint)MIN (n / stride, eng_card_count (options, "points", G_MAXINT));
  EngResult *result = eng_result_new (ENG_RESULT_POINTS, run->input);
  if (g_strcmp0 (eng_json_get_string (options, "unit"), "shares") != 0)
    picture_size (run, &width, &height);
  for (guint i = 0; i < n_points; i++)
    {
      const float *row = values + i * stride;
      EngPoint point = { row[0] / width, row[1] / height, NAN };
      if (visible >= 0 && visible < stride)
        point.score = (float)sigmoid ((double)row[(guint)visible]);
      eng_task_map_point (run, &point.x, &point.y);
      eng_result_add_point (result, &point);
    }
  if (score_at < run->n_outputs)
    {
      gsize n_score;
      g_autofree float *whole = eng_task_dup_output (run, score_at, &n_score, NULL);
      score = n_score > 0 ? (double)whole[0] : NAN;
      if (eng_json_get_bool (options, "score_logit", FALSE))
        score = sigmoid (score);
    }
  eng_result_set_value (result, score, eng_card_number (options, "score", NAN));
  add_edges (result, options, n_points);
  return result;
}

const EngTask eng_task_points = {
  .id = "points",
  .title = "Landmarks",
  .finish = finish,
};
