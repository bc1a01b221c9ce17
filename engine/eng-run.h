/* Run: one measurement of a Build on a Device under a Workload, with everything needed to repeat
 * it. Immutable once finished. */
#pragma once

#include "eng-conditions.h"
#include "eng-energy.h"
#include "eng-figure.h"
#include "eng-profile.h"
#include "eng-recipe.h"
#include "eng-repeat.h"
#include "eng-result.h"
#include "eval/eng-evaluation.h"
#include "eng-run-estimate.h"
#include "eng-speculation.h"
#include "rt-sampler.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_WORKLOAD_TEXT,  /* a language model writes */
  ENG_WORKLOAD_INPUT, /* a network is run on inputs */
} EngWorkloadKind;

typedef struct
{
  EngWorkloadKind kind;

  /* TEXT */
  char *prompt;
  char *system;    /* NULL: none */
  gboolean chat;   /* wrap the prompt in the model's chat template */
  guint n_predict; /* at most; stops at an end token */
  gboolean ignore_end;
  RtSamplerConfig sampler;

  /* INPUT */
  GStrv inputs;       /* files, and folders for the files in them; empty: one random input.
                       * Evaluations of a language model: the one set of texts or questions */
  guint64 input_seed; /* of random inputs */
  guint n_repeats;    /* clean inferences of each input; 0: as many as an interval takes */
  double seconds;     /* continuous mode: over the inputs again and again for so long; 0: not;
                       * INFINITY: until it is stopped */
  gboolean labelled;  /* the one input is a set that the build is evaluated on, of either kind:
                       * eng_run_evaluate() */
  double rate_hz;     /* continuous mode: inputs per second; 0: as fast as possible */

  /* How well it is to be known, not what is done: workloads that differ in these alone are equal.
   * Repeats go on until the 95 % intervals of the headline figures are this narrow or the time is
   * spent (eng-repeat.h). The clean text or inputs themselves always run to their end. */
  double interval_width; /* as a fraction of the median: 0.05; 0: the budget alone decides */
  double budget_s;       /* for repeats: 3 */
  RtCounterSet counters; /* what the counted steps count: hardware; the kernel's own for tests */
} EngWorkload;

EngWorkload *eng_workload_new (const char *prompt);              /* 128 tokens, greedy, no chat */
EngWorkload *eng_workload_new_input (const char *const *inputs); /* NULL: one random input */
const char *eng_workload_kind_name (EngWorkloadKind kind);       /* "text", "input" */
EngWorkload *eng_workload_copy (const EngWorkload *workload);
void eng_workload_free (EngWorkload *workload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngWorkload, eng_workload_free)

typedef enum
{
  ENG_RUN_VALID,
  ENG_RUN_DEGRADED,
  ENG_RUN_INVALID,
} EngValidity;

