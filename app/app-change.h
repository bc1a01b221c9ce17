/* The difference of two figures, as an expert wants to read it: how much, how sure, and whether
 * that is good. */
#pragma once

#include "eng-figure.h"

G_BEGIN_DECLS

typedef enum
{
  APP_CHANGE_NONE, /* cannot be said; see the reason */
  APP_CHANGE_SAME, /* the interval of the change holds zero: no clear difference */
  APP_CHANGE_BETTER,
  APP_CHANGE_WORSE,
} AppChangeVerdict;

typedef struct
{
  AppChangeVerdict verdict;
  double frac;        /* after / before - 1; NAN for APP_CHANGE_NONE */
  double low, high;   /* what the two 95 % intervals allow at most; NAN without intervals */
  gboolean points;    /* of shares: these three are after - before, 0.01 is a percentage point */
  const char *reason; /* static, for APP_CHANGE_NONE, or a caveat */
} AppChange;

/* From @before to @after. The interval is the widest the ends of both intervals allow
 * (conservative: its cover is at least 95 % where both are 95 % and independent). */
AppChange app_change (const EngFigure *before, const EngFigure *after, gboolean lower_is_better);

/* "−38 %", "≈ 0 %", "—"; "−1.2 pp" of shares, where a ratio of percentages would mislead. */
char *app_change_format (const AppChange *change);
/* "−38 % (−40 % to −36 %)". */
char *app_change_format_long (const AppChange *change);
/* An arrow that says the direction without colour: "▲", "▼", "≈", "". */
const char *app_change_arrow (const AppChange *change);
/* "better", "worse", "no clear difference", translated; for screen readers and tooltips. */
const char *app_change_words (const AppChange *change);
/* The style class: "success", "error", "dim-label". */
const char *app_change_style (const AppChange *change);

/* A figure in two parts, so that the number can be large and the unit small. Both newly allocated;
 * "—" and "" when it is unavailable. */
void app_figure_split (const EngFigure *figure, char **number, char **unit);
/* "216.9–220.0", "exact", "6 samples or more are needed": the line under the number. */
char *app_figure_interval (const EngFigure *figure);

G_END_DECLS
