/* The virtual boards of the transport "virtual": one row each. A row is a Linux board (a user-mode
 * emulator runs the runner) or a microcontroller (a machine emulator runs an image). */
#pragma once

#include "eng-transport.h"

G_BEGIN_DECLS

typedef struct
{
  const char *id;    /* the setting "board"; the device is "virtual-<id>" */
  const char *title; /* "Virtual Cortex-M4 board" */
  EngBoardKind kind;
  const char *machine;         /* "aarch64"; of a microcontroller "cortex-m4" */
  const char *const *programs; /* one of them must be here; ends with NULL */
  const char *remedy;          /* the command that brings them */

  /* Whether all that it needs is on this computer, as in EngTransport; NULL: one of the
   * programs. */
  gboolean (*check) (char **remedy, GError **error);
  /* Microcontrollers, as in EngTransport; NULL: Linux. */
  EngBoard *(*describe) (EngDevice *device, GError **error);
  gboolean (*run_image) (EngDevice *device, const char *elf, const char *work, EngLinkData data,
                         gpointer user_data, EngJob *job, GError **error);
} EngVirtualBoard;

extern const EngVirtualBoard eng_virtual_cortex_m4, eng_virtual_cortex_m55;

const EngVirtualBoard *const *eng_virtual_boards (guint *n);
const EngVirtualBoard *eng_virtual_board_of (EngDevice *device); /* NULL: none such */
/* The first of its programs that is here; NULL: none. Free it. */
char *eng_virtual_board_find_program (const EngVirtualBoard *board);

G_END_DECLS
