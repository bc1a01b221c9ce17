/* One step of a recurrent network: from the products with the input to the new state. Private to
 * the operators lstm, gru and rnn. */
#pragma once

#include "rt-math.h"
#include "rt-product.h"

/* Input @input, or NULL when the node does not have it. */
const RtTensor *rt_recurrent_optional (const RtOpContext *context, uint32_t input);

/* Bytes of one row of [n_cols] in the form that products with @dtype want. */
size_t rt_recurrent_row_bytes (KnDtype dtype, size_t n_cols);

/* What one sequence needs of a thread's scratch. */
typedef struct
{
  const RtOpContext *context;
  const RtWeight *r;
  const float
      *recurrent_bias;   /* gru with linear_before_reset: [hidden] of the last gate, or NULL */
  const float *peephole; /* [3, hidden] i, o, f, or NULL */
  uint32_t direction;
  size_t hidden, n_rows;
  float *h, *c; /* [hidden] the state */
  float *sums;  /* [n_rows + 2 panels] h R^T */
  float *gates; /* [n_rows] */
  float *reset; /* [hidden] */
  uint8_t *row; /* h in the form that R wants */
} RtRecurrentStep;

uint64_t rt_recurrent_thread_bytes (size_t hidden, size_t n_rows);
void rt_recurrent_step_init (RtRecurrentStep *step, const RtOpContext *context, size_t direction,
                             float *scratch);

/* h and c become those after the step whose x W^T + biases are @x [n_rows]. */
void rt_recurrent_step (RtRecurrentStep *step, const float *x);

/* y [n] += bias of the input + bias of the recurrence, gates' rows from @first on; the latter is
 * left out where the step adds it (gru with linear_before_reset). */
void rt_recurrent_add_bias (const RtOpContext *context, const float *input, const float *recurrent,
                            size_t first, size_t n, float *y);

/* The step from its equations, in double precision. @bias [2, n_rows], @peephole [3, hidden]: may
 * be NULL. */
void rt_recurrent_reference_step (const RtOpContext *context, size_t direction, const float *x,
                                  size_t n_in, const float *w, const float *r, const float *bias,
                                  const float *peephole, float *h, float *c);
