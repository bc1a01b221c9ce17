/* Look-ups in an open GGUF file: by index, by name, and as typed values.
 *
 * Called by everybody who reads a model. Relies on the reader having checked every length. */
#include "rt-gguf-private.h"

#include <assert.h>

uint32_t
rt_gguf_version (const RtGguf *gguf)
{
  return gguf->version;
}

uint64_t
rt_gguf_file_bytes (const RtGguf *gguf)
{
  return gguf->n_bytes;
}

uint64_t
rt_gguf_alignment (const RtGguf *gguf)
{
  return gguf->alignment;
}

uint64_t
rt_gguf_n_meta (const RtGguf *gguf)
{
  return gguf->n_meta;
}

const RtGgufMeta *
rt_gguf_meta (const RtGguf *gguf, uint64_t index)
{
  assert (index < gguf->n_meta);
  return &gguf->meta[index];
}

uint64_t
rt_gguf_n_tensors (const RtGguf *gguf)
{
  return gguf->n_tensors;
}

const RtGgufTensor *
rt_gguf_tensor (const RtGguf *gguf, uint64_t index)
{
  assert (index < gguf->n_tensors);
  return &gguf->tensors[index];
}

const RtGgufMeta *
rt_gguf_find (const RtGguf *gguf, const char *key)
{
  RtSlice wanted = { key, strlen (key) };
  uint64_t low = 0, high = gguf->n_meta;

  while (low < high)
    {
      uint64_t middle = low + (high - low) / 2;
      const RtGgufMeta *meta = &gguf->meta[gguf->meta_by_key[middle]];
      int order = rt_slice_compare (meta->key, wanted);
      if (order == 0)
        return meta;
      if (order < 0)
        low = middle + 1;
      else
        high = middle;
    }
  return NULL;
}

const RtGgufTensor *
rt_gguf_find_tensor (const RtGguf *gguf, const char *name)
{
  RtSlice wanted = { name, strlen (name) };
  uint64_t low = 0, high = gguf->n_tensors;

  while (low < high)
    {
      uint64_t middle = low + (high - low) / 2;
      const RtGgufTensor *tensor = &gguf->tensors[gguf->tensor_by_name[middle]];
      int order = rt_slice_compare (tensor->name, wanted);
      if (order == 0)
        return tensor;
      if (order < 0)
        low = middle + 1;
      else
        high = middle;
    }
  return NULL;
}

/* ---- Numbers ---- */

/* Sign and magnitude, so that all of i64 and u64 fit. */
static bool
load_integer (RtGgufType type, const uint8_t *p, bool *negative, uint64_t *magnitude)
{
  uint32_t n_bytes = rt_gguf_type_bytes (type);
  uint64_t raw = 0;
  bool is_signed
      = type == RT_GGUF_I8 || type == RT_GGUF_I16 || type == RT_GGUF_I32 || type == RT_GGUF_I64;

  if (n_bytes == 0 || type == RT_GGUF_BOOL || type == RT_GGUF_F32 || type == RT_GGUF_F64)
    return false;
  memcpy (&raw, p, n_bytes);
  *negative = is_signed && (raw >> (n_bytes * 8 - 1)) != 0;
  if (*negative && n_bytes < 8)
    raw |= UINT64_MAX << (n_bytes * 8);
  *magnitude = *negative ? 0 - raw : raw;
  return true;
}

static bool
load_f64 (RtGgufType type, const uint8_t *p, double *value)
{
  bool negative;
  uint64_t magnitude;
  float f;

  if (type == RT_GGUF_F64)
    memcpy (value, p, sizeof *value);
  else if (type == RT_GGUF_F32)
    {
      memcpy (&f, p, sizeof f);
      *value = f;
    }
  else if (load_integer (type, p, &negative, &magnitude))
    *value = negative ? -(double)magnitude : (double)magnitude;
  else
    return false;
  return true;
}

bool
rt_gguf_item_f64 (const RtGgufMeta *array, uint64_t index, double *value)
{
  uint32_t n_bytes = rt_gguf_type_bytes (array->item_type);

  if (index >= array->n_items || n_bytes == 0)
    return false;
  return load_f64 (array->item_type, array->data + index * n_bytes, value);
}

bool
rt_gguf_item_i64 (const RtGgufMeta *array, uint64_t index, int64_t *value)
{
  uint32_t n_bytes = rt_gguf_type_bytes (array->item_type);
  bool negative;
  uint64_t magnitude;

  if (index >= array->n_items || n_bytes == 0
      || !load_integer (array->item_type, array->data + index * n_bytes, &negative, &magnitude))
    return false;
  if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
    return false;
  *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
  return true;
}

bool
rt_gguf_get_u64 (const RtGguf *gguf, const char *key, uint64_t *value)
{
  const RtGgufMeta *meta = rt_gguf_find (gguf, key);
  bool negative;
  uint64_t magnitude;

  if (!meta || !load_integer (meta->type, meta->data, &negative, &magnitude) || negative)
    return false;
  *value = magnitude;
  return true;
}

bool
rt_gguf_get_f64 (const RtGguf *gguf, const char *key, double *value)
{
  const RtGgufMeta *meta = rt_gguf_find (gguf, key);

  return meta && load_f64 (meta->type, meta->data, value);
}

bool
rt_gguf_get_bool (const RtGguf *gguf, const char *key, bool *value)
{
  const RtGgufMeta *meta = rt_gguf_find (gguf, key);

  if (!meta || meta->type != RT_GGUF_BOOL)
    return false;
  *value = meta->data[0] != 0;
  return true;
}

/* ---- Strings and arrays ---- */

static RtSlice
load_string (const uint8_t *p)
{
  return (RtSlice){ (const char *)p + 8, rt_gguf_load_u64 (p) };
}

bool
rt_gguf_get_string (const RtGguf *gguf, const char *key, RtSlice *value)
{
  const RtGgufMeta *meta = rt_gguf_find (gguf, key);

  if (!meta || meta->type != RT_GGUF_STRING)
    return false;
  *value = load_string (meta->data);
  return true;
}

const RtGgufMeta *
rt_gguf_get_array (const RtGguf *gguf, const char *key, RtGgufType item_type)
{
  const RtGgufMeta *meta = rt_gguf_find (gguf, key);

  return meta && meta->type == RT_GGUF_ARRAY && meta->item_type == item_type ? meta : NULL;
}

bool
rt_gguf_next_string (const RtGgufMeta *array, uint64_t *cursor, RtSlice *item)
{
  if (array->item_type != RT_GGUF_STRING || *cursor >= array->bytes)
    return false;
  *item = load_string (array->data + *cursor);
  *cursor += 8 + item->length;
  return true;
}
