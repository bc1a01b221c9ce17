/* What the files of the tokenizer share: the vocabulary, the merge engine, the pre-tokenizers. */
#pragma once

#include "rt-tokenizer.h"

/* "tokenizer.ggml.token_type". */
enum
{
  RT_TOKEN_NORMAL = 1,
  RT_TOKEN_UNKNOWN = 2,
  RT_TOKEN_CONTROL = 3,
  RT_TOKEN_USER_DEFINED = 4,
  RT_TOKEN_UNUSED = 5,
  RT_TOKEN_BYTE = 6,
};

#define RT_NO_TOKEN (-1)

/* Strings of many tokens in one block: string i is text[at[i] .. at[i + 1]). */
typedef struct
{
  char *text;
  uint32_t *at; /* [n + 1] */
} RtStrings;

/* From bytes to token: open addressing; the strings themselves are elsewhere. */
typedef struct
{
  uint32_t *tokens; /* [mask + 1], token + 1; 0: free */
  uint32_t mask;
  uint32_t max_bytes; /* of the longest string that is in */
  uint64_t seed;      /* differs between runs, so that no file can prepare collisions */
  const RtStrings *strings;
} RtTokenIndex;

/* Byte-level BPE: which two tokens merge, when, into what. Rank r merges left[r] and right[r]. */
typedef struct
{
  uint32_t n;
  int32_t *left, *right, *merged; /* [n] */
  uint32_t *slots;                /* [mask + 1], rank + 1; 0: free */
  uint32_t mask;
  uint64_t seed;
} RtMergeTable;

/* Length in bytes, at least 1, of the first piece of @s [n > 0]. */
typedef size_t (*RtSplit) (const uint8_t *s, size_t n);

#define RT_MAX_SPLITS 4

/* A pre-tokenizer: each stage splits every piece of the stage before it. */
typedef struct
{
  const char *const *names; /* values of "tokenizer.ggml.pre", NULL at the end */
  RtSplit stages[RT_MAX_SPLITS];
  bool ignore_merges; /* a piece that is a token as a whole is taken as it is */
  bool add_bos;       /* unless the file says otherwise */
} RtPreTokenizer;

typedef enum
{
  RT_MODEL_SPM,
  RT_MODEL_BPE,
} RtTokenizerModel;

struct RtTokenizer
{
  RtTokenizerModel model;
  uint32_t n_vocab;
  RtStrings names;  /* as in the file */
  RtStrings pieces; /* as in text */
  uint8_t *types;   /* [n_vocab] */
  float *scores;    /* [n_vocab], SPM only */
  uint8_t *is_end;  /* [n_vocab] */

  /* Tokens that text may become: names for SPM, pieces for BPE. */
  RtTokenIndex index;
  int32_t byte_tokens[256]; /* or RT_NO_TOKEN */

  /* Tokens that are looked for before anything else, sorted by name. */
  int32_t *specials;
  uint32_t n_specials;
  bool special_start[256]; /* first bytes of those */

  int32_t bos, eos, unknown; /* or RT_NO_TOKEN */
  bool add_bos, add_eos;
  bool add_space_prefix;     /* SPM */
  bool strip_after_special;  /* Phi-3: white space after a special token is not text */
  const RtPreTokenizer *pre; /* BPE */
  RtMergeTable merges;       /* BPE */
};

/* A stretch of text that is, or may become, one token. */
typedef struct
{
  int32_t token;           /* or RT_NO_TOKEN */
  uint32_t at, n_bytes;    /* n_bytes 0: merged into the one before */
  uint32_t previous, next; /* indices; UINT32_MAX at the ends */
} RtSymbol;

/* A possible merge of two neighbours. */
typedef struct
{
  uint32_t priority; /* lowest first, then leftmost */
  uint32_t left, right;
  uint32_t n_bytes; /* of both; differs from the symbols' when this is out of date */
  int32_t token;
} RtPair;

/* The state of one encoding. */
typedef struct
{
  const RtTokenizer *tokenizer;
  RtError *error;

  int32_t *tokens;
  size_t n_tokens, tokens_capacity;

  uint8_t *text; /* what the symbols stand for */
  size_t text_capacity;
  RtSymbol *symbols;
  size_t n_symbols, symbols_capacity;
  RtPair *heap;
  size_t n_heap, heap_capacity;

  /* What merging went through; for rt-tokenizer-subset.c. */
  bool traces;
  int32_t *passed;
  size_t n_passed, passed_capacity;
} RtEncoder;

static inline RtSlice
rt_strings_get (const RtStrings *strings, uint32_t i)
{
  return (RtSlice){ strings->text + strings->at[i], strings->at[i + 1] - strings->at[i] };
}

/* rt-tokenizer-vocab.c */
bool rt_tokenizer_load_vocab (RtTokenizer *t, const RtGguf *gguf, RtError *error);
void rt_tokenizer_free_vocab (RtTokenizer *t);
/* Only tokens of @keep [n_vocab] may come of text from now on. */
bool rt_tokenizer_reindex (RtTokenizer *t, const bool *keep, RtError *error);
int32_t rt_token_index_find (const RtTokenIndex *index, const void *bytes, size_t n);
uint64_t rt_token_hash (uint64_t seed, const void *bytes, size_t n);

/* rt-tokenizer-merge.c */

/* Room for @n items of @item_bytes in a growing array. */
bool rt_encoder_reserve (RtEncoder *e, void *items, size_t *capacity, size_t n, size_t item_bytes);
bool rt_encoder_emit (RtEncoder *e, int32_t token);

/* Merge e->symbols [n_symbols], already chained, until no two neighbours merge. @find tells for two
 * of them the token and the priority, or RT_NO_TOKEN. O(n log n). */
typedef int32_t (*RtFindMerge) (const RtEncoder *e, const RtSymbol *left, const RtSymbol *right,
                                uint32_t *priority);
bool rt_encoder_merge (RtEncoder *e, RtFindMerge find);

/* The tokens of the merged symbols; what is none becomes bytes, or the unknown token. */
bool rt_encoder_emit_symbols (RtEncoder *e);

/* rt-tokenizer-spm.c, rt-tokenizer-bpe.c */
bool rt_spm_encode (RtEncoder *e, const uint8_t *text, size_t n, bool space_prefix);
bool rt_bpe_load (RtTokenizer *t, const RtGguf *gguf, RtError *error);
void rt_bpe_free (RtTokenizer *t);
/* Only merges of three tokens of @keep stay. */
void rt_bpe_restrict (RtTokenizer *t, const bool *keep);
bool rt_bpe_encode (RtEncoder *e, const uint8_t *text, size_t n);

/* The bytes that the byte-level name @name stands for, to @out [name.length]; returns how many. */
size_t rt_bpe_decode_name (RtSlice name, uint8_t *out);

/* rt-tokenizer-split.c */
const RtPreTokenizer *rt_pre_tokenizer_find (RtSlice name);

/* All names that are known, for a message. */
void rt_pre_tokenizer_list (char *buffer, size_t n_bytes);
