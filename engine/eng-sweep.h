/* Sweep: many recipes of one model, each measured for speed and evaluated for accuracy, as runs
 * that stand in the history and so on the trade-off plot.
 *
 * Recipes come from a file
 *   { "lathe-sweep": 1, "recipes": [
 *     { "name": "4 bit, rounded to nearest",
 *       "recipe": { "lathe-recipe": 1, "techniques": { ... } } }, ... ] }
 * or from the list that is built in. What the history has already is not measured again, so a sweep
 * that was stopped goes on where it was. */
#pragma once

#include "eng-history.h"
#include "eng-job.h"

G_BEGIN_DECLS

typedef struct
{
  char *name;
  EngRecipe *recipe;
} EngSweepItem;

/* Arrays of EngSweepItem. Errors name the entry (unknown technique, value out of range, the same
 * name twice). */
GPtrArray *eng_sweep_items_from_json (const char *json, GError **error);
GPtrArray *eng_sweep_items_load (const char *path, GError **error);
/* The built-in list for language models; "" of networks: an error that says to bring recipes. */
GPtrArray *eng_sweep_items_standard (EngModel *model, GError **error);

typedef struct
{
  guint n_decode;        /* tokens written after the prompt; 0: ENG_SWEEP_DECODE */
  double interval_width; /* as in EngWorkload */
  double budget_s;
  const char *data; /* what it is evaluated on (eng-evaluate.h); NULL: the bundled texts; of a
                     * network: no evaluation */
  guint n_tokens;   /* as in EngEvalOptions */
  const char *const *inputs; /* of a network: what is run; NULL: one random input */
  gboolean again;            /* measure also what the history has */
} EngSweepConfig;

#define ENG_SWEEP_DECODE 64

typedef struct
{
  const EngSweepItem *item; /* borrowed */
  EngRun *run;              /* speeds and sizes; NULL with an error */
  EngRun *evaluation;       /* NULL: none was wanted, or with an error */
  gboolean is_kept;         /* both are from the history */
  double build_s;           /* seconds that lowering took, calibration and search included; NAN when
                             * kept */
  char *error;              /* why there is no run or no evaluation; NULL: there is */
} EngSweepRow;

/* Called after each recipe. @row is borrowed. */
typedef void (*EngSweepFunc) (const EngSweepRow *row, guint index, guint n, gpointer user_data);

/* Blocking. Builds, runs and evaluates each recipe in turn; a recipe that fails is a row with an
 * error and the next one goes on. @history (nullable): where runs are looked for and kept. @job
 * (nullable) gets progress and may cancel: G_IO_ERROR_CANCELLED, what was measured is kept. Array
 * of EngSweepRow. */
GPtrArray *eng_sweep (EngModel *model, GPtrArray *items, const EngSweepConfig *config,
                      EngHistory *history, EngJob *job, EngSweepFunc func, gpointer user_data,
                      GError **error);

G_END_DECLS
