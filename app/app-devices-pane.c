/* The right pane: the list of devices (app-device-row.c), below it the one that is chosen: this
 * computer here, others in app-device-details.c. What the system does not tell is said to be
 * unavailable; roofs are measured on request, never guessed. */
#include "app-devices-pane.h"

#include "app-config.h"
#include "app-device-details.h"
#include "app-device-row.h"
#include "app-power-box.h"
#include "app-precision.h"
#include "eng-figure.h"
#include "eng-sensors.h"
#include "plot-format.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

struct _AppDevicesPane
{
  GtkWidget parent_instance;

  GtkWidget *scroller;
  GtkWidget *list, *search_spinner, *search_note;
  GtkWidget *details_bin, *computer_box;
  GtkWidget *details; /* AppDeviceDetails; NULL until there are devices */
  GtkWidget *facts_list;
  GtkWidget *roofs_list;
  GtkWidget *roofs_threads;
  GtkWidget *roofs_note;
  GtkWidget *measure;
  GtkWidget *precision;

  AppDevices *devices; /* NULL until they are set */
  char *summary;       /* of this computer, for its row */
  char *target;        /* id; "": this computer */
  gboolean filling;

  EngMachine *machine;
  EngJob *job;
  guint counts[ENG_MAX_ROOF_COUNTS], n_counts; /* of threads that have been measured */
};

enum
{
  SIGNAL_JOB,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppDevicesPane, app_devices_pane, GTK_TYPE_WIDGET)

static void
add_fact (GtkWidget *list, const char *name, const char *value)
{
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "title", name, "use-markup", FALSE, NULL);
  GtkWidget *label
      = g_object_new (GTK_TYPE_LABEL, "label", value, "xalign", 1.0f, "selectable", TRUE,
                      "css-classes", (const char *[]){ "dim-label", "numeric", NULL }, NULL);

  adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
}

/* A long value below its name instead of beside it. */
static void
add_long_fact (GtkWidget *list, const char *name, const char *value)
{
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "title", name, "subtitle", value,
                                 "use-markup", FALSE, "subtitle-lines", 3, NULL);

  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
}

static void
clear_list (GtkWidget *list)
{
  GtkWidget *row;

  while ((row = gtk_widget_get_first_child (list)) != NULL)
    gtk_list_box_remove (GTK_LIST_BOX (list), row);
}

/* A value, or why there is none. */
static void
add_fact_or_reason (GtkWidget *list, const char *name, const char *value, const char *reason)
{
  g_autofree char *missing
      = reason != NULL ? g_strdup_printf (_ ("unavailable: %s"), reason) : NULL;

  if (value != NULL)
    add_fact (list, name, value);
  else if (missing != NULL)
    add_long_fact (list, name, missing);
  else
    add_fact (list, name, _ ("unavailable"));
}

/* "49.2 kB · 1.05 MB · 33.6 MB", nearest first; NULL: the system does not describe them. */
static char *
dup_caches (EngMachine *machine)
{
  guint n;
  const EngCache *caches = eng_machine_get_caches (machine, &n);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *bytes = eng_format_value ((double)caches[i].bytes, "B");
      g_string_append_printf (text, "%s%s", i > 0 ? " · " : "", bytes);
    }
  return n > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

static void
add_sensors (AppDevicesPane *self)
{
  g_autoptr (EngSensors) sensors = eng_sensors_new ("/");
  double hz = eng_sensors_read_clock_hz (sensors), c = eng_sensors_read_temperature_c (sensors);
  g_autofree char *clock = isfinite (hz) ? eng_format_value (hz, "Hz") : NULL;
  g_autofree char *temperature = isfinite (c) ? g_strdup_printf ("%.0f °C", c) : NULL;

  add_fact_or_reason (self->facts_list, _ ("Clock"), clock, eng_sensors_get_clock_reason (sensors));
  add_fact_or_reason (self->facts_list, _ ("Governor"), eng_sensors_get_governor (sensors),
                      _ ("this system shows no governor"));
  add_fact_or_reason (self->facts_list, _ ("Temperature"), temperature,
                      eng_sensors_get_temperature_reason (sensors));
}

