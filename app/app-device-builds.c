/* Kept builds and going back to one. Made by the details of a device; asking is
 * eng-board-builds.c's, on workers. What is known is kept with the device object: widgets come and
 * go. */
#include "app-device-builds.h"

#include "app-ask.h"
#include "app-config.h"
#include "app-device-text.h"
#include "app-words.h"
#include "devices/eng-board-builds.h"
#include "eng-figure.h"

#include <adwaita.h>
#include <glib/gi18n.h>

/* What is known of the builds of one device; main thread only. */
typedef struct
{
  EngJob *job;       /* the board is being asked; else NULL */
  GPtrArray *builds; /* EngBoardBuild; NULL: never heard of */
  char *error;       /* of the last try; NULL: none */
  gboolean asked;    /* nothing ran there since */
} State;

static void
state_free (gpointer data)
{
  State *state = data;

  if (state->job != NULL)
    eng_job_cancel (state->job);
  g_clear_object (&state->job);
  g_clear_pointer (&state->builds, g_ptr_array_unref);
  g_free (state->error);
  g_free (state);
}

static State *
get_state (EngDevice *device)
{
  State *state = g_object_get_data (G_OBJECT (device), "app-builds");

  if (state == NULL)
    {
      state = g_new0 (State, 1);
      g_object_set_data_full (G_OBJECT (device), "app-builds", state, state_free);
    }
  return state;
}

static EngDevice *
get_device (GtkWidget *box)
{
  return g_object_get_data (G_OBJECT (box), "device");
}

static void fill (GtkWidget *box);

/* ---- Words ---- */

/* "SmolLM2-135M, Q4_0 weights": by which a person knows it. */
static char *
dup_title (const EngBoardBuild *build)
{
  return build->model != NULL && build->recipe != NULL
             ? g_strdup_printf ("%s, %s", build->model, build->recipe)
             : g_strdup (build->name);
}

/* "3f2a91c0 · 118 MB", "2 runs, last 2026-11-22 09:41" */
static char *
dup_facts (const EngBoardBuild *build)
{
  g_autofree char *size = eng_format_value ((double)build->n_bytes, "B");
  g_autoptr (GDateTime) last
      = build->last_s > 0 ? g_date_time_new_from_unix_local (build->last_s) : NULL;
  g_autofree char *date = last != NULL ? g_date_time_format (last, "%F %R") : NULL;
  GString *text = g_string_new (NULL);

  if (build->model == NULL || build->recipe == NULL)
    g_string_append_printf (text, "%s\n",
                            _ ("Model and recipe unavailable: this computer did not put it there"));
  if (build->sha256 != NULL)
    g_string_append_printf (text, "%.8s · ", build->sha256);
  g_string_append_printf (text, "%s\n", size);
  g_string_append_printf (text, ngettext ("%u run", "%u runs", build->n_runs), build->n_runs);
  /* Translators: follows the number of runs; a date and a time */
  if (date != NULL)
    g_string_append_printf (text, _ (", last %s"), date);
  return g_string_free (text, FALSE);
}

/* ---- Asking ---- */

typedef struct
{
  EngDevice *device;
  EngJob *job;
  AppAsk *ask;       /* NULL: nobody is asked anything */
  char *name;        /* of the build to go back to; NULL: the list alone */
  char *title;       /* of that build */
  GtkWindow *window; /* nullable */
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_object_unref (work->device);
  g_object_unref (work->job);
  g_clear_pointer (&work->ask, app_ask_unref);
  g_clear_object (&work->window);
  g_free (work->name);
  g_free (work->title);
  g_free (work);
}

