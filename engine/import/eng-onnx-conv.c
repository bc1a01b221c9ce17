/* ONNX convolutions and pools. Emit functions of the table in eng-onnx-list.c. ONNX has channels
 * first; nodes keep that (channels_first), the layout pass decides; weights are put in the
 * runtime's order here, where they are constants. */
#include "eng-onnx-ops.h"
#include "eng-onnx-window.h"

#include "ops/rt-ops-conv.h"
#include "ops/rt-ops-int8.h"

#include <math.h>
#include <string.h>

/* ---- windows ---- */

static gboolean
read_list (EngOnnxNode *node, const char *name, guint n, gint64 minimum, gint64 *out)
{
  gint64 values[4];
  guint found = eng_onnx_ints (node, name, values, 4);

  if (!eng_onnx_ok (node))
    return FALSE;
  if (found == 0)
    return TRUE;
  if (found != n)
    return eng_onnx_refuse (node, "attribute '%s' has %u numbers, expected %u", name, found, n);
  for (guint i = 0; i < n; i++)
    {
      if (values[i] < minimum || values[i] > G_MAXINT16)
        return eng_onnx_refuse (node, "attribute '%s' has %" G_GINT64_FORMAT, name, values[i]);
      out[i] = values[i];
    }
  return TRUE;
}

/* As many outputs as the stride allows: padding is what that takes. */
static void
pad_same (EngOnnxWindow *w, gboolean upper)
{
  for (guint i = 0; i < w->n; i++)
    {
      gint64 n_out = (w->size[i] + w->stride[i] - 1) / w->stride[i];
      gint64 reach = (n_out - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation[i] + 1;
      gint64 total = MAX (reach - w->size[i], 0);
      w->before[i] = upper ? total / 2 : total - total / 2;
      w->after[i] = total - w->before[i];
    }
}

gboolean
eng_onnx_window (EngOnnxNode *node, RtValueId x, const gint64 *kernel, EngOnnxWindow *w)
{
  const RtShape *shape = eng_onnx_shape (node, x);
  const char *auto_pad = eng_onnx_string (node, "auto_pad", "NOTSET");
  gint64 pads[4] = { 0 };

  *w = (EngOnnxWindow){ .stride = { 1, 1 }, .dilation = { 1, 1 } };
  if (shape->n_dims != 3 && shape->n_dims != 4)
    return eng_onnx_refuse (node, "%d dimensions of space; 1 and 2 are supported",
                            (int)shape->n_dims - 2);
  w->n = shape->n_dims - 2;
  for (guint i = 0; i < w->n; i++)
    {
      w->size[i] = shape->dims[2 + i];
      w->kernel[i] = kernel != NULL ? kernel[i] : 0;
    }
  if (!read_list (node, "kernel_shape", w->n, 1, w->kernel)
      || !read_list (node, "strides", w->n, 1, w->stride)
      || !read_list (node, "dilations", w->n, 1, w->dilation)
      || !read_list (node, "pads", 2 * w->n, 0, pads))
    return FALSE;
  for (guint i = 0; i < w->n; i++)
    {
      if (w->kernel[i] < 1 || (kernel != NULL && w->kernel[i] != kernel[i]))
        return eng_onnx_refuse (node, "the window is %" G_GINT64_FORMAT " wide in dimension %u",
                                w->kernel[i], i);
      w->before[i] = pads[i];
      w->after[i] = pads[w->n + i];
    }
  if (strcmp (auto_pad, "SAME_UPPER") == 0 || strcmp (auto_pad, "SAME_LOWER") == 0)
    pad_same (w, auto_pad[5] == 'U');
  else if (strcmp (auto_pad, "VALID") == 0)
    for (guint i = 0; i < w->n; i++)
      w->before[i] = w->after[i] = 0;
  else if (strcmp (auto_pad, "NOTSET") != 0 && auto_pad[0] != '\0')
    return eng_onnx_refuse (node, "attribute 'auto_pad' is '%s'", auto_pad);
  return eng_onnx_ok (node);
}

void
eng_onnx_window_conv (const EngOnnxWindow *w, gint64 groups, RtConvAttrs *attrs)
{
  guint last = w->n - 1;

  *attrs = (RtConvAttrs){
    .stride_h = w->n > 1 ? (guint32)w->stride[0] : 1,
    .stride_w = (guint32)w->stride[last],
    .dilation_h = w->n > 1 ? (guint32)w->dilation[0] : 1,
    .dilation_w = (guint32)w->dilation[last],
    .pad_top = w->n > 1 ? (guint32)w->before[0] : 0,
    .pad_left = (guint32)w->before[last],
    .pad_bottom = w->n > 1 ? (guint32)w->after[0] : 0,
    .pad_right = (guint32)w->after[last],
    .groups = (guint32)groups,
    .min = -INFINITY,
    .max = INFINITY,
    .channels_first = 1,
  };
}

/* ---- weights ---- */

RtValueId
eng_onnx_with_rows (EngOnnxNode *node, RtValueId weight)
{
  RtShape shape = *eng_onnx_shape (node, weight);

  if (shape.n_dims == 3)
    {
      shape.n_dims = 4;
      shape.dims[3] = shape.dims[2];
      shape.dims[2] = 1;
    }
  return eng_onnx_reshape (node, weight, &shape);
}

RtValueId
eng_onnx_conv_weight (EngOnnxNode *node, RtValueId weight, gboolean depthwise)
{
  static const guint last[2][4] = { { 0, 2, 1 }, { 0, 2, 3, 1 } };
  static const guint first[2][4] = { { 2, 0, 1 }, { 2, 3, 0, 1 } };
  guint rank = eng_onnx_shape (node, weight)->n_dims;
  guint flat = rank > 3;
  RtValueId id = eng_onnx_permute (node, weight, depthwise ? first[flat] : last[flat], rank);

  if (!depthwise || !eng_onnx_ok (node))
    return id;
  RtShape shape = *eng_onnx_shape (node, id);
  shape.n_dims--;
  return eng_onnx_reshape (node, id, &shape);
}

/* Whether the weights are known and fit; their window to @kernel. */
static gboolean
check_weight (EngOnnxNode *node, guint input, gint64 *kernel)
{
  RtValueId x = eng_onnx_in (node, 0);
  EngOnnxTensor weight;

  if (!eng_onnx_const (node, input, &weight))
    return FALSE;
  const RtShape *shape = eng_onnx_shape (node, x);
  if (weight.shape.n_dims != shape->n_dims || shape->n_dims < 3)
    return eng_onnx_refuse (node, "weights of %u dimensions for an input of %u",
                            weight.shape.n_dims, shape->n_dims);
  for (guint i = 0; i < 2 && 2 + i < weight.shape.n_dims; i++)
    kernel[i] = weight.shape.dims[2 + i];
  return TRUE;
}

gboolean
eng_onnx_emit_conv (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0), w = eng_onnx_in (node, 1);
  gint64 groups = eng_onnx_int (node, "group", 1), kernel[2] = { 0 };
  EngOnnxWindow window;
  RtConvAttrs attrs;

  if (!check_weight (node, 1, kernel) || !eng_onnx_window (node, x, kernel, &window))
    return FALSE;
  gint64 n_in = eng_onnx_shape (node, x)->dims[1], per_group = eng_onnx_shape (node, w)->dims[1];
  gint64 n_out = eng_onnx_shape (node, w)->dims[0];
  if (groups < 1 || per_group < 1 || n_in != groups * per_group || n_out % groups != 0)
    return eng_onnx_refuse (node,
                            "%" G_GINT64_FORMAT " channels, weights for %" G_GINT64_FORMAT
                            " in each of %" G_GINT64_FORMAT " groups",
                            n_in, per_group, groups);
  gboolean depthwise = groups > 1 && per_group == 1;
  eng_onnx_window_conv (&window, depthwise ? 0 : groups, &attrs);
  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, depthwise ? &rt_op_depthwise : &rt_op_conv, &attrs, x,
                                     eng_onnx_conv_weight (node, w, depthwise),
                                     eng_onnx_in (node, 2)));
}

