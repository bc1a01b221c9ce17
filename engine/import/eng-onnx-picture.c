/* ONNX operators on pictures, feature maps and boxes that are no convolutions. Emit functions of
 * the table in eng-onnx-list.c. */
#include "eng-onnx-ops.h"

#include "ops/rt-ops-move.h"

#include <math.h>
#include <string.h>

/* Place of @text in @names; refuses what is not there. */
static guint
choose (EngOnnxNode *node, const char *attribute, const char *text, const char *const *names,
        guint n)
{
  for (guint i = 0; i < n; i++)
    if (strcmp (text, names[i]) == 0)
      return i;
  eng_onnx_refuse (node, "attribute '%s' is '%s'", attribute, text);
  return 0;
}

/* ---- resize ---- */

static void
read_modes (EngOnnxNode *node, RtResizeAttrs *attrs)
{
  static const char *const modes[] = { "nearest", "linear", "cubic" };
  static const char *const coordinates[]
      = { "half_pixel",         "asymmetric",           "align_corners",       "pytorch_half_pixel",
          "tf_crop_and_resize", "tf_half_pixel_for_nn", "half_pixel_symmetric" };
  static const char *const roundings[]
      = { "round_prefer_floor", "round_prefer_ceil", "floor", "ceil" };
  /* Upsample, and Resize before opset 11, had no choice. */
  gboolean old = node->opset < 11 || strcmp (node->op->name, "Upsample") == 0;

  attrs->mode = choose (node, "mode", eng_onnx_string (node, "mode", "nearest"), modes,
                        G_N_ELEMENTS (modes));
  attrs->coordinates
      = old ? RT_COORDINATES_ASYMMETRIC
            : choose (node, "coordinate_transformation_mode",
                      eng_onnx_string (node, "coordinate_transformation_mode", "half_pixel"),
                      coordinates, G_N_ELEMENTS (coordinates));
  attrs->rounding = old ? RT_ROUND_FLOOR
                        : choose (node, "nearest_mode",
                                  eng_onnx_string (node, "nearest_mode", "round_prefer_floor"),
                                  roundings, G_N_ELEMENTS (roundings));
  attrs->cubic_a = eng_onnx_float (node, "cubic_coeff_a", -0.75f);
  attrs->exclude_outside = eng_onnx_int (node, "exclude_outside", 0) != 0;
  attrs->extrapolation = eng_onnx_float (node, "extrapolation_value", 0);
  if (eng_onnx_int (node, "antialias", 0) != 0)
    eng_onnx_refuse (node, "attribute 'antialias' is not supported");
  if (strcmp (eng_onnx_string (node, "keep_aspect_ratio_policy", "stretch"), "stretch") != 0)
    eng_onnx_refuse (node, "attribute 'keep_aspect_ratio_policy' is not supported");
}

/* Dimensions that sizes and scales are about; opset 18 may name some. */
static guint
read_resize_axes (EngOnnxNode *node, guint rank, guint *axes)
{
  gint64 named[RT_MAX_DIMS];
  guint n = eng_onnx_ints (node, "axes", named, RT_MAX_DIMS);

  for (guint i = 0; i < (n > 0 ? n : rank); i++)
    axes[i] = n > 0 ? eng_onnx_axis (node, named[i], rank) : i;
  return n > 0 ? n : rank;
}

static gboolean
apply_scales (EngOnnxNode *node, RtResizeAttrs *attrs, const float *scales, guint n,
              const guint *axes, guint n_axes)
{
  if (!eng_onnx_ok (node))
    return FALSE;
  if (n != n_axes)
    return eng_onnx_refuse (node, "%u scales for %u dimensions", n, n_axes);
  for (guint i = 0; i < n; i++)
    {
      double size = floor ((double)attrs->shape.dims[axes[i]] * (double)scales[i]);
      if (!(scales[i] > 0) || !(size >= 0 && size < 1 << 28))
        return eng_onnx_refuse (node, "dimension %u is scaled by %g", axes[i], (double)scales[i]);
      attrs->shape.dims[axes[i]] = (gint64)size;
      attrs->scales[axes[i]] = scales[i];
    }
  return TRUE;
}

