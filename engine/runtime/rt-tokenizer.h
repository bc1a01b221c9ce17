/* Tokenizers from GGUF metadata: SentencePiece type ("llama") and byte-level BPE ("gpt2", with the
 * pre-tokenizers of GPT-2, SmolLM2, Llama 3, Qwen2, Falcon and their relatives), special tokens,
 * and the chat templates of the common families.
 *
 * Text is taken as it is: no Unicode normalisation (some models' own tokenizers apply NFC first).
 */
#pragma once

#include "rt-gguf.h"

typedef struct RtTokenizer RtTokenizer;

/* The tokenizer described by @gguf's "tokenizer.ggml.*" keys. Copies what it needs: @gguf may be
 * closed. RT_ERROR_UNSUPPORTED names an unknown model or pre-tokenizer and lists the known ones;
 * RT_ERROR_FORMAT says which key is wrong. A tokenizer never changes: threads may share it. */
RtTokenizer *rt_tokenizer_new (const RtGguf *gguf, RtError *error);
/* The same tokenizer, with the same token numbers, that cuts text only into tokens of @keep
 * [n_vocab]. Bytes and special tokens must be among them (rt_tokenizer_choose()), so that every
 * text still has tokens. */
RtTokenizer *rt_tokenizer_new_subset (const RtGguf *gguf, const bool *keep, RtError *error);
void rt_tokenizer_free (RtTokenizer *tokenizer); /* accepts NULL */

uint32_t rt_tokenizer_n_vocab (const RtTokenizer *tokenizer);
int32_t rt_tokenizer_bos (const RtTokenizer *tokenizer); /* -1 when there is none */
int32_t rt_tokenizer_eos (const RtTokenizer *tokenizer); /* -1 when there is none */

/* Whether @token ends a sequence, a turn or a message: the file's eos, eot and eom, and the known
 * names of such tokens. */
bool rt_tokenizer_is_end (const RtTokenizer *tokenizer, int32_t token);
const char *rt_tokenizer_model (const RtTokenizer *tokenizer); /* "llama", "gpt2" */

/* Encode @text [n_bytes], UTF-8 (invalid bytes are kept as bytes). @add_special: put the
 * beginning-of-sequence token in front where the model wants one (and its end where it wants that).
 * @parse_special: "<|im_start|>" in the text becomes its token; without it only the model's
 * user-defined tokens do, so that a user's text cannot speak for the system. *@tokens is malloc'ed,
 * never NULL on success. Bytes that a byte-level vocabulary lacks are left out, as the models' own
 * tokenizers do. RT_ERROR_UNSUPPORTED: a "llama" vocabulary without byte tokens and unknown token
 * met a character that it lacks. O(n log n). */
bool rt_tokenizer_encode (const RtTokenizer *tokenizer, const char *text, size_t n_bytes,
                          bool add_special, bool parse_special, int32_t **tokens, size_t *n_tokens,
                          RtError *error);

/* The bytes of one token as they appear in text; control tokens and numbers that are no tokens give
 * none. Not zero-terminated, lives as long as the tokenizer. A token may hold part of a UTF-8
 * sequence: gather bytes before showing them. A "llama" tokenizer puts a space in front of the
 * text, so the first piece starts with one. */
RtSlice rt_tokenizer_piece (const RtTokenizer *tokenizer, int32_t token);

/* The token's own name in the vocabulary ("<|im_end|>", "▁the"). */
RtSlice rt_tokenizer_name (const RtTokenizer *tokenizer, int32_t token);

/* ---- A part of the vocabulary (rt-tokenizer-subset.c) ---- */

/* How many tokens cannot be left out: special tokens, bytes, what ends a text. */
uint32_t rt_tokenizer_n_needed (const RtTokenizer *tokenizer);
/* Sets @keep [n_vocab]: all that is needed, then the tokens of @order [n_vocab] (numbers, the most
 * wanted first), each together with those that merging passes through on the way to it, as long as
 * no more than @n_wanted are kept. So exactly MAX (n_needed, MIN (n_wanted, n_vocab)) are.
 * O(n_vocab) encodings of one token each. RT_ERROR_MEMORY; RT_ERROR_UNSUPPORTED: a token's
 * own name cannot be cut, as rt_tokenizer_encode() says. */
bool rt_tokenizer_choose (const RtTokenizer *tokenizer, const uint32_t *order, uint32_t n_wanted,
                          bool *keep, RtError *error);

/* Declare for @writer all "tokenizer.*" metadata of a file that holds only the tokens of @keep
 * [n_vocab], numbered from 0 in their old order: names, scores, types, the merges whose two parts
 * and result are kept, special tokens under their new numbers (rt-tokenizer-write.c). It cuts texts
 * as rt_tokenizer_new_subset() does. Those that rt_tokenizer_choose() keeps in any case must be
 * among them. */
bool rt_tokenizer_write_subset (const RtGguf *gguf, const bool *keep, RtGgufWriter *writer,
                                RtError *error);

/* ---- Chat prompts (rt-chat.c) ---- */

/* The family of the file's chat template, by the marker tokens in it: "chatml", "llama2", "llama3",
 * "gemma", "zephyr", "phi3"; NULL when there is none or it is of another family. */
const char *rt_chat_family (const RtGguf *gguf);

/* The prompt that makes a chat model answer @user (UTF-8): what the family's template prints for
 * one user text with add_generation_prompt, so it ends where the answer starts. Without the
 * beginning-of-sequence token: encode it with add_special and parse_special.
 * @system: the system text; "": none; NULL: what the template itself writes when it is given none
 * (SmolLM2 and Qwen2 introduce themselves, most write nothing). Llama 3.1 and later state two
 * dates there in any case, as their templates do when they are told none. Preambles of other
 * templates of a family (tools, "<think>") are not known here. *@prompt is malloc'ed. false with
 * RT_ERROR_UNSUPPORTED when the file has no template or one of an unknown family. */
bool rt_chat_prompt (const RtGguf *gguf, const char *system, const char *user, char **prompt,
                     RtError *error);
