/* The report's writer. Called by app-report*.c; knows nothing of runs. */
#include "app-html.h"

#include <string.h>

/* Control characters cannot be written in XML at all, and the marks that override the direction of
 * text make one name look like another. */
static gboolean
is_forbidden (gunichar c)
{
  return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0)
         || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || (c & 0xfffe) == 0xfffe;
}

void
app_html_text (GString *html, const char *text)
{
  g_autofree char *valid = text != NULL ? g_utf8_make_valid (text, -1) : NULL;

  for (const char *p = valid; p != NULL && *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c == '<')
        g_string_append (html, "&lt;");
      else if (c == '>')
        g_string_append (html, "&gt;");
      else if (c == '&')
        g_string_append (html, "&amp;");
      else if (c == '"')
        g_string_append (html, "&quot;");
      else if (c == '\'')
        g_string_append (html, "&#39;");
      else
        g_string_append_unichar (html, is_forbidden (c) ? 0xfffd : c);
    }
}

void
app_html_printf (GString *html, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  app_html_text (html, text);
}

void
app_html_element (GString *html, const char *tag, const char *text)
{
  g_string_append_printf (html, "<%s>", tag);
  app_html_text (html, text);
  g_string_append_printf (html, "</%.*s>", (int)strcspn (tag, " "), tag);
}

static void
replace (GString *text, const char *from, const char *to)
{
  g_string_replace (text, from, to, 0);
}

char *
app_html_inline_svg (const char *svg, gsize length, const char *id_prefix, const char *css_class)
{
  g_autofree char *copy = g_strndup (svg, length);
  const char *start = strstr (copy, "<svg");
  g_autoptr (GString) text = g_string_new (start != NULL ? start : "");
  g_autofree char *id = g_strdup_printf (" id=\"%s", id_prefix),
                  *href = g_strdup_printf (" href=\"#%s", id_prefix),
                  *url = g_strdup_printf ("url(#%s", id_prefix),
                  *class = g_strdup_printf ("<svg class=\"%s\"", css_class);

  /* Nothing of this occurs in texts: Cairo draws them as glyphs. */
  replace (text, " xmlns=\"http://www.w3.org/2000/svg\"", "");
  replace (text, " xmlns:xlink=\"http://www.w3.org/1999/xlink\"", "");
  replace (text, " xlink:href=\"", " href=\"");
  replace (text, " href=\"#", href);
  replace (text, " id=\"", id);
  replace (text, "url(#", url);
  g_string_replace (text, "<svg", class, 1);
  return g_string_free (g_steal_pointer (&text), FALSE);
}
