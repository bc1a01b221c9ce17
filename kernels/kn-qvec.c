/* Element-wise kernels on 8-bit codes in plain C: the specification of the family.
 *
 * Called through KnQvecFamily. Must know nothing of tensors or threads. */
#include "kn-qvec.h"

#include "kn-qvec-spec.h"
#include "kn-table-private.h"

static void
quantize_c (const float *x, size_t n, float scale, const KnRequant *requant, uint8_t *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = kn_quantize1 (x[i], scale, requant);
}

static void
dequantize_c (const uint8_t *x, size_t n, int is_signed, int32_t zero, float scale, float *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = (float)(kn_code (x, i, is_signed) - zero) * scale;
}

static void
lookup_c (const uint8_t *x, size_t n, const uint8_t table[256], uint8_t *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = table[x[i]];
}

static void
add_c (const KnQbinaryArgs *args)
{
  for (size_t i = 0; i < args->n; i++)
    args->y[i] = kn_qadd1 (args, i);
}

static void
mul_c (const KnQbinaryArgs *args)
{
  for (size_t i = 0; i < args->n; i++)
    args->y[i] = kn_qmul1 (args, i);
}

static void
sum_rows_c (const uint8_t *x, size_t row_stride, size_t n_rows, size_t n, int is_signed,
            int32_t *sums)
{
  for (size_t row = 0; row < n_rows; row++, x += row_stride)
    for (size_t i = 0; i < n; i++)
      sums[i] += kn_code (x, i, is_signed);
}

static void
max_rows_c (const uint8_t *x, size_t row_stride, size_t n_rows, size_t n, int is_signed, uint8_t *y)
{
  for (size_t row = 0; row < n_rows; row++, x += row_stride)
    for (size_t i = 0; i < n; i++)
      if (kn_code (x, i, is_signed) > kn_code (y, i, is_signed))
        y[i] = x[i];
}

static void
lerp_c (const int32_t *a, const int32_t *b, int32_t a_factor, int32_t b_factor, size_t n,
        uint8_t *y)
{
  for (size_t i = 0; i < n; i++)
    y[i] = kn_qround20 (a[i] * a_factor + b[i] * b_factor);
}

void
kn_qvec_c (KnQvecFamily *f)
{
  *f = (KnQvecFamily){
    .quantize = quantize_c,
    .dequantize = dequantize_c,
    .lookup = lookup_c,
    .add = add_c,
    .mul = mul_c,
    .sum_rows = sum_rows_c,
    .max_rows = max_rows_c,
    .lerp = lerp_c,
  };
}
