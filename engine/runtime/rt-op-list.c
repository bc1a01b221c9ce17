/* The table of operators. A new operator is a file in ops/, a declaration in ops/rt-ops.h and a
 * line here. */
#include <string.h>

#include "ops/rt-ops-move.h"
#include "ops/rt-ops-math.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"
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
  &rt_op_resize,
  &rt_op_picture,
  /* arithmetic (rt-ops-math.h) */
  &rt_op_relu,
  &rt_op_abs,
  &rt_op_neg,
  &rt_op_sign,
  &rt_op_clip,
  &rt_op_leaky_relu,
  &rt_op_elu,
  &rt_op_selu,
  &rt_op_celu,
  &rt_op_thresholded_relu,
  &rt_op_hard_sigmoid,
  &rt_op_shrink,
  &rt_op_affine,
  &rt_op_sigmoid,
  &rt_op_tanh,
  &rt_op_silu,
  &rt_op_hard_swish,
  &rt_op_mish,
  &rt_op_gelu_erf,
  &rt_op_softplus,
  &rt_op_softsign,
  &rt_op_sqrt,
  &rt_op_rsqrt,
  &rt_op_reciprocal,
  &rt_op_square,
  &rt_op_exp,
  &rt_op_log,
  &rt_op_log1p,
  &rt_op_erf,
  &rt_op_sin,
  &rt_op_cos,
  &rt_op_tan,
  &rt_op_asin,
  &rt_op_acos,
  &rt_op_atan,
  &rt_op_sinh,
  &rt_op_cosh,
  &rt_op_asinh,
  &rt_op_acosh,
  &rt_op_atanh,
  &rt_op_ceil,
  &rt_op_floor,
  &rt_op_round,
  &rt_op_is_nan,
  &rt_op_is_inf,
  &rt_op_not,
  &rt_op_bitwise_not,
  &rt_op_add,
  &rt_op_sub,
  &rt_op_mul,
  &rt_op_div,
  &rt_op_min,
  &rt_op_max,
  &rt_op_pow,
  &rt_op_mod,
  &rt_op_fmod,
  &rt_op_floor_div,
  &rt_op_squared_difference,
  &rt_op_atan2,
  &rt_op_prelu,
  &rt_op_equal,
  &rt_op_not_equal,
  &rt_op_less,
  &rt_op_less_equal,
  &rt_op_greater,
  &rt_op_greater_equal,
  &rt_op_and,
  &rt_op_or,
  &rt_op_xor,
  &rt_op_bitwise_and,
  &rt_op_bitwise_or,
  &rt_op_bitwise_xor,
  &rt_op_shift_left,
  &rt_op_shift_right,
  /* convolutions and pooling (rt-ops-conv.h) */
  &rt_op_conv,
  &rt_op_depthwise,
  &rt_op_conv_transpose,
  &rt_op_max_pool,
  &rt_op_average_pool,

  /* quantized networks (rt-ops-int8.h) */
  &rt_op_conv_int8,
  &rt_op_depthwise_int8,
  &rt_op_fully_connected_int8,
  &rt_op_quantize,
  &rt_op_dequantize,
  &rt_op_reduce_sum,
  &rt_op_reduce_mean,
  &rt_op_reduce_prod,
  &rt_op_reduce_max,
  &rt_op_reduce_min,
  &rt_op_reduce_l1,
  &rt_op_reduce_l2,
  &rt_op_reduce_sum_square,
  &rt_op_reduce_log_sum,
  &rt_op_reduce_log_sum_exp,
  &rt_op_reduce_any,
  &rt_op_reduce_all,
  &rt_op_cumsum,
  &rt_op_softmax,
  &rt_op_log_softmax,
  &rt_op_hardmax,
  &rt_op_lp_normalize,
  &rt_op_layer_norm,
  &rt_op_batch_norm,
  &rt_op_group_norm,
  &rt_op_lrn,
  &rt_op_mean_variance_norm,
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
