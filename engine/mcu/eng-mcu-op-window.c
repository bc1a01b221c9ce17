/* Windows over pictures: convolutions and pooling. Attributes and shapes of the runtime's operators
 * become the structs of mc.h; the zero point of x goes into the biases here. */
#include "eng-mcu-private.h"

#include <math.h>
#include <string.h>

#include "ops/rt-int8.h"
#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"

enum
{
  X,
  WEIGHT,
  BIAS,
};

/* ---- windows ---- */

static void
fill_pictures (const EngMcuNode *node, McWindow *w)
{
  const RtValue *x = eng_mcu_input (node, X), *y = eng_mcu_output (node);
  const McPart in = eng_mcu_whole (x), out = eng_mcu_whole (y);

  w->in_h = in.h;
  w->in_w = in.w;
  w->in_c = (int32_t)x->shape.dims[x->shape.n_dims - 1];
  w->out_h = out.h;
  w->out_w = out.w;
  w->out_c = (int32_t)y->shape.dims[y->shape.n_dims - 1];
  w->x_pixel_bytes = w->in_c;
  w->x_row_bytes = w->in_w * w->in_c;
  w->y_pixel_bytes = w->out_c;
  w->y_row_bytes = w->out_w * w->out_c;
}

static void
conv_window (const EngMcuNode *node, McWindow *w)
{
  const RtConvAttrs *a = node->node->attrs;
  const RtShape *weight = &eng_mcu_input (node, WEIGHT)->shape;
  const guint first = node->node->op == &rt_op_depthwise_int8 ? 0 : 1;

  *w = (McWindow){ .kernel_h = (int32_t)weight->dims[first],
                   .kernel_w = (int32_t)weight->dims[first + 1],
                   .stride_h = (int32_t)a->stride_h,
                   .stride_w = (int32_t)a->stride_w,
                   .dilation_h = (int32_t)a->dilation_h,
                   .dilation_w = (int32_t)a->dilation_w,
                   .pad_top = (int32_t)a->pad_top,
                   .pad_left = (int32_t)a->pad_left };
  fill_pictures (node, w);
}

static void
pool_window (const EngMcuNode *node, McWindow *w)
{
  const RtPoolAttrs *a = node->node->attrs;

  *w = (McWindow){ .kernel_h = (int32_t)a->kernel_h,
                   .kernel_w = (int32_t)a->kernel_w,
                   .stride_h = (int32_t)a->stride_h,
                   .stride_w = (int32_t)a->stride_w,
                   .dilation_h = (int32_t)a->dilation_h,
                   .dilation_w = (int32_t)a->dilation_w,
                   .pad_top = (int32_t)a->pad_top,
                   .pad_left = (int32_t)a->pad_left };
  fill_pictures (node, w);
  /* A kernel of 0 is the whole picture. */
  if (a->kernel_h == 0)
    {
      w->kernel_h = w->in_h;
      w->stride_h = w->dilation_h = 1;
      w->pad_top = 0;
    }
  if (a->kernel_w == 0)
    {
      w->kernel_w = w->in_w;
      w->stride_w = w->dilation_w = 1;
      w->pad_left = 0;
    }
}

/* The window of @call: the node's, or that of a patch. *@y_offset: where its first output goes. */
static McWindow
call_window (const EngMcuNode *node, const EngMcuCall *call, guint64 *y_offset)
{
  McWindow whole, w;

  eng_mcu_op_find (node->node->op)->window (node, &whole);
  *y_offset = call->y_offset;
  if (call->out == NULL)
    return whole;
  w = mc_window_patch (&whole, call->in[X], *call->out);
  if (call->into_whole)
    {
      w.y_row_bytes = whole.y_row_bytes;
      w.y_pixel_bytes = whole.y_pixel_bytes;
      *y_offset += (guint64)call->out->y * (guint64)whole.y_row_bytes
                   + (guint64)call->out->x * (guint64)whole.y_pixel_bytes;
    }
  return w;
}

/* ---- what can be done ---- */

static gboolean
is_picture (const RtValue *value)
{
  const RtShape *shape = &value->shape;

  return (shape->n_dims == 3 || shape->n_dims == 4) && shape->dims[0] == 1;
}

static char *
refuse_window (const EngMcuNode *node)
{
  char text[128];

  if (!is_picture (eng_mcu_input (node, X)))
    return g_strdup_printf ("it reads %s, the kernels take one picture at a time",
                            rt_shape_text (&eng_mcu_input (node, X)->shape, text, sizeof text));
  return NULL;
}

static char *
refuse_sums (const EngMcuNode *node)
{
  if (eng_mcu_output (node)->type == RT_TYPE_I32)
    return g_strdup ("it gives 32-bit sums, the kernels give 8-bit codes");
  return NULL;
}

