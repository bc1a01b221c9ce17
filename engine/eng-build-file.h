/* A build as the file that a runner takes (engine/runtime/rt-build-file.h). */
#pragma once

#include "eng-build.h"

G_BEGIN_DECLS

/* What such files end in. */
#define ENG_BUILD_SUFFIX ".lathe-build"

/* Write @build to @path, which appears only when it is complete. Packed weights are written as they
 * are in memory, so it costs one pass over them. Blocking; @job (nullable) gets progress and may
 * cancel. *@sha256 (may be NULL): of what is in the file, hexadecimal, newly allocated. A full
 * disk, a folder without permission: ENG_ERROR with the path. */
gboolean eng_build_write_file (EngBuild *build, const char *path, EngJob *job, char **sha256,
                               GError **error);

G_END_DECLS
