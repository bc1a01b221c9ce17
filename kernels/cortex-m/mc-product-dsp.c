/* Rows of weights times one or two pixels with SMLAD, which multiplies two pairs of 16-bit numbers
 * and adds both products: two rows by two pixels where there are two (their codes are widened once
 * for all rows), four rows by one pixel else.
 *
 * The loops of the former are written in assembly: they need all 14 registers, and the compiler
 * keeps some of what it has in them on the stack. */
#include "mc-private.h"

#if MC_USE_DSP

#include "mc-requant-dsp.h"
#include "mc-widen.h"

/* Rows whose sums wait for their way back to 8 bit, which goes faster for many. */
#define BLOCK_ROWS 32

/* For weights that have zero points. */
static void
move_zeros (const int32_t *w_zero, int32_t x_sum, int32_t n, int32_t *sums)
{
  for (int32_t i = 0; i < n; i++)
    sums[i] = (int32_t)((uint32_t)sums[i] - (uint32_t)w_zero[i] * (uint32_t)x_sum);
}

/* ---- one pixel ---- */

typedef struct
{
  int16x2_t even, odd; /* columns 0, 2 and 1, 3 of four */
} Columns;

MC_INLINE Columns
widen (uint32_t word)
{
  return (Columns){ __sxtb16 (word), mc_sxtb16_odd (word) };
}

MC_INLINE int32_t
madd (Columns x, const int8_t *w, int32_t sum)
{
  const Columns c = widen (mc_load4 (w));

  return __smlad (x.odd, c.odd, __smlad (x.even, c.even, sum));
}

static int32_t
one_row (const int8_t *w, const int8_t *x, int32_t n_cols, int32_t sum)
{
  for (; n_cols >= 4; n_cols -= 4, w += 4, x += 4)
    sum = madd (widen (mc_load4 (x)), w, sum);
  return n_cols > 0 ? madd (widen (mc_load_tail (x, n_cols)), w, sum) : sum;
}

/* Four columns, at r6, of four rows, at r0-r3, whose sums are in r8-r11. */
#define ROW_COLUMNS(w, sum)                                                                        \
  "ldr r7, [" w "], #4\n"                                                                          \
  "sxtb16 r12, r7\n"                                                                               \
  "sxtb16 r7, r7, ror #8\n"                                                                        \
  "smlad " sum ", r4, r12, " sum "\n"                                                              \
  "smlad " sum ", r5, r7, " sum "\n"
#define ONE_PIXEL                                                                                  \
  "sxtb16 r4, r7\n"                                                                                \
  "sxtb16 r5, r7, ror #8\n" ROW_COLUMNS ("r0", "r8") ROW_COLUMNS ("r1", "r9")                      \
      ROW_COLUMNS ("r2", "r10") ROW_COLUMNS ("r3", "r11")

typedef struct
{
  const int32_t *bias;
  int32_t *sums;
  const int8_t *x_end; /* of whole words */
  uint32_t tail;       /* the columns behind them, and zeros */
  bool has_tail;
} Row;

/* Four rows from @w on times the pixel at @x. */
static __attribute__ ((naked, noinline)) void
four_rows (const int8_t *w, int32_t row_bytes, const int8_t *x, const Row *row)
{
  __asm__ volatile("push {r4-r11, lr}\n"
                   "push {r3}\n"
                   "mov r6, r2\n"
                   "ldr lr, [r3, #8]\n"
                   "ldr r4, [r3]\n"
                   "ldm r4, {r8-r11}\n"
                   "mov r4, r1\n"
                   "add r1, r0, r4\n"
                   "add r2, r1, r4\n"
                   "add r3, r2, r4\n"
                   "cmp r6, lr\n"
                   "beq 2f\n"
                   "1:\n"
                   "ldr r7, [r6], #4\n" ONE_PIXEL "cmp r6, lr\n"
                   "bne 1b\n"
                   "2:\n"
                   "ldr r6, [sp]\n"
                   "ldrb r7, [r6, #16]\n"
                   "cbz r7, 3f\n"
                   "ldr r7, [r6, #12]\n" ONE_PIXEL "3:\n"
                   "ldr r6, [r6, #4]\n"
                   "stm r6, {r8-r11}\n"
                   "pop {r3}\n"
                   "pop {r4-r11, pc}\n");
}

