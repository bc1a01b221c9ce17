/* Differences of figures in words; their arithmetic is eng-change.c. Called by the headline, the
 * comparison and the history; knows nothing of widgets, so that it can be tested without a
 * display. */
#include "app-change.h"

#include "app-config.h"
#include "plot-format.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#define NNBSP "\u202f"

AppChange
app_change (const EngFigure *before, const EngFigure *after, gboolean lower_is_better)
{
  AppChange change = eng_change (before, after, lower_is_better);

  if (change.reason != NULL)
    change.reason = _ (change.reason);
  return change;
}

/* One number of a change: a ratio in per cent, or percentage points. */
static char *
format_part (const AppChange *change, double value)
{
  const char *sign = value > 0.0005 ? "+" : value < -0.0005 ? "\u2212" : "\u00b1";

  if (!change->points)
    return plot_format_change (1.0 + value, 1.0);
  /* Translators: percentage points */
  return g_strdup_printf (_ ("%s%.1f" NNBSP "pp"), sign, fabs (100.0 * value));
}

char *
app_change_format (const AppChange *change)
{
  if (change->verdict == APP_CHANGE_NONE)
    return g_strdup ("—");
  return format_part (change, change->frac);
}

char *
app_change_format_long (const AppChange *change)
{
  g_autofree char *text = app_change_format (change);
  g_autofree char *low = NULL;
  g_autofree char *high = NULL;

  if (!isfinite (change->low) || change->low == change->high)
    return g_steal_pointer (&text);
  low = format_part (change, change->low);
  high = format_part (change, change->high);
  /* Translators: a change and the interval it lies in: "−38 % (−40 % to −36 %)" */
  return g_strdup_printf (_ ("%s (%s to %s)"), text, low, high);
}

const char *
app_change_arrow (const AppChange *change)
{
  if (change->verdict == APP_CHANGE_NONE)
    return "";
  if (change->verdict == APP_CHANGE_SAME)
    return "≈";
  return change->frac > 0.0 ? "▲" : "▼";
}

const char *
app_change_words (const AppChange *change)
{
  switch (change->verdict)
    {
    case APP_CHANGE_BETTER:
      return _ ("better");
    case APP_CHANGE_WORSE:
      return _ ("worse");
    case APP_CHANGE_SAME:
      return _ ("no clear difference");
    case APP_CHANGE_NONE:
    default:
      return change->reason != NULL ? change->reason : _ ("unknown");
    }
}

const char *
app_change_style (const AppChange *change)
{
  switch (change->verdict)
    {
    case APP_CHANGE_BETTER:
      return "success";
    case APP_CHANGE_WORSE:
      return "error";
    case APP_CHANGE_SAME:
    case APP_CHANGE_NONE:
    default:
      return "dim-label";
    }
}

void
app_figure_split (const EngFigure *figure, char **number, char **unit)
{
  g_autofree char *text = NULL;
  const char *space;

  if (!figure->available)
    {
      *number = g_strdup ("—");
      *unit = g_strdup ("");
      return;
    }
  text = eng_format_value (figure->value, figure->unit);
  space = g_strrstr (text, NNBSP);
  if (space == NULL)
    space = strrchr (text, ' ');
  *number = space != NULL ? g_strndup (text, (gsize)(space - text)) : g_strdup (text);
  *unit = g_strdup (space != NULL ? space + (*space == ' ' ? 1 : strlen (NNBSP)) : "");
}

char *
app_figure_interval (const EngFigure *figure)
{
  g_autofree char *low = NULL;
  g_autofree char *high = NULL;
  const char *space;

  if (!figure->available)
    return g_strdup (figure->reason != NULL ? figure->reason : _ ("not measured yet"));
  if (figure->n == 0 && isfinite (figure->low))
    return g_strdup (_ ("exact"));
  if (!isfinite (figure->low) || !isfinite (figure->high))
    return g_strdup (figure->reason != NULL ? figure->reason : _ ("too few samples"));

  low = eng_format_value (figure->low, figure->unit);
  high = eng_format_value (figure->high, figure->unit);
  space = g_strrstr (low, NNBSP);
  /* The unit stands beside the number above: once is enough when both ends carry the same one. */
  if (space != NULL && g_str_has_suffix (high, space))
    low[space - low] = '\0';
  return g_strdup_printf ("%s–%s", low, high);
}