static char *
refuse_conv (const EngMcuNode *node)
{
  const RtConvAttrs *a = node->node->attrs;
  char *why = refuse_window (node);

  if (why == NULL && a->channels_first)
    why = g_strdup ("its channels come first");
  return why != NULL ? why : refuse_sums (node);
}

static char *
refuse_pool (const EngMcuNode *node)
{
  const RtPoolAttrs *a = node->node->attrs;

  if (a->channels_first)
    return g_strdup ("its channels come first");
  return refuse_window (node);
}

/* ---- constants ---- */

static guint64
conv_macs (const EngMcuNode *node, const McWindow *window)
{
  const RtConvAttrs *a = node->node->attrs;
  McWindow own;

  if (window == NULL)
    {
      conv_window (node, &own);
      window = &own;
    }
  const guint64 each = node->node->op == &rt_op_depthwise_int8
                           ? 1
                           : (guint64)window->in_c / (guint64)MAX (a->groups, 1u);
  return (guint64)window->out_h * (guint64)window->out_w * (guint64)window->out_c
         * (guint64)window->kernel_h * (guint64)window->kernel_w * each;
}

/* One code of the weights as int8. */
static gint8
weight_code (const RtValue *w, gsize i)
{
  return (gint8)(w->type == RT_TYPE_U8 ? ((const guint8 *)w->data)[i] ^ 0x80
                                       : ((const guint8 *)w->data)[i]);
}

/* The zero point of the weights of channel @r, in codes of weight_code(). */
static gint32
weight_zero (const RtValue *w, gsize r)
{
  return rt_quant_zero (w->quant, r) - (w->type == RT_TYPE_U8 ? 128 : 0);
}

/* Whether some weights have one. */
static gboolean
has_weight_zeros (const EngMcuNode *node)
{
  const RtValue *w = eng_mcu_input (node, WEIGHT);
  const guint out_axis = node->node->op == &rt_op_depthwise_int8 ? 2 : 0;

  for (int64_t r = 0; r < w->shape.dims[out_axis]; r++)
    if (weight_zero (w, (gsize)r) != 0)
      return TRUE;
  return FALSE;
}

/* The member of a struct, or nothing. */
static char *
weight_zeros_text (const EngMcuNode *node)
{
  return has_weight_zeros (node) ? g_strdup_printf ("  .w_zero = w_zero_%u,\n", node->id)
                                 : g_strdup ("");
}

/* The constants of @n_out channels with @n_taps weights each, weight (r, t) being @r_step * r +
 * @t_step * t. */
static void
write_products (EngMcuSource *source, const EngMcuNode *node, gsize n_out, gsize n_taps,
                gsize r_step, gsize t_step)
{
  const RtValue *x = eng_mcu_input (node, X), *w = eng_mcu_input (node, WEIGHT);
  const RtValue *b = eng_mcu_input (node, BIAS), *y = eng_mcu_output (node);
  g_autofree gint32 *bias = g_new (gint32, n_out);
  g_autofree gint32 *w_zero = g_new (gint32, n_out);
  g_autofree float *scale = g_new (float, n_out);
  const float sx = eng_mcu_scale (x), sy = eng_mcu_scale (y);

  for (gsize r = 0; r < n_out; r++)
    {
      guint32 sum = 0;

      w_zero[r] = weight_zero (w, r);
      for (gsize t = 0; t < n_taps; t++)
        sum += (guint32)(weight_code (w, r * r_step + t * t_step) - w_zero[r]);
      bias[r] = (gint32)((guint32)(b != NULL ? rt_load_i32 (b->data, r) : 0)
                         - (guint32)eng_mcu_zero (x) * sum);
      scale[r] = sx * rt_quant_scale (w->quant, r) / sy;
    }
  eng_mcu_source_i32 (source, "bias", node->id, bias, n_out, b != NULL ? b->name : NULL);
  eng_mcu_source_f32 (source, "scale", node->id, scale, n_out, NULL);
  if (has_weight_zeros (node))
    eng_mcu_source_i32 (source, "w_zero", node->id, w_zero, n_out, NULL);
}

/* Rows of [n_out] weights as int8. */
static void
write_rows (EngMcuSource *source, const EngMcuNode *node, gsize n_rows, gsize n_cols,
            gsize row_bytes)
{
  const RtValue *w = eng_mcu_input (node, WEIGHT);
  g_autofree gint8 *codes = g_new (gint8, n_rows * n_cols);

  for (gsize i = 0; i < n_rows * n_cols; i++)
    codes[i] = weight_code (w, i);
  eng_mcu_source_i8 (source, "weights", node->id, codes, n_rows, n_cols, row_bytes, w->name);
}

