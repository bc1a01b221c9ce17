/* What the test programs of the SSH transport share: one board each, links to it, what errors have
 * to say. Header alone; included once per program. */
#pragma once

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../test-tree.h"
#include "eng-test-board.h"

#define SILENCE_S 2.0 /* the time-out that devices of these tests have */

static EngTestBoard *board; /* one for all tests of a program: each leaves it as it was */

/* First in main(): nothing of the user's is seen or changed: no keys, no agent, no keyring, no
 * known hosts. The folder that is home meanwhile. */
static inline char *
begin_tests (int *argc, char ***argv)
{
  char *home = test_tree_new ();

  g_setenv ("HOME", home, TRUE);
  g_setenv ("XDG_DATA_HOME", home, TRUE);
  g_setenv ("XDG_RUNTIME_DIR", home, TRUE);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", TRUE);
  g_unsetenv ("SSH_AUTH_SOCK");
  g_unsetenv ("DISPLAY");
  g_test_init (argc, argv, NULL);
  return home;
}

static inline void
test_no_board (void)
{
  board = eng_test_board_new (FALSE, FALSE); /* marks the test as skipped, with the reason */
  g_assert_null (board);
}

/* FALSE: this machine cannot be a board, which is then the one test. */
static inline gboolean
start_board (void)
{
  board = eng_test_board_new (FALSE, g_getenv ("LATHE_TEST_LOCAL_BOARD") != NULL);
  if (board == NULL)
    g_test_add_func ("/ssh/board", test_no_board);
  return board != NULL;
}

/* Connections that this process has open, and what the kernel knows of the last of them. */
static inline guint
count_links (struct tcp_info *last)
{
  guint n_links = 0;

  for (int fd = 0; fd < 1024; fd++)
    {
      struct sockaddr_in peer;
      socklen_t n_peer = sizeof peer, n_last = sizeof *last;
      if (getpeername (fd, (struct sockaddr *)&peer, &n_peer) == 0 && peer.sin_family == AF_INET
          && getsockopt (fd, IPPROTO_TCP, TCP_INFO, last, &n_last) == 0)
        n_links++;
    }
  return n_links;
}

/* Takes @home. Whatever became of the links: none is left open. */
static inline int
end_tests (char *home)
{
  struct tcp_info last;
  const int status = g_test_run ();

  g_assert_cmpuint (count_links (&last), ==, 0);
  eng_test_board_free (board);
  test_tree_free (home);
  return status;
}

static inline EngLink *
open_link (EngDevice *device, EngTestAnswers *answers, GCancellable *cancellable, GError **error)
{
  const EngAsk ask = eng_test_ask (answers);

  return eng_transport_ssh.open (device, &ask, cancellable, error);
}

/* With the key that the board knows, whatever host key it has. Tried again for a while: after a
 * cable was out, the kernel says "no route" until it has looked for the board once more. */
static inline EngLink *
open_good (void)
{
  g_autoptr (EngDevice) device = eng_test_board_device (board, NULL);
  g_auto (EngTestAnswers) answers = { .yes = TRUE };
  g_autoptr (GError) error = NULL;
  EngLink *link = open_link (device, &answers, NULL, &error);

  for (guint i = 0; i < 50 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE); i++)
    {
      g_clear_error (&error);
      g_usleep (200000);
      link = open_link (device, &answers, NULL, &error);
    }
  g_assert_no_error (error);
  g_assert_nonnull (link);
  return link;
}

#define assert_error(error, number, ...)                                                           \
  do                                                                                               \
    {                                                                                              \
      const char *const parts_[] = { __VA_ARGS__, NULL };                                          \
      g_assert_error (error, G_IO_ERROR, number);                                                  \
      g_test_message ("says: %s", (error)->message);                                               \
      for (guint i_ = 0; parts_[i_] != NULL; i_++)                                                 \
        if (strstr ((error)->message, parts_[i_]) == NULL)                                         \
          g_error ("\"%s\" is not in \"%s\"", parts_[i_], (error)->message);                       \
    }                                                                                              \
  while (0)

#define assert_good(ok, error)                                                                     \
  do                                                                                               \
    {                                                                                              \
      const gboolean ok_ = (ok);                                                                   \
      g_assert_no_error (error);                                                                   \
      g_assert_true (ok_);                                                                         \
    }                                                                                              \
  while (0)

static inline char *
board_file (const char *name)
{
  return g_build_filename (board->home, ".cache", "lathe", name, NULL);
}

/* A file here of @n_bytes that differ from block to block. */
static inline char *
make_file (const char *name, gsize n_bytes)
{
  g_autofree guint8 *bytes = g_malloc (MAX (n_bytes, 1));
  char *path = g_build_filename (board->folder, name, NULL);
  guint32 state = 12345;

  for (gsize i = 0; i < n_bytes; i++)
    {
      state = state * 1664525 + 1013904223;
      bytes[i] = (guint8)(state >> 24);
    }
  g_assert_true (g_file_set_contents (path, (const char *)bytes, (gssize)n_bytes, NULL));
  return path;
}

static inline void
assert_same_file (const char *here, const char *there)
{
  g_autofree char *a = NULL, *b = NULL;
  gsize n_a, n_b;

  g_assert_true (g_file_get_contents (here, &a, &n_a, NULL));
  g_assert_true (g_file_get_contents (there, &b, &n_b, NULL));
  g_assert_cmpmem (a, n_a, b, n_b);
}

static inline void
put_script (EngLink *link, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (board->folder, name, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  eng_link_put (link, path, name, TRUE, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

static inline gboolean
gather (const char *bytes, gsize n_bytes, gpointer text)
{
  g_string_append_len (text, bytes, (gssize)n_bytes);
  return TRUE;
}

static inline gboolean
count_bytes (const char *bytes, gsize n_bytes, gpointer n)
{
  *(guint64 *)n += n_bytes;
  return TRUE;
}

static inline double
seconds_since (gint64 start_us)
{
  return (double)(g_get_monotonic_time () - start_us) / 1e6;
}
