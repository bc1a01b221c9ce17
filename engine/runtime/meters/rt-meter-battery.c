/* A battery that is being emptied, from Linux' power_supply class: ROOT/sys/class/power_supply/NAME
 * with "type" Battery, "status", and "power_now" (microwatts) or "current_now" (microamperes) and
 * "voltage_now" (microvolts). It sees the whole computer, screen included, and only while it alone
 * feeds it: on mains it says so instead of a number. Documentation/ABI/testing/sysfs-class-power in
 * the Linux source. */
#include "rt-meter-private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS "sys/class/power_supply"

typedef struct
{
  char folders[RT_METER_MAX_CHANNELS][512];
} Battery;

static bool
read_file (const char *folder, const char *name, char *line, size_t size)
{
  char path[1024];
  snprintf (path, sizeof path, "%s/%s", folder, name);
  return rt_meter_read_line (path, line, size);
}

static bool
read_micro (const char *folder, const char *name, double *value)
{
  char path[1024];
  snprintf (path, sizeof path, "%s/%s", folder, name);
  if (!rt_meter_try_number (path, value))
    return false;
  *value = fabs (*value) * 1e-6; /* some drivers count discharging as negative */
  return true;
}

static bool
read_watts (const char *folder, double *watts)
{
  double amperes, volts;
  if (read_micro (folder, "power_now", watts))
    return true;
  if (!read_micro (folder, "current_now", &amperes) || !read_micro (folder, "voltage_now", &volts))
    return false;
  *watts = amperes * volts;
  return true;
}

/* Every battery's watts. Several: at least one must be emptied and none charged; a full one beside
 * it gives nothing. */
static bool
battery_read (RtMeter *meter, double *values, RtError *error)
{
  const Battery *self = meter->state;
  bool discharging = false;
  char status[32] = "";

  for (size_t i = 0; i < meter->n_channels; i++)
    {
      const char *folder = self->folders[i];
      if (!read_file (folder, "status", status, sizeof status))
        return rt_fail (error, RT_ERROR_IO, "the battery %s is gone or cannot be read", folder);
      if (strcmp (status, "Charging") == 0)
        break;
      values[i] = 0;
      if (strcmp (status, "Discharging") != 0)
        continue;
      discharging = true;
      if (!read_watts (folder, &values[i]))
        return rt_fail (error, RT_ERROR_UNSUPPORTED,
                        "%s has neither power_now nor current_now and voltage_now: this battery "
                        "does not tell its power",
                        folder);
    }
  if (!discharging || strcmp (status, "Charging") == 0)
    return rt_fail (
        error, RT_ERROR_UNSUPPORTED,
        "the battery says \"%s\": on mains it measures nothing. Unplug the power supply", status);
  return true;
}

static bool
battery_open (RtMeter *meter, RtError *error)
{
  char folder[1024], path[1024];
  char **names;
  double values[RT_METER_MAX_CHANNELS];
  Battery *self = meter->state = calloc (1, sizeof *self);

  if (self == NULL || !rt_meter_path (folder, meter, CLASS, NULL))
    return rt_fail (error, RT_ERROR_MEMORY, "no memory for the battery meter");
  size_t n = rt_meter_list (folder, "", &names);
  for (size_t i = 0; i < n; i++)
    {
      char type[32], scope[32] = "System";
      if (!rt_meter_path (path, meter, CLASS, names[i]) || strlen (path) >= sizeof self->folders[0]
          || !read_file (path, "type", type, sizeof type) || strcmp (type, "Battery") != 0)
        continue;
      /* A mouse's battery feeds the mouse. */
      if (read_file (path, "scope", scope, sizeof scope) && strcmp (scope, "Device") == 0)
        continue;
      RtMeterChannel *channel = rt_meter_add_channel (meter, RT_METER_WATTS, names[i]);
      if (channel == NULL)
        break;
      channel->in_total = true;
      strcpy (self->folders[meter->n_channels - 1], path);
    }
  rt_meter_free_list (names, n);
  if (meter->n_channels == 0)
    return rt_fail (error, RT_ERROR_UNSUPPORTED, "there is no battery in %s", folder);
  snprintf (meter->covers, sizeof meter->covers, "the whole computer, screen included");
  return battery_read (meter, values, error);
}

static void
battery_close (RtMeter *meter)
{
  free (meter->state);
}

const RtMeterKind rt_meter_battery = {
  .id = "battery",
  .title = "Battery, while it is being emptied",
  .place_title = "root directory",
  .default_place = "/",
  .attach
  = "A notebook has one: unplug its power supply. Long runs only: most report every few seconds.",
  .interval_ns = 500000000,
  .age_ns = 2000000000, /* gauges average over seconds and are read out by firmware */
  .open = battery_open,
  .read = battery_read,
  .close = battery_close,
};
