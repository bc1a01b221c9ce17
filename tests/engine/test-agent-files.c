/* Files on their way to a board with lathe-agent: whole, resumed, altered, too large, and names
 * that would lead out of its folder. */
#include <string.h>

#include "agent-case.h"

typedef struct
{
  guint64 first, last, n_all; /* of the progress */
  guint64 stop_at;            /* do something there */
  void (*act) (gpointer);
  gpointer act_data;
} Progress;

static void
note_progress (guint64 n_done, guint64 n_all, gpointer data)
{
  Progress *progress = data;

  if (progress->first == G_MAXUINT64)
    progress->first = n_done;
  g_assert_cmpuint (n_done, >=, progress->last);
  progress->last = n_done;
  progress->n_all = n_all;
  if (progress->act != NULL && n_done >= progress->stop_at)
    {
      progress->act (progress->act_data);
      progress->act = NULL;
    }
}

static void
assert_same_file (EngTestAgent *board, const char *path, const char *name)
{
  g_autofree char *there = g_build_filename (board->files, name, NULL);
  g_autofree char *a = NULL, *b = NULL;
  gsize n_a, n_b;

  g_assert_true (g_file_get_contents (path, &a, &n_a, NULL));
  g_assert_true (g_file_get_contents (there, &b, &n_b, NULL));
  g_assert_cmpmem (a, n_a, b, n_b);
}

