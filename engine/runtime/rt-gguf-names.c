/* Names and sizes of what a GGUF file may hold, and slices as text.
 *
 * Knows every tensor type the format has ever had, so that an error can name one that this program
 * cannot run and `inspect` can still say how big it is. Must not know kernels: what can be computed
 * is kn_dtype_info()'s business. */
#include "rt-gguf-private.h"
#include "rt-unicode.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct
{
  const char *name;
  uint16_t block_len; /* values; 0: removed from the format before its size mattered */
  uint16_t block_bytes;
} DtypeRow;

/* Indexed by the file's type number. Sizes are the sum of a block's fields: scales and minima, then
 * packed values. */
static const DtypeRow dtype_rows[] = {
  [0] = { "F32", 1, 4 },
  [1] = { "F16", 1, 2 },
  [2] = { "Q4_0", 32, 2 + 16 },
  [3] = { "Q4_1", 32, 2 + 2 + 16 },
  [4] = { "Q4_2", 0, 0 },
  [5] = { "Q4_3", 0, 0 },
  [6] = { "Q5_0", 32, 2 + 4 + 16 },
  [7] = { "Q5_1", 32, 2 + 2 + 4 + 16 },
  [8] = { "Q8_0", 32, 2 + 32 },
  [9] = { "Q8_1", 32, 2 + 2 + 32 },
  [10] = { "Q2_K", 256, 16 + 64 + 2 + 2 },
  [11] = { "Q3_K", 256, 32 + 64 + 12 + 2 },
  [12] = { "Q4_K", 256, 2 + 2 + 12 + 128 },
  [13] = { "Q5_K", 256, 2 + 2 + 12 + 32 + 128 },
  [14] = { "Q6_K", 256, 128 + 64 + 16 + 2 },
  [15] = { "Q8_K", 256, 4 + 256 + 32 },
  [16] = { "IQ2_XXS", 256, 2 + 64 },
  [17] = { "IQ2_XS", 256, 2 + 64 + 8 },
  [18] = { "IQ3_XXS", 256, 2 + 64 + 32 },
  [19] = { "IQ1_S", 256, 2 + 32 + 16 },
  [20] = { "IQ4_NL", 32, 2 + 16 },
  [21] = { "IQ3_S", 256, 2 + 64 + 8 + 32 + 4 },
  [22] = { "IQ2_S", 256, 2 + 64 + 8 + 8 },
  [23] = { "IQ4_XS", 256, 2 + 2 + 4 + 128 },
  [24] = { "I8", 1, 1 },
  [25] = { "I16", 1, 2 },
  [26] = { "I32", 1, 4 },
  [27] = { "I64", 1, 8 },
  [28] = { "F64", 1, 8 },
  [29] = { "IQ1_M", 256, 32 + 16 + 8 },
  [30] = { "BF16", 1, 2 },
  [31] = { "Q4_0_4_4", 0, 0 },
  [32] = { "Q4_0_4_8", 0, 0 },
  [33] = { "Q4_0_8_8", 0, 0 },
  [34] = { "TQ1_0", 256, 48 + 4 + 2 },
  [35] = { "TQ2_0", 256, 64 + 2 },
  [36] = { "IQ4_NL_4_4", 0, 0 },
  [37] = { "IQ4_NL_4_8", 0, 0 },
  [38] = { "IQ4_NL_8_8", 0, 0 },
  [39] = { "MXFP4", 32, 1 + 16 },
  [40] = { "NVFP4", 64, 4 + 32 },
  [41] = { "Q1_0", 128, 2 + 16 },
  [42] = { "Q2_0", 64, 2 + 16 },
};

static const DtypeRow *
dtype_row (int dtype)
{
  if (dtype < 0 || (size_t)dtype >= sizeof dtype_rows / sizeof *dtype_rows)
    return NULL;
  return &dtype_rows[dtype];
}

const char *
rt_gguf_dtype_name (int dtype)
{
  static _Thread_local char unknown[24];
  const DtypeRow *row = dtype_row (dtype);

  if (row)
    return row->name;
  snprintf (unknown, sizeof unknown, "type %d", dtype);
  return unknown;
}

uint64_t
rt_gguf_dtype_bytes (int dtype, uint64_t n_values)
{
  const DtypeRow *row = dtype_row (dtype);
  uint64_t bytes;

  if (!row || row->block_len == 0 || n_values % row->block_len != 0)
    return 0;
  if (__builtin_mul_overflow (n_values / row->block_len, (uint64_t)row->block_bytes, &bytes))
    return 0;
  return bytes;
}

uint32_t
rt_gguf_dtype_block_len (int dtype)
{
  const DtypeRow *row = dtype_row (dtype);

  return row ? row->block_len : 0;
}

const char *
rt_gguf_type_name (RtGgufType type)
{
  static const char *const names[] = {
    "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64",
  };

  return (size_t)type < sizeof names / sizeof *names ? names[type] : "unknown";
}

uint32_t
rt_gguf_type_bytes (uint32_t type)
{
  static const uint8_t bytes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };

  return type < sizeof bytes ? bytes[type] : 0;
}

const char *
rt_slice_show (RtSlice slice, char *buffer, size_t buffer_bytes)
{
  const uint8_t *s = (const uint8_t *)slice.data;
  uint64_t i = 0;
  size_t out = 0;
  size_t cut = 0; /* where dots would go, should the rest not fit */

  if (buffer_bytes == 0)
    return buffer;
  while (i < slice.length)
    {
      uint32_t length;
      uint32_t cp = rt_utf8_decode (s + i, slice.length - i, &length);
      bool escape = cp == RT_UTF8_INVALID || cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
      size_t n_shown = escape ? 4 : length;

      if (out + n_shown >= buffer_bytes)
        {
          size_t n_dots = buffer_bytes - 1 - cut;
          n_dots = n_dots > 3 ? 3 : n_dots;
          memcpy (buffer + cut, "...", n_dots);
          out = cut + n_dots;
          break;
        }
      if (escape)
        snprintf (buffer + out, buffer_bytes - out, "\\x%02x", s[i]);
      else
        memcpy (buffer + out, s + i, length);
      out += n_shown;
      i += escape ? 1 : length;
      if (out + 3 < buffer_bytes)
        cut = out;
    }
  buffer[out] = '\0';
  return buffer;
}

bool
rt_slice_equals (RtSlice slice, const char *text)
{
  size_t n = strlen (text);

  return slice.length == n && memcmp (slice.data, text, n) == 0;
}

int
rt_slice_compare (RtSlice a, RtSlice b)
{
  uint64_t n = a.length < b.length ? a.length : b.length;
  int order = n ? memcmp (a.data, b.data, n) : 0;

  if (order != 0)
    return order;
  return a.length < b.length ? -1 : a.length > b.length;
}

char *
rt_slice_dup (RtSlice slice)
{
  char *text = malloc (slice.length + 1);

  if (!text)
    return NULL;
  if (slice.length)
    memcpy (text, slice.data, slice.length);
  text[slice.length] = '\0';
  return text;
}
