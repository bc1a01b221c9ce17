/* Numbers with intervals, and how a number is written for people; the order statistics are the
 * runtime's (rt-series.h). Used by the profiler, by runs and by every view; knows nothing of what
 * is measured. */
#include "eng-figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rt-series.h"

#define NARROW_SPACE "\u202f"
#define MINUS "\u2212"

EngFigure
eng_figure_exact (double value, const char *unit)
{
  return (
      EngFigure){ .available = TRUE, .value = value, .low = value, .high = value, .unit = unit };
}

EngFigure
eng_figure_unavailable (const char *unit, const char *reason)
{
  return (EngFigure){ .value = NAN, .low = NAN, .high = NAN, .unit = unit, .reason = reason };
}

double
eng_quantile_sorted (const double *sorted, guint n, double q)
{
  g_return_val_if_fail (n > 0 && q >= 0 && q <= 1, NAN);

  return rt_quantile_sorted (sorted, n, q);
}

EngFigure
eng_figure_from_samples (double *samples, guint n, const char *unit)
{
  if (n == 0)
    return eng_figure_unavailable (unit, "no samples");

  qsort (samples, n, sizeof *samples, rt_compare_doubles);
  EngFigure figure = { .available = TRUE,
                       .value = eng_quantile_sorted (samples, n, 0.5),
                       .low = NAN,
                       .high = NAN,
                       .n = n,
                       .unit = unit };
  guint k = rt_median_rank (n);
  if (k > 0)
    {
      figure.low = samples[k - 1];
      figure.high = samples[n - k];
    }
  else
    figure.reason = n == 1 ? "one sample: no interval" : "fewer than 6 samples: no 95 % interval";
  return figure;
}

guint
eng_warmup_length (const double *samples, guint n)
{
  g_autofree double *scratch = g_new (double, MAX (n, 1));
  return rt_warmup_length (samples, n, scratch);
}

/* ---- Writing numbers ---- */

/* A value as it will be written: scaled, with its unit. */
typedef struct
{
  double factor; /* written = value * factor */
  char unit[24];
} Scale;

static Scale
scale_for (double magnitude, const char *unit)
{
  static const char *const prefixed[]
      = { "s", "B", "B/s", "FLOP", "FLOP/s", "op/s", "Hz", "J", "J/tok", "W", NULL };
  static const struct
  {
    const char *unit;
    double seconds;
  } times[] = { { "ms", 1e-3 }, { "µs", 1e-6 }, { "us", 1e-6 }, { "ns", 1e-9 } };
  static const struct
  {
    double factor;
    const char *prefix;
  } prefixes[] = { { 1e12, "T" }, { 1e9, "G" },  { 1e6, "M" },  { 1e3, "k" },
                   { 1, "" },     { 1e-3, "m" }, { 1e-6, "µ" }, { 1e-9, "n" } };

  Scale scale = { .factor = 1 };
  double seconds = 1;
  const char *base = unit;
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    if (g_strcmp0 (unit, times[i].unit) == 0)
      {
        base = "s";
        seconds = times[i].seconds;
      }
  /* Accuracy per joule: small networks have many, and "10.8 %/µJ" reads better than ten million. */
  if (g_strcmp0 (unit, "%/J") == 0 && isfinite (magnitude) && magnitude >= 1e4)
    {
      gboolean micro = magnitude >= 1e7;
      scale.factor = micro ? 1e-6 : 1e-3;
      g_strlcpy (scale.unit, micro ? "%/µJ" : "%/mJ", sizeof scale.unit);
      return scale;
    }
  /* Counts a second: no prefix until they are too many to read, and none for fractions. */
  if (g_strcmp0 (unit, "/s") == 0 && isfinite (magnitude) && magnitude >= 1e5)
    {
      gboolean mega = magnitude >= 1e6;
      scale.factor = mega ? 1e-6 : 1e-3;
      g_strlcpy (scale.unit, mega ? "M/s" : "k/s", sizeof scale.unit);
      return scale;
    }

  if (base == NULL || !g_strv_contains (prefixed, base) || magnitude == 0 || !isfinite (magnitude))
    {
      g_strlcpy (scale.unit, unit != NULL ? unit : "", sizeof scale.unit);
      return scale;
    }

  gboolean whole
      = base[0] == 'B' || strcmp (base, "FLOP") == 0; /* there is no thousandth of a byte */
  gboolean time = strcmp (base, "s") == 0;
  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    {
      double factor = prefixes[i].factor;
      if (time && factor > 1) /* kiloseconds are nobody's unit */
        continue;
      gboolean last = i + 1 == G_N_ELEMENTS (prefixes) || (whole && factor == 1);
      /* 999.95 would be written as 1000.0 of the smaller unit */
      if (magnitude * seconds >= factor * 0.99995 || last)
        {
          scale.factor = seconds / factor;
          g_snprintf (scale.unit, sizeof scale.unit, "%s%s", prefixes[i].prefix, base);
          break;
        }
    }
  return scale;
}

