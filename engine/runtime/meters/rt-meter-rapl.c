/* RAPL: energy counters that the processor keeps of itself, through Linux' powercap class.
 *
 * Below ROOT/sys/class/powercap, a domain is a directory intel-rapl:N (a package, or psys: the
 * whole platform), a part of it intel-rapl:N:M (core, uncore, dram). AMD's processors are found
 * under the same names. "name" says which, "energy_uj" counts microjoules and starts again at 0
 * after "max_energy_range_uj". The total is the packages and their memory: cores are within the
 * package already, psys holds both. Since 2020 energy_uj is readable by root alone (it tells other
 * programs' secrets). Documentation/power/powercap in the Linux source. */
#include "rt-meter-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS "sys/class/powercap"

typedef struct
{
  char paths[RT_METER_MAX_CHANNELS][1024 + 32]; /* of energy_uj */
} Rapl;

static bool
explain (const RtMeter *meter, const char *path, RtError *error)
{
  int reason = errno;
  if (reason == EACCES || reason == EPERM)
    return rt_fail (error, RT_ERROR_IO,
                    "%s may be read by root alone. For this session: sudo chmod a+r "
                    "%s/%s/intel-rapl*/energy_uj. For good, a "
                    "udev rule: SUBSYSTEM==\"powercap\", ACTION==\"add\", RUN+=\"/bin/chmod a+r "
                    "/sys%%p/energy_uj\"",
                    path, strcmp (meter->place, "/") == 0 ? "" : meter->place, CLASS);
  return rt_fail (error, RT_ERROR_IO, "%s cannot be read: %s", path, strerror (reason));
}

/* The whole number of microjoules is less than 2^53: exact. */
static bool
read_uj (const RtMeter *meter, const char *path, double *uj, RtError *error)
{
  char line[64];
  char *end;

  if (!rt_meter_read_line (path, line, sizeof line))
    return explain (meter, path, error);
  *uj = (double)strtoull (line, &end, 10);
  if (end == line || *end != '\0')
    return rt_fail (error, RT_ERROR_FORMAT, "%s holds \"%s\", not a number of microjoules", path,
                    line);
  return true;
}

static bool
add_domain (RtMeter *meter, Rapl *self, const char *directory, RtError *error)
{
  char folder[1024], path[1024 + 32], name[48], title[64];
  double uj, range = 0;

  if (!rt_meter_path (folder, meter, CLASS, directory))
    return true;
  snprintf (path, sizeof path, "%s/name", folder);
  if (!rt_meter_read_line (path, name, sizeof name))
    return true; /* the control type itself ("intel-rapl") has no name */
  snprintf (path, sizeof path, "%s/energy_uj", folder);
  if (!read_uj (meter, path, &uj, error))
    return false;
  /* "intel-rapl:1:0": a part of package 1. */
  const char *package = strchr (directory, ':');
  bool is_part = package != NULL && strchr (package + 1, ':') != NULL;
  if (is_part)
    snprintf (title, sizeof title, "%s-%d", name, atoi (package + 1));
  else
    snprintf (title, sizeof title, "%s", name);

  RtMeterChannel *channel = rt_meter_add_channel (meter, RT_METER_JOULES, title);
  if (channel == NULL)
    return true;
  snprintf (self->paths[meter->n_channels - 1], sizeof self->paths[0], "%s/energy_uj", folder);
  snprintf (path, sizeof path, "%s/max_energy_range_uj", folder);
  if (rt_meter_try_number (path, &range))
    channel->range_j = range * 1e-6;
  channel->in_total = strncmp (name, "package", 7) == 0 || strcmp (name, "dram") == 0;
  return true;
}

static bool
rapl_open (RtMeter *meter, RtError *error)
{
  char folder[1024];
  char **names;
  bool ok = true, has_memory = false;
  size_t n_total = 0;
  Rapl *self = meter->state = calloc (1, sizeof *self);

  if (self == NULL || !rt_meter_path (folder, meter, CLASS, NULL))
    return rt_fail (error, RT_ERROR_MEMORY, "no memory for the RAPL meter");
  size_t n = rt_meter_list (folder, "intel-rapl:", &names);
  for (size_t i = 0; ok && i < n; i++)
    ok = add_domain (meter, self, names[i], error);
  rt_meter_free_list (names, n);
  if (!ok)
    return false;
  for (size_t i = 0; i < meter->n_channels; i++)
    {
      n_total += meter->channels[i].in_total;
      has_memory |= strncmp (meter->channels[i].name, "dram", 4) == 0;
    }
  if (n_total == 0)
    return rt_fail (error, RT_ERROR_UNSUPPORTED,
                    "there are no RAPL counters in %s: the processor has none, the module "
                    "intel_rapl_msr is not "
                    "loaded, or this is a virtual machine that hides them",
                    folder);
  snprintf (meter->covers, sizeof meter->covers,
            has_memory ? "processor packages and their memory"
                       : "processor packages, without memory");
  return true;
}

static bool
rapl_read (RtMeter *meter, double *values, RtError *error)
{
  const Rapl *self = meter->state;

  for (size_t i = 0; i < meter->n_channels; i++)
    {
      if (!read_uj (meter, self->paths[i], &values[i], error))
        return false;
      values[i] *= 1e-6;
    }
  return true;
}

static void
rapl_close (RtMeter *meter)
{
  free (meter->state);
}

const RtMeterKind rt_meter_rapl = {
  .id = "rapl",
  .title = "RAPL, the processor's own counters",
  .place_title = "root directory",
  .default_place = "/",
  .attach = "Most x86 processors since 2011 have them; a virtual machine usually hides them.",
  .interval_ns = 50000000,
  .age_ns = 1000000, /* the counters are brought up to date about every millisecond */
  .open = rapl_open,
  .read = rapl_read,
  .close = rapl_close,
};
