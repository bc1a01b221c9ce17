/* The link to a paired board (eng-link.h) over lathe-agent's protocol, and what else the service
 * can: the builds that it keeps. */
#pragma once

#include "eng-board-builds.h"
#include "transports/eng-agent-http.h"

G_BEGIN_DECLS

/* Takes @http, which is pinned and has its token; freed with the link, or at once on an error. Asks
 * the board what it is. G_IO_ERROR_PERMISSION_DENIED with *@unpaired: the token counts no more. */
EngLink *eng_agent_link_new (EngAgentHttp *http, gboolean *unpaired, GCancellable *cancellable,
                             GError **error);

/* Run on the link's thread; used by eng-agent-link.c, made in eng-agent-run.c. */
gboolean eng_agent_run (EngAgentHttp *http, const char *runner, const char *const *args,
                        EngLinkData data, gpointer user_data, int *status,
                        GCancellable *cancellable, GError **error);

/* The builds that a board keeps, the one that ran last first (EngBoardBuild). @link: of this
 * transport. */
GPtrArray *eng_agent_link_builds (EngLink *link, GCancellable *cancellable, GError **error);
/* Make the build before the current one (@name NULL), or @name, the current one: what "@current"
 * runs. Returns the list again. */
GPtrArray *eng_agent_link_rollback (EngLink *link, const char *name, GCancellable *cancellable,
                                    GError **error);

G_END_DECLS
