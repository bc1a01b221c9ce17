/* Products by table lookup with NEON, for processors without the dot product extension. */
#include "arm/kn-lookup-neon.h"
#include "kn-table-private.h"

#define LOOKUP_LEVEL KN_LEVEL_NEON
#include "kn-lookup-body.h"

KN_LOOKUP_PRODUCTS (neon)
