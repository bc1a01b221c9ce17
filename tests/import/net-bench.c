/* Times a network for tests/peers/bench_litert.py, which asks for it in turn with another program.
 *
 *   net-bench [-t THREADS] MODEL [INPUT.raw...]
 *
 * Reads commands from stdin, a line each, and answers each with one line of JSON:
 *
 *   time N    runs it N times          {"ns": [N times, of the run alone]}
 *   layers N  the same, traced         {"layers": [{"name", "op", "ns" (median), "ops", "bytes"}]}
 *   roofs                              {"ops_per_ns", "bytes_per_ns": of as many threads}
 *
 * Bytes are weights, inputs and outputs once each; the read roof is that of a buffer as large as
 * all weights and activations of the network, so of the cache that they fit in. */
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eng-error.h"
#include "eng-format.h"
#include "kn-roof.h"
#include "net-runner.h"

#define ROOF_REPEATS 7
#define ROOF_MIN_BYTES (64 << 10)

static int n_threads = 1;
static char **arguments;

static GOptionEntry entries[] = {
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "threads", "N" },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments, NULL, NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

G_NORETURN static void
fail (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vfprintf (stderr, format, args);
  va_end (args);
  fputc ('\n', stderr);
  exit (2);
}

static EngImported *
import_model (const char *path)
{
  g_autoptr (GError) error = NULL;
  const EngFormat *format = eng_format_of_file (path, &error);

  if (!format)
    fail ("%s: %s", path, error ? error->message : "no format that is known");
  EngImported *imported = format->load (path, NULL, 0, NULL, &error);
  if (!imported)
    fail ("%s", error->message);
  if (imported->report[0])
    fail ("%s", imported->report[0]);
  return imported;
}

static void
read_inputs (NetRunner *net, char **paths)
{
  if (g_strv_length (paths) != net->imported->n_inputs)
    fail ("the network has %u inputs", net->imported->n_inputs);
  for (guint i = 0; i < net->imported->n_inputs; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *data = NULL;
      const RtValueId id = net_runner_value (net, &net->imported->inputs[i]);
      gsize n;

      if (!g_file_get_contents (paths[i], &data, &n, &error))
        fail ("%s", error->message);
      if (n != net_runner_bytes (net, id))
        fail ("%s has %zu bytes, expected %zu", paths[i], n, net_runner_bytes (net, id));
      rt_exec_set_input (net->exec, id, data);
    }
}

static guint64
infer (NetRunner *net)
{
  RtError error = { 0 };
  const guint64 start = rt_now_ns ();

  if (!rt_exec_infer (net->exec, NULL, RT_PHASE_INFERENCE, &error))
    fail ("%s", error.message);
  return rt_now_ns () - start;
}

static void
answer_time (NetRunner *net, guint n)
{
  g_autofree guint64 *ns = g_new (guint64, n);

  for (guint i = 0; i < n; i++)
    ns[i] = infer (net);
  printf ("{\"ns\": [");
  for (guint i = 0; i < n; i++)
    printf ("%s%" G_GUINT64_FORMAT, i ? ", " : "", ns[i]);
  printf ("]}\n");
}

/* ---- layers ---- */

/* How long each node lasted in the run that the rings hold: [n_nodes], 0 for those that did
 * nothing. */
static void
read_durations (NetRunner *net, guint64 *durations)
{
  const guint n_nodes = rt_graph_n_nodes (net->graph);
  g_autofree guint64 *starts = g_new0 (guint64, n_nodes);
  RtTraceRecord records[256];
  guint64 n_lost = 0;

  memset (durations, 0, n_nodes * sizeof *durations);
  for (int t = 0; t < n_threads; t++)
    for (gsize n; (n = rt_trace_ring_read (rt_exec_trace (net->exec, (uint32_t)t), records,
                                           G_N_ELEMENTS (records), &n_lost))
                  > 0;)
      for (gsize i = 0; i < n; i++)
        {
          const RtTraceRecord *r = &records[i];
          if (starts[r->node] == 0 || r->start_ns < starts[r->node])
            starts[r->node] = r->start_ns;
          durations[r->node] = r->end_ns - starts[r->node];
        }
  if (n_lost > 0)
    fail ("%" G_GUINT64_FORMAT " trace records were lost", n_lost);
}

static int
compare_u64 (const void *a, const void *b)
{
  const guint64 x = *(const guint64 *)a, y = *(const guint64 *)b;

  return (x > y) - (x < y);
}

static void
print_name (const char *name)
{
  g_autofree char *escaped = g_strescape (name, NULL);

  printf ("\"%s\"", escaped);
}

