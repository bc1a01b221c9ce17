/* The power part of the devices pane: a strip of the last minute at 1 Hz while a meter is there
 * (more would take the cores that are measured), otherwise one line that says that energy is
 * modelled, with each meter's reason below it. Opens meters on a worker. Must not know how runs use
 * them. */
#include "app-power-box.h"

#include "app-config.h"
#include "app-settings.h"
#include "eng-energy.h"
#include "eng-power.h"
#include "plots.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

#define SETTING "power-meter"
#define KEPT_S 60

/* In the order of the combo. */
static const struct
{
  const char *id, *title;
} choices[] = { { "auto", N_ ("Automatic") },     { "none", N_ ("None") },
                { "rapl", N_ ("RAPL") },          { "hwmon", N_ ("Board sensors") },
                { "pi5", N_ ("Raspberry Pi 5") }, { "battery", N_ ("Battery") },
                { "serial", N_ ("Serial meter") } };

#define SERIAL (G_N_ELEMENTS (choices) - 1)

struct _AppPowerBox
{
  GtkWidget parent_instance;

  GtkWidget *content;
  GtkWidget *combo, *port;
  GtkWidget *strip, *spark_bin, *now, *covers;
  GtkWidget *line;
  GtkWidget *why, *why_text;
  GtkWidget *how_text;
  GtkWidget *spark;

  GCancellable *cancellable;
  char *reason; /* why the chosen meter cannot be used; NULL: it can, or none is wanted */
  guint tick_id;
  gboolean busy, setting; /* setting: the widgets are told, not the user's hand */
};

G_DEFINE_FINAL_TYPE (AppPowerBox, app_power_box, GTK_TYPE_WIDGET)

/* ---- What it reads ---- */

/* Mean power of the last second; NAN over a hole and while nothing was read. */
static double
mean_of_last_second (EngPower *power)
{
  double ages[256], watts[256], sum = 0;
  guint n = eng_power_get_recent (power, MAX (1.0, 1.5 * eng_power_get_interval_s (power)), ages,
                                  watts, G_N_ELEMENTS (ages));

  for (guint i = 0; i < n; i++)
    sum += watts[i];
  return n > 0 ? sum / n : NAN;
}

static void
set_label (GtkWidget *label, const char *text)
{
  if (g_strcmp0 (gtk_label_get_label (GTK_LABEL (label)), text) != 0)
    gtk_label_set_label (GTK_LABEL (label), text);
}

static gboolean
on_tick (gpointer data)
{
  AppPowerBox *self = data;
  g_autoptr (EngPower) power = eng_power_dup_current ();

  if (power == NULL)
    return G_SOURCE_CONTINUE;
  EngFigure now = eng_power_get_now (power);
  double watts = now.available ? mean_of_last_second (power) : NAN;
  plot_spark_push (PLOT_SPARK (self->spark), watts);
  if (isfinite (watts))
    {
      g_autofree char *text = eng_format_value (watts, "W");
      g_autofree char *covers = g_strdup_printf (
          /* Translators: what is measured, then how much of a processor reading takes */
          _ ("Measured: %s. Reading takes %.2f %% of a processor."), eng_power_get_covers (power),
          100 * eng_power_get_cost_frac (power));
      set_label (self->now, text);
      set_label (self->covers,
                 watts > 0 ? covers : _ ("The meter stands still: it reads no power at all."));
    }
  else
    {
      g_autofree char *covers
          = g_strdup_printf (_ ("unavailable: %s"),
                             now.reason != NULL ? now.reason : _ ("not read yet"));
      set_label (self->now, "—");
      set_label (self->covers, covers);
    }
  return G_SOURCE_CONTINUE;
}

/* Only while somebody can see it. */
static void
app_power_box_map (GtkWidget *widget)
{
  AppPowerBox *self = APP_POWER_BOX (widget);

  GTK_WIDGET_CLASS (app_power_box_parent_class)->map (widget);
  if (self->tick_id == 0)
    self->tick_id = g_timeout_add_seconds (1, on_tick, self);
  on_tick (self);
}

