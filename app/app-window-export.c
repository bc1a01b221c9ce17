/* What leaves the window as a file: plots, runs, the history, recipes, and the build itself. */
#include "app-window-private.h"

#include "app-compare-view.h"
#include "app-config.h"
#include "app-report.h"
#include "plot-export.h"
#include "eng-run-device.h"
#include "eng-timeline.h"
#include "plot-graph.h"

#include <glib/gi18n.h>

/* ---- Asking for a name ---- */

typedef void (*SaveFunc) (AppWindow *self, GFile *file, gpointer data);

typedef struct
{
  AppWindow *window; /* borrowed: the dialog is transient for it */
  SaveFunc save;
  gpointer data;
} SaveAs;

static void
on_save_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  SaveAs *ask = data;

  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));

      if (file != NULL)
        ask->save (ask->window, file, ask->data);
    }
  g_object_unref (dialog);
}

static void
save_as_free (gpointer data, GClosure *closure)
{
  g_free (data);
}

/* @suffixes: allowed endings, NULL-terminated; @data is static or outlives the dialog. */
static void
ask_name (AppWindow *self, const char *title, const char *name, const char *const *suffixes,
          SaveFunc save, gpointer data)
{
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (title, GTK_WINDOW (self), GTK_FILE_CHOOSER_ACTION_SAVE,
                                     _ ("_Save"), NULL);
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();
  g_autofree char *endings = g_strjoinv (", ", (char **)suffixes);
  SaveAs *ask = g_new0 (SaveAs, 1);

  ask->window = self;
  ask->save = save;
  ask->data = data;
  for (guint i = 0; suffixes[i] != NULL; i++)
    gtk_file_filter_add_suffix (filter, suffixes[i]);
  gtk_file_filter_set_name (filter, endings);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (dialog), filter);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (dialog), name);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_save_response), ask, save_as_free, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

/* "SmolLM2 135M, Q4_0 weights" as a file name without slashes. */
static char *
dup_file_name (AppWindow *self, const char *what, const char *suffix)
{
  EngModel *model = eng_session_get_model (self->session);
  g_autofree char *recipe = eng_recipe_describe_for (eng_session_get_recipe (self->session),
                                                     app_stage_get_kind (self->stage));
  g_autofree char *name
      = g_strdup_printf ("%s, %s%s%s.%s", model != NULL ? eng_model_get_name (model) : "Lathe",
                         recipe, what != NULL ? ", " : "", what != NULL ? what : "", suffix);

  return g_strdelimit (g_steal_pointer (&name), "/\\:", '-');
}

static void
say_saved (AppWindow *self, GFile *file)
{
  g_autofree char *base = g_file_get_basename (file);
  g_autofree char *text = g_strdup_printf (_ ("Saved “%s”"), base);

  app_window_toast (self, text);
}

/* ---- Texts ---- */

static void
on_text_saved (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (AppWindow) self = data;
  g_autoptr (GError) error = NULL;

  if (g_file_replace_contents_finish (G_FILE (object), result, NULL, &error))
    say_saved (self, G_FILE (object));
  else if (self->session != NULL)
    app_window_show_failure (self, error, _ ("Saving the file"));
}

static void
save_text (AppWindow *self, GFile *file, char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new_take (text, strlen (text));

  g_file_replace_contents_bytes_async (file, bytes, NULL, FALSE, G_FILE_CREATE_NONE,
                                       self->cancellable, on_text_saved, g_object_ref (self));
}

static void
save_run (AppWindow *self, GFile *file, gpointer format)
{
  EngRun *run = app_stage_get_run (self->stage);

  if (run != NULL)
    save_text (self, file,
               g_str_equal (format, "csv") ? eng_run_to_csv (run) : eng_run_to_json (run));
}

static void
save_trace (AppWindow *self, GFile *file, gpointer data)
{
  EngRun *run = app_stage_get_run (self->stage);
  g_autofree char *recipe = NULL;
  g_autofree char *process = NULL;

  if (run == NULL || eng_run_get_timeline (run) == NULL)
    return;
  recipe = eng_run_dup_recipe_text (run);
  process = g_strdup_printf ("%s, %s%s%s", eng_run_get_model_name (run), recipe,
                             eng_run_get_device (run) != NULL ? ", on " : "",
                             eng_run_get_device (run) != NULL ? eng_run_get_device (run) : "");
  save_text (self, file,
             eng_timeline_to_chrome_json (eng_run_get_timeline (run), eng_run_get_profile (run),
                                          process));
}

