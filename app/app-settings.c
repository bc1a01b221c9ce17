/* The settings, found where they are. g_settings_new() ends the program when a schema is missing; a
 * window that forgets its size is better than none, so the schema is looked up first. Called from
 * the main thread only. */
#include "app-settings.h"

#include "app-config.h"
#include "app-paths.h"

static GSettingsSchema *
find_schema (void)
{
  GSettingsSchemaSource *installed = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchemaSource) own = NULL;
  GSettingsSchema *schema = NULL;

  if (app_paths_in_build ())
    {
      g_autofree char *dir = g_build_filename (APP_BUILD_ROOT, "data", NULL);

      own = g_settings_schema_source_new_from_directory (dir, installed, FALSE, NULL);
      if (own != NULL)
        schema = g_settings_schema_source_lookup (own, APP_ID, FALSE);
    }
  if (schema == NULL && installed != NULL)
    schema = g_settings_schema_source_lookup (installed, APP_ID, TRUE);
  return schema;
}

GSettings *
app_settings_get (void)
{
  static GSettings *settings;
  static gboolean looked;

  if (!looked)
    {
      g_autoptr (GSettingsSchema) schema = find_schema ();

      looked = TRUE;
      if (schema != NULL)
        settings = g_settings_new_full (schema, NULL, NULL);
      else
        g_message ("The settings schema %s is not installed: nothing will be remembered. Reinstall "
                   "Lathe to repair this.",
                   APP_ID);
    }
  return settings;
}

gboolean
app_settings_get_boolean (const char *key, gboolean fallback)
{
  GSettings *settings = app_settings_get ();
  return settings != NULL ? g_settings_get_boolean (settings, key) : fallback;
}

int
app_settings_get_int (const char *key, int fallback)
{
  GSettings *settings = app_settings_get ();
  return settings != NULL ? g_settings_get_int (settings, key) : fallback;
}

char *
app_settings_dup_string (const char *key, const char *fallback)
{
  GSettings *settings = app_settings_get ();
  return settings != NULL ? g_settings_get_string (settings, key) : g_strdup (fallback);
}

void
app_settings_set_boolean (const char *key, gboolean value)
{
  GSettings *settings = app_settings_get ();

  if (settings != NULL)
    g_settings_set_boolean (settings, key, value);
}

void
app_settings_set_int (const char *key, int value)
{
  GSettings *settings = app_settings_get ();

  if (settings != NULL)
    g_settings_set_int (settings, key, value);
}

void
app_settings_set_string (const char *key, const char *value)
{
  GSettings *settings = app_settings_get ();

  if (settings != NULL)
    g_settings_set_string (settings, key, value);
}
