/* Reading JSON that comes from files: depth and size are limited, and every look-up that fails
 * names the field, what was expected and what was found. */
#pragma once

#include "eng-figure.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Parse @text; its root must be an object. @what names the thing in errors ("recipe"). NULL and
 * ENG_ERROR_FORMAT when it is not that. */
JsonNode *eng_json_parse_object (const char *text, const char *what, GError **error);

/* Write compact or indented text; transfer full. */
char *eng_json_to_text (JsonNode *root, gboolean pretty);
/* The same for a finished builder, which is freed. */
char *eng_json_builder_finish (JsonBuilder *builder, gboolean pretty);

/* A number, or null where it is not finite: JSON has no NaN. */
void eng_json_add_double (JsonBuilder *builder, const char *name, double value);
void eng_json_add_string (JsonBuilder *builder, const char *name,
                          const char *value); /* NULL: null */
void eng_json_add_int (JsonBuilder *builder, const char *name, gint64 value);
void eng_json_add_bool (JsonBuilder *builder, const char *name, gboolean value);
void eng_json_add_strv (JsonBuilder *builder, const char *name, const char *const *values);
/* {"value", "low95", "high95", "n", "unit"} and "reason" where it has one; the numbers are null
 * when the figure is not available. */
void eng_json_add_figure (JsonBuilder *builder, const char *name, const EngFigure *figure);

/* Members, with a fallback for those that are absent or of another kind: for fields that later
 * versions may add or drop. */
double eng_json_get_double (JsonObject *object, const char *name); /* NAN */
gint64 eng_json_get_int (JsonObject *object, const char *name, gint64 fallback);
gboolean eng_json_get_bool (JsonObject *object, const char *name, gboolean fallback);
const char *eng_json_get_string (JsonObject *object, const char *name); /* NULL */
JsonObject *eng_json_get_object (JsonObject *object, const char *name); /* NULL */
JsonArray *eng_json_get_array (JsonObject *object, const char *name);   /* NULL */
GStrv eng_json_dup_strv (JsonObject *object, const char *name);         /* empty */
/* What eng_json_add_figure() wrote. @object NULL or without the member: unavailable, with @absent
 * as the reason (static). @unit: static; NULL: the unit that stands there. */
EngFigure eng_json_get_figure (JsonObject *object, const char *name, const char *unit,
                               const char *absent);

/* Members that must be there. */
gboolean eng_json_need_string (JsonObject *object, const char *name, const char *what,
                               const char **value, GError **error);

/* "a string", "an object"...: for messages. */
const char *eng_json_kind (JsonNode *node);

G_END_DECLS
