/* devices.json: read strictly, written whole. What a newer program put there is kept. Called by the
 * list of devices only. */
#include <errno.h>
#include <string.h>

#include "eng-devices-private.h"
#include "eng-error.h"
#include "eng-json.h"

#define VERSION 1
#define MAX_DEVICES 10000

static gboolean
refuse (GError **error, const char *path, const char *why)
{
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
               "The list of devices %s cannot be read: %s. It is left as it is; repair it, or move "
               "it away to start a new one.",
               path, why);
  return FALSE;
}

static GHashTable *
read_settings (JsonObject *object)
{
  g_autoptr (GHashTable) settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  JsonObject *from = eng_json_get_object (object, "settings");
  JsonObjectIter iter;
  const char *key;
  JsonNode *value;

  if (from == NULL)
    return NULL;
  json_object_iter_init (&iter, from);
  while (json_object_iter_next (&iter, &key, &value))
    {
      if (!JSON_NODE_HOLDS_VALUE (value) || json_node_get_value_type (value) != G_TYPE_STRING)
        return NULL;
      g_hash_table_insert (settings, g_strdup (key), json_node_dup_string (value));
    }
  return g_steal_pointer (&settings);
}

static gboolean
read_device (JsonNode *node, const char *path, GPtrArray *devices, GPtrArray *foreign,
             GError **error)
{
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return refuse (error, path, "a device is not an object");
  JsonObject *object = json_node_get_object (node);
  const char *id = eng_json_get_string (object, "id");
  const char *name = eng_json_get_string (object, "name");
  const char *transport_id = eng_json_get_string (object, "transport");
  g_autoptr (GHashTable) settings = read_settings (object);

  if (id == NULL || name == NULL || transport_id == NULL || settings == NULL || *id == '\0'
      || strpbrk (id, "/\\") != NULL || g_str_has_prefix (id, "."))
    return refuse (error, path, "a device has no proper id, name, transport or settings");
  for (guint i = 0; i < devices->len; i++)
    if (g_str_equal (eng_device_get_id (devices->pdata[i]), id))
      return refuse (error, path, "two devices have the same id");
  const EngTransport *transport = eng_transport_find (transport_id);
  if (transport == NULL || !transport->can_add)
    g_ptr_array_add (foreign, json_node_copy (node));
  else
    g_ptr_array_add (devices, eng_device_new (id, name, transport, settings));
  return TRUE;
}

GPtrArray *
eng_devices_file_read (const char *path, GPtrArray *foreign, GError **error)
{
  g_autoptr (GPtrArray) devices = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *text = NULL;
  gsize n_bytes = 0;
  g_autoptr (GError) local = NULL;

  if (!g_file_get_contents (path, &text, &n_bytes, &local))
    {
      if (g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return g_steal_pointer (&devices);
      refuse (error, path, local->message);
      return NULL;
    }
  if (!g_utf8_validate (text, (gssize)n_bytes, NULL))
    {
      refuse (error, path, "it is not text");
      return NULL;
    }
  g_autoptr (JsonNode) root = eng_json_parse_object (text, "list", &local);
  if (root == NULL)
    {
      refuse (error, path, local->message);
      return NULL;
    }
  JsonObject *object = json_node_get_object (root);
  JsonArray *list = eng_json_get_array (object, "devices");
  if (eng_json_get_int (object, "version", 0) != VERSION)
    {
      refuse (error, path, "it is of another version of Lathe");
      return NULL;
    }
  if (list == NULL || json_array_get_length (list) > MAX_DEVICES)
    {
      refuse (error, path, "it has no list of devices");
      return NULL;
    }
  for (guint i = 0; i < json_array_get_length (list); i++)
    if (!read_device (json_array_get_element (list, i), path, devices, foreign, error))
      return NULL;
  return g_steal_pointer (&devices);
}

static void
write_device (JsonBuilder *builder, EngDevice *device)
{
  g_autoptr (GHashTable) settings = eng_device_dup_settings (device);
  g_autoptr (GList) keys = g_list_sort (g_hash_table_get_keys (settings), (GCompareFunc)strcmp);

  json_builder_begin_object (builder);
  eng_json_add_string (builder, "id", eng_device_get_id (device));
  eng_json_add_string (builder, "name", eng_device_get_name (device));
  eng_json_add_string (builder, "transport", eng_device_get_transport (device)->id);
  json_builder_set_member_name (builder, "settings");
  json_builder_begin_object (builder);
  for (GList *at = keys; at != NULL; at = at->next)
    eng_json_add_string (builder, at->data, g_hash_table_lookup (settings, at->data));
  json_builder_end_object (builder);
  json_builder_end_object (builder);
}

gboolean
eng_devices_file_write (const char *path, EngDevice *const *devices, guint n_devices,
                        GPtrArray *foreign, GError **error)
{
  JsonBuilder *builder = json_builder_new ();
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) local = NULL;

  json_builder_begin_object (builder);
  eng_json_add_int (builder, "version", VERSION);
  json_builder_set_member_name (builder, "devices");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n_devices; i++)
    write_device (builder, devices[i]);
  for (guint i = 0; i < foreign->len; i++)
    json_builder_add_value (builder, json_node_copy (foreign->pdata[i]));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  g_autofree char *text = eng_json_builder_finish (builder, TRUE);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "The folder %s could not be made: %s", folder,
                   g_strerror (errno));
      return FALSE;
    }
  if (g_file_set_contents_full (path, text, -1,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &local))
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "The list of devices could not be kept: %s",
               local->message);
  return FALSE;
}