static void
answer_layers (NetRunner *net, guint n)
{
  const guint n_nodes = rt_graph_n_nodes (net->graph);
  g_autofree guint64 *all = g_new (guint64, (gsize)n * n_nodes);
  g_autofree guint64 *one = g_new (guint64, MAX (n, n_nodes));

  rt_exec_set_tracing (net->exec, TRUE);
  for (guint r = 0; r < n; r++)
    {
      infer (net);
      read_durations (net, one);
      for (guint i = 0; i < n_nodes; i++)
        all[(gsize)i * n + r] = one[i];
    }
  rt_exec_set_tracing (net->exec, FALSE);

  printf ("{\"layers\": [");
  for (guint i = 0; i < n_nodes; i++)
    {
      const RtNode *node = rt_graph_node (net->graph, i);
      RtCost cost;

      rt_exec_cost (net->exec, i, 0, 0, &cost);
      qsort (all + (gsize)i * n, n, sizeof *all, compare_u64);
      printf ("%s{\"name\": ", i ? ", " : "");
      print_name (node->name);
      printf (", \"op\": \"%s\", \"ns\": %" G_GUINT64_FORMAT ", \"ops\": %" G_GUINT64_FORMAT
              ", \"bytes\": %" G_GUINT64_FORMAT "}",
              node->op->name, all[(gsize)i * n + n / 2], cost.flops,
              cost.weight_bytes + cost.read_bytes + cost.write_bytes);
    }
  printf ("]}\n");
}

/* ---- roofs ---- */

typedef struct
{
  const guint8 *buffer; /* NULL: arithmetic */
  gsize slice_bytes;
  guint64 work[RT_MAX_THREADS], sink[RT_MAX_THREADS];
} RoofJob;

static void
roof_chunk (const RtWorker *worker, void *data, uint32_t phase, uint32_t i)
{
  RoofJob *job = data;

  if (!job->buffer)
    {
      job->sink[i] = (guint64)kn_roof_dot_i8 (200000, &job->work[i]);
      return;
    }
  const gsize n_rounds = MAX (1, (gsize)(32 << 20) / job->slice_bytes);
  for (gsize r = 0; r < n_rounds; r++)
    job->sink[i] += kn_roof_read (job->buffer + i * job->slice_bytes, job->slice_bytes, 1);
  job->work[i] = n_rounds * job->slice_bytes;
}

static double
measure_roof (NetRunner *net, RoofJob *job)
{
  double best = 0;

  for (int repeat = 0; repeat < ROOF_REPEATS; repeat++)
    {
      const guint64 start = rt_now_ns ();
      guint64 work = 0;

      rt_pool_run (net->pool, &(RtJob){ .n_phases = 1,
                                        .n_chunks = (uint32_t)n_threads,
                                        .chunk = roof_chunk,
                                        .data = job });
      const guint64 ns = MAX (rt_now_ns () - start, 1);
      for (int i = 0; i < n_threads; i++)
        work += job->work[i];
      best = MAX (best, (double)work / (double)ns);
    }
  return best;
}

static void
answer_roofs (NetRunner *net)
{
  RoofJob job = { 0 };
  RtMemory memory;

  const double ops = measure_roof (net, &job);
  rt_exec_memory (net->exec, &memory);
  const gsize bytes = MAX (memory.weight_bytes + memory.activation_bytes, ROOF_MIN_BYTES);
  job.slice_bytes = (bytes / (gsize)n_threads + 255) / 256 * 256;
  guint8 *buffer = aligned_alloc (256, job.slice_bytes * (gsize)n_threads);
  if (!buffer)
    fail ("no memory");
  memset (buffer, 1, job.slice_bytes * (gsize)n_threads);
  job.buffer = buffer;
  printf ("{\"ops_per_ns\": %.3f, ", ops);
  printf ("\"bytes_per_ns\": %.3f}\n", measure_roof (net, &job));
  free (buffer);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("MODEL [INPUT.raw...]");
  g_autoptr (GError) error = NULL;
  RtError rt_error = { 0 };
  NetRunner net;
  char line[64];
  guint n;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    fail ("%s", error->message);
  if (!arguments || n_threads < 1 || n_threads > RT_MAX_THREADS)
    fail ("usage: net-bench [-t THREADS] MODEL [INPUT.raw...]");
  EngImported *imported = import_model (arguments[0]);
  if (!net_runner_init (&net, imported, (guint)n_threads, FALSE, FALSE, &rt_error))
    fail ("%s", rt_error.message);
  read_inputs (&net, arguments + 1);

  while (fgets (line, sizeof line, stdin))
    {
      if (sscanf (line, "time %u", &n) == 1 && n > 0)
        answer_time (&net, n);
      else if (sscanf (line, "layers %u", &n) == 1 && n > 0)
        answer_layers (&net, n);
      else if (g_str_has_prefix (line, "roofs"))
        answer_roofs (&net);
      else
        fail ("unknown command: %s", line);
      fflush (stdout);
    }
  net_runner_clear (&net);
  eng_imported_free (imported);
  g_strfreev (arguments);
  return 0;
}
