/* The NEON steps of attention, for the dot product level to build on. */
#pragma once

#include "kn-attn-tile.h"

#define KN_ATTN_NEON_TILE 4

extern const KnAttnSteps kn_attn_neon_steps;
