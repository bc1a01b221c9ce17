/* Resampling along axes: where each output element lies in the input and which elements it is made
 * of. Shared by the parts of the resize operator. Private to engine/runtime/ops. */
#pragma once

#include "kn-qvec.h"
#include "rt-op-move.h"

#define RT_RESIZE_TAPS 4

/* What output element i is made of: input elements and their weights. index[0] < 0:
 * extrapolated. */
typedef struct
{
  int32_t index[RT_RESIZE_TAPS];
  union
  {
    float weight[RT_RESIZE_TAPS];
    int32_t fixed[RT_RESIZE_TAPS]; /* 8-bit values: 10 fractional bits */
  };
} RtResizeTap;

/* Elements of the input that are read for one of the output along a resampled axis. */
uint32_t rt_resize_n_taps (const RtResizeAttrs *attrs);

/* One bit per dimension that is resampled. */
uint32_t rt_resize_changed (const RtResizeAttrs *attrs, const RtShape *x);

/* Where output element @i of dimension @dim lies in the input, in elements. */
double rt_resize_coordinate (const RtResizeAttrs *attrs, const RtShape *x, uint32_t dim, int64_t i);

/* What output element @i of dimension @dim is made of. @fixed: integer weights, for linear. */
void rt_resize_tap (const RtResizeAttrs *attrs, const RtShape *x, uint32_t dim, int64_t i,
                    bool fixed, RtResizeTap *tap);

/* By definition, one element: the product of the taps of all axes, in double. */
double rt_resize_element (const RtResizeAttrs *attrs, const RtTensor *x, const int64_t *index);

/* The planes that are resampled: dimensions before, rows, columns, dimensions behind. Tables are
 * NULL where nothing changes. */
typedef struct
{
  int64_t n_outer, in_h, in_w, out_h, out_w, inner;
  const RtResizeTap *h, *w;
  uint32_t n_taps;
  float extrapolation;
} RtResizePlanes;

/* Output rows @row (outer * out_h + y), into @to. @scratch: in_w * inner numbers. */
void rt_resize_row_f32 (const RtResizePlanes *p, const float *x, int64_t row, float *to,
                        float *scratch);
void rt_resize_row_byte (const RtResizePlanes *p, const KnQvecFamily *kn, bool is_signed,
                         const uint8_t *x, int64_t row, uint8_t *to, int32_t *scratch);
void rt_resize_row_nearest (const RtResizePlanes *p, size_t elem, const uint8_t *x, int64_t row,
                            uint8_t *to);
