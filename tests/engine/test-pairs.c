/* Every technique with every other, generated from the table: each setting that means something by
 * itself is built alone and together with each setting of every other technique. It works (the
 * logits are numbers) or is refused by name. Alone, it also survives the way through JSON, gives
 * the same hash twice, and leaves every bit of the result as it was unless the table says that it
 * is lossy, and its file gives the same bits when it is opened, also with parts of the model cut
 * out, or is refused by the tensor's name. */
#include <math.h>
#include <string.h>

#include "eng-error.h"
#include "eng-test.h"
#include "eng-technique.h"

/* One technique switched on. */
typedef struct
{
  const EngTechnique *technique;
  char *name; /* "weight-format.format=q4_0" */
  EngRecipe *recipe;
  EngBuild *build; /* NULL: it is refused here */
  gint64 build_us;
} Variant;

typedef struct
{
  EngModel *model;
  GPtrArray *variants;
} Fixture;

static const gint32 tokens[] = { 5, 300, 41, 7, 998, 12 };

static void
variant_free (gpointer data)
{
  Variant *variant = data;
  g_free (variant->name);
  eng_recipe_unref (variant->recipe);
  g_clear_object (&variant->build);
  g_free (variant);
}

/* ---- what can be set ---- */

static void
add_variant (Fixture *f, const EngTechnique *technique, const EngParam *param, GVariant *value)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) plain = eng_recipe_new ();
  g_autofree char *text = g_variant_print (value, FALSE);
  EngRecipe *recipe = eng_recipe_with (plain, technique->id, param->id, NULL, value, &error);
  g_assert_no_error (error);

  /* One that needs another setting first says nothing alone; its default is tested with that
   * one. */
  if (eng_recipe_equal (recipe, plain)
      || (technique->matters != NULL && !technique->matters (recipe, param)))
    {
      eng_recipe_unref (recipe);
      return;
    }
  Variant *variant = g_new0 (Variant, 1);
  variant->technique = technique;
  variant->name = g_strdup_printf ("%s.%s=%s", technique->id, param->id, text);
  variant->recipe = recipe;
  g_ptr_array_add (f->variants, variant);
}

static void
add_param (Fixture *f, const EngTechnique *technique, const EngParam *param)
{
  double min, max, standard, middle;

  switch (param->kind)
    {
    case ENG_PARAM_CHOICE:
      for (const EngChoice *choice = param->choices; choice->id != NULL; choice++)
        add_variant (f, technique, param, g_variant_new_string (choice->id));
      return;
    case ENG_PARAM_SWITCH:
      add_variant (f, technique, param, g_variant_new_boolean (param->default_value == 0));
      return;
    case ENG_PARAM_INT:
    case ENG_PARAM_REAL:
      eng_technique_limits (technique, f->model, param, &min, &max, &standard);
      /* Half of the way to the further end, but not far: a context of a million tokens tests
       * memory. */
      middle = max - standard > standard - min
                   ? standard + MIN (max - standard, MAX (1, standard)) / 2
                   : standard - (standard - min) / 2;
      add_variant (f, technique, param,
                   param->kind == ENG_PARAM_INT ? g_variant_new_int64 ((gint64)ceil (middle))
                                                : g_variant_new_double (middle));
      return;
    case ENG_PARAM_PATH: /* files: tested by their techniques */
    case ENG_PARAM_MODEL:
      return;
    }
}

static void
set_up (Fixture *f, gconstpointer data)
{
  guint n;
  const EngTechnique *const *techniques = eng_technique_list (&n);

  f->model = eng_test_load_default ();
  f->variants = g_ptr_array_new_with_free_func (variant_free);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *why_not
          = techniques[i]->applies != NULL ? techniques[i]->applies (f->model) : NULL;
      for (guint k = 0; why_not == NULL && k < techniques[i]->n_params; k++)
        add_param (f, techniques[i], &techniques[i]->params[k]);
    }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_ptr_array_unref (f->variants);
  g_object_unref (f->model);
}

/* ---- what comes of it ---- */

