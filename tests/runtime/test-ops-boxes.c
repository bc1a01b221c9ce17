/* Boxes and places in feature maps: suppression, decoding, sampling. On several numbers of threads,
 * against references, and against examples worked out by hand from the definitions of ONNX and of
 * TFLite's detection post-processing. */
#include "move-case.h"

static void
expect_all (NetCase *c, const RtOp *op, const void *attrs, const double *const *numbers)
{
  NetResult r[RT_MAX_OUTPUTS];

  net_case_node (c, op, attrs, NULL);
  net_case_check (c, 1e-6, 1e-6);
  net_case_run_threads (c, r);
  for (uint32_t i = 0; i < op->n_outputs; i++)
    net_result_check (&r[i], numbers[i], (gsize)rt_shape_n (&r[i].shape), 2e-6, 2e-6);
  net_results_clear (r);
  net_case_clear (c);
}

/* Rows of boxes that overlap: the second and third cover much of the first, the fifth of the
 * fourth. */
#define ROW_BOXES                                                                                  \
  0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100, 1, 101

static void
test_nms (void)
{
  NetCase c;
  RtNmsAttrs attrs = { .max_per_class = 3, .iou_threshold = 0.5f };

  net_case_init (&c);
  add_floats (&c, 3, DIMS (1, 6, 4), NUMBERS (ROW_BOXES));
  add_floats (&c, 3, DIMS (1, 1, 6), NUMBERS (0.9, 0.75, 0.6, 0.95, 0.5, 0.3));
  expect_all (&c, &rt_op_nms, &attrs,
              (const double *const[]){ NUMBERS (0, 0, 3, 0, 0, 0, 0, 0, 5), NUMBERS (3) });
  attrs.has_score_threshold = 1;
  attrs.score_threshold = 0.4f;
  net_case_init (&c);
  add_floats (&c, 3, DIMS (1, 6, 4), NUMBERS (ROW_BOXES));
  add_floats (&c, 3, DIMS (1, 1, 6), NUMBERS (0.9, 0.75, 0.6, 0.95, 0.5, 0.3));
  expect_all (&c, &rt_op_nms, &attrs,
              (const double *const[]){ NUMBERS (0, 0, 3, 0, 0, 0, -1, -1, -1), NUMBERS (2) });
  /* Corners the other way round, and (x, y, w, h). */
  for (uint32_t center = 0; center < 2; center++)
    {
      attrs = (RtNmsAttrs){ .max_per_class = 2, .iou_threshold = 0.5f, .center_box = center };
      net_case_init (&c);
      add_floats (&c, 3, DIMS (1, 3, 4),
                  center ? NUMBERS (1, 2, 2, 4, 1.1, 2, 2, 4, 9, 9, 1, 1)
                         : NUMBERS (4, 2, 0, 0, 4, 2.1, 0, 0.1, 9, 9, 8, 8));
      add_floats (&c, 3, DIMS (1, 2, 3), NUMBERS (0.1, 0.2, 0.3, 0.3, 0.2, 0.1));
      expect_all (&c, &rt_op_nms, &attrs,
                  (const double *const[]){ NUMBERS (0, 0, 2, 0, 0, 1, 0, 1, 0, 0, 1, 2),
                                           NUMBERS (4) });
    }
  for (int i = 0; i < 40; i++)
    {
      int64_t n_batch = g_test_rand_int_range (1, 3), n = g_test_rand_int_range (1, 200);
      int64_t n_classes = g_test_rand_int_range (1, 7);
      attrs = (RtNmsAttrs){ .max_per_class = g_test_rand_int_range (0, 30),
                            .iou_threshold = 0.2f,
                            .has_score_threshold = (uint32_t)i & 1,
                            .score_threshold = 0.5f,
                            .center_box = (uint32_t)i / 2 % 2 };
      net_case_init (&c);
      net_case_random_input (&c, RT_TYPE_F32, 3, DIMS (n_batch, n, 4), 0, 1);
      net_case_random_input (&c, RT_TYPE_F32, 3, DIMS (n_batch, n_classes, n), 0, 1);
      check (&c, &rt_op_nms, &attrs);
    }
  net_case_init (&c);
  add_count (&c, 3, DIMS (1, 6, 4));
  add_count (&c, 3, DIMS (1, 1, 5));
  refused (&c, &rt_op_nms, &attrs, "*expected boxes*got ?1, 6, 4? and ?1, 1, 5?*");
}

