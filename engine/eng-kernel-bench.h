/* The measuring job: fills what the table of kernel times lacks for the open model, so that recipes
 * that were never run can be estimated.
 *
 * An operator is measured by itself with its real packed kernel, by the real executor and as many
 * threads as the recipe has, in a graph of many copies with a weight each: where the model does not
 * fit the last cache, the copies do not fit it either, so that every weight comes from memory as it
 * does in the model. Numbers in the weights are made up (of sparse ones as many zeros as the recipe
 * makes); no kernel's time depends on them. Operators with state or with token numbers are left to
 * runs. */
#pragma once

#include "eng-estimate.h"

G_BEGIN_DECLS

typedef struct
{
  guint n_missing;  /* operators that were not in the table */
  guint n_measured; /* of these, now they are */
  guint n_skipped;  /* cannot be measured by themselves */
} EngKernelBenchResult;

/* First what verdicts on @recipe hold against each other (EngTechnique.verdict), by themselves even
 * where runs have measured it; then what @recipe and every recipe one choice away from it (of a
 * weight format, an on/off switch ...) would execute; those of @recipe first. Blocking, all cores
 * for at most about @max_seconds: never while a run is being measured. Every time is kept as soon
 * as it is measured, so a job that was cancelled or ran out of time goes on where it stopped. @job
 * (nullable) gets progress and may cancel. */
gboolean eng_kernel_bench (EngEstimator *estimator, EngModel *model, EngRecipe *recipe,
                           const EngEstimateSizes *sizes, double max_seconds, EngJob *job,
                           EngKernelBenchResult *result, GError **error);

G_END_DECLS
