/* An operation that must not hang: it gets a cancellable of its own, which fires when nothing moved
 * for too long, or when the job is cancelled. Private to push. */
#pragma once

#include "eng-transport.h"

G_BEGIN_DECLS

typedef struct
{
  GCancellable *cancellable; /* for the operation */
  GCancellable *outer;       /* the job's; NULL: none */
  gulong handler;
  GThread *thread;
  GMutex mutex; /* guards what follows */
  GCond cond;
  gint64 last_us, limit_us;
  gboolean done, fired;
  gboolean paused; /* somebody is asked something: people take their time */
} EngWatchdog;

void eng_watchdog_begin (EngWatchdog *watchdog, GCancellable *outer, double limit_s);
/* Any thread: something moved. */
void eng_watchdog_feed (EngWatchdog *watchdog);
/* Any thread: time does not count until it does again. */
void eng_watchdog_pause (EngWatchdog *watchdog, gboolean paused);
/* Open a link under it; questions to a person pause it. */
EngLink *eng_watchdog_open (EngWatchdog *watchdog, EngDevice *device, const EngAsk *ask,
                            GError **error);
/* TRUE: it fired, so the operation's CANCELLED was a time out. */
gboolean eng_watchdog_end (EngWatchdog *watchdog);

G_END_DECLS
