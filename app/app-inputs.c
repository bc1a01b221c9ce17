/* The inputs chosen for a network and the one that is shown. Called by the network view; files are
 * listed, read and decoded on workers, and what comes late is dropped. Must not know of widgets. */
#include "app-inputs.h"

#include "app-config.h"
#include "app-input-text.h"
#include "eng-error.h"

#include <glib/gi18n.h>

#define MAX_FILES 10000

struct _AppInputs
{
  GObject parent_instance;

  EngModel *model;
  EngInput *input;
  GStrv paths; /* NULL: random */
  guint n_paths, index;
  GCancellable *reading; /* NULL: nothing is being read */
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_FAILED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppInputs, app_inputs, G_TYPE_OBJECT)

/* ---- Reading, on a worker ---- */

typedef struct
{
  EngModel *model;
  GStrv paths;         /* as chosen, folders too */
  gboolean listed;     /* @paths are files already */
  guint index;         /* the one to read */
  GdkTexture *texture; /* instead of paths; NULL */
  EngInput *input;     /* the outcome */
} Reading;

static void
reading_free (gpointer data)
{
  Reading *reading = data;

  g_clear_object (&reading->model);
  g_clear_object (&reading->texture);
  g_strfreev (reading->paths);
  g_clear_pointer (&reading->input, eng_input_unref);
  g_free (reading);
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *)a, *(const char *const *)b);
}

static gboolean
add_folder (GPtrArray *files, const char *folder, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  guint first = files->len;
  const char *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL && files->len < MAX_FILES)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (name[0] != '.' && app_input_is_file_name (name)
          && g_file_test (path, G_FILE_TEST_IS_REGULAR))
        g_ptr_array_add (files, g_steal_pointer (&path));
    }
  if (files->len == first)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND,
                   _ ("There are no pictures, sounds or tensors in the folder %s. Choose another "
                      "folder, or a file."),
                   folder);
      return FALSE;
    }
  qsort (files->pdata + first, files->len - first, sizeof (gpointer), compare_paths);
  return TRUE;
}

static GStrv
list_files (const char *const *paths, GError **error)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; paths[i] != NULL; i++)
    if (!g_file_test (paths[i], G_FILE_TEST_IS_DIR))
      g_ptr_array_add (files, g_strdup (paths[i]));
    else if (!add_folder (files, paths[i], error))
      return NULL;
  g_ptr_array_add (files, NULL);
  return (GStrv)g_ptr_array_free (g_steal_pointer (&files), FALSE);
}

/* The clipboard's picture as a file of the user's cache. */
static GStrv
keep_texture (GdkTexture *texture, GError **error)
{
  g_autofree char *folder = g_build_filename (g_get_user_cache_dir (), "lathe", "pasted", NULL);
  g_autoptr (GBytes) png = gdk_texture_save_to_png_bytes (texture);
  g_autofree char *sum = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, png);
  g_autofree char *name = g_strdup_printf ("pasted-%.8s.png", sum);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  const char *const paths[] = { path, NULL };

  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, _ ("The folder %s cannot be made: %s"), folder,
                   g_strerror (errno));
      return NULL;
    }
  if (!g_file_replace_contents (file, g_bytes_get_data (png, NULL), g_bytes_get_size (png), NULL,
                                FALSE, G_FILE_CREATE_PRIVATE, NULL, NULL, error))
    return NULL;
  return g_strdupv ((GStrv)paths);
}

static void
read_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Reading *reading = data;
  GError *error = NULL;

  if (!reading->listed)
    {
      GStrv files = reading->texture != NULL
                        ? keep_texture (reading->texture, &error)
                        : list_files ((const char *const *)reading->paths, &error);

      g_strfreev (reading->paths);
      reading->paths = files;
    }
  if (reading->paths != NULL)
    reading->input = eng_input_load (reading->paths[reading->index], cancellable, &error);
  if (reading->input != NULL && !app_input_fits (reading->model, reading->input, &error))
    g_clear_pointer (&reading->input, eng_input_unref);
  if (reading->input != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer data)
{
  AppInputs *self = APP_INPUTS (source);
  Reading *reading = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) error = NULL;
  gboolean ok = g_task_propagate_boolean (G_TASK (result), &error);

  if (self->reading != g_task_get_cancellable (G_TASK (result)))
    return; /* something else was chosen meanwhile */
  g_clear_object (&self->reading);
  if (ok)
    {
      g_clear_pointer (&self->input, eng_input_unref);
      self->input = g_steal_pointer (&reading->input);
      g_strfreev (self->paths);
      self->paths = g_steal_pointer (&reading->paths);
      self->n_paths = g_strv_length (self->paths);
      self->index = reading->index;
    }
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
  if (!ok)
    g_signal_emit (self, signals[SIGNAL_FAILED], 0, error);
}

static void
stop_reading (AppInputs *self)
{
  if (self->reading != NULL)
    g_cancellable_cancel (self->reading);
  g_clear_object (&self->reading);
}

