/* The SFTP client: packets, answers, and what the server's few error codes mean here. Called by
 * eng-ssh-put.c and the transport. Knows nothing of pushing and of names of its own.
 *
 * A packet is a length (of what follows), a type, a request's number, and fields: numbers are
 * big-endian, strings have a length in front. Answers come in the order of the requests here, since
 * no request is sent while one other than writes has no answer yet, and servers answer writes to
 * one handle in order; one that does not is refused as damaged. */
#include "eng-sftp.h"

#include <string.h>

#define VERSION 3
#define MAX_PACKET (256 * 1024)
#define MAX_BLOCK 32768

enum
{
  TYPE_INIT = 1,
  TYPE_VERSION = 2,
  TYPE_OPEN = 3,
  TYPE_CLOSE = 4,
  TYPE_READ = 5,
  TYPE_WRITE = 6,
  TYPE_FSETSTAT = 10,
  TYPE_REMOVE = 13,
  TYPE_MKDIR = 14,
  TYPE_REALPATH = 16,
  TYPE_STAT = 17,
  TYPE_RENAME = 18,
  TYPE_STATUS = 101,
  TYPE_HANDLE = 102,
  TYPE_DATA = 103,
  TYPE_NAME = 104,
  TYPE_ATTRS = 105,
  TYPE_EXTENDED = 200,
  TYPE_EXTENDED_REPLY = 201,
};

enum
{
  STATUS_OK = 0,
  STATUS_EOF = 1,
  STATUS_NO_SUCH_FILE = 2,
  STATUS_PERMISSION_DENIED = 3,
};

enum
{
  ATTR_SIZE = 0x1,
  ATTR_OWNER = 0x2,
  ATTR_PERMISSIONS = 0x4,
};

#define SPACE_READ_ONLY 0x1

struct _EngSftp
{
  EngSsh *ssh;
  ssh_channel channel;
  guint32 next_id, oldest_write; /* numbers of requests */
  guint n_writes;                /* without an answer yet */
  gboolean has_space, has_rename, has_fsync;
  GByteArray *answer; /* its fields, behind type and number */
  gsize at;           /* read up to here */
};

/* ---- Fields ---- */

static void
put_u32 (GByteArray *out, guint32 value)
{
  value = GUINT32_TO_BE (value);
  g_byte_array_append (out, (const guint8 *)&value, 4);
}

static void
put_u64 (GByteArray *out, guint64 value)
{
  value = GUINT64_TO_BE (value);
  g_byte_array_append (out, (const guint8 *)&value, 8);
}

static void
put_bytes (GByteArray *out, const void *bytes, gsize n_bytes)
{
  put_u32 (out, (guint32)n_bytes);
  g_byte_array_append (out, bytes, (guint)n_bytes);
}

static void
put_text (GByteArray *out, const char *text)
{
  put_bytes (out, text, strlen (text));
}

static gboolean
get (EngSftp *sftp, void *bytes, gsize n_bytes)
{
  if (n_bytes > sftp->answer->len - sftp->at)
    return FALSE;
  memcpy (bytes, sftp->answer->data + sftp->at, n_bytes);
  sftp->at += n_bytes;
  return TRUE;
}

static gboolean
get_u32 (EngSftp *sftp, guint32 *value)
{
  if (!get (sftp, value, 4))
    return FALSE;
  *value = GUINT32_FROM_BE (*value);
  return TRUE;
}

static gboolean
get_u64 (EngSftp *sftp, guint64 *value)
{
  if (!get (sftp, value, 8))
    return FALSE;
  *value = GUINT64_FROM_BE (*value);
  return TRUE;
}

/* Newly allocated, with a zero behind it; NULL: the answer is cut short. */
static char *
get_text (EngSftp *sftp)
{
  guint32 n;

  if (!get_u32 (sftp, &n) || n > sftp->answer->len - sftp->at)
    return NULL;
  char *text = g_strndup ((const char *)sftp->answer->data + sftp->at, n);
  sftp->at += n;
  return text;
}

/* ---- Packets ---- */

static gboolean
damaged (EngSftp *sftp, const char *doing, GError **error)
{
  return eng_ssh_error (sftp->ssh, error, G_IO_ERROR_FAILED,
                        "its SFTP server answers what no SFTP server should while %s; its software "
                        "is damaged, or something between rewrites the data",
                        doing);
}

static GByteArray *
begin (EngSftp *sftp, guint8 type)
{
  GByteArray *out = g_byte_array_sized_new (64);

  put_u32 (out, 0); /* length: in send_packet() */
  g_byte_array_append (out, &type, 1);
  if (type != TYPE_INIT)
    put_u32 (out, sftp->next_id++);
  return out;
}

