/* Drafting without a model: what followed the same tokens earlier in the text. Pays where a text
 * repeats itself or its prompt (code, lists, summaries, edits).
 *
 * Saxena 2023, Prompt Lookup Decoding; Yang et al. 2023, Inference with Reference: Lossless
 * Acceleration of Large Language Models. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rt-error.h"

#define RT_LOOKUP_MAX_MATCH 8

typedef struct RtLookup RtLookup;

/* @capacity: the most tokens of a text. Matches of @max_match tokens are looked for first, then of
 * fewer, down to @min_match (1 .. max_match .. RT_LOOKUP_MAX_MATCH). Allocates about 8 bytes per
 * token and length of match. */
RtLookup *rt_lookup_new (uint32_t min_match, uint32_t max_match, uint32_t capacity, RtError *error);
void rt_lookup_free (RtLookup *lookup); /* accepts NULL */

/* An empty text again. O(capacity). */
void rt_lookup_clear (RtLookup *lookup);
/* The next token of the text; beyond the capacity it is forgotten. O(max_match). */
void rt_lookup_push (RtLookup *lookup, int32_t token);
uint32_t rt_lookup_n_tokens (const RtLookup *lookup);
const int32_t *rt_lookup_tokens (const RtLookup *lookup);

/* How a draft goes on after the text's last tokens: up to @n_most tokens into @draft, from the
 * newest place with the longest match; past the text's end it repeats itself. Returns their number;
 * *@match: how many tokens matched. O(places with the same hash), a microsecond as a rule. */
uint32_t rt_lookup_find (const RtLookup *lookup, uint32_t n_most, int32_t *draft, uint32_t *match);

/* The same from up to @n_places different places, as a tree (tokens that places share are drafted
 * once): @parents as rt_exec_run_tree() has them within the draft, UINT32_MAX for those that follow
 * the text. @n_deep tokens per place at most, @n_most altogether. The first place is that of
 * rt_lookup_find(). */
uint32_t rt_lookup_find_tree (const RtLookup *lookup, uint32_t n_places, uint32_t n_deep,
                              uint32_t n_most, int32_t *draft, uint32_t *parents, uint32_t *match);
