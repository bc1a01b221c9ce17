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
  GHashTable *lost;    /* names of tensors that nodes which are in the report would have made */
  guint n_unsupported; /* nodes with a line of their own in the report */
  guint n_cut;         /* nodes that only lack what lost names */
  char *first_cut;     /* the first of them, in words */

  /* Of the main graph, for eng-onnx-qdq.c. */
  GHashTable *makers;  /* tensor name -> Onnx__NodeProto that makes it */
  GHashTable *readers; /* tensor name -> the one Onnx__NodeProto that reads it, or NULL: several */
  GHashTable *done;    /* Onnx__NodeProto that another one's emission covers */
  guint depth;         /* of subgraphs */
};

/* Emit @proto, a node that is not in the file, in the place of number @place. Quietly FALSE when it
 * cannot be. @op is what it is called in the graph; limits as of EngOnnxNode. */
gboolean eng_onnx_try_node (EngOnnxImporter *importer, const Onnx__NodeProto *proto, const char *op,
                            guint place, float low, float high);

/* ---- eng-onnx-qdq.c ---- */

/* Fills makers and readers. */
void eng_onnx_qdq_prepare (EngOnnxImporter *importer, const Onnx__GraphProto *graph);
/* If @proto stands between DequantizeLinear and QuantizeLinear and has a form that computes with
 * codes: emit that, for the QuantizeLinear too. FALSE: nothing was emitted. */
gboolean eng_onnx_qdq_emit (EngOnnxImporter *importer, const Onnx__NodeProto *proto, guint place);

G_END_DECLS
