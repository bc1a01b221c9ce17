/* Resampling: resize and the picture operator, on several numbers of threads, against their plain
 * references and against examples worked out by hand. */
#include "move-case.h"

/* Threads and reference, then output 0. @relative and @absolute: run against reference. */
static void
expect_near (NetCase *c, const RtOp *op, const void *attrs, uint32_t n_dims, const int64_t *dims,
             const double *numbers)
{
  NetResult r[RT_MAX_OUTPUTS];

  net_case_node (c, op, attrs, NULL);
  net_case_check (c, 1e-6, 1e-5);
  net_case_run_threads (c, r);
  assert_shape (&r[0], n_dims, dims);
  net_result_check (&r[0], numbers, (gsize)product (n_dims, dims), 1e-6, 1e-6);
  net_results_clear (r);
  net_case_clear (c);
}

static void
check_near (NetCase *c, const RtOp *op, const void *attrs)
{
  net_case_node (c, op, attrs, NULL);
  net_case_check (c, 1e-6, 2e-4);
  net_case_clear (c);
}

static RtResizeAttrs
resize_attrs (uint32_t mode, uint32_t coordinates, int64_t h, int64_t w)
{
  return (RtResizeAttrs){
    .mode = mode, .coordinates = coordinates, .shape = { 4, { 1, 1, h, w } }, .cubic_a = -0.75f
  };
}

static void
test_nearest (void)
{
  NetCase c;
  RtResizeAttrs attrs = resize_attrs (RT_RESIZE_NEAREST, RT_COORDINATES_HALF_PIXEL, 4, 6);

  net_case_init (&c);
  add_floats (&c, 4, DIMS (1, 1, 2, 2), NUMBERS (1, 2, 3, 4));
  expect_near (&c, &rt_op_resize, &attrs, 4, DIMS (1, 1, 4, 6),
               NUMBERS (1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4));
  attrs = resize_attrs (RT_RESIZE_NEAREST, RT_COORDINATES_HALF_PIXEL, 1, 2);
  attrs.scales[2] = attrs.scales[3] = 0.6f;
  net_case_init (&c);
  add_floats (&c, 4, DIMS (1, 1, 2, 4), NUMBERS (1, 2, 3, 4, 5, 6, 7, 8));
  expect_near (&c, &rt_op_resize, &attrs, 4, DIMS (1, 1, 1, 2), NUMBERS (1, 3));
  /* Roundings of 0, 0.5, 1, 1.5: coordinates of 2 -> 4 without half pixels. */
  static const double rounded[][4]
      = { { 1, 1, 2, 2 }, { 1, 2, 2, 2 }, { 1, 1, 2, 2 }, { 1, 2, 2, 2 } };
  for (uint32_t rounding = RT_ROUND_PREFER_FLOOR; rounding <= RT_ROUND_CEIL; rounding++)
    {
      attrs = resize_attrs (RT_RESIZE_NEAREST, RT_COORDINATES_ASYMMETRIC, 1, 4);
      attrs.rounding = rounding;
      net_case_init (&c);
      add_floats (&c, 4, DIMS (1, 1, 1, 2), NUMBERS (1, 2));
      expect_near (&c, &rt_op_resize, &attrs, 4, DIMS (1, 1, 1, 4), rounded[rounding]);
    }
}

