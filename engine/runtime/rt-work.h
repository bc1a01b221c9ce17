/* Work file: what a runner shall do with a build. Text lines, then raw bytes of inputs.
 *
 *     lathe-work 2
 *     kind text                    kind inputs
 *     threads 4                    threads 2
 *     budget_s 3                   budget_s 3
 *     interval 0.05                interval 0.05
 *     repeats 0                    repeats 0
 *     prompt 1 403 17              outputs last
 *     decode 64                    inputs 2
 *     ignore_end 0                 steps 1
 *     ends 2 32000                 data 6144
 *     speculate 0 2 6 1 1          ...6144 bytes...
 *
 * Of kind scores: threads, windows, data. Lines end with one '\n' and hold single spaces; each
 * keyword stands at most once, in any order but for the first two and data, which is the last. What
 * a kind does not have is an error. All but prompt and decode (of text), inputs and data (of
 * inputs) may be left out and are then 0, none, or as the structure below says. The file comes from
 * another machine: everything is checked.
 *
 * Version 1 is read, too; it lacks what the table of keywords in the .c says is newer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rt-error.h"

#define RT_WORK_VERSION 2

/* No file of more is read or written. */
#define RT_WORK_MAX_PROMPT (1u << 20)
#define RT_WORK_MAX_ENDS 4096u
#define RT_WORK_MAX_INPUTS 1000000u
#define RT_WORK_MAX_THREADS 1024u
#define RT_WORK_MAX_REPEATS 1000000u
#define RT_WORK_MAX_BUDGET_S 86400.0
#define RT_WORK_MAX_HEADER (16u << 20) /* bytes before the data */

typedef enum
{
  RT_WORK_TEXT,   /* a prompt of a language model */
  RT_WORK_INPUTS, /* tensors of a network */
  RT_WORK_SCORES, /* windows of texts, each token of which a language model is asked for */
} RtWorkKind;

/* Which outputs are sent home: of every input, of the last one, of none. */
typedef enum
{
  RT_WORK_OUTPUTS_ALL,
  RT_WORK_OUTPUTS_LAST,
  RT_WORK_OUTPUTS_NONE,
} RtWorkOutputs;

/* Drafting by prompt lookup (rt-speculate-round.h); all 0: plain steps. In the file five numbers in
 * this order. */
typedef struct
{
  uint32_t length;               /* of a draft; 0: automatic */
  uint32_t min_match, max_match; /* 1 .. RT_LOOKUP_MAX_MATCH */
  uint32_t tree_width;           /* 1: a chain */
  uint32_t fallback;             /* 1: plain steps where drafting does not pay */
} RtWorkLookup;

typedef struct
{
  RtWorkKind kind;
  uint32_t n_threads; /* 0: as the build says, or as many as the board has if those are fewer */
  double budget_s;    /* for repeats; 0: none */
  double interval;    /* width of the 95 % interval at which repeats end before the budget does
                       * (rt-repeat.h), as a fraction of the median, below 1; 0: never */
  uint32_t
      n_repeats; /* clean passes in all instead of a budget (networks); 0: the budget decides */

  /* TEXT */
  int32_t *prompt; /* [n_prompt] token numbers */
  uint32_t n_prompt;
  uint32_t n_decode; /* tokens at most; 0: the prompt alone */
  bool ignore_end;
  int32_t *ends; /* [n_ends] tokens that end the text */
  uint32_t n_ends;
  RtWorkLookup lookup;

  /* SCORES: windows one after the other in the data: rt_work_next_window(). */
  uint32_t n_windows;

  /* INPUTS: each is the bytes of the graph's input values, one after the other in the graph's
   * order, at the symbols' maxima. */
  RtWorkOutputs outputs; /* default: all */
  uint32_t n_inputs;
  uint32_t n_steps; /* inputs that belong together (windows of one sound); the graph's states begin
                     * again with each such group; default 1 */
  const void *data;
  uint64_t data_bytes;

  /* Of a work that was read. */
  void *mapping;
  size_t mapping_bytes;
} RtWork;

/* A window: row r asks for targets[r] after the tokens input[0 .. r]; rows before @first are
 * context only. In the data: n, first, input [n], targets [n], each 4 bytes, little-endian. */
typedef struct
{
  uint32_t n, first;              /* first < n <= RT_WORK_MAX_PROMPT */
  const uint8_t *input, *targets; /* rt_work_token() */
} RtWorkWindow;

/* The window that begins at byte *@at of the data, which becomes that of the next one. False: none
 * begins there, or it is no window. */
bool rt_work_next_window (const RtWork *work, uint64_t *at, RtWorkWindow *window);
int32_t rt_work_token (const uint8_t *tokens, uint32_t index);

/* The file appears under @path only when it is complete. RT_ERROR_RANGE: @work is not one that
 * rt_work_parse() takes. */
bool rt_work_write (const char *path, const RtWork *work, RtError *error);

/* The work in @bytes, which its data is borrowed from. RT_ERROR_FORMAT says the line and what was
 * expected, RT_ERROR_UNSUPPORTED is another version. */
bool rt_work_parse (const void *bytes, size_t n_bytes, RtWork *work, RtError *error);
/* The same of a file, which is mapped until rt_work_close(). RT_ERROR_IO: it cannot be read. */
bool rt_work_open (const char *path, RtWork *work, RtError *error);
/* After rt_work_parse() or rt_work_open(), also failed ones. */
void rt_work_close (RtWork *work);
