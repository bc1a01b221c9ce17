/* Rows of logits as scores. Called by evaluations of texts, here and on boards. */
#include "rt-score.h"

#include <math.h>
#include <string.h>

#include "kn-vec.h"

double
rt_score_sum (const float *logits, uint32_t n, float max)
{
  /* Four sums side by side: an addition of doubles takes longer than what is added. */
  double sums[4] = { 0 };

  for (uint32_t i = 0; i < n; i++)
    sums[i % 4] += (double)kn_expf (logits[i] - max);
  return sums[0] + sums[1] + sums[2] + sums[3];
}

RtScore
rt_score_row (const float *logits, uint32_t n, int32_t target)
{
  float max = logits[0];

  for (uint32_t i = 1; i < n; i++)
    max = logits[i] > max ? logits[i] : max;
  return (RtScore){ logits[target], max, rt_score_sum (logits, n, max) };
}

double
rt_score_log_probability (const RtScore *score)
{
  return (double)score->target - ((double)score->max + log (score->sum));
}

void
rt_score_write (const RtScore *score, uint8_t bytes[RT_SCORE_BYTES])
{
  uint32_t words[2];
  uint64_t sum;

  memcpy (&words[0], &score->target, 4);
  memcpy (&words[1], &score->max, 4);
  memcpy (&sum, &score->sum, 8);
  for (int i = 0; i < 4; i++)
    {
      bytes[i] = (uint8_t)(words[0] >> 8 * i);
      bytes[4 + i] = (uint8_t)(words[1] >> 8 * i);
    }
  for (int i = 0; i < 8; i++)
    bytes[8 + i] = (uint8_t)(sum >> 8 * i);
}

bool
rt_score_read (const uint8_t bytes[RT_SCORE_BYTES], RtScore *score)
{
  uint32_t words[2] = { 0 };
  uint64_t sum = 0;

  for (int i = 3; i >= 0; i--)
    {
      words[0] = words[0] << 8 | bytes[i];
      words[1] = words[1] << 8 | bytes[4 + i];
    }
  for (int i = 7; i >= 0; i--)
    sum = sum << 8 | bytes[8 + i];
  memcpy (&score->target, &words[0], 4);
  memcpy (&score->max, &words[1], 4);
  memcpy (&score->sum, &sum, 8);
  return isfinite (score->target) && isfinite (score->sum) && score->target <= score->max
         && isfinite (score->max) && score->sum >= 1;
}