/* ---- the transposed one ---- */

/* [I, O / groups, KH, KW] as [O, KH, KW, I / groups]; without KH for a sequence. */
static RtValueId
transposed_weight (EngOnnxNode *node, RtValueId weight, gint64 groups)
{
  static const guint perm[2][5] = { { 0, 2, 3, 1 }, { 0, 2, 3, 4, 1 } };
  RtShape s = *eng_onnx_shape (node, weight);
  gboolean flat = s.n_dims == 3;
  RtShape split = { 5, { groups, s.dims[0] / groups, s.dims[1], s.dims[2], s.dims[3] } };
  RtShape joined = { 4, { groups * s.dims[1], s.dims[2], s.dims[3], s.dims[0] / groups } };

  if (flat)
    {
      split.n_dims = 4;
      joined = (RtShape){ 3, { groups * s.dims[1], s.dims[2], s.dims[0] / groups } };
    }
  RtValueId id = eng_onnx_reshape (node, weight, &split);
  id = eng_onnx_permute (node, id, perm[!flat], split.n_dims);
  return eng_onnx_reshape (node, id, &joined);
}

/* Padding that gives the size asked for; what is missing then is output padding. */
static void
pad_to_size (EngOnnxWindow *w, const gint64 *wanted, gint64 *output_pad, gboolean upper)
{
  for (guint i = 0; i < w->n; i++)
    {
      gint64 total = w->stride[i] * (w->size[i] - 1) + output_pad[i]
                     + (w->kernel[i] - 1) * w->dilation[i] + 1 - wanted[i];
      if (total < 0)
        {
          output_pad[i] -= total;
          total = 0;
        }
      w->before[i] = upper ? total / 2 : total - total / 2;
      w->after[i] = total - w->before[i];
    }
}

