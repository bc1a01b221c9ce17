/* GGUF v2/v3 files: mapped, and every offset, count and string checked before it is used. A
 * hostile file gives an error, never a crash, and never an allocation that its own size does not
 * justify. Little-endian files on little-endian machines. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "rt-error.h"

typedef struct RtGguf RtGguf;

typedef enum
{
  RT_GGUF_U8,
  RT_GGUF_I8,
  RT_GGUF_U16,
  RT_GGUF_I16,
  RT_GGUF_U32,
  RT_GGUF_I32,
  RT_GGUF_F32,
  RT_GGUF_BOOL,
  RT_GGUF_STRING,
  RT_GGUF_ARRAY,
  RT_GGUF_U64,
  RT_GGUF_I64,
  RT_GGUF_F64,
} RtGgufType;

/* Bytes that belong to somebody else. Not zero-terminated; from a file they may hold anything. */
typedef struct
{
  const char *data;
  uint64_t length;
} RtSlice;

typedef struct
{
  RtSlice key;
  RtGgufType type;
  RtGgufType item_type; /* arrays; equal to @type otherwise */
  uint64_t n_items;     /* arrays; 1 otherwise */
  const uint8_t *data;  /* raw little-endian bytes of the value or the first item; unaligned */
  uint64_t bytes;       /* of the value, or of all items; lengths of strings included */
} RtGgufMeta;

#define RT_GGUF_MAX_DIMS 4

typedef struct
{
  RtSlice name;
  int dtype;                     /* GGUF type number, maybe one that kn_dtype_info() lacks */
  uint32_t n_dims;               /* 0: a single value */
  uint64_t ne[RT_GGUF_MAX_DIMS]; /* as in the file: ne[0] is contiguous; unused ones are 1 */
  const void *data;              /* NULL when the type's size is unknown */
  uint64_t bytes;                /* 0 when the type's size is unknown */
} RtGgufTensor;

/* ---- Reading ---- */

/* Map the file at @path and check all of its structure (tensor data is not read). The error names
 * the file, the place and what was expected. RT_ERROR_IO: cannot be read. RT_ERROR_FORMAT: not
 * what GGUF says. RT_ERROR_UNSUPPORTED: version 1, big-endian, arrays nested too deep. A file must
 * not be shortened while it is open: the kernel would end the process. Free with
 * rt_gguf_close(). */
RtGguf *rt_gguf_open (const char *path, RtError *error);

/* The same for bytes in memory, borrowed until rt_gguf_close(); @bytes must be 8-byte aligned. */
RtGguf *rt_gguf_open_bytes (const void *bytes, size_t n_bytes, RtError *error);
/* What a GGUF file with the metadata of @bytes (a file without tensors, as for
 * rt_gguf_open_bytes()) and @tensors would be, for models of other formats: names and data are
 * borrowed too, and may lie anywhere. @mapped [n_tensors] (may be NULL): whether the data is a file
 * mapped privately for reading, which rt_gguf_forget_tensor() may hand back to the kernel. */
RtGguf *rt_gguf_open_parts (const void *bytes, size_t n_bytes, const RtGgufTensor *tensors,
                            const bool *mapped, uint64_t n_tensors, RtError *error);
void rt_gguf_close (RtGguf *gguf); /* accepts NULL */

uint32_t rt_gguf_version (const RtGguf *gguf);
uint64_t rt_gguf_file_bytes (const RtGguf *gguf);
uint64_t rt_gguf_alignment (const RtGguf *gguf); /* of tensor data in the file, bytes */

/* Metadata, in file order; @index must be below the count. rt_gguf_find() gives NULL when the key
 * is absent; O(log n). */
uint64_t rt_gguf_n_meta (const RtGguf *gguf);
const RtGgufMeta *rt_gguf_meta (const RtGguf *gguf, uint64_t index);
const RtGgufMeta *rt_gguf_find (const RtGguf *gguf, const char *key);

uint64_t rt_gguf_n_tensors (const RtGguf *gguf);
const RtGgufTensor *rt_gguf_tensor (const RtGguf *gguf, uint64_t index);
const RtGgufTensor *rt_gguf_find_tensor (const RtGguf *gguf, const char *name);

/* Typed look-ups. Integers of any width convert when they fit; rt_gguf_get_f64() also takes
 * integers. false: absent or of another type; *@value is untouched. */
bool rt_gguf_get_u64 (const RtGguf *gguf, const char *key, uint64_t *value);
bool rt_gguf_get_f64 (const RtGguf *gguf, const char *key, double *value);
bool rt_gguf_get_bool (const RtGguf *gguf, const char *key, bool *value);
bool rt_gguf_get_string (const RtGguf *gguf, const char *key, RtSlice *value);

/* The array called @key with items of @item_type, or NULL when absent or of another type. */
const RtGgufMeta *rt_gguf_get_array (const RtGguf *gguf, const char *key, RtGgufType item_type);

