/* The list of pairings, kept in one small file. A token is 256 random bits, so one SHA-256 of it is
 * enough: there is nothing to guess that a slow hash would protect. Called by ag-server.c and
 * ag-control.c. */
#include "ag-tokens.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#include "ag-request.h"

struct _AgTokens
{
  char *path;
  GPtrArray *list;
};

static void
paired_free (gpointer data)
{
  AgPaired *paired = data;

  g_free (paired->id);
  g_free (paired->name);
  g_free (paired);
}

static gboolean
read_list (AgTokens *tokens, JsonNode *root)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  JsonNode *member = object ? json_object_get_member (object, "pairings") : NULL;
  JsonArray *array = member && JSON_NODE_HOLDS_ARRAY (member) ? json_node_get_array (member) : NULL;

  for (guint i = 0; array && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonObject *entry = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      AgPaired *paired = g_new0 (AgPaired, 1);

      g_ptr_array_add (tokens->list, paired);
      if (!entry)
        return FALSE;
      paired->id = g_strdup (json_object_get_string_member_with_default (entry, "id", NULL));
      paired->name = g_strdup (json_object_get_string_member_with_default (entry, "name", NULL));
      paired->since = json_object_get_int_member_with_default (entry, "since_s", 0);
      if (!paired->id || !paired->name
          || !ag_hex_read (json_object_get_string_member_with_default (entry, "token_sha256", NULL),
                           paired->hash, sizeof paired->hash))
        return FALSE;
    }
  return array != NULL;
}

AgTokens *
ag_tokens_load (const char *folder, GError **error)
{
  g_autoptr (AgTokens) tokens = g_new0 (AgTokens, 1);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) local = NULL;

  tokens->path = g_build_filename (folder, "pairings.json", NULL);
  tokens->list = g_ptr_array_new_with_free_func (paired_free);
  if (!g_file_test (tokens->path, G_FILE_TEST_EXISTS))
    return g_steal_pointer (&tokens);
  if (!json_parser_load_from_file (parser, tokens->path, &local) || !json_parser_get_root (parser)
      || !read_list (tokens, json_parser_get_root (parser)))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "%s is damaged%s%s; remove it and pair again", tokens->path, local ? ": " : "",
                   local ? local->message : "");
      return NULL;
    }
  return g_steal_pointer (&tokens);
}

void
ag_tokens_free (AgTokens *tokens)
{
  if (!tokens)
    return;
  g_free (tokens->path);
  g_ptr_array_unref (tokens->list);
  g_free (tokens);
}

static gboolean
save (AgTokens *tokens, GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "pairings");
  json_builder_begin_array (builder);
  for (guint i = 0; i < tokens->list->len; i++)
    {
      const AgPaired *paired = tokens->list->pdata[i];
      g_autofree char *hash = ag_hex_text (paired->hash, sizeof paired->hash);

      json_builder_begin_object (builder);
      json_builder_set_member_name (builder, "id");
      json_builder_add_string_value (builder, paired->id);
      json_builder_set_member_name (builder, "name");
      json_builder_add_string_value (builder, paired->name);
      json_builder_set_member_name (builder, "since_s");
      json_builder_add_int_value (builder, paired->since);
      json_builder_set_member_name (builder, "token_sha256");
      json_builder_add_string_value (builder, hash);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  return g_file_set_contents_full (tokens->path, text, -1,
                                   G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                   0600, error);
}

const AgPaired *
ag_tokens_add (AgTokens *tokens, const char *name, char **token, GError **error)
{
  guint8 bytes[AG_TOKEN_BYTES], id[6];
  AgPaired *paired;

  if (tokens->list->len >= AG_MAX_PAIRINGS)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                   "%d studios are paired already; lathe-agent unpair NAME makes room",
                   AG_MAX_PAIRINGS);
      return NULL;
    }
  if (gnutls_rnd (GNUTLS_RND_KEY, bytes, sizeof bytes) < 0
      || gnutls_rnd (GNUTLS_RND_NONCE, id, sizeof id) < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "There are no random numbers");
      return NULL;
    }
  paired = g_new0 (AgPaired, 1);
  paired->id = ag_hex_text (id, sizeof id);
  paired->name = g_strdup (name);
  paired->since = g_get_real_time () / G_USEC_PER_SEC;
  gnutls_hash_fast (GNUTLS_DIG_SHA256, bytes, sizeof bytes, paired->hash);
  g_ptr_array_add (tokens->list, paired);
  if (!save (tokens, error))
    {
      g_ptr_array_remove_index (tokens->list, tokens->list->len - 1);
      return NULL;
    }
  *token = ag_hex_text (bytes, sizeof bytes);
  gnutls_memset (bytes, 0, sizeof bytes);
  return paired;
}

const AgPaired *
ag_tokens_check (AgTokens *tokens, const char *token)
{
  guint8 bytes[AG_TOKEN_BYTES], hash[32];
  const AgPaired *found = NULL;

  if (!ag_hex_read (token, bytes, sizeof bytes))
    return NULL;
  gnutls_hash_fast (GNUTLS_DIG_SHA256, bytes, sizeof bytes, hash);
  for (guint i = 0; i < tokens->list->len; i++)
    {
      const AgPaired *paired = tokens->list->pdata[i];
      if (ag_proof_equal (paired->hash, hash, sizeof hash))
        found = paired;
    }
  gnutls_memset (bytes, 0, sizeof bytes);
  return found;
}

gboolean
ag_tokens_remove (AgTokens *tokens, const char *which, GPtrArray *ids, GError **error)
{
  g_autoptr (GPtrArray) before = g_steal_pointer (&tokens->list);

  tokens->list = g_ptr_array_new_with_free_func (paired_free);
  g_ptr_array_set_free_func (before, NULL);
  for (guint i = 0; i < before->len; i++)
    {
      AgPaired *paired = before->pdata[i];
      if (!which || strcmp (paired->id, which) == 0 || strcmp (paired->name, which) == 0)
        g_ptr_array_add (ids, g_strdup (paired->id));
      else
        g_ptr_array_add (tokens->list, paired);
    }
  if (ids->len > 0 && !save (tokens, error))
    {
      g_ptr_array_set_free_func (tokens->list, NULL);
      g_ptr_array_unref (tokens->list);
      tokens->list = g_steal_pointer (&before);
      g_ptr_array_set_free_func (tokens->list, paired_free);
      return FALSE;
    }
  for (guint i = 0; i < before->len; i++)
    {
      AgPaired *paired = before->pdata[i];
      for (guint j = 0; j < ids->len; j++)
        if (strcmp (paired->id, ids->pdata[j]) == 0)
          {
            paired_free (paired);
            break;
          }
    }
  return TRUE;
}

const GPtrArray *
ag_tokens_list (AgTokens *tokens)
{
  return tokens->list;
}
