/* Where the ticks of an axis go and what they say. Pure arithmetic; called when an axis is laid
 * out. Linear ticks after P. Heckbert, "Nice numbers for graph labels", Graphics Gems, 1990. */

#include "plot-ticks.h"

#include <math.h>

double
plot_nice_ceil (double value)
{
  static const double nice[] = { 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10 };
  double power;

  if (!(value > 0) || !isfinite (value))
    return 1;
  power = pow (10, floor (log10 (value)));
  for (guint i = 0; i < G_N_ELEMENTS (nice); i++)
    if (nice[i] * power >= value * (1 - 1e-12))
      return nice[i] * power;
  return 10 * power;
}

/* The least of 1, 2, 5 times a power of ten that is >= @rough. */
static double
nice_step (double rough)
{
  double power = pow (10, floor (log10 (rough)));
  double mantissa = rough / power * (1 - 1e-9);

  return (mantissa <= 1 ? 1 : mantissa <= 2 ? 2 : mantissa <= 5 ? 5 : 10) * power;
}

static void
init_linear (PlotTicks *ticks, double lo, double hi, guint n_max, const PlotUnit *unit)
{
  double step, first;
  double scale = unit->scale != 0 ? unit->scale : 1.0;

  /* Steps are nice in what is written, not in what is stored (data in ns, fractions as percent). */
  step = nice_step ((hi - lo) * scale / n_max) / scale;
  first = ceil (lo / step - 1e-9);
  ticks->step = step;
  for (guint i = 0; i < PLOT_TICKS_MAX; i++)
    {
      double value = (first + i) * step;

      if (value > hi + step * 1e-9)
        break;
      ticks->major[ticks->n_major++] = value;
    }

  ticks->exponent = plot_unit_exponent (unit, fmax (fabs (lo), fabs (hi)));
  ticks->n_decimals
      = MAX (0, -(int)floor (log10 (step * scale / pow (10, ticks->exponent)) + 1e-9));
}

static void
init_log (PlotTicks *ticks, double lo, double hi, guint n_max)
{
  double decades = log10 (hi / lo);
  int first = (int)floor (log10 (lo)), last = (int)ceil (log10 (hi));
  int stride = MAX (1, (int)ceil (decades / n_max));
  gboolean fine = decades < 2 && n_max >= 4; /* label 1, 2, 5 */

  ticks->step = stride;
  for (int e = first; e <= last; e++)
    for (int m = 1; m < 10; m++)
      {
        double value = m * pow (10, e);
        gboolean major
            = (m == 1 && (e % stride + stride) % stride == 0) || (fine && (m == 2 || m == 5));

        if (value < lo * (1 - 1e-9) || value > hi * (1 + 1e-9))
          continue;
        if (major && ticks->n_major < PLOT_TICKS_MAX)
          ticks->major[ticks->n_major++] = value;
        else if (stride == 1 && ticks->n_minor < G_N_ELEMENTS (ticks->minor))
          ticks->minor[ticks->n_minor++] = value;
      }
}

void
plot_ticks_init (PlotTicks *ticks, PlotAxisKind kind, double lo, double hi, guint n_max,
                 const PlotUnit *unit)
{
  g_return_if_fail (ticks != NULL);
  g_return_if_fail (unit != NULL);

  ticks->kind = kind;
  ticks->n_major = ticks->n_minor = 0;
  ticks->step = 1;
  ticks->exponent = ticks->n_decimals = 0;
  if (!isfinite (lo) || !isfinite (hi) || !(lo < hi))
    return;

  n_max = CLAMP (n_max, 2, PLOT_TICKS_MAX - 1);
  if (kind == PLOT_AXIS_LOG)
    {
      if (lo <= 0)
        return;
      init_log (ticks, lo, hi, n_max);
      if (ticks->n_major >= 2)
        return;
      ticks->n_major = ticks->n_minor = 0; /* less than a decade: even steps read better */
    }
  init_linear (ticks, lo, hi, n_max, unit);
}

/* "20 µs": as few digits as the value needs, three at most unless neighbours would read the same.
 */
static char *
log_label (const PlotTicks *ticks, guint i, const PlotUnit *unit)
{
  double value = ticks->major[i];
  char *text = NULL;

  for (int n_digits = 1; n_digits <= 6; n_digits++)
    {
      int exponent = plot_unit_exponent (unit, value);
      double scale = unit->scale != 0 ? unit->scale : 1.0;
      double written = value * scale / pow (10, exponent);
      double unit_in_last = pow (10, floor (log10 (written)) - n_digits + 1);

      if (fabs (written / unit_in_last - rint (written / unit_in_last)) > 1e-6)
        continue;
      text = plot_format_value (unit, value, n_digits);
      break;
    }
  return text != NULL ? text : plot_format_value (unit, value, 4);
}

char *
plot_ticks_dup_label (const PlotTicks *ticks, guint i, const PlotUnit *unit)
{
  double scale, value;

  g_return_val_if_fail (ticks != NULL && i < ticks->n_major, NULL);
  g_return_val_if_fail (unit != NULL, NULL);

  if (unit->format != NULL)
    return unit->format (ticks->major[i], unit->format_data);
  if (ticks->kind == PLOT_AXIS_LOG)
    return log_label (ticks, i, unit);

  scale = unit->scale != 0 ? unit->scale : 1.0;
  value = ticks->major[i] * scale / pow (10, ticks->exponent);
  return plot_format_number (value, ticks->n_decimals);
}

char *
plot_ticks_dup_unit (const PlotTicks *ticks, const PlotUnit *unit)
{
  g_return_val_if_fail (ticks != NULL && unit != NULL, NULL);

  if (ticks->kind == PLOT_AXIS_LOG || unit->format != NULL)
    return g_strdup ("");
  return plot_unit_dup_symbol (unit, ticks->exponent);
}
