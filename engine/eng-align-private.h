/* What eng-align.c (names, groups) and eng-align-shapes.c (order and size of heavy operators)
 * share. */
#pragma once

#include "eng-align.h"

G_BEGIN_DECLS

/* Operators that most of a network's work is in, as kinds that mean the same in every file
 * format. */
typedef enum
{
  ENG_HEAVY_NONE,
  ENG_HEAVY_PRODUCT,
  ENG_HEAVY_CONV,
  ENG_HEAVY_DEPTHWISE,
  ENG_HEAVY_TRANSPOSED,
  ENG_HEAVY_RECURRENT,
} EngHeavy;

EngHeavy eng_align_heavy (EngProfile *profile, guint node); /* by the operator's title */

/* A phase that both measured, decode first; RT_N_PHASES when there is none. */
RtPhase eng_align_phase (EngProfile *a, EngProfile *b);
/* Operations of one token or one inference; 0: the node did not run. */
double eng_align_flops (EngProfile *profile, guint node, RtPhase phase);
gboolean eng_align_same_flops (double a, double b); /* within 5 % */

/* Pairs of node indices (of @a, of @b) that stand for each other: guint a, guint b, a, b ...; NULL
 * with @reason set where less than 60 % of the operations of either could be lined up. Nodes that
 * are part of one match appear with every node of the other side's part. */
GArray *eng_align_shapes (EngProfile *a, EngProfile *b, char **reason);

G_END_DECLS
