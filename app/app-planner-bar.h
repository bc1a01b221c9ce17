/* The memory planners side by side: one button each with the bytes that it needs for this very
 * build; the one in force is pressed, pressing another one changes the recipe. */
#pragma once

#include <gtk/gtk.h>

#include "eng-session.h"

G_BEGIN_DECLS

#define APP_TYPE_PLANNER_BAR (app_planner_bar_get_type ())
G_DECLARE_FINAL_TYPE (AppPlannerBar, app_planner_bar, APP, PLANNER_BAR, GtkWidget)

/* Before anything else, once. */
void app_planner_bar_set_session (AppPlannerBar *self, EngSession *session);
/* Plans the activations of @build (NULL: none) in every way on a worker; numbers come when they are
 * known, those of an earlier build are dropped. */
void app_planner_bar_set_build (AppPlannerBar *self, EngBuild *build);
/* TRUE once all numbers of the build are there, or there is none. */
gboolean app_planner_bar_get_settled (AppPlannerBar *self);

G_END_DECLS
