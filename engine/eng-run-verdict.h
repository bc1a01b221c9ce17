/* What each technique was worth, layer by layer, as far as it was known when the run ended
 * (EngTechnique.verdict): part of the run and of its JSON ("verdicts"). */
#pragma once

#include <json-glib/json-glib.h>

#include "eng-model.h"
#include "eng-run.h"

G_BEGIN_DECLS

typedef struct
{
  char *technique;             /* its id */
  int first_layer, last_layer; /* of the layer axis: neighbours with the same words are told once */
  char *text;
} EngRunVerdict;

/* After eng_estimator_take_run(), before the run is shown or kept: asks every technique that its
 * recipe sets. Blocking, tens of milliseconds at most; reads the kept kernel times. What was there
 * before is replaced. */
void eng_run_take_verdicts (EngRun *run, EngModel *model);

/* In the order of techniques, then of layers; borrowed. */
const EngRunVerdict *eng_run_get_verdicts (EngRun *run, guint *n);
/* "Sparsity, Block 0 to Block 29: 50 % unstructured: ..."; newly allocated. */
char *eng_run_verdict_describe (EngRun *run, const EngRunVerdict *verdict);

/* The insides of a run: GArray of EngRunVerdict, or NULL. Writing none writes nothing. */
GArray *eng_run_verdicts_new (void);
void eng_run_verdicts_write (GArray *verdicts, JsonBuilder *builder, const char *name);
GArray *eng_run_verdicts_read (JsonObject *run, const char *name, int n_layers);

G_END_DECLS
