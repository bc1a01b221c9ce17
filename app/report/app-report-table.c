/* The report's table of layers and operators, and how its numbers are written. Readable without the
 * script that sorts it. Called by app-report.c. */
#include "app-report-private.h"

#include <math.h>

#define MINUS "\u2212"

char *
app_report_letter (guint run)
{
  return run < 26 ? g_strdup_printf ("%c", 'A' + (int)run) : g_strdup_printf ("#%u", run + 1);
}

const char *
app_report_phase_title (RtPhase phase)
{
  static const char *const titles[RT_N_PHASES] = { "prefill", "decode", "inference" };

  g_return_val_if_fail (phase < RT_N_PHASES, NULL);
  return titles[phase];
}

/* With a typographic minus, and a plus where nothing else is said. */
static char *
format_part (double value)
{
  return g_strdup_printf ("%s%.1f",
                          value > 0.05    ? "+"
                          : value < -0.05 ? MINUS
                                          : "\u00b1",
                          fabs (value));
}

char *
app_report_format_change (const EngChange *change)
{
  const char *unit = change->points ? "pp" : "%";
  g_autofree char *middle = format_part (100 * change->frac),
                  *low = format_part (100 * change->low), *high = format_part (100 * change->high);

  if (change->verdict == ENG_CHANGE_NONE)
    return g_strdup ("\u2014");
  if (!isfinite (change->low) || change->low == change->high)
    return g_strdup_printf ("%s\u202f%s", middle, unit);
  return g_strdup_printf ("%s\u202f%s (%s to %s)", middle, unit, low, high);
}

char *
app_report_format_value (const EngFigure *figure)
{
  if (!figure->available)
    return g_strdup ("\u2014");
  if (g_strcmp0 (figure->unit, "ns") == 0)
    return eng_format_value (figure->value * 1e-9, "s");
  if (g_strcmp0 (figure->unit, "ms") == 0)
    return eng_format_value (figure->value * 1e-3, "s");
  return eng_format_value (figure->value, figure->unit);
}

char *
app_report_format_interval (const EngFigure *figure)
{
  EngFigure low = *figure, high = *figure;
  g_autofree char *from = NULL, *to = NULL;

  if (!figure->available)
    return g_strdup_printf ("unavailable: %s",
                            figure->reason != NULL ? figure->reason : "not measured");
  if (figure->n == 0)
    return g_strdup (figure->reason != NULL && *figure->reason != '\0' ? figure->reason : "exact");
  if (!isfinite (figure->low) || !isfinite (figure->high))
    return g_strdup_printf ("%u samples: no interval", figure->n);
  low.value = figure->low;
  high.value = figure->high;
  from = app_report_format_value (&low);
  to = app_report_format_value (&high);
  return g_strdup_printf ("%s to %s", from, to);
}

/* ---- Cells ---- */

static void
begin_cell (GString *html, const char *css, double sort)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (html, "<td class=\"%s\"", css);
  if (isfinite (sort))
    g_string_append_printf (html, " data-v=\"%s\"", g_ascii_dtostr (buffer, sizeof buffer, sort));
  g_string_append_c (html, '>');
}

static void
add_value (GString *html, EngComparison *comparison, guint row, guint r, EngLayerMetric metric)
{
  EngFigure figure = eng_comparison_get_value (comparison, row, r, metric);
  g_autofree char *text = app_report_format_value (&figure);
  g_autofree char *interval = app_report_format_interval (&figure);
  g_autofree char *note = eng_comparison_dup_note (comparison, row, r);

  begin_cell (html, "num", figure.available ? figure.value : NAN);
  if (!figure.available)
    {
      g_string_append (html, "<span class=\"dim\">");
      app_html_text (html, eng_comparison_is_executed (comparison, row, r) ? "\u2014"
                                                                           : "not executed here");
      g_string_append (html, "</span>");
    }
  else
    {
      app_html_text (html, text);
      if (figure.n > 0)
        app_html_element (html, "small", interval);
      if (note != NULL && metric == ENG_LAYER_METRIC_LATENCY)
        app_html_element (html, "small", note);
    }
  g_string_append (html, "</td>");
}

static void
add_change (GString *html, EngComparison *comparison, guint row, guint r, EngLayerMetric metric)
{
  static const char *const css[] = { "num dim", "num same", "num better", "num worse" };
  static const char *const marks[] = { "", "≈ ", "", "" };
  EngChange change = eng_comparison_get_change (comparison, row, r, metric);
  g_autofree char *text = app_report_format_change (&change);

  begin_cell (html, css[change.verdict], change.frac);
  app_html_text (html, marks[change.verdict]);
  app_html_text (html, text);
  g_string_append (html, "</td>");
}

/* ---- The table ---- */

/* Latency and weights of every run, with changes from the second on; what a layer or an operator is
 * called comes first. */
static const EngLayerMetric shown[] = { ENG_LAYER_METRIC_LATENCY, ENG_LAYER_METRIC_WEIGHTS };

static void
add_head (GString *html, EngComparison *comparison)
{
  guint n_runs = eng_comparison_get_n_runs (comparison);

  g_string_append (html, "<thead><tr><th>Layer</th>");
  for (guint m = 0; m < G_N_ELEMENTS (shown); m++)
    for (guint r = 0; r < n_runs; r++)
      {
        g_autofree char *letter = app_report_letter (r);

        g_string_append (html, "<th class=\"num\">");
        app_html_printf (html, "%s%s%s", eng_layer_metric_title (shown[m]), n_runs > 1 ? " " : "",
                         n_runs > 1 ? letter : "");
        g_string_append (html, "</th>");
        if (r > 0)
          {
            g_string_append (html, "<th class=\"num\">");
            app_html_printf (html, "%s against A", letter);
            g_string_append (html, "</th>");
          }
      }
  g_string_append (html, "</tr></thead>\n");
}

static void
add_row (GString *html, EngComparison *comparison, guint row)
{
  const EngCompareRow *info = eng_comparison_get_row (comparison, row);

  g_string_append_printf (html, "<tr class=\"%s\"><th scope=\"row\">",
                          info->depth == 0 ? "layer" : "op");
  app_html_text (html, info->name);
  if (info->depth > 0)
    app_html_element (html, "small", info->op);
  g_string_append (html, "</th>");
  for (guint m = 0; m < G_N_ELEMENTS (shown); m++)
    for (guint r = 0; r < eng_comparison_get_n_runs (comparison); r++)
      {
        add_value (html, comparison, row, r, shown[m]);
        if (r > 0)
          add_change (html, comparison, row, r, shown[m]);
      }
  g_string_append (html, "</tr>\n");
}

void
app_report_add_table (GString *html, EngComparison *comparison)
{
  guint n = eng_comparison_get_n_rows (comparison);
  const char *phase = app_report_phase_title (eng_comparison_get_phase (comparison));

  g_string_append_printf (html,
                          "<label class=\"control\"><input type=\"checkbox\" class=\"ops\" "
                          "id=\"ops-%s\"/> Operators of every layer</label>\n"
                          "<div class=\"wide\"><table class=\"sort\">\n",
                          phase);
  add_head (html, comparison);
  for (guint row = 0; row < n; row++)
    {
      gboolean first = eng_comparison_get_row (comparison, row)->depth == 0;

      /* A layer and its operators are one body, so that sorting keeps them together. */
      if (first)
        g_string_append (html, row > 0 ? "</tbody><tbody>\n" : "<tbody>\n");
      add_row (html, comparison, row);
    }
  g_string_append (html, n > 0 ? "</tbody></table></div>\n" : "</table></div>\n");
}
