/* GGUF v2/v3 files: mapped, and every offset, count and string checked before it is used. A hostile file gives an error, never a crash,
 * and never an allocation that its own size does not justify. Little-endian files on little-endian machines. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "rt-error.h"

typedef struct RtGguf RtGguf;

typedef enum
{
  RT_GGUF_U8, RT_GGUF_I8, RT_GGUF_U16, RT_GGUF_I16, RT_GGUF_U32, RT_GGUF_I32, RT_GGUF_F32, RT_GGUF_BOOL,
  RT_GGUF_STRING, RT_GGUF_ARRAY, RT_GGUF_U64, RT_GGUF_I64, RT_GGUF_F64,
} RtGgufType;

/* Not zero-terminated: a slice of the mapped file. */
typedef struct
{
  const char *data;
  uint64_t length;
} RtSlice;

typedef struct
{
  RtSlice key;
  RtGgufType type;
  RtGgufType item_type;  /* arrays */
  uint64_t n_items;      /* arrays; 1 otherwise */
  const uint8_t *data;   /* raw little-endian bytes of the value or the first item; unaligned */
} RtGgufMeta;

#define RT_GGUF_MAX_DIMS 4

typedef struct
{
  RtSlice name;
  int dtype;             /* GGUF type number, maybe one that kn_dtype_info() does not know */
  uint32_t n_dims;
  uint64_t ne[RT_GGUF_MAX_DIMS]; /* as in the file: ne[0] is the contiguous dimension; unused ones are 1 */
  const void *data;      /* NULL when the type's size is unknown */
  uint64_t bytes;
} RtGgufTensor;

RtGguf *rt_gguf_open (const char *path, RtError *error);
RtGguf *rt_gguf_open_bytes (const void *bytes, size_t n_bytes, RtError *error); /* borrowed; 8-byte aligned; for tests and fuzzing */
void rt_gguf_close (RtGguf *gguf); /* accepts NULL */

uint32_t rt_gguf_version (const RtGguf *gguf);
uint64_t rt_gguf_file_bytes (const RtGguf *gguf);
uint64_t rt_gguf_n_meta (const RtGguf *gguf);
const RtGgufMeta *rt_gguf_meta (const RtGguf *gguf, uint64_t index);
const RtGgufMeta *rt_gguf_find (const RtGguf *gguf, const char *key);
uint64_t rt_gguf_n_tensors (const RtGguf *gguf);
const RtGgufTensor *rt_gguf_tensor (const RtGguf *gguf, uint64_t index);
const RtGgufTensor *rt_gguf_find_tensor (const RtGguf *gguf, const char *name);

/* Typed look-ups. Integers of any width convert when they fit. false: absent or of another type; *@value is untouched. */
bool rt_gguf_get_u64 (const RtGguf *gguf, const char *key, uint64_t *value);
bool rt_gguf_get_f64 (const RtGguf *gguf, const char *key, double *value);
bool rt_gguf_get_bool (const RtGguf *gguf, const char *key, bool *value);
bool rt_gguf_get_string (const RtGguf *gguf, const char *key, RtSlice *value);

/* Walk an array of strings: *@cursor starts at 0; false at the end. */
bool rt_gguf_next_string (const RtGgufMeta *array, uint64_t *cursor, RtSlice *item);
/* Item @index of an array of numbers. */
bool rt_gguf_item_f64 (const RtGgufMeta *array, uint64_t index, double *value);
bool rt_gguf_item_i64 (const RtGgufMeta *array, uint64_t index, int64_t *value);

/* Tell the kernel that the tensor's pages are not needed any more (they come back from the file if they are). */
void rt_gguf_forget_tensor (const RtGguf *gguf, const RtGgufTensor *tensor);

/* ---- Writing: declare everything, then write tensors in order; the file appears under its name only when complete (temporary + rename). ---- */
typedef struct RtGgufWriter RtGgufWriter;

RtGgufWriter *rt_gguf_writer_new (RtError *error);
void rt_gguf_writer_free (RtGgufWriter *writer);
bool rt_gguf_writer_add_u32 (RtGgufWriter *w, const char *key, uint32_t value, RtError *error);
bool rt_gguf_writer_add_f32 (RtGgufWriter *w, const char *key, float value, RtError *error);
bool rt_gguf_writer_add_bool (RtGgufWriter *w, const char *key, bool value, RtError *error);
bool rt_gguf_writer_add_string (RtGgufWriter *w, const char *key, const char *value, RtError *error);
bool rt_gguf_writer_copy_meta (RtGgufWriter *w, const RtGgufMeta *meta, RtError *error); /* byte for byte, replaces nothing */
bool rt_gguf_writer_add_tensor (RtGgufWriter *w, const char *name, int dtype, uint32_t n_dims, const uint64_t *ne, RtError *error);
/* Open @path's temporary and write the header. */
bool rt_gguf_writer_begin (RtGgufWriter *w, const char *path, RtError *error);
/* The next declared tensor's bytes, all at once or in pieces that add up. */
bool rt_gguf_writer_write (RtGgufWriter *w, const void *bytes, uint64_t n_bytes, RtError *error);
bool rt_gguf_writer_end (RtGgufWriter *w, RtError *error);
