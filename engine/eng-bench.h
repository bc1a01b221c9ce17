/* Clean speeds of a build, for the command line and for benchmarks: prefill of a prompt and
 * decoding of tokens, each repeated, nothing traced. */
#pragma once

#include "eng-build.h"
#include "eng-figure.h"
#include "eng-machine.h"
#include "eng-run.h"

G_BEGIN_DECLS

typedef struct
{
  guint n_prefill; /* tokens of the prompt */
  guint n_decode;  /* tokens decoded, one by one, from an empty cache */
  guint n_repeats; /* of each, after one warm-up; 6 and more give a 95 % interval. 0: until the
                    * interval is narrow or the budget is spent */
  double interval_width; /* as a fraction of the median, and */
  double budget_s;       /* of each: see eng-repeat.h; for n_repeats 0 */
} EngBenchConfig;

typedef struct
{
  EngFigure prefill; /* tok/s */
  EngFigure decode;  /* tok/s */
  /* Shares of the roofs, 0..1: bytes that decoding must read over what memory gives; operations of
   * prefill over what the arithmetic units give in the kind that does most of the work. NAN when
   * @roof was NULL. */
  double decode_share_of_read;
  double prefill_share_of_ops;
  const char *prefill_roof; /* "int8" or "f32" */
  double decode_bytes_per_token;
  double prefill_ops_per_token;
} EngBenchResult;

/* Blocking. @roof is nullable. */
gboolean eng_bench (EngBuild *build, const EngBenchConfig *config, const EngRoof *roof,
                    EngBenchResult *result, GCancellable *cancellable, GError **error);

/* What a benchmark of a language model said as a run, for files and comparisons: clean speeds,
 * memory and energy, no layers. @energy nullable; @reasons: NULL-terminated, why it is degraded. A
 * new reference. */
EngRun *eng_run_from_bench (EngBuild *build, guint n_prefill, guint n_decode,
                            const EngBenchResult *result, EngEnergy *energy,
                            const char *const *reasons);

G_END_DECLS
