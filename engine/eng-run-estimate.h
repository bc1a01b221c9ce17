/* What was expected of a run beside what was measured: part of the run and of its JSON
 * ("estimate"). */
#pragma once

#include <json-glib/json-glib.h>

#include "eng-kernel-table.h"
#include "rt-trace.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean available;
  const char *reason;    /* interned: why there was none; NULL */
  EngBasis basis;        /* what nine tenths of the estimate rested on, or on better */
  gboolean is_known;     /* nine tenths rested on times of earlier runs of the very same
                          * operators */
  double predicted_ns;   /* sum of nodes of one step */
  double uncorrected_ns; /* the same before it was corrected by what earlier estimates were off
                          * by */
  double measured_ns;    /* sum of the nodes' medians: what was predicted, node by node. Less than
                          * the median of sums where other programs disturb a step here and there */
  double wall_predicted_ns; /* what a person waits for one step; NAN: not known */
  double wall_measured_ns;
  double layer_error; /* the 90 % quantile over layers of |measured / predicted - 1|; NAN */
  double *layers;     /* [n_layers + 2] predicted, NAN: absent */
} EngPhaseEstimate;

typedef struct
{
  int n_layers;
  EngPhaseEstimate phases[RT_N_PHASES];
} EngRunEstimate;

EngRunEstimate *eng_run_estimate_new (int n_layers); /* nothing available */
void eng_run_estimate_free (EngRunEstimate *estimate);

/* The error of the estimate: predicted over measured less one; negative: it was too low. NAN. Of
 * the wall time where it is known, else of the sum of nodes. */
double eng_phase_estimate_error (const EngPhaseEstimate *estimate);
/* "estimate was 1.92 ms, 6 % too low"; NULL when there was none. Newly allocated. */
char *eng_phase_estimate_describe (const EngPhaseEstimate *estimate);

/* As the member @name of the object that is open; NULL writes nothing. Reading: NULL when the
 * object is absent or does not fit. */
void eng_run_estimate_write (const EngRunEstimate *estimate, JsonBuilder *builder,
                             const char *name);
EngRunEstimate *eng_run_estimate_read (JsonObject *object);

G_END_DECLS