static void
app_power_box_unmap (GtkWidget *widget)
{
  AppPowerBox *self = APP_POWER_BOX (widget);

  g_clear_handle_id (&self->tick_id, g_source_remove);
  GTK_WIDGET_CLASS (app_power_box_parent_class)->unmap (widget);
}

/* ---- What there is ---- */

static void
update (AppPowerBox *self)
{
  g_autoptr (EngPower) power = eng_power_dup_current ();
  gboolean none = self->reason == NULL;

  gtk_widget_set_visible (self->strip, power != NULL);
  gtk_widget_set_visible (self->line, power == NULL);
  set_label (self->line, self->busy ? _ ("Looking for the meter…")
                         : none     ? _ ("No meter is wanted: energy is modelled.")
                                    : self->reason);
  if (power != NULL)
    on_tick (self);
}

/* Markup: the kind, then what it covers, or why not and how to get one. */
static char *
describe_meters (const GPtrArray *meters)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < meters->len; i++)
    {
      const EngMeterInfo *info = meters->pdata[i];
      g_autofree char *how
          = info->available
                ? g_markup_printf_escaped (_ ("Available: %s (%s)"), info->covers, info->channels)
                : g_markup_printf_escaped (_ ("Unavailable: %s. %s"), info->reason, info->attach);
      g_autofree char *title = g_markup_escape_text (info->title, -1);
      g_string_append_printf (text, "%s<b>%s</b>\n%s", i > 0 ? "\n\n" : "", title, how);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* ---- Opening, on a worker ---- */

typedef struct
{
  char *choice;
  char *reason; /* for the user; NULL: it is there, or none was wanted */
  char *meters;
} Opening;

static void
opening_free (Opening *opening)
{
  g_free (opening->choice);
  g_free (opening->reason);
  g_free (opening->meters);
  g_free (opening);
}

static void
open_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Opening *opening = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) meters = eng_meters_list (NULL);

  opening->meters = describe_meters (meters);
  if (eng_power_choose (opening->choice, NULL, &error) || g_str_equal (opening->choice, "none"))
    opening->reason = NULL;
  else if (error != NULL)
    opening->reason = g_strdup_printf (_ ("Energy is modelled: %s"), error->message);
  else
    opening->reason = g_strdup (_ ("No power sensor on this computer: energy is modelled."));
  g_task_return_boolean (task, TRUE);
}

static void
on_opened (GObject *object, GAsyncResult *result, gpointer data)
{
  AppPowerBox *self = APP_POWER_BOX (object);
  Opening *opening = g_task_get_task_data (G_TASK (result));

  if (self->content == NULL
      || g_cancellable_is_cancelled (g_task_get_cancellable (G_TASK (result))))
    return; /* closed, or another was chosen meanwhile */
  self->busy = FALSE;
  g_free (self->reason);
  self->reason = g_steal_pointer (&opening->reason);
  set_label (self->why_text, opening->meters);
  plot_spark_clear (PLOT_SPARK (self->spark));
  update (self);
}

static void
open_choice (AppPowerBox *self, const char *choice)
{
  g_autoptr (GTask) task = NULL;
  Opening *opening = g_new0 (Opening, 1);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  opening->choice = g_strdup (choice);
  self->busy = TRUE;
  task = g_task_new (self, self->cancellable, on_opened, NULL);
  g_task_set_source_tag (task, open_choice);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, opening, (GDestroyNotify)opening_free);
  g_task_run_in_thread (task, open_thread);
  update (self);
}

/* ---- Choosing ---- */

static void
show_choice (AppPowerBox *self, const char *choice)
{
  const char *colon = strchr (choice, ':');
  g_autofree char *id
      = colon != NULL ? g_strndup (choice, (gsize)(colon - choice)) : g_strdup (choice);

  self->setting = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    if (g_str_equal (id, choices[i].id))
      {
        adw_combo_row_set_selected (ADW_COMBO_ROW (self->combo), i);
        gtk_widget_set_visible (self->port, i == SERIAL);
        if (i == SERIAL && colon != NULL)
          gtk_editable_set_text (GTK_EDITABLE (self->port), colon + 1);
      }
  self->setting = FALSE;
}

void
app_power_box_choose (AppPowerBox *self, const char *choice)
{
  g_return_if_fail (APP_IS_POWER_BOX (self) && choice != NULL);

  show_choice (self, choice);
  open_choice (self, choice);
}

