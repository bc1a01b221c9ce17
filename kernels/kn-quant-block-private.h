/* One block with two levels of scales, searched for (kn-quant-block.c) and put into bytes by the
 * quantizer of its format. */
#pragma once

#include "kn-quant-fit-private.h"

#define KN_BLOCK_GROUPS 16 /* at most */

/* value = d sc q - dmin mn */
typedef struct
{
  int n, group;   /* values of the block and of a group */
  float max_code; /* of q */
  float max_sub;  /* of sc and mn */
  int n_rounds;   /* of choosing sc and mn again once d and dmin are known: 0 for fine scales */
  KnSpacings spacings;
} KnAffineShape;

typedef struct
{
  float d, dmin; /* as half precision holds them */
  uint8_t sc[KN_BLOCK_GROUPS], mn[KN_BLOCK_GROUPS];
  uint8_t q[KN_QK_K];
} KnAffineBlock;

/* @src: [shape->n], @weights: as many or NULL. */
void kn_quantize_affine_block (const KnAffineShape *shape, const float *src, const float *weights,
                               KnAffineBlock *b);

/* value = d sub (q - half) */
typedef struct
{
  int n, group;
  float half;    /* of the codes */
  float max_sub; /* sub is -max_sub .. max_sub - 1 */
  int n_rounds;
  KnSpacings spacings;
} KnSymmetricShape;

typedef struct
{
  float d;
  int8_t sub[KN_BLOCK_GROUPS];
  uint8_t q[KN_QK_K]; /* with half added */
} KnSymmetricBlock;

void kn_quantize_symmetric_block (const KnSymmetricShape *shape, const float *src,
                                  const float *weights, KnSymmetricBlock *b);
