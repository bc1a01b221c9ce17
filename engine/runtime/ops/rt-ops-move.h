/* Operators that move, index and select, and those that surround a network (pictures, boxes), with
 * their attributes. Importers and the builders of pre- and post-processing use this; the executor
 * does not.
 *
 * "any" stands for every plain element type of 1, 2, 4 or 8 bytes; quantized tensors move as the
 * integers that they are. Axes count from the end when they are negative. Indices are i32 or i64,
 * count from the end when they are negative, and are clamped to the dimension when a run gives one
 * that lies outside of it (constant ones outside of it are refused when the node is added).
 * Attributes per dimension are in the order of the input's dimensions. */
#pragma once

#include "rt-op.h"

/* ---- the same elements in another shape or order ---- */

/* x any -> the same elements, in order, as @shape (concrete, or with the symbols of x). Also
 * squeeze, unsqueeze, flatten and identity. Shares memory with x where it can. */
extern const RtOp rt_op_reshape;
typedef struct
{
  RtShape shape;
} RtShapeAttrs;

/* x any -> output dimension i is input dimension perm[i]. */
extern const RtOp rt_op_transpose;
typedef struct
{
  uint32_t perm[RT_MAX_DIMS];
} RtTransposeAttrs;

/* Any number of values of one type, equal but for dimension @axis, one after the other. */
extern const RtOp rt_op_concat;
typedef struct
{
  int32_t axis;
} RtAxisAttrs;

/* x any -> for each named axis the elements starts, starts + steps, ... before ends; starts and
 * ends count from the end when negative and are then clamped to the dimension, as ONNX's Slice
 * does. INT64_MIN as the end of a negative step: up to and with element 0. */
extern const RtOp rt_op_slice;
typedef struct
{
  uint32_t n_axes;
  int32_t axes[RT_MAX_DIMS];
  int64_t starts[RT_MAX_DIMS], ends[RT_MAX_DIMS], steps[RT_MAX_DIMS]; /* per named axis */
} RtSliceAttrs;

/* x any, optional value (one element of x's type) -> x with before[i] and after[i] more elements at
 * the ends of dimension i (negative: fewer). */
extern const RtOp rt_op_pad;
typedef enum
{
  RT_PAD_CONSTANT,  /* input 1, or attribute @value when it is absent */
  RT_PAD_REFLECT,   /* mirrored without the edge: 2 1 | 0 1 2 | 1 0 */
  RT_PAD_SYMMETRIC, /* mirrored with the edge: 1 0 | 0 1 2 | 2 1 */
  RT_PAD_EDGE,
  RT_PAD_WRAP,
} RtPadMode;
typedef struct
{
  uint32_t mode; /* RtPadMode */
  int64_t before[RT_MAX_DIMS], after[RT_MAX_DIMS];
  double value; /* as stored: the integer of a quantized tensor */
} RtPadAttrs;

/* x any -> x broadcast against attribute RtShapeAttrs.shape (both ways, as ONNX's Expand). */
extern const RtOp rt_op_expand;

/* x any -> x repeated repeats[i] times along dimension i. */
extern const RtOp rt_op_tile;
typedef struct
{
  int64_t repeats[RT_MAX_DIMS];
} RtTileAttrs;

/* x any -> reversed along the named axes. */
extern const RtOp rt_op_reverse;
/* x any -> y[(i + shift) mod n] = x[i] along each named axis. */
extern const RtOp rt_op_roll;
typedef struct
{
  uint32_t n_axes;
  int32_t axes[RT_MAX_DIMS];
  int64_t shifts[RT_MAX_DIMS]; /* roll */
} RtAxesAttrs;

/* x any, lengths [size of @batch_axis] indices -> for each batch entry b the first lengths[b]
 * elements of @time_axis are reversed. */
extern const RtOp rt_op_reverse_sequence;
typedef struct
{
  int32_t batch_axis, time_axis;
} RtReverseSequenceAttrs;

/* x any [N, C, H, W] or, with channels_first 0, [N, H, W, C]. */
extern const RtOp rt_op_space_to_depth; /* channels of the output: (y in block, x in block, c) */
extern const RtOp rt_op_depth_to_space;
typedef struct
{
  uint32_t block;
  uint32_t crd; /* depth_to_space: channels of the input are (c, y, x) instead of (y, x, c) */
  uint32_t channels_first;
} RtBlockAttrs;

/* x any [..., R, C] -> the upper or lower triangle; the rest is zero. k moves the diagonal to the
 * right. */
extern const RtOp rt_op_trilu;
typedef struct
{
  uint32_t upper;
  int64_t k;
} RtTriluAttrs;

/* ---- indexing ---- */

