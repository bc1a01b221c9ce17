/* Pairing: a code that a person carries from the board's screen to the studio, valid five minutes
 * and five tries; then nobody may try for a while that doubles. Pure state; times are handed in. */
#pragma once

#include "ag-proof.h"

G_BEGIN_DECLS

#define AG_PAIRING_S 300
#define AG_PAIRING_TRIES 5
#define AG_PAIRING_WAIT_S 30 /* after five wrong tries; doubled by each further five, to an hour */
#define AG_PAIRING_MAX_WAIT_S 3600

typedef struct _AgPairing AgPairing;

typedef enum
{
  AG_PAIRING_OK,
  AG_PAIRING_CLOSED, /* no code is waiting: expired, used up, taken back, or never asked for */
  AG_PAIRING_WRONG,  /* that was not the code (or somebody sits in between); the try is spent */
  AG_PAIRING_WAIT,   /* too many wrong tries; ag_pairing_get_wait_s() */
} AgPairingResult;

/* @name: what the board calls itself to the studio. */
AgPairing *ag_pairing_new (const guint8 fingerprint[AG_FINGERPRINT_BYTES], const char *name);
void ag_pairing_free (AgPairing *pairing); /* accepts NULL */

/* A new code; one before it is void. @now_us: monotonic. */
AgPairingResult ag_pairing_open (AgPairing *pairing, gint64 now_us, char code[AG_CODE_DIGITS + 1]);
void ag_pairing_close (AgPairing *pairing);
gboolean ag_pairing_is_open (AgPairing *pairing, gint64 now_us);
double ag_pairing_get_wait_s (AgPairing *pairing, gint64 now_us);
guint ag_pairing_get_tries (AgPairing *pairing); /* left */

/* The studio's first message. *@id: of this exchange, for the second; *@share: for the studio. A
 * few exchanges wait at a time for half a minute each; an older one gives way. Costs no try: it
 * tells nothing. */
AgPairingResult ag_pairing_start (AgPairing *pairing, gint64 now_us, const guint8 session[32],
                                  const guint8 share[AG_CPACE_SHARE_BYTES], const char *studio,
                                  guint8 id[16], guint8 own_share[AG_CPACE_SHARE_BYTES]);
/* The second: @proof is right or a try is gone. Each exchange ends with its first proof. OK:
 * *@own_proof for the studio, *@studio its name (newly allocated); the code is void from now on. */
AgPairingResult ag_pairing_finish (AgPairing *pairing, gint64 now_us, const guint8 id[16],
                                   const guint8 proof[AG_PROOF_BYTES],
                                   guint8 own_proof[AG_PROOF_BYTES], char **studio);

G_END_DECLS
