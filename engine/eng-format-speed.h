/* How fast each weight format is on this machine, measured by its own matrix products, and what
 * that says: fewer bits are faster only where reading the weights is what takes the time. One
 * matrix-vector product from memory (decoding) and one with many tokens (a prompt) per format, by
 * all threads.
 *
 * Kept in $XDG_CACHE_HOME/lathe/formats.ini per processor, instruction set and number of threads;
 * can be measured again at any time. */
#pragma once

#include "eng-figure.h"
#include "eng-job.h"
#include "eng-machine.h"

G_BEGIN_DECLS

typedef struct
{
  int dtype;
  double file_bits;   /* per weight, with scales */
  double memory_bits; /* the same once packed */
  EngFigure decode;   /* ns per million weights, one token; unavailable when not measured */
  EngFigure prompt;   /* ns per million weights and token, ENG_FORMAT_PROMPT_TOKENS at a time */
} EngFormatSpeed;

#define ENG_FORMAT_PROMPT_TOKENS 64

typedef struct
{
  guint n_threads;
  gint64 time; /* Unix seconds of the newest figure */
  guint n;
  EngFormatSpeed *formats; /* widest in memory first */
} EngFormatSpeeds;

/* All formats that have kernels, with the figures kept for this machine; those never measured are
 * unavailable. A millisecond. Free with eng_format_speeds_free(). */
EngFormatSpeeds *eng_format_speeds_load (EngMachine *machine, guint n_threads);
void eng_format_speeds_free (EngFormatSpeeds *speeds);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngFormatSpeeds, eng_format_speeds_free)

/* Measure what is missing (@fresh: everything), none begun after @max_seconds (INFINITY: no end),
 * each format kept as soon as it is done; a quarter of a second each and up to 256 MB of memory.
 * All cores: never while a run is being measured. @job (nullable) gets progress and may cancel:
 * what was measured stays. */
gboolean eng_format_speeds_measure (EngMachine *machine, guint n_threads, gboolean fresh,
                                    double max_seconds, EngJob *job, GError **error);

const EngFormatSpeed *eng_format_speeds_find (const EngFormatSpeeds *speeds, int dtype);

/* "Decoding: 1.4 times as fast here as Q4_0, the fastest of the wider formats. ..." or why it is
 * not faster: from the figures alone. Not measured: says so and how to measure. Never NULL; free
 * with g_free(). */
char *eng_format_speeds_verdict (const EngFormatSpeeds *speeds, int dtype);

G_END_DECLS
