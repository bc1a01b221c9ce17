/* What this computer is, read from /proc and /sys. Called when a run is recorded, by the devices
 * pane and by the command line.
 *
 * Everything is read below a root directory, so that tests can use a recorded tree. Roofs are
 * measured in eng-roof.c. */

#include "eng-machine-private.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "kn-cpu.h"
#include "kn-table.h"

static char *
read_file (const EngMachine *self, const char *path)
{
  g_autofree char *full = g_build_filename (self->root, path, NULL);
  char *text = NULL;

  if (!g_file_get_contents (full, &text, NULL, NULL))
    return NULL;
  return g_strstrip (text);
}

/* The value of the first "key : value" line of a /proc file. */
static char *
find_line (const char *text, const char *key)
{
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *colon = strchr (lines[i], ':');

      if (colon == NULL)
        continue;
      *colon = '\0';
      if (strcmp (g_strstrip (lines[i]), key) == 0)
        return g_strdup (g_strstrip (colon + 1));
    }
  return NULL;
}

/* x86 names the processor in /proc/cpuinfo; Arm boards name the board in the device tree. */
static char *
read_cpu_name (EngMachine *self, const char *cpuinfo)
{
  char *name = find_line (cpuinfo, "model name");

  if (name == NULL)
    name = read_file (self, "sys/firmware/devicetree/base/model");
  if (name == NULL)
    name = find_line (cpuinfo, "Model");
  return name != NULL ? name : g_strdup ("unknown processor");
}

static guint64
read_memory_bytes (EngMachine *self)
{
  g_autofree char *meminfo = read_file (self, "proc/meminfo");
  g_autofree char *total = find_line (meminfo, "MemTotal");

  return total != NULL ? g_ascii_strtoull (total, NULL, 10) * 1024 : 0;
}

static double
read_clock_hz (EngMachine *self, const char *cpuinfo)
{
  g_autofree char *khz = read_file (self, "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq");
  g_autofree char *mhz = find_line (cpuinfo, "cpu MHz");

  if (khz != NULL)
    return g_ascii_strtod (khz, NULL) * 1e3;
  return mhz != NULL ? g_ascii_strtod (mhz, NULL) * 1e6 : 0;
}

static guint
count_cpus (void)
{
  cpu_set_t set;

  if (sched_getaffinity (0, sizeof set, &set) == 0)
    return (guint)CPU_COUNT (&set);
  return g_get_num_processors ();
}

EngMachine *
eng_machine_new_at (const char *root)
{
  EngMachine *self = g_new0 (EngMachine, 1);
  g_autofree char *cpuinfo = NULL;

  g_return_val_if_fail (root != NULL, NULL);

  self->root = g_strdup (root);
  cpuinfo = read_file (self, "proc/cpuinfo");
  self->cpu = read_cpu_name (self, cpuinfo);
  self->n_cpus = count_cpus ();
  self->memory_bytes = read_memory_bytes (self);
  self->n_caches = (guint)rt_caches_read (root, self->caches);
  for (guint i = 0; i < self->n_caches; i++)
    self->cache_bytes = MAX (self->cache_bytes, self->caches[i].bytes);
  self->governor = read_file (self, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  self->clock_hz = read_clock_hz (self, cpuinfo);
  return self;
}

EngMachine *
eng_machine_new_of_caches (const EngCache *caches, guint n_caches)
{
  EngMachine *self = g_new0 (EngMachine, 1);

  g_return_val_if_fail (n_caches <= G_N_ELEMENTS (self->caches), NULL);

  self->root = g_strdup ("");
  self->n_caches = n_caches;
  for (guint i = 0; i < n_caches; i++)
    {
      self->caches[i] = caches[i];
      self->cache_bytes = MAX (self->cache_bytes, caches[i].bytes);
    }
  return self;
}

EngMachine *
eng_machine_new (void)
{
  return eng_machine_new_at ("/");
}

void
eng_machine_free (EngMachine *self)
{
  if (self == NULL)
    return;
  g_free (self->root);
  g_free (self->cpu);
  g_free (self->governor);
  g_free (self);
}

const char *
eng_machine_get_cpu (EngMachine *self)
{
  return self->cpu;
}

const char *
eng_machine_get_isa (EngMachine *self)
{
  return kn_level_name (kn_table ()->level);
}

guint
eng_machine_get_n_cpus (EngMachine *self)
{
  return self->n_cpus;
}

guint64
eng_machine_get_memory_bytes (EngMachine *self)
{
  return self->memory_bytes;
}

const char *
eng_machine_get_governor (EngMachine *self)
{
  return self->governor;
}

double
eng_machine_get_clock_hz (EngMachine *self)
{
  return self->clock_hz;
}

guint64
eng_machine_get_cache_bytes (EngMachine *self)
{
  return self->cache_bytes;
}

const EngCache *
eng_machine_get_caches (EngMachine *self, guint *n_caches)
{
  *n_caches = self->n_caches;
  return self->caches;
}

double
eng_machine_get_load (EngMachine *self)
{
  g_autofree char *text = read_file (self, "proc/loadavg");

  return text != NULL ? g_ascii_strtod (text, NULL) : NAN;
}

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value != NULL)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

/* Zero and NAN stand for "unavailable" inside; outside that is null. */
static void
add_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  if (value > 0)
    json_builder_add_double_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

static void
add_integer (JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  if (value > 0)
    json_builder_add_int_value (builder, (gint64)value);
  else
    json_builder_add_null_value (builder);
}

char *
eng_machine_to_json (EngMachine *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  struct utsname kernel;
  double load = eng_machine_get_load (self);

  json_builder_begin_object (builder);
  add_string (builder, "cpu", self->cpu);
  add_string (builder, "isa", eng_machine_get_isa (self));
  add_integer (builder, "cpus", self->n_cpus);
  add_integer (builder, "memory_bytes", self->memory_bytes);
  add_integer (builder, "cache_bytes", self->cache_bytes);
  add_string (builder, "governor", self->governor);
  add_number (builder, "clock_hz", self->clock_hz);
  json_builder_set_member_name (builder, "load_1min");
  if (isfinite (load))
    json_builder_add_double_value (builder, load);
  else
    json_builder_add_null_value (builder);
  if (uname (&kernel) == 0)
    {
      g_autofree char *system = g_strdup_printf ("%s %s", kernel.sysname, kernel.release);

      add_string (builder, "system", system);
      add_string (builder, "architecture", kernel.machine);
    }
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}
