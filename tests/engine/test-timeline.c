/* Timelines: what is kept of a run is what the profile was made of; packed and read back without
 * loss; the trace that Perfetto reads has its schema, units and nesting. */
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-json.h"
#include "eng-test.h"
#include "eng-timeline.h"

static EngRun *run;

/* First thread in to last node done, of every node of a step, as the profiler counts it. */
static void
gather (EngTimeline *timeline, guint s, gint64 *starts, gint64 *ends, guint n_nodes)
{
  const EngTimelineStep *step = eng_timeline_get_step (timeline, s);
  guint n;
  const EngSpan *spans = eng_timeline_get_spans (timeline, &n);

  for (guint i = 0; i < n_nodes; i++)
    ends[i] = -1;
  for (guint i = step->first; i < step->first + step->n_spans; i++)
    {
      guint node = spans[i].node;
      starts[node] = ends[node] < 0 ? spans[i].start_ns : MIN (starts[node], spans[i].start_ns);
      ends[node] = MAX (ends[node], spans[i].end_ns);
    }
}

static void
test_kept (void)
{
  EngTimeline *timeline = eng_run_get_timeline (run);
  EngProfile *profile = eng_run_get_profile (run);
  guint n_nodes = eng_profile_get_n_nodes (profile), n, n_decode = 0, last = 0;
  g_autofree gint64 *starts = g_new (gint64, n_nodes);
  g_autofree gint64 *ends = g_new (gint64, n_nodes);

  g_assert_nonnull (timeline);
  g_assert_cmpuint (eng_timeline_get_n_threads (timeline), ==, 2);
  const EngSpan *spans = eng_timeline_get_spans (timeline, &n);
  gint64 before = G_MININT64;
  for (guint s = 0; s < eng_timeline_get_n_steps (timeline); s++)
    {
      const EngTimelineStep *step = eng_timeline_get_step (timeline, s);
      g_assert_cmpint (step->start_ns, >=, before); /* one after the other */
      g_assert_cmpint (step->end_ns, >, step->start_ns);
      before = step->end_ns;
      if (step->phase == RT_PHASE_DECODE)
        {
          n_decode++;
          last = s;
          g_assert_cmpuint (step->n_tokens, ==, 1);
        }
      for (guint i = step->first; i < step->first + step->n_spans; i++)
        {
          const EngSpan *span = &spans[i];
          g_assert_cmpuint (span->step, ==, s);
          g_assert_cmpint (step->start_ns, <=, span->start_ns);
          g_assert_cmpint (span->start_ns, <=, span->work_end_ns);
          g_assert_cmpint (span->work_end_ns, <=, span->end_ns);
          g_assert_cmpint (span->end_ns, <=, step->end_ns);
          /* A thread does one thing after the other. */
          if (i > step->first && spans[i - 1].thread == span->thread)
            g_assert_cmpint (spans[i - 1].work_end_ns, <=, span->start_ns);
        }
    }
  g_assert_cmpint (eng_timeline_get_step (timeline, 0)->start_ns, ==, 0);
  g_assert_cmpuint (n_decode, ==, ENG_TIMELINE_STEPS);

  /* The newest decode step is the profile's last sample of every node, to the nanosecond; and the
   * medians are of the same kind. */
  const EngPhaseProfile *phase = eng_profile_get_phase (profile, RT_PHASE_DECODE);
  guint n_near = 0, n_measured = 0;
  gather (timeline, last, starts, ends, n_nodes);
  for (guint i = 0; i < n_nodes; i++)
    {
      g_assert_true ((ends[i] >= 0) == (phase->nodes[i].n > 0));
      if (ends[i] < 0)
        continue;
      double ns = (double)(ends[i] - starts[i]);
      g_assert_cmpfloat (ns, ==, phase->nodes[i].last_ns);
      n_measured++;
      n_near += ns < 3 * phase->nodes[i].median_ns && ns > phase->nodes[i].median_ns / 3;
    }
  g_assert_cmpuint (n_measured, >, 10);
  g_assert_cmpuint (n_near, >, n_measured / 2);
}

