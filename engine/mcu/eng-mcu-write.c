/* C text: names, numbers that are read back to the last bit, arrays, structs that are written once.
 * What operators write a generated program with; knows no operator and no layer. */
#include "eng-mcu-write.h"

#include <math.h>
#include <string.h>

#define LINE_COLUMNS 96

/* ---- words ---- */

char *
eng_mcu_comment (const char *name)
{
  char *text = g_strdup (name);

  for (char *c = text; *c != '\0'; c++)
    if ((guchar)*c < ' ' || (c[0] == '*' && c[1] == '/') || (c[0] == '/' && c[1] == '*')
        || *c == '\\')
      *c = '_';
  return text;
}

char *
eng_mcu_literal (const char *name)
{
  g_autofree char *text = g_strescape (name, NULL);

  return g_strdup_printf ("\"%s\"", text);
}

char *
eng_mcu_at (guint64 offset)
{
  return g_strdup_printf ("AT (%" G_GUINT64_FORMAT ")", offset);
}

char *
eng_mcu_f32 (float x)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isinf (x))
    return g_strdup (x < 0 ? "-__builtin_inff ()" : "__builtin_inff ()");
  /* Nine digits bring every f32 back. */
  g_ascii_formatd (text, sizeof text, "%.9g", (double)x);
  return g_strdup_printf ("%s%sf", text, strpbrk (text, ".en") != NULL ? "" : ".0");
}

char *
eng_mcu_requant_text (const McRequant *requant)
{
  g_autofree char *low = eng_mcu_f32 (requant->low), *high = eng_mcu_f32 (requant->high);

  return g_strdup_printf ("{ .low = %s, .high = %s, .zero = %d }", low, high, requant->zero);
}

char *
eng_mcu_window_text (const McWindow *w)
{
  return g_strdup_printf (
      "{ .in_h = %d, .in_w = %d, .in_c = %d,\n"
      "              .out_h = %d, .out_w = %d, .out_c = %d,\n"
      "              .kernel_h = %d, .kernel_w = %d, .stride_h = %d, .stride_w = %d,\n"
      "              .dilation_h = %d, .dilation_w = %d, .pad_top = %d, .pad_left = %d,\n"
      "              .x_row_bytes = %d, .x_pixel_bytes = %d,\n"
      "              .y_row_bytes = %d, .y_pixel_bytes = %d }",
      w->in_h, w->in_w, w->in_c, w->out_h, w->out_w, w->out_c, w->kernel_h, w->kernel_w,
      w->stride_h, w->stride_w, w->dilation_h, w->dilation_w, w->pad_top, w->pad_left,
      w->x_row_bytes, w->x_pixel_bytes, w->y_row_bytes, w->y_pixel_bytes);
}

/* ---- what operators write ---- */

void
eng_mcu_source_constant (EngMcuSource *source, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_string_append_vprintf (source->constants, format, args);
  va_end (args);
}

void
eng_mcu_source_line (EngMcuSource *source, const char *format, ...)
{
  va_list args;

  g_string_append (source->body, "  ");
  va_start (args, format);
  g_string_append_vprintf (source->body, format, args);
  va_end (args);
  if (source->body->str[source->body->len - 1] != ' ')
    g_string_append_c (source->body, '\n');
}

static void
begin_array (EngMcuSource *source, const char *type, const char *name, RtNodeId id, gsize n,
             const char *from)
{
  g_autofree char *comment = from != NULL ? eng_mcu_comment (from) : NULL;

  if (comment != NULL)
    eng_mcu_source_constant (source, "/* %s */\n", comment);
  eng_mcu_source_constant (source, "static const %s %s_%u[%" G_GSIZE_FORMAT "] = {", type, name, id,
                           n);
}

/* One number, on a new line where this one is full; @column: what the line holds. */
static void
add_number (EngMcuSource *source, const char *number, gsize *column)
{
  const gsize n = strlen (number) + 2;

  if (*column == 0 || *column + n > LINE_COLUMNS)
    {
      g_string_append (source->constants, "\n ");
      *column = 1;
    }
  g_string_append_printf (source->constants, " %s,", number);
  *column += n;
}

void
eng_mcu_source_i8 (EngMcuSource *source, const char *name, RtNodeId id, const gint8 *codes,
                   gsize n_rows, gsize n_cols, gsize row_bytes, const char *from)
{
  char text[8];
  gsize column = 0;

  begin_array (source, "int8_t", name, id, n_rows * row_bytes, from);
  for (gsize r = 0; r < n_rows; r++)
    for (gsize c = 0; c < row_bytes; c++)
      {
        g_snprintf (text, sizeof text, "%d", c < n_cols ? codes[r * n_cols + c] : 0);
        add_number (source, text, &column);
      }
  eng_mcu_source_constant (source, "\n};\n");
}

void
eng_mcu_source_i32 (EngMcuSource *source, const char *name, RtNodeId id, const gint32 *numbers,
                    gsize n, const char *from)
{
  char text[16];
  gsize column = 0;

  begin_array (source, "int32_t", name, id, n, from);
  for (gsize i = 0; i < n; i++)
    {
      /* The lowest number has no literal of its own type. */
      if (numbers[i] == G_MININT32)
        g_strlcpy (text, "INT32_MIN", sizeof text);
      else
        g_snprintf (text, sizeof text, "%d", numbers[i]);
      add_number (source, text, &column);
    }
  eng_mcu_source_constant (source, "\n};\n");
}

void
eng_mcu_source_f32 (EngMcuSource *source, const char *name, RtNodeId id, const float *numbers,
                    gsize n, const char *from)
{
  gsize column = 0;

  begin_array (source, "float", name, id, n, from);
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *text = eng_mcu_f32 (numbers[i]);
      add_number (source, text, &column);
    }
  eng_mcu_source_constant (source, "\n};\n");
}

const char *
eng_mcu_source_struct (EngMcuSource *source, const char *type, const char *name, RtNodeId id,
                       const char *initializers)
{
  g_autofree char *key = g_strdup_printf ("%s\n%s", type, initializers);
  g_autofree char *stem = g_strdup_printf ("%s_%u", name, id);
  const char *known = g_hash_table_lookup (source->structs, key);

  if (known != NULL)
    return known;
  const guint n = GPOINTER_TO_UINT (g_hash_table_lookup (source->n_of_names, stem));
  char *own = n == 0 ? g_strdup (stem) : g_strdup_printf ("%s_%u", stem, n);

  g_hash_table_insert (source->n_of_names, g_steal_pointer (&stem), GUINT_TO_POINTER (n + 1));
  eng_mcu_source_constant (source, "static const %s %s = {\n%s};\n", type, own, initializers);
  g_hash_table_insert (source->structs, g_steal_pointer (&key), own);
  return own;
}
