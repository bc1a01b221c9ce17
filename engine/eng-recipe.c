/* The recipe as a value: a short list of settings in canonical order (technique, global values,
 * rules). Reading and writing its JSON lives in eng-recipe-json.c. What a setting means is the
 * technique table's business; what it does is the lowering's. */
#include "eng-recipe-private.h"

#include <math.h>
#include <string.h>

#include "eng-error.h"

G_DEFINE_BOXED_TYPE (EngRecipe, eng_recipe, eng_recipe_ref, eng_recipe_unref)

static void
setting_clear (gpointer data)
{
  EngSetting *setting = data;
  g_free (setting->match);
  g_variant_unref (setting->value);
}

EngRecipe *
eng_recipe_new (void)
{
  EngRecipe *recipe = g_new0 (EngRecipe, 1);
  g_atomic_ref_count_init (&recipe->ref_count);
  recipe->settings = g_array_new (FALSE, FALSE, sizeof (EngSetting));
  g_array_set_clear_func (recipe->settings, setting_clear);
  return recipe;
}

EngRecipe *
eng_recipe_ref (EngRecipe *recipe)
{
  g_atomic_ref_count_inc (&recipe->ref_count);
  return recipe;
}

void
eng_recipe_unref (EngRecipe *recipe)
{
  if (!g_atomic_ref_count_dec (&recipe->ref_count))
    return;
  g_array_unref (recipe->settings);
  g_free (recipe);
}

const EngSetting *
eng_recipe_setting (EngRecipe *recipe, guint index)
{
  return &g_array_index (recipe->settings, EngSetting, index);
}

static guint
technique_index (const EngTechnique *technique)
{
  guint n;
  const EngTechnique *const *list = eng_technique_list (&n);
  guint i = 0;
  while (i < n && list[i] != technique)
    i++;
  return i;
}

/* Canonical order; rules keep the order in which they apply. */
static gboolean
comes_after (const EngSetting *a, const EngSetting *b)
{
  guint ta = technique_index (a->technique), tb = technique_index (b->technique);
  if (ta != tb)
    return ta > tb;
  if ((a->match != NULL) != (b->match != NULL))
    return a->match != NULL;
  return a->match == NULL && a->param > b->param;
}

void
eng_recipe_put (EngRecipe *recipe, const EngTechnique *technique, const EngParam *param,
                const char *match, GVariant *value)
{
  EngSetting setting = { technique, param, g_strdup (match), g_variant_ref_sink (value) };
  guint at = 0;
  while (at < recipe->settings->len && !comes_after (eng_recipe_setting (recipe, at), &setting))
    at++;
  g_array_insert_val (recipe->settings, at, setting);
}

static int
find_setting (EngRecipe *recipe, const EngTechnique *technique, const EngParam *param,
              const char *match)
{
  for (guint i = 0; i < recipe->settings->len; i++)
    {
      const EngSetting *setting = eng_recipe_setting (recipe, i);
      if (setting->technique == technique && setting->param == param
          && g_strcmp0 (setting->match, match) == 0)
        return (int)i;
    }
  return -1;
}

gboolean
eng_recipe_equal (EngRecipe *a, EngRecipe *b)
{
  if (a == b)
    return TRUE;
  if (a == NULL || b == NULL || a->settings->len != b->settings->len)
    return FALSE;
  for (guint i = 0; i < a->settings->len; i++)
    {
      const EngSetting *x = eng_recipe_setting (a, i), *y = eng_recipe_setting (b, i);
      if (x->technique != y->technique || x->param != y->param
          || g_strcmp0 (x->match, y->match) != 0 || !g_variant_equal (x->value, y->value))
        return FALSE;
    }
  return TRUE;
}

/* ---- Values ---- */

