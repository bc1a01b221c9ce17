/* UTF-8 and the few character classes that pre-tokenizers ask for. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Exactly one, or 0: everything else. */
typedef enum
{
  RT_CHAR_LETTER = 1, /* general category L* */
  RT_CHAR_NUMBER = 2, /* N* */
  RT_CHAR_SPACE = 4,  /* property White_Space */
  RT_CHAR_PUNCT = 8,  /* P* */
} RtCharClass;

/* The "code point" of a byte that is not part of well-formed UTF-8. */
#define RT_UTF8_INVALID 0xffffffffu

/* The class of code point @cp; 0 for RT_UTF8_INVALID. */
uint32_t rt_unicode_class (uint32_t cp);

/* The code point at @s [n > 0], and in *@n_bytes its length. Only well-formed UTF-8 counts (RFC
 * 3629: shortest form, no surrogates, up to U+10FFFF); anything else is RT_UTF8_INVALID, one byte
 * long. */
uint32_t rt_utf8_decode (const uint8_t *s, size_t n, uint32_t *n_bytes);

/* Write @cp (at most U+10FFFF) to @out [4]; returns the number of bytes. */
uint32_t rt_utf8_encode (uint32_t cp, uint8_t *out);

/* "14.0.0": where the classes come from. */
extern const char rt_unicode_version[];
