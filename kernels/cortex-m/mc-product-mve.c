/* Rows of weights times one or two pixels with MVE: VMLADAVA multiplies 16 pairs of codes and adds
 * all products to a sum. Four rows at a time go back to 8 bit together. */
#include "mc-private.h"

#if MC_USE_MVE

#include "mc-requant-mve.h"

/* The loops are written in assembly: they end within the vector that the last columns fill (LETP),
 * which the compiler's loops do not. Sums live in even registers ("Te"). */

/* ---- weights with zero points ---- */

static int32_t
sum_of (const int8_t *x, int32_t n_cols)
{
  int32_t sum = 0;

  for (; n_cols >= 16; n_cols -= 16, x += 16)
    sum = vaddvaq_s8 (sum, vldrbq_s8 (x));
  for (; n_cols > 0; n_cols--)
    sum += *x++;
  return sum;
}

/* Of rows [row, row + 4). */
MC_INLINE int32x4_t
move_zeros (const McProduct *p, bool has_zeros, int32_t row, int32x4_t sums, int32_t x_sum)
{
  if (!has_zeros)
    return sums;
  const mve_pred16_t some = vctp32q ((uint32_t)(p->n_rows - row));

  return vsubq_s32 (sums, vmulq_n_s32 (vldrwq_z_s32 (p->w_zero + row, some), x_sum));
}

/* ---- one pixel ---- */

/* Four rows, @step bytes apart. */
MC_INLINE int32x4_t
four_rows (const int8_t *w0, int32_t step, const int8_t *x, int32_t n_cols, const int32_t *bias)
{
  const int8_t *w1 = w0 + step, *w2 = w1 + step, *w3 = w2 + step;
  int32_t s0 = bias[0], s1 = bias[1], s2 = bias[2], s3 = bias[3], sums[4];

  __asm__ volatile("dlstp.8 lr, %[n]\n"
                   "1:\n"
                   "vldrb.8 q0, [%[x]], #16\n"
                   "vldrb.8 q1, [%[w0]], #16\n"
                   "vmladava.s8 %[s0], q0, q1\n"
                   "vldrb.8 q2, [%[w1]], #16\n"
                   "vmladava.s8 %[s1], q0, q2\n"
                   "vldrb.8 q3, [%[w2]], #16\n"
                   "vmladava.s8 %[s2], q0, q3\n"
                   "vldrb.8 q1, [%[w3]], #16\n"
                   "vmladava.s8 %[s3], q0, q1\n"
                   "letp lr, 1b\n"
                   : [s0] "+Te"(s0), [s1] "+Te"(s1), [s2] "+Te"(s2), [s3] "+Te"(s3), [x] "+r"(x),
                     [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3)
                   : [n] "r"(n_cols)
                   : "q0", "q1", "q2", "q3", "lr", "memory");
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
  return vldrwq_s32 (sums);
}

/* The last 1 to 3 rows. */
static int32x4_t
last_rows (const int8_t *w, int32_t step, int32_t n_rows, const int8_t *x, int32_t n_cols,
           const int32_t *bias)
{
  int32_t sums[4] = { 0 };

  for (int32_t row = 0; row < n_rows; row++, w += step)
    {
      sums[row] = bias[row];
      for (int32_t c = 0; c < n_cols; c += 16)
        {
          const mve_pred16_t some = vctp8q ((uint32_t)(n_cols - c));
          sums[row]
              = vmladavaq_s8 (sums[row], vldrbq_z_s8 (x + c, some), vldrbq_z_s8 (w + c, some));
        }
    }
  return vldrwq_s32 (sums);
}

MC_INLINE void
by_1 (const McProduct *product, bool has_zeros, const int8_t *x, int8_t *y)
{
  const McProduct p = *product;
  const McRequant requant = *p.requant;
  const int8_t *w = p.weights;
  const int32_t x_sum = has_zeros ? sum_of (x, p.n_cols) : 0;
  int32_t row = 0;

  for (; row + 4 <= p.n_rows; row += 4, w += 4 * p.row_bytes)
    {
      const int32x4_t sums = four_rows (w, p.row_bytes, x, p.n_cols, p.bias + row);

      vstrbq_s32 (y + row, mc_requant_mve (move_zeros (&p, has_zeros, row, sums, x_sum),
                                           vldrwq_f32 (p.scale + row), &requant));
    }
  if (row < p.n_rows)
    {
      const int32x4_t sums = last_rows (w, p.row_bytes, p.n_rows - row, x, p.n_cols, p.bias + row);

      mc_requant4_mve (move_zeros (&p, has_zeros, row, sums, x_sum), &p, row, y);
    }
}

