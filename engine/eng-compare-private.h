/* What the files of a comparison share. */
#pragma once

#include "eng-compare.h"

G_BEGIN_DECLS

/* Where values come from. */
typedef struct
{
  EngRun *run;
  RtPhase phase;
  EngLayerErrors *errors; /* NULL: not known */
} EngMetricSource;

typedef struct
{
  const char *name, *title, *unit;
  gboolean lower_is_better;
  gboolean adds_up; /* several nodes: the sum; else the largest */
  EngAspect aspect;
  EngFigure (*of_node) (const EngMetricSource *from, guint node);
  EngFigure (*of_layer) (const EngMetricSource *from, int layer);
} EngLayerMetricInfo;

const EngLayerMetricInfo *eng_layer_metric_info (EngLayerMetric metric);

/* What the run's @nodes cost together. Where they are all nodes of a layer, the layer's own samples
 * count: the median of a sum is narrower than a sum of medians. Unavailable where nothing was
 * measured. */
EngFigure eng_layer_metric_measure (EngLayerMetric metric, const EngMetricSource *from,
                                    const guint *nodes, guint n);

void eng_comparable_init (EngComparable *comparable, EngRun *first, EngRun *run, EngAlignKind kind,
                          const char *why_not);
G_END_DECLS
