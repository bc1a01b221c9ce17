/* One command of the runner, asked for over a WebSocket: its standard output goes back as it comes,
 * as fast as the reader says it reads. */
#pragma once

#include <libsoup/soup.h>

#include "ag-door.h"
#include "ag-store.h"

G_BEGIN_DECLS

#define AG_WINDOW_BYTES (512 * 1024) /* sent and not yet said to be read */
#define AG_MAX_RUNS 8                /* commands at a time */
#define AG_ASK_S 10                  /* until the command must have come */
#define AG_SILENCE_S 60              /* until a reader that answers no ping is gone */

typedef struct _AgRuns AgRuns;

AgRuns *ag_runs_new (AgStore *store);
void ag_runs_free (AgRuns *runs); /* accepts NULL; ends the commands, not what they started */
/* @socket is open and wants its command; @remote: of the connection, which is held until the
 * end. */
void ag_runs_take (AgRuns *runs, SoupWebsocketConnection *socket, GSocketAddress *remote);

G_END_DECLS
