/* CPace (draft-irtf-cfrg-cpace, suite CPACE-X25519-SHA512, initiator and responder): two parties
 * that know the same short code agree on a key. Who does not know the code learns nothing about it
 * from what goes over the wire and can try one code per exchange, no more: eight digits are enough
 * where tries are counted. Studio: initiator; agent: responder. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define AG_CPACE_SHARE_BYTES 32
#define AG_CPACE_KEY_BYTES 64

typedef struct
{
  guint8 generator[AG_CPACE_SHARE_BYTES];
  guint8 scalar[AG_CPACE_SHARE_BYTES];
  guint8 share[AG_CPACE_SHARE_BYTES]; /* what the other side gets */
  GBytes *session;                    /* "sid" */
} AgCpace;

/* @code: the shared secret. @channel: what both must agree on besides (who they are and the
 * certificate between them). @session: chosen by the initiator, new every time. @scalar: NULL: 32
 * random bytes; given by tests alone. About a millisecond. FALSE: this machine has no random
 * numbers. */
gboolean ag_cpace_start (AgCpace *cpace, const char *code, GBytes *channel, GBytes *session,
                         const guint8 *scalar);
/* The key, the same on both sides if and only if code, channel, session and both shares with their
 * @data are. @initiator: what this side is; @mine, @theirs: associated data. FALSE: @share is a
 * point of low order, sent by somebody who is up to no good. */
gboolean ag_cpace_finish (AgCpace *cpace, gboolean initiator, GBytes *mine,
                          const guint8 share[AG_CPACE_SHARE_BYTES], GBytes *theirs,
                          guint8 key[AG_CPACE_KEY_BYTES]);
void ag_cpace_clear (AgCpace *cpace); /* wipes it */

/* Length and value after each other, as the draft's lv_cat(); ends with a NULL. */
GBytes *ag_cpace_join (GBytes *first, ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
