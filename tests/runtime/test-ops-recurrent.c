/* lstm, gru and rnn against their equations in double precision on 1, 2, 3 and 8 threads, and one
 * step of one unit against closed formulas. */
#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-math.h"

typedef struct
{
  const RtOp *op;
  int64_t steps, batch, n_in, hidden;
  uint32_t direction;
  bool bias, states, peepholes, lengths;
  float clip;
  uint32_t input_forget, linear_before_reset, batch_first;
  int dtype;
  double tolerance;
} Row;

static const RtGateActivation defaults[3]
    = { { RT_GATE_SIGMOID, 0, 0 }, { RT_GATE_TANH, 0, 0 }, { RT_GATE_TANH, 0, 0 } };

static RtRecurrentAttrs
attrs_of (const Row *row)
{
  RtRecurrentAttrs attrs = { .hidden = (uint32_t)row->hidden,
                             .direction = row->direction,
                             .clip = row->clip,
                             .input_forget = row->input_forget,
                             .linear_before_reset = row->linear_before_reset,
                             .batch_first = row->batch_first };
  for (int d = 0; d < 2; d++)
    memcpy (attrs.activations[d], row->op == &rt_op_rnn ? defaults + 1 : defaults,
            row->op == &rt_op_rnn ? 2 * sizeof *defaults : sizeof defaults);
  return attrs;
}

/* Up to input @last, absent ones included. */
static void
add_inputs (NetCase *c, const Row *row)
{
  int64_t gates = row->op == &rt_op_lstm ? 4 : row->op == &rt_op_gru ? 3 : 1, h = row->hidden;
  int64_t directions = row->direction == RT_RECURRENT_BIDIRECTIONAL ? 2 : 1;
  int64_t x[] = { row->steps, row->batch, row->n_in }, bias[] = { directions, 2 * gates * h };
  int64_t state[] = { directions, row->batch, h }, peephole[] = { directions, 3 * h };
  g_autofree int32_t *lengths = g_new (int32_t, row->batch);

  if (row->batch_first)
    {
      x[0] = row->batch;
      x[1] = row->steps;
      state[0] = row->batch;
      state[1] = directions;
    }
  net_case_random_input (c, RT_TYPE_F32, 3, x, -1, 1);
  for (int64_t d = 0; d < 2; d++)
    if (d < directions)
      {
        net_case_random_weight (c, RT_TYPE_F32, 2, (int64_t[]){ gates * h, row->n_in }, -0.5, 0.5);
        net_case_random_weight (c, RT_TYPE_F32, 2, (int64_t[]){ gates * h, h }, -0.5, 0.5);
      }
    else
      {
        net_case_no_input (c);
        net_case_no_input (c);
      }
  if (row->bias)
    net_case_random_weight (c, RT_TYPE_F32, 2, bias, -0.5, 0.5);
  else
    net_case_no_input (c);
  for (int i = 0; i < 2; i++)
    if (row->states && (i == 0 || row->op == &rt_op_lstm))
      net_case_random_input (c, RT_TYPE_F32, 3, state, -1, 1);
    else
      net_case_no_input (c);
  if (row->peepholes)
    net_case_random_weight (c, RT_TYPE_F32, 2, peephole, -0.5, 0.5);
  else
    net_case_no_input (c);
  for (int64_t b = 0; b < row->batch; b++)
    lengths[b] = (int32_t)((b * 3 + 1) % (row->steps + 1));
  if (row->lengths)
    net_case_input (c, RT_TYPE_I32, 1, &row->batch, lengths);
}

static void
check (const Row *row)
{
  RtRecurrentAttrs attrs = attrs_of (row);
  NetCase c;
  net_case_init (&c);
  c.pack_dtype = row->dtype;
  add_inputs (&c, row);
  net_case_node (&c, row->op, &attrs, NULL);
  net_case_check (&c, 0, row->tolerance);
  net_case_clear (&c);
}

