/* Networks that carry their 8-bit form as pairs of QuantizeLinear and DequantizeLinear around real
 * operators (QDQ). Where all inputs of a node come out of DequantizeLinear and its one output goes
 * into one QuantizeLinear, with constants for all scales, the three are one operator on codes:
 *
 *   Q -> DQ -> Conv [-> Relu] -> Q -> DQ      becomes      Q -> QLinearConv -> DQ
 *
 * which eng-onnx-quant.c and eng-onnx-qops.c emit as if it stood in the file. What does not fit
 * stays as it is, in real numbers. Called by eng-onnx.c for the main graph. */
#include "eng-onnx-importer.h"

#include "eng-onnx-quant.h"

#include <math.h>
#include <string.h>

#define MAX_INPUTS 64

typedef enum
{
  CONV,   /* x, w, bias, y */
  MATMUL, /* a, b, y */
  GEMM,   /* a, b, c, y */
  BINARY, /* a, b, y */
  UNARY,  /* x, y */
  CONCAT, /* y, then the parts */
  MOVE,   /* the same operator on codes */
} Kind;

typedef struct
{
  const char *op, *to;
  Kind kind;
} Rule;

#define OURS "com.microsoft"

static const Rule rules[] = {
  { "Conv", "QLinearConv", CONV },
  { "MatMul", "QLinearMatMul", MATMUL },
  { "Gemm", "QGemm", GEMM },
  { "Add", "QLinearAdd", BINARY },
  { "Mul", "QLinearMul", BINARY },
  { "Sub", "QLinearSub", BINARY },
  { "Sigmoid", "QLinearSigmoid", UNARY },
  { "Tanh", "QLinearTanh", UNARY },
  { "LeakyRelu", "QLinearLeakyRelu", UNARY },
  { "Elu", "QLinearElu", UNARY },
  { "HardSigmoid", "QLinearHardSigmoid", UNARY },
  { "HardSwish", "QLinearHardSwish", UNARY },
  { "Relu", "QLinearClip", UNARY },
  { "Clip", "QLinearClip", UNARY },
  { "AveragePool", "QLinearAveragePool", UNARY },
  { "GlobalAveragePool", "QLinearGlobalAveragePool", UNARY },
  { "Concat", "QLinearConcat", CONCAT },
  { "MaxPool", "MaxPool", MOVE },
  { "Reshape", "Reshape", MOVE },
  { "Flatten", "Flatten", MOVE },
  { "Squeeze", "Squeeze", MOVE },
  { "Unsqueeze", "Unsqueeze", MOVE },
  { "Transpose", "Transpose", MOVE },
  { "Slice", "Slice", MOVE },
  { "Gather", "Gather", MOVE },
  { "Expand", "Expand", MOVE },
  { "Tile", "Tile", MOVE },
  { "DepthToSpace", "DepthToSpace", MOVE },
  { "SpaceToDepth", "SpaceToDepth", MOVE },
  { "Identity", "Identity", MOVE },
  { "Resize", "Resize", MOVE }, /* to the nearest only */
};

/* ---- who makes and who reads what ---- */

static gboolean
is_named (const char *name)
{
  return name != NULL && name[0] != '\0';
}

static void
add_reader (EngOnnxImporter *im, const char *name, const Onnx__NodeProto *node)
{
  if (!is_named (name))
    return;
  if (g_hash_table_contains (im->readers, name))
    node = NULL;
  g_hash_table_insert (im->readers, (gpointer)name, (gpointer)node);
}

/* What a subgraph reads has several readers. */
static void
add_subgraph (EngOnnxImporter *im, const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_node; i++)
    {
      const Onnx__NodeProto *node = graph->node[i];
      for (gsize k = 0; k < node->n_input; k++)
        add_reader (im, node->input[k], NULL);
      for (gsize k = 0; k < node->n_attribute; k++)
        if (node->attribute[k]->g != NULL)
          add_subgraph (im, node->attribute[k]->g);
    }
  for (gsize i = 0; i < graph->n_output; i++)
    add_reader (im, graph->output[i]->name, NULL);
}

void
eng_onnx_qdq_prepare (EngOnnxImporter *im, const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_node; i++)
    {
      const Onnx__NodeProto *node = graph->node[i];
      for (gsize k = 0; k < node->n_output; k++)
        if (is_named (node->output[k]))
          g_hash_table_insert (im->makers, node->output[k], (gpointer)node);
      for (gsize k = 0; k < node->n_input; k++)
        add_reader (im, node->input[k], node);
      for (gsize k = 0; k < node->n_attribute; k++)
        if (node->attribute[k]->g != NULL)
          add_subgraph (im, node->attribute[k]->g);
    }
  for (gsize i = 0; i < graph->n_output; i++)
    add_reader (im, graph->output[i]->name, NULL);
}

