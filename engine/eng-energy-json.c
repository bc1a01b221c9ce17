/* The energy of a run from and to its document: the member "energy" of the run's JSON. The grade
 * stands in every object; joules of nodes and layers are lists in the profile's order. */
#include "eng-energy-private.h"

#include <math.h>

#include "eng-json.h"

static const char *const phase_names[RT_N_PHASES] = { "prefill", "decode", "inference" };

/* ---- Writing ---- */

static void
write_list (JsonBuilder *builder, const char *name, const double *values, guint n)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++)
    {
      if (isfinite (values[i]))
        json_builder_add_double_value (builder, values[i]);
      else
        json_builder_add_null_value (builder);
    }
  json_builder_end_array (builder);
}

static void
begin_grade (JsonBuilder *builder, EngEnergyGrade grade)
{
  json_builder_set_member_name (builder, eng_energy_grade_name (grade));
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "grade", eng_energy_grade_name (grade));
}

static void
write_measured (JsonBuilder *builder, const EngEnergyMeasured *measured)
{
  begin_grade (builder, ENG_ENERGY_MEASURED);
  eng_json_add_figure (builder, "joules", &measured->joules);
  eng_json_add_figure (builder, "watts", &measured->watts);
  eng_json_add_int (builder, "units_under_the_meter", (gint64)measured->n_units);
  eng_json_add_double (builder, "window_s", measured->window_s > 0 ? measured->window_s : NAN);
  json_builder_end_object (builder);
}

static void
write_attributed (JsonBuilder *builder, const EngEnergyAttributed *attributed, guint n_nodes,
                  guint n_layers)
{
  begin_grade (builder, ENG_ENERGY_ATTRIBUTED);
  if (attributed->reason != NULL)
    eng_json_add_string (builder, "unavailable", attributed->reason);
  else
    {
      eng_json_add_double (builder, "total_joules", attributed->total_j);
      write_list (builder, "layers_joules", attributed->layers_j, n_layers);
      write_list (builder, "nodes_joules", attributed->nodes_j, n_nodes);
    }
  json_builder_end_object (builder);
}

static void
write_modelled (JsonBuilder *builder, const EngEnergyModelled *modelled, guint n_nodes,
                guint n_layers)
{
  begin_grade (builder, ENG_ENERGY_MODELLED);
  if (modelled->reason != NULL)
    eng_json_add_string (builder, "unavailable", modelled->reason);
  else
    {
      eng_json_add_double (builder, "total_joules", eng_energy_parts_sum (&modelled->total));
      eng_json_add_double (builder, "arithmetic_joules", modelled->total.arithmetic_j);
      eng_json_add_double (builder, "instructions_joules", modelled->total.instruction_j);
      for (EngMemoryLevel level = 0; level < ENG_N_MEMORY_LEVELS; level++)
        {
          g_autofree char *name
              = g_strdup_printf ("memory_%s_joules", eng_memory_level_name (level));
          eng_json_add_double (builder, name, modelled->total.memory_j[level]);
        }
      write_list (builder, "layers_joules", modelled->layers_j, n_layers);
      write_list (builder, "nodes_joules", modelled->nodes_j, n_nodes);
    }
  json_builder_end_object (builder);
}

static void
write_meter (EngEnergy *self, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, "meter");
  if (self->meter == NULL)
    {
      json_builder_add_null_value (builder);
      return;
    }
  json_builder_begin_object (builder);
  eng_json_add_string (builder, "id", self->meter_id);
  eng_json_add_string (builder, "title", self->meter);
  eng_json_add_string (builder, "place", self->meter_place);
  eng_json_add_double (builder, "interval_s", self->interval_s);
  eng_json_add_double (builder, "cost_of_reading_percent", 100 * self->cost_frac);
  json_builder_end_object (builder);
}

void
eng_energy_write (EngEnergy *self, EngProfile *profile, JsonBuilder *builder)
{
  guint n_layers = (guint)self->n_layers + 2;

  json_builder_set_member_name (builder, "energy");
  json_builder_begin_object (builder);
  write_meter (self, builder);
  eng_json_add_string (builder, "not_measured_because", self->reason);
  eng_json_add_figure (builder, "idle_watts", &self->idle);
  eng_json_add_string (builder, "rule_of_attribution", eng_energy_rule);
  eng_json_add_string (builder, "model", self->model);
  for (RtPhase phase = 0; phase < RT_N_PHASES; phase++)
    {
      const EngPhaseEnergy *data = &self->phases[phase];
      if (data->modelled.reason != NULL && !data->measured.joules.available)
        continue;
      json_builder_set_member_name (builder, phase_names[phase]);
      json_builder_begin_object (builder);
      eng_json_add_string (builder, "per", phase == RT_PHASE_INFERENCE ? "inference" : "token");
      write_measured (builder, &data->measured);
      write_attributed (builder, &data->attributed, self->n_nodes, n_layers);
      write_modelled (builder, &data->modelled, self->n_nodes, n_layers);
      json_builder_end_object (builder);
    }
  json_builder_end_object (builder);
}

