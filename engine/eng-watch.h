/* Watching the machine while something is measured on it: a thread looks at the clock, the
 * temperature and who uses the processors, ten times a second. */
#pragma once

#include "eng-conditions.h"

G_BEGIN_DECLS

typedef struct _EngWatch EngWatch;

/* @root: "/", or a recorded tree for tests. Looks for sensors: before anything is timed. */
EngWatch *eng_watch_new (const char *root);
void eng_watch_free (EngWatch *watch); /* accepts NULL; ends the thread */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngWatch, eng_watch_free)

/* From here on; starts the thread. Costs tens of microseconds of one processor every 100 ms; what
 * it was is in the record. */
void eng_watch_start (EngWatch *watch);
/* Up to here: fills @conditions, which the caller has initialised. */
void eng_watch_stop (EngWatch *watch, EngConditions *conditions);

/* For tests: in place of the thread's looks, one at @time_s of a tree that the test changes. Begin
 * with time 0; eng_watch_finish() ends at the last. */
void eng_watch_look (EngWatch *watch, double time_s);
void eng_watch_finish (EngWatch *watch, EngConditions *conditions);

G_END_DECLS
