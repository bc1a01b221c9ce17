/* What pairing says over CPace: who and what is bound, and the proofs that both sides came to the
 * same key. Shared by the board's service and the studio's transport. */
#pragma once

#include "ag-cpace.h"

G_BEGIN_DECLS

#define AG_PROTOCOL 1 /* PROTOCOL.md */
#define AG_DEFAULT_PORT 4663
#define AG_PROOF_BYTES 32
#define AG_TOKEN_BYTES 32
#define AG_CODE_DIGITS 8
#define AG_FINGERPRINT_BYTES 32 /* SHA-256 of the certificate's DER bytes */

/* What both sides agree on besides the code: protocol, roles and the certificate that the studio
 * sees, so that one who forwards between two connections makes two different channels. */
GBytes *ag_proof_channel (const guint8 fingerprint[AG_FINGERPRINT_BYTES]);
void ag_proof_of_studio (const guint8 key[AG_CPACE_KEY_BYTES], guint8 proof[AG_PROOF_BYTES]);
void ag_proof_of_agent (const guint8 key[AG_CPACE_KEY_BYTES], guint8 proof[AG_PROOF_BYTES]);
/* Takes the same time wherever they differ. */
gboolean ag_proof_equal (gconstpointer a, gconstpointer b, gsize n_bytes);

/* Lower case hexadecimal digits; the reader takes exactly @n_bytes and nothing else. */
char *ag_hex_text (gconstpointer bytes, gsize n_bytes);
gboolean ag_hex_read (const char *text, guint8 *bytes, gsize n_bytes);
/* "3F9A:02C4:…": the first 128 bits, as people compare them. */
char *ag_fingerprint_text (const guint8 fingerprint[AG_FINGERPRINT_BYTES]);

G_END_DECLS