static void
test_linear (void)
{
  NetCase c;
  RtResizeAttrs attrs = resize_attrs (RT_RESIZE_LINEAR, RT_COORDINATES_HALF_PIXEL, 4, 4);

  net_case_init (&c);
  add_floats (&c, 4, DIMS (1, 1, 2, 2), NUMBERS (1, 2, 3, 4));
  expect_near (&c, &rt_op_resize, &attrs, 4, DIMS (1, 1, 4, 4),
               NUMBERS (1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75,
                        4));
  attrs.coordinates = RT_COORDINATES_ALIGN_CORNERS;
  net_case_init (&c);
  add_floats (&c, 4, DIMS (1, 1, 2, 2), NUMBERS (1, 2, 3, 4));
  expect_near (&c, &rt_op_resize, &attrs, 4, DIMS (1, 1, 4, 4),
               NUMBERS (1, 4 / 3., 5 / 3., 2, 5 / 3., 2, 7 / 3., 8 / 3., 7 / 3., 8 / 3., 3, 10 / 3.,
                        3, 10 / 3., 11 / 3., 4));
  attrs = resize_attrs (RT_RESIZE_LINEAR, RT_COORDINATES_HALF_PIXEL, 1, 2);
  attrs.scales[2] = attrs.scales[3] = 0.6f;
  net_case_init (&c);
  add_floats (&c, 4, DIMS (1, 1, 2, 4), NUMBERS (1, 2, 3, 4, 5, 6, 7, 8));
  expect_near (&c, &rt_op_resize, &attrs, 4, DIMS (1, 1, 1, 2), NUMBERS (2.6666665, 4.3333331));

  /* A crop: rows 0.4 .. 0.6 and columns 0.6 .. 0.8 of 4 x 4; what lies outside has its own
   * value. */
  attrs = resize_attrs (RT_RESIZE_LINEAR, RT_COORDINATES_TF_CROP_AND_RESIZE, 3, 3);
  memcpy (attrs.roi_start, (float[]){ 0, 0, 0.4f, 0.6f }, 4 * sizeof (float));
  memcpy (attrs.roi_end, (float[]){ 1, 1, 0.6f, 0.8f }, 4 * sizeof (float));
  net_case_init (&c);
  add_floats (&c, 4, DIMS (1, 1, 4, 4),
              NUMBERS (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16));
  expect_near (&c, &rt_op_resize, &attrs, 4, DIMS (1, 1, 3, 3),
               NUMBERS (7.6000004, 7.9, 8.2, 8.8, 9.1, 9.400001, 10, 10.3, 10.6));
  attrs.roi_start[2] = -1.f / 3;
  attrs.roi_end[2] = 1;
  attrs.roi_start[3] = 0;
  attrs.roi_end[3] = 2;
  attrs.extrapolation = 10;
  net_case_init (&c);
  add_floats (&c, 4, DIMS (1, 1, 4, 4),
              NUMBERS (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16));
  expect_near (&c, &rt_op_resize, &attrs, 4, DIMS (1, 1, 3, 3),
               NUMBERS (10, 10, 10, 5, 8, 10, 13, 16, 10));
}

static void
test_cubic (void)
{
  NetCase c;
  RtResizeAttrs attrs = resize_attrs (RT_RESIZE_CUBIC, RT_COORDINATES_HALF_PIXEL, 1, 8);

  attrs.shape = (RtShape){ 2, { 8, 8 } };
  net_case_init (&c);
  add_floats (&c, 2, DIMS (4, 4), NUMBERS (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16));
  NetResult r[RT_MAX_OUTPUTS];
  net_case_node (&c, &rt_op_resize, &attrs, NULL);
  net_case_check (&c, 1e-6, 1e-5);
  net_case_run_threads (&c, r);
  static const double first_row[]
      = { 0.47265625, 0.76953125, 1.24609375, 1.875, 2.28125, 2.91015625, 3.38671875, 3.68359375 };
  assert_shape (&r[0], 2, DIMS (8, 8));
  for (gsize i = 0; i < 8; i++)
    g_assert_cmpfloat_with_epsilon (net_result_get (&r[0], i), first_row[i], 1e-6);
  net_results_clear (r);
  net_case_clear (&c);
  /* Only what lies inside: at -0.25 the taps 0 and 1 remain. */
  attrs.shape = (RtShape){ 1, { 4 } };
  attrs.exclude_outside = 1;
  net_case_init (&c);
  add_floats (&c, 1, DIMS (2), NUMBERS (0, 1));
  net_case_node (&c, &rt_op_resize, &attrs, NULL);
  net_case_run_threads (&c, r);
  /* Keys' weights at the distances 0.25 and 1.25, for a = -0.75. */
  const double near = 0.87890625, far = -0.10546875;
  g_assert_cmpfloat_with_epsilon (net_result_get (&r[0], 0), far / (near + far), 1e-6);
  net_results_clear (r);
  net_case_clear (&c);
}

