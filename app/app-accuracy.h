/* What is known of the accuracy of builds: the evaluations in the history. One build gives the same
 * results every time, so what an evaluation said holds for every run of that build, and for all
 * builds of one key (eng_evaluate_dup_key()), which differ in speed alone. Where a build is asked
 * for by its hash, a key does as well. */
#pragma once

#include "eng-history.h"

G_BEGIN_DECLS

typedef struct
{
  char *build_hash;
  char *set; /* path of the set, or "bundled:texts" */
  char *id;  /* of the run */
  gint64 time;
  EngEvaluation *evaluation;        /* NULL: of an earlier version, only figures are known */
  EngFigure figures[ENG_N_FIGURES]; /* of the run; those that eng_figure_id_is_accuracy () matter */
} AppEvaluation;

typedef struct _AppAccuracy AppAccuracy;

AppAccuracy *app_accuracy_new (EngHistory *history); /* @history nullable: nothing is ever known */
void app_accuracy_free (AppAccuracy *self);          /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppAccuracy, app_accuracy_free)

/* The newest evaluation of the build that has figure @id; @set (nullable): on this set only. NULL:
 * none. Borrowed until the history changes. */
const AppEvaluation *app_accuracy_find (AppAccuracy *self, const char *build_hash, const char *set,
                                        EngFigureId id);
/* The newest pair of evaluations on one and the same set, FALSE when there is none: accuracies on
 * different sets do not compare. */
gboolean app_accuracy_find_pair (AppAccuracy *self, const char *hash_a, const char *hash_b,
                                 EngFigureId id, const AppEvaluation **a, const AppEvaluation **b);
/* The newest evaluation of the build on each set, newest first; elements borrowed until the history
 * changes. */
GPtrArray *app_accuracy_list (AppAccuracy *self, const char *build_hash);

/* The history is read again at the next question: after something was put into it on another
 * thread, and before it has said so. */
void app_accuracy_forget (AppAccuracy *self);

/* A set's name for people: "Bundled texts", "cifar10-test-1000.tar.gz". Borrowed from @evaluation,
 * or static. */
const char *app_evaluation_get_title (const AppEvaluation *evaluation);

G_END_DECLS
