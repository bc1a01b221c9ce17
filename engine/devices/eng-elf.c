/* The few fields of ELF headers that loading needs ("Tool Interface Standard: Executable and
 * Linking Format", 1995; machine numbers of the Arm supplement). Called by transports that load
 * programs; the file may be anything. */
#include "eng-elf.h"

#include <string.h>

#include "eng-error.h"

#define HEADER_BYTES 52
#define PROGRAM_BYTES 32
#define EM_ARM 40
#define PT_LOAD 1
#define RAM_FIRST 0x20000000u
#define RAM_END 0x40000000u

static guint32
word (const guint8 *at, guint n_bytes)
{
  guint32 value = 0;

  for (guint i = 0; i < n_bytes; i++)
    value |= (guint32)at[i] << 8 * i;
  return value;
}

static gboolean
refuse (const char *path, const char *why, GError **error)
{
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s is no program for a microcontroller: %s",
               path, why);
  return FALSE;
}

static void
add_part (EngElf *elf, guint32 address, guint32 n_bytes)
{
  elf->is_ram = elf->is_ram && address >= RAM_FIRST && (guint64)address + n_bytes <= RAM_END;
  elf->first = elf->n_bytes == 0 ? address : MIN (elf->first, address);
  elf->end = MAX (elf->end, address + n_bytes);
  elf->n_bytes += n_bytes;
}

gboolean
eng_elf_read (const char *path, EngElf *elf, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);
  const guint8 *bytes = file != NULL ? (const guint8 *)g_mapped_file_get_contents (file) : NULL;
  gsize n = file != NULL ? g_mapped_file_get_length (file) : 0;

  *elf = (EngElf){ .is_ram = TRUE };
  if (file == NULL)
    {
      g_set_error (error, ENG_ERROR, ENG_ERROR_IO, "%s cannot be read", path);
      return FALSE;
    }
  if (n < HEADER_BYTES || memcmp (bytes, "\177ELF", 4) != 0)
    return refuse (path, "it is no ELF file", error);
  if (bytes[4] != 1 || bytes[5] != 1 || word (bytes + 18, 2) != EM_ARM)
    return refuse (path, "it is for another processor than a 32-bit Arm", error);
  guint64 at = word (bytes + 28, 4), n_parts = word (bytes + 44, 2);
  if (word (bytes + 42, 2) != PROGRAM_BYTES || at + n_parts * PROGRAM_BYTES > n)
    return refuse (path, "it ends before its program headers do", error);
  for (; n_parts > 0; n_parts--, at += PROGRAM_BYTES)
    {
      guint64 offset = word (bytes + at + 4, 4), n_bytes = word (bytes + at + 16, 4);
      if (word (bytes + at, 4) != PT_LOAD || n_bytes == 0)
        continue;
      if (offset + n_bytes > n)
        return refuse (path, "it ends before what it loads does", error);
      add_part (elf, word (bytes + at + 12, 4), (guint32)n_bytes);
    }
  return elf->n_bytes > 0 || refuse (path, "it has nothing to load", error);
}
