/* What is going on: title, stage, progress, Cancel. */
#pragma once

#include <gtk/gtk.h>

#include "eng-job.h"

G_BEGIN_DECLS

#define APP_TYPE_JOB_BAR (app_job_bar_get_type ())
G_DECLARE_FINAL_TYPE (AppJobBar, app_job_bar, APP, JOB_BAR, GtkWidget)

/* Properties: "job" EngJob, nullable; "active" boolean, read-only: the job has gone on for 300 ms
 * and is not done, so it is worth showing. */
GtkWidget *app_job_bar_new (void);
void app_job_bar_set_job (AppJobBar *self, EngJob *job);
EngJob *app_job_bar_get_job (AppJobBar *self);
void app_job_bar_set_can_cancel (AppJobBar *self,
                                 gboolean can_cancel); /* FALSE: another button does it */
gboolean app_job_bar_get_active (AppJobBar *self);

G_END_DECLS
