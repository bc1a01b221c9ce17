/* Boards for tests of lathe-agent: each a network namespace of its own with the real service in it,
 * on a cable that can be pulled; where namespaces are not permitted, the service on 127.0.0.1. */
#pragma once

#include "transports/eng-agent-link.h"

G_BEGIN_DECLS

/* First thing in main(), before any thread. */
void eng_test_agent_init (void);

typedef struct
{
  char *folder, *state, *files; /* temporary */
  char *address, *near;         /* the board's; ours towards it */
  guint16 port;
  guint number;
  GSubprocess *holder;  /* keeps the namespace; NULL: there is none */
  GSubprocess *service; /* NULL: stopped */
  const char *quota;
  char *announce; /* the system bus of its own avahi-daemon; NULL: not announced */
  GPtrArray *daemons;
} EngTestAgent;

EngTestAgent *eng_test_agent_new (const char *quota);
void eng_test_agent_free (EngTestAgent *board);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTestAgent, eng_test_agent_free)
void eng_test_agent_start (EngTestAgent *board); /* with the same folders and port */
void eng_test_agent_kill (EngTestAgent *board);  /* SIGKILL */
/* An avahi-daemon on the board, one on our side, each on a bus of its own; the service starts again
 * and announces itself as "test-board". Returns the address of our bus; NULL: cannot be, the test
 * was skipped with the reason. */
char *eng_test_agent_announce (EngTestAgent *board);
/* TRUE: there is no cable, the test was skipped with the reason. */
gboolean eng_test_agent_lacks_cable (EngTestAgent *board);
void eng_test_agent_cable (EngTestAgent *board, gboolean plugged);
/* Further addresses of ours towards the board: strangers. @i from 0. Newly allocated. */
char *eng_test_agent_stranger (EngTestAgent *board, guint i);
/* Kilobytes of memory, and open files, of the service. */
guint64 eng_test_agent_rss_kb (EngTestAgent *board);
guint eng_test_agent_n_files (EngTestAgent *board);

/* "lathe-agent pair", running; *@code: what it shows. */
GSubprocess *eng_test_agent_pair (EngTestAgent *board, char **code);
/* Standard output of "lathe-agent ARGS..." on the board, and *@status. */
char *eng_test_agent_command (EngTestAgent *board, int *status, ...) G_GNUC_NULL_TERMINATED;

/* Connected but not paired; the certificate is taken. */
EngAgentHttp *eng_test_agent_http (EngTestAgent *board);
/* A paired link. *@secret (nullable): the token. */
EngLink *eng_test_agent_link (EngTestAgent *board, char **token);
/* One more link with a token that is known. */
EngLink *eng_test_agent_link_again (EngTestAgent *board, const char *token);

/* Bytes over TLS, as they are written: what a program that keeps no protocol may send. @from: our
 * address, NULL: any. What is answered until the other side hangs up, or 20 s. NULL: it was turned
 * away before TLS was up. */
char *eng_test_agent_raw (EngTestAgent *board, const char *from, const char *bytes);

G_END_DECLS
