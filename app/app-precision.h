/* How well runs are to be known: the interval's width and the time for repeats, in the devices
 * pane; remembered. */
#pragma once

#include <gtk/gtk.h>

#include "eng-run.h"

G_BEGIN_DECLS

#define APP_TYPE_PRECISION (app_precision_get_type ())
G_DECLARE_FINAL_TYPE (AppPrecision, app_precision, APP, PRECISION, GtkWidget)

GtkWidget *app_precision_new (void);

/* Put it into @workload: as the rows say. */
void app_precision_apply (AppPrecision *self, EngWorkload *workload);

G_END_DECLS
