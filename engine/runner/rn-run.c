/* A run from its files to its last line: opens, checks memory, prepares, measures, tells. Called by
 * main and by `start`; the passes themselves are in rn-text.c and rn-inputs.c. */
#include "rn-run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kn-cpu.h"
#include "kn-table.h"
#include "rn-machine.h"
#include "rn-memory.h"
#include "rn-tell.h"
#include "rn-version.h"

#define PROGRESS_NS 500000000ull
#define SCORE_TOKENS 32

/* ---- Telling ---- */

static void
tell (RnRun *self)
{
  rn_output_send (self->output, &self->line, RN_LINE_NORMAL);
}

void
rn_run_stage (RnRun *self, const char *stage, double progress)
{
  rn_output_set_stage (self->output, stage);
  rn_line_begin (&self->line, "stage");
  rn_line_string (&self->line, "stage", stage);
  rn_line_number (&self->line, "progress", progress < 0 ? NAN : progress);
  tell (self);
}

void
rn_run_progress (RnRun *self, double progress)
{
  uint64_t now = rt_now_ns ();

  if (now < self->next_progress_ns)
    return;
  self->next_progress_ns = now + PROGRESS_NS;
  rn_run_stage (self, rn_output_stage (self->output), progress < 1 ? progress : 1);
}

const char *
rn_phase_name (RtPhase phase)
{
  static const char *const names[RT_N_PHASES] = { "prefill", "decode", "inference" };
  return names[phase];
}

void
rn_run_tell_pass (RnRun *self, const RnPass *pass)
{
  RnLine *line = &self->line;

  rn_line_begin (line, "pass");
  rn_line_string (line, "phase", rn_phase_name (pass->phase));
  rn_line_bool (line, "traced", pass->traced);
  rn_line_uint (line, "n_tokens", pass->n_tokens);
  rn_line_uint (line, "position", pass->position);
  rn_line_uint (line, "ns", pass->ns);
  if (pass->traced)
    rn_line_number (line, "nodes_ns", pass->nodes_ns);
  if (pass->token_ns > 0)
    rn_line_uint (line, "token_ns", pass->token_ns);
  if (pass->total_ns > 0)
    rn_line_uint (line, "total_ns", pass->total_ns);
  if (pass->first_token_ns > 0)
    rn_line_uint (line, "first_token_ns", pass->first_token_ns);
  if (pass->chunk_tokens > 0)
    {
      rn_line_uint (line, "chunk_tokens", pass->chunk_tokens);
      rn_line_uint (line, "chunk_ns", pass->chunk_ns);
    }
  tell (self);
}

static void
tell_error (RnRun *self, const RtError *error)
{
  rn_line_begin (&self->line, "error");
  rn_line_string (&self->line, "code", rn_error_code (error->status));
  rn_line_string (&self->line, "where", self->where);
  rn_line_string (&self->line, "message", error->message);
  rn_output_send_patiently (self->output, &self->line, 1000000000);
}

static void
tell_hello (RnRun *self)
{
  RnLine *line = &self->line;

  rn_line_begin (line, "hello");
  rn_line_uint (line, "telemetry", RN_TELEMETRY_VERSION);
  rn_line_string (line, "runner", RN_VERSION);
  rn_line_string (line, "machine", RN_MACHINE);
  rn_line_string (line, "isa", kn_level_name (kn_table ()->level));
  rn_line_int (line, "pid", (int64_t)getpid ());
  rn_line_string (line, "command", self->config->command);
  tell (self);
}

static void
tell_board (RnRun *self)
{
  rn_line_begin (&self->line, "board");
  rn_machine_fill_board (&self->line, self->sensors, ".");
  tell (self);
}

