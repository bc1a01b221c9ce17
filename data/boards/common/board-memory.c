/* The four functions that compilers call on their own. */
#include <stddef.h>
#include <stdint.h>

void *memcpy (void *to, const void *from, size_t n);
void *memmove (void *to, const void *from, size_t n);
void *memset (void *to, int value, size_t n);
int memcmp (const void *a, const void *b, size_t n);

/* Loops that gcc must not turn into calls of what they implement. */
#define OWN __attribute__ ((optimize ("no-tree-loop-distribute-patterns")))

OWN void *
memcpy (void *restrict to, const void *restrict from, size_t n)
{
  uint8_t *t = to;
  const uint8_t *f = from;

  for (; n >= 16; n -= 16, t += 16, f += 16)
    {
      uint32_t words[4];
      __builtin_memcpy (&words[0], f, 4);
      __builtin_memcpy (&words[1], f + 4, 4);
      __builtin_memcpy (&words[2], f + 8, 4);
      __builtin_memcpy (&words[3], f + 12, 4);
      __builtin_memcpy (t, &words[0], 4);
      __builtin_memcpy (t + 4, &words[1], 4);
      __builtin_memcpy (t + 8, &words[2], 4);
      __builtin_memcpy (t + 12, &words[3], 4);
    }
  while (n-- > 0)
    *t++ = *f++;
  return to;
}

OWN void *
memmove (void *to, const void *from, size_t n)
{
  uint8_t *t = to;
  const uint8_t *f = from;

  if (t <= f || t >= f + n)
    {
      while (n-- > 0)
        *t++ = *f++;
      return to;
    }
  while (n-- > 0)
    t[n] = f[n];
  return to;
}

OWN void *
memset (void *to, int value, size_t n)
{
  uint8_t *t = to;

  while (n-- > 0)
    *t++ = (uint8_t)value;
  return to;
}

int
memcmp (const void *a, const void *b, size_t n)
{
  const uint8_t *x = a, *y = b;

  for (; n > 0; n--, x++, y++)
    if (*x != *y)
      return *x - *y;
  return 0;
}
