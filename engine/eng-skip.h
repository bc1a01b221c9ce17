/* What is left out of feed-forward blocks by what their activations are: the parts of the technique
 * "activation sparsity". */
#pragma once

#include "eng-activations.h"
#include "eng-lowering.h"

G_BEGIN_DECLS

/* The length of every column of the file's matrix, [n_cols]; newly allocated. Cost: reads it
 * once. */
double *eng_skip_column_lengths (EngModel *model, const EngTensor *tensor);

/* @thresholds [n] of the value that @name stands for in eng_activations_get_channels(), of which
 * @share (0..1) falls below them on the calibration text: one for all channels, or, with
 * @lengths [n] (what a channel's unit adds to the output), those that make |x| * length the same
 * for all. FALSE: no such statistics. */
gboolean eng_skip_thresholds (EngActivations *activations, const char *name, gsize n,
                              const double *lengths, double share, float *thresholds,
                              GError **error);

typedef enum
{
  ENG_SKIP_SINGLE_ROWS, /* up in Q8_ROWS */
  ENG_SKIP_GROUPS,      /* up as it is, groups of 16 rows */
} EngSkipForm;

/* @source with gate and up of the layers of which @share is above 0 as rt_op_gate_up_skip; NULL
 * without @error: of none. Notes why not where it cannot be. */
typedef double (*EngSkipShare) (EngRecipe *recipe, const char *tensor); /* 0..1 */
RtGraph *eng_skip_rows_transform (EngLowering *lowering, const RtGraph *source, EngSkipShare share,
                                  gboolean per_channel, GError **error);

/* For apply(): formats of gate and up in such nodes. FALSE: refused for @technique. */
gboolean eng_skip_rows_apply (EngLowering *lowering, const EngTechnique *technique,
                              EngSkipForm form, GError **error);

G_END_DECLS
