/* Questions of a worker to the person at the window: a host's key, a password, a pairing code. The
 * worker waits, the main thread shows a dialog. */
#pragma once

#include <gtk/gtk.h>

#include "devices/eng-transport.h"

G_BEGIN_DECLS

typedef struct _AppAsk AppAsk; /* reference counted, any thread */

/* @parent: what the dialogs are of; once it is gone, nobody is there to answer. */
AppAsk *app_ask_new (GtkWindow *parent);
AppAsk *app_ask_ref (AppAsk *self);
void app_ask_unref (AppAsk *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppAsk, app_ask_unref)

/* A question that is open when @cancellable is cancelled goes away, unanswered. Before the worker
 * starts. */
void app_ask_set_cancellable (AppAsk *self, GCancellable *cancellable);
/* The functions for the worker; @self must be alive as long as they may be called. */
void app_ask_fill (AppAsk *self, EngAsk *ask);

G_END_DECLS