/* "2 cores · AVX512 · 8.3 GB" */
static char *
dup_summary (EngMachine *machine)
{
  g_autofree char *isa = g_utf8_strup (eng_machine_get_isa (machine), -1);
  g_autofree char *memory = eng_format_value ((double)eng_machine_get_memory_bytes (machine), "B");
  guint n = eng_machine_get_n_cpus (machine);
  g_autofree char *cores = g_strdup_printf (ngettext ("%u core", "%u cores", n), n);

  return g_strdup_printf ("%s · %s · %s", cores, isa, memory);
}

static void
fill_facts (AppDevicesPane *self)
{
  EngMachine *machine = self->machine;
  g_autofree char *cpus = g_strdup_printf ("%u", eng_machine_get_n_cpus (machine));
  g_autofree char *isa = g_utf8_strup (eng_machine_get_isa (machine), -1);
  g_autofree char *memory = eng_format_value ((double)eng_machine_get_memory_bytes (machine), "B");
  g_autofree char *caches = dup_caches (machine);
  g_autofree char *load = isfinite (eng_machine_get_load (machine))
                              ? g_strdup_printf ("%.2f", eng_machine_get_load (machine))
                              : NULL;

  clear_list (self->facts_list);
  add_long_fact (self->facts_list, _ ("Processor"), eng_machine_get_cpu (machine));
  add_fact (self->facts_list, _ ("Instruction set"), isa);
  add_fact (self->facts_list, _ ("Usable cores"), cpus);
  add_fact (self->facts_list, _ ("Memory"), memory);
  if (caches != NULL)
    add_long_fact (self->facts_list, _ ("Caches"), caches);
  else
    add_fact_or_reason (self->facts_list, _ ("Caches"), NULL,
                        _ ("this system does not describe them"));
  add_fact_or_reason (self->facts_list, _ ("Load"), load, NULL);
  add_sensors (self);
}

/* A roof with its interval below its name. */
static void
add_roof (AppDevicesPane *self, const char *name, const EngRoofFigure *roof, const PlotUnit *unit)
{
  g_autofree char *value = plot_format_value (unit, roof->value, 3);
  g_autofree char *interval = isfinite (roof->low)
                                  ? plot_format_interval (unit, roof->low, roof->high)
                                  : g_strdup (_ ("no interval was kept"));
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "title", name, "subtitle", interval,
                                 "use-markup", FALSE, NULL);
  GtkWidget *label
      = g_object_new (GTK_TYPE_LABEL, "label", value, "xalign", 1.0f, "selectable", TRUE,
                      "css-classes", (const char *[]){ "dim-label", "numeric", NULL }, NULL);

  adw_action_row_add_suffix (ADW_ACTION_ROW (row), label);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_append (GTK_LIST_BOX (self->roofs_list), row);
}

static void
show_roofs_note (AppDevicesPane *self, const EngRoof *roof)
{
  g_autoptr (GDateTime) time = roof->time > 0 ? g_date_time_new_from_unix_local (roof->time) : NULL;
  g_autofree char *date = time != NULL ? g_date_time_format (time, "%x") : NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  if (date != NULL)
    g_string_append_printf (text, _ ("Measured %s. Medians of %d repeats, 95 %% intervals."), date,
                            ENG_ROOF_REPEATS);
  else
    g_string_append (text, _ ("Measured by an older version, for main memory only."));
  if (roof->others_cpus > ENG_ROOF_MAX_OTHERS)
    g_string_append_printf (text,
                            _ (" Other programs used %.1f processors meanwhile: the roofs may be "
                               "too low. Measure again when they rest."),
                            roof->others_cpus);
  gtk_label_set_label (GTK_LABEL (self->roofs_note), text->str);
}

