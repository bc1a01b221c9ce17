/* Where the runners are that came with this program: one static program for each sort of board. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ENG_RUNNER_ERROR (eng_runner_error_quark ())
GQuark eng_runner_error_quark (void);

typedef enum
{
  ENG_RUNNER_ERROR_NOT_BUILT, /* eng_runner_remedy() builds it */
  ENG_RUNNER_ERROR_UNKNOWN,   /* there are none for such processors */
} EngRunnerError;

/* The path of the runner for boards whose "uname -m" says @machine ("x86_64", "aarch64", "riscv64",
 * and their other names), newly allocated. Looked for as lathe-runner-@machine in the folders of
 * $LATHE_RUNNERS (a search path), where Lathe is installed, then in the build of this program and
 * the cross builds beside it. ENG_RUNNER_ERROR: there is none; the message says which command
 * builds it. In a build, a program of another sort of processor is passed over. */
char *eng_runner_find (const char *machine, GError **error);

/* The command that builds the runner for @machine in the folder of the sources, newly allocated;
 * NULL: there are none for such processors. */
char *eng_runner_remedy (const char *machine);

/* The name that a runner goes by for "uname -m" @machine: "arm64" is "aarch64". Borrowed. */
const char *eng_runner_machine (const char *machine);

G_END_DECLS
