/* Pairing with a board's lathe-agent: its side is engine/agent/ag-pairing.h. */
#pragma once

#include "eng-transport.h"
#include "transports/eng-agent-http.h"

G_BEGIN_DECLS

/* Asks the user: the fingerprint first (confirm), then the code (secret); proves the code bound to
 * the certificate of this very connection, and has the board prove it too. On success @http is
 * pinned and has its token. G_IO_ERROR_PERMISSION_DENIED: wrong code, or somebody in between; @ask
 * NULL: the message says what would have been asked. */
gboolean eng_agent_pair (EngAgentHttp *http, EngDevice *device, const EngAsk *ask,
                         GCancellable *cancellable, GError **error);
/* The exchange alone, with @code as it was typed (spaces are taken out). */
gboolean eng_agent_pair_with_code (EngAgentHttp *http, const char *code, GCancellable *cancellable,
                                   GError **error);

G_END_DECLS