/* The state stays in -1..1, so errors of the sums (some 100 u) shrink from step to step. */
#define F32_TOLERANCE 2e-5

static void
test_shapes (void)
{
  const RtOp *ops[] = { &rt_op_lstm, &rt_op_gru, &rt_op_rnn };
  for (gsize i = 0; i < G_N_ELEMENTS (ops); i++)
    for (uint32_t direction = 0; direction < 3; direction++)
      for (uint32_t flags = 0; flags < 16; flags++)
        check (&(Row){ .op = ops[i],
                       .steps = 9,
                       .batch = 3,
                       .n_in = 37,
                       .hidden = 21,
                       .direction = direction,
                       .bias = flags & 1,
                       .states = flags >> 1 & 1,
                       .lengths = flags >> 2 & 1,
                       .batch_first = flags >> 3,
                       .dtype = KN_F32,
                       .tolerance = F32_TOLERANCE });
}

static void
test_options (void)
{
  Row row = { .op = &rt_op_lstm,
              .steps = 20,
              .batch = 2,
              .n_in = 64,
              .hidden = 96,
              .direction = RT_RECURRENT_BIDIRECTIONAL,
              .bias = true,
              .states = true,
              .dtype = KN_F32,
              .tolerance = F32_TOLERANCE };
  row.peepholes = true;
  check (&row);
  row.input_forget = 1;
  check (&row);
  row.clip = 0.3f;
  check (&row);
  row = (Row){ .op = &rt_op_gru,
               .steps = 20,
               .batch = 2,
               .n_in = 64,
               .hidden = 96,
               .bias = true,
               .linear_before_reset = 1,
               .dtype = KN_F32,
               .tolerance = F32_TOLERANCE };
  check (&row);
  row.hidden = 33; /* gates that do not begin at a panel */
  check (&row);
  row.linear_before_reset = 0;
  check (&row);
  /* Packed formats: the reference computes with the same weights, but not with 8-bit rows. */
  row = (Row){ .op = &rt_op_lstm,
               .steps = 5,
               .batch = 2,
               .n_in = 64,
               .hidden = 96,
               .bias = true,
               .dtype = KN_F16,
               .tolerance = F32_TOLERANCE };
  check (&row);
  row.dtype = KN_Q8_0;
  row.tolerance = 0.05;
  check (&row);
  row.op = &rt_op_gru;
  check (&row);
}

static void
test_functions (void)
{
  for (uint32_t f = RT_GATE_SIGMOID; f <= RT_GATE_SOFTPLUS; f++)
    {
      Row row = { .op = &rt_op_gru,
                  .steps = 3,
                  .batch = 1,
                  .n_in = 5,
                  .hidden = 7,
                  .bias = true,
                  .dtype = KN_F32 };
      RtRecurrentAttrs attrs = attrs_of (&row);
      attrs.activations[0][1] = (RtGateActivation){ f, 0.3f, 0.6f };
      NetCase c;
      net_case_init (&c);
      add_inputs (&c, &row);
      net_case_node (&c, row.op, &attrs, NULL);
      net_case_check (&c, 1e-6, 1e-5);
      net_case_clear (&c);
    }
}

/* ---- one unit, one input, steps by hand ---- */

static double
sigmoid (double x)
{
  return 1 / (1 + exp (-x));
}

static void
add_unit (NetCase *c, int64_t steps, const float *x, int64_t gates, const float *w, const float *r,
          const float *bias)
{
  net_case_init (c);
  c->pack_dtype = KN_F32;
  net_case_input (c, RT_TYPE_F32, 3, (int64_t[]){ steps, 1, 1 }, x);
  net_case_weight (c, RT_TYPE_F32, 2, (int64_t[]){ gates, 1 }, w);
  net_case_weight (c, RT_TYPE_F32, 2, (int64_t[]){ gates, 1 }, r);
  net_case_no_input (c);
  net_case_no_input (c);
  net_case_weight (c, RT_TYPE_F32, 2, (int64_t[]){ 1, 2 * gates }, bias);
}

