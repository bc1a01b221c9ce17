/* This computer: what it is and what its roofs are. Read from the system or measured, never
 * guessed; what cannot be known is absent with a reason. */
#pragma once

#include <gio/gio.h>

#include "eng-figure.h"
#include "eng-job.h"
#include "rt-caches.h"

G_BEGIN_DECLS

/* A median and its 95 % interval (eng-figure.h); low and high are NAN when it was measured by a
 * version that kept no interval. */
typedef struct
{
  double value, low, high;
} EngRoofFigure;

/* n: ENG_ROOF_REPEATS; unavailable when there is no value */
EngFigure eng_roof_to_figure (const EngRoofFigure *figure, const char *unit);
#define ENG_ROOF_REPEATS 11

/* One level of the memory, as seen by all threads of the roof together. */
typedef struct
{
  char name[8];              /* "L1", "L2", "L3", "DRAM" */
  guint64 cache_bytes;       /* of one such cache; of "DRAM": the memory of the machine, 0 when
                              * unknown */
  guint64 working_set_bytes; /* what all threads read, over and over, each its own slice */
  EngRoofFigure read;        /* B/s */
} EngRoofLevel;

#define ENG_MAX_ROOF_LEVELS 6

/* Where others use more than this of the processors meanwhile, roofs are too low. */
#define ENG_ROOF_MAX_OTHERS 0.15

/* What this machine can do with @n_threads at most. */
typedef struct
{
  guint n_threads;
  double read_bytes_per_s; /* main memory, median of repeats; the same as the last level's */
  double f32_flops;
  double int8_ops;
  EngRoofFigure read, f32, int8;            /* the same three with their intervals: B/s, FLOP/s,
                                             * OP/s */
  gint64 time;                              /* when it was measured: Unix seconds; 0: kept by a
                                             * version that did not say */
  double others_cpus;                       /* processors that other programs used meanwhile, on
                                             * average; NAN: not known */
  guint n_levels;                           /* 0: kept by a version that measured main memory
                                             * only */
  EngRoofLevel levels[ENG_MAX_ROOF_LEVELS]; /* nearest first, main memory last */
} EngRoof;

/* One cache of processor 0. Instruction caches are left out. */
typedef RtCache EngCache;

typedef struct _EngMachine EngMachine;

EngMachine *eng_machine_new (void); /* reads /proc and /sys: a millisecond */
/* the same below another root directory: a recorded tree, for tests */
EngMachine *eng_machine_new_at (const char *root);
/* another machine, of which nothing is known but its caches: a board's */
EngMachine *eng_machine_new_of_caches (const EngCache *caches, guint n_caches);
void eng_machine_free (EngMachine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngMachine, eng_machine_free)

const char *eng_machine_get_cpu (EngMachine *machine); /* "AMD EPYC ..." */
const char *eng_machine_get_isa (EngMachine *machine); /* kn_level_name() in use */
guint eng_machine_get_n_cpus (EngMachine *machine);    /* usable by this process */
guint64 eng_machine_get_memory_bytes (EngMachine *machine);
const char *eng_machine_get_governor (EngMachine *machine); /* NULL: unavailable */
double eng_machine_get_clock_hz (EngMachine *machine);      /* 0: unavailable */
guint64 eng_machine_get_cache_bytes (EngMachine *machine);  /* the largest cache; 0: unavailable */
/* nearest first; none: unavailable */
const EngCache *eng_machine_get_caches (EngMachine *machine, guint *n_caches);
/* 1-minute load average; NAN: unavailable */
double eng_machine_get_load (EngMachine *machine);
char *eng_machine_to_json (EngMachine *machine);

/* Measured once per machine, instruction set and thread count, then kept in
 * $XDG_CACHE_HOME/lathe/roofs.ini; about two seconds each. @fresh measures again; what an older
 * version kept without cache levels is measured again, too. Blocking: call it from a worker. @job
 * (nullable) gets progress and may cancel. */
gboolean eng_machine_measure_roof (EngMachine *machine, guint n_threads, gboolean fresh,
                                   EngRoof *roof, EngJob *job, GError **error);

/* The thread counts whose roofs are of interest: 1 to 8, then powers of two, and as many as there
 * are processors. Fills @counts, returns how many. */
#define ENG_MAX_ROOF_COUNTS 24
guint eng_machine_roof_thread_counts (EngMachine *machine, guint counts[ENG_MAX_ROOF_COUNTS]);

/* eng_machine_measure_roof() for all of these counts; progress over all of them. */
gboolean eng_machine_measure_roofs (EngMachine *machine, gboolean fresh, EngJob *job,
                                    GError **error);

/* What has been measured before, without measuring; FALSE when nothing has. */
gboolean eng_machine_load_roof (EngMachine *machine, guint n_threads, EngRoof *roof);

G_END_DECLS
