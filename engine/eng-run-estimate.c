/* The estimate that stood before a run, as a value: words and JSON. Filled by the estimator
 * (eng-estimate.c), read by the window, the command line and reports. */
#include "eng-run-estimate.h"

#include <math.h>

#include "eng-figure.h"
#include "eng-json.h"

#define MAX_LAYERS 100000

static const char *const phase_names[RT_N_PHASES] = { "prefill", "decode", "inference" };

EngRunEstimate *
eng_run_estimate_new (int n_layers)
{
  EngRunEstimate *self = g_new0 (EngRunEstimate, 1);

  self->n_layers = n_layers;
  for (guint p = 0; p < RT_N_PHASES; p++)
    {
      EngPhaseEstimate *phase = &self->phases[p];
      *phase = (EngPhaseEstimate){ .basis = ENG_BASIS_NONE,
                                   .predicted_ns = NAN,
                                   .uncorrected_ns = NAN,
                                   .measured_ns = NAN,
                                   .wall_predicted_ns = NAN,
                                   .wall_measured_ns = NAN,
                                   .layer_error = NAN,
                                   .layers = g_new (double, (gsize)n_layers + 2) };
      for (int i = 0; i < n_layers + 2; i++)
        phase->layers[i] = NAN;
    }
  return self;
}

void
eng_run_estimate_free (EngRunEstimate *self)
{
  if (self == NULL)
    return;
  for (guint p = 0; p < RT_N_PHASES; p++)
    g_free (self->phases[p].layers);
  g_free (self);
}

static gboolean
has_wall (const EngPhaseEstimate *phase)
{
  return phase->wall_predicted_ns > 0 && phase->wall_measured_ns > 0;
}

double
eng_phase_estimate_error (const EngPhaseEstimate *phase)
{
  if (!phase->available)
    return NAN;
  return has_wall (phase) ? phase->wall_predicted_ns / phase->wall_measured_ns - 1
                          : phase->predicted_ns / phase->measured_ns - 1;
}

char *
eng_phase_estimate_describe (const EngPhaseEstimate *phase)
{
  double percent = 100 * eng_phase_estimate_error (phase);

  if (isnan (percent))
    return NULL;
  g_autofree char *time
      = eng_format_value (1e-9
                              * (has_wall (phase) ? phase->wall_predicted_ns : phase->predicted_ns),
                          "s");
  if (fabs (percent) < 0.5)
    return g_strdup_printf ("estimate was %s, right to 0.5\u202f%%", time);
  return g_strdup_printf ("estimate was %s, %.*f\u202f%% too %s", time, fabs (percent) < 2 ? 1 : 0,
                          fabs (percent), percent < 0 ? "low" : "high");
}

/* ---- JSON ---- */

static void
write_phase (const EngPhaseEstimate *phase, int n_layers, JsonBuilder *builder)
{
  eng_json_add_string (builder, "basis", eng_basis_name (phase->basis));
  eng_json_add_bool (builder, "is_known", phase->is_known);
  eng_json_add_double (builder, "predicted_ns", phase->predicted_ns);
  eng_json_add_double (builder, "uncorrected_ns", phase->uncorrected_ns);
  eng_json_add_double (builder, "measured_ns", phase->measured_ns);
  eng_json_add_double (builder, "wall_predicted_ns", phase->wall_predicted_ns);
  eng_json_add_double (builder, "wall_measured_ns", phase->wall_measured_ns);
  eng_json_add_double (builder, "error_percent", 100 * eng_phase_estimate_error (phase));
  eng_json_add_double (builder, "layer_error_p90_percent", 100 * phase->layer_error);
  json_builder_set_member_name (builder, "layers_predicted_ns");
  json_builder_begin_array (builder);
  for (int i = 0; i < n_layers + 2; i++)
    if (isfinite (phase->layers[i]))
      json_builder_add_int_value (builder, (gint64)llround (phase->layers[i]));
    else
      json_builder_add_null_value (builder);
  json_builder_end_array (builder);
}

void
eng_run_estimate_write (const EngRunEstimate *self, JsonBuilder *builder, const char *name)
{
  if (self == NULL)
    return;
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  eng_json_add_int (builder, "n_layers", self->n_layers);
  for (guint p = 0; p < RT_N_PHASES; p++)
    {
      const EngPhaseEstimate *phase = &self->phases[p];
      if (!phase->available && phase->reason == NULL)
        continue; /* the run has no such phase */
      json_builder_set_member_name (builder, phase_names[p]);
      json_builder_begin_object (builder);
      if (phase->available)
        write_phase (phase, self->n_layers, builder);
      else
        eng_json_add_string (builder, "unavailable", phase->reason);
      json_builder_end_object (builder);
    }
  json_builder_end_object (builder);
}

static EngBasis
read_basis (const char *name)
{
  for (EngBasis basis = 0; basis < ENG_N_BASES; basis++)
    if (g_strcmp0 (name, eng_basis_name (basis)) == 0)
      return basis;
  return ENG_BASIS_NONE;
}

static void
read_phase (EngPhaseEstimate *phase, int n_layers, JsonObject *object)
{
  JsonArray *layers = eng_json_get_array (object, "layers_predicted_ns");

  phase->reason = g_intern_string (eng_json_get_string (object, "unavailable"));
  phase->basis = read_basis (eng_json_get_string (object, "basis"));
  phase->is_known = eng_json_get_bool (object, "is_known", FALSE);
  phase->predicted_ns = eng_json_get_double (object, "predicted_ns");
  phase->uncorrected_ns = eng_json_get_double (object, "uncorrected_ns");
  phase->measured_ns = eng_json_get_double (object, "measured_ns");
  phase->wall_predicted_ns = eng_json_get_double (object, "wall_predicted_ns");
  phase->wall_measured_ns = eng_json_get_double (object, "wall_measured_ns");
  phase->layer_error = eng_json_get_double (object, "layer_error_p90_percent") / 100;
  phase->available = phase->predicted_ns > 0 && phase->measured_ns > 0;
  for (int i = 0; layers != NULL && i < n_layers + 2 && i < (int)json_array_get_length (layers);
       i++)
    {
      JsonNode *node = json_array_get_element (layers, (guint)i);
      if (JSON_NODE_HOLDS_VALUE (node))
        phase->layers[i] = json_node_get_double (node);
    }
}

EngRunEstimate *
eng_run_estimate_read (JsonObject *object)
{
  gint64 n_layers = object != NULL ? eng_json_get_int (object, "n_layers", -1) : -1;
  if (n_layers < 0 || n_layers > MAX_LAYERS)
    return NULL;

  EngRunEstimate *self = eng_run_estimate_new ((int)n_layers);
  for (guint p = 0; p < RT_N_PHASES; p++)
    {
      JsonObject *phase = eng_json_get_object (object, phase_names[p]);
      if (phase != NULL)
        read_phase (&self->phases[p], self->n_layers, phase);
    }
  return self;
}
