/* Everything that comes over the network and is read by our own code: file names, ranges, commands
 * and the two bodies of pairing. Pure functions; fuzzed (tests/fuzz/fuzz-agent.c). */
#pragma once

#include <json-glib/json-glib.h>

#include "ag-proof.h"

G_BEGIN_DECLS

#define AG_MAX_NAME 128       /* characters of a file's name */
#define AG_MAX_BODY 16384     /* bytes of a JSON body */
#define AG_MAX_ARGS 64        /* of a command */
#define AG_CURRENT "@current" /* as a build's name: the one that is current */
#define AG_MAX_SIZE (G_GUINT64_CONSTANT (1) << 53)

/* [A-Za-z0-9._-]+, neither '.' nor '-' first: nothing that means a folder, a hidden file of the
 * service's own, or an option. */
gboolean ag_name_is_valid (const char *name);

/* "bytes 0-4194303/123456789": @start <= end < @total <= AG_MAX_SIZE. Or, with the bytes' place
 * taken by a star, @start = @total and *n 0: nothing more comes. Digits only: no signs, no spaces
 * but the one. */
gboolean ag_range_read (const char *text, guint64 *start, guint64 *n, guint64 *total);
/* Decimal digits alone, at most @max. */
gboolean ag_number_read (const char *text, guint64 max, guint64 *number);

/* A JSON object of at most AG_MAX_BODY bytes and eight levels. */
JsonObject *ag_json_read (const char *text, gsize n, GError **error);

/* ---- A command: the runner's file and its arguments ---- */

typedef struct
{
  char *runner;
  GStrv args;
  const char *build; /* borrowed from @args: what "run" and "start" execute; NULL: another */
  const char *log;   /* borrowed: the log that "run" or "start" makes; NULL */
  GPtrArray *files;  /* borrowed names (char *) that must be there: "hash", BUILD, WORK, LOG */
} AgCommand;

/* {"runner": NAME, "args": [...]} where args are one of the runner's own subcommands
 * (engine/runner/TELEMETRY.md), names as above and the options that it knows. The message says
 * which argument is not. */
gboolean ag_command_read (AgCommand *command, const char *text, gsize n, GError **error);
void ag_command_clear (AgCommand *command);

/* ---- Pairing ---- */

typedef struct
{
  guint8 session[32];
  guint8 share[AG_CPACE_SHARE_BYTES];
  char *name; /* of the studio: at most 64 characters, printable */
} AgPairStart;

gboolean ag_pair_start_read (AgPairStart *start, const char *text, gsize n, GError **error);
void ag_pair_start_clear (AgPairStart *start);

typedef struct
{
  guint8 pairing[16];
  guint8 proof[AG_PROOF_BYTES];
} AgPairFinish;

gboolean ag_pair_finish_read (AgPairFinish *finish, const char *text, gsize n, GError **error);

G_END_DECLS
