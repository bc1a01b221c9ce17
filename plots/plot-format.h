#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Values as text: SI prefixes, three significant figures, U+2212 minus, U+202F (narrow no-break
 * space) before the unit, U+2014 (em dash) for "not measured". Pure functions, any thread. */

/** Which decimal prefixes a unit may take. */
typedef enum
{
  PLOT_PREFIX_NONE,  /* 218 tok/s, 12 %: the number is written as it is */
  PLOT_PREFIX_SMALL, /* time, energy: p n u m and no prefix; never ks or kJ */
  PLOT_PREFIX_LARGE, /* bytes, operations: no prefix, k M G T P */
  PLOT_PREFIX_BOTH,  /* hertz, watts: p to P */
} PlotPrefix;

/** A formatter for values that are no plain number (addresses, dates). Returns a new string. */
typedef char *(*PlotFormatFunc) (double value, gpointer data);

/**
 * PlotUnit: how the values of an axis, a lane or a table column are written.
 * A plain value, copied by everybody; @symbol must outlive the copies (a literal, or
 * g_intern_string ()).
 */
typedef struct
{
  const char *symbol;    /* "s", "B", "tok/s"; NULL or "": no unit */
  PlotPrefix prefix;     /* prefixes allowed before @symbol */
  double scale;          /* data value * scale = value in @symbol: 1e-9 for data in ns; 0 means 1 */
  PlotFormatFunc format; /* NULL: the rules above; else used for every value and tick */
  gpointer format_data;
} PlotUnit;

#define PLOT_UNIT_PLAIN ((PlotUnit){ .symbol = "" })
#define PLOT_UNIT_COUNT ((PlotUnit){ .symbol = "", .prefix = PLOT_PREFIX_LARGE })
#define PLOT_UNIT_SECONDS ((PlotUnit){ .symbol = "s", .prefix = PLOT_PREFIX_SMALL })
#define PLOT_UNIT_NS ((PlotUnit){ .symbol = "s", .prefix = PLOT_PREFIX_SMALL, .scale = 1e-9 })
#define PLOT_UNIT_BYTES ((PlotUnit){ .symbol = "B", .prefix = PLOT_PREFIX_LARGE })
#define PLOT_UNIT_JOULES ((PlotUnit){ .symbol = "J", .prefix = PLOT_PREFIX_SMALL })
#define PLOT_UNIT_TOKENS_PER_S ((PlotUnit){ .symbol = "tok/s" })
#define PLOT_UNIT_BYTES_PER_S ((PlotUnit){ .symbol = "B/s", .prefix = PLOT_PREFIX_LARGE })
#define PLOT_UNIT_FLOPS ((PlotUnit){ .symbol = "FLOP/s", .prefix = PLOT_PREFIX_LARGE })
/* Data are fractions, 0.12 is written "12 %". */
#define PLOT_UNIT_PERCENT ((PlotUnit){ .symbol = "%", .scale = 100.0 })

/** Decimal exponent of the prefix (a multiple of 3) that writes data value @value with one to three
 * digits before the point, within what @unit allows; 0 for 0, NaN and infinities. */
int plot_unit_exponent (const PlotUnit *unit, double value);

/** The symbol with the prefix for @exponent: "ms", "MB", "tok/s". Returns a new string. */
char *plot_unit_dup_symbol (const PlotUnit *unit, int exponent);

/** "1.52 ms": @n_digits significant figures (0 means 3). NaN gives an em dash, infinity the sign
 * for it. Integers of a unit without prefix stay whole ("218 tok/s", "12345"). Returns a new
 * string. */
char *plot_format_value (const PlotUnit *unit, double value, int n_digits);

/** "1.41–1.63 ms": both ends with the same prefix and decimals; when an end is NaN, an em dash.
 * Returns a new string. */
char *plot_format_interval (const PlotUnit *unit, double lo, double hi);

/** "−38 %", "+2.4 %", "±0 %" of @value over @reference, from ten times on "× 12.5"; two decimals at
 * most; an em dash where a ratio means nothing (NaN, reference 0, or opposite signs).
 * Returns a new string. */
char *plot_format_change (double value, double reference);

/** A number without unit: U+2212 minus and exactly @n_decimals. Returns a new string. */
char *plot_format_number (double value, int n_decimals);

/** The shortest text that reads back to the same double (C locale, ASCII): for CSV and SVG
 * attributes. NaN gives "". Returns a new string. */
char *plot_format_exact (double value);

G_END_DECLS
