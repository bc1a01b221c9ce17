/* The one flag. Called by the writer thread (which sees signals and readers that went away) and by
 * the measuring loops. */
#include "rn-stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_int stop_reason;
static _Atomic (RtExec *) stop_exec;

/* Only what is allowed in a handler: two atomics; rt_exec_cancel() is a third. */
static void
on_signal (int number)
{
  (void)number;
  rn_stop_request (RN_STOP_ASKED);
}

void
rn_stop_take_signals (void)
{
  struct sigaction asked = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
  struct sigaction ignored = { .sa_handler = SIG_IGN };

  sigemptyset (&asked.sa_mask);
  sigaction (SIGTERM, &asked, NULL);
  sigaction (SIGINT, &asked, NULL);
  sigaction (SIGHUP, &asked, NULL);
  sigaction (SIGPIPE, &ignored, NULL);
  sigaction (SIGXFSZ, &ignored, NULL);
}

void
rn_stop_request (RnStop reason)
{
  int none = RN_STOP_NONE;

  atomic_compare_exchange_strong (&stop_reason, &none, (int)reason);
  RtExec *exec = atomic_load (&stop_exec);
  if (exec != NULL)
    rt_exec_cancel (exec);
}

RnStop
rn_stop_reason (void)
{
  return (RnStop)atomic_load (&stop_reason);
}

void
rn_stop_set_exec (RtExec *exec)
{
  atomic_store (&stop_exec, exec);
  if (exec != NULL && rn_stop_reason () != RN_STOP_NONE)
    rt_exec_cancel (exec);
}
