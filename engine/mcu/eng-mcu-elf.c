/* Section headers of 32-bit little-endian ELF files (System V ABI, chapter 4). Only sizes are read;
 * knows no network. */
#include "eng-mcu-elf.h"

#include <string.h>

#include "eng-error.h"

#define HEADER_BYTES 52
#define SECTION_BYTES 40
#define SHT_NOBITS 8
#define SHF_WRITE 1
#define SHF_ALLOC 2

static guint32
u32 (const guint8 *bytes)
{
  return (guint32)bytes[0] | (guint32)bytes[1] << 8 | (guint32)bytes[2] << 16
         | (guint32)bytes[3] << 24;
}

static guint
u16 (const guint8 *bytes)
{
  return (guint)bytes[0] | (guint)bytes[1] << 8;
}

/* The name of section @section; "" where the table is not what it says. */
static const char *
name_of (const guint8 *bytes, gsize n, const guint8 *names, const guint8 *section)
{
  const guint64 at = (guint64)u32 (names + 16) + u32 (section);

  if (at >= n || memchr (bytes + at, '\0', n - at) == NULL)
    return "";
  return (const char *)bytes + at;
}

static gboolean
read_sections (const guint8 *bytes, gsize n, EngMcuElf *elf)
{
  static const guint8 magic[] = { 0x7f, 'E', 'L', 'F', 1, 1 };

  if (n < HEADER_BYTES || memcmp (bytes, magic, sizeof magic) != 0)
    return FALSE;
  const guint64 table = u32 (bytes + 32);
  const guint n_sections = u16 (bytes + 48), i_names = u16 (bytes + 50);
  if (u16 (bytes + 46) != SECTION_BYTES || i_names >= n_sections
      || table + (guint64)n_sections * SECTION_BYTES > n)
    return FALSE;

  const guint8 *names = bytes + table + i_names * SECTION_BYTES;
  for (guint i = 0; i < n_sections; i++)
    {
      const guint8 *section = bytes + table + i * SECTION_BYTES;
      const guint32 type = u32 (section + 4), flags = u32 (section + 8), size = u32 (section + 20);

      if (!(flags & SHF_ALLOC))
        continue;
      if (strcmp (name_of (bytes, n, names, section), ".stack") == 0)
        elf->stack_bytes += size;
      else if (flags & SHF_WRITE || type == SHT_NOBITS)
        elf->data_bytes += size;
      if (type != SHT_NOBITS)
        elf->flash_bytes += size;
    }
  return TRUE;
}

gboolean
eng_mcu_elf_read (const char *path, EngMcuElf *elf, GError **error)
{
  g_autoptr (GError) own = NULL;
  g_autofree char *bytes = NULL;
  gsize n;

  *elf = (EngMcuElf){ 0 };
  if (!g_file_get_contents (path, &bytes, &n, &own))
    {
      g_set_error_literal (error, ENG_ERROR, ENG_ERROR_IO, own->message);
      return FALSE;
    }
  if (read_sections ((const guint8 *)bytes, n, elf))
    return TRUE;
  g_set_error (error, ENG_ERROR, ENG_ERROR_FORMAT, "%s is no 32-bit ELF file with sections", path);
  return FALSE;
}
