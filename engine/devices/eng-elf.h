/* What an ELF file for a microcontroller wants loaded, before anything is sent. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint32 first;   /* the lowest address: the vector table */
  guint32 end;     /* behind the highest */
  guint64 n_bytes; /* that are loaded */
  gboolean is_ram; /* all of it lies in RAM (0x20000000 to 0x3fffffff), nothing in flash */
} EngElf;

/* FALSE and ENG_ERROR: it cannot be read, or is no program for a 32-bit Arm. */
gboolean eng_elf_read (const char *path, EngElf *elf, GError **error);

G_END_DECLS
