/* Reading limits. Called by the trade-off's command and view; what is done with them is
 * eng-tradeoff.c. Everything here is text that a person typed: no input may fail without a
 * sentence. */
#include "eng-limit.h"

#include "eng-error.h"

#include <math.h>
#include <string.h>

/* ---- Names of figures ---- */

/* Lower case, without what separates words. */
static char *
fold (const char *text)
{
  g_autofree char *lower = g_utf8_strdown (text, -1);
  GString *folded = g_string_new (NULL);

  for (const char *p = lower; *p != '\0'; p++)
    if (strchr (" \t-_,", *p) == NULL)
      g_string_append_c (folded, *p);
  return g_string_free (folded, FALSE);
}

static gboolean
begins (const char *text, const char *folded_start)
{
  g_autofree char *folded = fold (text);
  return g_str_has_prefix (folded, folded_start);
}

static gboolean
find_alias (const char *folded, EngWorkloadKind kind, EngFigureId *id)
{
  gboolean network = kind == ENG_WORKLOAD_INPUT;

  if (g_str_equal (folded, "latency"))
    *id = network ? ENG_FIGURE_INFERENCE : ENG_FIGURE_STEP_CLEAN;
  else if (g_str_equal (folded, "speed"))
    *id = network ? ENG_FIGURE_INFERENCES : ENG_FIGURE_DECODE;
  else if (g_str_equal (folded, "memory"))
    *id = ENG_FIGURE_PEAK_MEMORY;
  else if (g_str_equal (folded, "firsttoken") && !network)
    *id = ENG_FIGURE_FIRST_TOKEN;
  else if (g_str_equal (folded, "accuracy") && !network)
    *id = ENG_FIGURE_CHOICE_ACCURACY;
  else
    return FALSE;
  return TRUE;
}

static char *
list_names (EngWorkloadKind kind)
{
  GString *names = g_string_new ("latency, speed, memory");

  for (EngFigureId id = 0; id < ENG_N_FIGURES; id++)
    if (eng_figure_id_applies (id, kind))
      g_string_append_printf (names, ", %s", eng_figure_id_name (id));
  return g_string_free (names, FALSE);
}

gboolean
eng_figure_id_parse (const char *text, EngWorkloadKind kind, EngFigureId *id, GError **error)
{
  g_return_val_if_fail (text != NULL && id != NULL, FALSE);

  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autofree char *folded = fold (valid);
  if (folded[0] != '\0' && find_alias (folded, kind, id))
    return TRUE;
  for (EngFigureId i = 0; folded[0] != '\0' && i < ENG_N_FIGURES; i++)
    if (eng_figure_id_applies (i, kind)
        && (begins (eng_figure_id_name (i), folded) || begins (eng_figure_id_title (i), folded)))
      {
        *id = i;
        return TRUE;
      }

  g_autofree char *names = list_names (kind);
  g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
               "There is no figure “%s” of these runs. There are: %s", g_strstrip (valid), names);
  return FALSE;
}

/* ---- Values with units ---- */

static const struct
{
  const char *prefix;
  double factor;
} prefixes[] = {
  { "", 1 },     { "n", 1e-9 },    { "µ", 1e-6 },       { "μ", 1e-6 },          { "u", 1e-6 },
  { "m", 1e-3 }, { "k", 1e3 },     { "K", 1e3 },        { "M", 1e6 },           { "G", 1e9 },
  { "T", 1e12 }, { "Ki", 1024.0 }, { "Mi", 1048576.0 }, { "Gi", 1073741824.0 },
};

/* What may carry a prefix: the unit begins with this, and goes on with "/something" or not at
 * all. */
static gboolean
takes_prefix (const char *base)
{
  static const char *const bases[] = { "s", "B", "J", "W", "Hz" };

  for (guint i = 0; i < G_N_ELEMENTS (bases); i++)
    {
      gsize length = strlen (bases[i]);
      if (strncmp (base, bases[i], length) == 0 && (base[length] == '\0' || base[length] == '/'))
        return TRUE;
    }
  return FALSE;
}

/* How many @unit one @typed is; 0: they do not measure the same. */
static double
unit_factor (const char *typed, const char *unit)
{
  if (g_str_equal (typed, unit))
    return 1;
  for (guint a = 0; a < G_N_ELEMENTS (prefixes); a++)
    for (guint b = 0; b < G_N_ELEMENTS (prefixes); b++)
      {
        const char *prefix_a = prefixes[a].prefix, *prefix_b = prefixes[b].prefix;
        if (!g_str_has_prefix (typed, prefix_a) || !g_str_has_prefix (unit, prefix_b))
          continue;
        const char *base = typed + strlen (prefix_a);
        gboolean binary = strlen (prefix_a) == 2 && prefix_a[1] == 'i';
        if (g_str_equal (base, unit + strlen (prefix_b)) && takes_prefix (base)
            && (!binary || base[0] == 'B'))
          return prefixes[a].factor / prefixes[b].factor;
      }
  return 0;
}

static gboolean
needs_unit (const char *unit)
{
  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_str_has_prefix (unit, prefixes[i].prefix)
        && takes_prefix (unit + strlen (prefixes[i].prefix)))
      return TRUE;
  return FALSE;
}

