/* What a linked image takes, from the section table of its ELF file. Private to engine/mcu. */
#pragma once

#include "eng-mcu-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 flash_bytes; /* code, constants, start values of data */
  guint64 data_bytes;  /* variables in RAM: .data and .bss */
  guint64 stack_bytes; /* .stack */
} EngMcuElf;

/* ENG_ERROR_IO, or ENG_ERROR_FORMAT when it is no 32-bit little-endian ELF file with sections. */
gboolean eng_mcu_elf_read (const char *path, EngMcuElf *elf, GError **error);

G_END_DECLS
