/* Copying a file to the board. It grows under the name "<name>.part" and gets its own when it is
 * complete; a part that an earlier try left is gone on with, after its end was compared with the
 * file here. Called by the transport; the names are its caller's. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eng-sftp.h"

#define BLOCK_BYTES 32768
#define N_IN_FLIGHT 64               /* 2 MiB: what OpenSSH takes without a pause */
#define TAIL_BYTES (8 * BLOCK_BYTES) /* of a part are compared */
#define PROGRESS_US 50000

typedef struct
{
  EngSsh *ssh;
  int fd;
  const char *path, *name;
  char *target, *part; /* absolute, on the board */
  guint64 n_bytes, n_there;
  gboolean program;
  EngLinkProgress progress;
  gpointer user_data;
  gint64 reported_us;
  GCancellable *cancellable;
} Put;

/* ---- The folder ---- */

/* A connection of before may be in the middle of something: after a failure it is not used
 * again. */
static void
drop_sftp (EngSsh *ssh)
{
  g_clear_pointer (&ssh->sftp, eng_sftp_free);
}

static gboolean
refuse_folder (EngSsh *ssh, const char *path, const GError *why, GCancellable *cancellable,
               GError **error)
{
  EngSftpSpace space;
  g_autofree char *home = g_path_get_dirname (path);

  if (eng_sftp_space (ssh->sftp, home, &space, cancellable, NULL) && space.read_only)
    return eng_ssh_error (ssh, error, G_IO_ERROR_PERMISSION_DENIED,
                          "%s is on a file system that is mounted read-only, so nothing can be "
                          "copied there. Make it writable (sudo mount -o remount,rw ...) or log in "
                          "as a user whose home is writable",
                          home);
  return eng_ssh_error (ssh, error,
                        why->code == G_IO_ERROR_NOT_FOUND ? G_IO_ERROR_PERMISSION_DENIED
                                                          : (GIOErrorEnum)why->code,
                        "the folder %s cannot be made (%s). Check who owns %s, and that this user "
                        "may write there",
                        path, why->message, home);
}

