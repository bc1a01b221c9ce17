/* One step of lstm, gru and rnn. Called by rt-op-recurrent.c; knows nothing of sequences and
 * threads. */
#include "rt-recurrent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t
align (size_t n)
{
  return (n + KN_ALIGN - 1) / KN_ALIGN * KN_ALIGN;
}

const RtTensor *
rt_recurrent_optional (const RtOpContext *context, uint32_t input)
{
  if (input >= context->node->n_inputs || context->node->inputs[input] == RT_NONE)
    return NULL;
  return &context->inputs[input];
}

size_t
rt_recurrent_row_bytes (KnDtype dtype, size_t n_cols)
{
  return kn_act_row_bytes (kn_matmul_act (dtype), n_cols);
}

static uint32_t
n_gates (const RtOpContext *context)
{
  return context->node->op == &rt_op_lstm ? 4 : context->node->op == &rt_op_gru ? 3 : 1;
}

/* ---- memory ---- */

/* The longest row of all kinds: one with a scale per token is not longer than one with a scale per
 * group. */
static size_t
row_bytes (size_t hidden)
{
  size_t q8 = kn_q8_row_bytes ((hidden + 31) / 32 * 32), plain = align (hidden * sizeof (float));
  return q8 > plain ? q8 : plain;
}

uint64_t
rt_recurrent_thread_bytes (size_t hidden, size_t n_rows)
{
  return row_bytes (hidden) + 3 * align (hidden * sizeof (float)) + align (n_rows * sizeof (float))
         + align ((n_rows + 2 * KN_PANEL_ROWS) * sizeof (float));
}

void
rt_recurrent_step_init (RtRecurrentStep *step, const RtOpContext *context, size_t direction,
                        float *scratch)
{
  const RtRecurrentAttrs *attrs = context->attrs;
  const RtTensor *bias = rt_recurrent_optional (context, RT_RECURRENT_BIAS);
  const RtTensor *peephole = rt_recurrent_optional (context, RT_RECURRENT_PEEPHOLE);
  size_t hidden = attrs->hidden, n_rows = n_gates (context) * hidden;
  uint8_t *at = (uint8_t *)scratch;

  *step = (RtRecurrentStep){ .context = context,
                             .r = context->inputs[RT_RECURRENT_R_0 + 2 * direction].weight,
                             .direction = (uint32_t)direction,
                             .hidden = hidden,
                             .n_rows = n_rows };
  if (bias != NULL)
    step->recurrent_bias
        = (const float *)bias->data + direction * 2 * n_rows + n_rows + n_rows - hidden;
  if (peephole != NULL)
    step->peephole = (const float *)peephole->data + direction * 3 * hidden;
  step->row = at;
  at += row_bytes (hidden);
  step->h = (float *)(void *)at;
  at += align (hidden * sizeof (float));
  step->c = (float *)(void *)at;
  at += align (hidden * sizeof (float));
  step->reset = (float *)(void *)at;
  at += align (hidden * sizeof (float));
  step->gates = (float *)(void *)at;
  at += align (n_rows * sizeof (float));
  step->sums = (float *)(void *)at;
}

void
rt_recurrent_add_bias (const RtOpContext *context, const float *input, const float *recurrent,
                       size_t first, size_t n, float *y)
{
  const RtRecurrentAttrs *attrs = context->attrs;
  bool later = context->node->op == &rt_op_gru && attrs->linear_before_reset;

  for (size_t i = 0; i < n; i++)
    y[i] += later && first + i >= 2 * (size_t)attrs->hidden ? input[i] : input[i] + recurrent[i];
}

/* ---- parts of a step ---- */

/* @v [hidden] times rows [first, first + n) of R. Rows begin at a panel, so up to 15 more are
 * computed; the result is at the returned place in step->sums. */
