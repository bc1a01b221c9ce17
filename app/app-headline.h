/* The strip under the header: which model, three headline numbers with intervals and differences,
 * one sentence or the job that is going on. */
#pragma once

#include <gtk/gtk.h>

#include "app-stage.h"

G_BEGIN_DECLS

#define APP_TYPE_HEADLINE (app_headline_get_type ())
G_DECLARE_FINAL_TYPE (AppHeadline, app_headline, APP, HEADLINE, GtkWidget)

/* Property: "compact" boolean: numbers beside each other, the sentence below them, no model button.
 */
/* What to show in place of the sentence while it goes on; nullable. @can_cancel: with a button of
 * its own. */
void app_headline_set_job (AppHeadline *self, EngJob *job, gboolean can_cancel);
void app_headline_set_stage (AppHeadline *self, AppStage *stage);
void app_headline_set_compact (AppHeadline *self, gboolean compact);
/* Differences below the intervals instead of beside them. */
void app_headline_set_tall (AppHeadline *self, gboolean tall);

G_END_DECLS
