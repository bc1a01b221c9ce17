/* Rows of up that are left out where the gate is near zero: the graph, the thresholds, the
 * formats. Called by the technique of activation sparsity; what runs is rt_op_gate_up_skip. */
#include "eng-skip.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "kn-matmul.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-skip.h"
#include "ops/rt-ops.h"
#include "rt-surgery.h"

/* Gate, up, activation and product of one layer. */
typedef struct
{
  const RtNode *gate, *up, *act, *mul;
  const EngTensor *up_tensor, *down_tensor;
  guint layer;
} Block;

static const EngTensor *
find_tensor (EngModel *model, const char *name, guint *index)
{
  for (guint i = 0; i < eng_model_get_n_tensors (model); i++)
    if (strcmp (eng_model_get_tensor (model, i)->name, name) == 0)
      {
        if (index != NULL)
          *index = i;
        return eng_model_get_tensor (model, i);
      }
  return NULL;
}

/* The plain product with "blk.<layer>.<what>.weight"; NULL. */
static const RtNode *
find_product (const RtGraph *graph, guint layer, const char *what)
{
  g_autofree char *name = g_strdup_printf ("blk.%u.%s.weight", layer, what);
  RtValueId weight = rt_graph_find_value (graph, name);

  for (RtNodeId i = 0; weight != RT_NONE && i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      if (node->op == &rt_op_matmul && node->n_inputs == 2
          && node->inputs[RT_MATMUL_WEIGHT] == weight)
        return node;
    }
  return NULL;
}

/* Who reads @value, when it is one node; NULL. */
static const RtNode *
only_reader (const RtGraph *graph, RtValueId value)
{
  const RtNode *found = NULL;

  for (RtNodeId i = 0; i < rt_graph_n_nodes (graph); i++)
    {
      const RtNode *node = rt_graph_node (graph, i);
      for (guint k = 0; k < node->n_inputs; k++)
        if (node->inputs[k] == value)
          {
            if (found != NULL)
              return NULL;
            found = node;
          }
    }
  return found;
}

static gboolean
find_block (EngLowering *lowering, const RtGraph *source, guint layer, Block *block)
{
  g_autofree char *up = g_strdup_printf ("blk.%u.ffn_up.weight", layer);
  g_autofree char *down = g_strdup_printf ("blk.%u.ffn_down.weight", layer);

  *block = (Block){ .layer = layer,
                    .gate = find_product (source, layer, "ffn_gate"),
                    .up = find_product (source, layer, "ffn_up"),
                    .up_tensor = find_tensor (lowering->model, up, NULL),
                    .down_tensor = find_tensor (lowering->model, down, NULL) };
  if (block->gate == NULL || block->up == NULL || block->down_tensor == NULL
      || block->gate->inputs[RT_MATMUL_X] != block->up->inputs[RT_MATMUL_X])
    return FALSE;
  block->act = only_reader (source, block->gate->outputs[0]);
  block->mul = only_reader (source, block->up->outputs[0]);
  return block->act != NULL && (block->act->op == &rt_op_silu || block->act->op == &rt_op_gelu)
         && block->mul != NULL && block->mul->op == &rt_op_mul
         && only_reader (source, block->act->outputs[0]) == block->mul;
}

/* What a unit of the gate adds to the output in channel c: how large up mostly is there, times
 * the length of down's column. Up is not measured itself, but its product with the gate is: E (a
 * up)^2 / E a^2. */
static double *
lengths_of (EngLowering *lowering, EngActivations *activations, const Block *block,
            const char *gate)
{
  double *lengths = eng_skip_column_lengths (lowering->model, block->down_tensor);
  EngChannelStats a, h;

  if (!eng_activations_get_channels (activations, gate, &a)
      || !eng_activations_get_channels (activations, block->down_tensor->name, &h)
      || a.n_channels != h.n_channels)
    return lengths; /* eng_skip_thresholds() says what is missing */
  for (gsize c = 0; c < a.n_channels; c++)
    lengths[c]
        *= a.mean_square[c] > 0 ? sqrt ((double)h.mean_square[c] / (double)a.mean_square[c]) : 0;
  return lengths;
}

static gboolean
replace (EngLowering *lowering, RtSurgery *surgery, const Block *block, double share,
         gboolean per_channel, GError **error)
{
  gsize n = block->up_tensor->n_rows;
  g_autofree float *thresholds = g_new0 (float, n);
  g_autofree char *gate = g_strdup_printf ("blk.%u.ffn_act", block->layer);
  g_autofree char *name = g_strdup_printf ("%s.thresholds", block->mul->name);
  RtShape vector = { .n_dims = 1, .dims = { (int64_t)n } };
  RtGateUpSkipAttrs attrs
      = { .activation = block->act->op == &rt_op_gelu ? RT_ACTIVATION_GELU : RT_ACTIVATION_SILU,
          .share = (float)share };

  if (!lowering->is_sketch)
    {
      g_autoptr (EngActivations) activations
          = eng_lowering_get_activations (lowering, ENG_ACTIVATIONS_CHANNELS, error);
      if (activations == NULL)
        return FALSE;
      g_autofree double *lengths
          = per_channel ? lengths_of (lowering, activations, block, gate) : NULL;
      if (!eng_skip_thresholds (activations, gate, n, lengths, share, thresholds, error))
        return FALSE;
    }
  RtValueId x = block->gate->inputs[RT_MATMUL_X];
  RtValueId inputs[4]
      = { x, block->gate->inputs[RT_MATMUL_WEIGHT], block->up->inputs[RT_MATMUL_WEIGHT],
          rt_surgery_add_weight (surgery, name, RT_TYPE_F32, &vector, thresholds,
                                 n * sizeof *thresholds) };
  rt_surgery_insert (surgery, x, block->mul->name, block->mul->layer, &rt_op_gate_up_skip, inputs,
                     4, &attrs, block->mul->outputs[0]);
  return TRUE;
}