static gboolean
is_op (const Onnx__NodeProto *node, const char *op)
{
  return node != NULL && g_strcmp0 (node->op_type, op) == 0
         && (!is_named (node->domain) || strcmp (node->domain, "ai.onnx") == 0);
}

/* The one node that reads output 0 of @node, if it has no other output. */
static const Onnx__NodeProto *
sole_reader (EngOnnxImporter *im, const Onnx__NodeProto *node)
{
  return node->n_output == 1 && is_named (node->output[0])
             ? g_hash_table_lookup (im->readers, node->output[0])
             : NULL;
}

/* ---- pairs ---- */

/* A Q or DQ node: what it reads, scale, zero point ("": none). */
typedef struct
{
  char *code, *scale, *zero;
  gint64 axis;
  const Onnx__NodeProto *node;
} Pair;

static gint64
int_attribute (const Onnx__NodeProto *node, const char *name, gint64 otherwise)
{
  for (gsize i = 0; i < node->n_attribute; i++)
    if (g_strcmp0 (node->attribute[i]->name, name) == 0)
      return node->attribute[i]->i;
  return otherwise;
}

static gboolean
is_constant (EngOnnxImporter *im, const char *name)
{
  return is_named (name) && eng_import_is_constant (im->import, eng_import_find (im->import, name));
}

static gboolean
read_pair (EngOnnxImporter *im, const Onnx__NodeProto *node, const char *op, Pair *pair)
{
  static char nothing[] = "";

  if (!is_op (node, op) || node->n_input < 2 || node->n_output != 1 || !is_named (node->input[0])
      || !is_constant (im, node->input[1])
      || (node->n_input > 2 && is_named (node->input[2]) && !is_constant (im, node->input[2]))
      || int_attribute (node, "block_size", 0) != 0)
    return FALSE;
  *pair = (Pair){ .code = node->input[0],
                  .scale = node->input[1],
                  .zero = node->n_input > 2 && is_named (node->input[2]) ? node->input[2] : nothing,
                  .axis = int_attribute (node, "axis", 1),
                  .node = node };
  return TRUE;
}

/* The DequantizeLinear that makes input @i of @node. */
static gboolean
input_pair (EngOnnxImporter *im, const Onnx__NodeProto *node, gsize i, Pair *pair)
{
  if (i >= node->n_input || !is_named (node->input[i]))
    return FALSE;
  return read_pair (im, g_hash_table_lookup (im->makers, node->input[i]), "DequantizeLinear", pair)
         && eng_import_find (im->import, pair->code) != RT_NONE;
}

static int
type_of (EngOnnxImporter *im, const char *name)
{
  RtValueId id = eng_import_find (im->import, name);

  return id != RT_NONE ? eng_import_value (im->import, id)->type : RT_TYPE_U8;
}

/* 8-bit codes with one scale. */
static gboolean
is_plain (EngOnnxImporter *im, const Pair *pair, gboolean is_result)
{
  int type = type_of (im, is_result ? pair->zero : pair->code);
  RtValueId scale = eng_import_find (im->import, pair->scale);

  return (type == RT_TYPE_U8 || type == RT_TYPE_I8)
         && rt_shape_n (&eng_import_value (im->import, scale)->shape) == 1;
}

/* Constant 8-bit codes whose scales, where there are several, go along @axis. */
static gboolean
is_weight (EngOnnxImporter *im, const Pair *pair, guint axis, guint from_end)
{
  RtValueId id = eng_import_find (im->import, pair->code);
  RtValueId scale = eng_import_find (im->import, pair->scale);

  if (!eng_import_is_constant (im->import, id))
    return FALSE;
  const RtValue *value = eng_import_value (im->import, id);
  gint64 rank = value->shape.n_dims, wanted = from_end ? rank - from_end : axis;
  gint64 given = pair->axis < 0 ? pair->axis + rank : pair->axis;
  return (value->type == RT_TYPE_U8 || value->type == RT_TYPE_I8)
         && (rt_shape_n (&eng_import_value (im->import, scale)->shape) == 1 || given == wanted);
}