static float *
product (RtRecurrentStep *step, const float *v, size_t first, size_t n)
{
  const KnTable *kn = step->context->kn;
  KnDtype dtype = rt_weight_dtype (step->r);
  size_t skip = first % KN_PANEL_ROWS, panel = first / KN_PANEL_ROWS;

  kn_act_store (&kn->matmul, kn_matmul_act (dtype), v, step->hidden, step->row);
  kn_matmul_fn (&kn->matmul, dtype) (&(KnMatmulArgs){
      .n_cols = step->hidden,
      .n_rows = skip + n,
      .n_tokens = 1,
      .panels
      = (const uint8_t *)rt_weight_panels (step->r) + panel * kn_panel_bytes (dtype, step->hidden),
      .x = step->row,
      .x_stride = rt_recurrent_row_bytes (dtype, step->hidden),
      .y = step->sums,
      .y_stride = skip + n,
  });
  return step->sums + skip;
}

/* Function @which of the direction, in place. */
static void
apply_function (const RtRecurrentStep *step, uint32_t which, size_t n, float *x)
{
  const RtRecurrentAttrs *attrs = step->context->attrs;
  const RtGateActivation *gate = &attrs->activations[step->direction][which];
  const KnMapFamily *map = &step->context->kn->map;
  const float relu[2] = { 0, INFINITY }, elu[2] = { gate->alpha, 1 };
  const float both[2] = { gate->alpha, gate->beta };

  switch ((RtGateFunction)gate->function)
    {
    case RT_GATE_SIGMOID:
      map->map[KN_MAP_SIGMOID](x, NULL, n, x);
      break;
    case RT_GATE_TANH:
      map->map[KN_MAP_TANH](x, NULL, n, x);
      break;
    case RT_GATE_RELU:
      map->map[KN_MAP_CLAMP](x, relu, n, x);
      break;
    case RT_GATE_AFFINE:
      map->map[KN_MAP_AFFINE](x, both, n, x);
      break;
    case RT_GATE_LEAKY_RELU:
      map->map[KN_MAP_LEAKY](x, both, n, x);
      break;
    case RT_GATE_THRESHOLDED_RELU:
      for (size_t i = 0; i < n; i++)
        x[i] = x[i] > gate->alpha ? x[i] : 0;
      break;
    case RT_GATE_SCALED_TANH:
      map->map2_right[KN_MAP2_MUL](x, &gate->beta, n, x);
      map->map[KN_MAP_TANH](x, NULL, n, x);
      map->map2_right[KN_MAP2_MUL](x, &gate->alpha, n, x);
      break;
    case RT_GATE_HARD_SIGMOID:
      map->map[KN_MAP_HARD_SIGMOID](x, both, n, x);
      break;
    case RT_GATE_ELU:
      map->map[KN_MAP_ELU](x, elu, n, x);
      break;
    case RT_GATE_SOFTSIGN:
      for (size_t i = 0; i < n; i++)
        x[i] = x[i] / (1 + fabsf (x[i]));
      break;
    case RT_GATE_SOFTPLUS:
      for (size_t i = 0; i < n; i++)
        x[i] = (float)(x[i] > 0 ? (double)x[i] + log1p (exp (-(double)x[i]))
                                : log1p (exp ((double)x[i])));
      break;
    }
}

/* Sums of a gate: clipped, then its function. */
static void
activate (const RtRecurrentStep *step, uint32_t which, size_t n, float *x)
{
  const RtRecurrentAttrs *attrs = step->context->attrs;
  const float limits[2] = { -attrs->clip, attrs->clip };

  if (attrs->clip > 0)
    step->context->kn->map.map[KN_MAP_CLAMP](x, limits, n, x);
  apply_function (step, which, n, x);
}

static void
add_peephole (const RtRecurrentStep *step, uint32_t which, float *gate)
{
  if (step->peephole != NULL)
    for (size_t i = 0; i < step->hidden; i++)
      gate[i] = fmaf (step->peephole[which * step->hidden + i], step->c[i], gate[i]);
}

/* ---- steps ---- */

