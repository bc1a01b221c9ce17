/* The figure of repeated samples, as the rule that ends a measurement sees it
 * (runtime/rt-repeat.h). */
#pragma once

#include "eng-figure.h"
#include "rt-repeat.h"

G_BEGIN_DECLS

/* rt_repeat_warmup(). */
guint eng_repeat_warmup (const double *samples, guint n);

/* The figure of @samples in order of time, as the rule sees it: without the warm-up, with the
 * interval of dependent samples (eng-series.h). @scale and @reciprocal turn a sample into @unit:
 * scale * x or scale / x. */
EngFigure eng_repeat_figure (const double *samples, guint n, double scale, gboolean reciprocal,
                             const char *unit, const char *why_none);

G_END_DECLS
