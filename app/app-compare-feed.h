/* A comparison as lanes and as a table. */
#pragma once

#include "eng-compare.h"
#include "plot-lanes.h"

G_BEGIN_DECLS

/* What is shown beside latency and weights: one metric alone. */
#define APP_COMPARE_OVERVIEW ENG_N_LAYER_METRICS

/* Bars beside each other; more runs are in the table only. */
#define APP_COMPARE_MAX_BARS 6

typedef struct
{
  guint metric;     /* EngLayerMetric, or APP_COMPARE_OVERVIEW */
  double threshold; /* layers that change by less in every run are left out; 0: none */
  gboolean sorted;  /* by the largest change, instead of in network order */
} AppCompareOptions;

typedef struct _AppCompareFeed AppCompareFeed;

/* @model_hash (nullable): of the model that is open; layers and nodes of that file are what the
 * window's selection is about. */
AppCompareFeed *app_compare_feed_new (EngComparison *comparison, const AppCompareOptions *options,
                                      const char *model_hash);
void app_compare_feed_free (AppCompareFeed *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppCompareFeed, app_compare_feed_free)

/* Items, lanes, series and values; replaces what was there. */
void app_compare_feed_install (AppCompareFeed *self, PlotLanes *lanes);
/* Every run's values and changes, and what is to be said of a row. A new reference. */
PlotTable *app_compare_feed_make_table (AppCompareFeed *self);
/* Layers that the threshold hides. */
guint app_compare_feed_get_n_hidden (AppCompareFeed *self);

/* The item of a layer (or of its operator @node) of the open model, -1 when there is none; and
 * back: FALSE where the open model has no such layer. */
int app_compare_feed_find (AppCompareFeed *self, int layer, const char *node);
gboolean app_compare_feed_lookup (AppCompareFeed *self, guint item, int *layer, const char **node);

/* "A", "B", ...; newly allocated. The palette entry of a run's bars; -1: an outline. */
char *app_compare_letter (guint run);
int app_compare_color (guint run, guint n_runs);

G_END_DECLS
