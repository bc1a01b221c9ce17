/* The studio's agent transport as a whole: settings, questions, pairing once, forgetting; boards
 * that announce themselves. */
#include <string.h>

#include "ag-proof.h"
#include "agent-case.h"
#include "eng-device.h"
#include "eng-transport.h"

typedef struct
{
  const char *code;
  guint n_confirm, n_secret;
  GString *texts;
} Answers;

static gboolean
say_yes (EngDevice *device, const char *title, const char *text, gpointer data)
{
  Answers *answers = data;

  answers->n_confirm++;
  g_string_append_printf (answers->texts, "%s\n%s\n", title, text);
  return TRUE;
}

static char *
give_code (EngDevice *device, const char *title, const char *text, gboolean *keep, gpointer data)
{
  Answers *answers = data;

  answers->n_secret++;
  return g_strdup (answers->code);
}

static void
test_transport (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autoptr (GHashTable) settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *code = NULL, *wrong = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) texts = g_string_new (NULL);

  g_hash_table_insert (settings, g_strdup ("host"), g_strdup (board->address));
  g_assert_null (eng_transport_agent.validate (settings));
  g_hash_table_insert (settings, g_strdup ("port"), g_strdup ("70000"));
  wrong = eng_transport_agent.validate (settings);
  g_assert_nonnull (wrong);
  g_hash_table_insert (settings, g_strdup ("port"), g_strdup_printf ("%u", board->port));
  g_autoptr (EngDevice) device = eng_device_new (NULL, "Board", &eng_transport_agent, settings);

  /* Nobody there to ask. */
  g_assert_null (eng_transport_agent.open (device, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_nonnull (strstr (error->message, "lathe-agent pair"));
  g_clear_error (&error);

  GSubprocess *pair = eng_test_agent_pair (board, &code);
  Answers answers = { .code = code, .texts = texts };
  EngAsk ask = { .confirm = say_yes, .secret = give_code, .user_data = &answers };
  EngLink *link = eng_transport_agent.open (device, &ask, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (answers.n_secret, ==, 1);
  g_assert_cmpuint (answers.n_confirm, >=, 1);
  g_assert_nonnull (strstr (texts->str, "fingerprint"));
  eng_link_close (link);
  g_subprocess_wait (pair, NULL, NULL);
  g_object_unref (pair);
  /* Paired once: no more questions. */
  link = eng_transport_agent.open (device, NULL, NULL, &error);
  g_assert_no_error (error);
  eng_link_close (link);
  eng_transport_agent.forget (device);
  /* The board is told, in the background. */
  g_autofree char *text = NULL;
  for (int i = 0; i < 50 && (text == NULL || strstr (text, "\npaired ") != NULL); i++)
    {
      int status;
      g_usleep (100000);
      g_free (text);
      text = eng_test_agent_command (board, &status, "status", NULL);
    }
  g_assert_null (strstr (text, "\npaired "));
  g_assert_null (eng_transport_agent.open (device, NULL, NULL, &error));
}

/* Announced by an avahi-daemon on the board, found by one here; and where there is none. */
static void
test_search (void)
{
  g_autoptr (EngTestAgent) board = eng_test_agent_new (NULL);
  g_autofree char *port = g_strdup_printf ("%u", board->port);
  g_autoptr (GError) error = NULL;
  EngCandidate *candidate = NULL;

  /* libdbus asks for the address once. */
  g_autofree char *address = g_strdup_printf ("unix:path=%s/bus-here", board->folder);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);
  g_assert_null (eng_transport_agent.search (NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message,
                            g_file_test ("/usr/sbin/avahi-daemon", G_FILE_TEST_EXISTS)
                                ? "systemctl start avahi-daemon"
                                : "apt install avahi-daemon"));
  g_clear_error (&error);

  g_autofree char *bus = eng_test_agent_announce (board);
  if (bus == NULL)
    return;
  g_assert_cmpstr (bus, ==, address);
  g_autoptr (GPtrArray) found = NULL;
  for (int i = 0; i < 10 && candidate == NULL; i++)
    {
      g_usleep (500000);
      g_clear_pointer (&found, g_ptr_array_unref);
      g_clear_error (&error);
      found = eng_transport_agent.search (NULL, &error); /* the daemons need a second or two */
      candidate = found != NULL && found->len > 0 ? found->pdata[0] : NULL;
    }
  g_assert_no_error (error);
  g_assert_nonnull (candidate);
  g_assert_cmpuint (found->len, ==, 1);
  g_test_message ("%s: %s", candidate->name, candidate->evidence);
  g_assert_cmpstr (candidate->name, ==, "test-board");
  g_assert_cmpstr (g_hash_table_lookup (candidate->settings, "host"), ==, board->address);
  g_assert_cmpstr (g_hash_table_lookup (candidate->settings, "port"), ==, port);
  /* What is announced is the certificate that is shown. */
  EngAgentHttp *http = eng_test_agent_http (board);
  g_autofree char *fingerprint = ag_fingerprint_text (http->fingerprint);
  g_assert_nonnull (strstr (candidate->evidence, fingerprint));
  eng_agent_http_free (http);
}

int
main (int argc, char **argv)
{
  agent_case_init (&argc, &argv);
  g_test_add_func ("/agent/transport", test_transport);
  g_test_add_func ("/agent/search", test_search);
  return g_test_run ();
}