static void
test_put (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  EngLink *link = eng_test_agent_link (board, NULL);
  g_autofree char *path = agent_case_file (board, "big", 10000001);
  g_autofree char *empty = agent_case_file (board, "empty", 0);
  g_autoptr (GError) error = NULL;
  Progress progress = { .first = G_MAXUINT64 };
  guint64 n_bytes;

  g_assert_true (eng_link_size (link, "b.lathe", &n_bytes, NULL, &error));
  g_assert_cmpuint (n_bytes, ==, G_MAXUINT64);
  gint64 before = g_get_monotonic_time ();
  eng_link_put (link, path, "b.lathe", FALSE, note_progress, &progress, NULL, &error);
  g_assert_no_error (error);
  double s = (double)(g_get_monotonic_time () - before) / 1e6;
  g_test_message ("10 MB in %.3f s, %.0f MB/s; the service has %" G_GUINT64_FORMAT " KB", s, 10 / s,
                  eng_test_agent_rss_kb (board));
  g_assert_cmpuint (progress.first, ==, 0);
  g_assert_cmpuint (progress.last, ==, 10000001);
  assert_same_file (board, path, "b.lathe");
  g_assert_true (eng_link_size (link, "b.lathe", &n_bytes, NULL, &error));
  g_assert_cmpuint (n_bytes, ==, 10000001);

  /* Again: it is there, nothing goes. */
  progress = (Progress){ .first = G_MAXUINT64 };
  eng_link_put (link, path, "b.lathe", FALSE, note_progress, &progress, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (progress.first, ==, 10000001);
  agent_case_put (link, empty, "nothing", FALSE);
  assert_same_file (board, empty, "nothing");

  g_assert_true (eng_link_remove (link, "b.lathe", NULL, &error));
  g_assert_false (eng_link_remove (link, "b.lathe", NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  eng_link_close (link);
}

static void
kill_board (gpointer data)
{
  eng_test_agent_kill (data);
}

/* The service dies in the middle of a file: what came is there, the rest alone goes. */
static void
test_resume (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autofree char *token = NULL;
  EngLink *link = eng_test_agent_link (board, &token);
  g_autofree char *path = agent_case_file (board, "big", 20 << 20);
  g_autoptr (GError) error = NULL;
  Progress progress
      = { .first = G_MAXUINT64, .stop_at = 10 << 20, .act = kill_board, .act_data = board };

  g_assert_false (
      eng_link_put (link, path, "b.lathe", FALSE, note_progress, &progress, NULL, &error));
  g_assert_true (eng_link_error_is_lost (error));
  g_clear_error (&error);
  eng_link_close (link);
  g_autofree char *there = g_build_filename (board->files, "b.lathe", NULL);
  g_assert_false (g_file_test (there, G_FILE_TEST_EXISTS));

  eng_test_agent_start (board);
  link = eng_test_agent_link_again (board, token);
  progress = (Progress){ .first = G_MAXUINT64 };
  eng_link_put (link, path, "b.lathe", FALSE, note_progress, &progress, NULL, &error);
  g_assert_no_error (error);
  /* Two pieces of 4 MB were answered, so at least those are not sent again. */
  g_assert_cmpuint (progress.first, >=, 8 << 20);
  g_assert_cmpuint (progress.first, <=, 20 << 20);
  g_test_message ("%u of %u bytes were there", (guint)progress.first, 20 << 20);
  assert_same_file (board, path, "b.lathe");
  eng_link_close (link);
}

static void
pull_cable (gpointer data)
{
  eng_test_agent_cable (data, FALSE);
}

static void
test_cable (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autofree char *token = NULL;
  g_autoptr (GError) error = NULL;
  gboolean unpaired;

  if (eng_test_agent_lacks_cable (board))
    return;
  EngLink *link = eng_test_agent_link (board, &token);
  eng_link_close (link);
  EngAgentHttp *http = eng_test_agent_http (board);
  http->patience_s = 2;
  eng_agent_http_set_token (http, token);
  link = eng_agent_link_new (http, &unpaired, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *path = agent_case_file (board, "big", 40 << 20);
  Progress progress
      = { .first = G_MAXUINT64, .stop_at = 10 << 20, .act = pull_cable, .act_data = board };
  gint64 before = g_get_monotonic_time ();
  g_assert_false (
      eng_link_put (link, path, "b.lathe", FALSE, note_progress, &progress, NULL, &error));
  g_assert_true (eng_link_error_is_lost (error));
  g_assert_cmpint (g_get_monotonic_time () - before, <, 20 * G_USEC_PER_SEC);
  g_clear_error (&error);
  eng_link_close (link);
  eng_test_agent_cable (board, TRUE);

  link = eng_test_agent_link_again (board, token);
  progress = (Progress){ .first = G_MAXUINT64 };
  eng_link_put (link, path, "b.lathe", FALSE, note_progress, &progress, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (progress.first, >=, 8 << 20);
  assert_same_file (board, path, "b.lathe");
  eng_link_close (link);
}

static guint
ask_status (EngAgentHttp *http, const char *method, const char *path, const char *range,
            const char *sha256, const char *body)
{
  g_autoptr (GBytes) bytes = body != NULL ? g_bytes_new (body, strlen (body)) : NULL;
  EngAgentRequest request = { .method = method,
                              .path = path,
                              .body = bytes,
                              .type = "application/octet-stream",
                              .range = range,
                              .sha256 = sha256 };
  g_autoptr (GError) error = NULL;
  guint status = 0;
  g_autoptr (JsonObject) answer = eng_agent_http_ask (http, &request, &status, NULL, &error);

  g_assert_no_error (error);
  return status;
}

/* SHA-256 of "abcd" and of "abce". */
#define SUM_ABCD "88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589"
#define SUM_ABCE "84fe4ae0c4cba2ce0cb1bf72b95e1ac7c5a35a45d8e2a5b1b9e1ff2f6bd9ef5e"

static void
test_altered (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autofree char *token = NULL;
  EngLink *link = eng_test_agent_link (board, &token);
  EngAgentHttp *http = eng_test_agent_http (board);
  g_autofree char *there = g_build_filename (board->files, "x", NULL);
  const char *path = "/v1/files/x";

  eng_agent_http_set_token (http, token);
  g_assert_cmpuint (ask_status (http, "PUT", path, "bytes 0-3/4", SUM_ABCE, "abcd"), ==, 422);
  g_assert_false (g_file_test (there, G_FILE_TEST_EXISTS));
  /* The part is gone with it; a wrong start, a wrong length, no sum. */
  g_assert_cmpuint (ask_status (http, "PUT", path, "bytes 2-3/4", SUM_ABCD, "cd"), ==, 409);
  g_assert_cmpuint (ask_status (http, "PUT", path, "bytes 0-2/4", SUM_ABCD, "abcd"), ==, 413);
  g_assert_cmpuint (ask_status (http, "PUT", path, "bytes 0-3/4", NULL, "abcd"), ==, 400);
  g_assert_cmpuint (ask_status (http, "PUT", path, NULL, SUM_ABCD, "abcd"), ==, 400);
  g_assert_cmpuint (ask_status (http, "PUT", path, "bytes 0-1/4", SUM_ABCD, "ab"), ==, 202);
  g_assert_false (g_file_test (there, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (ask_status (http, "PUT", path, "bytes 2-3/4", SUM_ABCD, "cd"), ==, 201);
  g_assert_true (g_file_test (there, G_FILE_TEST_EXISTS));
  eng_agent_http_free (http);
  eng_link_close (link);
}

static void
test_full (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new ("3M");
  EngLink *link = eng_test_agent_link (board, NULL);
  g_autofree char *small = agent_case_file (board, "small", 1 << 20);
  g_autofree char *large = agent_case_file (board, "large", 4 << 20);
  g_autoptr (GError) error = NULL;

  agent_case_put (link, small, "a", FALSE);
  g_assert_false (eng_link_put (link, large, "b", FALSE, NULL, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_nonnull (strstr (error->message, "--quota"));
  g_clear_error (&error);
  agent_case_put (link, small, "c", FALSE);
  eng_link_close (link);
}

static void
test_traversal (void)
{
  static const char *const names[] = { "..",
                                       "../x",
                                       "../../x",
                                       "%2e%2e%2fx",
                                       "..%2fx",
                                       ".index.json",
                                       ".part-88d4266fd4e6338d13b845fcf289579d-x",
                                       "a/b",
                                       "a%00b",
                                       "-x",
                                       "x%20y",
                                       "",
                                       "/etc/passwd" };
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autofree char *token = NULL;
  EngLink *link = eng_test_agent_link (board, &token);
  g_autofree char *outside = g_build_filename (board->folder, "x", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    for (guint j = 0; j < 3; j++)
      {
        const char *const methods[] = { "PUT", "GET", "DELETE" };
        g_autofree char *path = g_strconcat ("/v1/files/", names[i], NULL);
        g_autofree char *headers
            = g_strdup_printf ("Authorization: Bearer %s\r\nLathe-SHA256: " SUM_ABCD
                               "\r\nContent-Range: bytes "
                               "0-3/4\r\nConnection: close\r\n",
                               token);
        g_autofree char *answer
            = agent_case_request (board, methods[j], path, headers, j == 0 ? "abcd" : "");
        g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 4"));
      }
  g_assert_false (g_file_test (outside, G_FILE_TEST_EXISTS));
  eng_link_close (link);
}

int
main (int argc, char **argv)
{
  agent_case_init (&argc, &argv);
  g_test_add_func ("/agent/put", test_put);
  g_test_add_func ("/agent/resume", test_resume);
  g_test_add_func ("/agent/cable", test_cable);
  g_test_add_func ("/agent/altered", test_altered);
  g_test_add_func ("/agent/full", test_full);
  g_test_add_func ("/agent/traversal", test_traversal);
  return g_test_run ();
}
