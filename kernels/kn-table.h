/* All kernel families of one instruction set. Filled by a cascade: plain C first, then each better
 * level overwrites what it has. */
#pragma once

#include "kn-attn.h"
#include "kn-conv.h"
#include "kn-cpu.h"
#include "kn-map.h"
#include "kn-matmul.h"
#include "kn-pool.h"
#include "kn-qconv.h"
#include "kn-qvec.h"
#include "kn-vec.h"

struct KnTable
{
  KnLevel level;
  KnMatmulFamily matmul;
  KnVecFamily vec;
  KnAttnFamily attn;
  KnConvFamily conv;
  KnPoolFamily pool;
  KnMapFamily map;
  KnQconvFamily qconv;
  KnQvecFamily qvec;
};