static void
work_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  EngAsk ask;
  EngAsk *may_ask = work->ask != NULL ? &ask : NULL;
  GError *error = NULL;
  GPtrArray *builds;

  if (work->ask != NULL)
    app_ask_fill (work->ask, &ask);
  builds = work->name != NULL
               ? eng_board_builds_roll_back (work->device, work->name, may_ask, work->job, &error)
               : eng_board_builds_list (work->device, may_ask, work->job, &error);
  if (builds != NULL)
    g_task_return_pointer (task, builds, (GDestroyNotify)g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

static void
tell_result (const Work *work)
{
  /* Translators: which build, and the name of a board */
  g_autofree char *text = g_strdup_printf (_ ("%s is the current build on %s now."), work->title,
                                           app_device_name (work->device));

  if (work->window != NULL)
    gtk_widget_activate_action (GTK_WIDGET (work->window), "win.toast", "s", text);
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  Work *work = g_task_get_task_data (G_TASK (result));
  State *state = get_state (work->device);
  g_autoptr (GError) error = NULL;
  g_autoptr (EngJob) job = g_steal_pointer (&state->job);
  GPtrArray *builds = g_task_propagate_pointer (G_TASK (result), &error);

  if (builds != NULL)
    {
      g_clear_pointer (&state->builds, g_ptr_array_unref);
      state->builds = builds;
      if (work->name != NULL)
        tell_result (work);
    }
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    state->error = g_strdup (error->message);
  eng_job_finish (job); /* what shows it is filled anew */
}

/* @build NULL: the list alone. Questions only where a person pressed something. */
static void
ask (GtkWidget *box, const EngBoardBuild *build, GtkWindow *window)
{
  EngDevice *device = get_device (box);
  State *state = get_state (device);
  g_autoptr (GTask) task = NULL;
  g_autofree char *words = NULL;
  Work *work;

  if (state->job != NULL || eng_device_get_busy (device))
    return;
  task = g_task_new (NULL, NULL, on_answered, NULL);
  work = g_new0 (Work, 1);
  words = build != NULL ? g_strdup_printf (_ ("Going back to %.8s"),
                                           build->sha256 != NULL ? build->sha256 : build->name)
                        : g_strdup (_ ("Asking which builds it keeps"));
  g_clear_pointer (&state->error, g_free);
  state->asked = TRUE;
  state->job = eng_job_new (words);
  work->device = g_object_ref (device);
  work->job = g_object_ref (state->job);
  if (window != NULL)
    {
      work->window = g_object_ref (window);
      work->ask = app_ask_new (window);
      app_ask_set_cancellable (work->ask, eng_job_get_cancellable (work->job));
    }
  if (build != NULL)
    {
      work->name = g_strdup (build->name);
      work->title = dup_title (build);
    }
  g_task_set_source_tag (task, ask);
  g_task_set_task_data (task, work, work_free);
  g_task_run_in_thread (task, work_thread);
}

static void
on_cancel (GtkWidget *box, GtkButton *button)
{
  State *state = get_state (get_device (box));

  if (state->job != NULL)
    eng_job_cancel (state->job);
  gtk_widget_set_sensitive (GTK_WIDGET (button), FALSE);
}

static void
on_again (GtkWidget *box, GtkButton *button)
{
  ask (box, NULL, GTK_WINDOW (gtk_widget_get_root (box)));
  fill (box);
}

/* ---- Going back ---- */

static const EngBoardBuild *
find_build (State *state, const char *name)
{
  for (guint i = 0; state->builds != NULL && i < state->builds->len; i++)
    {
      const EngBoardBuild *build = state->builds->pdata[i];

      if (name != NULL ? g_str_equal (build->name, name) : build->current)
        return build;
    }
  return NULL;
}

static void
on_response (AdwMessageDialog *dialog, const char *response, gpointer data)
{
  GtkWidget *box = data;
  const char *name = g_object_get_data (G_OBJECT (dialog), "build");
  const EngBoardBuild *build = find_build (get_state (get_device (box)), name);

  if (!g_str_equal (response, "roll-back") || build == NULL)
    return;
  ask (box, build, gtk_window_get_transient_for (GTK_WINDOW (dialog)));
  fill (box);
}

static void
on_roll_back (GtkWidget *box, GtkButton *button)
{
  EngDevice *device = get_device (box);
  State *state = get_state (device);
  const char *name = g_object_get_data (G_OBJECT (button), "build");
  const EngBoardBuild *build = find_build (state, name), *current = find_build (state, NULL);
  g_autofree char *title = NULL, *from = NULL, *heading = NULL, *body = NULL;
  AdwMessageDialog *dialog;

  if (build == NULL || state->job != NULL)
    return;
  title = dup_title (build);
  from = current != NULL ? dup_title (current) : NULL;
  /* Translators: the name of a board */
  heading = g_strdup_printf (_ ("Roll Back %s?"), app_device_name (device));
  body = from != NULL
             ? g_strdup_printf (_ ("%s becomes the current build there, in place of %s. What runs "
                                   "there without Lathe takes the current build from then on. "
                                   "Nothing is deleted: you can come back in the same way."),
                                title, from)
             : g_strdup_printf (_ ("%s becomes the current build there. What runs there without "
                                   "Lathe takes the current build from then on. Nothing is "
                                   "deleted."),
                                title);
  dialog = ADW_MESSAGE_DIALOG (
      adw_message_dialog_new (GTK_WINDOW (gtk_widget_get_root (box)), heading, body));
  adw_message_dialog_add_responses (dialog, "cancel", _ ("_Cancel"), "roll-back", _ ("_Roll Back"),
                                    NULL);
  adw_message_dialog_set_response_appearance (dialog, "roll-back", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (dialog, "cancel");
  adw_message_dialog_set_close_response (dialog, "cancel");
  g_object_set_data_full (G_OBJECT (dialog), "build", g_strdup (name), g_free);
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_response), g_object_ref (box),
                         (GClosureNotify)(GCallback)g_object_unref, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* ---- The widget ---- */

static void
add (GtkWidget *box, GtkWidget *child)
{
  gtk_box_append (GTK_BOX (box), child);
}

/* What it is there, or the way to make it that. */
static GtkWidget *
make_end (GtkWidget *box, State *state, const EngBoardBuild *build, const char *title)
{
  GtkWidget *end;
  /* Translators: which build */
  g_autofree char *spoken = g_strdup_printf (_ ("Roll back to %s"), title);

  if (build->current)
    return g_object_new (GTK_TYPE_LABEL, "label", _ ("Current"), "xalign", 0.0f, "css-classes",
                         (const char *[]){ "accent", "caption-heading", NULL }, NULL);
  end = gtk_button_new_with_label (_ ("Roll Back…"));
  gtk_widget_set_halign (end, GTK_ALIGN_START);
  gtk_widget_add_css_class (end, "small-button");
  gtk_widget_set_tooltip_text (end, _ ("Make it the current build there"));
  gtk_widget_set_sensitive (end, state->job == NULL && !eng_device_get_busy (get_device (box)));
  gtk_accessible_update_property (GTK_ACCESSIBLE (end), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  g_object_set_data_full (G_OBJECT (end), "build", g_strdup (build->name), g_free);
  g_signal_connect_object (end, "clicked", G_CALLBACK (on_roll_back), box, G_CONNECT_SWAPPED);
  return end;
}

/* One below the other: the pane is narrow, and names are long. */
static GtkWidget *
make_row (GtkWidget *box, State *state, const EngBoardBuild *build)
{
  GtkWidget *row = gtk_list_box_row_new (), *all = gtk_box_new (GTK_ORIENTATION_VERTICAL, 4);
  g_autofree char *title = dup_title (build), *facts = dup_facts (build);
  g_autofree char *spoken
      = g_strdup_printf ("%s%s. %s", title, build->current ? _ (", current") : "", facts);

  add (all, app_words_new (title, NULL));
  add (all, app_words_new (facts, (const char *[]){ "caption", "dim-label", "numeric", NULL }));
  add (all, make_end (box, state, build, title));
  gtk_widget_add_css_class (all, "preflight-item");
  gtk_widget_set_tooltip_text (row, build->name);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), all);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  return row;
}

static void
add_builds (GtkWidget *box, State *state)
{
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_widget_add_css_class (list, "preflight");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Builds Kept There"), -1);
  for (guint i = 0; i < state->builds->len; i++)
    gtk_list_box_append (GTK_LIST_BOX (list), make_row (box, state, state->builds->pdata[i]));
  add (box, list);
}

static void
on_done (GtkWidget *box, GParamSpec *pspec, EngJob *job)
{
  if (eng_job_get_done (job))
    fill (box);
}

/* An answer usually comes at once: nothing flickers then. */
#define SHOW_AFTER_MS 300

static gboolean
on_show (gpointer row)
{
  gtk_widget_set_visible (row, TRUE);
  return G_SOURCE_REMOVE;
}

static void
add_working (GtkWidget *box, State *state)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6), *spinner = gtk_spinner_new (),
            *cancel = gtk_button_new_with_label (_ ("Cancel")),
            *label
            = app_words_new (eng_job_get_title (state->job), (const char *[]){ "dim-label", NULL });

  gtk_spinner_start (GTK_SPINNER (spinner));
  gtk_widget_set_hexpand (label, TRUE);
  add (row, spinner);
  add (row, label);
  add (row, cancel);
  add (box, row);
  gtk_widget_set_visible (row, FALSE);
  g_timeout_add_full (G_PRIORITY_DEFAULT, SHOW_AFTER_MS, on_show, g_object_ref (row),
                      g_object_unref);
  /* A job tells its end only as long as somebody holds it. */
  g_object_set_data_full (G_OBJECT (row), "job", g_object_ref (state->job), g_object_unref);
  g_signal_connect_object (state->job, "notify::done", G_CALLBACK (on_done), box,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (cancel, "clicked", G_CALLBACK (on_cancel), box, G_CONNECT_SWAPPED);
}

