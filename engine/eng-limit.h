/* Limits that a person types: "latency <= 5 ms", "memory <= 64 MB", "accuracy >= 90 %". */
#pragma once

#include "eng-run.h"

G_BEGIN_DECLS

typedef struct
{
  EngFigureId id;
  gboolean at_most; /* else at least */
  gboolean strict;  /* "<" and ">": the bound itself is out */
  double value;     /* in the figure's unit */
} EngLimit;

typedef enum
{
  ENG_LIMIT_UNKNOWN, /* the figure is not there */
  ENG_LIMIT_OUTSIDE,
  ENG_LIMIT_CROSSED, /* the median is inside, its interval is not, or there is no interval */
  ENG_LIMIT_INSIDE,
} EngLimitState;

/* The figure that @text names, of runs of @kind: its field name, its title or a beginning of one
 * ("decode", "first token"; the first in the list of figures counts), or one of "latency", "speed",
 * "memory", "accuracy". Case, spaces, '-' and '_' do not matter. Errors (ENG_ERROR_NOT_FOUND) list
 * what there is. */
gboolean eng_figure_id_parse (const char *text, EngWorkloadKind kind, EngFigureId *id,
                              GError **error);

/* "64 MB", "5ms", "90 %" in the unit of figure @id. Times, sizes, energies and powers need a unit
 * with any SI prefix (sizes also KiB, MiB, GiB); others may go without. Errors (ENG_ERROR_RANGE)
 * say what is expected. */
gboolean eng_figure_value_parse (const char *text, EngFigureId id, double *value, GError **error);

/* FIGURE (<=|<|>=|>|≤|≥) VALUE UNIT. */
gboolean eng_limit_parse (const char *text, EngWorkloadKind kind, EngLimit *limit, GError **error);

/* The limit that stands for "good enough" in figure @id: at most where lower is better, else at
 * least. */
EngLimit eng_limit_for (EngFigureId id, double value);

EngLimitState eng_limit_check (const EngLimit *limit, const EngFigure *figure);
char *eng_limit_describe (const EngLimit *limit); /* "Peak memory ≤ 64.0 MB" */

G_END_DECLS
