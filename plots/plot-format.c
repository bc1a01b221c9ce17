/* Numbers as text. Pure and locale-independent: a chart exported in one country reads the same in
 * another, and tests compare strings. Called by every widget here, by tables and by the window. */

#include "plot-format.h"

#include <math.h>
#include <string.h>

#define NNBSP "\u202f"
#define MINUS "\u2212"
#define EM_DASH "\u2014"
#define EN_DASH "\u2013"

static double
unit_scale (const PlotUnit *unit)
{
  return unit->scale != 0 ? unit->scale : 1.0;
}

/* Exponent of the leading digit after rounding to @n_digits: 999.6 with three digits is 1.00e3. */
static int
leading_exponent (double value, int n_digits)
{
  char text[64];
  const char *e;

  g_ascii_formatd (text, sizeof text, "%.17e", value);
  if (n_digits > 0)
    {
      char format[16];

      g_snprintf (format, sizeof format, "%%.%de", n_digits - 1);
      g_ascii_formatd (text, sizeof text, format, value);
    }
  e = strchr (text, 'e');
  return e != NULL ? (int)g_ascii_strtoll (e + 1, NULL, 10) : 0;
}

static int
exponent_for (const PlotUnit *unit, double value, int n_digits)
{
  double scaled = value * unit_scale (unit);
  int lead, exponent, least = 0, most = 0;

  if (scaled == 0 || !isfinite (scaled) || unit->prefix == PLOT_PREFIX_NONE)
    return 0;

  lead = leading_exponent (scaled, n_digits);
  exponent = (int)floor (lead / 3.0) * 3;
  if (unit->prefix == PLOT_PREFIX_SMALL || unit->prefix == PLOT_PREFIX_BOTH)
    least = -12;
  if (unit->prefix == PLOT_PREFIX_LARGE || unit->prefix == PLOT_PREFIX_BOTH)
    most = 15;
  return CLAMP (exponent, least, most);
}

int
plot_unit_exponent (const PlotUnit *unit, double value)
{
  g_return_val_if_fail (unit != NULL, 0);

  return exponent_for (unit, value, 3);
}

char *
plot_unit_dup_symbol (const PlotUnit *unit, int exponent)
{
  static const char *const prefixes[] = { "p", "n", "\u00b5", "m", "", "k", "M", "G", "T", "P" };
  int i = exponent / 3 + 4;

  g_return_val_if_fail (unit != NULL, NULL);
  g_return_val_if_fail (i >= 0 && i < (int)G_N_ELEMENTS (prefixes), NULL);

  return g_strconcat (prefixes[i], unit->symbol != NULL ? unit->symbol : "", NULL);
}

char *
plot_format_number (double value, int n_decimals)
{
  char format[16], text[400];
  gboolean zero;

  if (isnan (value))
    return g_strdup (EM_DASH);
  if (isinf (value))
    return g_strdup (value > 0 ? "\u221e" : MINUS "\u221e");

  g_snprintf (format, sizeof format, "%%.%df", CLAMP (n_decimals, 0, 17));
  g_ascii_formatd (text, sizeof text, format, fabs (value));
  zero = strspn (text, "0.") == strlen (text); /* no "minus nothing" */
  return g_strconcat (value < 0 && !zero ? MINUS : "", text, NULL);
}

