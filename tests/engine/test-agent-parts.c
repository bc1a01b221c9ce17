/* The parts of lathe-agent that are pure: the key exchange, the readers of what comes over the
 * network, the state of pairing with a clock of the test's own. */
#include <string.h>

#include <gnutls/crypto.h>

#include "ag-pairing.h"
#include "ag-request.h"

/* ---- CPace: vectors of draft-irtf-cfrg-cpace, appendix of CPACE-X25519-SHA512 ---- */

#define SESSION "7e4b4791d6a8ef019b936c79fb7f2c57"
#define CHANNEL "0b415f696e69746961746f720b425f726573706f6e646572"

static GBytes *
bytes_of (const char *hex)
{
  gsize n = strlen (hex) / 2;
  guint8 *bytes = g_malloc (n + 1);

  g_assert_true (ag_hex_read (hex, bytes, n));
  return g_bytes_new_take (bytes, n);
}

static void
assert_hex (gconstpointer bytes, gsize n, const char *hex)
{
  g_autofree char *text = ag_hex_text (bytes, n);
  g_assert_cmpstr (text, ==, hex);
}

static void
start_vector (AgCpace *cpace, const char *scalar)
{
  g_autoptr (GBytes) session = bytes_of (SESSION);
  g_autoptr (GBytes) channel = bytes_of (CHANNEL);
  g_autoptr (GBytes) number = bytes_of (scalar);

  g_assert_true (
      ag_cpace_start (cpace, "Password", channel, session, g_bytes_get_data (number, NULL)));
}

static void
test_cpace_vectors (void)
{
  static const char *const isk = "6e19b875f7a561d6b3ca3dbb9ef42ac55de3e717881018204b8922b4d5e53bb2"
                                 "aa82c300bea7b65d2b671da71922ddf6472301b79bc270adfa8bf413285f2263";
  g_autoptr (GBytes) data_a = g_bytes_new_static ("ADa", 3);
  g_autoptr (GBytes) data_b = g_bytes_new_static ("ADb", 3);
  guint8 key[AG_CPACE_KEY_BYTES];
  AgCpace a, b;

  start_vector (&a, "21b4f4bd9e64ed355c3eb676a28ebedaf6d8f17bdc365995b319097153044080");
  start_vector (&b, "848b0779ff415f0af4ea14df9dd1d3c29ac41d836c7808896c4eba19c51ac40a");
  assert_hex (a.generator, 32, "d04bf6d41f6a289632a2e929fa29bebd51092512a7829fdde7d314b62f05a73f");
  assert_hex (a.share, 32, "1d13c89278cdadd826f6d8d7f887701430f8380ddc17611cdd6dc989ce0c9f32");
  assert_hex (b.share, 32, "248cccf6d5cdc3646f0ad593f9e6cef4e69d4945f8372e623512ecea32185623");
  g_assert_true (ag_cpace_finish (&a, TRUE, data_a, b.share, data_b, key));
  assert_hex (key, sizeof key, isk);
  g_assert_true (ag_cpace_finish (&b, FALSE, data_b, a.share, data_a, key));
  assert_hex (key, sizeof key, isk);
  ag_cpace_clear (&a);
  ag_cpace_clear (&b);
}

/* Points of low order make a key that everybody knows: the same appendix, u0 to u5 and u7. */
static void
test_cpace_low_order (void)
{
  static const char *const points[]
      = { "0000000000000000000000000000000000000000000000000000000000000000",
          "0100000000000000000000000000000000000000000000000000000000000000",
          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
          "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
          "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" };
  g_autoptr (GBytes) data = g_bytes_new_static ("x", 1);
  guint8 key[AG_CPACE_KEY_BYTES];
  AgCpace cpace;

  start_vector (&cpace, "af46e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449aff");
  for (guint i = 0; i < G_N_ELEMENTS (points); i++)
    {
      g_autoptr (GBytes) point = bytes_of (points[i]);
      g_assert_false (
          ag_cpace_finish (&cpace, FALSE, data, g_bytes_get_data (point, NULL), data, key));
    }
  ag_cpace_clear (&cpace);
}

/* ---- readers ---- */

