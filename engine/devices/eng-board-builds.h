/* The builds that a board keeps, and which of them is its current one: what runs there without a
 * studio asks for that. Boards with lathe-agent keep some; others none. */
#pragma once

#include "eng-transport.h"

G_BEGIN_DECLS

typedef struct _EngBoardBuild
{
  char *name;   /* of its file there */
  char *sha256; /* of the file, 64 digits; NULL: the board does not tell */
  guint64 n_bytes;
  guint n_runs;
  gint64 first_s, last_s; /* when it ran, Unix seconds by the board's clock; 0: not told */
  gboolean current;
  char *model, *recipe; /* "SmolLM2", "Q4_0 weights"; NULL: this computer did not put it there */
} EngBoardBuild;

void eng_board_build_free (EngBoardBuild *build);

/* Whether boards like @device keep builds at all. */
gboolean eng_board_builds_are_kept (EngDevice *device);

/* Blocking, on a worker; as eng_device_contact() in what is asked and how long is waited. The
 * builds (EngBoardBuild), the one that ran last first; none: nothing ran there yet. */
GPtrArray *eng_board_builds_list (EngDevice *device, const EngAsk *ask, EngJob *job,
                                  GError **error);
/* The same, after the build @name, or (NULL) the one that ran before the current one, has become
 * the current one. Refused while something else is done with the device. */
GPtrArray *eng_board_builds_roll_back (EngDevice *device, const char *name, const EngAsk *ask,
                                       EngJob *job, GError **error);

/* This computer puts a build on boards under @name: what it is is kept here, because a board knows
 * files only. Any thread. */
void eng_board_builds_note (const char *name, const char *model, const char *recipe);

G_END_DECLS
