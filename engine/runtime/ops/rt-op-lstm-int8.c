/* LSTM in integers, as TFLite's quantized kernels compute it (8-bit activations and weights, 16-bit
 * gates and cell): every product, shift and rounding is fixed, so the bits are those of LiteRT.
 *
 *     gate  = sat16 (sat16 (W x + b - zx sum W, times scale) + (R h - zh sum R, times scale)) Q3.12
 *     i, f, o = sigmoid (gate), g = tanh (gate)                                               Q0.15
 *     cell  = sat16 (round (f cell / 2^15) + round (i g / 2^(30 + log2 scale of cell)))
 *     h     = sat8 (round (o tanh (cell), times scale) + zero point)
 *
 * Sigmoid and tanh are the fixed-point functions of gemmlowp: a Taylor polynomial about -1/8, a
 * product of powers of e for the bits above, and Newton-Raphson division. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt-fixed.h"
#include "rt-int8.h"
#include "rt-ops-int8.h"

/* ---- functions in fixed point ---- */

/* e^a for a in [-1/4, 0), Q0.15. */
static int32_t
exp_below_quarter (int32_t a)
{
  const int32_t e_eighth = 28918, third = 10923; /* e^(-1/8), 1/3 */
  const int32_t x = a + (1 << 12), x2 = rt_product16 (x, x), x3 = rt_product16 (x2, x);
  const int32_t x4_over_4 = rt_divide_by_power (rt_product16 (x2, x2), 2);
  const int32_t rest = rt_divide_by_power (rt_product16 (x4_over_4 + x3, third) + x2, 1);

  return rt_saturate16 (e_eighth + rt_product16 (e_eighth, x + rest));
}

/* e^a for a <= 0 with @integer_bits bits before the point, Q0.15. */
static int32_t
exp_negative (int32_t a, int integer_bits)
{
  /* e^-(2^k), k = -2 .. 4 */
  static const int32_t powers[7] = { 25520, 19875, 12055, 4435, 600, 11, 0 };
  const int fraction_bits = 15 - integer_bits;
  const int32_t quarter = 1 << (fraction_bits - 2);
  const int32_t low = (a & (quarter - 1)) - quarter, rest = low - a;
  int32_t y = exp_below_quarter (rt_saturate16 (low * (1 << integer_bits)));

  if (a == 0)
    return INT16_MAX;
  for (int k = -2; k < integer_bits && k <= 4; k++)
    if (rest & 1 << (fraction_bits + k))
      y = rt_product16 (y, powers[k + 2]);
  return integer_bits > 5 && a < -(1 << (15 - integer_bits + 5)) ? 0 : y;
}

/* Newton-Raphson for 1 / ((1 + a) / 2) / 4, Q2.13, a in [0, 1) as Q0.15. */
static int32_t
half_reciprocal (int32_t a, int32_t *half)
{
  const int32_t sum = a + INT16_MAX;
  int32_t x;

  *half = (sum + (sum >= 0 ? 1 : -1)) / 2;
  x = 23130 + rt_product16 (*half, -15420); /* 48 / 17 - 32 / 17 half */
  for (int i = 0; i < 3; i++)
    {
      const int32_t rest = (1 << 13) - rt_product16 (*half, x);
      x += rt_saturate16 (rt_product16 (x, rest) * 4);
    }
  return x;
}

/* 1 / (1 + a), Q0.15. */
static int32_t
one_over_one_plus (int32_t a)
{
  int32_t half, x = half_reciprocal (a, &half);

  return rt_saturate16 (x * 2); /* half of it, from Q2.13 */
}

/* (1 - a) / (1 + a), Q0.15. */
static int32_t
one_minus_over_one_plus (int32_t a)
{
  int32_t half, x = half_reciprocal (a, &half);

  return rt_saturate16 ((x - (1 << 13)) * 4);
}

static int32_t
sigmoid16 (int32_t a) /* Q3.12 */
{
  if (a == 0)
    return 1 << 14;
  const int32_t positive
      = one_over_one_plus (exp_negative (-(a < 0 ? (a == INT16_MIN ? INT16_MAX : -a) : a), 3));
  return a > 0 ? positive : INT16_MAX - positive;
}

static int32_t
tanh16 (int32_t a, int integer_bits)
{
  if (a == 0)
    return 0;
  /* The exponent is twice as large: one more bit before the point. */
  const int32_t below = a < 0 ? a : -a;
  const int32_t y = one_minus_over_one_plus (exp_negative (below, integer_bits + 1));
  return a < 0 ? -y : y;
}

