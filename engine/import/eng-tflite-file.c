/* From the bytes of a TFLite file to EngTfliteFile. Called by the importer and by the fuzz target;
 * knows the schema's field numbers and nothing of graphs. */
#include "eng-tflite-file.h"

#include <string.h>

#include "eng-error.h"

#define SCHEMA_VERSION 3
#define MAX_ITEMS 1000000 /* tables in one list: far above any network, far below what hurts */
#define CUSTOM_CODE 32
#define PLACEHOLDER_CODE 127

static char *
dup_text (EngFlat *flat, EngFlatTable table, guint slot)
{
  RtSlice slice = eng_flat_string (flat, table, slot);

  if (slice.length == 0 || !eng_flat_spend (flat, table.place, slice.length))
    return g_strdup ("");
  return g_utf8_make_valid (slice.data, (gssize)slice.length);
}

/* A list of tables, with a limit on how many. */
static EngFlatVector
get_tables (EngFlat *flat, EngFlatTable table, guint slot)
{
  EngFlatVector vector = eng_flat_vector (flat, table, slot, 4);

  if (vector.n_items > MAX_ITEMS)
    {
      eng_flat_fault (flat, vector.place, "a list has more than 1000000 entries");
      vector.n_items = 0;
    }
  return vector;
}

/* A list of tensor numbers below @n_tensors; @optional: or -1. NULL when it is empty. */
static gint32 *
get_indices (EngFlat *flat, EngFlatTable table, guint slot, guint32 n_tensors, gboolean optional,
             guint32 *n)
{
  EngFlatVector vector = eng_flat_vector (flat, table, slot, 4);

  *n = 0;
  for (guint32 i = 0; i < vector.n_items; i++)
    {
      gint32 index = eng_flat_vector_i32 (flat, vector, i);
      if (index >= (gint64)n_tensors || index < (optional ? -1 : 0))
        {
          eng_flat_fault (flat, vector.place + 4 * (gsize)i, "a tensor number that does not exist");
          return NULL;
        }
    }
  if (vector.n_items == 0 || !eng_flat_spend (flat, vector.place, vector.n_items))
    return NULL;
  gint32 *indices = g_new (gint32, vector.n_items);
  for (guint32 i = 0; i < vector.n_items; i++)
    indices[i] = eng_flat_vector_i32 (flat, vector, i);
  *n = vector.n_items;
  return indices;
}

/* ---- Tensors ---- */

enum
{
  TENSOR_SHAPE,
  TENSOR_TYPE,
  TENSOR_BUFFER,
  TENSOR_NAME,
  TENSOR_QUANTIZATION,
  TENSOR_IS_VARIABLE,
  TENSOR_SPARSITY,
  TENSOR_SIGNATURE,
};

static gboolean
read_dims (EngFlat *flat, EngFlatVector vector, gint32 smallest, gint32 *dims)
{
  if (vector.n_items > ENG_TFLITE_MAX_DIMS)
    {
      eng_flat_fault (flat, vector.place, "a tensor has more than 8 dimensions");
      return FALSE;
    }
  for (guint32 i = 0; i < vector.n_items; i++)
    {
      dims[i] = eng_flat_vector_i32 (flat, vector, i);
      if (dims[i] < smallest)
        {
          eng_flat_fault (flat, vector.place, "a tensor has a negative size");
          return FALSE;
        }
    }
  return TRUE;
}

static void
read_shape (EngFlat *flat, EngFlatTable table, EngTfliteTensor *tensor)
{
  EngFlatVector shape = eng_flat_vector (flat, table, TENSOR_SHAPE, 4);
  EngFlatVector signature = eng_flat_vector (flat, table, TENSOR_SIGNATURE, 4);
  guint64 n = 1;

  if (!read_dims (flat, shape, 0, tensor->dims))
    return;
  tensor->n_dims = shape.n_items;
  memcpy (tensor->signature, tensor->dims, sizeof tensor->signature);
  if (signature.n_items == shape.n_items)
    read_dims (flat, signature, -1, tensor->signature);
  for (guint i = 0; i < tensor->n_dims; i++)
    {
      n *= (guint64)MAX (tensor->dims[i], 1);
      if (n > G_MAXUINT32 * (guint64)64)
        {
          eng_flat_fault (flat, shape.place, "a tensor has too many elements");
          return;
        }
    }
}

/* Dimension @axis if it has a scale per index. Some writers name an axis of the weights for their
 * bias too: then the last dimension of that size. -1: there is none. */
