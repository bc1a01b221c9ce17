/* What speculation is worth: the formulas that the automatic choice, the record of a run and its
 * views share. Must not know models. */
#include "rt-speculate.h"

#include <math.h>

double
rt_speculate_tokens (double alpha, double length)
{
  /* Near 1 the quotient is 0 / 0; its limit is length + 1. */
  if (1 - alpha < 1e-9)
    return length + 1;
  return (1 - pow (alpha, length + 1)) / (1 - alpha);
}

double
rt_speculate_speedup (double alpha, double length, double draft_cost, double verify_cost)
{
  return rt_speculate_tokens (alpha, length) / (length * draft_cost + verify_cost);
}
