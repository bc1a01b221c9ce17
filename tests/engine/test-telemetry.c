/* The telemetry reader: every kind, in any cuts; garbage between lines; numbers out of their
 * ranges; a stream that is cut and taken up again; lines that are missing or come twice. */
#include <math.h>
#include <string.h>

#include "eng-telemetry.h"

typedef struct
{
  GString *text;           /* what came, one word per line */
  GArray *records, *shape; /* of the last trace, of the last output */
  guint8 last_bytes[8];
  EngTelemetryLine last;
  guint n;
} Got;

static void
got_init (Got *got)
{
  *got = (Got){ .text = g_string_new (NULL),
                .records = g_array_new (FALSE, FALSE, sizeof (RtTraceRecord)) };
}

static void
got_clear (Got *got)
{
  g_string_free (got->text, TRUE);
  g_array_unref (got->records);
}

static void
on_line (const EngTelemetryLine *line, gpointer data)
{
  Got *got = data;

  got->n++;
  got->last = *line;
  g_string_append_printf (got->text, "%u:%" G_GUINT64_FORMAT " ", line->kind, line->n);
  if (line->kind == ENG_TELEMETRY_TRACE)
    {
      g_array_set_size (got->records, 0);
      g_array_append_vals (got->records, line->trace.records, line->trace.n_records);
    }
  if (line->kind == ENG_TELEMETRY_OUTPUT)
    memcpy (got->last_bytes, line->output.bytes, MIN (line->output.n_bytes, 8));
}

static void
feed (EngTelemetry *telemetry, const char *text)
{
  eng_telemetry_feed (telemetry, text, strlen (text));
}

/* Feeds one line and looks at what came. */
static EngTelemetryLine
read_one (const char *text, Got *got)
{
  g_autoptr (EngTelemetry) telemetry = eng_telemetry_new (on_line, got);
  feed (telemetry, text);
  feed (telemetry, "\n");
  g_assert_cmpstr (eng_telemetry_get_complaint (telemetry), ==, NULL);
  g_assert_cmpuint (got->n, ==, 1);
  got->n = 0;
  return got->last;
}

static void
test_kinds (void)
{
  Got got;
  got_init (&got);

  EngTelemetryLine line
      = read_one ("{\"kind\":\"pass\",\"n\":7,\"t_ns\":99,\"phase\":\"prefill\",\"traced\":false,"
                  "\"n_tokens\":12,\"position\":0,\"ns\":5000,\"first_token_ns\":5100,"
                  "\"chunk_tokens\":8,\"chunk_ns\":3000}",
                  &got);
  g_assert_cmpint (line.kind, ==, ENG_TELEMETRY_PASS);
  g_assert_cmpuint (line.n, ==, 7);
  g_assert_cmpuint (line.t_ns, ==, 99);
  g_assert_cmpint (line.pass.phase, ==, RT_PHASE_PREFILL);
  g_assert_cmpuint (line.pass.n_tokens, ==, 12);
  g_assert_cmpfloat (line.pass.ns, ==, 5000);
  g_assert_cmpfloat (line.pass.first_token_ns, ==, 5100);
  g_assert_cmpuint (line.pass.chunk_tokens, ==, 8);
  g_assert_true (isnan (line.pass.token_ns) && isnan (line.pass.nodes_ns));

  line = read_one ("{\"kind\":\"trace\",\"n\":0,\"t_ns\":1,\"phase\":\"inference\",\"step\":4,"
                   "\"n_tokens\":3,\"lost\":0,\"begin_ns\":1000,\"records\":[[0,1,0,5,9],[2,0,9,"
                   "11,12]]}",
                   &got);
  g_assert_cmpuint (got.records->len, ==, 2);
  RtTraceRecord record = g_array_index (got.records, RtTraceRecord, 1);
  g_assert_cmpuint (record.node, ==, 2);
  g_assert_cmpuint (record.thread, ==, 0);
  g_assert_cmpuint (record.start_ns, ==, 1009);
  g_assert_cmpuint (record.work_ns, ==, 1011);
  g_assert_cmpuint (record.end_ns, ==, 1012);
  g_assert_cmpuint (record.step, ==, 4);
  g_assert_cmpuint (record.phase, ==, RT_PHASE_INFERENCE);
  g_assert_cmpuint (record.n_tokens, ==, 3);

  line = read_one ("{\"kind\":\"skipped\",\"n\":5,\"t_ns\":9,\"node\":7,\"n_skipped\":3,"
                   "\"n_all\":4}",
                   &got);
  g_assert_cmpint (line.kind, ==, ENG_TELEMETRY_SKIPPED);
  g_assert_cmpuint (line.skipped.node, ==, 7);
  g_assert_cmpuint (line.skipped.n_skipped, ==, 3);
  g_assert_cmpuint (line.skipped.n_all, ==, 4);

  /* 1.0f in little-endian bytes: 00 00 80 3f */
  line = read_one (
      "{\"kind\":\"output\",\"input\":3,\"value\":\"scores\",\"type\":\"f32\",\"shape\":"
      "[1,1],\"base64\":\"AACAPw==\"}",
      &got);
  g_assert_cmpuint (line.output.input, ==, 3);
  g_assert_cmpuint (line.output.rank, ==, 2);
  g_assert_cmpuint (line.output.n_bytes, ==, 4);
  g_assert_cmpmem (got.last_bytes, 4, "\0\0\x80\x3f", 4);

  line = read_one ("{\"kind\":\"state\",\"rss_bytes\":5,\"clock_hz\":1.5e9,\"temperature_c\":61.5,"
                   "\"own_cpus\":3.9,\"others_cpus\":null,\"throttled\":true}",
                   &got);
  g_assert_cmpfloat (line.state.clock_hz, ==, 1.5e9);
  g_assert_cmpfloat (line.state.temperature_c, ==, 61.5);
  g_assert_true (isnan (line.state.others_cpus));
  g_assert_cmpint (line.state.throttled, ==, 1);
  line = read_one ("{\"kind\":\"state\"}", &got);
  g_assert_cmpint (line.state.throttled, ==, -1);
  g_assert_true (isnan (line.state.temperature_c));
  /* A thread that came when the work was done. */
  read_one ("{\"kind\":\"trace\",\"phase\":\"decode\",\"step\":0,\"begin_ns\":0,\"records\":[[0,1,"
            "9,8,5]]}",
            &got);
  record = g_array_index (got.records, RtTraceRecord, 0);
  g_assert_cmpuint (record.start_ns, ==, 5);
  g_assert_cmpuint (record.end_ns, ==, 5);
  got_clear (&got);
}

