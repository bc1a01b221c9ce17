/* The roofs and the advice that belong to what the stage shows: found on a worker whenever that
 * changes, shared by the headline and the roofline view. */
#pragma once

#include "app-stage.h"
#include "eng-advice.h"

G_BEGIN_DECLS

#define APP_TYPE_ADVISER (app_adviser_get_type ())
G_DECLARE_FINAL_TYPE (AppAdviser, app_adviser, APP, ADVISER, GObject)

/* Signal: "changed" (roofs, advice, or what is expected are others, or they are being looked for).
 * Property: "job" EngJob, read-only, of measuring roofs; NULL when none is going on. */

/* The adviser of @stage, made with the first call; it lives as long as the stage. @history
 * (nullable) counts in the first call only. Borrowed. */
AppAdviser *app_adviser_get (AppStage *stage, EngHistory *history);

/* Of the thread count of what is shown; NULL: not measured on this machine. */
const EngRoof *app_adviser_get_roof (AppAdviser *self);
guint app_adviser_get_n_threads (AppAdviser *self);
/* EngAdvice, best first; NULL: there is nothing measured to advise on, or it is not known yet.
 * Borrowed. */
GPtrArray *app_adviser_get_advice (AppAdviser *self);
/* The best piece that can be applied; NULL: none. Borrowed. */
const EngAdvice *app_adviser_get_best (AppAdviser *self);
/* While the recipe was never run: what its nodes are expected to take. NULL: something was
 * measured, or nothing can be told. Borrowed. */
EngProfile *app_adviser_get_expected (AppAdviser *self);
gboolean app_adviser_is_busy (AppAdviser *self);

/* Give the session the recipe of @advice: an undoable step. */
void app_adviser_apply (AppAdviser *self, const EngAdvice *advice);

/* Measure the roofs of that thread count: seconds, all cores. Not while something runs. */
gboolean app_adviser_can_measure (AppAdviser *self);
void app_adviser_measure (AppAdviser *self);
/* Roofs were measured elsewhere. */
void app_adviser_refresh (AppAdviser *self);
EngJob *app_adviser_get_job (AppAdviser *self);

G_END_DECLS
