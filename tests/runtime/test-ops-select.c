/* Operators that write at indices, choose, order and count: on several numbers of threads, against
 * their plain references, and against examples worked out by hand from the definitions in the ONNX
 * operator documentation. */
#include "move-case.h"
#include "ops/rt-ops-vocabulary.h"

/* Threads and reference, then all outputs @numbers [n_outputs]. */
static void
expect_all (NetCase *c, const RtOp *op, const void *attrs, const double *const *numbers)
{
  NetResult r[RT_MAX_OUTPUTS];

  net_case_node (c, op, attrs, NULL);
  net_case_check (c, 0, 0);
  net_case_run_threads (c, r);
  for (uint32_t i = 0; i < op->n_outputs; i++)
    net_result_check (&r[i], numbers[i], (gsize)rt_shape_n (&r[i].shape), 1e-6, 1e-7);
  net_results_clear (r);
  net_case_clear (c);
}

static const int number_types[]
    = { RT_TYPE_F32, RT_TYPE_I8, RT_TYPE_I64, RT_TYPE_I32, RT_TYPE_F16, RT_TYPE_U8, RT_TYPE_F64 };

static void
test_scatter_elements (void)
{
  NetCase c;

  net_case_init (&c);
  add_floats (&c, 2, DIMS (1, 5), NUMBERS (1, 2, 3, 4, 5));
  add_indices (&c, RT_TYPE_I64, 2, DIMS (1, 2), NUMBERS (1, -2), FALSE);
  add_floats (&c, 2, DIMS (1, 2), NUMBERS (1.1, 2.1));
  expect (&c, &rt_op_scatter_elements, &(RtScatterAttrs){ 1, RT_SCATTER_SET }, 2, DIMS (1, 5),
          NUMBERS (1, 1.1, 3, 2.1, 5));
  static const double combined[][5] = { { 1, 2.1, 3, 4, 5 }, /* the last stays */
                                        { 1, 5.2, 3, 4, 5 },
                                        { 1, 4.62, 3, 4, 5 },
                                        { 1, 1.1, 3, 4, 5 },
                                        { 1, 2.1, 3, 4, 5 } };
  for (uint32_t mode = RT_SCATTER_SET; mode <= RT_SCATTER_MAX; mode++)
    {
      net_case_init (&c);
      add_floats (&c, 2, DIMS (1, 5), NUMBERS (1, 2, 3, 4, 5));
      add_indices (&c, RT_TYPE_I64, 2, DIMS (1, 2), NUMBERS (1, 1), FALSE);
      add_floats (&c, 2, DIMS (1, 2), NUMBERS (1.1, 2.1));
      expect (&c, &rt_op_scatter_elements, &(RtScatterAttrs){ 1, mode }, 2, DIMS (1, 5),
              combined[mode]);
    }
  for (int i = 0; i < 70; i++)
    {
      int64_t dims[4], at[4];
      int axis = i % 4, type = number_types[i % 7];
      random_dims (dims, 4, 12);
      random_dims (at, 4, 12);
      for (int k = 0; k < 4; k++)
        if (k != axis)
          at[k] = MIN (at[k], dims[k]);
      net_case_init (&c);
      net_case_random_input (&c, type, 4, dims, 0, 10);
      /* Some lie outside, and are left out. */
      net_case_random_input (&c, RT_TYPE_I32, 4, at, -(double)dims[axis] - 2,
                             (double)dims[axis] + 2);
      net_case_random_input (&c, type, 4, at, 0, 3);
      check (&c, &rt_op_scatter_elements, &(RtScatterAttrs){ axis - 4, (uint32_t)i % 5 });
    }
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  add_indices (&c, RT_TYPE_I64, 2, DIMS (2, 1), NUMBERS (0, 0), FALSE);
  add_count (&c, 2, DIMS (2, 2));
  refused (&c, &rt_op_scatter_elements, &(RtScatterAttrs){ 1, 0 }, "*do not fit*");
}

