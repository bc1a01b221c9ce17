/* The importer's own state; for eng-onnx.c and eng-onnx-node.c only. */
#pragma once

#include "eng-import.h"
#include "eng-onnx-private.h"

G_BEGIN_DECLS

struct EngOnnxImporter
{
  EngOnnxFile *file;
  EngImport *import;
  EngOnnxOptions options;
  GCancellable *cancellable;
  GHashTable *infos;   /* tensor name -> Onnx__ValueInfoProto: what the file declares */
  GHashTable *used;    /* names that some node or the graph reads */
  GHashTable *missing; /* tensor name -> why it is not there */
  GHashTable *sizes;   /* name of an open dimension -> gint64 */
  GPtrArray *dims;     /* "batch = 1" */
  guint n_nodes;       /* of the main graph */
};

G_END_DECLS
