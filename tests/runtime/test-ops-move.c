/* The operators that move, index and select: on several numbers of threads, against their plain
 * references, and against examples worked out by hand from the definitions in the ONNX operator
 * documentation. */
#include "move-case.h"

static const int all_types[] = { RT_TYPE_F32, RT_TYPE_F16, RT_TYPE_F64, RT_TYPE_I8,  RT_TYPE_U8,
                                 RT_TYPE_I16, RT_TYPE_I32, RT_TYPE_I64, RT_TYPE_BOOL };
/* One of each size. */
static const int size_types[] = { RT_TYPE_F32, RT_TYPE_I8, RT_TYPE_I16, RT_TYPE_I64 };

/* ---- shape and order ---- */

static void
test_reshape (void)
{
  NetCase c;

  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 6));
  expect (&c, &rt_op_reshape, &(RtShapeAttrs){ { 3, { 3, 1, 4 } } }, 3, DIMS (3, 1, 4),
          NUMBERS (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  net_case_init (&c);
  add_count (&c, 1, DIMS (1));
  expect (&c, &rt_op_reshape, &(RtShapeAttrs){ { 0 } }, 0, DIMS (0), NUMBERS (0));
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F16, 3, DIMS (31, 17, 129), -5, 5);
  check (&c, &rt_op_reshape, &(RtShapeAttrs){ { 2, { 17, 31 * 129 } } });
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 6));
  refused (&c, &rt_op_reshape, &(RtShapeAttrs){ { 2, { 3, 5 } } },
           "*?2, 6] and the new shape ?3, 5] differ*");
}

static void
test_transpose (void)
{
  NetCase c;

  net_case_init (&c);
  add_count (&c, 3, DIMS (1, 2, 3));
  expect (&c, &rt_op_transpose, &(RtTransposeAttrs){ { 2, 0, 1 } }, 3, DIMS (3, 1, 2),
          NUMBERS (0, 3, 1, 4, 2, 5));

  /* Layouts of networks, and any order of up to 8 dimensions. */
  static const int64_t shapes[][4] = {
    { 1, 3, 57, 61 }, { 2, 16, 33, 20 }, { 1, 57, 61, 3 },
    { 1, 1, 5, 64 },  { 1, 130, 7, 67 }, { 1, 4, 100, 4 },
  };
  static const uint32_t perms[][4]
      = { { 0, 2, 3, 1 }, { 0, 3, 1, 2 }, { 3, 2, 1, 0 }, { 0, 2, 1, 3 }, { 2, 3, 0, 1 } };
  for (gsize t = 0; t < G_N_ELEMENTS (size_types); t++)
    for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
      for (gsize p = 0; p < G_N_ELEMENTS (perms); p++)
        {
          RtTransposeAttrs attrs = { 0 };
          memcpy (attrs.perm, perms[p], sizeof perms[p]);
          net_case_init (&c);
          net_case_random_input (&c, size_types[t], 4, shapes[i], -100, 100);
          check (&c, &rt_op_transpose, &attrs);
        }
  for (int i = 0; i < 60; i++)
    {
      RtTransposeAttrs attrs = { 0 };
      uint32_t n_dims = (uint32_t)g_test_rand_int_range (0, 9);
      int64_t dims[RT_MAX_DIMS];
      random_dims (dims, n_dims, n_dims > 5 ? 3 : 9);
      for (uint32_t k = 0; k < n_dims; k++)
        attrs.perm[k] = k;
      for (uint32_t k = n_dims; k > 1; k--)
        {
          uint32_t j = (uint32_t)g_test_rand_int_range (0, (int)k), kept = attrs.perm[k - 1];
          attrs.perm[k - 1] = attrs.perm[j];
          attrs.perm[j] = kept;
        }
      net_case_init (&c);
      net_case_random_input (&c, size_types[i % 4], n_dims, dims, -100, 100);
      check (&c, &rt_op_transpose, &attrs);
    }
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  refused (&c, &rt_op_transpose, &(RtTransposeAttrs){ { 1, 1 } }, "*number 1 in place 1*");
}

