/* The history as one CSV table or one JSON document. Called by the history view and the command
 * line. */

#include <json-glib/json-glib.h>
#include <math.h>

#include "eng-error.h"
#include "eng-history-private.h"
#include "eng-run-device.h"

static const char *const validity_names[] = { "valid", "degraded", "invalid" };

/* RFC 4180: quoted when it holds a comma, a quote or a line break; quotes doubled. */
static void
append_cell (GString *csv, const char *text)
{
  if (csv->len > 0 && csv->str[csv->len - 1] != '\n')
    g_string_append_c (csv, ',');
  if (strpbrk (text, ",\"\r\n") == NULL)
    {
      g_string_append (csv, text);
      return;
    }
  g_string_append_c (csv, '"');
  for (; *text != '\0'; text++)
    {
      if (*text == '"')
        g_string_append_c (csv, '"');
      g_string_append_c (csv, *text);
    }
  g_string_append_c (csv, '"');
}

/* An absent number is an empty cell, never a zero. */
static void
append_number (GString *csv, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  append_cell (csv, isfinite (value) ? g_ascii_formatd (text, sizeof text, "%.9g", value) : "");
}

static void
append_header (GString *csv)
{
  static const char *const columns[]
      = { "run_id", "time_utc", "model",  "model_sha256", "build_hash",
          "recipe", "validity", "device", "emulated" };

  for (guint i = 0; i < G_N_ELEMENTS (columns); i++)
    append_cell (csv, columns[i]);
  for (int id = 0; id < ENG_N_FIGURES; id++)
    {
      static const char *const suffixes[] = { "", "_low95", "_high95", "_n" };

      for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
        {
          g_autofree char *name = g_strconcat (eng_figure_id_name (id), suffixes[i], NULL);

          append_cell (csv, name);
        }
    }
  g_string_append_c (csv, '\n');
}

static void
append_entry (GString *csv, const EngHistoryEntry *entry)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (entry->time);
  g_autofree char *time_text = g_date_time_format_iso8601 (time);
  gboolean emulated;
  g_autofree char *device = eng_run_device_of_header (entry->header, &emulated);

  append_cell (csv, entry->id);
  append_cell (csv, time_text);
  append_cell (csv, entry->model_name);
  append_cell (csv, entry->model_hash);
  append_cell (csv, entry->build_hash);
  append_cell (csv, entry->recipe);
  append_cell (csv, validity_names[CLAMP (entry->validity, ENG_RUN_VALID, ENG_RUN_INVALID)]);
  append_cell (csv, device != NULL ? device : ENG_RUN_THIS_COMPUTER);
  append_cell (csv, emulated ? "true" : "false");
  for (int id = 0; id < ENG_N_FIGURES; id++)
    {
      const EngFigure *figure = &entry->figures[id];
      gboolean known = figure->available;

      append_number (csv, known ? figure->value : NAN);
      append_number (csv, known ? figure->low : NAN);
      append_number (csv, known ? figure->high : NAN);
      append_number (csv, known ? figure->n : NAN);
    }
  g_string_append_c (csv, '\n');
}

char *
eng_history_export_csv (EngHistory *history, GError **error)
{
  g_autoptr (GPtrArray) entries = NULL;
  GString *csv;

  g_return_val_if_fail (ENG_IS_HISTORY (history), NULL);

  entries = eng_history_list (history, NULL, error);
  if (entries == NULL)
    return NULL;
  csv = g_string_new (NULL);
  append_header (csv);
  for (guint i = 0; i < entries->len; i++)
    append_entry (csv, entries->pdata[i]);
  return g_string_free (csv, FALSE);
}

char *
eng_history_export_json (EngHistory *history, GError **error)
{
  g_autoptr (GPtrArray) documents = NULL;
  g_autoptr (JsonBuilder) builder = NULL;
  g_autoptr (JsonNode) root = NULL;

  g_return_val_if_fail (ENG_IS_HISTORY (history), NULL);

  documents = eng_history_documents (history, NULL, error);
  if (documents == NULL)
    return NULL;
  builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "lathe_history");
  json_builder_add_int_value (builder, 1);
  json_builder_set_member_name (builder, "runs");
  json_builder_begin_array (builder);
  for (guint i = 0; i < documents->len; i++)
    {
      JsonNode *run = json_from_string (documents->pdata[i], error);

      if (run == NULL)
        {
          g_prefix_error (error, "A run in the history cannot be read: ");
          return NULL;
        }
      json_builder_add_value (builder, run);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, TRUE);
}
