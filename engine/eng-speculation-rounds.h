/* What the rounds of a run come to, gathered as they are told: by the measuring loop on this
 * computer (eng-measure-speculate.c) and by a board's telemetry. The record that a run keeps, costs
 * and figures are made of it here, for both. */
#pragma once

#include "eng-build.h"
#include "eng-run.h"
#include "eng-speculation.h"
#include "rt-speculate-round.h"
#include "rt-tokenizer.h"

G_BEGIN_DECLS

/* A few rounds of the text, clean. */
typedef struct
{
  guint n_tokens;  /* that they emitted */
  double ns;       /* that they took, everything included */
  double plain_ns; /* the same tokens by plain steps right after; NAN: not measured */
} EngSpeculationPiece;

typedef struct
{
  EngSpeculation *record;                  /* owned */
  const RtTokenizer *tokenizer;            /* borrowed */
  GArray *pieces;                          /* owned: EngSpeculationPiece, in order of time */
  GArray *verify_ns[RT_SPECULATE_MAX + 2]; /* owned: double, by number of tokens */
  GArray *draft_ns;                        /* owned: double, per drafted token */
  guint n_compared, n_differing;           /* tokens, with those of plain steps */
  guint64 begun_ns;                        /* of the first round; 0: there was none */
} EngSpeculationRounds;

/* @build's recipe drafts; @sampled: temperature above 0. */
EngSpeculationRounds *eng_speculation_rounds_new (EngBuild *build, gboolean sampled);
void eng_speculation_rounds_free (EngSpeculationRounds *rounds); /* accepts NULL */

/* A token of the text, which begins at byte @text_start of it. */
void eng_speculation_rounds_add_token (EngSpeculationRounds *rounds, gint32 token,
                                       guint text_start);
/* A round of the text; @n_emitted of its tokens are in it. @beside: a plain step on purpose, which
 * was instrumented. */
void eng_speculation_rounds_add (EngSpeculationRounds *rounds, const RtRound *round,
                                 gboolean beside, guint first_token, guint n_emitted);
/* What a clean round took, by its parts; of the text or of a repeat. */
void eng_speculation_rounds_add_times (EngSpeculationRounds *rounds, const RtRound *round);
/* What a plain step took. */
void eng_speculation_rounds_add_step (EngSpeculationRounds *rounds, double ns);
/* The text is complete, @text_length bytes: costs that no round told are the calibrated
 * ones, by number of tokens (0: not known) and per drafted token. */
void eng_speculation_rounds_finish (EngSpeculationRounds *rounds, guint text_length,
                                    const double calibrated_ns[RT_SPECULATE_MAX + 2],
                                    double calibrated_draft_ns);

/* Decode speed and the figures of speculation. [ENG_N_FIGURES] (eng-speculation-figures.c) */
void eng_speculation_rounds_fill (const EngSpeculationRounds *rounds, gboolean stopped,
                                  EngFigure *figures);
/* What a person should be told of rounds that drafted nothing although they could have; newly
 * allocated, NULL: nothing. (eng-speculation-figures.c) */
char *eng_speculation_make_notice (EngSpeculation *record);

G_END_DECLS
