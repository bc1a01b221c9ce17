/* Gathering: each line of telemetry goes where it belongs, live. What becomes of it at the end is
 * eng-board-run-make.c. Called on the push's worker. */
#include "eng-board-run-private.h"

#include <math.h>
#include <string.h>

#include "eng-build-private.h"
#include "eng-profile.h"

/* Instrumented steps kept when the caller brings no profiler. */
#define WINDOW 64

static GArray *
samples_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (double));
}

static void
add_sample (GArray *samples, double value)
{
  if (isfinite (value))
    g_array_append_val (samples, value);
}

static void
refuse (EngBoardRun *self, const char *why)
{
  if (self->refused == NULL)
    self->refused = g_strdup (why);
}

/* ---- Kinds of lines ---- */

static void
take_board (EngBoardRun *self, const EngTelemetryLine *line)
{
  eng_board_unref (self->board);
  self->board = eng_board_ref (line->board);
}

static void
take_hello (EngBoardRun *self, const EngTelemetryLine *line)
{
  if (line->hello.version != ENG_TELEMETRY_VERSION)
    {
      g_autofree char *why
          = g_strdup_printf ("the runner speaks telemetry %u; this program understands %d",
                             line->hello.version, ENG_TELEMETRY_VERSION);
      refuse (self, why);
    }
  g_free (self->isa);
  g_free (self->machine);
  g_free (self->runner);
  self->isa = g_strdup (line->hello.isa);
  self->machine = g_strdup (line->hello.machine);
  self->runner = g_strdup (line->hello.runner);
}

static void
take_build (EngBoardRun *self, const EngTelemetryLine *line)
{
  EngBuild *build = eng_board_work_get_build (self->work);

  if (line->build.build_sha256 != NULL
      && g_strcmp0 (line->build.build_sha256, eng_build_get_hash (build)) != 0)
    refuse (self, "it ran another build than the one that was sent");
  if (line->build.n_nodes != rt_graph_n_nodes (eng_build_get_graph (build)))
    refuse (self, "its build has another number of nodes than the one that was sent");
  self->has_build = TRUE;
  self->n_threads = line->build.n_threads;
  self->weight_bytes = line->build.weight_bytes;
  self->all_bytes = line->build.weight_bytes + line->build.activation_bytes
                    + line->build.scratch_bytes + line->build.kv_bytes;
}

/* What stages are called for people, and how far into a run they are. */
static const struct
{
  const char *name, *words;
  double from, to;
} stages[] = {
  { "open", "Opening the build on the board", 0, 0.02 },
  { "verify", "Verifying the build on the board", 0.02, 0.05 },
  { "prepare", "Preparing the build on the board", 0.05, 0.1 },
  { "warm-up", "Warming up", 0.1, 0.15 },
  { "prompt", "Reading the prompt", 0.15, 0.25 },
  { "calibrate", "Finding out what verifying costs", 0.25, 0.25 },
  { "decode", "Writing", 0.25, 0.6 },
  { "inputs", "Running the inputs", 0.1, 0.6 },
  { "score", "Reading the texts", 0.1, 1 },
  { "repeat", "Measuring again", 0.6, 0.9 },
  { "energy", "Measuring energy", 0.9, 0.99 },
  { "done", "Done", 1, 1 },
};

static void
tell_stage (EngBoardRun *self, double part)
{
  const char *words = self->stage;

  for (guint i = 0; i < G_N_ELEMENTS (stages); i++)
    if (g_strcmp0 (stages[i].name, self->stage) == 0)
      {
        words = stages[i].words;
        self->progress
            = stages[i].from + (stages[i].to - stages[i].from) * (isnan (part) ? 0 : part);
      }
  if (self->events != NULL && self->events->stage != NULL && words != NULL)
    self->events->stage (words, isnan (part) ? -1 : part, self->events->user_data);
}

static void
take_stage (EngBoardRun *self, const EngTelemetryLine *line)
{
  g_free (self->stage);
  self->stage = g_strdup (line->stage.stage);
  tell_stage (self, line->stage.progress);
}

/* A clean pass and the instrumented one beside it are a pair, once. */
static void
add_pair (EngBoardRun *self)
{
  if (isnan (self->last_clean_ns) || isnan (self->last_nodes_ns) || self->last_clean_ns <= 0)
    return;
  add_sample (self->overhead, self->last_nodes_ns / self->last_clean_ns - 1);
  self->last_clean_ns = self->last_nodes_ns = NAN;
}

