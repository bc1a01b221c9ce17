/* Dialogs for a worker that waits. Called by whoever contacts a device or pushes to it; must not
 * know what is asked for. */
#include "app-ask.h"

#include "app-config.h"

#include <adwaita.h>
#include <glib/gi18n.h>

/* How often a waiting worker looks whether it is wanted at all. */
#define LOOK_US (G_USEC_PER_SEC / 10)

struct _AppAsk
{
  gatomicrefcount ref_count;
  GWeakRef parent;
  GMainContext *context;
  GMutex mutex; /* guards the cancellable */
  GCancellable *cancellable;
};

/* One question; the worker and the main thread hold a reference each. */
typedef struct
{
  gatomicrefcount ref_count;
  AppAsk *ask;
  char *name, *title, *text;
  gboolean wants_secret, can_keep; /* can_keep: there is a keyring for it */

  GMutex mutex; /* guards what follows */
  GCond cond;
  gboolean answered, yes, keep;
  char *secret;

  AdwMessageDialog *dialog; /* main thread; NULL: it is not open */
  char *typed;              /* as it stands in the dialog, whose widgets may go first */
  gboolean wants_keep;
} Question;

AppAsk *
app_ask_new (GtkWindow *parent)
{
  AppAsk *self = g_new0 (AppAsk, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_weak_ref_init (&self->parent, parent);
  g_mutex_init (&self->mutex);
  self->context = g_main_context_ref_thread_default ();
  return self;
}

AppAsk *
app_ask_ref (AppAsk *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
app_ask_unref (AppAsk *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_weak_ref_clear (&self->parent);
  g_clear_object (&self->cancellable);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

void
app_ask_set_cancellable (AppAsk *self, GCancellable *cancellable)
{
  g_mutex_lock (&self->mutex);
  g_set_object (&self->cancellable, cancellable);
  g_mutex_unlock (&self->mutex);
}

static gboolean
is_cancelled (AppAsk *self)
{
  gboolean cancelled;

  g_mutex_lock (&self->mutex);
  cancelled = self->cancellable != NULL && g_cancellable_is_cancelled (self->cancellable);
  g_mutex_unlock (&self->mutex);
  return cancelled;
}

static void
question_unref (gpointer data)
{
  Question *question = data;

  if (!g_atomic_ref_count_dec (&question->ref_count))
    return;
  app_ask_unref (question->ask);
  g_free (question->name);
  g_free (question->title);
  g_free (question->text);
  g_free (question->secret);
  g_free (question->typed);
  g_mutex_clear (&question->mutex);
  g_cond_clear (&question->cond);
  g_free (question);
}

static Question *
question_ref (Question *question)
{
  g_atomic_ref_count_inc (&question->ref_count);
  return question;
}

/* ---- Main thread ---- */

static void
answer (Question *question, gboolean yes, const char *secret, gboolean keep)
{
  g_mutex_lock (&question->mutex);
  if (!question->answered)
    {
      question->answered = TRUE;
      question->yes = yes;
      question->keep = keep;
      question->secret = g_strdup (secret);
      g_cond_signal (&question->cond);
    }
  g_mutex_unlock (&question->mutex);
}

static void
on_response (AdwMessageDialog *dialog, const char *response, gpointer data)
{
  Question *question = data;
  gboolean yes = g_str_equal (response, "yes");

  answer (question, yes, question->wants_secret && yes ? question->typed : NULL,
          yes && question->wants_keep);
}

/* With its window, or because nobody wants to know any more. */
static void
on_destroyed (GtkWidget *dialog, gpointer data)
{
  Question *question = data;

  question->dialog = NULL;
  answer (question, FALSE, NULL, FALSE);
}

/* A password entry that goes while it has the focus hears of losing it afterwards (GTK 4.8). */
static void
on_unmapped (GtkWidget *dialog)
{
  gtk_window_set_focus (GTK_WINDOW (dialog), NULL);
}

static void
free_question (gpointer data, GClosure *closure)
{
  question_unref (data);
}

static void
on_entry_changed (GtkEditable *entry, Question *question)
{
  const char *text = gtk_editable_get_text (entry);

  if (question->dialog == NULL)
    return;
  g_free (question->typed);
  question->typed = g_strdup (text);
  adw_message_dialog_set_response_enabled (question->dialog, "yes", *text != '\0');
}

static void
on_keep_toggled (GtkCheckButton *check, Question *question)
{
  question->wants_keep = gtk_check_button_get_active (check);
}

/* Long words without a blank (fingerprints) in letters that are easy to compare. */
static char *
dup_markup (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) markup = g_string_new (NULL);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);

      g_string_append (markup, i > 0 ? "\n" : "");
      for (guint w = 0; words[w] != NULL; w++)
        {
          gboolean mono = strlen (words[w]) >= 30 && strchr (words[w], ':') != NULL;
          g_autofree char *word
              = g_markup_printf_escaped (mono ? "<small><tt>%s</tt></small>" : "%s",
                                         words[w]); /* one line of 44 characters */

          g_string_append_printf (markup, "%s%s", w > 0 ? " " : "", word);
        }
    }
  return g_string_free (g_steal_pointer (&markup), FALSE);
}