/* Takes @out. */
static gboolean
send_packet (EngSftp *sftp, GByteArray *out, const char *doing, GCancellable *cancellable,
             GError **error)
{
  const guint32 n = GUINT32_TO_BE (out->len - 4);

  memcpy (out->data, &n, 4);
  sftp->ssh->stall_us
      = g_get_monotonic_time () + (gint64)(ENG_SSH_STALL * sftp->ssh->timeout_s * 1e6);
  const gboolean ok = eng_ssh_channel_write (sftp->ssh, sftp->channel, out->data, out->len, doing,
                                             cancellable, error);
  g_byte_array_unref (out);
  sftp->ssh->stall_us = 0;
  return ok;
}

/* How many of the @n bytes are what people are greeted with: UTF-8, cut off anywhere, without
 * control characters but those of lines and colours. Behind it may stand the server's first packet,
 * which begins with zeros; whole lines may stand before anything; else 0. */
static gsize
count_greeting (const char *text, gsize n)
{
  const char *end, *c;

  if (!g_utf8_validate_len (text, n, &end) && *end != '\0'
      && g_utf8_get_char_validated (end, (gssize)n - (end - text)) == (gunichar)-2)
    n = (gsize)(end - text);
  for (c = text; c < end; c++)
    if (g_ascii_iscntrl (*c) && !g_ascii_isspace (*c) && *c != '\033')
      break;
  const gboolean is_whole = c == text + n || *c == '\0' || (c > text && c[-1] == '\n');
  return is_whole ? (gsize)(c - text) : 0;
}

/* Text where a packet should be: a shell that greets people also greets programs. */
static gboolean
chatty (EngSftp *sftp, const guint8 *head, const char *doing, GError **error)
{
  char text[128];

  memcpy (text, head, 5);
  const int more = ssh_channel_read_nonblocking (sftp->channel, text + 5, sizeof text - 5, 0);
  const gsize n = count_greeting (text, 5 + (gsize)MAX (more, 0));
  if (n == 0)
    return damaged (sftp, doing, error);
  g_autofree char *quoted = eng_ssh_quote (text, (gssize)n);
  return eng_ssh_error (sftp->ssh, error, G_IO_ERROR_FAILED,
                        "its shell prints \"%s\" before the SFTP server starts, which spoils the "
                        "copying. Print it for people only: in its .bashrc or .profile, behind "
                        "[ -t 1 ]",
                        quoted);
}

/* The next packet; the number is left in @answer. */
static gboolean
receive_packet (EngSftp *sftp, guint8 *type, const char *doing, GCancellable *cancellable,
                GError **error)
{
  guint8 head[5];
  gsize n_read;
  guint32 n;

  if (!eng_ssh_channel_read (sftp->ssh, sftp->channel, head, sizeof head, &n_read, doing,
                             cancellable, error))
    return FALSE;
  memcpy (&n, head, 4);
  n = GUINT32_FROM_BE (n);
  if (n < 5 || n > MAX_PACKET)
    return chatty (sftp, head, doing, error);
  *type = head[4];
  g_byte_array_set_size (sftp->answer, n - 1);
  sftp->at = 0;
  return eng_ssh_channel_read (sftp->ssh, sftp->channel, sftp->answer->data, n - 1, &n_read, doing,
                               cancellable, error);
}

static gboolean
receive (EngSftp *sftp, guint32 id, guint8 *type, const char *doing, GCancellable *cancellable,
         GError **error)
{
  guint32 number;

  sftp->ssh->stall_us
      = g_get_monotonic_time () + (gint64)(ENG_SSH_STALL * sftp->ssh->timeout_s * 1e6);
  const gboolean ok = receive_packet (sftp, type, doing, cancellable, error);
  sftp->ssh->stall_us = 0;
  if (!ok)
    return FALSE;
  return (get_u32 (sftp, &number) && number == id) || damaged (sftp, doing, error);
}

/* One request and its answer. Takes @out. */
static gboolean
talk (EngSftp *sftp, GByteArray *out, guint8 *type, const char *doing, GCancellable *cancellable,
      GError **error)
{
  const guint32 id = sftp->next_id - 1;

  g_assert (sftp->n_writes == 0);
  return send_packet (sftp, out, doing, cancellable, error)
         && receive (sftp, id, type, doing, cancellable, error);
}

/* ---- What a status means ---- */

