/* What the files of the SSH transport share: one session, which never blocks in libssh: every call
 * is repeated while it says "again", and eng_ssh_wait() is the only place that waits. It waits for
 * the socket and for the cancellable, asks a silent board whether it is still there, and gives up
 * after @timeout_s without a byte. */
#pragma once

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "eng-transport.h"

G_BEGIN_DECLS

/* A program there may be this many times slower to answer than the board itself: a card that writes
 * back what it was given takes its time. */
#define ENG_SSH_STALL 8

/* Where to and how; strings borrowed for the time of eng_ssh_open(). */
typedef struct
{
  EngDevice *device; /* who the questions are about; passed on only */
  const EngAsk *ask; /* NULL: what would be asked fails with the question */
  const char *id;    /* secrets are kept under it */
  const char *host, *user;
  const char *key_file;    /* NULL: the agent's keys and ~/.ssh/id_* */
  const char *known_hosts; /* NULL: ~/.ssh/known_hosts */
  guint16 port;
  double timeout_s; /* of silence */
} EngSshTarget;

typedef struct _EngSftp EngSftp;

typedef struct
{
  ssh_session session;
  char *place;  /* "pi@192.168.1.7" */
  char *said;   /* what the board last said or did, for messages; never NULL */
  char *folder; /* absolute, where files go; NULL: not looked for yet */
  EngSftp *sftp;
  double timeout_s;
  struct ssh_counter_struct bytes; /* over the socket, kept by libssh */
  guint64 n_heard;                 /* of bytes.in_bytes at @heard_us */
  gint64 heard_us, asked_us;       /* asked_us: 0, or when the board was asked for a sign of life */
  gint64 left_us;                  /* when eng_ssh_wait() returned */
  gint64 stall_us; /* 0, or until when what is waited for has to come though the board lives */
  gboolean logged_in;
} EngSsh;

/* ---- eng-ssh-config.c ---- */

/* What ~/.ssh/config says of a host; NULL and 0: nothing. */
typedef struct
{
  char *host, *user, *key_file;
  guint16 port;
} EngSshAlias;

void eng_ssh_alias_clear (EngSshAlias *alias);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EngSshAlias, eng_ssh_alias_clear)

gboolean eng_ssh_resolve (const char *host, EngSshAlias *alias, GError **error);

/* ---- eng-ssh-session.c ---- */

/* Before any other call into libssh; any thread, any number of times. */
void eng_ssh_init (void);
/* Connect, check the host's key, log in. */
EngSsh *eng_ssh_open (const EngSshTarget *target, GCancellable *cancellable, GError **error);
void eng_ssh_free (EngSsh *ssh); /* accepts NULL; ends the session */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngSsh, eng_ssh_free)

/* Wait until calling again may help, at most a quarter of a second. @doing ends the sentence "while
 * ...". FALSE: cancelled, or nothing was heard for too long. */
gboolean eng_ssh_wait (EngSsh *ssh, const char *doing, GCancellable *cancellable, GError **error);
/* Silence so far does not count. */
void eng_ssh_restart_clock (EngSsh *ssh);
/* Replaces @said. Bytes from the board are quoted safely: one line, UTF-8, 120 characters. */
void eng_ssh_said (EngSsh *ssh, const char *format, ...) G_GNUC_PRINTF (2, 3);
char *eng_ssh_quote (const char *bytes, gssize n_bytes); /* newly allocated */
/* What libssh just failed in: CONNECTION_CLOSED where the link is gone, else FAILED. FALSE. */
gboolean eng_ssh_fail (EngSsh *ssh, const char *doing, GError **error);
/* Keeps the code; the message gets the place in front. FALSE. */
gboolean eng_ssh_error (EngSsh *ssh, GError **error, GIOErrorEnum code, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

/* ---- eng-ssh-connect.c ---- */

/* A connected socket whose other end says "SSH-"; -1 and @error. */
int eng_ssh_connect_socket (EngSsh *ssh, const EngSshTarget *target, GCancellable *cancellable,
                            GError **error);

/* ---- eng-ssh-host-key.c, eng-ssh-login.c ---- */

gboolean eng_ssh_check_host_key (EngSsh *ssh, const EngSshTarget *target, GCancellable *cancellable,
                                 GError **error);
gboolean eng_ssh_login (EngSsh *ssh, const EngSshTarget *target, GCancellable *cancellable,
                        GError **error);

/* ---- eng-ssh-channel.c ---- */

/* A session channel with @command running in it, or, where @subsystem, that subsystem. @callbacks
 * (may be NULL) outlive it, or are removed from it. */
ssh_channel eng_ssh_channel_open (EngSsh *ssh, const char *command, gboolean subsystem,
                                  struct ssh_channel_callbacks_struct *callbacks,
                                  GCancellable *cancellable, GError **error);
/* Tell the other side, do not wait for it. */
void eng_ssh_channel_drop (ssh_channel channel);
/* All of @bytes. */
gboolean eng_ssh_channel_write (EngSsh *ssh, ssh_channel channel, const void *bytes, gsize n_bytes,
                                const char *doing, GCancellable *cancellable, GError **error);
/* Exactly @n_bytes. *@n_read: how many came where it fails because the other side ended. */
gboolean eng_ssh_channel_read (EngSsh *ssh, ssh_channel channel, void *bytes, gsize n_bytes,
                               gsize *n_read, const char *doing, GCancellable *cancellable,
                               GError **error);

/* How a command ended. */
typedef struct
{
  int status;     /* as a shell counts: 128 + signal; -1: not known, @data had enough */
  GString *error; /* the end of what it wrote to standard error */
} EngSshEnd;

void eng_ssh_end_clear (EngSshEnd *end);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EngSshEnd, eng_ssh_end_clear)

/* Run @command until it ends or @data had enough. */
gboolean eng_ssh_run (EngSsh *ssh, const char *command, EngLinkData data, gpointer user_data,
                      EngSshEnd *end, GCancellable *cancellable, GError **error);

/* ---- eng-ssh-put.c ---- */

gboolean eng_ssh_put (EngSsh *ssh, const char *path, const char *name, gboolean program,
                      EngLinkProgress progress, gpointer user_data, GCancellable *cancellable,
                      GError **error);
/* The folder that is the transport's own, made if it is not there, and an SFTP connection. */
gboolean eng_ssh_prepare_folder (EngSsh *ssh, GCancellable *cancellable, GError **error);

G_END_DECLS
