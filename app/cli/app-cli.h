/* The command line: one program, `lathe`, with the window's powers. Each command is one file and
 * one row in app-cli.c. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Whether `lathe NAME` is a command (and not a file to open in the window). Also "--help" and
 * "--version". */
gboolean app_cli_is_command (const char *name);

/* Run it. argv[0] is the program, argv[1] the command. Returns the exit status: 0, or 1 after one
 * sentence on stderr. */
int app_cli_main (int argc, char **argv);

G_END_DECLS