typedef enum
{
  ENG_FIGURE_DECODE,      /* tok/s, clean passes */
  ENG_FIGURE_PREFILL,     /* tok/s, clean passes */
  ENG_FIGURE_FIRST_TOKEN, /* ms: prompt in to first token out, clean */
  ENG_FIGURE_PEAK_MEMORY, /* B: weights + arena + scratch + cache, exact */
  ENG_FIGURE_STEP_CLEAN,  /* ms per decode step, clean */
  ENG_FIGURE_STEP_LAYERS, /* ms per decode step, sum of instrumented nodes */
  ENG_FIGURE_OVERHEAD,    /* %: what instrumenting and what lies between nodes costs */

  /* Of a network. One inference is one run of the graph: a picture, or one step of a sound. */
  ENG_FIGURE_INFERENCE,       /* ms, clean: preparing, network, reading the result out */
  ENG_FIGURE_INFERENCES,      /* inferences per second, clean */
  ENG_FIGURE_PREPROCESSING,   /* ms: instrumented nodes before the network, and what lies outside of
                               * the graph */
  ENG_FIGURE_NETWORK,         /* ms: sum of instrumented nodes of the network */
  ENG_FIGURE_POSTPROCESSING,  /* ms: instrumented nodes after the network, and what lies outside of
                               * the graph */
  ENG_FIGURE_INFERENCE_NODES, /* ms: sum of all instrumented nodes */
  ENG_FIGURE_INFERENCE_OVERHEAD, /* %: sum of all nodes over the clean executor run beside it, less
                                  * one */
  ENG_FIGURE_READING,            /* ms: reading and decoding the input's file; not part of an
                                  * inference */
  ENG_FIGURE_SURROUNDINGS,       /* %: what pre- and post-processing are of an instrumented
                                  * inference */
  ENG_FIGURE_ACCURACY,           /* %: samples of a labelled set whose best class is the label */
  ENG_FIGURE_LATE,               /* %: inputs that began a period or more after their time, of those
                                  * run at a rate */

  /* Energy (eng-energy.h). Two grades, never one for the other: by a sensor over clean passes, and
   * by a model of the build. */
  ENG_FIGURE_TOKEN_ENERGY,             /* J/tok: a decoded token, measured */
  ENG_FIGURE_PROMPT_ENERGY,            /* J/tok: a token of the prompt, measured */
  ENG_FIGURE_INFERENCE_ENERGY,         /* J: an inference, measured */
  ENG_FIGURE_POWER,                    /* W: mean power of clean decode steps or inferences,
                                        * measured */
  ENG_FIGURE_ACCURACY_PER_JOULE,       /* %/J: accuracy (of questions, of labels) over the measured
                                        * joules of a token or an inference */
  ENG_FIGURE_TOKEN_ENERGY_MODEL,       /* J/tok: a decoded token, modelled */
  ENG_FIGURE_PROMPT_ENERGY_MODEL,      /* J/tok: a token of the prompt's first chunk, modelled */
  ENG_FIGURE_INFERENCE_ENERGY_MODEL,   /* J: an inference, modelled */
  ENG_FIGURE_ACCURACY_PER_JOULE_MODEL, /* %/J: the same over modelled joules */

  /* Of an evaluation (eval/eng-metric.h says what exactly each is); runs that are none do not have
   * them. */
  ENG_FIGURE_PERPLEXITY,
  ENG_FIGURE_BITS_PER_BYTE,
  ENG_FIGURE_KL_DIVERGENCE,     /* nat per token, baseline || build */
  ENG_FIGURE_KL_DIVERGENCE_P99, /* nat */
  ENG_FIGURE_TOKEN_AGREEMENT,   /* %: tokens with the baseline's best token */
  ENG_FIGURE_CHOICE_ACCURACY,   /* %: questions whose right answer is the likeliest */
  ENG_FIGURE_MEAN_PRECISION,    /* %: mean average precision at IoU 0.50 to 0.95 */
  ENG_FIGURE_LANDMARK_ERROR,    /* %: of the size of what the points lie on */
  ENG_FIGURE_MEAN_IOU,          /* %: intersection over union, mean over classes */
  ENG_FIGURE_SOUND_SNR,         /* dB: against the clean sound */
  ENG_FIGURE_OUTPUT_AGREEMENT,  /* %: inputs with the baseline's result */
  ENG_FIGURE_OUTPUT_SQNR,       /* dB: of the outputs, against the baseline's */

  /* Of a run that speculated (eng-speculation.h); others do not have them. */
  ENG_FIGURE_ACCEPTANCE,          /* %: of the drafted tokens that were tested, the accepted ones */
  ENG_FIGURE_ROUND_TOKENS,        /* tok: emitted by a round that drafted, the model's own token
                                   * included; mean */
  ENG_FIGURE_SPECULATION_SPEEDUP, /* times as fast as plain steps of the same run, measured */
  ENG_FIGURE_SPECULATION_EXPECTED, /* the same by the formula (rt_speculate_speedup) from acceptance
                                    * and measured costs */

  ENG_FIGURE_WEIGHTS, /* B: packed weights resident, exact: what a model's size is here */
  ENG_N_FIGURES
} EngFigureId;

/* whether runs of @kind have it */
gboolean eng_figure_id_applies (EngFigureId id, EngWorkloadKind kind);
/* runs that did not speculate do not have it */
gboolean eng_figure_id_is_speculation (EngFigureId id);
/* of an evaluation: it holds for every run of the same build */
gboolean eng_figure_id_is_accuracy (EngFigureId id);
const char *eng_figure_id_name (EngFigureId id);  /* "decode_tokens_per_s": JSON and CSV field */
const char *eng_figure_id_title (EngFigureId id); /* "Decode speed" */
gboolean eng_figure_id_lower_is_better (EngFigureId id);
const char *eng_figure_id_unit (EngFigureId id);      /* "tok/s" */
const char *eng_validity_name (EngValidity validity); /* "valid", "degraded", "invalid" */
gboolean eng_workload_equal (const EngWorkload *a, const EngWorkload *b);

#define ENG_TYPE_RUN (eng_run_get_type ())
G_DECLARE_FINAL_TYPE (EngRun, eng_run, ENG, RUN, GObject)

