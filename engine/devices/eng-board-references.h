/* "Calibrate this board": reference layers run on this computer and on the board, and what follows
 * from the two (eng-board-calibration.h). */
#pragma once

#include "eng-board-calibration.h"
#include "eng-push.h"

G_BEGIN_DECLS

/* Runs the reference network, and the language model @language_model (the path of a small one;
 * NULL: none, then little is known of language models), here and on @device. Blocking, two seconds
 * here and what the board takes; @job (nullable) gets progress and may cancel. The result is kept
 * for the device (@folder NULL: in the user's state). On a microcontroller an 8-bit network of its
 * own runs, once, and nothing here; virtual ones repeat to the cycle. */
EngBoardCalibration *eng_board_calibrate (EngDevice *device, const char *language_model,
                                          const EngPushOptions *options, const char *folder,
                                          EngJob *job, GError **error);

/* Whether @node is one of the about ten reference layers: of a network those whose names say so
 * (eng-reference-network.h), of a language model a handful. */
gboolean eng_board_reference_is_chosen (EngProfile *profile, RtPhase phase, guint node);

/* What @here and @there, profiles of one build, have in common: one reference for each chosen work
 * that was timed on both, appended to @references (EngBoardReference; names are owned by it). */
void eng_board_references_add (GArray *references, EngProfile *here, EngProfile *there);
GArray *eng_board_references_new (void);

G_END_DECLS