/* ---- prepared ---- */

typedef struct
{
  int64_t steps, batch, in, hidden;
} Sizes;

static Sizes
sizes_of (const RtLstmInt8Attrs *attrs, const RtShape *x, const RtShape *r)
{
  const uint32_t time = attrs->time_major ? 0 : 1;

  return (Sizes){ x->dims[time], x->dims[1 - time], x->dims[2], r->dims[1] };
}

/* Per row of the four gates: what is added to its sum and how it is rt_scaled, for W x and for R
 * h. */
typedef struct
{
  int32_t bias[2];
  RtScale scale[2];
} Row;

typedef struct
{
  RtScale hidden_scale;
  int32_t clip;  /* of the cell; 0: none */
  int cell_log2; /* of the cell's scale */
  Row rows[];
} Prepared;

/* What the zero point of x adds to a row's sum, and the bias. */
static int32_t
row_bias (int32_t bias, int32_t zero, const int8_t *row, int64_t n)
{
  uint32_t sum = 0;

  for (int64_t i = 0; i < n; i++)
    sum += (uint32_t)(int32_t)row[i];
  return (int32_t)((uint32_t)bias - (uint32_t)zero * sum);
}

static void
lstm_prepare (const RtOpContext *context, void *memory)
{
  const RtLstmInt8Attrs *attrs = context->attrs;
  const RtTensor *in = context->inputs;
  const Sizes s = sizes_of (attrs, &in[RT_LSTM_INT8_X].shape, &in[RT_LSTM_INT8_R].shape);
  const float cell_scale = rt_quant_scale (in[RT_LSTM_INT8_C].quant, 0);
  Prepared *p = memory;

  p->hidden_scale = rt_scale ((double)(float)(0x1p-30 / (double)attrs->hidden_scale));
  p->cell_log2 = (int)lroundf (log2f (cell_scale));
  if (attrs->cell_clip > 0)
    p->clip = (int32_t)fminf (attrs->cell_clip / cell_scale, INT16_MAX);
  for (int64_t i = 0; i < 4 * s.hidden; i++)
    for (int side = 0; side < 2; side++)
      {
        const RtTensor *w = &in[side == 0 ? RT_LSTM_INT8_W : RT_LSTM_INT8_R];
        const RtTensor *x = &in[side == 0 ? RT_LSTM_INT8_X : RT_LSTM_INT8_H];
        const int64_t n = side == 0 ? s.in : s.hidden;
        const int8_t *row = (const int8_t *)w->data + i * n;

        const int32_t bias = side == 0 ? rt_load_i32 (in[RT_LSTM_INT8_BIAS].data, (size_t)i) : 0;

        p->rows[i].bias[side] = row_bias (bias, rt_quant_zero (x->quant, 0), row, n);
        p->rows[i].scale[side] = rt_scale ((double)(rt_quant_scale (w->quant, (size_t)i)
                                                    * rt_quant_scale (x->quant, 0) * 0x1p12f));
      }
}

static uint64_t
lstm_prepared_bytes (const RtOpQuery *query)
{
  const RtShape *w = &rt_op_input_value (query->graph, query->node, RT_LSTM_INT8_W)->shape;

  return sizeof (Prepared) + (uint64_t)w->dims[0] * sizeof (Row);
}

/* ---- one step of one sequence ---- */

/* @bias and the products; a sum that is too large wraps. */
static int32_t
sum_products (int32_t bias, const int8_t *w, const int8_t *x, int64_t n)
{
  uint32_t sum = (uint32_t)bias;

  for (int64_t i = 0; i < n; i++)
    sum += (uint32_t)((int32_t)w[i] * x[i]);
  return (int32_t)sum;
}

static void
make_gates (const RtOpContext *context, const Sizes *s, const Prepared *p, const int8_t *x,
            const int8_t *h, int16_t *gates)
{
  const int8_t *w = context->inputs[RT_LSTM_INT8_W].data, *r = context->inputs[RT_LSTM_INT8_R].data;

  for (int64_t i = 0; i < 4 * s->hidden; i++)
    {
      const Row *row = &p->rows[i];
      const int32_t from_x
          = rt_scaled (sum_products (row->bias[0], w + i * s->in, x, s->in), row->scale[0]);
      const int32_t from_h
          = rt_scaled (sum_products (row->bias[1], r + i * s->hidden, h, s->hidden), row->scale[1]);

      gates[i] = (int16_t)rt_saturate16 ((int64_t)rt_saturate16 (from_x) + from_h);
    }
}

