/* A small TFLite network of a test: its tensors and operators in few words, and runs of it with the
 * results that it must have. */
#pragma once

#include "net-runner.h"
#include "tflite-bytes.h"

enum
{
  F32 = 0,
  F16 = 1,
  I32 = 2,
  I16 = 7,
  I8 = 9,
  RESOURCE = 13,
};

#define DIMS(...)                                                                                  \
  .n_dims = sizeof ((gint32[]){ __VA_ARGS__ }) / 4, .dims = (gint32[])                             \
  {                                                                                                \
    __VA_ARGS__                                                                                    \
  }
#define DATA(type, ...)                                                                            \
  .data = (type[]){ __VA_ARGS__ }, .data_bytes = sizeof ((type[]){ __VA_ARGS__ })
#define QUANT(scale, zero)                                                                         \
  .n_scales = 1, .scales = (float[]){ scale }, .zero_points = (gint64[])                           \
  {                                                                                                \
    zero                                                                                           \
  }
#define TENSOR(bytes, ...) tfl_bytes_add_tensor (bytes, &(TflTensor){ __VA_ARGS__ })
#define LIST(...) (int[]){ __VA_ARGS__ }, sizeof ((int[]){ __VA_ARGS__ }) / sizeof (int)
#define FIELDS(...)                                                                                \
  (TflField[]){ __VA_ARGS__ }, sizeof ((TflField[]){ __VA_ARGS__ }) / sizeof (TflField)

/* Import; the file is freed. The second fails when the report has a line. */
EngImported *tfl_case_import (TflBytes *bytes);
EngImported *tfl_case_import_supported (TflBytes *bytes);

/* Output @index after runs on @input (the only input, @n_runs after one another), 1 thread and 3,
 * kernels and references: @n_bytes @expected of all runs. */
void tfl_case_check (TflBytes *bytes, const void *input, guint n_runs, guint index,
                     const void *expected, gsize n_bytes);

#define CHECK_RUN(bytes, input, index, type, ...)                                                  \
  tfl_case_check (bytes, input, 1, index, (type[]){ __VA_ARGS__ }, sizeof ((type[]){ __VA_ARGS__ }))
