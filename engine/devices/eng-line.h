/* Members of one JSON object that came from a board: looked up by name, checked against a range.
 * The first thing that is wrong is kept; what is read after it is of no use. Private to the readers
 * of boards and telemetry. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  JsonObject *object; /* borrowed */
  const char *what;   /* "the board's line", in messages */
  GError *error;      /* ENG_ERROR_FORMAT or _RANGE; owned by whoever asks */
} EngLine;

/* A count in 0..@most; it must be there. */
guint64 eng_line_count (EngLine *line, const char *name, guint64 most);
/* @fallback where it is absent or null */
guint64 eng_line_count_or (EngLine *line, const char *name, guint64 most, guint64 fallback);
/* NAN where it is absent or null */
double eng_line_number (EngLine *line, const char *name, double least, double most);
gboolean eng_line_flag (EngLine *line, const char *name, gboolean fallback);
/* Valid UTF-8, borrowed; NULL where it is absent or null. */
const char *eng_line_text (EngLine *line, const char *name);
const char *eng_line_need_text (EngLine *line, const char *name);
/* Borrowed; NULL: absent. */
JsonArray *eng_line_array (EngLine *line, const char *name);

/* Whole numbers of an array of an array: FALSE when @node is none or not in 0..@most. */
gboolean eng_line_node_count (JsonNode *node, guint64 most, guint64 *value);

/* FALSE and @error: something was wrong. */
gboolean eng_line_finish (EngLine *line, GError **error);

G_END_DECLS
