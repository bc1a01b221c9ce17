/* Recipes: values with rules, their JSON and its errors; and the technique table. */
#include <string.h>

#include "eng-error.h"
#include "eng-technique.h"
#include "eng-test.h"

static EngRecipe *
with (EngRecipe *recipe, const char *technique, const char *param, const char *match,
      GVariant *value)
{
  g_autoptr (GError) error = NULL;
  EngRecipe *new = eng_recipe_with (recipe, technique, param, match, value, &error);
  g_assert_no_error (error);
  return new;
}

static EngRecipe *
with_format (EngRecipe *recipe, const char *match, const char *format)
{
  return with (recipe, "weight-format", "format", match,
               format != NULL ? g_variant_new_string (format) : NULL);
}

static void
check_format (EngRecipe *recipe, const char *tensor, const char *expected)
{
  g_autofree char *format = eng_recipe_get_string (recipe, "weight-format", "format", tensor);
  g_assert_cmpstr (format, ==, expected);
}

static void
test_defaults (void)
{
  g_autoptr (EngRecipe) recipe = eng_recipe_new ();
  g_autofree char *cache = eng_recipe_get_string (recipe, "kv-cache", "format", NULL);
  g_autofree char *text = eng_recipe_describe (recipe);

  check_format (recipe, "blk.0.attn_q.weight", "source");
  g_assert_cmpstr (cache, ==, "f16");
  g_assert_cmpint (eng_recipe_get_int (recipe, "context", "length"), ==, 2048);
  g_assert_cmpint (eng_recipe_get_int (recipe, "threads", "count"), ==, g_get_num_processors ());
  g_assert_cmpint (eng_recipe_get_int (recipe, "fusion", "enabled"), ==, 1);
  g_assert_false (eng_recipe_is_set (recipe, "threads", "count"));
  g_assert_cmpstr (text, ==, "weights as in file, F16 cache");
}

static void
test_rules (void)
{
  g_autoptr (EngRecipe) a = eng_recipe_new ();
  g_autoptr (EngRecipe) b = with_format (a, NULL, "q4_0");
  g_autoptr (EngRecipe) c = with_format (b, "blk.0.*", "q8_0");
  g_autoptr (EngRecipe) d = with_format (c, "*.ffn_down.weight", "q6_k");
  g_autoptr (EngRecipe) e = with_format (d, "blk.0.*", "f16");
  g_autoptr (EngRecipe) f = with_format (e, "blk.0.*", NULL);

  check_format (a, "blk.0.attn_q.weight",
                "source"); /* a value: unchanged by what was made from it */
  check_format (c, "blk.0.attn_q.weight", "q8_0");
  check_format (c, "blk.1.attn_q.weight", "q4_0");
  check_format (c, "blk.01.attn_q.weight", "q4_0"); /* the dot is a dot */
  check_format (c, NULL, "q4_0");
  check_format (d, "blk.0.ffn_down.weight", "q6_k"); /* the last match wins */
  check_format (e, "blk.0.ffn_down.weight", "q6_k"); /* a changed rule keeps its rank */
  check_format (e, "blk.0.attn_q.weight", "f16");
  check_format (f, "blk.0.attn_q.weight", "q4_0");
  g_assert_cmpuint (eng_recipe_n_rules (e, "weight-format"), ==, 2);
  g_assert_cmpuint (eng_recipe_n_rules (e, "kv-cache"), ==, 0);
  EngRule rule = eng_recipe_get_rule (e, "weight-format", 1);
  g_assert_cmpstr (rule.match, ==, "*.ffn_down.weight");
  g_assert_cmpstr (g_variant_get_string (rule.value, NULL), ==, "q6_k");

  g_autoptr (EngRecipe) back = with_format (f, "*.ffn_down.weight", NULL);
  g_autoptr (EngRecipe) plain = with_format (back, NULL, "source"); /* a default is not written */
  g_assert_true (eng_recipe_equal (plain, a));
  g_assert_false (eng_recipe_equal (b, a));
}

