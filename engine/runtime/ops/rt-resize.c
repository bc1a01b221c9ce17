/* Where the elements of a resampled axis come from: coordinates and weights. Called by the resize
 * operator, when it is prepared and by its reference. Knows no memory layout. */
#include "rt-resize.h"

#include <math.h>

uint32_t
rt_resize_n_taps (const RtResizeAttrs *attrs)
{
  return attrs->mode == RT_RESIZE_NEAREST ? 1 : attrs->mode == RT_RESIZE_LINEAR ? 2 : 4;
}

uint32_t
rt_resize_changed (const RtResizeAttrs *attrs, const RtShape *x)
{
  uint32_t mask = 0;

  for (uint32_t i = 0; i < x->n_dims; i++)
    {
      bool crops = attrs->coordinates == RT_COORDINATES_TF_CROP_AND_RESIZE
                   && (attrs->roi_start[i] != 0 || attrs->roi_end[i] != 1);
      if (x->dims[i] != attrs->shape.dims[i] || crops
          || (attrs->scales[i] != 0 && attrs->scales[i] != 1))
        mask |= 1u << i;
    }
  return mask;
}

double
rt_resize_coordinate (const RtResizeAttrs *attrs, const RtShape *x, uint32_t dim, int64_t i)
{
  const double in = (double)x->dims[dim], out = (double)attrs->shape.dims[dim], at = (double)i;
  const double s = attrs->scales[dim] != 0 ? (double)attrs->scales[dim] : out / in;
  const double start = (double)attrs->roi_start[dim], end = (double)attrs->roi_end[dim];

  switch ((RtCoordinates)attrs->coordinates)
    {
    case RT_COORDINATES_ASYMMETRIC:
      return at / s;
    case RT_COORDINATES_ALIGN_CORNERS:
      return out > 1 ? at * (in - 1) / (out - 1) : 0;
    case RT_COORDINATES_PYTORCH_HALF_PIXEL:
      return out > 1 ? (at + 0.5) / s - 0.5 : 0;
    case RT_COORDINATES_TF_CROP_AND_RESIZE:
      return out > 1 ? start * (in - 1) + at * (end - start) * (in - 1) / (out - 1)
                     : 0.5 * (start + end) * (in - 1);
    case RT_COORDINATES_TF_HALF_PIXEL:
      return (at + 0.5) / s;
    case RT_COORDINATES_HALF_PIXEL_SYMMETRIC:
      return in / 2 * (1 - out / (s * in)) + (at + 0.5) / s - 0.5;
    case RT_COORDINATES_HALF_PIXEL:
      break;
    }
  return (at + 0.5) / s - 0.5;
}

/* ---- weights ---- */

static int32_t
clamp (int64_t i, int64_t n)
{
  return (int32_t)(i < 0 ? 0 : i >= n ? n - 1 : i);
}

static int32_t
nearest (const RtResizeAttrs *attrs, double at, int64_t n)
{
  double rounded = 0;

  switch ((RtResizeRounding)attrs->rounding)
    {
    case RT_ROUND_PREFER_FLOOR:
      rounded = ceil (at - 0.5);
      break;
    case RT_ROUND_PREFER_CEIL:
      rounded = floor (at + 0.5);
      break;
    case RT_ROUND_FLOOR:
      rounded = floor (at);
      break;
    case RT_ROUND_CEIL:
      rounded = ceil (at);
      break;
    }
  return clamp ((int64_t)rounded, n);
}

static void
linear (double at, int64_t n, RtResizeTap *tap)
{
  double inside = at < 0 ? 0 : at > (double)(n - 1) ? (double)(n - 1) : at;
  int64_t first = (int64_t)inside;

  tap->index[0] = (int32_t)first;
  tap->index[1] = clamp (first + 1, n);
  tap->weight[1] = (float)(inside - (double)first);
  tap->weight[0] = (float)(1 - (inside - (double)first));
}

