/* FlexBuffer maps, read with every place checked. A FlexBuffer is read from its end:
 *
 *     ... keys ... [keys: offset back, width] [n] values, one type byte each ... root, type, width
 *
 * Called by the emitters of custom operators. */
#include "eng-flexbuffer.h"

#include <string.h>

enum /* the upper six bits of a type byte */
{
  FLEX_INT = 1,
  FLEX_UINT = 2,
  FLEX_FLOAT = 3,
  FLEX_INDIRECT_INT = 6,
  FLEX_INDIRECT_UINT = 7,
  FLEX_INDIRECT_FLOAT = 8,
  FLEX_MAP = 9,
  FLEX_BOOL = 26,
};

static gboolean
fits (const EngFlex *flex, gsize place, guint64 n)
{
  return place <= flex->n_bytes && n <= flex->n_bytes - place;
}

/* An unsigned number of @width bytes whose place is known to be inside. */
static guint64
get_uint (const EngFlex *flex, gsize place, guint width)
{
  guint64 value = 0;

  for (guint i = 0; i < width; i++)
    value |= (guint64)flex->data[place + i] << (8 * i);
  return value;
}

/* Where the offset at @place leads: back. */
static gboolean
follow (const EngFlex *flex, gsize place, guint width, gsize *target)
{
  if (!fits (flex, place, width))
    return FALSE;
  guint64 offset = get_uint (flex, place, width);
  if (offset > place)
    return FALSE;
  *target = place - (gsize)offset;
  return TRUE;
}

static gboolean
read_map (EngFlex *flex)
{
  gsize n = flex->n_bytes;

  if (n < 3)
    return FALSE;
  guint root_width = flex->data[n - 1], type = flex->data[n - 2];
  if ((root_width != 1 && root_width != 2 && root_width != 4 && root_width != 8)
      || n - 2 < root_width || type >> 2 != FLEX_MAP
      || !follow (flex, n - 2 - root_width, root_width, &flex->values))
    return FALSE;
  flex->width = 1u << (type & 3);
  if (flex->values < 3 * (gsize)flex->width)
    return FALSE;
  flex->n = get_uint (flex, flex->values - flex->width, flex->width);
  guint64 key_width = get_uint (flex, flex->values - 2 * flex->width, flex->width);
  if ((key_width != 1 && key_width != 2 && key_width != 4 && key_width != 8) || flex->n > n
      || !fits (flex, flex->values, flex->n * (flex->width + 1))
      || !follow (flex, flex->values - 3 * flex->width, flex->width, &flex->keys)
      || !fits (flex, flex->keys, flex->n * key_width))
    return FALSE;
  flex->key_width = (guint)key_width;
  return TRUE;
}

gboolean
eng_flex_init (EngFlex *flex, const void *data, gsize n_bytes)
{
  memset (flex, 0, sizeof *flex);
  flex->data = data;
  flex->n_bytes = n_bytes;
  if (!read_map (flex))
    {
      flex->n = 0;
      return FALSE;
    }
  return TRUE;
}

/* The type and the place of the number called @key. */
static gboolean
find (const EngFlex *flex, const char *key, guint *type, guint *width, gsize *place)
{
  gsize length = strlen (key) + 1, name;

  for (guint64 i = 0; i < flex->n; i++)
    {
      if (!follow (flex, flex->keys + i * flex->key_width, flex->key_width, &name)
          || !fits (flex, name, length) || memcmp (flex->data + name, key, length) != 0)
        continue;
      guint packed = flex->data[flex->values + flex->n * flex->width + i];
      *type = packed >> 2;
      *width = flex->width;
      *place = flex->values + i * flex->width;
      if (*type < FLEX_INDIRECT_INT || *type > FLEX_INDIRECT_FLOAT)
        return TRUE;
      if (!follow (flex, *place, flex->width, place))
        return FALSE;
      *width = 1u << (packed & 3);
      *type -= FLEX_INDIRECT_INT - FLEX_INT;
      return fits (flex, *place, *width);
    }
  return FALSE;
}

static double
get_float (const EngFlex *flex, gsize place, guint width)
{
  guint64 bits = get_uint (flex, place, width);

  if (width == 8)
    {
      double value;
      memcpy (&value, &bits, sizeof value);
      return value;
    }
  guint32 half = (guint32)bits;
  float value;
  memcpy (&value, &half, sizeof value);
  return value;
}

gboolean
eng_flex_int (const EngFlex *flex, const char *key, gint64 *value)
{
  guint type, width;
  gsize place;

  if (!find (flex, key, &type, &width, &place)
      || (type != FLEX_INT && type != FLEX_UINT && type != FLEX_BOOL))
    return FALSE;
  guint64 bits = get_uint (flex, place, width);
  guint shift = 64 - 8 * width;
  *value = type == FLEX_INT ? (gint64)(bits << shift) >> shift : (gint64)bits;
  return TRUE;
}

gboolean
eng_flex_float (const EngFlex *flex, const char *key, double *value)
{
  guint type, width;
  gsize place;
  gint64 whole;

  if (eng_flex_int (flex, key, &whole))
    {
      *value = (double)whole;
      return TRUE;
    }
  if (!find (flex, key, &type, &width, &place) || type != FLEX_FLOAT || width < 4)
    return FALSE;
  *value = get_float (flex, place, width);
  return TRUE;
}
