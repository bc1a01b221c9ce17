/* What the makers of estimates (eng-estimate.c, eng-estimate-run.c) and their values
 * (eng-forecast.c) share. */
#pragma once

#include "eng-estimate.h"

G_BEGIN_DECLS

/* This much of the time decides what an estimate rests on. */
#define ENG_ESTIMATE_MOST 0.9

/* So many kept errors make a median that estimates are corrected by. */
#define ENG_ESTIMATE_MIN_CORRECTION 3

/* What earlier estimates on this device say of the next one. */
typedef struct
{
  guint n;                 /* of them */
  double correction;       /* what was measured over what was predicted, as a rule; 1: not known */
  double band, layer_band; /* factors, of what is left after the correction; NAN: not known */
} EngEstimateJudgement;

/* A sum over nodes in the making. */
typedef struct
{
  double ns, by_basis[ENG_N_BASES], from_runs_ns; /* from_runs_ns: of these very operators */
  double runs_ns;                                 /* of these or of similar ones */
  const char *reason; /* of the first absent node */
} EngEstimateSum;

void eng_estimate_sum_add (EngEstimateSum *sum, const EngExpected *node);
EngForecastValue eng_estimate_sum_value (const EngEstimateSum *sum);
/* Whether nearly all of it rests on what runs have measured of the very same operators. */
gboolean eng_estimate_sum_is_known (const EngEstimateSum *sum);

struct _EngForecast
{
  gatomicrefcount ref_count;
  EngSketch *sketch;
  EngEstimateSizes sizes;
  char *device;
  EngExpected *nodes[RT_N_PHASES]; /* [n_nodes]; NULL: models of this kind have no such phase */
  RtCost *costs[RT_N_PHASES];
  EngForecastValue *layers[RT_N_PHASES]; /* [n_layers + 2] */
  EngForecastValue totals[RT_N_PHASES], walls[RT_N_PHASES];
  gboolean is_known[RT_N_PHASES];
  EngEstimateJudgement judgements[RT_N_PHASES];
};

EngForecast *eng_forecast_new (EngSketch *sketch, const EngEstimateSizes *sizes,
                               const char *device);
/* Nodes of @phase are filled: layers, total, and whether it is known. */
void eng_forecast_sum (EngForecast *forecast, RtPhase phase);
/* Corrects nodes, layers, total and wall of @phase and gives them their band; @wall_ratio: NAN
 * unknown. */
void eng_forecast_judge (EngForecast *forecast, RtPhase phase,
                         const EngEstimateJudgement *judgement, double wall_ratio);

/* One device's table and kept errors, as the file has them now. */
typedef struct
{
  gatomicrefcount ref_count;
  guint n_threads, generation;
  char *name;
  EngKernelTable *table;
  GArray *errors; /* EngKernelError, newest first */
  guint64 cache_bytes, memory_bytes;
} EngEstimateDevice;

EngEstimateDevice *eng_estimator_get_device (EngEstimator *estimator, guint n_threads,
                                             GError **error);
void eng_estimate_device_unref (EngEstimateDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngEstimateDevice, eng_estimate_device_unref)

void eng_estimate_device_judge (EngEstimateDevice *device, RtPhase phase, gboolean is_known,
                                EngEstimateJudgement *judgement);

/* What steps of @phase took over the sum of their nodes: the median of the valid runs of @model
 * (its name; nullable), else of its degraded ones, else of those of other models; NAN. */
double eng_estimate_device_wall_ratio (EngEstimateDevice *device, RtPhase phase, const char *model);

G_END_DECLS
