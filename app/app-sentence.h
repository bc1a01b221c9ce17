/* One sentence on where things stand: what was measured and what of it costs most, or what to do next. */
#pragma once

#include "app-stage.h"

G_BEGIN_DECLS

char *app_sentence_dup (AppStage *stage);

/* The layer that costs most in @phase and its share of all layers, 0..1; FALSE when nothing was measured. */
gboolean app_sentence_find_dearest (EngProfile *profile, RtPhase phase, int *layer, double *share);

G_END_DECLS
