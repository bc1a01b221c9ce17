/* Clock, temperature and throttling from sysfs, below a root directory, so that tests can use a
 * recorded tree. Called by the runner, and through engine/eng-sensors.h by the studio; must not
 * know what a run is.
 *
 * Names of files: Documentation/ABI/testing/sysfs-devices-system-cpu and sysfs-class-thermal,
 * Documentation/hwmon/sysfs-interface of the Linux kernel. */
#include "rt-sensors.h"

#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rt-pool.h"

/* Reading a clock may interrupt the processor that is asked: a few are enough. */
#define MAX_CLOCKS 4
#define MAX_CPUS 1024
#define MAX_ZONES 64

typedef struct
{
  char **paths;
  uint32_t n;
} Paths;

struct RtSensors
{
  char *root; /* without a slash at the end */
  char *governor;
  Paths clocks;           /* files in kHz */
  bool timed_clock;       /* no files: a chain of multiplications is timed */
  Paths temperatures;     /* files in thousandths of a degree */
  char *temperature_name; /* of the first */
  double limit_c;
  Paths throttles; /* files that count */
  char *pi_flags;  /* file; NULL: not a Pi */
};

/* ---- Small files ---- */

/* What is in a file of one line, without the white space around it. */
static bool
read_text (const char *path, char text[128])
{
  int fd = path != NULL ? open (path, O_RDONLY | O_CLOEXEC) : -1;
  ssize_t n = fd >= 0 ? read (fd, text, 127) : -1;
  size_t skip;

  if (fd >= 0)
    close (fd);
  if (n < 0)
    return false;
  text[n] = '\0';
  while (n > 0 && strchr (" \t\r\n", text[n - 1]) != NULL)
    text[--n] = '\0';
  skip = strspn (text, " \t\r\n");
  memmove (text, text + skip, (size_t)n - skip + 1);
  return true;
}

/* NAN: absent or not a number. Such files hold integers, so no locale matters. */
static double
read_number (const char *path)
{
  char text[128], *end = text;

  if (!read_text (path, text))
    return NAN;
  long long value = strtoll (text, &end, 10);
  return end != text ? (double)value : NAN;
}

static char *make_path (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/* NULL: no memory, which every reader takes for a file that is absent. */
static char *
make_path (const char *format, ...)
{
  va_list args;
  char *path = NULL;

  va_start (args, format);
  if (vasprintf (&path, format, args) < 0)
    path = NULL;
  va_end (args);
  return path;
}

static bool
exists (const char *path)
{
  struct stat info;
  return path != NULL && stat (path, &info) == 0;
}

/* Keep @path, or free it. */
static void
paths_take (Paths *paths, char *path, bool keep)
{
  char **more = keep ? realloc (paths->paths, (paths->n + 1) * sizeof *more) : NULL;

  if (more == NULL)
    {
      free (path);
      return;
    }
  paths->paths = more;
  more[paths->n++] = path;
}

static void
paths_clear (Paths *paths)
{
  for (uint32_t i = 0; i < paths->n; i++)
    free (paths->paths[i]);
  free (paths->paths);
}

/* ---- Looking for them ---- */

static void
find_clocks (RtSensors *self)
{
  for (uint32_t cpu = 0; cpu < MAX_CPUS; cpu++)
    {
      char *folder = make_path ("%s/sys/devices/system/cpu/cpu%u", self->root, cpu);
      bool is_there = exists (folder);
      if (is_there)
        {
          char *clock = make_path ("%s/cpufreq/scaling_cur_freq", folder);
          char *count = make_path ("%s/thermal_throttle/core_throttle_count", folder);
          paths_take (&self->clocks, clock,
                      self->clocks.n < MAX_CLOCKS && isfinite (read_number (clock)));
          paths_take (&self->throttles, count, isfinite (read_number (count)));
        }
      free (folder);
      if (!is_there)
        break;
    }
}

/* What processors' sensors are called: by x86 packages, AMD's and Intel's hwmon drivers, Arm and
 * RISC-V boards. */
static bool
is_processor (const char *name)
{
  static const char *const names[]
      = { "x86_pkg_temp", "coretemp", "k10temp",         "zenpower", "cpu",
          "soc",          "CPU",      "bcm2835_thermal", "Tctl" };

  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strstr (name, names[i]) != NULL)
      return true;
  return false;
}

