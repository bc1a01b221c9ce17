/* A run's timeline as the data of a plot. No widgets of the window. */
#pragma once

#include "eng-run.h"
#include "plots.h"

G_BEGIN_DECLS

typedef struct _AppTimelineFeed AppTimelineFeed;

/* The steps of @phase of the run's timeline, laid end to end: what lay between them (clean passes)
 * is left out. NULL: the run has none of that phase. */
AppTimelineFeed *app_timeline_feed_new (EngRun *run, RtPhase phase);
void app_timeline_feed_free (AppTimelineFeed *feed); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppTimelineFeed, app_timeline_feed_free)

void app_timeline_feed_install (AppTimelineFeed *feed, PlotTimeline *plot);
/* Of a span as it was installed: the node of the profile, -1 for headings; and its layer, G_MININT
 * for a whole step. */
void app_timeline_feed_lookup (AppTimelineFeed *feed, int span, int *node, int *layer);
/* What plot_timeline_set_marked() wants for a layer. */
int app_timeline_feed_family (int layer);
/* What the threads did by operator, most time first: medians over the steps of the work and of the
 * waiting of all threads together; and shares of them. A new reference. */
PlotTable *app_timeline_feed_make_summary (AppTimelineFeed *feed);
/* "8 steps, 2.24 ms each (median), 2 threads; 6 % of their time waiting". New. */
char *app_timeline_feed_dup_caption (AppTimelineFeed *feed);

G_END_DECLS