static void
tell_build (RnRun *self, const char *file_sha256)
{
  RnLine *line = &self->line;
  RtMemory memory;

  rt_exec_memory (self->exec, &memory);
  rn_line_begin (line, "build");
  rn_line_string (line, "build_sha256", self->build.config.hash);
  rn_line_string (line, "file_sha256", file_sha256);
  rn_line_uint (line, "n_nodes", rt_graph_n_nodes (self->build.graph));
  rn_line_uint (line, "n_threads", self->n_threads);
  rn_line_uint (line, "weight_bytes", memory.weight_bytes);
  rn_line_uint (line, "activation_bytes", memory.activation_bytes);
  rn_line_uint (line, "scratch_bytes", memory.scratch_bytes);
  rn_line_uint (line, "kv_bytes", memory.kv_bytes);
  rn_line_uint (line, "trace_bytes", memory.trace_bytes);
  tell (self);
}

/* ---- Passes ---- */

bool
rn_run_begin_pass (RnRun *self, bool traced)
{
  if (rn_stop_reason () != RN_STOP_NONE)
    {
      self->cancelled = true;
      return false;
    }
  rt_exec_set_tracing (self->exec, traced);
  if (!traced)
    rn_output_set_quiet (self->output, true);
  return true;
}

void
rn_run_end_pass (RnRun *self)
{
  rn_output_set_quiet (self->output, false);
}

/* ---- Preparing ---- */

static bool
open_files (RnRun *self, RtError *error)
{
  rn_run_stage (self, "open", -1);
  self->where = "work file";
  if (!rt_work_open (self->config->work_path, &self->work, error))
    return false;
  self->where = "build file";
  if (!rn_memory_check_file (self->config->build_path, error))
    return false;
  rn_run_stage (self, "verify", -1);
  return rt_build_open (self->config->build_path, &self->build, error);
}

static bool
check_kind (RnRun *self, RtError *error)
{
  bool is_text = self->work.kind != RT_WORK_INPUTS;

  self->where = "work file";
  return is_text == self->build.config.is_language
         || rt_fail (error, RT_ERROR_UNSUPPORTED,
                     is_text ? "%s is a network: it takes inputs (tensors), not a prompt"
                             : "%s is a language model: it takes a prompt, not inputs",
                     self->config->build_path);
}

static uint32_t
choose_threads (const RnRun *self)
{
  uint32_t n_cpus = rt_n_cpus (), n = self->work.n_threads;

  if (n == 0) /* as on the computer that made it, unless the board has fewer processors */
    n = self->build.config.n_threads < n_cpus ? self->build.config.n_threads : n_cpus;
  return n < RT_MAX_THREADS ? n : RT_MAX_THREADS;
}

/* Every token of a window is asked for: logits of a whole run, of few enough tokens that they take
 * little memory. */
static void
plan_scores (RtBuildConfig *config)
{
  if (config->max_symbols[0] > SCORE_TOKENS)
    config->max_symbols[0] = SCORE_TOKENS;
  config->max_symbols[1] = config->max_symbols[0];
}

static bool
prepare (RnRun *self, RtError *error)
{
  const RtBuildConfig *build = &self->build.config;
  RtExecConfig config = { .graph = self->build.graph,
                          .weights = self->build.weights,
                          .kv_format = build->kv_format,
                          .kv_capacity = build->kv_capacity,
                          .planner = build->planner };

  rn_run_stage (self, "prepare", -1);
  if (self->work.kind == RT_WORK_SCORES)
    plan_scores (&self->build.config);
  memcpy (config.max_symbols, build->max_symbols, sizeof config.max_symbols);
  self->n_threads = choose_threads (self);
  self->where = "memory";
  if (!rn_memory_check_build (&self->build, self->n_threads, error))
    return false;
  self->where = "threads";
  self->pool = rt_pool_new (self->n_threads, error);
  if (self->pool == NULL)
    return false;
  config.pool = self->pool;
  self->where = "executor";
  self->exec = rt_exec_new (&config, error);
  if (self->exec == NULL)
    return false;
  rn_stop_set_exec (self->exec);
  self->trace = rn_trace_new (self->exec, rt_graph_n_nodes (self->build.graph), self->n_threads);
  if (self->trace == NULL)
    return rt_fail (error, RT_ERROR_MEMORY, "No memory for the trace's records");
  return true;
}

