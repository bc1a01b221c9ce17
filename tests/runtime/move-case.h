/* What the tests of the operators that move, select and resample share: inputs from lists of
 * numbers, hand-worked results. For tests. */
#pragma once

#include <math.h>
#include <string.h>

#include "net-case.h"
#include "ops/rt-ops-move.h"

#define DIMS(...) ((int64_t[]){ __VA_ARGS__ })
#define NUMBERS(...) ((const double[]){ __VA_ARGS__ })

static inline int64_t
product (uint32_t n_dims, const int64_t *dims)
{
  int64_t n = 1;
  for (uint32_t i = 0; i < n_dims; i++)
    n *= dims[i];
  return n;
}

/* f32 0, 1, 2, ... */
static inline void
add_count (NetCase *c, uint32_t n_dims, const int64_t *dims)
{
  int64_t n = product (n_dims, dims);
  g_autofree float *x = g_new (float, n + 1);
  for (int64_t i = 0; i < n; i++)
    x[i] = (float)i;
  net_case_input (c, RT_TYPE_F32, n_dims, dims, x);
}

static inline void
add_floats (NetCase *c, uint32_t n_dims, const int64_t *dims, const double *numbers)
{
  int64_t n = product (n_dims, dims);
  g_autofree float *x = g_new (float, n + 1);
  for (int64_t i = 0; i < n; i++)
    x[i] = (float)numbers[i];
  net_case_input (c, RT_TYPE_F32, n_dims, dims, x);
}

static inline void
add_indices (NetCase *c, int type, uint32_t n_dims, const int64_t *dims, const double *numbers,
             gboolean constant)
{
  int64_t n = product (n_dims, dims);
  g_autofree int64_t *wide = g_new (int64_t, n + 1);
  g_autofree int32_t *narrow = g_new (int32_t, n + 1);
  for (int64_t i = 0; i < n; i++)
    {
      wide[i] = (int64_t)numbers[i];
      narrow[i] = (int32_t)numbers[i];
    }
  const void *bytes = type == RT_TYPE_I64 ? (const void *)wide : narrow;
  if (constant)
    net_case_weight (c, type, n_dims, dims, bytes);
  else
    net_case_input (c, type, n_dims, dims, bytes);
}

static inline void
assert_shape (const NetResult *r, uint32_t n_dims, const int64_t *dims)
{
  RtShape expected = { .n_dims = n_dims };
  char a[128], b[128];
  for (uint32_t i = 0; i < n_dims; i++)
    expected.dims[i] = dims[i];
  g_assert_cmpstr (rt_shape_text (&r->shape, a, sizeof a), ==,
                   rt_shape_text (&expected, b, sizeof b));
}

/* Run, compare threads and reference, and output 0 with @numbers. */
static inline void
expect (NetCase *c, const RtOp *op, const void *attrs, uint32_t n_dims, const int64_t *dims,
        const double *numbers)
{
  NetResult r[RT_MAX_OUTPUTS];

  net_case_node (c, op, attrs, NULL);
  net_case_check (c, 0, 0);
  net_case_run_threads (c, r);
  assert_shape (&r[0], n_dims, dims);
  net_result_check (&r[0], numbers, (gsize)product (n_dims, dims), 1e-6, 1e-7);
  net_results_clear (r);
  net_case_clear (c);
}

static inline void
check (NetCase *c, const RtOp *op, const void *attrs)
{
  net_case_node (c, op, attrs, NULL);
  net_case_check (c, 0, 0);
  net_case_clear (c);
}

static inline void
refused (NetCase *c, const RtOp *op, const void *attrs, const char *pattern)
{
  g_autofree char *message = net_case_refused (c, op, attrs);
  if (!g_pattern_match_simple (pattern, message))
    g_error ("%s: \"%s\" does not match \"%s\"", op->name, message, pattern);
  net_case_clear (c);
}

static inline void
random_dims (int64_t *dims, uint32_t n_dims, int most)
{
  for (uint32_t i = 0; i < n_dims; i++)
    dims[i] = g_test_rand_int_range (1, most + 1);
}
