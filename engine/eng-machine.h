/* This computer: what it is and what its roofs are. Read from the system or measured, never guessed; what cannot be known is absent with a reason. */
#pragma once

#include <gio/gio.h>

#include "eng-job.h"

G_BEGIN_DECLS

typedef struct
{
  guint n_threads;
  double read_bytes_per_s;  /* main memory, median of repeats */
  double f32_flops;
  double int8_ops;
} EngRoof;

typedef struct _EngMachine EngMachine;

EngMachine *eng_machine_new (void); /* reads /proc and /sys: a millisecond */
EngMachine *eng_machine_new_at (const char *root); /* the same below another root directory: a recorded tree, for tests */
void eng_machine_free (EngMachine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngMachine, eng_machine_free)

const char *eng_machine_get_cpu (EngMachine *machine);   /* "AMD EPYC ..." */
const char *eng_machine_get_isa (EngMachine *machine);   /* kn_level_name() in use */
guint eng_machine_get_n_cpus (EngMachine *machine);      /* usable by this process */
guint64 eng_machine_get_memory_bytes (EngMachine *machine);
const char *eng_machine_get_governor (EngMachine *machine); /* NULL: unavailable */
double eng_machine_get_clock_hz (EngMachine *machine);      /* 0: unavailable */
guint64 eng_machine_get_cache_bytes (EngMachine *machine);   /* the largest cache; 0: unavailable */
double eng_machine_get_load (EngMachine *machine);          /* 1-minute load average; NAN: unavailable */
char *eng_machine_to_json (EngMachine *machine);

/* Measured once per machine, instruction set and thread count, then kept in $XDG_CACHE_HOME/lathe/roofs.ini; about a second each. @fresh measures again.
 * Blocking: call it from a worker. @job (nullable) gets progress and may cancel. */
gboolean eng_machine_measure_roof (EngMachine *machine, guint n_threads, gboolean fresh, EngRoof *roof, EngJob *job, GError **error);

/* What has been measured before, without measuring; FALSE when nothing has. */
gboolean eng_machine_load_roof (EngMachine *machine, guint n_threads, EngRoof *roof);

G_END_DECLS