/* Takes @reading. */
static void
start_reading (AppInputs *self, Reading *reading)
{
  g_autoptr (GTask) task = NULL;

  stop_reading (self);
  self->reading = g_cancellable_new ();
  reading->model = g_object_ref (self->model);
  task = g_task_new (self, self->reading, on_read, NULL);
  g_task_set_source_tag (task, start_reading);
  g_task_set_task_data (task, reading, reading_free);
  g_task_run_in_thread (task, read_thread);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

/* ---- Life ---- */

static void
app_inputs_dispose (GObject *object)
{
  AppInputs *self = APP_INPUTS (object);

  stop_reading (self);
  g_clear_object (&self->model);
  g_clear_pointer (&self->input, eng_input_unref);
  g_clear_pointer (&self->paths, g_strfreev);
  self->n_paths = 0;
  G_OBJECT_CLASS (app_inputs_parent_class)->dispose (object);
}

static void
app_inputs_class_init (AppInputsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_inputs_dispose;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_FAILED] = g_signal_new ("failed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                         NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
app_inputs_init (AppInputs *self)
{
}

AppInputs *
app_inputs_new (void)
{
  return g_object_new (APP_TYPE_INPUTS, NULL);
}

/* ---- Choosing ---- */

void
app_inputs_set_model (AppInputs *self, EngModel *model)
{
  EngInputKind kind;

  g_return_if_fail (APP_IS_INPUTS (self));

  kind = self->input != NULL ? eng_input_get_kind (self->input) : ENG_INPUT_RANDOM;
  g_set_object (&self->model, model);
  if (model != NULL && eng_model_get_kind (model) == ENG_MODEL_NETWORK
      && (kind == ENG_INPUT_PICTURE || kind == ENG_INPUT_SOUND)
      && app_input_fits (model, self->input, NULL))
    {
      stop_reading (self);
      g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
      return;
    }
  app_inputs_choose_random (self);
}

void
app_inputs_choose_random (AppInputs *self)
{
  g_return_if_fail (APP_IS_INPUTS (self));

  stop_reading (self);
  g_clear_pointer (&self->paths, g_strfreev);
  g_clear_pointer (&self->input, eng_input_unref);
  self->n_paths = self->index = 0;
  if (self->model != NULL)
    self->input = eng_input_new_random (0);
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

void
app_inputs_choose (AppInputs *self, const char *const *paths)
{
  Reading *reading;

  g_return_if_fail (APP_IS_INPUTS (self) && self->model != NULL);
  g_return_if_fail (paths != NULL && paths[0] != NULL);

  reading = g_new0 (Reading, 1);
  reading->paths = g_strdupv ((GStrv)paths);
  start_reading (self, reading);
}

void
app_inputs_choose_texture (AppInputs *self, GdkTexture *texture)
{
  Reading *reading;

  g_return_if_fail (APP_IS_INPUTS (self) && self->model != NULL && GDK_IS_TEXTURE (texture));

  reading = g_new0 (Reading, 1);
  reading->texture = g_object_ref (texture);
  start_reading (self, reading);
}

void
app_inputs_step (AppInputs *self, int by)
{
  Reading *reading;

  g_return_if_fail (APP_IS_INPUTS (self));

  if (self->n_paths < 2)
    return;
  reading = g_new0 (Reading, 1);
  reading->paths = g_strdupv (self->paths);
  reading->listed = TRUE;
  reading->index = (guint)(((int)self->index + by % (int)self->n_paths + (int)self->n_paths)
                           % (int)self->n_paths);
  start_reading (self, reading);
}

/* ---- Looking ---- */

EngInput *
app_inputs_get_input (AppInputs *self)
{
  g_return_val_if_fail (APP_IS_INPUTS (self), NULL);
  return self->input;
}

gboolean
app_inputs_is_random (AppInputs *self)
{
  g_return_val_if_fail (APP_IS_INPUTS (self), TRUE);
  return self->n_paths == 0;
}

gboolean
app_inputs_is_reading (AppInputs *self)
{
  g_return_val_if_fail (APP_IS_INPUTS (self), FALSE);
  return self->reading != NULL;
}

guint
app_inputs_get_n (AppInputs *self)
{
  g_return_val_if_fail (APP_IS_INPUTS (self), 0);
  return self->n_paths;
}

guint
app_inputs_get_index (AppInputs *self)
{
  g_return_val_if_fail (APP_IS_INPUTS (self), 0);
  return self->index;
}

guint
app_inputs_find (AppInputs *self, const char *name)
{
  g_return_val_if_fail (APP_IS_INPUTS (self) && name != NULL, G_MAXUINT);

  for (guint i = 0; i < self->n_paths; i++)
    {
      const char *slash = strrchr (self->paths[i], G_DIR_SEPARATOR);

      if (g_str_equal (slash != NULL ? slash + 1 : self->paths[i], name))
        return i;
    }
  return G_MAXUINT;
}

const char *
app_inputs_get_path (AppInputs *self)
{
  g_return_val_if_fail (APP_IS_INPUTS (self), NULL);
  return self->n_paths > 0 ? self->paths[self->index] : NULL;
}

EngWorkload *
app_inputs_dup_workload (AppInputs *self, gboolean all)
{
  const char *one[2] = { NULL, NULL };

  g_return_val_if_fail (APP_IS_INPUTS (self), NULL);

  one[0] = app_inputs_get_path (self);
  return eng_workload_new_input (all && self->n_paths > 0 ? (const char *const *)self->paths
                                                          : (one[0] != NULL ? one : NULL));
}