static void
test_concat (void)
{
  NetCase c;

  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 2));
  add_floats (&c, 2, DIMS (2, 1), NUMBERS (7, 8));
  expect (&c, &rt_op_concat, &(RtAxisAttrs){ -1 }, 2, DIMS (2, 3), NUMBERS (0, 1, 7, 2, 3, 8));
  net_case_init (&c);
  add_count (&c, 2, DIMS (1, 2));
  add_floats (&c, 2, DIMS (2, 2), NUMBERS (7, 8, 9, 10));
  add_floats (&c, 2, DIMS (0, 2), NUMBERS (0));
  expect (&c, &rt_op_concat, &(RtAxisAttrs){ 0 }, 2, DIMS (3, 2), NUMBERS (0, 1, 7, 8, 9, 10));

  for (int axis = 0; axis < 4; axis++)
    for (gsize t = 0; t < G_N_ELEMENTS (size_types); t++)
      {
        net_case_init (&c);
        for (int i = 0; i < 11; i++)
          {
            int64_t dims[4] = { 2, 9, 17, 24 };
            dims[axis] = g_test_rand_int_range (1, 20);
            net_case_random_input (&c, size_types[t], 4, dims, -100, 100);
          }
        check (&c, &rt_op_concat, &(RtAxisAttrs){ axis });
      }
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 2));
  add_count (&c, 2, DIMS (3, 1));
  refused (&c, &rt_op_concat, &(RtAxisAttrs){ 1 }, "*in1: shape ?3, 1] and ?2, 2] of in0*");
}

static void
test_slice (void)
{
  NetCase c;

  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 4));
  expect (&c, &rt_op_slice, &(RtSliceAttrs){ 2, { 0, 1 }, { 1, 0 }, { 2, 3 }, { 1, 2 } }, 2,
          DIMS (1, 2), NUMBERS (4, 6));
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 4));
  expect (&c, &rt_op_slice, &(RtSliceAttrs){ 2, { 0, 1 }, { 0, 1 }, { -1, 1000 }, { 1, 1 } }, 2,
          DIMS (1, 3), NUMBERS (1, 2, 3));
  net_case_init (&c);
  add_count (&c, 1, DIMS (5));
  expect (&c, &rt_op_slice, &(RtSliceAttrs){ 1, { -1 }, { 100 }, { INT64_MIN }, { -2 } }, 1,
          DIMS (3), NUMBERS (4, 2, 0));
  net_case_init (&c);
  add_count (&c, 1, DIMS (5));
  expect (&c, &rt_op_slice, &(RtSliceAttrs){ 1, { 0 }, { -2 }, { 0 }, { -1 } }, 1, DIMS (3),
          NUMBERS (3, 2, 1));
  net_case_init (&c);
  add_count (&c, 1, DIMS (5));
  expect (&c, &rt_op_slice, &(RtSliceAttrs){ 1, { 0 }, { 3 }, { INT64_MAX }, { INT64_MAX } }, 1,
          DIMS (1), NUMBERS (3));
  net_case_init (&c);
  add_count (&c, 1, DIMS (5));
  expect (&c, &rt_op_slice, &(RtSliceAttrs){ 1, { 0 }, { 3 }, { 2 }, { 1 } }, 1, DIMS (0),
          NUMBERS (0));

  for (int i = 0; i < 80; i++)
    {
      RtSliceAttrs attrs = { .n_axes = 4 };
      int64_t dims[4];
      random_dims (dims, 4, 21);
      for (int k = 0; k < 4; k++)
        {
          attrs.axes[k] = k - (i % 2 ? 4 : 0);
          attrs.starts[k] = g_test_rand_int_range (-24, 24);
          attrs.ends[k] = g_test_rand_int_range (-24, 24);
          attrs.steps[k] = g_test_rand_int_range (1, 4) * (g_test_rand_int_range (0, 2) * 2 - 1);
          if (g_test_rand_int_range (0, 3) > 0)
            {
              attrs.starts[k] = attrs.steps[k] > 0 ? 0 : INT64_MAX;
              attrs.ends[k] = attrs.steps[k] > 0 ? INT64_MAX : INT64_MIN;
            }
        }
      net_case_init (&c);
      net_case_random_input (&c, size_types[i % 4], 4, dims, -100, 100);
      check (&c, &rt_op_slice, &attrs);
    }
  net_case_init (&c);
  add_count (&c, 1, DIMS (5));
  refused (&c, &rt_op_slice, &(RtSliceAttrs){ 1, { 0 }, { 0 }, { 2 }, { 0 } }, "*step*is 0*");
  net_case_init (&c);
  add_count (&c, 1, DIMS (5));
  refused (&c, &rt_op_slice, &(RtSliceAttrs){ 1, { 1 }, { 0 }, { 2 }, { 1 } }, "*axis 1 of 1*");
}

