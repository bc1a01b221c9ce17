/* Trade-off: runs as points of two figures, which of them nothing beats, and which is the best
 * within limits.
 *
 * Several runs of one build under one workload on one device are one point: every figure is that of
 * the newest valid run that has it (of the newest degraded one where no valid run has). What only
 * an evaluation gives (accuracy, ...) is joined by build hash from evaluations on one set for each
 * figure, the same for all points; an evaluation stands as a point of its own where its build was
 * never run otherwise. A run that lacks a figure is listed with the reason. */
#pragma once

#include "eng-history.h"
#include "eng-limit.h"
#include "eng-pareto.h"
#include "eng-run-model.h"

G_BEGIN_DECLS

/* ---- The runs that are looked at ---- */

typedef struct _EngTradeoffRuns EngTradeoffRuns;

EngTradeoffRuns *eng_tradeoff_runs_new (void);
void eng_tradeoff_runs_free (EngTradeoffRuns *runs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTradeoffRuns, eng_tradeoff_runs_free)

void eng_tradeoff_runs_clear (EngTradeoffRuns *runs);
/* A run that is there already (same id) is left as it is. A few milliseconds. */
void eng_tradeoff_runs_add (EngTradeoffRuns *runs, EngRun *run);
/* Everything in the history; a few milliseconds for hundreds of runs. */
gboolean eng_tradeoff_runs_add_history (EngTradeoffRuns *runs, EngHistory *history, GError **error);
/* What is predicted of @recipe, to be shown hollow: it is never on the front and never the best.
 * There is one at a time: it takes the place of an earlier one. @recipe NULL: none. @figures:
 * [ENG_N_FIGURES]. */
void eng_tradeoff_runs_set_estimate (EngTradeoffRuns *runs, const char *model_hash,
                                     EngWorkloadKind kind, EngRecipe *recipe,
                                     const EngFigure *figures);

/* ---- Points ---- */

typedef struct
{
  char *run_id;      /* the newest; NULL for an estimate */
  char *label;       /* the recipe in words, with the model's name where files are mixed */
  char *short_label; /* what of it differs between the points */
  char *model_name, *model_hash, *build_hash;
  char *workload, *device; /* in words */
  EngRecipe *recipe;       /* NULL when this program cannot read it: then it cannot be applied */
  gint64 time;             /* Unix seconds */
  guint n_runs;            /* merged in this point */
  EngValidity validity;
  gboolean estimate;
  gboolean evaluation;              /* of an evaluation alone */
  EngFigure figures[ENG_N_FIGURES]; /* joined */

  char *missing; /* in the list of missing ones: why; else NULL */
  EngParetoState pareto;
  int beaten_by;         /* index of the point that beats it, -1 */
  EngLimitState allowed; /* over all limits, the worst; INSIDE without limits */
} EngTradeoffPoint;

typedef struct
{
  EngFigureId x, y;
  EngWorkloadKind kind;
  const char *model_hash;
  const EngRunModel *model; /* NULL: runs of this file only; else also of other files of the same
                             * network */
  const char *set;          /* evaluations on this set only; NULL: for each figure the set of the
                             * newest that has it */
  const char *workload;     /* as in EngTradeoffPoint.workload; NULL: all */
  const EngLimit *limits;
  guint n_limits;
} EngTradeoffQuery;

typedef struct
{
  EngFigureId x, y;
  char *set;          /* that the joined figure on y (else on x) is of; NULL: neither is joined */
  GPtrArray *points;  /* EngTradeoffPoint, newest first */
  GPtrArray *missing; /* EngTradeoffPoint with a reason each */
  GArray *front;      /* guint, indices of points on the front, by rising x */
  int best;           /* the best point within the limits; -1: none, or no limits */
  guint n_allowed;
  char *sentence;  /* why that is the best, or why none is; NULL without limits */
  char *caveat;    /* what makes these points less comparable; NULL: nothing */
  GStrv workloads; /* of all runs of the model, newest first */
  GStrv sets;      /* evaluated on, newest first */
} EngTradeoff;

/* What is best drawn against @query's x where nobody has chosen: the first accuracy that two points
 * at least have, else the peak memory. Costs as much as some trade-offs. */
EngFigureId eng_tradeoff_choose_y (EngTradeoffRuns *runs, const EngTradeoffQuery *query);

/* Never fails: without runs there are no points. O(n²) in points. */
EngTradeoff *eng_tradeoff_new (EngTradeoffRuns *runs, const EngTradeoffQuery *query);
void eng_tradeoff_free (EngTradeoff *tradeoff);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTradeoff, eng_tradeoff_free)

char *eng_tradeoff_to_csv (const EngTradeoff *tradeoff);
/* one object; units in the field names of figures */
char *eng_tradeoff_to_json (const EngTradeoff *tradeoff);

G_END_DECLS
