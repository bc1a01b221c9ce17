/* Lathe's side of the conformance comparison: logits through the whole engine, with recipe,
 * lowering and packing, as raw numbers.
 *
 *   lathe-logits MODEL RECIPE OUT N_PREDICT TOKEN...
 *
 * RECIPE: the JSON of "techniques". Feeds the tokens, then N_PREDICT greedy ones; writes [1 +
 * N_PREDICT][n_vocab] f32 to OUT (the last prompt token's logits first), the same as
 * llama-cpp-peer, and prints one JSON object with the greedy tokens. "lathe-logits MODEL --tokens
 * TEXT" prints the tokens of a text, and "lathe-logits MODEL RECIPE --save FILE" saves the
 * build. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eng-build.h"

static int
fail (const char *what, const char *why)
{
  fprintf (stderr, "lathe-logits: %s: %s\n", what, why);
  return 1;
}

static int
print_tokens (EngModel *model, const char *text)
{
  RtError error = { 0 };
  int32_t *tokens;
  size_t n;

  if (eng_model_get_tokenizer (model) == NULL)
    return fail ("tokenizer", eng_model_get_tokenizer_error (model));
  if (!rt_tokenizer_encode (eng_model_get_tokenizer (model), text, strlen (text), true, false,
                            &tokens, &n, &error))
    return fail ("tokens", error.message);
  printf ("{ \"tokens\": [");
  for (size_t i = 0; i < n; i++)
    printf ("%s%d", i > 0 ? ", " : "", tokens[i]);
  printf ("] }\n");
  free (tokens);
  return 0;
}

static gboolean
feed (RtExec *exec, const int32_t *tokens, guint n, guint chunk, RtError *error)
{
  for (guint i = 0; i < n; i += chunk)
    {
      guint now = MIN (chunk, n - i);
      if (!rt_exec_run (exec, tokens + i, now, i + now == n,
                        n > 1 ? RT_PHASE_PREFILL : RT_PHASE_DECODE, error))
        return FALSE;
    }
  return TRUE;
}

static int
write_logits (EngBuild *build, const char *path, guint n_predict, const int32_t *prompt,
              guint n_prompt)
{
  RtExec *exec = eng_build_get_exec (build);
  guint n_vocab = rt_exec_n_vocab (exec), chunk = eng_build_get_max_tokens (build);
  FILE *out = fopen (path, "wb");
  RtError error = { 0 };

  if (out == NULL)
    return fail (path, "cannot be written");
  gboolean ok = feed (exec, prompt, n_prompt, chunk, &error);
  printf ("{ \"tokens\": [");
  for (guint i = 0; ok; i++)
    {
      const float *logits = rt_exec_logits (exec, 0);
      fwrite (logits, sizeof *logits, n_vocab, out);
      if (i == n_predict)
        break;
      int32_t best = 0;
      for (guint k = 1; k < n_vocab; k++)
        if (logits[k] > logits[best])
          best = (int32_t)k;
      printf ("%s%d", i > 0 ? ", " : "", best);
      ok = feed (exec, &best, 1, chunk, &error);
    }
  printf ("], \"n_vocab\": %u, \"isa\": \"%s\" }\n", n_vocab, eng_build_get_isa (build));
  if (fclose (out) != 0 || !ok)
    return fail (path, ok ? "cannot be written" : error.message);
  return 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  if (argc < 4)
    return fail ("usage", "see the head of lathe-logits.c");
  g_autoptr (EngModel) model = eng_model_load (argv[1], NULL, &error);
  if (model == NULL)
    return fail (argv[1], error->message);
  if (strcmp (argv[2], "--tokens") == 0)
    return print_tokens (model, argv[3]);

  g_autofree char *json = g_strdup_printf ("{\"lathe-recipe\": 1, \"techniques\": %s}", argv[2]);
  g_autoptr (EngRecipe) recipe = eng_recipe_from_json (json, &error);
  g_autoptr (EngBuild) build
      = recipe != NULL ? eng_build_new (model, recipe, NULL, NULL, &error) : NULL;
  if (build == NULL)
    return fail (argv[1], error->message);
  if (strcmp (argv[3], "--save") == 0 && argc == 5)
    return eng_build_save (build, argv[4], NULL, &error) ? 0 : fail (argv[4], error->message);
  if (argc < 6)
    return fail ("usage", "see the head of lathe-logits.c");

  guint n_prompt = (guint)argc - 5;
  g_autofree int32_t *prompt = g_new (int32_t, n_prompt);
  for (guint i = 0; i < n_prompt; i++)
    prompt[i] = atoi (argv[5 + i]);
  return write_logits (build, argv[3], (guint)atoi (argv[4]), prompt, n_prompt);
}
