/* A language model pushed to a board with lathe-agent: what it writes is what this computer writes,
 * its profile comes home, and neither a service that is killed and comes back nor a cable that is
 * pulled loses what was measured. */
#include "../test-tree.h"
#include "eng-runners.h"
#include "eng-test-agent.h"
#include "push-case.h"

static EngTestAgent *board;
static EngDevice *device;
static PushCase own;

typedef enum
{
  NOTHING,
  KILL,
  CUT,
} What;

/* What happens to the board, once, in the middle of a push. */
typedef struct
{
  What what;
  EngPushStage stage;
  double after_progress;
  gboolean done;
  guint n_tries;
  GThread *thread;
} Trouble;

static gpointer
make_trouble (gpointer data)
{
  Trouble *trouble = data;

  if (trouble->what == KILL)
    eng_test_agent_kill (board);
  else
    eng_test_agent_cable (board, FALSE);
  g_usleep (G_USEC_PER_SEC);
  if (trouble->what == KILL)
    eng_test_agent_start (board);
  else
    eng_test_agent_cable (board, TRUE);
  return NULL;
}

static void
on_progress (const EngPushProgress *progress, gpointer user_data)
{
  Trouble *trouble = user_data;

  trouble->n_tries = progress->n_tries;
  if (trouble->what == NOTHING || trouble->done || progress->stage != trouble->stage
      || progress->progress < trouble->after_progress)
    return;
  trouble->done = TRUE;
  trouble->thread = g_thread_new ("trouble", make_trouble, trouble);
}

static EngRun *
push (Trouble *trouble, EngPushTimes *times, GError **error)
{
  EngRun *run = push_case_push (&own, device, NULL, 40, on_progress, trouble, times, error);

  g_clear_pointer (&trouble->thread, g_thread_join);
  return run;
}

static void
assert_same_as_here (EngRun *run)
{
  push_case_check_text (&own, run);
  push_case_check_profile (run);
}

static void
test_push (void)
{
  Trouble none = { 0 };
  EngPushTimes times = { 0 }, second = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRun) run = push (&none, &times, &error);

  g_assert_no_error (error);
  assert_same_as_here (run);
  g_test_message ("connected in %.3f s, %" G_GUINT64_FORMAT
                  " bytes in %.3f s, first line after %.3f s; the service has %" G_GUINT64_FORMAT
                  " KB",
                  times.connect_s, times.n_copied, times.copy_s, times.start_s,
                  eng_test_agent_rss_kb (board));
  g_autoptr (EngRun) repeated = push (&none, &second, &error);
  g_assert_no_error (error);
  assert_same_as_here (repeated);
  push_case_check_kept (&times, &second);
}

static void
test_lost (void)
{
  const Trouble cases[] = {
    { .what = KILL, .stage = ENG_PUSH_COPY, .after_progress = -1 },
    { .what = KILL, .stage = ENG_PUSH_RUN, .after_progress = 0.3 },
    { .what = CUT, .stage = ENG_PUSH_COPY, .after_progress = -1 },
    { .what = CUT, .stage = ENG_PUSH_RUN, .after_progress = 0.3 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Trouble trouble = cases[i];
      EngPushTimes times = { 0 };
      g_autoptr (GError) error = NULL;

      if (trouble.what == CUT && board->holder == NULL)
        continue;
      if (trouble.stage == ENG_PUSH_COPY)
        g_assert_true (eng_push_clean (device, NULL, NULL, &error));
      g_assert_no_error (error);
      g_autoptr (EngRun) run = push (&trouble, &times, &error);
      g_assert_no_error (error);
      g_test_message ("%s at stage %s: %s, %u tries", trouble.what == KILL ? "killed" : "cut",
                      eng_push_stage_name (trouble.stage), trouble.done ? "done" : "too late",
                      trouble.n_tries);
      assert_same_as_here (run);
      if (trouble.done && trouble.what == KILL && trouble.stage == ENG_PUSH_RUN)
        g_assert_cmpuint (trouble.n_tries, >, 0);
    }
}

/* ---- What it takes ---- */

static gboolean
say_yes (EngDevice *for_device, const char *title, const char *text, gpointer data)
{
  return TRUE;
}

static char *
give_code (EngDevice *for_device, const char *title, const char *text, gboolean *keep,
           gpointer code)
{
  return g_strdup (code);
}

static void
pair (void)
{
  g_autoptr (GHashTable) settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *code = NULL;
  g_autoptr (GError) error = NULL;
  GSubprocess *process = eng_test_agent_pair (board, &code);
  EngAsk ask = { .confirm = say_yes, .secret = give_code, .user_data = code };

  g_hash_table_insert (settings, g_strdup ("host"), g_strdup (board->address));
  g_hash_table_insert (settings, g_strdup ("port"), g_strdup_printf ("%u", board->port));
  device = eng_device_new (NULL, "Board", &eng_transport_agent, settings);
  EngLink *link = eng_transport_agent.open (device, &ask, NULL, &error);
  g_assert_no_error (error);
  eng_link_close (link);
  g_subprocess_wait (process, NULL, NULL);
  g_object_unref (process);
}

static void
test_skipped (void)
{
  g_test_skip ("no runner for this computer was built");
}

int
main (int argc, char **argv)
{
  eng_test_agent_init ();
  char *home = push_case_new_home ();

  g_test_init (&argc, &argv, NULL);
  board = eng_test_agent_new (NULL);
  pair ();
  g_autoptr (EngLink) link = eng_transport_agent.open (device, NULL, NULL, NULL);
  g_autofree char *machine = eng_link_machine (link, NULL, NULL);
  g_autofree char *runner = eng_runner_find (machine, NULL);
  if (runner != NULL)
    {
      push_case_init (&own, "{\"weight-format\": {\"format\": \"q4_0\"}}");
      g_test_add_func ("/push-agent/push", test_push);
      g_test_add_func ("/push-agent/lost", test_lost);
    }
  else
    g_test_add_func ("/push-agent", test_skipped);
  const int status = g_test_run ();
  push_case_clear (&own);
  g_clear_object (&device);
  eng_test_agent_free (board);
  test_tree_free (home);
  return status;
}
