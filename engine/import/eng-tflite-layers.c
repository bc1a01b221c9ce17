/* Layers of TFLite that are whole algorithms: the operator that makes detections of boxes and
 * scores. */
#include "eng-tflite-private.h"

#include "eng-flexbuffer.h"
#include "ops/rt-ops-move.h"

/* Inputs: boxes, scores, anchors. */
static gboolean
emit_detections (EngTflite *self, const EngTfliteOp *op)
{
  RtValueId inputs[3], outputs[RT_MAX_OUTPUTS];
  EngFlex flex;
  gint64 max = 0, per_detection = 1, per_class = 100, n_classes = 0, regular = 0;
  double score = 0, iou = 0.5, y = 1, x = 1, h = 1, w = 1;

  if (!eng_flex_init (&flex, op->custom_options, op->n_custom_options)
      || !eng_flex_int (&flex, "max_detections", &max)
      || !eng_flex_int (&flex, "num_classes", &n_classes))
    return eng_import_refuse (self->import, "its options are damaged");
  eng_flex_int (&flex, "max_classes_per_detection", &per_detection);
  eng_flex_int (&flex, "detections_per_class", &per_class);
  eng_flex_int (&flex, "use_regular_nms", &regular);
  eng_flex_float (&flex, "nms_score_threshold", &score);
  eng_flex_float (&flex, "nms_iou_threshold", &iou);
  eng_flex_float (&flex, "y_scale", &y);
  eng_flex_float (&flex, "x_scale", &x);
  eng_flex_float (&flex, "h_scale", &h);
  eng_flex_float (&flex, "w_scale", &w);
  if (max < 1 || max > 100000 || per_detection < 1 || per_detection > 100000 || per_class < 1
      || per_class > 100000 || n_classes < 1 || n_classes > 100000)
    return eng_import_refuse (self->import, "its options are out of range");
  for (guint i = 0; i < 3; i++)
    {
      inputs[i] = eng_tflite_real (self, eng_tflite_input (self, op, i));
      if (inputs[i] == RT_NONE)
        return FALSE;
    }
  RtDetectionsAttrs attrs = {
    .max_detections = (uint32_t)max,
    .max_classes_per_detection = (uint32_t)per_detection,
    .detections_per_class = (uint32_t)per_class,
    .n_classes = (uint32_t)n_classes,
    .regular = regular != 0,
    .score_threshold = (float)score,
    .iou_threshold = (float)iou,
    .y_scale = (float)y,
    .x_scale = (float)x,
    .h_scale = (float)h,
    .w_scale = (float)w,
  };
  if (!eng_import_node (self->import, &rt_op_detections, &attrs, inputs, 3, outputs))
    return FALSE;
  for (guint i = 0; i < 4; i++)
    if (!eng_tflite_output (self, op, i, outputs[i]))
      return FALSE;
  return TRUE;
}

const EngTfliteRow eng_tflite_rows_layers[] = {
  { ENG_TFLITE_CUSTOM, emit_detections, "TFLite_Detection_PostProcess" },
  { 0, NULL, NULL },
};
