/* Reading a FlatBuffer that nobody vouches for: every offset, length and field is checked against
 * the bytes that are there before it is used. Nothing is allocated and no alignment is assumed.
 *
 *     table ──► soffset to its vtable [bytes of vtable, bytes of table, place of field 0, 1, 2,
 *       ...]
 *     field of a table, vector or string type: an unsigned offset, always forward
 *
 * The first fault is kept and every later call returns the absent value, so a caller reads on and
 * asks eng_flat_ok() once. Because offsets only go forward a reader that follows a schema cannot
 * run in a circle; but tables may be shared, so what may be opened and copied in all is limited by
 * the size of the file. */
#pragma once

#include <glib.h>

#include "rt-gguf.h" /* RtSlice */

G_BEGIN_DECLS

typedef struct
{
  const guint8 *data; /* borrowed */
  gsize n_bytes;
  guint64 n_left;    /* tables and vectors that may still be opened, items copied */
  char problem[160]; /* the first fault, with its place; empty while there is none */
} EngFlat;

/* An absent table has place 0; all its fields are absent. */
typedef struct
{
  gsize place;
  gsize vtable;
  guint16 vtable_bytes, table_bytes;
} EngFlatTable;

typedef struct
{
  gsize place; /* of the first item */
  guint32 n_items;
} EngFlatVector;

void eng_flat_init (EngFlat *flat, const void *data, gsize n_bytes);
gboolean eng_flat_has_identifier (const EngFlat *flat, const char *four);
gboolean eng_flat_ok (const EngFlat *flat);

/* Keep a fault that the caller found, unless there was one before. @place: byte of the file. */
void eng_flat_fault (EngFlat *flat, gsize place, const char *what);

/* Say that @n items or characters from @place are about to be copied. FALSE after a fault: shared
 * lists would make far more of the file than it is. */
gboolean eng_flat_spend (EngFlat *flat, gsize place, guint64 n);

EngFlatTable eng_flat_root (EngFlat *flat);

static inline gboolean
eng_flat_is_absent (EngFlatTable table)
{
  return table.place == 0;
}

/* Field number @slot of @table: in the order of the schema, a union taking two (its type, then its
 * value). */
gboolean eng_flat_has (EngFlat *flat, EngFlatTable table, guint slot);
gboolean eng_flat_bool (EngFlat *flat, EngFlatTable table, guint slot, gboolean absent);
gint8 eng_flat_i8 (EngFlat *flat, EngFlatTable table, guint slot, gint8 absent);
guint8 eng_flat_u8 (EngFlat *flat, EngFlatTable table, guint slot, guint8 absent);
gint32 eng_flat_i32 (EngFlat *flat, EngFlatTable table, guint slot, gint32 absent);
guint32 eng_flat_u32 (EngFlat *flat, EngFlatTable table, guint slot, guint32 absent);
guint64 eng_flat_u64 (EngFlat *flat, EngFlatTable table, guint slot, guint64 absent);
float eng_flat_f32 (EngFlat *flat, EngFlatTable table, guint slot, float absent);

/* Also the value of a union. */
EngFlatTable eng_flat_table (EngFlat *flat, EngFlatTable table, guint slot);
/* Not zero-terminated; { NULL, 0 } when absent. */
RtSlice eng_flat_string (EngFlat *flat, EngFlatTable table, guint slot);

/* A vector whose items take @item_bytes: 4 for tables and strings. No items when absent. */
EngFlatVector eng_flat_vector (EngFlat *flat, EngFlatTable table, guint slot, guint item_bytes);
/* @index must be below n_items. */
EngFlatTable eng_flat_vector_table (EngFlat *flat, EngFlatVector vector, guint32 index);
const guint8 *eng_flat_vector_bytes (const EngFlat *flat, EngFlatVector vector);
gint32 eng_flat_vector_i32 (const EngFlat *flat, EngFlatVector vector, guint32 index);
gint64 eng_flat_vector_i64 (const EngFlat *flat, EngFlatVector vector, guint32 index);
guint16 eng_flat_vector_u16 (const EngFlat *flat, EngFlatVector vector, guint32 index);
float eng_flat_vector_f32 (const EngFlat *flat, EngFlatVector vector, guint32 index);

G_END_DECLS
