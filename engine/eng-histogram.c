/* Histograms of activations and the ranges that are chosen from them. Called by the calibration;
 * knows nothing of graphs. */
#include <math.h>
#include <string.h>

#include "eng-calibrate.h"

#define N ENG_HISTOGRAM_BINS
#define N_CODES 256
#define N_CANDIDATES 128

/* ---- filling ---- */

/* Twice the limit: bins 2i and 2i+1 of the old one are one bin of the new one's middle half. */
static void
widen (EngHistogram *self)
{
  guint64 merged[N] = { 0 };

  for (guint i = 0; i < N; i++)
    merged[N / 4 + i / 2] += self->bins[i];
  memcpy (self->bins, merged, sizeof merged);
  self->limit *= 2;
}

void
eng_histogram_add (EngHistogram *self, const float *values, gsize n, float low, float high)
{
  double reach = MAX (fabs ((double)low), fabs ((double)high));

  if (reach > 0 && self->limit == 0)
    {
      /* Zeros counted before lie in the middle of any histogram. */
      int exponent;
      frexp (reach, &exponent);
      self->limit = ldexp (1, exponent);
    }
  while (reach > self->limit)
    widen (self);

  const double scale = self->limit > 0 ? N / (2 * self->limit) : 0;
  for (gsize i = 0; i < n; i++)
    {
      int bin = (int)((double)values[i] * scale + N / 2);
      self->bins[CLAMP (bin, 0, N - 1)]++;
    }
}

/* ---- choosing ---- */

static double
bin_middle (const EngHistogram *self, guint bin)
{
  return ((double)bin + 0.5 - N / 2) * 2 * self->limit / N;
}

static guint
bin_of (const EngHistogram *self, double value)
{
  double bin = value * N / (2 * self->limit) + N / 2;
  return (guint)CLAMP (bin, 0, N - 1);
}

static void
percentile_range (const EngHistogram *self, double percentile, float *low, float *high)
{
  guint64 total = 0, below = 0, above = 0;
  guint first = 0, last = N - 1;

  for (guint i = 0; i < N; i++)
    total += self->bins[i];
  /* Each end may lose this many. */
  double allowed = (double)total * (100 - percentile) / 100;
  while (first < last && (double)(below + self->bins[first]) <= allowed)
    below += self->bins[first++];
  while (last > first && (double)(above + self->bins[last]) <= allowed)
    above += self->bins[last--];
  double half = self->limit / N;
  *low = MAX (*low, (float)(bin_middle (self, first) - half));
  *high = MIN (*high, (float)(bin_middle (self, last) + half));
}

/* Mean squared error of 256 evenly spaced codes over low..high: uniform inside a step, the distance
 * outside (Nagel et al. 2021, section 3.1.1). */
static double
squared_error (const EngHistogram *self, double low, double high)
{
  double step = (MAX (high, 0) - MIN (low, 0)) / (N_CODES - 1), sum = 0;

  for (guint i = 0; i < N; i++)
    {
      if (self->bins[i] == 0)
        continue;
      double x = bin_middle (self, i), out = x > high ? x - high : x < low ? low - x : 0;
      sum += (double)self->bins[i] * (step * step / 12 + out * out);
    }
  return sum;
}

static double
count_of (const EngHistogram *self, guint bin)
{
  return (double)self->bins[bin == N / 2 ? N / 2 + 1 : bin];
}

/* Divergence of what 256 codes over low..high can say from what was seen there, the clipped tails
 * counted in the outermost bins. As in the calibration of integer inference engines (Migacz 2017):
 * the bins that share a code get its mean, empty ones stay empty, and the bin of zero counts as the
 * next: zero is a code of its own, and behind a ReLU it would outweigh all else. INFINITY: fewer
 * bins than codes. */
static double
divergence (const EngHistogram *self, double low, double high)
{
  guint first = bin_of (self, low), last = bin_of (self, high), n = last - first + 1;
  double p[N], total = 0, total_inside = 0, sum = 0;

  if (n < N_CODES)
    return INFINITY;
  for (guint i = 0; i < n; i++)
    {
      p[i] = count_of (self, first + i);
      total_inside += p[i];
    }
  for (guint i = 0; i < first; i++)
    p[0] += count_of (self, i);
  for (guint i = last + 1; i < N; i++)
    p[n - 1] += count_of (self, i);
  for (guint i = 0; i < n; i++)
    total += p[i];

  for (guint code = 0; code < N_CODES; code++)
    {
      guint from = code * n / N_CODES, to = (code + 1) * n / N_CODES, n_seen = 0;
      double inside = 0;
      /* The code's mass is of what lies inside; clipped numbers are what it cannot say. */
      for (guint i = from; i < to; i++)
        {
          inside += count_of (self, first + i);
          n_seen += p[i] > 0;
        }
      for (guint i = from; i < to; i++)
        if (p[i] > 0)
          {
            double q = MAX (inside / n_seen, 1e-3);
            sum += p[i] / total * log (p[i] / q);
          }
    }
  return total_inside > 0 ? sum + log (total_inside / total) : INFINITY;
}

void
eng_histogram_range (const EngHistogram *self, EngRangeMethod method, double percentile, float *low,
                     float *high)
{
  double best = INFINITY;
  float lowest = *low, highest = *high;

  if (method == ENG_RANGE_MIN_MAX || self->limit == 0)
    return;
  if (method == ENG_RANGE_PERCENTILE)
    {
      percentile_range (self, percentile, low, high);
      return;
    }
  for (guint k = N_CANDIDATES; k > 0; k--)
    {
      double a = (double)lowest * k / N_CANDIDATES, b = (double)highest * k / N_CANDIDATES;
      double cost = method == ENG_RANGE_MSE ? squared_error (self, a, b) : divergence (self, a, b);
      if (cost < best)
        {
          best = cost;
          *low = (float)a;
          *high = (float)b;
        }
    }
}
