/* What a recipe is worth on this machine for one layer, against another recipe: the times that the
 * layer's products take with both to decode a token, from one source (eng-product-times.h), as a
 * change with its interval. What techniques' verdicts are made of. */
#pragma once

#include "eng-change.h"
#include "eng-product-times.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_WORTH_ANY,
  /* For kernels that take what the activations make them take: by themselves they run on made-up
   * ones. */
  ENG_WORTH_RUNS,
} EngWorthSources;

typedef struct
{
  /* Of the time, other recipe to recipe: -0.1 is 10 % less; its verdict ENG_CHANGE_NONE: not
   * known. */
  EngChange change;
  EngKernelSource source;         /* of both times */
  gboolean is_exact;              /* both were measured at these sizes */
  gboolean of_run;                /* the recipe's own time is the given run's */
  EngWorthSources sources;        /* that were asked for */
  gboolean has_recipe, has_other; /* not known: whether one of the two has been timed by itself */
} EngWorth;

/* Kernels timed by themselves are held against such, else @run (nullable: a valid run of @recipe)
 * or earlier runs of @recipe against earlier runs of @other. Blocking: milliseconds for recipes not
 * asked for lately. From any thread. */
EngWorth eng_worth (EngModel *model, EngRecipe *recipe, EngRecipe *other, EngRun *run, int layer,
                    EngWorthSources sources);

/* The words, from the figures alone, @than what the other recipe is called; newly allocated.
 *   "12 % faster here than Q8_0 (10 to 14 %), products timed by themselves",
 *   "0.4 % slower here than Q8_0, within the noise (−0.9 to 1.7 %), ..."
 *   "1.31× here (1.28 to 1.34) the speed of whole blocks, ..."
 *   or why it is not known, without a number. */
char *eng_worth_dup_change (const EngWorth *worth, const char *than);
char *eng_worth_dup_speedup (const EngWorth *worth, const char *than);

G_END_DECLS
