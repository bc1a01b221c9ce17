/* Element by element: sums and products of two tensors, tables, to and from real numbers; and
 * softmax of rows. */
#include "mc-private.h"

#if MC_USE_MVE
#include "mc-requant-mve.h"
#endif

/* ---- two tensors; four codes at once with MVE ---- */

#if MC_USE_MVE

MC_INLINE int32x4_t
four_of (const int8_t *b, int32_t step)
{
  return step == 0 ? vdupq_n_s32 (*b) : vldrbq_s32 (b);
}

MC_INLINE int32x4_t
some_of (const int8_t *b, int32_t step, mve_pred16_t some)
{
  return step == 0 ? vdupq_n_s32 (*b) : vldrbq_z_s32 (b, some);
}

MC_INLINE int32x4_t
add_four (const McBinary *p, int32x4_t a, int32x4_t b)
{
  int32x4_t sum = vmlaq_n_s32 (vdupq_n_s32 (p->bias), a, p->a_factor);

  sum = vshlq_r_s32 (vmlaq_n_s32 (sum, b, p->b_factor), -p->shift);
  sum = vmaxq_s32 (sum, vdupq_n_s32 ((int32_t)p->requant.low));
  sum = vminq_s32 (sum, vdupq_n_s32 ((int32_t)p->requant.high));
  return vaddq_n_s32 (sum, p->requant.zero);
}

MC_INLINE int32x4_t
mul_four (const McBinary *p, int32x4_t a, int32x4_t b)
{
  const int32x4_t product = vmulq_s32 (vsubq_n_s32 (a, p->a_zero), vsubq_n_s32 (b, p->b_zero));

  return mc_requant_mve (product, vdupq_n_f32 (p->scale), &p->requant);
}

/* Constants lie in a copy, which the compiler knows that stores of codes do not change. */
MC_INLINE void
run_row (McBinary p, const int8_t *a, const int8_t *b, int8_t *y,
         int32x4_t (*four) (const McBinary *, int32x4_t, int32x4_t))
{
  const int32_t step = p.b_step;
  int32_t n = p.n;

  for (; n >= 4; n -= 4, a += 4, b += 4 * step, y += 4)
    vstrbq_s32 (y, four (&p, vldrbq_s32 (a), four_of (b, step)));
  if (n > 0)
    {
      const mve_pred16_t some = vctp32q ((uint32_t)n);
      vstrbq_p_s32 (y, four (&p, vldrbq_z_s32 (a, some), some_of (b, step, some)), some);
    }
}

static void
add_row (const McBinary *p, const int8_t *a, const int8_t *b, int8_t *y)
{
  run_row (*p, a, b, y, add_four);
}

static void
mul_row (const McBinary *p, const int8_t *a, const int8_t *b, int8_t *y)
{
  run_row (*p, a, b, y, mul_four);
}

#else

/* What does not change lies in locals: stores of codes may be of anything, says C. */
static void
add_row (const McBinary *p, const int8_t *a, const int8_t *b, int8_t *y)
{
  const int32_t low = (int32_t)p->requant.low, high = (int32_t)p->requant.high;
  const int32_t a_factor = p->a_factor, b_factor = p->b_factor, bias = p->bias, shift = p->shift;
  const int32_t zero = p->requant.zero, step = p->b_step;
  const int8_t *const end = a + p->n;

  for (; a < end; b += step)
    {
      const int32_t sum = (bias + *a++ * a_factor + *b * b_factor) >> shift;

      *y++ = (int8_t)(mc_min (mc_max (sum, low), high) + zero);
    }
}

static void
mul_row (const McBinary *p, const int8_t *a, const int8_t *b, int8_t *y)
{
  const McRequant requant = p->requant;
  const int32_t a_zero = p->a_zero, b_zero = p->b_zero, step = p->b_step;
  const int8_t *const end = a + p->n;
  const float scale = p->scale;

  for (; a < end; b += step)
    *y++ = mc_requant1 ((*a++ - a_zero) * (*b - b_zero), scale, &requant);
}

#endif

/* Dense rows are one row. */
static McBinary
joined (const McBinary *p)
{
  McBinary all = *p;

  if (p->b_step == 1 && p->b_row_step == p->n)
    {
      all.n = p->n * p->n_rows;
      all.n_rows = 1;
    }
  return all;
}

void
mc_add (const McBinary *binary, const int8_t *a, const int8_t *b, int8_t *y)
{
  const McBinary p = joined (binary);

  for (int32_t row = 0; row < p.n_rows; row++)
    add_row (&p, a + row * p.n, b + row * p.b_row_step, y + row * p.n);
}

void
mc_mul (const McBinary *binary, const int8_t *a, const int8_t *b, int8_t *y)
{
  const McBinary p = joined (binary);

  for (int32_t row = 0; row < p.n_rows; row++)
    mul_row (&p, a + row * p.n, b + row * p.b_row_step, y + row * p.n);
}

/* ---- one tensor ---- */

void
mc_lookup (const int8_t table[256], int32_t n, const int8_t *x, int8_t *y)
{
  for (int32_t i = 0; i < n; i++)
    y[i] = table[(uint8_t)x[i]];
}

void
mc_quantize (float scale, const McRequant *requant, int32_t n, const float *x, int8_t *y)
{
  for (int32_t i = 0; i < n; i++)
    y[i] = mc_code (x[i] / scale, requant);
}

void
mc_dequantize (float scale, int32_t zero, int32_t n, const int8_t *x, float *y)
{
  for (int32_t i = 0; i < n; i++)
    y[i] = (float)(x[i] - zero) * scale;
}

/* ---- rows ---- */

static void
softmax_row (const McSoftmax *s, const int8_t *x, int8_t *y)
{
  const McRequant all = { .low = (float)(INT8_MIN - s->y_zero),
                          .high = (float)(INT8_MAX - s->y_zero),
                          .zero = s->y_zero };
  int32_t largest = INT8_MIN;
  float sum = 0;

  for (int32_t i = 0; i < s->n; i++)
    largest = mc_max (x[i], largest);
  for (int32_t i = 0; i < s->n; i++)
    sum += s->table[largest - x[i]];

  const float inverse = 1.0f / (sum * s->y_scale);
  for (int32_t i = 0; i < s->n; i++)
    y[i] = mc_code (s->table[largest - x[i]] * inverse, &all);
}

void
mc_softmax (const McSoftmax *s, const int8_t *x, int8_t *y)
{
  for (int32_t row = 0; row < s->n_rows; row++)
    softmax_row (s, x + row * s->n, y + row * s->n);
}
