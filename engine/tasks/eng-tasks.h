/* The rows of the tables; each in its own file. */
#pragma once

#include "tasks/eng-task.h"

G_BEGIN_DECLS

extern const EngFront eng_front_tensor, eng_front_picture, eng_front_frames, eng_front_mel,
    eng_front_micro;

extern const EngTask eng_task_tensor, eng_task_classify, eng_task_detect, eng_task_points,
    eng_task_segment, eng_task_picture, eng_task_denoise, eng_task_activity, eng_task_anomaly;

/* Helpers that several share. */

/* Random numbers in the range of an input: U(-1, 1) for floats, all codes for integers. */
void eng_task_fill_random (int type, gpointer data, guint64 n, guint64 seed);

G_END_DECLS
