/* What is known of a board's calibration, and the part of its details that shows it. The measuring
 * is eng-board-references.c's, begun by app-window-device-job.c; what a build is expected to take
 * app-device-expect.c's. */
#include "app-device-calibration.h"

#include "app-config.h"
#include "app-device-expect.h"
#include "app-words.h"
#include "devices/eng-transport.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

#define ASK_AGAIN_S 4

/* Of one device. */
typedef struct
{
  EngJob *job; /* it is being calibrated; else NULL */
  char *error; /* of the last try; NULL: none */
  EngBoardCalibration *calibration;
} State;

static void
state_free (gpointer data)
{
  State *state = data;

  g_clear_object (&state->job);
  g_free (state->error);
  g_clear_pointer (&state->calibration, eng_board_calibration_unref);
  g_free (state);
}

static State *
get_state (EngDevice *device)
{
  State *state = g_object_get_data (G_OBJECT (device), "app-calibration");
  g_autoptr (GError) error = NULL;

  if (state != NULL)
    return state;
  state = g_new0 (State, 1);
  state->calibration = eng_board_calibration_load (eng_device_get_id (device), NULL, &error);
  if (error != NULL)
    state->error = g_strdup (error->message);
  g_object_set_data_full (G_OBJECT (device), "app-calibration", state, state_free);
  return state;
}

gboolean
app_device_calibration_applies (EngDevice *device)
{
  g_autoptr (EngBoard) board = eng_device_dup_board (device);

  return board != NULL && eng_device_get_transport (device) != &eng_transport_local;
}

EngBoardCalibration *
app_device_calibration_get (EngDevice *device)
{
  return get_state (device)->calibration;
}

void
app_device_calibration_begin (EngDevice *device, EngJob *job)
{
  State *state = get_state (device);

  g_set_object (&state->job, job);
  g_clear_pointer (&state->error, g_free);
}

void
app_device_calibration_take (EngDevice *device, EngBoardCalibration *calibration,
                             const GError *error)
{
  State *state = get_state (device);

  g_clear_object (&state->job);
  if (calibration != NULL)
    {
      g_clear_pointer (&state->calibration, eng_board_calibration_unref);
      state->calibration = calibration;
      app_device_expect_forget (device);
    }
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    state->error = g_strdup (error->message);
}

/* ---- The widget ---- */

static void
add (GtkWidget *box, GtkWidget *child)
{
  gtk_box_append (GTK_BOX (box), child);
}

static void
add_row (GtkWidget *list, const char *title, const char *text)
{
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "title", title, "subtitle", text,
                                 "use-markup", FALSE, "subtitle-lines", 4, NULL);

  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
}

/* FALSE: it says only why there is nothing. */
static gboolean
add_forecast (GtkWidget *box, const EngBoardForecast *forecast)
{
  gboolean finite = FALSE;
  g_autofree char *prompt = g_strdup_printf (_ ("Prompt of %u tokens"), forecast->n_prompt);
  const char *const titles[] = { prompt, _ ("Each token"), _ ("Inference") };
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_widget_add_css_class (list, "facts");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Latency There"), -1);
  for (int phase = 0; phase <= RT_PHASE_INFERENCE; phase++)
    {
      g_autofree char *value = NULL;

      if (!forecast->phases[phase].is_there)
        continue;
      finite = finite || isfinite (forecast->phases[phase].step.ns);
      value = app_device_expect_format (&forecast->phases[phase].step);
      add_row (list, titles[phase], value);
    }
  add (box, list);
  return finite;
}

static void fill (GtkWidget *box);

static void
on_expected (gpointer box)
{
  fill (box);
}

static void
stop_asking (gpointer id)
{
  g_source_remove (GPOINTER_TO_UINT (id));
}

static gboolean
on_ask_again (gpointer box)
{
  g_object_steal_data (G_OBJECT (box), "ask-again");
  fill (box);
  return G_SOURCE_REMOVE;
}

/* While layers are timed here in the background, what is expected there becomes known. */
static void
ask_again (GtkWidget *box)
{
  guint id = g_timeout_add_seconds (ASK_AGAIN_S, on_ask_again, box);

  g_object_set_data_full (G_OBJECT (box), "ask-again", GUINT_TO_POINTER (id), stop_asking);
}

