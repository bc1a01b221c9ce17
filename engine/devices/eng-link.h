/* Link: an open connection to a Linux board, made by a transport. A few operations that every
 * transport can do; what is done with them (pushing, running, cleaning up) is written once, in
 * eng-push.c. All block, are called from one worker at a time and heed the cancellable.
 *
 * Names are of files in one folder on the board that the transport owns ("~/.cache/lathe"); they
 * are [A-Za-z0-9._-]+, nothing else. Errors are G_IO_ERROR:
 *   NOT_FOUND, NO_SPACE, PERMISSION_DENIED, CANCELLED
 *   CONNECTION_CLOSED, TIMED_OUT, HOST_UNREACHABLE: the link is gone; opening another may help,
 *     and what was put or logged until then is still there
 *   FAILED: everything else. The message says what, where, and what to do. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _EngLink EngLink;

/* What came, as it comes; any cut. FALSE: enough, stop. */
typedef gboolean (*EngLinkData) (const char *bytes, gsize n_bytes, gpointer user_data);
typedef void (*EngLinkProgress) (guint64 n_done, guint64 n_all, gpointer user_data);

/* How much may be put on a board that sets a limit of its own. */
typedef struct
{
  guint64 left_bytes;  /* that may still be put */
  guint64 kept_bytes;  /* of builds and parts of files there: they make way, or are gone on with */
  guint64 quota_bytes; /* of all files together, where that is the limit; 0: the disk is */
} EngLinkSpace;

typedef struct
{
  /* What "uname -m" says there. */
  char *(*machine) (EngLink *link, GCancellable *cancellable, GError **error);
  /* Bytes of file @name; *n_bytes = G_MAXUINT64: there is none. */
  gboolean (*size) (EngLink *link, const char *name, guint64 *n_bytes, GCancellable *cancellable,
                    GError **error);
  /* Copy the local file @path to @name, complete or not at all under that name; what an earlier try
   * left (under another name) is gone on with. @program: may be executed there. */
  gboolean (*put) (EngLink *link, const char *path, const char *name, gboolean program,
                   EngLinkProgress progress, gpointer user_data, GCancellable *cancellable,
                   GError **error);
  gboolean (*remove) (EngLink *link, const char *name, GCancellable *cancellable, GError **error);
  /* Run the runner, which is the file @runner, with @args in the folder; its standard output goes
   * to @data as it comes. *@status (nullable): its exit status. TRUE: it ended, or @data had
   * enough; what it wrote to its standard error is in @error's message where it could not
   * be run. */
  gboolean (*run) (EngLink *link, const char *runner, const char *const *args, EngLinkData data,
                   gpointer user_data, int *status, GCancellable *cancellable, GError **error);
  void (*close) (EngLink *link); /* frees it */
  /* NULL: the board's disk is the only limit. */
  gboolean (*space) (EngLink *link, EngLinkSpace *space, GCancellable *cancellable, GError **error);
} EngLinkClass;

/* The first member of every transport's own structure. */
struct _EngLink
{
  const EngLinkClass *klass;
};

void eng_link_close (EngLink *link); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngLink, eng_link_close)

char *eng_link_machine (EngLink *link, GCancellable *cancellable, GError **error);
gboolean eng_link_size (EngLink *link, const char *name, guint64 *n_bytes,
                        GCancellable *cancellable, GError **error);
gboolean eng_link_put (EngLink *link, const char *path, const char *name, gboolean program,
                       EngLinkProgress progress, gpointer user_data, GCancellable *cancellable,
                       GError **error);
gboolean eng_link_remove (EngLink *link, const char *name, GCancellable *cancellable,
                          GError **error);
/* @data NULL: nobody wants to hear it. */
gboolean eng_link_run (EngLink *link, const char *runner, const char *const *args, EngLinkData data,
                       gpointer user_data, int *status, GCancellable *cancellable, GError **error);
/* *@limited FALSE: the disk is the only limit, and @space says nothing. */
gboolean eng_link_space (EngLink *link, EngLinkSpace *space, gboolean *limited,
                         GCancellable *cancellable, GError **error);
/* Whether a new link may go on where this one ended. */
gboolean eng_link_error_is_lost (const GError *error);

G_END_DECLS
