/* What a TFLite file says, before anything is made of it: subgraphs, tensors, constants, operators,
 * signatures. All numbers are checked (indices, sizes of constants, lengths of quantization
 * lists), so whoever reads these structures need not. Everything borrows from the file's bytes,
 * which must outlive the structure.
 *
 * Source: the published schema of TFLite, version 3. */
#pragma once

#include "eng-flatbuffer.h"

G_BEGIN_DECLS

#define ENG_TFLITE_MAX_DIMS 8

typedef enum
{
  ENG_TFLITE_F32,
  ENG_TFLITE_F16,
  ENG_TFLITE_I32,
  ENG_TFLITE_U8,
  ENG_TFLITE_I64,
  ENG_TFLITE_STRING,
  ENG_TFLITE_BOOL,
  ENG_TFLITE_I16,
  ENG_TFLITE_COMPLEX64,
  ENG_TFLITE_I8,
  ENG_TFLITE_F64,
  ENG_TFLITE_COMPLEX128,
  ENG_TFLITE_U64,
  ENG_TFLITE_RESOURCE,
  ENG_TFLITE_VARIANT,
  ENG_TFLITE_U32,
  ENG_TFLITE_U16,
  ENG_TFLITE_I4,
  ENG_TFLITE_BF16,
  ENG_TFLITE_N_TYPES,
} EngTfliteType;

typedef enum
{
  ENG_TFLITE_DENSE,
  ENG_TFLITE_SPARSE_CSR,
} EngTfliteDimFormat;

/* One level of a sparse tensor. Lists of 8, 16 or 32 bit numbers. */
typedef struct
{
  EngTfliteDimFormat format;
  gint32 dense_size;
  EngFlatVector segments, indices;
  guint segment_bytes, index_bytes; /* of an item: 1, 2, 4; 0 for none */
} EngTfliteSparseDim;

typedef struct
{
  guint n_levels; /* dimensions and blocked dimensions */
  gint32 order[2 * ENG_TFLITE_MAX_DIMS];
  guint n_blocks;
  gint32 block_map[ENG_TFLITE_MAX_DIMS];
  EngTfliteSparseDim dims[2 * ENG_TFLITE_MAX_DIMS];
} EngTfliteSparsity;

typedef struct
{
  char *name; /* valid UTF-8, "" when the file gives none */
  EngTfliteType type;
  guint n_dims; /* 0: a single value */
  gint32 dims[ENG_TFLITE_MAX_DIMS];
  gint32 signature[ENG_TFLITE_MAX_DIMS]; /* as dims, -1 where the file lets the size vary */
  const guint8 *data;                    /* constants: of the right size; NULL for others */
  guint64 data_bytes;
  gboolean is_variable;
  guint n_scales; /* 0: not quantized, 1, or one per index of @quant_axis */
  float *scales;
  gint32 *zero_points; /* n_scales of them */
  gint32 quant_axis;
  EngTfliteSparsity *sparsity; /* NULL: dense */
} EngTfliteTensor;

typedef struct
{
  gint32 code;        /* BuiltinOperator */
  const char *custom; /* name of a custom operator (code 32), else NULL */
  guint32 n_inputs, n_outputs;
  gint32 *inputs; /* tensor of the subgraph; -1: an optional input that is absent */
  gint32 *outputs;
  guint8 options_type;
  EngFlatTable options; /* absent: all defaults */
  const guint8 *custom_options;
  gsize n_custom_options;
} EngTfliteOp;

typedef struct
{
  char *name;
  guint32 n_tensors, n_ops, n_inputs, n_outputs;
  EngTfliteTensor *tensors;
  EngTfliteOp *ops;
  gint32 *inputs, *outputs;
} EngTfliteSubgraph;

typedef struct
{
  char *name;
  guint32 tensor;
} EngTfliteBinding;

typedef struct
{
  char *key; /* "serving_default" */
  guint32 subgraph;
  guint32 n_inputs, n_outputs;
  EngTfliteBinding *inputs, *outputs;
} EngTfliteSignature;

typedef struct
{
  EngFlat flat; /* for options and sparse lists */
  char *description;
  guint32 n_subgraphs, n_signatures;
  EngTfliteSubgraph *subgraphs;
  EngTfliteSignature *signatures;
  RtSlice metadata;    /* the buffer called TFLITE_METADATA, or no bytes */
  char **custom_codes; /* names that the operators point to */
  guint32 n_custom_codes;
} EngTfliteFile;

/* Whether the bytes claim to be a TFLite file. */
gboolean eng_tflite_is_file (const void *data, gsize n_bytes);

/* Read all of @data. Errors: ENG_ERROR_FORMAT, with the place. @data is borrowed. */
EngTfliteFile *eng_tflite_file_new (const void *data, gsize n_bytes, GError **error);
void eng_tflite_file_free (EngTfliteFile *file); /* accepts NULL */

const char *eng_tflite_type_name (EngTfliteType type);
guint eng_tflite_type_bits (EngTfliteType type); /* 0: no fixed size */
guint64 eng_tflite_tensor_n_items (const EngTfliteTensor *tensor);

/* "CONV_2D"; NULL for numbers that the schema does not have. */
const char *eng_tflite_op_name (gint32 code);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTfliteFile, eng_tflite_file_free)

G_END_DECLS
