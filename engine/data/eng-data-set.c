/* Labelled samples from folders and archives. Used by the evaluation; knows nothing of what the
 * samples are. */
#include "data/eng-data-set.h"

#include <string.h>

#include "data/eng-tar.h"
#include "eng-error.h"

#define MAX_SAMPLE_BYTES (G_GUINT64_CONSTANT (256) << 20)
#define MAX_LABEL_BYTES (G_GUINT64_CONSTANT (64) << 20)
#define MAX_SAMPLES 10000000
#define MAX_DEPTH 8

typedef enum
{
  LABELS_FILE,
  LABELS_FOLDERS,
  LABELS_NAMES,
} LabelSource;

struct _EngDataSet
{
  char *path;
  gboolean archive;
  GPtrArray *names; /* of samples, relative to the folder or as in the archive */
  guint next;
  EngTar *tar;         /* being read; archives only */
  GHashTable *of_file; /* base name -> label, from the label file; NULL: none */
  char *source;
  LabelSource labels;
  GHashTable *classes; /* folded name -> index + 1 */
  guint n_classes;
  char *label; /* of the last sample */
};

void
eng_data_set_free (EngDataSet *self)
{
  if (self == NULL)
    return;
  g_free (self->path);
  g_free (self->source);
  g_free (self->label);
  g_ptr_array_unref (self->names);
  eng_tar_free (self->tar);
  g_clear_pointer (&self->of_file, g_hash_table_unref);
  g_hash_table_unref (self->classes);
  g_free (self);
}

/* ---- Names of classes ---- */

static char *
fold (const char *name)
{
  g_autofree char *valid = g_utf8_make_valid (name, -1);
  g_autofree char *stripped = g_strstrip (g_strdelimit (g_strdup (valid), "_-", ' '));
  return g_utf8_casefold (stripped, -1);
}

static void
add_class (GHashTable *classes, const char *name, guint index)
{
  char *folded = fold (name);
  if (folded[0] == '\0' || g_hash_table_contains (classes, folded))
    g_free (folded); /* the first class of a name has it */
  else
    g_hash_table_insert (classes, folded, GUINT_TO_POINTER (index + 1));
}

static void
add_classes (EngDataSet *self, const char *const *classes)
{
  for (guint i = 0; classes != NULL && classes[i] != NULL; i++, self->n_classes++)
    add_class (self->classes, classes[i], i);
  for (guint i = 0; classes != NULL && classes[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (classes[i], ",", -1);
      for (guint k = 0; parts[k] != NULL; k++)
        add_class (self->classes, parts[k], i);
    }
}

static int
find_class (EngDataSet *self, const char *label)
{
  guint64 number;
  if (self->labels == LABELS_FILE
      && g_ascii_string_to_unsigned (label, 10, 0, G_MAXINT, &number, NULL))
    return (int)number;
  g_autofree char *folded = fold (label);
  return (int)GPOINTER_TO_UINT (g_hash_table_lookup (self->classes, folded)) - 1;
}

/* ---- The label file ---- */

static gboolean
is_label_file (const char *name)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);
  return g_str_has_suffix (lower, "labels.csv") || g_str_has_suffix (lower, "labels.txt");
}

/* "NAME,LABEL" or "NAME,CLASSES,CLASS"; tabs count as commas. Lines of another form are left out:
 * headers. */
static void
read_label_file (EngDataSet *self, GBytes *bytes, const char *name)
{
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *base = g_path_get_basename (name);

  self->of_file = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_free (self->source);
  self->source = g_strdup_printf ("file %s", base);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) cells = g_strsplit_set (g_strstrip (lines[i]), ",\t", -1);
      guint n = g_strv_length (cells);
      if (n != 2 && n != 3)
        continue;
      g_hash_table_insert (self->of_file, g_path_get_basename (g_strstrip (cells[0])),
                           g_strdup (g_strstrip (cells[n - 1])));
    }
}

/* ---- Listing ---- */

static gboolean
add_name (EngDataSet *self, char *name, GError **error)
{
  if (self->names->len >= MAX_SAMPLES)
    {
      g_free (name);
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s has more than ten million samples",
                   self->path);
      return FALSE;
    }
  g_ptr_array_add (self->names, name);
  return TRUE;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

static gboolean
list_folder (EngDataSet *self, const char *relative, guint depth, GError **error)
{
  g_autofree char *folder = g_build_filename (self->path, relative, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *inner
          = relative[0] != '\0' ? g_build_filename (relative, name, NULL) : g_strdup (name);
      g_autofree char *path = g_build_filename (self->path, inner, NULL);
      if (name[0] == '.')
        continue;
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        {
          if (depth < MAX_DEPTH && !list_folder (self, inner, depth + 1, error))
            return FALSE;
          continue;
        }
      if (!is_label_file (name))
        {
          if (!add_name (self, g_steal_pointer (&inner), error))
            return FALSE;
          continue;
        }
      char *text;
      gsize n;
      if (!g_file_get_contents (path, &text, &n, error))
        return FALSE;
      g_autoptr (GBytes) bytes = g_bytes_new_take (text, n);
      read_label_file (self, bytes, name);
    }
  return TRUE;
}