/* The roofs of the number of threads that is chosen. */
static void
show_roof (AppDevicesPane *self)
{
  guint chosen = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->roofs_threads));
  const PlotUnit ops = { .symbol = "op/s", .prefix = PLOT_PREFIX_LARGE };
  EngRoof roof;

  clear_list (self->roofs_list);
  if (chosen >= self->n_counts
      || !eng_machine_load_roof (self->machine, self->counts[chosen], &roof))
    return;
  for (guint i = 0; i < roof.n_levels; i++)
    {
      gboolean memory = i + 1 == roof.n_levels;
      g_autofree char *name = memory
                                  ? g_strdup (_ ("Reading memory"))
                                  : g_strdup_printf (_ ("Reading %s cache"), roof.levels[i].name);
      add_roof (self, name, &roof.levels[i].read, &PLOT_UNIT_BYTES_PER_S);
    }
  if (roof.n_levels == 0)
    add_roof (self, _ ("Reading memory"), &roof.read, &PLOT_UNIT_BYTES_PER_S);
  add_roof (self, _ ("Float arithmetic"), &roof.f32, &PLOT_UNIT_FLOPS);
  add_roof (self, _ ("8-bit arithmetic"), &roof.int8, &ops);
  show_roofs_note (self, &roof);
}

/* Which numbers of threads have been measured; the largest is shown first. */
static void
fill_roofs (AppDevicesPane *self)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  guint counts[ENG_MAX_ROOF_COUNTS], n = eng_machine_roof_thread_counts (self->machine, counts);
  EngRoof roof;

  self->n_counts = 0;
  for (guint i = 0; i < n; i++)
    if (eng_machine_load_roof (self->machine, counts[i], &roof))
      {
        g_autofree char *name
            = g_strdup_printf (ngettext ("%u thread", "%u threads", counts[i]), counts[i]);
        gtk_string_list_append (names, name);
        self->counts[self->n_counts++] = counts[i];
      }
  gboolean any = self->n_counts > 0;
  gtk_drop_down_set_model (GTK_DROP_DOWN (self->roofs_threads), G_LIST_MODEL (names));
  gtk_widget_set_visible (self->roofs_threads, self->n_counts > 1);
  gtk_widget_set_visible (self->roofs_list, any);
  gtk_button_set_label (GTK_BUTTON (self->measure), any ? _ ("Measure Again") : _ ("Measure"));
  if (any)
    gtk_drop_down_set_selected (GTK_DROP_DOWN (self->roofs_threads), self->n_counts - 1);
  else
    gtk_label_set_label (GTK_LABEL (self->roofs_note),
                         _ ("Not measured yet. It takes a few seconds."));
  show_roof (self);
}

void
app_devices_pane_refresh (AppDevicesPane *self)
{
  guint counts[ENG_MAX_ROOF_COUNTS], n, n_known = 0;
  EngRoof roof;

  g_return_if_fail (APP_IS_DEVICES_PANE (self));

  n = eng_machine_roof_thread_counts (self->machine, counts);
  for (guint i = 0; i < n; i++)
    n_known += eng_machine_load_roof (self->machine, counts[i], &roof);
  if (n_known != self->n_counts)
    fill_roofs (self);
}

/* ---- Measuring ---- */

