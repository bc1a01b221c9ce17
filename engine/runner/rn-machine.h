/* What the board is and how it is just now: the lines "board" and "state". */
#pragma once

#include "rn-line.h"
#include "rt-sensors.h"

/* Bytes of the board's memory that a program may take now: what the kernel says is available, or
 * what is left of the control group's limit, whichever is less; 0: not known. */
uint64_t rn_available_bytes (void);

/* Members of "board"; @folder: where builds go, for its free bytes. A few milliseconds. */
void rn_machine_fill_board (RnLine *line, RtSensors *sensors, const char *folder);

/* Heartbeats: what changed since the one before. */
typedef struct
{
  RtSensors *sensors;
  const char *(*stage) (void *data);
  void *stage_data;

  uint64_t last_ns, last_busy_ticks;
  double last_own_s;
  int64_t last_throttle;
  uint32_t last_n_cpus;
} RnPulse;

/* Members of "state", @data: RnPulse. Some 100 microseconds. */
void rn_machine_fill_state (RnLine *line, void *data);
