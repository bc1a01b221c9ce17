/* Storage formats of numbers, and the few constants that every kernel family shares.
 *
 * The values of KnDtype are the tensor type numbers of the GGUF file format, so a file's type field
 * needs a range check and no table. Block layouts are those of GGUF. Formats that are ours alone
 * start at KN_OWN_FIRST: no file type of another program has their numbers, and none is written to
 * a GGUF. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Rows of a weight matrix that are interleaved into one panel: one 512-bit register of 32-bit
 * sums. */
#define KN_PANEL_ROWS 16

/* Values that share one activation scale when activations are quantized to 8 bit. */
#define KN_Q8_GROUP 32

/* Alignment, in bytes, of panels, caches and arenas: one cache line and one 512-bit register. */
#define KN_ALIGN 64

typedef enum
{
  KN_F32 = 0,
  KN_F16 = 1,
  KN_Q4_0 = 2,
  KN_Q4_1 = 3,
  KN_Q5_0 = 6,
  KN_Q5_1 = 7,
  KN_Q8_0 = 8,
  KN_Q2_K = 10,
  KN_Q3_K = 11,
  KN_Q4_K = 12,
  KN_Q5_K = 13,
  KN_Q6_K = 14,
  KN_I8 = 24, /* plain bytes; their scales lie beside the tensor (kn-qconv.h) */
  KN_BF16 = 30,
  KN_TQ1_0 = 34, /* ternary, 5 values to a byte in files; planes of 2 bits once packed */
  KN_TQ2_0 = 35, /* ternary, 4 values to a byte */
  KN_MXFP4 = 39, /* E2M1 floats, one power of two per 32 */

  KN_OWN_FIRST = 200,
  KN_Q2_64 = 200,   /* Q2_K for rows that do not fill blocks of 256 */
  KN_Q3_64 = 201,   /* 3-bit codes and 4-bit scales per 16 in blocks of 64, for the same rows */
  KN_F8_E4M3 = 202, /* 8-bit floats, one half-precision scale per 32; multiplied as floats */
  KN_F8_E5M2 = 203,
  /* One scale per row of 8- or 4-bit codes; activations in 8 bits with one scale per token
   * (kn-matmul-row.c). */
  KN_W8A8 = 210,
  KN_W4A8 = 211,
  KN_Q8_SPARSE = 220, /* kn-sparse.h */
  KN_Q8_2_4 = 221,
  KN_Q8_4_8 = 222,
  KN_Q4_SPARSE = 223,
  KN_Q8_CHANNELS = 224, /* kn-skip.h */
  KN_Q8_ROWS = 225,     /* kn-rows.h */
  KN_Q4_0_LUT = 230,    /* kn-lookup.h */
  KN_Q2_K_LUT = 231,
  KN_Q2_64_LUT = 232,
  KN_Q3_K_LUT = 233,
  KN_Q3_64_LUT = 234,
  KN_TQ2_0_LUT = 235,
  KN_Q1_64 = 236, /* signs and one scale per 64 */
  KN_Q1_64_LUT = 237,
} KnDtype;

typedef struct
{
  KnDtype dtype;
  const char *name;      /* "Q4_0", as the field writes it */
  uint32_t block_len;    /* values per block, 1 for plain floats */
  uint32_t block_bytes;  /* bytes per block in the file */
  uint32_t header_bytes; /* before the blocks of each row: the scale of a row that has one */
} KnDtypeInfo;

/* The description of @dtype, or NULL when there are no kernels for it. @dtype may be any
 * integer. */
const KnDtypeInfo *kn_dtype_info (int dtype);

/* The format called @name ("Q4_0", letter case ignored), or -1. */
int kn_dtype_from_name (const char *name);

/* Bytes of one row of @n values, 0 when @n is not a multiple of the block length. */
size_t kn_row_bytes (KnDtype dtype, size_t n);