static void
test_pad (void)
{
  NetCase c;
  RtPadAttrs attrs = { .before = { 0, 2 }, .after = { 0, 1 }, .value = 9 };

  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  expect (&c, &rt_op_pad, &attrs, 2, DIMS (2, 6), NUMBERS (9, 9, 0, 1, 2, 9, 9, 9, 3, 4, 5, 9));
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  add_floats (&c, 0, DIMS (0), NUMBERS (-1));
  expect (&c, &rt_op_pad, &attrs, 2, DIMS (2, 6),
          NUMBERS (-1, -1, 0, 1, 2, -1, -1, -1, 3, 4, 5, -1));
  static const double expected[][12] = {
    { 2, 1, 0, 1, 2, 1, 5, 4, 3, 4, 5, 4 }, /* reflect */
    { 1, 0, 0, 1, 2, 2, 4, 3, 3, 4, 5, 5 }, /* symmetric */
    { 0, 0, 0, 1, 2, 2, 3, 3, 3, 4, 5, 5 }, /* edge */
    { 1, 2, 0, 1, 2, 0, 4, 5, 3, 4, 5, 3 }, /* wrap */
  };
  for (uint32_t mode = RT_PAD_REFLECT; mode <= RT_PAD_WRAP; mode++)
    {
      attrs.mode = mode;
      net_case_init (&c);
      add_count (&c, 2, DIMS (2, 3));
      expect (&c, &rt_op_pad, &attrs, 2, DIMS (2, 6), expected[mode - 1]);
    }
  for (int i = 0; i < 150; i++)
    {
      RtPadAttrs a = { .mode = (uint32_t)i % 5, .value = 3 };
      int64_t dims[4];
      random_dims (dims, 4, i % 3 == 0 ? 2 : 20);
      for (int k = 0; k < 4; k++)
        {
          a.before[k] = g_test_rand_int_range (-(int)MIN (dims[k] / 2, 3), 5);
          a.after[k] = g_test_rand_int_range (-(int)MIN (dims[k] / 2, 3), 5);
          if (g_test_rand_int_range (0, 2))
            a.before[k] = a.after[k] = 0;
        }
      net_case_init (&c);
      net_case_random_input (&c, all_types[i % 9], 4, dims, -100, 100);
      check (&c, &rt_op_pad, &a);
    }
  net_case_init (&c);
  add_count (&c, 1, DIMS (3));
  refused (&c, &rt_op_pad, &(RtPadAttrs){ .before = { -2 }, .after = { -2 } }, "*has 3 elements*");
}