/* Rows of a step as the profile counts them: what is planned for, of a network. */
static guint
n_rows (EngBoardRun *self, RtPhase phase, guint n_tokens)
{
  int64_t maxima[RT_N_SYMBOLS];

  if (phase != RT_PHASE_INFERENCE)
    return n_tokens;
  eng_build_get_max_symbols (eng_board_work_get_build (self->work), maxima);
  return (guint)maxima[0];
}

static void
take_pass (EngBoardRun *self, const EngTelemetryLine *line)
{
  RtPhase phase = line->pass.phase;
  gboolean pairs = phase != RT_PHASE_PREFILL;

  self->n_passes++;
  if (eng_board_work_get_workload (self->work)->labelled
      && eng_board_work_get_workload (self->work)->kind == ENG_WORKLOAD_TEXT)
    return; /* windows of a text: what they took is no prompt's time */
  if (line->pass.traced)
    {
      if (phase == RT_PHASE_DECODE)
        add_sample (self->step_traced, line->pass.nodes_ns);
      if (phase == RT_PHASE_INFERENCE)
        add_sample (self->nodes, line->pass.nodes_ns);
      if (pairs)
        self->last_nodes_ns = line->pass.nodes_ns;
    }
  else if (phase == RT_PHASE_PREFILL)
    {
      add_sample (self->prefill, line->pass.ns);
      add_sample (self->first_token, line->pass.first_token_ns);
      if (line->pass.chunk_tokens > 0 && line->pass.chunk_ns > 0)
        eng_profiler_add_clean (self->profiler, phase, line->pass.chunk_tokens,
                                line->pass.chunk_ns);
    }
  else
    {
      if (phase == RT_PHASE_DECODE)
        {
          add_sample (self->step_clean, line->pass.ns);
          if (self->rounds != NULL)
            eng_speculation_rounds_add_step (self->rounds, line->pass.ns);
          add_sample (self->token_clean, line->pass.token_ns);
        }
      else
        add_sample (self->inference,
                    isnan (line->pass.total_ns) ? line->pass.ns : line->pass.total_ns);
      eng_profiler_add_clean (self->profiler, phase, n_rows (self, phase, 1), line->pass.ns);
      self->last_clean_ns = line->pass.ns;
    }
  self->n_inferences += phase == RT_PHASE_INFERENCE;
  if (pairs)
    add_pair (self);
}

static void
take_trace (EngBoardRun *self, const EngTelemetryLine *line)
{
  guint n_nodes = rt_graph_n_nodes (eng_build_get_graph (eng_board_work_get_build (self->work)));
  guint rows = n_rows (self, line->trace.phase, line->trace.n_tokens);
  g_autofree RtTraceRecord *records
      = g_memdup2 (line->trace.records, line->trace.n_records * sizeof *records);

  for (guint i = 0; i < line->trace.n_records; i++)
    {
      if (records[i].node >= n_nodes)
        {
          refuse (self, "a record is of a node that the build does not have");
          return;
        }
      records[i].n_tokens = rows;
    }
  eng_profiler_feed (self->profiler, records, line->trace.n_records, line->trace.n_lost,
                     line->trace.position);
}

static void
take_token (EngBoardRun *self, const EngTelemetryLine *line)
{
  const EngWorkload *workload = eng_board_work_get_workload (self->work);
  const RtTokenizer *tokenizer = eng_build_get_tokenizer (eng_board_work_get_build (self->work));
  gint32 id = line->token.id;

  if (tokenizer == NULL || (guint)id >= rt_tokenizer_n_vocab (tokenizer)
      || line->token.index != self->tokens->len)
    {
      refuse (self, "a token is none of the vocabulary, or not the next one");
      return;
    }
  g_array_append_val (self->tokens, id);
  if (self->rounds != NULL)
    eng_speculation_rounds_add_token (self->rounds, id, (guint)self->stream.text->len);
  self->is_end_token = rt_tokenizer_is_end (tokenizer, id) && !workload->ignore_end;
  if (self->is_end_token)
    return;
  RtSlice piece = rt_tokenizer_piece (tokenizer, id);
  gsize from = eng_stream_push (&self->stream, piece.data, piece.length);
  if (from < self->stream.text->len && self->events != NULL && self->events->text != NULL)
    self->events->text (self->stream.text->str + from, self->events->user_data);
  if (workload->n_predict > 0)
    tell_stage (self, MIN (1, (double)self->tokens->len / workload->n_predict));
}

static void
take_output (EngBoardRun *self, const EngTelemetryLine *line)
{
  g_autoptr (GError) error = NULL;

  if (!eng_board_work_take_output (self->work, line->output.input, line->output.value,
                                   line->output.name, line->output.type, line->output.bytes,
                                   line->output.n_bytes, &error))
    refuse (self, error->message);
}

