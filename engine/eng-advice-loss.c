/* What accuracy per layer (eng-sensitivity.h) knows of a recipe that advice proposes. Runs nothing:
 * what was never measured is not known. */
#include "eng-advice.h"

#include "eng-sensitivity.h"

/* Against the model without techniques that round: "KL divergence 0.431 nat (0.408–0.455)". */
static char *
describe (EngLayerErrors *errors)
{
  const EngLayerError *whole = eng_layer_errors_get_whole (errors);
  const EngFigure *figure = eng_layer_errors_get_kind (errors) == ENG_MODEL_LANGUAGE
                                ? &whole->divergence
                                : &whole->agreement;
  g_autofree char *text = NULL;

  if (!figure->available)
    return NULL;
  text = eng_figure_format (figure);
  return eng_layer_errors_get_kind (errors) == ENG_MODEL_LANGUAGE
             ? g_strdup_printf ("KL divergence %s from the file’s own weights", text)
             : g_strdup_printf ("%s of inputs keep their result", text);
}

char *
eng_advice_known_loss (EngModel *model, EngRecipe *recipe, gpointer data)
{
  const EngAdviceLossSource *source = data;
  EngSensitivityConfig config = { 0 };
  g_autofree char *text = NULL;
  g_autofree char *name = NULL;
  g_autoptr (EngLayerErrors) errors = NULL;
  g_autoptr (GError) error = NULL;

  if (source->history == NULL)
    return NULL;
  if (eng_model_get_kind (model) == ENG_MODEL_LANGUAGE)
    {
      text = eng_sensitivity_dup_default_text (&name, &error);
      if (text == NULL)
        return NULL;
      config.text = text;
      config.text_name = name;
    }
  else if (source->workload != NULL && source->workload->inputs != NULL)
    config.inputs = source->workload->inputs[0];
  errors = eng_sensitivity_load (model, recipe, &config, source->history, &error);
  if (error != NULL)
    g_info ("Accuracy per layer is not known: %s", error->message);
  return errors != NULL && eng_layer_errors_is_complete (errors) ? describe (errors) : NULL;
}
