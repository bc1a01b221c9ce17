/* Advice: what would make this model cheaper here, ranked; each piece names layers and cause, says
 * what it is expected to gain and on what grounds, what it costs, and has the recipe that does it.
 *
 * A rule (eng-advice-rules.c) proposes a recipe and says why; what it gains is then weighed here,
 * in this order:
 *   1. measured: a run of that very recipe under the same workload on this device is in the
 *      history;
 *   2. estimated: the forecast of that recipe against the forecast of the current one, times what
 *      was measured of the current one;
 *   3. the roof: the rule's own bound, when the layers keep the share of their roofs that they
 *      reach now.
 * What the history shows to be no faster is never advised. */
#pragma once

#include "eng-estimate.h"
#include "eng-history.h"
#include "eng-machine.h"
#include "eng-run.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_ADVICE_MEASURED,
  ENG_ADVICE_ESTIMATED,
  ENG_ADVICE_ROOF,
} EngAdviceBasis;
const char *eng_advice_basis_name (EngAdviceBasis basis); /* "measured", "estimated", "roof" */

typedef struct
{
  const char *rule; /* id: "narrow-weights" */
  EngAdviceBasis basis;
  RtPhase phase;              /* whose step the gain is of: decode, or inference */
  double gain_ms;             /* of one step; 0: none, memory only; below 0 is never advised */
  double gain_frac;           /* of that step, 0..1 */
  double low_frac, high_frac; /* the least and the most that it may be: from the intervals of both
                               * runs, or the band of the estimate; NAN: not known */
  double run_gain_ms;         /* of the whole workload, all phases */
  double weight; /* 0..1: how much the gain counts when pieces are ranked: less where it is not
                  * measured, and where results may get, or got, worse */
  double memory_bytes;      /* change of what is resident: less than 0 is less. NAN: unknown */
  gboolean changes_results; /* a technique that rounds is changed */
  int *layers;              /* [n_layers] along the layer axis: what it is about; none: the whole */
  guint n_layers;
  EngRecipe *recipe; /* NULL: nothing to apply, see @action */

  char *title;    /* "Output in Q4_0": what Apply does */
  char *cause;    /* "Output takes 26 % of a token's time and waits for 30.1 MB of weights from
                   * DRAM." */
  char *gain;     /* "−0.24 ms per token (−11 %)" or "−48 MB" */
  char *cost;     /* "accuracy unknown: measure it; −48 MB memory" */
  char *risk;     /* "accuracy unknown", "KL divergence 0.01 nat"; NULL: the results stay the same,
                   * or nothing is applied */
  char *action;   /* what to do outside of the program, or before it can be applied; NULL when it
                   * can */
  char *sentence; /* all of it */
} EngAdvice;

void eng_advice_free (EngAdvice *advice);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngAdvice, eng_advice_free)

/* What is predicted of a recipe. */
typedef struct
{
  double step_ms[RT_N_PHASES]; /* sum of nodes; NAN: cannot be told */
  double *layers_ms;           /* [n_layers + 2] of the main phase; NULL or NAN: cannot be told */
  double memory_bytes;         /* everything resident; NAN */
  double band;                 /* factor that steps of the main phase may be longer or shorter by;
                                * NAN: not known */
  gboolean from_roofs;         /* rests on the roofs for the most part, not on measured kernels */
} EngAdviceForecast;
void eng_advice_forecast_free (EngAdviceForecast *forecast);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngAdviceForecast, eng_advice_forecast_free)
/* NULL: none */
typedef EngAdviceForecast *(*EngAdviceForecastFunc) (EngModel *model, EngRecipe *recipe,
                                                     gpointer data);

/* The usual one: with &EngAdviceEstimator as its data. */
typedef struct
{
  EngEstimator *estimator;
  EngEstimateSizes sizes;
} EngAdviceEstimator;
EngAdviceForecast *eng_advice_estimate (EngModel *model, EngRecipe *recipe, gpointer data);

/* An earlier run that can be compared with: same model, workload and device. */
typedef struct
{
  char *id;
  EngRecipe *recipe;
  EngFigure step;         /* ms: decode step or inference, clean */
  EngFigure prefill;      /* tok/s */
  EngFigure memory;       /* B */
  EngFigureId quality_id; /* which figure @quality is: perplexity, accuracy, ... */
  EngFigure quality;      /* of an evaluation; otherwise unavailable */
  char *set;              /* what it is an evaluation on; NULL: it is none */
} EngAdviceRun;

void eng_advice_run_free (EngAdviceRun *run);

/* Runs of @history that can be compared with @like, newest first, and evaluations of its model.
 * EngAdviceRun. A few milliseconds. */
GPtrArray *eng_advice_collect_runs (EngHistory *history, EngRun *like, GError **error);

/* What a recipe is known to lose in quality, in words; newly allocated, NULL: not known. */
typedef char *(*EngAdviceLossFunc) (EngModel *model, EngRecipe *recipe, gpointer data);

/* The usual one, from measured accuracy per layer: with &EngAdviceLossSource as its data. */
typedef struct
{
  EngHistory *history;         /* nullable */
  const EngWorkload *workload; /* of networks: what they were run on */
} EngAdviceLossSource;
char *eng_advice_known_loss (EngModel *model, EngRecipe *recipe, gpointer data);

/* What could calibrate: the first folder or archive among the inputs of @workload, else what an
 * evaluation of @runs (nullable) used. Newly allocated; NULL: none. */
char *eng_advice_find_samples (const EngWorkload *workload, GPtrArray *runs);

typedef struct
{
  EngModel *model;
  EngRecipe *recipe;   /* of the run */
  EngProfile *profile; /* measured */
  EngFigure step;      /* ms: what a person waits for one decode step or inference; unavailable: the
                        * sum of the nodes is taken */
  EngFigure memory;    /* B: everything resident; may be unavailable */
  guint n_threads, n_ctx, n_prompt, n_generated; /* the latter three 0 for networks */
  const char *samples; /* a folder or archive of inputs that could calibrate; NULL: none known */

  const EngRoof *roof; /* nullable: of n_threads */
  guint n_cpus;
  const EngRoof *full_roof;       /* nullable: of n_cpus threads */
  EngBuild *build;                /* nullable: of @recipe; then plans of memory are compared */
  GPtrArray *runs;                /* nullable: EngAdviceRun */
  EngAdviceForecastFunc forecast; /* nullable */
  gpointer forecast_data;
  EngAdviceLossFunc loss; /* nullable */
  gpointer loss_data;
  GCancellable *cancellable; /* nullable: cancelled, eng_advise() comes back soon with what it has,
                              * which is then of no use */
} EngAdviceInput;

/* Fills what @run knows; the rest is zeroed for the caller to fill. Everything is borrowed from
 * @run. */
void eng_advice_input_init (EngAdviceInput *input, EngModel *model, EngRun *run);

/* Ranked, best first: what saves time by how much of the whole workload's, then what only saves
 * memory, then what cannot be applied. EngAdvice; empty when nothing helps or nothing was measured.
 * Milliseconds without a forecast; with one as long as a dozen forecasts take: from a worker. */
GPtrArray *eng_advise (const EngAdviceInput *input);

char *eng_advice_to_json (GPtrArray *advice); /* an array */

/* The rules that there are, for --help and tests: id and what it looks for. */
typedef struct
{
  const char *id, *summary;
} EngAdviceRuleInfo;
const EngAdviceRuleInfo *eng_advice_rules (guint *n);

G_END_DECLS