static void
take_state (EngBoardRun *self, const EngTelemetryLine *line)
{
  EngConditionsSample sample = { .time_s = (double)line->t_ns * 1e-9,
                                 .clock_hz = line->state.clock_hz,
                                 .temperature_c = line->state.temperature_c,
                                 .others_cpus = line->state.others_cpus,
                                 .stolen_cpus = NAN };

  g_array_append_val (self->states, sample);
  if (isfinite (line->state.own_cpus))
    {
      self->sum_own_cpus += line->state.own_cpus;
      self->n_own++;
    }
  if (isfinite (line->state.others_cpus))
    {
      self->sum_others_cpus += line->state.others_cpus;
      self->n_others++;
    }
  if (line->state.throttled >= 0)
    self->n_throttled = MAX (self->n_throttled, 0) + line->state.throttled;
  self->peak_rss_bytes = MAX (self->peak_rss_bytes, line->state.peak_rss_bytes);
}

static void
take_energy (EngBoardRun *self, const EngTelemetryLine *line)
{
  EngBoardWindow window
      = { line->energy.phase, line->energy.joules, line->energy.seconds, line->energy.n };

  if (window.n == 0 || !isfinite (window.joules) || !(window.seconds > 0))
    return;
  g_array_append_val (self->windows, window);
  if (self->meter == NULL)
    self->meter = line->energy.covers != NULL
                      ? g_strdup_printf ("%s: %s", line->energy.meter, line->energy.covers)
                      : g_strdup (line->energy.meter);
}

static void
take_error (EngBoardRun *self, const EngTelemetryLine *line)
{
  if (self->error_message != NULL)
    return; /* the first is the cause */
  self->error_code = g_strdup (line->error.code);
  self->error_message = g_strdup (line->error.message);
}

static void
take_end (EngBoardRun *self, const EngTelemetryLine *line)
{
  g_free (self->status);
  self->status = g_strdup (line->end.status);
  self->n_dropped = line->end.n_dropped;
}

static void
take_skipped (EngBoardRun *self, const EngTelemetryLine *line)
{
  guint n_nodes = rt_graph_n_nodes (eng_build_get_graph (eng_board_work_get_build (self->work)));

  if (line->skipped.node >= n_nodes)
    refuse (self, "what was left out is of a node that the build does not have");
  else
    eng_profiler_set_tally (self->profiler, line->skipped.node, line->skipped.n_skipped,
                            line->skipped.n_all);
}

static void
take_repeats (EngBoardRun *self, const EngTelemetryLine *line)
{
  self->ended[line->repeats.phase] = line->repeats.ended;
}

static gboolean
drafts_are_tokens (EngBoardRun *self, const RtRound *round)
{
  guint n = rt_tokenizer_n_vocab (self->rounds->tokenizer);

  for (guint i = 0; i < round->n_drafts; i++)
    if ((guint)round->drafts[i].token >= n)
      return FALSE;
  return TRUE;
}

static void
take_round (EngBoardRun *self, const EngTelemetryLine *line)
{
  const RtRound *round = &line->round.round;
  double ns = (double)(round->verified_ns - round->drafted_ns);

  if (self->rounds == NULL
      || (!line->round.again
          && (!drafts_are_tokens (self, round)
              || line->round.first_token + line->round.n_emitted != self->tokens->len)))
    {
      refuse (self, self->rounds == NULL ? "it drafted, which it was not asked to"
                                         : "a round is not of the tokens that were told");
      return;
    }
  if (!line->round.again)
    eng_speculation_rounds_add (self->rounds, round, line->round.beside, line->round.first_token,
                                line->round.n_emitted);
  if (line->round.beside)
    return;
  eng_speculation_rounds_add_times (self->rounds, round);
  if (round->n_run > 1)
    return;
  add_sample (self->step_clean, ns);
  eng_profiler_add_clean (self->profiler, RT_PHASE_DECODE, 1, ns);
}

static void
take_piece (EngBoardRun *self, const EngTelemetryLine *line)
{
  EngSpeculationPiece piece = { line->piece.n_tokens, line->piece.ns, line->piece.plain_ns };

  if (self->rounds == NULL)
    return;
  g_array_append_val (self->rounds->pieces, piece);
  self->rounds->n_compared += line->piece.n_compared;
  self->rounds->n_differing += line->piece.n_differing;
}

static void
take_scores (EngBoardRun *self, const EngTelemetryLine *line)
{
  g_autoptr (GError) error = NULL;

  if (!eng_board_work_take_scores (self->work, line->scores.window, line->scores.bytes,
                                   line->scores.n_bytes, &error))
    refuse (self, error->message);
}

static void
take_costs (EngBoardRun *self, const EngTelemetryLine *line)
{
  memcpy (self->verify_ns, line->costs.verify_ns, sizeof self->verify_ns);
}