static void
test_integers (void)
{
  NetCase c;
  RtResizeAttrs attrs = resize_attrs (RT_RESIZE_LINEAR, RT_COORDINATES_HALF_PIXEL, 1, 4);

  /* 2.5 and 7.5 are rounded away from zero. */
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_I8, 4, DIMS (1, 1, 1, 2), (const int8_t[]){ 0, -10 });
  expect (&c, &rt_op_resize, &attrs, 4, DIMS (1, 1, 1, 4), NUMBERS (0, -3, -8, -10));
  net_case_init (&c);
  net_case_input (&c, RT_TYPE_U8, 4, DIMS (1, 1, 1, 2), (const uint8_t[]){ 0, 250 });
  expect (&c, &rt_op_resize, &attrs, 4, DIMS (1, 1, 1, 4), NUMBERS (0, 63, 188, 250));
  for (int i = 0; i < 60; i++)
    {
      static const uint32_t coordinates[]
          = { RT_COORDINATES_HALF_PIXEL, RT_COORDINATES_ASYMMETRIC, RT_COORDINATES_ALIGN_CORNERS };
      int64_t dims[4] = { 2, 1, 1, 1 };
      RtResizeAttrs a = resize_attrs (RT_RESIZE_LINEAR, coordinates[i % 3], 1, 1);
      a.shape.dims[0] = 2;
      for (int k = 1; k < 4; k++)
        {
          dims[k] = a.shape.dims[k] = g_test_rand_int_range (1, 20);
          if (k != (i / 3 % 2 ? 1 : 3))
            a.shape.dims[k] = g_test_rand_int_range (1, 40);
        }
      net_case_init (&c);
      net_case_random_input (&c, i % 2 ? RT_TYPE_I8 : RT_TYPE_U8, 4, dims, i % 2 ? -128 : 0,
                             i % 2 ? 128 : 256);
      check (&c, &rt_op_resize, &a);
    }
  attrs = resize_attrs (RT_RESIZE_LINEAR, RT_COORDINATES_PYTORCH_HALF_PIXEL, 1, 4);
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_I8, 4, DIMS (1, 1, 1, 2), 0, 1);
  refused (&c, &rt_op_resize, &attrs, "*8-bit values with coordinates 3*");
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_I32, 4, DIMS (1, 1, 1, 2), 0, 1);
  refused (&c, &rt_op_resize, &attrs, "*i32 values are resized to the nearest only*");
}

/* Any mode, any dimensions, both layouts. */
static void
test_resize_random (void)
{
  NetCase c;

  for (int i = 0; i < 300; i++)
    {
      RtResizeAttrs attrs = { .mode = (uint32_t)i % 3,
                              .coordinates = (uint32_t)i / 3 % 7,
                              .rounding = (uint32_t)i % 4,
                              .cubic_a = -0.75f,
                              .extrapolation = 7,
                              .exclude_outside = (uint32_t)i / 5 % 2,
                              .shape.n_dims = 4 };
      int64_t dims[4];
      int n_changed = 0;
      for (int k = 0; k < 4; k++)
        {
          dims[k] = attrs.shape.dims[k] = g_test_rand_int_range (1, k == 3 ? 40 : 12);
          attrs.roi_start[k] = 0;
          attrs.roi_end[k] = 1;
          if (g_test_rand_int_range (0, 2) && n_changed++ < (i % 10 == 0 ? 4 : 2))
            {
              attrs.shape.dims[k] = g_test_rand_int_range (1, 24);
              attrs.roi_start[k] = (float)g_test_rand_double_range (-0.3, 0.5);
              attrs.roi_end[k] = (float)g_test_rand_double_range (0.5, 1.3);
            }
        }
      net_case_init (&c);
      if (attrs.mode == RT_RESIZE_NEAREST && i % 2)
        {
          net_case_random_input (&c, i % 4 == 1 ? RT_TYPE_I8 : RT_TYPE_I64, 4, dims, -100, 100);
          check (&c, &rt_op_resize, &attrs);
        }
      else
        {
          net_case_random_input (&c, RT_TYPE_F32, 4, dims, -100, 100);
          check_near (&c, &rt_op_resize, &attrs);
        }
    }
}

/* ---- pictures ---- */

static RtPictureAttrs
picture_attrs (uint32_t h, uint32_t w, uint32_t fit)
{
  return (RtPictureAttrs){ .height = h,
                           .width = w,
                           .fit = fit,
                           .type = RT_TYPE_F32,
                           .scale = { 1, 1, 1 },
                           .pad = { 7, 8, 9 } };
}

/* Red 0, 10, 20, ...; green 100 more, blue 200. */
static void
add_picture (NetCase *c, int64_t h, int64_t w)
{
  g_autofree uint8_t *x = g_malloc ((gsize)(h * w * 3));
  for (int64_t i = 0; i < h * w; i++)
    {
      x[3 * i] = (uint8_t)(10 * i);
      x[3 * i + 1] = 100;
      x[3 * i + 2] = 200;
    }
  net_case_input (c, RT_TYPE_U8, 3, DIMS (h, w, 3), x);
}

