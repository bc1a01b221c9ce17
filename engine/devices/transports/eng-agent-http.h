/* Requests to a board's lathe-agent (engine/agent/PROTOCOL.md): HTTPS with the one certificate that
 * pairing knows, blocking, on a main context of its own. */
#pragma once

#include <libsoup/soup.h>

#include "eng-json.h"

G_BEGIN_DECLS

#define ENG_AGENT_FINGERPRINT_BYTES 32

typedef struct
{
  char *host; /* as the user wrote it */
  char *base; /* "https://192.168.1.7:4663" */
  GMainContext *context;
  SoupSession *session;
  GPtrArray *sockets; /* GSocket: of the session's connections */
  char *token;                                     /* 64 digits; NULL: not paired */
  gboolean pinned;                                 /* else the first certificate seen is taken */
  guint8 fingerprint[ENG_AGENT_FINGERPRINT_BYTES]; /* of the pinned, or seen, certificate */
  double patience_s; /* without a byte, unless a request says otherwise: 30 */
  gboolean mismatch; /* another one was shown */
} EngAgentHttp;

EngAgentHttp *eng_agent_http_new (const char *host, guint16 port);
void eng_agent_http_free (EngAgentHttp *http); /* accepts NULL; wipes the token */

/* From now on only that certificate. */
void eng_agent_http_pin (EngAgentHttp *http, const guint8 *fingerprint);
void eng_agent_http_set_token (EngAgentHttp *http, const char *token);

typedef struct
{
  const char *method, *path;
  GBytes *body;               /* NULL: none */
  const char *type;           /* of the body */
  const char *range, *sha256; /* headers of a PUT; NULL: none */
  gboolean program;
  double patience_s; /* without a byte; 0: the usual */
  /* Bytes of the body went; 0, a few times a second: all have, and the board works on. NULL: nobody
   * asks. */
  void (*wrote) (guint n_bytes, gpointer user_data);
  gpointer user_data;
} EngAgentRequest;

/* The answer's JSON object (NULL: it has none) and *@status. NULL and @error: the link is gone, as
 * eng-link.h says, the certificate is not the pinned one (G_IO_ERROR_PERMISSION_DENIED), cancelled.
 * An HTTP status of refusal is no error yet: eng_agent_http_refused() makes one of it. */
JsonObject *eng_agent_http_ask (EngAgentHttp *http, const EngAgentRequest *request, guint *status,
                                GCancellable *cancellable, GError **error);
/* The error that an answer of @status with @object is. Returns FALSE. */
gboolean eng_agent_http_refused (EngAgentHttp *http, guint status, JsonObject *object,
                                 GError **error);
/* @local of libsoup and GIO as an error of a link; consumes it. Returns FALSE. */
gboolean eng_agent_http_failed (EngAgentHttp *http, GError *local, GError **error);
/* Checks the certificate of @msg's connection; for WebSockets, whose message the caller makes. */
void eng_agent_http_watch (EngAgentHttp *http, SoupMessage *msg);
/* The connections are given up: what closes them from now on waits for nobody. TLS says goodbye
 * when it closes, and waits for room to say it, which a pulled cable never gives. */
void eng_agent_http_drop (EngAgentHttp *http);

G_END_DECLS
