/* The variants of the roof streams. Not part of KnTable: nothing that computes a model calls them.
 */
#pragma once

#include "kn-roof.h"

typedef struct
{
  uint64_t (*read) (const void *buffer, size_t bytes, size_t n_passes);
  float (*fma_f32) (size_t n_iterations, uint64_t *n_flops);
  int32_t (*dot_i8) (size_t n_iterations, uint64_t *n_ops);
} KnRoofFamily;

void kn_roof_avx2 (KnRoofFamily *family);
void kn_roof_avx512 (KnRoofFamily *family);
