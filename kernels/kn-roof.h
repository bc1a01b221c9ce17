/* Streams that find the roofs of a machine: how fast memory can be read and how fast the arithmetic
 * units run. Used by the measurement of roofs only; results are returned so that the work cannot be
 * removed by the compiler. */
#pragma once

#include "kn-types.h"

/* Read @bytes (a multiple of 256) @n_passes times, as few long streams, with the widest loads.
 * Returns a checksum. Many passes over what fits a cache give that cache's bandwidth: nothing but
 * loads lies between one pass and the next. */
uint64_t kn_roof_read (const void *buffer, size_t bytes, size_t n_passes);

/* @n_iterations of a block of independent fused multiply-adds; *@n_flops is set to the floating
 * point operations done. */
float kn_roof_fma_f32 (size_t n_iterations, uint64_t *n_flops);

/* The same for 8-bit integer dot products (multiply and add count as two operations). */
int32_t kn_roof_dot_i8 (size_t n_iterations, uint64_t *n_ops);
