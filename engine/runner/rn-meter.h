/* The power meter that a run uses. */
#pragma once

#include "meters/rt-meter.h"

/* The one that $LATHE_METER names, KIND[:PLACE], or else the first kind that can be opened at its
 * usual place. NULL: none; @error says why the named one cannot be opened, and is empty without
 * one. */
RtMeter *rn_meter_open (RtError *error);
/* $LATHE_METER; NULL: not set. */
const char *rn_meter_named (void);
