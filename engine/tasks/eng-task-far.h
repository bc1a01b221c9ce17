/* The two ends of a network that runs elsewhere. Private to eng-task.c. */
#pragma once

#include "tasks/eng-task.h"

G_BEGIN_DECLS

typedef struct _EngTaskFar EngTaskFar;

/* For @run, of which all is known but where it infers. */
EngTaskFar *eng_task_far_new (EngTaskRun *run, EngTaskFarInfer infer, gpointer user_data,
                              GError **error);
void eng_task_far_free (EngTaskFar *far);
/* The run's graph, executor and ports are now those of the front end, from the beginning; or those
 * of the task. */
void eng_task_far_begin (EngTaskRun *run);
void eng_task_far_use_front (EngTaskRun *run);
void eng_task_far_use_back (EngTaskRun *run);
gboolean eng_task_far_infer (EngTaskRun *run, RtError *error);

G_END_DECLS
