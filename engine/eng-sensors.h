/* What the system tells about the processor's state: clock, temperature, throttling. Readings, no
 * judgement; what the system does not tell is unavailable with the reason. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _EngSensors EngSensors;

/* Looks for sensors below @root ("/", or a recorded tree): milliseconds, once per run. */
EngSensors *eng_sensors_new (const char *root);
void eng_sensors_free (EngSensors *sensors); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngSensors, eng_sensors_free)

/* Hz, the mean of a few processors; NAN: unavailable, or it went away. Microseconds each. */
double eng_sensors_read_clock_hz (EngSensors *sensors);
/* Where the clock is read from; NULL: unavailable, and then the reason in words. Static or the
 * sensors' own. */
const char *eng_sensors_get_clock_source (EngSensors *sensors);
const char *eng_sensors_get_clock_reason (EngSensors *sensors);

/* Degrees Celsius of the hottest of the processor's sensors; NAN: unavailable, or it went away. */
double eng_sensors_read_temperature_c (EngSensors *sensors);
/* "x86_pkg_temp"; NULL: unavailable */
const char *eng_sensors_get_temperature_source (EngSensors *sensors);
const char *eng_sensors_get_temperature_reason (EngSensors *sensors);
/* Where the system begins to slow the processor down; NAN: it does not say. */
double eng_sensors_get_temperature_limit_c (EngSensors *sensors);

/* How often the processors throttled for heat since the start of the system, all added; -1: the
 * system does not count. */
gint64 eng_sensors_read_throttle_count (EngSensors *sensors);

/* A Raspberry Pi's word on power and heat (bits of get_throttled: 0 under-voltage, 1 clock capped,
 * 2 throttled, 3 soft temperature limit); -1: not a Pi. */
gint64 eng_sensors_read_pi_flags (EngSensors *sensors);

const char *eng_sensors_get_governor (EngSensors *sensors); /* NULL: unavailable */

G_END_DECLS
