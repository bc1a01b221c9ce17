/* The layout of packed weights: one for all instruction sets.
 *
 * A panel is KN_PANEL_ROWS = 16 rows. For the float formats it is [n_cols][16] values of the
 * format.
 *
 * For F8_E4M3 and F8_E5M2, floats too, it is per 32 columns f16 d [16], then uint8 [32][16].
 *
 * I8 is 16 rows x 4 columns to a line of 64 bytes, as below, columns padded with zeros to a
 * multiple of four; it has no scales.
 *
 * For the other quantized formats columns are taken in groups of 32, and groups in blocks. A block
 * is the scales of its groups, then their codes, so that a panel is one stream that is read from
 * end to end; everything starts at a cache line.
 *
 *   format       groups  scales of a block
 *   Q8_0 Q4_0
 *   Q5_0         2       2 x f16 d [16]                                   w = d q
 *   Q4_1 Q5_1    1       f16 d [16], f16 m [16]                           w = d q + m
 *   Q4_K Q5_K    8       f16 d [16], f16 dmin [16], 8 x { uint8 sc [16],
 *                        uint8 mn [16] }                                  w = d sc q - dmin mn
 *   Q6_K         8       f16 d [16], 16 x int8 sc [16], one per 16 columns,
 *                        32 zero bytes                                    w = d sc q
 *   Q2_K         8       f16 d [16], f16 dmin [16], 8 x uint8 [16 rows][2 halves],
 *                        sc in the low, mn in the high nibble             w = d sc q - dmin mn
 *   Q2_64        2       the same with 2 groups                           the same
 *   Q3_K         8       f16 d [16], 32 zero bytes, 8 x int8 sc [16][2]   w = d sc q
 *   Q3_64        2       f16 d [16], 2 x uint8 [16], the nibbles are the
 *                        halves' sc + 8                                   w = d sc q
 *   TQ1_0 TQ2_0  8       f16 d [16], 32 zero bytes                        w = d q
 *   Q1_64        4       2 x f16 d [16], one per 2 groups                 w = d q
 *   MXFP4        4       4 x uint8 e [16]                                 w = 2^(e - 128) v(q)
 *
 * The last block ends after its last group when n_cols has no full one left (an odd number of
 * groups of Q4_0).
 *
 * Codes of a group come in lines of 64 bytes; byte 4 * row + k of a line belongs to row `row` and
 * to the column 4 * step + k, where a step is four neighbouring columns (what one 8-bit dot product
 * instruction consumes). So one line is 16 rows x 4 columns.
 *
 *   Q8_0             8 lines of int8: line s is step s
 *   4-bit formats    4 lines: line i has step i in the low and step i + 4 in the high nibbles
 *   5-bit formats    4 lines of nibbles as above, then 1 line whose bit s is the fifth bit of step
 *                    s
 *   Q6_K             4 lines of nibbles as above, then 2 lines: bits 2j and 2j+1 of line h are the
 *                    top two bits of step 4h + j
 *   2-bit formats    2 lines: bits 2j and 2j+1 of line h are step 4h + j
 *   3-bit formats    2 lines as above, then 1 line whose bit s is the third bit of step s
 *   Q1_64            1 line whose bit s is step s
 *
 * W8A8 and W4A8 have one scale per row, so they have one block: the scales, f32 d [16], then all
 * groups in lines as those of Q8_0 (but unsigned: code + 128) and of Q4_0.                w = d q
 *
 * All codes but those of Q8_0 are unsigned as in the file (Q4_0: value + 8, ...): kn_panel_zero()
 * is what they are offset by. MXFP4's are looked up, v(q) + 16; Q1_64's bits count twice, 0
 * or 2. Rows that pad the last panel are zero bytes. */
#pragma once

#include "kn-types.h"

/* @product (FORMAT, args) with the format as a constant, for those of scaled groups whose products
 * are 8-bit integers: each has code of its own. */
