/* The table of operators. A new operator is a file in ops/, a declaration in ops/rt-ops.h and a
 * line here. */
#include <string.h>

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
