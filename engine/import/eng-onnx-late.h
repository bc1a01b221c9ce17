/* Operators that the runtime does not have in this build: what needs one is reported. A line goes when
 * its operator comes. */
#pragma once

#pragma weak rt_op_dft
#pragma weak rt_op_grid_sample
#pragma weak rt_op_max_unpool
#pragma weak rt_op_nms
#pragma weak rt_op_roi_align
#pragma weak rt_op_stft
#pragma weak rt_window
#pragma weak rt_mel_weights
