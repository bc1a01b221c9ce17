/* The operator table: everything the rest of the engine may ask about an operator. One file per
 * operator, one line in rt-op-list.c. */
#pragma once

#include <float.h>
#include <math.h>

#include "kn-table.h"
#include "rt-graph.h"
#include "rt-kv.h"
#include "rt-pool.h"
#include "rt-tree.h"

typedef struct RtWeight RtWeight;

/* What a node costs in one run, from its shapes and formats alone. Bytes are what must move at
 * least once. */
typedef struct
{
  uint64_t flops;
  uint64_t weight_bytes; /* packed weights read */
  uint64_t read_bytes;   /* activations and cache read */
  uint64_t write_bytes;
} RtCost;

/* What a node left out of its work, by what the activations were: see RtOp.skips. */
typedef struct
{
  uint64_t n_skipped, n_all;
} RtTally;

/* One input or output of a node, bound for a run. */
typedef struct
{
  void *data; /* activations, f32 vectors, the file's bytes of unpacked tables; NULL for packed or
                 absent inputs */
  const RtWeight *weight; /* packed matrix, or NULL */
  RtShape shape;          /* symbols bound */
  int type;
  const RtQuant *quant; /* NULL: numbers as they are */
  size_t row_stride; /* elements from one row (run of the last dimension) to the next: dims[last],
                           or more where an output of an operator with strided_output lies inside of
                           a concatenation */
} RtTensor;

/* What an operator sees while it runs. */
typedef struct
{
  const KnTable *kn;
  const RtNode *node;
  const void *attrs;
  RtTensor *inputs;     /* at least RT_INPUT_SLOTS; absent ones are zeroed */
  RtTensor *outputs;    /* RT_MAX_OUTPUTS */
  const void *prepared; /* what prepare() made, KN_ALIGN aligned; NULL for operators without it */
  RtTally *tally;       /* what was left out in all runs so far; NULL: nobody asks */
  RtKv *kv;             /* the sequence's cache, NULL for networks without one */
  uint32_t position;    /* of the first token of this run in the sequence */
  const RtTree *tree;   /* NULL: each token follows the one before it; else see rt_op_position() */
  uint32_t n_threads;
  uint8_t *scratch;        /* shared by all threads: as asked for in scratch(), KN_ALIGN aligned */
  uint8_t *thread_scratch; /* of thread 0: use rt_op_thread_scratch() */
  size_t thread_scratch_stride; /* bytes */
} RtOpContext;

static inline void *
rt_op_thread_scratch (const RtOpContext *context, const RtWorker *worker)
{
  return context->thread_scratch + worker->index * context->thread_scratch_stride;
}

static inline void
rt_op_add_tally (const RtOpContext *context, uint64_t n_skipped, uint64_t n_all)
{
  if (context->tally == NULL)
    return;
  /* Chunks of a phase are done by several threads; who reads does so between runs. */
  __atomic_fetch_add (&context->tally->n_skipped, n_skipped, __ATOMIC_RELAXED);
  __atomic_fetch_add (&context->tally->n_all, n_all, __ATOMIC_RELAXED);
}

/* Where in the sequence token @token of the run stands. */
static inline uint32_t
rt_op_position (const RtOpContext *context, size_t token)
{
  return context->position
         + (context->tree != NULL ? context->tree->depths[token] : (uint32_t)token);
}

/* What an operator may know about a node outside of a run, to size its working memory and count its
 * costs. */
typedef struct
{
  const RtGraph *graph;
  const RtNode *node;
  const int *weight_dtypes; /* [n_values]: the format each weight is packed in, -1 for those that
                               stay as in the file */
  const uint64_t *weight_bytes; /* [n_values]: what each weight takes as it is packed; 0, or all
                                 * NULL: what its format and shape say. Sparse ones take less */
  const int64_t *symbols;       /* [RT_N_SYMBOLS] bound */
  KnDtype kv_format;
  uint32_t kv_capacity; /* positions */
  uint32_t position;    /* of the first token of the run */
  uint32_t n_threads;
} RtOpQuery;

/* ---- attributes, field by field ---- */

typedef enum
{
  RT_FIELD_U32,
  RT_FIELD_I32,
  RT_FIELD_F32,
  RT_FIELD_I64,
  RT_FIELD_F64,
} RtFieldType;

