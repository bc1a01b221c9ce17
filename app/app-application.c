/* The GTK application. Created by main() when no command of the command line was asked for. Knows
 * windows, but not what is in them. */
#include "app-application.h"

#include "app-config.h"
#include "app-paths.h"
#include "app-resources.h"
#include "app-settings.h"
#include "app-window.h"
#include "eng-power.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct _AppApplication
{
  AdwApplication parent_instance;

  EngHistory *history;
  char *history_error;
  EngEstimator *estimator; /* NULL: nothing is estimated */
  AppDevices *devices;     /* NULL until a window asks */
  gboolean timing;
};

G_DEFINE_FINAL_TYPE (AppApplication, app_application, ADW_TYPE_APPLICATION)

/* ---- Timing ---- */

/* Milliseconds since the kernel started this process (10 ms steps); negative when /proc does not
 * tell. */
static double
process_age_ms (void)
{
  g_autofree char *stat = NULL;
  const char *p;
  unsigned long long start_ticks;
  struct timespec now;

  if (!g_file_get_contents ("/proc/self/stat", &stat, NULL, NULL)
      || (p = strrchr (stat, ')')) == NULL)
    return -1.0;
  /* Field 22, starttime; the name in field 2 may hold anything, so count from behind it. */
  if (sscanf (p + 1,
              " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
              &start_ticks)
      != 1)
    return -1.0;
  clock_gettime (CLOCK_BOOTTIME, &now);
  return ((double)now.tv_sec + (double)now.tv_nsec * 1e-9
          - (double)start_ticks / (double)sysconf (_SC_CLK_TCK))
         * 1e3;
}

void
app_application_log_time (AppApplication *self, const char *what)
{
  g_return_if_fail (APP_IS_APPLICATION (self));

  if (self->timing)
    g_printerr ("timing: %s after %.0f ms\n", what, process_age_ms ());
}

gboolean
app_application_get_timing (AppApplication *self)
{
  g_return_val_if_fail (APP_IS_APPLICATION (self), FALSE);
  return self->timing;
}

/* ---- Actions ---- */

static void
on_quit (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_autoptr (GList) windows = g_list_copy (gtk_application_get_windows (data));

  for (GList *l = windows; l != NULL; l = l->next)
    gtk_window_close (l->data);
}

static void
on_new_window (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  gtk_window_present (GTK_WINDOW (app_window_new (data)));
}

static void
on_about (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  const char *developers[] = { "The Lathe developers", NULL };

  adw_show_about_window (gtk_application_get_active_window (data), "application-name", "Lathe",
                         "application-icon", APP_ID, "version", APP_VERSION, "developer-name",
                         _ ("The Lathe developers"), "developers", developers, "license-type",
                         GTK_LICENSE_GPL_3_0, "comments",
                         _ ("Opens a neural network, runs it on its own engine, and shows live "
                            "what every layer costs."),
                         NULL);
}

static void
apply_color_scheme (const char *name)
{
  AdwColorScheme scheme = ADW_COLOR_SCHEME_DEFAULT;

  if (g_str_equal (name, "light"))
    scheme = ADW_COLOR_SCHEME_FORCE_LIGHT;
  else if (g_str_equal (name, "dark"))
    scheme = ADW_COLOR_SCHEME_FORCE_DARK;
  adw_style_manager_set_color_scheme (adw_style_manager_get_default (), scheme);
}

static void
on_color_scheme (GSimpleAction *action, GVariant *value, gpointer data)
{
  const char *name = g_variant_get_string (value, NULL);

  apply_color_scheme (name);
  app_settings_set_string ("color-scheme", name);
  g_simple_action_set_state (action, value);
}

static const GActionEntry actions[] = {
  { .name = "quit", .activate = on_quit },
  { .name = "new-window", .activate = on_new_window },
  { .name = "about", .activate = on_about },
  { .name = "color-scheme",
    .parameter_type = "s",
    .state = "'system'",
    .change_state = on_color_scheme },
};

static const struct
{
  const char *action;
  const char *accels[3];
} accelerators[] = {
  { "app.quit", { "<Control>q" } },
  { "app.new-window", { "<Control>n" } },
  { "window.close", { "<Control>w" } },
  { "win.open", { "<Control>o" } },
  { "win.run", { "<Control>Return", "<Control>KP_Enter" } },
  { "win.stop", { "Escape" } },
  { "win.pin-baseline", { "<Control>b" } },
  { "win.show-recipe", { "F9" } },
  { "win.show-devices", { "<Shift>F9" } }, /* F10 is the main menu's */
  { "win.show-table", { "<Control>t" } },
  { "win.export-plot('shown')", { "<Control>e" } },
  { "win.save-build", { "<Control>s" } },
  { "win.view('lanes')", { "<Alt>1" } },
  { "win.view('tradeoff')", { "<Alt>2" } },
  { "win.view('compare')", { "<Alt>3" } },
  { "win.view('accuracy')", { "<Alt>4" } },
  { "win.view('price')", { "<Alt>5" } },
  { "win.view('roofline')", { "<Alt>6" } },
  { "win.view('speculation')", { "<Alt>7" } },
  { "win.view('graph')", { "<Alt>8" } },
  { "win.view('memory')", { "<Alt>9" } },
  { "win.view('timeline')", { "<Alt>0" } },
  { "win.view('history')", { "<Alt>minus" } },
  { "win.show-help-overlay", { "<Control>question" } },
};

