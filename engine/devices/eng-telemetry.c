/* Bytes of a board become lines, checked one by one. Fed by eng-push.c with what a link brings, by
 * tests with what no board should send; knows nothing of runs. What a kind's members are is
 * eng-telemetry-line.c. */
#include "eng-telemetry-private.h"

#include <string.h>

#include "eng-error.h"
#include "eng-json.h"

#define PIECE_CHARACTERS 60

struct _EngTelemetry
{
  EngTelemetryFunc func;
  gpointer user_data;

  GByteArray *partial;  /* of the line that is not complete yet */
  gboolean too_long;    /* the rest of that line is skipped */
  guint64 n_kept_bytes; /* of the log, up to the last line that was one */
  guint64 next;         /* line number */
  gboolean ended;
  EngTelemetryCounts counts;
  char *complaint;
  char *last_words;
  GArray *records; /* RtTraceRecord: memory for a line's */
};

EngTelemetry *
eng_telemetry_new (EngTelemetryFunc func, gpointer user_data)
{
  g_return_val_if_fail (func != NULL, NULL);

  EngTelemetry *self = g_new0 (EngTelemetry, 1);
  self->func = func;
  self->user_data = user_data;
  self->partial = g_byte_array_new ();
  self->records = g_array_new (FALSE, TRUE, sizeof (RtTraceRecord));
  return self;
}

void
eng_telemetry_free (EngTelemetry *self)
{
  if (self == NULL)
    return;
  g_byte_array_unref (self->partial);
  g_array_unref (self->records);
  g_free (self->complaint);
  g_free (self->last_words);
  g_free (self);
}

/* ---- What is no line ---- */

/* The beginning, without what a terminal would take for an order. */
static char *
piece_of (const char *bytes, gsize n_bytes)
{
  g_autofree char *valid = g_utf8_make_valid (bytes, (gssize)MIN (n_bytes, 4 * PIECE_CHARACTERS));
  GString *piece = g_string_new (NULL);
  guint n = 0;

  for (const char *p = valid; *p != '\0' && n < PIECE_CHARACTERS; p = g_utf8_next_char (p), n++)
    {
      gunichar c = g_utf8_get_char (p);
      g_string_append_unichar (piece, g_unichar_isprint (c) ? c : 0xfffd);
    }
  if (n == PIECE_CHARACTERS)
    g_string_append (piece, "…");
  return g_string_free (piece, FALSE);
}

static void
refuse (EngTelemetry *self, const char *bytes, gsize n_bytes, const char *why)
{
  g_autofree char *piece = piece_of (bytes, n_bytes);

  self->counts.n_refused++;
  if (self->complaint == NULL)
    self->complaint = g_strdup_printf ("%s: “%s”", why, piece);
  if (self->last_words == NULL && *piece != '\0')
    self->last_words = g_strdup (piece);
}

/* ---- Lines ---- */

static void
keep_words (EngTelemetry *self, const EngTelemetryLine *line)
{
  const char *words = line->kind == ENG_TELEMETRY_ERROR   ? line->error.message
                      : line->kind == ENG_TELEMETRY_STAGE ? line->stage.stage
                                                          : NULL;
  if (words == NULL || g_strcmp0 (words, self->last_words) == 0)
    return;
  g_free (self->last_words);
  self->last_words = g_strdup (words);
}

/* By its number: TRUE when it is a new one. */
static gboolean
is_new (EngTelemetry *self, const EngTelemetryLine *line)
{
  if (line->n < self->next)
    {
      self->counts.n_repeated++;
      return FALSE;
    }
  self->counts.n_missing += line->n - self->next;
  self->next = line->n + 1;
  return TRUE;
}

/* @text is complete, without its end, and ends with a NUL. */
static void
take_line (EngTelemetry *self, const char *text, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;
  EngTelemetryLine line = { 0 };
  gboolean known = FALSE;

  if (n_bytes > 0 && text[n_bytes - 1] == '\r')
    n_bytes--;
  if (n_bytes == 0)
    return;
  if (!g_utf8_validate (text, (gssize)n_bytes, NULL))
    {
      refuse (self, text, n_bytes, "a line is not text");
      return;
    }
  /* Whatever else a program prints before anything is parsed. */
  if (text[0] != '{')
    {
      refuse (self, text, n_bytes, "a line is not telemetry");
      return;
    }
  g_autoptr (JsonNode) root = eng_json_parse_object (text, "line", &error);
  EngTelemetryScratch scratch = { self->records, NULL, NULL };
  if (root != NULL)
    known = eng_telemetry_read_line (json_node_get_object (root), self->next, &line, &scratch,
                                     &error);
  if (error != NULL)
    refuse (self, text, n_bytes, error->message);
  else if (is_new (self, &line))
    {
      self->counts.n_lines += known;
      self->counts.n_unknown += !known;
      if (known)
        {
          keep_words (self, &line);
          self->ended |= line.kind == ENG_TELEMETRY_END;
          self->func (&line, self->user_data);
        }
    }
  eng_telemetry_scratch_clear (&scratch);
}

/* The partial line is complete. */
static void
end_line (EngTelemetry *self, guint64 n_line_bytes)
{
  guint64 n_before = self->counts.n_refused;

  if (self->too_long)
    refuse (self, (const char *)self->partial->data, self->partial->len, "a line is too long");
  else
    {
      g_byte_array_append (self->partial, (const guint8 *)"", 1);
      take_line (self, (const char *)self->partial->data, self->partial->len - 1);
    }
  if (self->counts.n_refused == n_before)
    self->n_kept_bytes += n_line_bytes;
  g_byte_array_set_size (self->partial, 0);
  self->too_long = FALSE;
}

void
eng_telemetry_feed (EngTelemetry *self, const char *bytes, gsize n_bytes)
{
  g_return_if_fail (self != NULL && (bytes != NULL || n_bytes == 0));

  while (n_bytes > 0)
    {
      const char *end = memchr (bytes, '\n', n_bytes);
      gsize n = end != NULL ? (gsize)(end - bytes) : n_bytes;
      gsize room = ENG_TELEMETRY_MAX_LINE - self->partial->len;

      if (n > room)
        self->too_long = TRUE;
      g_byte_array_append (self->partial, (const guint8 *)bytes, (guint)MIN (n, room));
      if (end == NULL)
        return;
      end_line (self, (guint64)self->partial->len + 1);
      bytes += n + 1;
      n_bytes -= n + 1;
    }
}

guint64
eng_telemetry_resume (EngTelemetry *self)
{
  g_return_val_if_fail (self != NULL, 0);

  g_byte_array_set_size (self->partial, 0);
  self->too_long = FALSE;
  return self->n_kept_bytes;
}

void
eng_telemetry_close (EngTelemetry *self)
{
  g_return_if_fail (self != NULL);

  if (self->partial->len > 0)
    refuse (self, (const char *)self->partial->data, self->partial->len,
            "the last line is not complete");
  g_byte_array_set_size (self->partial, 0);
}

/* ---- Looking ---- */

gboolean
eng_telemetry_has_ended (EngTelemetry *self)
{
  return self->ended;
}

void
eng_telemetry_get_counts (EngTelemetry *self, EngTelemetryCounts *counts)
{
  *counts = self->counts;
}

const char *
eng_telemetry_get_complaint (EngTelemetry *self)
{
  return self->complaint;
}

const char *
eng_telemetry_get_last_words (EngTelemetry *self)
{
  return self->last_words;
}
