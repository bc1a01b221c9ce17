/* Importing ONNX files: the row of the table of formats, and the same with more choices. */
#pragma once

#include "eng-format.h"
#include "eng-onnx-file.h"

G_BEGIN_DECLS

/* An input of the graph that gets its value at import and is no input any more: what decides shapes
 * or branches must be known then. */
typedef struct
{
  const char *name;
  int type; /* RtType */
  RtShape shape;
  gconstpointer data; /* copied */
} EngOnnxFixed;

typedef struct
{
  /* Sizes of open dimensions, by the file's name for them or as "input:axis"; a name that is one of
   * an input of one whole number gives that input its value ("sr" = 16000). */
  const EngDimSize *dims;
  guint n_dims;
  const EngOnnxFixed *fixed;
  guint n_fixed;
  GHashTable *wanted; /* nullable: filled as a set of the names (owned by the table) of inputs whose
                         value would have helped a node that is reported */
} EngOnnxOptions;

/* Open dimensions without a given size: the first is 1 (a batch), height and width of what looks
 * like a picture (4 dimensions, 1, 3 or 4 channels) are ENG_ONNX_PICTURE_SIZE, others are 1. The
 * same name is the same size everywhere. EngImported.dims says what was chosen. */
#define ENG_ONNX_PICTURE_SIZE 320

/* The network of @file, which is taken. @options may be NULL. Unsupported nodes are in the report;
 * errors are for files that are broken. */
EngImported *eng_onnx_import (EngOnnxFile *file, const EngOnnxOptions *options,
                              GCancellable *cancellable, GError **error);

G_END_DECLS
