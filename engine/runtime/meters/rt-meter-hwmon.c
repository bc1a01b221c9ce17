/* Rails that Linux' hardware monitoring class tells: INA219, INA226, INA3221 and their like on
 * boards (Jetson, hats of a Raspberry Pi), ACPI power meters of servers.
 *
 * ROOT/sys/class/hwmon/hwmonN with "name", and of its rails powerK_input or powerK_average
 * (microwatts), energyK_input (microjoules), each with K's "_label". The INA3221 has volts and
 * amperes only: inK_input (millivolts) times currK_input (milliamperes), K = 1..3, "inK_label". The
 * Jetson of before 2021 has it elsewhere:
 * ROOT/sys/bus/i2c/drivers/ina3221x/ADDRESS/iio:deviceN/in_powerK_input (milliwatts), rail_name_K.
 * Documentation/hwmon/sysfs-interface.rst, ina3221.rst and ina2xx.rst in the Linux source; NVIDIA's
 * Jetson developer guides.
 *
 * Rails overlap: one at the board's input holds those behind it. So the total is the first that
 * there is of: rails called ..._IN or total; the ACPI power meter; all rails. What measures a
 * graphics card or a disk is no rail of ours: the engine runs on the processor. */
#include "rt-meter-private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS "sys/class/hwmon"
#define OLD_JETSON "sys/bus/i2c/drivers/ina3221x"

/* One factor, or two that are multiplied. */
typedef struct
{
  char a[512], b[512];
  double scale;
  bool is_machine; /* of an ACPI power meter */
} Rail;

typedef struct
{
  Rail rails[RT_METER_MAX_CHANNELS]; /* in the order of the channels */
} Hwmon;

static const char *const foreign[]
    = { "amdgpu", "i915", "xe", "nouveau", "radeon", "nvme", "drivetemp" };

/* Batteries and chargers are in this class, too: what flows into a battery is not what the machine
 * uses (rt-meter-battery.c knows). */
static bool
is_supply (const char *folder, const char *chip)
{
  char path[1024 + 16], type[32];
  snprintf (path, sizeof path, "%s/device/type", folder);
  return strncmp (chip, "BAT", 3) == 0 || rt_meter_read_line (path, type, sizeof type);
}

static bool
is_foreign (const char *chip)
{
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
    if (strcmp (chip, foreign[i]) == 0)
      return true;
  return false;
}

/* "FOLDER/PREFIXkSUFFIX" */
static bool
make_path (char *path, const char *folder, const char *prefix, int k, const char *suffix)
{
  int n = snprintf (path, 512, "%s/%s%d%s", folder, prefix, k, suffix);
  return n > 0 && n < 512;
}

/* A rail that can be read now. @b NULL: one factor. */
static bool
add_rail (RtMeter *meter, RtMeterQuantity quantity, const char *chip, const char *label,
          const char *a, const char *b, double scale)
{
  Hwmon *self = meter->state;
  double value;
  char name[64];

  if (!rt_meter_try_number (a, &value) || (b != NULL && !rt_meter_try_number (b, &value)))
    return false;
  snprintf (name, sizeof name, "%.60s", label[0] != '\0' ? label : chip);
  if (rt_meter_add_channel (meter, quantity, name) == NULL)
    return false;
  Rail *rail = &self->rails[meter->n_channels - 1];
  snprintf (rail->a, sizeof rail->a, "%s", a);
  snprintf (rail->b, sizeof rail->b, "%s", b != NULL ? b : "");
  rail->scale = scale;
  rail->is_machine = strcmp (chip, "power_meter") == 0;
  return true;
}

static void
read_label (char *label, size_t size, const char *folder, const char *prefix, int k,
            const char *suffix)
{
  char path[512];
  label[0] = '\0';
  if (make_path (path, folder, prefix, k, suffix) && !rt_meter_read_line (path, label, size))
    label[0] = '\0';
}

