/* What the files of the GGUF reader and writer share. */
#pragma once

#include <string.h>

#include "rt-gguf.h"

#define RT_GGUF_MAGIC "GGUF"
#define RT_GGUF_DEFAULT_ALIGNMENT 32

struct RtGguf
{
  const uint8_t *bytes; /* the whole file */
  uint64_t n_bytes;
  bool mapped; /* by rt_gguf_open(), to be unmapped */

  uint32_t version;
  uint64_t alignment;

  RtGgufMeta *meta; /* [n_meta] */
  uint64_t n_meta;
  uint32_t *meta_by_key; /* [n_meta] indices into @meta, sorted by key */

  RtGgufTensor *tensors; /* [n_tensors] */
  uint64_t n_tensors;
  uint32_t *tensor_by_name; /* [n_tensors], sorted by name */
  bool *tensor_mapped;      /* [n_tensors] of rt_gguf_open_parts(): data is mapped; NULL: by
                             * @mapped */
};

/* Bytes of one item of a fixed-size @type; 0 for strings, arrays and unknown types. */
uint32_t rt_gguf_type_bytes (uint32_t type);

/* Byte order of two slices as unsigned bytes, shorter first. */
int rt_slice_compare (RtSlice a, RtSlice b);

static inline uint32_t
rt_gguf_load_u32 (const uint8_t *p)
{
  uint32_t v;
  memcpy (&v, p, sizeof v);
  return v;
}

static inline uint64_t
rt_gguf_load_u64 (const uint8_t *p)
{
  uint64_t v;
  memcpy (&v, p, sizeof v);
  return v;
}

/* False when @v is not a power of two of at least 8, which is what the format asks for. */
static inline bool
rt_gguf_alignment_valid (uint64_t v)
{
  return v >= 8 && (v & (v - 1)) == 0;
}
