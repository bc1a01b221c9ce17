/* The table of chips. Registers and numbers are from Arm's architecture manuals (CPUID, ID_ISAR3,
 * MVFR1) and the vendors' reference manuals (ST: "Device electronic signature" and DBGMCU_IDCODE;
 * Nordic: FICR; Raspberry Pi: SYSINFO). Memory is what lies in one piece from 0x20000000 on. What
 * is not in the table is not guessed. */
#include "transports/eng-chip.h"

#include <string.h>

#define CPUID 0xe000ed00u
#define ID_ISAR3 0xe000ed6cu
#define MVFR1 0xe000ef44u

#define DBGMCU 0xe0042000u     /* STM32 with Cortex-M3, M4 and most M7 */
#define DBGMCU_M0 0x40015800u  /* STM32 with Cortex-M0 and M0+ */
#define DBGMCU_M33 0xe0044000u /* STM32 with Cortex-M33 */
#define DBGMCU_H7 0x5c001000u
#define NRF_PART 0x10000100u /* FICR.INFO.PART, .RAM and .FLASH in KiB behind it */
#define NRF_RAM 0x1000010cu
#define NRF_FLASH 0x10000110u
#define RP_CHIP 0x40000000u /* SYSINFO.CHIP_ID */

/* ---- processors ---- */

typedef struct
{
  guint part; /* CPUID bits 15:4 */
  const char *cpu, *machine;
} Core;

static const Core cores[] = {
  { 0xc20, "Cortex-M0", "cortex-m0" },   { 0xc60, "Cortex-M0+", "cortex-m0plus" },
  { 0xc23, "Cortex-M3", "cortex-m3" },   { 0xc24, "Cortex-M4", "cortex-m4" },
  { 0xc27, "Cortex-M7", "cortex-m7" },   { 0xd20, "Cortex-M23", "cortex-m23" },
  { 0xd21, "Cortex-M33", "cortex-m33" }, { 0xd22, "Cortex-M55", "cortex-m55" },
  { 0xd23, "Cortex-M85", "cortex-m85" },
};

/* ---- chips ---- */

typedef struct
{
  guint32 address, mask, id;
  const char *name, *target;
  guint32 flash_size; /* the word in whose upper half or lower half (bit 1 of it) the KiB stand */
  guint ram_kb;
} Chip;

#define ST(at, id, name, target, size, ram)                                                        \
  {                                                                                                \
    at, 0xfff, id, name, target, size, ram                                                         \
  }

