/* What those who were never paired can do to lathe-agent by coming in thousands or by being slow:
 * next to nothing. */
#include <string.h>

#include "agent-case.h"

#define N_STRANGERS 10000

/* Ten thousand connections from fifty addresses, all kept open as far as they may, a hundred at a
 * time; each says nothing. */
static gpointer
besiege (gpointer data)
{
  EngTestAgent *board = data;
  g_autoptr (GPtrArray) sockets = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocketAddress) far
      = g_inet_socket_address_new_from_string (board->address, board->port);
  GSocketAddress *near[50];

  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *address = eng_test_agent_stranger (board, i);
      near[i] = g_inet_socket_address_new_from_string (address, 0);
    }
  for (guint i = 0; i < N_STRANGERS; i++)
    {
      GSocket *socket
          = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
      g_assert_nonnull (socket);
      g_socket_set_timeout (socket, 5);
      g_socket_bind (socket, near[i % 50], FALSE, NULL);
      g_socket_connect (socket, far, NULL, NULL);
      g_ptr_array_add (sockets, socket);
    }
  g_usleep (500000);
  for (guint i = 0; i < 50; i++)
    g_object_unref (near[i]);
  return NULL;
}

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void
test_strangers (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autofree char *token = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  guint64 n_bytes, rss = 0;
  guint files = 0, n_again = 0;
  int status;

  EngLink *link = eng_test_agent_link (board, &token);
  guint64 rss_before = eng_test_agent_rss_kb (board);
  gint64 began = g_get_monotonic_time ();
  GThread *thread = g_thread_new ("strangers", besiege, board);
  for (guint i = 0; g_get_monotonic_time () - began < 60 * G_USEC_PER_SEC; i++)
    {
      gint64 before = g_get_monotonic_time ();
      g_assert_true (eng_link_size (link, "x", &n_bytes, NULL, &error));
      g_assert_no_error (error);
      double s = (double)(g_get_monotonic_time () - before) / 1e6;
      g_array_append_val (times, s);
      rss = MAX (rss, eng_test_agent_rss_kb (board));
      files = MAX (files, eng_test_agent_n_files (board));
      if (i % 100 == 50)
        {
          /* A studio that comes anew gets in too. */
          EngLink *again = eng_test_agent_link_again (board, token);
          eng_link_close (again);
          n_again++;
        }
      g_autofree char *text
          = i % 50 == 49 ? eng_test_agent_command (board, &status, "status", NULL) : NULL;
      const char *at = text != NULL ? strstr (text, "start ") : NULL;
      if (at != NULL && g_ascii_strtoull (at + 6, NULL, 10) >= N_STRANGERS)
        break;
      g_usleep (2000);
    }
  g_thread_join (thread);
  g_autofree char *text = eng_test_agent_command (board, &status, "status", NULL);
  g_array_sort (times, compare_numbers);
  double *sorted = (double *)(void *)times->data;
  g_test_message (
      "%d strangers in %.1f s; requests of the paired studio: %u, median %.1f ms, worst "
      "%.1f ms; new connections of it: %u; memory %" G_GUINT64_FORMAT
      " KB, at most %" G_GUINT64_FORMAT " KB; at most %u open files\n%s",
      N_STRANGERS, (double)(g_get_monotonic_time () - began) / 1e6, times->len,
      1e3 * sorted[times->len / 2], 1e3 * sorted[times->len - 1], n_again, rss_before, rss, files,
      text);
  g_assert_nonnull (strstr (text, " paired, "));
  g_assert_cmpuint (g_ascii_strtoull (strstr (text, "start ") + 6, NULL, 10), >=, N_STRANGERS);
  g_assert_cmpuint (rss, <, rss_before + 32 * 1024 + AGENT_CASE_SPARE_KB);
  g_assert_cmpuint (files, <, 200);
  g_assert_cmpuint (times->len, >, 20);
  /* They are gone, and only who is still here is counted. */
  for (int i = 0; i < 50 && strstr (text, " 1 paired, 0 strangers") == NULL; i++)
    {
      g_usleep (100000);
      g_free (text);
      text = eng_test_agent_command (board, &status, "status", NULL);
    }
  g_assert_nonnull (strstr (text, " 1 paired, 0 strangers"));
  eng_link_close (link);
}

/* Those that begin and never end: before TLS, in its middle, in a header, in a body. */
static gpointer
dawdle (gpointer data)
{
  EngTestAgent *board = data;
  char *answer = eng_test_agent_raw (board, NULL, "GET /v1/agent HTTP/1.1\r\nHost: x\r\nX-Slow: ");

  g_free (answer);
  return NULL;
}

static gpointer
dawdle_body (gpointer data)
{
  EngTestAgent *board = data;
  char *answer = eng_test_agent_raw (
      board, NULL, "POST /v1/pair/start HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{");

  g_free (answer);
  return NULL;
}

static gpointer
dawdle_raw (gpointer data)
{
  EngTestAgent *board = data;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection
      = g_socket_client_connect_to_host (client, board->address, board->port, NULL, NULL);
  char byte[1] = { 0x16 };

  g_assert_nonnull (connection);
  g_socket_set_timeout (g_socket_connection_get_socket (connection), 25);
  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), byte, 1,
                             NULL, NULL, NULL);
  /* Ends when the board hangs up. */
  g_assert_cmpint (g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)),
                                        byte, 1, NULL, NULL),
                   <=, 0);
  return NULL;
}

static void
test_dawdlers (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  gint64 before = g_get_monotonic_time ();
  GThread *threads[] = { g_thread_new ("a", dawdle, board), g_thread_new ("b", dawdle_body, board),
                         g_thread_new ("c", dawdle_raw, board) };

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  double s = (double)(g_get_monotonic_time () - before) / 1e6;
  g_assert_cmpfloat (s, >, 10);
  g_assert_cmpfloat (s, <, 19);
  /* A header that never ends is not read to its end. */
  g_autoptr (GString) text = g_string_new ("GET / HTTP/1.1\r\nHost: x\r\nX-Long: ");
  while (text->len < 40000)
    g_string_append (text, "0123456789");
  before = g_get_monotonic_time ();
  g_free (eng_test_agent_raw (board, NULL, text->str));
  g_assert_cmpint (g_get_monotonic_time () - before, <, 3 * G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
  agent_case_init (&argc, &argv);
  g_test_add_func ("/agent/strangers", test_strangers);
  g_test_add_func ("/agent/dawdlers", test_dawdlers);
  return g_test_run ();
}
