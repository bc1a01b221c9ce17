/* Where telemetry goes: a bounded buffer between the thread that measures and a thread that writes.
 *
 *     measuring thread ──► ring of lines ──► writer thread ──► pipe, terminal or log file
 *                          (never waits)     (waits for the reader; heartbeat at 1 Hz)
 *
 * What does not fit is dropped and counted, trace lines first: they may fill three quarters of the
 * ring. While a clean pass runs nothing is written but the heartbeat. */
#pragma once

#include "rn-line.h"
#include "rt-error.h"

typedef struct RnOutput RnOutput;

/* What fits into the ring at least once. */
#define RN_OUTPUT_BYTES (8u << 20)

typedef enum
{
  RN_LINE_TRACE,  /* may be dropped first */
  RN_LINE_NORMAL, /* dropped only when the ring is full */
} RnLineClass;

/* Fills the heartbeat; on the writer thread. */
typedef void (*RnOutputState) (RnLine *line, void *data);

typedef struct
{
  int fd;          /* is not closed */
  const char *log; /* its path where @fd is a log file; NULL: a pipe, socket or terminal */
  size_t n_bytes;  /* of the ring; 0: RN_OUTPUT_BYTES */
  uint64_t start_ns;
  RnOutputState state;
  void *state_data;
} RnOutputConfig;

/* NULL: no memory or no thread. */
RnOutput *rn_output_new (const RnOutputConfig *config, RtError *error);

/* Measuring thread. Copies @line into the ring; false: it was dropped. */
bool rn_output_send (RnOutput *output, const RnLine *line, RnLineClass line_class);
/* The same for what must not be lost, outputs above all: between passes, waits up to @patience_ns
 * for room. */
bool rn_output_send_patiently (RnOutput *output, const RnLine *line, uint64_t patience_ns);
/* A clean pass begins or ends. */
void rn_output_set_quiet (RnOutput *output, bool quiet);
/* For heartbeats; @stage is static. */
void rn_output_set_stage (RnOutput *output, const char *stage);
const char *rn_output_stage (RnOutput *output);

/* The line "end" with @status, everything written, the thread gone, @output freed. Waits for a slow
 * reader, but gives up one that took nothing for a minute. False: not everything was written;
 * @error says why (RT_ERROR_IO). */
bool rn_output_end (RnOutput *output, const char *status, RtError *error);
