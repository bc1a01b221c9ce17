/* Post-training quantization: a float network becomes one that computes in 8-bit integers where it
 * can, from the ranges that its values had on calibration inputs. Jacob et al. 2018; Nagel et al.
 * 2021.
 *
 * Activations become I8 with one scale and zero point, weights I8 with one scale per output
 * channel, biases I32. Convolutions and products start it; element-wise operators, pooling and data
 * movement follow when what they read is 8 bit already. Between the two worlds stand quantize and
 * dequantize nodes, which are timed like any other. */
#pragma once

#include "rt-graph.h"

typedef struct
{
  bool is_known;
  float low, high; /* what 8 bit will stand for; 0 is put inside */
} RtRange;

typedef struct
{
  const RtRange *ranges;     /* [n_values] */
  const float *const *means; /* [n_values]: mean of each channel (index of the last dimension), or
                              * NULL; for bias correction (Nagel et al. 2019, section 4.2); may be
                              * NULL */
  const bool *keep_float;    /* [n_nodes] nodes that stay as they are; may be NULL */
} RtPtqConfig;

/* @graph: f32, channels last, as fusion left it without RT_FUSE_FUNCTION and RT_FUSE_RESIDUAL. The
 * result has the same inputs and outputs. Borrows weights; quantized ones are its own, called
 * "NAME/int8". */
RtGraph *rt_ptq (const RtGraph *graph, const RtPtqConfig *config, RtError *error);

/* Cross-layer equalization (Nagel et al. 2019, section 4.1): a graph in which pairs of convolutions
 * with nothing but a ReLU between them share out the ranges of their channels, so that one scale
 * per tensor loses less. Computes the same up to rounding. *@n_pairs: how many. */
RtGraph *rt_equalize (const RtGraph *graph, uint32_t *n_pairs, RtError *error);

#define RT_PTQ_SUFFIX "/int8"