static char *
join_choices (const EngParam *param)
{
  g_autoptr (GString) list = g_string_new (NULL);
  for (const EngChoice *choice = param->choices; choice->id != NULL; choice++)
    g_string_append_printf (list, "%s%s", list->len > 0 ? ", " : "", choice->id);
  return g_string_free (g_steal_pointer (&list), FALSE);
}

static gboolean
check_number (const EngTechnique *technique, const EngParam *param, double value, GError **error)
{
  if (isfinite (value) && value >= param->min && value <= param->max)
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s.%s is %g; it must be from %g to %g%s%s",
               technique->id, param->id, value, param->min, param->max,
               param->unit != NULL ? " " : "", param->unit != NULL ? param->unit : "");
  return FALSE;
}

gboolean
eng_recipe_check_value (const EngTechnique *technique, const EngParam *param, GVariant *value,
                        GError **error)
{
  static const char *const types[] = { "s", "x", "d", "b", "s", "s" };
  static const char *const wanted[]
      = { "a text", "a whole number", "a number", "true or false", "the path of a folder or file",
            "the path of a model" };

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE (types[param->kind])))
    {
      g_autofree char *found = g_variant_print (value, FALSE);
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s.%s is %s; it must be %s", technique->id,
                   param->id, found, wanted[param->kind]);
      return FALSE;
    }
  switch (param->kind)
    {
    case ENG_PARAM_CHOICE:
      for (const EngChoice *choice = param->choices; choice->id != NULL; choice++)
        if (strcmp (choice->id, g_variant_get_string (value, NULL)) == 0)
          return TRUE;
      {
        g_autofree char *known = join_choices (param);
        g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s.%s is \"%s\"; known are: %s",
                     technique->id, param->id, g_variant_get_string (value, NULL), known);
      }
      return FALSE;
    case ENG_PARAM_INT:
      return check_number (technique, param, (double)g_variant_get_int64 (value), error);
    case ENG_PARAM_REAL:
      return check_number (technique, param, g_variant_get_double (value), error);
    case ENG_PARAM_SWITCH:
    case ENG_PARAM_PATH:
    case ENG_PARAM_MODEL:
      return TRUE;
    }
  g_assert_not_reached ();
}

static GVariant *
default_value (const EngTechnique *technique, const EngParam *param)
{
  double min, max, value;
  eng_technique_limits (technique, NULL, param, &min, &max, &value);
  switch (param->kind)
    {
    case ENG_PARAM_CHOICE:
      return g_variant_ref_sink (g_variant_new_string (param->default_choice));
    case ENG_PARAM_INT:
      return g_variant_ref_sink (g_variant_new_int64 ((gint64)value));
    case ENG_PARAM_REAL:
      return g_variant_ref_sink (g_variant_new_double (value));
    case ENG_PARAM_SWITCH:
      return g_variant_ref_sink (g_variant_new_boolean (value != 0));
    case ENG_PARAM_PATH:
    case ENG_PARAM_MODEL:
      return g_variant_ref_sink (g_variant_new_string (""));
    }
  g_assert_not_reached ();
}

/* The last setting that applies to @target wins; globals come before rules. NULL: none does. */
static const EngSetting *
setting_in_force (EngRecipe *recipe, const EngParam *param, const char *target)
{
  const EngSetting *found = NULL;
  for (guint i = 0; i < recipe->settings->len; i++)
    {
      const EngSetting *setting = eng_recipe_setting (recipe, i);
      if (setting->param != param)
        continue;
      if (setting->match == NULL
          || (target != NULL && g_pattern_match_simple (setting->match, target)))
        found = setting;
    }
  return found;
}

static const EngParam *
lookup (const char *technique_id, const char *param_id, const EngTechnique **technique)
{
  *technique = eng_technique_find (technique_id);
  return *technique != NULL ? eng_technique_find_param (*technique, param_id) : NULL;
}

