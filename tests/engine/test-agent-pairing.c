/* lathe-agent lets in who was paired and nobody else: codes, tokens, the pinned certificate. */
#include <glib/gstdio.h>
#include <string.h>

#include "agent-case.h"
#include "transports/eng-agent-pair.h"

static void
assert_turned_away (const char *answer, const char *what)
{
  g_auto (GStrv) lines = g_strsplit (answer, "\r\n", -1);

  if (strcmp (lines[0], "HTTP/1.1 401 Unauthorized") != 0)
    g_error ("%s: %s", what, answer);
  for (guint i = 1; lines[i] != NULL && *lines[i] != '\0'; i++)
    if (!g_str_has_prefix (lines[i], "Date: ") && strcmp (lines[i], "Connection: close") != 0
        && strcmp (lines[i], "Content-Length: 0") != 0)
      g_error ("%s says more than no: %s", what, lines[i]);
  g_assert_true (g_str_has_suffix (answer, "\r\n\r\n"));
}

static void
test_no_token (void)
{
  static const char *const paths[]
      = { "/",          "/v1/agent",           "/v1/files/x",          "/v1/run",
          "/v1/builds", "/v1/builds/rollback", "/v1/pairing",          "/v1/files/../../etc/passwd",
          "/nothing",   "/v1/pair/start/x",    "/v1/files/x?sha256=00" };
  static const char *const methods[] = { "GET", "PUT", "POST", "DELETE", "HEAD", "BREW" };
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autofree char *token = NULL;
  EngLink *link = eng_test_agent_link (board, &token);

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    for (guint j = 0; j < (i < 2 ? G_N_ELEMENTS (methods) : 1); j++)
      {
        g_autofree char *answer = agent_case_request (board, methods[j], paths[i], "", "");
        g_autofree char *what = g_strdup_printf ("%s %s", methods[j], paths[i]);
        assert_turned_away (answer, what);
      }
  /* Pairing where nobody waits; a token that is almost right, of another length, of another sort.
   */
  token[63] = token[63] == '0' ? '1' : '0';
  const char *const headers[]
      = { "Authorization: Bearer\r\n", "Authorization: Basic eDp5\r\n", NULL };
  g_autofree char *almost = g_strdup_printf ("Authorization: Bearer %s\r\n", token);
  g_autofree char *longer = g_strdup_printf ("Authorization: Bearer %s00\r\n", token);
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *answer = agent_case_request (board, "GET", "/v1/agent",
                                                    i == 2   ? almost
                                                    : i == 3 ? longer
                                                             : headers[i],
                                                    "");
      assert_turned_away (answer, "a wrong token");
    }
  g_autofree char *closed = agent_case_request (board, "POST", "/v1/pair/start", "", "{}");
  assert_turned_away (closed, "pairing without a code");
  g_autofree char *put
      = agent_case_request (board, "PUT", "/v1/files/x", "Content-Range: bytes 0-3/4\r\n", "abcd");
  assert_turned_away (put, "a file");
  g_autofree char *file = g_build_filename (board->files, "x", NULL);
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
  eng_link_close (link);
}

