/* The table of measured kernel times, kept: one SQLite file for all devices of this user. It is not
 * part of the history: it is of machines, not of models or persons, can be measured again at any
 * time and so lies in the cache ($XDG_CACHE_HOME/lathe/kernel-times.db, beside the roofs); the
 * background measurement writes it every few milliseconds and must never hold up the keeping of a
 * run. Safe to use from any thread. */
#pragma once

#include "eng-kernel-table.h"
#include "eng-run.h"

G_BEGIN_DECLS

typedef struct _EngKernelTimes EngKernelTimes; /* reference counted */

/* @path NULL: the usual place. A file that is damaged or a newer program's is an error that says
 * what to do. */
EngKernelTimes *eng_kernel_times_open (const char *path, GError **error);
EngKernelTimes *eng_kernel_times_ref (EngKernelTimes *times);
void eng_kernel_times_unref (EngKernelTimes *times);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngKernelTimes, eng_kernel_times_unref)

/* What times are kept for: "AMD EPYC, avx512, 2 threads". */
char *eng_kernel_times_device (EngMachine *machine, const char *isa, guint n_threads);

/* Add measured times, in one transaction: @n of them. One of the same work from the same source is
 * replaced; those of other sources stay beside it. */
gboolean eng_kernel_times_add (EngKernelTimes *times, const char *device,
                               const EngKernelTime *measured, guint n, GError **error);

/* Changes whenever something was added by this program. */
guint eng_kernel_times_get_generation (EngKernelTimes *times);

/* All of one device, of each work the time from the best source (EngKernelSource): a valid run's
 * before one measured by itself before a disturbed run's. What estimates rest on. A millisecond per
 * thousand. */
EngKernelTable *eng_kernel_times_load (EngKernelTimes *times, const char *device,
                                       const EngRoof *roof, guint64 cache_bytes, GError **error);
/* Those of one source alone, without roofs: for holding times against each other. In a run a kernel
 * takes up to twice what it takes by itself. */
EngKernelTable *eng_kernel_times_load_source (EngKernelTimes *times, const char *device,
                                              EngKernelSource source, GError **error);

/* How right an estimate of a run was, one phase of it. */
typedef struct
{
  char *run_id, *model; /* @model: its name */
  RtPhase phase;
  EngBasis basis;      /* most of the estimate rested on this, or on a better one */
  gboolean is_known;   /* the table held this very build's own times from an earlier run: tells
                        * nothing of builds that were never run */
  gboolean is_valid;   /* the run was valid, not degraded: then the error is the estimate's, not
                        * that of a disturbed machine */
  double predicted_ns; /* sum of nodes, not corrected by earlier errors; NAN: there was no
                        * estimate */
  double nodes_ns;     /* measured: sum of nodes */
  double wall_ns;      /* measured: what the person waits for one step, clean; NAN: not measured */
  double layer_error;  /* the 90 % quantile over layers of |measured / predicted - 1|; NAN */
  gint64 time;
} EngKernelError;

void eng_kernel_error_clear (EngKernelError *error);
gboolean eng_kernel_times_add_error (EngKernelTimes *times, const char *device,
                                     const EngKernelError *kept, GError **error);
/* Newest first, at most @max; elements EngKernelError, freed with the array. @phase -1: all. */
GArray *eng_kernel_times_list_errors (EngKernelTimes *times, const char *device, int phase,
                                      guint max, GError **error);

G_END_DECLS
