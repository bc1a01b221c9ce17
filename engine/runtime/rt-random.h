/* Pseudo-random numbers, the same on every machine. */
#pragma once

#include <stdint.h>

typedef struct
{
  uint64_t state[4];
} RtRandom;

/* Any @seed is good, 0 too. */
void rt_random_init (RtRandom *random, uint64_t seed);
uint64_t rt_random_next (RtRandom *random);

/* Uniform in [0, 1), a multiple of 2^-53. */
double rt_random_unit (RtRandom *random);
