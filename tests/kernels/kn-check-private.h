/* Between the files of the check program's frame. */
#pragma once

#include "kn-check.h"

#include <stdio.h>

/* Set the generator's state from the seed and the case's name, so that a case draws the same
 * numbers alone or in a full run. */
void kc_seed (uint64_t seed, const char *name);

/* What all outputs came to since the last call: a hash, the same on every architecture. Taken only
 * where it is wanted: it takes a tenth of all the time. */
extern int kc_wants_digest;
uint64_t kc_take_digest (void);

/* Mean time of --bench per measurement, how results leave it. */
typedef struct
{
  char kernel[96];
  KnLevel level;
  double ns;        /* median of the repeats, per call */
  double low, high; /* fastest and slowest repeat */
  double bytes, ops;
} KcResult;

void kc_bench_begin (const char *kernel, KnLevel level);
void kc_bench_table (FILE *to);
void kc_bench_json (FILE *to);
