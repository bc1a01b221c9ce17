/* The timeline's insides, for the files that make, write and read one. */
#pragma once

#include "eng-timeline.h"

G_BEGIN_DECLS

struct _EngTimeline
{
  gatomicrefcount ref_count;
  guint n_threads;
  GArray *steps; /* EngTimelineStep */
  GArray *spans; /* EngSpan */
};

EngTimeline *eng_timeline_alloc (void);
/* Orders spans within each step, fills the steps' times, and moves time so that the first step
 * starts at 0. */
void eng_timeline_settle (EngTimeline *timeline);

G_END_DECLS
