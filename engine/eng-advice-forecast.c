/* Estimates (eng-estimate.h) in the form that advice weighs with. Knows no rules. */
#include "eng-advice.h"

#include <math.h>

#include "eng-estimate.h"

static double
to_ms (const EngForecastValue *value)
{
  return value->ns / 1e6;
}

/* A forecast that rests on nothing but roofs says what is possible, not what is known of these
 * kernels. */
static gboolean
rests_on_roofs (const EngForecastValue *value)
{
  return value->basis == ENG_BASIS_ROOF && value->shares[ENG_BASIS_ROOF] > 0.5;
}

EngAdviceForecast *
eng_advice_estimate (EngModel *model, EngRecipe *recipe, gpointer data)
{
  EngAdviceEstimator *self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EngForecast) forecast
      = eng_estimator_forecast (self->estimator, model, recipe, &self->sizes, &error);
  RtPhase main_phase
      = eng_model_get_kind (model) == ENG_MODEL_NETWORK ? RT_PHASE_INFERENCE : RT_PHASE_DECODE;
  EngAdviceForecast *result;
  RtMemory memory;
  int n;

  if (forecast == NULL)
    {
      g_info ("No estimate for advice: %s", error->message);
      return NULL;
    }
  result = g_new0 (EngAdviceForecast, 1);
  for (int p = 0; p < RT_N_PHASES; p++)
    result->step_ms[p] = eng_forecast_has_phase (forecast, (RtPhase)p)
                             ? to_ms (eng_forecast_get_total (forecast, (RtPhase)p))
                             : NAN;
  n = eng_forecast_get_n_layers (forecast);
  result->layers_ms = g_new (double, (gsize)n + 2);
  for (int layer = -1; layer <= n; layer++)
    result->layers_ms[layer + 1] = to_ms (eng_forecast_get_layer (forecast, main_phase, layer));
  result->from_roofs = rests_on_roofs (eng_forecast_get_total (forecast, main_phase));
  result->band = eng_forecast_get_band (forecast, main_phase);
  eng_forecast_get_memory (forecast, &memory);
  result->memory_bytes = (double)memory.weight_bytes + (double)memory.activation_bytes
                         + (double)memory.scratch_bytes + (double)memory.kv_bytes;
  return result;
}
