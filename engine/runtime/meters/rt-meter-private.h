/* What the meters' files share. */
#pragma once

#include "rt-meter.h"

struct RtMeter
{
  const RtMeterKind *kind;
  char *place;
  char covers[160];
  RtMeterChannel channels[RT_METER_MAX_CHANNELS];
  size_t n_channels;
  uint64_t n_bad;
  uint64_t age_ns; /* the kind's until open() knows better */
  void *state;     /* the kind's own */
};

extern const RtMeterKind rt_meter_rapl, rt_meter_hwmon, rt_meter_pi5, rt_meter_battery,
    rt_meter_serial;

/* A new channel called @name (cut to fit); NULL when there are too many: the rest is left out. */
RtMeterChannel *rt_meter_add_channel (RtMeter *meter, RtMeterQuantity quantity, const char *name);

/* "@place/@a/@b" into @path [1024]; @b may be NULL. false when it does not fit. */
bool rt_meter_path (char *path, const RtMeter *meter, const char *a, const char *b);

/* The first line of the file, without the white space around it. false with errno kept when it
 * cannot be read. */
bool rt_meter_read_line (const char *path, char *line, size_t size);
/* The file's number; an error that names the file otherwise. */
bool rt_meter_read_number (const char *path, double *number, RtError *error);
/* The same for a file that need not be there: false without an error. */
bool rt_meter_try_number (const char *path, double *number);

/* A decimal number with a point, whatever the locale: strtod() would want a comma in half of
 * Europe. *@end is @text when there is none. */
double rt_meter_decimal (const char *text, const char **end);

/* Entries of directory @path that begin with @prefix, sorted, numbers within names by value. Free
 * with rt_meter_free_list(). 0 when there are none or no directory. */
size_t rt_meter_list (const char *path, const char *prefix, char ***names);
void rt_meter_free_list (char **names, size_t n);
