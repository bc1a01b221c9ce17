/* Performance counters of a profile: per node and phase, from counted steps that are apart from
 * clean and instrumented ones. What could not be counted says why. */
#pragma once

#include <json-glib/json-glib.h>

#include "rt-exec.h"

G_BEGIN_DECLS

/* As in a run's profile: nodes are those of the executed graph. */
typedef struct
{
  guint n_nodes;
  RtCounterSet set;
  guint n_steps[RT_N_PHASES];  /* counted steps; 0: none */
  double step_ns[RT_N_PHASES]; /* median of the counted steps, which reading the counters makes
                                * longer; NAN: none */
  const char *reasons[RT_N_PHASES][RT_N_COUNTERS]; /* interned: why unavailable; NULL: counted */
  double *values[RT_N_PHASES];                     /* owned, [n_nodes * RT_N_COUNTERS]: per step */
} EngCounts;

void eng_counts_init (EngCounts *self, guint n_nodes); /* "not counted" everywhere */
void eng_counts_clear (EngCounts *self);
/* @self is initialised, of as many nodes */
void eng_counts_copy (EngCounts *self, const EngCounts *from);

/* From the executor's sums over @n_steps steps of @phase, before rt_exec_count_end(). */
void eng_counts_take (EngCounts *self, RtExec *exec, RtCounterSet set, RtPhase phase, guint n_steps,
                      double step_ns);
/* Nothing can be counted here, for this reason. */
void eng_counts_refuse (EngCounts *self, RtCounterSet set, const char *reason);

/* Per step; NAN: unavailable. */
double eng_counts_get (const EngCounts *self, guint node, RtPhase phase, int counter);

/* Members of the objects that are open: of a node, e.g. "decode_counters": {"cycles": ...}; and of
 * the profile, "counters". Nothing of phases without counts but the reason. */
void eng_counts_write_node (const EngCounts *self, guint node, JsonBuilder *builder);
void eng_counts_write (const EngCounts *self, JsonBuilder *builder);
void eng_counts_read_node (EngCounts *self, guint node, JsonObject *object);
void eng_counts_read (EngCounts *self, JsonObject *profile); /* before the nodes */

G_END_DECLS
