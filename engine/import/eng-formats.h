/* The rows of the table of formats; each in its own file. */
#pragma once

#include "eng-format.h"

G_BEGIN_DECLS

extern const EngFormat eng_format_onnx;
extern const EngFormat eng_format_tflite;

G_END_DECLS
