/* The planner choice of the memory view. Which planners there are, what they are called and what
 * they promise is in the technique table; what they cost is planned here, on a worker, for the
 * build that is shown. Must not know how memory is planned. */
#include "app-planner-bar.h"

#include "app-config.h"
#include "app-recipe-edit.h"
#include "plot-format.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#define TECHNIQUE "memory-plan"
#define PARAM "planner"

typedef struct
{
  GtkToggleButton *button;
  GtkWidget *title, *bytes;
  GtkLevelBar *bar;
} Choice;

struct _AppPlannerBar
{
  GtkWidget parent_instance;

  GtkWidget *box;
  Choice choices[RT_N_PLANNERS];
  guint n_choices;
  const EngTechnique *technique;
  const EngParam *param;

  EngSession *session;
  EngBuild *build;
  GCancellable *cancellable; /* of the planning on the way */
  gboolean syncing;
};

G_DEFINE_FINAL_TYPE (AppPlannerBar, app_planner_bar, GTK_TYPE_WIDGET)

/* ---- The numbers ---- */

typedef struct
{
  EngBuild *build;
  guint n;
  guint64 bytes[RT_N_PLANNERS]; /* 0: could not be planned */
  gboolean is_least[RT_N_PLANNERS];
} Plans;

static void
plans_free (Plans *plans)
{
  g_object_unref (plans->build);
  g_free (plans);
}

/* The technique's choices are in the order of RtPlanner. */
static void
plan_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Plans *plans = data;

  for (guint i = 0; i < plans->n && !g_cancellable_is_cancelled (cancellable); i++)
    {
      RtError error = { 0 };
      RtPlan *plan = rt_exec_make_plan (eng_build_get_exec (plans->build), (RtPlanner)i, &error);

      if (plan == NULL)
        continue;
      plans->bytes[i] = plan->arena_bytes;
      plans->is_least[i] = plan->is_optimal || plan->arena_bytes == plan->lower_bound_bytes;
      rt_plan_free (plan);
    }
  g_task_return_boolean (task, TRUE);
}

static void
show_choice (AppPlannerBar *self, guint i, const Plans *plans, guint64 most)
{
  const Choice *choice = &self->choices[i];
  const EngChoice *what = &self->param->choices[i];
  guint64 n_bytes = plans != NULL ? plans->bytes[i] : 0;
  gboolean least = plans != NULL && n_bytes > 0 && plans->is_least[i];
  const PlotUnit unit = PLOT_UNIT_BYTES;
  g_autofree char *bytes
      = n_bytes > 0 ? plot_format_value (&unit, (double)n_bytes, 3) : g_strdup ("…");
  g_autofree char *text = least ? g_strdup_printf (_ ("%s, the least"), bytes) : g_strdup (bytes);
  g_autofree char *spoken
      = n_bytes > 0 ? g_strdup_printf ("%s: %s", what->title, text) : g_strdup (what->title);

  gtk_label_set_label (GTK_LABEL (choice->bytes), text);
  gtk_level_bar_set_value (choice->bar, most > 0 ? (double)n_bytes / (double)most : 0);
  gtk_accessible_update_property (GTK_ACCESSIBLE (choice->button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  spoken, -1);
}

/* @plans NULL: not known. */
static void
show_plans (AppPlannerBar *self, const Plans *plans)
{
  guint64 most = 0;

  for (guint i = 0; i < self->n_choices && plans != NULL; i++)
    most = MAX (most, plans->bytes[i]);
  for (guint i = 0; i < self->n_choices; i++)
    show_choice (self, i, plans, most);
}

static void
on_planned (GObject *object, GAsyncResult *result, gpointer data)
{
  AppPlannerBar *self = APP_PLANNER_BAR (object);

  /* Cancelled: another build is being planned by now, or the window has gone. */
  if (!g_task_propagate_boolean (G_TASK (result), NULL))
    return;
  g_clear_object (&self->cancellable);
  show_plans (self, g_task_get_task_data (G_TASK (result)));
}

static void
start_planning (AppPlannerBar *self)
{
  Plans *plans = g_new0 (Plans, 1);
  g_autoptr (GTask) task = NULL;

  plans->build = g_object_ref (self->build);
  plans->n = self->n_choices;
  self->cancellable = g_cancellable_new ();
  task = g_task_new (self, self->cancellable, on_planned, NULL);
  g_task_set_source_tag (task, start_planning);
  g_task_set_task_data (task, plans, (GDestroyNotify)plans_free);
  g_task_run_in_thread (task, plan_thread);
}

/* ---- The choice ---- */

static void
update_active (AppPlannerBar *self)
{
  g_autofree char *id
      = eng_recipe_get_string (eng_session_get_recipe (self->session), TECHNIQUE, PARAM, NULL);

  self->syncing = TRUE;
  for (guint i = 0; i < self->n_choices; i++)
    if (g_strcmp0 (self->param->choices[i].id, id) == 0)
      gtk_toggle_button_set_active (self->choices[i].button, TRUE);
  self->syncing = FALSE;
}

static void
on_toggled (GtkToggleButton *button, gpointer data)
{
  AppPlannerBar *self = data;

  if (self->syncing || !gtk_toggle_button_get_active (button))
    return;
  for (guint i = 0; i < self->n_choices; i++)
    if (self->choices[i].button == button)
      app_recipe_edit (GTK_WIDGET (self), self->session, self->technique, self->param, NULL,
                       g_variant_new_string (self->param->choices[i].id));
}

/* ---- The widget ---- */

static GtkWidget *
new_label (const char *text, const char *style)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (label, style);
  return label;
}

