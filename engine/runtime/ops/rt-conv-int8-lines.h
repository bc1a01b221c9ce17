/* Quantized convolutions straight from the picture: its lines are copied once, with their padding,
 * and the product reads the windows from there. Private to engine/runtime/ops. */
#pragma once

#include "rt-int8.h"
#include "rt-ops-int8.h"

/* Chunks that are worth handing out: several per thread, but none of less than about 2 us; at least
 * 1. */
size_t rt_conv_int8_n_wanted (const RtWindows *windows, const RtProductLayout *layout,
                              uint32_t n_threads);

/* Whether a convolution goes this way; known from its attributes and weights alone, since the
 * weights are packed for it. Others copy every window by itself. */
static inline bool
rt_conv_by_lines (const RtConvAttrs *attrs, const RtShape *w)
{
  return w->dims[1] * w->dims[2] > 1 && attrs->groups == 1 && attrs->dilation_w == 1;
}

/* How output lines and panels are split. A tile is some lines of one picture. */
typedef struct
{
  size_t n_wanted; /* chunks that are worth handing out */
  size_t tile_lines, tiles_per_picture, n_tiles;
  size_t n_panels, chunk_panels, n_panel_chunks;
  size_t line_bytes;    /* of a copied line */
  size_t scratch_bytes; /* per thread */
} RtConvLines;

RtConvLines rt_conv_lines (const RtConvAttrs *attrs, const RtWindows *windows,
                           const RtProductLayout *layout, uint32_t n_threads);

void rt_conv_lines_run (const RtOpContext *context, const RtWindows *windows,
                        const RtProductLayout *layout, const RtConvLines *lines, size_t tile,
                        size_t panel_chunk, uint8_t *scratch);
