/* JSON files from strangers: size, depth and text are checked before json-glib sees them, which
 * recurses as deep as a file tells it to. Private to import/. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Nested objects and lists. */
#define ENG_STRICT_JSON_MAX_DEPTH 32

/* The object that @text is; @what ("config.json") begins every message. */
JsonObject *eng_strict_json_parse (const char *what, const char *text, gsize n_bytes,
                                   GError **error);
/* The same for the file at @path, of at most @max_bytes. */
JsonObject *eng_strict_json_load (const char *path, gsize max_bytes, GError **error);

/* Sets @error (ENG_ERROR, @code) to text that is UTF-8 whatever it quotes, and returns FALSE. */
gboolean eng_strict_json_refuse (GError **error, int code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* Members by name; what is null counts as absent. */

JsonNode *eng_strict_json_member (JsonObject *object, const char *name);
/* NULL unless it is one. */
JsonObject *eng_strict_json_object (JsonObject *object, const char *name);
JsonArray *eng_strict_json_array (JsonObject *object, const char *name);
const char *eng_strict_json_text (JsonObject *object, const char *name);
gboolean eng_strict_json_bool (JsonObject *object, const char *name, gboolean otherwise);
/* Whether @node is a whole number / any number; *@value is untouched otherwise. */
gboolean eng_strict_json_node_int (JsonNode *node, gint64 *value);
gboolean eng_strict_json_node_number (JsonNode *node, double *value);
const char *eng_strict_json_node_text (JsonNode *node);

G_END_DECLS
