/* Constants of signal processing: windows and the mel filters of ONNX. */
#include "rt-ops-math.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void
rt_window (RtWindow window, int64_t n, uint32_t periodic, float *y)
{
  /* A sum of cosines; ONNX's Hamming window has 25/46, not 0.54. */
  static const double terms[][3] = { [RT_WINDOW_HANN] = { 0.5, 0.5, 0 },
                                     [RT_WINDOW_HAMMING] = { 25.0 / 46, 21.0 / 46, 0 },
                                     [RT_WINDOW_BLACKMAN] = { 0.42, 0.5, 0.08 } };
  const double *a = terms[window];
  double period = (double)(periodic ? n : n - 1);

  for (int64_t i = 0; i < n; i++)
    {
      double angle = 2 * M_PI * (double)i / period;
      y[i] = n == 1 ? 1 : (float)(a[0] - a[1] * cos (angle) + a[2] * cos (2 * angle));
    }
}

/* Edge @i of the filters, as the number of a bin of the transform. */
static int64_t
mel_edge (int64_t i, int64_t n_mels, int64_t fft_length, int64_t rate, double low, double high)
{
  double low_mel = 2595 * log10 (1 + low / 700), high_mel = 2595 * log10 (1 + high / 700);
  double mel = low_mel + (double)i * (high_mel - low_mel) / (double)(n_mels + 2);
  double hz = 700 * (pow (10, mel / 2595) - 1);
  return (int64_t)floor ((double)(fft_length + 1) * hz / (double)rate);
}

/* y is 0 in bins outside of the spectrum: edges above half the rate leave it. */
static void
set (float *y, int64_t n_bins, int64_t n_mels, int64_t bin, int64_t mel, double value)
{
  if (bin >= 0 && bin < n_bins)
    y[bin * n_mels + mel] = (float)value;
}

void
rt_mel_weights (int64_t n_mels, int64_t fft_length, int64_t sample_rate_hz, float low_hz,
                float high_hz, float *y)
{
  int64_t n_bins = fft_length / 2 + 1;

  memset (y, 0, (size_t)(n_bins * n_mels) * sizeof *y);
  for (int64_t i = 0; i < n_mels; i++)
    {
      int64_t edge[3];
      for (int64_t k = 0; k < 3; k++)
        edge[k]
            = mel_edge (i + k, n_mels, fft_length, sample_rate_hz, (double)low_hz, (double)high_hz);
      double rise = (double)(edge[1] - edge[0]), fall = (double)(edge[2] - edge[1]);
      if (edge[1] == edge[0])
        set (y, n_bins, n_mels, edge[1], i, 1);
      for (int64_t bin = edge[0]; rise > 0 && bin <= edge[1] && bin < n_bins; bin++)
        set (y, n_bins, n_mels, bin, i, (double)(bin - edge[0]) / rise);
      for (int64_t bin = edge[1]; fall > 0 && bin < edge[2] && bin < n_bins; bin++)
        set (y, n_bins, n_mels, bin, i, (double)(edge[2] - bin) / fall);
    }
}
