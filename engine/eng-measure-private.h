/* What the files of the measuring loop share: single passes, and what is done with their tokens. */
#pragma once

#include "eng-measure.h"

G_BEGIN_DECLS

void eng_measure_add_sample (GArray *samples, double value);
void eng_measure_tell_stage (EngMeasure *self, const char *stage, double progress);

/* One executor run. *@ns: how long it took. A cancelled one sets self->cancelled and is no error:
 * check it after TRUE. */
gboolean eng_measure_execute (EngMeasure *self, const gint32 *tokens, guint n, guint n_outputs,
                              RtPhase phase, gboolean traced, guint64 *ns, GError **error);
/* The next token from the logits of the last run. FALSE: they are no numbers; the text ends. */
gboolean eng_measure_choose (EngMeasure *self, RtSampler *sampler, gint32 *token);
/* Add it to the text and tell the listener; an end token ends it. */
void eng_measure_emit (EngMeasure *self, gint32 token);
void eng_measure_find_stop (EngMeasure *self); /* whether length or context end the text */
void eng_measure_end_text (EngMeasure *self);  /* what the stream still holds */

/* Whether the figure of @samples needs more; @n_before of them were there before @start_ns. */
gboolean eng_measure_needs_more (RtRepeat *repeat, const GArray *samples, guint n_before,
                                 guint64 start_ns, RtRepeatVerdict *verdict);

/* The decode steps of the text again and again, clean where they were instrumented, in turn: a
 * short text is too few samples. */
gboolean eng_measure_repeat_decode (EngMeasure *self, RtSampler *sampler, double budget_s,
                                    GError **error);

/* ---- eng-measure-speculate.c ---- */

/* The drafter, as far as the build has one. Nothing when the recipe drafts nothing. */
gboolean eng_measure_speculate_init (EngMeasure *self, GError **error);
void eng_measure_speculate_clear (EngMeasure *self);
/* The drafter reads the prompt: part of every clean pass over it. */
gboolean eng_measure_speculate_prompt (EngMeasure *self, guint64 *ns, GError **error);
/* The text by rounds; some plain steps in between are instrumented. */
gboolean eng_measure_speculate_decode (EngMeasure *self, GError **error);
/* The text again and again, piece by piece: by rounds, then the same tokens by plain steps. */
gboolean eng_measure_speculate_repeat (EngMeasure *self, double budget_s, GError **error);
/* A round after the text so far that begins again with the prompt when the text is long enough;
 * *@n_tokens: what it emitted. For energy. */
gboolean eng_measure_speculate_step (EngMeasure *self, guint *n_tokens, GError **error);

G_END_DECLS
