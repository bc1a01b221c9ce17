/* The user's own names for boards: what ~/.ssh/config says of a host, so that "pi" means here what
 * it means to ssh. Only where to connect is taken from it (HostName, Port, User, IdentityFile); a
 * way through another host is refused by name, since it is another program's work. Called by the
 * transport before it connects. */
#include <string.h>

#include "eng-ssh.h"

void
eng_ssh_alias_clear (EngSshAlias *alias)
{
  g_clear_pointer (&alias->host, g_free);
  g_clear_pointer (&alias->user, g_free);
  g_clear_pointer (&alias->key_file, g_free);
}

/* Newly allocated; NULL: not set. */
static char *
get (ssh_session session, enum ssh_options_e what)
{
  char *value = NULL;

  if (ssh_options_get (session, what, &value) != SSH_OK)
    return NULL;
  char *copy = g_strdup (value);
  ssh_string_free_char (value);
  return copy;
}

/* Defaults of libssh's own are marked so; ours come later, after the agent. */
static char *
get_key_file (ssh_session session)
{
  g_autofree char *path = get (session, SSH_OPTIONS_IDENTITY);

  if (path == NULL || strchr (path, '%') != NULL)
    return NULL;
  return g_str_has_prefix (path, "~/") ? g_build_filename (g_get_home_dir (), path + 2, NULL)
                                       : g_steal_pointer (&path);
}

static gboolean
read_config (ssh_session session, const char *host, EngSshAlias *alias, GError **error)
{
  g_autofree char *folder = g_build_filename (g_get_home_dir (), ".ssh", NULL);
  g_autofree char *file = g_build_filename (folder, "config", NULL);

  if (!g_file_test (file, G_FILE_TEST_EXISTS))
    return TRUE;
  if (ssh_options_set (session, SSH_OPTIONS_SSH_DIR, folder) != SSH_OK
      || ssh_options_set (session, SSH_OPTIONS_HOST, host) != SSH_OK
      || ssh_options_parse_config (session, file) != 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s cannot be understood: %s", file,
                   ssh_get_error (session));
      return FALSE;
    }
  g_autofree char *proxy = get (session, SSH_OPTIONS_PROXYCOMMAND);
  if (proxy != NULL && g_ascii_strcasecmp (proxy, "none") != 0)
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_FAILED,
          "%s: %s reaches it through another host (ProxyJump or ProxyCommand), which Lathe "
          "does not do. Open a way yourself (ssh -L 2222:localhost:22 %s) and add the "
          "board as localhost, port 2222",
          host, file, host);
      return FALSE;
    }
  unsigned int port = 0;
  alias->host = get (session, SSH_OPTIONS_HOST);
  alias->user = get (session, SSH_OPTIONS_USER);
  alias->key_file = get_key_file (session);
  if (ssh_options_get_port (session, &port) == SSH_OK && port <= G_MAXUINT16)
    alias->port = (guint16)port;
  return TRUE;
}

gboolean
eng_ssh_resolve (const char *host, EngSshAlias *alias, GError **error)
{
  ssh_session session = ssh_new ();

  *alias = (EngSshAlias){ 0 };
  if (session == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s: no memory for a session", host);
      return FALSE;
    }
  const gboolean ok = read_config (session, host, alias, error);
  ssh_free (session);
  if (!ok)
    eng_ssh_alias_clear (alias);
  return ok;
}
