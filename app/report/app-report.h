/* The report: one HTML file about one run, or about several side by side, that opens without a
 * network. */
#pragma once

#include "app-accuracy.h"

G_BEGIN_DECLS

/* @runs: [n_runs], one or more; the first is what the others are compared with. @accuracy
 * (nullable): what is known of the accuracy of their builds. @title nullable: the model's name.
 * Needs no display. A tenth of a second for a language model's two runs, mostly for the plots; any
 * thread that is the only one to draw. Newly allocated. */
char *app_report_to_html (EngRun *const *runs, guint n_runs, AppAccuracy *accuracy,
                          const char *title);

G_END_DECLS