#define KN_FOR_GROUP_FORMAT(dtype, product, args)                                                  \
  switch ((int)(dtype))                                                                            \
    {                                                                                              \
      KN_FORMAT_CASE (KN_Q8_0, product, args);                                                     \
      KN_FORMAT_CASE (KN_Q4_0, product, args);                                                     \
      KN_FORMAT_CASE (KN_Q4_1, product, args);                                                     \
      KN_FORMAT_CASE (KN_Q5_0, product, args);                                                     \
      KN_FORMAT_CASE (KN_Q5_1, product, args);                                                     \
      KN_FORMAT_CASE (KN_Q4_K, product, args);                                                     \
      KN_FORMAT_CASE (KN_Q5_K, product, args);                                                     \
      KN_FORMAT_CASE (KN_Q6_K, product, args);                                                     \
      KN_FORMAT_CASE (KN_Q2_K, product, args);                                                     \
      KN_FORMAT_CASE (KN_Q3_K, product, args);                                                     \
      KN_FORMAT_CASE (KN_Q2_64, product, args);                                                    \
      KN_FORMAT_CASE (KN_Q3_64, product, args);                                                    \
      KN_FORMAT_CASE (KN_TQ2_0, product, args);                                                    \
      KN_FORMAT_CASE (KN_Q1_64, product, args);                                                    \
      KN_FORMAT_CASE (KN_MXFP4, product, args);                                                    \
    }
#define KN_FORMAT_CASE(format, product, args)                                                      \
  case format:                                                                                     \
    product (format, args);                                                                        \
    break

/* Whether a row has one scale. */
static inline int
kn_panel_has_row_scale (KnDtype dtype)
{
  return dtype == KN_W8A8 || dtype == KN_W4A8;
}

/* Bytes of the codes of one group: 16 rows x 32 columns; 0 for the float formats. */
static inline size_t
kn_panel_group_bytes (KnDtype dtype)
{
  switch ((int)dtype)
    {
    case KN_Q8_0:
    case KN_W8A8:
      return 512;
    case KN_Q2_K:
    case KN_Q2_64:
    case KN_TQ1_0:
    case KN_TQ2_0:
      return 128;
    case KN_Q1_64:
      return 64;
    case KN_Q3_K:
    case KN_Q3_64:
      return 192;
    case KN_W4A8:
    case KN_Q4_0:
    case KN_Q4_1:
    case KN_Q4_K:
    case KN_MXFP4:
      return 256;
    case KN_Q5_0:
    case KN_Q5_1:
    case KN_Q5_K:
      return 320;
    case KN_Q6_K:
      return 384;
    default:
      return 0;
    }
}

/* Groups of a block. */
static inline size_t
kn_panel_block_groups (KnDtype dtype)
{
  switch ((int)dtype)
    {
    case KN_Q4_1:
    case KN_Q5_1:
      return 1;
    case KN_MXFP4:
    case KN_Q1_64:
      return 4;
    case KN_Q4_K:
    case KN_Q5_K:
    case KN_Q6_K:
    case KN_Q2_K:
    case KN_Q3_K:
    case KN_TQ1_0:
    case KN_TQ2_0:
      return 8;
    default:
      return 2;
    }
}

/* Bytes of the scales of a block, which its codes follow. */
static inline size_t
kn_panel_scale_bytes (KnDtype dtype)
{
  switch ((int)dtype)
    {
    case KN_Q4_K:
    case KN_Q5_K:
    case KN_Q6_K:
    case KN_Q2_K:
    case KN_Q3_K:
      return 320;
    case KN_Q2_64:
      return 128;
    default:
      return 64;
    }
}

static inline size_t
kn_panel_block_bytes (KnDtype dtype)
{
  return kn_panel_scale_bytes (dtype)
         + kn_panel_block_groups (dtype) * kn_panel_group_bytes (dtype);
}

/* Offset in the panel of the scales of the block that holds group @g. */
static inline size_t
kn_panel_scales_at (KnDtype dtype, size_t g)
{
  if (kn_panel_has_row_scale (dtype))
    return 0;
  return g / kn_panel_block_groups (dtype) * kn_panel_block_bytes (dtype);
}

/* Offset in the panel of the codes of group @g. */
static inline size_t
kn_panel_codes_at (KnDtype dtype, size_t g)
{
  if (kn_panel_has_row_scale (dtype))
    return KN_PANEL_ROWS * sizeof (float) + g * kn_panel_group_bytes (dtype);
  return kn_panel_scales_at (dtype, g) + kn_panel_scale_bytes (dtype)
         + g % kn_panel_block_groups (dtype) * kn_panel_group_bytes (dtype);
}