static void
save_history (AppWindow *self, GFile *file, gpointer format)
{
  g_autoptr (GError) error = NULL;
  char *text = g_str_equal (format, "csv") ? eng_history_export_csv (self->history, &error)
                                           : eng_history_export_json (self->history, &error);

  if (text != NULL)
    save_text (self, file, text);
  else
    app_window_show_failure (self, error, _ ("Reading the history"));
}

static void
save_recipe (AppWindow *self, GFile *file, gpointer data)
{
  save_text (self, file, eng_recipe_to_json (eng_session_get_recipe (self->session)));
}

static void
on_export_run_csv (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_autofree char *name = dup_file_name (data, NULL, "csv");

  ask_name (data, _ ("Export the Run"), name, (const char *[]){ "csv", NULL }, save_run,
            (gpointer) "csv");
}

static void
on_export_run_json (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_autofree char *name = dup_file_name (data, NULL, "json");

  ask_name (data, _ ("Export the Run"), name, (const char *[]){ "json", NULL }, save_run,
            (gpointer) "json");
}

static void
on_export_trace (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_autofree char *name = dup_file_name (data, _ ("trace"), "json");

  ask_name (data, _ ("Export the Trace"), name, (const char *[]){ "json", NULL }, save_trace, NULL);
}

static void
on_export_history (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  const char *format
      = g_str_equal (g_variant_get_string (parameter, NULL), "json") ? "json" : "csv";
  g_autofree char *name = g_strdup_printf (_ ("Lathe history.%s"), format);

  ask_name (data, _ ("Export the History"), name, (const char *[]){ format, NULL }, save_history,
            (gpointer)format);
}

static void
on_save_recipe (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_autofree char *name = dup_file_name (data, NULL, "json");

  ask_name (data, _ ("Save the Recipe"), name, (const char *[]){ "json", NULL }, save_recipe, NULL);
}

/* ---- The report ---- */

/* What the comparison shows, where it is looked at; else the run shown. A new array. */
static GPtrArray *
dup_report_runs (AppWindow *self)
{
  const char *page = adw_view_stack_get_visible_child_name (self->views);
  GPtrArray *runs;

  if (g_strcmp0 (page, "compare") == 0)
    return app_compare_view_dup_runs (APP_COMPARE_VIEW (app_window_get_view (self, "compare")));
  runs = g_ptr_array_new_with_free_func (g_object_unref);
  if (app_stage_get_run (self->stage) != NULL)
    g_ptr_array_add (runs, g_object_ref (app_stage_get_run (self->stage)));
  return runs;
}

static void
save_report (AppWindow *self, GFile *file, gpointer data)
{
  g_autoptr (GPtrArray) runs = dup_report_runs (self);

  if (runs->len > 0)
    save_text (self, file,
               app_report_to_html ((EngRun *const *)runs->pdata, runs->len,
                                   app_stage_get_accuracy (self->stage), NULL));
}

static void
on_export_report (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_autofree char *name = dup_file_name (data, _ ("report"), "html");

  ask_name (data, _ ("Export the Report"), name, (const char *[]){ "html", NULL }, save_report,
            NULL);
}

/* ---- Opening a recipe ---- */

static void
on_recipe_response (GtkNativeDialog *dialog, int response, gpointer data)
{
  AppWindow *self = data;

  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
      g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (EngRecipe) recipe = path != NULL ? eng_recipe_load (path, &error) : NULL;

      if (recipe != NULL)
        eng_session_set_recipe (self->session, recipe);
      else if (error != NULL)
        app_window_show_failure (self, error, _ ("Opening the recipe"));
    }
  g_object_unref (dialog);
}

