/* Requests and files for the test-agent-*.c programs. */
#include "agent-case.h"

#include <string.h>

void
agent_case_init (int *argc, char ***argv)
{
  eng_test_agent_init ();
  /* No keyring of the user's. */
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent", TRUE);
  g_test_init (argc, argv, NULL);
}

char *
agent_case_request (EngTestAgent *board, const char *method, const char *path, const char *headers,
                    const char *body)
{
  g_autofree char *text
      = g_strdup_printf ("%s %s HTTP/1.1\r\nHost: board\r\n%sContent-Length: %zu\r\n\r\n%s", method,
                         path, headers, strlen (body), body);
  char *answer = eng_test_agent_raw (board, NULL, text);

  /* Ten new connections a second of one address are let in. */
  for (int i = 0; i < 50 && answer == NULL; i++)
    {
      g_usleep (100000);
      answer = eng_test_agent_raw (board, NULL, text);
    }
  g_assert_nonnull (answer);
  return answer;
}

/* Bytes that do not repeat. */
char *
agent_case_file (EngTestAgent *board, const char *name, gsize n)
{
  char *path = g_build_filename (board->folder, name, NULL);
  g_autofree guint32 *bytes = g_malloc (n + 4);
  guint32 state = 1;

  for (gsize i = 0; i < n / 4 + 1; i++)
    bytes[i] = state = state * 1664525 + 1013904223;
  g_assert_true (g_file_set_contents (path, (char *)bytes, (gssize)n, NULL));
  return path;
}

void
agent_case_put (EngLink *link, const char *path, const char *name, gboolean program)
{
  g_autoptr (GError) error = NULL;

  eng_link_put (link, path, name, program, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}
