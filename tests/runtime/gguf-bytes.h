/* Build GGUF files byte by byte, right or wrong ones, without the writer under test. */
#pragma once

#include <glib.h>
#include <string.h>

#include "rt-gguf.h"

static inline void
put_bytes (GByteArray *b, const void *data, size_t n)
{
  g_byte_array_append (b, data, (guint)n);
}

static inline void
put_u8 (GByteArray *b, uint8_t v)
{
  put_bytes (b, &v, sizeof v);
}

static inline void
put_u32 (GByteArray *b, uint32_t v)
{
  put_bytes (b, &v, sizeof v);
}

static inline void
put_u64 (GByteArray *b, uint64_t v)
{
  put_bytes (b, &v, sizeof v);
}

static inline void
put_f32 (GByteArray *b, float v)
{
  put_bytes (b, &v, sizeof v);
}

static inline void
put_string (GByteArray *b, const char *text)
{
  put_u64 (b, strlen (text));
  put_bytes (b, text, strlen (text));
}

static inline void
put_header (GByteArray *b, uint32_t version, uint64_t n_tensors, uint64_t n_meta)
{
  put_bytes (b, "GGUF", 4);
  put_u32 (b, version);
  put_u64 (b, n_tensors);
  put_u64 (b, n_meta);
}

/* A key and its type; the value follows. */
static inline void
put_key (GByteArray *b, const char *key, uint32_t type)
{
  put_string (b, key);
  put_u32 (b, type);
}

static inline void
put_tensor_2d (GByteArray *b, const char *name, uint64_t ne0, uint64_t ne1, uint32_t dtype,
               uint64_t offset)
{
  put_string (b, name);
  put_u32 (b, 2);
  put_u64 (b, ne0);
  put_u64 (b, ne1);
  put_u32 (b, dtype);
  put_u64 (b, offset);
}

/* Zeros up to the next multiple of @alignment. */
static inline void
put_padding (GByteArray *b, uint32_t alignment)
{
  while (b->len % alignment)
    put_u8 (b, 0);
}

static inline void
put_zeros (GByteArray *b, size_t n)
{
  while (n--)
    put_u8 (b, 0);
}
