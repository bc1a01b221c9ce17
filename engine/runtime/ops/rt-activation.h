/* Activations that products and convolutions apply to a row of sums before they store it. */
#pragma once

#include "rt-ops.h"

/* "SiLU", for people; "" for none. */
const char *rt_activation_title (RtActivation activation);

/* x [n] becomes the activation of x, in place, then is clamped to @min..@max (-INFINITY, INFINITY:
 * not). @params: two numbers. ReLU is no activation and min = 0. */
void rt_activation_apply (const KnTable *kn, RtActivation activation, const float *params,
                          float min, float max, size_t n, float *x);

/* The same for one number, in double precision straight from the formula, for references. */
double rt_activation_reference (RtActivation activation, const float *params, float min, float max,
                                double x);
