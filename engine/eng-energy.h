/* Energy of a run, in three grades that never mix. Each has its own type here, its own column in
 * exports, its own mark on screen.
 *
 *   measured    by a sensor (eng-power.h), over clean passes only, per token or inference
 *   attributed  the measured joules divided over nodes and layers by a stated rule
 *   modelled    no sensor: a stated cost model of arithmetic and data movement
 *
 * Energies of a language model are per token, those of a network per inference. What is not there
 * has a reason. */
#pragma once

#include "eng-machine.h"
#include "eng-power.h"
#include "eng-profile.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_ENERGY_MEASURED,
  ENG_ENERGY_ATTRIBUTED,
  ENG_ENERGY_MODELLED,
} EngEnergyGrade;
const char *eng_energy_grade_name (EngEnergyGrade grade); /* "measured", "attributed", "modelled" */

/* ---- Measured ---- */

typedef struct
{
  EngFigure joules; /* per token or inference */
  EngFigure watts;  /* mean power meanwhile */
  guint64 n_units;  /* tokens or inferences under the meter */
  double window_s;  /* of one sample of the figures */
} EngEnergyMeasured;

/* One clean pass; *@n_units: tokens or inferences it was. FALSE without an error: stopped. */
typedef gboolean (*EngEnergyPass) (gpointer data, guint *n_units, GError **error);

/* Blocking: runs @pass over and over in windows that are long for the meter, some seconds in all. A
 * figure's interval is that of the windows' median (eng-figure.h), wider by the mean uncertainty of
 * reading. FALSE: @pass failed. A meter that fails, and stopping, make the figures unavailable. */
gboolean eng_energy_measure (EngPower *power, const char *unit, EngEnergyPass pass, gpointer data,
                             EngEnergyMeasured *measured, GError **error);
/* unavailable: @reason */
void eng_energy_measured_clear (EngEnergyMeasured *measured, const char *unit, const char *reason);

/* ---- Modelled ---- */

typedef enum
{
  ENG_MEMORY_L1,
  ENG_MEMORY_L2,
  ENG_MEMORY_L3,
  ENG_MEMORY_MAIN,
  ENG_N_MEMORY_LEVELS
} EngMemoryLevel;
const char *eng_memory_level_name (EngMemoryLevel level); /* "l1", "l2", "l3", "main" */

/* What one operation costs, in joules; of one generation of processes. The table and its sources:
 * eng-energy-model.c. */
typedef struct
{
  const char *name;   /* "7 nm" */
  const char *source; /* papers */
  double f32_add_j, f32_multiply_j, int8_multiply_j, int32_add_j;
  double instruction_j; /* fetching, decoding and steering one instruction, however many lanes it
                         * has */
  double byte_j[ENG_N_MEMORY_LEVELS];
} EngEnergyProcess;
const EngEnergyProcess *eng_energy_process_find (const char *name); /* NULL: none called so */
/* what machines are taken for: none says what it is */
#define ENG_ENERGY_PROCESS "7 nm"

typedef struct
{
  const EngEnergyProcess *process;
  double f32_per_instruction, int8_per_instruction; /* multiply-adds of one instruction of the
                                                     * ISA */
  double holds_bytes[ENG_N_MEMORY_LEVELS];          /* what the caches of a level hold for all
                                                     * threads together; 0: there is none */
  gboolean caches_known, isa_known;
} EngEnergyModel;

/* @isa: kn_level_name(); caches from @machine. */
void eng_energy_model_init (EngEnergyModel *model, const char *isa, guint n_threads,
                            EngMachine *machine);
/* What it counts, what it leaves out, which constants: sentences for people. */
char *eng_energy_model_describe (const EngEnergyModel *model);

typedef struct
{
  double arithmetic_j, instruction_j;
  double memory_j[ENG_N_MEMORY_LEVELS];
} EngEnergyParts;
double eng_energy_parts_sum (const EngEnergyParts *parts);
/* "main memory 96 %, instructions 3 %, arithmetic 1 %": largest first, what is less than half a
 * percent left out. */
