/* Evaluating the build that is open on a set of texts, questions or inputs, beside the model as in
 * its file: the dialog, the job, the result in the history. */
#pragma once

#include <gtk/gtk.h>

#include "eng-history.h"
#include "eng-run.h"

G_BEGIN_DECLS

/* TRUE when the model can be run: a network whose operators are all known, a language model whose
 * tokenizer is. */
gboolean app_evaluate_is_possible (EngModel *model);

/* Evaluate @build on @set on a worker, beside the file @against as it is (NULL: beside its own
 * model as in its file). @done gets the run, already in @history (nullable), or NULL with an error;
 * it is called once, also after @job was cancelled. */
typedef void (*AppEvaluateDone) (EngRun *run, const GError *error, gpointer user_data);
void app_evaluate_start (EngBuild *build, const char *set, const char *against, EngHistory *history,
                         EngJob *job, AppEvaluateDone done, gpointer user_data);

G_END_DECLS
