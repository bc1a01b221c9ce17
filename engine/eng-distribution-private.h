/* Filling a distribution, for the files that look at weights and at activations. */
#pragma once

#include "eng-distribution.h"

G_BEGIN_DECLS

/* Numbers as they come, twice: first extremes and moments, then bins; the second pass wants the
 * first to be finished. */
typedef struct
{
  EngDistribution *distribution;
  double sum, squares, signal, noise;
  guint64 n_clipped, n_coded;
  GArray *grids; /* EngGrid */
  guint64 codes[256];
} EngDistributing;

void eng_distributing_init (EngDistributing *self, EngDistributionKind kind, const char *name);
void eng_distributing_look (EngDistributing *self, const float *values, gsize n);
void eng_distributing_end_look (EngDistributing *self);
void eng_distributing_count (EngDistributing *self, const float *values, gsize n);
/* @rounded [n] is what became of @values on @grid (borrowed; nullable: floats). */
void eng_distributing_round (EngDistributing *self, const float *values, const float *rounded,
                             gsize n, const EngGrid *grid);
/* @what the grids are of: "blocks of 32". */
EngDistribution *eng_distributing_finish (EngDistributing *self, guint code_bits, const char *what);
void eng_distributing_clear (EngDistributing *self);

G_END_DECLS
