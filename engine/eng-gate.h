/* Gates: conditions on a comparison that make a build fail, as "latency>+5%". */
#pragma once

#include "eng-compare.h"

G_BEGIN_DECLS

typedef struct _EngGate EngGate;

/* METRIC OPERATOR LIMIT.
 *
 *   METRIC    latency (of a decode step, or of an inference), prefill, decode (speeds), memory
 *             (peak), energy (measured), energy-modelled, accuracy, perplexity; the name of any
 *             figure ("first_token_ms"); layer:NAME:METRIC for a row of the comparison, with
 *             latency, weights, activations or kv
 *   OPERATOR  > >= < <=
 *   LIMIT     with a sign it is a change since the first run: "+5%" (of shares in per cent:
 *             percentage points), "-0.2ms"; without one it is the value itself: "12ms", "100MB",
 *             "70%". A number without a unit is in the figure's own.
 *
 * ENG_ERROR_FORMAT with what was expected otherwise. */
EngGate *eng_gate_parse (const char *text, GError **error);
void eng_gate_free (EngGate *gate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngGate, eng_gate_free)

const char *eng_gate_get_text (const EngGate *gate);

typedef enum
{
  ENG_GATE_HELD,
  ENG_GATE_NOISE, /* beyond the limit, but not clearly: the interval of the change holds zero, or
                   * that of the value the limit, or there is none */
  ENG_GATE_TRIPPED,
  ENG_GATE_UNKNOWN, /* unavailable, withheld, or no such metric or unit */
} EngGateResult;

/* Of @run of the comparison, against its first. @sentence: what was found, newly allocated. */
EngGateResult eng_gate_check (const EngGate *gate, EngComparison *comparison, guint run,
                              char **sentence);

G_END_DECLS
