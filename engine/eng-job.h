/* Long work: a title, progress, a way to cancel, one error. Progress may be reported from any
 * thread and reaches the main context coalesced. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ENG_TYPE_JOB (eng_job_get_type ())
G_DECLARE_FINAL_TYPE (EngJob, eng_job, ENG, JOB, GObject)

/* Properties (read-only, notify on the main context that created the job): "title" string, "stage"
 * string, "progress" double 0..1 or -1 while unknown, "done" boolean. */
EngJob *eng_job_new (const char *title);
GCancellable *eng_job_get_cancellable (EngJob *job);
void eng_job_cancel (EngJob *job);
const char *eng_job_get_title (EngJob *job);
char *eng_job_dup_stage (EngJob *job);
double eng_job_get_progress (EngJob *job);
gboolean eng_job_get_done (EngJob *job);
/* From the worker. Atomic store and at most one pending idle. */
void eng_job_report (EngJob *job, const char *stage, double progress);
void eng_job_finish (EngJob *job);

G_END_DECLS
