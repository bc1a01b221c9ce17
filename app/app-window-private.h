/* The window's struct, shared by its files: layout and life (app-window.c), actions (-actions.c),
 * opening (-open.c), runs of the history (-runs.c), exports (-export.c), devices (-devices.c). */
#pragma once

#include "app-window.h"

#include "app-breakpoint.h"
#include "app-ask.h"
#include "app-compare-view.h"
#include "app-device-bar.h"
#include "app-devices-pane.h"
#include "app-graph-view.h"
#include "app-headline.h"
#include "app-history-view.h"
#include "app-lanes-view.h"
#include "app-network-view.h"
#include "app-prompt-view.h"
#include "app-recipe-pane.h"
#include "app-run-mode.h"
#include "app-selection.h"
#include "app-stage.h"
#include "app-target-button.h"
#include "app-view.h"

struct _AppWindow
{
  AdwApplicationWindow parent_instance;

  /* Template */
  AppBreakpoint *breakpoint;
  AdwToastOverlay *toasts;
  AdwHeaderBar *header;
  GtkStack *title_stack; /* "title", "switcher", "button" */
  AdwWindowTitle *title;
  GtkWidget *open_button;
  GtkWidget *undo_button, *redo_button;
  GtkWidget *undo_box;
  GtkWidget *recipe_button, *devices_button;
  GtkStack *run_stack; /* "run", "stop" */
  GtkWidget *run_content;
  GtkWidget *run_button, *run_icon, *run_mode_button;
  AppRunMode *run_mode;
  GtkWidget *target_button; /* AppTargetButton */
  GtkWidget *device_bar;    /* AppDeviceBar */
  GtkStack *content; /* "empty", "loading", "session" */
  AdwStatusPage *empty_page;
  AppHeadline *headline;
  AdwFlap *recipe_flap, *devices_flap;
  AppRecipePane *recipe_pane;
  AppDevicesPane *devices_pane;
  AdwViewStack *views;
  AdwViewStackPage *text_page;
  AdwBin *prompt_wide, *prompt_narrow; /* the prompt, or a network's input and result, is in one of
                                        * them */
  GtkPaned *lanes_paned;
  AppPromptView *prompt;
  AppNetworkView *network; /* owned: it or the prompt is in no bin */
  AppLanesView *lanes;
  GMenu *recent_menu;

  EngSession *session;
  AppStage *stage;
  AppSelection *selection;
  EngHistory *history;       /* nullable */
  AppDevices *devices;
  AppPush *push; /* the newest run on a device that this window began; nullable */
  AppAsk *ask;   /* of that */
  GCancellable *cancellable; /* of everything asynchronous; cancelled when the window goes */
  char *evaluate_against;    /* file that evaluations stand beside; NULL: the model as in its
                              * file */
  gboolean evaluating;       /* own_job uses the build's executor */
  gboolean calibrating;      /* own_job measures a board and this computer */
  EngJob *own_job;           /* saving a build, measuring roofs; nullable */
  char *model_hash;          /* of the model that is open; NULL until it is known */
  char *opening;             /* path that was asked for; NULL once it is open */
  gboolean remember;         /* put it among the recent files */
  gboolean used;

  /* With --timing: what drawing costs while a model runs. */
  gulong frame_id;
  guint n_frames;    /* painted since the window was there, or since the run began */
  gint64 run_cpu_us; /* this thread's processor time and the time of day when the run began */
  gint64 run_start_us;
};

/* Its picture and what its tip says. */
void app_window_update_run_button (AppWindow *self);

/* The view that app_views() calls @id; never NULL. */
AppView *app_window_get_view (AppWindow *self, const char *id);

/* app-window-actions.c */
void app_window_init_actions (AppWindow *self);
void app_window_update_actions (AppWindow *self);
/* what the shared selection's phase is for this model */
void app_window_update_phase (AppWindow *self);
void app_window_set_action_enabled (AppWindow *self, const char *name, gboolean enabled);

/* What Run would run; NULL: there is nothing to run it on (an empty prompt). */
EngWorkload *app_window_dup_workload (AppWindow *self);

/* app-window-devices.c */
void app_window_init_devices (AppWindow *self);
void app_window_dispose_devices (AppWindow *self);
void app_window_update_devices (AppWindow *self); /* which of its actions can be done now */
void app_window_run_on_device (AppWindow *self, EngDevice *device, const EngWorkload *workload);
/* the session's job is another */
void app_window_follow_push (AppWindow *self);
/* TRUE: a run failed because its preflight did; that is shown */
gboolean app_window_explain_push (AppWindow *self);

/* app-window-device-job.c */
void app_window_init_device_jobs (AppWindow *self);

/* app-window-mcu.c */
void app_window_init_mcu (AppWindow *self);

/* app-window-open.c */
void app_window_init_open (AppWindow *self);
/* @what was tried: "Saving the plot". */
void app_window_show_failure (AppWindow *self, const GError *error, const char *what);
void app_window_model_opened (AppWindow *self);

/* app-window-runs.c */
void app_window_init_runs (AppWindow *self);

/* app-window-evaluate.c */
void app_window_init_evaluate (AppWindow *self);
/* another model: its own file is the baseline again */
void app_window_reset_evaluate (AppWindow *self);
void app_window_update_evaluate (AppWindow *self); /* which of its actions can be done now */
/* Evaluate the build on the set at @set, or a bundled one; the history then keeps it. */
void app_window_evaluate (AppWindow *self, const char *set);

/* app-window-layers.c */
void app_window_init_layers (AppWindow *self);
gboolean app_window_can_measure_layers (AppWindow *self);
gboolean app_window_can_show_distribution (AppWindow *self);

/* app-window-export.c */
void app_window_init_export (AppWindow *self);
/* Show @job in the headline until it is done. */
void app_window_set_own_job (AppWindow *self, EngJob *job);