GVariant *
eng_recipe_get (EngRecipe *recipe, const char *technique_id, const char *param_id,
                const char *target)
{
  const EngTechnique *technique;
  const EngParam *param = lookup (technique_id, param_id, &technique);
  g_return_val_if_fail (recipe != NULL && param != NULL, NULL);

  const EngSetting *setting = setting_in_force (recipe, param, target);
  return setting != NULL ? g_variant_ref (setting->value) : default_value (technique, param);
}

gboolean
eng_recipe_is_set (EngRecipe *recipe, const char *technique_id, const char *param_id)
{
  const EngTechnique *technique;
  const EngParam *param = lookup (technique_id, param_id, &technique);
  g_return_val_if_fail (recipe != NULL && param != NULL, FALSE);
  return find_setting (recipe, technique, param, NULL) >= 0;
}

char *
eng_recipe_get_string (EngRecipe *recipe, const char *technique, const char *param,
                       const char *target)
{
  g_autoptr (GVariant) value = eng_recipe_get (recipe, technique, param, target);
  g_return_val_if_fail (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_STRING), NULL);
  return g_variant_dup_string (value, NULL);
}

gint64
eng_recipe_get_int (EngRecipe *recipe, const char *technique, const char *param)
{
  g_autoptr (GVariant) value = eng_recipe_get (recipe, technique, param, NULL);
  g_return_val_if_fail (value != NULL, 0);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_variant_get_boolean (value);
  g_return_val_if_fail (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64), 0);
  return g_variant_get_int64 (value);
}

/* ---- Changing ---- */

EngRecipe *
eng_recipe_without (EngRecipe *recipe, const EngTechnique *technique)
{
  EngRecipe *new = eng_recipe_new ();
  for (guint i = 0; i < recipe->settings->len; i++)
    {
      const EngSetting *setting = eng_recipe_setting (recipe, i);
      if (setting->technique == technique)
        continue;
      EngSetting twin = { setting->technique, setting->param, g_strdup (setting->match),
                          g_variant_ref (setting->value) };
      g_array_append_val (new->settings, twin);
    }
  return new;
}

static EngRecipe *
part (EngRecipe *recipe, gboolean lossy)
{
  EngRecipe *result = eng_recipe_new ();

  for (guint i = 0; i < recipe->settings->len; i++)
    {
      const EngSetting *setting = eng_recipe_setting (recipe, i);
      if (setting->technique->lossy == lossy)
        eng_recipe_put (result, setting->technique, setting->param, setting->match, setting->value);
    }
  return result;
}

EngRecipe *
eng_recipe_reference (EngRecipe *recipe)
{
  g_return_val_if_fail (recipe != NULL, NULL);
  return part (recipe, FALSE);
}

EngRecipe *
eng_recipe_lossy_part (EngRecipe *recipe)
{
  g_return_val_if_fail (recipe != NULL, NULL);
  return part (recipe, TRUE);
}

static EngRecipe *
copy (EngRecipe *recipe)
{
  return eng_recipe_without (recipe, NULL);
}

gboolean
eng_recipe_check_match (const EngTechnique *technique, const EngParam *param, const char *match,
                        GError **error)
{
  if (!param->per_layer)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "%s.%s holds for the whole model: it cannot have a rule for \"%s\"",
                   technique->id, param->id, match);
      return FALSE;
    }
  if (match[0] == '\0' || !g_utf8_validate (match, -1, NULL))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE,
                   "A rule of %s has an empty pattern; \"*\" matches every name", technique->id);
      return FALSE;
    }
  return TRUE;
}

/* A global value that equals a fixed default is left out. A default that depends on the machine is
 * not fixed: "2 threads" stays written on a machine of two. */
static gboolean
is_fixed_default (const EngTechnique *technique, const EngParam *param, GVariant *value)
{
  if (technique->limits != NULL)
    return FALSE;
  g_autoptr (GVariant) standard = default_value (technique, param);
  return g_variant_equal (standard, value);
}

