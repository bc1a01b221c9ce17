/* Tensors of a TFLite file as values of the graph: types, shapes, quantization, constants, also
 * those of 4 bits and those kept sparse. Called by the emit functions. */
#include "eng-tflite-private.h"

#include <string.h>

int
eng_tflite_rt_type (EngTfliteType type)
{
  switch (type)
    {
    case ENG_TFLITE_F32:
      return RT_TYPE_F32;
    case ENG_TFLITE_F16:
      return RT_TYPE_F16;
    case ENG_TFLITE_BF16:
      return RT_TYPE_BF16;
    case ENG_TFLITE_F64:
      return RT_TYPE_F64;
    case ENG_TFLITE_I4: /* unpacked to one byte each */
    case ENG_TFLITE_I8:
      return RT_TYPE_I8;
    case ENG_TFLITE_U8:
      return RT_TYPE_U8;
    case ENG_TFLITE_I16:
      return RT_TYPE_I16;
    case ENG_TFLITE_U16:
      return RT_TYPE_U16;
    case ENG_TFLITE_I32:
      return RT_TYPE_I32;
    case ENG_TFLITE_U32:
      return RT_TYPE_U32;
    case ENG_TFLITE_I64:
      return RT_TYPE_I64;
    case ENG_TFLITE_U64:
      return RT_TYPE_U64;
    case ENG_TFLITE_BOOL:
      return RT_TYPE_BOOL;
    case ENG_TFLITE_STRING:
    case ENG_TFLITE_COMPLEX64:
    case ENG_TFLITE_COMPLEX128:
    case ENG_TFLITE_RESOURCE:
    case ENG_TFLITE_VARIANT:
    case ENG_TFLITE_N_TYPES:
    default:
      return -1;
    }
}

void
eng_tflite_shape (const EngTfliteTensor *tensor, RtShape *shape)
{
  memset (shape, 0, sizeof *shape);
  shape->n_dims = tensor->n_dims;
  for (guint i = 0; i < tensor->n_dims; i++)
    shape->dims[i] = tensor->dims[i];
}

gboolean
eng_tflite_is_quantized (const EngTfliteTensor *tensor)
{
  return tensor && tensor->n_scales > 0
         && (tensor->type == ENG_TFLITE_I8 || tensor->type == ENG_TFLITE_U8
             || tensor->type == ENG_TFLITE_I16 || tensor->type == ENG_TFLITE_I4);
}

gboolean
eng_tflite_is_byte (const EngTfliteTensor *tensor)
{
  return eng_tflite_is_quantized (tensor) && tensor->n_scales == 1
         && tensor->type != ENG_TFLITE_I16;
}

gboolean
eng_tflite_set_quant (EngTflite *self, RtValueId value, const EngTfliteTensor *tensor, int axis)
{
  if (!eng_tflite_is_quantized (tensor))
    return TRUE;
  for (guint i = 0; i < tensor->n_scales; i++)
    if (!(tensor->scales[i] > 0))
      return eng_import_refuse (self->import, "tensor %s has a scale that is not above 0",
                                tensor->name);
  RtQuant quant = {
    .n = tensor->n_scales,
    .axis = axis >= 0 ? axis : tensor->quant_axis,
    .scales = tensor->scales,
    .zero_points = tensor->zero_points,
  };
  return eng_import_set_quant (self->import, value, &quant);
}

/* ---- Constants ---- */

/* Two numbers of 4 bits per byte, the low half first, as one byte each. */
static guint8 *
unpack_i4 (const EngTfliteTensor *tensor, guint64 *n_bytes)
{
  guint64 n = eng_tflite_tensor_n_items (tensor);
  guint8 *items = g_try_malloc (MAX (n, 1));

  for (guint64 i = 0; items && i < n; i++)
    {
      guint bits = tensor->data[i / 2] >> (i % 2 ? 4 : 0) & 15;
      items[i] = (guint8)(bits >= 8 ? bits | 0xf0 : bits);
    }
  *n_bytes = n;
  return items;
}

