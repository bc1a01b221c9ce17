/* What a request is answered with: a status, and JSON or nothing. */
#pragma once

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Members of the object that @builder is in; @text NULL: null. */
void ag_json_add_number (JsonBuilder *builder, const char *name, gint64 number);
void ag_json_add_text (JsonBuilder *builder, const char *name, const char *text);
/* {"error": {"code": @code, "message": @message}}, whole. Newly allocated. */
JsonBuilder *ag_json_new_error (const char *code, const char *message);

/* @builder: a whole object, or NULL: no body. */
void ag_answer (SoupServerMessage *msg, guint status, JsonBuilder *builder);
/* PROTOCOL.md lists the codes. */
void ag_refuse (SoupServerMessage *msg, guint status, const char *code, const char *message);
/* The same for an error of store or tokens: status and code follow from its G_IO_ERROR. */
void ag_refuse_error (SoupServerMessage *msg, const GError *error);
/* The connection ends with this answer. */
void ag_hang_up_after (SoupServerMessage *msg);

G_END_DECLS
