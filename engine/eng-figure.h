/* A number an expert believes: a median with its 95 % interval and how many samples it rests on, or
 * the reason why there is none. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gboolean available;
  double value;       /* the median, or an exact count */
  double low, high;   /* 95 % interval; equal to value when exact */
  guint n;            /* samples; 0 when exact (computed, not sampled) */
  const char *unit;   /* static: "tok/s", "ms", "B" */
  const char *reason; /* static or interned: why unavailable, or a caveat ("one sample: no
                       * interval") */
} EngFigure;

EngFigure eng_figure_exact (double value, const char *unit);
EngFigure eng_figure_unavailable (const char *unit, const char *reason);

/* Median and distribution-free 95 % interval from order statistics (binomial ranks; Conover,
 * Practical Nonparametric Statistics, section 3.2). Fewer than 6 samples cannot give 95 %: low/high
 * are then NAN and the reason says so. Sorts @samples in place. */
EngFigure eng_figure_from_samples (double *samples, guint n, const char *unit);

/* @n_hits of @n independent tries as a share in %, with Wilson's 95 % score interval (Wilson 1927,
 * equation 4). */
EngFigure eng_figure_share (guint n_hits, guint n);

/* rt_quantile_sorted(). */
double eng_quantile_sorted (const double *sorted, guint n, double q);

/* rt_warmup_length(). */
guint eng_warmup_length (const double *samples, guint n);

/* "218.4 tok/s (216.9–220.0)", "1.52 ms", "93.1 MB", "unavailable: no sensor". */
char *eng_figure_format (const EngFigure *figure);
/* number with SI prefix and unit, narrow no-break space between */
char *eng_format_value (double value, const char *unit);

G_END_DECLS