static gint32
find_quant_axis (const EngTfliteTensor *tensor, gint32 axis, guint32 n_scales)
{
  if (axis >= 0 && (guint)axis < tensor->n_dims && (guint32)tensor->dims[axis] == n_scales)
    return axis;
  for (guint d = tensor->n_dims; d-- > 0;)
    if ((guint32)tensor->dims[d] == n_scales)
      return (gint32)d;
  return -1;
}

static void
read_quantization (EngFlat *flat, EngFlatTable table, EngTfliteTensor *tensor)
{
  EngFlatTable quantization = eng_flat_table (flat, table, TENSOR_QUANTIZATION);
  EngFlatVector scales = eng_flat_vector (flat, quantization, 2, 4);
  EngFlatVector zero_points = eng_flat_vector (flat, quantization, 3, 8);
  gint32 axis = eng_flat_i32 (flat, quantization, 6, 0);
  gsize place = scales.place;

  if (scales.n_items == 0 || !eng_flat_ok (flat))
    return;
  if (zero_points.n_items != scales.n_items && zero_points.n_items > 1)
    eng_flat_fault (flat, place, "a tensor has not as many zero points as scales");
  else if (scales.n_items > 1 && (axis = find_quant_axis (tensor, axis, scales.n_items)) < 0)
    eng_flat_fault (flat, place, "a tensor's scales do not fit its shape");
  if (!eng_flat_spend (flat, place, 2 * (guint64)scales.n_items))
    return;
  tensor->n_scales = scales.n_items;
  tensor->scales = g_new (float, scales.n_items);
  tensor->zero_points = g_new0 (gint32, scales.n_items);
  tensor->quant_axis = axis;
  for (guint32 i = 0; i < scales.n_items; i++)
    {
      float scale = eng_flat_vector_f32 (flat, scales, i);
      gint64 zero = 0;
      if (zero_points.n_items > 0)
        zero = eng_flat_vector_i64 (flat, zero_points, zero_points.n_items > 1 ? i : 0);
      if (!(scale >= 0 && scale <= G_MAXFLOAT) || zero < G_MININT32 || zero > G_MAXINT32)
        {
          eng_flat_fault (flat, place, "a scale or zero point is no sensible number");
          return;
        }
      tensor->scales[i] = scale;
      tensor->zero_points[i] = (gint32)zero;
    }
}

/* One list of a sparse level: a union of int32, uint16 and uint8 vectors. */
static EngFlatVector
read_sparse_list (EngFlat *flat, EngFlatTable table, guint slot, guint *item_bytes)
{
  static const guint bytes[] = { 0, 4, 2, 1 };
  guint8 type = eng_flat_u8 (flat, table, slot, 0);
  EngFlatVector none = { 0, 0 };

  if (type >= G_N_ELEMENTS (bytes))
    {
      eng_flat_fault (flat, table.place, "a sparse tensor has an unknown kind of list");
      return none;
    }
  *item_bytes = bytes[type];
  if (type == 0)
    return none;
  return eng_flat_vector (flat, eng_flat_table (flat, table, slot + 1), 0, bytes[type]);
}

static void
read_sparsity (EngFlat *flat, EngFlatTable table, EngTfliteTensor *tensor)
{
  EngFlatTable parameters = eng_flat_table (flat, table, TENSOR_SPARSITY);
  EngFlatVector order = eng_flat_vector (flat, parameters, 0, 4);
  EngFlatVector blocks = eng_flat_vector (flat, parameters, 1, 4);
  EngFlatVector levels = eng_flat_vector (flat, parameters, 2, 4);

  if (eng_flat_is_absent (parameters) || !eng_flat_ok (flat))
    return;
  if (order.n_items != levels.n_items || blocks.n_items > tensor->n_dims
      || levels.n_items != tensor->n_dims + blocks.n_items)
    {
      eng_flat_fault (flat, parameters.place, "a sparse tensor's levels do not fit its shape");
      return;
    }
  EngTfliteSparsity *sparsity = tensor->sparsity = g_new0 (EngTfliteSparsity, 1);
  sparsity->n_levels = levels.n_items;
  sparsity->n_blocks = blocks.n_items;
  for (guint i = 0; i < blocks.n_items; i++)
    sparsity->block_map[i] = eng_flat_vector_i32 (flat, blocks, i);
  for (guint i = 0; i < levels.n_items; i++)
    {
      EngFlatTable level = eng_flat_vector_table (flat, levels, i);
      EngTfliteSparseDim *dim = &sparsity->dims[i];
      sparsity->order[i] = eng_flat_vector_i32 (flat, order, i);
      dim->format = eng_flat_i8 (flat, level, 0, 0) ? ENG_TFLITE_SPARSE_CSR : ENG_TFLITE_DENSE;
      dim->dense_size = eng_flat_i32 (flat, level, 1, 0);
      dim->segments = read_sparse_list (flat, level, 2, &dim->segment_bytes);
      dim->indices = read_sparse_list (flat, level, 4, &dim->index_bytes);
    }
}

