/* A network of two layers as a generator would write it, for the board's way of running one: 3x3
 * sums of a 4x4 picture of ones and twos, in two runs of rows, and their softmax. */
#include "mc-network.h"

static _Alignas(16) uint8_t arena[64];
static int8_t state; /* how many runs since the last reset */

static const int8_t weights[12] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
static const int32_t bias[1] = { 0 };
static const float scale[1] = { 1 };
static uint64_t scratch[32];

#define CONV(rows, top)                                                                            \
  {                                                                                                \
    .window = { .in_h = 4,                                                                         \
                .in_w = 4,                                                                         \
                .in_c = 1,                                                                         \
                .out_h = rows,                                                                     \
                .out_w = 4,                                                                        \
                .out_c = 1,                                                                        \
                .kernel_h = 3,                                                                     \
                .kernel_w = 3,                                                                     \
                .stride_h = 1,                                                                     \
                .stride_w = 1,                                                                     \
                .dilation_h = 1,                                                                   \
                .dilation_w = 1,                                                                   \
                .pad_top = top,                                                                    \
                .pad_left = 1,                                                                     \
                .x_row_bytes = 4,                                                                  \
                .x_pixel_bytes = 1,                                                                \
                .y_row_bytes = 4,                                                                  \
                .y_pixel_bytes = 1 },                                                              \
    .groups = 1, .weights = weights, .bias = bias, .scale = scale,                                 \
    .requant                                                                                       \
        = {.low = -128,                                                                            \
           .high = 127 }                                                                           \
  }
static const McConv conv_top = CONV (1, 1), conv_rest = CONV (3, 0);

static void
layer_0 (void)
{
  mc_conv (&conv_top, (int8_t *)arena, (int8_t *)arena + 16, scratch);
}

static void
layer_1 (void)
{
  mc_conv (&conv_rest, (int8_t *)arena, (int8_t *)arena + 20, scratch);
}

static void
layer_2 (void)
{
  ((int8_t *)arena)[32] = ++state;
}

static void
reset (void)
{
  state = 0;
}

static const McLayer layers[] = { { "sum, rows 0", 0, layer_0 },
                                  { "sum, rows 1 to 3", 0, layer_1 },
                                  { "count", 1, layer_2 } };
static const McTensor inputs[] = {
  { "picture \"x\"", 0, MC_TYPE_I8, 4, { 1, 4, 4, 1 }, 16, arena },
};
static const McTensor outputs[] = {
  { "sums", 1, MC_TYPE_I8, 4, { 1, 4, 4, 1 }, 16, arena + 16 },
  { "runs", 2, MC_TYPE_I8, 1, { 1 }, 1, arena + 32 },
};

#if defined __ARM_FEATURE_MVE
#define ISA "mve"
#else
#define ISA "dsp"
#endif

const McNetwork mc_network = {
  .name = "sums",
  .hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  .isa = ISA,
  .layers = layers,
  .n_layers = 3,
  .n_nodes = 2,
  .inputs = inputs,
  .outputs = outputs,
  .n_inputs = 1,
  .n_outputs = 2,
  .reset = reset,
  .arena = arena,
  .arena_bytes = sizeof arena,
  .weight_bytes = sizeof weights + sizeof bias + sizeof scale,
  .activation_bytes = 33,
};
