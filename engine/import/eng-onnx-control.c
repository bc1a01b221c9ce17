/* ONNX operators that compute nothing: constants, copies, branches. Emit functions of the table in
 * eng-onnx-list.c. */
#include "eng-onnx-ops.h"

#include "ops/rt-ops-move.h"

#include <string.h>

gboolean
eng_onnx_emit_identity (EngOnnxNode *node)
{
  return eng_onnx_out (node, 0, eng_onnx_in (node, 0));
}

/* At inference everything passes. */
gboolean
eng_onnx_emit_dropout (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);

  if (eng_onnx_const_number (node, 2, 0) != 0 && eng_onnx_const_number (node, 1, 0.5) != 0)
    return eng_onnx_refuse (node, "it is in training mode");
  if (node->n_outputs > 1)
    {
      const RtShape *shape = eng_onnx_shape (node, x);
      g_autofree guint8 *ones = g_malloc (MAX (rt_shape_n (shape), 1));
      memset (ones, 1, rt_shape_n (shape));
      eng_onnx_out (node, 1, eng_onnx_constant (node, RT_TYPE_BOOL, shape, ones));
    }
  return eng_onnx_out (node, 0, x);
}

/* ---- constants ---- */

static gboolean
constant_of_ints (EngOnnxNode *node, gboolean is_list)
{
  gint64 value = 0;
  const Onnx__AttributeProto *a = node->proto->attribute[0];

  if (is_list)
    return eng_onnx_out (node, 0, eng_onnx_constant_ints (node, a->ints, (guint)a->n_ints));
  value = eng_onnx_int (node, "value_int", 0);
  return eng_onnx_out (node, 0, eng_onnx_constant (node, RT_TYPE_I64, &(RtShape){ 0 }, &value));
}

static gboolean
constant_of_floats (EngOnnxNode *node, gboolean is_list)
{
  float value;
  const Onnx__AttributeProto *a = node->proto->attribute[0];

  if (is_list)
    return eng_onnx_out (node, 0,
                         eng_onnx_constant (node, RT_TYPE_F32,
                                            &(RtShape){ 1, { (gint64)a->n_floats } }, a->floats));
  value = eng_onnx_float (node, "value_float", 0);
  return eng_onnx_out (node, 0, eng_onnx_constant (node, RT_TYPE_F32, &(RtShape){ 0 }, &value));
}

gboolean
eng_onnx_emit_constant (EngOnnxNode *node)
{
  EngOnnxTensor t;

  if (node->proto->n_attribute != 1)
    return eng_onnx_refuse (node, "%" G_GSIZE_FORMAT " attributes, expected one",
                            node->proto->n_attribute);
  if (eng_onnx_has (node, "value_int") || eng_onnx_has (node, "value_ints"))
    return constant_of_ints (node, eng_onnx_has (node, "value_ints"));
  if (eng_onnx_has (node, "value_float") || eng_onnx_has (node, "value_floats"))
    return constant_of_floats (node, eng_onnx_has (node, "value_floats"));
  if (!eng_onnx_has (node, "value"))
    return eng_onnx_refuse (node, "constants of attribute '%s' are not supported",
                            node->proto->attribute[0]->name);
  return eng_onnx_tensor (node, "value", &t)
         && eng_onnx_out (node, 0, eng_onnx_constant (node, t.type, &t.shape, t.data));
}

