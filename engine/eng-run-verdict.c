/* A run's verdicts: asking the techniques once it is over, and its part of the JSON document.
 * Called by whoever made the run; read by the command line and by whoever reads the document. The
 * window asks the techniques themselves, since more may be known by then. */
#include "eng-run-verdict.h"

#include "eng-json.h"
#include "eng-recipe-private.h"
#include "eng-run-private.h"

static void
clear_verdict (gpointer data)
{
  EngRunVerdict *verdict = data;
  g_free (verdict->technique);
  g_free (verdict->text);
}

GArray *
eng_run_verdicts_new (void)
{
  GArray *verdicts = g_array_new (FALSE, FALSE, sizeof (EngRunVerdict));
  g_array_set_clear_func (verdicts, clear_verdict);
  return verdicts;
}

/* ---- Asking ---- */

/* Takes @text. */
static void
add (GArray *verdicts, const EngTechnique *technique, int layer, char *text)
{
  EngRunVerdict *last
      = verdicts->len > 0 ? &g_array_index (verdicts, EngRunVerdict, verdicts->len - 1) : NULL;

  if (last != NULL && last->last_layer == layer - 1 && g_str_equal (last->technique, technique->id)
      && g_str_equal (last->text, text))
    {
      last->last_layer = layer;
      g_free (text);
      return;
    }
  EngRunVerdict verdict = { g_strdup (technique->id), layer, layer, text };
  g_array_append_val (verdicts, verdict);
}

void
eng_run_take_verdicts (EngRun *run, EngModel *model)
{
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);

  g_return_if_fail (ENG_IS_RUN (run) && ENG_IS_MODEL (model));

  g_clear_pointer (&run->verdicts, g_array_unref);
  if (run->profile == NULL || run->validity == ENG_RUN_INVALID)
    return;
  run->verdicts = eng_run_verdicts_new ();
  for (guint t = 0; t < n; t++)
    {
      g_autoptr (EngRecipe) without = eng_recipe_without (run->recipe, techniques[t]);
      if (techniques[t]->verdict == NULL || eng_recipe_equal (without, run->recipe))
        continue;
      for (int layer = -1; layer <= (int)eng_model_get_n_layers (model); layer++)
        {
          char *text = techniques[t]->verdict (model, run->recipe, run, layer);
          if (text != NULL)
            add (run->verdicts, techniques[t], layer, text);
        }
    }
}

const EngRunVerdict *
eng_run_get_verdicts (EngRun *run, guint *n)
{
  g_return_val_if_fail (ENG_IS_RUN (run) && n != NULL, NULL);

  *n = run->verdicts != NULL ? run->verdicts->len : 0;
  return *n > 0 ? (const EngRunVerdict *)(void *)run->verdicts->data : NULL;
}

char *
eng_run_verdict_describe (EngRun *run, const EngRunVerdict *verdict)
{
  const EngTechnique *technique = eng_technique_find (verdict->technique);
  const char *title = technique != NULL ? technique->title : verdict->technique;
  g_autofree char *first = eng_profile_dup_layer_name (run->profile, verdict->first_layer);
  g_autofree char *last = eng_profile_dup_layer_name (run->profile, verdict->last_layer);

  return verdict->first_layer == verdict->last_layer
             ? g_strdup_printf ("%s, %s: %s", title, first, verdict->text)
             : g_strdup_printf ("%s, %s to %s: %s", title, first, last, verdict->text);
}

/* ---- JSON ---- */

void
eng_run_verdicts_write (GArray *verdicts, JsonBuilder *builder, const char *name)
{
  if (verdicts == NULL || verdicts->len == 0)
    return;
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < verdicts->len; i++)
    {
      const EngRunVerdict *verdict = &g_array_index (verdicts, EngRunVerdict, i);
      json_builder_begin_object (builder);
      eng_json_add_string (builder, "technique", verdict->technique);
      eng_json_add_int (builder, "first_layer", verdict->first_layer);
      eng_json_add_int (builder, "last_layer", verdict->last_layer);
      eng_json_add_string (builder, "text", verdict->text);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
}

/* What does not fit is left out: these are words, nothing rests on them. */
GArray *
eng_run_verdicts_read (JsonObject *run, const char *name, int n_layers)
{
  JsonArray *array = eng_json_get_array (run, name);
  GArray *verdicts = NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *technique = object != NULL ? eng_json_get_string (object, "technique") : NULL;
      const char *text = object != NULL ? eng_json_get_string (object, "text") : NULL;
      gint64 first = object != NULL ? eng_json_get_int (object, "first_layer", -2) : -2;
      gint64 last = object != NULL ? eng_json_get_int (object, "last_layer", -2) : -2;
      if (technique == NULL || text == NULL || first < -1 || last < first || last > n_layers)
        continue;
      if (verdicts == NULL)
        verdicts = eng_run_verdicts_new ();
      EngRunVerdict verdict = { g_strdup (technique), (int)first, (int)last, g_strdup (text) };
      g_array_append_val (verdicts, verdict);
    }
  return verdicts;
}
