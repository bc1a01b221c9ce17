/* The service itself: the requests of PROTOCOL.md over the door, with store, tokens, pairing and
 * runs behind them. */
#pragma once

#include "ag-door.h"
#include "ag-pairing.h"
#include "ag-store.h"
#include "ag-tokens.h"

G_BEGIN_DECLS

#define AG_VERSION LATHE_VERSION

typedef struct
{
  const char *state;   /* folder of key, certificate and pairings */
  const char *files;   /* folder of builds and logs */
  const char *address; /* to listen on; NULL: all */
  guint16 port;
  guint64 quota_bytes;
  const AgDoorLimits *limits;
} AgConfig;

typedef struct _AgServer AgServer;

AgServer *ag_server_new (const AgConfig *config, GError **error);
void ag_server_free (AgServer *server); /* accepts NULL */
guint16 ag_server_get_port (AgServer *server);
const AgIdentity *ag_server_get_identity (AgServer *server);
AgPairing *ag_server_get_pairing (AgServer *server);
AgTokens *ag_server_get_tokens (AgServer *server);
AgDoor *ag_server_get_door (AgServer *server);
AgStore *ag_server_get_store (AgServer *server);
const char *ag_server_get_name (AgServer *server);    /* the host's */
const char *ag_server_get_machine (AgServer *server); /* as uname -m */
/* Whenever something happened to pairing: "paired NAME", "wrong", "void". */
typedef void (*AgServerPaired) (const char *event, const char *name, gpointer user_data);
void ag_server_watch_pairing (AgServer *server, AgServerPaired watch, gpointer user_data);

G_END_DECLS
