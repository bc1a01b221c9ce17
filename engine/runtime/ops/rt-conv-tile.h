/* A tile of output pixels of a convolution with packed weights, whatever their format: what conv
 * and conv_transpose have in common once they know where the segments of each pixel lie
 * (kn-conv.h). Private to engine/runtime/ops. */
#pragma once

#include "rt-conv.h"

typedef struct
{
  const RtOpContext *context; /* inputs as RT_CONV_... */
  const RtConvAttrs *attrs;

  size_t n_pixels, n_segments, segment_len;
  const float *const *segments;    /* [n_segments][n_pixels] */
  const uint32_t *segment_columns; /* [n_segments], or NULL: they follow each other */

  size_t first_channel, n_channels; /* of y: one after the other, over any number of panels */

  float *y; /* [n_pixels][n_channels], y_stride floats apart */
  size_t y_stride;
  const float *residual; /* [n_pixels][n_channels], or NULL */
  size_t residual_stride;
  uint8_t *scratch; /* of this thread, rt_conv_tile_bytes(), KN_ALIGN aligned */
} RtConvTile;

/* For tiles of up to @n_pixels pixels and channels in up to @n_panels panels. */
size_t rt_conv_tile_bytes (KnDtype dtype, size_t n_columns, size_t n_pixels, size_t n_panels);

void rt_conv_tile (const RtConvTile *tile);

/* Format of the weights of a node outside of a run. */
KnDtype rt_conv_query_dtype (const RtOpQuery *query);
