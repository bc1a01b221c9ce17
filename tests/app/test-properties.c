/* Every read-write property of every type of the window: set to a value of its own, then all read
 * back. Finds the classic slips: a missing case, the wrong field, one id for two properties. */
#include "app-accuracy-view.h"
#include "app-breakpoint.h"
#include "app-compare-view.h"
#include "app-figure-tile.h"
#include "app-headline.h"
#include "app-history-view.h"
#include "app-job-bar.h"
#include "app-lanes-view.h"
#include "app-network-view.h"
#include "app-output-view.h"
#include "app-param-row.h"
#include "app-prompt-view.h"
#include "app-resources.h"
#include "app-run-mode.h"
#include "app-selection.h"
#include "app-timeline-view.h"
#include "app-tradeoff-view.h"

#include <adwaita.h>
#include <stdlib.h>

/* The properties that the type itself brings, writable after construction. */
static gboolean
is_own_writable (GType type, GParamSpec *pspec)
{
  const GParamFlags both = G_PARAM_READWRITE;

  return pspec->owner_type == type && (pspec->flags & both) == both
         && (pspec->flags & G_PARAM_CONSTRUCT_ONLY) == 0;
}

/* A value other than the default, different for each @i. */
static gboolean
make_value (GParamSpec *pspec, guint i, GValue *value)
{
  g_value_init (value, pspec->value_type);
  if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    g_value_set_boolean (value, !G_PARAM_SPEC_BOOLEAN (pspec)->default_value);
  else if (G_IS_PARAM_SPEC_INT (pspec))
    g_value_set_int (value, CLAMP (3 + (int)i, G_PARAM_SPEC_INT (pspec)->minimum,
                                   G_PARAM_SPEC_INT (pspec)->maximum)
                                    == G_PARAM_SPEC_INT (pspec)->default_value
                                ? G_PARAM_SPEC_INT (pspec)->minimum
                                : CLAMP (3 + (int)i, G_PARAM_SPEC_INT (pspec)->minimum,
                                         G_PARAM_SPEC_INT (pspec)->maximum));
  else if (G_IS_PARAM_SPEC_STRING (pspec))
    g_value_take_string (value, g_strdup_printf ("value %u", i));
  else if (G_IS_PARAM_SPEC_OBJECT (pspec) && g_type_is_a (pspec->value_type, ENG_TYPE_JOB))
    g_value_take_object (value, eng_job_new ("a job"));
  else if (G_IS_PARAM_SPEC_OBJECT (pspec) && pspec->value_type == GTK_TYPE_WIDGET)
    g_value_set_object (value, gtk_label_new ("a child"));
  else
    return FALSE; /* variants: test-widgets.c */
  return TRUE;
}

static void
test_type (gconstpointer data)
{
  GType type = GPOINTER_TO_SIZE (data);
  g_autoptr (GObject) object = g_object_ref_sink (g_object_new (type, NULL));
  guint n;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n);
  g_autofree GValue *values = g_new0 (GValue, n);

  for (guint i = 0; i < n; i++)
    if (is_own_writable (type, pspecs[i]) && make_value (pspecs[i], i, &values[i]))
      g_object_set_property (object, pspecs[i]->name, &values[i]);

  for (guint i = 0; i < n; i++)
    if (is_own_writable (type, pspecs[i]) && pspecs[i]->value_type != G_TYPE_VARIANT)
      {
        g_auto (GValue) got = G_VALUE_INIT;

        g_value_init (&got, pspecs[i]->value_type);
        g_object_get_property (object, pspecs[i]->name, &got);
        g_assert_cmpint (g_param_values_cmp (pspecs[i], &values[i], &got), ==, 0);
      }
  for (guint i = 0; i < n; i++)
    if (G_IS_VALUE (&values[i]))
      g_value_unset (&values[i]);
}

int
main (int argc, char **argv)
{
  GType types[32];
  guint n = 0;

  g_test_init (&argc, &argv, NULL);
  if (!gtk_init_check ())
    {
      g_print ("1..0 # SKIP there is no display\n");
      return EXIT_SUCCESS;
    }
  adw_init ();
  app_register_resource ();

  types[n++] = APP_TYPE_ACCURACY_VIEW;
  types[n++] = APP_TYPE_BREAKPOINT;
  types[n++] = APP_TYPE_COMPARE_VIEW;
  types[n++] = APP_TYPE_FIGURE_TILE;
  types[n++] = APP_TYPE_HEADLINE;
  types[n++] = APP_TYPE_HISTORY_VIEW;
  types[n++] = APP_TYPE_JOB_BAR;
  types[n++] = APP_TYPE_LANES_VIEW;
  types[n++] = APP_TYPE_NETWORK_VIEW;
  types[n++] = APP_TYPE_OUTPUT_VIEW;
  types[n++] = APP_TYPE_PROMPT_VIEW;
  types[n++] = APP_TYPE_RUN_MODE;
  types[n++] = APP_TYPE_SELECTION;
  types[n++] = APP_TYPE_TIMELINE_VIEW;
  types[n++] = APP_TYPE_TRADEOFF_VIEW;
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *path = g_strdup_printf ("/app/properties/%s", g_type_name (types[i]));

      g_test_add_data_func (path, GSIZE_TO_POINTER (types[i]), test_type);
    }
  return g_test_run ();
}
