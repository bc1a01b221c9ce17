/* The blocks of the quantized formats, byte for byte. All members are bytes or byte pairs, so the
 * structs have no padding and alignment 2 at most; rows in a file are aligned to 32 bytes.
 *
 *   Q4_0  w = d (q - 8)         Q4_1  w = d q + m     low nibbles are values 0..15, high 16..31
 *   Q5_0  w = d (q - 16)        Q5_1  w = d q + m     fifth bit of value j is bit j of qh
 *   Q8_0  w = d q                                     q: int8
 *   Q4_K  w = d sc q - dmin mn    8 groups of 32, (sc, mn) of 6 bits; nibbles: groups 2i and 2i + 1
 *                                 are the low and high nibbles of qs[32 i .. 32 i + 31]
 *   Q5_K  the same                fifth bit of value j of group g is bit g of qh[j]
 *   Q6_K  w = d sc (q - 32)       16 groups of 16, sc: int8; per 128 values: see kn_q6_codes
 *   Q2_K  w = d sc q - dmin mn    16 groups of 16, a byte each: sc in the low, mn in the high
 *                                 nibble; value j of 32 of run r (0..7) is bits 2 (r % 4) of qs[32
 *                                 (r / 4) + j]
 *   Q3_K  w = d sc (q - 4)        codes as Q2_K, third bit of value j of run r is bit r of
 *                                 hmask[j]; 16 signed scales of 6 bits: see kn_q3_scales_get
 *   TQ2_0 w = d (q - 1)           codes as Q2_K
 *   TQ1_0 w = d (q - 1)           5 values to a byte, as a fraction in base 3: see kn_tq1_codes
 *   MXFP4 w = 2^(e - 128) v(q)    v = 2 x the E2M1 float; nibbles as Q4_0
 *   F8_E4M3 w = d v(q), F8_E5M2   v: the 8-bit float of the Open Compute Project's OFP8, times 2^-8
 *                                 for E4M3: both are halves without their lower bits, see
 *                                 kn_f8_load
 *   Q2_64 w = d sc q - dmin mn    4 groups of 16, scales as Q2_K; value j of 16 of group g is bits
 *                                 2 g of qs[j]
 *   Q3_64 w = d (sc - 8) (q - 4)  codes as Q2_64, third bit of value j of group g is bit
 *                                 2 g + j / 8 of qh[j % 8]; sc of group g is nibble g % 2 of
 *                                 scales[g / 2]
 *   Q1_64 w = d (2 q - 1)         signs: q of value j is bit j % 8 of qs[j / 8] */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KN_QK 32               /* values of a simple block */
#define KN_QK_K 256            /* values of a K block */
#define KN_QK_64 64            /* values of a block of Q1_64, Q2_64 and Q3_64 */
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

typedef struct
{
  uint8_t scales[16];
  uint8_t qs[64];
  uint16_t d, dmin;
} KnBlockQ2_K;
typedef struct
{
  uint8_t hmask[32];
  uint8_t qs[64];
  uint8_t scales[12];
  uint16_t d;
} KnBlockQ3_K;
typedef struct
{
  uint8_t qs[48];
  uint8_t qh[4];
  uint16_t d;
} KnBlockTQ1_0;
typedef struct
{
  uint8_t qs[64];
  uint16_t d;
} KnBlockTQ2_0;
typedef struct
{
  uint8_t e;
  uint8_t qs[16];
} KnBlockMXFP4;
typedef struct
{
  uint16_t d;
  uint8_t qs[32];
} KnBlockF8;
typedef struct
{
  uint16_t d, dmin;
  uint8_t scales[4];
  uint8_t qs[16];
} KnBlockQ2_64;
typedef struct
{
  uint16_t d;
  uint8_t scales[2];
  uint8_t qs[16];
  uint8_t qh[8];
} KnBlockQ3_64;
typedef struct
{
  uint16_t d;
  uint8_t qs[8];
} KnBlockQ1_64;

