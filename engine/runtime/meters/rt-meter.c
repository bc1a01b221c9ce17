/* The table of meters, and what reading small files of sysfs needs. Called by the sampler of the
 * studio and by the runner of a board. Must not know what joules are used for. */
#include "rt-meter-private.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const RtMeterKind *const kinds[]
    = { &rt_meter_rapl, &rt_meter_hwmon, &rt_meter_pi5, &rt_meter_battery, &rt_meter_serial };

const RtMeterKind *const *
rt_meter_kinds (size_t *n_kinds)
{
  *n_kinds = sizeof kinds / sizeof kinds[0];
  return kinds;
}

const RtMeterKind *
rt_meter_kind_find (const char *id)
{
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp (kinds[i]->id, id) == 0)
      return kinds[i];
  return NULL;
}

/* ---- Opening and reading ---- */

RtMeter *
rt_meter_open (const RtMeterKind *kind, const char *place, RtError *error)
{
  if (place == NULL || place[0] == '\0')
    place = kind->default_place;
  if (place == NULL)
    {
      rt_fail (error, RT_ERROR_RANGE, "the %s meter needs its %s: write %s:%s", kind->id,
               kind->place_title, kind->id, "PLACE");
      return NULL;
    }
  RtMeter *meter = calloc (1, sizeof *meter);
  char *copy = strdup (place);
  if (meter == NULL || copy == NULL)
    {
      free (meter);
      free (copy);
      rt_fail (error, RT_ERROR_MEMORY, "no memory for a meter");
      return NULL;
    }
  meter->kind = kind;
  meter->age_ns = kind->age_ns;
  meter->place = copy;
  if (kind->open (meter, error))
    return meter;
  rt_meter_close (meter);
  return NULL;
}

void
rt_meter_close (RtMeter *meter)
{
  if (meter == NULL)
    return;
  if (meter->kind->close != NULL)
    meter->kind->close (meter);
  free (meter->place);
  free (meter);
}

bool
rt_meter_read (RtMeter *meter, double *values, RtError *error)
{
  return meter->kind->read (meter, values, error);
}

const RtMeterKind *
rt_meter_get_kind (const RtMeter *meter)
{
  return meter->kind;
}

const char *
rt_meter_get_place (const RtMeter *meter)
{
  return meter->place;
}

const char *
rt_meter_get_covers (const RtMeter *meter)
{
  return meter->covers;
}

uint64_t
rt_meter_get_age_ns (const RtMeter *meter)
{
  return meter->age_ns;
}

size_t
rt_meter_n_channels (const RtMeter *meter)
{
  return meter->n_channels;
}

const RtMeterChannel *
rt_meter_channel (const RtMeter *meter, size_t i)
{
  return &meter->channels[i];
}

uint64_t
rt_meter_n_bad (const RtMeter *meter)
{
  return meter->n_bad;
}

RtMeterChannel *
rt_meter_add_channel (RtMeter *meter, RtMeterQuantity quantity, const char *name)
{
  if (meter->n_channels == RT_METER_MAX_CHANNELS)
    return NULL;
  RtMeterChannel *channel = &meter->channels[meter->n_channels++];
  *channel = (RtMeterChannel){ .quantity = quantity };
  snprintf (channel->name, sizeof channel->name, "%s", name);
  return channel;
}

/* ---- Small files ---- */

bool
rt_meter_path (char *path, const RtMeter *meter, const char *a, const char *b)
{
  /* "/" and "" are the same root. */
  const char *root = strcmp (meter->place, "/") == 0 ? "" : meter->place;
  int n = snprintf (path, 1024, "%s/%s%s%s", root, a, b != NULL ? "/" : "", b != NULL ? b : "");
  return n > 0 && n < 1024;
}

bool
rt_meter_read_line (const char *path, char *line, size_t size)
{
  FILE *file = fopen (path, "re");
  if (file == NULL)
    return false;
  errno = 0;
  bool ok = fgets (line, (int)size, file) != NULL;
  int reason = ok ? 0 : errno != 0 ? errno : ENODATA;
  fclose (file);
  errno = reason;
  if (!ok)
    return false;
  size_t begin = strspn (line, " \t");
  memmove (line, line + begin, strlen (line + begin) + 1);
  for (size_t n = strlen (line); n > 0 && strchr (" \t\r\n", line[n - 1]) != NULL; n--)
    line[n - 1] = '\0';
  return true;
}

double
rt_meter_decimal (const char *text, const char **end)
{
  const char *p = text;
  double value = 0, scale = 1;
  bool negative = *p == '-', any = false;

  p += *p == '-' || *p == '+';
  for (; *p >= '0' && *p <= '9'; p++, any = true)
    value = value * 10 + (*p - '0');
  if (*p == '.')
    for (p++; *p >= '0' && *p <= '9'; p++, any = true)
      value += (*p - '0') * (scale *= 0.1);
  *end = any ? p : text;
  return negative ? -value : value;
}

static bool
parse_number (const char *line, double *number)
{
  const char *end;
  *number = rt_meter_decimal (line, &end);
  return end != line && *end == '\0';
}

bool
rt_meter_try_number (const char *path, double *number)
{
  char line[64];
  return rt_meter_read_line (path, line, sizeof line) && parse_number (line, number);
}

bool
rt_meter_read_number (const char *path, double *number, RtError *error)
{
  char line[64];

  if (!rt_meter_read_line (path, line, sizeof line))
    return rt_fail (error, RT_ERROR_IO, "%s cannot be read: %s", path, strerror (errno));
  if (!parse_number (line, number))
    return rt_fail (error, RT_ERROR_FORMAT, "%s holds \"%s\", not a number", path, line);
  return true;
}

/* ---- Directories ---- */

static int
compare_names (const void *a, const void *b)
{
  return strverscmp (*(char *const *)a, *(char *const *)b);
}

size_t
rt_meter_list (const char *path, const char *prefix, char ***names)
{
  DIR *dir = opendir (path);
  const struct dirent *entry;
  size_t n = 0, room = 0;

  *names = NULL;
  if (dir == NULL)
    return 0;
  while ((entry = readdir (dir)) != NULL)
    {
      if (entry->d_name[0] == '.' || strncmp (entry->d_name, prefix, strlen (prefix)) != 0)
        continue;
      if (n == room)
        {
          char **more = realloc (*names, (room = room * 2 + 8) * sizeof **names);
          if (more == NULL)
            break;
          *names = more;
        }
      if (((*names)[n] = strdup (entry->d_name)) == NULL)
        break;
      n++;
    }
  closedir (dir);
  if (n > 0)
    qsort (*names, n, sizeof **names, compare_names);
  return n;
}

void
rt_meter_free_list (char **names, size_t n)
{
  for (size_t i = 0; i < n; i++)
    free (names[i]);
  free (names);
}
