/* Clean passes under a power meter of the board. Called after a run's own passes; where there is no
 * meter nothing is told, because "board" has the reason. Joules of counters are differences, those
 * of watts are summed by the trapezoid rule over readings between passes. */
#include <math.h>
#include <string.h>

#include "rn-meter.h"
#include "rn-run.h"

/* Of one window: long for any meter of the list. */
#define WINDOW_NS 500000000ull
#define FEWEST_WINDOWS 3
#define MOST_WINDOWS 16

typedef struct
{
  RtMeter *meter;
  double last[RT_METER_MAX_CHANNELS], now[RT_METER_MAX_CHANNELS];
  uint64_t last_ns;
} Reading;

static bool
begin_window (Reading *self)
{
  self->last_ns = rt_now_ns ();
  return rt_meter_read (self->meter, self->last, NULL);
}

/* Joules since the reading before; NAN: the meter is gone. */
static double
read_joules (Reading *self)
{
  double joules = 0, seconds;
  uint64_t now_ns;

  if (!rt_meter_read (self->meter, self->now, NULL))
    return NAN;
  now_ns = rt_now_ns ();
  seconds = (double)(now_ns - self->last_ns) * 1e-9;
  for (size_t i = 0; i < rt_meter_n_channels (self->meter); i++)
    {
      const RtMeterChannel *channel = rt_meter_channel (self->meter, i);
      if (!channel->in_total)
        continue;
      double difference = self->now[i] - self->last[i];
      if (channel->quantity == RT_METER_WATTS)
        joules += seconds * (self->now[i] + self->last[i]) / 2;
      else
        joules += difference < 0 ? difference + channel->range_j : difference;
    }
  memcpy (self->last, self->now, sizeof self->last);
  self->last_ns = now_ns;
  return joules;
}

static void
tell (RnRun *run, const Reading *reading, RtPhase phase, double joules, double seconds, uint64_t n)
{
  RnLine *line = &run->line;

  rn_line_begin (line, "energy");
  rn_line_string (line, "meter", rt_meter_get_kind (reading->meter)->id);
  rn_line_string (line, "covers", rt_meter_get_covers (reading->meter));
  rn_line_string (line, "phase", rn_phase_name (phase));
  rn_line_number (line, "joules", joules);
  rn_line_number (line, "seconds", seconds);
  rn_line_uint (line, "n_units", n);
  rn_output_send (run->output, line, RN_LINE_NORMAL);
}

/* Passes for one window. False: the run ends, or the meter is gone (then *@joules is NAN). */
static bool
measure_window (RnRun *run, Reading *reading, RnEnergyPass pass, void *data, double *joules,
                uint64_t *n, RtError *error)
{
  uint64_t start = rt_now_ns (), interval = rt_meter_get_kind (reading->meter)->interval_ns;
  uint64_t next = start + interval;

  *joules = 0;
  *n = 0;
  do
    {
      uint32_t n_units = 0;
      if (!pass (run, data, &n_units, error))
        return false;
      *n += n_units;
      if (rt_now_ns () < next && rt_now_ns () - start < WINDOW_NS)
        continue;
      next = rt_now_ns () + interval;
      *joules += read_joules (reading);
    }
  while (rt_now_ns () - start < WINDOW_NS);
  return true;
}

bool
rn_energy_measure (RnRun *run, RtPhase phase, double seconds, RnEnergyPass pass, void *data,
                   RtError *error)
{
  Reading reading = { .meter = seconds > 0 ? rn_meter_open (NULL) : NULL };
  uint64_t start = rt_now_ns ();
  bool ok = true;

  if (reading.meter == NULL)
    return true;
  rn_run_stage (run, "energy", -1);
  for (int i = 0; ok && i < MOST_WINDOWS; i++)
    {
      double joules;
      uint64_t n, window_start = rt_now_ns ();
      if (i >= FEWEST_WINDOWS && (double)(window_start - start) * 1e-9 > seconds)
        break;
      if (!begin_window (&reading))
        break; /* the meter is gone; what was measured stays */
      ok = measure_window (run, &reading, pass, data, &joules, &n, error);
      if (!ok || isnan (joules))
        break;
      tell (run, &reading, phase, joules, (double)(rt_now_ns () - window_start) * 1e-9, n);
    }
  rt_meter_close (reading.meter);
  return ok;
}