/* One field of an operator's attributes, and what the operator can bear there whatever its shapes
 * are: what depends on shapes is for infer(). A field outside of its limits could make run() divide
 * by 0, read beyond a table or overflow; NaN is outside of all limits, infinities are outside
 * unless a limit is infinite. Elements of an array that a node does not use are 0, which is
 * therefore inside of the limits of arrays. */
typedef struct
{
  const char *name; /* "stride_h": unique in the operator */
  RtFieldType type;
  uint32_t offset; /* bytes */
  uint32_t n;      /* elements of an array, else 1 */
  double min, max; /* of each element; -0x1p63 and 0x1p63 are no limits for RT_FIELD_I64 */
} RtField;

/* Lines of a table of fields: @attrs is the struct, @member a number or an array of numbers in
 * it. */
#define RT_FIELD(attrs, member, low, high) RT_FIELD_AS (#member, attrs, member, low, high)
#define RT_FIELD_FLAG(attrs, member) RT_FIELD (attrs, member, 0, 1)
#define RT_FIELD_COUNT(attrs, member) RT_FIELD (attrs, member, 0, INT32_MAX)
#define RT_FIELD_SIZE(attrs, member) RT_FIELD (attrs, member, 1, INT32_MAX)
#define RT_FIELD_AXIS(attrs, member) RT_FIELD (attrs, member, -RT_MAX_DIMS, RT_MAX_DIMS - 1)
/* A number of RtType; which of them is for infer(). */
#define RT_FIELD_ELEMENT(attrs, member) RT_FIELD (attrs, member, 0, RT_TYPE_BOOL)
/* All that the type holds; floats must be finite. */
#define RT_FIELD_FINITE(attrs, member)                                                             \
  RT_FIELD (attrs, member,                                                                         \
            RT_FIELD_PICK (attrs, member, 0, INT32_MIN, -FLT_MAX, -0x1p63, -DBL_MAX),              \
            RT_FIELD_PICK (attrs, member, UINT32_MAX, INT32_MAX, FLT_MAX, 0x1p63, DBL_MAX))
/* The same, infinities included. */
#define RT_FIELD_REAL(attrs, member) RT_FIELD (attrs, member, -INFINITY, INFINITY)
/* Floats above 0, and from 0 on. */
#define RT_FIELD_POSITIVE(attrs, member) RT_FIELD (attrs, member, FLT_TRUE_MIN, FLT_MAX)
#define RT_FIELD_FROM_0(attrs, member) RT_FIELD (attrs, member, 0, FLT_MAX)
/* An RtShape, with or without symbols: two lines. */
#define RT_FIELD_SHAPE(attrs, member)                                                              \
  RT_FIELD (attrs, member.n_dims, 0, RT_MAX_DIMS),                                                 \
      RT_FIELD (attrs, member.dims, -RT_N_SYMBOLS, INT32_MAX)

#define RT_FIELD_AS(text, attrs, member, low, high)                                                \
  {                                                                                                \
    .name = text,                                                                                  \
    .type = RT_FIELD_PICK (attrs, member, RT_FIELD_U32, RT_FIELD_I32, RT_FIELD_F32, RT_FIELD_I64,  \
                           RT_FIELD_F64),                                                          \
    .offset = offsetof (attrs, member),                                                            \
    .n = sizeof (((attrs *)0)->member) / RT_FIELD_PICK (attrs, member, 4, 4, 4, 8, 8), .min = low, \
    .max = high                                                                                    \
  }
#define RT_FIELD_PICK(attrs, member, u32, i32, f32, i64, f64)                                      \
  _Generic (((attrs *)0)->member, uint32_t : u32, uint32_t * : u32, uint32_t (*)[RT_MAX_DIMS]      \
            : u32, int32_t : i32, int32_t * : i32, float : f32, float * : f32, int64_t : i64,      \
            int64_t * : i64, double : f64, double * : f64)

/* The two members of an RtOp. */
#define RT_FIELDS(table) .fields = table, .n_fields = sizeof (table) / sizeof *(table)