static void
add_detector (NetCase *c)
{
  /* Three anchors of size 1; the second box lies 0.1 below the first. */
  add_floats (c, 3, DIMS (1, 3, 4), NUMBERS (0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
  add_floats (c, 3, DIMS (1, 3, 3), NUMBERS (0.1, 0.9, 0.2, 0, 0.8, 0.3, 0, 0.1, 0.7));
  add_floats (c, 2, DIMS (3, 4), NUMBERS (0.5, 0.5, 1, 1, 0.5, 0.5, 1, 1, 5.5, 0.5, 1, 1));
}

static void
test_detections (void)
{
  NetCase c;
  RtDetectionsAttrs attrs = { .max_detections = 3,
                              .max_classes_per_detection = 1,
                              .detections_per_class = 10,
                              .n_classes = 2,
                              .score_threshold = 0.25f,
                              .iou_threshold = 0.5f,
                              .y_scale = 10,
                              .x_scale = 10,
                              .h_scale = 5,
                              .w_scale = 5 };

  net_case_init (&c);
  add_detector (&c);
  expect_all (&c, &rt_op_detections, &attrs,
              (const double *const[]){ NUMBERS (0, 0, 1, 1, 5, 0, 6, 1, 0, 0, 0, 0),
                                       NUMBERS (0, 1, 0), NUMBERS (0.9, 0.7, 0), NUMBERS (2) });
  attrs.max_detections = 2;
  attrs.max_classes_per_detection = 2;
  net_case_init (&c);
  add_detector (&c);
  expect_all (&c, &rt_op_detections, &attrs,
              (const double *const[]){ NUMBERS (0, 0, 1, 1, 0, 0, 1, 1, 5, 0, 6, 1, 5, 0, 6, 1),
                                       NUMBERS (0, 1, 1, 0), NUMBERS (0.9, 0.2, 0.7, 0.1),
                                       NUMBERS (2) });
  attrs.max_detections = 4;
  attrs.max_classes_per_detection = 1;
  attrs.regular = 1;
  net_case_init (&c);
  add_detector (&c);
  expect_all (&c, &rt_op_detections, &attrs,
              (const double *const[]){ NUMBERS (0, 0, 1, 1, 5, 0, 6, 1, 0.1, 0, 1.1, 1, 0, 0, 0, 0),
                                       NUMBERS (0, 1, 1, 0), NUMBERS (0.9, 0.7, 0.3, 0),
                                       NUMBERS (3) });
  for (int i = 0; i < 20; i++)
    {
      int64_t n = g_test_rand_int_range (1, 700);
      attrs.n_classes = (uint32_t)g_test_rand_int_range (1, 30);
      attrs.max_detections = (uint32_t)g_test_rand_int_range (1, 40);
      attrs.max_classes_per_detection = (uint32_t)g_test_rand_int_range (1, 4);
      attrs.detections_per_class = (uint32_t)g_test_rand_int_range (1, 20);
      attrs.regular = (uint32_t)i & 1;
      net_case_init (&c);
      net_case_random_input (&c, RT_TYPE_F32, 3, DIMS (1, n, 4), -3, 3);
      net_case_random_input (&c, RT_TYPE_F32, 3, DIMS (1, n, attrs.n_classes + i / 2 % 2), 0, 1);
      net_case_random_weight (&c, RT_TYPE_F32, 2, DIMS (n, 4), 0, 1);
      check (&c, &rt_op_detections, &attrs);
    }
  net_case_init (&c);
  add_detector (&c);
  attrs.n_classes = 7;
  refused (&c, &rt_op_detections, &attrs, "*3 scores for 7 classes*");
}

static void
test_box_decode (void)
{
  NetCase c;
  RtBoxDecodeAttrs attrs
      = { .y_scale = 10, .x_scale = 10, .h_scale = 5, .w_scale = 5, .exponential = 1 };

  /* Twice as high, 0.1 of its width to the right. */
  net_case_init (&c);
  add_floats (&c, 3, DIMS (1, 1, 4), NUMBERS (0, 1, 5 * log (2), 0));
  add_floats (&c, 2, DIMS (1, 4), NUMBERS (0.5, 0.5, 0.2, 0.4));
  expect_all (&c, &rt_op_box_decode, &attrs,
              (const double *const[]){ NUMBERS (0.3, 0.34, 0.7, 0.74) });
  /* (x, y, w, h) in pixels of 128, then one point. */
  attrs = (RtBoxDecodeAttrs){ .y_scale = 128,
                              .x_scale = 128,
                              .h_scale = 128,
                              .w_scale = 128,
                              .x_first = 1,
                              .n_points = 1,
                              .box_offset = 1,
                              .points_offset = 5 };
  net_case_init (&c);
  add_floats (&c, 2, DIMS (1, 7), NUMBERS (99, 64, 0, 32, 64, -32, 16));
  add_floats (&c, 2, DIMS (1, 4), NUMBERS (0.5, 0.25, 1, 1));
  expect_all (&c, &rt_op_box_decode, &attrs,
              (const double *const[]){ NUMBERS (0.25, 0.625, 0.75, 0.875, 0.625, 0) });
  net_case_init (&c);
  net_case_random_input (&c, RT_TYPE_F32, 3, DIMS (2, 896, 16), -30, 30);
  net_case_random_weight (&c, RT_TYPE_F32, 2, DIMS (896, 4), 0, 1);
  attrs.n_points = 5;
  check (&c, &rt_op_box_decode, &attrs);
  net_case_init (&c);
  add_count (&c, 2, DIMS (1, 4));
  add_count (&c, 2, DIMS (1, 4));
  refused (&c, &rt_op_box_decode, &attrs, "*rows of 4 do not hold a box from column 1*");
}

/* One number at one place of [[0, 1], [2, 3]]. */
static void
sample (uint32_t mode, uint32_t padding, uint32_t align, double x, double y, double expected)
{
  for (uint32_t first = 0; first < 2; first++)
    {
      NetCase c;
      net_case_init (&c);
      add_count (&c, 4, first ? DIMS (1, 1, 2, 2) : DIMS (1, 2, 2, 1));
      add_floats (&c, 4, DIMS (1, 1, 1, 2), NUMBERS (x, y));
      expect_all (&c, &rt_op_grid_sample, &(RtGridSampleAttrs){ mode, padding, align, first },
                  (const double *const[]){ &expected });
    }
}

static void
test_grid_sample (void)
{
  NetCase c;

  sample (RT_RESIZE_LINEAR, RT_GRID_ZEROS, 1, 0, 0, 1.5);
  sample (RT_RESIZE_LINEAR, RT_GRID_ZEROS, 1, 1, -0.5, 1.5);
  sample (RT_RESIZE_LINEAR, RT_GRID_ZEROS, 0, 1, 1, 0.75); /* half outside in both directions */
  sample (RT_RESIZE_LINEAR, RT_GRID_BORDER, 0, 1, 1, 3);
  sample (RT_RESIZE_LINEAR, RT_GRID_REFLECTION, 0, 1, 1, 3);
  sample (RT_RESIZE_LINEAR, RT_GRID_REFLECTION, 1, 3, -1, 0); /* column 2 mirrored is 0 */
  sample (RT_RESIZE_LINEAR, RT_GRID_ZEROS, 0, NAN, 0, 0);
  sample (RT_RESIZE_NEAREST, RT_GRID_ZEROS, 0, 0.5, -0.5, 1);
  sample (RT_RESIZE_NEAREST, RT_GRID_BORDER, 1, 5, 5, 3);
  sample (RT_RESIZE_NEAREST, RT_GRID_ZEROS, 1, 5, 5, 0);
  sample (RT_RESIZE_CUBIC, RT_GRID_BORDER, 1, -1, 1, 2);
  for (int i = 0; i < 36; i++)
    {
      RtGridSampleAttrs attrs
          = { (uint32_t)i % 3, (uint32_t)i / 3 % 3, (uint32_t)i & 1, (uint32_t)i / 2 % 2 };
      int64_t dims[4];
      random_dims (dims, 4, 12);
      net_case_init (&c);
      net_case_random_input (&c, RT_TYPE_F32, 4, dims, -5, 5);
      net_case_random_input (&c, RT_TYPE_F32, 4, DIMS (dims[0], 17, 23, 2), -1.6, 1.6);
      check (&c, &rt_op_grid_sample, &attrs);
    }
}

static void
test_roi_align (void)
{
  NetCase c;

  for (uint32_t first = 0; first < 2; first++)
    {
      RtRoiAlignAttrs attrs = { .out_h = 2,
                                .out_w = 2,
                                .sampling_ratio = 1,
                                .spatial_scale = 1,
                                .half_pixel = 1,
                                .channels_first = first };
      const int64_t *map = first ? DIMS (1, 1, 4, 4) : DIMS (1, 4, 4, 1);
      net_case_init (&c);
      add_count (&c, 4, map);
      add_floats (&c, 2, DIMS (1, 4), NUMBERS (0, 0, 4, 4));
      add_indices (&c, RT_TYPE_I64, 1, DIMS (1), NUMBERS (0), FALSE);
      expect_all (&c, &rt_op_roi_align, &attrs,
                  (const double *const[]){ NUMBERS (2.5, 4.5, 10.5, 12.5) });
      attrs.max = 1; /* the largest quarter */
      net_case_init (&c);
      add_count (&c, 4, map);
      add_floats (&c, 2, DIMS (1, 4), NUMBERS (0, 0, 4, 4));
      add_indices (&c, RT_TYPE_I64, 1, DIMS (1), NUMBERS (0), FALSE);
      expect_all (&c, &rt_op_roi_align, &attrs,
                  (const double *const[]){ NUMBERS (1.25, 1.75, 3.25, 3.75) });
      /* Half of the box lies outside by more than a pixel: nothing there. Two samples per axis. */
      attrs = (RtRoiAlignAttrs){
        .out_h = 1, .out_w = 1, .spatial_scale = 0.5, .channels_first = first
      };
      net_case_init (&c);
      add_count (&c, 4, map);
      add_floats (&c, 2, DIMS (1, 4), NUMBERS (0, -8, 4, 4));
      add_indices (&c, RT_TYPE_I64, 1, DIMS (1), NUMBERS (0), FALSE);
      /* Rows -4 .. 2 in 6 samples at -3.5 .. 1.5, columns 0.5, 1.5: three rows count, at -0.5 (as
       * 0), 0.5 and 1.5: means 1, 3, 7. */
      expect_all (&c, &rt_op_roi_align, &attrs, (const double *const[]){ NUMBERS (11 / 6.) });
      net_case_init (&c);
      net_case_random_input (&c, RT_TYPE_F32, 4, DIMS (3, 9, 11, 7), -5, 5);
      net_case_random_input (&c, RT_TYPE_F32, 2, DIMS (13, 4), -3, 15);
      net_case_random_input (&c, RT_TYPE_I32, 1, DIMS (13), 0, 3);
      attrs.out_h = 5;
      attrs.out_w = 6;
      check (&c, &rt_op_roi_align, &attrs);
    }
}

static void
test_max_unpool (void)
{
  NetCase c;

  net_case_init (&c);
  add_floats (&c, 4, DIMS (1, 1, 2, 2), NUMBERS (1, 2, 3, 4));
  add_indices (&c, RT_TYPE_I64, 4, DIMS (1, 1, 2, 2), NUMBERS (5, 7, 13, 15), FALSE);
  expect (&c, &rt_op_max_unpool,
          &(RtMaxUnpoolAttrs){ { 4, { 1, 1, 4, 4 } }, { 4, { 1, 1, 4, 4 } } }, 4, DIMS (1, 1, 4, 4),
          NUMBERS (0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4));
  net_case_init (&c);
  add_floats (&c, 4, DIMS (1, 1, 2, 2), NUMBERS (1, 2, 3, 4));
  add_indices (&c, RT_TYPE_I64, 4, DIMS (1, 1, 2, 2), NUMBERS (5, 7, 13, 15), FALSE);
  expect (&c, &rt_op_max_unpool,
          &(RtMaxUnpoolAttrs){ { 4, { 1, 1, 5, 5 } }, { 4, { 1, 1, 4, 4 } } }, 4, DIMS (1, 1, 5, 5),
          NUMBERS (0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0));
}

#define TEST(name) g_test_add_func ("/runtime/ops-boxes/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST (nms);
  TEST (detections);
  TEST (box_decode);
  TEST (grid_sample);
  TEST (roi_align);
  TEST (max_unpool);
  return g_test_run ();
}
