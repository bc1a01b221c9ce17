/* Products by table lookup where there is a dot product instruction, as a comparison: lookups as
 * with NEON, and many tokens by that instruction. */
#ifndef __ARM_FEATURE_DOTPROD
#error "this file needs -march=armv8.2-a+dotprod"
#endif

#include "arm/kn-lookup-neon.h"
#include "kn-table-private.h"

#define LOOKUP_LEVEL KN_LEVEL_DOTPROD
#include "kn-lookup-body.h"

KN_LOOKUP_PRODUCTS (dotprod)