static const char *const lines[] = {
  "{\"kind\":\"hello\",\"n\":0,\"telemetry\":1,\"runner\":\"0.1.0\"}",
  "{\"kind\":\"stage\",\"n\":1,\"stage\":\"open\",\"progress\":null}",
  "{\"kind\":\"token\",\"n\":2,\"index\":0,\"id\":65}",
  "{\"kind\":\"error\",\"n\":3,\"code\":\"memory\",\"message\":\"zu groß 大\"}",
  "{\"kind\":\"end\",\"n\":4,\"status\":\"failed\",\"n_lines\":5,\"dropped\":0}",
};

static char *
join (guint first, guint last, const char *end)
{
  GString *text = g_string_new (NULL);
  for (guint i = first; i <= last; i++)
    g_string_append_printf (text, "%s%s", lines[i], end);
  return g_string_free (text, FALSE);
}

#define ALL "0:0 3:1 6:2 10:3 11:4 "

static void
test_cuts (void)
{
  g_autofree char *text = join (0, 4, "\n"), *dos = join (0, 4, "\r\n");

  /* Every cut in two, with a stop at any byte, also within a character. */
  for (gsize cut = 0; cut <= strlen (text); cut++)
    {
      Got got;
      got_init (&got);
      g_autoptr (EngTelemetry) telemetry = eng_telemetry_new (on_line, &got);
      eng_telemetry_feed (telemetry, text, cut);
      eng_telemetry_feed (telemetry, text + cut, strlen (text) - cut);
      eng_telemetry_close (telemetry);
      g_assert_cmpstr (got.text->str, ==, ALL);
      g_assert_null (eng_telemetry_get_complaint (telemetry));
      g_assert_true (eng_telemetry_has_ended (telemetry));
      g_assert_cmpstr (eng_telemetry_get_last_words (telemetry), ==, "zu groß 大");
      got_clear (&got);
    }
  Got got;
  got_init (&got);
  g_autoptr (EngTelemetry) telemetry = eng_telemetry_new (on_line, &got);
  feed (telemetry, dos);
  g_assert_cmpstr (got.text->str, ==, ALL);
  got_clear (&got);
}

/* Lost anywhere, taken up again from where the reader says: nothing twice, nothing lost. */
static void
test_resume (void)
{
  g_autofree char *text = join (0, 4, "\n");

  for (gsize cut = 0; cut <= strlen (text); cut++)
    {
      Got got;
      EngTelemetryCounts counts;
      got_init (&got);
      g_autoptr (EngTelemetry) telemetry = eng_telemetry_new (on_line, &got);
      eng_telemetry_feed (telemetry, text, cut);
      guint64 from = eng_telemetry_resume (telemetry);
      g_assert_cmpuint (from, <=, cut);
      feed (telemetry, text + from);
      /* And a link that brings older bytes than were asked for. */
      eng_telemetry_resume (telemetry);
      feed (telemetry, text);
      g_assert_cmpstr (got.text->str, ==, ALL);
      eng_telemetry_get_counts (telemetry, &counts);
      g_assert_cmpuint (counts.n_missing, ==, 0);
      g_assert_cmpuint (counts.n_refused, ==, 0);
      g_assert_cmpuint (counts.n_repeated, ==, 5);
      got_clear (&got);
    }
}

