/* The layout of packed weights: one for all instruction sets.
 *
 * A panel is KN_PANEL_ROWS = 16 rows. For the float formats it is [n_cols][16] values of the
 * format.
 *
 * For the quantized formats columns are taken in groups of 32. First come the codes, group after
 * group, each in lines of 64 bytes; byte 4 * row + k of a line belongs to row `row` and to the
 * column 4 * step + k, where a step is four neighbouring columns (what one 8-bit dot product
 * instruction consumes). So one line is 16 rows x 4 columns.
 *
 *   Q8_0             8 lines of int8: line s is step s
 *   4-bit formats    4 lines: line i has step i in the low and step i + 4 in the high nibbles
 *   5-bit formats    4 lines of nibbles as above, then 1 line whose bit s is the fifth bit of step
 * s Q6_K             4 lines of nibbles as above, then 2 lines: bits 2j and 2j+1 of line h are the
 * top two bits of step 4h + j
 *
 * All codes but those of Q8_0 are unsigned as in the file (Q4_0: value + 8, ...): kn_panel_zero()
 * is what they are offset by. After the codes follows the scale stream:
 *
 *   Q8_0 Q4_0 Q5_0   per group: f16 d [16]
 *   Q4_1 Q5_1        per group: f16 d [16], f16 m [16]                                    w = d q +
 * m Q4_K Q5_K        per 256 columns: f16 d [16], f16 dmin [16], 8 x { uint8 sc [16], uint8 mn [16]
 * } w = d sc q - dmin mn Q6_K             per 256 columns: f16 d [16], 16 x int8 sc [16], one per
 * 16 columns   w = d sc q
 *
 * Panels and scale streams start at multiples of KN_ALIGN. Rows that pad the last panel are zero
 * bytes. */
#pragma once

#include "kn-types.h"

/* Bytes of the codes of one group: 16 rows x 32 columns. */
static inline size_t
kn_panel_group_bytes (KnDtype dtype)
{
  switch ((int)dtype)
    {
    case KN_Q8_0:
      return 512;
    case KN_Q4_0:
    case KN_Q4_1:
    case KN_Q4_K:
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

/* Where the scale stream of a quantized panel starts. */
static inline size_t
kn_panel_scales_offset (KnDtype dtype, size_t n_cols)
{
  return n_cols / 32 * kn_panel_group_bytes (dtype);
}

/* Bytes of the scale stream per block: 32 columns for the simple formats, 256 for the K formats. */
static inline size_t
kn_panel_scale_bytes (KnDtype dtype)
{
  switch ((int)dtype)
    {
    case KN_Q8_0:
    case KN_Q4_0:
    case KN_Q5_0:
      return 32;
    case KN_Q4_1:
    case KN_Q5_1:
      return 64;
    case KN_Q4_K:
    case KN_Q5_K:
      return 64 + 8 * 32;
    case KN_Q6_K:
      return 32 + 16 * 16;
    default:
      return 0;
    }
}

/* What the stored codes are offset by. */
static inline int
kn_panel_zero (KnDtype dtype)
{
  switch ((int)dtype)
    {
    case KN_Q4_0:
      return 8;
    case KN_Q5_0:
      return 16;
    case KN_Q6_K:
      return 32;
    default:
      return 0;
    }
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

/* Activation groups whose largest magnitude is below this are zero. */
#define KN_Q8_TINY 0x1p-100f
