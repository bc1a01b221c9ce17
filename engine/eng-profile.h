/* Per-node and per-layer latency from the trace rings, live while a model runs and final
 * afterwards. Prefill and decode are two profiles, never averaged. */
#pragma once

#include "eng-build.h"

G_BEGIN_DECLS

/* Over the last EngProfiler window of instrumented steps. Times are wall time of the node: first
 * thread in to barrier passed. */
typedef struct
{
  guint n; /* samples in the window; 0: not measured */
  double median_ns, p5_ns, p95_ns, last_ns;
  double low_ns, high_ns; /* 95 % interval of the median; NAN when too few samples */
} EngLatency;

typedef struct
{
  EngLatency *nodes;  /* [n_nodes] of the build's executed graph */
  EngLatency *layers; /* [n_layers + 2]: index layer + 1; a layer's sample is the sum over its nodes
                       * in one step */
  EngLatency total;   /* sum over all nodes in one instrumented step */
  EngLatency clean;   /* the whole step without tracing */
  guint n_tokens;     /* rows per step (prefill chunk length); 1 for decode */
  guint position;     /* of the first of them in the sequence, in the newest step: the one that
                       * costs are of */
  int64_t symbols[RT_N_SYMBOLS]; /* of a network: what that step bound (picture, sound); 0: not
                                  * known */
} EngPhaseProfile; /* a prefill profile is of the first chunk of the prompt: chunks further on
                    * attend to more */

/* What kind of units a node's arithmetic runs on: which of the machine's two arithmetic roofs
 * bounds it. */
typedef enum
{
  ENG_ARITHMETIC_UNKNOWN, /* of a run kept by a version that did not say */
  ENG_ARITHMETIC_F32,     /* floats, weights of 16 bits widened on the way */
  ENG_ARITHMETIC_INT8,    /* 8-bit products summed in 32 bits */
} EngArithmetic;
const char *eng_arithmetic_name (EngArithmetic arithmetic); /* "unknown", "f32", "int8" */

typedef struct _EngProfile EngProfile; /* immutable snapshot, reference counted */
#define ENG_TYPE_PROFILE (eng_profile_get_type ())
GType eng_profile_get_type (void);
EngProfile *eng_profile_ref (EngProfile *profile);
void eng_profile_unref (EngProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngProfile, eng_profile_unref)

guint eng_profile_get_n_nodes (EngProfile *profile);
int eng_profile_get_n_layers (EngProfile *profile);
const EngPhaseProfile *eng_profile_get_phase (EngProfile *profile, RtPhase phase);
guint64 eng_profile_get_n_lost (EngProfile *profile); /* trace records lost to a slow reader */
/* Names as executed: node name, its operator's title, layer, and the source nodes it stands for.
 * Valid without the build (history). */
const char *eng_profile_get_node_name (EngProfile *profile, guint node);
const char *eng_profile_get_node_op (EngProfile *profile, guint node);
int eng_profile_get_node_layer (EngProfile *profile, guint node);
const char *const *eng_profile_get_node_sources (EngProfile *profile, guint node);
EngArithmetic eng_profile_get_node_arithmetic (EngProfile *profile, guint node);
/* Operator, formats and shapes as the table of kernel times knows them (eng-kernel-table.h); NULL:
 * of a run kept by a version that did not say. */
const char *eng_profile_get_node_signature (EngProfile *profile, guint node);
const RtCost *eng_profile_get_node_cost (EngProfile *profile, guint node, RtPhase phase);
/* What the node's operator may leave out of its work for a token that comes alone, as its
 * activations allow ("inputs"; NULL: nothing), and the share of it that it did leave out over all
 * such tokens of the run, 0..1; NAN: not counted. */
const char *eng_profile_get_node_skips (EngProfile *profile, guint node);
double eng_profile_get_node_skipped (EngProfile *profile, guint node);
/* "48.3 % of the inputs (ffn_down)", of all that a layer's nodes may leave out; NULL: nothing, or
 * not counted. Newly allocated. */
char *eng_profile_dup_layer_skipped (EngProfile *profile, int layer);
/* The same of all layers, with the least and the most; lines of a run's notes. */
GStrv eng_profile_dup_skipped (EngProfile *profile);
/* As eng_model_dup_layer_name() had it; of runs that were kept before names were: "Input", "Block
 * 3", "Output". Valid without the model (history). */
