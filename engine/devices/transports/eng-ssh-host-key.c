/* Whether the board is the one that was met before: its key against the files of known hosts, a
 * question at first contact, a refusal where the key is another one. Called by eng-ssh-session.c
 * before anything secret is sent. */
#include "eng-known-hosts.h"
#include "eng-ssh.h"

#define GLOBAL_FILE "/etc/ssh/ssh_known_hosts"

static GBytes *
get_key (EngSsh *ssh, GError **error)
{
  ssh_key key = NULL;
  char *text = NULL;

  if (ssh_get_server_publickey (ssh->session, &key) != SSH_OK
      || ssh_pki_export_pubkey_base64 (key, &text) != SSH_OK)
    {
      ssh_key_free (key);
      eng_ssh_fail (ssh, "reading its key", error);
      return NULL;
    }
  gsize n_bytes;
  guchar *bytes = g_base64_decode (text, &n_bytes);
  ssh_string_free_char (text);
  ssh_key_free (key);
  return g_bytes_new_take (bytes, n_bytes);
}

/* "ED25519", as people know it and ssh says it. */
static char *
short_type (GBytes *key)
{
  g_autofree char *type = eng_host_key_type (key);
  const char *name = g_str_has_prefix (type, "ssh-")     ? type + 4
                     : g_str_has_prefix (type, "ecdsa-") ? "ecdsa"
                                                         : type;

  return g_ascii_strup (name, -1);
}

/* The file of that type on a board that is Linux with OpenSSH. */
static char *
dup_key_path (GBytes *key)
{
  g_autofree char *type = short_type (key);
  g_autofree char *lower = g_ascii_strdown (type, -1);

  return g_strdup_printf ("/etc/ssh/ssh_host_%s_key.pub", lower);
}

/* The command that forgets the host in @file. */
static char *
dup_forget (const EngSshTarget *target, const char *file)
{
  g_autofree char *name = eng_known_hosts_name (target->host, target->port);
  g_autofree char *host = g_shell_quote (name);
  g_autofree char *path = g_shell_quote (file);

  return g_strdup_printf ("%sssh-keygen -f %s -R %s",
                          g_str_equal (file, GLOBAL_FILE) ? "sudo " : "", path, host);
}

static gboolean
confirm (EngSsh *ssh, const EngSshTarget *target, GBytes *key, GCancellable *cancellable,
         GError **error)
{
  g_autofree char *type = short_type (key);
  g_autofree char *fingerprint = eng_host_key_fingerprint (key);
  g_autofree char *path = dup_key_path (key);
  g_autofree char *title = g_strdup_printf ("Connect to %s for the first time?", target->host);
  g_autofree char *text = g_strdup_printf ("This computer has not met %s before. It shows this %s "
                                           "key:\n\n%s\n\nCompare it with what the "
                                           "board itself prints, on its own screen or serial "
                                           "console, for\n\nssh-keygen -lf %s\n\nIf they "
                                           "differ, something else answers at this address.",
                                           target->host, type, fingerprint, path);

  if (target->ask == NULL || target->ask->confirm == NULL)
    return eng_ssh_error (ssh, error, G_IO_ERROR_PERMISSION_DENIED, "%s %s", title, text);
  if (!target->ask->confirm (target->device, title, text, target->ask->user_data))
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      return eng_ssh_error (ssh, error, G_IO_ERROR_PERMISSION_DENIED,
                            "its %s key %s was not accepted, so nothing was sent to it. If it is "
                            "what ssh-keygen -lf %s prints there, connect again and accept it",
                            type, fingerprint, path);
    }
  eng_ssh_restart_clock (ssh);
  return eng_known_hosts_add (target->known_hosts, target->host, target->port, key, error);
}

static gboolean
refuse (EngSsh *ssh, const EngSshTarget *target, GBytes *key, EngHostKeyState state,
        const EngKnownHost *known, GError **error)
{
  g_autofree char *type = short_type (key);
  g_autofree char *fingerprint = eng_host_key_fingerprint (key);
  g_autofree char *forget = dup_forget (target, known->file);

  if (target->device != NULL) /* for whoever shows the device: the command alone */
    eng_device_set_state (target->device, ENG_DEVICE_CONNECTING, NULL, forget);

  if (state == ENG_HOST_KEY_REVOKED)
    return eng_ssh_error (ssh, error, G_IO_ERROR_PERMISSION_DENIED,
                          "refused: it shows the %s key %s, and line %u of %s says never to trust "
                          "the key %s. Give the "
                          "board new keys (there: sudo rm /etc/ssh/ssh_host_*; sudo ssh-keygen "
                          "-A), then forget the old "
                          "ones here: %s",
                          type, fingerprint, known->line, known->file, known->fingerprint, forget);
  return eng_ssh_error (
      ssh, error, G_IO_ERROR_PERMISSION_DENIED,
      "its key is not the one it had. Now: %s %s. Known: %s %s (line %u of %s). A board "
      "that was installed anew has a new key; otherwise another machine answers at its address. If "
      "you know why it changed, forget the old key and connect again: %s",
      type, fingerprint, known->type, known->fingerprint, known->line, known->file, forget);
}

gboolean
eng_ssh_check_host_key (EngSsh *ssh, const EngSshTarget *target, GCancellable *cancellable,
                        GError **error)
{
  const char *const files[] = { target->known_hosts, GLOBAL_FILE, NULL };
  g_auto (EngKnownHost) known = { 0 };
  EngHostKeyState state = ENG_HOST_KEY_UNKNOWN;
  g_autoptr (GBytes) key = get_key (ssh, error);

  if (key == NULL
      || !eng_known_hosts_check (files, target->host, target->port, key, &state, &known, error))
    return FALSE;
  switch (state)
    {
    case ENG_HOST_KEY_KNOWN:
      return TRUE;
    case ENG_HOST_KEY_UNKNOWN:
      return confirm (ssh, target, key, cancellable, error);
    case ENG_HOST_KEY_CHANGED:
    case ENG_HOST_KEY_REVOKED:
      return refuse (ssh, target, key, state, &known, error);
    }
  g_return_val_if_reached (FALSE);
}
