/* Shared by the files of the history. */
#pragma once

#include "eng-history.h"

G_BEGIN_DECLS

/* JSON documents of the runs that are not deleted, newest first (@id NULL), or of one run: strings, transfer full. */
GPtrArray *eng_history_documents (EngHistory *history, const char *id, GError **error);

G_END_DECLS
