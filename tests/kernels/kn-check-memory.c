/* Guarded memory, random numbers and verdicts of kn-check. */
#include "kn-check-private.h"

#include "kn-f16-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_BLOCKS 256
#define GUARD_BYTES 256
#define GUARD 0xa5

/* One mapping: readable pages, then one unreadable page. The caller's bytes end as near to it as
 * the alignment allows, for outputs with guard bytes in between. */
typedef struct
{
  uint8_t *map;
  size_t inner; /* without the last page */
  uint8_t *data;
  size_t bytes;
  int guarded;
} Block;

static Block blocks[MAX_BLOCKS];
static int n_blocks;

/* Mappings kept for the next check: making them takes longer than most checks. */
#define SPARE_BYTES 262144

static Block spares[MAX_BLOCKS];
static int n_spares;

static size_t
page_bytes (void)
{
  return (size_t)sysconf (_SC_PAGESIZE);
}

static uint8_t *
take_map (size_t inner)
{
  for (int i = n_spares - 1; i >= 0; i--)
    if (spares[i].inner == inner)
      {
        uint8_t *map = spares[i].map;
        spares[i] = spares[--n_spares];
        return map;
      }
  uint8_t *map = mmap (NULL, inner + page_bytes (), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED || mprotect (map + inner, page_bytes (), PROT_NONE) != 0)
    kc_fail ("no memory for a block of %zu bytes", inner);
  return map;
}

static void
give_map_back (const Block *b)
{
  if (b->inner <= SPARE_BYTES && n_spares < MAX_BLOCKS)
    spares[n_spares++] = *b;
  else
    munmap (b->map, b->inner + page_bytes ());
}

static void *
new_block (size_t bytes, size_t align, size_t tail, int guarded)
{
  const size_t page = page_bytes ();
  if (n_blocks == MAX_BLOCKS)
    kc_fail ("the check holds more than %d blocks: it should call kc_release", MAX_BLOCKS);

  Block *b = &blocks[n_blocks];
  const size_t inner = (GUARD_BYTES + bytes + align + tail + page - 1) / page * page;
  b->map = take_map (inner);
  b->inner = inner;
  n_blocks++;

  const uintptr_t end = (uintptr_t)(b->map + inner) - tail;
  b->data = (uint8_t *)((end - bytes) & ~(uintptr_t)(align - 1));
  b->bytes = bytes;
  b->guarded = guarded;
  memset (b->map, guarded ? GUARD : 0xff, inner);
  return b->data;
}

void *
kc_input (size_t bytes, size_t align)
{
  return new_block (bytes, align, 0, 0);
}

void *
kc_output (size_t bytes, size_t align)
{
  return new_block (bytes, align, GUARD_BYTES, 1);
}

static void
look_at_guard (const Block *b, const uint8_t *from, const uint8_t *to, const char *what)
{
  for (const uint8_t *p = from; p < to; p++)
    if (*p != GUARD)
      kc_fail ("%s: wrote outside an output of %zu bytes, at offset %td", what, b->bytes,
               p - b->data);
}

void
kc_guards (const char *what)
{
  for (int i = 0; i < n_blocks; i++)
    if (blocks[i].guarded)
      {
        const Block *b = &blocks[i];
        look_at_guard (b, b->data - GUARD_BYTES, b->data, what);
        look_at_guard (b, b->data + b->bytes, b->data + b->bytes + GUARD_BYTES, what);
      }
}

int kc_wants_digest;

static uint64_t digest;

/* FNV-1a over 32-bit words; one NaN for all, because payloads and signs of NaN differ between
 * architectures. */
static void
digest_block (const Block *b)
{
  for (size_t i = 0; i < b->bytes; i += sizeof (uint32_t))
    {
      uint32_t word = 0;
      memcpy (&word, b->data + i, b->bytes - i < sizeof word ? b->bytes - i : sizeof word);
      if ((word & 0x7fffffff) > 0x7f800000)
        word = 0x7fc00000;
      digest = (digest ^ word) * 0x100000001b3;
    }
}

uint64_t
kc_take_digest (void)
{
  const uint64_t taken = digest;
  digest = 0xcbf29ce484222325;
  return taken;
}

void
kc_release (void)
{
  for (int i = 0; i < n_blocks; i++)
    if (kc_wants_digest && blocks[i].guarded)
      digest_block (&blocks[i]);
  while (n_blocks > 0)
    give_map_back (&blocks[--n_blocks]);
}

/* --- numbers --- */

static uint64_t state;