/* TRUE: it says that all is well. */
static gboolean
take_status (EngSftp *sftp, guint8 type, const char *doing, GError **error)
{
  guint32 code;

  if (type != TYPE_STATUS || !get_u32 (sftp, &code))
    return damaged (sftp, doing, error);
  if (code == STATUS_OK)
    return TRUE;
  g_autofree char *message = get_text (sftp);
  g_autofree char *quoted = eng_ssh_quote (message != NULL ? message : "", -1);
  const GIOErrorEnum number = code == STATUS_NO_SUCH_FILE        ? G_IO_ERROR_NOT_FOUND
                              : code == STATUS_PERMISSION_DENIED ? G_IO_ERROR_PERMISSION_DENIED
                                                                 : G_IO_ERROR_FAILED;
  return eng_ssh_error (sftp->ssh, error, number, "%s there failed: %s", doing,
                        quoted[0] != '\0' ? quoted : "the server gives no reason");
}

/* One request that is answered by a status alone. */
static gboolean
request (EngSftp *sftp, GByteArray *out, const char *doing, GCancellable *cancellable,
         GError **error)
{
  guint8 type;

  return talk (sftp, out, &type, doing, cancellable, error)
         && take_status (sftp, type, doing, error);
}

/* One request that is answered by a packet of type @wanted, or by a status that says why not. */
static gboolean
query (EngSftp *sftp, GByteArray *out, guint8 wanted, const char *doing, GCancellable *cancellable,
       GError **error)
{
  guint8 type;

  if (!talk (sftp, out, &type, doing, cancellable, error))
    return FALSE;
  if (type == wanted)
    return TRUE;
  return take_status (sftp, type, doing, error) && damaged (sftp, doing, error);
}

/* ---- Beginning and end ---- */

static void
take_extensions (EngSftp *sftp)
{
  for (;;)
    {
      g_autofree char *name = get_text (sftp);
      g_autofree char *version = name != NULL ? get_text (sftp) : NULL;
      if (version == NULL)
        return;
      sftp->has_space |= g_str_equal (name, "statvfs@openssh.com") && g_str_equal (version, "2");
      sftp->has_rename |= g_str_equal (name, "posix-rename@openssh.com");
      sftp->has_fsync |= g_str_equal (name, "fsync@openssh.com");
    }
}

static gboolean
greet (EngSftp *sftp, GCancellable *cancellable, GError **error)
{
  static const char doing[] = "starting SFTP";
  g_autoptr (GError) local = NULL;
  GByteArray *out = begin (sftp, TYPE_INIT);
  guint8 type;
  guint32 version;

  put_u32 (out, VERSION);
  if (!send_packet (sftp, out, doing, cancellable, &local)
      || !receive_packet (sftp, &type, doing, cancellable, &local))
    {
      /* Small servers take the request and then find no program to start. */
      if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED)
          && ssh_is_connected (sftp->ssh->session))
        return eng_ssh_error (sftp->ssh, error, G_IO_ERROR_FAILED,
                              "its SFTP server does not start. Install it there (Debian: sudo apt "
                              "install openssh-sftp-server; OpenWrt: opkg install "
                              "openssh-sftp-server)");
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (type != TYPE_VERSION || !get_u32 (sftp, &version) || version < VERSION)
    return damaged (sftp, doing, error);
  take_extensions (sftp);
  return TRUE;
}

EngSftp *
eng_sftp_new (EngSsh *ssh, GCancellable *cancellable, GError **error)
{
  ssh_channel channel = eng_ssh_channel_open (ssh, "sftp", TRUE, NULL, cancellable, error);

  if (channel == NULL)
    return NULL;
  EngSftp *sftp = g_new0 (EngSftp, 1);
  sftp->ssh = ssh;
  sftp->channel = channel;
  sftp->answer = g_byte_array_new ();
  if (greet (sftp, cancellable, error))
    return sftp;
  eng_sftp_free (sftp);
  return NULL;
}

void
eng_sftp_free (EngSftp *sftp)
{
  if (sftp == NULL)
    return;
  eng_ssh_channel_drop (sftp->channel);
  g_byte_array_unref (sftp->answer);
  g_free (sftp);
}

/* ---- Paths ---- */

char *
eng_sftp_real_path (EngSftp *sftp, const char *path, GCancellable *cancellable, GError **error)
{
  static const char doing[] = "looking for the home folder";
  GByteArray *out = begin (sftp, TYPE_REALPATH);
  guint32 n;

  put_text (out, path);
  if (!query (sftp, out, TYPE_NAME, doing, cancellable, error))
    return NULL;
  char *real = get_u32 (sftp, &n) && n >= 1 ? get_text (sftp) : NULL;
  if (real == NULL || *real != '/')
    {
      g_clear_pointer (&real, g_free);
      damaged (sftp, doing, error);
    }
  return real;
}

