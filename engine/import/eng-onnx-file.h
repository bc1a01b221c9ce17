/* An ONNX file: read, checked, unpacked; its tensors as plain bytes. */
#pragma once

#include "rt-graph.h"

#include <glib.h>

G_BEGIN_DECLS

/* Generated from onnx.proto: onnx.pb-c.h. */
typedef struct Onnx__ModelProto Onnx__ModelProto;
typedef struct Onnx__TensorProto Onnx__TensorProto;

/* Opsets whose operators the importer knows. Real files of the last years lie in it; an operator
 * that changed beyond it is reported by the operator table, node by node. */
#define ENG_ONNX_MIN_OPSET 7
#define ENG_ONNX_MAX_OPSET 17

typedef struct EngOnnxFile EngOnnxFile;

/* Read @path (2 GiB at most, protobuf's own limit) or @bytes. The bytes are not needed afterwards.
 * @folder: where files of external data lie; NULL: such data is refused.
 * Errors: ENG_ERROR_IO, _FORMAT (with the place in the file), _UNSUPPORTED, _MEMORY. */
EngOnnxFile *eng_onnx_file_load (const char *path, GError **error);
EngOnnxFile *eng_onnx_file_new_from_bytes (const guint8 *data, gsize n, const char *folder,
                                           GError **error);
void eng_onnx_file_free (EngOnnxFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngOnnxFile, eng_onnx_file_free)

const Onnx__ModelProto *eng_onnx_file_model (const EngOnnxFile *file); /* has a graph */

/* Version of the operator set @domain ("" for ONNX's own) that the file asks for; 0: none. */
gint64 eng_onnx_file_opset (const EngOnnxFile *file, const char *domain);

/* A tensor of the file. The bytes are row-major, in this machine's order, and belong to the file
 * object (or to a file of external data, mapped as long as the file object lives). */
typedef struct
{
  int type; /* RtType */
  RtShape shape;
  guint64 n;          /* elements */
  gconstpointer data; /* n * rt_type_bytes (type); at least one readable byte */
  guint64 n_bytes;
} EngOnnxTensor;

/* Bytes of @tensor, whichever of ONNX's fields holds them. Shape, type and lengths are checked
 * against each other. Errors: ENG_ERROR_FORMAT, _UNSUPPORTED (strings, complex numbers, more than
 * RT_MAX_DIMS dimensions), _IO (external data), each naming the tensor. */
gboolean eng_onnx_file_tensor (EngOnnxFile *file, const Onnx__TensorProto *tensor,
                               EngOnnxTensor *out, GError **error);

/* A file that holds one tensor (a serialised TensorProto: how ONNX stores test data, and people
 * share inputs). The object only keeps the tensor's memory. */
EngOnnxFile *eng_onnx_tensor_load (const char *path, EngOnnxTensor *out, GError **error);

/* Names of the graph's inputs without those that are initializers, in the file's order, to @names
 * (strings owned by it). */
void eng_onnx_file_input_names (const EngOnnxFile *file, GPtrArray *names);
/* Whether the main graph has a node of operator @op. */
gboolean eng_onnx_file_has_node (const EngOnnxFile *file, const char *op);

/* RtType of an ONNX element type; -1: none (strings, complex numbers, unknown). */
int eng_onnx_type (gint32 data_type);
/* "float", "complex64", "type 77". Static or in a per-thread buffer. */
const char *eng_onnx_type_name (gint32 data_type);

/* Memory of @n bytes that lives as long as @file, zeroed. */
gpointer eng_onnx_file_alloc (EngOnnxFile *file, gsize n);

G_END_DECLS