/* The bytes of buffer @index; none for buffer 0 and empty ones. */
static RtSlice
read_buffer (EngFlat *flat, EngFlatVector buffers, guint32 index)
{
  RtSlice slice = { NULL, 0 };

  if (index >= buffers.n_items)
    {
      if (index != 0)
        eng_flat_fault (flat, buffers.place, "a tensor's buffer does not exist");
      return slice;
    }
  EngFlatTable table = eng_flat_vector_table (flat, buffers, index);
  EngFlatVector data = eng_flat_vector (flat, table, 0, 1);
  slice.data = (const char *)eng_flat_vector_bytes (flat, data);
  slice.length = data.n_items;

  /* Files beyond 2 GiB keep large constants behind the FlatBuffer. */
  guint64 offset = eng_flat_u64 (flat, table, 1, 0), size = eng_flat_u64 (flat, table, 2, 0);
  if (data.n_items == 0 && offset > 1 && size > 0)
    {
      if (offset > flat->n_bytes || size > flat->n_bytes - offset)
        eng_flat_fault (flat, table.place, "a constant lies outside of the file");
      else
        {
          slice.data = (const char *)flat->data + offset;
          slice.length = size;
        }
    }
  if (slice.length == 0)
    slice.data = NULL;
  return slice;
}

static void
read_data (EngFlat *flat, EngFlatTable table, EngFlatVector buffers, EngTfliteTensor *tensor)
{
  RtSlice bytes = read_buffer (flat, buffers, eng_flat_u32 (flat, table, TENSOR_BUFFER, 0));
  guint bits = eng_tflite_type_bits (tensor->type);
  char text[120];

  if (!bytes.data || !eng_flat_ok (flat))
    return;
  guint64 expected = (eng_tflite_tensor_n_items (tensor) * bits + 7) / 8;
  if (bits && !tensor->sparsity && bytes.length != expected)
    {
      g_snprintf (text, sizeof text,
                  "the constant %.40s has %" G_GUINT64_FORMAT " bytes where its shape needs "
                  "%" G_GUINT64_FORMAT ";",
                  tensor->name, bytes.length, expected);
      eng_flat_fault (flat, table.place, text);
      return;
    }
  tensor->data = (const guint8 *)bytes.data;
  tensor->data_bytes = bytes.length;
}

static void
read_tensor (EngFlat *flat, EngFlatTable table, EngFlatVector buffers, EngTfliteTensor *tensor)
{
  gint8 type = eng_flat_i8 (flat, table, TENSOR_TYPE, 0);

  tensor->name = dup_text (flat, table, TENSOR_NAME);
  if (type < 0 || type >= ENG_TFLITE_N_TYPES)
    {
      eng_flat_fault (flat, table.place, "a tensor has an unknown element type");
      return;
    }
  tensor->type = (EngTfliteType)type;
  tensor->is_variable = eng_flat_bool (flat, table, TENSOR_IS_VARIABLE, FALSE);
  read_shape (flat, table, tensor);
  read_quantization (flat, table, tensor);
  read_sparsity (flat, table, tensor);
  read_data (flat, table, buffers, tensor);
}

/* ---- Operators and subgraphs ---- */

typedef struct
{
  gint32 code;
  const char *custom;
} OpCode;

/* Codes above 127 are in the newer field; old files have only the older one. */
static OpCode *
read_codes (EngTfliteFile *file, EngFlatTable root, guint32 *n_codes)
{
  EngFlat *flat = &file->flat;
  EngFlatVector codes = get_tables (flat, root, 1);
  OpCode *list = g_new0 (OpCode, MAX (codes.n_items, 1));

  file->custom_codes = g_new0 (char *, MAX (codes.n_items, 1));
  file->n_custom_codes = codes.n_items;
  for (guint32 i = 0; i < codes.n_items; i++)
    {
      EngFlatTable table = eng_flat_vector_table (flat, codes, i);
      gint32 older = eng_flat_i8 (flat, table, 0, 0);
      gint32 newer = eng_flat_i32 (flat, table, 3, 0);
      list[i].code = older < PLACEHOLDER_CODE ? MAX (older, newer) : newer;
      file->custom_codes[i] = dup_text (flat, table, 1);
      if (list[i].code == CUSTOM_CODE)
        list[i].custom = file->custom_codes[i];
    }
  *n_codes = codes.n_items;
  return list;
}