static const char *
unit_example (const char *unit)
{
  if (g_str_equal (unit, "ms"))
    return "5 ms (or ns, µs, s)";
  if (g_str_equal (unit, "B"))
    return "64 MB (or B, kB, GB, MiB)";
  return NULL;
}

static gboolean
fail_value (EngFigureId id, const char *text, const char *what, GError **error)
{
  const char *unit = eng_figure_id_unit (id);
  const char *example = unit_example (unit);
  g_autofree char *made = example == NULL ? g_strdup_printf ("5 %s", unit) : g_strdup (example);

  g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "“%s” %s. Write %s like %s", text, what,
               eng_figure_id_title (id), g_strstrip (made));
  return FALSE;
}

gboolean
eng_figure_value_parse (const char *text, EngFigureId id, double *value, GError **error)
{
  g_return_val_if_fail (text != NULL && id < ENG_N_FIGURES && value != NULL, FALSE);

  const char *unit = eng_figure_id_unit (id);
  g_autofree char *stripped = g_strstrip (g_utf8_make_valid (text, -1));
  char *end = NULL;
  double number = g_ascii_strtod (stripped, &end);

  if (end == stripped || stripped[strspn (stripped, "+-")] == 'n'
      || stripped[strspn (stripped, "+-")] == 'N')
    return fail_value (id, stripped, "is no number", error);
  if (!isfinite (number))
    return fail_value (id, stripped, "is no number that can be a limit", error);
  if (*end == ',' && g_ascii_isdigit (end[1]))
    return fail_value (id, stripped, "has a comma; decimals are written with a point", error);
  while (g_ascii_isspace (*end))
    end++;
  if (g_str_has_prefix (end, "\u202f") || g_str_has_prefix (end, "\u00a0"))
    end = g_utf8_next_char (end);

  if (*end == '\0')
    {
      if (needs_unit (unit))
        return fail_value (id, stripped, "has no unit", error);
      *value = number;
      return TRUE;
    }
  double factor = unit_factor (end, unit);
  if (factor == 0)
    {
      g_autofree char *what = unit[0] != '\0'
                                  ? g_strdup_printf ("has the unit “%s”, which is not one of "
                                                     "%s",
                                                     end, unit)
                                  : g_strdup_printf ("has the unit “%s”, where none is", end);
      return fail_value (id, stripped, what, error);
    }
  *value = number * factor;
  return TRUE;
}

/* ---- Limits ---- */

static const struct
{
  const char *sign;
  gboolean at_most, strict;
} signs[] = {
  { "<=", TRUE, FALSE }, { ">=", FALSE, FALSE }, { "≤", TRUE, FALSE },
  { "≥", FALSE, FALSE }, { "<", TRUE, TRUE },    { ">", FALSE, TRUE },
};

gboolean
eng_limit_parse (const char *text, EngWorkloadKind kind, EngLimit *limit, GError **error)
{
  g_return_val_if_fail (text != NULL && limit != NULL, FALSE);

  const char *at = NULL;
  guint sign = 0;

  for (guint i = 0; i < G_N_ELEMENTS (signs); i++)
    {
      const char *found = strstr (text, signs[i].sign);
      if (found != NULL && (at == NULL || found < at))
        {
          at = found;
          sign = i;
        }
    }
  if (at == NULL)
    {
      g_set_error (
          error, ENG_ERROR, ENG_ERROR_FORMAT,
          "“%s” is no limit: write a figure, <= or >=, and a value, like “memory <= 64 MB”", text);
      return FALSE;
    }

  g_autofree char *name = g_strndup (text, (gsize)(at - text));
  *limit = (EngLimit){ .at_most = signs[sign].at_most, .strict = signs[sign].strict };
  return eng_figure_id_parse (name, kind, &limit->id, error)
         && eng_figure_value_parse (at + strlen (signs[sign].sign), limit->id, &limit->value,
                                    error);
}

EngLimit
eng_limit_for (EngFigureId id, double value)
{
  return (EngLimit){ .id = id, .at_most = eng_figure_id_lower_is_better (id), .value = value };
}

static gboolean
holds (const EngLimit *limit, double value)
{
  if (value == limit->value)
    return !limit->strict;
  return limit->at_most ? value < limit->value : value > limit->value;
}

EngLimitState
eng_limit_check (const EngLimit *limit, const EngFigure *figure)
{
  if (!figure->available || isnan (figure->value))
    return ENG_LIMIT_UNKNOWN;
  if (!holds (limit, figure->value))
    return ENG_LIMIT_OUTSIDE;
  double worst = limit->at_most ? figure->high : figure->low;
  if (isnan (worst))
    return figure->n == 0 ? ENG_LIMIT_INSIDE : ENG_LIMIT_CROSSED;
  return holds (limit, worst) ? ENG_LIMIT_INSIDE : ENG_LIMIT_CROSSED;
}

char *
eng_limit_describe (const EngLimit *limit)
{
  g_autofree char *value = eng_format_value (limit->value, eng_figure_id_unit (limit->id));
  const char *sign = limit->at_most ? (limit->strict ? "<" : "≤") : limit->strict ? ">" : "≥";

  return g_strdup_printf ("%s %s %s", eng_figure_id_title (limit->id), sign, value);
}
