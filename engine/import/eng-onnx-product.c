/* ONNX matrix products. A product with a constant is the dense layer that the runtime packs; others
 * multiply activations. Emit functions of the table in eng-onnx-list.c. */
#include "eng-onnx-ops.h"

#include "ops/rt-ops-math.h"
#include "ops/rt-ops.h"

/* x [..., C] times constant [R, C], plus optional bias [R]: rows are put together and taken apart
 * again, which moves nothing. */
static RtValueId
dense (EngOnnxNode *node, RtValueId x, RtValueId weight, RtValueId bias)
{
  RtShape shape = *eng_onnx_shape (node, x);
  gint64 n_rows = 1;

  for (guint i = 0; i + 1 < shape.n_dims; i++)
    n_rows *= shape.dims[i];
  x = eng_onnx_reshape (node, x, &(RtShape){ 2, { n_rows, shape.dims[shape.n_dims - 1] } });
  RtValueId y = ENG_ONNX_ADD (node, &rt_op_matmul, NULL, x, weight, bias);
  shape.dims[shape.n_dims - 1] = eng_onnx_shape (node, weight)->dims[0];
  return eng_onnx_reshape (node, y, &shape);
}

static gboolean
is_float (const EngOnnxNode *node, RtValueId value)
{
  int type = eng_onnx_value (node, value)->type;

  return type == RT_TYPE_F32 || type == RT_TYPE_F16 || type == RT_TYPE_BF16;
}

/* Whether @weight is a constant matrix and @x rows of floats. */
static gboolean
is_dense (const EngOnnxNode *node, RtValueId x, RtValueId weight)
{
  const RtShape *shape = eng_onnx_shape (node, x);

  return eng_onnx_is_const (node, weight) && eng_onnx_shape (node, weight)->n_dims == 2
         && is_float (node, weight) && eng_onnx_value (node, x)->type == RT_TYPE_F32
         && !eng_onnx_is_const (node, x) && shape->n_dims >= 1 && rt_shape_n (shape) > 0
         && rt_shape_n (eng_onnx_shape (node, weight)) > 0;
}

gboolean
eng_onnx_emit_matmul (EngOnnxNode *node)
{
  static const guint swap[] = { 1, 0 };
  RtValueId a = eng_onnx_in (node, 0), b = eng_onnx_in (node, 1);

  if (is_dense (node, a, b))
    {
      const RtShape *shape = eng_onnx_shape (node, a);
      if (shape->dims[shape->n_dims - 1] != eng_onnx_shape (node, b)->dims[0])
        return eng_onnx_refuse (node,
                                "%" G_GINT64_FORMAT " columns times %" G_GINT64_FORMAT " rows",
                                shape->dims[shape->n_dims - 1], eng_onnx_shape (node, b)->dims[0]);
      return eng_onnx_out (node, 0, dense (node, a, eng_onnx_permute (node, b, swap, 2), RT_NONE));
    }
  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_matmul_nd, &(RtMatmulNdAttrs){ 0 }, a, b));
}

/* A bias that is one row for all rows of the product. */
static gboolean
is_row (const EngOnnxNode *node, RtValueId c, gint64 n_columns)
{
  const RtShape *shape = eng_onnx_shape (node, c);

  return eng_onnx_is_const (node, c) && is_float (node, c)
         && ((shape->n_dims == 1 && shape->dims[0] == n_columns)
             || (shape->n_dims == 2 && shape->dims[0] == 1 && shape->dims[1] == n_columns));
}

gboolean
eng_onnx_emit_gemm (EngOnnxNode *node)
{
  static const guint swap[] = { 1, 0 };
  RtValueId a = eng_onnx_in (node, 0), b = eng_onnx_in (node, 1), c = eng_onnx_in (node, 2);
  RtGemmAttrs attrs = { .alpha = eng_onnx_float (node, "alpha", 1),
                        .beta = eng_onnx_float (node, "beta", 1),
                        .transpose_a = eng_onnx_int (node, "transA", 0) != 0,
                        .transpose_b = eng_onnx_int (node, "transB", 0) != 0 };
  const RtShape *b_shape = eng_onnx_shape (node, b), *a_shape = eng_onnx_shape (node, a);

  if (a_shape->n_dims != 2 || b_shape->n_dims != 2)
    return eng_onnx_refuse (node, "factors of %u and %u dimensions, expected 2", a_shape->n_dims,
                            b_shape->n_dims);
  gint64 n_columns = b_shape->dims[attrs.transpose_b ? 0 : 1];
  gint64 n_inner = b_shape->dims[attrs.transpose_b ? 1 : 0];
  if (is_dense (node, a, b) && !attrs.transpose_a && attrs.alpha == 1 && a_shape->dims[1] == n_inner
      && (c == RT_NONE || (attrs.beta == 1 && is_row (node, c, n_columns))))
    {
      if (c != RT_NONE)
        c = eng_onnx_reshape (node, c, &(RtShape){ 1, { n_columns } });
      if (!attrs.transpose_b)
        b = eng_onnx_permute (node, b, swap, 2);
      return eng_onnx_out (node, 0, dense (node, a, b, c));
    }
  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_gemm, &attrs, a, b, c));
}

gboolean
eng_onnx_emit_einsum (EngOnnxNode *node)
{
  const char *equation = eng_onnx_string (node, "equation", "");
  guint32 n_dims[RT_EINSUM_INPUTS];
  RtEinsumAttrs attrs;
  RtError error = { 0 };

  if (node->n_inputs > RT_EINSUM_INPUTS)
    return eng_onnx_refuse (node, "%u inputs; at most %d are supported", node->n_inputs,
                            RT_EINSUM_INPUTS);
  for (guint i = 0; i < node->n_inputs; i++)
    n_dims[i] = eng_onnx_shape (node, eng_onnx_in (node, i))->n_dims;
  if (!rt_einsum_parse (equation, n_dims, node->n_inputs, &attrs, &error))
    return eng_onnx_refuse (node, "%s", error.message);
  return eng_onnx_out (node, 0,
                       eng_onnx_add (node, &rt_op_einsum, &attrs, node->inputs, node->n_inputs));
}
