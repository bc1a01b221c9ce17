/* One window: one session on one model. */
#pragma once

#include <adwaita.h>

#include "app-application.h"
#include "eng-session.h"

G_BEGIN_DECLS

#define APP_TYPE_WINDOW (app_window_get_type ())
G_DECLARE_FINAL_TYPE (AppWindow, app_window, APP, WINDOW, AdwApplicationWindow)

AppWindow *app_window_new (AppApplication *application);

/* Open a model in this window, in place of the one that is there. @remember: put it among the
 * recent files. */
void app_window_open_path (AppWindow *self, const char *path, gboolean remember);
/* The same for any GFile; one without a local path is an error that is shown. */
void app_window_open_file (AppWindow *self, GFile *file);
/* TRUE when nothing was ever opened in it. */
gboolean app_window_is_unused (AppWindow *self);

EngSession *app_window_get_session (AppWindow *self);
void app_window_toast (AppWindow *self, const char *text);

G_END_DECLS
