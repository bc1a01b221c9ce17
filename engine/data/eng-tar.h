/* A tar archive, read from its beginning to its end, gzipped or not: names, sizes, contents.
 * Nothing is unpacked to disk. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _EngTar EngTar;

/* Opens @path; gzip is told by its content. */
EngTar *eng_tar_open (const char *path, GCancellable *cancellable, GError **error);
EngTar *eng_tar_new (GInputStream *stream, const char *name); /* not gzipped; takes a reference */
void eng_tar_free (EngTar *tar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTar, eng_tar_free)

/* Whether @path looks like one: gzip's or tar's mark. */
gboolean eng_tar_sniff (const char *path);

/* The next regular file; skips what was not read of the last, and directories, links and devices.
 * *@name is borrowed until the next call. FALSE at the end, and on a damaged archive with @error
 * set. */
gboolean eng_tar_next (EngTar *tar, const char **name, guint64 *n_bytes, GCancellable *cancellable,
                       GError **error);

/* The content of the file that eng_tar_next() found; once. More than @max_bytes is an error. */
GBytes *eng_tar_read (EngTar *tar, guint64 max_bytes, GCancellable *cancellable, GError **error);

G_END_DECLS
