/* What the members of each kind of telemetry line are, and their ranges. Called by eng-telemetry.c
 * with an object that may hold anything. */
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-line.h"
#include "eng-telemetry-private.h"
#include "rt-score.h"

#define MAX_NS (G_MAXINT64 / 4) /* 73 years */
#define MAX_BYTES ((guint64)1 << 60)
#define MAX_COUNT G_MAXINT32
#define MAX_RECORDS (1u << 20)

typedef void (*ReadKind) (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch);

static void
refuse (EngLine *in, const char *why)
{
  if (in->error == NULL)
    in->error = g_error_new (ENG_ERROR, ENG_ERROR_RANGE, "%s: %s", in->what, why);
}

static guint
count (EngLine *in, const char *name)
{
  return (guint)eng_line_count (in, name, MAX_COUNT);
}

static double
ns_or_none (EngLine *in, const char *name)
{
  return eng_line_number (in, name, 0, (double)MAX_NS);
}

static RtPhase
read_phase (EngLine *in, const char *name)
{
  static const char *const names[RT_N_PHASES] = { "prefill", "decode", "inference" };
  const char *text = eng_line_need_text (in, name);

  for (int phase = 0; text != NULL && phase < RT_N_PHASES; phase++)
    if (g_str_equal (text, names[phase]))
      return (RtPhase)phase;
  refuse (in, "its phase is none of prefill, decode, inference");
  return RT_PHASE_INFERENCE;
}

/* ---- Kinds ---- */

static void
read_hello (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  line->hello.version = (guint)eng_line_count (in, "telemetry", 1000);
  line->hello.runner = eng_line_text (in, "runner");
  line->hello.machine = eng_line_text (in, "machine");
  line->hello.isa = eng_line_text (in, "isa");
}

static void
read_board (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  if (in->error == NULL)
    scratch->board = eng_board_from_json (in->object, &in->error);
  line->board = scratch->board;
}

static void
read_build (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  line->build.build_sha256 = eng_line_text (in, "build_sha256");
  line->build.file_sha256 = eng_line_text (in, "file_sha256");
  line->build.n_nodes = count (in, "n_nodes");
  line->build.n_threads = (guint)eng_line_count_or (in, "n_threads", 65536, 1);
  line->build.weight_bytes = eng_line_count_or (in, "weight_bytes", MAX_BYTES, 0);
  line->build.activation_bytes = eng_line_count_or (in, "activation_bytes", MAX_BYTES, 0);
  line->build.scratch_bytes = eng_line_count_or (in, "scratch_bytes", MAX_BYTES, 0);
  line->build.kv_bytes = eng_line_count_or (in, "kv_bytes", MAX_BYTES, 0);
}

static void
read_stage (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  line->stage.stage = eng_line_need_text (in, "stage");
  line->stage.progress = eng_line_number (in, "progress", 0, 1);
}

static void
read_pass (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  line->pass.phase = read_phase (in, "phase");
  line->pass.traced = eng_line_flag (in, "traced", FALSE);
  line->pass.n_tokens = (guint)eng_line_count_or (in, "n_tokens", MAX_COUNT, 1);
  line->pass.position = (guint)eng_line_count_or (in, "position", MAX_COUNT, 0);
  line->pass.ns = (double)eng_line_count (in, "ns", MAX_NS);
  line->pass.nodes_ns = ns_or_none (in, "nodes_ns");
  line->pass.token_ns = ns_or_none (in, "token_ns");
  line->pass.total_ns = ns_or_none (in, "total_ns");
  line->pass.first_token_ns = ns_or_none (in, "first_token_ns");
  line->pass.chunk_tokens = (guint)eng_line_count_or (in, "chunk_tokens", MAX_COUNT, 0);
  line->pass.chunk_ns = ns_or_none (in, "chunk_ns");
}

