/* The layout of lookup panels, and what the parts of the implementation share.
 *
 * A panel is that of the base format (kn-panel-private.h) with the lines of each group of 32
 * columns replaced by bit planes, lowest bit first, 64 bytes each, as many bytes as there were:
 * byte 16 * i + row of a plane has the bits of step i of row `row` in its low nibble, those of step
 * i + 4 in the high one (a step: four neighbouring columns, the first the lowest bit). So a line of
 * 16 bytes is one table's indices, and the low nibbles are the first half group of 16 columns. */
#pragma once

#include "kn-lookup.h"
#include "kn-matmul.h"

#define KN_LOOKUP_PLANE 64        /* bytes of a plane of a group */
#define KN_LOOKUP_TABLE_BYTES 256 /* of a group: 8 steps of 16 sums of 16 bits */

/* Panels that are turned into the base's at a time where there are many tokens: as many as the
 * fastest dot products take together. */
#define KN_LOOKUP_PANELS 2

/* A group's lines of the base format @base as planes and back; @lines and @planes may not
 * overlap. */
void kn_lookup_to_planes (KnDtype base, const uint8_t *lines, uint8_t *planes);
void kn_lookup_to_lines (KnDtype base, const uint8_t *planes, uint8_t *lines);

/* All groups of a panel of @base, in place. */
void kn_lookup_pack (KnDtype base, size_t n_cols, uint8_t *panel);

size_t kn_lookup_scratch_bytes (KnDtype base, size_t n_cols);

void kn_lookup_c (KnMatmulFamily *family); /* kn_matmul_c() calls it */

/* The products of a level whose file has kn-lookup-body.h, and the function that puts them in. */
#define KN_LOOKUP_PRODUCT(member, dtype, base, n_planes, isa)                                      \
  static void matmul_##member##_##isa (const KnMatmulArgs *a)                                      \
  {                                                                                                \
    lookup_product (dtype, base, n_planes, a);                                                     \
  }
#define KN_LOOKUP_PRODUCTS(isa)                                                                    \
  KN_LOOKUP_PRODUCT (q4_0_lut, KN_Q4_0_LUT, KN_Q4_0, 4, isa)                                       \
  KN_LOOKUP_PRODUCT (q2_k_lut, KN_Q2_K_LUT, KN_Q2_K, 2, isa)                                       \
  KN_LOOKUP_PRODUCT (q2_64_lut, KN_Q2_64_LUT, KN_Q2_64, 2, isa)                                    \
  KN_LOOKUP_PRODUCT (q3_k_lut, KN_Q3_K_LUT, KN_Q3_K, 3, isa)                                       \
  KN_LOOKUP_PRODUCT (q3_64_lut, KN_Q3_64_LUT, KN_Q3_64, 3, isa)                                    \
  KN_LOOKUP_PRODUCT (q1_64_lut, KN_Q1_64_LUT, KN_Q1_64, 1, isa)                                    \
  KN_LOOKUP_PRODUCT (tq2_0_lut, KN_TQ2_0_LUT, KN_TQ2_0, 2, isa)                                    \
  void kn_lookup_##isa (KnMatmulFamily *family)                                                    \
  {                                                                                                \
    family->q4_0_lut = matmul_q4_0_lut_##isa;                                                      \
    family->q2_k_lut = matmul_q2_k_lut_##isa;                                                      \
    family->q2_64_lut = matmul_q2_64_lut_##isa;                                                    \
    family->q3_k_lut = matmul_q3_k_lut_##isa;                                                      \
    family->q3_64_lut = matmul_q3_64_lut_##isa;                                                    \
    family->q1_64_lut = matmul_q1_64_lut_##isa;                                                    \
    family->tq2_0_lut = matmul_tq2_0_lut_##isa;                                                    \
  }
