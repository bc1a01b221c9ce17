/* Boards that are emulated on this computer, for who has none: the table of them, and the Linux
 * one. Times are of an emulator, and every run says so. */
#include "transports/eng-link-folder.h"
#include "transports/eng-virtual-board.h"

static const char *const aarch64_programs[] = { "qemu-aarch64-static", "qemu-aarch64", NULL };

static const EngVirtualBoard virtual_aarch64 = {
  .id = "aarch64",
  .title = "Virtual 64-bit Arm board",
  .kind = ENG_BOARD_LINUX,
  .machine = "aarch64",
  .programs = aarch64_programs,
  .remedy = "sudo apt install qemu-user-static",
};

/* Another virtual board is a line here. */
static const EngVirtualBoard *const boards[] = {
  &virtual_aarch64,
  &eng_virtual_cortex_m4,
  &eng_virtual_cortex_m55,
};

const EngVirtualBoard *const *
eng_virtual_boards (guint *n)
{
  *n = G_N_ELEMENTS (boards);
  return boards;
}

const EngVirtualBoard *
eng_virtual_board_of (EngDevice *device)
{
  const char *id = eng_device_get_setting (device, "board");

  for (guint i = 0; i < G_N_ELEMENTS (boards); i++)
    if (g_strcmp0 (boards[i]->id, id) == 0)
      return boards[i];
  return NULL;
}

char *
eng_virtual_board_find_program (const EngVirtualBoard *board)
{
  for (guint i = 0; board->programs[i] != NULL; i++)
    {
      char *path = g_find_program_in_path (board->programs[i]);
      if (path != NULL)
        return path;
    }
  return NULL;
}

/* ---- The transport ---- */

static EngBoardKind
virtual_kind (EngDevice *device)
{
  const EngVirtualBoard *board = eng_virtual_board_of (device);
  return board != NULL ? board->kind : ENG_BOARD_LINUX;
}

static gboolean
virtual_check (EngDevice *device, char **remedy, GError **error)
{
  const EngVirtualBoard *board = eng_virtual_board_of (device);
  if (board == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no virtual board “%s”",
                   eng_device_get_setting (device, "board"));
      return FALSE;
    }
  if (board->check != NULL)
    return board->check (remedy, error);
  g_autofree char *program = eng_virtual_board_find_program (board);
  if (program != NULL)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
               "The emulator of this board (%s) is not installed on this computer",
               board->programs[0]);
  *remedy = g_strdup (board->remedy);
  return FALSE;
}

static char *
virtual_validate (GHashTable *settings)
{
  const char *id = g_hash_table_lookup (settings, "board");

  for (guint i = 0; i < G_N_ELEMENTS (boards); i++)
    if (g_strcmp0 (boards[i]->id, id) == 0)
      return NULL;
  return g_strdup_printf ("There is no virtual board “%s”", id != NULL ? id : "");
}

static EngLink *
virtual_open (EngDevice *device, const EngAsk *ask, GCancellable *cancellable, GError **error)
{
  const EngVirtualBoard *board = eng_virtual_board_of (device);
  g_autofree char *folder = eng_link_folder_of (eng_device_get_id (device));
  g_autofree char *program = eng_virtual_board_find_program (board);

  return eng_link_folder_new (folder, board->machine, program, error);
}

static EngBoard *
virtual_describe (EngDevice *device, GError **error)
{
  const EngVirtualBoard *board = eng_virtual_board_of (device);
  g_return_val_if_fail (board != NULL && board->describe != NULL, NULL);
  return board->describe (device, error);
}

static gboolean
virtual_run_image (EngDevice *device, const char *elf, const char *work, EngLinkData data,
                   gpointer user_data, EngJob *job, GError **error)
{
  const EngVirtualBoard *board = eng_virtual_board_of (device);
  g_return_val_if_fail (board != NULL && board->run_image != NULL, FALSE);
  return board->run_image (device, elf, work, data, user_data, job, error);
}

static const EngTransportField fields[] = {
  { "board", "Board", "Which board is emulated", NULL, FALSE },
  { NULL },
};

const EngTransport eng_transport_virtual = {
  .id = "virtual",
  .title = "Virtual board",
  .summary = "An emulator on this computer: everything is as on a board, but for the times.",
  .fields = fields,
  .is_emulator = TRUE,
  .kind = virtual_kind,
  .check = virtual_check,
  .validate = virtual_validate,
  .open = virtual_open,
  .describe = virtual_describe,
  .run_image = virtual_run_image,
};
