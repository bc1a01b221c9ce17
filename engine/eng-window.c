/* The sorted sliding window behind every live latency. Used by the profiler on the runner's thread:
 * adding must be cheap and must not allocate. */
#include "eng-window.h"

#include <math.h>
#include <string.h>

void
eng_window_init (EngWindow *window, guint capacity, double *memory)
{
  *window = (EngWindow){ .capacity = capacity, .recent = memory, .sorted = memory + capacity };
}

void
eng_window_clear (EngWindow *window)
{
  window->n = window->head = 0;
}

/* The first index whose value is not below @value. */
static guint
lower_bound (const double *sorted, guint n, double value)
{
  guint low = 0, high = n;
  while (low < high)
    {
      guint middle = (low + high) / 2;
      if (sorted[middle] < value)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

void
eng_window_add (EngWindow *window, double sample)
{
  g_return_if_fail (!isnan (sample));

  if (window->n == window->capacity)
    {
      guint at = lower_bound (window->sorted, window->n, window->recent[window->head]);
      memmove (window->sorted + at, window->sorted + at + 1,
               (window->n - at - 1) * sizeof (double));
      window->n--;
    }
  guint at = lower_bound (window->sorted, window->n, sample);
  memmove (window->sorted + at + 1, window->sorted + at, (window->n - at) * sizeof (double));
  window->sorted[at] = sample;
  window->n++;
  window->recent[window->head] = sample;
  window->head = (window->head + 1) % window->capacity;
}

double
eng_window_last (const EngWindow *window)
{
  if (window->n == 0)
    return NAN;
  return window->recent[(window->head + window->capacity - 1) % window->capacity];
}
