/* Quantized convolutions straight from the picture. Called by conv_int8 for windows of more than
 * one pixel.
 *
 * The lines of the picture that a tile of output lines needs are copied to the thread's scratch
 * once, with their padding and the signedness that the instruction set multiplies. There every line
 * of a window is one run of bytes, and windows of neighbouring pixels are a constant distance
 * apart: what the product takes. That is a copy of the picture, where copied windows are as many as
 * they have pixels. */
#include "rt-conv-int8-lines.h"

#include <string.h>

#include "rt-conv.h"
#include "rt-op-common.h"

/* Copied lines of a tile, about: they and some panels stay near. */
#define TILE_BYTES (32 * 1024)
/* A chunk below this is not worth handing out: about 2 µs. */
#define CHUNK_MIN_OPS 1500000
#define CHUNKS_PER_THREAD 6
/* Below this many panels a chunk copies for too little. */
#define CHUNK_MIN_PANELS 4

static size_t
min_size (size_t a, size_t b)
{
  return a < b ? a : b;
}

static size_t
divide_up (size_t a, size_t b)
{
  return (a + b - 1) / b;
}

/* Lines of the picture under @n output lines. */
static size_t
lines_under (const RtConvAttrs *a, const RtWindows *w, size_t n)
{
  return (n - 1) * a->stride_h + (w->kh - 1) * a->dilation_h + 1;
}

/* Pixels of a copied line. */
static size_t
line_pixels (const RtConvAttrs *a, const RtWindows *w)
{
  return (w->out_w - 1) * a->stride_w + w->kw;
}

size_t
rt_conv_int8_n_wanted (const RtWindows *w, const RtProductLayout *l, uint32_t n_threads)
{
  const double ops = 2.0 * (double)(w->n * w->out_h * w->out_w) * (double)(l->n_groups * l->n_rows)
                     * (double)l->n_cols;

  if (n_threads == 1 || ops < 2 * (double)CHUNK_MIN_OPS)
    return 1;
  return rt_whole_turns (min_size ((size_t)(ops / CHUNK_MIN_OPS),
                                   (size_t)n_threads * CHUNKS_PER_THREAD),
                         n_threads);
}

RtConvLines
rt_conv_lines (const RtConvAttrs *a, const RtWindows *w, const RtProductLayout *l,
               uint32_t n_threads)
{
  RtConvLines t = { .n_panels = l->padded_rows / KN_PANEL_ROWS };
  const size_t wanted = rt_conv_int8_n_wanted (w, l, n_threads);

  t.n_wanted = wanted;
  /* A product reads up to 3 bytes behind the last window. An odd number of cache lines, so that the
   * lines do not fall on the same sets. */
  t.line_bytes = (((line_pixels (a, w) * w->in_c + 3 + 63) / 64) | 1) * 64;

  const size_t room = TILE_BYTES / t.line_bytes, least = lines_under (a, w, 1);
  t.tile_lines = room > least ? min_size ((room - least) / a->stride_h + 1, w->out_h) : 1;
  t.tiles_per_picture = divide_up (w->out_h, t.tile_lines);
  if (w->n * t.tiles_per_picture < wanted)
    t.tiles_per_picture = min_size (divide_up (wanted, w->n), w->out_h);
  t.tile_lines = divide_up (w->out_h, t.tiles_per_picture);
  t.tiles_per_picture = divide_up (w->out_h, t.tile_lines);
  t.n_tiles = w->n * t.tiles_per_picture;

  const size_t most = divide_up (t.n_panels, CHUNK_MIN_PANELS);
  t.n_panel_chunks = min_size (divide_up (wanted, t.n_tiles), most);
  t.chunk_panels = divide_up (t.n_panels, t.n_panel_chunks);
  t.n_panel_chunks = divide_up (t.n_panels, t.chunk_panels);
  t.scratch_bytes = lines_under (a, w, t.tile_lines) * t.line_bytes;
  return t;
}

