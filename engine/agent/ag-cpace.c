/* The key exchange of pairing. Called by ag-pairing.c (the board) and by the studio's transport;
 * knows neither of HTTP nor of files.
 *
 * Why CPace and not a keyed sum over code, nonces and fingerprint: eight digits are 27 bits, and
 * whoever stands in the middle with a certificate of his own would get such a sum from the studio
 * and try all hundred million codes within seconds, then pair in its place. Here a share is a
 * random multiple of a point that hangs on code and fingerprint, which tells nothing about either.
 * CPace needs one map to the curve and two multiplications, no addition of points, so what
 * libhogweed (GnuTLS's own arithmetic) offers is enough; SPAKE2 would need more than it has.
 *
 * Limits: the map to the curve uses GMP, whose power is free of branches on secrets while additions
 * and products are merely of a fixed size; a neighbour on the same machine who measures that is not
 * defended against, and a code lives for five minutes. The draft was not yet an RFC when this was
 * written; the version of the protocol (PROTOCOL.md) tells whether both sides mean the same. */
#include "ag-cpace.h"

#include <gmp.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <nettle/curve25519.h>
#include <stdarg.h>
#include <string.h>

#define SUITE "CPace255"
#define BLOCK_BYTES 128 /* of SHA-512 */

/* Length as LEB128, then the value. */
static void
put (GByteArray *to, gconstpointer bytes, gsize n)
{
  gsize left = n;

  do
    {
      guint8 byte = (guint8)(left & 127);
      left >>= 7;
      if (left)
        byte |= 128;
      g_byte_array_append (to, &byte, 1);
    }
  while (left);
  g_byte_array_append (to, bytes, (guint)n);
}

static void
put_bytes (GByteArray *to, GBytes *bytes)
{
  gsize n;
  gconstpointer data = g_bytes_get_data (bytes, &n);

  put (to, data ? data : "", n);
}

GBytes *
ag_cpace_join (GBytes *first, ...)
{
  GByteArray *all = g_byte_array_new ();
  va_list args;

  va_start (args, first);
  for (GBytes *part = first; part; part = va_arg (args, GBytes *))
    put_bytes (all, part);
  va_end (args);
  return g_byte_array_free_to_bytes (all);
}

/* RFC 9380, section 6.7.1, for Curve25519 (J = 486662, Z = 2), the first coordinate alone:
 * x1 = -J / (1 + 2 u^2); x = x1 where x1^3 + J x1^2 + x1 is a square, else -x1 - J. */
static void
map_to_curve (const guint8 hash[32], guint8 point[32])
{
  mpz_t p, u, x, y, e;
  guint8 bytes[32];
  size_t n = 0;

  memcpy (bytes, hash, sizeof bytes);
  bytes[31] &= 0x7f; /* RFC 7748: 255 bits */
  mpz_inits (p, u, x, y, e, NULL);
  mpz_ui_pow_ui (p, 2, 255);
  mpz_sub_ui (p, p, 19);
  mpz_import (u, 32, -1, 1, 0, 0, bytes);
  mpz_mod (u, u, p);

  mpz_mul (x, u, u);
  mpz_mul_2exp (x, x, 1);
  mpz_add_ui (x, x, 1);
  mpz_mod (x, x, p); /* 1 + 2 u^2: never 0, as -1/2 is no square here */
  mpz_sub_ui (e, p, 2);
  mpz_powm_sec (x, x, e, p); /* inverse */
  mpz_mul_ui (x, x, 486662);
  mpz_mod (x, x, p);
  mpz_sub (x, p, x); /* x1 */

  mpz_add_ui (y, x, 486662);
  mpz_mul (y, y, x);
  mpz_add_ui (y, y, 1);
  mpz_mul (y, y, x);
  mpz_mod (y, y, p); /* x1^3 + J x1^2 + x1 */
  mpz_sub_ui (e, p, 1);
  mpz_fdiv_q_2exp (e, e, 1);
  mpz_powm_sec (y, y, e, p); /* 1: a square; p - 1: none; 0: zero, a square */

  mpz_mul_2exp (u, p, 1);
  mpz_sub (u, u, x);
  mpz_sub_ui (u, u, 486662);
  mpz_mod (u, u, p); /* x2 = -x1 - J */
  if (mpz_cmp_ui (y, 1) > 0)
    mpz_swap (x, u);

  memset (point, 0, 32);
  mpz_export (point, &n, -1, 1, 0, 0, x);
  mpz_clears (p, u, x, y, e, NULL);
  gnutls_memset (bytes, 0, sizeof bytes);
}

static void
make_generator (AgCpace *cpace, const char *code, GBytes *channel)
{
  static const guint8 zeros[BLOCK_BYTES];
  g_autoptr (GByteArray) text = g_byte_array_new ();
  guint8 sum[64];
  gsize taken;

  put (text, SUITE, strlen (SUITE));
  put (text, code, strlen (code));
  taken = text->len + 1;
  put (text, zeros, taken < BLOCK_BYTES ? BLOCK_BYTES - taken : 0);
  put_bytes (text, channel);
  put_bytes (text, cpace->session);
  gnutls_hash_fast (GNUTLS_DIG_SHA512, text->data, text->len, sum);
  map_to_curve (sum, cpace->generator);
  gnutls_memset (text->data, 0, text->len);
  gnutls_memset (sum, 0, sizeof sum);
}

gboolean
ag_cpace_start (AgCpace *cpace, const char *code, GBytes *channel, GBytes *session,
                const guint8 *scalar)
{
  *cpace = (AgCpace){ .session = g_bytes_ref (session) };
  if (scalar)
    memcpy (cpace->scalar, scalar, sizeof cpace->scalar);
  else if (gnutls_rnd (GNUTLS_RND_KEY, cpace->scalar, sizeof cpace->scalar) < 0)
    {
      ag_cpace_clear (cpace);
      return FALSE;
    }
  make_generator (cpace, code, channel);
  curve25519_mul (cpace->share, cpace->scalar, cpace->generator);
  return TRUE;
}

gboolean
ag_cpace_finish (AgCpace *cpace, gboolean initiator, GBytes *mine,
                 const guint8 share[AG_CPACE_SHARE_BYTES], GBytes *theirs,
                 guint8 key[AG_CPACE_KEY_BYTES])
{
  static const guint8 zero[AG_CPACE_SHARE_BYTES];
  g_autoptr (GByteArray) text = g_byte_array_new ();
  guint8 secret[AG_CPACE_SHARE_BYTES];

  curve25519_mul (secret, cpace->scalar, share);
  if (gnutls_memcmp (secret, zero, sizeof zero) == 0)
    return FALSE;
  put (text, SUITE "_ISK", strlen (SUITE "_ISK"));
  put_bytes (text, cpace->session);
  put (text, secret, sizeof secret);
  put (text, initiator ? cpace->share : share, AG_CPACE_SHARE_BYTES);
  put_bytes (text, initiator ? mine : theirs);
  put (text, initiator ? share : cpace->share, AG_CPACE_SHARE_BYTES);
  put_bytes (text, initiator ? theirs : mine);
  gnutls_hash_fast (GNUTLS_DIG_SHA512, text->data, text->len, key);
  gnutls_memset (secret, 0, sizeof secret);
  gnutls_memset (text->data, 0, text->len);
  return TRUE;
}

void
ag_cpace_clear (AgCpace *cpace)
{
  g_clear_pointer (&cpace->session, g_bytes_unref);
  gnutls_memset (cpace, 0, sizeof *cpace);
}
