/* Fourier transforms. Called by the signal operators; knows nothing of tensors. */
#include "rt-fft.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Behind this: @m / 2 twiddles exp (-2 pi i k / m); for lengths that are no power of two @n factors
 * of the chirp exp (-pi i k^2 / n), then the transform [m] of its convolution's other side. */
typedef struct
{
  uint64_t n, m; /* m: power of two that is transformed */
  double data[];
} Plan;

static size_t
power_of_two (size_t n)
{
  size_t m = 1;
  while (m < n)
    m *= 2;
  return m;
}

static bool
is_power_of_two (size_t n)
{
  return n > 0 && (n & (n - 1)) == 0;
}

static size_t
transformed_length (size_t n)
{
  return is_power_of_two (n) ? n : power_of_two (2 * n);
}

size_t
rt_fft_plan_bytes (size_t n)
{
  size_t m = transformed_length (n);
  return sizeof (Plan) + (m + (is_power_of_two (n) ? 0 : 2 * n + 2 * m)) * sizeof (double);
}

size_t
rt_fft_length (const void *plan)
{
  return (size_t)((const Plan *)plan)->n;
}

size_t
rt_fft_scratch (size_t n)
{
  return is_power_of_two (n) ? 0 : 2 * transformed_length (n);
}

/* Places in the order of reversed bits. */
static void
reverse_bits (size_t n, double *x)
{
  for (size_t i = 1, j = 0; i < n; i++)
    {
      size_t bit = n >> 1;
      for (; j & bit; bit >>= 1)
        j ^= bit;
      j |= bit;
      if (i < j)
        {
          double re = x[2 * i], im = x[2 * i + 1];
          x[2 * i] = x[2 * j];
          x[2 * i + 1] = x[2 * j + 1];
          x[2 * j] = re;
          x[2 * j + 1] = im;
        }
    }
}

/* x [n], n a power of two, forward. */
static void
transform (const double *twiddles, size_t n, double *x)
{
  reverse_bits (n, x);
  for (size_t half = 1; half < n; half *= 2)
    for (size_t first = 0; first < n; first += 2 * half)
      for (size_t k = 0; k < half; k++)
        {
          const double *w = twiddles + k * (n / (2 * half)) * 2;
          double *a = x + 2 * (first + k), *b = a + 2 * half;
          double re = b[0] * w[0] - b[1] * w[1], im = b[0] * w[1] + b[1] * w[0];
          b[0] = a[0] - re;
          b[1] = a[1] - im;
          a[0] += re;
          a[1] += im;
        }
}

void
rt_fft_plan (size_t n, void *memory)
{
  Plan *plan = memory;
  size_t m = transformed_length (n);
  double *twiddles = plan->data, *chirp = twiddles + m, *other = chirp + 2 * n;

  plan->n = n;
  plan->m = m;
  for (size_t k = 0; k < m / 2; k++)
    {
      twiddles[2 * k] = cos (2 * M_PI * (double)k / (double)m);
      twiddles[2 * k + 1] = -sin (2 * M_PI * (double)k / (double)m);
    }
  if (is_power_of_two (n))
    return;
  for (size_t k = 0; k < n; k++)
    {
      /* k^2 modulo 2 n, so that the angle stays small. */
      double angle = M_PI * (double)((uint64_t)k * k % (2 * n)) / (double)n;
      chirp[2 * k] = cos (angle);
      chirp[2 * k + 1] = -sin (angle);
    }
  memset (other, 0, 2 * m * sizeof *other);
  for (size_t k = 0; k < n; k++)
    {
      other[2 * k] = chirp[2 * k];
      other[2 * k + 1] = -chirp[2 * k + 1];
      if (k > 0)
        {
          other[2 * (m - k)] = chirp[2 * k];
          other[2 * (m - k) + 1] = -chirp[2 * k + 1];
        }
    }
  transform (twiddles, m, other);
}

/* out = a b */
static void
multiply (const double *a, const double *b, double *out)
{
  double re = a[0] * b[0] - a[1] * b[1];
  out[1] = a[0] * b[1] + a[1] * b[0];
  out[0] = re;
}

static void
conjugate (size_t n, double *x)
{
  for (size_t i = 0; i < n; i++)
    x[2 * i + 1] = -x[2 * i + 1];
}

/* X_k = w_k sum over j of (x_j w_j) conj (w_(k - j)) with w the chirp: a convolution, done by
 * transforms of length m. */
static void
chirp_transform (const Plan *plan, double *x, double *y)
{
  size_t n = (size_t)plan->n, m = (size_t)plan->m;
  const double *twiddles = plan->data, *chirp = twiddles + m, *other = chirp + 2 * n;

  memset (y, 0, 2 * m * sizeof *y);
  for (size_t k = 0; k < n; k++)
    multiply (x + 2 * k, chirp + 2 * k, y + 2 * k);
  transform (twiddles, m, y);
  for (size_t k = 0; k < m; k++)
    multiply (y + 2 * k, other + 2 * k, y + 2 * k);
  conjugate (m, y);
  transform (twiddles, m, y);
  conjugate (m, y);
  for (size_t k = 0; k < n; k++)
    {
      multiply (y + 2 * k, chirp + 2 * k, x + 2 * k);
      x[2 * k] /= (double)m;
      x[2 * k + 1] /= (double)m;
    }
}

void
rt_fft_run (const void *memory, bool inverse, double *x, double *scratch)
{
  const Plan *plan = memory;
  size_t n = (size_t)plan->n;

  if (inverse)
    conjugate (n, x);
  if (is_power_of_two (n))
    transform (plan->data, n, x);
  else
    chirp_transform (plan, x, scratch);
  if (!inverse)
    return;
  conjugate (n, x);
  for (size_t i = 0; i < 2 * n; i++)
    x[i] /= (double)n;
}