static void
test_scatter_nd (void)
{
  NetCase c;

  net_case_init (&c);
  add_floats (&c, 1, DIMS (8), NUMBERS (1, 2, 3, 4, 5, 6, 7, 8));
  add_indices (&c, RT_TYPE_I64, 2, DIMS (4, 1), NUMBERS (4, 3, 1, 7), FALSE);
  add_floats (&c, 1, DIMS (4), NUMBERS (9, 10, 11, 12));
  expect (&c, &rt_op_scatter_nd, &(RtScatterAttrs){ 0 }, 1, DIMS (8),
          NUMBERS (1, 11, 3, 10, 9, 6, 7, 12));
  net_case_init (&c);
  add_count (&c, 2, DIMS (3, 2));
  add_indices (&c, RT_TYPE_I32, 2, DIMS (2, 1), NUMBERS (2, 2), FALSE);
  add_floats (&c, 2, DIMS (2, 2), NUMBERS (1, 2, 3, 4));
  expect (&c, &rt_op_scatter_nd, &(RtScatterAttrs){ .mode = RT_SCATTER_ADD }, 2, DIMS (3, 2),
          NUMBERS (0, 1, 2, 3, 8, 11));
  for (int i = 0; i < 70; i++)
    {
      int64_t dims[4], rows[3] = { 3, 7, 1 + i % 3 }, updates[RT_MAX_DIMS] = { 3, 7 };
      uint32_t n = 2;
      random_dims (dims, 4, i % 10 == 9 ? 40 : 9);
      for (int k = (int)rows[2]; k < 4; k++)
        updates[n++] = dims[k];
      net_case_init (&c);
      net_case_random_input (&c, number_types[i % 7], 4, dims, 0, 10);
      net_case_random_input (&c, RT_TYPE_I64, 3, rows, -10, 10);
      net_case_random_input (&c, number_types[i % 7], n, updates, 0, 3);
      check (&c, &rt_op_scatter_nd, &(RtScatterAttrs){ 0, (uint32_t)i / 7 % 5 });
    }
}

static void
test_arg (void)
{
  NetCase c;

  net_case_init (&c);
  add_floats (&c, 2, DIMS (2, 2), NUMBERS (2, 1, 3, 10));
  expect (&c, &rt_op_arg_max, &(RtArgAttrs){ .axis = 1, .keep_dims = 1, .type = RT_TYPE_I64 }, 2,
          DIMS (2, 1), NUMBERS (0, 1));
  net_case_init (&c);
  add_floats (&c, 2, DIMS (2, 2), NUMBERS (2, 1, 3, 10));
  expect (&c, &rt_op_arg_min, &(RtArgAttrs){ .axis = 0, .type = RT_TYPE_I32 }, 1, DIMS (2),
          NUMBERS (0, 0));
  for (uint32_t last = 0; last < 2; last++)
    for (int axis = 0; axis < 2; axis++)
      for (int smallest = 0; smallest < 2; smallest++)
        {
          /* Equal ones, and NaN before everything. */
          net_case_init (&c);
          if (axis == 0)
            add_floats (&c, 2, DIMS (4, 2), NUMBERS (2, NAN, 2, 1, 2, NAN, 2, 5));
          else
            add_floats (&c, 2, DIMS (2, 4), NUMBERS (2, 2, 2, 2, NAN, 1, NAN, 5));
          expect (&c, smallest ? &rt_op_arg_min : &rt_op_arg_max,
                  &(RtArgAttrs){ .axis = axis, .select_last = last, .type = RT_TYPE_I64 }, 1,
                  DIMS (2), last ? NUMBERS (3, 2) : NUMBERS (0, 0));
        }
  for (int i = 0; i < 84; i++)
    {
      int64_t dims[4];
      RtArgAttrs attrs = { .axis = i % 4 - 4,
                           .keep_dims = (uint32_t)i & 1,
                           .select_last = (uint32_t)i / 2 % 2,
                           .type = RT_TYPE_I32 };
      random_dims (dims, 4, i % 6 == 5 ? 20 : 9);
      net_case_init (&c);
      net_case_random_input (&c, number_types[i % 7], 4, dims, 0, 9);
      check (&c, i % 3 ? &rt_op_arg_max : &rt_op_arg_min, &attrs);
    }
}

