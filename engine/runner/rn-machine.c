/* Facts of the board from /proc, uname() and the kernels' own choice. Called for the line "board"
 * and by the writer thread for heartbeats; what is not known is null, with the reason where it is a
 * sensor. */
#include "rn-machine.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "kn-cpu.h"
#include "kn-table.h"
#include "rt-caches.h"
#include "rn-meter.h"
#include "rt-pool.h"

/* ---- Memory ---- */

/* "NAME:   123 kB" of a file of such lines, in bytes; 0: not there. */
static uint64_t
read_field (const char *path, const char *name)
{
  FILE *file = fopen (path, "re");
  char line[256];
  uint64_t value = 0;
  size_t n = strlen (name);

  while (file != NULL && fgets (line, sizeof line, file) != NULL)
    if (strncmp (line, name, n) == 0 && line[n] == ':')
      {
        value = strtoull (line + n + 1, NULL, 10) * 1024;
        break;
      }
  if (file != NULL)
    fclose (file);
  return value;
}

/* UINT64_MAX: absent, or "max". */
static uint64_t
read_limit (const char *folder, const char *name)
{
  char path[600], text[40] = "";
  FILE *file;

  snprintf (path, sizeof path, "/sys/fs/cgroup%s/%s", folder, name);
  file = fopen (path, "re");
  if (file == NULL)
    return UINT64_MAX;
  bool is_number = fgets (text, sizeof text, file) != NULL && text[0] >= '0' && text[0] <= '9';
  fclose (file);
  return is_number ? strtoull (text, NULL, 10) : UINT64_MAX;
}

/* What is left of the limits of this process's control group and those above (version 2). */
static uint64_t
group_bytes (void)
{
  char line[512], *end;
  uint64_t least = UINT64_MAX;
  FILE *file = fopen ("/proc/self/cgroup", "re");
  bool found = false;

  while (file != NULL && !found && fgets (line, sizeof line, file) != NULL)
    found = strncmp (line, "0::/", 4) == 0;
  if (file != NULL)
    fclose (file);
  if (!found)
    return least;
  line[strcspn (line, "\n")] = '\0';
  for (;;)
    {
      uint64_t limit = read_limit (line + 3, "memory.max");
      uint64_t used = read_limit (line + 3, "memory.current");
      if (limit != UINT64_MAX && used != UINT64_MAX)
        {
          uint64_t left = limit > used ? limit - used : 1;
          least = left < least ? left : least;
        }
      end = strrchr (line + 3, '/');
      if (end == NULL || end == line + 3)
        return least;
      *end = '\0';
    }
}

uint64_t
rn_available_bytes (void)
{
  uint64_t available = read_field ("/proc/meminfo", "MemAvailable"), group = group_bytes ();

  return available > 0 && group < available ? group : available;
}

/* ---- The board ---- */

/* Arm's numbers of designers and parts, of boards that people have (Arm, "Main ID Register" of each
 * core's reference manual). */
static const char *
arm_part (unsigned implementer, unsigned part)
{
  static const struct
  {
    unsigned part;
    const char *name;
  } parts[] = {
    { 0xd03, "Cortex-A53" },   { 0xd04, "Cortex-A35" },  { 0xd05, "Cortex-A55" },
    { 0xd07, "Cortex-A57" },   { 0xd08, "Cortex-A72" },  { 0xd09, "Cortex-A73" },
    { 0xd0a, "Cortex-A75" },   { 0xd0b, "Cortex-A76" },  { 0xd0c, "Neoverse N1" },
    { 0xd0d, "Cortex-A77" },   { 0xd40, "Neoverse V1" }, { 0xd41, "Cortex-A78" },
    { 0xd42, "Cortex-A78AE" }, { 0xd44, "Cortex-X1" },   { 0xd46, "Cortex-A510" },
    { 0xd47, "Cortex-A710" },  { 0xd49, "Neoverse N2" }, { 0xd4d, "Cortex-A715" },
    { 0xd4f, "Neoverse V2" },  { 0xd80, "Cortex-A520" }, { 0xd81, "Cortex-A720" },
  };

  for (size_t i = 0; implementer == 0x41 && i < sizeof parts / sizeof parts[0]; i++)
    if (parts[i].part == part)
      return parts[i].name;
  return NULL;
}

/* The value of "name\t: value"; NULL: another line. */
static char *
field_of (char *line, const char *name)
{
  size_t n = strlen (name);
  char *colon = strchr (line, ':');

  if (strncmp (line, name, n) != 0 || colon == NULL
      || strspn (line + n, " \t") != (size_t)(colon - line) - n)
    return NULL;
  colon[strcspn (colon, "\n")] = '\0';
  return colon + 1 + strspn (colon + 1, " \t");
}

typedef struct
{
  char name[128]; /* empty: the system does not say */
  bool is_native; /* /proc/cpuinfo is of the kind of processor that this program was built for */
  unsigned implementer, part;
} Cpu;