static const Chip chips[] = {
  ST (DBGMCU, 0x410, "STM32F103 (medium density)", "stm32f1x", 0x1ffff7e0, 20),
  ST (DBGMCU, 0x414, "STM32F103 (high density)", "stm32f1x", 0x1ffff7e0, 64),
  ST (DBGMCU, 0x422, "STM32F302/F303xB/xC", "stm32f3x", 0x1ffff7cc, 40),
  ST (DBGMCU, 0x446, "STM32F302/F303xD/xE", "stm32f3x", 0x1ffff7cc, 64),
  ST (DBGMCU, 0x413, "STM32F405/407", "stm32f4x", 0x1fff7a22, 128),
  ST (DBGMCU, 0x419, "STM32F42x/43x", "stm32f4x", 0x1fff7a22, 192),
  ST (DBGMCU, 0x423, "STM32F401xB/xC", "stm32f4x", 0x1fff7a22, 64),
  ST (DBGMCU, 0x433, "STM32F401xD/xE", "stm32f4x", 0x1fff7a22, 96),
  ST (DBGMCU, 0x431, "STM32F411", "stm32f4x", 0x1fff7a22, 128),
  ST (DBGMCU, 0x441, "STM32F412", "stm32f4x", 0x1fff7a22, 256),
  ST (DBGMCU, 0x463, "STM32F413/423", "stm32f4x", 0x1fff7a22, 320),
  ST (DBGMCU, 0x421, "STM32F446", "stm32f4x", 0x1fff7a22, 128),
  ST (DBGMCU, 0x449, "STM32F74x/75x", "stm32f7x", 0x1ff0f442, 320),
  ST (DBGMCU, 0x451, "STM32F76x/77x", "stm32f7x", 0x1ff0f442, 512),
  ST (DBGMCU, 0x452, "STM32F72x/73x", "stm32f7x", 0x1ff07a22, 256),
  ST (DBGMCU, 0x415, "STM32L47x/48x", "stm32l4x", 0x1fff75e0, 96),
  ST (DBGMCU, 0x435, "STM32L43x/44x", "stm32l4x", 0x1fff75e0, 48),
  ST (DBGMCU, 0x461, "STM32L49x/4Ax", "stm32l4x", 0x1fff75e0, 320),
  ST (DBGMCU, 0x462, "STM32L45x/46x", "stm32l4x", 0x1fff75e0, 128),
  ST (DBGMCU, 0x470, "STM32L4Rx/4Sx", "stm32l4x", 0x1fff75e0, 640),
  ST (DBGMCU, 0x468, "STM32G431/441", "stm32g4x", 0x1fff75e0, 32),
  ST (DBGMCU, 0x469, "STM32G47x/48x", "stm32g4x", 0x1fff75e0, 128),
  ST (DBGMCU, 0x495, "STM32WB55", "stm32wbx", 0x1fff75e0, 192),
  ST (DBGMCU_M0, 0x448, "STM32F07x", "stm32f0x", 0x1ffff7cc, 16),
  ST (DBGMCU_M0, 0x460, "STM32G07x/08x", "stm32g0x", 0x1fff75e0, 36),
  ST (DBGMCU_M33, 0x472, "STM32L55x/56x", "stm32l5x", 0x0bfa05e0, 256),
  ST (DBGMCU_M33, 0x482, "STM32U575/585", "stm32u5x", 0x0bfa07a0, 768),
  ST (DBGMCU_H7, 0x450, "STM32H743/750/753", "stm32h7x", 0x1ff1e880, 128),
  { NRF_PART, 0xfffff, 0x52832, "nRF52832", "nrf52", 0, 0 },
  { NRF_PART, 0xfffff, 0x52833, "nRF52833", "nrf52", 0, 0 },
  { NRF_PART, 0xfffff, 0x52840, "nRF52840", "nrf52", 0, 0 },
  { RP_CHIP, 0x0fffffff, 0x0002927, "RP2040", "rp2040", 0, 264 }, /* its flash is another chip */
};

void
eng_chip_free (EngChip *chip)
{
  if (chip == NULL)
    return;
  g_free (chip->cpu);
  g_free (chip->machine);
  g_free (chip->name);
  g_free (chip->evidence);
  g_free (chip);
}

/* ---- reading ---- */

static void
add_read (GString *commands, GHashTable *seen, guint32 address)
{
  g_autofree char *name = g_strdup_printf ("%08x", address);

  if (g_hash_table_add (seen, g_strdup (name)))
    g_string_append_printf (commands, "lathe_value %s 0x%s\n", name, name);
}

char *
eng_chip_make_commands (void)
{
  GString *commands = g_string_new ("lathe_mark reading 10\n");
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  static const guint32 all[] = { CPUID, ID_ISAR3, MVFR1, NRF_RAM, NRF_FLASH };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    add_read (commands, seen, all[i]);
  for (guint i = 0; i < G_N_ELEMENTS (chips); i++)
    {
      add_read (commands, seen, chips[i].address);
      if (chips[i].flash_size != 0)
        add_read (commands, seen, chips[i].flash_size & ~3u);
    }
  return g_string_free (commands, FALSE);
}

