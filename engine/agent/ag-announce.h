/* Tells the local network that a board is here: _lathe._tcp by multicast DNS, through Avahi. */
#pragma once

#include <glib.h>

#include "ag-proof.h"

G_BEGIN_DECLS

#define AG_SERVICE_TYPE "_lathe._tcp"

typedef struct _AgAnnounce AgAnnounce;

/* @why: called once, on another thread, when it cannot be announced (no avahi-daemon runs); the
 * service goes on without. Records: "version" (protocol), "machine", "fingerprint" (64 digits). */
AgAnnounce *ag_announce_new (const char *name, guint16 port, const char *machine,
                             const guint8 fingerprint[AG_FINGERPRINT_BYTES],
                             void (*why) (const char *reason));
void ag_announce_free (AgAnnounce *announce); /* accepts NULL */

G_END_DECLS
