/* The runtime's sensors (engine/runtime/rt-sensors.c), under the studio's names: a board reads the
 * same files with the same code. Called by the watch during runs and by `lathe devices`. */
#include "eng-sensors.h"

#include "rt-sensors.h"

static RtSensors *
inner (EngSensors *self)
{
  return (RtSensors *)self;
}

EngSensors *
eng_sensors_new (const char *root)
{
  g_return_val_if_fail (root != NULL, NULL);

  RtSensors *self = rt_sensors_new (root);
  g_assert (self != NULL); /* out of memory, which GLib ends a program for, too */
  return (EngSensors *)self;
}

void
eng_sensors_free (EngSensors *self)
{
  rt_sensors_free (inner (self));
}

double
eng_sensors_read_clock_hz (EngSensors *self)
{
  return rt_sensors_read_clock_hz (inner (self));
}

const char *
eng_sensors_get_clock_source (EngSensors *self)
{
  return rt_sensors_clock_source (inner (self));
}

const char *
eng_sensors_get_clock_reason (EngSensors *self)
{
  return rt_sensors_clock_reason (inner (self));
}

double
eng_sensors_read_temperature_c (EngSensors *self)
{
  return rt_sensors_read_temperature_c (inner (self));
}

const char *
eng_sensors_get_temperature_source (EngSensors *self)
{
  return rt_sensors_temperature_source (inner (self));
}

const char *
eng_sensors_get_temperature_reason (EngSensors *self)
{
  return rt_sensors_temperature_reason (inner (self));
}

double
eng_sensors_get_temperature_limit_c (EngSensors *self)
{
  return rt_sensors_temperature_limit_c (inner (self));
}

gint64
eng_sensors_read_throttle_count (EngSensors *self)
{
  return rt_sensors_read_throttle_count (inner (self));
}

gint64
eng_sensors_read_pi_flags (EngSensors *self)
{
  return rt_sensors_read_pi_flags (inner (self));
}

const char *
eng_sensors_get_governor (EngSensors *self)
{
  return rt_sensors_governor (inner (self));
}