static void
test_names (void)
{
  static const char *const good[] = { "a", "lathe-runner-1f2e", "A_b.c-d", "0", "run.log" };
  static const char *const bad[]
      = { "",    ".",     "..", ".index.json", "-x",   "--log", "a/b", "../a", "a b",
          "a\n", "a%2fb", "ä",  "@current",    "a\\b", "a:b",   "*",   "~",    "$HOME" };
  g_autofree char *most = g_strnfill (AG_MAX_NAME, 'n');
  g_autofree char *more = g_strnfill (AG_MAX_NAME + 1, 'n');

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (ag_name_is_valid (good[i]));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    if (ag_name_is_valid (bad[i]))
      g_error ("%s was taken", bad[i]);
  g_assert_true (ag_name_is_valid (most));
  g_assert_false (ag_name_is_valid (more));
}

static void
test_ranges (void)
{
  static const char *const bad[] = { "",
                                     "bytes",
                                     "bytes 0-9",
                                     "bytes 0-9/",
                                     "bytes 0-9/9",
                                     "bytes 9-0/20",
                                     "bytes -1-9/20",
                                     "bytes +0-9/20",
                                     "bytes 0 -9/20",
                                     "bytes  0-9/20",
                                     "bytes 0-9/20 ",
                                     "bytes 0x0-9/20",
                                     "Bytes 0-9/20",
                                     "bytes 0-9/*",
                                     "bytes */",
                                     "bytes */-1",
                                     "bytes 0-9/99999999999999999999",
                                     "bytes 0-18446744073709551615/18446744073709551616",
                                     "bytes 0-9007199254740992/9007199254740993" };
  guint64 start, n, total;

  g_assert_true (ag_range_read ("bytes 10-19/1000", &start, &n, &total));
  g_assert_cmpuint (start, ==, 10);
  g_assert_cmpuint (n, ==, 10);
  g_assert_cmpuint (total, ==, 1000);
  g_assert_true (ag_range_read ("bytes */77", &start, &n, &total));
  g_assert_cmpuint (start, ==, 77);
  g_assert_cmpuint (n, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    if (ag_range_read (bad[i], &start, &n, &total))
      g_error ("\"%s\" was taken", bad[i]);
}

static gboolean
takes_command (const char *args)
{
  g_autofree char *text = g_strdup_printf ("{\"runner\": \"r\", \"args\": [%s]}", args);
  AgCommand command;
  gboolean ok = ag_command_read (&command, text, strlen (text), NULL);

  if (ok)
    ag_command_clear (&command);
  return ok;
}

static void
test_commands (void)
{
  static const char *const good[] = { "\"board\"",
                                      "\"board\", \".\"",
                                      "\"hash\", \"a\", \"b\"",
                                      "\"run\", \"b\", \"w\"",
                                      "\"run\", \"b\", \"w\", \"--log\", \"l\"",
                                      "\"start\", \"@current\", \"w\", \"--log\", \"l\"",
                                      "\"follow\", \"l\", \"--from\", \"12\"",
                                      "\"stop\", \"l\"" };
  static const char *const bad[] = { "",
                                     "\"sh\"",
                                     "\"board\", \"/\"",
                                     "\"board\", \"..\"",
                                     "\"hash\"",
                                     "\"hash\", \"/etc/passwd\"",
                                     "\"hash\", \".index.json\"",
                                     "\"run\", \"b\"",
                                     "\"run\", \"b\", \"w\", \"x\"",
                                     "\"run\", \"w\", \"@current\"",
                                     "\"start\", \"b\", \"w\"",
                                     "\"start\", \"b\", \"w\", \"--log\"",
                                     "\"start\", \"b\", \"w\", \"--log\", \"../l\"",
                                     "\"start\", \"b\", \"w\", \"--log\", \"l\", \"--log\", \"m\"",
                                     "\"follow\", \"l\", \"--from\", \"-1\"",
                                     "\"follow\", \"l\", \"--log\", \"x\"",
                                     "\"stop\", \"l\", 3",
                                     "\"stop\", [\"l\"]",
                                     "\"stop\", null" };
  g_autofree char *deep = g_strnfill (6000, '[');

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    if (!takes_command (good[i]))
      g_error ("%s was refused", good[i]);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    if (takes_command (bad[i]))
      g_error ("%s was taken", bad[i]);
  g_assert_false (takes_command (deep));
}

/* ---- pairing, with a clock of the test's own ---- */

static const guint8 certificate[AG_FINGERPRINT_BYTES] = { 1, 2, 3 };

typedef struct
{
  AgPairing *pairing;
  gint64 now_us;
  guint8 id[16], proof[AG_PROOF_BYTES];
} Exchange;

/* A studio that saw @fingerprint and was told @code, up to its proof. */
static AgPairingResult
begin_exchange (Exchange *exchange, const char *code, const guint8 *fingerprint)
{
  guint8 number[32], share[AG_CPACE_SHARE_BYTES], key[AG_CPACE_KEY_BYTES];
  g_autoptr (GBytes) channel = ag_proof_channel (fingerprint);
  g_autoptr (GBytes) mine = g_bytes_new_static ("studio", 6);
  g_autoptr (GBytes) theirs = g_bytes_new_static ("board", 5);
  AgPairingResult result;
  AgCpace cpace;

  gnutls_rnd (GNUTLS_RND_NONCE, number, sizeof number);
  g_autoptr (GBytes) session = g_bytes_new (number, sizeof number);
  g_assert_true (ag_cpace_start (&cpace, code, channel, session, NULL));
  result = ag_pairing_start (exchange->pairing, exchange->now_us, number, cpace.share, "studio",
                             exchange->id, share);
  if (result == AG_PAIRING_OK)
    {
      g_assert_true (ag_cpace_finish (&cpace, TRUE, mine, share, theirs, key));
      ag_proof_of_studio (key, exchange->proof);
    }
  ag_cpace_clear (&cpace);
  return result;
}

static AgPairingResult
end_exchange (Exchange *exchange)
{
  g_autofree char *studio = NULL;
  guint8 proof[AG_PROOF_BYTES];
  AgPairingResult result = ag_pairing_finish (exchange->pairing, exchange->now_us, exchange->id,
                                              exchange->proof, proof, &studio);

  if (result == AG_PAIRING_OK)
    g_assert_cmpstr (studio, ==, "studio");
  return result;
}

static AgPairingResult
try_code (Exchange *exchange, const char *code)
{
  AgPairingResult result = begin_exchange (exchange, code, certificate);

  return result == AG_PAIRING_OK ? end_exchange (exchange) : result;
}

static void
other_code (const char *code, char *other)
{
  g_strlcpy (other, code, AG_CODE_DIGITS + 1);
  other[7] = other[7] == '9' ? '0' : (char)(other[7] + 1);
}

static void
test_pairing_once (void)
{
  Exchange exchange = { .pairing = ag_pairing_new (certificate, "board"), .now_us = 5000000 };
  Exchange before;
  char code[AG_CODE_DIGITS + 1];

  g_assert_cmpint (try_code (&exchange, "12345678"), ==, AG_PAIRING_CLOSED);
  g_assert_cmpint (ag_pairing_open (exchange.pairing, exchange.now_us, code), ==, AG_PAIRING_OK);
  g_assert_cmpuint (strspn (code, "0123456789"), ==, 8);
  g_assert_cmpint (begin_exchange (&exchange, code, certificate), ==, AG_PAIRING_OK);
  before = exchange;
  g_assert_cmpint (end_exchange (&exchange), ==, AG_PAIRING_OK);
  /* The code is used up, and the proof with it: replayed now, and under the next code. */
  g_assert_cmpint (end_exchange (&before), ==, AG_PAIRING_CLOSED);
  g_assert_cmpint (ag_pairing_open (exchange.pairing, exchange.now_us, code), ==, AG_PAIRING_OK);
  g_assert_cmpint (end_exchange (&before), ==, AG_PAIRING_WRONG);
  g_assert_cmpint (begin_exchange (&exchange, code, certificate), ==, AG_PAIRING_OK);
  memcpy (exchange.proof, before.proof, sizeof exchange.proof);
  g_assert_cmpint (end_exchange (&exchange), ==, AG_PAIRING_WRONG);
  g_assert_cmpint (try_code (&exchange, code), ==, AG_PAIRING_OK);
  ag_pairing_free (exchange.pairing);
}

static void
test_pairing_expires (void)
{
  Exchange exchange = { .pairing = ag_pairing_new (certificate, "board"), .now_us = 5000000 };
  char code[AG_CODE_DIGITS + 1];

  ag_pairing_open (exchange.pairing, exchange.now_us, code);
  exchange.now_us += 299 * G_USEC_PER_SEC;
  g_assert_cmpint (begin_exchange (&exchange, code, certificate), ==, AG_PAIRING_OK);
  exchange.now_us += 2 * G_USEC_PER_SEC;
  g_assert_cmpint (end_exchange (&exchange), ==, AG_PAIRING_CLOSED);
  g_assert_cmpint (try_code (&exchange, code), ==, AG_PAIRING_CLOSED);
  ag_pairing_free (exchange.pairing);
}

/* Somebody with a certificate of his own passes everything on: the studio's share hangs on his
 * certificate, the board's on its own, and not even the right code comes through. */
static void
test_pairing_middle (void)
{
  static const guint8 his[AG_FINGERPRINT_BYTES] = { 9, 9, 9 };
  Exchange exchange = { .pairing = ag_pairing_new (certificate, "board"), .now_us = 5000000 };
  char code[AG_CODE_DIGITS + 1];

  ag_pairing_open (exchange.pairing, exchange.now_us, code);
  g_assert_cmpint (begin_exchange (&exchange, code, his), ==, AG_PAIRING_OK);
  g_assert_cmpint (end_exchange (&exchange), ==, AG_PAIRING_WRONG);
  g_assert_cmpuint (ag_pairing_get_tries (exchange.pairing), ==, 4);
  ag_pairing_free (exchange.pairing);
}

static void
test_pairing_tries (void)
{
  Exchange exchange = { .pairing = ag_pairing_new (certificate, "board"), .now_us = 5000000 };
  char code[AG_CODE_DIGITS + 1], other[AG_CODE_DIGITS + 1];
  double wait_s = 30;

  for (int round = 0; round < 9; round++, wait_s = MIN (2 * wait_s, 3600))
    {
      g_assert_cmpint (ag_pairing_open (exchange.pairing, exchange.now_us, code), ==,
                       AG_PAIRING_OK);
      other_code (code, other);
      for (guint left = 5; left > 0; left--)
        {
          g_assert_cmpuint (ag_pairing_get_tries (exchange.pairing), ==, left);
          g_assert_cmpint (try_code (&exchange, other), ==, AG_PAIRING_WRONG);
        }
      g_assert_cmpint (try_code (&exchange, code), ==, AG_PAIRING_CLOSED);
      g_assert_cmpint (ag_pairing_open (exchange.pairing, exchange.now_us, code), ==,
                       AG_PAIRING_WAIT);
      g_assert_cmpfloat_with_epsilon (ag_pairing_get_wait_s (exchange.pairing, exchange.now_us),
                                      wait_s, 1e-6);
      exchange.now_us += (gint64)(wait_s * 1e6) + 1;
    }
  /* Who knows the code ends the waiting for good. */
  g_assert_cmpint (ag_pairing_open (exchange.pairing, exchange.now_us, code), ==, AG_PAIRING_OK);
  g_assert_cmpint (try_code (&exchange, code), ==, AG_PAIRING_OK);
  ag_pairing_free (exchange.pairing);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent-parts/cpace/vectors", test_cpace_vectors);
  g_test_add_func ("/agent-parts/cpace/low-order", test_cpace_low_order);
  g_test_add_func ("/agent-parts/read/names", test_names);
  g_test_add_func ("/agent-parts/read/ranges", test_ranges);
  g_test_add_func ("/agent-parts/read/commands", test_commands);
  g_test_add_func ("/agent-parts/pairing/once", test_pairing_once);
  g_test_add_func ("/agent-parts/pairing/expires", test_pairing_expires);
  g_test_add_func ("/agent-parts/pairing/middle", test_pairing_middle);
  g_test_add_func ("/agent-parts/pairing/tries", test_pairing_tries);
  return g_test_run ();
}
