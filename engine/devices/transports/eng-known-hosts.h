/* Known hosts: which key a host showed before, in the files that ssh itself keeps
 * (~/.ssh/known_hosts; the format is in sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). Patterns, hashed
 * names, other ports and @revoked lines are understood; @cert-authority lines are passed over. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  ENG_HOST_KEY_UNKNOWN, /* no line names this host */
  ENG_HOST_KEY_KNOWN,   /* a line has this very key */
  ENG_HOST_KEY_CHANGED, /* the lines of this host have other keys */
  ENG_HOST_KEY_REVOKED, /* a line says never to trust this key */
} EngHostKeyState;

/* The line that decided, where one did. */
typedef struct
{
  char *file; /* NULL: none */
  guint line; /* from 1 */
  char *type;
  char *fingerprint;
} EngKnownHost;

void eng_known_host_clear (EngKnownHost *known);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EngKnownHost, eng_known_host_clear)

/* @key: a public key as it goes over the wire (RFC 4253, 6.6). "ssh-ed25519"; "?" where @key is not
 * one. Newly allocated. */
char *eng_host_key_type (GBytes *key);
/* "SHA256:" and unpadded base64, as ssh and ssh-keygen -l print it. Newly allocated. */
char *eng_host_key_fingerprint (GBytes *key);
/* How a host is called in such files: "board", or "[board]:2222". Newly allocated. */
char *eng_known_hosts_name (const char *host, guint16 port);

/* Look @host up in @files, which ends with NULL; a file that does not exist is empty. Of lines that
 * have another key, *@known (zeroed before) is the one of the same type where there is one. FALSE:
 * a file could not be read. */
gboolean eng_known_hosts_check (const char *const *files, const char *host, guint16 port,
                                GBytes *key, EngHostKeyState *state, EngKnownHost *known,
                                GError **error);
/* Append a line for @host to @file, which is made (0600, its folder 0700) if it is not there. */
gboolean eng_known_hosts_add (const char *file, const char *host, guint16 port, GBytes *key,
                              GError **error);

G_END_DECLS
