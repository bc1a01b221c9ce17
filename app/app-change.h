/* The difference of two figures, as an expert wants to read it: how much, how sure, and whether
 * that is good. */
#pragma once

#include "eng-change.h"

G_BEGIN_DECLS

/* The engine's, with its reasons in the user's language. */
typedef EngChange AppChange;

#define APP_CHANGE_NONE ENG_CHANGE_NONE
#define APP_CHANGE_SAME ENG_CHANGE_SAME
#define APP_CHANGE_BETTER ENG_CHANGE_BETTER
#define APP_CHANGE_WORSE ENG_CHANGE_WORSE

/* eng_change() from @before to @after. */
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