/* Takes @path. */
static bool
add_temperature (RtSensors *self, const char *type_path, char *path)
{
  char name[128];
  bool keep = read_text (type_path, name) && is_processor (name) && isfinite (read_number (path));
  uint32_t n_before = self->temperatures.n;

  paths_take (&self->temperatures, path, keep);
  if (self->temperatures.n > n_before && n_before == 0)
    self->temperature_name = strdup (name);
  return self->temperatures.n > n_before;
}

static void
add_limit (RtSensors *self, double limit_c)
{
  if (limit_c > 0 && !(self->limit_c <= limit_c))
    self->limit_c = limit_c;
}

/* The lowest trip point at which the kernel cools by slowing down. */
static void
read_trips (RtSensors *self, const char *zone)
{
  bool more = true;

  for (uint32_t i = 0; more && i < 16; i++)
    {
      char type[128];
      char *type_path = make_path ("%s/trip_point_%u_type", zone, i);
      char *path = make_path ("%s/trip_point_%u_temp", zone, i);
      more = read_text (type_path, type);
      if (more && (strcmp (type, "passive") == 0 || strcmp (type, "hot") == 0))
        add_limit (self, read_number (path) * 1e-3);
      free (type_path);
      free (path);
    }
}

static void
find_zones (RtSensors *self)
{
  for (uint32_t i = 0; i < MAX_ZONES; i++)
    {
      char *zone = make_path ("%s/sys/class/thermal/thermal_zone%u", self->root, i);
      char *type_path = make_path ("%s/type", zone != NULL ? zone : "");
      if (add_temperature (self, type_path, make_path ("%s/temp", zone != NULL ? zone : "")))
        read_trips (self, zone);
      free (type_path);
      free (zone);
    }
}

/* temp1_input is the package on coretemp and Tctl on k10temp; temp1_crit, where there is one, is
 * where it protects itself. */
static void
find_hwmon (RtSensors *self)
{
  for (uint32_t i = 0; i < MAX_ZONES; i++)
    {
      char *name_path = make_path ("%s/sys/class/hwmon/hwmon%u/name", self->root, i);
      char *limit_path = make_path ("%s/sys/class/hwmon/hwmon%u/temp1_crit", self->root, i);
      char *path = make_path ("%s/sys/class/hwmon/hwmon%u/temp1_input", self->root, i);
      if (add_temperature (self, name_path, path))
        add_limit (self, read_number (limit_path) * 1e-3);
      free (name_path);
      free (limit_path);
    }
}

static bool
can_time_clock (void)
{
#if defined(__x86_64__)
  return true;
#else
  return false;
#endif
}

RtSensors *
rt_sensors_new (const char *root)
{
  RtSensors *self = calloc (1, sizeof *self);
  char text[128];
  size_t n = strlen (root);

  if (self == NULL || (self->root = strdup (root)) == NULL)
    {
      free (self);
      return NULL;
    }
  while (n > 0 && self->root[n - 1] == '/')
    self->root[--n] = '\0';
  self->limit_c = NAN;
  find_clocks (self);
  find_zones (self);
  if (self->temperatures.n == 0)
    find_hwmon (self);
  /* A recorded tree has no processor to time. */
  self->timed_clock = self->clocks.n == 0 && n == 0 && can_time_clock ();

  char *governor
      = make_path ("%s/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", self->root);
  if (read_text (governor, text) && text[0] != '\0')
    self->governor = strdup (text);
  free (governor);
  char *flags = make_path ("%s/sys/devices/platform/soc/soc:firmware/get_throttled", self->root);
  if (exists (flags))
    self->pi_flags = flags;
  else
    free (flags);
  return self;
}

