/* A push under way, shared by its files: the stages (eng-push.c), operations that outlive a lost
 * link (eng-push-link.c), what lies on a board (eng-push-kept.c). */
#pragma once

#include <stdio.h>

#include "eng-board-run.h"
#include "eng-contact.h"
#include "eng-push.h"
#include "eng-watchdog.h"

G_BEGIN_DECLS

typedef struct
{
  EngDevice *device; /* borrowed, as everything that is not said to be owned */
  const EngTransport *transport;
  const EngPushEvents *events;
  const EngPushOptions *options;
  EngPushTimes *times;
  EngJob *job;
  GCancellable *cancellable; /* the job's; NULL: none */

  EngLink *link; /* owned; NULL: lost, or not opened yet */
  gboolean was_connected;
  EngWatchdog *watchdog; /* of the operation that goes on; NULL: none does */
  guint64 n_moved;       /* bytes or lines that came through: patience begins again with them */

  EngPushProgress progress;
  gint64 told_us;  /* when progress was told last */
  gint64 speed_us; /* where the rate's window begins */
  guint64 speed_bytes;
  guint64 n_files_done; /* bytes of the files that are done, of this push */
  gboolean file_began;  /* of the file that is copied: a try said what is there of it */
  guint64 file_bytes;   /* there, as was said last */

  EngBoard *board;                              /* owned */
  EngRunnerFile *runner;                        /* owned */
  char *folder;                                 /* owned: of this push's files on this computer */
  char *build_path, *build_name, *build_sha256; /* owned */
  char *work_path, *work_name, *work_sha256;    /* owned */
  char *log_name;                               /* owned */
  EngBoardRun *run;
  FILE *telemetry;   /* what came, as it came; NULL: cannot be kept */
  off_t whole_bytes; /* of it, up to the end of its last line */
  char *lost;        /* owned: why there was no line "end" */
  gboolean gone;     /* it ended because the board does not answer any more */
  char *remedy;      /* owned: the command that brings what this computer lacks */
} EngPush;

/* ---- eng-push-link.c ---- */

/* One or more operations over push->link with @cancellable; FALSE with @error. */
typedef gboolean (*EngPushStep) (EngPush *push, GCancellable *cancellable, gpointer data,
                                 GError **error);
/* @step until it succeeds, over links that are opened again when one is lost, for the patience that
 * the options say; anything that moves begins it anew. A step during which nothing moves for
 * @limit_s is a lost link. */
gboolean eng_push_try (EngPush *push, EngPushStep step, gpointer data, double limit_s,
                       GError **error);
/* The same once the job was cancelled: heeds nobody, gives up after @limit_s and one more link. */
gboolean eng_push_try_last (EngPush *push, EngPushStep step, gpointer data, double limit_s,
                            GError **error);
/* From within a step, any thread of its: something came, so it is no lost link; and what came need
 * not come again. */
void eng_push_heard (EngPush *push);
void eng_push_moved (EngPush *push);

/* ---- eng-push.c ---- */

void eng_push_enter (EngPush *push, EngPushStage stage, const char *words);
void eng_push_tell (EngPush *push, gboolean now);

/* ---- eng-push-progress.c ---- */

/* Progress of files begins: @n_bytes in all. */
void eng_push_begin_files (EngPush *push, guint64 n_bytes);
/* Before the tries to copy one file: "runner", "build" or "inputs". */
void eng_push_begin_file (EngPush *push, const char *what);
/* Before each of these tries: a link that was lost took time, but no bytes of it. */
void eng_push_begin_try (EngPush *push);
/* EngLinkProgress of a copy. Counts what went over the link, and what was there already. */
void eng_push_tell_copied (guint64 n_done, guint64 n_all, gpointer push);
/* The board read back so much of what was copied. */
void eng_push_tell_verified (EngPush *push, guint64 n_done, guint64 n_all);

/* ---- eng-push-copy.c ---- */

gboolean eng_push_copy (EngPush *push, GError **error);   /* build and work */
gboolean eng_push_verify (EngPush *push, GError **error); /* by their sums */
/* A step: takes away the file called @name (char *); that there is none is as good. */
gboolean eng_push_remove_file (EngPush *push, GCancellable *cancellable, gpointer name,
                               GError **error);

/* ---- eng-push-follow.c ---- */

/* Started detached and followed to its end; what is lost is in push->lost. */
gboolean eng_push_run_linux (EngPush *push, GError **error);
/* Bytes of telemetry: kept and read. */
gboolean eng_push_take (const char *bytes, gsize n_bytes, gpointer push);

/* ---- eng-push-kept.c ---- */

/* Names that this computer put on the board, oldest first (GPtrArray of char *); empty: none. */
GPtrArray *eng_push_kept_read (EngDevice *device);
/* @name was put there or used again: it is now the newest. */
void eng_push_kept_add (EngDevice *device, const char *name);
void eng_push_kept_remove (EngDevice *device, const char *name);
/* What is on @from's list goes to @to's: they are one board. */
void eng_push_kept_move (EngDevice *from, EngDevice *to);
/* Builds that are too many, oldest first: char *. */
GPtrArray *eng_push_kept_old (EngDevice *device, guint n_keep);

G_END_DECLS
