/* Watching the machine while something is measured on it: who else used the processors, whether it throttled. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gint64 wall_us;
  guint64 busy_ticks, steal_ticks; /* of the processors this process may use; ticks of sysconf (_SC_CLK_TCK) */
  double own_s;                    /* processor time of this process */
  gint64 throttle_count;           /* -1: unavailable */
  guint n_cpus;
} EngWatch;

void eng_watch_start (EngWatch *watch);

/* Adds to @reasons (char *) what made a measurement with @n_threads since @watch doubtful: processors taken by others, time stolen by the host, throttling. Nothing is
 * added where it cannot be known. */
void eng_watch_judge (const EngWatch *watch, guint n_threads, GPtrArray *reasons);

G_END_DECLS