static gboolean
apply_sizes (EngOnnxNode *node, RtResizeAttrs *attrs, guint input, const guint *axes, guint n_axes)
{
  gint64 sizes[RT_MAX_DIMS];
  guint n = eng_onnx_const_ints (node, input, sizes, RT_MAX_DIMS);

  if (!eng_onnx_ok (node))
    return FALSE;
  if (n != n_axes)
    return eng_onnx_refuse (node, "%u sizes for %u dimensions", n, n_axes);
  for (guint i = 0; i < n; i++)
    if (sizes[i] < 0 || sizes[i] > 1 << 28)
      return eng_onnx_refuse (node, "dimension %u gets size %" G_GINT64_FORMAT, axes[i], sizes[i]);
    else
      attrs->shape.dims[axes[i]] = sizes[i];
  return TRUE;
}

static gboolean
is_empty (const EngOnnxNode *node, guint input)
{
  RtValueId id = eng_onnx_in (node, input);

  return id == RT_NONE || rt_shape_n (eng_onnx_shape (node, id)) == 0;
}

gboolean
eng_onnx_emit_resize (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  RtResizeAttrs attrs = { .shape = *eng_onnx_shape (node, x) };
  guint rank = attrs.shape.n_dims, axes[RT_MAX_DIMS];
  guint n_axes = read_resize_axes (node, rank, axes);
  gboolean old = node->opset < 11 || strcmp (node->op->name, "Upsample") == 0;
  float scales[RT_MAX_DIMS], roi[2 * RT_MAX_DIMS];
  guint n = 0;
  gboolean ok;

  read_modes (node, &attrs);
  if (attrs.coordinates == RT_COORDINATES_TF_CROP_AND_RESIZE)
    {
      n = eng_onnx_const_floats (node, 1, roi, 2 * RT_MAX_DIMS);
      if (eng_onnx_ok (node) && n != 2 * n_axes)
        return eng_onnx_refuse (node, "input 'roi' has %u numbers, expected %u", n, 2 * n_axes);
      for (guint i = 0; i < n / 2; i++)
        attrs.roi_start[axes[i]] = roi[i], attrs.roi_end[axes[i]] = roi[n / 2 + i];
    }

  if (old && node->opset < 9)
    ok = apply_scales (node, &attrs, scales, eng_onnx_floats (node, "scales", scales, RT_MAX_DIMS),
                       axes, n_axes);
  else if (old || !is_empty (node, 2))
    ok = apply_scales (node, &attrs, scales,
                       eng_onnx_const_floats (node, old ? 1 : 2, scales, RT_MAX_DIMS), axes,
                       n_axes);
  else
    ok = apply_sizes (node, &attrs, 3, axes, n_axes);
  return ok && eng_onnx_out (node, 0, ENG_ONNX_ADD (node, &rt_op_resize, &attrs, x));
}

/* ---- sampling ---- */

gboolean
eng_onnx_emit_grid_sample (EngOnnxNode *node)
{
  static const char *const modes[] = { "nearest", "bilinear", "bicubic", "linear", "cubic" };
  static const RtResizeMode mode_of[]
      = { RT_RESIZE_NEAREST, RT_RESIZE_LINEAR, RT_RESIZE_CUBIC, RT_RESIZE_LINEAR, RT_RESIZE_CUBIC };
  static const char *const paddings[] = { "zeros", "border", "reflection" };
  RtGridSampleAttrs attrs = {
    .mode = mode_of[choose (node, "mode", eng_onnx_string (node, "mode", "bilinear"), modes,
                            G_N_ELEMENTS (modes))],
    .padding = choose (node, "padding_mode", eng_onnx_string (node, "padding_mode", "zeros"),
                       paddings, G_N_ELEMENTS (paddings)),
    .align_corners = eng_onnx_int (node, "align_corners", 0) != 0,
    .channels_first = 1,
  };

  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_grid_sample, &attrs, eng_onnx_in (node, 0),
                                     eng_onnx_in (node, 1)));
}