/* 1.2e-9 without a prefix to help: "1.20×10⁻⁹". */
static char *
format_scientific (double value, int n_digits)
{
  static const char *const super[] = { "\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                       "\u2075", "\u2076", "\u2077", "\u2078", "\u2079" };
  int exponent = leading_exponent (value, n_digits);
  g_autofree char *mantissa = plot_format_number (value / pow (10, exponent), n_digits - 1);
  g_autofree char *digits = g_strdup_printf ("%d", ABS (exponent));
  GString *text = g_string_new (mantissa);

  g_string_append (text, "\u00d710");
  if (exponent < 0)
    g_string_append (text, "\u207b");
  for (const char *c = digits; *c != '\0'; c++)
    g_string_append (text, super[*c - '0']);
  return g_string_free (text, FALSE);
}

static char *
with_unit (const PlotUnit *unit, int exponent, const char *number)
{
  g_autofree char *symbol = plot_unit_dup_symbol (unit, exponent);

  return *symbol != '\0' ? g_strconcat (number, NNBSP, symbol, NULL) : g_strdup (number);
}

char *
plot_format_value (const PlotUnit *unit, double value, int n_digits)
{
  g_autofree char *number = NULL;
  double scaled;
  int exponent, lead, n_decimals;

  g_return_val_if_fail (unit != NULL, NULL);

  if (isnan (value))
    return g_strdup (EM_DASH);
  if (unit->format != NULL)
    return unit->format (value, unit->format_data);

  n_digits = n_digits > 0 ? n_digits : 3;
  scaled = value * unit_scale (unit);
  exponent = exponent_for (unit, value, n_digits);
  if (scaled == 0 || !isfinite (scaled))
    {
      number = plot_format_number (scaled, 0);
      return with_unit (unit, 0, number);
    }

  scaled /= pow (10, exponent);
  lead = leading_exponent (scaled, n_digits);
  n_decimals = MAX (0, n_digits - 1 - lead);
  /* Counts stay whole: 7 B, 218 tok/s. Measured small quantities keep their digits: 3.00 ms. */
  if (exponent == 0 && unit->prefix != PLOT_PREFIX_SMALL && scaled == rint (scaled)
      && fabs (scaled) < 1e15)
    n_decimals = 0;
  if (lead < -4 || lead > 14)
    number = format_scientific (scaled, n_digits);
  else
    number = plot_format_number (scaled, n_decimals);
  return with_unit (unit, exponent, number);
}

char *
plot_format_interval (const PlotUnit *unit, double lo, double hi)
{
  g_autofree char *text_lo = NULL;
  g_autofree char *text_hi = NULL;
  g_autofree char *both = NULL;
  double factor, greatest = fmax (fabs (lo), fabs (hi));
  int exponent, n_decimals;

  g_return_val_if_fail (unit != NULL, NULL);

  if (isnan (lo) || isnan (hi))
    return g_strdup (EM_DASH);
  if (unit->format != NULL)
    {
      text_lo = unit->format (lo, unit->format_data);
      text_hi = unit->format (hi, unit->format_data);
      return g_strconcat (text_lo, EN_DASH, text_hi, NULL);
    }

  exponent = exponent_for (unit, greatest, 3);
  factor = unit_scale (unit) / pow (10, exponent);
  n_decimals = greatest > 0 ? MAX (0, 2 - leading_exponent (greatest * factor, 3)) : 0;
  if (exponent == 0 && unit->prefix != PLOT_PREFIX_SMALL && lo * factor == rint (lo * factor)
      && hi * factor == rint (hi * factor))
    n_decimals = 0;
  text_lo = plot_format_number (lo * factor, n_decimals);
  text_hi = plot_format_number (hi * factor, n_decimals);
  both = g_strconcat (text_lo, EN_DASH, text_hi, NULL);
  return with_unit (unit, exponent, both);
}

char *
plot_format_change (double value, double reference)
{
  g_autofree char *number = NULL;
  double percent, size;
  int n_decimals;

  if (!isfinite (value) || !isfinite (reference) || reference == 0 || value / reference < 0)
    return g_strdup (EM_DASH);

  /* Nobody reads +151663 % as what it is. */
  if (value / reference >= 10)
    {
      double times = value / reference;
      number = plot_format_number (times, times < 99.95 ? 1 : 0);
      return g_strconcat ("\u00d7" NNBSP, number, NULL);
    }
  percent = 100 * (value / reference - 1);
  size = fabs (percent);
  if (size < 0.005)
    return g_strdup ("\u00b10" NNBSP "%");
  n_decimals = size >= 99.95 ? 0 : size >= 0.095 ? 1 : 2;
  number = plot_format_number (percent, n_decimals);
  return g_strconcat (percent > 0 ? "+" : "", number, NNBSP "%", NULL);
}

char *
plot_format_exact (double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isnan (value))
    return g_strdup ("");
  for (int n_digits = 6; n_digits <= 17; n_digits++)
    {
      char format[16];

      g_snprintf (format, sizeof format, "%%.%dg", n_digits);
      g_ascii_formatd (text, sizeof text, format, value);
      if (g_ascii_strtod (text, NULL) == value)
        break;
    }
  return g_strdup (text);
}
