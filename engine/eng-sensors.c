/* Clock, temperature and throttling from sysfs, below a root directory, so that tests can use a
 * recorded tree. Called by the watch during runs and by `lathe devices`; must not know what a run
 * is.
 *
 * Names of files: Documentation/ABI/testing/sysfs-devices-system-cpu and sysfs-class-thermal,
 * Documentation/hwmon/sysfs-interface of the Linux kernel. */
#include "eng-sensors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rt-clock.h"
#include "rt-pool.h"

/* Reading a clock may interrupt the processor that is asked: a few are enough. */
#define MAX_CLOCKS 4
#define MAX_CPUS 1024
#define MAX_ZONES 64

struct _EngSensors
{
  char *root;
  char *governor;
  GPtrArray *clocks;       /* char *: files in kHz */
  gboolean timed_clock;    /* no files: a chain of multiplications is timed */
  GPtrArray *temperatures; /* char *: files in thousandths of a degree */
  char *temperature_name;  /* of the first */
  double limit_c;
  GPtrArray *throttles; /* char *: files that count */
  char *pi_flags;       /* file; NULL: not a Pi */
};

static char *
read_text (const char *path)
{
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? g_strstrip (text) : NULL;
}

/* NAN: absent or not a number. */
static double
read_number (const char *path)
{
  g_autofree char *text = read_text (path);
  char *end = NULL;
  double value = text != NULL ? g_ascii_strtod (text, &end) : NAN;

  return text != NULL && end != text ? value : NAN;
}

