/* How a network is run: each input once and measured until the figures are steady, or continuously
 * over all inputs, at a rate or as fast as possible. A popover beside the Run button. */
#pragma once

#include <gtk/gtk.h>

#include "eng-run.h"

G_BEGIN_DECLS

#define APP_TYPE_RUN_MODE (app_run_mode_get_type ())
G_DECLARE_FINAL_TYPE (AppRunMode, app_run_mode, APP, RUN_MODE, GtkPopover)

/* Property: "continuous" boolean, remembered. Signal: "changed" (anything of it). */
GtkWidget *app_run_mode_new (void);
gboolean app_run_mode_get_continuous (AppRunMode *self);
void app_run_mode_set_continuous (AppRunMode *self, gboolean continuous);
/* Inputs per second; 0: as fast as possible. */
double app_run_mode_get_rate (AppRunMode *self);
void app_run_mode_set_rate (AppRunMode *self, double rate_hz);
/* For how long; INFINITY: until it is stopped. */
double app_run_mode_get_seconds (AppRunMode *self);
void app_run_mode_set_seconds (AppRunMode *self, double seconds);

/* Put it into @workload, which has inputs. */
void app_run_mode_apply (AppRunMode *self, EngWorkload *workload);
/* "Run over all inputs, 10 a second, for 30 s", for the button; new. */
char *app_run_mode_dup_words (AppRunMode *self);

G_END_DECLS
