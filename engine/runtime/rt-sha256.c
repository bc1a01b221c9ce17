/* SHA-256 by the text of FIPS 180-4: section 5.1.1 (padding), 6.2.2 (a block's computation). Called
 * by files of builds and by the runner. */
#include "rt-sha256.h"

#include <string.h>

static const uint32_t k[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t
rotate (uint32_t x, unsigned n)
{
  return x >> n | x << (32 - n);
}

static uint32_t
read_u32 (const uint8_t *bytes)
{
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void
write_u32 (uint8_t *bytes, uint32_t value)
{
  for (unsigned i = 0; i < 4; i++)
    bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* One of the 64 steps; the eight words change their roles instead of their places. */
static inline void
step (uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e, uint32_t f, uint32_t g,
      uint32_t *h, uint32_t word)
{
  uint32_t s1 = rotate (e, 6) ^ rotate (e, 11) ^ rotate (e, 25);
  uint32_t choice = g ^ (e & (f ^ g));
  uint32_t t1 = *h + s1 + choice + word;
  uint32_t s0 = rotate (a, 2) ^ rotate (a, 13) ^ rotate (a, 22);
  uint32_t majority = (a & b) | (c & (a | b));

  *d += t1;
  *h = t1 + s0 + majority;
}

/* Word @i of the block's schedule, for i of 16 and more, in place of word i - 16. */
static inline uint32_t
next_word (uint32_t w[16], unsigned i)
{
  uint32_t x = w[(i + 1) & 15], y = w[(i + 14) & 15];

  w[i & 15] += (rotate (x, 7) ^ rotate (x, 18) ^ x >> 3) + w[(i + 9) & 15]
               + (rotate (y, 17) ^ rotate (y, 19) ^ y >> 10);
  return w[i & 15];
}

static void
add_block (uint32_t state[8], const uint8_t *block)
{
  uint32_t w[16], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4],
                  f = state[5], g = state[6], h = state[7];

  for (unsigned i = 0; i < 16; i++)
    w[i] = read_u32 (block + 4 * i);
#define WORD(n) (k[i + (n)] + (i == 0 ? w[n] : next_word (w, n)))
  for (unsigned i = 0; i < 64; i += 16)
    {
      step (a, b, c, &d, e, f, g, &h, WORD (0));
      step (h, a, b, &c, d, e, f, &g, WORD (1));
      step (g, h, a, &b, c, d, e, &f, WORD (2));
      step (f, g, h, &a, b, c, d, &e, WORD (3));
      step (e, f, g, &h, a, b, c, &d, WORD (4));
      step (d, e, f, &g, h, a, b, &c, WORD (5));
      step (c, d, e, &f, g, h, a, &b, WORD (6));
      step (b, c, d, &e, f, g, h, &a, WORD (7));
      step (a, b, c, &d, e, f, g, &h, WORD (8));
      step (h, a, b, &c, d, e, f, &g, WORD (9));
      step (g, h, a, &b, c, d, e, &f, WORD (10));
      step (f, g, h, &a, b, c, d, &e, WORD (11));
      step (e, f, g, &h, a, b, c, &d, WORD (12));
      step (d, e, f, &g, h, a, b, &c, WORD (13));
      step (c, d, e, &f, g, h, a, &b, WORD (14));
      step (b, c, d, &e, f, g, h, &a, WORD (15));
    }
#undef WORD
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

void
rt_sha256_init (RtSha256 *sum)
{
  static const uint32_t first[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

  memset (sum, 0, sizeof *sum);
  memcpy (sum->state, first, sizeof first);
}

void
rt_sha256_add (RtSha256 *sum, const void *bytes, size_t n_bytes)
{
  const uint8_t *next = bytes;
  size_t filled = sum->n_bytes % sizeof sum->block;

  sum->n_bytes += n_bytes;
  if (filled + n_bytes >= sizeof sum->block && filled > 0)
    {
      size_t n = sizeof sum->block - filled;
      memcpy (sum->block + filled, next, n);
      add_block (sum->state, sum->block);
      next += n;
      n_bytes -= n;
      filled = 0;
    }
  for (; n_bytes >= sizeof sum->block; n_bytes -= sizeof sum->block, next += sizeof sum->block)
    add_block (sum->state, next);
  if (n_bytes > 0)
    memcpy (sum->block + filled, next, n_bytes);
}

void
rt_sha256_end (RtSha256 *sum, uint8_t digest[RT_SHA256_BYTES])
{
  static const uint8_t padding[64] = { 0x80 };
  uint64_t n_bits = 8 * sum->n_bytes;
  size_t filled = sum->n_bytes % 64;
  uint8_t length[8];

  write_u32 (length, (uint32_t)(n_bits >> 32));
  write_u32 (length + 4, (uint32_t)n_bits);
  rt_sha256_add (sum, padding, (filled < 56 ? 56 : 120) - filled);
  rt_sha256_add (sum, length, sizeof length);
  for (unsigned i = 0; i < 8; i++)
    write_u32 (digest + 4 * i, sum->state[i]);
}

char *
rt_sha256_text (const uint8_t digest[RT_SHA256_BYTES], char text[2 * RT_SHA256_BYTES + 1])
{
  static const char digits[] = "0123456789abcdef";

  for (unsigned i = 0; i < RT_SHA256_BYTES; i++)
    {
      text[2 * i] = digits[digest[i] >> 4];
      text[2 * i + 1] = digits[digest[i] & 15];
    }
  text[2 * RT_SHA256_BYTES] = '\0';
  return text;
}