char *eng_energy_parts_describe (const EngEnergyParts *parts);

/* One node in one run. @step_bytes: everything that one run of the graph reads, which is what lies
 * between two uses of a weight. @groups: 8-bit products are scaled in groups of 32. */
void eng_energy_model_node (const EngEnergyModel *model, const RtCost *cost,
                            EngArithmetic arithmetic, gboolean groups, double step_bytes,
                            EngEnergyParts *parts);

typedef struct
{
  const char *reason; /* interned: why there is none; NULL: there is */
  EngEnergyParts total;
  double *nodes_j;  /* [n_nodes]; NAN: the node's arithmetic is not known */
  double *layers_j; /* [n_layers + 2]: index layer + 1 */
} EngEnergyModelled;

/* Of one phase of @profile, from its costs, per token or inference. Microseconds per node. */
void eng_energy_model_phase (const EngEnergyModel *model, EngProfile *profile, RtPhase phase,
                             EngEnergyModelled *modelled);
void eng_energy_modelled_clear (EngEnergyModelled *modelled);

/* A profile with costs and no times, of a build that was not run: @n_prompt tokens in the prompt's
 * first chunk (0: as many as a chunk takes), decoding behind them. */
EngProfile *eng_energy_build_profile (EngBuild *build, guint n_prompt);

/* ---- Attributed ---- */

typedef struct
{
  const char *reason; /* interned; NULL: there is */
  double total_j;     /* what was divided */
  double *nodes_j;    /* [n_nodes]; NAN: not instrumented */
  double *layers_j;   /* [n_layers + 2] */
} EngEnergyAttributed;

extern const char eng_energy_rule[]; /* the rule, for people */

/* @joules: per token or inference. */
void eng_energy_attribute (EngProfile *profile, RtPhase phase, double joules,
                           EngEnergyAttributed *attributed);
void eng_energy_attributed_clear (EngEnergyAttributed *attributed);

/* ---- Of a run ---- */

typedef struct
{
  EngEnergyMeasured measured;
  EngEnergyAttributed attributed;
  EngEnergyModelled modelled;
} EngPhaseEnergy;

typedef struct _EngEnergy EngEnergy; /* immutable once its run is made; reference counted */
#define ENG_TYPE_ENERGY (eng_energy_get_type ())
GType eng_energy_get_type (void);
EngEnergy *eng_energy_ref (EngEnergy *energy);
void eng_energy_unref (EngEnergy *energy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngEnergy, eng_energy_unref)

const EngPhaseEnergy *eng_energy_get_phase (EngEnergy *energy, RtPhase phase);
guint eng_energy_get_n_nodes (EngEnergy *energy);
int eng_energy_get_n_layers (EngEnergy *energy);
/* "RAPL ...: processor packages"; NULL: none */
const char *eng_energy_get_meter (EngEnergy *energy);
const char *eng_energy_get_reason (EngEnergy *energy); /* why nothing was measured; NULL: it was */
const char *eng_energy_get_model (EngEnergy *energy);  /* eng_energy_model_describe() */
EngFigure eng_energy_get_idle (EngEnergy *energy);     /* W; stated, never taken off */
/* what reading the meter took of one processor; NAN without one */
double eng_energy_get_cost_frac (EngEnergy *energy);

/* Blocking. Of a build without a run: modelled, and measured where there is a meter, over clean
 * prompts of @n_prefill and @n_decode tokens behind them, any tokens (0: not that phase), or over
 * inferences of a random input. Nothing is attributed: nothing was instrumented. */
EngEnergy *eng_energy_measure_build (EngBuild *build, guint n_prefill, guint n_decode,
                                     GCancellable *cancellable, GError **error);

/* Accuracy (%) over joules: %/J; the interval is that of the worst corners. @grade's word goes in
 * the reason when there is none. */
EngFigure eng_energy_accuracy_per_joule (const EngFigure *accuracy, const EngFigure *joules);

G_END_DECLS