gboolean
app_power_box_get_busy (AppPowerBox *self)
{
  g_return_val_if_fail (APP_IS_POWER_BOX (self), FALSE);
  return self->busy;
}

static void
take_choice (AppPowerBox *self, const char *choice)
{
  app_settings_set_string (SETTING, choice);
  open_choice (self, choice);
}

/* A serial meter waits for its port: ports are not guessed. */
static void
on_combo (AppPowerBox *self)
{
  guint i = adw_combo_row_get_selected (ADW_COMBO_ROW (self->combo));

  if (self->setting || i >= G_N_ELEMENTS (choices))
    return;
  gtk_widget_set_visible (self->port, i == SERIAL);
  if (i != SERIAL)
    take_choice (self, choices[i].id);
  else
    gtk_widget_grab_focus (self->port);
}

static void
on_port (AppPowerBox *self)
{
  g_autofree char *port = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->port))));
  g_autofree char *choice = g_strconcat ("serial:", port, NULL);

  if (*port != '\0')
    take_choice (self, choice);
}

/* ---- The widget ---- */

static void
app_power_box_dispose (GObject *object)
{
  AppPowerBox *self = APP_POWER_BOX (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->tick_id, g_source_remove);
  g_clear_pointer (&self->content, gtk_widget_unparent);
  g_clear_pointer (&self->reason, g_free);
  G_OBJECT_CLASS (app_power_box_parent_class)->dispose (object);
}

#define BIND(name) gtk_widget_class_bind_template_child (widget_class, AppPowerBox, name)

static void
app_power_box_class_init (AppPowerBoxClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_power_box_dispose;
  widget_class->map = app_power_box_map;
  widget_class->unmap = app_power_box_unmap;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "power-box");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-power-box.ui");
  BIND (content);
  BIND (combo);
  BIND (port);
  BIND (strip);
  BIND (spark_bin);
  BIND (now);
  BIND (covers);
  BIND (line);
  BIND (why);
  BIND (why_text);
  BIND (how_text);
  gtk_widget_class_bind_template_callback (widget_class, on_combo);
  gtk_widget_class_bind_template_callback (widget_class, on_port);
}

static void
fill_combo (AppPowerBox *self)
{
  g_autoptr (GtkStringList) titles = gtk_string_list_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    gtk_string_list_append (titles, _ (choices[i].title));
  self->setting = TRUE;
  adw_combo_row_set_model (ADW_COMBO_ROW (self->combo), G_LIST_MODEL (titles));
  self->setting = FALSE;
}

static void
fill_how (AppPowerBox *self)
{
  g_autoptr (EngMachine) machine = eng_machine_new ();
  EngEnergyModel model;

  eng_energy_model_init (&model, eng_machine_get_isa (machine), eng_machine_get_n_cpus (machine),
                         machine);
  g_autofree char *text = eng_energy_model_describe (&model);
  g_autofree char *all = g_strdup_printf (
      "%s\n\n%s\n\n%s",
      _ ("Measured: joules of the power meter over clean passes, per token or inference."),
      eng_energy_rule, text);
  set_label (self->how_text, all);
}

static void
app_power_box_init (AppPowerBox *self)
{
  const PlotUnit unit = { .symbol = "W", .prefix = PLOT_PREFIX_SMALL };
  const char *wanted = g_getenv ("LATHE_METER");
  g_autofree char *kept = app_settings_dup_string (SETTING, "auto");

  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Power"),
                                  -1);
  self->spark = plot_spark_new (_ ("Power"), &unit);
  g_object_set (self->spark, "capacity", KEPT_S, "color", 6, NULL);
  gtk_widget_set_size_request (self->spark, -1, 36);
  gtk_widget_set_hexpand (self->spark, TRUE);
  adw_bin_set_child (ADW_BIN (self->spark_bin), self->spark);
  fill_combo (self);
  fill_how (self);
  app_power_box_choose (self, wanted != NULL ? wanted : kept);
}

GtkWidget *
app_power_box_new (void)
{
  return g_object_new (APP_TYPE_POWER_BOX, NULL);
}