static void
step (const RtOpContext *context, const Sizes *s, const Prepared *p, const int8_t *x, int8_t *h,
      int16_t *cell, int16_t *gates)
{
  const RtLstmInt8Attrs *attrs = context->attrs;
  const int64_t n = s->hidden;

  make_gates (context, s, p, x, h, gates);
  for (int64_t i = 0; i < n; i++)
    {
      const int32_t input = sigmoid16 (gates[i]), forget = sigmoid16 (gates[n + i]);
      const int32_t value = tanh16 (gates[2 * n + i], 3), output = sigmoid16 (gates[3 * n + i]);
      int32_t c = rt_saturate16 (rt_divide_by_power (forget * cell[i], 15)
                                 + rt_divide_by_power (input * value, 30 + p->cell_log2));
      if (p->clip > 0)
        c = c > p->clip ? p->clip : (c < -p->clip ? -p->clip : c);
      cell[i] = (int16_t)c;

      const int64_t y = (int64_t)rt_scaled (output * tanh16 (c, 15 + p->cell_log2), p->hidden_scale)
                        + attrs->hidden_zero;
      h[i] = (int8_t)(y < -128 ? -128 : (y > 127 ? 127 : y));
    }
}

static void
run_all (const RtOpContext *context, const Prepared *p, int16_t *gates)
{
  const RtLstmInt8Attrs *attrs = context->attrs;
  const RtTensor *in = context->inputs;
  const Sizes s = sizes_of (attrs, &in[RT_LSTM_INT8_X].shape, &in[RT_LSTM_INT8_R].shape);
  const size_t n_state = (size_t)(s.batch * s.hidden);
  int8_t *y = context->outputs[0].data, *h = context->outputs[1].data;
  int16_t *cell = context->outputs[2].data;

  memcpy (h, in[RT_LSTM_INT8_H].data, n_state);
  memcpy (cell, in[RT_LSTM_INT8_C].data, n_state * sizeof *cell);
  for (int64_t b = 0; b < s.batch; b++)
    for (int64_t t = 0; t < s.steps; t++)
      {
        const int64_t at = attrs->time_major ? t * s.batch + b : b * s.steps + t;

        step (context, &s, p, (const int8_t *)in[RT_LSTM_INT8_X].data + at * s.in, h + b * s.hidden,
              cell + b * s.hidden, gates);
        memcpy (y + at * s.hidden, h + b * s.hidden, (size_t)s.hidden);
      }
}

/* ---- the operator ---- */

static bool
check_input (const RtGraph *graph, const RtNode *node, uint32_t input, int type, uint32_t n_dims,
             const int64_t *dims, RtError *error)
{
  const RtValue *value = rt_op_input_value (graph, node, input);
  bool fits = value->type == type && value->shape.n_dims == n_dims;
  char shape[128];

  for (uint32_t d = 0; fits && d < n_dims; d++)
    fits = dims[d] < 0 ? value->shape.dims[d] > 0 : value->shape.dims[d] == dims[d];
  if (fits)
    return true;
  return rt_fail (error, RT_ERROR_FORMAT, "%s: input %u of the LSTM is %s %s, which does not fit",
                  node->name, input + 1, rt_type_name (value->type),
                  rt_shape_text (&value->shape, shape, sizeof shape));
}

