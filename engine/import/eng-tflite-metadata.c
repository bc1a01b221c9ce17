/* TFLite metadata: a FlatBuffer of its own inside the file ("M001"), and an archive of associated
 * files behind it. Called when a model is opened; the network runs without it.
 *
 * Source: the published schema of TFLite metadata. */
#include "eng-tflite-metadata.h"

#include <string.h>

#include "eng-error.h"
#include "eng-zip.h"

#define MAX_LABELS_BYTES (16 << 20)
#define MAX_NOTES 10000

enum /* AssociatedFileType */
{
  FILE_AXIS_LABELS = 2,
  FILE_VALUE_LABELS = 3,
};

#define PROCESS_NORMALIZATION 1 /* ProcessUnitOptions */

typedef struct
{
  EngFlat flat;
  const guint8 *data;
  gsize n_bytes;
  GArray *entries; /* EngZipEntry, or NULL */
} Reader;

static char *
dup_text (Reader *reader, EngFlatTable table, guint slot)
{
  RtSlice slice = eng_flat_string (&reader->flat, table, slot);

  if (slice.length == 0 || !eng_flat_spend (&reader->flat, table.place, slice.length))
    return g_strdup ("");
  return g_utf8_make_valid (slice.data, (gssize)slice.length);
}

static float *
read_floats (Reader *reader, EngFlatTable table, guint slot, guint *n)
{
  EngFlatVector vector = eng_flat_vector (&reader->flat, table, slot, 4);

  *n = 0;
  if (vector.n_items == 0 || !eng_flat_spend (&reader->flat, vector.place, vector.n_items))
    return NULL;
  float *values = g_new (float, vector.n_items);
  for (guint32 i = 0; i < vector.n_items; i++)
    values[i] = eng_flat_vector_f32 (&reader->flat, vector, i);
  *n = vector.n_items;
  return values;
}

/* Lines of the archived file called @name, without a last empty one. */
static char **
read_lines (Reader *reader, const char *name)
{
  for (guint i = 0; reader->entries && i < reader->entries->len; i++)
    {
      const EngZipEntry *entry = &g_array_index (reader->entries, EngZipEntry, i);
      if (strcmp (entry->name, name) != 0)
        continue;
      g_autoptr (GBytes) bytes
          = eng_zip_read (reader->data, reader->n_bytes, entry, MAX_LABELS_BYTES, NULL);
      if (!bytes)
        return NULL;
      gsize n;
      const char *raw = g_bytes_get_data (bytes, &n);
      g_autofree char *text = g_utf8_make_valid (raw ? raw : "", (gssize)n);
      g_strchomp (text);
      char **lines = g_strsplit (text, "\n", -1);
      for (guint k = 0; lines[k]; k++)
        g_strchomp (lines[k]);
      return lines;
    }
  return NULL;
}

static void
read_labels (Reader *reader, EngFlatTable tensor, EngTfliteTensorNote *note)
{
  EngFlatVector files = eng_flat_vector (&reader->flat, tensor, 6, 4);

  for (guint32 i = 0; i < files.n_items && !note->labels; i++)
    {
      EngFlatTable file = eng_flat_vector_table (&reader->flat, files, i);
      gint8 type = eng_flat_i8 (&reader->flat, file, 2, 0);
      g_autofree char *name = dup_text (reader, file, 0);
      if (type == FILE_AXIS_LABELS || type == FILE_VALUE_LABELS)
        note->labels = read_lines (reader, name);
    }
}

static void
read_note (Reader *reader, EngFlatTable tensor, EngTfliteTensorNote *note)
{
  EngFlatVector units = eng_flat_vector (&reader->flat, tensor, 4, 4);

  note->name = dup_text (reader, tensor, 0);
  note->description = dup_text (reader, tensor, 1);
  for (guint32 i = 0; i < units.n_items && !note->means; i++)
    {
      EngFlatTable unit = eng_flat_vector_table (&reader->flat, units, i);
      if (eng_flat_u8 (&reader->flat, unit, 0, 0) != PROCESS_NORMALIZATION)
        continue;
      EngFlatTable options = eng_flat_table (&reader->flat, unit, 1);
      note->means = read_floats (reader, options, 0, &note->n_means);
      note->stds = read_floats (reader, options, 1, &note->n_stds);
    }
  read_labels (reader, tensor, note);
}

static EngTfliteTensorNote *
read_notes (Reader *reader, EngFlatTable subgraph, guint slot, guint *n)
{
  EngFlatVector list = eng_flat_vector (&reader->flat, subgraph, slot, 4);

  if (list.n_items > MAX_NOTES)
    {
      eng_flat_fault (&reader->flat, list.place, "a list has more than 10000 entries");
      list.n_items = 0;
    }
  EngTfliteTensorNote *notes = g_new0 (EngTfliteTensorNote, MAX (list.n_items, 1));
  *n = list.n_items;
  for (guint32 i = 0; i < list.n_items; i++)
    read_note (reader, eng_flat_vector_table (&reader->flat, list, i), &notes[i]);
  return notes;
}

EngTfliteMetadata *
eng_tflite_metadata_new (const EngTfliteFile *file, const void *data, gsize n_bytes, GError **error)
{
  Reader reader = { .data = data, .n_bytes = n_bytes };
  EngFlatTable subgraph = { 0 };

  if (file->metadata.length == 0)
    return NULL;
  eng_flat_init (&reader.flat, file->metadata.data, file->metadata.length);
  if (!eng_flat_has_identifier (&reader.flat, "M001"))
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_FORMAT,
                           "the model's metadata does not begin with M001");
      return NULL;
    }
  reader.entries = eng_zip_list (data, n_bytes);
  g_autoptr (EngTfliteMetadata) metadata = g_new0 (EngTfliteMetadata, 1);
  EngFlatTable root = eng_flat_root (&reader.flat);
  metadata->name = dup_text (&reader, root, 0);
  metadata->description = dup_text (&reader, root, 1);
  metadata->author = dup_text (&reader, root, 4);
  metadata->licence = dup_text (&reader, root, 5);
  EngFlatVector subgraphs = eng_flat_vector (&reader.flat, root, 3, 4);
  if (subgraphs.n_items > 0)
    subgraph = eng_flat_vector_table (&reader.flat, subgraphs, 0);
  metadata->inputs = read_notes (&reader, subgraph, 2, &metadata->n_inputs);
  metadata->outputs = read_notes (&reader, subgraph, 3, &metadata->n_outputs);
  if (reader.entries)
    g_array_unref (reader.entries);
  if (!eng_flat_ok (&reader.flat))
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "damaged metadata of a TFLite file: %s",
                   reader.flat.problem);
      return NULL;
    }
  return g_steal_pointer (&metadata);
}

static void
free_notes (EngTfliteTensorNote *notes, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_free (notes[i].name);
      g_free (notes[i].description);
      g_free (notes[i].means);
      g_free (notes[i].stds);
      g_strfreev (notes[i].labels);
    }
  g_free (notes);
}

void
eng_tflite_metadata_free (EngTfliteMetadata *metadata)
{
  if (!metadata)
    return;
  free_notes (metadata->inputs, metadata->n_inputs);
  free_notes (metadata->outputs, metadata->n_outputs);
  g_free (metadata->name);
  g_free (metadata->description);
  g_free (metadata->author);
  g_free (metadata->licence);
  g_free (metadata);
}
