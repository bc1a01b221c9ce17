/* The operators by name, and their attributes. Builders of graphs use this; the executor does not.
 * N is the number of tokens of a run. */
#pragma once

#include "rt-op.h"

/* tokens [N] i32, weight [n_vocab, D] -> [N, D] f32. Rows are taken from the packed weight when
 * there is one, else from the file's bytes. */
extern const RtOp rt_op_embed;

/* x [N, G * D] f32, weight [D] -> the same shape: each of the G parts of a row is normalised on its
 * own (G > 1: per-head query and key norms). */
extern const RtOp rt_op_rmsnorm;
/* The same (G = 1, D a multiple of 32), written as 8-bit rows, after the optional vector offset [D]
 * was added to every row. */
extern const RtOp rt_op_norm_quant;
enum
{
  RT_NORM_X,
  RT_NORM_WEIGHT,
  RT_NORM_OFFSET,
};
typedef struct
{
  float eps;
  uint32_t n_groups;
  uint32_t per_token; /* norm-quant: 8-bit rows with one scale each, else one per 32 values */
} RtNormAttrs;

/* x [..., C] f32, or 8-bit rows [N, C], weight [R, C], optional bias [R], optional residual [...,
 * R] -> activation (x w^T + bias + residual) [..., R] f32, then the limits. */
extern const RtOp rt_op_matmul;
enum
{
  RT_MATMUL_X,
  RT_MATMUL_WEIGHT,
  RT_MATMUL_BIAS,
  RT_MATMUL_RESIDUAL,
};
/* Nothing but zeros: the plain product. RtActivation is below. */
typedef struct
{
  uint32_t activation; /* RtActivation */
  float activation_params[2];
  uint32_t has_limits; /* ReLU: 0, INFINITY */
  float min, max;
} RtMatmulAttrs;

/* x [N, C] f32 or 8-bit rows, three weights [R_i, C], three optional biases [R_i] -> three [N, R_i]
 * f32. */
extern const RtOp rt_op_qkv;
enum
{
  RT_QKV_X,
  RT_QKV_WEIGHT,
  RT_QKV_BIAS = RT_QKV_WEIGHT + 3,
};

/* x [N, C] f32 or 8-bit rows, gate [F, C], up [F, C], optional biases [F] of each -> activation
 * (x gate^T + bias) * (x up^T + bias) [N, F], f32 or 8-bit rows (F a multiple of 32). */
extern const RtOp rt_op_gate_up;
enum
{
  RT_GATE_UP_X,
  RT_GATE_UP_WEIGHT,
  RT_GATE_UP_BIAS = RT_GATE_UP_WEIGHT + 2,
};
typedef enum
{
  RT_ACTIVATION_NONE,
  RT_ACTIVATION_SILU,
  RT_ACTIVATION_GELU, /* tanh form */
  RT_ACTIVATION_GELU_ERF,
  RT_ACTIVATION_SIGMOID,
  RT_ACTIVATION_TANH,
  RT_ACTIVATION_HARD_SIGMOID, /* params: slope, offset */
  RT_ACTIVATION_HARD_SWISH,
  RT_ACTIVATION_LEAKY, /* params: factor below 0 */
  RT_ACTIVATION_ELU,   /* params: factor below 0, factor above 0 */
  RT_ACTIVATION_MISH,
  RT_N_ACTIVATIONS
} RtActivation;
typedef struct
{
  uint32_t activation; /* RT_ACTIVATION_SILU or RT_ACTIVATION_GELU */
  uint32_t quantize;   /* 1: write 8-bit rows */
} RtGateUpAttrs;

/* tokens [N] i32, optional frequency factors [n_dims / 2] -> [N, n_dims] f32: n_dims / 2 cosines,
 * then n_dims / 2 sines, of position * scale * base^(-2 i / n_dims) / factor_i. Su et al. 2021,
 * section 3.2.2. */
extern const RtOp rt_op_rope_table;
typedef struct
{
  uint32_t n_dims; /* rotated dimensions of a head, even */
  float base;
  float scale; /* 1, or 1 / factor of linear position interpolation (Chen et al. 2023) */
} RtRopeTableAttrs;

/* x [N, n_heads * head_dim] f32, table of rope_table -> the same shape. */
extern const RtOp rt_op_rope;
typedef struct
{
  uint32_t n_heads, head_dim;
  uint32_t half; /* 1: pairs (i, i + n_dims / 2); 0: pairs (2 i, 2 i + 1) */
} RtRopeAttrs;

/* q [N, n_heads * head_dim], k and v [N, n_kv_heads * head_dim] f32 -> [N, n_heads * head_dim], f32
 * or 8-bit rows (head_dim a multiple of 32). Stores k and v in the cache at the run's positions,
 * then attends from each token to all positions up to its own. */
extern const RtOp rt_op_attention;
#define RT_ATTENTION_MAX_HEADS 128
typedef struct
{
  uint32_t n_heads, n_kv_heads, head_dim;
  uint32_t kv_layer;    /* in the cache */
  float scale;          /* of the scores, before the softmax */
  float softcap;        /* 0: none */
  uint32_t window;      /* positions that a token sees, itself included; 0: all */
  uint32_t quantize;    /* 1: write 8-bit rows */
  float softmax_levels; /* 0, or the weights of the positions, relative to the largest of their
                         * chunk, are whole numbers of 1 / levels (kn-attn.h) */
  float softmax_bias[RT_ATTENTION_MAX_HEADS]; /* then added to each weight, by query head: what
                                               * rounding takes off on average; heads beyond have
                                               * none */
} RtAttentionAttrs;

/* Element-wise on f32, any shape; output 0 may take the place of the first input. add, mul and
 * silu, which language models use as well, are in rt-ops-math.h. */
extern const RtOp rt_op_gelu; /* tanh form */
extern const RtOp rt_op_scale;
extern const RtOp rt_op_softcap; /* cap * tanh (x / cap) */
typedef struct
{
  float factor;
} RtScaleAttrs; /* scale: the factor; softcap: the cap */

/* x of any type and shape -> the same, without a copy where the plan allows it. */
extern const RtOp rt_op_identity;

/* x [N, D] f32 -> [RT_DIM_OUTPUTS, D]: the last rows. */
extern const RtOp rt_op_select_rows;
