/* The words around the lanes: caption, totals, and the reading of one layer or operator. */
#pragma once

#include "app-axis.h"

G_BEGIN_DECLS

/* "Median and 5–95 % of the last 64 tokens" (inferences, of a network); @profile nullable. */
char *app_lanes_text_dup_caption (EngProfile *profile, RtPhase phase);
/* "Σ 4.12 ms, clean step 4.00 ms": the sum of the layers beside the clean total (never one in place
 * of the other); NULL when nothing is measured. */
char *app_lanes_text_dup_total (EngProfile *profile, RtPhase phase);
/* Share, bandwidth, arithmetic, memory, sources of the item; NULL when nothing is known. */
char *app_lanes_text_dup_detail (EngModel *model, const AppAxis *axis, guint item,
                                 EngProfile *profile, RtPhase phase);

G_END_DECLS