/* Walk an array of strings: *@cursor starts at 0; false at the end, and when @array is not one. */
bool rt_gguf_next_string (const RtGgufMeta *array, uint64_t *cursor, RtSlice *item);

/* Item @index of an array of numbers (or the value itself, index 0). false: past the end, not a
 * number, or (i64) not an integer that fits. */
bool rt_gguf_item_f64 (const RtGgufMeta *array, uint64_t index, double *value);
bool rt_gguf_item_i64 (const RtGgufMeta *array, uint64_t index, int64_t *value);

/* Tell the kernel that the tensor's pages are not needed any more (they come back from the file if
 * they are). Does nothing for bytes in memory. */
void rt_gguf_forget_tensor (const RtGguf *gguf, const RtGgufTensor *tensor);

/* ---- Names and sizes ---- */

/* "Q4_0", "IQ2_XS": every tensor type the format has ever had, whether or not this program can run
 * it. "type 77" for a number that the format does not know (a buffer of the calling thread). */
const char *rt_gguf_dtype_name (int dtype);

/* Bytes of @n_values values of @dtype in a row of the file. 0: unknown type, @n_values is not a
 * multiple of the block length, or the product overflows. */
uint64_t rt_gguf_dtype_bytes (int dtype, uint64_t n_values);

/* Values per block: 1 for plain numbers, 0 for a type of unknown size. */
uint32_t rt_gguf_dtype_block_len (int dtype);

/* "u32", "string", "array". */
const char *rt_gguf_type_name (RtGgufType type);

/* @slice for a message: printable UTF-8 kept, other bytes as \xNN, cut with "..." to fit. Always
 * zero-terminates; returns @buffer. */
const char *rt_slice_show (RtSlice slice, char *buffer, size_t buffer_bytes);
bool rt_slice_equals (RtSlice slice, const char *text);

/* A zero-terminated malloc'ed copy; NULL without memory. */
char *rt_slice_dup (RtSlice slice);

/* ---- Writing ----
 * Declare everything, begin, then write the tensors in the order declared; the file appears under
 * its name only when complete (temporary file in the same folder, fsync, rename). */
typedef struct RtGgufWriter RtGgufWriter;

RtGgufWriter *rt_gguf_writer_new (RtError *error);

/* Accepts NULL. Before rt_gguf_writer_end() has succeeded this removes the temporary file. */
void rt_gguf_writer_free (RtGgufWriter *writer);

/* Each fails with RT_ERROR_FORMAT for a key that was added before, RT_ERROR_MEMORY without
 * memory. */
bool rt_gguf_writer_add_u32 (RtGgufWriter *w, const char *key, uint32_t value, RtError *error);
bool rt_gguf_writer_add_u64 (RtGgufWriter *w, const char *key, uint64_t value, RtError *error);
bool rt_gguf_writer_add_f32 (RtGgufWriter *w, const char *key, float value, RtError *error);
bool rt_gguf_writer_add_bool (RtGgufWriter *w, const char *key, bool value, RtError *error);
bool rt_gguf_writer_add_string (RtGgufWriter *w, const char *key, const char *value,
                                RtError *error);

/* @items: @n_items little-endian numbers of @item_type (no strings, no arrays). */
bool rt_gguf_writer_add_array (RtGgufWriter *w, const char *key, RtGgufType item_type,
                               const void *items, uint64_t n_items, RtError *error);
bool rt_gguf_writer_add_strings (RtGgufWriter *w, const char *key, const RtSlice *items,
                                 uint64_t n_items, RtError *error);

/* Byte for byte; replaces nothing. "general.alignment" also sets this file's alignment. */
bool rt_gguf_writer_copy_meta (RtGgufWriter *w, const RtGgufMeta *meta, RtError *error);

/* @ne as in RtGgufTensor. RT_ERROR_UNSUPPORTED: a type of unknown size. RT_ERROR_RANGE: a row that
 * is no multiple of the type's block, a dimension of 0, more than RT_GGUF_MAX_DIMS. */
bool rt_gguf_writer_add_tensor (RtGgufWriter *w, const char *name, int dtype, uint32_t n_dims,
                                const uint64_t *ne, RtError *error);

/* The size that the finished file will have, from what is declared so far. */
uint64_t rt_gguf_writer_file_bytes (const RtGgufWriter *w);

/* Open @path's temporary, reserve the space (a full disk shows here) and write the header. */
bool rt_gguf_writer_begin (RtGgufWriter *w, const char *path, RtError *error);

/* The next declared tensor's bytes, all at once or in pieces that add up; a piece may run over
 * into the next tensor. */
bool rt_gguf_writer_write (RtGgufWriter *w, const void *bytes, uint64_t n_bytes, RtError *error);

/* Check that every tensor is complete, fsync, rename over @path. */
bool rt_gguf_writer_end (RtGgufWriter *w, RtError *error);
