/* Secrets of devices (passwords, passphrases, tokens) in the user's keyring, through libsecret,
 * with a schema of our own: "device" (its id), "what"; where no keyring answers, that is said and
 * nothing is kept. Those that are not to be kept are remembered in memory while the program runs,
 * so that a link that was lost comes back without a question. Nothing is kept anywhere else. All
 * block (the keyring may ask the user to unlock it), heed the cancellable and are called on
 * workers. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* NULL without @error: none is kept. NULL and @error: no keyring answers (G_IO_ERROR_NOT_SUPPORTED,
 * the message says why), or G_IO_ERROR_CANCELLED. Give it back to eng_secret_free(). */
char *eng_secret_lookup (const char *device_id, const char *what, GCancellable *cancellable,
                         GError **error);
/* @label: what the keyring's own program shows: "Password of pi@192.168.1.7 (Lathe)". */
gboolean eng_secret_store (const char *device_id, const char *what, const char *label,
                           const char *secret, GCancellable *cancellable, GError **error);
/* In memory alone, until the program ends. Any thread, at once. */
void eng_secret_remember (const char *device_id, const char *what, const char *secret);
char *eng_secret_recall (const char *device_id, const char *what); /* NULL: none */
/* From the keyring and from memory; @what NULL: everything of the device. TRUE too where there was
 * nothing. Without a keyring it is an error, but what was in memory is gone. */
gboolean eng_secret_remove (const char *device_id, const char *what, GCancellable *cancellable,
                            GError **error);
/* Overwrites it first; accepts NULL. */
void eng_secret_free (char *secret);

G_END_DECLS