/* The sum that the file says of itself, which opening has found to be true. */
static void
read_file_sum (const RnRun *self, char text[2 * RT_SHA256_BYTES + 1])
{
  rt_sha256_text ((const uint8_t *)self->build.mapping + 32, text);
}

/* What operators left out of their work because of what the activations were. */
static void
tell_skipped (RnRun *self)
{
  for (RtNodeId n = 0; n < rt_graph_n_nodes (self->build.graph); n++)
    {
      RtTally tally = rt_exec_tally (self->exec, n);
      if (tally.n_all == 0)
        continue;
      rn_line_begin (&self->line, "skipped");
      rn_line_uint (&self->line, "node", n);
      rn_line_uint (&self->line, "n_skipped", tally.n_skipped);
      rn_line_uint (&self->line, "n_all", tally.n_all);
      tell (self);
    }
}

static bool
measure (RnRun *self, RtError *error)
{
  char sum[2 * RT_SHA256_BYTES + 1];

  tell_hello (self);
  tell_board (self);
  if (!open_files (self, error) || !check_kind (self, error) || !prepare (self, error))
    return false;
  read_file_sum (self, sum);
  tell_build (self, sum);
  static bool (*const runs[]) (RnRun *, RtError *) = {
    [RT_WORK_TEXT] = rn_text_run, [RT_WORK_INPUTS] = rn_inputs_run, [RT_WORK_SCORES] = rn_scores_run
  };
  bool ok = runs[self->work.kind](self, error);
  if (ok && !self->cancelled)
    {
      tell_skipped (self);
      rn_run_stage (self, "done", 1);
    }
  return ok;
}

static void
clear (RnRun *self)
{
  rn_stop_set_exec (NULL);
  rn_trace_free (self->trace);
  rt_exec_free (self->exec);
  rt_pool_free (self->pool);
  rt_build_close (&self->build);
  rt_work_close (&self->work);
  rt_sensors_free (self->sensors);
  rn_line_clear (&self->line);
}

static const char *
get_stage (void *data)
{
  RnRun *self = data;
  return rn_output_stage (self->output);
}

/* ---- The run ---- */

static int
finish (RnRun *self, bool ok, RtError *error)
{
  RtError output_error = { 0 };
  const char *status = "complete";
  int code = 0;

  if (self->cancelled || (!ok && error->status == RT_ERROR_CANCELLED))
    {
      status = "cancelled";
      code = 3;
      if (rn_stop_reason () == RN_STOP_ASKED)
        {
          self->where = rn_output_stage (self->output);
          rt_fail (error, RT_ERROR_CANCELLED, "The run was stopped while it did \"%s\"",
                   self->where);
          tell_error (self, error);
        }
    }
  else if (!ok)
    {
      status = "failed";
      code = 1;
      tell_error (self, error);
    }
  if (!rn_output_end (self->output, status, &output_error))
    {
      fprintf (stderr, "lathe-runner: %s\n", output_error.message);
      code = 1;
    }
  return code;
}

int
rn_run (const RnRunConfig *config)
{
  RnRun self = { .config = config, .start_ns = rt_now_ns (), .where = "runner" };
  RnPulse pulse = { 0 };
  RtError error = { 0 };

  self.sensors = rt_sensors_new ("/");
  if (self.sensors == NULL)
    {
      fprintf (stderr, "lathe-runner: no memory\n");
      return 1;
    }
  pulse.sensors = self.sensors;
  pulse.stage = get_stage;
  pulse.stage_data = &self;
  self.output = rn_output_new (&(RnOutputConfig){ .fd = config->fd,
                                                  .log = config->log,
                                                  .n_bytes = config->buffer_bytes,
                                                  .start_ns = self.start_ns,
                                                  .state = rn_machine_fill_state,
                                                  .state_data = &pulse },
                               &error);
  if (self.output == NULL)
    {
      fprintf (stderr, "lathe-runner: %s\n", error.message);
      clear (&self);
      return 1;
    }
  bool ok = measure (&self, &error);
  int code = finish (&self, ok, &error);
  clear (&self);
  return code;
}