gboolean
eng_onnx_emit_conv_transpose (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0), w = eng_onnx_in (node, 1);
  gint64 groups = eng_onnx_int (node, "group", 1), kernel[2] = { 0 };
  gint64 output_pad[2] = { 0 }, wanted[2];
  const char *auto_pad = eng_onnx_string (node, "auto_pad", "NOTSET");
  gboolean same = g_str_has_prefix (auto_pad, "SAME");
  EngOnnxWindow window;
  RtConvTransposeAttrs attrs = { 0 };

  if (!check_weight (node, 1, kernel) || !eng_onnx_window (node, x, kernel, &window)
      || !read_list (node, "output_padding", window.n, 0, output_pad))
    return FALSE;
  if (groups < 1 || eng_onnx_shape (node, w)->dims[0] % groups != 0
      || eng_onnx_shape (node, x)->dims[1] != eng_onnx_shape (node, w)->dims[0])
    return eng_onnx_refuse (node,
                            "%" G_GINT64_FORMAT " channels, weights for %" G_GINT64_FORMAT
                            " in %" G_GINT64_FORMAT " groups",
                            eng_onnx_shape (node, x)->dims[1], eng_onnx_shape (node, w)->dims[0],
                            groups);
  for (guint i = 0; i < window.n; i++)
    wanted[i] = window.size[i] * window.stride[i];
  if (!read_list (node, "output_shape", window.n, 1, wanted))
    return FALSE;
  if (same || eng_onnx_has (node, "output_shape"))
    pad_to_size (&window, wanted, output_pad, strcmp (auto_pad, "SAME_UPPER") == 0);

  eng_onnx_window_conv (&window, groups, &attrs.conv);
  attrs.output_pad_h = window.n > 1 ? (guint32)output_pad[0] : 0;
  attrs.output_pad_w = (guint32)output_pad[window.n - 1];
  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_conv_transpose, &attrs, x,
                                     transposed_weight (node, w, groups), eng_onnx_in (node, 2)));
}

/* ---- pools ---- */

void
eng_onnx_window_pool (EngOnnxNode *node, const EngOnnxWindow *w, RtPoolAttrs *attrs)
{
  guint last = w->n - 1;

  *attrs = (RtPoolAttrs){
    .kernel_h = w->n > 1 ? (guint32)w->kernel[0] : 1,
    .kernel_w = (guint32)w->kernel[last],
    .stride_h = w->n > 1 ? (guint32)w->stride[0] : 1,
    .stride_w = (guint32)w->stride[last],
    .dilation_h = w->n > 1 ? (guint32)w->dilation[0] : 1,
    .dilation_w = (guint32)w->dilation[last],
    .pad_top = w->n > 1 ? (guint32)w->before[0] : 0,
    .pad_left = (guint32)w->before[last],
    .pad_bottom = w->n > 1 ? (guint32)w->after[0] : 0,
    .pad_right = (guint32)w->after[last],
    .ceil = eng_onnx_int (node, "ceil_mode", 0) != 0,
    .count_padding = eng_onnx_int (node, "count_include_pad", 0) != 0,
    .min = -INFINITY,
    .max = INFINITY,
    .channels_first = 1,
  };
}

static const RtOp *
pool_op (EngOnnxNode *node, RtValueId x)
{
  int type = eng_onnx_value (node, x)->type;

  return node->op->data                             ? &rt_op_average_pool
         : type == RT_TYPE_I8 || type == RT_TYPE_U8 ? &rt_op_max_pool_int8
                                                    : &rt_op_max_pool;
}

/* data: 1 for the mean. */
gboolean
eng_onnx_emit_pool (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  RtPoolAttrs attrs;
  EngOnnxWindow w;

  if (!eng_onnx_window (node, x, NULL, &w))
    return FALSE;
  eng_onnx_window_pool (node, &w, &attrs);
  return eng_onnx_out (node, 0, ENG_ONNX_ADD (node, pool_op (node, x), &attrs, x));
}

gboolean
eng_onnx_emit_global_pool (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  RtPoolAttrs attrs = { .stride_h = 1,
                        .stride_w = 1,
                        .dilation_h = 1,
                        .dilation_w = 1,
                        .min = -INFINITY,
                        .max = INFINITY,
                        .channels_first = 1 };

  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, node->op->data ? &rt_op_average_pool : &rt_op_max_pool,
                                     &attrs, x));
}
