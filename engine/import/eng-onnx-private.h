/* Shared by the ONNX importer's files: what an emit function sees of its node, and how it adds to
 * the runtime graph. Not for others.
 *
 * Errors are sticky: the first eng_onnx_refuse() of a node keeps its reason, later calls for that
 * node do nothing and return RT_NONE, so that emit functions need no check after every step. */
#pragma once

#include "eng-import.h"
#include "eng-onnx-file.h"
#include "eng-onnx.h"
#include "onnx.pb-c.h"
#include "rt-op.h"

G_BEGIN_DECLS

typedef struct EngOnnxImporter EngOnnxImporter;
typedef struct EngOnnxNode EngOnnxNode;

/* Add what @node stands for to the graph and hand over its outputs with eng_onnx_out(). FALSE after
 * eng_onnx_refuse(). */
typedef gboolean (*EngOnnxEmit) (EngOnnxNode *node);

/* One row per operator, or per range of versions in which it means the same. */
typedef struct
{
  const char *name;
  gint64 since, until; /* opsets, both inside */
  EngOnnxEmit emit;
  int data; /* what functions that serve several operators tell them apart by */
  guint min_inputs, max_inputs;
} EngOnnxOp;

struct EngOnnxNode
{
  EngOnnxImporter *importer;
  const Onnx__NodeProto *proto;
  const EngOnnxOp *op;
  gint64 opset;
  const char *name;  /* unique in the graph */
  const char *title; /* the file's operator */
  gboolean quiet;    /* an attempt: nothing is reported */
  gboolean is_cut;   /* reads what an unsupported node would have made */
  guint place;       /* in the main graph, from 1 */
  char *reason;      /* NULL: all is well */
  const RtValueId *inputs;
  guint n_inputs; /* trailing absent ones left out */
  RtValueId *outputs;
  guint n_outputs;
  guint n_made;    /* runtime nodes */
  float low, high; /* limits of a quantized result in real numbers; both 0: none */
};

/* Rows for an operator of @domain; NULL when there is none for @opset; @known: whether the name is
 * in the table for another opset. */
const EngOnnxOp *eng_onnx_op_find (const char *domain, const char *name, gint64 opset,
                                   gboolean *known);

/* ---- reasons ---- */

gboolean eng_onnx_refuse (EngOnnxNode *node, const char *format, ...) G_GNUC_PRINTF (2, 3);
static inline gboolean
eng_onnx_ok (const EngOnnxNode *node)
{
  return node->reason == NULL;
}

/* ---- attributes: the value, or @otherwise when the node has none; refuses those of a wrong kind
 * ---- */

gboolean eng_onnx_has (const EngOnnxNode *node, const char *name);
gint64 eng_onnx_int (EngOnnxNode *node, const char *name, gint64 otherwise);
float eng_onnx_float (EngOnnxNode *node, const char *name, float otherwise);
const char *eng_onnx_string (EngOnnxNode *node, const char *name, const char *otherwise);
/* At most @max numbers to @out; how many. 0 when absent. */
guint eng_onnx_ints (EngOnnxNode *node, const char *name, gint64 *out, guint max);
guint eng_onnx_floats (EngOnnxNode *node, const char *name, float *out, guint max);
/* Item @i of a list of strings, or @otherwise. */
const char *eng_onnx_string_at (EngOnnxNode *node, const char *name, guint i,
                                const char *otherwise);
const Onnx__GraphProto *eng_onnx_graph (EngOnnxNode *node, const char *name);
gboolean eng_onnx_tensor (EngOnnxNode *node, const char *name, EngOnnxTensor *out);

/* ---- inputs ---- */

/* RT_NONE when input @i is absent. */
static inline RtValueId
eng_onnx_in (const EngOnnxNode *node, guint i)
{
  return i < node->n_inputs ? node->inputs[i] : RT_NONE;
}
const RtValue *eng_onnx_value (const EngOnnxNode *node, RtValueId value);
static inline const RtShape *
eng_onnx_shape (const EngOnnxNode *node, RtValueId value)
{
  return &eng_onnx_value (node, value)->shape;
}
/* Axis attribute or input: -rank .. rank - 1 (+ @extra) to 0 .. ; refuses others. */
guint eng_onnx_axis (EngOnnxNode *node, gint64 axis, guint rank);
/* Names of the graph's inputs that @value is made of: "'x', 'y'". */
char *eng_onnx_dup_sources (EngOnnxNode *node, RtValueId value);
/* Input @i must be known at import. Refuses with the inputs of the graph that it depends on. */
gboolean eng_onnx_const (EngOnnxNode *node, guint i, EngOnnxTensor *out);
gboolean eng_onnx_is_const (const EngOnnxNode *node, RtValueId value);
/* The same as numbers, of any integer type. How many. */
guint eng_onnx_const_ints (EngOnnxNode *node, guint i, gint64 *out, guint max);
/* The same as floats, of any float type. */
guint eng_onnx_const_floats (EngOnnxNode *node, guint i, float *out, guint max);
/* One number of any type; @otherwise when absent. */
double eng_onnx_const_number (EngOnnxNode *node, guint i, double otherwise);

/* ---- making ---- */

/* A constant with a copy of the bytes. */
RtValueId eng_onnx_constant (EngOnnxNode *node, int type, const RtShape *shape, gconstpointer data);
RtValueId eng_onnx_constant_ints (EngOnnxNode *node, const gint64 *values, guint n);
RtValueId eng_onnx_scalar (EngOnnxNode *node, int type, double value);
/* The node's @n inputs through @op; its first output. */
RtValueId eng_onnx_add (EngOnnxNode *node, const RtOp *op, gconstpointer attrs,
                        const RtValueId *inputs, guint n);
/* The same for several outputs. */
gboolean eng_onnx_add_all (EngOnnxNode *node, const RtOp *op, gconstpointer attrs,
                           const RtValueId *inputs, guint n, RtValueId *outputs);
#define ENG_ONNX_ADD(node, op, attrs, ...)                                                         \
  eng_onnx_add (node, op, attrs, (const RtValueId[]){ __VA_ARGS__ },                               \
                sizeof ((const RtValueId[]){ __VA_ARGS__ }) / sizeof (RtValueId))
/* @value is the node's output @i. Returns whether all is well. */
gboolean eng_onnx_out (EngOnnxNode *node, guint i, RtValueId value);

/* Emit the nodes of a subgraph, whose names see those around it; its outputs to @outputs. */
gboolean eng_onnx_emit_subgraph (EngOnnxNode *node, const Onnx__GraphProto *graph,
                                 RtValueId *outputs, guint n_outputs);

EngOnnxFile *eng_onnx_importer_file (const EngOnnxImporter *importer);

G_END_DECLS
