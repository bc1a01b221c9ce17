/* What a build takes on a board, kept up to date: planned on a worker whenever build, board or
 * allowed RAM change, linked on request. One for each pane that shows it. */
#pragma once

#include "mcu/eng-mcu.h"

G_BEGIN_DECLS

/* Signals: "changed": anything that the functions below tell; "retired". */
#define APP_TYPE_MCU_PLAN (app_mcu_plan_get_type ())
G_DECLARE_FINAL_TYPE (AppMcuPlan, app_mcu_plan, APP, MCU_PLAN, GObject)

/* @device: a microcontroller, whose board is looked at first and whose setting
 * ENG_MCU_RAM_SETTING follows what is chosen for it. */
AppMcuPlan *app_mcu_plan_new (EngDevice *device);
/* NULL: nothing is open, or it is being prepared. */
void app_mcu_plan_set_build (AppMcuPlan *self, EngBuild *build);
EngBuild *app_mcu_plan_get_build (AppMcuPlan *self); /* borrowed */

/* Another board than the device's: what it would take there. An id of eng_mcu_boards(). */
void app_mcu_plan_set_board (AppMcuPlan *self, const char *board);
const char *app_mcu_plan_get_board (AppMcuPlan *self);     /* NULL: the device names none */
const char *app_mcu_plan_get_own_board (AppMcuPlan *self); /* the device's; NULL: names none */
/* How much RAM may be used; 0: all that the board has. For the device's own board what is pushed
 * is made so from then on. */
void app_mcu_plan_set_ram_limit (AppMcuPlan *self, guint64 bytes);
guint64 app_mcu_plan_get_ram_limit (AppMcuPlan *self);

/* Of exactly what is asked for now; NULL while that is being worked out, or it cannot be. */
EngMcuReport *app_mcu_plan_get_report (AppMcuPlan *self);
const char *
app_mcu_plan_get_problem (AppMcuPlan *self); /* why there is none, or why linking failed */
gboolean app_mcu_plan_get_cancelled (AppMcuPlan *self); /* that is the problem */
EngJob *app_mcu_plan_get_job (AppMcuPlan *self);        /* NULL: nothing goes on */

/* Look again: an image may have been made meanwhile, or the last time was cancelled. */
void app_mcu_plan_refresh (AppMcuPlan *self);
/* Compile it, so that sizes are the linker's. */
void app_mcu_plan_link (AppMcuPlan *self);
void app_mcu_plan_cancel (AppMcuPlan *self);
/* Nobody tells it of builds any more: what goes on is cancelled, what shows it goes. */
void app_mcu_plan_retire (AppMcuPlan *self);

G_END_DECLS