static void
lstm_step (RtRecurrentStep *step, const float *x)
{
  const RtRecurrentAttrs *attrs = step->context->attrs;
  size_t n = step->hidden;
  float *in = step->gates, *out = in + n, *forget = out + n, *cell = forget + n;

  step->context->kn->vec.add (x, product (step, step->h, 0, step->n_rows), step->n_rows, in);
  add_peephole (step, 0, in);
  add_peephole (step, 2, forget);
  activate (step, 0, n, in);
  if (attrs->input_forget)
    for (size_t i = 0; i < n; i++)
      forget[i] = 1 - in[i];
  else
    activate (step, 0, n, forget);
  activate (step, 1, n, cell);
  for (size_t i = 0; i < n; i++)
    step->c[i] = fmaf (forget[i], step->c[i], in[i] * cell[i]);

  add_peephole (step, 1, out);
  activate (step, 0, n, out);
  memcpy (step->h, step->c, n * sizeof *step->h);
  apply_function (step, 2, n, step->h); /* of the cell, which is no sum: not clipped */
  for (size_t i = 0; i < n; i++)
    step->h[i] *= out[i];
}

static void
gru_step (RtRecurrentStep *step, const float *x)
{
  const RtRecurrentAttrs *attrs = step->context->attrs;
  size_t n = step->hidden;
  float *update = step->gates, *reset = update + n, *candidate = reset + n;
  size_t n_products = attrs->linear_before_reset ? 3 * n : 2 * n;

  float *sums = product (step, step->h, 0, n_products);
  step->context->kn->vec.add (x, sums, 2 * n, update);
  activate (step, 0, 2 * n, update);
  if (attrs->linear_before_reset)
    for (size_t i = 0; i < n; i++)
      candidate[i]
          = fmaf (reset[i],
                  sums[2 * n + i] + (step->recurrent_bias != NULL ? step->recurrent_bias[i] : 0),
                  x[2 * n + i]);
  else
    {
      for (size_t i = 0; i < n; i++)
        step->reset[i] = reset[i] * step->h[i];
      step->context->kn->vec.add (x + 2 * n, product (step, step->reset, 2 * n, n), n, candidate);
    }
  activate (step, 1, n, candidate);
  for (size_t i = 0; i < n; i++)
    step->h[i] = fmaf (update[i], step->h[i], (1 - update[i]) * candidate[i]);
}

void
rt_recurrent_step (RtRecurrentStep *step, const float *x)
{
  if (step->context->node->op == &rt_op_lstm)
    lstm_step (step, x);
  else if (step->context->node->op == &rt_op_gru)
    gru_step (step, x);
  else
    {
      step->context->kn->vec.add (x, product (step, step->h, 0, step->n_rows), step->n_rows,
                                  step->gates);
      activate (step, 0, step->n_rows, step->gates);
      memcpy (step->h, step->gates, step->hidden * sizeof *step->h);
    }
}

/* ---- reference ---- */

static double
gate_function (const RtGateActivation *gate, double clip, double x)
{
  double a = (double)gate->alpha, b = (double)gate->beta;

  if (clip > 0)
    x = fmin (fmax (x, -clip), clip);
  switch ((RtGateFunction)gate->function)
    {
    case RT_GATE_SIGMOID:
      return 1 / (1 + exp (-x));
    case RT_GATE_TANH:
      return tanh (x);
    case RT_GATE_RELU:
      return fmax (x, 0);
    case RT_GATE_AFFINE:
      return a * x + b;
    case RT_GATE_LEAKY_RELU:
      return x < 0 ? a * x : x;
    case RT_GATE_THRESHOLDED_RELU:
      return x > a ? x : 0;
    case RT_GATE_SCALED_TANH:
      return a * tanh (b * x);
    case RT_GATE_HARD_SIGMOID:
      return fmin (fmax (a * x + b, 0), 1);
    case RT_GATE_ELU:
      return x > 0 ? x : a * expm1 (x);
    case RT_GATE_SOFTSIGN:
      return x / (1 + fabs (x));
    case RT_GATE_SOFTPLUS:
      return log1p (exp (x));
    }
  return x;
}

/* Row @row of W times x plus its bias; the same of R and @v. */
static double
dot_row (const float *matrix, size_t row, size_t n, const double *v, const float *bias)
{
  double sum = bias != NULL ? (double)bias[row] : 0;
  for (size_t i = 0; i < n; i++)
    sum += (double)matrix[row * n + i] * v[i];
  return sum;
}

