/* One push in the window: what the worker tells of it, brought to the main thread a few times a
 * second, and in words. */
#pragma once

#include <gio/gio.h>

#include "devices/eng-push.h"
#include "eng-session.h"

G_BEGIN_DECLS

typedef enum
{
  APP_PUSH_WAITING, /* for the build, or for its turn */
  APP_PUSH_GOING,
  APP_PUSH_DONE,    /* there is a run */
  APP_PUSH_REFUSED, /* the preflight says what is missing */
  APP_PUSH_FAILED,
  APP_PUSH_CANCELLED,
} AppPushState;

/* How long a link that was lost is tried again: what eng_push_run() does unless it is told else. */
#define APP_PUSH_PATIENCE_S 60

#define APP_TYPE_PUSH (app_push_get_type ())
G_DECLARE_FINAL_TYPE (AppPush, app_push, APP, PUSH, GObject)

/* Signals, on the main thread that made it: "changed"; "ended" once. Any thread may hold
 * references. */
AppPush *app_push_new (EngDevice *device);
EngDevice *app_push_get_device (AppPush *self);

/* Events for eng_push_run(), to be called on the worker; the push must be alive meanwhile. */
void app_push_fill_events (AppPush *self, EngPushEvents *events);
/* The worker is through: @run, or why not. Nothing that comes later counts. */
void app_push_end (AppPush *self, EngRun *run, const EngPushTimes *times, const GError *error);

/* What Cancel cancels; nullable. Transfer none. */
void app_push_set_job (AppPush *self, EngJob *job);
void app_push_cancel (AppPush *self);

AppPushState app_push_get_state (AppPush *self);
gboolean app_push_is_over (AppPush *self);
/* The link is lost and tried again. */
gboolean app_push_get_lost (AppPush *self);
/* 0..1 of what goes on now; -1: not known. */
double app_push_get_progress (AppPush *self);
/* "Copying the build: 12 MB of 118 MB", "Cancelled". Newly allocated. */
char *app_push_dup_words (AppPush *self);
/* "11 MB/s, 9 s left", how it ended, "link lost once, went on"; NULL: nothing more to say. */
char *app_push_dup_details (AppPush *self);
/* What the preflight said, of EngPreflightItem; NULL: nothing yet. A new reference. */
GPtrArray *app_push_dup_preflight (AppPush *self);
EngRun *app_push_get_run (AppPush *self); /* borrowed; NULL: none */

/* For words that other pages show, too. */
char *app_push_dup_duration (double seconds); /* "9 s", "2 min 5 s" */

G_END_DECLS
