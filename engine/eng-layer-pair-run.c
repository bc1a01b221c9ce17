/* Running the layers of a pair: numbers from one executor into the other, and the sums of what they
 * make of them. How the two correspond is in eng-layer-pair.c. */
#include "eng-layer-pair-private.h"

#include <math.h>
#include <string.h>

#include "data/eng-array.h"
#include "eng-error.h"

/* ---- the watched layer ---- */

guint
eng_layer_pair_get_n_watched (EngLayerPair *self)
{
  return self->watched->len;
}

const float *
eng_layer_pair_get_watched (EngLayerPair *self, guint index, const char **node, gsize *n)
{
  RtExec *exec = self->exec[ENG_SIDE_REFERENCE];
  const RtGraph *graph = self->graph[ENG_SIDE_REFERENCE];
  RtValueId id = g_array_index (self->watched, RtValueId, index);
  RtShape shape;

  rt_exec_value_shape (exec, id, &shape);
  *n = rt_shape_n (&shape);
  *node = rt_graph_node (graph, rt_graph_value (graph, id)->producer)->name;
  return rt_exec_tap (exec, id);
}

const RtQuant *
eng_layer_pair_get_watched_quant (EngLayerPair *self, guint index, int *type)
{
  const RtGraph *graph = self->graph[ENG_SIDE_CHANGED];
  const char *key = self->keys[ENG_SIDE_REFERENCE][g_array_index (self->watched, RtValueId, index)];

  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    {
      const RtValue *value = rt_graph_value (graph, id);
      if (value->quant == NULL || value->quant->n != 1 || value->kind == RT_VALUE_WEIGHT
          || g_strcmp0 (self->keys[ENG_SIDE_CHANGED][id], key) != 0)
        continue;
      *type = value->type;
      return value->quant;
    }
  return NULL;
}

/* ---- numbers ---- */

gboolean
eng_to_floats (int type, const RtQuant *quant, const void *data, gsize n, float *floats)
{
  if (rt_type_bytes (type) == 0 || (quant != NULL && quant->n != 1))
    return FALSE;
  if (type == RT_TYPE_F32)
    {
      memcpy (floats, data, n * sizeof *floats);
      return TRUE;
    }
  double scale = quant != NULL ? (double)quant->scales[0] : 1;
  double zero = quant != NULL ? quant->zero_points[0] : 0;
  for (gsize i = 0; i < n; i++)
    floats[i] = (float)(scale * (eng_element_get (type, data, i) - zero));
  return TRUE;
}

gboolean
eng_from_floats (int type, const RtQuant *quant, const float *floats, gsize n, void *data)
{
  if (rt_type_bytes (type) == 0 || (quant != NULL && quant->n != 1))
    return FALSE;
  if (type == RT_TYPE_F32)
    {
      memcpy (data, floats, n * sizeof *floats);
      return TRUE;
    }
  double scale = quant != NULL ? (double)quant->scales[0] : 1;
  double zero = quant != NULL ? quant->zero_points[0] : 0;
  for (gsize i = 0; i < n; i++)
    eng_element_set (type, data, i, (double)floats[i] / scale + zero);
  return TRUE;
}

void
eng_error_sums_add (EngErrorSums *sums, const float *reference, const float *changed, gsize n)
{
  double signal = 0, noise = 0, other = 0, dot = 0;

  for (gsize i = 0; i < n; i++)
    {
      double r = (double)reference[i], c = (double)changed[i], d = c - r;
      signal += r * r;
      noise += d * d;
      other += c * c;
      dot += r * c;
    }
  sums->signal += signal;
  sums->noise += noise;
  sums->changed += other;
  sums->dot += dot;
}

static void
need_floats (EngLayerPair *self, gsize n)
{
  if (n <= self->n_floats)
    return;
  self->n_floats = n;
  for (int side = 0; side < 2; side++)
    {
      g_free (self->floats[side]);
      self->floats[side] = g_new (float, n);
    }
}

/* Elements of a value in the run before. */
static gsize
n_elements (EngLayerPair *self, EngSide side, RtValueId id)
{
  RtShape shape;
  rt_exec_value_shape (self->exec[side], id, &shape);
  return rt_shape_n (&shape);
}

/* ---- one unit ---- */

gboolean
eng_layer_pair_begin_whole (EngLayerPair *self, EngSide side, GError **error)
{
  RtError rt_error = { 0 };
  return rt_exec_choose (self->exec[side], NULL, &rt_error) || eng_error_take_rt (&rt_error, error);
}

void
eng_layer_pair_save (EngLayerPair *self)
{
  RtExec *exec = self->exec[ENG_SIDE_REFERENCE];
  const RtGraph *graph = self->graph[ENG_SIDE_REFERENCE];

  for (RtValueId id = 0; id < rt_graph_n_values (graph); id++)
    {
      if (!rt_exec_is_tap (exec, id))
        continue;
      gsize n_bytes = n_elements (self, ENG_SIDE_REFERENCE, id)
                      * rt_type_bytes (rt_graph_value (graph, id)->type);
      if (n_bytes != self->saved_bytes[id])
        {
          g_free (self->saved[id]);
          self->saved[id] = g_malloc (MAX (n_bytes, 1));
          self->saved_bytes[id] = n_bytes;
        }
      memcpy (self->saved[id], rt_exec_tap (exec, id), n_bytes);
    }
}

