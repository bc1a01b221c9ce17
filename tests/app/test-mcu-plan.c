/* Planning for a microcontroller in the background: what is asked for while a worker is at it,
 * other boards, limits of RAM that are kept with the device, cancelling. Needs a network of 8-bit
 * integers; no display. */
#include "app-mcu-plan.h"
#include "eng-transport.h"

#include <string.h>

#define KWS "audio/kws/kws_ref_model.tflite"
#define PERSON "vision/vww/person_detect.tflite"
#define WAIT_S 30

/* ---- Networks and a device ---- */

/* NULL: it is not there, the test is skipped. */
static EngBuild *
open_network (const char *file)
{
  const char *folder = g_getenv ("LATHE_TEST_DATA");
  g_autofree char *here
      = g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), "..", "shared", "models", NULL);
  g_autofree char *path = g_build_filename (folder != NULL ? folder : here, file, NULL);
  g_autofree char *why
      = g_strdup_printf ("%s is not there: LATHE_TEST_DATA names the folder", file);
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_autoptr (EngModel) model = NULL;
  g_autoptr (GError) error = NULL;
  EngBuild *build;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_test_skip (why);
      return NULL;
    }
  model = eng_model_load (path, NULL, &error);
  g_assert_no_error (error);
  build = eng_build_new (model, recipe, NULL, NULL, &error);
  g_assert_no_error (error);
  return build;
}

static EngDevice *
make_device (const char *board)
{
  g_autoptr (GHashTable) settings = g_hash_table_new (g_str_hash, g_str_equal);

  if (board != NULL)
    g_hash_table_insert (settings, (gpointer) "board", (gpointer)board);
  return eng_device_new (NULL, "m4", &eng_transport_virtual, settings);
}

