/* What the passes over texts, questions and inputs share. */
#pragma once

#include "eval/eng-evaluate.h"
#include "eval/eng-evaluation-private.h"
#include "eval/eng-scorer.h"
#include "eval/eng-scores.h"
#include "eval/eng-text-set.h"

G_BEGIN_DECLS

typedef struct
{
  EngBuild *build, *baseline; /* baseline NULL: none; the same pointer: it is the same build */
  const EngEvalOptions *options;
  EngJob *job;
  GCancellable *cancellable;
  EngEvaluation *evaluation;
  EngScores *scores;
} EngEvalPass;

gboolean eng_eval_pass_texts (EngEvalPass *pass, EngTextSet *set, GError **error);
gboolean eng_eval_pass_questions (EngEvalPass *pass, EngTextSet *set, GError **error);

/* Makes the pass's scores itself: what the set knows decides which metrics apply. */
gboolean eng_eval_pass_inputs (EngEvalPass *pass, GError **error);

/* Two scorers, or one. */
gboolean eng_eval_open_scorers (EngEvalPass *pass, guint n_ctx, EngScorer *scorers[2],
                                GError **error);
/* Tokens of @text by the build's tokenizer; FALSE also when the baseline's gives others. *@tokens:
 * free(). */
gboolean eng_eval_tokenize (EngEvalPass *pass, const char *text, gsize n_bytes, gboolean special,
                            gint32 **tokens, gsize *n, GError **error);

G_END_DECLS