static void
read_cpu (Cpu *cpu)
{
  FILE *file = fopen ("/proc/cpuinfo", "re");
  char line[4096], *value;

  *cpu = (Cpu){ 0 };
  while (file != NULL && fgets (line, sizeof line, file) != NULL)
    {
#if defined(__x86_64__)
      cpu->is_native |= strncmp (line, "vendor_id", 9) == 0;
      if (cpu->name[0] == '\0' && (value = field_of (line, "model name")) != NULL)
        snprintf (cpu->name, sizeof cpu->name, "%s", value);
#elif defined(__aarch64__)
      if ((value = field_of (line, "CPU implementer")) != NULL)
        {
          cpu->implementer = (unsigned)strtoul (value, NULL, 16);
          cpu->is_native = true;
        }
      if ((value = field_of (line, "CPU part")) != NULL)
        cpu->part = (unsigned)strtoul (value, NULL, 16); /* the last: the big cores of a mixture */
#elif defined(__riscv)
      cpu->is_native |= field_of (line, "hart") != NULL;
      if (cpu->name[0] == '\0' && (value = field_of (line, "uarch")) != NULL)
        snprintf (cpu->name, sizeof cpu->name, "%s", value);
#else
      value = NULL;
      cpu->is_native = true;
#endif
    }
  if (file != NULL)
    fclose (file);
  const char *part = arm_part (cpu->implementer, cpu->part);
  if (cpu->name[0] == '\0' && part != NULL)
    snprintf (cpu->name, sizeof cpu->name, "%s", part);
}

static void
add_sensor (RnLine *line, const char *what, const char *name, const char *reason)
{
  rn_line_open (line, NULL, '{');
  rn_line_string (line, "what", what);
  rn_line_string (line, "name", name);
  rn_line_string (line, "reason", name != NULL ? NULL : reason);
  rn_line_close (line, '}');
}

/* Takes @meter; NULL: why there is none. */
static void
add_meter (RnLine *line, const char *id, RtMeter *meter, const RtError *error)
{
  char text[sizeof error->message + 80];

  snprintf (text, sizeof text, "%s: %s", id,
            meter != NULL ? rt_meter_get_covers (meter) : error->message);
  add_sensor (line, "power", meter != NULL ? text : NULL, text);
  rt_meter_close (meter);
}

/* The meter that was named, and those that can be opened without being told where. */
static void
add_meters (RnLine *line)
{
  size_t n_kinds;
  const RtMeterKind *const *kinds = rt_meter_kinds (&n_kinds);
  RtError error = { 0 };

  if (rn_meter_named () != NULL)
    {
      RtMeter *meter = rn_meter_open (&error);
      add_meter (line, rn_meter_named (), meter, &error);
    }
  for (size_t i = 0; i < n_kinds; i++)
    {
      error = (RtError){ 0 };
      if (kinds[i]->default_place == NULL)
        continue;
      RtMeter *meter = rt_meter_open (kinds[i], NULL, &error);
      add_meter (line, kinds[i]->id, meter, &error);
    }
}

/* Under an emulator sysfs is that of the machine around it: then none is known. */
static void
add_caches (RnLine *line, bool is_native)
{
  RtCache caches[RT_MAX_CACHES];
  size_t n = is_native ? rt_caches_read ("/", caches) : 0;

  rn_line_open (line, "caches", '[');
  for (size_t i = 0; i < n; i++)
    {
      rn_line_open (line, NULL, '{');
      rn_line_uint (line, "level", caches[i].level);
      rn_line_uint (line, "bytes", caches[i].bytes);
      rn_line_uint (line, "n_sharing", caches[i].n_sharing);
      rn_line_close (line, '}');
    }
  rn_line_close (line, ']');
}

static void
add_levels (RnLine *line)
{
  rn_line_open (line, "levels", '[');
  for (KnLevel level = KN_LEVEL_C; level < KN_N_LEVELS; level++)
    if (kn_level_available (level))
      rn_line_string (line, NULL, kn_level_name (level));
  rn_line_close (line, ']');
}

void
rn_machine_fill_board (RnLine *line, RtSensors *sensors, const char *folder)
{
  struct utsname names = { 0 };
  struct statvfs disk;
  char system[sizeof names.sysname + sizeof names.release + 1];
  Cpu cpu;

  uname (&names);
  read_cpu (&cpu);
  snprintf (system, sizeof system, "%s %s", names.sysname, names.release);
  rn_line_string (line, "cpu", cpu.name[0] != '\0' ? cpu.name : NULL);
  rn_line_string (line, "machine", names.machine);
  rn_line_string (line, "isa", kn_level_name (kn_table ()->level));
  rn_line_string (line, "system", system);
  rn_line_uint (line, "n_cpus", rt_n_cpus ());
  rn_line_uint (line, "memory_bytes", read_field ("/proc/meminfo", "MemTotal"));
  rn_line_uint (line, "available_bytes", rn_available_bytes ());
  rn_line_uint (line, "flash_bytes", 0);
  bool has_disk = statvfs (folder, &disk) == 0;
  rn_line_uint (line, "free_bytes", has_disk ? (uint64_t)disk.f_bavail * disk.f_frsize : 0);
  rn_line_number (line, "clock_hz", rt_sensors_read_clock_hz (sensors));
  rn_line_int (line, "time_s", (int64_t)time (NULL)); /* the board's own; nothing is timed by it */
  rn_line_string (line, "governor", rt_sensors_governor (sensors));
  /* An emulator of programs shows the processor of the machine around it. */
  rn_line_bool (line, "emulated", !cpu.is_native);
  add_levels (line);
  add_caches (line, cpu.is_native);
  rn_line_open (line, "sensors", '[');
  add_sensor (line, "clock", rt_sensors_clock_source (sensors), rt_sensors_clock_reason (sensors));
  add_sensor (line, "temperature", rt_sensors_temperature_source (sensors),
              rt_sensors_temperature_reason (sensors));
  add_meters (line);
  rn_line_close (line, ']');
}

