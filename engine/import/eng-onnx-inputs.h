/* Inputs and initializers; for eng-onnx.c. */
#pragma once

#include "eng-onnx-importer.h"

G_BEGIN_DECLS

gboolean eng_onnx_add_initializers (EngOnnxImporter *importer, const Onnx__GraphProto *graph,
                                    GError **error);
void eng_onnx_add_inputs (EngOnnxImporter *importer, const Onnx__GraphProto *graph);

/* What the file says of tensor @name; FALSE when that is not all known. */
gboolean eng_onnx_declared (EngOnnxImporter *importer, const char *name, int *type, RtShape *shape);

/* Tensor @name cannot be had; @reason ("has elements of string") is taken. */
void eng_onnx_set_missing (EngOnnxImporter *importer, const char *name, char *reason);

G_END_DECLS