/* A refusal names who refuses, so that a person knows which switch to turn. */
static void
check_refusal (const GError *error, const Variant *a, const Variant *b)
{
  if (error->domain == ENG_ERROR
      && (strstr (error->message, a->technique->title) != NULL
          || (b != NULL && strstr (error->message, b->technique->title) != NULL)))
    return;
  g_test_message ("%s with %s: %s", a->name, b != NULL ? b->name : "nothing", error->message);
  g_test_fail ();
}

static void
check_logits (EngBuild *build, const char *name, const char *other)
{
  guint n = MIN (G_N_ELEMENTS (tokens), eng_build_get_n_ctx (build));
  gint32 mine[G_N_ELEMENTS (tokens)];
  guint n_vocab = rt_exec_n_vocab (eng_build_get_exec (build));

  for (guint i = 0; i < n; i++)
    mine[i] = tokens[i] % (gint32)n_vocab;
  g_autofree float *logits = eng_test_logits (build, mine, n);
  guint n_numbers = 0;
  for (guint i = 0; i < n_vocab; i++)
    {
      if (isnan (logits[i]) || logits[i] == INFINITY)
        {
          g_test_message ("%s with %s: logit %u is %g", name, other, i, (double)logits[i]);
          g_test_fail ();
          return;
        }
      n_numbers += isfinite (logits[i]);
    }
  if (n_numbers == 0)
    {
      g_test_message ("%s with %s: no token can come next", name, other);
      g_test_fail ();
    }
}

/* @b's settings on top of @a's. */
static EngRecipe *
add_recipe (EngRecipe *a, EngRecipe *b, const EngTechnique *technique)
{
  EngRecipe *recipe = eng_recipe_ref (a);

  for (guint k = 0; k < technique->n_params; k++)
    {
      g_autoptr (GError) error = NULL;
      const EngParam *param = &technique->params[k];
      if (!eng_recipe_is_set (b, technique->id, param->id))
        continue;
      g_autoptr (GVariant) value = eng_recipe_get (b, technique->id, param->id, NULL);
      EngRecipe *both = eng_recipe_with (recipe, technique->id, param->id, NULL, value, &error);
      g_assert_no_error (error);
      eng_recipe_unref (recipe);
      recipe = both;
    }
  return recipe;
}

/* ---- files ---- */

/* Heads, channels and halves of blocks that are gone. */
#define CUT                                                                                        \
  "{\"prune-structured\": {\"channels\": 30, \"heads\": 30}, \"layer-skip\": {\"rules\": ["        \
  "{\"match\": \"blk.1.attn*\", \"skip\": true}, {\"match\": \"blk.4.ffn*\", \"skip\": true}]}}"

/* What these do is found out on a calibration text by the model that is opened, which is another
 * once something else of the recipe is in the file. */
static gboolean
is_calibrated_again (const EngTechnique *technique)
{
  static const char *const ids[] = { "softmax", "noisy-bias", "activation-sparsity" };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    if (strcmp (technique->id, ids[i]) == 0)
      return TRUE;
  return FALSE;
}

static void
check_file (EngBuild *build, const Variant *variant, const char *cut)
{
  char *directory = eng_test_directory ();
  g_autofree char *path = g_build_filename (directory, "build.gguf", NULL);
  g_autoptr (GError) error = NULL;

  if (!eng_build_save (build, path, NULL, &error))
    {
      /* The tensor that cannot be written is named. */
      if (error->domain != ENG_ERROR || strstr (error->message, ".weight") == NULL)
        {
          g_test_message ("%s%s cannot be saved: %s", variant->name, cut, error->message);
          g_test_fail ();
        }
    }
  else
    {
      g_autoptr (EngBuild) opened = eng_test_save_and_open (build, path);
      guint n = MIN (rt_exec_n_vocab (eng_build_get_exec (build)),
                     rt_exec_n_vocab (eng_build_get_exec (opened)));
      gint32 mine[G_N_ELEMENTS (tokens)];
      for (guint i = 0; i < G_N_ELEMENTS (tokens); i++)
        mine[i] = tokens[i] % (gint32)n;
      guint n_tokens = MIN (G_N_ELEMENTS (tokens), eng_build_get_n_ctx (build));
      gboolean is_trimmed = strcmp (variant->technique->id, "vocabulary") == 0;
      g_autofree float *a = eng_test_logits (build, mine, n_tokens);
      g_autofree float *b = eng_test_logits (opened, mine, n_tokens);
      /* A trimmed vocabulary numbers its tokens anew: its own test compares it. */
      if (!is_trimmed && !is_calibrated_again (variant->technique)
          && memcmp (a, b, n * sizeof *a) != 0)
        {
          g_test_message ("%s%s: the file gives other results than the build", variant->name, cut);
          g_test_fail ();
        }
      check_logits (opened, variant->name, "the way through a file");
    }
  eng_test_remove (directory);
}