/* ---- Reading ---- */

/* NULL: not a list of exactly @n numbers or nulls. */
static double *
read_list (JsonObject *object, const char *name, guint n)
{
  JsonArray *array = eng_json_get_array (object, name);
  if (array == NULL || json_array_get_length (array) != n)
    return NULL;
  double *values = g_new (double, n + 1);
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      gboolean number = JSON_NODE_HOLDS_VALUE (node)
                        && (json_node_get_value_type (node) == G_TYPE_DOUBLE
                            || json_node_get_value_type (node) == G_TYPE_INT64);
      values[i] = number ? json_node_get_double (node) : NAN;
    }
  return values;
}

static void
read_lists (JsonObject *object, EngEnergy *self, double **layers, double **nodes,
            const char **reason)
{
  const char *why = object != NULL ? eng_json_get_string (object, "unavailable") : "not recorded";

  *reason = g_intern_string (why);
  if (why != NULL)
    return;
  *layers = read_list (object, "layers_joules", (guint)self->n_layers + 2);
  *nodes = read_list (object, "nodes_joules", self->n_nodes);
  if (*layers != NULL && *nodes != NULL)
    return;
  g_clear_pointer (layers, g_free);
  g_clear_pointer (nodes, g_free);
  *reason = "its lists are damaged";
}

static void
read_parts (JsonObject *object, EngEnergyParts *parts)
{
  parts->arithmetic_j = eng_json_get_double (object, "arithmetic_joules");
  parts->instruction_j = eng_json_get_double (object, "instructions_joules");
  for (EngMemoryLevel level = 0; level < ENG_N_MEMORY_LEVELS; level++)
    {
      g_autofree char *name = g_strdup_printf ("memory_%s_joules", eng_memory_level_name (level));
      parts->memory_j[level] = eng_json_get_double (object, name);
    }
}

static void
read_phase (EngEnergy *self, JsonObject *object, RtPhase phase)
{
  EngPhaseEnergy *data = &self->phases[phase];
  JsonObject *measured = eng_json_get_object (object, "measured");
  JsonObject *modelled = eng_json_get_object (object, "modelled");

  data->measured = (EngEnergyMeasured){
    .joules = eng_json_get_figure (measured, "joules", phase == RT_PHASE_INFERENCE ? "J" : "J/tok",
                                   "not recorded"),
    .watts = eng_json_get_figure (measured, "watts", "W", "not recorded"),
    .n_units = measured != NULL
                   ? (guint64)MAX (eng_json_get_int (measured, "units_under_the_meter", 0), 0)
                   : 0,
    .window_s = measured != NULL ? eng_json_get_double (measured, "window_s") : NAN,
  };
  data->attributed.total_j = data->measured.joules.value;
  read_lists (eng_json_get_object (object, "attributed"), self, &data->attributed.layers_j,
              &data->attributed.nodes_j, &data->attributed.reason);
  read_lists (modelled, self, &data->modelled.layers_j, &data->modelled.nodes_j,
              &data->modelled.reason);
  if (data->modelled.reason == NULL)
    read_parts (modelled, &data->modelled.total);
}

EngEnergy *
eng_energy_read (JsonObject *run, EngProfile *profile)
{
  JsonObject *object = eng_json_get_object (run, "energy");
  if (object == NULL)
    return NULL;

  EngEnergy *self = g_new0 (EngEnergy, 1);
  JsonObject *meter = eng_json_get_object (object, "meter");
  g_atomic_ref_count_init (&self->ref_count);
  self->n_nodes = eng_profile_get_n_nodes (profile);
  self->n_layers = eng_profile_get_n_layers (profile);
  self->reason = g_strdup (eng_json_get_string (object, "not_measured_because"));
  self->model = g_strdup (eng_json_get_string (object, "model"));
  self->idle = eng_json_get_figure (object, "idle_watts", "W", "not recorded");
  self->interval_s = self->cost_frac = NAN;
  if (meter != NULL)
    {
      self->meter = g_strdup (eng_json_get_string (meter, "title"));
      self->meter_id = g_strdup (eng_json_get_string (meter, "id"));
      self->meter_place = g_strdup (eng_json_get_string (meter, "place"));
      self->interval_s = eng_json_get_double (meter, "interval_s");
      self->cost_frac = 0.01 * eng_json_get_double (meter, "cost_of_reading_percent");
    }
  for (RtPhase phase = 0; phase < RT_N_PHASES; phase++)
    {
      JsonObject *member = eng_json_get_object (object, phase_names[phase]);
      const char *unit = phase == RT_PHASE_INFERENCE ? "J" : "J/tok";
      eng_energy_measured_clear (&self->phases[phase].measured, unit, "this phase was not run");
      self->phases[phase].attributed.reason = self->phases[phase].modelled.reason
          = "this phase was not run";
      if (member != NULL)
        read_phase (self, member, phase);
    }
  return self;
}
