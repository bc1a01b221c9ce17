/* How likely a model found the token that came: what is left of a row of logits. The parts are the
 * same bits on every processor (kn_expf()); the logarithm, which the C library has its own way
 * with, is taken where the evaluation is, so that a board's perplexity is the studio's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct
{
  float target; /* its logit */
  float max;    /* the greatest logit */
  double sum;   /* of exp (logit - max) over the vocabulary */
} RtScore;

/* Sum of exp (logit - max) over logits [n]. */
double rt_score_sum (const float *logits, uint32_t n, float max);
/* Of logits [n]; 0 <= target < n. */
RtScore rt_score_row (const float *logits, uint32_t n, int32_t target);
/* log (softmax (logits)[target]). */
double rt_score_log_probability (const RtScore *score);

/* As 16 bytes, little-endian: target, max, sum. */
#define RT_SCORE_BYTES 16
void rt_score_write (const RtScore *score, uint8_t bytes[RT_SCORE_BYTES]);
/* False: they are no scores of a row (not finite, a sum below 1, a target above the greatest). */
bool rt_score_read (const uint8_t bytes[RT_SCORE_BYTES], RtScore *score);
