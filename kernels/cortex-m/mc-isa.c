/* What this library was compiled for. */
#include "mc-private.h"

const char *
mc_isa_name (void)
{
  return MC_USE_MVE ? "mve" : MC_USE_DSP ? "dsp" : "plain";
}
