/* Between the files of a language model's passes: the text and its single steps (rn-text.c), and
 * the rounds of one that speculates (rn-speculate.c). */
#pragma once

#include "rn-run.h"
#include "rt-sampler.h"

typedef struct RnSpeculation RnSpeculation;

typedef struct
{
  RnRun *run;
  RtSampler *sampler;
  int32_t *text; /* [n_decode] tokens chosen */
  uint32_t n_text;
  RnSamples prompts, tokens; /* clean */
  uint32_t chunk;
  bool ended;                 /* by an end token */
  RnSpeculation *speculation; /* NULL: plain steps */
} RnText;

/* All of these: true with run->cancelled when it was stopped; false with an error. */

/* One step and the choice of the token behind it, told as a pass. */
bool rn_text_step (RnText *text, int32_t token, bool traced, int32_t *next, RtError *error);

/* Add a token to the text and tell it. */
void rn_text_emit (RnText *text, int32_t token);
bool rn_text_is_end (const RnText *text, int32_t token); /* a token that ends texts */
bool rn_text_is_over (const RnText *text);
/* As many repeats as the figure of @samples takes. */
void rn_text_begin_repeats (RnText *text, double budget_s, uint32_t n_max, const RnSamples *samples,
                            RnRepeat *repeat);

/* ---- rn-speculate.c ---- */

/* Of a work that asks for it; NULL with @error. */
RnSpeculation *rn_speculate_new (RnText *text, RtError *error);
void rn_speculate_free (RnSpeculation *speculation); /* accepts NULL */
/* The text by rounds, after its first token. */
bool rn_speculate_decode (RnText *text, RtError *error);
/* The text again, piece by piece: by rounds, then the same tokens by plain steps. */
bool rn_speculate_repeat (RnText *text, double budget_s, RtError *error);
/* A round of the repeated text, behind the prompt when it begins; *@n_tokens that it gave. For
 * energy; told as nothing. */
bool rn_speculate_round (RnText *text, uint32_t *n_tokens, RtError *error);