static void
read_op (EngFlat *flat, EngFlatTable table, const OpCode *codes, guint32 n_codes, guint32 n_tensors,
         EngTfliteOp *op)
{
  guint32 code = eng_flat_u32 (flat, table, 0, 0);

  if (code >= n_codes)
    {
      eng_flat_fault (flat, table.place, "an operator's code does not exist");
      return;
    }
  op->code = codes[code].code;
  op->custom = codes[code].custom;
  op->inputs = get_indices (flat, table, 1, n_tensors, TRUE, &op->n_inputs);
  op->outputs = get_indices (flat, table, 2, n_tensors, FALSE, &op->n_outputs);
  op->options_type = eng_flat_u8 (flat, table, 3, 0);
  op->options = eng_flat_table (flat, table, 4);
  EngFlatVector custom = eng_flat_vector (flat, table, 5, 1);
  op->custom_options = eng_flat_vector_bytes (flat, custom);
  op->n_custom_options = custom.n_items;
}

static void
read_subgraph (EngFlat *flat, EngFlatTable table, EngFlatVector buffers, const OpCode *codes,
               guint32 n_codes, EngTfliteSubgraph *graph)
{
  EngFlatVector tensors = get_tables (flat, table, 0);
  EngFlatVector ops = get_tables (flat, table, 3);

  graph->name = dup_text (flat, table, 4);
  graph->tensors = g_new0 (EngTfliteTensor, MAX (tensors.n_items, 1));
  graph->n_tensors = tensors.n_items;
  for (guint32 i = 0; i < tensors.n_items && eng_flat_ok (flat); i++)
    read_tensor (flat, eng_flat_vector_table (flat, tensors, i), buffers, &graph->tensors[i]);
  graph->inputs = get_indices (flat, table, 1, tensors.n_items, FALSE, &graph->n_inputs);
  graph->outputs = get_indices (flat, table, 2, tensors.n_items, FALSE, &graph->n_outputs);
  graph->ops = g_new0 (EngTfliteOp, MAX (ops.n_items, 1));
  graph->n_ops = ops.n_items;
  for (guint32 i = 0; i < ops.n_items && eng_flat_ok (flat); i++)
    read_op (flat, eng_flat_vector_table (flat, ops, i), codes, n_codes, tensors.n_items,
             &graph->ops[i]);
}

/* ---- Signatures and metadata ---- */

static EngTfliteBinding *
read_bindings (EngTfliteFile *file, EngFlatTable table, guint slot, guint32 subgraph, guint32 *n)
{
  EngFlat *flat = &file->flat;
  EngFlatVector list = get_tables (flat, table, slot);
  EngTfliteBinding *bindings = g_new0 (EngTfliteBinding, MAX (list.n_items, 1));

  *n = list.n_items;
  for (guint32 i = 0; i < list.n_items; i++)
    {
      EngFlatTable map = eng_flat_vector_table (flat, list, i);
      bindings[i].name = dup_text (flat, map, 0);
      bindings[i].tensor = eng_flat_u32 (flat, map, 1, 0);
      if (bindings[i].tensor >= file->subgraphs[subgraph].n_tensors)
        eng_flat_fault (flat, map.place, "a signature names a tensor that does not exist");
    }
  return bindings;
}

static void
read_signatures (EngTfliteFile *file, EngFlatTable root)
{
  EngFlat *flat = &file->flat;
  EngFlatVector list = get_tables (flat, root, 7);

  file->signatures = g_new0 (EngTfliteSignature, MAX (list.n_items, 1));
  for (guint32 i = 0; i < list.n_items && eng_flat_ok (flat); i++)
    {
      EngFlatTable table = eng_flat_vector_table (flat, list, i);
      EngTfliteSignature *signature = &file->signatures[i];
      file->n_signatures = i + 1;
      signature->key = dup_text (flat, table, 2);
      signature->subgraph = eng_flat_u32 (flat, table, 4, 0);
      if (signature->subgraph >= file->n_subgraphs)
        {
          eng_flat_fault (flat, table.place, "a signature names a subgraph that does not exist");
          return;
        }
      signature->inputs = read_bindings (file, table, 0, signature->subgraph, &signature->n_inputs);
      signature->outputs
          = read_bindings (file, table, 1, signature->subgraph, &signature->n_outputs);
    }
}

