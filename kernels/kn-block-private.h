/* The blocks of the quantized GGUF formats, byte for byte. All members are bytes or byte pairs, so
 * the structs have no padding and alignment 2 at most; rows in a file are aligned to 32 bytes.
 *
 *   Q4_0  w = d (q - 8)           Q4_1  w = d q + m          q: 4 bits, low nibbles are values
 * 0..15, high 16..31 Q5_0  w = d (q - 16)          Q5_1  w = d q + m          fifth bit of value j
 * is bit j of qh Q8_0  w = d q                                            q: int8 Q4_K  w = d sc q
 * - dmin mn                               8 groups of 32, (sc, mn) of 6 bits; nibbles: groups 2i
 * and 2i+1 are the low and high nibbles of qs[32 i .. 32 i + 31] Q5_K  the same fifth bit of value
 * j of group g is bit g of qh[j] Q6_K  w = d sc (q - 32)                                  16 groups
 * of 16, sc: int8; per 128 values: see kn_q6_codes */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KN_QK 32    /* values of a simple block */
#define KN_QK_K 256 /* values of a K block */
#define KN_MAX_BLOCK_BYTES 256 /* no format's block is longer */

typedef struct
{
  uint16_t d;
  uint8_t qs[16];
} KnBlockQ4_0;
typedef struct
{
  uint16_t d, m;
  uint8_t qs[16];
} KnBlockQ4_1;
typedef struct
{
  uint16_t d;
  uint8_t qh[4];
  uint8_t qs[16];
} KnBlockQ5_0;
typedef struct
{
  uint16_t d, m;
  uint8_t qh[4];
  uint8_t qs[16];
} KnBlockQ5_1;
typedef struct
{
  uint16_t d;
  int8_t qs[32];
} KnBlockQ8_0;
typedef struct
{
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t qs[128];
} KnBlockQ4_K;
typedef struct
{
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t qh[32];
  uint8_t qs[128];
} KnBlockQ5_K;
typedef struct
{
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];
  uint16_t d;
} KnBlockQ6_K;

_Static_assert(sizeof (KnBlockQ4_0) == 18, "");
_Static_assert(sizeof (KnBlockQ4_1) == 20, "");
_Static_assert(sizeof (KnBlockQ5_0) == 22, "");
_Static_assert(sizeof (KnBlockQ5_1) == 24, "");
_Static_assert(sizeof (KnBlockQ8_0) == 34, "");
_Static_assert(sizeof (KnBlockQ4_K) == 144, "");
_Static_assert(sizeof (KnBlockQ5_K) == 176, "");
_Static_assert(sizeof (KnBlockQ6_K) == 210, "");

static inline uint32_t
kn_load_u32 (const void *p)
{
  uint32_t v;
  memcpy (&v, p, sizeof v);
  return v;
}

static inline void
kn_store_u32 (void *p, uint32_t v)
{
  memcpy (p, &v, sizeof v);
}

/* The 6-bit (scale, min) pairs of a Q4_K or Q5_K block: pairs 0..3 in the low 6 bits of bytes 0..3
 * and 4..7; pairs 4..7 have their low 4 bits in bytes 8..11 and their top 2 bits in the top of the
 * bytes of pairs 0..3. */
static inline void
kn_k_scales_get (const uint8_t scales[12], uint8_t sc[8], uint8_t mn[8])
{
  for (int i = 0; i < 4; i++)
    {
      sc[i] = scales[i] & 63;
      mn[i] = scales[i + 4] & 63;
      sc[i + 4] = (uint8_t)((scales[i + 8] & 15) | scales[i] >> 6 << 4);
      mn[i + 4] = (uint8_t)(scales[i + 8] >> 4 | scales[i + 4] >> 6 << 4);
    }
}

static inline void
kn_k_scales_put (const uint8_t sc[8], const uint8_t mn[8], uint8_t scales[12])
{
  for (int i = 0; i < 4; i++)
    {
      scales[i] = (uint8_t)(sc[i] | sc[i + 4] >> 4 << 6);
      scales[i + 4] = (uint8_t)(mn[i] | mn[i + 4] >> 4 << 6);
      scales[i + 8] = (uint8_t)((sc[i + 4] & 15) | (mn[i + 4] & 15) << 4);
    }
}

/* Where the codes of group @g (of 32) of a Q6_K block lie: the 32 bytes at *@ql hold the low 4 bits
 * (in the high nibble when *@ql_shift is 4), the 32 bytes at *@qh the top 2 bits at *@qh_shift. */
static inline void
kn_q6_codes (const KnBlockQ6_K *b, size_t g, const uint8_t **ql, int *ql_shift, const uint8_t **qh,
             int *qh_shift)
{
  size_t half = g / 4, quarter = g % 4;

  *ql = b->ql + 64 * half + 32 * (quarter % 2);
  *ql_shift = quarter >= 2 ? 4 : 0;
  *qh = b->qh + 32 * half;
  *qh_shift = (int)(2 * quarter);
}