void
rt_sensors_free (RtSensors *self)
{
  if (self == NULL)
    return;
  paths_clear (&self->clocks);
  paths_clear (&self->temperatures);
  paths_clear (&self->throttles);
  free (self->root);
  free (self->governor);
  free (self->temperature_name);
  free (self->pi_flags);
  free (self);
}

/* ---- Reading ---- */

#if defined(__x86_64__)
/* A virtual machine shows no clock, and the rate of its time-stamp counter is not it. A chain of
 * 64-bit multiplications takes 3 cycles each on every x86 core since 2008 (Fog, Instruction tables:
 * IMUL r64, r64), so that its time gives the clock; the quickest of a few, because an interrupt
 * only lengthens it. About 20 microseconds of one processor. */
#define CHAIN_CYCLES 3
#define CHAIN_ROUNDS 500
#define CHAIN_TRIES 3

static double
time_clock (void)
{
  uint64_t best = UINT64_MAX;

  for (int attempt = 0; attempt < CHAIN_TRIES; attempt++)
    {
      uint64_t x = 3, start = rt_now_ns ();
      for (int i = 0; i < CHAIN_ROUNDS; i++)
        __asm__ volatile("imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0"
                         : "+r"(x)
                         :
                         : "cc");
      uint64_t taken = rt_now_ns () - start;
      best = taken < best ? taken : best;
    }
  return CHAIN_ROUNDS * 16.0 * CHAIN_CYCLES * 1e9 / (double)(best > 0 ? best : 1);
}
#else
static double
time_clock (void)
{
  return NAN;
}
#endif

double
rt_sensors_read_clock_hz (RtSensors *self)
{
  double sum = 0;

  if (self->timed_clock)
    return time_clock ();
  for (uint32_t i = 0; i < self->clocks.n; i++)
    sum += 1e3 * read_number (self->clocks.paths[i]);
  return self->clocks.n > 0 ? sum / self->clocks.n : NAN;
}

const char *
rt_sensors_clock_source (const RtSensors *self)
{
  return self->clocks.n > 0 ? "cpufreq" : self->timed_clock ? "timed multiplications" : NULL;
}

const char *
rt_sensors_clock_reason (const RtSensors *self)
{
  return rt_sensors_clock_source (self) != NULL
             ? NULL
             : "this system shows no clock (no cpufreq in sysfs)";
}

double
rt_sensors_read_temperature_c (RtSensors *self)
{
  double hottest = NAN;

  for (uint32_t i = 0; i < self->temperatures.n; i++)
    {
      double c = read_number (self->temperatures.paths[i]) * 1e-3;
      if (isfinite (c) && !(hottest >= c))
        hottest = c;
    }
  return hottest;
}

const char *
rt_sensors_temperature_source (const RtSensors *self)
{
  return self->temperature_name;
}

const char *
rt_sensors_temperature_reason (const RtSensors *self)
{
  return self->temperature_name != NULL ? NULL
                                        : "this system shows no temperature of the processor (no "
                                          "thermal zone, no hwmon sensor)";
}

double
rt_sensors_temperature_limit_c (const RtSensors *self)
{
  return self->limit_c;
}

int64_t
rt_sensors_read_throttle_count (RtSensors *self)
{
  double sum = 0;

  for (uint32_t i = 0; i < self->throttles.n; i++)
    {
      double count = read_number (self->throttles.paths[i]);
      sum += isfinite (count) ? count : 0;
    }
  return self->throttles.n > 0 ? (int64_t)sum : -1;
}

int64_t
rt_sensors_read_pi_flags (RtSensors *self)
{
  char text[128];

  if (!read_text (self->pi_flags, text))
    return -1;
  return (int64_t)(strtoull (text, NULL, 16) & 0xf);
}

const char *
rt_sensors_governor (const RtSensors *self)
{
  return self->governor;
}
