/* What only the list of devices does to a device. */
#pragma once

#include "eng-device.h"

G_BEGIN_DECLS

void eng_device_set_saved (EngDevice *device, gboolean saved);
void eng_device_set_evidence (EngDevice *device, const char *evidence);

G_END_DECLS
