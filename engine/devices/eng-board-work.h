/* What a workload is for a board: token numbers, or tensors that the model's own front end made
 * here; and back again: what the board's outputs mean, read out by the model's own task. */
#pragma once

#include "eng-build.h"
#include "eng-run.h"

G_BEGIN_DECLS

typedef struct _EngBoardWork EngBoardWork;

/* Blocking: cuts the prompt into tokens, or reads and prepares every input. @board_threads: that
 * the board has; 0: as the build says. Errors say what of the workload a board cannot do. */
EngBoardWork *eng_board_work_new (EngBuild *build, const EngWorkload *workload, guint board_threads,
                                  EngJob *job, GError **error);
void eng_board_work_free (EngBoardWork *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngBoardWork, eng_board_work_free)

/* The build that goes to the board: without front end and task of a network. Borrowed. */
EngBuild *eng_board_work_get_build (EngBoardWork *work);
const EngWorkload *eng_board_work_get_workload (EngBoardWork *work);
guint eng_board_work_get_n_prompt (EngBoardWork *work); /* tokens */
/* The board drafts by prompt lookup, as the recipe asks. */
gboolean eng_board_work_drafts (EngBoardWork *work);
/* Why a board decodes @build without drafts although its recipe asks for them; NULL: it drafts, or
 * the recipe asks for none. Static. */
const char *eng_board_work_why_plain (EngBuild *build);
/* What was left out of the workload, for the run's notes; char *. Borrowed. */
const GPtrArray *eng_board_work_get_notes (EngBoardWork *work);
/* One more: how the board does it. */
void eng_board_work_add_note (EngBoardWork *work, const char *note);

/* The work file (engine/runtime/rt-work.h), whole or not at all. */
gboolean eng_board_work_write (EngBoardWork *work, const char *path, GError **error);

/* An output of the board, as it comes; @input counts inferences. FALSE and @error: the build has no
 * such output, or it has another type or size. */
gboolean eng_board_work_take_output (EngBoardWork *work, guint input, guint value, const char *name,
                                     const char *type, const guint8 *bytes, gsize n_bytes,
                                     GError **error);
/* The scores (rt-score.h) of a window of an evaluation's texts. FALSE and @error as above. */
gboolean eng_board_work_take_scores (EngBoardWork *work, guint window, const guint8 *bytes,
                                     gsize n_bytes, GError **error);
/* The inputs once more through front end and task, with the board's outputs between: @result
 * (nullable) for each. Returns that of the last one; NULL with @error: not all outputs came. */
EngResult *eng_board_work_read_out (EngBoardWork *work, const EngRunEvents *events,
                                    GCancellable *cancellable, GError **error);
/* The same of a labelled set: its evaluation. */
EngEvaluation *eng_board_work_evaluate (EngBoardWork *work, EngJob *job, GError **error);

G_END_DECLS
