/* SHA-256 (FIPS 180-4), so that a board can tell whether a file is the one that was sent. Plain C,
 * a few hundred megabytes a second. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RT_SHA256_BYTES 32

typedef struct
{
  uint32_t state[8];
  uint64_t n_bytes;
  uint8_t block[64]; /* what does not fill one yet */
} RtSha256;

void rt_sha256_init (RtSha256 *sum);
void rt_sha256_add (RtSha256 *sum, const void *bytes, size_t n_bytes);
void rt_sha256_end (RtSha256 *sum, uint8_t digest[RT_SHA256_BYTES]);

/* As people write it: 64 hexadecimal digits and a zero. Returns @text. */
char *rt_sha256_text (const uint8_t digest[RT_SHA256_BYTES], char text[2 * RT_SHA256_BYTES + 1]);
