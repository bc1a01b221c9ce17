/* Recipe: an ordered set of technique settings, global and by layer. A value: immutable,
 * comparable, small readable JSON:
 *
 *   { "lathe-recipe": 1,
 *     "techniques": {
 *       "weight-format": { "format": "q4_0",
 *                          "rules": [ { "match": "blk.0.*", "format": "q8_0" } ] },
 *       "kv-cache": { "format": "f16" } } }
 *
 * Only what differs from the defaults is written. Rules apply in order, the last match wins;
 * patterns are globs on tensor (source) names. */
#pragma once

#include <glib-object.h>

#include "eng-model.h"

G_BEGIN_DECLS

typedef struct _EngRecipe EngRecipe;
#define ENG_TYPE_RECIPE (eng_recipe_get_type ())
GType eng_recipe_get_type (void);

EngRecipe *eng_recipe_new (void); /* every technique at its default */
EngRecipe *eng_recipe_ref (EngRecipe *recipe);
void eng_recipe_unref (EngRecipe *recipe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngRecipe, eng_recipe_unref)

/* Unknown techniques, parameters and values out of range are errors that name them and list what is
 * known. */
EngRecipe *eng_recipe_from_json (const char *json, GError **error);
EngRecipe *eng_recipe_load (const char *path, GError **error);
char *eng_recipe_to_json (EngRecipe *recipe);
gboolean eng_recipe_equal (EngRecipe *a, EngRecipe *b);

/* The value of a parameter: for the tensor or node called @target (rules applied), or globally when
 * @target is NULL. Choices are strings, integers 'x', numbers 'd', switches 'b'. Transfer full. */
GVariant *eng_recipe_get (EngRecipe *recipe, const char *technique, const char *param,
                          const char *target);
char *eng_recipe_get_string (EngRecipe *recipe, const char *technique, const char *param,
                             const char *target);
/* switches give 0 or 1 */
gint64 eng_recipe_get_int (EngRecipe *recipe, const char *technique, const char *param);
/* Whether the global value is written in the recipe (and so not the default). */
gboolean eng_recipe_is_set (EngRecipe *recipe, const char *technique, const char *param);

/* A new recipe with one value changed. @match NULL: the global value. Otherwise the rule for
 * exactly that pattern, appended when new; @value NULL removes it (or resets the global value to
 * its default). A floating @value is sunk. */
EngRecipe *eng_recipe_with (EngRecipe *recipe, const char *technique, const char *param,
                            const char *match, GVariant *value, GError **error);

/* The same without the techniques that change results (EngTechnique.lossy): what accuracy is
 * measured against. And the other way round: nothing but these, which two recipes with the same
 * results have in common. */
EngRecipe *eng_recipe_reference (EngRecipe *recipe);
EngRecipe *eng_recipe_lossy_part (EngRecipe *recipe);

typedef struct
{
  const char *match;
  const char *param;
  GVariant *value;
} EngRule;

guint eng_recipe_n_rules (EngRecipe *recipe, const char *technique);
EngRule eng_recipe_get_rule (EngRecipe *recipe, const char *technique, guint index);

/* "Q4_0 weights, F16 cache, 2 threads": for titles and lists. */
char *eng_recipe_describe (EngRecipe *recipe);
/* only what concerns models of @kind */
char *eng_recipe_describe_for (EngRecipe *recipe, EngModelKind kind);
/* "Weight format: F16 → Q4_0": what an undo entry is called. */
char *eng_recipe_describe_change (EngRecipe *from, EngRecipe *to);

G_END_DECLS