static void
add_choice (AppPlannerBar *self, const EngChoice *what)
{
  Choice *choice = &self->choices[self->n_choices++];
  GtkWidget *inside = gtk_box_new (GTK_ORIENTATION_VERTICAL, 1);
  GtkWidget *button = gtk_toggle_button_new ();

  choice->button = GTK_TOGGLE_BUTTON (button);
  choice->title = new_label (what->title, "caption-heading");
  choice->bytes = new_label ("…", "caption");
  gtk_widget_add_css_class (choice->bytes, "numeric");
  choice->bar = GTK_LEVEL_BAR (gtk_level_bar_new ());
  /* One colour: how much is no warning here. */
  gtk_level_bar_remove_offset_value (choice->bar, GTK_LEVEL_BAR_OFFSET_LOW);
  gtk_level_bar_remove_offset_value (choice->bar, GTK_LEVEL_BAR_OFFSET_HIGH);
  gtk_level_bar_remove_offset_value (choice->bar, GTK_LEVEL_BAR_OFFSET_FULL);
  gtk_box_append (GTK_BOX (inside), choice->title);
  gtk_box_append (GTK_BOX (inside), choice->bytes);
  gtk_box_append (GTK_BOX (inside), GTK_WIDGET (choice->bar));
  gtk_button_set_child (GTK_BUTTON (button), inside);
  gtk_widget_set_tooltip_text (button, what->summary);
  gtk_widget_set_hexpand (button, TRUE);
  if (self->n_choices > 1)
    gtk_toggle_button_set_group (choice->button, self->choices[0].button);
  g_signal_connect_object (button, "toggled", G_CALLBACK (on_toggled), self, 0);
  gtk_flow_box_insert (GTK_FLOW_BOX (self->box), button, -1);
  /* The place in the flow is no stop of its own: the button is. */
  gtk_widget_set_focusable (gtk_widget_get_parent (button), FALSE);
}

static void
drop_planning (AppPlannerBar *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
}

static void
app_planner_bar_dispose (GObject *object)
{
  AppPlannerBar *self = APP_PLANNER_BAR (object);

  drop_planning (self);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->session);
  g_clear_object (&self->build);
  G_OBJECT_CLASS (app_planner_bar_parent_class)->dispose (object);
}

static void
app_planner_bar_class_init (AppPlannerBarClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = app_planner_bar_dispose;
  gtk_widget_class_set_css_name (widget_class, "planner-bar");
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
}

static void
app_planner_bar_init (AppPlannerBar *self)
{
  self->technique = eng_technique_find (TECHNIQUE);
  self->param = eng_technique_find_param (self->technique, PARAM);
  self->box = gtk_flow_box_new ();
  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (self->box), GTK_SELECTION_NONE);
  gtk_flow_box_set_homogeneous (GTK_FLOW_BOX (self->box), TRUE);
  gtk_flow_box_set_min_children_per_line (GTK_FLOW_BOX (self->box), 2);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (self->box), RT_N_PLANNERS);
  gtk_flow_box_set_column_spacing (GTK_FLOW_BOX (self->box), 6);
  gtk_flow_box_set_row_spacing (GTK_FLOW_BOX (self->box), 6);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->box), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  self->param->title, -1);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  for (const EngChoice *what = self->param->choices;
       what->id != NULL && self->n_choices < RT_N_PLANNERS; what++)
    add_choice (self, what);
}

void
app_planner_bar_set_session (AppPlannerBar *self, EngSession *session)
{
  g_return_if_fail (APP_IS_PLANNER_BAR (self) && ENG_IS_SESSION (session));
  g_return_if_fail (self->session == NULL);

  self->session = g_object_ref (session);
  g_signal_connect_object (session, "notify::recipe", G_CALLBACK (update_active), self,
                           G_CONNECT_SWAPPED);
  update_active (self);
}

void
app_planner_bar_set_build (AppPlannerBar *self, EngBuild *build)
{
  gboolean same;

  g_return_if_fail (APP_IS_PLANNER_BAR (self) && (build == NULL || ENG_IS_BUILD (build)));

  /* Another planner of the same model: the numbers before are about right until the new ones
   * come. */
  same = self->build != NULL && build != NULL
         && eng_build_get_model (self->build) == eng_build_get_model (build);
  if (!g_set_object (&self->build, build))
    return;
  drop_planning (self);
  if (!same)
    show_plans (self, NULL);
  if (build != NULL)
    start_planning (self);
}

gboolean
app_planner_bar_get_settled (AppPlannerBar *self)
{
  g_return_val_if_fail (APP_IS_PLANNER_BAR (self), FALSE);
  return self->cancellable == NULL;
}