/* data any, indices -> data.shape[:axis] + indices.shape[batch_dims:] + data.shape[axis + 1:]. */
extern const RtOp rt_op_gather;
typedef struct
{
  int32_t axis;
  uint32_t batch_dims; /* leading dimensions that data and indices share; at most axis */
} RtGatherAttrs;

/* data any, indices of the same number of dimensions -> indices.shape; attribute RtAxisAttrs. */
extern const RtOp rt_op_gather_elements;

/* data any, indices [..., k] -> indices.shape[:-1] + data.shape[batch_dims + k:]. */
extern const RtOp rt_op_gather_nd;
typedef struct
{
  uint32_t batch_dims;
} RtGatherNdAttrs;

/* data any, indices, updates of data's type -> data with the updates at their places. Several
 * updates of one place happen in their order. Indices outside of data are left out.
 * scatter_elements: indices and updates have the same shape; scatter_nd: indices [..., k], updates
 * indices.shape[:-1] + data.shape[k:]. */
extern const RtOp rt_op_scatter_elements;
extern const RtOp rt_op_scatter_nd;
typedef enum
{
  RT_SCATTER_SET,
  RT_SCATTER_ADD,
  RT_SCATTER_MUL,
  RT_SCATTER_MIN,
  RT_SCATTER_MAX,
} RtScatterMode;
typedef struct
{
  int32_t axis;  /* scatter_elements */
  uint32_t mode; /* RtScatterMode; others than SET need numbers */
} RtScatterAttrs;

/* condition bool, a any, b of a's type, broadcast together -> condition ? a : b. */
extern const RtOp rt_op_where;

/* x any -> type @type. Floats to integers: towards zero, then the low bits (NaN and what no 64-bit
 * integer holds: as if it were the smallest 64-bit integer); integers to integers: the low bits; to
 * bool: whether it is not 0. To floats: to nearest even, overflow to infinity. Quantized integers
 * are cast as the integers that they are. */
extern const RtOp rt_op_cast;
typedef struct
{
  int32_t type; /* RtType */
} RtTypeAttrs;

/* indices any integer or float, values [2] (off, on) any -> indices.shape with a dimension of
 * @depth put in at @axis (of the output). Indices outside of -depth .. depth - 1: all off. */
extern const RtOp rt_op_one_hot;
typedef struct
{
  int32_t axis;
  int64_t depth;
} RtOneHotAttrs;

/* No inputs -> [n] of type @type: start + i * delta. Integers use the integer fields, floats the
 * others. */
extern const RtOp rt_op_range;
typedef struct
{
  int32_t type;
  int64_t n;
  int64_t start, delta;
  double start_f, delta_f;
} RtRangeAttrs;

/* x any [R, C] -> ones on diagonal k (to the right of the main one), type @type. */
extern const RtOp rt_op_eye_like;
typedef struct
{
  int32_t type;
  int64_t k;
} RtEyeAttrs;

/* x any number -> index of the largest (smallest) along @axis, type i64 or i32. NaN is larger
 * (smaller) than all. */
extern const RtOp rt_op_arg_max;
extern const RtOp rt_op_arg_min;
typedef struct
{
  int32_t axis;
  uint32_t keep_dims;
  uint32_t select_last; /* of several equal ones: the last instead of the first */
  int32_t type;         /* RT_TYPE_I64 or RT_TYPE_I32 */
} RtArgAttrs;

/* x any number -> the k largest (smallest) along @axis, and their indices. Of equal ones that with
 * the lower index comes first. Always sorted (which is also right where no order is asked for). */
extern const RtOp rt_op_top_k;
typedef struct
{
  int32_t axis;
  int64_t k;
  uint32_t smallest; /* 1: the smallest */
  int32_t type;      /* of the indices: RT_TYPE_I64 or RT_TYPE_I32 */
} RtTopKAttrs;

/* x any -> its dimensions from @start to before @end, [n] i64 (or i32: @type). Also correct for
 * symbols. */
extern const RtOp rt_op_shape;
typedef struct
{
  int32_t start, end; /* end INT32_MAX: all */
  int32_t type;
} RtShapeOfAttrs;
/* x any -> number of elements, [] i64 (RtTypeAttrs.type: or i32). */
extern const RtOp rt_op_size;

/* Operators whose output shape depends on the numbers. They can be added only where those numbers
 * are constants; otherwise adding the node says so. */
/* x any -> [n_dims, n] i64: the indices of what is not 0. */
extern const RtOp rt_op_non_zero;
/* x any, condition [n] bool -> what the condition selects along the axis (or of the flat x). */
extern const RtOp rt_op_compress;
/* x any -> the different elements (or slices along the axis), their first places, for each element
 * of x its number, and how often each occurs (three times i64). */
