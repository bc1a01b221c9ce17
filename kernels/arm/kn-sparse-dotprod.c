/* Sparse products with the Arm dot product instruction: panels are expanded (kn-sparse-neon.h) and
 * the Q8_0 product of the level goes on. */
#ifndef __ARM_FEATURE_DOTPROD
#error "this file needs -march=armv8.2-a+dotprod"
#endif

#include "arm/kn-sparse-neon.h"
#include "kn-table-private.h"

KN_SPARSE_PRODUCTS (dotprod, kn_sparse_lines_neon, KN_LEVEL_DOTPROD)

void
kn_sparse_dotprod (KnMatmulFamily *family)
{
  kn_sparse_fill_dotprod (family);
}
