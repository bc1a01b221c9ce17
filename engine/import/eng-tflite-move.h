/* What the TFLite operators that move elements share (eng-tflite-move.c). */
#pragma once

#include "eng-tflite-private.h"

G_BEGIN_DECLS

const RtShape *eng_tflite_shape_of (EngTflite *self, RtValueId value);
/* @axis counted from the front, of @n_dims; FALSE with a reason when there is none. */
gboolean eng_tflite_get_axis (EngTflite *self, gint64 axis, guint n_dims, guint *from_front);
/* Input @index in the quantization that output @output has; RT_NONE with a reason. */
RtValueId eng_tflite_moved_input (EngTflite *self, const EngTfliteOp *op, guint index,
                                  guint output);
/* A node with one input and one output that moves its input's elements. */
gboolean eng_tflite_add_move (EngTflite *self, const EngTfliteOp *op, const RtOp *rt_op,
                              gconstpointer attrs);

G_END_DECLS
