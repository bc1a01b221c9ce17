/* The timeline in the trace event format of Chrome and Perfetto ("Trace Event Format", JSON object
 * form): complete events, ts and dur in microseconds. Called by the window's export and the command
 * line.
 *
 * Tracks: 0 is the steps with their layers nested in them, 1 .. n the threads. A thread's wait is
 * an event nested at the end of its node's. Times are written with three decimals, so that
 * nanoseconds stay whole; that is why events are printed here and not built as numbers. */
#include "eng-timeline-private.h"

#include "eng-json.h"

#include <math.h>
#include <string.h>

#define STEPS_TRACK 0

typedef struct
{
  EngTimeline *timeline;
  EngProfile *profile;
  GString *out;
} Writer;

static const char *const phase_titles[RT_N_PHASES] = { "prefill", "decode", "inference" };

/* "12.345": ns as microseconds. */
static void
add_us (GString *out, const char *name, gint64 ns)
{
  g_string_append_printf (out, ",\"%s\":%" G_GINT64_FORMAT ".%03d", name, ns / 1000,
                          (int)(ns % 1000));
}

static void
add_text (GString *out, const char *text)
{
  JsonNode *node = json_node_init_string (json_node_alloc (), text);
  g_autofree char *quoted = json_to_string (node, FALSE);

  g_string_append (out, quoted);
  json_node_unref (node);
}

static void
begin_event (Writer *writer, const char *kind, const char *name, guint track)
{
  GString *out = writer->out;

  g_string_append (out, out->str[out->len - 1] == '[' ? "\n" : ",\n");
  g_string_append_printf (out, "{\"ph\":\"%s\",\"pid\":1,\"tid\":%u,\"name\":", kind, track);
  add_text (out, name);
}

static void
add_metadata (Writer *writer, const char *what, guint track, const char *name)
{
  begin_event (writer, "M", what, track);
  g_string_append (writer->out, ",\"args\":{\"name\":");
  add_text (writer->out, name);
  g_string_append (writer->out, "}}");
}

static void
add_sort_index (Writer *writer, guint track)
{
  begin_event (writer, "M", "thread_sort_index", track);
  g_string_append_printf (writer->out, ",\"args\":{\"sort_index\":%u}}", track);
}

static void
begin_span (Writer *writer, guint track, const char *name, const char *category, gint64 start,
            gint64 end)
{
  begin_event (writer, "X", name, track);
  g_string_append (writer->out, ",\"cat\":");
  add_text (writer->out, category);
  add_us (writer->out, "ts", start);
  add_us (writer->out, "dur", end - start);
}

/* ---- Threads ---- */

/* What performance counters say of the node in this phase: a step, over all threads. Nothing where
 * they could not count. */
static void
add_counts (Writer *writer, RtPhase phase, guint node)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  for (int i = 0; i < RT_N_COUNTERS; i++)
    {
      double count = eng_profile_get_node_count (writer->profile, node, phase, i);
      if (isfinite (count))
        g_string_append_printf (writer->out, ",\"node_%s\":%s",
                                eng_profile_get_counter_name (writer->profile, i),
                                g_ascii_formatd (text, sizeof text, "%.0f", count));
    }
}

/* @from_ns: where the thread's last node ended. Clocks of two cores may differ by some nanoseconds,
 * and events that cross each other would not nest. */
static void
add_node (Writer *writer, const EngTimelineStep *step, const EngSpan *source, gint64 from_ns)
{
  EngSpan settled = *source;
  const EngSpan *span = &settled;
  GString *out = writer->out;
  const RtCost *cost = eng_profile_get_node_cost (writer->profile, span->node, step->phase);
  int layer = eng_profile_get_node_layer (writer->profile, span->node);
  const char *op = eng_profile_get_node_op (writer->profile, span->node);
  g_autofree char *layer_name = eng_profile_dup_layer_name (writer->profile, layer);

  settled.start_ns = MAX (settled.start_ns, from_ns);
  settled.work_end_ns = MAX (settled.work_end_ns, settled.start_ns);
  settled.end_ns = MAX (settled.end_ns, settled.work_end_ns);
  begin_span (writer, span->thread + 1u, eng_profile_get_node_name (writer->profile, span->node),
              op, span->start_ns, span->end_ns);
  g_string_append (out, ",\"args\":{\"layer\":");
  add_text (out, layer_name);
  g_string_append (out, ",\"operator\":");
  add_text (out, op);
  g_string_append_printf (out, ",\"phase\":\"%s\",\"step\":%u,\"work_ns\":%" G_GINT64_FORMAT,
                          phase_titles[step->phase], step->number,
                          span->work_end_ns - span->start_ns);
  if (cost != NULL)
    g_string_append_printf (out,
                            ",\"node_flops\":%" G_GUINT64_FORMAT
                            ",\"node_weight_bytes\":%" G_GUINT64_FORMAT
                            ",\"node_read_bytes\":%" G_GUINT64_FORMAT
                            ",\"node_write_bytes\":%" G_GUINT64_FORMAT,
                            cost->flops, cost->weight_bytes, cost->read_bytes, cost->write_bytes);
  add_counts (writer, step->phase, span->node);
  g_string_append (out, "}}");
  if (span->work_end_ns < span->end_ns)
    {
      begin_span (writer, span->thread + 1u, "wait", "wait", span->work_end_ns, span->end_ns);
      g_string_append_c (out, '}');
    }
}