static void
conv_constants (EngMcuSource *source, const EngMcuNode *node)
{
  const RtShape *w = &eng_mcu_input (node, WEIGHT)->shape;
  const gsize n_out = (gsize)w->dims[0], n_taps = (gsize)(rt_shape_n (w) / n_out);

  write_rows (source, node, n_out, n_taps, MC_ROW_BYTES (n_taps));
  write_products (source, node, n_out, n_taps, n_taps, 1);
}

static void
dw_constants (EngMcuSource *source, const EngMcuNode *node)
{
  const RtShape *w = &eng_mcu_input (node, WEIGHT)->shape;
  const gsize n_out = (gsize)w->dims[2], n_taps = (gsize)(w->dims[0] * w->dims[1]);

  write_rows (source, node, n_taps, n_out, n_out);
  write_products (source, node, n_out, n_taps, 1, n_out);
}

static guint64
conv_constant_bytes (const EngMcuNode *node)
{
  const RtShape *w = &eng_mcu_input (node, WEIGHT)->shape;
  const guint64 n_out = (guint64)w->dims[0];

  return n_out
         * (MC_ROW_BYTES (rt_shape_n (w) / n_out) + sizeof (gint32) + sizeof (float)
            + (has_weight_zeros (node) ? sizeof (gint32) : 0));
}

static guint64
dw_constant_bytes (const EngMcuNode *node)
{
  const RtShape *w = &eng_mcu_input (node, WEIGHT)->shape;

  return rt_shape_n (w)
         + (guint64)w->dims[2]
               * (sizeof (gint32) + sizeof (float)
                  + (has_weight_zeros (node) ? sizeof (gint32) : 0));
}

/* ---- structs ---- */

static McConv
conv_struct (const EngMcuNode *node, const McWindow *window)
{
  const RtConvInt8Attrs *a = node->node->attrs;

  return (McConv){ .window = *window,
                   .groups = (int32_t)MAX (a->conv.groups, 1u),
                   .x_zero = eng_mcu_zero (eng_mcu_input (node, X)),
                   .requant = eng_mcu_requant (eng_mcu_output (node), a->conv.min, a->conv.max) };
}

static guint64
conv_scratch (const EngMcuNode *node, const McWindow *window)
{
  McWindow own;

  conv_window (node, &own);
  const McConv conv = conv_struct (node, window != NULL ? window : &own);
  return mc_conv_scratch_bytes (&conv, node->isa);
}

static guint64
dw_scratch (const EngMcuNode *node, const McWindow *window)
{
  McWindow own;

  conv_window (node, &own);
  const McConv conv = conv_struct (node, window != NULL ? window : &own);
  const McDepthwise depthwise
      = { .window = conv.window, .x_zero = conv.x_zero, .requant = conv.requant };
  return mc_depthwise_scratch_bytes (&depthwise, node->isa);
}

static char *
scratch_text (const EngMcuCall *call)
{
  return call->scratch_offset == G_MAXUINT64 ? g_strdup ("NULL")
                                             : eng_mcu_at (call->scratch_offset);
}

static void
conv_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const gboolean is_depthwise = node->node->op == &rt_op_depthwise_int8;
  guint64 y_offset;
  const McWindow window = call_window (node, call, &y_offset);
  const McConv conv = conv_struct (node, &window);
  g_autofree char *w = eng_mcu_window_text (&window), *r = eng_mcu_requant_text (&conv.requant);
  g_autofree char *zeros = weight_zeros_text (node);
  g_autofree char *groups = g_strdup_printf ("  .groups = %d,\n", conv.groups);
  g_autofree char *text = g_strdup_printf ("  .window = %s,\n"
                                           "%s"
                                           "  .weights = weights_%u,\n"
                                           "  .bias = bias_%u,\n"
                                           "  .scale = scale_%u,\n"
                                           "  .x_zero = %d,\n"
                                           "  .requant = %s,\n"
                                           "%s",
                                           w, is_depthwise ? "" : groups, node->id, node->id,
                                           node->id, conv.x_zero, r, zeros);
  const char *name = eng_mcu_source_struct (source, is_depthwise ? "McDepthwise" : "McConv",
                                            is_depthwise ? "depthwise" : "conv", node->id, text);
  g_autofree char *x = eng_mcu_at (call->x_offset[X]), *y = eng_mcu_at (y_offset);
  g_autofree char *scratch = scratch_text (call);

  eng_mcu_source_line (source, "%s (&%s, %s, %s, %s);", is_depthwise ? "mc_depthwise" : "mc_conv",
                       name, x, y, scratch);
}

