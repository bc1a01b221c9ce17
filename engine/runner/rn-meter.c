/* Which meter. Called for the line "board" and by the energy's passes; what kinds there are the
 * runtime knows (meters/). */
#include "rn-meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
rn_meter_named (void)
{
  const char *named = getenv ("LATHE_METER");
  return named != NULL && named[0] != '\0' ? named : NULL;
}

static RtMeter *
open_named (const char *named, RtError *error)
{
  const char *colon = strchr (named, ':');
  char id[32];

  snprintf (id, sizeof id, "%.*s", colon != NULL ? (int)(colon - named) : (int)strlen (named),
            named);
  const RtMeterKind *kind = rt_meter_kind_find (id);
  if (kind != NULL)
    return rt_meter_open (kind, colon != NULL ? colon + 1 : NULL, error);
  rt_fail (error, RT_ERROR_RANGE, "LATHE_METER names \"%.60s\", and no kind of meter is called so",
           id);
  return NULL;
}

RtMeter *
rn_meter_open (RtError *error)
{
  size_t n_kinds;
  const RtMeterKind *const *kinds = rt_meter_kinds (&n_kinds);

  if (rn_meter_named () != NULL)
    return open_named (rn_meter_named (), error);
  for (size_t i = 0; i < n_kinds; i++)
    if (kinds[i]->default_place != NULL)
      {
        RtMeter *meter = rt_meter_open (kinds[i], NULL, NULL);
        if (meter != NULL)
          return meter;
      }
  return NULL;
}