static gboolean
read_record (JsonNode *node, guint64 begin_ns, RtTraceRecord *record)
{
  guint64 values[5];
  static const guint64 most[5] = { MAX_COUNT, G_MAXUINT16, MAX_NS, MAX_NS, MAX_NS };

  if (!JSON_NODE_HOLDS_ARRAY (node) || json_array_get_length (json_node_get_array (node)) != 5)
    return FALSE;
  for (guint i = 0; i < 5; i++)
    if (!eng_line_node_count (json_array_get_element (json_node_get_array (node), i), most[i],
                              &values[i]))
      return FALSE;
  /* A thread that comes late finds the node's work done: it had no part in its time. */
  values[2] = MIN (values[2], values[4]);
  values[3] = MAX (values[2], values[3]);
  *record = (RtTraceRecord){ .node = (guint32)values[0],
                             .thread = (guint16)values[1],
                             .start_ns = begin_ns + values[2],
                             .work_ns = begin_ns + values[3],
                             .end_ns = begin_ns + values[4] };
  return TRUE;
}

static void
read_trace (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  JsonArray *records = eng_line_array (in, "records");
  guint64 begin_ns = eng_line_count_or (in, "begin_ns", MAX_NS, line->t_ns);
  guint n = records != NULL ? json_array_get_length (records) : 0;

  line->trace.phase = read_phase (in, "phase");
  line->trace.step = (guint)eng_line_count (in, "step", G_MAXUINT32);
  line->trace.n_tokens = (guint)eng_line_count_or (in, "n_tokens", MAX_COUNT, 1);
  line->trace.position = (guint)eng_line_count_or (in, "position", MAX_COUNT, 0);
  line->trace.n_lost = eng_line_count_or (in, "lost", MAX_NS, 0);
  if (n > MAX_RECORDS)
    {
      refuse (in, "it has more records than a step can leave");
      n = 0;
    }
  g_array_set_size (scratch->records, n);
  for (guint i = 0; i < n && in->error == NULL; i++)
    {
      RtTraceRecord *record = &g_array_index (scratch->records, RtTraceRecord, i);
      if (!read_record (json_array_get_element (records, i), begin_ns, record))
        refuse (in, "one of its records is not node, thread, start, work, end in nanoseconds");
      record->step = line->trace.step;
      record->phase = (guint8)line->trace.phase;
      record->n_tokens = line->trace.n_tokens;
    }
  line->trace.records = (const RtTraceRecord *)scratch->records->data;
  line->trace.n_records = n;
}

static void
read_token (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  line->token.index = count (in, "index");
  line->token.id = (gint32)eng_line_count (in, "id", MAX_COUNT);
}

/* What @text stands for; NULL: it is no base64 (g_base64_decode() passes over what it does not
 * know). */
static guint8 *
decode_base64 (const char *text, gsize *n_bytes)
{
  gsize n = strlen (text);
  gsize n_letters
      = strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  gsize n_padding = n - n_letters;

  if (n % 4 != 0 || n_padding > 2 || strspn (text + n_letters, "=") != n_padding)
    return NULL;
  return n > 0 ? g_base64_decode (text, n_bytes) : g_malloc0 (1);
}

static void
read_shape (EngLine *in, EngTelemetryLine *line)
{
  JsonArray *shape = eng_line_array (in, "shape");
  guint n = shape != NULL ? json_array_get_length (shape) : 0;

  if (n > G_N_ELEMENTS (line->output.shape))
    {
      refuse (in, "its shape has too many dimensions");
      return;
    }
  for (guint i = 0; i < n; i++)
    {
      guint64 size = 0;
      if (!eng_line_node_count (json_array_get_element (shape, i), MAX_COUNT, &size))
        refuse (in, "its shape is not made of whole numbers");
      line->output.shape[i] = (gint64)size;
    }
  line->output.rank = n;
}