static void
test_top_k (void)
{
  NetCase c;

  net_case_init (&c);
  add_count (&c, 2, DIMS (3, 4));
  expect_all (&c, &rt_op_top_k, &(RtTopKAttrs){ .axis = 1, .k = 3, .type = RT_TYPE_I64 },
              (const double *const[]){ NUMBERS (3, 2, 1, 7, 6, 5, 11, 10, 9),
                                       NUMBERS (3, 2, 1, 3, 2, 1, 3, 2, 1) });
  net_case_init (&c);
  add_floats (&c, 2, DIMS (4, 1), NUMBERS (5, -1, 5, -1));
  expect_all (&c, &rt_op_top_k,
              &(RtTopKAttrs){ .axis = 0, .k = 3, .smallest = 1, .type = RT_TYPE_I32 },
              (const double *const[]){ NUMBERS (-1, -1, 5), NUMBERS (1, 3, 0) });
  for (int i = 0; i < 84; i++)
    {
      int64_t dims[3];
      random_dims (dims, 3, 20);
      RtTopKAttrs attrs = { .axis = i % 3,
                            .k = g_test_rand_int_range (0, (int)dims[i % 3] + 1),
                            .smallest = (uint32_t)i / 3 % 2,
                            .type = RT_TYPE_I64 };
      net_case_init (&c);
      net_case_random_input (&c, number_types[i % 7], 3, dims, 0, 9);
      check (&c, &rt_op_top_k, &attrs);
    }
  net_case_init (&c);
  add_count (&c, 1, DIMS (4));
  refused (&c, &rt_op_top_k, &(RtTopKAttrs){ .k = 5, .type = RT_TYPE_I64 }, "*the best 5 of 4*");
}

static void
test_one_hot (void)
{
  NetCase c;

  net_case_init (&c);
  add_indices (&c, RT_TYPE_I64, 1, DIMS (3), NUMBERS (0, -1, 5), FALSE);
  add_floats (&c, 1, DIMS (2), NUMBERS (1, 3));
  expect (&c, &rt_op_one_hot, &(RtOneHotAttrs){ -1, 4 }, 2, DIMS (3, 4),
          NUMBERS (3, 1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1));
  net_case_init (&c);
  add_indices (&c, RT_TYPE_I32, 2, DIMS (1, 2), NUMBERS (1, 0), FALSE);
  add_floats (&c, 1, DIMS (2), NUMBERS (0, 1));
  expect (&c, &rt_op_one_hot, &(RtOneHotAttrs){ 1, 2 }, 3, DIMS (1, 2, 2), NUMBERS (0, 1, 1, 0));
  for (int i = 0; i < 40; i++)
    {
      int64_t dims[3];
      random_dims (dims, 3, 12);
      net_case_init (&c);
      net_case_random_input (&c, number_types[i % 7], 3, dims, 0, 14);
      net_case_random_input (&c, number_types[i % 5], 1, DIMS (2), -5, 5);
      check (&c, &rt_op_one_hot, &(RtOneHotAttrs){ i % 4, 12 });
    }
}

static void
test_places (void)
{
  NetCase c;

  net_case_init (&c);
  expect (&c, &rt_op_range,
          &(RtRangeAttrs){ .type = RT_TYPE_I32, .n = 3, .start = 10, .delta = -3 }, 1, DIMS (3),
          NUMBERS (10, 7, 4));
  net_case_init (&c);
  expect (&c, &rt_op_range,
          &(RtRangeAttrs){ .type = RT_TYPE_F32, .n = 4, .start_f = 1, .delta_f = 0.5 }, 1, DIMS (4),
          NUMBERS (1, 1.5, 2, 2.5));
  net_case_init (&c);
  check (&c, &rt_op_range, &(RtRangeAttrs){ .type = RT_TYPE_I64, .n = 30000, .delta = 1 });
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  expect (&c, &rt_op_eye_like, &(RtEyeAttrs){ RT_TYPE_U8, 1 }, 2, DIMS (2, 3),
          NUMBERS (0, 1, 0, 0, 0, 1));
  net_case_init (&c);
  add_count (&c, 3, DIMS (4, 2, 3));
  expect (&c, &rt_op_shape, &(RtShapeOfAttrs){ -2, INT32_MAX, RT_TYPE_I64 }, 1, DIMS (2),
          NUMBERS (2, 3));
  net_case_init (&c);
  add_count (&c, 3, DIMS (4, 2, 3));
  expect (&c, &rt_op_size, &(RtTypeAttrs){ RT_TYPE_I64 }, 0, DIMS (0), NUMBERS (24));
  net_case_init (&c);
  add_count (&c, 2, DIMS (3, 3));
  expect (&c, &rt_op_trilu, &(RtTriluAttrs){ 1, 1 }, 2, DIMS (3, 3),
          NUMBERS (0, 1, 2, 0, 0, 5, 0, 0, 0));
  net_case_init (&c);
  add_count (&c, 2, DIMS (3, 3));
  expect (&c, &rt_op_trilu, &(RtTriluAttrs){ 0, 0 }, 2, DIMS (3, 3),
          NUMBERS (0, 0, 0, 3, 4, 0, 6, 7, 8));
  for (int i = 0; i < 40; i++)
    {
      int64_t dims[3];
      random_dims (dims, 3, 30);
      net_case_init (&c);
      net_case_random_input (&c, number_types[i % 7], 3, dims, -9, 9);
      check (&c, &rt_op_trilu,
             &(RtTriluAttrs){ (uint32_t)i & 1, i == 0   ? INT64_MIN
                                               : i == 1 ? INT64_MAX
                                                        : g_test_rand_int_range (-35, 35) });
    }
}