/* Techniques that change results and those that do not, apart. */
static void
test_parts (void)
{
  g_autoptr (EngRecipe) all = eng_test_recipe (
      "{\"weight-format\": {\"format\": \"q4_0\", \"rules\": [{\"match\": \"blk.1.*\", "
      "\"format\": \"q8_0\"}]}, \"kv-cache\": {\"format\": \"q8_0\"}, \"threads\": "
      "{\"count\": 1}, \"fusion\": {\"enabled\": false}}");
  g_autoptr (EngRecipe) exact = eng_test_recipe (
      "{\"threads\": {\"count\": 1}, \"fusion\": {\"enabled\": false}}");
  g_autoptr (EngRecipe) lossy = eng_test_recipe (
      "{\"weight-format\": {\"format\": \"q4_0\", \"rules\": [{\"match\": \"blk.1.*\", "
      "\"format\": \"q8_0\"}]}, \"kv-cache\": {\"format\": \"q8_0\"}}");
  g_autoptr (EngRecipe) reference = eng_recipe_reference (all);
  g_autoptr (EngRecipe) part = eng_recipe_lossy_part (all);

  g_assert_true (eng_recipe_equal (reference, exact));
  g_assert_true (eng_recipe_equal (part, lossy));
}

static void
test_describe (void)
{
  g_autoptr (EngRecipe) a = eng_recipe_new ();
  g_autoptr (EngRecipe) b = with_format (a, NULL, "q4_0");
  g_autoptr (EngRecipe) c = with_format (b, "blk.3.*", "q8_0");
  g_autoptr (EngRecipe) d = with (c, "threads", "count", NULL, g_variant_new_int64 (2));
  g_autoptr (EngRecipe) e = with (d, "fusion", "enabled", NULL, g_variant_new_boolean (FALSE));
  g_autofree char *text = eng_recipe_describe (e);
  g_autofree char *ab = eng_recipe_describe_change (a, b);
  g_autofree char *bc = eng_recipe_describe_change (b, c);
  g_autofree char *cb = eng_recipe_describe_change (c, b);
  g_autofree char *ae = eng_recipe_describe_change (a, e);

  g_assert_cmpstr (text, ==, "Q4_0 weights with 1 rule, F16 cache, 2 threads, no fusion");
  g_assert_cmpstr (ab, ==, "Weight format: As in file → Q4_0");
  g_assert_cmpstr (bc, ==, "Weight format of blk.3.*: Q8_0");
  g_assert_cmpstr (cb, ==, "Weight format of blk.3.*: rule removed");
  g_assert_cmpstr (ae, ==, "Weight format: As in file → Q4_0 and 3 more");
}

static void
test_json (void)
{
  static const char *const documents[] = {
    "{}",
    "{\"weight-format\": {\"format\": \"q4_0\"}}",
    ("{\"weight-format\": {\"format\": \"q4_0\", \"rules\": [{\"match\": \"blk.0.*\", \"format\": "
    "\"q8_0\"}, {\"match\": \"token_embd*\", \"format\": "
    "\"f16\"}]}, \"kv-cache\": {\"format\": \"q8_0\"}, \"context\": {\"length\": 512}, "
    "\"threads\": {\"count\": 3}, \"fusion\": {\"enabled\": false}}"),
    ("{\"weight-format\": {\"rules\": [{\"match\": \"größe ≤ \\\"x\\\" *\", \"format\": "
    "\"bf16\"}]}}"),
  };
  for (guint i = 0; i < G_N_ELEMENTS (documents); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EngRecipe) recipe = eng_test_recipe (documents[i]);
      g_autofree char *json = eng_recipe_to_json (recipe);
      g_autoptr (EngRecipe) again = eng_recipe_from_json (json, &error);
      g_assert_no_error (error);
      g_autofree char *same = eng_recipe_to_json (again);
      g_assert_true (eng_recipe_equal (recipe, again));
      g_assert_cmpstr (json, ==, same);
    }
  /* The order in a file is of no meaning, except for rules. */
  g_autoptr (EngRecipe) ab = eng_test_recipe (
      "{\"kv-cache\": {\"format\": \"f32\"}, \"weight-format\": {\"format\": \"q4_0\"}}");
  g_autoptr (EngRecipe) ba = eng_test_recipe (
      "{\"weight-format\": {\"format\": \"q4_0\"}, \"kv-cache\": {\"format\": \"f32\"}}");
  g_assert_true (eng_recipe_equal (ab, ba));
}