/* Nothing to show: why. */
static void
add_nothing (GtkWidget *box, State *state, EngDevice *device)
{
  const char *text = NULL;

  if (eng_device_get_state (device) == ENG_DEVICE_CONNECTING || eng_device_get_busy (device))
    text = _ ("Asked for once it is through with what it does.");
  else if (eng_device_get_state (device) != ENG_DEVICE_READY)
    text = _ ("unavailable: the board did not answer yet");
  else if (state->builds != NULL)
    text = _ ("No build ran there yet. Of those that run, the last three are kept.");
  else if (state->error == NULL)
    text = _ ("Not asked for.");
  if (text != NULL)
    add (box, app_words_new (text, (const char *[]){ "caption", "dim-label", NULL }));
}

static void
add_again (GtkWidget *box)
{
  GtkWidget *button = gtk_button_new_with_label (_ ("Ask Again"));

  gtk_widget_set_halign (button, GTK_ALIGN_START);
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_again), box, G_CONNECT_SWAPPED);
  add (box, button);
}

static void
fill (GtkWidget *box)
{
  EngDevice *device = get_device (box);
  State *state = get_state (device);
  gboolean ready = eng_device_get_state (device) == ENG_DEVICE_READY;
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (box)) != NULL)
    gtk_box_remove (GTK_BOX (box), child);
  add (box, app_words_new (_ ("Builds Kept There"), (const char *[]){ "heading", NULL }));
  if (state->builds != NULL && state->builds->len > 0)
    add_builds (box, state);
  else if (state->job == NULL)
    add_nothing (box, state, device);
  if (state->error != NULL)
    add (box, app_words_new (state->error, (const char *[]){ "warning", NULL }));
  if (state->job != NULL)
    add_working (box, state);
  else if (ready && (state->error != NULL || state->builds == NULL)
           && !eng_device_get_busy (device))
    add_again (box);
}

void
app_device_builds_expire (EngDevice *device)
{
  g_return_if_fail (ENG_IS_DEVICE (device));

  get_state (device)->asked = FALSE;
}

GtkWidget *
app_device_builds_new (EngDevice *device)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  State *state;

  g_return_val_if_fail (ENG_IS_DEVICE (device), NULL);

  state = get_state (device);
  g_object_set_data_full (G_OBJECT (box), "device", g_object_ref (device), g_object_unref);
  gtk_widget_set_margin_top (box, 12);
  if (!state->asked && eng_device_get_state (device) == ENG_DEVICE_READY)
    ask (box, NULL, NULL);
  fill (box);
  return box;
}
