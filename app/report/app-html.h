/* Writing HTML that is well-formed XML as well: every text is escaped, because names come from
 * model files. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @text as content or as an attribute's value: markup escaped; characters that XML or HTML forbid,
 * and those that turn the direction of what follows, become U+FFFD; invalid UTF-8, too. NULL:
 * nothing. */
void app_html_text (GString *html, const char *text);
/* app_html_text() of a printed text. */
void app_html_printf (GString *html, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* <@tag>text</@tag>; @tag may have attributes ("td class=\"num\""), all of our own making. */
void app_html_element (GString *html, const char *tag, const char *text);

/* @svg, a document of Cairo's, as an element inside of a page: without prolog and namespaces, with
 * ids that no other figure of the page has. Newly allocated. */
char *app_html_inline_svg (const char *svg, gsize length, const char *id_prefix,
                           const char *css_class);

G_END_DECLS
