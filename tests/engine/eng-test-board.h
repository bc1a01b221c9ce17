/* A board for tests: tests/engine/board-sshd.py as a child process, and somebody who answers the
 * questions of a transport as the test says. */
#pragma once

#include <json-glib/json-glib.h>

#include "eng-transport.h"

G_BEGIN_DECLS

typedef struct
{
  GSubprocess *process;
  GDataInputStream *answers;
  char *folder;      /* keys, configuration; a temporary one */
  char *home;        /* of its user */
  char *known_hosts; /* for the connections of the test */
  char *host, *user, *key, *password, *why_local;
  guint16 port;
  gboolean has_link; /* a namespace: its cable can be pulled */
} EngTestBoard;

/* NULL, and the running test is skipped with the reason: this machine cannot be a board. */
EngTestBoard *eng_test_board_new (gboolean arm, gboolean local);
void eng_test_board_free (EngTestBoard *board);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTestBoard, eng_test_board_free)

/* One command of board-sshd.py, waited for; fails the test where it fails. Newly allocated: what it
 * answered behind "ok". */
char *eng_test_board_tell (EngTestBoard *board, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* The same, for callers that want no answer. */
void eng_test_board_do (EngTestBoard *board, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* TRUE: the test needs a cable and there is none; it was skipped. */
gboolean eng_test_board_lacks_link (EngTestBoard *board);

/* Settings as pairs of key and value, ending with NULL, over those of the board (its host, port,
 * user, key, known hosts, a time-out of 2 seconds). A value of "": unset. */
EngDevice *eng_test_board_device (EngTestBoard *board, ...) G_GNUC_NULL_TERMINATED;

typedef struct
{
  gboolean yes;           /* to every confirm */
  const char *secrets[8]; /* in this order; NULL: none is given */
  gboolean keep;
  guint n_confirm, n_secret;
  gboolean could_keep; /* of the last secret */
  char *title, *text;  /* of the last question */
} EngTestAnswers;

EngAsk eng_test_ask (EngTestAnswers *answers);
void eng_test_answers_clear (EngTestAnswers *answers);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EngTestAnswers, eng_test_answers_clear)

G_END_DECLS