static void
assert_unit (NetCase *c, const RtOp *op, uint32_t linear_before_reset, const double *y, gsize n)
{
  RtRecurrentAttrs attrs = attrs_of (&(Row){ .op = op, .hidden = 1 });
  NetResult results[RT_MAX_OUTPUTS];
  attrs.linear_before_reset = linear_before_reset;
  net_case_node (c, op, &attrs, NULL);
  net_case_run_threads (c, results);
  net_result_check (&results[0], y, n, 1e-6, 0);
  net_result_check (&results[1], y + n - 1, 1, 1e-6, 0);
  net_results_clear (results);
  net_case_clear (c);
}

static void
test_units (void)
{
  const float x[] = { 0.5f, -1 }, w[] = { 0.1f, 0.2f, 0.3f, 0.4f },
              r[] = { 0.5f, 0.6f, 0.7f, 0.8f };
  const float bias[] = { 0.01f, 0.02f, 0.03f, 0.04f, 0.05f, 0.06f, 0.07f, 0.08f };
  double y[2], h = 0, cell = 0;
  NetCase c;

  for (int t = 0; t < 2; t++) /* i, o, f, c */
    {
      double in = sigmoid (0.1 * x[t] + 0.5 * h + 0.06),
             out = sigmoid (0.2 * x[t] + 0.6 * h + 0.08);
      double forget = sigmoid (0.3 * x[t] + 0.7 * h + 0.1);
      cell = forget * cell + in * tanh (0.4 * x[t] + 0.8 * h + 0.12);
      h = y[t] = out * tanh (cell);
    }
  add_unit (&c, 2, x, 4, w, r, bias);
  assert_unit (&c, &rt_op_lstm, 0, y, 2);

  for (uint32_t linear = 0; linear < 2; linear++)
    {
      h = 0;
      for (int t = 0; t < 2; t++) /* z, r, h; biases 1 2 3 and 4 5 6 hundredths */
        {
          double z = sigmoid (0.1 * x[t] + 0.5 * h + 0.05);
          double reset = sigmoid (0.2 * x[t] + 0.6 * h + 0.07);
          double part = linear ? reset * (0.7 * h + 0.06) : 0.7 * (reset * h) + 0.06;
          h = y[t] = (1 - z) * tanh (0.3 * x[t] + 0.03 + part) + z * h;
        }
      add_unit (&c, 2, x, 3, w, r, bias);
      assert_unit (&c, &rt_op_gru, linear, y, 2);
    }

  h = 0;
  for (int t = 0; t < 2; t++)
    h = y[t] = tanh (0.1 * x[t] + 0.5 * h + 0.03);
  add_unit (&c, 2, x, 1, w, r, bias);
  assert_unit (&c, &rt_op_rnn, 0, y, 2);
}

static void
test_refusals (void)
{
  Row row = { .op = &rt_op_gru, .steps = 3, .batch = 1, .n_in = 5, .hidden = 7 };
  RtRecurrentAttrs attrs = attrs_of (&row);
  NetCase c;
  attrs.direction = RT_RECURRENT_BIDIRECTIONAL;
  net_case_init (&c);
  add_inputs (&c, &row);
  g_autofree char *message = net_case_refused (&c, row.op, &attrs);
  g_assert_nonnull (strstr (message, "Direction 2 has no weights"));
  attrs.direction = 0;
  attrs.hidden = 8;
  g_autofree char *rows = net_case_refused (&c, row.op, &attrs);
  g_assert_nonnull (strstr (rows, "[24, 5]"));
  net_case_clear (&c);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recurrent/shapes", test_shapes);
  g_test_add_func ("/recurrent/options", test_options);
  g_test_add_func ("/recurrent/functions", test_functions);
  g_test_add_func ("/recurrent/units", test_units);
  g_test_add_func ("/recurrent/refusals", test_refusals);
  return g_test_run ();
}
