/* The server's end of a TLS 1.3 connection as a GIOStream that never waits: GnuTLS on a socket,
 * driven from one main loop. GLib's own GTlsConnection gives every handshake a thread of a small
 * pool until it ends; a dozen clients that stall theirs would keep everybody else out. */
#pragma once

#include <gio/gio.h>

#include "ag-identity.h"

G_BEGIN_DECLS

#define AG_TYPE_TLS (ag_tls_get_type ())
G_DECLARE_FINAL_TYPE (AgTls, ag_tls, AG, TLS, GIOStream)

/* @socket: connected; closed with the stream. @identity outlives it. NULL: no memory. */
AgTls *ag_tls_new (GSocket *socket, AgIdentity *identity);

typedef enum
{
  AG_TLS_DONE,
  AG_TLS_WAIT_READ,  /* call again when the socket can be read */
  AG_TLS_WAIT_WRITE, /* written */
  AG_TLS_FAILED,
} AgTlsProgress;

AgTlsProgress ag_tls_handshake (AgTls *tls);
/* How many bytes may still be read before reading fails; G_MAXUINT64: any. */
void ag_tls_set_allowance (AgTls *tls, guint64 n_bytes);
/* A request was answered; another may come, or none. */
void ag_tls_set_idle (AgTls *tls);
/* Monotonic microseconds when a byte last went either way. */
gint64 ag_tls_get_last_us (AgTls *tls);
/* Both directions end now; whoever reads or writes gets an error. */
void ag_tls_cut (AgTls *tls);

G_END_DECLS
