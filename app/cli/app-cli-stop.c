/* Ctrl-C ends a run early, with the figures that there are; a second one ends the program. */

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "app-cli-private.h"

static int pipe_fds[2] = { -1, -1 };

static void
on_interrupt (int number)
{
  int saved = errno;
  ssize_t n = write (pipe_fds[1], "x", 1);

  (void) n;
  errno = saved;
}

/* Cancelling runs callbacks: not the work of a signal handler. */
static gpointer
wait_for_interrupt (gpointer cancellable)
{
  char byte;

  while (read (pipe_fds[0], &byte, 1) < 0 && errno == EINTR)
    ;
  g_cancellable_cancel (cancellable);
  g_object_unref (cancellable);
  return NULL;
}

GCancellable *
app_cli_stop_on_interrupt (void)
{
  GCancellable *cancellable = g_cancellable_new ();
  struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int) SA_RESETHAND };

  if (pipe (pipe_fds) == 0)
    {
      g_thread_unref (g_thread_new ("interrupt", wait_for_interrupt, g_object_ref (cancellable)));
      sigaction (SIGINT, &action, NULL);
    }
  return cancellable;
}
