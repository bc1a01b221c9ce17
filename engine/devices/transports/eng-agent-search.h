/* Looking for boards with lathe-agent on the local network. */
#pragma once

#include "eng-transport.h"

G_BEGIN_DECLS

/* EngCandidate, after four seconds. NULL: no avahi-daemon runs here (G_IO_ERROR_NOT_FOUND), or
 * cancelled. */
GPtrArray *eng_agent_search (GCancellable *cancellable, GError **error);

G_END_DECLS
