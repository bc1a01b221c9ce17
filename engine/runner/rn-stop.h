/* What ends a run early, from any thread or signal: one flag, seen between passes, and by the
 * executor within one. */
#pragma once

#include "rt-exec.h"

typedef enum
{
  RN_STOP_NONE,
  RN_STOP_ASKED,  /* a signal, or `stop` */
  RN_STOP_READER, /* nobody reads the telemetry any more */
  RN_STOP_OUTPUT, /* the telemetry cannot be written: the disk is full */
} RnStop;

/* SIGTERM, SIGINT and SIGHUP ask for an end; SIGPIPE and SIGXFSZ become errors of what is
 * written. */
void rn_stop_take_signals (void);
/* The first reason stays. Any thread. */
void rn_stop_request (RnStop reason);
RnStop rn_stop_reason (void);
/* The executor that a request cancels; NULL: none. A request that came before cancels it at
 * once. */
void rn_stop_set_exec (RtExec *exec);
