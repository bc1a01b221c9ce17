/* The transport "probe" in parts: what is plugged in (eng-transport-probe-search.c), what is done
 * with it (eng-transport-probe.c). */
#pragma once

#include "eng-transport.h"
#include "eng-usb.h"

G_BEGIN_DECLS

/* A sort of debug probe. */
typedef struct
{
  const char *interface; /* OpenOCD's interface script, the setting "interface" */
  const char *title;     /* "ST-Link" */
} EngProbeKind;

/* What @device is, and why (*@why, newly allocated); NULL: no debug probe that is known. */
const EngProbeKind *eng_probe_kind_of (const EngUsbDevice *device, char **why);

/* Candidates (EngCandidate) below @root ("" for this computer). */
GPtrArray *eng_probe_search (const char *root);

/* The probe of the settings among @usb; NULL: it is not plugged in, or its interface script is none
 * of the table's, which only OpenOCD can find. */
const EngUsbDevice *eng_probe_find (const GPtrArray *usb, const char *interface,
                                    const char *serial);

/* The command that lets this user use @device, for as long as the computer has the rule. */
char *eng_probe_dup_udev_remedy (const EngUsbDevice *device);

G_END_DECLS