static int32_t
sum_of (const int8_t *x, int32_t n_cols)
{
  int32_t sum = 0;

  for (int32_t c = 0; c < n_cols; c++)
    sum += x[c];
  return sum;
}

void
mc_product_1 (const McProduct *product, const int8_t *x, int8_t *y)
{
  const McProduct p = *product;
  const int32_t n_tail = p.n_cols % 4;
  const int8_t *w = p.weights, *x_end = x + p.n_cols - n_tail;
  const uint32_t tail = n_tail > 0 ? mc_load_tail (x_end, n_tail) : 0;
  const int32_t x_sum = p.w_zero != NULL ? sum_of (x, p.n_cols) : 0;
  int32_t sums[BLOCK_ROWS];

  for (int32_t first = 0; first < p.n_rows; first += BLOCK_ROWS)
    {
      const int32_t n = mc_min (p.n_rows - first, BLOCK_ROWS);
      int32_t row = 0;

      for (; row + 4 <= n; row += 4, w += 4 * p.row_bytes)
        four_rows (w, p.row_bytes, x,
                   &(Row){ p.bias + first + row, sums + row, x_end, tail, n_tail > 0 });
      for (; row < n; row++, w += p.row_bytes)
        sums[row] = one_row (w, x, p.n_cols, p.bias[first + row]);
      if (p.w_zero != NULL)
        move_zeros (p.w_zero + first, x_sum, n, sums);
      mc_requant_run_dsp (sums, p.scale + first, n, p.requant, y + first);
    }
}

/* ---- two pixels ---- */

/* Four columns of two rows (at r0, r1), and of both pixels as mc_widen() leaves them (at r2).
 * r3, r5: sums of row 0 with pixels 0, 1; r4, r6: of row 1. */
#define FOUR_COLUMNS                                                                               \
  "ldr r7, [r0], #4\n"                                                                             \
  "ldr r9, [r1], #4\n"                                                                             \
  "sxtb16 r8, r7, ror #8\n"                                                                        \
  "sxtb16 r7, r7\n"                                                                                \
  "sxtb16 r10, r9, ror #8\n"                                                                       \
  "sxtb16 r9, r9\n"                                                                                \
  "ldrd r11, r12, [r2], #8\n"                                                                      \
  "smlad r3, r7, r11, r3\n"                                                                        \
  "smlad r4, r9, r11, r4\n"                                                                        \
  "smlad r3, r8, r12, r3\n"                                                                        \
  "smlad r4, r10, r12, r4\n"                                                                       \
  "ldrd r11, r12, [r2], #8\n"                                                                      \
  "smlad r5, r7, r11, r5\n"                                                                        \
  "smlad r6, r9, r11, r6\n"                                                                        \
  "smlad r5, r8, r12, r5\n"                                                                        \
  "smlad r6, r10, r12, r6\n"

/* @n_pairs > 0 pairs of rows from @w on, times both pixels. Four words of the stack hold what is
 * wanted once per pair: bytes of a row, @wide, the next biases, pairs left. */
typedef struct
{
  const int32_t *bias;
  int32_t n_pairs;
  int32_t (*sums)[BLOCK_ROWS]; /* [2] */
} Pairs;