/* 32-bit sums in the scale of @x times that of @w: what a bias must be to be added to the sums. */
static gboolean
is_bias (EngOnnxImporter *im, const Pair *bias, const Pair *x, const Pair *w)
{
  gsize n_b, n_x, n_w, n_zeros = 0;
  g_autofree float *b
      = eng_import_dup_floats (im->import, eng_import_find (im->import, bias->scale), &n_b);
  g_autofree float *xs
      = eng_import_dup_floats (im->import, eng_import_find (im->import, x->scale), &n_x);
  g_autofree float *ws
      = eng_import_dup_floats (im->import, eng_import_find (im->import, w->scale), &n_w);
  g_autofree gint64 *zeros
      = is_named (bias->zero)
            ? eng_import_dup_ints (im->import, eng_import_find (im->import, bias->zero), &n_zeros)
            : NULL;

  if (b == NULL || xs == NULL || ws == NULL || n_x != 1 || n_b == 0 || n_w == 0
      || (n_b != n_w && n_b != 1 && n_w != 1) || !is_constant (im, bias->code)
      || type_of (im, bias->code) != RT_TYPE_I32 || (is_named (bias->zero) && zeros == NULL))
    return FALSE;
  for (gsize i = 0; i < n_zeros; i++)
    if (zeros[i] != 0)
      return FALSE;
  for (gsize i = 0; i < MAX (n_b, n_w); i++)
    {
      float expected = xs[0] * ws[n_w > 1 ? i : 0], got = b[n_b > 1 ? i : 0];
      if (!(fabsf (got - expected) <= 1e-5f * fabsf (expected)))
        return FALSE;
    }
  return TRUE;
}

/* The same scale and zero point in the file's bytes. */
static gboolean
same_pair (EngOnnxImporter *im, const Pair *a, const Pair *b)
{
  const char *names[2][2] = { { a->scale, b->scale }, { a->zero, b->zero } };

  for (guint i = 0; i < 2; i++)
    {
      if (strcmp (names[i][0], names[i][1]) == 0)
        continue;
      if (!is_constant (im, names[i][0]) || !is_constant (im, names[i][1]))
        return FALSE;
      const RtValue *x = eng_import_value (im->import, eng_import_find (im->import, names[i][0]));
      const RtValue *y = eng_import_value (im->import, eng_import_find (im->import, names[i][1]));
      if (x->type != y->type || x->data_bytes != y->data_bytes
          || memcmp (x->data, y->data, x->data_bytes) != 0)
        return FALSE;
    }
  return TRUE;
}

/* ---- limits between the node and its QuantizeLinear ---- */

static gboolean
limit_input (EngOnnxImporter *im, const Onnx__NodeProto *node, gsize i, float *limit)
{
  gsize n;
  g_autofree float *value = NULL;

  if (i >= node->n_input || !is_named (node->input[i]))
    return TRUE;
  value = eng_import_dup_floats (im->import, eng_import_find (im->import, node->input[i]), &n);
  if (value == NULL || n != 1)
    return FALSE;
  *limit = value[0];
  return TRUE;
}

/* Of a Relu or Clip. */
static gboolean
read_limits (EngOnnxImporter *im, const Onnx__NodeProto *node, float *low, float *high)
{
  *low = 0;
  *high = INFINITY;
  if (is_op (node, "Relu"))
    return TRUE;
  *low = -INFINITY;
  if (!is_op (node, "Clip"))
    return FALSE;
  for (gsize i = 0; i < node->n_attribute; i++)
    if (g_strcmp0 (node->attribute[i]->name, "min") == 0)
      *low = node->attribute[i]->f;
    else if (g_strcmp0 (node->attribute[i]->name, "max") == 0)
      *high = node->attribute[i]->f;
  return limit_input (im, node, 1, low) && limit_input (im, node, 2, high) && *low < *high;
}

/* ---- the node that is emitted instead ---- */

typedef struct
{
  EngOnnxImporter *im;
  const Onnx__NodeProto *node;
  char *inputs[MAX_INPUTS];
  gsize n_inputs;
  Pair y;
} Form;

static void
add (Form *form, const Pair *pair)
{
  form->inputs[form->n_inputs++] = pair->code;
  form->inputs[form->n_inputs++] = pair->scale;
  form->inputs[form->n_inputs++] = pair->zero;
}

static void
add_result (Form *form)
{
  form->inputs[form->n_inputs++] = form->y.scale;
  form->inputs[form->n_inputs++] = form->y.zero;
}

static gboolean
add_product (Form *form, Kind kind)
{
  static char nothing[] = "";
  const Onnx__NodeProto *node = form->node;
  EngOnnxImporter *im = form->im;
  Pair x, w, bias;
  guint axis = kind == GEMM && int_attribute (node, "transB", 0) == 0 ? 1 : 0;

  if (!input_pair (im, node, 0, &x) || !input_pair (im, node, 1, &w) || !is_plain (im, &x, FALSE)
      || !is_weight (im, &w, axis, kind == MATMUL ? 1 : 0))
    return FALSE;
  gboolean has_bias = kind != MATMUL && node->n_input > 2 && is_named (node->input[2]);
  if (has_bias && (!input_pair (im, node, 2, &bias) || !is_bias (im, &bias, &x, &w)))
    return FALSE;
  add (form, &x);
  add (form, &w);
  if (kind == GEMM)
    form->inputs[form->n_inputs++] = has_bias ? bias.code : nothing;
  add_result (form);
  if (kind == CONV && has_bias)
    form->inputs[form->n_inputs++] = bias.code;
  return TRUE;
}

