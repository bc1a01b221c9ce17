/* Runs the network of the image on the inputs of a work file and tells what it measures: every
 * input once, clean and traced inferences in turn, then the last one again until the budget is
 * spent. Inputs are read straight to where the network wants them, outside of what is timed; during
 * a pass nothing is written. */
#include "board-work.h"
#include "board.h"

#include "mc-network.h"

/* Nodes whose times are kept; whoever builds the image knows how many there are. */
#ifndef BOARD_TRACE_NODES
#define BOARD_TRACE_NODES 64
#endif

/* Traced inferences that layers rest on at least, clean ones of which an interval is believed, and
 * those that are enough for anything. */
#define FEWEST_TRACED 7
#define FEWEST_NARROW 30
#define MOST_PASSES 2000
#define SECOND_NS 1000000000u

/* One node in one pass, in cycles from the pass's start. */
typedef struct
{
  uint32_t start, work, end;
} NodeTime;

static NodeTime times[BOARD_TRACE_NODES];
static Work work;
static uint32_t n_clean, n_traced, n_lost;
static uint32_t fewest_cycles, most_cycles; /* of clean ones */
static uint64_t state_ns; /* when the next heartbeat is due */
static const char *stage = "open";

static void
enter (const char *name, uint32_t done, uint32_t all)
{
  stage = name;
  tell_stage (name, done, all);
}

/* ---- one inference ---- */

static uint32_t
pass_cycles (void)
{
  const uint64_t start = clock_cycles ();

  mc_network_run (&mc_network);
  return (uint32_t)(clock_cycles () - start);
}

static void
add_time (int32_t node, uint32_t start, uint32_t end)
{
  if (node < 0 || node >= BOARD_TRACE_NODES)
    {
      n_lost++;
      return;
    }
  if (times[node].end == 0)
    times[node].start = start;
  times[node].work += end - start;
  times[node].end = end;
}

static uint32_t
traced_pass_cycles (void)
{
  const uint64_t first = clock_cycles ();
  uint32_t start = 0, end = 0;

  for (int32_t i = 0; i < mc_network.n_layers; i++)
    {
      start = (uint32_t)(clock_cycles () - first);
      mc_network.layers[i].run ();
      end = (uint32_t)(clock_cycles () - first);
      add_time (mc_network.layers[i].node, start, end);
    }
  return end;
}

static void
tell_trace (uint64_t begin_ns)
{
  line_begin ("trace");
  line_string ("phase", "inference");
  line_uint ("step", n_traced);
  line_uint ("n_tokens", 1);
  line_uint ("position", 0);
  line_uint ("lost", n_lost);
  line_uint ("begin_ns", begin_ns);
  line_open ("records", '[');
  for (int32_t node = 0; node < mc_network.n_nodes && node < BOARD_TRACE_NODES; node++)
    {
      const NodeTime *t = &times[node];

      if (t->end == 0)
        continue;
      line_open (NULL, '[');
      line_int (NULL, node);
      line_uint (NULL, 0);
      /* Start, no more work found, end (RtTraceRecord). What a node took in all of its patches is
       * told as one stretch from its first start on. */
      line_uint (NULL, clock_ns (t->start));
      line_uint (NULL, clock_ns (t->start + t->work));
      line_uint (NULL, clock_ns (t->start + t->work));
      line_close (']');
    }
  line_close (']');
  line_end ();
}

static uint64_t
nodes_ns (void)
{
  uint64_t sum = 0;

  for (int32_t node = 0; node < BOARD_TRACE_NODES; node++)
    sum += times[node].work;
  return clock_ns (sum);
}

static void
tell_pass (bool traced, uint32_t cycles)
{
  line_begin ("pass");
  line_string ("phase", "inference");
  line_bool ("traced", traced);
  line_uint ("n_tokens", 1);
  line_uint ("position", 0);
  line_uint ("ns", clock_ns (cycles));
  if (traced)
    line_uint ("nodes_ns", nodes_ns ());
  line_uint ("total_ns", clock_ns (cycles));
  line_uint ("cycles", cycles);
  line_end ();
}

