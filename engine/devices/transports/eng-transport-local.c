/* This computer as a device: the runner is a child process, so that a run is alone in its process
 * and a crash in it is a message. */
#include <sys/utsname.h>

#include "eng-runner-file.h"
#include "eng-transport.h"
#include "transports/eng-link-folder.h"

static const char *
local_machine (void)
{
  static struct utsname about;

  return uname (&about) == 0 ? about.machine : "unknown";
}

static gboolean
local_check (EngDevice *device, char **remedy, GError **error)
{
  g_autoptr (EngRunnerFile) file = eng_runner_file_find (local_machine (), error);
  return file != NULL;
}

static EngLink *
local_open (EngDevice *device, const EngAsk *ask, GCancellable *cancellable, GError **error)
{
  g_autofree char *folder = eng_link_folder_of (eng_device_get_id (device));
  return eng_link_folder_new (folder, local_machine (), NULL, error);
}

static EngBoardKind
local_kind (EngDevice *device)
{
  return ENG_BOARD_LINUX;
}

const EngTransport eng_transport_local = {
  .id = "local",
  .title = "This computer",
  .summary = "Runs in a process of its own on this computer: the same program as on a board.",
  .kind = local_kind,
  .check = local_check,
  .open = local_open,
};