static void
test_picture (void)
{
  NetCase c;
  RtPictureAttrs attrs = picture_attrs (1, 1, RT_PICTURE_STRETCH);

  /* The mean of 0, 10, 20, 30. */
  net_case_init (&c);
  add_picture (&c, 2, 2);
  expect_near (&c, &rt_op_picture, &attrs, 4, DIMS (1, 1, 1, 3), NUMBERS (15, 100, 200));
  attrs.channels = RT_PICTURE_BGR;
  attrs.scale[0] = 0.5f;
  attrs.offset[2] = -1;
  net_case_init (&c);
  add_picture (&c, 2, 2);
  expect_near (&c, &rt_op_picture, &attrs, 4, DIMS (1, 1, 1, 3), NUMBERS (100, 100, 14));
  attrs = picture_attrs (1, 1, RT_PICTURE_STRETCH);
  attrs.channels = RT_PICTURE_GREY;
  attrs.type = RT_TYPE_I8;
  attrs.offset[0] = -128;
  net_case_init (&c);
  add_picture (&c, 2, 2);
  /* 0.299 * 15 + 58.7 + 22.8 = 85.985 */
  expect_near (&c, &rt_op_picture, &attrs, 4, DIMS (1, 1, 1, 1), NUMBERS (-42));

  /* The middle of 2 x 4. */
  attrs = picture_attrs (2, 2, RT_PICTURE_CROP);
  attrs.type = RT_TYPE_U8;
  net_case_init (&c);
  add_picture (&c, 2, 4);
  expect_near (&c, &rt_op_picture, &attrs, 4, DIMS (1, 2, 2, 3),
               NUMBERS (10, 100, 200, 20, 100, 200, 50, 100, 200, 60, 100, 200));
  /* Bands above and below. */
  attrs = picture_attrs (4, 2, RT_PICTURE_LETTERBOX);
  net_case_init (&c);
  add_picture (&c, 2, 2);
  expect_near (&c, &rt_op_picture, &attrs, 4, DIMS (1, 4, 2, 3),
               NUMBERS (7, 8, 9, 7, 8, 9, 0, 100, 200, 10, 100, 200, 20, 100, 200, 30, 100, 200, 7,
                        8, 9, 7, 8, 9));
  /* Twice as large: quarters. */
  attrs = picture_attrs (1, 4, RT_PICTURE_STRETCH);
  net_case_init (&c);
  add_picture (&c, 1, 2);
  expect_near (&c, &rt_op_picture, &attrs, 4, DIMS (1, 1, 4, 3),
               NUMBERS (0, 100, 200, 2.5, 100, 200, 7.5, 100, 200, 10, 100, 200));
  /* Four into two by the triangle of half width 2: around 1, pixels at 0.5, 1.5, 2.5 count 3, 3 and
   * 1 (of 7); around 3 it is mirrored. */
  attrs = picture_attrs (1, 2, RT_PICTURE_STRETCH);
  attrs.filter = RT_PICTURE_TRIANGLE;
  net_case_init (&c);
  add_picture (&c, 1, 4);
  expect_near (&c, &rt_op_picture, &attrs, 4, DIMS (1, 1, 2, 3),
               NUMBERS (50 / 7., 100, 200, 160 / 7., 100, 200));
}

static void
test_picture_random (void)
{
  NetCase c;

  for (int i = 0; i < 120; i++)
    {
      RtPictureAttrs attrs
          = picture_attrs ((uint32_t)g_test_rand_int_range (1, 70),
                           (uint32_t)g_test_rand_int_range (1, 70), (uint32_t)i % 3);
      attrs.filter = (uint32_t)i / 3 % 3;
      attrs.channels = (uint32_t)i / 9 % 3;
      attrs.zoom = i % 2 ? 0.875f : 0;
      net_case_init (&c);
      net_case_random_input (&c, RT_TYPE_U8, 3,
                             DIMS (g_test_rand_int_range (1, i % 4 ? 90 : 8),
                                   g_test_rand_int_range (1, i % 5 ? 250 : 8), 3),
                             0, 256);
      check_near (&c, &rt_op_picture, &attrs);
    }
  RtPictureFrame frame;
  rt_picture_frame (&(RtPictureAttrs){ .height = 10, .width = 10, .fit = RT_PICTURE_LETTERBOX }, 50,
                    100, &frame);
  g_assert_cmpfloat (frame.left, ==, 0);
  g_assert_cmpfloat (frame.top, ==, -25);
  g_assert_cmpfloat (frame.width, ==, 100);
  g_assert_cmpfloat (frame.height, ==, 100);
  RtPictureAttrs none = { .height = 0, .width = 3 };
  net_case_init (&c);
  add_picture (&c, 2, 2);
  refused (&c, &rt_op_picture, &none, "*a frame of 3 x 0 pixels*");
}

#define TEST(name) g_test_add_func ("/runtime/ops-resample/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST (nearest);
  TEST (linear);
  TEST (cubic);
  TEST (integers);
  TEST (resize_random);
  TEST (picture);
  TEST (picture_random);
  return g_test_run ();
}
