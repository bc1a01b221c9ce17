/* ONNX's LSTM, GRU and RNN. Emit functions of the table in eng-onnx-list.c. */
#include "eng-onnx-ops.h"

#include "ops/rt-ops-math.h"

#include <string.h>

/* ONNX's names of gate functions, in RtGateFunction's order, with their defaults; how many of alpha
 * and beta they take from the node's lists. */
static const struct
{
  const char *name;
  float alpha, beta;
  guint n;
} functions[] = {
  { "Sigmoid", 0, 0, 0 },       { "Tanh", 0, 0, 0 },
  { "Relu", 0, 0, 0 },          { "Affine", 1, 0, 2 },
  { "LeakyRelu", 0.01f, 0, 1 }, { "ThresholdedRelu", 1, 0, 1 },
  { "ScaledTanh", 1, 1, 2 },    { "HardSigmoid", 0.2f, 0.5f, 2 },
  { "Elu", 1, 0, 1 },           { "Softsign", 0, 0, 0 },
  { "Softplus", 0, 0, 0 },
};

static guint
find_function (EngOnnxNode *node, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    if (g_ascii_strcasecmp (functions[i].name, name) == 0)
      return i;
  eng_onnx_refuse (node, "gates of function '%s' are not supported", name);
  return 0;
}

/* @n functions per direction; alphas and betas are used up in their order. */
static void
read_functions (EngOnnxNode *node, const char *const *defaults, guint n, guint n_directions,
                RtRecurrentAttrs *attrs)
{
  float alphas[6], betas[6];
  guint n_alphas = eng_onnx_floats (node, "activation_alpha", alphas, 6), at_alpha = 0;
  guint n_betas = eng_onnx_floats (node, "activation_beta", betas, 6), at_beta = 0;

  for (guint d = 0; d < n_directions; d++)
    for (guint i = 0; i < n; i++)
      {
        const char *name = eng_onnx_string_at (node, "activations", d * n + i, defaults[i]);
        guint f = find_function (node, name);
        RtGateActivation *gate = &attrs->activations[d][i];
        *gate = (RtGateActivation){ f, functions[f].alpha, functions[f].beta };
        if (functions[f].n > 0 && at_alpha < n_alphas)
          gate->alpha = alphas[at_alpha++];
        if (functions[f].n > 1 && at_beta < n_betas)
          gate->beta = betas[at_beta++];
      }
}

/* Matrix @direction of input @i, [D, rows, columns]. */
static RtValueId
matrix_of (EngOnnxNode *node, guint i, guint direction)
{
  RtValueId all = eng_onnx_in (node, i);
  RtShape shape = *eng_onnx_shape (node, all);
  RtValueId one = shape.dims[0] > 1 ? eng_onnx_cut (node, all, 0, direction, direction + 1) : all;

  return eng_onnx_reshape (node, one, &(RtShape){ 2, { shape.dims[1], shape.dims[2] } });
}

/* data: gates. 4: LSTM, 3: GRU, 1: RNN. */
gboolean
eng_onnx_emit_recurrent (EngOnnxNode *node)
{
  static const char *const lstm_defaults[] = { "Sigmoid", "Tanh", "Tanh" };
  static const char *const rnn_defaults[] = { "Tanh" };
  static const char *const directions[] = { "forward", "reverse", "bidirectional" };
  const char *direction = eng_onnx_string (node, "direction", "forward");
  guint n_gates = (guint)node->op->data;
  RtRecurrentAttrs attrs
      = { .direction = G_MAXUINT32,
          .clip = eng_onnx_float (node, "clip", 0),
          .input_forget = eng_onnx_int (node, "input_forget", 0) != 0,
          .linear_before_reset = eng_onnx_int (node, "linear_before_reset", 0) != 0,
          .batch_first = eng_onnx_int (node, "layout", 0) != 0 };
  RtValueId inputs[RT_RECURRENT_N_INPUTS], outputs[RT_MAX_OUTPUTS];
  EngOnnxTensor w, r;

  for (guint i = 0; i < G_N_ELEMENTS (directions); i++)
    if (strcmp (direction, directions[i]) == 0)
      attrs.direction = i;
  if (attrs.direction == G_MAXUINT32)
    return eng_onnx_refuse (node, "attribute 'direction' is '%s'", direction);
  guint n_directions = attrs.direction == RT_RECURRENT_BIDIRECTIONAL ? 2 : 1;
  if (!eng_onnx_const (node, 1, &w) || !eng_onnx_const (node, 2, &r))
    return FALSE;
  if (w.shape.n_dims != 3 || r.shape.n_dims != 3 || w.shape.dims[0] != n_directions
      || r.shape.dims[0] != n_directions || w.shape.dims[1] % n_gates != 0
      || r.shape.dims[1] != w.shape.dims[1] || r.shape.dims[2] != w.shape.dims[1] / n_gates)
    return eng_onnx_refuse (node, "the shapes of its weights do not fit together");
  attrs.hidden = (guint32)r.shape.dims[2];
  read_functions (node, n_gates == 1 ? rnn_defaults : lstm_defaults,
                  n_gates == 4   ? 3
                  : n_gates == 3 ? 2
                                 : 1,
                  n_directions, &attrs);

  for (guint i = 0; i < RT_RECURRENT_N_INPUTS; i++)
    inputs[i] = RT_NONE;
  inputs[RT_RECURRENT_X] = eng_onnx_in (node, 0);
  inputs[RT_RECURRENT_W_0] = matrix_of (node, 1, 0);
  inputs[RT_RECURRENT_R_0] = matrix_of (node, 2, 0);
  if (n_directions > 1)
    {
      inputs[RT_RECURRENT_W_1] = matrix_of (node, 1, 1);
      inputs[RT_RECURRENT_R_1] = matrix_of (node, 2, 1);
    }
  inputs[RT_RECURRENT_BIAS] = eng_onnx_in (node, 3);
  inputs[RT_RECURRENT_LENGTHS] = eng_onnx_in (node, 4);
  inputs[RT_RECURRENT_H] = eng_onnx_in (node, 5);
  if (n_gates == 4)
    {
      inputs[RT_RECURRENT_C] = eng_onnx_in (node, 6);
      inputs[RT_RECURRENT_PEEPHOLE] = eng_onnx_in (node, 7);
    }
  const RtOp *op = n_gates == 4 ? &rt_op_lstm : n_gates == 3 ? &rt_op_gru : &rt_op_rnn;
  if (!eng_onnx_add_all (node, op, &attrs, inputs, RT_RECURRENT_N_INPUTS, outputs))
    return FALSE;
  for (guint i = 0; i < node->n_outputs && i < op->n_outputs; i++)
    eng_onnx_out (node, i, outputs[i]);
  return eng_onnx_ok (node);
}