static void
test_expand (void)
{
  NetCase c;

  net_case_init (&c);
  add_count (&c, 2, DIMS (3, 1));
  expect (&c, &rt_op_expand, &(RtShapeAttrs){ { 3, { 2, 1, 2 } } }, 3, DIMS (2, 3, 2),
          NUMBERS (0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2));
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 2));
  expect (&c, &rt_op_tile, &(RtTileAttrs){ { 1, 2 } }, 2, DIMS (2, 4),
          NUMBERS (0, 1, 0, 1, 2, 3, 2, 3));
  for (int i = 0; i < 60; i++)
    {
      RtShapeAttrs shape = { .shape.n_dims = 4 };
      RtTileAttrs tile = { 0 };
      int64_t dims[4];
      random_dims (dims, 4, 9);
      for (int k = 0; k < 4; k++)
        {
          tile.repeats[k] = g_test_rand_int_range (0, 4 + (i & 3));
          shape.shape.dims[k] = dims[k];
          if (g_test_rand_int_range (0, 2))
            dims[k] = 1;
          else if (g_test_rand_int_range (0, 2))
            shape.shape.dims[k] = 1;
        }
      net_case_init (&c);
      net_case_random_input (&c, size_types[i % 4], 4, dims, -100, 100);
      check (&c, &rt_op_expand, &shape);
      net_case_init (&c);
      net_case_random_input (&c, size_types[i % 4], 4, dims, -100, 100);
      check (&c, &rt_op_tile, &tile);
    }
  net_case_init (&c);
  add_count (&c, 1, DIMS (3));
  refused (&c, &rt_op_expand, &(RtShapeAttrs){ { 1, { 2 } } }, "*do not broadcast*");
}

