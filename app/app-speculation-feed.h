/* A run's speculation as the data of plots, of a table and of a marked text. No widgets of the
 * window. */
#pragma once

#include "eng-run.h"
#include "plots.h"

G_BEGIN_DECLS

/* ---- Figures ---- */

/* Share of the tested tokens that was accepted, in %, by draft position, with 95 % intervals: one
 * bar per position. */
void app_speculation_fill_acceptance (EngSpeculation *speculation, PlotSeries *bars);
/* The length that was aimed for and what was accepted, over the token at which each round began. */
void app_speculation_fill_trace (EngSpeculation *speculation, PlotSeries *aimed,
                                 PlotSeries *accepted);
/* Two rows, draft and verify, over time. Rounds whose times are not known are left out. */
void app_speculation_fill_timeline (EngSpeculation *speculation, PlotTimeline *timeline);
/* A row per round: what it drafted, what became of it, its times. @text: the run's. A new
 * reference. */
PlotTable *app_speculation_make_table (EngSpeculation *speculation, const char *text);

/* ---- Break-even ---- */

/* The run's own place: acceptance in %, cost of a drafted token in plain steps. FALSE: one of them
 * is not known. */
gboolean app_speculation_get_point (EngSpeculation *speculation, double *acceptance,
                                    double *cost_ratio);
/* Draft lengths whose verification was measured: 1 .. the result; 0: none. */
guint app_speculation_get_max_length (EngSpeculation *speculation);
/* Speed against plain steps for an acceptance in % and a cost ratio, with drafts of @length tokens,
 * from the measured cost of verifying them; NAN: unknown. */
double app_speculation_speedup (EngSpeculation *speculation, guint length, double acceptance,
                                double cost_ratio);

/* ---- Text ---- */

typedef enum
{
  APP_MARK_OWN,      /* the model's own token: of a plain step, or what a round adds to the accepted
                      * ones */
  APP_MARK_ACCEPTED, /* drafted, and in the text */
  APP_MARK_REJECTED, /* drafted, compared, and not what the model chose */
  APP_MARK_UNTESTED, /* drafted behind a rejected one, never compared */
} AppMark;

typedef struct
{
  AppMark mark;
  int round; /* -1: before the first */
  guint n_tokens;
  char *text; /* valid UTF-8; of tokens that make one character together, all of it stands with the
               * last */
} AppMarked;

/* @text, the run's, in order, what was rejected standing where it was drafted; neighbours of the
 * same round and mark are one. Elements AppMarked; a new array. */
GArray *app_speculation_make_text (EngSpeculation *speculation, const char *text);

/* ---- Words ---- */

/* "84 of 120 tokens were drafted and accepted; …": newly allocated. */
char *app_speculation_dup_sentence (EngSpeculation *speculation);
/* "Round 12: 4 drafted, 3 accepted, 1 rejected; 4 tokens in 9.1 ms". */
char *app_speculation_dup_round (EngSpeculation *speculation, guint round);
/* Whether the text is what plain decoding writes, in words; @verdict: 1 it is, 0 not checked or
 * kept in distribution, -1 it is not. */
char *app_speculation_dup_identity (EngSpeculation *speculation, int *verdict);

G_END_DECLS
