/* Telemetry as it comes from a board (engine/runner/TELEMETRY.md, version 1): bytes in any cuts
 * become checked lines. Nothing that comes is trusted: text is UTF-8 or refused, numbers are in
 * their range or the line is refused, lines of unknown kinds are passed over, and what is no line
 * at all is counted with a piece of it. Lines carry a number, so that a stream that was cut and
 * taken up again neither loses nor doubles one. */
#pragma once

#include "eng-board.h"
#include "rt-repeat.h"
#include "rt-speculate-round.h"
#include "rt-trace.h"

G_BEGIN_DECLS

#define ENG_TELEMETRY_VERSION 1
/* A longer line is refused and skipped. */
#define ENG_TELEMETRY_MAX_LINE (16u << 20)

typedef enum
{
  ENG_TELEMETRY_HELLO,
  ENG_TELEMETRY_BOARD,
  ENG_TELEMETRY_BUILD,
  ENG_TELEMETRY_STAGE,
  ENG_TELEMETRY_PASS,
  ENG_TELEMETRY_TRACE,
  ENG_TELEMETRY_TOKEN,
  ENG_TELEMETRY_OUTPUT,
  ENG_TELEMETRY_STATE,
  ENG_TELEMETRY_ENERGY,
  ENG_TELEMETRY_ERROR,
  ENG_TELEMETRY_END,
  ENG_TELEMETRY_SKIPPED,
  ENG_TELEMETRY_REPEATS,
  ENG_TELEMETRY_ROUND,
  ENG_TELEMETRY_PIECE,
  ENG_TELEMETRY_COSTS,
  ENG_TELEMETRY_SCORES,
  ENG_N_TELEMETRY_KINDS
} EngTelemetryKind;

/* One line. Texts and arrays are valid during the call. Numbers that are absent: NAN, 0, NULL, or
 * as said. */
typedef struct
{
  EngTelemetryKind kind;
  guint64 n, t_ns;
  union
  {
    struct
    {
      guint version;
      const char *runner, *machine, *isa;
    } hello;
    EngBoard *board;
    struct
    {
      const char *build_sha256, *file_sha256;
      guint n_nodes, n_threads;
      guint64 weight_bytes, activation_bytes, scratch_bytes, kv_bytes;
    } build;
    struct
    {
      const char *stage;
      double progress; /* NAN: not known */
    } stage;
    struct
    {
      RtPhase phase;
      gboolean traced;
      guint n_tokens, position;
      double ns;
      double nodes_ns;                           /* of traced ones */
      double token_ns, total_ns, first_token_ns; /* NAN: does not apply */
      guint chunk_tokens;
      double chunk_ns;
    } pass;
    struct
    {
      RtPhase phase;
      guint step, n_tokens, position;
      guint64 n_lost;
      const RtTraceRecord *records; /* times since the start of the run */
      guint n_records;
    } trace;
    struct
    {
      guint index;
      gint32 id;
    } token;
    struct
    {
      guint input;
      guint value;      /* which of the outputs */
      const char *name; /* NULL: not said */
      const char *type; /* "f32" */
      gint64 shape[8];
      guint rank;
      const guint8 *bytes;
      gsize n_bytes;
    } output;
    struct
    {
      guint64 rss_bytes, peak_rss_bytes, available_bytes;
      double clock_hz, temperature_c, own_cpus, others_cpus;
      int throttled; /* -1: not known */
      const char *stage;
    } state;
    struct
    {
      const char *meter, *covers;
      RtPhase phase;
      double joules, seconds;
      guint64 n; /* tokens or inferences */
    } energy;
    struct
    {
      guint node;
      guint64 n_skipped, n_all;
    } skipped;
    struct
    {
      RtPhase phase;
      RtRepeatVerdict ended;
      guint n_samples;
    } repeats;
    struct
    {
      RtRound round; /* times from the start of the program */
      gboolean beside;
      gboolean again; /* of a repeated text: without drafts, first_token */
      guint first_token, n_emitted;
    } round;
    struct
    {
      guint n_tokens;
      double ns, plain_ns; /* plain: NAN: not measured */
      guint n_compared, n_differing;
    } piece;
    struct
    {
      guint window;
      const guint8 *bytes; /* RT_SCORE_BYTES of each row */
      gsize n_bytes;
    } scores;
    struct
    {
      double verify_ns[RT_SPECULATE_MAX + 2]; /* by number of tokens; 0: not known */
    } costs;
    struct
    {
      const char *code, *where, *message;
    } error;
    struct
    {
      const char *status;
      guint64 n_lines, n_dropped;
    } end;
  };
} EngTelemetryLine;

typedef void (*EngTelemetryFunc) (const EngTelemetryLine *line, gpointer user_data);

typedef struct _EngTelemetry EngTelemetry;

EngTelemetry *eng_telemetry_new (EngTelemetryFunc func, gpointer user_data);
void eng_telemetry_free (EngTelemetry *telemetry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngTelemetry, eng_telemetry_free)

/* Calls the function for each line that is complete now. */
void eng_telemetry_feed (EngTelemetry *telemetry, const char *bytes, gsize n_bytes);
/* The stream was cut: what there is of an unfinished line is forgotten. Returns the byte of the log
 * to go on from; lines that come again are passed over by their numbers. */
guint64 eng_telemetry_resume (EngTelemetry *telemetry);
/* The stream is over: an unfinished line is no line. */
void eng_telemetry_close (EngTelemetry *telemetry);

gboolean eng_telemetry_has_ended (EngTelemetry *telemetry); /* the line "end" came */
/* What went wrong, counted. */
typedef struct
{
  guint64 n_lines;    /* taken */
  guint64 n_unknown;  /* of kinds that this version does not know: passed over */
  guint64 n_refused;  /* no telemetry, or with a value out of its range */
  guint64 n_missing;  /* numbers that were left out */
  guint64 n_repeated; /* numbers that came again: passed over */
} EngTelemetryCounts;
void eng_telemetry_get_counts (EngTelemetry *telemetry, EngTelemetryCounts *counts);
/* What the first refused line was, and why: NULL when there was none. Borrowed. */
const char *eng_telemetry_get_complaint (EngTelemetry *telemetry);
/* The last text that anybody there said: an error's message, else a stage, else a refused line's
 * beginning; for "it stopped answering; the last it said was". NULL: nothing. Borrowed. */
const char *eng_telemetry_get_last_words (EngTelemetry *telemetry);

G_END_DECLS