static void
test_document (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (EngRun) again = eng_run_from_json (json, &error);
  g_assert_no_error (error);
  EngTimeline *a = eng_run_get_timeline (run), *b = eng_run_get_timeline (again);
  guint n_a, n_b;
  const EngSpan *spans_a = eng_timeline_get_spans (a, &n_a),
                *spans_b = eng_timeline_get_spans (b, &n_b);

  g_assert_cmpuint (n_a, ==, n_b);
  g_assert_cmpmem (spans_a, n_a * sizeof *spans_a, spans_b, n_b * sizeof *spans_b);
  g_assert_cmpuint (eng_timeline_get_n_steps (a), ==, eng_timeline_get_n_steps (b));
  for (guint s = 0; s < eng_timeline_get_n_steps (a); s++)
    {
      const EngTimelineStep *x = eng_timeline_get_step (a, s), *y = eng_timeline_get_step (b, s);
      g_assert_cmpmem (x, sizeof *x, y, sizeof *y);
    }
}

/* A document with the timeline's member @name set to @value (NULL: taken away). */
static char *
damaged (const char *name, JsonNode *value, const char *phase)
{
  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  JsonObject *timeline = json_object_get_object_member (json_node_get_object (root), "timeline");

  if (phase != NULL)
    json_object_set_string_member (
        json_array_get_object_element (json_object_get_array_member (timeline, "steps"), 0),
        "phase", phase);
  else if (value != NULL)
    json_object_set_member (timeline, name, value);
  else
    json_object_remove_member (timeline, name);
  return json_to_string (root, FALSE);
}

static void
check_damaged (char *json)
{
  g_autofree char *owned = json;
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRun) bad = eng_run_from_json (owned, &error);

  g_assert_null (bad);
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "timeline is damaged"));
}

static JsonNode *
text (const char *value)
{
  return json_node_init_string (json_node_alloc (), value);
}

static void
test_damaged (void)
{
  check_damaged (damaged ("packed_spans", NULL, NULL));
  check_damaged (damaged ("packed_spans", text (""), NULL));
  check_damaged (damaged ("packed_spans", text ("!!! not base64 !!!"), NULL));
  check_damaged (damaged ("packed_spans", text ("eJwDAAAAAAE="), NULL)); /* zlib of nothing */
  check_damaged (damaged ("steps", NULL, NULL));
  check_damaged (damaged ("version", json_node_init_int (json_node_alloc (), 99), NULL));
  check_damaged (damaged (NULL, NULL, "resting"));

  /* Bytes turned one by one: an error or another timeline, never a crash. */
  g_autofree char *json = eng_run_to_json (run);
  g_autoptr (JsonNode) root = json_from_string (json, NULL);
  JsonObject *timeline = json_object_get_object_member (json_node_get_object (root), "timeline");
  g_autofree char *packed = g_strdup (json_object_get_string_member (timeline, "packed_spans"));
  gsize n_bytes;
  g_autofree guint8 *bytes = g_base64_decode (packed, &n_bytes);
  for (gsize at = 0; at < n_bytes; at += 1 + n_bytes / 60)
    {
      bytes[at] ^= 0x55;
      g_autofree char *turned = g_base64_encode (bytes, n_bytes);
      g_autoptr (GError) error = NULL;
      json_object_set_string_member (timeline, "packed_spans", turned);
      g_autoptr (EngTimeline) read
          = eng_timeline_read (timeline, eng_run_get_profile (run), &error);
      g_assert_true ((read == NULL) == (error != NULL));
      bytes[at] ^= 0x55;
    }
}

/* ---- The trace ---- */

typedef struct
{
  double ts, end;
} Open;

static void
check_event (JsonObject *event, GArray *stack, double *last_ts)
{
  double ts = json_object_get_double_member (event, "ts"),
         dur = json_object_get_double_member (event, "dur");
  Open span = { ts, ts + dur };

  g_assert_cmpfloat (ts, >=, 0);
  g_assert_cmpfloat (dur, >=, 0);
  g_assert_cmpfloat (ts, >=, *last_ts); /* by rising time on each track */
  *last_ts = ts;
  g_assert_cmpstr (json_object_get_string_member (event, "name"), !=, "");
  g_assert_cmpstr (json_object_get_string_member (event, "cat"), !=, "");
  while (stack->len > 0 && g_array_index (stack, Open, stack->len - 1).end <= ts + 1e-6)
    g_array_set_size (stack, stack->len - 1);
  if (stack->len > 0) /* inside of what is open, wholly */
    g_assert_cmpfloat (span.end, <=, g_array_index (stack, Open, stack->len - 1).end + 1e-6);
  g_array_append_val (stack, span);
}