_Static_assert(sizeof (KnBlockQ4_0) == 18, "");
_Static_assert(sizeof (KnBlockQ4_1) == 20, "");
_Static_assert(sizeof (KnBlockQ5_0) == 22, "");
_Static_assert(sizeof (KnBlockQ5_1) == 24, "");
_Static_assert(sizeof (KnBlockQ8_0) == 34, "");
_Static_assert(sizeof (KnBlockQ4_K) == 144, "");
_Static_assert(sizeof (KnBlockQ5_K) == 176, "");
_Static_assert(sizeof (KnBlockQ6_K) == 210, "");
_Static_assert(sizeof (KnBlockQ2_K) == 84, "");
_Static_assert(sizeof (KnBlockQ3_K) == 110, "");
_Static_assert(sizeof (KnBlockTQ1_0) == 54, "");
_Static_assert(sizeof (KnBlockTQ2_0) == 66, "");
_Static_assert(sizeof (KnBlockMXFP4) == 17, "");
_Static_assert(sizeof (KnBlockF8) == 34, "");
_Static_assert(sizeof (KnBlockQ2_64) == 24, "");
_Static_assert(sizeof (KnBlockQ3_64) == 28, "");
_Static_assert(sizeof (KnBlockQ1_64) == 10, "");

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

/* The 16 scales of a Q3_K block, 6 bits each with 32 added: scale i has its low 4 bits in nibble i
 * / 8 of byte i % 8 and its top 2 bits at bits 2 (i / 4) of byte 8 + i % 4. */
static inline void
kn_q3_scales_get (const uint8_t scales[12], int8_t sc[16])
{
  for (int i = 0; i < 16; i++)
    {
      int low = scales[i % 8] >> (i / 8 * 4) & 15, high = scales[8 + i % 4] >> (i / 4 * 2) & 3;

      sc[i] = (int8_t)((low | high << 4) - 32);
    }
}

static inline void
kn_q3_scales_put (const int8_t sc[16], uint8_t scales[12])
{
  memset (scales, 0, 12);
  for (int i = 0; i < 16; i++)
    {
      unsigned code = (unsigned)(sc[i] + 32);

      scales[i % 8] |= (uint8_t)((code & 15) << i / 8 * 4);
      scales[8 + i % 4] |= (uint8_t)(code >> 4 << i / 4 * 2);
    }
}

/* The 256 codes 0..2 of a TQ1_0 block. A byte is a number below 1 in base 3 times 256, rounded up:
 * times 3 its whole part is the next digit, and the fraction that stays is the byte's next state.
 * Digit n of bytes 0..31 are values 32 n .., of bytes 32..47 values 160 + 16 n .., of the four
 * bytes of qh values 240 + 4 n .. */
static inline void
kn_tq1_digits (const uint8_t *bytes, size_t n_bytes, size_t n_digits, uint8_t *codes)
{
  for (size_t j = 0; j < n_bytes; j++)
    {
      unsigned state = bytes[j];

      for (size_t n = 0; n < n_digits; n++)
        {
          state *= 3;
          codes[n * n_bytes + j] = (uint8_t)(state >> 8);
          state &= 255;
        }
    }
}

static inline void
kn_tq1_codes (const KnBlockTQ1_0 *b, uint8_t codes[256])
{
  kn_tq1_digits (b->qs, 32, 5, codes);
  kn_tq1_digits (b->qs + 32, 16, 5, codes + 160);
  kn_tq1_digits (b->qh, 4, 4, codes + 240);
}

/* Twice the E2M1 float of each code. */
static const int8_t kn_mxfp4_values[16]
    = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };

/* 2^(e - 128): half of what the format's power of two says, since the values above are doubled. */
static inline float
kn_e8m0_half (uint8_t e)
{
  uint32_t bits = e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23;
  float f;

  memcpy (&f, &bits, sizeof f);
  return f;
}