static void
read_output (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  JsonNode *value = json_object_get_member (in->object, "value");
  const char *base64 = eng_line_need_text (in, "base64");
  gsize n_bytes = 0;

  line->output.input = count (in, "input");
  if (value != NULL && JSON_NODE_HOLDS_VALUE (value)
      && json_node_get_value_type (value) == G_TYPE_STRING)
    line->output.name = eng_line_text (in, "value");
  else
    line->output.value = (guint)eng_line_count_or (in, "value", MAX_COUNT, 0);
  line->output.type = eng_line_need_text (in, "type");
  read_shape (in, line);
  if (in->error != NULL)
    return;
  scratch->bytes = decode_base64 (base64, &n_bytes);
  if (scratch->bytes == NULL)
    refuse (in, "its data is not base64");
  line->output.bytes = scratch->bytes;
  line->output.n_bytes = n_bytes;
}

static void
read_state (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  JsonNode *throttled = json_object_get_member (in->object, "throttled");

  line->state.rss_bytes = eng_line_count_or (in, "rss_bytes", MAX_BYTES, 0);
  line->state.peak_rss_bytes = eng_line_count_or (in, "peak_rss_bytes", MAX_BYTES, 0);
  line->state.available_bytes = eng_line_count_or (in, "available_bytes", MAX_BYTES, 0);
  line->state.clock_hz = eng_line_number (in, "clock_hz", 0, 1e12);
  line->state.temperature_c = eng_line_number (in, "temperature_c", -273.15, 10000);
  line->state.own_cpus = eng_line_number (in, "own_cpus", 0, 65536);
  line->state.others_cpus = eng_line_number (in, "others_cpus", 0, 65536);
  line->state.stage = eng_line_text (in, "stage");
  line->state.throttled = throttled == NULL || JSON_NODE_HOLDS_NULL (throttled)
                              ? -1
                              : eng_line_flag (in, "throttled", FALSE);
}

static void
read_energy (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  line->energy.meter = eng_line_need_text (in, "meter");
  line->energy.covers = eng_line_text (in, "covers");
  line->energy.phase
      = eng_line_text (in, "phase") != NULL ? read_phase (in, "phase") : RT_PHASE_INFERENCE;
  line->energy.joules = eng_line_number (in, "joules", 0, 1e12);
  line->energy.seconds = eng_line_number (in, "seconds", 0, 1e9);
  line->energy.n = eng_line_count_or (in, "n_units", MAX_NS, 0);
}

static void
read_skipped (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  line->skipped.node = count (in, "node");
  line->skipped.n_skipped = eng_line_count (in, "n_skipped", MAX_NS);
  line->skipped.n_all = eng_line_count (in, "n_all", MAX_NS);
  if (line->skipped.n_skipped > line->skipped.n_all)
    refuse (in, "more was left out than there was");
}

static void
read_repeats (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  const char *ended = eng_line_need_text (in, "ended");
  RtRepeatVerdict v = RT_REPEAT_MORE;

  line->repeats.phase = read_phase (in, "phase");
  line->repeats.n_samples = (guint)eng_line_count_or (in, "n_samples", MAX_COUNT, 0);
  while (ended != NULL && v < RT_N_REPEAT_VERDICTS
         && !g_str_equal (ended, rt_repeat_verdict_name (v)))
    v++;
  if (v == RT_N_REPEAT_VERDICTS)
    refuse (in, "its repeats ended by none of interval, budget, count, unfinished");
  line->repeats.ended = v;
}

static RtLengthVerdict
read_verdict (EngLine *in)
{
  static const char *const names[] = { "draft", "probe", "none", "fallback" };
  const char *text = eng_line_need_text (in, "verdict");

  for (guint v = 0; text != NULL && v < G_N_ELEMENTS (names); v++)
    if (g_str_equal (text, names[v]))
      return (RtLengthVerdict)v;
  refuse (in, "its verdict is none of draft, probe, none, fallback");
  return RT_LENGTH_NONE;
}

/* Token, what it follows (0: the text, else 1 + its index), tested, accepted. */
static gboolean
read_draft (JsonNode *node, guint index, RtDraft *draft)
{
  const guint64 most[4] = { MAX_COUNT, index, 1, 1 };
  guint64 values[4];

  if (!JSON_NODE_HOLDS_ARRAY (node) || json_array_get_length (json_node_get_array (node)) != 4)
    return FALSE;
  for (guint i = 0; i < 4; i++)
    if (!eng_line_node_count (json_array_get_element (json_node_get_array (node), i), most[i],
                              &values[i]))
      return FALSE;
  *draft = (RtDraft){ .token = (gint32)values[0],
                      .parent = values[1] > 0 ? (guint32)values[1] - 1 : RT_DRAFT_ROOT,
                      .tested = values[2] > 0,
                      .accepted = values[3] > 0,
                      .probability = NAN };
  return values[2] >= values[3];
}

