/* The link of boards that are folders here: copying is copying, running is a child process. Used by
 * the transports local and virtual, and by tests that wrap it in faults. Knows nothing of builds or
 * telemetry. */
#include "transports/eng-link-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define PIECE_BYTES (1 << 20)
#define MAX_COMPLAINT_BYTES 2000
#define LOOK_MS 100

typedef struct
{
  EngLink link;
  char *folder, *machine, *emulator;
} FolderLink;

static gboolean
fail_errno (GError **error, int code, const char *what, const char *path)
{
  g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (code), "Could not %s %s: %s", what,
               path, g_strerror (code));
  return FALSE;
}

static char *
folder_machine (EngLink *link, GCancellable *cancellable, GError **error)
{
  return g_strdup (((FolderLink *)link)->machine);
}

static gboolean
folder_size (EngLink *link, const char *name, guint64 *n_bytes, GCancellable *cancellable,
             GError **error)
{
  g_autofree char *path = g_build_filename (((FolderLink *)link)->folder, name, NULL);
  GStatBuf about;

  *n_bytes = G_MAXUINT64;
  if (g_stat (path, &about) == 0)
    *n_bytes = (guint64)about.st_size;
  else if (errno != ENOENT)
    return fail_errno (error, errno, "look at", path);
  return TRUE;
}

static gboolean
write_all (int fd, const char *bytes, gsize n)
{
  while (n > 0)
    {
      ssize_t n_written = write (fd, bytes, n);
      if (n_written < 0 && errno == EINTR)
        continue;
      if (n_written <= 0)
        return FALSE;
      bytes += n_written;
      n -= (gsize)n_written;
    }
  return TRUE;
}

/* From where @part ends to the end of @from. */
static gboolean
copy_rest (int from, int to, guint64 n_all, const char *part, EngLinkProgress progress,
           gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autofree char *piece = g_malloc (PIECE_BYTES);
  off_t n_done = lseek (to, 0, SEEK_END);

  if (n_done < 0 || (guint64)n_done > n_all)
    n_done = 0;
  if (ftruncate (to, n_done) != 0 || lseek (to, n_done, SEEK_SET) < 0
      || lseek (from, n_done, SEEK_SET) < 0)
    return fail_errno (error, errno, "go on with", part);
  for (;;)
    {
      if (progress != NULL)
        progress ((guint64)n_done, n_all, user_data);
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      ssize_t n = read (from, piece, PIECE_BYTES);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return fail_errno (error, errno, "read what goes to", part);
      if (n == 0)
        break;
      if (!write_all (to, piece, (gsize)n))
        return fail_errno (error, errno, "write", part);
      n_done += n;
    }
  if (fsync (to) != 0)
    return fail_errno (error, errno, "write", part);
  return TRUE;
}

