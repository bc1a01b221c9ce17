/* The FlatBuffers reader: bounds, and nothing else. Called by the TFLite reader; knows no
 * schema. */
#include "eng-flatbuffer.h"

#include <string.h>

/* A sound file needs 4 bytes for every table, vector and item; importers look at each a few
 * times. */
#define UNITS_PER_BYTE 2

void
eng_flat_init (EngFlat *flat, const void *data, gsize n_bytes)
{
  memset (flat, 0, sizeof *flat);
  flat->data = data;
  flat->n_bytes = n_bytes;
  flat->n_left = 1000 + UNITS_PER_BYTE * (guint64)n_bytes;
}

gboolean
eng_flat_has_identifier (const EngFlat *flat, const char *four)
{
  return flat->n_bytes >= 8 && memcmp (flat->data + 4, four, 4) == 0;
}

gboolean
eng_flat_ok (const EngFlat *flat)
{
  return flat->problem[0] == '\0';
}

void
eng_flat_fault (EngFlat *flat, gsize place, const char *what)
{
  if (eng_flat_ok (flat))
    g_snprintf (flat->problem, sizeof flat->problem, "%s at byte %" G_GSIZE_FORMAT, what, place);
}

/* ---- Little-endian numbers of which the bounds are known ---- */

static guint16
get_u16 (const EngFlat *flat, gsize place)
{
  guint16 value;

  memcpy (&value, flat->data + place, sizeof value);
  return GUINT16_FROM_LE (value);
}

static guint32
get_u32 (const EngFlat *flat, gsize place)
{
  guint32 value;

  memcpy (&value, flat->data + place, sizeof value);
  return GUINT32_FROM_LE (value);
}

static guint64
get_u64 (const EngFlat *flat, gsize place)
{
  guint64 value;

  memcpy (&value, flat->data + place, sizeof value);
  return GUINT64_FROM_LE (value);
}

/* ---- Places ---- */

static gboolean
fits (const EngFlat *flat, gsize place, guint64 n)
{
  return place <= flat->n_bytes && n <= flat->n_bytes - place;
}

gboolean
eng_flat_spend (EngFlat *flat, gsize place, guint64 n)
{
  if (flat->n_left < n)
    {
      eng_flat_fault (flat, place, "the same bytes are used over and over");
      return FALSE;
    }
  flat->n_left -= n;
  return eng_flat_ok (flat);
}

/* What the unsigned offset at @place points to, or 0 after a fault. */
static gsize
follow (EngFlat *flat, gsize place)
{
  if (!fits (flat, place, 4))
    {
      eng_flat_fault (flat, place, "an offset lies outside of the file");
      return 0;
    }
  guint32 offset = get_u32 (flat, place);
  if (offset == 0 || !fits (flat, place, (guint64)offset + 4))
    {
      eng_flat_fault (flat, place, "an offset leads out of the file");
      return 0;
    }
  return place + offset;
}

static EngFlatTable
open_table (EngFlat *flat, gsize place)
{
  static const EngFlatTable absent = { 0 };
  EngFlatTable table = { .place = place };

  if (place == 0 || !eng_flat_ok (flat) || !eng_flat_spend (flat, place, 1))
    return absent;
  if (!fits (flat, place, 4))
    {
      eng_flat_fault (flat, place, "a table lies outside of the file");
      return absent;
    }
  gint64 vtable = (gint64)place - (gint32)get_u32 (flat, place);
  if (vtable < 0 || !fits (flat, (gsize)vtable, 4))
    {
      eng_flat_fault (flat, place, "a table's field list lies outside of the file");
      return absent;
    }
  table.vtable = (gsize)vtable;
  table.vtable_bytes = get_u16 (flat, table.vtable);
  table.table_bytes = get_u16 (flat, table.vtable + 2);
  if (table.vtable_bytes < 4 || table.vtable_bytes % 2 || table.table_bytes < 4
      || !fits (flat, table.vtable, table.vtable_bytes) || !fits (flat, place, table.table_bytes))
    {
      eng_flat_fault (flat, table.vtable, "a table's field list has a wrong length");
      return absent;
    }
  return table;
}

EngFlatTable
eng_flat_root (EngFlat *flat)
{
  return open_table (flat, follow (flat, 0));
}

/* Where field @slot of @n bytes lies, or 0 when it is absent or after a fault. */
static gsize
field (EngFlat *flat, EngFlatTable table, guint slot, guint n)
{
  gsize entry = 4 + 2 * (gsize)slot;

  if (eng_flat_is_absent (table) || !eng_flat_ok (flat) || entry + 2 > table.vtable_bytes)
    return 0;
  guint16 offset = get_u16 (flat, table.vtable + entry);
  if (offset == 0)
    return 0;
  if (offset < 4 || (guint)offset + n > table.table_bytes)
    {
      eng_flat_fault (flat, table.vtable + entry, "a field lies outside of its table");
      return 0;
    }
  return table.place + offset;
}

