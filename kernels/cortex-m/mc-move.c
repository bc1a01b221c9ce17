/* Moving elements: copies, slices, concatenations, transposes, padding. */
#include "mc-private.h"

void
mc_copy (size_t n_bytes, const void *x, void *y)
{
  if (x != y)
    __builtin_memcpy (y, x, n_bytes);
}

void
mc_copy_rows (int32_t n_rows, size_t row_bytes, const void *x, ptrdiff_t x_step, void *y,
              ptrdiff_t y_step)
{
  const uint8_t *from = x;
  uint8_t *to = y;

  for (int32_t row = 0; row < n_rows; row++, from += x_step, to += y_step)
    __builtin_memcpy (to, from, row_bytes);
}

/* The next index, last dimension fastest; false after the last one. */
static bool
next (int32_t *index, const int32_t *dims, int32_t n_dims)
{
  for (int32_t d = n_dims - 1; d >= 0; d--)
    {
      if (++index[d] < dims[d])
        return true;
      index[d] = 0;
    }
  return false;
}

static void
gather_row (const uint8_t *from, int32_t step, int32_t n, int32_t element_bytes, uint8_t *to)
{
  if (step == element_bytes)
    __builtin_memcpy (to, from, (size_t)(n * element_bytes));
  else
    for (int32_t i = 0; i < n; i++, from += step)
      for (int32_t b = 0; b < element_bytes; b++)
        *to++ = from[b];
}

void
mc_gather (const McGather *g, const void *x, void *y)
{
  const int32_t last = g->n_dims - 1, n = g->dims[last];
  int32_t index[MC_MAX_DIMS] = { 0 };
  uint8_t *to = y;

  for (int32_t d = 0; d <= last; d++)
    if (g->dims[d] <= 0)
      return;
  do
    {
      const uint8_t *from = x;

      for (int32_t d = 0; d < last; d++)
        from += index[d] * g->steps[d];
      gather_row (from, g->steps[last], n, g->element_bytes, to);
      to += n * g->element_bytes;
    }
  while (next (index, g->dims, last));
}

/* One row of y; @x NULL: it lies outside. */
static int8_t *
pad_row (const McPad *p, const int8_t *x, int8_t *y)
{
  const int32_t last = p->n_dims - 1, size = p->dims[last];
  const int32_t n = size + p->before[last] + p->after[last];

  for (int32_t i = 0; i < n; i++)
    {
      const int32_t at = i - p->before[last];
      y[i] = x != NULL && at >= 0 && at < size ? x[at] : p->value;
    }
  return y + n;
}

void
mc_pad (const McPad *p, const int8_t *x, int8_t *y)
{
  const int32_t last = p->n_dims - 1;
  int32_t index[MC_MAX_DIMS] = { 0 }, dims[MC_MAX_DIMS];

  for (int32_t d = 0; d <= last; d++)
    {
      dims[d] = p->dims[d] + p->before[d] + p->after[d];
      if (dims[d] <= 0)
        return;
    }
  do
    {
      int32_t at = 0;
      bool is_inside = true;

      for (int32_t d = 0; d < last; d++)
        {
          const int32_t i = index[d] - p->before[d];
          is_inside = is_inside && i >= 0 && i < p->dims[d];
          at = at * p->dims[d] + i;
        }
      y = pad_row (p, is_inside ? x + at * p->dims[last] : NULL, y);
    }
  while (next (index, dims, last));
}
