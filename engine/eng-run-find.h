/* Runs by what a person writes: files, ids of the history, "latest". */
#pragma once

#include "eng-history.h"

G_BEGIN_DECLS

/* The run's document as a file. */
gboolean eng_run_save (EngRun *run, const char *path, GError **error);
EngRun *eng_run_load (const char *path, GError **error);

/* @what: a run's file; "latest", "latest~1" (the one before), ...; an id of the history or its
 * beginning, four characters or more, when only one run begins so. @history (inout): opened, at its
 * usual place, when it is needed and NULL. */
EngRun *eng_run_find (EngHistory **history, const char *what, GError **error);

G_END_DECLS