struct RtOp
{
  const char *name;  /* "rmsnorm" */
  const char *title; /* "RMS norm", for people */
  uint32_t attrs_bytes;
  const RtField *fields; /* all of the attributes: see rt-fields.h; NULL where there are none */
  uint32_t n_fields;
  uint32_t min_inputs, max_inputs, n_outputs; /* max_inputs may be RT_ANY_NUMBER */
  const void *data; /* for families of operators that share functions: what tells them apart */

  /* How weights are read, one bit per input. Inputs in none of the three are activations or the
   * caller's inputs. */
  uint32_t
      matrix_inputs;     /* packed matrices [rows, columns]; more dimensions: the first is rows, the
                             others together are columns */
  uint32_t table_inputs; /* matrices of which single rows are read: packed, or as in the file */
  uint32_t vector_inputs; /* float weights of any shape, handed over as f32 whatever the file's
                             format; values that are not weights are handed over as they are */

  /* Shapes and types of the outputs from those of the inputs and the attributes. */
  bool (*infer) (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types,
                 RtError *error);

  /* The key-value cache that the node needs. NULL: none. */
  void (*cache) (const RtNode *node, RtKvShape *shape);

  /* Constants that a node makes once, when the executor is made, from its constant inputs and its
   * shapes: tables, corrected biases. Bytes of them, then the making into zeroed memory;
   * packed weights, vectors and quantization are there, other memory is not. Both or neither. */
  uint64_t (*prepared_bytes) (const RtOpQuery *query);
  void (*prepare) (const RtOpContext *context, void *memory);

  /* Working memory, for the given bound symbols and any smaller ones: shared by the threads, and
   * per thread. May be NULL: none. */
  void (*scratch) (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes);

  /* A run is n_phases phases, one after the other; the chunks of a phase are done in any order by
   * any thread (rt-pool.h). n_chunks() may be 0. Neither can fail: all that could be wrong was
   * found by infer() and by the executor before the run. */
  uint32_t n_phases;
  uint32_t (*n_chunks) (const RtOpContext *context, uint32_t phase);
  void (*run) (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker);

  /* Plain C, one thread, straight from the formula, for tests: same inputs and outputs, no scratch.
   * May allocate. */
  void (*reference) (const RtOpContext *context);

  void (*cost) (const RtOpQuery *query, RtCost *cost);

  /* "inputs", "rows": what run() leaves out where a token comes alone, as its activations allow,
   * and adds to the context's tally. NULL: all is done always. */
  const char *skips;

  /* Output 0 may share the memory of input @input when nothing reads that input later. May be NULL:
   * never. */
  bool (*in_place) (const RtNode *node, uint32_t input);

  /* Output 0 has the bytes of input 0 in another shape: it may lie in the same memory as long as
   * both live. run() copies when it does not. */
  bool is_view;

  /* For operators that put their inputs side by side: input @input is the bytes of the output from
   * *@offset_bytes on, in runs that begin *@stride elements apart (all of the output: one run).
   * Then it can be written in place and run() copies only those inputs whose data lies elsewhere.
   * NULL: none does. */
  bool (*joins) (const RtGraph *graph, const RtNode *node, uint32_t input, uint64_t *offset_bytes,
                 uint64_t *stride);
  /* run() honours outputs[0].row_stride. */
  bool strided_output;

  /* For the layout pass: rewrite the attributes (@attrs is a copy of the node's) so that the node
   * does the same when dimension i of every input and output is what was dimension perm[i]. false:
   * it cannot, or not for this node. NULL: it cannot. An operator with a channels_first attribute
   * clears it when @perm is channels-last. */
  bool (*permute) (const RtGraph *graph, const RtNode *node, const uint32_t *perm, uint32_t n_dims,
                   void *attrs);
  /* Whether the node has channels-first attributes: then the layout pass calls permute(), and run()
   * cannot do it without runs_channels_first. NULL: no node has. */
  bool (*is_channels_first) (const RtNode *node);
  bool runs_channels_first;
};

#define RT_ANY_NUMBER UINT32_MAX

static inline bool
rt_op_input_is (uint32_t mask, uint32_t input)
{
  return mask >> input & 1;
}

/* The table. NULL when there is no operator called @name. */
const RtOp *rt_op_find (const char *name);
const RtOp *const *rt_op_list (uint32_t *n_ops);