static void
tell_state (void)
{
  const uint64_t now = clock_ns (clock_cycles ());
  const uint32_t stack = board_stack_used_bytes ();

  if (now < state_ns)
    return;
  state_ns = now + SECOND_NS;
  line_begin ("state");
  line_uint ("rss_bytes", board_ram_used_bytes () - board_stack_bytes () + stack);
  line_uint ("peak_rss_bytes", board_ram_used_bytes () - board_stack_bytes () + stack);
  line_uint ("available_bytes", BOARD_RAM_BYTES - board_ram_used_bytes ());
  line_uint ("clock_hz", BOARD_CLOCK_HZ);
  line_null ("temperature_c");
  line_uint ("own_cpus", 1);
  line_null ("others_cpus");
  line_null ("throttled");
  line_string ("stage", stage);
  line_uint ("stack_bytes", board_stack_bytes ());
  line_uint ("stack_used_bytes", stack);
  line_end ();
}

static void
infer (bool traced)
{
  const uint64_t begin_ns = clock_ns (clock_cycles ());
  uint32_t cycles;

  if (traced)
    {
      for (int32_t i = 0; i < BOARD_TRACE_NODES; i++)
        times[i] = (NodeTime){ 0 };
      cycles = traced_pass_cycles ();
      tell_trace (begin_ns);
    }
  else
    {
      cycles = pass_cycles ();
      if (n_clean == 0 || cycles < fewest_cycles)
        fewest_cycles = cycles;
      if (cycles > most_cycles)
        most_cycles = cycles;
    }
  tell_pass (traced, cycles);
  n_traced += traced;
  n_clean += !traced;
  tell_state ();
}

/* ---- inputs and outputs ---- */

static uint32_t
input_bytes (void)
{
  uint32_t n = 0;

  for (int32_t i = 0; i < mc_network.n_inputs; i++)
    n += mc_network.inputs[i].n_bytes;
  return n;
}

static bool
load (uint32_t index)
{
  bool ok = host_seek (work.file, work.data_at + index * input_bytes ());

  for (int32_t i = 0; ok && i < mc_network.n_inputs; i++)
    ok = host_read (work.file, mc_network.inputs[i].data, mc_network.inputs[i].n_bytes)
         == mc_network.inputs[i].n_bytes;
  if (!ok)
    tell_error ("io", "work", "An input cannot be read: the work file ends before its data does.");
  if (index % work.n_steps == 0 && mc_network.reset != NULL)
    mc_network.reset ();
  return ok;
}

static void
tell_outputs (uint32_t input)
{
  static const char *const types[] = { "I8", "U8", "I16", "I32", "F32" };

  for (int32_t i = 0; i < mc_network.n_outputs; i++)
    {
      const McTensor *y = &mc_network.outputs[i];

      line_begin ("output");
      line_uint ("input", input);
      line_string ("value", y->name);
      line_string ("type", types[y->type]);
      line_open ("shape", '[');
      for (int32_t d = 0; d < y->n_dims; d++)
        line_int (NULL, y->dims[d]);
      line_close (']');
      line_base64 ("base64", y->data, y->n_bytes);
      line_end ();
    }
}

/* ---- all of it ---- */

static bool
run_inputs (void)
{
  uint64_t next_ns = 0;

  for (uint32_t i = 0; i < work.n_inputs; i++)
    {
      const uint64_t now = clock_ns (clock_cycles ());

      if (now >= next_ns)
        {
          enter ("inputs", i, work.n_inputs);
          next_ns = now + SECOND_NS;
        }
      if (!load (i))
        return false;
      infer (i % 2 != 0);
      if (work.all_outputs || (work.last_output && i + 1 == work.n_inputs))
        tell_outputs (i);
    }
  return true;
}

/* Any interval of the median lies between the fastest pass and the slowest. There is no room for
 * the samples that the runner's own rule (rt-repeat.h) would look at; without a cache or an
 * operating system passes are alike. */
static bool
is_narrow (void)
{
  return work.interval_ppm > 0 && n_clean >= FEWEST_NARROW
         && (uint64_t)(most_cycles - fewest_cycles) * 1000000
                <= (uint64_t)fewest_cycles * work.interval_ppm;
}

