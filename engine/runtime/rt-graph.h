/* The graph: values (tensors) and nodes (operators) in execution order, for every kind of model:
 * language models, vision and audio networks.
 *
 *     value: tokens [N] i32 ──► node embed ──► value x [N, 576] f32 ──► node rmsnorm ──► ...
 *                                 ▲
 *     value: token_embd.weight [49152, 576] Q4_1 (weight)
 *
 * Shapes are row-major, last dimension contiguous; 0 dimensions are one number. A dimension may be
 * a symbol (tokens in this run, height of the picture), bound when the graph is executed; the
 * memory plan is made for the symbols' maxima. A graph owns its names, shapes and attributes in one
 * arena; weight bytes are borrowed (the mapped file outlives the graph) or lie in the arena as
 * well. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kn-types.h"
#include "rt-error.h"

#define RT_MAX_DIMS 8
#define RT_MAX_OUTPUTS 4

/* Every node has at least this many input slots; those without an input are RT_NONE, so that an
 * operator may look at its optional inputs without counting. */
#define RT_INPUT_SLOTS 8

/* Symbolic dimensions: negative numbers in place of a size. */
#define RT_DIM_TOKENS (-1)  /* tokens fed in this run */
#define RT_DIM_OUTPUTS (-2) /* rows of the last layer whose logits are wanted */
#define RT_DIM_HEIGHT (-3)  /* of the picture that the user gave */
#define RT_DIM_WIDTH (-4)
#define RT_DIM_SAMPLES (-5) /* of the sound that the user gave */
#define RT_N_SYMBOLS 5

typedef struct
{
  uint32_t n_dims;
  int64_t dims[RT_MAX_DIMS];
} RtShape;

/* Element types. Weights may also have the numbers of KnDtype; where both name a type the number is
 * the same. */
typedef enum
{
  RT_TYPE_F32 = KN_F32,
  RT_TYPE_F16 = KN_F16,
  RT_TYPE_I8 = 24, /* GGUF's numbers for plain numbers */
  RT_TYPE_I16 = 25,
  RT_TYPE_I32 = 26,
  RT_TYPE_I64 = 27,
  RT_TYPE_F64 = 28,
  RT_TYPE_BF16 = KN_BF16,
  RT_TYPE_Q8_ROWS = 1000, /* rows of kn_quantize_q8() */
  RT_TYPE_U8 = 1001,
  RT_TYPE_U16 = 1002,
  RT_TYPE_U32 = 1003,
  RT_TYPE_U64 = 1004,
  RT_TYPE_BOOL = 1005,          /* one byte, 0 or 1 */
  RT_TYPE_Q8_TOKEN_ROWS = 1006, /* rows of quantize_q8_token: one scale each */
} RtType;

/* Bytes of one element of a plain type, 0 for block formats and unknown numbers. */
size_t rt_type_bytes (int type);
/* "f32", "Q4_0"; "type 77" for an unknown number is "unknown". */
const char *rt_type_name (int type);

/* How the integers of a quantized value stand for real numbers: scale * (q - zero_point). */
typedef struct
{
  uint32_t n;   /* 1, or the size of dimension @axis */
  int32_t axis; /* when n > 1 */
  const float *scales;
  const int32_t *zero_points;
} RtQuant;

typedef enum
{
  RT_VALUE_INPUT,      /* written by the caller before a run */
  RT_VALUE_WEIGHT,     /* constant bytes of the model */
  RT_VALUE_ACTIVATION, /* lives in the arena, planned */
  RT_VALUE_OUTPUT,     /* lives in the arena to the end of the run, read by the caller */
  RT_VALUE_STATE,      /* lives from run to run: read by nodes, renewed between runs */
} RtValueKind;

typedef uint32_t RtValueId;
typedef uint32_t RtNodeId;
#define RT_NONE UINT32_MAX

typedef struct
{
  const char *name; /* source name for weights and graph outputs ("blk.3.attn_q.weight"), else the
                       producing node's */
  RtValueKind kind;
  int type; /* RtType or KnDtype */
  RtShape shape;
  const RtQuant *quant; /* NULL: numbers as they are */
  const void *data;     /* weights: bytes as in the file; states: the beginning, NULL: zeros */
  uint64_t data_bytes;  /* weights: their size in the file */
  RtNodeId producer;    /* RT_NONE for inputs, weights and states */
  RtValueId next;       /* states: the value that takes its place after a run; RT_NONE: stays */
  bool is_kept;         /* must live to the end of the run: outputs, and what states take */
} RtValue;

typedef struct RtOp RtOp;

typedef struct
{
  const char *name; /* "blk.3.attn_q": unique in the graph */
  const RtOp *op;
  int32_t layer; /* block number, -1 before the first block, n_layers after the last: the layer axis
                    of every plot */
  uint32_t n_inputs, n_outputs;
  const RtValueId *inputs; /* RT_NONE for an optional input that is absent; at least
                              RT_INPUT_SLOTS of them */
  RtValueId outputs[RT_MAX_OUTPUTS];
  void *attrs;        /* op->attrs_bytes, in the graph's arena */
  uint32_t n_sources; /* names of the source nodes this one stands for: itself, or what fusion
                         swallowed */
  const char **sources;
} RtNode;

