/* The popover about continuous running. The window places it beside Run and asks it when a run
 * begins; it knows neither. */
#include "app-run-mode.h"

#include "app-config.h"
#include "app-settings.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

struct _AppRunMode
{
  GtkPopover parent_instance;

  GtkWidget *once, *continuous; /* GtkCheckButton, one group */
  GtkWidget *paced, *rate;      /* GtkCheckButton, GtkSpinButton */
  GtkWidget *limited, *seconds; /* likewise */
  GtkWidget *details;           /* what concerns continuous runs only */
};

enum
{
  PROP_0,
  PROP_CONTINUOUS,
  N_PROPS
};

enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppRunMode, app_run_mode, GTK_TYPE_POPOVER)

static gboolean
is_on (GtkWidget *check)
{
  return gtk_check_button_get_active (GTK_CHECK_BUTTON (check));
}

static void
set_on (GtkWidget *check, gboolean on)
{
  gtk_check_button_set_active (GTK_CHECK_BUTTON (check), on);
}

static void
update (AppRunMode *self)
{
  gtk_widget_set_sensitive (self->details, is_on (self->continuous));
  gtk_widget_set_sensitive (self->rate, is_on (self->paced));
  gtk_widget_set_sensitive (self->seconds, is_on (self->limited));
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static void
on_continuous (AppRunMode *self)
{
  update (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CONTINUOUS]);
}

static void
app_run_mode_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_CONTINUOUS)
    g_value_set_boolean (value, app_run_mode_get_continuous (APP_RUN_MODE (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_run_mode_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_CONTINUOUS)
    app_run_mode_set_continuous (APP_RUN_MODE (object), g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
app_run_mode_class_init (AppRunModeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = app_run_mode_get_property;
  object_class->set_property = app_run_mode_set_property;
  props[PROP_CONTINUOUS]
      = g_param_spec_boolean ("continuous", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static GtkWidget *
make_words (const char *text)
{
  return g_object_new (GTK_TYPE_LABEL, "label", text, "xalign", 0.0f, "wrap", TRUE, "width-chars",
                       36, "max-width-chars", 36, "margin-start", 28, "css-classes",
                       (const char *[]){ "caption", "dim-label", NULL }, NULL);
}

static GtkWidget *
make_number (double min, double max, double step, guint digits, double value, const char *name)
{
  GtkWidget *spin = gtk_spin_button_new_with_range (min, max, step);

  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (spin), digits);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (spin), value);
  gtk_widget_set_hexpand (spin, TRUE);
  gtk_widget_set_halign (spin, GTK_ALIGN_END);
  gtk_accessible_update_property (GTK_ACCESSIBLE (spin), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  return spin;
}

/* "[x] At most [10] per second" */
static GtkWidget *
make_row (GtkWidget *check, GtkWidget *number, const char *unit)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "label", unit, "css-classes",
                                   (const char *[]){ "dim-label", NULL }, NULL);

  gtk_box_append (GTK_BOX (row), check);
  gtk_box_append (GTK_BOX (row), number);
  gtk_box_append (GTK_BOX (row), label);
  return row;
}

static void
build (AppRunMode *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  self->once = gtk_check_button_new_with_label (_ ("Once"));
  self->continuous = gtk_check_button_new_with_label (_ ("Continuously"));
  gtk_check_button_set_group (GTK_CHECK_BUTTON (self->continuous), GTK_CHECK_BUTTON (self->once));
  self->paced = gtk_check_button_new_with_label (_ ("At a rate of"));
  self->rate = make_number (0.1, 10000.0, 1.0, 1, 10.0, _ ("Inputs per second"));
  self->limited = gtk_check_button_new_with_label (_ ("Stop after"));
  self->seconds = make_number (1.0, 86400.0, 1.0, 0, 10.0, _ ("Seconds to run for"));
  self->details = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_widget_set_margin_start (self->details, 28);

  gtk_box_append (GTK_BOX (self->details),
                  make_row (self->paced, self->rate, C_ ("inputs", "per second")));
  gtk_box_append (GTK_BOX (self->details),
                  make_row (self->limited, self->seconds, C_ ("time", "seconds")));
  gtk_box_append (GTK_BOX (box), self->once);
  gtk_box_append (GTK_BOX (box), make_words (_ ("The chosen input, again and again until the "
                                                "figures are steady.")));
  gtk_box_append (GTK_BOX (box), self->continuous);
  gtk_box_append (GTK_BOX (box), make_words (_ ("All inputs one after the other, the lanes live; "
                                                "without a rate as fast as possible.")));
  gtk_box_append (GTK_BOX (box), self->details);
  gtk_widget_set_margin_start (box, 6);
  gtk_widget_set_margin_end (box, 6);
  gtk_widget_set_margin_top (box, 6);
  gtk_widget_set_margin_bottom (box, 6);
  gtk_widget_set_size_request (box, 330, -1); /* words wrap to a height that is known beforehand */
  gtk_popover_set_child (GTK_POPOVER (self), box);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("How to run"), -1);
}

static void
bind_settings (AppRunMode *self)
{
  GSettings *settings = app_settings_get ();

  set_on (self->once, TRUE);
  set_on (self->limited, TRUE);
  if (settings == NULL)
    return;
  g_settings_bind (settings, "run-continuously", self->continuous, "active",
                   G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "run-at-a-rate", self->paced, "active", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "run-rate", self->rate, "value", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "run-limited", self->limited, "active", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "run-seconds", self->seconds, "value", G_SETTINGS_BIND_DEFAULT);
  if (!is_on (self->continuous))
    set_on (self->once, TRUE);
}

static void
app_run_mode_init (AppRunMode *self)
{
  build (self);
  bind_settings (self);
  g_signal_connect_object (self->continuous, "toggled", G_CALLBACK (on_continuous), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->paced, "toggled", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->limited, "toggled", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->rate, "value-changed", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->seconds, "value-changed", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  update (self);
}

GtkWidget *
app_run_mode_new (void)
{
  return g_object_new (APP_TYPE_RUN_MODE, NULL);
}

gboolean
app_run_mode_get_continuous (AppRunMode *self)
{
  g_return_val_if_fail (APP_IS_RUN_MODE (self), FALSE);
  return is_on (self->continuous);
}

void
app_run_mode_set_continuous (AppRunMode *self, gboolean continuous)
{
  g_return_if_fail (APP_IS_RUN_MODE (self));
  set_on (continuous ? self->continuous : self->once, TRUE);
}

double
app_run_mode_get_rate (AppRunMode *self)
{
  g_return_val_if_fail (APP_IS_RUN_MODE (self), 0.0);
  return is_on (self->paced) ? gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->rate)) : 0.0;
}