static void
read_drafts (EngLine *in, RtRound *round)
{
  JsonArray *drafts = eng_line_array (in, "drafts");
  guint n = drafts != NULL ? json_array_get_length (drafts) : 0;

  if (n != round->n_drafts)
    {
      refuse (in, "it has another number of drafts than it says");
      return;
    }
  for (guint i = 0; i < n && in->error == NULL; i++)
    if (!read_draft (json_array_get_element (drafts, i), i, &round->drafts[i]))
      refuse (in, "one of its drafts is not token, parent, tested, accepted");
}

static void
read_round (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  RtRound *round = &line->round.round;

  line->round.beside = eng_line_flag (in, "beside", FALSE);
  line->round.again = eng_line_flag (in, "again", FALSE);
  line->round.first_token = (guint)eng_line_count_or (in, "first_token", MAX_COUNT, 0);
  line->round.n_emitted = (guint)eng_line_count (in, "n_emitted", RT_SPECULATE_MAX + 1);
  round->choice.verdict = read_verdict (in);
  round->choice.length = (guint32)eng_line_count_or (in, "length", RT_SPECULATE_MAX, 0);
  round->choice.predicted = eng_line_number (in, "predicted", 0, 1e6);
  round->match = (guint32)eng_line_count_or (in, "match", RT_LOOKUP_MAX_MATCH, 0);
  round->n_run = (guint32)eng_line_count (in, "n_run", RT_SPECULATE_MAX + 1);
  round->n_drafts = (guint32)eng_line_count (in, "n_drafted", RT_SPECULATE_MAX);
  round->verified.n_accepted = (guint32)eng_line_count (in, "n_accepted", round->n_drafts);
  round->begun_ns = eng_line_count (in, "begin_ns", MAX_NS / 4);
  round->drafted_ns = round->begun_ns + eng_line_count (in, "draft_ns", MAX_NS / 4);
  round->verified_ns = round->drafted_ns + eng_line_count (in, "verify_ns", MAX_NS / 4);
  round->ended_ns = round->verified_ns + eng_line_count (in, "choose_ns", MAX_NS / 4);
  if (in->error == NULL && (round->n_run != 1 + round->n_drafts || line->round.n_emitted == 0))
    refuse (in, "its numbers of tokens do not fit each other");
  if (in->error == NULL && !line->round.again)
    read_drafts (in, round);
}

static void
read_piece (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  line->piece.n_tokens = count (in, "n_tokens");
  line->piece.ns = ns_or_none (in, "ns");
  line->piece.plain_ns = ns_or_none (in, "plain_ns");
  line->piece.n_compared = (guint)eng_line_count_or (in, "n_compared", MAX_COUNT, 0);
  line->piece.n_differing = (guint)eng_line_count_or (in, "n_differing", line->piece.n_compared, 0);
  if (in->error == NULL && (line->piece.n_tokens == 0 || !(line->piece.ns > 0)))
    refuse (in, "it has no tokens or no time");
}

static void
read_costs (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  JsonArray *costs = eng_line_array (in, "verify_ns");
  guint n = costs != NULL ? json_array_get_length (costs) : 0;

  for (guint i = 0; i < n && in->error == NULL; i++)
    {
      JsonNode *node = json_array_get_element (costs, i);
      JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      guint64 n_tokens = 0;
      double ns = NAN;
      if (pair != NULL && json_array_get_length (pair) == 2
          && JSON_NODE_HOLDS_VALUE (json_array_get_element (pair, 1)))
        ns = json_node_get_double (json_array_get_element (pair, 1));
      if (!(ns > 0 && ns < (double)MAX_NS)
          || !eng_line_node_count (json_array_get_element (pair, 0), RT_SPECULATE_MAX + 1,
                                   &n_tokens))
        refuse (in, "one of its costs is not a number of tokens and nanoseconds");
      else
        line->costs.verify_ns[n_tokens] = ns;
    }
}

