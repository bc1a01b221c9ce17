/* What a device is, as its runner told or its profile says. Made by eng_device_contact() and the
 * transports of microcontrollers; shown by the window, kept by runs. Knows no transport. */
#include "eng-board.h"

#include <math.h>

#include "eng-json.h"
#include "eng-line.h"

G_DEFINE_BOXED_TYPE (EngBoard, eng_board, eng_board_ref, eng_board_unref)

#define MAX_BYTES ((guint64)1 << 60)

static void
sensor_free (gpointer data)
{
  EngBoardSensor *sensor = data;

  g_free (sensor->what);
  g_free (sensor->name);
  g_free (sensor->reason);
  g_free (sensor);
}

EngBoard *
eng_board_new (EngBoardKind kind)
{
  EngBoard *self = g_new0 (EngBoard, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->kind = kind;
  self->clock_hz = NAN;
  self->sensors = g_ptr_array_new_with_free_func (sensor_free);
  return self;
}

EngBoard *
eng_board_ref (EngBoard *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
eng_board_unref (EngBoard *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_free (self->cpu);
  g_free (self->machine);
  g_free (self->isa);
  g_free (self->system);
  g_free (self->governor);
  g_ptr_array_unref (self->sensors);
  g_free (self);
}

void
eng_board_add_sensor (EngBoard *self, const char *what, const char *name, const char *reason)
{
  g_return_if_fail (self != NULL && what != NULL);

  EngBoardSensor *sensor = g_new (EngBoardSensor, 1);
  *sensor = (EngBoardSensor){ g_strdup (what), g_strdup (name), g_strdup (reason) };
  g_ptr_array_add (self->sensors, sensor);
}

const char *
eng_board_get_missing (const EngBoard *self, const char *what)
{
  const char *reason = "the board does not say";

  for (guint i = 0; i < self->sensors->len; i++)
    {
      const EngBoardSensor *sensor = self->sensors->pdata[i];
      if (!g_str_equal (sensor->what, what))
        continue;
      if (sensor->reason == NULL)
        return NULL;
      reason = sensor->reason;
    }
  return reason;
}

/* ---- The telemetry line "board" ---- */

static gboolean
read_sensors (EngBoard *self, JsonArray *sensors, GError **error)
{
  for (guint i = 0; sensors != NULL && i < json_array_get_length (sensors); i++)
    {
      JsonNode *node = json_array_get_element (sensors, i);
      g_autoptr (JsonObject) empty = json_object_new ();
      EngLine line
          = { .object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : empty,
              .what = "a sensor of the board" };
      const char *what = eng_line_need_text (&line, "what");
      const char *name = eng_line_text (&line, "name");
      const char *reason = eng_line_text (&line, "reason");

      if (!eng_line_finish (&line, error))
        return FALSE;
      eng_board_add_sensor (self, what, name,
                            name == NULL && reason == NULL ? "the board does not say why" : reason);
    }
  return TRUE;
}

static gboolean
read_caches (EngBoard *self, JsonArray *caches, GError **error)
{
  guint n = caches != NULL ? json_array_get_length (caches) : 0;

  for (guint i = 0; i < MIN (n, G_N_ELEMENTS (self->caches)); i++)
    {
      JsonNode *node = json_array_get_element (caches, i);
      g_autoptr (JsonObject) empty = json_object_new ();
      EngLine line
          = { .object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : empty,
              .what = "a cache of the board" };
      EngCache cache = {
        .level = (guint)eng_line_count_or (&line, "level", 16, 0),
        .bytes = eng_line_count_or (&line, "bytes", MAX_BYTES, 0),
        .n_sharing = (guint)eng_line_count_or (&line, "n_sharing", 65536, 0),
      };

      if (!eng_line_finish (&line, error))
        return FALSE;
      if (cache.level > 0 && cache.bytes > 0)
        self->caches[self->n_caches++] = cache;
    }
  return TRUE;
}

EngBoard *
eng_board_from_json (JsonObject *object, GError **error)
{
  g_return_val_if_fail (object != NULL, NULL);

  EngLine line = { .object = object, .what = "What the board says of itself" };
  g_autoptr (EngBoard) self = eng_board_new (ENG_BOARD_LINUX);

  self->machine = g_strdup (eng_line_need_text (&line, "machine"));
  self->isa = g_strdup (eng_line_need_text (&line, "isa"));
  self->cpu = g_strdup (eng_line_text (&line, "cpu"));
  self->system = g_strdup (eng_line_text (&line, "system"));
  self->governor = g_strdup (eng_line_text (&line, "governor"));
  self->n_cpus = (guint)MAX (1, eng_line_count_or (&line, "n_cpus", 65536, 1));
  self->memory_bytes = eng_line_count_or (&line, "memory_bytes", MAX_BYTES, 0);
  self->available_bytes = eng_line_count_or (&line, "available_bytes", MAX_BYTES, 0);
  self->flash_bytes = eng_line_count_or (&line, "flash_bytes", MAX_BYTES, 0);
  self->free_bytes = eng_line_count_or (&line, "free_bytes", MAX_BYTES, 0);
  self->time_s = (gint64)eng_line_count_or (&line, "time_s", G_MAXINT64 / 2000000, 0);
  self->told_s = g_get_real_time () / G_USEC_PER_SEC;
  self->clock_hz = eng_line_number (&line, "clock_hz", 0, 1e12);
  self->emulated = eng_line_flag (&line, "emulated", FALSE);
  JsonArray *sensors = eng_line_array (&line, "sensors");
  JsonArray *caches = eng_line_array (&line, "caches");
  if (!eng_line_finish (&line, error) || !read_sensors (self, sensors, error)
      || !read_caches (self, caches, error))
    return NULL;
  if (g_str_has_prefix (self->machine, "cortex-m"))
    self->kind = ENG_BOARD_MICROCONTROLLER;
  if (!(self->clock_hz > 0))
    self->clock_hz = NAN;
  return g_steal_pointer (&self);
}

/* ---- What runs keep ---- */

static void
add_bytes (JsonBuilder *builder, const char *name, guint64 bytes)
{
  eng_json_add_double (builder, name, bytes > 0 ? (double)bytes : NAN);
}

char *
eng_board_to_machine_json (EngBoard *self, const char *name, const char *transport)
{
  g_return_val_if_fail (self != NULL, NULL);

  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  eng_json_add_string (builder, "device", name);
  eng_json_add_string (builder, "transport", transport);
  eng_json_add_bool (builder, "emulated", self->emulated);
  eng_json_add_string (builder, "cpu", self->cpu);
  eng_json_add_string (builder, "isa", self->isa);
  eng_json_add_int (builder, "cpus", self->n_cpus);
  add_bytes (builder, "memory_bytes", self->memory_bytes);
  add_bytes (builder, "flash_bytes", self->flash_bytes);
  eng_json_add_string (builder, "governor", self->governor);
  eng_json_add_double (builder, "clock_hz", self->clock_hz);
  eng_json_add_string (builder, "system", self->system);
  eng_json_add_string (builder, "architecture", self->machine);
  json_builder_end_object (builder);
  return eng_json_builder_finish (builder, FALSE);
}