static bool
lstm_infer (const RtGraph *graph, const RtNode *node, RtShape *shapes, int *types, RtError *error)
{
  const RtLstmInt8Attrs *attrs = node->attrs;
  const int64_t any[3] = { -1, -1, -1 };

  if (!check_input (graph, node, RT_LSTM_INT8_X, RT_TYPE_I8, 3, any, error)
      || !check_input (graph, node, RT_LSTM_INT8_R, RT_TYPE_I8, 2, any, error))
    return false;
  const RtShape *x = &rt_op_input_value (graph, node, RT_LSTM_INT8_X)->shape;
  const Sizes s = sizes_of (attrs, x, &rt_op_input_value (graph, node, RT_LSTM_INT8_R)->shape);
  const int64_t w[2] = { 4 * s.hidden, s.in }, r[2] = { 4 * s.hidden, s.hidden };
  const int64_t state[2] = { s.batch, s.hidden };
  if (!check_input (graph, node, RT_LSTM_INT8_W, RT_TYPE_I8, 2, w, error)
      || !check_input (graph, node, RT_LSTM_INT8_R, RT_TYPE_I8, 2, r, error)
      || !check_input (graph, node, RT_LSTM_INT8_BIAS, RT_TYPE_I32, 1, w, error)
      || !check_input (graph, node, RT_LSTM_INT8_H, RT_TYPE_I8, 2, state, error)
      || !check_input (graph, node, RT_LSTM_INT8_C, RT_TYPE_I16, 2, state, error))
    return false;
  for (uint32_t i = RT_LSTM_INT8_W; i <= RT_LSTM_INT8_BIAS; i++)
    if (rt_op_input_value (graph, node, i)->kind != RT_VALUE_WEIGHT)
      return rt_fail (error, RT_ERROR_UNSUPPORTED, "%s: weights of an LSTM must be constant",
                      node->name);
  const RtQuant *cell = rt_op_input_value (graph, node, RT_LSTM_INT8_C)->quant;
  const float log2_scale = cell != NULL ? log2f (cell->scales[0]) : 0;
  if (cell == NULL || fabsf (log2_scale - roundf (log2_scale)) > 1e-3f || log2_scale < -15
      || log2_scale > -9 || !(attrs->hidden_scale > 0))
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "%s: the scale of the cell must be a power of two from 2^-15 to 2^-9, and that "
                    "of the output above 0",
                    node->name);
  shapes[0] = *x;
  shapes[0].dims[2] = s.hidden;
  shapes[1] = shapes[2] = (RtShape){ .n_dims = 2, .dims = { s.batch, s.hidden } };
  types[0] = types[1] = RT_TYPE_I8;
  types[2] = RT_TYPE_I16;
  return true;
}

static void
lstm_scratch (const RtOpQuery *query, uint64_t *shared_bytes, uint64_t *thread_bytes)
{
  const RtShape *w = &rt_op_input_value (query->graph, query->node, RT_LSTM_INT8_W)->shape;

  *shared_bytes = (uint64_t)w->dims[0] * sizeof (int16_t);
  *thread_bytes = 0;
}

/* Each step needs the one before. */
static uint32_t
lstm_chunks (const RtOpContext *context, uint32_t phase)
{
  return 1;
}

static void
lstm_run (const RtOpContext *context, uint32_t phase, uint32_t chunk, const RtWorker *worker)
{
  run_all (context, context->prepared, (int16_t *)(void *)context->scratch);
}

static void
lstm_reference (const RtOpContext *context)
{
  const size_t n_rows = (size_t)context->inputs[RT_LSTM_INT8_W].shape.dims[0];
  Prepared *p = rt_reference_alloc (sizeof *p + n_rows * sizeof (Row));
  int16_t *gates = rt_reference_alloc (n_rows * sizeof *gates);

  memset (p, 0, sizeof *p + n_rows * sizeof (Row));
  lstm_prepare (context, p);
  run_all (context, p, gates);
  free (gates);
  free (p);
}

static void
lstm_cost (const RtOpQuery *query, RtCost *cost)
{
  const RtShape *x = &rt_op_input_value (query->graph, query->node, RT_LSTM_INT8_X)->shape;
  const RtShape *r = &rt_op_input_value (query->graph, query->node, RT_LSTM_INT8_R)->shape;
  const Sizes s = sizes_of (query->node->attrs, x, r);

  rt_int8_cost_io (query, cost);
  cost->flops = (uint64_t)(s.steps * s.batch * 8 * s.hidden * (s.in + s.hidden));
}

/* clang-format off */
static const RtField fields[] = {
  RT_FIELD_FLAG (RtLstmInt8Attrs, time_major),
  RT_FIELD_REAL (RtLstmInt8Attrs, cell_clip),
  RT_FIELD_POSITIVE (RtLstmInt8Attrs, hidden_scale),
  RT_FIELD (RtLstmInt8Attrs, hidden_zero, -128, 127),
};
/* clang-format on */

const RtOp rt_op_lstm_int8 = {
  .name = "lstm_int8",
  .title = "LSTM, 8 bit",
  .attrs_bytes = sizeof (RtLstmInt8Attrs),
  RT_FIELDS (fields),
  .min_inputs = RT_LSTM_INT8_N_INPUTS,
  .max_inputs = RT_LSTM_INT8_N_INPUTS,
  .n_outputs = 3,
  .infer = lstm_infer,
  .prepared_bytes = lstm_prepared_bytes,
  .prepare = lstm_prepare,
  .scratch = lstm_scratch,
  .n_phases = 1,
  .n_chunks = lstm_chunks,
  .run = lstm_run,
  .reference = lstm_reference,
  .cost = lstm_cost,
};