gboolean
eng_sftp_stat (EngSftp *sftp, const char *path, EngSftpInfo *info, GCancellable *cancellable,
               GError **error)
{
  static const char doing[] = "looking for a file";
  GByteArray *out = begin (sftp, TYPE_STAT);
  guint32 flags, owner[2];

  *info = (EngSftpInfo){ 0 };
  put_text (out, path);
  if (!query (sftp, out, TYPE_ATTRS, doing, cancellable, error))
    return FALSE;
  if (!get_u32 (sftp, &flags) || ((flags & ATTR_SIZE) != 0 && !get_u64 (sftp, &info->n_bytes))
      || ((flags & ATTR_OWNER) != 0 && !get (sftp, owner, sizeof owner))
      || ((flags & ATTR_PERMISSIONS) != 0 && !get_u32 (sftp, &info->mode)))
    return damaged (sftp, doing, error);
  return TRUE;
}

gboolean
eng_sftp_space (EngSftp *sftp, const char *path, EngSftpSpace *space, GCancellable *cancellable,
                GError **error)
{
  static const char doing[] = "asking for free space";
  guint64 f[11]; /* bsize frsize blocks bfree bavail files ffree favail fsid flag namemax */

  *space = (EngSftpSpace){ 0 };
  if (!sftp->has_space)
    return FALSE;
  GByteArray *out = begin (sftp, TYPE_EXTENDED);
  put_text (out, "statvfs@openssh.com");
  put_text (out, path);
  if (!query (sftp, out, TYPE_EXTENDED_REPLY, doing, cancellable, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (f); i++)
    if (!get_u64 (sftp, &f[i]))
      return damaged (sftp, doing, error);
  if (f[1] != 0 && f[4] > G_MAXUINT64 / f[1])
    return damaged (sftp, doing, error);
  space->free_bytes = f[1] * f[4];
  space->read_only = (f[9] & SPACE_READ_ONLY) != 0;
  return TRUE;
}

static GByteArray *
begin_path (EngSftp *sftp, guint8 type, const char *path)
{
  GByteArray *out = begin (sftp, type);

  put_text (out, path);
  return out;
}

static void
put_mode (GByteArray *out, guint32 mode)
{
  put_u32 (out, ATTR_PERMISSIONS);
  put_u32 (out, mode);
}

gboolean
eng_sftp_mkdir (EngSftp *sftp, const char *path, guint32 mode, GCancellable *cancellable,
                GError **error)
{
  GByteArray *out = begin_path (sftp, TYPE_MKDIR, path);

  put_mode (out, mode);
  return request (sftp, out, "making a folder", cancellable, error);
}

gboolean
eng_sftp_remove (EngSftp *sftp, const char *path, GCancellable *cancellable, GError **error)
{
  return request (sftp, begin_path (sftp, TYPE_REMOVE, path), "removing a file", cancellable,
                  error);
}

/* Version 3 alone renames onto nothing: what is there has to go first. */
static gboolean
make_way (EngSftp *sftp, const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (eng_sftp_remove (sftp, path, cancellable, &local)
      || g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
eng_sftp_rename (EngSftp *sftp, const char *from, const char *to, GCancellable *cancellable,
                 GError **error)
{
  if (!sftp->has_rename && !make_way (sftp, to, cancellable, error))
    return FALSE;
  GByteArray *out = begin (sftp, sftp->has_rename ? TYPE_EXTENDED : TYPE_RENAME);
  if (sftp->has_rename)
    put_text (out, "posix-rename@openssh.com");
  put_text (out, from);
  put_text (out, to);
  return request (sftp, out, "renaming a file", cancellable, error);
}

/* ---- Open files ---- */

gboolean
eng_sftp_open (EngSftp *sftp, const char *path, EngSftpFlags flags, guint32 mode,
               EngSftpHandle *handle, GCancellable *cancellable, GError **error)
{
  static const char doing[] = "opening a file";
  GByteArray *out = begin_path (sftp, TYPE_OPEN, path);

  put_u32 (out, flags);
  put_mode (out, mode);
  if (!query (sftp, out, TYPE_HANDLE, doing, cancellable, error))
    return FALSE;
  return (get_u32 (sftp, &handle->n_bytes) && handle->n_bytes <= ENG_SFTP_HANDLE_BYTES
          && get (sftp, handle->bytes, handle->n_bytes))
         || damaged (sftp, doing, error);
}

/* Up to one block; *@n_read = 0: the file ends here. */
static gboolean
read_block (EngSftp *sftp, const EngSftpHandle *handle, guint64 offset, void *bytes, gsize n_bytes,
            gsize *n_read, GCancellable *cancellable, GError **error)
{
  static const char doing[] = "reading a file";
  GByteArray *out = begin (sftp, TYPE_READ);
  guint8 type;
  guint32 n;

  *n_read = 0;
  put_bytes (out, handle->bytes, handle->n_bytes);
  put_u64 (out, offset);
  put_u32 (out, (guint32)MIN (n_bytes, MAX_BLOCK));
  if (!talk (sftp, out, &type, doing, cancellable, error))
    return FALSE;
  if (type == TYPE_DATA)
    {
      if (!get_u32 (sftp, &n) || n > n_bytes || !get (sftp, bytes, n))
        return damaged (sftp, doing, error);
      *n_read = n;
      return TRUE;
    }
  const gsize at = sftp->at;
  if (type == TYPE_STATUS && get_u32 (sftp, &n) && n == STATUS_EOF)
    return TRUE;
  sftp->at = at;
  return take_status (sftp, type, doing, error) && damaged (sftp, doing, error);
}

gboolean
eng_sftp_read (EngSftp *sftp, const EngSftpHandle *handle, guint64 offset, void *bytes,
               gsize n_bytes, gsize *n_read, GCancellable *cancellable, GError **error)
{
  gsize n = 1;

  for (*n_read = 0; *n_read < n_bytes && n > 0; *n_read += n)
    if (!read_block (sftp, handle, offset + *n_read, (char *)bytes + *n_read, n_bytes - *n_read, &n,
                     cancellable, error))
      return FALSE;
  return TRUE;
}

static const char writing[] = "writing a file";

gboolean
eng_sftp_write (EngSftp *sftp, const EngSftpHandle *handle, guint64 offset, const void *bytes,
                gsize n_bytes, GCancellable *cancellable, GError **error)
{
  GByteArray *out = begin (sftp, TYPE_WRITE);

  g_assert (n_bytes <= MAX_BLOCK);
  if (sftp->n_writes++ == 0)
    sftp->oldest_write = sftp->next_id - 1;
  put_bytes (out, handle->bytes, handle->n_bytes);
  put_u64 (out, offset);
  put_bytes (out, bytes, n_bytes);
  return send_packet (sftp, out, writing, cancellable, error);
}

gboolean
eng_sftp_written (EngSftp *sftp, GCancellable *cancellable, GError **error)
{
  guint8 type;

  g_assert (sftp->n_writes > 0);
  sftp->n_writes--;
  return receive (sftp, sftp->oldest_write++, &type, writing, cancellable, error)
         && take_status (sftp, type, writing, error);
}

gboolean
eng_sftp_close (EngSftp *sftp, const EngSftpHandle *handle, GCancellable *cancellable,
                GError **error)
{
  GByteArray *out = begin (sftp, TYPE_CLOSE);

  put_bytes (out, handle->bytes, handle->n_bytes);
  return request (sftp, out, "closing a file", cancellable, error);
}

static gboolean
set_mode (EngSftp *sftp, const EngSftpHandle *handle, guint32 mode, GCancellable *cancellable,
          GError **error)
{
  GByteArray *out = begin (sftp, TYPE_FSETSTAT);

  put_bytes (out, handle->bytes, handle->n_bytes);
  put_mode (out, mode);
  return request (sftp, out, "setting a file's mode", cancellable, error);
}

static gboolean
sync_file (EngSftp *sftp, const EngSftpHandle *handle, GCancellable *cancellable, GError **error)
{
  if (!sftp->has_fsync)
    return TRUE;
  GByteArray *out = begin (sftp, TYPE_EXTENDED);
  put_text (out, "fsync@openssh.com");
  put_bytes (out, handle->bytes, handle->n_bytes);
  return request (sftp, out, "bringing a file to the disk", cancellable, error);
}

gboolean
eng_sftp_finish (EngSftp *sftp, const EngSftpHandle *handle, guint32 mode,
                 GCancellable *cancellable, GError **error)
{
  return set_mode (sftp, handle, mode, cancellable, error)
         && sync_file (sftp, handle, cancellable, error)
         && eng_sftp_close (sftp, handle, cancellable, error);
}