static __attribute__ ((naked, noinline)) void
pairs_of_rows (const int8_t *w, int32_t row_bytes, const void *wide, const Pairs *pairs)
{
  __asm__ volatile("push {r4-r11, lr}\n"
                   "sub sp, #20\n"
                   "strd r1, r2, [sp]\n"
                   "ldrd r4, r5, [r3]\n"
                   "strd r4, r5, [sp, #8]\n"
                   "ldr r4, [r3, #8]\n"
                   "str r4, [sp, #16]\n"
                   "add lr, r2, r1, lsl #2\n" /* the end of @wide */
                   "1:\n"
                   "ldrd r7, r2, [sp]\n"
                   "ldr r8, [sp, #8]\n"
                   "add r1, r0, r7\n"
                   "ldrd r3, r4, [r8], #8\n"
                   "str r8, [sp, #8]\n"
                   "mov r5, r3\n"
                   "mov r6, r4\n"
                   "tst r7, #4\n"
                   "beq 2f\n" FOUR_COLUMNS "cmp r2, lr\n"
                   "beq 3f\n"
                   "2:\n" FOUR_COLUMNS FOUR_COLUMNS "cmp r2, lr\n"
                   "bne 2b\n"
                   "3:\n"
                   "mov r0, r1\n" /* behind row 1 is the next row 0 */
                   "ldrd r8, r9, [sp, #12]\n"
                   "strd r5, r6, [r9, %[pixel]]\n"
                   "strd r3, r4, [r9], #8\n"
                   "subs r8, #1\n"
                   "strd r8, r9, [sp, #12]\n"
                   "bne 1b\n"
                   "add sp, #20\n"
                   "pop {r4-r11, pc}\n" ::[pixel] "i"(BLOCK_ROWS * 4));
}

static void
last_row_by_2 (const int8_t *w, const int16x2_t *x, int32_t n_bytes, int32_t bias, int32_t *sum0,
               int32_t *sum1)
{
  int32_t s0 = bias, s1 = bias;

  for (; n_bytes > 0; n_bytes -= 4, w += 4, x += 4)
    {
      const Columns four = widen (mc_load4 (w));

      s0 = __smlad (four.odd, x[1], __smlad (four.even, x[0], s0));
      s1 = __smlad (four.odd, x[3], __smlad (four.even, x[2], s1));
    }
  *sum0 = s0;
  *sum1 = s1;
}

/* Of pixel @which: what lies behind its last column is 0. */
static int32_t
wide_sum_of (const int16x2_t *wide, int32_t which, int32_t n_bytes)
{
  const int16x2_t ones = 0x00010001, *x = wide + 2 * which;
  int32_t sum = 0;

  for (int32_t c = 0; c < n_bytes; c += 4, x += 4)
    sum = __smlad (x[1], ones, __smlad (x[0], ones, sum));
  return sum;
}

void
mc_product_2 (const McProduct *product, const int8_t *const x[2], const void *wide,
              int8_t *const y[2])
{
  const McProduct p = *product;
  const int8_t *w = p.weights;
  int32_t sums[2][BLOCK_ROWS], x_sums[2] = { 0 };

  (void)x;
  for (int32_t i = 0; i < 2 && p.w_zero != NULL; i++)
    x_sums[i] = wide_sum_of (wide, i, p.row_bytes);
  for (int32_t first = 0; first < p.n_rows; first += BLOCK_ROWS, w += BLOCK_ROWS * p.row_bytes)
    {
      const int32_t n = mc_min (p.n_rows - first, BLOCK_ROWS), last = n - 1;

      if (n >= 2)
        pairs_of_rows (w, p.row_bytes, wide, &(Pairs){ p.bias + first, n / 2, sums });
      if (n % 2 != 0)
        last_row_by_2 (w + last * p.row_bytes, wide, p.row_bytes, p.bias[first + last],
                       &sums[0][last], &sums[1][last]);
      for (int32_t i = 0; i < 2; i++)
        {
          if (p.w_zero != NULL)
            move_zeros (p.w_zero + first, x_sums[i], n, sums[i]);
          mc_requant_run_dsp (sums[i], p.scale + first, n, p.requant, y[i] + first);
        }
    }
}

#endif