static void
add_power_and_energy (RtMeter *meter, const char *folder, const char *chip)
{
  char path[512], label[64];

  for (int k = 1; k <= 16; k++)
    {
      read_label (label, sizeof label, folder, "power", k, "_label");
      if (!(make_path (path, folder, "power", k, "_input")
            && add_rail (meter, RT_METER_WATTS, chip, label, path, NULL, 1e-6))
          && make_path (path, folder, "power", k, "_average"))
        add_rail (meter, RT_METER_WATTS, chip, label, path, NULL, 1e-6);
    }
  for (int k = 1; k <= 16; k++)
    {
      read_label (label, sizeof label, folder, "energy", k, "_label");
      /* Counters of single cores are within their socket's. */
      if (strncmp (label, "Ecore", 5) != 0 && make_path (path, folder, "energy", k, "_input"))
        add_rail (meter, RT_METER_JOULES, chip, label, path, NULL, 1e-6);
    }
}

/* What it averages over, in milliseconds. */
static void
take_interval (RtMeter *meter, const char *folder)
{
  static const char *const names[] = { "update_interval", "power1_average_interval" };
  char path[1024 + 32];
  double ms;

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    {
      snprintf (path, sizeof path, "%s/%s", folder, names[i]);
      if (rt_meter_try_number (path, &ms) && ms > 0 && ms < 60e3
          && ms * 1e6 > (double)meter->age_ns)
        meter->age_ns = (uint64_t)(ms * 1e6);
    }
}

static void
add_ina3221 (RtMeter *meter, const char *folder)
{
  char volts[512], amperes[512], enable[512], label[64];

  for (int k = 1; k <= 3; k++)
    {
      double enabled = 1;
      if (make_path (enable, folder, "in", k, "_enable") && rt_meter_try_number (enable, &enabled)
          && enabled == 0)
        continue;
      read_label (label, sizeof label, folder, "in", k, "_label");
      if (make_path (volts, folder, "in", k, "_input")
          && make_path (amperes, folder, "curr", k, "_input"))
        add_rail (meter, RT_METER_WATTS, "ina3221", label, volts, amperes, 1e-6);
    }
}

static void
add_chip (RtMeter *meter, const char *folder, bool *saw_foreign)
{
  char path[1024 + 8], chip[48];
  size_t before = meter->n_channels;

  snprintf (path, sizeof path, "%s/name", folder);
  if (!rt_meter_read_line (path, chip, sizeof chip))
    return;
  if (is_foreign (chip) || is_supply (folder, chip))
    {
      *saw_foreign = true;
      return;
    }
  add_power_and_energy (meter, folder, chip);
  if (meter->n_channels > before)
    take_interval (meter, folder);
  if (meter->n_channels == before && strncmp (chip, "ina3221", 7) == 0)
    {
      add_ina3221 (meter, folder);
      take_interval (meter, folder);
    }
}

static void
add_old_jetson (RtMeter *meter)
{
  char folder[1024], device[1024], path[512], label[64];
  char **addresses, **devices;

  if (!rt_meter_path (folder, meter, OLD_JETSON, NULL))
    return;
  size_t n = rt_meter_list (folder, "", &addresses);
  for (size_t i = 0; i < n; i++)
    {
      if (!rt_meter_path (folder, meter, OLD_JETSON, addresses[i]))
        continue;
      size_t n_devices = rt_meter_list (folder, "iio:device", &devices);
      for (size_t d = 0; d < n_devices; d++)
        for (int k = 0; k < 3; k++)
          {
            int length = snprintf (device, sizeof device, "%s/%s", folder, devices[d]);
            read_label (label, sizeof label, device, "rail_name_", k, "");
            if (length > 0 && (size_t)length < sizeof device
                && make_path (path, device, "in_power", k, "_input"))
              add_rail (meter, RT_METER_WATTS, "ina3221x", label, path, NULL, 1e-3);
          }
      rt_meter_free_list (devices, n_devices);
    }
  rt_meter_free_list (addresses, n);
}