static void
on_open_recipe (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppWindow *self = data;
  GtkFileChooserNative *dialog
      = gtk_file_chooser_native_new (_ ("Open a Recipe"), GTK_WINDOW (self),
                                     GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Open"), NULL);
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  gtk_file_filter_add_suffix (filter, "json");
  gtk_file_filter_set_name (filter, _ ("Recipes (JSON)"));
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (dialog), filter);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (on_recipe_response), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

/* ---- Plots ---- */

static void
on_plot_saved (GObject *figure, GAsyncResult *result, gpointer data)
{
  g_autoptr (AppWindow) self = data;
  g_autoptr (GError) error = NULL;

  if (plot_export_finish (PLOT_FIGURE (figure), result, &error))
    app_window_toast (self, _ ("The plot was saved."));
  else if (self->session != NULL)
    app_window_show_failure (self, error, _ ("Saving the plot"));
}

/* Of what is on screen, where all of it is of one run; NULL: this computer, or of several. */
static const char *
get_plot_device (AppWindow *self, const AppViewInfo *plot)
{
  static const char *const of_many[] = { "tradeoff", "compare", "accuracy", "price" };
  EngRun *run = app_stage_get_run (self->stage);

  for (guint i = 0; i < G_N_ELEMENTS (of_many); i++)
    if (g_str_equal (plot->id, of_many[i]))
      return NULL;
  return run != NULL ? eng_run_get_device (run) : NULL;
}

/* "SmolLM2 135M: Q4_0 weights, F16 cache" */
static char *
dup_plot_name (AppWindow *self, const char *what)
{
  EngModel *model = eng_session_get_model (self->session);
  EngRun *run = app_stage_get_run (self->stage);
  g_autofree char *recipe
      = eng_recipe_describe_for (run != NULL ? eng_run_get_recipe (run)
                                             : eng_session_get_recipe (self->session),
                                 app_stage_get_kind (self->stage));

  if (model == NULL)
    return g_strdup ("");
  if (what != NULL)
    return g_strdup_printf ("%s: %s", eng_model_get_name (model), what);
  return g_strdup_printf ("%s: %s", eng_model_get_name (model), recipe);
}

/* The same, "; measured on Kitchen Pi (emulator)" where it was not here. */
static char *
dup_plot_title (AppWindow *self, const AppViewInfo *plot)
{
  const char *device = get_plot_device (self, plot);
  char *name = dup_plot_name (self, plot->plot != NULL ? _ (plot->plot) : NULL);
  char *title;

  if (device == NULL || *name == '\0')
    return name;
  title = g_strdup_printf (eng_run_get_emulated (app_stage_get_run (self->stage))
                               ? _ ("%s; measured on %s (an emulator)")
                               : _ ("%s; measured on %s"),
                           name, device);
  g_free (name);
  return title;
}

#define GRAPH_LEGEND_PX 290
#define MAX_PAGE_PX 12000

/* The lanes are called after the recipe. */
static const AppViewInfo lanes_info
    = { .id = "lanes", .plot = NULL, .width_px = 1200, .height_px = 640 };

/* The view whose plot is called @id; the lanes for one without a plot, as the history. */
static const AppViewInfo *
find_plot (const char *id)
{
  guint n;
  const AppViewInfo *infos = app_views (&n);

  for (guint i = 0; i < n; i++)
    if (g_strcmp0 (infos[i].id, id) == 0 && infos[i].plot != NULL)
      return &infos[i];
  return &lanes_info;
}

/* A graph has a size of its own; the rest of the page is for its legend. */
static void
fit_page_to_graph (PlotFigure *graph, PlotExportOptions *options)
{
  int width, height;

  plot_graph_get_size (PLOT_GRAPH (graph), &width, &height);
  options->width_px = CLAMP (width + GRAPH_LEGEND_PX, 480, MAX_PAGE_PX);
  options->height_px = CLAMP (height, 320, MAX_PAGE_PX);
}

static void
save_plot (AppWindow *self, GFile *file, gpointer which)
{
  const AppViewInfo *plot = which;
  PlotFigure *figure = app_view_get_figure (app_window_get_view (self, plot->id));
  g_autofree char *base = g_file_get_basename (file);
  PlotExportOptions options = { .width_px = plot->width_px, .height_px = plot->height_px };
  g_autofree char *title = NULL;
  g_autofree char *full = NULL;
  g_autoptr (GError) error = NULL;

  if (!plot_export_format_for_name (base, &options.format, &error))
    {
      app_window_show_failure (self, error, _ ("Saving the plot"));
      return;
    }
  if (PLOT_IS_GRAPH (figure))
    fit_page_to_graph (figure, &options);
  /* On a page of its own the picture must say what it is of; it is drawn before the call
   * returns. */
  title = g_strdup (plot_figure_get_title (figure));
  full = dup_plot_title (self, plot);
  options.source = get_plot_device (self, plot);
  options.source_heading = options.source != NULL ? _ ("measured on") : NULL;
  g_object_set (figure, "title", full, NULL);
  plot_export_async (figure, file, &options, self->cancellable, on_plot_saved, g_object_ref (self));
  g_object_set (figure, "title", title, NULL);
}

static void
on_export_plot (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  const char *target = g_variant_get_string (parameter, NULL);
  AppWindow *self = data;
  g_autofree char *name = NULL;
  const AppViewInfo *plot;

  if (g_str_equal (target, "shown"))
    target = adw_view_stack_get_visible_child_name (self->views);
  plot = find_plot (target);
  name = dup_file_name (data, plot->plot != NULL ? _ (plot->plot) : _ ("layers"), "png");
  ask_name (data, _ ("Export the Plot"), name, (const char *[]){ "png", "svg", "pdf", "csv", NULL },
            save_plot, (gpointer)plot);
}

/* ---- The build ---- */

typedef struct
{
  EngBuild *build;
  EngJob *job;
  char *path;
} SaveBuild;

static void
save_build_free (gpointer data)
{
  SaveBuild *save = data;

  g_object_unref (save->build);
  g_object_unref (save->job);
  g_free (save->path);
  g_free (save);
}

static void
save_build_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  SaveBuild *save = data;
  GError *error = NULL;

  if (eng_build_save (save->build, save->path, save->job, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_build_saved (GObject *object, GAsyncResult *result, gpointer data)
{
  AppWindow *self = APP_WINDOW (object);
  SaveBuild *save = g_task_get_task_data (G_TASK (result));
  g_autoptr (GFile) file = g_file_new_for_path (save->path);
  g_autoptr (GError) error = NULL;

  eng_job_finish (save->job);
  if (self->session == NULL)
    return; /* the window was closed meanwhile */
  if (self->own_job == save->job)
    app_window_set_own_job (self, NULL);
  if (g_task_propagate_boolean (G_TASK (result), &error))
    say_saved (self, file);
  else
    app_window_show_failure (self, error, _ ("Saving the build"));
}

static void
save_build (AppWindow *self, GFile *file, gpointer data)
{
  EngBuild *build = eng_session_get_build (self->session);
  g_autoptr (GTask) task = NULL;
  SaveBuild *save;

  if (build == NULL || self->own_job != NULL)
    return;
  save = g_new0 (SaveBuild, 1);
  save->build = g_object_ref (build);
  save->job = eng_job_new (_ ("Saving the build"));
  save->path = g_file_get_path (file);
  task = g_task_new (self, eng_job_get_cancellable (save->job), on_build_saved, NULL);
  g_task_set_source_tag (task, save_build);
  g_task_set_return_on_cancel (task, FALSE);
  g_task_set_task_data (task, save, save_build_free);
  app_window_set_own_job (self, save->job);
  g_task_run_in_thread (task, save_build_thread);
}

static void
on_save_build (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_autofree char *name = dup_file_name (data, NULL, "gguf");

  ask_name (data, _ ("Save the Build"), name, (const char *[]){ "gguf", NULL }, save_build, NULL);
}

static const GActionEntry actions[] = {
  { .name = "export-plot", .parameter_type = "s", .activate = on_export_plot },
  { .name = "export-report", .activate = on_export_report },
  { .name = "export-run-csv", .activate = on_export_run_csv },
  { .name = "export-trace", .activate = on_export_trace },
  { .name = "export-run-json", .activate = on_export_run_json },
  { .name = "export-history", .parameter_type = "s", .activate = on_export_history },
  { .name = "save-recipe", .activate = on_save_recipe },
  { .name = "open-recipe", .activate = on_open_recipe },
  { .name = "save-build", .activate = on_save_build },
};

void
app_window_init_export (AppWindow *self)
{
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
}