/* Each is refused, with a message that names what is wrong. */
static void
test_json_errors (void)
{
  static const struct
  {
    const char *json, *says;
  } cases[] = {
    { "", "found nothing" },
    { "[]", "must be a JSON object" },
    { "{", "not valid JSON" },
    { "{}", "lacks \"lathe-recipe\"" },
    { "{\"lathe-recipe\": 2}", "version" },
    { "{\"lathe-recipe\": 1, \"technique\": {}}", "\"technique\"" },
    { "{\"lathe-recipe\": 1, \"techniques\": []}", "must be an object" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"weight-fromat\": {}}}",
      "\"weight-fromat\"; known are: weight-format" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": 3}}", "a number" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": {\"fromat\": \"q4_0\"}}}",
      "\"fromat\"" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": {\"format\": \"q3_0\"}}}",
      "\"q3_0\"; known are: source, f32" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": {\"format\": 4}}}",
      "must be a text" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": {\"format\": null}}}", "null" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": {\"rules\": {}}}}",
      "must be a list" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": {\"rules\": [{\"format\": "
      "\"q4_0\"}]}}}",
      "\"match\"" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": {\"rules\": [{\"match\": \"\", "
      "\"format\": \"q4_0\"}]}}}",
      "empty pattern" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"weight-format\": {\"rules\": [{\"match\": \"a\", "
      "\"format\": \"q4_0\"}, {\"match\": \"a\", \"format\": "
      "\"q8_0\"}]}}}",
      "two rules" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"kv-cache\": {\"rules\": [{\"match\": \"a\", "
      "\"format\": \"f16\"}]}}}",
      "whole model" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"threads\": {\"count\": 0}}}",
      "from 1 to 64 threads" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"threads\": {\"count\": 1.5}}}",
      "must be a whole number" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"context\": {\"length\": 99999999}}}",
      "from 16 to" },
    { "{\"lathe-recipe\": 1, \"techniques\": {\"fusion\": {\"enabled\": 1}}}", "true or false" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (EngRecipe) recipe = eng_recipe_from_json (cases[i].json, &error);
      g_assert_null (recipe);
      g_assert_nonnull (error);
      g_assert_true (error->domain == ENG_ERROR);
      if (strstr (error->message, cases[i].says) == NULL)
        g_error ("\"%s\" does not say \"%s\"", error->message, cases[i].says);
    }

  /* Nesting that would use up the stack. */
  g_autoptr (GString) deep = g_string_new (NULL);
  for (guint i = 0; i < 1000000; i++)
    g_string_append_c (deep, '[');
  g_autoptr (GError) error = NULL;
  g_assert_null (eng_recipe_from_json (deep->str, &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_FORMAT);
  g_clear_error (&error);
  g_assert_null (eng_recipe_load ("/nonexistent/recipe.json", &error));
  g_assert_error (error, ENG_ERROR, ENG_ERROR_IO);
}

/* ---- The technique table ---- */

static void
check_param (const EngTechnique *technique, const EngParam *param)
{
  g_assert_nonnull (param->id);
  g_assert_nonnull (param->title);
  g_assert_nonnull (param->summary);
  g_assert_true (eng_technique_find_param (technique, param->id) == param);
  if (param->kind == ENG_PARAM_CHOICE)
    {
      gboolean found = FALSE;
      for (const EngChoice *choice = param->choices; choice->id != NULL; choice++)
        {
          g_assert_nonnull (choice->title);
          g_assert_nonnull (choice->summary);
          found |= strcmp (choice->id, param->default_choice) == 0;
        }
      g_assert_true (found);
      return;
    }
  double min, max, standard;
  if (param->kind == ENG_PARAM_PATH || param->kind == ENG_PARAM_MODEL)
    return;
  g_assert_cmpfloat (param->min, <, param->max);
  g_assert_cmpfloat (param->step, >, 0);
  eng_technique_limits (technique, NULL, param, &min, &max, &standard);
  g_assert_cmpfloat (min, >=, param->min);
  g_assert_cmpfloat (max, <=, param->max);
  g_assert_cmpfloat (standard, >=, min);
  g_assert_cmpfloat (standard, <=, max);
}

static void
test_table (void)
{
  guint n;
  const EngTechnique *const *list = eng_technique_list (&n);
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < n; i++)
    {
      const EngTechnique *technique = list[i];
      g_assert_true (g_hash_table_add (ids, (gpointer)technique->id));
      g_assert_true (eng_technique_find (technique->id) == technique);
      g_assert_nonnull (technique->title);
      g_assert_nonnull (technique->group);
      g_assert_nonnull (technique->summary);
      g_assert_true (g_str_has_suffix (technique->summary, "."));
      g_assert_nonnull (technique->papers);
      g_assert_nonnull (technique->apply);
      g_assert_cmpuint (technique->n_params, >, 0);
      for (guint p = 0; p < technique->n_params; p++)
        check_param (technique, &technique->params[p]);
    }
  g_assert_null (eng_technique_find ("no-such-technique"));
}

/* A file in techniques/ that is not in the list would be a technique that nobody can switch on. */
static void
test_files_are_listed (void)
{
  g_autofree char *folder
      = g_build_filename (g_getenv ("LATHE_SOURCE_ROOT"), "engine", "techniques", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  guint n, n_files = 0;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      if (!g_str_has_prefix (name, "eng-tech-") || !g_str_has_suffix (name, ".c"))
        continue;
      g_autofree char *id = g_strndup (name + strlen ("eng-tech-"),
                                       strlen (name) - strlen ("eng-tech-") - strlen (".c"));
      if (eng_technique_find (id) == NULL)
        g_error ("%s is not in the list of techniques", name);
      n_files++;
    }
  eng_technique_list (&n);
  g_assert_cmpuint (n_files, ==, n);
}

/* What techniques say of a model. */
static void
test_explain (void)
{
  g_autoptr (EngModel) model = eng_test_load_default ();
  g_autoptr (EngRecipe) recipe = eng_test_recipe ("{\"weight-format\": {\"format\": \"q8_0\"}}");
  const EngTechnique *technique = eng_technique_find ("weight-format");
  const EngTechnique *cache = eng_technique_find ("kv-cache");
  g_autofree char *text = technique->explain (model, recipe, 0);
  g_autofree char *cache_text = cache->explain (model, recipe, 0);
  EngEstimate before = { 0 }, after = { 0 };
  g_autoptr (EngRecipe) standard = eng_recipe_new ();

  g_assert_nonnull (strstr (text, "from F16 to Q8_0"));
  g_assert_nonnull (strstr (text, "8.50 bits"));
  g_assert_nonnull (cache_text);
  technique->estimate (model, standard, 0, &before);
  technique->estimate (model, recipe, 0, &after);
  /* 34 bytes for 32 weights instead of 64 */
  g_assert_cmpfloat_with_epsilon (after.weight_bytes / before.weight_bytes, 34.0 / 64, 1e-9);
  g_assert_cmpint (eng_technique_get_int (eng_technique_find ("context"), model, standard,
                                          "length"),
                   ==, MIN (eng_model_get_n_ctx_train (model), 2048));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recipe/defaults", test_defaults);
  g_test_add_func ("/recipe/rules", test_rules);
  g_test_add_func ("/recipe/parts", test_parts);
  g_test_add_func ("/recipe/describe", test_describe);
  g_test_add_func ("/recipe/json", test_json);
  g_test_add_func ("/recipe/json-errors", test_json_errors);
  g_test_add_func ("/technique/table", test_table);
  g_test_add_func ("/technique/files-are-listed", test_files_are_listed);
  g_test_add_func ("/technique/explain", test_explain);
  return g_test_run ();
}
