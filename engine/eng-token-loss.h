/* How well rows of logits foretell the tokens that come, and how far they are from the reference's:
 * what language models lose. */
#pragma once

#include <glib.h>

#include "rt-exec.h"

G_BEGIN_DECLS

/* Sums over tokens. */
typedef struct
{
  double n;          /* tokens */
  double loss;       /* -ln p (token that came), nats */
  double divergence; /* Kullback-Leibler, reference to this, nats; 0 for the reference itself */
  double n_agree;    /* tokens whose most probable next token is the reference's */
} EngTokenSums;

typedef struct _EngTokenLoss EngTokenLoss;

/* For up to @max_rows rows of @n_vocab logits; two such tables are kept. Works on @pool
 * (borrowed). */
EngTokenLoss *eng_token_loss_new (guint max_rows, guint n_vocab, RtPool *pool);
void eng_token_loss_free (EngTokenLoss *loss); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTokenLoss, eng_token_loss_free)

/* @logits [n_rows, n_vocab]: row i foretells @targets [i]. Kept as what later rows are compared
 * with. */
void eng_token_loss_reference (EngTokenLoss *loss, const float *logits, const gint32 *targets,
                               guint n_rows, EngTokenSums *sums);
/* The same rows of another build. Rows that are equal to the last bit have a divergence of exactly
 * 0. */
void eng_token_loss_compare (EngTokenLoss *loss, const float *logits, EngTokenSums *sums);

G_END_DECLS
