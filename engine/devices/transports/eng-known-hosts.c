/* Known hosts files: reading, matching, appending. Called by the SSH transport when a board shows
 * its key. Knows nothing of connections: keys are bytes here. */
#include "eng-known-hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

void
eng_known_host_clear (EngKnownHost *known)
{
  g_clear_pointer (&known->file, g_free);
  g_clear_pointer (&known->type, g_free);
  g_clear_pointer (&known->fingerprint, g_free);
  known->line = 0;
}

char *
eng_host_key_type (GBytes *key)
{
  gsize n_bytes;
  const guint8 *bytes = g_bytes_get_data (key, &n_bytes);
  guint32 n_type;

  if (n_bytes < 4)
    return g_strdup ("?");
  memcpy (&n_type, bytes, 4);
  n_type = GUINT32_FROM_BE (n_type);
  if (n_type == 0 || n_type > 64 || n_type > n_bytes - 4)
    return g_strdup ("?");
  for (guint32 i = 0; i < n_type; i++)
    if (!g_ascii_isgraph (bytes[4 + i]))
      return g_strdup ("?");
  return g_strndup ((const char *)bytes + 4, n_type);
}

char *
eng_host_key_fingerprint (GBytes *key)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize n_digest = sizeof digest;

  g_checksum_update (sum, g_bytes_get_data (key, NULL), (gssize)g_bytes_get_size (key));
  g_checksum_get_digest (sum, digest, &n_digest);
  g_autofree char *text = g_base64_encode (digest, n_digest);
  g_strdelimit (text, "=", '\0');
  return g_strconcat ("SHA256:", text, NULL);
}

char *
eng_known_hosts_name (const char *host, guint16 port)
{
  g_autofree char *lower = g_ascii_strdown (host, -1);

  return port == 22 ? g_steal_pointer (&lower) : g_strdup_printf ("[%s]:%u", lower, port);
}

/* "|1|SALT|HASH": HMAC-SHA1 of the name with the salt as the key. */
static gboolean
is_hash_of (const char *field, const char *name)
{
  g_auto (GStrv) parts = g_strsplit (field + 3, "|", 3);

  if (g_strv_length (parts) != 2)
    return FALSE;
  gsize n_salt, n_hash;
  g_autofree guchar *salt = g_base64_decode (parts[0], &n_salt);
  g_autofree guchar *hash = g_base64_decode (parts[1], &n_hash);
  if (n_salt == 0 || n_hash != 20)
    return FALSE;
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA1, salt, n_salt);
  guint8 digest[20];
  gsize n_digest = sizeof digest;
  g_hmac_update (hmac, (const guchar *)name, -1);
  g_hmac_get_digest (hmac, digest, &n_digest);
  return memcmp (digest, hash, 20) == 0;
}

/* '*' and '?' only; every pattern of one line in time proportional to both lengths. */
static gboolean
matches (const char *pattern, const char *name)
{
  const char *star = NULL, *from = NULL;

  while (*name != '\0')
    {
      if (*pattern == '*')
        {
          star = ++pattern;
          from = name;
        }
      else if (*pattern == '?' || (*pattern != '\0' && g_ascii_tolower (*pattern) == *name))
        {
          pattern++;
          name++;
        }
      else if (star != NULL)
        {
          pattern = star;
          name = ++from;
        }
      else
        return FALSE;
    }
  while (*pattern == '*')
    pattern++;
  return *pattern == '\0';
}

static gboolean
names_host (const char *field, const char *name)
{
  if (g_str_has_prefix (field, "|1|"))
    return is_hash_of (field, name);

  g_auto (GStrv) patterns = g_strsplit (field, ",", -1);
  gboolean found = FALSE;
  for (char **p = patterns; *p != NULL; p++)
    {
      gboolean is_not = **p == '!';
      if (!matches (*p + is_not, name))
        continue;
      if (is_not)
        return FALSE;
      found = TRUE;
    }
  return found;
}

/* One line as its fields; FALSE: a comment, or nothing that names a key. */
static gboolean
split_line (const char *line, gboolean *revoked, char **hosts, GBytes **key)
{
  g_auto (GStrv) words = g_strsplit_set (line, " \t\r", -1);
  const char *field[4] = { NULL };
  guint n = 0;

  for (char **w = words; *w != NULL && n < G_N_ELEMENTS (field); w++)
    if (**w != '\0')
      field[n++] = *w;
  if (n == 0 || field[0][0] == '#')
    return FALSE;

  const guint first = field[0][0] == '@';
  *revoked = first && g_str_equal (field[0], "@revoked");
  if ((first && !*revoked) || n < first + 3)
    return FALSE;
  gsize n_key;
  g_autofree guchar *bytes = g_base64_decode (field[first + 2], &n_key);
  if (n_key == 0)
    return FALSE;
  *hosts = g_strdup (field[first]);
  *key = g_bytes_new_take (g_steal_pointer (&bytes), n_key);
  return TRUE;
}

