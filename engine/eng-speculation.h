/* Speculation: what drafting did in a run, round by round. Part of the run and of its JSON
 * ("speculation"); immutable once made, reference counted.
 *
 * One round: tokens are drafted, the model runs over all of them at once, those it would have
 * chosen itself stay, and it adds one of its own. A plain step is a round that drafted nothing and
 * emits one token. Rounds are those of the text, in order; repeats taken for better figures are in
 * the figures and in the costs only. */
#pragma once

#include <json-glib/json-glib.h>

#include "eng-figure.h"
#include "rt-speculate.h"

G_BEGIN_DECLS

typedef enum
{
  ENG_DRAFT_NONE,
  ENG_DRAFT_LOOKUP, /* what followed the same tokens earlier in prompt or text */
  ENG_DRAFT_MODEL,  /* a smaller model */
  ENG_DRAFT_SELF,   /* the model itself under a cheaper recipe */
} EngDraftSource;
/* "off", "lookup", "draft-model", "self": as in the recipe */
const char *eng_draft_source_name (EngDraftSource source);
const char *eng_draft_source_title (EngDraftSource source); /* "Prompt lookup" */

/* Why a round was as it was. */
typedef enum
{
  ENG_ROUND_SPECULATIVE, /* drafted, and verified what was drafted */
  ENG_ROUND_NO_DRAFT,    /* a plain step: the drafter had nothing to offer, or the best length was
                          * 0 */
  ENG_ROUND_BESIDE,      /* a plain step taken on purpose, to know what one costs */
  ENG_ROUND_FALLBACK,    /* a plain step: drafting was slower than not drafting */
  ENG_ROUND_PROBE,       /* speculative in the middle of a fallback: whether it still is */
} EngRoundKind;
/* "speculative", "no-draft", "beside", "fallback", "probe" */
const char *eng_round_kind_name (EngRoundKind kind);

/* One drafted token. */
typedef struct
{
  gint32 token;
  gint32 parent;      /* index within its round's drafts, always less than its own; -1: it follows
                       * the text. A chain is 0, 1, 2... with parents -1, 0, 1... */
  guint depth;        /* 1: follows the text */
  gboolean tested;    /* the model's choice was compared with it: its parent was accepted, or is the
                       * text; of siblings, none before it was accepted */
  gboolean accepted;  /* it is in the text */
  double probability; /* that the drafter gave it; NAN: it gives none (lookup) */
} EngDraft;

typedef struct
{
  EngRoundKind kind;
  guint first_token;            /* index in the generated tokens of the first that it emitted */
  guint n_emitted;              /* accepted ones and the model's own; fewer where the text ended */
  guint first_draft, n_drafted; /* its drafts */
  guint n_accepted;   /* drafts that are in the text; the deepest accepted one has this depth */
  guint draft_length; /* depth that was aimed for: the trace of the automatic choice; 0: none */
  guint match_length; /* lookup: so many tokens were found again; 0: none, or no lookup */
  double predicted_speedup; /* by what was known before the round, of the length chosen against
                             * plain steps; NAN: not known yet */
  /* Times are ns since the first round began; draft, verify and choose follow each other. A round
   * that was instrumented or cut short has NAN. */
  double start_ns;
  double draft_ns;  /* drafting, 0 where nothing was tried */
  double verify_ns; /* the executor's run over the drafted tokens and the one before */
  double choose_ns; /* comparing, sampling, cutting the caches */
} EngRound;

/* What a run of the model over so many tokens took, clean: 1 is a plain step. */
typedef struct
{
  guint n_tokens;
  EngFigure ns;
} EngVerifyCost;

/* As the recipe had it, and what came of it for this model. */
typedef struct
{
  EngDraftSource source;
  char *drafter;        /* in words: "2 to 4 tokens found again", "SmolLM2 135M with Q2_K weights, 8
                         * of 30 layers skipped" */
  gboolean sampled;     /* temperature above 0: the distribution is kept, not the very tokens */
  guint draft_length;   /* fixed; 0: automatic */
  guint max_length;     /* of the automatic choice */
  guint tree_width;     /* 1: chains */
  gboolean replacement; /* siblings of a sampled tree drawn with replacement */
} EngSpeculationSetup;

typedef struct
{
  guint n_rounds, n_drafting; /* all; those that drafted something */
  guint n_drafted, n_tested, n_accepted;
  guint n_emitted;          /* by all rounds: the text without its first token, which comes from the
                             * prompt */
  guint n_emitted_drafting; /* by those that drafted */
  double draft_ns, verify_ns, choose_ns; /* of all rounds whose times are known */
} EngSpeculationTotals;

