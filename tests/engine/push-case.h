/* What the tests of whole pushes share, whatever link they go over: the default model's build, the
 * text that this computer writes with it, and what a run that comes home has to show. */
#pragma once

#include "devices/eng-devices.h"
#include "eng-push.h"
#include "eng-test.h"

G_BEGIN_DECLS

#define PUSH_CASE_N_TOKENS 24

/* Before g_test_init(): neither reads nor changes what is the user's (folders, keyring, SSH agent).
 * Returns the folder that is the home meanwhile; test_tree_free() it at the end. */
char *push_case_new_home (void);

typedef struct
{
  EngBuild *build; /* run here and there */
  char *text;      /* what this computer writes */
} PushCase;

/* Build the default model with @techniques ("{}": none) and run it here. */
void push_case_init (PushCase *self, const char *techniques);
void push_case_clear (PushCase *self); /* as often as one likes, also when it was never set */

/* PUSH_CASE_N_TOKENS tokens after a prompt that is always the same. */
EngWorkload *push_case_workload (double budget_s);

/* What a test takes; otherwise it is skipped with the reason: a runner for this computer's
 * processor; one for aarch64, and QEMU. */
gboolean push_case_has_runner (void);
gboolean push_case_can_emulate_arm (void);
/* The device @id, which is there; NULL, the test skipped, where it does not work. */
EngDevice *push_case_find_device (EngDevices *devices, const char *id);

/* Push that workload with 0.5 s of repeats; the telemetry is kept in a folder that goes. @progress
 * and @user_data as of EngPushEvents, @times as of eng_push_run(). */
EngRun *push_case_push (const PushCase *self, EngDevice *device, const EngAsk *ask,
                        double patience_s,
                        void (*progress) (const EngPushProgress *progress, gpointer user_data),
                        gpointer user_data, EngPushTimes *times, GError **error);

/* The run wrote what this computer wrote. */
void push_case_check_text (const PushCase *self, EngRun *run);
/* That, its speeds are there, and it ended with its last line. */
void push_case_check_complete (const PushCase *self, EngRun *run, GError *error);
/* Its layers were timed. */
void push_case_check_profile (EngRun *run);
/* The @first push sent runner and build, the @second one what to do and no more. */
void push_case_check_kept (const EngPushTimes *first, const EngPushTimes *second);

/* Whether one of @lines (reasons, notes) has @what in it. */
gboolean push_case_mentions (const char *const *lines, const char *what);

G_END_DECLS
