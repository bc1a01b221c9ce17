/* The door: who may come in, how many at once, and for how long without showing a token. Ten
 * thousand strangers cost a closed socket each; a paired studio that is inside stays inside. */
#pragma once

#include "ag-tls.h"

G_BEGIN_DECLS

typedef struct
{
  guint n_per_address; /* connections without a token, of one address (IPv6: one /64) */
  guint n_strangers;   /* the same, of all addresses */
  guint n_paired;      /* connections that showed a token */
  double stranger_s;   /* from connecting to the end of the one request it may make */
  double idle_s;       /* a paired connection without a byte */
  guint header_bytes;  /* of a request's line and headers together */
  double per_s, burst; /* new connections of one address */
} AgDoorLimits;

extern const AgDoorLimits ag_door_limits; /* what the service uses */

typedef struct _AgDoor AgDoor;
typedef struct _AgGuest AgGuest; /* one connection; lives as long as its stream */

/* Encrypted and ready for requests. The callee takes a reference of @stream if it wants it. */
typedef void (*AgDoorWelcome) (AgGuest *guest, GIOStream *stream, GSocketAddress *local,
                               GSocketAddress *remote, gpointer user_data);

/* Listens on @address (NULL: all, IPv6 and IPv4) and @port (0: any free one). */
AgDoor *ag_door_new (AgIdentity *identity, const char *address, guint16 port,
                     const AgDoorLimits *limits, AgDoorWelcome welcome, gpointer user_data,
                     GError **error);
void ag_door_free (AgDoor *door); /* accepts NULL; ends every connection */
guint16 ag_door_get_port (AgDoor *door);

typedef struct
{
  guint64 n_accepted, n_refused, n_evicted, n_late; /* since the start */
  guint n_strangers, n_paired;                      /* now */
} AgDoorCounts;
AgDoorCounts ag_door_get_counts (AgDoor *door);

/* Whose connection it is: @remote as it was given to the callee. NULL: it is gone. */
AgGuest *ag_door_find (GSocketAddress *remote);
/* It showed the token of pairing @pairing (its id). FALSE: too many are inside already. */
gboolean ag_guest_prove (AgGuest *guest, const char *pairing);
/* A request's headers are through: its body is limited by its reader. And: it is answered. */
void ag_guest_begin (AgGuest *guest);
void ag_guest_end (AgGuest *guest);
/* Works without bytes going by (a sum over a file; a run that has nothing to say): not idle. */
void ag_guest_hold (AgGuest *guest);
void ag_guest_release (AgGuest *guest);
/* End it now: it may be gone after the call. */
void ag_guest_cut (AgGuest *guest);
/* End all connections of a pairing that is no more. */
void ag_door_close_pairing (AgDoor *door, const char *pairing);

G_END_DECLS
