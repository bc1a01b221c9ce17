/* Growing bytes and reading with bounds. Called by files of builds; knows nothing of what is in
 * them. */
#include "rt-bytes.h"

#include <stdlib.h>
#include <string.h>

/* ---- Writing ---- */

void
rt_bytes_add (RtBytes *b, const void *bytes, size_t n)
{
  size_t needed;

  if (b->failed || n == 0)
    return;
  if (__builtin_add_overflow (b->n, n, &needed))
    {
      b->failed = true;
      return;
    }
  if (needed > b->capacity)
    {
      size_t capacity = b->capacity > 0 ? b->capacity : 4096;
      while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : 2 * capacity;
      uint8_t *grown = realloc (b->bytes, capacity);
      if (grown == NULL)
        {
          b->failed = true;
          return;
        }
      b->bytes = grown;
      b->capacity = capacity;
    }
  memcpy (b->bytes + b->n, bytes, n);
  b->n = needed;
}

static void
add_number (RtBytes *b, uint64_t value, size_t n)
{
  uint8_t bytes[8];

  for (size_t i = 0; i < n; i++)
    bytes[i] = (uint8_t)(value >> (8 * i));
  rt_bytes_add (b, bytes, n);
}

void
rt_bytes_add_u8 (RtBytes *b, uint8_t value)
{
  rt_bytes_add (b, &value, 1);
}

void
rt_bytes_add_u32 (RtBytes *b, uint32_t value)
{
  add_number (b, value, 4);
}

void
rt_bytes_add_u64 (RtBytes *b, uint64_t value)
{
  add_number (b, value, 8);
}

void
rt_bytes_add_f32 (RtBytes *b, float value)
{
  uint32_t bits;

  memcpy (&bits, &value, sizeof bits);
  rt_bytes_add_u32 (b, bits);
}

void
rt_bytes_add_string (RtBytes *b, const char *text)
{
  size_t n = strlen (text);

  if (n > UINT32_MAX)
    b->failed = true;
  rt_bytes_add_u32 (b, (uint32_t)n);
  rt_bytes_add (b, text, n);
}

/* ---- Reading ---- */

const uint8_t *
rt_reader_take (RtReader *r, size_t n)
{
  if (r->failed || n > (size_t)(r->end - r->next))
    {
      r->failed = true;
      return NULL;
    }
  const uint8_t *bytes = r->next;
  r->next += n;
  return bytes;
}

static uint64_t
read_number (RtReader *r, size_t n)
{
  const uint8_t *bytes = rt_reader_take (r, n);
  uint64_t value = 0;

  for (size_t i = 0; bytes != NULL && i < n; i++)
    value |= (uint64_t)bytes[i] << (8 * i);
  return value;
}

uint8_t
rt_reader_u8 (RtReader *r)
{
  return (uint8_t)read_number (r, 1);
}

uint32_t
rt_reader_u32 (RtReader *r)
{
  return (uint32_t)read_number (r, 4);
}

uint64_t
rt_reader_u64 (RtReader *r)
{
  return read_number (r, 8);
}

float
rt_reader_f32 (RtReader *r)
{
  uint32_t bits = rt_reader_u32 (r);
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

uint32_t
rt_reader_count (RtReader *r, size_t item_bytes)
{
  uint32_t n = rt_reader_u32 (r);

  if (n > 0 && (size_t)(r->end - r->next) / item_bytes < n)
    r->failed = true;
  return r->failed ? 0 : n;
}

char *
rt_reader_string (RtReader *r)
{
  uint32_t n = rt_reader_u32 (r);
  const uint8_t *bytes = rt_reader_take (r, n);

  if (bytes == NULL || memchr (bytes, 0, n) != NULL)
    {
      r->failed = true;
      return NULL;
    }
  char *text = malloc ((size_t)n + 1);
  if (text == NULL)
    {
      r->failed = true;
      return NULL;
    }
  memcpy (text, bytes, n);
  text[n] = '\0';
  return text;
}
