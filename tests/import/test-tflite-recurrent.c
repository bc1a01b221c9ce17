/* TFLite's recurrent layers. What the integer LSTM must give is what LiteRT 2.3 gives, bit for bit,
 * for the same file. */
#include <math.h>
#include <string.h>

#include "tflite-case.h"

enum
{
  N_IN = 3,
  N_HIDDEN = 2,
  N_BATCH = 2,
  N_STEPS = 2,
};

/* Numbers without a pattern that a short formula gives. */
static int
number (int row, int i)
{
  return (row * 31 + i * 17 + 5) % 201 - 100;
}

/* ---- In integers ---- */

typedef struct
{
  int zero_of_weights;
  gboolean constant_state;
} Fault;

static TflBytes *
make_integer_lstm (Fault fault)
{
  static gint8 w[4][N_HIDDEN * N_IN], r[4][N_HIDDEN * N_HIDDEN];
  static gint32 bias[4][N_HIDDEN];
  TflBytes *b = tfl_bytes_new ();
  int in[24];

  for (int i = 0; i < 24; i++)
    in[i] = -1;
  in[0] = TENSOR (b, "x", I8, DIMS (N_BATCH, N_STEPS, N_IN), QUANT (0.02f, -5));
  for (int gate = 0; gate < 4; gate++)
    {
      for (int i = 0; i < N_HIDDEN * N_IN; i++)
        w[gate][i] = (gint8)number (gate, i);
      for (int i = 0; i < N_HIDDEN * N_HIDDEN; i++)
        r[gate][i] = (gint8)number (gate + 4, i);
      for (int i = 0; i < N_HIDDEN; i++)
        bias[gate][i] = number (gate + 8, i) * 20;
      in[1 + gate] = TENSOR (b, "w", I8, DIMS (N_HIDDEN, N_IN), .data = w[gate],
                             .data_bytes = sizeof w[gate],
                             QUANT (0.01f + 0.002f * (float)gate, fault.zero_of_weights));
      in[5 + gate]
          = TENSOR (b, "r", I8, DIMS (N_HIDDEN, N_HIDDEN), .data = r[gate],
                    .data_bytes = sizeof r[gate], QUANT (0.012f + 0.003f * (float)gate, 0));
      in[12 + gate] = TENSOR (b, "b", I32, DIMS (N_HIDDEN), .data = bias[gate],
                              .data_bytes = sizeof bias[gate], QUANT (0.0002f, 0));
    }
  in[18] = TENSOR (b, "h", I8, DIMS (N_BATCH, N_HIDDEN), QUANT (1 / 128.0f, 7),
                   .is_variable = !fault.constant_state);
  in[19]
      = TENSOR (b, "c", I16, DIMS (N_BATCH, N_HIDDEN), QUANT (1 / 4096.0f, 0), .is_variable = TRUE);
  int y = TENSOR (b, "y", I8, DIMS (N_BATCH, N_STEPS, N_HIDDEN), QUANT (1 / 128.0f, 7));
  tfl_bytes_add_op (b, 44, NULL, in, 24, LIST (y), 71, FIELDS ({ 0, 'b', 4 }, { 1, 'f', 1.5 }));
  tfl_bytes_set_io (b, LIST (in[0]), LIST (y));
  return b;
}

/* Three runs: the state goes on from run to run and begins with the code of zero. The cell is
 * clipped in some of the steps. */
static void
test_integer (void)
{
  g_autoptr (TflBytes) b = make_integer_lstm ((Fault){ 0 });
  gint8 x[3][N_BATCH * N_STEPS * N_IN];
  const gint8 y[3][N_BATCH * N_STEPS * N_HIDDEN] = { { 39, 4, 49, -21, 4, 43, 2, 15 },
                                                     { 57, -10, 46, -15, 4, 40, 27, 6 },
                                                     { 45, 6, 15, 43, 15, 0, 49, -3 } };

  for (int run = 0; run < 3; run++)
    for (int i = 0; i < N_BATCH * N_STEPS * N_IN; i++)
      x[run][i] = (gint8)number (run + 20, i);
  tfl_case_check (b, x, 3, 0, y, sizeof y);
}

static void
assert_reported (TflBytes *bytes, const char *part)
{
  g_autoptr (EngImported) imported = tfl_case_import (bytes);

  g_assert_nonnull (imported->report[0]);
  if (!strstr (imported->report[0], part))
    g_error ("“%s” is not in “%s”", part, imported->report[0]);
}