/* Twice, since zero points are rare and nobody else shall pay for them. */
void
mc_product_1 (const McProduct *product, const int8_t *x, int8_t *y)
{
  if (product->w_zero != NULL)
    by_1 (product, true, x, y);
  else
    by_1 (product, false, x, y);
}

/* ---- two pixels ---- */

/* Two rows, to [at] and [at + 1] of both pixels. */
MC_INLINE void
two_rows (const int8_t *w0, int32_t step, const int8_t *x0, const int8_t *x1, int32_t n_cols,
          const int32_t *bias, int32_t *sums0, int32_t *sums1)
{
  const int8_t *w1 = w0 + step;
  int32_t s00 = bias[0], s01 = s00, s10 = bias[1], s11 = s10; /* row, pixel */

  __asm__ volatile("dlstp.8 lr, %[n]\n"
                   "1:\n"
                   "vldrb.8 q0, [%[w0]], #16\n"
                   "vldrb.8 q2, [%[x0]], #16\n"
                   "vmladava.s8 %[s00], q0, q2\n"
                   "vldrb.8 q1, [%[w1]], #16\n"
                   "vmladava.s8 %[s10], q1, q2\n"
                   "vldrb.8 q3, [%[x1]], #16\n"
                   "vmladava.s8 %[s01], q0, q3\n"
                   "vmladava.s8 %[s11], q1, q3\n"
                   "letp lr, 1b\n"
                   : [s00] "+Te"(s00), [s01] "+Te"(s01), [s10] "+Te"(s10), [s11] "+Te"(s11),
                     [w0] "+r"(w0), [w1] "+r"(w1), [x0] "+r"(x0), [x1] "+r"(x1)
                   : [n] "r"(n_cols)
                   : "q0", "q1", "q2", "q3", "lr", "memory");
  sums0[0] = s00;
  sums0[1] = s10;
  sums1[0] = s01;
  sums1[1] = s11;
}

MC_INLINE void
by_2 (const McProduct *product, bool has_zeros, const int8_t *const x[2], int8_t *const y[2])
{
  const McProduct p = *product;
  const McRequant requant = *p.requant;
  const int8_t *w = p.weights, *x0 = x[0], *x1 = x[1];
  const int32_t sum0 = has_zeros ? sum_of (x0, p.n_cols) : 0;
  const int32_t sum1 = has_zeros ? sum_of (x1, p.n_cols) : 0;
  int8_t *y0 = y[0], *y1 = y[1];
  int32_t sums[2][4], row = 0;

  for (; row + 4 <= p.n_rows; row += 4, w += 4 * p.row_bytes)
    {
      const float32x4_t scale = vldrwq_f32 (p.scale + row);

      two_rows (w, p.row_bytes, x0, x1, p.n_cols, p.bias + row, sums[0], sums[1]);
      two_rows (w + 2 * p.row_bytes, p.row_bytes, x0, x1, p.n_cols, p.bias + row + 2, sums[0] + 2,
                sums[1] + 2);
      vstrbq_s32 (y0 + row,
                  mc_requant_mve (move_zeros (&p, has_zeros, row, vldrwq_s32 (sums[0]), sum0),
                                  scale, &requant));
      vstrbq_s32 (y1 + row,
                  mc_requant_mve (move_zeros (&p, has_zeros, row, vldrwq_s32 (sums[1]), sum1),
                                  scale, &requant));
    }
  if (row == p.n_rows)
    return;
  mc_requant4_mve (move_zeros (&p, has_zeros, row,
                               last_rows (w, p.row_bytes, p.n_rows - row, x0, p.n_cols,
                                          p.bias + row),
                               sum0),
                   &p, row, y0);
  mc_requant4_mve (move_zeros (&p, has_zeros, row,
                               last_rows (w, p.row_bytes, p.n_rows - row, x1, p.n_cols,
                                          p.bias + row),
                               sum1),
                   &p, row, y1);
}

void
mc_product_2 (const McProduct *product, const int8_t *const x[2], const void *wide,
              int8_t *const y[2])
{
  (void)wide;
  if (product->w_zero != NULL)
    by_2 (product, true, x, y);
  else
    by_2 (product, false, x, y);
}

#endif