/* Line @y of a picture at @x, which may lie outside of it, from column - pad_left on. */
static void
copy_line (const RtOpContext *context, const RtWindows *w, const uint8_t *x, int64_t y, uint8_t pad,
           uint8_t flip, uint8_t *to)
{
  const RtConvAttrs *a = &((const RtConvInt8Attrs *)context->attrs)->conv;
  const size_t n = line_pixels (a, w), n_left = min_size (a->pad_left, n);

  if (y < 0 || y >= (int64_t)w->in_h)
    {
      memset (to, pad ^ flip, n * w->in_c);
      return;
    }
  const size_t n_inside = min_size (n - n_left, w->in_w), n_right = n - n_left - n_inside;
  memset (to, pad ^ flip, n_left * w->in_c);
  context->kn->qconv.copy (to + n_left * w->in_c, x + (size_t)y * w->in_w * w->in_c,
                           n_inside * w->in_c, flip);
  memset (to + (n_left + n_inside) * w->in_c, pad ^ flip, n_right * w->in_c);
}

static void
copy_lines (const RtOpContext *context, const RtWindows *w, const RtConvLines *t, size_t picture,
            size_t first, size_t n, uint8_t *scratch)
{
  const RtConvAttrs *a = &((const RtConvInt8Attrs *)context->attrs)->conv;
  const RtTensor *x = &context->inputs[RT_CONV_X];
  const uint8_t *from = (const uint8_t *)x->data + picture * (w->in_h * w->in_w * w->in_c);
  const uint8_t pad = (uint8_t)rt_x_zero (x, &context->inputs[RT_CONV_INT8_X_ZERO]);
  const uint8_t flip = rt_product_flip (context->kn, x->type);
  const int64_t y0 = (int64_t)(first * a->stride_h) - a->pad_top;

  for (size_t i = 0; i < n; i++)
    copy_line (context, w, from, y0 + (int64_t)i, pad, flip, scratch + i * t->line_bytes);
}

void
rt_conv_lines_run (const RtOpContext *context, const RtWindows *w, const RtProductLayout *l,
                   const RtConvLines *t, size_t tile, size_t panel_chunk, uint8_t *scratch)
{
  const RtConvAttrs *a = &((const RtConvInt8Attrs *)context->attrs)->conv;
  const RtTensor *y = &context->outputs[0], *zero = &context->inputs[RT_CONV_INT8_X_ZERO];
  const size_t picture = tile / t->tiles_per_picture;
  const size_t first = tile % t->tiles_per_picture * t->tile_lines;
  const size_t n = min_size (t->tile_lines, w->out_h - first);
  const size_t panel = panel_chunk * t->chunk_panels, row = panel * KN_PANEL_ROWS;
  const size_t code_bytes = rt_type_bytes (y->type), y_stride = y->row_stride * code_bytes;
  const RtProductHead *head = context->prepared;
  KnQgemmArgs args = rt_product_args (l, context->prepared, 0, panel,
                                      min_size (t->chunk_panels, t->n_panels - panel),
                                      y->type == RT_TYPE_I32 ? NULL : &head->requant);

  copy_lines (context, w, t, picture, first, lines_under (a, w, n), scratch);
  args.segment_step = a->dilation_h * t->line_bytes;
  args.n_pixels = w->out_w;
  args.n_lines = n;
  args.x = scratch;
  args.x_stride = a->stride_w * w->in_c;
  args.x_line_step = a->stride_h * t->line_bytes;
  args.y
      = (uint8_t *)y->data + (picture * w->out_h + first) * w->out_w * y_stride + row * code_bytes;
  args.y_stride = y_stride;
  args.y_line_step = w->out_w * y_stride;
  context->kn->qconv.gemm (&args);

  if (zero->data != NULL)
    rt_product_move_zero (args.y, y_stride, n * w->out_w, args.n_rows,
                          rt_code_get (zero->data, zero->type, 0),
                          rt_product_sums (l, context->prepared, 0) + row);
}
