/* Attributes of operators field by field: checked against the limits of the operator's table,
 * written and read as little-endian bytes. What graphs are written with and what reads them on a
 * board call this; it knows no operator and no file. */
#include "rt-fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static size_t
element_bytes (RtFieldType type)
{
  return type == RT_FIELD_I64 || type == RT_FIELD_F64 ? 8 : 4;
}

static const uint8_t *
element_at (const RtField *field, const void *attrs, uint32_t i)
{
  return (const uint8_t *)attrs + field->offset + i * element_bytes (field->type);
}

/* NaN is outside of all limits. Doubles do not hold every 64-bit integer: those are compared as
 * integers. */
static bool
is_inside (const RtField *field, const uint8_t *at)
{
  union
  {
    uint32_t u32;
    int32_t i32;
    float f32;
    int64_t i64;
    double f64;
  } v;
  double x = 0;

  memcpy (&v, at, element_bytes (field->type));
  switch (field->type)
    {
    case RT_FIELD_U32:
      x = v.u32;
      break;
    case RT_FIELD_I32:
      x = v.i32;
      break;
    case RT_FIELD_F32:
      x = (double)v.f32;
      break;
    case RT_FIELD_F64:
      x = v.f64;
      break;
    case RT_FIELD_I64:
      return (field->min <= -0x1p63 || v.i64 >= (int64_t)field->min)
             && (field->max >= 0x1p63 || v.i64 <= (int64_t)field->max);
    }
  return x >= field->min && x <= field->max;
}

static void
value_text (const RtField *field, const uint8_t *at, char *text, size_t n_bytes)
{
  uint32_t u32;
  int32_t i32;
  int64_t i64;
  float f32;
  double f64;

  switch (field->type)
    {
    case RT_FIELD_U32:
      memcpy (&u32, at, sizeof u32);
      snprintf (text, n_bytes, "%" PRIu32, u32);
      break;
    case RT_FIELD_I32:
      memcpy (&i32, at, sizeof i32);
      snprintf (text, n_bytes, "%" PRId32, i32);
      break;
    case RT_FIELD_I64:
      memcpy (&i64, at, sizeof i64);
      snprintf (text, n_bytes, "%" PRId64, i64);
      break;
    case RT_FIELD_F32:
      memcpy (&f32, at, sizeof f32);
      snprintf (text, n_bytes, "%.9g", (double)f32);
      break;
    case RT_FIELD_F64:
      memcpy (&f64, at, sizeof f64);
      snprintf (text, n_bytes, "%.17g", f64);
      break;
    }
}

static bool
fail_field (const RtOp *op, const RtField *field, const uint8_t *at, uint32_t i, RtError *error)
{
  char value[40], place[16] = "";

  value_text (field, at, value, sizeof value);
  if (field->n > 1)
    snprintf (place, sizeof place, "[%" PRIu32 "]", i);
  return rt_fail (error, RT_ERROR_RANGE, "%s: attribute %s%s is %s, expected %.10g to %.10g",
                  op->name, field->name, place, value, field->min, field->max);
}

bool
rt_fields_check (const RtOp *op, const void *attrs, RtError *error)
{
  for (uint32_t f = 0; f < op->n_fields; f++)
    for (uint32_t i = 0; i < op->fields[f].n; i++)
      {
        const uint8_t *at = element_at (&op->fields[f], attrs, i);
        if (!is_inside (&op->fields[f], at))
          return fail_field (op, &op->fields[f], at, i, error);
      }
  return true;
}

size_t
rt_fields_bytes (const RtOp *op)
{
  size_t n = 0;

  for (uint32_t f = 0; f < op->n_fields; f++)
    n += op->fields[f].n * element_bytes (op->fields[f].type);
  return n;
}

void
rt_fields_write (const RtOp *op, const void *attrs, uint8_t *out)
{
  for (uint32_t f = 0; f < op->n_fields; f++)
    for (uint32_t i = 0; i < op->fields[f].n; i++)
      {
        const uint8_t *at = element_at (&op->fields[f], attrs, i);
        const size_t n = element_bytes (op->fields[f].type);
        uint32_t half;
        uint64_t bits;

        if (n == 4)
          {
            memcpy (&half, at, sizeof half);
            bits = half;
          }
        else
          memcpy (&bits, at, sizeof bits);
        for (size_t k = 0; k < n; k++)
          *out++ = (uint8_t)(bits >> 8 * k);
      }
}

bool
rt_fields_read (const RtOp *op, const uint8_t *in, size_t n, void *attrs, RtError *error)
{
  if (n != rt_fields_bytes (op))
    return rt_fail (error, RT_ERROR_FORMAT, "%s: expected %zu bytes of attributes, got %zu",
                    op->name, rt_fields_bytes (op), n);
  memset (attrs, 0, op->attrs_bytes);
  for (uint32_t f = 0; f < op->n_fields; f++)
    for (uint32_t i = 0; i < op->fields[f].n; i++)
      {
        const size_t n_bytes = element_bytes (op->fields[f].type);
        uint8_t *at = (uint8_t *)attrs + op->fields[f].offset + i * n_bytes;
        uint64_t bits = 0;
        uint32_t half;

        for (size_t k = 0; k < n_bytes; k++)
          bits |= (uint64_t)*in++ << 8 * k;
        half = (uint32_t)bits;
        memcpy (at, n_bytes == 4 ? (const void *)&half : &bits, n_bytes);
      }
  return rt_fields_check (op, attrs, error);
}