static gboolean
is_wanted (EngLowering *lowering, const RtGraph *source, const Block *block)
{
  gsize n = (gsize)rt_graph_value (source, block->up->inputs[RT_MATMUL_WEIGHT])->shape.dims[0];

  if (n == block->up_tensor->n_rows && block->up_tensor->n_cols % KN_Q8_GROUP == 0)
    return TRUE;
  eng_lowering_note (lowering, "%s: %s: all rows count", block->up_tensor->name,
                     n != block->up_tensor->n_rows
                         ? "channels are pruned, thresholds are those of the file's"
                         : "rows are not whole groups of 32");
  return FALSE;
}

RtGraph *
eng_skip_rows_transform (EngLowering *lowering, const RtGraph *source, EngSkipShare share_of,
                         gboolean per_channel, GError **error)
{
  guint n_replaced = 0;
  gboolean ok = TRUE;
  RtError rt_error = { 0 };
  RtSurgery *surgery = rt_surgery_new (source, &rt_error);

  for (guint i = 0; ok && surgery != NULL && i < eng_model_get_n_layers (lowering->model); i++)
    {
      g_autofree char *name = g_strdup_printf ("blk.%u.ffn_up.weight", i);
      double share = share_of (lowering->recipe, name);
      Block block;
      if (share <= 0 || !find_block (lowering, source, i, &block)
          || !is_wanted (lowering, source, &block))
        continue;
      ok = replace (lowering, surgery, &block, share, per_channel, error);
      n_replaced++;
    }
  if (!ok || (surgery != NULL && n_replaced == 0))
    {
      rt_surgery_free (surgery);
      return NULL;
    }
  RtGraph *graph = surgery != NULL ? rt_surgery_finish (surgery, &rt_error) : NULL;
  if (graph == NULL)
    eng_error_take_rt (&rt_error, error);
  return graph;
}

/* ---- formats ---- */

static const char *
tensor_name (EngLowering *lowering, const RtNode *node, guint input, guint *index)
{
  const char *name = rt_graph_value (lowering->source, node->inputs[input])->name;

  find_tensor (lowering->model, name, index);
  return name;
}

gboolean
eng_skip_rows_apply (EngLowering *lowering, const EngTechnique *technique, EngSkipForm form,
                     GError **error)
{
  gboolean noted = FALSE, gate_noted = FALSE;

  for (RtNodeId i = 0; i < rt_graph_n_nodes (lowering->source); i++)
    {
      const RtNode *node = rt_graph_node (lowering->source, i);
      guint gate = 0, up = 0;
      if (node->op != &rt_op_gate_up_skip)
        continue;
      const char *gate_name = tensor_name (lowering, node, RT_GATE_UP_SKIP_GATE, &gate);
      const char *name = tensor_name (lowering, node, RT_GATE_UP_SKIP_UP, &up);
      int dtype = lowering->dtypes[up];
      gboolean is_own = kn_rows_dtype ((KnDtype)dtype) == (KnDtype)dtype && dtype >= 200;
      if (form == ENG_SKIP_SINGLE_ROWS && is_own)
        return eng_lowering_refuse (error, technique, kn_dtype_info (dtype)->name,
                                    "both say how the rows of up are stored");
      if (form == ENG_SKIP_SINGLE_ROWS)
        {
          lowering->dtypes[up] = KN_Q8_ROWS;
          lowering->densities[up] = 1;
          if (kn_rows_dtype ((KnDtype)dtype) != KN_Q8_0 && !noted)
            eng_lowering_note (lowering,
                               "%s and others like it: stored in 8 bits, row by row, instead of "
                               "%s: only that form can skip single rows",
                               name, kn_dtype_info (dtype)->name);
          noted |= kn_rows_dtype ((KnDtype)dtype) != KN_Q8_0;
        }
      KnActKind wanted = kn_matmul_act ((KnDtype)lowering->dtypes[up]);
      KnActKind act = kn_matmul_act ((KnDtype)lowering->dtypes[gate]);
      if (act == wanted)
        continue;
      if (form != ENG_SKIP_SINGLE_ROWS || act != KN_ACT_F32)
        return eng_lowering_refuse (
            error, technique, kn_dtype_info (lowering->dtypes[gate])->name,
            "gate and up read the same activations, so both want them rounded alike");
      if (!gate_noted)
        eng_lowering_note (lowering,
                           "%s and others like it: in Q8_0 instead of %s: gate and up read the "
                           "same activations",
                           gate_name, kn_dtype_info (lowering->dtypes[gate])->name);
      gate_noted = TRUE;
      lowering->dtypes[gate] = KN_Q8_0;
      lowering->densities[gate] = 1;
    }
  return TRUE;
}