static void
on_line (const EngTelemetryLine *line, gpointer user_data)
{
  EngBoardRun *self = user_data;
  static void (*const take[ENG_N_TELEMETRY_KINDS]) (EngBoardRun *, const EngTelemetryLine *) = {
    [ENG_TELEMETRY_HELLO] = take_hello,     [ENG_TELEMETRY_BOARD] = take_board,
    [ENG_TELEMETRY_BUILD] = take_build,     [ENG_TELEMETRY_STAGE] = take_stage,
    [ENG_TELEMETRY_PASS] = take_pass,       [ENG_TELEMETRY_TRACE] = take_trace,
    [ENG_TELEMETRY_TOKEN] = take_token,     [ENG_TELEMETRY_OUTPUT] = take_output,
    [ENG_TELEMETRY_STATE] = take_state,     [ENG_TELEMETRY_ENERGY] = take_energy,
    [ENG_TELEMETRY_ERROR] = take_error,     [ENG_TELEMETRY_END] = take_end,
    [ENG_TELEMETRY_SKIPPED] = take_skipped, [ENG_TELEMETRY_REPEATS] = take_repeats,
    [ENG_TELEMETRY_ROUND] = take_round,     [ENG_TELEMETRY_PIECE] = take_piece,
    [ENG_TELEMETRY_COSTS] = take_costs,     [ENG_TELEMETRY_SCORES] = take_scores,
  };

  if (self->first_line_us == 0)
    self->first_line_us = g_get_monotonic_time ();
  self->last_ns = MAX (self->last_ns, line->t_ns);
  /* Figures of something else than what was asked for are none. */
  if (self->refused == NULL || line->kind == ENG_TELEMETRY_ERROR || line->kind == ENG_TELEMETRY_END)
    take[line->kind](self, line);
}

/* ---- Life ---- */

EngBoardRun *
eng_board_run_new (EngBoardWork *work, EngProfiler *profiler, const EngRunEvents *events)
{
  g_return_val_if_fail (work != NULL, NULL);

  EngBoardRun *self = g_new0 (EngBoardRun, 1);
  EngBuild *build = eng_board_work_get_build (work);

  self->work = work;
  self->events = events;
  if (profiler == NULL)
    self->own_profiler = eng_profiler_new (build, WINDOW);
  else
    eng_profiler_set_build (profiler, build);
  self->profiler = profiler != NULL ? profiler : self->own_profiler;
  self->telemetry = eng_telemetry_new (on_line, self);
  self->progress = -1;
  self->prefill = samples_new ();
  self->first_token = samples_new ();
  self->step_clean = samples_new ();
  self->token_clean = samples_new ();
  self->step_traced = samples_new ();
  self->overhead = samples_new ();
  self->inference = samples_new ();
  self->nodes = samples_new ();
  self->last_clean_ns = self->last_nodes_ns = NAN;
  self->tokens = g_array_new (FALSE, FALSE, sizeof (gint32));
  self->states = g_array_new (FALSE, FALSE, sizeof (EngConditionsSample));
  self->windows = g_array_new (FALSE, FALSE, sizeof (EngBoardWindow));
  self->n_throttled = -1;
  if (eng_board_work_drafts (work))
    self->rounds = eng_speculation_rounds_new (build, FALSE);
  self->begin_s = g_get_real_time () / G_USEC_PER_SEC;
  eng_stream_init (&self->stream);
  return self;
}

void
eng_board_run_free (EngBoardRun *self)
{
  if (self == NULL)
    return;
  GArray *const arrays[]
      = { self->prefill,     self->first_token, self->step_clean, self->token_clean,
          self->step_traced, self->overhead,    self->inference,  self->nodes,
          self->tokens,      self->states,      self->windows };
  for (guint i = 0; i < G_N_ELEMENTS (arrays); i++)
    g_array_unref (arrays[i]);
  char *const texts[]
      = { self->isa,        self->machine, self->runner, self->stage,        self->status,
          self->error_code, self->refused, self->meter,  self->error_message };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free (texts[i]);
  eng_board_unref (self->board);
  eng_speculation_rounds_free (self->rounds);
  eng_stream_clear (&self->stream);
  eng_telemetry_free (self->telemetry);
  eng_profiler_free (self->own_profiler);
  g_free (self);
}

EngTelemetry *
eng_board_run_get_telemetry (EngBoardRun *self)
{
  return self->telemetry;
}

double
eng_board_run_get_progress (EngBoardRun *self)
{
  return self->progress;
}

gint64
eng_board_run_get_first_line_us (EngBoardRun *self)
{
  return self->first_line_us;
}
