/* Discrete Fourier transforms of any length, in double precision: powers of two by Cooley and Tukey
 * (1965), others as a convolution with a chirp (Bluestein 1970). Private to engine/runtime/ops. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A plan is plain memory that its owner provides: it can lie among a node's prepared constants. */
size_t rt_fft_plan_bytes (size_t n);
void rt_fft_plan (size_t n, void *plan);
size_t rt_fft_length (const void *plan);

/* Doubles of scratch for one transform. */
size_t rt_fft_scratch (size_t n);

/* x [n] complex numbers (real, imaginary), in place. @inverse: the other sign and 1 / n. */
void rt_fft_run (const void *plan, bool inverse, double *x, double *scratch);
