/* When a measurement has been repeated often enough: samples as they come, and the studio's own
 * rule (rt-repeat.h) over them. Called by the measuring loops; what a sample is of is theirs. */
#include <math.h>
#include <stdlib.h>

#include "rn-run.h"

bool
rn_samples_add (RnSamples *samples, double value, RtError *error)
{
  if (samples->n == samples->room)
    {
      uint32_t room = samples->room > 0 ? 2 * samples->room : 64;
      double *values = realloc (samples->values, room * sizeof *values);
      if (values == NULL)
        return rt_fail (error, RT_ERROR_MEMORY, "No memory for %u samples", room);
      samples->values = values;
      samples->room = room;
    }
  samples->values[samples->n++] = value;
  return true;
}

void
rn_samples_clear (RnSamples *samples)
{
  free (samples->values);
  *samples = (RnSamples){ 0 };
}

static double
seconds_since (uint64_t start_ns)
{
  return (double)(rt_now_ns () - start_ns) * 1e-9;
}

void
rn_repeat_begin (RnRepeat *repeat, const RtRepeatRule *rule, const RnSamples *samples)
{
  *repeat = (RnRepeat){ .samples = samples, .n_before = samples->n, .start_ns = rt_now_ns () };
  rt_repeat_init (&repeat->rule, rule);
}

bool
rn_repeat_more (RnRepeat *repeat)
{
  const RnSamples *samples = repeat->samples;

  repeat->verdict
      = rt_repeat_decide (&repeat->rule, samples->values, samples->n, samples->n - repeat->n_before,
                          seconds_since (repeat->start_ns));
  return repeat->verdict == RT_REPEAT_MORE;
}

double
rn_repeat_spent (const RnRepeat *repeat)
{
  double budget_s = repeat->rule.rule.budget_s;

  return fmin (seconds_since (repeat->start_ns) / fmax (budget_s, 1e-3), 1);
}

void
rn_repeat_tell (RnRun *run, RtPhase phase, const RnRepeat *repeat)
{
  const RnSamples *samples = repeat->samples;
  RtRepeatVerdict ended = run->cancelled ? RT_REPEAT_MORE : repeat->verdict;
  RnLine *line = &run->line;

  rn_line_begin (line, "repeats");
  rn_line_string (line, "phase", rn_phase_name (phase));
  rn_line_string (line, "ended", rt_repeat_verdict_name (ended));
  rn_line_uint (line, "n_samples", samples->n);
  rn_line_number (line, "seconds", seconds_since (repeat->start_ns));
  rn_line_number (line, "width", rt_repeat_width (samples->values, samples->n, NULL));
  rn_output_send (run->output, line, RN_LINE_NORMAL);
}
