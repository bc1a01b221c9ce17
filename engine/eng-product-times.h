/* What the matrix products of a layer take on this device, from the kept kernel times alone: what
 * techniques compare formats by when they explain what a choice is worth here. Not an estimate of a
 * run: no correction, no roofs, nothing of what stands between the products. */
#pragma once

#include "eng-figure.h"
#include "eng-kernel-table.h"
#include "eng-run.h"

G_BEGIN_DECLS

typedef struct
{
  /* ns of one decoded token, all products of the layer: the sum of the medians and of both ends;
   * unavailable: one was never measured so */
  EngFigure time;
  guint64 weight_bytes; /* that they read */
  gboolean is_exact;    /* measured at these very sizes; else one lies between two that were */
} EngProductTime;

/* Decoding one token with @recipe, from times of @source alone: only these may be held against each
 * other. Blocking: some milliseconds for a recipe that was not asked for lately, else microseconds.
 * From any thread. FALSE: the recipe cannot be lowered, or the kept times cannot be read. */
gboolean eng_product_time (EngModel *model, EngRecipe *recipe, int layer,
                           EngKernelSource source, EngProductTime *time);

/* What @run itself measured of them: to be held against times of ENG_KERNEL_RUN. FALSE: it was
 * disturbed, decoded nothing, or does not say what its operators were. */
gboolean eng_product_time_of_run (EngRun *run, int layer, EngProductTime *time);

/* Where a share makes the size (zeros, say): @times [n] of rising @shares, in percent. The least
 * share from which on products take at most @other_ns, straight lines between the given ones and,
 * below the first, the first line continued to 0; NAN: none up to the last. Pure. */
double eng_break_even_share (const double *shares, const double *times, guint n, double other_ns);

G_END_DECLS