/* ---- GApplication ---- */

/* Without its table there are no estimates; all else works, and the reason is said once. */
static void
open_estimator (AppApplication *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngKernelTimes) times = eng_kernel_times_open (NULL, &error);

  if (times != NULL)
    self->estimator = eng_estimator_new (times);
  else if (self->history_error == NULL)
    self->history_error = g_strdup_printf (_ ("No estimates: %s"), error->message);
  else
    g_message ("No estimates: %s", error->message);
}

static void
app_application_startup (GApplication *application)
{
  AppApplication *self = APP_APPLICATION (application);
  g_autoptr (GError) error = NULL;
  g_autofree char *scheme = NULL;

  app_register_resource ();
  G_APPLICATION_CLASS (app_application_parent_class)->startup (application);
  app_application_log_time (self, "GTK is ready");

  gtk_window_set_default_icon_name (APP_ID);
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  for (guint i = 0; i < G_N_ELEMENTS (accelerators); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (self), accelerators[i].action,
                                           accelerators[i].accels);

  scheme = app_settings_dup_string ("color-scheme", "system");
  g_action_group_change_action_state (G_ACTION_GROUP (self), "color-scheme",
                                      g_variant_new_string (scheme));

  self->history = eng_history_open (NULL, &error);
  if (self->history == NULL)
    self->history_error = g_strdup (error->message);
  else if (!eng_history_purge (self->history, &error))
    g_message ("Deleted runs could not be removed from the history for good: %s", error->message);
  open_estimator (self);
}

static void
app_application_activate (GApplication *application)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));

  if (window == NULL)
    {
      g_autofree char *path = app_paths_find_default_model ();

      window = GTK_WINDOW (app_window_new (APP_APPLICATION (application)));
      if (path != NULL)
        app_window_open_path (APP_WINDOW (window), path, FALSE);
    }
  gtk_window_present (window);
}

static void
app_application_open (GApplication *application, GFile **files, int n_files, const char *hint)
{
  for (int i = 0; i < n_files; i++)
    {
      AppWindow *window = NULL;

      for (GList *l = gtk_application_get_windows (GTK_APPLICATION (application));
           l != NULL && window == NULL; l = l->next)
        if (APP_IS_WINDOW (l->data) && app_window_is_unused (l->data))
          window = l->data;
      if (window == NULL)
        window = app_window_new (APP_APPLICATION (application));
      app_window_open_file (window, files[i]);
      gtk_window_present (GTK_WINDOW (window));
    }
}

static int
app_application_handle_local_options (GApplication *application, GVariantDict *options)
{
  APP_APPLICATION (application)->timing = g_variant_dict_contains (options, "timing");
  return -1; /* go on */
}

static void
app_application_dispose (GObject *object)
{
  AppApplication *self = APP_APPLICATION (object);

  eng_power_set_current (NULL); /* a serial meter is told to stop */
  g_clear_object (&self->history);
  g_clear_pointer (&self->history_error, g_free);
  g_clear_object (&self->estimator);
  g_clear_object (&self->devices);
  G_OBJECT_CLASS (app_application_parent_class)->dispose (object);
}

static void
app_application_class_init (AppApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_application_dispose;
  application_class->startup = app_application_startup;
  application_class->activate = app_application_activate;
  application_class->open = app_application_open;
  application_class->handle_local_options = app_application_handle_local_options;
}

static void
app_application_init (AppApplication *self)
{
  const GOptionEntry options[] = {
    { .long_name = "timing",
      .arg = G_OPTION_ARG_NONE,
      .description = N_ ("Print when the window was ready") },
    { NULL },
  };

  g_application_add_main_option_entries (G_APPLICATION (self), options);
  g_application_set_option_context_parameter_string (G_APPLICATION (self), _ ("[FILE…]"));
}

AppApplication *
app_application_new (void)
{
  return g_object_new (APP_TYPE_APPLICATION, "application-id", APP_ID, "flags",
                       G_APPLICATION_HANDLES_OPEN, "resource-base-path", APP_PATH, NULL);
}

EngHistory *
app_application_get_history (AppApplication *self, const char **error_message)
{
  g_return_val_if_fail (APP_IS_APPLICATION (self), NULL);

  if (error_message != NULL)
    *error_message = self->history_error;
  return self->history;
}

EngEstimator *
app_application_get_estimator (AppApplication *self)
{
  g_return_val_if_fail (APP_IS_APPLICATION (self), NULL);
  return self->estimator;
}

AppDevices *
app_application_get_devices (AppApplication *self)
{
  g_return_val_if_fail (APP_IS_APPLICATION (self), NULL);

  if (self->devices == NULL)
    self->devices = app_devices_new (NULL);
  return self->devices;
}
