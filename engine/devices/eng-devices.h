/* The devices this user has: this computer's runner and the virtual boards, always; those that were
 * added, kept in $XDG_CONFIG_HOME/lathe/devices.json; those that were found just now and not added
 * yet. A GListModel of EngDevice, in that order; lives on one main context. */
#pragma once

#include "eng-device.h"
#include "eng-job.h"
#include "eng-transport.h"

G_BEGIN_DECLS

#define ENG_TYPE_DEVICES (eng_devices_get_type ())
G_DECLARE_FINAL_TYPE (EngDevices, eng_devices, ENG, DEVICES, GObject)

/* Signal: "merged" (EngDevice *kept, EngDevice *gone): a contact told that a board that was added
 * is one that was known; the older entry stays with its id and name, has the address that answered,
 * and @gone has left the list. */

/* @path NULL: the user's file. A file that cannot be read is an error and is left as it is. */
EngDevices *eng_devices_new (const char *path, GError **error);
/* The built-in ones alone, for when the file is broken: nothing can be added or found. */
EngDevices *eng_devices_new_builtin (void);
/* NULL: none. @name: an id or a name. Borrowed. */
EngDevice *eng_devices_find (EngDevices *devices, const char *name);
/* Saved at once. FALSE: the file could not be written (nothing changed), the name is taken, or a
 * setting is wrong: the message says which. */
gboolean eng_devices_add (EngDevices *devices, EngDevice *device, GError **error);
/* Built-in ones cannot be removed. Secrets go too. */
gboolean eng_devices_remove (EngDevices *devices, EngDevice *device, GError **error);

/* Another name; saved at once. Settings are changed by eng_device_set_setting(). */
gboolean eng_devices_rename (EngDevices *devices, EngDevice *device, const char *name,
                             GError **error);
/* NULL: @settings can be a device of @transport; else what is missing or wrong (newly
 * allocated). */
char *eng_devices_check_settings (const EngTransport *transport, GHashTable *settings);

/* Look for boards that nobody added (mDNS, serial ports, debug probes): candidates with the
 * evidence, all transports at once, five seconds. Returns at once; what is found enters the list on
 * its main context, what was found before and is not any more leaves it; @job finishes at the end
 * (a command line iterates the main context until then). Its stage names what could not be
 * searched, and why. */
void eng_devices_search (EngDevices *devices, EngJob *job);

/* Blocking, on a worker, of a device that is not taken: connect, ask what it is, set its state and
 * board. @ask may be NULL: then what would have to be asked fails with the question as the
 * message. */
gboolean eng_device_contact (EngDevice *device, const EngAsk *ask, EngJob *job, GError **error);

G_END_DECLS
