/* Little-endian numbers and strings into and out of bytes that may come from a stranger. Both sides
 * keep going after a failure and remember it, so that callers check once at the end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Writing ---- */

typedef struct
{
  uint8_t *bytes; /* malloc'ed, the caller's in the end */
  size_t n, capacity;
  bool failed; /* out of memory: nothing more is added */
} RtBytes;

void rt_bytes_add (RtBytes *b, const void *bytes, size_t n);
void rt_bytes_add_u8 (RtBytes *b, uint8_t value);
void rt_bytes_add_u32 (RtBytes *b, uint32_t value);
void rt_bytes_add_u64 (RtBytes *b, uint64_t value);
void rt_bytes_add_f32 (RtBytes *b, float value);
void rt_bytes_add_string (RtBytes *b, const char *text); /* its length as u32, its bytes */

/* ---- Reading ---- */

typedef struct
{
  const uint8_t *next, *end;
  bool failed; /* more was asked for than there is: numbers are 0 from then on */
} RtReader;

/* @n bytes, borrowed; NULL when there are not so many. */
const uint8_t *rt_reader_take (RtReader *r, size_t n);
uint8_t rt_reader_u8 (RtReader *r);
uint32_t rt_reader_u32 (RtReader *r);
uint64_t rt_reader_u64 (RtReader *r);
float rt_reader_f32 (RtReader *r);
/* A count of things that take at least @item_bytes each: fails when there is no room for so
 * many. */
uint32_t rt_reader_count (RtReader *r, size_t item_bytes);
/* malloc'ed, zero-terminated; NULL on failure or when there is a zero inside. */
char *rt_reader_string (RtReader *r);
