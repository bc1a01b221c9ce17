/* A network in generated C, as boards run it: constants, a static arena, and a table of layers.
 *
 *   static _Alignas (16) uint8_t arena[23456];
 *   static const McConv conv_0 = { ... };
 *   static void layer_0 (void) { mc_conv (&conv_0, arena + 0, arena + 490, arena + 9000); }
 *   static const McLayer layers[] = { { "first/conv", 0, layer_0 }, ... };
 *   const McNetwork mc_network = { .name = "...", .layers = layers, .n_layers = 11, ... };
 *
 * Whoever runs it calls the layers in order, and may look at a clock between them: that is all that
 * profiling is. A layer that is computed in patches has one entry per patch (or per run of rows),
 * with the same node; times of a node are summed. */
#pragma once

#include "mc.h"

/* Numbers as in telemetry (the names are rt_type_name()'s). */
typedef enum
{
  MC_TYPE_I8,
  MC_TYPE_U8,
  MC_TYPE_I16,
  MC_TYPE_I32,
  MC_TYPE_F32,
} McType;

/* An input or output: where its bytes lie in the arena. Inputs hold only until the first layer that
 * writes over them has run: copy them in before every run. Outputs hold until the next run. */
typedef struct
{
  const char *name;
  int32_t value; /* of the build's graph */
  McType type;
  int32_t n_dims;
  int32_t dims[MC_MAX_DIMS];
  uint32_t n_bytes;
  void *data;
} McTensor;

typedef struct
{
  const char *name;
  int32_t node; /* of the build's executed graph: what trace records and lanes call it */
  void (*run) (void);
} McLayer;

typedef struct
{
  const char *name;
  const char *hash; /* of the build: hexadecimal SHA-256, what runs are filed under */
  const char *isa;  /* that scratch was planned for: McIsa's name */
  const McLayer *layers;
  int32_t n_layers;
  int32_t n_nodes;                  /* of the executed graph: layers[].node < n_nodes */
  const McTensor *inputs, *outputs; /* in the graph's order */
  int32_t n_inputs, n_outputs;
  /* NULL: there is none. Puts states that outlive a run (of streaming networks) to their start. */
  void (*reset) (void);
  uint8_t *arena;
  uint32_t arena_bytes;      /* activations and scratch */
  uint32_t weight_bytes;     /* constants in flash */
  uint32_t activation_bytes; /* of the arena */
  uint32_t scratch_bytes;    /* of the arena */
} McNetwork;

/* The one network of an image; generated. */
extern const McNetwork mc_network;

/* All layers in order. */
static inline void
mc_network_run (const McNetwork *network)
{
  for (int32_t i = 0; i < network->n_layers; i++)
    network->layers[i].run ();
}
