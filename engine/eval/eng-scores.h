/* Samples in, an evaluation out: gathers what every metric makes of every sample, then folds it
 * into figures, changes and groups. */
#pragma once

#include "eval/eng-evaluation.h"
#include "eval/eng-metric.h"

G_BEGIN_DECLS

typedef struct _EngScores EngScores;

/* All metrics that apply to @model and @truth, or those of @wanted (ids, NULL-terminated;
 * nullable): FALSE and @error when one is unknown or does not apply. @has_baseline: samples have
 * both builds. */
EngScores *eng_scores_new (EngModel *model, EngTruthKind truth, const char *const *wanted,
                           gboolean has_baseline, GError **error);
void eng_scores_free (EngScores *scores);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngScores, eng_scores_free)

/* The number of the group (domain, class) named @name, made when it is new. */
guint eng_scores_group (EngScores *scores, const char *name);
void eng_scores_add (EngScores *scores, const EngScored *sample);

/* Fold everything into @evaluation's metrics. @grouped_by: "domain", "class". */
void eng_scores_finish (EngScores *scores, EngEvaluation *evaluation, const char *grouped_by);

G_END_DECLS
