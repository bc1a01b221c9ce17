/* One sentence on where things stand: what was measured and what of it costs most, or what to do
 * next. */
#pragma once

#include "app-adviser.h"

G_BEGIN_DECLS

/* @advice (nullable): what app_sentence_get_advice() gave; the sentence then begins with it, and
 * leaves out what costs most. */
char *app_sentence_dup (AppStage *stage, const EngAdvice *advice);

/* The piece of advice that the sentence has room for: the best that can be applied, of a run that
 * can be trusted to tell. Borrowed; NULL: none. */
const EngAdvice *app_sentence_get_advice (AppStage *stage, AppAdviser *adviser);

/* The layer that costs most in @phase and its share of all layers, 0..1; FALSE when nothing was
 * measured. */
gboolean app_sentence_find_dearest (EngProfile *profile, RtPhase phase, int *layer, double *share);

G_END_DECLS