static RtValueId
make_constant (EngTflite *self, const char *key, const EngTfliteTensor *tensor)
{
  int type = eng_tflite_rt_type (tensor->type);
  g_autofree guint8 *unpacked = NULL;
  const guint8 *data = tensor->data;
  guint64 n_bytes = tensor->data_bytes;
  RtShape shape;

  if (type < 0)
    {
      eng_import_refuse (self->import, "constant %s has type %s, which is not supported",
                         tensor->name, eng_tflite_type_name (tensor->type));
      return RT_NONE;
    }
  if (tensor->sparsity)
    data = unpacked = eng_tflite_densify (self, tensor, &n_bytes);
  else if (tensor->type == ENG_TFLITE_I4)
    data = unpacked = unpack_i4 (tensor, &n_bytes);
  if (!data)
    {
      if (!tensor->sparsity)
        eng_import_refuse (self->import, "no memory for constant %s", tensor->name);
      return RT_NONE;
    }
  eng_tflite_shape (tensor, &shape);
  gboolean borrow = !unpacked && (guintptr)data % MAX (rt_type_bytes (type), 1) == 0;
  RtValueId value = eng_import_constant (self->import, key, type, &shape, data, n_bytes, !borrow);
  if (value == RT_NONE || !eng_tflite_set_quant (self, value, tensor, -1))
    return RT_NONE;
  return value;
}

RtValueId
eng_tflite_tensor_value (EngTflite *self, gint32 index)
{
  const EngTfliteTensor *tensor = &self->graph->tensors[index];
  RtValueId value = eng_import_find (self->import, self->keys[index]);

  if (value != RT_NONE)
    return value;
  if (tensor->data || (eng_tflite_tensor_n_items (tensor) == 0 && !tensor->is_variable))
    {
      static const guint8 nothing[16];
      EngTfliteTensor empty = *tensor;
      if (!tensor->data)
        empty.data = nothing;
      return make_constant (self, self->keys[index], &empty);
    }
  eng_import_refuse (self->import, "it reads tensor %s, which no supported operator makes",
                     self->keys[index]);
  return RT_NONE;
}

RtValueId
eng_tflite_constant_as (EngTflite *self, RtValueId id, const RtShape *shape)
{
  if (id == RT_NONE)
    return RT_NONE;
  const RtValue *value = eng_import_value (self->import, id);
  if (rt_shape_n (shape) != rt_shape_n (&value->shape))
    {
      eng_import_refuse (self->import, "constant %s has the wrong number of elements", value->name);
      return RT_NONE;
    }
  return eng_import_constant (self->import, value->name, value->type, shape, value->data,
                              value->data_bytes, FALSE);
}

/* ---- Sparse constants ----
 *
 * A sparse tensor is a tree of levels in traversal order: a dense level has every index, a CSR
 * level those that its lists name. The last levels may be the places inside of a block; a block
 * dimension continues the index of the dimension that it maps to. What is at the leaves is stored
 * one after the other. */

typedef struct
{
  const EngTflite *self;
  const EngTfliteTensor *tensor;
  guint item_bytes;
  guint64 n_values, used;                  /* stored leaves */
  guint64 places[2 * ENG_TFLITE_MAX_DIMS]; /* index per level, in the tensor's numbering */
  gint64 strides[2 * ENG_TFLITE_MAX_DIMS]; /* elements that a step of the level makes */
  guint8 *out;
  gsize n_out;    /* elements */
  guint64 n_left; /* steps that a sound tensor may take */
} Sparse;

static guint32
list_item (const Sparse *s, EngFlatVector list, guint item_bytes, guint32 index)
{
  const guint8 *p = eng_flat_vector_bytes (&s->self->file->flat, list) + (gsize)index * item_bytes;
  guint32 value = 0;

  for (guint i = 0; i < item_bytes; i++)
    value |= (guint32)p[i] << (8 * i);
  return value;
}

static gboolean
put_leaf (Sparse *s, guint64 offset)
{
  if (s->used >= s->n_values || offset >= s->n_out)
    return FALSE;
  memcpy (s->out + offset * s->item_bytes, s->tensor->data + s->used * s->item_bytes,
          s->item_bytes);
  s->used++;
  return TRUE;
}

/* Level @level below position @position of the level above; @offset is the element reached so far.
 * At most 16 levels, so recursion is bounded. */
