/* The part of a board's details that says what the build on screen is expected to take there, once
 * the board was calibrated, and calibrates it. What goes on and what was found belong to the
 * device, so widgets can be made anew at any time. Main thread only. */
#pragma once

#include <gtk/gtk.h>

#include "devices/eng-board-calibration.h"
#include "devices/eng-device.h"
#include "eng-build.h"
#include "eng-job.h"

G_BEGIN_DECLS

/* Whether @device can be calibrated: a board that answered, and is not this computer. */
gboolean app_device_calibration_applies (EngDevice *device);
/* A new widget for @device. @build (nullable): what is expected of it. */
GtkWidget *app_device_calibration_new (EngDevice *device, EngBuild *build);
/* Borrowed; NULL: the device was not calibrated. */
EngBoardCalibration *app_device_calibration_get (EngDevice *device);

/* @job calibrates @device; "win.calibrate-device" says so. */
void app_device_calibration_begin (EngDevice *device, EngJob *job);
/* It ended: takes @calibration, or keeps why there is none. */
void app_device_calibration_take (EngDevice *device, EngBoardCalibration *calibration,
                                  const GError *error);

G_END_DECLS