/* The text can be selected: a fingerprint is compared, or copied to be compared elsewhere. */
static GtkWidget *
make_content (Question *question, GtkWidget **entry)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12), *label, *check;
  g_autofree char *markup = dup_markup (question->text);

  label = g_object_new (GTK_TYPE_LABEL, "label", markup, "use-markup", TRUE, "wrap", TRUE,
                        "wrap-mode", PANGO_WRAP_WORD_CHAR, "selectable", TRUE, "xalign", 0.0f,
                        "max-width-chars", 44, NULL);
  gtk_box_append (GTK_BOX (box), label);
  if (!question->wants_secret)
    return box;
  *entry = g_object_new (GTK_TYPE_PASSWORD_ENTRY, "show-peek-icon", TRUE, "activates-default", TRUE,
                         NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (*entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  question->title, -1);
  check = gtk_check_button_new_with_mnemonic (_ ("_Keep in the keyring"));
  gtk_widget_set_visible (check, question->can_keep);
  g_signal_connect_data (*entry, "changed", G_CALLBACK (on_entry_changed), question_ref (question),
                         free_question, 0);
  g_signal_connect_data (check, "toggled", G_CALLBACK (on_keep_toggled), question_ref (question),
                         free_question, 0);
  gtk_box_append (GTK_BOX (box), *entry);
  gtk_box_append (GTK_BOX (box), check);
  return box;
}

static gboolean
show_question (gpointer data)
{
  Question *question = data;
  g_autoptr (GtkWindow) parent = g_weak_ref_get (&question->ask->parent);
  AdwMessageDialog *dialog;
  GtkWidget *entry = NULL;

  if (parent == NULL || !gtk_widget_get_visible (GTK_WIDGET (parent))
      || is_cancelled (question->ask))
    {
      answer (question, FALSE, NULL, FALSE);
      return G_SOURCE_REMOVE;
    }
  dialog = ADW_MESSAGE_DIALOG (adw_message_dialog_new (parent, question->title, NULL));
  question->dialog = dialog;
  adw_message_dialog_set_extra_child (dialog, make_content (question, &entry));
  adw_message_dialog_add_responses (dialog, "no",
                                    question->wants_secret ? _ ("_Cancel") : _ ("Do _Not Connect"),
                                    "yes", _ ("_Connect"), NULL);
  adw_message_dialog_set_close_response (dialog, "no");
  adw_message_dialog_set_default_response (dialog, question->wants_secret ? "yes" : "no");
  if (question->wants_secret)
    {
      adw_message_dialog_set_response_appearance (dialog, "yes", ADW_RESPONSE_SUGGESTED);
      adw_message_dialog_set_response_enabled (dialog, "yes", FALSE);
    }
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_response), question_ref (question),
                         free_question, 0);
  g_signal_connect_data (dialog, "destroy", G_CALLBACK (on_destroyed), question_ref (question),
                         free_question, 0);
  g_signal_connect (dialog, "unmap", G_CALLBACK (on_unmapped), NULL);
  gtk_window_present (GTK_WINDOW (dialog));
  if (question->wants_secret)
    gtk_widget_grab_focus (entry);
  return G_SOURCE_REMOVE;
}

static gboolean
hide_question (gpointer data)
{
  Question *question = data;

  if (question->dialog != NULL)
    gtk_window_destroy (GTK_WINDOW (question->dialog));
  return G_SOURCE_REMOVE;
}

/* ---- The worker ---- */

/* Never here and now, as g_main_context_invoke() might: widgets are the main thread's. */
static void
invoke (Question *question, GSourceFunc function)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, function, question_ref (question), question_unref);
  g_source_attach (source, question->ask->context);
}

/* Waits for the answer. New reference. */
static Question *
put (AppAsk *self, EngDevice *device, const char *title, const char *text, gboolean wants_secret,
     gboolean can_keep)
{
  Question *question = g_new0 (Question, 1);
  gboolean answered;

  g_atomic_ref_count_init (&question->ref_count);
  g_mutex_init (&question->mutex);
  g_cond_init (&question->cond);
  question->ask = app_ask_ref (self);
  question->name = device != NULL ? g_strdup (eng_device_get_name (device)) : NULL;
  question->title = g_strdup (title);
  question->text = g_strdup (text);
  question->wants_secret = wants_secret;
  question->can_keep = can_keep;
  invoke (question, show_question);

  g_mutex_lock (&question->mutex);
  while (!question->answered && !is_cancelled (self))
    g_cond_wait_until (&question->cond, &question->mutex, g_get_monotonic_time () + LOOK_US);
  answered = question->answered;
  question->answered = TRUE; /* what comes now comes too late */
  g_mutex_unlock (&question->mutex);
  if (!answered)
    invoke (question, hide_question);
  return question;
}

static gboolean
on_confirm (EngDevice *device, const char *title, const char *text, gpointer data)
{
  Question *question = put (data, device, title, text, FALSE, FALSE);
  gboolean yes = question->yes;

  question_unref (question);
  return yes;
}

static char *
on_secret (EngDevice *device, const char *title, const char *text, gboolean *keep, gpointer data)
{
  Question *question = put (data, device, title, text, TRUE, keep != NULL && *keep);
  char *secret = g_steal_pointer (&question->secret);

  if (keep != NULL)
    *keep = question->keep;
  question_unref (question);
  return secret;
}

void
app_ask_fill (AppAsk *self, EngAsk *ask)
{
  *ask = (EngAsk){ on_confirm, on_secret, self };
}
