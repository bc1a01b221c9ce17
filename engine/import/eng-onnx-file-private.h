/* Shared by eng-onnx-file.c and eng-onnx-tensor.c. */
#pragma once

#include "eng-onnx-file.h"
#include "onnx.pb-c.h"

struct EngOnnxFile
{
  Onnx__ModelProto *model;   /* NULL: one tensor alone */
  Onnx__TensorProto *tensor; /* NULL: a model */
  char *folder;              /* of the file, NULL: no external data */
  GPtrArray *memory;         /* converted tensors */
  GHashTable *external;      /* path -> GMappedFile */
};
