/* Weights as bit planes, multiplied by table lookup (Wei et al. 2025, T-MAC: CPU Renaissance via
 * Table Lookup for Low-Bit LLM Deployment on Edge).
 *
 * Rows come and go as rows of the format whose twin it is, and a product has the bits of that
 * format's product: only how the integer sums of a group come about differs. For each token and
 * each four neighbouring columns the 16 sums of subsets of the four activation codes are put into a
 * table once; per plane, the bits of the four weights of a row are the index. Sums of a plane count
 * 1, 2, 4 or 8 times. Work is proportional to the number of planes, and there are no
 * multiplications: meant for processors without an 8-bit dot product. Sums stay exact, 16 bits in
 * two tables of bytes; T-MAC rounds its tables to 8 bits. */
#pragma once

#include "kn-cpu.h"
#include "kn-types.h"

/* The format whose rows and bits @dtype has, or -1 when it is no lookup format. @dtype may be any
 * integer. */
int kn_lookup_base (int dtype);

/* The lookup format of the rows of @dtype, or -1. TQ1_0 has TQ2_0's panels, but no twin of its
 * own. */
int kn_lookup_twin (int dtype);

/* The most tokens whose sums a product with @dtype, a lookup format, looks up at @level; of more it
 * puts the codes in order and goes on as the base format does. SIZE_MAX: any number. */
size_t kn_lookup_max_tokens (KnLevel level, KnDtype dtype);
