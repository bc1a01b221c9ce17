/* A tensor from a file: element type, shape, bytes. Immutable; reference counted. */
#pragma once

#include <gio/gio.h>

#include "rt-graph.h"

G_BEGIN_DECLS

typedef struct _EngArray EngArray;
#define ENG_TYPE_ARRAY (eng_array_get_type ())
GType eng_array_get_type (void);

/* @bytes is shared; it holds exactly the shape's elements of the plain type @type. */
EngArray *eng_array_new (int type, const RtShape *shape, GBytes *bytes);
EngArray *eng_array_ref (EngArray *array);
void eng_array_unref (EngArray *array);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngArray, eng_array_unref)

/* NumPy's .npy, versions 1 to 3, parsed strictly: little-endian plain numbers in C order; anything
 * else is named in the error. */
EngArray *eng_array_from_npy (GBytes *bytes, const char *name, GError **error);
gboolean eng_array_sniff_npy (GBytes *bytes);
/* Version 1. */
GBytes *eng_array_to_npy (EngArray *array);
/* Bytes without a header are as the network's input is: their number must fit. */
EngArray *eng_array_from_raw (GBytes *bytes, int type, const RtShape *shape, const char *name,
                              GError **error);

int eng_array_get_type_of_elements (EngArray *array); /* RtType */
const RtShape *eng_array_get_shape (EngArray *array);
guint64 eng_array_get_n (EngArray *array); /* elements */
const void *eng_array_get_data (EngArray *array);

/* Element @index as a number: integers as they are, booleans 0 or 1. */
double eng_element_get (int type, const void *data, guint64 index);
/* And back: rounded half to even and clamped for integers. */
void eng_element_set (int type, void *data, guint64 index, double value);

G_END_DECLS