/* Of one depth; by depth - 1. */
typedef struct
{
  guint n_drafted, n_tested, n_accepted;
} EngAcceptance;

typedef struct _EngSpeculation EngSpeculation;
EngSpeculation *eng_speculation_ref (EngSpeculation *speculation);
void eng_speculation_unref (EngSpeculation *speculation); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngSpeculation, eng_speculation_unref)

/* Everything is borrowed and lives as long as the record. */
const EngSpeculationSetup *eng_speculation_get_setup (EngSpeculation *self);
guint eng_speculation_get_n_rounds (EngSpeculation *self);
const EngRound *eng_speculation_get_round (EngSpeculation *self, guint round);
/* [n_drafted]; NULL when it drafted none */
const EngDraft *eng_speculation_get_drafts (EngSpeculation *self, guint round);
/* All generated tokens, the prompt's own first one and an end token included: *@n of them. Round r
 * emitted first_token .. first_token + n_emitted - 1. */
const gint32 *eng_speculation_get_tokens (EngSpeculation *self, guint *n);
/* Where token @index begins in the run's text, in bytes; of index n: the text's length. A character
 * made of several tokens belongs to the last of them. */
guint eng_speculation_get_text_start (EngSpeculation *self, guint index);
/* How a token reads by itself, generated or drafted: valid UTF-8, "" when it has no text. */
const char *eng_speculation_get_piece (EngSpeculation *self, gint32 token);

void eng_speculation_get_totals (EngSpeculation *self, EngSpeculationTotals *totals);
const EngAcceptance *eng_speculation_get_acceptance (EngSpeculation *self, guint *n_depths);
/* By rising number of tokens; only numbers that were run. */
const EngVerifyCost *eng_speculation_get_verify_costs (EngSpeculation *self, guint *n);
EngFigure eng_speculation_get_draft_cost (EngSpeculation *self); /* ns per drafted token, clean */
/* Draft cost of one token over a plain step: the c of Leviathan et al. 2023. NAN: one of them is
 * not known. */
double eng_speculation_get_cost_ratio (EngSpeculation *self);
/* Acceptance as the formula has it: of the tokens that were tested, the share that was accepted, 0
 * to 1. NAN: none was. */
double eng_speculation_get_alpha (EngSpeculation *self);
/* Mean draft length of the rounds that drafted. NAN: none did. */
double eng_speculation_get_mean_length (EngSpeculation *self);
/* A run over @n_tokens tokens against a plain step, from the measured costs, linear between numbers
 * that were run; NAN outside of them. */
double eng_speculation_get_verify_ratio (EngSpeculation *self, double n_tokens);

/* Whether the text is what plain decoding writes: tokens of the text compared with the model's
 * choice in plain steps, and how many of them differed. Greedy runs only; 0 compared: it was not
 * checked. */
void eng_speculation_get_checked (EngSpeculation *self, guint *n_compared, guint *n_differing);
/* What the automatic choice has to say ("Plain decoding from token 37 on: drafting was 0.83 times
 * as fast"); NULL: nothing. */
const char *eng_speculation_get_notice (EngSpeculation *self);

/* ---- Making one ---- */

EngSpeculation *eng_speculation_new (const EngSpeculationSetup *setup); /* copied */
/* In order. @drafts [round->n_drafted]; first_draft is set by this. */
void eng_speculation_add_round (EngSpeculation *self, const EngRound *round,
                                const EngDraft *drafts);
/* @text_start: where it begins in the text. */
void eng_speculation_add_token (EngSpeculation *self, gint32 token, guint text_start);
void eng_speculation_end_text (EngSpeculation *self, guint length);
/* made valid UTF-8 */
void eng_speculation_set_piece (EngSpeculation *self, gint32 token, const char *bytes, gsize n);
gboolean eng_speculation_has_piece (EngSpeculation *self, gint32 token);
void eng_speculation_add_verify_cost (EngSpeculation *self, guint n_tokens, EngFigure ns);
void eng_speculation_set_draft_cost (EngSpeculation *self, EngFigure ns);
void eng_speculation_set_checked (EngSpeculation *self, guint n_compared, guint n_differing);
void eng_speculation_set_notice (EngSpeculation *self, const char *notice);

/* ---- Documents ---- */

/* As the member @name of the object that is open. */
void eng_speculation_write (EngSpeculation *self, JsonBuilder *builder, const char *name);
/* NULL and ENG_ERROR_FORMAT when lists do not fit each other. */
EngSpeculation *eng_speculation_read (JsonObject *object, GError **error);

G_END_DECLS
