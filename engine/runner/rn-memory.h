/* Whether a build fits into the memory that the board has now: asked before memory is taken, so
 * that too little is an error with numbers and not a killed program. */
#pragma once

#include "rt-build-file.h"

/* Before the build's weights are read: they take about the file's size. */
bool rn_memory_check_file (const char *path, RtError *error);
/* Before the executor is made: activations, scratch and cache of @build on @n_threads. Where the
 * board does not say what is available nothing is checked. */
bool rn_memory_check_build (const RtBuildFile *build, uint32_t n_threads, RtError *error);
