/* Preflight for microcontrollers. */
#pragma once

#include "eng-mcu.h"
#include "eng-push.h"

G_BEGIN_DECLS

/* Add what @build takes on the board that @device is: items "operators", "memory", "space" and,
 * where it must be so, "patches". No I/O; milliseconds, more where patches are searched for. */
void eng_mcu_preflight (GPtrArray *items, EngDevice *device, EngBuild *build);

G_END_DECLS