static void
test_garbage (void)
{
  static const char *const garbage[] = {
    "Warning: remote host uses an old protocol",
    "{\"kind\":\"pass\",\"phase\":\"decode\",\"ns\":-5}",
    "{\"kind\":\"token\",\"index\":0,\"id\":99999999999}",
    "{\"kind\":\"trace\",\"phase\":\"decode\",\"step\":0,\"records\":[[0,0,5,4,-9]]}",
    "{\"kind\":\"stage\"}",
    "{\"stage\":\"open\"}",
    "{\"kind\":\"end\",\"n\":2.5,\"status\":\"complete\"}",
    "{\"kind\":\"stage\",\"stage\":\"op\xff\"}",
    "{\"kind\":\"output\",\"input\":0,\"type\":\"f32\",\"base64\":\"A=A=\"}",
    "\x1b]0;owned\x07{}",
    "{",
    "[[[[[[[[[[[[[[",
  };

  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++)
    for (guint at = 0; at <= 4; at++)
      {
        Got got;
        EngTelemetryCounts counts;
        got_init (&got);
        g_autoptr (EngTelemetry) telemetry = eng_telemetry_new (on_line, &got);
        for (guint k = 0; k <= 4; k++)
          {
            if (k == at)
              {
                feed (telemetry, garbage[i]);
                feed (telemetry, "\n");
              }
            feed (telemetry, lines[k]);
            feed (telemetry, "\n");
          }
        g_assert_cmpstr (got.text->str, ==, ALL);
        eng_telemetry_get_counts (telemetry, &counts);
        g_assert_cmpuint (counts.n_refused, ==, 1);
        g_assert_cmpuint (counts.n_missing, ==, 0);
        const char *complaint = eng_telemetry_get_complaint (telemetry);
        g_assert_nonnull (complaint);
        g_assert_true (g_utf8_validate (complaint, -1, NULL));
        g_assert_null (strchr (complaint, '\x1b')); /* no orders to a terminal */
        got_clear (&got);
      }
}

static void
test_numbers (void)
{
  Got got;
  EngTelemetryCounts counts;
  g_autofree char *head = join (0, 1, "\n"), *tail = join (3, 4, "\n");
  got_init (&got);
  g_autoptr (EngTelemetry) telemetry = eng_telemetry_new (on_line, &got);

  feed (telemetry, head);
  feed (telemetry, head);
  feed (telemetry, tail);
  feed (telemetry, "{\"kind\":\"dance\",\"n\":5}\n");
  g_assert_cmpstr (got.text->str, ==, "0:0 3:1 10:3 11:4 ");
  eng_telemetry_get_counts (telemetry, &counts);
  g_assert_cmpuint (counts.n_repeated, ==, 2);
  g_assert_cmpuint (counts.n_missing, ==, 1);
  g_assert_cmpuint (counts.n_unknown, ==, 1);
  g_assert_cmpuint (counts.n_lines, ==, 4);
  got_clear (&got);
}

/* One line of more than the limit is skipped whole, and costs no more memory than the limit. */
static void
test_too_long (void)
{
  Got got;
  EngTelemetryCounts counts;
  got_init (&got);
  g_autoptr (EngTelemetry) telemetry = eng_telemetry_new (on_line, &got);
  g_autofree char *piece = g_strnfill (1 << 20, 'x');

  feed (telemetry, "{\"kind\":\"stage\",\"stage\":\"");
  for (guint i = 0; i < ENG_TELEMETRY_MAX_LINE / (1 << 20) + 3; i++)
    feed (telemetry, piece);
  feed (telemetry, "\"}\n");
  feed (telemetry, lines[0]);
  feed (telemetry, "\n");
  g_assert_cmpstr (got.text->str, ==, "0:0 ");
  eng_telemetry_get_counts (telemetry, &counts);
  g_assert_cmpuint (counts.n_refused, ==, 1);
  g_assert_nonnull (strstr (eng_telemetry_get_complaint (telemetry), "too long"));
  got_clear (&got);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/telemetry/kinds", test_kinds);
  g_test_add_func ("/telemetry/cuts", test_cuts);
  g_test_add_func ("/telemetry/resume", test_resume);
  g_test_add_func ("/telemetry/garbage", test_garbage);
  g_test_add_func ("/telemetry/numbers", test_numbers);
  g_test_add_func ("/telemetry/too-long", test_too_long);
  return g_test_run ();
}