static void
measure_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  EngJob *job = data;
  g_autoptr (EngMachine) machine = eng_machine_new ();
  GError *error = NULL;

  if (eng_machine_measure_roofs (machine, TRUE, job, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_measured (GObject *object, GAsyncResult *result, gpointer data)
{
  AppDevicesPane *self = APP_DEVICES_PANE (object);
  g_autoptr (EngJob) job = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    gtk_widget_activate_action (GTK_WIDGET (self), "win.toast", "s", error->message);
  job = g_steal_pointer (&self->job);
  eng_job_finish (job); /* the window looks whether this pane is still measuring */
  if (self->machine == NULL)
    return; /* the window was closed meanwhile */
  fill_roofs (self);
}

void
app_devices_pane_measure (AppDevicesPane *self)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (APP_IS_DEVICES_PANE (self));
  if (self->job != NULL)
    return;

  self->job = eng_job_new (_ ("Measuring this computer"));
  task = g_task_new (self, eng_job_get_cancellable (self->job), on_measured, NULL);
  g_task_set_source_tag (task, app_devices_pane_measure);
  g_task_set_return_on_cancel (task, FALSE);
  g_task_set_task_data (task, g_object_ref (self->job), g_object_unref);
  g_task_run_in_thread (task, measure_thread);
  g_signal_emit (self, signals[SIGNAL_JOB], 0, self->job);
}

/* ---- The list ---- */

static AppDeviceRow *
get_row (AppDevicesPane *self, guint i)
{
  return APP_DEVICE_ROW (gtk_list_box_get_row_at_index (GTK_LIST_BOX (self->list), (int)i));
}

static const char *
row_id (AppDeviceRow *row)
{
  EngDevice *device = app_device_row_get_device (row);

  return device != NULL ? eng_device_get_id (device) : "";
}

static void
update_target (AppDevicesPane *self)
{
  for (guint i = 0; gtk_list_box_get_row_at_index (GTK_LIST_BOX (self->list), (int)i) != NULL; i++)
    app_device_row_set_target (get_row (self, i),
                               g_str_equal (row_id (get_row (self, i)), self->target));
}

static void
select_id (AppDevicesPane *self, const char *id)
{
  GtkListBoxRow *row = GTK_LIST_BOX_ROW (get_row (self, 0));

  for (guint i = 0; gtk_list_box_get_row_at_index (GTK_LIST_BOX (self->list), (int)i) != NULL; i++)
    if (g_str_equal (row_id (get_row (self, i)), id))
      row = GTK_LIST_BOX_ROW (get_row (self, i));
  gtk_list_box_select_row (GTK_LIST_BOX (self->list), row);
}

/* This computer first; its own runner is a way to use it, not another device. */
static void
fill_list (AppDevicesPane *self)
{
  GListModel *list = G_LIST_MODEL (app_devices_get_list (self->devices));
  GtkListBoxRow *selected = gtk_list_box_get_selected_row (GTK_LIST_BOX (self->list));
  g_autofree char *id = g_strdup (selected != NULL ? row_id (APP_DEVICE_ROW (selected)) : "");

  self->filling = TRUE;
  clear_list (self->list);
  gtk_list_box_append (GTK_LIST_BOX (self->list),
                       app_device_row_new (self->devices, NULL, self->summary));
  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr (EngDevice) device = g_list_model_get_item (list, i);

      if (eng_device_get_transport (device) != &eng_transport_local)
        gtk_list_box_append (GTK_LIST_BOX (self->list),
                             app_device_row_new (self->devices, device, NULL));
    }
  self->filling = FALSE;
  update_target (self);
  select_id (self, id);
}

static void
on_row_selected (AppDevicesPane *self, GtkListBoxRow *row)
{
  EngDevice *device;

  if (row == NULL || self->filling)
    return;
  device = app_device_row_get_device (APP_DEVICE_ROW (row));
  app_device_details_set_device (APP_DEVICE_DETAILS (self->details), device);
  gtk_widget_set_visible (self->details_bin, device != NULL);
  gtk_widget_set_visible (self->computer_box, device == NULL);
}

static void
update_search (AppDevicesPane *self)
{
  gboolean searching = app_devices_get_searching (self->devices);
  g_autofree char *note = app_devices_dup_search_note (self->devices);
  const char *problem = app_devices_get_problem (self->devices);

  gtk_widget_set_visible (self->search_spinner, searching);
  gtk_spinner_set_spinning (GTK_SPINNER (self->search_spinner), searching);
  gtk_label_set_label (GTK_LABEL (self->search_note), problem != NULL ? problem
                                                      : searching     ? _ ("Looking for boards…")
                                                      : note != NULL  ? note
                                                                      : "");
  gtk_widget_set_visible (self->search_note,
                          *gtk_label_get_label (GTK_LABEL (self->search_note)) != '\0');
}