static void
read_metadata (EngTfliteFile *file, EngFlatTable root, EngFlatVector buffers)
{
  EngFlat *flat = &file->flat;
  EngFlatVector list = get_tables (flat, root, 6);

  for (guint32 i = 0; i < list.n_items && eng_flat_ok (flat); i++)
    {
      EngFlatTable table = eng_flat_vector_table (flat, list, i);
      RtSlice name = eng_flat_string (flat, table, 0);
      if (name.length == strlen ("TFLITE_METADATA")
          && memcmp (name.data, "TFLITE_METADATA", name.length) == 0)
        file->metadata = read_buffer (flat, buffers, eng_flat_u32 (flat, table, 1, 0));
    }
}

static void
read_model (EngTfliteFile *file)
{
  EngFlat *flat = &file->flat;
  EngFlatTable root = eng_flat_root (flat);
  guint32 version = eng_flat_u32 (flat, root, 0, 0), n_codes = 0;
  EngFlatVector subgraphs = get_tables (flat, root, 2);
  EngFlatVector buffers = get_tables (flat, root, 4);

  if (eng_flat_ok (flat) && version != SCHEMA_VERSION)
    eng_flat_fault (flat, root.place, "the schema version is not 3");
  if (eng_flat_ok (flat) && subgraphs.n_items == 0)
    eng_flat_fault (flat, root.place, "there is no subgraph");
  file->description = dup_text (flat, root, 3);
  g_autofree OpCode *codes = read_codes (file, root, &n_codes);
  file->subgraphs = g_new0 (EngTfliteSubgraph, MAX (subgraphs.n_items, 1));
  for (guint32 i = 0; i < subgraphs.n_items && eng_flat_ok (flat); i++)
    {
      file->n_subgraphs = i + 1;
      read_subgraph (flat, eng_flat_vector_table (flat, subgraphs, i), buffers, codes, n_codes,
                     &file->subgraphs[i]);
    }
  if (!eng_flat_ok (flat))
    return;
  read_signatures (file, root);
  read_metadata (file, root, buffers);
}

/* ---- The file ---- */

gboolean
eng_tflite_is_file (const void *data, gsize n_bytes)
{
  return n_bytes >= 8 && memcmp ((const char *)data + 4, "TFL3", 4) == 0;
}

EngTfliteFile *
eng_tflite_file_new (const void *data, gsize n_bytes, GError **error)
{
  if (!eng_tflite_is_file (data, n_bytes))
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_FORMAT,
                           "not a TFLite file: bytes 4 to 7 are not TFL3");
      return NULL;
    }
  g_autoptr (EngTfliteFile) file = g_new0 (EngTfliteFile, 1);
  eng_flat_init (&file->flat, data, n_bytes);
  read_model (file);
  if (!eng_flat_ok (&file->flat))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "damaged TFLite file: %s",
                   file->flat.problem);
      return NULL;
    }
  return g_steal_pointer (&file);
}

static void
clear_subgraph (EngTfliteSubgraph *graph)
{
  for (guint32 i = 0; i < graph->n_tensors; i++)
    {
      g_free (graph->tensors[i].name);
      g_free (graph->tensors[i].scales);
      g_free (graph->tensors[i].zero_points);
      g_free (graph->tensors[i].sparsity);
    }
  for (guint32 i = 0; i < graph->n_ops; i++)
    {
      g_free (graph->ops[i].inputs);
      g_free (graph->ops[i].outputs);
    }
  g_free (graph->name);
  g_free (graph->tensors);
  g_free (graph->ops);
  g_free (graph->inputs);
  g_free (graph->outputs);
}

static void
free_bindings (EngTfliteBinding *bindings, guint32 n)
{
  for (guint32 i = 0; i < n; i++)
    g_free (bindings[i].name);
  g_free (bindings);
}

void
eng_tflite_file_free (EngTfliteFile *file)
{
  if (!file)
    return;
  for (guint32 i = 0; i < file->n_subgraphs; i++)
    clear_subgraph (&file->subgraphs[i]);
  for (guint32 i = 0; i < file->n_signatures; i++)
    {
      g_free (file->signatures[i].key);
      free_bindings (file->signatures[i].inputs, file->signatures[i].n_inputs);
      free_bindings (file->signatures[i].outputs, file->signatures[i].n_outputs);
    }
  for (guint32 i = 0; i < file->n_custom_codes; i++)
    g_free (file->custom_codes[i]);
  g_free (file->custom_codes);
  g_free (file->subgraphs);
  g_free (file->signatures);
  g_free (file->description);
  g_free (file);
}