/* Why another one is not needed; NULL: it is. */
static const char *
ended_by (uint64_t start_ns)
{
  const uint64_t spent_ns = clock_ns (clock_cycles ()) - start_ns;

  if (work.n_repeats > 0)
    return n_clean < work.n_repeats || (n_traced < FEWEST_TRACED && n_traced < work.n_repeats)
               ? NULL
               : "count";
  if (work.budget_ms == 0)
    return "budget";
  if (n_clean >= MOST_PASSES)
    return "count";
  if (n_traced < FEWEST_TRACED)
    return NULL;
  return is_narrow ()                                     ? "interval"
         : spent_ns < work.budget_ms * UINT64_C (1000000) ? NULL
                                                          : "budget";
}

static void
tell_repeats (const char *ended, uint64_t start_ns)
{
  line_begin ("repeats");
  line_string ("phase", "inference");
  line_string ("ended", ended);
  line_uint ("n_samples", n_clean);
  line_thousandths ("seconds", (uint32_t)((clock_ns (clock_cycles ()) - start_ns) / 1000000));
  line_null ("width");
  line_end ();
}

/* The last group of steps again and again. */
static bool
repeat_last (void)
{
  const uint64_t start_ns = clock_ns (clock_cycles ());
  const uint32_t first = work.n_inputs - work.n_steps;

  const char *ended;

  enter ("repeat", 0, 1);
  for (uint32_t i = 0; (ended = ended_by (start_ns)) == NULL; i++)
    {
      if (!load (first + i % work.n_steps))
        return false;
      infer (n_clean > n_traced);
    }
  tell_repeats (ended, start_ns);
  return true;
}

static void
tell_build (void)
{
  line_begin ("build");
  line_string ("name", mc_network.name);
  line_string ("build_sha256", mc_network.hash);
  line_string ("file_sha256", mc_network.hash);
  line_int ("n_nodes", mc_network.n_nodes);
  line_uint ("n_threads", 1);
  line_uint ("weight_bytes", mc_network.weight_bytes);
  line_uint ("activation_bytes", mc_network.activation_bytes);
  line_uint ("scratch_bytes", mc_network.scratch_bytes);
  line_uint ("kv_bytes", 0);
  line_end ();
}

static bool
same_text (const char *a, const char *b)
{
  while (*a != '\0' && *a == *b)
    a++, b++;
  return *a == *b;
}

static bool
run_work (const char *path)
{
  enter ("open", 0, 0);
  if (!same_text (mc_network.isa, mc_isa_name ()))
    {
      tell_error ("unsupported", "build",
                  "The network was generated for other instructions than its kernels were compiled "
                  "for.");
      return false;
    }
  if (!work_open (&work, path))
    return false;
  if (work.data_bytes / work.n_inputs != input_bytes () || work.data_bytes % work.n_inputs != 0)
    {
      tell_error ("range", "work",
                  "The inputs of the work file have another size than the network's: it is of "
                  "another model.");
      return false;
    }
  const bool ok = run_inputs () && repeat_last ();
  host_close (work.file);
  state_ns = 0;
  enter ("done", 1, 1);
  tell_state ();
  return ok;
}

/* "PROGRAM WORK-FILE", or "PROGRAM --board" for what the board is. */
int
board_main (void)
{
  static char command[512];
  const char *path = command;

  host_command_line (command, sizeof command);
  while (*path != '\0' && *path != ' ')
    path++;
  while (*path == ' ')
    path++;
  const bool is_board = same_text (path, "--board");
  tell_hello (is_board ? "board" : "run");
  tell_board ();
  if (is_board)
    {
      tell_end ("complete");
      return 0;
    }
  tell_build ();
  if (*path == '\0')
    tell_error ("io", "work",
                "No work file was named: give the program's command line as PROGRAM FILE.");
  const bool ok = *path != '\0' && run_work (path);
  tell_end (ok ? "complete" : "failed");
  return ok ? 0 : 1;
}
