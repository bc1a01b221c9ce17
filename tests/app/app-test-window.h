/* What test programs share that drive a whole window in their own process. */
#pragma once

#include "app-window-private.h"

#include "../test-tree.h"

#include <stdlib.h>

static char *app_test_home;

static inline void
app_test_remove_home (void)
{
  test_tree_free (g_steal_pointer (&app_test_home));
}

/* Call before g_test_init(): settings, history and caches are in a folder that goes when the
 * program ends; the user's are neither found nor changed. */
static inline void
app_test_use_own_home (void)
{
  app_test_home = test_tree_new ();
  g_setenv ("XDG_DATA_HOME", app_test_home, TRUE);
  g_setenv ("XDG_CACHE_HOME", app_test_home, TRUE);
  g_setenv ("XDG_CONFIG_HOME", app_test_home, TRUE);
  atexit (app_test_remove_home);
}

/* Registered beside any that run already. */
static inline AppApplication *
app_test_application_new (void)
{
  AppApplication *application = app_application_new ();

  g_application_set_flags (G_APPLICATION (application), G_APPLICATION_NON_UNIQUE);
  g_assert_true (g_application_register (G_APPLICATION (application), NULL, NULL));
  return application;
}

/* Iterate the main loop until @condition holds; after a minute the test ends, naming @what. */
static inline void
app_test_wait_for (AppWindow *window, gboolean (*condition) (AppWindow *window), const char *what)
{
  gint64 end = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;

  while (!condition (window))
    {
      if (g_get_monotonic_time () > end)
        g_error ("waited a minute for: %s", what);
      g_main_context_iteration (NULL, FALSE);
      g_usleep (500);
    }
}