/* ---- Steps and layers ---- */

/* First start and last end of each node of a step; end -1: it did not run. */
static void
gather_nodes (Writer *writer, const EngTimelineStep *step, gint64 *starts, gint64 *ends)
{
  guint n;
  const EngSpan *spans = eng_timeline_get_spans (writer->timeline, &n);

  for (guint i = 0; i < eng_profile_get_n_nodes (writer->profile); i++)
    ends[i] = -1;
  for (guint i = step->first; i < step->first + step->n_spans; i++)
    {
      const EngSpan *span = &spans[i];
      gint64 *start = &starts[span->node], *end = &ends[span->node];

      *start = *end < 0 ? span->start_ns : MIN (*start, span->start_ns);
      *end = MAX (*end, span->end_ns);
    }
}

static void
add_layer (Writer *writer, int layer, gint64 start, gint64 end)
{
  g_autofree char *name = eng_profile_dup_layer_name (writer->profile, layer);

  begin_span (writer, STEPS_TRACK, name, "layer", start, end);
  g_string_append_c (writer->out, '}');
}

/* Nodes that follow each other in one layer are one event: nodes run one after the other. */
static void
add_layers (Writer *writer, const EngTimelineStep *step)
{
  guint n_nodes = eng_profile_get_n_nodes (writer->profile);
  g_autofree gint64 *starts = g_new0 (gint64, n_nodes + 1);
  g_autofree gint64 *ends = g_new0 (gint64, n_nodes + 1);
  gint64 start = 0, end = -1;
  int layer = 0;

  gather_nodes (writer, step, starts, ends);
  for (guint i = 0; i < n_nodes; i++)
    {
      if (ends[i] < 0)
        continue;
      if (end >= 0 && eng_profile_get_node_layer (writer->profile, i) == layer)
        {
          end = MAX (end, ends[i]);
          continue;
        }
      if (end >= 0)
        add_layer (writer, layer, start, end);
      layer = eng_profile_get_node_layer (writer->profile, i);
      start = MAX (starts[i], end); /* a thread may begin while the last one still leaves */
      end = MAX (ends[i], start);
    }
  if (end >= 0)
    add_layer (writer, layer, start, end);
}

static void
add_step (Writer *writer, guint s)
{
  const EngTimelineStep *step = eng_timeline_get_step (writer->timeline, s);
  g_autofree char *name
      = step->phase == RT_PHASE_INFERENCE
            ? g_strdup ("inference")
            : g_strdup_printf ("%s, %u %s", phase_titles[step->phase], step->n_tokens,
                               step->n_tokens == 1 ? "token" : "tokens");
  guint n;
  const EngSpan *spans = eng_timeline_get_spans (writer->timeline, &n);

  begin_span (writer, STEPS_TRACK, name, "step", step->start_ns, step->end_ns);
  g_string_append_printf (writer->out, ",\"args\":{\"phase\":\"%s\",\"step\":%u,\"tokens\":%u}}",
                          phase_titles[step->phase], step->number, step->n_tokens);
  add_layers (writer, step);
  for (guint i = step->first; i < step->first + step->n_spans; i++)
    {
      gboolean follows = i > step->first && spans[i - 1].thread == spans[i].thread;
      add_node (writer, step, &spans[i], follows ? spans[i - 1].end_ns : G_MININT64);
    }
}

char *
eng_timeline_to_chrome_json (EngTimeline *timeline, EngProfile *profile, const char *process)
{
  g_return_val_if_fail (timeline != NULL && profile != NULL && process != NULL, NULL);

  Writer writer = { timeline, profile, g_string_new (NULL) };
  GString *out = writer.out;

  g_string_append (out,
                   "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"program\":\"Lathe " LATHE_VERSION
                   "\",\"model\":");
  add_text (out, process);
  g_string_append (out, "},\"traceEvents\":[");
  add_metadata (&writer, "process_name", STEPS_TRACK, process);
  add_metadata (&writer, "thread_name", STEPS_TRACK, "Steps and layers");
  add_sort_index (&writer, STEPS_TRACK);
  for (guint t = 0; t < eng_timeline_get_n_threads (timeline); t++)
    {
      g_autofree char *name = g_strdup_printf ("Thread %u", t + 1);
      add_metadata (&writer, "thread_name", t + 1, name);
      add_sort_index (&writer, t + 1);
    }
  for (guint s = 0; s < eng_timeline_get_n_steps (timeline); s++)
    add_step (&writer, s);
  g_string_append (out, "\n]}\n");
  return g_string_free (out, FALSE);
}
