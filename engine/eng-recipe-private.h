/* What eng-recipe.c and eng-recipe-json.c share. */
#pragma once

#include "eng-recipe.h"
#include "eng-technique.h"

G_BEGIN_DECLS

typedef struct
{
  const EngTechnique *technique;
  const EngParam *param;
  char *match;     /* NULL: global */
  GVariant *value; /* of the parameter's kind, in range */
} EngSetting;

struct _EngRecipe
{
  gatomicrefcount ref_count;
  GArray *settings; /* EngSetting, in canonical order; never changed once the recipe is out of its
                       maker's hands */
};

const EngSetting *eng_recipe_setting (EngRecipe *recipe, guint index);
void eng_recipe_put (EngRecipe *recipe, const EngTechnique *technique, const EngParam *param,
                     const char *match, GVariant *value);
gboolean eng_recipe_check_value (const EngTechnique *technique, const EngParam *param,
                                 GVariant *value, GError **error);
gboolean eng_recipe_check_match (const EngTechnique *technique, const EngParam *param,
                                 const char *match, GError **error);
gboolean eng_recipe_has_rule (EngRecipe *recipe, const EngParam *param, const char *match);

/* A new recipe with every setting of @technique left out. */
EngRecipe *eng_recipe_without (EngRecipe *recipe, const EngTechnique *technique);

/* Whether the two differ, and in no other technique's settings. */
gboolean eng_recipe_differs_only_in (EngRecipe *a, EngRecipe *b, const EngTechnique *technique);

G_END_DECLS
