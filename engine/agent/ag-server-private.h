/* The service's insides, for the files that answer its requests. */
#pragma once

#include <libsoup/soup.h>
#include <sys/utsname.h>

#include "ag-run.h"
#include "ag-server.h"

G_BEGIN_DECLS

struct _AgServer
{
  AgIdentity *identity;
  AgTokens *tokens;
  AgPairing *pairing;
  AgStore *store;
  AgRuns *runs;
  AgDoor *door;
  SoupServer *soup;
  int silent[2]; /* a socket on which nobody ever calls; see open_soup() */
  char *name;
  struct utsname system;
  AgServerPaired watch;
  gpointer watch_data;
};

/* One request that is on its way. */
typedef struct
{
  AgServer *server;
  AgUpload *upload;
  guint64 n_left;  /* of the range that was announced */
  GError *failure; /* of writing; told when the body has ended */
  GByteArray *body;
} AgRequest;

AgRequest *ag_request_of (SoupServerMessage *msg);
/* Whose connection it came over; NULL: it is gone. */
AgGuest *ag_guest_of (SoupServerMessage *msg);
/* The token that it showed, or NULL. */
const char *ag_token_of (SoupServerMessage *msg);

/* ---- files and kept builds: ag-server-files.c ---- */

void ag_server_get_file (AgServer *server, SoupServerMessage *msg, const char *name,
                         GHashTable *query);
void ag_server_delete_file (AgServer *server, SoupServerMessage *msg, const char *name);
/* PUT /v1/files/NAME: headers say which part of which file. Only the headers are here yet. */
void ag_server_begin_put (AgServer *server, SoupServerMessage *msg, const char *name,
                          AgRequest *request);
/* A piece of the body of that PUT. */
void ag_server_go_on_put (AgRequest *request, gconstpointer bytes, gsize n);
/* The body is through: the answer is set, or comes once the file was verified. */
void ag_server_end_put (SoupServerMessage *msg, AgRequest *request);
void ag_server_get_builds (AgServer *server, SoupServerMessage *msg);
void ag_server_post_rollback (AgServer *server, SoupServerMessage *msg, const char *text, gsize n);

/* ---- pairing: ag-server-pairing.c ---- */

/* The two requests that need no token; @text: the body, of @n bytes. */
void ag_server_pair_start (AgServer *server, SoupServerMessage *msg, const char *text, gsize n);
void ag_server_pair_finish (AgServer *server, SoupServerMessage *msg, const char *text, gsize n);
/* The studio that asks is paired no more. */
void ag_server_unpair (AgServer *server, SoupServerMessage *msg);

G_END_DECLS
