/* Operator fusion: a graph in, an equivalent graph with fewer nodes out; each new node lists the
 * sources it stands for. The fused graph gives the same bits as the source graph. */
#pragma once

#include "rt-graph.h"

typedef enum
{
  RT_FUSE_NORM_QUANT = 1 << 0, /* the norm writes 8-bit rows, when all its readers want them */
  RT_FUSE_QKV = 1 << 1,        /* query, key and value projections in one node */
  RT_FUSE_GATE_UP = 1 << 2,    /* gate, up, activation and product in one node, which writes
                                  8-bit rows when all its readers want them */
  RT_FUSE_RESIDUAL = 1 << 3,   /* residual add in the epilogue of the projection or convolution */
  RT_FUSE_ATTENTION_QUANT
  = 1 << 4,                    /* attention writes 8-bit rows, when all its readers want them */
  RT_FUSE_ACTIVATION = 1 << 5, /* ReLU and limits in the convolution before them; zeros around a
                                  picture in the convolution behind them */
  RT_FUSE_FUNCTION = 1 << 6,   /* other functions of one number in the convolution before them:
                                * SiLU, hard-swish, sigmoid, ... */
  RT_FUSE_ALL = 0x7f,
} RtFusion;

/* @weight_dtypes [n_values]: the format each weight will be packed in (only entries of weights are
 * read; -1: as in the file), since fused nodes need compatible activations; may be NULL. Values
 * keep their names where they still exist. Returns a new graph that borrows the same weight bytes.
 */
RtGraph *rt_fuse (const RtGraph *graph, const int *weight_dtypes, uint32_t fusions, RtError *error);