char *eng_profile_dup_layer_name (EngProfile *profile, int layer);
/* Memory per layer (index layer + 1) and per node. */
const EngLayerMemory *eng_profile_get_layer_memory (EngProfile *profile, int layer);
const EngLayerMemory *eng_profile_get_node_memory (EngProfile *profile, guint node);

/* Performance counters (cycles, instructions, cache misses; @counter 0 .. RT_N_COUNTERS - 1), from
 * steps that are counted apart from clean and instrumented ones. Per step and over all threads;
 * NAN: unavailable, and the reason says why (NULL: counted). */
guint eng_profile_get_n_counted (EngProfile *profile, RtPhase phase); /* steps */
/* "cycles": a field */
const char *eng_profile_get_counter_name (EngProfile *profile, int counter);
const char *eng_profile_get_counter_title (EngProfile *profile, int counter); /* "cache misses" */
const char *eng_profile_get_counter_reason (EngProfile *profile, RtPhase phase, int counter);
double eng_profile_get_node_count (EngProfile *profile, guint node, RtPhase phase, int counter);
/* layer -1 .. n_layers, as executed */
double eng_profile_get_layer_count (EngProfile *profile, int layer, RtPhase phase, int counter);
/* How much longer a counted step took than a clean one, as a fraction: what reading the counters
 * costs; NAN: unknown. */
double eng_profile_get_counting_cost (EngProfile *profile, RtPhase phase);

/* Collects records on the runner's thread (drains the rings between steps) and gives snapshots to
 * any thread. */
typedef struct _EngProfiler EngProfiler;
/* @window: steps kept per phase, e.g. 64 */
EngProfiler *eng_profiler_new (EngBuild *build, guint window);
void eng_profiler_free (EngProfiler *profiler);
/* Runner thread: watch @build, of the same model, from now on; what was measured of another is
 * forgotten. For runs that turn out to need the bare build. */
void eng_profiler_set_build (EngProfiler *profiler, EngBuild *build);
/* Runner thread, after eng_profiler_drain(): the sum of the nodes of @layer in that step, 0 when
 * none ran. */
double eng_profiler_get_last_layer_ns (EngProfiler *profiler, int layer);
/* Runner thread, after every instrumented step. The sum of its nodes in nanoseconds; NAN when
 * records were lost (the step is then left out). */
double eng_profiler_drain (EngProfiler *profiler);
/* The same with records that come from elsewhere, of one instrumented step of this build on another
 * device (rt-trace.h; times of that device's clock, any origin). @position: of its first token. */
double eng_profiler_feed (EngProfiler *profiler, const RtTraceRecord *records, guint n_records,
                          guint64 n_lost, guint position);
/* What node @node left out of its work there, since the beginning. */
void eng_profiler_set_tally (EngProfiler *profiler, RtNodeId node, guint64 n_skipped,
                             guint64 n_all);
/* runner thread */
void eng_profiler_add_clean (EngProfiler *profiler, RtPhase phase, guint n_tokens, double ns);
/* Runner thread, between rt_exec_count_begin() and _end(): take the sums of @n_steps counted steps,
 * of which the median took @step_ns; or say why there are none. */
void eng_profiler_add_counts (EngProfiler *profiler, RtExec *exec, RtCounterSet set, RtPhase phase,
                              guint n_steps, double step_ns);
void eng_profiler_refuse_counts (EngProfiler *profiler, RtCounterSet set, const char *reason);
/* any thread: changes when a snapshot would */
guint64 eng_profiler_get_generation (EngProfiler *profiler);
/* any thread; well under a millisecond */
EngProfile *eng_profiler_snapshot (EngProfiler *profiler);
/* Runner thread, when a run is over: the same, with intervals that take into account that
 * neighbouring steps resemble each other (eng-series.h). Milliseconds. */
EngProfile *eng_profiler_finish (EngProfiler *profiler);

/* Any thread: the last instrumented steps as they were (eng-timeline.h); NULL when none was
 * kept. */
typedef struct _EngTimeline EngTimeline;
EngTimeline *eng_profiler_dup_timeline (EngProfiler *profiler);

G_END_DECLS
