/* One program: the window, or, when the first argument is a command, the command line. */
#include "app-application.h"
#include "app-cli.h"
#include "app-config.h"
#include "app-paths.h"

#include <glib/gi18n.h>
#include <locale.h>

int
main (int argc, char **argv)
{
  g_autoptr (AppApplication) application = NULL;
  g_autofree char *locale_dir = NULL;

  if (argc > 1 && app_cli_is_command (argv[1]))
    return app_cli_main (argc, argv);

  setlocale (LC_ALL, "");
  locale_dir = app_paths_dup_locale_dir ();
  bindtextdomain (GETTEXT_PACKAGE, locale_dir);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  g_set_application_name ("Lathe");
  application = app_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
