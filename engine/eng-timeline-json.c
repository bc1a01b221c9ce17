/* The timeline in a run's document. Spans are packed: a run has thousands of them, and the history
 * keeps every run.
 *
 * Packed, of each step, in the timeline's order: thread, node - node before (zigzag), start - start
 * before (zigzag; of the first: since the step's start), work_end - start, end - work_end; each as
 * a little-endian base-128 integer. All of it through zlib, then base64. */
#include "eng-timeline-private.h"

#include "eng-error.h"
#include "eng-json.h"

#include <gio/gio.h>
#include <string.h>

#define VERSION 1
#define MAX_PACKED_BYTES (64u << 20) /* more than any run packs; a file may say anything */

/* ---- Integers ---- */

static void
put (GByteArray *out, guint64 value)
{
  do
    {
      guint8 byte = value & 0x7f;
      value >>= 7;
      byte |= value != 0 ? 0x80 : 0;
      g_byte_array_append (out, &byte, 1);
    }
  while (value != 0);
}

static guint64
zigzag (gint64 value)
{
  return ((guint64)value << 1) ^ (guint64)(value >> 63);
}

static gint64
unzigzag (guint64 value)
{
  return (gint64)(value >> 1) ^ -(gint64)(value & 1);
}

typedef struct
{
  const guint8 *at, *end;
  gboolean broken;
} Reader;

static guint64
get (Reader *reader)
{
  guint64 value = 0;

  for (guint shift = 0; shift < 64; shift += 7)
    {
      if (reader->at >= reader->end)
        break;
      guint8 byte = *reader->at++;
      value |= (guint64)(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0)
        return value;
    }
  reader->broken = TRUE;
  return 0;
}

/* ---- zlib ---- */

static GByteArray *
convert (GConverter *converter, const guint8 *data, gsize n)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  guint8 buffer[16384];
  GConverterResult result = G_CONVERTER_CONVERTED;

  while (result != G_CONVERTER_FINISHED)
    {
      gsize n_read = 0, n_written = 0;
      result = g_converter_convert (converter, data, n, buffer, sizeof buffer,
                                    G_CONVERTER_INPUT_AT_END, &n_read, &n_written, NULL);
      if (result == G_CONVERTER_ERROR || out->len + n_written > MAX_PACKED_BYTES)
        return NULL;
      g_byte_array_append (out, buffer, (guint)n_written);
      data += n_read;
      n -= n_read;
    }
  return g_steal_pointer (&out);
}

/* ---- Writing ---- */

static char *
pack (EngTimeline *self)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GConverter) zlib
      = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 6));

  for (guint s = 0; s < self->steps->len; s++)
    {
      const EngTimelineStep *step = eng_timeline_get_step (self, s);
      gint64 start = step->start_ns;
      gint64 node = 0;

      for (guint i = step->first; i < step->first + step->n_spans; i++)
        {
          const EngSpan *span = &g_array_index (self->spans, EngSpan, i);

          put (bytes, span->thread);
          put (bytes, zigzag ((gint64)span->node - node));
          put (bytes, zigzag (span->start_ns - start));
          put (bytes, (guint64)(span->work_end_ns - span->start_ns));
          put (bytes, (guint64)(span->end_ns - span->work_end_ns));
          node = span->node;
          start = span->start_ns;
        }
    }
  g_autoptr (GByteArray) packed = convert (zlib, bytes->data, bytes->len);
  return g_base64_encode (packed->data, packed->len);
}

static const char *const phase_names[RT_N_PHASES] = { "prefill", "decode", "inference" };

void
eng_timeline_write (EngTimeline *self, JsonBuilder *builder, const char *name)
{
  g_autofree char *packed = pack (self);

  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  eng_json_add_int (builder, "version", VERSION);
  json_builder_set_member_name (builder, "steps");
  json_builder_begin_array (builder);
  for (guint s = 0; s < self->steps->len; s++)
    {
      const EngTimelineStep *step = eng_timeline_get_step (self, s);

      json_builder_begin_object (builder);
      eng_json_add_string (builder, "phase", phase_names[step->phase]);
      eng_json_add_int (builder, "tokens", step->n_tokens);
      eng_json_add_int (builder, "number", step->number);
      eng_json_add_int (builder, "start_ns", step->start_ns);
      eng_json_add_int (builder, "spans", step->n_spans);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  eng_json_add_string (builder, "packed_spans", packed);
  json_builder_end_object (builder);
}

/* ---- Reading ---- */

static gboolean
fail (const char *what, GError **error)
{
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "The run's timeline is damaged: %s", what);
  return FALSE;
}