static gboolean
on_late (gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
wait_idle (AppMcuPlan *plan)
{
  gboolean late = FALSE;
  guint id = g_timeout_add_seconds (WAIT_S, on_late, &late);

  while (app_mcu_plan_get_job (plan) != NULL && !late)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (late);
  g_source_remove (id);
}

static void
count (AppMcuPlan *plan, guint *n)
{
  (*n)++;
}

/* ---- */

/* What is shown is always of what was asked for last, however quickly it changes. */
static void
test_last (void)
{
  g_autoptr (EngBuild) kws = open_network (KWS);
  g_autoptr (EngBuild) person = kws != NULL ? open_network (PERSON) : NULL;
  g_autoptr (EngDevice) device = make_device ("cortex-m4");
  g_autoptr (AppMcuPlan) plan = app_mcu_plan_new (device);
  guint n = 0;

  if (person == NULL)
    return;
  g_signal_connect (plan, "changed", G_CALLBACK (count), &n);
  g_assert_cmpstr (app_mcu_plan_get_board (plan), ==, "mps2-an386");
  g_assert_null (app_mcu_plan_get_report (plan));
  app_mcu_plan_set_build (plan, person);
  g_assert_cmpuint (n, >, 0);
  g_assert_nonnull (app_mcu_plan_get_job (plan));
  app_mcu_plan_set_board (plan, "stm32f405");
  app_mcu_plan_set_build (plan, kws);
  app_mcu_plan_set_board (plan, "nrf52840");
  g_assert_null (app_mcu_plan_get_report (plan));
  wait_idle (plan);
  g_assert_cmpstr (app_mcu_plan_get_problem (plan), ==, NULL);
  g_assert_nonnull (app_mcu_plan_get_report (plan));
  g_assert_cmpstr (app_mcu_plan_get_report (plan)->board, ==, "nrf52840");
  g_assert_cmpstr (app_mcu_plan_get_report (plan)->model, ==, "kws_ref_model.tflite");

  /* The same again is no change. */
  n = 0;
  app_mcu_plan_set_build (plan, kws);
  app_mcu_plan_set_board (plan, "nrf52840");
  app_mcu_plan_set_ram_limit (plan, 0);
  g_assert_cmpuint (n, ==, 0);

  app_mcu_plan_set_build (plan, NULL);
  wait_idle (plan);
  g_assert_null (app_mcu_plan_get_report (plan));
}

/* A limit is the device's for its own board, and of no other. */
static void
test_limit (void)
{
  g_autoptr (EngBuild) build = open_network (PERSON);
  g_autoptr (EngDevice) device = make_device ("cortex-m4");
  g_autoptr (AppMcuPlan) plan = app_mcu_plan_new (device);

  if (build == NULL)
    return;
  app_mcu_plan_set_build (plan, build);
  app_mcu_plan_set_ram_limit (plan, 44000);
  wait_idle (plan);
  g_assert_cmpuint (app_mcu_plan_get_report (plan)->ram_limit, ==, 44000);
  g_assert_cmpuint (app_mcu_plan_get_report (plan)->sizes[ENG_MCU_RAM].bytes, <=, 44000);
  g_assert_cmpuint (eng_mcu_device_ram_limit (device), ==, 44000);

  app_mcu_plan_set_board (plan, "stm32f405");
  g_assert_cmpuint (app_mcu_plan_get_ram_limit (plan), ==, 0);
  app_mcu_plan_set_ram_limit (plan, 50000);
  wait_idle (plan);
  g_assert_cmpuint (app_mcu_plan_get_report (plan)->ram_limit, ==, 50000);
  g_assert_cmpuint (eng_mcu_device_ram_limit (device), ==, 44000);

  app_mcu_plan_set_board (plan, "mps2-an386");
  wait_idle (plan);
  g_assert_cmpuint (app_mcu_plan_get_report (plan)->ram_limit, ==, 44000);

  /* Another window chose all that the board has. */
  eng_device_set_setting (device, ENG_MCU_RAM_SETTING, NULL);
  while (app_mcu_plan_get_ram_limit (plan) != 0)
    g_main_context_iteration (NULL, TRUE);
  wait_idle (plan);
  g_assert_cmpuint (app_mcu_plan_get_report (plan)->ram_limit, ==,
                    app_mcu_plan_get_report (plan)->board_ram);
}

/* Why there is nothing to show is said; looking again brings it. */
static void
test_problems (void)
{
  g_autoptr (EngBuild) build = open_network (PERSON);
  g_autoptr (EngBuild) floats
      = build != NULL ? open_network ("vision/vww/vww_96_float.tflite") : NULL;
  g_autoptr (EngDevice) device = make_device ("cortex-m4");
  g_autoptr (AppMcuPlan) plan = app_mcu_plan_new (device);

  if (floats == NULL)
    return;
  app_mcu_plan_set_build (plan, build);
  app_mcu_plan_cancel (plan);
  wait_idle (plan);
  g_assert_null (app_mcu_plan_get_report (plan));
  g_assert_nonnull (strstr (app_mcu_plan_get_problem (plan), "cancelled"));
  g_assert_true (app_mcu_plan_get_cancelled (plan));
  app_mcu_plan_refresh (plan);
  wait_idle (plan);
  g_assert_nonnull (app_mcu_plan_get_report (plan));
  g_assert_null (app_mcu_plan_get_problem (plan));

  app_mcu_plan_set_build (plan, floats);
  wait_idle (plan);
  g_assert_null (app_mcu_plan_get_report (plan));
  g_assert_nonnull (strstr (app_mcu_plan_get_problem (plan), "floats"));
  g_assert_false (app_mcu_plan_get_cancelled (plan));
}

/* A device that does not say which board it is; then it does. */
static void
test_unknown_board (void)
{
  g_autoptr (EngBuild) build = open_network (KWS);
  g_autoptr (EngDevice) device = make_device (NULL);
  g_autoptr (AppMcuPlan) plan = app_mcu_plan_new (device);

  if (build == NULL)
    return;
  app_mcu_plan_set_build (plan, build);
  wait_idle (plan);
  g_assert_null (app_mcu_plan_get_board (plan));
  g_assert_nonnull (strstr (app_mcu_plan_get_problem (plan), "which board"));
  eng_device_set_setting (device, "board", "stm32f405");
  while (app_mcu_plan_get_board (plan) == NULL)
    g_main_context_iteration (NULL, TRUE);
  wait_idle (plan);
  g_assert_cmpstr (app_mcu_plan_get_report (plan)->board, ==, "stm32f405");
}

/* With nobody to tell it of builds it neither works on nor keeps showing what was. */
static void
test_retired (void)
{
  g_autoptr (EngBuild) build = open_network (KWS);
  g_autoptr (EngDevice) device = make_device ("cortex-m4");
  g_autoptr (AppMcuPlan) plan = app_mcu_plan_new (device);
  guint n = 0;

  if (build == NULL)
    return;
  g_signal_connect (plan, "retired", G_CALLBACK (count), &n);
  app_mcu_plan_set_build (plan, build);
  app_mcu_plan_retire (plan);
  g_assert_cmpuint (n, ==, 1);
  wait_idle (plan);
  g_assert_null (app_mcu_plan_get_report (plan));
  eng_device_set_setting (device, ENG_MCU_RAM_SETTING, "20000");
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_null (app_mcu_plan_get_job (plan));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcu-plan/last", test_last);
  g_test_add_func ("/mcu-plan/limit", test_limit);
  g_test_add_func ("/mcu-plan/problems", test_problems);
  g_test_add_func ("/mcu-plan/unknown-board", test_unknown_board);
  g_test_add_func ("/mcu-plan/retired", test_retired);
  return g_test_run ();
}