const char *eng_run_get_id (EngRun *run); /* UUID */
gint64 eng_run_get_time (EngRun *run);    /* Unix seconds, UTC, at the start */
const char *eng_run_get_model_name (EngRun *run);
/* base name, valid UTF-8; NULL for runs that were kept before it was */
const char *eng_run_get_model_file (EngRun *run);
const char *eng_run_get_model_hash (EngRun *run);
const char *eng_run_get_build_hash (EngRun *run);
EngRecipe *eng_run_get_recipe (EngRun *run);
/* in words, without what does not concern its kind of model */
char *eng_run_dup_recipe_text (EngRun *run);
const EngWorkload *eng_run_get_workload (EngRun *run);
const char *eng_run_get_machine_json (EngRun *run); /* eng_machine_to_json() at the time */
EngFigure eng_run_get_figure (EngRun *run, EngFigureId id);
/* why the figure's repeats ended; RT_REPEAT_MORE: none, or it was stopped */
RtRepeatVerdict eng_run_get_ended (EngRun *run, EngFigureId id);
EngProfile *eng_run_get_profile (EngRun *run);
/* of its last instrumented steps; NULL: of an evaluation, or kept by a version that kept none */
EngTimeline *eng_run_get_timeline (EngRun *run);
EngEnergy *eng_run_get_energy (EngRun *run);           /* NULL: kept by a version that knew none */
EngSpeculation *eng_run_get_speculation (EngRun *run); /* NULL: it did not speculate */
const char *eng_run_get_text (EngRun *run);            /* generated, valid UTF-8 */
/* of a network's last input; NULL for language models and for runs from the history */
EngResult *eng_run_get_result (EngRun *run);
EngEvaluation *eng_run_get_evaluation (EngRun *run); /* of its accuracy; NULL: it is none */
guint eng_run_get_n_inferences (EngRun *run);        /* clean and instrumented together */
guint eng_run_get_n_prompt (EngRun *run);
guint eng_run_get_n_generated (EngRun *run);
guint eng_run_get_n_threads (EngRun *run);
guint eng_run_get_n_ctx (EngRun *run);
const char *eng_run_get_isa (EngRun *run);
/* why it ended: "end token", "length", "context full", "stopped" */
const char *eng_run_get_stop (EngRun *run);
const EngConditions *eng_run_get_conditions (EngRun *run);
EngValidity eng_run_get_validity (EngRun *run);
const char *const *eng_run_get_reasons (EngRun *run); /* why degraded or invalid; NULL-terminated */
/* of the build, and files of a folder that were left out */
const char *const *eng_run_get_notes (EngRun *run);

/* What was expected of it before it was measured (eng-run-estimate.h); NULL: nothing was.
 * Borrowed. */
const EngRunEstimate *eng_run_get_estimate (EngRun *run);

/* Everything, in one JSON object with units in the field names; and back. */
char *eng_run_to_json (EngRun *run);
EngRun *eng_run_from_json (const char *json, GError **error);
/* Per-node table: phase, layer, node, operator, median_ns, p5_ns, p95_ns, ...; joules per token or
 * inference, each grade in its own column. */
char *eng_run_to_csv (EngRun *run);

/* The energy figures of @figures [ENG_N_FIGURES], those of runs of @kind, from @energy; accuracy
 * per joule from the accuracy that stands there already. */
void eng_energy_fill_figures (EngEnergy *energy, EngWorkloadKind kind, EngFigure *figures);

/* ---- Making one ---- */
typedef struct
{
  /* Both are called on the runner's thread. */
  void (*text) (const char *utf8, gpointer user_data); /* whole characters only */
  void (*stage) (const char *stage, double progress, gpointer user_data);
  /* of a network: after every input; reference it to keep it */
  void (*result) (EngResult *result, gpointer user_data);
  gpointer user_data;
} EngRunEvents;

/* What @workload asks for, of the kind that the build's model is: eng_run_generate() or
 * eng_run_infer(). */
EngRun *eng_run_new (EngBuild *build, const EngWorkload *workload, EngProfiler *profiler,
                     const EngRunEvents *events, GCancellable *cancellable, GError **error);

/* Blocking; from a worker thread or the command line. @profiler (nullable) can be watched meanwhile
 * from elsewhere. Prefill: an instrumented pass over the first chunk warms up and fills the prefill
 * profile, then a clean pass gives the time to first token; decode steps are clean and instrumented
 * in turn. Cancelling gives a run marked degraded ("stopped after N tokens") when something was
 * measured, else G_IO_ERROR_CANCELLED. */
EngRun *eng_run_generate (EngBuild *build, const EngWorkload *workload, EngProfiler *profiler,
                          const EngRunEvents *events, GCancellable *cancellable, GError **error);

/* Blocking, as eng_run_generate(). Every input is prepared, run and read out; then clean and
 * instrumented inferences in turn, until the figures rest on enough of them. In continuous mode the
 * inputs follow each other at the rate asked for, results and profile live. */
EngRun *eng_run_infer (EngBuild *build, const EngWorkload *workload, EngProfiler *profiler,
                       const EngRunEvents *events, GCancellable *cancellable, GError **error);

/* Blocking. The build's accuracy on a set, beside a baseline build (nullable), as a run that the
 * history can keep (eval/eng-evaluate.h): its metrics' figures, the evaluation, and peak memory; no
 * layers and no times are measured. @job (nullable) gets progress and may cancel. */
typedef struct _EngEvalOptions EngEvalOptions;
EngRun *eng_run_evaluate (EngBuild *build, EngBuild *baseline, const EngEvalOptions *options,
                          EngJob *job, GError **error);

G_END_DECLS