extern const RtOp rt_op_unique;
typedef struct
{
  uint32_t has_axis; /* 0: of the flat x */
  int32_t axis;
  uint32_t sorted; /* unique */
} RtSelectAttrs;

/* ---- pictures and feature maps ---- */

/* x -> attribute @shape. Dimensions whose size changes or whose scale is not 1 are resampled, all
 * of them independently (so both layouts work): nearest any type, linear f32, i8 and u8 (exact
 * fixed point of 10 fractional bits, as TFLite does it: half_pixel, asymmetric and align_corners),
 * cubic f32. */
extern const RtOp rt_op_resize;
typedef enum
{
  RT_RESIZE_NEAREST,
  RT_RESIZE_LINEAR,
  RT_RESIZE_CUBIC,
} RtResizeMode;
/* Where output element i lies in the input; s is scales[d], or out / in when that is 0. */
typedef enum
{
  RT_COORDINATES_HALF_PIXEL,           /* (i + 0.5) / s - 0.5 */
  RT_COORDINATES_ASYMMETRIC,           /* i / s */
  RT_COORDINATES_ALIGN_CORNERS,        /* i (in - 1) / (out - 1) */
  RT_COORDINATES_PYTORCH_HALF_PIXEL,   /* half pixel; 0 when out is 1 */
  RT_COORDINATES_TF_CROP_AND_RESIZE,   /* roi: start (in - 1) + i (end - start) (in - 1) / (out -
                                        * 1) */
  RT_COORDINATES_TF_HALF_PIXEL,        /* (i + 0.5) / s, of opset 11: for nearest */
  RT_COORDINATES_HALF_PIXEL_SYMMETRIC, /* half pixel about the centre when s was rounded */
} RtCoordinates;
typedef enum
{
  RT_ROUND_PREFER_FLOOR, /* half goes down */
  RT_ROUND_PREFER_CEIL,  /* half goes up */
  RT_ROUND_FLOOR,
  RT_ROUND_CEIL,
} RtResizeRounding;
typedef struct
{
  uint32_t mode;        /* RtResizeMode */
  uint32_t coordinates; /* RtCoordinates */
  uint32_t rounding;    /* RtResizeRounding, for nearest */
  RtShape shape;        /* of the output */
  float scales[RT_MAX_DIMS];
  float roi_start[RT_MAX_DIMS], roi_end[RT_MAX_DIMS]; /* TF_CROP_AND_RESIZE */
  float extrapolation; /* TF_CROP_AND_RESIZE: for what lies outside of the picture */
  float cubic_a;       /* -0.75 in ONNX */
  uint32_t exclude_outside;
} RtResizeAttrs;

/* x f32 [N, C, H, W] (or channels last), grid f32 [N, OH, OW, 2] of (x, y) in -1 .. 1 -> [N, C, OH,
 * OW] (or channels last). */
extern const RtOp rt_op_grid_sample;
typedef enum
{
  RT_GRID_ZEROS,
  RT_GRID_BORDER,
  RT_GRID_REFLECTION,
} RtGridPadding;
typedef struct
{
  uint32_t mode;    /* RtResizeMode */
  uint32_t padding; /* RtGridPadding */
  uint32_t align_corners;
  uint32_t channels_first;
} RtGridSampleAttrs;

/* x f32 [N, C, H, W] (or channels last), boxes f32 [R, 4] (x1, y1, x2, y2), batch indices [R] ->
 * [R, C, out_h, out_w] (or channels last). He et al. 2017, section 3. */
extern const RtOp rt_op_roi_align;
typedef struct
{
  uint32_t max; /* 1: the largest instead of the mean of the samples */
  uint32_t out_h, out_w;
  uint32_t sampling_ratio; /* 0: as many as fit, at most 1024 */
  float spatial_scale;
  uint32_t half_pixel; /* 1: boxes are moved by half a pixel */
  uint32_t channels_first;
} RtRoiAlignAttrs;

/* x any, indices i64 or i32 of x's shape -> @shape, zero but for x[i] at indices[i], which counts
 * the elements of @index_shape (row-major, same number of dimensions, nowhere larger than
 * @shape). */
extern const RtOp rt_op_max_unpool;
typedef struct
{
  RtShape shape, index_shape;
} RtMaxUnpoolAttrs;

/* picture u8 [H, W, 3], RGB, H and W usually RT_DIM_HEIGHT and RT_DIM_WIDTH -> [1, height, width, 3
 * or 1] of f32, u8 or i8: fitted into the frame, resampled, channel c becomes v * scale[c] +
 * offset[c] with v in 0..255, c counted in the order of the output; integers are rounded to nearest
 * even and clamped. For quantized inputs fold scale and zero point of the tensor into both. */