static void
test_selected (void)
{
  NetCase c;
  const float numbers[] = { 2, 1, 1, 3, 4, 3 };

  net_case_init (&c);
  net_case_weight (&c, RT_TYPE_BOOL, 2, DIMS (2, 2), (const uint8_t[]){ 1, 0, 1, 1 });
  expect (&c, &rt_op_non_zero, NULL, 2, DIMS (2, 3), NUMBERS (0, 1, 1, 0, 0, 1));
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 2));
  refused (&c, &rt_op_non_zero, NULL, "*in0: the size of the result depends on its numbers*");

  net_case_init (&c);
  add_count (&c, 2, DIMS (3, 2));
  net_case_weight (&c, RT_TYPE_BOOL, 1, DIMS (2), (const uint8_t[]){ 0, 1 });
  expect (&c, &rt_op_compress, &(RtSelectAttrs){ 1, 1, 0 }, 2, DIMS (3, 1), NUMBERS (1, 3, 5));
  net_case_init (&c);
  add_count (&c, 2, DIMS (3, 2));
  net_case_weight (&c, RT_TYPE_BOOL, 1, DIMS (5), (const uint8_t[]){ 0, 1, 0, 0, 1 });
  expect (&c, &rt_op_compress, &(RtSelectAttrs){ 0 }, 1, DIMS (2), NUMBERS (1, 4));

  net_case_init (&c);
  net_case_weight (&c, RT_TYPE_F32, 1, DIMS (6), numbers);
  expect_all (&c, &rt_op_unique, &(RtSelectAttrs){ 0 },
              (const double *const[]){ NUMBERS (2, 1, 3, 4), NUMBERS (0, 1, 3, 4),
                                       NUMBERS (0, 1, 1, 2, 3, 2), NUMBERS (1, 2, 2, 1) });
  net_case_init (&c);
  net_case_weight (&c, RT_TYPE_F32, 1, DIMS (6), numbers);
  expect_all (&c, &rt_op_unique, &(RtSelectAttrs){ .sorted = 1 },
              (const double *const[]){ NUMBERS (1, 2, 3, 4), NUMBERS (1, 0, 3, 4),
                                       NUMBERS (1, 0, 0, 2, 3, 2), NUMBERS (2, 1, 2, 1) });
  net_case_init (&c);
  net_case_weight (&c, RT_TYPE_F32, 2, DIMS (3, 3), (const float[]){ 1, 0, 0, 1, 0, 0, 2, 3, 4 });
  expect_all (&c, &rt_op_unique, &(RtSelectAttrs){ 1, 0, 1 },
              (const double *const[]){ NUMBERS (1, 0, 0, 2, 3, 4), NUMBERS (0, 2),
                                       NUMBERS (0, 0, 1), NUMBERS (2, 1) });
}

#define TEST(name) g_test_add_func ("/runtime/ops-select/" #name, test_##name)

