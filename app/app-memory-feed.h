/* The memory plan of a build as buffers and steps for a PlotMemory. */
#pragma once

#include "eng-build.h"
#include "plot-memory.h"

G_BEGIN_DECLS

/* Blocks of the arena over the executed nodes; addresses are those of the arena. Borrows
 * nothing. */
void app_memory_feed_install (EngBuild *build, PlotMemory *memory);

/* "Arena 1.20 MB, 4 % above the lower bound · working memory 64 kB": new string. */
char *app_memory_feed_dup_caption (EngBuild *build);

G_END_DECLS
