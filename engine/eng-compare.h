/* Two or more runs, layer by layer: what can be set against each other, the values with their
 * intervals, and the changes since the first run. */
#pragma once

#include "eng-align.h"
#include "eng-change.h"
#include "eng-layer-error.h"
#include "eng-run.h"

G_BEGIN_DECLS

/* What a layer or an operator has one value of. One row each in eng-compare-metric.c. */
typedef enum
{
  ENG_LAYER_METRIC_LATENCY,
  ENG_LAYER_METRIC_WEIGHTS,     /* bytes of weights, as packed */
  ENG_LAYER_METRIC_ACTIVATIONS, /* bytes alive at most */
  ENG_LAYER_METRIC_KV,
  /* Joules per token or inference, each grade for itself (eng-energy.h). */
  ENG_LAYER_METRIC_ENERGY_ATTRIBUTED,
  ENG_LAYER_METRIC_ENERGY_MODELLED,
  /* Of whole layers, where they were measured (eng-sensitivity.h): against the model as in its
   * file. */
  ENG_LAYER_METRIC_SENSITIVITY, /* nat per token, or % of the outputs */
  ENG_LAYER_METRIC_LOCAL_ERROR, /* % */
  ENG_LAYER_METRIC_ACCUMULATED_ERROR,
  ENG_N_LAYER_METRICS
} EngLayerMetric;

const char *eng_layer_metric_name (EngLayerMetric metric);  /* "latency_ns": JSON and CSV field */
const char *eng_layer_metric_title (EngLayerMetric metric); /* "Latency" */
const char *eng_layer_metric_unit (EngLayerMetric metric);  /* "ns" */
gboolean eng_layer_metric_lower_is_better (EngLayerMetric metric);
/* FALSE: the whole is not the sum of the parts (memory that is used one after the other) */
gboolean eng_layer_metric_adds_up (EngLayerMetric metric);

/* What can be comparable, or not, for itself. */
typedef enum
{
  ENG_ASPECT_LAYERS, /* nothing can be lined up */
  ENG_ASPECT_TIMES,  /* times, speeds and energy: they depend on the workload */
  ENG_ASPECT_MEMORY,
  ENG_ASPECT_ACCURACY,
  ENG_N_ASPECTS
} EngAspect;

EngAspect eng_layer_metric_aspect (EngLayerMetric metric);
EngAspect eng_figure_id_aspect (EngFigureId id);

/* What of a run can be set against @first. */
typedef struct
{
  char *withheld[ENG_N_ASPECTS]; /* why not, in a sentence; NULL: comparable */
  GStrv caveats;                 /* comparable, but read with care */
} EngComparable;

/* Without lining everything up; milliseconds. */
void eng_comparable_check (EngComparable *comparable, EngRun *first, EngRun *run);
void eng_comparable_clear (EngComparable *comparable);

typedef struct
{
  int depth;        /* 0: a layer; 1: operators of the layer above */
  int layer;        /* on the axis of the first run */
  const char *name; /* of the layer, or of the source nodes */
  const char *op;   /* titles of the operators, of the first run that has them; "" for layers */
} EngCompareRow;

typedef struct _EngComparison EngComparison; /* immutable, reference counted */
#define ENG_TYPE_COMPARISON (eng_comparison_get_type ())
GType eng_comparison_get_type (void);

/* @runs: [n_runs], two or more (one is allowed: a table of that run alone); the first is what the
 * others are compared with. @phase: of the latencies; runs over inputs have RT_PHASE_INFERENCE
 * only, whatever is asked for. Milliseconds for a hundred layers. */
EngComparison *eng_comparison_new (EngRun *const *runs, guint n_runs, RtPhase phase);
/* The same with what is known of the runs' accuracy per layer: @errors [n_runs], NULL entries where
 * nothing is. */
EngComparison *eng_comparison_new_with_errors (EngRun *const *runs, guint n_runs, RtPhase phase,
                                               EngLayerErrors *const *errors);
EngComparison *eng_comparison_ref (EngComparison *comparison);
void eng_comparison_unref (EngComparison *comparison);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngComparison, eng_comparison_unref)

guint eng_comparison_get_n_runs (EngComparison *comparison);
EngRun *eng_comparison_get_run (EngComparison *comparison, guint run);
RtPhase eng_comparison_get_phase (EngComparison *comparison);
char *eng_comparison_dup_label (
    EngComparison *comparison,
    guint run); /* short and different from the others': recipe, model where models differ */

/* Against the first run. */
EngAlignKind eng_comparison_get_alignment (EngComparison *comparison, guint run);
const char *
eng_comparison_get_withheld (EngComparison *comparison, guint run,
                             EngAspect aspect); /* the reason, in a sentence; NULL: comparable */
/* Comparable, but read with care: sentences, NULL-terminated. */
const char *const *eng_comparison_get_caveats (EngComparison *comparison, guint run);

guint eng_comparison_get_n_rows (EngComparison *comparison);
const EngCompareRow *eng_comparison_get_row (EngComparison *comparison, guint row);
gboolean eng_comparison_is_executed (EngComparison *comparison, guint row, guint run);
/* Unavailable with the reason ("not executed here", or why it is withheld). */
EngFigure eng_comparison_get_value (EngComparison *comparison, guint row, guint run,
                                    EngLayerMetric metric);
EngChange eng_comparison_get_change (EngComparison *comparison, guint row, guint run,
                                     EngLayerMetric metric);
/* What else is to be said of this cell: "one operator of three sources"; NULL: nothing. Newly
 * allocated. */
char *eng_comparison_dup_note (EngComparison *comparison, guint row, guint run);
/* The run's nodes in this row: indices into its profile; borrowed. */
const guint *eng_comparison_get_nodes (EngComparison *comparison, guint row, guint run, guint *n);

/* Whole-run figures; withheld ones are unavailable with the reason. The change is since the first
 * run. */
EngFigure eng_comparison_get_figure (EngComparison *comparison, guint run, EngFigureId id);
EngChange eng_comparison_get_figure_change (EngComparison *comparison, guint run, EngFigureId id);

/* The largest change of the row's runs, without its sign; 0 where none is known. For thresholds and
 * for sorting. */
double eng_comparison_get_row_change (EngComparison *comparison, guint row, EngLayerMetric metric);

/* Whether @run could be compared with @first layer by layer, without doing it; @reason (nullable,
 * newly allocated): why not. */
gboolean eng_comparison_can_align (EngRun *first, EngRun *run, char **reason);

/* Everything, as one JSON object with units in the field names, or as CSV with one line per row and
 * run. @min_frac: only rows of layers that change by so much in some run (0: all). */
char *eng_comparison_to_json (EngComparison *comparison, double min_frac);
char *eng_comparison_to_csv (EngComparison *comparison, double min_frac);

G_END_DECLS
