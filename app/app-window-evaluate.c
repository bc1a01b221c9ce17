/* "Evaluate": takes the bundled texts or questions, or asks for a file, folder or archive, shows
 * the job in the headline, and says what came of it. The work is in app-evaluate.c. */
#include "app-window-private.h"

#include "app-accuracy-rows.h"
#include "app-config.h"
#include "app-evaluate.h"
#include "eval/eng-text-set.h"

#include <glib/gi18n.h>

/* "Perplexity 76.0 (70–82), +1.9 %": the evaluation's first metric. */
static char *
dup_outcome (EngRun *run)
{
  EngEvaluation *evaluation = eng_run_get_evaluation (run);
  const EngEvalMetric *metric = eng_evaluation_get_metric (evaluation, 0);
  const EngMetric *info = eng_metric_find (metric->metric);
  g_autofree char *figure = eng_figure_format (&metric->whole.value);
  AppChange change = app_accuracy_change (evaluation, info, &metric->whole);
  g_autofree char *by = app_change_format (&change);

  /* Translators: a metric, its value, the set */
  if (change.verdict == APP_CHANGE_NONE)
    return g_strdup_printf (_ ("%s %s on %s"), _ (info->title), figure,
                            eng_evaluation_get_title (evaluation));
  /* Translators: a metric, its value, the change against the model as in its file, the set */
  return g_strdup_printf (_ ("%s %s, %s, on %s"), _ (info->title), figure, by,
                          eng_evaluation_get_title (evaluation));
}

static void
show_accuracy (AppWindow *self)
{
  adw_view_stack_set_visible_child_name (self->views, "accuracy");
}

static void
on_done (EngRun *run, const GError *error, gpointer data)
{
  g_autoptr (AppWindow) self = data;
  g_autofree char *text = NULL;

  if (self->session == NULL)
    return; /* the window went meanwhile */
  self->evaluating = FALSE;
  app_window_set_own_job (self, NULL);
  if (run == NULL)
    {
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        app_window_show_failure (self, error, _ ("The evaluation"));
      return;
    }
  text = dup_outcome (run);
  app_window_toast (self, text);
  app_stage_refresh (self->stage);
  show_accuracy (self);
}

void
app_window_evaluate (AppWindow *self, const char *set)
{
  EngBuild *build = eng_session_get_build (self->session);
  g_autofree char *data = eng_data_dup_title (set);
  g_autofree char *title = g_strdup_printf (_ ("Evaluating on %s"), data);
  g_autoptr (EngJob) job = NULL;

  if (build == NULL || self->own_job != NULL || eng_session_get_running (self->session))
    return; /* something began while the dialog was open */
  job = eng_job_new (title);
  self->evaluating = TRUE; /* the build has one executor: nothing else runs meanwhile */
  app_window_set_own_job (self, job);
  app_evaluate_start (build, set, self->evaluate_against, self->history, job, on_done,
                      g_object_ref (self));
}

static void
on_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
      g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;

      if (path != NULL)
        app_window_evaluate (data, path);
      else
        app_window_toast (data, _ ("Sets must lie on a disk of this computer."));
    }
  g_object_unref (dialog);
}

static void
add_filter (GtkFileChooser *chooser, const char *name, const char *const *patterns)
{
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, name);
  for (guint i = 0; patterns[i] != NULL; i++)
    gtk_file_filter_add_pattern (filter, patterns[i]);
  gtk_file_chooser_add_filter (chooser, filter);
}

static void
ask (AppWindow *self, const char *title, gboolean folder, const char *filter,
     const char *const *patterns, GCallback response)
{
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (title, GTK_WINDOW (self),
                                     folder ? GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER
                                            : GTK_FILE_CHOOSER_ACTION_OPEN,
                                     _ ("_Evaluate"), NULL);

  if (!folder)
    {
      add_filter (GTK_FILE_CHOOSER (dialog), filter, patterns);
      add_filter (GTK_FILE_CHOOSER (dialog), _ ("All Files"), (const char *const[]){ "*", NULL });
    }
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", response, self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

/* Networks: "folder", "archive". */
static void
on_evaluate (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  gboolean folder = g_str_equal (g_variant_get_string (parameter, NULL), "folder");

  ask (data, folder ? _ ("Evaluate on a Folder of Inputs") : _ ("Evaluate on an Archive of Inputs"),
       folder, _ ("Archives (tar, tar.gz)"),
       (const char *const[]){ "*.tar", "*.tar.gz", "*.tgz", NULL }, G_CALLBACK (on_response));
}

/* Language models: "texts", "questions", "file", "folder". */
static void
on_evaluate_language (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  const char *what = g_variant_get_string (parameter, NULL);

  if (g_str_equal (what, "texts"))
    app_window_evaluate (data, ENG_BUNDLED_TEXTS);
  else if (g_str_equal (what, "questions"))
    app_window_evaluate (data, ENG_BUNDLED_QUESTIONS);
  else
    ask (data,
         g_str_equal (what, "folder") ? _ ("Evaluate on a Folder of Texts")
                                      : _ ("Evaluate on a Text or a Set of Questions"),
         g_str_equal (what, "folder"), _ ("Texts and questions (txt, json)"),
         (const char *const[]){ "*.txt", "*.md", "*.json", NULL }, G_CALLBACK (on_response));
}

static void
set_against (AppWindow *self, const char *path)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), "evaluation-baseline");

  g_free (self->evaluate_against);
  self->evaluate_against = g_strdup (path);
  g_simple_action_set_state (G_SIMPLE_ACTION (action),
                             g_variant_new_string (path != NULL ? "file" : "as-in-file"));
}

static void
on_baseline_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
      g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;
      g_autofree char *base = path != NULL ? g_path_get_basename (path) : NULL;
      /* Translators: a file's name */
      g_autofree char *text = base != NULL
                                  ? g_strdup_printf (_ ("Evaluations now stand beside %s."), base)
                                  : g_strdup (_ ("Models must lie on a disk of this computer."));

      if (path != NULL)
        set_against (data, path);
      app_window_toast (data, text);
    }
  g_object_unref (dialog);
}

/* "as-in-file", "file": asks which. */
static void
on_baseline (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  if (g_str_equal (g_variant_get_string (parameter, NULL), "file"))
    ask (data, _ ("Evaluate beside Another File"), FALSE, _ ("Models (gguf, onnx, tflite)"),
         (const char *const[]){ "*.gguf", "*.onnx", "*.tflite", NULL },
         G_CALLBACK (on_baseline_response));
  else
    set_against (data, NULL);
}

void
app_window_reset_evaluate (AppWindow *self)
{
  if (self->evaluate_against != NULL)
    set_against (self, NULL);
}

static const GActionEntry actions[] = {
  { .name = "evaluate", .parameter_type = "s", .activate = on_evaluate },
  { .name = "evaluate-language", .parameter_type = "s", .activate = on_evaluate_language },
  { .name = "evaluation-baseline",
    .parameter_type = "s",
    .state = "'as-in-file'",
    .activate = on_baseline },
};

void
app_window_init_evaluate (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}

void
app_window_update_evaluate (AppWindow *self)
{
  EngModel *model = eng_session_get_model (self->session);
  gboolean can = app_evaluate_is_possible (model) && !eng_session_get_running (self->session)
                 && self->own_job == NULL && eng_session_get_build (self->session) != NULL;
  gboolean network = model != NULL && eng_model_get_kind (model) == ENG_MODEL_NETWORK;

  app_window_set_action_enabled (self, "evaluate", can && network);
  app_window_set_action_enabled (self, "evaluate-language", can && !network);
}
