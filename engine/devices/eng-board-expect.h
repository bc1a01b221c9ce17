/* What a build is expected to take on a calibrated board, before anything is pushed: of a Linux
 * board from what this computer takes or is expected to take, of a microcontroller from the
 * generated code's work. */
#pragma once

#include "eng-board-calibration.h"
#include "eng-device.h"
#include "eng-estimate.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean is_there;        /* the model has this phase */
  EngBoardExpected step;    /* a prompt's step, a token's, an inference: what one waits for */
  EngBoardExpected *layers; /* [n_layers + 2], index layer + 1 */
} EngBoardPhase;

typedef struct
{
  int n_layers;
  guint n_prompt; /* tokens of the prompt's step; 0: does not apply */
  EngBoardPhase phases[RT_PHASE_INFERENCE + 1];
} EngBoardForecast;

/* @recipe of @model on @device, which @calibration is of. @estimator: for Linux boards, of this
 * computer. @build (nullable): of that model and recipe, when there is one; without it one is made
 * for microcontrollers. What prepares inputs and reads results out runs on this computer and is not
 * counted. Errors: as eng_estimator_forecast() and eng_mcu_plan(). Blocking: milliseconds, or the
 * time of a build. */
EngBoardForecast *eng_board_forecast (EngBoardCalibration *calibration, EngDevice *device,
                                      EngEstimator *estimator, EngModel *model, EngRecipe *recipe,
                                      EngBuild *build, EngJob *job, GError **error);
void eng_board_forecast_free (EngBoardForecast *forecast);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngBoardForecast, eng_board_forecast_free)

G_END_DECLS