gboolean
eng_onnx_emit_roi_align (EngOnnxNode *node)
{
  static const char *const modes[] = { "avg", "max" };
  static const char *const coordinates[] = { "output_half_pixel", "half_pixel" };
  RtRoiAlignAttrs attrs = {
    .max = choose (node, "mode", eng_onnx_string (node, "mode", "avg"), modes, 2),
    .out_h = (guint32)eng_onnx_int (node, "output_height", 1),
    .out_w = (guint32)eng_onnx_int (node, "output_width", 1),
    .sampling_ratio = (guint32)eng_onnx_int (node, "sampling_ratio", 0),
    .spatial_scale = eng_onnx_float (node, "spatial_scale", 1),
    /* Before opset 16 there was no shift. */
    .half_pixel = node->opset >= 16
                  && choose (node, "coordinate_transformation_mode",
                             eng_onnx_string (node, "coordinate_transformation_mode", "half_pixel"),
                             coordinates, 2),
    .channels_first = 1,
  };

  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_roi_align, &attrs, eng_onnx_in (node, 0),
                                     eng_onnx_in (node, 1), eng_onnx_in (node, 2)));
}

gboolean
eng_onnx_emit_max_unpool (EngOnnxNode *node)
{
  RtValueId x = eng_onnx_in (node, 0);
  RtMaxUnpoolAttrs attrs = { .shape = *eng_onnx_shape (node, x) };
  guint rank = attrs.shape.n_dims, n_space = rank > 2 ? rank - 2 : 0;
  gint64 kernel[RT_MAX_DIMS] = { 0 }, strides[RT_MAX_DIMS], pads[2 * RT_MAX_DIMS] = { 0 };
  guint n = eng_onnx_ints (node, "kernel_shape", kernel, RT_MAX_DIMS);
  guint n_strides = eng_onnx_ints (node, "strides", strides, RT_MAX_DIMS);
  guint n_pads = eng_onnx_ints (node, "pads", pads, 2 * RT_MAX_DIMS);

  if (!eng_onnx_ok (node))
    return FALSE;
  if (n != n_space || (n_strides != 0 && n_strides != n) || (n_pads != 0 && n_pads != 2 * n))
    return eng_onnx_refuse (node, "window, strides and pads do not fit %u dimensions", n_space);
  for (guint i = 0; i < n; i++)
    attrs.shape.dims[2 + i] = (attrs.shape.dims[2 + i] - 1) * (n_strides > 0 ? strides[i] : 1)
                              - pads[i] - pads[n + i] + kernel[i];
  attrs.index_shape = attrs.shape;
  if (eng_onnx_in (node, 2) != RT_NONE)
    {
      guint n_shape = eng_onnx_const_ints (node, 2, attrs.shape.dims, RT_MAX_DIMS);
      if (eng_onnx_ok (node) && n_shape != rank)
        return eng_onnx_refuse (node, "input 'output_shape' has %u numbers, expected %u", n_shape,
                                rank);
    }
  return eng_onnx_out (node, 0,
                       ENG_ONNX_ADD (node, &rt_op_max_unpool, &attrs, x, eng_onnx_in (node, 1)));
}

/* ---- boxes ---- */

/* The output has room for the most boxes that there can be; unused rows are -1. */
gboolean
eng_onnx_emit_nms (EngOnnxNode *node)
{
  RtValueId outputs[RT_MAX_OUTPUTS];
  RtNmsAttrs attrs = {
    .max_per_class = (gint64)eng_onnx_const_number (node, 2, 0),
    .iou_threshold = (float)eng_onnx_const_number (node, 3, 0),
    .has_score_threshold = eng_onnx_in (node, 4) != RT_NONE,
    .score_threshold = (float)eng_onnx_const_number (node, 4, 0),
    .center_box = eng_onnx_int (node, "center_point_box", 0) != 0,
  };

  return eng_onnx_ok (node) && eng_onnx_add_all (node, &rt_op_nms, &attrs, node->inputs, 2, outputs)
         && eng_onnx_out (node, 0, outputs[0]);
}
