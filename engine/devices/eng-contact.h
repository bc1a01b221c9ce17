/* The first things said over a fresh link, shared by contact and push. Private to them. */
#pragma once

#include "eng-devices.h"
#include "eng-runner-file.h"

G_BEGIN_DECLS

/* Bytes of copying, over any thread's shoulder. */
typedef struct
{
  EngLinkProgress progress;
  gpointer user_data;
} EngContactProgress;

/* The runner that fits the board behind @link, there and complete: copied when it is not.
 * ENG_RUNNER_ERROR: this computer has none, and *@remedy (newly allocated) is the command that
 * builds it, if there is one. */
EngRunnerFile *eng_contact_bring_runner (EngLink *link, const EngContactProgress *progress,
                                         char **remedy, GCancellable *cancellable, GError **error);
/* No contact, for @error: the state that the device is in. */
void eng_contact_set_failed (EngDevice *device, const GError *error, const char *remedy);
/* What the board says of itself: "RUNNER board .", and how much of its space is taken by builds
 * that @device got from this computer. */
EngBoard *eng_contact_ask_board (EngDevice *device, EngLink *link, const EngRunnerFile *runner,
                                 GCancellable *cancellable, GError **error);
/* Whether this computer has what it takes; sets the device's state when not. */
gboolean eng_contact_check (EngDevice *device, GError **error);

G_END_DECLS
