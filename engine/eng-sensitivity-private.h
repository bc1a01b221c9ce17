/* What a unit of each kind of model is: eng-sensitivity.c asks, eng-sensitivity-text.c and
 * eng-sensitivity-inputs.c answer. */
#pragma once

#include "eng-layer-pair.h"
#include "eng-sensitivity.h"

G_BEGIN_DECLS

typedef struct _EngUnits EngUnits;

/* Units of one measurement. A unit is one or more steps, each one run of the executors. */
typedef struct
{
  void (*free) (EngUnits *units);
  /* FALSE and @error: the unit cannot be fed. *@n_steps of it. */
  gboolean (*begin) (EngUnits *units, guint unit, guint *n_steps, GError **error);
  /* Give both executors the inputs of @step. */
  gboolean (*feed) (EngUnits *units, guint step, GError **error);
  /* Run the executor of @side, as it is chosen, on them. */
  gboolean (*run) (EngUnits *units, EngSide side, RtError *error);
  /* Look at the outputs of the reference's whole run: what the others are compared with. Adds to
   * @record. */
  void (*score_reference) (EngUnits *units, EngLayerUnit *record);
  /* The outputs of the executor of @side now. Adds to @record. */
  void (*score) (EngUnits *units, EngSide side, EngLayerUnit *record);
} EngUnitsClass;

struct _EngUnits
{
  const EngUnitsClass *class;
  EngLayerPair *pair;
  RtPool *pool;
  guint n;
  char **names; /* [n] what each is kept under, NULL-terminated */
  char *title;  /* "16 windows of 128 tokens of novel.txt" */
};

/* Names and title need no builds: for results that are kept. The builds are NULL then, and nothing
 * can be run. @watched: see eng_layer_pair_new(). */
EngUnits *eng_text_units_new (EngModel *model, const EngSensitivityConfig *config,
                              EngBuild *reference, EngBuild *changed, int watched, RtPool *pool,
                              GError **error);
EngUnits *eng_input_units_new (EngModel *model, const EngSensitivityConfig *config,
                               EngBuild *reference, EngBuild *changed, int watched, RtPool *pool,
                               EngJob *job, GError **error);

/* What the results of @layer alone are kept under, for all recipes that change it in the same way:
 * formats of the matrices that it reads, and of the cache. @build may be a sketch. NULL: nothing is
 * shared (networks, single matrices). */
char *eng_sensitivity_dup_layer_key (EngBuild *build, const EngSensitivityConfig *config,
                                     int layer);
/* Fill @table with what other recipes have shown, where it has nothing. */
gboolean eng_sensitivity_borrow (EngBuild *build, const EngSensitivityConfig *config,
                                 EngHistory *history, EngUnits *units, EngLayerTable *table,
                                 GError **error);

G_END_DECLS
