/* Estimates: what a recipe is expected to cost before it is run, node by node, from the times that
 * this device's kernels were measured to take (eng-kernel-table.h), its roofs, and how right
 * earlier estimates were. Nothing here is ever shown as measured. */
#pragma once

#include "eng-kernel-times.h"
#include "eng-run.h"
#include "eng-sketch.h"

G_BEGIN_DECLS

/* ---- What is estimated for ---- */

/* The sizes of a run that are not in the recipe. */
typedef struct
{
  guint n_prompt;                /* tokens of the prompt's first chunk: rows of a prefill step */
  gboolean is_of_run;            /* these are of a run, not guessed */
  guint position;                /* of the decoded token in the sequence */
  int64_t symbols[RT_N_SYMBOLS]; /* of a network: the picture's or sound's; 0: not known, then what
                                  * depends on it is absent */
} EngEstimateSizes;

/* As in @like (nullable), a profile of an earlier run of @model; else a prompt of 64 tokens and the
 * 64th token after it, pictures of 640 x 480 as runs without an input have. */
void eng_estimate_sizes_init (EngEstimateSizes *sizes, EngModel *model, EngProfile *like);

/* ---- The estimate of one recipe ---- */

/* Of a layer or of the whole: a sum over nodes. */
typedef struct
{
  double ns;                  /* NAN when a node of it is absent */
  double low_ns, high_ns;     /* the band; NAN while too few errors have been kept */
  double shares[ENG_N_BASES]; /* of the time, by what it rests on; they add up to 1 */
  EngBasis basis;             /* what nine tenths of the time rest on, or on better */
  const char *reason;         /* interned: why it is absent; NULL */
  /* Of the time, what was timed in runs; the rest is kernels timed by themselves, and roofs. Values
   * that differ in it are of different kinds: their difference is not that of the recipes. */
  double runs_share;
} EngForecastValue;

typedef struct _EngForecast EngForecast; /* immutable, reference counted */
#define ENG_TYPE_FORECAST (eng_forecast_get_type ())
GType eng_forecast_get_type (void);
EngForecast *eng_forecast_ref (EngForecast *forecast);
void eng_forecast_unref (EngForecast *forecast);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngForecast, eng_forecast_unref)

EngModel *eng_forecast_get_model (EngForecast *forecast);
EngRecipe *eng_forecast_get_recipe (EngForecast *forecast);
const EngEstimateSizes *eng_forecast_get_sizes (EngForecast *forecast);
/* "AMD EPYC, avx512, 2 threads" */
const char *eng_forecast_get_device (EngForecast *forecast);
/* whether models of this kind have it */
gboolean eng_forecast_has_phase (EngForecast *forecast, RtPhase phase);
guint eng_forecast_get_n_nodes (EngForecast *forecast);
int eng_forecast_get_n_layers (EngForecast *forecast);
const RtNode *eng_forecast_get_node (EngForecast *forecast, guint node);
const EngExpected *eng_forecast_get_node_time (EngForecast *forecast, RtPhase phase, guint node);
const RtCost *eng_forecast_get_node_cost (EngForecast *forecast, RtPhase phase, guint node);
/* -1 .. n_layers */
const EngForecastValue *eng_forecast_get_layer (EngForecast *forecast, RtPhase phase, int layer);
/* the sum of the nodes */
const EngForecastValue *eng_forecast_get_total (EngForecast *forecast, RtPhase phase);
/* What a person waits for one step: the sum, times what steps took over their nodes in earlier runs
 * on this device (of this model where there are some). */
const EngForecastValue *eng_forecast_get_wall (EngForecast *forecast, RtPhase phase);
/* exact */
void eng_forecast_get_layer_memory (EngForecast *forecast, int layer, EngLayerMemory *memory);
void eng_forecast_get_node_memory (EngForecast *forecast, guint node, EngLayerMemory *memory);
void eng_forecast_get_memory (EngForecast *forecast, RtMemory *memory);
/* Estimates are corrected by the median of what earlier ones on this device were off by, of the
 * same phase, once there are three. What is left of these errors makes the band of times: a factor
 * (1.08: from 8 % less to 8 % more), NAN when unknown, and how it came about, in a sentence. */
double eng_forecast_get_band (EngForecast *forecast, RtPhase phase);
char *eng_forecast_dup_band_text (EngForecast *forecast, RtPhase phase);
/* A headline number, low and high its band: decode and prefill speed, time to first token (where
 * the prompt is known), decode step, inference, inferences per second, peak memory; others are
 * unavailable. */
EngFigure eng_forecast_get_figure (EngForecast *forecast, EngFigureId id);
char *eng_forecast_to_json (EngForecast *forecast);

/* ---- Making them ---- */

#define ENG_TYPE_ESTIMATOR (eng_estimator_get_type ())
G_DECLARE_FINAL_TYPE (EngEstimator, eng_estimator, ENG, ESTIMATOR, GObject)

/* Of this computer. Keeps the newest sketches, so that asking again for a recipe takes well under a
 * millisecond. Safe to use from any thread. */
EngEstimator *eng_estimator_new (EngKernelTimes *times);
/* The same with a table made by hand, for tests. */
EngEstimator *eng_estimator_new_for_table (EngKernelTable *table);
EngKernelTimes *eng_estimator_get_times (EngEstimator *estimator); /* NULL: made for a table */

/* Blocking; milliseconds to tens of them for a recipe that was not asked for before. @sizes is
 * copied. */
EngForecast *eng_estimator_forecast (EngEstimator *estimator, EngModel *model, EngRecipe *recipe,
                                     const EngEstimateSizes *sizes, GError **error);

/* Lets go of what is kept of @model, which is being closed. */
void eng_estimator_forget (EngEstimator *estimator, EngModel *model);

/* After a run, before it is shown or kept: what would have been expected of the very steps that
 * were measured, from the table as it is without them, goes into the run (eng_run_get_estimate())
 * and into the kept errors; then the run's own times go into the table. Runs that are invalid or
 * without a profile are left as they are. Call it once per run; milliseconds; blocking (the
 * file). */
gboolean eng_estimator_take_run (EngEstimator *estimator, EngRun *run, GError **error);

/* "−31 % ms/token, −14 % memory": @to against @from, without what cannot be told; NULL when nothing
 * can. Newly allocated. */
char *eng_forecast_dup_change (EngForecast *from, EngForecast *to);

/* ---- the arithmetic, for tests ---- */

/* The band from kept errors: the factor that the next error stays below nine times out of ten when
 * errors come as they came (split conformal prediction: Lei, G'Sell, Rinaldo, Tibshirani and
 * Wasserman 2018, section 2.2): the ceil(0.9 (n + 1))-th smallest of |ln (measured / predicted)|,
 * or the largest when there are fewer than nine. NAN for fewer than ENG_ESTIMATE_MIN_BAND: one or
 * two errors say nothing of the next. Sorts @errors. */
#define ENG_ESTIMATE_MIN_BAND 3
double eng_estimate_band (double *errors, guint n);

G_END_DECLS
