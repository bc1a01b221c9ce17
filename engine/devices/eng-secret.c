/* The user's keyring, through libsecret. Called by transports while they log in, and by the list of
 * devices when one is removed. Knows nothing of what the secrets open. */
#include "eng-secret.h"

#include <string.h>

#include <libsecret/secret.h>

static const SecretSchema schema = {
  .name = "org.lathe.Lathe.Device",
  .flags = SECRET_SCHEMA_NONE,
  .attributes = {
    { "device", SECRET_SCHEMA_ATTRIBUTE_STRING },
    { "what", SECRET_SCHEMA_ATTRIBUTE_STRING },
    { NULL, 0 },
  },
};

/* D-Bus's own words help nobody: what people need is that there is no keyring, and what to do. */
static void
explain (GError *local, GError **error)
{
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, local);
      return;
    }
  g_dbus_error_strip_remote_error (local);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               "No keyring answers on this computer (%s). Install one, for example gnome-keyring, "
               "and log in again",
               local->message);
  g_error_free (local);
}

char *
eng_secret_lookup (const char *device_id, const char *what, GCancellable *cancellable,
                   GError **error)
{
  GError *local = NULL;

  g_return_val_if_fail (device_id != NULL && what != NULL, NULL);

  char *secret = secret_password_lookup_nonpageable_sync (&schema, cancellable, &local, "device",
                                                          device_id, "what", what, NULL);
  if (local != NULL)
    explain (local, error);
  return secret;
}

gboolean
eng_secret_store (const char *device_id, const char *what, const char *label, const char *secret,
                  GCancellable *cancellable, GError **error)
{
  GError *local = NULL;

  g_return_val_if_fail (device_id != NULL && what != NULL && secret != NULL, FALSE);

  if (secret_password_store_sync (&schema, SECRET_COLLECTION_DEFAULT, label, secret, cancellable,
                                  &local, "device", device_id, "what", what, NULL))
    return TRUE;
  if (local == NULL)
    local = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "it was not unlocked");
  explain (local, error);
  return FALSE;
}

/* ---- In memory ---- */

static GMutex mutex;           /* guards remembered */
static GHashTable *remembered; /* "device\nwhat" -> secret */

static char *
dup_key (const char *device_id, const char *what)
{
  return g_strconcat (device_id, "\n", what, NULL);
}

void
eng_secret_remember (const char *device_id, const char *what, const char *secret)
{
  g_return_if_fail (device_id != NULL && what != NULL && secret != NULL);

  g_mutex_lock (&mutex);
  if (remembered == NULL)
    remembered
        = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)eng_secret_free);
  g_hash_table_replace (remembered, dup_key (device_id, what), g_strdup (secret));
  g_mutex_unlock (&mutex);
}

char *
eng_secret_recall (const char *device_id, const char *what)
{
  g_autofree char *key = dup_key (device_id, what);

  g_mutex_lock (&mutex);
  char *secret = remembered != NULL ? g_strdup (g_hash_table_lookup (remembered, key)) : NULL;
  g_mutex_unlock (&mutex);
  return secret;
}

static gboolean
is_of_device (gpointer key, gpointer secret, gpointer prefix)
{
  return g_str_has_prefix (key, prefix);
}

static void
forget (const char *device_id, const char *what)
{
  g_autofree char *key = dup_key (device_id, what != NULL ? what : "");

  g_mutex_lock (&mutex);
  if (remembered != NULL && what != NULL)
    g_hash_table_remove (remembered, key);
  else if (remembered != NULL)
    g_hash_table_foreach_remove (remembered, is_of_device, key);
  g_mutex_unlock (&mutex);
}

/* ---- Both ---- */

gboolean
eng_secret_remove (const char *device_id, const char *what, GCancellable *cancellable,
                   GError **error)
{
  GError *local = NULL;

  g_return_val_if_fail (device_id != NULL, FALSE);

  forget (device_id, what);
  if (what != NULL)
    secret_password_clear_sync (&schema, cancellable, &local, "device", device_id, "what", what,
                                NULL);
  else
    secret_password_clear_sync (&schema, cancellable, &local, "device", device_id, NULL);
  if (local == NULL)
    return TRUE;
  explain (local, error);
  return FALSE;
}

void
eng_secret_free (char *secret)
{
  secret_password_free (secret); /* clears what it frees, its own memory or malloc's */
}