static gboolean
walk (Sparse *s, guint level, guint64 position, guint64 offset)
{
  const EngTfliteSparsity *sparsity = s->tensor->sparsity;

  if (level == sparsity->n_levels)
    return put_leaf (s, offset);
  const EngTfliteSparseDim *dim = &sparsity->dims[level];
  gint64 stride = s->strides[sparsity->order[level]];
  if (s->n_left-- == 0)
    return FALSE;
  if (dim->format == ENG_TFLITE_DENSE)
    {
      for (gint32 i = 0; i < dim->dense_size; i++)
        if (!walk (s, level + 1, position * (guint64)dim->dense_size + (guint64)i,
                   offset + (guint64)(stride * i)))
          return FALSE;
      return TRUE;
    }
  if (position + 1 >= dim->segments.n_items)
    return FALSE;
  guint32 begin = list_item (s, dim->segments, dim->segment_bytes, (guint32)position);
  guint32 end = list_item (s, dim->segments, dim->segment_bytes, (guint32)position + 1);
  if (begin > end || end > dim->indices.n_items)
    return FALSE;
  for (guint32 i = begin; i < end; i++)
    {
      guint32 index = list_item (s, dim->indices, dim->index_bytes, i);
      if (!walk (s, level + 1, i, offset + (guint64)stride * index))
        return FALSE;
    }
  return TRUE;
}

/* Fill s->strides: blocks divide the dimension that they map to. */
static gboolean
make_strides (Sparse *s)
{
  const EngTfliteSparsity *sparsity = s->tensor->sparsity;
  guint n_dims = s->tensor->n_dims;
  gint64 stride = 1;
  guint seen = 0;

  for (guint i = 0; i < sparsity->n_levels; i++)
    {
      gint32 level = sparsity->order[i];
      if (level < 0 || (guint)level >= sparsity->n_levels || seen >> level & 1)
        return FALSE;
      seen |= 1u << level;
      if (sparsity->dims[i].format == ENG_TFLITE_DENSE
          && (sparsity->dims[i].dense_size < 1 || sparsity->dims[i].dense_size > G_MAXINT32 / 2))
        return FALSE;
    }
  for (guint d = n_dims; d-- > 0;)
    {
      s->strides[d] = stride;
      stride *= s->tensor->dims[d];
    }
  for (guint b = 0; b < sparsity->n_blocks; b++)
    {
      gint32 d = sparsity->block_map[b];
      if (d < 0 || (guint)d >= n_dims)
        return FALSE;
      for (guint i = 0; i < sparsity->n_levels; i++)
        if ((guint)sparsity->order[i] == n_dims + b)
          {
            if (sparsity->dims[i].format != ENG_TFLITE_DENSE)
              return FALSE;
            s->strides[n_dims + b] = s->strides[d];
            s->strides[d] *= sparsity->dims[i].dense_size;
          }
    }
  return TRUE;
}

guint8 *
eng_tflite_densify (EngTflite *self, const EngTfliteTensor *tensor, guint64 *n_bytes)
{
  guint bits = eng_tflite_type_bits (tensor->type);
  guint64 n = eng_tflite_tensor_n_items (tensor);

  if (bits < 8 || n > G_MAXINT32)
    {
      eng_import_refuse (self->import, "sparse constant %s of type %s is not supported",
                         tensor->name, eng_tflite_type_name (tensor->type));
      return NULL;
    }
  *n_bytes = n * bits / 8;
  g_autofree guint8 *out = g_try_malloc0 (MAX (*n_bytes, 1));
  Sparse sparse = {
    .self = self,
    .tensor = tensor,
    .item_bytes = bits / 8,
    .n_values = tensor->data_bytes / (bits / 8),
    .out = out,
    .n_out = n,
    .n_left = 1000 + 16 * n,
  };
  if (!out)
    {
      eng_import_refuse (self->import, "no memory for sparse constant %s", tensor->name);
      return NULL;
    }
  if (!make_strides (&sparse) || !walk (&sparse, 0, 0, 0) || sparse.used != sparse.n_values)
    {
      eng_import_refuse (self->import, "sparse constant %s is damaged: its lists do not fit",
                         tensor->name);
      return NULL;
    }
  return g_steal_pointer (&out);
}
