/* The model, the workload and the checks of test-push*.c. */
#include "push-case.h"

#include <string.h>
#include <sys/utsname.h>

#include "../test-tree.h"
#include "devices/eng-runners.h"

char *
push_case_new_home (void)
{
  char *home = test_tree_new ();

  g_setenv ("HOME", home, TRUE);
  g_setenv ("XDG_STATE_HOME", home, TRUE);
  g_setenv ("XDG_CONFIG_HOME", home, TRUE);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", TRUE);
  g_unsetenv ("SSH_AUTH_SOCK");
  eng_test_use_own_cache ();
  return home;
}

static gboolean
has_runner_of (const char *machine)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = eng_runner_find (machine, &error);

  if (path == NULL)
    g_test_skip (error->message);
  return path != NULL;
}

gboolean
push_case_has_runner (void)
{
  struct utsname about;

  g_assert_cmpint (uname (&about), ==, 0);
  return has_runner_of (about.machine);
}

gboolean
push_case_can_emulate_arm (void)
{
  g_autofree char *qemu = g_find_program_in_path ("qemu-aarch64-static");

  if (qemu != NULL)
    return has_runner_of ("aarch64");
  g_test_skip ("qemu-aarch64-static is missing");
  return FALSE;
}

EngDevice *
push_case_find_device (EngDevices *devices, const char *id)
{
  EngDevice *device = eng_devices_find (devices, id);
  g_autofree char *remedy = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (device);
  if (eng_device_get_transport (device)->check (device, &remedy, &error))
    return device;
  g_test_skip (error->message);
  return NULL;
}

EngWorkload *
push_case_workload (double budget_s)
{
  EngWorkload *workload = eng_workload_new ("Once upon a time");

  workload->n_predict = PUSH_CASE_N_TOKENS;
  workload->ignore_end = TRUE;
  workload->budget_s = budget_s;
  return workload;
}

void
push_case_init (PushCase *self, const char *techniques)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngWorkload) workload = push_case_workload (0.1);
  g_autoptr (GError) error = NULL;

  self->build = eng_test_build (model, techniques, NULL);
  g_autoptr (EngRun) run = eng_run_generate (self->build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  self->text = g_strdup (eng_run_get_text (run));
}

void
push_case_clear (PushCase *self)
{
  g_clear_object (&self->build);
  g_clear_pointer (&self->text, g_free);
}

EngRun *
push_case_push (const PushCase *self, EngDevice *device, const EngAsk *ask, double patience_s,
                void (*progress) (const EngPushProgress *progress, gpointer user_data),
                gpointer user_data, EngPushTimes *times, GError **error)
{
  g_autoptr (EngWorkload) workload = push_case_workload (0.5);
  char *directory = test_tree_new ();
  const EngPushOptions options = { .ask = ask, .patience_s = patience_s, .directory = directory };
  const EngPushEvents events = { .progress = progress, .user_data = user_data };
  EngRun *run = eng_push_run (device, self->build, workload, NULL, NULL, &events, &options, times,
                              NULL, error);

  test_tree_free (directory);
  return run;
}

void
push_case_check_text (const PushCase *self, EngRun *run)
{
  g_assert_cmpstr (eng_run_get_text (run), ==, self->text);
  g_assert_cmpuint (eng_run_get_n_generated (run), ==, PUSH_CASE_N_TOKENS);
}

void
push_case_check_complete (const PushCase *self, EngRun *run, GError *error)
{
  g_assert_no_error (error);
  g_assert_nonnull (run);
  push_case_check_text (self, run);
  g_assert_true (eng_run_get_figure (run, ENG_FIGURE_DECODE).available);
  g_assert_true (eng_run_get_figure (run, ENG_FIGURE_PREFILL).available);
  g_assert_false (push_case_mentions (eng_run_get_reasons (run), "last line"));
}

void
push_case_check_profile (EngRun *run)
{
  EngProfile *profile = eng_run_get_profile (run);
  guint n_timed = 0;

  g_assert_nonnull (profile);
  for (guint i = 0; i < eng_profile_get_n_nodes (profile); i++)
    n_timed += eng_profile_get_phase (profile, RT_PHASE_DECODE)->nodes[i].median_ns > 0;
  g_assert_cmpuint (n_timed, >, 10);
}

void
push_case_check_kept (const EngPushTimes *first, const EngPushTimes *second)
{
  g_assert_cmpuint (first->n_copied, >, 1000000);
  g_assert_cmpuint (second->n_copied, <, 1000);
  g_assert_cmpuint (second->n_kept, >, 1000000);
}

gboolean
push_case_mentions (const char *const *lines, const char *what)
{
  for (; *lines != NULL; lines++)
    if (strstr (*lines, what) != NULL)
      return TRUE;
  return FALSE;
}
