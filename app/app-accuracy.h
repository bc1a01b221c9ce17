/* What is known of the accuracy of builds: the evaluations in the history. One build gives the same results every time, so what an
 * evaluation said holds for every run of that build. */
#pragma once

#include "eng-history.h"

G_BEGIN_DECLS

typedef struct
{
  char *build_hash;
  char *set;        /* path of the labelled set */
  EngFigure figure; /* % with its 95 % score interval */
} AppEvaluation;

typedef struct _AppAccuracy AppAccuracy;

AppAccuracy *app_accuracy_new (EngHistory *history); /* @history nullable: nothing is ever known */
void app_accuracy_free (AppAccuracy *self);          /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppAccuracy, app_accuracy_free)

/* The newest evaluation of the build; @set (nullable): on this set only. NULL: none. Borrowed until the history changes. */
const AppEvaluation *app_accuracy_find (AppAccuracy *self, const char *build_hash, const char *set);
/* The newest pair of evaluations on one and the same set, FALSE when there is none: accuracies on different sets do not
 * compare. */
gboolean app_accuracy_find_pair (AppAccuracy *self, const char *hash_a, const char *hash_b, const AppEvaluation **a,
                                 const AppEvaluation **b);

G_END_DECLS