static void
add_known (GtkWidget *box, EngDevice *device, State *state, EngBuild *build)
{
  g_autofree char *text = eng_board_calibration_dup_text (state->calibration);
  g_autoptr (GDateTime) time
      = g_date_time_new_from_unix_local (eng_board_calibration_get_time (state->calibration));
  g_autofree char *date = time != NULL ? g_date_time_format (time, "%x") : g_strdup ("");
  g_autofree char *caption = NULL;
  const char *reason;
  const EngBoardForecast *forecast = app_device_expect_get (device, build, &reason);

  if (forecast != NULL && add_forecast (box, forecast))
    add (box, app_words_new (
                  eng_device_is_emulated (device)
                      ? _ ("Expected before anything is pushed, not measured: nine times out of "
                           "ten the board stays between the two times in brackets. They are the "
                           "emulator's times, as those of a run are.")
                      : _ ("Expected before anything is pushed, not measured: nine times out of "
                           "ten the board stays between the two times in brackets."),
                  (const char *[]){ "caption", "dim-label", NULL }));
  else if (forecast != NULL)
    ask_again (box);
  else if (reason != NULL)
    add (box, app_words_new (reason, (const char *[]){ "dim-label", NULL }));
  app_device_expect (device, build, G_OBJECT (box), on_expected);
  /* Translators: how many layers, a date, "7.3 times as long as here" */
  caption = g_strdup_printf (_ ("Calibrated with %u reference layers on %s: layers take %s."),
                             eng_board_calibration_get_n (state->calibration), date, text);
  add (box, app_words_new (caption, (const char *[]){ "caption", "dim-label", NULL }));
}

static void
show_stage (GtkLabel *label, GParamSpec *pspec, EngJob *job)
{
  g_autofree char *stage = eng_job_dup_stage (job);

  gtk_label_set_label (label, stage != NULL ? stage : eng_job_get_title (job));
}

static void
on_cancel (EngJob *job, GtkButton *button)
{
  eng_job_cancel (job);
  gtk_widget_set_sensitive (GTK_WIDGET (button), FALSE);
}

static void
on_done (GtkWidget *box, GParamSpec *pspec, EngJob *job)
{
  if (eng_job_get_done (job))
    fill (box);
}

static void
add_working (GtkWidget *box, EngJob *job)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *spinner = gtk_spinner_new (), *cancel = gtk_button_new_with_label (_ ("Cancel"));
  GtkWidget *label = app_words_new ("", (const char *[]){ "dim-label", NULL });

  gtk_spinner_start (GTK_SPINNER (spinner));
  gtk_widget_set_hexpand (label, TRUE);
  add (row, spinner);
  add (row, label);
  add (row, cancel);
  add (box, row);
  add (box, app_words_new (_ ("Nothing else runs meanwhile: it would be measured too."),
                           (const char *[]){ "caption", "dim-label", NULL }));
  show_stage (GTK_LABEL (label), NULL, job);
  g_signal_connect_object (job, "notify::stage", G_CALLBACK (show_stage), label, G_CONNECT_SWAPPED);
  g_signal_connect_object (job, "notify::done", G_CALLBACK (on_done), box, G_CONNECT_SWAPPED);
  g_signal_connect_object (cancel, "clicked", G_CALLBACK (on_cancel), job, G_CONNECT_SWAPPED);
}

static void
add_button (GtkWidget *box, EngDevice *device, State *state)
{
  GtkWidget *button = gtk_button_new_with_label (
      state->calibration != NULL ? _ ("Calibrate Again") : _ ("Calibrate This Board"));

  gtk_widget_set_halign (button, GTK_ALIGN_START);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.calibrate-device");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", eng_device_get_id (device));
  add (box, button);
}

static void
fill (GtkWidget *box)
{
  EngDevice *device = g_object_get_data (G_OBJECT (box), "device");
  State *state = get_state (device);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (box)) != NULL)
    gtk_box_remove (GTK_BOX (box), child);
  add (box, app_words_new (_ ("Latency There"), (const char *[]){ "heading", NULL }));
  if (state->calibration != NULL)
    add_known (box, device, state, g_object_get_data (G_OBJECT (box), "build"));
  else if (state->job == NULL)
    add (box, app_words_new (
                  eng_device_get_kind (device) == ENG_BOARD_MICROCONTROLLER
                      ? _ ("A network of about ten reference layers runs there, for some "
                           "seconds. Then it is known what a build takes there before it is "
                           "pushed, and how sure that is.")
                      : _ ("About ten reference layers run here and there, for some seconds. "
                           "Then it is known what a build takes there before it is pushed, and "
                           "how sure that is."),
                  (const char *[]){ "caption", "dim-label", NULL }));
  if (state->error != NULL)
    add (box, app_words_new (state->error, (const char *[]){ "warning", NULL }));
  if (state->job != NULL)
    add_working (box, state->job);
  else
    add_button (box, device, state);
}

GtkWidget *
app_device_calibration_new (EngDevice *device, EngBuild *build)
{
  g_return_val_if_fail (ENG_IS_DEVICE (device), NULL);

  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  g_object_set_data_full (G_OBJECT (box), "device", g_object_ref (device), g_object_unref);
  if (build != NULL)
    g_object_set_data_full (G_OBJECT (box), "build", g_object_ref (build), g_object_unref);
  gtk_widget_set_margin_top (box, 12);
  fill (box);
  return box;
}
