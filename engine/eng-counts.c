/* Counters of a profile as a value: taken from the executor, copied into snapshots, written and
 * read. Called by the profiler and the profile's JSON; opens no counter itself (rt-counters.c). */
#include "eng-counts.h"

#include <math.h>
#include <string.h>

#include "eng-json.h"

static const char *const members[RT_N_PHASES]
    = { "prefill_counters", "decode_counters", "inference_counters" };
static const char *const phases[RT_N_PHASES] = { "prefill", "decode", "inference" };
static const char *const sets[] = { "hardware", "software" };

void
eng_counts_init (EngCounts *self, guint n_nodes)
{
  *self = (EngCounts){ .n_nodes = n_nodes };
  for (guint p = 0; p < RT_N_PHASES; p++)
    {
      self->step_ns[p] = NAN;
      self->values[p] = g_new0 (double, n_nodes *RT_N_COUNTERS + 1);
      for (guint c = 0; c < RT_N_COUNTERS; c++)
        self->reasons[p][c] = "not counted";
    }
}

void
eng_counts_clear (EngCounts *self)
{
  for (guint p = 0; p < RT_N_PHASES; p++)
    g_clear_pointer (&self->values[p], g_free);
}

void
eng_counts_copy (EngCounts *self, const EngCounts *from)
{
  g_return_if_fail (self->n_nodes == from->n_nodes);

  self->set = from->set;
  for (guint p = 0; p < RT_N_PHASES; p++)
    {
      self->n_steps[p] = from->n_steps[p];
      self->step_ns[p] = from->step_ns[p];
      memcpy (self->reasons[p], from->reasons[p], sizeof self->reasons[p]);
      memcpy (self->values[p], from->values[p],
              from->n_nodes * RT_N_COUNTERS * sizeof *from->values[p]);
    }
}

void
eng_counts_take (EngCounts *self, RtExec *exec, RtCounterSet set, RtPhase phase, guint n_steps,
                 double step_ns)
{
  g_return_if_fail (n_steps > 0);

  self->set = set;
  self->n_steps[phase] = n_steps;
  self->step_ns[phase] = step_ns;
  for (int c = 0; c < RT_N_COUNTERS; c++)
    {
      self->reasons[phase][c] = g_intern_string (rt_exec_count_reason (exec, c));
      for (guint i = 0; i < self->n_nodes; i++)
        self->values[phase][i * RT_N_COUNTERS + (guint)c]
            = rt_exec_count_get (exec, i, c) / n_steps;
    }
}

void
eng_counts_refuse (EngCounts *self, RtCounterSet set, const char *reason)
{
  self->set = set;
  for (guint p = 0; p < RT_N_PHASES; p++)
    for (guint c = 0; c < RT_N_COUNTERS; c++)
      self->reasons[p][c] = g_intern_string (reason);
}

double
eng_counts_get (const EngCounts *self, guint node, RtPhase phase, int counter)
{
  g_return_val_if_fail (node < self->n_nodes && counter >= 0 && counter < RT_N_COUNTERS, NAN);
  return self->reasons[phase][counter] == NULL
             ? self->values[phase][node * RT_N_COUNTERS + (guint)counter]
             : NAN;
}

/* ---- JSON ---- */

void
eng_counts_write_node (const EngCounts *self, guint node, JsonBuilder *builder)
{
  for (guint p = 0; p < RT_N_PHASES; p++)
    {
      if (self->n_steps[p] == 0)
        continue;
      json_builder_set_member_name (builder, members[p]);
      json_builder_begin_object (builder);
      for (int c = 0; c < RT_N_COUNTERS; c++)
        if (self->reasons[p][c] == NULL)
          eng_json_add_double (builder, rt_counter_name (self->set, c),
                               eng_counts_get (self, node, p, c));
      json_builder_end_object (builder);
    }
}

static void
write_phase (const EngCounts *self, RtPhase phase, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, phases[phase]);
  json_builder_begin_object (builder);
  eng_json_add_int (builder, "counted_steps", self->n_steps[phase]);
  eng_json_add_double (builder, "counted_step_ns", self->step_ns[phase]);
  json_builder_set_member_name (builder, "unavailable");
  json_builder_begin_object (builder);
  for (int c = 0; c < RT_N_COUNTERS; c++)
    if (self->reasons[phase][c] != NULL)
      eng_json_add_string (builder, rt_counter_name (self->set, c), self->reasons[phase][c]);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
}

void
eng_counts_write (const EngCounts *self, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, "counters");
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "set", sets[self->set]);
  for (guint p = 0; p < RT_N_PHASES; p++)
    write_phase (self, p, builder);
  json_builder_end_object (builder);
}

/* A counter that a node lacks was never counted. */
void
eng_counts_read_node (EngCounts *self, guint node, JsonObject *object)
{
  for (guint p = 0; p < RT_N_PHASES; p++)
    {
      JsonObject *member = eng_json_get_object (object, members[p]);
      for (int c = 0; member != NULL && c < RT_N_COUNTERS; c++)
        self->values[p][node * RT_N_COUNTERS + (guint)c]
            = eng_json_get_double (member, rt_counter_name (self->set, c));
    }
}

static void
read_phase (EngCounts *self, RtPhase phase, JsonObject *object)
{
  JsonObject *unavailable = eng_json_get_object (object, "unavailable");

  self->n_steps[phase] = (guint)CLAMP (eng_json_get_int (object, "counted_steps", 0), 0, G_MAXINT);
  self->step_ns[phase] = eng_json_get_double (object, "counted_step_ns");
  for (int c = 0; c < RT_N_COUNTERS; c++)
    {
      const char *reason = unavailable != NULL
                               ? eng_json_get_string (unavailable, rt_counter_name (self->set, c))
                               : NULL;
      if (reason != NULL || self->n_steps[phase] > 0)
        self->reasons[phase][c] = g_intern_string (reason);
    }
}

void
eng_counts_read (EngCounts *self, JsonObject *profile)
{
  JsonObject *object = eng_json_get_object (profile, "counters");

  if (object == NULL)
    return;
  self->set = g_strcmp0 (eng_json_get_string (object, "set"), sets[RT_COUNTERS_SOFTWARE]) == 0
                  ? RT_COUNTERS_SOFTWARE
                  : RT_COUNTERS_HARDWARE;
  for (guint p = 0; p < RT_N_PHASES; p++)
    {
      JsonObject *phase = eng_json_get_object (object, phases[p]);
      if (phase != NULL)
        read_phase (self, p, phase);
    }
}