static gboolean
get_word (GHashTable *values, guint32 address, guint32 *word)
{
  g_autofree char *name = g_strdup_printf ("%08x", address);
  const char *text = g_hash_table_lookup (values, name);
  guint64 value;

  if (text == NULL
      || !g_ascii_string_to_unsigned (g_str_has_prefix (text, "0x") ? text + 2 : text, 16, 0,
                                      G_MAXUINT32, &value, NULL))
    return FALSE;
  *word = (guint32)value;
  return TRUE;
}

/* Arm v7-M and v8-M architecture reference manuals: ID_ISAR3.SIMD is 3 with the DSP extension,
 * MVFR1.MVE is not 0 with the vector extension. Registers that do not exist read as zero. */
static const char *
find_isa (GHashTable *values)
{
  guint32 word;

  if (get_word (values, MVFR1, &word) && (word >> 8 & 15) != 0)
    return "mve";
  if (get_word (values, ID_ISAR3, &word) && (word >> 4 & 15) >= 3)
    return "dsp";
  return "plain";
}

static void
read_sizes (EngChip *chip, const Chip *row, GHashTable *values)
{
  guint32 word;

  chip->ram_bytes = (guint64)row->ram_kb * 1024;
  if (row->address == NRF_PART)
    {
      if (get_word (values, NRF_RAM, &word) && word < 0x10000)
        chip->ram_bytes = (guint64)word * 1024;
      if (get_word (values, NRF_FLASH, &word) && word < 0x10000)
        chip->flash_bytes = (guint64)word * 1024;
    }
  else if (row->flash_size != 0 && get_word (values, row->flash_size & ~3u, &word))
    {
      guint kb = (row->flash_size & 2) != 0 ? word >> 16 : word & 0xffff;
      chip->flash_bytes = kb == 0xffff ? 0 : (guint64)kb * 1024; /* all ones: not programmed */
    }
}

/* The profiles of data/boards that are of chips. */
static const char *
find_board (const char *name)
{
  static const struct
  {
    const char *name, *board;
  } boards[] = { { "STM32F405/407", "stm32f405" }, { "nRF52840", "nrf52840" } };

  for (guint i = 0; i < G_N_ELEMENTS (boards); i++)
    if (strcmp (boards[i].name, name) == 0)
      return boards[i].board;
  return NULL;
}

EngChip *
eng_chip_new (GHashTable *values, GError **error)
{
  g_return_val_if_fail (values != NULL, NULL);

  guint32 cpuid, word;
  const Core *core = NULL;

  if (!get_word (values, CPUID, &cpuid) || cpuid >> 24 != 0x41)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                           "What answers is no Arm Cortex-M: its CPUID register cannot be read");
      return NULL;
    }
  for (guint i = 0; i < G_N_ELEMENTS (cores); i++)
    if (cores[i].part == (cpuid >> 4 & 0xfff))
      core = &cores[i];
  if (core == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "What answers is no known Cortex-M: its CPUID is 0x%08x", cpuid);
      return NULL;
    }
  EngChip *chip = g_new0 (EngChip, 1);
  g_autoptr (GString) evidence = g_string_new (NULL);
  chip->cpu = g_strdup (core->cpu);
  chip->machine = g_strdup (core->machine);
  chip->isa = find_isa (values);
  g_string_append_printf (evidence, "CPUID 0x%08x", cpuid);
  for (guint i = 0; i < G_N_ELEMENTS (chips) && chip->name == NULL; i++)
    if (get_word (values, chips[i].address, &word) && (word & chips[i].mask) == chips[i].id)
      {
        chip->name = g_strdup (chips[i].name);
        chip->target = chips[i].target;
        chip->board = find_board (chips[i].name);
        read_sizes (chip, &chips[i], values);
        g_string_append_printf (evidence, ", id 0x%x at 0x%08x", chips[i].id, chips[i].address);
      }
  if (chip->name == NULL)
    g_string_append (evidence, ", no id that Lathe knows");
  chip->evidence = g_string_free (g_steal_pointer (&evidence), FALSE);
  return chip;
}