static gboolean
read_span (Reader *reader, gint64 *node, gint64 *start, EngSpan *span)
{
  guint64 thread = get (reader);

  /* Unsigned: what a file says may overflow, and is checked below. */
  *node = (gint64)((guint64)*node + (guint64)unzigzag (get (reader)));
  *start = (gint64)((guint64)*start + (guint64)unzigzag (get (reader)));
  guint64 work = get (reader), wait = get (reader);
  if (reader->broken || thread > G_MAXUINT16 || *node < 0 || *node > G_MAXUINT32
      || *start < G_MININT64 / 4 || *start > G_MAXINT64 / 4 || work > G_MAXINT64 / 4
      || wait > G_MAXINT64 / 4)
    return FALSE;
  *span = (EngSpan){ .start_ns = *start,
                     .work_end_ns = *start + (gint64)work,
                     .end_ns = *start + (gint64)work + (gint64)wait,
                     .node = (guint32)*node,
                     .thread = (guint16)thread };
  return TRUE;
}

static gboolean
read_step (EngTimeline *self, JsonObject *object, Reader *reader, guint n_nodes, GError **error)
{
  const char *phase = eng_json_get_string (object, "phase");
  gint64 n = eng_json_get_int (object, "spans", -1), node = 0;
  gint64 start = eng_json_get_int (object, "start_ns", -1);
  EngTimelineStep step = { .phase = RT_N_PHASES, .first = self->spans->len };

  for (guint p = 0; p < RT_N_PHASES; p++)
    if (g_strcmp0 (phase, phase_names[p]) == 0)
      step.phase = (RtPhase)p;
  if (step.phase == RT_N_PHASES || n <= 0 || n > ENG_TIMELINE_MAX_SPANS || start < 0
      || start > G_MAXINT64 / 4)
    return fail ("a step without phase, start or spans", error);
  step.n_tokens = (guint)CLAMP (eng_json_get_int (object, "tokens", 0), 0, G_MAXINT);
  step.number = (guint)CLAMP (eng_json_get_int (object, "number", 0), 0, G_MAXUINT);
  step.n_spans = (guint)n;
  for (gint64 i = 0; i < n; i++)
    {
      EngSpan span;

      if (!read_span (reader, &node, &start, &span))
        return fail ("spans are missing or have impossible times", error);
      if (span.node >= n_nodes)
        return fail ("a span of a node that the profile does not have", error);
      g_array_append_val (self->spans, span);
    }
  g_array_append_val (self->steps, step);
  return TRUE;
}

EngTimeline *
eng_timeline_read (JsonObject *object, EngProfile *profile, GError **error)
{
  JsonArray *steps = eng_json_get_array (object, "steps");
  const char *text = eng_json_get_string (object, "packed_spans");
  gint64 version = eng_json_get_int (object, "version", 0);

  if (version != VERSION || steps == NULL || text == NULL)
    {
      fail (version > VERSION ? "a newer Lathe wrote it" : "version, steps or spans are missing",
            error);
      return NULL;
    }
  guint n_steps = json_array_get_length (steps);
  gsize n_bytes = 0;
  g_autofree guint8 *bytes = g_base64_decode (text, &n_bytes);
  g_autoptr (GConverter) zlib
      = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB));
  g_autoptr (GByteArray) unpacked = bytes != NULL ? convert (zlib, bytes, n_bytes) : NULL;
  if (unpacked == NULL || n_steps == 0 || n_steps > RT_N_PHASES * ENG_TIMELINE_STEPS)
    {
      fail ("its spans cannot be unpacked", error);
      return NULL;
    }

  g_autoptr (EngTimeline) self = eng_timeline_alloc ();
  Reader reader = { unpacked->data, unpacked->data + unpacked->len, FALSE };
  for (guint i = 0; i < n_steps; i++)
    {
      JsonNode *node = json_array_get_element (steps, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        {
          fail ("a step that is no object", error);
          return NULL;
        }
      if (!read_step (self, json_node_get_object (node), &reader, eng_profile_get_n_nodes (profile),
                      error))
        return NULL;
    }
  eng_timeline_settle (self);
  return g_steal_pointer (&self);
}
