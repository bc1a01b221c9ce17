/* A link whose board is a folder of this computer, and whose runner is a child process of this one:
 * natively, or under an emulator of another instruction set. */
#pragma once

#include "eng-link.h"

G_BEGIN_DECLS

/* @machine: what "uname -m" says on it. @emulator: a program that runs the runner, NULL: none. The
 * folder is made when it is missing. */
EngLink *eng_link_folder_new (const char *folder, const char *machine, const char *emulator,
                              GError **error);

/* $XDG_CACHE_HOME/lathe/boards/@id */
char *eng_link_folder_of (const char *id);

G_END_DECLS
