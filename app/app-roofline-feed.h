/* What the roofline view draws: roofs, points and trails in one chart, and the same as a table. */
#pragma once

#include "app-stage.h"
#include "eng-roofline.h"
#include "plots.h"

G_BEGIN_DECLS

/* What is shown: all borrowed, and nullable but @model. */
typedef struct
{
  EngModel *model;
  EngProfile *profile;  /* measured, or expected */
  EngProfile *baseline; /* measured before, of the same model: where the trails begin */
  const EngRoof *roof;
  gboolean expected;  /* @profile is an estimate: hollow */
  gboolean operators; /* one point per operator instead of one per layer */
} AppRooflineShown;

typedef struct _AppRooflineFeed AppRooflineFeed;

/* Adds its layers to @chart, which must outlive it. */
AppRooflineFeed *app_roofline_feed_new (PlotChart *chart);
void app_roofline_feed_free (AppRooflineFeed *feed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppRooflineFeed, app_roofline_feed_free)

void app_roofline_feed_show (AppRooflineFeed *feed, const AppRooflineShown *shown);
/* Whether @phase was measured (or is expected); and whether its points are to be seen. */
gboolean app_roofline_feed_has_phase (AppRooflineFeed *feed, RtPhase phase);
void app_roofline_feed_set_visible (AppRooflineFeed *feed, RtPhase phase, gboolean visible);

/* From a point to what it stands for: @node (nullable) gets NULL for a layer. FALSE: no such
 * point. */
gboolean app_roofline_feed_lookup (AppRooflineFeed *feed, PlotLayer *points, guint64 index,
                                   RtPhase *phase, int *layer, const char **node);
/* The other way round; FALSE: it has no point (no arithmetic, or not measured). */
gboolean app_roofline_feed_find (AppRooflineFeed *feed, RtPhase phase, int layer, const char *node,
                                 PlotLayer **points, guint64 *index);

/* Everything, also what has no arithmetic and so no point. A new reference. */
PlotTable *app_roofline_feed_make_table (AppRooflineFeed *feed);
/* "Decode: 63 % of the roofs, 0.41 ms lost per token, bound by memory" or why that cannot be told.
 * Newly allocated. */
char *app_roofline_feed_dup_summary (AppRooflineFeed *feed);

G_END_DECLS