static char *
format_number (double value, int n_decimals)
{
  char format[8], digits[64];
  g_snprintf (format, sizeof format, "%%.%df", CLAMP (n_decimals, 0, 9));
  g_ascii_formatd (digits, sizeof digits, format, fabs (value));
  gboolean zero = strspn (digits, "0.") == strlen (digits);
  return g_strconcat (value < 0 && !zero ? MINUS : "", digits, NULL);
}

/* Decimals that show @n_significant digits of @value. The exponent is that of the rounded value:
 * 0.99996 is written as 1.00. */
static int
decimals_for (double value, int n_significant)
{
  char text[32];

  if (value == 0 || !isfinite (value))
    return 0;
  g_ascii_formatd (text, sizeof text,
                   n_significant == 2   ? "%.1e"
                   : n_significant == 3 ? "%.2e"
                                        : "%.4e",
                   value);
  int exponent = atoi (strchr (text, 'e') + 1);
  return MAX (0, n_significant - 1 - exponent);
}

static gboolean
is_whole (double value, const Scale *scale)
{
  return scale->factor == 1 && value == floor (value) && fabs (value) < 1e15;
}

char *
eng_format_value (double value, const char *unit)
{
  if (!isfinite (value))
    return g_strdup (isnan (value) ? "unavailable" : value > 0 ? "∞" : MINUS "∞");

  Scale scale = scale_for (fabs (value), unit);
  double written = value * scale.factor;
  g_autofree char *number
      = format_number (written, is_whole (value, &scale) ? 0 : decimals_for (written, 3));
  return scale.unit[0] != '\0' ? g_strconcat (number, NARROW_SPACE, scale.unit, NULL)
                               : g_steal_pointer (&number);
}

char *
eng_figure_format (const EngFigure *figure)
{
  if (!figure->available)
    return figure->reason != NULL ? g_strdup_printf ("unavailable: %s", figure->reason)
                                  : g_strdup ("unavailable");
  if (figure->n == 0)
    return eng_format_value (figure->value, figure->unit);

  Scale scale = scale_for (fabs (figure->value), figure->unit);
  double value = figure->value * scale.factor;
  gboolean interval = isfinite (figure->low) && isfinite (figure->high);
  double low = figure->low * scale.factor, high = figure->high * scale.factor;
  /* Digits that the interval supports: two of its half width, at most five of the value; three
   * without an interval. */
  int n_decimals = decimals_for (value, 3);
  if (interval && high > low)
    n_decimals = MIN (decimals_for ((high - low) / 2, 2), decimals_for (value, 5));

  g_autofree char *number = format_number (value, n_decimals);
  g_autoptr (GString) text = g_string_new (number);
  if (scale.unit[0] != '\0')
    g_string_append_printf (text, NARROW_SPACE "%s", scale.unit);
  if (interval)
    {
      g_autofree char *from = format_number (low, n_decimals);
      g_autofree char *to = format_number (high, n_decimals);
      /* A range that begins with a minus sign would read as two of them. */
      g_string_append_printf (text, low < 0 ? " (%s to %s)" : " (%s–%s)", from, to);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}
