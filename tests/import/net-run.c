/* Runs a network of any format on raw tensors, for the scripts that compare it with other programs.
 *
 *   net-run [-t THREADS] [-r] [-a] [-n RUNS] [-d NAME=SIZE]... MODEL FOLDER [INPUT.raw...]
 *
 * Inputs are raw bytes, one file per input of the network in its order; a file that holds k times
 * as many bytes gives k runs after one another (states move on). Without files: only the import,
 * and the lines of the inputs. Writes FOLDER/index.tsv, a line per tensor
 *
 *   kind (input, output, value)  name  type  dims (1x2x3)  file
 *
 * and the raw bytes of outputs, of all runs after one another; with -a also those of every value in
 * between. Prints lines of the import report to stderr, and exits 3 when there are some and
 * the network was to be run. -n: run the whole sequence again, and print the median milliseconds of
 * a run. -r: the plain references instead of the kernels. */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eng-error.h"
#include "eng-format.h"
#include "net-runner.h"

static int n_threads = 1, n_repeats;
static gboolean use_reference, dump_all;
static char **dim_options, **arguments;

static GOptionEntry entries[] = {
  { "threads", 't', 0, G_OPTION_ARG_INT, &n_threads, "threads", "N" },
  { "reference", 'r', 0, G_OPTION_ARG_NONE, &use_reference, "plain references", NULL },
  { "all", 'a', 0, G_OPTION_ARG_NONE, &dump_all, "also the values in between", NULL },
  { "repeat", 'n', 0, G_OPTION_ARG_INT, &n_repeats, "time this many more rounds", "N" },
  { "dim", 'd', 0, G_OPTION_ARG_STRING_ARRAY, &dim_options, "size of a dynamic dimension",
    "NAME=SIZE" },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments, NULL, NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

typedef struct
{
  EngImported *imported;
  NetRunner net;
  guint n_inputs;
  char **data; /* [n_inputs] bytes of all runs */
  gsize n_runs;
} Run;

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

/* ---- Preparing ---- */

static EngImported *
import_model (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) dims = g_array_new (FALSE, FALSE, sizeof (EngDimSize));
  const EngFormat *format = eng_format_of_file (path, &error);

  if (!format)
    fail ("%s: %s", path, error ? error->message : "no format that is known");
  for (guint i = 0; dim_options && dim_options[i]; i++)
    {
      char *equals = strrchr (dim_options[i], '=');
      if (!equals)
        fail ("-d wants NAME=SIZE");
      *equals = '\0';
      EngDimSize dim = { dim_options[i], g_ascii_strtoll (equals + 1, NULL, 10) };
      g_array_append_val (dims, dim);
    }
  EngImported *imported
      = format->load (path, (const EngDimSize *)(void *)dims->data, dims->len, NULL, &error);
  if (!imported)
    fail ("%s", error->message);
  for (guint i = 0; imported->report[i]; i++)
    fprintf (stderr, "%s\n", imported->report[i]);
  return imported;
}

static void
prepare (Run *run)
{
  RtError error = { 0 };

  if (!net_runner_init (&run->net, run->imported, (guint)n_threads, use_reference, dump_all,
                        &error))
    fail ("%s", error.message);
}

static void
read_inputs (Run *run, char **paths)
{
  run->n_runs = 1;
  run->n_inputs = run->imported->n_inputs;
  run->data = g_new0 (char *, run->n_inputs + 1);
  if (g_strv_length (paths) != run->n_inputs)
    fail ("the network has %u inputs", run->n_inputs);
  for (guint i = 0; i < run->n_inputs; i++)
    {
      gsize n, one = net_runner_bytes (&run->net,
                                       net_runner_value (&run->net, &run->imported->inputs[i]));
      g_autoptr (GError) error = NULL;
      if (!g_file_get_contents (paths[i], &run->data[i], &n, &error))
        fail ("%s", error->message);
      if (one == 0 || n % one != 0 || n == 0)
        fail ("%s has %" G_GSIZE_FORMAT " bytes, not a multiple of %" G_GSIZE_FORMAT, paths[i], n,
              one);
      if (i > 0 && n / one != run->n_runs)
        fail ("%s gives another number of runs", paths[i]);
      run->n_runs = n / one;
    }
}

/* ---- Running and writing ---- */

typedef struct
{
  const char *kind, *name;
  RtValueId id;
  FILE *file;
} Sink;