/* ---- Fields ---- */

gboolean
eng_flat_has (EngFlat *flat, EngFlatTable table, guint slot)
{
  return field (flat, table, slot, 1) != 0;
}

guint8
eng_flat_u8 (EngFlat *flat, EngFlatTable table, guint slot, guint8 absent)
{
  gsize place = field (flat, table, slot, 1);

  return place ? flat->data[place] : absent;
}

gint8
eng_flat_i8 (EngFlat *flat, EngFlatTable table, guint slot, gint8 absent)
{
  return (gint8)eng_flat_u8 (flat, table, slot, (guint8)absent);
}

gboolean
eng_flat_bool (EngFlat *flat, EngFlatTable table, guint slot, gboolean absent)
{
  return eng_flat_u8 (flat, table, slot, absent ? 1 : 0) != 0;
}

guint32
eng_flat_u32 (EngFlat *flat, EngFlatTable table, guint slot, guint32 absent)
{
  gsize place = field (flat, table, slot, 4);

  return place ? get_u32 (flat, place) : absent;
}

gint32
eng_flat_i32 (EngFlat *flat, EngFlatTable table, guint slot, gint32 absent)
{
  return (gint32)eng_flat_u32 (flat, table, slot, (guint32)absent);
}

guint64
eng_flat_u64 (EngFlat *flat, EngFlatTable table, guint slot, guint64 absent)
{
  gsize place = field (flat, table, slot, 8);

  return place ? get_u64 (flat, place) : absent;
}

float
eng_flat_f32 (EngFlat *flat, EngFlatTable table, guint slot, float absent)
{
  gsize place = field (flat, table, slot, 4);
  float value = absent;

  if (place)
    {
      guint32 bits = get_u32 (flat, place);
      memcpy (&value, &bits, sizeof value);
    }
  return value;
}

EngFlatTable
eng_flat_table (EngFlat *flat, EngFlatTable table, guint slot)
{
  gsize place = field (flat, table, slot, 4);

  return open_table (flat, place ? follow (flat, place) : 0);
}

/* A length and as many items of @item_bytes at @place. */
static EngFlatVector
open_vector (EngFlat *flat, gsize place, guint item_bytes)
{
  EngFlatVector vector = { 0, 0 };

  if (place == 0 || !eng_flat_ok (flat) || !eng_flat_spend (flat, place, 1))
    return vector;
  guint32 n = get_u32 (flat, place); /* follow() saw that 4 bytes are there */
  if (!fits (flat, place + 4, (guint64)n * item_bytes))
    {
      eng_flat_fault (flat, place, "a list is longer than the file");
      return vector;
    }
  vector.place = place + 4;
  vector.n_items = n;
  return vector;
}

EngFlatVector
eng_flat_vector (EngFlat *flat, EngFlatTable table, guint slot, guint item_bytes)
{
  gsize place = field (flat, table, slot, 4);

  return open_vector (flat, place ? follow (flat, place) : 0, item_bytes);
}

RtSlice
eng_flat_string (EngFlat *flat, EngFlatTable table, guint slot)
{
  EngFlatVector vector = eng_flat_vector (flat, table, slot, 1);
  RtSlice slice = { NULL, 0 };

  if (vector.place)
    {
      slice.data = (const char *)flat->data + vector.place;
      slice.length = vector.n_items;
    }
  return slice;
}

/* ---- Items of vectors ---- */

EngFlatTable
eng_flat_vector_table (EngFlat *flat, EngFlatVector vector, guint32 index)
{
  g_assert (index < vector.n_items);
  return open_table (flat, follow (flat, vector.place + 4 * (gsize)index));
}

const guint8 *
eng_flat_vector_bytes (const EngFlat *flat, EngFlatVector vector)
{
  return vector.place ? flat->data + vector.place : NULL;
}

gint32
eng_flat_vector_i32 (const EngFlat *flat, EngFlatVector vector, guint32 index)
{
  g_assert (index < vector.n_items);
  return (gint32)get_u32 (flat, vector.place + 4 * (gsize)index);
}

gint64
eng_flat_vector_i64 (const EngFlat *flat, EngFlatVector vector, guint32 index)
{
  g_assert (index < vector.n_items);
  return (gint64)get_u64 (flat, vector.place + 8 * (gsize)index);
}

guint16
eng_flat_vector_u16 (const EngFlat *flat, EngFlatVector vector, guint32 index)
{
  g_assert (index < vector.n_items);
  return get_u16 (flat, vector.place + 2 * (gsize)index);
}

float
eng_flat_vector_f32 (const EngFlat *flat, EngFlatVector vector, guint32 index)
{
  guint32 bits = (guint32)eng_flat_vector_i32 (flat, vector, index);
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}