/* ---- Heartbeats ---- */

static double
own_cpu_s (void)
{
  struct rusage usage;

  if (getrusage (RUSAGE_SELF, &usage) != 0)
    return NAN;
  return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec
         + 1e-6 * ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec);
}

/* Busy ticks of the processors that this process may use. */
static uint64_t
busy_ticks (uint32_t *n_cpus)
{
  FILE *file = fopen ("/proc/stat", "re");
  char line[512];
  uint64_t busy = 0;
  cpu_set_t allowed;
  bool known = sched_getaffinity (0, sizeof allowed, &allowed) == 0;

  *n_cpus = 0;
  while (file != NULL && fgets (line, sizeof line, file) != NULL && strncmp (line, "cpu", 3) == 0)
    {
      /* user nice system idle iowait irq softirq: idle and iowait are not work */
      static const bool is_work[] = { true, true, true, false, false, true, true };
      char *next, *end;
      if (line[3] < '0' || line[3] > '9') /* the sum of all */
        continue;
      unsigned long cpu = strtoul (line + 3, &next, 10);
      uint64_t ticks = 0;
      size_t n = 0;
      for (; n < sizeof is_work; n++, next = end)
        {
          uint64_t value = strtoull (next, &end, 10);
          if (end == next)
            break;
          ticks += is_work[n] ? value : 0;
        }
      if (n < sizeof is_work || (known && (cpu >= CPU_SETSIZE || !CPU_ISSET (cpu, &allowed))))
        continue;
      busy += ticks;
      (*n_cpus)++;
    }
  if (file != NULL)
    fclose (file);
  return busy;
}

static void
add_use (RnLine *line, RnPulse *pulse)
{
  uint32_t n_cpus;
  uint64_t now = rt_now_ns (), busy = busy_ticks (&n_cpus);
  double own_s = own_cpu_s (), ticks_per_s = (double)sysconf (_SC_CLK_TCK);
  double wall_s = (double)(now - pulse->last_ns) * 1e-9, own = NAN, others = NAN;

  if (pulse->last_ns > 0 && wall_s > 0.3) /* ticks are 10 ms: less says nothing */
    {
      own = (own_s - pulse->last_own_s) / wall_s;
      if (n_cpus > 0 && n_cpus == pulse->last_n_cpus && ticks_per_s > 0)
        others = fmax ((double)(busy - pulse->last_busy_ticks) / ticks_per_s / wall_s - own, 0);
    }
  pulse->last_ns = now;
  pulse->last_busy_ticks = busy;
  pulse->last_own_s = own_s;
  pulse->last_n_cpus = n_cpus;
  rn_line_number (line, "own_cpus", own);
  rn_line_number (line, "others_cpus", others);
}

/* Whether it throttled since the heartbeat before, or throttles now. */
static void
add_throttled (RnLine *line, RnPulse *pulse)
{
  int64_t count = rt_sensors_read_throttle_count (pulse->sensors);
  int64_t flags = rt_sensors_read_pi_flags (pulse->sensors);
  bool more = pulse->last_ns > 0 && count > pulse->last_throttle;

  if (count < 0 && flags < 0)
    rn_line_null (line, "throttled");
  else
    rn_line_bool (line, "throttled", (count >= 0 && more) || (flags > 0 && (flags & 0xf) != 0));
  pulse->last_throttle = count;
}

void
rn_machine_fill_state (RnLine *line, void *data)
{
  RnPulse *pulse = data;

  rn_line_uint (line, "rss_bytes", read_field ("/proc/self/status", "VmRSS"));
  rn_line_uint (line, "peak_rss_bytes", read_field ("/proc/self/status", "VmHWM"));
  rn_line_uint (line, "available_bytes", rn_available_bytes ());
  rn_line_number (line, "clock_hz", rt_sensors_read_clock_hz (pulse->sensors));
  rn_line_number (line, "temperature_c", rt_sensors_read_temperature_c (pulse->sensors));
  add_throttled (line, pulse);
  add_use (line, pulse);
  rn_line_string (line, "stage", pulse->stage (pulse->stage_data));
}
