/* What the files of the report share. */
#pragma once

#include "app-html.h"
#include "eng-compare.h"

G_BEGIN_DECLS

#define APP_REPORT_WIDTH_PX 960

/* "Latency" lanes and the rest along the layers, light and dark, as <figure> elements. @index makes
 * ids unique. */
void app_report_add_lanes (GString *html, EngComparison *comparison, guint index);
/* Latency against memory of all runs; nothing where fewer than two have both. */
void app_report_add_tradeoff (GString *html, EngComparison *comparison);

/* The table of layers and operators of one phase. */
void app_report_add_table (GString *html, EngComparison *comparison);

/* "A", "B", ... "Z", then numbers. Newly allocated. */
char *app_report_letter (guint run);
const char *app_report_phase_title (RtPhase phase);

/* "−38.2 % (−40.1 to −36.0)"; an em dash without one. Newly allocated. */
char *app_report_format_change (const EngChange *change);
char *app_report_format_value (const EngFigure *figure); /* "1.52 ms"; an em dash */
char *app_report_format_interval (
    const EngFigure *figure); /* "1.49 to 1.58", "exact", or why there is none */

G_END_DECLS