/* What the stored codes are offset by. */
static inline int
kn_panel_zero (KnDtype dtype)
{
  switch ((int)dtype)
    {
    case KN_Q4_0:
    case KN_W4A8:
      return 8;
    case KN_W8A8:
      return 128;
    case KN_Q5_0:
      return 16;
    case KN_Q6_K:
      return 32;
    case KN_Q3_K:
    case KN_Q3_64:
      return 4;
    case KN_TQ1_0:
    case KN_TQ2_0:
    case KN_Q1_64:
      return 1;
    case KN_MXFP4:
      return 16;
    default:
      return 0;
    }
}

/* 8-bit floats: bytes of 32 columns. */
#define KN_F8_BLOCK_BYTES (32 + 32 * KN_PANEL_ROWS)

static inline int
kn_panel_is_f8 (KnDtype dtype)
{
  return dtype == KN_F8_E4M3 || dtype == KN_F8_E5M2;
}

/* Where column @c of a panel of floats starts. */
static inline const uint8_t *
kn_panel_float_column (KnDtype dtype, const uint8_t *panel, size_t c)
{
  if (kn_panel_is_f8 (dtype))
    return panel + c / 32 * KN_F8_BLOCK_BYTES + 32 + c % 32 * KN_PANEL_ROWS;
  return panel + c * KN_PANEL_ROWS * (dtype == KN_F32 ? 4 : 2);
}

/* The same for the scales of the 32 columns that @c, a multiple of 32, begins; also where a block
 * of columns starts. */
static inline const uint8_t *
kn_panel_f8_block (const uint8_t *panel, size_t c)
{
  return panel + c / 32 * KN_F8_BLOCK_BYTES;
}

/* Whether groups of 16 have small integer scales that are applied to the integer sums, so that what
 * is converted to a float is sc0 dot0 + sc1 dot1 of a group of 32, exact. */
static inline int
kn_panel_has_int_scales (KnDtype dtype)
{
  return dtype == KN_Q2_K || dtype == KN_Q3_K || dtype == KN_Q2_64 || dtype == KN_Q3_64;
}

/* Whether these have minima too, integers as well: J = mn0 sum0 + mn1 sum1 of the activations. */
static inline int
kn_panel_has_int_mins (KnDtype dtype)
{
  return dtype == KN_Q2_K || dtype == KN_Q2_64;
}

/* Whether scales are nothing but half-precision numbers, several of them in a block. */
static inline int
kn_panel_has_own_scales (KnDtype dtype)
{
  return dtype == KN_Q8_0 || dtype == KN_Q4_0 || dtype == KN_Q5_0 || dtype == KN_Q1_64;
}

/* Where those of group @i of a block start, from the start of the block. */
static inline size_t
kn_panel_own_scales_at (KnDtype dtype, size_t i)
{
  return 32 * (dtype == KN_Q1_64 ? i / 2 : i);
}

/* Where the integer scales of group @i of a block start, from the start of the block. */
static inline size_t
kn_panel_int_scales_at (KnDtype dtype, size_t i)
{
  return dtype == KN_Q3_64 ? 32 + 16 * i : 64 + 32 * i;
}

/* Whether the format adds a multiple of the activations' sum (Q4_1, Q5_1: + m, Q4_K, Q5_K: - dmin
 * mn). */
static inline int
kn_panel_has_min (KnDtype dtype)
{
  return dtype == KN_Q4_1 || dtype == KN_Q5_1 || dtype == KN_Q4_K || dtype == KN_Q5_K;
}

/* Scratch of the batched products: panels expanded to one byte per code, then per 16 columns a
 * scale and a minimum as f32 for each row. Float formats expand a block of columns at a time. */
#define KN_SCRATCH_PANELS 4
#define KN_FLOAT_BLOCK 128 /* columns */

static inline size_t
kn_expanded_bytes (size_t n_cols)
{
  return n_cols * KN_PANEL_ROWS + n_cols / 16 * KN_PANEL_ROWS * 2 * sizeof (float);
}

/* 128 * 127 times this many columns stay within 31 bits. */
#define KN_ROW_SCALE_MAX_COLS 131072

/* Activation groups whose largest magnitude is below this are zero. */
#define KN_Q8_TINY 0x1p-100f
