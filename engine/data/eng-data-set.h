/* Labelled samples: a folder, or a tar archive (gzipped or not) as it is. Streams: one sample is in
 * memory at a time.
 *
 * Labels, in this order:
 *   - a file beside the samples whose name ends in labels.csv or labels.txt: "NAME,LABEL" or
 *     "NAME,NUMBER_OF_CLASSES,CLASS" a line
 *   - the folder that a sample lies in, when there are several
 *   - the sample's own name without its ending, "_" read as a space
 * A label is a class number, or a name that the network's labels are searched for: letter case does
 * not matter, and of names with commas every part counts. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _EngDataSet EngDataSet;

typedef struct
{
  const char *name;  /* "kws01/tst_000000_Stop_7.bin" */
  const char *label; /* as the set says it; NULL: none */
  int index;         /* class; -1: the label is none of the network's */
  GBytes *bytes;     /* unreference when done */
} EngSample;

/* @classes (nullable): the network's names; NULL-terminated, borrowed. Reads the list of
 * samples. */
EngDataSet *eng_data_set_open (const char *path, const char *const *classes,
                               GCancellable *cancellable, GError **error);
void eng_data_set_free (EngDataSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngDataSet, eng_data_set_free)

guint eng_data_set_get_n (EngDataSet *set);
/* "file y_labels.csv", "folders", "names of the samples". */
const char *eng_data_set_get_label_source (EngDataSet *set);

/* The next sample, in the set's order (folders: by name). FALSE at the end, and with @error set
 * when one cannot be read. */
gboolean eng_data_set_next (EngDataSet *set, EngSample *sample, GCancellable *cancellable,
                            GError **error);

G_END_DECLS