void
app_devices_pane_set_devices (AppDevicesPane *self, AppDevices *devices)
{
  g_return_if_fail (APP_IS_DEVICES_PANE (self) && APP_IS_DEVICES (devices));
  g_return_if_fail (self->devices == NULL);

  self->devices = g_object_ref (devices);
  self->details = app_device_details_new (devices);
  adw_bin_set_child (ADW_BIN (self->details_bin), self->details);
  g_signal_connect_object (app_devices_get_list (devices), "items-changed", G_CALLBACK (fill_list),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (devices, "searching", G_CALLBACK (update_search), self,
                           G_CONNECT_SWAPPED);
  fill_list (self);
  update_search (self);
}

void
app_devices_pane_set_work (AppDevicesPane *self, EngBuild *build, const EngWorkload *workload)
{
  g_return_if_fail (APP_IS_DEVICES_PANE (self));
  if (self->details != NULL)
    app_device_details_set_work (APP_DEVICE_DETAILS (self->details), build, workload);
}

void
app_devices_pane_set_target (AppDevicesPane *self, EngDevice *device)
{
  g_return_if_fail (APP_IS_DEVICES_PANE (self));
  g_free (self->target);
  self->target = g_strdup (device != NULL ? eng_device_get_id (device) : "");
  update_target (self);
}

void
app_devices_pane_show_device (AppDevicesPane *self, EngDevice *device)
{
  g_return_if_fail (APP_IS_DEVICES_PANE (self));
  if (self->devices != NULL)
    select_id (self, device != NULL ? eng_device_get_id (device) : "");
}

/* ---- The widget ---- */

static void
app_devices_pane_dispose (GObject *object)
{
  AppDevicesPane *self = APP_DEVICES_PANE (object);

  if (self->job != NULL)
    eng_job_cancel (self->job);
  g_clear_pointer (&self->scroller, gtk_widget_unparent);
  g_clear_pointer (&self->machine, eng_machine_free);
  g_clear_object (&self->devices);
  g_clear_pointer (&self->summary, g_free);
  g_clear_pointer (&self->target, g_free);
  G_OBJECT_CLASS (app_devices_pane_parent_class)->dispose (object);
}

static void
app_devices_pane_class_init (AppDevicesPaneClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_devices_pane_dispose;
  signals[SIGNAL_JOB] = g_signal_new ("job", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                      NULL, NULL, G_TYPE_NONE, 1, ENG_TYPE_JOB);

  g_type_ensure (APP_TYPE_POWER_BOX);
  g_type_ensure (APP_TYPE_PRECISION);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "devices-pane");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_set_template_from_resource (widget_class, APP_PATH "/ui/app-devices-pane.ui");
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, scroller);
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, list);
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, search_spinner);
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, search_note);
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, details_bin);
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, computer_box);
  gtk_widget_class_bind_template_callback (widget_class, on_row_selected);
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, facts_list);
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, roofs_list);
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, roofs_note);
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, roofs_threads);
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, precision);
  gtk_widget_class_bind_template_callback (widget_class, show_roof);
  gtk_widget_class_bind_template_child (widget_class, AppDevicesPane, measure);
}

static void
app_devices_pane_init (AppDevicesPane *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Devices"), -1);
  self->machine = eng_machine_new ();
  self->target = g_strdup ("");
  self->summary = dup_summary (self->machine);
  fill_facts (self);
  fill_roofs (self);
}

GtkWidget *
app_devices_pane_new (void)
{
  return g_object_new (APP_TYPE_DEVICES_PANE, NULL);
}

gboolean
app_devices_pane_get_measuring (AppDevicesPane *self)
{
  g_return_val_if_fail (APP_IS_DEVICES_PANE (self), FALSE);
  return self->job != NULL;
}

void
app_devices_pane_apply_precision (AppDevicesPane *self, EngWorkload *workload)
{
  g_return_if_fail (APP_IS_DEVICES_PANE (self));
  app_precision_apply (APP_PRECISION (self->precision), workload);
}