/* ---- Which rails are the total ---- */

/* "VDD_IN", "POM_5V_IN"; "Total System Power" of Apple's boards, "power total" of power
 * supplies. */
static bool
is_input (const char *name)
{
  size_t n = strlen (name);
  return (n > 3 && strcmp (name + n - 3, "_IN") == 0) || strstr (name, "Total") != NULL
         || strstr (name, "total") != NULL;
}

static void
choose_total (RtMeter *meter)
{
  const Hwmon *self = meter->state;
  size_t n_inputs = 0, n_machine = 0;

  for (size_t i = 0; i < meter->n_channels; i++)
    {
      n_inputs += is_input (meter->channels[i].name);
      n_machine += self->rails[i].is_machine;
    }
  for (size_t i = 0; i < meter->n_channels; i++)
    meter->channels[i].in_total = n_inputs > 0    ? is_input (meter->channels[i].name)
                                  : n_machine > 0 ? self->rails[i].is_machine
                                                  : true;
  if (n_inputs > 0)
    snprintf (meter->covers, sizeof meter->covers, "the whole board, at its input");
  else if (n_machine > 0)
    snprintf (meter->covers, sizeof meter->covers, "the whole machine, at its power supply");
  else if (meter->n_channels == 1)
    snprintf (meter->covers, sizeof meter->covers, "the rail %s", meter->channels[0].name);
  else
    snprintf (meter->covers, sizeof meter->covers, "the sum of %zu rails", meter->n_channels);
}

static bool
hwmon_open (RtMeter *meter, RtError *error)
{
  char folder[1024], chip[1024];
  char **names;
  bool saw_foreign = false;

  meter->state = calloc (1, sizeof (Hwmon));
  if (meter->state == NULL || !rt_meter_path (folder, meter, CLASS, NULL))
    return rt_fail (error, RT_ERROR_MEMORY, "no memory for the hwmon meter");
  size_t n = rt_meter_list (folder, "hwmon", &names);
  for (size_t i = 0; i < n; i++)
    if (rt_meter_path (chip, meter, CLASS, names[i]))
      add_chip (meter, chip, &saw_foreign);
  rt_meter_free_list (names, n);
  if (meter->n_channels == 0)
    add_old_jetson (meter);
  if (meter->n_channels == 0)
    return rt_fail (
        error, RT_ERROR_UNSUPPORTED,
        saw_foreign ? "%s has power sensors of graphics cards, disks or batteries only, and the "
                      "engine runs on the processor"
                    : "no sensor in %s tells power or energy: the board has none, or "
                      "its driver (ina2xx, ina3221) is not loaded",
        folder);
  choose_total (meter);
  return true;
}

static bool
hwmon_read (RtMeter *meter, double *values, RtError *error)
{
  const Hwmon *self = meter->state;

  for (size_t i = 0; i < meter->n_channels; i++)
    {
      const Rail *rail = &self->rails[i];
      double factor = 1;
      if (!rt_meter_read_number (rail->a, &values[i], error)
          || (rail->b[0] != '\0' && !rt_meter_read_number (rail->b, &factor, error)))
        return false;
      values[i] *= factor * rail->scale;
    }
  return true;
}

static void
hwmon_close (RtMeter *meter)
{
  free (meter->state);
}

const RtMeterKind rt_meter_hwmon = {
  .id = "hwmon",
  .title = "Sensors of the board's rails (INA219, INA226, INA3221, ACPI)",
  .place_title = "root directory",
  .default_place = "/",
  .attach
  = "A Jetson has them; a Raspberry Pi gets one with an INA219 or INA226 hat and its dtoverlay.",
  .interval_ns = 50000000,
  .age_ns = 50000000, /* the chips average over up to tens of milliseconds */
  .open = hwmon_open,
  .read = hwmon_read,
  .close = hwmon_close,
};