static void
test_reverse (void)
{
  NetCase c;

  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  expect (&c, &rt_op_reverse, &(RtAxesAttrs){ 1, { 1 }, { 0 } }, 2, DIMS (2, 3),
          NUMBERS (2, 1, 0, 5, 4, 3));
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  expect (&c, &rt_op_roll, &(RtAxesAttrs){ 2, { 1, 0 }, { 1, -1 } }, 2, DIMS (2, 3),
          NUMBERS (5, 3, 4, 2, 0, 1));
  /* The documentation's example: time along axis 0, batch along axis 1. */
  net_case_init (&c);
  add_floats (&c, 2, DIMS (4, 4), NUMBERS (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  add_indices (&c, RT_TYPE_I64, 1, DIMS (4), NUMBERS (4, 3, 2, 1), FALSE);
  expect (&c, &rt_op_reverse_sequence, &(RtReverseSequenceAttrs){ .batch_axis = 1, .time_axis = 0 },
          2, DIMS (4, 4), NUMBERS (3, 6, 9, 12, 2, 5, 8, 13, 1, 4, 10, 14, 0, 7, 11, 15));
  for (int i = 0; i < 40; i++)
    {
      RtAxesAttrs attrs = { .n_axes = 2, .axes = { i % 4, -1 - i % 3 } };
      int64_t dims[4];
      random_dims (dims, 4, 15);
      attrs.shifts[0] = g_test_rand_int_range (-30, 30);
      attrs.shifts[1] = g_test_rand_int_range (-30, 30);
      net_case_init (&c);
      net_case_random_input (&c, size_types[i % 4], 4, dims, -100, 100);
      check (&c, &rt_op_reverse, &attrs);
      net_case_init (&c);
      net_case_random_input (&c, size_types[i % 4], 4, dims, -100, 100);
      check (&c, &rt_op_roll, &attrs);
      int batch = i % 4, time = (batch + 1 + i / 4 % 3) % 4;
      net_case_init (&c);
      net_case_random_input (&c, size_types[i % 4], 4, dims, -100, 100);
      net_case_random_input (&c, RT_TYPE_I32, 1, &dims[batch], 0, (double)dims[time] + 0.9);
      check (&c, &rt_op_reverse_sequence, &(RtReverseSequenceAttrs){ batch, time });
    }
}

static void
test_blocks (void)
{
  NetCase c;

  /* Channels (0 1 2 3) of one pixel become a block of 2 x 2. */
  net_case_init (&c);
  add_floats (&c, 4, DIMS (1, 8, 1, 1), NUMBERS (0, 1, 2, 3, 4, 5, 6, 7));
  expect (&c, &rt_op_depth_to_space, &(RtBlockAttrs){ 2, 0, 1 }, 4, DIMS (1, 2, 2, 2),
          NUMBERS (0, 2, 4, 6, 1, 3, 5, 7));
  net_case_init (&c);
  add_floats (&c, 4, DIMS (1, 8, 1, 1), NUMBERS (0, 1, 2, 3, 4, 5, 6, 7));
  expect (&c, &rt_op_depth_to_space, &(RtBlockAttrs){ 2, 1, 1 }, 4, DIMS (1, 2, 2, 2),
          NUMBERS (0, 1, 2, 3, 4, 5, 6, 7));
  net_case_init (&c);
  add_count (&c, 4, DIMS (1, 2, 4, 1));
  expect (&c, &rt_op_space_to_depth, &(RtBlockAttrs){ 2, 0, 0 }, 4, DIMS (1, 1, 2, 4),
          NUMBERS (0, 1, 4, 5, 2, 3, 6, 7));
  net_case_init (&c);
  add_count (&c, 4, DIMS (1, 1, 2, 4));
  expect (&c, &rt_op_space_to_depth, &(RtBlockAttrs){ 2, 0, 1 }, 4, DIMS (1, 4, 1, 2),
          NUMBERS (0, 2, 1, 3, 4, 6, 5, 7));
  for (int i = 0; i < 48; i++)
    {
      RtBlockAttrs attrs = { (uint32_t)(1 + i % 3), (uint32_t)i / 3 % 2, (uint32_t)i / 6 % 2 };
      int64_t b = attrs.block, n = g_test_rand_int_range (1, 20), h = g_test_rand_int_range (1, 12);
      int64_t w = g_test_rand_int_range (1, 30);
      net_case_init (&c);
      net_case_random_input (&c, size_types[i % 4], 4,
                             attrs.channels_first ? DIMS (2, n, h * b, w * b)
                                                  : DIMS (2, h * b, w * b, n),
                             -100, 100);
      check (&c, &rt_op_space_to_depth, &attrs);
      net_case_init (&c);
      net_case_random_input (&c, size_types[i % 4], 4,
                             attrs.channels_first ? DIMS (2, n * b * b, h, w)
                                                  : DIMS (2, h, w, n * b * b),
                             -100, 100);
      check (&c, &rt_op_depth_to_space, &attrs);
    }
  net_case_init (&c);
  add_count (&c, 4, DIMS (1, 1, 3, 4));
  refused (&c, &rt_op_space_to_depth, &(RtBlockAttrs){ 2, 0, 1 }, "*no multiples of 2*");
}

/* ---- indexing ---- */

static void
test_gather (void)
{
  NetCase c;

  for (int constant = 0; constant < 2; constant++)
    {
      net_case_init (&c);
      add_floats (&c, 2, DIMS (3, 3), NUMBERS (1, 1.2, 1.9, 2.3, 3.4, 3.9, 4.5, 5.7, 5.9));
      add_indices (&c, RT_TYPE_I64, 2, DIMS (1, 2), NUMBERS (0, -1), constant);
      expect (&c, &rt_op_gather, &(RtGatherAttrs){ 1, 0 }, 3, DIMS (3, 1, 2),
              NUMBERS (1, 1.9, 2.3, 3.9, 4.5, 5.9));
    }
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  add_indices (&c, RT_TYPE_I32, 0, DIMS (0), NUMBERS (1), TRUE);
  expect (&c, &rt_op_gather, &(RtGatherAttrs){ 0, 0 }, 1, DIMS (3), NUMBERS (3, 4, 5));
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  add_indices (&c, RT_TYPE_I32, 2, DIMS (2, 2), NUMBERS (2, 0, 1, 1), TRUE);
  expect (&c, &rt_op_gather, &(RtGatherAttrs){ 1, 1 }, 2, DIMS (2, 2), NUMBERS (2, 0, 4, 4));
  for (int i = 0; i < 60; i++)
    {
      int64_t dims[4], at[3];
      int axis = i % 4;
      uint32_t batch = (uint32_t)g_test_rand_int_range (0, MIN (axis, 2) + 1);
      random_dims (dims, 4, 12);
      random_dims (at, 3, 6);
      memcpy (at, dims, batch * sizeof *at);
      net_case_init (&c);
      net_case_random_input (&c, size_types[i / 4 % 4], 4, dims, -100, 100);
      /* Some lie outside, and are clamped. */
      net_case_random_input (&c, i % 2 ? RT_TYPE_I32 : RT_TYPE_I64, 3, at, -(double)dims[axis] - 1,
                             (double)dims[axis] + 1);
      check (&c, &rt_op_gather, &(RtGatherAttrs){ axis, batch });
    }
  net_case_init (&c);
  add_count (&c, 2, DIMS (2, 3));
  add_indices (&c, RT_TYPE_I32, 1, DIMS (2), NUMBERS (0, 2), TRUE);
  refused (&c, &rt_op_gather, &(RtGatherAttrs){ 0, 0 }, "*index 1 is 2, expected -2 to 1*");
}

static void
test_gather_elements (void)
{
  NetCase c;

  net_case_init (&c);
  add_floats (&c, 2, DIMS (3, 3), NUMBERS (1, 2, 3, 4, 5, 6, 7, 8, 9));
  add_indices (&c, RT_TYPE_I64, 2, DIMS (2, 3), NUMBERS (1, 2, 0, 2, 0, 0), FALSE);
  expect (&c, &rt_op_gather_elements, &(RtAxisAttrs){ 0 }, 2, DIMS (2, 3),
          NUMBERS (4, 8, 3, 7, 2, 3));
  /* gather_nd: rows of coordinates, then with one batch dimension. */
  net_case_init (&c);
  add_count (&c, 3, DIMS (2, 2, 2));
  add_indices (&c, RT_TYPE_I64, 3, DIMS (2, 1, 2), NUMBERS (0, 1, 1, 0), FALSE);
  expect (&c, &rt_op_gather_nd, &(RtGatherNdAttrs){ 0 }, 3, DIMS (2, 1, 2), NUMBERS (2, 3, 4, 5));
  net_case_init (&c);
  add_count (&c, 3, DIMS (2, 2, 2));
  add_indices (&c, RT_TYPE_I64, 2, DIMS (2, 1), NUMBERS (1, 0), FALSE);
  expect (&c, &rt_op_gather_nd, &(RtGatherNdAttrs){ 1 }, 2, DIMS (2, 2), NUMBERS (2, 3, 4, 5));
  for (int i = 0; i < 60; i++)
    {
      int64_t dims[4], at[4];
      int axis = i % 4;
      random_dims (dims, 4, 12);
      random_dims (at, 4, 12);
      for (int k = 0; k < 4; k++)
        if (k != axis)
          at[k] = MIN (at[k], dims[k]);
      net_case_init (&c);
      net_case_random_input (&c, size_types[i / 4 % 4], 4, dims, -100, 100);
      net_case_random_input (&c, RT_TYPE_I32, 4, at, -(double)dims[axis], (double)dims[axis]);
      check (&c, &rt_op_gather_elements, &(RtAxisAttrs){ axis - 4 });

      uint32_t batch = (uint32_t)i % 3;
      int64_t rows[4] = { dims[0], dims[1], 5, 1 + i % 2 };
      if (batch < 2)
        rows[1] = 7;
      if (batch < 1)
        rows[0] = 3;
      net_case_init (&c);
      net_case_random_input (&c, size_types[i / 4 % 4], 4, dims, -100, 100);
      net_case_random_input (&c, RT_TYPE_I64, 4, rows, -12, 12);
      check (&c, &rt_op_gather_nd, &(RtGatherNdAttrs){ batch });
    }
}

static void
test_where (void)
{
  NetCase c;

  net_case_init (&c);
  net_case_input (&c, RT_TYPE_BOOL, 2, DIMS (2, 2), (const uint8_t[]){ 1, 0, 1, 1 });
  add_floats (&c, 2, DIMS (2, 2), NUMBERS (1, 2, 3, 4));
  add_floats (&c, 1, DIMS (2), NUMBERS (9, 8));
  expect (&c, &rt_op_where, NULL, 2, DIMS (2, 2), NUMBERS (1, 8, 3, 4));
  for (int i = 0; i < 60; i++)
    {
      int64_t dims[4];
      random_dims (dims, 4, 16);
      net_case_init (&c);
      for (int k = 0; k < 3; k++)
        {
          int64_t mine[4];
          int n_less = g_test_rand_int_range (0, 3);
          memcpy (mine, dims, sizeof mine);
          for (int d = 0; d < 4; d++)
            if (g_test_rand_int_range (0, 3) == 0)
              mine[d] = 1;
          net_case_random_input (&c, k == 0 ? RT_TYPE_BOOL : all_types[i % 9],
                                 (uint32_t)(4 - n_less), mine + n_less, -100, 100);
        }
      check (&c, &rt_op_where, NULL);
    }
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_BOOL, 1, DIMS (100003), 0, 2);
  net_case_random_input (&c, RT_TYPE_F32, 1, DIMS (100003), 0, 2);
  net_case_random_input (&c, RT_TYPE_F32, 0, DIMS (0), 0, 2);
  check (&c, &rt_op_where, NULL);
}

static void
cast_one (int from, int to, double x, double expected)
{
  NetCase c;
  int64_t wide = (int64_t)x;
  double d = x;

  net_case_init (&c);
  net_case_input (&c, from, 1, DIMS (1), from == RT_TYPE_F64 ? (const void *)&d : &wide);
  expect (&c, &rt_op_cast, &(RtTypeAttrs){ to }, 1, DIMS (1), &expected);
}

static void
test_cast (void)
{
  NetCase c;

  cast_one (RT_TYPE_F64, RT_TYPE_I32, -2.9, -2);
  cast_one (RT_TYPE_F64, RT_TYPE_U8, 300.5, 44); /* the low bits of 300 */
  cast_one (RT_TYPE_F64, RT_TYPE_I8, -129, 127);
  cast_one (RT_TYPE_F64, RT_TYPE_BOOL, -0.5, 1);
  cast_one (RT_TYPE_F64, RT_TYPE_BOOL, NAN, 1);
  cast_one (RT_TYPE_F64, RT_TYPE_I64, NAN, -0x1p63);
  cast_one (RT_TYPE_F64, RT_TYPE_U64, 0x1.8p63, 0x1.8p63);
  cast_one (RT_TYPE_F64, RT_TYPE_F16, 65519, 65504);
  cast_one (RT_TYPE_F64, RT_TYPE_F16, 65520, INFINITY);
  cast_one (RT_TYPE_F64, RT_TYPE_F16, 0x1.002001p0, 0x1.004p0); /* rounding twice gives 1 */
  cast_one (RT_TYPE_F64, RT_TYPE_F16, 0x1p-25, 0);
  cast_one (RT_TYPE_F64, RT_TYPE_F16, 0x1.8p-25, 0x1p-24);
  cast_one (RT_TYPE_F64, RT_TYPE_BF16, 0x1.01p0, 1); /* a tie goes to even */
  cast_one (RT_TYPE_F64, RT_TYPE_BF16, 0x1.03p0, 0x1.04p0);
  cast_one (RT_TYPE_I64, RT_TYPE_F32, 16777219, 16777220);
  cast_one (RT_TYPE_I64, RT_TYPE_I32, 4294967297.0, 1);
  cast_one (RT_TYPE_I64, RT_TYPE_BOOL, 256, 1);
  for (gsize from = 0; from < G_N_ELEMENTS (all_types); from++)
    for (gsize to = 0; to < G_N_ELEMENTS (all_types); to++)
      {
        net_case_init (&c);
        net_case_random_input (&c, all_types[from], 3, DIMS (3, 41, 301), -140, 140);
        check (&c, &rt_op_cast, &(RtTypeAttrs){ all_types[to] });
      }
}

#define TEST(name) g_test_add_func ("/runtime/ops-move/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST (reshape);
  TEST (transpose);
  TEST (concat);
  TEST (slice);
  TEST (pad);
  TEST (expand);
  TEST (reverse);
  TEST (blocks);
  TEST (gather);
  TEST (gather_elements);
  TEST (where);
  TEST (cast);
  return g_test_run ();
}
