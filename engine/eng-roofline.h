/* The roofline of a run: what each node and layer could do at best on this machine, what it did,
 * and what holds it back.
 *
 * A node of @ops operations that moves @bytes bytes takes at least max (ops / arithmetic roof,
 * bytes / memory roof) seconds (Williams, Waterman, Patterson, "Roofline: an insightful visual
 * performance model for multicore architectures", CACM 52(4), 2009). The memory roof is that of the
 * level the bytes come from: weights are read again only in the next step, so they come from the
 * level that holds everything a step reads; activations were just written by the node before, so
 * they come from the level that holds this node's own. Nodes run one after another: a layer's least
 * time is the sum of its nodes'. */
#pragma once

#include "eng-figure.h"
#include "eng-machine.h"
#include "eng-profile.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_BOUND_UNKNOWN,    /* no roofs measured, or the node was not */
  ENG_BOUND_MEMORY,     /* moving its bytes takes longer than its arithmetic */
  ENG_BOUND_ARITHMETIC, /* the other way round */
  ENG_BOUND_OVERHEAD,   /* neither explains its time: too small to fill the threads, or far from
                         * both roofs */
} EngBound;
const char *eng_bound_name (EngBound bound); /* "unknown", "memory", "arithmetic", "overhead" */

/* Below this share of its roof neither memory nor arithmetic is what a node waits for. */
#define ENG_ROOFLINE_LEAST_SHARE 0.1

/* One node or one layer in one step of a phase (a prefill chunk, a token, an inference). */
typedef struct
{
  double ops;
  double weight_bytes, read_bytes, write_bytes; /* each moved once */
  double bytes;                                 /* the three together */
  double intensity;                             /* op/B; NAN when nothing is moved */
  EngFigure time;                               /* ms; unavailable: not measured */
  EngFigure speed;                              /* op/s; unavailable too when there is no
                                                 * arithmetic */
  EngArithmetic arithmetic; /* of a layer: what most of its operations are done in */
  int level;            /* of roof->levels: where its bytes come from; of a layer: most of them. -1
                         * without roofs */
  double memory_ms;     /* least time for the bytes; NAN without roofs */
  double arithmetic_ms; /* least time for the operations; NAN without roofs or while the arithmetic
                         * is unknown */
  double roof_ms;       /* least time; NAN when one of the two is */
  double share;         /* roof_ms / time; more than 1 when bytes came from a nearer level than
                         * believed. NAN: unknown */
  double lost_ms;       /* time - roof_ms, not below 0; NAN: unknown */
  EngBound bound;
} EngRooflinePoint;

typedef struct _EngRoofline EngRoofline; /* immutable */

/* Of one phase of @profile (kept). @roof (nullable: roofs were not measured) is copied: of the
 * run's thread count. Cost: microseconds per node. */
EngRoofline *eng_roofline_new (EngProfile *profile, RtPhase phase, const EngRoof *roof);
void eng_roofline_free (EngRoofline *roofline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngRoofline, eng_roofline_free)

EngProfile *eng_roofline_get_profile (EngRoofline *roofline);
RtPhase eng_roofline_get_phase (EngRoofline *roofline);
const EngRoof *eng_roofline_get_roof (EngRoofline *roofline); /* NULL: not measured */
gboolean eng_roofline_is_measured (EngRoofline *roofline);    /* the phase was run */
const EngRooflinePoint *eng_roofline_get_node (EngRoofline *roofline, guint node);
const EngRooflinePoint *eng_roofline_get_layer (EngRoofline *roofline, int layer); /* -1 .. n */
const EngRooflinePoint *eng_roofline_get_total (EngRoofline *roofline);
/* Everything that one step reads: packed weights, the most that is alive of activations at once,
 * the cache read. */
double eng_roofline_get_step_bytes (EngRoofline *roofline);
/* The shortest time of any node that moves something, at most 10 µs: what starting and ending a
 * node takes at most. ms. */
double eng_roofline_get_dispatch_ms (EngRoofline *roofline);

/* The level of @roof that @bytes, read over and over, come from: the first that holds them, else
 * main memory, which is the last. A roof without levels (kept by an older version) gives -1 with
 * the bandwidth of main memory. @bandwidth (nullable): B/s. */
int eng_roof_find_level (const EngRoof *roof, double bytes, double *bandwidth);
double eng_roof_get_ops (const EngRoof *roof, EngArithmetic arithmetic); /* op/s; NAN for unknown */
const char *eng_roof_level_name (const EngRoof *roof, int level);        /* "L2", "DRAM" */
/* The ridge: the intensity in op/B from which on arithmetic bounds, under @level and
 * @arithmetic. */
double eng_roof_get_ridge (const EngRoof *roof, int level, EngArithmetic arithmetic);

G_END_DECLS
