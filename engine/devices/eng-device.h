/* Device: a place that runs a build, as the user knows it: a name, the transport that reaches it,
 * and what the transport needs to know. The state is what the last contact told. */
#pragma once

#include "eng-board.h"

G_BEGIN_DECLS

typedef struct _EngTransport EngTransport; /* eng-transport.h */

typedef enum
{
  ENG_DEVICE_UNKNOWN,    /* never asked */
  ENG_DEVICE_CONNECTING, /* being asked, or working */
  ENG_DEVICE_READY,      /* answered; its board is known */
  ENG_DEVICE_MISSING,    /* something is missing on this computer: the message says what, the remedy
                           * which command brings it */
  ENG_DEVICE_UNREACHABLE, /* does not answer: the message says what it last said */
  ENG_DEVICE_REFUSED, /* answers, but lets nobody in, or shows a key that is not to be trusted; the
                       * remedy, if any, is a command for who knows why */
} EngDeviceState;

/* Properties, read-only but for the setters below: "name", "state" (EngDeviceState as an int),
 * "message", "remedy", "board" (EngBoard, boxed), "settings" (a copy), "evidence", "saved", "busy"
 * (a push or run is going on). Changes made on the thread that made the device notify at once,
 * those of workers on that thread's main context, coalesced. */
#define ENG_TYPE_DEVICE (eng_device_get_type ())
G_DECLARE_FINAL_TYPE (EngDevice, eng_device, ENG, DEVICE, GObject)

/* @id NULL: a new UUID. @settings (copied; NULL: none): string -> string, the transport's fields
 * ("host", "user", "port", "board"...). No secrets: those are the keyring's, under the device's
 * id. */
EngDevice *eng_device_new (const char *id, const char *name, const EngTransport *transport,
                           GHashTable *settings);

const char *eng_device_get_id (EngDevice *device); /* stable: "virtual-cortex-m4", a UUID */
const char *eng_device_get_name (EngDevice *device);
void eng_device_set_name (EngDevice *device, const char *name);
const EngTransport *eng_device_get_transport (EngDevice *device);
EngBoardKind eng_device_get_kind (EngDevice *device);
/* Any thread. NULL: not set and the transport's field has no fallback; lives as long as the
 * device. */
const char *eng_device_get_setting (EngDevice *device, const char *key);
/* Any thread; @value NULL takes it away. A device of the user's list is saved by itself. */
void eng_device_set_setting (EngDevice *device, const char *key, const char *value);
GHashTable *eng_device_dup_settings (EngDevice *device); /* string -> string; those that are set */
/* always there (this computer, virtual boards) */
gboolean eng_device_is_builtin (EngDevice *device);
/* in the user's list; neither built in nor saved: found just now and not added yet */
gboolean eng_device_is_saved (EngDevice *device);
/* Why one thinks that it is there, of one that was found; NULL. */
char *eng_device_dup_evidence (EngDevice *device);
/* "host 192.168.1.7, user pi" in one line */
char *eng_device_dup_place (EngDevice *device);

/* Any thread. */
EngDeviceState eng_device_get_state (EngDevice *device);
char *eng_device_dup_message (EngDevice *device);   /* NULL: nothing to say */
char *eng_device_dup_remedy (EngDevice *device);    /* a command line, or NULL */
EngBoard *eng_device_dup_board (EngDevice *device); /* NULL: not known yet */
/* What its board says, or else its transport: its times tell nothing of hardware. */
gboolean eng_device_is_emulated (EngDevice *device);
void eng_device_set_state (EngDevice *device, EngDeviceState state, const char *message,
                           const char *remedy);
void eng_device_set_board (EngDevice *device, EngBoard *board);
const char *eng_device_state_name (EngDeviceState state); /* "ready": JSON */
gboolean eng_device_get_busy (EngDevice *device);
/* FALSE: it is busy already, one job at a time */
gboolean eng_device_take (EngDevice *device);
void eng_device_release (EngDevice *device);

G_END_DECLS