static gboolean
list_archive (EngDataSet *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (EngTar) tar = eng_tar_open (self->path, cancellable, error);
  g_autoptr (GError) local = NULL;
  const char *name;
  guint64 n;

  if (tar == NULL)
    return FALSE;
  while (eng_tar_next (tar, &name, &n, cancellable, &local))
    {
      if (!is_label_file (name))
        {
          if (!add_name (self, g_strdup (name), error))
            return FALSE;
          continue;
        }
      g_autoptr (GBytes) bytes = eng_tar_read (tar, MAX_LABEL_BYTES, cancellable, error);
      if (bytes == NULL)
        return FALSE;
      read_label_file (self, bytes, name);
    }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static void
choose_label_source (EngDataSet *self)
{
  g_autofree char *first = NULL;
  gboolean several = FALSE;

  for (guint i = 0; i < self->names->len; i++)
    {
      char *folder = g_path_get_dirname (self->names->pdata[i]);
      if (first != NULL && strcmp (folder, first) != 0)
        several = TRUE;
      g_free (first);
      first = folder;
      if (several)
        break;
    }
  self->labels = self->of_file != NULL ? LABELS_FILE : several ? LABELS_FOLDERS : LABELS_NAMES;
  if (self->of_file == NULL)
    self->source = g_strdup (several ? "folders" : "names of the samples");
}

EngDataSet *
eng_data_set_open (const char *path, const char *const *classes, GCancellable *cancellable,
                   GError **error)
{
  g_return_val_if_fail (path != NULL, NULL);

  g_autoptr (EngDataSet) self = g_new0 (EngDataSet, 1);
  self->path = g_strdup (path);
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->classes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->archive = !g_file_test (path, G_FILE_TEST_IS_DIR);
  add_classes (self, classes);
  if (self->archive && g_file_test (path, G_FILE_TEST_EXISTS) && !eng_tar_sniff (path))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT,
                   "%s is neither a folder nor a tar archive; a data set is one of them", path);
      return NULL;
    }
  if (!(self->archive ? list_archive (self, cancellable, error)
                      : list_folder (self, "", 0, error)))
    return NULL;
  if (self->names->len == 0)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_NOT_FOUND, "%s has no samples", path);
      return NULL;
    }
  if (!self->archive)
    qsort (self->names->pdata, self->names->len, sizeof (gpointer), compare_names);
  choose_label_source (self);
  return g_steal_pointer (&self);
}

guint
eng_data_set_get_n (EngDataSet *self)
{
  return self->names->len;
}

const char *
eng_data_set_get_label_source (EngDataSet *self)
{
  return self->source;
}

/* ---- Reading ---- */

static char *
dup_label (EngDataSet *self, const char *name)
{
  g_autofree char *base = g_path_get_basename (name);
  char *dot;

  switch (self->labels)
    {
    case LABELS_FILE:
      return g_strdup (g_hash_table_lookup (self->of_file, base));
    case LABELS_FOLDERS:
      {
        g_autofree char *folder = g_path_get_dirname (name);
        return g_path_get_basename (folder);
      }
    case LABELS_NAMES:
      dot = strrchr (base, '.');
      if (dot != NULL)
        *dot = '\0';
      return g_strdelimit (g_steal_pointer (&base), "_", ' ');
    default:
      g_return_val_if_reached (NULL);
    }
}

static GBytes *
read_archived (EngDataSet *self, const char **name, GCancellable *cancellable, GError **error)
{
  guint64 n;

  if (self->tar == NULL)
    self->tar = eng_tar_open (self->path, cancellable, error);
  if (self->tar == NULL)
    return NULL;
  do
    if (!eng_tar_next (self->tar, name, &n, cancellable, error))
      {
        if (error != NULL && *error == NULL)
          g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s changed while it was read", self->path);
        return NULL;
      }
  while (is_label_file (*name));
  return eng_tar_read (self->tar, MAX_SAMPLE_BYTES, cancellable, error);
}

static GBytes *
read_file (EngDataSet *self, const char *name, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (self->path, name, NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info
      = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE, 0, cancellable, error);

  if (info == NULL)
    return NULL;
  if ((guint64)g_file_info_get_size (info) > MAX_SAMPLE_BYTES)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_RANGE, "%s is too large for a sample", path);
      return NULL;
    }
  return g_file_load_bytes (file, cancellable, NULL, error);
}

gboolean
eng_data_set_next (EngDataSet *self, EngSample *sample, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (self->next >= self->names->len)
    return FALSE;
  const char *name = self->names->pdata[self->next++];
  *sample = (EngSample){ .index = -1 };
  sample->bytes = self->archive ? read_archived (self, &name, cancellable, &local)
                                : read_file (self, name, cancellable, &local);
  if (sample->bytes == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_free (self->label);
  self->label = dup_label (self, name);
  sample->name = name;
  sample->label = self->label;
  if (self->label != NULL)
    sample->index = find_class (self, self->label);
  return TRUE;
}
