/* One operator of a language model with its inputs, run by the pool on 1, 2, 3 and 8 threads, with
 * the same bytes, and by its plain reference. Networks' operators have net-case.h. For tests. */
#pragma once

#include <glib.h>

#include "ops/rt-op-common.h"

#define OPS_CASE_KV_CAPACITY 512

typedef struct
{
  RtGraph *graph;
  RtNodeId node;
  RtValueId inputs[RT_INPUT_SLOTS];
  uint32_t n_inputs;
  void *data[RT_INPUT_SLOTS]; /* f32 rows, tokens or vectors */
  RtWeight *weights[RT_INPUT_SLOTS];
  GPtrArray *owned;
  uint32_t n_tokens, n_outputs, position;
  RtKv *kv;
} OpsCase;

/* All inputs that have rows have @n_tokens. */
void ops_case_init (OpsCase *c, uint32_t n_tokens);
void ops_case_clear (OpsCase *c);

/* Zeros, aligned as the arena is, freed with the case; and random numbers. */
void *ops_case_own (OpsCase *c, size_t n_bytes);
float *ops_case_floats (OpsCase *c, size_t n, float low, float high);

/* Inputs, each with its number: rows of @data (owned by the case; @n_cols 0: one value a token),
 * rows of random floats, the same as 8-bit ones, weights as they are, a vector of [0.5, 1.5),
 * a packed matrix; and none. */
uint32_t ops_case_add_value (OpsCase *c, int type, int64_t n_cols, void *data);
uint32_t ops_case_add_rows (OpsCase *c, size_t n_cols);
uint32_t ops_case_add_q8_rows (OpsCase *c, KnActKind act, size_t n_cols);
uint32_t ops_case_add_weight (OpsCase *c, KnDtype dtype, size_t n_rows, size_t n_cols,
                              const void *bytes, size_t n_bytes);
uint32_t ops_case_add_vector (OpsCase *c, size_t n);
uint32_t ops_case_add_matrix (OpsCase *c, KnDtype dtype, size_t n_rows, size_t n_cols);
void ops_case_skip_input (OpsCase *c);

/* After the inputs. Aborts where the operator refuses them. */
void ops_case_add_node (OpsCase *c, const RtOp *op, const void *attrs);

typedef struct
{
  uint8_t *data[RT_MAX_OUTPUTS];
  size_t n_bytes[RT_MAX_OUTPUTS];
} OpsResult;

void ops_result_clear (OpsResult *r);
const float *ops_result_floats (const OpsResult *r, uint32_t output);

/* @n_threads 0: by the reference. Nothing behind the outputs may have been written. */
OpsResult ops_case_run (OpsCase *c, uint32_t n_threads);
/* Run with all numbers of threads: the same bytes. Returns the first. */
OpsResult ops_case_run_threads (OpsCase *c);