/* TRUE: it is there, or was made; FALSE where something else is in its place or it is refused. */
static gboolean
make_folder (EngSsh *ssh, const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local = NULL;
  EngSftpInfo info;

  if (eng_sftp_stat (ssh->sftp, path, &info, cancellable, &local))
    return (info.mode & S_IFMT) == S_IFDIR || info.mode == 0
           || eng_ssh_error (ssh, error, G_IO_ERROR_PERMISSION_DENIED,
                             "%s is there and is no folder: move it away", path);
  if (!g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_clear_error (&local);
  if (eng_sftp_mkdir (ssh->sftp, path, 0700, cancellable, &local))
    return TRUE;
  if (eng_link_error_is_lost (local) || g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  return refuse_folder (ssh, path, local, cancellable, error);
}

static gboolean
find_folder (EngSsh *ssh, GCancellable *cancellable, GError **error)
{
  g_autofree char *home = eng_sftp_real_path (ssh->sftp, ".", cancellable, error);

  if (home == NULL)
    return FALSE;
  g_autofree char *cache = g_build_path ("/", home, ".cache", NULL);
  g_autofree char *folder = g_build_path ("/", cache, "lathe", NULL);
  if (!make_folder (ssh, cache, cancellable, error)
      || !make_folder (ssh, folder, cancellable, error))
    return FALSE;
  ssh->folder = g_steal_pointer (&folder);
  return TRUE;
}

gboolean
eng_ssh_prepare_folder (EngSsh *ssh, GCancellable *cancellable, GError **error)
{
  if (ssh->sftp == NULL)
    ssh->sftp = eng_sftp_new (ssh, cancellable, error);
  if (ssh->sftp == NULL)
    return FALSE;
  if (ssh->folder != NULL || find_folder (ssh, cancellable, error))
    return TRUE;
  drop_sftp (ssh);
  return FALSE;
}

/* ---- What is there already ---- */

/* Whether the last bytes of the part are those of the file here. */
static gboolean
compare_tail (Put *put, gboolean *same, GError **error)
{
  EngSftp *sftp = put->ssh->sftp;
  const gsize n = (gsize)MIN (put->n_there, TAIL_BYTES);
  const guint64 from = put->n_there - n;
  g_autofree char *here = g_malloc (MAX (n, 1));
  g_autofree char *there = g_malloc (MAX (n, 1));
  EngSftpHandle handle;
  gsize n_read;

  if (!eng_sftp_open (sftp, put->part, ENG_SFTP_READ, 0600, &handle, put->cancellable, error)
      || !eng_sftp_read (sftp, &handle, from, there, n, &n_read, put->cancellable, error)
      || !eng_sftp_close (sftp, &handle, put->cancellable, error))
    return FALSE;
  *same = n_read == n && pread (put->fd, here, n, (off_t)from) == (gssize)n
          && memcmp (here, there, n) == 0;
  return TRUE;
}

/* How much of it is good: in n_there, 0: begin anew. */
static gboolean
look_for_part (Put *put, GError **error)
{
  g_autoptr (GError) local = NULL;
  EngSftpInfo info;
  gboolean same = FALSE;

  put->n_there = 0;
  if (!eng_sftp_stat (put->ssh->sftp, put->part, &info, put->cancellable, &local))
    {
      if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (info.n_bytes == 0 || info.n_bytes > put->n_bytes)
    return TRUE;
  put->n_there = info.n_bytes;
  if (!compare_tail (put, &same, error))
    return FALSE;
  if (!same)
    put->n_there = 0;
  return TRUE;
}

/* ---- Space ---- */

static gboolean
no_space (Put *put, guint64 free_bytes, GError **error)
{
  g_autofree char *free_text = g_format_size (free_bytes);
  g_autofree char *need = g_format_size (put->n_bytes - put->n_there);

  return eng_ssh_error (put->ssh, error, G_IO_ERROR_NO_SPACE,
                        "no space for %s: it needs %s more in %s, and %s are free. Remove what is "
                        "not needed there (lathe devices can clean up its own folder)",
                        put->name, need, put->ssh->folder, free_text);
}

static gboolean
check_space (Put *put, GError **error)
{
  g_autoptr (GError) local = NULL;
  EngSftpSpace space;

  if (!eng_sftp_space (put->ssh->sftp, put->ssh->folder, &space, put->cancellable, &local))
    {
      if (local == NULL)
        return TRUE; /* it cannot tell: then writing will */
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (space.read_only)
    return eng_ssh_error (
        put->ssh, error, G_IO_ERROR_PERMISSION_DENIED,
        "%s is on a file system that is mounted read-only, so %s cannot be copied "
        "there. Make it writable: sudo mount -o remount,rw ...",
        put->ssh->folder, put->name);
  return space.free_bytes >= put->n_bytes - put->n_there || no_space (put, space.free_bytes, error);
}

/* SFTP has no code for a full disk: a write that fails for no reason given is asked after, and a
 * part that filled the disk is taken away, so that the board can breathe. */
static gboolean
explain_failed_write (Put *put, GError *local, GError **error)
{
  g_autoptr (GError) own = local;
  EngSftpSpace space;

  drop_sftp (put->ssh);
  if (!g_error_matches (own, G_IO_ERROR, G_IO_ERROR_FAILED) || !ssh_is_connected (put->ssh->session)
      || !eng_ssh_prepare_folder (put->ssh, put->cancellable, NULL)
      || !eng_sftp_space (put->ssh->sftp, put->ssh->folder, &space, put->cancellable, NULL)
      || space.free_bytes >= BLOCK_BYTES * N_IN_FLIGHT)
    {
      g_propagate_error (error, g_steal_pointer (&own));
      return FALSE;
    }
  EngSftpInfo info = { 0 };
  if (eng_sftp_stat (put->ssh->sftp, put->part, &info, put->cancellable, NULL))
    put->n_there = MIN (info.n_bytes, put->n_bytes);
  no_space (put, space.free_bytes, error);
  eng_sftp_remove (put->ssh->sftp, put->part, put->cancellable, NULL);
  return FALSE;
}

/* ---- The bytes ---- */

static void
report (Put *put, guint64 n_done)
{
  const gint64 now_us = g_get_monotonic_time ();

  if (now_us - put->reported_us < PROGRESS_US && n_done < put->n_bytes)
    return;
  put->reported_us = now_us;
  g_autofree char *done = g_format_size (n_done);
  g_autofree char *all = g_format_size (put->n_bytes);
  eng_ssh_said (put->ssh, "had taken %s of %s of %s", done, all, put->name);
  if (put->progress != NULL)
    put->progress (n_done, put->n_bytes, put->user_data);
}

static gboolean
read_here (Put *put, guint64 offset, char *bytes, gsize n_bytes, GError **error)
{
  for (gsize n = 0; n < n_bytes;)
    {
      const gssize got = pread (put->fd, bytes + n, n_bytes - n, (off_t)(offset + n));
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
                       "%s cannot be read any more: %s. Nothing is wrong with the board", put->path,
                       got < 0 ? g_strerror (errno) : "it has become shorter");
          return FALSE;
        }
      n += (gsize)got;
    }
  return TRUE;
}

/* Many blocks are on their way at once; what counts as done is what was acknowledged. */
static gboolean
send_blocks (Put *put, const EngSftpHandle *handle, GError **error)
{
  char block[BLOCK_BYTES];
  guint64 sent = put->n_there, done = put->n_there;

  report (put, done);
  while (done < put->n_bytes)
    if (sent < put->n_bytes && sent - done < (guint64)BLOCK_BYTES * N_IN_FLIGHT)
      {
        const gsize n = (gsize)MIN (put->n_bytes - sent, BLOCK_BYTES);
        if (!read_here (put, sent, block, n, error)
            || !eng_sftp_write (put->ssh->sftp, handle, sent, block, n, put->cancellable, error))
          return FALSE;
        sent += n;
      }
    else
      {
        if (!eng_sftp_written (put->ssh->sftp, put->cancellable, error))
          return FALSE;
        done = MIN (done + BLOCK_BYTES, put->n_bytes);
        report (put, done);
      }
  return TRUE;
}

static gboolean
copy (Put *put, GError **error)
{
  EngSftp *sftp = put->ssh->sftp;
  const EngSftpFlags flags
      = ENG_SFTP_WRITE | ENG_SFTP_CREATE | (put->n_there == 0 ? ENG_SFTP_TRUNCATE : 0);
  EngSftpHandle handle;
  GError *local = NULL;

  if (!check_space (put, error)
      || !eng_sftp_open (sftp, put->part, flags, 0600, &handle, put->cancellable, error))
    return FALSE;
  if (send_blocks (put, &handle, &local)
      && eng_sftp_finish (sftp, &handle, put->program ? 0700 : 0600, put->cancellable, &local))
    return eng_sftp_rename (sftp, put->part, put->target, put->cancellable, error);
  return explain_failed_write (put, local, error);
}

static gboolean
open_here (Put *put, GError **error)
{
  struct stat info;

  put->fd = open (put->path, O_RDONLY | O_CLOEXEC);
  if (put->fd < 0 || fstat (put->fd, &info) != 0 || !S_ISREG (info.st_mode))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s cannot be copied: %s", put->path,
                   put->fd < 0 ? g_strerror (errno) : "it is not a file");
      return FALSE;
    }
  put->n_bytes = (guint64)info.st_size;
  return TRUE;
}

gboolean
eng_ssh_put (EngSsh *ssh, const char *path, const char *name, gboolean program,
             EngLinkProgress progress, gpointer user_data, GCancellable *cancellable,
             GError **error)
{
  Put put = { .ssh = ssh,
              .fd = -1,
              .path = path,
              .name = name,
              .program = program,
              .progress = progress,
              .user_data = user_data,
              .cancellable = cancellable };

  gboolean ok = open_here (&put, error) && eng_ssh_prepare_folder (ssh, cancellable, error);
  if (ok)
    {
      put.target = g_build_path ("/", ssh->folder, name, NULL);
      put.part = g_strconcat (put.target, ".part", NULL);
      ok = look_for_part (&put, error) && copy (&put, error);
    }
  if (!ok)
    drop_sftp (ssh);
  if (put.fd >= 0)
    close (put.fd);
  g_free (put.target);
  g_free (put.part);
  return ok;
}