static void
pool_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const RtPoolAttrs *a = node->node->attrs;
  const RtValue *in = eng_mcu_input (node, X), *out = eng_mcu_output (node);
  const gboolean is_max = node->node->op == &rt_op_max_pool_int8;
  const McRequant requant = eng_mcu_requant (out, a->min, a->max);
  guint64 y_offset;
  const McWindow window = call_window (node, call, &y_offset);
  const gboolean same
      = eng_mcu_scale (in) == eng_mcu_scale (out) && eng_mcu_zero (in) == eng_mcu_zero (out);
  g_autofree char *w = eng_mcu_window_text (&window), *r = eng_mcu_requant_text (&requant);
  g_autofree char *ratio = eng_mcu_f32 (eng_mcu_scale (in) / eng_mcu_scale (out));
  g_autofree char *text
      = g_strdup_printf ("  .window = %s,\n"
                         "  .pad_bottom = %u,\n"
                         "  .pad_right = %u,\n"
                         "  .count_padding = %s,\n"
                         "  .same_quant = %s,\n"
                         "  .ratio = %s,\n"
                         "  .x_zero = %d,\n"
                         "  .requant = %s,\n"
                         "  .code_shift = %d,\n",
                         w, a->pad_bottom, a->pad_right, a->count_padding ? "true" : "false",
                         same ? "true" : "false", ratio, eng_mcu_zero (in), r,
                         in->type == RT_TYPE_U8 ? 128 : 0);
  const char *name = eng_mcu_source_struct (source, "McPool", "pool", node->id, text);
  g_autofree char *x = eng_mcu_at (call->x_offset[X]), *y = eng_mcu_at (y_offset);

  eng_mcu_source_line (source, "%s (&%s, %s, %s);", is_max ? "mc_max_pool" : "mc_average_pool",
                       name, x, y);
}

const EngMcuOp eng_mcu_op_conv = {
  .op = &rt_op_conv_int8,
  .is_window = TRUE,
  .refuse = refuse_conv,
  .window = conv_window,
  .scratch = conv_scratch,
  .macs = conv_macs,
  .constants = conv_constants,
  .constant_bytes = conv_constant_bytes,
  .call = conv_call,
};

const EngMcuOp eng_mcu_op_depthwise = {
  .op = &rt_op_depthwise_int8,
  .is_window = TRUE,
  .refuse = refuse_conv,
  .window = conv_window,
  .scratch = dw_scratch,
  .macs = conv_macs,
  .constants = dw_constants,
  .constant_bytes = dw_constant_bytes,
  .call = conv_call,
};

const EngMcuOp eng_mcu_op_max_pool = {
  .op = &rt_op_max_pool_int8,
  .is_window = TRUE,
  .refuse = refuse_pool,
  .window = pool_window,
  .call = pool_call,
};

const EngMcuOp eng_mcu_op_average_pool = {
  .op = &rt_op_average_pool_int8,
  .is_window = TRUE,
  .refuse = refuse_pool,
  .window = pool_window,
  .call = pool_call,
};

/* ---- fully connected: a window of one pixel ---- */

static char *
refuse_fc (const EngMcuNode *node)
{
  return refuse_sums (node);
}

static guint64
fc_macs (const EngMcuNode *node, const McWindow *window)
{
  const RtShape *x = &eng_mcu_input (node, X)->shape, *w = &eng_mcu_input (node, WEIGHT)->shape;

  return rt_shape_n (x) / (guint64)w->dims[1] * rt_shape_n (w);
}

static void
fc_call (EngMcuSource *source, const EngMcuNode *node, const EngMcuCall *call)
{
  const RtFullyConnectedInt8Attrs *a = node->node->attrs;
  const RtShape *x = &eng_mcu_input (node, X)->shape, *w = &eng_mcu_input (node, WEIGHT)->shape;
  const McRequant requant = eng_mcu_requant (eng_mcu_output (node), a->min, a->max);
  g_autofree char *r = eng_mcu_requant_text (&requant), *zeros = weight_zeros_text (node);
  g_autofree char *text
      = g_strdup_printf ("  .n_rows = %d,\n"
                         "  .n_cols = %d,\n"
                         "  .n_out = %d,\n"
                         "  .weights = weights_%u,\n"
                         "  .bias = bias_%u,\n"
                         "  .scale = scale_%u,\n"
                         "  .requant = %s,\n"
                         "%s",
                         (int)(rt_shape_n (x) / (guint64)w->dims[1]), (int)w->dims[1],
                         (int)w->dims[0], node->id, node->id, node->id, r, zeros);
  const char *name = eng_mcu_source_struct (source, "McFullyConnected", "fc", node->id, text);
  g_autofree char *from = eng_mcu_at (call->x_offset[X]), *to = eng_mcu_at (call->y_offset);

  eng_mcu_source_line (source, "mc_fully_connected (&%s, %s, %s);", name, from, to);
}

const EngMcuOp eng_mcu_op_fully_connected = {
  .op = &rt_op_fully_connected_int8,
  .refuse = refuse_fc,
  .macs = fc_macs,
  .constants = conv_constants,
  .constant_bytes = conv_constant_bytes,
  .call = fc_call,
};
