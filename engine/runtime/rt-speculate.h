/* Speculative decoding: what it is worth. Pure arithmetic; also runs on a board. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The most tokens that one round drafts: an executor run over one more verifies them. */
#define RT_SPECULATE_MAX 16

/* Tokens that a round is expected to emit when each of @length drafted tokens is accepted with
 * probability @alpha, the model's own included: (1 - alpha^(length + 1)) / (1 - alpha). Leviathan,
 * Kalman and Matias 2023, Fast Inference from Transformers via Speculative Decoding, equation 1.
 * @length may lie between whole numbers. */
double rt_speculate_tokens (double alpha, double length);

/* Speed against plain steps: the tokens above over the time of a round in plain steps, length *
 * draft_cost + verify_cost. With a @verify_cost of 1 it is theorem 3.8 of that paper, in which a
 * run over all drafted tokens takes as long as over one; measured costs are greater. */
double rt_speculate_speedup (double alpha, double length, double draft_cost, double verify_cost);