EngRecipe *
eng_recipe_with (EngRecipe *recipe, const char *technique_id, const char *param_id,
                 const char *match, GVariant *new_value, GError **error)
{
  g_autoptr (GVariant) value = new_value != NULL ? g_variant_ref_sink (new_value) : NULL;
  const EngTechnique *technique;
  const EngParam *param = lookup (technique_id, param_id, &technique);
  g_return_val_if_fail (recipe != NULL && param != NULL, NULL);

  if ((match != NULL && !eng_recipe_check_match (technique, param, match, error))
      || (value != NULL && !eng_recipe_check_value (technique, param, value, error)))
    return NULL;

  EngRecipe *new = copy (recipe);
  int at = find_setting (new, technique, param, match);
  if (at >= 0 && value != NULL && match != NULL)
    { /* in place: the rule keeps its rank */
      EngSetting *setting = &g_array_index (new->settings, EngSetting, at);
      g_variant_unref (setting->value);
      setting->value = g_variant_ref (value);
      return new;
    }
  if (at >= 0)
    g_array_remove_index (new->settings, (guint)at);
  if (value != NULL && (match != NULL || !is_fixed_default (technique, param, value)))
    eng_recipe_put (new, technique, param, match, value);
  return new;
}

guint
eng_recipe_n_rules (EngRecipe *recipe, const char *technique)
{
  guint n = 0;
  for (guint i = 0; i < recipe->settings->len; i++)
    {
      const EngSetting *setting = eng_recipe_setting (recipe, i);
      n += setting->match != NULL && strcmp (setting->technique->id, technique) == 0;
    }
  return n;
}

EngRule
eng_recipe_get_rule (EngRecipe *recipe, const char *technique, guint index)
{
  for (guint i = 0; i < recipe->settings->len; i++)
    {
      const EngSetting *setting = eng_recipe_setting (recipe, i);
      if (setting->match != NULL && strcmp (setting->technique->id, technique) == 0 && index-- == 0)
        return (EngRule){ setting->match, setting->param->id, setting->value };
    }
  g_return_val_if_reached ((EngRule){ 0 });
}

/* ---- For people ---- */

/* "F16", "2 threads", "on" */
static char *
describe_value (const EngTechnique *technique, const EngParam *param, GVariant *value)
{
  g_autoptr (GVariant) standard
      = value == NULL ? default_value (technique, param) : g_variant_ref (value);
  switch (param->kind)
    {
    case ENG_PARAM_CHOICE:
      for (const EngChoice *choice = param->choices; choice->id != NULL; choice++)
        if (strcmp (choice->id, g_variant_get_string (standard, NULL)) == 0)
          return g_strdup (choice->title);
      break;
    case ENG_PARAM_INT:
      return g_strdup_printf ("%" G_GINT64_FORMAT "%s%s", g_variant_get_int64 (standard),
                              param->unit != NULL ? " " : "",
                              param->unit != NULL ? param->unit : "");
    case ENG_PARAM_REAL:
      return g_strdup_printf ("%g%s%s", g_variant_get_double (standard),
                              param->unit != NULL ? " " : "",
                              param->unit != NULL ? param->unit : "");
    case ENG_PARAM_SWITCH:
      return g_strdup (g_variant_get_boolean (standard) ? "on" : "off");
    case ENG_PARAM_PATH:
    case ENG_PARAM_MODEL:
      return g_variant_get_string (standard, NULL)[0] != '\0'
                 ? g_path_get_basename (g_variant_get_string (standard, NULL))
                 : g_strdup ("none");
    }
  return g_strdup ("");
}

