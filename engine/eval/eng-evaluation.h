/* Evaluation: what a set of texts, questions or inputs says of a build's accuracy, beside a
 * baseline build on the same samples: every metric with its interval, the change against the
 * baseline, and the same by domain or class, so that a loss that the mean hides is seen. Immutable
 * once made; reference counted. Part of a run's JSON ("evaluation"). */
#pragma once

#include <json-glib/json-glib.h>

#include "eng-figure.h"

G_BEGIN_DECLS

typedef struct _EngEvaluation EngEvaluation;
#define ENG_TYPE_EVALUATION (eng_evaluation_get_type ())
GType eng_evaluation_get_type (void);
EngEvaluation *eng_evaluation_ref (EngEvaluation *evaluation);
void eng_evaluation_unref (EngEvaluation *evaluation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngEvaluation, eng_evaluation_unref)

/* One number: of the whole set, or of one domain or class of it. */
typedef struct
{
  const char *name;     /* of the group; NULL: the whole */
  EngFigure value;      /* this build */
  EngFigure baseline;   /* the baseline build, on the same samples; unavailable without one */
  EngFigure change;     /* paired: the metric's unit, "pp" for shares, "%" for perplexity
                         * (relative) */
  double p;             /* of no change, two-sided; NAN: not tested */
  gboolean significant; /* with Holm's correction over the groups of the metric */
} EngEvalValue;

typedef struct
{
  const char *metric; /* id of eng-metric.h, interned */
  EngEvalValue whole;
  guint n_groups;
  const EngEvalValue *groups; /* [n_groups], the greatest loss first; 0: the set has but one */
} EngEvalMetric;

/* What was evaluated, in words. Borrowed; NULL where there is none. */
const char *eng_evaluation_get_data (EngEvaluation *evaluation);  /* path, or "bundled:texts" */
const char *eng_evaluation_get_title (EngEvaluation *evaluation); /* "Bundled texts" */
/* how much of what, windows, where labels are from */
const char *eng_evaluation_get_source (EngEvaluation *evaluation);
/* "as in file", a recipe in words, another file */
const char *eng_evaluation_get_against (EngEvaluation *evaluation);
/* build hash of the baseline */
const char *eng_evaluation_get_against_hash (EngEvaluation *evaluation);
/* eng_evaluate_dup_key() of what was evaluated; NULL: not recorded */
const char *eng_evaluation_get_key (EngEvaluation *evaluation);
/* the baseline is the very build: changes are zero by construction */
gboolean eng_evaluation_is_itself (EngEvaluation *evaluation);
const char *eng_evaluation_get_grouped_by (EngEvaluation *evaluation); /* "domain", "class" */
double eng_evaluation_get_seconds (EngEvaluation *evaluation);
/* texts' blocks, questions, inputs */
guint eng_evaluation_get_n_samples (EngEvaluation *evaluation);
/* what was left out and why; NULL-terminated */
const char *const *eng_evaluation_get_notes (EngEvaluation *evaluation);

guint eng_evaluation_get_n_metrics (EngEvaluation *evaluation);
const EngEvalMetric *eng_evaluation_get_metric (EngEvaluation *evaluation, guint index);
/* NULL: not measured */
const EngEvalMetric *eng_evaluation_find_metric (EngEvaluation *evaluation, const char *id);

/* As one JSON member's object, and back; NULL and @error when it is none. */
void eng_evaluation_write (EngEvaluation *evaluation, JsonBuilder *builder, const char *member);
EngEvaluation *eng_evaluation_read (JsonObject *object, GError **error);

G_END_DECLS
