/* Sparse products with NEON: panels are expanded (kn-sparse-neon.h) and the Q8_0 product
 * of the level goes on. */
#include "arm/kn-sparse-neon.h"
#include "kn-table-private.h"

KN_SPARSE_PRODUCTS (neon, kn_sparse_lines_neon, KN_LEVEL_NEON)

void
kn_sparse_neon (KnMatmulFamily *family)
{
  kn_sparse_fill_neon (family);
}
