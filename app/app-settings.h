/* What the program remembers between starts (data/org.lathe.Lathe.gschema.xml). */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Borrowed; one for the process. Without an installed schema the build's own is used; without any
 * schema (a broken installation) NULL, after one message: then nothing is remembered and the
 * schema's defaults count. */
GSettings *app_settings_get (void);

gboolean app_settings_get_boolean (const char *key, gboolean fallback);
int app_settings_get_int (const char *key, int fallback);
char *app_settings_dup_string (const char *key, const char *fallback);
void app_settings_set_boolean (const char *key, gboolean value);
void app_settings_set_int (const char *key, int value);
void app_settings_set_string (const char *key, const char *value);

G_END_DECLS