gboolean
eng_onnx_emit_constant_of_shape (EngOnnxNode *node)
{
  EngOnnxTensor t = { .type = RT_TYPE_F32, .n = 1, .data = &(float){ 0 }, .n_bytes = 4 };
  RtShape shape = { 0 };
  RtValueId one;

  shape.n_dims = eng_onnx_const_ints (node, 0, shape.dims, RT_MAX_DIMS);
  for (guint i = 0; i < shape.n_dims; i++)
    if (shape.dims[i] < 0)
      return eng_onnx_refuse (node, "dimension %u is %" G_GINT64_FORMAT, i, shape.dims[i]);
  if (eng_onnx_has (node, "value") && !eng_onnx_tensor (node, "value", &t))
    return FALSE;
  if (t.n != 1)
    return eng_onnx_refuse (node, "attribute 'value' has %" G_GUINT64_FORMAT " elements, not one",
                            t.n);
  gsize width = rt_type_bytes (t.type);
  guint64 n = rt_shape_n (&shape);
  if (!eng_onnx_ok (node))
    return FALSE;
  if (n > (1u << 28))
    return eng_onnx_refuse (node, "a constant of %" G_GUINT64_FORMAT " elements is too large", n);
  g_autofree guint8 *all = g_malloc (MAX (n * width, 1));
  for (guint64 i = 0; i < n; i++)
    memcpy (all + i * width, t.data, width);
  one = eng_onnx_constant (node, t.type, &shape, all);
  return eng_onnx_out (node, 0, one);
}

/* ---- branches ---- */

static gboolean
same_shape (const RtShape *a, const RtShape *b)
{
  return a->n_dims == b->n_dims && memcmp (a->dims, b->dims, a->n_dims * sizeof *a->dims) == 0;
}

/* Output @i: @yes or @no. */
static gboolean
select_output (EngOnnxNode *node, guint i, RtValueId condition, RtValueId yes, RtValueId no)
{
  const RtValue *a = eng_onnx_value (node, yes), *b = eng_onnx_value (node, no);
  char shapes[2][128];

  if (a->type != b->type || !same_shape (&a->shape, &b->shape))
    {
      g_autofree char *names = eng_onnx_dup_sources (node, eng_onnx_in (node, 0));
      return eng_onnx_refuse (
          node,
          "its branches give %s %s and %s %s for output %u; which is taken must be known when the "
          "file is read, and depends on %s",
          rt_type_name (a->type), rt_shape_text (&a->shape, shapes[0], sizeof shapes[0]),
          rt_type_name (b->type), rt_shape_text (&b->shape, shapes[1], sizeof shapes[1]), i + 1,
          names);
    }
  return eng_onnx_out (node, i, ENG_ONNX_ADD (node, &rt_op_where, NULL, condition, yes, no));
}

/* The condition is computed in the run: both branches become part of the graph, every run computes
 * both, and the condition selects. */
static gboolean
emit_both (EngOnnxNode *node)
{
  guint n = node->n_outputs;
  g_autofree RtValueId *yes = g_new (RtValueId, n + 1), *no = g_new (RtValueId, n + 1);
  const Onnx__GraphProto *then_graph = eng_onnx_graph (node, "then_branch");
  const Onnx__GraphProto *else_graph = eng_onnx_graph (node, "else_branch");
  RtValueId condition = eng_onnx_in (node, 0);

  if (!eng_onnx_ok (node))
    return FALSE;
  if (rt_shape_n (eng_onnx_shape (node, condition)) != 1)
    return eng_onnx_refuse (node, "its condition is not one value");
  if (!eng_onnx_emit_subgraph (node, then_graph, yes, n)
      || !eng_onnx_emit_subgraph (node, else_graph, no, n))
    return FALSE;
  condition = eng_onnx_reshape (node, condition, &(RtShape){ 0 });
  for (guint i = 0; i < n && eng_onnx_ok (node); i++)
    select_output (node, i, condition, yes[i], no[i]);
  return eng_onnx_ok (node);
}

/* A branch that is known to be taken is all that becomes part of the graph. */
gboolean
eng_onnx_emit_if (EngOnnxNode *node)
{
  if (eng_onnx_in (node, 0) != RT_NONE && !eng_onnx_is_const (node, eng_onnx_in (node, 0)))
    return emit_both (node);
  gboolean taken = eng_onnx_const_number (node, 0, 0) != 0;
  if (!eng_onnx_ok (node))
    return FALSE;
  const Onnx__GraphProto *graph = eng_onnx_graph (node, taken ? "then_branch" : "else_branch");
  return graph != NULL && eng_onnx_emit_subgraph (node, graph, node->outputs, node->n_outputs);
}

gboolean
eng_onnx_emit_loop (EngOnnxNode *node)
{
  return eng_onnx_refuse (node, "loops over a part of the graph are not supported");
}
