/* Telemetry of a board becomes a Run like any other: its records fill the profiler live, its passes
 * become figures with intervals, its states the conditions, its tokens text, its outputs a result.
 * Fed by eng-push.c, or with a file of telemetry. */
#pragma once

#include "eng-board-work.h"
#include "eng-device.h"
#include "eng-telemetry.h"

G_BEGIN_DECLS

typedef struct _EngBoardRun EngBoardRun;

/* @work, @profiler (nullable), @events (nullable) are borrowed. The profiler then watches the build
 * that the board runs. */
EngBoardRun *eng_board_run_new (EngBoardWork *work, EngProfiler *profiler,
                                const EngRunEvents *events);
void eng_board_run_free (EngBoardRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngBoardRun, eng_board_run_free)

/* What reads the bytes: feed it, resume it, ask it what came. Borrowed. */
EngTelemetry *eng_board_run_get_telemetry (EngBoardRun *run);
/* 0..1 of the run; -1: not known. */
double eng_board_run_get_progress (EngBoardRun *run);
gint64 eng_board_run_get_first_line_us (EngBoardRun *run); /* monotonic; 0: none came */

/* Everything that was measured. @board (nullable): what contact told, for what the telemetry does
 * not say. @lost: why there is no line "end" (NULL: there is, or the telemetry says itself).
 * NULL and @error: nothing was measured, with what the board said. @job may cancel the reading out
 * of results. */
EngRun *eng_board_run_finish (EngBoardRun *run, EngDevice *device, EngBoard *board,
                              const char *lost, EngJob *job, GError **error);

G_END_DECLS
