/* What a build is expected to take on calibrated boards: worked out on workers, kept with the
 * device for the newest build, for everything in the window that shows it. Main thread only. */
#pragma once

#include <glib-object.h>

#include "devices/eng-board-expect.h"

G_BEGIN_DECLS

/* Borrowed until anything else is asked of @device; NULL: it is not calibrated, or nothing is known
 * yet; or, with *@reason (borrowed; @reason nullable), nothing can be said. */
const EngBoardForecast *app_device_expect_get (EngDevice *device, EngBuild *build,
                                               const char **reason);
/* Begin to work it out, if the device is calibrated and that was not done for @build. @done
 * (@object) when there is an answer, unless @object is gone by then. */
void app_device_expect (EngDevice *device, EngBuild *build, GObject *object,
                        void (*done) (gpointer object));
/* The device was calibrated anew. */
void app_device_expect_forget (EngDevice *device);

/* "~42.8 ms (23.7 ms to 77.2 ms)", of a step or an inference; "unavailable: why". New. */
char *app_device_expect_format (const EngBoardExpected *expected);
/* The same of what one asks for first: an inference, or a token; NULL: there is none. New. */
char *app_device_expect_dup_line (const EngBoardForecast *forecast);

G_END_DECLS
