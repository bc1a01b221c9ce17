/* The recipe pane's parts: groups that fold, what is found by a word, the recipe of the selected
 * layer, and the words for what a technique did to a layer. Needs a display and the default
 * model. */
#include "app-layer-box.h"
#include "app-layer-effect.h"
#include "app-param-row.h"
#include "app-recipe-group.h"
#include "app-recipe-pane.h"
#include "app-resources.h"
#include "app-technique-box.h"

#include <adwaita.h>
#include <string.h>

static const char *model_path;

static void
count (gpointer object, GParamSpec *pspec, guint *n)
{
  (*n)++;
}

static EngSession *
open_session (void)
{
  EngSession *session = eng_session_new (NULL);
  gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;

  eng_session_open (session, model_path);
  while (eng_session_get_model (session) == NULL && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  g_assert_nonnull (eng_session_get_model (session));
  return session;
}

static GtkWidget *
find_row (GtkWidget *widget, const char *param)
{
  if (APP_IS_PARAM_ROW (widget)
      && g_strcmp0 (app_param_row_get_param (APP_PARAM_ROW (widget))->id, param) == 0)
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_row (child, param);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static void
test_group (void)
{
  GtkWidget *group = g_object_ref_sink (app_recipe_group_new ("Memory"));
  GtkWidget *child = gtk_label_new ("inside");
  guint n = 0;

  app_recipe_group_add (APP_RECIPE_GROUP (group), child);
  g_assert_true (app_recipe_group_get_first (APP_RECIPE_GROUP (group)) == child);
  g_signal_connect (group, "notify::folded", G_CALLBACK (count), &n);
  app_recipe_group_set_folded (APP_RECIPE_GROUP (group), FALSE); /* as it is */
  g_assert_cmpuint (n, ==, 0);
  app_recipe_group_set_folded (APP_RECIPE_GROUP (group), TRUE);
  g_assert_cmpuint (n, ==, 1);
  g_assert_false (gtk_widget_get_visible (gtk_widget_get_parent (child)));
  app_recipe_group_set_forced (APP_RECIPE_GROUP (group), TRUE);
  g_assert_true (gtk_widget_get_visible (gtk_widget_get_parent (child)));
  g_assert_true (app_recipe_group_get_folded (APP_RECIPE_GROUP (group)));
  g_assert_cmpuint (n, ==, 1);
  g_object_unref (group);
}

/* By title, by the title of a choice, in any case; what is not of the kind of model that is open is
 * never shown. */
static void
test_filter (void)
{
  g_autoptr (EngSession) session = open_session ();
  g_autoptr (AppStage) stage = app_stage_new (session, NULL);
  GtkWidget *formats
      = g_object_ref_sink (app_technique_box_new (eng_technique_find ("weight-format"), stage));
  GtkWidget *int8 = g_object_ref_sink (app_technique_box_new (eng_technique_find ("int8"), stage));
  const struct
  {
    const char *needle;
    gboolean formats;
  } cases[] = { { NULL, TRUE }, { "weight", TRUE }, { "q4_0", TRUE }, { "zebra", FALSE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (app_technique_box_filter (APP_TECHNIQUE_BOX (formats), cases[i].needle), ==,
                     cases[i].formats);
  g_assert_false (app_technique_box_filter (APP_TECHNIQUE_BOX (int8), NULL));
  g_assert_true (app_technique_box_get_usable (APP_TECHNIQUE_BOX (formats)));
  g_assert_null (app_technique_box_dup_state (APP_TECHNIQUE_BOX (formats)));
  g_object_unref (formats);
  g_object_unref (int8);
}

/* The first visible label below @widget that begins with @prefix; NULL. */
static const char *
find_words (GtkWidget *widget, const char *prefix)
{
  if (GTK_IS_LABEL (widget) && gtk_widget_get_visible (widget)
      && g_str_has_prefix (gtk_label_get_label (GTK_LABEL (widget)), prefix))
    return gtk_label_get_label (GTK_LABEL (widget));
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      const char *found = find_words (child, prefix);

      if (found != NULL)
        return found;
    }
  return NULL;
}

/* The verdict is asked for on a worker. */
static void
wait_for_words (GtkWidget *widget, const char *prefix, gboolean wanted)
{
  gint64 end = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while ((find_words (widget, prefix) != NULL) != wanted && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  g_assert_true ((find_words (widget, prefix) != NULL) == wanted);
}

/* What is set for the selected layer is one rule, one undo takes it away, and it changes no other
 * layer. */
static void
test_layer (void)
{
  const EngTechnique *technique = eng_technique_find ("weight-format");
  g_autoptr (EngSession) session = open_session ();
  g_autoptr (AppStage) stage = app_stage_new (session, NULL);
  g_autoptr (AppSelection) selection = app_selection_new ();
  GtkWidget *box = g_object_ref_sink (app_layer_box_new (technique, stage, selection));
  AppParamRow *row = APP_PARAM_ROW (find_row (box, "format"));
  EngModel *model = eng_session_get_model (session);
  g_autoptr (EngRecipe) before = eng_recipe_ref (eng_session_get_recipe (session));

  g_assert_false (gtk_widget_get_visible (box)); /* nothing is selected */
  app_selection_set_layer (selection, 2);
  g_assert_true (gtk_widget_get_visible (box));
  g_assert_null (app_param_row_get_value (row));

  app_param_row_set_value (row, g_variant_new_string ("q4_0"));
  g_signal_emit_by_name (row, "changed");
  g_autoptr (EngRecipe) after = eng_recipe_ref (eng_session_get_recipe (session));
  g_assert_cmpuint (eng_recipe_n_rules (after, technique->id), ==, 1);
  g_assert_true (app_layer_effect_differs (model, technique, 2, before, after));
  g_assert_false (app_layer_effect_differs (model, technique, 1, before, after));
  g_autoptr (EngRecipe) without = app_layer_effect_without (after, technique);
  g_assert_true (eng_recipe_equal (without, before));

  /* What it is worth here, or why that is not known: the file's F16 against Q4_0. */
  wait_for_words (box, "Q4_0: ", TRUE);
  g_assert_nonnull (strstr (find_words (box, "Q4_0: "), "here"));

  eng_session_undo (session);
  g_assert_true (eng_recipe_equal (eng_session_get_recipe (session), before));
  wait_for_words (box, "Q4_0: ", FALSE);
  g_assert_null (app_param_row_get_value (row));
  app_selection_set_layer (selection, APP_LAYER_NONE);
  g_assert_false (gtk_widget_get_visible (box));
  g_object_unref (box);
}

/* A draft model that is not chosen yet leaves the recipe as it is; choosing one is one change with
 * it, which one undo takes back. */
static void
test_pending (void)
{
  const EngTechnique *technique = eng_technique_find ("speculation");
  g_autoptr (EngSession) session = open_session ();
  g_autoptr (AppStage) stage = app_stage_new (session, NULL);
  GtkWidget *box = g_object_ref_sink (app_technique_box_new (technique, stage));
  GtkWidget *drafting = find_row (box, "drafting"), *model = find_row (box, "model");
  g_autoptr (EngRecipe) before = eng_recipe_ref (eng_session_get_recipe (session));
  g_autofree char *choice = NULL;

  g_assert_false (gtk_widget_get_visible (model));
  app_param_row_set_value (APP_PARAM_ROW (drafting), g_variant_new_string ("draft-model"));
  g_signal_emit_by_name (drafting, "changed");
  g_assert_true (eng_recipe_equal (eng_session_get_recipe (session), before));
  g_assert_true (gtk_widget_get_visible (model));

  app_param_row_set_value (APP_PARAM_ROW (model), g_variant_new_string (model_path));
  g_signal_emit_by_name (model, "changed");
  choice
      = eng_recipe_get_string (eng_session_get_recipe (session), "speculation", "drafting", NULL);
  g_assert_cmpstr (choice, ==, "draft-model");
  eng_session_undo (session);
  g_assert_true (eng_recipe_equal (eng_session_get_recipe (session), before));
  g_assert_false (gtk_widget_get_visible (model));
  g_object_unref (box);
}

static EngLatency
latency (double median, double half)
{
  return (EngLatency){
    .n = 64, .median_ns = median, .low_ns = median - half, .high_ns = median + half
  };
}

/* −38 %: 100 µs became 62 µs. Intervals that hold each other's medians are no difference. */
static void
test_words (void)
{
  EngLatency slow = latency (1e5, 1e3), fast = latency (6.2e4, 1e3), same = latency (1.001e5, 1e3);
  EngLatency none = { 0 };
  g_autofree char *tooltip = NULL;
  g_autofree char *text = app_layer_effect_dup_words (&slow, &fast, &tooltip);

  g_assert_nonnull (strstr (text, "\u221238"));
  g_assert_nonnull (strstr (text, "measured"));
  g_assert_nonnull (strstr (tooltip, "better"));
  g_free (text);
  g_free (tooltip);
  text = app_layer_effect_dup_words (&fast, &slow, &tooltip);
  g_assert_nonnull (strstr (text, "Slower"));
  g_free (text);
  g_free (tooltip);
  text = app_layer_effect_dup_words (&slow, &same, &tooltip);
  g_assert_nonnull (strstr (text, "No faster here"));
  g_free (text);
  g_free (tooltip);
  text = app_layer_effect_dup_words (&none, &fast, &tooltip);
  g_assert_null (text);
}

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  adw_init ();
  app_register_resource ();
  g_assert_cmpint (argc, >, 1);
  model_path = argv[1];
  g_test_add_func ("/app/recipe-group", test_group);
  g_test_add_func ("/app/technique-box/filter", test_filter);
  g_test_add_func ("/app/layer-box", test_layer);
  g_test_add_func ("/app/technique-box/pending", test_pending);
  g_test_add_func ("/app/layer-effect/words", test_words);
  return g_test_run ();
}
