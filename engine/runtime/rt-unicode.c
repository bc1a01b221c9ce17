/* UTF-8 in and out, and the class of a character.
 *
 * Called by the pre-tokenizers, the tokenizers and rt_slice_show(). Must not know tokens. */
#include "rt-unicode-private.h"

uint32_t
rt_utf8_decode (const uint8_t *s, size_t n, uint32_t *n_bytes)
{
  uint8_t c = s[0];

  *n_bytes = 1;
  if (c < 0x80)
    return c;
  if (c >= 0xc2 && c <= 0xdf && n >= 2 && (s[1] & 0xc0) == 0x80)
    {
      *n_bytes = 2;
      return (uint32_t)(c & 0x1f) << 6 | (s[1] & 0x3f);
    }
  if (c >= 0xe0 && c <= 0xef && n >= 3 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80)
    {
      uint32_t cp = (uint32_t)(c & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
      if (cp < 0x800 || (cp >= 0xd800 && cp <= 0xdfff))
        return RT_UTF8_INVALID;
      *n_bytes = 3;
      return cp;
    }
  if (c >= 0xf0 && c <= 0xf4 && n >= 4 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80
      && (s[3] & 0xc0) == 0x80)
    {
      uint32_t cp = (uint32_t)(c & 0x07) << 18 | (uint32_t)(s[1] & 0x3f) << 12
                    | (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
      if (cp < 0x10000 || cp > 0x10ffff)
        return RT_UTF8_INVALID;
      *n_bytes = 4;
      return cp;
    }
  return RT_UTF8_INVALID;
}

uint32_t
rt_utf8_encode (uint32_t cp, uint8_t *out)
{
  if (cp < 0x80)
    {
      out[0] = (uint8_t)cp;
      return 1;
    }
  if (cp < 0x800)
    {
      out[0] = (uint8_t)(0xc0 | cp >> 6);
      out[1] = (uint8_t)(0x80 | (cp & 0x3f));
      return 2;
    }
  if (cp < 0x10000)
    {
      out[0] = (uint8_t)(0xe0 | cp >> 12);
      out[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
      out[2] = (uint8_t)(0x80 | (cp & 0x3f));
      return 3;
    }
  out[0] = (uint8_t)(0xf0 | cp >> 18);
  out[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3f));
  out[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
  out[3] = (uint8_t)(0x80 | (cp & 0x3f));
  return 4;
}

/* Most text is ASCII. */
static uint32_t
ascii_class (uint32_t cp)
{
  if ((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z')
    return RT_CHAR_LETTER;
  if (cp >= '0' && cp <= '9')
    return RT_CHAR_NUMBER;
  if (cp == ' ' || (cp >= '\t' && cp <= '\r'))
    return RT_CHAR_SPACE;
  switch (cp)
    {
    case '$':
    case '+':
    case '<':
    case '=':
    case '>':
    case '^':
    case '`':
    case '|':
    case '~': /* symbols */
      return 0;
    default:
      return cp > ' ' && cp < 0x7f ? RT_CHAR_PUNCT : 0;
    }
}

uint32_t
rt_unicode_class (uint32_t cp)
{
  size_t low = 0, high = rt_unicode_n_ranges;

  if (cp < 0x80)
    return ascii_class (cp);
  while (low < high)
    {
      size_t middle = (low + high) / 2;
      if (cp < rt_unicode_ranges[middle].first)
        high = middle;
      else if (cp > rt_unicode_ranges[middle].last)
        low = middle + 1;
      else
        return rt_unicode_ranges[middle].char_class;
    }
  return 0;
}
