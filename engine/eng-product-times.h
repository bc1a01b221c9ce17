/* What the matrix products of a layer take on this device, from the kept kernel times alone: what techniques compare formats by when they explain what a choice
 * is worth here. Not an estimate of a run: no correction, no roofs, nothing of what stands between the products. */
#pragma once

#include "eng-model.h"
#include "eng-recipe.h"

G_BEGIN_DECLS

typedef struct
{
  double ns;            /* of one decoded token, all products of the layer; NAN when one of them was never measured here */
  guint64 weight_bytes; /* that they read */
  gboolean in_runs;     /* one of them was last measured in a run, where all else is in the way */
  gboolean by_itself;   /* one of them was measured by itself */
  gboolean is_exact;    /* measured at these very sizes; else between two that were */
} EngProductTime;

/* Decoding one token with @recipe. Blocking: some milliseconds for a recipe that was not asked for lately, else microseconds. From any thread. FALSE: the recipe
 * cannot be lowered, or the kept times cannot be read. */
gboolean eng_product_time (EngModel *model, EngRecipe *recipe, int layer, EngProductTime *time);

/* Whether @a and @b were measured in the same way: both by themselves, or both in runs. Only then their difference says something. */
gboolean eng_product_times_comparable (const EngProductTime *a, const EngProductTime *b);

/* The same where a share makes the size (zeros, say): @times [n] of rising @shares, in percent. The least share from which on products take at most @other_ns,
 * straight lines between the given ones and, below the first, the first line continued to 0; NAN: none up to the last. Pure. */
double eng_break_even_share (const double *shares, const double *times, guint n, double other_ns);

G_END_DECLS