static void
add_sink (Run *run, GArray *sinks, FILE *index, const char *folder, const char *kind,
          const char *name, RtValueId id)
{
  const RtValue *value = rt_graph_value (run->net.graph, id);
  g_autofree char *file = g_strdup_printf ("%s%u.raw", kind, sinks->len);
  g_autofree char *path = g_build_filename (folder, file, NULL);
  Sink sink = { kind, name, id, g_fopen (path, "wb") };

  if (!sink.file)
    fail ("%s cannot be written", path);
  fprintf (index, "%s\t%s\t%s\t", kind, name, rt_type_name (value->type));
  for (guint d = 0; d < value->shape.n_dims; d++)
    fprintf (index, "%s%" G_GINT64_FORMAT, d ? "x" : "", (gint64)value->shape.dims[d]);
  fprintf (index, "\t%s\n", file);
  g_array_append_val (sinks, sink);
}

/* Lines of the network's inputs, which have no file. */
static void
list_inputs (const EngImported *imported, FILE *index)
{
  for (guint i = 0; i < imported->n_inputs; i++)
    {
      const RtValue *value = rt_graph_value (imported->graph, imported->inputs[i].value);
      fprintf (index, "input\t%s\t%s\t", imported->inputs[i].name, rt_type_name (value->type));
      for (guint d = 0; d < value->shape.n_dims; d++)
        fprintf (index, "%s%" G_GINT64_FORMAT, d ? "x" : "", (gint64)value->shape.dims[d]);
      fprintf (index, "\t\n");
    }
}

static FILE *
open_index (const EngImported *imported, const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "index.tsv", NULL);
  FILE *index = g_mkdir_with_parents (folder, 0777) == 0 ? g_fopen (path, "w") : NULL;

  if (!index)
    fail ("%s cannot be written", path);
  list_inputs (imported, index);
  return index;
}

static void
infer (Run *run, gsize number)
{
  RtError error = { 0 };

  for (guint i = 0; i < run->n_inputs; i++)
    {
      RtValueId id = net_runner_value (&run->net, &run->imported->inputs[i]);
      rt_exec_set_input (run->net.exec, id,
                         run->data[i] + number * net_runner_bytes (&run->net, id));
    }
  if (!rt_exec_infer (run->net.exec, NULL, RT_PHASE_INFERENCE, &error))
    fail ("%s", error.message);
}

static void
run_and_write (Run *run, const char *folder)
{
  g_autoptr (GArray) sinks = g_array_new (FALSE, FALSE, sizeof (Sink));
  FILE *index = open_index (run->imported, folder);

  for (guint i = 0; i < run->imported->n_outputs; i++)
    add_sink (run, sinks, index, folder, "output", run->imported->outputs[i].name,
              net_runner_value (&run->net, &run->imported->outputs[i]));
  for (RtValueId id = 0; dump_all && id < rt_graph_n_values (run->net.graph); id++)
    if (rt_graph_value (run->net.graph, id)->kind == RT_VALUE_OUTPUT)
      add_sink (run, sinks, index, folder, "value", rt_graph_value (run->net.graph, id)->name, id);
  fclose (index);
  for (gsize r = 0; r < run->n_runs; r++)
    {
      infer (run, r);
      for (guint i = 0; i < sinks->len; i++)
        {
          const Sink *sink = &g_array_index (sinks, Sink, i);
          fwrite (rt_exec_value (run->net.exec, sink->id), 1,
                  net_runner_bytes (&run->net, sink->id), sink->file);
        }
    }
  for (guint i = 0; i < sinks->len; i++)
    if (fclose (g_array_index (sinks, Sink, i).file) != 0)
      fail ("a result cannot be written");
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

  return (x > y) - (x < y);
}

static void
time_runs (Run *run)
{
  gsize n = (gsize)n_repeats * run->n_runs;
  g_autofree gint64 *us = g_new (gint64, n);

  for (gsize i = 0; i < n; i++)
    {
      gint64 begin = g_get_monotonic_time ();
      infer (run, i % run->n_runs);
      us[i] = g_get_monotonic_time () - begin;
    }
  qsort (us, n, sizeof *us, compare_times);
  printf ("%.3f ms\n", (double)us[n / 2] / 1000);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("MODEL FOLDER [INPUT.raw...]");
  g_autoptr (GError) error = NULL;
  Run run = { 0 };

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    fail ("%s", error->message);
  if (!arguments || g_strv_length (arguments) < 2 || n_threads < 1)
    fail ("usage: net-run [-t THREADS] [-r] [-a] [-n RUNS] MODEL FOLDER [INPUT.raw...]");
  run.imported = import_model (arguments[0]);
  if (!arguments[2] && run.imported->n_inputs > 0)
    return fclose (open_index (run.imported, arguments[1])) != 0;
  if (run.imported->report[0])
    return 3;
  prepare (&run);
  read_inputs (&run, arguments + 2);
  run_and_write (&run, arguments[1]);
  if (n_repeats > 0)
    time_runs (&run);
  net_runner_clear (&run.net);
  eng_imported_free (run.imported);
  g_strfreev (run.data);
  g_strfreev (dim_options);
  g_strfreev (arguments);
  return 0;
}
