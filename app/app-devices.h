/* What the windows share about devices: the list, and what is going on with each of them. */
#pragma once

#include <gtk/gtk.h>

#include "app-push.h"
#include "eng-history.h"

G_BEGIN_DECLS

#define APP_TYPE_DEVICES (app_devices_get_type ())
G_DECLARE_FINAL_TYPE (AppDevices, app_devices, APP, DEVICES, GObject)

/* Signals: "activity" (EngDevice *): a push or a contact began, went on or ended; "searching"
 * (nothing): looking for boards began or ended. */

/* @path NULL: the user's list. @list NULL and an error are not possible: where the file is broken,
 * the built-in devices are there, and app_devices_get_problem() says why the others are not. */
AppDevices *app_devices_new (const char *path);
EngDevices *app_devices_get_list (AppDevices *self);            /* borrowed */
const char *app_devices_get_problem (AppDevices *self);         /* NULL: none */
EngDevice *app_devices_find (AppDevices *self, const char *id); /* borrowed; NULL: none */
/* This computer's own runner; borrowed; NULL: this program has none. */
EngDevice *app_devices_get_local (AppDevices *self);

/* Ask @device what it is, on a worker; questions appear over @parent (nullable: then none are
 * asked). Nothing happens while it is busy. */
void app_devices_contact (AppDevices *self, EngDevice *device, GtkWindow *parent);
/* All built-in ones that were not asked yet, one after the other. */
void app_devices_contact_builtin (AppDevices *self);

/* Looking for boards; five seconds. */
void app_devices_search (AppDevices *self);
gboolean app_devices_get_searching (AppDevices *self);
/* What could not be searched, and why, of the last time; newly allocated; NULL: nothing. */
char *app_devices_dup_search_note (AppDevices *self);

/* The newest push of @device; borrowed; NULL: none yet. */
AppPush *app_devices_get_push (AppDevices *self, EngDevice *device);
/* Show @push as what goes on with its device. */
void app_devices_add_push (AppDevices *self, AppPush *push);
/* Push @build to @device and run it there, on a worker of its own; the run goes into @history
 * (nullable). "ended" of what is returned (borrowed) says when. */
AppPush *app_devices_start_push (AppDevices *self, EngDevice *device, EngBuild *build,
                                 const EngWorkload *workload, EngHistory *history,
                                 GtkWindow *parent);
/* Put an end to what goes on with @device. */
void app_devices_cancel (AppDevices *self, EngDevice *device);
/* A contact or a push is going on. */
gboolean app_devices_is_active (AppDevices *self, EngDevice *device);

G_END_DECLS
