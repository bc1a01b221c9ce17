/* Where the program finds its own files: the default model, the settings schema, translations. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* TRUE when this program lies in the build directory it was built in; then the checkout's data are
 * used before installed ones. */
gboolean app_paths_in_build (void);

/* The path of @name ("default-model/x.gguf") in the first data directory that has it:
 * $LATHE_DATADIR, the checkout (when not installed), the installed one. NULL when none has it. */
char *app_paths_find_data (const char *name);

/* The model that is shown when nothing else was asked for; NULL when it is missing. */
char *app_paths_find_default_model (void);

/* Where translations are: the build's po/ or the installed directory. */
char *app_paths_dup_locale_dir (void);

G_END_DECLS
