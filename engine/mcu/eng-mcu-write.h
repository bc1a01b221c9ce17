/* The text of a program while it is written, and its words. Private to engine/mcu. */
#pragma once

#include "eng-mcu-private.h"

G_BEGIN_DECLS

struct _EngMcuSource
{
  const EngMcuProgram *program;
  GString *constants, *functions, *body, *table;
  GHashTable *structs;    /* "TYPE\n" and initializers -> its name */
  GHashTable *n_of_names; /* "conv_3" -> how many there are */
  guint n_entries;
};

/* Names of files can hold anything: what could end a comment or a line goes. Newly allocated. */
char *eng_mcu_comment (const char *name);
/* A string literal of it, quotes included. Newly allocated. */
char *eng_mcu_literal (const char *name);

G_END_DECLS
