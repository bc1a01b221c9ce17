/* Transports: how a device is reached. One file each behind one table (transports/); the window
 * draws its "add" page from the fields, the command line its flags. */
#pragma once

#include "eng-device.h"
#include "eng-job.h"
#include "eng-link.h"

G_BEGIN_DECLS

typedef struct
{
  const char *key;      /* "host": the setting, and --host */
  const char *title;    /* "Host" */
  const char *hint;     /* one sentence */
  const char *fallback; /* NULL: it must be given */
  gboolean secret;      /* asked for when needed, kept in the keyring */
} EngTransportField;

/* Questions to the user. Called on the worker, which waits for the answer; the window and the
 * command line each bring their own. */
typedef struct
{
  /* A yes or no with what to decide by: the fingerprint of a host never seen before. FALSE: no, or
   * nobody is there to answer. */
  gboolean (*confirm) (EngDevice *device, const char *title, const char *text, gpointer user_data);
  /* A password or code; NULL: none was given. *@keep: whether there is a keyring that it could go
   * to; then whether it may. */
  char *(*secret) (EngDevice *device, const char *title, const char *text, gboolean *keep,
                   gpointer user_data);
  gpointer user_data;
} EngAsk;

/* A device that might be there, and why one thinks so. */
typedef struct
{
  char *name;     /* "raspberrypi" */
  char *evidence; /* "announces _lathe._tcp on 192.168.1.7:4663"; what was seen, no guess */
  GHashTable *settings;
} EngCandidate;

void eng_candidate_free (EngCandidate *candidate);

struct _EngTransport
{
  const char *id;                  /* "ssh" */
  const char *title;               /* "SSH" */
  const char *summary;             /* one sentence: which boards, and what they need */
  const EngTransportField *fields; /* ends with a NULL key; NULL: none */
  gboolean can_add;                /* the user adds devices of it; FALSE: built in */
  gboolean is_emulator;            /* its boards are, whether or not they say so */

  /* The kind of board that @device is. */
  EngBoardKind (*kind) (EngDevice *device);
  /* What is missing on this computer: G_IO_ERROR_NOT_FOUND, and *@remedy (newly allocated) the
   * command that brings it. NULL: nothing is ever. */
  gboolean (*check) (EngDevice *device, char **remedy, GError **error);
  /* NULL: these settings can be a device; else which is wrong (newly allocated). May be NULL. */
  char *(*validate) (GHashTable *settings);
  /* Candidates (EngCandidate), within five seconds. NULL: it cannot search. */
  GPtrArray *(*search) (GCancellable *cancellable, GError **error);

  /* What is kept elsewhere under the device's id (secrets, pairings) goes. NULL: nothing is. */
  void (*forget) (EngDevice *device);
  /* The setting, learned at a contact, that is the same however one device was added; NULL: there
   * is none. */
  const char *identity;
  /* @gone is the same device as @kept, and leaves the list: what is kept elsewhere under its id
   * becomes @kept's where @take, and goes. NULL: nothing is. */
  void (*merge) (EngDevice *kept, EngDevice *gone, gboolean take);

  /* Linux boards. The link gives up by itself (TIMED_OUT) when connecting takes over 15 seconds;
   * what happens later is watched by who uses it, through the cancellable. */
  EngLink *(*open) (EngDevice *device, const EngAsk *ask, GCancellable *cancellable,
                    GError **error);

  /* The builds that a board keeps (eng-board-builds.h): EngBoardBuild, the one that ran last first;
   * after @name, or (NULL) the one before the current one, has become current. @link: of this
   * transport. NULL: none are kept. */
  GPtrArray *(*list_builds) (EngLink *link, GCancellable *cancellable, GError **error);
  GPtrArray *(*roll_back) (EngLink *link, const char *name, GCancellable *cancellable,
                           GError **error);

  /* Microcontrollers: what it is, without touching it; then run an image (an ELF file that prints
   * telemetry through semihosting and reads the file @work) until it ends. */
  EngBoard *(*describe) (EngDevice *device, GError **error);
  gboolean (*run_image) (EngDevice *device, const char *elf, const char *work, EngLinkData data,
                         gpointer user_data, EngJob *job, GError **error);
};

/* Those that this program was built with. */
const EngTransport *const *eng_transports (guint *n);
const EngTransport *eng_transport_find (const char *id); /* NULL: none */
/* One more, at the start of a program, before any thread: a test's board of its own. Borrowed. */
void eng_transport_add (const EngTransport *transport);

extern const EngTransport eng_transport_local;
extern const EngTransport eng_transport_virtual;
extern const EngTransport eng_transport_ssh;
extern const EngTransport eng_transport_agent;
extern const EngTransport eng_transport_probe;

G_END_DECLS
