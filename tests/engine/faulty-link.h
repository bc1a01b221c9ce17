/* A link that fails in every way a link can fail, onto a board that is a folder of this
 * computer. */
#pragma once

#include "eng-device.h"
#include "eng-transport.h"

G_BEGIN_DECLS

/* What goes wrong; all members 0: nothing. */
typedef struct
{
  int cut_before, cut_after; /* the operation of this number (from 1) fails before or after it is
                              * done */
  guint64 cut_put;           /* the copy is cut after so many bytes, once */
  gulong slow_put_us;        /* every piece of a copy takes so long */
  const char *reading;       /* comes before the sums of files */
  guint64 cut_follow;        /* the telemetry is cut after so many bytes, every time */
  int n_no_space;            /* copies that find the disk full */
  int n_unreachable;         /* openings that fail, from the second on */
  const char *machine;       /* the board says that it is this */
  const char *garbage;       /* stands before every piece of telemetry that comes */
  guint64 kill_after;        /* the runner is killed after so many bytes of telemetry */
  gboolean silent;           /* following brings nothing and does not end */
  gboolean alter;            /* what was copied is another file afterwards, once */
  gboolean gone_after_cut;   /* after the cut, the board is never seen again */
  gboolean short_patience;   /* the studio waits two seconds, not twenty */
} Faults;

/* The one board and what became of it; tests set and read it. */
typedef struct
{
  Faults faults;
  int n_ops, n_opened, n_cuts; /* since faulty_begin() */
  int last_pid;                /* of the runner; 0: it has not said it */
  char *folder;                /* the board; links make it */
} FaultyBoard;

extern FaultyBoard faulty;
extern const EngTransport faulty_transport;

EngDevice *faulty_device_new (void); /* that board as a device */

/* From here on @faults happen, and is counted. */
void faulty_begin (const Faults *faults);

G_END_DECLS