static void
test_chrome (void)
{
  EngTimeline *timeline = eng_run_get_timeline (run);
  EngProfile *profile = eng_run_get_profile (run);
  g_autofree char *json = eng_timeline_to_chrome_json (timeline, profile, "a \"model\", F16");
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = eng_json_parse_object (json, "trace", &error);
  g_assert_no_error (error);
  JsonArray *events = eng_json_get_array (json_node_get_object (root), "traceEvents");
  GArray *stacks[3];
  double last[3] = { -1, -1, -1 }, first_us = NAN;
  guint n_named = 0, n_spans = 0, n_waits = 0, n_steps = 0, n_layers = 0, n;
  const EngSpan *spans = eng_timeline_get_spans (timeline, &n);
  guint n_expected_waits = 0, at[2] = { 0, 0 };
  double sum_us = 0, sum_ns = 0;

  for (guint i = 0; i < 3; i++)
    stacks[i] = g_array_new (FALSE, FALSE, sizeof (Open));
  for (guint i = 0; i < json_array_get_length (events); i++)
    {
      JsonObject *event = json_array_get_object_element (events, i);
      const char *kind = json_object_get_string_member (event, "ph");
      gint64 track = json_object_get_int_member (event, "tid");

      g_assert_cmpint (json_object_get_int_member (event, "pid"), ==, 1);
      g_assert_cmpint (track, >=, 0);
      g_assert_cmpint (track, <=, 2);
      if (g_str_equal (kind, "M"))
        {
          n_named += g_str_equal (json_object_get_string_member (event, "name"), "thread_name");
          continue;
        }
      g_assert_cmpstr (kind, ==, "X");
      check_event (event, stacks[track], &last[track]);
      const char *category = json_object_get_string_member (event, "cat");
      if (track == 0)
        {
          n_steps += g_str_equal (category, "step");
          n_layers += g_str_equal (category, "layer");
        }
      else if (g_str_equal (category, "wait"))
        n_waits++;
      else
        {
          JsonObject *args = json_object_get_object_member (event, "args");
          if (n_spans++ == 0)
            first_us = json_object_get_double_member (event, "dur");
          sum_us += json_object_get_double_member (event, "dur");
          g_assert_cmpstr (json_object_get_string_member (args, "operator"), ==, category);
          g_assert_nonnull (json_object_get_string_member (args, "layer"));
          g_assert_true (json_object_has_member (args, "node_flops"));
          g_assert_true (json_object_has_member (args, "node_weight_bytes"));
        }
    }
  for (guint i = 0; i < n; i++)
    {
      sum_ns += (double)(spans[i].end_ns - spans[i].start_ns);
      n_expected_waits += spans[i].work_end_ns < spans[i].end_ns;
      at[0] += spans[i].thread == 0;
      at[1] += spans[i].thread == 1;
    }
  g_assert_cmpuint (n_named, ==, 3); /* steps and two threads */
  g_assert_cmpuint (n_spans, ==, n);
  g_assert_cmpuint (n_waits, ==, n_expected_waits);
  g_assert_cmpuint (n_steps, ==, eng_timeline_get_n_steps (timeline));
  g_assert_cmpuint (n_layers, >=, n_steps * ((guint)eng_profile_get_n_layers (profile) + 1));
  g_assert_cmpuint (at[0], >, 0);
  g_assert_cmpuint (at[1], >, 0);
  /* Microseconds, exact to the nanosecond. */
  g_assert_cmpfloat_with_epsilon (first_us, (double)(spans[0].end_ns - spans[0].start_ns) / 1000,
                                  1e-9);
  g_assert_cmpfloat_with_epsilon (sum_us, sum_ns / 1000, 1e-6 * sum_ns);
  for (guint i = 0; i < 3; i++)
    g_array_unref (stacks[i]);
}

/* ---- The keeper ---- */