static void
test_pair (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autofree char *code = NULL, *token = NULL, *pairings = NULL, *key = NULL, *out = NULL;
  g_autoptr (GError) error = NULL;
  gboolean unpaired = FALSE;
  GStatBuf about;
  int status;
  EngAgentHttp *http = eng_test_agent_http (board);
  GSubprocess *pair = eng_test_agent_pair (board, &code);
  char other[16];

  /* Wrong once, then right. */
  g_assert_cmpuint (strlen (code), ==, 9); /* "1234 5678" */
  g_strlcpy (other, code, sizeof other);
  other[8] = other[8] == '9' ? '0' : (char)(other[8] + 1);
  g_assert_false (eng_agent_pair_with_code (http, other, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_nonnull (strstr (error->message, "4 tries"));
  g_clear_error (&error);
  g_assert_true (eng_agent_pair_with_code (http, code, NULL, &error));
  g_assert_no_error (error);
  g_subprocess_wait (pair, NULL, NULL);
  g_object_unref (pair);
  token = g_strdup (http->token);

  /* Neither key nor token can be read by others, and the token is not kept at all. */
  key = g_build_filename (board->state, "key.pem", NULL);
  g_assert_cmpint (g_stat (key, &about), ==, 0);
  g_assert_cmpuint (about.st_mode & 0777, ==, 0600);
  pairings = g_build_filename (board->state, "pairings.json", NULL);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (pairings, &text, NULL, NULL));
  g_assert_null (strstr (text, token));
  EngLink *link = eng_agent_link_new (http, &unpaired, NULL, &error);
  g_assert_no_error (error);
  out = eng_link_machine (link, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (strlen (out), >, 2);

  /* Unpaired at the board: the open connection goes, and the token counts no more. */
  g_autofree char *said = eng_test_agent_command (board, &status, "unpair", NULL);
  g_assert_cmpstr (said, ==, "unpaired 1\n");
  guint64 n_bytes;
  g_assert_false (eng_link_size (link, "x", &n_bytes, NULL, &error));
  eng_link_close (link);
  g_clear_error (&error);
  http = eng_test_agent_http (board);
  eng_agent_http_set_token (http, token);
  g_assert_null (eng_agent_link_new (http, &unpaired, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_true (unpaired);
}

/* Another certificate than that of pairing: nothing of ours is sent, the token least of all. */
static void
test_pinned (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autofree char *token = NULL;
  g_autoptr (GError) error = NULL;
  gboolean unpaired;
  EngLink *link = eng_test_agent_link (board, &token);
  EngAgentHttp *http = eng_test_agent_http (board);
  g_autofree char *key = g_build_filename (board->state, "key.pem", NULL);
  g_autofree char *pem = g_build_filename (board->state, "certificate.pem", NULL);

  eng_agent_http_set_token (http, token);
  eng_link_close (link);
  eng_test_agent_kill (board);
  g_assert_cmpint (g_remove (key), ==, 0);
  g_assert_cmpint (g_remove (pem), ==, 0);
  eng_test_agent_start (board);
  g_assert_null (eng_agent_link_new (http, &unpaired, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_nonnull (strstr (error->message, "another certificate"));
  g_assert_false (unpaired);
}

static void
test_five_wrong (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autofree char *code = NULL, *again = NULL;
  EngAgentHttp *http = eng_test_agent_http (board);
  GSubprocess *pair = eng_test_agent_pair (board, &code);
  char other[16];
  int status;

  g_strlcpy (other, code, sizeof other);
  other[0] = other[0] == '9' ? '0' : (char)(other[0] + 1);
  for (int left = 4; left >= 0; left--)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *tries = g_strdup_printf ("(%d tries", left);
      g_assert_false (eng_agent_pair_with_code (http, other, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
      g_assert_nonnull (strstr (error->message, tries));
    }
  g_autoptr (GError) error = NULL;
  g_assert_false (eng_agent_pair_with_code (http, code, NULL, &error));
  g_assert_nonnull (strstr (error->message, "waits for no studio"));
  g_subprocess_wait (pair, NULL, NULL);
  g_assert_cmpint (g_subprocess_get_exit_status (pair), ==, 1);
  g_object_unref (pair);
  again = eng_test_agent_command (board, &status, "pair", NULL);
  g_assert_cmpint (status, ==, 1);
  g_assert_nonnull (strstr (again, "no new code for"));
  eng_agent_http_free (http);
}

int
main (int argc, char **argv)
{
  agent_case_init (&argc, &argv);
  g_test_add_func ("/agent/pair", test_pair);
  g_test_add_func ("/agent/pinned", test_pinned);
  g_test_add_func ("/agent/five-wrong", test_five_wrong);
  g_test_add_func ("/agent/no-token", test_no_token);
  return g_test_run ();
}