static void
read_scores (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  const char *base64 = eng_line_need_text (in, "base64");
  gsize n_bytes = 0;

  line->scores.window = count (in, "window");
  if (in->error != NULL)
    return;
  scratch->bytes = decode_base64 (base64, &n_bytes);
  if (scratch->bytes == NULL || n_bytes == 0 || n_bytes % RT_SCORE_BYTES != 0)
    refuse (in, "its scores are not 16 bytes each in base64");
  line->scores.bytes = scratch->bytes;
  line->scores.n_bytes = n_bytes;
}

static void
read_error (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  line->error.code = eng_line_need_text (in, "code");
  line->error.where = eng_line_text (in, "where");
  line->error.message = eng_line_need_text (in, "message");
}

static void
read_end (EngLine *in, EngTelemetryLine *line, EngTelemetryScratch *scratch)
{
  line->end.status = eng_line_need_text (in, "status");
  line->end.n_lines = eng_line_count_or (in, "n_lines", MAX_NS, 0);
  line->end.n_dropped = eng_line_count_or (in, "dropped", MAX_NS, 0);
}

static const struct
{
  const char *name;
  ReadKind read;
} kinds[ENG_N_TELEMETRY_KINDS] = {
  [ENG_TELEMETRY_HELLO] = { "hello", read_hello },
  [ENG_TELEMETRY_BOARD] = { "board", read_board },
  [ENG_TELEMETRY_BUILD] = { "build", read_build },
  [ENG_TELEMETRY_STAGE] = { "stage", read_stage },
  [ENG_TELEMETRY_PASS] = { "pass", read_pass },
  [ENG_TELEMETRY_TRACE] = { "trace", read_trace },
  [ENG_TELEMETRY_TOKEN] = { "token", read_token },
  [ENG_TELEMETRY_OUTPUT] = { "output", read_output },
  [ENG_TELEMETRY_STATE] = { "state", read_state },
  [ENG_TELEMETRY_ENERGY] = { "energy", read_energy },
  [ENG_TELEMETRY_ERROR] = { "error", read_error },
  [ENG_TELEMETRY_END] = { "end", read_end },
  [ENG_TELEMETRY_SKIPPED] = { "skipped", read_skipped },
  [ENG_TELEMETRY_REPEATS] = { "repeats", read_repeats },
  [ENG_TELEMETRY_ROUND] = { "round", read_round },
  [ENG_TELEMETRY_PIECE] = { "piece", read_piece },
  [ENG_TELEMETRY_COSTS] = { "costs", read_costs },
  [ENG_TELEMETRY_SCORES] = { "scores", read_scores },
};

/* ---- A line ---- */

void
eng_telemetry_scratch_clear (EngTelemetryScratch *scratch)
{
  g_clear_pointer (&scratch->bytes, g_free);
  g_clear_pointer (&scratch->board, eng_board_unref);
}

gboolean
eng_telemetry_read_line (JsonObject *object, guint64 next, EngTelemetryLine *line,
                         EngTelemetryScratch *scratch, GError **error)
{
  EngLine in = { .object = object, .what = "a line" };
  const char *name = eng_line_need_text (&in, "kind");
  gboolean known = FALSE;

  line->n = eng_line_count_or (&in, "n", MAX_NS, next);
  line->t_ns = eng_line_count_or (&in, "t_ns", MAX_NS, 0);
  for (guint k = 0; name != NULL && k < G_N_ELEMENTS (kinds); k++)
    if (g_str_equal (name, kinds[k].name))
      {
        in.what = "a line of telemetry";
        line->kind = (EngTelemetryKind)k;
        kinds[k].read (&in, line, scratch);
        known = TRUE;
        break;
      }
  return eng_line_finish (&in, error) && known;
}
