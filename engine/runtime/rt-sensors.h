/* What the system tells about the processor's state: clock, temperature, throttling. Readings, no
 * judgement; what the system does not tell is unavailable with the reason. One thread at a time. */
#pragma once

#include <stdint.h>

typedef struct RtSensors RtSensors;

/* Looks for sensors below @root ("/", or a recorded tree): milliseconds, once per run. NULL: no
 * memory. */
RtSensors *rt_sensors_new (const char *root);
void rt_sensors_free (RtSensors *sensors); /* accepts NULL */

/* Hz, the mean of a few processors; NAN: unavailable, or it went away. Microseconds each. */
double rt_sensors_read_clock_hz (RtSensors *sensors);
/* Where the clock is read from; NULL: unavailable, and then the reason in words. Static. */
const char *rt_sensors_clock_source (const RtSensors *sensors);
const char *rt_sensors_clock_reason (const RtSensors *sensors);

/* Degrees Celsius of the hottest of the processor's sensors; NAN: unavailable, or it went away. */
double rt_sensors_read_temperature_c (RtSensors *sensors);
/* "x86_pkg_temp"; NULL: unavailable */
const char *rt_sensors_temperature_source (const RtSensors *sensors);
const char *rt_sensors_temperature_reason (const RtSensors *sensors);
/* Where the system begins to slow the processor down; NAN: it does not say. */
double rt_sensors_temperature_limit_c (const RtSensors *sensors);

/* How often the processors throttled for heat since the start of the system, all added; -1: the
 * system does not count. */
int64_t rt_sensors_read_throttle_count (RtSensors *sensors);

/* A Raspberry Pi's word on power and heat (bits of get_throttled: 0 under-voltage, 1 clock capped,
 * 2 throttled, 3 soft temperature limit); -1: not a Pi. */
int64_t rt_sensors_read_pi_flags (RtSensors *sensors);

const char *rt_sensors_governor (const RtSensors *sensors); /* NULL: unavailable */