typedef struct
{
  const RtRecurrentAttrs *attrs;
  const RtGateActivation *functions;
  size_t n; /* hidden */
  double *wx, *rh, *h, *c;
  const float *peephole;
} Reference;

static double
gate (const Reference *r, uint32_t which, double sum)
{
  return gate_function (&r->functions[which], (double)r->attrs->clip, sum);
}

static double
peephole (const Reference *r, uint32_t which, size_t i)
{
  return r->peephole != NULL ? (double)r->peephole[which * r->n + i] * r->c[i] : 0;
}

static void
reference_lstm (Reference *r)
{
  size_t n = r->n;
  for (size_t i = 0; i < n; i++)
    {
      double in = gate (r, 0, r->wx[i] + r->rh[i] + peephole (r, 0, i));
      double forget = r->attrs->input_forget
                          ? 1 - in
                          : gate (r, 0, r->wx[2 * n + i] + r->rh[2 * n + i] + peephole (r, 2, i));
      r->c[i] = forget * r->c[i] + in * gate (r, 1, r->wx[3 * n + i] + r->rh[3 * n + i]);
      double out = gate (r, 0, r->wx[n + i] + r->rh[n + i] + peephole (r, 1, i));
      r->h[i] = out * gate_function (&r->functions[2], 0, r->c[i]);
    }
}

static void
reference_gru (Reference *r, const float *matrix, const float *bias)
{
  size_t n = r->n;
  double *reset_h = rt_reference_alloc (n * sizeof *reset_h);
  double *next = rt_reference_alloc (n * sizeof *next);

  for (size_t i = 0; i < n; i++)
    reset_h[i] = gate (r, 0, r->wx[n + i] + r->rh[n + i]) * r->h[i];
  for (size_t i = 0; i < n; i++)
    {
      double z = gate (r, 0, r->wx[i] + r->rh[i]);
      double reset = gate (r, 0, r->wx[n + i] + r->rh[n + i]);
      double part = r->attrs->linear_before_reset ? reset * r->rh[2 * n + i]
                                                  : dot_row (matrix, 2 * n + i, n, reset_h, bias);
      next[i] = (1 - z) * gate (r, 1, r->wx[2 * n + i] + part) + z * r->h[i];
    }
  memcpy (r->h, next, n * sizeof *next);
  free (reset_h);
  free (next);
}

void
rt_recurrent_reference_step (const RtOpContext *context, size_t direction, const float *x,
                             size_t n_in, const float *w, const float *r, const float *bias,
                             const float *peepholes, float *h, float *c)
{
  const RtRecurrentAttrs *attrs = context->attrs;
  size_t n = attrs->hidden, n_rows = n_gates (context) * n;
  const float *recurrent_bias = bias != NULL ? bias + n_rows : NULL;
  double *in = rt_reference_alloc ((n_in + 2 * n + 2 * n_rows) * sizeof *in);
  Reference ref = { .attrs = attrs,
                    .functions = attrs->activations[direction],
                    .n = n,
                    .h = in + n_in,
                    .c = in + n_in + n,
                    .wx = in + n_in + 2 * n,
                    .rh = in + n_in + 2 * n + n_rows,
                    .peephole = peepholes };

  for (size_t i = 0; i < n_in; i++)
    in[i] = (double)x[i];
  for (size_t i = 0; i < n; i++)
    {
      ref.h[i] = (double)h[i];
      ref.c[i] = (double)c[i];
    }
  for (size_t i = 0; i < n_rows; i++)
    {
      ref.wx[i] = dot_row (w, i, n_in, in, bias);
      ref.rh[i] = dot_row (r, i, n, ref.h, recurrent_bias);
    }
  if (context->node->op == &rt_op_lstm)
    reference_lstm (&ref);
  else if (context->node->op == &rt_op_gru)
    reference_gru (&ref, r, recurrent_bias);
  else
    for (size_t i = 0; i < n; i++)
      ref.h[i] = gate (&ref, 0, ref.wx[i] + ref.rh[i]);
  for (size_t i = 0; i < n; i++)
    {
      h[i] = (float)ref.h[i];
      c[i] = (float)ref.c[i];
    }
  free (in);
}