extern const RtOp rt_op_picture;
typedef enum
{
  RT_PICTURE_CROP,      /* fill the frame, keep proportions, cut what is outside (centre) */
  RT_PICTURE_LETTERBOX, /* whole picture inside of the frame, keep proportions, centred, @pad
                         * around */
  RT_PICTURE_STRETCH,   /* whole picture, proportions change */
} RtPictureFit;
typedef enum
{
  RT_PICTURE_RGB,
  RT_PICTURE_BGR,
  RT_PICTURE_GREY, /* ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B; one channel */
} RtPictureChannels;
typedef enum
{
  RT_PICTURE_AREA,     /* shrinking: mean of the area; enlarging: bilinear, half-pixel centres */
  RT_PICTURE_TRIANGLE, /* shrinking: triangle filter as wide as the scale; enlarging: bilinear */
  RT_PICTURE_BILINEAR, /* always the two nearest, half-pixel centres: aliases when shrinking */
} RtPictureFilter;
typedef struct
{
  uint32_t height, width;
  uint32_t fit;      /* RtPictureFit */
  uint32_t channels; /* RtPictureChannels */
  uint32_t filter;   /* RtPictureFilter */
  int32_t type;      /* RT_TYPE_F32, RT_TYPE_U8, RT_TYPE_I8 */
  float zoom;        /* CROP: the frame is this part of the largest one that fits (0.875); 0: 1 */
  float scale[3], offset[3];
  float pad[3]; /* LETTERBOX: v of what is around, before scale and offset */
} RtPictureAttrs;

/* The place of the frame in a picture of @picture_h x @picture_w: frame point (x, y) in 0..1 is
 * picture point (left + x * width, top + y * height), in pixels. Maps boxes and masks back. */
typedef struct
{
  float left, top, width, height;
} RtPictureFrame;
void rt_picture_frame (const RtPictureAttrs *attrs, int64_t picture_h, int64_t picture_w,
                       RtPictureFrame *frame);

/* ---- boxes ---- */

/* boxes f32 [B, N, 4], scores f32 [B, C, N] -> selected [B * C * min (N, max_per_class), 3] i64
 * rows of (batch, class, box), ordered by batch, class and falling score, unused rows -1, and the
 * number of rows in use, [1] i64. Suppresses a box whose intersection over union with a better one
 * of its class is greater than @iou_threshold. */
extern const RtOp rt_op_nms;
typedef struct
{
  int64_t max_per_class; /* 0: none are selected, as in ONNX */
  float iou_threshold;
  uint32_t has_score_threshold;
  float score_threshold; /* scores must be greater */
  uint32_t
      center_box; /* boxes are (x centre, y centre, width, height), not two corners (y, x, y, x) */
} RtNmsAttrs;

/* TFLite's TFLite_Detection_PostProcess: boxes f32 [1, N, 4] (ty, tx, th, tw), scores f32 [1, N, C
 * or C + 1], anchors f32 [N, 4] (y centre, x centre, height, width) -> boxes [1, D, 4] (ymin, xmin,
 * ymax, xmax), classes [1, D], scores [1, D], count [1]; all f32, unused rows 0. D is
 * max_detections * max_classes_per_detection; the count is that of boxes, each of which has
 * max_classes_per_detection rows in the fast form and one in the regular form. Liu et al. 2016
 * (SSD). */
extern const RtOp rt_op_detections;
typedef struct
{
  uint32_t max_detections;
  uint32_t max_classes_per_detection; /* fast form */
  uint32_t detections_per_class;      /* regular form */
  uint32_t n_classes; /* without the background; when scores have one more, class 0 of
                                        them is the background */
  uint32_t regular;   /* per class; 0: fast form, boxes of all classes together */
  float score_threshold, iou_threshold;
  float y_scale, x_scale, h_scale, w_scale;
} RtDetectionsAttrs;

/* raw f32 [..., N, D], anchors f32 [N, 4] (y centre, x centre, height, width) -> [..., N, 4 + 2
 * n_points] f32: box (ymin, xmin, ymax, xmax), then n_points points (y, x). Raw columns: the box
 * (4) from @box_offset on, the points from @points_offset on.
 *     centre = raw / scale * size of the anchor + centre of the anchor
 *     size   = exp (raw / scale) * size of the anchor, or without the exponential */
extern const RtOp rt_op_box_decode;
typedef struct
{
  float y_scale, x_scale, h_scale, w_scale;
  uint32_t exponential; /* sizes */
  uint32_t x_first; /* raw columns are (x, y, w, h) and (x, y) instead of (y, x, h, w) and (y, x) */
  uint32_t n_points;
  uint32_t box_offset, points_offset;
} RtBoxDecodeAttrs;
