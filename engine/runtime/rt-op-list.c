/* The table of operators. A new operator is a file in ops/, a declaration in ops/rt-ops.h and a
 * line here. */
#include <string.h>

#include "ops/rt-ops-move.h"
#include "ops/rt-ops.h"

static const RtOp *const ops[] = {
  /* language models (rt-ops.h) */
  &rt_op_embed,
  &rt_op_rmsnorm,
  &rt_op_norm_quant,
  &rt_op_matmul,
  &rt_op_qkv,
  &rt_op_gate_up,
  &rt_op_rope_table,
  &rt_op_rope,
  &rt_op_attention,
  &rt_op_add,
  &rt_op_mul,
  &rt_op_silu,
  &rt_op_gelu,
  &rt_op_scale,
  &rt_op_softcap,
  &rt_op_select_rows,
  &rt_op_identity,

  /* moving and selecting (rt-ops-move.h) */
  &rt_op_reshape,
  &rt_op_transpose,
  &rt_op_concat,
  &rt_op_slice,
  &rt_op_pad,
  &rt_op_expand,
  &rt_op_tile,
  &rt_op_reverse,
  &rt_op_roll,
  &rt_op_reverse_sequence,
  &rt_op_space_to_depth,
  &rt_op_depth_to_space,
  &rt_op_gather,
  &rt_op_gather_elements,
  &rt_op_gather_nd,
  &rt_op_where,
  &rt_op_cast,
};

const RtOp *const *
rt_op_list (uint32_t *n_ops)
{
  *n_ops = sizeof ops / sizeof *ops;
  return ops;
}

const RtOp *
rt_op_find (const char *name)
{
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (strcmp (ops[i]->name, name) == 0)
      return ops[i];
  return NULL;
}