static void
take_note (EngKnownHost *known, const char *file, guint line, GBytes *key)
{
  eng_known_host_clear (known);
  known->file = g_strdup (file);
  known->line = line;
  known->type = eng_host_key_type (key);
  known->fingerprint = eng_host_key_fingerprint (key);
}

static void
check_text (char *text, const char *file, const char *name, GBytes *key, EngHostKeyState *state,
            EngKnownHost *known)
{
  g_autofree char *type = eng_host_key_type (key);
  guint number = 0;

  for (char *line = text, *next; line != NULL && *state != ENG_HOST_KEY_REVOKED; line = next)
    {
      gboolean revoked;
      g_autofree char *hosts = NULL;
      g_autoptr (GBytes) had = NULL;

      next = strchr (line, '\n');
      if (next != NULL)
        *next++ = '\0';
      number++;
      if (!split_line (line, &revoked, &hosts, &had) || !names_host (hosts, name))
        continue;
      const gboolean same = g_bytes_equal (key, had);
      if (revoked)
        {
          if (!same)
            continue;
          *state = ENG_HOST_KEY_REVOKED;
        }
      else if (*state == ENG_HOST_KEY_KNOWN)
        continue;
      else if (same)
        *state = ENG_HOST_KEY_KNOWN;
      else
        {
          g_autofree char *had_type = eng_host_key_type (had);
          const gboolean better
              = g_str_equal (type, had_type) && g_strcmp0 (known->type, type) != 0;
          if (*state == ENG_HOST_KEY_CHANGED && !better)
            continue;
          *state = ENG_HOST_KEY_CHANGED;
        }
      take_note (known, file, number, had);
    }
}

gboolean
eng_known_hosts_check (const char *const *files, const char *host, guint16 port, GBytes *key,
                       EngHostKeyState *state, EngKnownHost *known, GError **error)
{
  g_autofree char *name = eng_known_hosts_name (host, port);

  *state = ENG_HOST_KEY_UNKNOWN;
  for (; *files != NULL; files++)
    {
      g_autoptr (GError) local = NULL;
      g_autofree char *text = NULL;
      if (g_file_get_contents (*files, &text, NULL, &local))
        check_text (text, *files, name, key, state, known);
      else if (!g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT)
               && !g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOTDIR))
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                       "The file of known hosts cannot be read, so the board's key cannot be "
                       "checked: %s",
                       local->message);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
fail_to_keep (const char *file, int number, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number),
               "The board's key could not be added to %s: %s", file, g_strerror (number));
  return FALSE;
}

/* Whether the last line of @fd lacks its end. */
static gboolean
lacks_newline (int fd)
{
  char last;
  const off_t end = lseek (fd, 0, SEEK_END);

  return end > 0 && pread (fd, &last, 1, end - 1) == 1 && last != '\n';
}

gboolean
eng_known_hosts_add (const char *file, const char *host, guint16 port, GBytes *key, GError **error)
{
  g_autofree char *name = eng_known_hosts_name (host, port);
  g_autofree char *type = eng_host_key_type (key);
  g_autofree char *text = g_base64_encode (g_bytes_get_data (key, NULL), g_bytes_get_size (key));
  g_autofree char *folder = g_path_get_dirname (file);

  if (g_mkdir_with_parents (folder, 0700) != 0)
    return fail_to_keep (file, errno, error);
  const int fd = g_open (file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail_to_keep (file, errno, error);
  /* One write to a file opened for appending: two programs that add at once do not mix. */
  g_autofree char *line
      = g_strdup_printf ("%s%s %s %s\n", lacks_newline (fd) ? "\n" : "", name, type, text);
  const gssize n = (gssize)strlen (line);
  const gssize n_written = write (fd, line, (gsize)n);
  const int number = n_written < 0 ? errno : n_written < n ? ENOSPC : 0;
  if (close (fd) != 0 || number != 0)
    return fail_to_keep (file, number != 0 ? number : errno, error);
  return TRUE;
}
