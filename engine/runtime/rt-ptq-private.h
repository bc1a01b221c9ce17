/* What the files of post-training quantization share. */
#pragma once

#include "rt-op.h"
#include "rt-ptq.h"

typedef struct
{
  const RtGraph *old;
  const RtPtqConfig *config;
  RtGraph *graph;
  RtError *error;
  RtValueId *real; /* [old values] -> new f32 value, RT_NONE: not made (yet) */
  RtValueId *code; /* [old values] -> new 8-bit value, RT_NONE: not made (yet) */
  uint32_t n_names;
} RtPtq;

static inline const RtValue *
rt_ptq_old (const RtPtq *q, RtValueId id)
{
  return rt_graph_value (q->old, id);
}

/* The f32 form of old value @id: itself, its constant, or dequantized. RT_NONE on failure. */
RtValueId rt_ptq_real (RtPtq *q, RtValueId id);
/* The 8-bit form: itself, the quantized constant, or quantized. */
RtValueId rt_ptq_code (RtPtq *q, RtValueId id);
bool rt_ptq_can_code (const RtPtq *q, RtValueId id);
/* The quantization of the new value @id. */
const RtQuant *rt_ptq_quant (const RtPtq *q, RtValueId id);
/* A new name that begins with @name. */
void rt_ptq_name (RtPtq *q, const char *name, const char *tail, char *text, size_t n_bytes);

/* @op in the place of @node with new inputs; its output is the 8-bit form, with the quantization
 * @quant (NULL: from the range). */
bool rt_ptq_emit (RtPtq *q, const RtNode *node, const RtOp *op, const void *attrs,
                  uint32_t n_inputs, const RtValueId *inputs, const RtQuant *quant);

/* Rewrite @node in 8 bit. *@done false: it stays float. */
bool rt_ptq_node (RtPtq *q, const RtNode *node, bool *done);

/* Weights [rows, ...] with one scale per index of dimension @axis, and the bias in sums of @x and
 * them, corrected for the mean error when the means of old value @x are known. */
bool rt_ptq_weights (RtPtq *q, const RtNode *node, RtValueId x_code, uint32_t axis,
                     RtValueId *weight, RtValueId *bias);

/* Elements of a float constant as f32, to be freed; NULL when it is none or there is no memory. */
float *rt_ptq_floats (const RtValue *value);
