/* The faulty link of test-push.c: every operation is that of a folder link, and counts; the one
 * that the faults name fails. */
#include "faulty-link.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "transports/eng-link-folder.h"

FaultyBoard faulty;

void
faulty_begin (const Faults *faults)
{
  faulty.faults = *faults;
  faulty.n_ops = faulty.n_opened = faulty.n_cuts = faulty.last_pid = 0;
}

EngDevice *
faulty_device_new (void)
{
  return eng_device_new ("test-board", "Test board", &faulty_transport, NULL);
}

typedef struct
{
  EngLink link;
  EngLink *inner;
} FaultyLink;

static gboolean
cut (GError **error)
{
  faulty.n_cuts++;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "the cable was pulled");
  return FALSE;
}

static gboolean
before (GError **error)
{
  faulty.n_ops++;
  return faulty.n_ops != faulty.faults.cut_before || cut (error);
}

static gboolean
after (gboolean ok, GError **error)
{
  return ok && (faulty.n_ops != faulty.faults.cut_after || cut (error));
}

static char *
faulty_machine (EngLink *link, GCancellable *cancellable, GError **error)
{
  if (!before (error))
    return NULL;
  if (faulty.faults.machine != NULL)
    return g_strdup (faulty.faults.machine);
  char *machine = eng_link_machine (((FaultyLink *)link)->inner, cancellable, error);
  if (after (machine != NULL, error))
    return machine;
  g_free (machine);
  return NULL;
}

static gboolean
faulty_size (EngLink *link, const char *name, guint64 *n_bytes, GCancellable *cancellable,
             GError **error)
{
  return before (error)
         && after (eng_link_size (((FaultyLink *)link)->inner, name, n_bytes, cancellable, error),
                   error);
}

typedef struct
{
  EngLinkProgress progress;
  gpointer user_data;
  GCancellable *stop;
} Put;

static void
count_put (guint64 n_done, guint64 n_all, gpointer user_data)
{
  Put *self = user_data;

  if (self->progress != NULL)
    self->progress (n_done, n_all, self->user_data);
  if (faulty.faults.slow_put_us > 0)
    g_usleep (faulty.faults.slow_put_us);
  if (faulty.faults.cut_put > 0 && n_done >= faulty.faults.cut_put)
    g_cancellable_cancel (self->stop);
}

static gboolean
faulty_put (EngLink *link, const char *path, const char *name, gboolean program,
            EngLinkProgress progress, gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr (GCancellable) stop = g_cancellable_new ();
  Put put = { progress, user_data, stop };

  if (!before (error))
    return FALSE;
  if (faulty.faults.n_no_space > 0 && !program)
    {
      faulty.faults.n_no_space--;
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no space left on the card");
      return FALSE;
    }
  gboolean ok = eng_link_put (((FaultyLink *)link)->inner, path, name, program, count_put, &put,
                              stop, error);
  if (g_cancellable_is_cancelled (stop))
    {
      faulty.faults.cut_put = 0;
      g_clear_error (error);
      return cut (error);
    }
  if (ok && faulty.faults.alter && !program)
    {
      g_autofree char *there = g_build_filename (faulty.folder, name, NULL);
      g_autofree char *bytes = NULL;
      gsize n;
      faulty.faults.alter = FALSE;
      g_assert_true (g_file_get_contents (there, &bytes, &n, NULL));
      bytes[n / 2] ^= 1;
      g_assert_true (g_file_set_contents (there, bytes, (gssize)n, NULL));
    }
  return after (ok, error);
}

static gboolean
faulty_remove (EngLink *link, const char *name, GCancellable *cancellable, GError **error)
{
  return before (error)
         && after (eng_link_remove (((FaultyLink *)link)->inner, name, cancellable, error), error);
}

typedef struct
{
  EngLinkData data;
  gpointer user_data;
  guint64 n;
  gboolean was_cut;
} Follow;

static gboolean
pass_on (const char *bytes, gsize n, gpointer user_data)
{
  Follow *self = user_data;
  const char *pid = g_strstr_len (bytes, (gssize)n, "\"pid\":");

  if (pid != NULL)
    faulty.last_pid = atoi (pid + 6);
  if (faulty.faults.garbage != NULL && self->data != NULL && self->n == 0)
    self->data (faulty.faults.garbage, strlen (faulty.faults.garbage), self->user_data);
  if (faulty.faults.kill_after > 0 && self->n + n >= faulty.faults.kill_after
      && faulty.last_pid > 0)
    {
      kill (faulty.last_pid, SIGKILL);
      faulty.faults.kill_after = 0;
    }
  if (faulty.faults.cut_follow > 0 && self->n + n > faulty.faults.cut_follow)
    {
      gsize first = (gsize)(faulty.faults.cut_follow - self->n);
      if (self->data != NULL)
        self->data (bytes, first, self->user_data);
      self->was_cut = TRUE;
      return FALSE;
    }
  self->n += n;
  return self->data == NULL || self->data (bytes, n, self->user_data);
}

static gboolean
faulty_run (EngLink *link, const char *runner, const char *const *args, EngLinkData data,
            gpointer user_data, int *status, GCancellable *cancellable, GError **error)
{
  Follow follow = { data, user_data, 0, FALSE };

  if (!before (error))
    return FALSE;
  gboolean is_follow = g_str_equal (args[0], "follow");
  while (is_follow && faulty.faults.silent)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      g_usleep (10000);
    }
  if (faulty.faults.reading != NULL && g_str_equal (args[0], "hash"))
    data (faulty.faults.reading, strlen (faulty.faults.reading), user_data);
  gboolean ok = eng_link_run (((FaultyLink *)link)->inner, runner, args, is_follow ? pass_on : data,
                              is_follow ? &follow : user_data, status, cancellable, error);
  if (follow.was_cut)
    return cut (error);
  return after (ok, error);
}

static void
faulty_close (EngLink *link)
{
  eng_link_close (((FaultyLink *)link)->inner);
  g_free (link);
}

static const EngLinkClass faulty_class = { .machine = faulty_machine,
                                           .size = faulty_size,
                                           .put = faulty_put,
                                           .remove = faulty_remove,
                                           .run = faulty_run,
                                           .close = faulty_close };

static EngLink *
faulty_open (EngDevice *device, const EngAsk *ask, GCancellable *cancellable, GError **error)
{
  struct utsname about;

  faulty.n_opened++;
  if ((faulty.n_opened > 1 && faulty.faults.n_unreachable > 0)
      || (faulty.faults.gone_after_cut && faulty.n_cuts > 0))
    {
      faulty.faults.n_unreachable--;
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE, "no route to the board");
      return NULL;
    }
  uname (&about);
  FaultyLink *self = g_new0 (FaultyLink, 1);
  self->link.klass = &faulty_class;
  self->inner = eng_link_folder_new (faulty.folder, about.machine, NULL, error);
  g_assert_nonnull (self->inner);
  return &self->link;
}

const EngTransport faulty_transport
    = { .id = "faulty", .title = "Faulty", .can_add = TRUE, .open = faulty_open };