static RtTraceRecord
record_at (guint step, guint node, guint thread, RtPhase phase, guint64 start)
{
  return (RtTraceRecord){ .start_ns = start,
                          .work_ns = start + 5,
                          .end_ns = start + 8,
                          .node = node,
                          .step = step,
                          .thread = (guint16)thread,
                          .phase = (guint8)phase,
                          .n_tokens = 1 };
}

static void
test_keeper (void)
{
  EngTimelineKeeper *keeper = eng_timeline_keeper_new ();

  g_assert_null (eng_timeline_keeper_snapshot (keeper));
  for (guint s = 0; s < 20; s++)
    {
      RtTraceRecord records[] = { record_at (s, 0, 0, RT_PHASE_DECODE, 1000 + 100 * s),
                                  record_at (s + 1, 0, 0, RT_PHASE_DECODE, 5), /* of another step */
                                  record_at (s, 9, 0, RT_PHASE_DECODE, 5),     /* of no node */
                                  record_at (s, 1, 1, RT_PHASE_DECODE, 1010 + 100 * s) };
      eng_timeline_keeper_add (keeper, records, G_N_ELEMENTS (records), s, 2);
    }
  RtTraceRecord prompt = record_at (40, 1, 0, RT_PHASE_PREFILL, 10);
  eng_timeline_keeper_add (keeper, &prompt, 1, 40, 2);
  g_autoptr (EngTimeline) timeline = eng_timeline_keeper_snapshot (keeper);
  guint n;
  const EngSpan *spans = eng_timeline_get_spans (timeline, &n);
  g_assert_cmpuint (n, ==, 2 * ENG_TIMELINE_STEPS + 1);
  g_assert_cmpuint (eng_timeline_get_n_steps (timeline), ==, ENG_TIMELINE_STEPS + 1);
  g_assert_cmpint (eng_timeline_get_step (timeline, 0)->phase, ==,
                   RT_PHASE_PREFILL);             /* it began first */
  for (guint s = 1; s <= ENG_TIMELINE_STEPS; s++) /* the last ones, in order */
    g_assert_cmpuint (eng_timeline_get_step (timeline, s)->number, ==,
                      20 - ENG_TIMELINE_STEPS + s - 1);
  g_assert_cmpint (spans[1].start_ns, ==, 1000 + 100 * 12 - 10);
  g_assert_cmpint (spans[1].work_end_ns - spans[1].start_ns, ==, 5);

  /* Too large a step is not kept; large ones push out older ones. */
  g_autofree RtTraceRecord *many = g_new (RtTraceRecord, ENG_TIMELINE_MAX_SPANS + 1);
  for (guint i = 0; i <= ENG_TIMELINE_MAX_SPANS; i++)
    many[i] = record_at (50, 0, 0, RT_PHASE_DECODE, 10000 + i);
  eng_timeline_keeper_add (keeper, many, ENG_TIMELINE_MAX_SPANS + 1, 50, 2);
  g_autoptr (EngTimeline) same = eng_timeline_keeper_snapshot (keeper);
  g_assert_cmpuint (eng_timeline_get_n_steps (same), ==, ENG_TIMELINE_STEPS + 1);
  eng_timeline_keeper_add (keeper, many, ENG_TIMELINE_MAX_SPANS, 50, 2);
  g_autoptr (EngTimeline) large = eng_timeline_keeper_snapshot (keeper);
  g_assert_cmpuint (eng_timeline_get_n_steps (large), ==, 2);
  eng_timeline_keeper_clear (keeper);
  g_assert_null (eng_timeline_keeper_snapshot (keeper));
  eng_timeline_keeper_free (keeper);
}

static void
make_run (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngBuild) build = eng_test_build (model, "{\"threads\": {\"count\": 2}}", NULL);
  g_autoptr (EngWorkload) workload
      = eng_workload_new ("It is a truth universally acknowledged, that");
  g_autoptr (GError) error = NULL;

  workload->n_predict = 40;
  workload->ignore_end = TRUE;
  run = eng_run_generate (build, workload, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  make_run ();
  g_test_add_func ("/timeline/kept", test_kept);
  g_test_add_func ("/timeline/document", test_document);
  g_test_add_func ("/timeline/damaged", test_damaged);
  g_test_add_func ("/timeline/chrome", test_chrome);
  g_test_add_func ("/timeline/keeper", test_keeper);
  int status = g_test_run ();
  g_object_unref (run);
  return status;
}