static char *under_root (const EngSensors *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

static char *
under_root (const EngSensors *self, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *path = g_strdup_vprintf (format, args);
  va_end (args);
  return g_build_filename (self->root, path, NULL);
}

/* ---- Looking for them ---- */

static void
find_clocks (EngSensors *self)
{
  for (guint cpu = 0; cpu < MAX_CPUS; cpu++)
    {
      g_autofree char *folder = under_root (self, "sys/devices/system/cpu/cpu%u", cpu);
      g_autofree char *clock = g_build_filename (folder, "cpufreq/scaling_cur_freq", NULL);
      g_autofree char *count
          = g_build_filename (folder, "thermal_throttle/core_throttle_count", NULL);
      if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
        break;
      if (self->clocks->len < MAX_CLOCKS && isfinite (read_number (clock)))
        g_ptr_array_add (self->clocks, g_steal_pointer (&clock));
      if (isfinite (read_number (count)))
        g_ptr_array_add (self->throttles, g_steal_pointer (&count));
    }
}

/* What processors' sensors are called: by x86 packages, AMD's and Intel's hwmon drivers, Arm
 * boards. */
static gboolean
is_processor (const char *name)
{
  static const char *const names[]
      = { "x86_pkg_temp", "coretemp", "k10temp",         "zenpower", "cpu",
          "soc",          "CPU",      "bcm2835_thermal", "Tctl" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strstr (name, names[i]) != NULL)
      return TRUE;
  return FALSE;
}

static void
add_temperature (EngSensors *self, const char *name, char *path)
{
  if (self->temperatures->len == 0)
    self->temperature_name = g_strdup (name);
  g_ptr_array_add (self->temperatures, path);
}

/* The lowest trip point at which the kernel cools by slowing down. */
static void
read_trips (EngSensors *self, const char *zone)
{
  for (guint i = 0; i < 16; i++)
    {
      g_autofree char *type_path = g_strdup_printf ("%s/trip_point_%u_type", zone, i);
      g_autofree char *path = g_strdup_printf ("%s/trip_point_%u_temp", zone, i);
      g_autofree char *type = read_text (type_path);
      double limit = read_number (path) * 1e-3;
      if (type == NULL)
        break;
      if ((g_str_equal (type, "passive") || g_str_equal (type, "hot")) && limit > 0
          && !(self->limit_c <= limit))
        self->limit_c = limit;
    }
}

static void
find_zones (EngSensors *self)
{
  for (guint i = 0; i < MAX_ZONES; i++)
    {
      g_autofree char *zone = under_root (self, "sys/class/thermal/thermal_zone%u", i);
      g_autofree char *type_path = g_build_filename (zone, "type", NULL);
      g_autofree char *path = g_build_filename (zone, "temp", NULL);
      g_autofree char *type = read_text (type_path);
      if (type == NULL || !is_processor (type) || !isfinite (read_number (path)))
        continue;
      add_temperature (self, type, g_steal_pointer (&path));
      read_trips (self, zone);
    }
}

/* temp1_input is the package on coretemp and Tctl on k10temp; temp1_crit, where there is one, is
 * where it protects itself. */
static void
find_hwmon (EngSensors *self)
{
  for (guint i = 0; i < MAX_ZONES; i++)
    {
      g_autofree char *folder = under_root (self, "sys/class/hwmon/hwmon%u", i);
      g_autofree char *name_path = g_build_filename (folder, "name", NULL);
      g_autofree char *path = g_build_filename (folder, "temp1_input", NULL);
      g_autofree char *limit_path = g_build_filename (folder, "temp1_crit", NULL);
      g_autofree char *name = read_text (name_path);
      if (name == NULL || !is_processor (name) || !isfinite (read_number (path)))
        continue;
      add_temperature (self, name, g_steal_pointer (&path));
      double limit = read_number (limit_path) * 1e-3;
      if (limit > 0 && !(self->limit_c <= limit))
        self->limit_c = limit;
    }
}

static gboolean
can_time_clock (void)
{
#if defined(__x86_64__)
  return TRUE;
#else
  return FALSE;
#endif
}

EngSensors *
eng_sensors_new (const char *root)
{
  g_return_val_if_fail (root != NULL, NULL);

  EngSensors *self = g_new0 (EngSensors, 1);
  self->root = g_strdup (root);
  self->limit_c = NAN;
  self->clocks = g_ptr_array_new_with_free_func (g_free);
  self->temperatures = g_ptr_array_new_with_free_func (g_free);
  self->throttles = g_ptr_array_new_with_free_func (g_free);
  find_clocks (self);
  find_zones (self);
  if (self->temperatures->len == 0)
    find_hwmon (self);
  /* A recorded tree has no processor to time. */
  self->timed_clock = self->clocks->len == 0 && g_str_equal (root, "/") && can_time_clock ();

  g_autofree char *governor
      = under_root (self, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  self->governor = read_text (governor);
  g_autofree char *flags = under_root (self, "sys/devices/platform/soc/soc:firmware/get_throttled");
  if (g_file_test (flags, G_FILE_TEST_EXISTS))
    self->pi_flags = g_steal_pointer (&flags);
  return self;
}

void
eng_sensors_free (EngSensors *self)
{
  if (self == NULL)
    return;
  g_free (self->root);
  g_free (self->governor);
  g_free (self->temperature_name);
  g_free (self->pi_flags);
  g_ptr_array_unref (self->clocks);
  g_ptr_array_unref (self->temperatures);
  g_ptr_array_unref (self->throttles);
  g_free (self);
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
  guint64 best = G_MAXUINT64;

  for (int attempt = 0; attempt < CHAIN_TRIES; attempt++)
    {
      guint64 x = 3, start = rt_now_ns ();
      for (int i = 0; i < CHAIN_ROUNDS; i++)
        __asm__ volatile("imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0"
                         : "+r"(x)
                         :
                         : "cc");
      best = MIN (best, rt_now_ns () - start);
    }
  return CHAIN_ROUNDS * 16.0 * CHAIN_CYCLES * 1e9 / (double)MAX (best, 1);
}
#else
static double
time_clock (void)
{
  return NAN;
}
#endif

double
eng_sensors_read_clock_hz (EngSensors *self)
{
  double sum = 0;

  if (self->timed_clock)
    return time_clock ();
  for (guint i = 0; i < self->clocks->len; i++)
    sum += 1e3 * read_number (self->clocks->pdata[i]);
  return self->clocks->len > 0 ? sum / self->clocks->len : NAN;
}

const char *
eng_sensors_get_clock_source (EngSensors *self)
{
  return self->clocks->len > 0 ? "cpufreq" : self->timed_clock ? "timed multiplications" : NULL;
}

const char *
eng_sensors_get_clock_reason (EngSensors *self)
{
  return eng_sensors_get_clock_source (self) != NULL
             ? NULL
             : "this system shows no clock (no cpufreq in sysfs)";
}

double
eng_sensors_read_temperature_c (EngSensors *self)
{
  double hottest = NAN;

  for (guint i = 0; i < self->temperatures->len; i++)
    {
      double c = read_number (self->temperatures->pdata[i]) * 1e-3;
      if (isfinite (c) && !(hottest >= c))
        hottest = c;
    }
  return hottest;
}

const char *
eng_sensors_get_temperature_source (EngSensors *self)
{
  return self->temperature_name;
}

const char *
eng_sensors_get_temperature_reason (EngSensors *self)
{
  return self->temperature_name != NULL ? NULL
                                        : "this system shows no temperature of the processor (no "
                                          "thermal zone, no hwmon sensor)";
}

double
eng_sensors_get_temperature_limit_c (EngSensors *self)
{
  return self->limit_c;
}

gint64
eng_sensors_read_throttle_count (EngSensors *self)
{
  double sum = 0;

  for (guint i = 0; i < self->throttles->len; i++)
    {
      double count = read_number (self->throttles->pdata[i]);
      sum += isfinite (count) ? count : 0;
    }
  return self->throttles->len > 0 ? (gint64)sum : -1;
}

gint64
eng_sensors_read_pi_flags (EngSensors *self)
{
  g_autofree char *text = self->pi_flags != NULL ? read_text (self->pi_flags) : NULL;

  if (text == NULL)
    return -1;
  const char *digits = g_str_has_prefix (text, "0x") ? text + 2 : text;
  return (gint64)(g_ascii_strtoull (digits, NULL, 16) & 0xf);
}

const char *
eng_sensors_get_governor (EngSensors *self)
{
  return self->governor;
}
