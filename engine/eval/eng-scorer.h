/* A build's language model with the logits of every position: an executor of its own beside the
 * build's, sharing weights and threads, so the build's cache and state stay as they are. One of the
 * two runs at a time. */
#pragma once

#include "eng-build.h"

G_BEGIN_DECLS

typedef struct _EngScorer EngScorer;

/* @n_ctx: positions that a text may have. Fails when @build is no language model, or when its own
 * context is shorter. */
EngScorer *eng_scorer_new (EngBuild *build, guint n_ctx, GError **error);
void eng_scorer_free (EngScorer *scorer); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngScorer, eng_scorer_free)

guint eng_scorer_get_chunk (EngScorer *scorer); /* the most tokens of one eng_scorer_feed() */
guint eng_scorer_get_n_vocab (EngScorer *scorer);

/* The next tokens go behind the first @n_used ones of the cache. */
void eng_scorer_rewind (EngScorer *scorer, guint n_used);
/* Feed 1 .. chunk tokens; eng_scorer_logits (i) is then what follows token i. */
gboolean eng_scorer_feed (EngScorer *scorer, const gint32 *tokens, guint n, GError **error);
const float *eng_scorer_logits (EngScorer *scorer, guint row); /* [n_vocab], until the next feed */
/* Run @row (of 0 .. n_rows - 1) on the build's threads; it may not touch what other rows write. */
void eng_scorer_each_row (EngScorer *scorer, guint n_rows, void (*row) (guint index, gpointer data),
                          gpointer data);

/* ln p of token @target under softmax (logits [n]); sums in double. */
double eng_log_probability (const float *logits, guint n, gint32 target);
/* KL (softmax (p) || softmax (q)) in nats, never negative, exactly 0 for equal logits; *@same: both
 * have their first largest logit at one place (nullable). */
double eng_divergence (const float *p, const float *q, guint n, gboolean *same);

G_END_DECLS