typedef struct RtGraph RtGraph;

RtGraph *rt_graph_new (RtError *error);
void rt_graph_free (RtGraph *graph); /* accepts NULL */

/* Building. Names are copied. Return RT_NONE and fill @error on failure (out of memory, duplicate
 * name, shapes that do not fit: the message names node, expected and got). rt_graph_add_node()
 * infers the output shapes with the operator's own function. */
RtValueId rt_graph_add_input (RtGraph *graph, const char *name, int type, const RtShape *shape,
                              RtError *error);
RtValueId rt_graph_add_weight (RtGraph *graph, const char *name, int dtype, const RtShape *shape,
                               const void *data, uint64_t data_bytes, RtError *error);
/* Memory from run to run. @data: what it begins with, borrowed, NULL for zeros. */
RtValueId rt_graph_add_state (RtGraph *graph, const char *name, int type, const RtShape *shape,
                              const void *data, RtError *error);
RtNodeId rt_graph_add_node (RtGraph *graph, const char *name, int32_t layer, const RtOp *op,
                            const RtValueId *inputs, uint32_t n_inputs, const void *attrs,
                            RtError *error);
void rt_graph_set_output (RtGraph *graph, RtValueId value);
/* After a run @state becomes @value, which has the same type and shape. */
bool rt_graph_set_next (RtGraph *graph, RtValueId state, RtValueId value, RtError *error);
/* @quant is copied. Replaces what was there. */
bool rt_graph_set_quant (RtGraph *graph, RtValueId value, const RtQuant *quant, RtError *error);
/* Zeroed memory that lives as long as the graph, for constants made while it is built; NULL when
 * out of memory. Aligned to 16 bytes. */
void *rt_graph_alloc (RtGraph *graph, uint64_t n_bytes);
/* Weight @value has these bytes of @dtype instead; its shape stays. */
void rt_graph_replace_weight (RtGraph *graph, RtValueId value, int dtype, const void *data,
                              uint64_t data_bytes);
/* Whether @data lies in memory of rt_graph_alloc(). */
bool rt_graph_owns (const RtGraph *graph, const void *data);
/* Input @slot of @node, below RT_INPUT_SLOTS or its number of inputs, is @value instead, which is
 * there before the node and of the same type and shape where there was one. */
void rt_graph_set_input (RtGraph *graph, RtNodeId node, uint32_t slot, RtValueId value);
void rt_graph_set_layer (RtGraph *graph, RtNodeId node, int32_t layer);
void rt_graph_set_n_layers (RtGraph *graph, int32_t n_layers); /* blocks; 0 until set */

/* The node stands for these source nodes instead of itself; names are copied. */
bool rt_graph_set_source_names (RtGraph *graph, RtNodeId node, const char *const *names,
                                uint32_t n_names, RtError *error);
/* The sources of @node are the sources of @swallowed, in order, instead of itself. For fusion. */
bool rt_graph_set_sources (RtGraph *graph, RtNodeId node, const RtNode *const *swallowed,
                           uint32_t n_swallowed, RtError *error);

/* Looking. Ids are dense: 0 .. n - 1. */
uint32_t rt_graph_n_nodes (const RtGraph *graph);
uint32_t rt_graph_n_values (const RtGraph *graph);
const RtNode *rt_graph_node (const RtGraph *graph, RtNodeId id);
const RtValue *rt_graph_value (const RtGraph *graph, RtValueId id);
RtValueId rt_graph_find_value (const RtGraph *graph, const char *name); /* RT_NONE when absent */
RtNodeId rt_graph_find_node (const RtGraph *graph, const char *name);   /* RT_NONE when absent */
int32_t rt_graph_n_layers (const RtGraph *graph);                       /* blocks */
uint64_t rt_graph_bytes (const RtGraph *graph);                         /* memory it takes */

/* Elements of a shape without symbols (or with them bound); UINT64_MAX when there are more. */
uint64_t rt_shape_n (const RtShape *shape);

/* The size of @dim with @symbols [RT_N_SYMBOLS] bound; symbols[0] is RT_DIM_TOKENS. */
int64_t rt_dim_bind (int64_t dim, const int64_t *symbols);
void rt_shape_bind (const RtShape *shape, const int64_t *symbols, RtShape *bound);
uint64_t rt_value_bytes (const RtValue *value,
                         const int64_t *symbols); /* in memory; weights: as in the file */

/* A shape as people write it: "[tokens, 576]". Returns @buffer. */
const char *rt_shape_text (const RtShape *shape, char *buffer, size_t n_bytes);

/* Check the whole graph: order, types, every shape. */
bool rt_graph_validate (const RtGraph *graph, RtError *error);