static char *
describe (EngRecipe *recipe, gboolean language)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint n;
  const EngTechnique *const *list = eng_technique_list (&n);

  for (guint i = 0; i < n; i++)
    {
      gboolean wanted = list[i]->describe != NULL && (language || !list[i]->language);
      g_autofree char *part = wanted ? list[i]->describe (recipe) : NULL;
      if (part == NULL || part[0] == '\0')
        continue;
      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", part);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

char *
eng_recipe_describe (EngRecipe *recipe)
{
  return describe (recipe, TRUE);
}

char *
eng_recipe_describe_for (EngRecipe *recipe, EngModelKind kind)
{
  return describe (recipe, kind == ENG_MODEL_LANGUAGE);
}

static char *
describe_difference (EngRecipe *from, EngRecipe *to, const EngSetting *setting)
{
  int before = find_setting (from, setting->technique, setting->param, setting->match);
  int after = find_setting (to, setting->technique, setting->param, setting->match);
  GVariant *old = before >= 0 ? eng_recipe_setting (from, (guint)before)->value : NULL;
  GVariant *new = after >= 0 ? eng_recipe_setting (to, (guint)after)->value : NULL;
  const char *title = setting->param->title;

  if (setting->match == NULL)
    {
      g_autofree char *a = describe_value (setting->technique, setting->param, old);
      g_autofree char *b = describe_value (setting->technique, setting->param, new);
      return g_strdup_printf ("%s: %s → %s", title, a, b);
    }
  if (new == NULL)
    return g_strdup_printf ("%s of %s: rule removed", title, setting->match);
  g_autofree char *b = describe_value (setting->technique, setting->param, new);
  if (old == NULL)
    return g_strdup_printf ("%s of %s: %s", title, setting->match, b);
  g_autofree char *a = describe_value (setting->technique, setting->param, old);
  return g_strdup_printf ("%s of %s: %s → %s", title, setting->match, a, b);
}

gboolean
eng_recipe_has_rule (EngRecipe *recipe, const EngParam *param, const char *match)
{
  for (guint i = 0; i < recipe->settings->len; i++)
    {
      const EngSetting *setting = eng_recipe_setting (recipe, i);
      if (setting->param == param && g_strcmp0 (setting->match, match) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Whether @other has exactly this setting. */
static gboolean
has_setting (EngRecipe *other, const EngSetting *setting)
{
  int at = find_setting (other, setting->technique, setting->param, setting->match);
  return at >= 0 && g_variant_equal (eng_recipe_setting (other, (guint)at)->value, setting->value);
}

char *
eng_recipe_describe_change (EngRecipe *from, EngRecipe *to)
{
  g_autofree char *first = NULL;
  guint n_changes = 0;

  for (guint i = 0; i < to->settings->len; i++)
    {
      const EngSetting *setting = eng_recipe_setting (to, i);
      if (!has_setting (from, setting) && n_changes++ == 0)
        first = describe_difference (from, to, setting);
    }
  for (guint i = 0; i < from->settings->len; i++)
    {
      const EngSetting *setting = eng_recipe_setting (from, i);
      if (find_setting (to, setting->technique, setting->param, setting->match) < 0
          && n_changes++ == 0)
        first = describe_difference (from, to, setting);
    }

  if (n_changes == 0)
    return g_strdup ("Order of rules");
  if (n_changes == 1)
    return g_steal_pointer (&first);
  return g_strdup_printf ("%s and %u more", first, n_changes - 1);
}

gboolean
eng_recipe_differs_only_in (EngRecipe *a, EngRecipe *b, const EngTechnique *technique)
{
  guint i = 0, j = 0;

  /* Both lists are in canonical order, so settings of other techniques must pair up exactly. */
  for (;;)
    {
      while (i < a->settings->len && eng_recipe_setting (a, i)->technique == technique)
        i++;
      while (j < b->settings->len && eng_recipe_setting (b, j)->technique == technique)
        j++;
      if (i == a->settings->len || j == b->settings->len)
        break;
      const EngSetting *x = eng_recipe_setting (a, i++), *y = eng_recipe_setting (b, j++);
      if (x->param != y->param || g_strcmp0 (x->match, y->match) != 0
          || !g_variant_equal (x->value, y->value))
        return FALSE;
    }
  return i == a->settings->len && j == b->settings->len && !eng_recipe_equal (a, b);
}
