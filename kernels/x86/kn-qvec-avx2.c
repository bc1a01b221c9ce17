/* Element-wise kernels on 8-bit codes with AVX2: the body of kn-qvec-body.h with 8 numbers to a
 * vector. */
#ifndef __AVX2__
#error "this file needs -mavx2"
#endif

#include "kn-table-private.h"
#include "x86/kn-q8-avx2.h"

#include "kn-qvec-body.h"

/* lookup() stays what it is: tables of 256 bytes are faster one by one than in 16 shuffles. */
void
kn_qvec_avx2 (KnQvecFamily *f)
{
  f->quantize = quantize;
  f->dequantize = dequantize;
  f->add = add;
  f->mul = mul;
  f->sum_rows = sum_rows;
  f->max_rows = max_rows;
  f->lerp = lerp;
}