static gboolean
add_plain (Form *form, gsize n)
{
  Pair x;

  for (gsize i = 0; i < n; i++)
    {
      if (!input_pair (form->im, form->node, i, &x) || !is_plain (form->im, &x, FALSE))
        return FALSE;
      add (form, &x);
    }
  return TRUE;
}

/* Whether a Resize takes what it makes from one place each, as its default is. */
static gboolean
is_nearest (const Onnx__NodeProto *node)
{
  for (gsize i = 0; i < node->n_attribute; i++)
    {
      const Onnx__AttributeProto *a = node->attribute[i];
      if (g_strcmp0 (a->name, "mode") == 0)
        return a->s.len == 7 && memcmp (a->s.data, "nearest", 7) == 0;
    }
  return TRUE;
}

static gboolean
add_moved (Form *form)
{
  const Onnx__NodeProto *node = form->node;
  Pair x;

  if ((is_op (node, "Resize") && !is_nearest (node)) || !input_pair (form->im, node, 0, &x)
      || !is_plain (form->im, &x, FALSE) || !same_pair (form->im, &x, &form->y)
      || node->n_input > MAX_INPUTS)
    return FALSE;
  form->inputs[form->n_inputs++] = x.code;
  for (gsize i = 1; i < node->n_input; i++)
    form->inputs[form->n_inputs++] = node->input[i];
  return TRUE;
}

static gboolean
fill (Form *form, Kind kind)
{
  const Onnx__NodeProto *node = form->node;

  switch (kind)
    {
    case CONV:
    case MATMUL:
    case GEMM:
      return add_product (form, kind);
    case BINARY:
    case UNARY:
      if (!add_plain (form, kind == BINARY ? 2 : 1))
        return FALSE;
      add_result (form);
      return TRUE;
    case CONCAT:
      add_result (form);
      return node->n_input > 0 && 3 * node->n_input + 2 <= MAX_INPUTS
             && add_plain (form, node->n_input);
    case MOVE:
      return add_moved (form);
    }
  return FALSE;
}

static gboolean
emit (Form *form, const Rule *rule, guint place, float low, float high)
{
  const Onnx__NodeProto *node = form->node;
  Onnx__NodeProto made = *node;
  g_autofree char *name = is_named (node->name) ? g_strdup (node->name)
                                                : g_strdup_printf ("%s_%u", rule->op, place - 1);
  static char ours[] = OURS, none[] = "";
  g_autofree char *op = g_strdup (rule->to);

  made.name = name;
  made.op_type = op;
  made.domain = eng_onnx_qop_find (rule->to) != NULL ? ours : none;
  made.input = form->inputs;
  made.n_input = form->n_inputs;
  made.output = form->y.node->output;
  made.n_output = 1;
  return eng_onnx_try_node (form->im, &made, rule->op, place, low, high);
}

gboolean
eng_onnx_qdq_emit (EngOnnxImporter *im, const Onnx__NodeProto *node, guint place)
{
  Form form = { .im = im, .node = node };
  const Rule *rule = NULL;
  float low = 0, high = 0;

  for (guint i = 0; i < G_N_ELEMENTS (rules) && rule == NULL; i++)
    if (is_op (node, rules[i].op))
      rule = &rules[i];
  const Onnx__NodeProto *after = rule != NULL ? sole_reader (im, node) : NULL;
  const Onnx__NodeProto *limits = NULL;
  if (after == NULL)
    return FALSE;
  if (strcmp (rule->to, "QLinearClip") == 0)
    {
      if (!read_limits (im, node, &low, &high))
        return FALSE;
    }
  else if ((rule->kind <= BINARY) && read_limits (im, after, &low, &high))
    {
      limits = after;
      after = sole_reader (im, after);
    }
  else
    low = high = 0;
  if (!read_pair (im, after, "QuantizeLinear", &form.y) || !is_plain (im, &form.y, TRUE)
      || !fill (&form, rule->kind) || !emit (&form, rule, place, low, high))
    return FALSE;
  g_hash_table_add (im->done, (gpointer)after);
  if (limits != NULL)
    g_hash_table_add (im->done, (gpointer)limits);
  return TRUE;
}
