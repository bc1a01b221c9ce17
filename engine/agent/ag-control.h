/* What the person at the board asks of the running service: a Unix socket in the state folder,
 * which nobody else may enter. */
#pragma once

#include "ag-server.h"

G_BEGIN_DECLS

typedef struct _AgControl AgControl;

AgControl *ag_control_new (AgServer *server, const char *state, GError **error);
void ag_control_free (AgControl *control); /* accepts NULL */

/* The other side: ask "pair", "unpair NAME", "unpair *" or "status" of the service that uses
 * @state, and hand each line of its answer to @line until it hangs up. G_IO_ERROR_NOT_FOUND: none
 * runs. */
typedef void (*AgControlLine) (const char *line, gpointer user_data);
gboolean ag_control_ask (const char *state, const char *question, AgControlLine line,
                         gpointer user_data, GError **error);

G_END_DECLS