/* Column j of row r is x[r][k] where columns[k] is j, and the filling everywhere else. */
static void
check_spread (int64_t n_rows, int64_t n, uint32_t n_columns, float fill)
{
  g_autofree int32_t *columns = g_new (int32_t, n + 1);
  g_autofree float *x = g_new (float, n_rows *n + 1);
  g_autofree double *expected = g_new (double, n_rows *n_columns + 1);
  RtSpreadAttrs attrs = { .n_columns = n_columns, .fill = fill };
  NetResult r[RT_MAX_OUTPUTS];
  NetCase c;

  /* A rising choice of n out of n_columns, each equally likely (Knuth 1997, vol. 2, 3.4.2,
   * algorithm S). */
  for (int64_t j = 0, k = 0; k < n; j++)
    if (g_test_rand_int_range (0, (int)(n_columns - j)) < n - k)
      columns[k++] = (int32_t)j;
  for (int64_t i = 0; i < n_rows * n; i++)
    x[i] = (float)g_test_rand_double_range (-9, 9);
  for (int64_t row = 0; row < n_rows; row++)
    for (int64_t j = 0; j < n_columns; j++)
      {
        expected[row * n_columns + j] = (double)fill;
        for (int64_t k = 0; k < n; k++)
          if (columns[k] == j)
            expected[row * n_columns + j] = (double)x[row * n + k];
      }
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_F32, 2, DIMS (n_rows, n), x);
  net_case_weight (&c, RT_TYPE_I32, 1, DIMS (n), columns);
  net_case_node (&c, &rt_op_spread, &attrs, NULL);
  net_case_run_threads (&c, r);
  assert_shape (&r[0], 2, DIMS (n_rows, n_columns));
  for (int64_t i = 0; i < n_rows * n_columns; i++)
    g_assert_true (net_result_get (&r[0], (gsize)i) == expected[i]); /* moved, not computed */
  net_results_clear (r);
  net_case_run (&c, 0, r);
  for (int64_t i = 0; i < n_rows * n_columns; i++)
    g_assert_true (net_result_get (&r[0], (gsize)i) == expected[i]);
  net_results_clear (r);
  net_case_clear (&c);
}

static void
test_spread (void)
{
  NetCase c;

  net_case_init (&c);
  add_floats (&c, 2, DIMS (2, 3), NUMBERS (1, 2, 3, 4, 5, 6));
  add_indices (&c, RT_TYPE_I32, 1, DIMS (3), NUMBERS (0, 2, 5), TRUE);
  expect (&c, &rt_op_spread, &(RtSpreadAttrs){ 6, -1 }, 2, DIMS (2, 6),
          NUMBERS (1, -1, 2, -1, -1, 3, 4, -1, 5, -1, -1, 6));
  check_spread (1, 1, 1, 0);
  check_spread (1, 512, 1024, -INFINITY);
  check_spread (17, 1, 1000, -INFINITY);
  check_spread (3, 700, 700, 7);
  check_spread (33, 97, 4099, -INFINITY);

  /* Columns rise, are constant whole numbers below the new width, and one for each of the old. */
  static const double falling[] = { 0, 2, 1 }, twice[] = { 0, 2, 2 }, wide[] = { 0, 2, 6 },
                      negative[] = { -1, 2, 3 };
  const double *const wrong[] = { falling, twice, wide, negative };
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      net_case_init (&c);
      add_count (&c, 2, DIMS (2, 3));
      add_indices (&c, RT_TYPE_I32, 1, DIMS (3), wrong[i], TRUE);
      refused (&c, &rt_op_spread, &(RtSpreadAttrs){ 6, 0 }, "*not a rising number below 6*");
    }
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  add_indices (&c, RT_TYPE_I32, 1, DIMS (2), NUMBERS (0, 1), TRUE);
  refused (&c, &rt_op_spread, &(RtSpreadAttrs){ 6, 0 }, "*expected 3 constant i32 column numbers*");
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  add_indices (&c, RT_TYPE_I32, 1, DIMS (3), NUMBERS (0, 1, 2), FALSE);
  refused (&c, &rt_op_spread, &(RtSpreadAttrs){ 6, 0 }, "*expected 3 constant i32 column numbers*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST (scatter_elements);
  TEST (scatter_nd);
  TEST (arg);
  TEST (top_k);
  TEST (one_hot);
  TEST (places);
  TEST (selected);
  TEST (spread);
  return g_test_run ();
}
