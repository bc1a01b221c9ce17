/* A small SFTP client, version 3 (draft-ietf-secsh-filexfer-02) and four of OpenSSH's extensions:
 * what a push needs. It is our own since libssh's waits for every answer without a cancellation,
 * and writes one block per round trip. */
#pragma once

#include "eng-ssh.h"

G_BEGIN_DECLS

#define ENG_SFTP_HANDLE_BYTES 256

typedef struct
{
  guint64 n_bytes;
  guint32 mode; /* as stat(2)'s; 0: the server does not say */
} EngSftpInfo;

/* Of the file system a path is on. */
typedef struct
{
  guint64 free_bytes; /* for this user */
  gboolean read_only;
} EngSftpSpace;

typedef struct
{
  guint32 n_bytes;
  guint8 bytes[ENG_SFTP_HANDLE_BYTES];
} EngSftpHandle;

typedef enum
{
  ENG_SFTP_READ = 0x01,
  ENG_SFTP_WRITE = 0x02,
  ENG_SFTP_CREATE = 0x08,
  ENG_SFTP_TRUNCATE = 0x10,
} EngSftpFlags;

EngSftp *eng_sftp_new (EngSsh *ssh, GCancellable *cancellable, GError **error);
void eng_sftp_free (EngSftp *sftp); /* accepts NULL */

/* Errors: NOT_FOUND, PERMISSION_DENIED, NO_SPACE (where the server's file system says so), those of
 * a lost link, FAILED. After an error other than the first three the connection cannot be used. */
char *eng_sftp_real_path (EngSftp *sftp, const char *path, GCancellable *cancellable,
                          GError **error);
gboolean eng_sftp_stat (EngSftp *sftp, const char *path, EngSftpInfo *info,
                        GCancellable *cancellable, GError **error);
/* FALSE without @error: the server cannot tell. */
gboolean eng_sftp_space (EngSftp *sftp, const char *path, EngSftpSpace *space,
                         GCancellable *cancellable, GError **error);
gboolean eng_sftp_mkdir (EngSftp *sftp, const char *path, guint32 mode, GCancellable *cancellable,
                         GError **error);
gboolean eng_sftp_remove (EngSftp *sftp, const char *path, GCancellable *cancellable,
                          GError **error);
/* Over what is there. */
gboolean eng_sftp_rename (EngSftp *sftp, const char *from, const char *to,
                          GCancellable *cancellable, GError **error);

gboolean eng_sftp_open (EngSftp *sftp, const char *path, EngSftpFlags flags, guint32 mode,
                        EngSftpHandle *handle, GCancellable *cancellable, GError **error);
/* Less than @n_bytes only at the file's end. */
gboolean eng_sftp_read (EngSftp *sftp, const EngSftpHandle *handle, guint64 offset, void *bytes,
                        gsize n_bytes, gsize *n_read, GCancellable *cancellable, GError **error);
/* Sent, not waited for: each wants one eng_sftp_written(). @n_bytes: at most 32768. */
gboolean eng_sftp_write (EngSftp *sftp, const EngSftpHandle *handle, guint64 offset,
                         const void *bytes, gsize n_bytes, GCancellable *cancellable,
                         GError **error);
/* The answer to the oldest write that has none yet. */
gboolean eng_sftp_written (EngSftp *sftp, GCancellable *cancellable, GError **error);
/* Mode, bytes on the disk where the server knows how, and closed. */
gboolean eng_sftp_finish (EngSftp *sftp, const EngSftpHandle *handle, guint32 mode,
                          GCancellable *cancellable, GError **error);
gboolean eng_sftp_close (EngSftp *sftp, const EngSftpHandle *handle, GCancellable *cancellable,
                         GError **error);

G_END_DECLS