void
app_run_mode_set_rate (AppRunMode *self, double rate_hz)
{
  g_return_if_fail (APP_IS_RUN_MODE (self) && rate_hz >= 0.0);
  set_on (self->paced, rate_hz > 0.0);
  if (rate_hz > 0.0)
    gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->rate), rate_hz);
}

double
app_run_mode_get_seconds (AppRunMode *self)
{
  g_return_val_if_fail (APP_IS_RUN_MODE (self), INFINITY);
  return is_on (self->limited) ? gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->seconds))
                               : INFINITY;
}

void
app_run_mode_set_seconds (AppRunMode *self, double seconds)
{
  g_return_if_fail (APP_IS_RUN_MODE (self) && seconds > 0.0);
  set_on (self->limited, isfinite (seconds));
  if (isfinite (seconds))
    gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->seconds), seconds);
}

void
app_run_mode_apply (AppRunMode *self, EngWorkload *workload)
{
  g_return_if_fail (APP_IS_RUN_MODE (self) && workload != NULL);
  g_return_if_fail (workload->kind == ENG_WORKLOAD_INPUT);

  if (!is_on (self->continuous))
    return;
  workload->seconds = app_run_mode_get_seconds (self);
  workload->rate_hz = app_run_mode_get_rate (self);
}

char *
app_run_mode_dup_words (AppRunMode *self)
{
  double rate, seconds;
  g_autofree char *pace = NULL;
  g_autofree char *until = NULL;

  g_return_val_if_fail (APP_IS_RUN_MODE (self), NULL);

  if (!is_on (self->continuous))
    return g_strdup (_ ("Run the network on the input and measure it"));
  rate = app_run_mode_get_rate (self);
  seconds = app_run_mode_get_seconds (self);
  pace = rate > 0.0 ? g_strdup_printf (_ ("%g per second"), rate)
                    : g_strdup (_ ("as fast as possible"));
  until = isfinite (seconds) ? g_strdup_printf (_ ("for %g s"), seconds)
                             : g_strdup (_ ("until it is stopped"));
  /* Translators: how many ("10 per second", "as fast as possible"), how long ("for 30 s") */
  return g_strdup_printf (_ ("Run over all inputs, %s, %s"), pace, until);
}
