/* The place holder of what cannot be run. */
#pragma once

#include "rt-op.h"

/* Any inputs -> one output of the shape and type that the file declares. */
extern const RtOp rt_op_unsupported;
typedef struct
{
  char op[64]; /* as the file calls it */
  RtShape shape;
  bool is_unknown; /* the file says nothing of the shape: it stands for none */
  int type;
} RtUnsupportedAttrs;
