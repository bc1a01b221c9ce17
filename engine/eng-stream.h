/* Bytes of tokens in, whole UTF-8 characters out: a token may end in the middle of a character. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  GString *text;  /* all that came out so far, valid UTF-8 */
  guint8 held[4]; /* the beginning of a character */
  guint n_held;
} EngStream;

void eng_stream_init (EngStream *stream);
void eng_stream_clear (EngStream *stream);
/* Take @n bytes. What came out is at text->str + the returned offset; bytes that cannot be UTF-8
 * become U+FFFD, one per maximal wrong part. */
gsize eng_stream_push (EngStream *stream, const char *bytes, gsize n);
/* No more bytes will come: what is held becomes U+FFFD. Returns the offset like
 * eng_stream_push(). */
gsize eng_stream_end (EngStream *stream);

G_END_DECLS
