#pragma once

/* Everything of the plot library in one include. */

#include "plot-axis.h"
#include "plot-chart.h"
#include "plot-export.h"
#include "plot-figure.h"
#include "plot-forest.h"
#include "plot-format.h"
#include "plot-graph.h"
#include "plot-lanes.h"
#include "plot-lanes-page.h"
#include "plot-layer.h"
#include "plot-memory.h"
#include "plot-pyramid.h"
#include "plot-result.h"
#include "plot-roof.h"
#include "plot-series.h"
#include "plot-spark.h"
#include "plot-style.h"
#include "plot-table.h"
#include "plot-ticks.h"
#include "plot-timeline.h"
