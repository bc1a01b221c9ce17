/* Which microcontroller answers: what its identification registers say, read through a debug probe.
 * Reading them neither stops the processor nor changes anything. For the transport "probe". */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  char *cpu;          /* "Cortex-M4" */
  char *machine;      /* "cortex-m4" */
  const char *isa;    /* what its kernels may use: "plain", "dsp", "mve" */
  char *name;         /* "STM32F405/407"; NULL: not in the table */
  const char *target; /* OpenOCD's script for it, "stm32f4x"; NULL: not known */
  const char *board;  /* in data/boards: what programs for it are built with; NULL: none yet */
  guint64 flash_bytes, ram_bytes; /* 0: not known */
  char *evidence;                 /* "CPUID 0x410fc241, device id 0x413 at 0xe0042000" */
} EngChip;

void eng_chip_free (EngChip *chip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EngChip, eng_chip_free)

/* Commands for eng_openocd_run() that read all registers of the table; newly allocated. */
char *eng_chip_make_commands (void);

/* What the registers say. @values: name -> "0x410fc241", as they were told; what could not be read
 * is absent. G_IO_ERROR_NOT_FOUND: no Arm Cortex-M answered. */
EngChip *eng_chip_new (GHashTable *values, GError **error);

G_END_DECLS
