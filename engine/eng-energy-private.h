/* The energy of a run while it is made, and its document. */
#pragma once

#include <json-glib/json-glib.h>

#include "eng-energy.h"
#include "eng-measure.h"
#include "eng-measure-input.h"

G_BEGIN_DECLS

struct _EngEnergy
{
  gatomicrefcount ref_count;
  EngPower *power; /* the meter while the run is made: choosing another meanwhile changes nothing;
                    * NULL: none, or finished */
  guint n_nodes;
  int n_layers;
  EngPhaseEnergy phases[RT_N_PHASES];
  char *meter, *reason, *model; /* meter NULL: none; reason NULL: measured */
  char *meter_id, *meter_place;
  double interval_s, cost_frac;
  EngFigure idle;
};

/* Nothing measured, attributed or modelled: the current meter's name, or why there is none. */
EngEnergy *eng_energy_new (void);

/* Clean passes under the current meter; without one nothing happens. After the run's own passes;
 * neither changes their samples. */
gboolean eng_energy_measure_text (EngEnergy *energy, EngMeasure *measure, GError **error);
gboolean eng_energy_measure_input (EngEnergy *energy, EngMeasureInput *measure, GError **error);

/* Attribution and model, from the run's profile. Once. */
void eng_energy_finish (EngEnergy *energy, EngProfile *profile, const char *isa, guint n_threads,
                        EngMachine *machine);

/* One JSON object, written as the member "energy" of the object that is open; and back. NULL: no or
 * a damaged one. */
void eng_energy_write (EngEnergy *energy, EngProfile *profile, JsonBuilder *builder);
EngEnergy *eng_energy_read (JsonObject *object, EngProfile *profile);

G_END_DECLS
