/* The state of pairing on the board. Called by ag-server.c (the two requests) and ag-control.c (the
 * person at the board). Knows neither of HTTP nor of tokens. */
#include "ag-pairing.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#define N_EXCHANGES 8
#define EXCHANGE_S 30

typedef struct
{
  gboolean used;
  gint64 started_us;
  guint8 id[16];
  guint8 key[AG_CPACE_KEY_BYTES];
  char *studio;
} Exchange;

struct _AgPairing
{
  guint8 fingerprint[AG_FINGERPRINT_BYTES];
  char *name;
  char code[AG_CODE_DIGITS + 1]; /* empty: closed */
  gint64 until_us;
  guint n_tries;  /* left */
  guint n_rounds; /* codes in a row that were used up by wrong tries */
  gint64 wait_until_us;
  Exchange exchanges[N_EXCHANGES];
};

static void
exchange_clear (Exchange *exchange)
{
  g_free (exchange->studio);
  gnutls_memset (exchange, 0, sizeof *exchange);
}

AgPairing *
ag_pairing_new (const guint8 fingerprint[AG_FINGERPRINT_BYTES], const char *name)
{
  AgPairing *pairing = g_new0 (AgPairing, 1);

  memcpy (pairing->fingerprint, fingerprint, AG_FINGERPRINT_BYTES);
  pairing->name = g_strdup (name);
  return pairing;
}

void
ag_pairing_free (AgPairing *pairing)
{
  if (!pairing)
    return;
  ag_pairing_close (pairing);
  g_free (pairing->name);
  g_free (pairing);
}

void
ag_pairing_close (AgPairing *pairing)
{
  gnutls_memset (pairing->code, 0, sizeof pairing->code);
  for (int i = 0; i < N_EXCHANGES; i++)
    exchange_clear (&pairing->exchanges[i]);
}

double
ag_pairing_get_wait_s (AgPairing *pairing, gint64 now_us)
{
  return MAX (0, (double)(pairing->wait_until_us - now_us) / 1e6);
}

guint
ag_pairing_get_tries (AgPairing *pairing)
{
  return pairing->code[0] ? pairing->n_tries : 0;
}

gboolean
ag_pairing_is_open (AgPairing *pairing, gint64 now_us)
{
  if (pairing->code[0] && now_us >= pairing->until_us)
    ag_pairing_close (pairing);
  return pairing->code[0] != '\0';
}

AgPairingResult
ag_pairing_open (AgPairing *pairing, gint64 now_us, char code[AG_CODE_DIGITS + 1])
{
  const guint32 n_codes = 100000000, fair = G_MAXUINT32 - G_MAXUINT32 % n_codes;
  guint32 number;

  ag_pairing_close (pairing);
  if (now_us < pairing->wait_until_us)
    return AG_PAIRING_WAIT;
  do
    if (gnutls_rnd (GNUTLS_RND_KEY, &number, sizeof number) < 0)
      return AG_PAIRING_CLOSED;
  while (number >= fair);
  g_snprintf (pairing->code, sizeof pairing->code, "%08u", number % n_codes);
  memcpy (code, pairing->code, sizeof pairing->code);
  pairing->until_us = now_us + (gint64)AG_PAIRING_S * G_USEC_PER_SEC;
  pairing->n_tries = AG_PAIRING_TRIES;
  return AG_PAIRING_OK;
}

static Exchange *
free_exchange (AgPairing *pairing)
{
  Exchange *oldest = &pairing->exchanges[0];

  for (int i = 0; i < N_EXCHANGES; i++)
    {
      Exchange *exchange = &pairing->exchanges[i];
      if (!exchange->used)
        return exchange;
      if (exchange->started_us < oldest->started_us)
        oldest = exchange;
    }
  exchange_clear (oldest);
  return oldest;
}

/* A wrong proof, or a share that nobody computes who knows the code. */
static AgPairingResult
spend_try (AgPairing *pairing, gint64 now_us)
{
  if (--pairing->n_tries > 0)
    return AG_PAIRING_WRONG;
  pairing->n_rounds++;
  pairing->wait_until_us
      = now_us
        + G_USEC_PER_SEC
              * MIN ((gint64)AG_PAIRING_WAIT_S << MIN (pairing->n_rounds - 1, 16),
                     (gint64)AG_PAIRING_MAX_WAIT_S);
  ag_pairing_close (pairing);
  return AG_PAIRING_WRONG;
}

AgPairingResult
ag_pairing_start (AgPairing *pairing, gint64 now_us, const guint8 session[32],
                  const guint8 share[AG_CPACE_SHARE_BYTES], const char *studio, guint8 id[16],
                  guint8 own_share[AG_CPACE_SHARE_BYTES])
{
  g_autoptr (GBytes) channel = ag_proof_channel (pairing->fingerprint);
  g_autoptr (GBytes) number = g_bytes_new (session, 32);
  g_autoptr (GBytes) mine = g_bytes_new (pairing->name, strlen (pairing->name));
  g_autoptr (GBytes) theirs = g_bytes_new (studio, strlen (studio));
  Exchange *exchange;
  AgCpace cpace;

  if (!ag_pairing_is_open (pairing, now_us))
    return AG_PAIRING_CLOSED;
  if (!ag_cpace_start (&cpace, pairing->code, channel, number, NULL))
    return AG_PAIRING_CLOSED;
  exchange = free_exchange (pairing);
  if (!ag_cpace_finish (&cpace, FALSE, mine, share, theirs, exchange->key)
      || gnutls_rnd (GNUTLS_RND_NONCE, exchange->id, sizeof exchange->id) < 0)
    {
      exchange_clear (exchange);
      ag_cpace_clear (&cpace);
      return spend_try (pairing, now_us);
    }
  exchange->used = TRUE;
  exchange->started_us = now_us;
  exchange->studio = g_strdup (studio);
  memcpy (id, exchange->id, sizeof exchange->id);
  memcpy (own_share, cpace.share, AG_CPACE_SHARE_BYTES);
  ag_cpace_clear (&cpace);
  return AG_PAIRING_OK;
}

AgPairingResult
ag_pairing_finish (AgPairing *pairing, gint64 now_us, const guint8 id[16],
                   const guint8 proof[AG_PROOF_BYTES], guint8 own_proof[AG_PROOF_BYTES],
                   char **studio)
{
  Exchange *exchange = NULL;
  guint8 expected[AG_PROOF_BYTES];
  gboolean right;

  if (!ag_pairing_is_open (pairing, now_us))
    return AG_PAIRING_CLOSED;
  for (int i = 0; i < N_EXCHANGES; i++)
    if (pairing->exchanges[i].used
        && memcmp (pairing->exchanges[i].id, id, sizeof pairing->exchanges[i].id) == 0
        && now_us - pairing->exchanges[i].started_us < EXCHANGE_S * G_USEC_PER_SEC)
      exchange = &pairing->exchanges[i];
  /* A proof that was sent before, or belongs to nothing: no guess at the code, no try. */
  if (!exchange)
    return AG_PAIRING_WRONG;
  ag_proof_of_studio (exchange->key, expected);
  right = ag_proof_equal (expected, proof, sizeof expected);
  if (right)
    {
      ag_proof_of_agent (exchange->key, own_proof);
      *studio = g_strdup (exchange->studio);
    }
  exchange_clear (exchange);
  if (!right)
    return spend_try (pairing, now_us);
  ag_pairing_close (pairing);
  pairing->n_rounds = 0;
  return AG_PAIRING_OK;
}
