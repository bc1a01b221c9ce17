/* The run's insides, for the files that make, write and read one. */
#pragma once

#include "eng-conditions.h"
#include "eng-machine.h"
#include "eng-repeat.h"
#include "eng-run-model.h"
#include "eng-timeline.h"
#include "eng-run.h"
#include "eng-watch.h"

G_BEGIN_DECLS

struct _EngRun
{
  GObject parent_instance;

  char *id;
  gint64 time;
  char *model_name, *model_file, *model_hash, *build_hash, *isa, *engine_version;
  char *machine_json;
  EngRecipe *recipe;
  EngWorkload *workload;
  EngFigure figures[ENG_N_FIGURES];
  RtRepeatVerdict ended[ENG_N_FIGURES]; /* why its repeats ended; RT_REPEAT_MORE: no rule was
                                          * followed, or it was stopped */
  EngProfile *profile;
  EngEnergy *energy; /* NULL: none */
  char *text;
  EngEvaluation *evaluation; /* NULL: none */
  EngRunEstimate *estimate;  /* NULL: none */
  GArray *verdicts;          /* EngRunVerdict (eng-run-verdict.h); NULL: none */
  EngResult *result;         /* NULL: none, or from the history */
  guint n_inferences;
  const char *stop; /* static or interned */
  guint n_prompt, n_generated, n_threads, n_ctx;
  EngConditions conditions;
  EngValidity validity;
  GStrv reasons, notes;
  EngRunModel model;
  EngSpeculation *speculation; /* NULL: none */
  EngTimeline *timeline;       /* NULL: nothing was instrumented, or kept by an earlier version */
};

/* All figures unavailable: those that runs of @kind have as "not recorded". */
void eng_run_clear_figures (EngRun *run, EngWorkloadKind kind);

/* The figures that are counted, not measured: peak memory and weights of @build. */
void eng_run_fill_memory (EngRun *run, EngBuild *build);
/* Shared by the makers of runs. A figure from samples in nanoseconds: drops the warm-up and takes
 * the median; @scale and the reciprocal turn nanoseconds into the unit. */
EngFigure eng_run_figure_from_ns (const GArray *ns, double scale, gboolean reciprocal,
                                  EngFigureId id, const char *why_none);
/* A figure in percent from fractions of 1 (double); @why_none: why there may be none of them. */
EngFigure eng_run_figure_from_fractions (const GArray *fractions, const char *why_none);
/* One more reason when the figure is missing, has no interval, or is noisy. */
void eng_run_judge_figure (EngRun *run, EngFigureId id, GPtrArray *reasons);
/* What the machine did meanwhile (run->conditions); then the validity from all @reasons, which the
 * run copies. */
void eng_run_judge_machine (EngRun *run, gboolean invalid, GPtrArray *reasons);
/* Everything needed to repeat it. */
void eng_run_describe (EngRun *run, EngBuild *build, const EngWorkload *workload,
                       EngProfiler *profiler, EngMachine *machine);
/* After eng_run_describe(): the layers' joules and the energy figures, with what @energy holds
 * measured. Takes @energy. */
void eng_run_take_energy (EngRun *run, EngEnergy *energy, EngMachine *machine);

G_END_DECLS