/* Keys 1981, with ONNX's coefficient. */
static void
cubic (const RtResizeAttrs *attrs, double at, int64_t n, RtResizeTap *tap)
{
  const double a = (double)attrs->cubic_a;
  const int64_t first = (int64_t)floor (at);
  const double f = at - (double)first;
  double weights[4], sum = 0;

  for (int i = 0; i < 4; i++)
    {
      double d = fabs (f - (double)(i - 1));
      weights[i] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1
                          : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
      int64_t index = first + i - 1;
      if (attrs->exclude_outside && (index < 0 || index >= n))
        weights[i] = 0;
      tap->index[i] = clamp (index, n);
      sum += weights[i];
    }
  for (int i = 0; i < 4; i++)
    tap->weight[i] = (float)(attrs->exclude_outside ? weights[i] / sum : weights[i]);
}

/* TFLite's integer interpolation: everything in units of 1 / 1024. */
static void
linear_fixed (const RtResizeAttrs *attrs, int64_t in, int64_t out, int64_t i, RtResizeTap *tap)
{
  int64_t scale = ((in << 10) + out / 2) / out, at;

  if (attrs->coordinates == RT_COORDINATES_ALIGN_CORNERS && out > 1)
    scale = (((in - 1) << 10) + (out - 1) / 2) / (out - 1);
  at = i * scale;
  if (attrs->coordinates == RT_COORDINATES_HALF_PIXEL)
    at += scale / 2 - (1 << 9);
  int64_t first = at / 1024 > 0 ? at / 1024 : 0, second = (at + 1023) / 1024;

  tap->index[0] = clamp (first, in);
  tap->index[1] = clamp (second, in);
  tap->fixed[1] = (int32_t)(at - (first << 10));
  tap->fixed[0] = 1024 - tap->fixed[1];
}

void
rt_resize_tap (const RtResizeAttrs *attrs, const RtShape *x, uint32_t dim, int64_t i, bool fixed,
               RtResizeTap *tap)
{
  const int64_t n = x->dims[dim];
  double at = rt_resize_coordinate (attrs, x, dim, i);

  memset (tap, 0, sizeof *tap);
  if (attrs->coordinates == RT_COORDINATES_TF_CROP_AND_RESIZE && (at < 0 || at > (double)(n - 1)))
    tap->index[0] = -1;
  else if (attrs->mode == RT_RESIZE_NEAREST)
    tap->index[0] = nearest (attrs, at, n);
  else if (attrs->mode == RT_RESIZE_CUBIC)
    cubic (attrs, at, n, tap);
  else if (fixed)
    linear_fixed (attrs, n, attrs->shape.dims[dim], i, tap);
  else
    linear (at, n, tap);
}

double
rt_resize_element (const RtResizeAttrs *attrs, const RtTensor *x, const int64_t *index)
{
  const uint32_t changed = rt_resize_changed (attrs, &x->shape), n_taps = rt_resize_n_taps (attrs);
  RtResizeTap taps[RT_MAX_DIMS];
  int64_t strides[RT_MAX_DIMS];
  uint64_t n_all = 1;
  double sum = 0;

  rt_move_strides (&x->shape, strides);
  for (uint32_t d = 0; d < x->shape.n_dims; d++)
    if (changed >> d & 1)
      {
        rt_resize_tap (attrs, &x->shape, d, index[d], false, &taps[d]);
        if (taps[d].index[0] < 0)
          return (double)attrs->extrapolation;
        n_all *= n_taps;
      }
  for (uint64_t k = 0; k < n_all; k++)
    {
      uint64_t rest = k;
      double weight = 1;
      int64_t at = 0;
      for (uint32_t d = 0; d < x->shape.n_dims; d++)
        {
          if (!(changed >> d & 1))
            {
              at += index[d] * strides[d];
              continue;
            }
          uint64_t tap = rest % n_taps;
          rest /= n_taps;
          at += taps[d].index[tap] * strides[d];
          weight *= (double)taps[d].weight[tap];
        }
      sum += weight * (double)((const float *)x->data)[at];
    }
  return sum;
}