static void
test_integer_faults (void)
{
  g_autoptr (TflBytes) zero = make_integer_lstm ((Fault){ .zero_of_weights = 3 });
  g_autoptr (TflBytes) state = make_integer_lstm ((Fault){ .constant_state = TRUE });

  assert_reported (zero, "zero point 0");
  assert_reported (state, "no int8 state");
}

/* ---- In floats ---- */

/* One unit, by hand: all weights 0, biases i 0, f 0, g ln 3 / 2 (tanh of it is 1/2), o 0. c = c / 2
 * + 1/4, h = tanh (c) / 2. */
static void
test_float (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  float y[4], c = 0;
  int in[24];

  for (int i = 0; i < 24; i++)
    in[i] = -1;
  in[0] = TENSOR (b, "x", F32, DIMS (1, 1, 1));
  for (int gate = 0; gate < 4; gate++)
    {
      in[1 + gate] = TENSOR (b, "w", F32, DIMS (1, 1), DATA (float, 0));
      in[5 + gate] = TENSOR (b, "r", F32, DIMS (1, 1), DATA (float, 0));
      in[12 + gate] = TENSOR (b, "b", F32, DIMS (1), DATA (float, gate == 2 ? logf (3) / 2 : 0));
    }
  in[18] = TENSOR (b, "h", F32, DIMS (1, 1), .is_variable = TRUE);
  in[19] = TENSOR (b, "c", F32, DIMS (1, 1), .is_variable = TRUE);
  int out = TENSOR (b, "y", F32, DIMS (1, 1, 1));
  tfl_bytes_add_op (b, 44, NULL, in, 24, LIST (out), 71, FIELDS ({ 0, 'b', 4 }));
  tfl_bytes_set_io (b, LIST (in[0]), LIST (out));

  g_autoptr (EngImported) imported = tfl_case_import_supported (b);
  NetRunner net;
  RtError error = { 0 };
  g_assert_true (net_runner_init (&net, imported, 1, FALSE, FALSE, &error));
  for (int run = 0; run < 4; run++)
    {
      rt_exec_set_input (net.exec, net_runner_value (&net, &imported->inputs[0]), &(float){ 3 });
      g_assert_true (rt_exec_infer (net.exec, NULL, RT_PHASE_INFERENCE, &error));
      memcpy (&y[run], rt_exec_value (net.exec, net_runner_value (&net, &imported->outputs[0])),
              sizeof *y);
      c = c / 2 + 0.25f;
      g_assert_cmpfloat_with_epsilon (y[run], tanhf (c) / 2, 1e-6f);
    }
  net_runner_clear (&net);
}

/* ---- SVDF ---- */

/* Two units of rank 2 over 3 steps, the first of which is empty: f is x times (1, 2), (3, -1), (0,
 * 1), (1, 1); weights over time are 1, 10, 100 from the oldest on, negative ones in filter 1. */
static void
test_svdf (void)
{
  g_autoptr (TflBytes) b = tfl_bytes_new ();
  int x = TENSOR (b, "x", F32, DIMS (1, 2));
  int feature = TENSOR (b, "feature", F32, DIMS (4, 2), DATA (float, 1, 2, 3, -1, 0, 1, 1, 1));
  int time = TENSOR (b, "time", F32, DIMS (4, 3),
                     DATA (float, 1, 10, 100, -1, -10, -100, 1, 10, 100, 1, 10, 100));
  int bias = TENSOR (b, "bias", F32, DIMS (2), DATA (float, 0.5f, -1000));
  int state = TENSOR (b, "state", F32, DIMS (1, 12), .is_variable = TRUE);
  int y = TENSOR (b, "y", F32, DIMS (1, 2));
  const float in[3][2] = { { 1, 1 }, { 2, 0 }, { 0, 3 } };
  /* Sums of filters 0 and 1: f0 - f1 is 1, -4, 9; of 2 and 3: f2 + f3 is 3, 2, 6. */
  const float out[3][2] = { { 100 + 0.5f, 300 - 1000 },
                            { 10 - 400 + 0.5f, 30 + 200 - 1000 },
                            { 1 - 40 + 900 + 0.5f, 3 + 20 + 600 - 1000 } };

  tfl_bytes_add_op (b, 27, NULL, LIST (x, feature, time, bias, state), LIST (y), 6,
                    FIELDS ({ 0, 'i', 2 }));
  tfl_bytes_set_io (b, LIST (x), LIST (y));
  tfl_case_check (b, in, 3, 0, out, sizeof out);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tflite-recurrent/integer", test_integer);
  g_test_add_func ("/tflite-recurrent/integer-faults", test_integer_faults);
  g_test_add_func ("/tflite-recurrent/float", test_float);
  g_test_add_func ("/tflite-recurrent/svdf", test_svdf);
  return g_test_run ();
}