/* In two forms, 8 bit and float: counted once. */
static gboolean
is_repeated (GArray *twins, guint index)
{
  for (guint i = 0; i < index; i++)
    if (g_array_index (twins, EngPairTwin, i).reference
        == g_array_index (twins, EngPairTwin, index).reference)
      return TRUE;
  return FALSE;
}

/* What @layer hands on, as it lies in the changed executor, beside the saved values. */
static void
compare (EngLayerPair *self, int index, EngErrorSums *sums)
{
  const EngPairLayer *layer = &self->layers[index];

  *sums = (EngErrorSums){ 0 };
  for (guint i = 0; i < layer->writes->len; i++)
    {
      EngPairTwin twin = g_array_index (layer->writes, EngPairTwin, i);
      const RtValue *r = rt_graph_value (self->graph[ENG_SIDE_REFERENCE], twin.reference);
      const RtValue *c = rt_graph_value (self->graph[ENG_SIDE_CHANGED], twin.changed);
      gsize n = n_elements (self, ENG_SIDE_CHANGED, twin.changed);
      if (!eng_layer_pair_is_data (self->graph[ENG_SIDE_CHANGED], twin.changed)
          || is_repeated (layer->writes, i))
        continue;
      need_floats (self, n);
      eng_to_floats (r->type, r->quant, self->saved[twin.reference], n, self->floats[0]);
      eng_to_floats (c->type, c->quant, rt_exec_tap (self->exec[ENG_SIDE_CHANGED], twin.changed), n,
                     self->floats[1]);
      eng_error_sums_add (sums, self->floats[0], self->floats[1], n);
    }
}

void
eng_layer_pair_accumulated (EngLayerPair *self, int layer, EngErrorSums *sums)
{
  g_return_if_fail (self->layers[layer + 1].reason == NULL);
  compare (self, layer + 1, sums);
}

gboolean
eng_layer_pair_begin_local (EngLayerPair *self, int index, GError **error)
{
  const EngPairLayer *layer = &self->layers[index + 1];
  RtError rt_error = { 0 };

  g_return_val_if_fail (layer->reason == NULL, FALSE);
  for (guint i = 0; i < layer->reads->len; i++)
    {
      EngPairTwin twin = g_array_index (layer->reads, EngPairTwin, i);
      const RtValue *r = rt_graph_value (self->graph[ENG_SIDE_REFERENCE], twin.reference);
      const RtValue *c = rt_graph_value (self->graph[ENG_SIDE_CHANGED], twin.changed);
      gsize n = n_elements (self, ENG_SIDE_CHANGED, twin.changed);
      const void *from = r->producer != RT_NONE
                             ? self->saved[twin.reference]
                             : rt_exec_value (self->exec[ENG_SIDE_REFERENCE], twin.reference);
      need_floats (self, n);
      eng_to_floats (r->type, r->quant, from, n, self->floats[0]);
      eng_from_floats (c->type, c->quant, self->floats[0], n,
                       rt_exec_tap (self->exec[ENG_SIDE_CHANGED], twin.changed));
    }
  return rt_exec_choose (self->exec[ENG_SIDE_CHANGED], layer->nodes, &rt_error)
         || eng_error_take_rt (&rt_error, error);
}

void
eng_layer_pair_local (EngLayerPair *self, int layer, EngErrorSums *sums)
{
  g_return_if_fail (self->layers[layer + 1].reason == NULL);
  compare (self, layer + 1, sums);
}

gboolean
eng_layer_pair_begin_rest (EngLayerPair *self, int index, GError **error)
{
  const EngPairLayer *layer = &self->layers[index + 1];
  RtExec *exec = self->exec[ENG_SIDE_REFERENCE];
  RtError rt_error = { 0 };

  g_return_val_if_fail (layer->reason == NULL, FALSE);
  for (guint i = 0; i < layer->rest_reads->len; i++)
    {
      RtValueId id = g_array_index (layer->rest_reads, RtValueId, i);
      memcpy (rt_exec_tap (exec, id), self->saved[id], self->saved_bytes[id]);
    }
  for (guint i = 0; i < layer->writes->len; i++)
    {
      EngPairTwin twin = g_array_index (layer->writes, EngPairTwin, i);
      const RtValue *r = rt_graph_value (self->graph[ENG_SIDE_REFERENCE], twin.reference);
      const RtValue *c = rt_graph_value (self->graph[ENG_SIDE_CHANGED], twin.changed);
      gsize n = n_elements (self, ENG_SIDE_CHANGED, twin.changed);
      need_floats (self, n);
      eng_to_floats (c->type, c->quant, rt_exec_tap (self->exec[ENG_SIDE_CHANGED], twin.changed), n,
                     self->floats[1]);
      eng_from_floats (r->type, r->quant, self->floats[1], n, rt_exec_tap (exec, twin.reference));
    }
  return rt_exec_choose (exec, layer->rest, &rt_error) || eng_error_take_rt (&rt_error, error);
}