static void
check_files (Fixture *f, const Variant *variant)
{
  g_autoptr (EngRecipe) cut = eng_test_recipe (CUT);
  g_autoptr (EngRecipe) recipe = add_recipe (cut, variant->recipe, variant->technique);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngBuild) build = eng_build_new (f->model, recipe, NULL, NULL, &error);

  check_file (variant->build, variant, "");
  if (build != NULL)
    check_file (build, variant, " with parts cut out");
  else
    check_refusal (error, variant, NULL);
}

static void
check_alone (Fixture *f, Variant *variant, const float *plain, guint n_vocab)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) back = eng_test_round_trip (variant->recipe);

  const gint64 start_us = g_get_monotonic_time ();
  variant->build = eng_build_new (f->model, variant->recipe, NULL, NULL, &error);
  variant->build_us = g_get_monotonic_time () - start_us;
  if (variant->build == NULL)
    {
      check_refusal (error, variant, NULL);
      return;
    }
  g_autoptr (EngBuild) again = eng_build_new (f->model, back, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (eng_build_get_hash (again), ==, eng_build_get_hash (variant->build));
  check_logits (variant->build, variant->name, "nothing");
  check_files (f, variant);
  if (variant->technique->lossy)
    return;
  g_autofree float *logits = eng_test_logits (variant->build, tokens, G_N_ELEMENTS (tokens));
  if (memcmp (logits, plain, n_vocab * sizeof *plain) != 0)
    {
      g_test_message ("%s changes the results, and the table does not say so", variant->name);
      g_test_fail ();
    }
}

static void
check_pair (Fixture *f, const Variant *a, const Variant *b)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EngRecipe) recipe = add_recipe (a->recipe, b->recipe, b->technique);
  /* What took longer to make is taken over where it stays the same. */
  EngBuild *before = a->build_us > b->build_us ? a->build : b->build;
  g_autoptr (EngBuild) build = eng_build_new (f->model, recipe, before, NULL, &error);
  if (build == NULL)
    check_refusal (error, a, b);
  else
    check_logits (build, a->name, b->name);
}

static void
test_all (Fixture *f, gconstpointer data)
{
  g_autoptr (EngBuild) plain = eng_test_build (f->model, "{}", NULL);
  g_autofree float *logits = eng_test_logits (plain, tokens, G_N_ELEMENTS (tokens));
  guint n_pairs = 0;

  for (guint i = 0; i < f->variants->len; i++)
    check_alone (f, f->variants->pdata[i], logits, rt_exec_n_vocab (eng_build_get_exec (plain)));
  for (guint i = 0; i < f->variants->len; i++)
    for (guint k = i + 1; k < f->variants->len; k++)
      {
        const Variant *a = f->variants->pdata[i], *b = f->variants->pdata[k];
        if (a->technique == b->technique)
          continue;
        check_pair (f, a, b);
        n_pairs++;
      }
  g_test_message ("%u settings, %u pairs", f->variants->len, n_pairs);
  g_assert_cmpuint (n_pairs, >, 100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/pairs/all", Fixture, NULL, set_up, test_all, tear_down);
  return g_test_run ();
}
