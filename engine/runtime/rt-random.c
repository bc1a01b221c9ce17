/* xoshiro256++ (Blackman and Vigna 2021, "Scrambled linear pseudorandom number generators", figure
 * 2), its state filled from the seed by SplitMix64 (Steele, Lea and Flood 2014), as its authors
 * advise.
 *
 * Called by the sampler. Integer arithmetic only, so every machine gives the same numbers. */
#include "rt-random.h"

static uint64_t
split_mix (uint64_t *state)
{
  uint64_t z = *state += 0x9e3779b97f4a7c15u;

  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static uint64_t
rotate_left (uint64_t x, int n)
{
  return x << n | x >> (64 - n);
}

void
rt_random_init (RtRandom *random, uint64_t seed)
{
  for (int i = 0; i < 4; i++)
    random->state[i] = split_mix (&seed);
}

uint64_t
rt_random_next (RtRandom *random)
{
  uint64_t *s = random->state;
  uint64_t result = rotate_left (s[0] + s[3], 23) + s[0];
  uint64_t shifted = s[1] << 17;

  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = rotate_left (s[3], 45);
  return result;
}

double
rt_random_unit (RtRandom *random)
{
  return (double)(rt_random_next (random) >> 11) * 0x1p-53;
}
