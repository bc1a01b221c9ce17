/* What the instruction sets bring to depthwise convolutions: all channels of one output from the
 * places of its taps. Private to kernels/cortex-m. */
#pragma once

#include "mc-private.h"

#if !MC_USE_PLAIN
/* @taps [kernel_h * kernel_w]: where each tap's in_c codes are, less @shift bytes. in_c = out_c. */
void mc_depthwise_taps (const McDepthwise *d, const int8_t *const *taps, int32_t shift, int8_t *y);
#endif
