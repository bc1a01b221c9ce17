/* A GGUF file made ready to run, for test programs and the developer's tool: reader, graph,
 * packing, fusion and executor in one call. What the studio's lowering does with recipes, without
 * them. libc only, so that it also runs on a board. */
#pragma once

#include "rt-arch.h"
#include "rt-exec.h"
#include "rt-fuse.h"

typedef struct
{
  const char *path; /* or: */
  const void *bytes;
  size_t n_bytes;

  int format; /* KnDtype of all matrices, -1: as in the file; rows that do not fit stay f16 */
  uint32_t fusions;
  uint32_t n_threads;
  uint32_t max_tokens, max_outputs; /* 0: 128, 1 */
  KnDtype kv_format;                /* F32 is 0 */
  uint32_t kv_capacity;             /* 0: 256 */
  const KnTable *kernels;           /* NULL: the best */
  bool use_reference;
} RtModelConfig;

typedef struct
{
  RtGguf *gguf;
  RtArchParams params;
  RtGraph *source, *graph; /* as built, as run */
  RtWeight **weights;      /* [values of graph] */
  uint32_t n_fallbacks;    /* matrices that did not fit the format */
  RtPool *pool;
  RtExec *exec;
} RtModel;

bool rt_model_open (RtModel *model, const RtModelConfig *config, RtError *error);
void rt_model_close (RtModel *model); /* also after a failed open */

/* First of the largest values. */
int32_t rt_model_argmax (const float *logits, uint32_t n);