static gboolean
folder_put (EngLink *link, const char *path, const char *name, gboolean program,
            EngLinkProgress progress, gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autofree char *to = g_build_filename (((FolderLink *)link)->folder, name, NULL);
  g_autofree char *part = g_strconcat (to, ".part", NULL);
  struct stat about;
  int in = open (path, O_RDONLY | O_CLOEXEC);

  if (in < 0 || fstat (in, &about) != 0)
    {
      fail_errno (error, errno, "read", path);
      if (in >= 0)
        close (in);
      return FALSE;
    }
  int out = open (part, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  gboolean ok = out >= 0 || fail_errno (error, errno, "write", part);
  ok = ok
       && copy_rest (in, out, (guint64)about.st_size, part, progress, user_data, cancellable,
                     error);
  if (ok && fchmod (out, program ? 0700 : 0600) != 0)
    ok = fail_errno (error, errno, "set the permissions of", part);
  if (out >= 0)
    close (out);
  close (in);
  if (ok && g_rename (part, to) != 0)
    ok = fail_errno (error, errno, "write", to);
  return ok;
}

static gboolean
folder_remove (EngLink *link, const char *name, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (((FolderLink *)link)->folder, name, NULL);
  return g_unlink (path) == 0 || fail_errno (error, errno, "remove", path);
}

/* ---- Running ---- */

typedef struct
{
  GPid pid;
  int out, err; /* -1: closed */
  gboolean ended;
  int status;
  GString *complaint; /* its standard error, the beginning */
} Child;

/* What is there on @fd. FALSE: nothing more will come. */
static gboolean
read_some (int fd, char *bytes, gsize n_max, gsize *n)
{
  ssize_t got = read (fd, bytes, n_max);
  *n = got > 0 ? (gsize)got : 0;
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

static void
look_at_child (Child *child)
{
  if (!child->ended && waitpid (child->pid, &child->status, WNOHANG) == child->pid)
    child->ended = TRUE;
}

/* One look at both pipes. FALSE: @data had enough. */
static gboolean
read_pipes (Child *child, EngLinkData data, gpointer user_data)
{
  struct pollfd fds[2] = { { child->out, POLLIN, 0 }, { child->err, POLLIN, 0 } };
  char bytes[16384];
  gsize n;

  if (poll (fds, 2, LOOK_MS) <= 0)
    return TRUE;
  if (fds[1].revents != 0)
    {
      if (!read_some (child->err, bytes, sizeof bytes, &n))
        {
          close (child->err);
          child->err = -1;
        }
      else if (child->complaint->len < MAX_COMPLAINT_BYTES)
        g_string_append_len (child->complaint, bytes, (gssize)n);
    }
  if (fds[0].revents != 0)
    {
      if (!read_some (child->out, bytes, sizeof bytes, &n))
        {
          close (child->out);
          child->out = -1;
        }
      else if (n > 0 && data != NULL)
        return data (bytes, n, user_data);
    }
  return TRUE;
}

/* Until it ended and its pipes are empty. A process that it left behind may hold the pipes open:
 * after its end, a look that finds nothing is the last. */
static gboolean
wait_for_child (Child *child, EngLinkData data, gpointer user_data, GCancellable *cancellable,
                GError **error)
{
  gboolean enough = FALSE;

  while (!enough)
    {
      gboolean was_ended = child->ended;
      if (child->out >= 0 || child->err >= 0)
        {
          gint64 before = g_get_monotonic_time ();
          enough = !read_pipes (child, data, user_data);
          if (was_ended && g_get_monotonic_time () - before > (LOOK_MS - 10) * 1000)
            break;
        }
      else if (was_ended)
        break;
      else
        g_usleep (2000);
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      look_at_child (child);
    }
  return TRUE;
}

static gboolean
folder_run (EngLink *link, const char *runner, const char *const *args, EngLinkData data,
            gpointer user_data, int *status, GCancellable *cancellable, GError **error)
{
  FolderLink *self = (FolderLink *)link;
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *path = g_build_filename (self->folder, runner, NULL);
  g_autoptr (GError) local = NULL;
  Child child = { .complaint = g_string_new (NULL) };

  if (self->emulator != NULL)
    g_ptr_array_add (argv, self->emulator);
  g_ptr_array_add (argv, path);
  for (guint i = 0; args[i] != NULL; i++)
    g_ptr_array_add (argv, (gpointer)args[i]);
  g_ptr_array_add (argv, NULL);
  if (!g_spawn_async_with_pipes (self->folder, (char **)argv->pdata, NULL,
                                 G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &child.pid, NULL,
                                 &child.out, &child.err, &local))
    {
      g_string_free (child.complaint, TRUE);
      g_set_error (error, G_IO_ERROR,
                   g_error_matches (local, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT)
                       ? G_IO_ERROR_NOT_FOUND
                   : g_error_matches (local, G_SPAWN_ERROR, G_SPAWN_ERROR_ACCES)
                       ? G_IO_ERROR_PERMISSION_DENIED
                       : G_IO_ERROR_FAILED,
                   "The runner could not be started: %s", local->message);
      return FALSE;
    }
  gboolean ok = wait_for_child (&child, data, user_data, cancellable, error);
  if (!child.ended)
    {
      kill (child.pid, SIGKILL);
      while (waitpid (child.pid, &child.status, 0) < 0 && errno == EINTR)
        continue;
    }
  if (child.out >= 0)
    close (child.out);
  if (child.err >= 0)
    close (child.err);
  int code = WIFEXITED (child.status) ? WEXITSTATUS (child.status) : 128 + WTERMSIG (child.status);
  if (status != NULL)
    *status = code;
  /* 126, 127: what shells and emulators end with when there is no program or it is for another
   * machine */
  if (ok && child.ended && (code == 126 || code == 127))
    {
      g_autofree char *said = g_utf8_make_valid (g_strstrip (child.complaint->str), -1);
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The runner could not be started%s%s",
                   *said != '\0' ? ": " : "", said);
      ok = FALSE;
    }
  g_string_free (child.complaint, TRUE);
  g_spawn_close_pid (child.pid);
  return ok;
}

static void
folder_close (EngLink *link)
{
  FolderLink *self = (FolderLink *)link;

  g_free (self->folder);
  g_free (self->machine);
  g_free (self->emulator);
  g_free (self);
}

static const EngLinkClass folder_class = {
  .machine = folder_machine,
  .size = folder_size,
  .put = folder_put,
  .remove = folder_remove,
  .run = folder_run,
  .close = folder_close,
};

EngLink *
eng_link_folder_new (const char *folder, const char *machine, const char *emulator, GError **error)
{
  g_return_val_if_fail (folder != NULL && machine != NULL, NULL);

  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      fail_errno (error, errno, "make the folder", folder);
      return NULL;
    }
  FolderLink *self = g_new0 (FolderLink, 1);
  self->link.klass = &folder_class;
  self->folder = g_strdup (folder);
  self->machine = g_strdup (machine);
  self->emulator = g_strdup (emulator);
  return &self->link;
}

char *
eng_link_folder_of (const char *id)
{
  return g_build_filename (g_get_user_cache_dir (), "lathe", "boards", id, NULL);
}