/* SplitMix64: Steele, Lea and Flood 2014. */
static uint64_t
next (void)
{
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

void
kc_seed (uint64_t seed, const char *name)
{
  state = seed;
  for (; *name; name++)
    state = state * 31 + (uint8_t)*name;
}

uint32_t
kc_random (void)
{
  return (uint32_t)(next () >> 32);
}

uint32_t
kc_random_below (uint32_t n)
{
  return (uint32_t)((uint64_t)kc_random () * n >> 32);
}

static float
uniform (void)
{
  return (float)((double)(next () >> 11) * 0x1p-52 - 1.0);
}

/* The sum of four uniform numbers, scaled to variance 1: near enough to a normal one for checks. */
static float
normal (void)
{
  float sum = 0;
  for (int i = 0; i < 4; i++)
    sum += uniform ();
  return sum * 0.8660254f;
}

static float
from_bits (uint32_t bits)
{
  float f;
  memcpy (&f, &bits, sizeof f);
  return f;
}

static float
special (void)
{
  static const uint32_t bits[]
      = { 0x7fc00000, 0x7f800000, 0xff800000, 0x80000000, 0x00000000, 0x7f7fffff };
  return kc_random_below (24) == 0 ? from_bits (bits[kc_random_below (6)]) : normal ();
}

float
kc_random_float (KcKind kind)
{
  switch (kind)
    {
    case KC_NORMAL:
      return normal ();
    case KC_UNIFORM:
      return uniform ();
    case KC_WIDE:
      {
        const float fraction
            = uniform (); /* drawn first: the order of arguments is the compiler's */
        return ldexpf (fraction, (int)kc_random_below (41) - 20);
      }
    case KC_ANY:
      {
        const uint32_t bits = kc_random ();
        return from_bits ((bits & 0x7f800000) == 0x7f800000 ? bits ^ 0x40000000 : bits);
      }
    case KC_DENORMAL:
      return from_bits (kc_random_below (4) ? kc_random () & 0x807fffff
                                            : kc_random () & 0x80000000);
    case KC_SPECIAL:
      return special ();
    case KC_CONSTANT:
      return 0.75f;
    case KC_ZERO:
    case KC_N_KINDS:
    default:
      return 0.0f;
    }
}

void
kc_fill (float *x, size_t n, KcKind kind)
{
  for (size_t i = 0; i < n; i++)
    x[i] = kc_random_float (kind);
}

void
kc_fill_half (uint16_t *x, size_t n, KcKind kind)
{
  for (size_t i = 0; i < n; i++)
    x[i] = kn_f16_store (kc_random_float (kind));
}

void
kc_fill_bytes (void *x, size_t n)
{
  for (size_t i = 0; i < n; i++)
    ((uint8_t *)x)[i] = (uint8_t)kc_random ();
}

const char *
kc_kind_name (KcKind kind)
{
  static const char *const names[KC_N_KINDS]
      = { "normal", "uniform", "wide", "any", "denormal", "zero", "constant", "special" };
  return (unsigned)kind < KC_N_KINDS ? names[kind] : "?";
}

/* --- verdicts --- */

void
kc_same (const char *what, const float *got, const float *want, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (memcmp (&got[i], &want[i], sizeof *got) != 0 && !(isnan (got[i]) && isnan (want[i])))
      kc_fail ("%s[%zu of %zu] is %a (%.9g), plain C has %a (%.9g)", what, i, n, (double)got[i],
               (double)got[i], (double)want[i], (double)want[i]);
}

void
kc_same_half (const char *what, const uint16_t *got, const uint16_t *want, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (got[i] != want[i] && !((got[i] & 0x7fff) > 0x7c00 && (want[i] & 0x7fff) > 0x7c00))
      kc_fail ("%s[%zu of %zu] is 0x%04x, plain C has 0x%04x", what, i, n, got[i], want[i]);
}

void
kc_same_bytes (const char *what, const void *got, const void *want, size_t n)
{
  const uint8_t *a = got, *b = want;
  for (size_t i = 0; i < n; i++)
    if (a[i] != b[i])
      kc_fail ("byte %zu of %zu of %s is 0x%02x, plain C has 0x%02x", i, n, what, a[i], b[i]);
}

void
kc_near (const char *what, size_t index, float got, double want, double bound)
{
  const int ok = isnan (want)   ? isnan (got)
                 : isinf (want) ? (double)got == want
                                : fabs ((double)got - want) <= bound; /* false for NaN */
  if (!ok)
    kc_fail ("%s[%zu] is %.9g, exact is %.17g: off by %.3g, bound %.3g", what, index, (double)got,
             want, (double)got - want, bound);
}

double
kc_gamma (double n)
{
  const double u = 0x1p-24;
  return n * u / (1.0 - n * u);
}
