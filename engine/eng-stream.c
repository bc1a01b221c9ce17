/* A small UTF-8 gatherer for streamed text (Unicode 15, section 3.9, table 3-7 and the practice
 * "substitution of maximal subparts"). Used by the run; knows nothing of tokens. */
#include "eng-stream.h"

#define REPLACEMENT "\xef\xbf\xbd"

void
eng_stream_init (EngStream *stream)
{
  *stream = (EngStream){ .text = g_string_new (NULL) };
}

void
eng_stream_clear (EngStream *stream)
{
  if (stream->text != NULL)
    g_string_free (stream->text, TRUE);
  stream->text = NULL;
}

/* Bytes of a character that begins with @lead; 0: none does. */
static guint
character_bytes (guint8 lead)
{
  if (lead < 0x80)
    return 1;
  if (lead >= 0xc2 && lead <= 0xdf)
    return 2;
  if (lead >= 0xe0 && lead <= 0xef)
    return 3;
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

/* Whether @byte may follow as number @at (1..3) after @lead: the second byte excludes overlong
 * forms, surrogates and what lies past U+10FFFF. */
static gboolean
may_follow (guint8 lead, guint at, guint8 byte)
{
  guint8 low = 0x80, high = 0xbf;
  if (at == 1 && lead == 0xe0)
    low = 0xa0;
  if (at == 1 && lead == 0xed)
    high = 0x9f;
  if (at == 1 && lead == 0xf0)
    low = 0x90;
  if (at == 1 && lead == 0xf4)
    high = 0x8f;
  return byte >= low && byte <= high;
}

static void
push_byte (EngStream *stream, guint8 byte)
{
  if (stream->n_held > 0 && !may_follow (stream->held[0], stream->n_held, byte))
    {
      g_string_append (stream->text, REPLACEMENT);
      stream->n_held = 0;
    }
  if (stream->n_held == 0 && character_bytes (byte) == 0)
    {
      g_string_append (stream->text, REPLACEMENT);
      return;
    }
  stream->held[stream->n_held++] = byte;
  if (stream->n_held < character_bytes (stream->held[0]))
    return;
  if (stream->held[0] != 0) /* text ends at a NUL for everybody who reads it */
    g_string_append_len (stream->text, (const char *)stream->held, stream->n_held);
  stream->n_held = 0;
}

gsize
eng_stream_push (EngStream *stream, const char *bytes, gsize n)
{
  gsize from = stream->text->len;
  for (gsize i = 0; i < n; i++)
    push_byte (stream, (guint8)bytes[i]);
  return from;
}

gsize
eng_stream_end (EngStream *stream)
{
  gsize from = stream->text->len;
  if (stream->n_held > 0)
    g_string_append (stream->text, REPLACEMENT);
  stream->n_held = 0;
  return from;
}
